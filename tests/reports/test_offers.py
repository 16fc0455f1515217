"""What keeps customers, against sums worked out by hand: coupons, points, memberships, packages."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.tenancy import acting, admin_actor, vendor_actor
from models.figures import ItemFigures, SaleFigures
from models.marketing_figures import (
    CouponFigures,
    MembershipFigures,
    MessageFigures,
    PackageFigures,
    PointFigures,
)
from reports.report import Filters, Period
from tests import make
from tests.reports.asked import ANALYST, TODAY, ask, kept, vendor

DAY = timedelta(days=1)
WEEK: dict[str, Any] = {"from": TODAY - 6 * DAY, "to": TODAY, "by": "day"}
MINE = ("coupons", "loyalty", "memberships", "packages", "messages", "stock", "product-sales",
        "top-items")  # fmt: skip


def money(amount: str) -> Decimal:
    return Decimal(amount)


@pytest.mark.parametrize("slug", MINE)
def test_nothing_there_is_no_row_and_no_error(db: Connection, slug: str) -> None:
    for actor in (vendor(make.new_vendor()), ANALYST, admin_actor()):
        answer = ask(slug, actor)
        assert answer.found.rows == []
        assert {lines.many for lines in answer.tables.values()} == {0}
    far = {"from": "9999-01-01", "to": "9999-12-31"}
    if answer.asked.report.own_dates:
        assert ask(slug, ANALYST, **{"from": "1970-01-01", "to": "1975-01-01"}).found.rows == []
        with pytest.raises(Exception, match="1970 to 2199"):
            ask(slug, ANALYST, **far)


def test_orders_with_a_coupon_beside_the_others(db: Connection) -> None:
    here, there = make.new_vendor(name="Here"), make.new_vendor(name="There")
    with acting(vendor_actor(here)), begin() as session:
        spring = make.coupon(session, name="Spring")
    kept(
        CouponFigures,
        {"vendor_id": here, "orders": 3, "taken_off": money("12"), "borne": money("4.50"),
         "brought": money("108"), "others": 1, "brought_by_others": money("30")},
        {"vendor_id": here, "coupon_id": spring.id, "orders": 2, "taken_off": money("9"),
         "borne": money("4.50"), "brought": money("81")},
        {"vendor_id": here, "coupon_id": 7, "orders": 2, "taken_off": money("3"),
         "brought": money("57")},
        {"vendor_id": here, "channel": "online", "starts_on": TODAY - DAY, "others": 2,
         "brought_by_others": money("50")},
        {"vendor_id": there, "starts_on": TODAY - DAY, "orders": 1, "taken_off": money("100"),
         "brought": money("0")},
    )  # fmt: skip
    answer = ask("coupons", vendor(here), **WEEK)
    assert answer.rows("day", "orders", "taken_off", "own", "brought", "others") == [
        (TODAY - DAY, 0, 0, 0, 0, 2), (TODAY, 3, 12, money("7.50"), 108, 1),
    ]  # fmt: skip
    sums = answer.found.sums
    assert (sums["average"], sums["average_of_others"]) == (36, money("26.67"))
    assert (sums["share"], sums["off"]) == (50, 10)
    assert answer.table("coupons", "name", "orders", "taken_off", "average", "off") == [
        ("Spring", 2, 9, money("40.50"), 10),
        ("A coupon that is gone", 2, 3, money("28.50"), 5),
    ]
    assert answer.table("channel", "channel", "orders", "others", "share") == [
        ("walk_in", 3, 1, 75), ("online", 0, 2, 0),
    ]  # fmt: skip
    drill = answer.asked.report.drill
    assert drill is not None
    for series, coupons in (("brought", "used"), ("brought_by_others", "none"), ("own", "used")):
        address = drill(answer.found.rows[1], Period(TODAY, TODAY), Filters(), series)
        assert address == (f"/admin/order/list?sold_from={TODAY}&sold_to={TODAY}&coupons={coupons}")
    both = ask("coupons", ANALYST, **WEEK)
    assert both.table("vendor", "name", "taken_off", "borne") == [
        ("There", 100, 0), ("Here", 12, money("4.50")),
    ]  # fmt: skip
    assert both.tables["coupon"].totals["taken_off"] == 12


def test_points_of_before_and_of_the_period_are_what_is_open(db: Connection) -> None:
    here = make.new_vendor()
    with acting(vendor_actor(here)), begin() as session:
        program = make.program(session, name="Club", point_value=money("0.05"))
        other = make.program(session, name="Pets", point_value=money("1.0000"))
        gold = make.tier(session, program=program, name="Gold")
        for points in (70, 30):
            make.lot(session, account=make.account(session, program=program), points=points)
        best = make.account(
            session, program=program, tier_id=gold.id, tier_since=make.NOON,
            tier_until=make.NOON, qualified_at=make.NOON,
        )  # fmt: skip
        make.lot(session, account=best, points=500)
        ids = {"program_id": program.id, "vendor_id": here}
    old = date(2024, 2, 29)
    kept(
        PointFigures,
        {**ids, "starts_on": old, "earned": 1000, "waiting": 0},
        {**ids, "starts_on": TODAY - 3 * DAY, "earned": 50, "waiting": 50, "redeemed": 200},
        {**ids, "starts_on": TODAY, "expired": 100, "given": 10, "taken_back": 5},
        {**ids, "program_id": other.id, "starts_on": TODAY - 7 * DAY, "given": 3},
    )
    answer = ask("loyalty", vendor(here), **WEEK)
    assert [row.day for row in answer.found.rows] == [TODAY - n * DAY for n in range(6, -1, -1)]
    opened = [(row.open, row.liability) for row in answer.found.rows]
    assert opened[:3] == [(1003, money("53.00"))] * 3
    assert opened[3:6] == [(853, money("45.50"))] * 3
    assert opened[6] == (758, money("40.75"))
    sums = answer.found.sums
    assert (sums["earned"], sums["redeemed"], sums["expired"], sums["open"], sums["waiting"]) == (
        50, 200, 100, 758, 50,
    )  # fmt: skip
    assert sums["liability"] == money("40.75")
    assert answer.table("programs", "name", "open", "liability", "earned") == [
        ("Club", 755, money("37.75"), 50), ("Pets", 3, money("3.00"), 0),
    ]  # fmt: skip
    assert answer.table("tiers", "name", "members", "points", "worth") == [
        ("No tier", 2, 100, 5), ("Gold", 1, 500, 25),
    ]  # fmt: skip
    earlier = ask("loyalty", vendor(here), **{"from": "2024-02-01", "to": "2024-02-29"})
    assert earlier.found.sums["liability"] == 50
    assert ask("loyalty", vendor(here), **{"from": "2023-01-01", "to": "2023-02-01"}).rows() == []


def test_members_come_and_go(db: Connection) -> None:
    here = make.new_vendor()
    with acting(vendor_actor(here)), begin() as session:
        gold = make.plan(session, name="Gold", price=money("120.00"), period="year")
        week = make.plan(session, name="Weekly", price=money("6.00"), period="week")
    own: dict[str, Any] = {"vendor_id": here}
    kept(
        MembershipFigures,
        {**own, "plan_id": gold.id, "starts_on": date(2025, 1, 31), "joined": 10},
        {**own, "plan_id": gold.id, "starts_on": TODAY, "ended": 2, "joined": 1},
        {**own, "plan_id": week.id, "starts_on": TODAY - DAY, "joined": 3, "channel": "online"},
    )
    sold: dict[str, Any] = {"kind": "membership", "net": money("97.56"), "refunded": money("7.56")}
    kept(
        ItemFigures,
        {**own, **sold, "item_id": gold.id},
        {**own, "kind": "product", "item_id": 4, "net": money("500")},
    )
    kept(SaleFigures, {**own, **sold}, {**own, "kind": "product", "net": money("500")})
    answer = ask("memberships", vendor(here), **WEEK)
    assert answer.rows("opening", "joined", "ended", "net", "running", "revenue")[-3:] == [
        (10, 0, 0, 0, 10, 0), (10, 3, 0, 3, 13, 0), (13, 1, 2, -1, 12, 90),
    ]  # fmt: skip
    assert [round(row.churn, 2) for row in answer.found.rows[-2:]] == [0, money("15.38")]
    sums = answer.found.sums
    assert (sums["running"], sums["joined"], sums["ended"], sums["net"]) == (12, 4, 2, 2)
    assert (sums["opening"], sums["churn"], sums["revenue"]) == (10, 20, 90)
    # Nine yearly plans of 120.00 are 90.00 a month; three weekly ones of 6.00 are 78.00.
    assert sums["monthly"] == 168
    assert answer.table("plans", "name", "running", "churn", "monthly", "revenue") == [
        ("Gold", 9, 20, 90, 90), ("Weekly", 3, None, 78, 0),
    ]  # fmt: skip
    online = ask("memberships", vendor(here), channel="online", **WEEK)
    assert (online.found.sums["running"], online.found.sums["churn"]) == (3, None)
    months = ask("memberships", ANALYST, **{"from": "2025-01-01", "to": TODAY, "by": "month"})
    assert [row.running for row in months.found.rows] == [10] * 22 + [12]


def test_uses_are_used_lost_or_open(db: Connection) -> None:
    here = make.new_vendor()
    with acting(vendor_actor(here)), begin() as session:
        ten = make.package(session, name="Ten cuts")
    own: dict[str, Any] = {"vendor_id": here, "package_id": ten.id}
    kept(
        PackageFigures,
        {**own, "starts_on": date(2026, 1, 5), "sold": 2, "granted": 20,
         "deferred": money("180.00")},
        {**own, "starts_on": TODAY - 2 * DAY, "used": 3, "forfeited": 1,
         "deferred": money("-36.00")},
        {**own, "starts_on": TODAY, "expired": 6, "used": -1, "refunded": 2,
         "deferred": money("-63.00")},
    )  # fmt: skip
    bought: dict[str, Any] = {"vendor_id": here, "kind": "package", "net": 1, "starts_on": TODAY}
    kept(ItemFigures, {**bought, "item_id": ten.id})
    kept(SaleFigures, bought)
    answer = ask("packages", vendor(here), **WEEK)
    assert answer.rows("used", "forfeited", "expired", "open", "deferred", "revenue")[-3:] == [
        (3, 1, 0, 16, 144, 0), (0, 0, 0, 16, 144, 0), (-1, 0, 6, 9, 81, 1),
    ]  # fmt: skip
    sums = answer.found.sums
    assert (sums["sold"], sums["used"], sums["expired"], sums["refunded"]) == (0, 2, 6, 2)
    assert (sums["open"], sums["deferred"], sums["revenue"]) == (9, 81, 1)
    year = ask("packages", vendor(here), period="year")
    whole = year.found.sums
    lost = sum(whole[name] for name in ("used", "forfeited", "expired", "refunded"))
    assert whole["granted"] == lost + whole["open"] == 20
    assert year.table("packages", "name", "sold", "deferred") == [("Ten cuts", 2, 81)]
    assert ask("packages", vendor(here), channel="online", **WEEK).rows() == []


def test_packages_of_a_category_and_of_those_below_it(db: Connection) -> None:
    here = make.new_vendor()
    with acting(admin_actor()), begin() as session:
        care = make.category(session, kind="package").id
        hair = make.category(session, kind="package", parent_id=care).id
    with acting(vendor_actor(here)), begin() as session:
        cuts = make.package(session, name="Cuts", category_id=hair).id
        walks = make.package(session, name="Walks").id
    own: dict[str, Any] = {"vendor_id": here, "starts_on": TODAY}
    kept(
        PackageFigures,
        {**own, "package_id": cuts, "starts_on": TODAY - 9 * DAY, "sold": 1, "granted": 5,
         "deferred": money("50.00")},
        {**own, "package_id": cuts, "used": 2, "deferred": money("-20.00")},
        {**own, "package_id": walks, "sold": 3, "granted": 30, "deferred": money("300.00")},
    )  # fmt: skip
    sold: dict[str, Any] = {**own, "kind": "package"}
    of_cuts, of_walks = {**sold, "net": 50, "category_id": hair}, {**sold, "net": 300}
    kept(ItemFigures, {**of_cuts, "item_id": cuts}, {**of_walks, "item_id": walks})
    kept(SaleFigures, of_cuts, of_walks)
    for actor in (vendor(here), ANALYST):
        for category in (care, hair):
            answer = ask("packages", actor, category=category, **WEEK)
            last = answer.rows("used", "sold", "open", "deferred", "revenue")[-1]
            assert last == (2, 0, 3, 30, 50)
            sums = answer.found.sums
            assert (sums["open"], sums["deferred"], sums["revenue"]) == (3, 30, 50)
        assert ask("packages", actor, category=10**9, **WEEK).rows() == []
        assert ask("packages", actor, **WEEK).found.sums["deferred"] == 330
    mine = ask("packages", vendor(here), category=care, **WEEK)
    assert mine.table("packages", "name", "used", "deferred", "revenue") == [("Cuts", 2, 30, 50)]


def test_who_came_is_told_beside_who_had_come_before(db: Connection) -> None:
    here = make.new_vendor()
    with acting(vendor_actor(here)), begin() as session:
        rule = make.message_rule(session, name="We miss you", event="win_back")
    own: dict[str, Any] = {"vendor_id": here}
    kept(
        MessageFigures,
        {**own, "event": "win_back", "rule_id": rule.id, "way": "sms", "sent": 40,
         "delivered": 38, "failed": 2, "answered": 4, "asked": 40, "came": 10, "came_before": 2},
        {**own, "event": "booking_reminder", "purpose": "reminder", "sent": 60, "asked": 60,
         "held_back": 5, "starts_on": TODAY - DAY},
        {**own, "purpose": "transactional", "received": 7, "starts_on": TODAY - DAY},
    )  # fmt: skip
    answer = ask("messages", vendor(here), **WEEK)
    assert answer.rows("day", "sent", "failed", "held_back", "came", "won", "usual") == [
        (TODAY - DAY, 60, 0, 5, 0, 0, 0), (TODAY, 40, 2, 0, 10, 25, 5),
    ]  # fmt: skip
    sums = answer.found.sums
    assert (sums["sent"], sums["delivered"], sums["answered"], sums["received"]) == (100, 38, 4, 7)
    assert (sums["won"], sums["usual"]) == (10, 2)
    assert answer.table("event", "name", "sent", "won") == [
        ("Booking reminder", 60, 0), ("Win back", 40, 25), ("Written by hand", 0, None),
    ]  # fmt: skip
    assert answer.table("rules", "name", "sent") == [("No rule", 60), ("We miss you", 40)]
    assert answer.table("way", "name", "sent") == [("E-mail", 60), ("SMS", 40)]
    offers = ask("messages", vendor(here), purpose="marketing", way="sms", **WEEK)
    assert (offers.found.sums["sent"], offers.found.sums["won"]) == (40, 25)


def test_stock_is_worth_what_it_cost_and_lasts_as_it_was_sold(db: Connection) -> None:
    here, there = make.new_vendor(name="Here"), make.new_vendor(name="There")
    with acting(vendor_actor(here)), begin() as session:
        comb = make.product(session, name="Comb", variants=0)
        small = make.variant(
            session, product=comb, cost=money("2.00"), price=money("5.00"), option="small",
            low_stock=2,
        )  # fmt: skip
        large = make.variant(session, product=comb, price=money("9.00"), low_stock=0)
        make.stock_move(session, variant=small, on_hand=2)
        make.stock_move(session, variant=large, on_hand=4)
        dusty = make.product(session, name="Dusty", variants=0)
        thing = make.variant(session, product=dusty, cost=money("10.00"), price=money("20.00"))
        make.stock_move(session, variant=thing, on_hand=3)
        make.variant(session)  # without stock
    with acting(vendor_actor(there)), begin() as session:
        make.stock_move(session, variant=make.variant(session, cost=money("1.00")), on_hand=100)
    sold: dict[str, Any] = {"vendor_id": here, "kind": "product", "item_id": comb.id}
    kept(
        ItemFigures,
        {**sold, "quantity": 10, "returned": 1, "starts_on": TODAY - 89 * DAY},
        {**sold, "quantity": 50, "starts_on": TODAY - 90 * DAY},
    )
    answer = ask("stock", vendor(here))
    sums = answer.found.sums
    assert (sums["value"], sums["price"], sums["on_hand"], sums["uncosted"]) == (34, 106, 9, 4)
    # Nine pieces, of which nine were sold in 90 days.
    assert (sums["sold"], sums["cover"]) == (9, 90)
    assert (sums["dead"], sums["dead_value"], sums["low"]) == (3, 30, 1)
    assert answer.table("products", "name", "value", "sold", "cover") == [
        ("Dusty", 30, 0, None), ("Comb", 4, 9, 60),
    ]  # fmt: skip
    assert answer.table("deads", "name", "on_hand") == [("Dusty", 3)]
    assert answer.table("lows", "name", "available", "missing") == [("Comb, small", 2, 0)]
    assert answer.table("category", "name", "value") == [("No category", 34)]
    drill = answer.asked.report.drill
    assert drill is not None
    # what has no category is not all there is, and no list tells it
    assert drill(answer.found.rows[0], answer.asked.period, answer.asked.filters, None) is None
    assert ask("stock", ANALYST).table("vendor", "name", "value") == [("There", 100), ("Here", 34)]
