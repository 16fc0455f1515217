"""Signing up online: a program sells a membership for a customer, once however often it asks."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import DomainError
from app.operations import interests, memberships, renewals
from models.memberships import Membership, MembershipPeriod, MembershipPlan, PeriodKind
from models.orders import Order
from models.words import Channel


class KeyUsed(DomainError):
    sentence = "This key was used for another request: make a new one for each sign-up."
    field = "Idempotency-Key"


class SignedUp(NamedTuple):
    """What came of it: the order that is to be paid, and the membership once it has begun."""

    order: Order | None
    membership: Membership | None


def sign_up(
    session: Session,
    *,
    customer_id: int,
    plan_id: int,
    gateway: str,
    request_key: UUID,
    trial: bool = False,
) -> SignedUp:
    """Sell a plan online, or begin its trial; `gateway` is asked for the money and for renewals.

    Who has it already is renewed. The same `request_key` again, or a trial that runs already, is
    the same sign-up. Refuses `KeyUsed`, `memberships.NoTrial`, and as `renewals.sign_up` does.
    """
    if trial:
        return SignedUp(None, _trial(session, customer_id, plan_id, gateway))
    order = renewals.sign_up(
        session, customer_id=customer_id, plan_id=plan_id, gateway=gateway, request_key=request_key
    )
    if order.customer_id != customer_id or plan_id not in {line.plan_id for line in order.lines}:
        raise KeyUsed
    return SignedUp(order, _membership(session, order, plan_id))


def _trial(session: Session, customer_id: int, plan_id: int, gateway: str) -> Membership:
    plan = session.get(MembershipPlan, plan_id)
    if plan is not None:
        interests.hold(session, customer_id)  # of two at once the second one finds the first
        known = memberships.running(session, customer_id=customer_id, plan=plan)
        if known is not None and any(one.kind == PeriodKind.TRIAL for one in known.periods):
            return known
    return memberships.join(
        session, customer_id=customer_id, plan_id=plan_id, channel=Channel.ONLINE, trial=True,
        gateway=gateway,
    )  # fmt: skip


def _membership(session: Session, order: Order, plan_id: int) -> Membership | None:
    """What the order has brought, or is to renew."""
    query = (
        select(Membership)
        .join(
            MembershipPeriod,
            (MembershipPeriod.vendor_id == Membership.vendor_id)
            & (MembershipPeriod.membership_id == Membership.id),
        )
        .where(
            Membership.vendor_id == order.vendor_id, Membership.plan_id == plan_id,
            MembershipPeriod.order_id == order.id,
        )
    )  # fmt: skip
    return session.scalars(query).first()
