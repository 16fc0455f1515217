"""What ledgers came to on each day, against sums worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.database import begin
from app.operations import ledger_days
from app.operations.figure_sources import Scope
from app.tenancy import acting, admin_actor, vendor_actor
from models.packages import PackageHolding
from tests import make

NOON = make.NOON
DAY = timedelta(days=1)
TODAY = date(2026, 11, 20)


def money(amount: str) -> Decimal:
    return Decimal(amount)


def rows(session: Session, vendor_id: int, table: str, *names: str) -> list[tuple[Any, ...]]:
    """The named columns of every row of days of a vendor, in order."""
    asked = text(ledger_days.rows(table, Scope.VENDORS))
    return _all(session, asked, names, vendors=[vendor_id])


def of_day(
    session: Session, vendor_id: int, table: str, day: date, *names: str
) -> list[tuple[Any, ...]]:
    """The same of one day."""
    asked = text(ledger_days.rows(table, Scope.DAYS))
    return _all(session, asked, names, vendors=[vendor_id], days=[day])


def _all(session: Session, asked: Any, names: Any, **known: Any) -> list[tuple[Any, ...]]:
    found = session.execute(asked, known)
    return sorted(tuple(row._mapping[name] for name in names) for row in found)


def order(session: Session, total: str, at: datetime = NOON, **fields: Any) -> Any:
    """A fulfilled order of one product."""
    variant = make.variant(session, price=money(total))
    values = {"status": "fulfilled", "placed_at": at, "fulfilled_at": at} | fields
    return make.order(session, variant=variant, **values)


def test_orders_with_a_coupon_stand_beside_all_the_others(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        first, second = make.coupon(session), make.coupon(session)
        both, one, none = order(session, "40"), order(session, "20"), order(session, "7")
        late = order(session, "11", NOON + 13 * timedelta(hours=1), channel="online")
        waiting = make.order(session)  # placed, not fulfilled
        used: Any = {"marketplace_amount": money("1.50")}
        make.coupon_redemption(session, coupon=first, order=both, amount=money("4"), **used)
        make.coupon_redemption(session, coupon=second, order=both, amount=money("3"))
        make.coupon_redemption(
            session, coupon=first, order=one, amount=money("2"), status="reversed"
        )
        make.coupon_redemption(session, coupon=first, order=late)
        make.coupon_redemption(session, coupon=first, order=waiting)
        make.coupon_redemption(
            session, coupon=first, order=none, status="released", redeemed_at=None
        )
        found = rows(
            session, vendor_id, "coupon_figures", "day", "channel", "coupon_id",
            "orders", "taken_off", "borne", "brought", "others", "brought_by_others",
        )  # fmt: skip
    tomorrow = TODAY + DAY
    assert found == [
        (TODAY, "walk_in", 0, 2, money("9"), money("1.50"), money("60"), 1, money("7")),
        (TODAY, "walk_in", first.id, 2, money("6"), money("1.50"), money("60"), 0, 0),
        (TODAY, "walk_in", second.id, 1, money("3"), money("0"), money("40"), 0, 0),
        (tomorrow, "online", 0, 1, money("1"), money("0"), money("11"), 0, money("0")),
        (tomorrow, "online", first.id, 1, money("1"), money("0"), money("11"), 0, 0),
    ]


def test_what_came_and_went_of_points_is_the_change_of_what_is_open(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        account = make.account(session)
        lot = make.lot(session, account=account, points=100)
        sale = make.order(session)
        reward = make.reward(session, program=account.program)
        redemption = make.redemption(session, account=account, reward=reward, order=sale)
        lots: Any = {"account": account, "lot_id": lot.id, "reason": None}
        for kind, points, pending, more in (
            ("pending_earn", 0, 0, {}),
            ("hold", -30, 0, {"redemption_id": redemption.id}),
            ("release", 30, 0, {"redemption_id": redemption.id}),
            ("redeem", -40, 0, {"redemption_id": redemption.id}),
            ("reverse", 15, 0, {"redemption_id": redemption.id}),
            ("reverse", -5, 0, {"order_id": sale.id}),
            ("expire", -20, 0, {"at": NOON + DAY}),
        ):
            make.loyalty_entry(
                session, **lots | {"kind": kind, "points": points, "pending": pending} | more
            )
        found = rows(
            session, vendor_id, "point_figures", "day", "program_id", "earned",
            "redeemed", "expired", "taken_back", "given", "waiting",
        )  # fmt: skip
        session.refresh(account)
        assert account.points == 50
    program = account.program_id
    assert found == [
        (TODAY, program, 0, 25, 0, 5, 100, 0),
        (TODAY + DAY, program, 0, 0, 20, 0, 0, 0),
    ]
    assert sum(row[2] + row[6] - row[3] - row[4] - row[5] for row in found) == 50


def test_memberships_begin_on_one_day_and_end_on_another(db: Connection) -> None:
    vendor_id = make.new_vendor(time_zone="Pacific/Auckland")
    with acting(vendor_actor(vendor_id)), begin() as session:
        plan = make.plan(session)
        make.membership(session, plan=plan)
        make.membership(session, plan=plan, channel="online", status="ended", ended_at=NOON + DAY)
        make.membership(session, plan=plan, status="paused", paused_at=NOON)
        found = rows(
            session, vendor_id, "membership_figures", "day", "channel", "joined",
            "ended",
        )  # fmt: skip
    # Noon in Greenwich is one in the morning of the next day in Auckland.
    tomorrow = TODAY + DAY
    assert found == [
        (tomorrow, "online", 1, 0), (tomorrow, "walk_in", 2, 0), (tomorrow + DAY, "online", 0, 1),
    ]  # fmt: skip


def test_what_is_deferred_of_a_package_adds_up_to_the_cent(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        package = make.package(session, uses=3, price=money("100"))
        holding = make.holding(session, package=package, uses=3, paid=money("100.00"))
        make.holding(session, package=package, uses=3)  # given for nothing

        def entry(kind: str, day: int, of_id: int | None = None) -> Any:
            return make.package_entry(
                session, holding=holding, kind=kind, at=NOON + day * DAY, of_id=of_id
            )

        entry("use", 0)
        used = entry("use", 1)
        held = entry("hold", 1)
        entry("restore", 2, used.id)
        entry("forfeit", 2, held.id)
        names = ("day", "sold", "granted", "used", "forfeited", "expired", "deferred")
        found = rows(session, vendor_id, "package_figures", *names)
        for row in found:
            assert of_day(session, vendor_id, "package_figures", row[0], *names) == [row]
        session.refresh(holding)
        assert (holding.uses_left, holding.uses_used, holding.uses_forfeited) == (1, 1, 1)
    # Of 100.00 for three uses two open ones are 66.67 and one is 33.33.
    assert found == [
        (TODAY, 2, 6, 1, 0, 0, money("66.67")),
        (TODAY + DAY, 0, 0, 1, 0, 0, money("-33.34")),
        (TODAY + 2 * DAY, 0, 0, -1, 1, 0, money("0.00")),
    ]
    assert sum(row[6] for row in found) == money("33.33")


def test_a_package_that_is_used_up_defers_nothing(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        for paid in ("99.99", "0.01", "100.00"):
            make.holding(session, uses_left=0, paid=money(paid))
        make.holding(session, uses_left=4, paid=money("10.00"))
        found = rows(session, vendor_id, "package_figures", "deferred")
        left = session.query(PackageHolding).filter(PackageHolding.uses_left > 0).one()
        assert (left.uses_left, left.uses) == (4, 10)
    assert sum(row[0] for row in found) == money("4.00")


def test_who_came_after_a_message_is_counted_beside_who_had_come_before(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        rule = make.message_rule(session, event="win_back")
        told: Any = {
            "purpose": "marketing", "event": "win_back", "status": "delivered", "sent_at": NOON,
            "channel": "sms",
        }  # fmt: skip

        def visit(who: Any, day: float, booked: float) -> None:
            make.booking(
                session, customer=who, status="completed", created_at=NOON + booked * DAY,
                starts_at=NOON + day * DAY, completed_at=NOON + day * DAY,
            )  # fmt: skip

        came, bought, late, booked_before, regular, silent = (
            make.customer(session) for _ in range(6)
        )
        visit(came, 3, 1)
        order(session, "5", NOON + 13 * DAY, customer=bought)
        visit(late, 14, 1)
        visit(booked_before, 2, -1)
        visit(regular, -3, -4)
        visit(regular, 5, 4)
        for n, who in enumerate((came, bought, late, booked_before, regular, silent)):
            make.message(session, customer=who, key=f"rule:{rule.id}:{n}", **told)
        make.message(
            session, customer=silent, key="in", direction="in", channel="sms", status="delivered",
            send_at=NOON + DAY,
        )  # fmt: skip
        make.message(session, status="suppressed", event="booking_confirmed")
        make.message(session, status="failed", key="win_back.1")
        make.message(session)  # still queued
        found = rows(
            session, vendor_id, "message_figures", "day", "way", "purpose", "event",
            "rule_id", "sent", "delivered", "failed", "held_back", "received", "answered", "asked",
            "came", "came_before",
        )  # fmt: skip
    assert found == [
        (TODAY, "email", "transactional", "", 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
        (TODAY, "email", "transactional", "booking_confirmed", 0, 0, 0, 0, 1, 0, 0, 0, 0, 0),
        (TODAY, "sms", "marketing", "win_back", rule.id, 6, 6, 0, 0, 0, 1, 6, 3, 1),
        (TODAY + DAY, "sms", "transactional", "", 0, 0, 0, 0, 0, 1, 0, 0, 0, 0),
    ]


def test_a_service_brings_products_with_it(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        cut = make.service(session)
        alone, beside = order(session, "9", channel="online"), order(session, "9")
        lonely = make.order(session, lines=0, status="completed", fulfilled_at=NOON)
        for sale, times in ((beside, 2), (lonely, 1)):
            for _ in range(times):
                make.order_line(session, order=sale, kind="service", service_id=cut.id)
        assert len(alone.lines) == 1
        found = rows(
            session, vendor_id, "attach_figures", "day", "service_id", "channel",
            "orders", "with_product",
        )  # fmt: skip
    assert found == [(TODAY, 0, "walk_in", 2, 1), (TODAY, cut.id, "walk_in", 2, 1)]


@pytest.mark.parametrize("table", ledger_days.QUESTIONS)
def test_nothing_happened_on_no_day(db: Connection, table: str) -> None:
    vendor_id = make.new_vendor()
    with acting(admin_actor()), begin() as session:
        assert rows(session, vendor_id, table) == []
        assert of_day(session, vendor_id, table, TODAY) == []
        assert session.execute(text(ledger_days.rows(table, Scope.ALL))).all() == []


def test_a_day_begins_where_the_clocks_begin_it_twice(db: Connection) -> None:
    # In Havana the clocks go from 01:00 back to midnight: the day begins, and begins again.
    vendor_id = make.new_vendor(time_zone="America/Havana")
    first = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)
    with acting(vendor_actor(vendor_id)), begin() as session:
        for hours in (-1, 0, 1, 24, 25):
            make.membership(session, started_at=first + timedelta(hours=hours))
        found = rows(session, vendor_id, "membership_figures", "day", "joined")
        counted = [
            sum(n for (n,) in of_day(session, vendor_id, "membership_figures", day, "joined"))
            for day in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2))
        ]
    assert counted == [1, 3, 1]
    assert sum(n for _, n in found) == 5
