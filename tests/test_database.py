"""Transactions: what they carry, what outlives a refusal, and the driver's quick ways."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import database
from app.database import begin, begin_planned, insert_quickly, quickly
from app.errors import DomainError, Refused
from app.operations.schedules import SlotTaken
from app.tenancy import GATE, acting, vendor_actor
from models.bookings import Booking
from tests import make
from tests.server import TestServer

OWN = {"id", "public_ref", "created_at", "updated_at"}


def end_connections(server: TestServer, url: str) -> None:
    name = url.rsplit("/", 1)[1].split("?", maxsplit=1)[0]
    with psycopg.connect(server.url(name, "postgres").replace("+psycopg", "")) as root:
        root.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'backroom_app' AND datname = %s", (name,),
        )  # fmt: skip


class NotToday(DomainError):
    sentence = "Not today."


def refused(write: Callable[[Session], Any]) -> None:
    """Run `write`, and then refuse all of it."""
    with begin() as session:
        write(session)
        raise NotToday


def prepared() -> int:
    with acting(GATE), begin() as session:
        return session.scalar(text("SELECT count(*) FROM pg_prepared_statements")) or 0


def test_what_is_prepared_outlives_a_refusal(fresh_database: str) -> None:
    for _ in range(8):
        with acting(GATE), begin() as session:
            session.execute(text("SELECT 1 + :n"), {"n": 1})
    known = prepared()
    assert known >= 1
    with acting(GATE), pytest.raises(NotToday):
        refused(lambda session: session.execute(text("SELECT 1")))
    with acting(GATE), pytest.raises(Refused), begin() as session:
        session.execute(text("SELECT CAST('x' AS integer)"))
    assert prepared() >= known


def test_what_a_refused_transaction_wrote_is_gone(fresh_database: str) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), pytest.raises(NotToday):
        refused(make.tag)
    with acting(vendor_actor(vendor)), begin() as session:
        assert session.scalar(text("SELECT count(*) FROM tags")) == 0


def test_a_connection_that_dies_at_work_is_refused_once_and_replaced(
    fresh_database: str, server: TestServer
) -> None:
    with acting(GATE), begin() as session:
        session.execute(text("SELECT 1"))
    end_connections(server, fresh_database)
    with acting(GATE), pytest.raises(DBAPIError) as caught, begin() as session:
        session.execute(text("SELECT 1"))
    assert caught.value.connection_invalidated
    with acting(GATE), begin() as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_only_what_asks_for_it_is_planned_once(db: Connection) -> None:
    modes = []
    for transaction in (begin, begin_planned, begin):
        with acting(GATE), transaction() as session:
            modes.append(session.scalar(text("SHOW plan_cache_mode")))
    assert modes == ["force_custom_plan", "auto", "force_custom_plan"]


def test_an_error_on_the_quick_way_is_translated_as_any(db: Connection) -> None:
    with acting(GATE), pytest.raises(Refused), begin() as session:
        quickly(session.connection(), "SELECT CAST(%(word)s AS integer)", {"word": "x"})


def test_a_row_written_quickly_is_as_one_that_was_flushed(db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        flushed = make.booking(session, staff=make.staff_member(session), note="First")
        session.refresh(flushed)
        columns = [c.key for c in inspect(Booking).columns if c.key not in OWN]
        values = {name: getattr(flushed, name) for name in columns}
        session.delete(flushed)
        session.flush()  # its time is free again
        quick = insert_quickly(session, Booking, {"public_ref": uuid4(), **values})
        assert inspect(quick).persistent
        assert quick not in session.dirty
        told = {name: getattr(quick, name) for name in [*columns, *OWN]}
        stored = session.execute(
            select(*inspect(Booking).local_table.c).where(Booking.id == quick.id)
        ).one()
        assert told == {name: stored._mapping[name] for name in told}
        assert {name: told[name] for name in columns} == values
        quick.note = "Second"
        session.flush()  # the unit of work goes on with it
        assert session.scalar(select(Booking.note)) == "Second"
        assert quick.customer.id == values["customer_id"]


def test_what_is_left_out_gets_its_default(db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        model = make.booking(session, starts_at=make.NOON)
        wanted = ("customer_id", "service_id", "kind", "starts_at", "ends_at", "price",
                  "with_buffer_before", "with_buffer_after", "vendor_id")  # fmt: skip
        values = {name: getattr(model, name) for name in wanted}
        quick = insert_quickly(session, Booking, {"public_ref": uuid4(), **values})
        said = (quick.status, quick.seats, quick.moves, quick.fee, quick.note, quick.staff_id)
        assert said == ("pending", 1, 0, 0, None, None)
        session.refresh(quick)
        assert said == (
            quick.status, quick.seats, quick.moves, quick.fee, quick.note, quick.staff_id,
        )  # fmt: skip


def test_a_row_refused_on_the_quick_way_says_why(fresh_database: str) -> None:
    def twice(session: Session) -> None:
        first = make.booking(session, staff=make.staff_member(session), starts_at=make.NOON)
        columns = [c.key for c in inspect(Booking).columns if c.key not in OWN]
        same = {name: getattr(first, name) for name in columns}
        insert_quickly(session, Booking, {"public_ref": uuid4(), **same})

    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), pytest.raises(SlotTaken):
        refused(twice)
    with acting(vendor_actor(vendor)), begin() as session:
        assert session.scalar(text("SELECT count(*) FROM bookings")) == 0


def test_connections_that_lay_idle_are_asked_first(
    fresh_database: str, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prepared() >= 0
    monkeypatch.setattr(database, "RESTED_SECONDS", 0.0)
    end_connections(server, fresh_database)
    assert prepared() >= 0
