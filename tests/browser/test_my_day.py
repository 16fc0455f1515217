"""A rule is made, tried on a day and paused; a day's tasks are closed by clicks and by keys."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from app import clock
from models.message_rules import MessageRule
from models.tasks import Task
from tests import make
from tests.browser.calendar_day import LISBON, MANAGER, STAFF
from tests.browser.house import Running
from tests.browser.visiting import PHONE, WIDE, Visit


def test_a_rule_is_made_tried_on_a_day_and_paused(visit: Visit, installation: Running) -> None:
    n, now = make.number(), clock.now()
    with installation.at("alpha") as session:
        service = make.service(session, name=f"Massage {n}")
        for name in ("Ana", "Bruno"):
            customer = make.customer(session, full_name=f"{name} Rule{n}")
            make.booking(
                session, customer=customer, service=service, status="confirmed",
                created_at=now - timedelta(days=9), starts_at=now + timedelta(days=3),
            )  # fmt: skip
    visitor = visit(MANAGER, WIDE)
    visitor.open("/admin/message-rule/list")
    visitor.page.get_by_role("link", name="New rule").first.click()
    visitor.page.get_by_label("When", exact=True).select_option("booking_reminder")
    visitor.page.get_by_label("Name").fill(f"Two days before {n}")
    visitor.button("Save rule").click()  # without saying how long before
    expect(visitor.page.get_by_text("Say how long before it is told")).to_be_visible()
    expect(visitor.page.get_by_label("Name")).to_have_value(f"Two days before {n}")
    visitor.page.get_by_label("Days").fill("2")
    visitor.page.get_by_role("combobox", name="Service").fill(f"Massage {n}")
    visitor.page.get_by_role("option", name=f"Massage {n}").click()
    visitor.button("Save rule").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(f"Two days before {n}")
    day = (now + timedelta(days=1)).astimezone(LISBON).date()
    tried = visitor.page.get_by_role("region", name="Try it on a day")
    tried.get_by_label("Day").fill(day.isoformat())
    tried.get_by_role("button", name="Who would get what").click()
    expect(tried.get_by_text("2 of 2 lines")).to_be_visible()
    expect(tried.get_by_role("link", name=f"Ana Rule{n}")).to_be_visible()
    visitor.shot("rule-tried")
    visitor.check()
    visitor.button("Pause").click()
    visitor.toast("paused")
    expect(visitor.button("Go on")).to_be_visible()
    with installation.at("alpha") as session:
        rule = session.query(MessageRule).filter_by(name=f"Two days before {n}").one()
        assert (rule.days, rule.paused_at is not None) == (2, True)


@pytest.mark.parametrize("shape", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_day_is_worked_off_by_clicks_and_keys(
    visit: Visit, installation: Running, shape: tuple[int, int]
) -> None:
    n, now = make.number(), clock.now()
    with installation.at("alpha") as session:
        person = make.staff_member(session, name=f"Person {n}")
        caller = make.customer(session, full_name=f"Caller {n}", phone=f"+35191{n:07}")
        titles = [f"{word} {n}" for word in ("Ring up", "Ask", "Check")]
        kinds = ("replenishment", "follow_up", "delivery_check")
        for place, (title, kind) in enumerate(zip(titles, kinds, strict=True)):
            make.task(
                session, title=title, kind=kind, customer=caller, assignee_id=person.id,
                due_at=now - timedelta(minutes=30 - place),
            )  # fmt: skip
        who, today = person.id, now.astimezone(LISBON).date()
    visitor = visit(STAFF, shape)
    visitor.open(f"/admin/my-day?who={who}")
    visitor.shot("my-day")
    visitor.check()
    visitor.button(f"Has some left: {titles[0]}").click()
    visitor.toast("Once more in 14 days")
    assert f"who={who}" in visitor.page.url
    if shape == WIDE:
        visitor.page.keyboard.press("ArrowDown")
        visitor.page.keyboard.press("w")
        visitor.page.keyboard.type("Was very happy")
        visitor.page.keyboard.press("Enter")
    else:
        visitor.page.get_by_text("In words").first.click()
        visitor.page.get_by_label("How it went").first.fill("Was very happy")
        visitor.page.locator(".md-more[open]").get_by_role("button", name="Done").click()
    visitor.toast("Was very happy")
    if shape == WIDE:
        visitor.page.keyboard.press("ArrowDown")
        visitor.page.keyboard.press("1")
    else:
        visitor.button(f"All is well: {titles[2]}").click()
    visitor.toast("All is well").get_by_role("button", name="Undo").click()
    visitor.toast("open again")
    visitor.check()
    with installation.at("alpha") as session:
        found = {t.title: t for t in session.query(Task).filter_by(assignee_id=who, after_id=None)}
        assert [found[t].status for t in titles] == ["done", "done", "open"]
        assert found[titles[1]].outcome == "Was very happy"
        [planned] = session.query(Task).filter_by(after_id=found[titles[0]].id)
        assert planned.due_at.astimezone(LISBON).date() == today + timedelta(days=14)
