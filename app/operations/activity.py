"""What people who sign in have done, by day: how many sign-ins and changes, never which.

Told from the trail of changes and from the sign-ins of the last weeks, and kept: both are long, and
of sign-ins the old ones go. A day is that of the vendor in which it was done; what was done in
none, such as by the marketplace's own people, has a day of UTC. What the house does by itself
counts for nobody.

A request is a booking that waited to be confirmed; who confirmed or refused it answered it. One
that is held for somebody of the waitlist waits for the customer and is none, nor is one that the
customer called off.
"""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.operations.clearing import KEPT
from app.tenancy import SYSTEM_USER_ID
from models.audiences import UserFigures
from models.audit import AuditEntry
from models.figures import Grain
from models.users import LoginSession

AGAIN = timedelta(days=1)
"""The day before the last one that is known is worked out again: it was not over, somewhere."""
ZONES = timedelta(hours=15)
"""No wall clock is further from UTC."""
MOST_DAYS = 31
LOCK = 4_211_001

_DAYS = """
  WITH told AS (
    SELECT coalesce(a.vendor_id, 0) AS vendor_id,
      CAST(a.at AT TIME ZONE coalesce(v.time_zone, 'UTC') AS date) AS day, a.user_id,
      0 AS sign_ins, count(*) FILTER (WHERE a.action = 'create') AS made,
      count(*) FILTER (WHERE a.action = 'update') AS changed,
      count(*) FILTER (WHERE a.action = 'delete') AS removed,
      0 AS answered, CAST(0 AS bigint) AS answer_minutes
    FROM audit_entries a LEFT JOIN vendors v ON v.id = a.vendor_id
    WHERE a.at >= :since AND a.at < :until AND a.user_id > :system
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT a.vendor_id, CAST(a.at AT TIME ZONE v.time_zone AS date), a.user_id, 0, 0, 0, 0,
      count(*), CAST(sum(extract(epoch FROM a.at - b.created_at) / 60) AS bigint)
    FROM audit_entries a
    JOIN vendors v ON v.id = a.vendor_id
    JOIN bookings b ON b.vendor_id = a.vendor_id AND b.id = a.row_id
    WHERE a.at >= :since AND a.at < :until AND a.user_id > :system
      AND a.table_name = 'bookings' AND a.action = 'update' AND a.old ->> 'status' = 'pending'
      AND a.new ->> 'status' IN ('confirmed', 'cancelled')
      AND (a.new ->> 'cancelled_by' IS NULL OR a.new ->> 'cancelled_by' = 'vendor')
      AND b.held_until IS NULL AND a.old ->> 'held_until' IS NULL
      AND a.at >= b.created_at
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT coalesce(s.vendor_id, 0), CAST(s.created_at AT TIME ZONE coalesce(v.time_zone, 'UTC')
      AS date), s.user_id, count(*), 0, 0, 0, 0, 0
    FROM login_sessions s LEFT JOIN vendors v ON v.id = s.vendor_id
    WHERE s.created_at >= :since AND s.created_at < :until
    GROUP BY 1, 2, 3
  )
  INSERT INTO user_figures (vendor_id, grain, starts_on, user_id, sign_ins, made, changed,
    removed, answered, answer_minutes)
  SELECT vendor_id, 'day', day, user_id, sum(sign_ins), sum(made), sum(changed), sum(removed),
    sum(answered), sum(answer_minutes)
  FROM told WHERE day BETWEEN :first AND :last GROUP BY vendor_id, day, user_id
"""

_SUMS = """
  INSERT INTO user_figures (vendor_id, grain, starts_on, user_id, sign_ins, made, changed,
    removed, answered, answer_minutes)
  SELECT vendor_id, :grain, CAST(date_trunc(:grain, CAST(starts_on AS timestamp)) AS date),
    user_id, sum(sign_ins), sum(made), sum(changed), sum(removed), sum(answered),
    sum(answer_minutes)
  FROM user_figures
  WHERE grain = 'day' AND starts_on >= date_trunc(:grain, CAST(CAST(:first AS date) AS timestamp))
    AND starts_on < date_trunc(:grain, CAST(CAST(:last AS date) AS timestamp))
      + CAST('1 ' || :grain AS interval)
  GROUP BY 1, 3, 4
"""

_GONE = """
  DELETE FROM user_figures WHERE grain = :grain AND starts_on <= :last
    AND starts_on >= date_trunc(:grain, CAST(CAST(:first AS date) AS timestamp))
"""


def note(session: Session, *, now: datetime) -> int:
    """Bring the figures of all people up to `now` (aware); how many days were worked out.

    The first time all that the trail and the sign-ins know. Twice is as good as once, also at the
    same time.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    last = (now + ZONES).astimezone(UTC).date()
    first = start = _begins(session, last)
    while first <= last:
        _work_out(session, first, min(first + timedelta(days=MOST_DAYS - 1), last))
        first += timedelta(days=MOST_DAYS)
    return (last - start).days + 1


def _begins(session: Session, last: date) -> date:
    """The first day that may have changed; no day whose sign-ins are forgotten in part."""
    day = UserFigures.starts_on
    known = session.scalar(select(func.max(day)).where(UserFigures.grain == Grain.DAY))
    if known is not None:
        return min(max(known - AGAIN, last - KEPT + AGAIN), last - AGAIN)
    changed = session.scalar(select(AuditEntry.at).order_by(AuditEntry.id).limit(1))
    signed_in = session.scalar(select(func.min(LoginSession.created_at)))
    moments = [moment for moment in (changed, signed_in) if moment is not None]
    return min([last - AGAIN, *((moment - ZONES).astimezone(UTC).date() for moment in moments)])


def _work_out(session: Session, first: date, last: date) -> None:
    known = {
        "first": first, "last": last, "system": SYSTEM_USER_ID,
        "since": datetime.combine(first, time(), UTC) - ZONES,
        "until": datetime.combine(last + timedelta(days=1), time(), UTC) + ZONES,
    }  # fmt: skip
    session.execute(text(_GONE), known | {"grain": "day"})
    session.execute(text(_DAYS), known)
    add_up(session, first=first, last=last)


def add_up(session: Session, *, first: date, last: date) -> None:
    """Sum the days up for the weeks and months that these days are in."""
    for grain in (Grain.WEEK, Grain.MONTH):
        known = {"first": first, "last": last, "grain": grain.value}
        session.execute(text(_GONE), known)
        session.execute(text(_SUMS), known)
