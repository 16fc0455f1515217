"""Lists on their way in: uploaded, mapped, tried out, imported, and taken back."""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from app import clock
from app.columns import FIELDS, MATCH_BY, Subject, missing
from app.database import saved_with_the_next
from app.errors import DomainError
from app.operations import import_reading
from app.operations.import_undoing import KEPT, drop_made_tags, undo_rows
from app.operations.moves import locked
from app.operations.outbox import enqueue
from app.staging import Staged
from app.tenancy import current_actor
from models.history import StagedBuyer, StagedItem, StagedOrder, StagedRefund, StagedSale
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome, StagedRow, Strategy
from models.words import Channel

CHUNK = 10_000
UNDO_WITHIN = timedelta(days=30)
COUNTED = tuple(Outcome)


class NoIdentity(DomainError):
    sentence = "{what}"


class FieldTwice(DomainError):
    sentence = "Two columns go to the same field, {field}: leave one of them out."


class NotNow(DomainError):
    sentence = "This list is {status} now, so this step is not open: reload the page."


class HasBegun(DomainError):
    sentence = "Part of this list is imported already: undo that first, then change the columns."


class Diverged(DomainError):
    sentence = (
        "The customers changed since this list was tried out: the import stopped, try it out again."
    )


class TooLateToUndo(DomainError):
    sentence = "An import can be undone for 30 days: this one is older."


class ReadAgain(DomainError):
    sentence = "What was read of this list is gone: try it out again."


def start(
    session: Session,
    *,
    filename: str,
    stored_as: str,
    checksum: str,
    kind: str,
    header: Sequence[str],
    samples: Sequence[Sequence[str]],
    mapping: Mapping[str, str | None],
    subject: str = Subject.CUSTOMERS,
    encoding: str | None = None,
    delimiter: str | None = None,
    strategy: str = Strategy.FILL,
    channel: str = Channel.IMPORT,
) -> ImportJob:
    """Take in an uploaded list; `mapping` is what its columns seem to be.

    `channel` is how its new customers came, if it is about customers.
    """
    job = ImportJob(
        user_id=current_actor().user_id,
        subject=Subject(subject),
        filename=_clean(filename)[:255] or "list",
        stored_as=stored_as,
        checksum=checksum,
        kind=kind,
        encoding=encoding,
        delimiter=delimiter,
        header=[_clean(name) for name in header],
        samples=[[_clean(cell)[:200] for cell in row] for row in samples],
        mapping={_clean(name): str(f) if f else None for name, f in mapping.items()},
        strategy=Strategy(strategy),
        channel=Channel(channel),
        match_by=list(MATCH_BY[Subject(subject)]),
    )
    session.add(job)
    session.flush()  # the id, by which everything else speaks of the job
    return job


def refuse(
    session: Session,
    *,
    filename: str,
    stored_as: str,
    checksum: str,
    sentence: str,
    subject: str = Subject.CUSTOMERS,
) -> ImportJob:
    """Keep a record of an uploaded file that is refused as a whole, and why."""
    job = start(
        session, filename=filename, stored_as=stored_as, checksum=checksum, kind="refused",
        header=[], samples=[], mapping={}, subject=subject,
    )  # fmt: skip
    return _refused(job, sentence)


def _clean(cell: str) -> str:
    return cell.replace("\x00", "").encode("utf-8", "replace").decode()


def _refused(job: ImportJob, sentence: str) -> ImportJob:
    job.status, job.refused = ImportStatus.FAILED, sentence
    job.finished_at = clock.now()
    return job


def map_columns(
    session: Session,
    *,
    job_id: int,
    mapping: Mapping[str, str | None],
    strategy: str = Strategy.FILL,
    match_by: Sequence[str] | None = None,
) -> ImportJob:
    """Say what each column becomes, and what happens to what is known already.

    Without `match_by` things are known, and made, as the list proposes.

    Raises `NoIdentity`, `FieldTwice`, and `HasBegun` once rows of the list are imported.
    """
    job = held(session, job_id, ImportStatus.UPLOADED, ImportStatus.MAPPED, ImportStatus.TRIED)
    if settled(job):
        raise HasBegun
    words = FIELDS[Subject(job.subject)]
    fields = {name: words(f) if (f := mapping.get(name)) else None for name in job.header}
    taken = [field for field in fields.values() if field]
    for field in taken:
        if taken.count(field) > 1:
            raise FieldTwice(field=field.value.replace("_", " "))
    check_identity(job, taken)
    job.mapping = {name: field.value if field else None for name, field in fields.items()}
    job.strategy = Strategy(strategy)
    if match_by is not None:
        job.match_by = [word for word in MATCH_BY[Subject(job.subject)] if word in match_by]
    job.status = ImportStatus.MAPPED
    forget_reading(session, job)
    return job


def check_identity(job: ImportJob, fields: Collection[str | None]) -> None:
    """Raises `NoIdentity`, with what is missing, if nothing could be made of these columns."""
    if (what := missing(job.subject, fields)) is not None:
        raise NoIdentity(what=what)


def count_rows(session: Session, *, job_id: int, rows: int) -> ImportJob:
    """Remember how many rows a list has that cannot be tried out; a try-out counts itself."""
    job = held(session, job_id, ImportStatus.UPLOADED)
    job.total_rows = rows
    return job


def forget_reading(session: Session, job: ImportJob) -> None:
    """Let go of everything that was read of the list and planned with it."""
    session.execute(delete(StagedRow).where(StagedRow.job_id == job.id))
    forget_plan(session, job)
    job.total_rows = job.progress = 0
    job.tried = job.refused = None


def forget_plan(session: Session, job: ImportJob) -> None:
    """Let go of what was planned with the rows that are not imported."""
    session.execute(
        delete(ImportRow).where(ImportRow.job_id == job.id, ImportRow.position > settled(job))
    )


def held(session: Session, job_id: int, *allowed: ImportStatus) -> ImportJob:
    """The job, locked, if it stands where the step may be taken."""
    job = locked(session, ImportJob, job_id)
    if job.status not in allowed:
        raise NotNow(status=job.status)
    return job


def settled(job: ImportJob) -> int:
    """How many rows of the job are imported for good."""
    return int((job.result or {}).get("settled", 0))


def step(job: ImportJob) -> str | None:
    """What runs in the background now, or nothing.

    One of: reading, matching, names, importing, deciding, undoing.
    """
    if job.status == ImportStatus.IMPORTING:
        return "importing"
    for word in ("undoing", "deciding"):
        if (job.result or {}).get(word):
            return word
    return (job.tried or {}).get("step")


def ask_to_try(session: Session, *, job_id: int) -> ImportJob:
    """Have the list tried out in the background; asking twice has no second effect."""
    job = held(session, job_id, ImportStatus.MAPPED, ImportStatus.TRIED)
    if step(job) is None:
        begin_trying(session, job_id=job_id)
        enqueue(session, "tasks.imports.try_out", vendor_id=job.vendor_id, job_id=job.id)
    return job


def begin_trying(session: Session, *, job_id: int) -> ImportJob:
    """Put the job at the beginning of its try-out; what was read of it already stays."""
    job = held(session, job_id, ImportStatus.MAPPED, ImportStatus.TRIED)
    check_identity(job, job.mapping.values())
    whole = job.tried is not None and _is_staged(session, job)
    if not whole and not settled(job):
        forget_reading(session, job)
    forget_plan(session, job)
    _go_on(job)
    job.status, job.refused = ImportStatus.MAPPED, None
    job.tried = {"step": "matching" if whole else "reading", "run": secrets.token_hex(4)}
    job.progress = settled(job) if whole else job.total_rows
    return job


def _is_staged(session: Session, job: ImportJob) -> bool:
    """Whether all that was read is still there; a crash of the server empties it."""
    count = select(func.count()).where(StagedRow.job_id == job.id)
    return job.total_rows > 0 and session.scalar(count) == job.total_rows


def last_line(session: Session, *, job_id: int) -> tuple[int, int]:
    """How many rows are staged, and the line of the last: where reading goes on."""
    found = session.execute(
        select(func.count(), func.coalesce(func.max(StagedRow.line), 0)).where(
            StagedRow.job_id == job_id
        )
    ).one()
    return found[0], found[1]


def stage(
    session: Session,
    *,
    job_id: int,
    rows: Sequence[Staged],
    first: int,
    run: str | None = None,
    keep: Callable[..., Any] = import_reading.stage,
) -> ImportJob:
    """Keep the next rows of the list; progress moves in the same transaction."""
    job = _read_by(session, job_id, run)
    if job.total_rows != first - 1:
        raise NotNow(status="read by another worker")
    keep(session, job_id=job_id, rows=rows, first=first, match_by=job.match_by)
    job.total_rows = job.progress = first - 1 + len(rows)
    saved_with_the_next(session)  # at the latest with the end of the reading
    return job


def finish_reading(
    session: Session,
    *,
    job_id: int,
    run: str | None = None,
    gather: Callable[..., Any] = import_reading.find_twins,
) -> ImportJob:
    """All rows are staged: find those that are the same, and go on to matching."""
    job = _read_by(session, job_id, run)
    gather(session, job_id=job_id, rows=job.total_rows)
    job.tried, job.progress = {"step": "matching"}, settled(job)
    return job


def _read_by(session: Session, job_id: int, run: str | None) -> ImportJob:
    """The job, if it is being read, and still by the reading that `run` names.

    A reading that was stopped may end late, after another one of other columns has begun.
    """
    job = held(session, job_id, ImportStatus.MAPPED)
    if step(job) != "reading" or run not in (None, (job.tried or {}).get("run")):
        raise NotNow(status="read by another worker")
    return job


def ask_to_commit(session: Session, *, job_id: int) -> ImportJob:
    """Import the list that was tried out, in the background; a second click is refused."""
    job = begin_import(session, job_id=job_id)
    enqueue(session, "tasks.imports.commit", vendor_id=job.vendor_id, job_id=job.id)
    return job


def begin_import(session: Session, *, job_id: int) -> ImportJob:
    """Put the job at the beginning of its import."""
    job = held(session, job_id, ImportStatus.TRIED)
    if not settled(job) and job.total_rows and not _is_staged(session, job):
        raise ReadAgain
    job.status, job.started_at = ImportStatus.IMPORTING, job.started_at or clock.now()
    job.progress = settled(job)
    _go_on(job)
    return job


def _go_on(job: ImportJob) -> None:
    if (job.result or {}).get("halted"):
        job.result = {**(job.result or {}), "halted": False}


def stop(session: Session, *, job_id: int, sentence: str) -> ImportJob:
    """The import cannot go on: back to the columns, with the reason; what is imported stays."""
    job = locked(session, ImportJob, job_id)
    job.status, job.refused, job.tried = ImportStatus.MAPPED, sentence, None
    if _is_staged(session, job):
        job.tried = {}
    halt(session, job)
    return job


def halt(session: Session, job: ImportJob) -> None:
    """If rows are imported already, count what became of them: they stay, and can be undone."""
    if done := settled(job):
        counted = counts(session, job_id=job.id, until=done)
        job.result = {**(job.result or {}), **counted, "halted": True}


def is_halted(job: ImportJob) -> bool:
    """Whether only a part of the list is imported, and nothing goes on by itself."""
    return bool((job.result or {}).get("halted")) and step(job) is None


def fail(session: Session, *, job_id: int, sentence: str) -> ImportJob:
    """The file is refused as a whole; nothing of what was read is kept."""
    job = locked(session, ImportJob, job_id)
    session.execute(delete(StagedRow).where(StagedRow.job_id == job_id))
    job.tried = None
    return _refused(job, sentence)


def ask_to_undo(session: Session, *, job_id: int) -> ImportJob:
    """Take the import back, in the background. Raises `TooLateToUndo` after 30 days."""
    job = begin_undo(session, job_id=job_id)
    enqueue(session, "tasks.imports.undo", vendor_id=job.vendor_id, job_id=job.id)
    return job


def can_undo(job: ImportJob) -> bool:
    """Whether the page offers to take the import back."""
    open_ = job.status == ImportStatus.COMPLETED or (
        settled(job) > 0 and job.status in (ImportStatus.MAPPED, ImportStatus.TRIED)
    )
    return open_ and step(job) is None and not _too_old(job)


def _too_old(job: ImportJob) -> bool:
    begun = job.finished_at or job.started_at
    return begun is not None and clock.now() - begun > UNDO_WITHIN


def begin_undo(session: Session, *, job_id: int) -> ImportJob:
    """Put the job at the beginning of its undoing."""
    job = locked(session, ImportJob, job_id)
    if _too_old(job):
        raise TooLateToUndo
    if not can_undo(job):
        raise NotNow(status=step(job) or job.status)
    job.result = {**(job.result or {}), "undoing": True}
    job.progress = 0
    return job


def undo_chunk(
    session: Session,
    *,
    job_id: int,
    size: int = CHUNK,
    take_back: Callable[..., None] = undo_rows,
    clear: Callable[..., None] = drop_made_tags,
) -> bool:
    """Take back the next rows; False when nothing is left to do."""
    job = locked(session, ImportJob, job_id)
    if step(job) != "undoing":
        return False
    lock_customers(session, job)
    last = job.total_rows if job.finished_at else settled(job)
    until = min(job.progress + size, last)
    take_back(session, job_id=job_id, after=job.progress, until=until)
    job.progress = until
    if until >= last:
        clear(session, job=job)
        _finish_undo(session, job)
    return until < last


def _finish_undo(session: Session, job: ImportJob) -> None:
    result = dict(job.result or {})
    for word in ("undoing", "halted"):
        result.pop(word, None)
    if not job.finished_at:
        forget_plan(session, job)
    kept = (ImportRow.code.in_(KEPT), ImportRow.undone.is_(True))
    of_job = select(func.count()).where(ImportRow.job_id == job.id)
    result["kept"], result["taken_back"] = (session.scalar(of_job.where(c)) for c in kept)
    session.execute(delete(StagedRow).where(StagedRow.job_id == job.id))
    job.result, job.status, job.undone_at = result, ImportStatus.UNDONE, clock.now()


def lock_customers(session: Session, job: ImportJob) -> None:
    """One import at a time writes into a vendor: two lists at once would make twins."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"import into vendor {job.vendor_id}"},
    )


def counts(session: Session, *, job_id: int, until: int | None = None) -> dict[str, int]:
    """How many rows, or the rows up to a position, ended in each outcome; all are named."""
    of_job = select(ImportRow.outcome, func.count()).where(ImportRow.job_id == job_id)
    if until is not None:
        of_job = of_job.where(ImportRow.position <= until)
    by_outcome = session.execute(of_job.group_by(ImportRow.outcome))
    found = {row[0]: row[1] for row in by_outcome}
    return {outcome.value: found.get(outcome.value, 0) for outcome in COUNTED}


def planned(session: Session, job: ImportJob) -> dict[str, int]:
    """How many rows will end in each outcome; what is not written down will be created."""
    told = counts(session, job_id=job.id)
    told[Outcome.CREATED.value] += job.total_rows - sum(told.values())
    return told


def to_decide(job_id: int) -> Any:
    """Of a job's rows, those that look like somebody and wait for a decision."""
    return (
        (ImportRow.job_id == job_id)
        & (ImportRow.code == "same_person")
        & (ImportRow.outcome == Outcome.SKIPPED_DUPLICATE)
    )


def clear_left_over(
    session: Session, *, older_than: timedelta = timedelta(days=7)
) -> list[tuple[str, str]]:
    """Let go of lists that nobody has touched for a week: what was read of them, and their files.

    Returns `(stored_as, checksum)` of the files that nobody needs any more.
    """
    old = (ImportJob.updated_at < clock.now() - older_than, ImportJob.stored_as != "")
    jobs = session.execute(
        select(ImportJob.id, ImportJob.stored_as, ImportJob.checksum).where(*old)
    ).all()
    ids = [job.id for job in jobs]
    for staged in (StagedRow, StagedSale, StagedBuyer, StagedItem, StagedOrder, StagedRefund):
        session.execute(delete(staged).where(staged.job_id.in_(ids)))
    kept = {"stored_as": "", "updated_at": ImportJob.updated_at}
    session.execute(update(ImportJob).where(ImportJob.id.in_(ids)).values(kept))
    return [(job.stored_as, job.checksum) for job in jobs]
