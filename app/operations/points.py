"""The ledger of points: lots are opened, spent oldest expiry first, given back, and add up.

Whoever writes here holds the account. Its sums the database counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock
from app.errors import REFUSALS, DomainError, NotFound
from models.loyalty import MOST_POINTS, Expiry, LoyaltyProgram
from models.points import EntryKind, LoyaltyAccount, LoyaltyEntry, LoyaltyLot
from models.vendors import Vendor

OF_ACCOUNT = ["points", "pending"]
OF_LOT = ["remaining", "pending", "spend"]
"""What the database counts."""


class NotEnoughPoints(DomainError):
    sentence = "Only {left:,} points can be spent now, and this takes {wanted:,}: leave it out."
    field = "rewards"


class PointsGone(DomainError):
    sentence = "These points were spent or have expired meanwhile: reload the page and try again."
    field = "rewards"


class NotPoints(DomainError):
    sentence = f"This is no number of points: write a whole number from 1 to {MOST_POINTS:,}."
    field = "points"


REFUSALS["ck_loyalty_entries_spends_what_has_not_expired"] = PointsGone
REFUSALS["ck_loyalty_lots_remaining_not_negative"] = PointsGone
REFUSALS["ck_loyalty_lots_pending_not_negative"] = PointsGone


@dataclass(frozen=True, slots=True)
class Because:
    """What an entry is about."""

    order_id: int | None = None
    booking_id: int | None = None
    redemption_id: int | None = None
    reason: str | None = None


NOTHING_MORE = Because()


def hold(session: Session, *, program: LoyaltyProgram, customer_id: int) -> LoyaltyAccount:
    """The customer's account in a programme, made if there is none, held until this is over."""
    new = insert(LoyaltyAccount).values(
        vendor_id=program.vendor_id, program_id=program.id, customer_id=customer_id,
        checked_at=clock.now(), created_at=clock.now(),
    )  # fmt: skip
    session.execute(new.on_conflict_do_nothing())
    account = held_of(session, program_id=program.id, customer_id=customer_id)
    if account is None:
        raise NotFound
    return account


def held_of(session: Session, *, program_id: int, customer_id: int) -> LoyaltyAccount | None:
    """The customer's account in a programme, if there is one, held until this is over."""
    mine = select(LoyaltyAccount.id).where(
        LoyaltyAccount.program_id == program_id, LoyaltyAccount.customer_id == customer_id
    )
    number = session.scalars(mine).first()
    return None if number is None else held(session, number)


def held(session: Session, account_id: int) -> LoyaltyAccount:
    """The account as it stands now, held until this is over."""
    session.flush()  # what is read again below
    account = session.get(
        LoyaltyAccount, account_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if account is None:
        raise NotFound
    return account


def lots(session: Session, account: LoyaltyAccount, *, at: datetime) -> Sequence[LoyaltyLot]:
    """What can be spent at a moment: oldest expiry first, what never expires last."""
    query = (
        select(LoyaltyLot)
        .where(
            LoyaltyLot.vendor_id == account.vendor_id,
            LoyaltyLot.account_id == account.id,
            LoyaltyLot.remaining > 0,
            or_(LoyaltyLot.expires_at.is_(None), LoyaltyLot.expires_at > at),
        )
        .order_by(LoyaltyLot.expires_at.asc().nulls_last(), LoyaltyLot.id)
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).all()


def debt(session: Session, account: LoyaltyAccount) -> int:
    """What was reversed after it had been spent, and not earned again since; not above 0."""
    left = select(func.coalesce(func.sum(LoyaltyLot.remaining), 0)).where(
        LoyaltyLot.vendor_id == account.vendor_id, LoyaltyLot.account_id == account.id,
        LoyaltyLot.remaining > 0,
    )  # fmt: skip
    return account.points - int(session.scalar(left) or 0)


def spendable(session: Session, account: LoyaltyAccount, *, at: datetime | None = None) -> int:
    """How many points can be spent: those that have not expired, whatever the night did so far."""
    known = lots(session, account, at=at or clock.now())
    return sum(lot.remaining for lot in known) + debt(session, account)


def open_lot(
    session: Session,
    account: LoyaltyAccount,
    lot: LoyaltyLot,
    *,
    kind: EntryKind,
    spend: Any = 0,
    reason: str | None = None,
) -> LoyaltyLot:
    """Put a new lot into an account: it waits if it matures later; debts are repaid of it."""
    lot.vendor_id, lot.account_id = account.vendor_id, account.id
    session.add(lot)
    session.flush()  # the id
    waits = kind is EntryKind.PENDING_EARN
    entry = entry_of(
        account, kind, lot=lot, points=0 if waits else lot.granted,
        pending=lot.granted if waits else 0, spend=spend, at=lot.earned_at,
        because=Because(lot.order_id, lot.booking_id, reason=reason),
    )  # fmt: skip
    write(session, account, [entry], [lot])
    repay(session, account)
    return lot


def take(
    session: Session,
    account: LoyaltyAccount,
    points: int,
    *,
    kind: EntryKind,
    because: Because = NOTHING_MORE,
) -> None:
    """Take points away, oldest expiry first; `NotEnoughPoints` if fewer can be spent."""
    now = clock.now()
    known = lots(session, account, at=now)
    left = sum(lot.remaining for lot in known) + debt(session, account)
    if points > left:
        raise NotEnoughPoints(left=max(left, 0), wanted=points)
    parts = shares(known, points)
    write(
        session, account,
        [entry_of(account, kind, lot=lot, points=-n, because=because, at=now) for lot, n in parts],
        [lot for lot, _ in parts],
    )  # fmt: skip


def shares(known: Sequence[LoyaltyLot], points: int) -> list[tuple[LoyaltyLot, int]]:
    """How many points are taken of each lot, in this order, until there are enough."""
    parts = []
    for lot in known:
        part = min(lot.remaining, points)
        if part > 0:
            parts.append((lot, part))
            points -= part
    return parts


def repay(session: Session, account: LoyaltyAccount) -> None:
    """Let what can be spent repay what is owed."""
    owed = -debt(session, account)
    if owed <= 0:
        return
    now = clock.now()
    entries: list[LoyaltyEntry] = []
    parts = shares(lots(session, account, at=now), owed)
    for lot, part in parts:
        entries += [
            entry_of(account, EntryKind.REPAY, lot=lot, points=-part, at=now),
            entry_of(account, EntryKind.REPAY, points=part, at=now),
        ]
    write(session, account, entries, [lot for lot, _ in parts])


def take_back(
    session: Session,
    account: LoyaltyAccount,
    points: int,
    *,
    kind: EntryKind,
    because: Because,
    first: LoyaltyLot | None = None,
    spend: Any = 0,
) -> None:
    """Take points back that should not be there: of their own lot, those that wait first.

    What was spent is taken of the other lots, and then owed, down to the programme's `lowest`;
    `spend` no longer counts as spent for the lot.
    """
    now, left = clock.now(), points
    entries: list[LoyaltyEntry] = []
    touched: list[LoyaltyLot] = []
    if first is not None:
        waiting = min(first.pending, left)
        ready = min(first.remaining, left - waiting)
        left -= waiting + ready
        if waiting or ready or spend:
            touched.append(first)
            entries.append(
                entry_of(
                    account, kind, lot=first, points=-ready, pending=-waiting, spend=-spend,
                    because=because, at=now,
                )
            )  # fmt: skip
    others = [lot for lot in lots(session, account, at=now) if lot is not first]
    for lot, part in shares(others, left):
        left -= part
        touched.append(lot)
        entries.append(entry_of(account, kind, lot=lot, points=-part, because=because, at=now))
    owed = min(left, max(debt(session, account) - account.program.lowest, 0))
    if owed > 0:
        entries.append(entry_of(account, kind, points=-owed, because=because, at=now))
    write(session, account, entries, touched)


def entry_of(
    account: LoyaltyAccount,
    kind: EntryKind,
    *,
    lot: LoyaltyLot | None = None,
    points: int = 0,
    pending: int = 0,
    spend: Any = 0,
    because: Because = NOTHING_MORE,
    at: datetime | None = None,
) -> LoyaltyEntry:
    """An entry of the ledger, not yet written."""
    return LoyaltyEntry(
        vendor_id=account.vendor_id, account_id=account.id, kind=kind, points=points,
        pending=pending, spend=spend, lot_id=lot.id if lot else None, at=at or clock.now(),
        order_id=because.order_id, booking_id=because.booking_id,
        redemption_id=because.redemption_id, reason=because.reason,
    )  # fmt: skip


def write(
    session: Session,
    account: LoyaltyAccount,
    entries: Sequence[LoyaltyEntry],
    of: Sequence[LoyaltyLot] = (),
) -> None:
    """Write entries down, and read again what the database has counted of them."""
    if not entries:
        return
    session.add_all(entries)
    session.flush()  # the database adds them up, or says that there is not so much
    session.refresh(account, OF_ACCOUNT)
    for lot in of:
        session.refresh(lot, OF_LOT)


def read_again(
    session: Session, accounts: Mapping[int, LoyaltyAccount], found: Sequence[LoyaltyLot]
) -> None:
    """What the database has counted is read when somebody asks for it."""
    for account in accounts.values():
        session.expire(account, OF_ACCOUNT)
    for lot in found:
        session.expire(lot, OF_LOT)


def owing(session: Session, account_ids: Sequence[int]) -> Sequence[int]:
    """Those of these accounts in which something is owed that was reversed after it was spent."""
    lot, account = LoyaltyLot, LoyaltyAccount
    left = (
        select(func.coalesce(func.sum(lot.remaining), 0))
        .where(
            lot.vendor_id == account.vendor_id, lot.account_id == account.id, lot.remaining > 0
        )
        .scalar_subquery()
    )  # fmt: skip
    query = select(account.id).where(account.id.in_(account_ids), account.points < left)
    return session.scalars(query.order_by(account.id)).all()


def expiry_of(program: LoyaltyProgram, since: datetime, zone: ZoneInfo) -> datetime | None:
    """Until when points can be spent that can be spent since then; None: for ever.

    The ends of a month and a year are those of the vendor.
    """
    if program.expiry == Expiry.DAYS:
        return since + timedelta(days=program.expiry_days or 0)
    local = since.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if program.expiry == Expiry.MONTH_END:
        return (local.replace(day=1) + timedelta(days=32)).replace(day=1)
    if program.expiry == Expiry.YEAR_END:
        return local.replace(year=local.year + 1, month=1, day=1)
    return None


def zone_of(session: Session, vendor_id: int) -> ZoneInfo:
    """Where the vendor's days begin and end."""
    return ZoneInfo(session.get_one(Vendor, vendor_id).time_zone)


def whole(points: int) -> int:
    """Refuse what is no number of points a change can be of."""
    if not 1 <= points <= MOST_POINTS:
        raise NotPoints
    return points
