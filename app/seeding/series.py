"""Those who come again and again to a vendor on show, at the same hour whatever the clocks do."""

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.seeding.book import Book
from app.seeding.diary import minutes
from app.seeding.rows import add_all
from app.seeding.weeks import Habit
from models.booking_series import BookingSeries


def begin(session: Session, book: Book) -> None:
    """A series for every habit, with half of its bookings behind us."""
    for habit in book.shop.diary.week.habits:
        days = _days(book, habit)
        if days:
            _book(session, book, habit, days)


def _days(book: Book, habit: Habit) -> list[date]:
    """Every so many weeks from the first day on which all of them fit."""
    diary = book.shop.diary
    offer, at = diary.offer(habit.service, habit.staff), minutes(habit.at)
    first = diary.today - timedelta(weeks=habit.weeks * habit.times // 2)
    for later in range(14):
        days = [first + timedelta(days=later, weeks=habit.weeks * n) for n in range(habit.times)]
        if all(diary.fits(offer, day, at) and diary.free(offer, day, at) is not None
               for day in days):  # fmt: skip
            return days
    return []


def _book(session: Session, book: Book, habit: Habit, days: list[date]) -> None:
    diary, vendor_id = book.shop.diary, book.shop.vendor_id
    offer, at = diary.offer(habit.service, habit.staff), minutes(habit.at)
    agreed = diary.at(days[0], at) - timedelta(days=3)
    customer = _regular(book, agreed, days)
    row: dict[str, Any] = {
        "vendor_id": vendor_id, "customer_id": customer["id"],
        "service_id": offer.service["id"], "staff_id": offer.staff,
        "rhythm": "week" if habit.weeks == 1 else "two_weeks", "occurrences": habit.times,
        "starts_on": days[0], "starts": time(at // 60, at % 60), "created_at": agreed,
    }  # fmt: skip
    [key] = add_all(session, BookingSeries, [row])
    for number, day in enumerate(days, start=1):
        if place := diary.take(offer, day, at):
            book.add(customer, place, channel="phone", created_at=agreed, series_id=key,
                     series_number=number)  # fmt: skip


def _regular(book: Book, since: datetime, days: list[date]) -> dict[str, Any]:
    """A customer of before that day who has no other series."""
    old = [
        row for row in book.known
        if row["created_at"] < since and row["full_name"]
        and not any((row["id"], day) in book.seen for day in days)
    ]  # fmt: skip
    return book.random.choice(old)
