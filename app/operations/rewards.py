"""Rewards: what points buy on an order. Held with the draft, spent when it is placed.

Called off, or given back in full, the points return to the lots they came from; what of them has
expired meanwhile can be reinstated by staff.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import earning, interests, points, prices, reward_limits, rungs
from app.operations.moves import move
from app.operations.points import Because
from app.operations.rungs import Asked, Benefit, Rung
from models.loyalty import LoyaltyProgram, Reward, RewardKind
from models.orders import LineKind, Order, OrderLine, OrderStatus
from models.points import (
    REDEMPTION_TRANSITIONS,
    EntryKind,
    LoyaltyAccount,
    LoyaltyEntry,
    LoyaltyLot,
    RedemptionStatus,
    RewardRedemption,
)
from models.products import Variant

MOST = 20
HELD_FOR = timedelta(hours=24)
"""How long a draft holds points that nobody places."""
WAITING = (RedemptionStatus.HELD, RedemptionStatus.LAPSED)
NOT_CHEAPER = (LineKind.SHIPPING, LineKind.TIP)
_FIRST = (RewardKind.PRODUCT, RewardKind.SERVICE, RewardKind.PERCENT, RewardKind.AMOUNT)


class RewardRefused(DomainError):
    sentence = "This reward is not here: choose one from the list."
    field = "rewards"


class RewardNotValid(DomainError):
    sentence = "{reward} cannot be had today: leave it out."
    field = "rewards"


class PointsOfNobody(DomainError):
    sentence = "Points belong to somebody: choose the customer first."
    field = "customer_id"


class NotOnTheOrder(DomainError):
    sentence = "{reward} needs {item} among what is sold: add it, or leave the reward out."
    field = "rewards"


class SpendsTooLittle(DomainError):
    sentence = "{reward} is for orders of {least:,.2f} or more: add something, or leave it out."
    field = "rewards"


class TakesNothingOff(DomainError):
    sentence = "{reward} takes nothing off any more: leave it out, and keep the points."
    field = "rewards"


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward somebody can have or is on the way to: how many points are missing for it."""

    reward: Reward
    missing: int


def offers(session: Session, *, customer_id: int, vendor_id: int) -> list[Offer]:
    """What a customer's points buy today, the dearest that they are enough for first."""
    today, known = _today(session, vendor_id), []
    for program in earning.programs(session, vendor_id):
        left = _spendable(session, program, customer_id, None)
        query = select(Reward).where(
            Reward.vendor_id == vendor_id, Reward.program_id == program.id, Reward.is_active,
            or_(Reward.starts_on.is_(None), Reward.starts_on <= today),
            or_(Reward.ends_on.is_(None), Reward.ends_on >= today),
        )  # fmt: skip
        known += [
            Offer(one, max(one.points - left, 0))
            for one in session.scalars(query)
            if reward_limits.left(session, one, customer_id=customer_id) != 0
        ]
    return sorted(known, key=lambda o: (o.missing, -o.reward.points, o.reward.id))


# --- in an order's life --------------------------------------------------------------------------


def apply(session: Session, order: Order, lines: Sequence[OrderLine], asked: Asked) -> None:
    """Make lines cheaper by the rewards that are asked for, if the customer has the points."""
    if not asked.rewards:
        return
    wanted = _wanted(session, order, asked.rewards)
    _check_points(session, order, wanted)
    reward_limits.check(session, wanted, customer_id=order.customer_id, order_id=order.id)
    for reward in wanted:
        _take_off(session, reward, lines)


def hold(session: Session, order: Order, asked: Asked) -> None:
    """Hold the points of what a draft asks for; what it held before and does not is let go."""
    held = _of_order(session, order, *WAITING)
    if not held and not asked.rewards:
        return
    wanted = _wanted(session, order, asked.rewards)
    known = sorted((one.reward_id, one.points) for one in held if _is_held_for(order, one))
    if known == sorted((one.id, one.points) for one in wanted) and len(known) == len(held):
        return
    if order.customer_id is not None:
        interests.hold(session, order.customer_id)
    for one in held:
        _let_go(session, one, RedemptionStatus.RELEASED)
    _check_limits(session, order, wanted)
    for reward in wanted:
        _hold(session, order, reward)


def redeem(session: Session, order: Order) -> None:
    """The order is placed: its points are spent, if they are still there."""
    found = _of_order(session, order, *WAITING)
    if not found:
        return
    if order.customer_id is not None:
        interests.hold(session, order.customer_id)
    worth = _worth(order.lines)
    if any(one.status == RedemptionStatus.LAPSED for one in found):
        _check_limits(session, order, [session.get_one(Reward, one.reward_id) for one in found])
    for one in found:
        _give_back(session, one, EntryKind.RELEASE)
    for one in found:
        account = points.held(session, one.account_id)
        points.take(
            session, account, one.points, kind=EntryKind.REDEEM,
            because=Because(order_id=order.id, redemption_id=one.id),
        )  # fmt: skip
        _move(one, RedemptionStatus.REDEEMED)
        one.redeemed_at = clock.now()
        one.worth = prices.as_money(worth.get(one.reward_id, prices.NOTHING) / _times(found, one))
    session.flush()  # what was spent stands with its ledger


def release(session: Session, order: Order) -> None:
    """The order is called off: its points are the customer's again."""
    _undo(session, order)


def given_back(session: Session, order: Order) -> None:
    """Points of an order that was given back in full return; those of its earnings go, by share."""
    whole = rungs.share_given_back(order) >= 1
    if whole:
        _undo(session, order)
    else:
        _spend_again(session, order)
    earning.follow(session, order)


def asked(session: Session, order: Order) -> Asked:
    """The rewards a draft asks for."""
    found = _of_order(session, order, *WAITING)
    return Asked(rewards=tuple(one.reward_id for one in found))


def lapse(session: Session, *, vendor_id: int, most: int = 200) -> int:
    """Let go of what drafts hold that nobody placed for a day; how many these were."""
    query = (
        select(RewardRedemption.id, RewardRedemption.order_id)
        .join(
            Order,
            (Order.vendor_id == RewardRedemption.vendor_id)
            & (Order.id == RewardRedemption.order_id),
        )
        .where(
            RewardRedemption.vendor_id == vendor_id,
            RewardRedemption.status == RedemptionStatus.HELD,
            RewardRedemption.held_at <= clock.now() - HELD_FOR,
        )
        .order_by(RewardRedemption.order_id, RewardRedemption.id)
        .limit(most)
    )
    gone = 0
    for number, order_id in session.execute(query).all():
        order = session.get(
            Order, order_id, with_for_update={"skip_locked": True}, populate_existing=True
        )
        one = session.get(RewardRedemption, number, populate_existing=True)
        if order is None or one is None or one.status != RedemptionStatus.HELD:
            continue
        _let_go(session, one, RedemptionStatus.LAPSED)
        gone += 1
    return gone


BENEFIT = Benefit(
    Rung.REWARD, apply, hold=hold, redeem=redeem, release=release, settled=earning.of_order,
    given_back=given_back, asked=asked,
)  # fmt: skip


# --- what is asked for ---------------------------------------------------------------------------


def _wanted(session: Session, order: Order, ids: Sequence[int]) -> list[Reward]:
    """The rewards that are asked for, in the order in which they are taken; refuses what is none.

    A reward may be asked for several times.
    """
    if not ids:
        return []
    if order.customer_id is None:
        raise PointsOfNobody
    if len(ids) > MOST:
        raise RewardRefused(f"An order takes at most {MOST} rewards: leave some out.")
    query = select(Reward).where(Reward.vendor_id == order.vendor_id, Reward.id.in_(ids))
    with session.no_autoflush:
        known = {reward.id: reward for reward in session.scalars(query)}
        today = _today(session, order.vendor_id)
        for number in ids:
            _check(known.get(number), today)
    chosen = [known[number] for number in ids]
    return sorted(chosen, key=lambda one: (_FIRST.index(RewardKind(one.kind)), one.id))


def _check(reward: Reward | None, today: date) -> None:
    if reward is None:
        raise RewardRefused
    early = reward.starts_on is not None and today < reward.starts_on
    late = reward.ends_on is not None and today > reward.ends_on
    if early or late or not reward.is_active or not reward.program.is_active:
        raise RewardNotValid(reward=reward.name)


def _check_points(session: Session, order: Order, wanted: Sequence[Reward]) -> None:
    """Refuse what the customer's points are not enough for, with what this draft holds of them."""
    prices_of: dict[int, int] = defaultdict(int)
    programs: dict[int, LoyaltyProgram] = {}
    for reward in wanted:
        prices_of[reward.program_id] += reward.points
        programs[reward.program_id] = reward.program
    for number, price in prices_of.items():
        left = _spendable(session, programs[number], order.customer_id or 0, order)
        if price > left:
            raise points.NotEnoughPoints(left=max(left, 0), wanted=price)


def _spendable(
    session: Session, program: LoyaltyProgram, customer_id: int, order: Order | None
) -> int:
    query = select(LoyaltyAccount).where(
        LoyaltyAccount.vendor_id == program.vendor_id, LoyaltyAccount.program_id == program.id,
        LoyaltyAccount.customer_id == customer_id,
    )  # fmt: skip
    account = session.scalars(query).first()
    if account is None:
        return 0
    held = 0
    if order is not None and order.id is not None:
        held = sum(
            one.points
            for one in _of_order(session, order, RedemptionStatus.HELD)
            if one.account_id == account.id
        )
    return points.spendable(session, account) + held


def _today(session: Session, vendor_id: int) -> date:
    return clock.now().astimezone(points.zone_of(session, vendor_id)).date()


# --- what it takes off ---------------------------------------------------------------------------


def _take_off(session: Session, reward: Reward, lines: Sequence[OrderLine]) -> None:
    sharing = [line for line in lines if line.kind not in NOT_CHEAPER]
    left = sum((line.total for line in sharing), prices.NOTHING)
    if left < reward.min_spend:
        raise SpendsTooLittle(reward=reward.name, least=reward.min_spend)
    if reward.kind in (RewardKind.PRODUCT, RewardKind.SERVICE):
        _free(session, reward, sharing)
        return
    if reward.kind == RewardKind.PERCENT:
        off = prices.as_money(left * (reward.percent or 0) / 100)
    else:
        off = min(prices.as_money(reward.amount or prices.NOTHING), left)
    if off <= 0:
        raise TakesNothingOff(reward=reward.name)
    for line, part in zip(sharing, prices.shared(off, sharing), strict=True):
        prices.lower(line, part, prices.REWARD, reward.name, reward.id)


def _free(session: Session, reward: Reward, lines: Sequence[OrderLine]) -> None:
    """One piece for nothing: of the line on which a piece costs most."""
    fitting = [line for line in lines if _is_about(session, reward, line)]
    if not fitting:
        raise NotOnTheOrder(reward=reward.name, item=str(reward.product or reward.service))
    line = max(fitting, key=lambda one: (_piece(one), -(one.position or 0)))
    if prices.lower(line, _piece(line), prices.REWARD, reward.name, reward.id) <= 0:
        raise TakesNothingOff(reward=reward.name)


def _piece(line: OrderLine) -> Decimal:
    """What one piece still costs: of those that were not made free before, one after the other."""
    left = line.quantity - len(prices.steps_of(line, prices.REWARD))
    return prices.as_money(line.total / left) if left > 0 else prices.NOTHING


def _is_about(session: Session, reward: Reward, line: OrderLine) -> bool:
    if reward.kind == RewardKind.SERVICE:
        return line.service_id is not None and line.service_id == reward.service_id
    if line.variant_id is None:
        return False
    return session.get_one(Variant, line.variant_id).product_id == reward.product_id


def _worth(lines: Sequence[OrderLine]) -> Mapping[int, Decimal]:
    """What each reward took off, by its id."""
    taken: dict[int, Decimal] = defaultdict(lambda: prices.NOTHING)
    for line in lines:
        for one in prices.steps_of(line, prices.REWARD):
            taken[int(one["source"])] += Decimal(one["amount"])
    return taken


# --- what it holds -------------------------------------------------------------------------------


def _of_order(
    session: Session, order: Order, *statuses: RedemptionStatus
) -> Sequence[RewardRedemption]:
    query = select(RewardRedemption).where(
        RewardRedemption.vendor_id == order.vendor_id, RewardRedemption.order_id == order.id,
        RewardRedemption.status.in_(statuses),
    )  # fmt: skip
    fresh = query.order_by(RewardRedemption.id).execution_options(populate_existing=True)
    with session.no_autoflush:
        return session.scalars(fresh).all()


def _is_held_for(order: Order, one: RewardRedemption) -> bool:
    return one.status == RedemptionStatus.HELD and one.account.customer_id == order.customer_id


def _check_limits(session: Session, order: Order, wanted: Sequence[Reward]) -> None:
    reward_limits.check(
        session, wanted, customer_id=order.customer_id, order_id=order.id, hold=True
    )


def _hold(session: Session, order: Order, reward: Reward) -> None:
    account = points.hold(session, program=reward.program, customer_id=order.customer_id or 0)
    one = RewardRedemption(
        vendor_id=order.vendor_id, account_id=account.id, reward_id=reward.id, order_id=order.id,
        points=reward.points, held_at=clock.now(), status=RedemptionStatus.HELD,
    )  # fmt: skip
    session.add(one)
    session.flush()  # the id
    points.take(
        session, account, reward.points, kind=EntryKind.HOLD,
        because=Because(order_id=order.id, redemption_id=one.id),
    )  # fmt: skip


def _undo(session: Session, order: Order) -> None:
    found = _of_order(session, order, *WAITING, RedemptionStatus.REDEEMED)
    if found and order.customer_id is not None:
        interests.hold(session, order.customer_id)
    for one in found:
        was_spent = one.status == RedemptionStatus.REDEEMED
        _let_go(session, one, RedemptionStatus.REVERSED if was_spent else RedemptionStatus.RELEASED)


def _spend_again(session: Session, order: Order) -> None:
    """What was to be given back in full and was not after all keeps its reward, and its price."""
    for one in _of_order(session, order, RedemptionStatus.REVERSED):
        if order.status in (OrderStatus.CANCELLED, OrderStatus.DRAFT):
            continue
        account = points.held(session, one.account_id)
        points.take_back(
            session, account, one.points, kind=EntryKind.REVERSE,
            because=Because(order_id=order.id, redemption_id=one.id),
        )  # fmt: skip
        _move(one, RedemptionStatus.REDEEMED)
        one.undone_at = None


def _let_go(session: Session, one: RewardRedemption, to: RedemptionStatus) -> None:
    spent = one.status == RedemptionStatus.REDEEMED
    _give_back(session, one, EntryKind.REVERSE if spent else EntryKind.RELEASE)
    _move(one, to)
    one.undone_at = clock.now()
    session.flush()  # one change, with its ledger


def _give_back(session: Session, one: RewardRedemption, kind: EntryKind) -> None:
    """Put the points back into the lots they came from, whoever's these are by now."""
    entry = LoyaltyEntry
    query = (
        select(entry.lot_id, entry.account_id, entry.points)
        .where(entry.vendor_id == one.vendor_id, entry.redemption_id == one.id)
        .order_by(entry.id)
    )
    open_points: dict[tuple[int | None, int], int] = defaultdict(int)
    for lot_id, account_id, moved in session.execute(query):
        open_points[lot_id, 0 if lot_id else account_id] -= moved
    for (lot_id, account_id), back in sorted(open_points.items(), key=lambda kept: kept[0][0] or 0):
        if back <= 0:
            continue
        lot = None
        if lot_id is not None:
            lot = session.get_one(LoyaltyLot, lot_id, populate_existing=True)
        account = points.held(session, lot.account_id if lot else account_id)
        because = Because(order_id=one.order_id, redemption_id=one.id)
        points.write(
            session, account,
            [points.entry_of(account, kind, lot=lot, points=back, because=because)],
            [lot] if lot else [],
        )  # fmt: skip
        points.repay(session, account)


def _move(one: RewardRedemption, to: RedemptionStatus) -> None:
    was = RedemptionStatus(one.status)
    one.status = move("reward", REDEMPTION_TRANSITIONS, was, to)


def _times(found: Sequence[RewardRedemption], one: RewardRedemption) -> int:
    return sum(other.reward_id == one.reward_id for other in found)
