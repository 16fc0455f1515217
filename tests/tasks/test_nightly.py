"""The night: drift is found and named, and what is old goes."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, select, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.pool import NullPool

from app import clock
from app.database import begin
from app.operations import bookings, clearing, lockout, users
from app.tenancy import GATE, SYSTEM, acting, vendor_actor
from models.resources import ResourceClaim
from models.users import LoginSession, OneTimeLink, SignInAttempt
from tasks.nightly import check_the_books, clear_sign_ins
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


def test_seats_and_rooms_are_held_against_their_bookings(
    db: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        planned = make.class_session(session)
        room = make.resource(session, capacity=9)
        make.claim(session, resource=room, booking=make.booking(session), unit=2)
        for status in ("confirmed", "pending", "cancelled"):
            make.booking(session, class_session_id=planned.id, kind="class", status=status)
            booking = make.booking(session)
            claim = make.claim(session, resource=room, booking=booking).id
            booking.status = status
        planned_id = planned.id
    assert check_the_books.apply().get() == 0
    with acting(vendor_actor(vendor_id)), begin() as session:
        session.execute(text("UPDATE class_sessions SET taken = 1"))
        session.execute(
            update(ResourceClaim)
            .where(ResourceClaim.id == claim)
            .values(held=True, with_buffer_before=Range(empty=True))
        )
    assert check_the_books.apply().get() == 3
    assert f"vendor {vendor_id}, class {planned_id}, taken is 1 and should be 2." in caplog.text
    assert f"claim {claim}, held is True and should be False." in caplog.text
    assert f"claim {claim}, with_buffer_before is empty and should be [" in caplog.text


LONG_AGO = make.NOON - clearing.KEPT - timedelta(minutes=1)
JUST_KEPT = make.NOON - clearing.KEPT + timedelta(minutes=1)


def a_night() -> int:
    with clock.stopped_at(make.NOON):
        cleared: int = clear_sign_ins.apply().get()
    return cleared


def left(column: Any) -> list[str]:
    with acting(GATE), begin() as session:
        return sorted(session.scalars(select(column)))


def test_old_tries_go_and_what_leads_to_a_pause_stays(db: Connection) -> None:
    def tried(email: str, at: object, succeeded: bool = False) -> SignInAttempt:
        return SignInAttempt(email=email, address="203.0.113.7", succeeded=succeeded, at=at)

    with acting(GATE), begin() as session:
        session.add_all([tried("old@x.example", LONG_AGO) for _ in range(3)])
        session.add_all([tried("kept@x.example", JUST_KEPT)])
        session.add_all([tried("boss@x.example", LONG_AGO, succeeded=True)])
        session.add_all([tried("boss@x.example", make.NOON) for _ in range(6)])
    assert a_night() == 4
    assert left(SignInAttempt.email) == ["boss@x.example"] * 6 + ["kept@x.example"]
    with acting(GATE), begin() as session, clock.stopped_at(make.NOON):
        counted = lockout.tries(session, "boss@x.example", "203.0.113.7")
        assert [one.wrong for one in counted] == [6, 6]
        assert lockout.refusal(counted) is not None


def test_sessions_that_stand_stay_and_ended_ones_go(db: Connection) -> None:
    with acting(SYSTEM), begin() as session:
        user = make.user(session).id

    def opened(name: str, expires_at: object, ended_at: object = None) -> LoginSession:
        return LoginSession(
            token_hash=name, user_id=user, expires_at=expires_at, ended_at=ended_at,
            created_at=LONG_AGO, last_seen_at=make.NOON,
        )  # fmt: skip

    later = make.NOON + timedelta(days=1)
    with acting(GATE), begin() as session:
        session.add_all(
            [
                opened("stands", later),
                opened("ended lately", later, JUST_KEPT),
                opened("ended long ago", later, LONG_AGO),
                opened("expired lately", JUST_KEPT),
                opened("expired long ago", LONG_AGO),
            ]
        )
    assert a_night() == 2
    assert left(LoginSession.token_hash) == ["ended lately", "expired lately", "stands"]
    with acting(users.gate(user)), begin() as session, clock.stopped_at(make.NOON):
        assert [s.token_hash for s in users.sessions(session, user_id=user)] == ["stands"]


def test_spent_links_go_and_open_ones_stay(db: Connection) -> None:
    with acting(SYSTEM), begin() as session:
        user = make.user(session).id

    def link(name: str, expires_at: object, used_at: object = None) -> OneTimeLink:
        return OneTimeLink(
            user_id=user, token_hash=name, purpose="invite", expires_at=expires_at, used_at=used_at
        )

    open_until = make.NOON + timedelta(hours=1)
    with acting(GATE), begin() as session:
        session.add_all(
            [link("open", open_until), link("used", LONG_AGO, LONG_AGO), link("old", LONG_AGO)]
        )
    assert a_night() == 2
    assert left(OneTimeLink.token_hash) == ["open"]


def test_a_night_goes_on_until_all_that_is_old_is_gone(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "BATCH", 3)
    old = {"address": "203.0.113.7", "succeeded": False, "at": LONG_AGO}
    with acting(GATE), begin() as session:
        session.add_all([SignInAttempt(email=f"{n}@x.example", **old) for n in range(8)])
    assert a_night() == 8
    assert left(SignInAttempt.email) == []


def test_stock_is_held_against_its_moves(
    fresh_database: str, owner_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The database lets nobody write the sums, so here its owner does."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        variant = make.variant(session)
        make.stock_move(session, variant=variant)
        variant_id = variant.id
    assert check_the_books.apply().get() == 0
    owner = create_engine(owner_url, poolclass=NullPool)
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE variants DISABLE TRIGGER counted_not_written_update"))
    with acting(vendor_actor(vendor_id)), begin() as session:
        session.execute(text("UPDATE variants SET on_hand = 7"))
    assert check_the_books.apply().get() == 1
    assert f"variant {variant_id}, on_hand is 7 and should be 10." in caplog.text
