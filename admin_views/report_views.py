"""Saved views of a report: its days, filters and table under a name, as lists have them."""

from typing import Any
from urllib.parse import parse_qs, urlencode

from sqlalchemy.orm import Session

from admin_views.access import allowed
from admin_views.report_page import HERE, Address
from app.operations import views
from app.tenancy import current_actor
from models.views import SavedView
from reports.report import Report

LONGEST = 4000
MOST_TABS = 12
PASSING = ("all",)
"""What a view does not keep."""


def screen_of(report: Report) -> str:
    """What its views are kept under."""
    return f"report:{report.slug}"


def read(report: Report, query: str) -> list[tuple[str, str]]:
    """What a kept or posted query asks of the report; the rest is gone."""
    words = parse_qs(query[:LONGEST].replace("\x00", ""), errors="replace")
    return Address.read(report, words).without(*PASSING)


def url_of(report: Report, pairs: list[tuple[str, str]]) -> str:
    """The report as a view asks for it."""
    return f"{HERE}/{report.slug}" + (f"?{urlencode(pairs)}" if pairs else "")


def tabs(session: Session, report: Report, address: Address) -> dict[str, Any]:
    """One's own views and the shared as tabs, and the way to keep what is shown."""
    actor = current_actor()
    if not allowed(actor.panel_role, "reports", "views"):
        return {}
    here = address.without(*PASSING)
    kept: list[tuple[str, list[tuple[str, str]], str | None]] = [("All", [], None)]
    for view in views.listed(session, screen=screen_of(report))[:MOST_TABS]:
        remove = f"{HERE}/{report.slug}/views/{view.id}/remove"
        own = view.user_id == actor.user_id
        kept.append((view.name, read(report, view.query), remove if own else None))
    return {
        "views": [
            {"name": name, "url": url_of(report, pairs), "active": sorted(pairs) == sorted(here),
             "count_text": "", "delete_url": remove}
            for name, pairs, remove in kept
        ],
        "save_view": {
            "url": f"{HERE}/{report.slug}/views/save", "hidden": [("query", urlencode(here))],
        },
    }  # fmt: skip


def save(session: Session, report: Report, name: str, query: str) -> SavedView:
    """Keep what is shown under a name."""
    kept = urlencode(read(report, query))
    return views.save(session, screen=screen_of(report), name=name, query=kept)
