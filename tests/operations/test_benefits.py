"""The seam between orders and what makes them cheaper: rungs, and an order's life."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import benefits, counter, orders, payments, prices, refunds
from app.operations.benefits import AS_AGREED, Asked
from app.operations.counter import Item, Off
from app.operations.lines import DraftLine, LineRefused, TooMuchOff
from app.operations.orders import Discount
from app.operations.rungs import Benefit, Rung, share_given_back
from app.tenancy import acting, vendor_actor
from models.orders import LineKind, Order, OrderLine
from models.payments import Tender
from tests import make

D = Decimal
RUNGS = {
    Rung.PRICE: (prices.MEMBER, D("0.9")),
    Rung.USE: (prices.PACKAGE, D("0.8")),
    Rung.CODES: (prices.COUPON, D("0.5")),
    Rung.REWARD: (prices.REWARD, D("0.5")),
}
"""What is left of a price after each of the benefits below."""


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four benefits, one a rung, registered the wrong way round; and what they were told."""
    said: list[str] = []

    def verb(name: str) -> Callable[[Session, Order], None]:
        return lambda session, order: said.append(f"{name} {order.status}")

    def of(rung: Rung) -> Benefit:
        name, left = RUNGS[rung]

        def apply(session: Session, order: Order, lines: Sequence[OrderLine], asked: Asked) -> None:
            for line in lines if asked.automatic else ():
                off = prices.as_money(line.total * (1 - left))
                prices.lower(line, off, name, rung.name.lower(), source=int(rung))

        return Benefit(rung, apply)

    def hold(session: Session, order: Order, asked: Asked) -> None:
        said.append(f"held {', '.join(asked.codes)}")

    def codes(session: Session, order: Order) -> Asked:
        return Asked(codes=("SPRING",))

    def points(session: Session, order: Order) -> Asked:
        return Asked(rewards=(7,))

    last = Benefit(
        Rung.REWARD, lambda *_: None, hold, verb("redeemed"), verb("released"), verb("settled"),
        verb("given back"), codes,
    )  # fmt: skip
    more = Benefit(Rung.REWARD, lambda *_: None, asked=points)
    registered = (*(of(rung) for rung in reversed(Rung)), last, more)
    monkeypatch.setattr(benefits, "BENEFITS", registered)
    return said


def test_each_rung_has_its_turn_and_leaves_its_step(shop: int, told: list[str]) -> None:
    with begin() as session:
        variant = make.variant(session, price=D("100.00"))
        typed = DraftLine(LineKind.PRODUCT, variant.id, 1, None, D("10.00"), why="Torn box")
        order = orders.save_draft(session, lines=[typed], discount=Discount(D("2.00"), "Regular"))
        line = order.lines[0]
        assert [(one["step"], one["amount"], one.get("source")) for one in line.price_steps] == [
            ("catalogue", "100.00", None),
            ("member_price", "10.00", 1),
            ("discount", "10.00", None),
            ("package_use", "16.00", 2),
            ("coupon", "32.00", 3),
            ("order_discount", "2.00", None),
            ("reward", "15.00", 4),
        ]
        assert (line.discount, line.total, order.total) == (D("85.00"), D("15.00"), D("15.00"))
        assert prices.own_discount(line) == (D("10.00"), "Torn box")
        assert prices.order_discount(order.lines) == (D("2.00"), "Regular")
        sent = DraftLine(LineKind.PRODUCT, variant.id, 1, D(100), D(10), id=line.id, why="Torn box")
        again = orders.save_draft(
            session, order_id=order.id, lines=[sent], discount=Discount(D("2.00"), "Regular")
        )
        assert (again.lines[0].price_steps, again.total) == (line.price_steps, D("15.00"))
        agreed = orders.save_draft(session, lines=[typed], asked=AS_AGREED)
        assert agreed.total == D("90.00")


def test_typed_discounts_are_of_what_is_left_by_then(shop: int, told: list[str]) -> None:
    with begin() as session:
        variant = make.variant(session, price=D("100.00"))
        of_the_price = Item(LineKind.PRODUCT, variant.id, off=Off(percent=D(50), why="Torn"))
        assert counter.quote(session, lines=[of_the_price]).lines[0].price_steps[2] == {
            "step": "discount", "amount": "45.00", "why": "Torn",
        }  # fmt: skip
        plain = Item(LineKind.PRODUCT, variant.id)
        order = counter.quote(session, lines=[plain], off=Off(percent=D(50), why="Regular"))
        assert order.lines[0].price_steps[4]["amount"] == "18.00"
        too_much = DraftLine(LineKind.PRODUCT, variant.id, discount=D("90.01"))
        with pytest.raises(LineRefused) as caught:
            orders.save_draft(session, lines=[too_much])
        assert caught.value.field == "lines.0.discount"
        with pytest.raises(TooMuchOff):
            orders.save_draft(
                session, lines=[DraftLine(LineKind.PRODUCT, variant.id)], discount=Discount(D(37))
            )


def test_benefits_hear_of_an_orders_life(shop: int, told: list[str]) -> None:
    with begin() as session:
        variant = make.variant(session, price=D("100.00"))
        line = DraftLine(LineKind.PRODUCT, variant.id)
        order = orders.save_draft(session, lines=[line], asked=Asked(codes=("SPRING",)))
        assert benefits.asked(session, order) == Asked(codes=("SPRING",), rewards=(7,))
        orders.place(session, order_id=order.id)
        payments.charge(session, order_id=order.id, tender=Tender.CASH, amount=order.total)
        orders.fulfil(session, order_id=order.id)
        refunds.give(session, order_id=order.id, amount=D("4.00"), reason="Late")
        share = share_given_back(order)
        refunds.give(session, order_id=order.id, reason="Broken")
        assert (share, share_given_back(order)) == (D(4) / order.total, 1)
        other = orders.save_draft(session, lines=[line])
        orders.cancel(session, order_id=other.id)
    assert told == [
        "held SPRING", "redeemed draft", "settled fulfilled", "given back fulfilled",
        "given back fulfilled", "held ", "released draft",
    ]  # fmt: skip


def test_what_was_paid_too_much_is_no_share_of_the_order(shop: int) -> None:
    order = Order(total=D(100), paid=D(120), refunded=D(20))
    assert share_given_back(order) == 0
    order.refunded = D(70)
    assert share_given_back(order) == D("0.5")
    order.refunded = D(120)
    assert share_given_back(order) == 1
    assert share_given_back(Order(total=D(0), paid=D(0), refunded=D(0))) == 0
