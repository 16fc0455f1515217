"""What past sales would come to, and what they came to: figures, and the lines left out."""

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from admin_views.import_frame import Asked, url
from admin_views.import_subjects import words_of
from admin_views.writing import plural
from app.columns import Subject
from app.database import begin
from app.operations import imports
from app.past_sales import SaleField
from models.imports import ImportJob, ImportRow, ImportStatus

PAGE_SIZE = 50
_WORDS = words_of(Subject.SALES)


def tried(job: ImportJob, asked: Asked) -> dict[str, Any]:
    """The figures of a try-out, and the lines that somebody should look at."""
    told = job.tried or {}
    orders, left_out = told.get("orders", 0), told.get("refused_lines", 0)
    later = plural(left_out, "line is", "lines are") + " left out" if left_out else ""
    return _lines(job, asked, "try") | {
        "buckets": _figures(told),
        "rows_title": "Lines to look at",
        "notes": _notes(told),
        "commit_url": url(job, "commit"),
        "commit_title": f"Import {plural(orders, 'order')}",
        "foot_text": later,
    }


def result(job: ImportJob, asked: Asked) -> dict[str, Any]:
    """What became of the list, and the lines that were left out."""
    told = (job.result if job.finished_at else job.tried) or {}
    undo_text = f"Undo is possible for 30 days. {_WORDS.undo_text}"
    return (
        _lines(job, asked, "result")
        | _headline(job)
        | {
            "buckets": _figures(told),
            "rows_title": "Lines to look at",
            "undo_text": undo_text if imports.can_undo(job) else "",
        }
    )


def _headline(job: ImportJob) -> dict[str, Any]:
    told = job.result or {}
    if job.status == ImportStatus.UNDONE:
        stays = [f"{n:,} {noun}" for noun, n in told.get("stays", {}).items()]
        rest = f"Kept, for they were changed or used since: {', '.join(stays)}." if stays else ""
        back = plural(told.get("taken_back", 0), "order was", "orders were")
        return {"headline": f"{back} taken back.", "rest": rest}
    if imports.is_halted(job):
        done = imports.settled(job)
        return {
            "headline": f"Stopped: {done:,} of {job.total_rows:,} lines are done, and stay.",
            "rest": "Go on with the rest, or undo what was imported.",
            "tone": "warn",
        }
    left_out = told.get("refused_lines", 0)
    return {
        "headline": f"{plural(told.get('orders', 0), 'order')} for"
        f" {_money(told.get('revenue'))} imported.",
        "rest": plural(left_out, "line was", "lines were") + " left out." if left_out else "",
        "tone": "warn" if left_out else "good",
    }


def _money(text: Any) -> str:
    return f"{Decimal(text or 0):,.2f}"


def _figures(told: dict[str, Any]) -> list[dict[str, Any]]:
    """A tile for each thing that is made, and for what is left out."""
    nobody = told.get("anonymous_orders", 0)
    known = told.get("customers", 0) - told.get("new_customers", 0)
    here = told.get("items", 0) - told.get("new_items", 0)
    texts = {
        "orders": f"for {_money(told.get('revenue'))}" + (f", {nobody:,} to nobody we know"
                                                          if nobody else ""),
        "customers": f"beside {known:,} known",
        "items": f"beside {here:,} known",
        "returns": f"give back {_money(told.get('returned'))}",
        "invalid": "lines that cannot be taken",
    }  # fmt: skip
    counts = {
        "orders": "orders", "customers": "new_customers", "items": "new_items",
        "returns": "returns", "invalid": "refused_lines",
    }  # fmt: skip
    return [
        {"key": key, "status": key, "count_text": f"{told.get(counts[key], 0):,}", "text": text}
        for key, text in texts.items()
    ]


_NOTES = {
    "duplicate_lines": (
        "line says the same as another: it is kept, for people buy the same twice.",
        "lines say the same as another: they are kept, for people buy the same twice.",
    ),
    "new_categories": ("category will be made.", "categories will be made."),
    "no_sale_found": (
        "return finds no sale it could be of: that much of it is left out.",
        "returns find no sale they could be of: that much of them is left out.",
    ),
}


def _notes(told: dict[str, Any]) -> list[str]:
    return [plural(told[key], *words) for key, words in _NOTES.items() if told.get(key)]


def _lines(job: ImportJob, asked: Asked, page: str) -> dict[str, Any]:
    """A page of the lines with something to say, in the order of the file."""
    query = select(ImportRow).where(
        ImportRow.job_id == job.id,
        ImportRow.problems.is_not(None),
        ImportRow.position > asked.after,
    )
    with begin() as session:
        found = session.scalars(query.order_by(ImportRow.position).limit(PAGE_SIZE + 1)).all()
    shown = found[:PAGE_SIZE]
    more = len(found) > PAGE_SIZE
    return {
        "rows": [_line(job, row) for row in shown],
        "row_one": _WORDS.one,
        "row_columns": _WORDS.row_columns,
        "pill_kind": _WORDS.pills,
        "prev_url": url(job, page) if asked.after else None,
        "next_url": url(job, page, after=shown[-1].position) if more else None,
        "count_text": "",
    }


def _line(job: ImportJob, row: ImportRow) -> dict[str, Any]:
    fields = [job.mapping.get(name) for name in job.header]
    said = {f: str(c)[:200] for f, c in zip(fields, row.raw or [], strict=False) if f}
    who = (SaleField.CUSTOMER, SaleField.NAME, SaleField.EMAIL)
    return {
        "line": row.line,
        "page": None,
        "name": said.get(SaleField.ITEM) or said.get(SaleField.SKU),
        "outcome": row.outcome,
        "said": [
            said.get(SaleField.DATE),
            next((said[f] for f in who if said.get(f)), None),
            said.get(SaleField.QUANTITY),
            said.get(SaleField.AMOUNT) or said.get(SaleField.UNIT_PRICE),
        ],
        "message": " ".join(problem["message"] for problem in row.problems or ()),
        "url": None,
        "choices": [],
    }
