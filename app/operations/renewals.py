"""Renewals: what is due becomes an order, is paid at the counter or by a gateway, or ends.

A gateway is asked on the day and again after each of `RETRIES` days; the counter has `AT_COUNTER`.
Of a membership that nobody paid for then, the order is called off and the membership ends with
what was paid. Each verb stands for one membership, so that one that fails holds up no other.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from app.operations import memberships, orders, payments
from app.operations.lines import DraftLine
from app.operations.moves import locked
from models.memberships import (
    GOING_ON,
    Membership,
    MembershipPeriod,
    MembershipStatus,
    PeriodStatus,
)
from models.orders import LineKind, Order, OrderStatus
from models.payments import Payment, PaymentState, Tender
from models.words import Channel

RETRIES = (1, 3, 5)
"""Days after which a gateway is asked again; after the last it has as many again."""
AT_COUNTER = timedelta(days=14)
KEY = UUID("3b6d2f0e-6a0f-4d0e-9c6b-1f6f9d1f7b52")
UNPAID = "The membership was not paid"
WAITING = (PaymentState.PENDING, PaymentState.AUTHORISED)


class NotRenewed(DomainError):
    sentence = "This membership has ended: sell a new one."


def due(session: Session, *, now: datetime, most: int = 500) -> list[int]:
    """The memberships whose paid time is over and that are to go on, without an order for it."""
    query = (
        select(Membership.id)
        .where(
            Membership.status.in_(GOING_ON), Membership.period_ends_at <= now,
            ~Membership.cancel_at_period_end, ~_is_billed(),
        )
        .order_by(Membership.period_ends_at, Membership.id)
        .limit(most)
    )  # fmt: skip
    return list(session.scalars(query))


def bill(session: Session, *, membership_id: int) -> Order | None:
    """Make the order of a membership that is due, and ask its gateway for it; twice is once.

    None where nothing is due. What costs nothing is renewed with it.
    """
    membership = locked(session, Membership, membership_id)
    now = clock.now()
    over = membership.period_ends_at <= now and membership.status in GOING_ON
    if not over or membership.cancel_at_period_end or memberships.due_of(session, membership):
        return None
    order = _order(session, membership)
    period = memberships.due_of(session, membership)
    if order.total == 0 or period is None:
        return orders.complete(session, order_id=order.id)
    membership.status = MembershipStatus.PAST_DUE
    period.next_try_at = now + AT_COUNTER
    if membership.gateway is not None:
        _ask(session, membership, period)
    else:
        memberships.tell_failed(session, membership, period)  # nobody has paid for it yet
    session.flush()  # one change, one line in the trail
    return order


def to_collect(session: Session, *, now: datetime, most: int = 500) -> list[int]:
    """The periods whose payment is asked for again, or waited for no longer."""
    query = (
        select(MembershipPeriod.id)
        .where(MembershipPeriod.status == PeriodStatus.DUE, MembershipPeriod.next_try_at <= now)
        .order_by(MembershipPeriod.next_try_at, MembershipPeriod.id)
        .limit(most)
    )
    return list(session.scalars(query))


def collect(session: Session, *, period_id: int) -> MembershipPeriod:
    """Ask the gateway of an unpaid period again, or end the membership that was not paid for.

    As long as a payment is under way nothing is decided.
    """
    period, order = _held(session, period_id)
    membership = locked(session, Membership, period.membership_id)
    now = clock.now()
    late = period.next_try_at is not None and period.next_try_at <= now
    if period.status != PeriodStatus.DUE or not late:
        return period
    if _under_way(session, order):
        period.next_try_at = now + timedelta(days=1)
    elif membership.gateway is not None and period.tries <= len(RETRIES):
        memberships.tell_failed(session, membership, period)
        _ask(session, membership, period)
    else:
        _give_up(session, order, membership)
    session.flush()  # the next ones are read without it
    return period


def renew(
    session: Session,
    *,
    membership_id: int,
    tender: str | None = None,
    reference: str | None = None,
    request_key: UUID | None = None,
) -> Order:
    """Renew a membership for one more period, early or late, paid at the counter with `tender`.

    Without a tender its order is placed and stays due. Early, the new period begins where the paid
    time ends. The same `request_key` again is the same renewal.
    """
    known = None if request_key is None else orders.known(session, request_key)
    if known is not None:
        return known
    membership = session.get(Membership, membership_id)
    if membership is None:
        raise NotFound
    period = memberships.due_of(session, membership)
    if period is None or period.order_id is None:
        membership = locked(session, Membership, membership_id)
        if membership.status == MembershipStatus.ENDED:
            raise NotRenewed
        order = _order(session, membership, request_key)
    else:
        order = locked(session, Order, period.order_id)
    if order.total and tender is not None:
        payments.charge(
            session, order_id=order.id, tender=Tender(tender), reference=reference
        )  # fmt: skip
    if order.total == 0 or tender is not None:
        finish(session, order_id=order.id)
    return order


def sign_up(
    session: Session,
    *,
    customer_id: int,
    plan_id: int,
    gateway: str,
    channel: Channel = Channel.ONLINE,
    request_key: UUID | None = None,
) -> Order:
    """Sell a plan that a gateway is asked to pay for, such as online; it begins once it is paid.

    The gateway is asked for its renewals, too. With a trial it begins by `memberships.join`. Who
    has it already is renewed. The same `request_key` again is the same order.
    """
    known = None if request_key is None else orders.known(session, request_key)
    if known is not None:
        return known
    draft = orders.save_draft(
        session, lines=[DraftLine(LineKind.MEMBERSHIP, plan_id)], customer_id=customer_id,
        channel=channel, request_key=request_key,
    )  # fmt: skip
    order = orders.place(session, order_id=draft.id)
    if not order.total:
        return orders.complete(session, order_id=order.id)
    payments.ask(session, order_id=order.id, gateway=gateway)
    return order


def finish(session: Session, *, order_id: int) -> Order:
    """Complete an order that sold memberships and is paid, as nothing is left to hand over."""
    order = locked(session, Order, order_id)
    session.refresh(order)
    goods = any(line.kind != LineKind.MEMBERSHIP for line in order.lines)
    if order.status == OrderStatus.PLACED and not goods and payments.due(order) <= 0:
        orders.complete(session, order_id=order.id)
    return order


def end_now(session: Session, *, membership_id: int) -> Membership:
    """End a membership now; the order of a renewal that nobody has paid for is called off."""
    found = session.get(Membership, membership_id)
    if found is None:
        raise NotFound
    period = memberships.due_of(session, found)
    if period is not None and period.order_id is not None:
        order = locked(session, Order, period.order_id)
        alone = all(line.kind == LineKind.MEMBERSHIP for line in order.lines)
        if order.status == OrderStatus.PLACED and alone and not order.paid:
            orders.cancel(session, order_id=order.id, reason="The membership was ended")
    return memberships.end(session, membership_id=membership_id)


# --- behind the verbs ---------------------------------------------------------------------------


def _is_billed() -> ColumnElement[bool]:
    return (
        select(MembershipPeriod.id)
        .where(
            MembershipPeriod.vendor_id == Membership.vendor_id,
            MembershipPeriod.membership_id == Membership.id,
            MembershipPeriod.status == PeriodStatus.DUE,
        )
        .exists()
    )


def _order(session: Session, membership: Membership, request_key: UUID | None = None) -> Order:
    """A placed order of the next period, at what the plan costs today."""
    line = DraftLine(
        LineKind.MEMBERSHIP, membership.plan_id, membership_id=membership.id
    )  # fmt: skip
    draft = orders.save_draft(
        session, lines=[line], customer_id=membership.customer_id,
        channel=Channel(membership.channel), request_key=request_key,
    )  # fmt: skip
    return orders.place(session, order_id=draft.id)


def _ask(session: Session, membership: Membership, period: MembershipPeriod) -> None:
    """Ask once more; the same try twice asks nothing new."""
    if period.order_id is None or membership.gateway is None:
        return
    pause = RETRIES[min(period.tries, len(RETRIES) - 1)]
    period.tries += 1
    period.next_try_at = clock.now() + timedelta(days=pause)
    payments.ask(
        session, order_id=period.order_id, gateway=membership.gateway,
        request_key=uuid5(KEY, f"{period.id}:{period.tries}"),
    )  # fmt: skip


def _held(session: Session, period_id: int) -> tuple[MembershipPeriod, Order]:
    """A period and its order: the order is held first, as whoever pays does."""
    period = session.get(MembershipPeriod, period_id)
    if period is None or period.order_id is None:
        raise NotFound
    order = locked(session, Order, period.order_id)
    session.refresh(period)
    return period, order


def _under_way(session: Session, order: Order) -> bool:
    query = select(Payment.id).where(
        Payment.vendor_id == order.vendor_id, Payment.order_id == order.id,
        Payment.status.in_(WAITING),
    )  # fmt: skip
    return session.scalars(query.limit(1)).first() is not None


def _give_up(session: Session, order: Order, membership: Membership) -> None:
    """Nobody paid: it ends with the time that was paid for."""
    ends = membership.period_ends_at
    if order.status == OrderStatus.PLACED and not order.paid:
        orders.cancel(session, order_id=order.id, reason=UNPAID)
    memberships.end(session, membership_id=membership.id)
    membership.ended_at = min(ends, clock.now())
