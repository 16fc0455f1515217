"""The customers list at 10,000 and 1,000,000 customers, beside the peers and the SQL by hand.

`python -m bench.lists [--quick]`. Each figure is a whole request answered in this process (no
network): milliseconds, median and 95th percentile. The SQL by hand is the least that the case
needs: the ids, names and numbers of 25 rows, without a count, without a page.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from app.embedded import Postgres
from bench import fill, harness
from bench.harness import percentiles

TIMES = 40
QUICK_TIMES = 12
BAR_MS, SPECIAL_BAR_MS, PAGE_BAR_MS, GROWTH = 25.0, 60.0, 60.0, 1.5
SPECIAL = ("search_name_frequent", "three_frequent", "three_rare", "three_empty")
FASTER, FASTER_SEARCH, FASTER_FREQUENT = 5.0, 20.0, 5.0


def pick(url: str) -> dict[str, Any]:
    """What the cases ask for, read from the data: the same at every run of the same size."""
    with psycopg.connect(fill.dsn(url)) as connection:

        def one(query: str, *given: Any) -> Any:
            row = connection.execute(query, given).fetchone()  # type: ignore[arg-type]
            return row[0] if row else None

        def ranked(query: str) -> list[Any]:
            return [row[0] for row in connection.execute(query).fetchall()]  # type: ignore[arg-type]

        vendor = 2
        service = ranked(
            "SELECT category_id FROM customer_interests WHERE kind <> 'product'"
            " AND category_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC"
        )
        product = ranked(
            "SELECT category_id FROM customer_interests WHERE kind = 'product'"
            " AND category_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC"
        )
        customer = one("SELECT max(id) / 2 FROM customers")
        busiest = one("SELECT id FROM customers ORDER BY visit_count + order_count DESC LIMIT 1")
        rare = one("SELECT split_part(full_name, ' ', 2) FROM customers GROUP BY 1"
                   " ORDER BY count(*), 1 LIMIT 1")  # fmt: skip
        return {
            "vendor": vendor,
            "service_category": service[0],
            "service_category_rare": service[-1],
            "product_category": product[0],
            "product_category_rare": product[-1],
            "service": one("SELECT item_id FROM customer_interests WHERE vendor_id = %s"
                           " AND kind = 'appointment' LIMIT 1", vendor),
            "product": one("SELECT item_id FROM customer_interests WHERE vendor_id = %s"
                           " AND kind = 'product' LIMIT 1", vendor),
            "package": one("SELECT package_id FROM package_holdings WHERE vendor_id = %s LIMIT 1",
                           vendor),
            "frequent": one("SELECT split_part(full_name, ' ', 1) FROM customers GROUP BY 1"
                            " ORDER BY count(*) DESC LIMIT 1"),
            "rare": rare,
            "phone": one("SELECT phone FROM customers WHERE phone IS NOT NULL AND id >= %s"
                         " ORDER BY id LIMIT 1", customer),
            "email": one("SELECT email FROM customers WHERE email IS NOT NULL AND id >= %s"
                         " ORDER BY id LIMIT 1", customer),
            "busiest": busiest,
            "busiest_vendor": one("SELECT vendor_id FROM customers WHERE id = %s", busiest),
        }  # fmt: skip


OURS = {
    "plain": "",
    "vendor": "vendor={vendor}",
    "status": "status=inactive",
    "service_type": "service_type=class",
    "service_category": "service_category={service_category}",
    "service": "service={service}",
    "product_category": "product_category={product_category}",
    "product": "product={product}",
    "package_holds": "package={package}&holding=holds",
    "tag": "tag=tag+3",
    "channel": "channel=partner",
    "city": "city=Porto",
    "last_activity": "activity_from=2024-01-01&activity_to=2024-03-31",
    "three_frequent": "status=active&service_category={service_category}"
    "&product_category={product_category}",
    "three_rare": "status=inactive&service_category={service_category_rare}&channel=partner",
    "three_empty": "status=pending_follow_up&service={service}&city=nowhere",
    "search_name_frequent": "search={frequent}",
    "search_name_rare": "search={rare}",
    "search_phone": "search={phone}",
    "search_email": "search={email}",
}
"""The cases; a vendor's own list is asked the same, without the filter by vendor."""

LEAST = "SELECT id, full_name, status, visit_count, total_spent, last_activity_at FROM customers c"
NEWEST = "ORDER BY last_activity_at DESC, id DESC LIMIT 25"
BY_HAND = {
    "plain": "archived_at IS NULL",
    "vendor": "archived_at IS NULL AND vendor_id = {vendor}",
    "status": "archived_at IS NULL AND status = 'inactive'",
    "service_category": "archived_at IS NULL AND EXISTS (SELECT 1 FROM customer_interests i"
    " WHERE i.customer_id = c.id AND i.vendor_id = c.vendor_id"
    " AND i.category_id = {service_category})",
    "product_category": "archived_at IS NULL AND EXISTS (SELECT 1 FROM customer_interests i"
    " WHERE i.customer_id = c.id AND i.vendor_id = c.vendor_id"
    " AND i.category_id = {product_category})",
    "channel": "archived_at IS NULL AND channel = 'partner'",
    "search_phone": "phone = '{phone}'",
    "search_email": "email = '{email}'",
}


class Ours:
    """The panel in this process, with one signed-in browser for each role."""

    def __init__(self, url: str, redis_url: str) -> None:
        os.environ |= {
            "DATABASE_URL": url, "REDIS_URL": redis_url, "DEMO": "1",
            "SECRET_KEY": "only-for-measuring-only-for-measuring",
        }  # fmt: skip
        from app.settings import settings
        from app.web import create_app

        settings.cache_clear()
        self.app = create_app()

    def client(self) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=self.app)
        return httpx2.AsyncClient(
            transport=transport,
            base_url="http://127.0.0.1:8000",
            headers={"Origin": "http://127.0.0.1:8000"},
        )

    async def sign_in(self, email: str) -> httpx2.AsyncClient:
        client = self.client()
        answer = await client.post(
            "/admin/login", data={"username": email, "password": "backroom-demo"}
        )
        if answer.status_code not in (302, 303):
            raise RuntimeError(f"{email} could not sign in: {answer.status_code}")
        return client


def add_users(url: str) -> None:
    """An admin and a manager of vendor 2 who may sign in."""
    from app.operations import passwords

    with psycopg.connect(fill.dsn(url), autocommit=True) as connection:
        for email, role in (("admin@backroom.example", "admin"), ("manager@v.example", None)):
            connection.execute(
                "INSERT INTO users (email, name, role, password_hash) VALUES (%s, 'B', %s, %s)",
                (email, role, passwords.rehashed("backroom-demo")),
            )
        connection.execute(
            "INSERT INTO vendor_users (vendor_id, user_id, role)"
            " SELECT 2, id, 'manager' FROM users WHERE email = 'manager@v.example'"
        )


async def timed(ask: Callable[[], Awaitable[Any]], times: int) -> list[float]:
    loop = asyncio.get_running_loop()
    for _ in range(3):
        await ask()
    taken = []
    for _ in range(times):
        start = loop.time()
        await ask()
        taken.append((loop.time() - start) * 1000)
    return taken


def getter(client: httpx2.AsyncClient, address: str) -> Callable[[], Awaitable[Any]]:
    async def ask() -> None:
        answer = await client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")

    return ask


async def deep(client: httpx2.AsyncClient, pages: int) -> str:
    """The address of page `pages`, reached as a person would: by Next."""
    address = "/admin/customer/list"
    for _ in range(pages - 1):
        page = (await client.get(address)).text
        found = re.search(r'href="([^"]*[?&]after=[^"]*)"', page.replace("&amp;", "&"))
        if found is None:
            break
        address = "/admin/customer/list" + found[1] if found[1][0] == "?" else found[1]
    return address


async def started(panel: Ours, chosen: dict[str, Any], times: int, pages: int) -> dict[str, Any]:
    """Our figures, with the application started as a server starts it."""
    async with panel.app.router.lifespan_context(panel.app):
        return await ours(panel, chosen, times, pages)


async def ours(panel: Ours, chosen: dict[str, Any], times: int, pages: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for role, email in (("admin", "admin@backroom.example"), ("vendor", "manager@v.example")):
        client = await panel.sign_in(email)
        for case, query in OURS.items():
            if role == "vendor" and case == "vendor":
                continue
            address = "/admin/customer/list?" + query.format(**chosen).replace("+49", "%2B49")
            result[f"{role} {case}"] = percentiles(await timed(getter(client, address), times))
        address = await deep(client, pages)
        result[f"{role} page_400"] = percentiles(await timed(getter(client, address), times))
        if role == "admin":
            page = f"/admin/customer/details/{chosen['busiest']}"
            result["admin customer_page"] = percentiles(await timed(getter(client, page), times))
        await client.aclose()
    return result


async def stock(url: str, chosen: dict[str, Any], times: int) -> dict[str, Any]:
    from bench.peers import stock_sqladmin

    client = stock_sqladmin.client(url)
    result = {}
    for case, address in stock_sqladmin.ADDRESSES.items():
        asked = address.format(**chosen).replace("+49", "%2B49")
        result[case] = percentiles(await timed(getter(client, asked), times))
    return result


def django(url: str, chosen: dict[str, Any], times: int) -> dict[str, Any]:
    from bench.peers import django_admin

    parts = psycopg.conninfo.conninfo_to_dict(fill.dsn(url))
    django_admin.configure(
        {"NAME": str(parts["dbname"]), "USER": str(parts["user"]), "HOST": str(parts["host"])}
    )
    client = django_admin.client()
    result = {}
    for case, address in django_admin.ADDRESSES.items():
        asked = address.format(**chosen).replace("+49", "%2B49")

        def ask(asked: str = asked) -> None:
            answer = client.get(asked)
            if answer.status_code != 200:
                raise RuntimeError(f"{asked}: {answer.status_code}")

        result[case] = percentiles(harness.timed(ask, times, warm=1))
    return result


def by_hand(url: str, chosen: dict[str, Any], times: int) -> dict[str, Any]:
    result = {}
    with psycopg.connect(fill.dsn(url), autocommit=True) as connection:
        connection.execute("SET ROLE app_admin")
        for case, where in BY_HAND.items():
            query = f"{LEAST} WHERE {where.format(**chosen)} {NEWEST}"
            run = lambda query=query: connection.execute(query).fetchall()  # noqa: E731
            result[case] = percentiles(harness.timed(run, times))
    return result


def filled(postgres: Postgres, customers: int, vendors: int) -> dict[str, Any]:
    """What filling took, now or when the kept data were filled."""
    note = postgres.directory / "filled.json"
    if note.exists():
        kept: dict[str, Any] = json.loads(note.read_text())
        if kept["customers"] != customers:
            raise SystemExit(f"{postgres.directory} holds {kept['customers']:,} customers")
        return kept
    harness.migrated(postgres)
    root = postgres.url("backroom", "postgres")
    taken = fill.fill(root, customers, vendors)
    add_users(root)
    note.write_text(json.dumps(taken))
    return taken


def measure(
    customers: int, vendors: int, data: Path | None = None, *, quick: bool
) -> dict[str, Any]:
    """Fill a server with `customers` and ask every case of everybody."""
    from app.embedded import Redis

    times = QUICK_TIMES if quick else TIMES
    with (
        harness.server(data) as postgres,
        tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder,
        Redis.start(Path(folder)) as redis,
    ):
        taken = filled(postgres, customers, vendors)
        root = postgres.url("backroom", "postgres")
        pages = 40 if quick else 400
        chosen = pick(root) | {"page": pages}
        url = postgres.url("backroom", "backroom_app")
        panel = Ours(url, redis.url)
        steps: dict[str, Callable[[], Any]] = {
            "filled": lambda: taken,
            "chosen": lambda: chosen,
            "backroom": lambda: asyncio.run(started(panel, chosen, times, pages)),
            "by_hand": lambda: by_hand(url, chosen, times),
            "sqladmin": lambda: asyncio.run(stock(url, chosen, times // 4)),
            "django": lambda: django(url, chosen, times // 4),
        }
        return {name: told(name, step()) for name, step in steps.items()}


def told(name: str, result: Any) -> Any:
    """Show a part as soon as it stands: the whole takes a quarter of an hour."""
    print(name, json.dumps(result, default=str), file=sys.stderr, flush=True)
    return result


def judge(small: dict[str, Any], large: dict[str, Any]) -> list[str]:
    """Every bar that is missed, in words."""
    missed = []
    for case, figure in large["backroom"].items():
        name = case.split(" ")[1]
        bar = PAGE_BAR_MS if name == "customer_page" else BAR_MS
        bar = SPECIAL_BAR_MS if name in SPECIAL else bar
        if figure["p95"] > bar:
            missed.append(f"{case}: p95 {figure['p95']} ms, at most {bar}")
        before = small["backroom"][case]["p95"]
        if name not in SPECIAL and name != "customer_page" and figure["p95"] > GROWTH * before:
            missed.append(f"{case}: {figure['p95'] / before:.1f} times the time at 10,000")
    for peer in ("sqladmin", "django"):
        for name, figure in large[peer].items():
            factor = FASTER_SEARCH if name.startswith("search") else FASTER
            factor = FASTER_FREQUENT if name == "search_name_frequent" else factor
            ratio = figure["p50"] / large["backroom"][f"admin {name}"]["p50"]
            if ratio < factor:
                missed.append(f"{name}: {ratio:.1f} times faster than {peer}, {factor} asked")
    return missed


def table(result: dict[str, Any]) -> str:
    """The figures of one size as a table: p50 / p95 in ms."""
    lines = ["| case | as admin | as vendor | stock SQLAdmin | Django admin | SQL by hand |",
             "|---|--:|--:|--:|--:|--:|"]  # fmt: skip

    def cell(figures: dict[str, Any], name: str) -> str:
        figure = figures.get(name)
        return f"{figure['p50']} / {figure['p95']}" if figure else "–"

    for case in (*OURS, "page_400", "customer_page"):
        own = [cell(result["backroom"], f"{role} {case}") for role in ("admin", "vendor")]
        others = [cell(result[peer], case) for peer in ("sqladmin", "django", "by_hand")]
        lines.append(f"| {case} | {' | '.join(own + others)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 and 20,000 customers")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, help="keep the large data here, and use them again")
    given = parser.parse_args()
    sizes = (2_000, 20_000) if given.quick else (10_000, given.customers)
    results: dict[int, dict[str, Any]] = {}
    for size in sizes:
        # the size of a vendor grows with the marketplace only as the number of vendors allows
        data = given.data if size == sizes[1] else None
        results[size] = run_apart(size, max(6, size // 5000), data, quick=given.quick)
    small, large = results[sizes[0]], results[sizes[1]]
    missed = judge(small, large)
    if not given.quick:
        body = "`python -m bench.lists`; milliseconds, p50 / p95 of the whole request.\n"
        for size in sizes:
            body += f"\n### {size:,} customers\n\n{table(results[size])}\n"
        body += f"\nAsked for: `{json.dumps(large['chosen'])}`\n\n"
        body += "Bars missed: " + ("; ".join(missed) if missed else "none") + "\n"
        harness.write_results("Lists", body)
    harness.finish({"results": {str(k): v for k, v in results.items()}, "missed": missed})


def run_apart(customers: int, vendors: int, data: Path | None, *, quick: bool) -> dict[str, Any]:
    """Measure in a process of its own: Django and the settings are set up once a process."""
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (customers, vendors, data, quick))


def _measure(customers: int, vendors: int, data: Path | None, quick: bool) -> dict[str, Any]:
    # a daemon may have no children, and filling uses two
    import multiprocessing

    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    return measure(customers, vendors, data, quick=quick)


if __name__ == "__main__":
    main()
