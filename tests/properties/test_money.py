"""Invariant 9: whatever is paid and given back, in which order ever, adds up to the cent."""

from contextlib import ExitStack
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.operations import balances, credit, payments, refunds
from app.tenancy import acting, vendor_actor
from models.customers import Customer
from models.orders import Order
from models.payments import Payment, Refund, RefundState, Tender
from tests import make
from tests.chance import examples
from tests.properties.test_races import in_threads

CENTS = st.integers(1, 4000).map(lambda cents: Decimal(cents).scaleb(-2))
DESK = st.sampled_from(payments.TAKEN)
BACK = st.sampled_from([None, Tender.CASH, Tender.STORE_CREDIT])


class Money(RuleBasedStateMachine):
    """An order of three lines, one with tax on top, paid and given back in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(acting(vendor_actor(make.new_vendor())))
        self.stack.enter_context(clock.stopped_at(make.NOON))
        with begin() as session:
            customer = make.customer(session)
            credit.give(session, customer_id=customer.id, amount=Decimal(15), reason="Goodwill")
            order = make.order(session, customer=customer, lines=0, includes_tax=False)
            for price, tax in (("10.00", "2.30"), ("3.33", "0.17"), ("0.01", "0.00")):
                make.order_line(
                    session, order=order, unit_price=Decimal(price), quantity=3, tax=Decimal(tax)
                )
            order.total = order.total + Decimal("2.47")
            self.order_id, self.customer_id = order.id, customer.id
        self.paid = self.back = Decimal(0)

    def teardown(self) -> None:
        """The whole of the rest goes back: then it is exactly what was captured."""
        with begin() as session:
            order = session.get_one(Order, self.order_id)
            if refunds.left(order) > 0:
                refunds.give(session, order_id=order.id, reason="The rest")
        with begin() as session:
            order = session.get_one(Order, self.order_id)
            assert order.refunded == order.paid == self.paid
            for payment in session.scalars(select(Payment)):
                assert payment.refunded == payment.amount
        self.stack.close()

    @rule(tender=DESK, amount=st.none() | CENTS)
    def pay(self, tender: Tender, amount: Decimal | None) -> None:
        try:
            with begin() as session:
                taken = payments.charge(
                    session, order_id=self.order_id, tender=tender, amount=amount, reference="M-1"
                )
                self.paid += taken.amount
                assert amount in (None, taken.amount)
        except (payments.NothingDue, payments.NotTheAmount, credit.NotEnoughCredit):
            pass

    @rule(amount=st.none() | CENTS, tender=BACK)
    def give_back(self, amount: Decimal | None, tender: Tender | None) -> None:
        self.refunded(amount=amount, tender=tender)

    @rule(shares=st.lists(st.integers(0, 100), min_size=3, max_size=3), tender=BACK)
    def give_back_for_lines(self, shares: list[int], tender: Tender | None) -> None:
        """A part of what is left of each line, in percent: 100 is the whole rest of it."""
        with begin() as session:
            left = refunds.left_of_lines(session.get_one(Order, self.order_id))
        parts = {
            line_id: (rest * share / 100).quantize(Decimal("0.01"))
            for (line_id, rest), share in zip(sorted(left.items()), shares, strict=True)
        }
        self.refunded(lines=parts, tender=tender)

    def refunded(self, **fields: Any) -> None:
        with begin() as session:
            possible = refunds.left(session.get_one(Order, self.order_id))
        wanted = fields.get("amount") or sum(fields.get("lines", {}).values(), Decimal(0))
        try:
            with begin() as session:
                given = refunds.give(session, order_id=self.order_id, reason="Why", **fields)
        except refunds.NothingToRefund:
            assert not possible or (not wanted and "lines" in fields)
        except refunds.RefundTooMuch:
            assert wanted > possible
        else:
            amounts = sum(refund.amount for refund in given)
            assert amounts == (wanted or possible) <= possible
            self.back += amounts

    @invariant()
    def adds_up(self) -> None:
        with begin() as session:
            order = session.get_one(Order, self.order_id)
            assert (order.paid, order.refunded) == (self.paid, self.back)
            assert all(left >= 0 for left in refunds.left_of_lines(order).values())
            for payment in session.scalars(select(Payment)):
                assert 0 <= payment.refunded <= payment.amount
            assert balances.drift(session) == []


def test_any_payments_and_refunds_end_at_what_was_captured(db: Connection) -> None:
    run_state_machine_as_test(Money, settings=examples(8, stateful_step_count=10))


@pytest.fixture
def vendor_id(fresh_database: str) -> int:
    return make.new_vendor()


def paid_order(vendor_id: int, **fields: Any) -> tuple[int, list[int]]:
    """A committed order of 30.00, paid in cash; its id and its lines'."""
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = make.order(session, lines=3, **fields)
        payments.charge(session, order_id=order.id, tender=Tender.CASH)
        return order.id, [line.id for line in order.lines]


def test_the_rest_is_given_back_once_however_many_ask_at_once(vendor_id: int) -> None:
    order_id, _ = paid_order(vendor_id)
    calls = [{"order_id": order_id, "reason": f"Desk {n}"} for n in range(8)]
    assert in_threads(vendor_id, refunds.give, calls) == ["NothingToRefund"] * 7 + ["list"]
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = session.get_one(Order, order_id)
        assert (order.paid, order.refunded) == (30, 30)
        assert balances.drift(session) == []


def test_parts_given_back_at_once_stop_at_what_was_paid(vendor_id: int) -> None:
    order_id, lines = paid_order(vendor_id)
    calls = [
        {"order_id": order_id, "reason": "Part", "lines": {lines[n % 3]: Decimal("6.00")}}
        for n in range(6)
    ]
    outcomes = in_threads(vendor_id, refunds.give, calls)
    assert outcomes == ["LineRefundTooMuch"] * 3 + ["list"] * 3
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = session.get_one(Order, order_id)
        assert [line.refunded for line in order.lines] == [6, 6, 6]
        assert order.refunded == 18


def test_an_order_is_paid_once_by_eight_at_once(vendor_id: int) -> None:
    with acting(vendor_actor(vendor_id)), begin() as session:
        order_id = make.order(session, lines=3).id
    calls = [{"order_id": order_id, "tender": Tender.CASH} for _ in range(8)]
    assert in_threads(vendor_id, payments.charge, calls) == ["NothingDue"] * 7 + ["Payment"]


def test_store_credit_is_spent_once_on_two_orders(vendor_id: int) -> None:
    with acting(vendor_actor(vendor_id)), begin() as session:
        customer = make.customer(session)
        credit.give(session, customer_id=customer.id, amount=Decimal(35), reason="Goodwill")
        calls = [
            {
                "order_id": make.order(session, lines=3, customer=customer).id,
                "tender": Tender.STORE_CREDIT, "amount": Decimal(30),
            }
            for _ in range(6)
        ]  # fmt: skip
        customer_id = customer.id
    outcomes = in_threads(vendor_id, payments.charge, calls)
    assert outcomes == ["NotEnoughCredit"] * 5 + ["Payment"]
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.get_one(Customer, customer_id).store_credit == 5
        assert balances.drift(session) == []


def test_a_key_sent_by_eight_at_once_is_one_payment_and_one_refund(vendor_id: int) -> None:
    with acting(vendor_actor(vendor_id)), begin() as session:
        order_id = make.order(session, lines=3).id
    key = uuid4()
    pay = {"order_id": order_id, "tender": Tender.CARD, "amount": Decimal(10), "request_key": key}
    assert in_threads(vendor_id, payments.charge, [pay] * 8) == ["Payment"] * 8
    back = {"order_id": order_id, "reason": "Why", "amount": Decimal(4), "request_key": key}
    assert in_threads(vendor_id, refunds.give, [back] * 8) == ["list"] * 8
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = session.get_one(Order, order_id)
        assert (order.paid, order.refunded) == (10, 4)


def test_a_refund_that_failed_can_be_given_again(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        order = make.order(session, lines=3)
        paid = make.payment(session, order=order)
        make.refund(session, payment=paid, status="failed")
        given = refunds.give(session, order_id=order.id, reason="Again")
        assert [(r.amount, r.status) for r in given] == [(30, RefundState.SUCCEEDED)]
        assert session.scalars(select(Refund.status).order_by(Refund.id)).all() == [
            "failed", "succeeded",
        ]  # fmt: skip
