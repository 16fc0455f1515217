"""Shipments: packed, handed over, delivered or failed; stock and order follow each step."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import interests, orders, shipments, stock
from app.operations.lines import DraftLine
from app.operations.moves import CannotMove
from app.operations.orders import HandedOverAlready
from app.operations.shipments import (
    NeedsReason,
    NothingToPack,
    NotOfThisOrder,
    NotToBePacked,
    TooManyPacked,
)
from app.tenancy import acting, vendor_actor
from models.covers import Cover
from models.customers import Customer
from models.orders import LineKind, Order
from models.products import Variant
from models.shipments import Shipment
from models.stock import StockMove
from tests import make

HOME = {"line1": "Rua do Sol 1", "city": "Lisboa", "country": "PT"}


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def stocked(session: Session, on_hand: int = 10, **fields: Any) -> Variant:
    variant = make.variant(session, **fields)
    make.stock_move(session, variant=variant, on_hand=on_hand)
    return variant


def placed(session: Session, *lines: DraftLine, **fields: Any) -> Order:
    order = orders.save_draft(session, lines=lines, handing="delivery", ship_to=HOME, **fields)
    return orders.place(session, order_id=order.id)


def shelf(session: Session, variant: Variant) -> tuple[int, int]:
    session.refresh(variant)
    return variant.on_hand, variant.reserved


def test_a_parcel_is_packed_sent_and_delivered(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        variant = stocked(session, warranty_months=24)
        order = placed(session, DraftLine(LineKind.PRODUCT, variant.id, 3), customer_id=customer.id)
        line = order.lines[0]
        assert (order.pieces, shelf(session, variant)) == (3, (10, 3))
        parcel = shipments.pack(session, order_id=order.id, carrier="CTT")
        assert (line.packed, order.fulfilment_status) == (3, "unfulfilled")
        shipments.hand_over(session, shipment_id=parcel.id, tracking=" RR 1 ")
        assert (parcel.carrier, parcel.tracking) == ("CTT", "RR 1")
        assert (order.fulfilment_status, shelf(session, variant)) == ("fulfilled", (7, 0))
        assert (order.status, customer.order_count) == ("placed", 0)
        shipments.deliver(session, shipment_id=parcel.id)
        session.refresh(customer)
        assert (order.status, order.fulfilment_status) == ("fulfilled", "delivered")
        assert (customer.order_count, customer.products_spent) == (1, 30)
        assert len(session.scalars(select(Cover)).all()) == 3
        assert interests.drift(session) == []


def test_an_order_goes_in_parts_and_counts_with_the_last(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        first, second = stocked(session), stocked(session)
        order = placed(
            session,
            DraftLine(LineKind.PRODUCT, first.id, 2),
            DraftLine(LineKind.PRODUCT, second.id, 2),
            customer_id=customer.id,
        )
        one, two = order.lines
        part = shipments.pack(session, order_id=order.id, quantities={one.id: 1, two.id: 2})
        shipments.deliver(session, shipment_id=part.id)
        assert (order.status, order.fulfilment_status, order.delivered) == (
            "placed", "part_fulfilled", 3,
        )  # fmt: skip
        assert (shelf(session, first), shelf(session, second)) == ((9, 1), (8, 0))
        rest = shipments.pack(session, order_id=order.id)
        assert [(line.order_line_id, line.quantity) for line in rest.lines] == [(one.id, 1)]
        shipments.deliver(session, shipment_id=rest.id)
        session.refresh(customer)
        assert (order.status, customer.order_count) == ("fulfilled", 1)


def test_what_failed_is_back_in_stock_and_packed_anew(shop: int) -> None:
    with begin() as session:
        variant = stocked(session, on_hand=2)
        order = placed(session, DraftLine(LineKind.PRODUCT, variant.id, 2))
        parcel = shipments.pack(session, order_id=order.id)
        shipments.hand_over(session, shipment_id=parcel.id)
        assert shelf(session, variant) == (0, 0)
        shipments.fail(session, shipment_id=parcel.id, reason="Nobody was at home")
        assert (shelf(session, variant), order.fulfilment_status) == ((2, 2), "unfulfilled")
        dropped = shipments.pack(session, order_id=order.id)
        shipments.fail(session, shipment_id=dropped.id, reason="The box was wet")
        assert shelf(session, variant) == (2, 2)  # it had not left
        again = shipments.pack(session, order_id=order.id)
        shipments.deliver(session, shipment_id=again.id)
        assert (shelf(session, variant), order.status) == ((0, 0), "fulfilled")


def test_over_the_counter_everything_goes_at_once(shop: int) -> None:
    with begin() as session:
        variant = stocked(session, on_hand=1)
        lines = [DraftLine(LineKind.PRODUCT, variant.id)]
        order = orders.save_draft(session, lines=lines)
        orders.place(session, order_id=order.id)
        orders.fulfil(session, order_id=order.id)
        assert (order.status, order.fulfilment_status) == ("fulfilled", "delivered")
        parcel = session.scalars(select(Shipment)).one()
        assert (parcel.status, parcel.delivered_at) == ("delivered", make.NOON)
        moves = session.execute(
            select(StockMove.kind, StockMove.on_hand, StockMove.reserved).order_by(StockMove.id)
        ).all()
        assert moves == [("receipt", 1, 0), ("reservation", 0, 1), ("sale", -1, -1)]


def test_completing_hands_out_what_is_still_under_way(shop: int) -> None:
    with begin() as session:
        variant = stocked(session)
        order = placed(session, DraftLine(LineKind.PRODUCT, variant.id, 4))
        line = order.lines[0]
        sent = shipments.pack(session, order_id=order.id, quantities={line.id: 1})
        shipments.hand_over(session, shipment_id=sent.id)
        shipments.pack(session, order_id=order.id, quantities={line.id: 1})
        orders.complete(session, order_id=order.id)
        assert (order.delivered, shelf(session, variant)) == (4, (6, 0))
        kept = session.scalars(select(Shipment.status)).all()
        assert kept == ["delivered"] * 3


def test_calling_off_unpacks_and_frees_but_what_has_left_comes_back_as_a_return(shop: int) -> None:
    with begin() as session:
        variant = stocked(session, on_hand=5)
        order = placed(session, DraftLine(LineKind.PRODUCT, variant.id, 2))
        parcel = shipments.pack(session, order_id=order.id)
        orders.cancel(session, order_id=order.id)
        assert (shelf(session, variant), parcel.status) == ((5, 0), "failed")
        assert parcel.failure == "The order was cancelled"
        other_id = placed(session, DraftLine(LineKind.PRODUCT, variant.id, 2)).id
        gone = shipments.pack(session, order_id=other_id)
        shipments.hand_over(session, shipment_id=gone.id)
    with pytest.raises(HandedOverAlready), begin() as session:
        orders.cancel(session, order_id=other_id)
    with begin() as session:
        assert session.get_one(Order, other_id).status == "placed"


def test_what_is_on_order_is_promised_but_not_handed_over(shop: int) -> None:
    with begin() as session:
        variant = stocked(session, on_hand=1, allows_backorder=True)
        order = placed(session, DraftLine(LineKind.PRODUCT, variant.id, 3))
        assert shelf(session, variant) == (1, 3)
        parcel_id = shipments.pack(session, order_id=order.id).id
    with pytest.raises(stock.NotOnHand), begin() as session:
        shipments.hand_over(session, shipment_id=parcel_id)
    with begin() as session:
        kept = session.get_one(Shipment, parcel_id)
        assert (kept.status, kept.handed_over_at) == ("packed", None)


def test_packing_refuses_what_is_not_there_to_pack(shop: int) -> None:
    with begin() as session:
        variant = stocked(session)
        service = make.service(session)
        order = placed(
            session,
            DraftLine(LineKind.PRODUCT, variant.id, 2),
            DraftLine(LineKind.SERVICE, service.id),
        )
        goods, work = order.lines
        foreign = placed(session, DraftLine(LineKind.PRODUCT, variant.id)).lines[0].id
        draft = orders.save_draft(session, lines=[DraftLine(LineKind.PRODUCT, variant.id)]).id
        kept = {"order_id": order.id}
    wrong: list[tuple[type[DomainError], str | None, dict[str, Any]]] = [
        (TooManyPacked, f"lines.{goods.id}", kept | {"quantities": {goods.id: 3}}),
        (TooManyPacked, f"lines.{goods.id}", kept | {"quantities": {goods.id: -1}}),
        (TooManyPacked, f"lines.{goods.id}", kept | {"quantities": {goods.id: 10**30}}),
        (NotOfThisOrder, None, kept | {"quantities": {work.id: 1}}),
        (NotOfThisOrder, None, kept | {"quantities": {foreign: 1}}),
        (NothingToPack, "quantity", kept | {"quantities": {goods.id: 0}}),
        (NothingToPack, "quantity", kept | {"quantities": {}}),
        (NotToBePacked, None, {"order_id": draft}),
        (NotFound, None, {"order_id": 10**15}),
    ]
    for refusal, field, asked in wrong:
        with pytest.raises(refusal) as caught, begin() as session:
            shipments.pack(session, **asked)
        assert caught.value.field == field
    with begin() as session:
        shipments.pack(session, **kept)
    with pytest.raises(NothingToPack), begin() as session:
        shipments.pack(session, **kept)


def test_a_shipment_moves_as_its_table_says(shop: int) -> None:
    def parcel(session: Session) -> int:
        order = placed(session, DraftLine(LineKind.PRODUCT, stocked(session).id))
        return shipments.pack(session, order_id=order.id).id

    def failed(session: Session, *, shipment_id: int) -> None:
        shipments.fail(session, shipment_id=shipment_id, reason="Lost")

    leave, arrive = shipments.hand_over, shipments.deliver
    for verbs in ((arrive, arrive), (arrive, leave), (arrive, failed), (leave, leave),
                  (failed, failed), (failed, leave), (failed, arrive)):  # fmt: skip
        with begin() as session:
            number = parcel(session)
            verbs[0](session, shipment_id=number)
        with pytest.raises(CannotMove), begin() as session:
            verbs[1](session, shipment_id=number)
    with pytest.raises(NeedsReason), begin() as session:
        shipments.fail(session, shipment_id=parcel(session), reason="  ")


def test_another_vendors_shipment_is_not_here(shop: int) -> None:
    with begin() as session:
        order = placed(session, DraftLine(LineKind.PRODUCT, stocked(session).id))
        number, order_id = shipments.pack(session, order_id=order.id).id, order.id
    with acting(vendor_actor(make.new_vendor())):
        calls: list[tuple[Any, dict[str, Any]]] = [
            (shipments.pack, {"order_id": order_id}),
            (shipments.hand_over, {"shipment_id": number}),
            (shipments.deliver, {"shipment_id": number}),
            (shipments.fail, {"shipment_id": number, "reason": "Mine"}),
            (shipments.track, {"shipment_id": number, "carrier": "Mine", "tracking": None}),
        ]
        for verb, ids in calls:
            with pytest.raises(NotFound), begin() as session:
                verb(session, **ids)


def test_an_order_of_before_pieces_were_counted_is_still_handed_over(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        order = make.order(session, customer=customer, lines=2)
        assert order.pieces == 0
        orders.fulfil(session, order_id=order.id)
        assert (order.pieces, order.fulfilment_status) == (2, "delivered")
        assert session.get_one(Customer, customer.id).products_spent == Decimal(20)
