"""The trail of a record: who changed what, when, in people's words. Triggers write it; we read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.tenancy import SYSTEM_USER_ID
from models.audit import AuditAction, AuditEntry
from models.labels import NOUNS, Change, changes, resolve, zone_of
from models.users import User

PAGE = 25
VERBS = {
    AuditAction.CREATE: "created",
    AuditAction.UPDATE: "changed",
    AuditAction.DELETE: "removed",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one row. `id` is where the next, older page begins."""

    id: int
    at: datetime
    who: str
    verb: str
    noun: str
    table: str
    row_id: int
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        return f"{self.noun} {self.verb} by {self.who}"


def trail(
    session: Session, *, table: str, row_id: int, limit: int = PAGE, before: int | None = None
) -> list[Entry]:
    """The latest changes of one row, newest first; older ones with `before` an entry's id."""
    of_row = select(AuditEntry).where(AuditEntry.table_name == table, AuditEntry.row_id == row_id)
    return _read(session, of_row, limit, before)


def customer_trail(
    session: Session,
    *,
    vendor_id: int,
    customer_id: int,
    limit: int = PAGE,
    before: int | None = None,
) -> list[Entry]:
    """The latest changes of a customer and of all that is theirs, newest first."""
    of_customer = select(AuditEntry).where(
        AuditEntry.vendor_id == vendor_id, AuditEntry.customer_id == customer_id
    )
    return _read(session, of_customer, limit, before)


def _read(
    session: Session, query: Select[AuditEntry], limit: int, before: int | None
) -> list[Entry]:
    if before is not None:
        query = query.where(AuditEntry.id < before)
    page = query.order_by(AuditEntry.id.desc()).limit(max(1, min(limit, 100)))
    return readable(session, session.scalars(page).all())


def readable(session: Session, entries: Sequence[AuditEntry]) -> list[Entry]:
    """Entries in words; fields that say nothing to a reader are left out."""
    ids = {entry.user_id for entry in entries if entry.user_id is not None}
    rows = session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    people = {row.id: row.name for row in rows}
    names = resolve(session, (side for entry in entries for side in (entry.old, entry.new)))
    zone = zone_of(session, next((e.vendor_id for e in entries if e.vendor_id), None))
    return [_entry(entry, people, names, zone) for entry in entries]


def _entry(entry: AuditEntry, people: dict[int, str], names: Any, zone: str) -> Entry:
    without = ("customer_id",) if entry.customer_id is not None else ()
    return Entry(
        id=entry.id,
        at=entry.at,
        who=who(entry.user_id, people),
        verb=VERBS[AuditAction(entry.action)],
        noun=NOUNS.get(entry.table_name, "Record"),
        table=entry.table_name,
        row_id=entry.row_id,
        changes=changes(entry.old, entry.new, names, zone, without=without),
    )


def who(user_id: int | None, people: dict[int, str]) -> str:
    """A person's name; the marketplace's own people are out of a vendor's sight."""
    if user_id in (None, SYSTEM_USER_ID):
        return "Backroom"
    return people.get(user_id or 0, "The marketplace")
