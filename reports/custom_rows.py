"""The rows of a report of one's own: sums of a roll-up, with names, and without small groups."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Select,
    and_,
    case,
    cast,
    except_,
    func,
    not_,
    or_,
    select,
    true,
)

from models.categories import Category
from models.memberships import MembershipPlan
from models.orders import LineKind
from models.packages import Package
from models.products import Product
from models.services import Service
from models.staff import StaffMember
from models.vendors import Vendor
from reports import sources
from reports.custom_choices import CATEGORY, DIMENSIONS, TIME, VENDOR, Definition, Source
from reports.named import GONE, LOST_CATEGORY, NO_CATEGORY
from reports.privacy import FEWEST, over_vendors
from reports.report import Filters, Period
from reports.spans import Grain


def asked(
    source: Source, definition: Definition, period: Period, filters: Filters, by: Grain
) -> Select[Any]:
    """The rows: sums of the roll-up by what was chosen, with names; small groups left out."""
    table, keys = source.table, _keys(definition)
    by_time = TIME in definition.dimensions
    at = [sources.bucket(table, by)] if by_time else []
    columns = [getattr(table, key) for key in keys]
    sums = [source.measures[key].value.label(key) for key in definition.measures]
    where = sources.covering(table, period, filters, by if by_time else None)
    grouped = select(*at, *columns, *sums).where(where).group_by(*at, *columns).subquery("sums")
    query = _named(definition, grouped)
    if not over_vendors():
        return query
    enough = _enough(source.people(period), keys, period, filters, by if by_time else None)
    return query.join(enough, and_(*(column == grouped.c[column.key] for column in enough.c)))


def _enough(
    behind: FromClause, keys: Iterable[str], period: Period, filters: Filters, by: Grain | None
) -> FromClause:
    """The keys of rows that are told: five are behind each at least, and nobody, or five, behind
    what a filter adds to it or leaves out.

    Else these few are what is missing when one report is taken from another, which has a value of
    a filter more or less.
    """
    asked = {name: ids for name, ids in _asked_of(filters) if ids}
    day = [_bucket(behind.c.starts_on, by).label("day")] if by else []
    people = (
        select(*day, *(behind.c[name] for name in dict.fromkeys([*keys, *asked])), behind.c.person)
        .where(behind.c.starts_on.between(period.first, period.last))
        .distinct()
        .cte("people")
    ).c
    row = [people[name] for name in (*(column.key for column in day), *keys)]
    inside = and_(true(), *(people[name].in_(ids) for name, ids in asked.items()))
    each = (
        select(
            *row,
            func.bool_or(inside).label("inside"),
            func.bool_or(not_(inside)).label("outside"),
        )
        .group_by(*row, people.person)
        .subquery("each")
    ).c
    names = [each[column.key] for column in row]
    outside = func.count().filter(each.outside)
    enough = (
        select(*names)
        .group_by(*names)
        .having(func.count().filter(each.inside) >= FEWEST, or_(outside == 0, outside >= FEWEST))
    )
    few = [
        select(*row)
        .where(inside)
        .group_by(*row, people[name])
        .having(func.count(people.person.distinct()) < FEWEST)
        for name, ids in asked.items()
        if len(ids) > 1
    ]
    return (except_(enough, *few) if few else enough).subquery("enough")


def _asked_of(filters: Filters) -> Iterable[tuple[str, tuple[Any, ...]]]:
    yield "vendor_id", filters.vendor_ids
    yield "channel", filters.channels
    yield "category_id", filters.category_ids


def _bucket(day: ColumnElement[Any], by: Grain) -> ColumnElement[Any]:
    return day if by is Grain.DAY else cast(func.date_trunc(by.value, day), Date)


def _keys(definition: Definition) -> tuple[str, ...]:
    found = (key for one in definition.dimensions for key in DIMENSIONS[one].keys)
    return tuple(dict.fromkeys(key for key in found if key != "starts_on"))


def _named(definition: Definition, sums: FromClause) -> Select[Any]:
    """The sums with the names and ids of what they are grouped by."""
    joined: Any = sums
    shown: list[Any] = []
    several = over_vendors() and VENDOR not in definition.dimensions
    for one in definition.dimensions:
        label, joined = _label(one, sums, joined)
        if several and "vendor_id" in DIMENSIONS[one].keys:
            label = func.concat(label, ", ", Vendor.name)
        shown.append(label.label("day" if one == TIME else one))
    if VENDOR in definition.dimensions or (several and "vendor_id" in sums.c):
        joined = joined.join(Vendor, Vendor.id == sums.c.vendor_id)
    ids = [sums.c[key] for key in _keys(definition) if key not in definition.dimensions]
    if CATEGORY in definition.dimensions:
        ids.append(Category.kind.label("category_kind"))
    measures = [sums.c[key] for key in definition.measures]
    return select(*shown, *measures, *ids).select_from(joined)


def _label(dimension: str, sums: FromClause, joined: Any) -> tuple[Any, Any]:
    """What a row is called in one dimension, and what has to be joined to know it."""
    if dimension == TIME:
        return sums.c.day, joined
    if dimension == VENDOR:
        return Vendor.name, joined
    if dimension == CATEGORY:
        known = func.coalesce(Category.name, LOST_CATEGORY)
        name = case((sums.c.category_id == 0, NO_CATEGORY), else_=known)
        return name, joined.outerjoin(Category, Category.id == sums.c.category_id)
    if dimension == "item":
        return _item(sums, joined)
    if dimension in ("service", "staff"):
        model: Any = Service if dimension == "service" else StaffMember
        key = sums.c[f"{dimension}_id"]
        name = case((key == 0, "Nobody"), else_=func.coalesce(model.name, GONE))
        return name, joined.outerjoin(
            model, and_(model.vendor_id == sums.c.vendor_id, model.id == key)
        )
    return sums.c[dimension], joined


def _item(sums: FromClause, joined: Any) -> tuple[Any, Any]:
    """The item's name; what has none, such as a tip, is called by its kind."""
    kinds = (
        (Service, LineKind.SERVICE), (Product, LineKind.PRODUCT),
        (Package, LineKind.PACKAGE), (MembershipPlan, LineKind.MEMBERSHIP),
    )  # fmt: skip
    for model, kind in kinds:
        same = and_(model.vendor_id == sums.c.vendor_id, model.id == sums.c.item_id)
        joined = joined.outerjoin(model, and_(sums.c.kind == kind, same))
    named = func.coalesce(*(model.name for model, _ in kinds), GONE)
    return case((sums.c.item_id == 0, func.initcap(sums.c.kind)), else_=named), joined
