"""What becomes of a booking: its verbs, its fee, its trail, and the list of what nobody said."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from app import clock
from app.database import begin
from app.errors import NotFound
from app.operations import bookings, interests
from app.operations.bookings import (
    NeedsReason,
    NotSomebody,
    NotYet,
)
from app.operations.moves import CannotMove
from app.tenancy import acting, admin_actor, vendor_actor
from models.audit import AuditEntry
from models.bookings import BOOKING_TRANSITIONS, Booking, BookingStatus
from models.customers import Customer
from models.interests import CustomerInterest
from models.policies import CancellationPolicy
from models.staff import StaffMember
from tests import make
from tests.operations.booking_desk import TEN, offered, promised


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    """A vendor in Lisbon, acting, at noon on 20 November 2026."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


VERBS = {
    BookingStatus.CHECKED_IN: bookings.check_in,
    BookingStatus.COMPLETED: bookings.complete,
    BookingStatus.CANCELLED: bookings.cancel,
    BookingStatus.NO_SHOW: bookings.mark_no_show,
}


@pytest.mark.parametrize("was", BookingStatus)
@pytest.mark.parametrize("to", VERBS)
def test_only_the_moves_of_the_table_are_made(
    shop: int, was: BookingStatus, to: BookingStatus
) -> None:
    with begin() as session:
        customer = make.customer(session, no_show_count=1)
        booking = make.booking(session, customer=customer, status=was, starts_at=TEN)
        if to in BOOKING_TRANSITIONS[was]:
            assert VERBS[to](session, booking_id=booking.id).status == to
        else:
            with pytest.raises(CannotMove, match="so it cannot become"):
                VERBS[to](session, booking_id=booking.id)


@pytest.mark.parametrize("was", BookingStatus)
def test_confirm_is_for_pending_and_reopen_for_no_shows(shop: int, was: BookingStatus) -> None:
    pairs = {bookings.confirm: BookingStatus.PENDING, bookings.reopen: BookingStatus.NO_SHOW}
    for verb, from_ in pairs.items():
        with begin() as session:
            customer = make.customer(session, no_show_count=1)
            booking = make.booking(session, status=was, customer=customer)
            if was == from_:
                assert verb(session, booking_id=booking.id).status == BookingStatus.CONFIRMED
            else:
                with pytest.raises(CannotMove):
                    verb(session, booking_id=booking.id)


def test_a_visit_is_remembered(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        for hour in (10, 11):
            booking = make.booking(session, customer=customer, starts_at=TEN.replace(hour=hour))
            bookings.complete(session, booking_id=booking.id)
        assert (customer.visit_count, customer.services_spent, customer.total_spent) == (2, 80, 80)
        assert customer.last_visit_at == TEN.replace(hour=11)
        assert [row.times for row in session.scalars(select(CustomerInterest))] == [1, 1]
        assert interests.drift(session) == []


def test_a_no_show_that_came_after_all_is_corrected(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        booking = make.booking(session, customer=customer, starts_at=TEN)
        bookings.mark_no_show(session, booking_id=booking.id)
        assert (customer.no_show_count, customer.visit_count) == (1, 0)
        bookings.complete(session, booking_id=booking.id)
        assert (customer.no_show_count, customer.visit_count) == (0, 1)
        assert interests.drift(session) == []


def test_nobody_is_a_no_show_before_the_time(shop: int) -> None:
    with begin() as session:
        later = make.booking(session, starts_at=make.NOON + timedelta(days=1)).id
    with pytest.raises(NotYet, match="Saturday 21 November, 12:00"), begin() as session:
        bookings.mark_no_show(session, booking_id=later)
    with begin() as session:
        assert session.get_one(Booking, later).status == BookingStatus.CONFIRMED


def test_statistics_are_no_edit_of_the_record(shop: int) -> None:
    with begin() as session:
        booking = make.booking(session, starts_at=TEN)
        before = datetime(2020, 1, 1, tzinfo=UTC)
        customer = session.get_one(Customer, booking.customer_id)
        customer.updated_at = before
        session.flush()
        bookings.complete(session, booking_id=booking.id)
        session.refresh(customer)
        assert (customer.visit_count, customer.updated_at) == (1, before)


def test_an_item_that_moves_takes_its_buyers_along(shop: int) -> None:
    with acting(admin_actor()), begin() as session:
        category_id = make.category(session).id
    with begin() as session:
        booking = make.booking(session, starts_at=TEN, staff=make.staff_member(session))
        bookings.complete(session, booking_id=booking.id)
        booking.service.category_id, booking.service.kind = category_id, "class"
        session.flush()
        interest = session.scalars(select(CustomerInterest)).one()
        session.refresh(interest)
        assert (interest.category_id, interest.kind) == (category_id, "class")
        assert interests.drift(session) == []
        assert session.get(StaffMember, booking.staff_id)


def tomorrow(session: Session, **fields: Any) -> Booking:
    """A confirmed booking of 40.00 in 23 hours, under terms."""
    make.policy(session)
    return bookings.book(
        session, **offered(session), starts_at=make.NOON + timedelta(hours=23),
        status=BookingStatus.CONFIRMED, **fields,
    )  # fmt: skip


def test_a_customer_who_calls_off_late_owes_what_was_shown_before(shop: int) -> None:
    with begin() as session:
        booking = tomorrow(session)
        fee = bookings.cancellation(session, booking_id=booking.id, by="customer")
        assert fee.sentence == (
            "Cancelling now costs 20.00: half the price, because it is less than 24 hours before."
        )
        earlier = make.NOON - timedelta(hours=2)
        free = bookings.cancellation(session, booking_id=booking.id, by="customer", at=earlier)
        assert free.amount == 0
        session.execute(update(CancellationPolicy).values(late_percent=0, last_percent=0))
        bookings.cancel(session, booking_id=booking.id, by="customer", reason=" ill ")
        assert (booking.fee, booking.fee_waived, booking.cancelled_by) == (20, None, "customer")
        assert (booking.cancel_reason, booking.sequence) == ("ill", 1)
        assert promised(session) == [("confirmed", ""), ("cancelled", "")]


@pytest.mark.parametrize("by", ["vendor", "system"])
def test_what_the_vendor_calls_off_costs_nothing(shop: int, by: str) -> None:
    with begin() as session:
        booking = tomorrow(session)
        bookings.cancel(session, booking_id=booking.id, by=by)
        assert (booking.fee, booking.cancelled_by) == (0, by)


def test_a_fee_is_let_go_for_a_reason(shop: int) -> None:
    with begin() as session:
        booking = tomorrow(session)
        bookings.cancel(session, booking_id=booking.id, by="customer", waive="first time")
        assert (booking.fee, booking.fee_waived) == (0, "first time")
        free = make.booking(session)
        bookings.cancel(session, booking_id=free.id, by="customer", waive="nothing to waive")
        assert (free.fee, free.fee_waived) == (0, None)
        other = make.booking(session).id
    for wrong, refusal in (({"waive": " "}, NeedsReason), ({"by": "mother"}, NotSomebody)):
        with pytest.raises(refusal), begin() as session:
            bookings.cancel(session, booking_id=other, **wrong)
    with begin() as session:
        assert session.get_one(Booking, other).status == "confirmed"
        with pytest.raises(NotFound):
            bookings.cancellation(session, booking_id=2**62, by="customer")


def test_an_offer_that_lapses_and_what_is_over_are_called_off_in_silence(shop: int) -> None:
    with begin() as session:
        offer = bookings.book(
            session, **offered(session), starts_at=TEN + timedelta(days=1), held_until=make.NOON
        )
        bookings.cancel(session, booking_id=offer.id, by="system")
        over = bookings.book(session, **offered(session), starts_at=TEN)
        bookings.cancel(session, booking_id=over.id)
        assert promised(session) == []


def test_a_no_show_owes_what_was_agreed_until_it_is_taken_back(shop: int) -> None:
    with begin() as session:
        make.policy(session, no_show_percent=Decimal(75))
        ids = offered(session)
        booking = bookings.book(session, **ids, starts_at=TEN, status=BookingStatus.CONFIRMED)
        bookings.mark_no_show(session, booking_id=booking.id)
        assert (booking.fee, booking.sequence) == (30, 1)
        bookings.reopen(session, booking_id=booking.id)
        assert (booking.fee, booking.fee_waived, booking.sequence) == (0, None, 2)
        bookings.mark_no_show(session, booking_id=booking.id, waive="the tram stood still")
        assert (booking.fee, booking.fee_waived) == (0, "the tram stood still")
        bookings.complete(session, booking_id=booking.id)
        assert (booking.fee, booking.fee_waived) == (0, None)
        assert promised(session) == [("completed", "")]
        assert interests.drift(session) == []


def test_every_verb_is_one_line_of_the_trail(shop: int) -> None:
    with begin() as session:
        make.policy(session)
        ids = offered(session)
        booking = bookings.book(session, **ids, starts_at=TEN)
        steps = [
            bookings.confirm, bookings.check_in, bookings.complete,
        ]  # fmt: skip
        for verb in steps:
            verb(session, booking_id=booking.id)
        missed = bookings.book(session, **ids, starts_at=TEN, anyway="test")
        for verb in (
            bookings.confirm, bookings.mark_no_show, bookings.reopen, bookings.cancel,
        ):  # fmt: skip
            verb(session, booking_id=missed.id)
    with begin() as session:
        rows = session.scalars(
            select(AuditEntry).where(AuditEntry.table_name == "bookings").order_by(AuditEntry.id)
        ).all()
        told = [(row.row_id, row.action, (row.new or {}).get("status")) for row in rows]
    assert told == [
        (booking.id, "create", "pending"),
        (booking.id, "update", "confirmed"),
        (booking.id, "update", "checked_in"),
        (booking.id, "update", "completed"),
        (missed.id, "create", "pending"),
        (missed.id, "update", "confirmed"),
        (missed.id, "update", "no_show"),
        (missed.id, "update", "confirmed"),
        (missed.id, "update", "cancelled"),
    ]


# --- without an outcome -----------------------------------------------------------------------


def test_what_is_over_asks_for_an_outcome_the_latest_first(shop: int) -> None:
    with begin() as session:

        def one(minutes_ago: int, **fields: Any) -> int:
            starts = make.NOON - timedelta(minutes=minutes_ago + 60)
            return make.booking(session, starts_at=starts, **fields).id

        long_ago = one(60 * 24 * 400, status="checked_in")
        just_over = one(15)
        one(14)
        patient = one(31, terms={"grace_minutes": 30})
        one(29, terms={"grace_minutes": 30})
        for status in ("pending", "completed", "cancelled", "no_show"):
            one(90, status=status)
        found = bookings.needs_outcome(session, limit=10)
        assert [b.id for b in found] == [just_over, patient, long_ago]
        assert [b.id for b in bookings.needs_outcome(session, limit=2)] == [just_over, patient]
        later = make.NOON + timedelta(minutes=1)
        assert len(bookings.needs_outcome(session, at=later, limit=10)) == 5
        by_condition = select(Booking.id).where(bookings.lacks_outcome(make.NOON))
        assert set(session.scalars(by_condition)) == {just_over, patient, long_ago}
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        assert bookings.needs_outcome(session, limit=10) == []
    with acting(admin_actor()), begin() as session:
        assert len(bookings.needs_outcome(session, limit=10)) == 3


@pytest.mark.parametrize("everywhere", [False, True])
def test_the_list_is_read_by_an_index(
    fresh_database: str, owner_url: str, everywhere: bool
) -> None:
    """Newest first of two vendors' years: a walk along an index, which ends with the page."""
    vendor_id = _two_years()
    with create_engine(owner_url, poolclass=NullPool).begin() as owner:
        owner.execute(text("ANALYZE bookings"))
    asked: list[tuple[Any, Any]] = []
    with acting(admin_actor() if everywhere else vendor_actor(vendor_id)), begin() as session:

        @event.listens_for(session.connection(), "before_cursor_execute")
        def listen(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            asked.append((statement, parameters))

        assert len(bookings.needs_outcome(session, at=make.NOON, limit=20)) == 20
        statement, parameters = asked[-1]
        cursor = session.connection().connection.cursor()
        cursor.execute(f"EXPLAIN (ANALYZE) {statement}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on bookings" not in plan, plan
    known = "ix_bookings_status_starts_at" if everywhere else "ix_bookings_vendor_id_status_starts"
    assert known in plan, plan
    assert "Rows Removed by Filter" not in plan, plan


def _two_years() -> int:
    """An hour of each of two vendors, for thousands of hours before noon and after it."""
    vendor_id = 0
    for _ in range(2):
        vendor_id = make.new_vendor()
        with acting(vendor_actor(vendor_id)), begin() as session:
            ids = {"customer": make.customer(session).id, "service": make.service(session).id}
            session.execute(text(_HOURS), ids | {"noon": make.NOON})
    return vendor_id


_HOURS = """
INSERT INTO bookings (public_ref, customer_id, service_id, kind, status, price,
                      starts_at, ends_at, with_buffer_before, with_buffer_after)
SELECT gen_random_uuid(), :customer, :service, 'appointment',
       CASE WHEN n > 3000 OR n % 50 = 0 THEN 'confirmed' WHEN n % 500 = 1 THEN 'checked_in'
            ELSE 'completed' END,
       10, t, t + interval '1 hour', tstzrange(t, t + interval '1 hour'),
       tstzrange(t, t + interval '1 hour')
FROM (SELECT n, CAST(:noon AS timestamptz) + (n - 3000) * interval '1 hour' AS t
      FROM generate_series(1, 4000) n) hours
"""
