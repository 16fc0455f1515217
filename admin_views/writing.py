"""Values as people write them: figures, dates, phones, statuses.

The zone is that of the request (`speaking_in`), the locale and the currency are the installation's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from functools import lru_cache

import phonenumbers
from babel.dates import format_date
from babel.numbers import NumberPattern, format_decimal, parse_pattern
from markupsafe import Markup

from admin_views.statuses import Look, look_of
from app import clock
from app.money import decimals_of
from app.settings import settings

NONE = "–"
NEVER = "never"

_zone: ContextVar[tzinfo | None] = ContextVar("zone", default=None)


@contextmanager
def speaking_in(zone: tzinfo) -> Iterator[None]:
    """Write moments in `zone` inside the block; threads started inside follow."""
    token = _zone.set(zone)
    try:
        yield
    finally:
        _zone.reset(token)


def _signed(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text


def _finite(value: Decimal | float) -> bool:
    return isinstance(value, int) or Decimal(value).is_finite()


@lru_cache(maxsize=8)
def _money_pattern(currency: str) -> NumberPattern:
    decimals = decimals_of(currency)
    return parse_pattern("#,##0" + ("." + "0" * decimals if decimals else ""))


def number(value: Decimal | float | None) -> str:
    """1,240 as the installation writes it; a minus is −, nothing is an en dash."""
    if value is None or not _finite(value):
        return NONE
    return _number_text(value, settings().locale)


@lru_cache(maxsize=4096)
def _number_text(value: Decimal | float, locale: str) -> str:
    return _signed(str(format_decimal(value, locale=locale)))


def money(value: Decimal | float | None) -> str:
    """46.10, with the decimals of the installation's currency and without its name."""
    if value is None or not _finite(value):
        return NONE
    chosen = settings()
    return _money_text(Decimal(value) + 0, chosen.currency, chosen.locale)


@lru_cache(maxsize=8192)
def _money_text(value: Decimal, currency: str, locale: str) -> str:
    return _signed(str(_money_pattern(currency).apply(value, locale)))


def capped(count: int | None) -> str:
    """A count up to the cap, and "10,000+" above it."""
    if count is None:
        return ""
    cap = settings().count_cap
    return f"{number(cap)}+" if count > cap else number(count)


def span(low: object, high: object) -> str:
    """A range with an en dash: 1–25."""
    return f"{low}–{high}"


def local_day(value: date | datetime) -> date:
    """The day in the zone of the request."""
    if isinstance(value, datetime):
        return (value.astimezone(_zone.get() or UTC) if value.tzinfo else value).date()
    return value


def _today() -> date:
    return clock.now().astimezone(_zone.get() or UTC).date()


def day(value: date | datetime | None, none: str = NEVER) -> str:
    """18 Nov, with the year only when it is not this one."""
    if value is None:
        return none
    local = local_day(value)
    pattern = "d MMM" if local.year == _today().year else "d MMM y"
    return _date_text(local, pattern, settings().locale)


@lru_cache(maxsize=4096)
def _date_text(value: date, pattern: str, locale: str) -> str:
    return str(format_date(value, pattern, locale=locale))


def day_head(value: date | datetime) -> str:
    """Wednesday 18 November, as the head of a day in a time line."""
    local = local_day(value)
    pattern = "EEEE d MMMM" if local.year == _today().year else "EEEE d MMMM y"
    return _date_text(local, pattern, settings().locale)


def clock_time(value: datetime | None) -> str:
    """15:10 in the zone of the request."""
    if value is None:
        return NONE
    return (value.astimezone(_zone.get() or UTC) if value.tzinfo else value).strftime("%H:%M")


def moment(value: datetime | None, none: str = NEVER) -> str:
    """18 Nov, 15:10 in the zone of the request."""
    return none if value is None else f"{day(value)}, {clock_time(value)}"


def ago(value: date | datetime | None, none: str = NEVER) -> str:
    """Today, yesterday, 2 days ago; after a week, and ahead of tomorrow, the date."""
    if value is None:
        return none
    days = (_today() - local_day(value)) // timedelta(days=1)
    named = {0: "today", 1: "yesterday", -1: "tomorrow"}
    if days in named:
        return named[days]
    return f"{days} days ago" if 1 < days <= 7 else day(value)


def minutes(value: int | None) -> str:
    """45 min, 1 h 45, 2 h."""
    if value is None:
        return NONE
    hours, rest = divmod(value, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02d}" if rest else f"{hours} h"


@lru_cache(maxsize=8192)
def phone(value: str | None) -> str:
    """A stored number as people read it, +31 6 12348890; what is no number stays as it is."""
    if not value:
        return NONE
    try:
        known = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return value
    return phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def dial(value: str | None) -> str:
    """The `tel:` address of a number, of digits and a plus only."""
    return "tel:" + "".join(c for c in value or "" if c in "+0123456789")


def initials(name: str | None) -> str:
    """Up to two letters that stand for a name in its circle."""
    words = [w for w in (name or "").split() if w[0].isalpha()]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [w[0] for w in words]
    return "".join(letters).upper() or "?"


def plural(count: int, one: str, many: str | None = None) -> str:
    """1 row, 2 rows, 1,240 rows."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def word(value: object) -> str:
    """An enum's or column's word as a label: part_paid is "Part paid"; nothing is an en dash."""
    if value is None or value == "":
        return NONE
    text = str(value.value if isinstance(value, Enum) else value).replace("_", " ")
    return text[:1].upper() + text[1:]


def look(status: object, kind: str = "") -> Look:
    """Tone, glyph and word of a status."""
    return look_of(str(status.value if isinstance(status, Enum) else status), kind)


def plain(value: object) -> object:
    """A value of any column as a cell: dates, numbers, words and yes or no as people write them."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Decimal):
        return money(value)
    return _plain_word(value)


def _plain_word(value: object) -> object:
    if isinstance(value, Enum):
        return word(value)
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, list | tuple | set):
        return ", ".join(str(plain(v)) for v in value) or NONE
    return NONE if value is None or value == "" else str(value)
