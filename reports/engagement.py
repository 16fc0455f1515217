"""Who is active, and at how many vendors: people once each, whatever files they have.

Read from `engagement_figures` (people by the number of their vendors), and of each vendor from
`active_figures` and `message_figures`. For the marketplace alone. Channel and category are those of
a person's first purchase at any vendor, of a vendor's customers of their first one there: each of
them has one, and is counted once. Messages have neither.
"""

from typing import Any

from sqlalchemy import Integer, Select, case, cast, func, null, select

from models.audiences import EVERYWHERE, ActiveFigures, EngagementFigures
from models.marketing_figures import MessageFigures
from models.vendors import Vendor
from reports import figures, links, months
from reports.figures import Series
from reports.privacy import FEWEST, hidden_if_some
from reports.report import (
    MARKETPLACE,
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

NUMBERS = {1: "one", 2: "two", 3: "three"}
SPANS = (("1", "The month"), ("3", "Three months"), ("12", "Twelve months"))
SUMS = ("people", "files", "days", "visits", "orders")


def _known(period: Period, filters: Filters) -> Any:
    """People by month and number of vendors, of the channels and categories asked for."""
    table = EngagementFigures
    return (
        select(
            table.starts_on, table.vendors,
            *(func.sum(getattr(table, name)).label(name) for name in (*SUMS, "revenue")),
        )
        .where(
            table.vendor_id == EVERYWHERE, table.grain == "month", months.within(table, period),
            table.span == int(filters.picked("within")), *months.first_by(table, filters),
        )
        .group_by(table.starts_on, table.vendors)
        .having(func.sum(table.people) >= FEWEST)
    )  # fmt: skip


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each month: people by the number of vendors at which they were active."""
    known = _known(period, filters).subquery("known").c
    by_number = [
        func.sum(known.people).filter(known.vendors == number).label(name)
        for number, name in NUMBERS.items()
    ]
    several = func.coalesce(func.sum(known.people).filter(known.vendors > 1), 0)
    return (
        select(
            known.starts_on.label("day"), *by_number, several.label("several"),
            *(func.sum(known[name]).label(name) for name in (*SUMS, "revenue")),
        )
        .group_by(known.starts_on)
        .order_by(known.starts_on)
    )  # fmt: skip


def summary(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """The last month of the period: people of several months cannot be added up."""
    rows = query(period, filters, by).order_by(None).subquery()
    latest = select(func.max(rows.c.day)).scalar_subquery()
    people = func.nullif(rows.c.people, 0)
    return select(
        rows.c.people, rows.c.several, (100.0 * rows.c.several / people).label("several_rate"),
        (1.0 * rows.c.visits / people).label("visits_each"),
        (rows.c.revenue / people).label("revenue_each"),
    ).where(rows.c.day == latest)  # fmt: skip


def by_number(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """People of one, two, three and more vendors, and what they bring: the last month's."""
    known = _known(period, filters).cte()
    rows = known.c
    latest = select(func.max(rows.starts_on)).scalar_subquery()
    words = {1: "One vendor", 2: "Two vendors", 3: "Three vendors or more"}
    return select(
        case(words, value=rows.vendors).label("name"), rows.vendors,
        *(rows[name] for name in (*SUMS, "revenue")),
        (1.0 * rows.visits / rows.people).label("visits_each"),
        (rows.revenue / rows.people).label("revenue_each"),
    ).where(rows.starts_on == latest)  # fmt: skip


def by_vendor(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """Customers active at each vendor in these months, each once there, and what they were sent."""
    table = ActiveFigures
    active = (
        select(
            table.vendor_id,
            func.sum(table.customers).filter(months.last_there(table, period)).label("customers"),
            *(func.sum(getattr(table, name)).label(name) for name in (
                "newcomers", "visits", "orders", "revenue")),
        )
        .where(
            table.grain == "month", months.within(table, period), *_of(table, filters),
            *months.first_by(table, filters),
        )
        .group_by(table.vendor_id)
        .subquery("active")
    )  # fmt: skip
    written = (
        select(MessageFigures.vendor_id, func.sum(MessageFigures.sent).label("messages"))
        .where(
            MessageFigures.grain == "month", months.within(MessageFigures, period),
            *_of(MessageFigures, filters),
        )
        .group_by(MessageFigures.vendor_id)
        .subquery("written")
    )  # fmt: skip
    customers = active.c.customers
    each = func.nullif(customers, 0)
    sent = func.coalesce(written.c.messages, 0)
    of_some = filters.channels or filters.category_ids
    return (
        select(
            Vendor.name.label("name"), active.c.vendor_id, customers,
            hidden_if_some(active.c.newcomers, active.c.newcomers).label("newcomers"),
            active.c.visits, active.c.orders,
            (cast(null(), Integer) if of_some else sent).label("messages"),
            (1.0 * active.c.visits / each).label("visits_each"),
            (active.c.revenue / each).label("revenue_each"),
        )
        .join(Vendor, Vendor.id == active.c.vendor_id)
        .outerjoin(written, written.c.vendor_id == active.c.vendor_id)
        .where(customers >= FEWEST)
    )  # fmt: skip


def _of(table: Any, filters: Filters) -> list[Any]:
    return [table.vendor_id.in_(filters.vendor_ids)] if filters.vendor_ids else []


def figure(frame: Frame) -> Figure:
    """People by the number of their vendors, month by month."""
    return figures.over_time(
        frame,
        [Series("one", "One vendor", 1), Series("two", "Two", 2),
         Series("three", "Three or more", 3)],
        unit=Unit.COUNT, compare="people", total="people",
    )  # fmt: skip


def to_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return links.report("vendors", at, filters, vendor=[row.vendor_id])


REPORT = Report(
    slug="engagement",
    title="Engagement across vendors",
    group=Group.MARKETPLACE,
    about="How many people are active, and at how many vendors; what that brings.",
    query=query,
    summary=summary,
    figure=figure,
    chart="Active people",
    measures=(
        Measure(
            "people", "Active people", Unit.COUNT,
            "Who had a completed visit or an order in the months asked for, up to the last month"
            " shown; each person once, however many vendors keep a file of them.", better="up",
        ),
        Measure(
            "several", "At two or more", Unit.COUNT,
            "Those of them who did at two vendors or more.", better="up",
        ),
        Measure(
            "several_rate", "Share", Unit.PERCENT, "How many of the active people these are.",
            better="up",
        ),
        Measure(
            "visits_each", "Visits per person", Unit.NUMBER,
            "Completed bookings of these months, shared among the active people.", better="up",
        ),
        Measure(
            "revenue_each", "Revenue per person", Unit.MONEY,
            "What they brought in these months, without tax and less what was given back.",
            better="up",
        ),
    ),
    tables=(
        Table(
            "number", "Number of vendors", by_number,
            (
                Column("name", "Active at", Unit.TEXT),
                Column("people", "People", Unit.COUNT, strong=True),
                Column("share", "Share", Unit.PERCENT, part="people", of="people", of_all=True,
                       bar=True),
                Column("visits", "Visits", Unit.COUNT), Column("orders", "Orders", Unit.COUNT),
                Column("visits_each", "Visits each", Unit.NUMBER, total=False),
                Column("revenue", "Revenue", Unit.MONEY),
                Column("revenue_each", "Each", Unit.MONEY, total=False),
            ),
            sort="vendors", ascending=True, change="people", identity="vendors",
        ),
        Table(
            "vendor", "Vendor", by_vendor,
            (
                Column("name", "Vendor", Unit.TEXT),
                Column("customers", "Active customers", Unit.COUNT, strong=True),
                Column("newcomers", "New", Unit.COUNT), Column("visits", "Visits", Unit.COUNT),
                Column("visits_each", "Visits each", Unit.NUMBER, total=False),
                Column("orders", "Orders", Unit.COUNT),
                Column("messages", "Messages sent", Unit.COUNT),
                Column("revenue_each", "Revenue each", Unit.MONEY, total=False),
            ),
            sort="customers", change="customers", identity="vendor_id", drill=to_vendor,
        ),
    ),
    grains=(Grain.MONTH,),
    periods=months.OFFERED,
    period="12m",
    choices=(Choice("within", "Active within", SPANS),),
    notes=(
        months.NOTE,
        ("Several months", "People cannot be added up over months: the figures above the chart are"
         " those of the last month shown."),
        ("Channel and category", "Those of the first purchase: of a person at any vendor, in the"
         " table of vendors at that one. Messages have neither, and are not told then."),
        ("Vendor", "Narrows the table of vendors; people are counted over all of them."),
        ("Small groups", "Fewer than five people or customers are not told."),
    ),
    hint="Each bar counts a person once.",
    empty=Empty("Nobody was active in these months yet.", (("See the customers",
        "/admin/customer/list"),)),
    roles=MARKETPLACE,
)  # fmt: skip
