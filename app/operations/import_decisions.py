"""Many rows of an import are settled with one word: left out, the same person, or somebody new."""

from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, text, update
from sqlalchemy.orm import Session

from app.operations import import_matching as matching
from app.operations import imports
from app.operations.import_steps import NothingToDecide, adopt, count_tags, only_customers
from app.operations.import_undoing import remember, untouched
from app.operations.import_writing import name_leaders, write
from app.operations.moves import locked
from app.operations.outbox import enqueue
from app.staging import COLUMNS, LISTED
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome, StagedRow, Strategy

LEFT_OUT = "left_out"
DUPLICATES = ("same_person", "in_file", "known", "same_name")
"""Codes of duplicates about which one may still decide otherwise."""


def to_correct(job: ImportJob) -> ColumnElement[bool]:
    """Of a job's rows, those with a problem that nobody has left out."""
    return (
        _of(job)
        & (ImportRow.outcome == Outcome.INVALID)
        & ImportRow.code.is_distinct_from(LEFT_OUT)
    )


def duplicates(job: ImportJob, code: str = "same_person") -> ColumnElement[bool]:
    """Of a job's rows, the duplicates of that kind that stay out for now."""
    return _of(job) & (ImportRow.outcome == Outcome.SKIPPED_DUPLICATE) & (ImportRow.code == code)


def _of(job: ImportJob) -> ColumnElement[bool]:
    return (ImportRow.vendor_id == job.vendor_id) & (ImportRow.job_id == job.id)


def leave_problems_out(session: Session, *, job_id: int) -> int:
    """No row with a problem is asked about any more; how many those were."""
    job = _settled_job(session, job_id)
    return _marked(session, update(ImportRow).where(to_correct(job)).values(code=LEFT_OUT))


def take_problems_up(session: Session, *, job_id: int) -> int:
    """Rows with a problem that were left out are to be corrected again; how many those are."""
    job = _settled_job(session, job_id)
    left = _of(job) & (ImportRow.outcome == Outcome.INVALID) & (ImportRow.code == LEFT_OUT)
    why = func.jsonb_path_query_first(
        ImportRow.problems, text("'$[*] ? (@.fatal == true).code'::jsonpath")
    ).op("#>>")(text("'{}'::text[]"))
    return _marked(session, update(ImportRow).where(left).values(code=why))


def _marked(session: Session, statement: Any) -> int:
    done = session.execute(statement, execution_options={"synchronize_session": False})
    return int(getattr(done, "rowcount", 0))


def _settled_job(session: Session, job_id: int) -> ImportJob:
    job = imports.held(session, job_id, ImportStatus.COMPLETED)
    if (step := imports.step(job)) is not None:
        raise imports.NotNow(status=step)
    return job


def decide_all(session: Session, *, job_id: int, code: str, choice: str) -> ImportJob:
    """Settle every duplicate of a kind in the same way; a choice that writes runs in background.

    `leave`: they stay out; `same`: each is who it looks like; `new`: each is somebody else.
    Raises `NothingToDecide` when there are none (any more), `NotNow` while something runs.
    """
    job = _settled_job(session, job_id)
    only_customers(job)
    if code not in DUPLICATES or choice not in ("leave", "same", "new"):
        raise NothingToDecide
    if choice == "leave":
        _marked(session, update(ImportRow).where(duplicates(job, code)).values(code=LEFT_OUT))
        return job
    rows = session.scalar(select(func.count()).where(_open_to(job, code, choice)))
    if not rows:
        raise NothingToDecide
    deciding = {"code": code, "choice": choice, "rows": rows}
    job.result, job.progress = {**(job.result or {}), "deciding": deciding}, 0
    enqueue(session, "tasks.imports.decide", vendor_id=job.vendor_id, job_id=job.id)
    return job


def _open_to(job: ImportJob, code: str, choice: str) -> ColumnElement[bool]:
    """The rows that still say what they said, and, to be somebody, know whom."""
    rows = duplicates(job, code) & ImportRow.after.is_not(None)
    return rows & ImportRow.customer_id.is_not(None) if choice == "same" else rows


def decide_chunk(session: Session, *, job_id: int, size: int = imports.CHUNK) -> bool:
    """Settle the next of the rows that are decided on together; False when none is left."""
    job = locked(session, ImportJob, job_id)
    deciding = (job.result or {}).get("deciding")
    if not deciding:
        return False
    imports.lock_customers(session, job)
    positions = _next(session, job, size=size, **deciding)
    if not positions:
        job.result = {k: v for k, v in (job.result or {}).items() if k != "deciding"}
        return False
    _restage(session, job, positions)
    matching.open_chunk(session, job_id=job.id, after=positions[0] - 1, until=positions[-1])
    matching.match_by_contact(session, match_by=())
    if deciding["choice"] == "same":
        _who_they_look_like(session, job)
    _write(session, job)
    job.progress += len(positions)
    return True


def _next(
    session: Session, job: ImportJob, *, size: int, code: str, choice: str, rows: int
) -> list[int]:
    """The next positions, in their order. Of several rows about one customer only the first.

    The others come in a later round: each sees what the one before has written.
    """
    found = session.execute(
        select(ImportRow.position, ImportRow.customer_id)
        .where(_open_to(job, code, choice))
        .order_by(ImportRow.position)
        .limit(size)
    ).all()
    if choice == "new":
        return [position for position, _ in found]
    first: dict[int | None, int] = {}
    for position, customer_id in found:
        first.setdefault(customer_id, position)
    return sorted(first.values())


def _restage(session: Session, job: ImportJob, positions: list[int]) -> None:
    """What the rows said, back among the staged rows."""
    session.execute(delete(StagedRow).where(StagedRow.job_id == job.id))
    session.execute(
        text(
            f"INSERT INTO staged_rows (job_id, {LISTED}, keys)"
            f" SELECT :job, {', '.join(f's.{name}' for name in COLUMNS)}, '{{}}'"
            " FROM import_rows r"
            " CROSS JOIN LATERAL jsonb_populate_record(NULL::staged_rows, r.after) AS s"
            " WHERE r.vendor_id = :vendor AND r.job_id = :job AND r.position = ANY (:positions)"
        ),
        {"job": job.id, "vendor": job.vendor_id, "positions": positions},
    )


def _who_they_look_like(session: Session, job: ImportJob) -> None:
    session.execute(
        text(
            "UPDATE found f SET customer_id = r.customer_id FROM import_rows r"
            " WHERE r.vendor_id = :vendor AND r.job_id = :job AND r.position = f.position"
        ),
        {"job": job.id, "vendor": job.vendor_id},
    )


def _write(session: Session, job: ImportJob) -> None:
    strategy = Strategy.FILL if job.strategy == Strategy.SKIP else job.strategy
    matching.merge(session, strategy=strategy)
    matching.verdicts(session, strategy=strategy)
    adopt(session, job, "true")
    ours = untouched(session, job_id=job.id)
    count_tags(job, write(session, job_id=job.id, filename=job.filename))
    name_leaders(session, job.id)
    remember(session, job_id=job.id, positions=ours)
    session.execute(delete(StagedRow).where(StagedRow.job_id == job.id))
    job.result = {**(job.result or {}), **imports.counts(session, job_id=job.id)}
