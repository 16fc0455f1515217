"""Report runs: asked for once, worked out behind the page, kept for a while."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, text
from sqlalchemy.orm import Session

from app import clock
from app.operations.outbox import enqueue
from app.tenancy import current_actor
from models.report_runs import ReportRun, RunStatus

KEPT = timedelta(hours=24)
"""So long figures that were worked out answer the same question again."""
STORED = timedelta(days=14)
IN_WORK = (RunStatus.QUEUED, RunStatus.RUNNING)


def ask(
    session: Session,
    *,
    vendor_id: int | None,
    slug: str,
    question: str,
    words: Sequence[tuple[str, str]],
    asked_on: date,
) -> ReportRun:
    """Have a question worked out; who asks what is already in work waits for the same run.

    One that is too old to answer is given up, so that it is in the way of no other.
    """
    session.execute(_ALONE, {"question": f"report:{vendor_id}:{question}"})
    in_work = _of(vendor_id), ReportRun.question == question, ReportRun.status.in_(IN_WORK)
    for run in session.scalars(select(ReportRun).where(*in_work).with_for_update()):
        if run.created_at > clock.now() - KEPT:
            return run
        fail(session, run_id=run.id)
    session.flush()  # only one of a question is in work
    run = ReportRun(
        vendor_id=vendor_id, user_id=current_actor().user_id, slug=slug, question=question,
        words=[list(pair) for pair in words], asked_on=asked_on, created_at=clock.now(),
    )  # fmt: skip
    session.add(run)
    session.flush()  # the id, which the task is told
    enqueue(session, "tasks.reports.work_out", vendor_id=vendor_id, run_id=run.id)
    return run


_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:question, 0))")


def latest(session: Session, *, vendor_id: int | None, question: str) -> ReportRun | None:
    """The run that was asked for last, whatever became of it; none that is too old to answer."""
    query = (
        select(ReportRun)
        .where(
            _of(vendor_id),
            ReportRun.question == question,
            ReportRun.created_at > clock.now() - KEPT,
        )
        .order_by(ReportRun.id.desc())
    )
    return session.scalars(query.limit(1)).first()


def take_up(session: Session, *, run_id: int, steps: int) -> ReportRun | None:
    """Begin to work a run out in so many `steps`, or from the beginning again; None: it is over."""
    run = session.get(ReportRun, run_id, with_for_update=True)
    if run is None or run.status not in IN_WORK:
        return None
    run.status, run.done, run.steps = RunStatus.RUNNING, 0, steps
    return run


def step(session: Session, *, run_id: int, done: int) -> None:
    """So many steps are done."""
    run = session.get_one(ReportRun, run_id, with_for_update=True)
    if run.status == RunStatus.RUNNING:
        run.done = min(done, run.steps)


def finish(session: Session, *, run_id: int, result: dict[str, Any]) -> None:
    """Keep what was worked out."""
    run = session.get_one(ReportRun, run_id, with_for_update=True)
    run.status, run.done, run.result = RunStatus.DONE, run.steps, result
    run.finished_at = clock.now()


def fail(session: Session, *, run_id: int) -> None:
    """Give a run up; the same question can be asked again."""
    run = session.get_one(ReportRun, run_id, with_for_update=True)
    if run.status in IN_WORK:
        run.status, run.finished_at = RunStatus.FAILED, clock.now()


def clear(session: Session) -> int:
    """Remove runs that nobody will ask for again; how many there were. For the marketplace."""
    old = delete(ReportRun).where(ReportRun.created_at < clock.now() - STORED)
    return len(session.scalars(old.returning(ReportRun.id)).all())


def _of(vendor_id: int | None) -> ColumnElement[bool]:
    if vendor_id is None:
        return ReportRun.vendor_id.is_(None)
    return ReportRun.vendor_id == vendor_id
