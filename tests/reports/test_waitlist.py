"""Demand of the waitlist, against entries counted by hand; and what people did, against theirs."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection

from admin_views.report_table import drawn
from app.database import begin
from app.operations import demand
from app.tenancy import acting, admin_actor, vendor_actor
from models.audiences import UserFigures
from reports import reading
from reports.registry import all_reports
from tests import make
from tests.reports.figured import roll_up
from tests.reports.test_bookings import ANALYST, asked, put, tables

WAITLIST, ACTIVITY = all_reports()["waitlist"], all_reports()["user-activity"]
WEDNESDAY = datetime(2026, 11, 18, 12, tzinfo=UTC)


def joined(vendor_id: int, at: datetime, status: str, **fields: Any) -> None:
    with acting(vendor_actor(vendor_id)), begin() as session:
        customer = make.customer(session)
        if status in ("booked", "offered"):
            booking = make.booking(session, customer=customer)
            fields |= {"booking_id": booking.id}
        if status == "offered":
            fields |= {"held_until": at + timedelta(days=9)}
        make.waitlist_entry(session, customer=customer, created_at=at, status=status, **fields)


def a_line(db: Connection) -> tuple[int, int, int]:
    """Six joined this week at a vendor far from UTC, one at another; two the week before."""
    here, there = make.new_vendor(time_zone="Pacific/Auckland"), make.new_vendor()
    with acting(admin_actor()), begin() as session:
        hair = make.category(session, name="Hair")
    with acting(vendor_actor(here)), begin() as session:
        cut = make.service(session, name="Cut", category_id=hair.id)
        yoga = make.class_session(session, starts_at=datetime(2026, 11, 22, 20, tzinfo=UTC))
        taught = yoga.service
    one_day = {"earliest": datetime(2026, 11, 19, 20, tzinfo=UTC),
               "latest": datetime(2026, 11, 20, 4, tzinfo=UTC)}  # fmt: skip
    joined(here, WEDNESDAY, "booked", service=cut, offers=1, channel="online", **one_day)
    joined(here, WEDNESDAY, "expired", service=cut, offers=2, **one_day)
    joined(here, WEDNESDAY, "cancelled", service=cut)
    joined(here, WEDNESDAY, "waiting", service=taught, class_session_id=yoga.id)
    joined(here, datetime(2026, 11, 19, 10, 59, tzinfo=UTC), "offered", service=cut, offers=1)
    joined(here, datetime(2026, 11, 19, 11, 1, tzinfo=UTC), "waiting", service=cut)
    joined(here, WEDNESDAY - timedelta(days=7), "expired", service=cut)
    joined(here, WEDNESDAY - timedelta(days=8), "expired", service=cut)
    joined(there, WEDNESDAY, "expired")
    with acting(admin_actor()), begin() as session:
        changed = demand.changed(session, since=datetime(2026, 1, 1, tzinfo=UTC))
        assert changed == [here, there]
        assert demand.changed(session, since=datetime(9999, 1, 1, tzinfo=UTC)) == []
        for vendor_id in (*changed, here):  # twice is as good as once
            demand.rebuild(session, vendor_id=vendor_id)
    return here, there, hair.id


def test_what_became_of_the_line_by_day_of_the_vendor(db: Connection) -> None:
    here, *_ = a_line(db)
    question, found = asked(vendor_actor(here), WAITLIST, period="7d")
    # 18 November, noon in UTC, is the 19th in Auckland; its 20th begins at 11:00
    rows = [(r.day.day, r.joined, r.offered, r.booked, r.waiting, r.expired, r.left_it, r.unmet)
            for r in found.rows]  # fmt: skip
    assert rows == [(19, 5, 3, 1, 2, 1, 1, 2), (20, 1, 0, 0, 1, 0, 0, 0)]
    assert (found.sums["joined"], found.sums["offered_rate"]) == (6, 50)
    assert round(found.sums["booked_rate"], 2) == Decimal("33.33")  # of three that are settled
    assert found.sums_before is not None
    assert found.sums_before["joined"] == 2
    told = tables(vendor_actor(here), question)
    days = [(r.name, r.joined, r.unmet) for r in told["weekday"].rows]
    # the class of Sunday evening in UTC is on Monday there
    assert days == [("Monday", 1, 0), ("Friday", 2, 1), ("Any of several days", 3, 1)]
    services = {r.name: (r.joined, r.booked, r.unmet_rate) for r in told["service"].rows}
    assert services["Cut"][:2] == (5, 1)
    assert round(services["Cut"][2], 2) == Decimal("66.67")  # two of three
    assert [(r.channel, r.joined, r.before) for r in told["channel"].rows] == [
        ("phone", 5, 2), ("online", 1, None),
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_every_table_sums_up_to_who_joined(db: Connection, by: str) -> None:
    _, there, hair = a_line(db)
    for actor, total in ((vendor_actor(there), 1), (admin_actor(), 7), (ANALYST, 7)):
        question, found = asked(actor, WAITLIST, period="7d", by=by)
        assert sum(r.joined for r in found.rows) == total
        told = tables(actor, question)
        assert {key: lines.totals["joined"] for key, lines in told.items()} == dict.fromkeys(
            told, total
        )
    _, found = asked(admin_actor(), WAITLIST, period="7d", category=str(hair))
    assert found.sums["joined"] == 5
    _, found = asked(admin_actor(), WAITLIST, period="7d", vendor=str(there), channel="online")
    assert reading.is_empty(found)


@pytest.mark.parametrize(
    "words",
    [{"from": "2199-12-30", "to": "2199-12-31"}, {"from": "1970-01-01", "to": "1970-01-01"},
     {"vendor": "9223372036854775808"}, {"category": "-1", "channel": "\x00"}],
)  # fmt: skip
def test_strange_questions_find_nothing(db: Connection, words: dict[str, str]) -> None:
    here = make.new_vendor()
    for report in (WAITLIST, ACTIVITY):
        question, found = asked(vendor_actor(here), report, **words)
        assert reading.is_empty(found)
        frame = reading.frame_of(question, found, lambda _: True)
        assert report.figure is not None
        assert report.figure(frame).gist


def test_a_mark_leads_to_who_joined(db: Connection) -> None:
    here, *_ = a_line(db)
    question, found = asked(vendor_actor(here), WAITLIST, period="7d", by="week")
    address = reading.link(question, WAITLIST.drill, found.rows[-1], "unmet", lambda _: True)
    assert address == (
        "/admin/waitlist-entry/list?line=all&joined_from=2026-11-16&joined_to=2026-11-20"
        "&status=expired&status=cancelled"
    )


# --- what people did ----------------------------------------------------------------------------


def a_team(db: Connection) -> tuple[int, int, int]:
    here, there = make.new_vendor(), make.new_vendor()
    with acting(admin_actor()), begin() as session:
        ana = make.user(session, name="Ana")
        make.vendor_user(session, user=ana, vendor_id=here)
    gone = 10**9
    put(UserFigures, here, date(2026, 11, 17), user_id=ana.id, sign_ins=2, made=3, changed=4,
        answered=2, answer_minutes=90)  # fmt: skip
    put(UserFigures, here, date(2026, 11, 18), user_id=ana.id, sign_ins=1, removed=1, answered=1,
        answer_minutes=30)  # fmt: skip
    put(UserFigures, here, date(2026, 11, 18), user_id=gone, made=5)
    put(UserFigures, there, date(2026, 11, 18), user_id=ana.id, changed=10)
    put(UserFigures, 0, date(2026, 11, 18), user_id=ana.id, sign_ins=6)
    roll_up(UserFigures)
    return here, ana.id, gone


def test_what_people_did_is_counted_and_never_told(db: Connection) -> None:
    here, ana, gone = a_team(db)
    question, found = asked(vendor_actor(here), ACTIVITY, period="7d")
    rows = [(r.day.day, r.people, r.sign_ins, r.changes) for r in found.rows]
    assert rows == [(17, 1, 2, 7), (18, 2, 1, 6)]
    sums = found.sums
    assert (sums["people"], sums["sign_ins"], sums["changes"]) == (2, 3, 13)
    assert (sums["answered"], sums["answered_in"]) == (3, 40)
    told = tables(vendor_actor(here), question)
    people = {r.user_id: (r.name, r.sign_ins, r.changes, r.answered_in)
              for r in told["person"].rows}  # fmt: skip
    assert people == {ana: ("Ana", 3, 8, 40), gone: (
        "The marketplace, or somebody who left", 0, 5, None)}  # fmt: skip
    days = {(r.user_id, r.day.day): r.changes for r in told["day"].rows}
    assert days == {(ana, 17): 7, (ana, 18): 1, (gone, 18): 5}


def test_people_of_one_name_are_a_row_each(db: Connection) -> None:
    here, *_ = a_team(db)
    with acting(admin_actor()), begin() as session:
        other = make.user(session, name="Ana")
        make.vendor_user(session, user=other, vendor_id=here)
    for user_id, made in ((other.id, 20), (10**9 + 1, 30)):  # the second has left, as one has
        put(UserFigures, here, date(2026, 11, 18), user_id=user_id, made=made)
    question, _ = asked(vendor_actor(here), ACTIVITY, period="7d", by="day")
    grid = drawn(question, tables(vendor_actor(here), question)["day"], str, "", bool)["grid"]
    cells = [(row["title"], [cell and cell["text"] for cell in row["cells"]])
             for row in grid["rows"]]  # fmt: skip
    left = "The marketplace, or somebody who left"
    assert cells == [
        ("Ana", ["7", "1"]), ("Ana", [None, "20"]), (left, [None, "5"]), (left, [None, "30"]),
    ]  # fmt: skip


def test_the_marketplace_sees_all_of_it(db: Connection) -> None:
    a_team(db)
    for by in ("day", "week", "month"):
        question, found = asked(admin_actor(), ACTIVITY, period="7d", by=by)
        assert (found.sums["sign_ins"], found.sums["changes"], found.sums["people"]) == (9, 23, 2)
        assert sum(r.changes for r in found.rows) == 23
    told = tables(admin_actor(), question)
    assert {r.name for r in told["vendor"].rows} > {"The marketplace itself"}
    assert told["vendor"].totals["changes"] == told["person"].totals["changes"] == 23
    assert told["vendor"].totals["people"] is None  # who works in two of them is one
