"""The database's structure: brought up to date, and compared with what the models say."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from app.errors import DomainError

MIGRATIONS = Path(__file__).parent.parent / "migrations"
DRIVER = "postgresql+psycopg"
OWNER, LOGIN, DATABASE = "backroom_owner", "backroom_app", "backroom"
ACTING_ROLES = ("app_vendor", "app_admin", "app_analyst", "app_gate")
OLDEST_SERVER = 16


class BadUrl(DomainError):
    sentence = (
        "DATABASE_URL and OWNER_DATABASE_URL must read"
        " postgresql://user:password@host:5432/name: check them."
    )


class MigrationsPending(DomainError):
    sentence = "The database is not up to date: run `python -m app migrate` first."


@contextmanager
def _connected(url: str, **options: Any) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, **options)
    with engine.connect() as connection:
        yield connection


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)


def prepare(superuser_url: str) -> None:
    """Make the owner, the application's login and the database, as far as they are missing."""
    role = "SELECT FROM pg_roles WHERE rolname = :name"
    database = "SELECT FROM pg_database WHERE datname = :name"
    with _connected(superuser_url, isolation_level="AUTOCOMMIT") as connection:
        for known, name, statement in (
            (role, OWNER, f"CREATE ROLE {OWNER} LOGIN CREATEROLE"),
            (role, LOGIN, f"CREATE ROLE {LOGIN} LOGIN NOINHERIT"),
            (database, DATABASE, f"CREATE DATABASE {DATABASE} OWNER {OWNER}"),
        ):
            if connection.execute(text(known), {"name": name}).first() is None:
                connection.execute(text(statement))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(owner_url: str, *, login: str = LOGIN) -> list[str]:
    """Run the revisions that are missing, in order, and let `login` act; what was run."""
    with _connected(owner_url) as connection:
        missing = _pending(connection)
        connection.rollback()
        command.upgrade(_config(connection), "head")
        connection.rollback()
        _admit(connection, login)
        connection.commit()
    return missing


def _admit(connection: Connection, login: str) -> None:
    """The application's login may become the acting roles, and see which revision this is."""
    name = _quoted(connection, login)
    roles = ", ".join(ACTING_ROLES)
    connection.execute(text(f"GRANT {roles} TO {name} WITH INHERIT FALSE, SET TRUE"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {name}"))
    connection.execute(text(f"GRANT SELECT ON alembic_version TO {name}, {roles}"))


def _pending(connection: Connection) -> list[str]:
    current = MigrationContext.configure(connection).get_current_heads()
    script = ScriptDirectory(str(MIGRATIONS))
    steps = list(script.iterate_revisions("heads", current or "base"))
    return [f"{step.revision} {step.doc}" for step in reversed(steps)]


def pending(url: str) -> list[str]:
    """The revisions this database has not seen, oldest first."""
    with _connected(url) as connection:
        return _pending(connection)


def server_version(url: str) -> int:
    """The database server's major version."""
    with _connected(url) as connection:
        number: int = connection.scalar(text("SELECT current_setting('server_version_num')::int"))
        return number // 10000


def drift(owner_url: str) -> list[str]:
    """Where the database differs from the models, a line each; empty when nothing does."""
    from models import Base

    with _connected(owner_url) as connection:
        # Without them Alembic compares NULL with NULL and reports every default that reads them.
        for name in ("app.vendor_id", "app.user_id"):
            connection.execute(text(f"SET {name} = '1'"))
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]


def understood(url: str) -> str:
    """A database's address as people write it, in the form the drivers take; refuses `BadUrl`."""
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BadUrl from error
    if parts.drivername in ("postgres", "postgresql"):
        parts = parts.set(drivername=DRIVER)
    if parts.drivername != DRIVER:
        raise BadUrl
    return parts.render_as_string(hide_password=False)


def login_of(url: str) -> str:
    """The role that an address signs in as."""
    return make_url(url).username or LOGIN
