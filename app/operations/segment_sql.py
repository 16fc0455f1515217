"""A segment's rule as one question to the database.

Each condition is a test of the customer's own columns or a set of customers. Tests that stand
together are one WHERE; sets are intersected, united and subtracted as sets: however far a planner
misjudges them, none is walked once a customer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as kept_as
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, except_, intersect, or_, select, true, union
from sqlalchemy.orm import Session

from app import clock
from app.operations.conditions import branch, tags_named
from app.operations.segment_fields import FIELDS, PARTS
from app.operations.segment_scope import Leaf, Scope
from app.operations.segment_terms import Group, Match, Misread, Term, read
from app.operations.zones import zone_of
from models.categories import CategoryKind
from models.customers import Customer
from models.segments import Segment

BRANCHES = {
    "bought_service_category": CategoryKind.SERVICE,
    "bought_product_category": CategoryKind.PRODUCT,
}
MOST_ASKED, DEEPEST_ASKED = 200, 20
"""How many conditions a rule may come to with those of the segments it asks for, each as often as
it is asked for, and in how many groups one of them may stand: about twice as many can be put into
one question."""


class Circle(Misread):
    sentence = "This segment would ask for itself: leave “{name}” out."


def scope_of(session: Session, vendor_id: int | None, group: Group) -> Scope:
    """Now, where the vendor is, with all that has to be looked up for the rule."""
    segments = nested(session, vendor_id, group)
    terms = [t for g in (group, *segments.values()) for t in g.terms()]
    return Scope(
        vendor_id, clock.now(),
        ZoneInfo("UTC" if vendor_id is None else zone_of(session, vendor_id)),
        categories={
            t.path: branch(session, t.values["ids"], BRANCHES[t.field])
            for t in terms if t.field in BRANCHES
        },
        tags={
            t.path: tags_named(session, t.values["texts"], vendor_id)
            for t in terms if t.field == "tag"
        },
        segments=segments,
    )  # fmt: skip


def nested(
    session: Session, vendor_id: int | None, group: Group, *, own_id: int | None = None
) -> dict[int, Group]:
    """The rules of the segments that a rule asks for, and of those that these ask for.

    Refuses `Circle` when one of them asks for itself, or for `own_id`, and `Misread` when together
    they come to more than a question to the database may ask.
    """
    gathering = _Gathering(session, vendor_id)
    gathering.gather(group, () if own_id is None else (own_id,))
    return gathering.found


@dataclass
class _Gathering:
    """The segments that were come by, each read once, and what each of them comes to."""

    session: Session
    vendor_id: int | None
    found: dict[int, Group] = kept_as(default_factory=dict)
    sizes: dict[int, tuple[int, int]] = kept_as(default_factory=dict)
    """How many conditions a segment comes to, and in how many groups the deepest stands."""

    def gather(
        self, group: Group, above: tuple[int, ...], place: str | None = None
    ) -> tuple[int, int]:
        """What a rule comes to: conditions, and groups around the deepest of them."""
        asked = deep = 0
        for term in group.terms():
            numbers = term.values["ids"] if term.field == "segment" else ()
            asked, level = asked + (0 if numbers else 1), term.path.count("of.")
            for number in numbers:
                here = place or f"{term.path}.ids"
                size, depth = self._asked_for(number, above, here)
                asked, deep = asked + size, max(deep, level + depth)
                if asked > MOST_ASKED or deep > DEEPEST_ASKED:
                    many = "Too many segments ask for one another: ask for fewer."
                    raise Misread(many, field=here)
            deep = max(deep, level)
        return asked, deep

    def _asked_for(self, number: int, above: tuple[int, ...], here: str) -> tuple[int, int]:
        if number in self.sizes:
            return self.sizes[number]
        segment = _segment(self.session, self.vendor_id, number)
        if segment is None:
            raise Misread("This segment is not here any more: remove it.", field=here)
        if number in above:
            raise Circle(name=segment.name, field=here)
        try:
            rule = read(segment.definition_json, PARTS, root=f"s{number}")
        except Misread:
            unread = f"“{segment.name}” cannot be read any more: mend that segment first."
            raise Misread(unread, field=here) from None
        self.sizes[number] = self.gather(rule, (*above, number), here)
        self.found[number] = rule
        return self.sizes[number]


def _segment(session: Session, vendor_id: int | None, number: int) -> Segment | None:
    same = Segment.vendor_id.is_not_distinct_from(vendor_id)
    return session.scalars(select(Segment).where(Segment.id == number, same)).first()


# --- the rule ----------------------------------------------------------------------------------


def customers(group: Group, scope: Scope) -> Select[Any]:
    """The ids of the living customers for whom the rule holds."""
    return leaves(rule(group, scope), scope)


def rule(node: Group | Term, scope: Scope) -> Leaf:
    """What a group or a condition leaves."""
    if isinstance(node, Group):
        return _joined(node.match, [rule(one, scope) for one in node.of], scope)
    if node.field == "segment":
        inside = [rule(scope.segments[number], scope) for number in node.values["ids"]]
        leaf = _joined(Match.ANY, inside, scope)
        return leaf.turned() if node.values["in"] == "not_in" else leaf
    return FIELDS[node.field].leaf(node, scope)


def leaves(leaf: Leaf, scope: Scope) -> Select[Any]:
    """The living customers that a leaf leaves."""
    home = select(Customer.id).where(*scope.home())
    if leaf.test is not None:
        return home.where(leaf.test)
    assert leaf.ids is not None  # a leaf is a test or a set
    return _flat(except_(home, leaf.ids) if leaf.negated else intersect(home, leaf.ids))


def _joined(match: Match, parts: Sequence[Leaf], scope: Scope) -> Leaf:
    if match is Match.NONE:
        return _joined(Match.ANY, parts, scope).turned()
    tests = [leaf.test for leaf in parts if leaf.test is not None]
    within = [leaf.ids for leaf in parts if leaf.ids is not None and not leaf.negated]
    without = [leaf.ids for leaf in parts if leaf.ids is not None and leaf.negated]
    if match is Match.ALL:
        return _all(tests, within, without, scope)
    return _any(tests, within, without, scope)


def _all(tests: list[Any], within: list[Any], without: list[Any], scope: Scope) -> Leaf:
    if not within and not without:
        return Leaf(test=and_(true(), *tests))
    sets = list(within)
    if tests or not sets:
        sets.insert(0, select(Customer.id).where(*scope.home(), *tests))
    found = _flat(intersect(*sets)) if len(sets) > 1 else sets[0]
    return Leaf(ids=_flat(except_(found, *without)) if without else found)


def _any(tests: list[Any], within: list[Any], without: list[Any], scope: Scope) -> Leaf:
    if not within and not without:
        return Leaf(test=or_(*tests))
    everyone = select(Customer.id).where(*scope.home())
    sets = [*within, *(_flat(except_(everyone, one)) for one in without)]
    if tests:
        sets.insert(0, everyone.where(or_(*tests)))
    return Leaf(ids=_flat(union(*sets)) if len(sets) > 1 else sets[0])


def _flat(sets: Any) -> Select[Any]:
    """Sets put together, as a query of one column."""
    rows = sets.subquery()
    return select(next(iter(rows.c)).label("customer_id"))


# --- one customer ------------------------------------------------------------------------------

Verdicts = Mapping[str, bool]
"""Whether each group and condition holds, by its place."""


def verdicts(session: Session, group: Group, scope: Scope, customer_id: int) -> Verdicts:
    """What of a rule holds for one customer."""
    found: dict[str, bool] = {}
    _judge(session, group, scope.of(customer_id), found)
    return found


def _judge(session: Session, node: Group | Term, scope: Scope, found: dict[str, bool]) -> bool:
    if isinstance(node, Group):
        held = [_judge(session, one, scope, found) for one in node.of]
        verdict = {Match.ALL: all(held), Match.ANY: any(held), Match.NONE: not any(held)}
        found[node.path] = verdict[node.match]
    else:
        one = leaves(rule(node, scope), scope)
        found[node.path] = session.scalars(one.limit(1)).first() is not None
    return found[node.path]
