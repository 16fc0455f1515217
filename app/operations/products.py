"""Products: kept with their options and variants, as one form shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError
from app.operations import pictures
from app.operations.moves import locked
from models.products import Product, ProductStatus, Variant

MOST_OPTIONS = 5
LONGEST_OPTION = 40
MOST_VARIANTS = 200


@dataclass(frozen=True, slots=True)
class VariantRow:
    """A variant as the form has it. `id` names one of the same product; without, it is new."""

    values: Mapping[str, Any] = field(default_factory=dict)
    id: int | None = None


class NoVariant(DomainError):
    sentence = "At least one variant is needed: it is what is sold."
    field = "variants"


class NotOfThisProduct(DomainError):
    sentence = "A row is not of this product: reload the page and try again."
    field = "variants"


class LookAlike(DomainError):
    sentence = (
        "Two variants of a product are told apart by their option: write another one beside each."
    )
    field = "variants"


class SameBarcode(DomainError):
    sentence = "Two variants cannot share the barcode {barcode}: give each its own."
    field = "variants"


class OddOptions(DomainError):
    sentence = "Name at most {most} options, each once and in at most {longest} letters."
    field = "options"


class StockThere(DomainError):
    sentence = (
        "There is stock of {what}: write it off, and let its orders be handed over or called off,"
        " before you stop counting it."
    )
    field = "tracks_stock"


class StillOwed(DomainError):
    sentence = (
        "{reserved} of {what} are promised to orders and {on_hand} are on hand:"
        " receive the others before you end back-orders."
    )
    field = "allows_backorder"


class VariantMoved(DomainError):
    sentence = "A variant whose stock has moved stays: switch it off instead of removing it."
    field = "variants"


class VariantUsedUp(DomainError):
    sentence = "A service uses up a variant that you remove: change the service first."
    field = "variants"


REFUSALS |= {
    "fk_stock_moves_vendor_id_variant_id_variants": VariantMoved,
    "fk_consumables_vendor_id_variant_id_variants": VariantUsedUp,
    "ck_variants_stock_is_tracked": StockThere,
}


def save(
    session: Session,
    *,
    name: str,
    variants: Sequence[VariantRow],
    product_id: int | None = None,
    category_id: int | None = None,
    description: str | None = None,
    options: Sequence[str] = (),
    common: Mapping[str, Any] | None = None,
) -> Product:
    """Keep a product with its variants as the form shows them; rows that are gone are removed.

    `common` are columns that all variants have alike, such as the tax class. A variant that
    differs keeps its own value, unless the form changed it from what it showed: the first one's.
    `options` names what sets variants apart, such as Size.
    """
    if not 0 < len(variants) <= MOST_VARIANTS:
        raise NoVariant
    _check_apart(variants)
    product = _held(session, product_id)
    product.name, product.category_id = name, category_id
    product.description, product.options = description, _options(options)
    session.add(product)
    session.flush()  # the id that the variants refer to
    _set_variants(session, product, variants, dict(common or {}))
    session.flush()  # what the database says about the variants
    return product


def set_status(session: Session, *, product_id: int, status: ProductStatus) -> Product:
    """Put a product on sale, back into drafts, or into the archive."""
    product = locked(session, Product, product_id)
    product.status = status
    return product


def remove(session: Session, *, product_id: int) -> None:
    """Take a product out of the catalogue that nobody ever bought, with its pictures' files."""
    product = locked(session, Product, product_id)
    for picture in product.pictures:
        pictures.promise_to_drop(session, picture)
    session.delete(product)
    session.flush()  # what still refers to it refuses here


# --- behind the verbs ---------------------------------------------------------------------


def _held(session: Session, product_id: int | None) -> Product:
    return Product(variants=[]) if product_id is None else locked(session, Product, product_id)


def _options(names: Sequence[str]) -> list[str] | None:
    found = [" ".join(name.split()) for name in names if name.strip()]
    distinct = len({name.casefold() for name in found}) == len(found) <= MOST_OPTIONS
    if not distinct or any(len(name) > LONGEST_OPTION for name in found):
        raise OddOptions(most=MOST_OPTIONS, longest=LONGEST_OPTION)
    return found or None


def _check_apart(variants: Sequence[VariantRow]) -> None:
    options = [(row.values.get("option") or "").casefold() for row in variants]
    if len(set(options)) < len(options):
        raise LookAlike
    barcodes = [code for row in variants if (code := row.values.get("barcode"))]
    for barcode in barcodes:
        if barcodes.count(barcode) > 1:
            raise SameBarcode(barcode=barcode)


def _set_variants(
    session: Session, product: Product, rows: Sequence[VariantRow], common: dict[str, Any]
) -> None:
    known = _shelves(session, product)
    first = next(iter(known.values()), None)
    changed = {n: v for n, v in common.items() if first is None or getattr(first, n) != v}
    kept = []
    for row in rows:
        variant = known.pop(row.id, None) if row.id else _new(product, common)
        if variant is None:
            raise NotOfThisProduct
        for name, value in {**row.values, **changed}.items():
            if getattr(variant, name) != value:
                setattr(variant, name, value)
        _check_stock(product, variant)
        kept.append(variant)
    product.variants = kept


def _shelves(session: Session, product: Product) -> dict[int, Variant]:
    """The variants as they stand, held in id order: nobody sells of them meanwhile."""
    query = (
        select(Variant)
        .where(Variant.vendor_id == product.vendor_id, Variant.product_id == product.id)
        .order_by(Variant.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {variant.id: variant for variant in session.scalars(query)}


def _new(product: Product, common: dict[str, Any]) -> Variant:
    return Variant(vendor_id=product.vendor_id, on_hand=0, reserved=0, low_stock=0, **common)


def _check_stock(product: Product, variant: Variant) -> None:
    what = f"{product.name}, {variant.option}" if variant.option else product.name
    if not variant.tracks_stock and (variant.on_hand or variant.reserved):
        raise StockThere(what=what)
    if not variant.allows_backorder and variant.reserved > variant.on_hand:
        raise StillOwed(what=what, reserved=variant.reserved, on_hand=variant.on_hand)
