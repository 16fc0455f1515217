"""How often a coupon can be used: in all, under one code, by one person; under its lock."""

import hashlib
from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from app import clock
from app.contact import mailbox
from app.errors import REFUSALS, DomainError
from app.operations.coupon_codes import Used
from models.coupons import COUNTING, Coupon, CouponCode, CouponRedemption, RedemptionStatus
from models.customers import Customer
from models.orders import Order


class UsedUp(DomainError):
    sentence = "{code} is used up: remove it."
    field = "codes"


class UsedBefore(DomainError):
    sentence = "{who} has used {code} as often as one may: remove it."


REFUSALS |= {
    "ck_coupons_redeemed_within_limit": type(
        "OfferUsedUp", (UsedUp,), {"sentence": "This offer is used up: remove it, and try again."}
    ),
    "ck_coupon_codes_redeemed_within_limit": type(
        "CodeUsedUp", (UsedUp,), {"sentence": "This code is used up: remove it, and try again."}
    ),
}


def locked(session: Session, ids: Iterable[int]) -> dict[int, Coupon]:
    """These coupons as they stand now, held until the transaction ends."""
    wanted = sorted(ids)
    if not wanted:
        return {}
    rows = (
        select(Coupon)
        .where(Coupon.id.in_(wanted))
        .order_by(Coupon.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {one.id: one for one in session.scalars(rows)}


def let_lapse(session: Session, used: Used, order: Order) -> None:
    """What other drafts have held for too long is free again, where it matters."""
    one = used.coupon
    limited = (
        one.max_redemptions or one.max_per_customer or (used.code and used.code.max_redemptions)
    )
    if limited:
        of_others = CouponRedemption.order_id != order.id
        lapse(session, and_(CouponRedemption.coupon_id == one.id, of_others))
        session.refresh(one, ["redeemed", "held"])
        if used.code is not None:
            session.refresh(used.code, ["redeemed", "held"])


def lapse(session: Session, which: ColumnElement[bool]) -> int:
    """Let go of those of these that were held for too long; how many these were."""
    gone = (
        update(CouponRedemption)
        .where(which, CouponRedemption.status == RedemptionStatus.HELD)
        .where(CouponRedemption.held_until <= clock.now())
        .values(status=RedemptionStatus.RELEASED, held_until=None, ended_at=clock.now())
        .returning(CouponRedemption.id)
    )
    return len(session.scalars(gone, execution_options={"synchronize_session": False}).all())


def check_left(session: Session, order: Order, used: Used) -> None:
    """Refuse at its place what is used up, in all or by this customer."""
    customer = None if order.customer_id is None else session.get(Customer, order.customer_id)
    refused = full(session, order, used, customer)
    if refused is not None:
        refused.field = used.field
        raise refused


def full(
    session: Session, order: Order, used: Used, customer: Customer | None
) -> DomainError | None:
    """Why there is none left for this order, if so: in all, or for this customer."""
    named = [one for one in (used.coupon, used.code) if one is not None]
    limits = [(one, one.max_redemptions) for one in named if one.max_redemptions is not None]
    own = _counting(session, order, used.coupon) if limits and order.id is not None else None
    for limited, most in limits:
        mine = own is not None and (limited is used.coupon or _same(own, used))
        others = limited.redeemed + limited.held - mine
        if others >= most and others - _lapsed(session, order, limited) >= most:
            return UsedUp(code=used.said)
    each = used.coupon.max_per_customer
    if customer is None or each is None or _used_by(session, order, used.coupon, customer) < each:
        return None
    return UsedBefore(code=used.said, who=customer.name)


def _counting(session: Session, order: Order, coupon: Coupon) -> CouponRedemption | None:
    """What the order itself has of the coupon: that is not in its own way."""
    mine = select(CouponRedemption).where(
        CouponRedemption.vendor_id == order.vendor_id, CouponRedemption.order_id == order.id,
        CouponRedemption.coupon_id == coupon.id, CouponRedemption.status.in_(COUNTING),
    )  # fmt: skip
    return session.scalars(mine).first()


def _same(own: CouponRedemption, used: Used) -> bool:
    return used.code is not None and own.code_id == used.code.id


def _lapsed(session: Session, order: Order, limited: Coupon | CouponCode) -> int:
    """How many are held by other drafts for too long: they can be had."""
    key = CouponRedemption.coupon_id if isinstance(limited, Coupon) else CouponRedemption.code_id
    others = select(func.count()).where(
        CouponRedemption.vendor_id == order.vendor_id, key == limited.id,
        CouponRedemption.status == RedemptionStatus.HELD,
        CouponRedemption.held_until <= clock.now(),
        CouponRedemption.order_id.is_distinct_from(order.id),
    )  # fmt: skip
    return session.scalars(others).one()


def _used_by(session: Session, order: Order, coupon: Coupon, customer: Customer) -> int:
    """How often a person has it on other orders, whichever of their files it was."""
    phones = [digest("phone", one) for one in (customer.phone, customer.phone_2) if one]
    theirs = [CouponRedemption.customer_id == customer.id]
    if customer.email:
        theirs.append(CouponRedemption.email_key == digest("email", mailbox(customer.email)))
    if phones:
        theirs.append(CouponRedemption.phone_key.in_(phones))
    held_now = CouponRedemption.held_until > clock.now()
    counting = or_(CouponRedemption.status == RedemptionStatus.REDEEMED, held_now)
    count = select(func.count()).where(
        CouponRedemption.vendor_id == order.vendor_id, CouponRedemption.coupon_id == coupon.id,
        or_(*theirs), counting, CouponRedemption.order_id.is_distinct_from(order.id),
    )  # fmt: skip
    return session.scalars(count).one()


def digest(kind: str, address: str) -> str:
    """A word that is the same for the same address, which itself is not kept here."""
    return hashlib.blake2s(f"{kind} {address}".encode(), digest_size=16).hexdigest()
