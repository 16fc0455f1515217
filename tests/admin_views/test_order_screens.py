"""Orders on screen: discounts with a reason, taxes, ways of sending, shipments."""

from typing import Any

import pytest
from sqlalchemy import select

from app.database import begin
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.orders import Order
from models.products import Variant
from models.shipments import Shipment
from models.shipping import ShippingMethod
from models.taxes import TaxClass
from tests import make
from tests.admin_views.panel_client import PanelClient, manager, staff
from tests.admin_views.reading import text_of

HOME = {"to_line1": "Rua do Sol 1", "to_city": "Lisboa", "to_country": "PT",
        "to_country_text": "Portugal"}  # fmt: skip


def _shelf(vendor: int, on_hand: int = 10) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        product = make.product(session, name="Shampoo", variants=0)
        variant = make.variant(session, product=product, price="10.00")
        make.stock_move(session, variant=variant, on_hand=on_hand)
        return variant.id


def _lines(*lines: dict[str, str]) -> dict[str, str]:
    posted = {f"lines-{n}-{k}": v for n, line in enumerate(lines) for k, v in line.items()}
    return {**posted, "lines-count": str(len(lines))}


def _item(variant: int, quantity: str = "2", **more: str) -> dict[str, str]:
    return {"item": f"product:{variant}", "item_text": "Shampoo", "quantity": quantity, **more}


def _last(vendor: int, model: Any) -> Any:
    with acting(vendor_actor(vendor)), begin() as session:
        found = session.scalars(select(model).order_by(model.id.desc())).first()
        if isinstance(found, Order):
            assert found.lines is not None
        return found


def _created(panel: PanelClient, vendor: int, data: dict[str, str]) -> Order:
    answer = panel.post("/admin/order/create", data=data)
    assert answer.status_code == 303, text_of(answer.text)
    order = _last(vendor, Order)
    assert isinstance(order, Order)
    return order


def test_a_discount_wants_its_reason_and_tells_it(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    shelf = _shelf(vendor)
    panel.as_(staff(vendor))
    line = _item(shelf, discount="1,50")
    answer = panel.post("/admin/order/create", data={**_lines(line), "save": "draft"})
    assert answer.status_code == 400
    assert "A discount needs its reason" in answer.text
    whole = {"discount": "2", "discount_why": "", "save": "draft"}
    answer = panel.post("/admin/order/create", data={**_lines(_item(shelf)), **whole})
    assert answer.status_code == 400
    assert "A discount needs its reason" in answer.text
    line["why"], whole["discount_why"] = "Torn <box>", "A good customer"
    order = _created(panel, vendor, {**_lines(line), **whole})
    assert str(order.total) == "16.50"
    page = panel.get(f"/admin/order/details/{order.id}").text
    for words in ("Why this price", "Torn &lt;box&gt;", "A good customer", "−1.50", "−2.00"):
        assert words in page
    typed = panel.form_values(f"/admin/order/edit/{order.id}")
    assert (typed["lines-0-discount"], typed["lines-0-why"]) == ("1.50", "Torn <box>")
    assert (typed["discount"], typed["discount_why"]) == ("2.00", "A good customer")
    again = panel.post(f"/admin/order/edit/{order.id}", data={**typed, "save": "draft"})
    assert again.status_code == 303, text_of(again.text)
    assert str(_last(vendor, Order).total) == "16.50"  # nothing is taken off twice


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("lines-0-discount", "21", "more than the line costs"),
        ("lines-0-discount", "NaN", "This is no amount"),
        ("lines-0-discount", "-1", "below zero"),
        ("lines-0-why", "x" * 300, "The reason is too long"),
        ("discount", "21", "more than the goods cost"),
        ("discount", "Infinity", "This is no amount"),
        ("handing", "by pigeon", "Say how the goods get there"),
        ("delivery_method", "999999", "not offered"),
        ("delivery_method", "1; DROP TABLE", "not offered"),
        ("to_country", "ZZ", "no such country"),
        ("to_country", "", "was not chosen"),
        ("to_line1", "x" * 500, "too long"),
        ("to_line1", "", "where to send it"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_nothing_is_saved(
    panel: PanelClient, field: str, text: str, sentence: str
) -> None:
    vendor = make.new_vendor()
    line = _item(_shelf(vendor), why="Torn", discount="")
    panel.as_(manager(vendor))
    data = {**_lines(line), **HOME, "handing": "delivery", "discount_why": "Why not",
            "save": "place", field: text}  # fmt: skip
    answer = panel.post("/admin/order/create", data=data)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert _last(vendor, Order) is None


def test_a_parcel_goes_out_from_the_orders_page(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    shelf = _shelf(vendor)
    panel.as_(manager(vendor))
    way = {"name": "Courier", "kind": "delivery", "price": "4.90", "is_active": "y"}
    assert panel.post("/admin/shipping-method/create", data=way).status_code == 303
    method = _last(vendor, ShippingMethod)
    panel.as_(staff(vendor))
    data = {**_lines(_item(shelf, "3")), **HOME, "handing": "delivery",
            "delivery_method": str(method.id), "save": "place"}  # fmt: skip
    order = _created(panel, vendor, data)
    assert (str(order.total), order.pieces) == ("34.90", 3)
    here = f"/admin/order/details/{order.id}"
    page = panel.get(here).text
    for words in ("To hand over", "3 pieces to pack", "Courier", "Rua do Sol 1, Lisboa, Portugal"):
        assert words in page
    line = order.lines[0].id
    for wrong in ("4", "-1", "x", "9" * 30):
        panel.post(f"/admin/order/{order.id}/pack", data={f"line-{line}": wrong})
        assert _last(vendor, Shipment) is None
    panel.post(f"/admin/order/{order.id}/pack", data={f"line-{line}": "2", "carrier": "CTT"})
    first = _last(vendor, Shipment)
    do = f"/admin/shipment/do/{first.id}"
    assert panel.post(f"{do}/fail", data={"reason": ""}).status_code == 303
    assert _last(vendor, Shipment).status == "packed"
    panel.post(f"{do}/hand-over", data={"tracking": "RR 1"})
    page = panel.get(here).text
    for words in ("Under way", "CTT, RR 1", "1 piece to pack", "Part handed over"):
        assert words in page
    panel.post(f"{do}/fail", data={"reason": "Nobody at home"})
    assert "Nobody at home" in panel.get(here).text
    panel.post(f"/admin/order/{order.id}/pack", data={f"line-{line}": "3"})
    panel.post(f"/admin/shipment/do/{_last(vendor, Shipment).id}/deliver")
    assert "Delivered" in panel.get(here).text
    order = _last(vendor, Order)
    assert (order.status, order.delivered) == ("fulfilled", 3)
    with acting(vendor_actor(vendor)), begin() as session:
        assert session.get_one(Variant, shelf).on_hand == 7


def test_what_is_sold_out_is_said_above_the_form(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    shelf = _shelf(vendor, on_hand=1)
    panel.as_(staff(vendor))
    answer = panel.post("/admin/order/create", data={**_lines(_item(shelf)), "save": "place"})
    assert answer.status_code == 400
    assert "Of Shampoo only 1 can be had and 2 were asked for" in answer.text


def test_the_same_form_twice_is_one_order(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    shelf = _shelf(vendor)
    panel.as_(staff(vendor))
    key = panel.form_values("/admin/order/create")["request_key"]
    data = {**_lines(_item(shelf)), "save": "place", "request_key": key}
    first = _created(panel, vendor, data)
    assert _created(panel, vendor, data).id == first.id
    with acting(vendor_actor(vendor)), begin() as session:
        assert session.get_one(Variant, shelf).reserved == 2
    for odd in ("", "nonsense", "\x00", "{" + key + "}"):
        assert _created(panel, vendor, {**data, "request_key": odd}) is not None


def test_taxes_are_kept_by_place_and_day(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    shelf = _shelf(vendor)
    panel.as_(manager(vendor))
    rates = {
        "name": "Standard", "rates-count": "1", "rates-0-name": "IVA",
        "rates-0-country": "Portugal", "rates-0-percent": "23 %", "rates-0-starts_on": "2020-01-01",
    }  # fmt: skip
    for name, text, sentence in (
        ("rates-0-percent", "101", "write at most 100"),
        ("rates-0-percent", "NaN", "This is no amount"),
        ("rates-0-country", "Atlantis", "there is no such country"),
        ("rates-0-starts_on", "yesterday", "this is no date"),
        ("rates-0-starts_on", "0001-01-01", "this year cannot be right"),
        ("rates-0-name", "", "On receipts is missing"),
    ):
        wrong = panel.post("/admin/tax-class/create", data={**rates, name: text})
        assert wrong.status_code == 400
        assert sentence in wrong.text
    made = panel.post("/admin/tax-class/create", data=rates)
    assert made.status_code == 303, text_of(made.text)
    kept = _last(vendor, TaxClass)
    assert kept.is_default  # the first one is for all that name none
    order = _created(panel, vendor, {**_lines(_item(shelf, "1")), "save": "draft"})
    page = panel.get(f"/admin/order/details/{order.id}").text
    for words in ("Prices include tax", "of which IVA 23 %", "1.87"):
        assert words in page
    edit = f"/admin/tax-class/edit/{kept.id}"
    typed = panel.form_values(edit)
    twice = {k.replace("rates-0", "rates-1"): v for k, v in typed.items() if "rates-0" in k}
    twice |= {"rates-1-id": "", "rates-count": "2"}
    answer = panel.post(edit, data={**typed, **twice})
    assert answer.status_code == 400
    assert "Two rates of one place begin on the same day" in answer.text
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        foreign = make.tax_rate(session, tax_class=make.tax_class(session)).id
    stolen = panel.post(edit, data={**typed, "rates-0-id": str(foreign)})
    assert stolen.status_code == 400
    assert "not of this tax class" in stolen.text
    second = panel.post("/admin/tax-class/create", data={**rates, "name": "Food"})
    path = second.headers["location"].replace("details", "do")
    panel.post(f"{path}/make-default")
    assert "Food" in panel.get("/admin/tax-class/list").text
    with acting(vendor_actor(vendor)), begin() as session:
        chosen = session.scalars(select(TaxClass.name).where(TaxClass.is_default)).all()
        assert chosen == ["Food"]


def test_another_vendors_shipments_are_not_here(panel: PanelClient) -> None:
    other = make.new_vendor()
    with acting(vendor_actor(other)), begin() as session:
        order = make.order(session)
        parcel, order_id = make.shipment(session, order=order).id, order.id
        line = order.lines[0].id
    panel.as_(manager(make.new_vendor()))
    assert panel.get(f"/admin/shipment/details/{parcel}").status_code == 404
    for command in ("hand-over", "deliver", "fail", "track"):
        answer = panel.post(f"/admin/shipment/do/{parcel}/{command}", data={"reason": "Mine"})
        assert answer.status_code == 404
    packed = panel.post(f"/admin/order/{order_id}/pack", data={f"line-{line}": "1"})
    assert packed.status_code == 404
    assert _last(other, Shipment).status == "packed"


def test_a_booking_is_charged_by_an_order_and_stays_what_it_is(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        ana = make.customer(session, full_name="Ana Reis")
        groom = make.service(session, name="Full groom")
        mine: dict[str, Any] = {"customer": ana, "service": groom, "price": "60.00"}
        daan = make.staff_member(session, name="Daan")
        booking = make.booking(session, staff=daan, **mine)
        make.booking(session, status="cancelled", **mine)
        make.booking(session, status="no_show", **mine)
        make.booking(session, service=groom)  # somebody else's
        customer, number = ana.id, booking.id
    panel.as_(staff(vendor))

    def offered(of: object, term: str = "groom") -> list[str]:
        asked = {"name": "item", "term": term, "of": str(of)}
        answer = panel.get("/admin/order/ajax/lookup", params=asked)
        return [one["id"] for one in answer.json()["results"]]

    assert offered(customer) == [f"booking:{number}", f"service:{groom.id}"]
    for nobody in ("", "0", "x", "9" * 30, "1 OR true"):
        assert offered(nobody) == [f"service:{groom.id}"], nobody
    way = f"/admin/order/create?booking={number}"
    assert way in panel.get(f"/admin/booking/details/{number}").text
    typed = panel.form_values(way)
    assert typed["customer_id"] == str(customer)
    assert (typed["lines-0-item"], typed["lines-0-unit_price"]) == (f"booking:{number}", "60.00")
    order = _created(panel, vendor, {**typed, "save": "place"})
    assert [(ln.booking_id, str(ln.total)) for ln in order.lines] == [(number, "60.00")]
    assert offered(customer) == [f"service:{groom.id}"]
    page = text_of(panel.get(f"/admin/order/details/{order.id}").text)
    assert "with Daan" in page
    sold = panel.get(f"/admin/booking/details/{number}").text
    assert f"/admin/order/details/{order.id}" in sold
    assert "create?booking=" not in sold
    panel.post(f"/admin/order/{order.id}/pay", data={"tender": "cash", "amount": "60.00"})
    panel.post(f"/admin/order/do/{order.id}/fulfil")
    with acting(vendor_actor(vendor)), begin() as session:
        paid, kept = session.get_one(Order, order.id), session.get_one(Booking, number)
        assert (paid.status, str(paid.paid)) == ("fulfilled", "60.00")
        assert kept.status == "confirmed"


def test_a_booking_that_cannot_be_charged_is_refused_at_its_line(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        ana, booking = make.customer(session), make.booking(session)
        gone = make.booking(session, customer=ana, status="cancelled")
        wanted = {"customer_id": str(ana.id), "customer_id_text": "Ana", "save": "draft"}
    panel.as_(manager(vendor))
    for item, words in (
        (f"booking:{booking.id}", "another customer"), (f"booking:{gone.id}", "does not stand"),
        ("booking:", "Nothing was chosen"), ("booking:99999999", "Nothing was chosen"),
    ):  # fmt: skip
        line = {"item": item, "item_text": "Groom", "quantity": "1"}
        answer = panel.post("/admin/order/create", data={**_lines(line), **wanted})
        assert answer.status_code == 400, item
        assert words in text_of(answer.text), item
    two = {"item": f"booking:{booking.id}", "item_text": "Groom", "quantity": "2"}
    theirs = wanted | {"customer_id": str(booking.customer_id)}
    answer = panel.post("/admin/order/create", data={**_lines(two), **theirs})
    assert "from 1 to 1" in text_of(answer.text)
    panel.as_(manager(make.new_vendor()))
    page = panel.get(f"/admin/order/create?booking={booking.id}").text
    assert f"booking:{booking.id}" not in page


def test_a_form_lets_packages_pay_for_services_and_shows_that_again(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        who, cut = make.customer(session), make.service(session, name="Cut")
        package = make.package(session, service_id=cut.id, uses=3)
        held = make.holding(session, customer=who, package=package).id
        sent = {"customer_id": str(who.id), "customer_id_text": "Ana", "uses": "y", "save": "draft"}
        lines = [
            {"item": f"service:{cut.id}", "item_text": "Cut", "quantity": many} for many in "22"
        ]
    panel.as_(manager(vendor))
    answer = panel.post("/admin/order/create", data={**_lines(*lines), **sent})
    assert answer.status_code in (302, 303)
    order = _last(vendor, Order)
    assert [(line.holding_id, line.total) for line in order.lines] == [
        (held, 0), (None, order.lines[1].unit_price * 2),
    ]  # fmt: skip
    page = panel.get(f"/admin/order/edit/{order.id}").text
    assert 'name="uses" value="y" checked' in page
