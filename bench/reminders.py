"""Seconds of the scan that finds who is to be told something by now, over a million customers.

`python -m bench.reminders [--quick]`. A million customers of two hundred vendors, each with a visit
behind and a booking to come within two months, a birthday, and a product that runs out some day.
Each vendor reminds of bookings a day before, wishes a happy birthday at nine, and plans a call two
days before something runs out. Nobody looked for `AWAY` hours, over a nine o'clock: the scan, one
process, has all of that to find and to promise. Two processes then compose what was promised, as
workers do. What should come of it is worked out beside it, by SQL that shares nothing with it.
Then it is asked again at once; scan and workers are killed in the middle and begun anew; and the
database says whether any of their questions walked a whole table.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from app.embedded import Postgres
from bench import fill, harness

CUSTOMERS, QUICK, VENDORS, QUICK_VENDORS = 1_000_000, 20_000, 200, 10
NOW = datetime(2026, 11, 3, 13, tzinfo=UTC)
AWAY, BAR_SECONDS = 8, 30.0
ZONE = "Europe/Berlin"
SINCE = NOW - timedelta(hours=AWAY)
OVERLAP = timedelta(minutes=10)
WALKED = ("customers", "bookings", "usages")
WORKERS = 2

ROWS = (
    "INSERT INTO vendors (id, slug, name, kind, country, time_zone) OVERRIDING SYSTEM VALUE"
    " SELECT n, 'vendor-' || n, 'Vendor ' || n, 'salon', 'DE', %(zone)s"
    " FROM generate_series(1, %(vendors)s) AS n",
    "INSERT INTO services (id, vendor_id, name, price) OVERRIDING SYSTEM VALUE"
    " SELECT n, n, 'Cut', 30 FROM generate_series(1, %(vendors)s) AS n",
    "INSERT INTO products (id, vendor_id, name) OVERRIDING SYSTEM VALUE"
    " SELECT n, n, 'Shampoo' FROM generate_series(1, %(vendors)s) AS n",
    "INSERT INTO customers (id, vendor_id, full_name, email, birthday, created_at,"
    " last_activity_at, visit_count) OVERRIDING SYSTEM VALUE"
    " SELECT n, 1 + n %% %(vendors)s, 'Customer ' || n, 'c' || n || '@example.com',"
    " date '1950-01-01' + CAST((n::bigint * 7919) %% 21915 AS int), %(now)s - interval '1 year',"
    " %(now)s - interval '30 days', 1 FROM generate_series(1, %(customers)s) AS n",
    "INSERT INTO bookings (vendor_id, public_ref, customer_id, service_id, kind, status, starts_at,"
    " ends_at, with_buffer_before, with_buffer_after, price, created_at)"
    " SELECT c.vendor_id, gen_random_uuid(), c.id, c.vendor_id, 'appointment', b.status, b.at,"
    " b.at + interval '1 hour', tstzrange(b.at, b.at + interval '1 hour'),"
    " tstzrange(b.at, b.at + interval '1 hour'), 30, %(now)s - interval '100 days'"
    " FROM customers c CROSS JOIN LATERAL (VALUES"
    "   ('completed', %(now)s - (c.id * 104729 %% 86400) * interval '1 minute'),"
    "   (CASE WHEN c.id %% 20 = 0 THEN 'cancelled' ELSE 'confirmed' END,"
    "    %(now)s + (c.id * 15485863 %% 86400) * interval '1 minute')) AS b (status, at)",
    "INSERT INTO usages (vendor_id, customer_id, kind, item_id, times, first_on, last_on,"
    " interval_days, source, next_on)"
    " SELECT vendor_id, id, 'product', vendor_id, 5, date '2025-01-01', date '2026-09-01', 60,"
    " 'personal', date '2026-09-01' + CAST(id * 32452843 %% 180 AS int) FROM customers",
    "INSERT INTO message_rules (vendor_id, name, event, days, at, action, task_kind, task_title,"
    " scanned_until)"
    " SELECT v.id, r.event, r.event, r.days, r.at, r.action, r.kind, r.title, %(done)s"
    " FROM vendors v CROSS JOIN (VALUES"
    "   ('booking_reminder', 1, CAST(NULL AS time), 'message', NULL, NULL),"
    "   ('birthday', 0, time '09:00', 'message', NULL, NULL),"
    "   ('replenishment_due', 2, time '09:00', 'task', 'replenishment', 'Call')"
    " ) AS r (event, days, at, action, kind, title)",
)

SHOULD = {
    "reminders": "SELECT 'booking_reminder:' || id FROM bookings WHERE status = 'confirmed'"
    " AND starts_at - interval '1 day' > %(since)s AND starts_at - interval '1 day' <= %(now)s",
    "birthdays": "SELECT 'birthday:' || id FROM customers"
    " WHERE to_char(birthday, 'MMDD') = to_char(CAST(%(now)s AS timestamptz), 'MMDD')",
    "calls": "SELECT 'call:' || customer_id FROM usages WHERE next_on - 2 = CAST(%(now)s AS date)",
}
"""What the scan has to find: none of this is how it looks."""
FOUND = (
    "SELECT event || ':' || coalesce(booking_id, customer_id) FROM messages"
    " UNION ALL SELECT 'call:' || customer_id FROM tasks"
)


def furnish(postgres: Postgres, customers: int, vendors: int) -> None:
    """The marketplace as it stands after `AWAY` hours in which nobody looked."""
    harness.migrated(postgres)
    known = {"customers": customers, "vendors": vendors, "zone": ZONE, "now": NOW,
             "done": SINCE + OVERLAP}  # fmt: skip
    with psycopg.connect(fill.dsn(postgres.url("backroom", "postgres")), autocommit=True) as c:
        c.execute("SET session_replication_role = replica")
        c.execute("SET synchronous_commit = off")
        c.execute("SET timezone = 'UTC'")
        aside = fill.Aside(c)
        aside.drop()
        for statement in ROWS:
            c.execute(statement.encode(), known)
        fill.sequences(c)
        aside.restore(postgres.url("backroom", "postgres"))
        if wrong := aside.differences():
            raise SystemExit(f"Not as it was: {wrong}")
        c.execute("VACUUM (ANALYZE)")


def scan() -> None:
    """What beat asks for each minute, with its seconds as the last line; a process of its own."""
    from app import clock
    from app.database import connect
    from tasks import happenings

    connect(os.environ["DATABASE_URL"], pool_size=4)
    with clock.stopped_at(NOW):
        start = time.perf_counter()
        found = happenings.scan()
        print(json.dumps({"found": found, "seconds": round(time.perf_counter() - start, 3)}))


def work(mine: int) -> None:
    """What a worker makes of the promises, those whose number leaves `mine` when divided."""
    from sqlalchemy import select

    from app import clock
    from app.database import begin, connect
    from app.tenancy import SYSTEM, acting
    from models.outbox import OutboxMessage
    from tasks import happenings

    connect(os.environ["DATABASE_URL"], pool_size=4)
    row = OutboxMessage
    query = select(row.id, row.vendor_id, row.payload).where(
        row.task == happenings.follow.name, row.done_at.is_(None), row.id % WORKERS == mine
    )
    with acting(SYSTEM), begin() as session:
        promised = session.execute(query.order_by(row.id)).all()
    start = time.perf_counter()
    with clock.stopped_at(NOW):
        for number, vendor_id, payload in promised:
            happenings.follow.apply(
                kwargs={"vendor_id": vendor_id, **payload}, task_id=f"outbox-{number}", throw=True
            )
    print(json.dumps({"seconds": round(time.perf_counter() - start, 3)}))


class Bench:
    """The database, and the scans on it."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self.owner = fill.dsn(postgres.url("backroom", "postgres"))
        self.environment = os.environ | {
            "DATABASE_URL": postgres.url("backroom", "backroom_app"), "DEMO": "1",
            "SMTP_URL": "smtp://127.0.0.1:9", "MAIL_FROM": "no-reply@backroom.example",
        }  # fmt: skip

    def rows(self, statement: str, **known: Any) -> list[Any]:
        with psycopg.connect(self.owner, autocommit=True) as connection:
            connection.execute("SET timezone = 'UTC'")
            return connection.execute(statement.encode(), known or None).fetchall()

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bench.reminders", *arguments], env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def workers(self) -> list[subprocess.Popen[str]]:
        return [self.started("--work", str(number)) for number in range(WORKERS)]

    def scanned(self) -> dict[str, Any]:
        return told_by(self.started("--scan"))

    def composed(self) -> float:
        """Seconds of the slower one."""
        return max(told_by(child)["seconds"] for child in self.workers())

    def killed(self, children: list[subprocess.Popen[str]], counted: str) -> int:
        """Processes that die once something of theirs is there; how much there was."""
        until = time.monotonic() + PATIENCE
        while not (done := int(self.rows(counted)[0][0])):
            if time.monotonic() > until:
                raise SystemExit("It did not happen in time.")
            time.sleep(0.02)  # there is nothing to wait on: another process writes it
        for child in children:
            child.send_signal(signal.SIGKILL)
            child.communicate()
        return done

    def walked(self) -> dict[str, int]:
        """How often each table was walked whole so far."""
        names = ", ".join(f"'{name}'" for name in WALKED)
        found = self.rows(
            "SELECT pg_stat_clear_snapshot()::text, relname, seq_scan FROM pg_stat_user_tables"
            f" WHERE relname IN ({names})"
        )
        return {name: int(count) for _, name, count in found}

    def forget(self) -> None:
        """As before the scan."""
        for table in ("messages", "tasks", "outbox_messages"):
            harness.execute(self.postgres, f"TRUNCATE {table} CASCADE")
        harness.execute(
            self.postgres,
            f"UPDATE message_rules SET scanned_until = '{(SINCE + OVERLAP).isoformat()}'",
        )

    def verdict(self) -> dict[str, int]:
        """What is missing, what came twice, what nobody asked for."""
        known = {"since": SINCE, "now": NOW}
        should = [row[0] for query in SHOULD.values() for row in self.rows(query, **{
            name: value for name, value in known.items() if f"%({name})s" in query})]  # fmt: skip
        found = [row[0] for row in self.rows(FOUND)]
        wanted, got = set(should), set(found)
        return {
            "should": len(wanted), "lost": len(wanted - got), "doubled": len(found) - len(got),
            "uncalled": len(got - wanted),
        }  # fmt: skip


def told_by(child: subprocess.Popen[str]) -> dict[str, Any]:
    """What a process says last."""
    said, _ = child.communicate()
    if child.returncode:
        raise SystemExit(f"{child.args} failed.")
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


PROMISED = "SELECT count(*) FROM outbox_messages WHERE task = 'tasks.happenings.follow'"
PATIENCE = 900
"""Seconds until a process that is to die has to have done something."""
COMPOSED = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM tasks)"


def measured(bench: Bench) -> dict[str, Any]:
    before = bench.walked()
    first = bench.scanned()
    composed = bench.composed()
    again = bench.scanned()
    time.sleep(2)  # what the processes did is told to the statistics by now
    walks = {name: count - before[name] for name, count in bench.walked().items()}
    result = {
        **bench.verdict(), "found": first["found"], "seconds": first["seconds"],
        "composed_seconds": composed, "again_found": again["found"],
        "again_seconds": again["seconds"], "walked_whole": walks,
    }  # fmt: skip
    bench.forget()
    promised = bench.killed([bench.started("--scan")], PROMISED)
    bench.scanned()
    done = bench.killed(bench.workers(), COMPOSED)
    bench.composed()
    return result | {
        "after_kills": {"promises_then": promised, "composed_then": done, **bench.verdict()}
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 customers of ten vendors")
    parser.add_argument("--scan", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.scan or given.work is not None:
        scan() if given.scan else work(given.work)
        return
    customers, vendors = (QUICK, QUICK_VENDORS) if given.quick else (CUSTOMERS, VENDORS)
    with harness.server() as postgres:
        start = time.perf_counter()
        furnish(postgres, customers, vendors)
        filled = round(time.perf_counter() - start, 1)
        result = measured(Bench(postgres))
    result |= {"customers": customers, "vendors": vendors, "seconds_filling": filled,
               "bar_seconds": BAR_SECONDS}  # fmt: skip
    result["missed"] = misses(result)
    if not given.quick:
        harness.write_results("Reminders", told(result))
    harness.finish(result)


def misses(result: dict[str, Any]) -> list[str]:
    """What is not as it has to be."""
    wrong = [name for name in ("lost", "doubled", "uncalled") if result[name]]
    wrong += [f"{name} after kills" for name in ("lost", "doubled", "uncalled")
              if result["after_kills"][name]]  # fmt: skip
    wrong += [f"{name} walked" for name, count in result["walked_whole"].items() if count]
    return wrong + ([] if result["seconds"] <= BAR_SECONDS else [f"{result['seconds']} s"])


def told(result: dict[str, Any]) -> str:
    kills = result["after_kills"]
    return (
        f"`python -m bench.reminders`; {result['customers']:,} customers of {result['vendors']}"
        f" vendors, nobody looked for {AWAY} hours: {result['found']:,} reminders, birthdays and"
        f" calls found and promised in {result['seconds']} s (bar {BAR_SECONDS:.0f} s), composed"
        f" by {WORKERS} processes in {result['composed_seconds']} s, asked again at once"
        f" {result['again_seconds']} s. Lost {result['lost']}, twice {result['doubled']}, uncalled"
        f" for {result['uncalled']}; after the scan was killed with {kills['promises_then']:,}"
        f" promises made, and the workers with {kills['composed_then']:,} of them kept: lost"
        f" {kills['lost']}, twice {kills['doubled']}, uncalled for {kills['uncalled']}. Whole"
        f" tables walked: {sum(result['walked_whole'].values())}."
    )


if __name__ == "__main__":
    main()
