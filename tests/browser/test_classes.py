"""Classes: a place given back late goes to who waits; one is moved with everybody in it."""

import time
from datetime import UTC, timedelta

import pytest
from playwright.sync_api import Locator, expect

from app import clock
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.staff import StaffMember
from models.waitlist import WaitlistEntry
from tests import make
from tests.browser.calendar_day import (
    HOUR,
    LISBON,
    MANAGER,
    STAFF,
    Day,
    aside,
    column,
    drag,
    refused,
)
from tests.browser.house import Running
from tests.browser.visiting import PATIENCE, PHONE, WIDE, Visit, Visitor


@pytest.fixture
def lesson(installation: Running) -> int:
    """The id of a class of two places in five hours, with terms; nobody is in it."""
    with installation.at("alpha") as session:
        n = make.number()
        yoga = make.service(session, name=f"Sunrise {n}", kind="class", capacity=2, price=20)
        make.policy(session, service_id=yoga.id)
        for name in ("Ana", "Bruno", "Carla"):
            make.customer(session, full_name=f"{name} Class{n}")
        found = make.class_session(
            session, service=yoga, starts_at=clock.now() + timedelta(hours=5)
        )
        return found.id


def called(visitor: Visitor, number: int, name: str) -> str:
    """The whole name of one of the three."""
    with visitor.running.at("alpha") as session:
        service = session.get_one(ClassSession, number).service.name
    return f"{name} Class{service.split()[-1]}"


def choose(visitor: Visitor, name: str) -> None:
    """Search a customer in the roster's picker, and take the first."""
    box = visitor.page.get_by_role("combobox", name="Customer")
    box.fill(name)
    visitor.page.get_by_role("option", name=name).click()


def card(visitor: Visitor, title: str) -> Locator:
    return visitor.page.get_by_role("region", name=title)


@pytest.mark.parametrize("shape", [PHONE], ids=["phone"])
def test_a_place_that_is_given_back_late_goes_to_who_waits(
    visit: Visit, lesson: int, shape: tuple[int, int]
) -> None:
    visitor = visit(STAFF, shape)
    ana, bruno, carla = (called(visitor, lesson, name) for name in ("Ana", "Bruno", "Carla"))
    visitor.open(f"/admin/class-session/details/{lesson}")
    for name in (ana, bruno):
        choose(visitor, name)
        visitor.button("Put in the class").click()
        visitor.toast(f"{name} is in")
    visitor.shot("class-full")
    choose(visitor, carla)
    visitor.button("Put on the waitlist").click()
    visitor.toast(f"{carla} waits for a place")
    expect(card(visitor, "Who waits")).to_contain_text("Waiting")

    visitor.button(f"Cannot come: {ana}").click()
    asked = visitor.page.get_by_role("dialog")
    expect(asked).to_contain_text("10.00")  # five hours before: half the price
    visitor.shot("class-late")
    asked.get_by_role("button", name="Free the place").click()
    visitor.toast("cancelled")
    line = card(visitor, "Who waits").get_by_role("listitem").filter(has_text=carla)
    until = time.monotonic() + PATIENCE / 1000  # the worker offers it, soon after
    while "Offered" not in line.inner_text() and time.monotonic() < until:
        visitor.page.wait_for_timeout(200)
        visitor.page.reload()
    expect(line).to_contain_text("Offered")
    visitor.shot("class-offered")
    line.get_by_role("button", name="Says yes").click()
    visitor.toast("stands")
    expect(card(visitor, "Who comes")).to_contain_text(carla)
    visitor.check()
    with visitor.running.at("alpha") as session:
        found = session.get_one(ClassSession, lesson)
        entry = session.query(WaitlistEntry).filter_by(class_session_id=lesson).one()
        in_it = session.query(Booking).filter_by(class_session_id=lesson)
        booked = {one.customer.full_name: one for one in in_it}
        assert (found.taken, entry.status) == (2, "booked")
        assert {name: b.status for name, b in booked.items()} == {
            ana: "cancelled", bruno: "confirmed", carla: "confirmed",
        }  # fmt: skip
        assert booked[ana].fee == 10


def test_a_long_title_is_read_whole_on_the_phone(visit: Visit, installation: Running) -> None:
    with installation.at("alpha") as session:
        name = "Restorative yoga with breathing exercises, a long rest, and tea for everybody after"
        service = make.service(session, name=name, kind="class", capacity=2)
        found = make.class_session(
            session, service=service, starts_at=clock.now() + timedelta(days=2)
        ).id
    visitor = visit("manager@alpha.example", PHONE)
    visitor.open(f"/admin/class-session/details/{found}")
    title = visitor.page.get_by_role("heading", level=1)
    expect(title).to_contain_text("tea for everybody after, ")
    shown, whole, wide = title.evaluate("h => [h.clientHeight, h.scrollHeight, h.clientWidth]")
    assert (whole - shown, wide > PHONE[0] * 0.8) == (0, True)
    expect(visitor.button("Call off")).to_be_in_viewport()
    assert visitor.find_faults() == []


LONG = "Maximiliana-Esperança da Conceição e Albuquerque de Sousa"


@pytest.fixture
def yoga(day: Day) -> int:
    """The id of a class with Ana at ten, with four people of long names, and one who waits."""
    with day.running.at("alpha") as session:
        name = f"Sunrise yoga for {LONG} and friends {make.number()}"
        service = make.service(session, name=name, kind="class", capacity=5)
        ana = session.get_one(StaffMember, day.ana)
        starts = day.at(10).astimezone(UTC)
        found = make.class_session(session, service=service, staff=ana, starts_at=starts)
        for n in range(4):
            who = make.customer(session, full_name=f"{LONG} {'ABCD'[n]}")
            make.booking(
                session, service=service, customer=who, staff=ana, starts_at=starts,
                class_session_id=found.id,
            )  # fmt: skip
        waits = {"earliest": clock.now(), "latest": starts}
        make.waitlist_entry(session, service=service, class_session_id=found.id, **waits)
        return found.id


def place(day: Day, number: int) -> tuple[str, int | None, set[str]]:
    """When the class is, with whom, and when everybody in it comes."""
    with day.running.at("alpha") as session:
        found = session.get_one(ClassSession, number)
        coming = session.query(Booking).filter_by(class_session_id=number)
        times = {f"{one.starts_at.astimezone(LISBON):%H:%M}" for one in coming}
        return f"{found.starts_at.astimezone(LISBON):%H:%M}", found.staff_id, times


def test_a_class_is_dragged_to_another_time_and_person_with_everybody(
    visit: Visit, day: Day, yoga: int
) -> None:
    day.booking(14)
    visitor = visit(MANAGER)
    page = visitor.page
    visitor.open(day.path)
    block = page.locator(f".cal [data-key=c{yoga}]")
    drag(page, block, aside(page, day), 1.5 * HOUR)
    toast = visitor.toast("11:30 with Rui Reis")
    expect(toast).to_contain_text("Everybody in it is told")
    assert place(day, yoga) == ("11:30", day.rui, {"11:30"})
    toast.get_by_role("button", name="Undo").click()
    expect(column(page, day.ana).locator(f"[data-key=c{yoga}]")).to_contain_text("10:00–11:00")
    assert place(day, yoga) == ("10:00", day.ana, {"10:00"})
    drag(page, block, 0, 4 * HOUR)
    visitor.toast("This time is taken")
    refused(visitor)
    expect(block).to_contain_text("10:00–11:00")
    assert place(day, yoga) == ("10:00", day.ana, {"10:00"})


@pytest.mark.parametrize(("shape", "dark"), [(WIDE, False), (PHONE, True)], ids=["wide", "phone"])
def test_a_look_at_a_class_tells_who_comes_and_moves_it(
    visit: Visit, day: Day, yoga: int, shape: tuple[int, int], dark: bool
) -> None:
    visitor = visit(MANAGER, shape, own=dark, dark=dark)
    page = visitor.page
    visitor.open(day.path)
    here = page.locator(f"[data-cal-{'grid' if shape == WIDE else 'list'}]")
    here.get_by_role("link", name="Sunrise yoga").click()
    look = page.get_by_role("dialog", name="Class, Sunrise yoga")
    for words in ("4 of 5 taken", "1 free place", "1 waiting", "Maximiliana-Esperança, "):
        expect(look).to_contain_text(words)
    look.get_by_role("button", name="Move", exact=True).click()
    visitor.shot("calendar-class")
    visitor.check()
    look.get_by_label("New time").fill(f"{day.date}T16:00")
    look.get_by_label("With").select_option(str(day.rui))
    look.get_by_role("button", name="Move class").click()
    toast = visitor.toast("16:00 with Rui Reis")
    assert place(day, yoga) == ("16:00", day.rui, {"16:00"})
    toast.get_by_role("button", name="Undo").click()
    visitor.toast("10:00 with Ana Alves")
    assert place(day, yoga) == ("10:00", day.ana, {"10:00"})


def test_who_may_not_move_classes_only_looks(visit: Visit, day: Day, yoga: int) -> None:
    visitor = visit(STAFF)
    visitor.open(day.path)
    block = visitor.page.locator(f".cal [data-key=c{yoga}]")
    expect(block.locator("[data-resize]")).to_have_count(0)
    drag(visitor.page, block, 0, 2 * HOUR)
    expect(visitor.page.locator("#cal-book")).to_be_hidden()
    look = visitor.page.get_by_role("dialog", name="Class, Sunrise yoga")
    expect(look.get_by_role("button", name="Move", exact=True)).to_have_count(0)
    assert place(day, yoga) == ("10:00", day.ana, {"10:00"})
    block.locator("a").click()
    look.get_by_role("link", name="Open roster").click()
    visitor.page.wait_for_url(f"**/class-session/details/{yoga}")
