"""A list of products becomes the catalogue: each variant once, nothing overwritten, all undone."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.operations import import_subjects, imports, shelf_truth, stock
from app.settings import settings
from app.tenancy import acting, vendor_actor
from models.imports import ImportStatus, Outcome
from tasks import imports as tasks
from tests import make
from tests.operations.import_desk import Desk

HEADER = "SKU,Name,Price,Cost,Barcode,Stock,Low stock"
BALM = "B-1,Balm,12.50,5,4006381333931,7,2"
SOAP = "S-1,Soap,3,,,,"
SHOP = [
    "Handle,Title,Body (HTML),Product Category,Option1 Name,Option1 Value,Option2 Name,"
    "Option2 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price,"
    "Status,Image Src",
    'tee,Tee,"<p>Soft &amp; warm.</p><p>Wash cold</p>",Clothes > Shirts,Size,S,Color,Red,T-S-R,'
    "shopify,3,19.90,active,",
    "tee,,,,,M,,Red,T-M-R,shopify,0,19.90,,",
    "tee,,,,,,,,,,,,,https://x.example/2.png",
    "cap,Cap,,,Title,Default Title,,,CAP,,,9,draft,",
]


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("VAR", str(tmp_path / "var"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def desk(db: Connection, var: Path) -> Desk:
    return Desk(var, subject="products")


@pytest.fixture
def real_desk(fresh_database: str, var: Path) -> Desk:
    """A desk whose transactions commit, so that time passes between them."""
    return Desk(var, subject="products")


def variants(desk: Desk) -> list[Any]:
    return desk.sql(
        "SELECT p.name, v.option, v.sku, v.price, v.on_hand FROM variants v"
        " JOIN products p ON p.id = v.product_id ORDER BY v.id"
    )


def messages(report: dict[str, Any]) -> list[str]:
    return [problem["message"] for problem in report["problems"]]


def test_a_list_becomes_products_with_their_stock(desk: Desk) -> None:
    dry = desk.run([HEADER, BALM, SOAP], commit=False)
    assert variants(desk) == []
    report = desk.run([HEADER, BALM, SOAP])
    assert desk.counts(report) == desk.counts(dry) == {"created": 2}
    assert variants(desk) == [
        ("Balm", None, "B-1", Decimal("12.50"), 7),
        ("Soap", None, "S-1", Decimal("3.00"), 0),
    ]
    assert desk.sql("SELECT kind, on_hand, reason FROM stock_moves") == [
        ("receipt", 7, "Opening stock")
    ]
    assert desk.sql("SELECT tracks_stock, low_stock, barcode FROM variants ORDER BY id") == [
        (True, 2, "4006381333931"), (False, 0, None),
    ]  # fmt: skip


def test_rows_of_a_shop_are_one_product_and_pictures_are_none(desk: Desk) -> None:
    report = desk.run(SHOP)
    assert desk.counts(report) == {"created": 3, "unchanged": 1}
    assert [row[:3] for row in variants(desk)] == [
        ("Tee", "S / Red", "T-S-R"), ("Tee", "M / Red", "T-M-R"), ("Cap", None, "CAP"),
    ]  # fmt: skip
    assert desk.sql("SELECT name, description, options, status FROM products ORDER BY id") == [
        ("Tee", "Soft & warm.\nWash cold", ["Size", "Color"], "active"),
        ("Cap", None, None, "draft"),
    ]
    assert desk.sql("SELECT on_hand, tracks_stock FROM variants ORDER BY id") == [
        (3, True), (0, True), (0, False),
    ]  # fmt: skip


def test_the_same_list_twice_changes_nothing(desk: Desk) -> None:
    desk.run(SHOP)
    before = catalogue(desk)
    again = desk.run(SHOP)
    assert desk.counts(again) == {"unchanged": 4}
    assert catalogue(desk) == before


def catalogue(desk: Desk) -> list[Any]:
    """What is to be had, without ids and times."""
    return desk.sql(
        "SELECT p.name, p.description, p.status, p.category_id, p.options, v.option, v.sku,"
        " v.barcode, v.price, v.cost, v.low_stock, v.tracks_stock, v.on_hand, v.warranty_months,"
        " v.replenishment_days, v.tax_class_id, v.is_active"
        " FROM products p LEFT JOIN variants v ON v.product_id = p.id"
        " WHERE p.status <> 'archived' ORDER BY 1, 6, 7"
    )


@pytest.mark.parametrize(
    ("strategy", "price", "cost", "outcome"),
    [("fill", "12.50", "4.00", "updated"), ("overwrite", "14.00", "4.00", "updated"),
     ("skip", "12.50", None, "skipped_duplicate")],
)  # fmt: skip
def test_what_is_known_is_filled_overwritten_or_left(
    desk: Desk, strategy: str, price: str, cost: str | None, outcome: str
) -> None:
    desk.run(["SKU,Name,Price", "B-1,Balm,12.50"])
    desk.committed(["SKU,Name,Price,Cost", "B-1,Balm,14,4"], strategy=strategy)
    assert desk.sql("SELECT price::text, cost::text FROM variants") == [(price, cost)]
    assert [row.outcome for row in desk.rows()] == [outcome]


def test_a_row_is_known_by_sku_then_barcode_then_name_and_options(desk: Desk) -> None:
    desk.run(["SKU,Name,Size,Price,Barcode", "B-1,Balm,S,5,111", "B-2,Balm,M,6,222"])
    report = desk.run(["SKU,Name,Size,Price,Barcode", "B-1,,,5,", ",,,6,222", ",Balm,m,6,"])
    assert desk.counts(report) == {"unchanged": 3}
    wrong = desk.run(["SKU,Name,Price,Barcode", "B-1,Balm,5,222"])
    assert desk.counts(wrong) == {"invalid": 1}
    assert messages(wrong) == ["The barcode 222 is that of Balm, M (B-2): correct it."]


def test_a_new_size_joins_the_product_of_its_name(desk: Desk) -> None:
    desk.run(["SKU,Name,Size,Price", "B-1,Balm,S,5"])
    report = desk.run(["SKU,Name,Size,Price", "B-2,Balm,M,6", "B-3,Balm,S,6"])
    assert desk.counts(report) == {"created": 1, "invalid": 1}
    assert "same product with the same options" in messages(report)[0]
    assert desk.sql("SELECT count(*) FROM products") == [(1,)]


@pytest.mark.parametrize(
    ("price", "said"),
    [("1.234,50", "1234.50"), ("€ 12", "12.00"), ("12,-", "12.00"), ("12 €", "12.00"),
     ("1 234,50", "1234.50"), ("EUR 9,9", "9.90")],
)  # fmt: skip
def test_money_is_read_in_the_vendors_spelling(desk: Desk, price: str, said: str) -> None:
    desk.run(["Artikelnummer;Bezeichnung;VK-Preis", f"A;Öl;{price}", "B;Fett;2,50"])
    assert desk.sql("SELECT price::text FROM variants WHERE sku = 'A'") == [(said,)]


@pytest.mark.parametrize(
    ("price", "why"),
    [("NaN", "The price is missing"), ("-3", "is below zero"), ("99999999999", "is too large"),
     ("12%", "is no number"), ("1e5", "rounded by a spreadsheet"), ("free", "is no number"),
     ("Infinity", "is no number"), ("", "The price is missing")],
)  # fmt: skip
def test_odd_money_refuses_its_row_in_a_sentence(desk: Desk, price: str, why: str) -> None:
    report = desk.run(["SKU,Name,Price", f"A,Oil,{price}", "B,Fat,2.50"])
    assert desk.counts(report) == {"created": 1, "invalid": 1}
    assert why in messages(report)[0]
    assert [row[2] for row in variants(desk)] == ["B"]


@pytest.mark.parametrize("stock_said", ["-1", "1.5", "2000000", "many"])
def test_odd_stock_refuses_its_row(desk: Desk, stock_said: str) -> None:
    report = desk.run(["SKU,Name,Price,Stock", f"A,Oil,3,{stock_said}", "B,Fat,2.50,4"])
    assert desk.counts(report) == {"created": 1, "invalid": 1}


def test_what_the_list_says_twice_is_found_before_anything_is_saved(desk: Desk) -> None:
    report = desk.run(
        ["SKU,Name,Price,Barcode", "A,Oil,3,111", "A,Oil,4,", "B,Fat,3,111", ",Wax,1,", ",Wax,2,"],
        commit=False,
    )
    assert desk.counts(report) == {"created": 2, "skipped_duplicate": 2, "invalid": 1}
    assert messages(report) == [
        "Line 2 has the same SKU already: this row is left out.",
        "Line 2 has the barcode 111 too: give each its own.",
        "Line 5 has the same name already: this row is left out.",
    ]


def test_a_new_product_needs_a_name(desk: Desk) -> None:
    report = desk.run(["SKU,Price", "A,3"])
    assert desk.counts(report) == {"invalid": 1}
    assert "needs a name" in messages(report)[0]


def test_a_list_without_names_is_refused_with_what_is_missing(desk: Desk) -> None:
    report = desk.run(['"product_id","product_category_name","product_weight_g"', "1e9,arts,225"])
    assert report["rows"] == 1
    assert report["refused"].startswith("No column says what the products are called: map")
    assert variants(desk) == []


def test_variants_without_a_sku_get_one_of_their_name(desk: Desk) -> None:
    desk.run(["SKU,Name,Price", "OLIVE-OIL,Other,1"])
    desk.run(["Name,Size,Price", "Olive oil,,5", "Crème brûlée,100 g,4", "鏡,,2"])
    assert [row[2] for row in variants(desk)] == [
        "OLIVE-OIL", "OLIVE-OIL-2", "CREME-BRULEE-100-G", "PRODUCT",
    ]  # fmt: skip


def test_categories_and_taxes_that_are_missing_are_said_beforehand(desk: Desk) -> None:
    desk.do(make.tax_class, name="Food")
    lines = ["SKU,Name,Price,Category,Tax class", "A,Oil,3,Kitchen > Oils,food", "B,Fat,2,,Books"]
    job_id = desk.tried(lines, match_by=[])
    tried = desk.job().tried or {}
    assert tried["categories"] == [["Kitchen", "Oils"]]
    assert tried["tax_classes"] == ["Books"]
    desk.do(imports.begin_import, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
    assert desk.sql("SELECT category_id FROM products") == [(None,), (None,)]
    assert desk.sql("SELECT tax_class_id IS NULL FROM variants ORDER BY id") == [(False,), (True,)]


def test_missing_categories_are_made_and_taken_back(desk: Desk) -> None:
    lines = ["SKU,Name,Price,Category", "A,Oil,3,Kitchen > Oils", "B,Fat,2,kitchen > oils"]
    desk.run(["SKU,Name,Price", "A,Oil,3"])
    job_id = desk.tried(lines)
    tried = desk.job().tried or {}
    assert (tried["created"], tried["updated"]) == (1, 1)
    desk.do(imports.begin_import, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
    named = "SELECT c.name FROM products p JOIN categories c ON c.id = p.category_id ORDER BY p.id"
    assert desk.sql(named) == [("Oils",), ("Oils",)]
    desk.do(imports.begin_undo, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.undo.run(job_id)
    assert desk.sql("SELECT name FROM categories WHERE name IN ('Kitchen', 'Oils')") == []
    assert desk.sql("SELECT name, category_id FROM products") == [("Oil", None)]


def test_undoing_takes_everything_back_and_the_list_may_come_again(desk: Desk) -> None:
    desk.run([HEADER, SOAP])
    before = catalogue(desk)
    job_id = desk.committed([HEADER, BALM, "S-1,Soft soap,4,2,555,,"], strategy="overwrite")
    assert catalogue(desk) != before
    desk.undone(job_id)
    assert catalogue(desk) == before
    assert desk.sql("SELECT sum(on_hand) FROM stock_moves") == [(0,)]
    assert desk.sql("SELECT status FROM products WHERE name = 'Balm'") == [("archived",)]
    again = desk.run([HEADER, BALM])
    assert desk.counts(again) == {"created": 1}
    with acting(vendor_actor(desk.vendor)), begin() as session:
        assert shelf_truth.drift(session) == []


def test_what_was_sold_or_changed_since_stays_and_is_said(real_desk: Desk) -> None:
    desk = real_desk
    lines = [HEADER, BALM, SOAP, "W-1,Wax,2,,,9,", "O-1,Oil,2,,,,", "P-1,Pin,1,,,,"]
    job_id = desk.committed(lines)
    ids = dict(desk.sql("SELECT sku, id FROM variants"))
    with acting(vendor_actor(desk.vendor)), begin() as session:
        stock.write_off(session, variant_id=ids["W-1"], quantity=1, reason="Broken")
    desk.sql("UPDATE variants SET price = 4, updated_at = now() WHERE sku = 'S-1'")
    desk.undone(job_id)
    assert [row[2] for row in variants(desk) if "undone" not in row[2]] == ["S-1", "W-1"]
    kept = {row.position: (row.code, row.undone) for row in desk.rows()}
    assert kept == {1: ("archived", True), 2: ("kept_changed", False), 3: ("kept_in_use", False),
                    4: (None, True), 5: (None, True)}  # fmt: skip
    assert (desk.job().result or {})["kept"] == 2


def test_a_killed_import_goes_on_where_it_was(desk: Desk) -> None:
    lines = ["Handle,Title,SKU,Size,Price,Stock"]
    lines += [
        f"p{n // 3},{'' if n % 3 else f'Thing {n // 3}'},K-{n},{n % 3},2,{n}" for n in range(12)
    ]
    job_id = desk.tried(lines)
    desk.do(imports.begin_import, job_id=job_id)
    steps = import_subjects.steps_of(desk.job())
    for _ in range(2):
        assert desk.do(steps.commit, job_id=job_id, size=4)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
        tasks.commit_now(job_id)  # a second delivery
    assert desk.job().status == ImportStatus.COMPLETED
    assert [row.outcome for row in desk.rows()] == [Outcome.CREATED] * 12
    assert desk.sql("SELECT count(*) FROM products") == [(4,)]
    assert desk.sql("SELECT sum(on_hand) FROM variants") == [(66,)]
    desk.undone(job_id)
    assert catalogue(desk) == []


def test_a_catalogue_that_changed_since_the_try_out_stops_the_import(desk: Desk) -> None:
    job_id = desk.tried([HEADER, SOAP])
    with acting(vendor_actor(desk.vendor)), begin() as session:
        make.variant(session, sku="S-1")
    desk.do(imports.begin_import, job_id=job_id)
    with acting(vendor_actor(desk.vendor)):
        tasks.commit_now(job_id)
    assert desk.job().status == ImportStatus.MAPPED
    assert "changed since" in (desk.job().refused or "")


def test_woocommerce_variations_hang_from_their_parent(desk: Desk) -> None:
    report = desk.run([
        'Type,SKU,Name,Published,Regular price,Stock,Categories,Parent,Attribute 1 name,'
        'Attribute 1 value(s)',
        'variable,HOOD,Hoodie,1,,,Clothes > Hoodies,,Color,"Red, Blue"',
        "variation,HOOD-R,Hoodie - Red,1,40,5,,HOOD,Color,Red",
        "variation,HOOD-B,Hoodie - Blue,0,41,,,HOOD,Color,Blue",
        "simple,MUG,Mug,-1,8,1,,,,",
    ])  # fmt: skip
    assert desk.counts(report) == {"created": 3, "unchanged": 1}
    assert variants(desk) == [
        ("Hoodie", "Red", "HOOD-R", Decimal("40.00"), 5),
        ("Hoodie", "Blue", "HOOD-B", Decimal("41.00"), 0),
        ("Mug", None, "MUG", Decimal("8.00"), 1),
    ]
    assert desk.sql("SELECT status FROM products ORDER BY id") == [("active",), ("draft",)]


@pytest.mark.parametrize(
    "hostile",
    ["=cmd|' /C calc'!A0", "<script>x</script>", "'; DROP TABLE products;--", "a" * 251],
)
def test_hostile_cells_are_text_or_refused(desk: Desk, hostile: str) -> None:
    quoted = hostile.replace('"', '""')
    report = desk.run(["SKU,Name,Price", f'A,"{quoted}",3', "B,Fat,2"])
    assert report["created"] + report["invalid"] == 2
    assert report["invalid"] == (1 if len(hostile) > 250 else 0)
    assert desk.sql("SELECT count(*) FROM products WHERE name = 'Fat'") == [(1,)]
