"""At the counter: walk-ins, who fits a gap, booked anyway, time in which nobody can be booked."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select

from models.bookings import Booking
from models.customers import Customer
from models.schedules import TimeOff
from models.waitlist import WaitlistEntry
from tests import make
from tests.browser.calendar_day import MANAGER, STAFF, Day, block, column, height, refused
from tests.browser.visiting import PHONE, WIDE, Visit, Visitor

DIALOG = "#cal-book"


def choose_service(page: Page, name: str) -> None:
    """Search a service in the dialog and take it by a click."""
    page.locator(DIALOG).get_by_role("combobox", name="Service").fill(name)
    page.locator(DIALOG).get_by_role("option", name=name).click()


def click_free(page: Page, staff: int, hour: float) -> Locator:
    """Click somebody's free time; the dialog that opens."""
    column(page, staff).click(position={"x": 40, "y": height(page, hour) + 4})
    return page.locator(DIALOG)


# --- walk-ins -------------------------------------------------------------------------------


def walk_in(visitor: Visitor, day: Day, said: str) -> None:
    """Three clicks, whoever it is: Walk-in, the service, Start now."""
    page = visitor.page
    visitor.open("/admin/calendar")
    page.get_by_role("button", name="Walk-in").click()
    dialog = page.locator(DIALOG)
    expect(dialog.get_by_role("combobox", name="Customer")).to_be_focused()
    page.keyboard.type(said)
    choose_service(page, day.service)
    dialog.get_by_role("button", name="Start now").click()
    expect(dialog).to_be_hidden()


def test_somebody_without_a_name_walks_in_with_three_clicks(visit: Visit, day: Day) -> None:
    visitor = visit(STAFF, PHONE)
    walk_in(visitor, day, "")
    visitor.toast("Walk-in 0")
    for shape, place in ((PHONE, ".cal-list li"), (WIDE, ".cal .st-in")):
        visitor.turn(shape)
        shown = visitor.page.locator(place)
        expect(shown.filter(has_text="Walk-in 0").last).to_be_visible()


def test_who_is_known_by_phone_or_name_walks_in_with_three_clicks(visit: Visit, day: Day) -> None:
    visitor = visit(STAFF)
    phone = f"+35193{make.number():07}"
    name = f"Zulmira {phone[-8:]}"
    known = visitor.running.customer(full_name=name, phone=phone)
    for said in (phone[4:], name.upper()):
        walk_in(visitor, day, said)
        visitor.toast(name)
        with visitor.running.at("alpha") as session:
            theirs = Booking.customer_id == known, Booking.status == "checked_in"
            made = session.scalars(select(Booking).where(*theirs)).one()
            assert abs(made.starts_at - datetime.now(UTC)) < timedelta(minutes=2)
            assert made.channel == "walk_in"
            assert made.staff_id is not None
            made.status = "cancelled"
            same = select(func.count(Customer.id)).where(Customer.phone == phone)
            assert session.scalar(same) == 1


# --- a stay ---------------------------------------------------------------------------------


def test_a_stay_is_booked_by_its_nights(visit: Visit, day: Day) -> None:
    guest = "Bobi Barros"
    name = f"Kennel {make.number()} with a garden, a heated floor and a view of the Tagus"
    with day.running.at("alpha") as session:
        stay = make.service(session, name=name, kind="stay", price=40)
        room = make.resource(session, name=f"Box {stay.id}", capacity=1)
        make.service_resource(session, service=stay, resource=room)
        starts = (day.at(14) + timedelta(days=3)).astimezone(UTC)
        until = starts + timedelta(days=1, hours=-3)
        taken = make.booking(session, service=stay, kind="stay", starts_at=starts, ends_at=until)
        make.claim(session, resource=room, booking=taken)
    visitor = visit(STAFF, PHONE)
    page = visitor.page
    visitor.open(day.path)
    page.locator("[data-cal-book]").click()
    dialog = page.locator(DIALOG)
    page.keyboard.type(guest)
    choose_service(page, name)
    for gone in ("With", "When"):
        expect(dialog.get_by_label(gone, exact=True)).to_be_hidden()
    expect(dialog.get_by_label("Check-in")).to_have_value(day.date)
    expect(dialog.locator("[data-cal-price]")).to_contain_text("40.00 for 1 night")
    nights = dialog.get_by_label("Nights")
    nights.fill("4")
    said = dialog.locator(".invalid-feedback span")
    expect(said).to_contain_text("is taken at this time")
    expect(nights).to_be_focused()
    visitor.shot("calendar-stay-taken")
    dialog.get_by_role("button", name="Book", exact=True).click()
    expect(dialog.get_by_label("Check-in")).to_be_focused()
    refused(visitor)
    nights.fill("3")
    expect(dialog.locator("[data-cal-price]")).to_contain_text("120.00 for 3 nights")
    expect(said).to_have_count(0)
    visitor.check_both("calendar-stay")
    dialog.get_by_role("button", name="Book", exact=True).click()
    visitor.toast(guest)
    for shape, place in ((PHONE, ".cal-list li"), (WIDE, ".cal-stay a")):
        visitor.turn(shape)
        expect(page.locator(place).filter(has_text=guest)).to_be_visible()
    with day.running.at("alpha") as session:
        mine = Booking.service_id == stay.id, Customer.full_name == guest
        row = session.scalars(select(Booking).join(Booking.customer).where(*mine)).one()
        assert (row.ends_at - row.starts_at, row.price) == (timedelta(days=2, hours=21), 120)
        assert row.staff_id is None


# --- who fits this gap ----------------------------------------------------------------------


def test_a_gap_is_offered_to_who_waits_for_it(visit: Visit, day: Day) -> None:
    day.booking(11)
    with day.running.at("alpha") as session:
        weekday = day.at(9).isoweekday()
        make.working_hours(session, weekday=weekday, staff_id=day.ana)
        service = day.service_in(session)
        who = make.customer(session, full_name="Wanda Waiting")
        entry = make.waitlist_entry(
            session, customer=who, service=service, staff_id=day.ana,
            earliest=day.at(9), latest=day.at(18),
        ).id  # fmt: skip
    visitor = visit(STAFF)
    page = visitor.page
    visitor.open(day.path)
    expect(page.locator(".cgap").first).to_contain_text("1 waiting fit")
    visitor.turn(PHONE)
    page.locator(".gapline button").first.click()
    visitor.check_both("calendar-gap")
    page.get_by_role("dialog").get_by_role("button", name="Offer to Wanda Waiting").click()
    visitor.toast("is held for Wanda Waiting until")
    for shape, place in ((PHONE, ".cal-list li"), (WIDE, ".cal .cb")):
        visitor.turn(shape)
        expect(page.locator(place, has_text="Wanda Waiting")).to_be_visible()
    with day.running.at("alpha") as session:
        waits = session.get_one(WaitlistEntry, entry)
        assert waits.status == "offered"
        assert waits.booking_id is not None
        made = session.get_one(Booking, waits.booking_id)
        assert (made.status, made.staff_id) == ("pending", day.ana)
        assert made.held_until is not None
        assert made.starts_at.astimezone(day.at(9).tzinfo).date().isoformat() == day.date


# --- booked anyway --------------------------------------------------------------------------


def test_what_is_taken_is_booked_anyway_with_a_reason(visit: Visit, day: Day) -> None:
    other = day.booking(10)
    visitor = visit(MANAGER)
    page = visitor.page
    visitor.open(day.path)
    dialog = click_free(page, day.ana, 9.75)
    anyway = dialog.get_by_label("Book it anyway, because")
    expect(anyway).to_be_hidden()
    dialog.get_by_role("combobox", name="Customer").fill("Olga Over")
    choose_service(page, day.service)
    dialog.get_by_label("Note").fill("Short hair <b>only</b>")
    dialog.get_by_role("button", name="Book", exact=True).click()
    expect(dialog.locator(".invalid-feedback span")).to_contain_text("This time is taken")
    refused(visitor)
    expect(dialog.get_by_role("combobox", name="Customer")).to_have_value("Olga Over")
    expect(dialog.get_by_role("combobox", name="Service")).to_have_value(day.service)
    expect(dialog.get_by_label("Note")).to_have_value("Short hair <b>only</b>")
    expect(dialog.get_by_label("When")).to_have_value(f"{day.date}T09:45")
    visitor.shot("calendar-anyway")
    anyway.fill("Ana asked for it")
    dialog.get_by_role("button", name="Book", exact=True).click()
    visitor.toast("Olga Over")
    made = page.locator(".cal .cb.is-extra", has_text="Olga Over")
    expect(made).to_contain_text("09:45–10:15")
    assert day.stands(other)[0] == "10:00"
    with day.running.at("alpha") as session:
        mine = Customer.full_name == "Olga Over", Booking.staff_id == day.ana
        row = session.scalars(select(Booking).join(Booking.customer).where(*mine)).one()
        assert (row.overbooked, row.note) == ("Ana asked for it", "Short hair <b>only</b>")


def test_who_may_not_overbook_is_not_asked_for_a_reason(visit: Visit, day: Day) -> None:
    day.booking(10)
    visitor = visit(STAFF)
    visitor.open(day.path)
    dialog = click_free(visitor.page, day.ana, 9.75)
    choose_service(visitor.page, day.service)
    dialog.get_by_role("button", name="Book", exact=True).click()
    expect(dialog.locator(".invalid-feedback span")).to_contain_text("This time is taken")
    refused(visitor)
    expect(dialog.get_by_label("Book it anyway, because")).to_be_hidden()


# --- time in which nobody can be booked -----------------------------------------------------


def ask_to_block(visitor: Visitor, day: Day, starts: str, ends: str) -> Locator:
    """Fill in the dialog of blocking time for Ana, and press Block."""
    visitor.page.get_by_role("button", name="Block time").click()
    dialog = visitor.page.locator("#cal-block")
    dialog.get_by_label("Who").select_option(str(day.ana))
    dialog.get_by_label("From").fill(f"{day.date}T{starts}")
    dialog.get_by_label("Until").fill(f"{day.date}T{ends}")
    dialog.get_by_label("Why").fill("Dentist")
    dialog.get_by_role("button", name="Block", exact=True).click()
    return dialog


def blocks(day: Day) -> int:
    """How many times off Ana has."""
    with day.running.at("alpha") as session:
        mine = select(func.count(TimeOff.id)).where(TimeOff.staff_id == day.ana)
        return session.scalar(mine) or 0


def test_time_is_blocked_and_free_again(visit: Visit, day: Day) -> None:
    visitor = visit(MANAGER)
    visitor.open(day.path)
    ask_to_block(visitor, day, "14:00", "15:30")
    toast = visitor.toast("is off from")
    shut = column(visitor.page, day.ana).locator(".coff", has_text="Dentist")
    expect(shut).to_be_visible()
    assert blocks(day) == 1
    toast.get_by_role("button", name="Undo").click()
    expect(shut).to_have_count(0)
    assert blocks(day) == 0


def test_time_with_a_booking_in_it_is_decided_about_on_the_page_of_time_off(
    visit: Visit, day: Day
) -> None:
    number = day.booking(14)
    visitor = visit(MANAGER)
    visitor.open(day.path)
    dialog = ask_to_block(visitor, day, "13:30", "15:00")
    expect(dialog.locator(".invalid-feedback span")).to_contain_text("1 booking stands in this")
    refused(visitor)
    expect(dialog.get_by_label("Why")).to_have_value("Dentist")
    expect(dialog.get_by_label("From")).to_have_value(f"{day.date}T13:30")
    assert blocks(day) == 0
    expect(block(visitor.page, number)).to_have_count(1)
    visitor.shot("calendar-block")
    dialog.get_by_role("link", name="Decide about each").click()
    page = visitor.page
    expect(page.get_by_role("combobox", name="Who")).to_have_value(re.compile("Ana Alves"))
    for label, value in (("From", f"{day.date}T13:30"), ("Until", f"{day.date}T15:00")):
        expect(page.get_by_label(label)).to_have_value(value)
    expect(page.get_by_label("Why")).to_have_value("Dentist")
    way = page.get_by_role("region", name="In the way")
    expect(way).to_contain_text("Carla Costa")
    assert blocks(day) == 0
    visitor.shot("time-off-handed-over")
    visitor.check()
    way.get_by_role("combobox").select_option("Call off")
    visitor.button("Take it as decided").click()
    visitor.toast("The time is off, and 1 booking changed")
    assert blocks(day) == 1
    with day.running.at("alpha") as session:
        assert session.get_one(Booking, number).status == "cancelled"
