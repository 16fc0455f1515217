"""A customer month by month: from the roll-up, with the sale just made, against sums by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import interests
from app.tenancy import acting, vendor_actor
from models.customers import Customer
from models.orders import Order
from reports import customer_months
from reports.customer_months import Month
from tests import make

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
NONE = (Decimal(0), Decimal(0))


@pytest.fixture
def session(db: Connection) -> Iterator[Session]:
    vendor_id = make.new_vendor(time_zone="Europe/Amsterdam")
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON), begin() as opened:
        yield opened


def sold(session: Session, customer: Customer, at: datetime, *amounts: str, **more: Any) -> Order:
    """A fulfilled order of a product line for each amount, of which 21 of 121 are tax."""
    order = make.order(
        session, customer=customer, lines=0, status="fulfilled",
        placed_at=at - timedelta(days=4), fulfilled_at=at, **more,
    )  # fmt: skip
    for amount in amounts:
        line(session, order, amount)
    return order


def line(session: Session, order: Order, amount: str, **fields: Any) -> Any:
    price = Decimal(amount)
    tax = round(price * 21 / 121, 2) if order.includes_tax else round(price * 21 / 100, 2)
    made = make.order_line(session, order=order, unit_price=price, tax=tax, **fields)
    session.refresh(order, ["lines"])
    return made


def told(months: list[Month]) -> dict[date, tuple[Decimal, Decimal]]:
    """The months in which there was something."""
    known = {m.first: (m.services, m.products) for m in months}
    return {first: pair for first, pair in known.items() if any(pair)}


def counted(session: Session, customer: Customer) -> Customer:
    """The customer with running numbers as the ledgers have them."""
    interests.rebuild(session, customer_ids=[customer.id])
    session.refresh(customer)
    return customer


def two_months(session: Session) -> Customer:
    """October: services 80, products 100; November: services 25, products 0.

    A product for 121 and a service for 60.50 on 2 October, of the product 12.10 back on 5
    November (-10); a visit of 20 October that an order of November sold for 36.30 (30), and one of
    10 November that no order sold (25); and for 10, without its tax, the first half hour of
    November where the vendor is (10).
    """
    customer = make.customer(session)
    service = make.service(session, price=Decimal(25))
    first = sold(session, customer, datetime(2026, 10, 2, 9, tzinfo=UTC), "121.00")
    line(session, first, "60.50", kind="service", service_id=service.id)
    paid = make.payment(session, order=first)
    back = make.refund(
        session, payment=paid, amount=Decimal("12.10"),
        created_at=datetime(2026, 11, 5, 9, tzinfo=UTC),
    )  # fmt: skip
    make.refund_line(session, refund=back, line=first.lines[0])
    failed = make.refund(session, payment=paid, amount=Decimal(5), status="failed")
    make.refund_line(session, refund=failed, line=first.lines[0])
    visits = [
        make.booking(session, customer=customer, service=service, starts_at=at, status="completed")
        for at in (
            datetime(2026, 10, 20, 9, tzinfo=UTC),
            datetime(2026, 11, 10, 9, tzinfo=UTC),
        )
    ]
    later = sold(session, customer, datetime(2026, 11, 3, 9, tzinfo=UTC))
    of_visit = {"kind": "service", "service_id": service.id, "booking_id": visits[0].id}
    line(session, later, "36.30", **of_visit)
    edge = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    sold(session, customer, edge, "10.00", includes_tax=False)
    make.booking(session, customer=customer, service=service, starts_at=make.NOON)
    make.order(session, customer=customer)
    return counted(session, customer)


TWO = {OCTOBER: (Decimal(80), Decimal(100)), NOVEMBER: (Decimal(25), Decimal(0))}


def test_the_ledgers_tell_months_by_the_day_on_which_it_counts(session: Session) -> None:
    customer = two_months(session)
    assert (customer.services_spent, customer.products_spent) == (105, 100)
    months = customer_months.from_ledgers(session, customer, make.NOON, 12)
    assert [months[0].first, months[-1].first] == [date(2025, 12, 1), NOVEMBER]
    assert told(months) == TWO
    assert told(customer_months.months(session, customer, make.NOON)) == TWO


def test_of_a_tax_refunds_take_no_cent_too_much(session: Session) -> None:
    customer = make.customer(session)
    order = sold(session, customer, make.NOON - timedelta(days=60), "10.00")
    paid = make.payment(session, order=order)
    for n, amount in enumerate(("3.33", "3.33", "3.34")):
        back = make.refund(
            session, payment=paid, amount=Decimal(amount),
            created_at=make.NOON - timedelta(days=40 - 20 * n),
        )  # fmt: skip
        make.refund_line(session, refund=back, line=order.lines[0])
    counted(session, customer)
    assert order.lines[0].tax == Decimal("1.74")
    # of 1.74 tax go back 0.58, then 0.58 of together 1.16, and the rest
    assert told(customer_months.months(session, customer, make.NOON)) == {
        date(2026, 9, 1): (0, Decimal("8.26")),
        OCTOBER: (0, Decimal("-5.50")),
        NOVEMBER: (0, Decimal("-2.76")),
    }


class Asked:
    """How often the ledgers and the roll-up were asked."""

    def __init__(self, session: Session) -> None:
        self.sent: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", self.note)

    def note(self, _: Any, __: Any, statement: str, *___: Any) -> None:
        self.sent.append("roll-up" if "customer_months" in statement else "ledgers")


def rolled_up(session: Session, customer: Customer, **months: tuple[int, int]) -> None:
    """Rows of the roll-up: `m2026_10=(services, products)`; with every visit and order so far."""
    counts = {"visits": customer.visit_count, "orders": customer.order_count}
    for name, (services, products) in months.items():
        first = date.fromisoformat(f"{name[1:].replace('_', '-')}-01")
        make.customer_month(
            session, customer=customer, month=first,
            services=Decimal(services), products=Decimal(products), **counts,
        )  # fmt: skip
        counts = {"visits": 0, "orders": 0}


def test_what_is_rolled_up_is_read_and_no_order_is(session: Session) -> None:
    customer = two_months(session)
    # other months than the ledgers have, of the same sums: so it is known what was read
    rolled_up(session, customer, m2024_01=(5, 0), m2026_03=(60, 90), m2026_11=(40, 10))
    asked = Asked(session)
    assert told(customer_months.months(session, customer, make.NOON)) == {
        date(2026, 3, 1): (60, 90), NOVEMBER: (40, 10),
    }  # fmt: skip
    assert asked.sent == ["roll-up"]


def test_a_sale_just_made_is_there_before_it_is_rolled_up(session: Session) -> None:
    customer = two_months(session)
    old = sold(session, customer, datetime(2026, 2, 3, 9, tzinfo=UTC), "121.00")
    # the roll-up has that order, in a month of its own, but of the last two months too little
    rolled_up(session, customer, m2026_03=(0, 100), m2026_10=(80, 100), m2026_11=(0, -10))
    counted(session, customer)
    asked = Asked(session)
    months = customer_months.months(session, customer, make.NOON)
    assert told(months) == TWO | {date(2026, 3, 1): (0, 100)}
    assert asked.sent == ["roll-up", "ledgers"]
    # what happened long ago and was written down just now does not fit: all is worked out
    old.fulfilled_at = datetime(2026, 4, 3, 9, tzinfo=UTC)
    sold(session, customer, datetime(2026, 5, 3, 9, tzinfo=UTC), "242.00")
    counted(session, customer)
    asked.sent.clear()
    assert told(customer_months.months(session, customer, make.NOON)) == TWO | {
        date(2026, 4, 1): (0, 100), date(2026, 5, 1): (0, 200),
    }  # fmt: skip
    assert asked.sent == ["roll-up", "ledgers", "ledgers"]


def test_the_roll_up_is_complete_when_it_has_every_visit_and_order(session: Session) -> None:
    customer = make.customer(session)
    customer.visit_count, customer.order_count, customer.services_spent = 2, 3, Decimal(7)
    session.flush()
    rolled_up(session, customer, m2026_10=(7, 0))
    kept = customer_months.kept(session, customer, make.NOON)
    assert customer_months.is_complete(customer, kept)
    assert (kept.visits, kept.orders) == (2, 3)
    customer.order_count = 4
    assert not customer_months.is_complete(customer, kept)
    make.customer_month(session, customer=customer, visits=0, orders=1, other=Decimal(12))
    kept = customer_months.kept(session, customer, make.NOON)
    assert customer_months.is_complete(customer, kept)
    assert (kept.services, kept.other, kept.visits, kept.orders) == (7, 12, 2, 4)
