"""A vendor's fortnight, entered as it happened; what the reports make of it, worked out by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.database import begin
from app.operations import figures
from app.tenancy import SYSTEM, acting, vendor_actor
from models.packages import PackageHolding
from models.points import LoyaltyLot
from tests import make
from tests.reports.asked import ANALYST, ask, vendor

LAST = date(2026, 11, 3)
SPAN = {"from": "2026-10-24", "to": "2026-11-03"}
HOUR = timedelta(hours=1)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of October, in UTC; in New York it is four hours less, from 1 November on five."""
    return datetime(2026, 10, 1, hour, minute, tzinfo=UTC) + timedelta(days=day - 1)


@contextmanager
def working(vendor_id: int) -> Iterator[Session]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        yield session


@pytest.fixture
def shop(db: Connection) -> int:
    """Prices include 20 % tax; days are New York's, whose 1 November has 25 hours.

    24 October: Ana buys two oils at 60.00 (of each 10.00 tax and 20.00 of cost), 12.00 off by a
    coupon, and a cut for 36.00 with it, given on the 26th. On the 28th, at 23:30 there, one oil
    comes back; it is paid back on 1 November, at 00:30 there: 54.00.
    On 1 November, an hour before midnight there, somebody nobody knows pays 24.00 for a comb,
    online, and 6.00 for sending it. Rui's booking of that day (50.00) is not turned up to, for a
    fee of 5.00; his of the 3rd (50.00) is called off; his of the 2nd (50.00) is a visit no order
    sold, over on 1 November, in the last hour of the day before it was to begin.
    A package of five cuts is sold to Ana on the 24th for 120.00, and two are used: on the 27th,
    and on 3 November. Rui is a member from the 24th to the 2nd. Ana's 100 points of the 24th are
    earned; 30 expire on 3 November.
    """
    here = make.new_vendor(name="Here", time_zone="America/New_York")
    tax: dict[str, Any] = {"tax_percent": Decimal(20)}
    with acting(SYSTEM), begin() as session:
        care = make.category(session, name="Care", kind="product").id
    with working(here) as session:
        ana, rui = make.customer(session), make.customer(session)
        staff = make.staff_member(session, name="Eva")
        oil = make.product(session, name="Oil", category_id=care).variants[0]
        comb = make.product(session, name="Comb").variants[0]
        cut = make.service(session, name="Cut")
        cuts = make.package(session, name="Five cuts", uses=5)
        gold = make.plan(session, name="Gold", price=Decimal(30))
        made = {"created_at": at(23, 12)}
        visit = make.booking(
            session, customer=ana, service=cut, staff=staff, starts_at=at(26, 14),
            status="completed", completed_at=at(26, 15), price=Decimal(40), **made,
        )  # fmt: skip
        for starts_at, status, more in (
            (at(32, 18), "no_show", {"fee": Decimal(5)}), (at(34, 15), "cancelled", {}),
            (at(33, 5, 30), "completed", {"completed_at": at(33, 4, 50)}),
        ):  # fmt: skip
            make.booking(
                session, customer=rui, service=cut, staff=staff, starts_at=starts_at,
                ends_at=starts_at + HOUR / 2, status=status, price=Decimal(50), **made, **more,
            )  # fmt: skip

        first = make.order(
            session, customer=ana, lines=0, status="completed", placed_at=at(24, 15),
            fulfilled_at=at(24, 15), tax=Decimal("44.00"),
        )  # fmt: skip
        make.order_line(
            session, order=first, variant=oil, quantity=2, unit_price=Decimal(60),
            discount=Decimal(12), tax=Decimal(18), cost=Decimal(20), **tax,
        )  # fmt: skip
        make.order_line(
            session, order=first, kind="service", service_id=cut.id, booking_id=visit.id,
            unit_price=Decimal(36), tax=Decimal(6), **tax,
        )  # fmt: skip
        make.order_line(
            session, order=first, kind="package", package_id=cuts.id, unit_price=Decimal(120),
            tax=Decimal(20), **tax,
        )  # fmt: skip
        session.refresh(first, ["lines", "total"])
        make.coupon_redemption(
            session, coupon=make.coupon(session, name="Autumn"), order=first, amount=Decimal(12)
        )
        payment = make.payment(session, order=first)
        make.shipment(session, order=first, status="delivered")
        back = make.product_return(session, order=first)
        back.lines[0].received, back.received_at = 1, at(29, 3, 30)
        refund = make.refund(session, payment=payment, amount=Decimal(54), created_at=at(32, 4, 30))
        make.refund_line(session, refund=refund, line=first.lines[0], amount=Decimal(54))

        second = make.order(
            session, lines=0, status="completed", channel="online", placed_at=at(33, 4),
            fulfilled_at=at(33, 4), tax=Decimal(5),
        )  # fmt: skip
        make.order_line(
            session, order=second, variant=comb, unit_price=Decimal(24), tax=Decimal(4), **tax
        )
        make.order_line(
            session, order=second, kind="shipping", unit_price=Decimal(6), tax=Decimal(1), **tax
        )

        held = PackageHolding(
            customer_id=ana.id, package_id=cuts.id, paid=Decimal(120), order_id=first.id
        )
        session.add(held)
        session.flush()
        make.package_entry(session, holding=held, kind="grant", uses=5, at=at(24, 15))
        for day in (27, 34):
            make.package_entry(session, holding=held, kind="use", at=at(day, 15))
        make.membership(
            session, customer=rui, plan=gold, started_at=at(24, 12), status="ended",
            ended_at=at(33, 12),
        )  # fmt: skip
        account = make.account(session, program=make.program(session, point_value=Decimal("0.1")))
        lot = LoyaltyLot(
            account_id=account.id, source="purchase", order_id=first.id, granted=100,
            earned_at=at(24, 15),
        )  # fmt: skip
        session.add(lot)
        session.flush()
        for kind, number, moment in (("earn", 100, at(24, 15)), ("expire", -30, at(34, 12))):
            make.loyalty_entry(
                session, account=account, lot_id=lot.id, kind=kind, points=number, at=moment,
                reason=None,
            )  # fmt: skip
    with acting(SYSTEM), begin() as session:
        while figures.freshen(session):
            pass
    return here


def money(amount: str) -> Decimal:
    return Decimal(amount)


def test_revenue_stands_on_its_days(shop: int) -> None:
    answer = ask("revenue", vendor(shop), LAST, **SPAN, by="day")
    told = answer.rows("day", "services", "products", "packages", "other", "revenue", "refunds")
    assert told == [
        (date(2026, 10, 24), 0, 90, 100, 0, 190, 0),
        (date(2026, 10, 26), 30, 0, 0, 0, 30, 0),
        (date(2026, 10, 28), 0, 0, 0, 0, 0, 0),  # an oil came back
        (date(2026, 11, 1), 50, -25, 0, 5, 30, 45),
    ]
    sums = answer.found.sums
    assert (sums["revenue"], sums["discounts"], sums["product_share"]) == (250, 10, 26)
    assert answer.table("channel", "channel", "revenue", "refunds") == [
        ("walk_in", 225, 45), ("online", 25, 0),
    ]  # fmt: skip
    assert answer.table("kind", "kind", "gross", "discounts", "refunds", "revenue", "tax") == [
        ("package", 100, 0, 0, 100, 20), ("service", 80, 0, 0, 80, 6),
        ("product", 120, 10, 45, 65, 13), ("shipping", 5, 0, 0, 5, 1),
    ]  # fmt: skip
    for by, revenue in (("week", [190, 60]), ("month", [220, 30])):
        longer = ask("revenue", vendor(shop), LAST, **SPAN, by=by)
        assert [row.revenue for row in longer.found.rows] == revenue
    both = ask("vendors", ANALYST, LAST, **SPAN)
    assert both.rows("name", "revenue", "bookings", "no_shows") == [("Here", 250, 4, 1)]


def test_bookings_stand_on_the_day_they_begin(shop: int) -> None:
    answer = ask("bookings", vendor(shop), LAST, **SPAN, by="day")
    told = answer.rows("day", "bookings", "completed", "no_shows", "cancelled", "value", "lost")
    assert told == [
        (date(2026, 10, 26), 1, 1, 0, 0, 40, 0), (date(2026, 11, 1), 1, 0, 1, 0, 0, 50),
        (date(2026, 11, 2), 1, 1, 0, 0, 50, 0), (date(2026, 11, 3), 1, 0, 0, 1, 0, 50),
    ]  # fmt: skip
    sums = answer.found.sums
    assert (round(sums["no_show_rate"], 2), sums["cancelled_rate"]) == (money("33.33"), 25)
    assert (sums["lost"], sums["fees"], sums["late"]) == (100, 5, 0)
    assert answer.table("service", "name", "bookings", "completed") == [("Cut", 4, 2)]
    hours = {(row.weekday, row.hour): row.bookings for row in answer.tables["hours"].rows}
    assert hours == {(1, 10): 1, (7, 13): 1, (1, 0): 1, (2, 10): 1}


def test_products_and_the_best_of_them(shop: int) -> None:
    answer = ask("product-sales", vendor(shop), LAST, **SPAN, by="day")
    assert answer.rows("day", "quantity", "returned", "revenue", "margin") == [
        (date(2026, 10, 24), 2, 0, 90, 50), (date(2026, 10, 28), 0, 1, 0, 0),
        (date(2026, 11, 1), 1, 0, -25, -25),
    ]  # fmt: skip
    assert answer.table("category", "name", "revenue") == [("Care", 45), ("No category", 20)]
    best = ask("top-items", vendor(shop), LAST, **SPAN)
    assert best.rows("kind", "name", "quantity", "revenue", "margin") == [
        ("service", "Cut", 2, 80, 80), ("product", "Oil", 2, 45, 5),
        ("product", "Comb", 1, 20, 20),
    ]  # fmt: skip
    assert (best.found.sums["services"], best.found.sums["attach"]) == (80, 100)


def test_what_keeps_customers(shop: int) -> None:
    def sums(slug: str, *names: str) -> tuple[Any, ...]:
        found = ask(slug, vendor(shop), LAST, **SPAN).found.sums
        return tuple(found[name] for name in names)

    assert sums("coupons", "orders", "taken_off", "brought", "others", "share") == (
        1, 12, 264, 1, 50,
    )  # fmt: skip
    assert sums("packages", "sold", "granted", "used", "open", "deferred", "revenue") == (
        1, 5, 2, 3, 72, 100,
    )  # fmt: skip
    assert sums("memberships", "opening", "joined", "ended", "running") == (0, 1, 1, 0)
    assert sums("loyalty", "earned", "expired", "open", "liability") == (100, 30, 70, 7)
    packages = ask("packages", vendor(shop), LAST, **SPAN, by="day")
    assert packages.rows("day", "deferred")[-2:] == [
        (date(2026, 11, 2), 96), (date(2026, 11, 3), 72),
    ]  # fmt: skip
