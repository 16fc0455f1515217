"""When a coupon holds: who buys, when, where, what and for how much; each no is one sentence."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app import clock, days
from app.errors import DomainError
from app.operations import segments
from app.operations.cheaper import Line
from app.operations.items import ITEMS
from app.operations.prices import NOTHING
from app.operations.rungs import Asked
from app.operations.truth import SETTLED
from models.bookings import Booking, BookingStatus
from models.categories import Category
from models.coupons import Coupon, CouponKind, CouponTarget, TargetPart
from models.customers import Customer
from models.orders import LineKind, Order, OrderLine
from models.packages import Package
from models.products import Variant
from models.services import Service
from models.tags import CustomerTag
from models.vendors import Vendor

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Ended(DomainError):
    sentence = "{code} has ended: remove it."


class NotYet(DomainError):
    sentence = "{code} begins on {at}: remove it until then."


class Elsewhere(DomainError):
    sentence = "{code} is for {channels} only: remove it."


class OutOfHours(DomainError):
    sentence = "{code} is for {hours} only: remove it, or sell it then."


class NobodyKnown(DomainError):
    sentence = "{code} is for known customers: choose the customer first, or remove it."


class WasHere(DomainError):
    sentence = "{code} is for a first visit, and {who} was here before: remove it."


class NoBirthday(DomainError):
    sentence = "{code} is for birthdays, and it is not that of {who} now: remove it."


class NotTagged(DomainError):
    sentence = "{code} is for customers tagged “{tag}”, and {who} is not: remove it."


class NotAmong(DomainError):
    sentence = "{code} is for “{segment}”, and {who} is not among them: remove it."


class NotRead(DomainError):
    sentence = (
        "{code} is for “{segment}”, and whom that means cannot be read any more: mend that segment,"
        " or remove the code."
    )


class SpendMore(DomainError):
    sentence = "{code} needs items for {minimum:,.2f}: add {more:,.2f} more, or remove it."


class NotAbout(DomainError):
    sentence = "{code} is for {what}, and nothing of it is here: add it, or remove the code."


@dataclass(frozen=True)
class Case:
    """An order as coupons see it: its items with what they cost by now, its buyer, the moment."""

    session: Session
    order: Order
    items: Sequence[OrderLine]
    asked: Asked

    @cached_property
    def zone(self) -> ZoneInfo:
        """The vendor's."""
        named = select(Vendor.time_zone).where(Vendor.id == self.order.vendor_id)
        return ZoneInfo(self.session.scalars(named).one())

    @cached_property
    def now(self) -> datetime:
        """This moment on the vendor's clock."""
        return clock.now().astimezone(self.zone)

    @cached_property
    def customer(self) -> Customer | None:
        """Who buys, if that is known."""
        number = self.order.customer_id
        return None if number is None else self.session.get(Customer, number)

    @cached_property
    def worth(self) -> Decimal:
        """What its items cost before coupons."""
        return sum((line.total for line in self.items), NOTHING)

    @cached_property
    def same_person(self) -> list[int]:
        """The files of the customer: those with the same address or number are theirs too."""
        one = self.customer
        if one is None:
            return []
        phones = [number for number in (one.phone, one.phone_2) if number]
        alike = [Customer.id == one.id]
        alike += [Customer.email == one.email] if one.email else []
        alike += [Customer.phone.in_(phones), Customer.phone_2.in_(phones)] if phones else []
        files = select(Customer.id).where(Customer.vendor_id == one.vendor_id, or_(*alike))
        return list(self.session.scalars(files))

    @cached_property
    def was_here(self) -> bool:
        """Whether there was a visit or a sale before this one."""
        here = [line.booking_id for line in self.items if line.booking_id is not None]
        visits = select(Booking.id).where(
            Booking.vendor_id == self.order.vendor_id, Booking.customer_id.in_(self.same_person),
            Booking.status == BookingStatus.COMPLETED, Booking.id.not_in(here),
        )  # fmt: skip
        sales = select(Order.id).where(
            Order.vendor_id == self.order.vendor_id, Order.customer_id.in_(self.same_person),
            Order.status.in_(SETTLED), Order.id.is_distinct_from(self.order.id),
        )  # fmt: skip
        return any(
            self.session.scalars(found.limit(1)).first() is not None for found in (visits, sales)
        )

    @cached_property
    def tags(self) -> set[int]:
        """The tags on the customer."""
        if self.customer is None:
            return set()
        on = select(CustomerTag.tag_id).where(
            CustomerTag.vendor_id == self.order.vendor_id,
            CustomerTag.customer_id == self.customer.id,
        )
        return set(self.session.scalars(on))

    def is_in(self, segment_id: int) -> bool:
        """Whether the customer is in a segment, looked up once an order."""
        if segment_id not in self._segments and self.customer is not None:
            self._segments[segment_id] = segments.holds(
                self.session, segment_id=segment_id, customer_id=self.customer.id
            )
        return self._segments.get(segment_id, False)

    @cached_property
    def _segments(self) -> dict[int, bool]:
        return {}

    @cached_property
    def moments(self) -> list[datetime]:
        """When each item is given: a booking at its time, all others now."""
        return [self._moment(line) for line in self.items]

    def _moment(self, line: OrderLine) -> datetime:
        booking = None if line.booking_id is None else self.session.get(Booking, line.booking_id)
        return self.now if booking is None else booking.starts_at.astimezone(self.zone)

    @cached_property
    def things(self) -> list[set[tuple[str, int]]]:
        """What each item is by name: `("service", 3)`, `("category", 8)` and all above that."""
        return [set(_things(self.session, line)) for line in self.items]

    def lines(self, coupons: Sequence[Coupon]) -> list[Line]:
        """The items, with which coupon is about which of them."""
        return [Line(n, line, dict(self._meant(n, coupons))) for n, line in enumerate(self.items)]

    def _meant(self, n: int, coupons: Sequence[Coupon]) -> Iterator[tuple[tuple[int, str], bool]]:
        for coupon in coupons:
            in_time = is_within(coupon.windows, self.moments[n]) if coupon.windows else True
            for part in TargetPart:
                named = targets_of(coupon, part)
                about = not named or any(thing_of(one) in self.things[n] for one in named)
                yield (coupon.id, part), in_time and about


def items_of(lines: Sequence[OrderLine]) -> list[OrderLine]:
    """What coupons can be about: fees, tips and shipping are not, nor what costs nothing."""
    return [line for line in lines if line.kind in ITEMS and line.total > 0]


def refusal(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    """Why a coupon does not hold for an order, if it does not; `code` is what it is called."""
    for check in _CHECKS:
        found = check(case, coupon, code)
        if found is not None:
            return found
    return None


# --- one condition each --------------------------------------------------------------------


def _in_time(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    if not coupon.is_active or (coupon.ends_at is not None and coupon.ends_at <= case.now):
        return Ended(code=code)
    if coupon.starts_at is not None and coupon.starts_at > case.now:
        return NotYet(code=code, at=days.moment(coupon.starts_at, case.zone))
    return None


def _in_channel(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    if coupon.channels and case.order.channel not in coupon.channels:
        said = " and ".join(word.replace("_", "-") for word in coupon.channels)
        return Elsewhere(code=code, channels=said)
    return None


def _is_known(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    asks = (
        coupon.first_visit or coupon.birthday_days is not None or coupon.tag_id is not None
        or coupon.max_per_customer is not None or coupon.segment_id is not None
    )  # fmt: skip
    nobody = case.customer is None and not case.asked.newcomer
    return NobodyKnown(code=code) if asks and nobody else None


def _is_new(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    if coupon.first_visit and case.customer is not None and case.was_here:
        return WasHere(code=code, who=case.customer.name)
    return None


def _has_birthday(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    if coupon.birthday_days is None:
        return None
    who = case.customer
    if who is None or not is_birthday(who.birthday, case.now.date(), coupon.birthday_days):
        return NoBirthday(code=code, who=_name(who))
    return None


def _has_tag(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    if coupon.tag_id is None or coupon.tag_id in case.tags:
        return None
    return NotTagged(code=code, tag=coupon.tag, who=_name(case.customer))


def _is_among(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    """Asked at this moment of this customer: a segment's list may be an hour old."""
    if coupon.segment_id is None:
        return None
    who = case.customer
    try:
        if who is not None and case.is_in(coupon.segment_id):
            return None
    except DomainError:  # of all that is on the order, this coupon alone does not hold
        return NotRead(code=code, segment=coupon.segment)
    return NotAmong(code=code, segment=coupon.segment, who=_name(who))


def _spends_enough(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    if coupon.minimum_spend is None or case.worth >= coupon.minimum_spend:
        return None
    more = coupon.minimum_spend - case.worth
    return SpendMore(code=code, minimum=coupon.minimum_spend, more=more)


def _in_hours(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    if not coupon.windows:
        return None
    moments = case.moments or [case.now]
    if any(is_within(coupon.windows, moment) for moment in moments):
        return None
    return OutOfHours(code=code, hours=hours_of(coupon.windows))


def _is_about(case: Case, coupon: Coupon, code: str) -> DomainError | None:
    lines = case.lines([coupon])
    for part in (TargetPart.CHEAPER, TargetPart.BOUGHT):
        named = targets_of(coupon, part)
        if named and not any(line.is_meant(coupon, part) for line in lines):
            return NotAbout(code=code, what=" or ".join(str(one) for one in named[:3]))
    return None


def _name(customer: Customer | None) -> str:
    return "this customer" if customer is None else customer.name


_CHECKS: tuple[Callable[[Case, Coupon, str], DomainError | None], ...] = (
    _in_time, _in_channel, _is_known, _is_new, _has_tag, _is_among, _has_birthday, _in_hours,
    _is_about, _spends_enough,
)  # fmt: skip


# --- what words and rows mean --------------------------------------------------------------


def targets_of(coupon: Coupon, part: TargetPart) -> list[CouponTarget]:
    """What a coupon names in that part; nothing: anything. What is bought is often the same."""
    named = [one for one in coupon.targets if one.part == part]
    both = part is TargetPart.CHEAPER and coupon.kind == CouponKind.BUY_GET
    return named or ([*coupon.targets] if both else [])


def thing_of(target: CouponTarget) -> tuple[str, int]:
    """The one thing that a target names."""
    for name in ("service", "variant", "product"):
        number = getattr(target, f"{name}_id")
        if number is not None:
            return name, number
    return "category", target.category_id or 0


def _things(session: Session, line: OrderLine) -> Iterator[tuple[str, int]]:
    kind, column = LineKind(line.kind), ITEMS[line.kind][0]
    item: Any = session.get(ITEMS[kind][1], getattr(line, column))
    category_id = None
    if isinstance(item, Variant):
        yield "variant", item.id
        yield "product", item.product_id
        category_id = item.product.category_id
    elif isinstance(item, Service):
        yield "service", item.id
        category_id = item.category_id
    elif isinstance(item, Package):
        category_id = item.category_id
    while category_id is not None:
        yield "category", category_id
        category = session.get(Category, category_id)
        category_id = None if category is None else category.parent_id


def is_within(windows: Sequence[Mapping[str, Any]], moment: datetime) -> bool:
    """Whether a moment lies in one of these hours of the week, as its own clock shows it."""
    at = f"{moment:%H:%M}"
    return any(
        one["day"] == moment.isoweekday() and one["from"] <= at < one["until"] for one in windows
    )


def hours_of(windows: Sequence[Mapping[str, Any]]) -> str:
    """Tuesday 10:00 to 12:00 and Friday 14:00 to 24:00."""
    return " and ".join(
        f"{WEEKDAYS[one['day'] - 1]} {one['from']} to {one['until']}" for one in windows[:7]
    )


def is_birthday(birthday: date | None, today: date, around: int) -> bool:
    """Whether it is a birthday, `around` days before or after; 29 February is 28 in other years."""
    if birthday is None:
        return False
    years = (today.year - 1, today.year, today.year + 1)
    return any(abs(_in_year(birthday, year) - today) <= timedelta(days=around) for year in years)


def _in_year(birthday: date, year: int) -> date:
    try:
        return birthday.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
