"""The cards beside a customer's time line: addresses, tasks, holdings, consents, preferences."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from admin_views.access import allowed
from admin_views.lookups import COUNTRIES
from admin_views.rendering import ago, day, money
from app import clock
from app.operations.reaching import in_force
from app.tenancy import current_actor
from models.categories import Category
from models.customers import (
    Address,
    ConsentChannel,
    ConsentPurpose,
    Customer,
    CustomerPreference,
    PreferredCategory,
)
from models.memberships import Membership, MembershipPlan
from models.packages import HoldingStatus, Package, PackageHolding
from models.staff import StaffMember
from models.tasks import Task, TaskStatus

MOST = 10
CHANNELS: Sequence[tuple[ConsentChannel, str]] = (
    (ConsentChannel.EMAIL, "E-mail"),
    (ConsentChannel.SMS, "SMS"),
    (ConsentChannel.PHONE, "Call"),
    (ConsentChannel.LETTER, "Letter"),
    (ConsentChannel.PUSH, "App"),
)
PURPOSES: Sequence[tuple[ConsentPurpose, str]] = (
    (ConsentPurpose.TRANSACTIONAL, "Visits, orders"),
    (ConsentPurpose.REMINDER, "Reminders"),
    (ConsentPurpose.MARKETING, "Marketing"),
)


def may(action: str, identity: str = "customer") -> bool:
    """Whether the one who acts may do this; the same table that guards the commands."""
    return allowed(current_actor().panel_role, identity, action)


def cards(session: Session, customer: Customer, edits: bool) -> dict[str, Any]:
    """What stands beside the time line; `edits` says whether it may be changed here."""
    at = f"/admin/customer/{customer.id}"
    return {
        "edits": edits,
        "at": at,
        "addresses": addresses(session, customer),
        **tasks(session, customer, edits),
        "holdings": [*packages(session, customer), *memberships(session, customer)],
        "consents": consents(session, customer),
        "purposes": PURPOSES,
        "preference": preference(session, customer),
        "prefer_channels": [("", "No preference"), *((c.value, t) for c, t in CHANNELS)],
        "category_url": "/admin/customer/lookup/category",
        "country_url": "/admin/customer/lookup/country",
    }


def _of(model: Any) -> tuple[Any, Any]:
    return model.vendor_id == bindparam("vendor_id"), model.customer_id == bindparam("customer_id")


def _whose(customer: Customer) -> dict[str, int]:
    return {"vendor_id": customer.vendor_id, "customer_id": customer.id}


_ADDRESSES = select(Address).where(*_of(Address)).order_by(Address.id).limit(MOST)
_TASKS = (
    select(Task, StaffMember.name)
    .outerjoin(
        StaffMember,
        (StaffMember.vendor_id == Task.vendor_id) & (StaffMember.id == Task.assignee_id),
    )
    .where(*_of(Task), Task.status.in_([TaskStatus.OPEN, TaskStatus.IN_PROGRESS]))
    .order_by(Task.due_at.asc().nulls_last(), Task.id)
    .limit(MOST + 1)
)
_PACKAGES = (
    select(PackageHolding, Package.name)
    .join(
        Package,
        (Package.vendor_id == PackageHolding.vendor_id) & (Package.id == PackageHolding.package_id),
    )
    .where(*_of(PackageHolding), PackageHolding.status == HoldingStatus.ACTIVE)
    .order_by(PackageHolding.expires_at.asc().nulls_last(), PackageHolding.id)
    .limit(MOST)
)
_MEMBERSHIPS = (
    select(Membership, MembershipPlan)
    .join(
        MembershipPlan,
        (MembershipPlan.vendor_id == Membership.vendor_id)
        & (MembershipPlan.id == Membership.plan_id),
    )
    .where(*_of(Membership), Membership.ended_at.is_(None))
    .order_by(Membership.id.desc())
    .limit(MOST)
)
_PREFERENCE = select(CustomerPreference).where(*_of(CustomerPreference))
_LIKED = (
    select(Category.id, Category.name)
    .join(PreferredCategory, PreferredCategory.category_id == Category.id)
    .where(*_of(PreferredCategory))
    .order_by(Category.name)
)
"""Built once: every customer's page asks them."""


def addresses(session: Session, customer: Customer) -> list[dict[str, Any]]:
    """Every address, the first is the main one."""
    return [
        {
            "id": a.id, "text": str(a), "label": a.label, "main": n == 0,
            "kept": {
                name: getattr(a, name) or ""
                for name in ("label", "line1", "line2", "city", "region", "postal_code", "country")
            },
            "country_text": COUNTRIES.text(a.country) if a.country else "",
        }
        for n, a in enumerate(session.scalars(_ADDRESSES, _whose(customer)))
    ]  # fmt: skip


def tasks(session: Session, customer: Customer, edits: bool) -> dict[str, Any]:
    """What is to be done about them, the most urgent first."""
    found = session.execute(_TASKS, _whose(customer)).all()
    moves = edits and may("move", "task")
    shown = [_task(task, who, moves) for task, who in found[:MOST]]
    return {
        "tasks": shown,
        "task_count_text": f"{MOST}+" if len(found) > MOST else str(len(found) or ""),
        "task_add_url": f"/admin/task/create?customer={customer.id}"
        if edits and may("create", "task")
        else None,
    }


def _task(task: Task, who: str | None, moves: bool) -> dict[str, Any]:
    late = task.due_at is not None and task.due_at < clock.now()
    due = task.due_at and ("due " + ago(task.due_at))
    status = "overdue" if late else task.status if task.status != TaskStatus.OPEN else None
    return {
        "id": task.id, "title": task.title, "url": f"/admin/task/details/{task.id}",
        "sub": " · ".join(part for part in (who, due) if part), "status": status,
        "done_url": f"/admin/task/do/{task.id}/done" if moves else None,
    }  # fmt: skip


def packages(session: Session, customer: Customer) -> list[dict[str, Any]]:
    """Packages with uses left."""
    return [
        {
            "title": name, "url": f"/admin/package-holding/details/{held.id}",
            "text": f"{held.uses_left} left"
            + (f" · until {day(held.expires_at)}" if held.expires_at else ""),
            "used": held.uses - held.uses_left, "total": held.uses,
        }
        for held, name in session.execute(_PACKAGES, _whose(customer))
    ]  # fmt: skip


def memberships(session: Session, customer: Customer) -> list[dict[str, Any]]:
    """Memberships that are not over."""
    return [
        {
            "title": plan.name, "url": f"/admin/membership/details/{held.id}",
            "text": f"{'ends' if held.cancel_at_period_end else 'renews'}"
            f" {day(held.period_ends_at)}, {money(plan.price)}",
            "status": held.status,
        }
        for held, plan in session.execute(_MEMBERSHIPS, _whose(customer))
    ]  # fmt: skip


def consents(session: Session, customer: Customer) -> list[dict[str, Any]]:
    """What they agreed to, by channel; None where nobody asked."""
    decided = in_force(session, customer_id=customer.id)
    reach = {
        ConsentChannel.EMAIL: customer.email,
        ConsentChannel.SMS: customer.phone,
        ConsentChannel.PHONE: customer.phone,
    }
    shown = []
    for channel, title in CHANNELS:
        said = {
            p.value: c.granted if (c := decided.get((channel, p))) else None for p, _ in PURPOSES
        }
        unknown = channel is ConsentChannel.PUSH and all(v is None for v in said.values())
        if not unknown:
            none = ""
            if channel in reach and not reach[channel]:
                none = "no e-mail" if channel is ConsentChannel.EMAIL else "no phone"
            shown.append({"channel": title, "key": channel.value, "said": said, "no_way": none})
    return shown


def preference(session: Session, customer: Customer) -> dict[str, Any]:
    """How they like to be reached, and what they like to hear about."""
    kept = session.scalars(_PREFERENCE, _whose(customer)).first()
    liked = session.connection().execute(_LIKED, _whose(customer))
    names = dict(CHANNELS)
    since = f"{kept.quiet_from:%H:%M}" if kept and kept.quiet_from else ""
    until = f"{kept.quiet_until:%H:%M}" if kept and kept.quiet_until else ""
    return {
        "channel": kept.channel if kept else None,
        "channel_text": names[ConsentChannel(kept.channel)] if kept and kept.channel else None,
        "quiet_from": since, "quiet_until": until,
        "quiet_text": f"{since}–{until}" if since and until else None,
        "likes": [{"id": row.id, "name": row.name} for row in liked],
    }  # fmt: skip
