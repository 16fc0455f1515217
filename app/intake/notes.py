"""What the page of columns says about each column: how it is read, and how well that goes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.intake import values
from app.intake.headings import is_forbidden
from app.intake.lists import Listing
from app.intake.rows import Decisions, RowReader, decide
from app.intake.values import DateOrder
from app.staging import Field, TypedRow

_LOOKED_AT = 300
_FIGURES = {
    Field.EMAIL: "valid addresses",
    Field.PHONE: "valid numbers",
    Field.PHONE_2: "valid numbers",
    Field.COUNTRY: "known countries",
    Field.STATUS: "known words",
    Field.BIRTHDAY: "readable dates",
    Field.MARKETING_EMAIL: "a clear yes or no",
    Field.MARKETING_SMS: "a clear yes or no",
}
_ORDERS = {
    DateOrder.DAY_FIRST: "Read as day-month-year",
    DateOrder.MONTH_FIRST: "Read as month-day-year",
    DateOrder.YEAR_FIRST: "Read as year-month-day",
}


class Tone(StrEnum):
    """How a note is meant: all is well, look here, or nothing happens."""

    GOOD = "good"
    LOOK = "look"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence about a column."""

    sentence: str
    tone: Tone


def readings(
    listing: Listing, mapping: Mapping[str, Field | None], country: str
) -> dict[str, Note]:
    """A note for each column, from a bounded sample of the rows."""
    decisions = decide(listing.sample, mapping, country)
    raws = listing.sample.rows[:_LOOKED_AT]
    reader = RowReader(listing.header, mapping, country, decisions)
    rows = [reader.read(raw) for raw in raws if raw.broken is None]
    cells = {h: listing.sample.column(i)[:_LOOKED_AT] for i, h in enumerate(listing.header)}
    return {
        header: _note(header, mapping.get(header), cells[header], rows, decisions)
        for header in listing.header
    }


def _note(
    header: str,
    field: Field | None,
    cells: Sequence[str],
    rows: Sequence[TypedRow],
    decisions: Decisions,
) -> Note:
    if field is None:
        return Note("Never imported" if is_forbidden(header) else "Left out", Tone.NONE)
    said = [cell for cell in cells if values.clean(cell)]
    if not said:
        return Note("All are empty, which is fine", Tone.GOOD)
    wrong = sum(p.field is field and p.column == header for row in rows for p in row.problems)
    if field in _FIGURES and wrong:
        return _share(field, len(said), wrong)
    return _special(field, said, decisions) or _emptiness(len(said), len(rows))


def _share(field: Field, said: int, wrong: int) -> Note:
    right = max(0, round(100 * (said - wrong) / said))
    tone = Tone.GOOD if right >= 90 else Tone.LOOK
    if right == 0:
        return Note(f"None are {_FIGURES[field]}: is this the right field?", Tone.LOOK)
    return Note(f"{min(right, 99)} % are {_FIGURES[field]}", tone)


def _special(field: Field, said: Sequence[str], decisions: Decisions) -> Note | None:
    if field is Field.FULL_NAME and decisions.last_name_first:
        return Note("“Last, First” is turned round", Tone.GOOD)
    if field is Field.BIRTHDAY and any(map(_in_doubt, said)):
        tone = Tone.GOOD if decisions.date_order_proved else Tone.LOOK
        return Note(_ORDERS[decisions.date_order], tone)
    if field in {Field.MARKETING_EMAIL, Field.MARKETING_SMS}:
        return Note(_words(said), Tone.GOOD)
    if field is Field.TAGS and any(len(values.tags(cell)) > 1 for cell in said):
        return Note("Several words become several tags", Tone.GOOD)
    return None


def _in_doubt(cell: str) -> bool:
    """Whether a date could be read in two ways."""
    parts = values.date_parts(cell)
    return parts is not None and len(parts[0]) <= 2


def _words(said: Sequence[str]) -> str:
    """ "ja = yes, nee = no", by the words that occur most."""
    usual = [word for word, _ in Counter(cell.strip() for cell in said).most_common(20)]
    meant = [(word, values.yes_no(word)) for word in usual]
    yes = next((word for word, is_yes in meant if is_yes), None)
    no = next((word for word, is_yes in meant if is_yes is False), None)
    pairs = [f"{word} = {answer}" for word, answer in ((yes, "yes"), (no, "no")) if word]
    return ", ".join(pairs) or "Recognised"


def _emptiness(said: int, rows: int) -> Note:
    empty = round(100 * (rows - said) / rows) if rows else 0
    if empty >= 5:
        return Note(f"{min(empty, 99)} % are empty, which is fine", Tone.GOOD)
    return Note("Recognised", Tone.GOOD)
