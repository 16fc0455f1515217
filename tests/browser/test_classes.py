"""A class fills up, somebody waits, a late cancel offers them the place, and they take it."""

from datetime import timedelta

import pytest
from playwright.sync_api import Locator, expect

from app import clock
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.waitlist import WaitlistEntry
from tests import make
from tests.browser.house import Running
from tests.browser.visiting import PHONE, Visit, Visitor

STAFF = "staff@alpha.example"
SOON = timedelta(seconds=20)
"""What is freed is offered by the worker, soon after."""


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
    deadline = clock.now() + SOON
    while "Offered" not in line.inner_text() and clock.now() < deadline:
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
