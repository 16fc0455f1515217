"""Eight at once: the database decides, and the numbers stay true."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import (
    bookings,
    class_sessions,
    interests,
    memberships,
    merging,
    orders,
    packages,
    places,
    tags,
    tasks,
    walk_ins,
)
from app.operations.lines import DraftLine
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bookings import Booking
from models.customers import Customer
from models.orders import LineKind, Order
from models.resources import ResourceClaim
from models.services import Service
from models.vendors import Counter
from tests import make

THREADS = 8


def in_threads(vendor_id: int, verb: Callable[..., Any], calls: list[dict[str, Any]]) -> list[str]:
    """Call `verb` once for each of `calls`, all at the same moment; what came of each, sorted."""
    gate = threading.Barrier(len(calls))

    def run(fields: dict[str, Any]) -> str:
        with acting(vendor_actor(vendor_id)):
            gate.wait()
            try:
                with begin() as session:
                    return type(verb(session, **fields)).__name__
            except DomainError as refusal:
                return refusal.code

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(run, calls))


@pytest.mark.parametrize("step", [0, 7])
def test_one_of_eight_gets_the_slot(fresh_database: str, step: int) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        ids = {
            "customer_id": make.customer(session).id,
            "service_id": make.service(session, duration_minutes=60).id,
            "staff_id": make.staff_member(session).id,
        }
    calls = [ids | {"starts_at": make.NOON + timedelta(minutes=step * n)} for n in range(THREADS)]
    assert in_threads(vendor_id, bookings.book, calls) == ["Booking"] + ["SlotTaken"] * 7
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert len(session.scalars(select(Booking)).all()) == 1


def slot(session: Session, **service: Any) -> dict[str, Any]:
    """What it takes to ask for an hour of somebody tomorrow."""
    return {
        "customer_id": make.customer(session).id,
        "service_id": make.service(session, **service).id,
        "staff_id": make.staff_member(session).id,
        "starts_at": clock.now() + timedelta(days=1),
    }


def one_of(session: Session, *, verb: Callable[..., Any], **fields: Any) -> Any:
    return verb(session, **fields)


def test_one_gets_the_slot_whichever_way_they_come(fresh_database: str) -> None:
    """Booked, moved or reopened: who comes second hears a sentence, and nobody is stuck."""
    vendor_id = make.new_vendor()
    yesterday = clock.now() - timedelta(days=1)
    with acting(vendor_actor(vendor_id)), begin() as session:
        ids = slot(session) | {"starts_at": yesterday}
        pair = {"staff_id": ids["staff_id"], "starts_at": yesterday}
        late = [
            bookings.book(session, **ids | {"starts_at": yesterday + timedelta(hours=2 * n)}).id
            for n in range(1, 4)
        ]
        missed = []
        for _ in range(2):
            one = bookings.book(session, **ids)
            bookings.confirm(session, booking_id=one.id)
            bookings.mark_no_show(session, booking_id=one.id)
            missed.append(one.id)
    calls: list[dict[str, Any]] = [
        *({"verb": bookings.book, **ids} for _ in range(3)),
        *({"verb": bookings.reschedule, "booking_id": one, **pair} for one in late),
        *({"verb": bookings.reopen, "booking_id": one} for one in missed),
    ]
    assert in_threads(vendor_id, one_of, calls) == ["Booking"] + ["SlotTaken"] * 7


def test_saying_yes_and_booking_over_it_do_not_wait_for_each_other(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        ids = slot(session, kind="lab_test")
        room = make.resource(session)
        service = session.get_one(Service, ids["service_id"])
        make.service_resource(session, service=service, resource=room)
        asked = bookings.book(session, **ids).id
        alone = ids | {"staff_id": None}
    calls = [
        *({"verb": bookings.confirm, "booking_id": asked} for _ in range(2)),
        *({"verb": bookings.book, **ids} for _ in range(3)),
        *({"verb": bookings.book, **alone} for _ in range(3)),
    ]
    outcomes = in_threads(vendor_id, one_of, calls)
    assert outcomes == ["Booking", "CannotMove"] + ["RoomTaken"] * 3 + ["SlotTaken"] * 3


def test_as_many_get_a_room_as_there_are(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        rooms = [make.resource(session, capacity=2) for _ in range(2)]
        calls = []
        for order in (rooms, rooms[::-1]):  # what one needs first, the other needs last
            ids = slot(session, kind="stay") | {"staff_id": None}
            for room in order:
                service = session.get_one(Service, ids["service_id"])
                make.service_resource(session, service=service, resource=room)
            calls += [ids] * (THREADS // 2)
    assert in_threads(vendor_id, bookings.book, calls) == ["Booking"] * 2 + ["RoomTaken"] * 6
    with acting(vendor_actor(vendor_id)), begin() as session:
        claims = session.scalars(select(ResourceClaim)).all()
        assert sorted((c.resource_id, c.unit) for c in claims) == sorted(
            (room.id, unit) for room in rooms for unit in (1, 2)
        )
        assert places.drift(session) == []


def test_the_last_seat_is_taken_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        planned = make.class_session(session, seats=1, starts_at=clock.now() + timedelta(days=1))
        call = {"service_id": planned.service_id, "class_session_id": planned.id}
        calls = [
            call | {"customer_id": make.customer(session).id, "starts_at": planned.starts_at}
            for _ in range(THREADS)
        ]
    assert in_threads(vendor_id, bookings.book, calls) == ["Booking"] + ["ClassIsFull"] * 7
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert places.drift(session) == []


def test_walk_ins_of_the_same_moment_get_different_people_and_numbers(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        service_id = make.service(session).id
        staff = {make.staff_member(session).id for _ in range(3)}
    outcomes = in_threads(vendor_id, walk_ins.begin, [{"service_id": service_id}] * THREADS)
    assert outcomes == ["Booking"] * 3 + ["SlotTaken"] * 5
    with acting(vendor_actor(vendor_id)), begin() as session:
        rows = session.scalars(select(Booking)).all()
        assert {row.staff_id for row in rows} == staff
        assert sorted(row.customer.name for row in rows) == [
            "Walk-in 0001", "Walk-in 0002", "Walk-in 0003",
        ]  # fmt: skip


def test_a_class_and_bookings_of_one_person_do_not_meet(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        ids = slot(session)
        lesson = make.service(session, kind="class", capacity=6).id
    at = {"staff_id": ids["staff_id"], "starts_at": ids["starts_at"]}
    calls = [
        *({"verb": bookings.book, **ids} for _ in range(4)),
        *({"verb": class_sessions.plan, "service_id": lesson, **at} for _ in range(4)),
    ]
    outcomes = in_threads(vendor_id, one_of, calls)
    assert outcomes.count("SlotTaken") == 7
    assert {"Booking", "list"} & set(outcomes)


def test_a_booking_is_called_off_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        booking_id = bookings.book(session, **slot(session)).id
    outcomes = in_threads(vendor_id, bookings.cancel, [{"booking_id": booking_id}] * THREADS)
    assert outcomes == ["Booking"] + ["CannotMove"] * 7
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.get_one(Booking, booking_id).sequence == 1


def test_eight_orders_get_eight_numbers_without_a_gap(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        line = DraftLine(LineKind.PRODUCT, make.variant(session).id)
        ids = [orders.save_draft(session, lines=[line]).id for _ in range(THREADS - 2)]
        ids += [orders.save_draft(session, lines=[]).id for _ in range(2)]  # these are refused
    outcomes = in_threads(vendor_id, orders.place, [{"order_id": order_id} for order_id in ids])
    assert outcomes == ["NothingOrdered"] * 2 + ["Order"] * 6
    with acting(vendor_actor(vendor_id)), begin() as session:
        numbers = session.scalars(select(Order.number).where(Order.number.is_not(None)))
        assert sorted(numbers) == [1, 2, 3, 4, 5, 6]
        assert session.scalars(select(Counter.value)).all() == [6]


def test_an_order_is_fulfilled_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        customer_id = make.customer(session).id
        line = DraftLine(LineKind.PRODUCT, make.variant(session).id)
        order_id = orders.save_draft(session, lines=[line], customer_id=customer_id).id
        orders.place(session, order_id=order_id)
    outcomes = in_threads(vendor_id, orders.fulfil, [{"order_id": order_id}] * THREADS)
    assert outcomes == ["CannotMove"] * 7 + ["Order"]
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.get_one(Customer, customer_id).order_count == 1
        assert interests.drift(session) == []


def test_no_visit_is_lost_when_eight_are_completed_at_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        customer, service = make.customer(session), make.service(session)
        ids = [make.booking(session, customer=customer, service=service).id for _ in range(THREADS)]
        customer_id = customer.id
    outcomes = in_threads(vendor_id, bookings.complete, [{"booking_id": b} for b in ids])
    assert outcomes == ["Booking"] * THREADS
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.get_one(Customer, customer_id).visit_count == THREADS
        assert interests.drift(session) == []


def test_one_of_eight_joins(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        ids = {"customer_id": make.customer(session).id, "plan_id": make.plan(session).id}
    outcomes = in_threads(vendor_id, memberships.join, [ids] * THREADS)
    assert outcomes == ["AlreadyMember"] * 7 + ["Membership"]


@pytest.mark.parametrize("what", ["booking", "order", "task", "package", "membership", "tag"])
def test_nothing_is_written_into_a_file_that_is_being_merged(
    fresh_database: str, what: str
) -> None:
    """Whoever comes meanwhile waits, and then hears that the file is gone."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        stays, goes = make.customer(session).id, make.customer(session).id
        service, package, plan = make.service(session), make.package(session), make.plan(session)
        line = DraftLine(kind=LineKind.FEE, name="Fee", unit_price=Decimal(1))
        verbs: dict[str, Callable[[Session], Any]] = {
            "booking": lambda s: bookings.book(
                s, customer_id=goes, service_id=service.id, starts_at=make.NOON
            ),
            "order": lambda s: orders.save_draft(s, customer_id=goes, lines=[line]),
            "task": lambda s: tasks.plan(s, customer_id=goes, title="Call"),
            "package": lambda s: packages.hand_out(s, customer_id=goes, package_id=package.id),
            "membership": lambda s: memberships.join(s, customer_id=goes, plan_id=plan.id),
            "tag": lambda s: tags.add(s, customer_id=goes, name="vip"),
        }

    def come() -> str:
        with acting(vendor_actor(vendor_id)):
            try:
                with begin() as session:
                    verbs[what](session)
            except DomainError as refusal:
                return refusal.code
        return "written"

    with ThreadPoolExecutor(1) as pool, acting(vendor_actor(vendor_id)):
        with begin() as session:
            merging.merge(session, survivor_id=stays, merged_id=goes)
            meanwhile = pool.submit(come)
            with pytest.raises(TimeoutError):
                meanwhile.result(timeout=0.5)
        assert meanwhile.result(timeout=60) in {
            "CannotBook", "CannotOrder", "CannotPlan", "CannotHandOut", "CannotJoin", "NotFound",
        }  # fmt: skip


def test_the_clock_of_tests_does_not_leak() -> None:
    with clock.stopped_at(make.NOON):
        assert clock.now() == make.NOON
    assert clock.now() != make.NOON


def test_two_who_wait_for_each_other_are_told_to_try_again(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        ids = [make.customer(session).id for _ in range(2)]
    gate = threading.Barrier(2)

    def change(first: int, second: int) -> str:
        with acting(vendor_actor(vendor_id)):
            try:
                with begin() as session:
                    session.get_one(Customer, first, with_for_update=True)
                    gate.wait(60)
                    session.get_one(Customer, second, with_for_update=True)
            except DomainError as refusal:
                return refusal.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(change, ids, reversed(ids)))
    assert outcomes == ["AtOnce", "done"]


def test_another_category_takes_along_a_customer_who_is_worked_out_meanwhile(
    fresh_database: str,
) -> None:
    vendor_id = make.new_vendor()
    with acting(SYSTEM), begin() as session:
        category_id = make.category(session).id
    with acting(vendor_actor(vendor_id)), begin() as session:
        ids = slot(session) | {"starts_at": clock.now() - timedelta(days=1)}
        booking = bookings.book(session, **ids)
        bookings.confirm(session, booking_id=booking.id)
        bookings.complete(session, booking_id=booking.id)

    def move() -> None:
        with acting(vendor_actor(vendor_id)), begin() as session:
            session.get_one(Service, ids["service_id"]).category_id = category_id

    with ThreadPoolExecutor(1) as pool:
        with acting(vendor_actor(vendor_id)), begin() as session:
            interests.rebuild(session, customer_ids=[ids["customer_id"]])
            moved = pool.submit(move)
            wait_for_a_lock(session)
        moved.result()
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert interests.drift(session) == []


def wait_for_a_lock(session: Session) -> None:
    """Until somebody else waits for what this transaction holds."""
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    until = time.monotonic() + 20
    while not session.scalar(waits):
        assert time.monotonic() < until, "nobody waits"
        time.sleep(0.02)  # the other one is a thread, which needs the time
