"""How a business goes, at a glance, against sums worked out by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.database import begin
from app.tenancy import Actor, DatabaseRole, acting, admin_actor, vendor_actor
from models.figures import ItemFigures, VendorFigures
from models.scores import MarketModel
from reports import pulse
from reports.pulse import Sums
from tests import make

ANALYST = Actor(DatabaseRole.ANALYST)
FRIDAY = date(2026, 11, 20)
NOON = make.NOON


@pytest.fixture
def shop(db: Connection) -> int:
    return make.new_vendor()


@pytest.fixture
def market(db: Connection) -> Iterator[Session]:
    with acting(admin_actor()), begin() as session:
        yield session


def came_to(session: Session, vendor_id: int, day: date, revenue: int, **fields: Any) -> None:
    make.figures(
        session, VendorFigures, vendor_id=vendor_id, starts_on=day, revenue=Decimal(revenue),
        **fields,
    )  # fmt: skip


def days_ago(number: int) -> date:
    return FRIDAY - timedelta(days=number)


def test_seven_whole_days_stand_beside_the_seven_before(market: Session, shop: int) -> None:
    for ago, revenue, bookings in ((0, 5, 1), (1, 100, 4), (7, 30, 2), (8, 60, 3), (14, 7, 1)):
        came_to(market, shop, days_ago(ago), revenue, bookings=bookings, orders=bookings)
    came_to(market, shop, days_ago(15), 1000)
    came_to(market, shop, FRIDAY + timedelta(days=1), 1000)
    came_to(market, shop, date(2026, 11, 16), 1000, grain="week")
    came_to(market, make.new_vendor(), days_ago(1), 1000)
    with acting(vendor_actor(shop)), begin() as session:
        week = pulse.week(session, vendor_id=shop, today=FRIDAY)
    assert week.now == Sums(Decimal(130), 6, 6)
    assert week.before == Sums(Decimal(67), 4, 4)
    assert (week.today.day, week.today.now.revenue, week.today.before.revenue) == (FRIDAY, 5, 30)
    assert [d.day for d in week.days] == [days_ago(n) for n in range(7, 0, -1)]
    assert [d.now.revenue for d in week.days] == [30, 0, 0, 0, 0, 0, 100]
    assert [d.before.revenue for d in week.days] == [7, 0, 0, 0, 0, 0, 60]


def test_the_days_of_all_vendors_are_each_ones_own(market: Session, shop: int) -> None:
    far = make.new_vendor(time_zone="Pacific/Auckland")  # where it is the 21st already
    late = datetime(2026, 11, 20, 12, tzinfo=UTC)
    came_to(market, shop, FRIDAY, 10, bookings=1)
    came_to(market, far, FRIDAY, 100, bookings=2)
    came_to(market, far, FRIDAY + timedelta(days=1), 1000, bookings=4)
    came_to(market, far, days_ago(13), 7)
    closed = make.new_vendor(status="closed")
    came_to(market, closed, FRIDAY, 5000)
    with acting(ANALYST), begin() as session:
        week = pulse.market_week(session, now=late)
    assert week.today.now == Sums(Decimal(1010), 5, 0)
    assert week.days[-1].now == Sums(Decimal(100), 2, 0)
    assert (week.now.revenue, week.before.revenue) == (100, 7)


def test_best_sellers_are_those_of_four_weeks(market: Session, shop: int) -> None:
    with acting(vendor_actor(shop)), begin() as session:
        cut, wash = make.service(session, name="Cut").id, make.service(session, name="Wash").id
        balm, dull = make.product(session, name="Balm").id, make.product(session, name="Dull").id

    def sold(day: date, kind: str, item: int, net: int, back: int = 0, **fields: Any) -> None:
        values = {"quantity": 2, "channel": "walk_in", "grain": "day"} | fields
        make.figures(
            market, ItemFigures, vendor_id=shop, starts_on=day, kind=kind, item_id=item,
            net=Decimal(net), refunded=Decimal(back), **values,
        )  # fmt: skip

    sold(FRIDAY, "service", cut, 50)
    sold(FRIDAY, "service", cut, 10, channel="online", returned=1)
    sold(days_ago(11), "service", cut, 999)  # in the sums of its week
    sold(date(2026, 11, 9), "service", cut, 30, grain="week")
    sold(FRIDAY, "product", balm, 100, back=5)
    sold(FRIDAY, "product", dull, 10, back=10)
    sold(FRIDAY, "fee", 0, 500)
    sold(FRIDAY, "service", wash, 1)
    sold(days_ago(28), "service", wash, 999)
    sold(FRIDAY, "package", 999_999, 2)
    with acting(vendor_actor(shop)), begin() as session:
        found = pulse.best_sellers(session, vendor_id=shop, today=FRIDAY)
        first = pulse.best_sellers(session, vendor_id=shop, today=FRIDAY, most=1)
    told = [(one.name, one.quantity, one.revenue) for one in found]
    assert told == [
        ("Balm", 2, 95), ("Cut", 5, 90), ("No longer sold", 2, 2), ("Wash", 2, 1),
    ]  # fmt: skip
    assert first == found[:1]


def test_who_might_not_come_back_and_is_left_alone_by_everybody(shop: int) -> None:
    with acting(vendor_actor(shop)), begin() as session:

        def stays_away(
            name: str, brought: int, segment: str = "at_risk", alive: Decimal | None = None,
            **fields: Any,
        ) -> Any:  # fmt: skip
            customer = make.customer(session, full_name=name, **fields)
            bought = {"bought_on": [date(2026, 3, 1)], "bought_for": [Decimal(brought)]}
            make.score(session, customer=customer, segment=segment, p_alive=alive, **bought)
            return customer

        often = stays_away("Camille", 1397, "cant_lose")
        make.usage(session, customer=often, kind="visit", item_id=0, interval_days=42)
        stays_away("Bea", 80, alive=Decimal("0.64"))
        surely = [stays_away(n, 700, alive=Decimal("0.9")) for n in ("Sure", "Late", "In time")]
        for customer, due in zip(surely[1:], (-1, 1), strict=True):
            make.usage(
                session, customer=customer, kind="visit", item_id=0, interval_days=30,
                next_on=FRIDAY + timedelta(days=due),
            )  # fmt: skip
        stays_away("Loyal", 5000, "loyal")
        stays_away("Gone", 5000, archived_at=NOON)
        booked, asked, asked_before = (stays_away(n, 900) for n in ("Booked", "Asked", "Before"))
        make.booking(session, customer=booked, starts_at=NOON + timedelta(days=3))
        make.booking(session, customer=often, starts_at=NOON, status="cancelled")
        make.task(session, customer=asked, created_at=NOON - timedelta(days=5), status="done")
        make.task(session, customer=asked_before, created_at=NOON - timedelta(days=40))
        found = pulse.slipping(session, vendor_id=shop, today=FRIDAY)
        assert [(one.name, one.every_days, one.revenue) for one in found] == [
            ("Camille", 42, 1397), ("Before", None, 900), ("Late", 30, 700), ("Bea", None, 80),
        ]  # fmt: skip
        assert (found[0].customer_id, found[0].last_on) == (often.id, date(2026, 3, 1))
        assert [o.name for o in pulse.slipping(session, vendor_id=shop, today=FRIDAY, most=1)] == [
            "Camille"
        ]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_who_is_booked_today_on_the_vendors_clock_is_coming(zone: str, shop: int) -> None:
    there = make.new_vendor(time_zone=zone)
    midnight = datetime(FRIDAY.year, FRIDAY.month, FRIDAY.day, tzinfo=ZoneInfo(zone))
    with acting(vendor_actor(there)), begin() as session:
        for name, minutes in (("This Morning", 1), ("Last Night", -1)):
            customer = make.customer(session, full_name=name)
            make.score(session, customer=customer, segment="at_risk")
            starts_at = midnight + timedelta(minutes=minutes)
            make.booking(session, customer=customer, starts_at=starts_at, status="confirmed")
        found = pulse.slipping(session, vendor_id=there, today=FRIDAY)
    assert [one.name for one in found] == ["Last Night"]


def test_vendors_that_fall_or_are_stood_up_need_a_look(market: Session) -> None:
    def weeks(vendor_id: int, revenue: int, **fields: int) -> None:
        for week in fields.pop("lasts", 4), 8:
            monday = date(2026, 11, 16) - timedelta(weeks=week)
            came_to(market, vendor_id, monday, revenue, grain="week", **fields)
            revenue, fields = 100, {"completed": 96, "no_shows": 4}

    falls, stood_up, steady, few, rises = (make.new_vendor(name=n) for n in "FUSWR")
    weeks(falls, 78, completed=50, no_shows=2)
    weeks(stood_up, 100, completed=89, no_shows=11)
    weeks(steady, 81, completed=95, no_shows=5)
    weeks(few, 100, completed=4, no_shows=4)
    weeks(rises, 500, completed=900, no_shows=40)
    came_to(market, steady, date(2026, 11, 16), -500, grain="week")  # this week is not over
    both, gone = make.new_vendor(name="B"), make.new_vendor(name="G", status="closed")
    weeks(both, 0, completed=5, no_shows=5)
    weeks(gone, 0)
    new = make.new_vendor(name="N")
    came_to(market, new, date(2026, 11, 9), 10, grain="week")
    with acting(ANALYST), begin() as session:
        found = pulse.attention(session, today=FRIDAY)
        assert len(pulse.attention(session, today=FRIDAY, most=1)) == 1
    told = [(o.name, o.falls, o.missed, o.usual) for o in found]
    assert told == [
        ("B", 1, Decimal("0.5"), Decimal("0.04")),
        ("F", Decimal("0.22"), None, None),
        ("U", None, Decimal("0.11"), Decimal("0.04")),
    ]


def test_vendors_whose_scores_jumped_last_night_need_a_look_too(market: Session) -> None:
    names = ("Jumped", "Steady", "Long ago", "Closed")
    jumped, steady, ago, gone = (
        make.new_vendor(name=name, status="closed" if name == "Closed" else "active")
        for name in names
    )
    night: dict[str, Any] = {
        "as_of": FRIDAY, "since": days_ago(1), "is_sharp": True, "people_change": Decimal("-0.4"),
        "groups_moved": Decimal("0.11"),
    }  # fmt: skip
    for vendor_id, fields in (
        (jumped, {}), (steady, {"is_sharp": False}), (ago, {"as_of": days_ago(2)}), (gone, {}),
    ):  # fmt: skip
        make.score_model(market, vendor_id=vendor_id, **(night | fields))
    market.add(MarketModel(as_of=days_ago(1), since=days_ago(2), is_sharp=True))
    market.flush()
    with acting(ANALYST), begin() as session:
        found = pulse.jumps(session, today=FRIDAY)
        assert len(pulse.jumps(session, today=FRIDAY, most=0)) == 1
    assert [(one.name, one.since, one.people, one.buying, one.groups) for one in found] == [
        (None, days_ago(2), None, None, None),
        ("Jumped", days_ago(1), Decimal("-0.4"), None, Decimal("0.11")),
    ]


def test_nothing_is_nothing(market: Session, shop: int) -> None:
    assert pulse.attention(market, today=FRIDAY) == []
    assert pulse.jumps(market, today=FRIDAY) == []
    assert pulse.market_week(market, now=NOON).now == Sums(Decimal(0), 0, 0)
    far_off = date(9999, 12, 31)
    assert pulse.best_sellers(market, vendor_id=shop, today=far_off) == []
    assert pulse.slipping(market, vendor_id=shop, today=FRIDAY) == []
