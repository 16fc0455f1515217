"""Saved views of the customers list: tabs with counts, kept under a name, one click away."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams
from starlette.requests import Request

from admin_views import customer_counts
from admin_views.access import allowed
from admin_views.customer_filters import Asked
from admin_views.lists import Pairs
from app.operations.matching import Count, Filters
from app.tenancy import current_actor
from models.views import SavedView

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
        return canonical(Asked.read(QueryParams(self.query)))

    @property
    def filters(self) -> Filters:
        """Whom it asks for."""
        return Asked.read(QueryParams(self.query)).filters


BUILT_IN = (
    Tab("All", ""),
    Tab("Active", "status=active"),
    Tab("Pending follow-up", "status=pending_follow_up"),
    Tab("Newest", "sort=newest"),
)


def canonical(asked: Asked) -> Pairs:
    """What is asked for, in one sequence; the usual order goes without saying."""
    return sorted(p for p in asked.query if p != ("sort", "activity"))


def saved(session: Session) -> list[SavedView]:
    """The views of whoever acts, and those shared where they stand."""
    actor = current_actor()
    mine = or_(SavedView.user_id == actor.user_id, SavedView.is_shared)
    found = (
        select(SavedView)
        .where(
            SavedView.screen == SCREEN,
            mine,
            SavedView.vendor_id.is_not_distinct_from(actor.vendor_id),
        )
        .order_by(SavedView.position, SavedView.id)
        .limit(MOST_TABS)
    )
    return list(session.scalars(found))


def all_tabs(session: Session) -> list[Tab]:
    """Every tab, in order."""
    return [*BUILT_IN, *(Tab(v.name, v.query, v.id) for v in saved(session))]


def tabs(session: Session, request: Request, asked: Asked, found: Count) -> dict[str, Any]:
    """The tabs and what saves the filters in force; counts only where they are known."""
    here = canonical(asked)
    drawn = [_drawn(session, tab, tab.pairs == here, found) for tab in all_tabs(session)]
    shown: dict[str, Any] = {"views": drawn}
    if any(not v["count_text"] for v in drawn if v["counted"]):
        shown["view_counts_url"] = f"{BASE}/view-counts"
    if here and allowed(current_actor().panel_role, "customer", "views"):
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


def read_query(text: str) -> Pairs:
    """The pairs of a posted address, as far as the list knows them."""
    pairs = parse_qsl(text[:4000], keep_blank_values=False, max_num_fields=200)
    return canonical(Asked.read(QueryParams(pairs)))
