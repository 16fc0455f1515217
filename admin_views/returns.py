"""Returns on screen: what is to come, received with its condition, settled with money or goods."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy import ColumnElement, Select, or_
from sqlalchemy.orm import Session, joinedload, selectinload
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import allowed, needs
from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import Between, OneOf, of_vendor
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids, record_id
from admin_views.order_money import BACK, amount_text
from admin_views.order_money_commands import amount_of, by_line, pieces_of, refused
from admin_views.own_pages import read_fields
from admin_views.rendering import money, plural, say, word
from admin_views.saving import Command, sentence_of, writing
from app.errors import DomainError, NotFound
from app.operations import returns
from app.tenancy import current_actor
from models.orders import Order
from models.payments import Tender
from models.returns import (
    RETURN_TRANSITIONS,
    Condition,
    Disposition,
    ProductReturn,
    Resolution,
    ReturnLine,
    ReturnStatus,
)

BASE = "/admin/product-return"
CONDITIONS = tuple((c.value, word(c)) for c in Condition)
DISPOSITIONS = (
    (Disposition.RESTOCK.value, "Back on the shelf"), (Disposition.SCRAP.value, "Thrown away"),
    (Disposition.SUPPLIER.value, "To the supplier"),
    (Disposition.CUSTOMER.value, "Back to the customer"),
)  # fmt: skip
RESOLUTIONS = (
    (Resolution.REFUND.value, "Money back"), (Resolution.CREDIT.value, "Store credit"),
    (Resolution.REPLACEMENT.value, "New goods"), (Resolution.REPAIR.value, "Repair"),
    (Resolution.NOTHING.value, "Nothing"),
)  # fmt: skip
Form = Mapping[str, str]


def _cancel(session: Session, number: int, reason: str = "") -> None:
    returns.cancel(session, return_id=number, reason=reason)


def _can_become(record: ProductReturn, to: ReturnStatus) -> bool:
    return to in RETURN_TRANSITIONS[ReturnStatus(record.status)]


class ReturnView(HouseView, model=ProductReturn):
    """What customers give back."""

    name, name_plural, icon = "Return", "Returns", "ti ti-arrow-back-up"
    category, status_kind = "Sales", "return"
    details_template = "panel/return.html"
    can_create = can_edit = can_delete = False
    hint = "Written down on the page of an order"
    columns = (
        Col("number", "Return", value=str),
        Col("order", "Order", value=lambda r: str(r.order)),
        Col("customer", "Customer", value=lambda r: r.order.customer and r.order.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", pill_kind="return", css="c-status"),
        Col("asked_at", "Asked", "moment"),
        Col("settled_at", "Settled", "moment"),
    )
    sorts = declared(newest=Sort(ProductReturn.id, descending=True))
    search_hint = "Search number or customer"
    filters = (
        OneOf("status", "Status", ProductReturn.status, icon="circle-dot", words=ReturnStatus),
        of_vendor(ProductReturn.vendor_id),
        Between("asked", "Asked", ProductReturn.asked_at),
    )
    loads = (joinedload(ProductReturn.order).joinedload(Order.customer),)
    details_loads = (
        *loads, selectinload(ProductReturn.lines).joinedload(ReturnLine.order_line),
    )  # fmt: skip
    details = (
        (
            "Return",
            (
                Col("order", "Order", value=lambda r: link_to("order", r.order)),
                Col("customer", "Customer", value=lambda r: link_to("customer", r.order.customer)),
                Col("asked_at", "Asked", "moment"),
                Col("received_at", "Received", "moment"),
                Col("settled_at", "Settled", "moment"),
                Col("cancelled_at", "Cancelled", "moment"),
                Col("cancel_reason", "Why it was cancelled"),
                Col("note", "Note"),
            ),
        ),
    )
    hides_empty = (
        "customer", "received_at", "settled_at", "cancelled_at", "cancel_reason", "note",
    )  # fmt: skip
    commands = (
        Command(
            "cancel", "Cancel return", _cancel,
            lambda record: _can_become(record, ReturnStatus.CANCELLED),
            "The return is cancelled.", icon="circle-x", danger=True,
            ask=("Cancel this return?", "It stays in the list with its number."),
            inputs=(("reason", "Why (optional)"),),
        ),
    )  # fmt: skip
    empty = declared(
        icon="arrow-back-up", title="Nothing came back yet",
        text="When a customer wants to give something back, open the order and write it down.",
    )  # fmt: skip

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By number, or by customer."""
        of_customers = Order.customer_id.in_(customer_ids(session, term))
        found: list[ColumnElement[bool]] = [ProductReturn.order.has(of_customers)]
        number = record_id(term.removeprefix("#"))
        if number is not None:
            found.append(ProductReturn.number == number)
        return rows.where(or_(*found))

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The goods, and the form of the step that comes next."""
        role = current_actor().panel_role
        comes = _can_become(record, ReturnStatus.RECEIVED)
        settles = _can_become(record, ReturnStatus.SETTLED)
        worth = returns.worth_of(session, record, record.order) if settles else {}
        asked: Mapping[str, Any] = getattr(request.state, "order_dialog", None) or {}
        has_customer = record.order.customer_id is not None
        return {
            "base": f"{BASE}/{record.id}",
            "goods": [_line(line, worth.get(line.id)) for line in record.lines],
            "receives": comes and allowed(role, "product-return", "receive"),
            "settles": settles and allowed(role, "product-return", "settle"),
            "conditions": [("", "Choose"), *CONDITIONS],
            "dispositions": [("", "Choose"), *DISPOSITIONS],
            "resolutions": [
                way for way in RESOLUTIONS if way[0] != Resolution.CREDIT or has_customer
            ],
            "ways": [way for way in BACK if way[0] != Tender.STORE_CREDIT],
            "asked": asked,
        }

    @expose("/{pk}/receive", methods=["POST"])
    @needs("receive")
    async def receive(self, request: Request) -> Response:
        """The goods are here."""

        def change(session: Session, number: int, form: Form) -> str:
            pieces = by_line(form, "line", pieces_of)
            came = {
                line_id: returns.Came(
                    count,
                    _one_of(Condition, form.get(f"condition-{line_id}")),
                    _one_of(Disposition, form.get(f"disposition-{line_id}")),
                )
                for line_id, count in pieces.items()
            }
            returns.receive(session, return_id=number, lines=came)
            return f"{plural(sum(pieces.values()), 'piece')} came back."

        return await self.done(request, "receive", change)

    @expose("/{pk}/settle", methods=["POST"])
    @needs("settle")
    async def settle(self, request: Request) -> Response:
        """What the customer gets."""

        def change(session: Session, number: int, form: Form) -> str:
            chosen = by_line(form, "resolution", lambda f, name: _one_of(Resolution, f[name]))
            settled = {
                line_id: returns.Settled(way, amount_of(form, f"line-{line_id}"))
                for line_id, way in chosen.items()
            }
            back = returns.settle(
                session, return_id=number, lines=settled, tender=_tender(form.get("tender"))
            )
            given = sum((line.refund or Decimal(0) for line in back.lines), Decimal(0))
            told = f" {money(given)} is given back." if given else ""
            return f"{back} is settled.{told}"

        return await self.done(request, "settle", change)

    async def done(
        self, request: Request, step: str, change: Callable[[Session, int, Form], str]
    ) -> Response:
        """Do it and say so; refused, the form stays with what was typed."""
        form, number = await read_fields(request, 3000), self.number(request.path_params["pk"])

        def run() -> str:
            with writing(ProductReturn, number) as session:
                return change(session, number, form)

        try:
            sentence = await anyio.to_thread.run_sync(run)
        except NotFound:
            raise HTTPException(404) from None
        except HTTPException:
            raise
        except Exception as error:
            return await self._again(request, refused(step, form, sentence_of(error)))
        say(request, sentence)
        return RedirectResponse(f"{BASE}/details/{number}", 303)

    async def _again(self, request: Request, asked: Mapping[str, Any]) -> Response:
        request.state.order_dialog = asked
        context = await self.details_context(request)
        model = await self.get_object_for_details(request)
        context = {**context, "model_view": self, "model": model}
        answer: Response = await self.templates.TemplateResponse(
            request, self.details_template, context, status_code=400
        )
        return answer


def _line(line: ReturnLine, worth: Decimal | None) -> dict[str, Any]:
    told = dict(DISPOSITIONS).get(line.disposition or "")
    settled = dict(RESOLUTIONS).get(line.resolution or "")
    return {
        "id": line.id, "name": line.order_line.name, "reason": line.reason,
        "quantity": line.quantity, "received": line.received,
        "condition": word(line.condition) if line.condition else None, "disposition": told,
        "settled": settled, "refund": money(line.refund) if line.refund else None,
        "worth": amount_text(worth) if worth is not None else "",
    }  # fmt: skip


def _one_of(words: Any, text: str | None) -> Any:
    """A word of a list; None for nothing. Another word is no choice of ours."""
    if not text:
        return None
    found = next((one for one in words if one == text), None)
    if found is None:
        raise DomainError("This is no choice: choose one of the list.")
    return found


def _tender(text: str | None) -> Tender | None:
    found: Tender | None = _one_of(Tender, text)
    return found


VIEWS = [ReturnView]
