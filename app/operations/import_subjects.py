"""What is done with the rows of each subject, at each step of an import: a line for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.columns import Subject
from app.operations import (
    import_product_writing,
    import_products,
    import_reading,
    import_steps,
    import_stock,
    import_undoing,
    import_ware_undoing,
    imports,
)
from models.imports import ImportJob

Chunk = Callable[..., bool]
"""`(session, *, job_id, size) -> bool`: the next rows of a step; False when none is left."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How rows of one subject are kept, judged, imported and taken back.

    `keep(session, *, job_id, rows, first, match_by)` stages rows as they were read;
    `gather(session, *, job_id, rows)` finds those that belong together, when all are staged;
    `judge` and `commit` are chunks of the try-out and of the import, unless `side_by_side`;
    `take_back(session, *, job_id, after, until)` undoes the rows of these positions, and
    `clear(session, *, job)` what the import had to make besides.
    """

    keep: Callable[..., int]
    gather: Callable[..., Any]
    judge: Chunk
    commit: Chunk
    take_back: Callable[..., None]
    clear: Callable[..., None]
    side_by_side: bool = False


STEPS: Mapping[Subject, Steps] = {
    Subject.CUSTOMERS: Steps(
        keep=import_reading.stage,
        gather=import_reading.find_twins,
        judge=import_steps.judge_chunk,
        commit=import_steps.commit_chunk,
        take_back=import_undoing.undo_rows,
        clear=import_undoing.drop_made_tags,
        side_by_side=True,
    ),
    Subject.PRODUCTS: Steps(
        keep=import_reading.stage_said,
        gather=import_products.gather,
        judge=import_products.judge_chunk,
        commit=import_product_writing.commit_chunk,
        take_back=import_ware_undoing.take_back,
        clear=import_ware_undoing.clear,
    ),
    Subject.STOCK: Steps(
        keep=import_reading.stage_said,
        gather=import_stock.gather,
        judge=import_stock.judge_chunk,
        commit=import_stock.commit_chunk,
        take_back=import_stock.take_back,
        clear=import_ware_undoing.clear,
    ),
}


def steps_of(job: ImportJob) -> Steps:
    """What is done with the rows of this job."""
    return STEPS[Subject(job.subject)]


def stage(session: Session, *, job_id: int, **rows: Any) -> ImportJob:
    """Keep the next rows of a list, as `imports.stage` says."""
    keep = steps_of(session.get_one(ImportJob, job_id)).keep
    return imports.stage(session, job_id=job_id, keep=keep, **rows)


def finish_reading(session: Session, *, job_id: int, run: str | None = None) -> ImportJob:
    """All rows of a list are staged, as `imports.finish_reading` says."""
    gather = steps_of(session.get_one(ImportJob, job_id)).gather
    return imports.finish_reading(session, job_id=job_id, run=run, gather=gather)


def undo_chunk(session: Session, *, job_id: int, size: int = imports.CHUNK) -> bool:
    """Take back the next rows; False when nothing is left to do."""
    steps = steps_of(session.get_one(ImportJob, job_id))
    return imports.undo_chunk(
        session, job_id=job_id, size=size, take_back=steps.take_back, clear=steps.clear
    )
