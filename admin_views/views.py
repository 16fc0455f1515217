"""Saved views on screen: one's own, and those that others share; made on the lists themselves."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import Select
from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import Named, OneOf, YesNo, of_vendor
from admin_views.forms import Check, Saving, Text
from admin_views.lists import Col, Sort
from admin_views.loaders import who_did
from admin_views.rendering import word
from app.operations import views
from app.tenancy import current_actor
from models.views import SavedView
from reports.registry import all_reports

SCREENS = {
    "customers": ("Customers", "/admin/customer/list"),
    "booking": ("Bookings", "/admin/booking/list"),
    "order": ("Orders", "/admin/order/list"),
    "task": ("Tasks", "/admin/task/list"),
    **{
        f"report:{report.slug}": (report.title, f"/admin/reports/{report.slug}")
        for report in all_reports().values()
    },
}
"""What a view is of: the list's name and its address."""
MADE_ON_LISTS = "A view is made on its list: set filters there, then save them under a name."


def screen(view: SavedView) -> str:
    """The list's name."""
    return SCREENS[view.screen][0] if view.screen in SCREENS else word(view.screen)


def asks_for(view: SavedView) -> str | None:
    """Which filters it sets: Status, city."""
    names = dict.fromkeys(name for name, _ in parse_qsl(view.query))
    return word(", ".join(n.replace("_", " ") for n in names)) if names else None


def is_own(view: SavedView) -> bool:
    """Whether the one who looks has made it."""
    return view.user_id == current_actor().user_id


class SavedViewView(HouseView, model=SavedView):
    """The tabs of lists: renamed, shared, removed."""

    name, name_plural, icon, category = "Saved view", "Saved views", "ti ti-bookmark", "Data"
    hint = MADE_ON_LISTS
    can_create = False
    columns = (
        Col("name", "Name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("screen", "List", value=screen),
        Col("query", "Filters", value=asks_for),
        Col("who", "Whose"),
        Col("is_shared", "Shared", "bool"),
        Col("updated_at", "Changed", "moment"),
    )
    sorts = declared(newest=Sort(SavedView.id, descending=True))
    searched = (SavedView.name,)
    filters = (
        OneOf(
            "screen", "List", SavedView.screen, icon="list",
            words=tuple((key, name) for key, (name, _) in SCREENS.items()),
        ),
        Named(
            "whose", "Whose", icon="user",
            conditions=(
                ("mine", "Mine", lambda: SavedView.user_id == current_actor().user_id),
                ("others", "Others'", lambda: SavedView.user_id != current_actor().user_id),
            ),
        ),
        YesNo("shared", "Shared", SavedView.is_shared, icon="users"),
        of_vendor(SavedView.vendor_id),
    )  # fmt: skip
    details = (
        (
            "View",
            (
                Col("screen", "List", value=screen),
                Col("query", "Filters", value=asks_for),
                Col("is_shared", "Shared"),
                Col("created_at", "Made", "moment"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=views.LONGEST_NAME),
        is_shared=Check("Everybody here sees it", default=False),
    )
    stays = "What it shows stays as it is; the trail of changes stays."
    deletes_with = staticmethod(lambda session, number: views.drop(session, view_id=number))
    empty = declared(icon="bookmark", title="No saved views yet", text=MADE_ON_LISTS)

    def rows(self, session: Session) -> Select[Any]:
        """One's own and the shared ones."""
        return views.seen()

    def loaded(self, session: Session, number: int) -> Any:
        """The view, if it is one's own or shared."""
        return session.scalars(views.seen().where(SavedView.id == number)).first()

    def may_edit(self, record: Any) -> bool:
        """Only one's own."""
        return is_own(record)

    may_delete = may_edit

    def drawn_rows(self, session: Session, request: Request, records: Any) -> Any:
        """The rows with the names of those who made them."""
        drawn = super().drawn_rows(session, request, records)
        people = who_did(session, records)
        for row, record in zip(drawn, records, strict=True):
            row["cells"]["who"] = "me" if is_own(record) else people[record.user_id]
        return drawn

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """Rename and share by the operations."""
        views.rename(session, view_id=record.id, name=values["name"])
        views.share(session, view_id=record.id, shared=values["is_shared"])

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Whose it is, and the way to the list as it asks for it."""
        who = "me" if is_own(record) else who_did(session, [record])[record.user_id]
        known = SCREENS.get(record.screen)
        here = record.vendor_id == current_actor().vendor_id
        url = f"{known[1]}?{record.query}" if known and here else None
        return {
            "marks": [("user", who)],
            "buttons": [{"title": "Open the list", "url": url, "icon": "list"}] if url else [],
        }


VIEWS = [SavedViewView]
