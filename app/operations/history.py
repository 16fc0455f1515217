"""Past sales on their way in: read, tried out, made into orders, and taken back.

A vendor who moves in brings what another till sold: completed orders dated in the past, with a
payment each, so that reports begin before the first day. Nothing of it moves stock or tells a
customer anything. Every step is a chunk and a transaction, and goes on where it was stopped.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from app import clock
from app.database import saved_with_the_next
from app.errors import DomainError
from app.operations import history_staging as staging
from app.operations import history_undoing as undoing
from app.operations import history_writing as writing
from app.operations import imports
from app.operations.history_figures import figures
from app.operations.import_halting import STOPPED
from app.operations.moves import locked
from app.operations.outbox import enqueue
from app.past_sales import Piece, SaleField, missing
from models.history import Noun
from models.imports import ImportJob, ImportRow, ImportStatus

CHUNK = 10_000
"""Lines in a transaction."""
SUBJECT = "sales"
UNDO_WITHIN = timedelta(days=30)
STAGES = ("items", "customers", "orders", "refunds")
"""In which order things are made; `result.stage` is the one at work, `result.after` how far."""
UNDONE_IN = ("refunds", "orders", "customers", "products", "services")


class NoSale(DomainError):
    sentence = "{why}"


class KnownAlready(DomainError):
    sentence = (
        "This very file was imported before, on {day}, as import {number}: undo that first, or "
        "take another file."
    )


def refuse_the_same(session: Session, *, checksum: str, but: int | None = None) -> None:
    """Raises `KnownAlready` if what stands came from the same file."""
    same = session.execute(
        select(ImportJob.id, ImportJob.started_at, ImportJob.created_at)
        .where(
            ImportJob.subject == SUBJECT,
            ImportJob.checksum == checksum,
            ImportJob.status == ImportStatus.COMPLETED,
            ImportJob.id != (but or 0),
        )
        .order_by(ImportJob.id)
        .limit(1)
    ).one_or_none()
    if same is not None:
        begun = same.started_at or same.created_at
        raise KnownAlready(day=begun.date().isoformat(), number=same.id)


def unfinished(
    session: Session, *, checksum: str, mapping: Mapping[str, str | None]
) -> ImportJob | None:
    """The import of the same file with the same columns that was not brought to its end."""
    open_ = (ImportStatus.MAPPED, ImportStatus.TRIED, ImportStatus.IMPORTING)
    asked = (
        select(ImportJob)
        .where(
            ImportJob.subject == SUBJECT,
            ImportJob.checksum == checksum,
            ImportJob.status.in_(open_),
            ImportJob.stored_as != "",
        )
        .order_by(ImportJob.id.desc())
    )
    found = (job for job in session.scalars(asked) if not (job.result or {}).get("undoing"))
    return next((job for job in found if job.mapping == dict(mapping)), None)


# --- reading -----------------------------------------------------------------------------


def map_columns(session: Session, *, job_id: int, mapping: Mapping[str, str | None]) -> ImportJob:
    """Say what each column is. Raises `NoSale`, `FieldTwice`, and `HasBegun` once it is at work."""
    states = (ImportStatus.UPLOADED, ImportStatus.MAPPED, ImportStatus.TRIED)
    job = imports.held(session, job_id, *states)
    if imports.settled(job):
        raise imports.HasBegun
    fields = {name: SaleField(f) if (f := mapping.get(name)) else None for name in job.header}
    given = [field for field in fields.values() if field]
    for field in given:
        if given.count(field) > 1:
            raise imports.FieldTwice(field=field.value.replace("_", " "))
    if sentence := missing(set(given)):
        raise NoSale(why=sentence)
    job.mapping = {name: field.value if field else None for name, field in fields.items()}
    job.status = ImportStatus.MAPPED
    _forget_reading(session, job)
    return job


def ask_to_try(session: Session, *, job_id: int) -> ImportJob:
    """Have the list tried out in the background; asking twice has no second effect."""
    job = imports.held(session, job_id, ImportStatus.MAPPED, ImportStatus.TRIED)
    if imports.step(job) is None:
        begin_trying(session, job_id=job_id)
        enqueue(session, "tasks.history.try_out", vendor_id=job.vendor_id, job_id=job.id)
    return job


def begin_trying(session: Session, *, job_id: int) -> ImportJob:
    """Put the job at the beginning of its try-out; what was read of it already stays.

    Raises `KnownAlready` when the same file was imported before.
    """
    job = imports.held(session, job_id, ImportStatus.MAPPED, ImportStatus.TRIED)
    refuse_the_same(session, checksum=job.checksum, but=job.id)
    whole = job.tried is not None and _is_staged(session, job)
    if not whole:
        _forget_reading(session, job)
    job.status, job.refused = ImportStatus.MAPPED, None
    job.tried = {"step": "grouping" if whole else "reading", "run": secrets.token_hex(4)}
    return job


def go_on_trying(session: Session, *, job_id: int) -> ImportJob:
    """Take a try-out up where it was left; one that was stopped begins again."""
    job = imports.held(session, job_id, ImportStatus.MAPPED)
    return job if imports.step(job) else begin_trying(session, job_id=job_id)


def _forget_reading(session: Session, job: ImportJob) -> None:
    staging.forget(session, job)
    session.execute(delete(ImportRow).where(ImportRow.job_id == job.id))
    job.total_rows = job.progress = 0
    job.tried = job.refused = None


def _staged_lines(session: Session, job: ImportJob) -> tuple[int, int]:
    found = session.execute(
        text(
            "SELECT count(*), coalesce(max(line), 0) FROM staged_sales"
            " WHERE vendor_id = :vendor AND job_id = :job"
        ),
        {"vendor": job.vendor_id, "job": job.id},
    ).one()
    return found[0], found[1]


def _is_staged(session: Session, job: ImportJob) -> bool:
    """Whether all that was read is still there; a crash of the server empties it."""
    return job.total_rows > 0 and _staged_lines(session, job)[0] == job.total_rows


def begin_reading(session: Session, *, job_id: int) -> tuple[int, int, str | None]:
    """How many lines are staged, the line of the last, and the name of this reading.

    What a crash of the server has left is read anew, from the beginning.
    """
    job = locked(session, ImportJob, job_id)
    if imports.step(job) not in ("reading", "importing"):
        raise imports.NotNow(status=job.status)
    staged, line = _staged_lines(session, job)
    if staged != job.total_rows:
        staging.forget(session, job)
        job.total_rows = job.progress = staged = line = 0
    return staged, line, (job.tried or {}).get("run")


def stage(
    session: Session, *, job_id: int, piece: Piece, first: int, run: str | None = None
) -> ImportJob:
    """Keep the next lines of the list; progress moves in the same transaction."""
    job = locked(session, ImportJob, job_id)
    if imports.step(job) != "reading" or run != (job.tried or {}).get("run"):
        raise imports.NotNow(status="read by another worker")
    if job.total_rows != first - 1:
        raise imports.NotNow(status="read by another worker")
    staging.keep(session, job, piece)
    job.total_rows = job.progress = first - 1 + len(piece.lines)
    saved_with_the_next(session)  # at the latest with the end of the reading
    return job


def finish_reading(session: Session, *, job_id: int, run: str | None = None) -> ImportJob:
    """All lines are staged: group them, and say what they come to."""
    job = locked(session, ImportJob, job_id)
    if imports.step(job) not in ("reading", "grouping") or (
        run is not None and run != (job.tried or {}).get("run")
    ):
        raise imports.NotNow(status="read by another worker")
    refresh_statistics(session)
    staging.group(session, job)
    _write_problems(session, job)
    job.tried = figures(session, job)
    job.status, job.progress = ImportStatus.TRIED, job.total_rows
    return job


def _write_problems(session: Session, job: ImportJob) -> None:
    """A row for each line that somebody should look at."""
    known = {"vendor": job.vendor_id, "job": job.id}
    session.execute(delete(ImportRow).where(ImportRow.job_id == job.id))
    session.execute(
        text(
            "INSERT INTO import_rows (job_id, position, line, outcome, code, raw, problems)"
            " SELECT :job, s.position, s.line, CASE WHEN s.code IS NOT NULL OR u.rest = s.total"
            " THEN 'invalid' ELSE 'created' END, coalesce(s.code, CASE WHEN u.rest IS NOT NULL"
            " THEN 'no_sale_found' END), s.raw,"
            " coalesce(s.problems, '[]') || coalesce(u.told, '[]')"
            " FROM staged_sales s LEFT JOIN (SELECT r.position, r.amount AS rest,"
            "  jsonb_build_array(jsonb_build_object('line', t.line, 'page', NULL, 'column', NULL,"
            "  'field', NULL, 'code', 'no_sale_found', 'value', r.amount::text, 'fatal', true,"
            "  'message', format(CAST(:sentence AS text), r.amount))) AS told"
            "  FROM staged_refunds r JOIN staged_sales t ON t.vendor_id = r.vendor_id"
            "  AND t.job_id = r.job_id AND t.position = r.position"
            "  WHERE r.vendor_id = :vendor AND r.job_id = :job AND r.number = 0) AS u"
            " USING (position) WHERE s.vendor_id = :vendor AND s.job_id = :job"
            " AND (s.problems IS NOT NULL OR u.rest IS NOT NULL) ORDER BY s.position"
        ),
        known | {"sentence": NO_SALE_FOUND},
    )


NO_SALE_FOUND = (
    "No earlier sale of this item to this customer has %s left to give back: that much of the"
    " return is left out."
)


def refresh_statistics(session: Session) -> None:
    """Let the planner see what is there."""
    session.execute(text("SELECT refresh_statistics_of_sales()"))


# --- importing ---------------------------------------------------------------------------


def ask_to_commit(session: Session, *, job_id: int) -> ImportJob:
    """Import the list that was tried out, in the background; a second click is refused."""
    job = begin_import(session, job_id=job_id)
    enqueue(session, "tasks.history.commit", vendor_id=job.vendor_id, job_id=job.id)
    return job


def begin_import(session: Session, *, job_id: int) -> ImportJob:
    """Put the job at the beginning of its import, or where it was stopped.

    Raises `KnownAlready` when the same file was imported before.
    """
    job = imports.held(session, job_id, ImportStatus.TRIED)
    imports.lock_customers(session, job)
    refuse_the_same(session, checksum=job.checksum, but=job.id)
    if not _is_staged(session, job):
        raise imports.ReadAgain
    if not imports.settled(job):  # what is in the catalogue may have changed since
        staging.group(session, job)
        _write_problems(session, job)
        job.tried = figures(session, job)
    job.status, job.started_at = ImportStatus.IMPORTING, job.started_at or clock.now()
    result = dict(job.result or {"stage": STAGES[0], "after": None, "settled": 0})
    job.result = {k: v for k, v in result.items() if k != "halted"}
    return job


def wants_categories(session: Session, *, job_id: int) -> bool:
    """Whether the marketplace must make categories before the import goes on."""
    job = locked(session, ImportJob, job_id)
    stage = (job.result or {}).get("stage")
    return imports.step(job) == "importing" and stage == "items" and bool(
        (job.tried or {}).get("new_categories")
    )  # fmt: skip


def make_categories(session: Session, *, job_id: int) -> None:
    """The categories that are missing, made by the marketplace, which alone may."""
    job = locked(session, ImportJob, job_id)
    if imports.step(job) == "importing":
        writing.make_categories(session, job)


def import_chunk(session: Session, *, job_id: int, size: int = CHUNK) -> bool:
    """Import the next lines; False when nothing is left to do."""
    job = locked(session, ImportJob, job_id)
    if job.status != ImportStatus.IMPORTING:
        return False
    imports.lock_customers(session, job)
    if not _is_staged_quickly(session, job):
        raise imports.ReadAgain
    stage = (job.result or {})["stage"]
    _WORK[stage](session, job, (job.result or {}).get("after"), size)
    if job.status == ImportStatus.IMPORTING:
        saved_with_the_next(session)
    return job.status == ImportStatus.IMPORTING


def _is_staged_quickly(session: Session, job: ImportJob) -> bool:
    """The last line is there: a crash of the server empties all."""
    return job.total_rows == 0 or bool(
        session.scalar(
            text(
                "SELECT EXISTS (SELECT 1 FROM staged_sales WHERE vendor_id = :vendor"
                " AND job_id = :job AND position = :last)"
            ),
            {"vendor": job.vendor_id, "job": job.id, "last": job.total_rows},
        )
    )


def _items(session: Session, job: ImportJob, _: Any, __: int) -> None:
    writing.make_items(session, job)
    writing.name_known_customers(session, job)
    _go_on(job, "customers", None, settled=1)


def _customers(session: Session, job: ImportJob, after: int | None, size: int) -> None:
    last = writing.make_customers(session, job, after=after, size=size)
    if last is not None:
        _go_on(job, "customers", last)
        return
    writing.follow_leaders(session, job)
    _go_on(job, "orders", 0)


def _orders(session: Session, job: ImportJob, after: int, size: int) -> None:
    until, lines = writing.next_order(session, job, done=after, lines=size)
    if until == after:
        _go_on(job, "refunds", 0)
        return
    writing.make_orders(session, job, after=after, until=until)
    job.progress = lines
    _go_on(job, "orders", until, settled=max(lines, 1))


def _refunds(session: Session, job: ImportJob, after: int, size: int) -> None:
    done = int((job.result or {}).get("returned_lines", 0))
    most = int((job.tried or {}).get("refunds", 0))
    if after < most:
        until = min(after + max(size // 4, 1), most)
        done += writing.make_refunds(session, job, after=after, until=until)
        job.result = {**(job.result or {}), "returned_lines": done}
        _go_on(job, "refunds", until)
        return
    staging.forget(session, job)
    told = (job.result or {}).get("figures") or job.tried or {}
    job.result = {**told, "settled": job.total_rows or 1}
    job.status, job.finished_at = ImportStatus.COMPLETED, clock.now()
    job.progress = job.total_rows


_WORK: dict[str, Callable[[Session, ImportJob, Any, int], None]] = {
    "items": _items,
    "customers": _customers,
    "orders": _orders,
    "refunds": _refunds,
}


def _go_on(job: ImportJob, stage: str, after: int | list[int] | None, **more: Any) -> None:
    job.result = {**(job.result or {}), "stage": stage, "after": after, **more}


def ask_to_stop(session: Session, *, job_id: int) -> ImportJob:
    """End the running step after the lines in hand: an import can be gone on with, or undone.

    A try-out is as if it had not begun. Raises `NotNow` when nothing runs any more.
    """
    job = locked(session, ImportJob, job_id)
    step = imports.step(job)
    if step == "importing":
        job.status = ImportStatus.TRIED
        job.result = {**(job.result or {}), "halted": True}
    elif step in ("reading", "grouping"):
        _forget_reading(session, job)
        job.refused = STOPPED
    else:
        raise imports.NotNow(status=step or job.status)
    return job


def fail(session: Session, *, job_id: int, sentence: str) -> ImportJob:
    """The list is refused as a whole; nothing of what was read is kept."""
    job = locked(session, ImportJob, job_id)
    _forget_reading(session, job)
    job.status, job.refused, job.finished_at = ImportStatus.FAILED, sentence, clock.now()
    return job


def read_again(session: Session, *, job_id: int) -> ImportJob:
    """What was staged is gone with a crash of the server: it is read anew, and gone on with."""
    job = locked(session, ImportJob, job_id)
    staging.forget(session, job)
    job.result = {"figures": job.tried, **(job.result or {})}
    job.total_rows = 0
    job.status, job.tried = ImportStatus.MAPPED, {"step": "reading", "run": secrets.token_hex(4)}
    return job


# --- undoing -----------------------------------------------------------------------------


def ask_to_undo(session: Session, *, job_id: int) -> ImportJob:
    """Take the import back, in the background. Raises `TooLateToUndo` after 30 days."""
    job = begin_undo(session, job_id=job_id)
    enqueue(session, "tasks.history.undo", vendor_id=job.vendor_id, job_id=job.id)
    return job


def begin_undo(session: Session, *, job_id: int) -> ImportJob:
    """Put the job at the beginning of its undoing. Raises `TooLateToUndo` after 30 days."""
    job = imports.begin_undo(session, job_id=job_id)
    job.result = {**(job.result or {}), "stage": UNDONE_IN[0], "after": None, "gone": 0}
    return job


def undo_chunk(session: Session, *, job_id: int, size: int = CHUNK) -> bool:
    """Take back the next orders and what else was made; False when nothing is left to do.

    What the marketplace made, it takes back in `drop_categories`.
    """
    job = locked(session, ImportJob, job_id)
    if imports.step(job) != "undoing":
        return False
    imports.lock_customers(session, job)
    stage = (job.result or {})["stage"]
    if stage == "over":
        return False
    if _undo(session, job, stage, max(size // 4, 1)):
        return True
    following = dict(zip(UNDONE_IN, (*UNDONE_IN[1:], "over"), strict=True))[stage]
    _go_on(job, following, None)
    if following == "over":
        undoing.take_references_back(session, job)
        undoing.give_numbers_back(session, job)
    return True


def _undo(session: Session, job: ImportJob, stage: str, size: int) -> bool:
    """Whether there may be more of it."""
    if stage == "refunds":
        return undoing.drop_refunds(session, job, size=size) > 0
    if stage == "orders":
        after = (job.result or {}).get("after") or (-1, 0)
        reached, gone = undoing.drop_orders(session, job, after=tuple(after), size=size)
        done = int((job.result or {}).get("gone", 0)) + gone
        _go_on(job, stage, list(reached) if reached else None, gone=done)
        job.progress = min(done, job.total_rows)
        return reached is not None
    return undoing.drop_things(session, job, Noun(stage[:-1]), size=size) > 0


def finish_undo(session: Session, *, job_id: int) -> ImportJob:
    """The last of it: categories nobody uses go, by the marketplace; what stays is counted."""
    job = locked(session, ImportJob, job_id)
    if imports.step(job) != "undoing":
        return job
    undoing.drop_things(session, job, Noun.CATEGORY, size=1_000_000)
    staging.forget(session, job)
    gone = int((job.result or {}).get("gone", 0))
    left = ("undoing", "halted", "stage", "after", "gone")
    kept = {k: v for k, v in (job.result or {}).items() if k not in left}
    job.result = {**kept, "taken_back": gone, "stays": undoing.left_over(session, job)}
    job.status, job.undone_at = ImportStatus.UNDONE, clock.now()
    return job
