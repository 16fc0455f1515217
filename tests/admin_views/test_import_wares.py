"""The pages of an import of products and of opening stock, as a manager and as the marketplace."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.admin_views.customer_house import ALPHA, BETA, post
from tests.admin_views.test_imports import upload, work
from tests.furnished import db, house
from tests.webclient import Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures

LIST = (
    "SKU,Name,Price,Stock,Category,MwSt\nB-1,Balm,12.50,7,Care > Balms,Books\n"
    "S-1,<b>Soap</b>,3,,,\nX-1,Wax,-1,,,\n"
)


@pytest.fixture(autouse=True)
def outside_the_demo(tmp_path: Path) -> Iterator[None]:
    with settled(VAR=str(tmp_path)):
        yield


@pytest.fixture
def browser(house: House) -> Iterator[Browser]:
    with Browser(application()) as browser:
        yield browser


def tried(browser: Browser, house: House, content: str, *keys: str, **form: str) -> str:
    """The address of a list that was tried out with the columns as proposed."""
    answer = upload(browser, content, **form)
    assert answer.status_code == 303, answer.text
    base = str(answer.headers["location"]).removesuffix("/columns")
    page = browser.get(f"{base}/columns").text
    chosen = dict(re.findall(r'name="(column-\d+)".*?<option value="([^"]*)" selected>', page))
    fields = {**chosen, "strategy": "fill", "keys": list(keys)}
    assert post(browser, f"{base}/map", **fields).headers["location"] == f"{base}/try"
    work(house, BETA if form.get("vendor_id") else ALPHA)
    return base


def test_products_go_in_and_out_again(browser: Browser, house: House) -> None:
    browser.as_("manager@alpha.example")
    assert "What is in the file?" in browser.get("/admin/imports?subject=products").text
    assert "/admin/imports?subject=products" in browser.get("/admin/product/list").text
    base = tried(browser, house, LIST, subject="products")
    columns = browser.get(f"{base}/columns").text
    assert "Import products" in columns
    assert "Make categories that are missing" in columns
    page = browser.get(f"{base}/try").text
    for said in (
        "Import 2 rows", "1 category of the file is not here: Care › Balms",
        "no tax class “Books”", "for new products only", "&lt;b&gt;Soap",
    ):  # fmt: skip
        assert said in page
    assert "is below zero: write 0 or more" in browser.get(f"{base}/try?show=invalid").text
    assert post(browser, f"{base}/commit").status_code == 303
    work(house)
    page = browser.get(f"{base}/result").text
    assert "2 rows imported" in page
    assert "/admin/product/details/" in browser.get(f"{base}/result?show=created").text
    [row] = set(re.findall(r"fix/(\d+)", page))
    assert post(browser, f"{base}/fix/{row}", price="-2", nonsense="x").status_code == 303
    page = browser.get(f"{base}/result").text
    assert 'value="-2"' in page
    assert "“-2” is below zero" in page
    assert post(browser, f"{base}/fix/{row}", price="2\x000").status_code == 400
    assert post(browser, f"{base}/fix/{row}", price="9" * 3000).status_code == 400
    assert post(browser, f"{base}/fix/{row}", price="2.50", on_hand="4").status_code == 303
    assert "3 rows imported" in browser.get(f"{base}/result?show=created").text
    assert post(browser, f"{base}/fix/{row}", price="3").status_code == 400
    assert "Wax" in browser.get("/admin/product/list").text
    assert post(browser, f"{base}/decide-all/same_person/new").status_code == 303
    assert post(browser, f"{base}/undo").status_code == 303
    work(house)
    page = browser.get(f"{base}/result?show=created").text
    assert "3 rows were taken back" in page
    assert "it is archived under another SKU" in page


def test_stock_is_counted_and_the_marketplace_makes_categories(
    browser: Browser, house: House
) -> None:
    browser.as_("admin@market.example")
    beta = {"vendor_id": str(house.vendors[BETA])}
    base = tried(browser, house, LIST, "categories", subject="products", **beta)
    assert "Make categories that are missing" in browser.get(f"{base}/columns").text
    assert "1 category will be made: Care › Balms." in browser.get(f"{base}/try").text
    post(browser, f"{base}/commit")
    work(house, BETA)
    assert "Balms" in browser.get("/admin/category/list").text
    counts = "Artikelnummer;Bestand\nB-1;5\nS-1;2\nNO;1\n"
    base = tried(browser, house, counts, subject="stock", **beta)
    page = browser.get(f"{base}/try").text
    assert "1 variant has moved already" in page
    assert "Import opening stock" in page
    wrong = browser.get(f"{base}/try?show=invalid").text
    assert "The stock of &lt;b&gt;Soap&lt;/b&gt; is not counted" in wrong
    assert "No product has the SKU “NO”" in wrong
    row = max(map(int, re.findall(r"fix/(\d+)", wrong)))
    assert post(browser, f"{base}/fix/{row}?show=invalid", sku="S-1").status_code == 303
    assert "1 needs" not in browser.get(f"{base}/try").text
    assert wrong.count("is not counted") < browser.get(f"{base}/try?show=invalid").text.count(
        "is not counted"
    )
    post(browser, f"{base}/commit")
    work(house, BETA)
    assert "1 row imported" in browser.get(f"{base}/result").text
    odd = upload(browser, LIST, subject="sales; DROP", **beta)
    assert odd.status_code == 400
    assert "This choice is not open" in odd.text
    pdf = upload(browser, b"%PDF-1.4\n%", subject="products", **beta)
    assert "is read from CSV" in pdf.text
