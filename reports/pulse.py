"""How a business goes, at a glance: the last days beside those before, best sellers, who to mind.

All of it is read from roll-ups, which are minutes old at most; days are the vendor's. Revenue is
without tax and less what was given back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, DateTime, and_, case, cast, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.figures import Grain, ItemFigures, VendorFigures
from models.memberships import MembershipPlan
from models.orders import LineKind
from models.packages import Package
from models.products import Product
from models.scores import CustomerScore, MarketModel, RfmSegment, ScoreModel
from models.services import Service
from models.tasks import Task
from models.usages import Usage, UsageKind
from models.vendors import Vendor, VendorStatus
from reports.report import Filters, Period
from reports.sources import covering

WEEK = 7
DAY = timedelta(days=1)
SOLD_IN = 28
"""Days of which best sellers are told."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What some days came to."""

    revenue: Decimal
    bookings: int
    orders: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day, and the same one a week before it."""

    day: date
    now: Sums
    before: Sums


@dataclass(frozen=True, slots=True)
class Week:
    """The last seven whole days and the seven before them; today, which is not over, is apart."""

    days: list[Day]
    today: Day
    now: Sums
    before: Sums


@dataclass(frozen=True, slots=True)
class Seller:
    """Something that sells: how many pieces, and what they brought."""

    kind: str
    item_id: int
    name: str
    quantity: int
    revenue: Decimal


_SUMS = (
    func.sum(VendorFigures.revenue), func.sum(VendorFigures.bookings),
    func.sum(VendorFigures.orders),
)  # fmt: skip


def week(session: Session, *, vendor_id: int, today: date) -> Week:
    """The last week of a vendor, of whom `today` is the present day."""
    figures = VendorFigures
    found = session.execute(
        select(figures.starts_on, *_SUMS)
        .where(figures.vendor_id == vendor_id, figures.grain == Grain.DAY)
        .where(figures.starts_on.between(today - 2 * WEEK * DAY, today))
        .group_by(figures.starts_on)
    )
    return _week({row[0]: Sums(*row[1:]) for row in found}, today)


def market_week(session: Session, *, now: datetime) -> Week:
    """The last week of all open vendors together: what is today to each of them is one day.

    The days are named as those of the marketplace, whose clock is UTC.
    """
    figures, utc = VendorFigures, now.astimezone(UTC).date()
    ago: Any = cast(func.timezone(Vendor.time_zone, now), Date) - figures.starts_on
    found = session.execute(
        select(ago.label("ago"), *_SUMS)
        .join(Vendor, Vendor.id == figures.vendor_id)
        .where(Vendor.status == VendorStatus.ACTIVE, figures.grain == Grain.DAY)
        .where(figures.starts_on.between(utc - (2 * WEEK + 1) * DAY, utc + DAY))
        .group_by("ago")
    )
    return _week({utc - row.ago * DAY: Sums(*row[1:]) for row in found}, utc)


def _week(known: dict[date, Sums], today: date) -> Week:
    days = [_day(known, today - n * DAY) for n in range(WEEK, -1, -1)]
    *whole, unfinished = days
    return Week(whole, unfinished, _all([d.now for d in whole]), _all([d.before for d in whole]))


_NONE = Sums(Decimal("0.00"), 0, 0)


def _day(known: dict[date, Sums], day: date) -> Day:
    return Day(day, known.get(day, _NONE), known.get(day - timedelta(days=WEEK), _NONE))


def _all(sums: Sequence[Sums]) -> Sums:
    return Sums(
        sum((one.revenue for one in sums), Decimal("0.00")),
        sum(one.bookings for one in sums),
        sum(one.orders for one in sums),
    )


NAMED: Sequence[tuple[Any, LineKind]] = (
    (Service, LineKind.SERVICE), (Product, LineKind.PRODUCT), (Package, LineKind.PACKAGE),
    (MembershipPlan, LineKind.MEMBERSHIP),
)  # fmt: skip


def best_sellers(session: Session, *, vendor_id: int, today: date, most: int = 5) -> list[Seller]:
    """What brought most in the last weeks, today included."""
    figures = ItemFigures
    days = Period(today - timedelta(days=SOLD_IN - 1), today)
    revenue = func.sum(figures.net - figures.refunded)
    sold = (
        select(
            figures.kind, figures.item_id,
            func.sum(figures.quantity - figures.returned).label("quantity"),
            revenue.label("revenue"),
        )
        .where(covering(figures, days, Filters(vendor_ids=(vendor_id,))))
        .where(figures.kind.in_([kind for _, kind in NAMED]))
        .group_by(figures.kind, figures.item_id)
        .having(revenue > 0)
        .order_by(revenue.desc(), figures.kind, figures.item_id)
        .limit(most)
        .subquery("sold")
    )  # fmt: skip
    name = func.coalesce(*(model.name for model, _ in NAMED), "No longer sold")
    query = select(sold.c.kind, sold.c.item_id, name, sold.c.quantity, sold.c.revenue)
    query = query.select_from(sold)
    for model, kind in NAMED:
        same = and_(model.vendor_id == vendor_id, model.id == sold.c.item_id, sold.c.kind == kind)
        query = query.outerjoin(model, same)
    rows = session.execute(query.order_by(sold.c.revenue.desc(), sold.c.kind, sold.c.item_id))
    return [Seller(*row) for row in rows]


# --- who might not come back ------------------------------------------------------------------


SLIPPING = (RfmSegment.CANT_LOSE, RfmSegment.AT_RISK)
AMONG = 60
"""Of each of these groups so many who brought most are looked at."""
LIKELY = Decimal("0.65")
"""Whoever comes back as surely is not worried about, unless they are late by their own rhythm."""
LEFT_ALONE = timedelta(days=30)
"""Whoever was taken care of is not asked about again for so long."""


@dataclass(frozen=True, slots=True)
class Slipping:
    """A customer who brought much and stays away; `every_days` is how often they came, if known."""

    customer_id: int
    name: str
    every_days: int | None
    last_on: date
    revenue: Decimal
    chance: Decimal | None


def slipping(session: Session, *, vendor_id: int, today: date, most: int = 5) -> list[Slipping]:
    """Who might not come back, of those who brought most; nobody who is booked or has a task.

    They are late by their own rhythm, or the models doubt it (or know nothing of them).
    """
    parts = [
        select(CustomerScore.id)
        .where(CustomerScore.vendor_id == vendor_id, CustomerScore.segment == segment)
        .order_by(CustomerScore.revenue.desc(), CustomerScore.customer_id)
        .limit(AMONG)
        .subquery(segment.value)
        for segment in SLIPPING
    ]
    among = union_all(*(select(part) for part in parts))
    score, mine = CustomerScore, Customer.id == CustomerScore.customer_id
    visit = and_(
        Usage.vendor_id == score.vendor_id, Usage.customer_id == score.customer_id,
        Usage.kind == UsageKind.VISIT, Usage.item_id == 0,
    )  # fmt: skip
    rows = session.execute(
        select(
            Customer, Usage.interval_days, score.last_on, score.revenue, score.p_alive,
        )
        .select_from(score)
        .join(Customer, and_(Customer.vendor_id == score.vendor_id, mine))
        .outerjoin(Usage, visit)
        .where(score.vendor_id == vendor_id, score.id.in_(among))
        .where(Customer.archived_at.is_(None), ~_is_coming(vendor_id, today))
        .where(~_is_minded(vendor_id, today))
        .where(or_(func.coalesce(score.p_alive, 0) < LIKELY, Usage.next_on < today))
        .order_by(score.revenue.desc(), score.customer_id)
        .limit(most)
    )  # fmt: skip
    return [Slipping(row[0].id, row[0].name, *row[1:]) for row in rows]


def _is_coming(vendor_id: int, today: date) -> Any:
    return (
        select(literal(1))
        .where(
            Booking.vendor_id == CustomerScore.vendor_id,
            Booking.customer_id == CustomerScore.customer_id,
            Booking.starts_at >= _beginning(vendor_id, today),
            Booking.status.in_([BookingStatus.PENDING, BookingStatus.CONFIRMED]),
        )
        .exists()
    )


def _beginning(vendor_id: int, day: date) -> Any:
    """The midnight with which a day begins where the vendor is."""
    zone = select(Vendor.time_zone).where(Vendor.id == vendor_id).scalar_subquery()
    return func.timezone(zone, cast(literal(day, Date), DateTime))


def _is_minded(vendor_id: int, today: date) -> Any:
    since = _beginning(vendor_id, today - LEFT_ALONE)
    return (
        select(literal(1))
        .where(
            Task.vendor_id == CustomerScore.vendor_id,
            Task.customer_id == CustomerScore.customer_id,
            Task.created_at >= since,
        )
        .exists()
    )


# --- which vendors need a look ----------------------------------------------------------------


FALLS, MISSED, MANY, LEAST = Decimal("0.2"), Decimal("0.08"), Decimal("1.5"), 5
"""Revenue that falls by a fifth; no-shows of 8 % and half as much again as usual, five at least."""


@dataclass(frozen=True, slots=True)
class Look:
    """A vendor that needs a look, of four weeks beside the four before; shares are 0 to 1.

    `falls` is by how much revenue fell; `missed` the share of visits to which nobody came, with
    what was usual before. None where that is as it was.
    """

    vendor_id: int
    name: str
    falls: Decimal | None
    missed: Decimal | None
    usual: Decimal | None


def attention(session: Session, *, today: date, most: int = 8) -> list[Look]:
    """Open vendors whose revenue falls, or whom many customers stand up; the worst first."""
    figures, monday = VendorFigures, today - timedelta(days=today.weekday())
    edge, start = monday - timedelta(weeks=4), monday - timedelta(weeks=8)
    late = figures.starts_on >= edge

    def summed(column: Any, *, lately: bool) -> Any:
        return func.coalesce(func.sum(column).filter(late if lately else ~late), 0)

    expected = figures.completed + figures.no_shows
    sums = (
        select(
            figures.vendor_id,
            summed(figures.revenue, lately=True).label("brought"),
            summed(figures.revenue, lately=False).label("before"),
            summed(figures.no_shows, lately=True).label("missed"),
            summed(expected, lately=True).label("expected"),
            summed(figures.no_shows, lately=False).label("missed_before"),
            summed(expected, lately=False).label("expected_before"),
        )
        .where(figures.grain == Grain.WEEK, figures.starts_on >= start)
        .where(figures.starts_on < monday)
        .group_by(figures.vendor_id)
        .subquery("sums")
    )
    of = sums.c
    falls = 1 - of.brought / func.nullif(of.before, 0)
    share = cast(of.missed, figures.revenue.type) / func.nullif(of.expected, 0)
    usual = cast(of.missed_before, figures.revenue.type) / func.nullif(of.expected_before, 0)
    does_fall = and_(of.before > 0, falls >= FALLS)
    is_missed = and_(of.missed >= LEAST, share >= MISSED, share >= MANY * func.coalesce(usual, 0))
    rows = session.execute(
        select(
            Vendor.id, Vendor.name, case((does_fall, falls)), case((is_missed, share)),
            case((is_missed, func.coalesce(usual, 0))),
        )
        .join(sums, of.vendor_id == Vendor.id)
        .where(Vendor.status == VendorStatus.ACTIVE, or_(does_fall, is_missed))
        .order_by(
            (case((does_fall, falls), else_=0) + case((is_missed, 2 * share), else_=0)).desc(),
            Vendor.id,
        )
        .limit(most)
    )  # fmt: skip
    return [Look(*row) for row in rows]


# --- whose scores jumped ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Jump:
    """Scores that are far from those of the night of `since`: `app.operations.score_drift`.

    Changes are shares of what was; `groups` is the population stability index. Without vendor:
    the marketplace as a whole.
    """

    vendor_id: int | None
    name: str | None
    since: date
    people: Decimal | None
    buying: Decimal | None
    spending: Decimal | None
    groups: Decimal | None


def jumps(session: Session, *, today: date, most: int = 8) -> list[Jump]:
    """Open vendors whose scores jumped last night, and first the marketplace if its own did."""

    def told(model: Any) -> tuple[Any, ...]:
        return (
            model.since, model.people_change, model.buying_change, model.spending_change,
            model.groups_moved,
        )  # fmt: skip

    market = session.execute(
        select(*told(MarketModel)).where(MarketModel.is_sharp, MarketModel.as_of >= today - DAY)
    )
    vendors = session.execute(
        select(Vendor.id, Vendor.name, *told(ScoreModel))
        .join(ScoreModel, ScoreModel.vendor_id == Vendor.id)
        .where(ScoreModel.is_sharp, ScoreModel.as_of >= today - DAY)
        .where(Vendor.status == VendorStatus.ACTIVE)
        .order_by(Vendor.name, Vendor.id)
        .limit(most)
    )
    return [*(Jump(None, None, *row) for row in market), *(Jump(*row) for row in vendors)]
