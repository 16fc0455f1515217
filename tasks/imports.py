"""Lists on their way in: where the files that `app.intake` reads meet the rules of the imports."""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from app import intake, lists
from app.database import begin, begin_planned
from app.errors import NotFound
from app.gateways.files import FileGone
from app.operations import (
    import_categories,
    import_decisions,
    import_steps,
    import_subjects,
    imports,
)
from app.tenancy import SYSTEM, acting, admin_actor, current_actor
from models.imports import ImportJob
from tasks.celery import celery_app
from tasks.lanes import side_by_side

LANES = 2
"""How many chunks of one list the database works on at a time."""

WAVE = 8
"""How many chunks are taken up before it is asked again whether the list goes on."""

_SHOWN_PROBLEMS = 10_000
_PIECE = 1 << 20


@celery_app.task(name="tasks.imports.try_out")
def try_out(job_id: int) -> None:
    """Read the list and say what would become of each row; goes on where it was killed."""
    try_out_now(job_id)


@celery_app.task(name="tasks.imports.commit")
def commit(job_id: int) -> None:
    """Import the list, chunk by chunk; goes on where it was killed."""
    commit_now(job_id)


@celery_app.task(name="tasks.imports.undo")
def undo(job_id: int) -> None:
    """Take the import back, chunk by chunk; goes on where it was killed."""
    _in_chunks(import_subjects.undo_chunk, job_id)
    if (job_of(job_id).result or {}).get("categories"):
        _by_the_marketplace(import_categories.drop, job_id=job_id)


@celery_app.task(name="tasks.imports.decide")
def decide(job_id: int) -> None:
    """Settle all rows that waited for the same decision; goes on where it was killed."""
    _in_chunks(import_decisions.decide_chunk, job_id)


@celery_app.task(name="tasks.imports.clear_left_over")
def clear_left_over() -> None:
    """Drop the files of lists that nobody has touched for a week, and what was read of them."""
    with acting(SYSTEM), begin() as session:
        files = imports.clear_left_over(session)
    for stored_as, checksum in files:
        lists.let_go(stored_as, checksum)


def transacted(verb: Any, **arguments: Any) -> Any:
    """One step of an import in a transaction of its own."""
    with begin_planned() as session:
        return verb(session, **arguments)


def _by_the_marketplace(verb: Any, **arguments: Any) -> None:
    """What only the marketplace may write, in the name of whoever asked for it."""
    actor = current_actor()
    with acting(admin_actor(actor.vendor_id, actor.user_id)):
        transacted(verb, **arguments)


def _in_chunks(verb: Any, job_id: int) -> None:
    """Chunk after chunk, with fresh statistics before each doubling of what was done."""
    done, due = 0, 0
    while True:
        if done == due:
            transacted(import_steps.refresh_statistics)
            due = 2 * done or 1
        if not transacted(verb, job_id=job_id):
            return
        done += 1


def _in_lanes(work: Callable[..., None], job_id: int) -> None:
    """Wave after wave of chunks, until all are done or somebody stopped it.

    A try-out leaves the customers as they are: it is enough to look at the statistics once. An
    import begins with a short wave, after which there is something to look at.
    """
    grows = work is import_steps.commit_span
    done, due, wave = 0, 0, 1
    while wave:
        fresh = done > 0 and not (grows and done >= due)
        due = due if fresh else 5 * done or LANES
        with suppress(imports.NotNow, TimeoutError):  # stopped, or held up: see what is left to do
            wave = _wave(work, job_id, most=LANES if grows and not done else WAVE, fresh=fresh)
            done += wave


def _wave(work: Callable[..., None], job_id: int, *, most: int, fresh: bool) -> int:
    """Chunks of a list side by side, a single one in this transaction; how many there were."""
    with begin_planned() as session:
        spans = import_steps.next_spans(session, job_id=job_id, size=imports.CHUNK, most=most)
        if spans and not fresh:
            transacted(import_steps.refresh_statistics)
        if len(spans) < 2:
            for span in spans:
                work(session, job_id=job_id, span=span, turn=lambda: None)
            return len(spans)
        if work is import_steps.commit_span:
            transacted(import_steps.make_tags, job_id=job_id, spans=spans)
        side_by_side(
            spans, lambda s, span, turn: work(s, job_id=job_id, span=span, turn=turn), lanes=LANES
        )
        return len(spans)


def try_out_now(job_id: int, path: Path | None = None) -> None:
    """See `try_out`; without a broker."""
    job = job_of(job_id)
    if imports.step(job) == "reading":
        try:
            run = _read(job, path or lists.files().path(job.stored_as))
            transacted(import_subjects.finish_reading, job_id=job_id, run=run)
        except (intake.Unreadable, FileGone) as refusal:
            transacted(imports.fail, job_id=job_id, sentence=str(refusal))
            return
        except imports.NotNow:  # stopped meanwhile, or another worker reads it
            return
    steps = import_subjects.steps_of(job)
    if steps.side_by_side:
        _in_lanes(import_steps.judge_span, job_id)
    else:
        _in_chunks(steps.judge, job_id)


def job_of(job_id: int) -> ImportJob:
    """The job as it stands now. Raises `NotFound`."""
    with begin() as session:
        job = session.get(ImportJob, job_id)
        if job is None:
            raise NotFound
        return job


def _read(job: ImportJob, path: Path) -> str | None:
    """Stage what is not staged yet: a chunk of rows and the progress in one transaction.

    Returns the name of this reading. Raises `NotNow` as soon as it is stopped.
    """
    staged, line = transacted(imports.last_line, job_id=job.id)
    if staged != job.total_rows:  # the server crashed in between and lost some: all over again
        with begin() as session:
            imports.forget_reading(session, session.merge(job))
            job = imports.begin_trying(session, job_id=job.id)
        staged, line = 0, 0
    run = (job.tried or {}).get("run")
    rows = lists.rows_of(job, path, start_line=line + 1 if staged else 0)
    behind: Future[Any] | None = None
    with (
        _seldom_collected(),
        ThreadPoolExecutor(1) as pool,
    ):  # rows are read while others are stored
        while chunk := list(islice(rows, imports.CHUNK)):
            if behind:
                behind.result()
            kept = {"job_id": job.id, "rows": chunk, "first": staged + 1, "run": run}
            stored = partial(transacted, import_subjects.stage, **kept)
            behind = pool.submit(copy_context().run, stored)
            staged += len(chunk)
    if behind:
        behind.result()
    return run


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Let garbage lie for longer: a fifth of the time of reading went into looking for rings."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def commit_now(job_id: int) -> None:
    """See `commit`; without a broker."""
    try:
        job = job_of(job_id)
        steps = import_subjects.steps_of(job)
        if imports.step(job) == "importing" and import_categories.wanted(job):
            _by_the_marketplace(import_categories.make, job_id=job_id)
        if steps.side_by_side:
            _in_lanes(import_steps.commit_span, job_id)
        else:
            _in_chunks(steps.commit, job_id)
    except (imports.Diverged, imports.ReadAgain) as reason:
        transacted(imports.stop, job_id=job_id, sentence=str(reason))
