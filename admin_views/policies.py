"""Cancellation terms on screen: of one service, or of all that have none of their own."""

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session, joinedload

from admin_views.base import HouseView, declared
from admin_views.filters import of_vendor
from admin_views.forms import Amount, Pick, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import ALL_SERVICES
from app.errors import DomainError
from models.policies import CancellationPolicy

A_MONTH = 31 * 24


class LateBeforeFree(DomainError):
    sentence = (
        "Late cannot begin before it stops being free: write at most {free} hours,"
        " or more hours above."
    )
    field = "late_hours"


class Percent(Amount):
    """A part of the price, from 0 to 100 in hundredths."""

    def __init__(self, label: str, **kw: Any):
        super().__init__(label, decimals=2, **kw)

    def read(self, text: str) -> Any:
        """The percentage."""
        value = super().read(text.removesuffix("%").strip())
        if value > 100:
            raise ValueError("This is more than the whole price: write at most 100.")
        return value

    def written(self, value: Any) -> str:
        """50 or 12.5, as one would type it again."""
        return f"{Decimal(value).normalize():f}"


def percent(value: Any) -> str:
    """50 %."""
    return f"{Decimal(value).normalize():f} %"


def _for(policy: Any) -> str:
    return policy.service.name if policy.service else "All services"


def _times(most: int | None) -> str:
    if most is None:
        return "as often as they like"
    return {0: "never", 1: "once"}.get(most, f"{most} times")


def _check(values: dict[str, Any]) -> None:
    if values["late_hours"] > values["free_hours"]:
        raise LateBeforeFree(free=values["free_hours"])


class PolicyView(HouseView, model=CancellationPolicy):
    """What calling off late and not coming cost."""

    name, name_plural = "Cancellation terms", "Cancellation terms"
    icon, category, noun = "ti ti-calendar-x", "Schedule", "terms"
    hint = "Frozen on a booking when it is made; the customer is told before cancelling"
    columns = (
        Col("service", "For", value=_for),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("free_hours", "Free until", value=lambda p: f"{p.free_hours} h before"),
        Col("late_percent", "Late", numeric=True, value=lambda p: percent(p.late_percent)),
        Col("last_percent", "Last hours", numeric=True, value=lambda p: percent(p.last_percent)),
        Col("no_show_percent", "No-show", numeric=True, value=lambda p: percent(p.no_show_percent)),
    )
    sorts = declared(newest=Sort(CancellationPolicy.id, descending=True))
    filters = (of_vendor(CancellationPolicy.vendor_id),)
    loads = (joinedload(CancellationPolicy.service),)
    details = (
        (
            "Calling off",
            (
                Col("service", "For", value=_for),
                Col("free_hours", "Free until", value=lambda p: f"{p.free_hours} hours before"),
                Col("late_hours", "Late until", value=lambda p: f"{p.late_hours} hours before"),
                Col("late_percent", "Late costs", value=lambda p: percent(p.late_percent)),
                Col("last_percent", "Later costs", value=lambda p: percent(p.last_percent)),
            ),
        ),
        (
            "Moving and not coming",
            (
                Col(
                    "no_show_percent", "Not coming costs",
                    value=lambda p: percent(p.no_show_percent),
                ),
                Col("max_moves", "A customer may move it", value=lambda p: _times(p.max_moves)),
                Col("grace_minutes", "Asks for an outcome after", "minutes"),
            ),
        ),
    )  # fmt: skip
    fields = declared(
        service=Pick(
            "For the service", ALL_SERVICES, hint="Empty: all that have none of their own"
        ),
        free_hours=Whole("Free until, hours before", high=A_MONTH, wanted=True, default=24),
        late_hours=Whole("Late until, hours before", high=A_MONTH, wanted=True, default=0),
        late_percent=Percent("Late costs, percent of the price", wanted=True, default=0),
        last_percent=Percent("Later costs, percent of the price", wanted=True, default=0),
        no_show_percent=Percent("Not coming costs, percent", wanted=True, default=0),
        max_moves=Whole(
            "A customer may move it, times", high=100, hint="Empty: as often as they like"
        ),
        grace_minutes=Whole(
            "Minutes after its end until it asks for an outcome", high=24 * 60, wanted=True,
            default=15,
        ),
    )  # fmt: skip
    form_sections = (
        ("For what", ("service",)),
        ("Calling off", ("free_hours", "late_hours", "late_percent", "last_percent")),
        ("Moving and not coming", ("no_show_percent", "max_moves", "grace_minutes")),
    )
    stays = "Bookings that were made under these terms keep them."
    empty = declared(
        icon="calendar-x", title="No cancellation terms yet",
        text="Without terms calling off costs nothing. Say what being late or not coming costs.",
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Terms of Haircut."""
        return str(record)

    def create_record(self, session: Session, values: dict[str, Any], *more: Any) -> Any:
        """The terms, if their hours follow each other."""
        _check(values)
        return super().create_record(session, values, *more)

    def change_record(self, session: Session, record: Any, *given: Any) -> None:
        """The same for those that are there."""
        _check(given[0])
        super().change_record(session, record, *given)


VIEWS = [PolicyView]
