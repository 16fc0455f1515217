"""What is written from the calendar: booked, moved, carried on; and what is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from admin_views.calendar_commands import seen_of
from admin_views.calendar_typed import who
from app import clock
from app.database import begin
from app.tenancy import acting, vendor_actor
from models.bookings import Booking
from models.customers import Customer
from models.packages import PackageHolding
from models.schedules import TimeOff
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff

HERE = "/admin/calendar"
NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def shop() -> Iterator[int]:
    """A salon in Lisbon on a Saturday, with somebody who can be booked."""
    with clock.stopped_at(datetime(2026, 11, 21, 10, tzinfo=UTC)):
        here = make.new_vendor(time_zone="Europe/Lisbon")
        yield here


def furnished(vendor: int) -> dict[str, int]:
    with acting(vendor_actor(vendor)), begin() as session:
        ana, rui = (make.staff_member(session, name=name) for name in ("Ana Alves", "Rui Reis"))
        cut = make.service(session, name="Cut", duration_minutes=45, price=40)
        known = make.customer(session, full_name="Carla Costa", phone="+351912345678")
        return {"ana": ana.id, "rui": rui.id, "cut": cut.id, "carla": known.id}


def booking_of(vendor: int, number: int) -> Booking:
    with acting(vendor_actor(vendor)), begin() as session:
        return session.get_one(Booking, number)


def count(vendor: int, model: Any) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return session.scalar(select(func.count(model.id))) or 0


def book(panel: PanelClient, **values: Any) -> Any:
    return panel.post(f"{HERE}/book", data={"starts": "2026-11-23T09:00"} | values)


def made(panel: PanelClient, **values: Any) -> int:
    answer = book(panel, **values)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["key"][1:])


def refused(answer: Any, field: str | None, words: str, status: int = 409) -> None:
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert said["field"] == field, said
    assert words in said["sentence"], said


def test_somebody_known_is_booked_and_it_stands(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    panel.as_(staff(shop))
    answer = book(panel, customer=here["carla"], service=here["cut"], staff=here["ana"])
    assert answer.json()["message"] == "Carla Costa: 23 Nov, 09:00."
    booking = booking_of(shop, int(answer.json()["key"][1:]))
    assert (booking.status, booking.channel, booking.staff_id) == (
        "confirmed",
        "phone",
        here["ana"],
    )
    assert booking.starts_at == NINE
    assert booking.ends_at - booking.starts_at == timedelta(minutes=45)


def test_a_package_pays_for_what_is_booked_in_the_calendar(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    with acting(vendor_actor(shop)), begin() as session:
        customer = session.get_one(Customer, here["carla"])
        number = make.holding(session, customer=customer, uses=2).id
    panel.as_(staff(shop))
    wish = {"customer": here["carla"], "service": here["cut"], "staff": here["ana"], "use": "y"}
    assert booking_of(shop, made(panel, **wish)).price == 0
    assert booking_of(shop, made(panel, **wish, starts="", now="1")).price == 0
    nothing = book(panel, **wish, starts="2026-11-24T09:00")
    refused(nothing, "use", "take the money")
    paid = wish | {"use": ""}
    assert booking_of(shop, made(panel, **paid, starts="2026-11-24T09:00")).price == 40
    with acting(vendor_actor(shop)), begin() as session:
        held = session.get_one(PackageHolding, number)
        assert (held.uses_left, held.uses_held) == (0, 2)


@pytest.mark.parametrize(
    ("said", "name", "phone", "channel"),
    [
        ("", "Walk-in 0001", None, "walk_in"),
        ("Zé Zinho", "Zé Zinho", None, "phone"),
        ("+351 912 000 111", None, "+351912000111", "phone"),
        ("<b>Bold</b>", "<b>Bold</b>", None, "phone"),
    ],
)
def test_somebody_new_is_taken_in(
    panel: PanelClient, shop: int, said: str, name: str | None, phone: str | None, channel: str
) -> None:
    here = furnished(shop)
    number = made(panel.as_(staff(shop)), customer_text=said, service=here["cut"])
    with acting(vendor_actor(shop)), begin() as session:
        booking = session.get_one(Booking, number)
        customer = booking.customer
        assert (customer.full_name, customer.phone) == (name, phone)
        assert booking.channel == channel


def test_a_known_number_makes_no_second_file(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    number = made(panel.as_(staff(shop)), customer_text="912 345 678", service=here["cut"])
    assert booking_of(shop, number).customer_id == here["carla"]
    assert count(shop, Customer) == 1


def test_whoever_is_free_does_it(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    panel.as_(staff(shop))
    first, second = (made(panel, customer=here["carla"], service=here["cut"]) for _ in range(2))
    assert {booking_of(shop, n).staff_id for n in (first, second)} == {here["ana"], here["rui"]}


def test_a_walk_in_begins_now_and_is_here(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    number = made(panel.as_(staff(shop)), now="1", service=here["cut"], starts="")
    booking = booking_of(shop, number)
    assert (booking.status, booking.starts_at) == ("checked_in", clock.now())
    assert booking.staff_id == here["ana"]


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"service": ""}, "service", "Choose what is booked"),
        ({"service": "9999999"}, "service", "not offered"),
        ({"service": "x"}, "service", "not here"),
        ({"staff": "77777777"}, "staff", "does not work here"),
        ({"staff": "-4"}, "staff", "not here"),
        ({"customer": "9" * 40}, "customer", "not here"),
        ({"customer": "99999999"}, "customer", "not here any more"),
        ({"starts": ""}, "starts", "no time"),
        ({"starts": "2026-11-31T09:00"}, "starts", "no time"),
        ({"starts": "tomorrow"}, "starts", "no time"),
        ({"starts": "2026-11-23T09:00+05:00"}, "starts", "no time"),
        ({"starts": "9999-11-23T09:00"}, "starts", "out of reach"),
        ({"starts": "2027-03-28T01:30"}, "starts", "clocks go forward"),
        ({"at": "99999999999999"}, "at", "no time"),
        ({"customer_text": "12345"}, "customer", "no phone number"),
        ({"customer_text": "x" * 90 + "y" * 300}, "customer", "long"),
    ],
)
def test_a_refusal_stands_at_its_field_and_changes_nothing(
    panel: PanelClient, shop: int, values: dict[str, str], field: str, words: str
) -> None:
    here = furnished(shop)
    panel.as_(staff(shop))
    answer = book(panel, **{"service": here["cut"], "staff": here["ana"]} | values)
    refused(answer, field, words)
    assert count(shop, Booking) == 0
    assert count(shop, Customer) == 1


def test_of_an_hour_that_comes_twice_the_pressed_one_is_meant(
    panel: PanelClient, shop: int
) -> None:
    here = furnished(shop)
    second = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)  # the second half past one in Lisbon
    values = {"service": here["cut"], "starts": "2027-10-31T01:30"}
    panel.as_(staff(shop))
    pressed = made(panel, at=int(second.timestamp()), **values)
    typed = made(panel, at=int(NINE.timestamp()), **values)
    assert booking_of(shop, pressed).starts_at == second
    assert booking_of(shop, typed).starts_at == second - timedelta(hours=1)


def test_a_taken_time_is_refused_and_everything_typed_can_be_sent_again(
    panel: PanelClient, shop: int
) -> None:
    here = furnished(shop)
    panel.as_(staff(shop))
    wanted = {"customer": here["carla"], "service": here["cut"], "staff": here["ana"]}
    made(panel, **wanted)
    refused(book(panel, **wanted), "starts", "taken")
    made(panel, **wanted | {"starts": "2026-11-23T09:45"})


def test_only_a_manager_books_over_another_and_says_why(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    wanted = {"customer": here["carla"], "service": here["cut"], "staff": here["ana"]}
    first = made(panel.as_(staff(shop)), **wanted)
    assert book(panel, **wanted).json()["anyway"] is False
    assert book(panel, anyway="Asked twice", **wanted).status_code == 403
    assert move(panel, first, NINE + timedelta(hours=1), 45, anyway="So").status_code == 403
    assert count(shop, Booking) == 1
    panel.as_(manager(shop))
    assert book(panel, **wanted).json()["anyway"] is True
    over = made(panel, anyway="Asked twice", **wanted)
    assert booking_of(shop, over).overbooked == "Asked twice"


# --- moved ----------------------------------------------------------------------------------


def move(panel: PanelClient, number: int, starts: datetime, minutes: int, **more: Any) -> Any:
    values = {
        "from": int(starts.timestamp()),
        "to": int((starts + timedelta(minutes=minutes)).timestamp()),
    }
    return panel.post(f"{HERE}/move/{number}", data=values | more)


def test_a_booking_is_moved_resized_and_moved_back(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    panel.as_(staff(shop))
    number = made(panel, customer=here["carla"], service=here["cut"], staff=here["ana"])
    seen = seen_of(booking_of(shop, number))
    answer = move(panel, number, NINE + timedelta(hours=2), 45, staff=here["rui"], seen=seen)
    assert answer.status_code == 200, answer.text
    moved = booking_of(shop, number)
    assert (moved.starts_at, moved.staff_id) == (NINE + timedelta(hours=2), here["rui"])
    assert answer.json()["message"] == "Carla Costa: 23 Nov, 11:00 with Rui Reis."
    longer = move(panel, number, NINE + timedelta(hours=2), 70, staff=here["rui"])
    assert longer.status_code == 200
    assert booking_of(shop, number).ends_at - moved.starts_at == timedelta(minutes=70)
    back = longer.json()
    assert panel.post(
        f"{HERE}/move/{number}", data=back["undo"] | {"seen": back["seen"]}
    ).is_success
    assert booking_of(shop, number).ends_at - moved.starts_at == timedelta(minutes=45)


def test_what_somebody_changed_meanwhile_is_not_moved(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    panel.as_(staff(shop))
    number = made(panel, customer=here["carla"], service=here["cut"], staff=here["ana"])
    old = int(seen_of(booking_of(shop, number))) - 1
    refused(
        move(panel, number, NINE + timedelta(hours=1), 45, seen=str(old)),
        None, "Somebody changed this meanwhile",
    )  # fmt: skip
    assert booking_of(shop, number).starts_at == NINE


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"from": "x"}, "from"),
        ({"from": "-1"}, "from"),
        ({"from": "99999999999"}, "from"),
        ({"to": "1795424400"}, "ends"),  # an hour before its beginning
        ({"staff": "1e9"}, "staff"),
        ({"staff": "123456789"}, "staff"),
    ],
)
def test_a_move_to_nowhere_is_refused(
    panel: PanelClient, shop: int, values: dict[str, str], field: str
) -> None:
    here = furnished(shop)
    panel.as_(staff(shop))
    number = made(panel, customer=here["carla"], service=here["cut"], staff=here["ana"])
    answer = move(panel, number, NINE + timedelta(hours=1), 45, **values)
    assert answer.status_code == 409, answer.text
    assert answer.json()["field"] == field
    booking = booking_of(shop, number)
    assert (booking.starts_at, booking.staff_id) == (NINE, here["ana"])


def test_a_move_keeps_its_minutes_over_a_change_of_the_clocks(
    panel: PanelClient, shop: int
) -> None:
    here = furnished(shop)
    panel.as_(staff(shop))
    number = made(panel, customer=here["carla"], service=here["cut"], staff=here["ana"])
    half_past_midnight = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
    assert move(panel, number, half_past_midnight, 45).status_code == 200
    day = panel.get(f"{HERE}/data", params={"from": "2027-03-28", "to": "2027-03-28"}).json()
    assert day["bookings"][0]["time"] == "00:30–02:15"
    assert day["bookings"][0]["parts"] == [[0, 30, 75]]
    assert day["days"][0]["minutes"] == 23 * 60


# --- carried on -----------------------------------------------------------------------------


def press(panel: PanelClient, number: int, verb: str, **words: str) -> Any:
    return panel.post(f"{HERE}/booking/{number}/{verb}", data=words)


def test_a_booking_is_carried_to_its_end(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    panel.as_(staff(shop))
    number = made(panel, customer=here["carla"], service=here["cut"], staff=here["ana"])
    for verb, status in (("check-in", "checked_in"), ("complete", "completed")):
        assert press(panel, number, verb).status_code == 200
        assert booking_of(shop, number).status == status
    refused(press(panel, number, "cancel"), None, "is completed")
    assert press(panel, number, "explode").status_code == 404


def test_a_fee_is_shown_before_the_click_and_waived_with_a_reason(
    panel: PanelClient, shop: int
) -> None:
    here = furnished(shop)
    with acting(vendor_actor(shop)), begin() as session:
        make.policy(session, free_hours=200, late_hours=100)
    panel.as_(staff(shop))
    first, second = (
        made(panel, customer=here["carla"], service=here["cut"], staff=here["ana"], starts=at)
        for at in ("2026-11-23T09:00", "2026-11-23T10:00")
    )
    shown = panel.get(f"{HERE}/booking/{first}").json()["html"]
    assert "Cancelling now costs 40.00" in shown
    assert press(panel, first, "cancel", by="customer").status_code == 200
    assert booking_of(shop, first).fee == 40
    assert press(panel, second, "cancel", by="customer", waive="Ill").status_code == 200
    waived = booking_of(shop, second)
    assert waived.fee == 0
    assert waived.fee_waived == "Ill"


def test_a_look_shows_what_can_be_done_and_no_markup_of_strangers(
    panel: PanelClient, shop: int
) -> None:
    here = furnished(shop)
    with acting(vendor_actor(shop)), begin() as session:
        bad = make.customer(session, full_name="<img src=x>", note="<script>1</script>")
        number = make.booking(session, customer=bad, starts_at=NINE).id
    shown = panel.as_(staff(shop)).get(f"{HERE}/booking/{number}").json()["html"]
    assert "<img" not in shown
    assert "<script" not in shown
    assert 'data-cal-do="check-in"' in shown
    assert 'data-cal-do="no-show"' not in shown  # it has not begun
    assert here


# --- doors ----------------------------------------------------------------------------------


def test_another_vendors_booking_is_not_there(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    number = made(panel.as_(staff(shop)), customer=here["carla"], service=here["cut"])
    other = make.new_vendor(time_zone="Europe/Lisbon")
    panel.as_(manager(other))
    assert panel.get(f"{HERE}/booking/{number}").status_code == 404
    assert move(panel, number, NINE + timedelta(hours=5), 45).status_code == 404
    assert press(panel, number, "cancel").status_code == 404
    with acting(vendor_actor(other)), begin() as session:
        own = make.service(session)
    refused(book(panel, service=here["cut"]), "service", "not offered")
    refused(book(panel, service=own.id, staff=here["ana"]), "staff", "does not work here")
    refused(book(panel, service=own.id, customer=here["carla"]), "customer", "not here any more")
    assert booking_of(shop, number).starts_at == NINE


def test_the_marketplace_and_its_analysts_write_nothing(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    number = made(panel.as_(staff(shop)), customer=here["carla"], service=here["cut"])
    for actor, status in ((analyst(), 403), (admin(), 409)):
        panel.as_(actor)
        assert book(panel, service=here["cut"]).status_code == status
        assert move(panel, number, NINE, 60).status_code == status
        assert press(panel, number, "cancel").status_code == status


@pytest.mark.parametrize("path", ["/book", "/move/1", "/booking/1/cancel"])
def test_reading_changes_nothing(panel: PanelClient, shop: int, path: str) -> None:
    assert panel.as_(manager(shop)).get(HERE + path).status_code in (404, 405)


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 25, "１"])
def test_no_booking_is_no_page(panel: PanelClient, shop: int, number: str) -> None:
    panel.as_(manager(shop))
    assert panel.get(f"{HERE}/booking/{number}").status_code == 404
    assert panel.post(f"{HERE}/move/{number}", data={"from": "1"}).status_code == 404


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("", {}),
        ("   ", {}),
        ("Ana", {"name": "Ana"}),
        ("912 345 678", {"phone": "912 345 678"}),
        ("Ana 2", {"name": "Ana 2"}),
        ("1234", {"name": "1234"}),
        ("佐藤 12345", {"name": "佐藤 12345"}),
    ],
)
def test_a_name_is_told_from_a_number(said: str, read: dict[str, str]) -> None:
    assert who(said) == read


# --- blocked --------------------------------------------------------------------------------


def block(panel: PanelClient, **values: Any) -> Any:
    wanted = {"starts": "2026-11-23T09:00", "ends": "2026-11-23T12:00", "reason": "Dentist"}
    return panel.post(f"{HERE}/block", data=wanted | values)


def test_a_block_keeps_bookings_out_until_it_is_taken_back(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    panel.as_(manager(shop))
    answer = block(panel, staff=here["ana"])
    assert answer.json()["message"] == "Ana Alves is off from 23 Nov, 09:00."
    day = panel.get(f"{HERE}/data", params={"from": "2026-11-23", "to": "2026-11-23"}).json()
    assert [0, 540, 720, "Dentist"] in day["staff"][0]["closed"]
    wanted = {"customer": here["carla"], "service": here["cut"], "staff": here["ana"]}
    refused(book(panel, **wanted), "starts", "choose another time")
    assert panel.post(f"{HERE}/unblock/{answer.json()['unblock']}").status_code == 200
    made(panel, **wanted)


def test_a_block_over_a_booking_changes_nothing(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    panel.as_(manager(shop))
    number = made(panel, customer=here["carla"], service=here["cut"], staff=here["ana"])
    for staff_id in (here["ana"], 0):
        answer = block(panel, staff=staff_id)
        refused(answer, "starts", "1 booking stands in this time")
        way = answer.json()["link"]["url"]
        assert f"staff={here['ana']}&" in way if staff_id else "staff" not in way
        assert "In the way" in panel.get(way).text
    assert booking_of(shop, number).status == "confirmed"
    assert count(shop, TimeOff) == 0
    assert block(panel, staff=here["rui"]).status_code == 200


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"ends": "2026-11-23T08:00"}, "ends"),
        ({"ends": ""}, "ends"),
        ({"starts": "x"}, "starts"),
        ({"staff": "123456789"}, "staff"),
        ({"staff": "x"}, "staff"),
    ],
)
def test_a_block_of_nothing_is_refused(
    panel: PanelClient, shop: int, values: dict[str, str], field: str
) -> None:
    here = furnished(shop)
    answer = block(panel.as_(manager(shop)), **{"staff": here["ana"]} | values)
    assert answer.status_code == 409, answer.text
    assert answer.json()["field"] == field
    assert count(shop, TimeOff) == 0


def test_staff_block_nothing(panel: PanelClient, shop: int) -> None:
    here = furnished(shop)
    assert block(panel.as_(staff(shop)), staff=here["ana"]).status_code == 403
    assert panel.post(f"{HERE}/unblock/1").status_code == 403
