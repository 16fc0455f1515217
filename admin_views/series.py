"""Series on screen: looked at one by one before anything is booked, then changed or ended."""

from collections.abc import Mapping
from datetime import time
from functools import partial
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import saving
from admin_views.access import allowed, needs
from admin_views.base import declared
from admin_views.details import link_to
from admin_views.filters import OneOf, Related, of_vendor
from admin_views.forms import Check, Choice, Clock, Day, Note, Pick, Whole
from admin_views.lists import Col, Sort
from admin_views.loaders import record_id, without_control
from admin_views.lookups import ALL_SERVICES, ALL_STAFF, CUSTOMERS, SERVICES, STAFF
from admin_views.of_customers import OfCustomer, OfCustomersView
from admin_views.own_pages import read_fields
from admin_views.rendering import clock_time, day_head, moment, plural, say, speaking_in
from admin_views.saving import saving_for, sentence_of, writing
from app import clock
from app.errors import DomainError, NotFound
from app.operations import series, series_changes
from app.tenancy import current_actor
from models.booking_series import MOST_OCCURRENCES, BookingSeries, Rhythm
from models.bookings import Booking

BASE = "/admin/booking-series"
RHYTHMS = (
    (Rhythm.WEEK.value, "Every week"),
    (Rhythm.TWO_WEEKS.value, "Every two weeks"),
    (Rhythm.MONTH.value, "Every month"),
)


class NotOne(DomainError):
    sentence = "Choose which one it begins with."
    field = "booking"


class NoClock(DomainError):
    sentence = "This is no time: write it like 15:30."
    field = "starts"


class SeriesView(OfCustomersView, model=BookingSeries):
    """The same booking again and again."""

    name, name_plural, icon = "Series", "Series", "ti ti-repeat"
    category, noun = "Schedule", "series"
    details_template = "panel/series.html"
    can_edit = can_delete = False
    own_form = True
    columns = (
        Col("customer", "Customer", value=lambda s: s.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("service", "Service", value=lambda s: s.service.name),
        Col("staff", "With", value=lambda s: s.staff_member and s.staff_member.name),
        Col("rhythm", "How often", value=lambda s: dict(RHYTHMS)[s.rhythm]),
        Col("occurrences", "Times", "number", numeric=True),
        Col("starts_on", "From", "day"),
        Col("starts", "At", value=lambda s: f"{s.starts:%H:%M}"),
    )
    sorts = declared(newest=Sort(BookingSeries.id, descending=True))
    filters = (
        of_vendor(BookingSeries.vendor_id),
        OfCustomer("customer", "Customer", BookingSeries),
        Related("service", "Service", BookingSeries.service_id, lookup=ALL_SERVICES),
        Related("staff", "With", BookingSeries.staff_id, lookup=ALL_STAFF),
        OneOf("rhythm", "How often", BookingSeries.rhythm, icon="repeat", words=RHYTHMS),
    )
    loads = (
        joinedload(BookingSeries.customer),
        joinedload(BookingSeries.service),
        joinedload(BookingSeries.staff_member),
    )
    details = (
        (
            "Series",
            (
                Col("customer", "Customer", value=lambda s: link_to("customer", s.customer)),
                Col("service", "Service", value=lambda s: link_to("service", s.service)),
                Col("staff", "With", value=lambda s: s.staff_member and s.staff_member.name),
                Col("rhythm", "How often", value=lambda s: dict(RHYTHMS)[s.rhythm]),
                Col("starts_on", "From", "day"),
                Col("starts", "At", value=lambda s: f"{s.starts:%H:%M}"),
            ),
        ),
    )
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        service=Pick("Service", SERVICES, wanted=True),
        staff=Pick("With", STAFF, hint="Empty: nobody in particular"),
        rhythm=Choice("How often", RHYTHMS, wanted=True, default=Rhythm.WEEK),
        occurrences=Whole("How many times", low=1, high=MOST_OCCURRENCES, wanted=True, default=10),
        starts_on=Day("First day", wanted=True),
        starts=Clock("At", wanted=True, hint="The local hour; it stays when the clocks change"),
        use=Check(
            "A package or membership pays", default=False,
            hint="For as many of them as it is enough for; the others are paid",
        ),
        note=Note("Note"),
    )  # fmt: skip
    form_sections = (
        ("Who and what", ("customer", "service", "staff", "use")),
        ("When", ("rhythm", "occurrences", "starts_on", "starts")),
    )
    empty = declared(
        icon="repeat", title="No series yet",
        text="Book the same thing every week, two weeks or month; you see every one of them, and"
        " what is in its way, before anything is booked.",
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Haircut for Ana Alves."""
        return f"{record.service.name} for {record.customer.name}"

    def rows(self, session: Session) -> Select[Any]:
        """Every series."""
        return select(BookingSeries)

    # ---- a new one -------------------------------------------------------------------------

    async def own_page(self, request: Request, number: int | None = None) -> Response:
        """The form; then every occurrence with what is in its way; then all of it, or nothing."""
        if number is not None:
            raise HTTPException(404)
        if request.method == "GET":
            filled = await self.in_transaction(self.prefill, request)
            return await self._drawn(request, self.form_of()(data=filled))
        posted = await request.form(max_files=0, max_fields=200, max_part_size=20_000)
        form: Any = self.form_of()(posted)
        request.state.field_errors = {}
        if not form.validate():
            return await self._drawn(request, form, DomainError("Some values need a look."))
        books = posted.get("save") == "book"
        fixes = _fixes(posted) if books else {}
        try:
            done = await anyio.to_thread.run_sync(
                partial(self._asked, form.data, fixes, books=books)
            )
        except HTTPException:
            raise
        except Exception as error:
            return await self._refused(request, form, sentence_of(error), fixes)
        if isinstance(done, int):
            say(request, "The series is booked.")
            return RedirectResponse(f"{BASE}/details/{done}", 303)
        return await self._drawn(request, form, found=done)

    def _asked(
        self, data: Mapping[str, Any], fixes: Mapping[int, str], *, books: bool
    ) -> int | list[dict[str, Any]]:
        """The number of the series that was booked; or its preview, in the vendor's time."""
        with writing(BookingSeries, None, dict(data)) as session:
            context = saving_for(session)
            values = saving.kept_values(self, dict(data), context, None)
            note, use = values.pop("note", None), bool(values.pop("use", False))
            if books:
                return series.begin(session, **values, fixes=fixes, note=note, use=use).id
            with speaking_in(context.zone):
                return [_line(one, fixes) for one in series.preview(session, **values)]

    async def _refused(
        self, request: Request, form: Any, refusal: DomainError, fixes: Mapping[int, str]
    ) -> Response:
        """The form with its refusal; with the preview, if that still can be made."""
        found: Any = None
        name = (refusal.field or "").removesuffix("_id")
        if name in form:
            request.state.field_errors = {name: [str(refusal)]}
        try:
            found = await anyio.to_thread.run_sync(
                partial(self._asked, form.data, fixes, books=False)
            )
        except DomainError:  # the form itself says what is wrong
            found = None
        return await self._drawn(request, form, refusal, found=found)

    async def _drawn(
        self,
        request: Request,
        form: Any,
        refusal: DomainError | None = None,
        found: list[dict[str, Any]] | None = None,
    ) -> Response:
        noted = any(f.errors for f in form) or getattr(request.state, "field_errors", None)
        clashes = sum(bool(one["conflict"]) for one in found or ())
        context = {
            "model_view": self, "form": form, "found": found, "clashes": clashes,
            "error": None if refusal is None or noted else str(refusal),
            "summary": _summary(found, clashes) if found else "",
        }  # fmt: skip
        answer: Response = await self.templates.TemplateResponse(
            request, "panel/series_new.html", context, status_code=400 if refusal else 200
        )
        return answer

    # ---- one that is there -----------------------------------------------------------------

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Every booking of it, and the forms that change or end it from one of them on."""
        found = session.scalars(
            select(Booking)
            .where(Booking.vendor_id == record.vendor_id, Booking.series_id == record.id)
            .options(joinedload(Booking.staff_member))
            .order_by(Booking.series_number)
        ).all()
        kept: Mapping[str, Any] = getattr(request.state, "series_form", None) or {}
        open_now = [b for b in found if b.starts_at > clock.now() and b.status in OPEN]
        moves = allowed(current_actor().panel_role, "booking-series", "move")
        return {
            "of_it": [_booked(one) for one in found],
            "open": [(b.id, f"{b.series_number}: {moment(b.starts_at)}") for b in open_now],
            "chosen": record_id(request.query_params.get("booking")) or "",
            "moves": moves and bool(open_now),
            "base": f"{BASE}/{record.id}",
            "staff_url": f"{BASE}/ajax/lookup?name=staff",
            "typed": kept.get("typed", {}),
            "errors": kept.get("errors", {}),
            "problem": kept.get("error", ""),
            "failed": kept.get("do", ""),
        }

    @expose("/{pk}/change", methods=["POST"])
    @needs("move")
    async def change(self, request: Request) -> Response:
        """Another hour or person for one of them, or for it and the following."""
        return await self._of_one(request, "change", _change)

    @expose("/{pk}/end", methods=["POST"])
    @needs("move")
    async def end(self, request: Request) -> Response:
        """Cancel one of them, or it and the following."""
        return await self._of_one(request, "end", _end)

    async def _of_one(self, request: Request, do: str, run: Any) -> Response:
        number, form = self.number(request.path_params["pk"]), await read_fields(request, 20)
        try:
            done = await anyio.to_thread.run_sync(partial(run, number, form))
        except NotFound:
            raise HTTPException(404) from None
        except HTTPException:
            raise
        except Exception as error:
            return await self._again(request, do, form, sentence_of(error))
        say(request, done)
        return RedirectResponse(f"{BASE}/details/{number}", 303)

    async def _again(
        self, request: Request, do: str, form: Mapping[str, str], refusal: DomainError
    ) -> Response:
        name = (refusal.field or "").removesuffix("_id")
        errors = {name: str(refusal)} if name in ("booking", "starts", "staff", "scope") else {}
        request.state.series_form = {
            "do": do, "typed": form, "errors": errors, "error": "" if errors else str(refusal),
        }  # fmt: skip
        context = await self.details_context(request)
        model = await self.get_object_for_details(request)
        answer: Response = await self.templates.TemplateResponse(
            request,
            self.details_template,
            {**context, "model_view": self, "model": model},
            status_code=400,
        )
        return answer


OPEN = series_changes.STILL_TO_COME


def _fixes(posted: FormData) -> dict[int, str]:
    """Which way out was chosen, by number."""
    fixes = {}
    for number in range(1, MOST_OCCURRENCES + 1):
        value = without_control(str(posted.get(f"fix-{number}", "")))[:40]
        if value:
            fixes[number] = value
    return fixes


def _line(one: series.Occurrence, fixes: Mapping[int, str]) -> dict[str, Any]:
    chosen = fixes.get(one.number, one.fixes[0].key if one.fixes else "")
    return {
        "number": one.number, "day": day_head(one.starts_at), "time": clock_time(one.starts_at),
        "note": one.note, "conflict": one.conflict,
        "fixes": [(fix.key, fix.says) for fix in one.fixes], "chosen": chosen,
    }  # fmt: skip


def _summary(found: list[dict[str, Any]], clashes: int) -> str:
    if not clashes:
        return f"All {len(found)} can be booked." if len(found) > 1 else "It can be booked."
    are = "is" if clashes == 1 else "are"
    return f"{clashes} of {len(found)} {are} in the way: choose what to do about each."


def _booked(one: Booking) -> dict[str, Any]:
    return {
        "number": one.series_number, "when": moment(one.starts_at), "status": one.status,
        "url": f"/admin/booking/details/{one.id}",
        "with": one.staff_member.name if one.staff_member else "",
    }  # fmt: skip


def _one_of(session: Session, number: int, form: Mapping[str, str]) -> int:
    """The booking that was chosen, which is of this series."""
    found = record_id(form.get("booking", ""))
    booking = session.get(Booking, found) if found else None
    if booking is None or booking.series_id != number:
        raise NotOne
    return booking.id


def _hour(text: str) -> time | None:
    if not text:
        return None
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise NoClock from None


def _change(number: int, form: Mapping[str, str]) -> str:
    with writing(BookingSeries, number) as session:
        staff = STAFF.find(session, form["staff"]) if form.get("staff") else None
        if form.get("staff") and staff is None:
            raise DomainError("This one is not here: choose one from the list.", field="staff")
        done = series.change(
            session, booking_id=_one_of(session, number, form), scope=form.get("scope", ""),
            starts=_hour(form.get("starts", "")), staff_id=staff.id if staff else None,
        )  # fmt: skip
        return f"{plural(len(done), 'booking')} changed."


def _end(number: int, form: Mapping[str, str]) -> str:
    with writing(BookingSeries, number) as session:
        done = series.end(
            session, booking_id=_one_of(session, number, form), scope=form.get("scope", ""),
            by=form.get("by", ""), reason=form.get("reason") or None,
        )  # fmt: skip
        return f"{plural(len(done), 'booking')} cancelled."


VIEWS = [SeriesView]
