"""The cards beside a customer's time line: addresses, tasks, holdings, consents, preferences."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Numeric,
    Text,
    and_,
    bindparam,
    cast,
    desc,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from admin_views.access import allowed
from admin_views.lookups import COUNTRIES
from admin_views.points import held_by, to_go
from admin_views.rendering import ago, day, money, number, plural
from admin_views.usages import card as usage_card
from app import clock
from app.contact import display_phone
from app.operations import entitlements, loyalty, suppressions
from app.operations.credit import entries
from app.operations.loyalty import Standing
from app.operations.reaching import in_force
from app.settings import quiet_hours, settings
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
from models.points import LoyaltyLot
from models.staff import StaffMember
from models.tasks import Task, TaskStatus
from models.usages import Usage

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
    wishes = preference(session, customer)
    return {
        "edits": edits,
        "at": at,
        "addresses": addresses(session, customer),
        **tasks(session, customer, edits),
        "usages": usages(session, customer),
        "holdings": holdings(session, customer),
        "credit": credit(session, customer, edits),
        "points": points(session, customer),
        "consents": consents(session, customer),
        "unreached": unreached(session, customer, wishes["push_address"]),
        "purposes": PURPOSES,
        "all_urls": {
            "consents": f"/admin/consent/list?customer={customer.id}",
            "interests": f"/admin/customer-interest/list?customer={customer.id}",
            "usages": f"/admin/usage/list?customer={customer.id}",
        },
        "preference": wishes,
        "prefer_channels": [("", "No preference"), *((c.value, t) for c, t in CHANNELS)],
        "category_url": "/admin/customer/lookup/category",
        "country_url": "/admin/customer/lookup/country",
    }


def _of(model: Any) -> tuple[Any, Any]:
    return model.vendor_id == bindparam("vendor_id"), model.customer_id == bindparam("customer_id")


def _whose(customer: Customer) -> dict[str, int]:
    return {"vendor_id": customer.vendor_id, "customer_id": customer.id}


def none(kind: Any) -> Any:
    """Nothing, of this type: both halves of a union have to have one."""
    return cast(null(), kind)


_ADDRESSES = select(Address).where(*_of(Address)).order_by(Address.id).limit(MOST)
_TASKS = (
    select(Task.id, Task.title, Task.status, Task.due_at, StaffMember.name.label("who"))
    .outerjoin(
        StaffMember,
        (StaffMember.vendor_id == Task.vendor_id) & (StaffMember.id == Task.assignee_id),
    )
    .where(*_of(Task), Task.status.in_([TaskStatus.OPEN, TaskStatus.IN_PROGRESS]))
    .order_by(Task.due_at.asc().nulls_last(), Task.id)
    .limit(MOST + 1)
)
_USAGES = (
    select(
        Usage.id, Usage.kind, Usage.item_id, Usage.times, Usage.last_on, Usage.interval_days,
        Usage.next_on,
    )
    .where(*_of(Usage))
    .order_by(Usage.next_on.asc().nulls_last(), Usage.last_on.desc(), Usage.id)
    .limit(MOST)
)  # fmt: skip
_PACKAGES = (
    select(
        literal("package").label("kind"), PackageHolding.id, Package.name,
        PackageHolding.expires_at.label("until"), PackageHolding.uses, PackageHolding.uses_left,
        none(Text).label("status"), none(Boolean).label("ends"), none(Numeric).label("price"),
        func.row_number().over(
            order_by=(PackageHolding.expires_at.asc().nulls_last(), PackageHolding.id)
        ).label("nth"),
    )
    .join(
        Package,
        (Package.vendor_id == PackageHolding.vendor_id) & (Package.id == PackageHolding.package_id),
    )
    .where(*_of(PackageHolding), PackageHolding.status == HoldingStatus.ACTIVE)
    .order_by("nth")
    .limit(MOST)
)  # fmt: skip
_MEMBERSHIPS = (
    select(
        literal("membership").label("kind"), Membership.id, MembershipPlan.name,
        Membership.period_ends_at.label("until"),
        none(BigInteger).label("uses"), none(BigInteger).label("uses_left"),
        Membership.status, Membership.cancel_at_period_end.label("ends"), MembershipPlan.price,
        func.row_number().over(order_by=Membership.id.desc()).label("nth"),
    )
    .join(
        MembershipPlan,
        (MembershipPlan.vendor_id == Membership.vendor_id)
        & (MembershipPlan.id == Membership.plan_id),
    )
    .where(*_of(Membership), Membership.ended_at.is_(None))
    .order_by("nth")
    .limit(MOST)
)  # fmt: skip
_HOLDINGS = union_all(
    select(_PACKAGES.subquery("packages")), select(_MEMBERSHIPS.subquery("memberships"))
).order_by(desc("kind"), "nth")
_LIKED = (
    select(
        func.json_agg(aggregate_order_by(
            func.json_build_object("id", Category.id, "name", Category.name), Category.name,
        ), type_=JSON)
    )
    .join(PreferredCategory, PreferredCategory.category_id == Category.id)
    .where(*_of(PreferredCategory))
    .scalar_subquery()
)  # fmt: skip
_PREFERENCE = (
    select(
        CustomerPreference.channel, CustomerPreference.quiet_from, CustomerPreference.quiet_until,
        CustomerPreference.push_address, _LIKED.label("likes"),
    )
    .select_from(select(literal(1).label("one")).subquery("always"))
    .outerjoin(CustomerPreference, and_(*_of(CustomerPreference)))
)  # fmt: skip
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
    found = session.connection().execute(_TASKS, _whose(customer)).all()
    moves = edits and may("move", "task")
    shown = [_task(task, moves) for task in found[:MOST]]
    return {
        "tasks": shown,
        "task_count_text": f"{MOST}+" if len(found) > MOST else str(len(found) or ""),
        "task_add_url": f"/admin/task/create?customer={customer.id}"
        if edits and may("create", "task")
        else None,
    }


def usages(session: Session, customer: Customer) -> list[dict[str, Any]]:
    """What they use and every how many days, the first to be expected first."""
    found = list(session.connection().execute(_USAGES, _whose(customer)))
    return usage_card(session, found)


def _task(task: Any, moves: bool) -> dict[str, Any]:
    late = task.due_at is not None and task.due_at < clock.now()
    due = task.due_at and ("due " + ago(task.due_at))
    status = "overdue" if late else task.status if task.status != TaskStatus.OPEN else None
    return {
        "id": task.id, "title": task.title, "url": f"/admin/task/details/{task.id}",
        "sub": " · ".join(part for part in (task.who, due) if part), "status": status,
        "done_url": f"/admin/task/do/{task.id}/done" if moves else None,
    }  # fmt: skip


def holdings(session: Session, customer: Customer) -> list[dict[str, Any]]:
    """Packages with uses left, and memberships that are not over."""
    found = session.connection().execute(_HOLDINGS, _whose(customer)).all()
    entitled = entitlements.NOTHING
    if any(held.kind == "membership" for held in found):
        entitled = entitlements.of(
            session, customer_id=customer.id, vendor_id=customer.vendor_id
        )  # fmt: skip
    return [
        _package(held) if held.kind == "package" else _membership(held, entitled) for held in found
    ]


def _package(held: Any) -> dict[str, Any]:
    return {
        "title": held.name, "url": f"/admin/package-holding/details/{held.id}",
        "text": f"{held.uses_left} left" + (f" · until {day(held.until)}" if held.until else ""),
        "used": held.uses - held.uses_left, "total": held.uses,
    }  # fmt: skip


def _membership(held: Any, entitled: entitlements.Entitlements) -> dict[str, Any]:
    verb = "ends" if held.ends else "renews"
    text = " · ".join(
        (f"{verb} {day(held.until)}, {money(held.price)}", *_gives(held.id, entitled))
    )
    return {
        "title": held.name, "url": f"/admin/membership/details/{held.id}",
        "text": text, "status": held.status,
    }  # fmt: skip


def _gives(membership_id: int, entitled: entitlements.Entitlements) -> list[str]:
    """What a membership gives now: its uses that are left, and the most that it takes off."""
    pots = [pot for pot in entitled.pots if pot.membership_id == membership_id]
    off = [
        benefit.percent
        for member in entitled.members
        for benefit in member.benefits
        if member.membership_id == membership_id and benefit.percent
    ]
    left = plural(sum(pot.left for pot in pots), "included use") + " left"
    return [*([left] if pots else []), *([f"{max(off).normalize():f}% off"] if off else [])]


def credit(session: Session, customer: Customer, edits: bool) -> dict[str, Any] | None:
    """Store credit and where it came from; the card is there for who has some or may give it."""
    gives = edits and may("credit")
    if not (gives or customer.store_credit):
        return None
    known = entries(session, customer_id=customer.id, most=5) if customer.store_credit else []
    return {
        "left": money(customer.store_credit), "gives": gives,
        "takes": gives and customer.store_credit > 0,
        "entries": [
            {"amount": money(one.amount), "reason": one.reason, "when": day(one.at)}
            for one in known
        ],
    }  # fmt: skip


def points(session: Session, customer: Customer) -> list[dict[str, Any]]:
    """What they have in each programme: points with the next to expire, the tier, how far to go."""
    return [_points(one) for one in loyalty.standings(session, customer_id=customer.id)]


def _points(standing: Standing) -> dict[str, Any]:
    ending = next((lot for lot in standing.lots if lot.expires_at is not None), None)
    return {
        "title": standing.program.name, "count": number(standing.points),
        "url": f"/admin/loyalty-account/details/{standing.account.id}",
        "rows": [
            (label, text)
            for label, text in (
                ("Tier", held_by(standing.account)),
                ("Next", to_go(standing) if standing.way.next else None),
                ("Waiting", plural(standing.pending, "point") if standing.pending else None),
                ("Expires", _ending(ending) if ending and ending.expires_at else None),
            )
            if text
        ],
    }  # fmt: skip


def _ending(lot: LoyaltyLot) -> str:
    return f"{plural(lot.remaining, 'point')} on {day(lot.expires_at)}"


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


def _usual() -> str | None:
    """The house's quiet hours, for who wishes no others."""
    hours = quiet_hours(settings().quiet_hours)
    return f"{hours.start:%H:%M}–{hours.end:%H:%M}, as usual" if hours else None


def unreached(session: Session, customer: Customer, push: str | None) -> list[dict[str, Any]]:
    """Addresses at which nothing arrives, as their providers say."""
    names = dict(CHANNELS)
    ways = (
        (ConsentChannel.EMAIL, customer.email), (ConsentChannel.SMS, customer.phone),
        (ConsentChannel.SMS, customer.phone_2), (ConsentChannel.PUSH, push),
    )  # fmt: skip
    known = [(way.value, address) for way, address in ways if address]
    return [
        {
            "id": one.suppression_id,
            "text": f"{names[ConsentChannel(one.channel)]}: nothing arrives at"
            f" {display_phone(one.address) if one.channel == ConsentChannel.SMS else one.address}"
            f" (its provider, {ago(one.since)})",
        }
        for one in suppressions.unreached(session, customer, known)
    ]


def preference(session: Session, customer: Customer) -> dict[str, Any]:
    """How they like to be reached, and what they like to hear about."""
    kept = session.connection().execute(_PREFERENCE, _whose(customer)).one()
    names = dict(CHANNELS)
    since = f"{kept.quiet_from:%H:%M}" if kept.quiet_from else ""
    until = f"{kept.quiet_until:%H:%M}" if kept.quiet_until else ""
    return {
        "channel": kept.channel,
        "channel_text": names[ConsentChannel(kept.channel)] if kept.channel else None,
        "quiet_from": since, "quiet_until": until, "push_address": kept.push_address,
        "quiet_text": f"{since}–{until}" if since and until else _usual(),
        "likes": kept.likes or [],
    }  # fmt: skip
