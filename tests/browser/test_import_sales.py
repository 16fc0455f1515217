"""Another till's sales on their way in, and out again, by somebody who presses buttons."""

from decimal import Decimal

from playwright.sync_api import expect
from sqlalchemy import func, select

from models.customers import Customer
from models.orders import Order
from tests.browser.test_imports import numbers, send
from tests.browser.visiting import PHONE, Visit, Visitor

ADMIN = "admin@market.example"
SALES = (
    "Bestellnummer;Datum;Kundennummer;Artikel;Menge;Betrag\r\n"
    "till-1;03.04.2024 10:15;K-7;Öl <b>fein</b>;2;1.020,50\r\n"
    "till-1;03.04.2024 10:15;K-7;Kamm;1;5,00\r\n"
    "till-2;31.12.2023;;Kamm;1;510,25\r\n"
    "till-3;32.01.2024;K-7;Kamm;1;5,00\r\n"
    "till-4;04.04.2024;K-7;Kamm;0;5,00\r\n"
    "till-5;05.04.2024;K-7;Öl <b>fein</b>;-1;510,25\r\n"
    "till-6;06.04.2024;K-7;Schere;-1;9,00\r\n"
)
FIELDS = ("order", "date", "customer", "item", "quantity", "amount")
MINE = Order.reference.like("till-%")


def kept(visitor: Visitor) -> list[tuple[str, Decimal, Decimal, str | None]]:
    """The orders of the list: number elsewhere, total, given back, and whose they are."""
    with visitor.running.at("beta") as session:
        query = select(Order.reference, Order.total, Order.refunded, Customer.reference)
        query = query.outerjoin(Order.customer).where(MINE).order_by(Order.reference)
        return [tuple(row) for row in session.execute(query)]


def test_past_sales_come_in_and_go_again(visit: Visit) -> None:
    visitor = visit(ADMIN, PHONE, dark=True)
    page = visitor.page
    visitor.open("/admin/imports")
    page.get_by_label("What is in the file?").select_option("Past sales")
    for asked in ("When something is known already", "How these people became customers"):
        expect(page.get_by_label(asked)).to_be_hidden()
    send(visitor, "verkauf.csv", "text/csv", SALES.encode("utf-8-sig"))
    page.get_by_role("heading", name="Which column is what?").wait_for()
    for column, field in enumerate(FIELDS):
        expect(page.locator(f"[name=column-{column}]")).to_have_value(field)
    visitor.check_both("import-sales-columns")

    page.locator("[name=column-1]").select_option("")
    visitor.button("Try it out").click()
    expect(page.get_by_role("alert")).to_contain_text("No column says when something was sold")
    expect(page.locator("[name=column-1]")).to_have_value("")
    page.locator("[name=column-1]").select_option("date")
    visitor.wrong.clear()  # the refused columns, as it should be
    visitor.button("Try it out").click()
    page.get_by_role("heading", name="Lines to look at").wait_for()
    tried = {"orders": "2", "customers": "1", "items": "2", "returns": "1", "invalid": "2"}
    assert numbers(visitor) == tried
    shown = page.locator("#rows")
    for said in ("“32.01.2024” cannot be read", "a quantity of 0", "No earlier sale of this item"):
        expect(shown).to_contain_text(said)
    expect(page.get_by_role("status").filter(has_text="1 return finds no sale")).to_be_visible()
    visitor.check_both("import-sales-try")
    assert kept(visitor) == []

    visitor.button("Import 2 orders").click()
    page.get_by_text("2 orders for 1,535.75 imported.").wait_for()
    expect(page.get_by_text("2 lines were left out.")).to_be_visible()
    assert numbers(visitor) == tried
    visitor.check_both("import-sales-result")
    assert kept(visitor) == [
        ("till-1", Decimal("1025.50"), Decimal("510.25"), "K-7"),
        ("till-2", Decimal("510.25"), Decimal(0), None),
    ]
    visitor.button("Undo import").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo import").click()
    page.get_by_text("2 orders were taken back.").wait_for()
    visitor.check_both("import-sales-undone")
    assert kept(visitor) == []
    with visitor.running.at("beta") as session:
        left = select(func.count()).where(Customer.reference == "K-7")
        assert session.scalar(left) == 0
    visitor.open("/admin/imports")
    expect(page.get_by_role("row").filter(has_text="verkauf.csv")).to_contain_text("Past sales")
