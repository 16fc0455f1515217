"""The first page of each role: what needs doing now, every figure a link to the list behind it."""

from typing import Any

import anyio.to_thread
from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import Response

from admin_views import today_free
from admin_views.access import allowed
from admin_views.rendering import speaking_in
from admin_views.saving import zone_named
from admin_views.today_market import admin_page, marketplace_page
from admin_views.today_vendor import vendor_page
from app import clock
from app.database import begin
from app.tenancy import Actor, PanelRole, current_actor
from reports import market_today, today


class TodayView(BaseView):
    """Bookings, tasks and orders of today for a vendor; the marketplace's day for its people."""

    name, icon, identity = "Today", "ti ti-layout-dashboard", "today"
    menu_key = "t"

    def is_accessible(self, request: Request) -> bool:
        """Everybody has a first page."""
        return self.has_permission(request, "list")

    @expose("/today", methods=["GET"], identity="today")
    async def today(self, request: Request) -> Response:
        """The same page under its own address."""
        return await self.first_page(request)

    async def first_page(self, request: Request) -> Response:
        """The page of whoever acts."""
        actor = current_actor()
        template, context = await anyio.to_thread.run_sync(page_of, actor)
        shown: Response = await self.templates.TemplateResponse(request, template, context)
        return shown


def page_of(actor: Actor) -> tuple[str, dict[str, Any]]:
    """Template and context for the one who acts."""
    with begin() as session:
        if actor.vendor_id is not None:
            found = today.vendor(
                session, vendor_id=actor.vendor_id, now=clock.now(),
                reads_figures=allowed(actor.panel_role, "reports", "list"),
            )  # fmt: skip
            free = None
            if found.takes_bookings:
                free = today_free.today(session, vendor_id=actor.vendor_id, zone=found.zone)
            with speaking_in(zone_named(found.zone)):
                return "panel/today.html", vendor_page(found, actor.panel_role, free)
        if actor.panel_role is PanelRole.ANALYST:
            figures = market_today.analyst(session, now=clock.now())
            return "panel/today_admin.html", marketplace_page(figures, actor.panel_role)
        return "panel/today_admin.html", admin_page(market_today.admin(session, now=clock.now()))


VIEWS = [TodayView]
