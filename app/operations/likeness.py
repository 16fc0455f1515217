"""Who a new customer may be already: known contacts, the same birthday, the same words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.contact import fold, normal_email, normal_phone, words
from app.operations.conditions import found_ids, is_any, resolved
from app.operations.filters import Filters
from app.tenancy import current_actor
from models.customers import Customer
from models.vendors import Vendor

MOST = 5
_LOOKED_AT = 50
_SCORES = {"same e-mail": 95, "same phone": 85, "same name and birthday": 90, "same name": 60}


@dataclass(frozen=True)
class Likely:
    """Somebody who may be the one: why, and how sure (0 to 100)."""

    customer: Customer
    reasons: tuple[str, ...]
    score: int


def likely_duplicates(
    session: Session,
    *,
    vendor_id: int | None = None,
    full_name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    birthday: date | None = None,
    except_id: int | None = None,
) -> list[Likely]:
    """Who of the vendor's customers this may be, the likeliest first, while it is being typed.

    What cannot be read yet finds nobody. A phone may be shared by a family; it is named as such.
    """
    chosen = vendor_id if vendor_id is not None else current_actor().vendor_id
    vendor = None if chosen is None else session.get(Vendor, chosen)
    if vendor is None:
        return []
    name = (full_name or "")[:200]
    found: dict[int, tuple[Customer, list[str]]] = {}
    for reason, customers in (
        ("same e-mail", _with_email(session, vendor.id, normal_email(email or ""))),
        ("same phone", _with_phone(session, vendor, phone)),
        ("same name and birthday", _born(session, vendor.id, name, birthday)),
        ("", _named(session, vendor.id, name)),
    ):
        for customer in customers:
            _, reasons = found.setdefault(customer.id, (customer, []))
            reasons.append(reason or _alike(customer, name))
    likely = [_likely(c, reasons) for c, reasons in found.values() if c.id != except_id]
    return sorted(likely, key=lambda one: (-one.score, one.customer.id))[:MOST]


def _likely(customer: Customer, reasons: list[str]) -> Likely:
    given = sorted({r for r in reasons if r}, key=lambda r: -_score(r))
    best = _score(given[0])
    return Likely(customer, tuple(given), min(best + 4 * (len(given) - 1), 99))


def _score(reason: str) -> int:
    return _SCORES.get(reason, 40)


def _alike(customer: Customer, name: str) -> str:
    both = fold(customer.full_name or customer.company or ""), fold(name)
    return "same name" if " ".join(both[0].split()) == " ".join(both[1].split()) else "similar name"


def _living(vendor_id: int) -> Any:
    query = select(Customer).where(Customer.vendor_id == vendor_id, Customer.archived_at.is_(None))
    return query.order_by(Customer.id).limit(_LOOKED_AT)


def _with_email(session: Session, vendor_id: int, email: str | None) -> Iterable[Customer]:
    if email is None:
        return []
    return session.scalars(_living(vendor_id).where(Customer.email == email)).all()


def _with_phone(session: Session, vendor: Vendor, phone: str | None) -> Iterable[Customer]:
    number = normal_phone(phone, vendor.country) if phone else None
    if number is None:
        return []
    same = or_(Customer.phone == number, Customer.phone_2 == number)
    return session.scalars(_living(vendor.id).where(same)).all()


def _born(session: Session, vendor_id: int, name: str, birthday: date | None) -> Iterable[Customer]:
    wanted = set(words(name))
    if birthday is None or not wanted:
        return []
    born = session.scalars(_living(vendor_id).where(Customer.birthday == birthday))
    return [c for c in born if wanted == set(words(c.full_name or c.company or ""))]


def _named(session: Session, vendor_id: int, name: str) -> Iterable[Customer]:
    """Those who share every word that was typed; a single word says too little."""
    asked = resolved(session, Filters(vendor_id=vendor_id, search=name or None))
    if asked.words is None or len(asked.words) < 2:
        return []
    ids = list(session.scalars(found_ids(asked, _LOOKED_AT)))
    return session.scalars(_living(vendor_id).where(is_any(Customer.id, ids))).all()
