"""Two files of one person made one, field by field; undone within thirty days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from app import clock
from app.errors import DomainError, NotFound
from app.operations import credit, interests, loyalty
from app.operations.conditions import is_any
from app.operations.reaching import in_force
from app.tenancy import current_actor
from models.booking_series import BookingSeries
from models.bookings import Booking
from models.campaigns import CampaignRow
from models.coupons import CouponRedemption
from models.covers import Cover
from models.customers import (
    Address,
    Consent,
    Customer,
    CustomerMerge,
    CustomerPreference,
    PreferredCategory,
)
from models.feeds import CalendarFeed
from models.imports import ImportRow
from models.memberships import Membership
from models.messages import Message
from models.orders import Order
from models.packages import PackageHolding
from models.points import LoyaltyAccount
from models.tags import CustomerTag
from models.tasks import Task
from models.waitlist import WaitlistEntry

UNDO_WITHIN = timedelta(days=30)
FIELDS = (
    "full_name", "company", "email", "phone", "phone_2", "birthday", "status", "channel", "locale",
    "time_zone", "note", "person_id",
)  # fmt: skip
"""What a person chooses from one file or the other."""

_MOVED: tuple[Any, ...] = (
    Booking, BookingSeries, WaitlistEntry, CalendarFeed, Order, PackageHolding, Membership, Task,
    Address, Consent, ImportRow, Cover, Message, CouponRedemption,
)  # fmt: skip
"""What goes over to the surviving file whole."""

_MOVED_ONCE: tuple[tuple[Any, InstrumentedAttribute[Any] | None], ...] = (
    (CustomerTag, CustomerTag.tag_id),
    (PreferredCategory, PreferredCategory.category_id),
    (CustomerPreference, None),
    (LoyaltyAccount, LoyaltyAccount.program_id),
    (CampaignRow, CampaignRow.run_id),
)
"""What a customer has once: the surviving file's own stays, the other's stays behind."""


class CannotMerge(DomainError):
    sentence = "These two files cannot be made one: choose two customers of one vendor."


class CannotUnmerge(DomainError):
    sentence = "This merge cannot be undone any more: it is over thirty days old."


@dataclass(frozen=True)
class Compared:
    """A field of two files; `differs` when somebody has to choose, `chosen` what is proposed."""

    field: str
    a: Any
    b: Any

    @property
    def differs(self) -> bool:
        return self.a is not None and self.b is not None and self.a != self.b

    @property
    def chosen(self) -> str:
        return "b" if self.a is None and self.b is not None else "a"


@dataclass(frozen=True)
class Undone:
    """The file that stands on its own again, and what was changed since and therefore kept."""

    survivor: Customer
    restored: Customer
    kept: tuple[str, ...]


def compare(session: Session, a: int, b: int) -> list[Compared]:
    """Two files field by field, `a` being the one proposed to survive."""
    first, second = _pair(session, a, b, lock=False)
    return [Compared(name, getattr(first, name), getattr(second, name)) for name in FIELDS]


def merge(
    session: Session, *, survivor_id: int, merged_id: int, choices: Mapping[str, str] | None = None
) -> CustomerMerge:
    """Make two files one: everything of the merged file goes over, the file itself is archived.

    `choices` says per field whose value stays, "survivor" or "merged"; unnamed fields keep the
    survivor's value, or take the other's where there is none. Of consents the stricter holds.
    """
    survivor, merged = _pair(session, survivor_id, merged_id, lock=True)
    before = {name: _plain(getattr(survivor, name)) for name in FIELDS}
    consents = _stricter(session, survivor, merged)
    moved = _move(session, survivor, merged)
    moved["credit"] = _carry_credit(session, merged, survivor, "Two files were made one")
    moved["points"] = loyalty.carry(session, from_id=merged.id, to_id=survivor.id)
    _choose(survivor, merged, choices or {})
    at = merged.archived_at = clock.now()
    merged.merged_into_id = survivor.id
    session.flush()  # the rows stand where the numbers are counted
    interests.rebuild(session, customer_ids=[survivor.id, merged.id])
    record = CustomerMerge(
        vendor_id=survivor.vendor_id, survivor_id=survivor.id, merged_id=merged.id,
        before=before, moved=moved | {"chosen": _chosen(survivor)},
        user_id=current_actor().user_id, at=at,
    )  # fmt: skip
    session.add(record)
    _decide(session, survivor, consents, "merge", at)
    session.flush()  # the id
    return record


def undo_merge(session: Session, *, merge_id: int) -> Undone:
    """Make two files of one again, for thirty days; what was changed since stays as it is."""
    record = session.get(CustomerMerge, merge_id, with_for_update=True)
    if record is None:
        raise NotFound
    survivor, merged = _both(session, record.survivor_id, record.merged_id)
    _check_undoable(record, survivor, merged)
    kept = _restore_fields(survivor, record)
    decided = {key: c.granted for key, c in in_force(session, customer_id=survivor.id).items()}
    carried_lots = record.moved.get("points", [])
    loyalty.carry(session, from_id=survivor.id, to_id=merged.id, lot_ids=carried_lots)
    kept += _move_back(session, record)
    carried = Decimal(record.moved.get("credit", "0"))
    back = _carry_credit(session, survivor, merged, "Two files were made two again", carried)
    if Decimal(back) != carried:
        kept.append("store credit")
    merged.archived_at = merged.merged_into_id = None
    record.undone_at = clock.now()
    session.flush()  # the rows stand where the numbers are counted
    interests.rebuild(session, customer_ids=[survivor.id, merged.id])
    _restore_consents(session, survivor, record, decided)
    session.flush()  # consents that were decided anew
    return Undone(survivor, merged, tuple(kept))


# --- the two files ---------------------------------------------------------------------------


def _pair(session: Session, a: int, b: int, *, lock: bool) -> tuple[Customer, Customer]:
    if a == b:
        raise CannotMerge("This is one and the same file: choose another one.")
    first, second = _both(session, a, b, lock=lock)
    if first.vendor_id != second.vendor_id:
        raise CannotMerge
    for file in (first, second):
        if file.anonymised_at is not None:
            raise CannotMerge("One of the two was forgotten for good: it cannot be merged.")
        if file.merged_into_id is not None:
            raise CannotMerge("One of the two was merged already: open the file it became.")
        if file.archived_at is not None:
            raise CannotMerge("One of the two is archived: restore it first.")
    return first, second


def _both(session: Session, a: int, b: int, *, lock: bool = True) -> tuple[Customer, Customer]:
    """Both files, locked in the order of their ids, so that two merges cannot hold each other."""
    session.flush()  # what is read again below
    query = select(Customer).where(is_any(Customer.id, [a, b])).order_by(Customer.id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = {file.id: file for file in session.scalars(query)}
    if a not in found or b not in found:
        raise NotFound
    return found[a], found[b]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _typed(name: str, value: Any) -> Any:
    return date.fromisoformat(value) if name == "birthday" and value is not None else value


def _choose(survivor: Customer, merged: Customer, choices: Mapping[str, str]) -> None:
    for name, side in choices.items():
        if name not in FIELDS or side not in ("survivor", "merged"):
            raise CannotMerge("Choose one of the two files for each field.", field=name)
    for name in FIELDS:
        theirs = getattr(merged, name)
        default = "merged" if getattr(survivor, name) is None else "survivor"
        if choices.get(name, default) == "merged":
            setattr(survivor, name, theirs)


def _chosen(survivor: Customer) -> dict[str, Any]:
    return {name: _plain(getattr(survivor, name)) for name in FIELDS}


# --- what goes over --------------------------------------------------------------------------


def _move(session: Session, survivor: Customer, merged: Customer) -> dict[str, Any]:
    """Move everything that leads to the merged file; the ids of what was moved, by table."""
    moved: dict[str, Any] = {}
    for model in _MOVED:
        moved[model.__tablename__] = _repoint(session, model, survivor.id, _of(model, merged))
    for model, key in _MOVED_ONCE:
        own = select(model.id if key is None else key).where(*_of(model, survivor))
        free = ~own.exists() if key is None else key.not_in(own)
        moved[model.__tablename__] = _repoint(
            session, model, survivor.id, [*_of(model, merged), free]
        )
    return moved


def _carry_credit(
    session: Session, source: Customer, target: Customer, reason: str, most: Decimal | None = None
) -> str:
    """Store credit goes over as entries of its own, for its ledger is never rewritten."""
    amount = source.store_credit if most is None else most
    moved = credit.carry(session, from_id=source.id, to_id=target.id, amount=amount, reason=reason)
    return str(moved)


def _of(model: Any, file: Customer) -> list[Any]:
    return [model.vendor_id == file.vendor_id, model.customer_id == file.id]


def _repoint(session: Session, model: Any, to: int, which: Sequence[Any]) -> list[int]:
    values: dict[str, Any] = {"customer_id": to}
    if hasattr(model, "updated_at"):
        values["updated_at"] = model.updated_at  # being merged is no edit of the row
    moved = update(model).where(*which).values(values).returning(model.id)
    ids = session.scalars(moved, execution_options={"synchronize_session": "fetch"})
    return sorted(ids)


def _move_back(session: Session, record: CustomerMerge) -> list[str]:
    """Move what went over; rows that have left the surviving file since are named."""
    kept: list[str] = []
    for model in (*_MOVED, *(model for model, _ in _MOVED_ONCE)):
        ids = record.moved.get(model.__tablename__, [])
        still = [is_any(model.id, ids), model.customer_id == record.survivor_id]
        back = _repoint(session, model, record.merged_id, still)
        if missing := len(ids) - len(back):
            kept.append(f"{missing} {model.__tablename__.replace('_', ' ')}")
    return kept


def _restore_fields(survivor: Customer, record: CustomerMerge) -> list[str]:
    """Give the surviving file its own values back, where nobody has written others since."""
    kept = []
    for name, value in record.before.items():
        if _plain(getattr(survivor, name)) == record.moved["chosen"][name]:
            setattr(survivor, name, _typed(name, value))
        elif _plain(getattr(survivor, name)) != value:
            kept.append(name)
    return kept


def _check_undoable(record: CustomerMerge, survivor: Customer, merged: Customer) -> None:
    if record.undone_at is not None:
        raise CannotUnmerge("This merge was undone already.")
    if survivor.anonymised_at is not None or merged.anonymised_at is not None:
        raise CannotUnmerge("This customer was forgotten for good: nothing can be restored.")
    if survivor.merged_into_id is not None:
        raise CannotUnmerge("This file was merged into another one since: undo that merge first.")
    if merged.merged_into_id != survivor.id or clock.now() - record.at > UNDO_WITHIN:
        raise CannotUnmerge


# --- consents: a ledger, so decisions are added, never taken out --------------------------------

Decisions = dict[tuple[str, str], bool]


def _stricter(session: Session, survivor: Customer, merged: Customer) -> Decisions:
    """What holds for both together: a no of either is a no."""
    held: Decisions = {}
    for file in (survivor, merged):
        for key, decision in in_force(session, customer_id=file.id).items():
            held[key] = held.get(key, True) and decision.granted
    return held


def _decide(session: Session, file: Customer, wanted: Decisions, source: str, at: datetime) -> None:
    """Add what is needed for these decisions to be in force."""
    session.flush()  # rows that have just been moved count
    now = {key: c.granted for key, c in in_force(session, customer_id=file.id).items()}
    for (channel, purpose), granted in sorted(wanted.items()):
        if now.get((channel, purpose)) is not granted:
            session.add(
                Consent(
                    vendor_id=file.vendor_id, customer_id=file.id, channel=channel,
                    purpose=purpose, granted=granted, source=source,
                    user_id=current_actor().user_id, at=at,
                )
            )  # fmt: skip


def _restore_consents(
    session: Session, survivor: Customer, record: CustomerMerge, decided: Decisions
) -> None:
    """What the surviving file had decided itself holds again; newer decisions stay in force."""
    own: Decisions = {}
    newer: Decisions = {}
    query = select(Consent).where(Consent.customer_id == survivor.id).order_by(Consent.id)
    for row in session.scalars(query):
        if row.source != "merge" or row.at != record.at:
            (newer if row.at > record.at else own)[row.channel, row.purpose] = row.granted
    known = {key: granted for key, granted in (own | newer).items() if key in decided}
    _decide(session, survivor, known, "merge undone", clock.now())
