"""Covers: they begin with delivery and completion, rest during repairs, and end on their day."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import NotFound
from app.operations import bookings, covers, orders, returns
from app.operations.moves import CannotMove
from app.tenancy import SYSTEM, acting, vendor_actor
from models.covers import Cover
from models.orders import Order, OrderLine
from models.returns import Condition, Disposition, Resolution
from models.shipments import Shipment, ShipmentLine
from tests import make

TODAY = make.NOON.date()


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def sold(
    session: Session, *, months: int | None = 24, quantity: int = 1, **fields: Any
) -> Shipment:
    """A packed shipment of an order of `quantity` pieces with that warranty."""
    order = make.order(session, customer=make.customer(session), lines=0)
    make.order_line(session, order=order, quantity=quantity, warranty_months=months, **fields)
    session.refresh(order, ["lines"])
    return make.shipment(session, order=order)


def deliver(session: Session, shipment: Shipment, at: datetime = make.NOON) -> int:
    shipment.status, shipment.delivered_at = "delivered", at
    return covers.start(session, shipment_id=shipment.id)


def all_covers(session: Session) -> list[Cover]:
    return list(session.scalars(select(Cover).order_by(Cover.id)))


def test_each_delivered_piece_is_covered_from_that_day_on(shop: int) -> None:
    with begin() as session:
        shipment = sold(session, quantity=3, name="Dryer")
        assert deliver(session, shipment) == 3
        for cover in all_covers(session):
            assert (cover.kind, cover.status, cover.name) == ("warranty", "active", "Dryer")
            assert (cover.starts_on, cover.ends_on) == (TODAY, date(2028, 11, 20))
            assert cover.customer_id == shipment.order.customer_id
        assert covers.start(session, shipment_id=shipment.id) == 0


def test_the_day_of_delivery_is_the_vendors_and_months_end_with_their_last_day(shop: int) -> None:
    with begin() as session:
        late = datetime.fromisoformat("2027-08-30T23:30:00+00:00")  # the 31st in Lisbon
        deliver(session, sold(session, months=6), at=late)
        assert [(c.starts_on, c.ends_on) for c in all_covers(session)] == [
            (date(2027, 8, 31), date(2028, 2, 29))
        ]


def test_goods_without_a_warranty_have_no_cover_and_packed_ones_not_yet(shop: int) -> None:
    with begin() as session:
        assert deliver(session, sold(session, months=None)) == 0
        with pytest.raises(covers.NotDelivered):
            covers.start(session, shipment_id=sold(session).id)
        assert all_covers(session) == []


def test_a_line_delivered_in_two_parts_is_covered_piece_by_piece(shop: int) -> None:
    with begin() as session:
        order = make.order(session, lines=0)
        line = make.order_line(session, order=order, quantity=3, warranty_months=24)
        order.pieces = 3
        for n, quantity in enumerate((1, 2)):
            part = Shipment(order_id=order.id, vendor_id=shop)
            piece = ShipmentLine(vendor_id=shop, order_line_id=line.id, quantity=quantity)
            part.lines.append(piece)
            session.add(part)
            session.flush()
            assert deliver(session, part, make.NOON + timedelta(days=n)) == quantity
        assert [c.starts_on - TODAY for c in all_covers(session)] == [
            timedelta(0), timedelta(1), timedelta(1)
        ]  # fmt: skip


def test_a_completed_service_is_done_again_for_nothing_for_a_while(shop: int) -> None:
    with begin() as session:
        service = make.service(session, redo_days=14, name="Colour")
        booking = make.booking(session, service=service)
        with pytest.raises(covers.NotDone):
            covers.start_of_service(session, booking_id=booking.id)
        booking.status, booking.completed_at = "completed", make.NOON
        cover = covers.start_of_service(session, booking_id=booking.id)
        assert cover is not None
        assert (cover.kind, cover.name) == ("guarantee", "Colour")
        assert (cover.starts_on, cover.ends_on) == (TODAY, TODAY + timedelta(days=14))
        assert covers.start_of_service(session, booking_id=booking.id) is cover
        again = make.booking(session, service=service, status="completed", completed_at=make.NOON)
        make.warranty_claim(session, cover=cover, booking_id=again.id)
        assert covers.start_of_service(session, booking_id=again.id) is None
        plain = make.booking(session, status="completed", completed_at=make.NOON)
        assert covers.start_of_service(session, booking_id=plain.id) is None


def test_completing_a_booking_begins_the_guarantee(shop: int) -> None:
    with begin() as session:
        booking = make.booking(
            session, service=make.service(session, redo_days=14), starts_at=make.NOON
        )
        bookings.complete(session, booking_id=booking.id)
        (cover,) = all_covers(session)
        assert (cover.booking_id, cover.customer_id) == (booking.id, booking.customer_id)


def test_a_repair_adds_the_days_that_it_took(shop: int) -> None:
    with begin() as session:
        deliver(session, sold(session))
        (cover,) = all_covers(session)
        with clock.stopped_at(make.NOON + timedelta(days=100)):
            covers.suspend(session, cover)
            assert covers.left(session, cover) == 631
        with clock.stopped_at(make.NOON + timedelta(days=130)):
            assert covers.left(session, cover) == 631
            covers.resume(session, cover)
            assert covers.left(session, cover) == 631
        assert (cover.status, cover.suspended_on) == ("active", None)
        assert cover.ends_on == date(2028, 12, 20)


def test_what_is_given_instead_inherits_the_rest(shop: int) -> None:
    with begin() as session:
        shipment = sold(session)
        deliver(session, shipment)
        (cover,) = all_covers(session)
        covers.name_serial(session, cover_id=cover.id, serial=" SN 1 ")
        with clock.stopped_at(make.NOON + timedelta(days=100)):
            covers.suspend(session, cover)
        with clock.stopped_at(make.NOON + timedelta(days=130)):
            heir = covers.replace(session, cover, serial="SN 1")
            assert heir is not None
            assert (heir.ends_on - heir.starts_on).days == 631
            assert covers.start(session, shipment_id=shipment.id) == 0
        assert (cover.status, cover.suspended_on, heir.replaces_id) == ("replaced", None, cover.id)
        assert covers.replace(session, cover) is None


def test_a_serial_number_has_one_running_cover(shop: int) -> None:
    with begin() as session:
        deliver(session, sold(session, quantity=2))
        one, two = (cover.id for cover in all_covers(session))
        covers.name_serial(session, cover_id=one, serial="A1")
    with pytest.raises(covers.SerialCovered), begin() as session:
        covers.name_serial(session, cover_id=two, serial="A1")
    with begin() as session:
        covers.void(session, cover_id=one)
        covers.name_serial(session, cover_id=two, serial="A1")
        with pytest.raises(CannotMove):
            covers.void(session, cover_id=one)


def test_covers_end_when_their_last_day_is_over_where_the_vendor_is(shop: int) -> None:
    with acting(SYSTEM), begin() as session:
        west = make.vendor(session, time_zone="America/Los_Angeles")
        days = {"starts_on": TODAY - timedelta(days=9), "ends_on": TODAY}
        for vendor_id in (shop, west.id):
            order = make.order(session, vendor_id=vendor_id)
            make.cover(session, line=order.lines[0], **days)
        night = datetime.fromisoformat("2026-11-21T00:30:00+00:00")
        assert covers.expire(session, now=night - timedelta(hours=1)) == 0
        assert covers.expire(session, now=night) == 1
        assert [c.status for c in all_covers(session)] == ["expired", "active"]
        assert covers.expire(session, now=night + timedelta(hours=8)) == 1


def test_a_cover_that_is_over_is_over_though_nobody_has_written_it_down(shop: int) -> None:
    with begin() as session:
        line = make.order(session).lines[0]
        cover = make.cover(session, line=line, ends_on=TODAY)
        assert covers.held(session, cover.id).status == "active"
        with clock.stopped_at(make.NOON + timedelta(days=1)):
            assert covers.is_over(session, cover)
            assert covers.held(session, cover.id).status == "expired"
            covers.suspend(session, cover)
            assert (cover.status, covers.replace(session, cover)) == ("expired", None)


def test_pieces_that_come_back_are_not_covered_any_more(shop: int) -> None:
    with begin() as session:
        shipment = sold(session, quantity=3)
        deliver(session, shipment)
        first, _, last = all_covers(session)
        covers.name_serial(session, cover_id=last.id, serial="X")
        line = session.get_one(OrderLine, shipment.order.lines[0].id)
        assert covers.void_returned(session, order_line_id=line.id, quantity=2) == 2
        assert [c.status for c in all_covers(session)] == ["void", "void", "active"]
        assert covers.void_returned(session, order_line_id=line.id, quantity=2) == 1
        assert first.status == "void"
        with pytest.raises(covers.NoSuchMany):
            covers.void_returned(session, order_line_id=line.id, quantity=0)


def came_back(session: Session, order: Order, quantity: int, resolution: Resolution) -> None:
    """So many pieces of the order's first line come back and are settled that way."""
    line_id = order.lines[0].id
    asked = returns.Asked(line_id, quantity, "It hums")
    back = returns.ask(session, order_id=order.id, lines=[asked])
    (row,) = back.lines
    came = returns.Came(quantity, Condition.DEFECTIVE, Disposition.SCRAP)
    returns.receive(session, return_id=back.id, lines={row.id: came})
    returns.settle(session, return_id=back.id, lines={row.id: returns.Settled(resolution)})


def bought(session: Session, *, quantity: int) -> Order:
    """A paid order of these pieces, delivered today, each covered for two years."""
    shipment = sold(session, quantity=quantity)
    make.payment(session, order=shipment.order)
    shipment.order.status, shipment.order.fulfilled_at = "fulfilled", make.NOON
    assert deliver(session, shipment) == quantity
    return shipment.order


def test_what_is_paid_back_is_not_covered_any_more(shop: int) -> None:
    with begin() as session:
        came_back(session, bought(session, quantity=3), 2, Resolution.REFUND)
        assert sorted(c.status for c in all_covers(session)) == ["active", "void", "void"]


def test_goods_for_goods_inherit_the_rest_and_begin_nothing_when_delivered(shop: int) -> None:
    with begin() as session:
        order = bought(session, quantity=3)
        with clock.stopped_at(make.NOON + timedelta(days=30)):
            came_back(session, order, 2, Resolution.REPLACEMENT)
            new = session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()
            orders.fulfil(session, order_id=new.id)
        states = [(c.status, (c.ends_on - c.starts_on).days) for c in all_covers(session)]
        assert sorted(states) == [
            ("active", 701), ("active", 701), ("active", 731), ("replaced", 731), ("replaced", 731)
        ]  # fmt: skip
        heirs = [c for c in all_covers(session) if c.replaces_id]
        assert {c.order_line_id for c in heirs} == {new.lines[0].id}


def test_covers_follow_a_sale_that_is_given_to_a_customer_later(shop: int) -> None:
    with begin() as session:
        order = make.order(session, lines=0)
        make.order_line(session, order=order, quantity=2, warranty_months=24)
        session.refresh(order, ["lines"])
        deliver(session, make.shipment(session, order=order))
        first, second = all_covers(session)
        make.warranty_claim(session, cover=second)
        heir = covers.replace(session, covers.held(session, first.id))
        instead = make.order(session, lines=0)
        line = make.order_line(session, order=instead)
        given = covers.replace(session, covers.held(session, second.id), order_line_id=line.id)
        others = deliver(session, sold(session)), make.cover(session, line=line).id
        customer = make.customer(session)
        order.customer_id = customer.id
        assert heir is not None
        assert given is not None
        assert covers.follow(session, order_id=order.id) == 4
        theirs = [c.id for c in all_covers(session) if c.customer_id == customer.id]
        assert theirs == [first.id, second.id, heir.id, given.id]
        assert others[1] not in theirs
        assert covers.follow(session, order_id=order.id) == 0


def test_covers_follow_no_order_of_another_vendor(shop: int) -> None:
    with begin() as session:
        order_id = sold(session).order_id
    with acting(vendor_actor(make.new_vendor())), begin() as session, pytest.raises(NotFound):
        covers.follow(session, order_id=order_id)
