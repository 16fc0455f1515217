"""Orders on screen: the list, the page with its lines, and the buttons that carry it on."""

from typing import Any

from sqlalchemy import ColumnElement, Select, or_
from sqlalchemy.orm import Session, joinedload, selectinload
from starlette.requests import Request
from starlette.responses import Response

from admin_views.base import declared
from admin_views.details import link_to
from admin_views.filters import Between, OneOf, Related, of_vendor
from admin_views.forms import Pick
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids, record_id
from admin_views.lookups import CUSTOMERS, ITEMS
from admin_views.order_form import order_page
from admin_views.rendering import money
from admin_views.saved_views import SavedViews
from admin_views.saving import Command, Moves
from app.operations import orders
from models.orders import ORDER_TRANSITIONS, Order, OrderStatus
from models.words import Channel


def _moving(verb: Any, to: OrderStatus) -> Moves:
    def run(session: Session, number: int, **words: str) -> None:
        verb(session, order_id=number, **words)

    def when(order: Order) -> bool:
        return to in ORDER_TRANSITIONS[OrderStatus(order.status)]

    return run, when


class OrderView(SavedViews, model=Order):
    """What was sold, to whom, at which price."""

    name, name_plural, icon = "Order", "Orders", "ti ti-receipt"
    category, menu_key, status_kind = "Sales", "o", "order"
    own_form = True
    can_delete = False
    columns = (
        Col("number", "Order", value=str),
        Col("customer", "Customer", value=lambda o: o.customer.name if o.customer else "nobody"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", pill_kind="order", css="c-status"),
        Col("channel", "Channel", value=lambda o: Channel(o.channel)),
        Col("placed_at", "Placed", "moment", sort="placed"),
        Col("total", "Total", "money", numeric=True),
    )
    sorts = declared(
        newest=Sort(Order.id, descending=True), placed=Sort(Order.placed_at, descending=True)
    )
    search_hint = "Search number or customer"
    filters = (
        OneOf("status", "Status", Order.status, icon="circle-dot", words=OrderStatus),
        of_vendor(Order.vendor_id),
        Between("placed", "Placed", Order.placed_at),
        OneOf("channel", "Channel", Order.channel, icon="route", words=Channel),
        Related("customer", "Customer", Order.customer_id, icon="user", lookup=CUSTOMERS),
    )
    loads = (joinedload(Order.customer),)
    details_loads = (joinedload(Order.customer), selectinload(Order.lines))
    details = (
        (
            "Order",
            (
                Col("customer", "Customer", value=lambda o: link_to("customer", o.customer)),
                Col("channel", "Channel", "word"),
                Col("placed_at", "Placed", "moment"),
                Col("fulfilled_at", "Handed over", "moment"),
                Col("completed_at", "Completed", "moment"),
                Col("cancelled_at", "Cancelled", "moment"),
                Col("cancel_reason", "Why it was cancelled"),
                Col("note", "Note"),
            ),
        ),
    )
    fields = declared(customer=Pick("Customer", CUSTOMERS), item=Pick("Item", ITEMS))
    commands = (
        Command(
            "place", "Place order", *_moving(orders.place, OrderStatus.PLACED),
            "The order is placed.", icon="receipt", primary=True,
        ),
        Command(
            "fulfil", "Hand over", *_moving(orders.fulfil, OrderStatus.FULFILLED),
            "Everything is handed over.", icon="package",
        ),
        Command(
            "complete", "Complete", *_moving(orders.complete, OrderStatus.COMPLETED),
            "The order is completed.", icon="circle-check",
        ),
        Command(
            "cancel", "Cancel order", *_moving(orders.cancel, OrderStatus.CANCELLED),
            "The order is cancelled.", icon="circle-x", danger=True,
            ask=("Cancel this order?", "It stays in the list with its number."),
            inputs=(("reason", "Why (optional)"),),
        ),
    )  # fmt: skip

    def may_edit(self, record: Any) -> bool:
        """The lines of a placed order stand."""
        return bool(record.status == OrderStatus.DRAFT)

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By number, or by customer."""
        found: list[ColumnElement[bool]] = [Order.customer_id.in_(customer_ids(session, term))]
        number = record_id(term.removeprefix("#"))
        if number is not None:
            found.append(Order.number == number)
        return rows.where(or_(*found))

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The lines and their sum."""
        columns = [
            ("Item", False), ("Quantity", True), ("Price", True), ("Discount", True),
            ("Total", True),
        ]  # fmt: skip
        rows = [
            [
                ln.name,
                ln.quantity,
                money(ln.unit_price),
                money(ln.discount or None),
                money(ln.total),
            ]
            for ln in record.lines
        ]
        total = ("Total", money(record.total))
        return {"lines": {"title": "Lines", "columns": columns, "rows": rows, "total": total}}

    async def own_page(self, request: Request, number: int | None = None) -> Response:
        """The order with its lines in place."""
        return await order_page(self, request, number)


VIEWS = [OrderView]
