"""Time off on screen: what is in the way is shown first, decided about, then all of it is done."""

import re
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from app.database import begin
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.schedules import TimeOff
from models.staff import StaffMember
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import leaks, text_of

NEW = "/admin/time-off/create"


@pytest.fixture
def vendor(panel: PanelClient, at_noon: datetime) -> int:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    panel.as_(manager(vendor))
    return vendor


@pytest.fixture
def rita(vendor: int) -> int:
    """Somebody with a booking on the morning of the 24th; Rui is free."""
    with acting(vendor_actor(vendor)), begin() as session:
        one, other = (make.staff_member(session, name=name) for name in ("Rita", "Rui"))
        service = make.service(session, name="Cut")
        for person in (one, other):
            make.staff_service(session, service=service, staff=person)
        make.booking(
            session, service=service, staff=one, customer=make.customer(session, full_name="Ana"),
            starts_at=datetime.fromisoformat("2026-11-24T10:00+00:00"),
        )  # fmt: skip
        return int(one.id)


def asked(who: int | str, **changed: str) -> dict[str, Any]:
    return {
        "staff": str(who), "kind": "off", "starts_at": "2026-11-24T08:00",
        "ends_at": "2026-11-24T18:00", "reason": "Dentist", "save": "look",
    } | changed  # fmt: skip


def post(panel: PanelClient, data: dict[str, Any], status: int) -> str:
    answer = panel.post(NEW, data=data)
    assert answer.status_code == status, text_of(answer.text)[-600:]
    assert leaks(answer.text) is None
    return answer.text


def plan_of(html: str) -> dict[str, str]:
    """What the plan's form would send besides."""
    shown = re.search(r'name="shown" value="(\w+)"', html)
    assert shown is not None
    return {"shown": shown[1], "save": "take"}


def choices(html: str) -> dict[str, str]:
    """Words by the value that is sent."""
    return {
        says: value for value, says in re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)<', html)
    }


def every(vendor: int, model: Any) -> list[Any]:
    with acting(vendor_actor(vendor)), begin() as session:
        return list(session.scalars(select(model).order_by(model.id)))


def test_what_is_in_the_way_is_shown_and_nothing_is_changed(
    panel: PanelClient, vendor: int, rita: int
) -> None:
    html = post(panel, asked(rita), 200)
    page = text_of(html)
    assert "Ana" in page
    assert "Cut, 24 Nov, 10:00" in page
    assert "Rui takes over" in page
    assert "Move to 25 Nov, 0:00" in page or "Move to" in page
    assert "Nothing has been changed yet" in page
    assert every(vendor, TimeOff) == []
    assert every(vendor, Booking)[0].staff_id == rita


def test_a_colleague_takes_over_and_all_goes_back(
    panel: PanelClient, vendor: int, rita: int
) -> None:
    html = post(panel, asked(rita), 200)
    [booking] = every(vendor, Booking)
    decided = {f"booking-{booking.id}": choices(html)["Rui takes over"]}
    post(panel, asked(rita) | plan_of(html) | decided, 303)
    [off] = every(vendor, TimeOff)
    rui = next(p.id for p in every(vendor, StaffMember) if p.name == "Rui")
    assert every(vendor, Booking)[0].staff_id == rui
    listed = text_of(panel.get("/admin/time-off/list").text)
    assert "Dentist" in listed
    assert "1 booking changed" in listed
    page = text_of(panel.get(f"/admin/time-off/details/{off.id}").text)
    assert "1 booking goes back" in page
    assert panel.post(f"/admin/time-off/{off.id}/give-back").status_code == 303
    assert every(vendor, TimeOff) == []
    assert every(vendor, Booking)[0].staff_id == rita


@pytest.mark.parametrize(
    ("says", "status"),
    [("Call off, and put on the waitlist", "cancelled"), ("Call off", "cancelled"),
     ("Keep it as it is", "confirmed")],
)  # fmt: skip
def test_it_is_called_off_or_kept_as_was_decided(
    panel: PanelClient, vendor: int, rita: int, says: str, status: str
) -> None:
    html = post(panel, asked(rita), 200)
    [booking] = every(vendor, Booking)
    decided = {f"booking-{booking.id}": choices(html)[says]}
    post(panel, asked(rita) | plan_of(html) | decided, 303)
    assert every(vendor, Booking)[0].status == status
    assert every(vendor, TimeOff)[0].reason == "Dentist"


def test_undecided_or_changed_meanwhile_is_asked_again(
    panel: PanelClient, vendor: int, rita: int
) -> None:
    html = post(panel, asked(rita), 200)
    [booking] = every(vendor, Booking)
    again = post(panel, asked(rita) | plan_of(html), 400)
    assert "Say what becomes of every booking" in again
    assert "Rui takes over" in again
    keep = {f"booking-{booking.id}": "keep"}
    with acting(vendor_actor(vendor)), begin() as session:
        session.get_one(Booking, booking.id).sequence += 1
    again = post(panel, asked(rita) | plan_of(html) | keep, 400)
    assert "changed meanwhile" in again
    assert 'value="keep" selected' in again
    post(panel, asked(rita) | plan_of(again) | keep, 303)


@pytest.mark.parametrize(
    "choice", ["steal", "staff", "staff 999999", "move x", "move 2026-11-26T10:00", "staff abc",
               "move 2026-11-26T10:00:00+00:00 999999", "<b>"],
)  # fmt: skip
def test_a_decision_that_was_not_proposed_does_nothing(
    panel: PanelClient, vendor: int, rita: int, choice: str
) -> None:
    html = post(panel, asked(rita), 200)
    [booking] = every(vendor, Booking)
    post(panel, asked(rita) | plan_of(html) | {f"booking-{booking.id}": choice}, 400)
    assert every(vendor, TimeOff) == []
    assert every(vendor, Booking)[0].starts_at == booking.starts_at


def test_what_has_nothing_in_its_way_is_taken_at_once(
    panel: PanelClient, vendor: int, rita: int
) -> None:
    later = {"starts_at": "2026-12-01T00:00", "ends_at": "2026-12-08T00:00"}
    post(panel, asked(rita, **later), 303)
    post(panel, asked("", **later), 303)
    assert [off.staff_id for off in every(vendor, TimeOff)] == [rita, None]
    post(panel, asked(rita, kind="extra"), 303)
    assert every(vendor, TimeOff)[-1].kind == "extra"


@pytest.mark.parametrize(
    ("typed", "said"),
    [({"ends_at": "2026-11-24T08:00"}, "ends before it begins"), ({"ends_at": ""}, "missing"),
     ({"ends_at": "2028-11-24T08:00"}, "longer than a year"), ({"kind": "party"}, "choices"),
     ({"starts_at": "2026-03-29T01:30"}, "The clocks skip 01:30"), ({"staff": "abc"}, "not here"),
     ({"staff": "999999"}, "not here"), ({"reason": "x" * 201}, "too long")],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["off", "extra"])
def test_what_cannot_be_taken_is_refused_at_its_field(
    panel: PanelClient, vendor: int, rita: int, typed: dict[str, str], said: str, kind: str
) -> None:
    for save in ("look", "take"):
        page = post(panel, asked(rita, save=save, kind=kind) | typed, 400)
        assert said in page
    assert every(vendor, TimeOff) == []


def test_another_vendors_people_cannot_be_sent_home(panel: PanelClient, vendor: int) -> None:
    other = make.new_vendor()
    with acting(vendor_actor(other)), begin() as session:
        stranger = make.staff_member(session).id
        off = make.time_off(session).id
    assert "not here" in post(panel, asked(stranger), 400)
    assert panel.post(f"/admin/time-off/{off}/give-back").status_code == 404
    assert len(every(other, TimeOff)) == 1
    panel.as_(admin())
    mixed = asked(stranger) | {"vendor": str(vendor)}
    assert "another vendor" in post(panel, mixed, 400)


def test_staff_see_time_off_and_take_none(panel: PanelClient, vendor: int, rita: int) -> None:
    post(panel, asked(rita, starts_at="2026-12-01T00:00", ends_at="2026-12-02T00:00"), 303)
    [off] = every(vendor, TimeOff)
    panel.as_(staff(vendor))
    assert "Dentist" in panel.get("/admin/time-off/list").text
    assert "Give it back" not in panel.get(f"/admin/time-off/details/{off.id}").text
    assert panel.get(NEW).status_code == 403
    assert panel.post(f"/admin/time-off/{off.id}/give-back").status_code == 403


# --- handed over by the address -----------------------------------------------------------


def handed(panel: PanelClient, **query: Any) -> str:
    known = {"starts_at": "2026-11-24T08:00", "ends_at": "2026-11-24T18:00", "reason": "Dentist"}
    answer = panel.get(NEW, params=known | query)
    assert answer.status_code == 200, text_of(answer.text)[-600:]
    assert leaks(answer.text) is None
    return answer.text


def test_an_address_says_who_and_when_and_shows_what_is_in_the_way(
    panel: PanelClient, vendor: int, rita: int
) -> None:
    html = handed(panel, staff=rita)
    for filled in ('value="Rita"', 'value="2026-11-24T08:00"', 'value="Dentist"'):
        assert filled in html
    assert "In the way" in text_of(html)
    assert every(vendor, TimeOff) == []
    take = asked(rita) | plan_of(html) | {"booking-1": choices(html)["Rui takes over"]}
    number = every(vendor, Booking)[0].id
    take[f"booking-{number}"] = take.pop("booking-1")
    assert panel.post(NEW, data=take).status_code == 303
    assert len(every(vendor, TimeOff)) == 1


def test_without_anybody_everybody_is_meant_and_nothing_is_taken_by_reading(
    panel: PanelClient, vendor: int, rita: int
) -> None:
    assert "In the way" in text_of(handed(panel))
    assert "In the way" not in text_of(handed(panel, starts_at="2026-11-25T08:00"))
    free = handed(panel, starts_at="2026-11-26T08:00", ends_at="2026-11-26T09:00")
    assert "In the way" not in text_of(free)
    assert every(vendor, TimeOff) == []


@pytest.mark.parametrize(
    "query",
    [
        {"staff": "99999999"},
        {"staff": "x"},
        {"staff": "9" * 40},
        {"starts_at": "NaN"},
        {"starts_at": "\x00"},
        {"staff": "1\x00x"},
        {"starts_at": "9999-12-31T23:59"},
        {"starts_at": "9" * 3000},
        {"ends_at": "2026-11-23T08:00"},
        {"ends_at": "2029-11-23T08:00"},
        {"ends_at": ""},
    ],
)
def test_an_address_that_makes_no_sense_shows_no_plan(
    panel: PanelClient, vendor: int, rita: int, query: dict[str, str]
) -> None:
    html = handed(panel, **{"staff": str(rita)} | query)
    assert "In the way" not in text_of(html)
    assert 'value="Dentist"' in html


def test_what_was_typed_is_shown_as_text(panel: PanelClient, vendor: int, rita: int) -> None:
    html = handed(panel, staff=rita, reason='"><script>alert(1)</script>' + "x" * 500)
    assert "<script>alert(1)" not in html


def test_another_vendors_person_is_nobody_here(panel: PanelClient, vendor: int, rita: int) -> None:
    panel.as_(manager(make.new_vendor(time_zone="Europe/Lisbon")))
    html = handed(panel, staff=rita)
    assert "Rita" not in html
    assert "In the way" not in text_of(html)


def test_only_who_may_take_time_off_is_handed_it(panel: PanelClient, vendor: int) -> None:
    known = {"starts_at": "2026-11-24T08:00", "ends_at": "2026-11-24T18:00"}
    assert panel.as_(staff(vendor)).get(NEW, params=known).status_code == 403
    assert panel.as_(admin()).get(NEW, params=known).status_code == 200
