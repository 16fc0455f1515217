"""The bookings of a vendor on show: two years with outcomes, a full week, three weeks ahead."""

from datetime import date, datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from app.operations import policies
from app.seeding import classes, series, waiting
from app.seeding.book import Book, Row
from app.seeding.classes import AHEAD, Meeting
from app.seeding.diary import CELL, Offer, Place
from app.seeding.history import Shop, visits
from app.seeding.rows import add_all, put
from models.bookings import Booking
from models.resources import ResourceClaim

CLAIMED = timedelta(days=60)
"""For older bookings it is not told which room they had."""
BUSY = range(-91, 11)
"""Days from today on which there is more to do than customers bring by themselves."""
FULL = range(-7, 5)
"""The busiest of these: business has grown to it, and what lies further ahead is not booked yet."""
ARRIVAL, DEPARTURE = 14 * 60, 11 * 60
BATCH = 2000


def fill(session: Session, shop: Shop, random: Random, known: list[Row], now: datetime) -> None:
    """What customers had and will have; nobody and no room is in two places at once."""
    book = Book(shop, random, known, now)
    for service in shop.services:
        book.terms[service["id"]] = policies.terms_of(session, service_id=service["id"])
    series.begin(session, book)
    _as_customers_come(book)
    _busy_days(book)
    _rosters(book)
    _at_the_door(book)
    waiting.hold_an_offer(book)
    classes.write(session, shop.vendor_id, book.timetables, now)
    _write(session, shop.vendor_id, book.rows, now)
    waiting.write(session, book)


def _as_customers_come(book: Book) -> None:
    shop, random, zone = book.shop, book.random, book.shop.zone
    for customer in book.known:
        favourites = random.sample(shop.services, min(2, len(shop.services)))
        for moment in visits(random, customer["created_at"], book.now + AHEAD):
            service, day = random.choice(favourites), moment.astimezone(zone).date()
            if service["kind"] == "class":
                meeting = book.timetables.next(service["id"], moment, customer["id"])
                if meeting is not None:
                    book.join(customer, meeting)
            elif place := _some_place(book, service, day):
                book.add(customer, place)


def _some_place(book: Book, service: Row, day: date) -> Place | None:
    if service["kind"] != "stay":
        return book.shop.diary.some_time(book.random, service, day)
    nights = book.random.choices((1, 2, 3, 4, 5, 7), (25, 25, 20, 12, 8, 10))[0]
    offer = Offer(service, None, service["duration_minutes"], service["price"] * nights)
    return book.shop.diary.nights(offer, day, nights, ARRIVAL, DEPARTURE)


def _busy_days(book: Book) -> None:
    """The days around today, filled for everybody who works; less and less further away."""
    diary = book.shop.diary
    stays = [service for service in book.shop.services if service["kind"] == "stay"]
    for ahead in BUSY:
        day = diary.today + timedelta(days=ahead)
        for staff in diary.staff.values():
            _busy_day(book, staff, day, diary.week.busy * _business(ahead))
        for service in stays:
            customer = book.somebody(day) if book.random.random() < _business(ahead) else None
            if customer and (place := _some_place(book, service, day)):
                book.add(customer, place)


def _business(ahead: int) -> float:
    """The share of a full day's work that there is on a day, which is so many days from today."""
    if ahead in FULL:
        return 1
    return 0.55 if ahead >= FULL.stop else (ahead - BUSY.start + 1) / (FULL.start - BUSY.start + 1)


def _busy_day(book: Book, staff: int, day: date, share: float) -> None:
    diary, random = book.shop.diary, book.random
    offers = [
        offer for offers in diary.offers.values() for offer in offers
        if offer.staff == staff and offer.service["kind"] != "class"
    ]  # fmt: skip
    for begin, end in diary.working(staff, day) if offers else ():
        minute = begin
        while minute < end:
            offer, customer = random.choice(offers), book.somebody(day)
            minute += 15
            if random.random() < share and customer and diary.fits(offer, day, minute - 15):
                place = diary.take(offer, day, minute - 15)
                if place is not None:
                    book.add(customer, place)
                    busy = offer.minutes + offer.service["buffer_after_minutes"]
                    minute += -(-busy // 15) * 15 - 15


def _rosters(book: Book) -> None:
    """The classes around today are near full, and the next of each service is full."""
    for meetings in book.timetables.of.values():
        coming = next((m for m in meetings if m.place.starts_at > book.now), None)
        for meeting in meetings:
            day = meeting.place.starts_at.astimezone(book.shop.zone).date()
            ahead = (day - book.shop.diary.today).days
            if ahead in BUSY:
                usual = min(_business(ahead) * 1.8, 1) * book.random.uniform(0.55, 1)
                share = 1.0 if meeting is coming else usual
                _fill_roster(book, meeting, day, round(meeting.seats * share))


def _fill_roster(book: Book, meeting: Meeting, day: date, wanted: int) -> None:
    for _ in range(wanted - len(meeting.who)):
        customer = book.somebody(day)
        if customer is not None:
            book.join(customer, meeting)


def _at_the_door(book: Book) -> None:
    """Somebody walks in now and is served at once, where somebody is free."""
    diary, now = book.shop.diary, book.now.astimezone(book.shop.zone)
    minute = (now.hour * 60 + now.minute) // CELL * CELL
    customer = book.somebody(diary.today)
    for offers in diary.offers.values():
        for offer in offers:
            if customer is None or offer.service["kind"] == "class":
                continue
            if diary.fits(offer, diary.today, minute):
                place = diary.take(offer, diary.today, minute)
                if place is not None:
                    book.add(customer, place, channel="walk_in")
                    return


def _write(session: Session, vendor_id: int, rows: list[Row], now: datetime) -> None:
    rows.sort(key=lambda row: row["created_at"])
    claims: list[Row] = []
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        taken = [row.pop("claims") for row in some]
        for row in some:
            meeting = row.pop("meeting")
            row["class_session_id"] = meeting.id if meeting else None
        keys = add_all(session, Booking, some)
        for row, key in zip(some, keys, strict=True):
            row["id"] = key
        claims += [
            {"vendor_id": vendor_id, "resource_id": claim.resource, "unit": claim.unit,
             "booking_id": key, "starts_at": row["starts_at"],
             "with_buffer_before": row["with_buffer_before"],
             "with_buffer_after": row["with_buffer_after"],
             "held": row["status"] in ("pending", "confirmed", "checked_in")}
            for key, row, own in zip(keys, some, taken, strict=True) for claim in own
            if row["starts_at"] > now - CLAIMED
        ]  # fmt: skip
    put(session, ResourceClaim, claims)
