"""The form of an order: lines edited in place, one save for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import anyio.to_thread
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import counter_points, saving
from admin_views.forms import read_amount, read_whole
from admin_views.loaders import record_id, without_control
from admin_views.lookups import BOOKED_ITEMS, COUNTRIES, CUSTOMERS, ITEMS, when_and_whom
from admin_views.rendering import money, say, word
from app.database import begin
from app.errors import DomainError
from app.money import decimals_of
from app.operations import benefits, orders, prices, rewards, uses_for_lines
from app.operations.lines import LONGEST_WHY, MOST_LINES, MOST_PIECES, DraftLine
from app.operations.shipping_methods import ADDRESS, NoWayThere
from app.settings import settings
from app.tenancy import current_actor
from models.bookings import Booking
from models.orders import Handing, LineKind, Order, OrderLine, OrderStatus
from models.shipping import ShippingMethod
from models.vendors import Vendor

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
ON = {
    "item_id": "item", "unit_price": "price", "quantity": "quantity", "discount": "discount",
    "why": "why", "holding_id": "item",
}  # fmt: skip
PARTS = ("item", "item_text", "quantity", "unit_price", "discount", "why")
MOST_REWARDS, MOST_FIELDS = 20, 100
TIMES = "reward-"
NO_REASON = "A discount needs its reason: write why it is cheaper."
AT = {
    "shipping_method": "method", **dict.fromkeys(ADDRESS, "ship_to"), "why": "discount_why",
    **{
        name: name
        for name in (
            "customer", "vendor", "note", "handing", "ship_to", "discount", "codes", "rewards"
        )
    },
}  # fmt: skip
"""At which field of the form a refused field of an order is said."""


@dataclass
class Row:
    """A line as it was typed."""

    id: int | None
    item: str
    item_text: str
    quantity: str
    price: str
    discount: str = ""
    why: str = ""
    hint: str = ""
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
            "quantity": self.quantity, "price": self.price, "discount": self.discount,
            "why": self.why, "hint": self.hint, "error": self.error, "error_on": self.error_on,
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
    key: str = ""
    handing: str = Handing.COUNTER.value
    methods: dict[str, str] = field(default_factory=dict)
    ship_to: dict[str, str] = field(default_factory=dict)
    discount: str = ""
    why: str = ""
    uses: bool = False
    codes: str = ""
    rewards: tuple[str, ...] = ()
    sums: list[tuple[str, str]] = field(default_factory=list)

    @property
    def method(self) -> str:
        """The way of sending that was chosen for how it is handed over."""
        return self.methods.get(self.handing, "")

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
        key=at("request_key"), handing=at("handing") or Handing.COUNTER.value,
        methods={kind: at(f"{kind}_method") for kind in ("delivery", "pickup")},
        ship_to={name: at(f"to_{name}") for name in (*ADDRESS, "country_text")},
        discount=at("discount"), why=at("discount_why"), uses=at("uses") == "y", codes=at("codes"),
    )  # fmt: skip
    _read_rewards(read, form)
    if read.customer_text and not read.customer:
        read.errors["customer"] = "This customer was not chosen: choose one from the list."
    if len(read.note) > 2000:
        read.errors["note"] = "The note is too long: use at most 2,000 characters."
    if read.discount and not read.why:
        read.errors["discount_why"] = NO_REASON
    if read.ship_to["country_text"] and not read.ship_to["country"]:
        read.errors["ship_to"] = "This country was not chosen: choose one from the list."
    return read


def _read_rewards(read: OrderForm, form: Any) -> None:
    """How often each reward is used; the fields are named by the rewards."""
    chosen: list[str] = []
    for name in [name for name in form if name.startswith(TIMES)][:MOST_FIELDS]:
        typed = str(form.get(name, "")).strip()
        try:
            times = read_whole(typed[:9], 0, MOST_REWARDS) if typed else 0
        except ValueError as error:
            read.errors["rewards"] = str(error)
            continue
        chosen += [name.removeprefix(TIMES)[:20]] * times
    read.rewards = tuple(chosen[: MOST_REWARDS + 1])


def _row(at: Any, n: int) -> Row | None:
    parts = {p: at(f"lines-{n}-{p}") for p in PARTS}
    if not any(parts.values()):
        return None
    return Row(
        record_id(at(f"lines-{n}-id")), parts["item"], parts["item_text"][:200],
        parts["quantity"], parts["unit_price"], parts["discount"], parts["why"],
    )  # fmt: skip


def read_lines(session: Session, read: OrderForm, known: Mapping[int, OrderLine]) -> None:
    """Turn the rows into lines; a known line keeps who did it."""
    for row in read.rows:
        row.draft = _draft(session, row, known.get(row.id or 0))


def _draft(session: Session, row: Row, line: OrderLine | None) -> DraftLine | None:
    found = BOOKED_ITEMS.find(session, row.item)
    if found is None:
        row.refuse("Nothing was chosen here: choose a service or product from the list.", "item")
    quantity = _read(row, "quantity", lambda: read_whole(row.quantity, 1, MOST_PIECES))
    price = _amount(row, "price", row.price)
    discount = _amount(row, "discount", row.discount) or prices.NOTHING
    if discount and not row.why:
        row.refuse(NO_REASON, "why")
    if len(row.why) > LONGEST_WHY:
        row.refuse(f"The reason is too long: use at most {LONGEST_WHY} characters.", "why")
    if row.error or found is None:
        return None
    kind, record = found
    booked = record if isinstance(record, Booking) else None
    if booked is not None:
        row.hint = when_and_whom(booked)
    same = line is not None and row.item == _item(line)
    return DraftLine(
        kind=kind,
        item_id=record.id if record is not None and booked is None else None,
        quantity=quantity or 1,
        unit_price=price,
        discount=discount,
        name=row.item_text if kind in BOOKED_ITEMS.BARE else None,
        id=row.id,
        why=row.why or None,
        booking_id=booked.id if booked is not None else None,
        staff_id=line.staff_id if line is not None and same else None,
    )


def _amount(row: Row, on: str, text: str) -> Decimal | None:
    decimals = decimals_of(settings().currency)
    value: Decimal | None = _read(row, on, lambda: read_amount(text, decimals)) if text else None
    return value


def _read(row: Row, on: str, read: Any) -> Any:
    try:
        return read()
    except ValueError as error:
        row.refuse(str(error), on)
        return None


def stored(session: Session, order: Order) -> OrderForm:
    """The form of a known order; the line of its way of sending follows from that."""
    own = [line for line in order.lines if not _follows(line)]
    customer, to = order.customer, order.ship_to or {}
    off, why = prices.order_discount(order.lines)
    asked = benefits.asked(session, order)
    country = to.get("country", "")
    return OrderForm(
        customer=str(order.customer_id or ""),
        customer_text=customer.name if customer else "",
        note=order.note or "",
        seen=order.updated_at.isoformat(),
        rows=[_stored_row(line) for line in own],
        total=order.total,
        handing=order.handing,
        methods={order.handing: str(order.shipping_method_id or "")},
        ship_to={**to, "country_text": COUNTRIES.text(country) if country else ""},
        discount=f"{off:.2f}" if off else "",
        why=why,
        uses=any(ln.holding_id or ln.membership_id for ln in own if ln.kind == LineKind.SERVICE),
        codes=" ".join(asked.codes),
        rewards=tuple(str(number) for number in asked.rewards),
        sums=[("of which tax" if order.includes_tax else "Tax", money(order.tax))],
    )


def _stored_row(line: OrderLine) -> Row:
    off, why = prices.own_discount(line)
    return Row(
        line.id, _item(line), line.name, str(line.quantity), f"{line.unit_price:.2f}",
        f"{off:.2f}" if off else "", why, when_and_whom(line.booking) if line.booking else "",
    )  # fmt: skip


def _follows(line: OrderLine) -> bool:
    of_catalogue = any(prices.steps_of(line, prices.CATALOGUE))
    return line.kind == LineKind.SHIPPING and of_catalogue


def _item(line: OrderLine) -> str:
    if line.booking_id is not None:
        return f"booking:{line.booking_id}"
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
        drafts = [row.draft for row in read.rows if row.draft]
        if read.uses and customer is not None:
            drafts = uses_for_lines.chosen(session, customer_id=customer.id, lines=drafts)
        saved = orders.save_draft(
            session,
            order_id=number,
            lines=drafts,
            customer_id=customer.id if customer else None,
            note=read.note or None,
            seen=_seen(read.seen) if number else None,
            handing=read.handing,
            shipping_method_id=_chosen_method(read),
            ship_to={name: read.ship_to.get(name) for name in ADDRESS},
            discount=_discount(read),
            asked=benefits.Asked(codes=_codes(read), rewards=_rewards(read)),
            request_key=None if number else _key(read.key),
            **({"channel": order.channel} if order else {}),  # type: ignore[arg-type]
        )
        if read.place and saved.status == OrderStatus.DRAFT:  # the same form may come twice
            orders.place(session, order_id=saved.id)
        return saving.Saved(saved.id, str(saved))


def _chosen_method(read: OrderForm) -> int | None:
    if not read.method:
        return None
    number = record_id(read.method)
    if number is None:
        raise NoWayThere
    return number


def _discount(read: OrderForm) -> orders.Discount:
    if not read.discount:
        return orders.Discount()
    try:
        amount = read_amount(read.discount, decimals_of(settings().currency))
    except ValueError as error:
        raise DomainError(str(error), field="discount") from None
    return orders.Discount(amount, read.why)


def _codes(read: OrderForm) -> tuple[str, ...]:
    """The codes that were typed, between blanks or commas."""
    return tuple(read.codes.replace(",", " ").replace(";", " ").split())


def _rewards(read: OrderForm) -> tuple[int, ...]:
    """The rewards that were ticked; what is no number is none of the list."""
    ids = [record_id(one) for one in read.rewards]
    if None in ids:
        raise rewards.RewardRefused
    return tuple(one for one in ids if one is not None)


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def note_refusal(read: OrderForm, refusal: DomainError) -> str:
    """Put a refusal at its line or field; answers what is left to say above the form."""
    place = (refusal.field or "").split(".")
    if place[0] == "lines" and len(place) > 1 and place[1].isdigit() and read.rows:
        row = read.rows[min(int(place[1]), len(read.rows) - 1)]
        row.refuse(str(refusal), ON.get(place[-1], "item"))
        return ""
    name = AT.get(place[0].removesuffix("_id"))
    if name is not None:
        read.errors[name] = str(refusal)
        return ""
    return str(refusal)


ON_PAGE = {"ship_to": "to-line1", "method": "delivery-method", "discount_why": "discount-why"}
SAID = {"ship_to": "address", "method": "way of sending", "discount_why": "reason"}


def _errors(read: OrderForm) -> list[dict[str, str]]:
    """The links of the summary above a refused form."""
    errors = [{"id": ON_PAGE.get(n, n), "label": SAID.get(n, n)} for n in read.errors]
    return errors + [
        {"id": f"line-{i}-{r.error_on or 'item'}", "label": f"line {i + 1}"}
        for i, r in enumerate(read.rows)
        if r.error
    ]


def context_of(
    view: Any, request: Request, number: int | None, read: OrderForm, around: dict[str, Any]
) -> dict[str, Any]:
    """What `panel/order_form.html` draws."""
    lookup = request.url_for("admin:ajax_lookup", identity=view.identity).path
    home = request.url_for("admin:list", identity=view.identity).path
    here = "create" if number is None else "edit"
    own = {"identity": view.identity} | ({"pk": number} if number else {})
    title = "Edit order" if number else "New order"
    cancel = request.url_for("admin:details", **own).path if number else home
    context: dict[str, Any] = {
        "model_view": view, "form": True, "page_title": title,
        "path": [{"title": view.name_plural, "url": home}, {"title": title}],
        "save_url": request.url_for(f"admin:{here}", **own).path, "cancel_url": cancel,
        "customer": {"id": read.customer, "name": read.customer_text},
        "customer_url": f"{lookup}?name=customer", "customer_optional": True,
        "customer_error": read.errors.get("customer"), "item_url": f"{lookup}?name=item",
        "item_of": "customer_id",
        "lines": [row.drawn() for row in read.rows], "note": read.note,
        "note_error": read.errors.get("note"), "seen_version": read.seen,
        "decimals": decimals_of(settings().currency),
        "total": {"total": money(read.total), "rows": read.sums},
        "may_place": view.has_permission(request, "move"), "errors": _errors(read),
        "refused": read.errors, "request_key": read.key, "handing": read.handing,
        "handings": [(h.value, word(h.value)) for h in Handing], "methods": read.methods,
        "to": read.ship_to, "country_url": f"{lookup}?name=country", "discount": read.discount,
        "discount_why": read.why, "codes": read.codes, "used_rewards": read.rewards,
        "uses": read.uses, **around,
    }  # fmt: skip
    if number is None and "vendor" in view.form_fields():
        context["vendor_pick"] = {
            "url": f"{lookup}?name=vendor", "value": read.vendor, "text": read.vendor_text,
            "error": read.errors.get("vendor"),
        }  # fmt: skip
    return context


def around_it(session: Session, number: int | None) -> dict[str, Any]:
    """What the vendor offers for its orders: ways of sending, and whether prices include tax."""
    order = session.get(Order, number) if number else None
    vendor_id = order.vendor_id if order else current_actor().vendor_id
    if vendor_id is None:
        return {"ways": {}, "tax_note": "", "rewards": []}
    kept = order.shipping_method_id if order else None
    known = session.scalars(
        select(ShippingMethod)
        .where(ShippingMethod.vendor_id == vendor_id)
        .order_by(ShippingMethod.name, ShippingMethod.id)
    )
    ways: dict[str, list[tuple[str, str]]] = {}
    for one in known:
        if one.is_active or one.id == kept:
            ways.setdefault(one.kind, []).append((str(one.id), f"{one.name}, {money(one.price)}"))
    includes = (
        order.includes_tax if order else session.get_one(Vendor, vendor_id).prices_include_tax
    )
    note = "Prices include tax" if includes else "Prices are without tax; it is added when saved"
    return {
        "ways": ways, "tax_note": note, "rewards": counter_points.on_offer(session, vendor_id),
    }  # fmt: skip


Opened = tuple[OrderForm, dict[str, Any]]


def opened(view: Any, request: Request, number: int | None) -> Opened:
    """The form as it is opened: for a customer, a booking, an item of the address, or an order."""
    with begin() as session:
        around = around_it(session, number)
        if number is not None:
            order = view.loaded(session, number)
            if order is None:
                raise HTTPException(404)
            return stored(session, order), around
        read = OrderForm(key=str(uuid4()))
        given = request.query_params.get("customer", "")
        customer = CUSTOMERS.find(session, given) if given else None
        if customer is not None:
            read.customer, read.customer_text = given, customer.name
        booked = BOOKED_ITEMS.find(session, f"booking:{request.query_params.get('booking', '')}")
        if booked is not None:
            _charge(read, booked[1])
        _add(session, read, request.query_params.get("item", ""))
        return read, around


def _add(session: Session, read: OrderForm, value: str) -> None:
    """Begin with a line for an item that is sold: `product:12` is a variant's."""
    found = ITEMS.find(session, value)
    if found is None or found[1] is None:
        return
    read.rows.append(Row(None, value, ITEMS.text(found), "1", f"{found[1].price:.2f}"))


def _charge(read: OrderForm, booking: Booking) -> None:
    """Begin with a line for a booking, and with whose it is."""
    read.customer, read.customer_text = str(booking.customer_id), booking.customer.name
    price = f"{booking.price:.2f}"
    row = Row(None, f"booking:{booking.id}", booking.service.name, "1", price)
    row.hint = when_and_whom(booking)
    read.rows.append(row)


def _around(number: int | None) -> dict[str, Any]:
    with begin() as session:
        return around_it(session, number)


async def form_page(view: Any, request: Request, number: int | None) -> Response:
    """Show the form, or save what was typed."""
    template = "panel/order_form.html"
    if request.method == "GET":
        read, around = await anyio.to_thread.run_sync(opened, view, request, number)
        context = context_of(view, request, number, read, around)
        shown: Response = await view.templates.TemplateResponse(request, template, context)
        return shown
    posted = await request.form(max_files=0, max_fields=MOST_LINES * 7 + 50)
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
    around = await anyio.to_thread.run_sync(_around, number)
    context = {**context_of(view, request, number, read, around), "error": left or None}
    refused: Response = await view.templates.TemplateResponse(request, template, context, 400)
    return refused
