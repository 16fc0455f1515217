"""The first page of each role, against figures worked out by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Connection, select

from app.database import begin
from app.errors import NotAllowed
from app.operations import figures
from app.tenancy import Actor, DatabaseRole, acting, admin_actor, vendor_actor
from models.customers import Customer
from reports import market_today, today
from tests import make

ANALYST = Actor(DatabaseRole.ANALYST)
NOON = make.NOON


def busy_day(vendor_id: int) -> None:
    """Something of everything that a first page counts, and something that it must not."""
    with acting(vendor_actor(vendor_id)), begin() as session:
        staff = make.staff_member(session, name="Inês")
        hours = {"completed": -3, "no_show": -2, "checked_in": 0, "confirmed": 1, "pending": 2,
                 "cancelled": 3}  # fmt: skip
        for status, hour in hours.items():
            make.booking(session, status=status, starts_at=NOON + timedelta(hours=hour),
                         staff=staff)  # fmt: skip
        make.booking(session, status="pending", starts_at=NOON + timedelta(days=1))
        make.booking(
            session,
            status="pending",
            starts_at=NOON + timedelta(hours=4),
            held_until=NOON + timedelta(hours=3),
        )  # offered to the waitlist
        make.booking(session, status="completed", starts_at=NOON - timedelta(days=7))
        make.task(session, due_at=NOON - timedelta(hours=1), title="Patch test")
        make.task(session, due_at=NOON + timedelta(hours=1), customer=None)
        make.task(session, due_at=NOON + timedelta(days=1))
        make.task(session, due_at=NOON - timedelta(hours=1), status="done")
        few = make.variant(session, low_stock=3)
        make.stock_move(session, variant=few, on_hand=3)
        for other in ({"low_stock": 3}, {"low_stock": 9, "is_active": False}):
            make.stock_move(session, variant=make.variant(session, **other), on_hand=4)
        make.order(
            session,
            variant=make.variant(session, tracks_stock=False),
            placed_at=NOON - timedelta(hours=1),
        )
        make.order(session, number=None, status="draft", placed_at=None)
        make.customer(session, status="pending_follow_up", full_name="Camille")
        make.customer(session, status="pending_follow_up", archived_at=NOON)
        for customer in session.scalars(select(Customer)):
            customer.created_at = customer.last_activity_at = NOON - timedelta(days=8)
        make.customer(session, created_at=NOON, last_activity_at=NOON)
        old = NOON - timedelta(days=40)
        make.customer(session, created_at=old, last_activity_at=NOON)


def worked_out() -> None:
    """The figures as they follow from what was noted."""
    with acting(admin_actor()), begin() as session:
        while figures.freshen(session):
            pass


def test_a_vendor_sees_its_day(db: Connection) -> None:
    vendor_id = make.new_vendor()
    busy_day(vendor_id)
    busy_day(make.new_vendor())
    with acting(vendor_actor(vendor_id)), begin() as session:
        seen = today.vendor(session, vendor_id=vendor_id, now=NOON)
    assert (seen.bookings, seen.by_status["cancelled"], seen.to_confirm) == (5, 1, 2)
    assert (seen.expected, seen.taken) == (Decimal("160.00"), Decimal("40.00"))
    assert (seen.tasks_due, seen.tasks_overdue, seen.to_fulfil) == (2, 1, 1)
    assert (seen.new_customers, seen.to_follow_up, seen.running_low) == (1, 1, 1)
    assert [line.status for line in seen.next_bookings] == ["checked_in", "confirmed", "pending"]
    assert seen.next_bookings[0].detail is not None
    assert seen.next_bookings[0].detail.endswith("· Inês")
    assert seen.tasks[0].title == "Patch test"
    assert seen.orders[0].detail is None
    assert [line.title for line in seen.follow_ups] == ["Camille"]
    assert [line.status for line in seen.low] == ["3"]
    assert (seen.is_new, seen.week, seen.sellers) == (False, None, [])


def test_what_was_to_begin_earlier_today_waits_for_a_yes_as_in_the_list(db: Connection) -> None:
    vendor_id = make.new_vendor(time_zone="Asia/Tokyo")
    midnight = datetime(2026, 11, 19, 15, tzinfo=UTC)
    with acting(vendor_actor(vendor_id)), begin() as session:
        for minutes in (-1, 0, 60, 60 * 24 * 9):
            at = midnight + timedelta(minutes=minutes)
            make.booking(session, status="pending", starts_at=at)
        seen = today.vendor(session, vendor_id=vendor_id, now=midnight + timedelta(hours=5))
    assert seen.to_confirm == 3  # the list behind it begins with the day


@pytest.mark.parametrize(
    ("now", "hours"),
    [(datetime(2026, 3, 29, 12, tzinfo=UTC), 23), (datetime(2026, 10, 25, 12, tzinfo=UTC), 25)],
)
def test_a_day_is_as_long_as_the_clocks_make_it(db: Connection, now: datetime, hours: int) -> None:
    vendor_id = make.new_vendor(time_zone="Europe/Amsterdam")
    with acting(vendor_actor(vendor_id)), begin() as session:
        for hour in range(-30, 31):
            make.booking(session, starts_at=now + timedelta(hours=hour))
        seen = today.vendor(session, vendor_id=vendor_id, now=now)
        assert seen.bookings == hours


def test_the_first_day_of_a_vendor_is_empty(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        seen = today.vendor(session, vendor_id=vendor_id, now=NOON)
        read = today.vendor(session, vendor_id=vendor_id, now=NOON, reads_figures=True)
    assert (seen.bookings, seen.expected, seen.tasks, seen.to_fulfil) == (0, 0, [], 0)
    assert (seen.is_new, seen.slipping, read.sellers) == (True, [], [])
    assert read.week is not None
    assert (read.week.now.revenue, read.week.before.bookings, len(read.week.days)) == (0, 0, 7)


def test_the_marketplace_sees_sums_and_its_own_work(db: Connection) -> None:
    far = make.new_vendor(time_zone="Pacific/Auckland")
    for vendor_id in (make.new_vendor(), far):
        busy_day(vendor_id)
    with acting(admin_actor(far)), begin() as session:
        make.import_job(session, filename="klanten.csv")
        make.import_job(session, status="failed")
        make.import_job(session, status="completed", result={"invalid": 259}, finished_at=NOON)
        make.outbox_message(session, dead_at=NOON)
    worked_out()
    with acting(admin_actor()), begin() as session:
        seen = market_today.admin(session, now=NOON)
    assert (seen.imports_waiting, seen.imports_failed, seen.rows_to_correct) == (1, 1, 259)
    assert (seen.promises_broken, seen.to_follow_up) == (1, 2)
    assert {line.title for line in seen.imports} >= {"klanten.csv"}
    assert (seen.figures.vendors, seen.figures.zones) == (2, 2)
    # At noon UTC it is 01:00 of the 21st in Auckland: its day has three, Lisbon's has five.
    assert seen.figures.week.today.now.bookings == 5 + 3
    assert [share.bookings for share in seen.figures.busiest] == [5, 3]


def test_deliveries_to_check_are_a_list_of_their_own(db: Connection) -> None:
    vendor_id, other = make.new_vendor(), make.new_vendor()
    for which in (vendor_id, other):
        with acting(vendor_actor(which)), begin() as session:
            ana = make.customer(session, full_name="Ana")
            sent = make.order(session, customer=ana, number=10466)
            due, check = NOON - timedelta(hours=1), {"kind": "delivery_check", "customer": ana}
            make.task(session, due_at=due, title="Has it come?", order_id=sent.id, **check)
            make.task(session, due_at=NOON, title="No order", **check)
            make.task(session, due_at=NOON + timedelta(days=1), **check)
            make.task(session, due_at=due, status="done", **check)
            make.task(session, due_at=due, title="Call", customer=ana)
    with acting(vendor_actor(vendor_id)), begin() as session:
        seen = today.vendor(session, vendor_id=vendor_id, now=NOON)
    assert (seen.tasks_due, seen.checks_due, seen.others_due) == (3, 2, 1)
    assert [line.title for line in seen.tasks] == ["Call"]
    assert [(line.title, line.detail) for line in seen.checks] == [
        ("Order 10466, Ana", "Has it come?"), ("Ana", "No order"),
    ]  # fmt: skip
    assert (seen.sells_goods, seen.takes_bookings) == (True, False)


def test_what_did_not_arrive_is_work_for_a_week(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        ana = make.customer(session, full_name="Ana")
        for days in (1, 8):
            make.message(
                session, customer=ana, status="failed", failed_at=NOON - timedelta(days=days),
                error="Nobody lives there.",
            )  # fmt: skip
        make.message(session, customer=ana, status="suppressed", failed_at=NOON)
        make.outbox_message(session, vendor_id=vendor_id, dead_at=NOON)
        make.outbox_message(
            session, vendor_id=vendor_id, dead_at=NOON, task="tasks.messages.deliver"
        )
        seen = today.vendor(session, vendor_id=vendor_id, now=NOON)
    assert (seen.not_arrived, seen.given_up) == (1, 1)
    assert [(line.title, line.detail) for line in seen.failures] == [("Ana", "Nobody lives there.")]
    with acting(admin_actor()), begin() as session:
        assert market_today.admin(session, now=NOON).not_arrived == 1


def test_an_analyst_sees_figures_and_no_person(db: Connection) -> None:
    busy_day(make.new_vendor())
    worked_out()
    with acting(ANALYST), begin() as session:
        seen = market_today.analyst(session, now=NOON)
        day = seen.week.today
        assert (day.now.bookings, day.now.orders, seen.to_fulfil) == (5, 0, 1)
        assert (day.before.bookings, seen.new_customers) == (1, 1)
        assert (day.now.revenue, day.before.revenue) == (40, 40)
        assert [(share.bookings, share.no_shows) for share in seen.busiest] == [(5, 1)]
    with acting(ANALYST), pytest.raises(NotAllowed), begin() as session:
        market_today.admin(session, now=NOON)
