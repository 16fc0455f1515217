"""The spans of days whose distinct customers are kept: the periods that reports offer.

A span up to today, the same before it and a year before, as `reports.report.PERIODS` offers and
compares them; `reports` and the rules are strangers, so a test holds the two to each other.
"""

from collections.abc import Sequence
from datetime import date, timedelta

DAY = timedelta(days=1)


def offered_spans(today: date) -> Sequence[tuple[date, date]]:
    """First and last days of the offered periods and of what each is compared with, each once."""
    month = today.replace(day=1)
    monday = today - timedelta(days=today.weekday())
    by_days = ((today, 1), (today - 6 * DAY, 7), (today - 29 * DAY, 30), (monday - 77 * DAY, 84))
    by_months = (
        (month, 1), (today.replace(month=1, day=1), 12), (months_back(month, 11), 12),
        (months_back(month, 23), 24),
    )  # fmt: skip
    spans: list[tuple[date, date]] = []
    for first, days in by_days:
        before = timedelta(days)
        spans += [(first, today), (first - before, today - before)]
        spans.append((months_back(first, 12), months_back(today, 12)))
    spans.append((monday - 77 * DAY - 364 * DAY, today - 364 * DAY))
    for first, months in by_months:
        spans.append((first, today))
        spans += [(months_back(first, n), months_back(today, n)) for n in (months, 12)]
    return tuple(dict.fromkeys(spans))


def months_back(day: date, months: int) -> date:
    """The same day of a month before, or the last one that month has."""
    number = day.year * 12 + day.month - 1 - months
    year, month = max(number // 12, 1), number % 12 + 1
    after = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(day.day, (after - DAY).day))
