"""Series: previewed with every conflict and its fixes, all or nothing, changed from here on."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import bookings, series
from app.operations.bookings import CannotBook
from app.operations.entitlements import NothingToUse
from app.operations.rhythms import NoOccurrence, NoRhythm, TooLong
from app.operations.schedules import CannotDoIt
from app.operations.series import (
    AlreadyBegun,
    Conflict,
    InThePast,
    IsPast,
    NoChange,
    NoScope,
    NoSeries,
    NothingLeft,
    NotRepeated,
    UnknownFix,
)
from app.operations.zones import OutOfTime
from app.tenancy import acting, admin_actor, vendor_actor
from models.booking_series import BookingSeries
from models.bookings import Booking
from models.customers import Customer
from tests import make

LISBON = ZoneInfo("Europe/Lisbon")
OCTOBER = datetime(2026, 10, 1, 12, tzinfo=UTC)
"""The clocks go back on 25 October."""


@pytest.fixture
def salon(db: Connection) -> Iterator[int]:
    """A vendor in Lisbon, acting, on the first of October 2026."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(OCTOBER):
        yield vendor_id


def wanted(session: Session, **fields: Any) -> dict[str, Any]:
    """Four Tuesdays at ten with Ana, over the change of the clocks."""
    values = {
        "customer_id": make.customer(session).id,
        "service_id": make.service(session).id,
        "staff_id": make.staff_member(session, name="Ana").id,
        "starts_on": date(2026, 10, 13),
        "starts": time(10),
        "rhythm": "week",
        "occurrences": 4,
    }
    return values | fields


def begun(session: Session, **fields: Any) -> tuple[BookingSeries, list[Booking]]:
    made = series.begin(session, **wanted(session, **fields))
    return made, of(session, made.id)


def of(session: Session, series_id: int) -> list[Booking]:
    query = select(Booking).where(Booking.series_id == series_id).order_by(Booking.series_number)
    return list(session.scalars(query))


def local(booking: Booking) -> datetime:
    return booking.starts_at.astimezone(LISBON).replace(tzinfo=None)


def refused(refusal: type[DomainError], verb: Any, **fields: Any) -> DomainError:
    with pytest.raises(refusal) as caught, begin() as session:
        verb(session, **fields)
    return caught.value


# --- begun --------------------------------------------------------------------------------


def test_ten_stays_ten_over_the_change_of_the_clocks(salon: int) -> None:
    with begin() as session:
        made, booked = begun(session)
        assert [local(one) for one in booked] == [
            datetime(2026, 10, day, 10) for day in (13, 20, 27)
        ] + [datetime(2026, 11, 3, 10)]
        assert [one.starts_at.hour for one in booked] == [9, 9, 10, 10]
        assert [one.series_number for one in booked] == [1, 2, 3, 4]
        assert {one.ends_at - one.starts_at for one in booked} == {timedelta(hours=1)}
        assert (made.occurrences, made.rhythm, made.starts) == (4, "week", time(10))


def test_a_month_later_is_the_same_day_or_the_last_one(salon: int) -> None:
    with begin() as session:
        _, booked = begun(
            session, rhythm="month", starts_on=date(2026, 10, 31), occurrences=6, staff_id=None
        )
        assert [local(one).date() for one in booked] == [
            date(2026, 10, 31), date(2026, 11, 30), date(2026, 12, 31), date(2027, 1, 31),
            date(2027, 2, 28), date(2027, 3, 31),
        ]  # fmt: skip


def test_every_two_weeks(salon: int) -> None:
    with begin() as session:
        _, booked = begun(session, rhythm="two_weeks", occurrences=26)
        days = [local(one).date() for one in booked]
        assert {b - a for a, b in pairwise(days)} == {timedelta(days=14)}


@pytest.mark.parametrize(
    ("rhythm", "times", "most"),
    [("week", 104, "52 times every week"), ("two_weeks", 52, "26 times every two weeks"),
     ("month", 24, "12 times every month"), ("week", 2**62, "52 times every week")],
)  # fmt: skip
def test_a_series_of_two_years_is_refused(salon: int, rhythm: str, times: int, most: str) -> None:
    with begin() as session:
        fields = wanted(session, rhythm=rhythm, occurrences=times)
    for verb in (series.begin, series.preview):
        refusal = refused(TooLong, verb, **fields)
        assert most in str(refusal)
        assert refusal.field == "occurrences"
    with begin() as session:
        assert session.scalar(select(func.count(Booking.id))) == 0


@pytest.mark.parametrize(
    ("refusal", "field", "change"),
    [
        (NoOccurrence, "occurrences", {"occurrences": 0}),
        (NoOccurrence, "occurrences", {"occurrences": -3}),
        (NoRhythm, "rhythm", {"rhythm": "day"}),
        (InThePast, "starts_on", {"starts_on": date(2026, 9, 29)}),
        (OutOfTime, "starts_on", {"starts_on": date(9999, 12, 30)}),
        (OutOfTime, "starts_on", {"starts_on": date(1, 1, 1)}),
        (CannotBook, "service_id", {"service_id": 2**62}),
        (CannotBook, "customer_id", {"customer_id": 2**62}),
    ],
)
def test_what_cannot_begin_is_said_at_its_field(
    salon: int, refusal: type[DomainError], field: str, change: dict[str, Any]
) -> None:
    with begin() as session:
        fields = wanted(session) | change
    for verb in (series.begin, series.preview):
        assert refused(refusal, verb, **fields).field == field


def test_another_vendors_rows_begin_nothing(salon: int) -> None:
    with begin() as session:
        mine = wanted(session)
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        theirs = wanted(session)
    for name in ("customer_id", "service_id"):
        refused(CannotBook, series.begin, **mine | {name: theirs[name]})
    refused(CannotDoIt, series.begin, **mine | {"staff_id": theirs["staff_id"]})
    with acting(admin_actor()):
        refused(CannotBook, series.begin, **mine | {"customer_id": theirs["customer_id"]})


def test_classes_and_stays_are_no_series(salon: int) -> None:
    with begin() as session:
        kinds = [wanted(session, service_id=make.service(session, kind=kind).id)
                 for kind in ("class", "stay")]  # fmt: skip
    for fields in kinds:
        refused(NotRepeated, series.preview, **fields)


def test_a_second_click_begins_nothing(salon: int) -> None:
    with begin() as session:
        fields = wanted(session, staff_id=None)
        first = series.begin(session, **fields)
        number = of(session, first.id)[0].id
    refused(AlreadyBegun, series.begin, **fields)
    with begin() as session:
        series.end(session, booking_id=number)
        assert series.begin(session, **fields).id != first.id


# --- previewed ----------------------------------------------------------------------------


def test_the_preview_shows_each_conflict_and_writes_nothing(salon: int) -> None:
    with begin() as session:
        fields = wanted(session)
        bea = make.staff_member(session, name="Bea")
        in_the_way = {"staff_id": fields["staff_id"], "service_id": make.service(session).id}
        bookings.book(
            session, customer_id=make.customer(session).id, **in_the_way,
            starts_at=datetime(2026, 10, 20, 9, 45), ends_at=datetime(2026, 10, 20, 10, 45),
        )  # fmt: skip
        found = series.preview(session, **fields)
        assert [one.conflict is None for one in found] == [True, False, True, True]
        conflict = found[1]
        assert "This time is taken" in (conflict.conflict or "")
        assert [(fix.key, fix.says) for fix in conflict.fixes] == [
            (f"staff:{bea.id}", "With Bea"), ("skip", "Skip this one"),
        ]  # fmt: skip
        assert session.scalar(select(func.count(BookingSeries.id))) == 0


def test_half_an_hour_is_proposed_where_it_is_free(salon: int) -> None:
    with begin() as session:
        fields = wanted(session)
        for at, minutes in ((datetime(2026, 10, 13, 10, 30), 30), (datetime(2026, 10, 27, 10), 30)):
            bookings.book(
                session, customer_id=make.customer(session).id, staff_id=fields["staff_id"],
                service_id=make.service(session, duration_minutes=minutes).id, starts_at=at,
            )  # fmt: skip
        found = series.preview(session, **fields)
        keys = {one.number: [fix.key for fix in one.fixes] for one in found if one.conflict}
        assert keys == {1: ["earlier", "skip"], 3: ["later", "skip"]}


def test_a_skipped_hour_moves_forward_and_is_said(db: Connection) -> None:
    vendor_id = make.new_vendor(time_zone="Australia/Lord_Howe")
    at = clock.stopped_at(datetime(2026, 9, 1, tzinfo=UTC))
    with acting(vendor_actor(vendor_id)), at, begin() as session:
        fields = wanted(session, starts_on=date(2026, 9, 27), starts=time(2, 15), occurrences=3)
        found = series.preview(session, **fields)
        zone = ZoneInfo("Australia/Lord_Howe")
        hours = [one.starts_at.astimezone(zone).time() for one in found]
        assert hours == [time(2, 15), time(2, 45), time(2, 15)]
        assert [one.note for one in found] == [
            None, "The clocks skip 02:15 that day: it begins at 02:45.", None,
        ]  # fmt: skip


def test_every_fix_that_is_proposed_can_be_taken(salon: int) -> None:
    with begin() as session:
        fields = wanted(session)
        make.staff_member(session, name="Bea")
        for day, hour, minute in ((13, 10, 30), (20, 10, 0), (27, 9, 45)):
            bookings.book(
                session, customer_id=make.customer(session).id, staff_id=fields["staff_id"],
                service_id=make.service(session, duration_minutes=30).id,
                starts_at=datetime(2026, 10, day, hour, minute),
            )  # fmt: skip
        found = series.preview(session, **fields)
        fixes = {one.number: one.fixes for one in found if one.conflict}
    assert {n: [fix.key.partition(":")[0] for fix in keys] for n, keys in fixes.items()} == {
        1: ["staff", "earlier", "skip"], 2: ["staff", "later", "skip"],
        3: ["staff", "later", "skip"],
    }  # fmt: skip
    for choice in range(3):
        taken = {number: keys[choice].key for number, keys in fixes.items()}
        with begin() as session:
            made = series.begin(session, **fields, fixes=taken)
            booked = of(session, made.id)
            assert len(booked) == (1 if choice == 2 else 4)
            series.end(session, booking_id=booked[0].id)


def test_all_or_nothing(salon: int) -> None:
    with begin() as session:
        fields = wanted(session)
        make.booking(
            session, staff=None, staff_id=fields["staff_id"],
            starts_at=datetime(2026, 11, 3, 10, tzinfo=UTC),
        )  # fmt: skip
    refusal = refused(Conflict, series.begin, **fields)
    said = str(refusal)
    assert said.startswith("Nothing was booked. Number 4, Tuesday 3 November, 10:00: This")
    refused(CannotDoIt, series.begin, **fields | {"staff_id": 2**62})
    with begin() as session:
        assert session.scalar(select(func.count(Booking.id))) == 1
        assert session.scalar(select(func.count(BookingSeries.id))) == 0
        made = series.begin(session, **fields, fixes={4: "skip"})
        assert [one.series_number for one in of(session, made.id)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("refusal", "fixes"),
    [
        (UnknownFix, {9: "skip"}),
        (UnknownFix, {1: "tomorrow"}),
        (UnknownFix, {1: "staff:"}),
        (UnknownFix, {1: "staff:-1"}),
        (UnknownFix, {1: "staff:²"}),
        (UnknownFix, {1: "staff:" + "9" * 50}),
        (NothingLeft, dict.fromkeys(range(1, 5), "skip")),
        (Conflict, {1: "staff:999999999999"}),
    ],
)
def test_fixes_are_those_of_the_preview(
    salon: int, refusal: type[DomainError], fixes: dict[int, str]
) -> None:
    with begin() as session:
        fields = wanted(session)
    refused(refusal, series.begin, **fields, fixes=fixes)


# --- changed ------------------------------------------------------------------------------


def test_one_is_changed_by_itself(salon: int) -> None:
    with begin() as session:
        made, booked = begun(session)
        changed = series.change(session, booking_id=booked[1].id, starts=time(14))
        assert [one.id for one in changed] == [booked[1].id]
        assert [local(one).hour for one in of(session, made.id)] == [10, 14, 10, 10]
        assert made.starts == time(10)


def test_this_and_the_following_keep_their_local_hour(salon: int) -> None:
    with begin() as session:
        made, booked = begun(session)
        bea = make.staff_member(session, name="Bea").id
        series.change(
            session, booking_id=booked[1].id, scope="following", starts=time(14, 30), staff_id=bea
        )
        assert [local(one).time() for one in of(session, made.id)] == [
            time(10), *[time(14, 30)] * 3,
        ]  # fmt: skip
        assert [one.staff_id == bea for one in of(session, made.id)] == [False, True, True, True]
        assert (made.starts, made.staff_id) == (time(14, 30), bea)


def test_what_was_moved_by_itself_stays_where_it_is(salon: int) -> None:
    with begin() as session:
        made, booked = begun(session)
        series.change(session, booking_id=booked[2].id, starts=time(16))
        series.change(session, booking_id=booked[1].id, scope="following", starts=time(11))
        assert [local(one).hour for one in of(session, made.id)] == [10, 11, 16, 11]
        series.change(session, booking_id=booked[0].id, scope="following", starts=time(12))
        assert [local(one).hour for one in of(session, made.id)] == [12, 12, 16, 12]


def test_a_change_happens_to_all_of_them_or_to_none(salon: int) -> None:
    with begin() as session:
        made, booked = begun(session)
        make.booking(
            session, staff_id=made.staff_id, starts_at=datetime(2026, 11, 3, 14, tzinfo=UTC)
        )
        ids = {"booking_id": booked[1].id, "scope": "following"}
    refusal = refused(Conflict, series.change, **ids, starts=time(14))
    assert "Nothing was changed. Number 4, Tuesday 3 November, 14:00" in str(refusal)
    with begin() as session:
        assert {local(one).hour for one in of(session, made.id)} == {10}


def test_the_past_stays_as_it_is(salon: int) -> None:
    with begin() as session:
        made, booked = begun(session)
        first, second = booked[0].id, booked[1].id
    with clock.stopped_at(datetime(2026, 10, 20, 9, 0, tzinfo=UTC)):
        for scope in ("this", "following"):
            refused(IsPast, series.change, booking_id=first, scope=scope, starts=time(11))
            refused(IsPast, series.change, booking_id=second, scope=scope, starts=time(11))
            refused(IsPast, series.end, booking_id=second, scope=scope)
        with begin() as session:
            third = of(session, made.id)[2].id
            series.change(session, booking_id=third, scope="following", starts=time(11))
            assert [local(one).hour for one in of(session, made.id)] == [10, 10, 11, 11]


def test_nothing_is_changed_into_the_past(salon: int) -> None:
    with begin() as session:
        _, booked = begun(session)
    with clock.stopped_at(datetime(2026, 10, 13, 8, 30, tzinfo=UTC)):
        ids = {"booking_id": booked[0].id, "scope": "following"}
        refusal = refused(Conflict, series.change, **ids, starts=time(9))
        assert "09:00: This hour is over by now" in str(refusal)
        assert refusal.field == "starts"
        with begin() as session:
            assert len(series.change(session, **ids, starts=time(9, 45))) == 4


def test_changes_that_make_no_sense(salon: int) -> None:
    with begin() as session:
        _, booked = begun(session)
        ids, alone = {"booking_id": booked[0].id}, make.booking(session).id
    refused(NoChange, series.change, **ids)
    refused(NoScope, series.change, **ids, scope="all", starts=time(11))
    refused(NoSeries, series.change, booking_id=alone, starts=time(11))
    refused(NoSeries, series.end, booking_id=alone)
    refused(NotFound, series.end, booking_id=2**62)
    refused(Conflict, series.change, **ids, staff_id=2**62)
    with acting(vendor_actor(make.new_vendor())):
        refused(NotFound, series.end, **ids)


def test_who_does_it_then_is_asked_whether_they_can(salon: int) -> None:
    with begin() as session:
        made, booked = begun(session)
        make.staff_service(
            session, service=booked[0].service, staff=booked[0].staff_member or _nobody()
        )
        cannot = make.staff_member(session).id
    refusal = refused(Conflict, series.change, booking_id=booked[0].id, staff_id=cannot)
    assert isinstance(refusal.__cause__, CannotDoIt)
    assert made.id


def _nobody() -> Any:
    raise AssertionError


# --- ended --------------------------------------------------------------------------------


def test_this_one_or_this_and_the_following_end(salon: int) -> None:
    with begin() as session:
        made, booked = begun(session)
        series.end(session, booking_id=booked[1].id, scope="this")
        ended = series.end(session, booking_id=booked[2].id, reason="Moved to Porto")
        assert [one.id for one in ended] == [booked[2].id, booked[3].id]
        rows = of(session, made.id)
        assert [one.status for one in rows] == ["pending", "cancelled", "cancelled", "cancelled"]
        assert {one.cancelled_by for one in rows[1:]} == {"vendor"}
        first = rows[0].id
    refused(IsPast, series.end, booking_id=booked[2].id)
    with begin() as session:
        assert [one.id for one in series.end(session, booking_id=first)] == [first]


def test_a_customer_who_ends_it_owes_what_the_terms_say(salon: int) -> None:
    with begin() as session:
        make.policy(session, free_hours=24 * 20)
        _, booked = begun(session)
        ended = series.end(session, booking_id=booked[0].id, by="customer")
        assert [one.fee for one in ended] == [20, 20, 0, 0]


def test_a_package_pays_for_as_many_as_it_is_enough_for(salon: int) -> None:
    with begin() as session:
        wish = wanted(session)
        customer = session.get_one(Customer, wish["customer_id"])
        held = make.holding(session, customer=customer, uses=3)
        made = series.begin(session, **wish, use=True)
        free = [one.price == 0 for one in of(session, made.id)]
        assert free == [True, True, True, False]
        session.refresh(held)
        assert (held.uses_left, held.uses_held) == (0, 3)
    with pytest.raises(NothingToUse) as caught, begin() as session:
        series.begin(session, **wanted(session, starts=time(15)), use=True)
    assert caught.value.field == "use"
