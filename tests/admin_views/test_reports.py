"""Reports on screen: their days, filters, figures and files, for each role."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from sqlalchemy import Connection, delete

from admin_views import report_files
from app.database import begin
from app.settings import settings
from app.tenancy import acting, admin_actor
from models.figures import BookingFigures, SaleFigures
from reports.report import Unit
from tests import make
from tests.admin_views.customer_house import statements
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import leaks, text_of
from tests.reports.figured import roll_up

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def vendor(panel: PanelClient, at_noon: datetime) -> int:
    vendor = make.new_vendor(name="Aurora", time_zone="Europe/Lisbon")
    sold(vendor, date(2026, 11, 16), "service", "1500.00")
    sold(vendor, date(2026, 11, 17), "product", "500.00", refunded="20.00", channel="online")
    sold(vendor, date(2026, 8, 17), "service", "800.00")
    roll_up(SaleFigures)
    panel.as_(manager(vendor))
    return vendor


def sold(vendor: int, day: date, kind: str, net: str, **more: Any) -> None:
    with acting(admin_actor()), begin() as session:
        values = {"net": Decimal(net), "gross": Decimal(net), "lines": 1, "kind": kind, **more}
        if "refunded" in more:
            values["refunded"] = Decimal(more["refunded"])
        make.figures(session, SaleFigures, vendor_id=vendor, starts_on=day, **values)


def page(panel: PanelClient, path: str, status: int = 200) -> str:
    answer = panel.get(f"/admin/{path}")
    assert answer.status_code == status, text_of(answer.text)[-600:]
    assert leaks(answer.text) is None
    return answer.text


def test_a_report_says_what_happened_and_what_was_before(panel: PanelClient, vendor: int) -> None:
    text = text_of(page(panel, "reports/revenue"))
    assert "Revenue, EUR 1,980 up 147.5 % was 800" in text
    assert "Product share 24.2 % up 24.2 points was 0 %" in text
    assert "Refunds 20 was 0" in text
    assert "12 weeks before 8 Jun – 28 Aug 2026" in text
    assert "This week is not over." in text
    assert "What is counted Revenue Completed visits and lines handed over" in text
    assert "No category 1,500.00 480.00" in text


def test_marks_lead_to_the_list_behind_them(panel: PanelClient, vendor: int) -> None:
    shown = page(panel, "reports/revenue?by=day&channel=online")
    figure = figure_of(shown)
    (products,) = [t for t in figure["data"] if t["name"] == "Products"]
    at = next(n for n, link in enumerate(products["customdata"]) if link)
    assert products["customdata"][at] == (
        "/admin/order/list?sold_from=2026-11-17&sold_to=2026-11-17&kind=product&channel=online"
    )
    assert (products["x"][at], products["y"][at]) == ("Tue 17 Nov 2026", 480)
    rows = page(panel, "reports/revenue?by=day&table=time")
    assert "/admin/order/list?sold_from=2026-11-16&amp;sold_to=2026-11-16" in rows


def test_bookings_say_how_long_ahead_they_are_made_on_the_page_and_as_a_file(
    panel: PanelClient, vendor: int
) -> None:
    with acting(admin_actor()), begin() as session:
        for channel, leads in (("online", {"lead_2": 3}), ("walk_in", {"lead_0": 1})):
            make.figures(
                session, BookingFigures, vendor_id=vendor, starts_on=date(2026, 11, 17),
                channel=channel, bookings=4, **leads,
            )  # fmt: skip
    text = text_of(page(panel, "reports/bookings?period=7d&table=channel"))
    assert "Lead time 2 days" in text
    assert "Booked the same day Of those whose lead time is known" in text
    shown = text_of(page(panel, "reports/bookings?period=7d&table=lead"))
    assert "Same day 1 25 %" in shown
    assert "2–3 days 3 75 %" in shown
    files = {}
    for key in ("lead", "channel"):
        told = panel.get(f"/admin/reports/bookings/figures.csv?period=7d&table={key}").text
        files[key] = list(csv.reader(io.StringIO(told.removeprefix("\ufeff"))))
    assert files["lead"][:2] == [["Made before", "Bookings", "Share, percent"],
                                 ["Same day", "1", "25.00"]]  # fmt: skip
    heads, *rows = files["channel"]
    at = [heads.index(name) for name in ("Channel", "Lead time", "Same day, percent")]
    assert sorted([row[n] for n in at] for row in rows) == [
        ["Online", "2.00", "0.00"], ["Walk-in", "0.00", "100.00"],
    ]  # fmt: skip


def figure_of(shown: str) -> dict[str, Any]:
    found = re.search(r'data-figure="(.*?)"', shown)
    assert found is not None
    figure: dict[str, Any] = json.loads(unescape(found[1]))
    return figure


def test_a_weeks_mark_names_the_days_it_has_in_the_period(panel: PanelClient, vendor: int) -> None:
    shown = page(panel, "reports/revenue?from=2026-11-17&to=2026-11-18&by=week")
    figure = figure_of(shown)
    assert [t["customdata"] for t in figure["data"] if "customdata" in t] == [
        ["/admin/order/list?sold_from=2026-11-17&sold_to=2026-11-18&kind=product"]
    ]
    assert figure["data"][0]["marker"]["opacity"] == [0.55]


def test_the_marketplace_sees_every_vendor_and_its_analyst_ends_at_figures(
    panel: PanelClient, vendor: int
) -> None:
    other = make.new_vendor(name="Bergamot")
    sold(other, date(2026, 11, 17), "package", "300.00")
    roll_up_again()
    shown = page(panel.as_(admin()), "reports/revenue?table=vendor")
    assert "Aurora 1,500.00 480.00" in text_of(shown)
    assert "Bergamot 0.00 0.00 300.00" in text_of(shown)
    assert "/admin/booking/list?" in shown
    one = page(panel, f"reports/revenue?vendor={other}")
    assert "Vendor: Bergamot" in text_of(one)
    assert "Revenue, EUR 300.00" in text_of(one)
    seen = page(panel.as_(analyst()), "reports/revenue?table=vendor")
    assert f"/admin/reports/revenue?period=12w&amp;vendor={other}" in seen
    assert "/list?" not in seen[seen.index("<main") :]
    assert "Select a bar" not in seen


def roll_up_again() -> None:
    with acting(admin_actor()), begin() as session:
        session.execute(delete(SaleFigures).where(SaleFigures.grain != "day"))
    roll_up(SaleFigures)


def test_a_vendor_never_sees_another(panel: PanelClient, vendor: int) -> None:
    other = make.new_vendor(name="Bergamot")
    sold(other, date(2026, 11, 17), "package", "300.00")
    roll_up_again()
    for path in (f"reports/revenue?vendor={other}", f"reports/revenue?table=vendor&vendor={other}"):
        text = text_of(page(panel, path))
        assert "Bergamot" not in text
        assert "Revenue, EUR 1,980" in text
    assert panel.get("/admin/reports/offered/vendor").status_code == 404
    csv = panel.get(f"/admin/reports/revenue/figures.csv?table=vendor&vendor={other}").text
    assert "Bergamot" not in csv
    assert "300" not in csv


def test_staff_has_no_reports(panel: PanelClient, vendor: int) -> None:
    panel.as_(staff(vendor))
    for path in ("reports", "reports/revenue", "reports/revenue/figures.csv"):
        assert panel.get(f"/admin/{path}").status_code == 403
    assert "Reports" not in text_of(page(panel, "today"))


WRONG = {
    "from=2026-11-20&to=2026-11-01": "ends before it begins",
    "from=2026-02-30": "“2026-02-30” is no day",
    "from=yesterday": "is no day",
    "from=1990-01-01&to=2026-11-20": "longer than 10 years",
    "from=9999-12-31&to=9999-12-31": "from 1970 to 2199 only",
    "from=0001-01-01&to=0001-01-02": "from 1970 to 2199 only",
}


@pytest.mark.parametrize("query", WRONG)
def test_days_that_are_none_are_a_sentence(panel: PanelClient, vendor: int, query: str) -> None:
    shown = page(panel, f"reports/revenue?{query}")
    assert WRONG[query] in text_of(shown)
    assert "data-figure" not in shown
    answer = panel.get(f"/admin/reports/revenue/figures.csv?{query}")
    assert answer.status_code == 400
    assert WRONG[query] in text_of(answer.text)


def test_a_file_of_no_figures_has_its_heads(panel: PanelClient, vendor: int) -> None:
    told = panel.get("/admin/reports/revenue/figures.csv?from=1970-01-01&to=1970-01-02").text
    assert told.startswith("\ufeffDay,Services,Products")


HOSTILE = (
    "period=%27--&by=decade&compare=everything&sort=password&table=users&all=yes",
    "period=12w&period=nan&channel=smoke&channel=online%27%29&category=x&category=-1",
    "vendor=99999999999999999999&category=99999999999999999999&channel=%F0%9F%92%A9",
    "sort=-%27%3B+DROP+TABLE+vendors%3B&category=" + "&category=".join(map(str, range(1, 300))),
    "from=%EF%BC%92%EF%BC%90&to=" + "9" * 3000,
    "by=day&from=2016-11-21&to=2026-11-20",
    "from=2199-12-01&to=2199-12-31&by=month&compare=year",
    "from=1970-01-01&to=1970-01-31&compare=year",
)


@pytest.mark.parametrize("query", HOSTILE)
def test_what_cannot_be_read_never_breaks_a_page(
    panel: PanelClient, vendor: int, query: str
) -> None:
    for actor in (manager(vendor), admin(), analyst()):
        page(panel.as_(actor), f"reports/revenue?{query}")
        page(panel, f"reports?q={query[:150]}")


def test_unknown_reports_and_choices_are_no_page(panel: PanelClient, vendor: int) -> None:
    for path in ("reports/nothing", "reports/offered/customer", "reports/Revenue",
                 "reports/nothing/figures.csv"):  # fmt: skip
        page(panel, path, 404)


def test_nothing_yet_says_how_to_start(panel: PanelClient, vendor: int) -> None:
    panel.as_(manager(make.new_vendor()))
    text = text_of(page(panel, "reports/revenue"))
    assert "No figures here yet Nothing was sold in these days." in text
    assert "Show the last 12 months Open the till Open the calendar" in text
    panel.as_(manager(vendor))
    text = text_of(page(panel, "reports/revenue?category=987654321"))
    assert "Category: unknown" in text
    assert "Clear all filters" in text


def test_figures_are_files_that_no_spreadsheet_runs(panel: PanelClient, vendor: int) -> None:
    with acting(admin_actor()), begin() as session:
        evil = make.category(session, name='=HYPERLINK("http://evil")').id
    sold(vendor, date(2026, 11, 18), "service", "-5.00", category_id=evil)
    roll_up_again()
    answer = panel.get("/admin/reports/revenue/figures.csv?table=category&period=7d")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    name = "revenue-by-category_2026-11-14_2026-11-20.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0][:3] == ["Category", "Services", "Products"]
    assert rows[0][-1] == "Product share, percent"
    assert rows[1] == ["No category", "1500.00", "480.00", "0.00", "0.00", "0.00", "1980.00",
                       "24.24"]  # fmt: skip
    assert rows[2][:2] == ['\'=HYPERLINK("http://evil")', "-5.00"]
    chart = panel.get("/admin/reports/revenue/figures.csv?period=7d").text.splitlines()
    assert chart[1].startswith("2026-11-16,1500.00,0.00")
    shown = page(panel, "reports/revenue?period=7d")
    assert '"http://evil' not in shown


def test_files_have_as_many_decimals_as_their_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces, amounts = [Decimal("59.00"), None, 3], [Decimal("5.5"), Decimal(1500)]
    assert report_files.figures(pieces, Unit.COUNT) == ["59", "", 3]
    assert report_files.figures(amounts, Unit.MONEY) == ["5.50", "1500.00"]
    assert report_files.figures([Decimal("13.333333333"), 7.0], Unit.NUMBER) == ["13.33", "7.00"]
    assert report_files.figures([Decimal("0.2425982")], None) == ["0.2425982"]
    assert report_files.figures([Decimal("59.00"), 4.0], None) == ["59", "4"]
    assert report_files.figures([Decimal("5.5"), Decimal("-0.001")], None) == ["5.500", "-0.001"]
    assert report_files.figures([Decimal(100) / 3, 2.5], None) == ["33.33", "2.50"]
    monkeypatch.setattr(settings(), "currency", "JPY")
    assert report_files.figures([Decimal("1500.00")], Unit.MONEY) == ["1500"]


def test_the_overview_finds_reports_by_their_measures(panel: PanelClient, vendor: int) -> None:
    assert "Sales Revenue: services and products" in text_of(page(panel, "reports"))
    assert "Revenue: services" in text_of(page(panel, "reports?q=refunds+DAY"))
    assert "No report is called so" in text_of(page(panel, "reports?q=%3Cb%3Exyz"))


def test_a_filter_offers_what_the_vendor_uses(panel: PanelClient, vendor: int) -> None:
    with acting(admin_actor(vendor)), begin() as session:
        care = make.category(session, name="Care")
        hair = make.category(session, name="Hair", parent_id=care.id)
        make.category(session, name="Pets")
        make.service(session, category_id=hair.id)
    found = panel.get("/admin/reports/offered/category?term=").json()["choices"]
    assert [(c["label"], c["depth"]) for c in found] == [("Care", None), ("Hair", 1)]
    everything = panel.as_(analyst()).get("/admin/reports/offered/category?term=PET").json()
    assert [c["label"] for c in everything["choices"]] == ["Pets"]
    vendors = panel.get("/admin/reports/offered/vendor?term=auro").json()["choices"]
    assert [c["label"] for c in vendors] == ["Aurora"]


def test_a_page_asks_few_questions(panel: PanelClient, vendor: int, db: Connection) -> None:
    page(panel, "reports/revenue")
    with statements(db) as few:
        page(panel, "reports/revenue")
    for n in range(5):
        sold(make.new_vendor(), date(2026, 11, 17), "package", f"{n}.00")
    with statements(db) as many:
        page(panel.as_(admin()), "reports/revenue")
    assert len(few) <= 7, few
    assert len(many) <= 7, many


def test_big_amounts_have_no_cents_and_a_currency_may_have_none(
    panel: PanelClient, vendor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold(vendor, date(2026, 11, 18), "membership", "250000.49")
    roll_up_again()
    text = text_of(page(panel, "reports/revenue"))
    assert "Revenue, EUR 251,980" in text
    assert "No category 1,500.00 480.00 250,000 0.00 251,980" not in text
    assert "250,000" in text
    monkeypatch.setattr(settings(), "currency", "JPY")
    assert "Revenue, JPY 251,980" in text_of(page(panel, "reports/revenue"))


def test_a_view_is_kept_under_a_name_and_removed(panel: PanelClient, vendor: int) -> None:
    query = "period=7d&channel=online&table=kind&all=1&password=x&period=%00"
    answer = panel.post("/admin/reports/revenue/views/save", data={"name": "Web", "query": query})
    kept = "/admin/reports/revenue?period=7d&channel=online&table=kind"
    assert (answer.status_code, answer.headers["location"]) == (303, kept)
    shown = page(panel, "reports/revenue?period=7d&channel=online&table=kind")
    assert '<a href="/admin/reports/revenue?period=7d&amp;channel=online&amp;table=kind"' in shown
    assert "Revenue: services and products" in text_of(page(panel, "saved-view/list"))
    (number,) = set(re.findall(r"/views/(\d+)/remove", shown))
    panel.as_(manager(make.new_vendor()))
    assert panel.post(f"/admin/reports/revenue/views/{number}/remove").status_code == 404
    panel.as_(analyst())
    assert "Save this view" not in text_of(page(panel, "reports/revenue"))
    assert panel.post("/admin/reports/revenue/views/save", data={}).status_code == 403
    panel.as_(manager(vendor))
    assert panel.post(f"/admin/reports/revenue/views/{number}/remove").status_code == 303
    assert "/remove" not in page(panel, "reports/revenue")
    answer = panel.post("/admin/reports/revenue/views/save", data={"name": " ", "query": ""})
    assert answer.headers["location"] == "/admin/reports/revenue"
    assert "This view has no name yet" in text_of(page(panel, "reports/revenue"))
