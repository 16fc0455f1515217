"""Time of a membership that was paid for and given back: it goes with its money."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.operations import memberships, rungs
from app.operations.moves import locked
from models.memberships import Membership, MembershipPeriod, MembershipStatus, PeriodStatus
from models.orders import LineKind, Order
from models.payments import Refund, RefundState


def given_back(session: Session, order: Order) -> None:
    """All money for a membership was given back: the period that it bought is taken back.

    The membership runs out with what was paid before, or, if that is over, ends at once; the
    reason of the refund says why. As long as a gateway may refuse to give it back nothing goes.
    """
    plans = _plans(order)
    if not plans or _under_way(session, order):
        return
    for period in _held(session, order, plans):
        _take(session, period, _reason(session, order))


def _plans(order: Order) -> set[int | None]:
    """The plans whose money is back, all of it."""
    whole = rungs.share_given_back(order) >= 1
    return {
        line.plan_id
        for line in order.lines
        if line.kind == LineKind.MEMBERSHIP and (whole or 0 < line.gross <= line.refunded)
    }


def _under_way(session: Session, order: Order) -> bool:
    waits = select(Refund.id).where(
        Refund.vendor_id == order.vendor_id, Refund.order_id == order.id,
        Refund.status == RefundState.PENDING,
    )  # fmt: skip
    return session.scalars(waits.limit(1)).first() is not None


def _held(
    session: Session, order: Order, plans: set[int | None]
) -> Sequence[MembershipPeriod]:  # fmt: skip
    query = (
        select(MembershipPeriod)
        .join(
            Membership,
            (Membership.vendor_id == MembershipPeriod.vendor_id)
            & (Membership.id == MembershipPeriod.membership_id),
        )
        .where(
            MembershipPeriod.vendor_id == order.vendor_id, MembershipPeriod.order_id == order.id,
            MembershipPeriod.status == PeriodStatus.HELD, Membership.plan_id.in_(plans),
        )
        .order_by(MembershipPeriod.membership_id)
    )  # fmt: skip
    return session.scalars(query).all()


def _reason(session: Session, order: Order) -> str | None:
    last = select(Refund.reason).where(
        Refund.vendor_id == order.vendor_id, Refund.order_id == order.id,
        Refund.status == RefundState.SUCCEEDED,
    )  # fmt: skip
    return session.scalars(last.order_by(Refund.id.desc()).limit(1)).first()


def _take(session: Session, period: MembershipPeriod, reason: str | None) -> None:
    membership = locked(session, Membership, period.membership_id)
    session.refresh(period)
    if period.status != PeriodStatus.HELD:
        return
    period.status = PeriodStatus.VOID
    session.flush()  # the last that is left is read below
    if membership.status == MembershipStatus.ENDED:
        return
    left = _last(session, membership)
    since = membership.paused_at or clock.now()  # while it rests no time is used up
    if left is None or left.ends_at <= since:
        memberships.end(session, membership_id=membership.id)
        membership.end_reason = reason
    elif left.ends_at < membership.period_ends_at:
        membership.period_starts_at, membership.period_ends_at = left.starts_at, left.ends_at
        membership.cancel_at_period_end, membership.end_reason = True, reason
    session.flush()  # one change, one line in the trail


def _last(session: Session, membership: Membership) -> MembershipPeriod | None:
    """The last period that the customer has."""
    query = select(MembershipPeriod).where(
        MembershipPeriod.vendor_id == membership.vendor_id,
        MembershipPeriod.membership_id == membership.id,
        MembershipPeriod.status == PeriodStatus.HELD,
    )
    return session.scalars(query.order_by(MembershipPeriod.number.desc()).limit(1)).first()
