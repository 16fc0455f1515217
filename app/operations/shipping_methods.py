"""Ways of sending and collecting: which fits an order, what it costs, where it goes."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import DomainError
from app.operations.customers import clean
from models.customers import Address
from models.orders import Handing
from models.shipping import ShippingMethod

ADDRESS = ("name", "line1", "line2", "postal_code", "city", "region", "country")
"""What an order's `ship_to` may hold; who it is for, and the columns of an address."""
LONGEST = 120
NOTHING = Decimal("0.00")


class NoWayThere(DomainError):
    sentence = "This way of sending is not offered for it: choose another, or none."
    field = "shipping_method_id"


class NeedsAddress(DomainError):
    sentence = "It is not said where to send it: write street, place and country."
    field = "ship_to"


class NoSuchCountry(DomainError):
    sentence = "There is no such country: write its two letters, such as PT."
    field = "ship_to"


class CannotHand(DomainError):
    sentence = "Say how the goods get there: counter, pickup or delivery."
    field = "handing"


def handing_of(word: str) -> Handing:
    """How the customer gets the goods; refuses `CannotHand`."""
    if word not in set(Handing):
        raise CannotHand
    return Handing(word)


def fitting(
    session: Session, *, vendor_id: int, method_id: int | None, handing: Handing, kept: bool
) -> ShippingMethod | None:
    """The method, if it is the vendor's and of the order's kind; `kept` ones may be off by now."""
    if method_id is None:
        return None
    method = session.get(ShippingMethod, method_id)
    if method is None or method.vendor_id != vendor_id or method.kind != handing:
        raise NoWayThere
    if not method.is_active and not kept:
        raise NoWayThere(f"{method.name} is not offered any more: choose another.")
    return method


def price_of(method: ShippingMethod, goods: Decimal) -> Decimal:
    """What sending costs for goods of this price: nothing from `free_from` on."""
    free = method.free_from is not None and goods >= method.free_from
    return NOTHING if free else method.price


def address(given: Mapping[str, str | None] | None) -> dict[str, str] | None:
    """An address to send to, cleaned; None when nothing is left. Refuses unknown countries."""
    read = {name: clean((given or {}).get(name), name, longest=LONGEST) for name in ADDRESS}
    kept = {name: value for name, value in read.items() if value}
    if not kept:
        return None
    if country := kept.get("country"):
        kept["country"] = country.upper()
        if kept["country"] not in _countries():
            raise NoSuchCountry
    return kept


def check_complete(ship_to: Mapping[str, str] | None) -> None:
    """Refuses `NeedsAddress` unless a parcel finds there."""
    if not ship_to or not all(ship_to.get(part) for part in ("line1", "city", "country")):
        raise NeedsAddress


def address_of(session: Session, customer_id: int) -> dict[str, str] | None:
    """The first address in a customer's file, as an order keeps it."""
    mine = select(Address).where(Address.customer_id == customer_id).order_by(Address.id).limit(1)
    found = session.scalars(mine).first()
    if found is None:
        return None
    return {name: value for name in ADDRESS[1:] if (value := getattr(found, name))}


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    unreal = {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"}
    return frozenset(str(c) for c in Locale("en").territories if str(c).isalpha()) - unreal
