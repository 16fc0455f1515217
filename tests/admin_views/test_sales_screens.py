"""Bookings, orders and tasks on screen, from the first click to the last."""

import re

import pytest
from sqlalchemy import select

from app.database import begin
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.orders import Order
from models.products import Variant
from models.tasks import Task
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import text_of
from tests.admin_views.test_every_view import made


def _press(panel: PanelClient, identity: str, number: int, command: str, **words: str) -> None:
    answer = panel.post(f"/admin/{identity}/do/{number}/{command}", data=words)
    assert answer.status_code == 303, text_of(answer.text)


def _booking(vendor: int) -> Booking:
    with acting(vendor_actor(vendor)), begin() as session:
        return session.scalars(select(Booking).order_by(Booking.id.desc())).first()


def test_a_booking_is_made_moved_and_carried_through(panel: PanelClient) -> None:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    panel.as_(staff(vendor))
    data = {
        "customer": made("customer", vendor), "service": made("service", vendor),
        "starts_at": "2020-07-01T10:00", "channel": "phone", "price": "12,50",
    }  # fmt: skip
    answer = panel.post("/admin/booking/create", data=data)
    assert answer.status_code == 303, text_of(answer.text)
    booking = _booking(vendor)
    assert f"{booking.starts_at:%H:%M}" == "09:00"  # ten o'clock in Lisbon's summer
    assert str(booking.price) == "12.50"
    page = panel.get(answer.headers["location"]).text
    assert "1 Jul 2020, 10:00" in page
    assert "Confirm" in page
    edit = f"/admin/booking/edit/{booking.id}"
    typed = panel.form_values(edit)
    assert typed["starts_at"] == "2020-07-01T10:00"
    assert panel.post(edit, data={**typed, "starts_at": "2020-07-02T11:00"}).status_code == 303
    moved = _booking(vendor)
    assert moved.ends_at - moved.starts_at == booking.ends_at - booking.starts_at
    for command in ("confirm", "check-in", "complete"):
        _press(panel, "booking", booking.id, command)
    assert _booking(vendor).status == "completed"
    assert panel.get(edit).status_code == 403
    _press(panel, "booking", booking.id, "cancel")
    assert _booking(vendor).status == "completed"


def test_a_skipped_hour_is_a_sentence_and_nothing_typed_is_lost(panel: PanelClient) -> None:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    panel.as_(manager(vendor))
    data = {
        "customer": made("customer", vendor), "customer_text": "Ana",
        "service": made("service", vendor), "service_text": "Cut",
        "starts_at": "2026-03-29T01:30", "channel": "phone", "note": "By the window",
    }  # fmt: skip
    answer = panel.post("/admin/booking/create", data=data)
    assert answer.status_code == 400
    assert "The clocks skip 01:30 on that day" in answer.text
    for kept in ("2026-03-29T01:30", "By the window", 'value="Ana"', 'value="Cut"'):
        assert kept in answer.text


def _variant(vendor: int) -> Variant:
    with acting(vendor_actor(vendor)), begin() as session:
        return make.variant(session, price="4.20")


def _lines(*lines: dict[str, str]) -> dict[str, str]:
    posted = {f"lines-{n}-{k}": v for n, line in enumerate(lines) for k, v in line.items()}
    return {**posted, "lines-count": str(len(lines))}


def _order(vendor: int) -> Order:
    with acting(vendor_actor(vendor)), begin() as session:
        order = session.scalars(select(Order).order_by(Order.id.desc())).first()
        assert order is not None
        assert order.lines is not None
        return order


def test_an_order_is_drafted_corrected_placed_and_handed_over(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    variant = _variant(vendor)
    panel.as_(staff(vendor))
    item = {"item": f"product:{variant.id}", "item_text": "Food", "quantity": "2"}
    data = _lines(
        {**item, "unit_price": ""},
        {"item": "tip:", "item_text": "Tip", "quantity": "1", "unit_price": "1,50"},
    )
    answer = panel.post("/admin/order/create", data={**data, "save": "draft"})
    assert answer.status_code == 303, text_of(answer.text)
    order = _order(vendor)
    assert str(order.total) == "9.90"
    edit = f"/admin/order/edit/{order.id}"
    typed = panel.form_values(edit)
    wrong = panel.post(edit, data={**typed, "lines-0-quantity": "none", "save": "draft"})
    assert wrong.status_code == 400
    assert "This is no whole number" in wrong.text
    assert 'value="none"' in wrong.text
    placed = panel.post(edit, data={**typed, "lines-0-quantity": "3", "save": "place"})
    assert placed.status_code == 303, text_of(placed.text)
    order = _order(vendor)
    assert (order.status, str(order.total), order.number) == ("placed", "14.10", 1)
    late = panel.post(edit, data={**typed, "lines-0-quantity": "5", "save": "draft"})
    assert late.status_code == 403
    for command in ("fulfil", "complete"):
        _press(panel, "order", order.id, command)
    assert _order(vendor).status == "completed"


def test_two_people_at_one_draft(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    variant = _variant(vendor)
    panel.as_(manager(vendor))
    item = {"item": f"product:{variant.id}", "item_text": "Food", "quantity": "2"}
    panel.post("/admin/order/create", data={**_lines(item), "save": "draft"})
    edit = f"/admin/order/edit/{_order(vendor).id}"
    typed = {
        **panel.form_values(edit),
        "save": "draft",
        "seen_version": "2001-01-01T00:00:00+00:00",
    }
    answer = panel.post(edit, data={**typed, "note": "Mine"})
    assert answer.status_code == 400
    assert "Somebody changed this meanwhile" in answer.text
    assert "Mine" in answer.text


@pytest.mark.parametrize(
    "line",
    [
        {"item": "product:99999999999999999999", "item_text": "x", "quantity": "1"},
        {"item": "nothing:1", "item_text": "x", "quantity": "1"},
        {"item": "", "item_text": "typed only", "quantity": "1"},
        {"item": "tip:", "item_text": "Tip", "quantity": "1", "unit_price": "NaN"},
        {"item": "tip:", "item_text": "Tip", "quantity": "0", "unit_price": "1"},
        {"item": "tip:", "item_text": "Tip", "quantity": "1"},
        {"item": "tip:", "item_text": "Tip", "quantity": "1", "unit_price": "1", "id": "999999"},
    ],
)
def test_a_line_that_cannot_be_is_a_sentence_under_it(
    panel: PanelClient, line: dict[str, str]
) -> None:
    panel.as_(manager(make.new_vendor()))
    answer = panel.post("/admin/order/create", data={**_lines(line), "save": "place"})
    assert answer.status_code == 400
    assert re.search(r'ln-err.*?invalid-feedback.*?<span dir="auto">[^<]+\.', answer.text, re.S)


def test_an_admin_sells_for_a_vendor_that_is_chosen(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    variant = _variant(vendor)
    panel.as_(admin())
    item = {"item": f"product:{variant.id}", "item_text": "Food", "quantity": "1"}
    nobodys = panel.post("/admin/order/create", data={**_lines(item), "save": "draft"})
    assert nobodys.status_code == 400
    assert "The vendor is missing" in nobodys.text
    data = {**_lines(item), "save": "draft", "vendor_id": str(vendor)}
    assert panel.post("/admin/order/create", data=data).status_code == 303


def test_a_task_is_done_and_opened_again(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    panel.as_(staff(vendor))
    answer = panel.post(
        "/admin/task/create", data={"title": "Call back", "kind": "follow_up", "due_at": ""}
    )
    number = int(answer.headers["location"].rsplit("/", 1)[1])
    _press(panel, "task", number, "done")
    assert panel.get(f"/admin/task/edit/{number}").status_code == 403
    _press(panel, "task", number, "reopen")
    _press(panel, "task", number, "cancel", reason="Nobody answers")
    with acting(vendor_actor(vendor)), begin() as session:
        assert session.get_one(Task, number).outcome == "Nobody answers"


def test_a_products_variants_are_edited_in_line(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    rows = {
        "name": "Dry food", "variants-count": "3", "variants-0-sku": "A-1",
        "variants-0-price": "12,5",
        "variants-0-is_active": "y", "variants-1-sku": "A-2", "variants-1-price": "x",
        "variants-1-option": "10 kg",
    }  # fmt: skip
    wrong = panel.post("/admin/product/create", data=rows)
    assert wrong.status_code == 400
    assert "Price: This is no amount" in wrong.text
    assert 'value="A-2"' in wrong.text
    made_ = panel.post("/admin/product/create", data={**rows, "variants-1-price": "1240.00"})
    assert made_.status_code == 303, text_of(made_.text)
    edit = made_.headers["location"].replace("details", "edit")
    typed = panel.form_values(edit)
    assert (typed["variants-0-price"], typed["variants-1-price"]) == ("12.50", "1240.00")
    taken = panel.post(edit, data={**typed, "variants-1-sku": "A-1"})
    assert taken.status_code == 400
    assert "Two variants cannot share a SKU" in taken.text
    foreign = _variant(make.new_vendor())
    stolen = panel.post(edit, data={**typed, "variants-1-id": str(foreign.id)})
    assert stolen.status_code == 400
    assert "not of this product" in stolen.text
    fewer = {k: v for k, v in typed.items() if not k.startswith("variants-1")}
    assert panel.post(edit, data=fewer).status_code == 303
    assert "A-2" not in panel.get(made_.headers["location"]).text.split("Changes")[0]


@pytest.mark.parametrize("identity", ["booking", "task", "order", "package-holding", "membership"])
def test_a_customers_page_can_open_a_form_that_knows_the_customer(
    panel: PanelClient, identity: str
) -> None:
    vendor, other = make.new_vendor(), make.new_vendor()
    customer, foreign = made("customer", vendor), made("customer", other)
    panel.as_(manager(vendor))
    known = panel.form_values(f"/admin/{identity}/create?customer={customer}")
    assert str(customer) in (known.get("customer"), known.get("customer_id"))
    for text in (str(foreign), "abc", "9" * 30):
        blank = panel.form_values(f"/admin/{identity}/create?customer={text}")
        assert "" in (blank.get("customer"), blank.get("customer_id"))
