"""Figures that take longer than a page may: asked for once, worked out, kept, and found again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from admin_views import reports as screens
from app import clock
from app.database import begin
from app.operations import report_runs
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from models.figures import SaleFigures
from models.outbox import OutboxMessage
from models.report_runs import ReportRun
from reports import asking, kept, registry
from tasks import reports as tasks
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager
from tests.admin_views.reading import text_of
from tests.reports.figured import roll_up

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG = "from=2026-11-01&to=2026-11-20&by=week"


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Revenue of own dates takes long."""
    usual = dict(registry.all_reports())
    slow = replace(usual["revenue"], long=lambda period, filters: period.slug is None)
    known = {**usual, "revenue": slow}
    monkeypatch.setattr(tasks, "all_reports", lambda: known)
    monkeypatch.setattr(screens, "for_role", lambda role: known)
    with clock.stopped_at(NOON):
        yield


@pytest.fixture
def vendor(db: Connection, long: None) -> int:
    vendor = make.new_vendor(time_zone="UTC")
    for day, kind, net in ((16, "service", "100.10"), (17, "product", "50.05")):
        with acting(admin_actor()), begin() as session:
            make.figures(
                session, SaleFigures, vendor_id=vendor, starts_on=date(2026, 11, day), kind=kind,
                net=Decimal(net), gross=Decimal(net), lines=1,
            )  # fmt: skip
    roll_up(SaleFigures)
    return vendor


@pytest.fixture
def panel(db: Connection) -> Iterator[PanelClient]:
    with PanelClient() as client:
        yield client


def runs() -> list[ReportRun]:
    with acting(SYSTEM), begin() as session:
        return list(session.scalars(select(ReportRun).order_by(ReportRun.id)))


def work(run: ReportRun) -> None:
    tasks.work_out.apply(
        kwargs={"run_id": run.id, "vendor_id": run.vendor_id, "user_id": run.user_id}
    )


def ask(panel: PanelClient, query: str = LONG) -> None:
    data = dict(pair.split("=") for pair in query.split("&"))
    answer = panel.post("/admin/reports/revenue/run", data=data)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/admin/reports/revenue?{query}"


def shown(panel: PanelClient, query: str = LONG) -> str:
    answer = panel.get(f"/admin/reports/revenue?{query}")
    assert answer.status_code == 200
    return text_of(answer.text)


def test_it_is_asked_for_worked_out_and_kept(panel: PanelClient, vendor: int) -> None:
    panel.as_(manager(vendor))
    assert "These figures take a moment" in shown(panel)
    assert panel.get(f"/admin/reports/revenue/figures.csv?{LONG}").status_code == 400
    ask(panel)
    ask(panel)
    (run,) = runs()
    assert "0 of 1 steps" in shown(panel)
    polled = panel.get(f"/admin/reports/runs/{run.id}").json()
    assert polled == {"done": 0, "total": 1, "finished": False}
    work(run)
    (run,) = runs()
    assert (run.status, run.done) == ("done", run.steps)
    text = shown(panel)
    assert "Worked out 20 Nov, 12:00 Work out again" in text
    assert "Revenue, EUR 150.15" in text
    assert "Revenue, EUR 150.15" in shown(panel, f"by=week&{LONG[:-8]}&table=kind&sort=kind")
    answer = panel.get(f"/admin/reports/revenue/figures.csv?{LONG}&table=kind")
    assert answer.text.splitlines()[1].startswith("Services,100.10")
    assert "2026-11-16,100.10" in panel.get(f"/admin/reports/revenue/figures.csv?{LONG}").text
    ask(panel)
    assert len(runs()) == 2
    with clock.stopped_at(NOON + timedelta(hours=25)):
        assert "These figures take a moment" in shown(panel)


def test_a_run_answers_as_the_database_would(vendor: int) -> None:
    actor = vendor_actor(vendor)
    report = tasks.all_reports()["revenue"]
    words = {name: [value] for name, value in (pair.split("=") for pair in LONG.split("&"))}
    with acting(actor), begin() as session:
        asked = asking.ask(session, report, words, today=NOON.date(), vendor_id=vendor)
        live = kept.Live(session, asked)
        stored = kept.Kept({name: step(live) for name, step in kept.steps(asked)})
        for table in report.tables:
            now, then = live.lines(table, "-revenue", 5), stored.lines(table, "-revenue", 5)
            assert [tuple(row) for row in now.rows] == [tuple(row) for row in then.rows]
            assert (now.many, dict(now.totals)) == (then.many, dict(then.totals))
        assert live.found().sums == stored.found().sums
        assert live.found().sums_before == stored.found().sums_before


def test_vendors_and_the_marketplace_have_runs_of_their_own(
    panel: PanelClient, vendor: int
) -> None:
    other = make.new_vendor(time_zone="UTC")
    for actor in (manager(vendor), manager(other), admin(), analyst()):
        ask(panel.as_(actor))
    owners = [run.vendor_id for run in runs()]
    assert owners == [vendor, other, None]
    for run in runs():
        work(run)
    assert "Revenue, EUR 150.15" in shown(panel.as_(analyst()))
    assert "No figures here yet" in shown(panel.as_(manager(other)))
    first = runs()[0]
    assert panel.get(f"/admin/reports/runs/{first.id}").status_code == 404
    assert panel.as_(admin()).get(f"/admin/reports/runs/{first.id}").status_code == 404
    with acting(SYSTEM), begin() as session:
        sent = session.scalar(
            select(func.count()).select_from(OutboxMessage)
            .where(OutboxMessage.task == "tasks.reports.work_out")
        )  # fmt: skip
    assert sent == 3


def test_what_fails_is_said_and_can_be_asked_again(
    panel: PanelClient, vendor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.as_(manager(vendor))
    ask(panel)
    with monkeypatch.context() as patch:
        patch.setattr(kept.Live, "found", lambda self: 1 / 0)
        work(runs()[0])
    assert runs()[0].status == "failed"
    assert "These figures could not be worked out" in shown(panel)
    ask(panel)
    work(runs()[0])  # a second delivery of what is over
    work(runs()[1])
    assert [run.status for run in runs()] == ["failed", "done"]
    work(runs()[1])
    assert "Revenue, EUR 150.15" in shown(panel)


def test_wrong_days_and_offered_periods_start_nothing(panel: PanelClient, vendor: int) -> None:
    panel.as_(manager(vendor))
    ask(panel, "from=2026-11-20&to=2026-11-01")
    assert "ends before it begins" in shown(panel, "period=12w")
    ask(panel, "period=12w")
    assert runs() == []


def test_old_runs_are_cleared(vendor: int) -> None:
    with acting(SYSTEM), begin() as session:
        make.report_run(session, created_at=NOON - timedelta(days=15))
        make.report_run(session, created_at=NOON - timedelta(days=13))
    with acting(SYSTEM), begin() as session:
        assert report_runs.clear(session) == 1
    assert len(runs()) == 1


def test_a_run_that_never_came_to_an_end_is_given_up_after_a_day(
    panel: PanelClient, vendor: int
) -> None:
    """Its task may lie with a broker that is gone; the question can be asked again."""
    panel.as_(manager(vendor))
    ask(panel)
    with clock.stopped_at(NOON + timedelta(hours=25)):
        ask(panel)
    assert [run.status for run in runs()] == ["failed", "queued"]
    work(runs()[0])
    work(runs()[1])
    assert [run.status for run in runs()] == ["failed", "done"]


def test_a_question_may_be_as_long_as_an_address(panel: PanelClient, vendor: int) -> None:
    luck = Random(7)
    long: dict[str, Any] = dict(pair.split("=") for pair in LONG.split("&"))
    for name in ("vendor", "category"):
        long[name] = [str(luck.randrange(10**17, 10**18)) for _ in range(100)]
    assert panel.as_(admin()).post("/admin/reports/revenue/run", data=long).status_code == 303
    (run,) = runs()
    work(run)
    assert runs()[0].status == "done"


def test_the_way_back_from_a_question_is_no_longer_than_an_address_may_be(
    panel: PanelClient, vendor: int
) -> None:
    panel.as_(manager(vendor))
    given = {"from": "x" * 100_000, "channel": ["y" * 50_000] * 20}
    answer = panel.post("/admin/reports/revenue/run", data=given, follow_redirects=False)
    assert answer.status_code == 303
    assert len(answer.headers["location"]) < 1000
    assert runs() == []


def test_the_same_question_has_one_spelling(vendor: int) -> None:
    report = tasks.all_reports()["revenue"]
    spelled: set[str] = set()
    for words in (
        {"from": ["2026-11-01"], "to": ["2026-11-20"], "channel": ["online", "phone"]},
        {"to": [" 2026-11-20"], "channel": ["phone", "x", "online"], "from": ["2026-11-01"]},
    ):
        with acting(vendor_actor(vendor)), begin() as session:
            given: dict[str, Any] = {"today": NOON.date(), "vendor_id": vendor}
            spelled.add(kept.question_of(asking.ask(session, report, words, **given)))
    assert len(spelled) == 1
