"""Tiers: what a customer has spent in the window decides; nobody loses one before its time.

Who reaches a tier keeps it for as long as the window, and the days of grace. Spending enough
again begins that anew. What was given back has never been spent: then it is worked out again
from the beginning what stood when.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError
from models.loyalty import LoyaltyProgram, LoyaltyTier
from models.points import LoyaltyAccount, LoyaltyLot, TierChange, TierWhy

ZERO = Decimal("0.00")


class TiersOverlap(DomainError):
    sentence = "Another tier begins at this amount already: they would overlap; choose another."
    field = "spend_from"


class TierNamed(DomainError):
    sentence = "This programme has a tier of this name already: choose another."
    field = "name"


REFUSALS["uq_loyalty_tiers_vendor_id_program_id_spend_from"] = TiersOverlap
REFUSALS["uq_loyalty_tiers_vendor_id_program_id_name"] = TierNamed


@dataclass(frozen=True, slots=True)
class Held:
    """A tier as somebody has it: since when, when it was last earned, until when it is sure."""

    tier: LoyaltyTier | None = None
    since: datetime | None = None
    qualified_at: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How far it is: what was spent in the window, the next tier, and what is missing for it."""

    spend: Decimal
    tier: LoyaltyTier | None
    next: LoyaltyTier | None
    to_go: Decimal


def of_program(session: Session, program_id: int) -> Sequence[LoyaltyTier]:
    """The tiers of a programme, the lowest first."""
    query = select(LoyaltyTier).where(LoyaltyTier.program_id == program_id)
    return session.scalars(query.order_by(LoyaltyTier.spend_from)).all()


def spent(
    session: Session, account: LoyaltyAccount, program: LoyaltyProgram, at: datetime
) -> Decimal:
    """What counts at a moment: spent in the window before it, less what was given back of it."""
    query = select(func.coalesce(func.sum(LoyaltyLot.spend), 0)).where(
        LoyaltyLot.vendor_id == account.vendor_id,
        LoyaltyLot.account_id == account.id,
        LoyaltyLot.earned_at > at - timedelta(days=program.window_days),
        LoyaltyLot.earned_at <= at,
    )
    return Decimal(session.scalar(query) or 0)


def reached(tiers: Sequence[LoyaltyTier], spend: Decimal) -> LoyaltyTier | None:
    """The highest tier for which so much is enough."""
    return next((tier for tier in reversed(tiers) if tier.spend_from <= spend), None)


def way(session: Session, account: LoyaltyAccount, program: LoyaltyProgram, at: datetime) -> Way:
    """How far a customer is from the next tier; with `to_go` of 0 there is none above."""
    tiers, spend = of_program(session, program.id), spent(session, account, program, at)
    current = held_at(account, tiers, at)
    above = [
        tier for tier in tiers
        if tier.spend_from > spend and (current is None or tier.spend_from > current.spend_from)
    ]  # fmt: skip
    upper = above[0] if above else None
    return Way(spend, current, upper, upper.spend_from - spend if upper else ZERO)


def held_at(
    account: LoyaltyAccount, tiers: Sequence[LoyaltyTier], at: datetime
) -> LoyaltyTier | None:
    """The tier an account has at a moment; one that has run out counts no more, night or not."""
    if account.tier_until is None or account.tier_until <= at:
        return None
    return next((tier for tier in tiers if tier.id == account.tier_id), None)


def look(session: Session, account: LoyaltyAccount, *, at: datetime) -> None:
    """Let the tier follow what was spent: up at once, down only when its time is over.

    The caller holds the account.
    """
    program, tiers = account.program, of_program(session, account.program_id)
    account.checked_at = at
    if not tiers and account.tier_id is None:
        return

    def spend_at(moment: datetime) -> Decimal:
        return spent(session, account, program, moment)

    was, spend = _held(account, tiers), spend_at(at)
    after = _stepped(_lapsed(was, at, spend_at, tiers, program), reached(tiers, spend), at, program)
    lower = was.tier and (after.tier is None or after.tier.spend_from < was.tier.spend_from)
    _keep(session, account, after, spend, TierWhy.LAPSED if lower else TierWhy.REACHED, at)


def look_back(session: Session, account: LoyaltyAccount, *, at: datetime) -> None:
    """Something was given back: a tier that was reached only with it is lost at once."""
    program, tiers = account.program, of_program(session, account.program_id)
    stood = _held(account, tiers)
    if stood.tier is None or stood.qualified_at is None:
        return
    after = _replayed(session, account, program, tiers, at)
    lower = after.tier is None or after.tier.spend_from < stood.tier.spend_from
    if lower and spent(session, account, program, stood.qualified_at) >= stood.tier.spend_from:
        return  # it was earned without: what became dearer since takes it from nobody
    _keep(session, account, after, spent(session, account, program, at), TierWhy.GIVEN_BACK, at)


def inherit(
    session: Session, account: LoyaltyAccount, other: LoyaltyAccount, *, at: datetime
) -> None:
    """Of two accounts that become one the higher tier stays, as long as it was sure."""
    tiers = of_program(session, account.program_id)
    theirs, mine = held_at(other, tiers, at), held_at(account, tiers, at)
    if theirs is None or (mine is not None and mine.spend_from >= theirs.spend_from):
        return
    spend = spent(session, account, account.program, at)
    _keep(session, account, _held(other, tiers), spend, TierWhy.REACHED, at)


def changes(session: Session, account: LoyaltyAccount, most: int = 20) -> Sequence[TierChange]:
    """What became of an account's tier, newest first."""
    query = select(TierChange).where(
        TierChange.vendor_id == account.vendor_id, TierChange.account_id == account.id
    )
    return session.scalars(
        query.order_by(TierChange.at.desc(), TierChange.id.desc()).limit(most)
    ).all()


# --- behind it -----------------------------------------------------------------------------------


def _held(account: LoyaltyAccount, tiers: Sequence[LoyaltyTier]) -> Held:
    tier = next((tier for tier in tiers if tier.id == account.tier_id), None)
    if tier is None:
        return Held()
    return Held(tier, account.tier_since, account.qualified_at, account.tier_until)


def _stepped(state: Held, to: LoyaltyTier | None, at: datetime, program: LoyaltyProgram) -> Held:
    """What stands once so much was spent that `to` is reached: never less than before."""
    if to is None or (state.tier is not None and to.spend_from < state.tier.spend_from):
        return state
    since = state.since if state.tier is to else at
    until = at + timedelta(days=program.window_days + program.grace_days)
    return Held(to, since, at, until)


def _lapsed(
    state: Held, at: datetime, spend_at: Any, tiers: Sequence[LoyaltyTier], program: LoyaltyProgram
) -> Held:
    """What stands at a moment once all that ran out before it has run out."""
    while state.until is not None and state.until <= at:
        over = state.until
        to = reached(tiers, spend_at(over))
        same = state.since if to is state.tier else over
        state = replace(_stepped(Held(), to, over, program), since=same if to else None)
    return state


def _replayed(
    session: Session,
    account: LoyaltyAccount,
    program: LoyaltyProgram,
    tiers: Sequence[LoyaltyTier],
    at: datetime,
) -> Held:
    """What would stand if only what was kept had ever been spent."""
    query = select(LoyaltyLot.earned_at, LoyaltyLot.spend).where(
        LoyaltyLot.vendor_id == account.vendor_id, LoyaltyLot.account_id == account.id,
        LoyaltyLot.spend > 0, LoyaltyLot.earned_at <= at,
    )  # fmt: skip
    known = session.execute(query.order_by(LoyaltyLot.earned_at, LoyaltyLot.id)).all()
    window = timedelta(days=program.window_days)

    def spend_at(moment: datetime) -> Decimal:
        return sum((lot.spend for lot in known if moment - window < lot.earned_at <= moment), ZERO)

    state = Held()
    for lot in known:
        state = _lapsed(state, lot.earned_at, spend_at, tiers, program)
        to = reached(tiers, spend_at(lot.earned_at))
        state = _stepped(state, to, lot.earned_at, program)
    return _lapsed(state, at, spend_at, tiers, program)


def _keep(
    session: Session,
    account: LoyaltyAccount,
    state: Held,
    spend: Decimal,
    why: TierWhy,
    at: datetime,
) -> None:
    """Write down what stands, and into the history if it is another tier."""
    was, tier_id = account.tier_id, state.tier.id if state.tier else None
    account.tier_id = tier_id
    account.tier_since, account.qualified_at = state.since, state.qualified_at
    account.tier_until = state.until
    if was != tier_id:
        session.add(
            TierChange(
                vendor_id=account.vendor_id, account_id=account.id, tier_id=tier_id, was_id=was,
                spend=spend, why=why, at=at,
            )
        )  # fmt: skip
    session.flush()  # one change, written with its history
