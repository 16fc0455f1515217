"""Conditions of rules: what a happening is about, and why a rule does not speak of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from models.bookings import Booking
from models.categories import Category
from models.customers import Customer
from models.memberships import Membership
from models.message_rules import MessageRule
from models.orders import Order
from models.packages import PackageHolding
from models.products import Product
from models.services import Service
from models.usages import Usage, UsageKind


@dataclass(frozen=True, slots=True)
class About:
    """The rows that a happening is about."""

    booking_id: int | None = None
    order_id: int | None = None
    membership_id: int | None = None
    holding_id: int | None = None
    task_id: int | None = None
    usage_id: int | None = None

    def named(self) -> dict[str, Any]:
        """Those that a message keeps."""
        names = ("booking_id", "order_id", "membership_id", "holding_id", "task_id")
        known = {name: getattr(self, name) for name in names}
        return {name: number for name, number in known.items() if number is not None}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule can ask of it: services, categories of what it is about, plan, channel."""

    services: frozenset[int] = frozenset()
    categories: frozenset[int] = frozenset()
    plan_id: int | None = None
    came_by: str | None = None


def why_not(session: Session, rule: MessageRule, happened: Any) -> str | None:
    """In a few words why the rule does not speak of `happened`; None if it does."""
    asked = (rule.service_id, rule.category_id, rule.plan_id, rule.came_by)
    if all(condition is None for condition in asked):
        return None
    facts = facts_of(session, happened.about, happened.customer_id)
    if rule.service_id is not None and rule.service_id not in facts.services:
        return "Another service"
    if rule.plan_id is not None and rule.plan_id != facts.plan_id:
        return "Another plan"
    if rule.came_by is not None and rule.came_by != facts.came_by:
        return "Came another way"
    if rule.category_id is not None and not _within(session, facts.categories, rule.category_id):
        return "Another category"
    return None


def facts_of(session: Session, about: About, customer_id: int) -> Facts:
    """What can be asked of a happening."""
    if about.booking_id is not None:
        booking = session.get_one(Booking, about.booking_id)
        return _of_services([booking.service], came_by=booking.channel)
    if about.order_id is not None:
        return _of_order(session.get_one(Order, about.order_id))
    if about.membership_id is not None:
        membership = session.get_one(Membership, about.membership_id)
        return Facts(plan_id=membership.plan_id, came_by=membership.channel)
    if about.holding_id is not None:
        return _of_holding(session.get_one(PackageHolding, about.holding_id))
    if about.usage_id is not None:
        return _of_usage(session, session.get_one(Usage, about.usage_id))
    return Facts(came_by=session.get_one(Customer, customer_id).channel)


def _of_services(services: Iterable[Service], *, came_by: str | None = None) -> Facts:
    known = list(services)
    return Facts(frozenset(service.id for service in known), _categories(known), came_by=came_by)


def _of_order(order: Order) -> Facts:
    services = [line.service for line in order.lines if line.service is not None]
    products = [line.variant.product for line in order.lines if line.variant is not None]
    packages = [line.package for line in order.lines if line.package is not None]
    plans = [line.plan_id for line in order.lines if line.plan_id is not None]
    return Facts(
        frozenset(service.id for service in services),
        _categories([*services, *products, *packages]),
        plans[0] if plans else None,
        order.channel,
    )


def _of_holding(holding: PackageHolding) -> Facts:
    package = holding.package
    services = frozenset() if package.service_id is None else frozenset({package.service_id})
    return Facts(services, _categories([package]), came_by=holding.channel)


def _of_usage(session: Session, usage: Usage) -> Facts:
    came_by = session.get_one(Customer, usage.customer_id).channel
    if usage.kind == UsageKind.VISIT:
        return Facts(came_by=came_by)
    model: Any = Product if usage.kind == UsageKind.PRODUCT else Service
    item = session.get(model, usage.item_id)
    items = [] if item is None else [item]
    services = frozenset() if model is Product else frozenset({usage.item_id})
    return Facts(services, _categories(items), came_by=came_by)


def _categories(items: Iterable[Any]) -> frozenset[int]:
    return frozenset(item.category_id for item in items if item.category_id is not None)


def _within(session: Session, categories: Iterable[int], wanted: int) -> bool:
    """Whether one of them is the wanted category, or hangs below it."""
    for number in categories:
        above: int | None = number
        seen: set[int] = set()
        while above is not None and above not in seen:
            if above == wanted:
                return True
            seen.add(above)
            category = session.get(Category, above)
            above = category.parent_id if category is not None else None
    return False
