"""A running import is stopped: at once for who looks, between two chunks for the worker.

What is imported stays, is counted, and can be undone; the rest can be gone on with.
"""

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.operations import imports
from models.imports import ImportJob, ImportStatus

STOPPED = (
    "Somebody stopped this list while it was tried out, and nothing was saved: try it out again, "
    "or change its columns."
)


def ask_to_stop(session: Session, *, job_id: int) -> ImportJob:
    """End the running step after the rows in hand. Raises `NotNow` when nothing runs any more.

    An import stands where it can be gone on with; a try-out is as if it had not begun.
    """
    # No more than the worker's own lock: chunks that are written side by side need not be waited
    # for, they ask for the job's step before they are saved.
    job = session.get(
        ImportJob, job_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if job is None:
        raise NotFound
    step = imports.step(job)
    if step == "importing":
        _halt_import(session, job)
    elif step == "deciding":
        job.result = {k: v for k, v in (job.result or {}).items() if k != "deciding"}
    elif step in ("reading", "matching", "names"):
        _halt_trying(session, job, step)
    else:
        raise imports.NotNow(status=step or job.status)
    return job


def _halt_import(session: Session, job: ImportJob) -> None:
    job.status, job.progress = ImportStatus.TRIED, imports.settled(job)
    imports.halt(session, job)


def _halt_trying(session: Session, job: ImportJob, step: str) -> None:
    if step == "reading" and not imports.settled(job):
        imports.forget_reading(session, job)
    imports.forget_plan(session, job)
    # What was read to its end is kept: trying out again goes on with matching.
    job.tried = None if step == "reading" else {}
    job.refused = STOPPED
    imports.halt(session, job)
