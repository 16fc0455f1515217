"""Returns: asked for, received, settled; in parts, several times, and never more than was paid."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import balances, payments, refunds, returns, shelf_truth
from app.operations.moves import CannotMove
from app.operations.refunds import LineRefundTooMuch, NothingToRefund
from app.operations.returns import (
    Asked,
    Came,
    NoReason,
    NothingCame,
    NothingReturned,
    NotOfThisReturn,
    NotSettled,
    SayHow,
    Settled,
    TooManyReturned,
)
from app.operations.stock import OutOfStock
from app.tenancy import acting, vendor_actor
from models.orders import Order
from models.payments import Refund, Tender
from models.products import Variant
from models.returns import Condition, Disposition, ProductReturn, Resolution
from tests import make
from tests.chance import examples
from tests.properties.test_races import in_threads

GOOD = (Condition.UNOPENED, Disposition.RESTOCK)
BROKEN = (Condition.DEFECTIVE, Disposition.SCRAP)


@pytest.fixture
def session(db: Connection) -> Iterator[Session]:
    with (
        acting(vendor_actor(make.new_vendor())), clock.stopped_at(make.NOON), begin() as opened,
    ):  # fmt: skip
        yield opened


def delivered(session: Session, *, pieces: int = 3, paid: bool = True, **fields: Any) -> Order:
    """An order of so many pieces at 10.00, all delivered and paid; 10 were here, or as many."""
    variant = make.variant(session, price=Decimal("10.00"))
    make.stock_move(session, variant=variant, on_hand=max(10, pieces))
    order = make.order(session, lines=0, status="fulfilled", fulfilled_at=make.NOON, **fields)
    line = make.order_line(session, order=order, variant=variant, quantity=pieces)
    session.refresh(order, ["lines"])
    shipment = make.shipment(session, order=order)
    make.stock_move(session, variant=variant, kind="sale", on_hand=-pieces, order_line_id=line.id)
    shipment.status, shipment.delivered_at = "delivered", make.NOON
    session.flush()
    session.refresh(order, ["delivered", "handed_over"])
    session.refresh(line)
    if paid:
        payments.charge(session, order_id=order.id, tender=Tender.CARD)
    return order


def asked(session: Session, order: Order, pieces: int = 1, **fields: Any) -> ProductReturn:
    one = Asked(order.lines[0].id, pieces, "Too small")
    return returns.ask(session, order_id=order.id, lines=[one], **fields)


def came(session: Session, back: ProductReturn, pieces: int, how: Any = GOOD) -> ProductReturn:
    lines = {back.lines[0].id: Came(pieces, *how)}
    return returns.receive(session, return_id=back.id, lines=lines)


def settled(
    session: Session, back: ProductReturn, what: Resolution, refund: str = "", **more: Any
) -> ProductReturn:
    one = Settled(what, Decimal(refund) if refund else None)
    return returns.settle(session, return_id=back.id, lines={back.lines[0].id: one}, **more)


def test_goods_come_back_to_the_shelf_and_money_to_the_card(session: Session) -> None:
    order = delivered(session)
    back = asked(session, order, 2, note="By post")
    assert (back.number, back.status, order.returned) == (1, "requested", 0)
    came(session, back, 2)
    variant = session.get_one(Variant, order.lines[0].variant_id)
    assert (order.returned, variant.on_hand, back.lines[0].condition) == (2, 9, "unopened")
    settled(session, back, Resolution.REFUND)
    (refund,) = session.scalars(select(Refund))
    assert (refund.amount, refund.tender, refund.return_id) == (20, "card", back.id)
    assert refund.reason == "Return 1: Too small"
    assert (order.refunded, payments.due(order), back.lines[0].refund) == (20, 0, 20)
    assert balances.drift(session) == shelf_truth.drift(session) == []


def test_what_is_broken_does_not_come_back_to_the_shelf(session: Session) -> None:
    order = delivered(session)
    back = came(session, asked(session, order, 3), 1, BROKEN)
    variant = session.get_one(Variant, order.lines[0].variant_id)
    session.refresh(variant)
    assert (order.returned, variant.on_hand) == (1, 7)
    settled(session, back, Resolution.NOTHING)
    assert (back.status, order.refunded, back.lines[0].refund) == ("settled", 0, None)


def test_credit_is_given_to_the_customer(session: Session) -> None:
    customer = make.customer(session)
    back = asked(session, delivered(session, customer=customer), 2)
    settled(session, came(session, back, 2), Resolution.CREDIT, "12.50")
    assert (customer.store_credit, back.order.refunded) == (Decimal("12.50"), Decimal("12.50"))


def test_nobody_has_no_credit(session: Session) -> None:
    back = came(session, asked(session, delivered(session)), 1)
    with pytest.raises(DomainError) as caught:
        settled(session, back, Resolution.CREDIT)
    assert caught.value.field == "tender"


def test_a_replacement_is_an_order_that_costs_nothing(session: Session) -> None:
    customer = make.customer(session)
    order = delivered(session, customer=customer)
    back = came(session, asked(session, order, 2), 2, BROKEN)
    settled(session, back, Resolution.REPLACEMENT)
    new = session.scalars(select(Order).where(Order.id != order.id)).one()
    assert (new.status, new.total, new.customer_id) == ("placed", 0, customer.id)
    assert [(ln.quantity, ln.variant_id) for ln in new.lines] == [(2, order.lines[0].variant_id)]
    assert back.note == f"Replaced by Order {new.number}"
    variant = session.get_one(Variant, new.lines[0].variant_id)
    session.refresh(variant)
    assert (variant.on_hand, variant.reserved) == (7, 2)
    assert order.refunded == 0


def test_there_is_no_replacement_of_what_is_sold_out(session: Session) -> None:
    order = delivered(session, pieces=8)
    back = came(session, asked(session, order, 3), 3, BROKEN)
    with pytest.raises(OutOfStock):
        settled(session, back, Resolution.REPLACEMENT)


def test_no_more_comes_back_than_was_delivered(session: Session) -> None:
    order = delivered(session)
    first = asked(session, order, 2)
    with pytest.raises(TooManyReturned, match="Only 1 of") as caught:
        asked(session, order, 2)
    assert caught.value.field == f"lines.{order.lines[0].id}"
    came(session, first, 1)
    asked(session, order, 2)
    with pytest.raises(NotOfThisReturn):
        asked(session, order, 1)
    third = session.scalars(select(ProductReturn).order_by(ProductReturn.id.desc())).first()
    assert third is not None
    returns.cancel(session, return_id=third.id, reason="Kept it")
    assert returns.returnable(session, order) == {order.lines[0].id: 2}


@pytest.mark.parametrize(
    ("refusal", "quantity", "reason"),
    [
        (NothingReturned, 0, "x"), (NothingReturned, -1, "x"), (TooManyReturned, 4, "x"),
        (TooManyReturned, 10**12, "x"), (NoReason, 1, " \n"), (DomainError, 1, "x" * 501),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for(
    session: Session, refusal: type[DomainError], quantity: int, reason: str
) -> None:
    order = delivered(session)
    with pytest.raises(refusal):
        returns.ask(session, order_id=order.id, lines=[Asked(order.lines[0].id, quantity, reason)])
    with pytest.raises(NothingReturned):
        returns.ask(session, order_id=order.id, lines=[])


def test_lines_of_others_do_not_come_back(session: Session) -> None:
    order, other = delivered(session), delivered(session)
    strange, own = other.lines[0].id, Asked(order.lines[0].id, 1, "x")
    for lines in ([Asked(strange, 1, "x")], [own, own]):
        with pytest.raises(NotOfThisReturn):
            returns.ask(session, order_id=order.id, lines=lines)
    back = asked(session, order)
    with pytest.raises(NotOfThisReturn):
        returns.receive(session, return_id=back.id, lines={10**15: Came(1, *GOOD)})
    with pytest.raises(NotFound):
        returns.receive(session, return_id=10**15, lines={})


@pytest.mark.parametrize(
    ("refusal", "one"),
    [
        (NothingCame, Came(0)), (TooManyReturned, Came(3, *GOOD)), (TooManyReturned, Came(-1)),
        (SayHow, Came(1)), (SayHow, Came(1, Condition.OPENED)),
        (SayHow, Came(1, None, Disposition.SCRAP)),
    ],
)  # fmt: skip
def test_what_cannot_be_received(session: Session, refusal: type[DomainError], one: Came) -> None:
    back = asked(session, delivered(session), 2)
    if one.received < 0:
        one = Came(-1, *GOOD)
    with pytest.raises(refusal):
        returns.receive(session, return_id=back.id, lines={back.lines[0].id: one})


def test_a_return_goes_its_way_once(session: Session) -> None:
    back = asked(session, delivered(session))
    with pytest.raises(CannotMove):
        settled(session, back, Resolution.REFUND)
    came(session, back, 1)
    for verb in (
        lambda: came(session, back, 1),
        lambda: returns.cancel(session, return_id=back.id),
    ):
        with pytest.raises(CannotMove):
            verb()
    settled(session, back, Resolution.REFUND)
    with pytest.raises(CannotMove):
        settled(session, back, Resolution.REFUND)


def test_every_line_that_came_is_settled(session: Session) -> None:
    back = came(session, asked(session, delivered(session)), 1)
    with pytest.raises(NotSettled) as caught:
        returns.settle(session, return_id=back.id, lines={})
    assert caught.value.field == f"lines.{back.lines[0].id}"


def test_no_more_is_given_back_than_was_paid(session: Session) -> None:
    order = delivered(session)
    refunds.give(session, order_id=order.id, reason="Late", lines={order.lines[0].id: Decimal(25)})
    back = came(session, asked(session, order, 2), 2)
    assert returns.worth_of(session, back, order) == {back.lines[0].id: 5}
    with pytest.raises(LineRefundTooMuch):
        settled(session, back, Resolution.REFUND, "5.01")


def test_what_was_not_paid_is_not_given_back(session: Session) -> None:
    back = came(session, asked(session, delivered(session, paid=False)), 1)
    with pytest.raises(NothingToRefund):
        settled(session, back, Resolution.REFUND)


def test_piece_by_piece_comes_back_exactly_what_was_paid(db: Connection) -> None:
    vendor_id = make.new_vendor()

    @examples(8)
    @given(
        parts=st.lists(st.integers(1, 3), min_size=1, max_size=4),
        cents=st.integers(0, 500),
        tax=st.integers(0, 99),
        included=st.booleans(),
    )
    def exactly(parts: list[int], cents: int, tax: int, included: bool) -> None:
        with acting(vendor_actor(vendor_id)), begin() as session:
            order = delivered(
                session, pieces=sum(parts), paid=False, includes_tax=included,
            )  # fmt: skip
            line = order.lines[0]
            off = min(Decimal(cents).scaleb(-2), line.total)
            line.discount, line.total = off, line.total - off
            line.tax = min(Decimal(tax).scaleb(-2), line.total)
            order.total = refunds.price_of(line, included)
            session.flush()
            payments.charge(session, order_id=order.id, tender=Tender.CASH)
            for pieces in parts:
                back = came(session, asked(session, order, pieces), pieces)
                settled(session, back, Resolution.REFUND)
            assert (order.refunded, order.payment_status) == (order.total, "refunded")
            assert order.fulfilment_status == "returned"
            assert balances.drift(session) == shelf_truth.drift(session) == []

    exactly()


def test_a_return_is_settled_once_by_eight_at_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = delivered(session)
        back = came(session, asked(session, order, 2), 2)
        one = {back.lines[0].id: Settled(Resolution.REFUND)}
        call = {"return_id": back.id, "lines": one}
        order_id, line_id = order.id, order.lines[0].id
    assert in_threads(vendor_id, returns.settle, [call] * 8) == ["CannotMove"] * 7 + [
        "ProductReturn"
    ]
    calls = [{"order_id": order_id, "lines": [Asked(line_id, 1, f"{n}")]} for n in range(6)]
    outcomes = in_threads(vendor_id, returns.ask, calls)
    assert outcomes.count("ProductReturn") == 1
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.get_one(Order, order_id).refunded == 20
        assert sorted(session.scalars(select(ProductReturn.number))) == [1, 2]
