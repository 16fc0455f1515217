"""Classes, series, the waitlist and feeds on screen, from the first click to the last."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.database import begin
from app.operations import feeds
from app.tenancy import GATE, SYSTEM, Actor, DatabaseRole, PanelRole, acting, vendor_actor
from app.transact import in_transaction
from models.booking_series import BookingSeries
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.feeds import CalendarFeed
from models.staff import StaffMember
from models.waitlist import WaitlistEntry
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import leaks, text_of

DAY = timedelta(days=1)


@pytest.fixture
def vendor(panel: PanelClient, at_noon: datetime) -> int:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    panel.as_(manager(vendor))
    return vendor


def put(vendor: int, noun: Any, **fields: Any) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return int(noun(session, **fields).id)


def every(vendor: int, model: Any) -> list[Any]:
    with acting(vendor_actor(vendor)), begin() as session:
        return list(session.scalars(select(model).order_by(model.id)))


def post(panel: PanelClient, path: str, status: int = 303, **data: Any) -> str:
    """The page that answers, or the one it leads to, as text."""
    answer = panel.post(f"/admin/{path}", data=data)
    assert answer.status_code == status, text_of(answer.text)[-600:]
    assert leaks(answer.text) is None
    if status != 303:
        return text_of(answer.text)
    return text_of(panel.get(answer.headers["location"]).text)


# --- classes --------------------------------------------------------------------------------


def planned(panel: PanelClient, vendor: int, **fields: Any) -> int:
    """The id of a class of two places, planned on screen."""
    service = put(vendor, make.service, kind="class", name="Yoga", capacity=2)
    data = {"service": service, "starts_at": "2026-12-01T18:00", "weeks": "1"} | fields
    page = post(panel, "class-session/create", **data)
    assert "Yoga, 1 Dec, 18:00" in page
    return int(every(vendor, ClassSession)[0].id)


def test_a_class_is_planned_for_weeks_and_joined_until_it_is_full(
    panel: PanelClient, vendor: int
) -> None:
    number = planned(panel, vendor, weeks="3")
    assert len(every(vendor, ClassSession)) == 3
    people = [put(vendor, make.customer, full_name=f"Guest {n}") for n in range(3)]
    join = f"class-session/{number}/join"
    for person in people[:2]:
        page = post(panel, join, customer=person, seats="1", do="join")
    assert "2 of 2 taken" in page
    assert "Put on the waitlist" in page
    assert "This class is full" in post(panel, join, 400, customer=people[2], do="join")
    page = post(panel, join, customer=people[2], do="wait")
    assert "Who waits" in page
    assert "Guest 2" in page
    assert "0 free places" in page


def test_who_cannot_come_frees_a_place_that_is_offered(panel: PanelClient, vendor: int) -> None:
    number = planned(panel, vendor, seats="1")
    first, second = (put(vendor, make.customer, full_name=n) for n in ("Ana", "Bea"))
    join = f"class-session/{number}/join"
    post(panel, join, customer=first, do="join")
    post(panel, join, customer=second, do="wait")
    html = panel.get(f"/admin/class-session/details/{number}").text
    [booking] = every(vendor, Booking)
    assert f'data-dialog="leave-{booking.id}"' in html
    assert "Cancelling now costs nothing" in text_of(html)
    leave = panel.post(f"/admin/booking/do/{booking.id}/customer-cancels", data={"fee": "0.00"})
    assert leave.status_code == 303
    [entry] = every(vendor, WaitlistEntry)
    if entry.status == "waiting":  # the task that offers it runs elsewhere
        post(panel, f"waitlist-entry/do/{entry.id}/offer-seat")
    page = text_of(panel.get(f"/admin/class-session/details/{number}").text)
    assert "Says yes" in page
    assert "Yes" not in post(panel, f"waitlist-entry/do/{entry.id}/accept")
    assert every(vendor, WaitlistEntry)[0].status == "booked"


@pytest.mark.parametrize(
    ("typed", "said"),
    [({}, "Nobody was chosen"), ({"customer": "abc"}, "Nobody was chosen"),
     ({"customer": "999999999"}, "Nobody was chosen"), ({"seats": "0"}, "from 1 to 10,000 seats"),
     ({"seats": "-1"}, "from 1 to 10,000 seats"), ({"seats": "9" * 30}, "from 1 to 10,000 seats"),
     ({"seats": "3"}, "This class is full"), ({"do": "wait"}, "There are seats left")],
)  # fmt: skip
def test_who_cannot_join_is_told_at_the_field(
    panel: PanelClient, vendor: int, typed: dict[str, str], said: str
) -> None:
    number = planned(panel, vendor)
    person = put(vendor, make.customer)
    data = {"customer": person, "seats": "1", "do": "join"} if "customer" not in typed else {}
    if not typed:
        data = {}
    assert said in post(panel, f"class-session/{number}/join", 400, **data | typed)
    assert every(vendor, Booking) == []


def test_a_class_is_moved_with_everybody_in_it(panel: PanelClient, vendor: int) -> None:
    number = planned(panel, vendor)
    post(panel, f"class-session/{number}/join", customer=put(vendor, make.customer), do="join")
    edit = f"/admin/class-session/edit/{number}"
    typed = panel.form_values(edit)
    assert "service" not in typed
    post(panel, f"class-session/edit/{number}", **typed | {"starts_at": "2026-12-02T19:00"})
    [booking] = every(vendor, Booking)
    assert f"{booking.starts_at:%d %H:%M}" == "02 19:00"
    typed = panel.form_values(edit)
    assert "1 seats are taken" not in post(
        panel, f"class-session/edit/{number}", **typed | {"seats": "1"}
    )
    page = post(panel, f"class-session/do/{number}/call-off", reason="Snow")
    assert "Called off" in page
    assert "equence" not in page  # the trail tells what people changed
    assert every(vendor, Booking)[0].status == "cancelled"
    assert panel.get(edit).status_code == 403


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("weeks", "53", "from 1 to 52"), ("weeks", "0", "from 1 to 52"), ("seats", "0", "from 1"),
     ("starts_at", "2026-11-19T10:00", "still to come"), ("starts_at", "x", "no date and time")],
)  # fmt: skip
def test_a_class_that_cannot_be_is_refused(
    panel: PanelClient, vendor: int, field: str, value: str, said: str
) -> None:
    service = put(vendor, make.service, kind="class", capacity=2)
    data = {"service": service, "starts_at": "2026-12-01T18:00", "weeks": "1", field: value}
    assert said in post(panel, "class-session/create", 400, **data)
    assert every(vendor, ClassSession) == []


def test_only_a_service_given_as_a_class_is_planned(panel: PanelClient, vendor: int) -> None:
    data = {"service": put(vendor, make.service), "starts_at": "2026-12-01T18:00", "weeks": "1"}
    assert "not a class" in post(panel, "class-session/create", 400, **data)


def test_another_vendors_class_cannot_be_joined(panel: PanelClient, vendor: int) -> None:
    other = make.new_vendor()
    number = put(other, make.class_session, starts_at=make.NOON + DAY)
    path = f"/admin/class-session/{number}/join"
    assert panel.post(path, data={"customer": "1", "do": "join"}).status_code == 404
    panel.as_(admin())
    mine = put(vendor, make.customer)
    answer = panel.post(path, data={"customer": mine, "seats": "1", "do": "join"})
    assert answer.status_code == 400
    assert every(other, Booking) == []


# --- series ---------------------------------------------------------------------------------


@pytest.fixture
def wanted(vendor: int) -> dict[str, Any]:
    return {
        "customer": put(vendor, make.customer, full_name="Ana"),
        "service": put(vendor, make.service, name="Lesson"),
        "staff": put(vendor, make.staff_member, name="Rui"),
        "rhythm": "week", "occurrences": "4", "starts_on": "2026-12-01", "starts": "10:00",
        "note": "",
    }  # fmt: skip


def test_a_series_is_looked_at_fixed_and_booked(
    panel: PanelClient, vendor: int, wanted: dict[str, Any]
) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        rui = session.get_one(StaffMember, wanted["staff"])
        at = datetime.fromisoformat("2026-12-08T09:30+00:00")
        make.booking(session, staff=rui, starts_at=at)
    page = post(panel, "booking-series/create", 200, **wanted, save="preview")
    assert "1 of 4 is in the way" in page
    assert "This time is taken" in page
    assert "Skip this one" in page
    assert len(every(vendor, Booking)) == 1
    page = post(panel, "booking-series/create", 400, **wanted, save="book")
    assert "Number 2" in page
    assert len(every(vendor, Booking)) == 1
    fixed = wanted | {"fix-2": "later", "save": "book"}
    page = post(panel, "booking-series/create", **fixed)
    assert "Lesson for Ana" in page
    [series] = every(vendor, BookingSeries)
    times = [b.starts_at for b in every(vendor, Booking) if b.series_id == series.id]
    assert [f"{t:%d %H:%M}" for t in times] == ["01 10:00", "08 10:30", "15 10:00", "22 10:00"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [({"occurrences": "53"}, "from 1 to 52"), ({"occurrences": "0"}, "from 1 to 52"),
     ({"starts_on": "2026-11-01"}, "today or later"), ({"starts_on": "x"}, "no date"),
     ({"starts": "25:00"}, "no time"), ({"rhythm": "year"}, "not one of the choices"),
     ({"customer": ""}, "missing"), ({"service": "999999"}, "not here")],
)  # fmt: skip
def test_a_series_that_cannot_be_is_refused(
    panel: PanelClient, vendor: int, wanted: dict[str, Any], typed: dict[str, str], said: str
) -> None:
    for save in ("preview", "book"):
        assert said in post(panel, "booking-series/create", 400, **wanted | typed, save=save)
    assert every(vendor, Booking) == []


@pytest.mark.parametrize("fix", ["staff:999999", "staff:", "steal", "<b>", "later" * 99])
def test_a_fix_that_was_not_offered_books_nothing(
    panel: PanelClient, vendor: int, wanted: dict[str, Any], fix: str
) -> None:
    post(panel, "booking-series/create", 400, **wanted, **{"fix-2": fix, "save": "book"})
    assert every(vendor, Booking) == []
    assert every(vendor, BookingSeries) == []


def test_this_one_or_this_and_the_following_are_changed_or_ended(
    panel: PanelClient, vendor: int, wanted: dict[str, Any]
) -> None:
    post(panel, "booking-series/create", **wanted, save="book")
    [series] = every(vendor, BookingSeries)
    ids = [b.id for b in every(vendor, Booking)]
    base = f"booking-series/{series.id}"
    assert "Number 2 of 4" in text_of(panel.get(f"/admin/booking/details/{ids[1]}").text)
    post(panel, f"{base}/change", booking=ids[1], scope="following", starts="11:00")
    assert [b.starts_at.hour for b in every(vendor, Booking)] == [10, 11, 11, 11]
    page = post(panel, f"{base}/change", 400, booking=ids[1], scope="following", starts="")
    assert "Nothing would change" in page
    for wrong in ({"booking": "0"}, {"booking": ids[1], "scope": "all"}, {}):
        post(panel, f"{base}/change", 400, **{"starts": "12:00"} | wrong)
        post(panel, f"{base}/end", 400, **{"by": "vendor"} | wrong)
    post(panel, f"{base}/end", booking=ids[2], scope="following", by="vendor", reason="Moved away")
    kept = [b.status for b in every(vendor, Booking)]
    assert kept == ["pending", "pending", "cancelled", "cancelled"]
    foreign = make.new_vendor()
    panel.as_(manager(foreign))
    assert panel.post(f"/admin/{base}/end", data={"booking": ids[0]}).status_code == 404


# --- the waitlist ---------------------------------------------------------------------------


def waiting(panel: PanelClient, vendor: int, **fields: Any) -> int:
    """The id of somebody who was put on the waitlist on screen, for the afternoons."""
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session, name="Cut", slot_interval_minutes=60)
        make.staff_service(session, service=service, staff=make.staff_member(session, name="Rui"))
        customer = make.customer(session, full_name="Ana")
    data = {
        "customer": customer.id, "service": service.id, "last_day": "2026-11-24",
        "from_time": "14:00", "until_time": "16:00", "channel": "phone",
    } | fields  # fmt: skip
    assert "Ana waits for Cut" in post(panel, "waitlist-entry/create", **data)
    return int(every(vendor, WaitlistEntry)[0].id)


def slots(panel: PanelClient, entry: int) -> list[str]:
    page = panel.get(f"/admin/waitlist-entry/{entry}/offer").text
    return re.findall(r'name="slot" value="([^"]+)"', page)


def test_a_free_time_within_their_hours_is_offered_and_taken(
    panel: PanelClient, vendor: int
) -> None:
    entry = waiting(panel, vendor)
    offered = slots(panel, entry)
    assert {slot[11:16] for slot in offered} == {"14:00", "15:00"}
    page = post(panel, f"waitlist-entry/{entry}/offer", slot=offered[0], minutes="45")
    assert "20 Nov, 12:45" in page
    assert slots(panel, entry) == []
    post(panel, f"waitlist-entry/do/{entry}/accept")
    [booking] = every(vendor, Booking)
    assert booking.status == "confirmed"
    assert every(vendor, WaitlistEntry)[0].status == "booked"


@pytest.mark.parametrize(
    "typed",
    [{}, {"slot": "x"}, {"slot": "2026-11-20T14:00"}, {"slot": "2026-11-20T14:00+00:00@abc"},
     {"slot": "2026-11-20T14:00+00:00@999999"}, {"minutes": "0"}, {"minutes": "99999999"},
     {"minutes": "abc"}, {"slot": "1999-01-01T14:00+00:00@"}],
)  # fmt: skip
def test_an_offer_that_cannot_be_is_refused(
    panel: PanelClient, vendor: int, typed: dict[str, str]
) -> None:
    entry = waiting(panel, vendor)
    data = typed if "slot" in typed or not typed else {"slot": slots(panel, entry)[0]} | typed
    page = post(panel, f"waitlist-entry/{entry}/offer", 400, **data)
    assert "Free times" in page
    assert every(vendor, Booking) == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [({"last_day": "2026-11-19"}, "ends before it begins"), ({"last_day": ""}, "Choose a last day"),
     ({"until_time": "13:00"}, "end before they begin"), ({"last_day": "2029-01-01"}, "a year"),
     ({"customer": "abc"}, "not here"), ({"channel": "import"}, "not one of the choices"),
     ({"service": ""}, "choose a service or a class")],
)  # fmt: skip
def test_nobody_waits_for_what_cannot_come(
    panel: PanelClient, vendor: int, typed: dict[str, str], said: str
) -> None:
    data = {
        "customer": put(vendor, make.customer), "service": put(vendor, make.service),
        "last_day": "2026-11-24", "from_time": "14:00", "until_time": "16:00",
        "channel": "phone",
    } | typed  # fmt: skip
    assert said in post(panel, "waitlist-entry/create", 400, **data)
    assert every(vendor, WaitlistEntry) == []


def test_who_fits_a_gap_is_ranked_and_offered_at_once(panel: PanelClient, vendor: int) -> None:
    entry = waiting(panel, vendor)
    rui = every(vendor, StaffMember)[0].id
    gap = f"staff={rui}&from=2026-11-20T13:00&to=2026-11-20T16:00"
    html = panel.get(f"/admin/waitlist-entry/fits?{gap}").text
    assert "Ana" in html
    assert "14:00–15:00" in text_of(html)
    slot = re.search(r'name="slot" value="([^"]+)"', html)
    assert slot is not None
    post(panel, f"waitlist-entry/{entry}/offer", slot=slot[1], minutes="30")
    assert "Nobody on the waitlist fits" in panel.get(f"/admin/waitlist-entry/fits?{gap}").text
    for wrong, status in (
        ("", 400), ("from=x&to=y", 400), (f"staff={rui}&from=2026-11-20T13:00&to=", 400),
        ("staff=abc&from=2026-11-20T13:00&to=2026-11-20T14:00", 404),
        (f"staff={rui}&to=2026-11-20T13:00&from=2026-11-20T14:00", 400),
    ):  # fmt: skip
        answer = panel.get(f"/admin/waitlist-entry/fits?{wrong}")
        assert answer.status_code == status, wrong
        assert leaks(answer.text) is None


# --- feeds ----------------------------------------------------------------------------------


def secret_in(html: str) -> str:
    found = re.search(r"/feeds/([A-Za-z0-9_-]{43})\.ics", html)
    assert found is not None
    return found[1]


def opens(secret: str) -> bool:
    with acting(GATE):
        return in_transaction(feeds.find, secret) is not None


def test_an_address_is_shown_once_and_ended(panel: PanelClient, vendor: int) -> None:
    person = put(vendor, make.staff_member, name="Rita")
    answer = panel.post("/admin/feeds/new", data={"of": "staff", "staff": person})
    assert answer.status_code == 200
    secret = secret_in(answer.text)
    assert opens(secret)
    page = panel.get("/admin/feeds").text
    assert secret not in page
    assert "Rita" in page
    [feed] = every(vendor, CalendarFeed)
    assert "shows nothing any more" in post(panel, f"feeds/{feed.id}/revoke")
    assert not opens(secret)


@pytest.mark.parametrize(
    "typed",
    [{}, {"of": "staff"}, {"of": "staff", "staff": "abc"}, {"of": "customer", "customer": "0"},
     {"of": "everybody"}, {"of": "me"}, {"of": "staff", "staff": "99999999999999999999"}],
)  # fmt: skip
def test_a_feed_of_nobody_is_refused(
    panel: PanelClient, vendor: int, typed: dict[str, str]
) -> None:
    post(panel, "feeds/new", 400, **typed)
    assert every(vendor, CalendarFeed) == []


def test_staff_make_their_own_and_see_no_button_at_a_colleagues(
    panel: PanelClient, vendor: int
) -> None:
    rita, rui = (put(vendor, make.staff_member, name=name) for name in ("Rita", "Rui"))
    with acting(SYSTEM), begin() as session:
        user = make.user(session)
        make.vendor_user(session, user=user, vendor_id=vendor, staff_member_id=rita)
    panel.post("/admin/feeds/new", data={"of": "staff", "staff": rui})
    me = Actor(DatabaseRole.VENDOR, vendor, user.id, PanelRole.STAFF)
    panel.as_(me)
    page = panel.get("/admin/feeds").text
    assert "For a member of staff" not in page
    [theirs] = every(vendor, CalendarFeed)
    assert f"/admin/feeds/{theirs.id}/revoke" not in page
    assert "Your role does not allow this" in post(panel, f"feeds/{theirs.id}/revoke")
    assert panel.post("/admin/feeds/new", data={"of": "staff", "staff": rui}).status_code == 400
    answer = panel.post("/admin/feeds/new", data={"of": "me"})
    assert opens(secret_in(answer.text))
    assert every(vendor, CalendarFeed)[-1].staff_id == rita


def test_who_stops_working_here_loses_their_address_on_the_form(
    panel: PanelClient, vendor: int
) -> None:
    rita = put(vendor, make.staff_member, name="Rita")
    with acting(vendor_actor(vendor)), begin() as session:
        feeds.make(session, staff_id=rita)
    url = f"/admin/staff-member/edit/{rita}"
    for typed, ended in (({"title": "Trainer"}, False), ({"is_active": ""}, True)):
        assert panel.post(url, data=panel.form_values(url) | typed).status_code == 303
        [feed] = every(vendor, CalendarFeed)
        assert (feed.revoked_at is not None) is ended
    assert every(vendor, StaffMember)[0].title == "Trainer"
    assert "for good" in panel.get(url).text


def test_another_vendors_people_have_no_feed_here(panel: PanelClient, vendor: int) -> None:
    other = make.new_vendor()
    person, number = put(other, make.staff_member), put(other, make.customer)
    for typed in ({"of": "staff", "staff": person}, {"of": "customer", "customer": number}):
        post(panel, "feeds/new", 400, **typed)
    with acting(vendor_actor(other)):
        feed, secret = in_transaction(feeds.make, staff_id=person)
    assert panel.post(f"/admin/feeds/{feed.id}/revoke").status_code == 404
    assert opens(secret)
    panel.as_(staff(vendor))
    found = panel.get("/admin/feeds/people/staff?term=").json()["results"]
    assert found == []
    assert panel.get("/admin/feeds/people/users").status_code == 404
