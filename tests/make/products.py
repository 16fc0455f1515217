"""What is sold over the counter, and its stock."""

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.products import Product, ProductPicture, Variant
from models.services import Service
from models.stock import Consumable, StockMove
from tests.make.rows import home_of, number, of_vendor, saved


def product(session: Session, *, variants: int = 1, **fields: Any) -> Product:
    """A product with `variants` variants of 10.00 each."""
    row = saved(session, Product(**{"name": f"Product {number()}"} | fields))
    for _ in range(variants):
        variant(session, product=row)
    session.refresh(row, ["variants"])
    return row


def variant(session: Session, *, product: Product | None = None, **fields: Any) -> Variant:
    product = product or _product(session, variants=0, **home_of(fields))
    values = {"sku": f"SKU-{number()}", "price": Decimal("10.00")} | of_vendor(fields, product)
    return saved(session, Variant(product_id=product.id, **values))


def picture(session: Session, *, product: Product, **fields: Any) -> ProductPicture:
    n = number()
    values = {
        "product_id": product.id, "stored_as": f"{n}.png", "media_type": "image/png",
        "checksum": f"{n:064x}",
    } | of_vendor(fields, product)  # fmt: skip
    return saved(session, ProductPicture(**values))


def stock_move(session: Session, *, variant: Variant, **fields: Any) -> StockMove:
    """Ten pieces received of a variant, whose stock is counted from now on."""
    variant.tracks_stock = True
    session.flush()  # a move of what has no stock is refused
    values = {"kind": "receipt", "on_hand": 10} | of_vendor(fields, variant)
    row = saved(session, StockMove(variant_id=variant.id, **values))
    session.refresh(variant, ["on_hand", "reserved"])
    return row


def consumable(session: Session, *, service: Service, variant: Variant, **fields: Any) -> Any:
    values = {"service_id": service.id, "variant_id": variant.id} | of_vendor(fields, service)
    return saved(session, Consumable(**values))


_product = product  # an argument takes the name
