"""My day: today's bookings and what is to be done, closed by a click that says how it went."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqladmin import expose
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import allowed, needs
from admin_views.forms import read_whole
from admin_views.loaders import record_id
from admin_views.own_pages import OneVendor, in_a_vendor, read_fields, stood_in
from admin_views.rendering import capped, day_head, moment, phone, plural, say, speaking_in, word
from admin_views.rendering import clock_time as at_clock
from admin_views.saving import sentence_of, zone_named
from admin_views.tasks import shown_status
from admin_views.user_page import number_of
from app import clock
from app.errors import DomainError, NotFound
from app.operations import tasks
from app.operations.feeds import own_staff_id
from app.operations.zones import zone_of
from app.tenancy import current_actor
from app.transact import in_thread
from models.bookings import Booking
from models.tasks import Task, TaskKind
from reports import my_day

HERE = "/admin/my-day"
WHATS: tuple[tuple[str, str, tuple[TaskKind, ...]], ...] = (
    ("", "Everything", ()),
    ("calls", "Calls", my_day.CALLS),
    ("follow_up", "Follow-ups", (TaskKind.FOLLOW_UP,)),
    ("reminder", "Reminders", (TaskKind.REMINDER,)),
    ("delivery_check", "Delivery checks", (TaskKind.DELIVERY_CHECK,)),
    ("replenishment", "Replenishment", (TaskKind.REPLENISHMENT,)),
)
"""What the tasks can be narrowed to: the word in the address, its title, its kinds."""

STEPS = {
    "pending": ("confirm", "Confirm"),
    "confirmed": ("check-in", "Check in"),
    "checked_in": ("complete", "Complete"),
}


class NoDays(DomainError):
    sentence = "This is no number of days: write one from 1 to 730, or leave it empty."
    field = "again_in_days"


class MyDayView(OneVendor):
    """What one member of staff, or everybody, has to do today."""

    name, icon, identity = "My day", "ti ti-sun", "my-day"
    menu_key = "d"
    whose = "A day's work is one vendor's."

    @expose("/my-day", methods=["GET"], identity="my-day")
    @needs("list")
    @in_a_vendor
    async def my_day(self, request: Request) -> Response:
        """The day's bookings and tasks: `who` (a member of staff, or `all`), `what`."""
        return await self._page(request, request.query_params)

    @expose("/my-day/{task}/done", methods=["POST"], identity="my-day")
    @needs("finish")
    @in_a_vendor
    async def done(self, request: Request) -> Response:
        """A task is done: `outcome` is one of those that are offered, or words of one's own."""
        number, form = number_of(request.path_params["task"]), await read_fields(request, 10)
        try:
            said = await in_thread(_finish, number, form)
        except (NotFound, HTTPException):
            raise HTTPException(404) from None
        except Exception as error:
            refusal = sentence_of(error)
            return await self._page(request, form, (number, form, refusal))
        say(request, said, undo_url=f"{HERE}/{number}/reopen")
        return RedirectResponse(address(form), 303)

    @expose("/my-day/{task}/reopen", methods=["POST"], identity="my-day")
    @needs("finish")
    @in_a_vendor
    async def reopen(self, request: Request) -> Response:
        """What was said is taken back."""
        number, form = number_of(request.path_params["task"]), await read_fields(request, 10)
        return await self.at_once(
            request, address(form), "The task is open again.", tasks.reopen, task_id=number
        )

    async def _page(
        self,
        request: Request,
        query: Mapping[str, str],
        refused: tuple[int, Mapping[str, str], DomainError] | None = None,
    ) -> Response:
        context = await in_thread(page_of, stood_in(), dict(query), refused)
        return await self.page(request, "panel/my_day.html", context, 400 if refused else 200)


def address(query: Mapping[str, str]) -> str:
    """The page as it was looked at."""
    kept = {name: query[name] for name in ("who", "what") if query.get(name)}
    return f"{HERE}?{urlencode(kept)}" if kept else HERE


def _finish(session: Session, number: int, form: Mapping[str, str]) -> str:
    """Done, as it was clicked or written; what there is to say about it."""
    task = session.get(Task, number)
    if task is None:
        raise NotFound
    offered = {one.says: one for one in tasks.OUTCOMES[TaskKind(task.kind)]}
    quick = offered.get(form.get("quick", ""))
    if quick is not None:
        says, again = quick.says, quick.again_in_days
    else:
        says, again = form.get("outcome", ""), _days(form.get("again_in_days", ""))
    tasks.finish(
        session, task_id=number, outcome=says or None, again_in_days=again,
        again=form.get("again") or None,
    )  # fmt: skip
    told = f"Done: {says}." if says else "Done."
    return told if again is None else f"{told} Once more in {plural(again, 'day')}."


def _days(text: str) -> int | None:
    try:
        return read_whole(text, 1, tasks.FURTHEST_DAYS) if text else None
    except ValueError:
        raise NoDays from None


# --- the page -------------------------------------------------------------------------------


def page_of(
    session: Session,
    vendor_id: int,
    query: dict[str, str],
    refused: tuple[int, Mapping[str, str], DomainError] | None = None,
) -> dict[str, Any]:
    """Everything the page shows."""
    own, people = own_staff_id(session), my_day.people(session, vendor_id=vendor_id)
    who = _who(query.get("who", ""), own, {number for number, _ in people})
    what, _, kinds = next((w for w in WHATS if w[0] == query.get("what", "")), WHATS[0])
    zone, now = zone_of(session, vendor_id), clock.now()
    found = my_day.of(session, vendor_id=vendor_id, zone=zone, now=now, staff_id=who, kinds=kinds)
    kept = {"who": "all" if who is None and own is not None else str(who or ""), "what": what}
    moves = allowed(current_actor().panel_role, "my-day", "finish")
    listed = {one.id for one in (*found.tasks, *found.undated)}
    with speaking_in(zone_named(zone)):
        return {
            "page_title": "My day" if who is not None and who == own else "The day",
            "page_hint": day_head(now),
            "figures": _figures(found),
            "people": _people(people, own, who, kept),
            "whats": [
                {"title": title, "url": address(kept | {"what": name}), "on": name == what}
                for name, title, _ in WHATS
            ],
            "bookings": [_booking(one) for one in found.bookings],
            "offers": [_offer(one) for one in found.offers],
            "tasks": [_task(one, now, refused, moves) for one in (*found.tasks, *found.undated)],
            "done": [_done(one, moves) for one in found.done],
            "kept": list(kept.items()),
            "task_url": "/admin/task/create",
            "quick": what == "",
            "error": str(refused[2]) if refused and refused[0] not in listed else "",
        }  # fmt: skip


def _who(asked: str, own: int | None, known: set[int]) -> int | None:
    """Whose day: one's own unless asked otherwise; None is everybody's."""
    number = record_id(asked) if asked else own
    return number if asked != "all" and number in known else None


def _people(
    people: list[tuple[int, str]], own: int | None, who: int | None, kept: dict[str, str]
) -> list[dict[str, Any]]:
    """Me, everybody, and each of the others."""
    mine = [(number, "Me") for number, _ in people if number == own]
    others = [(number, name) for number, name in people if number != own]
    choices: list[tuple[int | None, str]] = [*mine, (None, "Everybody"), *others]
    return [
        {
            "name": title,
            "url": address(kept | {"who": "all" if number is None else str(number)}),
            "active": number == who,
        }
        for number, title in choices
    ]


def _figures(found: my_day.MyDay) -> list[dict[str, Any]]:
    left = sum(one.status in STEPS for one in found.bookings)
    return [
        {"label": "Bookings to come", "value": str(left),
         "note": f"{len(found.bookings) - left} over"},
        {"label": "Overdue", "value": capped(found.overdue), "tone": "bad" if found.overdue else "",
         "note": "should be done by now" if found.overdue else "nothing is late"},
        {"label": "Due today", "value": capped(found.due), "note": "with what is overdue"},
        {"label": "Calls", "value": capped(found.calls), "note": "of what is due"},
        {"label": "Done today", "value": capped(found.finished), "note": "well done"
         if found.finished else "nothing yet"},
    ]  # fmt: skip


def _booking(one: Booking) -> dict[str, Any]:
    may = allowed(current_actor().panel_role, "booking", "move")
    step = STEPS.get(one.status) if may else None
    return {
        **_line(one), "status": one.status,
        "action": step and {"title": step[1], "post": True,
                            "url": f"/admin/booking/do/{one.id}/{step[0]}"},
    }  # fmt: skip


def _offer(one: Booking) -> dict[str, Any]:
    """A time that is held for somebody of the waitlist: the answer is theirs."""
    until = f"offered until {at_clock(one.held_until)}" if one.held_until else ""
    return _line(one, until)


def _line(one: Booking, more: str = "") -> dict[str, Any]:
    staff = one.staff_member.name if one.staff_member else ""
    return {
        "time": at_clock(one.starts_at), "name": one.customer.name,
        "url": f"/admin/booking/details/{one.id}",
        "sub": " · ".join(part for part in (one.service.name, staff, more) if part),
    }  # fmt: skip


def _task(
    one: Task,
    now: datetime,
    refused: tuple[int, Mapping[str, str], DomainError] | None,
    moves: bool,
) -> dict[str, Any]:
    mine = refused if refused is not None and refused[0] == one.id else None
    status = shown_status(one)
    return {
        "id": one.id, "title": one.title, "url": f"/admin/task/details/{one.id}",
        "kind": word(one.kind), "note": one.note, "status": status if status != "open" else None,
        "due": moment(one.due_at) if one.due_at else "no date",
        "customer": _customer(one),
        "who": one.assignee.name if one.assignee else "for nobody yet",
        "order": one.order and {"title": str(one.order),
                                "url": f"/admin/order/details/{one.order_id}"},
        "outcomes": [
            {"says": way.says, "again": way.again_in_days}
            for way in (tasks.OUTCOMES[TaskKind(one.kind)] if moves else ())
        ],
        "done_url": f"{HERE}/{one.id}/done",
        "typed": mine[1] if mine else {},
        "error": str(mine[2]) if mine else "",
        "error_field": (mine[2].field or "outcome") if mine else "",
    }  # fmt: skip


def _customer(one: Task) -> dict[str, Any] | None:
    if one.customer is None:
        return None
    number = one.customer.phone or one.customer.phone_2
    return {
        "name": one.customer.name, "url": f"/admin/customer/details/{one.customer_id}",
        "phone": number, "phone_text": phone(number) if number else "",
    }  # fmt: skip


def _done(one: Task, moves: bool) -> dict[str, Any]:
    who = one.customer.name if one.customer else None
    return {
        "title": one.title, "url": f"/admin/task/details/{one.id}",
        "sub": " · ".join(part for part in (who, one.outcome) if part),
        "at": at_clock(one.done_at) if one.done_at else "",
        "reopen_url": f"{HERE}/{one.id}/reopen" if moves else None,
    }  # fmt: skip


VIEWS = [MyDayView]
