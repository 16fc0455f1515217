"""Customers by what they like best: the kind of thing, or the category, they spend most on.

Read from `preference_figures`, which are worked out of `customer_interests` every night: whom a
customer prefers needs all that they ever bought. A customer stands in the month in which they last
bought anything, so that those of any months are counted once.
"""

from typing import Any

from sqlalchemy import Select, case, func, select

from models.audiences import PreferenceFigures
from reports import figures, links, months, named
from reports.figures import Series
from reports.privacy import SMALL_GROUPS, without_few
from reports.report import (
    Choice,
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
from reports.spans import Grain

SERVICE_KINDS = ("appointment", "class", "lab_test", "stay")
SORTS = (
    ("service", "Service category"), ("product", "Product category"), ("kind", "Kind of thing"),
)  # fmt: skip
KINDS = {
    "appointment": "Appointments", "class": "Classes", "lab_test": "Lab tests", "stay": "Stays",
    "product": "Products", "package": "Packages", "membership": "Memberships",
}  # fmt: skip


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each preference, the one with the most customers first."""
    table, sort = PreferenceFigures, filters.picked("sort")
    customers = func.sum(table.customers)
    keys: list[Any] = [table.kind] if sort == "kind" else [table.category_id]
    told = select(
        *keys, customers.label("customers"),
        *(func.sum(getattr(table, n)).label(n) for n in ("times", "spent", "revenue")),
    )  # fmt: skip
    grouped = told.where(*_those(period, filters), table.sort == sort).group_by(*keys)
    rows = without_few(grouped.having(customers > 0).subquery("each")).subquery()
    each = (rows.c.revenue / rows.c.customers).label("each")
    if sort == "kind":
        found, segment = select(rows, _kind(rows.c.kind)), rows.c.kind
    else:
        found, segment = named.by_category(rows), rows.c.category_id
    return found.add_columns(segment.label("segment"), each).order_by(rows.c.customers.desc())


def _kind(kind: Any) -> Any:
    return case(KINDS, value=kind, else_=kind).label("name")


def _those(period: Period, filters: Filters) -> list[Any]:
    table = PreferenceFigures
    where = [*months.whose(table, filters), months.within(table, period)]
    if filters.channels:
        where.append(table.channel.in_(filters.channels))
    if filters.category_ids:
        where.append(table.category_id.in_(filters.category_ids))
    return where


def by_channel(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """The same customers by the way they came first."""
    table = PreferenceFigures
    customers, revenue = func.sum(table.customers), func.sum(table.revenue)
    rows = (
        select(
            table.channel,
            customers.label("customers"),
            func.sum(table.times).label("times"),
            func.sum(table.spent).label("spent"),
            revenue.label("revenue"),
            (revenue / customers).label("each"),
        )
        .where(*_those(period, filters), table.sort == filters.picked("sort"))
        .group_by(table.channel)
        .having(customers > 0)
        .subquery("channels")
    )
    return without_few(rows)


def figure(frame: Frame) -> Figure:
    """The preferences of most customers."""
    return figures.ranked(frame, "name", [Series("customers", "Customers")], unit=Unit.COUNT)


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    if not row.segment:
        return None
    sort = filters.picked("sort")
    if sort != "kind":
        return links.customers(filters, **{f"{sort}_category": [links.only(row.segment)]})
    if row.segment in SERVICE_KINDS:
        return links.customers(filters, service_type=[row.segment])
    return None


_COLUMNS = (
    Column("customers", "Customers", Unit.COUNT, strong=True),
    Column("share", "Share", Unit.PERCENT, part="customers", of="customers", of_all=True, bar=True),
    Column("times", "Times", Unit.COUNT),
    Column("spent", "Spent on it", Unit.MONEY),
    Column("revenue", "On everything", Unit.MONEY),
    Column("of_it", "Of it", Unit.PERCENT, part="spent", of="revenue"),
    Column("each", "Each", Unit.MONEY, total=False),
)

REPORT = Report(
    slug="preferences",
    title="Preferences",
    group=Group.CUSTOMERS,
    about="Customers by what they spend most on, and what they are worth.",
    query=query,
    figure=figure,
    chart="Customers by what they like best",
    measures=(
        Measure(
            "customers", "Customers", Unit.COUNT,
            "Who bought something of this sort ever, and anything at all in these months for the"
            " last time so far.",
        ),
        Measure(
            "spent", "Spent on the favourite", Unit.MONEY,
            "All they ever spent on what they like best, without tax and less what was given back.",
        ),
        Measure("revenue", "Spent on everything", Unit.MONEY, "All they ever spent on things with a"
                " name: services, products, packages and memberships."),
        Measure(
            "of_it", "Share of the favourite", Unit.PERCENT,
            "How much of it went to the favourite.", part="spent", of="revenue",
        ),
        Measure("times", "Times", Unit.COUNT, "How often they bought the favourite.",
                headline=False),
    ),
    tables=(
        Table(
            "preference", "Preference", query, (Column("name", "Likes best", Unit.TEXT), *_COLUMNS),
            sort="customers", identity="segment", drill=drill,
        ),
        Table(
            "channel", "Channel", by_channel,
            (Column("channel", "Came by", Unit.CHANNEL), *_COLUMNS), sort="customers",
            identity="channel",
        ),
    ),
    drill=drill,
    grains=(),
    periods=months.OFFERED,
    period="12m",
    compares=False,
    choices=(Choice("sort", "Told apart by", SORTS),),
    notes=(
        ("Favourite", "What a customer spent most on; of equals, what they bought more often."),
        ("Months", "Those in which customers bought anything for the last time so far: with the"
         " last 12 months, everybody who bought in these. Worked out every night."),
        ("Channel", "How a customer came first."),
        SMALL_GROUPS,
    ),
    hint="Select a preference to see who bought of it.",
    empty=Empty(
        "Nobody has bought anything of this sort in these months. Kinds of things are of all"
        " categories together.",
        (("See your customers", "/admin/customer/list"),),
    ),
)  # fmt: skip
