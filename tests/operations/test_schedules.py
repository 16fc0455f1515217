"""What can be booked and when: offered and accepted by one rule, each refusal in its sentence."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import schedules
from app.operations.schedules import (
    CannotBook,
    CannotDoIt,
    Closed,
    EndsBeforeStart,
    OutsideHours,
    RoomTaken,
    SlotTaken,
    TooFarAhead,
    TooLong,
    TooSoon,
)
from app.operations.zones import NoSuchTime, OutOfTime
from app.tenancy import acting, admin_actor, vendor_actor
from models.resources import Resource
from models.services import Service
from models.staff import StaffMember
from models.words import Channel
from tests import make

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
TEN = MONDAY + timedelta(hours=10)
PHONE, ONLINE = Channel.PHONE, Channel.ONLINE


@dataclass
class Salon:
    """Anna cuts hair from nine to five on weekdays, with a break at noon; Ben colours."""

    vendor_id: int
    anna: int
    ben: int
    cut: int

    def why(self, refusal: type[DomainError], **fields: Any) -> str:
        """The sentence of the refusal that a booking meets."""
        with pytest.raises(refusal) as caught, begin() as session:
            schedules.check(session, **self.wanted(**fields))
        assert type(caught.value) is refusal
        return str(caught.value)

    def fit(self, **fields: Any) -> schedules.Fit:
        with begin() as session:
            return schedules.check(session, **self.wanted(**fields))

    def wanted(self, **fields: Any) -> dict[str, Any]:
        values = {"service_id": self.cut, "staff_id": self.anna, "starts_at": TEN, "channel": PHONE}
        return values | fields

    def slots(self, since: datetime = MONDAY, days: int = 1, **fields: Any) -> list[str]:
        """What is offered, as wall time in Lisbon in winter."""
        with begin() as session:
            found = schedules.free_slots(
                session, since=since, until=since + timedelta(days=days),
                **{"service_id": self.cut} | fields,
            )  # fmt: skip
        return [f"{slot.starts_at:%a %H:%M}" for slot in found]

    def change(self, **fields: Any) -> None:
        with begin() as session:
            for name, value in fields.items():
                setattr(session.get_one(Service, self.cut), name, value)


@pytest.fixture
def salon(db: Connection) -> Iterator[Salon]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        with begin() as session:
            anna, ben = (make.staff_member(session, name=name) for name in ("Anna", "Ben"))
            cut = make.service(session, name="Cut", slot_interval_minutes=60)
            make.staff_service(session, service=cut, staff=anna)
            noon = {"starts": time(12), "ends": time(13)}
            for weekday in range(1, 6):
                make.working_hours(session, staff=anna, weekday=weekday)
                make.working_hours(session, staff=anna, weekday=weekday, kind="break", **noon)
            found = Salon(vendor_id, anna.id, ben.id, cut.id)
        yield found


def staff(session: Session, staff_id: int) -> StaffMember:
    return session.get_one(StaffMember, staff_id)


# --- why not --------------------------------------------------------------------------------------


def test_outside_the_hours_it_says_which_they_are(salon: Salon) -> None:
    assert salon.why(OutsideHours, starts_at=TEN - timedelta(hours=2)) == (
        "Anna can be booked on Monday 23 November from 09:00 to 12:00 and from 13:00 to 17:00:"
        " choose a time within."
    )
    assert salon.why(OutsideHours, starts_at=TEN + timedelta(days=5)) == (
        "Anna cannot be booked on Saturday 28 November: choose another day."
    )
    # what begins within and ends without
    salon.why(OutsideHours, starts_at=TEN + timedelta(hours=6, minutes=30))


def test_over_a_break_it_says_when_that_is(salon: Salon) -> None:
    assert salon.why(OutsideHours, starts_at=TEN + timedelta(hours=1, minutes=30)) == (
        "There is a break from Monday 23 November, 12:00 to 13:00: choose a time before or"
        " after it."
    )


def test_on_a_closed_day_it_says_until_when_and_why(salon: Salon) -> None:
    with begin() as session:
        make.time_off(
            session, starts_at=MONDAY, ends_at=MONDAY + timedelta(days=2), reason="Stocktaking"
        )
    assert salon.why(Closed) == (
        "Closed from Monday 23 November, 00:00 to Wednesday 25 November, 00:00 (Stocktaking):"
        " choose another time."
    )
    assert salon.slots(days=2) == []


def test_who_is_off_is_off_and_nobody_is_told_why(salon: Salon) -> None:
    with begin() as session:
        make.time_off(
            session, staff=staff(session, salon.anna), starts_at=TEN, ends_at=TEN.replace(hour=12),
            reason="Surgery",
        )  # fmt: skip
    assert salon.why(OutsideHours) == (
        "Anna is off from Monday 23 November, 10:00 to 12:00: choose another time, or another"
        " member of staff."
    )
    assert salon.slots() == ["Mon 09:00", "Mon 13:00", "Mon 14:00", "Mon 15:00", "Mon 16:00"]


def test_who_cannot_do_it_is_told_who_can(salon: Salon) -> None:
    assert salon.why(CannotDoIt, staff_id=salon.ben) == "Ben does not do Cut: choose Anna."
    with begin() as session:
        for name in ("Dora", "Emil", "Fay", "Gil", "Hana"):
            one = make.staff_member(session, name=name)
            make.staff_service(session, service=session.get_one(Service, salon.cut), staff=one)
    assert salon.why(CannotDoIt, staff_id=salon.ben) == (
        "Ben does not do Cut: choose Anna, Dora, Emil, Fay or somebody else."
    )


def test_what_is_not_offered_or_not_here_cannot_be_booked(salon: Salon) -> None:
    with begin() as session:
        staff(session, salon.anna).is_active = False
    assert salon.why(CannotDoIt) == "This member of staff does not work here: choose another."
    assert salon.slots() == []
    salon.change(is_active=False)
    assert "not offered any more" in salon.why(CannotBook)
    with begin() as session, pytest.raises(CannotBook):
        schedules.free_slots(session, service_id=salon.cut, since=MONDAY, until=TEN)


def test_another_vendors_ids_are_unknown_here(salon: Salon) -> None:
    other = make.new_vendor()
    with acting(vendor_actor(other)), begin() as session:
        theirs = make.staff_member(session).id
        service = make.service(session).id
    salon.why(CannotDoIt, staff_id=theirs)
    salon.why(CannotBook, service_id=service)
    with begin() as session:
        assert schedules.working_time(
            session, staff_ids=[theirs], since=MONDAY, until=MONDAY + timedelta(days=1)
        ) == {}  # fmt: skip
    with acting(admin_actor(1, None)):  # who sees both keeps them apart all the same
        salon.why(CannotDoIt, staff_id=theirs)
        salon.fit()


def test_too_soon_and_too_far_ahead_hold_for_customers_only(salon: Salon) -> None:
    salon.change(min_notice_minutes=3 * 24 * 60, max_advance_days=10)
    assert salon.why(TooSoon, channel=ONLINE) == (
        "This begins too soon: the earliest time that can be booked now is Monday 23 November,"
        " 12:00."
    )
    last = datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert salon.fit(starts_at=last, channel=ONLINE).minutes == 60
    assert salon.why(TooFarAhead, starts_at=last + timedelta(days=1), channel=ONLINE) == (
        "This is too far ahead: bookings are taken up to Monday 30 November."
    )
    for channel in (PHONE, Channel.WALK_IN, Channel.IMPORT):
        salon.fit(channel=channel)
        salon.fit(channel=channel, starts_at=last + timedelta(days=1))
    salon.why(TooSoon, channel=Channel.PARTNER)
    salon.change(min_notice_minutes=0)
    assert "too soon" in salon.why(TooSoon, channel=ONLINE, starts_at=TEN - timedelta(days=7))
    assert salon.slots(since=MONDAY - timedelta(days=7), days=5) == [
        "Fri 13:00", "Fri 14:00", "Fri 15:00", "Fri 16:00",
    ]  # fmt: skip
    assert salon.slots(since=MONDAY, days=30)[-1] == "Mon 16:00"
    assert len(salon.slots(since=MONDAY - timedelta(days=7), days=5, channel=PHONE)) == 35


def test_a_taken_time_is_taken_with_the_larger_of_two_buffers(salon: Salon) -> None:
    salon.change(buffer_before_minutes=10, buffer_after_minutes=20, duration_minutes=30)
    begins, ends = TEN, TEN + timedelta(hours=1)
    with begin() as session:
        booking = make.booking(
            session, staff=staff(session, salon.anna), starts_at=begins, ends_at=ends,
            with_buffer_before=Range(begins - timedelta(minutes=30), ends),
            with_buffer_after=Range(begins, ends + timedelta(minutes=5)),
        )  # fmt: skip
    after = {"starts_at": ends + timedelta(minutes=9)}
    assert salon.why(SlotTaken, **after) == (
        "This time is taken: choose another time, or another member of staff."
    )
    salon.fit(starts_at=ends + timedelta(minutes=10))
    early = begins - timedelta(minutes=90)
    salon.fit(starts_at=early + timedelta(minutes=30))
    salon.why(SlotTaken, starts_at=early + timedelta(minutes=31))
    assert salon.fit(starts_at=TEN, ignore_booking_id=booking.id).minutes == 30


def test_who_leads_a_class_is_taken_and_seats_and_the_overbooked_are_not(salon: Salon) -> None:
    with begin() as session:
        anna = staff(session, salon.anna)
        led = make.class_session(session, staff=anna, starts_at=TEN)
        make.booking(session, staff=anna, starts_at=MONDAY.replace(hour=9), kind="class")
        make.booking(
            session, staff=anna, starts_at=MONDAY.replace(hour=11), overbooked="They insisted",
            with_buffer_before=Range(empty=True), with_buffer_after=Range(empty=True),
        )  # fmt: skip
        make.booking(session, staff=anna, starts_at=MONDAY.replace(hour=14), status="completed")
    salon.why(SlotTaken)
    salon.fit(ignore_class_session_id=led.id)
    assert salon.slots()[:3] == ["Mon 09:00", "Mon 11:00", "Mon 13:00"]
    assert "Mon 14:00" in salon.slots()


def test_what_began_months_ago_is_still_in_the_way(salon: Salon) -> None:
    begun, over = MONDAY - timedelta(days=150), MONDAY + timedelta(hours=12)
    with begin() as session:
        anna, room = staff(session, salon.anna), make.resource(session, name="Suite")
        service = session.get_one(Service, salon.cut)
        make.service_resource(session, service=service, resource=room)
        stay = make.booking(session, starts_at=begun, ends_at=over)
        make.claim(session, resource=room, booking=stay)
    assert salon.why(RoomTaken) == "Suite is taken at this time: choose another time."
    assert salon.slots() == ["Mon 13:00", "Mon 14:00", "Mon 15:00", "Mon 16:00"]
    with begin() as session:
        make.booking(session, staff=anna, starts_at=begun, ends_at=over)
    salon.why(SlotTaken)


def test_a_room_is_full_when_too_few_of_its_units_are_free(salon: Salon) -> None:
    with begin() as session:
        service = session.get_one(Service, salon.cut)
        chair = make.resource(session, name="Chair", capacity=3)
        make.service_resource(session, service=service, resource=chair, quantity=2)
        for unit in (2, 3):
            booking = make.booking(session, starts_at=TEN)
            if unit == 2:
                make.claim(session, resource=chair, booking=booking, unit=unit)
    assert salon.fit().units == {chair.id: (1, 3)}
    with begin() as session:
        row = session.get_one(Resource, chair.id)
        make.claim(session, resource=row, booking=booking, unit=3)
    assert salon.why(RoomTaken) == "Chair is taken at this time: choose another time."
    assert "Mon 10:00" not in salon.slots()
    with begin() as session:
        session.get_one(Resource, chair.id).capacity = 1
    assert salon.why(RoomTaken, starts_at=TEN + timedelta(hours=4)) == (
        "Chair is needed for this and out of use: choose another service."
    )
    with begin() as session:
        row = session.get_one(Resource, chair.id)
        row.capacity, row.is_active = 5, False
    assert "out of use" in salon.why(RoomTaken, starts_at=TEN + timedelta(hours=4))
    assert salon.slots() == []


@pytest.mark.parametrize(
    ("refusal", "field", "fields"),
    [
        (EndsBeforeStart, "ends_at", {"ends_at": TEN}),
        (EndsBeforeStart, "ends_at", {"ends_at": TEN - timedelta(days=400)}),
        (TooLong, "ends_at", {"ends_at": TEN + timedelta(days=367)}),
        (OutOfTime, "starts_at", {"starts_at": TEN.replace(year=9999)}),
        (OutOfTime, "starts_at", {"starts_at": TEN.replace(year=1)}),
        (OutOfTime, "ends_at", {"ends_at": datetime.max.replace(tzinfo=UTC)}),
        (NoSuchTime, "starts_at", {"starts_at": datetime(2027, 3, 28, 1, 30)}),
        (CannotBook, "service_id", {"service_id": 2**62}),
        (CannotDoIt, "staff_id", {"staff_id": -1}),
        (EndsBeforeStart, "ends_at", {"service": "stay", "staff_id": None, "nights": 0}),
        (TooLong, "ends_at", {"service": "stay", "staff_id": None, "nights": 2**40}),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(
    salon: Salon, refusal: type[DomainError], field: str, fields: dict[str, Any]
) -> None:
    if kind := fields.get("service"):
        salon.change(kind=kind)
    fields = {name: value for name, value in fields.items() if name != "service"}
    with pytest.raises(refusal) as caught, begin() as session:
        schedules.check(session, **salon.wanted(**fields))
    assert caught.value.field == field


def test_ids_that_no_column_holds_are_refused(salon: Salon) -> None:
    for fields in ({"service_id": 2**70}, {"staff_id": 2**70}, {"ignore_booking_id": 2**70}):
        with pytest.raises(DomainError), begin() as session:
            schedules.check(session, **salon.wanted(**fields))


def test_absurd_numbers_of_a_service_break_nothing(salon: Salon) -> None:
    huge = 2**62
    salon.change(min_notice_minutes=huge, max_advance_days=huge)
    salon.why(TooSoon, channel=ONLINE)
    assert salon.slots() == []
    salon.change(min_notice_minutes=0, buffer_after_minutes=huge, slot_interval_minutes=huge)
    assert salon.slots() == ["Mon 09:00", "Mon 13:00"]
    salon.change(duration_minutes=huge)
    salon.why(TooLong)
    with pytest.raises(TooLong):
        salon.slots()


def test_a_span_to_look_at_is_a_year_at_most_and_may_be_empty(salon: Salon) -> None:
    with pytest.raises(TooLong, match="more than a year"):
        salon.slots(days=367)
    with pytest.raises(OutOfTime):
        salon.slots(since=MONDAY.replace(year=1800))
    assert salon.slots(days=0) == salon.slots(days=-3) == []


def test_customers_choose_who_does_it_and_staff_may_leave_it_open(salon: Salon) -> None:
    nobody = {"staff_id": None, "starts_at": TEN}
    for channel in (ONLINE, Channel.PARTNER):
        assert salon.why(CannotDoIt, channel=channel, **nobody) == (
            "Somebody has to do this: choose a member of staff."
        )
    assert salon.fit(**nobody).minutes == 60


def test_of_a_class_the_planned_ones_with_a_seat_left_are_offered(salon: Salon) -> None:
    with begin() as session:
        anna = staff(session, salon.anna)
        yoga = make.service(session, kind="class", capacity=2, max_advance_days=5)
        make.staff_service(session, service=yoga, staff=anna, price=Decimal("12.00"))
        soon, later, full, off, past, led = (
            make.class_session(
                session, service=yoga, staff=anna if hour == 23 else None,
                starts_at=make.NOON + timedelta(hours=hour), **fields,
            )
            for hour, fields in (
                (2, {}), (150, {}), (3, {"taken": 2}), (4, {"status": "cancelled"}), (-30, {}),
                (23, {}),
            )
        )  # fmt: skip
        for channel, found in ((ONLINE, [soon, led]), (PHONE, [soon, led, later])):
            slots = schedules.free_slots(
                session, service_id=yoga.id, since=make.NOON - timedelta(days=9),
                until=make.NOON + timedelta(days=9), channel=channel,
            )  # fmt: skip
            assert [slot.class_session_id for slot in slots] == [one.id for one in found]
        assert [slot.price for slot in slots] == [40, 12, 40]
        assert {full.id, off.id, past.id}.isdisjoint(slot.class_session_id for slot in slots)
        mine = schedules.free_slots(
            session, service_id=yoga.id, since=make.NOON, until=make.NOON + timedelta(days=9),
            staff_ids=[salon.anna],
        )  # fmt: skip
        assert [slot.class_session_id for slot in mine] == [led.id]


# --- whose hours ----------------------------------------------------------------------------------


def test_without_hours_of_their_own_those_of_the_vendor_hold_and_without_any_all_day(
    salon: Salon,
) -> None:
    with begin() as session:
        colour = make.service(session, name="Colour", slot_interval_minutes=240).id
        later = make.staff_member(session, name="Zoe")
        # Her hours begin next year: until then she has none, which is not the vendor's.
        make.working_hours(session, staff=later, effective_from=date(2027, 1, 1))
    asked = {"service_id": colour, "staff_ids": [salon.ben]}
    assert salon.slots(**asked) == [f"Mon {h:02}:00" for h in (0, 4, 8, 12, 16, 20)]
    with begin() as session:
        make.working_hours(session, starts=time(8), ends=time(20))
        make.working_hours(session, kind="break", starts=time(14), ends=time(15))
    assert salon.slots(**asked) == ["Mon 08:00", "Mon 12:00", "Mon 15:00", "Mon 19:00"]
    assert salon.slots(service_id=colour, staff_ids=[later.id]) == []
    with begin() as session:
        make.working_hours(session, service_id=colour, starts=time(10), ends=time(15, 30))
    assert salon.slots(**asked) == ["Mon 10:00"]


def test_extra_time_beats_the_hours_and_time_off_beats_it(salon: Salon) -> None:
    saturday = MONDAY + timedelta(days=5)
    with begin() as session:
        anna = staff(session, salon.anna)
        make.time_off(
            session, staff=anna, kind="extra", starts_at=saturday.replace(hour=10),
            ends_at=saturday.replace(hour=14),
        )  # fmt: skip
        make.time_off(
            session, staff=anna, starts_at=saturday.replace(hour=11),
            ends_at=saturday.replace(hour=12),
        )  # fmt: skip
        # The vendor opens besides, for those who have no hours of their own.
        make.time_off(
            session, kind="extra", starts_at=saturday.replace(hour=18),
            ends_at=saturday.replace(hour=20),
        )  # fmt: skip
    assert salon.slots(since=saturday) == ["Sat 10:00", "Sat 12:00", "Sat 13:00"]


def test_somebody_with_a_break_only_keeps_the_hours_of_the_vendor(salon: Salon) -> None:
    with begin() as session:
        make.working_hours(session, starts=time(9), ends=time(13))
        ben = staff(session, salon.ben)
        make.working_hours(session, staff=ben, kind="break", starts=time(10), ends=time(11))
        make.staff_service(session, service=session.get_one(Service, salon.cut), staff=ben)
    assert salon.slots(staff_ids=[salon.ben]) == ["Mon 09:00", "Mon 11:00", "Mon 12:00"]


def test_a_shift_over_midnight_and_two_that_meet_are_one_stretch(salon: Salon) -> None:
    with begin() as session:
        ben = staff(session, salon.ben)
        service = session.get_one(Service, salon.cut)
        make.staff_service(session, service=service, staff=ben, duration_minutes=180)
        make.working_hours(session, staff=ben, weekday=1, starts=time(22), ends=time(2))
        make.working_hours(session, staff=ben, weekday=2, starts=time(2), ends=time(4))
    assert salon.slots(days=2, staff_ids=[salon.ben]) == ["Mon 22:00", "Mon 23:00", "Tue 00:00",
                                                          "Tue 01:00"]  # fmt: skip


def test_the_grid_does_not_depend_on_what_is_looked_at(salon: Salon) -> None:
    with begin() as session:
        colour = make.service(session, slot_interval_minutes=50, duration_minutes=10).id
        make.time_off(
            session, staff=staff(session, salon.anna), kind="extra",
            starts_at=MONDAY - timedelta(days=20), ends_at=MONDAY + timedelta(days=9),
        )  # fmt: skip
    for who in (salon.anna, salon.ben):
        asked = {"service_id": colour, "staff_ids": [who]}
        whole = salon.slots(days=7, **asked)
        single = [s for n in range(7) for s in salon.slots(MONDAY + timedelta(days=n), **asked)]
        assert whole == single
        assert len(whole) > 150


# --- on which terms -------------------------------------------------------------------------------


def test_who_takes_another_time_or_price_is_offered_so(salon: Salon) -> None:
    with begin() as session:
        make.staff_service(
            session, service=session.get_one(Service, salon.cut), staff=staff(session, salon.ben),
            price=Decimal("55.00"), duration_minutes=90,
        )  # fmt: skip
    fit = salon.fit(staff_id=salon.ben)
    assert (fit.minutes, fit.price, fit.units) == (90, Decimal("55.00"), {})
    with begin() as session:
        ids = {"service_id": salon.cut}
        assert schedules.offer_of(session, **ids, staff_id=salon.ben) == (90, Decimal("55.00"))
        assert schedules.offer_of(session, **ids, staff_id=None) == (60, Decimal("40.00"))
        slots = schedules.free_slots(
            session, **ids, since=TEN, until=TEN + timedelta(minutes=1), channel=PHONE
        )
        assert [(s.staff_id, s.ends_at - s.starts_at, s.price) for s in slots] == [
            (salon.anna, timedelta(minutes=60), 40), (salon.ben, timedelta(minutes=90), 55),
        ]  # fmt: skip
    assert salon.fit(staff_id=salon.ben, ends_at=TEN + timedelta(minutes=30)).minutes == 30


def test_who_is_free_is_who_can_be_booked(salon: Salon) -> None:
    with begin() as session:
        cut = session.get_one(Service, salon.cut)
        make.staff_service(session, service=cut, staff=staff(session, salon.ben))
    with begin() as session:
        ids = {"service_id": salon.cut, "starts_at": TEN}
        assert schedules.free_staff(session, **ids) == [salon.anna, salon.ben]
        assert schedules.free_staff(session, **ids, but=[salon.anna]) == [salon.ben]
        booking = make.booking(session, staff=staff(session, salon.ben), starts_at=TEN)
        assert schedules.free_staff(session, **ids) == [salon.anna]
        assert schedules.free_staff(session, **ids, ignore_booking_id=booking.id) == [
            salon.anna, salon.ben,
        ]  # fmt: skip
        late = TEN + timedelta(hours=7, minutes=30)
        assert schedules.free_staff(session, service_id=salon.cut, starts_at=late) == [salon.ben]


def test_wall_time_is_where_the_vendor_is(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor(time_zone="Asia/Kathmandu"))), begin() as session:
        anna, cut = make.staff_member(session), make.service(session)
        make.working_hours(session, staff=anna)
        ids = {"service_id": cut.id, "staff_id": anna.id, "channel": PHONE}
        schedules.check(session, **ids, starts_at=datetime(2026, 11, 23, 9))
        with pytest.raises(OutsideHours, match="from 09:00 to 17:00"):
            schedules.check(session, **ids, starts_at=TEN.replace(hour=12))
        slots = schedules.free_slots(
            session, service_id=cut.id, since=datetime(2026, 11, 23),
            until=datetime(2026, 11, 23, 10), channel=PHONE,
        )  # fmt: skip
        assert slots[0].starts_at == TEN.replace(hour=3, minute=15)
        assert len(slots) == 4


# --- stays ----------------------------------------------------------------------------------------


def test_a_stay_is_offered_by_nights_while_a_room_is_free_all_along(salon: Salon) -> None:
    with begin() as session:
        make.working_hours(session)  # the reception's; guests sleep when it is closed
        stay = make.service(session, kind="stay", price=Decimal("30.00"), check_in_time=time(15))
        room = make.resource(session, capacity=1)
        make.service_resource(session, service=stay, resource=room)
        taken = make.booking(
            session, starts_at=MONDAY + timedelta(days=3, hours=15),
            ends_at=MONDAY + timedelta(days=4, hours=11),
        )  # fmt: skip
        make.claim(session, resource=room, booking=taken)
        stay_id = stay.id
        slots = schedules.free_slots(
            session, service_id=stay_id, since=MONDAY, until=MONDAY + timedelta(days=6), nights=2,
        )  # fmt: skip
        assert [slot.starts_at.day for slot in slots] == [23, 24, 27, 28]
        assert {(s.staff_id, s.price, s.starts_at.hour, s.ends_at.hour) for s in slots} == {
            (None, Decimal("60.00"), 15, 11)
        }
    wanted = {"service_id": stay_id, "staff_id": None, "starts_at": slots[0].starts_at}
    fit = salon.fit(**wanted, nights=2)
    assert (fit.minutes, fit.price) == (2 * 24 * 60 - 240, Decimal("60.00"))
    salon.why(RoomTaken, **wanted, nights=4)
    with begin() as session:
        make.time_off(session, starts_at=MONDAY + timedelta(hours=36), ends_at=TEN.replace(day=25))
    salon.why(Closed, **wanted, nights=2)
    salon.fit(**wanted, nights=1)


# --- a day of somebody ----------------------------------------------------------------------------


def test_working_time_says_what_each_part_of_a_day_is(salon: Salon) -> None:
    with begin() as session:
        anna = staff(session, salon.anna)
        make.time_off(
            session, staff=anna, starts_at=TEN, ends_at=TEN.replace(hour=11), reason="School"
        )
        make.time_off(
            session, starts_at=TEN.replace(hour=16), ends_at=TEN + timedelta(days=3), reason="Party"
        )
        found = schedules.working_time(
            session, staff_ids=[salon.anna, salon.ben], since=MONDAY,
            until=MONDAY + timedelta(days=1),
        )  # fmt: skip
    parts = [(f"{s.starts_at:%H}-{s.ends_at:%H}", s.kind, s.label) for s in found[salon.anna]]
    assert parts == [
        ("09-10", "work", "Working time"), ("10-11", "off", "School"),
        ("11-12", "work", "Working time"), ("12-13", "break", "Break"),
        ("13-16", "work", "Working time"), ("16-00", "closed", "Party"),
    ]  # fmt: skip
    assert [(s.kind, s.starts_at.hour) for s in found[salon.ben]] == [("work", 0), ("closed", 16)]
