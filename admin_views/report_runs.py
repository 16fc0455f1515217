"""Reports that take longer than a page may: asked for, on their way, kept."""

from typing import Any

from sqlalchemy.orm import Session

from admin_views import running
from admin_views.rendering import moment
from app.operations import report_runs
from app.tenancy import acting, admin_actor, current_actor
from app.transact import in_transaction
from models.report_runs import ReportRun, RunStatus
from reports import asking, kept
from reports.asking import Asked

RUNS = "/admin/reports/runs"


def is_long(asked: Asked) -> bool:
    """Whether the page must not wait for the answer."""
    long = asked.report.long
    return long is not None and long(asked.period, asked.filters)


def source_of(session: Session, asked: Asked) -> tuple[kept.Source | None, dict[str, Any]]:
    """Where the figures come from, and what the page says about it; None: they are on their way."""
    if not is_long(asked):
        return kept.Live(session, asked), {}
    run = report_runs.latest(session, vendor_id=_vendor_of(asked), question=kept.question_of(asked))
    again = {"run_url": f"/admin/reports/{asked.report.slug}/run", "words": asking.words_of(asked)}
    names = {name for name, _ in kept.steps(asked)}
    if run is not None and run.result is not None and not names <= run.result.keys():
        run = None  # the report has grown since
    if run is None or run.status == RunStatus.FAILED:
        return None, {"run": {**again, "failed": run is not None}}
    if run.result is None:
        return None, {"run": {**again, **on_its_way(run)}}
    told = f"Worked out {moment(run.finished_at)}"
    return kept.Kept(run.result), {"worked_out": {**again, "text": told}}


def _vendor_of(asked: Asked) -> int | None:
    """Whose run it is: a vendor's reader has its own, the marketplace's people share theirs."""
    return current_actor().vendor_id


def on_its_way(run: ReportRun) -> dict[str, Any]:
    """How far a run is, as `panel/progress.html` and `live.js` take it."""
    return {"poll": f"{RUNS}/{run.id}", "done": run.done, "total": run.steps}


def state(session: Session, run_id: int) -> dict[str, Any] | None:
    """What the page asks for while it waits; None: there is no such run."""
    run = session.get(ReportRun, run_id)
    if run is None or run.vendor_id != current_actor().vendor_id:
        return None
    over = run.status in (RunStatus.DONE, RunStatus.FAILED)
    return {"done": run.done, "total": run.steps, "finished": over}


def start(asked: Asked) -> None:
    """Have the question worked out, once however many ask; only the marketplace may promise work
    for its analysts, who write nothing."""
    actor, vendor_id = current_actor(), _vendor_of(asked)
    if not is_long(asked):
        return
    given: dict[str, Any] = {
        "vendor_id": vendor_id, "slug": asked.report.slug, "question": kept.question_of(asked),
        "words": asking.words_of(asked), "asked_on": asked.today,
    }  # fmt: skip
    mine = actor if vendor_id is not None else admin_actor(user_id=actor.user_id)
    with acting(mine):
        in_transaction(report_runs.ask, **given)
    running.look_again(actor.user_id)
