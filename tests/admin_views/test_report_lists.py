"""The lists that figures lead to: they find what the figures count, on each vendor's own days."""

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app.database import begin
from app.operations import activity, figures
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from models.audiences import UserFigures
from models.figures import BookingFigures
from models.memberships import Membership, MembershipPlan
from models.packages import PackageHolding
from models.services import Service
from reports.registry import all_reports
from reports.report import Filters, Period
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager
from tests.admin_views.reading import leaks, text_of

DAY = datetime(2026, 11, 17, tzinfo=UTC)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return DAY.replace(day=day, hour=hour, minute=minute)


def listed(panel: PanelClient, path: str) -> str:
    answer = panel.get(f"/admin/{path}")
    assert answer.status_code == 200, text_of(answer.text)[-500:]
    assert leaks(answer.text) is None
    return text_of(answer.text)


def numbers(text: str) -> set[int]:
    return {n for n in range(9001, 9010) if f"Order {n}" in text}


@pytest.fixture
def shop(panel: PanelClient) -> dict[str, Any]:
    """Orders 9001 to 9005 of a vendor in Tokyo, whose days end at 15:00 of Greenwich."""
    vendor = make.new_vendor(time_zone="Asia/Tokyo")
    with acting(admin_actor(vendor)), begin() as session:
        care = make.category(session, name="Care")
        hair = make.category(session, name="Hair", parent_id=care.id)
        toys = make.category(session, name="Toys", kind="product")
        cut = make.service(session, name="Cut", category_id=hair.id)
        ball = make.product(session, name="Ball", category_id=toys.id)
        blue = make.variant(session, product=ball)
        trio = make.package(session, name="Trio")
        gold = make.plan(session, name="Gold")
        coupon = make.coupon(session, name="Spring")
        done = {"status": "fulfilled", "lines": 0}
        first = make.order(session, number=9001, fulfilled_at=at(16, 15), **done)
        make.order_line(session, order=first, kind="service", service_id=cut.id)
        second = make.order(session, number=9002, fulfilled_at=at(17, 14, 59), **done)
        make.order_line(session, order=second, variant=blue)
        make.coupon_redemption(session, coupon=coupon, order=second)
        given_up = {"status": "released", "ended_at": at(17, 14), "redeemed_at": None}
        make.coupon_redemption(session, coupon=coupon, order=first, **given_up)
        third = make.order(session, number=9003, fulfilled_at=at(17, 15), **done)
        make.order_line(session, order=third, kind="package", package_id=trio.id)
        fourth = make.order(session, number=9004, fulfilled_at=at(16, 14, 59), **done)
        make.order_line(session, order=fourth, kind="membership", plan_id=gold.id)
        make.order(session, number=9005, lines=0)
        ids = {"cut": cut.id, "ball": ball.id, "trio": trio.id, "gold": gold.id,
               "care": care.id, "toys": toys.id, "coupon": coupon.id}  # fmt: skip
    panel.as_(manager(vendor))
    panel.door.zone = "Asia/Tokyo"
    yield {"vendor": vendor, **ids}
    panel.door.zone = "Europe/Lisbon"


def test_orders_are_found_by_what_was_sold_and_when(
    panel: PanelClient, shop: dict[str, Any]
) -> None:
    wanted = {
        "sold_from=2026-11-17&sold_to=2026-11-17": {9001, 9002},
        "sold_from=2026-11-18": {9003},
        "sold_to=2026-11-16": {9004},
        "kind=product": {9002},
        "kind=service&kind=package": {9001, 9003},
        f"item=service:{shop['cut']}": {9001},
        f"item=product:{shop['ball']}": {9002},
        f"item=package:{shop['trio']}&item=membership:{shop['gold']}": {9003, 9004},
        f"category={shop['care']}": {9001},
        f"category={shop['toys']}&sold_from=2026-11-17": {9002},
        f"coupon={shop['coupon']}": {9002},
        "coupons=used": {9002},
        "coupons=none&sold_from=2026-11-17": {9001, 9003},
        "coupons=some&sold_from=2026-11-18": {9003},
        "item=product:9&item=user:1&item=product:&kind=nothing&category=x": set(),
        "kind=nothing&item=user:1&category=-4&coupon=a": {9001, 9002, 9003, 9004, 9005},
    }
    found = {query: numbers(listed(panel, f"order/list?{query}")) for query in wanted}
    assert found == wanted


def test_chips_name_what_is_in_force(panel: PanelClient, shop: dict[str, Any]) -> None:
    query = f"kind=product&item=product:{shop['ball']}&category={shop['toys']}"
    text = listed(panel, f"order/list?{query}&coupon={shop['coupon']}&sold_from=2026-11-17")
    for chip in ("Sold: Product", "Item: Ball", "Category: Toys", "Coupon: Spring"):
        assert chip in text
    found = panel.get("/admin/order/choices/item?term=Tri").json()["choices"]
    assert [(c["value"], c["label"]) for c in found] == [
        (f"package:{shop['trio']}", "Trio · Package")
    ]


def test_the_marketplace_reads_days_on_each_vendors_clock(
    panel: PanelClient, shop: dict[str, Any]
) -> None:
    other = make.new_vendor(time_zone="America/New_York")
    with acting(vendor_actor(other)), begin() as session:
        make.order(session, number=9006, lines=0, status="fulfilled", fulfilled_at=at(18, 4, 59))
        make.order(session, number=9007, lines=0, status="fulfilled", fulfilled_at=at(17, 4, 59))
        for hour, name in ((4, "Gone Early"), (5, "Just Right")):
            customer = make.customer(session, full_name=name)
            make.booking(session, customer=customer, starts_at=at(17, hour))
    panel.as_(admin())
    day = "sold_from=2026-11-17&sold_to=2026-11-17"
    assert numbers(listed(panel, f"order/list?{day}")) == {9001, 9002, 9006}
    assert numbers(listed(panel, "order/list?sold_to=2026-11-16")) == {9004, 9007}
    day = "day_from=2026-11-17&day_to=2026-11-17"
    text = listed(panel, f"booking/list?{day}")
    assert "1–1 of 1" in text
    rows = panel.get(f"/admin/booking/list?{day}").text.split("<tbody>")[1]
    assert "Just Right" in rows


def test_packages_are_found_by_what_happened_to_their_uses_and_when(
    panel: PanelClient, shop: dict[str, Any]
) -> None:
    with acting(vendor_actor(shop["vendor"])), begin() as session:
        package = make.package(session, name="Ten", uses=10)
        for name, granted, used, expired in (
            ("Early Bird", at(16, 15), at(17, 14, 59), None),  # both on the 17th in Tokyo
            ("Late Owl", at(16, 14, 59), at(17, 15), at(17, 10)),
        ):
            held = PackageHolding(
                customer_id=make.customer(session, full_name=name).id, package_id=package.id,
                channel="online" if expired else "phone",
            )  # fmt: skip
            session.add(held)
            session.flush()
            make.package_entry(session, holding=held, uses=10, at=granted)
            make.package_entry(session, holding=held, kind="use", at=used)
            if expired:
                make.package_entry(session, holding=held, kind="expire", at=expired)
    drill, filters = all_reports()["packages"].drill, Filters(channels=("phone",))
    assert drill is not None
    day = Period(DAY.date(), DAY.date())
    wanted = {
        drill(None, day, Filters(), "used"): {"Early Bird"},
        drill(None, day, Filters(), "sold"): {"Early Bird"},
        drill(None, day, Filters(), "expired"): {"Late Owl"},
        drill(None, day, filters, "expired"): set(),
        drill(None, day, Filters(), None): {"Early Bird"},
        "/admin/package-holding/list?used_from=2026-11-18": {"Late Owl"},
        "/admin/package-holding/list?used_from=never&sold_to=x": {"Early Bird", "Late Owl"},
    }
    assert drill(None, day, Filters(), "deferred") is None
    for who in (manager(shop["vendor"]), admin()):
        panel.as_(who)
        for address, names in wanted.items():
            rows = panel.get(str(address)).text.partition("<tbody>")[2]
            text = text_of(rows)
            assert {name for name in ("Early Bird", "Late Owl") if name in text} == names, address


def test_an_offer_to_the_waitlist_is_no_booking_in_figures_nor_in_the_list_behind(
    panel: PanelClient, shop: dict[str, Any]
) -> None:
    day, offered = Period(DAY.date(), DAY.date()), {"held_until": at(17, 2)}
    made: dict[str, dict[str, Any]] = {
        "Is Booked": {}, "Is Asked": offered, "Has Come": {"status": "completed"},
        "Called Off": {"status": "cancelled"}, "Said No": {"status": "cancelled"} | offered,
    }  # fmt: skip
    with acting(vendor_actor(shop["vendor"])), begin() as session:
        for name, fields in made.items():
            customer = make.customer(session, full_name=name)
            values = {"status": "pending", "starts_at": at(17, 3)} | fields
            make.booking(session, customer=customer, **values)
    with acting(SYSTEM), begin() as session:
        while figures.freshen(session):
            pass
    panel.as_(manager(shop["vendor"]))
    wanted = {
        None: {"Is Booked", "Has Come", "Called Off"}, "open": {"Is Booked"},
        "completed": {"Has Come"}, "cancelled": {"Called Off"},
    }  # fmt: skip
    drill = all_reports()["bookings"].drill
    assert drill is not None
    found = {one: behind(panel, drill(None, day, Filters(), one), made) for one in wanted}
    assert found == wanted
    assert behind(panel, "/admin/booking/list?held=yes", made) == {"Is Asked"}
    with acting(vendor_actor(shop["vendor"])), begin() as session:
        told = session.scalars(
            select(BookingFigures).where(
                BookingFigures.grain == "day", BookingFigures.starts_on == DAY.date()
            )
        )
        figured = told.all()
        assert sum(row.bookings for row in figured) == 3
        assert sum(row.cancelled for row in figured) == 1


def waiting(session: Session, customer: Any, at: datetime, **fields: Any) -> None:
    make.waitlist_entry(session, customer=customer, created_at=at, status="expired", **fields)


def member(session: Session, customer: Any, at: datetime, **fields: Any) -> None:
    make.membership(session, customer=customer, started_at=at, **fields)


def written(session: Session, customer: Any, at: datetime) -> None:
    make.message(session, customer=customer, send_at=at, status="sent")


def pointed(session: Session, customer: Any, at: datetime) -> None:
    account = make.account(session, customer=customer)
    make.loyalty_entry(session, account=account, points=5, at=at)


@pytest.mark.parametrize(
    ("slug", "put"),
    [("waitlist", waiting), ("memberships", member), ("messages", written), ("loyalty", pointed)],
)
def test_days_of_lists_behind_figures_are_the_vendors_for_the_marketplace_too(
    panel: PanelClient, shop: dict[str, Any], slug: str, put: Any
) -> None:
    moments = {"Day Before": at(16, 14, 59), "First Hour": at(16, 15), "Last Hour": at(17, 14, 59)}
    with acting(vendor_actor(shop["vendor"])), begin() as session:
        for name, moment in moments.items():
            put(session, make.customer(session, full_name=name), moment)
    drill, day = all_reports()[slug].drill, Period(DAY.date(), DAY.date())
    assert drill is not None
    chosen = (("way", "all"), ("purpose", "all"))
    for who, zone in ((manager(shop["vendor"]), "Asia/Tokyo"), (admin(), "UTC")):
        panel.as_(who).door.zone = zone
        assert behind(panel, drill(None, day, Filters(chosen=chosen), None), moments) == {
            "First Hour", "Last Hour",
        }  # fmt: skip


def behind(panel: PanelClient, address: str | None, names: Any) -> set[str]:
    """Who of some people stands in the list behind a mark."""
    assert address is not None
    shown = text_of(panel.get(address).text.partition("<tbody>")[2])
    return {name for name in names if name in shown}


def test_a_chosen_category_holds_in_the_list_of_packages(
    panel: PanelClient, shop: dict[str, Any]
) -> None:
    with acting(admin_actor()), begin() as session:
        care = make.category(session, kind="package").id
        hair = make.category(session, kind="package", parent_id=care).id
    with acting(vendor_actor(shop["vendor"])), begin() as session:
        for name, category in (("Of Hair", hair), ("Of Nothing", None)):
            holding = PackageHolding(
                customer_id=make.customer(session, full_name=name).id,
                package_id=make.package(session, category_id=category).id,
            )
            session.add(holding)
            session.flush()
            make.package_entry(session, holding=holding, kind="grant", at=at(17, 3))
    drill, day = all_reports()["packages"].drill, Period(DAY.date(), DAY.date())
    names = ("Of Hair", "Of Nothing")
    panel.as_(manager(shop["vendor"])).door.zone = "Asia/Tokyo"
    assert drill is not None
    for filters, found in (
        (Filters(), set(names)),
        (Filters(categories=(care,), category_ids=(care, hair)), {"Of Hair"}),
        (Filters(categories=(care,), category_ids=(care, hair), channels=("online",)), set()),
    ):
        assert behind(panel, drill(None, day, filters, None), names) == found, filters


def test_a_chosen_channel_or_category_holds_in_the_list_behind_a_mark(
    panel: PanelClient, shop: dict[str, Any]
) -> None:
    names = ("By Phone", "Over Net")
    with acting(vendor_actor(shop["vendor"])), begin() as session:
        phone, net = (make.customer(session, full_name=name) for name in names)
        cut = session.get_one(Service, shop["cut"])
        waiting(session, phone, at(17, 3), channel="phone", service=cut)
        waiting(session, net, at(17, 3), channel="online")
        member(session, phone, at(17, 3), channel="phone")
        member(session, net, at(17, 3), channel="online")
    day, care = Period(DAY.date(), DAY.date()), (shop["care"],)
    for slug, filters, found in (
        ("waitlist", Filters(), set(names)),
        ("waitlist", Filters(channels=("online",)), {"Over Net"}),
        ("waitlist", Filters(categories=care, category_ids=care), {"By Phone"}),
        ("memberships", Filters(), set(names)),
        ("memberships", Filters(channels=("phone",)), {"By Phone"}),
    ):
        drill = all_reports()[slug].drill
        assert drill is not None
        assert behind(panel, drill(None, day, filters, None), names) == found, (slug, filters)
    drill = all_reports()["memberships"].drill
    assert drill is not None
    assert drill(None, day, Filters(), "running") is None  # who was a member then, no list tells
    with acting(vendor_actor(shop["vendor"])), begin() as session:
        by_phone = select(Membership.plan_id).where(Membership.channel == "phone")
        row = SimpleNamespace(plan_id=session.scalar(by_phone), vendor_id=shop["vendor"])
    tables, online = all_reports()["memberships"].tables, Filters(channels=("online",))
    for key, found in (("plan", set()), ("vendor", {"Over Net"})):
        open_list = next(table.drill for table in tables if table.key == key)
        assert open_list is not None
        assert behind(panel, open_list(row, day, online, None), names) == found


def test_behind_a_place_stands_who_lives_there_and_bought_in_these_months(
    panel: PanelClient, shop: dict[str, Any]
) -> None:
    bought = {
        "Last Autumn": ("Braga", date(2025, 11, 30)), "First Day": ("Braga", date(2025, 12, 1)),
        "Just Now": ("Braga", date(2026, 11, 18)), "Lives Apart": ("Porto", date(2026, 11, 18)),
        "Never Bought": ("Braga", None),
    }  # fmt: skip
    with acting(vendor_actor(shop["vendor"])), begin() as session:
        for name, (city, day) in bought.items():
            customer = make.customer(session, full_name=name)
            make.address(session, customer=customer, city=city)
            if day is not None:
                make.score(session, customer=customer, bought_on=[day])
    drill, row = all_reports()["places"].drill, SimpleNamespace(city_key="braga")
    assert drill is not None
    year = Period(date(2025, 12, 10), date(2026, 11, 20))
    by_city, by_area = (Filters(chosen=(("place", place),)) for place in ("city", "area"))
    panel.as_(manager(shop["vendor"]))
    assert behind(panel, drill(row, year, by_city, None), bought) == {"First Day", "Just Now"}
    assert drill(row, year, by_area, None) is None  # a city has more areas than one


def test_rows_of_plans_and_tiers_lead_to_as_many_as_they_tell_of(
    panel: PanelClient, shop: dict[str, Any]
) -> None:
    names = ("Is There", "Has Left", "By Phone", "In Gold", "In None")
    with acting(vendor_actor(shop["vendor"])), begin() as session:
        there, left, phone, gold, none = (make.customer(session, full_name=n) for n in names)
        plan = session.get_one(MembershipPlan, shop["gold"])
        make.membership(session, customer=there, plan=plan)
        make.membership(session, customer=left, plan=plan, status="ended", ended_at=at(17, 3))
        make.membership(session, customer=phone, plan=plan, channel="phone")
        program = make.program(session)
        tier = make.tier(session, program=program)
        times = dict.fromkeys(("tier_since", "tier_until", "qualified_at"), at(17, 3))
        make.account(session, customer=gold, program=program, tier_id=tier.id, **times)
        make.account(session, customer=none, program=program)
        row = SimpleNamespace(
            vendor_id=shop["vendor"], plan_id=plan.id, program_id=program.id, tier_id=None
        )
        in_gold = SimpleNamespace(**{**vars(row), "tier_id": tier.id})
    panel.as_(manager(shop["vendor"])).door.zone = "Asia/Tokyo"
    day = Period(DAY.date(), DAY.date())
    now, by_phone = replace(day, slug="today"), Filters(channels=("phone",))
    plans, tiers = (all_reports()[slug].tables[1].drill for slug in ("memberships", "loyalty"))
    assert plans is not None
    assert tiers is not None
    for drill, of, period, filters, found in (
        (plans, row, now, Filters(), {"Is There", "By Phone"}),
        (plans, row, now, by_phone, {"By Phone"}),
        (plans, row, day, Filters(), {"Is There", "Has Left", "By Phone"}),
        (tiers, row, day, Filters(), {"In None"}),
        (tiers, in_gold, day, Filters(), {"In Gold"}),
    ):
        assert behind(panel, drill(of, period, filters, None), names) == found, (of, period)


def test_bars_of_changes_lead_to_those_that_people_made_on_their_vendors_days(
    panel: PanelClient, db: Connection
) -> None:
    now = db.scalar(select(func.now()))  # the trail has the database's time, which no test can set
    zones = ("Pacific/Kiritimati", "Pacific/Honolulu")  # of one moment, not of one day
    vendors = [make.new_vendor(time_zone=zone) for zone in zones]
    with acting(SYSTEM), begin() as session:
        ana, boss = make.user(session).id, make.user(session).id
    for who in (ana, 1):  # the house itself is counted for nobody
        for vendor in vendors:
            with acting(vendor_actor(vendor, who)), begin() as session:
                make.tag(session)
    with acting(admin_actor(user_id=boss)), begin() as session:
        make.category(session)
    with acting(SYSTEM), begin() as session:
        activity.note(session, now=now)
    drill = all_reports()["user-activity"].drill
    assert drill is not None
    days = {now.astimezone(ZoneInfo(zone)).date() for zone in (*zones, "UTC")}
    assert len(days) == 2
    for who, zone, made in (
        (admin(), "UTC", 3), (manager(vendors[0]), zones[0], 1), (manager(vendors[1]), zones[1], 1)
    ):  # fmt: skip
        panel.as_(who).door.zone = zone
        found = 0
        for day in days:
            with acting(who), begin() as session:
                told = session.scalar(
                    select(func.coalesce(func.sum(UserFigures.made), 0)).where(
                        UserFigures.grain == "day", UserFigures.starts_on == day
                    )
                )
            address = drill(None, Period(day, day), Filters(), "made")
            assert address is not None
            rows = panel.get(address).text.partition("<tbody>")[2].count("/admin/audit-entry/det")
            assert rows == told, (zone, day)
            found += rows
        assert found == made
    panel.door.zone = "Europe/Lisbon"
