"""An order is written with a discount, placed, packed, handed over and delivered, by hand."""

from playwright.sync_api import expect

from models.orders import Order
from models.products import Variant
from tests import make
from tests.browser.visiting import PHONE, Visit, Visitor

STAFF = "staff@alpha.example"


def pick(visitor: Visitor, label: str, name: str) -> None:
    """Search in a picker of the form, and take what was found."""
    visitor.page.get_by_role("combobox", name=label).fill(name)
    visitor.page.get_by_role("option", name=name).first.click()


def test_a_parcel_reaches_a_customer(visit: Visit) -> None:
    visitor = visit(STAFF, PHONE)
    page = visitor.page
    with visitor.running.at("alpha") as session:
        n = make.number()
        product = make.product(session, name=f"Kibble {n}", variants=0)
        variant = make.variant(session, product=product)
        make.stock_move(session, variant=variant, on_hand=5)
        customer = make.customer(session, full_name=f"Parcel{n} Person")
        variant_id, customer_id = variant.id, customer.id
    visitor.open("/admin/order/create")
    pick(visitor, "Customer", f"Parcel{n}")
    pick(visitor, "Item, line 1", f"Kibble {n}")
    page.get_by_label("Quantity, line 1").fill("3")
    expect(page.get_by_label("Reason of the discount, line 1")).to_be_hidden()
    page.get_by_label("Discount, line 1", exact=True).fill("2")
    page.get_by_label("Reason of the discount, line 1").fill("The bag is torn")
    expect(page.locator("[data-lines-total]")).to_have_text("28.00")
    expect(page.get_by_label("Street and number")).to_be_hidden()
    page.get_by_label("Sent", exact=True).check()
    page.get_by_label("Street and number").fill("Rua do Sol 1")
    page.get_by_label("City").fill("Lisboa")
    pick(visitor, "Country", "Portugal")
    visitor.check_both("order-form")
    visitor.button("Place order").click()
    visitor.toast("placed")
    page.get_by_text("Why this price").first.click()
    expect(page.get_by_text("The bag is torn")).to_be_visible()
    page.get_by_role("button", name="Pack", exact=True).first.click()
    dialog = page.locator("#pack")
    expect(dialog.get_by_label(f"Kibble {n}")).to_have_value("3")
    dialog.get_by_role("button", name="Pack", exact=True).click()
    visitor.toast("Packed")
    page.get_by_role("button", name="Hand over: ").click()
    page.locator("dialog[open]").get_by_label("Tracking").fill("RR 1")
    page.locator("dialog[open]").get_by_role("button", name="Hand over").click()
    expect(page.get_by_text("RR 1")).to_be_visible()
    page.get_by_role("button", name="Delivered: ").click()
    visitor.toast("delivered")
    visitor.check_both("order-delivered")
    with visitor.running.at("alpha") as session:
        order = session.query(Order).filter_by(customer_id=customer_id).one()
        assert (order.status, order.delivered, str(order.total)) == ("fulfilled", 3, "28.00")
        assert session.get_one(Variant, variant_id).on_hand == 2
