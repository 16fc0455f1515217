"""Fill the schema with a marketplace of any size: `python -m bench.fill --customers 1000000`.

Loads by COPY as the server's superuser. Constraints, indexes and triggers of the large tables
step aside for it; at the end they are back, the same and valid, and the run says so.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.seed import write_truth
from bench import data, harness
from bench.data import Row, World

CHUNK = 50_000
BOOKINGS_EACH, ORDERS_EACH = 5.0, 4.0
BIG = ("customers", "customer_interests", "bookings", "orders", "order_lines", "addresses",
       "customer_tags", "package_holdings", "memberships", "payments")  # fmt: skip


def dsn(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def line(row: Iterable[object]) -> str:
    """A row in COPY's text format; the data holds no tabs, newlines or backslashes."""
    return "\t".join("\\N" if value is None else str(value) for value in row) + "\n"


def copy(cursor: psycopg.Cursor, table: str, columns: str, rows: Iterable[Row]) -> int:
    """COPY rows into a table in blocks of text; how many there were."""
    count = 0
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as writer:  # type: ignore[arg-type]
        block: list[str] = []
        for row in rows:
            block.append(line(row))
            count += 1
            if len(block) == 5000:
                writer.write("".join(block))
                block.clear()
        writer.write("".join(block))
    return count


def open_loader(url: str) -> psycopg.Connection:
    """A superuser's connection on which no trigger fires."""
    connection = psycopg.connect(dsn(url), autocommit=True)
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET synchronous_commit = off")
    return connection


def load_chunk(arguments: tuple[str, World, int]) -> dict[str, int]:
    """One block of customers with everything they did."""
    url, world, start = arguments
    stop = min(start + CHUNK, world.customers + 1)
    with open_loader(url) as connection, connection.cursor() as cursor:
        done = {
            "customers": copy(
                cursor, "customers",
                "id, vendor_id, full_name, email, phone, status, channel, created_at, sort_name,"
                " search_text", data.customers(world, start, stop)),
            "bookings": copy(
                cursor, "bookings",
                "public_ref, vendor_id, customer_id, service_id, staff_id, kind, status, channel,"
                " starts_at, ends_at, with_buffer_before, with_buffer_after, price, completed_at,"
                " created_at",
                data.bookings(world, start, stop, BOOKINGS_EACH)),
        }  # fmt: skip
        return done | load_orders(cursor, world, start, stop)


def load_orders(cursor: psycopg.Cursor, world: World, start: int, stop: int) -> dict[str, int]:
    key = start * 20  # room enough: an order's id is its number, too
    lines: list[str] = []
    payments: list[Row] = []

    def numbered() -> Iterator[Row]:
        nonlocal key
        for order, own in data.orders(world, start, stop, ORDERS_EACH):
            key += 1
            lines.extend(line((key, *row)) for row in own)
            vendor, reference, customer, status, channel, total, at = order
            done = at if status == "completed" else None
            gone = at if status == "cancelled" else None
            paid = total if done and total else 0
            if paid:
                payments.append((vendor, key, "card", "captured", paid, at, at, 1))
            yield (key, key, vendor, reference, customer, status, channel, total, at, done, done,
                   gone, at, paid)  # fmt: skip

    made = copy(
        cursor, "orders",
        "id, number, vendor_id, public_ref, customer_id, status, channel, total, placed_at,"
        " fulfilled_at, completed_at, cancelled_at, created_at, paid", numbered())  # fmt: skip
    taken = copy(
        cursor, "payments",
        "vendor_id, order_id, tender, status, amount, captured_at, created_at, user_id", payments
    )  # fmt: skip
    columns = "order_id, vendor_id, position, kind, variant_id, name, quantity, unit_price, total"
    with cursor.copy(f"COPY order_lines ({columns}) FROM STDIN") as writer:  # type: ignore[arg-type]
        for block in range(0, len(lines), 5000):
            writer.write("".join(lines[block : block + 5000]))
    return {"orders": made, "order_lines": len(lines), "payments": taken}


def load_catalogue(cursor: psycopg.Cursor, world: World) -> None:
    copy(cursor, "vendors", "id, slug, name, kind, country, time_zone", data.vendors(world))
    copy(cursor, "categories", "id, kind, parent_id, name", data.categories())
    copy(cursor, "staff_members", "id, vendor_id, name", data.staff(world))
    copy(
        cursor,
        "services",
        "id, vendor_id, name, kind, category_id, duration_minutes, price",
        data.services(world),
    )
    copy(
        cursor,
        "working_hours",
        "vendor_id, staff_id, kind, weekday, starts, ends",
        data.hours(world),
    )
    copy(cursor, "resources", "id, vendor_id, name, capacity", data.rooms(world))
    copy(cursor, "service_resources", "vendor_id, service_id, resource_id", data.needs(world))
    copy(
        cursor,
        "cancellation_policies",
        "vendor_id, free_hours, late_hours, late_percent, last_percent, no_show_percent",
        data.terms(world),
    )
    copy(cursor, "products", "id, vendor_id, name, category_id", data.products(world))
    copy(cursor, "variants", "id, vendor_id, product_id, sku, price", data.variants(world))
    copy(cursor, "tags", "id, vendor_id, name", data.tags(world))
    copy(cursor, "packages", "id, vendor_id, name, category_id, uses, price", data.packages(world))
    copy(cursor, "membership_plans", "id, vendor_id, name, price", data.plans(world))  # fmt: skip


HOLDINGS = f"""
INSERT INTO package_holdings (vendor_id, customer_id, package_id, status, uses, uses_left,
                              uses_used, bought_at, channel)
SELECT vendor_id, id, (vendor_id - 1) * {data.PACKAGES} + 1 + id % {data.PACKAGES},
       CASE WHEN id % 3 = 0 THEN 'used_up' ELSE 'active' END, 10, unused, 10 - unused, created_at,
       'walk_in'
FROM customers CROSS JOIN LATERAL (
  SELECT CASE WHEN id % 3 = 0 THEN 0 ELSE 1 + id % 9 END) AS l (unused)
WHERE id % 17 = 0
"""

ENTRIES = """
INSERT INTO package_entries (vendor_id, holding_id, kind, uses, user_id, at)
SELECT vendor_id, id, 'grant', uses, 1, bought_at FROM package_holdings
UNION ALL
SELECT vendor_id, id, 'use', uses_used, 1, bought_at FROM package_holdings WHERE uses_used > 0
"""

MEMBERSHIPS = f"""
INSERT INTO memberships (vendor_id, customer_id, plan_id, status, started_at, period_starts_at,
                         period_ends_at, channel, ended_at)
SELECT vendor_id, id, (vendor_id - 1) * {data.PLANS} + 1 + id % {data.PLANS},
       CASE WHEN id % 5 = 0 THEN 'ended' ELSE 'active' END, created_at, '2026-10-15',
       '2026-11-15', 'walk_in', CASE WHEN id % 5 = 0 THEN '2026-10-20'::timestamptz END
FROM customers WHERE id % 19 = 0
"""

PERIODS = """
INSERT INTO membership_periods (vendor_id, membership_id, number, starts_at, ends_at)
SELECT vendor_id, id, 1, period_starts_at, period_ends_at FROM memberships
"""

TAGS = f"""
INSERT INTO customer_tags (vendor_id, customer_id, tag_id)
SELECT vendor_id, id, (vendor_id - 1) * {data.TAGS} + 1 + (id * 7 + n * n) % {data.TAGS}
FROM customers, generate_series(0, 2) AS n WHERE (id + n * 3) % 7 < 2
"""

ADDRESSES = f"""
INSERT INTO addresses (vendor_id, customer_id, line1, city, city_key, postal_code, country)
SELECT vendor_id, id, 'Street ' || id % 200, city, lower(city), '1000', 'PT'
FROM (SELECT vendor_id, id, (ARRAY{list(data.CITIES)})
        [1 + (id * 3 + vendor_id) % {len(data.CITIES)}] AS city
      FROM customers WHERE id % 2 = 0) AS half
"""


def truth(url: str) -> None:
    """Numbers and interests as the product itself works them out from what happened."""
    engine = create_engine(url)
    with engine.begin() as connection, Session(connection) as session:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("SET LOCAL work_mem = '1GB'"))
        write_truth(session)
        session.flush()
    engine.dispose()


class Aside:
    """Constraints and indexes of the big tables, taken away and brought back the same."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.before = self.found()

    def found(self) -> dict[str, tuple[str, str, bool]]:
        """Name -> (kind, definition, valid) of everything that guards or orders a big table."""
        rows = self.connection.execute(
            """
            SELECT conname, contype::text, conrelid::regclass || ' ADD CONSTRAINT '
                   || quote_ident(conname) || ' ' || pg_get_constraintdef(oid), convalidated
            FROM pg_constraint
            WHERE contype IN ('f', 'p', 'u', 'x')
              AND (conrelid::regclass::text = ANY (%(big)s)
                   OR confrelid::regclass::text = ANY (%(big)s))
            UNION ALL
            SELECT c.relname, 'i', pg_get_indexdef(i.indexrelid), i.indisvalid
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid::regclass::text = ANY (%(big)s)
              AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid
                              AND k.contype IN ('p', 'u', 'x'))
            """,
            {"big": list(BIG)},
        ).fetchall()
        return {str(name): (str(kind), str(text), bool(valid)) for name, kind, text, valid in rows}

    def drop(self) -> None:
        for kind in ("f", "i", "u", "x", "p"):
            for name, (own, definition, _) in self.before.items():
                if own == kind:
                    table = definition.split(" ADD ")[0]
                    self.connection.execute(
                        f"DROP INDEX {name}" if kind == "i"  # type: ignore[arg-type]
                        else f"ALTER TABLE {table} DROP CONSTRAINT {name}"
                    )  # fmt: skip

    def restore(self, url: str) -> None:
        """Bring everything back: keys first, in two connections side by side, then references."""
        for kinds in (("p", "u"), ("i", "x"), ("f",)):
            todo = [d if k == "i" else f"ALTER TABLE {d}"
                    for k, d, _ in self.before.values() if k in kinds]  # fmt: skip
            with multiprocessing.Pool(2) as pool:
                pool.map(run_ddl, [(url, one) for one in sorted(todo)], chunksize=1)

    def differences(self) -> list[str]:
        """What is not as it was, or not valid; must be empty."""
        now = self.found()
        names = sorted(self.before.keys() | now.keys())
        wrong = [name for name in names if self.before.get(name) != now.get(name)]
        return wrong + [name for name, (_, _, valid) in now.items() if not valid]


def run_ddl(arguments: tuple[str, str]) -> None:
    url, statement = arguments
    for attempt in range(5):
        try:
            with psycopg.connect(dsn(url), autocommit=True) as connection:
                connection.execute(statement)  # type: ignore[arg-type]
            return
        except psycopg.errors.DeadlockDetected:
            # two keys on the same pair of tables, side by side: the loser goes again
            time.sleep(0.1 * (attempt + 1))
    raise RuntimeError(statement)


def sequences(connection: psycopg.Connection) -> None:
    """Let the next ids follow those that were loaded."""
    rows = connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name = 'id' AND is_identity = 'YES'"
    ).fetchall()
    for (table,) in rows:
        connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # type: ignore[arg-type]
            f"greatest((SELECT max(id) FROM {table}), 1))"
        )


def fill(url: str, customers: int, vendors: int) -> dict[str, Any]:
    """Fill the migrated, empty database at `url` (superuser); counts, seconds, differences."""
    started = time.perf_counter()
    world = World(customers, vendors)
    counts: dict[str, int] = {}
    with open_loader(url) as connection:
        aside = Aside(connection)
        aside.drop()
        load_catalogue(connection.cursor(), world)
        jobs = [(url, world, start) for start in range(1, customers + 1, CHUNK)]
        with multiprocessing.Pool(2) as pool:
            for done in pool.imap_unordered(load_chunk, jobs):
                for table, count in done.items():
                    counts[table] = counts.get(table, 0) + count
        connection.execute("SET work_mem = '1GB'")
        for statement in (HOLDINGS, ENTRIES, MEMBERSHIPS, PERIODS, TAGS, ADDRESSES):
            connection.execute(statement)  # type: ignore[arg-type]
        connection.execute("ANALYZE")  # without keys only the sizes tell how to join
        truth(url)
        connection.execute("VACUUM (FULL) customers")  # every row was written twice
        loaded = time.perf_counter()
        sequences(connection)
        aside.restore(url)
        connection.execute("VACUUM (ANALYZE)")
        differences = aside.differences()
        row = connection.execute("SELECT count(*) FROM customer_interests").fetchone()
        counts["customer_interests"] = int(row[0]) if row else 0
    return {
        **counts,
        "vendors": vendors,
        "seconds": round(time.perf_counter() - started, 1),
        "seconds_loading": round(loaded - started, 1),
        "constraints_and_indexes": len(aside.before),
        "differences": differences,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--vendors", type=int, default=0, help="default: one for 5,000 customers")
    parser.add_argument("--var", type=Path, help="keep the data here")
    parser.add_argument("--quick", action="store_true", help="20,000 customers")
    given = parser.parse_args()
    customers = 20_000 if given.quick else given.customers
    vendors = given.vendors or max(6, customers // 5000)
    with harness.server(given.var) as postgres:
        harness.migrated(postgres)
        result = fill(postgres.url("backroom", "postgres"), customers, vendors)
    if not given.quick:
        harness.write_results(
            "Filling", f"`python -m bench.fill --customers {customers}`\n\n```json\n"
            f"{json.dumps(result, indent=2)}\n```")  # fmt: skip
    harness.finish(result)


if __name__ == "__main__":
    main()
