"""What falls due by time: found once, at its moment, whoever was away meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app import clock, days
from app.database import begin
from app.operations import bookings, falling_due, message_rules
from app.tenancy import SYSTEM, acting, vendor_actor
from models.messages import Message
from models.outbox import OutboxMessage
from models.tasks import Task
from tasks import happenings as scanning
from tests import make

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONG_AGO = NOON - 90 * DAY


@pytest.fixture
def vendor(db: Connection, at_noon: datetime) -> int:
    return make.new_vendor()


@contextmanager
def at_work(vendor: int) -> Iterator[Any]:
    with acting(vendor_actor(vendor)), begin() as session:
        yield session


def rule(session: Any, event: str, **said: Any) -> int:
    """A rule that is known since yesterday."""
    with clock.stopped_at(NOON - DAY):
        return int(message_rules.plan(session, event=event, name="A rule", **said).id)


def booked(session: Any, starts_at: datetime, **fields: Any) -> Any:
    return make.booking(session, starts_at=starts_at, created_at=LONG_AGO, **fields)


def scanned(moment: datetime) -> int:
    """A round of the scan, and what it promised; how many messages and tasks it came to."""
    with clock.stopped_at(moment):
        with acting(SYSTEM):
            scanning.scan.run()
        return followed()


def followed() -> int:
    """What was promised is done."""
    with acting(SYSTEM), begin() as session:
        mine = select(OutboxMessage).where(OutboxMessage.task == falling_due.FOLLOW)
        promised = session.scalars(mine.where(OutboxMessage.done_at.is_(None))).all()
        for message in promised:
            message.done_at = clock.now()
    acted = 0
    for message in promised:
        payload = {name: said for name, said in message.payload.items() if name != "user_id"}
        with acting(vendor_actor(message.vendor_id)):
            acted += scanning.follow.run(**payload)
    return acted


def told(vendor: int) -> list[int | None]:
    """Of whom there is a message, in their order."""
    with at_work(vendor) as session:
        return list(session.scalars(select(Message.customer_id).order_by(Message.id)))


def test_a_reminder_is_found_at_its_minute_and_once(vendor: int) -> None:
    with at_work(vendor) as session:
        rule(session, "booking_reminder", minutes=120)
        booking = booked(session, NOON + 2 * HOUR)
        whose = booking.customer_id
    assert scanned(NOON - MINUTE) == 0
    assert scanned(NOON) == 1
    assert scanned(NOON) == 0
    assert scanned(NOON + MINUTE) == 0
    assert told(vendor) == [whose]
    with at_work(vendor) as session:
        [message] = session.scalars(select(Message))
        assert (message.purpose, message.useless_at) == ("reminder", NOON + 2 * HOUR)


def test_none_is_missed_while_nobody_looked_and_none_comes_too_late(vendor: int) -> None:
    with at_work(vendor) as session:
        rule(session, "booking_reminder", minutes=120)
        begins = [NOON + HOUR * n / 2 for n in range(1, 12)]
        people = [booked(session, starts_at).customer_id for starts_at in begins]
    assert scanned(NOON - 2 * HOUR) == 0
    assert scanned(NOON + 2 * HOUR) == 4  # after three hours away: four have not begun
    assert told(vendor) == people[4:8]
    assert scanned(NOON + 2 * HOUR) == 0


def test_a_booking_made_within_the_lead_needs_no_reminder(vendor: int) -> None:
    with at_work(vendor) as session:
        rule(session, "booking_reminder", days=1)
        make.booking(session, starts_at=NOON + DAY - MINUTE, created_at=NOON)
        late = make.booking(session, starts_at=NOON + DAY + MINUTE, created_at=NOON)
        whose = late.customer_id
    assert scanned(NOON + 5 * MINUTE) == 1
    assert told(vendor) == [whose]


def test_a_moved_booking_is_reminded_of_anew_and_its_old_reminder_is_not_sent(
    vendor: int,
) -> None:
    with at_work(vendor) as session:
        rule(session, "booking_reminder", minutes=60)
        staff = make.staff_member(session)
        booking = booked(session, NOON + HOUR, staff=staff, status="confirmed")
        number = booking.id
    assert scanned(NOON) == 1
    with at_work(vendor) as session:
        later = NOON + 5 * HOUR
        bookings.reschedule(session, booking_id=number, starts_at=later, staff_id=staff.id)
    assert scanned(NOON + HOUR) == 0
    assert scanned(NOON + 4 * HOUR) == 1
    with at_work(vendor) as session:
        old, new = session.scalars(
            select(Message).where(Message.event == "booking_reminder").order_by(Message.id)
        )
        assert (old.sequence, new.sequence) == (0, 1)
        assert old.key != new.key


@pytest.mark.parametrize("status", ["cancelled", "completed", "no_show", "checked_in"])
def test_of_what_does_not_stand_nobody_is_reminded(vendor: int, status: str) -> None:
    with at_work(vendor) as session:
        rule(session, "booking_reminder", minutes=60)
        booked(session, NOON + HOUR, status=status)
        booked(session, NOON + HOUR, status="pending", held_until=NOON + HOUR)
    assert scanned(NOON) == 0


def test_the_evening_before_is_by_the_wall_on_both_sides_of_a_change_of_clocks(
    vendor: int,
) -> None:
    """Lisbon puts its clocks back on 25 October 2026."""
    made = datetime(2026, 10, 1, tzinfo=UTC)
    with at_work(vendor) as session, clock.stopped_at(made):
        message_rules.plan(session, event="booking_reminder", name="Eve", days=1, at=time(18, 0))
        before = booked(session, datetime(2026, 10, 24, 9, tzinfo=UTC)).customer_id
        after = booked(session, datetime(2026, 10, 27, 9, tzinfo=UTC)).customer_id
    assert scanned(datetime(2026, 10, 23, 16, 59, tzinfo=UTC)) == 0
    assert scanned(datetime(2026, 10, 23, 17, 0, tzinfo=UTC)) == 1
    assert scanned(datetime(2026, 10, 26, 17, 59, tzinfo=UTC)) == 0
    assert scanned(datetime(2026, 10, 26, 18, 0, tzinfo=UTC)) == 1
    assert told(vendor) == [before, after]


def test_batches_go_on_where_the_one_before_ended(vendor: int) -> None:
    with at_work(vendor) as session:
        number = rule(session, "booking_reminder", minutes=60)
        people = [booked(session, NOON + HOUR).customer_id for _ in range(7)]
    looked, found = falling_due.Looked(0, None), []
    with acting(vendor_actor(vendor)), clock.stopped_at(NOON):
        while not found or looked.place is not None:
            with begin() as session:
                looked = falling_due.look(
                    session, rule_id=number, now=NOON, after=looked.place, most=3
                )
            found.append(looked.found)
    assert found == [3, 3, 1]
    assert followed() == 7
    assert told(vendor) == people


def test_a_broken_off_scan_begins_again_and_doubles_nothing(vendor: int) -> None:
    with at_work(vendor) as session:
        number = rule(session, "booking_reminder", minutes=60)
        people = [booked(session, NOON + HOUR).customer_id for _ in range(5)]
    with at_work(vendor) as session:
        assert falling_due.look(session, rule_id=number, now=NOON, most=2).found == 2
    # the next one knows nothing of where that was, nor whether what it promised is done
    assert scanned(NOON + MINUTE) == 5
    assert sorted(told(vendor)) == people


def test_what_comes_in_between_pushes_nobody_out(vendor: int) -> None:
    with at_work(vendor) as session:
        rule(session, "booking_reminder", minutes=60)
        people = {booked(session, NOON + HOUR - n * MINUTE).customer_id for n in range(4)}
    with clock.stopped_at(NOON):
        with acting(SYSTEM):
            assert scanning.scan.run() == 4
        with at_work(vendor) as session:  # before those that were found, and among them
            people |= {booked(session, NOON + HOUR - n * MINUTE).customer_id for n in (2, 3, 4)}
        assert followed() == 7
    assert set(told(vendor)) == people


def test_what_is_called_off_after_it_was_found_is_not_told(vendor: int) -> None:
    with at_work(vendor) as session:
        rule(session, "booking_reminder", minutes=60)
        booked(session, NOON + HOUR)
        off = booked(session, NOON + HOUR)
    with clock.stopped_at(NOON):
        with acting(SYSTEM):
            assert scanning.scan.run() == 2
        with at_work(vendor) as session:
            session.get_one(type(off), off.id).status = "cancelled"
        assert followed() == 1


def test_what_was_written_late_is_found_a_little_later(vendor: int) -> None:
    """A transaction that ended after the scan of its minute."""
    with at_work(vendor) as session:
        rule(session, "booking_reminder", minutes=60)
    assert scanned(NOON) == 0
    with at_work(vendor) as session:
        booked(session, NOON + HOUR - MINUTE)
    assert scanned(NOON + 2 * MINUTE) == 1


def test_a_rule_starts_when_it_is_made_and_again_when_it_is_taken_up(vendor: int) -> None:
    with at_work(vendor) as session:
        booked(session, NOON + HOUR - MINUTE)
        with clock.stopped_at(NOON):
            made = message_rules.plan(session, event="booking_reminder", name="New", minutes=60)
        number = made.id
    assert scanned(NOON + MINUTE) == 0
    with at_work(vendor) as session:
        message_rules.pause(session, rule_id=number)
        booked(session, NOON + 2 * HOUR)
        booked(session, NOON + 4 * HOUR)
    assert scanned(NOON + 2 * HOUR) == 0
    with at_work(vendor) as session, clock.stopped_at(NOON + 2 * HOUR):
        message_rules.resume(session, rule_id=number)
    assert scanned(NOON + 2 * HOUR + MINUTE) == 0
    assert scanned(NOON + 3 * HOUR) == 1


def test_birthdays_by_the_wall_and_29_february_too(vendor: int) -> None:
    with at_work(vendor) as session:
        rule(session, "birthday", at=time(9, 0))
        day = date(2026, 11, 21)
        mine = make.customer(session, birthday=day.replace(year=1990), email="a@example.com").id
        make.customer(session, birthday=day.replace(year=1990, day=20))
        make.customer(session, birthday=day.replace(year=1990), archived_at=NOON)
    assert scanned(datetime(2026, 11, 21, 8, 59, tzinfo=UTC)) == 0
    assert scanned(datetime(2026, 11, 21, 15, tzinfo=UTC)) == 1
    assert scanned(datetime(2026, 11, 22, 15, tzinfo=UTC)) == 0
    assert told(vendor) == [mine]
    assert date(2000, 2, 29) in days.births(date(2027, 2, 28))
    assert date(2000, 2, 29) not in days.births(date(2028, 2, 28))
    assert date(2000, 2, 29) in days.births(date(2028, 2, 29))


def test_rhythms_win_backs_and_ends_are_found(vendor: int) -> None:
    day = date(2026, 11, 21)
    with at_work(vendor) as session:
        email = {"email": "a@example.com"}
        for event, more in (
            ("replenishment_due", {"days": 3}), ("visit_due", {}), ("win_back", {"days": 60}),
            ("membership_renewing", {"days": 7}), ("membership_expiring", {"days": 7}),
            ("package_expiring", {"days": 7}),
        ):  # fmt: skip
            rule(session, event, **more)
        product = make.product(session, name="Dog food")
        buyer, guest, booked_guest, gone = (
            make.customer(session, **email, visit_count=n, last_activity_at=NOON) for n in range(4)
        )
        make.usage(session, customer=buyer, item_id=product.id, next_on=day + 3 * DAY)
        for one in (guest, booked_guest):
            make.usage(session, customer=one, kind="visit", item_id=0, next_on=day)
        booked(session, NOON + 9 * DAY, customer=booked_guest)
        gone.last_activity_at = NOON - 59 * DAY
        ends = NOON + 7 * DAY + HOUR
        renewing = make.membership(session, period_ends_at=ends)
        ending = make.membership(session, period_ends_at=ends, cancel_at_period_end=True)
        held = make.holding(session, expires_at=ends)
        expected = {
            ("replenishment_due", buyer.id), ("visit_due", guest.id), ("win_back", gone.id),
            ("membership_renewing", renewing.customer_id),
            ("membership_expiring", ending.customer_id), ("package_expiring", held.customer_id),
        }  # fmt: skip
    assert scanned(NOON + DAY) == 6
    assert scanned(NOON + DAY + HOUR) == 0
    with at_work(vendor) as session:
        rows = session.execute(select(Message.event, Message.customer_id, Message.words)).all()
        assert {(row.event, row.customer_id) for row in rows} == expected
        [words] = [row.words for row in rows if row.event == "replenishment_due"]
        assert (words["item"], words["interval_days"]) == ("Dog food", "30")


def test_a_rule_of_time_may_plan_a_call(vendor: int) -> None:
    with at_work(vendor) as session:
        rule(
            session, "replenishment_due", action="task", task_kind="replenishment",
            task_title="Call: is it used up?",
        )  # fmt: skip
        usage = make.usage(session, next_on=date(2026, 11, 21))
        whose = usage.customer_id
    assert scanned(NOON + DAY) == 1
    assert scanned(NOON + DAY + MINUTE) == 0
    with at_work(vendor) as session:
        [task] = session.scalars(select(Task))
        assert (task.customer_id, task.kind) == (whose, "replenishment")


def test_suspended_vendors_and_other_services_are_left_alone(vendor: int) -> None:
    closed = make.new_vendor(status="suspended")
    for at in (vendor, closed):
        with at_work(at) as session:
            wanted = make.service(session)
            rule(session, "booking_reminder", minutes=60, service_id=wanted.id)
            booked(session, NOON + HOUR)
            booked(session, NOON + HOUR, service=wanted)
    assert scanned(NOON) == 1
    assert len(told(vendor)) == 1
    assert told(closed) == []
