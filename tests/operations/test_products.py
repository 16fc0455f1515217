"""Products: kept with their variants, whose stock and history are never lost on the way."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import products, stock
from app.operations.products import VariantRow
from app.tenancy import acting, vendor_actor
from models.products import Product, Variant
from tests import make


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)):
        yield vendor_id


def row(sku: str, option: str | None = None, known: int | None = None, **values: Any) -> VariantRow:
    return VariantRow({"sku": sku, "option": option, "price": Decimal("9.90"), **values}, known)


def kept(session: Session, *rows: VariantRow, **fields: Any) -> Product:
    return products.save(session, name="Shampoo", variants=rows or (row("S-1"),), **fields)


COUNTED = {"tracks_stock": True, "allows_backorder": False}


def test_a_product_is_kept_with_options_and_variants(shop: int) -> None:
    with begin() as session:
        product = kept(
            session, row("S-1", "1 l", low_stock=2), row("S-5", "5 l"),
            options=["Size", " "], common={"warranty_months": 12, **COUNTED},
        )  # fmt: skip
        session.expire_all()
        assert (product.options, product.status) == (["Size"], "active")
        assert [(v.sku, v.option, v.low_stock, v.warranty_months) for v in product.variants] == [
            ("S-1", "1 l", 2, 12), ("S-5", "5 l", 0, 12),
        ]  # fmt: skip
        assert all(v.tracks_stock and not v.on_hand for v in product.variants)


def test_rows_are_matched_by_id_and_keep_their_stock(shop: int) -> None:
    with begin() as session:
        product = kept(session, row("S-1", "1 l"), row("S-5", "5 l"), common=COUNTED)
        one, five = product.variants
        stock.receive(session, variant_id=five.id, quantity=4)
        kept(
            session, row("S-5b", "5 litres", five.id), row("S-9", "9 l"),
            product_id=product.id, common=COUNTED,
        )  # fmt: skip
        session.expire_all()
        assert {(v.sku, v.on_hand) for v in product.variants} == {("S-5b", 4), ("S-9", 0)}
        assert session.get(Variant, one.id) is None


def test_what_a_variant_has_of_its_own_stays_unless_the_form_changed_it(shop: int) -> None:
    with begin() as session:
        product = kept(session, row("S-1", "a"), row("S-2", "b"), common={"warranty_months": 12})
        one, two = product.variants
        two.warranty_months = 24
        rows = (row("S-1", "a", one.id), row("S-2", "b", two.id), row("S-3", "c"))
        kept(session, *rows, product_id=product.id, common={"warranty_months": 12})
        assert [v.warranty_months for v in product.variants] == [12, 24, 12]
        rows = tuple(row(v.sku, v.option, v.id) for v in product.variants)
        kept(session, *rows, product_id=product.id, common={"warranty_months": None})
        assert [v.warranty_months for v in product.variants] == [None, None, None]


@pytest.mark.parametrize(
    ("rows", "fields", "refusal"),
    [
        ((row("A", "1 l"), row("B", "1 L")), {}, products.LookAlike),
        ((row("A"), row("B")), {}, products.LookAlike),
        ((row("A", "x", barcode="1"), row("B", "y", barcode="1")), {}, products.SameBarcode),
        ((row("A", "x"), row("A", "y")), {}, DomainError),
        ((row("A", "x", 2**40),), {}, products.NotOfThisProduct),
        ((row("A"),), {"options": ["Size", "size"]}, products.OddOptions),
        ((row("A"),), {"options": [f"o{n}" for n in range(6)]}, products.OddOptions),
        ((row("A"),), {"options": ["x" * 41]}, products.OddOptions),
        (tuple(row(f"A{n}", str(n)) for n in range(201)), {}, products.NoVariant),
    ],
)
def test_what_cannot_be_a_product_is_refused(
    shop: int, rows: tuple[VariantRow, ...], fields: dict[str, Any], refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal), begin() as session:
        kept(session, *rows, **fields)
    with begin() as session:
        assert session.scalars(select(Product)).all() == []


def test_a_product_without_a_variant_is_none(shop: int) -> None:
    with pytest.raises(products.NoVariant), begin() as session:
        products.save(session, name="Shampoo", variants=())


def test_stock_is_not_switched_off_nor_its_variant_removed(shop: int) -> None:
    with begin() as session:
        product = kept(session, row("S-1", "a"), common=COUNTED)
        product_id, variant_id = product.id, product.variants[0].id
        stock.receive(session, variant_id=variant_id, quantity=4)
    with pytest.raises(products.StockThere, match="stock of Shampoo, a"), begin() as session:
        kept(
            session, row("S-1", "a", variant_id), product_id=product_id,
            common={"tracks_stock": False},
        )  # fmt: skip
    with pytest.raises(products.VariantMoved), begin() as session:
        kept(session, row("S-2", "b"), product_id=product_id, common=COUNTED)
    with begin() as session:
        variant = session.get_one(Variant, variant_id)
        assert (variant.on_hand, variant.tracks_stock) == (4, True)


def test_back_orders_end_only_when_nothing_is_owed(shop: int) -> None:
    with begin() as session:
        common = {"tracks_stock": True, "allows_backorder": True}
        product = kept(session, row("S-1"), common=common)
        product_id, variant = product.id, product.variants[0]
        order = make.order(session, variant=variant)
        stock.reserve(session, order_id=order.id)
        again = row("S-1", None, variant.id)
    with pytest.raises(products.StillOwed, match="1 of Shampoo are promised"), begin() as session:
        kept(session, again, product_id=product_id, common=COUNTED)


def test_another_vendors_product_is_not_here(shop: int) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        foreign = make.product(session)
    with pytest.raises(NotFound), begin() as session:
        kept(session, product_id=foreign.id)
    with pytest.raises(products.NotOfThisProduct), begin() as session:
        kept(session, row("X", None, foreign.variants[0].id))
