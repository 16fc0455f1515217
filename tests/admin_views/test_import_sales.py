"""The pages of an import of past sales, from the upload to the undo."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from app.database import begin
from app.tenancy import acting, vendor_actor
from models.orders import Order
from tests.admin_views.customer_house import ALPHA, post
from tests.admin_views.test_import_wares import tried
from tests.admin_views.test_imports import upload, work
from tests.furnished import db, house
from tests.webclient import Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures

LIST = (
    "Order,Date,Customer,Item,Quantity,Amount\n1,2024-01-02,C1,<b>Soap</b>,2,20\n"
    "1,2024-01-02,C1,Comb,1,1500\n2,2024-01-03,,Comb,1,x\n3,2024-01-04,C2,<i>Wig</i>,-1,9\n"
)


@pytest.fixture(autouse=True)
def outside_the_demo(tmp_path: Path) -> Iterator[None]:
    with settled(VAR=str(tmp_path)):
        yield


@pytest.fixture
def browser(house: House) -> Iterator[Browser]:
    with Browser(application()) as browser:
        yield browser


def test_past_sales_go_in_and_out_again(browser: Browser, house: House) -> None:
    browser.as_("manager@alpha.example")
    page = browser.get("/admin/imports?subject=sales").text
    assert "becomes completed orders of the past" in page
    base = tried(browser, house, LIST, subject="sales")
    columns = browser.get(f"{base}/columns").text
    assert "Customer&#39;s number" in columns
    assert "known by their number in the other till" in columns
    page = browser.get(f"{base}/try").text
    for said in (
        "Import 1 order<", "for 1,520.00", "“x” is no amount", "1 return finds no sale",
        "&lt;i&gt;Wig", "No earlier sale of this item",
    ):  # fmt: skip
        assert said in page
    assert post(browser, f"{base}/commit").status_code == 303
    assert browser.get(f"{base}/progress").json()["finished"] is False
    work(house)
    page = browser.get(f"{base}/result").text
    assert "1 order for 1,520.00 imported." in page
    assert "1 line was left out." in page
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        sold = session.scalars(select(Order.id).where(Order.reference == "1")).one()
    assert "Number elsewhere" in browser.get(f"/admin/order/details/{sold}").text
    assert f"/admin/order/details/{sold}" in browser.get("/admin/order/list?search=1").text
    assert "Past sales</td>" in browser.get("/admin/imports").text
    again = str(upload(browser, LIST, subject="sales").headers["location"])
    fields = {"column-1": "date", "column-5": "amount"}
    refused = post(browser, again.replace("columns", "map"), **fields)
    assert "This very file was imported before" in refused.text
    assert post(browser, f"{base}/undo").status_code == 303
    work(house)
    page = browser.get(f"{base}/result").text
    assert "1 order was taken back." in page
    assert post(browser, f"{base}/undo").status_code == 303


def test_columns_without_sales_are_refused_at_the_page(browser: Browser, house: House) -> None:
    browser.as_("manager@alpha.example")
    answer = upload(browser, "Name,Colour\nx,red\ny,blue\n", subject="sales")
    base = str(answer.headers["location"]).removesuffix("/columns")
    refused = post(browser, f"{base}/map", **{"column-0": "item", "column-1": ""})
    assert refused.status_code == 400
    assert "No column says when something was sold" in refused.text
