"""Goods are paid in cash with change, come back in part, and their money with them, by hand."""

from decimal import Decimal

from playwright.sync_api import expect

from app.operations import orders
from models.orders import LineKind, Order
from models.products import Variant
from tests import make
from tests.browser.visiting import PHONE, Visit

MANAGER = "manager@alpha.example"


def test_goods_come_back_to_the_shelf(visit: Visit) -> None:
    visitor = visit(MANAGER, PHONE)
    page = visitor.page
    with visitor.running.at("alpha") as session:
        variant = make.variant(session, price=Decimal("10.00"))
        make.stock_move(session, variant=variant, on_hand=5)
        line = orders.DraftLine(LineKind.PRODUCT, variant.id, 3)
        order_id = orders.save_draft(session, lines=[line]).id
        orders.place(session, order_id=order_id)
        orders.fulfil(session, order_id=order_id)
        variant_id = variant.id
    visitor.open(f"/admin/order/details/{order_id}")
    page.get_by_role("button", name="Take payment").click()
    dialog = page.locator("#pay")
    dialog.get_by_label("Handed over").fill("50")
    expect(dialog.locator("[data-change]")).to_have_text("20.00")
    dialog.get_by_role("button", name="Take payment").click()
    visitor.toast("20.00 change")
    page.get_by_role("button", name="Take goods back").click()
    dialog = page.locator("#return")
    dialog.locator("input.num").first.fill("2")
    dialog.get_by_label("Why").fill("Too small")
    dialog.get_by_role("button", name="Write down").click()
    page.locator("[name^=condition-]").select_option("unopened")
    page.locator("[name^=disposition-]").select_option("restock")
    page.get_by_role("button", name="Receive goods").click()
    expect(page.locator("#settle input.num")).to_have_value("20.00")
    visitor.check_both("return-settle")
    page.get_by_role("button", name="Settle return").click()
    visitor.toast("20.00 is given back.")
    with visitor.running.at("alpha") as session:
        order = session.get_one(Order, order_id)
        assert (order.paid, order.refunded, order.returned) == (30, 20, 2)
        assert session.get_one(Variant, variant_id).on_hand == 4
