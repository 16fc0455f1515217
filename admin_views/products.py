"""Products on screen, their variants edited in line."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session, joinedload, selectinload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import InCategory, OneOf, of_vendor
from admin_views.forms import Note, Pick, Saving, Text, read_amount, read_whole
from admin_views.lines import Cell, Line, Lines
from admin_views.lists import Col, Sort
from admin_views.lookups import categories_of
from admin_views.rendering import money
from admin_views.saving import Command
from app.errors import DomainError
from app.money import decimals_of
from app.operations.moves import locked
from app.settings import settings
from models.categories import CategoryKind
from models.products import Product, ProductStatus, Variant

NAMES = ("sku", "option", "barcode", "price", "cost", "replenishment_days", "is_active")


def _price(text: str) -> Any:
    return read_amount(text, decimals_of(settings().currency))


def _days(text: str) -> int:
    return read_whole(text, 1, 3650)


CELLS = (
    Cell("sku", "SKU", wanted=True),
    Cell("option", "Option"),
    Cell("barcode", "Barcode"),
    Cell("price", "Price", _price, str, wanted=True, numeric=True),
    Cell("cost", "Cost", _price, str, numeric=True),
    Cell("replenishment_days", "Lasts days", _days, str, numeric=True),
    Cell("is_active", "Sold", check=True),
)


def _move(status: ProductStatus) -> Any:
    def run(session: Session, number: int) -> None:
        locked(session, Product, number).status = status

    return run


def _is(*statuses: ProductStatus) -> Any:
    return lambda product: product.status in statuses


def _prices(product: Product) -> str | None:
    prices = sorted(v.price for v in product.variants)
    if not prices:
        return None
    low, high = money(prices[0]), money(prices[-1])
    return low if low == high else f"{low} – {high}"


class ProductView(HouseView, model=Product):
    """What a vendor sells over the counter and online."""

    name, name_plural, icon, category = "Product", "Products", "ti ti-package", "Catalogue"
    columns = (
        Col("name", "Name", sort="name"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", css="c-status"),
        Col("category", "Category", value=lambda p: p.category and p.category.name),
        Col("variants", "Variants", "number", numeric=True, value=lambda p: len(p.variants)),
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
    details = (
        (
            "Product",
            (
                Col("category", "Category", value=lambda p: p.category and p.category.name),
                Col("description", "Description"),
                Col("created_at", "Made", "day"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=120),
        category=Pick("Category", categories_of(CategoryKind.PRODUCT)),
        description=Note("Description"),
        variants=Lines("Variants", CELLS, one="variant", wanted=True),
    )
    form_sections = (
        ("Product", ("name", "category", "description")),
        ("Variants", ("variants",)),
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

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """The columns, and the variants as rows."""
        rows = [{"id": v.id, **{n: getattr(v, n) for n in NAMES}} for v in record.variants]
        return {
            "name": record.name,
            "category": record.category_id,
            "description": record.description,
            "variants": rows,
        }

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """The product with its variants."""
        rows = values.pop("variants", []) or []
        product = super().create_record(session, values, data, context)
        session.flush()  # the id that the variants refer to
        self.write_variants(product, rows)
        return product

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """The product, and its variants as the form has them."""
        rows = values.pop("variants", []) or []
        super().change_record(session, record, values, data, context)
        self.write_variants(record, rows)

    def write_variants(self, product: Any, rows: list[Line]) -> None:
        """Change known rows, add new ones, remove those that are gone; a foreign row is refused."""
        known = {v.id: v for v in product.variants}
        kept: list[Variant] = []
        for row in rows:
            variant = known.pop(row.id, None) if row.id else Variant(vendor_id=product.vendor_id)
            if variant is None:
                raise DomainError(
                    "A row is not of this product: reload the page and try again.", field="variants"
                )
            for name, value in row.values.items():
                if getattr(variant, name, None) != value:
                    setattr(variant, name, value)
            kept.append(variant)
        product.variants = kept

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The variants as a table."""
        columns = [
            ("SKU", False), ("Option", False), ("Price", True), ("Cost", True), ("Sold", False),
        ]  # fmt: skip
        rows = [
            [v.sku, v.option, money(v.price), money(v.cost), v.is_active] for v in record.variants
        ]
        return {"lines": {"title": "Variants", "columns": columns, "rows": rows}}


VIEWS = [ProductView]
