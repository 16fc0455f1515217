"""Free until closing: what is left of today's working time, worked out by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from admin_views import today_free
from admin_views.rendering import speaking_in
from app import clock
from app.database import begin
from app.tenancy import PanelRole, acting, vendor_actor
from tests import make

LISBON, FRIDAY = "Europe/Lisbon", 5
NOON = make.NOON  # a Friday; Lisbon's clocks show the same hour


@contextmanager
def at(vendor_id: int, now: datetime = NOON) -> Iterator[Session]:
    with clock.stopped_at(now), acting(vendor_actor(vendor_id)), begin() as session:
        yield session


def works(session: Session, name: str, starts: int = 9, ends: int = 17, **fields: Any) -> Any:
    one = make.staff_member(session, name=name, **fields)
    make.working_hours(session, staff=one, weekday=FRIDAY, starts=time(starts), ends=time(ends))
    return one


def of_ines(session: Session) -> None:
    """Nine to five, a break from one to a quarter to two, somebody from two to three."""
    one = works(session, "Inês")
    make.working_hours(
        session, staff=one, weekday=FRIDAY, kind="break", starts=time(13), ends=time(13, 45)
    )
    make.booking(session, staff=one, starts_at=NOON + timedelta(hours=2))
    make.booking(session, staff=one, starts_at=NOON + timedelta(hours=4), status="cancelled")


def shown(free: today_free.Free | None) -> list[tuple[str, str, str | None]]:
    assert free is not None
    with speaking_in(ZoneInfo(LISBON)), clock.stopped_at(NOON):
        rows = today_free.card(free, PanelRole.MANAGER)["rows"]
    return [(row["title"], row["sub"], row["number"]) for row in rows]


def test_what_is_left_of_a_day(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with at(vendor_id) as session:
        of_ines(session)
        works(session, "Went home", 8, 12)
        works(session, "Left long ago", is_active=False)
        away = works(session, "On holiday")
        make.time_off(session, staff=away, starts_at=NOON, ends_at=NOON + timedelta(hours=9))
        teaches = works(session, "Mia")
        make.class_session(
            session, staff=teaches, starts_at=NOON, ends_at=NOON + timedelta(hours=5)
        )
        free = today_free.today(session, vendor_id=vendor_id, zone=LISBON)
    assert free is not None
    assert shown(free) == [
        ("Inês", "12:00–13:00, 13:45–14:00, 1 more", "3 h 15"),
        ("Mia", "taken until 17:00", None),
    ]
    assert (free.minutes, free.gaps, free.hourless) == (195, 3, 0)
    assert today_free.hint(free) == "2 people work until 17:00"
    figure = today_free.figure(free)
    assert figure is not None
    assert (figure["value"], figure["note"]) == ("3 h 15", "3 gaps")


def test_moments_too_short_to_book_are_no_gap(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with at(vendor_id, NOON + timedelta(hours=4, minutes=46)) as session:
        works(session, "Inês")
        free = today_free.today(session, vendor_id=vendor_id, zone=LISBON)
    assert shown(free) == [("Inês", "taken until 17:00", None)]


def test_who_works_into_the_night_is_free_until_the_day_is_over(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with at(vendor_id) as session:
        works(session, "Bar", 18, 2)
        free = today_free.today(session, vendor_id=vendor_id, zone=LISBON)
    assert free is not None
    assert shown(free) == [("Bar", "18:00–24:00", "6 h")]
    assert today_free.hint(free) == "1 person works until 24:00"


def test_who_has_no_hours_is_told_apart(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with at(vendor_id) as session:
        make.staff_member(session)
        free = today_free.today(session, vendor_id=vendor_id, zone=LISBON)
    assert free is not None
    assert (free.people, free.hourless, free.minutes) == ([], 1, 0)
    foot = "1 person has no working hours: nothing says when they can be booked."
    card = today_free.card(free, PanelRole.MANAGER)
    assert (card["foot"], card["empty"]) == (foot, "nobody's hours are known")
    assert card["all_url"] == "/admin/hours"
    assert today_free.card(free, PanelRole.STAFF)["foot"] is None
    assert today_free.figure(free) is None
    assert today_free.hint(free) == ""


def test_the_house_closes_and_nobody_works(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with at(vendor_id) as session:
        works(session, "Inês")
        make.time_off(session, starts_at=NOON, ends_at=NOON + timedelta(hours=12))
        free = today_free.today(session, vendor_id=vendor_id, zone=LISBON)
    assert free is not None
    assert shown(free) == []
    assert today_free.hint(free) == "nobody works any more today"


def test_nobody_to_book_has_no_card(db: Connection) -> None:
    other = make.new_vendor()
    with at(other) as session:
        of_ines(session)
    vendor_id = make.new_vendor()
    with at(vendor_id) as session:
        assert today_free.today(session, vendor_id=vendor_id, zone=LISBON) is None


def test_who_waits_is_said_beside_the_gaps(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with at(vendor_id) as session:
        works(session, "Inês")
        make.waitlist_entry(session)
        free = today_free.today(session, vendor_id=vendor_id, zone=LISBON)
    assert free is not None
    figure = today_free.figure(free)
    assert figure is not None
    assert figure["note"] == "1 gap, 1 waiting"


@pytest.mark.parametrize(("zone", "hours"), [("Pacific/Auckland", 8), ("America/Los_Angeles", 8)])
def test_today_is_the_vendors(db: Connection, zone: str, hours: int) -> None:
    """In Auckland it is one in the morning of Saturday, in Los Angeles four of Friday."""
    vendor_id = make.new_vendor(time_zone=zone)
    with at(vendor_id) as session:
        one = works(session, "Inês")
        make.working_hours(session, staff=one, weekday=6, starts=time(10), ends=time(18))
        free = today_free.today(session, vendor_id=vendor_id, zone=zone)
    assert free is not None
    assert free.minutes == hours * 60
