"""Loyalty on screen: programmes with their tiers, what earns more, and what points buy."""

from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import Named, OneOf, Related, YesNo, of_vendor
from admin_views.forms import Amount, Check, Choice, Day, Note, Pick, Text, Whole
from admin_views.lists import Col, Sort
from admin_views.loaders import Records
from admin_views.lookups import ALL_SERVICES, CATEGORIES, PRODUCTS, SERVICES
from admin_views.rendering import money, number, plural, word
from app import clock
from app.operations import loyalty, tiers
from models.loyalty import (
    MOST_POINTS,
    EarnedBy,
    Expiry,
    LoyaltyProgram,
    LoyaltyRule,
    LoyaltyTier,
    Reward,
    RewardKind,
    Rounding,
)
from models.points import RedemptionStatus, RewardRedemption
from models.words import Channel

PROGRAMS = Records(
    LoyaltyProgram, (LoyaltyProgram.name,), live=(LoyaltyProgram.is_active,)
)  # fmt: skip
ALL_PROGRAMS = Records(LoyaltyProgram, (LoyaltyProgram.name,))
EXPIRES = (
    (Expiry.NEVER.value, "Never"), (Expiry.DAYS.value, "After some days"),
    (Expiry.MONTH_END.value, "At the end of the month"),
    (Expiry.YEAR_END.value, "At the end of the year"),
)  # fmt: skip
ROUNDS = (
    (Rounding.DOWN.value, "Down to whole points"),
    (Rounding.NEAREST.value, "To the nearest point"),
    (Rounding.UP.value, "Up to whole points"),
)
EARNED_BY = (
    (EarnedBy.PURCHASE.value, "A purchase"), (EarnedBy.VISIT.value, "A visit"),
    (EarnedBy.REBOOKING.value, "The next visit booked on the spot"),
    (EarnedBy.BIRTHDAY.value, "A birthday"),
)  # fmt: skip
GIVES = (
    (RewardKind.AMOUNT.value, "An amount off"), (RewardKind.PERCENT.value, "A part off"),
    (RewardKind.PRODUCT.value, "A product"), (RewardKind.SERVICE.value, "A service"),
)  # fmt: skip


def times(value: Decimal) -> str:
    """×2, or ×1.5."""
    return f"×{value.normalize():f}"


def expires(program: LoyaltyProgram) -> str:
    """When points of a programme expire, in words."""
    if program.expiry == Expiry.DAYS:
        return f"After {plural(program.expiry_days or 0, 'day')}"
    return dict(EXPIRES)[program.expiry]


def rate(program: LoyaltyProgram) -> str:
    """1 for 1.00, or 0.5 for 1.00."""
    return f"{program.points_per.normalize():f} for {money(Decimal(1))}"


class ProgramView(HouseView, model=LoyaltyProgram):
    """How a vendor thanks its customers."""

    name, name_plural, icon = "Loyalty programme", "Loyalty", "ti ti-award"
    category, noun = "Catalogue", "programme"
    hint = "What was earned stays as it was earned; changes hold from now on"
    columns = (
        Col("name", "Programme", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("points_per", "Points", value=rate),
        Col("return_days", "Wait", value=lambda p: plural(p.return_days, "day")),
        Col("expiry", "Expire", value=expires),
        Col("is_active", "Running", "bool"),
    )
    sorts = declared(
        name=Sort(LoyaltyProgram.name), newest=Sort(LoyaltyProgram.id, descending=True)
    )
    searched = (LoyaltyProgram.name,)
    filters = (
        of_vendor(LoyaltyProgram.vendor_id),
        OneOf("expiry", "Expire", LoyaltyProgram.expiry, icon="hourglass", words=EXPIRES),
        YesNo("active", "Running", LoyaltyProgram.is_active),
    )
    details = (
        (
            "Earning",
            (
                Col("points_per", "Points", value=rate),
                Col("rounding", "Rounded", value=lambda p: dict(ROUNDS)[p.rounding]),
                Col("min_spend", "From an order of", "money"),
                Col("on_tax", "Tax earns too"),
                Col("on_shipping", "Shipping earns too"),
                Col("return_days", "Points wait, days", "number"),
                Col("expiry", "Points expire", value=expires),
                Col("is_active", "Running"),
            ),
        ),
        (
            "Tiers and books",
            (
                Col("window_days", "Spending counts for, days", "number"),
                Col("grace_days", "A tier stays longer by, days", "number"),
                Col("point_value", "A point is worth", value=lambda p: f"{p.point_value:f}"),
                Col("lowest", "Lowest balance", "number"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=120),
        is_active=Check("Running"),
        points_per=Amount("Points for 1.00", wanted=True, decimals=4, default=1),
        rounding=Choice("Parts of points go", ROUNDS, wanted=True, default=Rounding.DOWN),
        min_spend=Amount("From an order of", wanted=True, default=0),
        return_days=Whole(
            "Points wait, days", high=3650, wanted=True, default=14,
            hint="As long as something can be brought back",
        ),
        on_tax=Check("Tax earns too", default=False),
        on_shipping=Check("Shipping earns too", default=False),
        expiry=Choice("Points expire", EXPIRES, wanted=True, default=Expiry.NEVER),
        expiry_days=Whole(
            "After days", low=1, high=36_500, hint="Only if they expire after some days"
        ),
        window_days=Whole(
            "Spending counts for, days", low=1, high=3650, wanted=True, default=365,
            hint="What was spent longer ago does not count for a tier",
        ),
        grace_days=Whole(
            "A tier stays longer by, days", high=3650, wanted=True, default=30,
            hint="After the time it was earned for",
        ),
        point_value=Amount(
            "A point is worth", wanted=True, decimals=4, default=Decimal("0.01"),
            hint="In money, for what you owe in points",
        ),
        lowest=Whole(
            "Lowest balance", low=-MOST_POINTS, high=0, wanted=True, default=-10_000,
            hint="Points that were spent and then reversed are owed down to this",
        ),
    )  # fmt: skip
    form_sections = (
        ("Programme", ("name", "is_active")),
        ("Earning", ("points_per", "rounding", "min_spend", "return_days", "on_tax",
                     "on_shipping")),
        ("Expiry", ("expiry", "expiry_days")),
        ("Tiers", ("window_days", "grace_days")),
        ("Books", ("point_value", "lowest")),
    )  # fmt: skip
    stays = "A programme in which somebody has points stays: stop it instead."
    empty = declared(
        icon="award", title="No loyalty programme yet",
        text="Say how many points a purchase earns, then add tiers and what points buy.",
    )  # fmt: skip

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What is owed in points, and the tiers, rules and rewards."""
        owed = next(
            one for one in loyalty.liability(session, vendor_id=record.vendor_id)
            if one.program.id == record.id
        )  # fmt: skip
        figures = [
            {"label": "Customers", "value": number(owed.customers)},
            {"label": "Points to spend", "value": number(owed.points)},
            {"label": "Points waiting", "value": number(owed.pending)},
            {"label": "Owed in points", "value": money(owed.worth), "note": "their worth"},
        ]
        mine = f"program={record.id}"
        return {
            "figures": figures,
            "related": [
                _related(self, request, "loyalty-tier", "Tiers", mine, [
                    (t, f"from {money(t.spend_from)}", times(t.multiplier))
                    for t in tiers.of_program(session, record.id)
                ]),
                _related(self, request, "loyalty-rule", "What earns more", mine, [
                    (r, dict(EARNED_BY)[r.earned_by], gives(r))
                    for r in _of(session, LoyaltyRule, record.id)
                ]),
                _related(self, request, "reward", "Rewards", mine, [
                    (r, bought(r), plural(r.points, "point"))
                    for r in _of(session, Reward, record.id)
                ]),
            ],
            "links": [
                {"title": "Customers", "icon": "users",
                 "url": f"/admin/loyalty-account/list?{mine}"},
            ],
        }  # fmt: skip


def _of(session: Session, model: Any, program_id: int) -> list[Any]:
    query = select(model).where(model.program_id == program_id).order_by(model.id)
    return list(session.scalars(query.limit(20)))


def _related(
    view: HouseView, request: Request, identity: str, title: str, mine: str,
    rows: list[tuple[Any, str, str]],
) -> dict[str, Any]:  # fmt: skip
    return {
        "title": title,
        "all_url": f"/admin/{identity}/list?{mine}" if rows else None,
        "add_url": f"/admin/{identity}/create?{mine}"
        if view.has_permission(request, "edit")
        else None,
        "rows": [
            {"title": str(one), "url": f"/admin/{identity}/details/{one.id}", "sub": sub,
             "amount": amount}
            for one, sub, amount in rows
        ],
    }  # fmt: skip


class TierView(HouseView, model=LoyaltyTier):
    """The steps of a programme."""

    name, name_plural, icon, category = "Tier", "Tiers", "ti ti-stairs", "Catalogue"
    hint = "A tier begins at its amount and reaches to where the next one begins"
    columns = (
        Col("name", "Tier"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("program", "Programme", value=lambda t: t.program.name),
        Col("spend_from", "From so much spent", "money", numeric=True, sort="spend_from"),
        Col("multiplier", "Points", numeric=True, value=lambda t: times(t.multiplier)),
    )
    sorts = declared(
        newest=Sort(LoyaltyTier.id, descending=True), spend_from=Sort(LoyaltyTier.spend_from)
    )
    searched = (LoyaltyTier.name,)
    filters = (
        of_vendor(LoyaltyTier.vendor_id),
        Related("program", "Programme", LoyaltyTier.program_id, icon="award", lookup=ALL_PROGRAMS),
    )
    loads = (joinedload(LoyaltyTier.program),)
    details = (
        (
            "Tier",
            (
                Col("program", "Programme", value=lambda t: link_to("loyalty-program", t.program)),
                Col("spend_from", "From so much spent", "money"),
                Col("multiplier", "Points", value=lambda t: times(t.multiplier)),
                Col("benefits", "Benefits"),
            ),
        ),
    )
    fields = declared(
        program=Pick("Programme", ALL_PROGRAMS, wanted=True),
        name=Text("Name", wanted=True, longest=60, hint="Bronze, Silver, Gold"),
        spend_from=Amount(
            "From so much spent", wanted=True, hint="0: everybody who has bought anything"
        ),
        multiplier=Amount("Points are multiplied by", wanted=True, decimals=3, default=1),
        benefits=Note("Benefits", hint="What staff tells the customer about it"),
    )
    stays = "A tier that somebody had stays, for the history: nobody need reach it any more."
    empty = declared(
        icon="stairs", title="No tiers yet",
        text="Bronze from 0, Silver from 500, Gold from 1,500: say what spending leads to.",
    )  # fmt: skip


def gives(rule: LoyaltyRule) -> str:
    """What a rule gives: ×2, or 50 points."""
    if rule.multiplier is not None:
        return times(rule.multiplier)
    return plural(rule.bonus or 0, "point")


def about(rule: LoyaltyRule) -> str:
    """What a rule is about, in words."""
    thing = rule.product or rule.service or rule.category
    parts = (str(thing) if thing else "everything", rule.channel and word(rule.channel).lower())
    return ", ".join(part for part in parts if part)


class RuleView(HouseView, model=LoyaltyRule):
    """What earns more or less than a programme's rate, and what earns beside a purchase."""

    name, name_plural, icon = "Rule for points", "Rules for points", "ti ti-adjustments"
    category, noun = "Catalogue", "rule"
    hint = "The rule that says most of an item holds: product or service, then category, then all"
    columns = (
        Col("name", "Rule"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("program", "Programme", value=lambda r: r.program.name),
        Col("earned_by", "For", value=lambda r: dict(EARNED_BY)[r.earned_by]),
        Col("about", "About", value=about),
        Col("gives", "Gives", value=gives, numeric=True),
        Col("ends_on", "Until", "day", optional=True),
        Col("is_active", "In force", "bool"),
    )
    sorts = declared(newest=Sort(LoyaltyRule.id, descending=True))
    searched = (LoyaltyRule.name,)
    filters = (
        of_vendor(LoyaltyRule.vendor_id),
        Related("program", "Programme", LoyaltyRule.program_id, icon="award", lookup=ALL_PROGRAMS),
        OneOf("earned_by", "For", LoyaltyRule.earned_by, icon="sparkles", words=EARNED_BY),
        YesNo("active", "In force", LoyaltyRule.is_active),
    )
    loads = (
        joinedload(LoyaltyRule.program), joinedload(LoyaltyRule.category),
        joinedload(LoyaltyRule.service), joinedload(LoyaltyRule.product),
    )  # fmt: skip
    details = (
        (
            "Rule",
            (
                Col("program", "Programme", value=lambda r: link_to("loyalty-program", r.program)),
                Col("earned_by", "For", value=lambda r: dict(EARNED_BY)[r.earned_by]),
                Col("about", "About", value=about),
                Col("gives", "Gives", value=gives),
                Col("within_days", "Within days of the visit", "number"),
                Col("starts_on", "From", "day"),
                Col("ends_on", "Until", "day"),
                Col("is_active", "In force"),
            ),
        ),
    )
    hides_empty = ("within_days", "starts_on", "ends_on")
    fields = declared(
        program=Pick("Programme", ALL_PROGRAMS, wanted=True),
        name=Text("Name", wanted=True, longest=120, hint="Such as Double points on colour"),
        earned_by=Choice("For", EARNED_BY, wanted=True, default=EarnedBy.PURCHASE),
        is_active=Check("In force"),
        multiplier=Amount(
            "Points are multiplied by", decimals=3, hint="For a purchase; 0: earns nothing"
        ),
        bonus=Whole("Bonus, points", low=1, high=MOST_POINTS, hint="For all else"),
        within_days=Whole(
            "Booked within days of a visit", high=365, hint="0: on the same day"
        ),
        category=Pick("About the category", CATEGORIES, hint="With all below it"),
        service=Pick("About the service", SERVICES),
        product=Pick("About the product", PRODUCTS),
        channel=Choice("Only by", Channel),
        starts_on=Day("From"),
        ends_on=Day("Until", hint="That day included"),
    )  # fmt: skip
    form_sections = (
        ("Rule", ("program", "name", "earned_by", "is_active")),
        ("What it gives", ("multiplier", "bonus", "within_days")),
        ("What it is about", ("category", "service", "product", "channel")),
        ("When", ("starts_on", "ends_on")),
    )
    stays = "What it gave stays."
    empty = declared(
        icon="adjustments", title="Every purchase earns alike",
        text="Give more for what you want to sell, or a bonus for a visit or a birthday.",
    )  # fmt: skip


def bought(reward: Reward) -> str:
    """What a reward gives: 5.00 off, 10 % off, Shampoo for nothing."""
    if reward.kind == RewardKind.AMOUNT:
        return f"{money(reward.amount)} off"
    if reward.kind == RewardKind.PERCENT:
        return f"{(reward.percent or Decimal(0)).normalize():f} % off"
    return f"{reward.product or reward.service} for nothing"


def _today() -> Any:
    return clock.now().date()


def how_often(reward: Reward) -> str | None:
    """Twice by a customer, 100 times in all, within 30 days."""
    limits = ((reward.max_per_customer, "by a customer"), (reward.max_redemptions, "in all"))
    said = [f"{plural(most, 'time')} {whose}" for most, whose in limits if most is not None]
    if said and reward.limit_days is not None:
        said.append(f"within {plural(reward.limit_days, 'day')}")
    return ", ".join(said) or None


class RewardView(HouseView, model=Reward):
    """What points buy."""

    name, name_plural, icon, category = "Reward", "Rewards", "ti ti-gift", "Catalogue"
    hint = "They are redeemed at the counter, and on the form of an order"
    columns = (
        Col("name", "Reward", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("program", "Programme", value=lambda r: r.program.name),
        Col("gives", "Gives", value=bought),
        Col("points", "Points", "number", numeric=True),
        Col("ends_on", "Until", "day"),
        Col("is_active", "To be had", "bool"),
    )
    sorts = declared(newest=Sort(Reward.id, descending=True), name=Sort(Reward.name))
    searched = (Reward.name,)
    filters = (
        of_vendor(Reward.vendor_id),
        Related("program", "Programme", Reward.program_id, icon="award", lookup=ALL_PROGRAMS),
        OneOf("kind", "Gives", Reward.kind, icon="category", words=GIVES),
        Named(
            "valid", "Valid", icon="calendar",
            conditions=(
                ("over", "Over", lambda: Reward.ends_on < _today()),
                ("coming", "To come", lambda: Reward.starts_on > _today()),
            ),
        ),
        YesNo("active", "To be had", Reward.is_active),
    )  # fmt: skip
    loads = (
        joinedload(Reward.program), joinedload(Reward.product), joinedload(Reward.service),
    )  # fmt: skip
    details = (
        (
            "Reward",
            (
                Col("program", "Programme", value=lambda r: link_to("loyalty-program", r.program)),
                Col("gives", "Gives", value=bought),
                Col("points", "Points", "number"),
                Col("min_spend", "For orders from", "money"),
                Col("starts_on", "From", "day"),
                Col("ends_on", "Until", "day"),
                Col("limit", "How often", value=how_often),
                Col("is_active", "To be had"),
                Col("description", "Description"),
            ),
        ),
    )
    hides_empty = ("starts_on", "ends_on", "limit", "description")
    fields = declared(
        program=Pick("Programme", ALL_PROGRAMS, wanted=True),
        name=Text("Name", wanted=True, longest=120, hint="As receipts say it"),
        points=Whole("Points", low=1, high=MOST_POINTS, wanted=True),
        is_active=Check("To be had"),
        kind=Choice("Gives", GIVES, wanted=True, default=RewardKind.AMOUNT),
        amount=Amount("Amount off"),
        percent=Amount("Part off, percent", decimals=2),
        product=Pick("Product", PRODUCTS, hint="One piece is free, if it is on the order"),
        service=Pick("Service", ALL_SERVICES, hint="It is free, if it is on the order"),
        min_spend=Amount("For orders from", wanted=True, default=0),
        starts_on=Day("From"),
        ends_on=Day("Until", hint="That day included"),
        max_per_customer=Whole("Times for one customer", low=1, high=10**6),
        max_redemptions=Whole("Times in all", low=1, high=10**9),
        limit_days=Whole(
            "Within days", low=1, high=3650, hint="The last so many days; empty: ever"
        ),
        description=Note("Description"),
    )
    form_sections = (
        ("Reward", ("program", "name", "points", "is_active")),
        ("What it gives", ("kind", "amount", "percent", "product", "service")),
        ("When it can be had", ("min_spend", "starts_on", "ends_on")),
        ("How often", ("max_per_customer", "max_redemptions", "limit_days")),
        ("Words", ("description",)),
    )
    stays = "A reward that somebody redeemed stays: say that it cannot be had any more instead."
    empty = declared(
        icon="gift", title="Points buy nothing yet",
        text="Begin with a small amount off: customers see what their points are good for.",
    )  # fmt: skip

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """How often it was redeemed, for how many points, and what it took off."""
        used = RewardRedemption
        query = select(
            func.count(), func.coalesce(func.sum(used.points), 0),
            func.coalesce(func.sum(used.worth), 0),
        ).where(
            used.vendor_id == record.vendor_id, used.reward_id == record.id,
            used.status == RedemptionStatus.REDEEMED,
        )  # fmt: skip
        often, points, worth = session.execute(query).one()
        return {
            "figures": [
                {"label": "Redeemed", "value": number(often)},
                {"label": "Points spent", "value": number(points)},
                {"label": "Taken off", "value": money(worth)},
            ]
        }


VIEWS = [ProgramView, TierView, RuleView, RewardView]
