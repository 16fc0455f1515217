"""Terms: what calling off and not coming cost, and how often a customer may move a booking."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from sqlalchemy import ScalarSelect, Text, cast, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased

from app.errors import DomainError
from app.money import rounded
from models.bookings import CancelledBy
from models.policies import CancellationPolicy
from models.services import Service

Terms = dict[str, Any]
"""A policy as it is frozen on a booking; percentages are words, since JSON has no decimals."""

GRACE_MINUTES = 15
"""How long after its end a booking without terms asks for an outcome."""

_NUMBERS = ("free_hours", "late_hours", "max_moves", "grace_minutes")
_PERCENTS = ("late_percent", "last_percent", "no_show_percent")
_FREE = Decimal(0)
_PARTS = {
    Decimal(25): "a quarter of the price",
    Decimal(50): "half the price",
    Decimal(75): "three quarters of the price",
    Decimal(100): "the whole price",
}


class MovedTooOften(DomainError):
    sentence = (
        "By its terms the customer may move this booking {times}, and has:"
        " cancel it and book another time."
    )
    field = "starts_at"


class MayNotMove(DomainError):
    sentence = (
        "By its terms the customer cannot move this booking: cancel it and book another time."
    )
    field = "starts_at"


@dataclass(frozen=True, slots=True)
class Fee:
    """What would be owed: a part of the price, the amount, and why, in a sentence."""

    percent: Decimal
    amount: Decimal
    sentence: str


def frozen(vendor_id: Any, service_id: Any) -> ScalarSelect[Terms | None]:
    """The terms of a service as an expression: its own, else those of all services."""
    policy = aliased(CancellationPolicy)
    parts = [(name, getattr(policy, name)) for name in _NUMBERS]
    parts += [(name, cast(getattr(policy, name), Text)) for name in _PERCENTS]
    return (
        select(func.jsonb_build_object(*chain.from_iterable(parts), type_=JSONB))
        .where(policy.vendor_id == vendor_id)
        .where(or_(policy.service_id == service_id, policy.service_id.is_(None)))
        .order_by(policy.service_id.nulls_last())
        .limit(1)
        .scalar_subquery()
    )


def terms_of(session: Session, *, service_id: int) -> Terms | None:
    """The terms that a booking of this service is made under now; None when none are set."""
    return session.scalar(
        select(frozen(Service.vendor_id, Service.id)).where(Service.id == service_id)
    )


def of_cancelling(
    terms: Terms | None, *, price: Decimal, starts_at: datetime, at: datetime, by: str
) -> Fee:
    """What calling off at `at` costs a booking of `price` that begins at `starts_at`.

    Only customers pay for it; hours are elapsed hours, whatever the clocks do meanwhile.
    """
    if by != CancelledBy.CUSTOMER:
        return _nothing("Cancelling costs the customer nothing: the business calls it off.")
    if terms is None:
        return _nothing("Cancelling now costs nothing: no terms were agreed.")
    free, left = terms["free_hours"], starts_at - at
    if left >= timedelta(hours=free):
        why = f"it is at least {_hours(free)} before" if free else "it has not begun"
        return _nothing(f"Cancelling now costs nothing: {why}.")
    percent, why = _late(terms, left)
    amount = _share(price, percent)
    cost = f"{amount:,.2f}: {_part(percent)}, because {why}" if amount else "nothing"
    return Fee(percent, amount, f"Cancelling now costs {cost}.")


def of_not_coming(terms: Terms | None, *, price: Decimal) -> Fee:
    """What a customer owes who does not come."""
    percent = Decimal(terms["no_show_percent"]) if terms else _FREE
    amount = _share(price, percent)
    cost = f"{amount:,.2f}: {_part(percent)}" if amount else "nothing"
    return Fee(percent, amount, f"Not coming costs {cost}.")


def check_moves(terms: Terms | None, *, moves: int) -> None:
    """Refuse one more move by a customer who has moved the booking `moves` times."""
    most = terms["max_moves"] if terms else None
    if most is None or moves < most:
        return
    if most == 0:
        raise MayNotMove
    raise MovedTooOften(times="once" if most == 1 else f"{most} times")


def _nothing(sentence: str) -> Fee:
    return Fee(_FREE, Decimal("0.00"), sentence)


def _late(terms: Terms, left: timedelta) -> tuple[Decimal, str]:
    """The percentage that holds with so little time left, and why."""
    free, late = terms["free_hours"], terms["late_hours"]
    if left >= timedelta(hours=late):
        return Decimal(terms["late_percent"]), f"it is less than {_hours(free)} before"
    why = "it has begun" if left <= timedelta(0) else f"it is less than {_hours(late)} before"
    return Decimal(terms["last_percent"]), why


def _hours(count: int) -> str:
    return "1 hour" if count == 1 else f"{count} hours"


def _share(price: Decimal, percent: Decimal) -> Decimal:
    return rounded(price * percent / 100)


def _part(percent: Decimal) -> str:
    return _PARTS.get(percent) or f"{percent.normalize():f}% of the price"
