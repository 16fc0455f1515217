"""Where customers live, and what services and products are used and bought from there.

Read from `place_figures`: which services are used from where would be a question to every booking
and every address. Customers are counted once in the months asked for; also of some channels or
categories, since these are those of the first purchase, of which everybody has one. By those of
every purchase somebody who books online and walks in would be two customers.
"""

from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select

from models.audiences import PlaceFigures
from reports import figures, links, months
from reports.figures import Series
from reports.privacy import enough, over_vendors, without_few
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
from reports.spans import Grain, ending

NOWHERE = "No address"
SMALL = "Places with fewer than five customers"
SUMS = ("visits", "orders", "services", "products", "other")
MONEY = ("services", "products", "other")


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each city (or postal area), the one with the most revenue first.

    Over several vendors places of fewer than five customers stand together. If even these are
    fewer, they are not there, nor is the smallest other place: what is missing to the months' sums
    would tell of them.
    """
    places = _places(period, filters)
    rows = places.c
    small = rows.customers < 5 if over_vendors() else None
    names = ("name", "country", "city_key")
    keys = [
        rows[name] if small is None
        else case((small, SMALL if name == "name" else ""), else_=rows[name])
        for name in names
    ]  # fmt: skip
    customers = func.sum(rows.customers)
    sums = {name: func.sum(rows[name]) for name in SUMS}
    revenue = sum((sums[name] for name in MONEY[1:]), start=sums[MONEY[0]])
    each = (
        select(
            *(key.label(name) for key, name in zip(keys, names, strict=True)),
            customers.label("customers"), *(total.label(name) for name, total in sums.items()),
            revenue.label("revenue"),
        )
        .group_by(*keys)
        .having(or_(customers > 0, revenue != 0))
        .subquery("each")
    )  # fmt: skip
    told = without_few(each)
    return told.order_by(told.selected_columns.revenue.desc())


def _places(period: Period, filters: Filters) -> Any:
    """What stands for each place in these months; its customers once each."""
    table = PlaceFigures
    area = filters.picked("place") == "area"
    city = func.coalesce(func.nullif(func.max(table.city), ""), NOWHERE)
    keys = [table.country, table.city_key, *([table.area] if area else [])]
    name = city + case((table.area != "", " " + table.area), else_="") if area else city
    told = name + case((table.country != "", ", " + table.country), else_="")
    return (
        select(
            told.label("name"), *keys,
            func.coalesce(
                func.sum(table.customers).filter(months.last_there(table, period)), 0
            ).label("customers"),
            *(func.sum(getattr(table, one)).label(one) for one in SUMS),
        )
        .where(*_those(period, filters))
        .group_by(*keys)
        .subquery()
    )  # fmt: skip


def _those(period: Period, filters: Filters) -> list[Any]:
    table = PlaceFigures
    first = months.first_by(table, filters)
    return [*months.whose(table, filters), *first, months.within(table, period)]


def over_time(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """The same, month by month, of all places: their sum."""
    table = PlaceFigures
    customers = func.sum(table.customers)
    revenue = func.sum(table.services + table.products + table.other)
    return (
        select(
            table.starts_on.label("day"), customers.label("customers"),
            *(func.sum(getattr(table, one)).label(one) for one in SUMS),
            revenue.label("revenue"),
        )
        .where(*_those(period, filters))
        .group_by(table.starts_on)
        .having(and_(or_(customers > 0, revenue != 0), *enough(customers)))
    )  # fmt: skip


def figure(frame: Frame) -> Figure:
    """The places that bring the most."""
    return figures.ranked(
        frame, "name",
        [Series("services", "Services"), Series("products", "Products"),
         Series("other", "Other", 6)],
        unit=Unit.MONEY,
    )  # fmt: skip


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """Who lives in a city and bought in these months; who in a postal area, no list tells."""
    if not row.city_key or filters.picked("place") == "area":
        return None
    return links.first_bought(
        filters, city=[row.city_key], bought_from=[months.first_of(at)],
        bought_to=[ending(at.last, Grain.MONTH)],
    )  # fmt: skip


_MONEY = (
    Column("services", "Services", Unit.MONEY),
    Column("products", "Products", Unit.MONEY),
    Column("other", "Other", Unit.MONEY),
)

REPORT = Report(
    slug="places",
    title="Where customers live",
    group=Group.CUSTOMERS,
    about="From which cities customers come, how often, and what they use and buy.",
    query=query,
    figure=figure,
    chart="Revenue by place",
    measures=(
        Measure(
            "customers", "Customers", Unit.COUNT,
            "Who had a completed visit or an order in these months, each once at each vendor.",
            better="up",
        ),
        Measure("visits", "Visits", Unit.COUNT, "Completed bookings.", better="up"),
        Measure("orders", "Orders", Unit.COUNT, "Orders that were handed over.", better="up"),
        Measure(
            "revenue", "Revenue", Unit.MONEY,
            "What these customers brought, without tax and less what was given back; sales to"
            " nobody known are not in it.", better="up",
        ),
        Measure("services", "Services", Unit.MONEY, "Visits, and services sold without one.",
                headline=False),
        Measure("products", "Products", Unit.MONEY, "Things.", headline=False),
        Measure(
            "other", "Other", Unit.MONEY,
            "Packages, memberships, shipping, fees and tips, less what was given back for no line.",
            headline=False,
        ),
    ),
    tables=(
        Table(
            "place", "Place", query,
            (
                Column("name", "Place", Unit.TEXT),
                Column("customers", "Customers", Unit.COUNT, strong=True),
                Column("share", "Share", Unit.PERCENT, part="customers", of="customers",
                       of_all=True, bar=True),
                Column("visits", "Visits", Unit.COUNT), Column("orders", "Orders", Unit.COUNT),
                *_MONEY, Column("revenue", "Revenue", Unit.MONEY),
            ),
            sort="revenue", change="revenue", identity="name", drill=drill,
        ),
        Table(
            "month", "Month", over_time,
            (
                Column("day", "Month", Unit.MONTH),
                Column("customers", "Customers", Unit.COUNT, total=False),
                Column("visits", "Visits", Unit.COUNT), Column("orders", "Orders", Unit.COUNT),
                *_MONEY, Column("revenue", "Revenue", Unit.MONEY, strong=True),
            ),
            sort="day",
        ),
    ),
    drill=drill,
    grains=(),
    periods=months.OFFERED,
    period="12m",
    choices=(Choice("place", "Place", (("city", "City"), ("area", "Postal area"))),),
    notes=(
        months.NOTE,
        ("Place", "The newest address of a customer; a postal area is the front of its code."),
        ("Channel and category", "Those of the first purchase. So what online customers bring has"
         " in it what they bought at the counter since."),
        ("Small groups", "Over several vendors, places with fewer than five customers stand"
         " together; if even these are fewer, they are left out with the smallest other place."),
    ),
    hint="Select a city to see who bought in these months.",
    empty=Empty(
        "Nobody has bought anything in these months.",
        (("See your customers", "/admin/customer/list"),),
    ),
)  # fmt: skip
