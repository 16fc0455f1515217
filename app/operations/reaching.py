"""How a customer may be reached: consents, preferences, addresses."""

import re
from collections.abc import Sequence
from datetime import time
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock
from app.errors import REFUSALS, DomainError, NotFound
from app.operations.conditions import is_any
from app.operations.customers import CannotRead, clean, living
from app.tenancy import current_actor
from models.categories import Category
from models.customers import (
    Address,
    Consent,
    ConsentChannel,
    ConsentPurpose,
    CustomerPreference,
    PreferredCategory,
)

FROM_A_LIST = "import"
ADDRESS_FIELDS = ("label", "line1", "line2", "city", "region", "postal_code", "country")


class NoSuchCountry(DomainError):
    sentence = "There is no such country: write its two letters, such as PT."
    field = "country"


class HalfQuietHours(DomainError):
    sentence = "Quiet hours need a beginning and an end: fill in both, or neither."
    field = "quiet_from"


class NoQuietTime(DomainError):
    sentence = "Quiet hours begin and end at the same time: choose another end."
    field = "quiet_until"


class NoPushAddress(DomainError):
    sentence = "This is no push address: copy it from the customer's app, without blanks."
    field = "push_address"


class NoProof(DomainError):
    sentence = "A list grants no consent without proof: say in which list, and where it stands."
    field = "proof"


class PreferencesKnown(DomainError):
    sentence = "The preferences of {name} are known already: open those and change them."
    field = "customer"


REFUSALS["ck_addresses_country_is_iso"] = NoSuchCountry
REFUSALS["ck_consents_a_list_proves_what_it_grants"] = NoProof
REFUSALS["ck_customer_preferences_quiet_hours_have_both_ends"] = HalfQuietHours


_PUSH = re.compile(r"[\w.:@=+/-]{1,500}", re.ASCII)


# --- consents --------------------------------------------------------------------------------


def consent(
    session: Session,
    *,
    customer_id: int,
    channel: str,
    purpose: str,
    granted: bool,
    source: str,
    proof: str | None = None,
) -> Consent:
    """Write down what a customer has decided; earlier decisions stay readable.

    What a list grants has to be proved (`NoProof`).
    """
    if channel not in set(ConsentChannel) or purpose not in set(ConsentPurpose):
        raise CannotRead("There is no such consent: choose channel and purpose.", field="channel")
    if granted and source == FROM_A_LIST and not clean(proof, "proof", lines=True, longest=2_000):
        raise NoProof
    customer = living(session, customer_id)
    decision = Consent(
        vendor_id=customer.vendor_id, customer_id=customer.id, channel=channel, purpose=purpose,
        granted=granted, source=clean(source, "source", longest=80) or "panel",
        proof=clean(proof, "proof", lines=True, longest=2_000),
        user_id=current_actor().user_id, at=clock.now(),
    )  # fmt: skip
    session.add(decision)
    session.flush()  # the id, by which the latest decision is known
    return decision


def withdraw(
    session: Session, *, customer_id: int, channel: str, purpose: str, source: str
) -> Consent:
    """Take a consent back; from now on nothing of this purpose goes out on this channel."""
    return consent(
        session, customer_id=customer_id, channel=channel, purpose=purpose, granted=False,
        source=source,
    )  # fmt: skip


def latest(session: Session, decisions: Sequence[Consent]) -> set[int]:
    """The ids of those decisions that no later one has replaced."""
    key = (Consent.vendor_id, Consent.customer_id, Consent.channel, Consent.purpose)
    asked = {(d.vendor_id, d.customer_id, d.channel, d.purpose) for d in decisions}
    if not asked:
        return set()
    newest = select(func.max(Consent.id)).where(tuple_(*key).in_(sorted(asked))).group_by(*key)
    return set(session.scalars(newest)).intersection(d.id for d in decisions)


def in_force(session: Session, *, customer_id: int) -> dict[tuple[str, str], Consent]:
    """The latest decision of a customer for each channel and purpose."""
    query = select(Consent).where(Consent.customer_id == customer_id).order_by(Consent.id)
    return {(row.channel, row.purpose): row for row in session.scalars(query)}


# --- preferences -----------------------------------------------------------------------------


def prefer(
    session: Session,
    *,
    customer_id: int,
    channel: str | None = None,
    push_address: str | None = None,
    quiet_from: time | None = None,
    quiet_until: time | None = None,
) -> CustomerPreference:
    """How and when a customer wants to be reached; hours are wall time at the customer's."""
    values = _wishes(channel, push_address, quiet_from, quiet_until)
    customer = living(session, customer_id)
    new = insert(CustomerPreference).values(
        vendor_id=customer.vendor_id, customer_id=customer.id, **values
    )
    kept = new.on_conflict_do_update(
        index_elements=["vendor_id", "customer_id"], set_=values | {"updated_at": clock.now()}
    ).returning(CustomerPreference)
    return session.scalars(kept, execution_options={"populate_existing": True}).one()


def begin_preferences(
    session: Session,
    *,
    customer_id: int,
    channel: str | None = None,
    push_address: str | None = None,
    quiet_from: time | None = None,
    quiet_until: time | None = None,
) -> CustomerPreference:
    """The first word on how a customer wants to be reached; `PreferencesKnown` when it is not."""
    values = _wishes(channel, push_address, quiet_from, quiet_until)
    customer = living(session, customer_id)
    own = {"vendor_id": customer.vendor_id, "customer_id": customer.id}
    new = insert(CustomerPreference).values(**own, **values)
    made = session.scalars(new.on_conflict_do_nothing().returning(CustomerPreference)).first()
    if made is None:
        known = select(CustomerPreference.id).filter_by(**own)
        raise PreferencesKnown(name=customer.name, preference_id=session.scalar(known))
    return made


def _wishes(
    channel: str | None,
    push_address: str | None,
    quiet_from: time | None,
    quiet_until: time | None,
) -> dict[str, Any]:
    if channel is not None and channel not in set(ConsentChannel):
        raise CannotRead("There is no such channel: choose one of the list.", field="channel")
    if (quiet_from is None) != (quiet_until is None):
        raise HalfQuietHours
    if quiet_from is not None and quiet_from == quiet_until:
        raise NoQuietTime
    pushed = clean(push_address, "push_address", longest=500)
    if pushed is not None and not _PUSH.fullmatch(pushed):
        raise NoPushAddress
    hours = {"quiet_from": quiet_from, "quiet_until": quiet_until}
    return {"channel": channel, "push_address": pushed, **hours}


def prefer_categories(
    session: Session, *, customer_id: int, category_ids: Sequence[int]
) -> Sequence[int]:
    """What a customer likes to hear about; replaces what was chosen before."""
    customer = living(session, customer_id)
    known = session.scalars(select(Category.id).where(is_any(Category.id, category_ids))).all()
    if len(known) < len(set(category_ids)):
        raise CannotRead("There is no such category: choose from the list.", field="categories")
    kept = select(PreferredCategory).where(PreferredCategory.customer_id == customer.id)
    rows = {row.category_id: row for row in session.scalars(kept)}
    for category_id, row in rows.items():
        if category_id not in known:
            session.delete(row)
    own = {"vendor_id": customer.vendor_id, "customer_id": customer.id}
    session.add_all(PreferredCategory(**own, category_id=k) for k in known if k not in rows)
    # Whoever likes something has preferences, which is where the categories are listed.
    if known:
        session.execute(insert(CustomerPreference).values(**own).on_conflict_do_nothing())
    session.flush()  # a list read in the same transaction shows them
    return sorted(known)


# --- addresses -------------------------------------------------------------------------------


def add_address(session: Session, *, customer_id: int, **values: Any) -> Address:
    """Write down where a customer lives, works or wants parcels."""
    customer = living(session, customer_id)
    read = _address(values)
    if not any(read.get(name) for name in ADDRESS_FIELDS if name != "label"):
        raise CannotRead("This address is empty: write a street or a city.", field="line1")
    address = Address(vendor_id=customer.vendor_id, customer_id=customer.id, **read)
    session.add(address)
    session.flush()  # the id
    return address


def change_address(session: Session, *, address_id: int, **values: Any) -> Address:
    """Correct an address; what is not named stays."""
    address = _held(session, address_id)
    for name, value in _address(values).items():
        setattr(address, name, value)
    session.flush()  # the database's word on the values
    return address


def remove_address(session: Session, *, address_id: int) -> None:
    """Strike an address out."""
    session.delete(_held(session, address_id))
    session.flush()  # a list read in the same transaction no longer shows it


def _held(session: Session, address_id: int) -> Address:
    customer_id = session.scalar(select(Address.customer_id).where(Address.id == address_id))
    if customer_id is None:
        raise NotFound
    living(session, customer_id)
    return session.get_one(Address, address_id, with_for_update=True)


def _address(values: dict[str, Any]) -> dict[str, str | None]:
    read: dict[str, str | None] = {}
    for name, value in values.items():
        if name not in ADDRESS_FIELDS:
            raise CannotRead(f"An address has no field “{name}”.", field=name)
        read[name] = clean(value, name, longest=200)
    if country := read.get("country"):
        if not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise NoSuchCountry
        read["country"] = country.upper()
    return read
