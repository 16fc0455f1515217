"""The calendar: who may see it, what it answers, and days that are no 24 hours long."""

import json
import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from admin_views.calendar_days import LocalDay, days_from, parts
from app import clock
from app.database import begin
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from reports import calendar
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import text_of

DATA, CHANGES = "/admin/calendar/data", "/admin/calendar/changes"
DAY = {"from": "2026-11-20", "to": "2026-11-20"}


def vendor(zone: str = "Europe/Lisbon") -> int:
    return make.new_vendor(time_zone=zone)


def booked(vendor_id: int, **fields: Any) -> Booking:
    with acting(vendor_actor(vendor_id)), begin() as session:
        return make.booking(session, **fields)


def read(panel: PanelClient, **query: str) -> Any:
    answer = panel.get(DATA, params=DAY | query)
    assert answer.status_code == 200, answer.text[:400]
    return answer.json()


# --- days ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "hours", "wall"),
    [
        ("Europe/Lisbon", date(2026, 3, 29), 23, ((0, 0), (60, 120))),
        ("Europe/Lisbon", date(2026, 10, 25), 25, ((0, 0), (120, 60))),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5, ((0, 0), (120, 150))),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5, ((0, 0), (120, 90))),
        ("America/New_York", date(2026, 3, 8), 23, ((0, 0), (120, 180))),
        ("America/Havana", date(2026, 3, 8), 23, ((0, 60),)),
        ("Asia/Beirut", date(2026, 10, 24), 25, ((0, 0), (1440, 1380))),
        ("UTC", date(2026, 3, 29), 24, ((0, 0),)),
    ],
)
def test_a_day_is_as_long_as_it_is(
    zone: str, day: date, hours: float, wall: tuple[tuple[int, int], ...]
) -> None:
    drawn = LocalDay.of(day, ZoneInfo(zone))
    assert (drawn.length, drawn.wall) == (hours * 60, wall)
    for minute in range(0, drawn.length, 5):  # every label is what the clock there shows
        local = drawn.instant(minute).astimezone(ZoneInfo(zone))
        assert drawn.text(minute) == f"{local:%H:%M}"
        assert local.date() == day
    assert drawn.text(drawn.length) == "24:00"


def test_hours_that_come_twice_stand_there_twice_and_skipped_ones_do_not() -> None:
    lisbon = ZoneInfo("Europe/Lisbon")
    spring = [text for _, text in LocalDay.of(date(2026, 3, 29), lisbon).hours()]
    autumn = [text for _, text in LocalDay.of(date(2026, 10, 25), lisbon).hours()]
    assert spring[:3] == ["00:00", "02:00", "03:00"]
    assert autumn[:4] == ["00:00", "01:00", "01:00", "02:00"]


def test_days_follow_each_other_without_a_gap() -> None:
    for zone in ("Europe/Lisbon", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut"):
        days = days_from(date(2026, 1, 1), 365, ZoneInfo(zone))
        assert all(a.ends == b.begins for a, b in pairwise(days))
        assert sum(d.length for d in days) in (365 * 1440 - 60, 365 * 1440, 365 * 1440 + 60)


def test_a_booking_over_midnight_has_a_part_on_both_days() -> None:
    days = days_from(date(2026, 11, 20), 2, ZoneInfo("Europe/Lisbon"))
    starts = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert parts(days, starts, starts + timedelta(hours=1)) == [(0, 1410, 1440), (1, 0, 30)]


# --- who may see it -----------------------------------------------------------------------


def test_the_day_is_drawn_in_the_vendors_time(panel: PanelClient) -> None:
    here = vendor("America/New_York")
    with acting(vendor_actor(here)), begin() as session:
        ana = make.staff_member(session, name="Ana Alves")
        make.booking(session, staff=ana, starts_at=datetime(2026, 11, 20, 15, tzinfo=UTC))
        make.booking(session, status="cancelled")
        make.class_session(
            session, staff=ana, seats=6, starts_at=datetime(2026, 11, 20, 17, tzinfo=UTC)
        )
    for who in (manager(here), staff(here)):
        found = read(panel.as_(who))
        assert [b["time"] for b in found["bookings"]] == ["10:00–11:00"]
        assert found["bookings"][0]["parts"] == [[0, 600, 660]]
        assert [c["service"] for c in found["classes"]] == ["0 of 6 places taken"]
        assert [s["name"] for s in found["staff"]] == ["Ana Alves"]


def test_another_vendors_bookings_are_not_there(panel: PanelClient) -> None:
    here, there = vendor(), vendor()
    theirs = booked(there, starts_at=make.NOON)
    found = read(panel.as_(manager(here)), staff=str(theirs.id))
    assert found["bookings"] == [] == found["classes"]
    assert read(panel)["bookings"] == []


def test_an_analyst_has_no_calendar(panel: PanelClient) -> None:
    panel.as_(analyst())
    for path in ("/admin/calendar", DATA, CHANGES):
        assert panel.get(path, params=DAY).status_code == 403


def test_the_marketplace_chooses_a_vendor_first(panel: PanelClient) -> None:
    panel.as_(admin())
    page = panel.get("/admin/calendar")
    assert page.status_code == 200
    assert "Choose a vendor" in page.text
    answer = panel.get(DATA, params=DAY)
    assert (answer.status_code, answer.json()["field"]) == (400, "vendor")


# --- what is asked ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ({"from": "", "to": "2026-11-20"}, "from", "no day"),
        ({"from": "2026-11-20", "to": "tomorrow"}, "to", "no day"),
        ({"from": "2026-02-30", "to": "2026-03-01"}, "from", "no day"),
        ({"from": "0001-01-01", "to": "0001-01-01"}, "from", "no day"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "from", "no day"),
        ({"from": "２０２６-11-20", "to": "2026-11-20"}, "from", "no day"),
        ({"from": "2026-11-20", "to": "2026-11-19"}, "to", "before their beginning"),
        ({"from": "2026-11-01", "to": "2026-12-13"}, "to", "42 days"),
        ({"staff": "1,x"}, "staff", "staff"),
        ({"staff": "-1"}, "staff", "staff"),
        ({"staff": "9" * 30}, "staff", "staff"),
        ({"staff": ",".join(["1"] * 500)}, "staff", "staff"),
        ({"after": "junk"}, "after", "page"),
        ({"after": "99999999999/1"}, "after", "page"),
    ],
)
@pytest.mark.parametrize("path", [DATA, CHANGES])
def test_junk_is_refused_in_a_sentence(
    panel: PanelClient, path: str, query: dict[str, str], field: str, words: str
) -> None:
    answer = panel.as_(manager(vendor())).get(path, params=DAY | query)
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert words in answer.json()["sentence"]


def test_42_days_are_shown_over_a_change_of_the_clocks(panel: PanelClient) -> None:
    panel.as_(manager(vendor()))
    found = read(panel, **{"from": "2026-10-01", "to": "2026-11-11"})
    assert len(found["days"]) == 42


@pytest.mark.parametrize(
    "query",
    ["day=2026-13-45", "day=%F0%9F%99%82", "view=year", "staff=x", "day=2026-11-20&view=week"],
)
def test_a_page_asked_for_with_junk_opens(panel: PanelClient, query: str) -> None:
    page = panel.as_(manager(vendor())).get(f"/admin/calendar?{query}")
    assert page.status_code == 200
    assert first_of(page.text)["days"]


def first_of(html: str) -> Any:
    found = re.search(r'data-first="([^"]*)"', html)
    assert found
    return json.loads(unescape(found[1]))


def test_names_are_data_and_never_markup(panel: PanelClient) -> None:
    here = vendor()
    with acting(vendor_actor(here)), begin() as session:
        name = "\"><script>alert('in')</script>"
        someone = make.customer(session, full_name=name)
        make.booking(session, customer=someone, starts_at=make.NOON)
    page = panel.as_(manager(here)).get("/admin/calendar?day=2026-11-20")
    assert "<script>alert" not in page.text
    assert first_of(page.text)["bookings"][0]["name"] == name


def test_more_than_a_page_is_read_in_pages(panel: PanelClient) -> None:
    here = vendor()
    with acting(vendor_actor(here)), begin() as session:
        service = make.service(session)
        for n in range(5):
            make.booking(session, service=service, starts_at=make.NOON + timedelta(minutes=n // 2))
        since, until = make.NOON - timedelta(hours=1), make.NOON + timedelta(hours=1)
        seen, after = [], None
        for _ in range(3):
            page = calendar.bookings(
                session, vendor_id=here, since=since, until=until, after=after, most=2
            )
            seen += [row.id for row in page.rows]
            after = page.after
    assert after is None
    assert len(set(seen)) == 5
    panel.as_(manager(here))
    whole = [b["id"] for b in read(panel)["bookings"]]
    second = f"{int(make.NOON.timestamp())}/{whole[1]}"
    assert [b["id"] for b in read(panel, after=second)["bookings"]] == whole[2:] == seen[2:]


# --- what has changed ---------------------------------------------------------------------


def test_a_change_of_these_days_is_heard_of_and_others_are_not(panel: PanelClient) -> None:
    here = vendor()
    mine = booked(here, starts_at=make.NOON)
    panel.as_(manager(here))
    known = read(panel)["fingerprint"]

    def changed() -> bool:
        answer = panel.get(CHANGES, params=DAY, headers={"if-none-match": f'"{known}"'})
        assert answer.status_code in (200, 304)
        return answer.status_code == 200

    assert not changed()
    booked(here, starts_at=make.NOON + timedelta(days=9))
    assert not changed()
    with acting(vendor_actor(here)), begin() as session:
        session.get_one(Booking, mine.id).note = "Window seat"
        session.flush()
        session.get_one(Booking, mine.id).updated_at = datetime(2020, 1, 1, tzinfo=UTC)
    assert changed()  # also when another change was committed with a later moment


# --- hours ----------------------------------------------------------------------------------


def hours(panel: PanelClient, vendor_id: int, day: str = "2026-11-20") -> Any:
    """What is said of Ana's day."""
    found = read(panel.as_(manager(vendor_id)), **{"from": day, "to": day})
    return next(one for one in found["staff"] if one["name"] == "Ana Alves")


def test_what_is_not_worked_is_hatched_with_its_reason(panel: PanelClient) -> None:
    here = vendor()
    with acting(vendor_actor(here)), begin() as session:
        ana = make.staff_member(session, name="Ana Alves")
        for kind, starts, ends in (("work", 9, 18), ("break", 13, 14)):
            make.working_hours(
                session, staff=ana, weekday=5, kind=kind, starts=time(starts), ends=time(ends)
            )
        noon = datetime(2026, 11, 20, 15, tzinfo=UTC)
        make.time_off(
            session, staff=ana, starts_at=noon, ends_at=noon + timedelta(hours=1), reason="Dentist"
        )
    ana_shown = hours(panel, here)
    assert ana_shown["hours"] == ["09:00–18:00"]
    assert ana_shown["open"] == [[540, 1080]]
    closed = ana_shown["closed"]
    assert [0, 0, 540, "from 09:00"] in closed
    assert [0, 1080, 1440, "until 18:00"] in closed
    assert [0, 900, 960, "Dentist"] in closed
    assert [piece[1:3] for piece in closed] == [[0, 540], [780, 840], [900, 960], [1080, 1440]]
    assert hours(panel, here, "2026-11-21")["closed"] == [[0, 0, 1440, "Not at work"]]


def test_who_can_be_booked_all_day_has_no_hours(panel: PanelClient) -> None:
    here = vendor()
    with acting(vendor_actor(here)), begin() as session:
        make.staff_member(session, name="Ana Alves")
    shown = hours(panel, here)
    assert (shown["hours"], shown["open"], shown["closed"]) == ([""], [None], [])


def test_a_closure_says_why_all_day(panel: PanelClient) -> None:
    here = vendor()
    with acting(vendor_actor(here)), begin() as session:
        make.staff_member(session, name="Ana Alves")
        midnight = datetime(2026, 11, 20, tzinfo=UTC)
        make.time_off(
            session, starts_at=midnight, ends_at=midnight + timedelta(days=1), reason="Holiday"
        )
    assert hours(panel, here)["closed"] == [[0, 0, 1440, "Holiday"]]


def test_hours_follow_the_wall_on_the_day_the_clocks_change(panel: PanelClient) -> None:
    here = vendor()
    with acting(vendor_actor(here)), begin() as session:
        ana = make.staff_member(session, name="Ana Alves")
        make.working_hours(session, staff=ana, weekday=7, starts=time(9), ends=time(17))
    spring, autumn = hours(panel, here, "2026-03-29"), hours(panel, here, "2026-10-25")
    assert spring["hours"] == autumn["hours"] == ["09:00–17:00"]
    assert (spring["open"], autumn["open"]) == ([[480, 960]], [[600, 1080]])


def test_who_waits_is_shown_with_the_last_day_on_which_they_would_come(panel: PanelClient) -> None:
    here = vendor()
    with acting(vendor_actor(here)), begin() as session:
        make.waitlist_entry(
            session, customer=make.customer(session, full_name="Rui Reis"),
            earliest=datetime(2026, 11, 23, tzinfo=UTC), latest=datetime(2026, 11, 25, tzinfo=UTC),
        )  # fmt: skip
    panel.as_(staff(here))
    with clock.stopped_at(datetime(2026, 11, 19, 12, tzinfo=UTC)):
        side = text_of(panel.get("/admin/calendar/side").text)
    assert "Rui Reis" in side
    assert "23 Nov–24 Nov" in side


# --- free times -----------------------------------------------------------------------------


def test_a_free_time_that_somebody_waits_for_is_offered_and_held(panel: PanelClient) -> None:
    here = vendor()
    with acting(vendor_actor(here)), begin() as session:
        ana = make.staff_member(session, name="Ana Alves")
        make.working_hours(session, staff=ana, weekday=5, starts=time(9), ends=time(12))
        cut = make.service(session, name="Cut", duration_minutes=45)
        for hour in (9, 11):
            starts = datetime(2026, 11, 20, hour, tzinfo=UTC)
            make.booking(session, staff=ana, starts_at=starts)
        entry = make.waitlist_entry(
            session,
            customer=make.customer(session, full_name="Rui Reis"),
            service=cut,
            earliest=datetime(2026, 11, 20, tzinfo=UTC),
        )
    panel.as_(staff(here))
    with clock.stopped_at(datetime(2026, 11, 19, 12, tzinfo=UTC)):
        gaps = panel.get("/admin/calendar/gaps", params=DAY).json()["gaps"]
        assert [(g["time"], g["words"], g["waiting"]) for g in gaps] == [
            ("10:00–11:00", "1 h free", "1 waiting fit")
        ]
        one = gaps[0]["fits"][0]
        assert (one["entry"], one["name"]) == (entry.id, "Rui Reis")
        offer = {"entry": one["entry"], "from": one["from"], "to": one["to"], "staff": ana.id}
        answer = panel.post("/admin/calendar/offer", data=offer)
        assert answer.status_code == 200, answer.text
        held = next(b for b in read(panel)["bookings"] if b["name"] == "Rui Reis")
        assert held["held"]
        again = panel.post("/admin/calendar/offer", data=offer)
        assert again.status_code == 409
        assert again.json()["sentence"]
        assert panel.get("/admin/calendar/gaps", params=DAY).json()["gaps"] == []


@pytest.mark.parametrize("junk", [{}, {"entry": "x", "from": "1"}, {"entry": "1", "from": "-1"}])
def test_an_offer_of_nothing_is_refused(panel: PanelClient, junk: dict[str, str]) -> None:
    answer = panel.as_(staff(vendor())).post("/admin/calendar/offer", data=junk)
    assert answer.status_code == 409
    assert answer.json()["sentence"]
