"""The first page of the marketplace's people: its day in figures, and what waits for a person."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_date

from admin_views import week_chart
from admin_views.customer_next import percent
from admin_views.rendering import capped, clock_time, money, number, plural
from admin_views.today_parts import HERE, head, to_bookings, to_list, to_record, to_report
from app import clock
from app.settings import settings
from app.tenancy import PanelRole
from reports import market_today
from reports.pulse import Jump, Look
from reports.registry import for_role
from reports.troubles import Failing, Hourless


def marketplace_page(day: market_today.Marketplace, role: PanelRole) -> dict[str, Any]:
    """The marketplace's day, in figures; each leads to its list, or to the report of it."""
    opens, now, before = role is PanelRole.ADMIN, day.week.today.now, day.week.today.before
    on = day.week.today.day
    weekday = format_date(on, "EEEE", locale=settings().locale)

    def beside(said: str) -> str:
        return f"{said} last {weekday}"

    figures = [
        {"label": "Bookings today", "value": number(now.bookings),
         "note": beside(number(before.bookings)),
         "url": to_bookings(on) if opens else to_report("bookings", role, period="today")},
        {"label": "Orders today", "value": number(now.orders),
         "note": f"{capped(day.to_fulfil)} to hand over",
         "url": opens and to_list("order", f"sold_from={on}&sold_to={on}")},
        {"label": f"Revenue today, {settings().currency}", "value": money(now.revenue),
         "note": beside(money(before.revenue)), "url": to_report("revenue", role, period="7d")},
        {"label": "New customers", "value": capped(day.new_customers), "note": "this week",
         "url": opens and to_list("customer", "sort=newest")},
        {"label": "Vendors", "value": number(day.vendors),
         "url": to_list("vendor", "status=active") if opens else to_report("vendors", role),
         "note": f"in {plural(day.zones, 'time zone')}"},
    ]  # fmt: skip
    vendors = {
        "title": "Vendors that need a look", "all_url": to_list("vendor") if opens else None,
        "rows": [
            *(row for look in day.attention for row in _looks(look, role)),
            *(_jumped(one, role) for one in day.jumps),
        ],
    }  # fmt: skip
    busiest = {
        "title": "Busiest today", "empty": "nobody has a booking today",
        "all_url": to_report("vendors", role), "all_title": "Open report",
        "rows": [_share(share, opens=opens) for share in day.busiest],
    }  # fmt: skip
    return {
        "page_title": head(), "page_hint": f"Figures up to {clock_time(clock.now())}",
        "figures": figures, "vendors": vendors, "side": [busiest],
        "week": week_chart.card(day.week, url=to_report("revenue", role, period="7d")),
        "cards": [] if opens else [_reports(role)],
    }  # fmt: skip


def _reports(role: PanelRole) -> dict[str, Any]:
    """The reports, for who works with figures."""
    return {
        "title": "Reports", "all_url": f"{HERE}/reports", "all_title": "All reports",
        "rows": [
            {"icon": "chart-bar", "title": report.title, "url": to_report(slug, role),
             "sub": report.about}
            for slug, report in for_role(role).items()
        ],
    }  # fmt: skip


def _share(share: market_today.Share, *, opens: bool) -> dict[str, Any]:
    missed = share.no_shows
    return {
        "title": share.name, "url": to_record("vendor", share.vendor_id) if opens else None,
        "sub": plural(missed, "no-show") if missed else "no no-shows",
        "number": plural(share.bookings, "booking"),
    }  # fmt: skip


def _looks(look: Look, role: PanelRole) -> list[dict[str, Any]]:
    """A row for each thing that is wrong."""
    url = to_record("vendor", look.vendor_id) if role is PanelRole.ADMIN else None
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
    url = to_report("lifetime-value", role, **({"vendor": one.vendor_id} if one.vendor_id else {}))
    return {
        "name": one.name or "All vendors", "tone": "warn", "icon": "alert-triangle",
        "url": to_record("vendor", one.vendor_id) if opens and one.vendor_id else None,
        "word": "Scores jumped",
        "figure": moved if abs(change) >= SHARP else "groups of customers moved since the night"
        " before",
        "action": {"title": "Open report", "url": url} if url else None,
    }  # fmt: skip


SHARP = Decimal("0.2")


def _open(slug: str, look: Look, role: PanelRole) -> dict[str, Any] | None:
    url = to_report(slug, role, vendor=look.vendor_id)
    return {"title": "Open report", "url": url} if url else None


WAYS_OUT = {
    "sms": ("message-off", "Texts fail"), "email": ("mail-off", "E-mails fail"),
    "push": ("device-mobile-off", "App messages fail"),
}  # fmt: skip


def _fails(one: Failing) -> dict[str, Any]:
    icon, said = WAYS_OUT.get(one.channel, ("message-off", "Messages fail"))
    query = urlencode({"vendor": one.vendor_id, "status": "failed", "channel": one.channel})
    return {
        "name": one.name, "url": to_record("vendor", one.vendor_id), "tone": "bad", "icon": icon,
        "word": said, "figure": f"{number(one.failed)} of {number(one.of)} in 24 hours",
        "action": {"title": "See messages", "url": to_list("message", query)},
    }  # fmt: skip


def _has_no_hours(one: Hourless) -> dict[str, Any]:
    many = plural(one.people, "person", "people")
    query = urlencode({"vendor": one.vendor_id, "active": "yes", "hours": "none"})
    return {
        "name": one.name, "url": to_record("vendor", one.vendor_id), "tone": "warn",
        "icon": "calendar-off", "word": "No working hours",
        "figure": f"{many} can be booked at any hour",
        "action": {"title": "See people", "url": to_list("staff-member", query)},
    }  # fmt: skip


def admin_page(day: market_today.AdminToday) -> dict[str, Any]:
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
    return to_list(noun, query) if noun else None
