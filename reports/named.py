"""Parts that reports of several nouns are made of: sums with the names of what they are about."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Interval,
    Select,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    select,
    true,
)

from app.tenancy import PanelRole
from models.categories import Category
from models.figures import ItemFigures, SaleFigures, Sold
from models.orders import LineKind
from models.vendors import Vendor
from reports import sources
from reports.report import MARKETPLACE, Better, Drill, Filters, Period, Query, Table, Unit
from reports.report import Column as Shown
from reports.spans import DAY, Grain, beginning

Rows = Select[*tuple[Any, ...]]
"""A question: of how many columns, only the types of the columns would know."""

GONE = "No longer sold"
NO_CATEGORY = "No category"
LOST_CATEGORY = "A category that is gone"
VENDOR = Shown("vendor", "Vendor", Unit.TEXT)
SALES = tuple(Sold.__annotations__)
"""What is added up of sales."""


def total(what: Any, *those: Any) -> ColumnElement[Any]:
    """A sum that is 0 where there is nothing to add up."""
    summed = func.sum(what)
    return func.coalesce(summed.filter(*those) if those else summed, 0)


def percent(part: Any, of: Any) -> ColumnElement[Any]:
    """What share of a whole a part is; nothing is no share of nothing."""
    share: ColumnElement[Any] = 100 * part / func.nullif(of, 0)
    return share


def each(amount: Any, times: Any) -> ColumnElement[Any]:
    """What an amount is for each of so many, to the cent; nothing for none."""
    return func.round(amount / func.nullif(times, 0), 2)


# --- whose, and what ----------------------------------------------------------------------------


def by_vendor(sums: FromClause) -> Rows:
    """Sums that have a `vendor_id`, with the vendor's name."""
    return select(sums, Vendor.name.label("name")).join(Vendor, Vendor.id == sums.c.vendor_id)


def by_category(sums: FromClause) -> Rows:
    """Sums that have a `category_id`, with the category's name; 0 is none."""
    known = func.coalesce(Category.name, LOST_CATEGORY)
    name = case((sums.c.category_id == 0, NO_CATEGORY), else_=known)
    return select(sums, name.label("name")).outerjoin(Category, Category.id == sums.c.category_id)


def by_item(sums: FromClause, model: Any, key: str = "item_id", gone: str = GONE) -> Rows:
    """Sums that have a `vendor_id` and the id of something sold, with its name and the vendor's."""
    same = and_(model.vendor_id == sums.c.vendor_id, model.id == sums.c[key])
    return (
        select(sums, func.coalesce(model.name, gone).label("name"), Vendor.name.label("vendor"))
        .outerjoin(model, same)
        .join(Vendor, Vendor.id == sums.c.vendor_id)
    )


def sums_by(
    table: Any,
    keys: Sequence[str],
    sums: Sequence[ColumnElement[Any]],
    period: Period,
    filters: Filters,
    *those: ColumnElement[bool],
) -> FromClause:
    """The sums of a period by some columns of a roll-up."""
    by = [getattr(table, key) for key in keys]
    where = sources.covering(table, period, filters)
    return select(*by, *sums).where(where, *those).group_by(*by).subquery("sums")


def sums_of_items(
    keys: Sequence[str],
    sums: Callable[[Any], Sequence[ColumnElement[Any]]],
    period: Period,
    filters: Filters,
    kinds: Sequence[str],
) -> FromClause:
    """The sums of a period of what items of some kinds brought, by some of their columns."""
    rows = sources.things(
        ItemFigures, period, filters, (*keys, *SALES), lambda table: table.kind.in_(kinds)
    ).c
    by = [rows[key] for key in keys]
    return select(*by, *sums(rows)).group_by(*by).subquery("sums")


def seen_by_both(table: Table) -> tuple[Table, Table]:
    """A table of things of one vendor: who sees several vendors is told whose each of them is."""
    first, *others = table.columns
    whose = replace(table, columns=(first, VENDOR, *others), roles=MARKETPLACE)
    return whose, replace(table, key=f"{table.key}s", roles=frozenset({PanelRole.MANAGER}))


def brought(kind: str, period: Period, filters: Filters) -> ColumnElement[Any]:
    """What everything of a kind brought: of the roll-up without items, which has few rows."""
    sale = sources.summed(SaleFigures, filters)
    return (
        select(total(sale.net - sale.refunded))
        .where(sources.covering(sale, period, filters), sale.kind == kind)
        .scalar_subquery()
    )


# --- tables --------------------------------------------------------------------------------------


def table_of(
    key: str,
    title: str,
    query: Query,
    columns: Iterable[Shown],
    drill: Drill,
    *,
    sort: str,
    change: str | None = None,
    better: Better | None = None,
    identity: str | None = None,
) -> Table:
    """A line for each thing, whose `name` is its link; `sort` is what is compared, unless said."""
    return Table(
        key, title, query, (Shown("name", title, Unit.TEXT), *columns), sort=sort,
        change=change or sort, better=better, identity=identity or f"{key}_id", drill=drill,
    )  # fmt: skip


def of_vendors(like: Table, query: Query, drill: Drill) -> Table:
    """The same of each vendor, for who sees several."""
    return replace(
        like, key="vendor", title="Vendor", query=query, drill=drill, identity="vendor_id",
        columns=(Shown("name", "Vendor", Unit.TEXT), *like.columns[1:]), roles=MARKETPLACE,
    )  # fmt: skip


def over_time(
    query: Query, columns: Iterable[Shown], drill: Drill, *, at_end: Sequence[str] = ()
) -> Table:
    """A line for each day, week or month; what is so `at_end` of each is not added up."""
    told = (
        replace(one, total=False, part=None, of=None) if one.key in at_end else one
        for one in columns
    )
    return Table(
        "time", "Day", query, (Shown("day", "", Unit.BUCKET), *told), sort="day", drill=drill,
        rows=60,
    )  # fmt: skip


# --- what comes and goes -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ledger:
    """A roll-up of what comes and goes of some things, such as packages.

    `flows` are counted in a period; of `kept` all changes there ever were are what there is. `key`
    is the roll-up's column of the thing, `model` the thing. `priced`: its own columns are needed to
    know a change. `sold`: the kind of line whose revenue stands beside it. `sorted_in`: the thing's
    own category, by which it is asked for; where that changes, all its days change with it.
    """

    table: Any
    key: str
    model: Any
    flows: Mapping[str, Any]
    kept: Mapping[str, Any]
    priced: bool = False
    sold: LineKind | None = None
    sorted_in: Any = None

    def over_time(self, period: Period, filters: Filters, by: Grain) -> Rows:
        """A row for each day, week or month: its flows, its revenue, and what there is at its end.

        No row at all where nothing ever was.
        """
        table, days, day = self.table, calendar(period, by), sources.bucket(self.table, by)
        all_of_it = _labelled({**self.flows, **self.kept})
        those = self._those(filters)
        within = self._asked(day, *all_of_it).where(
            sources.covering(table, period, filters, by), *those
        )
        sums = within.group_by(day).subquery("sums")
        earlier_ones = self._asked(*_labelled(self.kept)).where(
            earlier(table, period, filters), *those
        )
        before = earlier_ones.subquery("before")

        def so_far(name: str) -> ColumnElement[Any]:
            changes = func.sum(func.coalesce(sums.c[name], 0)).over(order_by=days.c.day)
            return (before.c[name] + changes).label(name)

        query = (
            select(days.c.day, *(func.coalesce(sums.c[name], 0).label(name) for name in self.flows))
            .select_from(days)
            .outerjoin(sums, sums.c.day == days.c.day)
            .join(before, true())
            .where(exists().where(up_to(table, period.last, filters), *those))
        )
        if self.sold is not None:
            sale = sources.summed(SaleFigures, filters)
            on = sources.bucket(sale, by)
            of_kind = sources.covering(sale, period, filters, by), sale.kind == self.sold
            paid = _few(select(on, *_revenue(sale)).where(*of_kind).group_by(on))
            revenue = func.coalesce(paid.c.revenue, 0).label("revenue")
            query = query.add_columns(revenue).outerjoin(paid, paid.c.day == days.c.day)
        return query.add_columns(*map(so_far, self.kept)).order_by(days.c.day)

    def of_each(self, period: Period, filters: Filters) -> Rows:
        """Each thing with `name` and `vendor`: its flows, its revenue, what there is at the end."""
        table, model = self.table, self.model
        within = sources.covering(table, period, filters)
        by = (table.vendor_id, getattr(table, self.key))
        sums = (
            self._asked(*by, *_labelled(self.flows, within), *_labelled(self.kept))
            .where(earlier(table, period, filters) | within, *self._those(filters))
            .group_by(*by)
            .subquery("sums")
        )
        same = and_(model.vendor_id == sums.c.vendor_id, model.id == sums.c[self.key])
        query = (
            select(sums, model.name, Vendor.name.label("vendor"))
            .join(model, same)
            .join(Vendor, Vendor.id == sums.c.vendor_id)
        )
        if self.sold is None:
            return query
        items = sums_of_items(("vendor_id", "item_id"), _revenue, period, filters, (self.sold,))
        paid = _few(select(items))
        of_it = and_(paid.c.vendor_id == sums.c.vendor_id, paid.c.item_id == sums.c[self.key])
        revenue = func.coalesce(paid.c.revenue, 0).label("revenue")
        return query.add_columns(revenue).outerjoin(paid, of_it)

    def _those(self, filters: Filters) -> list[ColumnElement[bool]]:
        """The things of the categories asked for."""
        if self.sorted_in is None or not filters.category_ids:
            return []
        wanted = select(self.model.id).where(self.sorted_in.in_(filters.category_ids))
        return [getattr(self.table, self.key).in_(wanted)]

    def _asked(self, *columns: Any) -> Rows:
        query: Rows = select(*columns).select_from(self.table)
        if not self.priced:
            return query
        key = getattr(self.table, self.key)
        same = and_(self.model.vendor_id == self.table.vendor_id, self.model.id == key)
        return query.join(self.model, same)


def _revenue(sold: Any) -> list[ColumnElement[Any]]:
    return [total(sold.net - sold.refunded).label("revenue")]


def _few(rows: Rows) -> FromClause:
    """Rows that are few, and so are not looked up once for each thing."""
    return rows.cte().prefix_with("MATERIALIZED")


def _labelled(sums: Mapping[str, Any], *those: Any) -> list[ColumnElement[Any]]:
    return [total(what, *those).label(name) for name, what in sums.items()]


def together(each: FromClause, names: Iterable[str]) -> list[ColumnElement[Any]]:
    """All things of a ledger in one sum."""
    return [total(each.c[name]).label(name) for name in names]


def by_vendor_of(each: FromClause, names: Iterable[str]) -> Rows:
    """All things of each vendor in one sum."""
    return select(
        each.c.vendor_id, each.c.vendor.label("name"), *together(each, names)
    ).group_by(each.c.vendor_id, each.c.vendor)  # fmt: skip


# --- time ---------------------------------------------------------------------------------------


def calendar(period: Period, by: Grain) -> FromClause:
    """Every day, week or month of a period as `day`: also those on which nothing happened."""
    step = literal(f"1 {by.value}").cast(Interval)
    start, end = (
        cast(literal(day, Date), DateTime) for day in (beginning(period.first, by), period.last)
    )
    days: FromClause = select(
        cast(func.generate_series(start, end, step), Date).label("day")
    ).subquery("days")
    return days


def up_to(table: Any, last: date, filters: Filters) -> ColumnElement[bool]:
    """All rows of a roll-up up to a day (included), as few as there are."""
    return sources.covering(table, Period(date.min, last), filters)


def earlier(table: Any, period: Period, filters: Filters) -> ColumnElement[bool]:
    """All rows of a roll-up before a period."""
    if period.first == date.min:
        return false()
    return up_to(table, period.first - DAY, filters)
