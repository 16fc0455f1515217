"""What every bench shares: its own embedded server, percentiles, and the page of results."""

import json
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from app import schema
from app.embedded import Postgres, scratch

RESULTS = Path(__file__).parent / "RESULTS.md"
SETTINGS = {
    "shared_buffers": "4GB",
    "effective_cache_size": "12GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "wal_buffers": "64MB",
    "checkpoint_timeout": "30min",
    "random_page_cost": "1.1",
    "max_parallel_maintenance_workers": "2",
    "jit": "off",
}
"""Of a small server with 16 GB or more for the database; durability stays on."""


@contextmanager
def server(directory: Path | None = None) -> Iterator[Postgres]:
    """A server of the bench's own; with `directory` its data is kept and found again."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        with Postgres.start(directory, settings=SETTINGS) as started:
            yield started
        return
    with scratch(settings=SETTINGS) as started:
        yield started


def execute(postgres: Postgres, statement: str, name: str = "backroom") -> None:
    """Run one statement as the server's superuser, outside any transaction."""
    engine = create_engine(
        postgres.url(name, "postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    with engine.connect() as connection:
        connection.execute(text(statement))


def run(connection: psycopg.Connection, statement: str) -> psycopg.Cursor:
    """The same on a connection that is open; its rows can be fetched."""
    return connection.execute(statement)  # type: ignore[arg-type]  # put together by a bench


def migrated(postgres: Postgres) -> None:
    """The house's database with every migration, as `demo` makes it."""
    schema.prepare(postgres.url())
    schema.upgrade(postgres.url(schema.DATABASE, schema.OWNER))


def timed(run: Callable[[], Any], times: int, warm: int = 3) -> list[float]:
    """Milliseconds of each of `times` runs, after `warm` runs that do not count."""
    for _ in range(warm):
        run()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def percentiles(taken: list[float]) -> dict[str, float]:
    """The median and the 95th percentile in milliseconds, to a hundredth."""
    ordered = sorted(taken)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return {"p50": round(statistics.median(ordered), 2), "p95": round(p95, 2)}


def write_results(title: str, body: str) -> None:
    """Put the section `title` into the page of results, in place of what stood there."""
    page = RESULTS.read_text() if RESULTS.exists() else "# Measured\n"
    section = f"## {title}\n\n{body.strip()}\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.S | re.M)
    page = pattern.sub(lambda _: section + "\n", page) if pattern.search(page) else (
        f"{page.rstrip()}\n\n{section}"
    )  # fmt: skip
    RESULTS.write_text(page.rstrip() + "\n")


def finish(result: dict[str, Any]) -> None:
    """Print the result as one JSON object, the bench's last line."""
    print(json.dumps(result, sort_keys=True, default=str))
