"""Addresses that are left alone: because somebody said so, or because nothing arrives there."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from app.tenancy import current_actor
from models.customers import ConsentPurpose, Customer
from models.suppressions import BY_THE_PERSON, Suppression, SuppressionReason


class ThePersonSaidSo(DomainError):
    sentence = "The person has said so: only they can take it back, by a new consent."


def digest(vendor_id: int, channel: str, address: str) -> str:
    """By what an address is known once it is forgotten.

    Not keyed with SECRET_KEY: whoever changes that must not write to those again who have asked
    to be left alone. The vendor is part of it, so that no two vendors' lists can be compared.
    """
    told = f"suppression:{vendor_id}:{channel}:{address.strip().lower()}"
    return hashlib.sha256(told.encode()).hexdigest()


def suppress(
    session: Session,
    *,
    vendor_id: int,
    channel: str,
    address: str,
    reason: SuppressionReason,
    source: str,
    purpose: str | None = None,
) -> int | None:
    """Leave an address alone from now on; None when that is so already.

    What a person says holds for one `purpose`, never for what has to be known; what a provider
    says for all.
    """
    values = {
        "vendor_id": vendor_id, "channel": channel, "digest": digest(vendor_id, channel, address),
        "purpose": ConsentPurpose(purpose) if purpose else None, "reason": reason,
        "source": source, "at": clock.now(), "user_id": current_actor().user_id,
    }  # fmt: skip
    new = insert(Suppression).values(values).on_conflict_do_nothing()
    return session.scalars(new.returning(Suppression.id)).first()


def lift(
    session: Session, *, vendor_id: int, channel: str, address: str, purpose: str, source: str
) -> int:
    """Take back what the person has said of this purpose; how many words that were."""
    gone = (
        update(Suppression)
        .where(Suppression.vendor_id == vendor_id, Suppression.channel == channel)
        .where(Suppression.digest == digest(vendor_id, channel, address))
        .where(Suppression.purpose == purpose, Suppression.source == source)
        .where(Suppression.lifted_at.is_(None))
    )
    lifted = gone.values(lifted_at=clock.now()).returning(Suppression.id)
    return len(session.scalars(lifted).all())


class Unreached(NamedTuple):
    """An address at which nothing arrives, and since when that is known."""

    suppression_id: int
    channel: str
    address: str
    since: datetime


def unreached(
    session: Session, customer: Customer, known: Sequence[tuple[str, str]]
) -> list[Unreached]:
    """Which of a customer's addresses (channel, address) their providers bring nothing to."""
    owners = {digest(customer.vendor_id, way, one): (way, one) for way, one in known}
    query = (
        select(Suppression.id, Suppression.digest, Suppression.at)
        .where(Suppression.vendor_id == customer.vendor_id, Suppression.lifted_at.is_(None))
        .where(Suppression.channel.in_({way for way, _ in known}))
        .where(Suppression.digest.in_(owners), Suppression.reason.not_in(BY_THE_PERSON))
        .order_by(Suppression.id)
    )
    rows = session.execute(query).all() if owners else []
    return [Unreached(number, *owners[of], since) for number, of, since in rows]


def try_again(session: Session, *, suppression_id: int) -> Suppression:
    """Write to an address again at which nothing arrived. Refuses `ThePersonSaidSo`."""
    found = session.scalars(
        select(Suppression).where(Suppression.id == suppression_id).with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound
    if found.reason in BY_THE_PERSON:
        raise ThePersonSaidSo
    found.lifted_at = found.lifted_at or clock.now()
    return found
