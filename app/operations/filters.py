"""The filters of the customer list: what an address can say, and what is taken from it.

Reports lead to the list by these: `segment=12` (who is in a kept segment), `group=at_risk` (the
group by recency, frequency and money), `cohort=2026-03` or `cohort=2026-W10` (who bought first in
that month or week of the vendor's calendar), `first_channel=online` and `first_category=7` (by
which channel and of which category that first purchase was), `first_from` and `first_to` (who
bought for the first time on one of these days, both included), `bought_from` and `bought_to` (who
bought on one of these days), beside `vendor`, `channel`, `service`,
`service_category`, `product`, `product_category`, `package`, `plan`, `tag`, `city`. Those of one
name are alternatives. `12-only` is category 12 without what lies below it.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from app.contact import fold
from models.customers import CustomerStatus
from models.scores import RfmSegment
from models.services import ServiceKind
from models.words import Channel

MOST_VALUES = 50
"""More values of one filter than this are left out: an address is no list."""
MOST_LETTERS = 200


class Holding(StrEnum):
    """Whether a package or membership counts while it runs, or also when it is over."""

    HOLDS = "holds"
    HELD = "held"


def tag_name(text: str) -> str:
    """A tag as it is kept: lower case, single blanks, no invisible characters."""
    seen = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[:1000])
    return " ".join(unicodedata.normalize("NFC", seen).lower().split())


def city_key(text: str) -> str:
    """A city as addresses keep it for comparison: case and accents folded."""
    return fold(text)


Reader = Callable[[str], Any]


def _number(text: str) -> int | None:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        return None
    number = int(digits)
    return number if 0 < number < 2**63 else None


ONLY = "-only"


@dataclass(frozen=True)
class Alone:
    """A category that is asked for without what lies below it."""

    id: int

    def __str__(self) -> str:
        return f"{self.id}{ONLY}"


Wanted = int | Alone
"""A category that is asked for: with all below it, or alone."""


def category(text: str) -> Wanted | None:
    """The category an address asks for, if that can be read."""
    number = _number(text.removesuffix(ONLY))
    return Alone(number) if number is not None and text.endswith(ONLY) else number


def _text(text: str) -> str | None:
    clean = text.strip()
    odd = any(unicodedata.category(c) in ("Cc", "Cs") for c in clean)
    return clean if clean and not odd and len(clean) <= MOST_LETTERS else None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if 1900 <= day.year <= 2999 else None


def _word_of(words: type[StrEnum]) -> Reader:
    return lambda text: words(text) if text in set(words) else None


def _tag(text: str) -> str | None:
    return (tag_name(text) or None) if _text(text) else None


def _city(text: str) -> str | None:
    return (city_key(text.strip()) or None) if _text(text) else None


_COHORT = re.compile(r"(\d{4})-(?:(0[1-9]|1[0-2])|W(0[1-9]|[1-4]\d|5[0-3]))", re.ASCII)


def _cohort(text: str) -> str | None:
    """2026-03 or 2026-W10; a week that its year does not have is none."""
    found = _COHORT.fullmatch(text.strip())
    if found is None or not 1900 <= int(found[1]) <= 2999:
        return None
    try:
        cohort_days(found[0])
    except ValueError:
        return None
    return found[0]


def cohort_days(cohort: str) -> tuple[date, date]:
    """The first and the last day of a cohort."""
    year, _, rest = cohort.partition("-")
    if rest.startswith("W"):
        first = date.fromisocalendar(int(year), int(rest[1:]), 1)
        return first, first + timedelta(days=6)
    first = date(int(year), int(rest), 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _search(text: str) -> str | None:
    seen = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in text[:MOST_LETTERS])
    return seen.strip() or None


_ONE: dict[str, tuple[str, Reader]] = {
    "vendor": ("vendor_id", _number),
    "holding": ("holding", _word_of(Holding)),
    "activity_from": ("activity_from", _day),
    "activity_to": ("activity_to", _day),
    "first_from": ("first_from", _day),
    "first_to": ("first_to", _day),
    "bought_from": ("bought_from", _day),
    "bought_to": ("bought_to", _day),
    "search": ("search", _search),
}
_MANY: dict[str, tuple[str, Reader]] = {
    "status": ("statuses", _word_of(CustomerStatus)),
    "service_type": ("service_kinds", _word_of(ServiceKind)),
    "service_category": ("service_categories", category),
    "service": ("services", _number),
    "product_category": ("product_categories", category),
    "product": ("products", _number),
    "package": ("packages", _number),
    "plan": ("plans", _number),
    "tag": ("tags", _tag),
    "channel": ("channels", _word_of(Channel)),
    "city": ("cities", _city),
    "segment": ("segments", _number),
    "group": ("groups", _word_of(RfmSegment)),
    "cohort": ("cohorts", _cohort),
    "first_channel": ("first_channels", _word_of(Channel)),
    "first_category": ("first_categories", category),
}
PARAMETERS: dict[str, str] = {name: field for name, (field, _) in (_ONE | _MANY).items()}
"""The filter's name in an address -> the field of `Filters`."""


@dataclass(frozen=True)
class Filters:
    """Which customers are asked for. Values of one filter are alternatives; filters add up.

    Categories include what lies below them, if they are not `Alone`. `packages` and `plans` are one
    filter; with `holding` alone any package or membership counts. Days are the vendor's days
    (without vendor: UTC), both included. Archived customers are never asked for.
    """

    vendor_id: int | None = None
    statuses: tuple[str, ...] = ()
    service_kinds: tuple[str, ...] = ()
    service_categories: tuple[Wanted, ...] = ()
    services: tuple[int, ...] = ()
    product_categories: tuple[Wanted, ...] = ()
    products: tuple[int, ...] = ()
    packages: tuple[int, ...] = ()
    plans: tuple[int, ...] = ()
    holding: str | None = None
    tags: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    activity_from: date | None = None
    activity_to: date | None = None
    first_from: date | None = None
    first_to: date | None = None
    bought_from: date | None = None
    bought_to: date | None = None
    segments: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()
    cohorts: tuple[str, ...] = ()
    first_channels: tuple[str, ...] = ()
    first_categories: tuple[Wanted, ...] = ()
    search: str | None = None

    @classmethod
    def from_query(cls, items: Iterable[tuple[str, str]]) -> Self:
        """The filters an address asks for; what cannot be read is ignored."""
        one: dict[str, Any] = {}
        many: dict[str, dict[Any, None]] = {}
        for name, text in items:
            if name in _ONE:
                field, read = _ONE[name]
                if (value := read(text)) is not None:
                    one[field] = value
            elif name in _MANY:
                field, read = _MANY[name]
                if (value := read(text)) is not None:
                    many.setdefault(field, {})[value] = None
        several = {field: tuple(found)[:MOST_VALUES] for field, found in many.items()}
        values: dict[str, Any] = one | several
        return cls(**values)

    def to_query(self) -> list[tuple[str, str]]:
        """The same filters as the pairs of an address, always in one order."""
        pairs: list[tuple[str, str]] = []
        for name, field in PARAMETERS.items():
            value = getattr(self, field)
            values: Sequence[Any] = value if isinstance(value, tuple) else (value,)
            pairs += [(name, str(one)) for one in values if one is not None]
        return pairs

    @cached_property
    def fingerprint(self) -> str:
        """Equal for filters that ask for the same, whatever the order of their values."""
        return hashlib.blake2s(repr(sorted(self.to_query())).encode(), digest_size=8).hexdigest()

    def without(self, name: str) -> Self:
        """The same filters without the one that an address calls `name`."""
        gone = ("package", "plan", "holding") if name in ("package", "plan") else (name,)
        blank: dict[str, Any] = {f.name: f.default for f in fields(self)}
        return replace(self, **{PARAMETERS[n]: blank[PARAMETERS[n]] for n in gone})

    def __bool__(self) -> bool:
        return bool(self.to_query())
