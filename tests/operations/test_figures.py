"""Figures: sums worked out by hand, days noted by the database, and nothing lost meanwhile."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.orm import Session

from app import clock
from app.database import SessionFactory, begin
from app.operations import diaries, figures, forgetting, merging, staff_hours
from app.operations.hours import by_day, wall_of
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bookings import Booking
from models.figures import (
    LEADS,
    BookingFigures,
    HourFigures,
    ItemFigures,
    OrderFigures,
    SaleFigures,
    StaffFigures,
    StaffHours,
    StaleDay,
)
from models.orders import Order
from models.payments import Refund
from models.services import Service
from models.vendors import Vendor
from tasks import figures as tasks
from tasks.nightly import check_the_books
from tests import make
from tests.operations.history_desk import Desk, line

NOON = make.NOON  # Friday, 20 November 2026
TODAY = NOON.date()
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def money(text: str) -> Decimal:
    return Decimal(text)


@contextmanager
def at(vendor_id: int) -> Iterator[Session]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        yield session


def settle() -> None:
    """All that is noted is worked out."""
    with acting(SYSTEM):
        while tasks.freshen.run():
            pass


def rows(vendor_id: int, model: Any, *names: str, **where: Any) -> list[tuple[Any, ...]]:
    """What is kept, in the order of its key."""
    columns = [getattr(model, name) for name in names]
    found = select(*columns).where(model.vendor_id == vendor_id)
    found = found.filter_by(**{"grain": "day"} | where).order_by(*model.__table__.primary_key)
    with at(vendor_id) as session:
        return [tuple(row) for row in session.execute(found)]


def noted(vendor_id: int) -> list[date | None]:
    """The days that are noted so far; they are forgotten."""
    with acting(SYSTEM), begin() as session:
        mine = StaleDay.vendor_id == vendor_id
        days = set(session.scalars(select(StaleDay.day).where(mine)))
        session.execute(StaleDay.__table__.delete().where(mine))
    return sorted(days, key=lambda day: day or date.min)


def a_sale(session: Session, **fields: Any) -> Order:
    """Two shampoos at 12.10, 2.42 off, and sending for 6.05; of it all a 1.21th is tax."""
    variant = make.product(session, variants=1).variants[0]
    values = {"status": "completed", "fulfilled_at": NOON, "tax": money("4.83")} | fields
    order = make.order(session, lines=0, **values)
    percent = {"tax_percent": Decimal(21), "order": order}
    make.order_line(
        session, variant=variant, quantity=2, unit_price=money("12.10"), cost=money("5.00"),
        discount=money("2.42"), tax=money("3.78"), **percent,
    )  # fmt: skip
    make.order_line(
        session, kind="shipping", unit_price=money("6.05"), tax=money("1.05"), **percent
    )
    session.flush()
    session.refresh(order, ["lines"])
    return order


SALE = (
    "kind", "lines", "quantity", "returned", "gross", "discount", "net", "tax", "cost",
    "refunded", "refunded_tax",
)  # fmt: skip


def test_a_sale_and_what_came_back_of_it_by_hand(db: Connection) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        order = a_sale(session)
        item = order.lines[0].variant.product_id
        payment = make.payment(session, order=order)
        for_line = make.refund(
            session, payment=payment, amount=money("12.10"), created_at=NOON + 2 * DAY
        )
        make.refund_line(session, refund=for_line, line=order.lines[0])
        make.refund(session, payment=payment, amount=money("1.00"), created_at=NOON + 3 * DAY)
        make.refund(
            session, payment=payment, amount=money("2.00"), created_at=NOON, status="failed"
        )
        make.shipment(session, order=order, status="delivered")
        back = make.product_return(session, order=order)
        back.lines[0].received, back.received_at = 1, NOON + 2 * DAY
    settle()
    cents = [Decimal(n) / 100 for n in (2000, 200, 1800, 378, 1000)]
    nothing = [Decimal(0)] * 5
    sold = ("product", 1, 2, 0, *cents, 0, 0)
    sent = ("shipping", 1, 1, 0, Decimal(5), 0, Decimal(5), money("1.05"), 0, 0, 0)
    came = ("product", 0, 0, 1, *nothing, Decimal(10), money("2.10"))
    given = ("unassigned", 0, 0, 0, *nothing, Decimal(1), 0)
    days = [rows(vendor, ItemFigures, *SALE, starts_on=TODAY + n * DAY) for n in range(4)]
    assert days == [[sold, sent], [], [came], [given]]
    assert rows(vendor, SaleFigures, *SALE, starts_on=TODAY) == [sold, sent]
    assert rows(vendor, ItemFigures, "item_id", kind="product") == [(item,), (item,)]
    week = ("product", 1, 2, 1, *cents, Decimal(10), money("2.10"))
    monday, first = date(2026, 11, 16), date(2026, 11, 1)
    assert rows(vendor, ItemFigures, *SALE, grain="week", starts_on=monday) == [week, sent]
    assert rows(vendor, SaleFigures, *SALE, grain="month", starts_on=first) == [week, sent, given]
    total = ("orders", "with_customer", "total", "discount", "shipping")
    assert rows(vendor, OrderFigures, *total) == [
        (1, 0, money("27.83"), money("2.42"), money("6.05"))
    ]
    assert rows(vendor, OrderFigures, "starts_on", grain="month") == [(first,)]


def test_a_visit_counts_when_it_is_given_and_no_refund_before_it(db: Connection) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        customer = make.customer(session)
        sold, unsold = (
            make.booking(
                session, customer=customer, price=money("30.00"), starts_at=NOON + n * DAY,
                channel="online",
            )
            for n in (3, 4)
        )  # fmt: skip
        order = make.order(
            session, customer=customer, lines=0, status="completed", fulfilled_at=NOON
        )
        make.order_line(
            session, order=order, kind="service", service_id=sold.service_id,
            booking_id=sold.id, unit_price=money("25.00"),
        )  # fmt: skip
        session.flush()
        payment = make.payment(session, order=order)
        for amount in ("4.00", "1.00"):
            refund = make.refund(
                session, payment=payment, amount=money(amount), created_at=NOON + DAY
            )
            if amount == "4.00":
                session.refresh(order, ["lines"])
                make.refund_line(session, refund=refund, line=order.lines[0])
        ids = sold.id, unsold.id
    settle()
    assert rows(vendor, ItemFigures, "starts_on") == []  # paid, and not given yet
    with at(vendor) as session:
        for booking in session.scalars(select(Booking).where(Booking.id.in_(ids))):
            booking.status, booking.completed_at = "completed", booking.ends_at
    settle()
    assert rows(vendor, SaleFigures, "starts_on", "kind", "channel", "net", "refunded") == [
        (TODAY + 3 * DAY, "service", "online", 25, 4),
        (TODAY + 3 * DAY, "unassigned", "walk_in", 0, 1),
        (TODAY + 4 * DAY, "service", "online", 30, 0),
    ]
    with at(vendor) as session:  # it was over the day before it should begin
        moved = update(Booking).where(Booking.id == ids[1])
        session.execute(moved.values(completed_at=NOON + 2 * DAY))
    settle()
    assert rows(vendor, SaleFigures, "net", starts_on=TODAY + 2 * DAY) == [(30,)]
    assert rows(vendor, SaleFigures, "net", starts_on=TODAY + 4 * DAY) == []


def test_a_visit_over_before_midnight_counts_once_beside_the_day_after(db: Connection) -> None:
    vendor = make.new_vendor()
    begins = datetime(2026, 11, 21, 1, tzinfo=UTC)
    with at(vendor) as session:
        make.booking(
            session, price=money("30.00"), starts_at=begins, status="completed",
            completed_at=begins - 2 * HOUR,
        )  # fmt: skip
    settle()  # both days at once
    assert rows(vendor, SaleFigures, "starts_on", "lines", "net") == [(TODAY, 1, 30)]
    assert rows(vendor, SaleFigures, "net", grain="month") == [(30,)]
    with at(vendor) as session:
        assert figures.drift(session, days=[(vendor, TODAY), (vendor, TODAY + DAY)]) == []


def test_what_was_paid_too_much_is_no_loss_when_it_goes_back(db: Connection) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        order = a_sale(session)
        payment = make.payment(session, order=order, amount=order.total + 5)
        for amount in (5, 2):
            make.refund(session, payment=payment, amount=Decimal(amount), created_at=NOON + HOUR)
    settle()
    assert rows(vendor, SaleFigures, "refunded", kind="unassigned") == [(2,)]


COUNTS = (
    "bookings", "open", "completed", "cancelled", "late", "no_shows", "seats", "minutes", "value",
    "lost", "fees",
)  # fmt: skip


def test_bookings_by_what_became_of_them(db: Connection, at_noon: datetime) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        staff, service = make.staff_member(session), make.service(session, price=money("40.00"))
        drawn = (
            ("confirmed", 0), ("pending", 0), ("completed", 0), ("completed", 0),
            ("cancelled", 0), ("cancelled", 20), ("no_show", 40),
        )  # fmt: skip
        for n, (status, fee) in enumerate(drawn):
            make.booking(
                session, service=service, staff=staff, status=status, fee=Decimal(fee), seats=2,
                starts_at=NOON + n * HOUR, ends_at=NOON + n * HOUR + timedelta(minutes=45),
                completed_at=NOON + n * HOUR if status == "completed" else None,
            )  # fmt: skip
        make.booking(session, service=service, status="pending", held_until=NOON, starts_at=NOON)
    settle()
    assert rows(vendor, BookingFigures, *COUNTS) == [(7, 2, 2, 2, 1, 1, 10, 5 * 45, 80, 120, 60)]
    names = ("staff_id", "bookings", "completed", "cancelled", "no_shows", "minutes", "value")
    assert rows(vendor, StaffFigures, *names) == [(staff.id, 7, 2, 2, 1, 225, 80)]
    hours = rows(vendor, HourFigures, "weekday", "hour", "bookings", "no_shows", "minutes")
    assert hours[0] == (5, 12, 1, 0, 45)
    assert hours[4:] == [(5, 16, 1, 0, 0), (5, 17, 1, 0, 0), (5, 18, 1, 1, 45)]


LEADS_OF = tuple(f"lead_{days}" for days in LEADS)


def test_bookings_by_how_long_ahead_they_were_made(db: Connection, at_noon: datetime) -> None:
    vendor = make.new_vendor(time_zone="America/New_York")
    evening = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # 18:30 there
    ahead = (0, 0, 1, 2, 3, 4, 7, 8, 14, 15, 30, 31, 300)
    with at(vendor) as session:
        service = make.service(session)

        def made(before: timedelta, **fields: Any) -> None:
            make.booking(
                session, service=service, starts_at=evening, created_at=evening - before, **fields
            )

        for days in ahead:
            made(days * DAY)
        made(18 * HOUR + HOUR / 4)  # at 0:15 of the same day
        made(18 * HOUR + 3 * HOUR / 4)  # at 23:45 of the day before
        made(5 * HOUR, status="no_show")
        made(HOUR / -2)  # noted while it was under way
        made(-DAY)  # noted afterwards
        made(DAY, status="cancelled")
        made(DAY, channel="import")
        made(DAY, status="pending", held_until=NOON)
    settle()
    found = rows(vendor, BookingFigures, "bookings", *LEADS_OF, channel="walk_in")
    assert found == [(len(ahead) + 6, 5, 2, 2, 2, 2, 2, 2)]
    assert rows(vendor, BookingFigures, *LEADS_OF, channel="import") == [(0,) * len(LEADS)]
    with at(vendor) as session:
        assert figures.drift(session, days=[(vendor, TODAY)]) == []


def test_a_class_takes_its_time_once(db: Connection) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        staff = make.staff_member(session)
        planned = make.class_session(session, staff=staff)
        for status in ("cancelled", "confirmed", "confirmed", "no_show"):
            make.booking(
                session, service=planned.service, staff=staff, class_session_id=planned.id,
                kind="class", status=status, starts_at=planned.starts_at,
            )  # fmt: skip
    settle()
    assert rows(vendor, StaffFigures, "bookings", "minutes") == [(4, 60)]
    assert [row[0] for row in rows(vendor, HourFigures, "minutes")] == [60]
    assert rows(vendor, BookingFigures, "kind", "minutes") == [("class", 180)]


@pytest.mark.parametrize(
    ("day", "length"), [(date(2026, 3, 29), 23), (date(2026, 7, 1), 24), (date(2026, 10, 25), 25)]
)
def test_a_day_is_as_long_as_the_clocks_make_it(db: Connection, day: date, length: int) -> None:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    with at(vendor) as session:
        service, customer = make.service(session), make.customer(session)
        begins = datetime.combine(day, time(0), UTC) - DAY + HOUR / 2
        for n in range(72):
            make.booking(
                session, service=service, customer=customer, starts_at=begins + n * HOUR,
                ends_at=begins + n * HOUR + timedelta(minutes=5),
            )  # fmt: skip
        make.order(session, lines=0, status="completed", fulfilled_at=begins + 22 * HOUR)
    settle()
    assert rows(vendor, BookingFigures, "bookings", starts_on=day) == [(length,)]
    hours = rows(vendor, HourFigures, "bookings", starts_on=day)
    assert len(hours) == min(length, 24)
    assert max(hours) == (2 if length == 25 else 1,)
    with at(vendor) as session:
        assert figures.drift(session, days=[(vendor, day + n * DAY) for n in (-1, 0, 1)]) == []


def test_a_change_is_noted_on_its_days_and_nothing_else_is(db: Connection) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        booking = make.booking(session, starts_at=NOON)
        booking_id = booking.id
    assert noted(vendor) == [TODAY]
    one = update(Booking).where(Booking.id == booking_id)
    for changed, days in (
        ({"note": "Late"}, []),
        ({"starts_at": NOON + DAY, "ends_at": NOON + DAY + HOUR}, [TODAY, TODAY + DAY]),
        ({"status": "cancelled"}, [TODAY + DAY]),
    ):
        with at(vendor) as session:
            session.execute(one.values(changed))
        assert noted(vendor) == days
    with at(vendor) as session:
        order = a_sale(session, status="placed", fulfilled_at=None)
        payment = make.payment(session, order=order)
    assert noted(vendor) == []  # it does not count yet
    with at(vendor) as session:
        of_order = update(Order).where(Order.id == order.id)
        session.execute(of_order.values(status="fulfilled", fulfilled_at=NOON - DAY))
    assert noted(vendor) == [TODAY - DAY]
    with at(vendor) as session:
        session.execute(of_order.values(note="Thanks"))
    assert noted(vendor) == []
    with at(vendor) as session:
        refund = make.refund(session, payment=payment, amount=Decimal(1), created_at=NOON + DAY)
    assert noted(vendor) == [TODAY - DAY, TODAY + DAY]
    with at(vendor) as session:
        session.execute(update(Refund).where(Refund.id == refund.id).values(status="failed"))
    assert noted(vendor) == [TODAY - DAY, TODAY + DAY]


def test_a_late_change_works_out_its_days_only(db: Connection) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        a_sale(session)
        late = a_sale(session, fulfilled_at=NOON - 40 * DAY)
    settle()
    with acting(SYSTEM), begin() as session:  # what nobody is to touch
        for day in (TODAY, TODAY - 39 * DAY):
            make.figures(session, OrderFigures, vendor_id=vendor, starts_on=day, channel="phone")
    with at(vendor) as session:
        session.execute(update(Order).where(Order.id == late.id).values(channel="online"))
    settle()
    assert rows(vendor, OrderFigures, "starts_on", "channel", "orders") == [
        (TODAY - 40 * DAY, "online", 1), (TODAY - 39 * DAY, "phone", 0),
        (TODAY, "phone", 0), (TODAY, "walk_in", 1),
    ]  # fmt: skip


def test_another_zone_or_category_is_another_day_or_category_of_all(db: Connection) -> None:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    with acting(SYSTEM), begin() as session:
        category_id = make.category(session).id
    with at(vendor) as session:
        booking = make.booking(session, starts_at=datetime(2026, 11, 20, 23, tzinfo=UTC))
        service_id = booking.service_id
    settle()
    assert rows(vendor, BookingFigures, "starts_on", "category_id") == [(TODAY, 0)]
    with acting(SYSTEM), begin() as session:
        session.get_one(Vendor, vendor).time_zone = "Australia/Sydney"
        session.get_one(Service, service_id).category_id = category_id
    settle()
    found = rows(vendor, BookingFigures, "starts_on", "category_id")
    assert found == [(TODAY + DAY, category_id)]
    assert rows(vendor, HourFigures, "weekday", "hour") == [(6, 10)]


def test_another_zone_finds_what_was_booked_by_the_old_one_and_not_yet_committed(
    fresh_database: str,
) -> None:
    """Its day was noted by a clock that is no more, and all days were worked out without it."""
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    with at(vendor) as session:
        moved = make.booking(session, starts_at=NOON - 40 * DAY)
        service, number = moved.service_id, moved.id
    settle()
    with acting(vendor_actor(vendor)), SessionFactory() as slow:
        late = datetime(2027, 1, 15, 23, tzinfo=UTC)
        make.booking(slow, service=slow.get_one(Service, service), starts_at=late)
        slow.get_one(Booking, number).starts_at = datetime(2026, 6, 1, 23, tzinfo=UTC)
        slow.flush()
        with acting(SYSTEM), begin() as session:
            session.get_one(Vendor, vendor).time_zone = "Australia/Sydney"
        settle()
        assert rows(vendor, BookingFigures, "starts_on") == [((NOON - 40 * DAY).date(),)]
        slow.commit()
    settle()
    booked = [(date(2026, 6, 2), 1), (date(2027, 1, 16), 1)]
    assert rows(vendor, BookingFigures, "starts_on", "bookings") == booked
    with acting(SYSTEM), begin() as session:
        assert session.scalars(select(StaleDay)).all() == []


def test_who_is_merged_or_forgotten_stays_in_the_figures(db: Connection) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        kept, gone = make.customer(session), make.customer(session)
        a_sale(session, customer=gone)
        make.booking(session, customer=gone, starts_at=NOON)
    settle()
    before = rows(vendor, ItemFigures, *SALE)
    with at(vendor) as session:
        merging.merge(session, survivor_id=kept.id, merged_id=gone.id)
    with at(vendor) as session:
        forgetting.forget(session, customer_id=kept.id)
    settle()
    assert rows(vendor, ItemFigures, *SALE) == before
    assert rows(vendor, OrderFigures, "orders", "with_customer") == [(1, 1)]
    with at(vendor) as session:
        assert figures.drift(session, days=[(vendor, TODAY)]) == []


def test_past_sales_come_into_the_figures_and_leave_them_again(
    db: Connection, tmp_path: Path
) -> None:
    desk = Desk(tmp_path)
    told = desk.run(
        [line(), line(order="2", customer="", amount="15.00"),
         line(order="3", date="2024-03-09 10:00", quantity="-1", amount="-4.00")]
    )  # fmt: skip
    settle()
    assert rows(desk.vendor, SaleFigures, "starts_on", "channel", "net", "refunded") == [
        (date(2024, 3, 5), "import", 25, 0), (date(2024, 3, 9), "import", 0, 4),
    ]  # fmt: skip
    desk.undone(told["job"])
    settle()
    for model in figures.TABLES:
        for grain in ("day", "week", "month"):
            assert rows(desk.vendor, model, "starts_on", grain=grain) == []


def test_hours_of_staff_are_those_that_could_be_booked(db: Connection, at_noon: datetime) -> None:
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    with at(vendor) as session:
        anna, ben, nobody = (make.staff_member(session) for _ in range(3))
        for weekday in (5, 6):
            make.working_hours(session, staff=anna, weekday=weekday, ends=time(18))
        make.working_hours(
            session, staff=anna, weekday=5, kind="break", starts=time(13), ends=time(13, 45)
        )
        make.time_off(session, staff=anna, starts_at=NOON - 3 * HOUR, ends_at=NOON)
        for staff in (anna, ben):
            make.booking(session, staff=staff, starts_at=NOON + HOUR)
        del nobody
    settle()
    names = ("starts_on", "staff_id", "available_minutes")
    assert rows(vendor, StaffHours, *names) == [(TODAY, anna.id, 540 - 45 - 180)]  # Ben has none
    with acting(SYSTEM), begin() as session:
        staff_hours.rebuild(session, vendor_id=vendor)
    found = {day: minutes for day, _, minutes in rows(vendor, StaffHours, *names)}
    assert found[date(2026, 11, 6)] == 495  # from the month of the first booking
    assert found[date(2026, 11, 21)] == 540
    assert (min(found), max(found)) == (date(2026, 11, 6), date(2026, 12, 26))  # to the end of next
    [(month,)] = rows(
        vendor, StaffHours, "available_minutes", grain="month", starts_on=date(2026, 12, 1)
    )
    assert month == 4 * (495 + 540)
    with clock.stopped_at(NOON + 30 * DAY):
        assert tasks.count_hours.apply().get() >= 1
    assert max(rows(vendor, StaffHours, "starts_on"))[0] == date(2027, 1, 30)


def test_weeks_are_alike_but_for_what_is_unlike(db: Connection, at_noon: datetime) -> None:
    """Only days that may be unlike others are looked at; all come out as if each was."""
    vendor = make.new_vendor(time_zone="Europe/Lisbon")
    with at(vendor) as session:
        anna, ben = make.staff_member(session), make.staff_member(session)
        spring = date(2026, 4, 15)
        for weekday in range(1, 8):
            make.working_hours(session, staff=anna, weekday=weekday, effective_to=spring)
            make.working_hours(  # nights, over each change of the clock
                session, staff=anna, weekday=weekday, starts=time(22), ends=time(4, 30),
                effective_from=spring + DAY,
            )  # fmt: skip
        make.working_hours(session, staff=ben, weekday=3)
        make.working_hours(
            session, staff=ben, weekday=3, kind="break", starts=time(12), ends=time(13)
        )
        for ago, hours, kind in ((200, 30, "off"), (100, 200, "off"), (99, 5, "extra")):
            begins = NOON - ago * DAY
            make.time_off(
                session, staff=ben, kind=kind, starts_at=begins, ends_at=begins + hours * HOUR
            )
        make.time_off(session, starts_at=NOON - 3 * HOUR, ends_at=NOON)  # everybody
        for staff in (anna, ben):
            make.booking(session, staff=staff, starts_at=NOON - 300 * DAY)
    settle()
    with acting(SYSTEM), begin() as session:
        staff_hours.rebuild(session, vendor_id=vendor)
    names = ("starts_on", "staff_id", "available_minutes")
    kept = {row[:2]: row[2] for row in rows(vendor, StaffHours, *names)}
    wall = wall_of("Europe/Lisbon")
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    span = wall.begins(first - DAY, time(0)), wall.begins(last + DAY, time(0))
    with at(vendor) as session:
        working, _ = diaries.working(
            session, vendor_id=vendor, wall=wall, staff_ids=[anna.id, ben.id], span=span
        )
    true: dict[tuple[date, int], timedelta] = defaultdict(timedelta)
    for staff_id, diary in working.items():
        for long in diary.open:
            for begins, ends in by_day(wall, long):
                true[wall.day(begins), staff_id] += ends - begins
    assert kept == {
        key: long / timedelta(minutes=1) for key, long in true.items() if first <= key[0] <= last
    }
    assert len(kept) > 400


def test_the_nightly_check_names_what_is_wrong(
    db: Connection, caplog: pytest.LogCaptureFixture, at_noon: datetime
) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        make.booking(session, starts_at=NOON)
    assert check_the_books.apply().get() == 0  # noted, and not worked out yet, is no drift
    settle()
    assert check_the_books.apply().get() == 0
    with acting(SYSTEM), begin() as session:
        session.execute(
            text("DELETE FROM hour_figures WHERE vendor_id = :v AND grain = 'day'"), {"v": vendor}
        )
    assert check_the_books.apply().get() == 3 * 3 + 3  # day, week, month; the marketplace's day
    said = f"vendor {vendor}, hour figures 20261120, day 5 12 walk_in bookings is None and should"
    assert said in caplog.text
    with acting(SYSTEM), begin() as session:
        figures.rebuild(session, vendor_ids=[vendor])
    assert check_the_books.apply().get() == 0


def test_what_changes_meanwhile_is_not_lost_and_waits_for_nobody(fresh_database: str) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        customer, service = make.customer(session), make.service(session)
        make.booking(session, customer=customer, service=service, starts_at=NOON)
    with acting(SYSTEM), SessionFactory() as busy:
        assert figures.freshen(busy) == 1
        with at(vendor) as session:  # somebody books on the very day
            session.execute(text("SET LOCAL lock_timeout = '200ms'"))
            make.booking(session, customer=customer, service=service, starts_at=NOON + HOUR)
        with begin() as other:  # and another worker comes by
            assert figures.freshen(other) == 0
        busy.commit()
    assert rows(vendor, BookingFigures, "bookings") == [(1,)]
    with acting(SYSTEM), begin() as session:
        assert figures.freshen(session) == 1
    assert rows(vendor, BookingFigures, "bookings") == [(2,)]


def test_nobody_works_on_a_vendor_while_all_is_rebuilt(fresh_database: str) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        make.booking(session, starts_at=NOON)
    with acting(SYSTEM), SessionFactory() as busy:
        figures.rebuild(busy)
        with begin() as other:
            assert figures.freshen(other) == 0
        busy.rollback()  # it broke off: what was noted still is
    settle()
    assert rows(vendor, BookingFigures, "bookings") == [(1,)]


def test_a_batch_takes_the_latest_days_first(db: Connection) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        days = [{"vendor_id": vendor, "day": TODAY - n * DAY} for n in range(5)] * 3
        session.execute(insert(StaleDay), days)
    with acting(SYSTEM), begin() as session:
        assert figures.freshen(session, most=2) == 2
        left = select(func.max(StaleDay.day), func.count()).where(StaleDay.vendor_id == vendor)
        assert session.execute(left).one() == (TODAY - 2 * DAY, 9)


def test_sums_of_the_largest_amounts_have_room(db: Connection) -> None:
    vendor, most = make.new_vendor(), money("9999999999.99")
    with at(vendor) as session:
        service = make.service(session)
        for _ in range(2):
            order = make.order(session, lines=0, status="completed", fulfilled_at=NOON)
            make.order_line(
                session, order=order, variant=make.variant(session), unit_price=most, cost=most
            )
        for n in range(2):
            make.booking(
                session, service=service, price=most, fee=most, status="no_show",
                starts_at=NOON + n * HOUR,
            )  # fmt: skip
    settle()
    assert rows(vendor, SaleFigures, "net", "cost", kind="product") == [(2 * most, 2 * most)]
    assert rows(vendor, BookingFigures, "lost", "fees") == [(2 * most, 2 * most)]


def test_what_is_wrong_with_one_vendor_holds_up_no_other(
    db: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    wrong, others = make.new_vendor(), [make.new_vendor(), make.new_vendor()]
    with at(wrong) as session:  # more pieces than anybody can count
        order = make.order(session, lines=0, status="completed", fulfilled_at=NOON + DAY)
        for _ in range(2):
            make.order_line(
                session, order=order, variant=make.variant(session), quantity=2**31 - 1,
                unit_price=Decimal(0),
            )  # fmt: skip
    for other in others:
        with at(other) as session:
            make.booking(session, starts_at=NOON)
    with acting(SYSTEM):
        assert tasks.freshen.run() == 2
    assert f"The figures of vendor {wrong} were not worked out" in caplog.text
    for other in others:
        assert rows(other, BookingFigures, "bookings") == [(1,)]
        assert noted(other) == []
    assert noted(wrong) == [TODAY + DAY]  # and is tried again


def test_hours_are_counted_at_night_whoever_books_meanwhile(fresh_database: str) -> None:
    vendor = make.new_vendor()
    with at(vendor) as session:
        anna = make.staff_member(session)
        for weekday in range(1, 8):
            make.working_hours(session, staff=anna, weekday=weekday)
        booking = make.booking(session, staff=anna, starts_at=NOON)
    with clock.stopped_at(NOON):
        settle()
        with at(vendor) as session:
            session.get_one(Booking, booking.id).price = Decimal(5)
        with acting(SYSTEM), SessionFactory() as busy, ThreadPoolExecutor(1) as night:
            assert figures.freshen(busy) == 1
            counted = night.submit(lambda: tasks.count_hours.apply().get())
            with pytest.raises(TimeoutError):  # it waits for its turn
                counted.result(timeout=1)
            busy.commit()
            assert counted.result(timeout=30) == 1
    assert rows(vendor, StaffHours, "available_minutes", starts_on=TODAY) == [(480,)]


def test_no_figures_are_none_and_no_error(db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(SYSTEM), begin() as session:
        assert figures.freshen(session) == 0
        figures.rebuild(session)
        figures.recompute(session, days=[])
        assert figures.drift(session, days=[]) == []
        assert figures.drift(session, days=figures.recent(session, vendor_id=vendor)) == []
        far = [(vendor, date(9999, 12, 30)), (vendor, date(1, 1, 1))]
        figures.recompute(session, days=far)
        assert figures.drift(session, days=far) == []
