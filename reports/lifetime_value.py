"""What customers have brought and are expected to bring, and the models that say so.

From `score_figures` (of all vendors: `market_score_figures`) of the last night, and the models of
purchases (BG/NBD) and of spending (Gamma-Gamma) that `app.operations.scores` fits: see there for
the papers. The interval is where nine of ten years would end if the models were true: the sum of
many customers is close to normal.
"""

from datetime import date
from typing import Any

from sqlalchemy import FromClause, Select, case, exists, func, literal, literal_column, null, select

from models.scores import MarketModel, ScoreFigure, ScoreModel
from models.vendors import Vendor
from reports import figures, links
from reports.cohorts import whose
from reports.figures import Series
from reports.named import by_category as named_categories
from reports.privacy import SMALL_GROUPS, enough, without_few
from reports.report import (
    MARKETPLACE,
    Chart,
    Column,
    Empty,
    Figure,
    Filters,
    Frame,
    Group,
    Measure,
    Period,
    Report,
    Row,
    Table,
    Unit,
)
from reports.rfm import FEWEST, named, of_ten, ranked, source
from reports.spans import DAY, Grain, beginning

NINE_OF_TEN: Any = literal_column("1.645")
PARAMETERS = (
    "source", "r", "alpha", "a", "b", "log_likelihood", "p", "q", "v", "money_log_likelihood",
)  # fmt: skip


def _latest(table: Any, period: Period, filters: Filters) -> list[Any]:
    """The rows of the last night: of this month, or on its first of the month before."""
    this = beginning(period.last, Grain.MONTH)
    before = beginning(this - DAY, Grain.MONTH)

    def known(month: date) -> Any:
        return exists().where(table.month == month, table.valued > 0, *whose(table, filters))

    month = case((known(this), this), (known(before), before), else_=this)
    return [table.month == month, *whose(table, filters)]


EXPECTED = {"alive": "any_alive", "expected": "any_expected", "value_12m": "any_value"}
"""What is expected, and the sums of whoever it is expected of, however few they are."""


def _sums(table: Any) -> list[Any]:
    customers, valued = func.sum(table.customers), func.sum(table.valued)
    value = func.sum(table.value_12m)
    half = NINE_OF_TEN * func.sqrt(func.sum(table.variance))

    def told(what: Any) -> Any:
        return case((valued >= FEWEST, what))

    return [
        customers.label("customers"), func.sum(table.revenue).label("revenue"),
        (func.sum(table.revenue) / func.nullif(customers, 0)).label("revenue_each"),
        func.sum(table.alive).label("any_alive"),
        func.sum(table.expected_12m).label("any_expected"), value.label("any_value"),
        told(func.greatest(value - half, 0)).label("low"), told(value + half).label("high"),
        told(value / func.nullif(valued, 0)).label("value_each"), valued.label("valued"),
        func.max(table.as_of).label("as_of"),
    ]  # fmt: skip


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """One row: what customers are worth, and the fitted parameters of both models."""
    model: Any
    if not filters.vendor_ids:
        model = select(*_parameters(MarketModel)).limit(1).subquery("model")
    elif len(filters.vendor_ids) == 1:
        own = ScoreModel.vendor_id == filters.vendor_ids[0]
        model = select(*_parameters(ScoreModel)).where(own).subquery("model")
    else:
        model = select(*(null().label(name) for name in PARAMETERS)).subquery("model")
    table = source(filters)
    worth = select(*_sums(table)).where(*_latest(table, period, filters)).subquery("worth")
    expected = [of_ten(of)(worth.c.__getitem__).label(key) for key, of in EXPECTED.items()]
    known = [column for column in worth.c if column.key not in EXPECTED.values()]
    return (
        select(*known, *expected, *model.c)
        .select_from(worth)
        .outerjoin(model, literal(True))
        .where(worth.c.customers > 0, *enough(worth.c.customers))
    )


def _parameters(table: Any) -> list[Any]:
    return [getattr(table, name) for name in PARAMETERS]


def by_group(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """The same by group."""
    rows = _told(period, filters, source(filters).segment)
    return select(named(rows.c.segment).label("name"), rows).order_by(ranked(rows.c.segment))


def by_channel(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """The same by the channel of the first purchase."""
    return select(_told(period, filters, source(filters).channel))


def by_category(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """The same by the category of the first purchase."""
    return named_categories(_told(period, filters, source(filters).category_id))


def by_vendor(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """The same by vendor, and whose models were used."""
    rows = _told(period, filters, ScoreFigure.vendor_id)
    return (
        select(Vendor.name.label("name"), *rows.c, ScoreModel.source)
        .join(Vendor, Vendor.id == rows.c.vendor_id)
        .outerjoin(ScoreModel, ScoreModel.vendor_id == rows.c.vendor_id)
    )


def _told(period: Period, filters: Filters, key: Any) -> FromClause:
    """The sums by a column, as far as they are told."""
    table = key.class_
    customers = func.sum(table.customers)
    rows = select(key, *_sums(table)).where(*_latest(table, period, filters)).group_by(key)
    return without_few(rows.having(customers > 0).subquery("each")).subquery("rows")


def figure(frame: Frame) -> Figure:
    """What each group has brought a head, beside what is expected of it."""
    return figures.ranked(
        frame, "name",
        [Series("revenue_each", "Brought so far"), Series("value_each", "Next 12 months")],
        unit=Unit.MONEY, stacked=False,
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    segment = getattr(row, "segment", None)
    return links.first_bought(filters, group=[segment]) if segment else None


def _expected(key: str, title: str, unit: Unit, **how: Any) -> Column:
    return Column(key, title, unit, of_sums=of_ten(EXPECTED[key]), **how)


_COLUMNS = (
    Column("customers", "Customers", Unit.COUNT),
    Column("revenue", "Brought so far", Unit.MONEY),
    Column("revenue_each", "Each", Unit.MONEY, total=False),
    _expected("alive", "Still customers", Unit.NUMBER),
    _expected("expected", "Purchases in 12 months", Unit.NUMBER),
    _expected("value_12m", "Next 12 months", Unit.MONEY, strong=True),
    Column("low", "At least", Unit.MONEY, total=False),
    Column("high", "At most", Unit.MONEY, total=False),
    Column("value_each", "Each", Unit.MONEY, total=False),
)


def _table(key: str, title: str, rows: Any, first: Column, **how: Any) -> Table:
    return Table(key, title, rows, (first, *_COLUMNS), sort="value_12m", **how)


REPORT = Report(
    slug="lifetime-value",
    title="Lifetime value",
    group=Group.RETENTION,
    about="What customers have brought so far, and what they will bring in the next 12 months.",
    query=query,
    chart="By group",
    measures=(
        Measure("customers", "Customers", Unit.COUNT,
                "Who has bought at least once, and is neither archived nor forgotten."),
        Measure("revenue", "Brought so far", Unit.MONEY,
                "All they ever brought, without tax and less what was given back."),
        Measure("alive", "Still customers", Unit.NUMBER,
                "How many of them have not left for good, as the model of purchases has it."),
        Measure(
            "value_12m", "Next 12 months", Unit.MONEY,
            "Purchases expected of each customer, at what one of theirs brings, less 10 % a year"
            " for having to wait.",
        ),
        Measure("low", "At least", Unit.MONEY,
                "In nineteen of twenty years it is more, if the models are true."),
        Measure("high", "At most", Unit.MONEY,
                "In nineteen of twenty years it is less, if the models are true."),
    ),
    tables=(
        _table("group", "Group", by_group, Column("name", "Group", Unit.TEXT),
               identity="segment", drill=drill),
        _table("channel", "Channel", by_channel, Column("channel", "Came by", Unit.CHANNEL),
               identity="channel"),
        _table("category", "Category", by_category, Column("name", "First bought", Unit.TEXT),
               identity="category_id"),
        _table("vendor", "Vendor", by_vendor, Column("name", "Vendor", Unit.TEXT),
               identity="vendor_id", roles=MARKETPLACE),
    ),
    charts=(
        Chart("each", "A customer of each group", by_group, figure, drill, compares=False,
              hint="Select a bar to see the customers of the group."),
    ),
    drill=drill,
    grains=(),
    periods=(),
    own_dates=False,
    compares=False,
    notes=(
        ("Purchases", "BG/NBD: while they are customers they buy at their own rate, and may leave"
         " after any purchase (Fader, Hardie and Lee, Marketing Science 2005)."),
        ("Money", "Gamma-Gamma: what a purchase brings varies around each customer's own mean"
         " (Fader, Hardie and Lee, Journal of Marketing Research 2005)."),
        ("Whose models", "A vendor's own from 200 customers on, of whom 50 came back; else those of"
         " the whole marketplace."),
        ("Few customers", "Of fewer than ten customers nothing that is expected is told."),
        SMALL_GROUPS,
        ("Interval", "Chance of purchases and of spending; the models are taken as true."),
        ("When", "Worked out every night. What jumps against the night before, the marketplace sees"
         " on its first page."),
    ),
    hint="Select a group to see its customers.",
    empty=Empty(
        "There is nothing to tell yet: it needs customers who have bought, and a night.",
        (("See your customers", "/admin/customer/list"),),
    ),
)  # fmt: skip
