"""Forgetting: whatever tells who a customer was goes; what was sold and decided stays."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, delete, func, null, or_, select, text, update
from sqlalchemy.orm import Session

from app import clock
from app.errors import NotFound
from app.operations import announcing
from app.operations.conditions import is_any
from app.operations.customers import IsForgotten
from models.bookings import Booking
from models.covers import Cover, WarrantyClaim
from models.customers import (
    Address,
    Customer,
    CustomerMerge,
    CustomerPreference,
    CustomerStatus,
    PreferredCategory,
)
from models.feeds import CalendarFeed
from models.imports import ImportJob, ImportRow
from models.orders import Order
from models.tags import CustomerTag
from models.tasks import Task
from models.waitlist import WaitlistEntry

FORGOTTEN = "About a customer who was forgotten"
_PERSONAL = (
    "person_id", "full_name", "company", "reference", "email", "phone", "phone_2", "birthday",
    "locale", "time_zone", "note",
)  # fmt: skip


def forget(session: Session, *, customer_id: int) -> Customer:
    """Forget who a customer was, with every file merged into this one; there is no way back.

    Names, contacts, birthday, notes, addresses, tags and preferences go, and with them what the
    trail, imported lists and announcements know of them. Bookings, orders, holdings, consents
    and figures stay.
    """
    session.flush()  # what is read again below
    customer = session.get(Customer, customer_id, with_for_update=True, populate_existing=True)
    if customer is None:
        raise NotFound
    if customer.anonymised_at is not None:
        raise IsForgotten
    files = [customer, *_merged_into(session, customer)]
    ids = [file.id for file in files]
    for file in files:
        _blank(file)
    _strike_out(session, ids)
    session.flush()  # the trail of these very changes is erased too
    with _standing_in(session, customer.vendor_id):
        for number in ids:
            session.execute(select(func.erase_trail(number)))
    announcing.forget(session, vendor_id=customer.vendor_id, customer_ids=ids)
    return customer


def _merged_into(session: Session, customer: Customer) -> list[Customer]:
    """The files that became this one, and those that had become them."""
    found: list[Customer] = []
    level = [customer.id]
    while level:
        query = select(Customer).where(
            Customer.vendor_id == customer.vendor_id, is_any(Customer.merged_into_id, level)
        )
        files = list(session.scalars(query.order_by(Customer.id).with_for_update()))
        found += files
        level = [file.id for file in files]
    return found


def _blank(file: Customer) -> None:
    for name in _PERSONAL:
        setattr(file, name, None)
    file.anonymised_at = clock.now()
    file.archived_at = file.archived_at or file.anonymised_at
    file.status = CustomerStatus.INACTIVE


def _strike_out(session: Session, ids: Sequence[int]) -> None:
    for gone in (Address, CustomerPreference, PreferredCategory, CustomerTag, CalendarFeed):
        session.execute(delete(gone).where(is_any(gone.customer_id, ids)))
    lists = ImportJob.id.in_(select(ImportRow.job_id).where(is_any(ImportRow.customer_id, ids)))
    # The first rows as the file has them; being cleared is no step of the list.
    _update(session, ImportJob, lists, {"samples": [], "updated_at": ImportJob.updated_at})
    for kept, values in _NOTES:
        _update(session, kept, is_any(kept.customer_id, ids), values)
    covers = select(Cover.id).where(is_any(Cover.customer_id, ids))
    said = {"problem": FORGOTTEN, "note": None}
    _update(session, WarrantyClaim, WarrantyClaim.cover_id.in_(covers), said)
    merges = or_(is_any(CustomerMerge.survivor_id, ids), is_any(CustomerMerge.merged_id, ids))
    _update(session, CustomerMerge, merges, {"before": {}, "moved": {}})


_NOTES: tuple[tuple[Any, dict[str, Any]], ...] = (
    (Booking, {"note": None, "cancel_reason": None, "overbooked": None, "fee_waived": None}),
    (WaitlistEntry, {"note": None}),
    (Order, {"note": None, "cancel_reason": None, "reference": None}),
    (Task, {"title": FORGOTTEN, "note": None, "outcome": None}),
    # SQL's NULL: a plain None would be kept as the JSON value null.
    (ImportRow, {"raw": null(), "problems": null(), "before": null(), "after": null()}),
)
"""Free text beside what is kept, and what stands there afterwards."""


def _update(
    session: Session, model: Any, which: ColumnElement[bool], values: dict[str, Any]
) -> None:
    statement = update(model).where(which).values(values)
    session.execute(statement, execution_options={"synchronize_session": "fetch"})


@contextmanager
def _standing_in(session: Session, vendor_id: int) -> Iterator[None]:
    """The trail is erased for the vendor stood in; the marketplace may stand in none."""
    before = session.scalar(text("SELECT current_setting('app.vendor_id', true)")) or ""
    stand = text("SELECT set_config('app.vendor_id', :vendor, true)")
    session.execute(stand, {"vendor": str(vendor_id)})
    yield
    session.execute(stand, {"vendor": before})
