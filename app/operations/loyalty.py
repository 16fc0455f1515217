"""Loyalty: what customers have, what staff does about it, and what time does to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import REFUSALS, DomainError, NotFound
from app.money import rounded
from app.operations import interests, points, tiers
from app.operations.customers import clean, still_here
from app.operations.tiers import Way
from models.loyalty import LoyaltyProgram, LoyaltyTier
from models.orders import Order
from models.points import EntryKind, LoyaltyAccount, LoyaltyEntry, LoyaltyLot, Source

LONGEST_REASON = 500
BATCH = 500
GRACE = timedelta(days=365)
"""How long after they expired points can be reinstated."""


class NoReason(DomainError):
    sentence = "Say why in a few words: it stands in the book."
    field = "reason"


class NotHere(DomainError):
    sentence = "This customer is not here any more: choose one."
    field = "customer_id"


class NoSuchProgram(DomainError):
    sentence = "This programme is not running here: choose one that is."
    field = "program_id"


class NothingExpired(DomainError):
    sentence = "Nothing of these points has expired within a year: there is nothing to reinstate."
    field = "lot_id"


class ProgramNamed(DomainError):
    sentence = "You have a programme of this name already: choose another."
    field = "name"


REFUSALS["uq_loyalty_programs_vendor_id_name"] = ProgramNamed


@dataclass(frozen=True, slots=True)
class Standing:
    """What a customer has in a programme now.

    `points` can be spent (or are owed, below nothing), `pending` wait; `lots` are those that can
    be spent, in the order in which they will be, and `waiting` those that cannot yet.
    """

    account: LoyaltyAccount
    program: LoyaltyProgram
    points: int
    pending: int
    lots: Sequence[LoyaltyLot]
    waiting: Sequence[LoyaltyLot]
    way: Way


@dataclass(frozen=True, slots=True)
class Liability:
    """What a vendor owes in points of a programme, and what they are worth in money."""

    program: LoyaltyProgram
    customers: int
    points: int
    pending: int
    worth: Decimal


def standings(session: Session, *, customer_id: int) -> list[Standing]:
    """What a customer has in each programme; empty for who has earned nothing yet."""
    query = (
        select(LoyaltyAccount, LoyaltyProgram)
        .join(
            LoyaltyProgram,
            and_(
                LoyaltyProgram.vendor_id == LoyaltyAccount.vendor_id,
                LoyaltyProgram.id == LoyaltyAccount.program_id,
            ),
        )
        .where(LoyaltyAccount.customer_id == customer_id)
        .order_by(LoyaltyProgram.is_active.desc(), LoyaltyProgram.id)
    )
    return [_standing(session, account, program) for account, program in session.execute(query)]


def balance(session: Session, *, customer_id: int, program_id: int) -> int:
    """How many points a customer can spend now; below nothing if some are owed."""
    query = select(LoyaltyAccount).where(
        LoyaltyAccount.customer_id == customer_id, LoyaltyAccount.program_id == program_id
    )
    account = session.scalars(query).first()
    return 0 if account is None else points.spendable(session, account)


def history(session: Session, account: LoyaltyAccount, *, most: int = 50) -> Sequence[LoyaltyEntry]:
    """What became of an account, newest first."""
    query = select(LoyaltyEntry).where(
        LoyaltyEntry.vendor_id == account.vendor_id, LoyaltyEntry.account_id == account.id
    )
    newest = query.order_by(LoyaltyEntry.at.desc(), LoyaltyEntry.id.desc()).limit(most)
    return session.scalars(newest).all()


def liability(session: Session, *, vendor_id: int | None = None) -> list[Liability]:
    """What is owed in points, a programme each; what customers owe is not set off against it."""
    owed = func.greatest(LoyaltyAccount.points, 0)
    query = (
        select(
            LoyaltyProgram, func.count(LoyaltyAccount.id), func.coalesce(func.sum(owed), 0),
            func.coalesce(func.sum(LoyaltyAccount.pending), 0),
        )
        .outerjoin(
            LoyaltyAccount,
            and_(
                LoyaltyAccount.vendor_id == LoyaltyProgram.vendor_id,
                LoyaltyAccount.program_id == LoyaltyProgram.id,
            ),
        )
        .group_by(LoyaltyProgram.id)
        .order_by(LoyaltyProgram.id)
    )  # fmt: skip
    if vendor_id is not None:
        query = query.where(LoyaltyProgram.vendor_id == vendor_id)
    return [
        Liability(p, count, int(ready), int(waiting), rounded((ready + waiting) * p.point_value))
        for p, count, ready, waiting in session.execute(query)
    ]


# --- what staff does -----------------------------------------------------------------------------


def give(
    session: Session, *, customer_id: int, program_id: int, points_given: int, reason: str
) -> LoyaltyAccount:
    """Give points with a reason; they expire as if they were earned now."""
    number, why = points.whole(points_given), _reason(reason)
    account, now = _account(session, customer_id, program_id), clock.now()
    program = account.program
    lot = LoyaltyLot(
        source=Source.GIFT, granted=number, earned_at=now,
        steps=[{"step": "gift", "points": f"{number}", "why": "Given by hand"}],
        expires_at=points.expiry_of(program, now, points.zone_of(session, program.vendor_id)),
    )  # fmt: skip
    points.open_lot(session, account, lot, kind=EntryKind.ADJUST, reason=why)
    tiers.look(session, account, at=now)
    return account


def take(
    session: Session, *, customer_id: int, program_id: int, points_taken: int, reason: str
) -> LoyaltyAccount:
    """Take points away with a reason, never more than can be spent: `NotEnoughPoints`."""
    number, why = points.whole(points_taken), _reason(reason)
    account = _account(session, customer_id, program_id)
    because = points.Because(reason=why)
    points.take(session, account, number, kind=EntryKind.ADJUST, because=because)
    return account


def reinstate(session: Session, *, lot_id: int, reason: str, days: int = 30) -> LoyaltyLot:
    """Give back what expired of a lot, with a reason, for so many days more."""
    why = _reason(reason)
    if not 1 <= days <= 3650:
        raise DomainError("Write for how many days: a number from 1 to 3,650.", field="days")
    lot = session.get(LoyaltyLot, lot_id)
    if lot is None:
        raise NotFound
    interests.hold(session, lot.account.customer_id)
    account = points.held(session, lot.account_id)
    lot = session.get_one(LoyaltyLot, lot_id, populate_existing=True)
    now = clock.now()
    expired = 0 if _was_reinstated(session, lot) else _expired(session, lot, now)
    if expired <= 0 or lot.expires_at is None or lot.expires_at < now - GRACE:
        raise NothingExpired
    again = LoyaltyLot(
        source=Source.REINSTATED, granted=expired, earned_at=now,
        expires_at=now + timedelta(days=days), key=f"reinstated-{lot.id}",
        steps=[{"step": "reinstated", "points": f"{expired}", "why": "Had expired"}],
    )  # fmt: skip
    return points.open_lot(session, account, again, kind=EntryKind.REINSTATE, reason=why)


# --- what time does ------------------------------------------------------------------------------


def mature(session: Session, *, vendor_id: int, most: int = BATCH) -> int:
    """Let points that have waited long enough be spent, a batch; how many lots these were.

    Points of an order that is still owed go on waiting.
    """
    now, lot = clock.now(), LoyaltyLot
    owed = select(Order.id).where(
        Order.vendor_id == lot.vendor_id, Order.id == lot.order_id, Order.paid < Order.total
    )
    due = [lot.vendor_id == vendor_id, lot.pending > 0, lot.matures_at <= now, ~owed.exists()]
    accounts = _hold_accounts(session, due, lot.matures_at, most)
    ripe = select(lot).where(*due, lot.account_id.in_(list(accounts))).order_by(lot.id)
    found = session.scalars(ripe.execution_options(populate_existing=True)).all()
    entries = [
        points.entry_of(
            accounts[one.account_id], EntryKind.MATURE, lot=one, points=one.pending,
            pending=-one.pending, at=now,
        )
        for one in found
    ]  # fmt: skip
    for one in found:
        _keep_its_time(session, one, accounts[one.account_id], now)
    session.add_all(entries)
    session.flush()  # the database adds them up
    points.read_again(session, accounts, found)
    for number in points.owing(session, list(accounts)):
        points.repay(session, accounts[number])
    return len(found)


def expire(session: Session, *, vendor_id: int, most: int = BATCH) -> int:
    """Write down what has expired, a batch; how many lots these were. None could be spent since."""
    now, lot = clock.now(), LoyaltyLot
    due = [lot.vendor_id == vendor_id, lot.remaining > 0, lot.expires_at <= now]
    accounts = _hold_accounts(session, due, lot.expires_at, most)
    over = select(lot).where(*due, lot.account_id.in_(list(accounts))).order_by(lot.id)
    found = session.scalars(over.execution_options(populate_existing=True)).all()
    session.add_all(
        points.entry_of(
            accounts[one.account_id], EntryKind.EXPIRE, lot=one, points=-one.remaining, at=now
        )
        for one in found
    )
    session.flush()  # the database adds them up
    points.read_again(session, accounts, found)
    return len(found)


def look_at_tiers(session: Session, *, vendor_id: int, most: int = BATCH) -> int:
    """Let tiers follow that ran out, or were looked at before the tiers changed; how many."""
    now, account = clock.now(), LoyaltyAccount
    changed = (
        select(LoyaltyTier.program_id, func.max(LoyaltyTier.updated_at).label("at"))
        .where(LoyaltyTier.vendor_id == vendor_id)
        .group_by(LoyaltyTier.program_id)
    )
    numbers = list(
        session.scalars(
            select(account.id)
            .where(account.vendor_id == vendor_id, account.tier_until <= now)
            .order_by(account.tier_until)
            .limit(most)
        )
    )
    for program_id, at in session.execute(changed).all():
        if len(numbers) < most:
            stale = select(account.id).where(
                account.vendor_id == vendor_id, account.program_id == program_id,
                account.checked_at < at,
            )  # fmt: skip
            numbers += session.scalars(
                stale.order_by(account.checked_at).limit(most - len(numbers))
            )
    return tiers.look_at(session, sorted(set(numbers)), at=now)


# --- two files of one person ---------------------------------------------------------------------


def carry(
    session: Session, *, from_id: int, to_id: int, lot_ids: Sequence[int] | None = None
) -> list[int]:
    """Let lots of one file go over to another, with their ledger; the ids of those that went.

    Without `lot_ids` all of them. Where the other file has no account in a programme it gets one.
    The caller holds both files.
    """
    moved: list[int] = []
    mine = select(LoyaltyAccount.id).where(LoyaltyAccount.customer_id == from_id)
    for number in session.scalars(mine.order_by(LoyaltyAccount.id)).all():
        source = points.held(session, number)
        query = select(LoyaltyLot).where(
            LoyaltyLot.vendor_id == source.vendor_id, LoyaltyLot.account_id == source.id
        )
        if lot_ids is not None:
            query = query.where(LoyaltyLot.id.in_(lot_ids))
        found = session.scalars(
            query.order_by(LoyaltyLot.id).execution_options(populate_existing=True)
        ).all()
        owed = points.debt(session, source) if lot_ids is None else 0
        if found or owed:
            target = points.hold(session, program=source.program, customer_id=to_id)
            _carry(session, source, target, found, owed)
            if lot_ids is None:
                tiers.inherit(session, target, source, at=clock.now())
            else:
                tiers.look_back(session, source, at=clock.now())
            moved += [lot.id for lot in found]
    return moved


# --- behind the verbs ----------------------------------------------------------------------------


def _standing(session: Session, account: LoyaltyAccount, program: LoyaltyProgram) -> Standing:
    now = clock.now()
    lots = points.lots(session, account, at=now)
    waiting = session.scalars(
        select(LoyaltyLot)
        .where(
            LoyaltyLot.vendor_id == account.vendor_id,
            LoyaltyLot.account_id == account.id,
            LoyaltyLot.pending > 0,
        )
        .order_by(LoyaltyLot.matures_at, LoyaltyLot.id)
        .limit(50)
    ).all()
    left = sum(lot.remaining for lot in lots) + points.debt(session, account)
    return Standing(
        account, program, left, account.pending, lots, waiting,
        tiers.way(session, account, program, now),
    )  # fmt: skip


def _reason(typed: str) -> str:
    why = clean(typed, "reason", longest=LONGEST_REASON)
    if why is None:
        raise NoReason
    return why


def _account(session: Session, customer_id: int, program_id: int) -> LoyaltyAccount:
    customer = still_here(session, customer_id)
    if customer is None:
        raise NotHere
    program = session.get(LoyaltyProgram, program_id)
    if program is None or program.vendor_id != customer.vendor_id or not program.is_active:
        raise NoSuchProgram
    interests.hold(session, customer_id)  # whoever else holds both does it in this order
    return points.hold(session, program=program, customer_id=customer_id)


def _was_reinstated(session: Session, lot: LoyaltyLot) -> bool:
    again = select(LoyaltyLot.id).where(
        LoyaltyLot.vendor_id == lot.vendor_id, LoyaltyLot.key == f"reinstated-{lot.id}"
    )
    return session.scalars(again).first() is not None


def _expired(session: Session, lot: LoyaltyLot, now: datetime) -> int:
    """What of a lot has expired, whether the night has written it down or not yet."""
    if lot.remaining and lot.expires_at is not None and lot.expires_at <= now:
        over = points.entry_of(
            lot.account, EntryKind.EXPIRE, lot=lot, points=-lot.remaining, at=now
        )
        points.write(session, lot.account, [over], [lot])
    written = select(func.coalesce(func.sum(-LoyaltyEntry.points), 0)).where(
        LoyaltyEntry.vendor_id == lot.vendor_id, LoyaltyEntry.lot_id == lot.id,
        LoyaltyEntry.kind == EntryKind.EXPIRE,
    )  # fmt: skip
    return int(session.scalar(written) or 0)


def _hold_accounts(
    session: Session, due: Sequence[Any], order: Any, most: int
) -> dict[int, LoyaltyAccount]:
    """The accounts of a batch of lots, held one after the other; busy ones are left for later."""
    batch = select(LoyaltyLot.account_id).where(*due).order_by(order).limit(most)
    numbers = sorted(set(session.scalars(batch)))
    query = (
        select(LoyaltyAccount)
        .where(LoyaltyAccount.id.in_(numbers))
        .order_by(LoyaltyAccount.id)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return {account.id: account for account in session.scalars(query)}


def _keep_its_time(
    session: Session, lot: LoyaltyLot, account: LoyaltyAccount, now: datetime
) -> None:
    """Points that waited longer than they had to, for money, are good for as long as the others."""
    late = lot.matures_at is not None and now - lot.matures_at > timedelta(days=1)
    if late and lot.expires_at is not None:
        zone = points.zone_of(session, lot.vendor_id)
        lot.expires_at = points.expiry_of(account.program, now, zone)


def _carry(
    session: Session,
    source: LoyaltyAccount,
    target: LoyaltyAccount,
    found: Sequence[LoyaltyLot],
    owed: int,
) -> None:
    entries, now = [], clock.now()
    for lot in found:
        if lot.remaining or lot.pending:
            for account, sign in ((source, -1), (target, 1)):
                entries.append(
                    points.entry_of(
                        account, EntryKind.TRANSFER, lot=lot, points=sign * lot.remaining,
                        pending=sign * lot.pending, at=now,
                    )
                )  # fmt: skip
    if owed:
        for account, sign in ((source, -1), (target, 1)):
            entries.append(points.entry_of(account, EntryKind.TRANSFER, points=sign * owed, at=now))
    session.add_all(entries)
    session.flush()  # the ledger goes over first, while the lots are still known to both
    for lot in found:
        lot.account_id = target.id
    session.flush()  # from now on they are the other file's
    for account in (source, target):
        session.refresh(account, points.OF_ACCOUNT)
        points.repay(session, account)
        tiers.look(session, account, at=now)
