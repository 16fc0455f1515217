"""Customers: taken in with a name or a phone number, changed, archived, and forgotten for good."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NoReturn
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.contact import normal_email, normal_phone
from app.errors import REFUSALS, ChangedMeanwhile, DomainError, NotFound
from app.tenancy import current_actor
from models.customers import Customer, CustomerStatus
from models.vendors import Vendor
from models.words import Channel

LONGEST = {"full_name": 200, "company": 200, "reference": 100, "note": 5_000}
FIELDS = (
    "full_name", "company", "reference", "email", "phone", "phone_2", "birthday", "locale",
    "time_zone", "note", "channel",
)  # fmt: skip
"""What a form may say about a customer; the status is moved by `set_status`."""

_IDENTITY = ("full_name", "company", "email", "phone")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_NAMELESS = "Nobody can be found by this: give a name, a phone number or an e-mail address."


class NoIdentity(DomainError):
    sentence = _NAMELESS
    field = "full_name"


class CannotRead(DomainError):
    sentence = "This cannot be read: write it another way."


class ReferenceTaken(DomainError):
    sentence = (
        "Another customer has this number already: check it, or make the two files one if they are "
        "the same person."
    )
    field = "reference"


class IsGone(DomainError):
    sentence = "This customer is archived: restore the file before you change it."


class IsForgotten(DomainError):
    sentence = "This customer was forgotten for good: nothing can be changed any more."


class IsMerged(DomainError):
    sentence = "This file was merged into another one: open that one instead."


REFUSALS["ck_customers_has_a_name_or_contact"] = NoIdentity
REFUSALS["uq_customers_vendor_id_reference"] = ReferenceTaken


def register(session: Session, *, vendor_id: int | None = None, **values: Any) -> Customer:
    """Take a customer in; a name or a phone number is enough. Refusals name their field."""
    vendor = _vendor(session, vendor_id)
    read = _read(values, vendor.country)
    if not any(read.get(name) for name in _IDENTITY):
        raise NoIdentity
    customer = Customer(vendor_id=vendor.id, **{k: v for k, v in read.items() if v is not None})
    session.add(customer)
    session.flush()  # the id
    return customer


def change(
    session: Session, *, customer_id: int, seen: datetime | None = None, **values: Any
) -> Customer:
    """Change what is known of a customer; what is not named stays.

    `seen` is the `updated_at` of the file the person looked at: if somebody has changed the
    file since, nothing is overwritten.
    """
    customer = living(session, customer_id)
    if seen is not None and customer.updated_at != seen:
        raise ChangedMeanwhile
    country = session.get_one(Vendor, customer.vendor_id).country
    read = _read(values, country)
    if not any(read.get(name, getattr(customer, name)) for name in _IDENTITY):
        raise NoIdentity
    for name, value in read.items():
        setattr(customer, name, value)
    session.flush()  # `updated_at`, for whoever looks next
    return customer


def set_status(session: Session, *, customer_id: int, status: str) -> Customer:
    """Say where a customer stands: active, inactive, or to be followed up."""
    if status not in set(CustomerStatus):
        raise CannotRead("There is no such status: choose one of the list.", field="status")
    customer = living(session, customer_id)
    customer.status = status
    return customer


def archive(session: Session, *, customer_id: int) -> Customer:
    """Put a file away: no list shows it any more, bookings and orders keep it."""
    customer = living(session, customer_id)
    customer.archived_at = clock.now()
    return customer


def restore(session: Session, *, customer_id: int) -> Customer:
    """Take an archived file out again."""
    customer = _locked(session, customer_id)
    if customer.archived_at is None:
        raise DomainError("This customer is not archived: there is nothing to restore.")
    _still_itself(customer)
    customer.archived_at = None
    return customer


def survivor_of(session: Session, customer_id: int) -> int:
    """The file that stands for this one today: itself, or the one it was merged into."""
    seen: set[int] = set()
    while customer_id not in seen:
        seen.add(customer_id)
        query = select(Customer.merged_into_id).where(Customer.id == customer_id)
        found = session.execute(query).first()
        if found is None:
            raise NotFound
        if found[0] is None:
            return customer_id
        customer_id = found[0]
    raise NotFound


def living(session: Session, customer_id: int) -> Customer:
    """A customer who can be changed, locked; archived, merged and forgotten files are refused."""
    customer = _locked(session, customer_id)
    _still_itself(customer)
    if customer.archived_at is not None:
        raise IsGone
    return customer


def still_here(session: Session, customer_id: int) -> Customer | None:
    """A customer who is not archived, merged or forgotten, and is not until this is over.

    Whoever does one of these meanwhile is waited for, so that nothing is written into a file
    that nobody opens any more.
    """
    session.flush()  # what is read again below
    held = {"read": True, "key_share": True}
    customer = session.get(Customer, customer_id, with_for_update=held, populate_existing=True)
    return None if customer is None or customer.archived_at is not None else customer


def _locked(session: Session, customer_id: int) -> Customer:
    session.flush()  # what is read again below
    customer = session.get(Customer, customer_id, with_for_update=True, populate_existing=True)
    if customer is None:
        raise NotFound
    return customer


def _still_itself(customer: Customer) -> None:
    if customer.anonymised_at is not None:
        raise IsForgotten
    if customer.merged_into_id is not None:
        raise IsMerged


def _vendor(session: Session, vendor_id: int | None) -> Vendor:
    chosen = vendor_id if vendor_id is not None else current_actor().vendor_id
    vendor = None if chosen is None else session.get(Vendor, chosen)
    if vendor is None:
        raise CannotRead("Choose the vendor whose customer this is.", field="vendor_id")
    return vendor


# --- what people type ------------------------------------------------------------------------


def _read(values: Mapping[str, Any], country: str) -> dict[str, Any]:
    """The values in the form in which they are kept; a refusal stands at its field."""
    for name in values:
        if name not in FIELDS:
            raise CannotRead(f"A customer has no field “{name}”.", field=name)
    return {name: _read_one(name, value, country) for name, value in values.items()}


def _read_one(name: str, value: Any, country: str) -> Any:
    if name == "birthday":
        return _birthday(value)
    text = clean(value, name, lines=name == "note")
    if text is None:
        return Channel.WALK_IN if name == "channel" else None
    match name:
        case "email":
            return normal_email(text) or _refuse(
                name, "This is no e-mail address: check it for a missing @ or ending.")  # fmt: skip
        case "phone" | "phone_2":
            return normal_phone(text, country) or _refuse(
                name, "This is no phone number: write it with its area code, or with + and the "
                "code of its country.")  # fmt: skip
        case "time_zone" if text not in available_timezones():
            _refuse(name, "There is no such time zone: choose one, such as Europe/Lisbon.")
        case "locale" if not _LOCALE.fullmatch(text):
            _refuse(name, "There is no such language: write it as de or pt-BR.")
        case "channel" if text not in set(Channel):
            _refuse(name, "There is no such channel: choose one of the list.")
    return text


def _refuse(name: str, sentence: str) -> NoReturn:
    raise CannotRead(sentence, field=name)


def clean(value: Any, name: str, *, lines: bool = False, longest: int | None = None) -> str | None:
    """What was typed without invisible characters and stray blanks; None when nothing is left."""
    if value is None:
        return None
    most = longest or LONGEST.get(name, 300)
    text = str(value)
    if len(text) > 10 * most:
        raise CannotRead(f"This is too long: shorten it to {most} letters.", field=name)
    shown = "".join(c if c.isprintable() or (lines and c == "\n") else " " for c in text)
    rows = [" ".join(row.split()) for row in shown.split("\n")]
    text = "\n".join(rows).strip()
    if len(text) > most:
        raise CannotRead(f"This is too long: shorten it to {most} letters.", field=name)
    return text or None


def _birthday(value: Any) -> date | None:
    if value is None or value == "":
        return None
    try:
        day = value if type(value) is date else date.fromisoformat(str(value))
    except ValueError:
        _refuse("birthday", "This is no date: write it as 1990-12-31.")
    if not date(1900, 1, 1) <= day <= clock.now().date():
        _refuse("birthday", "Nobody was born then: check the birthday.")
    return day
