"""Customer lists: where the files that `app.intake` reads meet the rules of the imports."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import intake, lists
from app.database import begin, begin_bulk
from app.errors import DomainError, NotFound
from app.gateways.files import FileGone
from app.operations import import_decisions, import_steps, imports
from app.tenancy import SYSTEM, acting, vendor_actor
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome
from models.vendors import Vendor
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
    _try_out(job_id)


@celery_app.task(name="tasks.imports.commit")
def commit(job_id: int) -> None:
    """Import the list, chunk by chunk; goes on where it was killed."""
    _commit(job_id)


@celery_app.task(name="tasks.imports.undo")
def undo(job_id: int) -> None:
    """Take the import back, chunk by chunk; goes on where it was killed."""
    _in_chunks(imports.undo_chunk, job_id)


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


def _transacted(verb: Any, **arguments: Any) -> Any:
    with begin_bulk() as session:
        return verb(session, **arguments)


def _in_chunks(verb: Any, job_id: int) -> None:
    """Chunk after chunk, with fresh statistics before each doubling of what was done."""
    done, due = 0, 0
    while True:
        if done == due:
            _transacted(import_steps.refresh_statistics)
            due = 2 * done or 1
        if not _transacted(verb, job_id=job_id):
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
        if done == 0 or (grows and done >= due):
            _transacted(import_steps.refresh_statistics)
            due = 5 * done or LANES
        with suppress(imports.NotNow, TimeoutError):  # stopped, or held up: see what is left to do
            wave = _wave(work, job_id, LANES if grows and not done else WAVE)
            done += wave


def _wave(work: Callable[..., None], job_id: int, most: int) -> int:
    """Chunks of a list side by side, a single one in this transaction; how many there were."""
    with begin_bulk() as session:
        spans = import_steps.next_spans(session, job_id=job_id, size=imports.CHUNK, most=most)
        if len(spans) < 2:
            for span in spans:
                work(session, job_id=job_id, span=span, turn=lambda: None)
            return len(spans)
        if work is import_steps.commit_span:
            _transacted(import_steps.make_tags, job_id=job_id, spans=spans)
        side_by_side(
            spans, lambda s, span, turn: work(s, job_id=job_id, span=span, turn=turn), lanes=LANES
        )
        return len(spans)


def _try_out(job_id: int, path: Path | None = None) -> None:
    job = _job(job_id)
    if imports.step(job) == "reading":
        try:
            run = _read(job, path or lists.files().path(job.stored_as))
            _transacted(imports.finish_reading, job_id=job_id, run=run)
        except (intake.Unreadable, FileGone) as refusal:
            _transacted(imports.fail, job_id=job_id, sentence=str(refusal))
            return
        except imports.NotNow:  # stopped meanwhile, or another worker reads it
            return
    _in_lanes(import_steps.judge_span, job_id)


def _job(job_id: int) -> ImportJob:
    with begin() as session:
        job = session.get(ImportJob, job_id)
        if job is None:
            raise NotFound
        return job


def _read(job: ImportJob, path: Path) -> str | None:
    """Stage what is not staged yet: a chunk of rows and the progress in one transaction.

    Returns the name of this reading. Raises `NotNow` as soon as it is stopped.
    """
    staged, line = _transacted(imports.last_line, job_id=job.id)
    if staged != job.total_rows:  # the server crashed in between and lost some: all over again
        with begin() as session:
            imports.forget_reading(session, session.merge(job))
            job = imports.begin_trying(session, job_id=job.id)
        staged, line = 0, 0
    run = (job.tried or {}).get("run")
    rows = lists.rows_of(job, path, start_line=line + 1 if staged else 0)
    behind: Future[Any] | None = None
    with ThreadPoolExecutor(1) as pool:  # the next rows are read while these are stored
        while chunk := list(islice(rows, imports.CHUNK)):
            if behind:
                behind.result()
            kept = {"job_id": job.id, "rows": chunk, "first": staged + 1, "run": run}
            behind = pool.submit(copy_context().run, lambda k=kept: _transacted(imports.stage, **k))
            staged += len(chunk)
    if behind:
        behind.result()
    return run


def _commit(job_id: int) -> None:
    try:
        _in_lanes(import_steps.commit_span, job_id)
    except (imports.Diverged, imports.ReadAgain) as reason:
        _transacted(imports.stop, job_id=job_id, sentence=str(reason))


# --- the command line --------------------------------------------------------------------


def run_file(path: Path | str, *, vendor_slug: str, commit: bool = False) -> dict[str, Any]:
    """Import a file into a vendor, without `commit` only try it out; what became of it.

    `{rows, created, updated, unchanged, skipped_duplicate, invalid, mapping, problems, refused}`.
    """
    path = Path(path)
    with acting(SYSTEM), begin() as session:
        vendor_id = session.scalar(select(Vendor.id).where(Vendor.slug == vendor_slug))
    if vendor_id is None:
        return _report(refused=f"There is no vendor {vendor_slug!r}: check its short name.")
    if not path.is_file():
        return _report(refused=f"There is no file {path.name!r}: check its path.")
    with acting(vendor_actor(vendor_id)):
        return _run(path, commit)


def _run(path: Path, commit: bool) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            kept = lists.files().keep(
                iter(lambda: file.read(_PIECE), b""), most=lists.limits().max_bytes
            )
    except DomainError as refusal:
        return _report(refused=str(refusal))
    job = lists.take_in(kept, path.name)
    if job.refused:
        return _report(refused=job.refused)
    if not imports.IDENTITY & set(lists.as_mapping(job).values()):
        return _unmapped(job)
    _transacted(imports.map_columns, job_id=job.id, mapping=job.mapping)
    _transacted(imports.begin_trying, job_id=job.id)
    _try_out(job.id)
    if commit and _job(job.id).status == ImportStatus.TRIED:
        _transacted(imports.begin_import, job_id=job.id)
        _commit(job.id)
    return _told(job.id)


def _unmapped(job: ImportJob) -> dict[str, Any]:
    """A table without anybody in it: counted and refused, with what to map."""
    sentence = str(imports.NoIdentity())
    try:
        rows = lists.opened(lists.files().path(job.stored_as), job.filename).count()
    except DomainError as refusal:
        rows, sentence = 0, str(refusal)
    _transacted(imports.fail, job_id=job.id, sentence=sentence)
    return _report(rows=rows, mapping=job.mapping, header=job.header, refused=sentence)


def _told(job_id: int) -> dict[str, Any]:
    with begin() as session:
        job = session.get_one(ImportJob, job_id)
        counted = {} if job.refused else imports.planned(session, job)
        problems = [] if job.refused else _problems(session, job_id)
        return _report(
            rows=job.total_rows, mapping=job.mapping, header=job.header, problems=problems,
            refused=job.refused, **counted,
        )  # fmt: skip


def _problems(session: Session, job_id: int) -> list[dict[str, Any]]:
    """Problems of the rows, and the rows that wait for a decision, in the order of the file."""
    asked = select(ImportRow).where(
        ImportRow.job_id == job_id,
        ImportRow.problems.is_not(None) | imports.to_decide(job_id),
    )
    told: list[dict[str, Any]] = []
    for row in session.scalars(asked.order_by(ImportRow.position).limit(_SHOWN_PROBLEMS)):
        told += [_shown(problem) for problem in row.problems or ()]
        if row.code == "same_person" and row.outcome == Outcome.SKIPPED_DUPLICATE:
            told.append(_same_person(row))
    return told


def _shown(problem: dict[str, Any]) -> dict[str, Any]:
    return {k: problem[k] for k in ("line", "page", "column", "code", "value", "message")}


def _same_person(row: ImportRow) -> dict[str, Any]:
    return {
        "line": row.line, "page": row.page, "column": None, "code": "same_person",
        "value": (row.after or {}).get("full_name") or (row.after or {}).get("company"),
        "message": "This looks like somebody you know, by name only: decide on the import's page.",
    }  # fmt: skip


def _report(
    *, mapping: dict[str, Any] | None = None, header: list[Any] | None = None, **told: Any
) -> dict[str, Any]:
    report: dict[str, Any] = {"rows": 0, **{outcome.value: 0 for outcome in Outcome}}
    known = mapping or {}
    report["mapping"] = {name: known.get(name) for name in header or known}
    return {**report, "problems": [], "refused": None, **told}
