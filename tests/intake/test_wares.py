"""Lists of products and of stock, as shops and tills write them."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.columns import ProductField, StockField, Subject
from app.intake import Limits, amounts, open_list, reading, wares
from app.intake.ware_columns import propose_products, propose_stock

P, S = ProductField, StockField
SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,"
    "Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price,"
    "Variant Barcode,Image Src,Variant Tax Code,Cost per item,Status"
)
WOO = (
    'ID,Type,SKU,"GTIN, UPC, EAN, or ISBN",Name,Published,Short description,Description,'
    "Tax class,Stock,Low stock amount,Sale price,Regular price,Categories,Parent,"
    "Attribute 1 name,Attribute 1 value(s)"
)
SQUARE = (
    "Token,Item Name,Variation Name,SKU,Description,Category,GTIN,Price,Archived,Stockable,"
    "Current Quantity Main St,New Quantity Main St,Stock Alert Count Main St,Default Unit Cost"
)
ODOO = (
    "External ID,Name,Internal Reference,Barcode,Sales Price,Cost,Product Category,"
    "Quantity On Hand,Customer Taxes"
)
GERMAN = "Artikelnummer,Bezeichnung,Größe,VK-Preis,EK-Preis,Lagerbestand,Warengruppe,MwSt"
FRENCH = "Référence,Désignation,Prix de vente,Prix d'achat,Quantité,Catégorie,Code-barres"
SPANISH = "Código,Nombre,Precio,Existencias,Categoría,Subcategoría,Garantía (meses)"
PLAIN = "IsActive,Code,Description,Supplier,Category,Price,On Hand,Minimum,Maximum,Cost"
BY_ID = "ProductID,ProductName,CategoryID,UnitPrice,UnitsInStock,ReorderLevel,Discontinued"


def listing(folder: Path, lines: Sequence[str], subject: str = "products") -> Any:
    path = folder / "list.csv"
    path.write_text("\n".join(lines) + "\n")
    return open_list(path, filename="list.csv", limits=Limits(), subject=subject)


@pytest.mark.parametrize(
    ("header", "row", "fields"),
    [
        (SHOPIFY, "", [P.GROUP, P.NAME, P.DESCRIPTION, None, P.CATEGORY, None, None, None,
                       P.OPTION_1_NAME, P.OPTION_1, P.SKU, P.TRACKS_STOCK, P.ON_HAND, P.PRICE,
                       P.BARCODE, None, P.TAX_CLASS, P.COST, P.STATUS]),
        (WOO, "1,variable,A,,Hoodie,1,,,,,,,,,,,",
         [None, P.KIND, P.SKU, P.BARCODE, P.NAME, P.STATUS, None, P.DESCRIPTION, P.TAX_CLASS,
          P.ON_HAND, P.LOW_STOCK, None, P.PRICE, P.CATEGORY, P.GROUP, P.OPTION_1_NAME,
          P.OPTION_1]),
        (SQUARE, "", [None, P.NAME, P.OPTION_1, P.SKU, P.DESCRIPTION, P.CATEGORY, P.BARCODE,
                      P.PRICE, P.DISCONTINUED, P.TRACKS_STOCK, P.ON_HAND, None, P.LOW_STOCK,
                      P.COST]),
        (ODOO, "", [None, P.NAME, P.SKU, P.BARCODE, P.PRICE, P.COST, P.CATEGORY, P.ON_HAND,
                    P.TAX_CLASS]),
        (GERMAN, "", [P.SKU, P.NAME, P.OPTION_1, P.PRICE, P.COST, P.ON_HAND, P.CATEGORY,
                      P.TAX_CLASS]),
        (FRENCH, "", [P.SKU, P.NAME, P.PRICE, P.COST, P.ON_HAND, P.CATEGORY, P.BARCODE]),
        (SPANISH, "", [P.SKU, P.NAME, P.PRICE, P.ON_HAND, P.CATEGORY, P.SUBCATEGORY,
                       P.WARRANTY_MONTHS]),
        (PLAIN, "", [P.STATUS, P.SKU, P.NAME, None, P.CATEGORY, P.PRICE, P.ON_HAND, P.LOW_STOCK,
                     None, P.COST]),
        (BY_ID, "1,Chai,1,18.0,39,10,0", [P.SKU, P.NAME, None, P.PRICE, P.ON_HAND, P.LOW_STOCK,
                                          P.DISCONTINUED]),
    ],
    ids=["shopify", "woocommerce", "square", "odoo", "german", "french", "spanish", "plain", "ids"],
)  # fmt: skip
def test_the_columns_of_shops_and_tills_are_recognised(
    tmp_path: Path, header: str, row: str, fields: list[ProductField | None]
) -> None:
    filled = row or ",".join("x" for _ in header.split(","))
    read = listing(tmp_path, [header, filled])
    assert read.has_header
    assert list(propose_products(read.sample).values()) == fields


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("SKU,Count", [S.SKU, S.QUANTITY]),
        ("Artikelnummer,Bestand,EK", [S.SKU, S.QUANTITY, S.COST]),
        ("Code,Description,On Hand,Price", [S.SKU, None, S.QUANTITY, None]),
        ("Description,On Hand", [S.NAME, S.QUANTITY]),
        ("EAN,Nombre,Talla,Cantidad", [S.BARCODE, S.NAME, S.OPTION, S.QUANTITY]),
    ],
)
def test_the_columns_of_a_count_are_recognised(
    tmp_path: Path, header: str, fields: list[StockField | None]
) -> None:
    read = listing(tmp_path, [header, ",".join("x" for _ in header.split(","))], "stock")
    assert list(propose_stock(read.sample).values()) == fields


@pytest.mark.parametrize(
    ("cell", "comma", "number"),
    [("1.234,50", True, "1234.50"), ("1,234.50", False, "1234.50"), ("1.234", True, "1234"),
     ("1,234", True, "1.234"), ("1'234.5", False, "1234.5"), ("€ 12", False, "12"),
     ("12,-", True, "12"), ("12.-", False, "12"), ("(3.5)", False, "-3.5"), ("7-", False, "-7"),
     ("Rs. 500", False, "500"), ("$1,234,567.89", False, "1234567.89"), (".5", False, "0.5"),
     ("0.125", True, "0.125"), ("5 pcs", False, "5"), ("1\u202f234,5", True, "1234.5")],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(cell: str, comma: bool, number: str) -> None:
    assert amounts.number(cell, comma=comma) == Decimal(number)


@pytest.mark.parametrize(
    "cell",
    ["NaN", "inf", "-Infinity", "1e5", "1.2.3", "1,23,456", "--5", "12%", "x", "", "9" * 41,
     "١٢", "0x10", "1/2"],
)  # fmt: skip
def test_what_is_no_number_is_refused(cell: str) -> None:
    with pytest.raises(amounts.Odd):
        amounts.number(cell, comma=False)


def test_a_column_says_where_its_cents_stand() -> None:
    assert amounts.decimal_comma(["1.000", "2,50"], "US")
    assert not amounts.decimal_comma(["1,000", "2.50"], "DE")
    assert amounts.decimal_comma(["1.000", "12"], "DE")
    assert not amounts.decimal_comma(["1,000", "12"], "GB")


@pytest.mark.parametrize(
    ("cell", "levels"),
    [("Clothing > Shirts", ["Clothing", "Shirts"]), ("All / Saleable / Chairs",
     ["Saleable", "Chairs"]), ("Clothing > Shirts, Sale", ["Clothing", "Shirts"]),
     ("Food, fresh", ["Food, fresh"]), ("  Tea ", ["Tea"]),
     ("Sale, Clothing > Shirts", ["Sale"])],
)  # fmt: skip
def test_a_category_is_a_branch(cell: str, levels: list[str]) -> None:
    assert wares.levels(cell) == levels


@pytest.mark.parametrize(
    ("cell", "published", "status"),
    [("active", False, "active"), ("TRUE", False, "active"), ("FALSE", False, "archived"),
     ("FALSE", True, "draft"), ("-1", True, "draft"), ("Entwurf", False, "draft"),
     ("archivé", False, "archived"), ("0", True, "draft"), ("soon", False, None)],
)  # fmt: skip
def test_a_status_is_one_of_three(cell: str, published: bool, status: str | None) -> None:
    assert wares.product_status(cell, published) == status


def test_descriptions_lose_the_marks_of_web_pages() -> None:
    page = "<p>Soft &amp; <b>warm</b></p><script>alert(1)</script><ul><li>a</li><li>b</li></ul>"
    assert wares.as_text(page) == "Soft & warm\nalert(1) a\nb"


def test_the_page_of_columns_says_how_each_is_read(tmp_path: Path) -> None:
    read = listing(tmp_path, [
        "SKU;Name;Größe;Preis;Kategorie;Bestand;Notiz", "A;Oil;S;1.234,50;Care > Oils;3;x",
        "B;Fat;M;2,50;Care;many;", "C;Wax;;-1;;4;",
    ])  # fmt: skip
    about = reading(Subject.PRODUCTS)
    notes = about.notes(read, about.propose(read.sample), "DE")
    said = {name: note.sentence for name, note in notes.items()}
    assert said["Größe"] == "The option “Größe”"
    assert said["Preis"] == "67 % are amounts"
    assert said["Kategorie"] == "Several levels become a branch"
    assert said["Bestand"] == "67 % are whole numbers"
    assert said["Notiz"] == "Left out"
