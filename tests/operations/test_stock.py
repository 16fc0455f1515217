"""Stock: every change is a move, promises are kept, and nothing falls below zero."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import stock
from app.operations.stock import NotOnHand, OutOfStock
from app.tenancy import acting, vendor_actor
from models.orders import Order
from models.products import Variant
from models.stock import StockMove
from tests import make


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def on_shelf(session: Session, pieces: int = 10, **fields: Any) -> Variant:
    """A variant of which so many were received."""
    variant = make.variant(session, tracks_stock=True, **fields)
    if pieces:
        make.stock_move(session, variant=variant, on_hand=pieces)
    return variant


def order_of(session: Session, *wanted: tuple[Variant, int]) -> Order:
    """A placed order of these variants; nothing is promised to it yet."""
    order = make.order(session, lines=0)
    for variant, quantity in wanted:
        make.order_line(session, order=order, variant=variant, quantity=quantity)
    session.refresh(order, ["lines"])
    return order


def numbers(variant: Variant) -> tuple[int, int]:
    return variant.on_hand, variant.reserved


def moves(session: Session) -> list[tuple[str, int, int]]:
    found = session.execute(
        select(StockMove.kind, StockMove.on_hand, StockMove.reserved).order_by(StockMove.id)
    )
    return [(kind, on_hand, reserved) for kind, on_hand, reserved in found]


def test_an_order_is_promised_its_goods_and_gets_them(shop: int) -> None:
    with begin() as session:
        variant, untracked = on_shelf(session), make.variant(session)
        order = order_of(session, (variant, 3), (variant, 1), (untracked, 5))
        stock.reserve(session, order_id=order.id)
        assert numbers(variant) == (10, 4)
        stock.reserve(session, order_id=order.id)
        assert numbers(variant) == (10, 4)  # promised once
        stock.sell(session, shipment_id=make.shipment(session, order=order).id)
        assert (numbers(variant), numbers(untracked)) == ((6, 0), (0, 0))
        stock.release(session, order_id=order.id)
        assert sorted(moves(session)) == [
            ("receipt", 10, 0), ("reservation", 0, 1), ("reservation", 0, 3),
            ("sale", -3, -3), ("sale", -1, -1),
        ]  # fmt: skip
        assert set(session.scalars(select(StockMove.at))) == {make.NOON, session.scalar(func.now())}


def test_an_order_called_off_frees_what_it_was_promised(shop: int) -> None:
    with begin() as session:
        variant = on_shelf(session)
        order = order_of(session, (variant, 4))
        stock.reserve(session, order_id=order.id)
        for _ in range(2):
            stock.release(session, order_id=order.id)
            assert numbers(variant) == (10, 0)


def test_what_is_short_is_named_and_nothing_is_promised(shop: int) -> None:
    with begin() as session:
        plenty, few = on_shelf(session), on_shelf(session, 2, option="10 l")
        order = order_of(session, (plenty, 1), (few, 2), (few, 1))
        with pytest.raises(OutOfStock, match="only 2 can be had and 3 were asked for") as refused:
            stock.reserve(session, order_id=order.id)
        assert str(few) in str(refused.value)
        assert refused.value.details["variant_id"] == few.id
        assert (numbers(plenty), numbers(few)) == ((10, 0), (2, 0))
        rival = order_of(session, (few, 2))
        stock.reserve(session, order_id=rival.id)
        with pytest.raises(OutOfStock, match="only 0 can be had"):
            stock.reserve(session, order_id=order_of(session, (few, 1)).id)


def test_what_is_ordered_back_is_promised_but_not_handed_over(shop: int) -> None:
    with begin() as session:
        variant = on_shelf(session, 2, allows_backorder=True)
        order = order_of(session, (variant, 5))
        stock.reserve(session, order_id=order.id)
        assert (numbers(variant), variant.available) == ((2, 5), -3)
        shipment_id = make.shipment(session, order=order).id
        with pytest.raises(NotOnHand, match="only 2 can be handed over and 5 are wanted"):
            stock.sell(session, shipment_id=shipment_id)
        make.stock_move(session, variant=variant, on_hand=3)
        stock.sell(session, shipment_id=shipment_id)
        assert numbers(variant) == (0, 0)


def test_a_shipment_that_failed_brings_the_goods_and_their_promise_back(shop: int) -> None:
    with begin() as session:
        variant = on_shelf(session, 5)
        order = order_of(session, (variant, 3))
        stock.reserve(session, order_id=order.id)
        shipment_id = make.shipment(session, order=order).id
        stock.undo_sale(session, shipment_id=shipment_id)
        assert numbers(variant) == (5, 3)  # it was packed and no more
        stock.sell(session, shipment_id=shipment_id)
        for _ in range(2):
            stock.undo_sale(session, shipment_id=shipment_id)
            assert numbers(variant) == (5, 3)
        stock.release(session, order_id=order.id)
        assert numbers(variant) == (5, 0)


def test_what_others_were_promised_is_not_sold_to_who_was_not(shop: int) -> None:
    """Stock that is counted only since the order was placed: its goods were never promised."""
    with begin() as session:
        variant = make.variant(session)
        early = order_of(session, (variant, 2))
        stock.reserve(session, order_id=early.id)
        make.stock_move(session, variant=variant, on_hand=3)
        stock.reserve(session, order_id=order_of(session, (variant, 2)).id)
        early_id = make.shipment(session, order=early).id
        with pytest.raises(NotOnHand, match="only 1 can be handed over and 2 are wanted"):
            stock.sell(session, shipment_id=early_id)
        make.stock_move(session, variant=variant, on_hand=1)
        stock.sell(session, shipment_id=early_id)
        assert numbers(variant) == (2, 2)


def test_orders_of_other_vendors_are_not_touched(shop: int) -> None:
    with begin() as session:
        variant = on_shelf(session)
        order_id = order_of(session, (variant, 4)).id
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        stock.reserve(session, order_id=order_id)
    with begin() as session:
        assert numbers(session.get_one(Variant, variant.id)) == (10, 0)
