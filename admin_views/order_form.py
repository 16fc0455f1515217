"""The form of an order: lines edited in place, one save for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import anyio.to_thread
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import saving
from admin_views.forms import read_amount, read_whole
from admin_views.loaders import record_id, without_control
from admin_views.lookups import CUSTOMERS, ITEMS
from admin_views.rendering import money, say
from app.database import begin
from app.errors import DomainError
from app.money import decimals_of
from app.operations import orders
from app.operations.lines import MOST_LINES, MOST_PIECES, DraftLine
from app.settings import settings
from app.tenancy import current_actor
from models.orders import LineKind, Order, OrderLine

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
ON = {"item_id": "item", "unit_price": "price", "quantity": "quantity", "discount": "price"}


@dataclass
class Row:
    """A line as it was typed."""

    id: int | None
    item: str
    item_text: str
    quantity: str
    price: str
    draft: DraftLine | None = None
    error: str = ""
    error_on: str = ""

    def refuse(self, sentence: str, on: str) -> None:
        """Note the first thing that is wrong."""
        if not self.error:
            self.error, self.error_on = sentence, on

    def drawn(self) -> dict[str, Any]:
        """The line in the shape of `panel/order_form.html`."""
        return {
            "id": self.id, "item_id": self.item, "item_text": self.item_text,
            "quantity": self.quantity, "price": self.price, "error": self.error,
            "error_on": self.error_on,
        }  # fmt: skip


@dataclass
class OrderForm:
    """What was typed into the form of an order."""

    customer: str = ""
    customer_text: str = ""
    vendor: str = ""
    vendor_text: str = ""
    note: str = ""
    seen: str = ""
    rows: list[Row] = field(default_factory=list)
    place: bool = False
    errors: dict[str, str] = field(default_factory=dict)
    total: Decimal = Decimal(0)

    @property
    def is_wrong(self) -> bool:
        """Whether something needs another look before it is worth saving."""
        return bool(self.errors) or any(row.error for row in self.rows)


def read_posted(form: Any) -> OrderForm:
    """The form as it was posted; what cannot be read is refused at its line."""

    def at(name: str) -> str:
        return without_control(str(form.get(name, ""))).strip()[:10_000]

    many = min(record_id(at("lines-count")) or 0, MOST_LINES + 1)
    rows = [_row(at, n) for n in range(many)]
    read = OrderForm(
        at("customer_id"), at("customer_id_text"), at("vendor_id"), at("vendor_id_text"),
        at("note"), at("seen_version"), [r for r in rows if r], at("save") == "place",
    )  # fmt: skip
    if read.customer_text and not read.customer:
        read.errors["customer"] = "This customer was not chosen: choose one from the list."
    if len(read.note) > 2000:
        read.errors["note"] = "The note is too long: use at most 2,000 characters."
    return read


def _row(at: Any, n: int) -> Row | None:
    parts = {p: at(f"lines-{n}-{p}") for p in ("item", "item_text", "quantity", "unit_price")}
    if not any(parts.values()):
        return None
    return Row(
        record_id(at(f"lines-{n}-id")), parts["item"], parts["item_text"][:200],
        parts["quantity"], parts["unit_price"],
    )  # fmt: skip


def read_lines(session: Session, read: OrderForm, known: Mapping[int, OrderLine]) -> None:
    """Turn the rows into lines; a known line keeps its discount and what was sold."""
    for row in read.rows:
        row.draft = _draft(session, row, known.get(row.id or 0))


def _draft(session: Session, row: Row, line: OrderLine | None) -> DraftLine | None:
    found = ITEMS.find(session, row.item)
    if found is None:
        row.refuse("Nothing was chosen here: choose a service or product from the list.", "item")
    quantity = _read(row, "quantity", lambda: read_whole(row.quantity, 1, MOST_PIECES))
    decimals = decimals_of(settings().currency)
    price = _read(row, "price", lambda: read_amount(row.price, decimals)) if row.price else None
    if row.error or found is None:
        return None
    kind, record = found
    return DraftLine(
        kind=kind,
        item_id=record.id if record is not None else None,
        quantity=quantity or 1,
        unit_price=price,
        discount=line.discount if line is not None else Decimal("0.00"),
        name=row.item_text if kind in (LineKind.FEE, LineKind.TIP) else None,
        id=row.id,
    )


def _read(row: Row, on: str, read: Any) -> Any:
    try:
        return read()
    except ValueError as error:
        row.refuse(str(error), on)
        return None


def stored(session: Session, order: Order) -> OrderForm:
    """The form of a known order."""
    rows = [
        Row(line.id, _item(line), line.name, str(line.quantity), f"{line.unit_price:.2f}")
        for line in order.lines
    ]
    customer = order.customer
    return OrderForm(
        customer=str(order.customer_id or ""),
        customer_text=customer.name if customer else "",
        note=order.note or "",
        seen=order.updated_at.isoformat(),
        rows=rows,
        total=order.total,
    )


def _item(line: OrderLine) -> str:
    number = line.variant_id or line.service_id or line.package_id or line.plan_id
    return f"{line.kind}:{number or ''}"


def _seen(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return NEVER
    return moment if moment.tzinfo else NEVER


def save(view: Any, number: int | None, read: OrderForm) -> saving.Saved:
    """Save the draft, and place it if that was the button; all or nothing."""
    data = {"vendor": read.vendor, "customer": read.customer}
    with saving.writing(Order, number, data) as session:
        order = session.get(Order, number) if number else None
        known = {line.id: line for line in order.lines} if order else {}
        read_lines(session, read, known)
        if read.is_wrong:
            raise DomainError("Some lines need a look.")
        customer = CUSTOMERS.find(session, read.customer) if read.customer else None
        if read.customer and customer is None:
            raise DomainError("This one is not here: choose one from the list.", field="customer")
        saved = orders.save_draft(
            session,
            order_id=number,
            lines=[row.draft for row in read.rows if row.draft],
            customer_id=customer.id if customer else None,
            note=read.note or None,
            seen=_seen(read.seen) if number else None,
            **({"channel": order.channel} if order else {}),  # type: ignore[arg-type]
        )
        if read.place:
            orders.place(session, order_id=saved.id)
        return saving.Saved(saved.id, str(saved))


def note_refusal(read: OrderForm, refusal: DomainError) -> str:
    """Put a refusal at its line or field; answers what is left to say above the form."""
    place = (refusal.field or "").split(".")
    if place[0] == "lines" and len(place) > 1 and place[1].isdigit():
        row = read.rows[min(int(place[1]), len(read.rows) - 1)]
        row.refuse(str(refusal), ON.get(place[-1], "item"))
        return ""
    name = place[0].removesuffix("_id")
    if name in ("customer", "vendor", "note"):
        read.errors[name] = str(refusal)
        return ""
    return str(refusal)


def context_of(view: Any, request: Request, number: int | None, read: OrderForm) -> dict[str, Any]:
    """What `panel/order_form.html` draws."""
    lookup = request.url_for("admin:ajax_lookup", identity=view.identity).path
    home = request.url_for("admin:list", identity=view.identity).path
    here = "create" if number is None else "edit"
    own = {"identity": view.identity} | ({"pk": number} if number else {})
    title = "Edit order" if number else "New order"
    cancel = request.url_for("admin:details", **own).path if number else home
    errors = [{"id": n if n != "note" else "note", "label": n} for n in read.errors]
    errors += [
        {"id": f"line-{i}-{r.error_on or 'item'}", "label": f"line {i + 1}"}
        for i, r in enumerate(read.rows)
        if r.error
    ]
    context: dict[str, Any] = {
        "model_view": view, "form": True, "page_title": title,
        "path": [{"title": view.name_plural, "url": home}, {"title": title}],
        "save_url": request.url_for(f"admin:{here}", **own).path, "cancel_url": cancel,
        "customer": {"id": read.customer, "name": read.customer_text},
        "customer_url": f"{lookup}?name=customer", "customer_optional": True,
        "customer_error": read.errors.get("customer"), "item_url": f"{lookup}?name=item",
        "lines": [row.drawn() for row in read.rows], "note": read.note,
        "note_error": read.errors.get("note"), "seen_version": read.seen,
        "decimals": decimals_of(settings().currency), "total": {"total": money(read.total)},
        "may_place": view.has_permission(request, "move"), "errors": errors,
    }  # fmt: skip
    if number is None and "vendor" in view.form_fields():
        context["vendor_pick"] = {
            "url": f"{lookup}?name=vendor", "value": read.vendor, "text": read.vendor_text,
            "error": read.errors.get("vendor"),
        }  # fmt: skip
    return context


def opened(view: Any, request: Request, number: int | None) -> OrderForm:
    """The form as it is opened: empty, for a customer of the address, or with a known order."""
    with begin() as session:
        if number is not None:
            order = view.loaded(session, number)
            if order is None:
                raise HTTPException(404)
            return stored(session, order)
        given = request.query_params.get("customer", "")
        customer = CUSTOMERS.find(session, given) if given else None
        if customer is None:
            return OrderForm()
        return OrderForm(customer=given, customer_text=customer.name)


async def order_page(view: Any, request: Request, number: int | None) -> Response:
    """Show the form, or save what was typed."""
    template = "panel/order_form.html"
    current_actor()
    if request.method == "GET":
        read = await anyio.to_thread.run_sync(opened, view, request, number)
        context = context_of(view, request, number, read)
        shown: Response = await view.templates.TemplateResponse(request, template, context)
        return shown
    posted = await request.form(max_files=0, max_fields=MOST_LINES * 5 + 50)
    read = read_posted(posted)
    left = ""
    try:
        if read.place and not view.has_permission(request, "move"):
            raise HTTPException(403)
        saved = await anyio.to_thread.run_sync(save, view, number, read)
    except HTTPException:
        raise
    except Exception as error:
        left = note_refusal(read, saving.sentence_of(error))
    else:
        say(request, f"{saved.title} {'placed' if read.place else 'saved'}.")
        url = request.url_for("admin:details", identity=view.identity, pk=saved.id)
        return RedirectResponse(url.path, 303)
    context = {**context_of(view, request, number, read), "error": left or None}
    refused: Response = await view.templates.TemplateResponse(request, template, context, 400)
    return refused
