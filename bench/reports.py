"""What reports cost: figures kept up to date, rebuilt, and beside plain SQL and DuckDB.

`python -m bench.reports [--quick] [--customers N] [--var FOLDER] [--pages]`. A marketplace as
`bench.fill` makes it: 10,000,000 order lines and 5,000,000 bookings for 1,000,000 customers.

Roll-ups. "A day" is one with as many bookings as the mean, noted as changed for every vendor and
worked out again by `figures.freshen`, as the task does, and then the marketplace's own sums of it;
"a vendor's day" is one of them alone. "Rebuild" is `figures.rebuild` of sales and bookings into
empty tables, with the marketplace's. "Plain SQL" writes the same rows by the statements one would
write by hand for these ledgers, which know no refund here, into tables of the same form with the
same keys; "asking" only counts the rows of days. DuckDB reads the same tables from Parquet and
makes tables without keys; it is told the offsets of the zones, which its wheel does not know. All
three must come to the same sums, to the cent.

Then every report's page: `bench.report_pages`.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from sqlalchemy import text

from app import schema
from app.database import begin, connect
from app.embedded import Postgres
from app.operations import figures, market_figures, staff_hours
from app.operations.hours import Wall
from app.tenancy import SYSTEM, acting
from bench import fill, harness, report_pages
from models.figures import (
    LEADS,
    BookingFigures,
    HourFigures,
    ItemFigures,
    OrderFigures,
    SaleFigures,
    StaffFigures,
    StaffHours,
)
from models.market_figures import LongGrain

DAY_BAR_SECONDS, REBUILD_BAR = 10.0, 1.5
MODELS = (ItemFigures, SaleFigures, OrderFigures, BookingFigures, StaffFigures, HourFigures)
TABLES = [model.__tablename__ for model in MODELS]
TWINS = [twin for twin in market_figures.TWINS if twin.of in MODELS]
MARKET = [twin.market.__tablename__ for twin in TWINS]

SOLD = """
  SELECT o.vendor_id, CAST(o.fulfilled_at AT TIME ZONE v.time_zone AS date) AS day, l.kind,
    p.id AS item_id, coalesce(p.category_id, 0) AS category_id, o.channel, count(*) AS lines,
    sum(l.quantity) AS quantity, 0 AS returned, sum(l.total - l.tax + l.discount) AS gross,
    sum(l.discount) AS discount, sum(l.total - l.tax) AS net, sum(l.tax) AS tax,
    sum(coalesce(l.cost, 0) * l.quantity) AS cost, 0 AS refunded, 0 AS refunded_tax
  FROM orders o JOIN order_lines l ON l.vendor_id = o.vendor_id AND l.order_id = o.id
  JOIN vendors v ON v.id = o.vendor_id
  JOIN variants g ON g.id = l.variant_id JOIN products p ON p.id = g.product_id
  WHERE o.status IN ('fulfilled', 'completed') GROUP BY 1, 2, 3, 4, 5, 6
  UNION ALL
  SELECT b.vendor_id, CAST(b.starts_at AT TIME ZONE v.time_zone AS date), 'service', s.id,
    coalesce(s.category_id, 0), b.channel, count(*), count(*), 0, sum(b.price), 0, sum(b.price), 0,
    0, 0, 0
  FROM bookings b JOIN vendors v ON v.id = b.vendor_id JOIN services s ON s.id = b.service_id
  WHERE b.status = 'completed' GROUP BY 1, 2, 3, 4, 5, 6
"""
SUMS = ("lines", "quantity", "returned", "gross", "discount", "net", "tax", "cost", "refunded",
        "refunded_tax")  # fmt: skip
ORDERED = """
  SELECT o.vendor_id, CAST(o.fulfilled_at AT TIME ZONE v.time_zone AS date) AS day, o.channel,
    count(*) AS orders, count(o.customer_id) AS with_customer, sum(o.total) AS total,
    0 AS discount, 0 AS shipping
  FROM orders o JOIN vendors v ON v.id = o.vendor_id
  WHERE o.status IN ('fulfilled', 'completed') GROUP BY 1, 2, 3
"""
MINUTES = "CAST(extract(epoch FROM b.ends_at - b.starts_at) / 60 AS bigint)"
BOOKED = """
  SELECT b.vendor_id, CAST(b.starts_at AT TIME ZONE v.time_zone AS date) AS day, {keys}, {sums}
  FROM bookings b JOIN vendors v ON v.id = b.vendor_id JOIN services s ON s.id = b.service_id
  {more}GROUP BY {places}
"""
AHEAD = """CROSS JOIN LATERAL (
    SELECT CAST(b.starts_at AT TIME ZONE v.time_zone AS date)
      - CAST(b.created_at AT TIME ZONE v.time_zone AS date) AS days OFFSET 0) AS ahead
  """
SPANS = {low: f"= {low}" if after == low + 1 else f"BETWEEN {low} AND {after - 1}"
        for low, after in pairwise(LEADS)} | {LEADS[-1]: f">= {LEADS[-1]}"}  # fmt: skip
HOW_MANY = {
    "bookings": "count(*)",
    "open": "count(*) FILTER (WHERE b.status IN ('pending', 'confirmed', 'checked_in'))",
    "completed": "count(*) FILTER (WHERE b.status = 'completed')",
    "cancelled": "count(*) FILTER (WHERE b.status = 'cancelled')",
    "late": "count(*) FILTER (WHERE b.status = 'cancelled' AND b.fee > 0)",
    "no_shows": "count(*) FILTER (WHERE b.status = 'no_show')",
    "seats": "coalesce(sum(b.seats) FILTER (WHERE b.status <> 'cancelled'), 0)",
    "minutes": f"coalesce(sum({MINUTES}) FILTER (WHERE b.status <> 'cancelled'), 0)",
    "value": "coalesce(sum(b.price) FILTER (WHERE b.status = 'completed'), 0)",
    "lost": "coalesce(sum(b.price) FILTER (WHERE b.status IN ('cancelled', 'no_show')), 0)",
    "fees": "coalesce(sum(b.fee) FILTER (WHERE b.status IN ('cancelled', 'no_show')), 0)",
    **{
        f"lead_{low}": f"count(*) FILTER (WHERE b.status <> 'cancelled' AND ahead.days {span})"
        for low, span in SPANS.items()
    },
}
WALL = "b.starts_at AT TIME ZONE v.time_zone"
CATEGORY = "coalesce(s.category_id, 0) AS category_id"


def booked(keys: tuple[str, ...], sums: tuple[str, ...], more: str = "") -> str:
    """Days of bookings by some keys."""
    return BOOKED.format(
        more=more,
        keys=", ".join(keys), sums=", ".join(f"{HOW_MANY[name]} AS {name}" for name in sums),
        places=", ".join(str(n) for n in range(1, 3 + len(keys))),
    )  # fmt: skip


PLAIN = {
    "item_figures": SOLD,
    "sale_figures": "SELECT vendor_id, day, kind, category_id, channel, "
    + ", ".join(f"sum({name}) AS {name}" for name in SUMS)
    + f" FROM ({SOLD}) AS sold GROUP BY 1, 2, 3, 4, 5",
    "order_figures": ORDERED,
    "booking_figures": booked(
        ("b.service_id", "b.kind", CATEGORY, "b.channel"), tuple(HOW_MANY), AHEAD
    ),
    "staff_figures": booked(
        ("coalesce(b.staff_id, 0) AS staff_id", CATEGORY, "b.channel"),
        ("bookings", "completed", "cancelled", "no_shows", "minutes", "value"),
    ),
    "hour_figures": booked(
        (f"extract(isodow FROM {WALL}) AS weekday", f"extract(hour FROM {WALL}) AS hour",
         "b.channel"),
        ("bookings", "no_shows", "minutes"),
    ),
}  # fmt: skip
"""Days of each table, as written by hand for what `bench.fill` loads."""

CHECKED = {
    "sale_figures": "net",
    "order_figures": "total",
    "booking_figures": "value + lead_0 + 1000 * lead_2 + 1000000 * lead_31",
    "staff_figures": "minutes",
    "hour_figures": "bookings",
    "item_figures": "gross",
    "market_sale_figures": "net",
    "market_item_figures": "gross",
    "market_booking_figures": "value + lead_0 + 1000 * lead_2 + 1000000 * lead_31",
    "market_staff_figures": "minutes",
    "market_hour_figures": "bookings",
}
"""What must be the same everywhere."""


def columns(model: Any) -> tuple[list[str], list[str]]:
    """Keys besides vendor and time, and sums."""
    keys = [column.name for column in model.__table__.primary_key][3:]
    return keys, [column.name for column in model.__table__.c if not column.primary_key]


def in_plain_sql(connection: psycopg.Connection) -> float:
    """Seconds of writing all figures by hand into tables of the same form."""
    started = time.perf_counter()
    for model in MODELS:
        table = model.__tablename__
        keys, sums = columns(model)
        into = f"INSERT INTO plain_{table} (vendor_id, grain, starts_on, {', '.join(keys + sums)})"
        harness.run(connection, f"CREATE TABLE plain_{table} (LIKE {table} INCLUDING ALL)")
        harness.run(connection, f"{into} SELECT vendor_id, 'day', day, {', '.join(keys + sums)}"
                        f" FROM ({PLAIN[table]}) AS d")  # fmt: skip
        for grain in longer(model):
            harness.run(connection, f"{into} SELECT vendor_id, '{grain}',"
                f" CAST(date_trunc('{grain}', starts_on) AS date), {', '.join(keys)}, "
                + ", ".join(f"sum({name})" for name in sums)
                + f" FROM plain_{table} WHERE grain = 'day'"
                f" GROUP BY {', '.join(str(n) for n in range(1, 4 + len(keys)))}")  # fmt: skip
    for table, statement in of_all_vendors("plain_"):
        harness.run(connection, f"CREATE TABLE plain_{table} (LIKE {table} INCLUDING ALL)")
        harness.run(connection, statement)
    return time.perf_counter() - started


def longer(model: Any) -> tuple[str, ...]:
    """What is kept of a table besides days."""
    return ("week", "month", "quarter") if model.has_quarters else ("week", "month")


def of_all_vendors(prefix: str) -> Iterator[tuple[str, str]]:
    """Each of the marketplace's tables, and the statement that adds up all vendors into it."""
    for twin in TWINS:
        listed = [column.name for column in twin.market.__table__.primary_key]
        sums = [column.name for column in twin.market.__table__.c if not column.primary_key]
        by, table = ", ".join(listed), twin.market.__tablename__
        summed = ", ".join(f"sum({name}) AS {name}" for name in sums)
        rows = f"FROM {prefix}{twin.of.__tablename__} f WHERE {twin.those} AND grain"
        put = (
            f"INSERT INTO {prefix}{table} ({', '.join(listed + sums)})"
            f" SELECT {by}, {summed} {rows} IN {twin.market.grains} GROUP BY {by}"
        )
        if LongGrain.YEAR in twin.market.grains:  # vendors keep none
            year = "CAST(date_trunc('year', CAST(starts_on AS timestamp)) AS date) AS starts_on"
            keys = ", ".join(listed[2:])
            put += (
                f" UNION ALL SELECT 'year' AS grain, {year}, {keys}, {summed} {rows} = 'month'"
                f" GROUP BY 1, 2, {keys}"
            )
        yield table, put


def asked(connection: psycopg.Connection) -> float:
    """Seconds of counting the rows of days, without writing any."""
    started = time.perf_counter()
    for statement in PLAIN.values():
        harness.run(connection, f"SELECT count(*) FROM ({statement}) AS d")
    return time.perf_counter() - started


READ = {
    "vendors": "id, time_zone",
    "services": "id, category_id",
    "products": "id, category_id",
    "variants": "id, product_id",
    "orders": "vendor_id, id, customer_id, status, channel, total, fulfilled_at",
    "order_lines": "vendor_id, order_id, kind, variant_id, quantity, total, tax, discount, cost",
    "bookings": "vendor_id, service_id, staff_id, kind, status, channel, starts_at, ends_at, price,"
    " seats, fee, created_at",
}


def in_duckdb(connection: psycopg.Connection, folder: Path) -> tuple[float, dict[str, Any]]:
    """Seconds of the same from Parquet by DuckDB, and its sums."""
    duck = duckdb.connect(str(folder / "duck.db"))
    for table, listed in READ.items():
        told = ", ".join(
            f"{name} AT TIME ZONE 'UTC' AS {name}" if name.endswith("_at") else name
            for name in listed.split(", ")
        )
        wanted: Any = f"COPY (SELECT {told} FROM {table}) TO STDOUT CSV HEADER"
        with (
            (folder / f"{table}.csv").open("wb") as file,
            connection.cursor() as cursor,
            cursor.copy(wanted) as out,
        ):
            for block in out:
                file.write(block)
        money = ", ".join(
            f"CAST({name} AS decimal(12, 2)) AS {name}"
            for name in ("total", "tax", "discount", "cost", "price", "fee")
            if name in listed.split(", ")
        )
        duck.execute(
            f"COPY (SELECT *{f' REPLACE ({money})' if money else ''}"
            f" FROM read_csv('{folder / table}.csv', sample_size=-1))"
            f" TO '{folder / table}.parquet' (FORMAT parquet)"
        )
        duck.execute(f"CREATE VIEW {table} AS SELECT * FROM '{folder / table}.parquet'")
        (folder / f"{table}.csv").unlink()
    duck.execute("CREATE TABLE zones (time_zone text, since timestamp, ahead interval)")
    duck.executemany("INSERT INTO zones VALUES (?, ?, ?)", offsets(duck))
    started = time.perf_counter()
    for model in MODELS:
        table = model.__tablename__
        keys, sums = columns(model)
        days = (
            PLAIN[table]
            .replace(" OFFSET 0", "")
            .replace("b.created_at AT TIME ZONE v.time_zone", "b.created_at + m.ahead")
        )
        days = days.replace("AT TIME ZONE v.time_zone", "+ z.ahead").replace(
            "CROSS JOIN LATERAL",
            "ASOF JOIN zones m ON m.time_zone = v.time_zone AND m.since <= b.created_at"
            " CROSS JOIN LATERAL",
        )
        for row, at in (("o", "o.fulfilled_at"), ("b", "b.starts_at")):
            joined = f"JOIN vendors v ON v.id = {row}.vendor_id"
            zone = f" ASOF JOIN zones z ON z.time_zone = v.time_zone AND z.since <= {at}"
            days = days.replace(joined, joined + zone)
        duck.execute(f"CREATE TABLE {table} AS SELECT 'day' AS grain, * FROM ({days})")
        duck.execute(f"ALTER TABLE {table} RENAME day TO starts_on")
        for grain in longer(model):
            by = ", ".join(["vendor_id", *keys])
            duck.execute(
                f"INSERT INTO {table} BY NAME SELECT '{grain}' AS grain, {by},"
                f" CAST(date_trunc('{grain}', starts_on) AS date) AS starts_on, "
                + ", ".join(f"sum({name}) AS {name}" for name in sums)
                + f" FROM {table} WHERE grain = 'day' GROUP BY ALL"
            )
    for table, statement in of_all_vendors(""):
        duck.execute(f"CREATE TABLE {table} AS {statement[statement.index(' SELECT ') + 1 :]}")
    taken = time.perf_counter() - started
    return taken, sums_of(lambda statement: duck.execute(statement).fetchall(), "")


def offsets(duck: duckdb.DuckDBPyConnection) -> list[tuple[str, datetime, timedelta]]:
    """How far each vendor's clock is ahead of UTC since when: DuckDB's wheel knows no zones."""
    found = []
    for (zone,) in duck.execute("SELECT DISTINCT time_zone FROM vendors").fetchall():
        since = datetime(2015, 1, 1, tzinfo=UTC)
        for (begins, _), ahead in Wall(zone).spells((since, since + timedelta(days=9000))):
            found.append((zone, begins.replace(tzinfo=None), ahead))
    return found


def sums_of(ask: Callable[[str], Any], prefix: str) -> dict[str, Any]:
    """What is checked: rows and a sum of each table, by grain."""
    return {
        f"{table} {row[0]}": (int(row[1]), round(float(row[2]), 2))
        for table in (*TABLES, *MARKET)
        for row in ask(
            f"SELECT grain, count(*), sum({CHECKED[table]}) FROM {prefix}{table}"
            " GROUP BY 1 ORDER BY 1"
        )
    }


def rebuilt(connection: psycopg.Connection) -> dict[str, float]:
    """Seconds of a rebuild into empty tables, and of the hours of staff beside it."""
    for table in (*TABLES, *MARKET, StaffHours.__tablename__):
        harness.run(connection, f"TRUNCATE {table}")
    harness.run(connection, "CHECKPOINT")
    with acting(SYSTEM):
        started = time.perf_counter()
        with begin() as session:
            figures.rebuild(session, only=MODELS)
        done = time.perf_counter()
        with begin() as session:
            for vendor_id in session.scalars(text("SELECT id FROM vendors")).all():
                staff_hours.rebuild(session, vendor_id=vendor_id)
            market_figures.rebuild(session, only=[StaffHours])
        hours = time.perf_counter() - done
        done_too = time.perf_counter()
        with begin() as session:
            figures.rebuild(session, only=[one for one in figures.TABLES if one not in MODELS])
        others = time.perf_counter() - done_too
    harness.run(connection, "VACUUM ANALYZE")
    return {"rebuild": done - started, "hours_of_staff": hours, "other_figures": others}


def a_day(connection: psycopg.Connection, times: int) -> dict[str, float]:
    """Seconds of working out a day of all vendors, and of one vendor after the other.

    A normal day is the one with as many bookings as the mean; the busiest is the last, which
    `bench.fill` crowds.
    """
    vendors = [
        row[0] for row in harness.run(connection, "SELECT id FROM vendors ORDER BY id").fetchall()
    ]
    days = harness.run(
        connection,
        "WITH d AS (SELECT starts_on, sum(bookings) AS n FROM market_booking_figures"
        " WHERE grain = 'day' GROUP BY 1)"
        " SELECT (SELECT starts_on FROM d ORDER BY abs(n - (SELECT avg(n) FROM d)), 1 LIMIT 1),"
        " (SELECT starts_on FROM d ORDER BY n DESC LIMIT 1)",
    ).fetchone()

    def noted(which: list[int], day: date) -> float:
        harness.run(connection, "DELETE FROM stale_days")
        harness.run(connection, f"INSERT INTO stale_days (vendor_id, day) SELECT v, '{day}'"
                        f" FROM unnest(ARRAY{which}) AS v")  # fmt: skip
        started = time.perf_counter()
        done = 0
        with acting(SYSTEM):
            while done < len(which):
                with begin() as session:
                    done += figures.freshen(session)
            with begin() as session:
                market_figures.freshen(session)
        return time.perf_counter() - started

    normal, busiest = days
    whole = [noted(vendors, normal) for _ in range(times)]
    single = [noted([vendor], normal) for vendor in vendors[:10]]
    return {
        "a_day": statistics.median(whole), "a_vendors_day": statistics.median(single),
        "the_busiest_day": noted(vendors, busiest),
    }  # fmt: skip


def measure(postgres: Postgres, times: int) -> dict[str, Any]:
    """All of it, on a filled marketplace."""
    with psycopg.connect(fill.dsn(postgres.url("backroom", "postgres")), autocommit=True) as plain:
        for name in ("work_mem = '256MB'", "timezone = 'UTC'"):
            harness.run(plain, f"SET {name}")
        engine = connect(postgres.url("backroom", schema.LOGIN))
        taken: dict[str, Any] = rebuilt(plain)
        mine = sums_of(lambda s: harness.run(plain, s).fetchall(), "")
        taken |= a_day(plain, times)
        engine.dispose()
        print(taken, file=sys.stderr, flush=True)
        taken["asking"] = asked(plain)
        taken["plain_sql"] = in_plain_sql(plain)
        print(taken, file=sys.stderr, flush=True)
        beside = {"plain SQL": sums_of(lambda s: harness.run(plain, s).fetchall(), "plain_")}
        for table in (*TABLES, *MARKET):
            harness.run(plain, f"DROP TABLE plain_{table}")
        with tempfile.TemporaryDirectory(prefix="br-duck-") as folder:
            taken["duckdb"], beside["DuckDB"] = in_duckdb(plain, Path(folder))
    differ = {
        f"{who}: {name}": (mine.get(name), theirs.get(name))
        for who, theirs in beside.items()
        for name in sorted(mine.keys() | theirs.keys())
        if mine.get(name) != theirs.get(name)
    }
    taken = {name: round(seconds, 3) for name, seconds in taken.items()}
    taken["rebuild_beside_plain_sql"] = round(taken["rebuild"] / taken["plain_sql"], 2)
    rows = sum(count for count, _ in mine.values())
    return {"seconds": taken, "rows_of_figures": rows, "differences": differ}


def counts(postgres: Postgres) -> dict[str, int]:
    with psycopg.connect(fill.dsn(postgres.url("backroom", "postgres"))) as connection:
        return {
            table: harness.run(connection, f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("vendors", "customers", "bookings", "orders", "order_lines")
        }


def page(customers: int, result: dict[str, Any]) -> str:
    taken = result["seconds"]
    of = ", ".join(f"{count:,} {noun.replace('_', ' ')}" for noun, count in result["of"].items())
    lines = [
        ("a normal day of all vendors", f"{taken['a_day']:.2f} s", f"bar {DAY_BAR_SECONDS:.0f} s"),
        ("the busiest day of all vendors, which the data crowd",
         f"{taken['the_busiest_day']:.2f} s", ""),
        ("a vendor's day", f"{taken['a_vendors_day'] * 1000:.0f} ms", ""),
        ("rebuild", f"{taken['rebuild']:.1f} s", f"{result['rows_of_figures']:,} rows"),
        ("the same rows by plain SQL", f"{taken['plain_sql']:.1f} s",
         f"rebuild takes {taken['rebuild_beside_plain_sql']:.2f} of it, bar {REBUILD_BAR}"),
        ("asking for the days, writing none", f"{taken['asking']:.1f} s", ""),
        ("the same by DuckDB from Parquet, no keys", f"{taken['duckdb']:.1f} s", ""),
        ("hours of staff", f"{taken['hours_of_staff']:.1f} s", "worked out at night"),
        ("the seven other tables of figures", f"{taken['other_figures']:.1f} s",
         "offers, points, members, messages, vendors"),
    ]  # fmt: skip
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return (f"`python -m bench.reports --customers {customers}`: {of}.\n\n"
            f"| roll-ups | median | |\n|---|---|---|\n{table}\n\n"
            f"Sums that differ between the three: {len(result['differences'])}.")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--var", type=Path, help="a filled marketplace, or where to keep one")
    parser.add_argument("--quick", action="store_true", help="20,000 customers")
    parser.add_argument("--pages", action="store_true", help="the pages alone, of what --var holds")
    given = parser.parse_args()
    customers = 20_000 if given.quick else given.customers
    with harness.server(given.var) as postgres:
        harness.migrated(postgres)
        if not counts(postgres)["customers"]:
            fill.fill(postgres.url("backroom", "postgres"), customers, max(6, customers // 5000))
        result: dict[str, Any] = {"of": counts(postgres)}
        if not given.pages:
            result |= measure(postgres, 2 if given.quick else 5)
            if not given.quick:
                harness.write_results("Reports: roll-ups", page(customers, result))
        pages, behind = report_pages.pages(postgres, quick=given.quick)
    result |= {"pages": pages, "behind": behind, "missed": report_pages.judge(pages, behind)}
    if not given.quick:
        harness.write_results("Reports: pages", report_pages.told(customers, pages, behind))
    harness.finish(result)


if __name__ == "__main__":
    main()
