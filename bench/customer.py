"""The page of a customer of 10,000 orders, and the first page of each role.

`python -m bench.customer [--quick] [--var FOLDER]`. A marketplace as `bench.fill` makes it (100,000
customers of 20 vendors), and in the second vendor somebody with 10,000 orders, 3,000 bookings,
5,000 messages, 20,000 changes and what comes of them. Milliseconds of the whole request, answered
in this process without a network; "its figures" are those that stand beside the time line, in a
transaction of their own. The present days have bookings, orders and tasks too, for the first pages.
"""

import argparse
import asyncio
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from app import clock, schema
from app.database import begin, connect
from app.embedded import Postgres, Redis
from app.operations import figures, score_keeping
from app.tenancy import SYSTEM, acting, vendor_actor
from bench import fill, harness
from bench.lists import Ours, add_users, getter, timed
from models.customers import Customer
from reports import customer_figures
from reports.suggestions import suggestions

PAGE_BAR_MS, FIGURES_BAR_MS = 150.0, 60.0
TIMES, QUICK_TIMES = 40, 12
BUSY, VENDOR = 5_000_001, 2
"""The customer's id, out of the way of those that are filled in, and the vendor."""

ORDERED = f"""
INSERT INTO customers (id, vendor_id, full_name, email, status, channel, created_at, sort_name,
  search_text) OVERRIDING SYSTEM VALUE
VALUES ({BUSY}, {VENDOR}, 'Busy Buyer', 'busy@example.com', 'active', 'online',
  now() - interval '4 years', 'busy buyer', 'busy buyer');

INSERT INTO orders (id, number, vendor_id, public_ref, customer_id, status, channel, total,
  placed_at, fulfilled_at, completed_at, created_at, paid, refunded, handing, pieces, handed_over,
  delivered) OVERRIDING SYSTEM VALUE
SELECT 90000000 + n, 90000000 + n, {VENDOR}, gen_random_uuid(), {BUSY}, 'completed', 'online', cost,
  at, at, at, at, cost, CASE WHEN n % 33 = 0 THEN 5 ELSE 0 END,
  CASE WHEN n % 3 = 0 THEN 'delivery' ELSE 'counter' END, 1, 1, 1
FROM (SELECT n, 5 + 3 * (n % 30) AS cost, now() - n * interval '3.5 hours' AS at
      FROM generate_series(1, %(orders)s) AS n) AS g;

INSERT INTO order_lines (order_id, vendor_id, position, kind, variant_id, name, quantity,
  unit_price, total, packed, handed_over, delivered)
SELECT id, {VENDOR}, 1, 'product', 31 + id % 30, 'Product', 1, total, total, 1, 1, 1
FROM orders WHERE customer_id = {BUSY};

INSERT INTO payments (vendor_id, order_id, tender, status, amount, captured_at, created_at, user_id,
  refunded)
SELECT {VENDOR}, id, 'card', 'captured', paid, placed_at, placed_at, 1, refunded
FROM orders WHERE customer_id = {BUSY};

INSERT INTO refunds (vendor_id, order_id, payment_id, tender, status, amount, reason, created_at,
  user_id)
SELECT {VENDOR}, o.id, p.id, 'cash', 'succeeded', 5, 'damaged', o.placed_at + interval '3 days', 1
FROM orders o JOIN payments p ON p.vendor_id = o.vendor_id AND p.order_id = o.id
WHERE o.customer_id = {BUSY} AND o.refunded > 0;

INSERT INTO product_returns (vendor_id, order_id, number, status, asked_at)
SELECT {VENDOR}, id, id, 'requested', placed_at + interval '2 days'
FROM orders WHERE customer_id = {BUSY} AND id % 50 = 7;

INSERT INTO shipments (vendor_id, order_id, status, carrier, packed_at, handed_over_at,
  delivered_at)
SELECT {VENDOR}, id, 'delivered', 'Post', placed_at, placed_at, placed_at + interval '1 day'
FROM orders WHERE customer_id = {BUSY};

INSERT INTO invoices (vendor_id, order_id, kind, number, issued_at, total, tax, content, stored_as,
  checksum)
SELECT {VENDOR}, id, 'invoice', id, placed_at, total, 0, '{{}}', 'x', repeat('a', 64)
FROM orders WHERE customer_id = {BUSY};
"""
CAME = f"""
INSERT INTO bookings (public_ref, vendor_id, customer_id, service_id, staff_id, kind, status,
  channel, starts_at, ends_at, with_buffer_before, with_buffer_after, price, completed_at)
SELECT gen_random_uuid(), {VENDOR}, {BUSY}, 13 + n % 12, 9 + n % 8, 'appointment',
  CASE WHEN n % 11 = 0 THEN 'no_show' ELSE 'completed' END, 'online', at, over,
  tstzrange(at, over), tstzrange(at, over), 20 + n % 50, CASE WHEN n % 11 > 0 THEN over END
FROM generate_series(1, %(orders)s * 3 / 10) AS n,
LATERAL (SELECT now() - n * interval '11.5 hours' AS at) AS begins,
LATERAL (SELECT at + interval '45 minutes' AS over) AS ends;

INSERT INTO messages (vendor_id, customer_id, direction, channel, purpose, event, status, address,
  subject, body, send_at, sent_at, delivered_at, created_at)
SELECT {VENDOR}, {BUSY}, 'out', CASE WHEN n % 3 = 0 THEN 'sms' ELSE 'email' END, 'transactional',
  'order_placed', 'delivered', 'busy@example.com', 'Order ' || n,
  'Thank you. ' || repeat('word ', 80), at, at, at, at
FROM generate_series(%(orders)s / 2, 1, -1) AS n,
LATERAL (SELECT now() - n * interval '7 hours' AS at) AS t;

INSERT INTO tasks (vendor_id, customer_id, kind, title, status, due_at, done_at, created_at)
SELECT {VENDOR}, {BUSY}, 'follow_up', 'Call', CASE WHEN n > 20 THEN 'done' ELSE 'open' END, at,
  CASE WHEN n > 20 THEN at END, at
FROM generate_series(1, %(orders)s / 20) AS n,
LATERAL (SELECT now() - n * interval '60 hours' AS at) AS t;

INSERT INTO audit_entries (vendor_id, customer_id, table_name, row_id, action, user_id, at, old,
  new)
SELECT {VENDOR}, {BUSY}, 'orders', n, 'update', 1, now() - n * interval '3.5 hours',
  '{{"status": "placed"}}', '{{"status": "completed"}}'
FROM generate_series(%(orders)s, 1, -1) AS n, generate_series(1, 2);
"""
LATELY = """
INSERT INTO bookings (public_ref, vendor_id, customer_id, service_id, staff_id, kind, status,
  channel, starts_at, ends_at, with_buffer_before, with_buffer_after, price, completed_at)
SELECT gen_random_uuid(), v.id, c.id, v.id * 12, v.id * 8 - s, 'appointment',
  CASE WHEN over < now() THEN 'completed' WHEN s = 0 THEN 'pending' ELSE 'confirmed' END, 'online',
  at, over, tstzrange(at, over), tstzrange(at, over), 40, CASE WHEN over < now() THEN over END
FROM vendors v, generate_series(0, 7) AS s, generate_series(0, 7) AS k,
generate_series(-20, 14) AS day,
LATERAL (SELECT date_trunc('day', now()) + day * interval '1 day' + interval '9 hours'
         + k * interval '65 minutes' AS at) AS begins,
LATERAL (SELECT at + interval '45 minutes' AS over) AS ends,
LATERAL (SELECT id FROM customers WHERE vendor_id = v.id AND id > s * 997 + k * 89 + (day + 20) * 7
         ORDER BY id LIMIT 1) AS c;

INSERT INTO tasks (vendor_id, customer_id, kind, title, status, due_at, done_at, created_at)
SELECT v.id, c.id, (ARRAY['follow_up', 'reminder', 'delivery_check', 'replenishment'])[1 + n % 4],
  'Do ' || n, CASE WHEN n % 10 = 0 THEN 'open' ELSE 'done' END, at,
  CASE WHEN n % 10 > 0 THEN at END, at - interval '40 days'
FROM vendors v, generate_series(1, 3000) AS n,
LATERAL (SELECT now() - (n - 300) * interval '1 hour' AS at) AS due,
LATERAL (SELECT id FROM customers WHERE vendor_id = v.id AND id > n * 7 ORDER BY id LIMIT 1) AS c;

INSERT INTO messages (vendor_id, customer_id, direction, channel, purpose, event, status, address,
  subject, body, send_at, sent_at, failed_at, error, created_at)
SELECT v.id, c.id, 'out', CASE WHEN n % 3 = 0 THEN 'sms' ELSE 'email' END, 'transactional',
  'order_placed', CASE WHEN n % 40 = 0 THEN 'failed' ELSE 'delivered' END, 'a@example.com', 'Order',
  'Thank you.', at, at, CASE WHEN n % 40 = 0 THEN at END,
  CASE WHEN n % 40 = 0 THEN 'No such number.' END, at
FROM generate_series(5000, 1, -1) AS n, vendors v,
LATERAL (SELECT now() - n * interval '20 minutes' AS at) AS t,
LATERAL (SELECT id FROM customers WHERE vendor_id = v.id AND id > n * 7 ORDER BY id LIMIT 1) AS c;
"""
"""Bookings three weeks back and two ahead, tasks that are due, messages of which some failed."""

TABS = ("bookings", "orders", "messages", "tasks", "holdings", "changes")
READERS = {
    "vendor": "manager@v.example", "admin": "admin@backroom.example",
    "analyst": "analyst@backroom.example",
}  # fmt: skip


def written(postgres: Postgres, customers: int, vendors: int, orders: int) -> None:
    """Everything there is to be read, with its figures worked out as every night does it."""
    root = postgres.url("backroom", "postgres")
    fill.fill(root, customers, vendors)
    with fill.open_loader(root) as loader:
        for statements in (ORDERED, CAME, LATELY):
            text: Any = statements.replace("%(orders)s", str(orders))
            loader.execute(text)
        loader.execute("DELETE FROM customer_interests")
        loader.execute("ANALYZE")
        fill.truth(root)
        fill.sequences(loader)
        add_users(root)
        loader.execute(
            "INSERT INTO users (email, name, role, password_hash)"
            " SELECT 'analyst@backroom.example', 'A', 'analyst', password_hash"
            " FROM users WHERE role = 'admin'"
        )
        engine = connect(postgres.url("backroom", schema.LOGIN))
        with acting(SYSTEM), begin() as session:
            figures.rebuild(session)
        with acting(SYSTEM), begin() as session:
            score_keeping.rebuild_vendor(session, vendor_id=VENDOR)
        engine.dispose()
        loader.execute("VACUUM (ANALYZE)")


def beside(url: str, times: int) -> dict[str, float]:
    """Milliseconds of the figures, and of what may be offered."""
    engine = connect(url)

    def read() -> None:
        with acting(vendor_actor(VENDOR)), begin() as session:
            customer = session.get_one(Customer, BUSY)
            customer_figures.figures(session, customer=customer, now=clock.now())
            suggestions(session, customer=customer, now=clock.now())

    taken = harness.timed(read, times)
    engine.dispose()
    return harness.percentiles(taken)


async def asked(panel: Ours, times: int) -> dict[str, dict[str, float]]:
    """Milliseconds of whole requests: the customer's page in all its parts, and first pages."""
    found: dict[str, dict[str, float]] = {}
    page = f"/admin/customer/details/{BUSY}"
    async with panel.app.router.lifespan_context(panel.app):
        for reader, email in READERS.items():
            client = await panel.sign_in(email)
            client.headers["accept"] = "text/html"
            pages = {f"{reader}: first page": "/admin/"}
            if reader != "analyst":
                pages[f"{reader}: customer"] = page
            if reader == "vendor":
                older = re.search(r'href="([^"]*earlier=[^"]*)"', (await client.get(page)).text)
                pages["vendor: customer, older"] = older[1].replace("&amp;", "&") if older else ""
                pages |= {f"vendor: customer, {tab}": f"{page}?tab={tab}" for tab in TABS}
            for name, address in pages.items():
                taken = await timed(getter(client, address), times)
                found[name] = harness.percentiles(taken)
            await client.aclose()
    return found


def measure(postgres: Postgres, times: int) -> dict[str, dict[str, float]]:
    """All of it."""
    url = postgres.url("backroom", schema.LOGIN)
    with (
        tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder,
        Redis.start(Path(folder)) as redis,
    ):
        os.environ["VAR"] = folder
        panel = Ours(url, redis.url)
        return {
            "vendor: customer, its figures": beside(url, times),
            **asyncio.run(asked(panel, times)),
        }


def judge(found: dict[str, dict[str, float]]) -> list[str]:
    """Every bar that is missed, in words."""
    return [
        f"{name}: p95 {taken['p95']} ms, at most {_bar(name):.0f}"
        for name, taken in found.items() if taken["p95"] > _bar(name)
    ]  # fmt: skip


def _bar(name: str) -> float:
    return FIGURES_BAR_MS if name.endswith("its figures") else PAGE_BAR_MS


def told(found: dict[str, dict[str, float]], customers: int, vendors: int) -> str:
    """The section of the page of results."""
    rows = "\n".join(f"| {name} | {t['p50']} / {t['p95']} |" for name, t in found.items())
    missed = judge(found)
    return (
        f"`python -m bench.customer`: {customers:,} customers of {vendors} vendors, one of them"
        " with 10,000 orders, 3,000 bookings and 5,000 messages; milliseconds, p50 / p95 of the"
        f" whole request, bar {PAGE_BAR_MS:.0f}, of the figures {FIGURES_BAR_MS:.0f}.\n\n"
        f"| page | p50 / p95 |\n|---|--:|\n{rows}\n\n"
        f"Bars missed: {'; '.join(missed) if missed else 'none'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--var", type=Path, help="keep the data here, and use them again")
    parser.add_argument("--quick", action="store_true", help="5,000 customers, 1,000 orders")
    given = parser.parse_args()
    customers, vendors, orders = (5_000, 6, 1_000) if given.quick else (100_000, 20, 10_000)
    with harness.server(given.var) as postgres:
        harness.migrated(postgres)
        with psycopg.connect(fill.dsn(postgres.url("backroom", "postgres"))) as connection:
            known = connection.execute("SELECT 1 FROM customers LIMIT 1").fetchone()
        if known is None:
            written(postgres, customers, vendors, orders)
        found = measure(postgres, QUICK_TIMES if given.quick else TIMES)
    if not given.quick:
        harness.write_results("Customer and first pages", told(found, customers, vendors))
    harness.finish({"pages": found, "missed": judge(found)})


if __name__ == "__main__":
    main()
