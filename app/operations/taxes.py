"""Taxes: which rate holds where and when, and what it comes to on the lines of an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app import clock
from app.errors import REFUSALS, DomainError, NotFound
from app.operations import items
from app.operations.prices import as_money
from models.orders import Handing, LineKind, Order
from models.shipping import ShippingMethod
from models.taxes import TaxClass, TaxRate
from models.vendors import Vendor

HUNDRED = Decimal(100)
NOTHING = Decimal("0.00")


class NoRate(DomainError):
    sentence = (
        "There is no rate of the tax class {name} in {place} on {day}:"
        " add one under Taxes, or choose another address."
    )
    field = "ship_to"


class ClassTaken(DomainError):
    sentence = "There is a tax class of this name already: choose another name."
    field = "name"


class RateThere(DomainError):
    sentence = "Two rates of one place begin on the same day: keep one of them."
    field = "rates"


class NoSuchPlace(DomainError):
    sentence = "There is no such country: write its two letters, such as PT."
    field = "rates"


class ClassInUse(DomainError):
    sentence = "This tax class is named by what is sold: name another one there first."


REFUSALS |= {
    "uq_tax_classes_vendor_id_name": ClassTaken,
    "uq_tax_rates_of_a_place": RateThere,
    "ck_tax_rates_country_is_iso": NoSuchPlace,
}


@dataclass(frozen=True, slots=True)
class Rate:
    """What a class is taxed with: the word of receipts, and percent."""

    name: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one place on one day; `default` is the class of what names none."""

    classes: Mapping[int, tuple[str, Rate | None]]
    default: int | None
    place: str
    day: date

    def of(self, tax_class_id: int | None) -> Rate | None:
        """The rate of a class, None where nothing is taxed; `NoRate` where it has none."""
        named = tax_class_id or self.default
        if named is None:
            return None
        name, rate = self.classes[named]
        if rate is None:
            raise NoRate(name=name, place=self.place, day=f"{self.day.day} {self.day:%B %Y}")
        return rate


def rates_in(
    session: Session, *, vendor_id: int, country: str, region: str | None, day: date
) -> Rates:
    """The rates of every class of a vendor in a place on a day of the vendor's.

    A rate of the region goes before the country's; of each the latest that has begun.
    """
    here = func.lower(TaxRate.region) == (region or "").strip().lower()
    begun = and_(
        TaxRate.vendor_id == TaxClass.vendor_id,
        TaxRate.tax_class_id == TaxClass.id,
        TaxRate.country == country,
        or_(TaxRate.region.is_(None), here),
        TaxRate.starts_on <= day,
    )
    found = session.execute(
        select(TaxClass.id, TaxClass.name, TaxClass.is_default, TaxRate.name, TaxRate.percent)
        .outerjoin(TaxRate, begun)
        .where(TaxClass.vendor_id == vendor_id)
        .ext(distinct_on(TaxClass.id))
        .order_by(TaxClass.id, TaxRate.region.is_(None), TaxRate.starts_on.desc())
    ).all()
    return Rates(
        classes={row[0]: (row[1], Rate(row[3], row[4]) if row[3] else None) for row in found},
        default=next((row[0] for row in found if row[2]), None),
        place=", ".join(part for part in (region, country) if part),
        day=day,
    )


def tax_of(amount: Decimal, percent: Decimal, *, included: bool) -> Decimal:
    """The tax of an amount, rounded half-even once: within it, or on top of it."""
    base = HUNDRED + percent if included else HUNDRED
    return as_money(amount * percent / base)


def put_on(session: Session, order: Order) -> None:
    """Freeze rate and tax on every line, and add the order up. A tip is given, and not taxed."""
    rates = _rates_for(session, order)
    classes = _classes_of(session, order) if rates.classes else {}
    for line in order.lines:
        rate = None
        if rates.classes and line.kind != LineKind.TIP:
            rate = rates.of(classes.get(items.named_by(line)))
        line.tax_name = rate.name if rate else None
        line.tax_percent = rate.percent if rate else None
        line.tax = (
            tax_of(line.total, rate.percent, included=order.includes_tax) if rate else NOTHING
        )
    order.tax = sum((line.tax for line in order.lines), NOTHING)
    on_top = NOTHING if order.includes_tax else order.tax
    order.total = sum((line.total for line in order.lines), on_top)


def make_default(session: Session, *, tax_class_id: int) -> TaxClass:
    """From now on what names no class is taxed as this one; what was placed stays."""
    classes = session.scalars(select(TaxClass).order_by(TaxClass.id).with_for_update()).all()
    chosen = next((one for one in classes if one.id == tax_class_id), None)
    if chosen is None:
        raise NotFound
    for other in classes:
        if other.is_default and other.vendor_id == chosen.vendor_id:
            other.is_default = False
    session.flush()  # there is never a second default, not even for a moment
    chosen.is_default = True
    return chosen


# --- behind the verbs ---------------------------------------------------------------------


def _rates_for(session: Session, order: Order) -> Rates:
    at = select(Vendor.country, Vendor.region, Vendor.time_zone).where(Vendor.id == order.vendor_id)
    country, region, zone = session.execute(at).one()
    if order.handing == Handing.DELIVERY and order.ship_to:
        country, region = order.ship_to.get("country") or country, order.ship_to.get("region")
    return rates_in(
        session, vendor_id=order.vendor_id, country=country, region=region,
        day=clock.now().astimezone(ZoneInfo(zone)).date(),
    )  # fmt: skip


def _classes_of(session: Session, order: Order) -> dict[items.Key, int | None]:
    """The tax class that each item of the order names: (kind, id) to the class's id."""
    with items.at_hand(session, map(items.named_by, order.lines)) as held:
        found: dict[items.Key, int | None] = {key: one.tax_class_id for key, one in held.items()}
    if order.shipping_method_id is not None:
        method = session.get_one(ShippingMethod, order.shipping_method_id)
        found[LineKind.SHIPPING, None] = method.tax_class_id
    return found
