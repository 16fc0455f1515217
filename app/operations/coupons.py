"""Coupons and offers on orders: held with a draft, redeemed with its placing, given up, reversed.

Whoever holds or redeems a coupon holds its row first, several in the order of their ids: so nobody
counts what another is about to take. A limit is the database's decision all the same.
"""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app import clock
from app.contact import mailbox
from app.operations import coupon_choice, coupon_limits, prices
from app.operations.cheaper import HUNDRED
from app.operations.coupon_codes import Used, typed_on
from app.operations.coupon_limits import check_left, digest, let_lapse, locked
from app.operations.prices import NOTHING, as_money
from app.operations.rungs import Asked, Benefit, Rung, share_given_back
from models.coupons import COUNTING, Coupon, CouponRedemption, RedemptionStatus
from models.customers import Customer
from models.orders import Order, OrderStatus

HELD_FOR = timedelta(hours=1)
"""So long a draft keeps what it holds; then others may have it, if they come first."""


def hold(session: Session, order: Order, asked: Asked) -> None:
    """Hold what the draft's lines say they used; what it held before and does not use is let go.

    Raises `UsedUp` and `UsedBefore`, whoever was faster.
    """
    taken = taken_off(order)
    held, rows = _own(session, order, taken)
    by_code = {used.coupon.id: used for used in typed_on(session, order.vendor_id, asked.codes)}
    for coupon_id in sorted(held):
        coupon, row = held[coupon_id], rows.get(coupon_id)
        if coupon_id not in taken:
            _end(row)
            continue
        used = by_code.get(coupon_id, Used(coupon))
        row = row or CouponRedemption(
            vendor_id=order.vendor_id, coupon_id=coupon_id, order_id=order.id
        )
        row.code_id = None if used.code is None else used.code.id
        _describe(session, row, order, coupon, taken[coupon_id])
        let_lapse(session, used, order)
        check_left(session, order, used)
        row.status, row.held_until, row.ended_at = (
            RedemptionStatus.HELD, clock.now() + HELD_FOR, None,
        )  # fmt: skip
        session.add(row)
    session.flush()  # the database counts, or says that it is one too many


def redeem(session: Session, order: Order) -> None:
    """Use up what the placed order held; what was given to others meanwhile is looked for anew."""
    taken = taken_off(order)
    if not taken:
        return
    held, rows = _own(session, order, taken)
    for coupon_id in sorted(taken):
        row = rows[coupon_id]
        if row.status not in COUNTING:
            used = Used(held[coupon_id], row.code)
            let_lapse(session, used, order)
            check_left(session, order, used)
        if row.status != RedemptionStatus.REDEEMED:
            row.status, row.held_until, row.ended_at = RedemptionStatus.REDEEMED, None, None
            row.redeemed_at = clock.now()
    session.flush()  # the database counts, or says that it is one too many


def release(session: Session, order: Order) -> None:
    """The order is called off: what it held or used up can be had again."""
    _, rows = _own(session, order)
    for row in rows.values():
        _end(row)
    session.flush()  # others may have it from now on


def given_back(session: Session, order: Order) -> None:
    """All money given back frees what was used up; part of it does not.

    Where a gateway could not give it back after all, it is used up again, if it is still there.
    """
    if order.status == OrderStatus.CANCELLED:
        return
    whole = share_given_back(order) >= 1
    held, rows = _own(session, order)
    for coupon_id, row in rows.items():
        if whole and row.status == RedemptionStatus.REDEEMED:
            _end(row)
        elif whole or row.status != RedemptionStatus.REVERSED:
            continue
        elif coupon_limits.full(session, order, Used(held[coupon_id], row.code), None) is None:
            row.status, row.ended_at = RedemptionStatus.REDEEMED, None
    session.flush()  # the database counts


def asked(session: Session, order: Order) -> Asked:
    """The codes that a draft's lines have used."""
    taken = taken_off(order)
    if not taken:
        return Asked()
    rows = _rows(session, order)
    named = (rows[number].code for number in sorted(taken) if number in rows)
    return Asked(codes=tuple(one.code for one in named if one is not None))


def lapse_due(session: Session, *, limit: int = 500) -> int:
    """Let go of what drafts have held for too long, of some coupons; how many these were."""
    due = (
        select(CouponRedemption.coupon_id)
        .where(CouponRedemption.status == RedemptionStatus.HELD)
        .where(CouponRedemption.held_until <= clock.now())
        .order_by(CouponRedemption.coupon_id)
        .limit(limit)
    )
    ids = sorted(set(session.scalars(due)))
    locked(session, ids)
    return coupon_limits.lapse(session, CouponRedemption.coupon_id.in_(ids))


def follow(session: Session, order: Order) -> None:
    """The order is somebody's now: so is what it used."""
    for row in _rows(session, order).values():
        _say_who(session, row, order)
    session.flush()  # the next order of theirs counts it


def taken_off(order: Order) -> dict[int, Decimal]:
    """How much each coupon took off an order, by its id, as the lines tell."""
    taken: dict[int, Decimal] = {}
    for line in order.lines:
        for one in prices.steps_of(line, prices.COUPON):
            taken[one["source"]] = taken.get(one["source"], NOTHING) + Decimal(one["amount"])
    return taken


# --- behind the verbs --------------------------------------------------------------------------


def _own(
    session: Session, order: Order, more: Iterable[int] = ()
) -> tuple[dict[int, Coupon], dict[int, CouponRedemption]]:
    """The coupons of an order and `more`, held; and what it has of them, read only then."""
    known = select(CouponRedemption.coupon_id).where(
        CouponRedemption.vendor_id == order.vendor_id, CouponRedemption.order_id == order.id
    )
    held = locked(session, {*session.scalars(known), *more})
    return held, _rows(session, order) if held else {}


def _rows(session: Session, order: Order) -> dict[int, CouponRedemption]:
    """What the order has held or used, by coupon, as it stands now."""
    own = (
        select(CouponRedemption)
        .where(CouponRedemption.vendor_id == order.vendor_id, CouponRedemption.order_id == order.id)
        .options(joinedload(CouponRedemption.code))
        .execution_options(populate_existing=True)
    )
    return {row.coupon_id: row for row in session.scalars(own)}


def _end(row: CouponRedemption | None) -> None:
    """What was held is released, what was used up is reversed; anything else stays as it is."""
    ends = {
        RedemptionStatus.HELD: RedemptionStatus.RELEASED,
        RedemptionStatus.REDEEMED: RedemptionStatus.REVERSED,
    }
    if row is not None and row.status in ends:
        row.status = ends[RedemptionStatus(row.status)]
        row.held_until, row.ended_at = None, clock.now()


def _describe(
    session: Session, row: CouponRedemption, order: Order, coupon: Coupon, amount: Decimal
) -> None:
    """Who has it, where, how much it takes off, and who bears that."""
    row.amount, row.channel = amount, order.channel
    row.marketplace_amount = as_money(amount * coupon.marketplace_percent / HUNDRED)
    _say_who(session, row, order)


def _say_who(session: Session, row: CouponRedemption, order: Order) -> None:
    row.customer_id = order.customer_id
    who = None if order.customer_id is None else session.get(Customer, order.customer_id)
    row.email_key = digest("email", mailbox(who.email)) if who and who.email else None
    row.phone_key = digest("phone", who.phone) if who and who.phone else None


BENEFIT = Benefit(
    Rung.CODES, coupon_choice.apply, hold=hold, redeem=redeem, release=release,
    given_back=given_back, asked=asked,
)  # fmt: skip
