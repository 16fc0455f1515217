"""What a plan gives on screen; reached from the plan's page."""

from typing import Any

from sqlalchemy.orm import joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import OneOf, of_vendor
from admin_views.forms import Amount, Choice, Pick, Whole
from admin_views.lists import Col, Sort
from admin_views.lookups import ALL_PLANS, CATEGORIES, PRODUCTS, SERVICES
from admin_views.parts import Part, of_its_own
from app.errors import REFUSALS, DomainError
from models.memberships import BenefitKind, PlanBenefit, Reach


def _refusal(name: str, words: str, where: str) -> type[DomainError]:
    return type(name, (DomainError,), {"sentence": words, "field": where, "__doc__": words})


REFUSALS |= {
    f"ck_plan_benefits_{rule}": _refusal(name, words, where)
    for rule, name, words, where in (
        ("percent_is_a_part", "NoPart", "Write a percentage of more than 0, up to 100.", "percent"),
        (
            "discount_has_percent", "PercentOfDiscounts",
            "A discount has a percentage, and nothing else has: write it, or leave it empty.",
            "percent",
        ),
        (
            "included_has_uses", "UsesOfIncluded",
            "What is included has a number of uses, and nothing else has: write it, or leave it"
            " empty.", "uses",
        ),
        (
            "is_about_one_thing", "AboutOneThing",
            "It is about one thing: choose a service, a product or a category, or none.", "service",
        ),
        (
            "names_a_service", "NamesAService",
            "Say which service, or which category of services, it is about.", "service",
        ),
    )
}  # fmt: skip

KINDS = {
    BenefitKind.DISCOUNT: "Discount",
    BenefitKind.INCLUDED: "Included uses",
    BenefitKind.ACCESS: "For members only",
}


ABOUT = (
    joinedload(PlanBenefit.service),
    joinedload(PlanBenefit.product),
    joinedload(PlanBenefit.category),
)


class PlanBenefitView(HouseView, model=PlanBenefit):
    """A discount, uses that are included, or a service for members only."""

    name, name_plural, icon = "Benefit", "Benefits of plans", "ti ti-gift"
    category, noun = "Catalogue", "benefit"
    columns = (
        Col("kind", "Kind", value=lambda b: KINDS[BenefitKind(b.kind)]),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("plan", "Plan", value=lambda b: b.plan.name),
        Col("what", "What", value=str),
    )
    sorts = declared(newest=Sort(PlanBenefit.id, descending=True))
    loads = (joinedload(PlanBenefit.plan), *ABOUT)
    filters = (
        of_vendor(PlanBenefit.vendor_id),
        OneOf("kind", "Kind", PlanBenefit.kind, icon="gift", words=KINDS.items()),
    )
    details = (
        (
            "Benefit",
            (
                Col("plan", "Plan", value=lambda b: b.plan.name),
                Col("kind", "Kind", value=lambda b: KINDS[BenefitKind(b.kind)]),
                Col("what", "What", value=str),
            ),
        ),
    )
    fields = declared(
        plan=Pick("Plan", ALL_PLANS, wanted=True),
        kind=Choice("Kind", KINDS.items(), wanted=True, default=BenefitKind.DISCOUNT),
        percent=Amount("Percent off", hint="Of a discount"),
        uses=Whole("Uses in each period", low=1, high=1000, hint="Of what is included"),
        service=Pick("Service", SERVICES, hint="Empty: the category, or all of the kind below"),
        category=Pick("Category", CATEGORIES, hint="With all that are below it"),
        product=Pick("Product", PRODUCTS, hint="For a discount on it"),
        reach=Choice(
            "Where nothing is named", Reach, wanted=True, default=Reach.EVERYTHING,
        ),
    )  # fmt: skip
    stays = "Members have it no more; what was booked and sold with it stays."

    def is_visible(self, request: Request) -> bool:
        """Not in the menu: a plan's page leads here."""
        return False

    def title_of(self, record: Any) -> str:
        """10 % off all services."""
        return str(record)

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """Whose it is stands."""
        changing = tuple(name for name in self.fields if name != "plan")
        return of_its_own(super().form_fields(record), record, changing)


def _given(row: PlanBenefit) -> dict[str, Any]:
    return {"title": str(row), "sub": KINDS[BenefitKind(row.kind)], "icon": "gift"}


GIVES = Part(
    "What members get", PlanBenefit, PlanBenefit.plan_id, "plan-benefit", "plan", _given,
    ABOUT,
    "nothing yet: add a discount, included uses, or a service for members only",
)  # fmt: skip

VIEWS = [PlanBenefitView]
