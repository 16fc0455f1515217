"""A problem row is corrected: before the import it is judged anew, afterwards imported at once."""

from dataclasses import replace

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from app.operations import import_matching as matching
from app.operations import import_reading, import_steps, imports
from app.operations.moves import locked
from app.staging import TypedRow, staged
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome, StagedRow


def correct(session: Session, *, row_id: int, typed: TypedRow) -> ImportRow:
    """Try a problem row again as somebody corrected it; it ends in a new outcome at once.

    Raises `NothingToDecide` for a row that is no problem (any more), `NotNow` while the list is
    on its way, `ReadAgain` when what was read of the list is gone.
    """
    job_id = import_steps.job_of_row(session, row_id)
    job = imports.held(session, job_id, ImportStatus.TRIED, ImportStatus.COMPLETED)
    import_steps.only_customers(job)
    if job.status == ImportStatus.COMPLETED:
        return import_steps.fix_row(session, row_id=row_id, typed=typed)
    row = locked(session, ImportRow, row_id)
    if row.outcome != Outcome.INVALID or row.position <= imports.settled(job):
        raise import_steps.NothingToDecide
    _restage(session, job, row, replace(typed, line=row.line, page=row.page))
    _find_twin(session, job, row)
    _judge(session, job, row)
    session.refresh(row)
    job.tried = {**(job.tried or {}), **imports.planned(session, job)}
    return row


def _restage(session: Session, job: ImportJob, row: ImportRow, typed: TypedRow) -> None:
    of_row = (StagedRow.job_id == job.id, StagedRow.position == row.position)
    if not session.scalar(select(func.count()).where(*of_row)):
        raise imports.ReadAgain
    session.execute(delete(StagedRow).where(*of_row))
    import_reading.stage(
        session, job_id=job.id, rows=[staged(typed)], first=row.position, match_by=job.match_by
    )


def _find_twin(session: Session, job: ImportJob, row: ImportRow) -> None:
    """Give the row its leader, if it is the same as another of the file, wherever that stands."""
    session.execute(
        text(
            """
            UPDATE staged_rows s SET leader = t.leader,
              link = CASE WHEN t.surely THEN 'in_file' ELSE 'same_person' END
            FROM (
              SELECT min(coalesce(o.leader, o.position)) AS leader,
                bool_or(EXISTS (SELECT 1 FROM unnest(me.keys) AS k
                  WHERE k & 1 = 0 AND k = ANY (o.keys))) AS surely
              FROM staged_rows me JOIN staged_rows o ON o.vendor_id = me.vendor_id
                AND o.job_id = me.job_id AND o.keys && me.keys AND o.position <> me.position
              WHERE me.vendor_id = :vendor AND me.job_id = :job AND me.position = :position
            ) AS t
            WHERE s.vendor_id = :vendor AND s.job_id = :job AND s.position = :position
              AND t.leader IS NOT NULL
            """
        ),
        {"vendor": job.vendor_id, "job": job.id, "position": row.position},
    )


def _judge(session: Session, job: ImportJob, row: ImportRow) -> None:
    """The same questions as in the try-out, about this row only."""
    matching.open_chunk(session, job_id=job.id, after=row.position - 1, until=row.position)
    matching.match_by_contact(session, match_by=job.match_by)
    matching.match_by_name(
        session, job_id=job.id, match_by=job.match_by, settled=imports.settled(job)
    )
    matching.merge(session, strategy=job.strategy)
    matching.verdicts(session, strategy=job.strategy)
    import_steps.adopt(session, job, "true")
    import_steps.keep_words(session, job)
    _yield_to_the_first(session, job, row)


def _yield_to_the_first(session: Session, job: ImportJob, row: ImportRow) -> None:
    """Another row of the list speaks for that customer already."""
    session.execute(
        text(
            f"""
            UPDATE import_rows r SET outcome = 'skipped_duplicate', code = 'in_file',
              after = {import_steps.AFTER}
            FROM staged_rows s
            WHERE s.vendor_id = r.vendor_id AND s.job_id = r.job_id AND s.position = r.position
              AND r.vendor_id = :vendor AND r.job_id = :job AND r.position = :position
              AND (r.outcome IN ('updated', 'unchanged') OR r.code IN ('known', 'same_name'))
              AND EXISTS (
                SELECT 1 FROM import_rows o
                WHERE o.vendor_id = r.vendor_id AND o.customer_id = r.customer_id
                  AND o.job_id = r.job_id AND o.position <> r.position
                  AND (o.outcome IN ('updated', 'unchanged')
                    OR o.outcome = 'skipped_duplicate' AND o.code IN ('known', 'same_name')))
            """
        ),
        {"vendor": job.vendor_id, "job": job.id, "position": row.position},
    )
