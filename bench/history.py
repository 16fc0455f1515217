"""Importing past sales: lines per second and peak memory, beside COPY of the same lines.

`python -m bench.history [--quick | --lines N]`. A year of a shop with 50,000 customers and 2,000
items: four lines an order, one order in ten to nobody, one line in fifty a return, one in a
thousand broken. COPY is the limit: the same file into one plain table, without index or question.
Afterwards the customers' numbers, the money and the file's own sums are compared.
"""

import argparse
import csv
import json
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from bench import fill, harness
from bench.imports import Memory, _apart

LINES, QUICK_LINES = 1_000_000, 20_000
CUSTOMERS, ITEMS, CATEGORIES = 50_000, 2_000, 20
BAR_MEGABYTES = 500.0
HEADER = ["Order", "Date", "Customer", "SKU", "Item", "Category", "Kind", "Quantity", "Unit price"]


def write_sales(path: Path, lines: int) -> Decimal:
    """A file of `lines` lines, the same at every run; what its sales come to."""
    random = Random(lines)
    begun = datetime(2023, 1, 1, 8, tzinfo=UTC)
    step = timedelta(days=364) / lines
    sold, item = Decimal(0), 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(lines):
            order = number // 4
            who = "" if order % 10 == 0 else f"C{order * 7919 % CUSTOMERS}"
            back = number % 50 == 49
            item = item if back else random.randrange(ITEMS)
            pieces = -1 if back else random.randrange(1, 5)
            price = Decimal(random.randrange(100, 9900)) / 100
            at = begun + step * (order * 4)
            broken = number % 1000 == 500
            if pieces > 0 and not broken:
                sold += price * pieces
            writer.writerow(
                [order, "soon" if broken else f"{at:%Y-%m-%d %H:%M:%S}", who, f"A{item}",
                 f"Item {item}", f"Category {item % CATEGORIES}",
                 "service" if item % 10 == 0 else "product", pieces, price]
            )  # fmt: skip
    return sold


def ours(url: str, path: Path, slug: str) -> dict[str, Any]:
    """Seconds of try-out and import, the process's peak memory, and whether all adds up."""
    os.environ |= {"DATABASE_URL": url, "DEMO": "1"}
    from app.database import begin, connect
    from app.operations import balances, interests
    from app.tenancy import SYSTEM, acting
    from tasks.history_file import run_file

    with tempfile.TemporaryDirectory(prefix="backroom-bench-") as var:
        os.environ["VAR"] = var
        connect(url, pool_size=5)
        memory = Memory()
        memory.start()
        start = time.perf_counter()
        tried = run_file(path, vendor_slug=slug, commit=False)
        middle = time.perf_counter()
        done = run_file(path, vendor_slug=slug, commit=True)
        end = time.perf_counter()
        memory.over.set()
        if done.get("status") != "completed":
            raise RuntimeError(f"not imported: {done}")
        with acting(SYSTEM), begin() as session:
            drift = len(interests.drift(session)) + len(balances.drift(session))
    words = ("lines", "orders", "customers", "items", "revenue", "returns", "refused_lines")
    return {
        "try_out_seconds": round(middle - start, 2),
        "import_seconds": round(end - middle, 2),
        "seconds": round(end - start, 2),
        "lines_per_second": round(done["lines"] / (end - start)),
        "peak_mb": round(memory.peak, 1),
        "idle_mb": round(memory.idle, 1),
        "figures": {word: done[word] for word in words},
        "try_out_agrees": all(tried[word] == done[word] for word in words),
        "drift": drift,
    }


def copy_limit(url: str, path: Path) -> float:
    """Seconds of COPY of the same file into one plain table."""
    with psycopg.connect(fill.dsn(url), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS plain_sales")
        connection.execute(
            "CREATE TABLE plain_sales (number bigint, at text, customer text, sku text, item text,"
            " category text, kind text, quantity bigint, unit_price numeric(12, 2))"
        )
        start = time.perf_counter()
        with (
            path.open("rb") as file,
            connection.cursor().copy("COPY plain_sales FROM STDIN (FORMAT csv, HEADER)") as copy,
        ):
            while block := file.read(1 << 20):
                copy.write(block)
        taken = time.perf_counter() - start
        connection.execute("DROP TABLE plain_sales")
        return taken


def measure(lines: int) -> dict[str, Any]:
    """Ours and the limit, on a server of its own."""
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
        path = Path(folder) / "sales.csv"
        sold = write_sales(path, lines)
        result = {"lines": lines, **_apart(ours, postgres.url("backroom", "backroom_app"), path,
                                           "big")}  # fmt: skip
        copied = copy_limit(root, path)
        return result | {
            "copy_seconds": round(copied, 2),
            "copy_lines_per_second": round(lines / copied),
            "ratio_to_copy": round(result["seconds"] / copied, 1),
            "revenue_agrees": Decimal(result["figures"]["revenue"]) == sold,
        }


def judge(result: dict[str, Any]) -> list[str]:
    """Every bar that is missed, in words."""
    missed = []
    if result["peak_mb"] > BAR_MEGABYTES:
        missed.append(f"{result['peak_mb']} MB, at most {BAR_MEGABYTES:.0f}")
    if result["drift"]:
        missed.append(f"{result['drift']} numbers drift")
    for word in ("try_out_agrees", "revenue_agrees"):
        if not result[word]:
            missed.append(f"not so: {word.replace('_', ' ')}")
    return missed


def told(result: dict[str, Any], missed: list[str]) -> str:
    """The result as a table for people."""
    lines = [
        "`python -m bench.history`",
        "",
        "| lines | try-out, s | import, s | lines a second | peak MB | COPY, s | times COPY |",
        "|--:|--:|--:|--:|--:|--:|--:|",
        f"| {result['lines']:,} | {result['try_out_seconds']} | {result['import_seconds']} |"
        f" {result['lines_per_second']:,} | {result['peak_mb']} | {result['copy_seconds']} |"
        f" {result['ratio_to_copy']} |",
        "",
        f"Figures: `{json.dumps(result['figures'])}`, drift {result['drift']}",
        "",
        "Bars missed: " + ("; ".join(missed) if missed else "none"),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_LINES:,} lines")
    parser.add_argument("--lines", type=int, help="so many, and no page of results")
    given = parser.parse_args()
    lines = given.lines or (QUICK_LINES if given.quick else LINES)
    result = measure(lines)
    missed = judge(result)
    if lines == LINES:
        harness.write_results("Past sales", told(result, missed))
    harness.finish({**result, "missed": missed})


if __name__ == "__main__":
    main()
