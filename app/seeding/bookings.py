"""The bookings of a vendor on show: two years with outcomes, a full week, three weeks ahead."""

from bisect import bisect_left
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from app.operations import policies
from app.seeding import classes
from app.seeding.classes import AHEAD, Meeting, times
from app.seeding.diary import CELL, Offer, Place
from app.seeding.history import CHANNELS, Shop, visits
from app.seeding.rows import add_all, put
from models.bookings import Booking
from models.references import new_reference
from models.resources import ResourceClaim

CLAIMED = timedelta(days=60)
"""For older bookings it is not told which room they had."""
FULL = range(-7, 11)
"""Days from today on which there is much to do."""
ARRIVAL, DEPARTURE = 14 * 60, 11 * 60
BATCH = 2000

Row = dict[str, Any]


class Book:
    """Bookings as they come in; a customer has one a day at most."""

    def __init__(self, shop: Shop, random: Random, known: list[Row], now: datetime) -> None:
        self.shop, self.random, self.now = shop, random, now
        self.known = sorted(known, key=lambda row: row["created_at"])
        self.since = [row["created_at"] for row in self.known]
        self.seen: set[tuple[int, date]] = set()
        self.rows: list[Row] = []
        self.timetables = classes.plan(shop.diary, random, now)
        self.terms: dict[int, policies.Terms | None] = {}
        """Service -> the terms its bookings are made under."""

    def somebody(self, day: date) -> Row | None:
        """A customer of at least a day who has nothing else on that day."""
        until = bisect_left(self.since, self.shop.diary.at(day, 0) - timedelta(days=1))
        for _ in range(8):
            customer = self.random.choice(self.known[:until]) if until else None
            if customer and (customer["id"], day) not in self.seen:
                return customer
        return None

    def add(self, customer: Row, place: Place, **more: Any) -> None:
        """Put a booking down, with what is known at its time."""
        self.seen.add((customer["id"], place.starts_at.astimezone(self.shop.zone).date()))
        terms = self.terms[place.offer.service["id"]]
        self.rows.append(_row(self.shop, self.random, customer, place, self.now, terms, **more))

    def join(self, customer: Row, meeting: Meeting) -> None:
        meeting.who.add(customer["id"])
        self.add(customer, meeting.place, meeting=meeting)


def fill(session: Session, shop: Shop, random: Random, known: list[Row], now: datetime) -> None:
    """What customers had and will have; nobody and no room is in two places at once."""
    book = Book(shop, random, known, now)
    for service in shop.services:
        book.terms[service["id"]] = policies.terms_of(session, service_id=service["id"])
    _as_customers_come(book)
    _busy_days(book)
    _rosters(book)
    _at_the_door(book)
    classes.write(session, shop.vendor_id, book.timetables, now)
    _write(session, shop.vendor_id, book.rows, now)


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
    """The days around today, filled for everybody who works; less and less further ahead."""
    diary = book.shop.diary
    stays = [service for service in book.shop.services if service["kind"] == "stay"]
    for ahead in FULL:
        day = diary.today + timedelta(days=ahead)
        share = diary.week.busy * (1 if ahead < 5 else 0.55)
        for staff in diary.staff.values():
            _busy_day(book, staff, day, share)
        for service in stays:
            customer = book.somebody(day)
            if customer and (place := _some_place(book, service, day)):
                book.add(customer, place)


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
            if (day - book.shop.diary.today).days in FULL:
                share = 1.0 if meeting is coming else book.random.uniform(0.55, 1)
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


def _status(random: Random, place: Place, channel: str, now: datetime) -> str:
    """What has become of it: a few of the last days still wait for somebody to say."""
    if place.starts_at > now:
        asked = channel == "online" and random.random() < 0.3
        return "pending" if asked else "confirmed"
    if place.ends_at > now:
        late = now - place.starts_at < timedelta(minutes=10) and channel != "walk_in"
        return "confirmed" if late else "checked_in"
    if now - place.ends_at < timedelta(hours=36) and random.random() < 0.12:
        return "confirmed"
    return random.choices(("completed", "cancelled", "no_show"), (86, 9, 5))[0]


def _row(
    shop: Shop,
    random: Random,
    customer: Row,
    place: Place,
    now: datetime,
    terms: policies.Terms | None,
    *,
    channel: str | None = None,
    meeting: Meeting | None = None,
) -> Row:
    start, service = place.starts_at, place.offer.service
    walked_in = channel == "walk_in"
    channel = channel or random.choices(CHANNELS, (55, 20, 25))[0]
    booked = start - timedelta(days=random.randrange(1, 14), minutes=random.randrange(240))
    if booked > now:
        booked = now - timedelta(minutes=random.randrange(20, 3 * 24 * 60))
    booked = max(customer["created_at"], min(start, now) if walked_in else booked)
    status = _status(random, place, channel, now)
    if meeting is not None and meeting.called_off:
        status = "cancelled"
    return {
        "vendor_id": shop.vendor_id, "customer_id": customer["id"], "service_id": service["id"],
        "staff_id": place.offer.staff, "kind": service["kind"], "status": status, **times(place),
        "price": place.offer.price, "deposit": min(service["deposit"], place.offer.price),
        "terms": terms, "channel": channel, "public_ref": new_reference(), "created_at": booked,
        "checked_in_at": _arrived(random, place, status, now),
        "completed_at": place.ends_at if status == "completed" else None,
        "claims": place.claims if meeting is None else (), "meeting": meeting,
        **_ending(random, place, status, booked, meeting, terms),
    }  # fmt: skip


def _arrived(random: Random, place: Place, status: str, now: datetime) -> datetime | None:
    if status not in ("checked_in", "completed"):
        return None
    return min(place.starts_at + timedelta(minutes=random.randrange(-8, 4)), now)


def _ending(
    random: Random,
    place: Place,
    status: str,
    booked: datetime,
    meeting: Meeting | None,
    terms: policies.Terms | None,
) -> Row:
    """Who called it off and why, and what is owed by its terms."""
    nothing = {"cancelled_at": None, "cancel_reason": None, "cancelled_by": None,
               "fee": Decimal(0), "fee_waived": None}  # fmt: skip
    start, price = place.starts_at, place.offer.price
    if status == "no_show":
        fee = policies.of_not_coming(terms, price=price)
        return {**nothing, **_owed(random, fee.amount)}
    if status != "cancelled":
        return nothing
    if meeting is not None and meeting.called_off:
        return {**nothing, "cancelled_at": max(booked, start - timedelta(hours=3)),
                "cancel_reason": "the trainer was ill", "cancelled_by": "vendor"}  # fmt: skip
    at = booked + (start - booked) * random.random()
    fee = policies.of_cancelling(terms, price=price, starts_at=start, at=at, by="customer")
    return {
        **nothing, "cancelled_at": at, "cancelled_by": "customer",
        "cancel_reason": random.choice(("cannot come", "is ill", "found another day", None)),
        **_owed(random, fee.amount),
    }  # fmt: skip


def _owed(random: Random, amount: Decimal) -> Row:
    if amount and random.random() < 0.35:
        return {"fee_waived": random.choice(("first time", "was ill", "regular customer"))}
    return {"fee": amount}


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
