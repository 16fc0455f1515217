"""What a report is: its question, its figure, its words.

A report is a module in `reports/` that ends in `REPORT`, and a line in `reports/registry.py`.
All arithmetic is SQL; a figure only arranges; pages, the command line, files and kept runs are made
of the same declaration by others. One complete example, `reports/tips.py`:

    def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
        day = sources.bucket(SaleFigures, by)           # labelled "day": what a mark is about
        return (
            select(day, func.sum(SaleFigures.net - SaleFigures.refunded).label("tips"),
                   func.sum(SaleFigures.lines).label("times"))
            .where(sources.covering(SaleFigures, period, filters, by), SaleFigures.kind == "tip")
            .group_by(day)
            .order_by(day)
        )

    def by_channel(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
        return (
            select(SaleFigures.channel,
                   func.sum(SaleFigures.net - SaleFigures.refunded).label("tips"),
                   func.sum(SaleFigures.lines).label("times"))
            .where(sources.covering(SaleFigures, period, filters), SaleFigures.kind == "tip")
            .group_by(SaleFigures.channel)
        )

    def figure(frame: Frame) -> Figure:
        return figures.over_time(frame, [Series("tips", "Tips")], unit=Unit.MONEY, compare="tips")

    def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
        return links.orders(at, filters)               # `at`: the row's own days, if it has some

    REPORT = Report(
        slug="tips", title="Tips", group=Group.SALES, about="What customers gave on top.",
        query=query, figure=figure, chart="Tips",      # the page adds "by week"
        measures=(
            Measure("tips", "Tips", Unit.MONEY, "What was given on top, before tax.", better="up"),
            Measure("times", "Times", Unit.COUNT, "How often somebody gave one."),
        ),
        tables=(
            Table("channel", "Channel", by_channel, (
                Column("channel", "Channel", Unit.CHANNEL),
                Column("tips", "Tips", Unit.MONEY),
                Column("share", "Share", Unit.PERCENT, part="tips", of="tips", of_all=True),
            ), sort="tips", change="tips", identity="channel", drill=drill),
        ),
        drill=drill, filters=frozenset({"vendor", "channel"}),
        hint="Select a bar to see the orders behind it.",
        empty=Empty("No tip has been given in these days.", (("Open the till", "/admin/counter"),)),
    )

Rules
- `query(period, filters, by)` is the report: its rows are drawn, printed by `python -m app report`
  and downloaded. A row about a day, week or month has it as the column `day` (a date). Columns have
  plain names, none is called `count` or `index` (rows are tuples). Never a contact, nor a customer.
- Money is the installation's; percentages are 0 to 100; minutes are minutes. A missing value is
  NULL, never a made-up 0.
- Figures above the chart (`measures`) are the sums of the columns of `query` of the same name, or,
  with `part` and `of`, 100 * sum(part) / sum(of) of two columns of `query`. Where sums are wrong
  (distinct customers), the report gives `summary(period, filters, by)`: one row with a column a
  measure (`part`/`of` are not looked at then).
- A table's last row sums its columns in the same way; `total=False` leaves one out. `change` names
  the column that is compared with the period before, `identity` the one that tells which row is
  which. Rows come sorted by `sort` (the page sorts and limits: no ORDER BY, no LIMIT of its own).
- Import `Grain` from `reports.spans`, all else from here, `reports.sources` and `reports.figures`.
- `filters` says which of vendor, channel and category the report takes. What it does not take never
  arrives in `Filters`. `Filters.vendor_ids` empty = all that the reader may see.
- `choices` are switches of its own; `filters.picked("key")` is what was chosen, or the first.
- `drill(row, at, filters, series)`: the address of the list behind a mark (`series`: the key of the
  series it belongs to) or behind a row (`series` None), or None. `reports/links.py` writes them.
  The page leaves out those that the reader may not open (an analyst's end at other reports).
- `long(period, filters)` true: the page does not wait; the rows are worked out in the background,
  kept and found again.
- A report about how things stand now (stock, points owed) says `periods=()`; its period is today.
- Nothing may fail on no rows: the framework shows `empty`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Literal

from app.tenancy import PanelRole
from reports.spans import DAY, Grain, beginning, following

MOST_YEARS = 10
"""Own dates are at most so far apart."""

MANAGERS = frozenset({PanelRole.ADMIN, PanelRole.ANALYST, PanelRole.MANAGER})
MARKETPLACE = frozenset({PanelRole.ADMIN, PanelRole.ANALYST})


# --- which days ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Period:
    """Days of the vendor's calendar, both included; `slug` is the word of an offered period."""

    first: date
    last: date
    slug: str | None = None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def contains(self, day: date) -> bool:
        return self.first <= day <= self.last

    def within(self, day: date, by: Grain) -> "Period":
        """The days of this period that are in the day, week or month of `day`."""
        start, after = beginning(day, by), following(day, by)
        return Period(max(self.first, start), min(self.last, after - DAY))


@dataclass(frozen=True, slots=True)
class Offer:
    """A period that is offered by name: where it begins when today is given, and its grouping.

    `months` or `days` are how far back the period before lies.
    """

    slug: str
    title: str
    before: str
    begins: Callable[[date], date]
    by: Grain
    months: int = 0
    days: int = 0

    def period(self, today: date) -> Period:
        return Period(self.begins(today), today, self.slug)


def months_back(day: date, months: int) -> date:
    """The same day of a month before, or the last one that month has."""
    number = day.year * 12 + day.month - 1 - months
    year, month = max(number // 12, 1), number % 12 + 1
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError


def _month(today: date) -> date:
    return today.replace(day=1)


PERIODS: Mapping[str, Offer] = {
    offer.slug: offer
    for offer in (
        Offer("today", "Today", "The day before", lambda t: t, Grain.DAY, days=1),
        Offer("7d", "Last 7 days", "7 days before", lambda t: t - 6 * DAY, Grain.DAY, days=7),
        Offer("30d", "Last 30 days", "30 days before", lambda t: t - 29 * DAY, Grain.DAY, days=30),
        Offer(
            "12w", "Last 12 weeks", "12 weeks before",
            lambda t: beginning(t, Grain.WEEK) - timedelta(weeks=11), Grain.WEEK, days=84,
        ),
        Offer("month", "This month", "The month before", _month, Grain.DAY, months=1),
        Offer(
            "year", "This year", "The year before",
            lambda t: t.replace(month=1, day=1), Grain.MONTH, months=12,
        ),
        Offer(
            "12m", "Last 12 months", "12 months before",
            lambda t: months_back(_month(t), 11), Grain.MONTH, months=12,
        ),
        Offer(
            "24m", "Last 24 months", "24 months before",
            lambda t: months_back(_month(t), 23), Grain.MONTH, months=24,
        ),
    )
}  # fmt: skip
"""The periods that are offered, up to today (included); roll-ups of distinct customers are kept
for these. Weeks begin on Monday, months on their first day."""


class Compare(StrEnum):
    """What the figures are compared with."""

    BEFORE = "before"
    YEAR = "year"
    NOTHING = "nothing"


# --- whose figures ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filters:
    """Whose figures, of which channels and categories.

    Empty = all that the reader may see; a vendor's reader always has that one vendor here.
    `categories` are those that were asked for, `category_ids` the same with all below them;
    `vendors` are those that were asked for by somebody who sees several.
    """

    vendor_ids: tuple[int, ...] = ()
    channels: tuple[str, ...] = ()
    category_ids: tuple[int, ...] = ()
    categories: tuple[int, ...] = ()
    vendors: tuple[int, ...] = ()
    chosen: tuple[tuple[str, str], ...] = ()

    def picked(self, key: str) -> str:
        """What was chosen of a report's own `choices` (the first of them when nothing was)."""
        return dict(self.chosen)[key]


# --- what is measured ---------------------------------------------------------------------------


class Unit(StrEnum):
    """How a value is written. MONEY is the installation's; PERCENT is 0 to 100; MINUTES are shown
    as hours; CHANNEL, KIND, STATUS and WEEKDAY (1 is Monday) are words that the page translates;
    BUCKET is the day, week or month of a row."""

    MONEY = "money"
    COUNT = "count"
    NUMBER = "number"
    PERCENT = "percent"
    POINTS = "points"
    MINUTES = "minutes"
    DAYS = "days"
    DATE = "date"
    MONTH = "month"
    TEXT = "text"
    CHANNEL = "channel"
    KIND = "kind"
    STATUS = "status"
    WEEKDAY = "weekday"
    BUCKET = "bucket"


Row = Any
"""A row of a query: its columns are attributes."""
OfSums = Callable[[Callable[[str], Any]], Any]
"""What a column's sum is asked for by its name, and makes a value of such sums, in SQL."""
Better = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure above the chart and its definition; `better` tells which way is good news.

    `headline` False: only defined on the card, not shown above the chart. `of_sums` works it out
    of the sums of columns, which it asks for by name.
    """

    key: str
    title: str
    unit: Unit
    definition: str
    better: Better | None = None
    part: str | None = None
    of: str | None = None
    of_sums: OfSums | None = None
    headline: bool = True


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; with `part` and `of` it is 100 * part / of, worked out in SQL.

    `of_sums` works it out of other columns; in the last row, of their sums. `of_all`: `of` is
    summed over all rows, so that the column says each row's share. `bar` draws a share (0 to 100)
    as a bar beside its figure; `strong` is the one that counts; a `spare` one is not shown while it
    has nothing but zeros.
    """

    key: str
    title: str
    unit: Unit
    part: str | None = None
    of: str | None = None
    of_sums: OfSums | None = None
    of_all: bool = False
    total: bool = True
    bar: bool = False
    strong: bool = False
    spare: bool = False


Query = Callable[["Period", "Filters", Grain], Any]
"""A SELECT: of how many columns, only the types of the columns would know."""
Drill = Callable[[Row, "Period", "Filters", str | None], str | None]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a second dimension across, such as months since the first visit.

    `value` is coloured by its size (0 to 100 when it is a percentage); `partial` names a column
    that is true for what is not over yet; `size` a column that belongs to the whole row; `order`
    one by which the columns across are sorted, else by themselves.
    """

    across: str
    value: str
    title: str
    size: str | None = None
    partial: str | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table below the chart. The first column names the row and is its link.

    The tab of a table whose first column is a BUCKET is called after the grain. `roles`: who has
    this tab (None: everybody who has the report).
    """

    key: str
    title: str
    query: Query
    columns: tuple[Column, ...]
    sort: str | None = None
    ascending: bool = False
    change: str | None = None
    better: Better | None = "up"
    identity: str | None = None
    drill: Drill | None = None
    grid: Grid | None = None
    roles: frozenset[PanelRole] | None = None
    rows: int = 25


# --- what is drawn ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """What a figure is drawn of: the rows, those compared with (None: nothing is), and the days.

    `links` has the address behind each (row, series) that has one.
    """

    rows: Sequence[Row]
    before: Sequence[Row] | None
    period: Period
    compared: Period | None
    compared_title: str
    by: Grain
    today: date
    links: Callable[[Row, str | None], str | None]
    filters: Filters = field(default_factory=Filters)


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the legend: `tone` 1 to 6 is a colour of the charts, 0 the dashed comparison."""

    title: str
    tone: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A Plotly figure as plain values: what `go.Figure` would be told, without its 30 ms a page.

    `data` and `layout` are Plotly's own; colours are words `c1` to `c6` (or `line`), which the page
    gives the shades of its theme. `gist` says in a sentence what is to be seen, for those who
    cannot; `keys` is the legend.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]
    keys: tuple[Key, ...]
    gist: str
    height: int = 316


@dataclass(frozen=True, slots=True)
class Chart:
    """One more chart of a report, of its own question or the report's.

    `compares`: asked of the days before too.
    """

    key: str
    title: str
    query: Query
    figure: Callable[[Frame], Figure]
    drill: Drill | None = None
    hint: str = ""
    compares: bool = False


# --- the report ---------------------------------------------------------------------------------


class Group(StrEnum):
    """The heads of the overview, in their order."""

    SALES = "Sales"
    BOOKINGS = "Bookings"
    CUSTOMERS = "Customers"
    RETENTION = "Retention"
    MARKETING = "Marketing"
    STOCK = "Stock"
    TEAM = "Team"
    MARKETPLACE = "Marketplace"


@dataclass(frozen=True, slots=True)
class Choice:
    """A switch of a report: `options` are (word, title); the first is what is shown unasked."""

    key: str
    title: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Empty:
    """What is said when there is nothing: a sentence, and the first steps as (title, address)."""

    sentence: str
    steps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A report, whole; the rules stand above.

    `figure` None: the first table is what is looked at. `chart` is the head of the chart's card,
    to which the page adds "by week" when `grains` are offered. `notes` are further lines of the
    definition card: (title, sentence). `draws_before` False: of the days compared with, only the
    figures of the `summary` are shown.
    """

    slug: str
    title: str
    group: Group
    about: str
    query: Query
    measures: tuple[Measure, ...]
    figure: Callable[[Frame], Figure] | None = None
    chart: str = ""
    summary: Query | None = None
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    drill: Drill | None = None
    filters: frozenset[str] = frozenset({"vendor", "channel", "category"})
    grains: tuple[Grain, ...] = (Grain.DAY, Grain.WEEK, Grain.MONTH)
    periods: tuple[str, ...] = tuple(PERIODS)
    own_dates: bool = True
    period: str = "12w"
    compares: bool = True
    draws_before: bool = True
    choices: tuple[Choice, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    empty: Empty = Empty("There is nothing to show for these days yet.")
    roles: frozenset[PanelRole] = MANAGERS
    long: Callable[[Period, Filters], bool] | None = None
