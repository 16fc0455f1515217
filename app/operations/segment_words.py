"""A segment's rule in plain language, and what its ids are called."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.operations.conditions import is_any
from app.operations.segment_fields import FIELDS
from app.operations.segment_parts import Names
from app.operations.segment_terms import Group, Kind, Match, Term
from models.categories import Category, CategoryKind
from models.customers import Address
from models.loyalty import LoyaltyTier
from models.memberships import MembershipPlan
from models.packages import Package
from models.products import Product
from models.segments import Segment
from models.services import Service

MODELS: Mapping[str, Any] = {
    "service": Service, "product": Product, "package": Package, "plan": MembershipPlan,
    "tier": LoyaltyTier, "segment": Segment, "service_category": Category,
    "product_category": Category,
}  # fmt: skip
"""What ids of a look-up stand for."""
KINDS = {"service_category": CategoryKind.SERVICE, "product_category": CategoryKind.PRODUCT}
UNKNOWN = "something removed"


def asked_of(terms: Iterable[Term]) -> dict[str, set[Any]]:
    """The ids and texts that conditions name, by what they are looked up in."""
    found: dict[str, set[Any]] = {}
    for term in terms:
        for part in FIELDS[term.field].parts:
            if part.kind in (Kind.IDS, Kind.TEXTS) and part.name in term.values:
                found.setdefault(part.lookup, set()).update(term.values[part.name])
    return found


def names_of(session: Session, group: Group) -> Names:
    """What everything is called that a rule names."""
    called: dict[tuple[str, Any], str] = {}
    for lookup, asked in asked_of(group.terms()).items():
        if lookup in MODELS:
            model = MODELS[lookup]
            rows = session.execute(select(model.id, model.name).where(is_any(model.id, [*asked])))
            called |= {(lookup, number): name for number, name in rows}
        elif lookup == "city":
            called |= {(lookup, key): _city(session, key) for key in asked}

    def name(lookup: str, one: Any) -> str:
        return called.get((lookup, one), UNKNOWN if lookup in MODELS else str(one))

    return name


def _city(session: Session, key: str) -> str:
    """A city as somebody wrote it."""
    written = select(Address.city).where(Address.city_key == key).limit(1)
    return session.scalar(written) or key.title()


def summary(group: Group, names: Names) -> str:
    """Bought Hair colour at least twice in the last 90 days and not visited for 60 days."""
    said = _said(group, names)
    return said[:1].upper() + said[1:]


def term_said(term: Term, names: Names) -> str:
    """One condition in words."""
    return FIELDS[term.field].said(term, names)


def _said(group: Group, names: Names) -> str:
    parts = [
        _inner(one, names) if isinstance(one, Group) else term_said(one, names) for one in group.of
    ]
    if group.match is Match.NONE:
        return f"not ({' or '.join(parts)})"
    return (" and " if group.match is Match.ALL else " or ").join(parts)


def _inner(group: Group, names: Names) -> str:
    said = _said(group, names)
    return said if len(group.of) == 1 or group.match is Match.NONE else f"({said})"
