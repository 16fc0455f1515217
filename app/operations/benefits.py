"""The one seam between orders and everything that makes them cheaper.

Memberships, packages, coupons and loyalty are registered here; orders know none of them.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.operations import coupons, rewards
from app.operations.line_uses import USES
from app.operations.member_prices import MEMBER_PRICE
from app.operations.rungs import Asked, Benefit, Rung
from models.orders import Order, OrderLine

__all__ = [
    "AS_AGREED",
    "NOTHING_ASKED",
    "Asked",
    "Rung",
    "apply",
    "asked",
    "given_back",
    "hold",
    "redeem",
    "release",
    "settled",
]

BENEFITS: tuple[Benefit, ...] = (MEMBER_PRICE, USES, coupons.BENEFIT, rewards.BENEFIT)
"""By their rungs; on the same one, and whenever rows are held, in this order."""

NOTHING_ASKED = Asked()
AS_AGREED = Asked(automatic=False)
"""The price is agreed: nothing makes it cheaper that nobody asked for."""


def apply(
    session: Session, order: Order, lines: Sequence[OrderLine], asked: Asked, *rungs: Rung
) -> None:
    """Make lines cheaper by the benefits of these rungs, each leaving a step of why.

    Only reads: a quote may ask again and again. What was asked for and cannot be had is refused.
    """
    for benefit in _of(*rungs):
        benefit.apply(session, order, lines, asked)


def hold(session: Session, order: Order, asked: Asked) -> None:
    """A draft is written down: what is limited is held for it, what it held before let go."""
    for benefit in BENEFITS:
        if benefit.hold is not None:
            benefit.hold(session, order, asked)


def redeem(session: Session, order: Order) -> None:
    """The order is placed: what was held is used up, or refused if it lapsed and is gone."""
    for benefit in BENEFITS:
        if benefit.redeem is not None:
            benefit.redeem(session, order)


def release(session: Session, order: Order) -> None:
    """The order was called off, or thrown away as a draft: what it used can be used again."""
    for benefit in BENEFITS:
        if benefit.release is not None:
            benefit.release(session, order)


def settled(session: Session, order: Order) -> None:
    """The order counts from now on, once: what it earns is earned."""
    for benefit in BENEFITS:
        if benefit.settled is not None:
            benefit.settled(session, order)


def given_back(session: Session, order: Order) -> None:
    """What was given back of the order has changed: `rungs.share_given_back` says how much it is.

    It may have become less, when a gateway could not give it back after all.
    """
    for benefit in BENEFITS:
        if benefit.given_back is not None:
            benefit.given_back(session, order)


def asked(session: Session, order: Order) -> Asked:
    """What a draft asked for, as a form shows it again."""
    parts = [one.asked(session, order) for one in BENEFITS if one.asked is not None]
    return Asked(
        codes=tuple(code for part in parts for code in part.codes),
        rewards=tuple(reward for part in parts for reward in part.rewards),
    )


def _of(*rungs: Rung) -> list[Benefit]:
    return sorted((one for one in BENEFITS if one.rung in rungs), key=lambda one: one.rung)
