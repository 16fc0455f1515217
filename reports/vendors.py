"""How vendors do beside each other: for the marketplace alone, no vendor ever sees another.

Revenue and bookings from `vendor_figures` (of some channels or categories from `sale_figures` and
`booking_figures`), customers from `reach_figures` (kept for the offered periods and what they are
compared with; of other dates they are not known), answers from `user_figures`: a few rows for each
vendor.
"""

from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select

from models.audiences import UserFigures
from models.figures import BookingFigures, SaleFigures, VendorFigures
from models.scores import ReachFigure
from models.vendors import Vendor
from reports import figures, links, sources
from reports.figures import Series
from reports.privacy import hidden_if_few, hidden_if_some
from reports.report import (
    MARKETPLACE,
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

BOOKED = ("bookings", "completed", "no_shows", "cancelled")
ANSWERED = ("answered", "answer_minutes")
REACHED = ("customers", "new_customers", "repeat_customers")


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each vendor that sold or was booked, the one with the most revenue first."""
    done = _done(period, filters)
    answered = _of_each(
        UserFigures, period, filters,
        **{name: func.sum(getattr(UserFigures, name)) for name in ANSWERED},
    )  # fmt: skip
    reached = _reached(period, filters)
    revenue = func.coalesce(done.c.revenue, 0)
    few = {name: hidden_if_some(reached.c[name], reached.c[name]) for name in REACHED}
    customers = {name: hidden_if_few(value, reached.c.customers) for name, value in few.items()}
    average = answered.c.answer_minutes / func.nullif(answered.c.answered, 0)
    return (
        select(
            Vendor.name.label("name"), Vendor.id.label("vendor_id"),
            literal(1).label("vendors"),
            func.rank().over(order_by=revenue.desc()).label("rank"),
            revenue.label("revenue"),
            *(func.coalesce(done.c[name], 0).label(name) for name in BOOKED),
            func.coalesce(done.c.completed + done.c.no_shows, 0).label("due"),
            *(value.label(name) for name, value in customers.items()),
            case((customers["repeat_customers"].is_not(None), customers["customers"])).label(
                "of_repeat"
            ),
            *(func.coalesce(answered.c[name], 0).label(name) for name in ANSWERED),
            average.label("answered_in"),
        )
        .join(done, done.c.vendor_id == Vendor.id)
        .outerjoin(answered, answered.c.vendor_id == Vendor.id)
        .outerjoin(reached, reached.c.vendor_id == Vendor.id)
        .order_by(revenue.desc(), Vendor.name)
    )  # fmt: skip


def _done(period: Period, filters: Filters) -> Any:
    """Revenue and bookings, of who has any: where channels or categories are asked, of those."""
    if not (filters.channels or filters.category_ids):
        own = VendorFigures
        came = {name: func.sum(getattr(own, name)) for name in ("revenue", *BOOKED[1:])}
        booked = func.sum(own.bookings + own.cancelled)
        return _of_each(own, period, filters, bookings=booked, **came)
    revenue = func.sum(SaleFigures.net - SaleFigures.refunded)
    sold = _of_each(SaleFigures, period, filters, revenue=revenue)
    of_bookings = {name: func.sum(getattr(BookingFigures, name)) for name in BOOKED}
    came_in = _of_each(BookingFigures, period, filters, **of_bookings)
    whose = func.coalesce(sold.c.vendor_id, came_in.c.vendor_id).label("vendor_id")
    same = sold.c.vendor_id == came_in.c.vendor_id
    return (
        select(whose, sold.c.revenue, *(came_in.c[name] for name in BOOKED))
        .join_from(sold, came_in, same, full=True)
        .subquery("done")
    )


def _of_each(table: Any, period: Period, filters: Filters, **sums: Any) -> Any:
    return (
        select(table.vendor_id, *(total.label(name) for name, total in sums.items()))
        .where(sources.covering(table, period, filters))
        .group_by(table.vendor_id)
        .subquery(table.__tablename__)
    )


def _reached(period: Period, filters: Filters) -> Any:
    """Distinct customers of exactly these days, where they are kept."""
    those = and_(ReachFigure.starts_on == period.first, ReachFigure.ends_on == period.last)
    return (
        select(
            ReachFigure.vendor_id,
            *(func.sum(getattr(ReachFigure, name)).label(name) for name in REACHED),
        )
        .where(*sources.of(ReachFigure, filters), those)
        .group_by(ReachFigure.vendor_id)
        .subquery("reached")
    )


def figure(frame: Frame) -> Figure:
    """Vendors by revenue."""
    return figures.ranked(frame, "name", [Series("revenue", "Revenue")], unit=Unit.MONEY)


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return links.report("revenue", at, filters, vendor=[row.vendor_id])


REPORT = Report(
    slug="vendors",
    title="Vendor performance",
    group=Group.MARKETPLACE,
    about="Vendors beside each other: revenue, bookings, no-shows, customers who return, answers.",
    query=query,
    figure=figure,
    chart="Revenue by vendor",
    measures=(
        Measure("vendors", "Vendors", Unit.COUNT, "Who sold something or had a booking.",
                headline=False),
        Measure(
            "revenue", "Revenue", Unit.MONEY,
            "After discounts, before tax, less what was given back on its own day; services on the"
            " day of the visit.", better="up",
        ),
        Measure(
            "bookings", "Bookings", Unit.COUNT, "All that begin on these days, whatever became of"
            " them.", better="up",
        ),
        Measure(
            "no_show_rate", "No-show rate", Unit.PERCENT,
            "Of those that were not called off and are over: how many did not come.", better="down",
            part="no_shows", of="due",
        ),
        Measure(
            "new_customers", "New customers", Unit.COUNT,
            "Who bought at this vendor for the first time on these days. Known for the offered"
            " periods.", better="up",
        ),
        Measure(
            "repeat_rate", "Repeat rate", Unit.PERCENT,
            "Of the customers who bought: how many did on two days or more of these.", better="up",
            part="repeat_customers", of="of_repeat",
        ),
        Measure(
            "answered", "Requests answered", Unit.COUNT,
            "Bookings that waited to be confirmed, and were confirmed or refused by somebody; the"
            " table says within which time, on average, day and night.", headline=False,
        ),
    ),
    tables=(
        Table(
            "vendor", "Vendor", query,
            (
                Column("name", "Vendor", Unit.TEXT),
                Column("revenue", "Revenue", Unit.MONEY, strong=True),
                Column("bookings", "Bookings", Unit.COUNT),
                Column("completion", "Completed", Unit.PERCENT, part="completed", of="bookings"),
                Column("no_show_rate", "No-show rate", Unit.PERCENT, part="no_shows", of="due"),
                Column("customers", "Customers", Unit.COUNT),
                Column("new_customers", "New", Unit.COUNT),
                Column(
                    "repeat_rate", "Repeat rate", Unit.PERCENT, part="repeat_customers",
                    of="of_repeat", bar=True,
                ),
                Column("answered_in", "Answered in", Unit.MINUTES, total=False),
            ),
            sort="revenue", change="revenue", identity="vendor_id", drill=drill, rows=50,
        ),
    ),
    drill=drill,
    grains=(),
    period="30d",
    notes=(
        ("Channel and category", "Of customers, those of their first purchase."),
        ("Small groups", "Fewer than five customers of a vendor are not told, new and"
         " repeat ones too, nor are they in the sums and shares."),
    ),
    hint="Select a vendor to see its revenue.",
    empty=Empty("No vendor has sold anything on these days.", (("See the vendors",
        "/admin/vendor/list"),)),
    roles=MARKETPLACE,
)  # fmt: skip
