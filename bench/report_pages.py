"""Every report page over a filled marketplace: milliseconds of the whole request.

Asked by a manager of the vendor that has most customers and by an admin over all vendors, for a
month and for two years; answered in this process, without a network. Nothing is kept between two
requests but what the product itself keeps. What it works out behind the page, for days of one's own
over all vendors, is worked out first, and timed.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path

import psycopg

from app.embedded import Postgres, Redis
from app.tenancy import SYSTEM, acting
from bench import fill, harness, report_figures
from bench.lists import Ours, add_users, getter, timed

BAR_MS, BEHIND_BAR_SECONDS = 300.0, 10.0
TIMES, QUICK_TIMES = 12, 5
EMPTY = "No figures here yet"
PERIODS = {"month": "from=2026-10-01&to=2026-10-31", "two years": "period=24m"}
"""The month is the last whole one of the data, which end with it."""
MONTH = {"from": ["2026-10-01"], "to": ["2026-10-31"]}
READERS = {"vendor": "manager@v.example", "admin": "admin@backroom.example"}


async def _asked(panel: Ours, times: int) -> dict[str, dict[str, float]]:
    result = {}
    async with panel.app.router.lifespan_context(panel.app):
        for reader, email in READERS.items():
            client = await panel.sign_in(email)
            for slug in _slugs(reader):
                for period, words in PERIODS.items():
                    address = f"/admin/reports/{slug}?{words}"
                    if EMPTY in (await client.get(address)).text:
                        raise RuntimeError(f"{address} has nothing to show: it measures nothing")
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


def behind_the_pages(url: str) -> dict[str, float]:
    """Seconds of each report's month of one's own over all vendors that no page waits for."""
    os.environ |= {"DATABASE_URL": url, "DEMO": "1"}
    from app import clock
    from app.database import begin, connect
    from app.operations import report_runs
    from reports import asking, kept
    from reports.registry import all_reports
    from tasks.reports import work_out

    engine, taken = connect(url, pool_size=2), {}
    with acting(SYSTEM):
        today = clock.now().date()
        for slug, report in all_reports().items():
            with begin() as session:
                asked = asking.ask(session, report, MONTH, today=today, vendor_id=None)
                if report.long is None or not report.long(asked.period, asked.filters):
                    continue
                run = report_runs.ask(
                    session, vendor_id=None, slug=slug, question=kept.question_of(asked),
                    words=asking.words_of(asked), asked_on=today,
                )  # fmt: skip
                number = run.id
            started = time.perf_counter()
            work_out(number)
            taken[slug] = round(time.perf_counter() - started, 2)
    engine.dispose()
    return taken


def pages(
    postgres: Postgres, *, quick: bool
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Median and 95th percentile of each page, in milliseconds; seconds of what is behind them."""
    root = postgres.url("backroom", "postgres")
    with psycopg.connect(fill.dsn(root), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM users WHERE role = 'admin'").fetchone()
        if not row or not row[0]:
            add_users(root)
            nights(postgres.url("backroom", "backroom_app"))
        report_figures.fill(connection)
        connection.execute(
            "UPDATE vendor_users SET vendor_id ="
            " (SELECT vendor_id FROM customers GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)"
        )
        connection.execute("ANALYZE")
    behind = behind_the_pages(postgres.url("backroom", "backroom_app"))
    with (
        tempfile.TemporaryDirectory(prefix="backroom-bench-") as folder,
        Redis.start(Path(folder)) as redis,
    ):
        os.environ["VAR"] = folder
        panel = Ours(postgres.url("backroom", "backroom_app"), redis.url)
        return asyncio.run(_asked(panel, QUICK_TIMES if quick else TIMES)), behind


def judge(result: dict[str, dict[str, float]], behind: dict[str, float]) -> list[str]:
    """Everything that takes longer than it may, in words."""
    missed = [
        f"{page}: {taken['p95']} ms, at most {BAR_MS:.0f}"
        for page, taken in result.items() if taken["p95"] > BAR_MS and not _of_own_days(page)
    ]  # fmt: skip
    return missed + [
        f"{slug} behind the page: {seconds} s, at most {BEHIND_BAR_SECONDS:.0f}"
        for slug, seconds in behind.items() if seconds > BEHIND_BAR_SECONDS
    ]  # fmt: skip


def _of_own_days(page: str) -> bool:
    """Distinct customers of days of one's own, which the month is, have the bar of those behind."""
    from reports.registry import all_reports

    slug = page.split(" ", 1)[1].rsplit(", ", 1)[0]
    return page.endswith(", month") and all_reports()[slug].long is not None


def told(customers: int, result: dict[str, dict[str, float]], behind: dict[str, float]) -> str:
    """The section of the page of results."""
    missed = judge(result, behind)
    worked_out = ", ".join(f"{slug} {seconds} s" for slug, seconds in behind.items())
    return (
        f"`python -m bench.reports --customers {customers}`; milliseconds, p50 / p95 of the whole"
        f" request, bar {BAR_MS:.0f}.\n\n{table(result)}\n\n"
        "A month of one's own over all vendors, worked out behind the page (its page above is the"
        f" one of what was kept): {worked_out}, bar {BEHIND_BAR_SECONDS:.0f} s; that of a vendor is"
        " counted on the page.\n\n"
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
