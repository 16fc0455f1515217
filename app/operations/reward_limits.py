"""How often a reward can be had: in all, by one customer, and within how many days."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from models.loyalty import Reward
from models.points import LoyaltyAccount, RedemptionStatus, RewardRedemption

TAKEN = (RedemptionStatus.HELD, RedemptionStatus.REDEEMED)
"""The statuses in which a redemption takes up one of those that are possible."""


class RewardUsedUp(DomainError):
    sentence = "{reward} is used up: leave it out."
    field = "rewards"


class RewardHadOften(DomainError):
    sentence = "{reward} can be had {times}: leave it out."
    field = "rewards"


def check(
    session: Session,
    wanted: Sequence[Reward],
    *,
    customer_id: int | None,
    order_id: int | None,
    hold: bool = False,
) -> None:
    """Refuse rewards that were had too often, beside what this order takes of them.

    With `hold` nobody else takes the limited ones until this transaction ends.
    """
    times = Counter(reward.id for reward in wanted)
    limited = {reward.id: reward for reward in wanted if is_limited(reward)}
    for number in sorted(limited):
        reward = limited[number]
        if hold:
            query = select(Reward.id).where(Reward.id == number)
            session.execute(query.with_for_update(key_share=True))
        _check(session, reward, times[number], customer_id, order_id)


def is_limited(reward: Reward) -> bool:
    """Whether it can be had only so often."""
    return reward.max_redemptions is not None or reward.max_per_customer is not None


def left(session: Session, reward: Reward, *, customer_id: int | None) -> int | None:
    """How often a customer can have it now; None if there is no end to it."""
    known = [
        most - _taken(session, reward, whose, None)
        for most, whose in (
            (reward.max_redemptions, None), (reward.max_per_customer, customer_id),
        )
        if most is not None
    ]  # fmt: skip
    return max(min(known), 0) if known else None


def _check(
    session: Session, reward: Reward, times: int, customer_id: int | None, order_id: int | None
) -> None:
    most = reward.max_redemptions
    if most is not None and _taken(session, reward, None, order_id) + times > most:
        raise RewardUsedUp(reward=reward.name)
    mine = reward.max_per_customer
    if mine is not None and _taken(session, reward, customer_id, order_id) + times > mine:
        raise RewardHadOften(reward=reward.name, times=_said(reward, mine))


def _taken(
    session: Session, reward: Reward, customer_id: int | None, order_id: int | None
) -> int:  # fmt: skip
    """How often it was had, by this customer or, without one, by anybody."""
    one = RewardRedemption
    query = select(func.count()).where(
        one.vendor_id == reward.vendor_id, one.reward_id == reward.id, one.status.in_(TAKEN)
    )
    if customer_id is not None:
        accounts = select(LoyaltyAccount.id).where(
            LoyaltyAccount.vendor_id == reward.vendor_id, LoyaltyAccount.customer_id == customer_id
        )
        query = query.where(one.account_id.in_(accounts))
    if order_id is not None:
        query = query.where(one.order_id != order_id)
    if reward.limit_days is not None:
        query = query.where(one.held_at > clock.now() - timedelta(days=reward.limit_days))
    with session.no_autoflush:
        return session.scalar(query) or 0


def _said(reward: Reward, most: int) -> str:
    times = {1: "once", 2: "twice"}.get(most, f"{most} times")
    if reward.limit_days is None:
        return f"{times} by a customer"
    days = "a day" if reward.limit_days == 1 else f"{reward.limit_days} days"
    return f"{times} by a customer within {days}"
