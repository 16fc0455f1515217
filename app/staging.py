"""A row of a customer list once it is read, and as `staged_rows` keeps it.

The files are read by `app.intake`, the rows are judged by `app.operations.imports`; both speak in
the words of this module, which knows no table: a second reader is ready soon that way.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from app.contact import fold, searchable

LONGEST_KEPT_CELL = 2000


class Field(StrEnum):
    """What a column of a customer list can become."""

    FULL_NAME = "full_name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    COMPANY = "company"
    EMAIL = "email"
    PHONE = "phone"
    PHONE_2 = "phone_2"
    LINE1 = "line1"
    LINE2 = "line2"
    CITY = "city"
    REGION = "region"
    POSTAL_CODE = "postal_code"
    COUNTRY = "country"
    BIRTHDAY = "birthday"
    TAGS = "tags"
    STATUS = "status"
    MARKETING_EMAIL = "marketing_email"
    MARKETING_SMS = "marketing_sms"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the file that could not be taken as it stands: where, what, and what to do.

    A `fatal` problem makes its row invalid. Any other leaves one field empty and keeps the row.
    """

    line: int
    page: int | None
    column: str | None  # the header as the file writes it
    field: StrEnum | None
    code: str
    value: str
    message: str
    fatal: bool = True


@dataclass(slots=True)
class TypedRow:
    """One row of a customer list: every value normalised, every doubt said in `problems`.

    E-mail is lower case, phones are E.164, the country is ISO 3166 alpha-2, the status is
    a word of `customers.status`. `raw` holds the cells as the file has them. Nobody changes one;
    it is not frozen because a frozen one takes ten times as long to make, and they are many.
    """

    line: int
    page: int | None
    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    phone_2: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    birthday: date | None = None
    tags: tuple[str, ...] = ()
    status: str | None = None
    marketing_email: bool | None = None
    marketing_sms: bool | None = None
    note: str | None = None
    raw: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str | None:
        """What the customer is called: the full name, else its two parts, else the company."""
        parts = " ".join(part for part in (self.first_name, self.last_name) if part)
        return self.full_name or parts or self.company

    @property
    def is_valid(self) -> bool:
        """Whether nothing in the row stands against importing it."""
        return not any(problem.fatal for problem in self.problems)


COLUMNS = (
    "position", "line", "page", "valid", "code", "raw", "problems", "full_name", "company",
    "email", "phone", "phone_2", "line1", "line2", "city", "city_key", "region", "postal_code",
    "country", "birthday", "tags", "status", "marketing_email", "marketing_sms", "note",
    "name_key", "sort_name", "search_text",
)  # fmt: skip
LISTED = ", ".join(COLUMNS)
SAID_COLUMNS = (
    "position", "line", "page", "valid", "code", "raw", "problems", "name_key", "said",
)  # fmt: skip
"""What is staged of a row that is no customer's; `name_key` is alike where rows belong together."""

Staged = tuple[Any, ...]
"""The values of a row, as COPY takes them: text, numbers, truth, and lists of text."""


def staged(row: TypedRow) -> Staged:
    """The row's values in the order of `COLUMNS`, but for its position."""
    full_name = row.full_name or " ".join(filter(None, (row.first_name, row.last_name))) or None
    named = full_name or row.company
    sort_name, search_text = searchable(full_name, row.company, row.email, row.phone, row.phone_2)
    raw = problems = fatal = None
    if row.problems:
        raw = as_json([_kept(cell) for cell in row.raw])
        problems = as_json([told(problem) for problem in row.problems])
        fatal = next((problem.code for problem in row.problems if problem.fatal), None)
    return (
        row.line, row.page, fatal is None, fatal, raw, problems,
        full_name, row.company, row.email, row.phone, row.phone_2, row.line1, row.line2, row.city,
        fold(row.city) if row.city else None, row.region, row.postal_code, row.country,
        row.birthday.isoformat() if row.birthday else None,
        _tags(row.tags) if row.tags else None, row.status,
        row.marketing_email, row.marketing_sms, row.note,
        sort_name if named else None, sort_name, search_text,
    )  # fmt: skip


def staged_said(
    line: int,
    page: int | None,
    raw: Iterable[str],
    problems: Sequence[Problem],
    said: Mapping[str, Any],
    key: str | None = None,
) -> Staged:
    """A row that is no customer's, in the order of `SAID_COLUMNS`, but for its position.

    Its cells are kept until it is imported: what may be wrong with it is known only when it is
    judged beside the others, and then somebody has to see what stands there.
    """
    cells = as_json([_kept(cell) for cell in raw])
    told_all = fatal = None
    if problems:
        told_all = as_json([told(problem) for problem in problems])
        fatal = next((problem.code for problem in problems if problem.fatal), None)
    return (line, page, fatal is None, fatal, cells, told_all, key, as_json(said))


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
