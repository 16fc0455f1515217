"""The first page of each role: what needs doing now, every figure a link to the list behind it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
from babel.dates import format_date
from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import Response

from admin_views import today_free, week_chart
from admin_views.access import allowed
from admin_views.customer_next import every, likely, percent
from admin_views.rendering import (
    ago,
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
from app.settings import settings
from app.tenancy import Actor, PanelRole, current_actor
from models.tasks import TaskKind
from reports import today
from reports.pulse import DAY, LIKELY, SOLD_IN, Jump, Look, Seller, Slipping
from reports.registry import for_role
from reports.troubles import Failing, Hourless

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
            figures = today.analyst(session, now=clock.now())
            return "panel/today_admin.html", marketplace_page(figures, actor.panel_role)
        return "panel/today_admin.html", admin_page(today.admin(session, now=clock.now()))


def _to(identity: str, query: str = "") -> str:
    return f"{HERE}/{identity}/list" + (f"?{query}" if query else "")


def _record(identity: str, at: Any) -> str:
    return f"{HERE}/{identity}/details/{at}"


def _here() -> str:
    return day_head(clock.now())


def _local_day(zone: str) -> date:
    return clock.now().astimezone(zone_named(zone)).date()


def vendor_page(
    day: today.VendorToday, role: PanelRole, free: today_free.Free | None = None
) -> dict[str, Any]:
    """A vendor's day."""
    on = _local_day(day.zone)
    due, here = f"state=todo&due_to={on}", f"day_from={on}&day_to={on}"
    planned = urlencode([("held", "no"), *(("status", one) for one in today.PLANNED)])
    figures = [
        {
            "label": "Bookings today", "value": number(day.bookings),
            "url": _to("booking", f"{here}&{planned}"),
            "note": f"{number(day.by_status.get('completed', 0))} completed",
        },
        {
            "label": "Expected today", "value": money(day.expected),
            "note": f"{money(day.taken)} done",
        },
        *([known] if free and (known := today_free.figure(free)) else []),
        {
            "label": "Tasks due", "value": capped(day.tasks_due), "url": _to("task", due),
            "note": f"{capped(day.tasks_overdue)} overdue" if day.tasks_overdue else "none overdue",
            "tone": "bad" if day.tasks_overdue else "",
        },
        {
            "label": "To confirm", "value": capped(day.to_confirm),
            "url": _to("booking", f"status=pending&held=no&day_from={on}"),
            "note": "bookings that wait for a yes",
        },
        {
            "label": "New customers", "value": capped(day.new_customers), "note": "this week",
            "url": _to("customer", "sort=newest"),
        },
    ]  # fmt: skip
    others = "&".join(f"kind={kind}" for kind in TaskKind if kind != TaskKind.DELIVERY_CHECK)
    cards = [
        {
            "title": "Tasks", "count_text": capped(day.others_due),
            "all_url": _to("task", f"{due}&{others}"), "empty": "nothing is due",
            "rows": [_task(line, role) for line in day.tasks],
        },
        {
            "title": "Orders to hand over", "count_text": capped(day.to_fulfil),
            "all_url": _to("order", "status=placed"), "empty": "no order waits",
            "rows": [_line(line, "order", "receipt") for line in day.orders],
        },
    ]  # fmt: skip
    side: list[dict[str, Any]] = [
        {
            "title": "To follow up", "count_text": capped(day.to_follow_up),
            "all_url": _to("customer", FOLLOW_UP), "empty": "nobody waits",
            "rows": [_customer(line) for line in day.follow_ups],
        }
    ]  # fmt: skip
    if day.low and allowed(role, "variant", "list"):
        side.insert(0, _running_low(day))
    if day.sells_goods or day.checks_due:
        side.insert(0, _to_check(day, role, f"{due}&kind={TaskKind.DELIVERY_CHECK}"))
    if day.sellers:
        side.append(_best_sellers(day.sellers, role, on))
    if day.slipping:
        cards.insert(0, _slipping(day.slipping, role))
    if day.not_arrived + day.given_up and allowed(role, "message", "send"):
        side.insert(0, _not_arrived(day))
    if free:
        side.insert(0, today_free.card(free, role))
    now = {
        "title": "Now and next", "all_url": _to("booking", here),
        "rows": [_booking(line, role) for line in day.next_bookings],
    }  # fmt: skip
    return {
        "page_title": _here(), "page_hint": today_free.hint(free) if free else "",
        "figures": figures, "now": now, "cards": cards, "side": side,
        "buttons": _buttons(role), "start": _start(role) if day.is_new else None,
        "week": week_chart.card(day.week, url=_report("revenue", role)) if day.week else None,
    }  # fmt: skip


WAYS = (
    ("service", "create", "service/create", "sparkles", "Add a service",
     "What can be booked, how long it takes, what it costs."),
    ("product", "create", "product/create", "package", "Add a product",
     "What is sold over the counter or sent."),
    ("import-job", "upload", "imports", "file-import", "Bring your lists along",
     "Customers, products and past sales from a file."),
)  # fmt: skip


def _start(role: PanelRole) -> dict[str, Any]:
    """The first steps of a vendor who offers nothing yet, for who may take them."""
    ways = [
        {"url": f"{HERE}/{path}", "icon": icon, "title": title, "text": text}
        for noun, action, path, icon, title, text in WAYS if allowed(role, noun, action)
    ]  # fmt: skip
    return {
        "icon": "building-store", "title": "Nothing is offered yet",
        "text": "Bookings and sales show here as soon as there is something to book or to buy.",
        "ways": ways,
    }  # fmt: skip


def _report(slug: str, role: PanelRole, **asked: Any) -> str | None:
    """The way to a report, if the reader has it."""
    if slug not in for_role(role):
        return None
    return f"{HERE}/reports/{slug}" + (f"?{urlencode(asked)}" if asked else "")


PAGES = {
    "service": "service", "product": "product", "package": "package",
    "membership": "membership-plan",
}  # fmt: skip


def _best_sellers(sellers: Sequence[Seller], role: PanelRole, on: date) -> dict[str, Any]:
    days = {"from": on - (SOLD_IN - 1) * DAY, "to": on}
    return {
        "title": "Best sellers, 4 weeks", "all_url": _report("top-items", role, **days),
        "all_title": "Open report",
        "rows": [
            {"title": one.name, "url": _record(PAGES[one.kind], one.item_id),
             "sub": f"{number(one.quantity)}×", "number": money(one.revenue)}
            for one in sellers
        ],
    }  # fmt: skip


def _slipping(found: Sequence[Slipping], role: PanelRole) -> dict[str, Any]:
    """Who might not come back, and the way to do something about it."""
    return {
        "title": "Might not come back", "rows": [_slips(one, role) for one in found],
        "foot": "Those who brought most of all who stay away, without a booking, and without a"
        " task within 30 days.",
    }  # fmt: skip


def _slips(one: Slipping, role: PanelRole) -> dict[str, Any]:
    came = f"came {every(one.every_days)}, " if one.every_days else ""
    said = [f"{came}last seen {ago(one.last_on)}", f"{money(one.revenue)} brought"]
    if one.chance is not None and one.chance < LIKELY:
        said.append(f"comes back: {likely(one.chance)}")
    action = None
    if allowed(role, "task", "create"):
        url = f"{HERE}/task/create?customer={one.customer_id}"
        action = {"title": "Add task", "url": url}
    return {
        "ava": initials(one.name), "title": one.name, "url": _record("customer", one.customer_id),
        "sub": " · ".join(said), "action": action,
    }  # fmt: skip


def _running_low(day: today.VendorToday) -> dict[str, Any]:
    return {
        "title": "Running low", "count_text": capped(day.running_low),
        "all_url": _to("variant", "stock=low"),
        "rows": [
            {"title": line.title, "url": _record("variant", line.id), "sub": line.detail,
             "number": f"{number(int(line.status))} left"}
            for line in day.low
        ],
    }  # fmt: skip


def _to_check(day: today.VendorToday, role: PanelRole, query: str) -> dict[str, Any]:
    """Whether what was sent has come: the way to ask, for who may write to customers."""
    return {
        "title": "Deliveries to check", "count_text": capped(day.checks_due) if day.checks else "",
        "all_url": _to("task", query), "empty": "no delivery waits to be checked",
        "rows": [_check(line, role) for line in day.checks],
    }  # fmt: skip


def _check(line: today.Line, role: PanelRole) -> dict[str, Any]:
    ask = None
    if line.customer_id is not None and allowed(role, "message", "create"):
        url = f"{HERE}/message/create?customer={line.customer_id}"
        ask = {"title": "Ask", "url": url}
    due = f"due {ago(line.at)}" if line.at else None
    return {
        **_task(line, role), "sub": " · ".join(part for part in (due, line.detail) if part),
        "status": None, "action": ask,
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
    """The marketplace's day, in figures; each leads to its list, or to the report of it."""
    opens, now, before = role is PanelRole.ADMIN, day.week.today.now, day.week.today.before
    weekday = format_date(day.week.today.day, "EEEE", locale=settings().locale)

    def beside(said: str) -> str:
        return f"{said} last {weekday}"

    figures = [
        {"label": "Bookings today", "value": number(now.bookings),
         "note": beside(number(before.bookings)),
         "url": _to("booking") if opens else _report("bookings", role)},
        {"label": "Orders today", "value": number(now.orders),
         "note": f"{capped(day.to_fulfil)} to hand over", "url": opens and _to("order")},
        {"label": f"Revenue today, {settings().currency}", "value": money(now.revenue),
         "note": beside(money(before.revenue)), "url": _report("revenue", role, period="7d")},
        {"label": "New customers", "value": capped(day.new_customers), "note": "this week",
         "url": opens and _to("customer", "sort=newest")},
        {"label": "Vendors", "value": number(day.vendors),
         "url": _to("vendor") if opens else _report("vendors", role),
         "note": f"in {plural(day.zones, 'time zone')}"},
    ]  # fmt: skip
    vendors = {
        "title": "Vendors that need a look", "all_url": _to("vendor") if opens else None,
        "rows": [
            *(row for look in day.attention for row in _looks(look, role)),
            *(_jumped(one, role) for one in day.jumps),
        ],
    }  # fmt: skip
    busiest = {
        "title": "Busiest today", "empty": "nobody has a booking today",
        "all_url": _report("vendors", role), "all_title": "Open report",
        "rows": [_share(share, opens=opens) for share in day.busiest],
    }  # fmt: skip
    return {
        "page_title": _here(), "page_hint": f"Figures up to {clock_time(clock.now())}",
        "figures": figures, "vendors": vendors, "side": [busiest],
        "week": week_chart.card(day.week, url=_report("revenue", role, period="7d")),
        "cards": [] if opens else [_reports(role)],
    }  # fmt: skip


def _reports(role: PanelRole) -> dict[str, Any]:
    """The reports, for who works with figures."""
    return {
        "title": "Reports", "all_url": f"{HERE}/reports", "all_title": "All reports",
        "rows": [
            {"icon": "chart-bar", "title": report.title, "url": _report(slug, role),
             "sub": report.about}
            for slug, report in for_role(role).items()
        ],
    }  # fmt: skip


def _share(share: today.Share, *, opens: bool) -> dict[str, Any]:
    missed = share.no_shows
    return {
        "title": share.name, "url": _record("vendor", share.vendor_id) if opens else None,
        "sub": plural(missed, "no-show") if missed else "no no-shows",
        "number": plural(share.bookings, "booking"),
    }  # fmt: skip


def _looks(look: Look, role: PanelRole) -> list[dict[str, Any]]:
    """A row for each thing that is wrong."""
    url = _record("vendor", look.vendor_id) if role is PanelRole.ADMIN else None
    rows = []
    if look.falls is not None:
        rows.append(
            {"tone": "warn", "icon": "trending-down", "word": "Revenue falls",
             "figure": f"−{percent(look.falls)} on the four weeks before",
             "action": _open("revenue", look, role)}
        )  # fmt: skip
    if look.missed is not None and look.usual is not None:
        rows.append(
            {"tone": "bad", "icon": "user-x", "word": "Many no-shows",
             "figure": f"{percent(look.missed)} in four weeks, {percent(look.usual)} before",
             "action": _open("bookings", look, role)}
        )  # fmt: skip
    return [{**row, "name": look.name, "url": url} for row in rows]


def _jumped(one: Jump, role: PanelRole) -> dict[str, Any]:
    """Scores that are far from those of the night before, and by what most."""
    opens = role is PanelRole.ADMIN and one.vendor_id is not None
    changes = (
        ("customers", one.people), ("purchases expected", one.buying),
        ("a purchase", one.spending),
    )  # fmt: skip
    known = [(what, change) for what, change in changes if change is not None]
    what, change = max(known, key=lambda pair: abs(pair[1]), default=("", Decimal(0)))
    sign = "+" if change > 0 else "−"
    moved = f"{what} {sign}{percent(abs(change))} on the night before"
    url = _report("lifetime-value", role, **({"vendor": one.vendor_id} if one.vendor_id else {}))
    return {
        "name": one.name or "All vendors", "tone": "warn", "icon": "alert-triangle",
        "url": _record("vendor", one.vendor_id) if opens and one.vendor_id else None,
        "word": "Scores jumped",
        "figure": moved if abs(change) >= SHARP else "groups of customers moved since the night"
        " before",
        "action": {"title": "Open report", "url": url} if url else None,
    }  # fmt: skip


SHARP = Decimal("0.2")


def _open(slug: str, look: Look, role: PanelRole) -> dict[str, Any] | None:
    url = _report(slug, role, vendor=look.vendor_id)
    return {"title": "Open report", "url": url} if url else None


WAYS_OUT = {
    "sms": ("message-off", "Texts fail"), "email": ("mail-off", "E-mails fail"),
    "push": ("device-mobile-off", "App messages fail"),
}  # fmt: skip


def _fails(one: Failing) -> dict[str, Any]:
    icon, said = WAYS_OUT.get(one.channel, ("message-off", "Messages fail"))
    query = urlencode({"vendor": one.vendor_id, "status": "failed", "channel": one.channel})
    return {
        "name": one.name, "url": _record("vendor", one.vendor_id), "tone": "bad", "icon": icon,
        "word": said, "figure": f"{number(one.failed)} of {number(one.of)} in 24 hours",
        "action": {"title": "See messages", "url": _to("message", query)},
    }  # fmt: skip


def _has_no_hours(one: Hourless) -> dict[str, Any]:
    many = plural(one.people, "person", "people")
    query = urlencode({"vendor": one.vendor_id, "active": "yes", "hours": "none"})
    return {
        "name": one.name, "url": _record("vendor", one.vendor_id), "tone": "warn",
        "icon": "calendar-off", "word": "No working hours",
        "figure": f"{many} can be booked at any hour",
        "action": {"title": "See people", "url": _to("staff-member", query)},
    }  # fmt: skip


def admin_page(day: today.AdminToday) -> dict[str, Any]:
    """The marketplace's day, and what waits for its people."""
    context = marketplace_page(day.figures, PanelRole.ADMIN)
    context["vendors"]["rows"] += [
        *(_fails(one) for one in day.failing), *(_has_no_hours(one) for one in day.hourless)
    ]  # fmt: skip
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
    hint = f"{capped(day.customers)} customers · {context['page_hint'].lower()}"
    return {**context, "cards": [card], "page_hint": hint}


def _waiting(noun: str, query: str) -> str | None:
    if noun == "import-job":
        return f"{HERE}/imports"
    return _to(noun, query) if noun else None


VIEWS = [TodayView]
