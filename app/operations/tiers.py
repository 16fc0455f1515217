"""Tiers: what a customer has spent in the window decides; nobody loses one before its time.

Who reaches a tier keeps it for as long as the window, and the days of grace. Spending enough
again begins that anew. What was given back has never been spent: then it is worked out again
from the beginning what stood when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Integer, and_, func, literal, select
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError
from app.operations import loyalty_terms
from models.loyalty import LoyaltyProgram, LoyaltyTier
from models.points import LoyaltyAccount, LoyaltyLot, TierChange, TierWhy

ZERO = Decimal("0.00")


class TiersOverlap(DomainError):
    sentence = "Another tier begins at this amount already: they would overlap; choose another."
    field = "spend_from"


class TierNamed(DomainError):
    sentence = "This programme has a tier of this name already: choose another."
    field = "name"


REFUSALS |= loyalty_terms.SAID
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
    _look(session, account, of_program(session, account.program_id), at, {})
    session.flush()  # the tier, written with its history


def _look(
    session: Session,
    account: LoyaltyAccount,
    tiers: Sequence[LoyaltyTier],
    at: datetime,
    sums: Mapping[datetime, Decimal],
) -> None:
    program = account.program
    account.checked_at = max(at, *(tier.updated_at for tier in tiers)) if tiers else at
    if not tiers and account.tier_id is None:
        return

    def spend_at(moment: datetime) -> Decimal:
        return sums[moment] if moment in sums else spent(session, account, program, moment)

    was, spend = _held(account, tiers), spend_at(at)
    after = _stepped(_lapsed(was, at, spend_at, tiers, program), reached(tiers, spend), at, program)
    lower = was.tier and (after.tier is None or after.tier.spend_from < was.tier.spend_from)
    _keep(session, account, after, spend, TierWhy.LAPSED if lower else TierWhy.REACHED, at)


def look_at(session: Session, account_ids: Sequence[int], *, at: datetime) -> int:
    """The same for many accounts, held one after the other; busy ones are left for later. How many.

    What they had spent when their tiers ran out, and by now, is summed for all of them at once.
    """
    query = (
        select(LoyaltyAccount)
        .where(LoyaltyAccount.id.in_(account_ids))
        .order_by(LoyaltyAccount.id)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    found = session.scalars(query).all()
    held = [account.id for account in found]
    now = _sums(session, held, at)
    then = _sums(session, held, None)
    known: dict[int, Sequence[LoyaltyTier]] = {}
    for account in found:
        if account.program_id not in known:
            known[account.program_id] = of_program(session, account.program_id)
        sums = {at: now.get(account.id, ZERO)}
        if account.tier_until is not None:
            sums.setdefault(account.tier_until, then.get(account.id, ZERO))
        _look(session, account, known[account.program_id], at, sums)
    session.flush()  # the next batch finds others
    return len(found)


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
    session.flush()  # the tier, written with its history


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
    session.flush()  # the tier, written with its history


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


def _sums(session: Session, account_ids: Sequence[int], at: datetime | None) -> dict[int, Decimal]:
    """What counted for each of these accounts at a moment, or when its tier ran out."""
    moment = LoyaltyAccount.tier_until if at is None else literal(at, LoyaltyLot.earned_at.type)
    # in hours: a day of an interval may have 23 or 25 of them
    window = func.make_interval(0, 0, 0, 0, LoyaltyProgram.window_days.cast(Integer) * 24)
    query = (
        select(LoyaltyAccount.id, func.sum(LoyaltyLot.spend))
        .join(LoyaltyProgram, LoyaltyProgram.id == LoyaltyAccount.program_id)
        .join(
            LoyaltyLot,
            and_(
                LoyaltyLot.vendor_id == LoyaltyAccount.vendor_id,
                LoyaltyLot.account_id == LoyaltyAccount.id,
                LoyaltyLot.earned_at > moment - window, LoyaltyLot.earned_at <= moment,
            ),
        )
        .where(LoyaltyAccount.id.in_(account_ids))
        .group_by(LoyaltyAccount.id)
    )  # fmt: skip
    return {number: Decimal(spend) for number, spend in session.execute(query)}
