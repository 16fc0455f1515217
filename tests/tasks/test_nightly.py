"""The night: drift is found and named, and memberships that were cancelled run out."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from app import clock
from app.database import begin
from app.operations import bookings, memberships
from app.tenancy import acting, vendor_actor
from models.memberships import Membership
from tasks.nightly import check_the_books
from tests import make


def test_true_books_are_found_true_and_false_ones_are_named(
    db: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    honest, wrong = make.new_vendor(), make.new_vendor()
    for vendor_id in (honest, wrong):
        with acting(vendor_actor(vendor_id)), begin() as session:
            booking = make.booking(session, starts_at=make.NOON - timedelta(days=1))
            bookings.complete(session, booking_id=booking.id)
            customer_id = booking.customer_id
    assert check_the_books.apply().get() == 0
    assert caplog.text == ""
    with acting(vendor_actor(wrong)), begin() as session:
        session.execute(text("UPDATE customers SET visit_count = 7"))
        session.execute(text("UPDATE customer_interests SET spent = 7"))
    assert check_the_books.apply().get() == 2
    said = f"vendor {wrong}, customer {customer_id}, visit_count is 7 and should be 1."
    assert said in caplog.text


def test_a_cancelled_membership_ends_with_its_period(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        ending, going_on = make.membership(session), make.membership(session)
        memberships.end(session, membership_id=ending.id, at_period_end=True)
        ids = ending.id, going_on.id
    for days, status in ((29, "active"), (31, "ended")):
        with clock.stopped_at(make.NOON + timedelta(days=days)):
            check_the_books.apply().get()
        with acting(vendor_actor(vendor_id)), begin() as session:
            first, second = (session.get_one(Membership, membership_id) for membership_id in ids)
            assert (first.status, second.status) == (status, "active")
            if status == "ended":
                assert first.ended_at == first.period_ends_at
