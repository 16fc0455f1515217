"""A till by the keyboard alone: sold, sent twice, put aside and taken up, refused, given away."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from app.operations import credit, receipts
from models.customers import Customer
from models.orders import Order
from models.outbox import OutboxMessage
from models.payments import Payment
from models.products import Variant
from tests import make
from tests.browser.calendar_day import MANAGER, STAFF, refused
from tests.browser.house import Running
from tests.browser.visiting import PHONE, Visit, Visitor
from tests.webclient import PASSWORD

MOST_PRESSES = 60
"""What a person types in ten seconds."""


@dataclass
class Goods:
    """Somebody and something of a test's own."""

    running: Running
    n: int
    who: int
    phone: str
    shampoo: int
    code: str
    cut: int

    def sales(self) -> list[Order]:
        """The orders on which the shampoo stands, with their lines."""
        with self.running.at("alpha") as session:
            mine = Order.lines.any(variant_id=self.shampoo)
            found = list(session.scalars(select(Order).where(mine).order_by(Order.id)))
            assert all(order.lines for order in found)
            return found

    def on_hand(self) -> int:
        with self.running.at("alpha") as session:
            return session.get_one(Variant, self.shampoo).on_hand


@pytest.fixture
def goods(installation: Running) -> Goods:
    n = make.number()
    phone = f"9{31_000_000 + n:08}"
    with installation.at("alpha") as session:
        who = make.customer(session, full_name=f"Ana Sofia {n}", phone=f"+351{phone}",
                            note="Sensitive scalp")  # fmt: skip
        product = make.product(session, name=f"Serum{n} with a name of forty letters", variants=0)
        variant = make.variant(
            session, product=product, price=Decimal("18.90"), barcode=f"560{n:05}"
        )
        make.stock_move(session, variant=variant, on_hand=5)
        cut = make.service(session, name=f"Fringe{n}", price=Decimal("45.00"))
        return Goods(installation, n, who.id, phone, variant.id, f"560{n:05}", cut.id)


class Keys:
    """Hands on the keyboard, that are counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.presses = page, 0

    def __call__(self, *keys: str) -> None:
        """Press keys by their names; what is no name of a key is typed letter by letter."""
        for key in keys:
            named = key in NAMED
            self.presses += 1 if named else len(key)
            (self.page.keyboard.press if named else self.page.keyboard.type)(key)


NAMED = {
    "F2",
    "F4",
    "F6",
    "F8",
    "F9",
    "Enter",
    "Tab",
    "ArrowDown",
    "ArrowUp",
    "Escape",
    "+",
    "Delete",
}


def total(page: Page) -> Any:
    return page.locator("[data-pos-total]")


def test_a_whole_sale_by_the_keyboard_alone(visit: Visit, goods: Goods) -> None:
    visitor = visit(STAFF)
    page = visitor.page
    visitor.open("/admin/counter")
    visitor.check_both("counter-empty")
    expect(page.get_by_text("Scan or type the first item")).to_be_visible()
    keys = Keys(page)
    keys("F2", goods.phone, "Enter", goods.code, "Enter")  # typed ahead of every answer
    expect(page.locator("[data-pos-who]")).to_contain_text(f"Ana Sofia {goods.n}")
    expect(page.locator("[data-pos-who]")).to_contain_text("Sensitive scalp")
    keys("+", f"Fringe{goods.n}", "Enter")
    expect(total(page)).to_have_text("82.80")
    expect(page.get_by_text("3 left after this")).to_be_visible()
    keys("F4", "5", "Tab", "Late", "Enter")
    expect(total(page)).to_have_text("77.80")
    keys("F9", "ArrowDown", "27.80", "Enter")
    expect(page.locator("[data-pos-left]")).to_have_text("50.00")
    keys("60")
    expect(page.locator("[data-pos-change]")).to_have_text("10.00")
    visitor.check_both("counter-full")
    keys("Enter")
    done = page.locator("[data-pos-done]")
    expect(done).to_contain_text("is done")
    expect(done.locator(".tot")).to_contain_text("10.00")
    assert keys.presses <= MOST_PRESSES
    visitor.check_both("counter-done")
    [order] = goods.sales()
    assert (order.status, order.payment_status, order.customer_id) == (
        "completed", "paid", goods.who,
    )  # fmt: skip
    assert [(line.quantity, line.discount) for line in order.lines] == [(2, 0), (1, 5)]
    assert goods.on_hand() == 3
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Print receipt").click()
    expect(opened.value.locator("h1")).to_contain_text("Receipt")
    opened.value.close()
    page.get_by_role("button", name="New sale").press("Enter")
    expect(page.locator("[data-pos-item]")).to_be_focused()
    expect(page.get_by_text("Scan or type the first item")).to_be_visible()


def test_who_did_it_is_named_and_credit_and_the_bank_pay_by_the_keyboard(
    visit: Visit, goods: Goods
) -> None:
    with goods.running.at("alpha") as session:
        credit.give(session, customer_id=goods.who, amount=Decimal(10), reason="Waited too long")
    visitor = visit(STAFF, PHONE, dark=True)
    page, keys = visitor.page, Keys(visitor.page)
    visitor.open("/admin/counter")
    keys(goods.code, "Enter")
    expect(total(page)).to_have_text("18.90")
    keys("F6")
    visitor.toast("Only a service is done by somebody")
    keys("F2", goods.phone, "Enter", f"Fringe{goods.n}", "Enter")
    expect(page.locator("[data-pos-who]")).to_contain_text("Store credit 10.00")
    expect(total(page)).to_have_text("63.90")
    keys("F6")
    who = page.get_by_role("dialog", name="Who did it")
    expect(who).to_contain_text(f"Fringe{goods.n}")
    expect(who.get_by_label("Staff")).to_be_focused()
    keys("Stylist", "Enter")
    expect(page.locator("[data-pos-rows] tr").last).to_contain_text("Stylist alpha")
    keys("F9", "ArrowUp")
    take = page.locator("[data-pos-take]")
    expect(take).to_contain_text("Take 10.00 of store credit")  # all there is, unless typed
    keys("Enter")
    expect(page.locator("[data-pos-left]")).to_have_text("53.90")
    expect(page.locator("[data-pos-tender=store_credit]")).to_have_count(0)
    keys("ArrowUp", "60", "Enter")
    expect(page.get_by_text("Only 53.90 is left to pay")).to_be_visible()
    expect(page.locator("#pos-amount")).to_be_focused()
    keys("53,90", "Tab", f"SEPA {goods.n}")
    expect(take).to_contain_text("Take 53.90 by bank transfer")
    visitor.shot("counter-bank")
    visitor.check()
    page.get_by_role("button", name="Receipt: paper").click()
    mail = page.get_by_role("dialog", name="Receipt")
    mail.get_by_label("How it is given").select_option("By e-mail")
    keys("Enter")
    expect(mail.get_by_role("alert")).to_contain_text("Nobody’s address is known here")
    expect(mail.get_by_label("E-mail")).to_be_focused()
    visitor.shot("counter-receipt-by-mail")
    keys(f"ana{goods.n}@example.com", "Enter")
    expect(page.get_by_role("button", name="Receipt: e-mail")).to_be_visible()
    page.locator("[data-pos-ref]").focus()
    keys("Enter")
    expect(page.locator("[data-pos-done]")).to_contain_text("is done")
    [order] = goods.sales()
    with goods.running.at("alpha") as session:
        paid = select(Payment.tender, Payment.amount, Payment.reference).order_by(Payment.id)
        assert session.execute(paid.where(Payment.order_id == order.id)).all() == [
            ("store_credit", 10, None), ("bank_transfer", Decimal("53.90"), f"SEPA {goods.n}"),
        ]  # fmt: skip
        assert session.get_one(Customer, goods.who).store_credit == 0
        to = OutboxMessage.payload["to"].as_string() == f"ana{goods.n}@example.com"
        assert session.scalars(select(OutboxMessage.task).where(to)).all() == [receipts.TASK]
    staff = goods.running.things["alpha staff"]
    assert [line.staff_id for line in order.lines] == [None, staff]
    assert (order.payment_status, order.status) == ("paid", "completed")


def test_what_was_sent_twice_is_one_sale_and_what_was_typed_survives(
    visit: Visit, goods: Goods
) -> None:
    visitor = visit(STAFF, own=True)
    page, keys = visitor.page, Keys(visitor.page)
    visitor.open("/admin/counter")
    keys(goods.code, "Enter")
    expect(total(page)).to_have_text("18.90")

    def answer_is_lost(route: Route) -> None:
        assert route.fetch().ok
        route.abort()

    page.route("**/counter/sell", answer_is_lost)  # not `times=1`, which may let go of it first
    with page.expect_response("**/counter/quote"):  # what is to be paid is asked for again
        keys("F9", "20", "Enter")
    page.unroute("**/counter/sell")
    expect(page.get_by_text("everything you typed stays")).to_be_visible()
    assert len(goods.sales()) == 1
    visitor.wrong.clear()
    page.context.clear_cookies()
    page.get_by_role("button", name="Take 18.90 in cash").click()
    page.get_by_role("link", name="Sign in").first.click()
    visitor.wrong.clear()  # the refused door, as it should be
    page.get_by_label("E-mail").fill(STAFF)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(total(page)).to_have_text("18.90")
    keys("F9", "F9")
    expect(page.locator("[data-pos-done]")).to_contain_text("1.10")  # the change of the first time
    [order] = goods.sales()
    assert goods.on_hand() == 4
    page.get_by_role("link", name="Open sale").click()
    page.wait_for_url("**/order/details/*")  # whole: its button opens by the script
    page.get_by_role("button", name="Give to a customer").click()
    page.get_by_role("combobox", name="Customer").fill(goods.phone)
    page.get_by_role("option", name=f"Ana Sofia {goods.n}").click()
    visitor.shot("order-given")
    page.get_by_role("button", name="Give it to them").click()
    visitor.toast(f"Ana Sofia {goods.n}'s now")
    [order] = goods.sales()
    assert order.customer_id == goods.who


def test_a_sale_is_put_aside_and_taken_up_at_another_till(visit: Visit, goods: Goods) -> None:
    visitor = visit(STAFF, PHONE)
    page, keys = visitor.page, Keys(visitor.page)
    visitor.open("/admin/counter")
    keys("F2", f"Newcomer{goods.n}", "Enter")
    expect(page.get_by_label("Phone", exact=False).first).to_be_focused()
    keys("Enter", goods.code, "Enter")
    expect(total(page)).to_have_text("18.90")
    keys("F8")
    visitor.toast(f"The sale of Newcomer{goods.n} is parked")
    expect(page.get_by_text("Scan or type the first item")).to_be_visible()
    tills = [visit(MANAGER, PHONE), visit(MANAGER, PHONE)]
    rows = []
    for till in tills:
        till.open("/admin/counter")
        till.page.get_by_role("button", name="parked").click()
        rows.append(till.page.get_by_role("button", name=f"Newcomer{goods.n}"))
        expect(rows[-1]).to_be_visible()
    tills[0].check_both("counter-parked")
    for row in rows:
        row.click()
    expect(total(tills[0].page)).to_have_text("18.90")
    expect(tills[0].page.locator("[data-pos-who]")).to_contain_text(f"Newcomer{goods.n}")
    late = tills[1].page.locator("#pos-waiting")
    expect(late).to_contain_text("Somebody has taken this sale up meanwhile")
    refused(tills[1])
    with goods.running.at("alpha") as session:
        kept = session.get_one(Variant, goods.shampoo)
        make.stock_move(session, variant=kept, on_hand=-5, kind="write_off", reason="Gone")
    sold_out(tills[0], goods)
    late.get_by_role("button", name="Close").click()


def sold_out(till: Visitor, goods: Goods) -> None:
    """What is gone meanwhile is refused, nothing typed is lost; then the sale is given up."""
    page = till.page
    Keys(page)("F9", "20", "Enter")
    said = page.get_by_text("only 0 can be had and 1 were asked for")
    expect(said).to_be_visible()
    refused(till)
    expect(page.locator("#pos-amount")).to_have_value("20")
    till.check_both("counter-refused")
    page.get_by_role("button", name="Give up").click()
    page.locator("dialog[open]").get_by_role("button", name="Give up").click()
    expect(page.get_by_text("Scan or type the first item")).to_be_visible()
    [order] = goods.sales()
    assert (order.status, order.number) == ("cancelled", None)
