"""The calendar in a browser: booked by a click, moved by the mouse and the keys, seen by others."""

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from playwright.sync_api import Route, expect

from models.bookings import Booking
from models.staff import StaffMember
from tests import make
from tests.browser.calendar_day import (
    HOUR,
    MANAGER,
    STAFF,
    Day,
    aside,
    block,
    column,
    drag,
    height,
    refused,
    take_hold,
)
from tests.browser.visiting import PHONE, Visit


def test_a_click_on_free_time_books_and_a_refusal_loses_nothing(visit: Visit, day: Day) -> None:
    visitor = visit(STAFF)
    page = visitor.page
    visitor.open(day.path)
    visitor.check()
    column(page, day.rui).click(position={"x": 40, "y": height(page, 10.25) + 4})
    dialog = page.locator("#cal-book")
    expect(dialog.get_by_role("combobox", name="Customer")).to_be_focused()
    expect(dialog.get_by_label("When")).to_have_value(f"{day.date}T10:15")
    expect(dialog.get_by_label("With")).to_have_value(str(day.rui))
    dialog.get_by_role("combobox", name="Customer").fill("Zacarias Zinho")
    dialog.get_by_role("button", name="Book", exact=True).click()
    expect(dialog.locator(".invalid-feedback span")).to_have_text("Choose what is booked.")
    refused(visitor)
    expect(dialog.get_by_role("combobox", name="Customer")).to_have_value("Zacarias Zinho")
    dialog.get_by_role("combobox", name="Service").fill(day.service)
    dialog.get_by_role("option", name=day.service).click()
    dialog.get_by_role("button", name="Book", exact=True).click()
    made = page.locator(".cal .cb", has_text="Zacarias Zinho")
    expect(made).to_contain_text("10:15–10:45")
    expect(made.locator("a")).to_be_focused()
    visitor.toast("Zacarias Zinho")


def test_a_booking_is_dragged_to_another_time_and_person_and_back(visit: Visit, day: Day) -> None:
    number = day.booking(10)
    visitor = visit(STAFF)
    page = visitor.page
    visitor.open(day.path)
    drag(page, block(page, number), aside(page, day), 1.5 * HOUR)
    toast = visitor.toast("11:30 with Rui Reis")
    assert day.stands(number) == ("11:30", "12:30", day.rui)
    expect(column(page, day.rui).locator(f"[data-key=b{number}]")).to_contain_text("11:30–12:30")
    toast.get_by_role("button", name="Undo").click()
    expect(column(page, day.ana).locator(f"[data-key=b{number}]")).to_contain_text("10:00–11:00")
    assert day.stands(number) == ("10:00", "11:00", day.ana)


def test_what_somebody_holds_stays_in_the_hand_while_the_calendar_changes(
    visit: Visit, day: Day
) -> None:
    number = day.booking(10)
    visitor = visit(STAFF)
    page, held = visitor.page, block(visitor.page, number)
    visitor.open(day.path)
    x, y = take_hold(page, held)
    other = day.booking(15, "Bela Bastos")  # by somebody else, meanwhile
    page.evaluate("() => { Backroom.cal.read(); Backroom.cal.draw(); }")
    page.mouse.move(x, y + HOUR, steps=4)
    expect(held).to_contain_text("11:00–12:00")
    expect(held).to_have_class(re.compile("is-drag"))
    page.mouse.up()
    visitor.toast("11:00")
    assert day.stands(number) == ("11:00", "12:00", day.ana)
    expect(block(page, other)).to_contain_text("15:00")

    take_hold(page, held)
    page.evaluate("() => Backroom.cal.draw()")
    page.mouse.up()  # a click, on what was there when the button went down
    expect(page.get_by_role("dialog", name="Booking, Carla Costa")).to_be_visible()


def test_what_is_moved_again_before_the_answer_goes_on_from_where_it_is_shown(
    visit: Visit, day: Day
) -> None:
    number = day.booking(10)
    visitor = visit(STAFF)
    page = visitor.page
    visitor.open(day.path)
    path, waiting = f"**/move/{number}", list[Route]()

    def wait(route: Route) -> None:
        waiting.append(route)

    page.route(path, wait, times=1)
    with page.expect_request(path):
        drag(page, block(page, number), 0, HOUR)
    expect(block(page, number)).to_contain_text("11:00–12:00")
    x, y = take_hold(page, block(page, number))
    page.mouse.move(x, y + HOUR / 2, steps=4)
    waiting.pop().continue_()
    visitor.toast("11:00")
    expect(block(page, number)).to_contain_text("11:30–12:30")
    page.mouse.up()
    visitor.toast("11:30")
    assert day.stands(number) == ("11:30", "12:30", day.ana)


def test_what_cannot_be_moved_springs_back_with_the_sentence(visit: Visit, day: Day) -> None:
    number, other = day.booking(10), day.booking(12, "Bela Bastos")
    visitor = visit(STAFF)
    visitor.open(day.path)
    drag(visitor.page, block(visitor.page, number), 0, 2 * HOUR)
    visitor.toast("This time is taken")
    refused(visitor)
    expect(block(visitor.page, number)).to_contain_text("10:00–11:00")
    assert day.stands(number)[0] == "10:00"
    assert day.stands(other)[0] == "12:00"


def test_the_lower_edge_changes_how_long_it_takes(visit: Visit, day: Day) -> None:
    number = day.booking(10)
    visitor = visit(STAFF)
    visitor.open(day.path)
    edge = block(visitor.page, number).locator("[data-resize]")
    drag(visitor.page, edge, 0, HOUR / 2, grab=4)
    expect(block(visitor.page, number)).to_contain_text("10:00–11:30")
    visitor.toast("10:00")
    assert day.stands(number) == ("10:00", "11:30", day.ana)


def test_the_calendar_without_a_mouse(visit: Visit, day: Day) -> None:
    number, other = day.booking(10), day.booking(13, "Bela Bastos")
    visitor = visit(STAFF)
    page, keys = visitor.page, visitor.page.keyboard
    visitor.open(day.path)
    keys.press("ArrowDown")
    expect(block(page, number).locator("a")).to_be_focused()
    keys.press("ArrowDown")
    expect(block(page, other).locator("a")).to_be_focused()
    keys.press("ArrowUp")
    for _ in range(3):
        keys.press("Shift+ArrowDown")
    visitor.toast("10:15")
    assert day.stands(number) == ("10:15", "11:15", day.ana)
    expect(block(page, number).locator("a")).to_be_focused()
    keys.press("Shift+ArrowRight")
    visitor.toast("with Rui Reis")
    assert day.stands(number) == ("10:15", "11:15", day.rui)
    keys.press("Enter")
    look = page.get_by_role("dialog", name="Booking, Carla Costa")
    expect(look.get_by_role("button", name="Check in")).to_be_focused()
    keys.press("Escape")
    expect(look).to_be_hidden()
    expect(block(page, number).locator("a")).to_be_focused()
    keys.press("i")
    expect(block(page, number)).to_have_class("cb st-in")
    keys.press("n")
    dialog = page.locator("#cal-book")
    expect(dialog.get_by_label("When")).to_have_value(f"{day.date}T11:15")
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    keys.press("w")
    page.wait_for_url("**view=week**")
    keys.press("d")
    page.wait_for_url(lambda url: "view=week" not in url)
    keys.press("ArrowRight")
    after = (datetime.fromisoformat(day.date) + timedelta(days=1)).date().isoformat()
    keys.press("t")
    page.wait_for_url(lambda url: after not in url)


def test_two_people_see_each_others_changes(visit: Visit, day: Day) -> None:
    number = day.booking(10)
    one, two = visit(STAFF), visit(MANAGER)
    one.open(day.path)
    two.open(day.path)
    drag(one.page, block(one.page, number), 0, 3 * HOUR)
    one.toast("13:00")
    expect(block(two.page, number)).to_contain_text("13:00–14:00")
    with day.running.at("alpha") as session:
        session.get_one(Booking, number).status = "cancelled"
    for person in (one, two):
        expect(block(person.page, number)).to_have_count(0)


def test_a_look_says_what_calling_off_costs_before_it_is_pressed(visit: Visit, day: Day) -> None:
    terms = {
        "free_hours": 9000, "late_hours": 8000, "late_percent": "50", "last_percent": "100",
        "no_show_percent": "100", "max_moves": None, "grace_minutes": 15,
    }  # fmt: skip
    number = day.booking(10, terms=terms)
    visitor = visit(STAFF)
    visitor.open(day.path)
    block(visitor.page, number).locator("a").click()
    look = visitor.page.get_by_role("dialog", name="Booking, Carla Costa")
    look.get_by_role("button", name="Cancel", exact=True).click()
    expect(look).to_contain_text("Cancelling now costs 40.00")
    look.get_by_label("Why").fill("Ill")
    look.get_by_role("button", name="Cancel booking").click()
    visitor.toast("its time is free again")
    expect(block(visitor.page, number)).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True])
def test_a_full_day_on_the_phone_is_a_list(visit: Visit, day: Day, dark: bool) -> None:
    for hour in range(8, 18):
        day.booking(hour, "Maximiliana-Esperança da Conceição e Albuquerque de Sousa")
    visitor = visit(STAFF, PHONE, own=dark, dark=dark)
    visitor.open(day.path)
    page = visitor.page
    expect(page.locator(".cal-list li")).to_have_count(10)
    expect(page.locator("[data-cal-grid]")).to_be_hidden()
    visitor.shot(f"calendar-list-{'dark' if dark else 'light'}")
    visitor.check()
    page.locator(".cal-list a").first.click()
    page.get_by_role("dialog", name="Booking").wait_for()
    visitor.check()


def test_a_week_and_a_crowded_day_are_sound(visit: Visit, day: Day) -> None:
    with day.running.at("alpha") as session:
        busy = [make.staff_member(session, name=f"Person {n}") for n in range(10)]
        for n, someone in enumerate(busy):
            for hour in range(8, 12):
                starts = day.at(hour, 3 * n).astimezone(UTC)
                make.booking(session, staff=someone, starts_at=starts)
    visitor = visit(STAFF)
    for path in (f"/admin/calendar?day={day.date}", f"/admin/calendar?day={day.date}&view=week"):
        visitor.open(path)
        visitor.page.locator(".cal .cb").first.wait_for()
        visitor.shot(f"calendar-crowd-{'week' if 'view' in path else 'day'}")
        visitor.check()
    with day.running.at("alpha") as session:
        for someone in busy:
            session.merge(someone).is_active = False


def test_what_finds_no_lane_in_a_week_is_counted_and_shown_by_a_click(
    visit: Visit, day: Day
) -> None:
    with day.running.at("alpha") as session:
        people = [day.ana, *(make.staff_member(session, name=f"Eve {n}").id for n in range(6))]
        for n, one in enumerate(people):
            starts = day.at(10, 5 * (n // 4)).astimezone(UTC)
            ends = starts + timedelta(hours=1 if n else 3)
            make.booking(session, staff_id=one, starts_at=starts, ends_at=ends)
        for one in people[1:4]:  # a fourth beside three is no crowd: it stands there itself
            make.booking(session, staff_id=one, starts_at=day.at(11, 30).astimezone(UTC))
        make.booking(session, staff_id=day.ana, starts_at=day.at(15).astimezone(UTC))
    chosen = "".join(f"&staff={one}" for one in people)
    visitor = visit(STAFF)
    visitor.open(f"/admin/calendar?view=week&day={day.date}{chosen}")
    page = visitor.page
    here = page.locator(f".cal-col[data-day='{day.at(10).weekday()}']")
    more = here.locator(".cal-more a")
    expect(here.locator(".cb")).to_have_count(7)
    expect(more).to_have_text("+4more")
    boxes = [one.bounding_box() for one in (*here.locator(".cb").all()[:3], more)]
    lefts = [round(box["x"]) for box in boxes if box]
    assert lefts == sorted(set(lefts))
    visitor.shot("calendar-more")
    visitor.check()
    more.click()
    page.wait_for_url(lambda url: f"day={day.date}" in url and "view=week" not in url)
    expect(page.locator(".cal .cb")).to_have_count(11)
    with day.running.at("alpha") as session:
        for one in people:
            session.get_one(StaffMember, one).is_active = False


def test_full_days_are_underlined_in_the_month(visit: Visit, day: Day) -> None:
    with day.running.at("alpha") as session:
        for weekday in range(1, 8):
            make.working_hours(session, staff_id=day.ana, weekday=weekday, ends=time(10))
    number = day.booking(9)
    visitor = visit(STAFF)
    visitor.open(f"/admin/calendar?day={day.date}&staff={day.ana}")
    full = visitor.page.locator(".mini a.full")
    expect(full).to_have_count(1)
    expect(full).to_have_attribute("data-cal-day", day.date)
    expect(visitor.page.get_by_role("link", name=f"{day.at(9).day}, full")).to_be_visible()
    visitor.shot("calendar-full")
    with day.running.at("alpha") as session:
        session.get_one(Booking, number).status = "cancelled"
    visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(full).to_have_count(0)


def test_on_paper_there_is_only_the_calendar(visit: Visit, day: Day) -> None:
    number = day.booking(10)
    visitor = visit(STAFF)
    visitor.open(day.path)
    visitor.page.emulate_media(media="print")
    expect(block(visitor.page, number)).to_be_visible()
    for gone in (".bk-side", ".bk-top", ".cal-side", "[data-cal-book]", ".cal-keys"):
        expect(visitor.page.locator(gone)).to_be_hidden()
