"""What the editor of a segment works with: the fields to choose from, names, and what it asks."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.customer_choices import FOUND
from admin_views.loaders import Customers, contains, typed, vendor_names
from app.operations.segment_fields import FIELDS
from app.operations.segment_terms import LONGEST, Group, Part
from app.operations.segment_words import KINDS, MODELS, asked_of, names_of
from app.tenancy import DatabaseRole, current_actor
from models.segments import Segment

MOST = 12
FRESH: dict[str, Any] = {
    "match": "all",
    "of": [{"field": "last_visit", "when": {"is": "not_since", "days": 60}}],
}
"""What a new segment begins with."""
WHO = Customers()


def catalogue() -> dict[str, Any]:
    """Every field, as the script draws it: its title, group, icon and parts."""
    return {
        name: {
            "title": one.title, "group": one.group, "icon": one.icon,
            "parts": [_part(part) for part in one.parts],
        }
        for name, one in FIELDS.items()
    }  # fmt: skip


def _part(part: Part) -> dict[str, Any]:
    drawn: dict[str, Any] = {"name": part.name, "title": part.title, "kind": part.kind.value}
    if part.options:
        drawn["options"] = [list(option) for option in part.options]
    if part.lookup:
        drawn["lookup"] = part.lookup
    if part.optional:
        drawn["optional"] = True
    if part.usual is not None:
        drawn["usual"] = part.usual
    return drawn


def tree_of(text: str) -> dict[str, Any]:
    """A typed rule as the editor shows it again, whatever is wrong with it."""
    try:
        tree = json.loads(text[:LONGEST])
    except (ValueError, RecursionError):
        tree = None
    return tree if isinstance(tree, dict) and isinstance(tree.get("of"), list) else FRESH


def known_names(session: Session, rule: Group) -> dict[str, dict[str, str]]:
    """What the ids of a rule are called, by what they are looked up in."""
    names = names_of(session, rule)
    return {
        lookup: {str(one): names(lookup, one) for one in asked}
        for lookup, asked in asked_of(rule.terms()).items()
        if lookup in MODELS or lookup == "city"
    }


def kept_names(text: str) -> dict[str, dict[str, str]]:
    """The names that the page had already, as it sends them back with a rule that is refused."""
    try:
        given = json.loads(text[:LONGEST])
    except (ValueError, RecursionError):
        return {}
    if not isinstance(given, dict):
        return {}
    return {
        str(lookup): {str(k): str(v)[:200] for k, v in list(named.items())[:200]}
        for lookup, named in list(given.items())[:20]
        if isinstance(named, Mapping)
    }


def found(
    session: Session, lookup: str, term: str, vendor_id: int | None, but: int | None = None
) -> list[dict[str, Any]] | None:
    """What a condition's search offers for what is typed; None where there is no such search."""
    wanted = typed(term)
    if lookup == "customer":
        return WHO.search(session, wanted)
    if lookup in ("tag", "city"):
        return [{"id": v, "text": t} for v, t in FOUND[lookup](session, wanted)[:MOST]]
    if lookup not in MODELS:
        return None
    return _records(session, lookup, wanted, vendor_id, but)


def _records(
    session: Session, lookup: str, term: str, vendor_id: int | None, but: int | None
) -> list[dict[str, Any]]:
    model = MODELS[lookup]
    rows = select(model).order_by(model.name, model.id).limit(MOST)
    rows = rows.where(contains((model.name,), term)) if term else rows
    if lookup in KINDS:
        rows = rows.where(model.kind == KINDS[lookup])
    elif vendor_id is not None:
        rows = rows.where(model.vendor_id == vendor_id)
    elif lookup == "segment":  # the marketplace's ask for the marketplace's
        rows = rows.where(Segment.vendor_id.is_(None))
    if lookup == "segment" and but is not None:
        rows = rows.where(Segment.id != but)
    records = session.scalars(rows).all()
    names = vendor_names(session, records) if lookup not in KINDS else {}
    return [
        {"id": str(r.id), "text": r.name, "hint": names.get(getattr(r, "vendor_id", 0) or 0, "")}
        for r in records
    ]


def sees_names() -> bool:
    """Whether whoever acts may see customers, and so a few of those who were found."""
    return current_actor().role is not DatabaseRole.ANALYST
