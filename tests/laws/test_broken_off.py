"""A migration that is broken off, at whatever it does with nobody waiting, is run again."""

from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text

from app.schema import MIGRATIONS
from tests.laws.test_announced import connection, migrate

__all__ = ["connection"]  # fixture

BEFORE, FIRST = "0042", "0010"


class Killed(Exception):
    """As a wait for a lock that is over, or a worker that is stopped, ends it."""


def between(before: str, until: str) -> list[str]:
    """The migrations that come after the one, up to the other, in their order."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    found = ScriptDirectory.from_config(config).iterate_revisions(until, before)
    return [one.revision for one in found][::-1]


def killed(connection: Connection, to: str, *, after: int, down: bool = False) -> bool:
    """Migrate, and be killed after so many statements that commit by themselves."""
    done = 0

    def count(own: Connection, _: Any, statement: str, *__: Any) -> None:
        nonlocal done
        dbapi: Any = own.connection.dbapi_connection
        if dbapi.autocommit and statement:
            if done == after:
                raise Killed
            done += 1

    event.listen(connection.engine, "before_cursor_execute", count)
    try:
        migrate(connection, to, down=down)
    except Killed:
        connection.rollback()
        connection.execute(text("RESET ROLE"))  # whoever begins anew connects anew
        connection.commit()
        return True
    finally:
        event.remove(connection.engine, "before_cursor_execute", count)
    return False


def test_what_was_broken_off_is_done_the_next_time(connection: Connection) -> None:
    migrate(connection, BEFORE, down=True)
    broken_off = []
    for revision in between(BEFORE, "head"):
        statements = 1
        while killed(connection, revision, after=statements):
            broken_off.append(revision)
            statements += 2  # indexes are dropped and made, turn about
    assert {"0043", "0048", "0053", "0056"} <= set(broken_off)


def test_a_way_back_that_was_broken_off_is_gone_the_next_time(connection: Connection) -> None:
    broken_off = []
    for revision in [*between(BEFORE, "head")[-2::-1], BEFORE]:
        statements = 1
        while killed(connection, revision, after=statements, down=True):
            broken_off.append(revision)
            statements += 2
    assert {"0072", "0063"} <= set(broken_off), "what is left: 0073 and 0065 were broken off"


def test_older_ones_are_done_the_next_time_too(connection: Connection) -> None:
    """Before the first step, and ever further on."""
    migrate(connection, FIRST, down=True)
    broken_off = []
    for revision in between(FIRST, BEFORE):
        statements = 0
        while killed(connection, revision, after=statements):
            broken_off.append(revision)
            statements = 7 * statements + 6
    assert {"0014", "0020", "0024", "0025", "0026", "0032", "0033"} <= set(broken_off)
