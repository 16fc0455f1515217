"""An upgrade from before figures knew first purchases: what is there is the sum of them all."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from tests.laws.test_announced import migrate, run
from tests.server import TestServer

NAME = "from_all_purchases"
ROWS = {
    "active_figures": ("next_in, customers, newcomers, days, visits, orders, revenue",
                       "1, 9, 2, 9, 9, 9, 90"),
    "place_figures": ("country, city_key, area, next_in, city, customers, visits, orders, services,"
                      " products, other", "'PT', 'porto', '40', 1, 'Porto', 9, 9, 9, 90, 1, 2"),
    "engagement_figures": ("span, vendors, people, files, days, visits, orders, revenue",
                           "3, 2, 9, 18, 9, 9, 9, 90"),
}  # fmt: skip


@pytest.fixture
def connection(server: TestServer) -> Iterator[Connection]:
    server.execute(f"CREATE DATABASE {NAME} TEMPLATE migrated OWNER backroom_owner")
    engine = create_engine(server.owner_url(NAME), poolclass=NullPool)
    with engine.connect() as opened:
        yield opened
    server.drop(NAME)


def written(connection: Connection, table: str, **first: Any) -> None:
    """A row of figures, of a channel and a category where they are known."""
    columns, values = ROWS[table]
    names = "".join(f", {name}" for name in first)
    more = "".join(f", '{value}'" for value in first.values())
    run(
        connection,
        f"INSERT INTO {table} (vendor_id, grain, starts_on, {columns}{names})"
        f" VALUES (7, 'month', '2026-10-01', {values}{more})",
    )


@pytest.mark.parametrize("table", ROWS)
def test_what_is_there_stays_as_the_sum_of_all_first_purchases(
    connection: Connection, table: str
) -> None:
    migrate(connection, "0063", down=True)
    written(connection, table)
    before = run(connection, f"SELECT * FROM {table}")
    migrate(connection, "0065")
    assert run(connection, f"SELECT channel, category_id FROM {table}") == [("", -1)]
    written(connection, table, channel="online", category_id=0)
    with pytest.raises(IntegrityError, match=f"pk_{table}"):
        written(connection, table, channel="online", category_id=0)
    connection.rollback()
    with pytest.raises(IntegrityError, match="channel_known"):
        written(connection, table, channel="by post", category_id=0)
    connection.rollback()
    migrate(connection, "0063", down=True)
    assert run(connection, f"SELECT * FROM {table}") == before
    migrate(connection, "0065")  # and up once more, with the indexes of before


def test_an_upgrade_that_was_broken_off_goes_on(connection: Connection) -> None:
    migrate(connection, "0063", down=True)
    written(connection, "place_figures")
    connection.execute(
        text("ALTER TABLE active_figures ADD COLUMN channel text NOT NULL DEFAULT ''")
    )
    connection.execute(
        text("CREATE INDEX pk_place_figures_fresh ON place_figures (vendor_id, grain)")
    )
    connection.commit()
    migrate(connection, "0065")
    assert run(connection, "SELECT channel, category_id FROM place_figures") == [("", -1)]
