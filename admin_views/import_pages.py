"""What the pages of an import show: figures, rows and sentences, ready for the templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.requests import Request

from app import intake, lists
from app.database import begin
from app.errors import DomainError
from app.operations import imports
from app.settings import settings
from app.tenancy import current_actor
from models.customers import Customer
from models.imports import Field, ImportJob, ImportRow, ImportStatus, Outcome, StagedRow, Strategy
from models.users import User
from models.vendors import Vendor

START = "/admin/imports"
PAGE_SIZE = 25
EARLIER = 20
LABELS: dict[Field, str] = {
    Field.FULL_NAME: "Full name",
    Field.FIRST_NAME: "First name",
    Field.LAST_NAME: "Last name",
    Field.COMPANY: "Company",
    Field.EMAIL: "E-mail",
    Field.PHONE: "Phone",
    Field.PHONE_2: "Second phone",
    Field.LINE1: "Street",
    Field.LINE2: "Street, second line",
    Field.CITY: "City",
    Field.REGION: "Region",
    Field.POSTAL_CODE: "Postal code",
    Field.COUNTRY: "Country",
    Field.BIRTHDAY: "Birthday",
    Field.TAGS: "Tags",
    Field.STATUS: "Status",
    Field.MARKETING_EMAIL: "Marketing by e-mail",
    Field.MARKETING_SMS: "Marketing by SMS",
    Field.NOTE: "Note",
}
KEYS = {"phone": "Phone", "email": "E-mail", "name_birthday": "Name and birthday together"}
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
WOULD = {
    "created": "become new customers",
    "updated": "change known customers",
    "unchanged": "say nothing new",
    "skipped_duplicate": "are duplicates, or look like somebody",
    "invalid": "cannot be read yet",
}
DID = {
    "created": "became new customers",
    "updated": "changed known customers",
    "unchanged": "said nothing new",
    "skipped_duplicate": "were left out as duplicates",
    "invalid": "could not be read",
}
UNDID = {**DID, "created": "were new, until undone", "updated": "were changed, until undone"}
WHY = {
    "in_file": "An earlier row of the file is the same person.",
    "same_person": "Looks like somebody known, by name only: you decide.",
    "known": "Known already, and left as they are.",
    "left_out": "Left out.",
    "kept_changed": "Kept: changed since the import.",
    "kept_in_use": "Kept: something else refers to this customer.",
}
FIXED_BY = (Field.FULL_NAME, Field.FIRST_NAME, Field.LAST_NAME, Field.COMPANY, Field.PHONE,
            Field.EMAIL, Field.CITY)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows the address asks for."""

    show: str | None
    after: int
    before: int | None

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Read from the address; what cannot be read is left out."""
        show = request.query_params.get("show")
        return cls(
            show if show in set(Outcome) else None,
            _whole(request.query_params.get("after")) or 0,
            _whole(request.query_params.get("before")),
        )


def _whole(text: str | None) -> int | None:
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def url(job: ImportJob, page: str, **query: Any) -> str:
    """An address of the job's pages."""
    asked = urlencode({k: v for k, v in query.items() if v is not None})
    return f"{START}/{job.id}/{page}" + (f"?{asked}" if asked else "")


def page_of(job: ImportJob) -> str:
    """The page on which a job stands now."""
    if imports.step(job) in ("importing", "undoing"):
        return "run"
    if job.status in (ImportStatus.COMPLETED, ImportStatus.UNDONE):
        return "result"
    return "columns" if job.status == ImportStatus.UPLOADED else "try"


def _frame(job: ImportJob, step: str) -> dict[str, Any]:
    with begin() as session:
        vendor = session.get_one(Vendor, job.vendor_id)
    rows = f"{job.total_rows:,} rows" if job.total_rows else ""
    reached = {"columns": url(job, "columns")} if step in ("try",) else {}
    return {
        "start_url": START,
        "step": step,
        "step_urls": {"file": START, **reached},
        "job": {"file": job.filename, "rows_text": rows, "vendor_name": vendor.name},
    }


# --- the file ----------------------------------------------------------------------------


def file_page() -> dict[str, Any]:
    """The upload, and what was imported before."""
    with begin() as session:
        own = current_actor().vendor_id
        return {
            "start_url": START,
            "step": "file",
            "upload_url": f"{START}/upload",
            "vendors": [] if own is not None else _vendors(session),
            "limit_text": f"{settings().import_max_bytes / 1_000_000:,.0f} MB",
            "max_bytes": settings().import_max_bytes,
            "earlier": _earlier(session),
        }


def _vendors(session: Session) -> list[tuple[Any, str]]:
    found = session.execute(select(Vendor.id, Vendor.name).order_by(Vendor.name).limit(1000))
    return [("", "Choose a vendor"), *((i, name) for i, name in found)]


def _earlier(session: Session) -> list[dict[str, Any]]:
    jobs = session.execute(
        select(ImportJob, Vendor.name, User.name)
        .join(Vendor, Vendor.id == ImportJob.vendor_id)
        .outerjoin(User, User.id == ImportJob.user_id)
        .order_by(ImportJob.id.desc())
        .limit(EARLIER)
    )
    return [
        {
            "file": job.filename,
            "url": url(job, page_of(job)),
            "vendor": vendor,
            "by": user,
            "at": job.created_at,
            "rows": job.total_rows,
            "problems": _figures(job).get(Outcome.INVALID, 0),
            "status": _status(job),
        }
        for job, vendor, user in jobs
    ]


def _status(job: ImportJob) -> str:
    words = {"tried": "tried_out", "importing": "committing"}
    step = imports.step(job)
    if step == "undoing":
        return "undoing"
    if job.status == ImportStatus.MAPPED and step:
        return "trying_out"
    if job.status == ImportStatus.FAILED and job.refused:
        return "refused"
    return words.get(job.status, job.status)


# --- the columns -------------------------------------------------------------------------


def columns_page(
    job: ImportJob,
    chosen: Mapping[str, Any] | None = None,
    strategy: str | None = None,
    keys: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Each column with its first cells, the field it goes to, and how it is read."""
    mapping = dict(job.mapping if chosen is None else chosen)
    known = sum(1 for name in job.header if mapping.get(name))
    held = set(job.match_by if keys is None else keys)
    dialect = [DELIMITERS.get(job.delimiter or "", ""), job.encoding or "", job.kind.upper()]
    notes = _notes(job, mapping)
    return _frame(job, "columns") | {
        "save_url": url(job, "map"),
        "back_url": START,
        "recognised_text": f"{known} of {len(job.header)} recognised",
        "dialect_text": " · ".join(part for part in dialect if part),
        "columns": [_column(job, i, name, mapping, notes) for i, name in enumerate(job.header)],
        "fields": [("", "Not imported"), *((f.value, label) for f, label in LABELS.items())],
        "strategy": strategy or job.strategy or Strategy.FILL,
        "keys": [(key, label, key in held) for key, label in KEYS.items()],
        "error": job.refused,
    }


def _column(
    job: ImportJob, index: int, name: str, mapping: Mapping[str, Any], notes: Mapping[int, Any]
) -> dict[str, Any]:
    note = notes.get(index)
    return {
        "index": index,
        "header": name,
        "samples": [row[index] if index < len(row) else "" for row in job.samples],
        "field": mapping.get(name) or "",
        "note": note.sentence if note else None,
        "ok": None if note is None else note.tone != intake.notes.Tone.LOOK,
    }


def _notes(job: ImportJob, mapping: Mapping[str, Any]) -> dict[int, Any]:
    """How each column is read, from the file; without the file there is nothing to say."""
    try:
        listing = lists.opened(lists.files().path(job.stored_as), job.filename)
        fields = [
            Field(f) if (f := mapping.get(name)) in set(Field) else None for name in job.header
        ]
        read = intake.readings(
            listing, dict(zip(listing.header, fields, strict=True)), lists.country_of(job)
        )
    except (DomainError, OSError):
        return {}
    return dict(enumerate(read.values()))


# --- the try-out and the import ----------------------------------------------------------


def try_page(job: ImportJob, asked: Asked) -> dict[str, Any]:
    """What would become of the rows, or how far the try-out is."""
    base = _frame(job, "try") | {"back_url": url(job, "columns")}
    if imports.step(job) is not None:
        return base | _running(job)
    if job.status != ImportStatus.TRIED:
        return base | {"refused": job.refused or "This list was not tried out yet: go back."}
    counts = _figures(job)
    coming = counts.get("created", 0) + counts.get("updated", 0)
    return (
        base
        | _row_list(job, asked, "try")
        | {
            "buckets": _buckets(job, WOULD, asked, "try"),
            "commit_url": url(job, "commit"),
            "commit_title": f"Import {coming:,} rows",
            "can_commit": coming > 0,
            "foot_text": "" if coming else "There is nothing to import.",
        }
    )


def _running(job: ImportJob) -> dict[str, Any]:
    done, total = _done(job)
    return {
        "poll": url(job, "progress"),
        "done": done,
        "total": total,
        "done_text": f"{done:,}",
        "total_text": f"{total:,}" if total else "?",
        "leave_url": START,
    }


def _done(job: ImportJob) -> tuple[int, int]:
    if imports.step(job) == "reading":
        return job.progress, 0
    return job.progress, job.total_rows


def run_page(job: ImportJob) -> dict[str, Any]:
    """How far the import or its undoing is."""
    undoing = imports.step(job) == "undoing"
    title = "Undoing the import" if undoing else "Importing"
    return _frame(job, "import") | _running(job) | {"run_title": title}


def progress(job: ImportJob) -> dict[str, Any]:
    """The answer to a page that asks each second."""
    done, total = _done(job)
    step = imports.step(job)
    return {
        "done": done,
        "total": total,
        "done_text": f"{done:,}",
        "total_text": f"{total:,}" if total else "?",
        "text": f"{done:,} of {total:,} rows" if total else f"{done:,} rows read",
        "finished": step is None,
        "url": url(job, page_of(job)),
    }


def _figures(job: ImportJob) -> dict[str, int]:
    held = job.result if job.status in (ImportStatus.COMPLETED, ImportStatus.UNDONE) else job.tried
    return {k: v for k, v in (held or {}).items() if k in set(Outcome)}


def _buckets(
    job: ImportJob, texts: Mapping[str, str], asked: Asked, page: str
) -> list[dict[str, Any]]:
    counts = _figures(job)
    return [
        {
            "key": outcome,
            "status": outcome,
            "count_text": f"{counts.get(outcome, 0):,}",
            "text": text,
            "url": url(job, page, show=outcome),
            "active": asked.show == outcome,
        }
        for outcome, text in texts.items()
    ]


# --- rows --------------------------------------------------------------------------------


def _row_list(job: ImportJob, asked: Asked, page: str) -> dict[str, Any]:
    with begin() as session:
        found, earlier, later = _turned(session, job, asked)
        rows = [_row(job, *row) for row in found]
    first, last = (found[0][0].position, found[-1][0].position) if found else (0, 0)
    return {
        "rows": rows,
        "prev_url": url(job, page, show=asked.show, before=first) if earlier else None,
        "next_url": url(job, page, show=asked.show, after=last) if later else None,
        "count_text": "",
    }


def _turned(
    session: Session, job: ImportJob, asked: Asked
) -> tuple[list[tuple[ImportRow, StagedRow | None, Customer | None]], bool, bool]:
    """A page of rows by position; whether there are some before and after it."""
    query = (
        select(ImportRow, StagedRow, Customer)
        .outerjoin(
            StagedRow,
            (StagedRow.vendor_id == ImportRow.vendor_id)
            & (StagedRow.job_id == ImportRow.job_id)
            & (StagedRow.position == ImportRow.position),
        )
        .outerjoin(
            Customer,
            (Customer.vendor_id == ImportRow.vendor_id) & (Customer.id == ImportRow.customer_id),
        )
        .where(ImportRow.job_id == job.id, ImportRow.vendor_id == job.vendor_id)
    )
    if asked.show is not None:
        query = query.where(ImportRow.outcome == asked.show)
    back = asked.before is not None
    edge = ImportRow.position < asked.before if back else ImportRow.position > asked.after
    order = ImportRow.position.desc() if back else ImportRow.position
    asked_for = query.where(edge).order_by(order).limit(PAGE_SIZE + 1)
    found: list[Any] = list(session.execute(asked_for))
    more, page = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if back:
        return page[::-1], more, True
    return page, asked.after > 0, more


def _row(
    job: ImportJob, row: ImportRow, staged: StagedRow | None, customer: Customer | None
) -> dict[str, Any]:
    said = _said(job, row, staged, customer)
    problems = row.problems or []
    message = WHY.get(row.code or "") or next((p["message"] for p in problems), None)
    if row.undone:
        message = "Taken back when the import was undone."
    return {
        "line": row.line,
        "page": row.page,
        "name": said.get("full_name") or said.get("company") or said.get("email"),
        "outcome": "same_person" if row.code == "same_person" else row.outcome,
        "phone": said.get("phone"),
        "email": said.get("email"),
        "city": said.get("city"),
        "message": message,
        "url": f"/admin/customer/details/{customer.id}" if customer else None,
    }


def _said(
    job: ImportJob, row: ImportRow, staged: StagedRow | None, customer: Customer | None
) -> dict[str, Any]:
    """What a row says, from wherever it still stands."""
    names = ("full_name", "company", "email", "phone", "city")
    if row.after is not None and row.outcome == Outcome.SKIPPED_DUPLICATE:
        return row.after
    if row.outcome == Outcome.INVALID:
        cells = {field: cell for field, cell in _cells(job, row).items() if cell}
        parts = (cells.get(Field.FIRST_NAME), cells.get(Field.LAST_NAME))
        return {Field.FULL_NAME.value: " ".join(p for p in parts if p)} | cells
    source = staged if staged is not None else customer
    return {name: getattr(source, name, None) for name in names}


def _cells(job: ImportJob, row: ImportRow) -> dict[str, str]:
    cells = row.raw or []
    fields = [job.mapping.get(name) for name in job.header]
    return {f: str(c)[:2000] for f, c in zip(fields, cells, strict=False) if f}


# --- the result --------------------------------------------------------------------------


def result_page(job: ImportJob, asked: Asked) -> dict[str, Any]:
    """What became of the rows; those to correct and to decide come first."""
    waiting = _waiting(job)
    if asked.show is None:
        first = Outcome.INVALID if _figures(job).get("invalid") else Outcome.CREATED
        asked = Asked(first.value, asked.after, asked.before)
    base = (
        _frame(job, "result")
        | _row_list(job, asked, "result")
        | _headline(job, waiting)
        | {
            "buckets": _buckets(job, UNDID if job.undone_at else DID, asked, "result"),
            "buttons": [
                {"title": "See the customers", "url": "/admin/customer/list", "primary": True}
            ],
            "same": _same(job) if job.status == ImportStatus.COMPLETED else [],
            "same_count_text": f"{waiting:,}",
            "undo": _undo(job),
        }
    )
    if asked.show == Outcome.INVALID and job.status == ImportStatus.COMPLETED:
        base |= _problems(job, asked)
    return base


def _headline(job: ImportJob, waiting: int) -> dict[str, Any]:
    result, counts = job.result or {}, _figures(job)
    if job.status == ImportStatus.UNDONE:
        kept = result.get("kept", 0)
        rest = f"{kept:,} were kept: changed since, or in use." if kept else ""
        return {"headline": f"{result.get('taken_back', 0):,} rows were taken back.", "rest": rest}
    done = counts.get("created", 0) + counts.get("updated", 0)
    bad = counts.get("invalid", 0)
    told = [f"{bad:,} {'needs' if bad == 1 else 'need'} a correction"] if bad else []
    told += [f"{waiting:,} {'needs' if waiting == 1 else 'need'} your decision"] if waiting else []
    rest = " and ".join(told)
    return {
        "headline": f"{done:,} rows imported{_took(job)}.",
        "rest": f"{rest}." if rest else "",
        "tone": "warn" if told else "good",
        "undo_text": "Undo is possible for 30 days. Customers who have booked, bought or changed "
        "since then are kept."
        if imports.can_undo(job)
        else "",
    }


def _took(job: ImportJob) -> str:
    if not job.started_at or not job.finished_at:
        return ""
    seconds = max(1, round((job.finished_at - job.started_at).total_seconds()))
    return f" in {seconds} second{'' if seconds == 1 else 's'}"


def _undo(job: ImportJob) -> dict[str, Any] | None:
    if not imports.can_undo(job):
        return None
    return {
        "url": url(job, "undo"),
        "title": "Undo this import?",
        "text": "New customers go again and changed ones are as before. Whoever was changed, "
        "booked or bought since is kept, and you see who.",
        "verb": "Undo import",
    }


def _waiting(job: ImportJob) -> int:
    with begin() as session:
        count = select(func.count()).select_from(ImportRow).where(imports.to_decide(job.id))
        return session.scalar(count) or 0


def _same(job: ImportJob) -> list[dict[str, Any]]:
    """Rows that look like somebody, with whom they look like."""
    with begin() as session:
        found = session.execute(
            select(ImportRow, Customer)
            .outerjoin(
                Customer,
                (Customer.vendor_id == ImportRow.vendor_id)
                & (Customer.id == ImportRow.customer_id),
            )
            .where(imports.to_decide(job.id))
            .order_by(ImportRow.position)
            .limit(PAGE_SIZE)
        )
        return [_question(job, row, customer) for row, customer in found]


def _question(job: ImportJob, row: ImportRow, customer: Customer | None) -> dict[str, Any]:
    said = row.after or {}
    contact = [said.get("phone"), said.get("email"), said.get("city"), said.get("birthday")]
    return {
        "line": row.line,
        "name": said.get("full_name") or said.get("company") or "–",
        "text": " · ".join(str(part) for part in contact if part) or "only a name",
        "url": f"/admin/customer/details/{customer.id}" if customer else None,
        "title": f"like {customer.name}" if customer else None,
        "add_url": url(job, f"decide/{row.id}/new"),
        "skip_url": url(job, f"decide/{row.id}/same") if customer else None,
    }


def _problems(job: ImportJob, asked: Asked) -> dict[str, Any]:
    """Problem rows as a small form each: the fields by which people are known."""
    mapped = set(job.mapping.values())
    shown = [field for field in FIXED_BY if field in mapped]
    with begin() as session:
        found, _, _ = _turned(session, job, asked)
        rows = [row for row, _, _ in found]
    shown += [
        Field(f)
        for f in dict.fromkeys(p.get("field") for row in rows for p in row.problems or ())
        if f and f not in shown and f in set(Field)
    ]
    return {
        "problems": [_problem(job, row, shown) for row in rows],
        "problem_columns": [(field.value, LABELS[field]) for field in shown],
        "problem_count_text": f"{_figures(job).get('invalid', 0):,}",
    }


def _problem(job: ImportJob, row: ImportRow, shown: Sequence[Field]) -> dict[str, Any]:
    cells = _cells(job, row)
    fatal = [p for p in row.problems or () if p.get("fatal")] or list(row.problems or ())
    wrong = {p.get("field") for p in fatal}
    return {
        "line": row.line,
        "page": row.page,
        "id": row.id,
        "cells": [
            {"name": f.value, "label": LABELS[f], "value": cells.get(f, ""), "error": f in wrong}
            for f in shown
        ],
        "message": " ".join(p["message"] for p in fatal),
        "save_url": url(job, f"fix/{row.id}", show="invalid"),
    }


def settled_sentence(row: ImportRow) -> str:
    """What became of a row that somebody corrected or decided."""
    if row.outcome == Outcome.INVALID:
        return next(
            (p["message"] for p in row.problems or () if p.get("fatal")), "Still a problem."
        )
    if row.code == "same_person":
        return "The row can be read now, and looks like somebody known: decide below."
    words = {
        "created": "became a new customer",
        "updated": "changed a known customer",
        "unchanged": "said nothing new",
        "skipped_duplicate": "was left out",
    }
    return f"Line {row.line} {words[row.outcome]}."


def settled_tone(row: ImportRow) -> str:
    """How that sentence is meant."""
    return "error" if row.outcome == Outcome.INVALID else "success"
