"""The last days beside those a week before, as the shapes of a small chart, and as words."""

from collections.abc import Sequence
from decimal import Decimal
from math import ceil, floor, log10
from typing import Any

from babel.dates import format_date
from babel.numbers import format_compact_decimal

from admin_views.rendering import money, number
from app.settings import settings
from reports.pulse import Day, Week

LEFT, STEP, BAR, WIDTH = 40.0, 31.0, 18, 288
TOP, GROUND, HEIGHT = 12, 80, 96


def change(now: Decimal | int, before: Decimal | int) -> dict[str, str] | None:
    """By how much it is more or less than before: {way, text}; None when there is nothing to say.

    What was nothing before has no percentage.
    """
    if before <= 0 or now == before:
        return None
    share = (Decimal(now) - Decimal(before)) / Decimal(before) * 100
    size = abs(round(share)) if abs(share) >= 1 else 0
    if size == 0:
        return None
    return {"way": "up" if share > 0 else "down", "text": f"{number(size)} %"}


def card(week: Week, *, url: str | None) -> dict[str, Any]:
    """The card of the week: its sums beside those before, and a bar a day with the week before."""
    return {
        "title": "Last 7 days", "url": url,
        "sums": [
            _sum(f"Revenue, {settings().currency}", money, week.now.revenue, week.before.revenue),
            _sum("Bookings", number, week.now.bookings, week.before.bookings),
        ],
        "chart": drawn_of([*week.days, week.today]),
    }  # fmt: skip


def _sum(title: str, said: Any, now: Any, before: Any) -> dict[str, Any]:
    return {
        "title": title, "value": said(now), "change": change(now, before),
        "before": f"{said(before)} before",
    }  # fmt: skip


def drawn_of(days: Sequence[Day]) -> dict[str, Any] | None:
    """The bars of revenue, today's pale, with a dashed line through the week before; or None."""
    top = max((max(d.now.revenue, d.before.revenue) for d in days), default=Decimal(0))
    if top <= 0:
        return None
    step = _step(float(top) / 2)
    rows = ceil(float(top) / step)
    high = rows * step
    return {
        "label": _gist(days), "width": WIDTH, "height": HEIGHT, "left": LEFT - 6,
        "ground": GROUND, "bar": BAR,
        "grid": [(_y(n * step, high), _short(n * step)) for n in range(rows + 1)],
        "line": " ".join(f"{_middle(n)},{_y(d.before.revenue, high)}" for n, d in enumerate(days)),
        "days": [_bar(n, d, high, partial=n == len(days) - 1) for n, d in enumerate(days)],
    }  # fmt: skip


def _short(value: float) -> str:
    """10K: what is long does not fit beside a small chart."""
    if value < 10_000:
        return number(round(value, 2))
    return str(format_compact_decimal(value, fraction_digits=1, locale=settings().locale))


def _bar(n: int, day: Day, high: float, *, partial: bool) -> dict[str, Any]:
    y = _y(max(day.now.revenue, Decimal(0)), high)
    locale = settings().locale
    name = format_date(day.day, "EEEE d MMM", locale=locale)
    so_far = " so far" if partial else ""
    return {
        "x": round(_middle(n) - BAR / 2, 1), "middle": _middle(n), "y": y,
        "height": round(GROUND - y, 1), "partial": partial,
        "name": "today" if partial else format_date(day.day, "EEE", locale=locale),
        "title": f"{name}: {money(day.now.revenue)}{so_far}, {money(day.before.revenue)} a week"
        " before",
    }  # fmt: skip


def _gist(days: Sequence[Day]) -> str:
    whole = days[:-1]
    now, before = (sum((s.revenue for s in side), Decimal(0)) for side in (
        [d.now for d in whole], [d.before for d in whole],
    ))  # fmt: skip
    return f"Revenue of the last 7 days {money(now)}, of the 7 before {money(before)}"


def _middle(n: int) -> float:
    return round(LEFT + STEP * n + BAR / 2, 1)


def _step(least: float) -> float:
    """The next of 1, 2, 2.5 and 5 with as many zeros as it needs."""
    unit = 10.0 ** floor(log10(least))
    return next(unit * n for n in (1, 2, 2.5, 5, 10) if unit * n >= least - 1e-9)


def _y(value: Decimal | float, top: float) -> float:
    return round(GROUND - max(float(value), 0.0) / top * (GROUND - TOP), 1)
