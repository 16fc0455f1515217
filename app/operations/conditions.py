"""What each filter asks of a customer, in the two forms in which the database is quick.

Row security hides indexes from operators that are not leakproof, and planners misjudge sets
that are not independent. So every filter is known twice: as a test of one customer, and (where
it is kept in a table of its own) as the set of customers it leaves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.contact import query_words
from app.operations.filters import Alone, Filters, Holding, Wanted, cohort_days
from app.tenancy import DatabaseRole, current_actor
from models.categories import Category, CategoryKind
from models.customers import Address, Customer
from models.interests import CustomerInterest
from models.memberships import Membership, MembershipPlan, MembershipStatus
from models.packages import HoldingStatus, Package, PackageHolding
from models.products import Product
from models.scores import CustomerScore
from models.segments import Segment, SegmentMembership
from models.services import Service, ServiceKind
from models.tags import CustomerTag, Tag
from models.vendors import Vendor
from models.words import InterestKind

Ids = Sequence[int] | Select[Any]
Columns = Any
"""`Customer`, or the columns of a subquery of it."""

DAY = timedelta(days=1)
RUNNING = (
    MembershipStatus.TRIALING,
    MembershipStatus.ACTIVE,
    MembershipStatus.PAST_DUE,
    MembershipStatus.PAUSED,
)


def scope(filters: Filters) -> int | None:
    """The one vendor whose customers are asked for: the actor's own, else the chosen one."""
    actor = current_actor()
    return actor.vendor_id if actor.role is DatabaseRole.VENDOR else filters.vendor_id


def is_any(column: Any, values: Ids | Sequence[str]) -> ColumnElement[bool]:
    """`column` is one of `values`, which stay one parameter however many they are."""
    if isinstance(values, Select):
        return column.in_(values)  # type: ignore[no-any-return]
    return column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Link:
    """A table that leads to customers, and which of its rows count."""

    customer_id: InstrumentedAttribute[Any]
    vendor_id: InstrumentedAttribute[int]
    where: ColumnElement[bool]
    test: ColumnElement[bool] | None = None
    """The same asked of few rows; `+ 0` keeps a long list out of the index look-up."""

    def customers(self, vendor_id: int | None) -> Select[Any]:
        """The customers that the rows lead to; one may come several times."""
        found = select(self.customer_id.label("customer_id")).where(self.where)
        return found if vendor_id is None else found.where(self.vendor_id == vendor_id)

    def holds(self, customer: Columns) -> ColumnElement[bool]:
        """Whether a row leads to this customer.

        Asked as a value, not by EXISTS: the planner may then neither join nor hash the table
        whole, and looks the one customer up.
        """
        own = and_(self.vendor_id == customer.vendor_id, self.customer_id == customer.id)
        asked = self.where if self.test is None else self.test
        one = select(literal(1)).where(own, asked).limit(1)
        return one.scalar_subquery().is_not(None)


@dataclass(frozen=True)
class Condition:
    """One filter that is kept in tables of its own (alternatives: several links)."""

    name: str
    links: tuple[Link, ...]

    def customers(self, vendor_id: int | None) -> Select[Any]:
        """The customers it leaves; one may come several times."""
        found = [link.customers(vendor_id) for link in self.links]
        if len(found) == 1:
            return found[0]
        return select(union_all(*found).subquery().c.customer_id)

    def at(self, vendor_id: Any) -> ColumnElement[bool]:
        """Whether it leaves anybody of this vendor."""
        return or_(
            *(
                select(literal(1))
                .where(link.vendor_id == vendor_id, link.where)
                .limit(1)
                .scalar_subquery()
                .is_not(None)
                for link in self.links
            )
        )

    def holds(self, customer: Columns) -> ColumnElement[bool]:
        """Whether it holds for this customer."""
        return or_(*(link.holds(customer) for link in self.links))


@dataclass(frozen=True, eq=False)
class Conditions:
    """All that is asked: columns of the customer, search words, and sets.

    For the same question there is one object, as long as it is asked often: what was built for
    it (`paging`) need not be built again.
    """

    vendor_id: int | None
    statuses: tuple[str, ...]
    channels: tuple[str, ...]
    since: Any
    before: Any
    words: tuple[str, ...] | None
    sets: tuple[Condition, ...]
    key: tuple[str, int | None]
    """Equal for equal questions: the filters' fingerprint, and the vendor."""

    @property
    def query(self) -> str:
        """The search words as a text search query; a vendor's own word keeps it to its file."""
        own = [f"'#{self.vendor_id}'"] if self.vendor_id is not None else []
        return " & ".join([*own, *(f"'{word}':*" for word in self.words or ())])

    def found(self) -> ColumnElement[Any]:
        """The search words as a value of the database."""
        return cast(literal(self.query, Text), TSQUERY)

    def of_columns(self, customer: Columns) -> list[ColumnElement[bool]]:
        """What is asked of the customer's own columns, without vendor and search."""
        asked: list[ColumnElement[bool]] = []
        if self.statuses:
            asked.append(is_any(customer.status, self.statuses))
        if self.channels:
            asked.append(is_any(customer.channel, self.channels))
        if self.since is not None:
            asked.append(customer.last_activity_at >= self.since)
        if self.before is not None:
            asked.append(customer.last_activity_at < self.before)
        return asked

    def searched(self, customer: Columns) -> list[ColumnElement[bool]]:
        """What the search asks of one customer."""
        if self.words is None:
            return []
        return [customer.search.bool_op("@@")(self.found())] if self.words else [false()]

    def tests(self, customer: Columns) -> list[ColumnElement[bool]]:
        """Everything but the vendor and the archive, as tests of one customer."""
        sets = [condition.holds(customer) for condition in self.sets]
        return [*self.of_columns(customer), *self.searched(customer), *sets]

    def at_home(self, customer: Columns) -> list[ColumnElement[bool]]:
        """Living customers of the vendor asked for."""
        own = [customer.vendor_id == self.vendor_id] if self.vendor_id is not None else []
        return [customer.archived_at.is_(None), *own]


def in_sql(filters: Filters) -> Conditions:
    """The conditions with their look-ups left to the database."""
    vendor_id = scope(filters)
    ids = [statement.params(**asked) for statement, asked in _look_ups(filters, vendor_id)]
    since, before = (_midnight(day, vendor_id, later) for day, later in _days(filters))
    return _conditions(filters, vendor_id, vendor_id, since, before, ids)


def resolved(session: Session, filters: Filters) -> Conditions:
    """The same with the look-ups done, so that the planner sees what is really asked."""
    kept = session.info.setdefault(_RESOLVED, {})
    asked = (filters, scope(filters))
    if asked not in kept:
        kept[asked] = _resolved(session.connection(), *asked)
    found: Conditions = kept[asked]
    return found


_RESOLVED = "conditions that were looked up"


def _resolved(connection: Connection, filters: Filters, vendor_id: int | None) -> Conditions:
    ids = tuple(tuple(connection.scalars(*look_up)) for look_up in _look_ups(filters, vendor_id))
    since, before = filters.activity_from, filters.activity_to
    if since or before:
        days = (_midnight(day, vendor_id, later) for day, later in _days(filters))
        row = connection.execute(select(*(cast(moment, _AWARE) for moment in days))).one()
        since, before = row[0], row[1]
    owner = vendor_id
    if owner is None and (owned := _owners(filters)):
        # a service has one vendor: whoever bought it is that vendor's customer
        vendors = list(connection.scalars(union(*owned).limit(2)))
        owner = vendors[0] if len(vendors) == 1 else None
    return _built(filters, vendor_id, owner, since, before, ids)


def _owners(filters: Filters) -> list[Select[Any]]:
    """The vendors of the services, products, packages and plans that are asked for."""
    asked = (
        (Service, filters.services), (Product, filters.products),
        (Package, filters.packages), (MembershipPlan, filters.plans),
    )  # fmt: skip
    return [select(m.vendor_id).where(is_any(m.id, ids)) for m, ids in asked if ids]


def _days(filters: Filters) -> tuple[tuple[date | None, int], tuple[date | None, int]]:
    """The days between which the last activity lies, and how many days later each ends."""
    return (filters.activity_from, 0), (filters.activity_to, 1)


def matching(filters: Filters) -> Select[Any]:
    """The ids of the customers that `filters` ask for: one rule for lists, bulk and segments."""
    asked = in_sql(filters)
    sets = [condition.customers(asked.vendor_id) for condition in asked.sets]
    query = select(Customer.id).where(
        *asked.at_home(Customer),
        *asked.of_columns(Customer),
        *(Customer.id.in_(ids) for ids in sets),
    )
    if asked.words is None:
        return query
    return query.where(Customer.id.in_(found_ids(asked)) if asked.words else false())


def found_ids(asked: Conditions, most: int | None = None) -> Select[Any]:
    """The customers that the search words lead to, archived ones too; at most `most`.

    A vendor asks through the function that may use the index.
    """
    if current_actor().role is DatabaseRole.VENDOR:
        found = func.search_customers(asked.found(), cast(most, BigInteger))
        return select(found.column_valued("customer_id"))
    hit = Customer.search.bool_op("@@")(asked.found())
    ids = select(Customer.id.label("customer_id")).where(hit)
    return ids if most is None else ids.limit(most)


def _conditions(
    filters: Filters,
    vendor_id: int | None,
    owner: int | None,
    since: Any,
    before: Any,
    ids: Sequence[Ids],
) -> Conditions:
    return Conditions(
        vendor_id=owner,
        statuses=filters.statuses,
        channels=filters.channels,
        since=since,
        before=before,
        words=None if filters.search is None else tuple(query_words(filters.search)),
        sets=tuple(_sets(filters, iter(ids))),
        key=(filters.fingerprint, vendor_id),
    )


_built = lru_cache(maxsize=500)(_conditions)
"""The same for what was looked up already; everything it is given is a plain value."""


def _look_ups(
    filters: Filters, vendor_id: int | None
) -> Iterator[tuple[Select[Any], dict[str, Any]]]:
    """The ids to be looked up first, in the order in which `_sets` takes them."""
    if roots := filters.service_categories:
        yield _SUBTREES[CategoryKind.SERVICE], _parted("service", roots)
    if roots := filters.product_categories:
        yield _SUBTREES[CategoryKind.PRODUCT], _parted("product", roots)
    if names := filters.tags:
        yield _TAGS[vendor_id is None], {"tag_names": list(names), "tag_vendor": vendor_id}
    if segments := filters.segments:
        yield _SEGMENTS, {"segment_ids": list(segments)}
    if roots := filters.first_categories:
        yield _BELOW, _parted("first", roots)


def _sets(filters: Filters, ids: Iterator[Ids]) -> Iterator[Condition]:
    kind, item = CustomerInterest.kind, CustomerInterest.item_id
    category = CustomerInterest.category_id
    if kinds := filters.service_kinds:
        yield Condition("service_type", (_bought(is_any(kind, kinds)),))
    if items := filters.services:
        yield Condition("service", (_bought(is_any(kind, _SERVICE_KINDS), is_any(item, items)),))
    if items := filters.products:
        yield Condition("product", (_bought(kind == InterestKind.PRODUCT, is_any(item, items)),))
    if filters.service_categories:
        yield Condition("service_category", (_listed(CustomerInterest, category, next(ids)),))
    if filters.product_categories:
        yield Condition("product_category", (_listed(CustomerInterest, category, next(ids)),))
    if filters.packages or filters.plans or filters.holding:
        yield Condition("package", _held(filters))
    if filters.tags:
        yield Condition("tag", (_listed(CustomerTag, CustomerTag.tag_id, next(ids)),))
    if cities := filters.cities:
        which = is_any(Address.city_key, cities)
        yield Condition("city", (Link(Address.customer_id, Address.vendor_id, which),))
    if filters.segments:
        which = and_(is_any(SegmentMembership.segment_id, next(ids)),
                     SegmentMembership.exited_at.is_(None))  # fmt: skip
        link = Link(SegmentMembership.customer_id, SegmentMembership.vendor_id, which)
        yield Condition("segment", (link,))
    if asked := list(_scored(filters, ids)):
        link = Link(CustomerScore.customer_id, CustomerScore.vendor_id, and_(*asked))
        yield Condition("score", (link,))


def _scored(filters: Filters, ids: Iterator[Ids]) -> Iterator[ColumnElement[bool]]:
    """What the scores know, a row a customer: the group, and what was bought when, and first."""
    score = CustomerScore
    if groups := filters.groups:
        yield is_any(score.segment, groups)
    if cohorts := filters.cohorts:
        yield or_(*(score.first_on.between(*cohort_days(one)) for one in cohorts))
    if channels := filters.first_channels:
        yield is_any(score.first_channel, channels)
    if filters.first_categories:
        yield is_any(score.first_category_id, next(ids))
    if filters.first_from:
        yield score.first_on >= filters.first_from
    if filters.first_to:
        yield score.first_on <= filters.first_to
    first, last = filters.bought_from, filters.bought_to
    if first:
        yield score.last_on >= first
    if last:
        yield score.first_on <= last
    if first and last:  # a search in halves: the days lie in order
        upto, before = (func.width_bucket(day, score.bought_on) for day in (last, first - DAY))
        yield upto > before


_SERVICE_KINDS = tuple(kind.value for kind in ServiceKind)


def _bought(*where: ColumnElement[bool]) -> Link:
    return Link(CustomerInterest.customer_id, CustomerInterest.vendor_id, and_(*where))


def _listed(model: Any, column: Any, values: Ids) -> Link:
    """Rows whose column is in what may be a long list."""
    which, test = is_any(column, values), is_any(column + 0, values)
    return Link(model.customer_id, model.vendor_id, which, test)


def _held(filters: Filters) -> tuple[Link, ...]:
    """Rows of packages and memberships; one kind is left out when only the other is named."""
    now = filters.holding == Holding.HOLDS
    named = bool(filters.packages or filters.plans)
    links = []
    if filters.packages or not named:
        where = [is_any(PackageHolding.package_id, filters.packages)] if named else []
        where += [PackageHolding.status == HoldingStatus.ACTIVE] if now else []
        which = and_(true(), *where)
        links.append(Link(PackageHolding.customer_id, PackageHolding.vendor_id, which))
    if filters.plans or not named:
        where = [is_any(Membership.plan_id, filters.plans)] if named else []
        where += [is_any(Membership.status, [s.value for s in RUNNING])] if now else []
        links.append(Link(Membership.customer_id, Membership.vendor_id, and_(true(), *where)))
    return tuple(links)


def _below(name: str, *which: ColumnElement[bool]) -> Select[Any]:
    """The categories asked for (such of them), and all below those that are not meant alone."""
    roots, alone = (
        Category.id == any_(bindparam(f"{name}_{part}", type_=ARRAY(BigInteger)))
        for part in ("roots", "alone")
    )
    tree = (
        select(Category.id, roots.label("goes_on"))
        .where(or_(roots, alone), *which)
        .cte(f"{name}_tree", recursive=True)
    )
    # UNION, not UNION ALL: it ends even if somebody tied the tree into a ring.
    child = select(Category.id, true()).join(tree, Category.parent_id == tree.c.id)
    tree = tree.union(child.where(tree.c.goes_on))
    return select(tree.c.id)


def _parted(name: str, asked: Sequence[Wanted]) -> dict[str, Any]:
    """What `_below` is asked with."""
    alone = [one.id for one in asked if isinstance(one, Alone)]
    roots = [one for one in asked if not isinstance(one, Alone)]
    return {f"{name}_roots": roots, f"{name}_alone": alone}


_SUBTREES = {kind: _below(kind.value, Category.kind == kind) for kind in CategoryKind}
_BELOW = _below("first")


def branch(
    session: Session, wanted: Sequence[Wanted], kind: CategoryKind | None = None
) -> list[int]:
    """These categories, as far as they are of the kind, and all below those not meant alone.

    For conditions on them: a list of ids finds the index.
    """
    if kind is None:
        return list(session.scalars(_BELOW, _parted("first", wanted)))
    return list(session.scalars(_SUBTREES[kind], _parted(kind.value, wanted)))


def tags_named(session: Session, names: Sequence[str], vendor_id: int | None) -> list[int]:
    """The tags of these names: of one vendor, or of all."""
    asked = {"tag_names": list(names), "tag_vendor": vendor_id}
    return list(session.scalars(_TAGS[vendor_id is None], asked))


_SEGMENTS = select(Segment.id).where(
    Segment.id == any_(bindparam("segment_ids", type_=ARRAY(BigInteger)))
)
"""Those that whoever asks may see: of the marketplace's a vendor's customers are members too."""
_NAMED = select(Tag.id).where(Tag.name == any_(bindparam("tag_names", type_=ARRAY(Text))))
_TAGS = {True: _NAMED, False: _NAMED.where(Tag.vendor_id == bindparam("tag_vendor"))}
"""The tags of these names: of all vendors, and of one."""


def _midnight(day: date | None, vendor_id: int | None, days_later: int) -> Any:
    """When the day (or one later) begins where the vendor is."""
    if day is None:
        return None
    zone: Any = literal("UTC")
    if vendor_id is not None:
        zone = select(Vendor.time_zone).where(Vendor.id == vendor_id).scalar_subquery()
    local = cast(cast(day, Date) + days_later, DateTime(timezone=False))
    return func.timezone(zone, local, type_=_AWARE)


_AWARE = DateTime(timezone=True)
