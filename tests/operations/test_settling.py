"""What a customer has spent, worked out by hand: with tax, less what was given back."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import bookings, gateway_events, interests, orders, payments, refunds
from app.operations.lines import DraftLine
from app.tenancy import acting, vendor_actor
from models.customers import Customer
from models.interests import CustomerInterest
from models.orders import LineKind, Order
from models.payments import EventKind, Tender, Told
from models.vendors import Vendor
from tests import make


@pytest.fixture
def session(db: Connection) -> Iterator[Session]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON), begin() as opened:
        make.tax_rate(opened, tax_class=make.tax_class(opened, is_default=True))
        yield opened


def sold(session: Session, customer: Customer, *lines: DraftLine, paid: str | None = None) -> Order:
    """An order of these lines, fulfilled and paid by card, by `paid` if said."""
    order = orders.save_draft(session, customer_id=customer.id, lines=lines)
    orders.place(session, order_id=order.id)
    amount = None if paid is None else Decimal(paid)
    if order.total:
        payments.charge(session, order_id=order.id, tender=Tender.CARD, amount=amount)
    return orders.fulfil(session, order_id=order.id)


def product(session: Session, price: str, quantity: int = 1) -> DraftLine:
    variant = make.variant(session, price=Decimal(price))
    return DraftLine(LineKind.PRODUCT, variant.id, quantity=quantity)


def give_back(session: Session, order: Order, amount: str, line: int | None = None) -> None:
    asked: dict[str, Any] = {"amount": Decimal(amount)}
    if line is not None:
        asked = {"lines": {order.lines[line].id: Decimal(amount)}}
    refunds.give(session, order_id=order.id, reason="It hums", **asked)


def numbers(session: Session, customer: Customer) -> tuple[Decimal, Decimal, Decimal]:
    """Spent in all, on services, on products; the books agree with it."""
    assert interests.drift(session) == []
    session.refresh(customer)
    return customer.total_spent, customer.services_spent, customer.products_spent


def test_money_given_back_for_a_line_was_not_spent(session: Session) -> None:
    customer = make.customer(session)
    order = sold(session, customer, product(session, "12.30"), product(session, "24.60"))
    assert numbers(session, customer) == (Decimal("36.90"), 0, 30)
    give_back(session, order, "6.15", line=0)
    assert numbers(session, customer) == (Decimal("30.75"), 0, 25)
    give_back(session, order, "24.60", line=1)
    assert numbers(session, customer) == (Decimal("6.15"), 0, 5)
    bought = session.scalars(select(CustomerInterest.spent)).all()
    assert sorted(bought) == [0, 5]
    assert customer.order_count == 1


def test_tax_on_top_is_spent_and_is_no_revenue(session: Session) -> None:
    session.scalars(select(Vendor)).one().prices_include_tax = False
    customer = make.customer(session)
    order = sold(session, customer, product(session, "10.00"))
    assert numbers(session, customer) == (Decimal("12.30"), 0, 10)
    give_back(session, order, "12.30", line=0)
    assert numbers(session, customer) == (0, 0, 0)


def test_money_given_back_for_no_line_is_in_the_total_alone(session: Session) -> None:
    customer = make.customer(session)
    order = sold(session, customer, product(session, "12.30"))
    give_back(session, order, "2.30")
    assert numbers(session, customer) == (10, 0, 10)
    payments.charge(session, order_id=order.id, tender=Tender.CASH)  # it was due again
    assert numbers(session, customer) == (Decimal("12.30"), 0, 10)


def test_what_was_paid_too_much_was_never_spent(session: Session) -> None:
    customer = make.customer(session)
    order = sold(session, customer, product(session, "10.00"), paid="15.00")
    assert numbers(session, customer)[0] == 10
    give_back(session, order, "5.00")
    assert numbers(session, customer)[0] == 10
    give_back(session, order, "4.00")
    assert numbers(session, customer)[0] == 6


def test_money_given_back_before_the_goods_leave_counts_when_they_do(session: Session) -> None:
    customer = make.customer(session)
    order = orders.save_draft(session, customer_id=customer.id, lines=[product(session, "12.30")])
    orders.place(session, order_id=order.id)
    payments.charge(session, order_id=order.id, tender=Tender.CARD)
    give_back(session, order, "6.15", line=0)
    assert numbers(session, customer) == (0, 0, 0)
    orders.fulfil(session, order_id=order.id)
    assert numbers(session, customer) == (Decimal("6.15"), 0, 5)


@pytest.mark.parametrize("completed_first", [True, False])
def test_a_visit_that_was_sold_counts_as_its_line(session: Session, completed_first: bool) -> None:
    customer = make.customer(session)
    booking = make.booking(session, customer=customer, price=Decimal("61.50"))
    if completed_first:
        bookings.complete(session, booking_id=booking.id)
        assert numbers(session, customer) == (Decimal("61.50"), Decimal("61.50"), 0)
    order = sold(session, customer, DraftLine(LineKind.SERVICE, booking_id=booking.id))
    if not completed_first:
        assert numbers(session, customer) == (0, 0, 0)
        give_back(session, order, "12.30", line=0)
        assert numbers(session, customer) == (0, 0, 0)
        bookings.complete(session, booking_id=booking.id)
    else:
        assert numbers(session, customer) == (Decimal("61.50"), 50, 0)
        give_back(session, order, "12.30", line=0)
    assert numbers(session, customer) == (Decimal("49.20"), 40, 0)
    give_back(session, order, "49.20")
    assert numbers(session, customer)[0] == 0
    assert customer.visit_count == 1


def test_money_that_a_gateway_could_not_give_back_was_spent_after_all(session: Session) -> None:
    customer = make.customer(session)
    order = orders.save_draft(session, customer_id=customer.id, lines=[product(session, "12.30")])
    orders.place(session, order_id=order.id)
    asked = payments.ask(session, order_id=order.id, gateway="desk")
    told = Told(
        "1", EventKind.PAYMENT_CAPTURED, f"payment-{asked.id}", "p1", asked.amount, "EUR",
        make.NOON, "",
    )  # fmt: skip
    hear(session, told)
    orders.fulfil(session, order_id=order.id)
    (given,) = refunds.give(session, order_id=order.id, reason="It hums")
    assert numbers(session, customer)[0] == 0
    hear(
        session,
        replace(told, event_ref="2", kind=EventKind.REFUND_FAILED, about=f"refund-{given.id}",
                gateway_ref="r1"),
    )  # fmt: skip
    assert numbers(session, customer)[0] == Decimal("12.30")


def hear(session: Session, told: Told) -> None:
    event_id = gateway_events.store(session, gateway="desk", told=told)
    gateway_events.apply(session, event_id=event_id, currency="EUR")
