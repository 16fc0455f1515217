"""Memberships that rest: the days of a rest are added to the period, so none is lost."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import periods
from app.operations.customers import clean
from app.operations.moves import locked, move
from app.operations.zones import zone_of
from models.memberships import (
    MEMBERSHIP_TRANSITIONS,
    Membership,
    MembershipPeriod,
    MembershipStatus,
    PeriodStatus,
)

LONGEST_REASON = 500


class CannotRest(DomainError):
    sentence = "Its paid time is over: renew it first, then it can rest."


class EndsInThePast(DomainError):
    sentence = "A rest ends in the future: choose a later day, or none."
    field = "until"


class BeginsTooLate(DomainError):
    sentence = "By then its paid time is over: choose an earlier day to begin."
    field = "since"


class NothingRests(DomainError):
    sentence = "This membership does not rest, and no rest is planned: reload the page."


def freeze(
    session: Session,
    *,
    membership_id: int,
    since: datetime | None = None,
    until: datetime | None = None,
    reason: str | None = None,
) -> Membership:
    """Let a membership rest from now, or from `since`; by itself it goes on at `until`.

    Both are aware. While it rests it gives nothing, and what is left of it stays. Refuses
    `CannotRest`, `EndsInThePast`, `BeginsTooLate`, and what is not active.
    """
    membership, now = locked(session, Membership, membership_id), clock.now()
    begins = now if since is None else max(since, now)
    move("membership", MEMBERSHIP_TRANSITIONS, _status(membership), MembershipStatus.PAUSED)
    if membership.period_ends_at <= now:
        raise CannotRest
    if begins >= membership.period_ends_at:
        raise BeginsTooLate
    if until is not None and until <= begins:
        raise EndsInThePast
    membership.freeze_reason = clean(reason, "reason", longest=LONGEST_REASON)
    membership.frozen_from, membership.frozen_until = begins, until
    if begins <= now:
        _begin(membership)
    session.flush()  # one change, one line in the trail
    return membership


def resume(session: Session, *, membership_id: int) -> Membership:
    """Let a membership go on now; its period ends later by the days it rested.

    A rest that was only planned does not take place.
    """
    membership = locked(session, Membership, membership_id)
    if membership.status != MembershipStatus.PAUSED:
        if membership.frozen_from is None:
            raise NothingRests
        _forget(membership)
        return membership
    _go_on(session, membership, clock.now())
    session.flush()  # one change, one line in the trail
    return membership


def pass_time(session: Session, *, now: datetime, most: int = 1000) -> int:
    """Begin the rests whose day has come, and end those whose time is over; how many these were."""
    due = (
        select(Membership)
        .where(or_(Membership.frozen_from <= now, Membership.frozen_until <= now))
        .where(
            or_(
                Membership.status != MembershipStatus.PAUSED, Membership.frozen_until <= now
            )
        )
        .order_by(Membership.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )  # fmt: skip
    found = session.scalars(due).all()
    for membership in found:
        _pass(session, membership, now)
    session.flush()  # the next ones are read without these
    return len(found)


def rests_at(membership: Membership, at: datetime) -> bool:
    """Whether it rests at a moment, as far as that is known now."""
    since = membership.paused_at or membership.frozen_from
    if since is None or at < since:
        return False
    return membership.frozen_until is None or at < membership.frozen_until


def paid_until(membership: Membership, zone: str) -> datetime:
    """When its paid time is over, the rest that is planned or goes on included."""
    since, until = membership.paused_at or membership.frozen_from, membership.frozen_until
    if since is None or until is None:
        return membership.period_ends_at
    return periods.later(membership.period_ends_at, since, until, zone)


# --- behind the verbs ---------------------------------------------------------------------------


def _status(membership: Membership) -> MembershipStatus:
    return MembershipStatus(membership.status)


def _begin(membership: Membership) -> None:
    membership.status = MembershipStatus.PAUSED
    membership.paused_at, membership.frozen_from = membership.frozen_from, None


def _forget(membership: Membership) -> None:
    membership.paused_at = membership.frozen_from = membership.frozen_until = None
    membership.freeze_reason = None


def _pass(session: Session, membership: Membership, now: datetime) -> None:
    if membership.status == MembershipStatus.ACTIVE and membership.frozen_from is not None:
        if membership.period_ends_at <= membership.frozen_from:
            _forget(membership)
            return
        _begin(membership)
    if membership.status != MembershipStatus.PAUSED:
        _forget(membership)  # it ended, or was not paid
    elif membership.frozen_until is not None and membership.frozen_until <= now:
        _go_on(session, membership, membership.frozen_until)


def _go_on(session: Session, membership: Membership, at: datetime) -> None:
    """What was left when it began to rest is left now; later periods move along."""
    since, zone = membership.paused_at or at, zone_of(session, membership.vendor_id)
    membership.status = move(
        "membership", MEMBERSHIP_TRANSITIONS, _status(membership), MembershipStatus.ACTIVE
    )
    for period in _from(session, membership, since):
        if period.starts_at > since:
            period.starts_at = periods.later(period.starts_at, since, at, zone)
        period.ends_at = periods.later(period.ends_at, since, at, zone)
        if period.status == PeriodStatus.HELD:
            membership.period_starts_at = period.starts_at
            membership.period_ends_at = membership.anchor_at = period.ends_at
    _forget(membership)


def _from(session: Session, membership: Membership, since: datetime) -> list[MembershipPeriod]:
    """The periods that were not over when it began to rest."""
    query = select(MembershipPeriod).where(
        MembershipPeriod.vendor_id == membership.vendor_id,
        MembershipPeriod.membership_id == membership.id,
        MembershipPeriod.status != PeriodStatus.VOID, MembershipPeriod.ends_at > since,
    )  # fmt: skip
    return list(session.scalars(query.order_by(MembershipPeriod.number)))
