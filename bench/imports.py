"""Importing a customer list: rows per second and peak memory, beside COPY and a peer.

`python -m bench.imports [--quick]`. The list has names, e-mail, phone, address, birthday and tags,
one row in a hundred broken, one in fifty twice; hardly two people share name and birthday. COPY is
the limit: the same checked rows into an empty table with the same columns and indexes, without
questions asked. django-import-export gets the same file and the columns it can take, up to 100,000
rows.
"""

import argparse
import csv
import json
import multiprocessing
import os
import tempfile
import threading
import time
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psutil
import psycopg

from app.seeding import people
from bench import fill, harness

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (1_000, 5_000)
PEER_UP_TO = 100_000
BAR_SECONDS_100K, BAR_MEGABYTES = 15.0, 300.0
FIRST, LAST = (
    tuple(dict.fromkeys(name for country in people.NAMES.values() for name in country[part]))
    for part in (0, 1)
)
HEADER = ["Name", "E-mail", "Mobile", "Street", "City", "Postcode", "Birthday", "Tags"]


def write_list(path: Path, rows: int) -> None:
    """A customer list of `rows` rows, the same at every run."""
    random = Random(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADER)
        row: list[str] = []
        for number in range(rows):
            if number and number % 50 == 0:
                writer.writerow(row)
                continue
            name = f"{random.choice(FIRST)} {random.choice(LAST)}"
            born = date(1945, 1, 1) + timedelta(days=random.randrange(60 * 365))
            email = f"kunde.{number}@example.com" if number % 100 else "kunde@@example"
            row = [name, email, f"0151{20_000_000 + number:08d}",
                   f"Torstraße {number % 300}", "Berlin", "10119",
                   f"{born:%d.%m.%Y}",
                   "vip, newsletter" if number % 10 == 0 else ""]  # fmt: skip
            writer.writerow(row)


class Memory(threading.Thread):
    """Looks twice a second at what this process and its children hold (resident, in MB)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.me, self.over = psutil.Process(), threading.Event()
        self.idle = self.peak = self.now()

    def now(self) -> float:
        held = 0
        for process in (self.me, *self.me.children()):
            with suppress(psutil.NoSuchProcess):
                held += process.memory_info().rss
        return held / (1 << 20)

    def run(self) -> None:
        while not self.over.wait(0.5):
            self.peak = max(self.peak, self.now())


def ours(url: str, path: Path, slug: str) -> dict[str, Any]:
    """Seconds of dry run and import, and the process's peak memory."""
    os.environ |= {"DATABASE_URL": url, "DEMO": "1"}
    from app.database import connect
    from tasks.import_file import run_file

    connect(url, pool_size=5)
    memory = Memory()
    memory.start()
    start = time.perf_counter()
    tried = run_file(path, vendor_slug=slug, commit=False)
    middle = time.perf_counter()
    done = run_file(path, vendor_slug=slug, commit=True)
    end = time.perf_counter()
    memory.over.set()
    words = ("rows", "created", "updated", "unchanged", "skipped_duplicate", "invalid")
    return {
        "dry_run_seconds": round(middle - start, 2),
        "seconds": round(end - middle, 2),
        "rows_per_second": round(done["rows"] / (end - middle)),
        "peak_mb": round(memory.peak, 1),
        "idle_mb": round(memory.idle, 1),
        "counts": {word: done[word] for word in words},
        "dry_run_agrees": all(tried[word] == done[word] for word in words),
    }


def copy_limit(url: str) -> float:
    """Seconds of COPY of the imported customers into an empty twin of the table."""
    with psycopg.connect(fill.dsn(url), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS twin")
        connection.execute("CREATE TABLE twin (LIKE customers INCLUDING ALL)")
        connection.execute("ALTER TABLE twin ALTER id DROP IDENTITY")
        columns = ("id, vendor_id, full_name, company, email, phone, phone_2, birthday, status,"
                   " channel, created_at, updated_at, last_activity_at, sort_name,"
                   " search_text")  # fmt: skip
        with tempfile.TemporaryFile() as rows:
            with connection.cursor().copy(f"COPY customers ({columns}) TO STDOUT") as reader:  # type: ignore[arg-type]
                for block in reader:
                    rows.write(block)
            rows.seek(0)
            start = time.perf_counter()
            with connection.cursor().copy(f"COPY twin ({columns}) FROM STDIN") as writer:  # type: ignore[arg-type]
                while block := rows.read(1 << 20):
                    writer.write(block)
            taken = time.perf_counter() - start
        connection.execute("DROP TABLE twin")
        return taken


def peer(url: str, path: Path) -> dict[str, Any]:
    """django-import-export: the same file, dry run off, bulk mode, its own defaults otherwise.

    It acts as an admin, and sets the sequence of the ids, which nobody of ours may.
    """
    from bench.peers import django_admin

    parts = psycopg.conninfo.conninfo_to_dict(fill.dsn(url))
    django_admin.configure(
        {"NAME": str(parts["dbname"]), "USER": str(parts["user"]), "HOST": str(parts["host"])}
    )
    return django_admin.import_list(path)


def _apart(run: Any, *given: Any) -> Any:
    """Run in a process of its own, so that its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run, given)


def measure(rows: int) -> dict[str, Any]:
    """One size: ours, the limit and the peer on a server of its own."""
    with (
        harness.server() as postgres,
        tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder,
    ):
        harness.migrated(postgres)
        root = postgres.url("backroom", "postgres")
        with psycopg.connect(fill.dsn(root), autocommit=True) as connection:
            connection.execute(
                "INSERT INTO vendors (slug, name, kind, country, time_zone)"
                " VALUES ('big', 'Big', 'store', 'DE', 'Europe/Berlin')"
            )
        path = Path(folder) / "customers.csv"
        write_list(path, rows)
        url = postgres.url("backroom", "backroom_app")
        result = {"backroom": _apart(ours, url, path, "big"), "copy_seconds": 0.0}
        result["copy_seconds"] = round(copy_limit(root), 2)
        if rows <= PEER_UP_TO:
            harness.execute(postgres, "GRANT ALL ON SEQUENCE customers_id_seq TO app_admin")
            result["django_import_export"] = _apart(peer, url, path)
        return result


def judge(results: dict[int, dict[str, Any]]) -> list[str]:
    """Every bar that is missed, in words."""
    missed = []
    for rows, result in results.items():
        own = result["backroom"]
        if rows == 100_000 and own["seconds"] > BAR_SECONDS_100K:
            missed.append(f"100,000 rows in {own['seconds']} s, at most {BAR_SECONDS_100K:.0f}")
        if own["peak_mb"] > BAR_MEGABYTES:
            missed.append(f"{rows:,} rows: {own['peak_mb']} MB, at most {BAR_MEGABYTES:.0f}")
        if not own["dry_run_agrees"]:
            missed.append(f"{rows:,} rows: dry run and import differ")
    ordered = sorted(results)
    if len(ordered) < 2:
        return missed
    first, last = results[ordered[-2]]["backroom"], results[ordered[-1]]["backroom"]
    growth = last["seconds"] / first["seconds"] / (ordered[-1] / ordered[-2])
    if growth > 1.25:
        missed.append(f"not linear: {growth:.2f} times the time a row at the largest size")
    return missed


def told(results: dict[int, dict[str, Any]], missed: list[str]) -> str:
    """The results as a table for people."""
    lines = [
        "`python -m bench.imports`",
        "",
        "| rows | dry run, s | import, s | rows a second | peak MB | COPY, s |"
        " django-import-export, s | its peak MB |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for rows, result in results.items():
        own, other = result["backroom"], result.get("django_import_export", {})
        lines.append(
            f"| {rows:,} | {own['dry_run_seconds']} | {own['seconds']} |"
            f" {own['rows_per_second']:,} | {own['peak_mb']} | {result['copy_seconds']} |"
            f" {other.get('seconds', '–')} | {other.get('peak_mb', '–')} |"
        )
    counts = json.dumps({rows: r["backroom"]["counts"] for rows, r in results.items()})
    lines += ["", f"Outcomes: `{counts}`", "",
              "Bars missed: " + ("; ".join(missed) if missed else "none")]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 and 5,000 rows")
    parser.add_argument("--rows", type=int, nargs="+", help="only these, no page of results")
    given = parser.parse_args()
    sizes = given.rows or (QUICK_SIZES if given.quick else SIZES)
    results = {rows: measure(rows) for rows in sizes}
    missed = judge(results)
    if sizes is SIZES:
        harness.write_results("Imports", told(results, missed))
    harness.finish({"results": {str(k): v for k, v in results.items()}, "missed": missed})


if __name__ == "__main__":
    main()
