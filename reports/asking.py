"""What is asked of a report: which days, compared with which, whose; read from words.

Words come from an address or a command line. What cannot be understood in them is left out, but for
own dates: figures of other days than those that were typed would be wrong figures.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import DomainError
from models.categories import Category
from models.words import Channel
from reports.report import MOST_YEARS, PERIODS, Compare, Filters, Period, Report, months_back
from reports.spans import DAY, Grain, beginning, ending

FIRST, LAST = date(1970, 1, 1), date(2199, 12, 31)
MOST_VALUES = 100
DAYS_BY_DAY, DAYS_BY_WEEK = 400, 1900
"""More days are shown by week, or by month: nobody reads a thousand bars."""
Words = Mapping[str, Sequence[str]]


class NoDay(DomainError):
    sentence = "“{text}” is no day: write it like 2026-11-20."
    field = "from"


class Backwards(DomainError):
    sentence = "The period ends before it begins: choose a later end, or an earlier beginning."
    field = "to"


class TooLong(DomainError):
    sentence = f"The period is longer than {MOST_YEARS} years: choose fewer days."
    field = "to"


class OutOfTime(DomainError):
    sentence = "There are figures from 1970 to 2199 only: choose days between them."
    field = "from"


class NoOwnDates(DomainError):
    sentence = "This report has its own periods: choose one of them."
    field = "from"


class NoSuchPeriod(DomainError):
    sentence = "There is no period “{text}”: take one of {known}."
    field = "period"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, understood. `today` is the vendor's, or the marketplace's."""

    report: Report
    period: Period
    compare: Compare
    by: Grain
    filters: Filters
    today: date

    @property
    def compared(self) -> Period | None:
        """The days that are compared with, if any."""
        return compared(self.period, self.compare, self.by)

    @property
    def compared_title(self) -> str:
        """What those are called: 12 weeks before."""
        return "" if self.compare is Compare.NOTHING else before_title(self.period, self.compare)


def ask(
    session: Session, report: Report, words: Words, *, today: date, vendor_id: int | None
) -> Asked:
    """The question that words put to a report; `vendor_id` is that of a vendor's own reader.

    Refuses own dates that are none, that end before they begin, or that are too far apart.
    """
    period = period_of(report, words, today)
    compare = Compare(_one(words, "compare", [*Compare])) if report.compares else Compare.NOTHING
    return Asked(
        report, period, compare, grain_of(report, period, words),
        filters_of(session, report, words, vendor_id), today,
    )  # fmt: skip


def _one(words: Words, name: str, known: Sequence[str]) -> str:
    """The last known word that is said, or the first there is."""
    said = [word for word in words.get(name, ()) if word in known]
    return said[-1] if said else known[0]


# --- days ---------------------------------------------------------------------------------------


def period_of(report: Report, words: Words, today: date) -> Period:
    """The period that is asked for; unasked the report's own."""
    if not report.periods:
        return Period(today, today)
    first, last = (_typed(words, name) for name in ("from", "to"))
    if first or last:
        if not report.own_dates:
            raise NoOwnDates
        return own_dates(first, last, today)
    slug = _one(words, "period", [_default(report), *report.periods])
    return PERIODS[slug].period(today)


def _default(report: Report) -> str:
    return report.period if report.period in report.periods else report.periods[0]


def _typed(words: Words, name: str) -> str:
    return next((word.strip() for word in reversed(words.get(name, ())) if word.strip()), "")


def own_dates(first: str, last: str, today: date) -> Period:
    """A period between two days as they were typed; without an end it lasts until today."""
    begin, end = _day(first) if first else None, _day(last) if last else today
    begin = end if begin is None else begin
    if end < begin:
        raise Backwards
    if begin < FIRST or end > LAST:
        raise OutOfTime
    if (end - begin).days > MOST_YEARS * 366:
        raise TooLong
    return Period(begin, end)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NoDay(text=text[:20]) from None


def fitting(report: Report, period: Period) -> tuple[Grain, ...]:
    """What the days can be grouped by."""
    most = {Grain.DAY: DAYS_BY_DAY, Grain.WEEK: DAYS_BY_WEEK, Grain.MONTH: 10**6}
    return tuple(g for g in report.grains if period.days <= most[g]) or report.grains[-1:]


def grain_of(report: Report, period: Period, words: Words) -> Grain:
    """How the days are grouped: as asked, else by their number.

    Where a report does not know that, by what is longer, at best by what begins with them.
    """
    offered = fitting(report, period)
    if not offered:
        return Grain.MONTH
    if period.slug:
        usual = PERIODS[period.slug].by
    else:
        usual = (
            Grain.DAY if period.days <= 31 else Grain.WEEK if period.days <= 190 else Grain.MONTH
        )
    coarser = [grain for grain in [*Grain][[*Grain].index(usual) :] if grain in offered]
    whole = [grain for grain in coarser if beginning(period.first, grain) == period.first]
    first = usual if usual in offered else [*whole, *coarser, *offered][0]
    return Grain(_one(words, "by", [first, *offered]))


def compared(period: Period, compare: Compare, by: Grain) -> Period | None:
    """The days that a period is compared with, as many and as far through; None: there are none."""
    if compare is Compare.NOTHING:
        return None
    months, days = _before(period) if compare is Compare.BEFORE else (12, 0)
    if compare is Compare.YEAR and by is Grain.WEEK:
        months, days = 0, 364  # the same weeks: a week is compared with seven days, not with eight
    if period.first - FIRST < timedelta(days=days + months * 31):
        return None
    if days:
        return Period(period.first - timedelta(days), period.last - timedelta(days))
    last = months_back(period.last, months)
    if _ends_a_month(period.last) and compare is Compare.BEFORE and not period.slug:
        last = ending(last, Grain.MONTH)
    return Period(months_back(period.first, months), last)


def _before(period: Period) -> tuple[int, int]:
    """How far back the period before lies: (months, days)."""
    if period.slug:
        offer = PERIODS[period.slug]
        return offer.months, offer.days
    if period.first.day == 1 and _ends_a_month(period.last):
        after = period.last + DAY
        return (after.year - period.first.year) * 12 + after.month - period.first.month, 0
    return 0, period.days


def _ends_a_month(day: date) -> bool:
    return day == ending(day, Grain.MONTH)


def before_title(period: Period, compare: Compare) -> str:
    """What the days compared with are called."""
    if compare is Compare.YEAR:
        return "A year before"
    if period.slug:
        return PERIODS[period.slug].before
    months, days = _before(period)
    many, noun = (months, "month") if months else (days, "day")
    return f"The {noun} before" if many == 1 else f"{many} {noun}s before"


# --- whose --------------------------------------------------------------------------------------


def filters_of(session: Session, report: Report, words: Words, vendor_id: int | None) -> Filters:
    """Vendors, channels and categories that are asked for; a vendor's reader has that vendor."""
    taken = report.filters
    sees_several = vendor_id is None and "vendor" in taken
    vendors = _ids(words, "vendor") if sees_several else ()
    asked = _ids(words, "category") if "category" in taken else ()
    chosen = tuple(
        (c.key, _one(words, c.key, [word for word, _ in c.options])) for c in report.choices
    )
    return Filters(
        vendor_ids=vendors if vendor_id is None else (vendor_id,),
        channels=_channels(words) if "channel" in taken else (),
        category_ids=below(session, asked),
        categories=asked,
        vendors=vendors,
        chosen=chosen,
    )


def _channels(words: Words) -> tuple[str, ...]:
    said = words.get("channel", ())
    return tuple(c.value for c in Channel if c.value in said)


def _ids(words: Words, name: str) -> tuple[int, ...]:
    said = dict.fromkeys(words.get(name, ()))
    found = (int(w) for w in said if w.isascii() and w.isdigit() and len(w) < 19)
    return tuple(number for number in found if number)[:MOST_VALUES]


def below(session: Session, ids: Sequence[int]) -> tuple[int, ...]:
    """These categories and all below them; one that was removed stays, and finds nothing."""
    if not ids:
        return ()
    tops = select(Category.id).where(Category.id.in_(ids)).cte("branch", recursive=True)
    branch = tops.union(select(Category.id).where(Category.parent_id == tops.c.id))
    return tuple(sorted({*ids, *session.scalars(select(branch.c.id))}))


def by_name(words: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """Pairs of a name and a value, as they are kept, as an address has them."""
    found: dict[str, list[str]] = {}
    for name, value in words:
        found.setdefault(name, []).append(value)
    return found


def words_of(asked: Asked) -> list[tuple[str, str]]:
    """The question in one spelling: equal questions have equal words."""
    report, period = asked.report, asked.period
    said: list[tuple[str, str]] = []
    if report.periods and period.slug:
        said.append(("period", period.slug))
    elif report.periods:
        said += [("from", period.first.isoformat()), ("to", period.last.isoformat())]
    if report.compares:
        said.append(("compare", asked.compare.value))
    if report.grains:
        said.append(("by", asked.by.value))
    filters = asked.filters
    said += [("vendor", str(number)) for number in sorted(filters.vendors)]
    said += [("channel", word) for word in filters.channels]
    said += [("category", str(number)) for number in sorted(filters.categories)]
    return [*said, *filters.chosen]
