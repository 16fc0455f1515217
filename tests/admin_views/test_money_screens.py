"""Money and returns in the panel: taken, given back and settled by forms, or refused."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.database import begin
from app.operations import payments, refunds, returns
from app.tenancy import acting, vendor_actor
from models.customers import Customer
from models.orders import Order
from models.payments import Payment, Refund, Tender
from models.returns import ProductReturn
from tests import make
from tests.furnished import db, house
from tests.operations.test_returns import asked, came, delivered
from tests.webclient import OWN, Browser, House, application, email_of, settled

__all__ = ["db", "house"]  # fixtures


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture
def alpha(house: House) -> int:
    return house.vendors["alpha"]


@pytest.fixture
def manager(house: House) -> Browser:
    return Browser(application()).as_(email_of("manager"))


@pytest.fixture
def staff(house: House) -> Browser:
    return Browser(application()).as_(email_of("staff"))


def sold(vendor_id: int, **fields: Any) -> int:
    """A placed order of 30.00 of somebody with 12.50 store credit."""
    with acting(vendor_actor(vendor_id)), begin() as session:
        customer = make.customer(session, full_name="Ana Alves")
        make.credit_entry(session, customer=customer, amount=Decimal("12.50"))
        return make.order(session, lines=3, customer=customer, **fields).id


def standing(vendor_id: int, order_id: int) -> tuple[Decimal, Decimal]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = session.get_one(Order, order_id)
        return order.paid, order.refunded


def post(browser: Browser, path: str, **form: str) -> Any:
    return browser.post(path, data=form, headers=OWN)


def test_a_payment_is_taken_with_its_change_and_once(manager: Browser, alpha: int) -> None:
    order_id = sold(alpha)
    page = manager.get(f"/admin/order/details/{order_id}").text
    key = re.search(r'name="key" value="([0-9a-f-]{36})"', page)
    assert key
    assert "30.00 is due." in page
    assert "Store credit, 12.50 left" in page
    form = {"tender": "cash", "amount": "20,00", "tendered": "50", "key": key[1]}
    for _ in range(2):
        answer = post(manager, f"/admin/order/{order_id}/pay", **form)
        assert answer.status_code == 303
    assert standing(alpha, order_id) == (20, 0)
    page = manager.get(f"/admin/order/details/{order_id}").text
    assert "50.00 handed over, 30.00 change" in page
    assert "20.00 is taken. 30.00 change." in page
    post(manager, f"/admin/order/{order_id}/pay", tender="store_credit", amount="10")
    page = manager.get(f"/admin/order/details/{order_id}").text
    assert standing(alpha, order_id) == (30, 0)
    assert 'data-dialog="pay"' not in page
    assert 'data-dialog="refund"' in page


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"tender": "cash", "amount": "NaN"}, "This is no amount: write it like 12.50."),
        ({"tender": "cash", "amount": "-5"}, "below zero"),
        ({"tender": "cash", "amount": "1e9"}, "This is no amount"),
        ({"tender": "cash", "amount": "30.001"}, "30.001"),
        ({"tender": "cash", "amount": "31"}, "Only 30.00 is due"),
        ({"tender": "cash", "amount": "30", "tendered": "29.99"}, "Only 29.99 was handed over"),
        ({"tender": "card", "amount": "0"}, "Write an amount of more than nothing."),
        ({"tender": "gold", "amount": "1"}, "This is nothing to pay with here"),
        ({"tender": "elsewhere", "amount": "1"}, "This is nothing to pay with here"),
        ({"tender": "mobile_money", "amount": "1", "reference": ""}, "Write the code"),
        ({"tender": "store_credit", "amount": "12.51"}, "There is not so much store credit"),
        ({"tender": "cash", "amount": "1", "key": "x"}, "This form is not whole"),
        ({"tender": "card", "amount": "1", "reference": "<b>" * 100}, "This is too long"),
    ],
)
def test_what_cannot_be_taken_is_said_in_the_dialog(
    manager: Browser, alpha: int, form: dict[str, str], sentence: str
) -> None:
    order_id = sold(alpha)
    answer = post(manager, f"/admin/order/{order_id}/pay", **form)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert 'id="pay" aria-labelledby="pay-t" data-open-now' in answer.text
    assert "<b><b>" not in answer.text
    assert standing(alpha, order_id) == (0, 0)


def test_money_is_given_back_by_lines_and_by_payment(manager: Browser, alpha: int) -> None:
    order_id = sold(alpha)
    with acting(vendor_actor(alpha)), begin() as session:
        card = payments.charge(
            session, order_id=order_id, tender=Tender.CARD, amount=Decimal(20)
        ).id
        payments.charge(session, order_id=order_id, tender=Tender.CASH)
        lines = [line.id for line in session.get_one(Order, order_id).lines]
    page = manager.get(f"/admin/order/details/{order_id}").text
    key = re.search(r'name="key" value="([0-9a-f-]{36})"', page)
    assert key
    form = {f"line-{lines[0]}": "4", f"line-{lines[1]}": "2.50", f"line-{lines[2]}": ""}
    form |= {"reason": "Scratched", "payment": str(card), "key": key[1]}
    for _ in range(2):
        assert post(manager, f"/admin/order/{order_id}/refund", **form).status_code == 303
    assert standing(alpha, order_id) == (30, Decimal("6.50"))
    post(manager, f"/admin/order/{order_id}/refund", amount="10", reason="Late", tender="cash")
    with acting(vendor_actor(alpha)), begin() as session:
        rows = [(r.tender, r.amount) for r in session.scalars(select(Refund).order_by(Refund.id))]
    assert rows == [("card", Decimal("6.50")), ("cash", 10)]
    page = manager.get(f"/admin/order/details/{order_id}").text
    assert "Given back, card" in page
    assert "Scratched" in page
    assert "Part given back" in page


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"amount": "30.01", "reason": "x"}, "Only 30.00 of what was paid is left"),
        ({"amount": "", "reason": "x"}, "Write how much is given back"),
        ({"amount": "NaN", "reason": "x"}, "This is no amount"),
        ({"amount": "5", "reason": " "}, "Say why it is given back"),
        ({"line-LINE": "10.01", "reason": "x"}, "Only 10.00 is left to give back"),
        ({"line-LINE": "5", "amount": "6", "reason": "x"}, "The lines come to 5.00"),
        ({"line-999999": "5", "reason": "x"}, "This line is not of this order"),
        ({"amount": "5", "reason": "x", "tender": "mobile_money"}, "cannot be given back that way"),
        ({"amount": "5", "reason": "x", "tender": "gold"}, "nothing to pay with here"),
    ],
)
def test_what_cannot_be_given_back_is_said_in_the_dialog(
    manager: Browser, alpha: int, form: dict[str, str], sentence: str
) -> None:
    order_id = sold(alpha)
    with acting(vendor_actor(alpha)), begin() as session:
        payments.charge(session, order_id=order_id, tender=Tender.CARD)
        line = session.get_one(Order, order_id).lines[0].id
    form = {name.replace("LINE", str(line)): value for name, value in form.items()}
    answer = post(manager, f"/admin/order/{order_id}/refund", **form)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert standing(alpha, order_id) == (30, 0)


def test_staff_take_money_and_managers_give_it_back(
    staff: Browser, house: House, alpha: int
) -> None:
    order_id = sold(alpha)
    page = staff.get(f"/admin/order/details/{order_id}").text
    assert 'data-dialog="pay"' in page
    assert (
        post(staff, f"/admin/order/{order_id}/pay", tender="card", amount="30").status_code == 303
    )
    page = staff.get(f"/admin/order/details/{order_id}").text
    assert 'data-dialog="refund"' not in page
    answer = post(staff, f"/admin/order/{order_id}/refund", amount="1", reason="x")
    assert answer.status_code == 403
    beta = Browser(application()).as_("manager@beta.example")
    for verb in ("pay", "refund", "return"):
        answer = post(beta, f"/admin/order/{order_id}/{verb}", amount="1", reason="x")
        assert answer.status_code == 404
    assert standing(alpha, order_id) == (30, 0)


def test_a_return_goes_from_the_order_to_its_money(
    manager: Browser, staff: Browser, alpha: int
) -> None:
    with acting(vendor_actor(alpha)), begin() as session:
        order = delivered(session, customer=make.customer(session))
        order_id, line = order.id, order.lines[0].id
    page = staff.get(f"/admin/order/details/{order_id}").text
    assert 'data-dialog="return"' in page
    wrong = post(staff, f"/admin/order/{order_id}/return", **{f"line-{line}": "4", "why": "x"})
    assert wrong.status_code == 400
    assert "Only 3 of" in wrong.text
    form = {f"line-{line}": "2", "why": "Too small"}
    answer = post(staff, f"/admin/order/{order_id}/return", **form)
    path = answer.headers["location"]
    number = path.rsplit("/", 1)[1]
    page = staff.get(path).text
    assert "Receive goods" in page
    with acting(vendor_actor(alpha)), begin() as session:
        own = session.get_one(ProductReturn, int(number)).lines[0].id
    came_form = {f"line-{own}": "2", f"condition-{own}": "opened", f"disposition-{own}": "restock"}
    wrong = post(staff, f"/admin/product-return/{number}/receive", **{f"line-{own}": "2"})
    assert wrong.status_code == 400
    assert "Say how" in wrong.text
    bad = came_form | {f"condition-{own}": "eaten"}
    assert post(staff, f"/admin/product-return/{number}/receive", **bad).status_code == 400
    assert post(staff, f"/admin/product-return/{number}/receive", **came_form).status_code == 303
    form = {f"resolution-{own}": "refund", f"line-{own}": "15", "tender": "cash"}
    assert post(staff, f"/admin/product-return/{number}/settle", **form).status_code == 403
    page = manager.get(path).text
    assert 'value="20.00"' in page  # what two of three pieces cost
    too_much = post(
        manager, f"/admin/product-return/{number}/settle", **form | {f"line-{own}": "31"}
    )
    assert too_much.status_code == 400
    assert "Only 30.00 is left" in too_much.text
    assert post(manager, f"/admin/product-return/{number}/settle", **form).status_code == 303
    assert standing(alpha, order_id) == (30, 15)
    page = manager.get(path).text
    assert "Money back" in page
    assert "Settle return" not in page
    assert manager.get("/admin/product-return/list?search=1").status_code == 200


def test_returns_are_kept_apart_by_vendor(house: House, alpha: int) -> None:
    with acting(vendor_actor(alpha)), begin() as session:
        back = came(session, asked(session, delivered(session)), 1)
        number, line = back.id, back.lines[0].id
    beta = Browser(application()).as_("manager@beta.example")
    assert beta.get(f"/admin/product-return/details/{number}").status_code == 404
    form = {f"resolution-{line}": "refund"}
    assert post(beta, f"/admin/product-return/{number}/settle", **form).status_code == 404
    with acting(vendor_actor(alpha)), begin() as session:
        assert session.get_one(ProductReturn, number).status == "received"
        assert returns.returnable(session, session.get_one(Order, back.order_id)) != {}


def test_a_pending_payment_at_the_desk_is_said_to_have_come(manager: Browser, alpha: int) -> None:
    order_id = sold(alpha)
    with acting(vendor_actor(alpha)), begin() as session:
        asked_for = payments.ask(session, order_id=order_id, gateway="desk", request_key=uuid4())
        number = asked_for.id
    page = manager.get(f"/admin/payment/details/{number}").text
    assert "Money came in" in page
    assert post(manager, f"/admin/payment/do/{number}/came").status_code == 303
    assert standing(alpha, order_id) == (30, 0)
    page = manager.get(f"/admin/payment/details/{number}").text
    assert "Money came in" not in page
    assert "counted" in page
    assert manager.get("/admin/payment/list?tender=gateway").status_code == 200


def test_store_credit_is_given_and_taken_with_a_reason(
    manager: Browser, staff: Browser, alpha: int
) -> None:
    with acting(vendor_actor(alpha)), begin() as session:
        number = make.customer(session).id
    path = f"/admin/customer/{number}/credit"
    assert post(manager, path, do="give", amount="25", reason="Late delivery").status_code == 303
    page = manager.get(f"/admin/customer/details/{number}").text
    assert "Late delivery" in page
    assert "25.00" in page
    for form, sentence in (
        ({"do": "take", "amount": "25.01", "reason": "x"}, "There is not so much store credit"),
        ({"do": "give", "amount": "NaN", "reason": "x"}, "This is no amount"),
        ({"do": "give", "amount": "", "reason": "x"}, "Write an amount"),
        ({"do": "give", "amount": "5", "reason": ""}, "Say why"),
    ):
        answer = post(manager, path, **form)
        assert answer.status_code == 400
        assert sentence in answer.text
    assert post(staff, path, do="give", amount="5", reason="x").status_code == 403
    assert "Late delivery" in staff.get(f"/admin/customer/details/{number}").text
    with acting(vendor_actor(alpha)), begin() as session:
        assert session.get_one(Customer, number).store_credit == 25


def test_orders_that_are_due_or_overpaid_are_found(manager: Browser, alpha: int) -> None:
    numbers = {}
    for name, amount in (("unpaid", 0), ("part", 10), ("paid", 30), ("over", 31), ("back", 30)):
        order_id = sold(alpha)
        with acting(vendor_actor(alpha)), begin() as session:
            if amount:
                payments.charge(
                    session, order_id=order_id, tender=Tender.CARD, amount=Decimal(amount)
                )
            if name == "back":
                refunds.give(session, order_id=order_id, reason="Came back")
            numbers[name] = f">Order {session.get_one(Order, order_id).number}<"
    owed = manager.get("/admin/order/list?payment=owed").text
    assert [name for name, text in numbers.items() if text in owed] == ["unpaid", "part"]
    over = manager.get("/admin/order/list?payment=overpaid").text
    assert [name for name, text in numbers.items() if text in over] == ["over"]
    every = manager.get("/admin/order/list").text
    assert all(text in every for text in numbers.values())
    assert "Part paid" in every


def test_the_marketplace_takes_a_payment_for_a_vendor(house: House, alpha: int) -> None:
    order_id = sold(alpha)
    admin = Browser(application()).as_(email_of("admin"))
    assert (
        post(admin, f"/admin/order/{order_id}/pay", tender="card", amount="30").status_code == 303
    )
    with acting(vendor_actor(alpha)), begin() as session:
        (taken,) = session.scalars(select(Payment))
        assert (taken.vendor_id, taken.user_id) == (alpha, house.users[email_of("admin")])
