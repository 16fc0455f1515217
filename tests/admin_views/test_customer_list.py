"""The customers list: who is shown, filters that stand in the address, paging, its price."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Connection

from admin_views import customer_counts
from app import clock
from app.operations import choices
from models.customers import Customer
from models.tags import Tag
from tests import make
from tests.admin_views.customer_house import (
    BETA,
    at,
    customer,
    many,
    post,
    statements,
    tagged,
)
from tests.furnished import db, house
from tests.webclient import Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures

LIST = "/admin/customer/list"


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    customer_counts.forget()
    choices._kept_choices.clear()


@pytest.fixture
def browser(house: House) -> Browser:
    return Browser(application())


def names(page: str) -> list[str]:
    """The names in the table, in order."""
    return re.findall(r"data-open>([^<]*)</a>", page)


def pager(page: str, rel: str) -> str | None:
    found = re.search(rf'href="([^"]*)" rel="{rel}"', page)
    return found and "/admin/customer/list" + found.group(1).replace("&amp;", "&")


def test_a_vendor_sees_its_own_customers_only(browser: Browser, house: House) -> None:
    customer(house, full_name="Ana Alves", phone="+351912345678", email="ana@example.com")
    customer(house, BETA, full_name="Bert Beta")
    page = browser.as_("staff@alpha.example").get(LIST).text
    assert names(page) == ["Ana Alves"]
    assert "+351 912 345 678" in page
    assert "1–1 of 1" in page
    assert "Bert" not in page
    assert ">Vendor<" not in page


def test_ranges_of_the_last_activity_are_a_click_each(browser: Browser, house: House) -> None:
    now = clock.now()
    for name, days in (("Lately", 3), ("Spring", 100), ("Long ago", 400)):
        customer(house, full_name=name, last_activity_at=now - timedelta(days=days))
    browser.as_("staff@alpha.example")
    page = browser.get(LIST + "?status=active").text
    links = re.findall(r'class="pop-row" href="(\?[^"]*activity[^"]*)"[^>]*>([^<]+)<', page)
    shown = {text: names(browser.get(LIST + url.replace("&amp;", "&")).text) for url, text in links}
    assert shown == {
        "In the last 30 days": ["Lately"],
        "Over 90 days ago": ["Spring", "Long ago"],
        "Over a year ago": ["Long ago"],
    }
    assert all("status=active" in url for url, _ in links)
    chosen = browser.get(LIST + links[0][0].replace("&amp;", "&")).text
    assert re.findall(r"aria-current=true>([^<]+)<", chosen) == ["In the last 30 days"]


def test_the_list_says_in_which_order_it_stands(browser: Browser, house: House) -> None:
    customer(house, full_name="Ana Alves")
    browser.as_("staff@alpha.example")
    for sort, words in (
        ("", "latest activity first"),
        ("?sort=newest", "newest first"),
        ("?sort=name", "by name"),
        ("?sort=nonsense", "latest activity first"),
    ):
        assert f"1–1 of 1, {words}" in browser.get(LIST + sort).text


def test_an_admin_sees_all_and_whose_they_are(browser: Browser, house: House) -> None:
    customer(house, full_name="Ana Alves")
    customer(house, BETA, full_name="Bert Beta")
    page = browser.as_("admin@market.example").get(LIST).text
    assert sorted(names(page)) == ["Ana Alves", "Bert Beta"]
    assert 'data-l="Vendor"' in page
    assert "Alpha" in page
    assert "Beta" in page


def test_an_analyst_sees_no_customer(browser: Browser, house: House) -> None:
    customer(house, full_name="Ana Alves")
    browser.as_("analyst@market.example")
    for path in (LIST, "/admin/customer/values/tag", "/admin/customer/count"):
        answer = browser.get(path)
        assert answer.status_code == 403
        assert "Ana" not in answer.text


def test_an_empty_list_says_how_to_begin(browser: Browser) -> None:
    page = browser.as_("manager@alpha.example").get(LIST).text
    assert "Add your first customer" in page
    assert "Type one in" in page


def test_pages_follow_each_other_and_say_where_one_stands(browser: Browser, house: House) -> None:
    many(house, 60)
    browser.as_("staff@alpha.example")
    seen: list[str] = []
    url: str | None = LIST
    marks = []
    while url:
        page = browser.get(url).text
        seen += names(page)
        marks.append(re.search(r'<span class="tnum">([^<]*)</span>', page).group(1))  # type: ignore[union-attr]
        last, url = page, pager(page, "next")
    assert seen == [f"Person {n:03}" for n in range(60)]
    assert [mark.split(",")[0] for mark in marks] == ["1–25 of 60", "26–50 of 60", "51–60 of 60"]
    back = browser.get(pager(last, "prev") or "").text
    assert names(back) == seen[25:50]
    assert "26–50 of 60" in back
    first = browser.get(pager(back, "prev") or "").text
    assert names(first) == seen[:25]
    assert "1–25 of 60" in first
    assert pager(first, "prev") is None


def test_filters_combine_and_every_chip_can_be_taken_away(browser: Browser, house: House) -> None:
    one, two = many(house, 2)
    tagged(house, one, "vip", "colour")
    with at(house) as session:
        make.address(session, customer=session.get(Customer, one), city="Évora")
    browser.as_("staff@alpha.example")
    page = browser.get(f"{LIST}?tag=vip&city=Evora&status=active").text
    assert names(page) == ["Person 000"]
    for said in ("Tag: <b", "City: <b", "Status: <b", "Évora", "Clear all", "Save view"):
        assert said in page, said
    removed = re.search(r'class="x" href="([^"]*)" aria-label="Remove filter Tag"', page)
    assert removed is not None
    left = parse_qs(urlsplit(removed.group(1).replace("&amp;", "&")).query)
    assert left == {"city": ["evora"], "status": ["active"]}
    assert names(browser.get(f"{LIST}?tag=vip&status=inactive").text) == []
    assert two


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense&tag=%20&service=abc&vendor=-1&activity_from=yesterday",
        "after=garbage&before=%F0%9F%98%80&at=-5&size=-1&sort=evil",
        "service=99999999999999999999999&product=1e9&page=7",
        "search=" + "x" * 5000,
        "search=%25_%27%22%3B--&city=%C3%28",
        "group=asleep&first_channel=pigeon&cohort=2026-W54&cohort=9999-01",
        "unknown=1&columns=search_text&columns=vendor_id",
        "status[]=active&tag=" + "&tag=".join(str(n) for n in range(200)),
    ],
)
def test_an_address_never_breaks_the_list(browser: Browser, house: House, query: str) -> None:
    many(house, 3)
    answer = browser.as_("staff@alpha.example").get(f"{LIST}?{query}")
    assert answer.status_code == 200
    for word in ("Traceback", "psycopg", "SELECT ", "sqlalchemy"):
        assert word not in answer.text


def test_a_nul_in_the_address_is_refused(browser: Browser) -> None:
    answer = browser.as_("staff@alpha.example").get(f"{LIST}?search=a%00b")
    assert answer.status_code == 400
    assert "remove it" in answer.text


def test_a_vendor_cannot_ask_for_another(browser: Browser, house: House) -> None:
    customer(house, BETA, full_name="Bert Beta")
    customer(house, full_name="Ana Alves")
    page = browser.as_("staff@alpha.example").get(f"{LIST}?vendor={house.vendors[BETA]}").text
    assert names(page) == ["Ana Alves"]
    assert "Vendor:" not in page


def test_names_are_shown_as_text(browser: Browser, house: House) -> None:
    customer(house, full_name="<script>alert(1)</script>", email="x@example.com")
    tagged(house, customer(house, full_name="Ana"), "<b>bold</b>")
    page = browser.as_("staff@alpha.example").get(LIST).text
    assert "<script>alert" not in page
    assert "<b>bold" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_phone_and_e_mail_are_columns_to_switch_on(browser: Browser, house: House) -> None:
    customer(house, full_name="Ana", phone="+351912345678", email="ana@example.com")
    browser.as_("staff@alpha.example")
    assert 'data-l="E-mail"' not in browser.get(LIST).text
    page = browser.get(f"{LIST}?columns=phone&columns=email").text
    assert 'data-l="E-mail"' in page
    assert 'data-l="Phone"' in page
    assert "columns=phone" in page
    assert "ana@example.com" in page


def test_search_finds_by_name_phone_and_e_mail(browser: Browser, house: House) -> None:
    customer(house, full_name="Şükrü Öztürk", phone="+351912345678", email="sukru@example.com")
    customer(house, full_name="Somebody Else")
    browser.as_("staff@alpha.example")
    for term in ("ozturk", "912 345", "sukru@exa"):
        assert names(browser.get(LIST, params={"search": term}).text) == ["Şükrü Öztürk"], term
    page = browser.get(LIST, params={"search": "nobody"}).text
    assert names(page) == []
    assert "Nothing was found for “nobody”" in page


def test_popovers_offer_values_with_counts(browser: Browser, house: House) -> None:
    one, two, _ = many(house, 3)
    tagged(house, one, "vip")
    with at(house) as session:
        vip = session.query(Tag).filter_by(name="vip").one()
        make.customer_tag(session, customer=session.get(Customer, two), tag=vip)
    tagged(house, customer(house, BETA), "secret", slug=BETA)
    browser.as_("staff@alpha.example")
    found = browser.get("/admin/customer/values/tag").json()["choices"]
    assert [(c["label"], c["count_text"]) for c in found] == [("vip", "2")]
    statuses = browser.get("/admin/customer/values/status").json()["choices"]
    assert ("Pending follow-up", "0") in [(c["label"], c["count_text"]) for c in statuses]
    assert browser.get("/admin/customer/values/tag?term=sec").json() == {"choices": []}
    assert browser.get("/admin/customer/values/vendor").status_code == 404
    assert browser.get("/admin/customer/values/nothing").status_code == 404
    assert browser.get("/admin/customer/count?tag=vip").json() == {"text": "2"}


def test_choices_are_searched_and_few(browser: Browser, house: House) -> None:
    with at(house) as session:
        for n in range(60):
            make.service(session, name=f"Cut number {n}")
            make.address(session, city=f"Lis{n:03}")
    browser.as_("staff@alpha.example")
    services = browser.get("/admin/customer/values/service?term=number").json()["choices"]
    cities = browser.get("/admin/customer/values/city?term=Lis0").json()["choices"]
    assert 0 < len(services) <= 20
    assert 0 < len(cities) <= 20
    assert all(c["label"].startswith("Lis0") for c in cities)
    for term in ("%", "_", "\\", "'", "ﬀ", "x" * 3000):
        for name in ("service", "city", "tag", "product_category"):
            answer = browser.get(f"/admin/customer/values/{name}", params={"term": term})
            assert answer.status_code == 200
            assert len(answer.json()["choices"]) <= 20


def test_the_tabs_count_once_the_page_stands(browser: Browser, house: House) -> None:
    many(house, 3)
    customer(house, status="pending_follow_up")
    browser.as_("staff@alpha.example")
    assert "data-view-counts" in browser.get(LIST).text
    assert browser.get("/admin/customer/view-counts").json()["counts"][:4] == ["", "3", "1", ""]
    again = browser.get(LIST).text
    assert "data-view-counts" not in again
    assert '<span class="bk-count">3</span>' in again


def test_a_list_costs_few_statements(browser: Browser, house: House, db: Connection) -> None:
    many(house, 60)
    browser.as_("admin@market.example")
    browser.get(LIST)
    with statements(db) as plain:
        browser.get(LIST)
    with statements(db) as filtered:
        browser.get(f"{LIST}?status=active&vendor={house.vendors['alpha']}&search=person")
    assert len(plain) <= 16, "\n".join(plain)
    assert len(filtered) <= 22, "\n".join(filtered)


def test_only_pages_of_ours_may_change_anything(browser: Browser, house: House) -> None:
    browser.as_("staff@alpha.example")
    answer = browser.post("/admin/customer/views/save", data={"name": "x"})
    assert answer.status_code == 403
    assert post(browser, "/admin/customer/list").status_code in (404, 405)
