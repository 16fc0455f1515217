"""Memberships: joined, paused, taken up again, ended."""

from datetime import datetime

from dateutil.relativedelta import relativedelta
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import interests
from app.operations.customers import still_here
from app.operations.moves import locked, move
from models.memberships import (
    MEMBERSHIP_TRANSITIONS,
    RUNNING,
    Membership,
    MembershipPlan,
    MembershipStatus,
    Period,
)
from models.words import Channel, InterestKind

LENGTHS = {
    Period.WEEK: relativedelta(weeks=1),
    Period.MONTH: relativedelta(months=1),
    Period.YEAR: relativedelta(years=1),
}


class AlreadyMember(DomainError):
    sentence = "This customer already has the membership {plan}: end it first, or choose another."


class CannotJoin(DomainError):
    sentence = "This membership cannot be joined: choose a plan that is on offer."


def join(
    session: Session, *, customer_id: int, plan_id: int, channel: Channel = Channel.WALK_IN
) -> Membership:
    """Begin a membership now; its first period lasts as long as the plan says.

    Money is no matter here: a membership that is sold is a line of an order.
    """
    customer = still_here(session, customer_id)
    if customer is None:
        raise CannotJoin("This customer is not here any more: choose one.", field="customer_id")
    plan = session.get(MembershipPlan, plan_id)
    if plan is None or plan.vendor_id != customer.vendor_id or not plan.is_active:
        raise CannotJoin(field="plan_id")
    return begin(session, customer_id, plan, channel)


def begin(session: Session, customer_id: int, plan: MembershipPlan, channel: Channel) -> Membership:
    """The same for one that was sold already, whether or not the plan is still on offer."""
    interests.hold(session, customer_id)  # two clicks cannot both find that there is none
    check_free(session, customer_id=customer_id, plan=plan)
    now = clock.now()
    membership = Membership(
        vendor_id=plan.vendor_id,
        customer_id=customer_id,
        plan_id=plan.id,
        channel=Channel(channel),
        started_at=now,
        period_starts_at=now,
        period_ends_at=now + LENGTHS[Period(plan.period)],
    )
    session.add(membership)
    session.flush()  # the id
    _remember(session, membership)
    return membership


def check_free(session: Session, *, customer_id: int, plan: MembershipPlan) -> None:
    """Refuse with `AlreadyMember` if the customer's membership in the plan is running."""
    running = select(Membership.id).where(
        Membership.vendor_id == plan.vendor_id,
        Membership.customer_id == customer_id,
        Membership.plan_id == plan.id,
        Membership.status.in_(RUNNING),
    )
    if session.scalars(running.limit(1)).first() is not None:
        raise AlreadyMember(plan=plan.name)


def pause(session: Session, *, membership_id: int) -> Membership:
    """Let a membership rest; the days it rests are added to its period when it goes on."""
    membership = _moved(session, membership_id, MembershipStatus.PAUSED)
    membership.paused_at = clock.now()
    return membership


def resume(session: Session, *, membership_id: int) -> Membership:
    """Let a paused membership go on; its period ends later by the time it rested."""
    membership = _moved(session, membership_id, MembershipStatus.ACTIVE)
    if membership.paused_at is not None:
        membership.period_ends_at += clock.now() - membership.paused_at
        membership.paused_at = None
    return membership


def end(session: Session, *, membership_id: int, at_period_end: bool = False) -> Membership:
    """End a membership now, or let it run out with its period."""
    if at_period_end:
        membership = locked(session, Membership, membership_id)
        move("membership", MEMBERSHIP_TRANSITIONS, _status(membership), MembershipStatus.ENDED)
        membership.cancel_at_period_end = True
        return membership
    membership = _moved(session, membership_id, MembershipStatus.ENDED)
    membership.ended_at = clock.now()
    return membership


def end_run_out(session: Session, *, now: datetime) -> int:
    """End the memberships that were to run out with their period; how many these were."""
    due = (
        select(Membership)
        .where(
            Membership.cancel_at_period_end,
            Membership.status.in_(RUNNING),
            Membership.status != MembershipStatus.PAUSED,
            Membership.period_ends_at <= now,
        )
        .order_by(Membership.id)
        .with_for_update(skip_locked=True)
    )
    ended = session.scalars(due).all()
    for membership in ended:
        membership.status, membership.ended_at = MembershipStatus.ENDED, membership.period_ends_at
    return len(ended)


def _remember(session: Session, membership: Membership) -> None:
    interests.record(
        session,
        customer_id=membership.customer_id,
        kind=InterestKind.MEMBERSHIP,
        item_id=membership.plan_id,
        category_id=None,
        times=1,
        spent=interests.NOTHING,
        at=membership.started_at,
    )


def _status(membership: Membership) -> MembershipStatus:
    return MembershipStatus(membership.status)


def _moved(session: Session, membership_id: int, to: MembershipStatus) -> Membership:
    membership = locked(session, Membership, membership_id)
    membership.status = move("membership", MEMBERSHIP_TRANSITIONS, _status(membership), to)
    return membership
