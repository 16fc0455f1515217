"""The lists of orders and bookings, of filters that find much, little and nothing.

`python -m bench.sold_lists [--quick] [--data FOLDER]`. Asked by an admin over all vendors and by a
manager of one; each figure is a whole request answered in this process, without a network. A case
that is meant to find nothing and finds something, or the other way round, measures nothing.
"""

import argparse
import asyncio
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from app.embedded import Postgres, Redis
from bench import harness
from bench.lists import Ours, filled, getter, pick, timed
from bench.report_pages import READERS

BAR_MS = 300.0
TIMES, QUICK_TIMES = 20, 5
MONTH, YEARS = "2026-10-01&{0}_to=2026-10-31", "2024-11-01&{0}_to=2026-10-31"
SOLD, IN_YEARS = f"sold_from={MONTH.format('sold')}", f"sold_from={YEARS.format('sold')}"
BOOKED, LONG_AGO = f"day_from={MONTH.format('day')}", "2019-10-01&{0}_to=2019-10-31"
FOUND = {
    "orders": "order/list",
    "orders of a month": f"order/list?{SOLD}",
    "of a channel, a month": f"order/list?channel=phone&{SOLD}",
    "with goods, a month": f"order/list?kind=product&{SOLD}",
    "of a category": "order/list?category={product_category}",
    "of a category, two years": f"order/list?category={{product_category}}&{IN_YEARS}",
    "by a name": "order/list?search={frequent}",
    "by a name, a month": f"order/list?search={{frequent}}&{SOLD}",
    "bookings": "booking/list",
    "bookings of a month": f"booking/list?{BOOKED}",
    "bookings of a category": "booking/list?category={service_category}",
    "bookings by a name": "booking/list?search={frequent}",
}
NOTHING = {
    "with services": "order/list?kind=service",
    "with services, two years": f"order/list?kind=service&channel=online&{IN_YEARS}",
    "with tips": "order/list?kind=tip",
    "of a service": "order/list?item=service:{service}",
    "of a category of services": "order/list?category={service_category}",
    "of it, a month": f"order/list?category={{service_category}}&{SOLD}",
    "of it, by placing": "order/list?sort=placed&category={service_category}",
    "of a category, long ago": "order/list?category={product_category}"
    f"&sold_from={LONG_AGO.format('sold')}",
    "by a channel": "order/list?channel=partner",
    "by a channel, two years": f"order/list?channel=partner&{IN_YEARS}",
    "to be sent": "order/list?handing=delivery",
    "not paid": "order/list?payment=owed",
    "paid too much": f"order/list?payment=overpaid&{SOLD}",
    "cancelled, two years": f"order/list?status=cancelled&{IN_YEARS}",
    "with a coupon": f"order/list?coupons=used&{IN_YEARS}",
    "by nobody's name": f"order/list?search=zzzzq&{SOLD}",
    "bookings by a channel": f"booking/list?channel=partner&{BOOKED}",
    "bookings with somebody unknown": "booking/list?staff=999999999",
    "bookings by a name, long ago": "booking/list?search={frequent}"
    f"&day_from={LONG_AGO.format('day')}",
    "offers": "booking/list?held=yes",
}
ROW = re.compile(r"/admin/(order|booking)/details/\d+")


async def asked(panel: Ours, chosen: dict[str, Any], times: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each case, by who asks."""
    result = {}
    async with panel.app.router.lifespan_context(panel.app):
        for reader, email in READERS.items():
            client = await panel.sign_in(email)
            for finds, cases in ((True, FOUND), (False, NOTHING)):
                for name, address in cases.items():
                    path = f"/admin/{address.format(**chosen)}"
                    if bool(ROW.search((await client.get(path)).text)) is not finds:
                        raise RuntimeError(f"{reader}, {path}: it finds {'nothing' * finds}")
                    taken = await timed(getter(client, path), times)
                    result[f"{reader} {name}"] = harness.percentiles(taken)
            await client.aclose()
    return result


def measure(
    postgres: Postgres, customers: int, vendors: int, times: int
) -> dict[str, dict[str, float]]:
    """Fill the server and ask every case of everybody."""
    filled(postgres, customers, vendors)
    chosen = pick(postgres.url("backroom", "postgres"))
    harness.execute(postgres, "ANALYZE")
    with (
        tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder,
        Redis.start(Path(folder)) as redis,
    ):
        os.environ["VAR"] = folder
        panel = Ours(postgres.url("backroom", "backroom_app"), redis.url)
        return asyncio.run(asked(panel, chosen, times))


def judge(found: dict[str, dict[str, float]]) -> list[str]:
    """Every bar that is missed, in words."""
    return [
        f"{name}: p95 {taken['p95']} ms, at most {BAR_MS:.0f}"
        for name, taken in found.items() if taken["p95"] > BAR_MS
    ]  # fmt: skip


def told(found: dict[str, dict[str, float]], customers: int) -> str:
    """The section of the page of results."""
    missed, rows = judge(found), []
    for what, cases in (("", FOUND), ("nothing: ", NOTHING)):
        for name in cases:
            own = (found[f"{reader} {name}"] for reader in ("admin", "vendor"))
            rows.append(f"| {what}{name} | " + " | ".join(f"{t['p50']} / {t['p95']}" for t in own))
    return (
        f"`python -m bench.sold_lists`: {customers:,} customers; milliseconds, p50 / p95 of the"
        f" whole request, bar {BAR_MS:.0f}.\n\n| list | as admin | as vendor |\n|---|--:|--:|\n"
        + "\n".join(f"{row} |" for row in rows)
        + f"\n\nBars missed: {'; '.join(missed) if missed else 'none'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 customers")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, help="keep the data here, and use them again")
    given = parser.parse_args()
    customers = 20_000 if given.quick else given.customers
    with harness.server(given.data) as postgres:
        vendors, times = max(6, customers // 5000), QUICK_TIMES if given.quick else TIMES
        found = measure(postgres, customers, vendors, times)
    if not given.quick:
        harness.write_results("Lists of orders and bookings", told(found, customers))
    harness.finish({"lists": found, "missed": judge(found)})


if __name__ == "__main__":
    main()
