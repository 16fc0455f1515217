"""What people did, by day: told from the trail and from sign-ins, again and again the same."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text

from app import clock
from app.database import begin
from app.operations import activity, bookings
from app.tenancy import GATE, SYSTEM, Actor, DatabaseRole, acting, admin_actor, vendor_actor
from models.audiences import UserFigures
from models.users import LoginSession
from tests import make

HONOLULU = "Pacific/Honolulu"


def figures(*, grain: str = "day") -> dict[tuple[int, date, int], tuple[int, ...]]:
    """Sign-ins, made, changed, removed and answered by vendor, day and person."""
    table = UserFigures
    query = select(
        table.vendor_id, table.starts_on, table.user_id, table.sign_ins, table.made,
        table.changed, table.removed, table.answered,
    ).where(table.grain == grain)  # fmt: skip
    with acting(SYSTEM), begin() as session:
        return {tuple(row)[:3]: tuple(row)[3:] for row in session.execute(query)}  # type: ignore[misc]


def note(now: datetime) -> int:
    with acting(SYSTEM), begin() as session:
        return activity.note(session, now=now)


def now_of(db: Connection) -> datetime:
    """The trail and sign-ins carry the database's time, which no test can set."""
    moment: datetime = db.scalar(select(func.now()))
    return moment


def signed_in(user_id: int, vendor_id: int | None, at: datetime) -> None:
    with acting(GATE), begin() as session:
        session.add(
            LoginSession(
                token_hash=f"hash {make.number()}", user_id=user_id, vendor_id=vendor_id,
                created_at=at, expires_at=at + timedelta(days=1),
            )
        )  # fmt: skip


def test_changes_and_sign_ins_stand_on_the_day_of_their_vendor(db: Connection) -> None:
    now = now_of(db)
    here = make.new_vendor(time_zone=HONOLULU)
    with acting(SYSTEM), begin() as session:
        ana, admin = make.user(session).id, make.user(session).id
    for user_id in (ana, 1):
        with acting(vendor_actor(here, user_id)), begin() as session:
            tag = make.tag(session)
            tag.name = f"another {make.number()}"
            session.flush()
            session.delete(tag)
    with acting(admin_actor(user_id=admin)), begin() as session:
        make.category(session)
    signed_in(ana, here, datetime(now.year, now.month, now.day, 9, tzinfo=UTC))
    signed_in(admin, None, now)
    note(now)
    zone_day = db.scalar(text(f"SELECT CAST(now() AT TIME ZONE '{HONOLULU}' AS date)"))
    nine = datetime(now.year, now.month, now.day, 9, tzinfo=UTC) - timedelta(hours=10)
    told = figures()
    assert told[0, now.date(), admin] == (1, 1, 0, 0, 0)
    mine: Any = {key: row for key, row in told.items() if key[0] == here}
    assert {key[2] for key in mine} == {ana}  # the house itself is nobody
    assert tuple(map(sum, zip(*mine.values(), strict=True))) == (1, 1, 1, 1, 0)
    assert mine[here, nine.date(), ana][0] == 1
    assert mine[here, zone_day, ana][1:4] == (1, 1, 1)


def test_twice_is_once_and_longer_times_are_sums_of_days(db: Connection) -> None:
    now = now_of(db)
    here = make.new_vendor(time_zone="UTC")
    with acting(SYSTEM), begin() as session:
        ana = make.user(session).id
    for days in range(12):
        for _ in range(days % 3):
            signed_in(ana, here, now - timedelta(days=days))
    with acting(vendor_actor(here, ana)), begin() as session:
        make.tag(session)
    with acting(SYSTEM), begin() as session:  # since when nobody has looked
        long_ago = (now - timedelta(days=12)).date()
        make.figures(session, UserFigures, vendor_id=here, user_id=ana, starts_on=long_ago)
    note(now)
    first = figures()
    assert sum(row[0] for row in first.values()) == sum(days % 3 for days in range(12))
    note(now)
    assert figures() == first
    for grain, start in (
        ("week", lambda day: day - timedelta(days=day.weekday())),
        ("month", lambda day: day.replace(day=1)),
    ):
        summed: dict[Any, tuple[int, ...]] = {}
        for (vendor, day, user), row in first.items():
            key = vendor, start(day), user
            summed[key] = tuple(map(sum, zip(row, summed.get(key, (0,) * len(row)), strict=True)))
        assert figures(grain=grain) == summed


def test_what_was_known_and_is_forgotten_since_stays(db: Connection) -> None:
    now = now_of(db)
    here = make.new_vendor(time_zone="UTC")
    with acting(SYSTEM), begin() as session:
        ana = make.user(session).id
        for days in (60, 5):
            make.figures(
                session, UserFigures, vendor_id=here, user_id=ana,
                starts_on=(now - timedelta(days=days)).date(), sign_ins=7,
            )  # fmt: skip
    assert note(now) <= 9  # from the day before the last that is known
    old = (now - timedelta(days=60)).date()
    assert figures()[here, old, ana][0] == 7


def test_who_answers_a_request_and_after_how_long(db: Connection) -> None:
    now = now_of(db)
    here = make.new_vendor(time_zone="UTC")
    with acting(SYSTEM), begin() as session:
        ana = make.user(session).id
    soon = now + timedelta(days=3)
    with acting(vendor_actor(here, ana)), begin() as session:
        asked = [
            make.booking(
                session, status="pending", starts_at=soon + timedelta(hours=n),
                created_at=now - timedelta(minutes=30 * (n + 1)),
            ).id
            for n in range(4)
        ]  # fmt: skip
        held = make.booking(
            session, status="pending", starts_at=soon + timedelta(hours=9), held_until=soon
        ).id
    with acting(vendor_actor(here, ana)), begin() as session, clock.stopped_at(now):
        bookings.confirm(session, booking_id=asked[0])
        bookings.confirm(session, booking_id=held)
        bookings.cancel(session, booking_id=asked[1], by="vendor", reason="Full")
        bookings.cancel(session, booking_id=asked[2], by="customer", reason="Ill")
    note(now)
    with acting(SYSTEM), begin() as session:
        [row] = session.execute(
            select(UserFigures.answered, UserFigures.answer_minutes).where(
                UserFigures.vendor_id == here, UserFigures.grain == "day"
            )
        )
    assert tuple(row) == (2, 90)  # of 30 minutes and of an hour


def test_vendors_see_their_own_people_and_analysts_nobody(db: Connection) -> None:
    here, there = make.new_vendor(), make.new_vendor()
    with acting(SYSTEM), begin() as session:
        for vendor_id in (here, there, 0):
            make.figures(session, UserFigures, vendor_id=vendor_id, user_id=5, made=1)
    with acting(vendor_actor(here)), begin() as session:
        assert session.scalars(select(UserFigures.vendor_id)).all() == [here]
    with acting(Actor(DatabaseRole.ANALYST)), begin() as session:
        assert session.scalar(select(func.sum(UserFigures.made))) == 3
