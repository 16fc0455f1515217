"""Figures that take longer than a page may, worked out step by step and kept."""

import logging

from app.database import begin
from app.operations import report_runs
from app.tenancy import current_actor
from models.report_runs import ReportRun
from reports import asking, kept
from reports.asking import Asked
from reports.registry import all_reports
from tasks.celery import celery_app

log = logging.getLogger(__name__)


@celery_app.task(name="tasks.reports.work_out")
def work_out(run_id: int) -> None:
    """Answer a run's question; a second delivery begins anew, or finds that it is answered."""
    asked = _question(run_id)
    if asked is None:
        return
    try:
        _answer(run_id, asked)
    except Exception:
        log.exception("Report run %s failed.", run_id)
        with begin() as session:
            report_runs.fail(session, run_id=run_id)


@celery_app.task(name="tasks.reports.clear")
def clear() -> int:
    """Remove runs that nobody will ask for again."""
    with begin() as session:
        return report_runs.clear(session)


def _question(run_id: int) -> Asked | None:
    """What is asked, as it was understood on the day it was asked; None: it is answered."""
    with begin() as session:
        run = session.get(ReportRun, run_id)
        report = all_reports().get(run.slug) if run else None
        if run is None or report is None:
            return None
        words: dict[str, list[str]] = {}
        for name, value in run.words:
            words.setdefault(name, []).append(value)
        mine = current_actor().vendor_id
        asked = asking.ask(session, report, words, today=run.asked_on, vendor_id=mine)
        steps = len(kept.steps(asked)) + 1
        return asked if report_runs.take_up(session, run_id=run_id, steps=steps) else None


def _answer(run_id: int, asked: Asked) -> None:
    result = {}
    for number, (name, work) in enumerate(kept.steps(asked), 1):
        with begin() as session:
            result[name] = work(kept.Live(session, asked))
        with begin() as session:
            report_runs.step(session, run_id=run_id, done=number)
    with begin() as session:
        report_runs.finish(session, run_id=run_id, result=result)
