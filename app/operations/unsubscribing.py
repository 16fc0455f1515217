"""Unsubscribing without signing in: what a link of ours shows, and what it changes.

It stops one purpose on one channel with one vendor. Receipts and whatever else has to be known is
no purpose that can be stopped.
"""

from typing import NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app import clock
from app.operations import suppressions
from app.operations.contacting import address_of
from app.operations.reaching import in_force
from app.operations.stop_links import Named, NoSuchLink
from app.tenancy import current_actor
from models.customers import Consent, ConsentPurpose, Customer
from models.messages import CARRIED, MessageChannel
from models.suppressions import SuppressionReason
from models.vendors import Vendor

BY_LINK, BY_TEXT = "unsubscribe link", "text message"
"""Where it was said."""


class Standing(NamedTuple):
    """What a person sees who opens a link: nothing that they do not know already."""

    vendor: str
    channel: str
    purpose: str
    address: str | None
    stopped: bool


def standing(session: Session, named: Named) -> Standing:
    """How it stands now; it changes nothing. Refuses `NoSuchLink`."""
    customer = _customer(session, named)
    vendor = session.get_one(Vendor, named.vendor_id).name
    if customer.anonymised_at is not None:
        return Standing(vendor, named.channel, named.purpose, None, True)
    address = address_of(session, customer, named.channel)
    shown = None if address is None else hidden(address)
    granted = _granted(session, customer.id, named)
    stopped = not granted if granted is not None else named.purpose == ConsentPurpose.MARKETING
    return Standing(vendor, named.channel, named.purpose, shown, stopped)


def stop(
    session: Session, named: Named, *, everywhere: bool = False, source: str = BY_LINK,
    proof: str | None = None,
) -> None:  # fmt: skip
    """Send somebody nothing of this purpose any more by this channel, or by any (`everywhere`).

    Said twice it is said once. Of somebody who was forgotten nothing is left to change.
    """
    customer = _customer(session, named, lock=True)
    if customer.anonymised_at is not None:
        return
    for channel in CARRIED if everywhere else (MessageChannel(named.channel),):
        one = named._replace(channel=channel)
        if _granted(session, customer.id, one) is not False:
            _decide(session, customer, one, False, source, proof)
        for address in addresses(session, customer, channel):
            suppressions.suppress(
                session, vendor_id=customer.vendor_id, channel=channel, address=address,
                purpose=named.purpose, reason=SuppressionReason.UNSUBSCRIBED, source=source,
            )  # fmt: skip


def resume(
    session: Session, named: Named, *, everywhere: bool = False, source: str = BY_LINK,
    proof: str | None = None,
) -> bool:  # fmt: skip
    """Take back what was said by a link or by text: what held before it holds again.

    It grants nothing that was not agreed to before. Whether anything was taken back.
    """
    customer = _customer(session, named, lock=True)
    channels = CARRIED if everywhere else (MessageChannel(named.channel),)
    back = [
        _resume(session, customer, named._replace(channel=channel), source, proof)
        for channel in channels
    ]
    return any(back)


def _resume(
    session: Session, customer: Customer, named: Named, source: str, proof: str | None
) -> bool:
    rows = session.scalars(_decisions(customer.id, named).limit(2)).all()
    if not rows or rows[0].granted or rows[0].source != source:
        return False
    before = rows[1].granted if len(rows) > 1 else named.purpose != ConsentPurpose.MARKETING
    if not before:
        return False
    _decide(session, customer, named, True, source, proof or "taken back")
    for address in addresses(session, customer, named.channel):
        suppressions.lift(
            session, vendor_id=customer.vendor_id, channel=named.channel, address=address,
            purpose=named.purpose, source=source,
        )  # fmt: skip
    return True


def keep(session: Session, customer: Customer) -> None:
    """Remember what somebody who is about to be forgotten does not want, by their addresses."""
    for (channel, purpose), decision in in_force(session, customer_id=customer.id).items():
        if decision.granted or purpose == ConsentPurpose.TRANSACTIONAL:
            continue
        for address in addresses(session, customer, channel):
            suppressions.suppress(
                session, vendor_id=customer.vendor_id, channel=channel, address=address,
                purpose=purpose, reason=SuppressionReason.UNSUBSCRIBED, source=decision.source,
            )  # fmt: skip


def addresses(session: Session, customer: Customer, channel: str) -> list[str]:
    """Every address of a customer that a channel could use."""
    if channel == MessageChannel.SMS:
        return [phone for phone in (customer.phone, customer.phone_2) if phone]
    known = address_of(session, customer, channel)
    return [known] if known else []


def reached_by(session: Session, customer: Customer) -> list[tuple[str, str]]:
    """Every channel that a provider serves, with every address of a customer for it."""
    return [(way, one) for way in CARRIED for one in addresses(session, customer, way)]


def hidden(address: str) -> str:
    """An address that its owner knows again and nobody else learns: a•••@example.com, •••789."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}•••@{domain}" if at else f"•••{address[-3:]}"


def _customer(session: Session, named: Named, *, lock: bool = False) -> Customer:
    """The file that stands for the customer today, archived or not."""
    seen: set[int] = set()
    customer_id = named.customer_id
    while customer_id not in seen:
        seen.add(customer_id)
        query = select(Customer).where(
            Customer.vendor_id == named.vendor_id, Customer.id == customer_id
        )
        query = query.with_for_update(key_share=True) if lock else query
        customer = session.scalars(query, execution_options={"populate_existing": True}).first()
        if customer is None:
            break
        if customer.merged_into_id is None:
            return customer
        customer_id = customer.merged_into_id
    raise NoSuchLink


def _decisions(customer_id: int, named: Named) -> Select[Consent]:
    return (
        select(Consent)
        .where(Consent.vendor_id == named.vendor_id, Consent.customer_id == customer_id)
        .where(Consent.channel == named.channel, Consent.purpose == named.purpose)
        .order_by(Consent.id.desc())
    )


def _granted(session: Session, customer_id: int, named: Named) -> bool | None:
    latest = session.scalars(_decisions(customer_id, named).limit(1)).first()
    return None if latest is None else latest.granted


def _decide(
    session: Session,
    customer: Customer,
    named: Named,
    granted: bool,
    source: str,
    proof: str | None,
) -> None:
    session.add(
        Consent(
            vendor_id=customer.vendor_id, customer_id=customer.id, channel=named.channel,
            purpose=named.purpose, granted=granted, source=source, proof=proof,
            user_id=current_actor().user_id, at=clock.now(),
        )
    )  # fmt: skip
    session.flush()  # the id, by which the latest decision is known
