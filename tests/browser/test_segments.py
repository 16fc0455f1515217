"""A segment is put together, counted while it is written, refused, saved, looked at and asked."""

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from models.segments import Segment
from tests import make
from tests.browser.calendar_day import MANAGER
from tests.browser.house import Running
from tests.browser.visiting import Visit


@pytest.fixture
def four(installation: Running) -> int:
    """Four customers with a tag of their own: two have come, one is inactive, Dora is neither."""
    n = make.number()
    with installation.at("alpha") as session:
        tag = make.tag(session, name=f"gold {n}")
        for name, came, status in (
            ("Ana", 3, "active"), ("Ben", 0, "inactive"), ("Cleo", 1, "active"),
            ("Dora", 0, "active"),
        ):  # fmt: skip
            one = make.customer(session, full_name=f"{name} {n}", visit_count=came, status=status)
            make.customer_tag(session, customer=one, tag=tag)
    return n


def about(row: Locator, title: str) -> None:
    """Let a condition be about something else."""
    row.get_by_label("What it is about").select_option(label=title)


def nested(page: Page, n: int) -> None:
    """Tagged, and neither ever here nor inactive; after each step the number is another one."""
    count = page.locator("[data-count]")
    about(page.locator(".sg-row"), "Tag")
    tags = page.get_by_role("combobox", name="Tags")
    tags.fill(f"gold {n}")
    page.get_by_role("option", name=f"gold {n}").click()
    expect(count).to_have_text("4 customers")
    page.get_by_role("button", name="Add a group").click()
    expect(count).to_have_text("2 customers")
    inner = page.locator(".sg-group .sg-group")
    inner.get_by_role("button", name="Add a condition").click()
    about(inner.locator(".sg-row").nth(1), "Status")
    inner.get_by_label("inactive").check()
    expect(count).to_have_text("3 customers")
    inner.get_by_label("How these go together").select_option(label="None of these")
    expect(count).to_have_text("1 customer")
    expect(page.locator("[data-said]")).to_contain_text(f"Is tagged “gold {n}” and not (visited or")
    expect(page.locator("[data-few]")).to_have_text(f"Dora {n}never visited")


def test_a_segment_is_written_refused_saved_and_asked_why(
    visit: Visit, installation: Running, four: int
) -> None:
    name, visitor = f"Not yet here {four}", visit(MANAGER)
    page = visitor.page
    visitor.open("/admin/segment/create")
    nested(page, four)
    page.get_by_label("Name", exact=True).fill(name)
    times = page.get_by_label("Times", exact=True)
    times.fill("many")
    expect(page.locator("[data-wrong]")).to_contain_text("Times: write a number")
    page.get_by_role("button", name="Save").click()
    wrong = page.locator(".sg-row.is-wrong")
    expect(wrong.get_by_role("alert")).to_contain_text("Times: write a number")
    expect(times).to_have_value("many")
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    expect(page.locator(".sg-chip")).to_have_text(f"gold {four}")
    visitor.check_both("segment-refused")
    times.fill("1")
    expect(page.locator("[data-count]")).to_have_text("1 customer")
    page.get_by_role("button", name="Save").click()
    visitor.toast("is saved")
    with installation.at("alpha") as session:
        kept = session.scalars(select(Segment).where(Segment.name == name)).one()
    page.get_by_role("button", name="Work out now").first.click()
    visitor.toast("It is worked out.")
    visitor.check()
    page.get_by_role("link", name="Open these customers").click()
    expect(page.get_by_role("link", name=f"Dora {four}").first).to_be_visible()
    expect(page.get_by_text(f"Ana {four}")).to_have_count(0)
    visitor.open(f"/admin/segment/details/{kept.id}")
    for who, verdict in (("Ana", "is not in this segment."), ("Dora", "is in this segment.")):
        page.get_by_role("combobox", name="Customer").fill(f"{who} {four}")
        page.get_by_role("option", name=f"{who} {four}").first.click()
        page.get_by_role("button", name="Tell me").click()
        expect(page.locator("#why")).to_contain_text(f"{who} {four} {verdict}")
    lines = page.locator(".sg-why li")
    expect(lines).to_contain_text(["Yes", f"Is tagged “gold {four}”", "Yes", "Visited"])
    visitor.check_both("segment-why")


def test_a_rule_of_another_version_opens_is_refused_and_mended(
    visit: Visit, installation: Running, four: int
) -> None:
    odd = [{"field": "pets_owned", "times": 3}, {"field": "visits", "times": {}, "when": "ever"}]
    rule = {"match": "all", "of": [{"field": "tag", "has": "has", "texts": [f"gold {four}"]}, *odd]}
    with installation.at("alpha") as session:
        kept = make.segment(session, name=f"Old {four}", definition_json=rule).id
    visitor = visit(MANAGER)
    page = visitor.page
    visitor.open(f"/admin/segment/edit/{kept}")
    expect(page.get_by_text("This rule cannot be read any more")).to_be_visible()
    wrong = page.locator(".sg-row.is-wrong")
    expect(wrong.get_by_role("alert")).to_contain_text("“pets_owned” is not known any more")
    expect(page.locator(".sg-row")).to_have_count(3)
    visitor.check_both("segment-unread")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".sg-row.is-wrong").get_by_role("alert")).to_contain_text("Choose what")
    for _ in odd:
        page.locator(".sg-row").nth(1).get_by_role("button", name="Remove this condition").click()
    expect(page.locator("[data-count]")).to_have_text("4 customers")
    page.get_by_role("button", name="Save").click()
    visitor.toast("is saved")
