"""What the editor of a segment works with: the fields to choose from, names, and what it asks."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.customer_choices import FOUND
from admin_views.loaders import Customers, contains, typed, vendor_names
from app.errors import DomainError
from app.operations.filters import MOST_VALUES
from app.operations.segment_fields import FIELDS, PARTS
from app.operations.segment_terms import (
    DEEPEST,
    MOST_CONDITIONS,
    Group,
    Kind,
    Match,
    Misread,
    Part,
    Term,
    read,
)
from app.operations.segment_words import KINDS, MODELS, asked_of, names_of
from app.tenancy import DatabaseRole, current_actor
from models.segments import Segment

MOST = 12
MOST_NAMES = MOST_CONDITIONS * MOST_VALUES
MOST_LEVELS = 4 * DEEPEST
"""A group has two levels in JSON, and one more group than is allowed can be typed."""
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


@dataclass(frozen=True)
class Opened:
    """A rule in the editor, what its ids are called, and what of it cannot be read, and where."""

    rule: dict[str, Any]
    names: dict[str, dict[str, str]]
    place: str | None = None
    sentence: str = ""


NEW = Opened(FRESH, {})


def opened(session: Session, kept: Any) -> Opened:
    """A kept rule to go on with, whatever it holds.

    What cannot even be drawn has to be chosen anew: nothing is left out, and nothing mended.
    """
    rule = _drawn(kept, 0)
    if "of" not in rule:
        rule = {"match": "all", "of": []}
    names = known_names(session, Group(Match.ALL, tuple(_read_of(rule))))
    try:
        read(kept, PARTS)
    except Misread as unread:
        return Opened(rule, names, unread.field, str(unread))
    return Opened(rule, names)


def typed_again(definition: str, names: str, refusal: DomainError | None) -> Opened:
    """What was typed, with the sentence that refuses it at its place."""
    tree, called = tree_of(definition), kept_names(names)
    if isinstance(refusal, Misread):
        return Opened(tree, called, refusal.field, str(refusal))
    return Opened(tree, called)


def _drawn(node: Any, deep: int) -> dict[str, Any]:
    """A group or a condition as the script takes it."""
    if not isinstance(node, dict):
        return {"field": ""}
    of, name = node.get("of"), node.get("field")
    if (deep == 0 or "match" in node) and deep < DEEPEST:
        match = node.get("match")
        return {
            "match": match if isinstance(match, str) else "",
            "of": [_drawn(one, deep + 1) for one in of] if isinstance(of, list) else [],
        }
    if not isinstance(name, str) or name not in PARTS:
        return {"field": ""}
    shapes = [(_SHAPES.get(p.kind, _is_plain), node[p.name]) for p in PARTS[name] if p.name in node]
    return node if all(fits(value) for fits, value in shapes) else {"field": ""}


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _is_many(value: Any) -> bool:
    return isinstance(value, list) and all(_is_plain(one) for one in value)


def _is_when(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_plain(one) for one in value.values())


_SHAPES = {Kind.IDS: _is_many, Kind.TEXTS: _is_many, Kind.WORDS: _is_many, Kind.WHEN: _is_when}


def _read_of(node: dict[str, Any]) -> Iterator[Term]:
    """The conditions that can be read by themselves."""
    for one in node["of"]:
        if "of" in one:
            yield from _read_of(one)
            continue
        try:
            yield from read({"match": Match.ALL, "of": [one]}, PARTS).terms()
        except Misread:
            continue


def tree_of(text: str) -> dict[str, Any]:
    """A typed rule as the editor shows it again, whatever is wrong with it.

    What nests deeper than anything the editor makes is begun anew.
    """
    tree = _json(text)
    whole = isinstance(tree, dict) and isinstance(tree.get("of"), list)
    return tree if whole and _nests_within(tree, MOST_LEVELS) else FRESH


def _json(text: str) -> Any:
    """What was sent, however long; numbers that JSON does not know are none."""
    try:
        return json.loads(text, parse_float=_finite, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _nests_within(value: Any, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_nests_within(one, levels - 1) for one in inside)


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
    given = _json(text)
    if not isinstance(given, dict):
        return {}
    return {
        str(lookup): {str(k): str(v)[:200] for k, v in list(named.items())[:MOST_NAMES]}
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
