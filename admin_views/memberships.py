"""Membership plans on screen: what they cost and what they give."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import OneOf, YesNo, of_vendor
from admin_views.forms import Amount, Check, Choice, Note, Pick, Text, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import TAX_CLASSES
from admin_views.parts import related_card
from admin_views.plan_benefits import GIVES
from models.memberships import MembershipPlan, Period


class PlanView(HouseView, model=MembershipPlan):
    """What a membership costs, and how often it is renewed."""

    name, name_plural, icon = "Membership plan", "Membership plans", "ti ti-id"
    category = "Catalogue"
    columns = (
        Col("name", "Name", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("period", "Every", value=lambda p: Period(p.period)),
        Col("price", "Price", "money", numeric=True),
        Col("level", "Level", numeric=True, value=lambda p: p.level or None),
        Col("is_active", "On offer", "bool"),
    )
    empty = declared(
        icon="id",
        title="No plans yet",
        text="A plan is what members pay for each month or year: give it a price, then say what"
        " its members get.",
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
                Col("level", "Level", value=lambda p: p.level or None),
                Col("trial_days", "Days for trying", "number"),
                Col("is_active", "On offer"),
                Col("description", "Description"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=120),
        period=Choice("Every", Period, wanted=True, default=Period.MONTH),
        price=Amount("Price", wanted=True),
        level=Whole(
            "Level",
            low=0,
            high=100,
            wanted=True,
            default=0,
            hint="A higher one opens what a lower one does; 0: it stands beside the others",
        ),
        trial_days=Whole("Days for trying", low=1, high=366, hint="Empty: none"),
        tax_class=Pick("Tax class", TAX_CLASSES, hint="Empty: that of all that name none"),
        is_active=Check("On offer"),
        description=Note("Description"),
    )
    stays = "A plan that somebody joined stays: take it off offer instead."
    hides_empty = ("level", "trial_days")

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What its members get."""
        return {"related": [related_card(session, request, GIVES, record)]}


VIEWS = [PlanView]
