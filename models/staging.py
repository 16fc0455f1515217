"""A typed row of a list as `staged_rows` keeps it: the columns, and their values."""

import json
from collections.abc import Iterable
from typing import Any

from models.contact import fold
from models.customers import searchable
from models.imports import Problem, TypedRow

LONGEST_KEPT_CELL = 2000

COLUMNS = (
    "position", "line", "page", "valid", "code", "raw", "problems", "full_name", "company",
    "email", "phone", "phone_2", "line1", "line2", "city", "city_key", "region", "postal_code",
    "country", "birthday", "tags", "status", "marketing_email", "marketing_sms", "note",
    "name_key", "sort_name", "search_text",
)  # fmt: skip
LISTED = ", ".join(COLUMNS)

Staged = tuple[Any, ...]
"""The values of a row, as COPY takes them: text, numbers, truth, and lists of text."""


def staged(row: TypedRow) -> Staged:
    """The row's values in the order of `COLUMNS`, but for its position."""
    parts = " ".join(part for part in (row.first_name, row.last_name) if part)
    full_name = row.full_name or parts or None
    name = full_name or row.company
    sort_name, search_text = searchable(full_name, row.company, row.email, row.phone, row.phone_2)
    fatal = next((problem.code for problem in row.problems if problem.fatal), None)
    return (
        row.line, row.page, fatal is None, fatal,
        as_json([_kept(cell) for cell in row.raw]) if row.problems else None,
        as_json([told(problem) for problem in row.problems]) if row.problems else None,
        full_name, row.company, row.email, row.phone, row.phone_2, row.line1, row.line2, row.city,
        fold(row.city) if row.city else None, row.region, row.postal_code, row.country,
        row.birthday.isoformat() if row.birthday else None, _tags(row.tags), row.status,
        row.marketing_email, row.marketing_sms, row.note,
        fold(name)[:200] if name else None, sort_name, search_text,
    )  # fmt: skip


def _tags(tags: Iterable[str]) -> list[str] | None:
    return list(dict.fromkeys(t for tag in tags if (t := tag.strip().lower()))) or None


def _kept(cell: str) -> str:
    return cell[:LONGEST_KEPT_CELL].replace("\x00", "").encode("utf-8", "replace").decode()


def as_json(value: Any) -> str:
    """A value as JSON text, for COPY."""
    return json.dumps(value, ensure_ascii=False)


def told(problem: Problem) -> dict[str, Any]:
    """A problem as it is kept with its row and shown by the command line."""
    return {
        "line": problem.line,
        "page": problem.page,
        "column": _kept(problem.column) if problem.column else None,
        "field": problem.field,
        "code": problem.code,
        "value": _kept(problem.value),
        "message": _kept(problem.message),
        "fatal": problem.fatal,
    }
