"""Bookings, against sums worked out by hand from a week of two vendors."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from random import Random
from statistics import median_low
from typing import Any

import pytest
from sqlalchemy import Connection, Numeric, delete, literal, select

from app.database import begin
from app.tenancy import Actor, DatabaseRole, acting, admin_actor, vendor_actor
from models.figures import LEADS, BookingFigures, HourFigures, StaffFigures, StaffHours
from reports import asking, lead_times, reading
from reports.registry import all_reports
from reports.report import Report
from tests import make
from tests.reports.figured import roll_up

ANALYST = Actor(DatabaseRole.ANALYST)
TODAY = date(2026, 11, 20)
MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
BOOKINGS = all_reports()["bookings"]


def asked(
    actor: Actor, report: Report = BOOKINGS, **words: str | list[str]
) -> tuple[asking.Asked, reading.Found]:
    with acting(actor), begin() as session:
        said = {name: word if isinstance(word, list) else [word] for name, word in words.items()}
        question = asking.ask(session, report, said, today=TODAY, vendor_id=actor.vendor_id)
        return question, reading.read(session, question)


def tables(actor: Actor, question: asking.Asked) -> dict[str, reading.Lines]:
    with acting(actor), begin() as session:
        return {t.key: reading.lines(session, question, t) for t in question.report.tables}


def put(model: Any, vendor_id: int, day: date, **sums: Any) -> None:
    with acting(admin_actor()), begin() as session:
        make.figures(session, model, vendor_id=vendor_id, starts_on=day, **sums)


def a_week(db: Connection) -> tuple[int, int, int, int]:
    """Eight bookings here, two there; Ana worked 150 of 480 minutes, Rui none of his 240."""
    here, there = make.new_vendor(), make.new_vendor()
    with acting(admin_actor()), begin() as session:
        ana = make.staff_member(session, vendor_id=here, name="Ana").id
        rui = make.staff_member(session, vendor_id=here, name="Rui").id
        cut = make.service(session, vendor_id=here, name="Cut").id
    put(BookingFigures, here, MONDAY, service_id=cut, bookings=5, completed=3, no_shows=1,
        cancelled=1, late=1, seats=4, minutes=150, value=Decimal(90), lost=Decimal(60),
        fees=Decimal(15))  # fmt: skip
    put(BookingFigures, here, TUESDAY, service_id=cut, channel="online", bookings=3, open=2,
        completed=1, minutes=90, value=Decimal(30))  # fmt: skip
    put(BookingFigures, there, TUESDAY, service_id=1, kind="class", bookings=2, completed=2)
    put(BookingFigures, here, date(2026, 11, 9), service_id=cut, bookings=4, completed=4)
    put(StaffFigures, here, MONDAY, staff_id=ana, bookings=5, completed=3, no_shows=1,
        cancelled=1, minutes=150, value=Decimal(90))  # fmt: skip
    put(StaffFigures, here, TUESDAY, staff_id=0, channel="online", bookings=3, completed=1,
        minutes=90)  # fmt: skip
    put(StaffHours, here, MONDAY, staff_id=ana, available_minutes=480)
    put(StaffHours, here, TUESDAY, staff_id=rui, available_minutes=240)
    put(HourFigures, here, MONDAY, weekday=1, hour=10, bookings=5, no_shows=1, minutes=150)
    put(HourFigures, here, TUESDAY, weekday=2, hour=9, channel="online", bookings=3)
    for model in (BookingFigures, StaffFigures, StaffHours, HourFigures):
        roll_up(model)
    return here, there, ana, rui


def test_outcomes_rates_and_hours_are_as_worked_out_by_hand(db: Connection) -> None:
    here, *_ = a_week(db)
    _, found = asked(vendor_actor(here), period="7d")
    rows = [(r.day.day, r.bookings, r.completed, r.open, r.no_shows, r.cancelled, r.worked,
             r.available) for r in found.rows]  # fmt: skip
    assert rows == [(16, 5, 3, 0, 1, 1, 150, 480), (17, 3, 1, 2, 0, 0, 0, 240)]
    sums = found.sums
    assert (sums["bookings"], sums["completed"], sums["lost"], sums["fees"]) == (8, 4, 60, 15)
    assert sums["no_show_rate"] == 20  # one of the five that were due
    assert sums["cancelled_rate"] == Decimal("12.5")
    assert round(sums["utilisation"], 2) == Decimal("20.83")  # 150 of 720
    assert found.sums_before is not None
    assert found.sums_before["bookings"] == 4


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_every_grouping_and_table_adds_up_to_the_same(db: Connection, by: str) -> None:
    here, there, *_ = a_week(db)
    for actor, total in ((vendor_actor(here), 8), (admin_actor(), 10), (ANALYST, 10)):
        question, found = asked(actor, **{"from": "2026-11-10", "to": "2026-11-20", "by": by})
        assert sum(r.bookings for r in found.rows) == total
        for row in found.rows:
            assert row.completed + row.open + row.no_shows + row.cancelled == row.bookings
        if actor is ANALYST:
            continue
        told = tables(actor, question)
        whole = {key: told[key].totals["bookings"] for key in ("service", "category", "channel")}
        assert whole == dict.fromkeys(whole, total)
    assert {r.vendor_id: r.bookings for r in told["vendor"].rows} == {here: 8, there: 2}


def test_who_works_how_full_and_when(db: Connection) -> None:
    here, _, ana, rui = a_week(db)
    question, found = asked(vendor_actor(here), period="7d")
    told = tables(vendor_actor(here), question)
    staff = {r.staff_id: (r.name, r.bookings, r.minutes, r.available, r.utilisation)
             for r in told["staff"].rows}  # fmt: skip
    assert staff == {
        ana: ("Ana", 5, 150, 480, Decimal("31.25")),
        rui: ("Rui", 0, 0, 240, 0),
        0: ("Nobody in particular", 3, 90, 0, None),
    }
    # what nobody in particular does takes nobody's hours, above the chart and below the table
    assert told["staff"].totals["utilisation"] == found.sums["utilisation"]
    hours = {(r.weekday, r.hour): r.bookings for r in told["hours"].rows}
    assert hours == {(1, 10): 5, (2, 9): 3}
    _, online = asked(vendor_actor(here), period="7d", channel="online")
    assert (online.sums["bookings"], online.sums["utilisation"]) == (3, 0)


def test_what_nobody_in_particular_does_is_a_row_of_each_vendor(db: Connection) -> None:
    here, there, *_ = a_week(db)
    for vendor, many in ((there, 4), (here, 1)):
        put(StaffFigures, vendor, MONDAY, category_id=9, bookings=many)
    put(StaffFigures, there, date(2026, 11, 9), bookings=2)
    put(StaffFigures, here, date(2026, 11, 9), bookings=7)
    with acting(admin_actor()), begin() as session:
        session.execute(delete(StaffFigures).where(StaffFigures.grain != "day"))
    roll_up(StaffFigures)
    question, _ = asked(admin_actor(), period="7d")
    staff = tables(admin_actor(), question)["staff"]
    nobody = [(r.vendor_id, r.bookings, r.before) for r in staff.rows if r.staff_id == 0]
    assert nobody == [(here, 4, 7), (there, 4, 2)]
    assert (staff.many, staff.totals["bookings"], staff.totals["before"]) == (4, 13, 9)


def test_marks_and_rows_lead_to_their_bookings(db: Connection) -> None:
    here, _, ana, _ = a_week(db)
    actor = vendor_actor(here)
    question, found = asked(actor, period="7d", by="week", channel="online")
    address = reading.link(question, BOOKINGS.drill, found.rows[-1], "no_shows", lambda _: True)
    assert address is not None
    assert "day_from=2026-11-16&day_to=2026-11-20&held=no&status=no_show&channel=online" in address
    question, _ = asked(actor, period="7d")
    table = next(t for t in BOOKINGS.tables if t.key == "staff")
    row = next(r for r in tables(actor, question)["staff"].rows if r.staff_id == ana)
    address = reading.link(question, table.drill, row, None, lambda _: True)
    assert address == (
        f"/admin/booking/list?day_from=2026-11-14&day_to=2026-11-20&held=no&staff={ana}"
    )


def test_nothing_is_told_of_nothing(db: Connection) -> None:
    here = make.new_vendor()
    question, found = asked(vendor_actor(here), period="24m", category="999", channel="partner")
    assert reading.is_empty(found)
    assert all(not lines.rows for lines in tables(vendor_actor(here), question).values())
    frame = reading.frame_of(question, found, lambda _: True)
    assert BOOKINGS.figure is not None
    assert BOOKINGS.figure(frame).gist


def test_lead_times_are_as_counted_by_hand(db: Connection) -> None:
    here, there = make.new_vendor(), make.new_vendor()
    put(BookingFigures, here, MONDAY, bookings=9, cancelled=1, lead_0=3, lead_1=1, lead_2=4)
    put(BookingFigures, here, TUESDAY, channel="online", bookings=14, lead_0=1, lead_1=1,
        lead_4=7, lead_31=5)  # fmt: skip
    put(BookingFigures, here, TUESDAY, channel="phone", bookings=2, lead_31=2)
    put(BookingFigures, here, TUESDAY, channel="import", bookings=6)
    put(BookingFigures, there, TUESDAY, bookings=40, lead_0=40)
    put(BookingFigures, here, date(2026, 11, 9), bookings=2, lead_0=1, lead_8=1)
    roll_up(BookingFigures)
    actor = vendor_actor(here)
    question, found = asked(actor, period="7d", by="day")
    # 24 are known: 4 the same day, 2 a day ahead, 4 of 2 to 3 days, 7 of 4 to 7, 7 of over 30.
    # The twelfth is the second of the seven of 4 to 7, so of the first of these four days.
    assert (found.sums["lead"], round(found.sums["same_day"], 2)) == (4, Decimal("16.67"))
    assert [(r.day.day, r.lead, r.lead_0, r.known) for r in found.rows] == [
        (16, 1, 3, 8), (17, 6, 1, 16),
    ]  # fmt: skip
    assert found.sums_before is not None
    assert (found.sums_before["lead"], found.sums_before["same_day"]) == (0, 50)
    told = tables(actor, question)
    by_channel = {r.channel: (r.lead, r.same_day) for r in told["channel"].rows}
    assert by_channel == {
        "walk_in": (1, Decimal("37.5")), "online": (6, pytest.approx(Decimal(100) / 14)),
        "phone": (31, 0), "import": (None, None),
    }  # fmt: skip
    assert told["channel"].totals["lead"] == told["service"].totals["lead"] == 4
    assert [(r.name, r.bookings, r.before) for r in told["lead"].rows] == [
        ("Same day", 4, 1), ("1 day", 2, 0), ("2–3 days", 4, 0), ("4–7 days", 7, 0),
        ("8–14 days", 0, 1), ("15–30 days", 0, 0), ("Over 30 days", 7, 0),
    ]  # fmt: skip
    _, found = asked(ANALYST, period="7d")
    assert found.sums["lead"] == 0  # the 40 of the other vendor


def test_a_median_is_one_of_the_days_it_can_be(db: Connection) -> None:
    """Every small distribution against its median, with days spread evenly over their group."""
    spans = [*pairwise(LEADS), (LEADS[-1], LEADS[-1] + 1)]
    random = Random(7)
    drawn = [[random.choice((0, 0, 1, 2, 5, 9)) for _ in LEADS] for _ in range(300)]
    with acting(admin_actor()), begin() as session:
        for counts in drawn:
            named = dict(zip(lead_times.NAMES, counts, strict=True))
            spread = [low + place * (after - low) // many
                      for (low, after), many in zip(spans, counts, strict=True)
                      for place in range(many)]  # fmt: skip
            wanted = median_low(spread) if spread else None
            of = {name: literal(many, Numeric) for name, many in named.items()}
            assert session.scalar(select(lead_times.median(of.__getitem__))) == wanted, named
