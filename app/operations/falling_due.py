"""What falls due by time: found batch by batch, none missed while nobody looked, none done twice.

A rule remembers up to when all that fell due was found. Each look goes on from there, and a little
before it: what was written down meanwhile, by a transaction that ended late, is found too. A batch
that is found is promised in the transaction that moves on, and done side by side with others; what
was done already is known by its key, whoever did it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.operations import coming_up, happenings, rule_conditions, rule_moments
from app.operations.coming_up import Place, place_out
from app.operations.conditions import is_any
from app.operations.happenings import Happened
from app.operations.message_rules import OVERLAP
from app.operations.outbox import enqueue
from app.operations.zones import zone_of
from models.bookings import Booking
from models.customers import Customer
from models.message_rules import BY_TIME, MessageRule, RuleAction
from models.messages import Message
from models.tasks import Task
from models.vendors import Vendor, VendorStatus

FOLLOW = "tasks.happenings.follow"
BATCH = 200
"""As many as are composed in a few seconds."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A rule that may have something to do."""

    vendor_id: int
    rule_id: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: how many to tell, and from where to go on (None: that was all)."""

    found: int
    place: Place | None


def waiting(session: Session, *, now: datetime) -> list[Waiting]:
    """The rules of all open vendors for which something may have fallen due since they were asked.

    Those that only speak at a time of the day that has not come are moved on at once.
    """
    rows = session.execute(
        select(MessageRule, Vendor.time_zone)
        .join(Vendor, Vendor.id == MessageRule.vendor_id)
        .where(MessageRule.event.in_(BY_TIME), MessageRule.paused_at.is_(None))
        .where(Vendor.status == VendorStatus.ACTIVE)
        .order_by(MessageRule.vendor_id, MessageRule.id)
    ).all()
    known = [(rule, rule_moments.anchors(rule, _since(rule), now, ZoneInfo(z))) for rule, z in rows]
    idle = [rule.id for rule, between in known if between is None]
    if idle:
        _move_on(session, idle, now)
    return [Waiting(rule.vendor_id, rule.id) for rule, between in known if between is not None]


def look(
    session: Session, *, rule_id: int, now: datetime, after: Place | None = None, most: int = BATCH
) -> Looked:
    """Promise the next of what fell due for a rule up to `now`, among `most` rows.

    Nothing while somebody else is at this rule. With the last batch the rule remembers `now`.
    """
    held = select(MessageRule).where(MessageRule.id == rule_id, MessageRule.paused_at.is_(None))
    rule = session.scalars(held.with_for_update(skip_locked=True)).first()
    if rule is None:
        return Looked(0, None)
    since = _since(rule)
    rows = _rows(session, rule, since, now, after, most)
    due = _due(session, rule, since, now, rows)
    place = rows[-1][0] if len(rows) == most else None
    if due:
        enqueue(
            session, FOLLOW, vendor_id=rule.vendor_id, rule_id=rule.id, since=since.isoformat(),
            until=now.isoformat(), after=place_out(after), last=place_out(rows[-1][0]),
        )  # fmt: skip
    if place is None:
        _move_on(session, [rule.id], now)
    return Looked(len(due), place)


def follow(
    session: Session,
    *,
    rule_id: int,
    since: datetime,
    until: datetime,
    after: Place | None,
    last: Place,
) -> int:
    """Do what a look has promised, up to its `last` row, as it stands by now; how much it came to.

    What has come in between is told too, what was called off is not.
    """
    rule = session.get(MessageRule, rule_id)
    if rule is None or rule.paused_at is not None:
        return 0
    zone = ZoneInfo(zone_of(session, rule.vendor_id))
    rows = list(_up_to(session, rule, since, until, after, last))
    due = _due(session, rule, since, until, rows)
    with at_hand(session, due):
        return sum(
            happenings.follow(session, rule, happened, zone)
            for happened in due
            if rule_conditions.why_not(session, rule, happened) is None
        )


Rows = list[tuple[Place, Happened]]


def _rows(
    session: Session,
    rule: MessageRule,
    since: datetime,
    until: datetime,
    after: Place | None,
    most: int,
) -> Rows:
    """The next rows that may fall into the time."""
    zone = ZoneInfo(zone_of(session, rule.vendor_id))
    between = rule_moments.anchors(rule, since, until, zone)
    if between is None:
        return []
    return coming_up.page(session, rule, between, zone, after=after, limit=most)


def _up_to(
    session: Session,
    rule: MessageRule,
    since: datetime,
    until: datetime,
    place: Place | None,
    last: Place,
) -> Iterator[tuple[Place, Happened]]:
    """All rows up to the last that was found, however many have come in between."""
    while rows := _rows(session, rule, since, until, place, BATCH):
        for at, happened in rows:
            if _beyond(at, last):
                return
            yield at, happened
        place = rows[-1][0]
        if len(rows) < BATCH:
            return


def _beyond(place: Any, last: Any) -> bool:
    """Whether a place comes after another of the same source."""
    return bool(place > last)


def _due(
    session: Session, rule: MessageRule, since: datetime, until: datetime, rows: Rows
) -> list[Happened]:
    """What of the rows falls into the time and was not told before."""
    zone = ZoneInfo(zone_of(session, rule.vendor_id))
    due = [happened for _, happened in rows if is_due(rule, happened, zone, since, until)]
    return _new(session, rule, due)


@contextmanager
def at_hand(session: Session, due: list[Happened]) -> Iterator[list[Any]]:
    """The customers and bookings of a batch, read at once, so that each is found by its id."""
    customers = {happened.customer_id for happened in due}
    bookings = {n for happened in due if (n := happened.about.booking_id) is not None}
    held: list[Any] = []  # the session alone would let go of them
    for model, ids in ((Customer, customers), (Booking, bookings)):
        if ids:
            held += session.scalars(select(model).where(is_any(model.id, sorted(ids))))
    yield held


def is_due(
    rule: MessageRule, happened: Happened, zone: ZoneInfo, since: datetime, until: datetime
) -> bool:
    """Whether a rule speaks of it in `(since, until]`; not of what was not known by then."""
    when = rule_moments.moment(rule, happened.at, zone)
    known = happened.known_at is None or happened.known_at <= when
    return since < when <= until and known


def _since(rule: MessageRule) -> datetime:
    """From when on it is looked."""
    return rule.scanned_until - OVERLAP


def _new(session: Session, rule: MessageRule, due: list[Happened]) -> list[Happened]:
    """Those that were not told before."""
    keys = [happenings.key_of(rule, happened.occasion) for happened in due]
    if not keys:
        return []
    model = Task if rule.action == RuleAction.TASK else Message
    known = set(
        session.scalars(
            select(model.key).where(model.vendor_id == rule.vendor_id, model.key.in_(keys))
        )
    )
    return [happened for happened, key in zip(due, keys, strict=True) if key not in known]


def _move_on(session: Session, rule_ids: list[int], now: datetime) -> None:
    """Being asked is no edit of a rule."""
    session.execute(
        update(MessageRule)
        .where(MessageRule.id.in_(rule_ids), MessageRule.scanned_until < now)
        .values(scanned_until=now, updated_at=MessageRule.updated_at)
        .execution_options(synchronize_session=False)
    )
