"""The first page of a vendor's people: the day's bookings, tasks, orders, and whom to mind."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from admin_views import today_free, week_chart
from admin_views.access import allowed
from admin_views.customer_next import every, likely
from admin_views.rendering import (
    ago,
    capped,
    clock_time,
    initials,
    moment,
    money,
    number,
    phone,
    plural,
)
from admin_views.saving import zone_named
from admin_views.today_parts import HERE, head, to_bookings, to_list, to_record, to_report
from app import clock
from app.tenancy import PanelRole
from models.tasks import TaskKind
from reports import today
from reports.day_counts import Line
from reports.pulse import DAY, LIKELY, SOLD_IN, Seller, Slipping

FOLLOW_UP = "status=pending_follow_up"


def vendor_page(
    day: today.VendorToday, role: PanelRole, free: today_free.Free | None = None
) -> dict[str, Any]:
    """A vendor's day."""
    on = _local_day(day.zone)
    due, here = f"state=todo&due_to={on}", f"day_from={on}&day_to={on}"
    figures = [
        {
            "label": "Bookings today", "value": number(day.bookings),
            "url": to_bookings(on),
            "note": f"{number(day.by_status.get('completed', 0))} completed",
        },
        {
            "label": "Expected today", "value": money(day.expected),
            "note": f"{money(day.taken)} done",
        },
        *([known] if free and (known := today_free.figure(free)) else []),
        {
            "label": "Tasks due", "value": capped(day.tasks_due), "url": to_list("task", due),
            "note": f"{capped(day.tasks_overdue)} overdue" if day.tasks_overdue else "none overdue",
            "tone": "bad" if day.tasks_overdue else "",
        },
        {
            "label": "To confirm", "value": capped(day.to_confirm),
            "url": to_list("booking", f"status=pending&held=no&day_from={on}"),
            "note": "bookings that wait for a yes",
        },
        {
            "label": "New customers", "value": capped(day.new_customers), "note": "this week",
            "url": to_list("customer", "sort=newest"),
        },
    ]  # fmt: skip
    others = "&".join(f"kind={kind}" for kind in TaskKind if kind != TaskKind.DELIVERY_CHECK)
    cards = [
        {
            "title": "Tasks", "count_text": capped(day.others_due),
            "all_url": to_list("task", f"{due}&{others}"), "empty": "nothing is due",
            "rows": [_task(line, role) for line in day.tasks],
        },
        {
            "title": "Orders to hand over", "count_text": capped(day.to_fulfil),
            "all_url": to_list("order", "status=placed"), "empty": "no order waits",
            "rows": [_line(line, "order", "receipt") for line in day.orders],
        },
    ]  # fmt: skip
    side: list[dict[str, Any]] = [
        {
            "title": "To follow up", "count_text": capped(day.to_follow_up),
            "all_url": to_list("customer", FOLLOW_UP), "empty": "nobody waits",
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
        "title": "Now and next", "all_url": to_list("booking", here),
        "rows": [_booking(line, role) for line in day.next_bookings],
    }  # fmt: skip
    return {
        "page_title": head(), "page_hint": today_free.hint(free) if free else "",
        "figures": figures, "now": now, "cards": cards, "side": side,
        "buttons": _buttons(role), "start": _start(role) if day.is_new else None,
        "week": week_chart.card(day.week, url=to_report("revenue", role)) if day.week else None,
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


PAGES = {
    "service": "service", "product": "product", "package": "package",
    "membership": "membership-plan",
}  # fmt: skip


def _best_sellers(sellers: Sequence[Seller], role: PanelRole, on: date) -> dict[str, Any]:
    days = {"from": on - (SOLD_IN - 1) * DAY, "to": on}
    return {
        "title": "Best sellers, 4 weeks", "all_url": to_report("top-items", role, **days),
        "all_title": "Open report",
        "rows": [
            {"title": one.name, "url": to_record(PAGES[one.kind], one.item_id),
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
        "ava": initials(one.name), "title": one.name, "url": to_record("customer", one.customer_id),
        "sub": " · ".join(said), "action": action,
    }  # fmt: skip


def _running_low(day: today.VendorToday) -> dict[str, Any]:
    return {
        "title": "Running low", "count_text": capped(day.running_low),
        "all_url": to_list("variant", "stock=low"),
        "rows": [
            {"title": line.title, "url": to_record("variant", line.id), "sub": line.detail,
             "number": f"{number(int(line.status))} left"}
            for line in day.low
        ],
    }  # fmt: skip


def _to_check(day: today.VendorToday, role: PanelRole, query: str) -> dict[str, Any]:
    """Whether what was sent has come: the way to ask, for who may write to customers."""
    return {
        "title": "Deliveries to check", "count_text": capped(day.checks_due) if day.checks else "",
        "all_url": to_list("task", query), "empty": "no delivery waits to be checked",
        "rows": [_check(line, role) for line in day.checks],
    }  # fmt: skip


def _check(line: Line, role: PanelRole) -> dict[str, Any]:
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
        "all_url": to_list("message", "status=failed"), "empty": "all messages arrived",
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


def _booking(line: Line, role: PanelRole) -> dict[str, Any]:
    step = NEXT.get(line.status) if allowed(role, "booking", "move") else None
    url = f"{HERE}/booking/do/{line.id}/{step[0]}" if step else ""
    return {
        "time": clock_time(line.at), "name": line.title, "url": to_record("booking", line.id),
        "sub": line.detail, "status": line.status,
        "action": {"title": step[1], "url": url, "post": True} if step else None,
    }  # fmt: skip


def _line(line: Line, noun: str, icon: str) -> dict[str, Any]:
    said = " · ".join(part for part in (line.detail, moment(line.at, "")) if part)
    return {
        "icon": icon, "title": line.title, "url": to_record(noun, line.id), "sub": said,
        "status": line.status, "status_kind": noun,
    }  # fmt: skip


def _task(line: Line, role: PanelRole) -> dict[str, Any]:
    shown = _line(line, "task", "checkbox")
    late = line.at is not None and line.at < clock.now()
    done = f"{HERE}/task/do/{line.id}/done" if allowed(role, "task", "move") else None
    return {**shown, "status": "overdue" if late else line.status, "done_url": done}


def _customer(line: Line) -> dict[str, Any]:
    reach = line.detail or ""
    reach = phone(reach) if reach.startswith("+") else reach
    return {
        "ava": initials(line.title), "title": line.title, "url": to_record("customer", line.id),
        "sub": "" if reach == line.title else reach,
    }  # fmt: skip


def _local_day(zone: str) -> date:
    return clock.now().astimezone(zone_named(zone)).date()
