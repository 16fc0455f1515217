"""Segments: kept, worked out, and who came and went; one rule for everything that asks for them.

A snapshot of who is in a segment is made when it is saved and every hour: it is what lists and bulk
changes read, at any size. Whom a campaign is for (`live`), and what is asked of one customer
(`holds`), is asked live.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import any_, delete, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.errors import REFUSALS, ChangedMeanwhile, DomainError, NotFound
from app.operations import segment_sql, segment_words
from app.operations.conditions import is_any
from app.operations.counting import Count
from app.operations.customers import clean
from app.operations.outbox import enqueue
from app.operations.segment_fields import FIELDS as FIELDS_OF
from app.operations.segment_fields import PARTS
from app.operations.segment_parts import Names
from app.operations.segment_scope import Scope
from app.operations.segment_sources import summed
from app.operations.segment_terms import Group, Kind, Match, Misread, Term, read
from app.operations.segment_words import KINDS, MODELS
from app.tenancy import current_actor
from models.customers import Customer
from models.segments import Segment, SegmentDay, SegmentMembership

BUILD = "tasks.segments.build"
CLEAR = "tasks.segments.clear"
LONGEST_NAME = 80
QUICK_MS, LONG_MS = 400, 5_000
"""What an exact number may cost while somebody waits, and what finding out at all may."""
MOST_COUNTED = 10_000
BATCH = 20_000
"""Memberships that go in one transaction at most."""
SAMPLES = 10


class NoSegmentName(DomainError):
    sentence = "This segment has no name yet: write one to eighty letters."
    field = "name"


class SegmentNameTaken(DomainError):
    sentence = "There is a segment of this name already: choose another name."
    field = "name"


class Unreadable(DomainError):
    """A kept rule of another version, or that was written by hand: it means nobody."""

    sentence = "Whom “{name}” means cannot be read any more: open the segment and mend its rule."


class SegmentAskedFor(DomainError):
    sentence = "{who} asks for this segment: change that first."


class CouponAsksForIt(DomainError):
    sentence = "A coupon is for this segment: change that first."


class CampaignAsksForIt(DomainError):
    sentence = "A campaign goes to this segment: change or delete that first."


REFUSALS |= {
    "uq_segments_vendor_id_name": SegmentNameTaken,
    "fk_coupons_vendor_id_segment_id_segments": CouponAsksForIt,
    "fk_campaigns_vendor_id_segment_id_segments": CampaignAsksForIt,
}


# --- kept --------------------------------------------------------------------------------------


def save(
    session: Session,
    *,
    name: str,
    definition: Any,
    segment_id: int | None = None,
    seen: int | None = None,
    was_called: str | None = None,
) -> Segment:
    """Keep a rule under a name, and promise to work out who is in it.

    `definition` is the rule as JSON or as what that stands for, `seen` the version that was
    changed, `was_called` its name then. A new one is the vendor's that acts, else the
    marketplace's. Refuses `Misread` at its place, `Circle`, `NoSegmentName`, `ChangedMeanwhile`.
    """
    segment = None if segment_id is None else _locked(session, segment_id)
    vendor_id = current_actor().vendor_id if segment is None else segment.vendor_id
    called = clean(name, "name", longest=LONGEST_NAME)
    if called is None:
        raise NoSegmentName
    _alone(session, vendor_id)
    rule = checked(session, definition, vendor_id=vendor_id, own_id=segment_id)
    if segment is None:
        segment = Segment(vendor_id=vendor_id, name=called, definition_json=rule.kept())
        session.add(segment)
    else:
        if (seen or segment.version, was_called or segment.name) != (segment.version, segment.name):
            raise ChangedMeanwhile
        _change(segment, called, rule)
    session.flush()  # the id, and whether the name is free
    enqueue(session, BUILD, vendor_id=segment.vendor_id, segment_id=segment.id)
    return segment


def _change(segment: Segment, name: str, rule: Group) -> None:
    segment.name = name
    if segment.definition_json != rule.kept():
        segment.definition_json, segment.version = rule.kept(), segment.version + 1


def remove(session: Session, *, segment_id: int) -> None:
    """Remove a segment; one that is asked for stays. Who was in it when, `clear` forgets behind."""
    segment = _locked(session, segment_id)
    _alone(session, segment.vendor_id)
    same = Segment.vendor_id.is_not_distinct_from(segment.vendor_id)
    for other in session.scalars(select(Segment).where(same, Segment.id != segment.id)):
        if segment.id in _asked_for(other.definition_json):
            raise SegmentAskedFor(who=f"“{other.name}”")
    session.delete(segment)
    session.flush()  # whether anything else asks for it
    enqueue(session, CLEAR, vendor_id=segment.vendor_id, segment_id=segment_id)


def clear(session: Session, *, segment_id: int) -> int:
    """Forget who was in a segment that was removed, `BATCH` at most; how many went."""
    member, is_here = SegmentMembership, select(Segment.id).where(Segment.id == segment_id)
    some = select(member.id).where(member.segment_id == segment_id, ~is_here.exists())
    # by an index, which passes over what went before; a table that is read from its start does not
    first = some.order_by(member.entered_at, member.id).limit(BATCH)
    those = member.id == any_(func.array(first.scalar_subquery()))
    gone = delete(member).where(those).returning(member.id).cte("gone")
    return session.scalar(select(func.count()).select_from(gone)) or 0


def _asked_for(tree: Any) -> Iterator[Any]:
    """The ids of the segments that a kept rule asks for, whatever else of it can be read."""
    if not isinstance(tree, dict):
        return
    ids, of = tree.get("ids"), tree.get("of")
    if tree.get("field") == "segment" and isinstance(ids, list):
        yield from ids
    for one in of if isinstance(of, list) else ():
        yield from _asked_for(one)


def _alone(session: Session, vendor_id: int | None) -> None:
    """Let nobody else change what a vendor's segments ask of one another until this is over.

    Two at once could each ask for the other, or for one that is just being removed.
    """
    session.execute(_ALONE, {"vendor": f"segments:{vendor_id}"})


_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:vendor, 0))")


def checked(
    session: Session, definition: Any, *, vendor_id: int | None, own_id: int | None = None
) -> Group:
    """A typed rule, read, with everything it names there and the vendor's own."""
    rule = read(definition, PARTS)
    _here(session, rule, vendor_id)
    segment_sql.nested(session, vendor_id, rule, own_id=own_id)
    return rule


def _here(session: Session, rule: Group, vendor_id: int | None) -> None:
    for term in rule.terms():
        for part in PARTS[term.field]:
            ids = term.values.get(part.name)
            if part.kind is not Kind.IDS or ids is None or part.lookup == "segment":
                continue
            found = session.scalar(_known(part.lookup, ids, vendor_id)) or 0
            if found < len(ids):
                gone = f"{part.title}: one of these is not here any more: remove it."
                raise Misread(gone, field=f"{term.path}.{part.name}")


def _known(lookup: str, ids: Sequence[int], vendor_id: int | None) -> Any:
    model = MODELS[lookup]
    known = select(func.count()).select_from(model).where(is_any(model.id, ids))
    if lookup in KINDS:
        return known.where(model.kind == KINDS[lookup])
    return known if vendor_id is None else known.where(model.vendor_id == vendor_id)


def rule_of(segment: Segment) -> Group:
    """The rule of a kept segment; refuses `Unreadable`."""
    try:
        return read(segment.definition_json, PARTS)
    except Misread:
        raise Unreadable(name=segment.name) from None


def must_be_read(session: Session, segment: Segment) -> None:
    """Refuse a segment whose rule, or that of one it asks for, cannot be read any more.

    Who was in it when it was last worked out is known still, and is not who is meant.
    """
    segment_sql.nested(session, segment.vendor_id, rule_of(segment))


def _locked(session: Session, segment_id: int) -> Segment:
    found = session.get(Segment, segment_id, with_for_update=True, populate_existing=True)
    if found is None or not is_ours(found):
        raise NotFound
    return found


def is_ours(segment: Segment) -> bool:
    """Whether it is one of where one stands: over all vendors those of all are."""
    actor = current_actor()
    return actor.vendor_id is None or segment.vendor_id == actor.vendor_id


# --- while somebody writes it ------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """How many customers a rule finds now, and a few of them; no number where it took too long."""

    count: Count | None
    customers: Sequence[Any]


def look(session: Session, *, rule: Group, vendor_id: int | None) -> Seen:
    """How many a rule finds: exactly where that is quick, else up to `MOST_COUNTED`."""
    scope = segment_sql.scope_of(session, vendor_id, rule)
    found = segment_sql.customers(rule, scope)
    for most, patience in ((None, QUICK_MS), (MOST_COUNTED, LONG_MS)):
        told = _within(session, patience, found if most is None else found.limit(most + 1))
        if told is not None:
            number, ids = told
            capped = most is not None and number > most
            return Seen(Count(min(number, most or number), capped), _shown(session, ids))
    return Seen(None, ())


def _within(session: Session, patience: int, found: Any) -> tuple[int, list[int]] | None:
    """How many there are and the newest of them; None when `patience` (ms) is over before."""
    every = found.cte("found").prefix_with("MATERIALIZED")
    (column,) = every.c
    newest = select(column).order_by(column.desc()).limit(SAMPLES).scalar_subquery()
    asked = select(select(func.count()).select_from(every).scalar_subquery(), func.array(newest))
    try:
        with session.begin_nested():
            session.execute(text(f"SET LOCAL statement_timeout = {patience:d}"))
            number, ids = session.execute(asked).one()
            session.execute(text("SET LOCAL statement_timeout = 0"))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != "57014":
            raise
        return None
    return number, list(ids or ())


_SHOWN = (
    Customer.id, Customer.vendor_id, Customer.full_name, Customer.company, Customer.email,
    Customer.phone, Customer.last_visit_at, Customer.visit_count, Customer.total_spent,
)  # fmt: skip


def _shown(session: Session, ids: Sequence[int]) -> Sequence[Any]:
    rows = select(*_SHOWN).where(is_any(Customer.id, ids)).order_by(Customer.id.desc())
    return session.execute(rows).all() if ids else ()


# --- who is in it ------------------------------------------------------------------------------


def holds(session: Session, *, segment_id: int, customer_id: int) -> bool:
    """Whether a customer is in a segment at this moment."""
    segment = session.get(Segment, segment_id)
    if segment is None:
        return False
    rule = rule_of(segment)
    scope = segment_sql.scope_of(session, segment.vendor_id, rule).of(customer_id)
    return session.scalars(segment_sql.customers(rule, scope).limit(1)).first() is not None


def live(session: Session, segment: Segment) -> tuple[Any, Scope]:
    """The ids of those in it at this moment, as a query, and by which moment and clock."""
    rule = rule_of(segment)
    scope = segment_sql.scope_of(session, segment.vendor_id, rule)
    return segment_sql.customers(rule, scope), scope


def build(session: Session, *, segment_id: int) -> Segment | None:
    """Work out who is in a segment now: who came enters, who went leaves; None if it is gone.

    Afterwards the open memberships are what the rule finds, living customers all.
    """
    segment = session.get(Segment, segment_id, with_for_update=True, populate_existing=True)
    if segment is None:
        return None
    found, scope = live(session, segment)
    at = max(scope.at, segment.built_at or scope.at)
    size, entered, exited = session.execute(_moved(segment.id, found, at)).one()
    segment.size, segment.built_at, segment.built_version = size, at, segment.version
    _note(session, segment, at.astimezone(scope.zone).date(), entered, exited)
    session.flush()  # what is read of it from here on
    return segment


def _moved(segment_id: int, found: Any, at: datetime) -> Any:
    """Close who is no longer found, open who is new: how many are in it, came, went.

    Asked by NOT IN, which is looked up in a hash however far the planner misjudges the rule.
    """
    ids = found.subquery()
    inside = select(Customer.id, Customer.vendor_id).where(Customer.id.in_(select(*ids.c)))
    now_in = inside.cte("now_in").prefix_with("MATERIALIZED")
    member = SegmentMembership
    is_open = member.segment_id == segment_id, member.exited_at.is_(None)
    known = select(member.customer_id).where(*is_open)
    gone = update(member).where(*is_open, member.customer_id.not_in(select(now_in.c.id)))
    went = gone.values(exited_at=at).returning(member.id).cte("gone")
    new = select(
        now_in.c.vendor_id, literal(segment_id), now_in.c.id, literal(at)
    ).where(now_in.c.id.not_in(known))  # fmt: skip
    columns = ["vendor_id", "segment_id", "customer_id", "entered_at"]
    came = insert(member).from_select(columns, new).returning(member.id).cte("come")
    every = [select(func.count()).select_from(t).scalar_subquery() for t in (now_in, came, went)]
    return select(*every)


def _note(session: Session, segment: Segment, day: date, entered: int, exited: int) -> None:
    told = {"size": segment.size, "entered": entered, "exited": exited}
    new = insert(SegmentDay).values(
        vendor_id=segment.vendor_id, segment_id=segment.id, day=day, **told
    )
    added = {
        "size": segment.size, "entered": SegmentDay.entered + entered,
        "exited": SegmentDay.exited + exited,
    }  # fmt: skip
    session.execute(new.on_conflict_do_update(index_elements=["segment_id", "day"], set_=added))


def due(session: Session, *, before: datetime) -> list[tuple[int | None, int]]:
    """The segments that were last worked out before a moment, the oldest first: vendor and id."""
    stale = or_(Segment.built_at.is_(None), Segment.built_at < before)
    rows = select(Segment.vendor_id, Segment.id).where(stale)
    rows = rows.order_by(Segment.built_at.nulls_first(), Segment.id)
    return [(vendor_id, number) for vendor_id, number in session.execute(rows)]


# --- why ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Why:
    """A line of a rule for one customer: how deep it stands, its words, whether it holds.

    `value` is how much it is for the customer, in `unit`, where that can be said.
    """

    depth: int
    said: str
    holds: bool
    value: Any = None
    unit: str = ""


_MATCHED = {
    Match.ALL: "All of these hold",
    Match.ANY: "At least one of these holds",
    Match.NONE: "None of these holds",
}


def why(session: Session, *, segment_id: int, customer_id: int) -> list[Why]:
    """Each condition of a segment with what holds for one living customer, at this moment."""
    segment, customer = session.get(Segment, segment_id), session.get(Customer, customer_id)
    if segment is None or customer is None or not is_ours(segment):
        raise NotFound
    if customer.archived_at is not None or segment.vendor_id not in (None, customer.vendor_id):
        raise NotFound
    rule = rule_of(segment)
    scope = segment_sql.scope_of(session, segment.vendor_id, rule)
    verdicts = segment_sql.verdicts(session, rule, scope, customer_id)
    names = segment_words.names_of(session, rule)
    own = scope.of(customer_id)
    return list(_lines(session, rule, own, verdicts, names, 0))


def _lines(
    session: Session,
    node: Group | Term,
    scope: Scope,
    verdicts: segment_sql.Verdicts,
    names: Names,
    depth: int,
) -> Iterator[Why]:
    holds = verdicts[node.path]
    if isinstance(node, Term):
        said = segment_words.term_said(node, names)
        value = _much(session, node, scope)
        yield Why(depth, said[:1].upper() + said[1:], holds, value, FIELDS_OF[node.field].unit)
        return
    yield Why(depth, _MATCHED[node.match], holds)
    for one in node.of:
        yield from _lines(session, one, scope, verdicts, names, depth + 1)


def _much(session: Session, term: Term, scope: Scope) -> Any:
    """How much it is for the one customer of the scope, if that can be said."""
    field = FIELDS_OF[term.field]
    if field.rows is not None:
        return session.scalar(summed(field.rows(term, scope)))
    if field.number is not None:
        number = field.number(term, scope)
        return session.scalar(select(number).where(*scope.home()))
    return None
