"""A report is opened, its chart is pressed, and there stands the list behind the bar."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from app.database import begin
from app.tenancy import acting, admin_actor
from models.figures import BookingFigures, SaleFigures
from tests import make
from tests.browser.calendar_day import MANAGER
from tests.browser.house import Running, bound
from tests.browser.visiting import PHONE, WIDE, Visit

FIRST = date(2025, 3, 4)
DAYS = f"from={FIRST}&to={FIRST + timedelta(days=6)}&by=day"


@pytest.fixture(scope="module")
def week(installation: Running) -> int:
    """Seven days of figures, no whole week; the number of the first of three orders of the last."""
    vendor, first = installation.house.vendors["alpha"], 970_000
    with bound(installation.database), acting(admin_actor(vendor)), begin() as session:
        for n in range(7):
            for kind, net in (("service", 120 + 10 * n), ("product", 300 if n == 6 else 40)):
                make.figures(
                    session, SaleFigures, vendor_id=vendor, starts_on=FIRST + timedelta(days=n),
                    kind=kind, net=Decimal(net), gross=Decimal(net), lines=1,
                )  # fmt: skip
        make.figures(
            session,
            SaleFigures,
            vendor_id=vendor,
            starts_on=FIRST - timedelta(days=2),
            kind="service",
            net=Decimal(900),
            gross=Decimal(900),
            lines=1,
        )
        noon = datetime(2025, 3, 10, 12, tzinfo=UTC)
        for n in range(3):
            make.order(session, number=first + n, status="fulfilled", fulfilled_at=noon,
                       placed_at=noon)  # fmt: skip
    return first


@pytest.mark.parametrize("shape", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_drills_from_a_chart_to_a_list(visit: Visit, week: int, shape: tuple[int, int]) -> None:
    visitor = visit(MANAGER, shape, dark=shape == PHONE)
    visitor.open("/admin/reports")
    visitor.page.get_by_label("Search reports").fill("refunds")
    visitor.page.get_by_label("Search reports").press("Enter")
    visitor.shot("reports")
    visitor.check()
    visitor.page.get_by_role("link", name="Revenue: services and products").click()
    visitor.open(f"/admin/reports/revenue?{DAYS}&table=category")
    expect(visitor.page.get_by_role("cell", name="up 76.7 %").first).to_be_visible()
    visitor.check()
    visitor.open(f"/admin/reports/revenue?{DAYS}&table=time")
    chart = visitor.page.locator("#figure-main[data-drawn]")
    expect(chart).to_be_visible()
    expect(chart).to_have_attribute("aria-label", "Services and Products by day, 4 March 2025 to 10"
                                    " March 2025. Most: 480, Mon 10 Mar 2025; least: 160, Tue 4 Mar"
                                    " 2025.")  # fmt: skip
    visitor.shot("report")
    visitor.check()
    expect(chart.locator(".trace.bars")).to_have_count(2)
    box = chart.locator(".trace.bars").nth(1).locator(".point").nth(6).bounding_box()
    assert box is not None
    visitor.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visitor.page.wait_for_url("**/admin/order/list?sold_from=2025-03-10&sold_to=2025-03-10&kind=*")
    for n in range(3):
        expect(visitor.page.get_by_text(f"Order {week + n}").first).to_be_visible()
    visitor.check()


def test_axes_of_few_things_are_cut_into_whole_ones(visit: Visit, installation: Running) -> None:
    vendor, day = installation.house.vendors["alpha"], date(2025, 2, 3)
    with bound(installation.database), acting(admin_actor()), begin() as session:
        make.figures(session, BookingFigures, vendor_id=vendor, starts_on=day, bookings=1,
                     completed=1)  # fmt: skip
        make.figures(session, SaleFigures, vendor_id=vendor, starts_on=day, kind="service",
                     net=Decimal("0.80"), gross=Decimal("0.80"), lines=1)  # fmt: skip
    visitor = visit(MANAGER, WIDE)
    for slug, ticks in (("bookings", {"0", "1"}), ("revenue", {"0", "0.2", "0.4", "0.6", "0.8"})):
        visitor.open(f"/admin/reports/{slug}?from={day}&to={day}&by=day&compare=nothing")
        expect(visitor.page.locator("#figure-main[data-drawn]")).to_be_visible()
        said = visitor.page.locator("#figure-main .ytick text").all_text_contents()
        assert set(said) == ticks


def test_the_keyboard_reaches_what_the_mouse_does(visit: Visit, week: int) -> None:
    visitor = visit(MANAGER, WIDE)
    visitor.open(f"/admin/reports/revenue?{DAYS}&table=time&sort=-revenue")
    row = visitor.page.get_by_role("link", name="Mon 10 Mar 2025")
    row.focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_text(f"Order {week}").first).to_be_visible()
    visitor.page.go_back()
    visitor.page.get_by_text("4 Mar – 10 Mar 2025").click()
    visitor.page.get_by_label("To", exact=True).fill("2025-03-01")
    visitor.page.get_by_label("To", exact=True).press("Enter")
    expect(visitor.page.get_by_role("alert")).to_contain_text("ends before it begins")
    visitor.check()


def test_the_theme_changes_the_chart_and_a_picture_is_made_here(visit: Visit, week: int) -> None:
    visitor = visit(MANAGER, WIDE)
    visitor.open(f"/admin/reports/revenue?{DAYS}")
    bar = visitor.page.locator("#figure-main[data-drawn] .trace.bars .point path").first
    expect(bar).to_have_css("fill", "rgb(43, 95, 199)")
    visitor.page.get_by_role("button", name="Switch between light and dark").click()
    expect(bar).to_have_css("fill", "rgb(122, 165, 255)")
    visitor.shot("report-dark")
    visitor.page.get_by_text("Download figures").click()
    with visitor.page.expect_download() as picture:
        visitor.page.get_by_role("button", name="Chart, as a picture").click()
    assert picture.value.suggested_filename == "revenue.png"
    assert picture.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    visitor.page.get_by_text("Download figures").click()
    with visitor.page.expect_download() as figures:
        visitor.page.get_by_role("link", name="Chart, as CSV").click()
    assert "2025-03-10,180.00,300.00" in figures.value.path().read_text()


def test_paper_is_white_and_a_chart_fits_on_it(visit: Visit, week: int) -> None:
    """A page without a chart, which has no script of charts, is printed on white paper too."""
    visitor = visit(MANAGER, WIDE, dark=True)
    root, page = visitor.page.locator("html"), visitor.page
    for path in ("cohorts", f"revenue?{DAYS}"):
        visitor.open(f"/admin/reports/{path}")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        expect(root).to_have_attribute("data-bs-theme", "light")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        expect(root).to_have_attribute("data-bs-theme", "dark")
    figure = page.locator("#figure-main[data-drawn]")
    expect(figure).to_be_visible()
    wide = "document.querySelector('#figure-main .main-svg').getBoundingClientRect().width"
    on_screen = page.evaluate(wide)
    assert on_screen > 660
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(f"{wide} <= 660")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(f"{wide} === {on_screen}")
    visitor.check()
