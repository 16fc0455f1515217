"""Bulk changes: one change to many customers, each once, with what was done and a way back."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from app.operations import segments, tags
from app.operations.bulk_changes import CHANGES
from app.operations.conditions import is_any, matching
from app.operations.filters import Filters
from app.operations.outbox import enqueue
from app.tenancy import current_actor
from models.bulk import BulkJob, BulkKind, BulkOutcome, BulkRow, BulkStatus
from models.customers import Customer, CustomerStatus
from models.segments import Segment

CHUNK = 500
MOST_SELECTED = 1_000
LONGEST_TITLE = 200


class NothingSelected(DomainError):
    sentence = "Nobody is selected: select customers first."


class OtherFilters(DomainError):
    sentence = "The filters have changed meanwhile: look at the list again and repeat your choice."


class NotUndoable(DomainError):
    sentence = "This bulk change cannot be undone: it is still running or was undone already."


def start(
    session: Session,
    *,
    kind: str,
    value: str,
    inline_limit: int,
    ids: Sequence[int] = (),
    filters: Filters | None = None,
    fingerprint: str | None = None,
    due: date | None = None,
) -> BulkJob:
    """Change the selected customers, or all whom `filters` find now; who is meant is frozen here.

    Up to `inline_limit` are changed at once, more by a task. `fingerprint` is that of the
    filters the person saw. `value` is a tag, a status or a task's title, as `kind` says.
    """
    known, arguments = _arguments(kind, value, due)
    if filters is not None and filters.fingerprint != fingerprint:
        raise OtherFilters
    actor = current_actor()
    job = BulkJob(vendor_id=actor.vendor_id, user_id=actor.user_id, kind=known, arguments=arguments)
    session.add(job)
    session.flush()  # the id, for its rows
    job.total = _freeze(session, job, ids, filters)
    if job.total == 0:
        raise NothingSelected
    _go(session, job, "tasks.bulk.run", inline_limit)
    return job


def undo(session: Session, *, job_id: int, inline_limit: int) -> BulkJob:
    """Take a finished bulk change back, except where somebody has changed the same since."""
    job = _locked(session, job_id)
    if job.status != BulkStatus.DONE:
        raise NotUndoable
    job.status = BulkStatus.UNDOING
    _go(session, job, "tasks.bulk.undo", inline_limit)
    return job


def run_chunk(session: Session, *, job_id: int) -> bool:
    """Change the next customers of a job, each once; whether any are left."""
    job = _locked(session, job_id)
    if job.status not in (BulkStatus.QUEUED, BulkStatus.RUNNING):
        return False
    job.status = BulkStatus.RUNNING
    rows = _next(session, job, BulkOutcome.WAITING)
    CHANGES[BulkKind(job.kind)].do(session, job, rows)
    done = sum(row.outcome == BulkOutcome.DONE for row in rows)
    job.done_count += done
    job.skipped_count += len(rows) - done
    return _ended(session, job, rows, BulkStatus.DONE)


def undo_chunk(session: Session, *, job_id: int) -> bool:
    """Take back the next customers of a job; whether any are left."""
    job = _locked(session, job_id)
    if job.status != BulkStatus.UNDOING:
        return False
    rows = _next(session, job, BulkOutcome.DONE)
    CHANGES[BulkKind(job.kind)].undo(session, job, rows)
    return _ended(session, job, rows, BulkStatus.UNDONE)


def outcomes(session: Session, *, job_id: int) -> list[tuple[str, str | None, int]]:
    """What became of the customers of a job: outcome, reason, how many."""
    query = select(BulkRow.outcome, BulkRow.reason, func.count()).where(BulkRow.job_id == job_id)
    grouped = query.group_by(BulkRow.outcome, BulkRow.reason).order_by(func.count().desc())
    return [(outcome, reason, number) for outcome, reason, number in session.execute(grouped)]


def reasons(session: Session, *, job_id: int, cap: int) -> list[tuple[str, int]]:
    """Why customers of a job were left as they were, and how many; counted up to `cap` in all."""
    left = (
        select(BulkRow.reason)
        .where(BulkRow.job_id == job_id)
        .where(BulkRow.outcome.in_([BulkOutcome.SKIPPED, BulkOutcome.KEPT]))
        .limit(cap + 1)
        .subquery()
    )
    counted = select(left.c.reason, func.count()).group_by(left.c.reason)
    found = session.execute(counted.order_by(func.count().desc(), left.c.reason))
    return [(reason or "No reason was noted", number) for reason, number in found]


def _arguments(kind: str, value: str, due: date | None) -> tuple[BulkKind, dict[str, Any]]:
    if kind not in set(BulkKind):
        raise DomainError("There is no such bulk change: choose one from the bar.", field="kind")
    match BulkKind(kind):
        case BulkKind.ADD_TAG | BulkKind.REMOVE_TAG:
            return BulkKind(kind), {"tag": tags.normal(value)}
        case BulkKind.SET_STATUS:
            if value not in set(CustomerStatus):
                raise DomainError("There is no such status: choose one.", field="value")
            return BulkKind.SET_STATUS, {"status": value}
        case BulkKind.CREATE_TASK:
            return BulkKind.CREATE_TASK, {"title": _title(value), "due": due and due.isoformat()}


def _title(text: str) -> str:
    title = " ".join("".join(c if c.isprintable() else " " for c in text[:5_000]).split())
    if not title or len(title) > LONGEST_TITLE:
        raise DomainError("Say what is to be done in one to two hundred letters.", field="value")
    return title


def _freeze(session: Session, job: BulkJob, ids: Sequence[int], filters: Filters | None) -> int:
    meant = select(Customer.vendor_id, literal(job.id), Customer.id)
    if filters is not None:
        _must_be_read(session, filters.segments)
        meant = meant.where(Customer.id.in_(matching(filters)))
    elif len(ids) <= MOST_SELECTED:
        known = [number for number in ids if 0 < number < 2**63]
        meant = meant.where(is_any(Customer.id, known), Customer.archived_at.is_(None))
    else:
        raise DomainError("These are too many to select one by one: filter for them instead.")
    if (vendor_id := current_actor().vendor_id) is not None:
        meant = meant.where(Customer.vendor_id == vendor_id)
    columns = [BulkRow.vendor_id, BulkRow.job_id, BulkRow.customer_id]
    made = insert(BulkRow).from_select(columns, meant.order_by(Customer.id))
    session.execute(made)
    count = select(func.count()).select_from(BulkRow).where(BulkRow.job_id == job.id)
    return session.scalar(count) or 0


def _must_be_read(session: Session, segment_ids: Sequence[int]) -> None:
    for segment in session.scalars(select(Segment).where(is_any(Segment.id, segment_ids))):
        segments.must_be_read(session, segment)


def _go(session: Session, job: BulkJob, task: str, inline_limit: int) -> None:
    """Now, if it is small enough to wait for; else as a task that was promised here."""
    if job.total > inline_limit:
        enqueue(session, task, vendor_id=job.vendor_id, job_id=job.id)
        return
    step = run_chunk if task == "tasks.bulk.run" else undo_chunk
    while step(session, job_id=job.id):
        pass


def _locked(session: Session, job_id: int) -> BulkJob:
    session.flush()  # what is read again below
    job = session.get(BulkJob, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFound
    return job


def _next(session: Session, job: BulkJob, outcome: BulkOutcome) -> list[BulkRow]:
    query = select(BulkRow).where(BulkRow.job_id == job.id, BulkRow.outcome == outcome)
    return list(session.scalars(query.order_by(BulkRow.id).limit(CHUNK).with_for_update()))


def _ended(session: Session, job: BulkJob, rows: list[BulkRow], status: BulkStatus) -> bool:
    """Whether the job goes on; the last chunk closes it."""
    if len(rows) == CHUNK:
        return True
    job.status, job.finished_at = status, clock.now()
    session.flush()  # the rows' outcomes, before anybody counts them
    return False
