"""Membership plans and memberships on screen."""

from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session, joinedload

from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import OneOf, Related, YesNo, of_vendor
from admin_views.forms import Amount, Check, Choice, Note, Pick, Text
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids
from admin_views.lookups import ALL_PLANS, CUSTOMERS, PLANS, TAX_CLASSES
from admin_views.saving import Command, Moves
from app.operations import freezes, memberships
from models.memberships import (
    MEMBERSHIP_TRANSITIONS,
    Membership,
    MembershipPlan,
    MembershipStatus,
    Period,
)
from models.words import Channel


class PlanView(HouseView, model=MembershipPlan):
    """What a membership costs, and how often it is renewed."""

    name, name_plural, icon = "Membership plan", "Membership plans", "ti ti-id"
    category = "Catalogue"
    columns = (
        Col("name", "Name", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("period", "Every", value=lambda p: Period(p.period)),
        Col("price", "Price", "money", numeric=True),
        Col("is_active", "On offer", "bool"),
    )
    sorts = declared(
        name=Sort(MembershipPlan.name), newest=Sort(MembershipPlan.id, descending=True)
    )
    searched = (MembershipPlan.name,)
    filters = (
        of_vendor(MembershipPlan.vendor_id),
        OneOf("period", "Every", MembershipPlan.period, icon="calendar-repeat", words=Period),
        YesNo("active", "On offer", MembershipPlan.is_active),
    )
    details = (
        (
            "Plan",
            (
                Col("period", "Every", "word"),
                Col("price", "Price", "money"),
                Col("is_active", "On offer"),
                Col("description", "Description"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=120),
        period=Choice("Every", Period, wanted=True, default=Period.MONTH),
        price=Amount("Price", wanted=True),
        tax_class=Pick("Tax class", TAX_CLASSES, hint="Empty: that of all that name none"),
        is_active=Check("On offer"),
        description=Note("Description"),
    )
    stays = "A plan that somebody joined stays: take it off offer instead."


def _moving(verb: Any, to: MembershipStatus, *froms: MembershipStatus) -> Moves:
    def run(session: Session, number: int) -> None:
        verb(session, membership_id=number)

    def when(membership: Membership) -> bool:
        was = MembershipStatus(membership.status)
        return to in MEMBERSHIP_TRANSITIONS[was] and (not froms or was in froms)

    return run, when


def _run_out(session: Session, number: int) -> None:
    memberships.end(session, membership_id=number, at_period_end=True)


def _can_run_out(membership: Membership) -> bool:
    _, ends = _moving(memberships.end, MembershipStatus.ENDED)
    return bool(ends(membership)) and not membership.cancel_at_period_end


class MembershipView(HouseView, model=Membership):
    """Customers' memberships."""

    name, name_plural, icon = "Membership", "Memberships", "ti ti-award"
    category, status_kind = "Sales", "membership"
    can_edit = can_delete = False
    columns = (
        Col("customer", "Customer", value=lambda m: link_to("customer", m.customer)),
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
        Related("customer", "Customer", Membership.customer_id, lookup=CUSTOMERS, open=False),
    )
    loads = (joinedload(Membership.customer), joinedload(Membership.plan))
    details = (
        (
            "Membership",
            (
                Col("customer", "Customer", value=lambda m: m.customer.name),
                Col("plan", "Plan", value=lambda m: m.plan.name),
                Col("started_at", "Since", "moment"),
                Col("period_starts_at", "This period from", "moment"),
                Col("period_ends_at", "Until", "moment"),
                Col("cancel_at_period_end", "Runs out with it"),
                Col("channel", "Channel", "word"),
                Col("ended_at", "Ended", "moment"),
            ),
        ),
    )
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        plan=Pick("Plan", PLANS, wanted=True),
        channel=Choice("Channel", Channel, wanted=True, default=Channel.WALK_IN),
    )
    creates_with = staticmethod(memberships.join)
    commands = (
        Command(
            "pause", "Pause", *_moving(freezes.freeze, MembershipStatus.PAUSED),
            "The membership rests; its days are not lost.", icon="player-pause",
        ),
        Command(
            "resume", "Go on",
            *_moving(freezes.resume, MembershipStatus.ACTIVE, MembershipStatus.PAUSED),
            "The membership goes on.", icon="player-play", primary=True,
        ),
        Command(
            "run-out", "Let it run out", _run_out, _can_run_out,
            "The membership ends with its period.", icon="calendar-off",
        ),
        Command(
            "end", "End now", *_moving(memberships.end, MembershipStatus.ENDED),
            "The membership is ended.", icon="circle-x", danger=True,
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


VIEWS = [PlanView, MembershipView]
