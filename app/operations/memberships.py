"""Memberships: joined, renewed, frozen, taken up again, ended.

What the customer has are periods: the last one that is theirs stands on the membership.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import REFUSALS, DomainError
from app.operations import happenings, interests, periods
from app.operations.customers import still_here
from app.operations.moves import locked, move
from app.operations.zones import zone_of
from models.memberships import (
    GOING_ON,
    MEMBERSHIP_TRANSITIONS,
    RUNNING,
    Membership,
    MembershipPeriod,
    MembershipPlan,
    MembershipStatus,
    Period,
    PeriodKind,
    PeriodStatus,
)
from models.messages import MessageEvent as Event
from models.orders import Order
from models.payments import Payment, PaymentState
from models.words import Channel, InterestKind


class AlreadyMember(DomainError):
    sentence = "This customer already has the membership {plan}: end it first, or choose another."


class CannotJoin(DomainError):
    sentence = "This membership cannot be joined: choose a plan that is on offer."


class RenewalStands(DomainError):
    sentence = "Its renewal stands on {order} already: take the money there, or cancel that order."
    field = "lines"


class NoTrial(DomainError):
    sentence = "This customer has had this membership before: a trial is for the first time."
    field = "plan_id"


class _RenewedAtOnce(DomainError):
    sentence = "Somebody renewed this membership at the same moment: reload the page."


REFUSALS["uq_membership_periods_number"] = _RenewedAtOnce


def join(
    session: Session,
    *,
    customer_id: int,
    plan_id: int,
    channel: Channel = Channel.WALK_IN,
    trial: bool = False,
    gateway: str | None = None,
) -> Membership:
    """Begin a membership now; its first period lasts as long as the plan says, or its trial.

    Money is no matter here: a membership that is sold is a line of an order. Without a `gateway`
    its renewals are paid at the counter. Refuses `AlreadyMember`, `CannotJoin`, `NoTrial`.
    """
    customer = still_here(session, customer_id)
    if customer is None:
        raise CannotJoin("This customer is not here any more: choose one.", field="customer_id")
    plan = session.get(MembershipPlan, plan_id)
    if plan is None or plan.vendor_id != customer.vendor_id or not plan.is_active:
        raise CannotJoin(field="plan_id")
    kind = PeriodKind.TRIAL if trial else PeriodKind.FREE
    return begin(session, customer_id, plan, channel, kind=kind, gateway=gateway)


def begin(
    session: Session,
    customer_id: int,
    plan: MembershipPlan,
    channel: Channel,
    *,
    kind: PeriodKind = PeriodKind.FREE,
    order_id: int | None = None,
    gateway: str | None = None,
) -> Membership:
    """The same for one that was sold already, whether or not the plan is still on offer."""
    interests.hold(session, customer_id)  # two clicks cannot both find that there is none
    if running(session, customer_id=customer_id, plan=plan) is not None:
        raise AlreadyMember(plan=plan.name)
    now = clock.now()
    ends = periods.end(now, Period(plan.period), now, zone_of(session, plan.vendor_id))
    if kind == PeriodKind.TRIAL:
        _check_trial(session, customer_id, plan)
        ends = now + timedelta(days=plan.trial_days or 0)
    membership = Membership(
        vendor_id=plan.vendor_id,
        customer_id=customer_id,
        plan_id=plan.id,
        channel=Channel(channel),
        status=MembershipStatus.TRIALING if kind == PeriodKind.TRIAL else MembershipStatus.ACTIVE,
        started_at=now,
        anchor_at=ends if kind == PeriodKind.TRIAL else now,
        period_starts_at=now,
        period_ends_at=ends,
        gateway=gateway,
    )
    session.add(membership)
    session.flush()  # the id
    _add_period(session, membership, now, ends, kind, PeriodStatus.HELD, order_id)
    _remember(session, membership)
    return membership


def running(session: Session, *, customer_id: int, plan: MembershipPlan) -> Membership | None:
    """The customer's membership in the plan that has not ended, if there is one."""
    query = select(Membership).where(
        Membership.vendor_id == plan.vendor_id,
        Membership.customer_id == customer_id,
        Membership.plan_id == plan.id,
        Membership.status.in_(RUNNING),
    )
    return session.scalars(query.order_by(Membership.id).limit(1)).first()


# --- renewed ------------------------------------------------------------------------------------


def sell(
    session: Session,
    *,
    order_id: int,
    customer_id: int,
    plan_id: int,
    membership_id: int | None = None,
    again: bool = False,
) -> MembershipPeriod | None:
    """An order with a plan is placed: who has that membership, or names theirs, has it renewed.

    None where it begins with the order. `again`: the order has the plan twice, which is refused.
    """
    plan = session.get_one(MembershipPlan, plan_id)
    if again:
        raise AlreadyMember(
            f"{plan.name} stands on this order twice: remove one of the two.", field="lines"
        )
    found = running(session, customer_id=customer_id, plan=plan)
    if membership_id is not None and (found is None or found.id != membership_id):
        raise CannotJoin("The membership to renew is not theirs, or has ended.", field="lines")
    return None if found is None else bill(session, membership_id=found.id, order_id=order_id)


def bill(session: Session, *, membership_id: int, order_id: int) -> MembershipPeriod:
    """The next period is what this order sells; it is the customer's once that is paid.

    Of a membership that rests, too: it begins when what is left of the last one is over. Refuses
    `RenewalStands` while another order is to be paid for it.
    """
    membership = locked(session, Membership, membership_id)
    if membership.status == MembershipStatus.ENDED:
        raise CannotJoin("This membership has ended: sell a new one.", field="lines")
    open_period = due_of(session, membership)
    if open_period is not None:
        if open_period.order_id == order_id:
            return open_period
        other = session.get(Order, open_period.order_id) if open_period.order_id else None
        raise RenewalStands(order=str(other or "an order").lower())
    starts = membership.period_ends_at
    ends = periods.end(
        membership.anchor_at, Period(membership.plan.period), starts,
        zone_of(session, membership.vendor_id),
    )  # fmt: skip
    return _add_period(
        session, membership, starts, ends, PeriodKind.SOLD, PeriodStatus.DUE, order_id
    )


def due_of(session: Session, membership: Membership) -> MembershipPeriod | None:
    """The period that is to be paid, if there is one."""
    query = select(MembershipPeriod).where(
        MembershipPeriod.vendor_id == membership.vendor_id,
        MembershipPeriod.membership_id == membership.id,
        MembershipPeriod.status == PeriodStatus.DUE,
    )
    return session.scalars(query.execution_options(populate_existing=True)).first()


def due_by(session: Session, *, vendor_id: int, order_id: int) -> list[MembershipPeriod]:
    """The periods that an order sells and that are not paid yet."""
    query = select(MembershipPeriod).where(
        MembershipPeriod.vendor_id == vendor_id, MembershipPeriod.order_id == order_id,
        MembershipPeriod.status == PeriodStatus.DUE,
    )  # fmt: skip
    return list(session.scalars(query.order_by(MembershipPeriod.membership_id)))


def take_up(session: Session, *, period_id: int) -> Membership:
    """A period that was due is the customer's: the membership goes on with it. Twice is once."""
    period = session.get_one(MembershipPeriod, period_id)
    membership = locked(session, Membership, period.membership_id)
    session.refresh(period)
    if period.status != PeriodStatus.DUE:
        return membership
    period.status, period.next_try_at = PeriodStatus.HELD, None
    membership.period_starts_at, membership.period_ends_at = period.starts_at, period.ends_at
    if membership.status in (MembershipStatus.TRIALING, MembershipStatus.PAST_DUE):
        membership.status = MembershipStatus.ACTIVE
    session.flush()  # one change, one line in the trail
    _tell(session, membership, Event.MEMBERSHIP_RENEWED, f"membership_period:{period.id}")
    return membership


def paid(session: Session, *, vendor_id: int, order_id: int) -> list[Membership]:
    """The order is paid: the periods that it sells are the customer's from now on."""
    found = due_by(session, vendor_id=vendor_id, order_id=order_id)
    return [take_up(session, period_id=period.id) for period in found]


def hand_over(
    session: Session, *, order_id: int, customer_id: int, plan: MembershipPlan, channel: Channel
) -> Membership:
    """A membership that was sold begins, or goes on where the customer has one; once an order.

    What a gateway paid for is renewed by it, unless somebody says otherwise.
    """
    sold = select(MembershipPeriod).join(
        Membership,
        (Membership.vendor_id == MembershipPeriod.vendor_id)
        & (Membership.id == MembershipPeriod.membership_id),
    )
    mine = session.scalars(
        sold.where(
            MembershipPeriod.vendor_id == plan.vendor_id, MembershipPeriod.order_id == order_id,
            MembershipPeriod.status != PeriodStatus.VOID, Membership.plan_id == plan.id,
        )
    ).first()  # fmt: skip
    if mine is None:
        interests.hold(session, customer_id)
        has = running(session, customer_id=customer_id, plan=plan)
        if has is None:
            return begin(
                session, customer_id, plan, channel, kind=PeriodKind.SOLD, order_id=order_id,
                gateway=_paid_by(session, plan.vendor_id, order_id),
            )  # fmt: skip
        mine = bill(session, membership_id=has.id, order_id=order_id)
    return take_up(session, period_id=mine.id)


def let_go(session: Session, *, vendor_id: int, order_id: int) -> None:
    """The order was called off: what it would have sold is not asked for again.

    The membership runs out with what was paid; the caller holds the order.
    """
    for period in due_by(session, vendor_id=vendor_id, order_id=order_id):
        membership = locked(session, Membership, period.membership_id)
        period.status, period.next_try_at = PeriodStatus.VOID, None
        if membership.period_ends_at <= clock.now():
            membership.cancel_at_period_end = True
    session.flush()  # another order may sell it from now on


# --- ended --------------------------------------------------------------------------------------


def end(session: Session, *, membership_id: int, at_period_end: bool = False) -> Membership:
    """End a membership now, or let it run out with its period.

    What it would have to pay next is not due any more.
    """
    membership = locked(session, Membership, membership_id)
    ended = move("membership", MEMBERSHIP_TRANSITIONS, _status(membership), MembershipStatus.ENDED)
    if at_period_end:
        membership.cancel_at_period_end = True
        return membership
    _end(session, membership, clock.now())
    membership.status = ended
    return membership


def keep(session: Session, *, membership_id: int) -> Membership:
    """Let a membership that was to run out go on being renewed."""
    membership = locked(session, Membership, membership_id)
    if membership.status == MembershipStatus.ENDED:
        raise CannotJoin("This membership has ended: sell a new one.")
    membership.cancel_at_period_end, membership.end_reason = False, None
    return membership


def end_run_out(session: Session, *, now: datetime, most: int = 1000) -> int:
    """End the memberships that were to run out with their period; how many these were."""
    due = (
        select(Membership)
        .where(
            Membership.cancel_at_period_end,
            Membership.status.in_(GOING_ON),
            Membership.period_ends_at <= now,
        )
        .order_by(Membership.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    ended = session.scalars(due).all()
    for membership in ended:
        _end(session, membership, membership.period_ends_at)
    session.flush()  # the next ones are read without these
    return len(ended)


# --- behind the verbs ---------------------------------------------------------------------------


def _end(session: Session, membership: Membership, at: datetime) -> None:
    membership.status, membership.ended_at = MembershipStatus.ENDED, at
    membership.paused_at = membership.frozen_from = membership.frozen_until = None
    due = due_of(session, membership)
    if due is not None:
        due.status, due.next_try_at = PeriodStatus.VOID, None
    session.flush()  # it has ended for whoever is told of it
    _tell(session, membership, Event.MEMBERSHIP_ENDED)


def _tell(
    session: Session, membership: Membership, event: Event, occasion: str | None = None
) -> None:
    happenings.tell(
        session, event, customer_id=membership.customer_id, membership_id=membership.id,
        occasion=occasion,
    )  # fmt: skip


def tell_failed(session: Session, membership: Membership, period: MembershipPeriod) -> None:
    """The rules of the house hear that a period is not paid, once each time it is asked for."""
    occasion = f"membership_period:{period.id}:{period.tries}"
    _tell(session, membership, Event.MEMBERSHIP_FAILED, occasion)


def _paid_by(session: Session, vendor_id: int, order_id: int) -> str | None:
    """The gateway that paid for an order: it is asked for the renewals, too."""
    query = select(Payment.gateway).where(
        Payment.vendor_id == vendor_id, Payment.order_id == order_id,
        Payment.status == PaymentState.CAPTURED, Payment.gateway.is_not(None),
    )  # fmt: skip
    return session.scalars(query.order_by(Payment.id.desc()).limit(1)).first()


def _check_trial(session: Session, customer_id: int, plan: MembershipPlan) -> None:
    if plan.trial_days is None:
        raise CannotJoin("This plan has no trial: join it, or sell it.", field="plan_id")
    before = select(Membership.id).where(
        Membership.vendor_id == plan.vendor_id, Membership.customer_id == customer_id,
        Membership.plan_id == plan.id,
    )  # fmt: skip
    if session.scalars(before.limit(1)).first() is not None:
        raise NoTrial


def _add_period(
    session: Session,
    membership: Membership,
    starts: datetime,
    ends: datetime,
    kind: PeriodKind,
    status: PeriodStatus,
    order_id: int | None,
) -> MembershipPeriod:
    last = select(func.max(MembershipPeriod.number)).where(
        MembershipPeriod.vendor_id == membership.vendor_id,
        MembershipPeriod.membership_id == membership.id,
        MembershipPeriod.status != PeriodStatus.VOID,
    )
    period = MembershipPeriod(
        vendor_id=membership.vendor_id, membership_id=membership.id,
        number=(session.scalar(last) or 0) + 1, kind=kind, status=status, starts_at=starts,
        ends_at=ends, order_id=order_id,
    )  # fmt: skip
    session.add(period)
    session.flush()  # the id; of two at once the database lets one
    return period


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
