"""Points: earned, waiting, spent, expired, reversed, given and taken by hand."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import clock
from app.database import SessionFactory, begin
from app.errors import DomainError
from app.operations import (
    balances,
    bookings,
    credit,
    earning,
    forgetting,
    loyalty,
    merging,
    payments,
    points,
    refunds,
)
from app.operations.counter import Item
from app.operations.points import NotEnoughPoints, NotPoints
from app.tenancy import SYSTEM, acting, vendor_actor
from models.customers import Customer
from models.orders import LineKind
from models.payments import Tender
from models.points import LoyaltyEntry, LoyaltyLot
from tests import make
from tests.operations.loyalty_desk import (
    account_of,
    bought,
    left,
    lots_of,
    make_variant,
    sell,
)

LATER = timedelta(days=15)


Branches = tuple[int, int]


@pytest.fixture
def branches(db: Connection) -> Branches:
    """A category of products, and one below it; they are the marketplace's."""
    with acting(SYSTEM), begin() as session:
        above = make.category(session, kind="product")
        return above.id, make.category(session, kind="product", parent_id=above.id).id


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


@pytest.fixture
def session(shop: int) -> Iterator[Session]:
    with begin() as opened:
        yield opened
        assert balances.drift(opened) == []


@pytest.fixture
def ana(session: Session) -> Customer:
    return make.customer(session, full_name="Ana")


def days_later(days: float) -> Any:
    return clock.stopped_at(make.NOON + timedelta(days=days))


# --- earning -------------------------------------------------------------------------------------


def test_a_sale_earns_once_without_tax_tips_and_what_credit_paid(
    session: Session, ana: Customer
) -> None:
    program = make.program(session)
    taxed = make.tax_class(session, is_default=True)
    make.tax_rate(session, tax_class=taxed, percent=Decimal(20))
    variant = make_variant(session, "60.00")
    tip = Item(kind=LineKind.TIP, amount=Decimal("9.00"), name="Tip")
    order = sell(session, ana, [Item(kind=LineKind.PRODUCT, item_id=variant.id), tip])
    assert left(session, program, ana) == 50
    earning.of_order(session, order)
    assert left(session, program, ana) == 50
    credit.give(session, customer_id=ana.id, amount=Decimal("30.00"), reason="A complaint")
    bought(session, ana, "30.00", tender=Tender.STORE_CREDIT)
    assert left(session, program, ana) == 50


def test_tax_and_shipping_earn_where_the_programme_says_so(session: Session, ana: Customer) -> None:
    program = make.program(session, on_tax=True)
    make.tax_rate(session, tax_class=make.tax_class(session, is_default=True), percent=Decimal(20))
    bought(session, ana, "60.00")
    assert left(session, program, ana) == 60


def test_every_running_programme_thanks_and_no_other(session: Session, ana: Customer) -> None:
    first, second = make.program(session), make.program(session, points_per=Decimal("0.5"))
    off = make.program(session, is_active=False)
    bought(session, ana, "40.00")
    assert [left(session, p, ana) for p in (first, second, off)] == [40, 20, 0]


@pytest.mark.parametrize(("rounding", "earned"), [("down", 10), ("nearest", 11), ("up", 11)])
def test_parts_of_points_are_rounded_as_the_programme_says(
    session: Session, ana: Customer, rounding: str, earned: int
) -> None:
    program = make.program(session, rounding=rounding)
    bought(session, ana, "10.70")
    assert left(session, program, ana) == earned


def test_too_small_an_order_earns_nothing_and_still_counts_as_spent(
    session: Session, ana: Customer
) -> None:
    program = make.program(session, min_spend=Decimal("20.00"))
    make.tier(session, program=program, name="Gold", spend_from=Decimal(30))
    bought(session, ana, "19.99")
    bought(session, ana, "19.99")
    account = account_of(session, program, ana)
    assert (account.points, account.tier and account.tier.name) == (0, "Gold")


def test_the_rule_that_says_most_of_an_item_holds(
    branches: Branches, session: Session, ana: Customer
) -> None:
    program, (above, below) = make.program(session), branches
    product = make.product(session, variants=0, category_id=below)
    variant = make_variant(session, "10.00", product=product)
    other = make_variant(session, "10.00", product=make.product(session, category_id=above))
    rules: list[dict[str, Any]] = [
        {"multiplier": 2, "category_id": above},
        {"multiplier": 3, "category_id": below},
        {"multiplier": 9, "channel": "online"},
        {"multiplier": 8, "ends_on": make.NOON.date() - timedelta(days=1)},
        {"multiplier": 7, "is_active": False},
    ]
    for fields in rules:
        make.loyalty_rule(session, program=program, **fields)
    lines = [Item(kind=LineKind.PRODUCT, item_id=v.id) for v in (variant, other)]
    sell(session, ana, lines)
    assert left(session, program, ana) == 30 + 20
    make.loyalty_rule(session, program=program, multiplier=0, product_id=product.id)
    sell(session, ana, lines)
    assert left(session, program, ana) == 30 + 20 + 0 + 20


def test_why_there_are_so_many_is_kept(session: Session, ana: Customer) -> None:
    program = make.program(session)
    make.loyalty_rule(session, program=program, name="Double week")
    bought(session, ana, "10.00")
    steps = session.scalars(select(LoyaltyLot.steps)).one()
    assert steps is not None
    assert [(one["points"], one["why"]) for one in steps] == [
        ("10.00", "1 for each 1.00 of 10.00"), ("10.00", "Double week"),
    ]  # fmt: skip
    assert left(session, program, ana) == 20


def test_points_wait_for_the_return_window_and_for_the_money(
    session: Session, ana: Customer
) -> None:
    program = make.program(session, return_days=14)
    order = bought(session, ana, "30.00")
    variant = make_variant(session, "20.00")
    owed = sell(session, ana, [Item(kind=LineKind.PRODUCT, item_id=variant.id)], owing=True)
    account = account_of(session, program, ana)
    assert (account.points, account.pending) == (0, 50)
    assert loyalty.mature(session, vendor_id=order.vendor_id) == 0
    with days_later(14):
        assert loyalty.mature(session, vendor_id=order.vendor_id) == 1
        assert loyalty.mature(session, vendor_id=order.vendor_id) == 0
        assert (account.points, account.pending) == (30, 20)
        payments.charge(session, order_id=owed.id, tender=Tender.CASH)
        assert loyalty.mature(session, vendor_id=order.vendor_id) == 1
    assert (account.points, account.pending) == (50, 0)


def test_what_credit_pays_later_earns_nothing_after_all(session: Session, ana: Customer) -> None:
    program = make.program(session, return_days=14)
    variant = make_variant(session, "20.00")
    owed = sell(session, ana, [Item(kind=LineKind.PRODUCT, item_id=variant.id)], owing=True)
    credit.give(session, customer_id=ana.id, amount=Decimal("15.00"), reason="A complaint")
    payments.charge(session, order_id=owed.id, tender=Tender.STORE_CREDIT, amount=Decimal("15.00"))
    account = account_of(session, program, ana)
    assert (account.points, account.pending) == (0, 5)


def test_visits_and_visits_booked_on_the_spot_have_their_bonus(
    session: Session, ana: Customer
) -> None:
    program = make.program(session)
    make.loyalty_rule(session, program=program, earned_by="visit", bonus=10)
    make.loyalty_rule(session, program=program, earned_by="rebooking", bonus=25, within_days=1)
    first = make.booking(
        session, customer=ana, starts_at=make.NOON - timedelta(hours=2),
        created_at=make.NOON - timedelta(days=40),
    )  # fmt: skip
    bookings.complete(session, booking_id=first.id)
    assert left(session, program, ana) == 10
    for days, made, earned in ((30, 1, 10 + 35), (60, 33, 10 + 35 + 10)):
        with days_later(days):
            again = make.booking(
                session, customer=ana, starts_at=clock.now(),
                created_at=make.NOON + timedelta(days=made),
            )  # fmt: skip
            bookings.complete(session, booking_id=again.id)
        assert left(session, program, ana) == earned


def test_a_birthday_is_thanked_once_a_year_also_of_the_29th(session: Session) -> None:
    program = make.program(session)
    make.loyalty_rule(session, program=program, earned_by="birthday", bonus=50)
    born = {"mia": "1990-11-20", "leo": "2000-02-29", "eva": "1990-11-21"}
    customers = {
        name: make.customer(session, full_name=name, birthday=datetime.fromisoformat(day).date())
        for name, day in born.items()
    }
    stranger = make.customer(session, birthday=make.NOON.date().replace(year=1980))
    for one in customers.values():
        make.account(session, program=program, customer=one)
    today = make.NOON.date()
    assert earning.birthdays(session, program_id=program.id, today=today) == 1
    assert earning.birthdays(session, program_id=program.id, today=today) == 0
    year_later = today.replace(year=2027)
    assert earning.birthdays(session, program_id=program.id, today=year_later) == 1
    leap, common = today.replace(2028, 2, 29), today.replace(2027, 2, 28)
    for day, given in ((common, 1), (leap, 1), (leap - timedelta(days=1), 0)):
        assert earning.birthdays(session, program_id=program.id, today=day) == given
    assert [left(session, program, one) for one in customers.values()] == [100, 100, 0]
    assert left(session, program, stranger) == 0


def test_many_birthdays_are_thanked_at_once_and_repay_what_is_owed(session: Session) -> None:
    program = make.program(session)
    make.loyalty_rule(session, program=program, earned_by="birthday", bonus=50)
    born = make.NOON.date().replace(year=1990)
    accounts = [
        make.account(session, program=program, customer=make.customer(session, birthday=born))
        for _ in range(12)
    ]
    make.loyalty_entry(session, account=accounts[0], points=-30)
    known: dict[str, Any] = {"program_id": program.id, "today": make.NOON.date(), "most": 10}
    asked: list[str] = []

    def note(*about: Any) -> None:
        asked.append(about[2])

    event.listen(session.connection(), "before_cursor_execute", note)
    assert earning.birthdays(session, **known) == 10
    event.remove(session.connection(), "before_cursor_execute", note)
    assert len(asked) < 30
    assert [earning.birthdays(session, **known) for _ in range(2)] == [2, 0]
    for one in accounts:
        session.refresh(one)
    assert [one.points for one in accounts] == [20] + [50] * 11


# --- expiry --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "until"),
    [
        ({"expiry": "never"}, None),
        ({"expiry": "days", "expiry_days": 30}, "2026-12-20T12:00:00+00:00"),
        ({"expiry": "month_end"}, "2026-12-01T00:00:00+01:00"),
        ({"expiry": "year_end"}, "2027-01-01T00:00:00+01:00"),
    ],
)
def test_points_are_good_as_long_as_the_programme_says(
    db: Connection, fields: dict[str, Any], until: str | None
) -> None:
    vendor_id = make.new_vendor(time_zone="Europe/Amsterdam")
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON), begin() as session:
        program = make.program(session, **fields)
        lot = points.expiry_of(program, clock.now(), points.zone_of(session, vendor_id))
        assert lot == (until and datetime.fromisoformat(until))


def test_oldest_expiry_is_spent_first_and_what_never_expires_last(
    session: Session, ana: Customer
) -> None:
    account = make.account(session, customer=ana)
    day = make.NOON + timedelta(days=1)
    for many, until in ((10, None), (20, day + timedelta(days=9)), (30, day)):
        make.lot(session, account=account, points=many, expires_at=until)
    points.take(
        session, account, 45, kind=points.EntryKind.ADJUST, because=points.Because(reason="Test")
    )
    assert lots_of(session, account) == [(10, 0), (5, 0), (0, 0)]


def test_what_has_expired_cannot_be_spent_even_before_the_night(
    session: Session, ana: Customer
) -> None:
    account = make.account(session, customer=ana)
    lot = make.lot(session, account=account, expires_at=make.NOON + timedelta(days=1))
    with days_later(1):
        (standing,) = loyalty.standings(session, customer_id=ana.id)
        assert (standing.points, account.points) == (0, 100)
        with pytest.raises(NotEnoughPoints, match="Only 0 points can be spent now"):
            loyalty.take(
                session, customer_id=ana.id, program_id=account.program_id, points_taken=1,
                reason="A try",
            )  # fmt: skip
        redeem = points.entry_of(account, points.EntryKind.REDEEM, lot=lot, points=-1)
        with pytest.raises(DomainError), points_refused(session):
            points.write(session, account, [redeem], [lot])
        assert loyalty.expire(session, vendor_id=account.vendor_id) == 1
        assert loyalty.expire(session, vendor_id=account.vendor_id) == 0
        session.refresh(account)
        assert account.points == 0


class points_refused:  # noqa: N801 - reads as what it says
    """What the database refuses here is undone, and said in our words."""

    def __init__(self, session: Session) -> None:
        self.nested = session.begin_nested()

    def __enter__(self) -> None:
        from app.database import refusals

        self.refusals = refusals()
        self.refusals.__enter__()

    def __exit__(self, *error: Any) -> bool | None:
        self.nested.rollback()
        return self.refusals.__exit__(*error)


def test_staff_reinstates_what_expired_with_a_reason(session: Session, ana: Customer) -> None:
    account = make.account(session, customer=ana)
    lot = make.lot(session, account=account, expires_at=make.NOON + timedelta(days=1))
    with pytest.raises(loyalty.NothingExpired):
        loyalty.reinstate(session, lot_id=lot.id, reason="She was ill")
    with days_later(3):
        with pytest.raises(loyalty.NoReason):
            loyalty.reinstate(session, lot_id=lot.id, reason="  ")
        again = loyalty.reinstate(session, lot_id=lot.id, reason="She was ill", days=10)
        assert (again.remaining, again.expires_at) == (100, make.NOON + timedelta(days=13))
        with pytest.raises(DomainError):
            loyalty.reinstate(session, lot_id=lot.id, reason="And again")
        assert left(session, account.program, ana) == 100


# --- what is given back --------------------------------------------------------------------------


def test_a_refund_takes_its_share_of_the_points_of_its_own_lot(
    session: Session, ana: Customer
) -> None:
    program = make.program(session)
    bought(session, ana, "50.00")
    order = bought(session, ana, "33.00", "66.00")
    account = account_of(session, program, ana)
    refunds.give(session, order_id=order.id, amount=Decimal("33.00"), reason="Broken")
    assert lots_of(session, account) == [(50, 0), (66, 0)]
    refunds.give(session, order_id=order.id, reason="All of it")
    assert lots_of(session, account) == [(50, 0), (0, 0)]


def test_what_was_spent_is_owed_down_to_the_floor_and_repaid_by_the_next(
    session: Session, ana: Customer
) -> None:
    program = make.program(session, lowest=-60)
    order = bought(session, ana, "100.00")
    loyalty.take(
        session, customer_id=ana.id, program_id=program.id, points_taken=90, reason="Spent"
    )
    refunds.give(session, order_id=order.id, reason="All of it")
    account = account_of(session, program, ana)
    assert (account.points, left(session, program, ana)) == (-60, -60)
    bought(session, ana, "70.00")
    account = account_of(session, program, ana)
    assert (account.points, lots_of(session, account)[-1]) == (10, (10, 0))


def test_what_expired_is_not_taken_twice(session: Session, ana: Customer) -> None:
    program = make.program(session, expiry="days", expiry_days=5)
    order = bought(session, ana, "100.00")
    loyalty.take(
        session, customer_id=ana.id, program_id=program.id, points_taken=40, reason="Spent"
    )
    with days_later(6):
        loyalty.expire(session, vendor_id=order.vendor_id)
        refunds.give(session, order_id=order.id, reason="All of it")
    assert account_of(session, program, ana).points == -40


# --- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [0, -5, 10**20])
def test_no_number_of_points_is_refused_and_changes_nothing(
    session: Session, ana: Customer, many: int
) -> None:
    program = make.program(session)
    for verb, name in ((loyalty.give, "points_given"), (loyalty.take, "points_taken")):
        with pytest.raises(NotPoints, match="from 1 to 1,000,000,000"):
            verb(session, customer_id=ana.id, program_id=program.id, reason="No", **{name: many})
    assert session.scalars(select(LoyaltyEntry)).all() == []


def test_a_balance_is_never_taken_below_nothing_by_hand(session: Session, ana: Customer) -> None:
    program = make.program(session)
    loyalty.give(
        session, customer_id=ana.id, program_id=program.id, points_given=10, reason="Sorry"
    )
    with pytest.raises(NotEnoughPoints, match="Only 10 points can be spent now, and this takes 11"):
        loyalty.take(
            session, customer_id=ana.id, program_id=program.id, points_taken=11, reason="Oops"
        )
    assert left(session, program, ana) == 10


def test_points_are_given_in_ones_own_running_programmes_alone(shop: int) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as elsewhere:
        theirs = make.program(elsewhere).id
    with begin() as session:
        ana, off = make.customer(session), make.program(session, is_active=False)
        for number in (off.id, theirs, 10**12):
            with pytest.raises(loyalty.NoSuchProgram):
                loyalty.give(
                    session, customer_id=ana.id, program_id=number, points_given=1, reason="Hm"
                )


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE loyalty_entries SET points = 7",
        "DELETE FROM loyalty_entries",
        "UPDATE loyalty_lots SET remaining = 7",
        "UPDATE loyalty_accounts SET points = 7",
    ],
)
def test_nobody_rewrites_the_book(shop: int, sql: str) -> None:
    with begin() as session:
        make.lot(session)
    with pytest.raises(DBAPIError), SessionFactory.begin() as session:
        session.execute(text(sql))


def test_what_is_owed_in_points_is_known(session: Session, ana: Customer) -> None:
    program = make.program(session, point_value=Decimal("0.05"), return_days=14)
    bought(session, ana, "100.00")
    make.lot(session, account=make.account(session, program=program), points=40)
    (owed,) = loyalty.liability(session)
    assert (owed.customers, owed.points, owed.pending) == (2, 40, 100)
    assert owed.worth == Decimal("7.00")


# --- two files, one person -----------------------------------------------------------------------


def test_merged_files_have_all_points_and_part_again(session: Session, ana: Customer) -> None:
    program, other = make.program(session), make.program(session)
    twin = make.customer(session, full_name="Ana B.")
    bought(session, ana, "10.00")
    order = bought(session, twin, "30.00")
    only = make.account(session, program=make.program(session), customer=twin)
    make.lot(session, account=only, points=5)
    record = merging.merge(session, survivor_id=ana.id, merged_id=twin.id)
    assert [left(session, p, ana) for p in (program, other)] == [40, 40]
    assert left(session, only.program, ana) == 5
    refunds.give(session, order_id=order.id, amount=Decimal("15.00"), reason="Broken")
    assert left(session, program, ana) == 25
    merging.undo_merge(session, merge_id=record.id)
    assert [left(session, program, one) for one in (ana, twin)] == [10, 15]
    assert left(session, only.program, twin) == 5


def test_a_forgotten_customers_reasons_are_gone_and_the_figures_stay(
    session: Session, ana: Customer
) -> None:
    program = make.program(session)
    loyalty.give(
        session, customer_id=ana.id, program_id=program.id, points_given=10, reason="Ana is ill"
    )
    forgetting.forget(session, customer_id=ana.id)
    (entry,) = session.scalars(select(LoyaltyEntry))
    assert (entry.points, entry.reason) == (10, forgetting.FORGOTTEN)
