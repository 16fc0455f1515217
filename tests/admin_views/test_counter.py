"""The counter over HTTP: who may, what a till is told, and what it cannot make the server do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, event, func, select
from sqlalchemy.orm import Session

from admin_views.access import MATRIX
from app import clock, documents
from app.database import begin
from app.gateways.files import DeskFiles
from app.tenancy import acting, vendor_actor
from models.orders import Order
from models.packages import PackageHolding
from models.products import Variant
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import text_of


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Receipts are kept in a folder of the test's own."""
    monkeypatch.setattr(documents, "files", lambda: DeskFiles(tmp_path / "files"))


@contextmanager
def at(vendor: int) -> Iterator[Session]:
    with acting(vendor_actor(vendor)), begin() as session:
        yield session


def shelf(vendor: int, on_hand: int = 3, **fields: Any) -> int:
    with at(vendor) as session:
        product = make.product(session, name="Colour-safe shampoo", variants=0)
        variant = make.variant(session, product=product, price=Decimal("18.90"), **fields)
        make.stock_move(session, variant=variant, on_hand=on_hand or 1)
        if not on_hand:
            make.stock_move(session, variant=variant, on_hand=-1, kind="write_off", reason="Gone")
        return variant.id


def line(item: int | None, **fields: Any) -> dict[str, Any]:
    return {"kind": "product", "item": item, "quantity": 1} | fields


def sale(*lines: Any, **fields: Any) -> dict[str, Any]:
    cash = [{"tender": "cash", "amount": "50"}]
    return {"key": str(uuid4()), "lines": list(lines), "paid": cash} | fields


def orders_of(vendor: int) -> int:
    with at(vendor) as session:
        return session.scalar(select(func.count(Order.id))) or 0


def asked(panel: PanelClient, path: str, sent: Any) -> tuple[int, dict[str, Any]]:
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    answer = panel.post(f"/admin/counter/{path}", content=body)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("role", [staff, manager])
def test_a_sale_is_quoted_and_sold_and_told_again(panel: PanelClient, role: Any) -> None:
    vendor = make.new_vendor()
    shampoo = shelf(vendor)
    with at(vendor) as session:
        make.tax_rate(session, tax_class=make.tax_class(session, is_default=True))
        who = make.customer(session, full_name="Ana Reis").id
    panel.as_(role(vendor))
    page = panel.get("/admin/counter")
    assert page.status_code == 200
    assert "Scan or type the first item" in page.text
    assert "Ana Reis" not in page.text
    assert "Ana Reis" in panel.get(f"/admin/counter?customer={who}").text
    for nobody in ("0", "x", "9" * 30, "\x00"):
        assert panel.get("/admin/counter", params={"customer": nobody}).status_code == 200
    whole = sale(
        line(shampoo, quantity="2", discount="5", why="Torn <box>"),
        line(None, kind="tip", amount="2,20"),
        customer=who,
        discount="10 %",
        discount_why="Regular",
    )
    status, quote = asked(panel, "quote", whole)
    assert (status, quote["total"]) == (200, "31.72")  # 32.80 less 3.28, and the tip
    assert quote["lines"][0]["left"] == "1 left after this"
    assert quote["lines"][0]["why"] == "Torn <box>, Regular"
    assert [row["label"] for row in quote["sums"]] == ["Items", "Discounts", "IVA 23 %, included"]
    assert orders_of(vendor) == 0
    status, done = asked(panel, "sell", whole)
    assert status == 200, done
    assert (done["sale"]["title"], done["sale"]["change"]) == ("Sale 1", "18.28")
    paper = panel.get(done["sale"]["receipt"].partition("#")[0])
    assert "Receipt 1" in text_of(paper.text)
    again = asked(panel, "sell", whole)[1]
    assert again["sale"] == done["sale"]
    assert again["key"] != whole["key"]
    assert orders_of(vendor) == 1


def test_who_stands_in_no_vendor_chooses_one_first_and_analysts_do_not_sell(
    panel: PanelClient,
) -> None:
    panel.as_(admin())
    assert "Choose a vendor" in panel.get("/admin/counter").text
    assert panel.post("/admin/counter/sell", content=b"{}").status_code == 404
    panel.as_(analyst())
    for path in ("counter", "counter/find?term=x", "counter/customers?term=x", "counter/parked"):
        assert panel.get(f"/admin/{path}").status_code == 403
    for path in ("quote", "sell", "park", "take-up", "discard"):
        assert panel.post(f"/admin/counter/{path}", content=b"{}").status_code == 403
    assert not any("sell" in grants for r, grants in MATRIX["counter"].items() if r == "analyst")


DEEP = b"[" * 5000 + b"]" * 5000
TOO_MANY = [{"kind": "tip", "amount": "1"}] * 501


@pytest.mark.parametrize(
    ("changes", "sentence", "field"),
    [
        ({"lines": []}, "This order is empty", "lines"),
        ({"lines": "all"}, "not whole", None),
        ({"lines": [7]}, "not whole", None),
        ({"lines": TOO_MANY}, "too many lines", "lines"),
        ({"key": "nonsense"}, "not whole", None),
        ({"key": 7}, "not whole", None),
        ({"quantity": "0"}, "from 1 to", "lines.0.quantity"),
        ({"quantity": -3}, "from 1 to", "lines.0.quantity"),
        ({"quantity": "9" * 30}, "no whole number", "lines.0.quantity"),
        ({"quantity": 1.5}, "no whole number", "lines.0.quantity"),
        ({"quantity": {"a": 1}}, "no whole number", "lines.0.quantity"),
        ({"quantity": 4}, "only 3 can be had and 4 were asked for", None),
        ({"item": "x'; DROP TABLE orders"}, "not here", "lines.0.item_id"),
        ({"item": 10**30}, "not here", "lines.0.item_id"),
        ({"item": True}, "not here", "lines.0.item_id"),
        ({"kind": "gold"}, "cannot be sold", "lines.0.item_id"),
        ({"kind": "shipping", "amount": "1"}, "cannot be sold", "lines.0.item_id"),
        ({"amount": "0.01"}, "what the catalogue says", "lines.0.amount"),
        ({"discount": "NaN", "why": "So"}, "no amount", "lines.0.discount"),
        ({"discount": "1e3", "why": "So"}, "no amount", "lines.0.discount"),
        ({"discount": "NaN %", "why": "So"}, "no amount", "lines.0.discount"),
        ({"discount": "101%", "why": "So"}, "percentage from 0 to 100", "lines.0.discount"),
        ({"discount": "1"}, "needs its reason", "lines.0.why"),
        ({"discount": "1", "why": "x" * 300}, "too long", "why"),
        ({"discount": "19", "why": "So"}, "more than the line costs", "lines.0.discount"),
        ({"paid": [{"tender": "cash", "amount": "NaN"}]}, "no amount", "paid.0"),
        ({"paid": [{"tender": "cash", "amount": "-1"}]}, "below zero", "paid.0"),
        ({"paid": [{"tender": "gold", "amount": "1"}]}, "nothing to pay with", "paid.0"),
        ({"paid": [{"tender": "cash", "amount": "1"}]}, "17.90 is still to be paid", "payments"),
        ({"paid": [{"tender": "card", "amount": "18.91"}]}, "Only 18.90 is left", "paid.0"),
        ({"paid": [], "owing": True}, "choose the customer who owes it", "payments"),
        ({"paid": [{}] * 21}, "too many paid", "paid"),
        ({"customer": 10**12}, "not here any more", "customer"),
        ({"customer": "all"}, "not here", "customer"),
        ({"phone": "nobody"}, "no phone number", "customer"),
        ({"name": ["x"]}, "not whole", None),
        ({"mail": "nowhere"}, "no e-mail address", "to"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_nothing_happens(
    panel: PanelClient, changes: dict[str, Any], sentence: str, field: str | None
) -> None:
    vendor = make.new_vendor()
    shampoo = shelf(vendor)
    panel.as_(staff(vendor))
    own = {"quantity", "item", "kind", "amount", "discount", "why"}
    of_line = {name: value for name, value in changes.items() if name in own}
    of_sale = {name: value for name, value in changes.items() if name not in own}
    status, said = asked(panel, "sell", sale(line(None) | {"item": shampoo} | of_line, **of_sale))
    assert status == 409, said
    assert sentence in said["sentence"]
    assert said["field"] == field
    assert orders_of(vendor) == 0
    with at(vendor) as session:
        kept = session.get_one(Variant, shampoo)
        assert (kept.on_hand, kept.reserved) == (3, 0)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"NaN", b"{", b'{"key": NaN}', DEEP, b"\xff"]
)
def test_what_no_till_of_ours_sends_is_refused(panel: PanelClient, body: bytes) -> None:
    panel.as_(staff(make.new_vendor()))
    for path in ("quote", "sell", "park", "take-up", "discard"):
        status, said = asked(panel, path, body)
        assert status == 409
        assert "not whole" in said["sentence"]


def test_an_item_is_found_by_its_code_or_its_name(panel: PanelClient) -> None:
    vendor, other = make.new_vendor(), make.new_vendor()
    shelf(vendor, barcode="5601234567890", sku="CSS-250")
    gone = shelf(vendor, 0, barcode="560000", sku="GONE-1")
    shelf(other, barcode="999", sku="THEIRS")
    with at(vendor) as session:
        make.service(session, name="Colour, long hair", price=Decimal(142))
        make.service(session, name="Colour of old", is_active=False)
        old = make.product(session, name="Colour chart", status="archived", variants=0)
        make.variant(session, product=old, barcode="777")
    panel.as_(staff(vendor))

    def found(term: str) -> dict[str, Any]:
        answer = panel.get("/admin/counter/find", params={"term": term})
        assert answer.status_code == 200
        return dict(answer.json())

    for code in ("5601234567890", "css-250", "CSS-250"):
        assert found(code)["exact"]["price"] == "18.90"
    assert found("560000")["exact"]["left"] == 0
    names = [one["name"] for one in found("colour")["results"]]
    assert names == ["Colour-safe shampoo", "Colour, long hair", "Colour-safe shampoo"]
    assert found("colour")["results"][-1]["item"] == gone  # what is sold out comes last
    for code in ("999", "THEIRS", "777", "4444", "'; --", "%", "\x00", "x" * 5000):
        nothing = found(code)
        assert (nothing["exact"], nothing["results"]) == (None, [])
        assert code in ("\x00",) or "Nothing is sold under" in nothing["said"]
    assert found("tip")["results"][-1] | {"icon": ""} == {
        "kind": "tip", "item": None, "icon": "", "name": "Tip", "sub": "", "price": None,
        "left": None,
    }  # fmt: skip


def test_the_bookings_of_today_are_paid_for_here(panel: PanelClient) -> None:
    vendor, other = make.new_vendor(), make.new_vendor()
    noon = clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
    with clock.stopped_at(noon):
        with at(other) as session:
            make.booking(session, starts_at=noon)
        with at(vendor) as session:
            mine = make.booking(session, starts_at=noon - timedelta(hours=1))
            late = make.booking(session, starts_at=noon + timedelta(hours=1), status="pending")
            for status in ("cancelled", "no_show"):
                make.booking(session, starts_at=noon, status=status)
            held = noon + timedelta(hours=1)
            make.booking(session, starts_at=noon, status="pending", held_until=held)
            make.booking(session, starts_at=noon + timedelta(days=1))
            ids, who, service = [mine.id, late.id], mine.customer_id, mine.service_id
            price = mine.price
        panel.as_(staff(vendor))

        def shown() -> list[int]:
            rows = panel.get("/admin/counter/bookings").json()["results"]
            return [row["booking"] for row in rows]

        assert shown() == ids
        booked = line(service, kind="service", booking=ids[0])
        sent = sale(booked, customer=who, paid=[{"tender": "card", "amount": str(price)}])
        status, done = asked(panel, "sell", sent)
        assert status == 200, done
        assert shown() == ids[1:]


def test_a_parked_sale_is_taken_up_once_by_whichever_till(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    shampoo = shelf(vendor)
    with at(vendor) as session:
        ana = make.staff_member(session, name="Ana").id
        cut = make.service(session, name="Cut", price=Decimal(45)).id
    panel.as_(staff(vendor))
    whole = sale(
        line(shampoo, quantity=2, discount="1.50", why="Torn"),
        line(cut, kind="service", staff=ana),
        line(None, kind="fee", amount="0.10", name="Bag"),
        name="Rui <b>Reis</b>", discount="2", discount_why="Regular",
    )  # fmt: skip
    status, parked = asked(panel, "park", whole)
    assert status == 200, parked
    assert parked["message"] == "The sale of Rui <b>Reis</b> is parked: any till can take it up."
    [row] = panel.get("/admin/counter/parked").json()["results"]
    assert row["total"] == "79.40"
    panel.as_(manager(make.new_vendor()))
    assert asked(panel, "take-up", {"order": row["id"]})[0] == 404
    assert panel.get("/admin/counter/parked").json()["results"] == []
    panel.as_(manager(vendor))
    status, taken = asked(panel, "take-up", {"order": row["id"]})
    assert (status, taken["key"]) == (200, whole["key"])
    assert (taken["customer"]["name"], taken["discount"]) == ("Rui <b>Reis</b>", "2.00")
    assert [(x["quantity"], x["discount"], x["staff"], x["amount"]) for x in taken["lines"]] == [
        (2, "1.50", None, None), (1, "", ana, None), (1, "", None, "0.10"),
    ]  # fmt: skip
    panel.as_(staff(vendor))
    status, said = asked(panel, "take-up", {"order": row["id"]})
    assert status == 409
    assert "Somebody has taken this sale up meanwhile" in said["sentence"]
    again = sale(*whole["lines"], key=whole["key"], customer=taken["customer"]["id"],
                 discount="2", discount_why="Regular",
                 paid=[{"tender": "cash", "amount": "100"}])  # fmt: skip
    status, done = asked(panel, "sell", again)
    assert (status, done["sale"]["total"], done["sale"]["id"]) == (200, "79.40", row["id"])
    given_up = asked(panel, "discard", {"key": whole["key"]})[1]
    assert given_up["message"] == f"Order {done['sale']['title'][5:]} was sold before, and stands."
    assert orders_of(vendor) == 1


def test_an_anonymous_sale_is_given_to_a_customer_on_its_page(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    shampoo = shelf(vendor)
    with at(vendor) as session:
        who = make.customer(session, full_name="Ana Reis").id
    with at(make.new_vendor()) as session:
        stranger = make.customer(session).id
    panel.as_(staff(vendor))
    number = asked(panel, "sell", sale(line(shampoo)))[1]["sale"]["id"]
    here = f"/admin/order/details/{number}"
    assert "Give to a customer" in panel.get(here).text
    for wrong in ("", "x", "0", str(10**30), str(stranger)):
        answer = panel.post(f"/admin/order/{number}/give", data={"customer": wrong})
        assert answer.status_code == 303
        assert "Give to a customer" in panel.get(here).text
    assert panel.post(f"/admin/order/{number}/give", data={"customer": str(who)}).status_code == 303
    page = panel.get(here).text
    assert "Ana Reis" in page
    assert "Give to a customer" not in page
    panel.as_(staff(make.new_vendor()))
    stolen = panel.post(f"/admin/order/{number}/give", data={"customer": str(stranger)})
    assert stolen.status_code == 404


def test_a_quote_of_many_lines_asks_as_little_as_one_of_few(
    panel: PanelClient, db: Connection
) -> None:
    vendor = make.new_vendor()
    lines = [line(shelf(vendor), discount="1", why="Torn") for _ in range(20)]
    panel.as_(staff(vendor))
    asked_for: list[int] = []
    for many in (3, 20):
        told: list[str] = []

        def hear(*statement: Any, told: list[str] = told) -> None:
            told.append(statement[2])

        event.listen(db, "before_cursor_execute", hear)
        assert asked(panel, "quote", sale(*lines[:many]))[0] == 200
        event.remove(db, "before_cursor_execute", hear)
        asked_for.append(len(told))
    assert asked_for[0] == asked_for[1] <= 14


def test_a_line_is_paid_for_by_what_the_customer_has(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        who = make.customer(session)
        cut = make.service(session, price=Decimal(30))
        package = make.package(session, name="Five cuts", service_id=cut.id, uses=5)
        held = make.holding(session, customer=who, package=package).id
        other = make.holding(session, package=package).id
        sent = {"kind": "service", "item": cut.id, "quantity": 1}
        whose = {"customer": who.id}
    panel.as_(staff(vendor))
    _, quoted = asked(panel, "quote", sale(sent, **whose))
    assert quoted["lines"][0]["uses"] == [
        {"holding": held, "membership": None, "name": "Five cuts", "left": "5 left"}
    ]
    _, free = asked(panel, "quote", sale(sent | {"holding": held}, **whose))
    assert (free["total"], free["lines"][0]["why"]) == ("0.00", "Five cuts: 1 of 5 uses")
    for wrong in ({"holding": other}, {"membership": 77}, {"holding": held, "quantity": 6}):
        status, refused = asked(panel, "sell", sale(sent | wrong, **whose))
        assert (status, refused["field"]) == (409, "lines.0.holding_id")
    status, _ = asked(panel, "sell", sale(sent | {"holding": held}, paid=[], **whose))
    assert status == 200
    with at(vendor) as session:
        assert session.get_one(PackageHolding, held).uses_used == 1
