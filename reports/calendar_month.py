"""On which days of a month there is still time to be booked in: one question for all of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Interval,
    Select,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from reports.calendar import LONGEST

BLOCKING = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN)


def days_with_room(
    session: Session,
    *,
    vendor_id: int,
    work: Sequence[tuple[int, int, int]],
    days: Sequence[tuple[int, int]],
    shortest: timedelta,
) -> set[int]:
    """Which of `days` (by number) have working time of somebody that is free for `shortest`.

    `work` is (staff, from, to) and `days` are (from, to), in seconds since 1970. Bookings with
    their buffers and classes take time; what was overbooked on purpose takes none.
    """
    if not work or not days:
        return set()
    staff, begins, ends = zip(*work, strict=True)
    from_, to = zip(*days, strict=True)
    asked = {
        "vendor_id": vendor_id, "staff": list(staff), "begins": list(begins), "ends": list(ends),
        "from": list(from_), "to": list(to), "shortest": shortest,
        "since": _at(min(from_)), "until": _at(max(to)),
    }  # fmt: skip
    return {row.number - 1 for row in session.connection().execute(_question(), asked)}


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@lru_cache(maxsize=1)
def _question() -> Select[Any]:
    """Free is what is worked and not taken, as multiranges: one subtraction for each person."""
    work = _spans("work", ("staff", "staff_id"), ("begins", "begins"), ("ends", "ends"))
    worked = (
        select(work.c.staff_id, func.range_agg(_range(work.c.begins, work.c.ends)).label("times"))
        .group_by(work.c.staff_id)
        .cte("worked")
    )
    busy = union_all(
        _busy(Booking, Booking.status.in_(BLOCKING), Booking.class_session_id.is_(None)),
        _busy(ClassSession, ClassSession.status == SessionStatus.SCHEDULED),
    ).subquery()
    taken = (
        select(busy.c.staff_id, func.range_agg(busy.c.time).label("times"))
        .group_by(busy.c.staff_id)
        .cte("taken")
    )
    nothing: Any = literal_column("'{}'::tstzmultirange")
    left = worked.c.times.op("-")(func.coalesce(taken.c.times, nothing))
    free = (
        select(func.unnest(left).label("time"))
        .select_from(worked.outerjoin(taken, taken.c.staff_id == worked.c.staff_id))
        .cte("free")
    )
    days = _spans("days", ("from", "begins"), ("to", "ends"), numbered=True)
    common = free.c.time.op("*")(_range(days.c.begins, days.c.ends))
    shortest = bindparam("shortest", type_=Interval)
    enough = func.upper(common) - func.lower(common) >= shortest
    return select(days.c.number).where(select(literal(1)).where(enough).exists())


def _spans(name: str, *columns: tuple[str, str], numbered: bool = False) -> Any:
    """Arrays of numbers as the columns of a table."""
    arrays = [bindparam(asked, type_=ARRAY(BigInteger)) for asked, _ in columns]
    names = [column for _, column in columns]
    found = func.unnest(*arrays)
    if numbered:
        return found.table_valued(*names, with_ordinality="number", name=name).render_derived()
    return found.table_valued(*names, name=name).render_derived()


def _range(begins: Any, ends: Any) -> Any:
    return func.tstzrange(func.to_timestamp(begins), func.to_timestamp(ends))


def _busy(model: Any, *conditions: Any) -> Select[Any]:
    since: Any = bindparam("since", type_=Booking.starts_at.type)
    until: Any = bindparam("until", type_=Booking.starts_at.type)
    whole = model.with_buffer_before.op("+")(model.with_buffer_after).label("time")
    return select(model.staff_id, whole).where(
        model.vendor_id == bindparam("vendor_id", type_=BigInteger),
        model.staff_id.is_not(None),
        model.starts_at >= since - LONGEST,
        model.starts_at < until,
        model.ends_at > since,
        *conditions,
    )
