"""Every report page over a filled marketplace: milliseconds of the whole request.

Asked by a manager of the vendor that has most customers and by an admin over all vendors, for a
month and for two years; answered in this process, without a network. Nothing is kept between two
requests but what the product itself keeps.
"""

import asyncio
import os
import tempfile
from pathlib import Path

import psycopg

from app.embedded import Postgres, Redis
from app.tenancy import SYSTEM, acting
from bench import fill, harness
from bench.lists import Ours, add_users, getter, timed

BAR_MS = 300.0
TIMES, QUICK_TIMES = 12, 5
PERIODS = {"month": "from=2026-10-01&to=2026-10-31", "two years": "period=24m"}
"""The month is the last whole one of the data, which end with it."""
READERS = {"vendor": "manager@v.example", "admin": "admin@backroom.example"}


async def _asked(panel: Ours, times: int) -> dict[str, dict[str, float]]:
    result = {}
    async with panel.app.router.lifespan_context(panel.app):
        for reader, email in READERS.items():
            client = await panel.sign_in(email)
            for slug in _slugs(reader):
                for period, words in PERIODS.items():
                    address = f"/admin/reports/{slug}?{words}"
                    taken = await timed(getter(client, address), times)
                    result[f"{reader} {slug}, {period}"] = harness.percentiles(taken)
            await client.aclose()
    return result


def _slugs(reader: str) -> list[str]:
    from app.tenancy import PanelRole
    from reports.registry import for_role

    return list(for_role(PanelRole.ADMIN if reader == "admin" else PanelRole.MANAGER))


def nights(url: str) -> None:
    """What pages read besides figures: scores, cohorts, audiences, worked out as every night."""
    os.environ |= {"DATABASE_URL": url, "DEMO": "1"}
    from app.database import connect
    from tasks import audiences, scores

    engine = connect(url, pool_size=5)
    with acting(SYSTEM):
        scores.night()
        audiences.rebuild()
    engine.dispose()


def pages(postgres: Postgres, *, quick: bool) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of each page, in milliseconds."""
    root = postgres.url("backroom", "postgres")
    with psycopg.connect(fill.dsn(root), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM users WHERE role = 'admin'").fetchone()
        if not row or not row[0]:
            add_users(root)
            nights(postgres.url("backroom", "backroom_app"))
        connection.execute(
            "UPDATE vendor_users SET vendor_id ="
            " (SELECT vendor_id FROM customers GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)"
        )
        connection.execute("ANALYZE")
    with (
        tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder,
        Redis.start(Path(folder)) as redis,
    ):
        os.environ["VAR"] = folder
        panel = Ours(postgres.url("backroom", "backroom_app"), redis.url)
        return asyncio.run(_asked(panel, QUICK_TIMES if quick else TIMES))


def judge(result: dict[str, dict[str, float]]) -> list[str]:
    """Every page that takes longer than it may, in words."""
    return [
        f"{page}: {taken['p95']} ms, at most {BAR_MS:.0f}"
        for page, taken in result.items() if taken["p95"] > BAR_MS
    ]  # fmt: skip


def told(customers: int, result: dict[str, dict[str, float]]) -> str:
    """The section of the page of results."""
    missed = judge(result)
    return (
        f"`python -m bench.reports --customers {customers}`; milliseconds, p50 / p95 of the whole"
        f" request, bar {BAR_MS:.0f}.\n\n{table(result)}\n\n"
        f"Bars missed: {'; '.join(missed) if missed else 'none'}"
    )


def table(result: dict[str, dict[str, float]]) -> str:
    """The figures for people, one line a page."""
    names = {page.split(" ", 1)[1].rsplit(", ", 1)[0]: None for page in result}
    heads = [f"{reader}, {period}" for reader in READERS for period in PERIODS]
    lines = [f"| report | {' | '.join(heads)} |", "|---|" + "--:|" * len(heads)]
    for name in names:
        cells = []
        for reader in READERS:
            for period in PERIODS:
                taken = result.get(f"{reader} {name}, {period}")
                cells.append(f"{taken['p50']:.0f} / {taken['p95']:.0f}" if taken else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
