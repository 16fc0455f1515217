"""Weekly hours as people set them: a whole week from a day on, so that what was before stays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from models.schedules import HoursKind, WorkingHours
from models.services import Service
from models.staff import StaffMember
from models.vendors import Vendor

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
A_DAY = 24 * 60
A_WEEK = 7 * A_DAY
MOST_A_DAY = 8
FARTHEST = timedelta(days=3 * 366)


class Piece(NamedTuple):
    """A working time or a break of a weekday (1 Monday), in wall time."""

    weekday: int
    kind: str
    starts: time
    ends: time


@dataclass(frozen=True)
class Owner:
    """Whose hours: a member of staff's, a service's, or (neither) the vendor's own."""

    vendor_id: int
    staff_id: int | None = None
    service_id: int | None = None


@dataclass(frozen=True)
class Period:
    """A week as it holds from a day up to and with another; an end that is None is open."""

    first: date | None
    last: date | None
    pieces: tuple[Piece, ...]


class NoHours(DomainError):
    sentence = "The week has no working time: fill in a day, or use the house's hours instead."


class TimesOverlap(DomainError):
    sentence = "The working times of {day} overlap{others}: leave one out, or change its times."


class BreakOutside(DomainError):
    sentence = (
        "The break from {starts} to {ends} on {day} is not within a working time:"
        " change it, or leave it out."
    )


class InThePast(DomainError):
    sentence = "Hours that have been stay as they were: choose today or a later day."
    field = "since"


class TooFar(DomainError):
    sentence = "This day is over three years ahead: choose an earlier one."
    field = "since"


class TooManyTimes(DomainError):
    sentence = "These are too many times for {day}: leave some out."


def periods(session: Session, owner: Owner) -> list[Period]:
    """The owner's weeks one after the other; none when they have no hours of their own."""
    rows = session.scalars(select(WorkingHours).where(*_of(owner)).order_by(WorkingHours.id)).all()
    return periods_of(rows)


def in_force(found: Sequence[Period], on: date) -> Period | None:
    """The week that holds on a day."""
    return next(
        (p for p in found if (p.first is None or p.first <= on) and (not p.last or on <= p.last)),
        None,
    )


def set_week(session: Session, *, owner: Owner, since: date, pieces: Sequence[Piece]) -> None:
    """Let this week hold from `since` on; what held before stays until the day before.

    Who had no hours of their own follows the house's until then. Refuses `InThePast`, `TooFar`,
    `NoHours`, `TimesOverlap`, `BreakOutside`, `TooManyTimes`; a refusal of one day has
    `field` `day-1` to `day-7`.
    """
    today = _held(session, owner)
    check(pieces)
    if since > today + FARTHEST:
        raise TooFar
    known = session.scalars(select(WorkingHours).where(*_of(owner))).all()
    if known and since < today:
        raise InThePast
    if known:
        _close(session, known, since)
    elif since > today:
        _write(session, owner, _until_then(session, owner, today), None, since - timedelta(1))
    first = since if known or since > today else None
    _write(session, owner, pieces, first, None)
    session.flush()  # the verdict of the constraints


def follow_the_house(session: Session, *, owner: Owner) -> None:
    """Forget the owner's hours, past and future: from now on the house's hold."""
    _held(session, owner)
    session.execute(delete(WorkingHours).where(*_of(owner)))


def check(pieces: Sequence[Piece]) -> None:
    """Refuse a week without working time, times that overlap, and breaks outside of them."""
    work = [p for p in pieces if p.kind == HoursKind.WORK]
    if not work:
        raise NoHours
    for weekday in range(1, 8):
        if sum(p.weekday == weekday for p in pieces) > MOST_A_DAY:
            raise TooManyTimes(field=f"day-{weekday}", day=DAYS[weekday - 1])
    _check_apart(work)
    for piece in pieces:
        if piece.kind == HoursKind.BREAK and not any(_within(piece, one) for one in work):
            raise BreakOutside(
                field=f"day-{piece.weekday}", day=DAYS[piece.weekday - 1],
                starts=f"{piece.starts:%H:%M}", ends=f"{piece.ends:%H:%M}",
            )  # fmt: skip


def minutes(piece: Piece) -> tuple[int, int]:
    """From which minute of the week to which; an end at or before the beginning is tomorrow's."""
    day = (piece.weekday - 1) * A_DAY
    begins, ends = (t.hour * 60 + t.minute for t in (piece.starts, piece.ends))
    return day + begins, day + ends + (A_DAY if ends <= begins else 0)


def summary(pieces: Iterable[Piece]) -> str:
    """Mon–Fri 09:00–17:00, Sat 10:00–14:00; breaks are left out."""
    by_day: dict[int, list[str]] = {}
    for piece in sorted(pieces):
        if piece.kind == HoursKind.WORK:
            said = f"{piece.starts:%H:%M}–{piece.ends:%H:%M}"
            by_day.setdefault(piece.weekday, []).append(said)
    groups: list[tuple[int, int, str]] = []
    for weekday, times in sorted(by_day.items()):
        said = " and ".join(times)
        if groups and groups[-1][1] == weekday - 1 and groups[-1][2] == said:
            groups[-1] = (groups[-1][0], weekday, said)
        else:
            groups.append((weekday, weekday, said))
    return ", ".join(f"{_days(first, last)} {said}" for first, last, said in groups)


def _days(first: int, last: int) -> str:
    names = [DAYS[n - 1][:3] for n in (first, last)]
    return names[0] if first == last else "–".join(names)


# --- behind it ----------------------------------------------------------------------------


def _of(owner: Owner) -> tuple[ColumnElement[bool], ...]:
    return (
        WorkingHours.vendor_id == owner.vendor_id,
        WorkingHours.staff_id.is_not_distinct_from(owner.staff_id),
        WorkingHours.service_id.is_not_distinct_from(owner.service_id),
    )


def _held(session: Session, owner: Owner) -> date:
    """Today where the vendor is; of two who set the same hours at once one waits."""
    held: Any = Vendor
    number = owner.vendor_id
    if owner.staff_id is not None:
        held, number = StaffMember, owner.staff_id
    elif owner.service_id is not None:
        held, number = Service, owner.service_id
    row = session.get(held, number, with_for_update={"key_share": True})
    if row is None or getattr(row, "vendor_id", owner.vendor_id) != owner.vendor_id:
        raise NotFound
    zone = session.scalars(select(Vendor.time_zone).where(Vendor.id == owner.vendor_id)).one()
    return clock.now().astimezone(ZoneInfo(zone)).date()


def _close(session: Session, known: Sequence[WorkingHours], since: date) -> None:
    """End what reaches beyond the day before; what only begins then goes."""
    for row in known:
        if row.effective_from is not None and row.effective_from >= since:
            session.delete(row)
        elif row.effective_to is None or row.effective_to >= since:
            row.effective_to = since - timedelta(days=1)


def _until_then(session: Session, owner: Owner, today: date) -> list[Piece]:
    """What held so far for somebody without hours: the house's, or any time."""
    house = Owner(owner.vendor_id)
    found = in_force(periods(session, house), today) if owner != house else None
    if owner.service_id is not None or found is None:
        return [Piece(day, HoursKind.WORK, time(0), time(0)) for day in range(1, 8)]
    return list(found.pieces)


def _write(
    session: Session, owner: Owner, pieces: Iterable[Piece], first: date | None, last: date | None
) -> None:
    session.add_all(
        WorkingHours(
            vendor_id=owner.vendor_id, staff_id=owner.staff_id, service_id=owner.service_id,
            weekday=p.weekday, kind=p.kind, starts=p.starts, ends=p.ends,
            effective_from=first, effective_to=last,
        )
        for p in dict.fromkeys(pieces)
    )  # fmt: skip


def periods_of(rows: Sequence[WorkingHours]) -> list[Period]:
    """The weeks of one owner's rows, one after the other: between the days on which any changes."""
    starts = {row.effective_from for row in rows}
    starts |= {row.effective_to + timedelta(1) for row in rows if row.effective_to}
    edges = sorted(starts, key=lambda day: (day is not None, day))
    found = []
    for first, after in zip(edges, [*edges[1:], None], strict=False):
        last = after - timedelta(1) if after else None
        pieces = tuple(sorted(_piece(row) for row in rows if _covers(row, first)))
        if pieces:
            found.append(Period(first, last, pieces))
    return found


def _piece(row: WorkingHours) -> Piece:
    return Piece(row.weekday, row.kind, row.starts, row.ends)


def _covers(row: WorkingHours, day: date | None) -> bool:
    begun = row.effective_from is None or (day is not None and row.effective_from <= day)
    return begun and (row.effective_to is None or day is None or day <= row.effective_to)


def _check_apart(work: Sequence[Piece]) -> None:
    spans = sorted((*minutes(piece), piece) for piece in work)
    around = [*spans, (spans[0][0] + A_WEEK, spans[0][1] + A_WEEK, spans[0][2])]
    for (_, ends, one), (begins, _, other) in zip(spans, around[1:], strict=True):
        if begins < ends:
            same = one.weekday == other.weekday
            others = "" if same else f" with those of {DAYS[other.weekday - 1]}"
            raise TimesOverlap(field=f"day-{one.weekday}", day=DAYS[one.weekday - 1], others=others)


def _within(piece: Piece, work: Piece) -> bool:
    """Whether a break lies in a working time, be it in the part after midnight."""
    begins, ends = minutes(piece)
    opens, closes = minutes(work)
    return any(opens <= begins + week and ends + week <= closes for week in (0, A_WEEK, -A_WEEK))
