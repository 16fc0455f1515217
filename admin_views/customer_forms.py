"""A new customer in ten seconds, and the whole form behind it."""

from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar

import anyio.to_thread
from sqladmin import expose
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from admin_views.access import needs
from admin_views.base import HouseView, declared
from admin_views.customer_commands import Typed, fields
from admin_views.customer_filters import CHANNELS
from admin_views.forms import Choice, Day, Email, Note, Phone, Pick, Saving, Text
from admin_views.loaders import record_id, typed
from admin_views.lookups import ZONES
from admin_views.rendering import phone, plural, say
from admin_views.saving import sentence_of, writing
from app.operations import customers
from app.operations.likeness import Likely, likely_duplicates
from app.tenancy import current_actor
from models.customers import Customer

BASE = "/admin/customer"
QUICK = ("full_name", "phone", "email", "channel", "note")
SURE = 80


class CustomerForms(HouseView):
    """Quick create and the whole form of `CustomerView`."""

    own_form: ClassVar[bool] = True
    fields: ClassVar[Mapping[str, Any]] = declared(
        full_name=Text("Name", longest=200),
        company=Text("Company", longest=200),
        reference=Text("Number elsewhere", longest=100, hint="In another till or program"),
        phone=Phone("Phone"),
        phone_2=Phone("Second phone"),
        email=Email("E-mail"),
        birthday=Day("Born"),
        channel=Choice("How they came", CHANNELS, wanted=True, default="walk_in"),
        locale=Text("Language", longest=10, hint="Such as pt or en-GB"),
        time_zone=Pick("Time zone", ZONES, hint="Empty: the vendor's"),
        note=Note("Note"),
    )
    form_sections = (
        ("Who it is", ("vendor", "full_name", "company", "birthday", "reference")),
        ("How to reach them", ("phone", "phone_2", "email", "locale", "time_zone")),
        ("More", ("channel", "note")),
    )

    async def own_page(self, request: Request, number: int | None = None) -> Response:
        """The short form for somebody new, or all fields where they are asked for."""
        panel: Any = self._admin_ref
        if number is not None:
            return await self.as_response(panel.edit_by_form(request, self, number))
        if "all" in request.query_params:
            if request.method == "POST" and (typed_in := await carried(request)) is not None:
                form = self.form_of()(typed_in)
                request.state.field_errors = {}
                return await self.as_response(
                    panel.form_page(request, self, self.create_template, form)
                )
            return await self.as_response(panel.create_by_form(request, self))
        if request.method == "POST":
            return await self.quick_saved(request)
        return await self.quick_page(request, {"channel": "walk_in"}, {})

    async def as_response(self, page: Awaitable[Response]) -> Response:
        """The page that the panel draws by the declared fields."""
        return await page

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Customer:
        """Take them in by the operation."""
        return customers.register(session, **{k: v for k, v in values.items() if k != "vendor_id"})

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """Write only what differs, by the operation."""
        new = {name: value for name, value in values.items() if getattr(record, name) != value}
        customers.change(session, customer_id=record.id, **new)

    def may_edit(self, record: Any) -> bool:
        """Archived and merged files are restored first."""
        return record.archived_at is None

    # ---- somebody new, quickly -------------------------------------------------------------

    async def quick_page(
        self, request: Request, values: Typed, errors: Mapping[str, str], error: str = ""
    ) -> Response:
        """The short form, with what was typed and who it may be already."""
        same = await self.in_transaction(likely, values) if errors or error else []
        choosing = self.sees_all() and current_actor().vendor_id is None
        context: dict[str, Any] = {
            "save_url": f"{BASE}/create",
            "cancel_url": f"{BASE}/list",
            "duplicates_url": f"{BASE}/duplicates",
            "full_form_url": f"{BASE}/create?all=1",
            "values": values,
            "errors": errors,
            "error": error,
            "channels": CHANNELS,
            "same": same,
        }
        if choosing:
            pick = {"value": values.get("vendor_id", ""), "text": values.get("vendor_id_text", "")}
            context["vendor_pick"] = pick | {"url": f"{BASE}/ajax/lookup?name=vendor"}
        response: Response = await self.templates.TemplateResponse(
            request, "panel/quick_create.html", context, status_code=400 if errors or error else 200
        )
        return response

    async def quick_saved(self, request: Request) -> Response:
        """Take somebody in; asks once when it is surely somebody known."""
        values = await fields(request, *QUICK, "vendor_id", "vendor_id_text", "anyway")
        if not values["anyway"]:
            known = await self.in_transaction(likely, values)
            if any(one["sure"] for one in known):
                error = "Perhaps you know them already: open that one, or save as somebody new."
                return await self.quick_page(request, values, {}, error)
        try:
            number, name = await anyio.to_thread.run_sync(registered, values)
        except HTTPException:
            raise
        except Exception as error:
            refusal = sentence_of(error)
            field = "vendor_id" if refusal.field == "vendor" else refusal.field
            if field in {*QUICK, "vendor_id"}:
                return await self.quick_page(request, values, {field: str(refusal)})
            return await self.quick_page(request, values, {}, str(refusal))
        say(request, f"{name} is saved.")
        return RedirectResponse(f"{BASE}/details/{number}", 303)

    @expose("/duplicates", methods=["GET"])
    @needs("duplicates")
    async def find_duplicates(self, request: Request) -> Response:
        """Who of the vendor's customers this may be, at most five, while it is being typed."""
        names = ("full_name", "phone", "email", "vendor_id")
        asked = {name: typed(request.query_params.get(name)) for name in names}
        return JSONResponse({"results": await self.in_transaction(likely, asked)})


async def carried(request: Request) -> FormData | None:
    """What the short form holds when all fields are asked for, by the names of the whole form."""
    form = await request.form(max_files=0, max_fields=100, max_part_size=200_000)
    if "carry" not in form:
        return None
    named = {"vendor_id": "vendor", "vendor_id_text": "vendor_text"}
    return FormData([(named.get(key, key), value) for key, value in form.multi_items()])


def registered(values: Typed) -> tuple[int, str]:
    """Take somebody in for the vendor that was chosen or stood in."""
    with writing(Customer, None, {"vendor": values["vendor_id"]}) as session:
        typed_in: dict[str, Any] = {name: values[name] or None for name in QUICK}
        made = customers.register(session, **typed_in)
        return made.id, made.name


def likely(session: Session, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Who it may be, as the short form lists them."""
    chosen = current_actor().vendor_id or record_id(values.get("vendor_id"))
    found = likely_duplicates(
        session, vendor_id=chosen, full_name=values.get("full_name"),
        email=values.get("email"), phone=values.get("phone"),
    )  # fmt: skip
    return [_line(one) for one in found]


def _line(one: Likely) -> dict[str, Any]:
    known = one.customer
    reach = phone(known.phone) if known.phone else known.email
    told = [reach if reach != known.name else None, plural(known.visit_count, "visit")]
    return {
        "title": known.name, "url": f"{BASE}/details/{known.id}",
        "sub": " · ".join(t for t in told if t), "why": ", ".join(one.reasons),
        "sure": one.score >= SURE,
    }  # fmt: skip
