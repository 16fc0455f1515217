"""Rows that are no customers, a chunk at a time: judged, judged again, written, and told of.

What a subject decides and writes is its own; that each row ends in one outcome, that the import
does what the try-out said, and that a killed worker goes on, is the same for all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.orm import Session

from app import clock
from app.operations import imports
from app.operations.moves import locked
from models.base import Base
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome, StagedRow

CHUNK = 2_000


@dataclass(slots=True)
class Verdict:
    """What becomes of a row, and why.

    `said` is what the report shows of it, `plan` what the writing of its subject needs; `at` is the
    field to which the message belongs, if it belongs to one.
    """

    row: StagedRow
    outcome: Outcome
    code: str | None = None
    message: str | None = None
    said: dict[str, Any] = field(default_factory=dict)
    plan: Any = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] = field(default_factory=dict)
    at: StrEnum | None = None


Judge = Callable[[Session, ImportJob, Sequence[StagedRow]], Sequence[Verdict]]
Write = Callable[[Session, ImportJob, Sequence[Verdict]], None]


def refused(row: StagedRow, code: str, message: str, at: StrEnum | None = None) -> Verdict:
    """A row that cannot be taken, and the sentence that says why."""
    return Verdict(row, Outcome.INVALID, code, message, at=at)


def judge_chunk(
    session: Session,
    *,
    job_id: int,
    judge: Judge,
    size: int = CHUNK,
    notes: Callable[[Session, ImportJob], dict[str, Any]] | None = None,
    tells_all: bool = False,
) -> bool:
    """Say what would become of the next rows; False when all are judged.

    `notes(session, job) -> dict` is what the page says besides, once all are. A row that will
    simply be created is not written down, unless `tells_all`.
    """
    job = locked(session, ImportJob, job_id)
    if job.status != ImportStatus.MAPPED or imports.step(job) != "matching":
        return False
    until = min(job.progress + size, job.total_rows)
    verdicts = judge(session, job, _rows(session, job, job.progress, until))
    _tell(session, job, [v for v in verdicts if tells_all or _is_told(v)])
    job.progress = until
    if until >= job.total_rows:
        job.tried = {**imports.planned(session, job), **(notes(session, job) if notes else {})}
        job.status = ImportStatus.TRIED
    return until < job.total_rows


def judge_again(session: Session, job: ImportJob, judge: Judge, positions: Sequence[int]) -> None:
    """Say anew what would become of these rows of a list that was tried out."""
    of_rows = StagedRow.position.in_(positions)
    told = select(ImportRow).where(
        ImportRow.vendor_id == job.vendor_id, ImportRow.job_id == job.id,
        ImportRow.position.in_(positions),
    )  # fmt: skip
    known = {row.position: row for row in session.scalars(told)}
    new = []
    for verdict in judge(session, job, _staged(session, job, of_rows)):
        if (row := known.get(verdict.row.position)) is not None:
            tell(job, row, verdict)
        elif _is_told(verdict):
            new.append(verdict)
    session.flush()  # what is counted next is counted in the table
    _tell(session, job, new)


def tell(job: ImportJob, row: ImportRow, verdict: Verdict) -> None:
    """Write down in its row what became of it, or will."""
    for name, value in _told(job, verdict).items():
        setattr(row, name, value)


def commit_chunk(
    session: Session, *, job_id: int, judge: Judge, write: Write, size: int = CHUNK
) -> bool:
    """Import the next rows; False when all are. Raises `Diverged`, `ReadAgain`."""
    job = locked(session, ImportJob, job_id)
    if job.status != ImportStatus.IMPORTING:
        return False
    imports.lock_customers(session, job)
    after, until = job.progress, min(job.progress + size, job.total_rows)
    rows = _rows(session, job, after, until)
    if len(rows) != until - after:
        raise imports.ReadAgain
    verdicts = judge(session, job, rows)
    _same_as_tried(session, job, verdicts, after, until)
    write(session, job, [v for v in verdicts if v.outcome in (Outcome.CREATED, Outcome.UPDATED)])
    _forget_planned(session, job, after, until)
    _tell(session, job, verdicts)
    job.progress = until
    job.result = {**(job.result or {}), "settled": until}
    if until >= job.total_rows:
        _finish(session, job)
    return until < job.total_rows


def _rows(session: Session, job: ImportJob, after: int, until: int) -> Sequence[StagedRow]:
    return _staged(session, job, (StagedRow.position > after) & (StagedRow.position <= until))


def _staged(session: Session, job: ImportJob, which: ColumnElement[bool]) -> Sequence[StagedRow]:
    query = (
        select(StagedRow)
        .where(StagedRow.vendor_id == job.vendor_id, StagedRow.job_id == job.id, which)
        .order_by(StagedRow.position)
    )
    return session.scalars(query, execution_options={"populate_existing": True}).all()


def _is_told(verdict: Verdict) -> bool:
    return verdict.outcome != Outcome.CREATED or bool(verdict.row.problems)


def _tell(session: Session, job: ImportJob, verdicts: Sequence[Verdict]) -> None:
    """Write down what became of these rows, or will."""
    if verdicts:
        session.execute(insert(ImportRow), [_told(job, verdict) for verdict in verdicts])


def _told(job: ImportJob, verdict: Verdict) -> dict[str, Any]:
    row, problems = verdict.row, list(verdict.row.problems or ())
    if verdict.message is not None:
        problems.append(
            {"line": row.line, "page": row.page, "column": None, "field": verdict.at, "value": "",
             "code": verdict.code, "message": verdict.message,
             "fatal": verdict.outcome == Outcome.INVALID}
        )  # fmt: skip
    after = {**verdict.after, **({"said": verdict.said} if verdict.said else {})}
    looked_at = verdict.outcome == Outcome.INVALID or row.problems
    return {
        "vendor_id": job.vendor_id, "job_id": job.id, "position": row.position, "line": row.line,
        "page": row.page, "outcome": verdict.outcome, "code": verdict.code,
        "raw": row.raw if looked_at else None,
        "problems": problems or None, "before": verdict.before, "after": after or None,
    }  # fmt: skip


def _of(job: ImportJob, after: int, until: int) -> tuple[Any, ...]:
    return (
        ImportRow.vendor_id == job.vendor_id, ImportRow.job_id == job.id,
        ImportRow.position > after, ImportRow.position <= until,
    )  # fmt: skip


def _same_as_tried(
    session: Session, job: ImportJob, verdicts: Sequence[Verdict], after: int, until: int
) -> None:
    told = session.execute(
        select(ImportRow.position, ImportRow.outcome, ImportRow.code).where(*_of(job, after, until))
    )
    tried = {position: (outcome, code) for position, outcome, code in told}
    created = (Outcome.CREATED.value, None)
    if any(
        (v.outcome.value, v.code) != tried.get(v.row.position, created) for v in verdicts
    ):  # fmt: skip
        raise imports.Diverged


def _forget_planned(session: Session, job: ImportJob, after: int, until: int) -> None:
    session.execute(delete(ImportRow).where(*_of(job, after, until)))


def _finish(session: Session, job: ImportJob) -> None:
    counted = imports.counts(session, job_id=job.id)
    session.execute(delete(StagedRow).where(StagedRow.job_id == job.id))
    job.result = {**(job.result or {}), **counted}
    job.status, job.finished_at = ImportStatus.COMPLETED, clock.now()


def referring(*tables: str, but: frozenset[str] = frozenset()) -> list[tuple[str, str, str]]:
    """Every table and column that refers to one of these tables, and to which, but for some."""
    return [
        (table.name, key.column_keys[-1], key.referred_table.name)
        for table in Base.metadata.sorted_tables
        if table.name not in but
        for key in table.foreign_key_constraints
        if key.referred_table.name in tables
    ]
