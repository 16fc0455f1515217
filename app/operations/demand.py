"""Demand of the waitlist: who joined on which day, for what, and what became of it by now.

An entry changes until it is settled, and its day with it; a vendor's line is short, so that all of
it is told anew whenever something in it has changed.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.waitlist import WaitlistEntry

ANY_DAY = 8
LOCK = 4_211_002

_REBUILD = """
  INSERT INTO wait_figures (vendor_id, grain, starts_on, service_id, category_id, weekday, channel,
    joined, offered, booked, waiting, expired, left_it)
  WITH entries AS (
    SELECT e.service_id, coalesce(s.category_id, 0) AS category_id, e.channel, e.status, e.offers,
      CAST(e.created_at AT TIME ZONE v.time_zone AS date) AS day,
      c.starts_at AT TIME ZONE v.time_zone AS meets,
      CAST(e.earliest AT TIME ZONE v.time_zone AS date) AS since,
      CAST((e.latest - interval '1 microsecond') AT TIME ZONE v.time_zone AS date) AS until
    FROM waitlist_entries e
    JOIN vendors v ON v.id = e.vendor_id
    JOIN services s ON s.vendor_id = e.vendor_id AND s.id = e.service_id
    LEFT JOIN class_sessions c ON c.vendor_id = e.vendor_id AND c.id = e.class_session_id
    WHERE e.vendor_id = :vendor
  )
  SELECT :vendor, grain, CAST(date_trunc(grain, CAST(day AS timestamp)) AS date), service_id,
    category_id,
    CASE WHEN meets IS NOT NULL THEN extract(isodow FROM meets)
      WHEN since = until THEN extract(isodow FROM since) ELSE :any_day END,
    channel, count(*), count(*) FILTER (WHERE offers > 0 OR status = 'booked'),
    count(*) FILTER (WHERE status = 'booked'),
    count(*) FILTER (WHERE status IN ('waiting', 'offered')),
    count(*) FILTER (WHERE status = 'expired'), count(*) FILTER (WHERE status = 'cancelled')
  FROM entries CROSS JOIN (VALUES ('day'), ('week'), ('month')) AS grains (grain)
  GROUP BY 2, 3, 4, 5, 6, 7
"""


def changed(session: Session, *, since: datetime) -> Sequence[int]:
    """The vendors in whose line something has changed since then (aware)."""
    entry = WaitlistEntry
    found = select(entry.vendor_id).where(entry.updated_at >= since).distinct()
    return sorted(session.scalars(found))


def rebuild(session: Session, *, vendor_id: int) -> None:
    """Tell a vendor's demand anew; twice is as good as once, also at the same time."""
    known = {"vendor": vendor_id, "any_day": ANY_DAY, "lock": LOCK}
    session.execute(text("SELECT pg_advisory_xact_lock(:lock, CAST(:vendor AS integer))"), known)
    session.execute(text("DELETE FROM wait_figures WHERE vendor_id = :vendor"), known)
    session.execute(text(_REBUILD), known)
