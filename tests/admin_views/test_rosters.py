"""Rosters, the waitlist and series in hostile hands: a sentence, never an error, nothing half."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import class_sessions, waitlist
from app.tenancy import Actor, DatabaseRole, PanelRole, acting, vendor_actor
from models.booking_series import BookingSeries
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession
from models.customers import Customer
from models.staff import StaffMember
from models.waitlist import WaitlistEntry
from tests import make
from tests.admin_views.panel_client import PanelClient, manager
from tests.admin_views.reading import leaks, text_of

JUNK = ("", "0", "-1", "abc", "\x00", "x\x002", "9" * 30, "9223372036854775808", "1e3", "²", "💩")


@pytest.fixture
def vendor(db: Connection, panel: PanelClient) -> Iterator[int]:
    """A vendor in Lisbon at noon of a Friday; its manager is at the panel."""
    number = make.new_vendor()
    panel.as_(manager(number))
    with clock.stopped_at(make.NOON):
        yield number


@pytest.fixture
def foreign(db: Connection) -> int:
    """Another vendor."""
    return make.new_vendor()


def of(vendor: int, make_one: Any, **fields: Any) -> int:
    """The id of a new row of a vendor."""
    with acting(vendor_actor(vendor)), begin() as session:
        return int(make_one(session, **fields).id)


def a_class(vendor: int, **fields: Any) -> int:
    """The id of a class of two places, tomorrow."""
    values = {"seats": 2, "starts_at": make.NOON + timedelta(days=1)} | fields
    return of(vendor, make.class_session, **values)


def count(vendor: int, model: Any) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        query = select(func.count()).select_from(model).where(model.vendor_id == vendor)
        return session.scalar(query) or 0


def got(vendor: int, model: Any, number: int) -> Any:
    with acting(vendor_actor(vendor)), begin() as session:
        return session.get_one(model, number)


def said(answer: Any, *codes: int) -> str:
    """What an answer says; it leaks nothing and has one of these statuses."""
    assert answer.status_code in codes, (answer.status_code, text_of(answer.text)[-600:])
    assert leaks(answer.text) is None
    return text_of(answer.text)


# --- the roster -------------------------------------------------------------------------------


@pytest.mark.parametrize("junk", JUNK)
def test_no_customer_that_somebody_made_up_joins(
    panel: PanelClient, vendor: int, junk: str
) -> None:
    number = a_class(vendor)
    answer = panel.post(
        f"/admin/class-session/{number}/join", data={"customer": junk, "do": "join"}
    )
    assert "choose" in said(answer, 400)
    assert got(vendor, ClassSession, number).taken == 0


@pytest.mark.parametrize("junk", [j for j in JUNK if j not in ("", "\x00")])
def test_no_number_of_places_that_cannot_be_is_taken(
    panel: PanelClient, vendor: int, junk: str
) -> None:
    number, customer = a_class(vendor), of(vendor, make.customer)
    data = {"customer": str(customer), "seats": junk, "do": "join"}
    said(panel.post(f"/admin/class-session/{number}/join", data=data), 400)
    assert got(vendor, ClassSession, number).taken == 0


def test_nobody_of_another_vendor_joins_and_no_foreign_class_is_joined(
    panel: PanelClient, vendor: int, foreign: int
) -> None:
    number, theirs = a_class(vendor), a_class(foreign)
    stranger, customer = of(foreign, make.customer), of(vendor, make.customer)
    for do in ("join", "wait"):
        data = {"customer": str(stranger), "do": do}
        said(panel.post(f"/admin/class-session/{number}/join", data=data), 400)
        data = {"customer": str(customer), "do": do}
        said(panel.post(f"/admin/class-session/{theirs}/join", data=data), 403, 404)
    assert count(vendor, Booking) == count(foreign, Booking) == 0
    assert count(vendor, WaitlistEntry) == count(foreign, WaitlistEntry) == 0


def test_somebody_new_joins_with_a_name_and_is_found_by_their_phone(
    panel: PanelClient, vendor: int
) -> None:
    number, other = a_class(vendor), a_class(vendor)
    new = {"name": "Noor Jansen", "phone": "912 345 678", "do": "join"}
    for one in (number, other):
        assert panel.post(f"/admin/class-session/{one}/join", data=new).status_code == 303
        assert "Noor Jansen" in text_of(panel.get(f"/admin/class-session/details/{one}").text)
    assert count(vendor, Customer) == 1
    bad = new | {"phone": "abc"}
    answer = panel.post(f"/admin/class-session/{number}/join", data=bad)
    assert "This is no phone number" in said(answer, 400)
    assert 'value="Noor Jansen"' in answer.text  # nothing typed is lost
    assert (count(vendor, Customer), count(vendor, Booking)) == (1, 2)


def test_a_refusal_takes_nobody_new_in(panel: PanelClient, vendor: int) -> None:
    number = a_class(vendor, seats=1)
    of(vendor, _into, number=number)
    new = {"name": "Noor Jansen", "do": "join"}
    said(panel.post(f"/admin/class-session/{number}/join", data=new), 400)
    assert count(vendor, Customer) == 1  # who is in it


def test_a_second_click_takes_no_second_place(panel: PanelClient, vendor: int) -> None:
    number, customer = a_class(vendor), of(vendor, make.customer)
    data = {"customer": str(customer), "seats": "1", "do": "join"}
    assert panel.post(f"/admin/class-session/{number}/join", data=data).status_code == 303
    answer = panel.post(f"/admin/class-session/{number}/join", data=data)
    assert "in this class already" in said(answer, 400)
    assert got(vendor, ClassSession, number).taken == 1


def test_nobody_waits_twice_nor_for_a_class_with_places(panel: PanelClient, vendor: int) -> None:
    number, customer = a_class(vendor, seats=1), of(vendor, make.customer)
    data = {"customer": str(customer), "do": "wait"}
    answer = panel.post(f"/admin/class-session/{number}/join", data=data)
    assert "There are seats left" in said(answer, 400)
    of(vendor, _into, number=number)
    assert panel.post(f"/admin/class-session/{number}/join", data=data).status_code == 303
    assert "waits for this already" in said(
        panel.post(f"/admin/class-session/{number}/join", data=data), 400
    )
    assert count(vendor, WaitlistEntry) == 1


def _into(session: Session, number: int) -> Booking:
    customer = make.customer(session)
    return class_sessions.join(session, class_session_id=number, customer_id=customer.id)


def test_a_class_called_off_twice_is_called_off_once(panel: PanelClient, vendor: int) -> None:
    number = a_class(vendor)
    of(vendor, _into, number=number)
    page = text_of(panel.get(f"/admin/class-session/details/{number}").text)
    assert "1 place" in page
    for _ in range(2):
        url = f"/admin/class-session/do/{number}/call-off"
        assert panel.post(url, data={"reason": "x\x00"}).status_code == 303
    assert got(vendor, ClassSession, number).status == "cancelled"
    page = panel.get(f"/admin/class-session/details/{number}")
    assert "Call off" not in said(page, 200).split("Changes")[0]


def test_a_class_that_moves_takes_everybody_along(panel: PanelClient, vendor: int) -> None:
    number = a_class(vendor)
    booking = of(vendor, _into, number=number)
    path = f"/admin/class-session/edit/{number}"
    data = panel.form_values(path) | {"starts_at": "2026-11-21T15:00", "seats": "5"}
    assert panel.post(path, data=data).status_code == 303
    found = got(vendor, ClassSession, number)
    assert (found.starts_at.hour, found.seats) == (15, 5)
    assert got(vendor, Booking, booking).starts_at == found.starts_at
    data = panel.form_values(path) | {"seats": "0"}
    assert "from 1" in said(panel.post(path, data=data), 400)
    of(vendor, _into, number=number)
    data = panel.form_values(path) | {"seats": "1"}
    assert "2 seats are taken" in said(panel.post(path, data=data), 400)


def test_weeks_that_cannot_all_be_had_are_none(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session, kind="class", name="Yoga").id
        person = make.staff_member(session, name="Rita")
        third = make.NOON + timedelta(days=18)
        make.booking(session, staff=person, starts_at=third)
        who = person.id
    data = panel.form_values("/admin/class-session/create") | {
        "service": str(service), "staff": str(who), "starts_at": "2026-11-24T12:00", "weeks": "4",
    }  # fmt: skip
    answer = panel.post("/admin/class-session/create", data=data)
    page = said(answer, 400)
    assert "Nothing was planned" in page
    assert count(vendor, ClassSession) == 0
    assert 'value="2026-11-24T12:00"' in answer.text  # nothing typed is lost
    for weeks in ("0", "53", "-1", "\x00", "1e2"):
        said(panel.post("/admin/class-session/create", data=data | {"weeks": weeks}), 400)
    assert panel.post("/admin/class-session/create", data=data | {"weeks": "2"}).status_code == 303
    assert count(vendor, ClassSession) == 2


def test_a_class_is_completed_from_its_roster_by_staff_too(
    panel: PanelClient, vendor: int, foreign: int
) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        found = make.class_session(session, seats=4, starts_at=make.NOON + timedelta(hours=1))
        ids = {"class_session_id": found.id}
        for status in ("confirmed", "confirmed", "pending"):
            customer = make.customer(session).id
            class_sessions.join(session, **ids, customer_id=customer, status=BookingStatus(status))
        first = session.scalars(select(Booking.id).order_by(Booking.id)).first()
        theirs = of(foreign, make.class_session, starts_at=make.NOON - timedelta(hours=1))
    page, do = f"/admin/class-session/details/{found.id}", f"/admin/class-session/do/{found.id}"
    panel.as_(Actor(DatabaseRole.VENDOR, vendor, 1, PanelRole.STAFF))
    assert "Complete class" not in said(panel.get(page), 200)
    assert panel.post(f"{do}/complete").status_code == 303  # not begun: nothing happens
    assert got(vendor, ClassSession, found.id).status == "scheduled"
    with clock.stopped_at(found.ends_at + timedelta(hours=1)):
        over = "/admin/class-session/list?when=needed"
        assert "0 of 1" not in said(panel.get(over), 200)
        assert f"/admin/class-session/details/{found.id}" in panel.get(over).text
        side = panel.get("/admin/calendar").text
        assert f'href="/admin/class-session/details/{found.id}">Who came' in side
        panel.post(f"/admin/booking/do/{first}/check-in")
        asked = said(panel.get(page), 200)
        assert "1 checked in, 0 marked as not come" in asked
        assert "1 booking is not marked and counts as having come" in asked
        assert "1 booking never confirmed" in asked
        for _ in range(2):
            assert panel.post(f"{do}/complete").status_code == 303
        said(panel.post(f"/admin/class-session/do/{theirs}/complete"), 303, 403, 404)
        for junk in ("0", "abc", "9" * 30):
            said(panel.post(f"/admin/class-session/do/{junk}/complete"), 303, 404)
        assert "Complete class" not in said(panel.get(page), 200)
        assert f"/admin/class-session/details/{found.id}" not in panel.get(over).text
    assert got(vendor, ClassSession, found.id).status == "completed"
    assert got(foreign, ClassSession, theirs).status == "scheduled"
    with acting(vendor_actor(vendor)), begin() as session:
        states = session.scalars(select(Booking.status).order_by(Booking.id)).all()
        assert states == ["completed", "completed", "cancelled"]


# --- the waitlist -----------------------------------------------------------------------------


def waiting(vendor: int, **fields: Any) -> int:
    values = {"earliest": make.NOON, "latest": make.NOON + timedelta(days=7)} | fields
    return of(vendor, make.waitlist_entry, **values)


@pytest.mark.parametrize(
    "slot",
    ["", "x", "@", "2026-11-21T10:00", "2026-11-21T10:00:00+00:00@abc", "\x00@1",
     "9999-12-31T23:59:00+00:00@", "0001-01-01T00:00:00+00:00@",
     "2026-11-21T10:00:00+00:00@" + "9" * 30],
)  # fmt: skip
def test_no_time_that_somebody_made_up_is_offered(
    panel: PanelClient, vendor: int, slot: str
) -> None:
    entry = waiting(vendor)
    said(panel.post(f"/admin/waitlist-entry/{entry}/offer", data={"slot": slot}), 400)
    assert got(vendor, WaitlistEntry, entry).status == "waiting"


@pytest.mark.parametrize("minutes", ["0", "-1", "x", "10081", "9" * 30, "1.5"])
def test_no_offer_is_held_for_ever(panel: PanelClient, vendor: int, minutes: str) -> None:
    entry = waiting(vendor)
    of(vendor, make.staff_member)
    data = {"slot": "2026-11-21T10:00:00+00:00@", "minutes": minutes}
    assert "10,080" in said(panel.post(f"/admin/waitlist-entry/{entry}/offer", data=data), 400)


def test_a_foreign_entry_gets_no_offer_and_no_foreign_person_gives_one(
    panel: PanelClient, vendor: int, foreign: int
) -> None:
    entry, theirs = waiting(vendor), waiting(foreign)
    person = of(foreign, make.staff_member)
    data = {"slot": "2026-11-21T10:00:00+00:00@", "minutes": "30"}
    for verb in (panel.get, panel.post):
        said(verb(f"/admin/waitlist-entry/{theirs}/offer"), 403, 404)
    said(panel.post(f"/admin/waitlist-entry/{theirs}/offer", data=data), 403, 404)
    data["slot"] += str(person)
    said(panel.post(f"/admin/waitlist-entry/{entry}/offer", data=data), 400)
    assert count(vendor, Booking) == count(foreign, Booking) == 0


def wish_of(panel: PanelClient, entry: int, **typed: str) -> Any:
    """The answer to the form of an entry, filled in anew."""
    url = f"/admin/waitlist-entry/edit/{entry}"
    return panel.post(url, data=panel.form_values(url) | typed)


def test_a_wish_is_changed_on_its_page(panel: PanelClient, vendor: int) -> None:
    person = of(vendor, make.staff_member, name="Rita")
    entry = waiting(vendor, from_time=time(9))
    before = got(vendor, WaitlistEntry, entry)
    shown = panel.form_values(f"/admin/waitlist-entry/edit/{entry}")
    assert (shown["first_day"], shown["last_day"]) == ("2026-11-20", "2026-11-27")
    assert not {"customer", "service", "class_session", "channel"} & shown.keys()
    assert wish_of(panel, entry, note="Rings first").status_code == 303
    after = got(vendor, WaitlistEntry, entry)
    assert (after.note, after.earliest, after.latest) == (
        "Rings first", before.earliest, before.latest,
    )  # fmt: skip
    wanted = {
        "staff": str(person),
        "last_day": "2026-11-25",
        "from_time": "",
        "until_time": "12:00",
    }
    assert wish_of(panel, entry, **wanted).status_code == 303
    page = said(panel.get(f"/admin/waitlist-entry/details/{entry}"), 200)
    assert "Rita" in page
    assert "20 Nov – 25 Nov, until 12:00" in page
    after = got(vendor, WaitlistEntry, entry)
    assert (after.queued_at, after.latest) == (
        before.queued_at, datetime(2026, 11, 26, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [({"last_day": ""}, "Choose a last day"), ({"last_day": "2026-11-19"}, "ends before it begins"),
     ({"last_day": "2099-01-01"}, "a year"), ({"first_day": "2026-12-24"}, "ends before it begins"),
     ({"last_day": "9" * 30}, "no date"), ({"first_day": "2026-13-40"}, "no date"),
     ({"from_time": "18:00", "until_time": "9:00"}, "no time"),
     ({"from_time": "18:00", "until_time": "09:00"}, "end before they begin"),
     ({"staff": "9" * 30}, "not here"), ({"staff": "abc"}, "not here"),
     ({"note": "x" * 501}, "500"), ({"seen": "x"}, "meanwhile"), ({"seen": ""}, "meanwhile")],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_a_sentence_at_its_field(
    panel: PanelClient, vendor: int, typed: dict[str, str], sentence: str
) -> None:
    entry = waiting(vendor, note="Calls")
    before = got(vendor, WaitlistEntry, entry)
    answer = wish_of(panel, entry, **typed)
    assert sentence in said(answer, 400)
    after = got(vendor, WaitlistEntry, entry)
    assert (after.earliest, after.latest, after.note) == (before.earliest, before.latest, "Calls")
    assert after.updated_at == before.updated_at


def test_who_waits_already_is_led_to_that_entry(panel: PanelClient, vendor: int) -> None:
    first = waiting(vendor)
    known = got(vendor, WaitlistEntry, first)
    form = panel.form_values("/admin/waitlist-entry/create") | {
        "customer": str(known.customer_id), "service": str(known.service_id),
        "last_day": "2026-11-24",
    }  # fmt: skip
    answer = panel.post("/admin/waitlist-entry/create", data=form)
    assert "change that entry instead" in said(answer, 400)
    assert f'href="/admin/waitlist-entry/details/{first}"' in answer.text
    evenings = form | {"from_time": "17:00"}
    assert panel.post("/admin/waitlist-entry/create", data=evenings).status_code == 303
    answer = wish_of(panel, first + 1, from_time="")
    said(answer, 400)
    assert f'href="/admin/waitlist-entry/details/{first}"' in answer.text


def test_an_offered_wish_keeps_its_time_or_says_why_not(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        person = make.staff_member(session, name="Rita").id
        entry = make.waitlist_entry(session, latest=make.NOON + timedelta(days=7)).id
        starts = make.NOON + timedelta(days=3)
        waitlist.offer(session, entry_id=entry, starts_at=starts, staff_id=person)
    answer = wish_of(panel, entry, until_time="11:00")
    assert "let them answer first" in said(answer, 400)
    assert wish_of(panel, entry, note="Rings first", from_time="11:00").status_code == 303
    found = got(vendor, WaitlistEntry, entry)
    assert (found.status, found.from_time) == ("offered", time(11))
    of_class = waiting(vendor, class_session_id=a_class(vendor))
    shown = panel.form_values(f"/admin/waitlist-entry/edit/{of_class}")
    assert "note" in shown
    assert "last_day" not in shown
    forged = {"note": "Hi", "last_day": "2026-11-22", "staff": str(person)}
    assert wish_of(panel, of_class, **forged).status_code == 303
    assert got(vendor, WaitlistEntry, of_class).staff_id is None


def test_what_is_settled_or_foreign_is_not_changed(
    panel: PanelClient, vendor: int, foreign: int
) -> None:
    entry, theirs = waiting(vendor), waiting(foreign)
    shown = panel.form_values(f"/admin/waitlist-entry/edit/{entry}")
    assert panel.post(f"/admin/waitlist-entry/do/{entry}/leave").status_code == 303
    said(panel.get(f"/admin/waitlist-entry/edit/{entry}"), 403)
    said(panel.post(f"/admin/waitlist-entry/edit/{entry}", data=shown | {"note": "x"}), 403)
    for verb in (panel.get, panel.post):
        said(verb(f"/admin/waitlist-entry/edit/{theirs}"), 403, 404)
    url = f"/admin/waitlist-entry/edit/{theirs}"
    said(panel.post(url, data=shown | {"note": "mine"}), 403, 404)
    assert got(foreign, WaitlistEntry, theirs).note != "mine"
    assert "Edit" not in said(panel.get(f"/admin/waitlist-entry/details/{entry}"), 200)


def test_an_offer_is_made_answered_and_answered_once(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        person = make.staff_member(session, name="Rita").id
        entry = make.waitlist_entry(session, staff_id=person).id
    page = panel.get(f"/admin/waitlist-entry/{entry}/offer")
    assert "Rita" in said(page, 200)
    slot = page.text.split('name="slot" value="', 1)[1].split('"', 1)[0].replace("&#43;", "+")
    data = {"slot": slot, "minutes": "45"}
    url = f"/admin/waitlist-entry/{entry}/offer"
    assert panel.post(url, data=data).status_code == 303
    said(panel.post(url, data=data), 400, 303)
    assert got(vendor, WaitlistEntry, entry).offers == 1
    for _ in range(2):
        assert panel.post(f"/admin/waitlist-entry/do/{entry}/accept").status_code == 303
    found = got(vendor, WaitlistEntry, entry)
    assert found.status == "booked"
    assert got(vendor, Booking, found.booking_id).status == "confirmed"
    assert count(vendor, Booking) == 1


@pytest.mark.parametrize("junk", [*JUNK, "2026-11-21T10:00"])
def test_a_gap_that_cannot_be_is_a_sentence(panel: PanelClient, vendor: int, junk: str) -> None:
    person = of(vendor, make.staff_member)
    for query in (
        {"staff": junk, "from": "2026-11-21T10:00", "to": "2026-11-21T11:00"},
        {"staff": str(person), "from": junk, "to": "2026-11-21T11:00"},
        {"staff": str(person), "from": "2026-11-21T10:00", "to": junk},
    ):
        said(panel.get("/admin/waitlist-entry/fits", params=query), 200, 400, 404)


def test_a_gap_shows_who_fits_and_none_of_another_vendors(
    panel: PanelClient, vendor: int, foreign: int
) -> None:
    person, stranger = of(vendor, make.staff_member), of(foreign, make.staff_member)
    waiting(vendor)
    with acting(vendor_actor(vendor)), begin() as session:
        name = session.scalars(select(Customer.full_name).where(Customer.vendor_id == vendor)).one()
    query = {"staff": str(person), "from": "2026-11-21T10:00", "to": "2026-11-21T12:00"}
    assert str(name) in said(panel.get("/admin/waitlist-entry/fits", params=query), 200)
    answer = panel.get("/admin/waitlist-entry/fits", params=query | {"staff": str(stranger)})
    assert str(name) not in said(answer, 400, 404)


# --- series -----------------------------------------------------------------------------------


def series_form(panel: PanelClient, vendor: int, **changed: str) -> dict[str, Any]:
    """A weekly hour with a service and a person, as the form posts it."""
    with acting(vendor_actor(vendor)), begin() as session:
        given = {
            "customer": str(make.customer(session).id), "service": str(make.service(session).id),
            "staff": str(make.staff_member(session).id), "rhythm": "week", "occurrences": "4",
            "starts_on": "2026-11-24", "starts": "10:00",
        }  # fmt: skip
    return panel.form_values("/admin/booking-series/create") | given | changed


NEW = "/admin/booking-series/create"


def test_a_preview_writes_nothing_and_a_second_click_books_nothing_more(
    panel: PanelClient, vendor: int
) -> None:
    data = series_form(panel, vendor)
    assert "All 4 can be booked" in said(panel.post(NEW, data=data | {"save": "preview"}), 200)
    assert count(vendor, BookingSeries) == count(vendor, Booking) == 0
    assert panel.post(NEW, data=data | {"save": "book"}).status_code == 303
    assert "has this series already" in said(panel.post(NEW, data=data | {"save": "book"}), 400)
    assert (count(vendor, BookingSeries), count(vendor, Booking)) == (1, 4)


@pytest.mark.parametrize(
    ("field", "junk"),
    [("occurrences", j) for j in (*JUNK, "53", "1000000")]
    + [("rhythm", j) for j in JUNK] + [("starts", j) for j in (*JUNK, "25:00")]
    + [("starts_on", j) for j in (*JUNK, "2026-02-30", "0001-01-01", "9999-12-31")]
    + [("customer", j) for j in JUNK] + [("service", j) for j in JUNK],
)  # fmt: skip
def test_a_series_that_cannot_be_is_refused(
    panel: PanelClient, vendor: int, field: str, junk: str
) -> None:
    data = series_form(panel, vendor, **{field: junk})
    for save in ("preview", "book"):
        answer = panel.post(NEW, data=data | {"save": save})
        said(answer, 400)
        assert data["starts_on"].replace("\x00", "") in answer.text or field == "starts_on"
    assert count(vendor, Booking) == 0


@pytest.mark.parametrize("fix", ["staff:1e9", "staff:" + "9" * 18, "never", "staff:", "\x00", "💩"])
def test_a_fix_that_somebody_made_up_books_nothing(
    panel: PanelClient, vendor: int, fix: str
) -> None:
    data = series_form(panel, vendor) | {"save": "book", "fix-2": fix}
    answer = panel.post(NEW, data=data)
    if fix == "\x00":  # nothing is left of it: there is no fix
        assert answer.status_code == 303
        return
    said(answer, 400)
    assert count(vendor, Booking) == count(vendor, BookingSeries) == 0


def test_a_conflict_is_fixed_or_nothing_is_booked(panel: PanelClient, vendor: int) -> None:
    data = series_form(panel, vendor)
    with acting(vendor_actor(vendor)), begin() as session:
        person = session.get_one(StaffMember, int(data["staff"]))
        make.booking(session, staff=person, starts_at=make.NOON + timedelta(days=11, hours=-2))
    page = said(panel.post(NEW, data=data | {"save": "preview"}), 200)
    assert "1 of 4 is in the way" in page
    assert "Skip this one" in page
    answer = panel.post(NEW, data=data | {"save": "book"})
    assert "Nothing was booked. Number 2" in said(answer, 400)
    assert count(vendor, Booking) == 1
    assert panel.post(NEW, data=data | {"save": "book", "fix-2": "skip"}).status_code == 303
    assert count(vendor, Booking) == 4


def booked(panel: PanelClient, vendor: int) -> tuple[int, list[int]]:
    """The number of a series, and those of its four bookings."""
    answer = panel.post(NEW, data=series_form(panel, vendor) | {"save": "book"})
    assert answer.status_code == 303
    with acting(vendor_actor(vendor)), begin() as session:
        series = session.scalars(select(BookingSeries.id).order_by(BookingSeries.id.desc())).first()
        found = select(Booking.id).where(Booking.series_id == series).order_by(Booking.id)
        return int(series or 0), list(session.scalars(found))


def test_this_and_the_following_change_and_end(panel: PanelClient, vendor: int) -> None:
    number, ids = booked(panel, vendor)
    page = panel.get(f"/admin/booking/details/{ids[2]}").text
    way = f"/admin/booking-series/details/{number}?booking={ids[2]}"
    assert way in page
    assert panel.get(way).text.count(f'<option value="{ids[2]}" selected>') == 2
    url = f"/admin/booking-series/{number}"
    data = {"booking": str(ids[1]), "scope": "following", "starts": "11:30"}
    assert panel.post(f"{url}/change", data=data).status_code == 303
    hours = [got(vendor, Booking, one).starts_at.hour for one in ids]
    assert hours == [10, 11, 11, 11]
    data = {"booking": str(ids[3]), "scope": "this", "by": "vendor", "reason": "Holiday"}
    assert panel.post(f"{url}/end", data=data).status_code == 303
    assert got(vendor, Booking, ids[3]).status == "cancelled"
    assert got(vendor, Booking, ids[2]).status != "cancelled"
    assert "stays as it is" in said(panel.post(f"{url}/end", data=data), 400)


@pytest.mark.parametrize(
    "changed",
    [{"booking": j} for j in JUNK] + [{"scope": j} for j in ("", "all", "\x00")]
    + [{"starts": j} for j in ("25:00", "x", "9" * 30)] + [{"staff": j} for j in ("abc", "9" * 30)]
    + [{"by": j} for j in ("", "me", "\x00")],
    ids=ascii,
)  # fmt: skip
def test_a_change_that_cannot_be_is_a_sentence(
    panel: PanelClient, vendor: int, changed: dict[str, str]
) -> None:
    number, ids = booked(panel, vendor)
    data = {"booking": str(ids[0]), "scope": "this", "starts": "11:00", "by": "vendor"} | changed
    for do in ("change", "end"):
        if (do == "end" and {"starts", "staff"} & set(changed)) or (
            do == "change" and "by" in changed
        ):
            continue
        said(panel.post(f"/admin/booking-series/{number}/{do}", data=data), 400)
    assert [got(vendor, Booking, one).status for one in ids] == ["pending"] * 4


def test_a_booking_of_another_series_or_vendor_is_not_changed_here(
    panel: PanelClient, vendor: int, foreign: int
) -> None:
    number, ids = booked(panel, vendor)
    _, others = booked(panel, vendor)
    panel.as_(manager(foreign))
    theirs, _ = booked(panel, foreign)
    panel.as_(manager(vendor))
    data = {"booking": str(others[0]), "scope": "following", "by": "vendor", "starts": "12:00"}
    for do in ("change", "end"):
        said(panel.post(f"/admin/booking-series/{number}/{do}", data=data), 400)
        said(panel.post(f"/admin/booking-series/{theirs}/{do}", data=data), 403, 404)
    assert {got(vendor, Booking, one).starts_at.hour for one in (*ids, *others)} == {10}


# --- lists that begin with what is still to come ------------------------------------------------


def test_a_list_begins_with_what_is_to_come_and_shows_all_when_it_is_cleared(
    panel: PanelClient, vendor: int
) -> None:
    old, new = a_class(vendor, starts_at=make.NOON - timedelta(days=9)), a_class(vendor)
    path = "/admin/class-session"
    listed = panel.get(f"{path}/list").text
    assert f"{path}/details/{new}" in listed
    assert f"{path}/details/{old}" not in listed
    assert 'href="?when=all"' in listed
    cleared = panel.get(f"{path}/list?when=all").text
    assert f"{path}/details/{old}" in cleared
    assert "Clear all" not in cleared
