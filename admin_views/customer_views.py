"""Saved views of the customers list: tabs with counts, kept under a name, one click away."""

import functools
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
from sqladmin import expose
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import customer_counts
from admin_views.access import needs
from admin_views.base import HouseView
from admin_views.customer_commands import fields
from admin_views.customer_filters import Asked
from admin_views.customer_side import may
from admin_views.lists import Pairs
from admin_views.loaders import record_id
from admin_views.rendering import say
from admin_views.saving import sentence_of
from app.errors import NotFound
from app.operations import views
from app.operations.matching import Count, Filters
from app.tenancy import DatabaseRole, current_actor
from app.transact import in_transaction

BASE = "/admin/customer"
SCREEN = "customers"
MOST_TABS = 12


@dataclass(frozen=True)
class Tab:
    """A view as a tab: its name, its address, and for one's own the id."""

    name: str
    query: str
    id: int | None = None

    @property
    def pairs(self) -> Pairs:
        """The filters and the order, in one spelling and one sequence."""
        return _read(self.query, current_actor().role)[0]

    @property
    def filters(self) -> Filters:
        """Whom it asks for."""
        return _read(self.query, current_actor().role)[1]


BUILT_IN = (
    Tab("All", ""),
    Tab("Active", "status=active"),
    Tab("Pending follow-up", "status=pending_follow_up"),
    Tab("Newest", "sort=newest"),
)


def canonical(asked: Asked) -> Pairs:
    """What is asked for, in one sequence; the usual order goes without saying."""
    return sorted(p for p in asked.query if p != ("sort", "activity"))


@functools.lru_cache(maxsize=2_000)
def _read(query: str, _: DatabaseRole) -> tuple[Pairs, Filters]:
    """A view's address, read once a role: inside a vendor it says less."""
    asked = Asked.read(QueryParams(query))
    return canonical(asked), asked.filters


def all_tabs(session: Session) -> list[Tab]:
    """Every tab, in order."""
    me = current_actor().user_id
    return [
        *BUILT_IN,
        *(
            Tab(v.name, v.query, v.id if v.user_id == me else None)
            for v in views.listed(session, screen=SCREEN)[:MOST_TABS]
        ),
    ]


def tabs(session: Session, request: Request, asked: Asked, found: Count) -> dict[str, Any]:
    """The tabs and what saves the filters in force; counts only where they are known."""
    here = canonical(asked)
    drawn = [_drawn(session, tab, tab.pairs == here, found) for tab in all_tabs(session)]
    shown: dict[str, Any] = {"views": drawn}
    if any(not v["count_text"] for v in drawn if v["counted"]):
        shown["view_counts_url"] = f"{BASE}/view-counts"
    if here and may("views"):
        kept = urlencode(here)
        shown["save_view"] = {"url": f"{BASE}/views/save", "hidden": [("query", kept)]}
    return shown


def _drawn(session: Session, tab: Tab, active: bool, found: Count) -> dict[str, Any]:
    counted = bool(tab.query and tab.filters)
    text = customer_counts.known_text(session, tab.filters) if counted else ""
    return {
        "name": tab.name,
        "url": f"{BASE}/list" + (f"?{urlencode(tab.pairs)}" if tab.pairs else ""),
        "active": active,
        "counted": counted,
        "count_text": str(found) if active and counted else text,
        "delete_url": f"{BASE}/views/{tab.id}/remove" if tab.id else None,
    }


def counts(session: Session) -> list[str]:
    """The counts of all tabs, in their order; nothing for a tab without a condition."""
    every = all_tabs(session)
    asked = [tab.filters for tab in every]
    counted = [f for f in asked if f]
    texts = iter(customer_counts.texts(session, counted))
    return [next(texts) if f else "" for f in asked]


class CustomerViews(HouseView):
    """Keeping and removing views of the list of `CustomerView`."""

    @expose("/views/save", methods=["POST"])
    @needs("views")
    async def save_view(self, request: Request) -> Response:
        """Keep the filters in force under a name."""
        posted = await fields(request, "name", "query")
        kept = urlencode(canonical(Asked.read(QueryParams(posted["query"][:4000]))))
        save = functools.partial(
            in_transaction, views.save, screen=SCREEN, name=posted["name"], query=kept
        )
        try:
            view = await anyio.to_thread.run_sync(save)
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
        else:
            say(request, f"The view “{view.name}” is saved.")
        return RedirectResponse(f"{BASE}/list" + (f"?{kept}" if kept else ""), 303)

    @expose("/views/{view}/remove", methods=["POST"])
    @needs("views")
    async def remove_view(self, request: Request) -> Response:
        """Remove one's own view; customers stay as they are."""
        which = record_id(request.path_params["view"])
        if which is None:
            raise HTTPException(404)
        drop = functools.partial(in_transaction, views.drop, view_id=which)
        try:
            await anyio.to_thread.run_sync(drop)
        except NotFound:
            raise HTTPException(404) from None
        say(request, "The view is removed; the customers stay as they are.")
        return RedirectResponse(f"{BASE}/list", 303)
