"""Milliseconds of what the till asks for: the price of a basket, and the whole sale.

`python -m bench.counter [--quick]`. Five goods of a vendor with taxes, rung up by its manager:
`quote` is what is asked with every key that changes the basket, `sell` places, pays in cash, hands
over, completes and prints the receipt. Each is a whole request answered in this process (no
network), as `bench.lists` asks for lists.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from app.embedded import Redis
from app.operations import passwords
from bench import fill, harness, lists, orders

TIMES, QUICK_TIMES, LINES = 100, 20, 5
MANAGER = "manager@busy.example"
BAR_MS = 30.0
"""A quote is felt as immediate: two frames of a screen."""


def furnish(url: str) -> None:
    """The shop of `bench.orders` gets its manager."""
    with psycopg.connect(fill.dsn(url)) as connection:
        connection.execute(
            "WITH new AS (INSERT INTO users (email, name, password_hash) VALUES (%s, 'M', %s)"
            " RETURNING id) INSERT INTO vendor_users (vendor_id, user_id, role)"
            " SELECT %s, id, 'manager' FROM new",
            (MANAGER, passwords.rehashed("backroom-demo"), orders.VENDOR),
        )


def sale(paid: str | None = None) -> dict[str, Any]:
    """A basket of five goods, as the till sends it."""
    lines = [{"kind": "product", "item": orders.COLD + n, "quantity": 1} for n in range(LINES)]
    tenders = [] if paid is None else [{"tender": "cash", "amount": paid}]
    return {"key": str(uuid4()), "lines": lines, "paid": tenders}


def asking(client: Any, path: str, paid: str | None = None) -> Callable[[], Awaitable[Any]]:
    async def ask() -> Any:
        answer = await client.post(f"/admin/counter/{path}", json=sale(paid))
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")
        return answer.json()

    return ask


async def measured(panel: lists.Ours, times: int) -> dict[str, Any]:
    async with panel.app.router.lifespan_context(panel.app):
        till = await panel.sign_in(MANAGER)
        quoted = await lists.timed(asking(till, "quote"), times)
        sold = await lists.timed(asking(till, "sell", "1000.00"), times)
    return {"quote": harness.percentiles(quoted), "sell": harness.percentiles(sold)}


def measure(times: int) -> dict[str, Any]:
    with (
        harness.server() as postgres,
        tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder,
        Redis.start(Path(folder)) as redis,
    ):
        orders.furnish(postgres)
        furnish(postgres.url(orders.TEMPLATE, "postgres"))
        panel = lists.Ours(postgres.url(orders.TEMPLATE, "backroom_app"), redis.url)
        return asyncio.run(measured(panel, times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the requests")
    times = QUICK_TIMES if parser.parse_args().quick else TIMES
    result: dict[str, Any] = {"times": times, "bar_ms": BAR_MS, **measure(times)}
    quote, sell = result["quote"], result["sell"]
    result["missed"] = [] if quote["p50"] <= BAR_MS else [f"quote p50 {quote['p50']} ms"]
    if times == TIMES:
        harness.write_results(
            "The counter",
            f"`python -m bench.counter`; a basket of {LINES} goods, milliseconds, p50 / p95 of the"
            f" whole request: quote {quote['p50']} / {quote['p95']} (bar {BAR_MS:.0f}), sale with"
            f" payment and receipt {sell['p50']} / {sell['p95']}.",
        )
    harness.finish(result)


if __name__ == "__main__":
    main()
