"""Products on screen, their variants edited in line."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session, joinedload, selectinload
from starlette.requests import Request

from admin_views.base import declared
from admin_views.category_filters import InCategory
from admin_views.customer_list import import_url
from admin_views.details import link_to
from admin_views.filters import OneOf, of_vendor
from admin_views.forms import Check, Note, Pick, Saving, Text, Whole, read_amount, read_whole
from admin_views.lines import Cell, Line, Lines
from admin_views.lists import Col, Sort
from admin_views.lookups import TAX_CLASSES, categories_of
from admin_views.product_pictures import WithPictures, shown
from admin_views.rendering import money, plural
from admin_views.saving import Command
from app.money import decimals_of
from app.operations import products
from app.operations.products import VariantRow
from app.settings import settings
from models.categories import CategoryKind
from models.products import Product, ProductStatus, Variant

NAMES = (
    "sku", "option", "barcode", "price", "cost", "low_stock", "replenishment_days", "is_active",
)  # fmt: skip
COMMON = ("tax_class_id", "warranty_months", "tracks_stock", "allows_backorder")
"""Columns of variants that the form shows once, for all of them."""
LOW = "Low at"


def _price(text: str) -> Any:
    return read_amount(text, decimals_of(settings().currency))


def _days(text: str) -> int:
    return read_whole(text, 1, 3650)


def _pieces(text: str) -> int:
    return read_whole(text, 0, 1_000_000)


CELLS = (
    Cell("sku", "SKU", wanted=True),
    Cell("option", "Option"),
    Cell("barcode", "Barcode"),
    Cell("price", "Price", _price, str, wanted=True, numeric=True),
    Cell("cost", "Cost", _price, str, numeric=True),
    Cell("low_stock", LOW, _pieces, str, numeric=True),
    Cell("replenishment_days", "Lasts days", _days, str, numeric=True),
    Cell("is_active", "Sold", check=True),
)


def _move(status: ProductStatus) -> Any:
    def run(session: Session, number: int) -> None:
        products.set_status(session, product_id=number, status=status)

    return run


def _remove(session: Session, number: int) -> None:
    products.remove(session, product_id=number)


def _is(*statuses: ProductStatus) -> Any:
    return lambda product: product.status in statuses


def _prices(product: Product) -> str | None:
    prices = sorted(v.price for v in product.variants)
    if not prices:
        return None
    low, high = money(prices[0]), money(prices[-1])
    return low if low == high else f"{low} – {high}"


def _left(product: Product) -> str | None:
    """How many pieces can be had of all variants whose stock is counted."""
    counted = [variant.available for variant in product.variants if variant.tracks_stock]
    return f"{sum(counted):,}" if counted else None


def _common(product: Product, name: str) -> Any:
    """What all variants have alike, or that they differ."""
    found = {getattr(variant, name) for variant in product.variants}
    return next(iter(found), None) if len(found) < 2 else "differs from variant to variant"


def _tax(product: Product) -> str:
    return str(_common(product, "tax_class") or "the vendor's usual one")


def _warranty(product: Product) -> str:
    months = _common(product, "warranty_months")
    return plural(months, "month") if isinstance(months, int) else months or "none"


def _stock(product: Product) -> str:
    counted = _common(product, "tracks_stock")
    if not isinstance(counted, bool):
        return str(counted)
    beyond = _common(product, "allows_backorder") is True
    return ("counted" if counted else "not counted") + (
        "; may be back-ordered" if counted and beyond else ""
    )


class ProductView(WithPictures, model=Product):
    """What a vendor sells over the counter and online."""

    name, name_plural, icon, category = "Product", "Products", "ti ti-package", "Catalogue"
    details_template = "panel/product.html"
    columns = (
        Col("name", "Name", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", css="c-status"),
        Col("category", "Category", value=lambda p: p.category and p.category.name),
        Col("variants", "Variants", "number", numeric=True, value=lambda p: len(p.variants)),
        Col("left", "To be had", numeric=True, value=_left),
        Col("price", "Price", numeric=True, value=_prices),
    )
    sorts = declared(name=Sort(Product.name), newest=Sort(Product.id, descending=True))
    searched = (Product.name,)
    filters = (
        of_vendor(Product.vendor_id),
        OneOf("status", "Status", Product.status, icon="circle-dot", words=ProductStatus),
        InCategory(
            "category", "Category", Product.category_id, icon="sitemap", of=CategoryKind.PRODUCT
        ),
    )
    loads = (joinedload(Product.category), selectinload(Product.variants))
    details_loads = (
        joinedload(Product.category),
        selectinload(Product.variants).joinedload(Variant.tax_class),
        selectinload(Product.pictures),
    )
    deletes_with = staticmethod(_remove)
    details = (
        (
            "Product",
            (
                Col("category", "Category", value=lambda p: p.category and p.category.name),
                Col("description", "Description"),
                Col("tax_class", "Tax class", value=_tax),
                Col("warranty", "Warranty", value=_warranty),
                Col("stock", "Stock", value=_stock),
                Col("created_at", "Made", "day"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=250),
        category=Pick("Category", categories_of(CategoryKind.PRODUCT)),
        description=Note("Description"),
        options=Text(
            "What sets its variants apart", longest=250,
            hint="Such as Size, Colour; empty: there is only one",
        ),
        variants=Lines("Variants", CELLS, one="variant", wanted=True),
        tax_class=Pick("Tax class", TAX_CLASSES, hint="Empty: the vendor's usual one"),
        warranty_months=Whole(
            "Warranty, months", low=1, high=1200, hint="From delivery on; empty: none"
        ),
        tracks_stock=Check("Count its stock", default=False),
        allows_backorder=Check(
            "May be back-ordered", default=False, hint="Sold beyond what is on hand"
        ),
    )  # fmt: skip
    form_sections = (
        ("Product", ("name", "category", "description")),
        ("Variants", ("options", "variants")),
        (
            "All variants",
            ("tax_class", "warranty_months", "tracks_stock", "allows_backorder"),
        ),
    )
    commands = (
        Command(
            "sell", "Put on sale", _move(ProductStatus.ACTIVE),
            _is(ProductStatus.DRAFT, ProductStatus.ARCHIVED), "The product is on sale.",
            icon="circle-check", action="edit",
        ),
        Command(
            "archive", "Archive", _move(ProductStatus.ARCHIVED), _is(ProductStatus.ACTIVE),
            "The product is archived.", icon="archive", action="edit",
        ),
    )  # fmt: skip
    stays = "A product that was sold stays: archive it instead."

    def list_buttons(self, request: Request) -> list[dict[str, Any]]:
        """Import, and the one primary button."""
        new = super().list_buttons(request)
        if url := import_url(request, self, "products"):
            return [{"title": "Import", "url": url, "icon": "file-import"}, *new]
        return new

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """The columns, the variants as rows, and what they have alike."""
        rows = [{"id": v.id, **{n: getattr(v, n) for n in NAMES}} for v in record.variants]
        return {
            "name": record.name,
            "category": record.category_id,
            "description": record.description,
            "options": ", ".join(record.options or ()) or None,
            "variants": rows,
            **_alike(record),
        }

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """The product with its variants."""
        return products.save(session, **_given(values))

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """The product, and its variants as the form has them."""
        products.save(session, product_id=record.id, **_given(values))

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The variants as a table, each with the way to its stock."""
        columns = [
            (", ".join(record.options or ()) or "Variant", False), ("SKU", False), ("Price", True),
            ("Cost", True), ("On hand", True), ("To be had", True), ("Sold", False),
        ]  # fmt: skip
        return {
            "lines": {
                "title": "Variants", "columns": columns, "rows": [_row(v) for v in record.variants],
            },
            "pictures": shown(record, may_edit=self.editable(request, record)),
        }  # fmt: skip


def _alike(product: Product) -> dict[str, Any]:
    """What all variants have alike, as the first one has it."""
    first = next(iter(product.variants), None)
    shown = {name: getattr(first, name, None) for name in COMMON}
    return {"tax_class": shown.pop("tax_class_id"), **shown}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """The form as the operation takes it."""
    common = {name: values.pop(name.removesuffix("_id"), None) for name in COMMON}
    rows: list[Line] = values.pop("variants", None) or []
    variants = [VariantRow(_row_values(row), row.id) for row in rows]
    options = (values.pop("options", None) or "").split(",")
    return {**values, "variants": variants, "options": options, "common": common}


def _row_values(row: Line) -> dict[str, Any]:
    return {**row.values, "low_stock": row.values.get("low_stock") or 0}


def _row(variant: Variant) -> list[Any]:
    counted = variant.tracks_stock
    return [
        link_to("variant", variant, variant.option or variant.sku),
        variant.sku,
        money(variant.price),
        money(variant.cost),
        variant.on_hand if counted else None,
        variant.available if counted else None,
        variant.is_active,
    ]


VIEWS = [ProductView]
