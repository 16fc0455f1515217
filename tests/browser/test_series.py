"""A weekly series is looked at and booked through the page, and keeps its local hour."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from app import clock
from models.booking_series import BookingSeries
from models.bookings import Booking
from tests import make
from tests.browser.visiting import Visit, Visitor

MANAGER = "manager@alpha.example"
LISBON = ZoneInfo("Europe/Lisbon")
TIMES = 4


def october_change(after: date) -> date:
    """The next last Sunday of October that lies at least three weeks after a day."""
    for year in (after.year, after.year + 1):
        last = date(year, 10, 31)
        sunday = last - timedelta(days=(last.weekday() + 1) % 7)
        if sunday > after + timedelta(days=21):
            return sunday
    raise AssertionError("there is one every year")


def pick(visitor: Visitor, label: str, name: str) -> None:
    """Search in a picker of the form, and take what was found."""
    visitor.page.get_by_role("combobox", name=label).fill(name)
    visitor.page.get_by_role("option", name=name).click()


def test_a_series_over_the_clock_change_keeps_its_hour(visit: Visit) -> None:
    visitor = visit(MANAGER)
    first = october_change(clock.now().date()) - timedelta(days=12)  # a Tuesday
    second = first + timedelta(days=7)
    with visitor.running.at("alpha") as session:
        n = make.number()
        service = make.service(session, name=f"Physio {n}")
        rui, eva = (make.staff_member(session, name=f"{w} Series{n}") for w in ("Rui", "Eva"))
        for one in (rui, eva):  # nobody else, for only three of those who can are proposed
            make.staff_service(session, service=service, staff=one)
        customer = make.customer(session, full_name=f"Dora Series{n}")
        busy = clock.now().replace(
            year=second.year, month=second.month, day=second.day, hour=9, minute=0, second=0,
            microsecond=0,
        )  # fmt: skip
        make.booking(session, staff=rui, service=service, starts_at=busy)  # 10:00 in summer time
        names = service.name, rui.name, customer.full_name or ""
        numbers = rui.id, eva.id
    visitor.open("/admin/booking-series/create")
    pick(visitor, "Customer", names[2])
    pick(visitor, "Service", names[0])
    pick(visitor, "With", names[1])
    visitor.page.get_by_label("How many times").fill(str(TIMES))
    visitor.page.get_by_label("First day").fill(first.isoformat())
    visitor.page.get_by_label("At", exact=True).fill("10:00")
    visitor.button("Look at every one").click()
    preview = visitor.page.get_by_role("region", name="Every one of them")
    lines = preview.get_by_role("listitem")
    expect(lines).to_have_count(TIMES)
    assert all("10:00" in text for text in lines.all_inner_texts())
    fix = visitor.page.get_by_label("What to do about number 2")
    expect(fix).to_contain_text(f"With Eva Series{n}")
    visitor.shot("series-preview")
    fix.select_option(label=f"With Eva Series{n}")
    visitor.button("Book them all").click()
    visitor.toast("booked")
    visitor.shot("series")
    visitor.check()
    with visitor.running.at("alpha") as session:
        series = session.query(BookingSeries).filter_by(staff_id=numbers[0]).one()
        of_it = session.query(Booking).filter_by(series_id=series.id)
        found = of_it.order_by(Booking.series_number).all()
        local = [b.starts_at.astimezone(LISBON) for b in found]
        assert [at.date() for at in local] == [first + timedelta(weeks=w) for w in range(TIMES)]
        assert {at.time().isoformat("minutes") for at in local} == {"10:00"}
        assert len({at.utcoffset() for at in local}) == 2
        assert [b.staff_id for b in found] == [numbers[0], numbers[1], *numbers[:1] * 2]
