"""One embedded server a test process, migrated once; a rolled-back transaction a test."""

import gc
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from sqlalchemy import Connection, Engine
from xdist.scheduler import LoadScopeScheduling  # pytest 9.2 does not hear xdist_group

from app import clock
from app.database import SessionFactory, connect
from app.operations import passwords
from tests.chance import steady
from tests.server import TestServer, own_database, roomiest, undone
from tests.webclient import House, furnish

settings.load_profile("steady")  # `make check` asks for another one

LONG = ("test_seed", "test_command_line", "test_delivery", "test_portable", "test_races")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes or waits longest comes first, lest one process runs it while the others rest."""
    items.sort(key=lambda item: item.path.stem not in LONG)


class OneHouse(LoadScopeScheduling):
    """All tests of the browser go to one process, which alone starts an installation for them."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/browser" if nodeid.startswith("tests/browser/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneHouse | None:
    """The largest scope is given out first, then one test after the other to whoever is free."""
    return OneHouse(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_finish() -> None:
    """What the collection loaded stays: nobody looks for garbage in it again and again.

    Among what comes after it is looked for now and then: the usual way took an eighth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One loud line when the browser tests did not run, for nobody to take them as passed."""
    skipped = terminalreporter.getreports("skipped")
    if count := sum("tests/browser/" in report.nodeid for report in skipped):
        line = f"{count} BROWSER TESTS SKIPPED: install chromium (Debian: apt-get install chromium)"
        terminalreporter.write_line(line, yellow=True, bold=True)


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Real argon2 at its least cost: a hundred sign-ins would spend a minute on hashing alone."""
    least = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", lambda: least)
        yield


@pytest.fixture(scope="session", autouse=True)
def steady_examples() -> Iterator[None]:
    """Properties draw the same examples today as yesterday: see `tests.chance`."""
    with steady():
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[TestServer]:
    """A PostgreSQL server of this test process, with a migrated template database."""
    with tempfile.TemporaryDirectory(prefix="br-test-", dir=roomiest()) as directory:
        Path(directory).chmod(0o711)
        with TestServer.start(Path(directory)) as started:
            yield started


@pytest.fixture(scope="session")
def engine(server: TestServer) -> Iterator[Engine]:
    """The application's login on a database that no test ever commits to."""
    url = server.clone("shared")
    engine = connect(url, pool_size=5)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def furnished(server: TestServer) -> Iterator[tuple[Engine, House]]:
    """A database with the house of `tests.webclient` in it, made once: see `tests.furnished`."""
    before = SessionFactory.kw.get("bind")
    with own_database(server) as engine:
        house = furnish()
        SessionFactory.configure(bind=before)
        yield engine, house


@pytest.fixture
def db(engine: Engine) -> Iterator[Connection]:
    """A database as it was migrated; what the test does to it is undone."""
    with undone(engine) as connection:
        yield connection


@pytest.fixture
def fresh_database(server: TestServer) -> Iterator[str]:
    """The application's URL of a database of its own: for races, the relay and migrations."""
    with own_database(server, pool_size=20) as engine:
        yield engine.url.render_as_string(hide_password=False)


@pytest.fixture
def owner_url(fresh_database: str, server: TestServer) -> str:
    """The owner's URL of the same database as `fresh_database`."""
    return server.owner_url(fresh_database.rsplit("/", 1)[1].split("?", maxsplit=1)[0])


@pytest.fixture
def at_noon() -> Iterator[datetime]:
    """The clock stands at noon UTC on Friday, 20 November 2026."""
    moment = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
    with clock.stopped_at(moment):
        yield moment
