"""All that decides about a span of time, read by one statement: each costs more than its rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.database import quickly


class Fact(NamedTuple):
    """A row of one of the tables; what it has not is None. Quicker to ask than SQLAlchemy's."""

    fact: str
    staff_id: int | None
    item_id: Any
    number: Any
    word: Any
    label: Any
    starts: Any
    ends: Any
    first_day: Any
    last_day: Any
    capacity: Any
    begins: Any
    over: Any
    after_begins: Any
    after_over: Any


class Facts(NamedTuple):
    """The rows of each table: hours, exceptions, what blocks people, what is needed, its claims."""

    hours: list[Fact]
    exceptions: list[Fact]
    busy: list[Fact]
    needs: list[Fact]
    claims: list[Fact]


# Conditions are plain, so that indexes serve row security. A range that is empty has no ends.
_PEOPLE = """
    SELECT 'hours' AS fact, staff_id, service_id AS item_id, weekday AS number, kind AS word,
      CAST(NULL AS text) AS label, starts, ends, effective_from AS first_day,
      effective_to AS last_day, CAST(NULL AS bigint) AS capacity,
      CAST(NULL AS timestamptz) AS begins, CAST(NULL AS timestamptz) AS over,
      CAST(NULL AS timestamptz) AS after_begins, CAST(NULL AS timestamptz) AS after_over
    FROM working_hours
    WHERE vendor_id = %(vendor_id)s AND (
      staff_id = ANY (CAST(%(staff_ids)s AS bigint[]))
      OR staff_id IS NULL AND (service_id IS NULL OR service_id = %(service_id)s))
    UNION ALL
    SELECT 'exceptions', staff_id, NULL, NULL, kind, reason, NULL, NULL, NULL, NULL, NULL,
      starts_at, ends_at, NULL, NULL
    FROM time_off
    WHERE vendor_id = %(vendor_id)s
      AND (staff_id IS NULL OR staff_id = ANY (CAST(%(staff_ids)s AS bigint[])))
      AND starts_at < %(days_after)s AND ends_at > %(days_before)s
    UNION ALL
    SELECT 'busy', staff_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      lower(with_buffer_before), upper(with_buffer_before),
      lower(with_buffer_after), upper(with_buffer_after)
    FROM bookings
    WHERE vendor_id = %(vendor_id)s AND staff_id = ANY (CAST(%(staff_ids)s AS bigint[]))
      AND starts_at < %(until)s AND ends_at > %(since)s  -- whenever it began: by the end of it
      AND status IN ('pending', 'confirmed', 'checked_in') AND kind <> 'class'
      AND id <> ALL (CAST(%(without_bookings)s AS bigint[]))
    UNION ALL
    SELECT 'busy', staff_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      lower(with_buffer_before), upper(with_buffer_before),
      lower(with_buffer_after), upper(with_buffer_after)
    FROM class_sessions
    WHERE vendor_id = %(vendor_id)s AND staff_id = ANY (CAST(%(staff_ids)s AS bigint[]))
      AND starts_at < %(until)s AND starts_at > %(classes_since)s AND status = 'scheduled'
      AND id <> %(without_class)s
"""
_ROOMS = """
    UNION ALL
    SELECT 'needs', NULL, r.id, s.quantity, NULL, r.name, NULL, NULL, NULL, NULL,
      CASE WHEN r.is_active THEN r.capacity ELSE 0 END, NULL, NULL, NULL, NULL
    FROM service_resources s JOIN resources r ON r.vendor_id = s.vendor_id AND r.id = s.resource_id
    WHERE s.vendor_id = %(vendor_id)s AND s.service_id = %(service_id)s
    UNION ALL
    SELECT 'claims', NULL, resource_id, unit, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      lower(with_buffer_before), upper(with_buffer_before),
      lower(with_buffer_after), upper(with_buffer_after)
    FROM resource_claims
    WHERE vendor_id = %(vendor_id)s AND resource_id IN (
        SELECT resource_id FROM service_resources
        WHERE vendor_id = %(vendor_id)s AND service_id = %(service_id)s)
      AND starts_at < %(until)s AND starts_at > %(longest_since)s
      AND upper(with_buffer_after) > %(since)s AND held
      AND coalesce(booking_id, 0) <> ALL (CAST(%(without_bookings)s AS bigint[]))
      AND class_session_id IS DISTINCT FROM %(without_class)s
"""


_OFFERS = text(
    """
    SELECT m.id, m.name, m.is_active, s.id AS named, s.duration_minutes, s.price
    FROM staff_members m
    LEFT JOIN staff_services s
      ON s.vendor_id = m.vendor_id AND s.staff_id = m.id AND s.service_id = :service_id
    WHERE m.vendor_id = :vendor_id
    ORDER BY m.name, m.id
    """
)


def offers(session: Session, *, vendor_id: int, service_id: int) -> Sequence[Row[Any]]:
    """All who work at the vendor, with what is said of them and the service; in order of names."""
    session.flush()  # what is read again below
    look = {"vendor_id": vendor_id, "service_id": service_id}
    return session.connection().execute(_OFFERS, look).all()


_ALL = _PEOPLE + _ROOMS


def listed(ids: Iterable[int]) -> str:
    """Ids as an array is written: the driver takes ten times as long over a list."""
    return "{" + ",".join(map(str, ids)) + "}"


def gather(session: Session, look: Mapping[str, Any], *, needs: bool = True) -> Facts:
    """What the words of `look` ask for; exceptions are in order of time, needs in that of ids.

    Without `needs` nobody looks for rooms: the service is known to need none.
    """
    session.flush()  # what is read again below
    found = Facts([], [], [], [], [])
    of = found._asdict()
    for row in quickly(session.connection(), _ALL if needs else _PEOPLE, look):
        of[row[0]].append(Fact._make(row))
    found.exceptions.sort(key=lambda row: row.begins)
    found.needs.sort(key=lambda row: row.item_id)
    return found
