"""The first page of each role as it is drawn: what it says, and where it leads."""

import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Connection

from admin_views import week_chart
from app import clock
from app.database import begin
from app.tenancy import acting, admin_actor
from models.figures import ItemFigures, VendorFigures
from reports import today
from reports.pulse import Day, Sums, Week
from tests import make
from tests.admin_views.customer_house import at, statements
from tests.admin_views.reading import text_of
from tests.furnished import db, house
from tests.webclient import Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures
NONE = Sums(Decimal(0), 0, 0)


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture
def browser(house: House) -> Browser:
    return Browser(application())


def went(house: House) -> tuple[int, int]:
    """Alpha's revenue fell by half and many stood it up; a cut sold, and Camille stays away."""
    vendor_id, today = house.vendors["alpha"], clock.now().date()
    monday = today - timedelta(days=today.weekday())
    with at(house) as session:
        cut = make.service(session, name="Cut <b>").id
        gone = make.customer(session, full_name="Camille <i>")
        make.score(session, customer=gone, segment="cant_lose", p_alive=Decimal("0.2"))
        number = gone.id
    with acting(admin_actor()), begin() as session:
        for weeks, revenue, no_shows in ((1, 500, 20), (5, 1000, 4)):
            make.figures(
                session, VendorFigures, vendor_id=vendor_id, grain="week",
                starts_on=monday - timedelta(weeks=weeks), revenue=Decimal(revenue),
                completed=80, no_shows=no_shows,
            )  # fmt: skip
        for days, revenue, bookings in ((0, 10, 1), (1, 300, 6), (8, 200, 4)):
            make.figures(
                session, VendorFigures, vendor_id=vendor_id, bookings=bookings,
                starts_on=today - timedelta(days=days), revenue=Decimal(revenue),
            )  # fmt: skip
        for grain, first in (("day", today), ("week", monday), ("month", today.replace(day=1))):
            make.figures(
                session, ItemFigures, vendor_id=vendor_id, grain=grain, starts_on=first,
                kind="service", item_id=cut, quantity=3, net=Decimal("75.00"),
            )  # fmt: skip
    return number, cut


def test_a_manager_sees_how_the_week_went(browser: Browser, house: House) -> None:
    number, cut = went(house)
    browser.as_("manager@alpha.example")
    page = browser.get("/admin/").text
    assert "Last 7 days" in page
    assert "300.00" in page
    assert "50 %" in page
    assert "200.00 before" in page
    assert 'href="/admin/reports/revenue"' in page
    assert "Best sellers, 4 weeks" in page
    on = clock.now().date()
    days = urlencode({"from": on - timedelta(days=27), "to": on})
    assert f'href="/admin/reports/top-items?{days.replace("&", "&amp;")}"' in page
    statuses = "".join(f"&amp;status={one}" for one in today.PLANNED)
    day = f"day_from={on}&amp;day_to={on}&amp;held=no"
    assert f'href="/admin/booking/list?{day}{statuses}"' in page
    assert f'<a href="/admin/service/details/{cut}">Cut &lt;b&gt;</a>' in page
    assert "Might not come back" in page
    assert "Camille &lt;i&gt;" in page
    assert "comes back: unlikely, 20 %" in page
    assert f'href="/admin/task/create?customer={number}"' in page
    assert "Nothing is offered yet" not in page


def test_staff_see_whom_to_mind_and_no_revenue(browser: Browser, house: House) -> None:
    went(house)
    browser.as_("staff@alpha.example")
    page = browser.get("/admin/").text
    assert "Camille &lt;i&gt;" in page
    assert "Last 7 days" not in page
    assert "Best sellers" not in page


def test_an_empty_vendor_is_told_how_to_start(browser: Browser, house: House) -> None:
    browser.as_("manager@beta.example")
    page = browser.get("/admin/").text
    assert "Nothing is offered yet" in page
    assert 'href="/admin/service/create"' in page
    assert "Nothing was sold yet" in page
    assert "Might not come back" not in page


def test_the_marketplace_sees_which_vendors_need_a_look(browser: Browser, house: House) -> None:
    went(house)
    vendor_id = house.vendors["alpha"]
    browser.as_("admin@market.example")
    page = browser.get("/admin/").text
    assert "Revenue falls" in page
    assert "−50 % on the four weeks before" in page
    assert "20 % in four weeks, 5 % before" in page
    assert f'href="/admin/reports/revenue?vendor={vendor_id}"' in page
    assert f'href="/admin/vendor/details/{vendor_id}"' in page
    assert "Busiest today" in page


def test_figures_of_the_marketplaces_day_lead_to_that_day(browser: Browser, house: House) -> None:
    on = clock.now().date()
    statuses = "".join(f"&status={one}" for one in today.PLANNED)
    lists = (
        f"booking/list?day_from={on}&day_to={on}&held=no{statuses}",
        f"order/list?sold_from={on}&sold_to={on}", "vendor/list?status=active",
    )  # fmt: skip
    page = browser.as_("admin@market.example").get("/admin/").text
    for address in lists:
        assert f'href="/admin/{address.replace("&", "&amp;")}"' in page
    page = browser.as_("analyst@market.example").get("/admin/").text
    assert 'href="/admin/reports/bookings?period=today"' in page


def test_the_marketplace_sees_whose_scores_jumped(browser: Browser, house: House) -> None:
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"people_change": Decimal("-0.4"), "buying_change": Decimal("0.3")},
         "Scores jumped customers −40 % on the night before"),
        ({"groups_moved": Decimal("0.4"), "people_change": Decimal(0)},
         "Scores jumped groups of customers moved"),
    )  # fmt: skip
    for number, (fields, said) in enumerate(changes):
        vendor = make.new_vendor(name=f"Drift {number}")
        with acting(admin_actor()), begin() as session:
            make.score_model(
                session, vendor_id=vendor, as_of=clock.now().date(), since=clock.now().date(),
                is_sharp=True, **fields,
            )  # fmt: skip
        browser.as_("admin@market.example")
        page = text_of(browser.get("/admin/").text)
        assert f"Drift {number} {said}" in page, page[-3000:]
    assert f"/admin/reports/lifetime-value?vendor={vendor}" in browser.get("/admin/").text


def test_deliveries_to_check_lead_to_their_tasks_and_to_asking(
    browser: Browser, house: House
) -> None:
    now = clock.now()
    for slug in ("alpha", "beta"):
        with at(house, slug) as session:
            ana = make.customer(session, full_name=f"Ana of {slug}")
            check = make.task(
                session, customer=ana, kind="delivery_check", due_at=now - timedelta(days=1),
                title="Has it <b>come</b>?",
            )  # fmt: skip
            numbers = ana.id, check.id
        if slug == "alpha":
            asked, number = numbers
    browser.as_("staff@alpha.example")
    page = browser.get("/admin/").text
    card = page[page.index("Deliveries to check") :].partition("</section>")[0]
    assert "Ana of alpha" in card
    assert "Has it &lt;b&gt;come&lt;/b&gt;?" in card
    assert f'action="/admin/task/do/{number}/done"' in card
    assert f'href="/admin/message/create?customer={asked}"' in card
    assert "Ana of beta" not in page
    where = re.search(r'href="(/admin/task/list[^"]*kind=delivery_check[^"]*)"', card)
    assert where is not None
    listed = browser.get(where[1].replace("&amp;", "&")).text
    assert "Has it &lt;b&gt;come&lt;/b&gt;?" in listed


def test_a_shop_without_parcels_and_people_is_told_so(browser: Browser, house: House) -> None:
    with at(house) as session:
        make.variant(session)
    browser.as_("staff@alpha.example")
    page = browser.get("/admin/").text
    assert "no delivery waits to be checked" in page
    assert "Free until closing" not in page


def test_who_is_free_leads_to_their_calendar(browser: Browser, house: House) -> None:
    for slug in ("alpha", "beta"):
        with at(house, slug) as session:
            make.service(session)
            one = make.staff_member(session, name=f"Inês of {slug}")
            for weekday in range(1, 8):
                make.working_hours(
                    session, staff=one, weekday=weekday, starts=time(0, 1), ends=time(23, 59)
                )
            if slug == "alpha":
                number = one.id
    with clock.stopped_at(make.NOON):
        browser.as_("staff@alpha.example")
        page = browser.get("/admin/").text
    assert "1 person works until 23:59" in page
    assert f'href="/admin/calendar?day=2026-11-20&amp;staff={number}"' in page
    assert "12:00–23:59" in page
    assert "11 h 59" in page
    assert "Inês of beta" not in page


def test_the_marketplace_sees_who_cannot_work(browser: Browser, house: House) -> None:
    vendor_id = house.vendors["beta"]
    with at(house, "beta") as session:
        make.service(session)
        make.staff_member(session, name="Rui Without")
        for _ in range(5):
            make.message(
                session, status="failed", channel="sms", send_at=clock.now(),
                failed_at=clock.now(),
            )  # fmt: skip
    with at(house) as session:
        make.staff_member(session, name="Ada Elsewhere")
    browser.as_("admin@market.example")
    page = browser.get("/admin/").text.replace("&amp;", "&")
    assert "Texts fail" in page
    assert "5 of 5 in 24 hours" in page
    assert "1 person can be booked at any hour" in page
    failed = f"/admin/message/list?vendor={vendor_id}&status=failed&channel=sms"
    people = f"/admin/staff-member/list?vendor={vendor_id}&active=yes&hours=none"
    assert f'href="{failed}"' in page
    assert f'href="{people}"' in page
    assert browser.get(failed).text.count("/admin/message/details/") >= 5
    listed = browser.get(people).text
    assert "Rui Without" in listed
    assert "Ada Elsewhere" not in listed
    browser.as_("manager@alpha.example")
    assert "Texts fail" not in browser.get("/admin/").text


def test_an_analyst_is_led_to_reports_and_to_no_list(browser: Browser, house: House) -> None:
    went(house)
    browser.as_("analyst@market.example")
    page = browser.get("/admin/").text
    assert "Revenue falls" in page
    assert 'href="/admin/reports/revenue"' in page
    assert f'href="/admin/reports/revenue?vendor={house.vendors["alpha"]}"' in page
    for closed in ("/admin/vendor/", "/admin/customer/", "/admin/booking/", "/admin/order/"):
        assert f'href="{closed}' not in page
    assert "Camille" not in page


def test_a_first_page_costs_few_statements(browser: Browser, house: House, db: Connection) -> None:
    went(house)
    for who, most in (("manager@alpha.example", 36), ("admin@market.example", 30)):
        browser.as_(who)
        browser.get("/admin/")
        with statements(db) as sent:
            browser.get("/admin/")
        assert len(sent) <= most, f"{len(sent)}\n" + "\n".join(s[:90] for s in sent)


def day(number: int, revenue: int, before: int) -> Day:
    now, then = Sums(Decimal(revenue), number, 0), Sums(Decimal(before), 0, 0)
    return Day(date(2026, 11, 12 + number), now, then)


def test_the_chart_of_a_week_stands_on_the_ground() -> None:
    with clock.stopped_at(make.NOON):
        drawn = week_chart.drawn_of([day(1, 100, 0), day(2, 0, 50), day(3, -20, 200)])
    assert drawn is not None
    assert drawn["grid"] == [(80.0, "0"), (46.0, "100"), (12.0, "200")]
    assert [(d["y"], d["height"]) for d in drawn["days"]] == [
        (46.0, 34.0),
        (80.0, 0.0),
        (80.0, 0.0),
    ]
    assert [d["partial"] for d in drawn["days"]] == [False, False, True]
    assert drawn["line"].split()[-1].endswith(",12.0")
    assert drawn["days"][2]["title"] == "Sunday 15 Nov: −20.00 so far, 200.00 a week before"
    assert week_chart.drawn_of([day(1, 0, 0), day(2, 0, 0)]) is None


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [(150, 100, ("up", "50 %")), (80, 100, ("down", "20 %")), (100, 100, None), (5, 0, None),
     (1001, 1000, None), (0, 10, ("down", "100 %")), (Decimal("-5"), 10, ("down", "150 %"))],
)  # fmt: skip
def test_a_change_is_said_where_there_is_one(
    now: int, before: int, said: tuple[str, str] | None
) -> None:
    found = week_chart.change(now, before)
    assert (found and (found["way"], found["text"])) == said


def test_a_week_without_anything_has_no_chart() -> None:
    empty = Week([], Day(date(2026, 11, 20), NONE, NONE), NONE, NONE)
    card = week_chart.card(empty, url=None)
    assert card["chart"] is None
    assert [s["change"] for s in card["sums"]] == [None, None]
