"""A report is put together, refused, corrected, looked at, shared and mailed."""

import time
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from app import clock
from app.database import begin
from app.operations import custom_reports, figures
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from models.custom_reports import CustomReport
from tests import make, webclient
from tests.browser.calendar_day import MANAGER
from tests.browser.house import Running, bound
from tests.browser.visiting import PATIENCE, PHONE, WIDE, Visit

SECOND = "second@alpha.example"
POLISH, DIPPING = "Lantern polish", "Candle dipping"


@pytest.fixture(scope="module")
def partners(installation: Running) -> int:
    """Three bookings of one service and two of another, by the one channel nobody else has."""
    vendor = installation.house.vendors["alpha"]
    with bound(installation.database), acting(admin_actor(vendor)), begin() as session:
        for many, name in ((3, POLISH), (2, DIPPING)):
            service = make.service(session, name=name)
            for n in range(many):
                customer = make.customer(session, full_name=f"Guest {name} {n}")
                make.booking(
                    session, customer=customer, service=service, channel="partner",
                    starts_at=clock.now() - timedelta(days=3 + n),
                )  # fmt: skip
        second = make.user(session, email=SECOND, password_hash=webclient.its_hash())
        make.vendor_user(session, user=second, role="manager", vendor_id=vendor)
    with bound(installation.database), acting(SYSTEM):
        done = 1
        while done:
            with begin() as session:
                done = figures.freshen(session)
    return vendor


@pytest.mark.usefixtures("partners")
@pytest.mark.parametrize("shape", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_is_put_together_and_nothing_typed_is_lost(visit: Visit, shape: tuple[int, int]) -> None:
    visitor = visit(MANAGER, shape, dark=shape == PHONE)
    page, name = visitor.page, f"By partners, {shape[0]} wide"
    visitor.open("/admin/reports")
    page.get_by_role("link", name="New report").click()
    page.get_by_role("navigation", name="What it is about").get_by_text("Bookings").click()
    chosen = {
        "Group by": "service", "Chart": "ranked", "Days": "30d", "Who has it": "managers",
        "Mail its figures": "day",
    }  # fmt: skip
    page.get_by_label("Name").fill(name)
    for label, value in chosen.items():
        page.get_by_label(label, exact=True).select_option(value)
    page.get_by_label("Partner").check()
    save = page.get_by_role("button", name="Save and show")
    save.click()
    expect(page.get_by_role("alert").first).to_contain_text("Choose one to four measures")
    expect(page.get_by_label("Name")).to_have_value(name)
    for label, value in chosen.items():
        expect(page.get_by_label(label, exact=True)).to_have_value(value)
    expect(page.get_by_label("Partner")).to_be_checked()
    visitor.shot("custom-report-refused")
    visitor.check()
    for measure in ("bookings", "no_shows"):
        page.locator(f"input[name=measures][value={measure}]").check()
    save.click()
    chart = page.locator("#figure-main[data-drawn]")
    expect(chart).to_have_attribute("aria-label", f"Bookings by service. First: {POLISH}, 3.")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    visitor.shot("custom-report")
    visitor.check()
    page.get_by_role("link", name=POLISH).click()
    page.wait_for_url("**/admin/booking/list?day_from=*&channel=partner")
    rows = page.locator("tbody").first
    for n in range(3):
        expect(rows).to_contain_text(f"Guest {POLISH} {n}")
    expect(rows).not_to_contain_text(DIPPING)
    page.go_back()
    box = chart.locator(".trace.bars").first.locator(".point").nth(1).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**/admin/booking/list?day_from=*&channel=partner")
    expect(rows).to_contain_text(f"Guest {DIPPING} 1")


def test_it_is_shared_and_mailed_to_those_who_have_it(
    visit: Visit, installation: Running, partners: int
) -> None:
    definition = {
        "source": "bookings", "measures": ["bookings"], "dimensions": ["service"],
        "chart": "bars", "words": [["period", "30d"], ["channel", "partner"]],
    }  # fmt: skip
    me = vendor_actor(partners, user_id=installation.house.users[MANAGER])
    with bound(installation.database), acting(me), begin() as session:
        custom_reports.save(
            session, name="For the partners", definition=definition, shared_with="managers",
            sent_every="week",
        )  # fmt: skip
    visitor = visit(SECOND, WIDE)
    visitor.open("/admin/reports")
    visitor.page.get_by_role("link", name="For the partners").click()
    expect(visitor.page.get_by_role("link", name=POLISH)).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Change", exact=True)).to_have_count(0)
    visitor.check()
    with bound(installation.database), acting(SYSTEM), begin() as session:
        row = session.query(CustomReport).filter_by(name="For the partners").one()
        assert row.next_send_at is not None
        row.next_send_at = clock.now() - timedelta(hours=1)
        session.flush()
        assert custom_reports.promise_due(session, now=clock.now()) == 1
    deadline, subject = time.monotonic() + PATIENCE / 1000, "For the partners: "
    told: dict[str, str] = {}
    while len(told) < 2 and time.monotonic() < deadline:
        told = {
            one["To"]: one.get_content() for one in installation.post.letters
            if one["Subject"].startswith(subject)
        }  # fmt: skip
        time.sleep(0.1)
    assert set(told) == {MANAGER, SECOND}
    lines = [" ".join(line.split()) for line in told[SECOND].splitlines()]
    assert lines[3:8] == ["Only Partner", "", "Service Bookings", f"{POLISH} 3", f"{DIPPING} 2"]
