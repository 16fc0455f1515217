"""What a segment can ask of points, memberships and packages, of consent and of other segments."""

from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from app.operations import segment_sources as sources
from app.operations.conditions import RUNNING, is_any
from app.operations.segment_bought import adds_up
from app.operations.segment_parts import (
    ASKED,
    KEEPS,
    OPS,
    Field,
    Names,
    Options,
    ids_part,
    listed,
    number_of,
    op_part,
)
from app.operations.segment_scope import Leaf, Scope
from app.operations.segment_terms import Kind, Part, Term
from models.customers import Consent, ConsentChannel, ConsentPurpose
from models.memberships import Membership
from models.packages import HoldingStatus, PackageHolding
from models.points import LoyaltyAccount

WAYS: Options = tuple((c.value, {"sms": "SMS", "email": "e-mail"}.get(c.value, c.value))
                      for c in ConsentChannel)  # fmt: skip
PURPOSES: Options = tuple((p.value, {"transactional": "what has to be known",
                                     "reminder": "reminders", "marketing": "offers"}[p.value])
                          for p in ConsentPurpose)  # fmt: skip
SAID: Options = (
    ("granted", "agreed"), ("refused", "refused"), ("unasked", "has not said anything"),
)  # fmt: skip
HELD: Options = (("holds", "holds now"), ("held", "holds or held"), ("never", "never held"))
IN: Options = (("in", "is in"), ("not_in", "is not in"))


# --- loyalty, memberships, packages ------------------------------------------------------------


def _points(_: Term, scope: Scope) -> sources.Rows:
    own = scope.mine(LoyaltyAccount.vendor_id, LoyaltyAccount.customer_id)
    number = LoyaltyAccount.points.label("number")
    rows: Any = select(LoyaltyAccount.customer_id.label("customer_id"), number)
    return [rows.where(*own)]


def _points_said(term: Term, _: Names) -> str:
    return f"has {dict(OPS)[term.values['op']]} {number_of(term.values['times'])} points"


def _tier(term: Term, scope: Scope) -> Leaf:
    own = scope.mine(LoyaltyAccount.vendor_id, LoyaltyAccount.customer_id)
    in_tier = is_any(LoyaltyAccount.tier_id, term.values["ids"])
    return Leaf(ids=select(LoyaltyAccount.customer_id).where(*own, in_tier))


def _holds(model: Any, key: Any, running: Any, noun: str, lookup: str) -> Any:
    """Of packages and plans: held now, ever, or never; named ones, or any."""

    def leaf(term: Term, scope: Scope) -> Leaf:
        how, ids = term.values["held"], term.values.get("ids")
        found = select(model.customer_id).where(*scope.mine(model.vendor_id, model.customer_id))
        found = found if ids is None else found.where(is_any(key, ids))
        return Leaf(ids=found.where(running) if how == "holds" else found, negated=how == "never")

    def said(term: Term, names: Names) -> str:
        ids = term.values.get("ids")
        named = f"any {noun}" if ids is None else listed([names(lookup, one) for one in ids])
        verb = {"holds": "holds", "held": "holds or held", "never": "never held"}
        return f"{verb[term.values['held']]} {named}"

    return leaf, said


_PACKAGE = _holds(
    PackageHolding, PackageHolding.package_id, PackageHolding.status == HoldingStatus.ACTIVE,
    "package", "package",
)  # fmt: skip
_PLAN = _holds(
    Membership, Membership.plan_id, is_any(Membership.status, [s.value for s in RUNNING]),
    "membership", "plan",
)  # fmt: skip


# --- consent, segments -------------------------------------------------------------------------


def _consents(term: Term, scope: Scope) -> Leaf:
    """Who decided so last about a channel and a purpose, or never has."""
    said = term.values["said"]
    decided = select(Consent.customer_id).where(
        *scope.mine(Consent.vendor_id, Consent.customer_id),
        Consent.channel == term.values["channel"], Consent.purpose == term.values["purpose"],
    )  # fmt: skip
    if said == "unasked":
        return Leaf(ids=decided, negated=True)
    last, agreed = func.max(Consent.id), func.max(Consent.id).filter(Consent.granted)
    is_so = agreed == last if said == "granted" else agreed.is_distinct_from(last)
    return Leaf(ids=decided.group_by(Consent.customer_id).having(is_so))


def _consents_said(term: Term, _: Names) -> str:
    values = term.values
    about = f"{dict(PURPOSES)[values['purpose']]} by {dict(WAYS)[values['channel']]}"
    verb = {"granted": "agreed to", "refused": "refused", "unasked": "has not said anything about"}
    return f"{verb[values['said']]} {about}"


def _segment_said(term: Term, names: Names) -> str:
    named = listed([f"“{names('segment', one)}”" for one in term.values["ids"]])
    return f"{dict(IN)[term.values['in']]} the segment {named}"


def _never_called(_: Term, __: Scope) -> Leaf:
    raise AssertionError("segments in segments are worked out by segment_sql")


FIELDS = (
    Field("points", "Points", KEEPS, "star",
          (op_part(), Part("times", "Points", Kind.WHOLE, high=Decimal(10**12), usual=100)),
          adds_up(_points), _points_said, rows=_points, unit="points"),
    Field("tier", "Tier", KEEPS, "medal", (ids_part("Tiers", "tier"),), _tier,
          lambda term, names: f"is in the tier"
          f" {listed([names('tier', one) for one in term.values['ids']])}"),
    Field("membership", "Membership", KEEPS, "id-badge-2",
          (Part("held", "Membership", Kind.CHOICE, HELD, usual="holds"),
           ids_part("Which (any)", "plan", optional=True)), *_PLAN),
    Field("package", "Package", KEEPS, "ticket",
          (Part("held", "Package", Kind.CHOICE, HELD, usual="holds"),
           ids_part("Which (any)", "package", optional=True)), *_PACKAGE),
    Field("consent", "Consent", ASKED, "shield-check",
          (Part("said", "Said", Kind.CHOICE, SAID, usual="granted"),
           Part("purpose", "To", Kind.CHOICE, PURPOSES, usual="marketing"),
           Part("channel", "By", Kind.CHOICE, WAYS, usual="email")), _consents, _consents_said),
    Field("segment", "Another segment", ASKED, "chart-pie",
          (Part("in", "Is", Kind.CHOICE, IN, usual="in"), ids_part("Segments", "segment")),
          _never_called, _segment_said),
)  # fmt: skip
