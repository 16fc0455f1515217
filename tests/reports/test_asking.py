"""Days of a report: which are offered, what they are compared with, how they are covered."""

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import DomainError
from models.market_figures import LongGrain
from reports import asking, figures
from reports.figures import Series
from reports.registry import all_reports
from reports.report import PERIODS, Compare, Filters, Frame, Period, Unit, months_back
from reports.spans import DAY, Grain, beginning, following, pieces

TODAY = date(2026, 11, 20)
days = st.dates(date(1990, 1, 1), date(2100, 12, 31))


def after_it(at: date, grain: Grain | LongGrain) -> date:
    """The first day after what begins at a day: a quarter is three months, a year twelve."""
    if grain.value not in LONG:
        return following(at, Grain(grain.value))
    assert (at.month % LONG[grain.value], at.day) == (1, 1)
    for _ in range(LONG[grain.value]):
        at = following(at, Grain.MONTH)
    return at


LONG = {"quarter": 3, "year": 12}
LONGER: list[tuple[str, ...]] = [(), ("quarter",), ("month", "quarter", "year")]


@given(
    days,
    st.integers(0, 800),
    st.sampled_from([None, *Grain]),
    st.sampled_from([(), ("quarter",), ("month", "quarter", "year")]),
)
def test_every_day_is_in_exactly_one_piece(
    first: date, more: int, by: Grain | None, longer: tuple[str, ...]
) -> None:
    last = first + timedelta(days=more)
    found: list[date] = []
    covered = pieces(first, last, by, longer=longer)
    for piece in covered:
        at = piece.first
        while at <= piece.last:
            after = after_it(at, piece.grain)
            assert by is None or beginning(at, by) == beginning(after - DAY, by)
            found += [at + timedelta(days=n) for n in range((after - at).days)]
            at = after
    assert found == [first + timedelta(days=n) for n in range(more + 1)]
    assert len(covered) <= 11
    months = sum(len(range(0, (p.last - p.first).days + 1, 31)) for p in covered
                 if p.grain == "month" and longer and by is None)  # fmt: skip
    assert months <= 4
    quarters = sum((p.last.year - p.first.year) * 4 + (p.last.month - p.first.month) // 3 + 1
                   for p in covered if p.grain == "quarter" and "year" in longer)  # fmt: skip
    assert quarters <= 6


@pytest.mark.parametrize(
    ("slug", "first", "before", "year"),
    [
        ("today", "2026-11-20", "2026-11-19/2026-11-19", "2025-11-20/2025-11-20"),
        ("7d", "2026-11-14", "2026-11-07/2026-11-13", "2025-11-14/2025-11-20"),
        ("30d", "2026-10-22", "2026-09-22/2026-10-21", "2025-10-22/2025-11-20"),
        ("12w", "2026-08-31", "2026-06-08/2026-08-28", "2025-09-01/2025-11-21"),
        ("month", "2026-11-01", "2026-10-01/2026-10-20", "2025-11-01/2025-11-20"),
        ("year", "2026-01-01", "2025-01-01/2025-11-20", "2025-01-01/2025-11-20"),
        ("12m", "2025-12-01", "2024-12-01/2025-11-20", "2024-12-01/2025-11-20"),
        ("24m", "2024-12-01", "2022-12-01/2024-11-20", "2023-12-01/2025-11-20"),
    ],
)
def test_periods_are_compared_with_as_many_days_as_far_through(
    slug: str, first: str, before: str, year: str
) -> None:
    period, by = PERIODS[slug].period(TODAY), PERIODS[slug].by
    assert (period.first.isoformat(), period.last) == (first, TODAY)
    for compare, expected in ((Compare.BEFORE, before), (Compare.YEAR, year)):
        found = asking.compared(period, compare, by)
        assert found is not None
        assert f"{found.first}/{found.last}" == expected


@pytest.mark.parametrize(
    ("days", "before", "title"),
    [
        ("2026-02-01/2026-02-28", "2026-01-01/2026-01-31", "The month before"),
        ("2026-01-01/2026-03-31", "2025-10-01/2025-12-31", "3 months before"),
        ("2026-11-10/2026-11-19", "2026-10-31/2026-11-09", "10 days before"),
        ("2026-11-10/2026-11-10", "2026-11-09/2026-11-09", "The day before"),
        ("2024-02-29/2024-02-29", "2024-02-28/2024-02-28", "The day before"),
    ],
)
def test_own_dates_of_whole_months_are_compared_with_months(
    days: str, before: str, title: str
) -> None:
    first, last = (date.fromisoformat(day) for day in days.split("/"))
    period = Period(first, last)
    found = asking.compared(period, Compare.BEFORE, Grain.DAY)
    assert found is not None
    assert f"{found.first}/{found.last}" == before
    assert asking.before_title(period, Compare.BEFORE) == title


def test_what_was_before_all_time_is_compared_with_nothing() -> None:
    period = Period(date(1970, 3, 1), date(1970, 3, 31))
    assert asking.compared(period, Compare.YEAR, Grain.DAY) is None
    assert months_back(date(2026, 3, 31), 1) == date(2026, 2, 28)


def test_days_are_grouped_by_what_can_be_read() -> None:
    report = all_reports()["revenue"]
    year = Period(date(2025, 1, 1), date(2025, 12, 31))
    assert asking.grain_of(report, year, {}) is Grain.MONTH
    assert asking.grain_of(report, year, {"by": ["day"]}) is Grain.DAY
    decade = Period(date(2016, 1, 1), date(2025, 12, 31))
    assert asking.grain_of(report, decade, {"by": ["day"]}) is Grain.MONTH
    by_week = replace(report, grains=(Grain.MONTH, Grain.WEEK))
    wanted = {"30d": Grain.WEEK, "12w": Grain.WEEK, "month": Grain.MONTH, "12m": Grain.MONTH}
    # of thirty days not by month: most of the first one lies before them
    found = {slug: asking.grain_of(by_week, PERIODS[slug].period(TODAY), {}) for slug in wanted}
    assert found == wanted


@pytest.mark.parametrize("typed", ["", "x", "2026-13-01", "٢٠٢٦-٠١-٠١", "2026-1-1", "+2026-01-01"])
def test_a_day_is_a_day(typed: str) -> None:
    if not typed:
        assert asking.own_dates("", "2026-11-20", TODAY) == Period(TODAY, TODAY)
        return
    with pytest.raises(DomainError):
        asking.own_dates(typed, "2026-11-20", TODAY)


def frame(rows: list[Any], before: list[Any] | None = None, by: Grain = Grain.DAY) -> Frame:
    period = Period(date(2026, 11, 18), TODAY)
    compared = Period(date(2026, 11, 15), date(2026, 11, 17))
    return Frame(
        rows, before, period, compared, "3 days before", by, TODAY,
        lambda row, series: f"/admin/{row.day}/{series}",
    )  # fmt: skip


def test_days_without_rows_are_nothing_and_today_is_paler() -> None:
    rows = [SimpleNamespace(day=date(2026, 11, 19), a=3, b=-1, whole=2)]
    before = [SimpleNamespace(day=date(2026, 11, 16), whole=7)]
    shown = figures.over_time(
        frame(rows, before), [Series("a", "As"), Series("b", "Bs")], unit=Unit.COUNT,
        compare="whole", total="whole",
    )  # fmt: skip
    first, second, total, dashed = shown.data
    assert (first["y"], second["y"], total["y"], dashed["y"]) == (
        [0, 3, 0], [0, -1, 0], [0, 2, 0], [0, 7, 0],
    )  # fmt: skip
    assert first["marker"] == {"color": "c1", "opacity": [1, 1, 0.55]}
    assert first["customdata"] == [None, "/admin/2026-11-19/a", None]
    assert [key.tone for key in shown.keys] == [1, 2, 0]
    assert shown.keys[2].title == "3 days before, total"
    assert "dtick" not in shown.layout["yaxis"]  # up to seven there is room for fives
    assert shown.gist == (
        "As and Bs by day, 18 November 2026 to 20 November 2026."
        " Most: 2, Thu 19 Nov 2026; least: 0, Wed 18 Nov 2026."
    )


def test_lines_have_gaps_and_few_things_whole_steps() -> None:
    rows = [SimpleNamespace(day=date(2026, 11, 19), a=3)]
    shown = figures.over_time(frame(rows), [Series("a", "As")], unit=Unit.COUNT, lines=True)
    assert shown.data[0]["y"] == [None, 3, None]
    assert "least: 3, Thu 19 Nov 2026" in shown.gist  # of the others nothing is known
    assert shown.layout["yaxis"]["dtick"] == 1
    of_money = figures.over_time(frame(rows), [Series("a", "As")], unit=Unit.MONEY)
    assert "dtick" not in of_money.layout["yaxis"]


@pytest.mark.parametrize("slug", list(all_reports()))
def test_every_figure_survives_no_rows_and_says_what_it_would_show(slug: str) -> None:
    report = all_reports()[slug]
    drawing = [report.figure, *(chart.figure for chart in report.charts)]
    chosen = tuple((choice.key, choice.options[0][0]) for choice in report.choices)
    nothing = replace(frame([], []), filters=Filters(chosen=chosen))
    for figure in filter(None, drawing):
        assert figure(nothing).gist.endswith(".")
    assert report.about.endswith(".")
    assert all(m.definition.endswith(".") for m in report.measures)
