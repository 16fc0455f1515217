"""What a customer is entitled to at a moment: the one answer for prices, bookings and screens.

A membership entitles while its paid time lasts and it does not rest; one that goes on by itself
also to discounts and access after that, but to included uses only in periods that are there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from app import clock
from app.errors import DomainError
from app.operations import freezes, package_uses, periods
from app.operations.zones import zone_of
from models.categories import Category
from models.memberships import (
    RUNNING,
    BenefitKind,
    IncludedUse,
    Membership,
    MembershipPeriod,
    MembershipPlan,
    PeriodStatus,
    PlanBenefit,
    Reach,
    UseStatus,
)
from models.packages import HoldingStatus, Package, PackageHolding, PackageService
from models.products import Product
from models.services import Service

_EVER = datetime.max.replace(tzinfo=UTC)


class MembersOnly(DomainError):
    sentence = "{service} is for members only: sell a membership in {plans} first."
    field = "service_id"


class NothingToUse(DomainError):
    sentence = "This customer has no package and no membership that pays for it: take the money."
    field = "holding_id"


@dataclass(frozen=True, slots=True)
class Benefit:
    """What a plan gives, and the categories that it is about, those below included."""

    id: int
    kind: BenefitKind
    reach: Reach
    service_id: int | None
    product_id: int | None
    categories: frozenset[int] | None
    percent: Decimal
    uses: int

    def is_about(self, item: Service | Product) -> bool:
        """Whether it is about this service or product."""
        is_service = isinstance(item, Service)
        if self.service_id is not None or self.product_id is not None:
            return item.id == (self.service_id if is_service else self.product_id)
        if self.categories is not None:
            return item.category_id in self.categories
        return self.reach in (
            Reach.EVERYTHING,
            Reach.SERVICES if is_service else Reach.PRODUCTS,
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A membership that entitles its customer; of the moment's period, if that is there already."""

    membership_id: int
    plan_id: int
    name: str
    level: int
    until: datetime
    period_id: int | None
    benefits: tuple[Benefit, ...]


@dataclass(frozen=True, slots=True)
class Pot:
    """Uses that pay for services: of a package, or included in a membership.

    `left` are all that are there, `most` those for one service where they differ.
    """

    name: str
    left: int
    uses: int
    until: datetime | None
    holding_id: int | None = None
    membership_id: int | None = None
    period_id: int | None = None
    benefit: Benefit | None = None
    services: tuple[tuple[int, int | None], ...] = ()
    any_service: bool = False

    def left_for(self, service: Service) -> int:
        """How many of them a service may have."""
        if self.benefit is not None:
            return self.left if self.benefit.is_about(service) else 0
        if self.any_service:
            return self.left
        most = dict(self.services)
        if service.id not in most:
            return 0
        cap = most[service.id]
        return self.left if cap is None else max(min(self.left, cap), 0)


@dataclass(frozen=True, slots=True)
class Entitlements:
    """All of a customer at a moment; of pots what ends first comes first."""

    members: tuple[Member, ...] = ()
    pots: tuple[Pot, ...] = ()

    def discount(self, item: Service | Product) -> tuple[Decimal, Member] | None:
        """The best percentage that a membership takes off, and which; they do not add up."""
        offers = [
            (benefit.percent, -member.membership_id, member)
            for member in self.members
            for benefit in member.benefits
            if benefit.kind == BenefitKind.DISCOUNT and benefit.is_about(item)
        ]
        if not offers:
            return None
        percent, _, member = max(offers, key=lambda one: one[:2])
        return percent, member

    def pots_for(self, service: Service, uses: int = 1) -> list[Pot]:
        """What pays for so many uses of a service, what ends first at the top."""
        return [pot for pot in self.pots if pot.left_for(service) >= uses]


NOTHING = Entitlements()


def of(
    session: Session, *, customer_id: int | None, vendor_id: int, at: datetime | None = None
) -> Entitlements:
    """What a customer is entitled to at `at` (aware; empty: now); nobody to nothing."""
    if customer_id is None:
        return NOTHING
    moment = at or clock.now()
    members = _members(session, vendor_id, customer_id, moment)
    pots = [*_included(session, members), *_packages(session, vendor_id, customer_id, moment)]
    order = [(pot.until or _EVER, pot.holding_id or 0, pot.benefit.id if pot.benefit else 0)
             for pot in pots]  # fmt: skip
    placed = sorted(zip(order, pots, strict=True), key=lambda one: one[0])
    return Entitlements(tuple(members), tuple(pot for _, pot in placed))


def check_access(session: Session, service: Service, found: Entitlements) -> None:
    """Refuse a service that is for members only to who is none: `MembersOnly`."""
    plans = _opening(session, service)
    if not plans:
        return
    ids, least = {plan_id for plan_id, _, _ in plans}, [lv for _, lv, _ in plans if lv]
    for member in found.members:
        if member.plan_id in ids or (least and member.level >= min(least)):
            return
    raise MembersOnly(service=service.name, plans=" or ".join(name for *_, name in plans[:3]))


def used(session: Session, *, period_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """How many included uses are taken, by period and benefit."""
    if not period_ids:
        return {}
    rows = session.execute(
        select(IncludedUse.period_id, IncludedUse.benefit_id, func.sum(IncludedUse.uses))
        .where(IncludedUse.period_id.in_(period_ids), IncludedUse.status != UseStatus.RELEASED)
        .group_by(IncludedUse.period_id, IncludedUse.benefit_id)
    )
    return {(period_id, benefit_id): int(count) for period_id, benefit_id, count in rows}


# --- memberships --------------------------------------------------------------------------------


def _members(session: Session, vendor_id: int, customer_id: int, at: datetime) -> list[Member]:
    query = (
        select(Membership)
        .where(
            Membership.vendor_id == vendor_id, Membership.customer_id == customer_id,
            Membership.status.in_(RUNNING),
        )
        .options(joinedload(Membership.plan))
        .order_by(Membership.id)
    )  # fmt: skip
    zone = ""
    held: list[tuple[Membership, datetime]] = []
    for membership in session.scalars(query):
        zone = zone or zone_of(session, vendor_id)
        until = freezes.paid_until(membership, zone)
        if _entitles(membership, until, at):
            held.append((membership, until))
    benefits = _benefits(session, vendor_id, {one.plan_id for one, _ in held})
    return [
        Member(
            membership_id=one.id, plan_id=one.plan_id, name=one.plan.name, level=one.plan.level,
            until=until, period_id=_period_at(session, one, at, zone),
            benefits=benefits.get(one.plan_id, ()),
        )
        for one, until in held
    ]  # fmt: skip


def _entitles(membership: Membership, until: datetime, at: datetime) -> bool:
    if freezes.rests_at(membership, at) or until <= clock.now():
        return False
    return until > at or not membership.cancel_at_period_end


def _period_at(session: Session, membership: Membership, at: datetime, zone: str) -> int | None:
    """The period that the customer has at a moment; a rest puts off what comes after it."""
    query = select(MembershipPeriod).where(
        MembershipPeriod.vendor_id == membership.vendor_id,
        MembershipPeriod.membership_id == membership.id,
        MembershipPeriod.status == PeriodStatus.HELD,
    )
    since, until = membership.paused_at or membership.frozen_from, membership.frozen_until
    for period in session.scalars(query.order_by(MembershipPeriod.number.desc())):
        starts, ends = period.starts_at, period.ends_at
        if since is not None and until is not None:
            starts = periods.later(starts, since, until, zone) if starts > since else starts
            ends = periods.later(ends, since, until, zone) if ends > since else ends
        if starts <= at < ends:
            return period.id
    return None


def _benefits(
    session: Session, vendor_id: int, plan_ids: Iterable[int]
) -> dict[int, tuple[Benefit, ...]]:
    ids = sorted(plan_ids)
    if not ids:
        return {}
    rows = session.scalars(
        select(PlanBenefit)
        .where(PlanBenefit.vendor_id == vendor_id, PlanBenefit.plan_id.in_(ids))
        .order_by(PlanBenefit.id)
    ).all()
    below = _below(session, {row.category_id for row in rows if row.category_id is not None})
    found: dict[int, tuple[Benefit, ...]] = {}
    for row in rows:
        found[row.plan_id] = (*found.get(row.plan_id, ()), _benefit(row, below))
    return found


def _benefit(row: PlanBenefit, below: dict[int, frozenset[int]]) -> Benefit:
    return Benefit(
        id=row.id, kind=BenefitKind(row.kind), reach=Reach(row.reach), service_id=row.service_id,
        product_id=row.product_id,
        categories=None if row.category_id is None else below[row.category_id],
        percent=row.percent or Decimal(0), uses=row.uses or 0,
    )  # fmt: skip


def _below(session: Session, roots: set[int]) -> dict[int, frozenset[int]]:
    """Each of these categories with all that are below it."""
    if not roots:
        return {}
    tree = (
        select(Category.id.label("root"), Category.id.label("id"))
        .where(Category.id.in_(sorted(roots)))
        .cte("tree", recursive=True)
    )
    tree = tree.union(select(tree.c.root, Category.id).join(tree, Category.parent_id == tree.c.id))
    found: dict[int, set[int]] = {}
    for root, number in session.execute(select(tree.c.root, tree.c.id)):
        found.setdefault(root, set()).add(number)
    return {root: frozenset(ids) for root, ids in found.items()}


def _opening(session: Session, service: Service) -> list[tuple[int, int, str]]:
    """The plans that open a service for members only, with their levels and names."""
    rows = session.execute(
        select(PlanBenefit, MembershipPlan.level, MembershipPlan.name)
        .join(
            MembershipPlan,
            (MembershipPlan.vendor_id == PlanBenefit.vendor_id)
            & (MembershipPlan.id == PlanBenefit.plan_id),
        )
        .where(
            PlanBenefit.vendor_id == service.vendor_id, PlanBenefit.kind == BenefitKind.ACCESS,
            or_(PlanBenefit.service_id == service.id, PlanBenefit.category_id.is_not(None)),
        )
        .order_by(MembershipPlan.level, MembershipPlan.id)
    ).all()  # fmt: skip
    below = _below(session, {row.category_id for row, *_ in rows if row.category_id is not None})
    return [
        (row.plan_id, level, name)
        for row, level, name in rows
        if _benefit(row, below).is_about(service)
    ]


def _included(session: Session, members: Sequence[Member]) -> list[Pot]:
    taken = used(session, period_ids=[m.period_id for m in members if m.period_id is not None])
    return [
        Pot(
            name=member.name, left=left, uses=benefit.uses, until=member.until,
            membership_id=member.membership_id, period_id=member.period_id, benefit=benefit,
        )
        for member in members
        if member.period_id is not None
        for benefit in member.benefits
        if benefit.kind == BenefitKind.INCLUDED
        and (left := benefit.uses - taken.get((member.period_id, benefit.id), 0)) > 0
    ]  # fmt: skip


# --- packages -----------------------------------------------------------------------------------


def _packages(session: Session, vendor_id: int, customer_id: int, at: datetime) -> list[Pot]:
    held = session.execute(
        select(PackageHolding, Package)
        .join(
            Package,
            (Package.vendor_id == PackageHolding.vendor_id)
            & (Package.id == PackageHolding.package_id),
        )
        .where(
            PackageHolding.vendor_id == vendor_id, PackageHolding.customer_id == customer_id,
            PackageHolding.status == HoldingStatus.ACTIVE, PackageHolding.uses_left > 0,
            or_(PackageHolding.expires_at.is_(None), PackageHolding.expires_at > at),
        )
        .order_by(PackageHolding.id)
    ).all()  # fmt: skip
    named = _named(session, vendor_id, {package.id for _, package in held})
    return [_pot(session, holding, package, named.get(package.id, {})) for holding, package in held]


def _named(
    session: Session, vendor_id: int, package_ids: set[int]
) -> dict[int, dict[int, int | None]]:
    if not package_ids:
        return {}
    rows = session.scalars(
        select(PackageService).where(
            PackageService.vendor_id == vendor_id,
            PackageService.package_id.in_(sorted(package_ids)),
        )
    )
    found: dict[int, dict[int, int | None]] = {}
    for row in rows:
        found.setdefault(row.package_id, {})[row.service_id] = row.most
    return found


def _pot(
    session: Session, holding: PackageHolding, package: Package, named: dict[int, int | None]
) -> Pot:
    most = dict(named)
    if any(cap is not None for cap in most.values()):
        spent = package_uses.spent_on(session, holding.id)
        most = {n: None if cap is None else cap - spent.get(n, 0) for n, cap in most.items()}
    if package.service_id is not None:
        most[package.service_id] = None
    return Pot(
        name=package.name, left=holding.uses_left, uses=holding.uses, until=holding.expires_at,
        holding_id=holding.id, services=tuple(sorted(most.items())), any_service=not most,
    )  # fmt: skip
