"""The shell around every page: what can be made new, found, and reached with the thumb.

A pure ASGI middleware inside the panel; it puts into `request.state` what
`sqladmin/layout.html` looks for and what the web layer has not put there. It asks the database
only, and rarely, what long work runs; who acts and in which zone they read is known by then.
"""

from datetime import UTC, tzinfo
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from admin_views.access import allowed
from admin_views.rendering import speaking_in
from admin_views.running import jobs_of
from admin_views.saving import zone_named
from app.tenancy import DatabaseRole, PanelRole, actor_or_none

NEW = (
    ("customer", "Customer", "user-plus"),
    ("booking", "Booking", "calendar-plus"),
    ("order", "Order", "receipt"),
    ("task", "Task", "checkbox"),
    ("vendor", "Vendor", "building-store"),
)
PHONE = (
    ("calendar", "Calendar", "calendar", "/admin/calendar"),
    ("counter", "Counter", "cash-register", "/admin/counter"),
    ("customer", "Customers", "users", "/admin/customer/list"),
    ("reports", "Reports", "chart-bar", "/admin/reports"),
)


class Shell:
    """Dresses every page of somebody who is signed in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say what the shell shows, then let the page speak in the reader's zone."""
        actor = actor_or_none()
        if scope["type"] != "http" or actor is None or actor.role is DatabaseRole.GATE:
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state.setdefault("zone", _zone(state))
        _menus(state, actor.panel_role, scope.get("path", ""))
        if _is_page(scope):
            state["running_jobs"] = await jobs_of(actor)
        with speaking_in(state["zone"]):
            await self.app(scope, receive, send)


def _is_page(scope: Scope) -> bool:
    """Whether somebody opens a page; small questions of pages have no top bar."""
    accepted = dict(scope["headers"]).get(b"accept", b"")
    return scope["method"] == "GET" and b"text/html" in accepted


def _zone(state: dict[str, Any]) -> tzinfo:
    standing = state.get("standing")
    return UTC if standing is None else zone_named(standing.time_zone)


def _menus(state: dict[str, Any], role: PanelRole, path: str) -> None:
    """What can be made new, found, and reached with the thumb, as far as the role may."""
    state.setdefault(
        "new_menu",
        [
            {"title": title, "url": f"/admin/{identity}/create", "icon": icon}
            for identity, title, icon in NEW
            if allowed(role, identity, "create")
        ],
    )
    phone: list[dict[str, Any]] = [
        {"title": "Today", "url": "/admin/", "icon": "layout-dashboard"}
    ] + [
        {"title": title, "url": url, "icon": icon}
        for identity, title, icon, url in PHONE
        if allowed(role, identity, "list")
    ]
    for entry in phone:
        here = entry["url"].removesuffix("list")
        entry["active"] = path == here if here == "/admin/" else path.startswith(here)
    state.setdefault("phone_menu", phone)
    if allowed(role, "customer", "list"):
        state.setdefault("find", {"url": "/admin/customer/list"})
