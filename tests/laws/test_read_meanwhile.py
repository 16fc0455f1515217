"""An upgrade that sums up what is there: pages go on reading the figures meanwhile."""

from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.pool import NullPool

from tests.laws.test_announced import connection, migrate

__all__ = ["connection"]  # fixture


@pytest.mark.parametrize(
    ("before", "revision", "table"),
    [
        ("0066", "0067", "vendor_figures"),
        ("0072", "0073", "market_item_figures"),
        ("0072", "0073", "market_attach_figures"),
    ],
)
def test_figures_are_read_while_they_are_summed_up(
    connection: Connection, before: str, revision: str, table: str
) -> None:
    migrate(connection, before, down=True)
    beside = create_engine(connection.engine.url, poolclass=NullPool)
    read = []

    def look(_: Connection, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith(f"INSERT INTO {table} "):
            with beside.begin() as page:
                page.execute(text("SET LOCAL lock_timeout = '500ms'"))
                page.execute(text("SET LOCAL ROLE app_admin"))
                read.append(page.scalar(text(f"SELECT count(*) FROM {table}")))

    event.listen(connection.engine, "before_cursor_execute", look)
    migrate(connection, revision)
    assert read == [0]
