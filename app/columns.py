"""What a list can be about, and what its columns can become."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from app.past_sales import SaleField
from app.past_sales import missing as no_sale
from app.staging import Field


class Subject(StrEnum):
    """What stands in the rows of a list."""

    CUSTOMERS = "customers"
    PRODUCTS = "products"
    STOCK = "stock"
    SALES = "sales"


class ProductField(StrEnum):
    """What a column of a product list can become; a row is a variant."""

    NAME = "name"
    GROUP = "group"
    KIND = "kind"
    OPTION_1_NAME = "option_1_name"
    OPTION_1 = "option_1"
    OPTION_2_NAME = "option_2_name"
    OPTION_2 = "option_2"
    OPTION_3_NAME = "option_3_name"
    OPTION_3 = "option_3"
    SKU = "sku"
    BARCODE = "barcode"
    PRICE = "price"
    COST = "cost"
    CATEGORY = "category"
    SUBCATEGORY = "subcategory"
    TAX_CLASS = "tax_class"
    WARRANTY_MONTHS = "warranty_months"
    REPLENISHMENT_DAYS = "replenishment_days"
    TRACKS_STOCK = "tracks_stock"
    ON_HAND = "on_hand"
    LOW_STOCK = "low_stock"
    STATUS = "status"
    DISCONTINUED = "discontinued"
    DESCRIPTION = "description"


class StockField(StrEnum):
    """What a column of a list of opening stock can become; a row is a variant."""

    SKU = "sku"
    BARCODE = "barcode"
    NAME = "name"
    OPTION = "option"
    QUANTITY = "quantity"
    COST = "cost"


FIELDS: Mapping[Subject, type[StrEnum]] = {
    Subject.CUSTOMERS: Field,
    Subject.PRODUCTS: ProductField,
    Subject.STOCK: StockField,
    Subject.SALES: SaleField,
}
"""The words of each subject that can be imported."""

MATCH_BY: Mapping[Subject, tuple[str, ...]] = {
    Subject.CUSTOMERS: ("email", "phone", "name_birthday"),
    Subject.PRODUCTS: ("categories",),
    Subject.STOCK: (),
    Subject.SALES: (),
}
"""What may be asked for beside the columns: by what customers are known, and whether categories of
products that are missing are made."""

IDENTITY = frozenset(
    {Field.FULL_NAME, Field.FIRST_NAME, Field.LAST_NAME, Field.COMPANY, Field.EMAIL, Field.PHONE,
     Field.PHONE_2}
)  # fmt: skip
"""What says who a customer is."""

_CODES = frozenset({ProductField.SKU, ProductField.BARCODE})
_CHANGES = frozenset(ProductField) - _CODES - {
    ProductField.NAME, ProductField.CATEGORY, ProductField.SUBCATEGORY, ProductField.GROUP,
    ProductField.KIND, ProductField.DESCRIPTION,
}  # fmt: skip


def missing(subject: str, fields: Collection[str | None]) -> str | None:
    """The sentence that refuses columns from which nothing could be made; None if it can."""
    return _MISSING[Subject(subject)](set(fields))


def _no_customer(said: set[str | None]) -> str | None:
    if said & IDENTITY:
        return None
    return (
        "No column says who the customers are: map at least one column to a name, a company, "
        "an e-mail or a phone."
    )


def _no_product(said: set[str | None]) -> str | None:
    if ProductField.NAME in said or (said & _CODES and said & _CHANGES):
        return None
    return (
        "No column says what the products are called: map one to the product's name, or, for "
        "products that are here already, one to the SKU and one to what changes, such as the price."
    )


def _no_stock(said: set[str | None]) -> str | None:
    if StockField.QUANTITY not in said:
        return "No column says how many there are: map one to the quantity."
    if said & {StockField.SKU, StockField.BARCODE, StockField.NAME}:
        return None
    return "No column says of what there are so many: map one to the SKU, barcode or name."


_MISSING = {
    Subject.CUSTOMERS: _no_customer,
    Subject.PRODUCTS: _no_product,
    Subject.STOCK: _no_stock,
    Subject.SALES: no_sale,
}
