"""A list from the command line: the steps of the import's pages, one after the other."""

from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import lists
from app.columns import Subject, missing
from app.database import begin
from app.errors import DomainError
from app.operations import imports
from app.tenancy import SYSTEM, acting, vendor_actor
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome
from models.vendors import Vendor
from tasks.imports import commit_now, job_of, transacted, try_out_now

_SHOWN_PROBLEMS = 10_000
_PIECE = 1 << 20


def run_file(
    path: Path | str,
    *,
    vendor_slug: str,
    commit: bool = False,
    subject: str = Subject.CUSTOMERS,
) -> dict[str, Any]:
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
        return _run(path, commit, subject)


def _run(path: Path, commit: bool, subject: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            kept = lists.files().keep(
                iter(lambda: file.read(_PIECE), b""), most=lists.limits().max_bytes
            )
    except DomainError as refusal:
        return _report(refused=str(refusal))
    job = lists.take_in(kept, path.name, subject)
    if job.refused:
        return _report(refused=job.refused)
    if (what := missing(job.subject, job.mapping.values())) is not None:
        return _unmapped(job, what)
    transacted(imports.map_columns, job_id=job.id, mapping=job.mapping)
    transacted(imports.begin_trying, job_id=job.id)
    try_out_now(job.id)
    if commit and job_of(job.id).status == ImportStatus.TRIED:
        transacted(imports.begin_import, job_id=job.id)
        commit_now(job.id)
    return _told(job.id)


def _unmapped(job: ImportJob, sentence: str) -> dict[str, Any]:
    """A table without anybody in it: counted and refused, with what to map."""
    try:
        rows = lists.opened_of(job).count()
    except DomainError as refusal:
        rows, sentence = 0, str(refusal)
    transacted(imports.fail, job_id=job.id, sentence=sentence)
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
