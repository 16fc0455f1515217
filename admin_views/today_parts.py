"""What first pages are made of: the ways to lists, records and reports, and the day."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from admin_views.rendering import day_head
from app import clock
from app.tenancy import PanelRole
from reports.registry import for_role
from reports.today import PLANNED

HERE = "/admin"


def to_list(identity: str, query: str = "") -> str:
    """The list of a noun."""
    return f"{HERE}/{identity}/list" + (f"?{query}" if query else "")


def to_bookings(on: date) -> str:
    """The list of a day's bookings: neither what was called off nor what is only offered."""
    asked = [("day_from", on), ("day_to", on), ("held", "no")]
    return to_list("booking", urlencode([*asked, *(("status", one) for one in PLANNED)]))


def to_record(identity: str, at: Any) -> str:
    """The page of a record."""
    return f"{HERE}/{identity}/details/{at}"


def head() -> str:
    """The day, as the head of the page."""
    return day_head(clock.now())


def to_report(slug: str, role: PanelRole, **asked: Any) -> str | None:
    """The way to a report, if the reader has it."""
    if slug not in for_role(role):
        return None
    return f"{HERE}/reports/{slug}" + (f"?{urlencode(asked)}" if asked else "")
