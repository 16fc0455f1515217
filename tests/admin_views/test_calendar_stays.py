"""Stays in the calendar's dialog: what the nights cost, and how they are booked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app import clock
from app.database import begin
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.services import Service
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff

HERE = "/admin/calendar"
HUGE = "9" * 40


@pytest.fixture
def kennel() -> Iterator[tuple[int, int, int]]:
    """A vendor with a room for one at 40.00 a night, on a Saturday: vendor, stay, somebody."""
    with clock.stopped_at(datetime(2026, 11, 21, 10, tzinfo=UTC)):
        here = make.new_vendor(time_zone="Europe/Lisbon")
        with acting(vendor_actor(here)), begin() as session:
            stay = make.service(session, name="Kennel", kind="stay", price=40)
            room = make.resource(session, name="Box", capacity=1)
            make.service_resource(session, service=stay, resource=room)
            person = make.staff_member(session, name="Ana Alves")
            yield here, stay.id, person.id


def ask(panel: PanelClient, service: int, **values: Any) -> Any:
    asked = {"service": service, "day": "2026-12-13", "nights": 2, "now": ""} | values
    return panel.get(f"{HERE}/stay", params=asked)


def book(panel: PanelClient, service: int, **values: Any) -> Any:
    typed = {"service": service, "day": "2026-12-13", "nights": 2, "starts": "2026-12-01T09:15"}
    return panel.post(f"{HERE}/book", data=typed | values)


def booked(vendor: int, answer: Any) -> Booking:
    assert answer.status_code == 200, answer.text
    with acting(vendor_actor(vendor)), begin() as session:
        return session.get_one(Booking, int(answer.json()["key"][1:]))


def test_the_price_of_the_nights_is_told_before_they_are_booked(
    panel: PanelClient, kennel: tuple[int, int, int]
) -> None:
    here, stay, person = kennel
    panel.as_(staff(here))
    said = ask(panel, stay).json()
    assert said == {"said": "80.00 for 2 nights: 13 Dec, 14:00 – 15 Dec, 11:00", "refusal": None}
    made = booked(here, book(panel, stay, staff=person))
    assert (made.starts_at, made.ends_at) == (
        datetime(2026, 12, 13, 14, tzinfo=UTC),
        datetime(2026, 12, 15, 11, tzinfo=UTC),
    )
    assert (made.price, made.staff_id, made.kind) == (Decimal(80), None, "stay")


def test_a_room_that_is_taken_is_told_beside_the_day_and_booked_with_a_reason_only(
    panel: PanelClient, kennel: tuple[int, int, int]
) -> None:
    here, stay, _ = kennel
    panel.as_(manager(here))
    booked(here, book(panel, stay))
    refusal = ask(panel, stay, day="2026-12-14", nights=1).json()["refusal"]
    assert refusal["field"] == "starts"
    assert "taken" in refusal["sentence"]
    again = book(panel, stay, day="2026-12-14", nights=1)
    assert (again.status_code, again.json()["field"]) == (409, "starts")
    assert again.json()["anyway"]
    assert ask(panel, stay, day="2026-12-15", nights=1).json()["refusal"] is None
    made = booked(here, book(panel, stay, day="2026-12-14", nights=1, anyway="A small dog"))
    assert (made.overbooked, made.price) == ("A small dog", Decimal(40))


def test_a_stay_of_somebody_who_stands_there_begins_today(
    panel: PanelClient, kennel: tuple[int, int, int]
) -> None:
    here, stay, _ = kennel
    panel.as_(staff(here))
    said = ask(panel, stay, now="1", day="", nights=3).json()["said"]
    assert said == "120.00 for 3 nights: 21 Nov, 14:00 – 24 Nov, 11:00"
    made = booked(here, book(panel, stay, now="1", day="", nights=3))
    assert (made.status, made.price) == ("checked_in", Decimal(120))


def test_without_a_day_of_its_own_the_time_that_was_pressed_says_the_day(
    panel: PanelClient, kennel: tuple[int, int, int]
) -> None:
    here, stay, _ = kennel
    made = booked(here, book(panel.as_(staff(here)), stay, day="", nights=""))
    assert made.starts_at == datetime(2026, 12, 1, 14, tzinfo=UTC)
    assert made.price == Decimal(40)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"nights": "0"}, "nights", "1 to 365 nights"),
        ({"nights": "-1"}, "nights", "1 to 365 nights"),
        ({"nights": "366"}, "nights", "1 to 365 nights"),
        ({"nights": "NaN"}, "nights", "1 to 365 nights"),
        ({"nights": "2.5"}, "nights", "1 to 365 nights"),
        ({"nights": "1e2"}, "nights", "1 to 365 nights"),
        ({"nights": "٣"}, "nights", "1 to 365 nights"),
        ({"nights": HUGE}, "nights", "1 to 365 nights"),
        ({"day": "2026-02-30"}, "day", "no day"),
        ({"day": "2026-12-13T10:00"}, "day", "no day"),
        ({"day": "0000-01-01"}, "day", "no day"),
        ({"day": "tomorrow"}, "day", "no day"),
        ({"day": "9999-12-31"}, "starts", "out of reach"),
        ({"day": "0001-01-01"}, "starts", "out of reach"),
        ({"day": "", "starts": ""}, "starts", "no time"),
    ],
)
def test_what_is_no_stay_is_refused_at_its_field(
    panel: PanelClient,
    kennel: tuple[int, int, int],
    values: dict[str, str],
    field: str,
    words: str,
) -> None:
    here, stay, _ = kennel
    panel.as_(staff(here))
    answer = book(panel, stay, **values)
    told = ask(panel, stay, **values)
    assert (answer.status_code, told.status_code) == (409, 200), answer.text
    for refusal in (answer.json(), told.json()["refusal"]):
        assert refusal["field"] == field
        assert words in refusal["sentence"]


def test_nul_is_as_if_it_was_not_typed(panel: PanelClient, kennel: tuple[int, int, int]) -> None:
    here, stay, _ = kennel
    assert ask(panel.as_(staff(here)), stay, nights="2\x00").json()["refusal"] is None


@pytest.mark.parametrize("service", ["", "0", "-1", "x", HUGE, "99999999", "1\x00x"])
def test_what_is_no_service_has_no_price(
    panel: PanelClient, kennel: tuple[int, int, int], service: str
) -> None:
    answer = panel.as_(staff(kennel[0])).get(f"{HERE}/stay", params={"service": service})
    assert (answer.status_code, answer.json()["field"]) == (409, "service")


def test_only_a_vendors_own_stays_have_a_price(
    panel: PanelClient, kennel: tuple[int, int, int]
) -> None:
    here, stay, _ = kennel
    other = make.new_vendor(time_zone="Europe/Lisbon")
    with acting(vendor_actor(here)), begin() as session:
        cut = make.service(session).id
    for actor, service, status in (
        (staff(other), stay, 409), (staff(here), cut, 409), (admin(), stay, 409),
        (analyst(), stay, 403),
    ):  # fmt: skip
        assert ask(panel.as_(actor), service).status_code == status
    assert panel.as_(staff(here)).post(f"{HERE}/stay").status_code == 405


def test_a_service_that_is_not_offered_any_more_is_told(
    panel: PanelClient, kennel: tuple[int, int, int]
) -> None:
    here, stay, _ = kennel
    with acting(vendor_actor(here)), begin() as session:
        session.get_one(Service, stay).is_active = False
    told = ask(panel.as_(staff(here)), stay).json()
    assert told["said"] is None
    assert told["refusal"]["field"] == "service"
