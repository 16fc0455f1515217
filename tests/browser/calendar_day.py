"""A day of the calendar of its own for a test, and the hands that work on it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Error, FloatRect, Locator, Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.bookings import Booking
from models.services import Service
from tests import make
from tests.browser.house import Running
from tests.browser.visiting import Visitor

STAFF, MANAGER = "staff@alpha.example", "manager@alpha.example"
LISBON = ZoneInfo("Europe/Lisbon")
HOUR = 72
"""How many pixels an hour is high."""
_days = count(1)


@dataclass
class Day:
    """A day to come of two people of their own; nothing else is booked with them."""

    running: Running
    date: str
    ana: int
    rui: int
    service: str

    @property
    def path(self) -> str:
        return f"/admin/calendar?day={self.date}&staff={self.ana}&staff={self.rui}"

    def at(self, hour: int, minute: int = 0) -> datetime:
        """A time of the day where the vendor is."""
        return datetime.fromisoformat(self.date).replace(hour=hour, minute=minute, tzinfo=LISBON)

    def booking(self, hour: int, name: str = "Carla Costa", **fields: Any) -> int:
        """The id of a booking of an hour with Ana."""
        with self.running.at("alpha") as session:
            one = make.customer(session, full_name=name)
            starts = self.at(hour).astimezone(UTC)
            row = make.booking(session, customer=one, staff_id=self.ana, starts_at=starts, **fields)
            return int(row.id)

    def service_in(self, session: Session) -> Service:
        """The service of half an hour that is this day's own."""
        return session.scalars(select(Service).where(Service.name == self.service)).one()

    def stands(self, number: int) -> tuple[str, str, int | None]:
        """From, to and with whom, as the database knows."""
        with self.running.at("alpha") as session:
            row = session.get_one(Booking, number)
            starts, ends = (at.astimezone(LISBON) for at in (row.starts_at, row.ends_at))
            return f"{starts:%H:%M}", f"{ends:%H:%M}", row.staff_id


def day_of_its_own(installation: Running) -> Day:
    """The next day, with two people nobody else books."""
    n = next(_days)
    date = (datetime.now(UTC) + timedelta(days=20 + n)).date().isoformat()
    with installation.at("alpha") as session:
        ana = make.staff_member(session, name=f"Ana Alves {n}").id
        rui = make.staff_member(session, name=f"Rui Reis {n}").id
        name = f"Trim {n}"
        make.service(session, name=name, duration_minutes=30)
    return Day(installation, date, ana, rui, name)


def block(page: Page, number: int) -> Locator:
    """A booking in the grid."""
    return page.locator(f".cal [data-key=b{number}]")


def column(page: Page, staff: int) -> Locator:
    """Somebody's column."""
    return page.locator(f".cal-col[data-staff='{staff}']")


def height(page: Page, hour: float) -> float:
    """How far below the top of a column an hour lies, by the labels beside it."""
    label = page.locator(".cal-hours > span", has_text=f"{int(hour):02}:00").first
    top = where(page.locator(".cal-hours"))["y"]
    return where(label)["y"] - top + (hour - int(hour)) * HOUR


def aside(page: Page, day: Day) -> float:
    """How far Rui's column lies beside Ana's."""
    return where(column(page, day.rui))["x"] - where(column(page, day.ana))["x"]


def drag(page: Page, what: Locator, x: float, y: float, *, grab: float = 10) -> None:
    """Take hold of a block near its upper edge (or `grab` pixels below) and carry it so far."""
    at = take_hold(page, what, grab=grab)
    page.mouse.move(at[0] + x / 2, at[1] + y / 2)
    page.mouse.move(at[0] + x, at[1] + y, steps=4)
    page.mouse.up()


def take_hold(page: Page, what: Locator, *, grab: float = 10) -> tuple[float, float]:
    """Press the mouse on a block, near its upper edge; where that is."""
    box = where(what, scroll=True)
    at = box["x"] + 30, box["y"] + grab
    page.mouse.move(*at)
    page.mouse.down()
    return at


def where(what: Locator, *, scroll: bool = False) -> FloatRect:
    """Where something is; what was drawn anew at that moment is looked for again."""
    for _ in range(20):
        try:
            if scroll:
                what.scroll_into_view_if_needed()
        except Error as lost:
            if "not attached" not in str(lost):
                raise
            continue
        if box := what.bounding_box():
            return box
    pytest.fail(f"{what} is never seen")


def refused(visitor: Visitor) -> None:
    """The server said no, as it should: that is nothing that went wrong."""
    said = [fault for fault in visitor.wrong if fault.startswith("409 from")]
    assert said
    visitor.wrong[:] = [fault for fault in visitor.wrong if fault not in said]
