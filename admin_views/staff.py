"""Staff members on screen."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views.access import allowed
from admin_views.base import HouseView, declared
from admin_views.filters import Named, YesNo, of_vendor
from admin_views.forms import Check, Email, Phone, Text
from admin_views.lists import Col, Sort
from admin_views.parts import hours_button, related_card
from admin_views.staff_services import DOES
from app import clock
from app.operations import staff
from app.tenancy import current_actor
from models.staff import StaffMember
from reports import troubles


def _time_off(record: StaffMember) -> list[dict[str, Any]]:
    """The way to their time off, for who may take it."""
    if not (record.is_active and allowed(current_actor().panel_role, "time-off", "create")):
        return []
    url = f"/admin/time-off/create?staff={record.id}"
    return [{"title": "Time off", "url": url, "icon": "beach"}]


def _hourless() -> Any:
    return troubles.has_no_hours(clock.now().date())


class StaffView(HouseView, model=StaffMember):
    """The people who work for a vendor and can be booked."""

    name, name_plural, icon, category = "Staff member", "Staff", "ti ti-id-badge-2", "Catalogue"
    columns = (
        Col("name", "Name", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("title", "Title"),
        Col("phone", "Phone", "phone"),
        Col("email", "E-mail", "email"),
        Col("is_active", "Works here", "bool"),
    )
    sorts = declared(name=Sort(StaffMember.name), newest=Sort(StaffMember.id, descending=True))
    searched = (StaffMember.name, StaffMember.email)
    search_hint = "Search name or e-mail"
    filters = (
        of_vendor(StaffMember.vendor_id),
        YesNo("active", "Works here", StaffMember.is_active),
        Named(
            "hours", "Hours", icon="clock-off",
            conditions=(("none", "No working hours", _hourless),),
        ),
    )  # fmt: skip
    details = (
        (
            "Contact",
            (
                Col("title", "Title"),
                Col("phone", "Phone", "phone"),
                Col("email", "E-mail"),
                Col("is_active", "Works here"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True),
        title=Text("Title", hint="What customers read, such as Colourist"),
        phone=Phone("Phone"),
        email=Email("E-mail"),
        is_active=Check(
            "Works here and can be booked",
            hint="Without it their calendar address ends, for good",
        ),
    )
    changes_with = staticmethod(staff.change)
    stays = "Bookings and tasks must be given to somebody else first; the trail of changes stays."

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What they do, and the way to their hours."""
        return {
            "related": [related_card(session, request, DOES, record)],
            "buttons": [
                *hours_button(record, f"staff-{record.id}"),
                *_time_off(record),
            ],
        }


VIEWS = [StaffView]
