"""What falls due by time: found batch by batch, none missed while nobody looked, none done twice.

A rule remembers up to when all that fell due was done. Each scan goes on from there, and a little
before it: what was written down meanwhile, by a transaction that ended late, is found too. What
was done already is known by its key, whoever did it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.operations import coming_up, happenings, rule_conditions, rule_moments
from app.operations.coming_up import Place
from app.operations.happenings import Happened
from app.operations.message_rules import OVERLAP
from app.operations.zones import zone_of
from models.message_rules import BY_TIME, MessageRule, RuleAction
from models.messages import Message
from models.tasks import Task
from models.vendors import Vendor, VendorStatus

log = logging.getLogger(__name__)

BATCH = 500


@dataclass(frozen=True, slots=True)
class Waiting:
    """A rule that may have something to do."""

    vendor_id: int
    rule_id: int


@dataclass(frozen=True, slots=True)
class Done:
    """What a batch did: how many messages and tasks, and from where to go on (None: all done)."""

    acted: int
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


def batch(
    session: Session, *, rule_id: int, now: datetime, after: Place | None = None, most: int = BATCH
) -> Done:
    """Do the next of what fell due for a rule up to `now`, `most` rows of it.

    Nothing while somebody else is at this rule. With the last batch the rule remembers `now`.
    """
    held = select(MessageRule).where(MessageRule.id == rule_id, MessageRule.paused_at.is_(None))
    rule = session.scalars(held.with_for_update(skip_locked=True)).first()
    if rule is None:
        return Done(0, None)
    zone, since = ZoneInfo(zone_of(session, rule.vendor_id)), _since(rule)
    between = rule_moments.anchors(rule, since, now, zone)
    rows = (
        []
        if between is None
        else coming_up.page(session, rule, between, zone, after=after, limit=most)
    )
    due = [happened for _, happened in rows if is_due(rule, happened, zone, since, now)]
    acted = sum(
        happenings.follow(session, rule, happened, zone)
        for happened in _new(session, rule, due)
        if rule_conditions.why_not(session, rule, happened) is None
    )
    if len(rows) == most:
        return Done(acted, rows[-1][0])
    _move_on(session, [rule.id], now)
    return Done(acted, None)


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
