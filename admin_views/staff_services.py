"""Who does which service on screen, in their own time and for their own price."""

from typing import Any

from sqlalchemy.orm import joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import of_vendor
from admin_views.forms import Amount, Pick, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import ALL_SERVICES, STAFF
from admin_views.parts import Part, of_its_own
from admin_views.rendering import minutes, money
from models.services import StaffService

A_YEAR = 366 * 24 * 60


def _own_minutes(row: Any) -> str:
    own = row.duration_minutes
    return minutes(own) if own else f"{minutes(row.service.duration_minutes)}, as for everybody"


def _own_price(row: Any) -> str:
    return money(row.price) if row.price is not None else f"{money(row.service.price)}, as for all"


def _own_terms(row: Any) -> str:
    own = (minutes(row.duration_minutes) if row.duration_minutes else None,
           money(row.price) if row.price is not None else None)  # fmt: skip
    return " · ".join(part for part in own if part)


class StaffServiceView(HouseView, model=StaffService):
    """Who does which service; reached from the pages of both."""

    name, name_plural, icon = "Who does it", "Who does what", "ti ti-user-check"
    category, noun = "Schedule", "line"
    columns = (
        Col("staff", "Who", value=lambda s: s.staff_member.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("service", "Service", value=lambda s: s.service.name),
        Col("duration_minutes", "Own minutes", "number", numeric=True),
        Col("price", "Own price", "money", numeric=True),
    )
    sorts = declared(newest=Sort(StaffService.id, descending=True))
    loads = (joinedload(StaffService.service), joinedload(StaffService.staff_member))
    filters = (of_vendor(StaffService.vendor_id),)
    details = (
        (
            "Who does it",
            (
                Col("staff", "Who", value=lambda s: s.staff_member.name),
                Col("service", "Service", value=lambda s: s.service.name),
                Col("duration_minutes", "Lasts", value=_own_minutes),
                Col("price", "Price", value=_own_price),
            ),
        ),
    )
    fields = declared(
        service=Pick("Service", ALL_SERVICES, wanted=True),
        staff=Pick("Who", STAFF, wanted=True),
        duration_minutes=Whole(
            "Own minutes", low=1, high=A_YEAR, hint="Empty: as long as the service lasts"
        ),
        price=Amount("Own price", hint="Empty: the service's price"),
    )
    stays = (
        "They are not booked for it any more; of a service of which nobody is named, everybody is."
    )

    def is_visible(self, request: Request) -> bool:
        """Not in the menu: the service's page leads here."""
        return False

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """Who and what stands; the time and the price can change."""
        return of_its_own(super().form_fields(record), record, ("duration_minutes", "price"))


DONE_BY = Part(
    "Who does it", StaffService, StaffService.service_id, "staff-service", "service",
    lambda row: {"title": row.staff_member.name, "sub": _own_terms(row)},
    (joinedload(StaffService.staff_member),), "everybody who works here",
)  # fmt: skip
DOES = Part(
    "What they do", StaffService, StaffService.staff_id, "staff-service", "staff",
    lambda row: {"title": row.service.name, "sub": _own_terms(row)},
    (joinedload(StaffService.service),), "every service of which nobody is named",
)  # fmt: skip

VIEWS = [StaffServiceView]
