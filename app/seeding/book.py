"""The bookings of a vendor on show as they come in, with what became of each."""

from bisect import bisect_left
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from app.operations import policies
from app.seeding import classes
from app.seeding.classes import Meeting, times
from app.seeding.diary import Place
from app.seeding.history import CHANNELS, Shop
from models.references import new_reference

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
        self.held: Row | None = None
        """The booking that is offered to somebody who waits."""

    def somebody(self, day: date) -> Row | None:
        """A customer of at least a day who has nothing else on that day."""
        until = bisect_left(self.since, self.shop.diary.at(day, 0) - timedelta(days=1))
        for _ in range(8):
            customer = self.random.choice(self.known[:until]) if until else None
            if customer and (customer["id"], day) not in self.seen:
                return customer
        return None

    def add(self, customer: Row, place: Place, **more: Any) -> Row:
        """Put a booking down, with what is known at its time."""
        self.seen.add((customer["id"], place.starts_at.astimezone(self.shop.zone).date()))
        terms = self.terms[place.offer.service["id"]]
        row = _row(self.shop, self.random, customer, place, self.now, terms, **more)
        self.rows.append(row)
        return row

    def join(self, customer: Row, meeting: Meeting) -> None:
        meeting.who.add(customer["id"])
        self.add(customer, meeting.place, meeting=meeting)


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
    **agreed: Any,
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
        "series_id": None, "series_number": None, "held_until": None, **agreed,
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
