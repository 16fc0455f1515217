"""What each filter offers, with how many customers each choice would leave."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from app.operations.conditions import (
    Conditions,
    is_any,
    resolved,
    scope,
)
from app.operations.filters import PARAMETERS, Filters, Holding
from app.operations.paging import Order, Sort, among, small_set, stretch
from app.tenancy import DatabaseRole, current_actor
from models.categories import Category, CategoryKind
from models.customers import Address, Customer, CustomerStatus
from models.interests import CustomerInterest
from models.memberships import Membership, MembershipPlan
from models.packages import Package, PackageHolding
from models.products import Product
from models.scores import CustomerScore
from models.scores import RfmSegment as Group
from models.segments import Segment, SegmentMembership
from models.services import Service, ServiceKind
from models.tags import CustomerTag, Tag
from models.vendors import Vendor
from models.words import Channel, InterestKind

SAMPLE = 4_000
"""Customers looked at; with more than these the numbers are "at least"."""
MOST_CHOICES = 50
KEPT_SECONDS = 60.0
_MOST_KEPT = 2_000


@dataclass(frozen=True)
class Choice:
    """One value of a filter; `count` is None where nobody was found but not all were looked at."""

    value: str
    label: str
    count: int | None
    selected: bool
    capped: bool = False
    depth: int = 0

    @property
    def count_text(self) -> str:
        """The count as a screen shows it: "1,234", "320+", or nothing."""
        return "" if self.count is None else f"{self.count:,}{'+' if self.capped else ''}"


@dataclass(frozen=True)
class _Sample:
    ids: Sequence[int]
    complete: bool


_Found = list[tuple[str, str, int, int]]
"""value, label, how many, depth"""


def choices(session: Session, filters: Filters, name: str) -> list[Choice]:
    """What the filter `name` offers beside the other filters in force, the most frequent first.

    The numbers are up to a minute old. A name that no filter has offers nothing.
    """
    offer = _OFFERS.get(name)
    if offer is None:
        return []
    key = (str(session.get_bind().engine.url), current_actor().role, scope(filters),
           filters.fingerprint, name)  # fmt: skip
    return _kept(key, lambda: _offered(session, filters, name, offer))


_kept_choices: dict[Any, tuple[float, list[Choice]]] = {}
_lock = threading.Lock()


def _kept(key: Any, make: Callable[[], list[Choice]]) -> list[Choice]:
    now = time.monotonic()
    with _lock:
        made = _kept_choices.get(key)
    if made is not None and now - made[0] < KEPT_SECONDS:
        return made[1]
    offered = make()
    with _lock:
        if len(_kept_choices) >= _MOST_KEPT:
            _kept_choices.clear()
        _kept_choices[key] = now, offered
    return offered


def _offered(
    session: Session, filters: Filters, name: str, offer: Callable[[Session, Sequence[int]], _Found]
) -> list[Choice]:
    sample = _sample(session, resolved(session, filters.without(name)))
    chosen = getattr(filters, PARAMETERS[name])
    selected = {str(v) for v in (chosen if isinstance(chosen, tuple) else (chosen,))}
    return [
        Choice(value, label, _seen(number, sample), value in selected,
               capped=not sample.complete, depth=depth)
        for value, label, number, depth in _with_selected(offer(session, sample.ids), selected)
    ]  # fmt: skip


def _seen(number: int, sample: _Sample) -> int | None:
    return max(number, 0) if number > 0 or sample.complete else None


def _with_selected(found: _Found, selected: set[str]) -> _Found:
    """The most frequent, and whatever is selected even if nobody has it."""
    flat = 0
    shown: _Found = []
    for line in found:
        flat += line[3] == 0
        if line[0] in selected or (flat <= MOST_CHOICES and line[2] >= 0):
            shown.append(line)
    return shown


def _sample(session: Session, asked: Conditions) -> _Sample:
    if asked.words == ():
        return _Sample([], True)
    if (asked.sets or asked.words) and (ids := small_set(session, asked)) is not None:
        return _Sample(list(session.scalars(select(Customer.id).where(*among(asked, ids)))), True)
    inner, left = stretch(asked, Order(Sort.ACTIVITY), SAMPLE)
    rows = inner.subquery()
    tried, passed = session.execute(
        select(func.count(), func.array_agg(rows.c.id).filter(*left(rows.c))).select_from(rows)
        if left(rows.c)
        else select(func.count(), func.array_agg(rows.c.id)).select_from(rows)
    ).one()
    return _Sample(passed or [], tried < SAMPLE)


# --- one offer a filter ----------------------------------------------------------------------


def _words(column: Any, words: Iterable[Any]) -> Callable[[Session, Sequence[int]], _Found]:
    def offer(session: Session, ids: Sequence[int]) -> _Found:
        counted = select(column, func.count()).where(is_any(Customer.id, ids)).group_by(column)
        numbers = _numbers(session, counted)
        return [(w.value, _title(w.value), numbers.get(w.value, 0), 0) for w in words]

    return offer


def _title(word: str) -> str:
    return word.replace("_", " ").capitalize()


def _lines(session: Session, query: Any) -> _Found:
    """The most frequent lines of a query of `value, label, number`."""
    lines = query.subquery()
    value, label, number = tuple(lines.c)
    most = select(value, label, number).order_by(number.desc(), label, value).limit(500)
    return [(str(row[0]), row[1], row[2], 0) for row in session.execute(most)]


def _numbers(session: Session, query: Any) -> dict[Any, int]:
    """The pairs of a query, by their first column."""
    return {row[0]: row[1] for row in session.execute(query)}


def _service_types(session: Session, ids: Sequence[int]) -> _Found:
    numbers = _numbers(
        session,
        select(CustomerInterest.kind, func.count(CustomerInterest.customer_id.distinct()))
        .where(is_any(CustomerInterest.customer_id, ids))
        .group_by(CustomerInterest.kind),
    )
    return [(k.value, _title(k.value), numbers.get(k.value, 0), 0) for k in ServiceKind]


def _named(model: Any) -> Any:
    """The item's name; over all vendors, with the vendor's."""
    if current_actor().role is DatabaseRole.VENDOR:
        return model.name
    vendor = select(Vendor.name).where(Vendor.id == model.vendor_id).scalar_subquery()
    return func.concat_ws(" · ", model.name, vendor)  # what is the marketplace's has none


def _items(model: Any, kinds: Sequence[str]) -> Callable[[Session, Sequence[int]], _Found]:
    def offer(session: Session, ids: Sequence[int]) -> _Found:
        interest = CustomerInterest
        query = (
            select(model.id, _named(model), func.count(interest.customer_id.distinct()))
            .join(model, (model.id == interest.item_id) & (model.vendor_id == interest.vendor_id))
            .where(is_any(interest.customer_id, ids), is_any(interest.kind, kinds))
            .group_by(model.id)
        )
        return _lines(session, query)

    return offer


def _holdings(held: Any, sold: Any, key: Any) -> Callable[[Session, Sequence[int]], _Found]:
    def offer(session: Session, ids: Sequence[int]) -> _Found:
        query = (
            select(sold.id, _named(sold), func.count(held.customer_id.distinct()))
            .join(sold, (sold.id == key) & (sold.vendor_id == held.vendor_id))
            .where(is_any(held.customer_id, ids))
            .group_by(sold.id)
        )
        return _lines(session, query)

    return offer


def _holds_or_held(session: Session, ids: Sequence[int]) -> _Found:
    counted = []
    for word in Holding:
        links = Filters(holding=word.value)
        (condition,) = resolved(session, links).sets
        found = condition.customers(None).subquery()
        query = select(func.count(found.c.customer_id.distinct()))
        number = session.scalar(query.where(is_any(found.c.customer_id, ids))) or 0
        counted.append((word.value, _HOLDING[word], number, 0))
    return counted


_HOLDING = {Holding.HOLDS: "Holds one now", Holding.HELD: "Holds or held one"}


def _tags(session: Session, ids: Sequence[int]) -> _Found:
    query = (
        select(Tag.name.label("value"), Tag.name.label("label"),
               func.count(CustomerTag.customer_id.distinct()))
        .join(Tag, Tag.id == CustomerTag.tag_id)
        .where(is_any(CustomerTag.customer_id, ids))
        .group_by(Tag.name)
    )  # fmt: skip
    return _lines(session, query)


def _cities(session: Session, ids: Sequence[int]) -> _Found:
    query = (
        select(Address.city_key, func.max(Address.city), func.count(Address.customer_id.distinct()))
        .where(is_any(Address.customer_id, ids), Address.city_key.is_not(None))
        .group_by(Address.city_key)
    )
    return _lines(session, query)


def _segments(session: Session, ids: Sequence[int]) -> _Found:
    member = SegmentMembership
    query = (
        select(Segment.id, _named(Segment), func.count(member.customer_id.distinct()))
        .join(member, (member.segment_id == Segment.id) & member.exited_at.is_(None))
        .where(is_any(member.customer_id, ids))
        .group_by(Segment.id)
    )
    return _lines(session, query)


def _groups(session: Session, ids: Sequence[int]) -> _Found:
    counted = select(CustomerScore.segment, func.count()).group_by(CustomerScore.segment)
    numbers = _numbers(session, counted.where(is_any(CustomerScore.customer_id, ids)))
    return [(g.value, _title(g.value), numbers.get(g.value, 0), 0) for g in Group]


def _cohorts(session: Session, ids: Sequence[int]) -> _Found:
    """The months in which they first bought, the latest first."""
    month = func.to_char(CustomerScore.first_on, "YYYY-MM").label("month")
    counted = select(month, func.count()).where(is_any(CustomerScore.customer_id, ids))
    rows = session.execute(counted.group_by(month).order_by(month.desc()).limit(500))
    return [(value, value, number, 0) for value, number in rows]


def _vendors(session: Session, ids: Sequence[int]) -> _Found:
    query = (
        select(Vendor.id, Vendor.name, func.count(Customer.id))
        .outerjoin(Customer, (Customer.vendor_id == Vendor.id) & is_any(Customer.id, ids))
        .group_by(Vendor.id, Vendor.name)
    )
    return _lines(session, query)


def _categories(kind: CategoryKind) -> Callable[[Session, Sequence[int]], _Found]:
    def offer(session: Session, ids: Sequence[int]) -> _Found:
        bought, of_kind = CustomerInterest, Category.kind == kind
        counted = _counted(bought.category_id, bought.customer_id, ids, of_kind)
        return _tree(session, _numbers(session, counted), of_kind)

    return offer


def _first_categories(session: Session, ids: Sequence[int]) -> _Found:
    """The categories of first purchases, of services and of products."""
    score = CustomerScore
    return _tree(
        session, _numbers(session, _counted(score.first_category_id, score.customer_id, ids))
    )


def _tree(session: Session, numbers: dict[int, int], *which: Any) -> _Found:
    below: dict[int | None, list[Category]] = {}
    order = Category.kind.desc(), Category.position, Category.name  # services first
    for category in session.scalars(select(Category).where(*which).order_by(*order)):
        below.setdefault(category.parent_id, []).append(category)
    return list(_walk_tree(below, None, 0, numbers))


def _first_channels(session: Session, ids: Sequence[int]) -> _Found:
    score = CustomerScore
    counted = select(score.first_channel, func.count()).group_by(score.first_channel)
    numbers = _numbers(session, counted.where(is_any(score.customer_id, ids)))
    return [(c.value, _title(c.value), numbers.get(c.value, 0), 0) for c in Channel]


def _walk_tree(
    below: dict[int | None, list[Category]], parent: int | None, depth: int, numbers: dict[int, int]
) -> Iterable[tuple[str, str, int, int]]:
    for category in below.get(parent, ()):
        number = numbers.get(category.id, 0)
        # A branch nobody bought from is offered only where it is selected (-1).
        yield str(category.id), category.name, number or -1, depth
        yield from _walk_tree(below, category.id, depth + 1, numbers)


def _counted(category_id: Any, customer_id: Any, ids: Sequence[int], *which: Any) -> Any:
    """How many of these customers a table has in each category or below it."""
    top = select(Category.id.label("top"), Category.id.label("below")).where(*which)
    tree = top.cte("tree", recursive=True)
    child = aliased(Category)
    tree = tree.union(select(tree.c.top, child.id).where(child.parent_id == tree.c.below))
    return (
        select(tree.c.top, func.count(customer_id.distinct()))
        .join(tree, tree.c.below == category_id)
        .where(is_any(customer_id, ids))
        .group_by(tree.c.top)
    )


_SERVICES = [kind.value for kind in ServiceKind]
_OFFERS: dict[str, Callable[[Session, Sequence[int]], _Found]] = {
    "vendor": _vendors,
    "status": _words(Customer.status, CustomerStatus),
    "channel": _words(Customer.channel, Channel),
    "tag": _tags,
    "city": _cities,
    "service_type": _service_types,
    "service_category": _categories(CategoryKind.SERVICE),
    "service": _items(Service, _SERVICES),
    "product_category": _categories(CategoryKind.PRODUCT),
    "product": _items(Product, [InterestKind.PRODUCT.value]),
    "package": _holdings(PackageHolding, Package, PackageHolding.package_id),
    "plan": _holdings(Membership, MembershipPlan, Membership.plan_id),
    "holding": _holds_or_held,
    "segment": _segments,
    "group": _groups,
    "cohort": _cohorts,
    "first_channel": _first_channels,
    "first_category": _first_categories,
}
