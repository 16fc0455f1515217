"""Coupons on screen: written down, refused at their fields, used at the till and in the form."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import documents
from app.database import begin
from app.gateways.files import DeskFiles
from app.operations import code_making
from app.tenancy import acting, vendor_actor
from models.coupons import CodeBatch, Coupon, CouponCode, CouponRedemption
from models.orders import Order
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


def form(**fields: str) -> dict[str, str]:
    """A coupon of ten percent as the form sends it; `hours` of it are not."""
    return {
        "name": "Summer", "needs_code": "y", "code": "summer", "kind": "percent", "value": "10",
        "stacking": "combinable", "windows-count": "1", "cheaper-count": "1", "bought-count": "1",
        "is_active": "y",
    } | fields  # fmt: skip


def hours(*rows: tuple[str, str, str]) -> dict[str, str]:
    named = {
        f"windows-{n}-{name}": value
        for n, row in enumerate(rows)
        for name, value in zip(("day", "from", "until"), row, strict=True)
    }
    return {**named, "windows-count": str(len(rows))}


def the_only(vendor: int, model: Any) -> Any:
    with at(vendor) as session:
        found = session.scalars(select(model)).one()
        if isinstance(found, Coupon):
            assert found.targets is not None
        return found


def test_a_coupon_is_written_down_and_changed(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    empty = panel.get("/admin/coupon/list")
    assert "No coupons and offers yet" in text_of(empty.text)
    page = panel.get("/admin/coupon/create")
    assert page.status_code == 200
    assert "marketplace_percent" not in page.text
    with at(vendor) as session:
        service = make.service(session, name="Cut and colour").id
    sent = form(
        value="12,5", max_redemptions="100", birthday_days="7", sold_walk_in="y", sold_phone="y",
        **hours(("tue", "9", "12:00"), ("Friday", "14.30", "24:00"), ("", "", "")),
        **{"cheaper-0-item": f"service:{service}", "cheaper-0-item_text": "Cut and colour"},
    )  # fmt: skip
    saved = panel.post("/admin/coupon/create", data=sent)
    assert saved.status_code == 303, text_of(saved.text)
    coupon = the_only(vendor, Coupon)
    assert (coupon.value, coupon.channels) == (Decimal("12.50"), ["walk_in", "phone"])
    assert coupon.windows == [
        {"day": 2, "from": "09:00", "until": "12:00"},
        {"day": 5, "from": "14:30", "until": "24:00"},
    ]
    assert [t.service_id for t in coupon.targets] == [service]
    shown = text_of(panel.get(f"/admin/coupon/details/{coupon.id}").text)
    for words in ("12.5 %", "Cut and colour", "Tuesday 09:00 to 12:00", "SUMMER"):
        assert words in shown, words
    assert "0 of 100" in text_of(panel.get("/admin/coupon/list?search=summer").text)
    again = panel.get(f"/admin/coupon/edit/{coupon.id}")
    assert 'value="SUMMER"' in again.text
    ticked = re.findall(
        r'<input[^>]*checked[^>]*name="(sold_\w+)"|name="(sold_\w+)"[^>]*checked', again.text
    )
    assert {a or b for a, b in ticked} == {"sold_walk_in", "sold_phone"}
    seen = again.text.split('name="seen"')[1].split('value="')[1].split('"')[0]
    changed = panel.post(
        f"/admin/coupon/edit/{coupon.id}",
        data=form(code="Autumn", seen=seen, kind="buy_get", value="100", buy_quantity="2",
                  get_quantity="1"),
    )  # fmt: skip
    assert changed.status_code == 303, text_of(changed.text)
    shown = text_of(panel.get(f"/admin/coupon/details/{coupon.id}").text)
    assert "buy 2, 1 free" in shown
    assert "AUTUMN" in shown


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"value": "110"}, "at most 100 for percent"),
        ({"value": "0"}, "write more than 0"),
        ({"value": "ten"}, "write it like 12.50"),
        ({"code": "x" * 10_000}, "too long"),
        ({"code": ""}, "The code is missing"),
        ({"code": "Ä"}, "cannot be a code"),
        ({"name": "\x00"}, "Name is missing"),
        ({"kind": "buy_get"}, "how many pieces"),
        ({"kind": "other"}, "choose one from the list"),
        ({"starts_at": "2026-11-20T10:00", "ends_at": "2026-11-20T09:00"}, "ends before it begins"),
        ({"cheaper-0-item_text": "Sham"}, "need a look"),
        (
            {"cheaper-0-item": "service:999999", "cheaper-0-item_text": "x"},
            "choose one from the list",
        ),
        (hours(("Mon", "10:00", "12:00"), ("Mon", "11:00", "13:00")), "overlap"),
        (hours(("Mon", "12:00", "10:00")), "let it end after it begins"),
        (hours(("Mon", "25", "26")), "need a look"),
        (hours(("Noday", "9", "10")), "need a look"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_typed_is_lost(
    panel: PanelClient, fields: dict[str, str], sentence: str
) -> None:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    answer = panel.post("/admin/coupon/create", data=form(**fields))
    assert answer.status_code == 400
    assert sentence in text_of(answer.text)
    assert 'value="Summer"' in answer.text or "name" in fields
    with at(vendor) as session:
        assert session.scalars(select(Coupon.id)).all() == []


def test_another_vendors_things_and_codes_stay_theirs(panel: PanelClient) -> None:
    mine, theirs = make.new_vendor(), make.new_vendor()
    with at(theirs) as session:
        service = make.service(session).id
        coupon = make.coupon(session, code="SUMMER")
        code = session.scalars(select(CouponCode.id)).one()
    for who in (manager(mine), staff(mine)):
        panel.as_(who)
        for address in (f"coupon/details/{coupon.id}", f"coupon-code/details/{code}"):
            assert panel.get(f"/admin/{address}").status_code == 404
    panel.as_(manager(mine))
    foreign = {"cheaper-0-item": f"service:{service}", "cheaper-0-item_text": "x"}
    assert panel.post("/admin/coupon/create", data=form(**foreign)).status_code == 400
    assert panel.post("/admin/coupon/create", data=form()).status_code == 303


def test_the_marketplace_says_what_it_bears(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    sneaked = panel.post("/admin/coupon/create", data=form(marketplace_percent="100"))
    assert sneaked.status_code == 303
    coupon = the_only(vendor, Coupon)
    assert coupon.marketplace_percent == 0
    panel.as_(admin())
    page = panel.get(f"/admin/coupon/edit/{coupon.id}")
    seen = page.text.split('name="seen"')[1].split('value="')[1].split('"')[0]
    for wrong in ("101", "-1"):
        refused = panel.post(
            f"/admin/coupon/edit/{coupon.id}", data=form(seen=seen, marketplace_percent=wrong)
        )
        assert refused.status_code == 400
    saved = panel.post(
        f"/admin/coupon/edit/{coupon.id}", data=form(seen=seen, marketplace_percent="40")
    )
    assert saved.status_code == 303, text_of(saved.text)
    assert the_only(vendor, Coupon).marketplace_percent == 40


def test_codes_are_asked_for_by_a_button_and_listed(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        coupon = make.coupon(session, code="MAIN").id
    panel.as_(manager(vendor))
    do = f"/admin/coupon/do/{coupon}/codes"
    for wrong in ("", "0", "1000001", "x"):
        panel.post(do, data={"wanted": wrong})
    assert panel.post(do, data={"wanted": "3", "prefix": "vip-"}).status_code == 303
    batch = the_only(vendor, CodeBatch)
    assert (batch.wanted, batch.prefix) == (3, "VIP-")
    assert "0 are made so far" in text_of(panel.get(f"/admin/coupon/details/{coupon}").text)
    sheet, told = f"/admin/coupon/codes/{batch.id}", {"done": 0, "total": 3, "finished": False}
    assert told.items() <= panel.get(f"{sheet}/progress").json().items()
    assert "No code is left to print" in text_of(panel.get(sheet).text)
    with at(vendor) as session:
        assert code_making.make(session, batch_id=batch.id) == 0
        codes = session.scalars(select(CouponCode.code).where(CouponCode.batch_id == batch.id))
        made = list(codes)
    assert panel.get(f"{sheet}/progress").json()["finished"]
    printed = text_of(panel.get(sheet).text)
    assert len(made) == 3
    assert all(code in printed for code in made)
    assert "Print" in text_of(panel.get(f"/admin/coupon/details/{coupon}").text)
    for wrong in ("0", "x", str(2**70), f"{batch.id}?after=nonsense", str(batch.id + 1)):
        assert panel.get(f"/admin/coupon/codes/{wrong}").status_code in (200, 404)
    listed = panel.get(f"/admin/coupon-code/list?coupon={coupon}&state=unused&search=ma")
    assert "MAIN" in text_of(listed.text)
    with at(vendor) as session:
        code = session.scalars(select(CouponCode.id).where(CouponCode.code == "MAIN")).one()
    panel.as_(staff(vendor))
    assert panel.post(f"/admin/coupon-code/do/{code}/end").status_code == 403
    panel.as_(manager(vendor))
    assert panel.post(f"/admin/coupon-code/do/{code}/end").status_code == 303
    panel.as_(analyst())
    assert panel.get("/admin/coupon/list").status_code == 403
    assert panel.get(sheet).status_code == 403
    panel.as_(manager(make.new_vendor()))
    assert [panel.get(path).status_code for path in (sheet, f"{sheet}/progress")] == [404, 404]


def till(panel: PanelClient, path: str, sent: Any) -> tuple[int, dict[str, Any]]:
    answer = panel.post(f"/admin/counter/{path}", content=json.dumps(sent).encode())
    return answer.status_code, answer.json()


def test_a_code_at_the_till(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        item = make.variant(session, price=Decimal("20.00")).id
        make.coupon(session, code="SUMMER", name="Summer", max_per_customer=1)
        make.coupon(session, code=None, name="Always", value=Decimal(5))
    panel.as_(staff(vendor))
    sale = {
        "key": str(uuid4()), "lines": [{"kind": "product", "item": item, "quantity": 1}],
        "name": "Ana", "phone": "", "codes": ["sum mer"],
        "paid": [{"tender": "cash", "amount": "17.10"}],
    }  # fmt: skip
    status, told = till(panel, "quote", sale)
    assert (status, told["total"]) == (200, "17.10")
    assert [(row["label"], row["amount"]) for row in told["sums"][1:]] == [
        ("Summer (SUMMER)", "−2.00"), ("Always", "−0.90"),
    ]  # fmt: skip
    for codes, field in (
        (["winter"], "codes.0"), (["summer", "\x00"], "codes.1"), (["y" * 10_000], "codes.0"),
    ):  # fmt: skip
        status, told = till(panel, "quote", sale | {"codes": codes})
        assert (status, told["field"]) == (409, field)
        assert told["sentence"].endswith("or remove it.")
    for broken in ("summer", [1], [None], {"a": 1}):
        assert till(panel, "quote", sale | {"codes": broken})[0] == 409
    parked = till(panel, "park", sale)
    assert parked[0] == 200
    back = till(panel, "take-up", {"order": parked[1]["results"][0]["id"]})[1]
    assert back["codes"] == ["SUMMER"]
    who = back["customer"]["id"]
    status, done = till(panel, "sell", sale | {"customer": who, "name": None})
    assert (status, done["sale"]["total"]) == (200, "17.10")
    again = sale | {"key": str(uuid4()), "customer": who, "name": None}
    status, told = till(panel, "sell", again)
    assert (status, told["field"]) == (409, "codes.0")
    assert "Ana has used SUMMER" in told["sentence"]
    with at(vendor) as session:
        rows = session.scalars(select(CouponRedemption).order_by(CouponRedemption.id)).all()
        assert [one.status for one in rows] == ["redeemed", "redeemed"]
        order = session.scalars(select(Order)).one().id
    panel.as_(manager(vendor))
    shown = text_of(panel.get(f"/admin/order/details/{order}").text)
    assert "Summer (SUMMER)" in shown
    coupon = rows[0].coupon_id
    used = text_of(panel.get(f"/admin/coupon/details/{coupon}").text)
    for words in ("Used 1", "Taken off 2.00", "Brought 17.10", "Walk in 1 2.00 17.10 17.10"):
        assert words in used, (words, used)


def test_a_code_in_the_form_of_an_order(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        item = make.variant(session, price=Decimal("20.00")).id
        make.coupon(session, code="SUMMER", name="Summer")
    panel.as_(staff(vendor))
    sent = {
        "lines-count": "1", "lines-0-item": f"product:{item}", "lines-0-item_text": "Item",
        "lines-0-quantity": "2", "codes": "summer, winter", "save": "draft",
    }  # fmt: skip
    refused = panel.post("/admin/order/create", data=sent)
    assert refused.status_code == 400
    assert "no code WINTER here" in text_of(refused.text)
    assert 'value="summer, winter"' in refused.text
    assert panel.post("/admin/order/create", data=sent | {"codes": "summer"}).status_code == 303
    with at(vendor) as session:
        order = session.scalars(select(Order)).one()
        assert order.total == 36
    page = panel.get(f"/admin/order/edit/{order.id}")
    assert 'value="SUMMER"' in page.text
