"""The trail of changes as `panel/timeline.html` draws it: day by day, old → new."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from admin_views.rendering import clock_time, day_head
from app.operations import audit

ICONS = {"created": "plus", "changed": "pencil", "removed": "trash"}


def trail_of(session: Session, table: str, number: int) -> list[dict[str, Any]]:
    """The latest changes of one record."""
    return days_of(audit.trail(session, table=table, row_id=number))


def days_of(entries: Iterable[audit.Entry]) -> list[dict[str, Any]]:
    """Entries under the heads of their days."""
    return [
        {"title": head, "events": [event_of(e) for e in of_day]}
        for head, of_day in groupby(entries, key=lambda e: day_head(e.at))
    ]


def event_of(entry: audit.Entry) -> dict[str, Any]:
    """One change; what a new record held at first is not repeated."""
    shown = entry.changes if entry.verb == "changed" else ()
    return {
        "icon": ICONS.get(entry.verb, "pencil"),
        "title": f"{entry.noun} {entry.verb}",
        "meta": f"by {entry.who}",
        "at": clock_time(entry.at),
        "changes": [(c.label, c.old, c.new) for c in shown],
    }
