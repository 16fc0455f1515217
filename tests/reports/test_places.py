"""Places, preferences and engagement, against worlds counted by hand; small groups are not told."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.operations import audiences
from app.tenancy import PanelRole, acting, admin_actor, vendor_actor
from models.audiences import (
    ActiveFigures,
    EngagementFigures,
    PlaceFigures,
    PreferenceFigures,
)
from models.marketing_figures import MessageFigures
from reports import reading
from reports.registry import all_reports
from tests import make
from tests.reports.test_bookings import ANALYST, asked, put, tables

PLACES, PREFERENCES = all_reports()["places"], all_reports()["preferences"]
SEPTEMBER, OCTOBER, NOVEMBER = (date(2026, n, 1) for n in (9, 10, 11))


def lives(
    vendor_id: int, month: date, city: str, customers: int, next_in: int = 0, **first: Any
) -> None:
    """So many customers of a city who brought 10.00 for services and 4.00 for products each."""
    put(
        PlaceFigures, vendor_id, month, grain="month", country="PT" if city else "",
        city_key=city.lower(), city=city, area="40" if city == "Porto" else "",
        next_in=next_in, customers=customers, visits=customers, orders=1,
        services=Decimal(10) * customers, products=Decimal(4) * customers, other=Decimal(-1),
        **first,
    )  # fmt: skip


def two_cities(db: Connection) -> tuple[int, int]:
    here, there = make.new_vendor(), make.new_vendor()
    lives(here, OCTOBER, "Porto", 4, next_in=1)
    lives(here, OCTOBER, "Porto", 2)
    lives(here, NOVEMBER, "Porto", 4)
    lives(here, NOVEMBER, "Braga", 3)
    lives(here, SEPTEMBER, "", 1)
    lives(there, NOVEMBER, "Porto", 5)
    with acting(admin_actor()), begin() as session:
        audiences.add_up(session)
    return here, there


def test_customers_of_two_months_are_counted_once_and_their_money_twice(db: Connection) -> None:
    here, _ = two_cities(db)
    question, found = asked(
        vendor_actor(here), PLACES, **{"from": "2026-10-05", "to": "2026-11-20"}
    )
    rows = [(r.name, r.customers, r.visits, r.revenue) for r in found.rows]
    assert rows == [("Porto, PT", 6, 10, 137), ("Braga, PT", 3, 3, 41)]
    assert (found.sums["customers"], found.sums["revenue"]) == (9, 178)
    told = tables(vendor_actor(here), question)
    assert told["place"].totals["revenue"] == told["month"].totals["revenue"] == 178
    assert [round(r.share) for r in told["place"].rows] == [67, 33]
    months = [(r.day.month, r.customers, r.revenue) for r in told["month"].rows]
    assert months == [(11, 7, 96), (10, 6, 82)]
    _, found = asked(vendor_actor(here), PLACES, period="12m", place="area")
    assert [r.name for r in found.rows] == ["Porto 40, PT", "Braga, PT", "No address"]


def test_small_places_are_hidden_over_vendors(db: Connection) -> None:
    here, there = two_cities(db)
    for actor in (admin_actor(), ANALYST):
        for vendors in ([], [str(here)]):
            question, found = asked(actor, PLACES, period="12m", vendor=vendors)
            # four live elsewhere: beside the months' sums Porto's would tell of them
            assert found.rows == []
            assert tables(actor, question)["month"].totals["revenue"] > 0
    lives(there, OCTOBER, "Lisboa", 6)
    with acting(admin_actor()), begin() as session:
        audiences.add_up(session)
    for actor in (admin_actor(), ANALYST):
        _, found = asked(actor, PLACES, period="12m")
        assert [(r.name, r.customers) for r in found.rows] == [("Porto, PT", 11)]
    lives(there, NOVEMBER, "Faro", 2)
    with acting(admin_actor()), begin() as session:
        audiences.add_up(session)
    _, found = asked(ANALYST, PLACES, period="month")
    small = [(r.name, r.customers) for r in found.rows][1]
    assert small == ("Places with fewer than five customers", 5)
    question, found = asked(vendor_actor(here), PLACES, period="month")
    assert [r.customers for r in found.rows] == [4, 3]
    link = reading.link(question, PLACES.drill, found.rows[0], None, lambda _: True)
    months = "bought_from=2026-11-01&bought_to=2026-11-30"
    assert link == f"/admin/customer/list?city=porto&{months}"


def test_places_by_channel_and_category_of_the_first_purchase(db: Connection) -> None:
    here, _ = two_cities(db)
    with acting(admin_actor()), begin() as session:
        care = make.category(session, name="Care")
        hair = make.category(session, name="Hair", parent_id=care.id).id
    online, hairs = {"channel": "online"}, {"category_id": hair}
    lives(here, OCTOBER, "Porto", 3, next_in=1, **online)
    lives(here, NOVEMBER, "Porto", 3, **online)
    lives(here, NOVEMBER, "Braga", 1, **online)
    lives(here, NOVEMBER, "Braga", 2, channel="phone")
    lives(here, NOVEMBER, "Braga", 1, **hairs)
    lives(here, NOVEMBER, "Porto", 2, **online, **hairs)
    with acting(admin_actor()), begin() as session:
        audiences.add_up(session)
    me = vendor_actor(here)

    def told(**words: Any) -> list[tuple[Any, ...]]:
        question, found = asked(me, PLACES, period="12m", **words)
        assert tables(me, question)["month"].totals["revenue"] == found.sums["revenue"]
        return [(r.name, r.customers, r.revenue) for r in found.rows]

    assert told(channel="online") == [("Porto, PT", 3, 82), ("Braga, PT", 1, 13)]
    assert told(channel=["online", "phone"]) == [("Porto, PT", 3, 82), ("Braga, PT", 3, 40)]
    assert told(category=str(care.id)) == [("Braga, PT", 1, 13)]
    assert told(category=str(care.id), channel="online") == [("Porto, PT", 2, 27)]
    assert told(channel="import") == []
    assert told(vendor="7") == told()
    _, found = asked(ANALYST, PLACES, period="12m", channel="online")
    assert found.rows == []  # four, over all places and vendors
    question, found = asked(me, PLACES, period="12m", channel="online", category=str(care.id))
    # not `channel`: how customers came to be known may have been by another one
    wanted = f"first_channel=online&first_category={care.id}&city=porto"
    wanted += "&bought_from=2025-12-01&bought_to=2026-11-30"
    link = reading.link(question, PLACES.drill, found.rows[0], None, lambda _: True)
    assert link == f"/admin/customer/list?{wanted}"


def likes(
    vendor_id: int, month: date, kind: str, category: int, customers: int, **more: Any
) -> None:
    put(
        PreferenceFigures, vendor_id, month, grain="month", kind=kind, category_id=category,
        customers=customers, times=2 * customers, spent=Decimal(30) * customers,
        revenue=Decimal(40) * customers, **more,
    )  # fmt: skip


def test_preferences_by_category_kind_and_channel(db: Connection) -> None:
    here, there = make.new_vendor(), make.new_vendor()
    with acting(admin_actor()), begin() as session:
        hair = make.category(session, name="Hair").id
    likes(here, OCTOBER, "appointment", hair, 3, sort="service")
    likes(here, NOVEMBER, "class", hair, 1, sort="service", channel="online")
    likes(here, NOVEMBER, "class", 0, 2, sort="service")
    likes(here, date(2024, 1, 1), "class", hair, 50, sort="service")
    likes(here, NOVEMBER, "product", 0, 6, sort="kind")
    likes(there, NOVEMBER, "appointment", hair, 1, sort="service")
    with acting(admin_actor()), begin() as session:
        audiences.add_up(session)
    me = vendor_actor(here)
    question, found = asked(me, PREFERENCES, period="12m")
    rows = [(r.name, r.customers, r.spent, r.revenue, r.each) for r in found.rows]
    assert rows == [("Hair", 4, 120, 160, 40), ("No category", 2, 60, 80, 40)]
    assert found.sums["of_it"] == 75
    told = tables(me, question)
    assert told["channel"].totals["customers"] == told["preference"].totals["customers"] == 6
    link = reading.link(question, PREFERENCES.drill, found.rows[0], None, lambda _: True)
    assert link == f"/admin/customer/list?service_category={hair}-only"
    _, found = asked(me, PREFERENCES, period="12m", sort="kind")
    assert [(r.name, r.customers) for r in found.rows] == [("Products", 6)]
    of_hair, found = asked(me, PREFERENCES, period="12m", sort="kind", category=str(hair))
    assert (found.rows, of_hair.filters.category_ids) == ([], (hair,))
    assert "Kinds of things are of all categories" in PREFERENCES.empty.sentence
    _, found = asked(me, PREFERENCES, period="12m", channel="online")
    assert found.sums["customers"] == 1
    few, found = asked(ANALYST, PREFERENCES, period="12m")
    assert found.rows == []  # of seven, who are a row by channel, two could be told by the five
    assert tables(ANALYST, few)["channel"].totals["customers"] is None  # six, and one online
    likes(there, NOVEMBER, "stay", 0, 3, sort="service")
    likes(there, OCTOBER, "stay", 0, 4, sort="service", channel="online")
    with acting(admin_actor()), begin() as session:
        audiences.add_up(session)
    enough, found = asked(ANALYST, PREFERENCES, period="12m")
    assert [(r.name, r.customers) for r in found.rows] == [("No category", 9), ("Hair", 5)]
    by_channel = tables(ANALYST, enough)["channel"].rows
    assert [(r.channel, r.customers) for r in by_channel] == [("walk_in", 9), ("online", 5)]
    of_two = replace(question.filters, vendors=(here, there))
    assert PREFERENCES.drill is not None
    assert PREFERENCES.drill(found.rows[1], question.period, of_two, None) is None


def test_people_at_several_vendors(db: Connection) -> None:
    report = all_reports()["engagement"]
    for month, vendors, people, span in (
        (OCTOBER, 1, 90, 1), (OCTOBER, 2, 10, 1), (NOVEMBER, 1, 60, 1), (NOVEMBER, 2, 20, 1),
        (NOVEMBER, 3, 4, 1), (NOVEMBER, 1, 500, 12),
    ):  # fmt: skip
        put(
            EngagementFigures, 0, month, grain="month", vendors=vendors, span=span, people=people,
            files=people * vendors, visits=people * 2, orders=1, revenue=Decimal(people),
        )  # fmt: skip
    question, found = asked(ANALYST, report, period="12m")
    rows = [(r.day, r.one, r.two, r.three, r.several, r.people) for r in found.rows]
    assert rows == [(OCTOBER, 90, 10, None, 10, 100), (NOVEMBER, 60, 20, None, 20, 80)]
    assert (found.sums["people"], found.sums["several_rate"], found.sums["visits_each"]) == (
        80, 25, 2,
    )  # fmt: skip
    told = tables(ANALYST, question)
    assert [(r.name, r.people) for r in told["number"].rows] == [
        ("One vendor", 60), ("Two vendors", 20),
    ]  # fmt: skip
    _, found = asked(admin_actor(), report, period="12m", within="12")
    assert found.sums["people"] == 500


def test_people_by_channel_and_category_of_their_first_purchase(db: Connection) -> None:
    here = make.new_vendor()
    for vendors, people, first in (
        (1, 40, {}), (2, 20, {}), (1, 9, {"channel": "online"}), (2, 3, {"channel": "online"}),
        (2, 4, {"channel": "phone"}), (1, 8, {"category_id": 7}),
        (1, 5, {"channel": "online", "category_id": 7}),
    ):  # fmt: skip
        put(
            EngagementFigures, 0, NOVEMBER, grain="month", vendors=vendors, people=people,
            files=people * vendors, visits=people, orders=1, revenue=Decimal(people), **first,
        )  # fmt: skip
    for customers, first in ((30, {}), (6, {"channel": "online"}), (1, {"channel": "phone"})):
        put(
            ActiveFigures, here, NOVEMBER, grain="month", customers=customers, newcomers=customers,
            visits=customers, orders=1, revenue=Decimal(customers), **first,
        )  # fmt: skip
    put(MessageFigures, here, NOVEMBER, grain="month", way="email", purpose="reminder", sent=7)
    report = all_reports()["engagement"]

    def told(**words: Any) -> tuple[list[tuple[int, int]], list[tuple[int, int | None]]]:
        question, found = asked(ANALYST, report, period="12m", **words)
        rows = tables(ANALYST, question)
        assert [r.people for r in found.rows] == [sum(r.people for r in rows["number"].rows)]
        return (
            [(r.vendors, r.people) for r in rows["number"].rows],
            [(r.customers, r.messages) for r in rows["vendor"].rows],
        )

    assert told() == ([(1, 40), (2, 20)], [(30, 7)])
    assert told(channel="online") == ([(1, 9)], [(6, None)])  # of three people nothing is told
    assert told(channel=["online", "phone"]) == ([(1, 9), (2, 7)], [(7, None)])
    assert told(category="7") == ([(1, 8)], [])
    assert told(category="7", channel="online") == ([(1, 5)], [])


def test_each_vendors_customers_and_what_they_were_sent(db: Connection) -> None:
    here, there = make.new_vendor(), make.new_vendor()
    for vendor_id, month, next_in, customers in (
        (here, OCTOBER, 1, 6), (here, OCTOBER, 0, 2), (here, NOVEMBER, 0, 8),
        (there, NOVEMBER, 0, 4),
    ):  # fmt: skip
        put(
            ActiveFigures, vendor_id, month, grain="month", next_in=next_in, customers=customers,
            newcomers=1, visits=customers, orders=1, revenue=Decimal(50) * customers,
        )  # fmt: skip
    put(MessageFigures, here, NOVEMBER, grain="month", way="email", purpose="reminder", sent=7)
    put(
        EngagementFigures, 0, NOVEMBER, grain="month", people=12, files=12, visits=1, orders=1,
        revenue=Decimal(1),
    )  # fmt: skip
    question, _ = asked(ANALYST, all_reports()["engagement"], period="12m")
    rows = tables(ANALYST, question)["vendor"].rows
    # ten files, six of them in both months; of the other vendor's four nothing is told
    [row] = rows
    assert (row.vendor_id, row.customers, row.visits, row.messages) == (here, 10, 16, 7)
    assert (row.visits_each, row.revenue_each, row.newcomers) == (
        pytest.approx(1.6), 80, None,
    )  # fmt: skip
    old = make.new_vendor()
    put(ActiveFigures, old, NOVEMBER, grain="month", customers=5, newcomers=0)
    rows = tables(ANALYST, question)["vendor"].rows
    assert {r.vendor_id: r.newcomers for r in rows} == {here: None, old: 0}  # nobody is not a few


STRANGE = (
    {"from": "1970-01-01", "to": "1970-01-01"},
    {"from": "2190-01-01", "to": "2199-12-31", "vendor": "9223372036854775807"},
    {"period": "24m", "category": "999999999", "channel": "\x00", "place": "area", "sort": "NaN"},
)


@pytest.mark.parametrize(
    "slug",
    ["bookings", "waitlist", "user-activity", "vendors", "engagement", "places", "preferences"],
)
def test_strange_questions_find_nothing_and_break_nothing(db: Connection, slug: str) -> None:
    report = all_reports()[slug]
    actors = {
        PanelRole.MANAGER: vendor_actor(make.new_vendor()),
        PanelRole.ADMIN: admin_actor(), PanelRole.ANALYST: ANALYST,
    }  # fmt: skip
    for role in sorted(report.roles & {*actors}):
        for words in STRANGE:
            question, found = asked(actors[role], report, **words)
            assert reading.is_empty(found)
            frame = reading.frame_of(question, found, lambda _: True)
            assert report.figure is not None
            assert report.figure(frame).gist
            with acting(actors[role]), begin() as session:
                for table in report.tables:
                    if table.roles is None or role in table.roles:
                        assert not reading.lines(session, question, table).rows
