"""A segment's rule as it is kept and typed: conditions in groups of all, any or none of them.

A group is `{"match": "all" | "any" | "none", "of": [...]}`, a condition `{"field": ..., ...}` with
the parts of its field (`app.operations.segment_fields`). Whatever cannot be meant is refused with
one sentence and the place where it stands (`of.0.of.2.days`).
"""

import json
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as kept_as
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from app.errors import DomainError
from app.operations.filters import MOST_VALUES, city_key, tag_name

DEEPEST = 5
MOST_CONDITIONS = 40
LONGEST = 20_000
LONGEST_WORD = 100
MOST_DIGITS = 19
MOST_DAYS = 3_650
MOST_MONEY = Decimal("9999999999.99")
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2199, 12, 31)


class Match(StrEnum):
    """How the conditions of a group go together."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


class Op(StrEnum):
    """How a number is compared."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    EXACTLY = "exactly"


class Span(StrEnum):
    """When something was, or will be."""

    EVER = "ever"
    LAST = "last"
    NOT_SINCE = "not_since"
    BETWEEN = "between"
    NEVER = "never"
    NEXT = "next"
    MONTH = "month"


class Kind(StrEnum):
    """What a part of a condition holds, and how it is typed."""

    CHOICE = "choice"
    WORDS = "words"
    IDS = "ids"
    TEXTS = "texts"
    WHOLE = "whole"
    AMOUNT = "amount"
    WHEN = "when"


class Misread(DomainError):
    """A rule that cannot be meant; `field` is the place, from the outermost group on."""

    sentence = "This rule cannot be read: write it anew."
    field = "of"


@dataclass(frozen=True)
class When:
    """A span of time: days back from today or ahead, two days, or a month of the year."""

    span: Span
    days: int = 0
    first: date | None = None
    last: date | None = None
    month: int = 0

    def kept(self) -> dict[str, Any]:
        """As it is kept."""
        shown: dict[str, Any] = {"is": self.span.value}
        if self.days:
            shown["days"] = self.days
        if self.first is not None and self.last is not None:
            shown |= {"from": self.first.isoformat(), "to": self.last.isoformat()}
        return shown | ({"month": self.month} if self.month else {})


@dataclass(frozen=True)
class Part:
    """A part of a condition: what it is called, what it holds, and within which limits.

    `options` are the words to choose from, `lookup` names what ids and texts are searched in.
    """

    name: str
    title: str
    kind: Kind
    options: Sequence[tuple[str, str]] = ()
    lookup: str = ""
    low: Decimal = Decimal(0)
    high: Decimal = MOST_MONEY
    decimals: int = 0
    optional: bool = False
    usual: Any = None


@dataclass(frozen=True)
class Term:
    """One condition: its field, the values of its parts, and where it stands."""

    field: str
    values: Mapping[str, Any] = kept_as(hash=False)
    path: str = kept_as(default="", compare=False)

    def kept(self) -> dict[str, Any]:
        """As it is kept."""
        return {"field": self.field, **{name: _kept(v) for name, v in self.values.items()}}


@dataclass(frozen=True)
class Group:
    """Conditions and groups of which all, any or none have to hold."""

    match: Match
    of: tuple["Group | Term", ...]
    path: str = kept_as(default="", compare=False)

    def kept(self) -> dict[str, Any]:
        """As it is kept."""
        return {"match": self.match.value, "of": [one.kept() for one in self.of]}

    def terms(self) -> Iterator[Term]:
        """Every condition in it, however deep, in order."""
        for one in self.of:
            if isinstance(one, Term):
                yield one
            else:
                yield from one.terms()


def _kept(value: Any) -> Any:
    if isinstance(value, When):
        return value.kept()
    if isinstance(value, Decimal):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def read(typed: Any, fields: Mapping[str, Sequence[Part]], *, root: str = "") -> Group:
    """The rule that was typed or kept, as JSON or as what that stands for; refuses `Misread`.

    Its places begin with `root`, where that is given.
    """
    tree = _loaded(typed)
    if not isinstance(tree, dict):
        raise Misread
    group = _group(tree, fields, root, 1)
    if sum(1 for _ in group.terms()) > MOST_CONDITIONS:
        raise Misread(f"More than {MOST_CONDITIONS} conditions: leave some out.")
    if not group.of:
        raise Misread("There is no condition yet: add one.")
    return group


def _loaded(typed: Any) -> Any:
    if not isinstance(typed, str):
        return typed
    if len(typed) > LONGEST:
        raise Misread("This rule is too long: leave conditions out.")
    try:
        return json.loads(typed, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise Misread from None


def _group(tree: dict[str, Any], fields: Mapping[str, Sequence[Part]], path: str, at: int) -> Group:
    here = f"{path}." if path else ""
    if at > DEEPEST:
        raise Misread(f"Groups stand at most {DEEPEST} deep: put these one level up.", field=path)
    match = tree.get("match")
    if not isinstance(match, str) or match not in set(Match):
        raise Misread("Choose whether all, any or none of these hold.", field=f"{here}match")
    of = tree.get("of")
    if not isinstance(of, list) or len(of) > MOST_CONDITIONS:
        raise Misread(f"A group has at most {MOST_CONDITIONS} conditions.", field=f"{here}of")
    if not of and path:
        raise Misread("This group is empty: add a condition, or remove it.", field=path)
    return Group(
        Match(match),
        tuple(_one(one, fields, f"{here}of.{n}", at) for n, one in enumerate(of)),
        path,
    )


def _one(one: Any, fields: Mapping[str, Sequence[Part]], path: str, at: int) -> Group | Term:
    if not isinstance(one, dict):
        raise Misread(field=path)
    if "match" in one:
        return _group(one, fields, path, at + 1)
    name = one.get("field")
    if not isinstance(name, str) or name not in fields:
        raise Misread(_about_what(name), field=f"{path}.field")
    parts = fields[name]
    strange = set(one) - {"field", *(p.name for p in parts)}
    if strange:
        raise Misread("This condition has a part that is unknown: write it anew.", field=path)
    values = {p.name: _part(p, one.get(p.name), f"{path}.{p.name}") for p in parts}
    return Term(name, {k: v for k, v in values.items() if v is not None}, path)


def _about_what(name: Any) -> str:
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= LONGEST_WORD:
        return "Choose what this condition is about."
    return f"“{name}” is not known any more: choose what this condition is about."


def _part(part: Part, given: Any, path: str) -> Any:
    if given is None or given in ("", []):
        if part.optional:
            return None
        raise Misread(f"{part.title}: this is missing.", field=path)
    return _READ[part.kind](part, given, path)


def _choice(part: Part, given: Any, path: str) -> str:
    if not isinstance(given, str) or given not in dict(part.options):
        raise Misread(f"{part.title}: choose one from the list.", field=path)
    return given


def _words(part: Part, given: Any, path: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_choice(part, one, path) for one in _many(given, path)))


def _ids(part: Part, given: Any, path: str) -> tuple[int, ...]:
    numbers = []
    for one in _many(given, path):
        if isinstance(one, bool) or not isinstance(one, int | str):
            raise Misread(f"{part.title}: choose from the list.", field=path)
        text = str(one)
        known = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
        if not (known and 0 < int(text) < 2**63):
            raise Misread(f"{part.title}: choose from the list.", field=path)
        numbers.append(int(text))
    return tuple(dict.fromkeys(numbers))


def _texts(part: Part, given: Any, path: str) -> tuple[str, ...]:
    found = [_text(part, one, path) for one in _many(given, path)]
    return tuple(dict.fromkeys(found))


def _text(part: Part, one: Any, path: str) -> str:
    if not isinstance(one, str) or len(one) > LONGEST_WORD:
        raise Misread(f"{part.title}: write a few words.", field=path)
    seen = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in one)
    word = _NORMAL.get(part.lookup, str)(seen).strip()
    if not word:
        raise Misread(f"{part.title}: this is missing.", field=path)
    return word


def _country(text: str) -> str:
    word = text.strip().upper()
    return word if len(word) == 2 and word.isascii() and word.isalpha() else ""


def _postal(text: str) -> str:
    return "".join(text.split()).upper()


_NORMAL = {"tag": tag_name, "city": city_key, "country": _country, "postal": _postal}


def _many(given: Any, path: str) -> list[Any]:
    many = given if isinstance(given, list | tuple) else [given]
    if len(many) > MOST_VALUES:
        raise Misread(f"At most {MOST_VALUES} at once: leave some out.", field=path)
    return list(many)


def _number(part: Part, given: Any, path: str) -> Decimal:
    wrong = Misread(f"{part.title}: write a number from {part.low:,} to {part.high:,}.", field=path)
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        raise wrong
    if isinstance(given, float) and not math.isfinite(given):
        raise wrong
    text = str(given).strip()
    try:
        number = Decimal(text) if len(text) <= 40 else Decimal("NaN")
    except InvalidOperation:
        raise wrong from None
    if not number.is_finite() or not part.low <= number <= part.high:
        raise wrong
    if number != number.quantize(Decimal(1).scaleb(-part.decimals)):
        raise wrong
    return number + 0  # no minus before a nought


def _whole(part: Part, given: Any, path: str) -> int:
    return int(_number(part, given, path))


def _amount(part: Part, given: Any, path: str) -> Decimal:
    return _number(part, given, path).quantize(Decimal(1).scaleb(-part.decimals))


def _when(part: Part, given: Any, path: str) -> When:
    if isinstance(given, When):
        return given
    if not isinstance(given, dict):
        raise Misread(f"{part.title}: choose one from the list.", field=path)
    span = Span(_choice(part, given.get("is"), path))
    if span in (Span.LAST, Span.NOT_SINCE, Span.NEXT):
        days = Part("days", "Days", Kind.WHOLE, low=Decimal(1), high=_most_days(span))
        return When(span, days=_whole(days, given.get("days", ""), f"{path}.days"))
    if span is Span.MONTH:
        month = Part("month", "Month", Kind.WHOLE, low=Decimal(1), high=Decimal(12))
        return When(span, month=_whole(month, given.get("month", ""), f"{path}.month"))
    if span is Span.BETWEEN:
        return _between(given, path)
    return When(span)


def _most_days(span: Span) -> Decimal:
    return Decimal(60 if span is Span.NEXT else MOST_DAYS)


def _between(given: dict[str, Any], path: str) -> When:
    first, last = (_day(given.get(name), f"{path}.{name}") for name in ("from", "to"))
    if last < first:
        raise Misread("This ends before it begins: swap the two days.", field=f"{path}.to")
    return When(Span.BETWEEN, first=first, last=last)


def _day(given: Any, path: str) -> date:
    try:
        day = date.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        day = None
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        raise Misread("This is no day: choose one from the calendar.", field=path)
    return day


_READ: Mapping[Kind, Any] = {
    Kind.CHOICE: _choice, Kind.WORDS: _words, Kind.IDS: _ids, Kind.TEXTS: _texts,
    Kind.WHOLE: _whole, Kind.AMOUNT: _amount, Kind.WHEN: _when,
}  # fmt: skip
