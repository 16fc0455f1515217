"""The panel as somebody uses it: a client that acts as whoever the test says."""

from typing import Any
from zoneinfo import ZoneInfo

import httpx2
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from admin_views.auth import harden
from admin_views.panel import build_panel
from admin_views.rendering import speaking_in
from app.tenancy import Actor, DatabaseRole, PanelRole, acting
from tests.in_process import InProcess


def manager(vendor_id: int) -> Actor:
    """A vendor's manager."""
    return Actor(DatabaseRole.VENDOR, vendor_id, 1, PanelRole.MANAGER)


def staff(vendor_id: int) -> Actor:
    """A vendor's staff member."""
    return Actor(DatabaseRole.VENDOR, vendor_id, 1, PanelRole.STAFF)


def admin() -> Actor:
    """The marketplace, standing in no vendor."""
    return Actor(DatabaseRole.ADMIN, None, 1, PanelRole.ADMIN)


def analyst() -> Actor:
    """Somebody who sees figures only."""
    return Actor(DatabaseRole.ANALYST, None, 1, PanelRole.ANALYST)


class ActingAs:
    """Lets one actor act in every request, as the web layer does for whoever is signed in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.actor: Actor | None = None
        self.zone = "Europe/Lisbon"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.actor is None or scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        zone = ZoneInfo(self.zone)
        scope.setdefault("state", {})["zone"] = zone
        with acting(self.actor), speaking_in(zone):
            await self.app(scope, receive, send)


class PanelClient(httpx2.Client):
    """A browser without scripts; redirects are not followed, so that tests see them."""

    def __init__(self) -> None:
        app = Starlette()
        self.panel = build_panel(app)
        harden(self.panel)
        self.door = ActingAs(app)
        super().__init__(transport=InProcess(self.door), base_url="https://panel.example")

    def as_(self, actor: Actor | None) -> "PanelClient":
        """The same browser in other hands."""
        self.door.actor = actor
        return self

    def form_values(self, url: str) -> dict[str, Any]:
        """What the form on a page would post if nobody touched it."""
        from tests.admin_views.reading import posted

        page = self.get(url)
        assert page.status_code == 200, (url, page.status_code, page.text[-800:])
        return posted(page.text)
