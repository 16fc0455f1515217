"""The first page of each role: what needs doing now, every figure a link to the list behind it."""

from typing import Any

import anyio.to_thread
from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import Response

from admin_views.access import allowed
from admin_views.rendering import (
    capped,
    clock_time,
    day_head,
    initials,
    moment,
    money,
    number,
    phone,
    plural,
    speaking_in,
)
from admin_views.saving import zone_named
from app import clock
from app.database import begin
from app.tenancy import Actor, PanelRole, current_actor
from reports import today

HERE = "/admin"
FOLLOW_UP = "status=pending_follow_up"


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
            found = today.vendor(session, vendor_id=actor.vendor_id, now=clock.now())
            with speaking_in(zone_named(found.zone)):
                return "panel/today.html", vendor_page(found, actor.panel_role)
        if actor.panel_role is PanelRole.ANALYST:
            figures = today.analyst(session, now=clock.now())
            return "panel/today_admin.html", marketplace_page(figures, actor.panel_role)
        return "panel/today_admin.html", admin_page(today.admin(session, now=clock.now()))


def _to(identity: str, query: str = "") -> str:
    return f"{HERE}/{identity}/list" + (f"?{query}" if query else "")


def _record(identity: str, at: Any) -> str:
    return f"{HERE}/{identity}/details/{at}"


def _here() -> str:
    return day_head(clock.now())


def _local_day(zone: str) -> str:
    return clock.now().astimezone(zone_named(zone)).date().isoformat()


def vendor_page(day: today.VendorToday, role: PanelRole) -> dict[str, Any]:
    """A vendor's day."""
    on = _local_day(day.zone)
    due = f"state=todo&due_to={on}"
    figures = [
        {
            "label": "Bookings today", "value": number(day.bookings),
            "url": _to("booking", f"day_from={on}&day_to={on}"),
            "note": f"{number(day.by_status.get('completed', 0))} completed",
        },
        {
            "label": "Expected today", "value": money(day.expected),
            "note": f"{money(day.taken)} done",
        },
        {
            "label": "Tasks due", "value": capped(day.tasks_due), "url": _to("task", due),
            "note": f"{capped(day.tasks_overdue)} overdue" if day.tasks_overdue else "none overdue",
            "tone": "bad" if day.tasks_overdue else "",
        },
        {
            "label": "To confirm", "value": capped(day.to_confirm),
            "url": _to("booking", "status=pending"), "note": "bookings that wait for a yes",
        },
        {
            "label": "New customers", "value": capped(day.new_customers), "note": "this week",
            "url": _to("customer", "sort=newest"),
        },
    ]  # fmt: skip
    if day.running_low and allowed(role, "variant", "list"):
        low = {"label": "Running low", "value": capped(day.running_low),
               "url": _to("variant", "stock=low"), "note": "few are left"}  # fmt: skip
        figures.append(low)
    cards = [
        {
            "title": "Tasks", "count_text": capped(day.tasks_due), "all_url": _to("task", due),
            "empty": "nothing is due", "rows": [_task(line, role) for line in day.tasks],
        },
        {
            "title": "Orders to hand over", "count_text": capped(day.to_fulfil),
            "all_url": _to("order", "status=placed"), "empty": "no order waits",
            "rows": [_line(line, "order", "receipt") for line in day.orders],
        },
    ]  # fmt: skip
    side = [
        {
            "title": "To follow up", "count_text": capped(day.to_follow_up),
            "all_url": _to("customer", FOLLOW_UP), "empty": "nobody waits",
            "rows": [_customer(line) for line in day.follow_ups],
        }
    ]  # fmt: skip
    if day.not_arrived + day.given_up and allowed(role, "message", "send"):
        side.insert(0, _not_arrived(day))
    now = {
        "title": "Now and next", "all_url": _to("booking", f"day_from={on}&day_to={on}"),
        "rows": [_booking(line, role) for line in day.next_bookings],
    }  # fmt: skip
    return {
        "page_title": _here(), "figures": figures, "now": now, "cards": cards, "side": side,
        "buttons": _buttons(role),
    }  # fmt: skip


def _not_arrived(day: today.VendorToday) -> dict[str, Any]:
    """What customers did not get, to be put right; seven days old at most."""
    rows = [{**_line(line, "message", "mail-off"), "status": None} for line in day.failures]
    many = plural(day.given_up, "other delivery", "other deliveries")
    return {
        "title": "Did not arrive", "count_text": capped(day.not_arrived), "rows": rows,
        "all_url": _to("message", "status=failed"), "empty": "all messages arrived",
        "foot": f"{many} of receipts and the like given up: tell who runs Backroom."
        if day.given_up else None,
    }  # fmt: skip


def _buttons(role: PanelRole) -> list[dict[str, Any]]:
    wanted = (("booking", "New booking", "calendar-plus"), ("order", "New order", "receipt"))
    return [
        {"title": title, "url": f"{HERE}/{noun}/create", "icon": icon, "primary": n == 0}
        for n, (noun, title, icon) in enumerate(wanted)
        if allowed(role, noun, "create")
    ]


NEXT = {
    "pending": ("confirm", "Confirm"),
    "confirmed": ("check-in", "Check in"),
    "checked_in": ("complete", "Complete"),
}


def _booking(line: today.Line, role: PanelRole) -> dict[str, Any]:
    step = NEXT.get(line.status) if allowed(role, "booking", "move") else None
    url = f"{HERE}/booking/do/{line.id}/{step[0]}" if step else ""
    return {
        "time": clock_time(line.at), "name": line.title, "url": _record("booking", line.id),
        "sub": line.detail, "status": line.status,
        "action": {"title": step[1], "url": url, "post": True} if step else None,
    }  # fmt: skip


def _line(line: today.Line, noun: str, icon: str) -> dict[str, Any]:
    said = " · ".join(part for part in (line.detail, moment(line.at, "")) if part)
    return {
        "icon": icon, "title": line.title, "url": _record(noun, line.id), "sub": said,
        "status": line.status, "status_kind": noun,
    }  # fmt: skip


def _task(line: today.Line, role: PanelRole) -> dict[str, Any]:
    shown = _line(line, "task", "checkbox")
    late = line.at is not None and line.at < clock.now()
    done = f"{HERE}/task/do/{line.id}/done" if allowed(role, "task", "move") else None
    return {**shown, "status": "overdue" if late else line.status, "done_url": done}


def _customer(line: today.Line) -> dict[str, Any]:
    reach = line.detail or ""
    reach = phone(reach) if reach.startswith("+") else reach
    return {
        "ava": initials(line.title), "title": line.title, "url": _record("customer", line.id),
        "sub": "" if reach == line.title else reach,
    }  # fmt: skip


def marketplace_page(day: today.Marketplace, role: PanelRole) -> dict[str, Any]:
    """The marketplace's day, in figures."""
    opens = role is PanelRole.ADMIN
    figures = [
        {"label": "Bookings today", "value": number(day.bookings),
         "note": f"{number(day.last_week)} a week ago", "url": opens and _to("booking")},
        {"label": "Orders today", "value": number(day.orders),
         "note": f"{capped(day.to_fulfil)} to hand over", "url": opens and _to("order")},
        {"label": "Brought in today", "value": money(day.revenue), "note": "completed and placed"},
        {"label": "New customers", "value": capped(day.new_customers), "note": "this week",
         "url": opens and _to("customer", "sort=newest")},
        {"label": "Vendors", "value": number(day.vendors), "url": opens and _to("vendor"),
         "note": f"in {number(day.zones)} time zones"},
    ]  # fmt: skip
    vendors = {
        "title": "Busiest today",
        "all_url": _to("vendor") if opens else None,
        "rows": [_share(share, opens=opens) for share in day.busiest],
    }
    days: list[dict[str, Any]] = [
        {"label": f"{d.day:%-d %b}", "a": d.bookings, "b": d.orders} for d in day.days
    ]
    sums = f"{sum(d['a'] for d in days)} bookings and {sum(d['b'] for d in days)} orders"
    chart = {
        "title": "The last two weeks", "days": days, "a_title": "Bookings", "b_title": "Orders",
        "sums_text": sums,
    }  # fmt: skip
    return {"page_title": _here(), "figures": figures, "vendors": vendors, "chart": chart}


def _share(share: today.Share, *, opens: bool) -> dict[str, Any]:
    url = _record("vendor", share.vendor_id) if opens else "#"
    missed = share.no_shows
    return {
        "name": share.name, "url": url, "tone": "bad" if missed else "good",
        "icon": "user-x" if missed else "circle-check",
        "word": plural(missed, "no-show") if missed else "no no-shows",
        "figure": plural(share.bookings, "booking"),
    }  # fmt: skip


def admin_page(day: today.AdminToday) -> dict[str, Any]:
    """The marketplace's day, and what waits for its people."""
    context = marketplace_page(day.figures, PanelRole.ADMIN)
    waits = [
        (
            day.to_follow_up,
            "Customers to follow up",
            "flag",
            "customer",
            "status=pending_follow_up",
        ),
        (day.imports_waiting, "Imports wait for a decision", "file-import", "import-job", ""),
        (day.imports_failed, "Imports failed", "alert-circle", "import-job", ""),
        (day.rows_to_correct, "Rows to correct", "alert-triangle", "import-job", ""),
        (day.not_arrived, "Messages that did not arrive", "mail-off", "message", "status=failed"),
        (
            day.promises_broken,
            "Promises that could not be kept",
            "plug-off",
            "outbox-message",
            "state=given_up",
        ),
    ]
    rows = [
        {"icon": icon, "title": title, "number": capped(count), "url": _waiting(noun, query)}
        for count, title, icon, noun, query in waits
        if count
    ]
    card = {"title": "Needs a person", "rows": rows, "empty": "nothing waits"}
    return {**context, "cards": [card], "page_hint": f"{capped(day.customers)} customers"}


def _waiting(noun: str, query: str) -> str | None:
    if noun == "import-job":
        return f"{HERE}/imports"
    return _to(noun, query) if noun else None


VIEWS = [TodayView]
