"""A report's values as people read them: cells, changes, names of days, weeks and months."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from admin_views.rendering import minutes, money, number, plural, word
from admin_views.writing import NONE
from admin_views.writing import day as day_text
from reports.figures import WEEKDAYS, worded
from reports.report import Better, Period, Unit
from reports.spans import Grain

BIG = 100_000
"""Columns with such amounts are written without cents."""
KINDS = {
    "service": "Services", "product": "Products", "package": "Packages",
    "membership": "Memberships", "fee": "Fees", "shipping": "Shipping", "tip": "Tips",
    "unassigned": "Given back for no line", "appointment": "Appointments", "class": "Classes",
    "lab_test": "Lab tests", "stay": "Stays",
}  # fmt: skip
WRITERS = {
    Unit.COUNT: number,
    Unit.POINTS: number,
    Unit.CHANNEL: worded,
    Unit.STATUS: worded,
}


def said(value: Any, unit: Unit, *, whole: bool = False, by: Grain = Grain.DAY) -> str:
    """A value in its unit; `whole` leaves cents out, `by` is what a BUCKET is."""
    if value is None:
        return NONE
    if unit is Unit.MONEY:
        return number(round(value)) if whole else money(value)
    if unit is Unit.PERCENT:
        return f"{decimal(value)} %"
    if unit in WRITERS:
        return WRITERS[unit](value)
    return _other(value, unit, by)


def _other(value: Any, unit: Unit, by: Grain) -> str:
    if unit is Unit.NUMBER:
        return decimal(value, 2)
    if unit is Unit.DAYS:
        return plural(round(value), "day") if value == round(value) else f"{decimal(value)} days"
    if unit is Unit.MINUTES:
        return hours(value)
    if unit is Unit.KIND:
        return KINDS.get(str(value)) or word(value)
    if unit is Unit.WEEKDAY:
        return WEEKDAYS[int(value) - 1]
    if unit is Unit.BUCKET:
        return bucket(value, by)
    if unit is Unit.MONTH:
        return bucket(value, Grain.MONTH)
    return day_text(value) if isinstance(value, date) else str(value)


def hours(value: Any) -> str:
    """45 min, 1 h 45; from a hundred hours on without minutes: 1,240 h."""
    total = round(value)
    return minutes(total) if total < 6000 else f"{number(round(total / 60))} h"


def decimal(value: Any, places: int = 1) -> str:
    """A number with as many decimals at most: 22.2, 22."""
    return number(round(Decimal(value), places).normalize() + 0)


def bucket(day: date, by: Grain) -> str:
    """Fri 20 Nov; 16 Nov, as a week; November 2026."""
    if by is Grain.MONTH:
        return f"{day:%B} {day.year}"
    return f"{day:%a} {day_text(day)}" if by is Grain.DAY else f"Week of {day_text(day)}"


def dates(period: Period) -> str:
    """31 Aug – 20 Nov 2026; one day alone."""
    first, last = period.first, period.last
    end = f"{last.day} {last:%b} {last.year}"
    if first == last:
        return end
    begin = f"{first.day} {first:%b}" + (f" {first.year}" if first.year != last.year else "")
    return f"{begin} – {end}"


def change(now: Any, before: Any, unit: Unit, better: Better | None) -> dict[str, Any] | None:
    """How a figure has changed: its arrow, its words, and whether that is good news.

    None when there is nothing to compare. Shares change by points, all else by percent.
    """
    if now is None or before is None:
        return None
    shares = unit is Unit.PERCENT
    if not shares and not before:
        return None
    difference = now - before
    size = abs(difference) if shares else abs(difference) * 100 / abs(before)
    moved = round(Decimal(size), 1)
    if not moved:
        return {"icon": "", "text": "no change", "tone": ""}
    way = "up" if difference > 0 else "down"
    text = f"{decimal(moved)} points" if shares else f"{decimal(moved)} %"
    tone = "" if better is None else "up" if way == better else "down"
    return {"icon": f"arrow-{way}", "text": text, "tone": tone, "spoken": f"{way} "}


def are_big(values: Iterable[Any]) -> bool:
    """Whether amounts are so large that nobody reads their cents."""
    return any(value is not None and abs(value) >= BIG for value in values)
