"""An upgrade from before messages: what was promised to be announced is told all the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from app.schema import MIGRATIONS
from tests.server import TestServer

NAME = "from_announcements"


@pytest.fixture
def connection(server: TestServer) -> Iterator[Connection]:
    server.execute(f"CREATE DATABASE {NAME} TEMPLATE migrated OWNER backroom_owner")
    engine = create_engine(server.owner_url(NAME), poolclass=NullPool)
    with engine.connect() as opened:
        yield opened
    server.drop(NAME)


def migrate(connection: Connection, to: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    (command.downgrade if down else command.upgrade)(config, to)
    connection.rollback()


def run(connection: Connection, sql: str) -> Any:
    """As the marketplace acts: the owner sees no rows."""
    connection.execute(text("SET LOCAL ROLE app_admin"))
    connection.execute(text("SELECT set_config('app.user_id', '1', true)"))
    result = connection.execute(text(sql))
    found = result.all() if result.returns_rows else None
    connection.commit()
    return found


def test_a_promise_becomes_a_message_and_files_are_let_go(connection: Connection) -> None:
    migrate(connection, "0030", down=True)
    for sql in (
        "INSERT INTO vendors (slug, name, country, time_zone) VALUES ('a', 'A', 'PT', 'UTC')",
        "INSERT INTO customers (vendor_id, full_name) SELECT id, 'Ana' FROM vendors",
        "INSERT INTO services (vendor_id, name, kind, price, duration_minutes)"
        " SELECT id, 'Cut', 'appointment', 10, 30 FROM vendors",
        "INSERT INTO bookings (vendor_id, public_ref, customer_id, service_id, kind, starts_at,"
        " ends_at, with_buffer_before, with_buffer_after, price, sequence)"
        " SELECT c.vendor_id, gen_random_uuid(), c.id, s.id, 'appointment', now(),"
        " now() + interval '1 hour', 'empty', 'empty', 10, 3 FROM customers c, services s",
        "INSERT INTO outbox_messages (vendor_id, task, payload, done_at)"
        " SELECT vendor_id, 'tasks.bookings.' || verb, jsonb_build_object('user_id', 1,"
        " 'booking_id', id, 'event', event, 'was', '2026-11-22T10:00:00+00:00'), done"
        " FROM bookings, (VALUES ('announce', 'offer', NULL::timestamptz),"
        " ('announce', 'moved', now()), ('forget', '', NULL)) AS told (verb, event, done)",
    ):
        run(connection, sql)
    migrate(connection, "0031")
    said = "SELECT event, channel, status, sequence, words ->> 'before' FROM messages"
    before = "2026-11-22T10:00:00+00:00"
    assert run(connection, said) == [("booking_offered", "in_app", "queued", 3, before)]
    waits = "SELECT task, payload FROM outbox_messages WHERE done_at IS NULL"
    [(task, payload)] = run(connection, waits)
    [(one,)] = run(connection, "SELECT id FROM messages")
    assert (task, payload) == ("tasks.messages.deliver", {"message_id": one, "user_id": 1})
    migrate(connection, "0030", down=True)
    assert run(connection, waits) == []
