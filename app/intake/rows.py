"""A row of cells becomes a typed row; whatever cannot be taken is said as a problem."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from app import clock
from app.contact import first_phone, is_rounded, normal_email, normal_phone
from app.intake import values
from app.intake.lists import Listing
from app.intake.samples import RawRow, Sample
from app.intake.values import DateOrder
from app.staging import Field, Problem, TypedRow

_DECIDED_BY = 1000  # cells of a column that are looked at to decide how it is read
_LONGEST: dict[str, int] = {
    Field.FULL_NAME: 200,
    Field.FIRST_NAME: 100,
    Field.LAST_NAME: 100,
    Field.COMPANY: 200,
    Field.LINE1: 300,
    Field.LINE2: 300,
    Field.CITY: 120,
    Field.REGION: 120,
    Field.POSTAL_CODE: 20,
    Field.NOTE: 20_000,
}
_BROKEN = {
    "too_many_cells": "This row has {cells} cells, the list has {columns} columns: put the cell "
    "that holds the delimiter in quotation marks.",
    "too_few_cells": "This row has only {cells} of {columns} cells: complete it, or remove it if "
    "it is no customer.",
    "unclosed_quote": "A quotation mark is opened in this row and never closed: close or remove "
    "it.",
    "cell_too_long": "A cell of this row is longer than a customer's data can be: shorten it, or "
    "look for a missing quotation mark.",
}
_SEVERAL_IN_ONE = re.compile(r"\s*(?:;|\n|\|| / | or | oder | ::: |,)\s*")


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided once for whole columns, from a sample of their cells."""

    date_order: DateOrder = DateOrder.DAY_FIRST
    date_order_proved: bool = False
    last_name_first: bool = False


def decide(sample: Sample, mapping: Mapping[str, Field | None], country: str) -> Decisions:
    """How birthdays and full names of this list are written; the same for every reading of it."""
    order, proved = values.date_order(_cells_of(sample, mapping, Field.BIRTHDAY), country)
    names = _cells_of(sample, mapping, Field.FULL_NAME)
    return Decisions(order, proved, _are_last_name_first(names))


def _cells_of(sample: Sample, mapping: Mapping[str, Field | None], field: Field) -> list[str]:
    index = next((i for i, h in enumerate(sample.header) if mapping.get(h) is field), None)
    return [] if index is None else sample.column(index)[:_DECIDED_BY]


_AFTER_COMMA = re.compile(
    r"(?:inc|ltd|llc|llp|plc|corp|co|gmbh|ag|kg|sa|s\.a|sl|srl|bv|nv|ab|as|jr|sr|ii|iii|iv|md|m\.d|"
    r"phd|ph\.d|esq|dds|dvm|rn|mba|cpa|dr|prof|limited|incorporated|the)\b\.?.*",
    re.IGNORECASE,
)


def _turned(name: str) -> str | None:
    """ "Meier, Anna" as "Anna Meier"; None when the comma means something else."""
    last, comma, first = name.partition(",")
    last, first = last.strip(), first.strip()
    if not comma or not last or not first or "," in first or _AFTER_COMMA.fullmatch(first):
        return None
    if len(last.split()) > 4 or len(first.split()) > 4 or any(map(str.isdigit, name)):
        return None
    return f"{first} {last}"


def _are_last_name_first(names: Sequence[str]) -> bool:
    turned = sum(_turned(name) is not None for name in names)
    return turned > 0 and turned >= 0.5 * len(names)


class RowReader:
    """Reads the rows of one list, with one mapping, for a vendor of one country."""

    def __init__(
        self,
        header: Sequence[str],
        mapping: Mapping[str, Field | None],
        country: str,
        decisions: Decisions | None = None,
    ) -> None:
        self._header = tuple(header)
        self._country = (country or "").upper()
        self._decisions = decisions or Decisions()
        self._width = len(self._header)
        self._today: date = clock.now().date()
        found = {mapping[h]: i for i, h in reversed(list(enumerate(header))) if mapping.get(h)}
        # The country first, for it says how the phones of the row are read.
        fields = dict.fromkeys((Field.COUNTRY, *Field))
        self._columns = [
            (found[field], field, str(field), getattr(self, _READERS.get(field, "_text")))
            for field in fields
            if field in found
        ]

    def read(self, raw: RawRow) -> TypedRow:
        """The typed row; never raises, a row that cannot be taken has a fatal problem."""
        cells = raw.cells
        broken = raw.broken or (len(cells) != self._width and self._misshapen(cells))
        if broken:
            problem = self._whole_row(raw, broken)
            return TypedRow(raw.line, raw.page, raw=cells, problems=(problem,))
        found: dict[str, Any] = {}
        problems: list[Problem] = []
        width = len(cells)
        for index, field, name, reader in self._columns:
            if index < width and cells[index] and (text := values.clean(cells[index])):
                code = reader(text, name, found)
                if code is not None:
                    problems.append(self._problem(raw, index, field, code, text))
        return self._row(raw, found, problems)

    def _row(self, raw: RawRow, found: dict[str, Any], problems: list[Problem]) -> TypedRow:
        company, name = found.get("company"), found.get("full_name")
        parts = found.get("first_name") or found.get("last_name")
        if name and parts and company and name.casefold() == company.casefold():
            del found["full_name"]  # a program's display name repeats the company
        if not (name or parts or company or found.get("email") or found.get("phone")):
            if found.get("phone_2"):
                found["phone"] = found.pop("phone_2")
            else:
                problems = [_made_fatal(p) for p in problems] or [self._nobody(raw)]
                if not any(p.fatal for p in problems):
                    problems.append(self._nobody(raw))
        if found.get("phone_2") is not None and found["phone_2"] == found.get("phone"):
            del found["phone_2"]
        return TypedRow(raw.line, raw.page, raw=raw.cells, problems=tuple(problems), **found)

    # --- a field each: fills `found`, returns the code of what is wrong ------------------

    def _name(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        text = values.one_line(values.first_of(text))
        if self._decisions.last_name_first:
            text = _turned(text) or text
        return self._text(text, name, found)

    def _text(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        if ":::" in text or "\n" in text:
            text = values.one_line(values.first_of(text))
        if len(text) > _LONGEST[name]:
            return "too_long"
        found[name] = text
        return None

    def _line1(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        first, _, rest = values.first_of(text).partition("\n")
        if len(first) > _LONGEST["line1"] or len(rest) > _LONGEST["line2"]:
            return "too_long"
        found["line1"] = first
        if rest:
            found["line2"] = values.one_line(rest)
        return None

    def _line2(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        both = f"{found['line2']}, {text}" if "line2" in found else text
        return self._text(both, name, found)

    def _note(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        if len(text) > _LONGEST["note"]:
            return "too_long"
        found["note"] = text
        return None

    def _email(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        email = normal_email(text)
        if email is None and len(text) < 2000:
            parts = re.split(r" ::: |[;,\s]+", text)
            email = next((e for part in parts if "@" in part and (e := normal_email(part))), None)
        if email is None:
            return "email_unreadable"
        found["email"] = email
        return None

    def _phone(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        country = found.get("country") or self._country
        own = (self._country,) if country == self._country else (country, self._country)
        number = phone_in(text, own)
        if number is None:
            return "rounded_number" if is_rounded(text) else "phone_unreadable"
        found[name] = number
        return None

    def _country_of(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        code = values.country_code(values.first_of(text))
        if code is None:
            return "country_unknown"
        found["country"] = code
        return None

    def _birthday(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        day = values.birthday(text, self._decisions.date_order, self._today)
        if day is None:
            return "birthday_unreadable"
        if day > self._today:
            return "birthday_in_future"
        if day < values.EARLIEST:
            return "birthday_too_early"
        found["birthday"] = day
        return None

    def _tags(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        found["tags"] = values.tags(text)
        return None

    def _status(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        found["status"] = values.status_word(text)
        return None if found["status"] else "status_unknown"

    def _consent(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        found[name] = values.yes_no(text)
        return "consent_unreadable" if found[name] is None else None

    # --- problems ------------------------------------------------------------------------

    def _misshapen(self, cells: tuple[str, ...]) -> str | None:
        count = len(cells)
        if count > self._width and any(cell.strip() for cell in cells[self._width :]):
            return "too_many_cells"
        # Programs drop empty cells at the end; less than half a row is a row torn apart.
        return "too_few_cells" if self._width > 2 and count * 2 < self._width else None

    def _whole_row(self, raw: RawRow, code: str) -> Problem:
        message = _BROKEN[code].format(cells=len(raw.cells), columns=self._width)
        value = " ".join(cell for cell in raw.cells if cell)
        return Problem(raw.line, raw.page, None, None, code, _shown(value), message)

    def _nobody(self, raw: RawRow) -> Problem:
        return Problem(raw.line, raw.page, None, None, "no_identity", "", _MESSAGES["no_identity"])

    def _problem(self, raw: RawRow, index: int, field: Field, code: str, text: str) -> Problem:
        shown = _shown(text)
        message = _MESSAGES[code].format(value=shown, field=LABELS[field])
        column = self._header[index]
        return Problem(raw.line, raw.page, column, field, code, shown, message, fatal=False)


_READERS = {
    Field.FULL_NAME: "_name",
    Field.LINE1: "_line1",
    Field.LINE2: "_line2",
    Field.EMAIL: "_email",
    Field.PHONE: "_phone",
    Field.PHONE_2: "_phone",
    Field.COUNTRY: "_country_of",
    Field.BIRTHDAY: "_birthday",
    Field.TAGS: "_tags",
    Field.STATUS: "_status",
    Field.MARKETING_EMAIL: "_consent",
    Field.MARKETING_SMS: "_consent",
    Field.NOTE: "_note",
}  # every other field is plain text

LABELS: dict[Field, str] = {
    Field.FULL_NAME: "full name",
    Field.FIRST_NAME: "first name",
    Field.LAST_NAME: "last name",
    Field.COMPANY: "company",
    Field.EMAIL: "e-mail",
    Field.PHONE: "phone",
    Field.PHONE_2: "second phone",
    Field.LINE1: "address",
    Field.LINE2: "second line of the address",
    Field.CITY: "city",
    Field.REGION: "region",
    Field.POSTAL_CODE: "postal code",
    Field.COUNTRY: "country",
    Field.BIRTHDAY: "birthday",
    Field.TAGS: "tags",
    Field.STATUS: "status",
    Field.MARKETING_EMAIL: "marketing by e-mail",
    Field.MARKETING_SMS: "marketing by SMS",
    Field.NOTE: "note",
}
_MESSAGES = {
    "email_unreadable": "“{value}” is no e-mail address: correct it, or empty the cell.",
    "phone_unreadable": "“{value}” cannot be read as a phone number: add the area code or the "
    "country code, or empty the cell.",
    "rounded_number": "“{value}” was rounded by a spreadsheet and its last digits are lost: "
    "format the column as text, type the number again and save.",
    "country_unknown": "“{value}” is no country we know: write its English name or its two-letter "
    "code.",
    "birthday_unreadable": "“{value}” cannot be read as a date: write it as year-month-day, such "
    "as 1988-04-03.",
    "birthday_in_future": "The birthday “{value}” lies in the future: correct the year.",
    "birthday_too_early": "The birthday “{value}” lies before 1900: correct the year.",
    "status_unknown": "“{value}” is no status: write active, inactive or pending follow-up.",
    "consent_unreadable": "“{value}” says neither yes nor no: write yes or no.",
    "too_long": "The {field} is longer than it can be: shorten “{value}”.",
    "no_identity": "Nothing in this row says who it is: add a name, a company, an e-mail or a "
    "phone.",
}


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 120 else text[:119] + "…"


def _made_fatal(problem: Problem) -> Problem:
    """Without any other sign of who it is, what cannot be read stands in the way."""
    if problem.field not in {Field.EMAIL, Field.PHONE, Field.PHONE_2, Field.FULL_NAME,
                             Field.FIRST_NAME, Field.LAST_NAME, Field.COMPANY}:  # fmt: skip
        return problem
    return Problem(
        problem.line, problem.page, problem.column, problem.field, problem.code, problem.value,
        problem.message, fatal=True,
    )  # fmt: skip


@lru_cache(maxsize=8192)
def _first_of_several(text: str, countries: tuple[str, ...]) -> str | None:
    parts = _SEVERAL_IN_ONE.split(text)
    numbers = (first_phone(part.lstrip("'"), countries) for part in parts[:10] if part)
    return next((number for number in numbers if number), None)


def phone_in(text: str, countries: Sequence[str]) -> str | None:
    """The first phone number of a cell as E.164, read in the first country where it fits."""
    number = normal_phone(text, countries[0])
    if number is not None and (len(countries) == 1 or text[0] == "+"):
        return number
    number = first_phone(text, countries) if len(countries) > 1 else None
    if number is None and (text[0] == "'" or _SEVERAL_IN_ONE.search(text[:250])):
        return _first_of_several(text[:250], tuple(countries))
    return number


def typed(
    raw: RawRow,
    mapping: Mapping[str, Field | None],
    *,
    header: Sequence[str],
    country: str,
    decisions: Decisions | None = None,
) -> TypedRow:
    """One row, typed; for many rows use `typed_rows`. `country` is the vendor's (alpha-2)."""
    return RowReader(header, mapping, country, decisions).read(raw)


def reader_of(sample: Sample, mapping: Mapping[str, Field | None], country: str) -> RowReader:
    """How the rows of this list are read: the same whoever reads them, and from wherever."""
    return RowReader(sample.header, mapping, country, decide(sample, mapping, country))


def typed_rows(
    listing: Listing, mapping: Mapping[str, Field | None], country: str, start_line: int = 0
) -> Iterator[TypedRow]:
    """All rows of a list, typed; the same however often and from wherever it is read."""
    return map(reader_of(listing.sample, mapping, country).read, listing.rows(start_line))
