"""The rows of an import as its pages show them: in a table, to be corrected, to be decided."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from admin_views import import_choices as choices
from admin_views.import_frame import PAGE_SIZE, Asked, url
from admin_views.import_subjects import words_of
from app.columns import FIELDS, Subject
from app.database import begin
from app.operations import import_decisions, imports
from app.staging import Field
from models.customers import Customer
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome, StagedRow

Found = tuple[ImportRow, StagedRow | None, Customer | None]
ARCHIVED = "archived"
"""Code of rows that are undone, and say themselves what is left of them."""
NAMED = ("full_name", "company", "name", "email", "phone", "sku", "barcode")
"""What a row is called by: the first of these that it says."""
SAID = ("full_name", "company", "email", "phone", "city")
Typed = Mapping[int, Mapping[StrEnum, str]]
"""What was typed into rows that are refused, by row and field."""
_ON_ITS_WAY = (ImportStatus.MAPPED, ImportStatus.TRIED, ImportStatus.IMPORTING)


def row_list(job: ImportJob, asked: Asked, page: str) -> dict[str, Any]:
    """A page of rows, by their place in the file."""
    with begin() as session:
        found, earlier, later = _turned(session, job, asked)
        rows = [_row(job, asked, page, *row) for row in found]
    words = words_of(job.subject)
    named = {"row_one": words.one, "row_columns": words.row_columns}
    return {"rows": rows} | named | _turns(job, asked, page, found, earlier, later)


def _turns(
    job: ImportJob, asked: Asked, page: str, found: Sequence[Found], earlier: bool, later: bool
) -> dict[str, Any]:
    first, last = (found[0][0].position, found[-1][0].position) if found else (0, 0)
    return {
        "prev_url": url(job, page, show=asked.show, before=first) if earlier else None,
        "next_url": url(job, page, show=asked.show, after=last) if later else None,
        "count_text": "",
    }


def _turned(session: Session, job: ImportJob, asked: Asked) -> tuple[list[Found], bool, bool]:
    """A page of rows by position; whether there are some before and after it.

    A page whose rows are all settled meanwhile is the first one.
    """
    back = asked.before is not None
    query, position = _rows(job, asked)
    edge = position < asked.before if back else position > asked.after
    query = query.where(edge).order_by(position.desc() if back else position)
    found: list[Found] = [(row or _new(staged), staged, customer) for row, staged, customer in
             session.execute(query.limit(PAGE_SIZE + 1))]  # fmt: skip
    if not found and (back or asked.after):
        return _turned(session, job, replace(asked, after=0, before=None))
    more, page = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if back:
        return page[::-1], more, True
    return page, asked.after > 0, more


def _new(staged: StagedRow) -> ImportRow:
    """What a row that will be created is going to be; until then it is not written down."""
    return ImportRow(
        job_id=staged.job_id, position=staged.position, line=staged.line, page=staged.page,
        outcome=Outcome.CREATED.value, undone=False,
    )  # fmt: skip


def _rows(
    job: ImportJob, asked: Asked
) -> tuple[Select[ImportRow, StagedRow, Customer], InstrumentedAttribute[int]]:
    """The rows that are asked for, and by what they are turned over."""
    same = (
        (StagedRow.vendor_id == ImportRow.vendor_id)
        & (StagedRow.job_id == ImportRow.job_id)
        & (StagedRow.position == ImportRow.position)
    )
    halted = imports.is_halted(job)
    planned = not halted and job.status in _ON_ITS_WAY and asked.show in (None, Outcome.CREATED)
    first, second = (StagedRow, ImportRow) if planned else (ImportRow, StagedRow)
    whose = (Customer.vendor_id == ImportRow.vendor_id) & (Customer.id == ImportRow.customer_id)
    query = select(ImportRow, StagedRow, Customer).select_from(first)
    query = query.outerjoin(second, same).outerjoin(Customer, whose)
    query = query.where(first.job_id == job.id, first.vendor_id == job.vendor_id)
    if halted:
        query = query.where(ImportRow.position <= imports.settled(job))
    if asked.show is not None:
        shown = ImportRow.outcome == asked.show
        query = query.where(shown | ImportRow.id.is_(None) if planned else shown)
    return query, first.position


def _row(
    job: ImportJob,
    asked: Asked,
    page: str,
    row: ImportRow,
    staged: StagedRow | None,
    customer: Customer | None,
) -> dict[str, Any]:
    said = _said(job, row, staged, customer)
    why = words_of(job.subject).why
    message = why.get(row.code or "") or next((p["message"] for p in row.problems or ()), None)
    if row.undone and row.code != ARCHIVED:
        message = "Taken back when the import was undone."
    return {
        "line": row.line,
        "page": row.page,
        "name": next((said[n] for n in NAMED if said.get(n)), None),
        "outcome": "same_person" if row.code == "same_person" else row.outcome,
        "said": [said.get(key) for _, key, _ in words_of(job.subject).row_columns],
        "message": message,
        "url": _url(row, customer),
        "choices": choices.choices(job, asked, row, customer) if page == "result" else [],
    }  # fmt: skip


def _url(row: ImportRow, customer: Customer | None) -> str | None:
    """Where that stands of which the row speaks."""
    if customer is not None:
        return f"/admin/customer/details/{customer.id}"
    page: str | None = None if row.undone else (row.after or {}).get("page")
    return f"/admin/{page}" if page else None


def _said(
    job: ImportJob, row: ImportRow, staged: StagedRow | None, customer: Customer | None
) -> dict[str, Any]:
    """What a row says, from wherever it still stands."""
    if job.subject != Subject.CUSTOMERS:
        told = (staged.said if staged is not None else None) or {}
        return _cells(job, row) | told | ((row.after or {}).get("said") or {})
    if row.after is not None and row.outcome == Outcome.SKIPPED_DUPLICATE:
        return row.after
    if row.outcome == Outcome.INVALID:
        cells = {field: cell for field, cell in _cells(job, row).items() if cell}
        parts = (cells.get(Field.FIRST_NAME), cells.get(Field.LAST_NAME))
        return {Field.FULL_NAME.value: " ".join(p for p in parts if p)} | cells
    source = staged if staged is not None else customer
    if source is None:
        return row.after or {}
    return {name: getattr(source, name, None) for name in SAID}


def _cells(job: ImportJob, row: ImportRow) -> dict[str, str]:
    cells = row.raw or []
    fields = [job.mapping.get(name) for name in job.header]
    return {f: str(c)[:2000] for f, c in zip(fields, cells, strict=False) if f}


# --- to decide ---------------------------------------------------------------------------


def questions(job: ImportJob, asked: Asked) -> dict[str, Any]:
    """Rows that look like somebody, with whom they look like, and what to say of all of them."""
    count = choices.waiting(job) if choices.is_open(job) else 0
    if not count:
        return {}
    with begin() as session:
        query, _ = _rows(job, Asked(show=Outcome.SKIPPED_DUPLICATE))
        query = query.where(import_decisions.duplicates(job))
        query = query.order_by(ImportRow.position).limit(PAGE_SIZE + 1)
        found = session.execute(query.where(ImportRow.position > asked.who)).all()
        if not found:
            found = session.execute(query).all()
        shown = found[:PAGE_SIZE]
        same = [_question(job, asked, row, customer) for row, _, customer in shown]
    more = replace(asked, who=shown[-1][0].position).query if len(found) > PAGE_SIZE else None
    return {
        "same": same,
        "same_count_text": choices.said_of(count),
        "same_next_url": url(job, "result", **more) if more else None,
        "same_all": choices.ways(job, "same_person", choices.said_of(count)),
    }


def _question(
    job: ImportJob, asked: Asked, row: ImportRow, customer: Customer | None
) -> dict[str, Any]:
    said = row.after or {}
    contact = [said.get("phone"), said.get("email"), said.get("city"), said.get("birthday")]
    return {
        "line": row.line,
        "page": row.page,
        "name": said.get("full_name") or said.get("company") or "–",
        "text": " · ".join(str(part) for part in contact if part) or "only a name",
        "url": f"/admin/customer/details/{customer.id}" if customer else None,
        "title": f"like {customer.name}" if customer else None,
        "choices": choices.choices(job, asked, row, customer),
    }


def repeats(job: ImportJob, asked: Asked) -> dict[str, Any]:
    """Of the duplicates: how many repeat the file, and what to say of all of them."""
    if asked.show != Outcome.SKIPPED_DUPLICATE or not choices.is_open(job):
        return {}
    count = choices.counted(import_decisions.duplicates(job, "in_file"))
    if not count:
        return {}
    text = choices.said_of(count)
    return {
        "rows_hint": f"{text} {'repeats' if count == 1 else 'repeat'} another row of the file",
        "rows_all": choices.ways(job, "in_file", text),
    }


# --- to correct --------------------------------------------------------------------------


def problems(job: ImportJob, asked: Asked, page: str, typed: Typed | None = None) -> dict[str, Any]:
    """Problem rows as a small form each: the fields by which they are known, and what is wrong.

    `typed` is what was refused, by row: it stands in the form again.
    """
    with begin() as session:
        found, earlier, later = _turned(session, job, asked)
        rows = [row for row, _, _ in found if row.code != import_decisions.LEFT_OUT]
    if not rows:
        return {}
    mapped = set(job.mapping.values())
    words = words_of(job.subject)
    shown = [field for field in words.fixed_by if field in mapped]
    known = FIELDS[Subject(job.subject)]
    shown += [
        known(f)
        for f in dict.fromkeys(p.get("field") for row in rows for p in row.problems or ())
        if f in mapped and f not in shown
    ]
    return {
        "problems": [_problem(job, row, shown, asked, (typed or {}).get(row.id)) for row in rows],
        "problem_columns": [(field.value, words.labels[field]) for field in shown],
    } | _turns(job, asked, page, found, earlier, later)


def _problem(
    job: ImportJob,
    row: ImportRow,
    shown: Sequence[StrEnum],
    asked: Asked,
    typed: Mapping[StrEnum, str] | None,
) -> dict[str, Any]:
    cells: dict[str, str] = _cells(job, row) | {f.value: c for f, c in (typed or {}).items()}
    fatal = [p for p in row.problems or () if p.get("fatal")] or list(row.problems or ())
    wrong = {p.get("field") for p in fatal}
    labels = words_of(job.subject).labels
    return {
        "line": row.line,
        "page": row.page,
        "id": row.id,
        "cells": [
            {"name": f.value, "label": labels[f], "value": cells.get(f, ""), "error": f in wrong}
            for f in shown
        ],
        "message": " ".join(p["message"] for p in fatal),
        "save_url": url(job, f"fix/{row.id}", **asked.showing(Outcome.INVALID).query),
    }
