"""What the demo's vendors owe the tax office, and what sending costs with them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.operations import prices, taxes
from app.seeding.catalogue import VendorOnShow
from app.seeding.rows import add_all, put
from models.shipping import ShippingMethod
from models.taxes import TaxClass, TaxRate

STANDARD = "Standard"
COURIER = "Courier"
FEE = Decimal("3.90")
ON_TOP = "US"
"""Where prices are without tax."""
REGIONS = {"Brooklyn": "NY", "Queens": "NY", "Jersey City": "NJ"}
"""Where taxes are a region's matter: which one a city is in."""


@dataclass(frozen=True, slots=True)
class Duty:
    """A class of goods: its rate, as receipts call it; the categories that it is for."""

    title: str
    name: str
    percent: str
    categories: tuple[str, ...] = ()
    region: str | None = None


DUTIES: dict[str, tuple[Duty, ...]] = {
    "PT": (Duty(STANDARD, "IVA", "23"),),
    "NL": (Duty(STANDARD, "BTW", "21"),),
    "KE": (Duty(STANDARD, "VAT", "16"),),
    "US": (Duty(STANDARD, "Sales tax", "8.875", region="NY"),),
    "DE": (Duty(STANDARD, "MwSt.", "19"), Duty("Food", "MwSt.", "7", ("Vegetables", "Pantry"))),
    "AU": (
        Duty(STANDARD, "GST", "10"), Duty("Health", "GST", "0", ("Blood tests", "Allergy tests",
                                                                 "Health checks")),
    ),
}  # fmt: skip
"""The rates of 2026. The first of a country is what names no class."""


@dataclass(frozen=True)
class Books:
    """A vendor's tax classes, and its way of sending."""

    duties: tuple[Duty, ...]
    classes: dict[str, int]
    courier: int
    on_top: bool

    def class_of(self, category: str) -> int | None:
        """What a category names; None is the vendor's default."""
        return self.classes.get(self._duty(category).title) if self._named(category) else None

    def taxed(self, line: dict[str, Any], category: str, region: str | None) -> dict[str, Any]:
        """A line with its tax, frozen as an order freezes it."""
        duty = self._duty(category)
        if duty.region not in (None, region):
            return {**line, "tax_name": None, "tax_percent": None, "tax": Decimal(0)}
        percent = Decimal(duty.percent)
        tax = taxes.tax_of(line["total"], percent, included=not self.on_top)
        return {**line, "tax_name": duty.name, "tax_percent": percent, "tax": tax}

    def sending(self, vendor_id: int, position: int) -> dict[str, Any]:
        """The line of what sending costs."""
        return {
            "vendor_id": vendor_id, "position": position, "kind": "shipping", "variant_id": None,
            "name": COURIER, "quantity": 1, "unit_price": FEE, "total": FEE,
            "discount": Decimal(0),
            "price_steps": [prices.step(prices.CATALOGUE, FEE, "Price in the catalogue")],
        }  # fmt: skip

    def _named(self, category: str) -> bool:
        return any(category in duty.categories for duty in self.duties)

    def _duty(self, category: str) -> Duty:
        return next((d for d in self.duties if category in d.categories), self.duties[0])


def open_books(session: Session, show: VendorOnShow, vendor_id: int) -> Books:
    """Classes with their rates, and a way of sending."""
    own, duties = {"vendor_id": vendor_id}, DUTIES[show.country]
    rows = [{**own, "name": d.title, "is_default": d.title == STANDARD} for d in duties]
    ids = add_all(session, TaxClass, rows)
    put(
        session,
        TaxRate,
        [
            {**own, "tax_class_id": key, "name": duty.name, "country": show.country,
             "region": duty.region, "percent": Decimal(duty.percent), "starts_on": date(2021, 1, 1)}
            for key, duty in zip(ids, duties, strict=True)
        ],
    )  # fmt: skip
    [courier] = add_all(
        session, ShippingMethod, [{**own, "name": COURIER, "kind": "delivery", "price": FEE}]
    )
    classes = {duty.title: key for duty, key in zip(duties, ids, strict=True)}
    return Books(duties, classes, courier, on_top=show.country == ON_TOP)
