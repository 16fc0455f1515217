"""What a segment can ask of a customer is made of these: a field, its parts, and their words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from app.operations import segment_sources as sources
from app.operations.segment_scope import Leaf, Scope
from app.operations.segment_terms import Kind, Op, Part, Span, Term, When

Names = Callable[[str, Any], str]
"""What an id is called: `names("service", 3)`."""
Options = tuple[tuple[str, str], ...]

BOUGHT, CAME, MONEY, SCORES, PERSON, KEEPS, ASKED = (
    "Bought", "Came", "Money", "Scores", "Person", "Loyalty and memberships",
    "Consent and segments",
)  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One thing that can be asked. `leaf` says whom it leaves, `said` says it in words.

    `rows` are numbers of customers that it adds up, `number` one that a customer's file has: with
    either it can be said how much it is for one customer, in `unit`.
    """

    name: str
    title: str
    group: str
    icon: str
    parts: tuple[Part, ...]
    leaf: Callable[[Term, Scope], Leaf]
    said: Callable[[Term, Names], str]
    rows: Callable[[Term, Scope], sources.Rows] | None = None
    number: Callable[[Term, Scope], Any] | None = None
    unit: str = ""
    admins: bool = True
    """Whether it can be asked over all vendors."""


# --- parts and words ---------------------------------------------------------------------------

OPS: Options = (
    (Op.AT_LEAST.value, "at least"), (Op.AT_MOST.value, "at most"), (Op.EXACTLY.value, "exactly"),
)  # fmt: skip
MORE_OR_LESS = OPS[:2]
EVER: Options = (
    (Span.EVER.value, "ever"), (Span.LAST.value, "in the last days"),
    (Span.BETWEEN.value, "between two days"),
)  # fmt: skip
HAS: Options = (("has", "has"), ("has_not", "does not have"))


def op_part(options: Options = OPS) -> Part:
    """How a number is compared."""
    return Part("op", "How much", Kind.CHOICE, options, usual=Op.AT_LEAST.value)


def times_part(title: str = "Times", usual: int = 1) -> Part:
    """How often."""
    return Part("times", title, Kind.WHOLE, high=Decimal(100_000), usual=usual)


def when_part(options: Options = EVER) -> Part:
    """In which time."""
    usual: dict[str, Any] = {"is": options[0][0]}
    if options[0][0] in (Span.LAST, Span.NEXT):
        usual["days"] = 30
    return Part("when", "When", Kind.WHEN, options, usual=usual)


def ids_part(title: str, lookup: str, *, optional: bool = False) -> Part:
    """Things to choose by name."""
    return Part("ids", title, Kind.IDS, lookup=lookup, optional=optional)


def listed(words: Sequence[str]) -> str:
    """Hair colour, Haircut or Beard trim."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def number_of(amount: Decimal | int) -> str:
    """1,240 and 46.10."""
    return f"{amount:,}"


def _day(day: date | None) -> str:
    return "" if day is None else f"{day.day} {day:%B} {day.year}"


def days_said(number: int) -> str:
    """1 day, 60 days."""
    return f"{number:,} day" if number == 1 else f"{number:,} days"


def when_said(when: When | None) -> str:
    """The time, as the end of a sentence, with the blank before it."""
    if when is None or when.span is Span.EVER:
        return ""
    if when.span is Span.LAST:
        return f" in the last {days_said(when.days)}"
    if when.span is Span.BETWEEN:
        return f" from {_day(when.first)} to {_day(when.last)}"
    return ""


def often(op: str, times: int) -> str:
    """At least twice, at most 3 times; the least there can be goes without saying."""
    word = {1: "once", 2: "twice"}.get(times, f"{times:,} times")
    if op == Op.AT_LEAST:
        return "" if times == 1 else f" at least {word}"
    return f" {dict(OPS)[op]} {word}"


def is_never(term: Term) -> bool:
    """Whether it asks for those who did it at no time."""
    op, times = term.values["op"], term.values["times"]
    return bool(times == 0 and op in (Op.AT_MOST, Op.EXACTLY))
