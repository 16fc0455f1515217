"""Stock: every change is a move, promises are kept, and nothing falls below zero."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import ChangedMeanwhile, DomainError, NotFound
from app.operations import bookings, shelf_truth, stock
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


def test_what_comes_in_is_counted_and_thrown_away(shop: int) -> None:
    with begin() as session:
        variant = on_shelf(session, 0)
        received = stock.receive(session, variant_id=variant.id, quantity=12, reason=" Delivery  7")
        assert (numbers(variant), received.reason, received.user_id) == ((12, 0), "Delivery 7", 1)
        stock.adjust(session, variant_id=variant.id, counted=10, reason="Counted", seen=12)
        assert numbers(variant) == (10, 0)
        stock.write_off(session, variant_id=variant.id, quantity=10, reason="Flooded")
        assert numbers(variant) == (0, 0)
        assert moves(session) == [("receipt", 12, 0), ("adjustment", -2, 0), ("write_off", -10, 0)]


@pytest.mark.parametrize(
    ("verb", "fields", "refusal", "said"),
    [
        (stock.receive, {"quantity": 0}, stock.NoQuantity, "from 1 to 1,000,000"),
        (stock.receive, {"quantity": -3}, stock.NoQuantity, "from 1 to 1,000,000"),
        (stock.receive, {"quantity": 10**7}, stock.NoQuantity, "from 1 to 1,000,000"),
        (stock.adjust, {"counted": -1, "reason": "x"}, stock.NoQuantity, "from 0 to"),
        (stock.adjust, {"counted": 5, "reason": "x"}, stock.CountedSo, "5 on hand already"),
        (stock.adjust, {"counted": 1, "reason": "x"}, stock.Promised, "2 of .* are promised"),
        (stock.adjust, {"counted": 9, "reason": " "}, stock.SayWhy, "Say why"),
        (stock.adjust, {"counted": 9, "reason": "x", "seen": 4}, ChangedMeanwhile, "meanwhile"),
        (stock.write_off, {"quantity": 4, "reason": "x"}, stock.TooFew, "write 3 or fewer"),
        (stock.write_off, {"quantity": 1, "reason": None}, stock.SayWhy, "Say why"),
        (stock.write_off, {"quantity": 0, "reason": "x"}, stock.NoQuantity, "whole number"),
        (stock.write_off, {"quantity": 1, "reason": "x" * 501}, DomainError, "too long"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    shop: int, verb: Any, fields: dict[str, Any], refusal: type[DomainError], said: str
) -> None:
    with begin() as session:
        variant = on_shelf(session, 5)
        stock.reserve(session, order_id=order_of(session, (variant, 2)).id)
        with pytest.raises(refusal, match=said):
            verb(session, variant_id=variant.id, **fields)
        assert numbers(variant) == (5, 2)


def test_only_counted_stock_of_ones_own_moves(shop: int) -> None:
    with begin() as session:
        loose, own = make.variant(session).id, on_shelf(session).id
        with pytest.raises(stock.NotCounted, match="not counted"):
            stock.receive(session, variant_id=loose, quantity=1)
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        with pytest.raises(NotFound):
            stock.receive(session, variant_id=own, quantity=1)
        with pytest.raises(NotFound):
            stock.take_back(session, return_line_id=1, quantity=1)


def test_goods_that_are_returned_are_on_the_shelf_again_once(shop: int) -> None:
    with begin() as session:
        variant, loose = on_shelf(session), make.variant(session)
        for item, after in ((variant, 10), (loose, 0)):
            order = order_of(session, (item, 1))
            stock.reserve(session, order_id=order.id)
            shipment = make.shipment(session, order=order)
            stock.sell(session, shipment_id=shipment.id)
            line = make.product_return(session, order=order).lines[0]
            if item is variant:
                with pytest.raises(stock.NoQuantity):
                    stock.take_back(session, return_line_id=line.id, quantity=0)
            stock.take_back(session, return_line_id=line.id, quantity=1)
            assert numbers(item) == (after, 0)
        line_id = session.scalars(select(StockMove.return_line_id).where(
            StockMove.return_line_id.is_not(None)
        )).one()  # fmt: skip
        with pytest.raises(stock.BackAlready):
            stock.take_back(session, return_line_id=line_id or 0, quantity=1)


def test_a_booking_that_was_given_uses_up_what_is_there(shop: int) -> None:
    with begin() as session:
        service = make.service(session)
        dye, gloves, rare, loose = (on_shelf(session, n) for n in (10, 3, 1, 0))
        loose.tracks_stock = False
        for variant, quantity in ((dye, 2), (gloves, 5), (rare, 1), (loose, 1)):
            make.consumable(session, service=service, variant=variant, quantity=quantity)
        stock.reserve(session, order_id=order_of(session, (gloves, 1), (rare, 1)).id)
        booking = make.booking(session, service=service)
        bookings.complete(session, booking_id=booking.id)
        for variant in (dye, gloves, rare, loose):
            session.refresh(variant)
        assert [numbers(v) for v in (dye, gloves, rare, loose)] == [(8, 0), (1, 1), (1, 1), (0, 0)]
        taken = select(StockMove).where(StockMove.booking_id == booking.id)
        used = session.scalars(taken.order_by(StockMove.id)).all()
        assert {move.kind for move in used} == {"consumption"}
        assert [move.reason for move in used] == [None, "5 were used, only 2 were here"]


def test_what_runs_low_is_listed_the_least_first(shop: int) -> None:
    with begin() as session:
        low, empty, plenty, off = (
            on_shelf(session, n, low_stock=3) for n in (3, 0, 4, 0)
        )  # fmt: skip
        off.is_active = False
        gone = on_shelf(session, 0)
        gone.product.status = "archived"
        make.variant(session)
        session.flush()
        assert list(stock.low(session)) == [empty, low]
        stock.reserve(session, order_id=order_of(session, (plenty, 1)).id)
        assert list(stock.low(session)) == [empty, low, plenty]
        assert list(stock.low(session, most=1)) == [empty]


def test_the_sums_are_proved(shop: int) -> None:
    with begin() as session:
        variant = on_shelf(session)
        order = order_of(session, (variant, 4))
        stock.reserve(session, order_id=order.id)
        assert shelf_truth.drift(session) == []
        order.status, line_id = "cancelled", order.lines[0].id
        session.flush()
        assert [(d.noun, d.row_id, d.kept, d.true) for d in shelf_truth.drift(session)] == [
            ("order line", line_id, 4, 0)
        ]
        stock.release(session, order_id=order.id)
        assert shelf_truth.drift(session) == []
