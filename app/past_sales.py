"""A line of a list of past sales, as `staged_sales` keeps it.

The files are read by `app.intake`, the lines become orders in `app.operations.history`; both speak
in the words of this module, which knows no table.
"""

from collections.abc import Set
from dataclasses import dataclass, field
from enum import StrEnum


class SaleField(StrEnum):
    """What a column of a list of past sales can become; a row is one line of one sale."""

    ORDER = "order"
    CUSTOMER = "customer"
    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    TIME = "time"
    ITEM = "item"
    SKU = "sku"
    CATEGORY = "category"
    KIND = "kind"
    QUANTITY = "quantity"
    AMOUNT = "amount"
    UNIT_PRICE = "unit_price"
    CHANNEL = "channel"


LABELS = {
    SaleField.ORDER: "order number",
    SaleField.CUSTOMER: "customer's number",
    SaleField.NAME: "customer's name",
    SaleField.FIRST_NAME: "customer's first name",
    SaleField.LAST_NAME: "customer's last name",
    SaleField.EMAIL: "customer's e-mail",
    SaleField.PHONE: "customer's phone",
    SaleField.DATE: "date",
    SaleField.TIME: "time of day",
    SaleField.ITEM: "item",
    SaleField.SKU: "item code",
    SaleField.CATEGORY: "category",
    SaleField.KIND: "product or service",
    SaleField.QUANTITY: "quantity",
    SaleField.AMOUNT: "amount of the line",
    SaleField.UNIT_PRICE: "price of one",
    SaleField.CHANNEL: "channel",
}
"""What each field is called on screens and in sentences."""


def missing(fields: Set[str | None]) -> str | None:
    """The sentence that refuses columns from which no sale could be made; None if it can."""
    if SaleField.DATE not in fields:
        return "No column says when something was sold: map one to the date."
    if fields.isdisjoint((SaleField.AMOUNT, SaleField.UNIT_PRICE)):
        return "No column says for how much: map one to the amount of the line or the price of one."
    return None


LINE = (
    "position", "line", "digest", "code", "raw", "problems", "sold_at", "order_key", "reference",
    "buyer", "item", "name", "quantity", "unit_price", "total", "channel",
)  # fmt: skip
"""The columns of a line, in the order of its text."""

BUYER = ("key", "line", "reference", "full_name", "email", "phone")
ITEM = ("key", "line", "kind", "code", "name", "category", "unit_price")


@dataclass(slots=True)
class Piece:
    """Lines of a list as COPY takes them, and the buyers and items first named in them."""

    lines: list[str] = field(default_factory=list)
    buyers: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
