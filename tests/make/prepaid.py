"""Packages and memberships, and what was sold of them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.customers import Customer
from models.memberships import (
    BenefitKind,
    IncludedUse,
    Membership,
    MembershipPeriod,
    MembershipPlan,
    PlanBenefit,
)
from models.packages import EntryKind, Package, PackageEntry, PackageHolding, PackageService
from models.services import Service
from tests.make.customers import somebody
from tests.make.rows import NOON, home_of, number, of_vendor, saved


def package(session: Session, **fields: Any) -> Package:
    values = {"name": f"Package {number()}", "uses": 10, "price": Decimal("90.00")}
    return saved(session, Package(**values | fields))


def plan(session: Session, **fields: Any) -> MembershipPlan:
    values = {"name": f"Plan {number()}", "price": Decimal("19.00")}
    return saved(session, MembershipPlan(**values | fields))


def holding(
    session: Session,
    *,
    customer: Customer | None = None,
    package: Package | None = None,
    **fields: Any,
) -> PackageHolding:
    home = home_of(of_vendor(dict(fields), customer, package))
    customer = customer or somebody(session, home)
    package = package or _package(session, **home)
    values = of_vendor(fields, customer)
    uses = values.pop("uses", package.uses)
    left = values.pop("uses_left", uses)
    row = saved(session, PackageHolding(customer_id=customer.id, package_id=package.id, **values))
    package_entry(session, holding=row, uses=uses)
    if uses > left:
        package_entry(session, holding=row, kind=EntryKind.USE, uses=uses - left)
    session.refresh(row)
    return row


def package_entry(session: Session, *, holding: PackageHolding, **fields: Any) -> PackageEntry:
    values = {"kind": EntryKind.GRANT, "uses": 1, "at": NOON} | of_vendor(fields, holding)
    return saved(session, PackageEntry(holding_id=holding.id, **values))


def package_service(
    session: Session, *, package: Package, service: Service, **fields: Any
) -> PackageService:
    values = of_vendor(fields, package)
    return saved(session, PackageService(package_id=package.id, service_id=service.id, **values))


def membership(
    session: Session,
    *,
    customer: Customer | None = None,
    plan: MembershipPlan | None = None,
    **fields: Any,
) -> Membership:
    home = home_of(of_vendor(dict(fields), customer, plan))
    customer = customer or somebody(session, home)
    plan = plan or _plan(session, **home)
    values = {
        "started_at": NOON,
        "anchor_at": NOON,
        "period_starts_at": NOON,
        "period_ends_at": NOON + timedelta(days=30),
    } | of_vendor(fields, customer)
    row = saved(session, Membership(customer_id=customer.id, plan_id=plan.id, **values))
    membership_period(session, membership=row)
    return row


def membership_period(
    session: Session, *, membership: Membership, **fields: Any
) -> MembershipPeriod:
    values = {
        "number": 1,
        "starts_at": membership.period_starts_at,
        "ends_at": membership.period_ends_at,
    } | of_vendor(fields, membership)
    return saved(session, MembershipPeriod(membership_id=membership.id, **values))


def plan_benefit(session: Session, *, plan: MembershipPlan, **fields: Any) -> PlanBenefit:
    """Ten percent off everything, unless said otherwise."""
    kind = fields.get("kind", BenefitKind.DISCOUNT)
    off = {"percent": Decimal(10)} if kind == BenefitKind.DISCOUNT else {}
    return saved(session, PlanBenefit(plan_id=plan.id, **off | of_vendor(fields, plan)))


def included_use(
    session: Session, *, period: MembershipPeriod, benefit: PlanBenefit, **fields: Any
) -> IncludedUse:
    values = {"at": NOON} | of_vendor(fields, period)
    return saved(session, IncludedUse(period_id=period.id, benefit_id=benefit.id, **values))


_package = package  # an argument takes the name
_plan = plan  # an argument takes the name
