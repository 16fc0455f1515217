"""When the people of a calendar do not work, day by day, as it is hatched behind the bookings."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from admin_views.calendar_days import LocalDay

Closed = Mapping[str, Any]


def closed_times(
    session: Session, staff_ids: Sequence[int], days: Sequence[LocalDay]
) -> dict[int, Closed]:
    """For each of the staff the hours of each day in words, and what is closed: day, from, to."""
    return {}
