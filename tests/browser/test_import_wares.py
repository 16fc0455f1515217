"""A file of products on its way in by people who press buttons, and its stock beside it."""

from playwright.sync_api import expect
from sqlalchemy import select

from models.products import Product, Variant
from tests.browser.test_imports import numbers, send, try_out
from tests.browser.visiting import PHONE, Visit

ADMIN = "admin@market.example"
PRODUCTS = (
    "Artikelnummer;Bezeichnung;Größe;VK-Preis;Lagerbestand;Warengruppe\r\n"
    "{tag}-S;Öl {tag};100 ml;„;3;Pflege\r\n"
    "{tag}-M;Öl {tag};200 ml;1.012,50 €;;Pflege\r\n"
    "{tag}-L;Öl {tag};200 ml;15;;Pflege\r\n"
    "{tag}-X;Seife {tag};;3;4;Pflege\r\n"
)


def test_products_come_in_with_their_stock_and_go_again(visit: Visit) -> None:
    visitor, tag = visit(ADMIN, PHONE, dark=True), "P390"
    page = visitor.page
    visitor.open("/admin/imports")
    page.get_by_label("What is in the file?").select_option("Products")
    expect(page.get_by_label("How these people became customers")).to_be_hidden()
    visitor.check()
    send(visitor, "waren.csv", "text/csv", PRODUCTS.replace("{tag}", tag).encode("utf-8-sig"))
    page.get_by_role("heading", name="Which column is what?").wait_for()
    for column, field in enumerate(
        ("sku", "name", "option_1", "price", "on_hand", "category")
    ):  # fmt: skip
        expect(page.locator(f"[name=column-{column}]")).to_have_value(field)
    page.get_by_label("Make categories that are missing").uncheck()
    visitor.check_both("import-products-columns")
    try_out(visitor)
    visitor.check_both("import-products-try")
    expected = {"created": "2", "updated": "0", "unchanged": "0", "skipped_duplicate": "0"}
    expected |= {"invalid": "2"}
    assert numbers(visitor) == expected
    expect(page.get_by_text("of the file is not here: Pflege")).to_be_visible()
    page.locator(".bucket", has_text="Problem").click()
    page.get_by_text("is the same product with the same options").wait_for()
    page.get_by_text("is no number: write one such as 12.50").wait_for()
    mine = Variant.sku.like(f"{tag}-%")
    with visitor.running.at("beta") as session:
        assert session.scalars(select(Variant.id).where(mine)).all() == []
    expect(page.get_by_label("Price, line 2")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Price, line 2").fill("9,50")
    page.get_by_label("Price, line 2").press("Enter")
    visitor.toast("Line 2 will become a new variant.")
    expected |= {"created": "3", "invalid": "1"}
    assert numbers(visitor) == expected
    visitor.check_both("import-products-correct")
    visitor.button("Import 3 rows").click()
    page.get_by_text("3 rows imported").wait_for()
    expect(page.get_by_label("First option, line 4")).to_have_value("200 ml")
    page.get_by_label("First option, line 4").fill("500 ml")
    visitor.button("Save row").click()
    visitor.toast("Line 4 became a new variant.")
    assert numbers(visitor) == expected | {"created": "4", "invalid": "0"}
    with visitor.running.at("beta") as session:
        found = session.execute(select(Variant.sku, Variant.on_hand).where(mine)).all()
    assert sorted(map(tuple, found)) == [
        (f"{tag}-L", 0), (f"{tag}-M", 0), (f"{tag}-S", 3), (f"{tag}-X", 4),
    ]  # fmt: skip
    page.locator(".bucket", has_text="became new").click()
    visitor.check_both("import-products-result")

    visitor.button("Undo import").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo import").click()
    page.get_by_text("rows were taken back").wait_for()
    visitor.shot("import-products-undone")
    with visitor.running.at("beta") as session:
        left = select(Product.status).where(Product.name.like(f"%{tag}"))
        assert session.scalars(left).all() == ["archived"] * 2
        assert set(session.scalars(select(Variant.on_hand).where(mine))) == {0}
