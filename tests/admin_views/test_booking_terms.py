"""Bookings on screen: what cancelling costs before the click, overbooking, and finding them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app import clock
from app.database import begin
from app.operations import bookings
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bookings import Booking
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import text_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TERMS = {
    "free_hours": 24, "late_hours": 2, "late_percent": "50", "last_percent": "100",
    "no_show_percent": "80", "max_moves": 1, "grace_minutes": 15,
}  # fmt: skip


@pytest.fixture
def vendor(panel: PanelClient, at_noon: datetime) -> int:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    return vendor


def booked(vendor: int, **fields: Any) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        values = {"terms": TERMS, "price": Decimal(40)} | fields
        return int(make.booking(session, **values).id)


def now(vendor: int, number: int) -> Booking:
    with acting(vendor_actor(vendor)), begin() as session:
        return session.get_one(Booking, number)


def page(panel: PanelClient, number: int) -> str:
    return text_of(panel.get(f"/admin/booking/details/{number}").text)


def press(panel: PanelClient, number: int, command: str, **words: str) -> str:
    """The page after a command, with what it said."""
    answer = panel.post(f"/admin/booking/do/{number}/{command}", data=words)
    assert answer.status_code == 303
    return page(panel, number)


def test_what_cancelling_costs_is_said_before_the_click(
    panel: PanelClient, vendor: int, at_noon: datetime
) -> None:
    number = booked(vendor, starts_at=at_noon + 3 * HOUR)
    said = page(panel, number)
    assert "Cancelling now costs 20.00: half the price" in said
    assert "Not coming costs 32.00: 80% of the price" in said
    assert "0 of 1 time" in said
    html = panel.get(f"/admin/booking/details/{number}").text
    assert 'name="fee" value="20.00"' in html
    press(panel, number, "customer-cancels", fee="20.00", reason="ill", waive="")
    booking = now(vendor, number)
    assert (booking.status, booking.fee, booking.cancelled_by) == ("cancelled", 20, "customer")
    said = page(panel, number)
    assert "Owed 20.00" in said
    assert "by the customer" in said


def test_a_fee_is_let_go_for_a_reason(panel: PanelClient, vendor: int, at_noon: datetime) -> None:
    number = booked(vendor, starts_at=at_noon + HOUR)
    said = press(panel, number, "customer-cancels", fee="40.00", waive="A regular, first time")
    assert now(vendor, number).fee == 0
    assert "A regular, first time" in said
    assert "Owed 0.00" in said


def test_what_the_vendor_calls_off_costs_nothing(
    panel: PanelClient, vendor: int, at_noon: datetime
) -> None:
    number = booked(vendor, starts_at=at_noon + HOUR)
    press(panel, number, "cancel", reason="Rita is ill", waive="x", fee="99")
    booking = now(vendor, number)
    assert (booking.fee, booking.fee_waived, booking.cancelled_by) == (0, None, "vendor")


def test_a_fee_that_rose_since_the_question_is_asked_again(
    panel: PanelClient, vendor: int, at_noon: datetime
) -> None:
    number = booked(vendor, starts_at=at_noon + 2 * HOUR + timedelta(minutes=5))
    with clock.stopped_at(at_noon + timedelta(minutes=10)):
        said = press(panel, number, "customer-cancels", fee="20.00")
        assert "Cancelling now costs 40.00" in said
        assert "Look at it again" in said
    assert now(vendor, number).status == "confirmed"


def test_a_no_show_says_what_it_costs_and_can_be_let_go(
    panel: PanelClient, vendor: int, at_noon: datetime
) -> None:
    two = [booked(vendor, starts_at=at_noon - n * HOUR) for n in (2, 5)]
    press(panel, two[0], "no-show", fee="32.00")
    press(panel, two[1], "no-show", fee="32.00", waive="Train was late")
    assert [now(vendor, n).fee for n in two] == [32, 0]
    assert "Train was late" in page(panel, two[1])


@pytest.mark.parametrize("fee", ["abc", "-1", "20", "NaN", "20.000"])
def test_another_fee_than_was_shown_is_never_taken(
    panel: PanelClient, vendor: int, at_noon: datetime, fee: str
) -> None:
    number = booked(vendor, starts_at=at_noon + 3 * HOUR)
    assert "Look at it again" in press(panel, number, "customer-cancels", fee=fee)
    assert now(vendor, number).status == "confirmed"


def form(vendor: int, **fields: Any) -> dict[str, Any]:
    with acting(vendor_actor(vendor)), begin() as session:
        person = make.staff_member(session)
        taken = make.booking(session, staff=person, starts_at=clock.now() + DAY)
        return {
            "customer": make.customer(session).id, "service": taken.service_id,
            "staff": person.id, "starts_at": "2026-11-21T12:00", "channel": "phone",
        } | fields  # fmt: skip


def test_overbooking_takes_a_reason_and_a_role(panel: PanelClient, vendor: int) -> None:
    data = form(vendor)
    answer = panel.post("/admin/booking/create", data=data)
    assert answer.status_code == 400
    assert "This time is taken" in answer.text
    panel.as_(staff(vendor))
    assert "Overbook it, because" not in panel.get("/admin/booking/create").text
    sneaked = panel.post("/admin/booking/create", data=data | {"anyway": "Please"})
    assert sneaked.status_code == 400
    panel.as_(manager(vendor))
    assert "Overbook it, because" in panel.get("/admin/booking/create").text
    done = panel.post("/admin/booking/create", data=data | {"anyway": "Her wedding"})
    assert done.status_code == 303, text_of(done.text)
    assert "Overbooked on purpose Her wedding" in text_of(panel.get(done.headers["location"]).text)


def test_a_booking_that_was_overbooked_is_moved_to_a_free_time(
    panel: PanelClient, vendor: int
) -> None:
    answer = panel.post("/admin/booking/create", data=form(vendor, anyway="Her wedding"))
    number = int(answer.headers["location"].rsplit("/", 1)[1])
    edit = f"/admin/booking/edit/{number}"
    typed = panel.form_values(edit)
    assert typed["anyway"] == "Her wedding"
    moved = typed | {"starts_at": "2026-11-21T15:00", "ends_at": "2026-11-21T16:00", "anyway": ""}
    assert panel.post(edit, data=moved).status_code == 303
    booking = now(vendor, number)
    assert booking.overbooked is None
    assert not booking.with_buffer_after.isempty


def test_staff_move_one_that_was_overbooked_and_it_stays_so(
    panel: PanelClient, vendor: int
) -> None:
    answer = panel.post("/admin/booking/create", data=form(vendor, anyway="Her wedding"))
    number = int(answer.headers["location"].rsplit("/", 1)[1])
    panel.as_(staff(vendor))
    edit = f"/admin/booking/edit/{number}"
    typed = panel.form_values(edit)
    assert "anyway" not in typed
    assert panel.post(edit, data=typed | {"note": "By the window"}).status_code == 303
    assert now(vendor, number).overbooked == "Her wedding"


def test_a_stay_is_booked_by_nights(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session, kind="stay", price=Decimal(30))
        room = make.resource(session, capacity=1)
        make.service_resource(session, service=service, resource=room)
        customer = make.customer(session)
    data = {
        "customer": customer.id, "service": service.id, "starts_at": "2026-12-01T18:00",
        "nights": "3", "channel": "phone",
    }  # fmt: skip
    assert panel.post("/admin/booking/create", data=data).status_code == 303
    with acting(vendor_actor(vendor)), begin() as session:
        [stay] = session.scalars(select(Booking))
    assert stay.price == 90
    assert (stay.starts_at.hour, stay.ends_at.hour) == (14, 11)
    for nights in ("0", "367", "-1", "two"):
        assert (
            panel.post("/admin/booking/create", data=data | {"nights": nights}).status_code == 400
        )


def listed(panel: PanelClient, query: str) -> str:
    answer = panel.get(f"/admin/booking/list?{query}")
    assert answer.status_code == 200
    return answer.text


def test_bookings_are_found_by_category_over_all_vendors(panel: PanelClient, vendor: int) -> None:
    with acting(SYSTEM), begin() as session:
        hair = make.category(session, name="Hair")
        cuts = make.category(session, name="Cuts", parent_id=hair.id)
        other = make.category(session, name="Other")
    numbers = []
    for home, category in ((vendor, cuts), (make.new_vendor(), hair), (vendor, other)):
        with acting(vendor_actor(home)), begin() as session:
            service = make.service(session, category_id=category.id)
            numbers.append(make.booking(session, service=service).id)
    panel.as_(admin())
    found = listed(panel, f"category={hair.id}")
    assert [f'details/{n}"' in found for n in numbers] == [True, True, False]
    panel.as_(manager(vendor))
    found = listed(panel, f"category={hair.id}")
    assert [f'details/{n}"' in found for n in numbers] == [True, False, False]
    for nothing in ("category=0", "category=abc", "category=9223372036854775807"):
        listed(panel, nothing)


def test_what_needs_an_outcome_is_one_click_away(
    panel: PanelClient, vendor: int, at_noon: datetime
) -> None:
    over = booked(vendor, starts_at=at_noon - 3 * HOUR)
    booked(vendor, starts_at=at_noon - 6 * HOUR, status="completed")
    booked(vendor, starts_at=at_noon + HOUR)
    with acting(vendor_actor(vendor)), begin() as session:
        assert [b.id for b in bookings.needs_outcome(session)] == [over]
    found = listed(panel, "open=needed")
    assert found.count("/admin/booking/details/") == 1
    assert f'details/{over}"' in found
