"""Loyalty over HTTP: refusals stand at their field, managers move points, orders use rewards."""

import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from app import clock
from app.database import begin
from app.tenancy import acting, vendor_actor
from models.loyalty import LoyaltyProgram, LoyaltyRule, LoyaltyTier, Reward
from models.orders import Order
from models.points import LoyaltyAccount, LoyaltyEntry
from tests import make
from tests.admin_views.panel_client import PanelClient, manager, staff
from tests.admin_views.reading import text_of

PROGRAM = {
    "name": "Club", "points_per": "1", "rounding": "down", "min_spend": "0", "return_days": "14",
    "expiry": "never", "expiry_days": "", "window_days": "365", "grace_days": "30",
    "point_value": "0.02", "lowest": "-100", "is_active": "true",
}  # fmt: skip


def _members(vendor: int, points: int = 250) -> dict[str, int]:
    """A customer with points in a programme that has a tier and a reward; their ids."""
    with acting(vendor_actor(vendor)), begin() as session:
        program = make.program(session, name="Club")
        tier = make.tier(session, program=program, name="Silver", spend_from=Decimal(100))
        ana = make.customer(session, full_name="Ana Reis")
        account = make.account(session, program=program, customer=ana)
        make.lot(session, account=account, points=points, earned_at=clock.now())
        reward = make.reward(session, program=program, name="Five off")
        variant = make.variant(session, price=Decimal("30.00"), tracks_stock=False)
        return {
            "program": program.id, "tier": tier.id, "customer": ana.id, "account": account.id,
            "reward": reward.id, "variant": variant.id,
        }  # fmt: skip


def _refused(panel: PanelClient, noun: str, data: dict[str, Any], words: str) -> None:
    answer = panel.post(f"/admin/{noun}/create", data=data)
    assert answer.status_code == 400, (noun, answer.status_code)
    assert words in text_of(answer.text), text_of(answer.text)[-1500:]


def test_what_is_no_programme_tier_rule_or_reward_says_why_and_writes_nothing(
    panel: PanelClient,
) -> None:
    vendor = make.new_vendor()
    ids = _members(vendor)
    theirs = _members(make.new_vendor())
    panel.as_(manager(vendor))
    _refused(panel, "loyalty-program", PROGRAM, "a programme of this name already")
    other = {**PROGRAM, "name": "Other"}
    for more, words in (
        ({"expiry": "days"}, "Write after how many days"),
        ({"expiry_days": "9"}, "Write after how many days"),
        ({"points_per": "NaN"}, "This is no amount"),
        ({"points_per": "10001"}, "at most 10,000"),
        ({"lowest": "5"}, "does not fit"),
    ):
        _refused(panel, "loyalty-program", {**other, **more}, words)
    tier = {"program": str(ids["program"]), "name": "Gold", "spend_from": "200", "multiplier": "1"}
    for more, words in (
        ({"spend_from": "100.00"}, "would overlap"),
        ({"name": "Silver"}, "a tier of this name"),
        ({"spend_from": "-1"}, "below zero"),
        ({"multiplier": "0.5"}, "up to 100"),
        ({"program": str(theirs["program"])}, "choose one from the list"),
    ):
        _refused(panel, "loyalty-tier", {**tier, **more}, words)
    rule = {"program": str(ids["program"]), "name": "Double", "earned_by": "purchase",
            "multiplier": "2", "is_active": "true"}  # fmt: skip
    for more, words in (
        ({"bonus": "5"}, "A purchase has a multiplier"),
        ({"earned_by": "visit"}, "A purchase has a multiplier"),
        ({"starts_on": "2026-02-01", "ends_on": "2026-01-01"}, "ends before it begins"),
        ({"within_days": "3"}, "Write within how many days"),
    ):
        _refused(panel, "loyalty-rule", {**rule, **more}, words)
    reward = {"program": str(ids["program"]), "name": "Gift", "points": "100", "kind": "amount",
              "amount": "5", "min_spend": "0", "is_active": "true"}  # fmt: skip
    for more, words in (
        ({"points": "1" + "0" * 20}, "no whole number"),
        ({"points": "0"}, "does not fit"),
        ({"percent": "10"}, "Fill in what this kind of reward gives"),
        ({"kind": "percent", "amount": "", "percent": "110"}, "no part of a price"),
        ({"program": str(theirs["program"])}, "choose one from the list"),
    ):
        _refused(panel, "reward", {**reward, **more}, words)
    for noun, data in (("loyalty-tier", tier), ("loyalty-rule", rule), ("reward", reward)):
        assert panel.post(f"/admin/{noun}/create", data=data).status_code == 303
    with acting(vendor_actor(vendor)), begin() as session:
        many = [len(session.scalars(select(m)).all())
                for m in (LoyaltyProgram, LoyaltyTier, LoyaltyRule, Reward)]  # fmt: skip
        assert many == [1, 2, 1, 2]


def test_a_programme_shows_what_is_owed_and_all_around_it(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    ids = _members(vendor)
    panel.as_(manager(vendor))
    page = text_of(panel.get(f"/admin/loyalty-program/details/{ids['program']}").text)
    for words in ("Owed in points 2.50", "Silver", "Five off", "100 points"):
        assert words in page
    assert "Ana Reis" in panel.get(f"/admin/loyalty-account/list?program={ids['program']}").text
    assert "By hand" in panel.get("/admin/loyalty-entry/list?kind=adjust").text
    panel.as_(manager(make.new_vendor()))
    assert "Nobody has points yet" in panel.get("/admin/loyalty-account/list").text
    assert "No loyalty programme yet" in panel.get("/admin/loyalty-program/list").text


def test_managers_give_and_take_points_with_a_reason_and_staff_does_not(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    ids = _members(vendor)
    at = f"/admin/loyalty-account/do/{ids['account']}"
    panel.as_(staff(vendor))
    assert panel.post(f"{at}/give", data={"points": "5", "reason": "Sorry"}).status_code == 403
    panel.as_(manager(vendor))
    panel.post(f"{at}/give", data={"points": "5", "reason": "Sorry"})
    panel.post(f"{at}/take", data={"points": "1000", "reason": "Oops"})
    panel.post(f"{at}/take", data={"points": "5", "reason": " "})
    panel.post(f"{at}/take", data={"points": "1e9", "reason": "Oops"})
    with acting(vendor_actor(vendor)), begin() as session:
        assert session.scalars(select(LoyaltyAccount.points)).all() == [255]
    page = text_of(panel.get(f"/admin/loyalty-account/details/{ids['account']}").text)
    for words in ("To spend 255", "100.00 more to Silver", "+5", "Sorry", "never expire"):
        assert words in page


def test_what_expired_is_reinstated_by_staff_with_a_reason(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        past = clock.now().replace(microsecond=0)
        lot = make.lot(session, earned_at=past, expires_at=past)
        entry = make.loyalty_entry(
            session, account=lot.account, kind="expire", points=-100, lot_id=lot.id, reason=None
        ).id
    panel.as_(staff(vendor))
    assert "Reinstate" in panel.get(f"/admin/loyalty-entry/details/{entry}").text
    at = f"/admin/loyalty-entry/do/{entry}/reinstate"
    panel.post(at, data={"days": "0", "reason": "Ill"})
    panel.post(at, data={"days": "30", "reason": ""})
    assert panel.post(at, data={"days": "30", "reason": "Ill"}).status_code == 303
    with acting(vendor_actor(vendor)), begin() as session:
        assert session.scalars(select(LoyaltyAccount.points)).all() == [100]
        newest = session.scalars(select(LoyaltyEntry).order_by(LoyaltyEntry.id.desc())).first()
        assert newest is not None
        assert (newest.kind, newest.reason) == ("reinstate", "Ill")


@pytest.mark.parametrize("role", [staff, manager])
def test_a_till_is_told_of_points_and_sells_with_a_reward(panel: PanelClient, role: Any) -> None:
    vendor = make.new_vendor()
    ids, theirs = _members(vendor), _members(make.new_vendor())
    panel.as_(role(vendor))
    told = panel.get(f"/admin/counter/rewards?customer={ids['customer']}").json()
    assert told["said"] == "250 points, 100.00 more to Silver"
    assert [(one["name"], one["missing"]) for one in told["results"]] == [("Five off", "")]
    for nobody in ("", "x", "0", "9" * 30, str(theirs["customer"])):
        answer = panel.get("/admin/counter/rewards", params={"customer": nobody}).json()
        assert answer == {"said": "", "results": []}
    line = {"kind": "product", "item": ids["variant"], "quantity": 1}
    sale = {"key": str(uuid4()), "lines": [line], "customer": ids["customer"]}
    for wrong in ([theirs["reward"]], [10**12], ["x"], [ids["reward"]] * 3):
        answer = panel.post(
            "/admin/counter/quote", content=json.dumps({**sale, "rewards": wrong}).encode()
        )
        assert answer.status_code == 409
        assert answer.json()["field"].startswith("rewards")
    whole = {**sale, "rewards": [ids["reward"]] * 2, "paid": [{"tender": "cash", "amount": "20"}]}
    parked = panel.post("/admin/counter/park", content=json.dumps(whole).encode())
    assert parked.status_code == 200, parked.text
    number = panel.get("/admin/counter/parked").json()["results"][0]["id"]
    taken = panel.post("/admin/counter/take-up", content=json.dumps({"order": number}).encode())
    assert [one["name"] for one in taken.json()["rewards"]] == ["Five off"] * 2
    sold = panel.post("/admin/counter/sell", content=json.dumps(whole).encode())
    assert sold.status_code == 200, sold.text
    assert sold.json()["sale"]["total"] == "20.00"


def test_an_orders_form_pays_with_points_and_says_what_is_missing(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    ids = _members(vendor, points=150)
    panel.as_(staff(vendor))
    assert "Five off, 100 points" in panel.get("/admin/order/create").text
    data = {
        "lines-0-item": f"product:{ids['variant']}", "lines-0-item_text": "It",
        "lines-0-quantity": "1", "lines-count": "1", "save": "draft",
        f"reward-{ids['reward']}": "1",
    }  # fmt: skip
    answer = panel.post("/admin/order/create", data=data)
    assert "Points belong to somebody" in text_of(answer.text)
    mine = {**data, "customer_id": str(ids["customer"]), "customer_id_text": "Ana Reis"}
    assert panel.post("/admin/order/create", data=mine).status_code == 303
    answer = panel.post("/admin/order/create", data=mine)
    assert answer.status_code == 400
    assert "Only 50 points can be spent now" in text_of(answer.text)
    with acting(vendor_actor(vendor)), begin() as session:
        (order,) = session.scalars(select(Order)).all()
        assert order.total == 25
        seen = order.updated_at.isoformat()
    page = panel.get(f"/admin/order/edit/{order.id}").text
    assert f'name="reward-{ids["reward"]}" value="1"' in page
    wrong = (("2", "Only 150 points"), ("x", "whole number"), ("99", "20"), ("-1", "0"))
    for typed, sentence in wrong:
        form = {**mine, "seen_version": seen, f"reward-{ids['reward']}": typed}
        answer = panel.post(f"/admin/order/edit/{order.id}", data=form)
        assert answer.status_code == 400
        assert sentence in text_of(answer.text)
    assert "Paid with points" in panel.get(f"/admin/order/details/{order.id}").text
    customer = text_of(panel.get(f"/admin/customer/details/{ids['customer']}").text)
    assert "100.00 more to Silver" in customer
