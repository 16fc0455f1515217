"""An upgrade from before payments: what was fulfilled then is paid, what is due stays due."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from app.schema import MIGRATIONS
from tests.server import TestServer

NAME = "from_before"


@pytest.fixture
def connection(server: TestServer) -> Iterator[Connection]:
    server.execute(f"CREATE DATABASE {NAME} OWNER backroom_owner")
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


def run(connection: Connection, sql: str, **values: Any) -> Any:
    """As the marketplace acts: the owner sees no rows."""
    connection.execute(text("SET LOCAL ROLE app_admin"))
    connection.execute(text("SELECT set_config('app.user_id', '1', true)"))
    result = connection.execute(text(sql), values)
    found = result.all() if result.returns_rows else None
    connection.commit()
    return found


def order(connection: Connection, number: int, status: str, total: str, **more: Any) -> None:
    """An order of the first vendor, placed in January 2026 and done a day later."""
    done = "2026-01-02" if status in ("fulfilled", "completed") else None
    values = {
        "number": number, "status": status, "total": Decimal(total), "placed_at": "2026-01-01",
        "fulfilled_at": done, "completed_at": done if status == "completed" else None,
    } | more  # fmt: skip
    run(
        connection,
        f"INSERT INTO orders (vendor_id, public_ref, {', '.join(values)})"
        f" SELECT id, gen_random_uuid(), {', '.join(f':{name}' for name in values)} FROM vendors",
        **values,
    )


def paid(connection: Connection) -> dict[int, tuple[str, Decimal, str, int]]:
    rows = run(
        connection,
        "SELECT o.number, p.tender, o.paid, CAST(p.captured_at AT TIME ZONE 'UTC' AS date),"
        " p.user_id FROM payments p JOIN orders o ON o.id = p.order_id ORDER BY o.number, p.id",
    )
    return {row[0]: (row[1], row[2], str(row[3]), row[4]) for row in rows}


def test_what_was_fulfilled_before_payments_is_paid_and_nothing_else(
    connection: Connection,
) -> None:
    migrate(connection, "0018")
    run(
        connection,
        "INSERT INTO vendors (slug, name, kind, country, time_zone)"
        " VALUES ('aurora', 'Aurora', 'salon', 'PT', 'Europe/Lisbon')",
    )
    order(connection, 1, "fulfilled", "12.50")
    order(connection, 2, "completed", "20.00")
    order(connection, 3, "completed", "20.00", fulfilled_at=None)
    order(connection, 4, "placed", "20.00")
    order(connection, 5, "cancelled", "20.00")
    order(connection, 6, "completed", "0.00")
    order(connection, 7, "draft", "20.00", placed_at=None)
    migrate(connection, "0023")
    elsewhere = {
        1: ("elsewhere", Decimal("12.50"), "2026-01-02", 1),
        2: ("elsewhere", Decimal("20.00"), "2026-01-02", 1),
        3: ("elsewhere", Decimal("20.00"), "2026-01-02", 1),
    }
    assert paid(connection) == elsewhere
    # It broke off and is run again, on a day when the house takes payments itself.
    migrate(connection, "0022", down=True)
    order(connection, 8, "fulfilled", "5.00")
    order(connection, 9, "placed", "9.00", placed_at="2026-03-01", pieces=1)
    order(connection, 10, "fulfilled", "8.00", fulfilled_at="2026-03-02")  # still due
    order(connection, 11, "fulfilled", "8.00")
    run(
        connection,
        "INSERT INTO payments (vendor_id, order_id, tender, status, amount)"
        " SELECT vendor_id, id, 'bank_transfer', 'failed', 8 FROM orders WHERE number = 11",
    )
    migrate(connection, "head")
    late = {8: ("elsewhere", Decimal("5.00"), "2026-01-02", 1)}
    tried = {11: ("bank_transfer", Decimal(0), "None", 1)}
    assert paid(connection) == elsewhere | late | tried
