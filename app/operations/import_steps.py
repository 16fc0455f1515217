"""The steps of a try-out and of an import: a chunk of rows, a transaction each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from app import clock
from app.columns import Subject
from app.database import saved_with_the_next
from app.errors import DomainError, NotFound
from app.operations import import_matching as matching
from app.operations import import_reading, imports
from app.operations.import_undoing import remember, untouched
from app.operations.import_writing import name_leaders, write
from app.operations.moves import locked
from app.staging import LISTED, TypedRow, as_json, staged
from models.customers import Customer
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome, StagedRow, Strategy

AFTER = (
    "jsonb_strip_nulls(to_jsonb(s) - '{id,vendor_id,job_id,keys,leader,link,raw,problems}'::text[])"
)
_LONGEST_TAG_LIST = 10_000


def refresh_statistics(session: Session) -> None:
    """Let the planner see what is there: on an unknown table it takes any index of the vendor."""
    session.execute(text("SELECT refresh_statistics()"))


Span = tuple[int, int]
"""Rows after the first position, up to and with the second."""


def next_spans(session: Session, *, job_id: int, size: int, most: int) -> list[Span]:
    """The next rows that the running step has to see to, in at most so many pieces.

    Until this session ends nobody else gets any: of the list, and while it is imported, of any
    list that goes into the same vendor.
    """
    job = session.get_one(ImportJob, job_id)
    if imports.step(job) == "importing":
        imports.lock_customers(session, job)
    else:
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('try out ' || :job, 0))"),
            {"job": str(job_id)},
        )
    session.refresh(job)
    if imports.step(job) not in ("matching", "names", "importing"):
        return []
    ends = range(job.progress, job.progress + size * most, size)
    spans = [(after, min(after + size, job.total_rows)) for after in ends]
    return [span for span in spans if span[0] < span[1]] or spans[:1]


def _still(session: Session, job_id: int, step: str | None, after: int) -> ImportJob:
    """The job, held to move its progress, if the rows before are settled and nobody stopped it.

    Others who write rows of the job at the same time may go on referring to it.
    """
    job = session.get(
        ImportJob, job_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if job is None or imports.step(job) != step or job.progress != after:
        raise imports.NotNow(status="worked on by somebody else, or stopped,")
    return job


def judge_chunk(session: Session, *, job_id: int, size: int = imports.CHUNK) -> bool:
    """Judge the next rows of a list that is tried out; False when all are judged."""
    job = locked(session, ImportJob, job_id)
    step = imports.step(job)
    if job.status != ImportStatus.MAPPED or step not in ("matching", "names"):
        return False
    span = (job.progress, min(job.progress + size, job.total_rows))
    judge_span(session, job_id=job_id, span=span, turn=lambda: None)
    return imports.step(job) is not None


def judge_span(session: Session, *, job_id: int, span: Span, turn: Callable[[], None]) -> None:
    """Judge these rows; `turn` waits until those before them are settled.

    First all rows are matched by e-mail and phone, then, in a second round, those left by name:
    so nobody who is found by contact is anybody's namesake, wherever in the file they stand.
    Where there are no customers yet, there is no second round.
    """
    job = session.get_one(ImportJob, job_id)
    step = imports.step(job)
    after, until = span
    matching.open_chunk(session, job_id=job_id, after=after, until=until)
    (_plan_by_contact if step == "matching" else _plan_by_name)(session, job)
    turn()
    job = _still(session, job_id, step, after)
    job.progress = until
    if until >= job.total_rows:
        _next_round(session, job, step)
    else:
        saved_with_the_next(session)


def _next_round(session: Session, job: ImportJob, step: str | None) -> None:
    if step == "matching" and _has_customers(session, job):
        job.tried, job.progress = {"step": "names"}, imports.settled(job)
        return
    _let_the_first_have_it(session, job)
    job.tried = imports.planned(session, job)
    job.status = ImportStatus.TRIED


def _has_customers(session: Session, job: ImportJob) -> bool:
    found = select(Customer.id).where(Customer.vendor_id == job.vendor_id)
    return bool(session.scalar(select(found.exists())))


def _plan_by_contact(session: Session, job: ImportJob) -> None:
    """A row that will simply be created is not written down: most rows of most lists are."""
    matching.match_by_contact(session, match_by=job.match_by)
    matching.merge(session, strategy=job.strategy)
    matching.verdicts(session, strategy=job.strategy)
    session.execute(
        text(
            f"""
            INSERT INTO import_rows
              (job_id, position, line, page, outcome, code, customer_id, raw, problems, after)
            SELECT s.job_id, s.position, s.line, s.page, v.outcome, v.code, v.customer_id,
              s.raw, s.problems, CASE WHEN v.outcome = 'skipped_duplicate' THEN {AFTER} END
            FROM chunk s JOIN verdicts v USING (position)
            WHERE v.outcome <> 'created' OR s.problems IS NOT NULL ORDER BY s.position
            """
        )
    )


def _plan_by_name(session: Session, job: ImportJob) -> None:
    """Only rows that nobody was found for can still be a namesake."""
    session.execute(
        text(
            "DELETE FROM chunk s WHERE NOT s.valid OR s.leader IS NOT NULL OR s.name_key IS NULL"
            " OR (s.birthday IS NULL AND num_nonnulls(s.email, s.phone, s.phone_2) > 0)"
            " OR EXISTS (SELECT 1 FROM import_rows r WHERE r.vendor_id = s.vendor_id"
            " AND r.job_id = s.job_id AND r.position = s.position AND r.outcome <> 'created')"
        )
    )
    if not session.scalar(text("SELECT EXISTS (SELECT 1 FROM chunk)")):
        return
    matching.match_by_contact(session, match_by=())
    matching.match_by_name(
        session, job_id=job.id, match_by=job.match_by, settled=imports.settled(job)
    )
    matching.merge(session, strategy=job.strategy)
    matching.verdicts(session, strategy=job.strategy)
    adopt(session, job, "v.customer_id IS NOT NULL")


def adopt(session: Session, job: ImportJob, condition: str) -> None:
    """Write the verdicts into the job's rows."""
    session.execute(
        text(
            f"""
            INSERT INTO import_rows
              (job_id, position, line, page, outcome, code, customer_id, after)
            SELECT s.job_id, s.position, s.line, s.page, v.outcome, v.code, v.customer_id,
              CASE WHEN v.outcome = 'skipped_duplicate' THEN {AFTER} END
            FROM chunk s JOIN verdicts v USING (position)
            WHERE s.job_id = :job AND {condition}
            ON CONFLICT (vendor_id, job_id, position) DO UPDATE SET outcome = excluded.outcome,
              code = excluded.code, customer_id = excluded.customer_id, after = excluded.after
            """
        ),
        {"job": job.id},
    )


def _let_the_first_have_it(session: Session, job: ImportJob) -> None:
    """Of several rows that found the same customer only the first speaks for it."""
    session.execute(
        text(
            f"""
            WITH claims AS (
              SELECT position, min(position) OVER (PARTITION BY customer_id) AS first
              FROM import_rows WHERE job_id = :job AND customer_id IS NOT NULL
                AND (outcome IN ('updated', 'unchanged')
                  OR outcome = 'skipped_duplicate' AND code IN ('known', 'same_name')))
            UPDATE import_rows r SET outcome = 'skipped_duplicate', code = 'in_file',
              after = {AFTER}
            FROM claims c JOIN staged_rows s ON s.job_id = :job AND s.position = c.position
            WHERE c.first < c.position AND r.job_id = :job AND r.position = c.position
              AND r.position > :settled
            """
        ),
        {"job": job.id, "settled": imports.settled(job)},
    )


def commit_chunk(session: Session, *, job_id: int, size: int = imports.CHUNK) -> bool:
    """Import the next rows; False when the list is imported."""
    job = locked(session, ImportJob, job_id)
    if job.status != ImportStatus.IMPORTING:
        return False
    imports.lock_customers(session, job)
    span = (job.progress, min(job.progress + size, job.total_rows))
    commit_span(session, job_id=job_id, span=span, turn=lambda: None)
    return job.progress < job.total_rows


def commit_span(session: Session, *, job_id: int, span: Span, turn: Callable[[], None]) -> None:
    """Import these rows; `turn` waits until those before them are imported.

    Every row is judged anew: raises `Diverged` when a verdict is not that of the try-out.
    """
    job = session.get_one(ImportJob, job_id)
    after, until = span
    matching.open_chunk(session, job_id=job_id, after=after, until=until)
    if session.scalar(text("SELECT count(*) FROM chunk")) != until - after:
        raise imports.ReadAgain
    _judge_again(session, job)
    _same_as_tried(session, job)
    tags = write(session, job_id=job_id, filename=job.filename)
    turn()
    job = _still(session, job_id, "importing", after)
    name_leaders(session, job_id)
    count_tags(job, tags)
    job.progress = until
    job.result = {**(job.result or {}), "settled": until}
    if until >= job.total_rows:
        _finish(session, job)
    else:
        saved_with_the_next(session)


def make_tags(session: Session, *, job_id: int, spans: Sequence[Span]) -> None:
    """The tags of these rows, before several write them: each would wait for the other's."""
    made = session.scalars(
        text(
            "INSERT INTO tags (name) SELECT DISTINCT said.tag FROM staged_rows s"
            " LEFT JOIN import_rows r ON r.vendor_id = s.vendor_id AND r.job_id = s.job_id"
            " AND r.position = s.position CROSS JOIN LATERAL unnest(s.tags) AS said(tag)"
            " WHERE s.job_id = :job AND s.position > :after AND s.position <= :until"
            " AND s.tags IS NOT NULL AND coalesce(r.outcome IN ('created', 'updated'), true)"
            " ORDER BY 1 ON CONFLICT DO NOTHING RETURNING id"
        ),
        {"job": job_id, "after": spans[0][0], "until": spans[-1][1]},
    )
    count_tags(_still(session, job_id, "importing", spans[0][0]), list(made))


def _judge_again(session: Session, job: ImportJob) -> None:
    """Once more against what stands there now, but for what the list itself decided or changes."""
    matching.match_by_contact(session, match_by=job.match_by)
    matching.match_by_name(session, job_id=job.id, match_by=job.match_by, settled=job.total_rows)
    matching.merge(session, strategy=job.strategy)
    matching.verdicts(session, strategy=job.strategy)
    session.execute(
        text(
            """
            UPDATE verdicts v SET outcome = r.outcome, code = r.code, customer_id = r.customer_id
            FROM import_rows r WHERE r.job_id = :job AND r.position = v.position
              AND (r.code = 'in_file' OR r.code = 'same_person' AND EXISTS (
                SELECT 1 FROM import_rows o WHERE o.vendor_id = r.vendor_id
                  AND o.customer_id = r.customer_id AND o.job_id = r.job_id
                  AND o.code IS DISTINCT FROM 'same_person'
                  AND o.code IS DISTINCT FROM 'same_name'))
            """
        ),
        {"job": job.id},
    )


def _same_as_tried(session: Session, job: ImportJob) -> None:
    different = session.scalar(
        text(
            "SELECT EXISTS (SELECT 1 FROM verdicts v LEFT JOIN import_rows r"
            " ON r.job_id = :job AND r.position = v.position"
            " WHERE v.outcome IS DISTINCT FROM coalesce(r.outcome, 'created')"
            " OR v.code IS DISTINCT FROM r.code"
            " OR v.customer_id IS DISTINCT FROM r.customer_id)"
        ),
        {"job": job.id},
    )
    if different:
        raise imports.Diverged


def count_tags(job: ImportJob, tags: list[int]) -> None:
    """Remember the tags that had to be made: an undo takes them back."""
    if tags:
        result = dict(job.result or {})
        result["tags"] = [*result.get("tags", []), *tags][:_LONGEST_TAG_LIST]
        job.result = result


def _finish(session: Session, job: ImportJob) -> None:
    counted = imports.counts(session, job_id=job.id)
    if counted != job.tried:
        raise imports.Diverged
    session.execute(delete(StagedRow).where(StagedRow.job_id == job.id))
    job.result = {**(job.result or {}), **counted}
    job.status, job.finished_at = ImportStatus.COMPLETED, clock.now()


# --- one row at a time -------------------------------------------------------------------


class NothingToDecide(DomainError):
    sentence = "This row is settled already: reload the page."


def fix_row(session: Session, *, row_id: int, typed: TypedRow) -> ImportRow:
    """Try a problem row again as somebody corrected it; it ends in a new outcome at once."""
    job, row = _open_row(session, row_id, Outcome.INVALID)
    corrected = replace(typed, line=row.line, page=row.page)
    _stage_one(session, job, row)
    import_reading.stage(
        session, job_id=job.id, rows=[staged(corrected)], first=row.position,
        match_by=job.match_by,
    )  # fmt: skip
    matching.open_chunk(session, job_id=job.id, after=row.position - 1, until=row.position)
    matching.match_by_contact(session, match_by=job.match_by)
    matching.match_by_name(session, job_id=job.id, match_by=job.match_by, settled=0)
    keep_words(session, job)
    return _settle(session, job, row, strategy=job.strategy)


def keep_words(session: Session, job: ImportJob) -> None:
    """What somebody typed stays with the row, as long as something is wrong with it."""
    session.execute(
        text(
            "UPDATE import_rows r SET raw = s.raw, problems = s.problems FROM chunk s"
            " WHERE r.job_id = :job AND r.position = s.position"
        ),
        {"job": job.id},
    )


def decide(session: Session, *, row_id: int, choice: str) -> ImportRow:
    """Settle a row that was left out as a duplicate.

    `same`: it is that customer, take what the list says of it; `new`: it is somebody else, make
    a new customer; `leave`: keep it out.
    """
    job, row = _open_row(session, row_id, Outcome.SKIPPED_DUPLICATE)
    if choice == "leave":
        row.code = "left_out"
        return row
    if row.after is None or choice not in ("same", "new"):
        raise NothingToDecide
    if choice == "same" and row.customer_id is None:
        raise NothingToDecide
    _stage_one(session, job, row, kept=row.after)
    matching.open_chunk(session, job_id=job.id, after=row.position - 1, until=row.position)
    matching.match_by_contact(session, match_by=())
    if choice == "same":
        session.execute(text("UPDATE found SET customer_id = :c"), {"c": row.customer_id})
    strategy = Strategy.FILL if job.strategy == Strategy.SKIP else job.strategy
    return _settle(session, job, row, strategy=strategy)


def _open_row(session: Session, row_id: int, outcome: Outcome) -> tuple[ImportJob, ImportRow]:
    job = imports.held(session, job_of_row(session, row_id), ImportStatus.COMPLETED)
    row = locked(session, ImportRow, row_id)
    only_customers(job)
    if row.outcome != outcome or imports.step(job) is not None:
        raise NothingToDecide
    imports.lock_customers(session, job)
    return job, row


def only_customers(job: ImportJob) -> None:
    """Rows of other lists are corrected in the file: raises `NothingToDecide`."""
    if job.subject != Subject.CUSTOMERS:
        raise NothingToDecide


def job_of_row(session: Session, row_id: int) -> int:
    """Whose row it is: the job is locked before its rows, as the worker does. Raises `NotFound`."""
    job_id = session.scalar(select(ImportRow.job_id).where(ImportRow.id == row_id))
    if job_id is None:
        raise NotFound
    return job_id


def _stage_one(
    session: Session, job: ImportJob, row: ImportRow, kept: dict[str, Any] | None = None
) -> None:
    of_row = (StagedRow.job_id == job.id, StagedRow.position == row.position)
    session.execute(delete(StagedRow).where(*of_row))
    if kept is None:
        return
    session.execute(
        text(
            f"INSERT INTO staged_rows (job_id, {LISTED}, keys)"
            f" SELECT :job, {LISTED}, '{{}}'"
            " FROM jsonb_populate_record(NULL::staged_rows, CAST(:kept AS jsonb))"
        ),
        {"job": job.id, "kept": as_json(kept)},
    )


def _settle(session: Session, job: ImportJob, row: ImportRow, *, strategy: str) -> ImportRow:
    matching.merge(session, strategy=strategy)
    matching.verdicts(session, strategy=strategy)
    adopt(session, job, "true")
    ours = untouched(session, job_id=job.id)
    count_tags(job, write(session, job_id=job.id, filename=job.filename))
    name_leaders(session, job.id)
    remember(session, job_id=job.id, positions=ours)
    of_row = (StagedRow.job_id == job.id, StagedRow.position == row.position)
    session.execute(delete(StagedRow).where(*of_row))
    session.refresh(row)
    job.result = {**(job.result or {}), **imports.counts(session, job_id=job.id)}
    return row
