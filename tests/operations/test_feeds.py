"""Calendar feeds, read back by a reader that is nothing of ours: what is in them, for whom."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ical.calendar import Calendar
from ical.calendar_stream import IcsCalendarStream
from ical.event import Event
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.errors import DomainError, NotAllowed, NotFound
from app.operations import (
    accounts,
    bookings,
    class_sessions,
    feeds,
    forgetting,
    invitations,
    merging,
    staff,
)
from app.operations.feed_writing import UNPRINTABLE, Contents, Entry, changes, written
from app.operations.invitations import token_hash
from app.tenancy import GATE, SYSTEM, Actor, DatabaseRole, PanelRole, acting, vendor_actor
from app.transact import in_transaction
from models.audit import AuditEntry
from models.bookings import Booking
from models.customers import Customer
from models.feeds import CalendarFeed
from models.services import Service
from models.staff import StaffMember
from models.users import User
from models.vendors import Vendor
from tests import make

NASTY = 'Ana "Nini" de Sá, Lda.; 1\\2\nBEGIN:VEVENT\r\n\x00\x0b\u2028🐕‍🦺 ' + "ç" * 200
DAY = timedelta(days=1)


@dataclass
class Place:
    """A vendor with one of everything a feed shows."""

    vendor: int
    staff: int
    customer: int
    service: int

    @property
    def actor(self) -> Actor:
        return Actor(DatabaseRole.VENDOR, self.vendor, 1, PanelRole.MANAGER)


@pytest.fixture
def place(db: Connection, at_noon: datetime) -> Place:
    vendor = make.new_vendor(name="Casa Alva", city="Lisboa")
    with acting(vendor_actor(vendor)), begin() as session:
        return Place(
            vendor,
            make.staff_member(session, name="Rita").id,
            make.customer(session, full_name="Maria Alves", phone="+351912345678").id,
            make.service(session, name="Haircut").id,
        )


def booked(place: Place, starts_at: datetime, **fields: Any) -> str:
    """The UID of a new booking of Maria with Rita."""
    with acting(place.actor), begin() as session:
        row = make.booking(
            session,
            customer=session.get_one(Customer, place.customer),
            service=session.get_one(Service, place.service),
            staff=session.get_one(StaffMember, place.staff),
            starts_at=starts_at,
            **fields,
        )
        return f"{row.public_ref}@bookings.backroom"


def changed(place: Place, **fields: Any) -> None:
    with acting(place.actor), begin() as session:
        for name, value in fields.items():
            setattr(session.scalars(select(Booking)).one(), name, value)


def opened(secret: str) -> feeds.Opened | None:
    with acting(GATE):
        return in_transaction(feeds.find, secret)


def read(secret: str) -> Calendar | None:
    """The feed as a calendar program sees it; None when the address opens nothing."""
    found = opened(secret)
    if found is None:
        return None
    with acting(vendor_actor(found.vendor_id)):
        raw = in_transaction(feeds.calendar, found)
    return None if raw is None else parsed(raw)


def parsed(raw: bytes) -> Calendar:
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    assert not raw.replace(b"\r\n", b"").count(b"\n")
    return IcsCalendarStream.calendar_from_ics(raw.decode())


def made(place: Place, **whose: int) -> str:
    with acting(place.actor):
        return in_transaction(feeds.make, **(whose or {"staff_id": place.staff}))[1]


def events(secret: str) -> list[Event]:
    calendar = read(secret)
    assert calendar is not None
    return list(calendar.events)


def only(secret: str) -> Event:
    [event] = events(secret)
    return event


def instant(moment: Any) -> datetime:
    assert isinstance(moment, datetime)
    return moment.astimezone(UTC)


def test_a_staff_feed_shows_who_comes_for_what_and_no_contact(
    place: Place, at_noon: datetime
) -> None:
    uid = booked(place, at_noon + DAY, note="allergic", price=40)
    event = only(made(place))
    assert (event.uid, event.summary) == (uid, "Haircut, Maria Alves")
    assert event.location == "Casa Alva, Lisboa"
    assert instant(event.dtstart) == at_noon + DAY
    assert instant(event.dtend) == at_noon + DAY + timedelta(hours=1)
    assert event.status is not None
    assert event.status.value == "CONFIRMED"
    told = event.model_dump_json()
    for hidden in ("912345678", "allergic", "40.00"):
        assert hidden not in told


def test_a_customers_feed_shows_service_and_place_and_nobody_else(
    place: Place, at_noon: datetime
) -> None:
    booked(place, at_noon + DAY)
    with acting(place.actor), begin() as session:
        make.booking(session, service=None, starts_at=at_noon + DAY)  # somebody else's
    secret = made(place, customer_id=place.customer)
    event = only(secret)
    assert (event.summary, event.location) == ("Haircut", "Casa Alva, Lisboa")
    told = repr(read(secret))
    assert "Rita" not in told
    assert "Maria" not in told


@pytest.mark.parametrize(
    ("status", "shown"),
    [("pending", "TENTATIVE"), ("confirmed", "CONFIRMED"), ("checked_in", "CONFIRMED"),
     ("completed", "CONFIRMED"), ("no_show", "CONFIRMED"), ("cancelled", "CANCELLED")],
)  # fmt: skip
def test_every_status_has_its_word(
    place: Place, at_noon: datetime, status: str, shown: str
) -> None:
    booked(place, at_noon + DAY, status=status)
    event = only(made(place))
    assert event.status is not None
    assert event.status.value == shown


def test_the_id_stays_and_the_sequence_rises_with_every_change(
    place: Place, at_noon: datetime
) -> None:
    uid, secret = booked(place, at_noon + DAY), made(place)
    seen = [only(secret)]
    changed(place, ends_at=at_noon + 2 * DAY + DAY / 24)
    changed(place, starts_at=at_noon + 2 * DAY, sequence=1)
    seen.append(only(secret))
    changed(place, status="cancelled", sequence=2)
    seen.append(only(secret))
    assert {event.uid for event in seen} == {uid}
    assert [event.sequence for event in seen] == [0, 1, 2]
    assert instant(seen[1].dtstart) == at_noon + 2 * DAY


def test_what_is_shown_reaches_from_thirty_days_ago_to_a_year_ahead(
    place: Place, at_noon: datetime
) -> None:
    hour, made_up = timedelta(hours=1), timedelta(minutes=1)
    gone = booked(place, at_noon - 30 * DAY - hour - made_up, status="completed")
    kept = booked(place, at_noon - 30 * DAY + hour, status="cancelled")
    last = booked(place, at_noon + 366 * DAY - made_up, status="cancelled")
    beyond = booked(place, at_noon + 366 * DAY)
    shown = {event.uid for event in events(made(place))}
    assert shown == {kept, last}
    assert not shown & {gone, beyond}


def test_the_classes_somebody_leads_are_in_their_feed_once(place: Place, at_noon: datetime) -> None:
    with acting(place.actor), begin() as session:
        staff = session.get_one(StaffMember, place.staff)
        service = make.service(session, name="Yoga", kind="class", capacity=6)
        one = make.class_session(session, staff=staff, service=service, starts_at=at_noon + DAY)
        make.booking(
            session, service=service, staff=staff, class_session_id=one.id,
            customer=session.get_one(Customer, place.customer), starts_at=one.starts_at,
        )  # fmt: skip
    secret = made(place)
    before = only(secret)
    assert (before.summary, before.description) == ("Yoga", "1 of 6 places taken")
    assert only(made(place, customer_id=place.customer)).summary == "Yoga"
    with acting(place.actor), begin() as session:
        class_sessions.move(session, class_session_id=one.id, starts_at=at_noon + 2 * DAY)
    after = only(secret)
    assert after.uid == before.uid
    with acting(place.actor), begin() as session:
        class_sessions.set_seats(session, class_session_id=one.id, seats=8)
    assert only(secret).description == "1 of 8 places taken"
    with acting(place.actor), begin() as session:
        class_sessions.call_off(session, class_session_id=one.id)
    gone = only(secret)
    assert [event.sequence for event in (before, after, gone)] == [0, 1, 2]
    assert gone.status is not None
    assert gone.status.value == "CANCELLED"


def test_hostile_names_stay_one_event_and_come_back_whole(place: Place, at_noon: datetime) -> None:
    booked(place, at_noon + DAY)
    with acting(place.actor), begin() as session:
        session.get_one(
            Booking, session.scalars(select(Booking.id)).one()
        ).customer.full_name = NASTY.replace("\x00", "")
    with acting(SYSTEM), begin() as session:
        session.get_one(Vendor, place.vendor).name = "A, B; C\nD"
    event = only(made(place))
    assert event.summary is not None
    assert event.summary.startswith('Haircut, Ana "Nini" de Sá, Lda.; 1\\2\nBEGIN:VEVENT\n')
    assert "🐕‍🦺" in event.summary
    assert event.summary.endswith("ç" * 200)
    assert event.location == "A, B; C\nD, Lisboa"


@given(st.text(max_size=300))
def test_any_text_comes_back_or_is_only_cleaned(text: str) -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    entry = Entry("x@y", 0, "CONFIRMED", at, at + DAY / 24, at, f"a{text}b")
    [event] = parsed(written(Contents("n", "p", "Europe/Lisbon", True, (entry,)))).events
    summary = event.summary or ""
    assert "".join(summary.split()) == "".join(UNPRINTABLE.sub(" ", f"a{text}b").split())


ZONES = (
    "Europe/Lisbon", "Australia/Lord_Howe", "America/New_York", "Africa/Casablanca",
    "Asia/Kolkata", "UTC", "Pacific/Chatham",
)  # fmt: skip


@pytest.mark.parametrize("name", ZONES)
def test_the_zones_own_rules_say_the_same_as_the_zone(name: str, at_noon: datetime) -> None:
    """The reader knows no zones but what the file tells: every hour around every change agrees."""
    [zone] = parsed(written(Contents("n", "p", name, False, ()))).timezones
    begin_, end = datetime(2025, 1, 2, tzinfo=UTC), datetime(2028, 12, 30, tzinfo=UTC)
    real = ZoneInfo(name)
    turns = changes(real, begin_, end)
    assert len(turns) == {"Asia/Kolkata": 0, "UTC": 0}.get(name, 8)
    for turn in [*turns, begin_, end]:
        for minutes in (-90, -31, -1, 0, 1, 29, 31, 61, 90):
            local = (turn + timedelta(minutes=minutes)).astimezone(real)
            if local.fold or _in_gap(local, real) or _double(local, real):
                continue
            found = zone.get_observance(local.replace(tzinfo=None))
            assert found is not None
            assert found.observance.tz_offset_to.offset == local.utcoffset(), local


def _double(local: datetime, zone: ZoneInfo) -> bool:
    return local.utcoffset() != local.replace(fold=1).utcoffset()


def _in_gap(local: datetime, zone: ZoneInfo) -> bool:
    return local.astimezone(UTC).astimezone(zone) != local


@pytest.mark.parametrize(
    ("name", "change"),
    [("Europe/Lisbon", "2026-10-25T01:00+00:00"), ("Europe/Lisbon", "2026-03-29T01:00+00:00"),
     ("Australia/Lord_Howe", "2026-04-04T15:00+00:00"),
     ("Australia/Lord_Howe", "2026-10-03T15:30+00:00")],
)  # fmt: skip
def test_a_booking_in_the_hours_of_a_change_is_read_at_its_instant(name: str, change: str) -> None:
    turn = datetime.fromisoformat(change)
    assert turn in changes(ZoneInfo(name), turn - DAY, turn + DAY)
    entries = [
        Entry(f"{n}@x", 0, "CONFIRMED", at, at + timedelta(minutes=45), turn, "Walk")
        for n, at in enumerate(turn + timedelta(minutes=m) for m in range(-120, 121, 15))
    ]
    with clock.stopped_at(turn):
        file = parsed(written(Contents("n", "p", name, False, tuple(entries))))
    read_back = {event.uid: event for event in file.events}
    for entry in entries:
        event = read_back[entry.uid]
        assert instant(event.dtstart) == entry.starts_at
        assert instant(event.dtend) == entry.ends_at


def test_a_feed_holds_only_so_many_events(
    place: Place, at_noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = [booked(place, at_noon + n * DAY) for n in range(1, 5)]
    monkeypatch.setattr(feeds, "MOST", 3)
    assert [event.uid for event in events(made(place))] == uids[:3]


def test_only_the_hash_is_kept_and_the_trail_has_neither(place: Place) -> None:
    secret = made(place)
    assert feeds.SHAPE.fullmatch(secret)
    with acting(SYSTEM), begin() as session:
        kept = session.scalars(select(CalendarFeed)).one()
        assert kept.token_hash == token_hash(secret)
        trail = session.scalars(select(AuditEntry).filter_by(table_name="calendar_feeds")).all()
        assert trail
        for entry in trail:
            assert secret not in str(vars(entry))
            assert kept.token_hash not in str(vars(entry))


def test_a_new_address_ends_the_one_before(place: Place, at_noon: datetime) -> None:
    first = made(place)
    of_customer = made(place, customer_id=place.customer)
    second = made(place)
    assert opened(first) is None
    assert opened(second) is not None
    assert opened(of_customer) is not None


@pytest.mark.parametrize("secret", ["", "a" * 43, "é" * 43, "x" * 5000, "../x", "%00", "A" * 42])
def test_what_is_no_secret_opens_nothing(place: Place, secret: str) -> None:
    made(place)
    assert opened(secret) is None


def test_a_revoked_feed_is_gone(place: Place) -> None:
    secret = made(place)
    found = opened(secret)
    assert found is not None
    for _ in range(2):
        with acting(place.actor):
            in_transaction(feeds.revoke, feed_id=found.id)
        assert opened(secret) is None


def test_who_has_left_has_no_feed_and_none_when_they_return(place: Place) -> None:
    with acting(place.actor), begin() as session:
        colleague = make.staff_member(session).id
    secret, kept, theirs = (
        made(place), made(place, staff_id=colleague), made(place, customer_id=place.customer),
    )  # fmt: skip
    with acting(place.actor), begin() as session:
        staff.change(session, place.staff, name="Rita B.", is_active=True)
    assert opened(secret) is not None
    for works_here in (False, True):
        with acting(place.actor), begin() as session:
            staff.change(session, place.staff, is_active=works_here)
        assert opened(secret) is None
    assert [opened(other) is not None for other in (kept, theirs)] == [True, True]
    assert opened(made(place)) is not None
    with acting(place.actor), begin() as session:  # written past the operation: shut all the same
        session.get_one(StaffMember, place.staff).is_active = False
    with acting(vendor_actor(make.new_vendor())), begin() as session, pytest.raises(NotFound):
        staff.change(session, place.staff, is_active=True)


def a_place(place: Place, staff_id: int | None) -> tuple[int, int]:
    """A user with a place at the vendor, as a member of its staff: the place and the user."""
    with acting(SYSTEM), begin() as session:
        user = make.user(session)
        row = make.vendor_user(session, user=user, vendor_id=place.vendor, staff_member_id=staff_id)
        return row.id, user.id


def test_whoever_loses_their_place_loses_their_calendar(place: Place) -> None:
    with acting(place.actor), begin() as session:
        colleague = make.staff_member(session).id
    (number, user), (nobody, _) = a_place(place, place.staff), a_place(place, None)
    secret, kept = made(place), made(place, staff_id=colleague)
    with acting(place.actor):
        in_transaction(invitations.remove, place_id=nobody)
        assert opened(secret) is not None
        in_transaction(invitations.remove, place_id=number)
    assert opened(secret) is None
    assert opened(kept) is not None
    me = Actor(DatabaseRole.VENDOR, place.vendor, user, PanelRole.STAFF)
    with acting(me), pytest.raises(NotAllowed):
        in_transaction(feeds.make, staff_id=place.staff)


def test_whoever_is_deactivated_loses_their_calendars_everywhere(place: Place) -> None:
    other_vendor = make.new_vendor()
    with acting(vendor_actor(other_vendor)), begin() as session:
        elsewhere = Place(other_vendor, make.staff_member(session).id, 0, 0)
    _, user = a_place(place, place.staff)
    with acting(SYSTEM), begin() as session:
        known = session.get_one(User, user)
        make.vendor_user(
            session, user=known, vendor_id=other_vendor, staff_member_id=elsewhere.staff
        )
    secrets = [made(place), made(elsewhere)]
    customers = made(place, customer_id=place.customer)
    with acting(SYSTEM):
        in_transaction(accounts.deactivate, user_id=user, reason="Left")
        assert [opened(secret) for secret in secrets] == [None, None]
        in_transaction(accounts.reactivate, user_id=user)
    assert [opened(secret) for secret in secrets] == [None, None]
    assert opened(customers) is not None


def test_a_customer_who_is_forgotten_has_no_feed_nor_has_who_was_merged_into_them(
    place: Place,
) -> None:
    with acting(place.actor), begin() as session:
        twin = make.customer(session, full_name="Maria A.").id
        other = make.customer(session).id
    secrets = [made(place, customer_id=one) for one in (place.customer, twin)]
    kept = made(place, customer_id=other)
    with acting(place.actor):
        in_transaction(merging.merge, survivor_id=place.customer, merged_id=twin)
        in_transaction(forgetting.forget, customer_id=place.customer)
    assert [opened(secret) for secret in secrets] == [None, None]
    assert opened(kept) is not None


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_a_vendor_that_is_closed_shows_nothing(place: Place, status: str) -> None:
    secret = made(place)
    with acting(SYSTEM), begin() as session:
        session.get_one(Vendor, place.vendor).status = status
    assert opened(secret) is None


def test_reading_is_noted_now_and_then(place: Place, at_noon: datetime) -> None:
    def last() -> datetime | None:
        with acting(SYSTEM), begin() as session:
            return session.scalars(select(CalendarFeed.last_read_at)).one()

    secret = made(place)
    assert last() is None
    read(secret)
    assert last() == at_noon
    with clock.stopped_at(at_noon + timedelta(minutes=5)):
        read(secret)
    assert last() == at_noon


def test_a_feed_is_of_one_person_who_is_here(place: Place) -> None:
    other = make.new_vendor()
    with acting(vendor_actor(other)), begin() as session:
        stranger = make.staff_member(session).id
        foreign = make.customer(session).id
    with acting(place.actor), begin() as session:
        gone = make.staff_member(session, is_active=False).id
    for whose in (
        {}, {"staff_id": place.staff, "customer_id": place.customer}, {"staff_id": stranger},
        {"customer_id": foreign}, {"staff_id": gone}, {"staff_id": 10**9},
    ):  # fmt: skip
        with acting(place.actor), pytest.raises(DomainError):
            in_transaction(feeds.make, **whose)
    with acting(SYSTEM), begin() as session:
        assert session.scalars(select(CalendarFeed)).all() == []


def test_staff_make_and_end_their_own_and_not_a_colleagues(place: Place) -> None:
    with acting(SYSTEM), begin() as session:
        user = make.user(session)
        make.vendor_user(session, user=user, vendor_id=place.vendor, staff_member_id=place.staff)
        colleague = make.staff_member(session, vendor_id=place.vendor).id
    theirs = made(place, staff_id=colleague)
    me = Actor(DatabaseRole.VENDOR, place.vendor, user.id, PanelRole.STAFF)
    found = opened(theirs)
    assert found is not None
    calls: list[Callable[[], object]] = [
        lambda: in_transaction(feeds.make, staff_id=colleague),
        lambda: in_transaction(feeds.revoke, feed_id=found.id),
    ]
    for call in calls:
        with acting(me), pytest.raises(NotAllowed):
            call()
    assert opened(theirs) is not None
    with acting(me):
        _, secret = in_transaction(feeds.make, staff_id=place.staff)
        in_transaction(feeds.make, customer_id=place.customer)
    assert opened(secret) is not None


def test_another_vendors_feed_cannot_be_ended(place: Place) -> None:
    secret = made(place)
    found = opened(secret)
    assert found is not None
    with acting(vendor_actor(make.new_vendor())), pytest.raises(NotFound):
        in_transaction(feeds.revoke, feed_id=found.id)
    assert opened(secret) is not None


def test_a_booking_moved_by_its_operation_is_a_later_version(
    place: Place, at_noon: datetime
) -> None:
    uid, secret = booked(place, at_noon + DAY), made(place)
    before = only(secret)
    with acting(place.actor), begin() as session:
        booking_id = session.scalars(select(Booking.id)).one()
        bookings.reschedule(
            session, booking_id=booking_id, starts_at=at_noon + 3 * DAY, staff_id=place.staff
        )
    after = only(secret)
    assert after.uid == uid
    assert instant(after.dtstart) == at_noon + 3 * DAY
    assert (after.sequence or 0) > (before.sequence or 0)
    with acting(place.actor), begin() as session:
        bookings.cancel(session, booking_id=booking_id)
    gone = only(secret)
    assert (gone.sequence or 0) > (after.sequence or 0)
    assert gone.status is not None
    assert gone.status.value == "CANCELLED"
