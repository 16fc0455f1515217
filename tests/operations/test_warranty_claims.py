"""Claims: made under a running cover, carried on step by step, settled in one of five ways."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import bookings, covers, forgetting, warranty_claims
from app.operations.moves import CannotMove
from app.operations.stock import OutOfStock
from app.tenancy import acting, vendor_actor
from models.audit import AuditEntry
from models.bookings import Booking
from models.covers import Cover, WarrantyClaim
from models.customers import Customer
from models.orders import Order
from tests import make


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def covered(session: Session, **variant: Any) -> Cover:
    """The warranty of something that Ana bought and paid."""
    order = make.order(
        session, customer=make.customer(session), variant=make.variant(session, **variant)
    )
    make.payment(session, order=order)
    return make.cover(session, line=order.lines[0], customer_id=order.customer_id)


def guaranteed(session: Session) -> Cover:
    """The guarantee of a service that was done an hour ago, for half a month."""
    service = make.service(session, redo_days=14)
    staff = make.staff_member(session)
    starts_at = make.NOON - timedelta(hours=2)
    booking = make.booking(session, service=service, staff=staff, starts_at=starts_at)
    bookings.complete(session, booking_id=booking.id)
    return session.scalars(select(Cover).where(Cover.booking_id == booking.id)).one()


def claimed(session: Session, cover: Cover, *, approved: bool = True) -> WarrantyClaim:
    row = warranty_claims.claim(session, cover_id=cover.id, problem="It hums")
    return warranty_claims.approve(session, claim_id=row.id) if approved else row


def test_a_claim_has_a_number_and_stands_alone_under_its_cover(shop: int) -> None:
    with begin() as session:
        cover = covered(session)
        row = warranty_claims.claim(session, cover_id=cover.id, problem=" It\u200b hums ")
        assert (row.number, row.status, row.problem) == (1, "open", "It hums")
        with pytest.raises(warranty_claims.ClaimOpen, match="Claim 1 under this cover is open"):
            warranty_claims.claim(session, cover_id=cover.id, problem="Again")
        warranty_claims.reject(session, claim_id=row.id, note="Dropped into the sea")
        assert (row.closed_at, row.note) == (make.NOON, "Dropped into the sea")
        assert warranty_claims.claim(session, cover_id=cover.id, problem="Again").number == 2


@pytest.mark.parametrize("status", ["expired", "void", "replaced", "over"])
def test_nothing_is_claimed_under_a_cover_that_does_not_run(shop: int, status: str) -> None:
    with begin() as session:
        cover = covered(session)
        if status == "over":
            cover.ends_on = make.NOON.date() - timedelta(days=1)
            cover.starts_on = cover.ends_on
        else:
            cover.status = status
        session.flush()
        with pytest.raises(warranty_claims.NotCovered, match="nothing can be claimed"):
            warranty_claims.claim(session, cover_id=cover.id, problem="It hums")


def test_on_its_last_day_it_still_holds(shop: int) -> None:
    with begin() as session:
        cover = covered(session)
        with clock.stopped_at(make.NOON + timedelta(days=730)):
            assert claimed(session, cover).status == "approved"
        with clock.stopped_at(make.NOON + timedelta(days=740)):
            row = warranty_claims.replace(session, claim_id=cover.claims[0].id)
            assert (row.status, cover.status) == ("resolved", "expired")
        heirs = select(Cover).where(Cover.replaces_id == cover.id)
        assert session.scalars(heirs).all() == []


def test_a_repair_lets_the_cover_rest(shop: int) -> None:
    with begin() as session:
        cover = covered(session)
        row = claimed(session, cover)
        warranty_claims.repair(session, claim_id=row.id)
        assert (row.status, cover.status) == ("in_repair", "suspended")
        with clock.stopped_at(make.NOON + timedelta(days=21)):
            warranty_claims.repaired(session, claim_id=row.id, note="New cable")
        assert (row.status, row.resolution, row.note) == ("resolved", "repair", "New cable")
        assert (cover.status, covers.left(session, cover)) == ("active", 751)
        assert (cover.ends_on - cover.starts_on).days == 751


def test_what_is_let_be_in_the_middle_of_a_repair_goes_on(shop: int) -> None:
    with begin() as session:
        cover = covered(session)
        row = claimed(session, cover)
        warranty_claims.repair(session, claim_id=row.id)
        with clock.stopped_at(make.NOON + timedelta(days=3)):
            warranty_claims.cancel(session, claim_id=row.id)
        assert (row.status, cover.status) == ("cancelled", "active")
        assert (cover.ends_on - cover.starts_on).days == 733


def test_another_piece_is_ordered_for_nothing_and_inherits_the_rest(shop: int) -> None:
    with begin() as session:
        cover = covered(session)
        covers.name_serial(session, cover_id=cover.id, serial="OLD")
        with clock.stopped_at(make.NOON + timedelta(days=30)):
            row = claimed(session, cover)
            warranty_claims.replace(session, claim_id=row.id, serial="NEW")
        order = session.get_one(Order, row.order_id)
        assert (order.status, order.total, order.customer_id) == ("placed", 0, cover.customer_id)
        assert order.note == "Claim 1: It hums"
        heir = session.scalars(select(Cover).where(Cover.replaces_id == cover.id)).one()
        assert (heir.serial, heir.order_line_id) == ("NEW", order.lines[0].id)
        assert (heir.status, (heir.ends_on - heir.starts_on).days) == ("active", 700)
        assert cover.status == "replaced"


def test_without_another_piece_nothing_is_settled(shop: int) -> None:
    with begin() as session:
        cover = covered(session, tracks_stock=True)
        number = claimed(session, cover).id
    with pytest.raises(OutOfStock), begin() as session:
        warranty_claims.replace(session, claim_id=number)
    with begin() as session:
        assert session.get_one(WarrantyClaim, number).status == "approved"
        assert session.get_one(Cover, cover.id).status == "active"


def test_money_or_credit_ends_the_cover(shop: int) -> None:
    with begin() as session:
        cover = covered(session)
        paid = cover.order_line.total
        row = claimed(session, cover)
        warranty_claims.refund(session, claim_id=row.id, amount=paid)
        session.refresh(cover.order_line)
        assert (row.resolution, cover.status, cover.order_line.refunded) == ("refund", "void", paid)

        cover = covered(session)
        row = claimed(session, cover)
        warranty_claims.repair(session, claim_id=row.id)
        warranty_claims.credit(session, claim_id=row.id, amount=Decimal("5.00"))
        session.refresh(cover.customer, ["store_credit"])
        assert (cover.status, cover.customer.store_credit) == ("void", Decimal("5.00"))


def test_more_than_was_paid_is_not_given_back(shop: int) -> None:
    with begin() as session:
        cover = covered(session)
        number, too_much = claimed(session, cover).id, cover.order_line.total + 1
    with pytest.raises(DomainError), begin() as session:
        warranty_claims.refund(session, claim_id=number, amount=too_much)
    with begin() as session:
        assert session.get_one(WarrantyClaim, number).status == "approved"


def test_a_service_is_done_again_for_nothing(shop: int) -> None:
    with begin() as session:
        cover = guaranteed(session)
        row = claimed(session, cover)
        with pytest.raises(warranty_claims.NotThisWay, match="cannot be settled by a replace"):
            warranty_claims.replace(session, claim_id=row.id)
    with begin() as session:
        cover = guaranteed(session)
        row = claimed(session, cover)
        tomorrow = make.NOON + timedelta(days=1)
        warranty_claims.redo(session, claim_id=row.id, starts_at=tomorrow)
        again = session.get_one(Booking, row.booking_id)
        first = session.get_one(Booking, cover.booking_id)
        assert (again.price, again.starts_at, again.staff_id) == (0, tomorrow, first.staff_id)
        with clock.stopped_at(tomorrow):
            bookings.complete(session, booking_id=again.id)
        assert session.scalars(select(Cover).where(Cover.booking_id == again.id)).all() == []
        assert cover.status == "active"


@pytest.mark.parametrize("verb", ["assess", "approve", "repair", "repaired", "cancel", "replace"])
def test_what_is_over_moves_no_more(shop: int, verb: str) -> None:
    with begin() as session:
        row = claimed(session, covered(session), approved=False)
        warranty_claims.reject(session, claim_id=row.id, note="No")
        with pytest.raises(CannotMove):
            getattr(warranty_claims, verb)(session, claim_id=row.id)


def test_what_is_no_claim(shop: int) -> None:
    with begin() as session:
        cover = covered(session)
        for nothing in ("", "  \u200b "):
            with pytest.raises(warranty_claims.NoProblem):
                warranty_claims.claim(session, cover_id=cover.id, problem=nothing)
        row = claimed(session, cover, approved=False)
        with pytest.raises(warranty_claims.NoReason):
            warranty_claims.reject(session, claim_id=row.id, note=" ")
        for verb in (warranty_claims.assess, warranty_claims.approve):
            with pytest.raises(NotFound):
                verb(session, claim_id=2**40)
        with pytest.raises(NotFound):
            warranty_claims.claim(session, cover_id=2**40, problem="x")


def test_nothing_sold_has_no_price_to_give_back(shop: int) -> None:
    with begin() as session:
        row = claimed(session, guaranteed(session))
        with pytest.raises(warranty_claims.NothingSold):
            warranty_claims.refund(session, claim_id=row.id, amount=Decimal(1))


def test_another_vendors_cover_is_not_there(shop: int) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        theirs = covered(session).id
    with begin() as session, pytest.raises(NotFound):
        warranty_claims.claim(session, cover_id=theirs, problem="Mine now")
    with begin() as session:
        assert session.scalars(select(Customer)).all() == []


def test_what_a_forgotten_customer_said_is_forgotten(shop: int) -> None:
    with begin() as session:
        cover = covered(session)
        row = warranty_claims.claim(session, cover_id=cover.id, problem="Ana Reis dropped it")
        warranty_claims.cancel(session, claim_id=row.id, note="Ana called")
        session.flush()
        forgetting.forget(session, customer_id=cover.customer_id)
        session.refresh(row)
        assert (row.problem, row.note) == (forgetting.FORGOTTEN, None)
        trail = select(AuditEntry).where(AuditEntry.table_name == "warranty_claims")
        told = [f"{entry.old} {entry.new}" for entry in session.scalars(trail)]
        assert told
        assert "Ana" not in " ".join(told)
