"""Payments, refunds and store credit: what is taken, what is due, and what is given back."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import credit, payments, refunds
from app.operations.credit import NobodysCredit, NoCredit, NotEnoughCredit
from app.operations.customers import CannotRead
from app.operations.payments import (
    NeedsReference,
    NotATender,
    NotEnoughTendered,
    NothingDue,
    NotPayable,
    NotTheAmount,
    SentBefore,
)
from app.operations.prices import NotAnAmount
from app.operations.refunds import (
    LineRefundTooMuch,
    NotForThis,
    NothingToRefund,
    RefundTooMuch,
    worth,
)
from app.tenancy import acting, vendor_actor
from models.customers import Customer
from models.orders import Order
from models.outbox import OutboxMessage
from models.payments import CreditEntry, Payment, PaymentState, RefundState, Tender
from tests import make

CASH, CARD, CREDIT = Tender.CASH, Tender.CARD, Tender.STORE_CREDIT


def euros(text: str) -> Decimal:
    return Decimal(text)


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


@pytest.fixture
def session(shop: int) -> Iterator[Session]:
    with begin() as opened:
        yield opened


def sold(session: Session, *prices: str, **fields: Any) -> Order:
    """A placed order with a line of each price."""
    order = make.order(session, lines=0, **fields)
    for price in prices or ("30.00",):
        make.order_line(session, order=order, unit_price=Decimal(price))
    session.refresh(order, ["lines"])
    return order


def pay(session: Session, order: Order, tender: Tender = CASH, **fields: Any) -> Payment:
    return payments.charge(session, order_id=order.id, tender=tender, **fields)


def test_cash_takes_what_is_due_and_gives_change(session: Session) -> None:
    order = sold(session, "46.10")
    taken = pay(session, order, tendered=euros("50"))
    assert (taken.amount, payments.change_of(taken)) == (euros("46.10"), euros("3.90"))
    assert (order.paid, order.payment_status, payments.due(order)) == (euros("46.10"), "paid", 0)
    assert taken.captured_at == make.NOON


def test_a_payment_is_split_over_tenders(session: Session) -> None:
    order = sold(session, "46.10")
    first = pay(session, order, tendered=euros("20"))
    assert (first.amount, payments.change_of(first)) == (20, 0)
    assert (order.payment_status, payments.due(order)) == ("part_paid", euros("26.10"))
    assert pay(session, order, CARD, reference="T-17").amount == euros("26.10")
    assert order.payment_status == "paid"


def test_what_is_too_much_is_change_in_cash_and_seen_otherwise(session: Session) -> None:
    order = sold(session, "10.00")
    with pytest.raises(NotTheAmount, match=r"10\.00 is due") as caught:
        pay(session, order, amount=euros("12"))
    assert caught.value.field == "amount"
    pay(session, order, Tender.BANK_TRANSFER, amount=euros("12"))
    assert (order.payment_status, payments.due(order)) == ("overpaid", -2)
    refunds.give(session, order_id=order.id, amount=euros("2"), reason="Sent too much")
    assert (payments.due(order), order.refunded) == (0, 2)
    with pytest.raises(NothingDue):
        pay(session, order)


@pytest.mark.parametrize(
    ("refusal", "field", "fields"),
    [
        (NotAnAmount, "amount", {"amount": Decimal("NaN")}),
        (NotAnAmount, "amount", {"amount": Decimal("-1")}),
        (NotAnAmount, "amount", {"amount": Decimal("Infinity")}),
        (NotAnAmount, "tendered", {"tendered": Decimal("sNaN")}),
        (NotTheAmount, "amount", {"amount": Decimal(0)}),
        (NotTheAmount, "amount", {"amount": Decimal("0.004")}),
        (NotTheAmount, "amount", {"tendered": Decimal(0)}),
        (NotTheAmount, "amount", {"tender": CARD, "tendered": Decimal(50)}),
        (NotEnoughTendered, "tendered", {"amount": Decimal(10), "tendered": Decimal("9.99")}),
        (NotATender, "tender", {"tender": "gold"}),
        (NotATender, "tender", {"tender": Tender.GATEWAY}),
        (NotATender, "tender", {"tender": Tender.ELSEWHERE}),
        (NeedsReference, "reference", {"tender": Tender.MOBILE_MONEY, "reference": " "}),
        (NobodysCredit, "tender", {"tender": CREDIT}),
        (CannotRead, "reference", {"tender": CARD, "reference": "x" * 201}),
    ],
)
def test_what_cannot_be_taken_is_said_at_its_field(
    session: Session, refusal: type[DomainError], field: str, fields: dict[str, Any]
) -> None:
    order = sold(session)
    with pytest.raises(refusal) as caught:
        payments.charge(session, order_id=order.id, **{"tender": CASH} | fields)
    assert caught.value.field == field
    assert session.scalar(select(func.count(Payment.id))) == 0


def test_only_binding_orders_are_paid(session: Session) -> None:
    for fields in ({"status": "draft", "number": None}, {"status": "cancelled"}):
        with pytest.raises(NotPayable):
            pay(session, sold(session, **fields))
    with pytest.raises(NothingDue):
        pay(session, sold(session, "0.00"))
    with pytest.raises(NotFound):
        payments.charge(session, order_id=10**15, tender=CASH)


def test_an_order_of_another_vendor_is_not_there(shop: int) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        order = sold(session)
        pay(session, order)
        theirs = order.id
    with pytest.raises(NotFound), begin() as session:
        payments.charge(session, order_id=theirs, tender=CASH)
    with pytest.raises(NotFound), begin() as session:
        refunds.give(session, order_id=theirs, reason="Why")


def test_the_same_form_twice_is_one_payment_and_one_refund(session: Session) -> None:
    order, other, key = sold(session, "30.00"), sold(session), uuid4()
    first = pay(session, order, CARD, amount=euros("10"), request_key=key)
    assert pay(session, order, CARD, amount=euros("10"), request_key=key).id == first.id
    with pytest.raises(SentBefore):
        pay(session, other, CARD, request_key=key)
    pay(session, order, CASH)
    fields = {"order_id": order.id, "reason": "Broken", "request_key": uuid4()}
    given = refunds.give(session, amount=euros("25"), **fields)
    assert [r.amount for r in given] == [20, 5]  # newest first
    assert [r.id for r in refunds.give(session, amount=euros("25"), **fields)] == [
        r.id for r in given
    ]
    with pytest.raises(SentBefore):
        refunds.give(session, **fields | {"order_id": other.id})
    assert (order.paid, order.refunded) == (30, 25)


def test_store_credit_is_spent_given_and_never_below_nothing(session: Session) -> None:
    customer = make.customer(session)
    order = sold(session, "30.00", customer=customer)
    credit.give(session, customer_id=customer.id, amount=euros("12.50"), reason="Late delivery")
    with pytest.raises(NotTheAmount):
        pay(session, order, CREDIT, amount=euros("40"))
    taken = pay(session, order, CREDIT)
    assert (taken.amount, customer.store_credit) == (euros("12.50"), 0)
    pay(session, order, CARD)
    back = refunds.give(session, order_id=order.id, reason="Not wanted", tender=CREDIT)
    assert [(r.tender, r.amount) for r in back] == [
        (CREDIT, euros("17.50")),
        (CREDIT, taken.amount),
    ]
    assert customer.store_credit == 30
    credit.take(session, customer_id=customer.id, amount=euros("5"), reason="A mistake")
    assert [e.amount for e in credit.entries(session, customer_id=customer.id)] == [
        -5, euros("12.50"), euros("17.50"), euros("-12.50"), euros("12.50"),
    ]  # fmt: skip
    assert session.scalar(select(func.sum(CreditEntry.amount))) == 25


@pytest.mark.parametrize(
    ("refusal", "fields"),
    [
        (NotEnoughCredit, {"amount": Decimal("10.01")}),
        (NoCredit, {"amount": Decimal(0)}),
        (NotAnAmount, {"amount": Decimal("NaN")}),
        (NotAnAmount, {"amount": Decimal(-3)}),
        (credit.NoReason, {"reason": "  "}),
        (CannotRead, {"reason": "x" * 501}),
        (NotFound, {"customer_id": 10**15}),
    ],
)
def test_store_credit_is_not_taken_out_of_nowhere(
    shop: int, refusal: type[DomainError], fields: dict[str, Any]
) -> None:
    with begin() as session:
        customer_id = make.customer(session).id
        credit.give(session, customer_id=customer_id, amount=euros("10"), reason="Goodwill")
    known = {"customer_id": customer_id, "amount": Decimal(1), "reason": "Why"}
    with pytest.raises(refusal), begin() as session:
        credit.take(session, **known | fields)
    with begin() as session:
        assert session.get_one(Customer, customer_id).store_credit == 10


def test_more_store_credit_than_there_is_pays_nothing(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        credit.give(session, customer_id=customer.id, amount=euros("10"), reason="Goodwill")
        order_id = sold(session, "30.00", customer=customer).id
    with pytest.raises(NotEnoughCredit), begin() as session:
        payments.charge(session, order_id=order_id, tender=CREDIT, amount=euros("11"))
    with begin() as session:
        assert session.get_one(Order, order_id).paid == 0


def test_a_refund_is_for_lines_and_never_more_than_they_cost(session: Session) -> None:
    order = sold(session, "20.00", "5.00")
    one, two = order.lines
    pay(session, order, CARD, amount=euros("22"))
    pay(session, order)
    given = refunds.give(
        session, order_id=order.id, reason="Damaged", lines={one.id: euros("4"), two.id: euros("1")}
    )
    assert [(r.tender, r.amount) for r in given] == [(CASH, 3), (CARD, 2)]
    session.refresh(order, ["lines"])
    assert [line.refunded for line in order.lines] == [4, 1]
    assert payments.due(order) == 0  # what was given back for goods is not asked for again
    with pytest.raises(LineRefundTooMuch) as caught:
        refunds.give(session, order_id=order.id, reason="More", lines={two.id: euros("4.01")})
    assert caught.value.field == f"lines.{two.id}"
    strange = sold(session).lines[0].id
    with pytest.raises(DomainError, match="not of this order"):
        refunds.give(session, order_id=order.id, reason="Theirs", lines={strange: euros("1")})
    assert payments.due(order) == 0


def test_a_line_without_tax_in_its_price_is_worth_its_tax_too(session: Session) -> None:
    order = make.order(
        session, lines=0, includes_tax=False, total=Decimal("2.30"), tax=Decimal("2.30")
    )
    line = make.order_line(session, order=order, unit_price=Decimal("10.00"), tax=Decimal("2.30"))
    session.refresh(order, ["lines"])
    assert (order.total, refunds.price_of(line, False)) == (euros("12.30"), euros("12.30"))
    pay(session, order)
    refunds.give(session, order_id=order.id, reason="All", lines={line.id: euros("12.30")})
    assert order.payment_status == "refunded"


@pytest.mark.parametrize(
    ("refusal", "field", "fields"),
    [
        (RefundTooMuch, "amount", {"amount": Decimal("30.01")}),
        (NothingToRefund, "amount", {"amount": Decimal(0)}),
        (NotAnAmount, "amount", {"amount": Decimal("NaN")}),
        (NotForThis, "tender", {"tender": Tender.MOBILE_MONEY}),
        (NotForThis, "tender", {"tender": Tender.GATEWAY}),
        (NobodysCredit, "tender", {"tender": CREDIT}),
        (refunds.NoReason, "reason", {"reason": " "}),
        (CannotRead, "reason", {"reason": "x" * 501}),
        (NotFound, None, {"payment_id": 10**15}),
    ],
)
def test_what_cannot_be_given_back(
    shop: int, refusal: type[DomainError], field: str | None, fields: dict[str, Any]
) -> None:
    with begin() as session:
        order_id = sold(session).id
        payments.charge(session, order_id=order_id, tender=CARD)
    with pytest.raises(refusal) as caught, begin() as session:
        refunds.give(session, order_id=order_id, **{"reason": "Why"} | fields)
    assert caught.value.field == field
    with begin() as session:
        assert session.get_one(Order, order_id).refunded == 0


def test_nothing_paid_is_nothing_to_give_back(session: Session) -> None:
    order = sold(session)
    with pytest.raises(NothingToRefund):
        refunds.give(session, order_id=order.id, reason="Why")
    make.payment(session, order=order, status="pending", captured_at=None)
    with pytest.raises(NothingToRefund):
        refunds.give(session, order_id=order.id, reason="Why")


def test_a_named_payment_gives_back_its_own(session: Session) -> None:
    order = sold(session, "30.00")
    card = pay(session, order, CARD, amount=euros("10"))
    pay(session, order)
    with pytest.raises(RefundTooMuch, match=r"10\.00"):
        refunds.give(session, order_id=order.id, reason="x", payment_id=card.id, amount=euros("11"))
    given = refunds.give(session, order_id=order.id, reason="x", payment_id=card.id, tender=CASH)
    assert [(r.tender, r.amount, r.payment_id) for r in given] == [(CASH, 10, card.id)]


def test_what_was_paid_elsewhere_is_given_back_in_cash(session: Session) -> None:
    order = sold(session)
    make.payment(session, order=order, tender="elsewhere")
    given = refunds.give(session, order_id=order.id, reason="x")
    assert [(r.tender, r.status) for r in given] == [(CASH, RefundState.SUCCEEDED)]


def test_a_payment_taken_by_mistake_is_asked_for_again(session: Session) -> None:
    order = sold(session, "30.00")
    pay(session, order, CARD)
    refunds.give(session, order_id=order.id, reason="The wrong card")
    assert payments.due(order) == 30
    assert pay(session, order).amount == 30


def test_a_gateway_is_asked_once_this_is_over(session: Session) -> None:
    order, key = sold(session, "30.00"), uuid4()
    asked = payments.ask(session, order_id=order.id, gateway="desk", request_key=key)
    assert payments.ask(session, order_id=order.id, gateway="desk", request_key=key) is asked
    assert (asked.status, asked.amount, order.paid) == (PaymentState.PENDING, 30, 0)
    promised = session.scalars(select(OutboxMessage)).all()
    assert [(m.task, m.payload["payment_id"]) for m in promised] == [(payments.AUTHORISE, asked.id)]


@pytest.mark.parametrize(("price", "pieces"), [("10.00", 3), ("0.02", 3), ("99.99", 7), ("0", 2)])
def test_pieces_together_are_worth_their_line(session: Session, price: str, pieces: int) -> None:
    order = make.order(session, lines=0)
    line = make.order_line(
        session, order=order, unit_price=Decimal(price), quantity=pieces,
        discount=min(Decimal("0.01"), Decimal(price)),
    )  # fmt: skip
    session.refresh(line)
    parts = [worth(line, True, before=n, pieces=1) for n in range(pieces)]
    assert sum(parts) == line.total == worth(line, True, before=0, pieces=pieces)
    assert max(parts) - min(parts) <= Decimal("0.01")
