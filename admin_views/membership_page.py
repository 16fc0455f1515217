"""Customers' memberships on screen: renewed, resting, running out; their periods."""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import OneOf, Related, VendorDays, of_vendor
from admin_views.forms import Check, Choice, Pick
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids
from admin_views.lookups import ALL_PLANS, CUSTOMERS, PLANS
from admin_views.rendering import day, money, plural
from admin_views.saving import Command
from app.errors import DomainError
from app.operations import entitlements, freezes, memberships, renewals
from app.operations.zones import zone_of
from models.memberships import (
    RUNNING,
    BenefitKind,
    Membership,
    MembershipPeriod,
    MembershipStatus,
    PeriodKind,
    PeriodStatus,
    PlanBenefit,
)
from models.orders import Order
from models.payments import Tender
from models.words import Channel

SOLD = {PeriodKind.TRIAL: "for trying", PeriodKind.SOLD: "sold", PeriodKind.FREE: "given"}
MOST = 24


class NotADay(DomainError):
    sentence = "This is no day: write it as 2026-12-31."


def _runs(membership: Membership) -> bool:
    return membership.status in RUNNING


def _rests(membership: Membership) -> bool:
    planned = membership.frozen_from is not None
    return membership.status == MembershipStatus.PAUSED or planned


def _may_rest(membership: Membership) -> bool:
    return membership.status == MembershipStatus.ACTIVE and membership.frozen_from is None


def _renewing(tender: Tender | None) -> Callable[..., None]:
    def run(session: Session, number: int, *, reference: str = "") -> None:
        renewals.renew(
            session, membership_id=number, tender=tender, reference=reference or None
        )  # fmt: skip

    return run


def _ask_renewal(membership: Membership) -> tuple[str, str]:
    price = money(membership.plan.price)
    return (
        f"Renew {membership.plan.name} for {price}?",
        f"The next {membership.plan.period} begins when the paid time ends,"
        f" on {day(membership.period_ends_at)}.",
    )


def _day(session: Session, number: int, typed: str, field: str) -> datetime | None:
    """The beginning of a day where the vendor is."""
    if not typed.strip():
        return None
    try:
        wanted = date.fromisoformat(typed.strip())
    except ValueError:
        raise NotADay(field=field) from None
    zone = ZoneInfo(zone_of(session, session.get_one(Membership, number).vendor_id))
    return datetime.combine(wanted, time.min, zone)


def _freeze(
    session: Session, number: int, *, since: str = "", until: str = "", reason: str = ""
) -> None:
    freezes.freeze(
        session, membership_id=number, since=_day(session, number, since, "since"),
        until=_day(session, number, until, "until"), reason=reason or None,
    )  # fmt: skip


def _resume(session: Session, number: int) -> None:
    freezes.resume(session, membership_id=number)


def _run_out(session: Session, number: int) -> None:
    memberships.end(session, membership_id=number, at_period_end=True)


def _keep(session: Session, number: int) -> None:
    memberships.keep(session, membership_id=number)


def _end(session: Session, number: int) -> None:
    renewals.end_now(session, membership_id=number)


def _way(membership: Membership) -> str:
    if membership.cancel_at_period_end:
        return "no more: it runs out"
    by = membership.gateway
    return f"by itself, {by} is asked for the money" if by else "by itself, paid at the counter"


class MembershipView(HouseView, model=Membership):
    """Customers' memberships."""

    name, name_plural, icon = "Membership", "Memberships", "ti ti-award"
    category, status_kind = "Sales", "membership"
    can_edit = can_delete = False
    columns = (
        Col("customer", "Customer", value=lambda m: m.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("plan", "Plan", value=lambda m: m.plan.name),
        Col("status", "Status", "pill", pill_kind="membership", css="c-status"),
        Col("started_at", "Since", "day", sort="newest"),
        Col("period_ends_at", "Paid until", "day"),
        Col("cancel_at_period_end", "Runs out", "bool", optional=True),
    )
    sorts = declared(newest=Sort(Membership.id, descending=True))
    search_hint = "Search customer"
    filters = (
        OneOf("status", "Status", Membership.status, icon="circle-dot", words=MembershipStatus),
        of_vendor(Membership.vendor_id),
        Related("plan", "Plan", Membership.plan_id, icon="id", lookup=ALL_PLANS),
        VendorDays("joined", "Joined", Membership.started_at, vendor=Membership.vendor_id),
        VendorDays("ended", "Ended", Membership.ended_at, open=False, vendor=Membership.vendor_id),
        OneOf("channel", "Channel", Membership.channel, icon="route", words=Channel, open=False),
        Related("customer", "Customer", Membership.customer_id, lookup=CUSTOMERS, open=False),
    )
    empty = declared(
        icon="award",
        title="Nobody is a member yet",
        text="Sell a plan at the counter, or begin a membership here; it is renewed by itself.",
    )
    loads = (joinedload(Membership.customer), joinedload(Membership.plan))
    details = (
        (
            "Membership",
            (
                Col("customer", "Customer", value=lambda m: link_to("customer", m.customer)),
                Col("plan", "Plan", value=lambda m: link_to("membership-plan", m.plan)),
                Col("started_at", "Since", "day"),
                Col("period_ends_at", "Paid until", "moment"),
                Col("gateway", "Renewed", value=_way),
                Col("channel", "Channel", "word"),
                Col("paused_at", "Rests since", "moment"),
                Col("frozen_from", "Rests from", "moment"),
                Col("frozen_until", "Rests until", "moment"),
                Col("freeze_reason", "Why it rests"),
                Col("ended_at", "Ended", "moment"),
                Col("end_reason", "Why it ends"),
            ),
        ),
    )
    hides_empty = (
        "paused_at",
        "frozen_from",
        "frozen_until",
        "freeze_reason",
        "ended_at",
        "end_reason",
    )
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        plan=Pick("Plan", PLANS, wanted=True),
        channel=Choice("Channel", Channel, wanted=True, default=Channel.WALK_IN),
        trial=Check("Begin with the trial of the plan", default=False),
    )
    creates_with = staticmethod(memberships.join)
    commands = (
        Command(
            "renew-cash", "Renew, cash", _renewing(Tender.CASH), _runs,
            "It is renewed and paid.", icon="cash", primary=True, ask=_ask_renewal,
        ),
        Command(
            "renew-card", "Renew, card", _renewing(Tender.CARD), _runs,
            "It is renewed and paid.", icon="credit-card", ask=_ask_renewal,
            inputs=(("reference", "Number on the slip (optional)"),),
        ),
        Command(
            "renew-order", "Renew, pay later", _renewing(None),
            lambda m: _runs(m) and not _is_due(m), "The order of its renewal is placed.",
            icon="receipt", ask=_ask_renewal,
        ),
        Command(
            "freeze", "Let it rest", _freeze, _may_rest, "The membership rests.",
            icon="player-pause",
            ask=("Let it rest?", "It gives nothing meanwhile, and ends later by as many days."),
            inputs=(
                ("since", "From (empty: now)", "date"),
                ("until", "Until (empty: until it is told to go on)", "date"),
                ("reason", "Why (optional)"),
            ),
        ),
        Command(
            "resume", "Go on", _resume, _rests, "The membership goes on.", icon="player-play",
            primary=True,
        ),
        Command(
            "run-out", "Let it run out", _run_out,
            lambda m: _runs(m) and not m.cancel_at_period_end,
            "The membership ends with its period.", icon="calendar-off",
        ),
        Command(
            "keep", "Keep it", _keep, lambda m: _runs(m) and m.cancel_at_period_end,
            "The membership is renewed again.", icon="calendar-check",
        ),
        Command(
            "end", "End now", _end, _runs, "The membership is ended.", icon="circle-x", danger=True,
            ask=("End this membership now?", "The rest of its period is lost; history stays."),
        ),
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Monthly of Ana Alves."""
        return f"{record.plan.name} of {record.customer.name}"

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By customer."""
        return rows.where(Membership.customer_id.in_(customer_ids(session, term)))

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """The vendor is the customer's."""
        return {n: f for n, f in super().form_fields(record).items() if n != "vendor"}

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What it gives now, its periods and their orders."""
        return {
            "related": [
                {"title": "Gives now", "rows": gives(session, record), "empty": "nothing"},
                {"title": "Periods", "rows": _periods(session, record)},
            ]
        }


def _is_due(membership: Membership) -> bool:
    return any(period.status == PeriodStatus.DUE for period in membership.periods)


def gives(session: Session, membership: Membership) -> list[dict[str, Any]]:
    """What a membership gives its customer at this moment, with how much of it is left."""
    found = entitlements.of(
        session, customer_id=membership.customer_id, vendor_id=membership.vendor_id
    )
    mine = [one for one in found.members if one.membership_id == membership.id]
    left = {pot.benefit.id: pot.left for pot in found.pots if pot.benefit is not None}
    names = _names(session, mine[0].plan_id) if mine else {}
    rows = []
    for benefit in mine[0].benefits if mine else ():
        row = {"title": names.get(benefit.id, ""), "icon": "gift"}
        if benefit.kind == BenefitKind.INCLUDED:
            row["sub"] = f"{left.get(benefit.id, 0)} of {benefit.uses} left in this period"
        rows.append(row)
    return rows


def _names(session: Session, plan_id: int) -> dict[int, str]:
    rows = session.scalars(select(PlanBenefit).where(PlanBenefit.plan_id == plan_id))
    return {row.id: str(row) for row in rows}


def _periods(session: Session, membership: Membership) -> list[dict[str, Any]]:
    query = (
        select(MembershipPeriod, Order)
        .outerjoin(
            Order,
            (Order.vendor_id == MembershipPeriod.vendor_id)
            & (Order.id == MembershipPeriod.order_id),
        )
        .where(
            MembershipPeriod.vendor_id == membership.vendor_id,
            MembershipPeriod.membership_id == membership.id,
        )
        .order_by(MembershipPeriod.id.desc())
        .limit(MOST)
    )
    return [_period(period, order) for period, order in session.execute(query)]


def _period(period: MembershipPeriod, order: Order | None) -> dict[str, Any]:
    said = SOLD[PeriodKind(period.kind)]
    if order is not None:
        said = f"{str(order).lower()}, {money(order.total)}"
    if period.tries:
        said += f" · asked {plural(period.tries, 'time')}"
    unpaid = {PeriodStatus.DUE: "unpaid", PeriodStatus.VOID: "cancelled"}
    return {
        "title": f"{day(period.starts_at)} – {day(period.ends_at)}", "sub": said,
        "url": f"/admin/order/details/{order.id}" if order else None, "icon": "calendar",
        "status": unpaid.get(PeriodStatus(period.status)), "status_kind": "money",
    }  # fmt: skip


VIEWS = [MembershipView]
