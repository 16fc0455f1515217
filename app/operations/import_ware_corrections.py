"""A problem row of products or stock is corrected: judged anew beside the others, or imported."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.columns import Subject
from app.operations import (
    import_chunks,
    import_product_writing,
    import_products,
    import_reading,
    import_steps,
    import_stock,
    imports,
)
from app.operations.import_chunks import Judge, Verdict, Write
from app.operations.moves import locked
from app.staging import Staged
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome, StagedRow


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a subject knows of its rows.

    `alike(session, job, before, now) -> positions` are the rows of which a corrected one may
    decide what becomes, itself among them.
    """

    judge: Judge
    write: Write
    alike: Callable[..., list[int]]
    gather_again: Callable[..., None]
    notes: Callable[[Session, ImportJob], dict[str, Any]]
    variant_of: Callable[[Verdict], int | None]


_RULES: Mapping[Subject, _Rules] = {
    Subject.PRODUCTS: _Rules(
        judge=import_products.judge,
        write=import_product_writing.write,
        alike=import_products.alike,
        gather_again=import_products.gather_again,
        notes=import_products.notes,
        variant_of=import_products.variant_of,
    ),
    Subject.STOCK: _Rules(
        judge=import_stock.judge,
        write=import_stock.write,
        alike=import_stock.alike,
        gather_again=import_stock.gather_again,
        notes=import_stock.notes,
        variant_of=import_stock.variant_of,
    ),
}


def correct(session: Session, *, row_id: int, read: Staged) -> ImportRow:
    """Try a problem row again as somebody corrected it; it ends in a new outcome at once.

    Before the import other rows of the list may end otherwise because of it. Raises
    `NothingToDecide` for a row that is no problem (any more), `NotNow` while the list is on its
    way, `ReadAgain` when what was read of the list is gone.
    """
    job_id = import_steps.job_of_row(session, row_id)
    job = imports.held(session, job_id, ImportStatus.TRIED, ImportStatus.COMPLETED)
    row = locked(session, ImportRow, row_id)
    if row.outcome != Outcome.INVALID or imports.step(job) is not None:
        raise import_steps.NothingToDecide
    if job.status == ImportStatus.COMPLETED:
        _import(session, job, row, read)
    elif row.position > imports.settled(job):
        _try_again(session, job, row, read)
    else:
        raise import_steps.NothingToDecide
    session.flush()  # the row as it stands now, whoever looks at it next
    return row


def _staged(session: Session, job: ImportJob, row: ImportRow) -> StagedRow | None:
    query = select(StagedRow).where(
        StagedRow.vendor_id == job.vendor_id, StagedRow.job_id == job.id,
        StagedRow.position == row.position,
    )  # fmt: skip
    return session.scalar(query)


def _stage(session: Session, job: ImportJob, row: ImportRow, read: Staged) -> StagedRow:
    """What was typed, in the place of what was read."""
    of_row = (StagedRow.job_id == job.id, StagedRow.position == row.position)
    session.execute(delete(StagedRow).where(*of_row))
    there = (row.line, row.page, *read[2:])
    import_reading.stage_said(session, job_id=job.id, rows=[there], first=row.position, match_by=())
    now = _staged(session, job, row)
    assert now is not None
    return now


# --- before the import -------------------------------------------------------------------


def _try_again(session: Session, job: ImportJob, row: ImportRow, read: Staged) -> None:
    """Judge the row, and those that were first, second or refused because of what it said."""
    rules = _RULES[Subject(job.subject)]
    before = _staged(session, job, row)
    if before is None:
        raise imports.ReadAgain
    session.expunge(before)
    now = _stage(session, job, row, read)
    open_ones = [p for p in rules.alike(session, job, before, now) if p > imports.settled(job)]
    rules.gather_again(session, job_id=job.id, only=open_ones)
    import_chunks.judge_again(session, job, rules.judge, open_ones)
    job.tried = {
        **(job.tried or {}), **imports.planned(session, job), **rules.notes(session, job),
    }  # fmt: skip


# --- after the import --------------------------------------------------------------------


def _import(session: Session, job: ImportJob, row: ImportRow, read: Staged) -> None:
    """Judge the row alone against what stands there now, and write it at once."""
    rules = _RULES[Subject(job.subject)]
    imports.lock_customers(session, job)
    [verdict] = rules.judge(session, job, [_stage(session, job, row, read)])
    _leave_to_the_first(session, job, rules, verdict)
    if verdict.outcome in (Outcome.CREATED, Outcome.UPDATED):
        rules.write(session, job, [verdict])
        _belongs_to_the_list(session, job, verdict)
    import_chunks.tell(job, row, verdict)
    session.execute(delete(StagedRow).where(StagedRow.job_id == job.id))
    session.flush()  # what became of the row is counted in the table
    job.result = {**(job.result or {}), **imports.counts(session, job_id=job.id)}


def _leave_to_the_first(session: Session, job: ImportJob, rules: _Rules, verdict: Verdict) -> None:
    """Another row of the list has written that variant: an undo could not take both back."""
    variant_id = rules.variant_of(verdict)
    if verdict.outcome not in (Outcome.UPDATED, Outcome.UNCHANGED) or variant_id is None:
        return
    written = select(func.min(ImportRow.line)).where(
        ImportRow.vendor_id == job.vendor_id, ImportRow.job_id == job.id,
        ImportRow.outcome.in_((Outcome.CREATED, Outcome.UPDATED)),
        ImportRow.after["variant_id"].as_integer() == variant_id,
    )  # fmt: skip
    if (line := session.scalar(written)) is not None:
        verdict.outcome, verdict.code, verdict.plan = (
            Outcome.SKIPPED_DUPLICATE, "listed_twice", None,
        )  # fmt: skip
        verdict.message = f"Line {line} speaks of it already: this row is left out."
        verdict.after = {"page": verdict.after.get("page")}


def _belongs_to_the_list(session: Session, job: ImportJob, verdict: Verdict) -> None:
    """A product that this list made goes with the last of its variants, when it is undone."""
    product_id = verdict.after.get("product_id")
    if product_id is None or verdict.outcome != Outcome.CREATED or verdict.after["new_product"]:
        return
    made = select(ImportRow.id).where(
        ImportRow.vendor_id == job.vendor_id, ImportRow.job_id == job.id,
        ImportRow.after["product_id"].as_integer() == product_id,
        ImportRow.after["new_product"].as_boolean(),
    )  # fmt: skip
    verdict.after["new_product"] = bool(session.scalar(select(made.exists())))
