"""Scores as they are kept: by hand, beside the running numbers, and increments as a rebuild."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.database import begin
from app.operations import interests, merging, score_keeping, score_nights, usages
from app.operations.score_spans import offered_spans
from app.tenancy import SYSTEM, acting, vendor_actor
from models.customers import Customer
from models.scores import CohortFigure, CustomerMonth, CustomerScore, ReachFigure
from models.usages import StaleUsage
from reports import asking
from reports.report import PERIODS, Compare
from tests import make

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def vendor(db: Connection, at_noon: datetime) -> int:
    return make.new_vendor()


def visit(session: Any, customer: Any, at: datetime, price: str, **fields: Any) -> Any:
    return make.booking(
        session, customer=customer, starts_at=at, status="completed",
        completed_at=at + timedelta(hours=1), price=Decimal(price), **fields,
    )  # fmt: skip


def sale(session: Any, customer: Any, at: datetime, *totals: str, **fields: Any) -> Any:
    """A fulfilled order with a product for each total, 20 % tax in it."""
    order = make.order(
        session, customer=customer, lines=0, status="completed", fulfilled_at=at, placed_at=at,
        **fields,
    )  # fmt: skip
    for total in totals:
        price = Decimal(total)
        make.order_line(
            session, order=order, unit_price=price, tax=(price / 6).quantize(Decimal("0.01"))
        )
    session.refresh(order, ["lines"])
    return order


def give_back(session: Any, order: Any, at: datetime, amount: str, *lines: Any) -> None:
    """Give money back for these lines in equal parts, or for none."""
    session.refresh(order, ["paid"])
    payment = make.payment(session, order=order, amount=max(order.total, Decimal(amount)))
    refund = make.refund(session, payment=payment, amount=Decimal(amount), created_at=at)
    for line in lines:
        make.refund_line(session, refund=refund, line=line, amount=Decimal(amount) / len(lines))


def work(session: Any) -> None:
    session.flush()
    while usages.freshen(session):
        pass
    session.expire_all()


def count(session: Any, *customers: Any) -> None:
    """The running numbers, as the operations would have written them: what sets the marks."""
    interests.rebuild(session, customer_ids=[customer.id for customer in customers])


def kept(session: Any, customer: Any) -> Any:
    return session.scalars(
        select(CustomerScore).where(CustomerScore.customer_id == customer.id)
    ).one_or_none()


def months(session: Any, customer: Any) -> dict[str, tuple[Any, ...]]:
    rows = session.scalars(
        select(CustomerMonth)
        .where(CustomerMonth.customer_id == customer.id)
        .order_by(CustomerMonth.month)
    )
    return {
        f"{r.month:%Y-%m}": (r.visits, r.orders, r.days, r.services, r.products, r.other)
        for r in rows
    }


def test_a_life_worked_out_by_hand(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        customer = make.customer(session)
        visit(session, customer, datetime(2026, 8, 31, 22, tzinfo=UTC), "30.00", channel="phone")
        order = sale(session, customer, datetime(2026, 8, 31, 9, tzinfo=UTC), "12.00", "24.00")
        sale(session, customer, datetime(2026, 10, 2, 9, tzinfo=UTC), "60.00")
        visit(session, customer, datetime(2026, 10, 2, 15, tzinfo=UTC), "40.00")
        visit(session, customer, datetime(2026, 11, 1, 15, tzinfo=UTC), "25.00")
        give_back(session, order, datetime(2026, 11, 3, tzinfo=UTC), "12.00", order.lines[0])
        count(session, customer)
        work(session)
        zero = Decimal(0)
        assert months(session, customer) == {
            "2026-08": (1, 1, 1, Decimal("30.00"), Decimal("30.00"), zero),
            "2026-10": (1, 1, 1, Decimal("40.00"), Decimal("50.00"), zero),
            "2026-11": (1, 0, 1, Decimal("25.00"), Decimal("-10.00"), zero),
        }
        score = kept(session, customer)
        assert score.bought_on == [date(2026, 8, 31), date(2026, 10, 2), date(2026, 11, 1)]
        assert score.bought_for == [Decimal("50.00"), Decimal("90.00"), Decimal("25.00")]
        assert (score.days, score.visits, score.orders) == (3, 3, 2)
        assert (score.revenue, score.repeat_value) == (Decimal("165.00"), Decimal("57.5000"))
        assert (score.first_on, score.second_on, score.last_on) == (
            date(2026, 8, 31), date(2026, 10, 2), date(2026, 11, 1),
        )  # fmt: skip
        assert score.first_channel == "walk_in"  # the order came before the visit
        cohort = session.execute(
            select(CohortFigure.grain, CohortFigure.age, CohortFigure.customers,
                   CohortFigure.revenue).order_by(CohortFigure.grain, CohortFigure.age)
        ).all()  # fmt: skip
        assert [tuple(row) for row in cohort] == [
            ("month", 0, 1, Decimal("50.00")), ("month", 2, 1, Decimal("90.00")),
            ("month", 3, 1, Decimal("25.00")), ("week", 0, 1, Decimal("50.00")),
            ("week", 4, 1, Decimal("90.00")), ("week", 8, 1, Decimal("25.00")),
        ]  # fmt: skip


def test_days_are_the_vendors_and_what_pays_for_a_visit_is_no_purchase(db: Connection) -> None:
    vendor = make.new_vendor(time_zone="Australia/Sydney")
    with acting(vendor_actor(vendor)), begin() as session:
        customer = make.customer(session)
        late = datetime(2026, 10, 31, 14, tzinfo=UTC)  # after midnight in Sydney
        booking = visit(session, customer, late, "55.00")
        paid = sale(session, customer, late + 3 * DAY)
        make.order_line(
            session, order=paid, kind="service", service_id=booking.service_id,
            booking_id=booking.id, unit_price=Decimal("55.00"), tax=Decimal("5.00"),
        )  # fmt: skip
        count(session, customer)
        work(session)
        score = kept(session, customer)
        assert score.bought_on == [date(2026, 11, 1)]
        assert score.bought_for == [Decimal("50.00")]
        assert months(session, customer) == {
            "2026-11": (1, 1, 1, Decimal("50.00"), Decimal(0), Decimal(0))
        }


def test_what_no_longer_counts_goes(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        customer = make.customer(session)
        booking = visit(session, customer, NOON - 40 * DAY, "30.00")
        count(session, customer)
        work(session)
        assert kept(session, customer) is not None
        booking.status = "cancelled"
        session.flush()
        count(session, customer)
        work(session)
        assert kept(session, customer) is None
        assert months(session, customer) == {}
        assert session.scalars(select(CohortFigure)).all() == []


def test_a_merge_makes_one_customer_of_two_and_its_undoing_two_again(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        stays, goes = make.customer(session), make.customer(session)
        visit(session, stays, NOON - 30 * DAY, "30.00")
        visit(session, goes, NOON - 60 * DAY, "20.00")
        count(session, stays, goes)
        work(session)
        assert kept(session, goes).first_on == (NOON - 60 * DAY).date()
        merge = merging.merge(session, survivor_id=stays.id, merged_id=goes.id)
        work(session)
        assert kept(session, goes) is None
        assert kept(session, stays).bought_for == [Decimal("20.00"), Decimal("30.00")]
        assert {c.customers for c in session.scalars(select(CohortFigure))} == {1}
        merging.undo_merge(session, merge_id=merge.id)
        work(session)
        assert kept(session, goes).bought_for == [Decimal("20.00")]
        assert kept(session, stays).bought_for == [Decimal("30.00")]


def test_money_that_was_given_back_for_no_line_is_no_ones_income(vendor: int) -> None:
    """What was paid too much goes back first, and no order is worth less than nothing."""
    with acting(vendor_actor(vendor)), begin() as session:
        customer = make.customer(session)
        order = sale(session, customer, NOON - 20 * DAY, "60.00")
        payment = make.payment(session, order=order, amount=Decimal("70.00"))
        make.refund(session, payment=payment, amount=Decimal("15.00"), created_at=NOON - 9 * DAY)
        make.refund(session, payment=payment, amount=Decimal("55.00"), created_at=NOON - 1 * DAY)
        session.refresh(order)
        count(session, customer)
        work(session)
        found = months(session, customer)["2026-10"], months(session, customer)["2026-11"]
        assert found[0][4:] == (Decimal("50.00"), Decimal("0.00"))
        assert found[1][4:] == (Decimal("0.00"), Decimal("-60.00"))
        assert kept(session, customer).revenue == Decimal("-10.00")


def test_a_vendor_who_is_worked_out_as_a_whole_is_left_to_the_next_round(
    fresh_database: str,
) -> None:
    """Nobody at the till waits for a night: the marks stay where they are meanwhile."""
    busy, idle = make.new_vendor(), make.new_vendor()
    for vendor in (busy, idle):
        with acting(vendor_actor(vendor)), begin() as session:
            customer = make.customer(session)
            visit(session, customer, NOON, "30.00")
            count(session, customer)
    with acting(SYSTEM), begin() as night:
        score_keeping.hold(night, [busy])
        with begin() as session:
            assert usages.freshen(session) == 1
        with begin() as session:
            assert usages.freshen(session) == 0
            assert set(session.scalars(select(StaleUsage.vendor_id))) == {busy}
    with acting(SYSTEM), begin() as session:
        assert usages.freshen(session) == 1


TABLES = (CustomerMonth, CustomerScore, CohortFigure, ReachFigure)


def everything(session: Any) -> dict[str, list[tuple[Any, ...]]]:
    """All that is kept, but for the numbers of rows."""
    session.flush()
    found = {}
    for model in TABLES:
        columns = [c for c in model.__table__.c if c.name != "id"]
        rows = session.execute(select(*columns).where(model.__table__.c.vendor_id > 0))
        found[model.__tablename__] = sorted(tuple(map(str, row)) for row in rows)
    return found


def live(session: Any, luck: Random, customers: list[Any], orders: list[Any]) -> None:
    """Something happens to somebody, on some day."""
    customer = luck.choice(customers)
    at = NOON - timedelta(days=luck.randrange(0, 500), hours=luck.randrange(24))
    what = luck.randrange(6)
    if what == 0:
        visit(session, customer, at, f"{luck.randrange(0, 9000) / 100:.2f}",
              channel=luck.choice(["online", "phone"]))  # fmt: skip
    elif what == 1:
        booking = visit(session, customer, at, "44.00")
        order = sale(session, customer, at + luck.randrange(3) * DAY, "9.99")
        make.order_line(
            session, order=order, kind="service", service_id=booking.service_id,
            booking_id=booking.id, unit_price=Decimal("44.00"), tax=Decimal("7.33"),
        )  # fmt: skip
        orders.append(order)
    elif what < 4 or not orders:
        totals = [f"{luck.randrange(1, 9000) / 100:.2f}" for _ in range(luck.randrange(1, 4))]
        orders.append(sale(session, customer, at, *totals, includes_tax=luck.random() < 0.5))
    else:
        order = orders.pop(luck.randrange(len(orders)))
        session.refresh(order, ["lines"])
        when = order.fulfilled_at + luck.randrange(0, 90) * DAY
        line = luck.choice(order.lines)
        part = f"{luck.randrange(1, int(line.total * 100) + 1) / 100:.2f}"
        give_back(session, order, when, part, *([line] if luck.random() < 0.6 else []))


@pytest.mark.parametrize("seed", range(6))
def test_increments_are_to_the_cent_what_a_rebuild_finds(vendor: int, seed: int) -> None:
    """Visits, sales, what pays for visits, refunds for lines and for none, worked off in rounds."""
    luck = Random(seed)
    with acting(vendor_actor(vendor)), begin() as session:
        make.score_model(session, as_of=NOON.date())
        people: list[Any] = [make.customer(session) for _ in range(4)]
        orders: list[Any] = []
        for _ in range(3):
            for _ in range(luck.randrange(2, 9)):
                live(session, luck, people, orders)
            session.flush()
            count(session, *people)
            work(session)
        assert session.scalars(select(StaleUsage)).all() == []
        found = everything(session)
        _add_up(session, people)
        score_keeping.rebuild_vendor(session, vendor_id=vendor)
        assert everything(session) | {"reach_figures": []} == found | {"reach_figures": []}
        reach = found["reach_figures"]
        score_nights.keep_reach(session, vendor_id=vendor, as_of=NOON.date())
        again = [row for row in everything(session)["reach_figures"] if row[4] != ""]
        assert [row for row in reach if row[4] != ""] == again


def _add_up(session: Any, people: list[Any]) -> None:
    """Kinds and days come to what the running numbers of a customer say."""
    for person in people:
        customer = session.get_one(Customer, person.id)
        session.refresh(customer)
        rows = session.scalars(
            select(CustomerMonth).where(CustomerMonth.customer_id == person.id)
        ).all()
        score = kept(session, person)
        assert sum(r.services for r in rows) == customer.services_spent
        assert sum(r.products for r in rows) == customer.products_spent
        assert sum(r.visits for r in rows) == customer.visit_count
        assert sum(r.orders for r in rows) == customer.order_count
        total = sum(r.services + r.products + r.other for r in rows)
        if score is None:
            assert total == 0
            continue
        assert sum(r.days for r in rows) == score.days
        assert total == score.revenue == sum(score.bought_for)


def test_spans_are_those_that_reports_offer_and_compare() -> None:
    """Reports and rules are strangers: that they mean the same days is held here."""
    for today in (date(2026, 11, 20), date(2024, 2, 29), date(2026, 3, 31), date(2027, 1, 1)):
        wanted = set()
        for offer in PERIODS.values():
            period = offer.period(today)
            wanted.add((period.first, period.last))
            for compare in (Compare.BEFORE, Compare.YEAR):
                other = asking.compared(period, compare, offer.by)
                assert other is not None
                wanted.add((other.first, other.last))
        assert wanted <= set(offered_spans(today))
