"""Time off on screen: who and when, then what becomes of each booking in the way, then a yes."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import saving
from admin_views.access import allowed, needs
from admin_views.base import HouseView, declared
from admin_views.filters import Between, OneOf, Related, Usually, of_vendor
from admin_views.forms import Choice as OneWord
from admin_views.forms import Pick, Text, WallTime
from admin_views.lists import Col, Sort
from admin_views.loaders import without_control
from admin_views.lookups import ALL_STAFF, STAFF
from admin_views.rendering import moment, plural, say, speaking_in
from admin_views.saving import saving_for, sentence_of, writing
from app import clock
from app.errors import DomainError, NotFound
from app.operations import time_off
from app.operations.decisions import Choice, Do
from app.operations.schedules import Slot, TooLong
from app.operations.time_off import Affected, EndsBeforeItBegins
from app.tenancy import current_actor
from models.schedules import TimeOff, TimeOffKind
from models.staff import StaffMember

BASE = "/admin/time-off"
KINDS = (
    (TimeOffKind.OFF.value, "Time off: nobody is booked then"),
    (TimeOffKind.EXTRA.value, "Extra time: can be booked besides the hours"),
)
SHORT = {TimeOffKind.OFF: "Off", TimeOffKind.EXTRA: "Extra"}
MOST_FIELDS = 1500
LONGEST_REASON = 200


def _who(found: TimeOff) -> str:
    return found.staff_member.name if found.staff_member else "Everybody"


class TimeOffView(HouseView, model=TimeOff):
    """Exceptions: holidays, closures, and days that are worked besides."""

    name, name_plural, icon = "Time off", "Time off", "ti ti-beach"
    category, noun = "Schedule", "time off"
    can_edit = can_delete = False
    own_form = True
    details_template = "panel/noun_details.html"
    columns = (
        Col("who", "Who", value=_who),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("kind", "Kind", value=lambda t: SHORT[TimeOffKind(t.kind)]),
        Col("starts_at", "From", "moment", sort="soonest"),
        Col("ends_at", "Until", "moment"),
        Col("reason", "Why"),
    )
    sorts = declared(
        soonest=Sort(TimeOff.starts_at), latest=Sort(TimeOff.starts_at, descending=True)
    )
    filters = (
        Usually(
            "when", "When", icon="clock", unless=("day_from", "day_to"),
            conditions=(
                ("to_come", "Now and to come", lambda: TimeOff.ends_at > clock.now()),
                ("over", "Over", lambda: TimeOff.ends_at <= clock.now()),
            ),
        ),
        of_vendor(TimeOff.vendor_id),
        Related("staff", "Who", TimeOff.staff_id, icon="id-badge-2", lookup=ALL_STAFF),
        OneOf(
            "kind", "Kind", TimeOff.kind, icon="category",
            words=tuple((kind.value, word) for kind, word in SHORT.items()),
        ),
        Between("day", "Begins", TimeOff.starts_at),
    )  # fmt: skip
    loads = (joinedload(TimeOff.staff_member),)
    details = (
        (
            "Time off",
            (
                Col("who", "Who", value=_who),
                Col("kind", "Kind", value=lambda t: dict(KINDS)[t.kind]),
                Col("starts_at", "From", "moment"),
                Col("ends_at", "Until", "moment"),
                Col("reason", "Why"),
            ),
        ),
    )
    fields = declared(
        staff=Pick("Who", STAFF, hint="Empty: everybody, the house is closed"),
        kind=OneWord("Kind", KINDS, wanted=True, default=TimeOffKind.OFF),
        starts_at=WallTime("From", wanted=True),
        ends_at=WallTime("Until", wanted=True),
        reason=Text(
            "Why", longest=LONGEST_REASON, hint="Customers whose booking is called off are told"
        ),
    )
    empty = declared(
        icon="beach", title="No time off to come",
        text="Take a holiday or close for a day: you see which bookings are in the way, and what"
        " can be done about each, before anything changes.",
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Rita, 24 Nov, 9:00 – 28 Nov, 18:00."""
        return f"{_who(record)}, {moment(record.starts_at)} – {moment(record.ends_at)}"

    # ---- taking it -------------------------------------------------------------------------

    async def own_page(self, request: Request, number: int | None = None) -> Response:
        """Who and when; then every booking in the way with a decision; then all of it."""
        if number is not None:
            raise HTTPException(404)
        if request.method == "GET":
            filled = await self.in_transaction(self.prefill, request)
            form: Any = self.form_of()(data=filled)
            return await self._drawn(request, form, plan=await self._handed_over(form, filled))
        posted = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=20_000)
        form = self.form_of()(posted)
        request.state.field_errors = {}
        if not form.validate():
            return await self._drawn(request, form, DomainError("Some values need a look."))
        try:
            done = await anyio.to_thread.run_sync(partial(self._asked, form.data, posted))
        except HTTPException:
            raise
        except Exception as error:
            return await self._refused(request, form, posted, sentence_of(error))
        if isinstance(done, str):
            say(request, done)
            return RedirectResponse(f"{BASE}/list", 303)
        return await self._drawn(request, form, plan=done)

    def prefill(self, session: Session, request: Request) -> dict[str, Any]:
        """From the address: who, from when, until when, why; what cannot be read is left out."""
        asked, filled = request.query_params, super().prefill(session, request)
        form: Any = self.form_of()()
        for name in ("starts_at", "ends_at"):
            with suppress(ValueError):
                filled[name] = form[name].read(without_control(asked.get(name, "")))
        if why := without_control(asked.get("reason", ""))[:LONGEST_REASON].strip():
            filled["reason"] = why
        if asked.get("staff") and "staff" not in filled:
            filled.pop("ends_at", None)  # nobody is not everybody: it has to be chosen again
        return filled

    async def _handed_over(self, form: Any, filled: Mapping[str, Any]) -> dict[str, Any] | None:
        """What is in the way of a time that came by the address; nothing is taken."""
        if not {"starts_at", "ends_at"} <= filled.keys():
            return None
        return await anyio.to_thread.run_sync(partial(self._again, form.data, FormData()))

    def _asked(self, data: Mapping[str, Any], posted: FormData) -> str | dict[str, Any]:
        """What was done, in a sentence; or the plan with what is in the way."""
        with writing(TimeOff, None, dict(data)) as session:
            context = saving_for(session)
            values = saving.kept_values(self, dict(data), context, None)
            with speaking_in(context.zone):
                if values["kind"] == TimeOffKind.EXTRA:
                    return _extra(session, values)
                if posted.get("save") == "take":
                    return _taken(session, values, posted)
                found = _plan(session, values, posted)
                if found["count"]:
                    return found
                return _taken(session, values, posted, found["seen"])

    async def _refused(
        self, request: Request, form: Any, posted: FormData, refusal: DomainError
    ) -> Response:
        """The form with its refusal, and the plan as it stands now, if there is one."""
        name = (refusal.field or "").removesuffix("_id")
        if name in form:
            request.state.field_errors = {name: [str(refusal)]}
        plan = None
        if posted.get("save") == "take" and name not in form:
            plan = await anyio.to_thread.run_sync(partial(self._again, form.data, posted))
        return await self._drawn(request, form, refusal, plan)

    def _again(self, data: Mapping[str, Any], posted: FormData) -> dict[str, Any] | None:
        try:
            with writing(TimeOff, None, dict(data)) as session:
                context = saving_for(session)
                values = saving.kept_values(self, dict(data), context, None)
                with speaking_in(context.zone):
                    found = _plan(session, values, posted)
        except DomainError:  # the refusal on the page says what is wrong
            return None
        return found if found["count"] else None

    async def _drawn(
        self,
        request: Request,
        form: Any,
        refusal: DomainError | None = None,
        plan: Mapping[str, Any] | None = None,
    ) -> Response:
        noted = any(f.errors for f in form) or getattr(request.state, "field_errors", None)
        context = {
            "model_view": self, "form": form, "plan": plan, "page_title": "Take time off",
            "error": None if refusal is None or noted else str(refusal),
        }  # fmt: skip
        answer: Response = await self.templates.TemplateResponse(
            request, "panel/time_off.html", context, status_code=400 if refusal else 200
        )
        return answer

    # ---- and giving it back ----------------------------------------------------------------

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The way to give it back, with what that does."""
        if not allowed(current_actor().panel_role, "time-off", "give-back"):
            return {}
        many = len(record.changes or ())
        go = "goes back to where it was" if many == 1 else "go back to where they were"
        moved = f"{plural(many, 'booking')} {go}, as far as that can be."
        dialog = {
            "id": "do-give-back", "title": "Give this time back?", "verb": "Give it back",
            "text": moved if many else "It can be booked again at once.",
            "url": f"{BASE}/{record.id}/give-back", "inputs": [], "danger": True, "fields": None,
        }  # fmt: skip
        link = {"title": "Give back", "icon": "arrow-back-up", "danger": True}
        return {"links": [link | {"dialog": dialog["id"]}], "dialogs": [dialog]}

    @expose("/{pk}/give-back", methods=["POST"])
    @needs("give-back")
    async def give_back(self, request: Request) -> Response:
        """The time is free again, and its bookings are as before where that can be."""
        number = self.number(request.path_params["pk"])
        try:
            done = await anyio.to_thread.run_sync(partial(_given_back, number))
        except NotFound:
            raise HTTPException(404) from None
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
            return RedirectResponse(f"{BASE}/details/{number}", 303)
        say(request, done)
        return RedirectResponse(f"{BASE}/list", 303)


# --- what is done -------------------------------------------------------------------------


def _extra(session: Session, values: Mapping[str, Any]) -> str:
    """Time that can be booked besides the hours; nothing can be in its way."""
    if values["ends_at"] <= values["starts_at"]:
        raise EndsBeforeItBegins
    if values["ends_at"] - values["starts_at"] > time_off.LONGEST:
        raise TooLong
    session.add(TimeOff(**values))
    session.flush()  # the verdict of the constraints
    return "This time can be booked besides the hours."


def _taken(
    session: Session, values: Mapping[str, Any], posted: FormData, seen: str | None = None
) -> str:
    decisions = _decided(posted, "booking")
    classes = _decided(posted, "class")
    off = time_off.take(
        session, staff_id=values["staff_id"], starts_at=values["starts_at"],
        ends_at=values["ends_at"], reason=values["reason"], decisions=decisions,
        class_decisions=classes, seen=seen or _text(posted, "shown"),
    )  # fmt: skip
    changed = len(off.changes or ())
    also = f", and {plural(changed, 'booking')} changed" if changed else ""
    return f"The time is off{also}."


def _decided(posted: FormData, noun: str) -> dict[int, Choice]:
    """What becomes of each, by its number: `booking-12` is `move ...`."""
    found = {}
    for name in posted:
        kind, _, number = name.partition("-")
        if kind == noun and number.isascii() and number.isdigit() and len(number) < 19:
            text = _text(posted, name)
            if text:
                found[int(number)] = Choice.read(text)
    return found


def _text(posted: FormData, name: str) -> str:
    return without_control(str(posted.get(name, "")))[:200]


def _given_back(number: int) -> str:
    with writing(TimeOff, number) as session:
        done = time_off.give_back(session, time_off_id=number)
    back = f" {plural(len(done.back), 'booking')} as before." if done.back else ""
    left = f" {plural(len(done.left), 'booking')} left as now." if done.left else ""
    why = f" {done.left[0].why}" if done.left else ""
    return f"The time can be booked again.{back}{left}{why}"


# --- what is in the way -------------------------------------------------------------------


def _plan(session: Session, values: Mapping[str, Any], posted: FormData) -> dict[str, Any]:
    """The bookings and classes in the way, each with what can become of it."""
    found = time_off.preview(
        session, staff_id=values["staff_id"], starts_at=values["starts_at"],
        ends_at=values["ends_at"],
    )  # fmt: skip
    names = _names(session, [*found.bookings, *found.classes])
    lines = [_line(one, names, posted) for one in (*found.bookings, *found.classes)]
    return {"lines": lines, "count": len(lines), "seen": found.seen}


def _names(session: Session, affected: Iterable[Affected]) -> dict[int | None, str]:
    slots = (slot for one in affected for slot in (one.same_person, one.anybody) if slot)
    ids = {slot.staff_id for slot in slots if slot.staff_id is not None}
    rows = session.execute(
        select(StaffMember.id, StaffMember.name).where(StaffMember.id.in_(ids))
    ).all()
    return {row.id: row.name for row in rows}


def _line(one: Affected, names: Mapping[int | None, str], posted: FormData) -> dict[str, Any]:
    is_class = one.class_session is not None
    record: Any = one.class_session or one.booking
    name = f"{'class' if is_class else 'booking'}-{record.id}"
    choices = list(_choices(one, names, is_class=is_class))
    given = _text(posted, name)
    return {
        "name": name, "when": moment(one.starts_at), "title": one.title, "who": one.who,
        "url": f"/admin/{'class-session' if is_class else 'booking'}/details/{record.id}",
        "choices": choices,
        "chosen": given if given in dict(choices) else _best(choices),
    }  # fmt: skip


def _choices(
    one: Affected, names: Mapping[int | None, str], *, is_class: bool
) -> Iterable[tuple[str, str]]:
    """What can become of it, as `(what the form sends, what people read)`; the best first."""
    if Do.STAFF in one.choices:
        for number, name in one.others:
            yield str(Choice(Do.STAFF, number)), f"{name} takes over"
    if Do.MOVE in one.choices:
        slots = [slot for slot in (one.same_person, one.anybody) if slot]
        for slot in dict.fromkeys(slots):
            yield str(Choice(Do.MOVE, slot.staff_id, slot.starts_at)), _moved(slot, names)
    if Do.WAIT in one.choices:
        yield str(Choice(Do.WAIT)), "Call off, and put on the waitlist"
    if Do.CANCEL in one.choices:
        yield str(Choice(Do.CANCEL)), "Call the class off" if is_class else "Call off"
    if Do.KEEP in one.choices:
        yield str(Choice(Do.KEEP)), "Keep it as it is"


def _moved(slot: Slot, names: Mapping[int | None, str]) -> str:
    with_whom = names.get(slot.staff_id, "")
    return f"Move to {moment(slot.starts_at)}" + (f" with {with_whom}" if with_whom else "")


def _best(choices: list[tuple[str, str]]) -> str:
    """What is proposed: somebody else, another time; else nothing is decided for the person."""
    first = choices[0][0] if choices else ""
    return first if first.startswith((Do.STAFF, Do.MOVE)) else ""


VIEWS = [TimeOffView]
