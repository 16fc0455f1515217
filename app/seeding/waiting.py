"""Who waits for a time or a place at a vendor on show."""

from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from app.seeding.book import Book
from app.seeding.rows import put
from models.waitlist import WaitlistEntry

HELD = timedelta(minutes=30)
HOURS = ((None, None), (time(8), time(12)), (time(12), time(16)), (time(16), None))
NOTES = (None, None, "Call, do not write", "Can come at short notice", "Brings the child along")

Row = dict[str, Any]


def hold_an_offer(book: Book) -> None:
    """A time of the days to come that is held for somebody who waited."""
    diary, random = book.shop.diary, book.random
    services = [s for s in book.shop.services if s["kind"] in ("appointment", "lab_test")]
    for ahead in range(2, 9):
        day = diary.today + timedelta(days=ahead)
        customer = book.somebody(day)
        place = diary.some_time(random, random.choice(services), day) if customer else None
        if customer and place:
            book.held = book.add(customer, place, channel="phone", status="pending",
                                 created_at=book.now, held_until=book.now + HELD)  # fmt: skip
            return


def write(session: Session, book: Book) -> None:
    """The line: for full classes, for windows of days, one with an offer, some that are done."""
    rows = [*_for_classes(book), *_for_windows(book), *_long_settled(book)]
    if book.held is not None:
        held = book.held
        rows.append({
            **_entry(book, held, held["service_id"], held["created_at"] - timedelta(days=2)),
            "status": "offered", "booking_id": held["id"], "held_until": held["held_until"],
            "offers": 1, "earliest": book.now, "latest": held["ends_at"] + timedelta(days=2),
        })  # fmt: skip
    put(session, WaitlistEntry, sorted(rows, key=lambda row: row["queued_at"]))


def _long_settled(book: Book) -> list[Row]:
    """Two years of demand: who got a time in the end, and who waited for the same in vain.

    Of an own chance, so that the rest of the demo is the same with and without them.
    """
    random, zone = Random(book.shop.vendor_id), book.shop.zone  # noqa: S311
    rows: list[Row] = []
    past = [row for row in book.rows if row["status"] == "completed" and row["series_id"] is None]
    for booking in random.sample(past, len(past) // 25):
        begins = booking["starts_at"]
        midnight = datetime.combine(begins.astimezone(zone), time(), zone)
        joined = begins - timedelta(days=random.randrange(2, 12), minutes=random.randrange(600))
        meeting = booking.get("meeting")
        for status in random.choices(("booked", "expired", "cancelled"), (60, 30, 10), k=2):
            customer = book.known[random.randrange(len(book.known))]
            if status == "booked" and rows and rows[-1]["booking_id"] == booking["id"]:
                status = "expired"  # noqa: PLW2901
            whose = booking if status == "booked" else customer
            since = joined if meeting else midnight - timedelta(days=random.choice((0, 0, 2)))
            rows.append({
                **_entry(book, whose, booking["service_id"], joined), "status": status,
                "channel": random.choice(("phone", "online", "online", "walk_in")), "note": None,
                "booking_id": booking["id"] if status == "booked" else None,
                "offers": 1 if status == "booked" else random.choice((0, 0, 1)),
                "class_session_id": meeting.id if meeting else None, "earliest": since,
                "latest": begins if meeting else midnight + timedelta(days=1),
            })  # fmt: skip
    return rows


def _entry(book: Book, customer: Row, service_id: int, queued_at: datetime) -> Row:
    return {
        "vendor_id": book.shop.vendor_id, "service_id": service_id, "staff_id": None,
        "customer_id": customer.get("customer_id", customer.get("id")),
        "class_session_id": None, "status": "waiting", "queued_at": queued_at,
        "created_at": queued_at, "from_time": None, "until_time": None, "booking_id": None,
        "held_until": None, "offers": 0, "channel": book.random.choice(("phone", "online")),
        "note": book.random.choice(NOTES),
    }  # fmt: skip


def _for_classes(book: Book) -> list[Row]:
    """Three wait for the next class of each service that has no place left."""
    rows = []
    for service_id, meetings in book.timetables.of.items():
        meeting = next((m for m in meetings if m.place.starts_at > book.now and m.full), None)
        if meeting is None:
            continue
        day = meeting.place.starts_at.astimezone(book.shop.zone).date()
        for hours in (40, 21, 3):
            if customer := book.somebody(day):
                book.seen.add((customer["id"], day))
                entry = _entry(book, customer, service_id, book.now - timedelta(hours=hours))
                rows.append({**entry, "class_session_id": meeting.id,
                             "earliest": entry["queued_at"],
                             "latest": meeting.place.starts_at})  # fmt: skip
    return rows


def _for_windows(book: Book) -> list[Row]:
    """Four wait for a time this week, at some hours or any; one gave up, one waited in vain."""
    diary, random = book.shop.diary, book.random
    services = [s for s in book.shop.services if s["kind"] in ("appointment", "lab_test")]
    rows = []
    for number, status in enumerate(("waiting",) * 4 + ("cancelled", "expired")):
        day = diary.today + timedelta(days=number % 4 + 1)
        customer, service = book.somebody(day), random.choice(services)
        if customer is None:
            continue
        book.seen.add((customer["id"], day))
        queued = book.now - timedelta(days=1 + number * 2, minutes=random.randrange(600))
        since = queued if status == "expired" else max(queued, diary.at(day, 0))
        until = queued + timedelta(hours=20) if status == "expired" else since + timedelta(days=6)
        offer = random.choice(diary.offers[service["id"]])
        begins, ends = random.choice(HOURS)
        rows.append({
            **_entry(book, customer, service["id"], queued), "status": status,
            "staff_id": offer.staff if random.random() < 0.4 else None,
            "earliest": since, "latest": until, "from_time": begins, "until_time": ends,
        })  # fmt: skip
    return rows
