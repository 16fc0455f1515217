"""A migration that is broken off, at whatever it does with nobody waiting, is run again."""

from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text

from app.schema import MIGRATIONS
from tests.laws.test_announced import connection, migrate

__all__ = ["connection"]  # fixture

BEFORE = "0042"


class Killed(Exception):
    """As a wait for a lock that is over, or a worker that is stopped, ends it."""


def later() -> list[str]:
    """The migrations that come after, in their order."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    found = ScriptDirectory.from_config(config).iterate_revisions("head", BEFORE)
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
    for revision in later():
        statements = 1
        while killed(connection, revision, after=statements):
            broken_off.append(revision)
            statements += 2  # indexes are dropped and made, turn about
    assert {"0043", "0048", "0053", "0056"} <= set(broken_off)


def test_a_way_back_that_was_broken_off_is_gone_the_next_time(connection: Connection) -> None:
    broken_off = []
    for revision in [*later()[-2::-1], BEFORE]:
        statements = 1
        while killed(connection, revision, after=statements, down=True):
            broken_off.append(revision)
            statements += 2
    assert {"0072", "0063"} <= set(broken_off), "what is left: 0073 and 0065 were broken off"
