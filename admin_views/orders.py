"""Orders on screen: the list, the page with its lines, and the buttons that carry it on."""

from functools import partial
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views import documents, order_page
from admin_views.access import needs
from admin_views.base import declared
from admin_views.customer_side import may
from admin_views.details import link_to
from admin_views.few import looked_up, one_of
from admin_views.filters import Between, Named, OneOf, Related, VendorDays, of_vendor
from admin_views.forms import Pick
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids, record_id
from admin_views.lookups import BOOKED_ITEMS, COUNTRIES, CUSTOMERS
from admin_views.of_customers import ids_of_customers
from admin_views.order_filters import (
    WithCategory,
    WithCoupon,
    WithItem,
    WithKind,
    with_coupon,
    without_coupon,
)
from admin_views.order_form import form_page
from admin_views.order_money import OVERPAID, OWED, paid_word, till
from admin_views.order_money_commands import OrderMoney
from admin_views.own_pages import read_fields
from admin_views.rendering import say, word
from admin_views.saved_views import SavedViews
from admin_views.saving import Command, Moves, sentence_of, writing
from app.errors import NotFound
from app.operations import orders, unnamed
from models.bookings import Booking
from models.orders import ORDER_TRANSITIONS, Handing, LineKind, Order, OrderLine, OrderStatus
from models.words import Channel


def _moving(verb: Any, to: OrderStatus) -> Moves:
    def run(session: Session, number: int, **words: str) -> None:
        verb(session, order_id=number, **words)

    def when(order: Order) -> bool:
        return to in ORDER_TRANSITIONS[OrderStatus(order.status)]

    return run, when


def _way(order: Order) -> str:
    """How the goods get there, and by which way of sending."""
    method = f", {order.shipping_method}" if order.shipping_method else ""
    return f"{word(order.handing)}{method}"


class OrderView(OrderMoney, SavedViews, model=Order):
    """What was sold, to whom, at which price."""

    name, name_plural, icon = "Order", "Orders", "ti ti-receipt"
    category, menu_key, status_kind = "Sales", "o", "order"
    own_form = True
    can_delete = False
    details_template = "panel/order_page.html"
    columns = (
        Col("number", "Order", value=str),
        Col("customer", "Customer", value=lambda o: o.customer.name if o.customer else "nobody"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", pill_kind="order", css="c-status"),
        Col("payment", "Payment", "pill", pill_kind="money", value=paid_word),
        Col("goods", "Goods", "pill", pill_kind="goods", value=order_page.goods_status),
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
        Named(
            "goods", "Goods", icon="package",
            conditions=(
                (
                    "due", "To hand over",
                    lambda: and_(
                        Order.status == OrderStatus.PLACED, Order.handed_over < Order.pieces
                    ),
                ),
                (
                    "sent", "Under way",
                    lambda: and_(
                        Order.status == OrderStatus.PLACED, Order.handed_over > Order.delivered
                    ),
                ),
            ),
        ),
        Named(
            "payment", "Payment", icon="cash",
            conditions=(
                ("owed", "Still due", lambda: OWED), ("overpaid", "Paid too much", lambda: OVERPAID)
            ),
            indexed=dict.fromkeys(("owed", "overpaid"), (Order.vendor_id, Order.placed_at)),
        ),
        OneOf("handing", "Handing over", Order.handing, icon="truck-delivery", words=Handing,
              open=False, by_itself=True),
        OneOf("channel", "Channel", Order.channel, icon="route", words=Channel, by_itself=True),
        Related("customer", "Customer", Order.customer_id, icon="user", lookup=CUSTOMERS),
        VendorDays(
            "sold", "Handed over", Order.fulfilled_at, icon="package-export", open=False,
            vendor=Order.vendor_id,
        ),
        WithKind("kind", "Sold", icon="list-details", words=LineKind, open=False),
        WithItem("item", "Item", open=False),
        WithCategory("category", "Category", open=False),
        WithCoupon("coupon", "Coupon", open=False),
        Named(
            "coupons", "Coupons", icon="discount", open=False,
            conditions=(
                ("used", "With a coupon", with_coupon), ("none", "Without one", without_coupon),
            ),
        ),
    )  # fmt: skip
    loads = (joinedload(Order.customer),)
    tries = True
    details_loads = (
        joinedload(Order.customer), joinedload(Order.shipping_method),
        selectinload(Order.lines)
        .joinedload(OrderLine.booking)
        .joinedload(Booking.staff_member),
    )  # fmt: skip
    details = (
        (
            "Order",
            (
                Col("customer", "Customer", value=lambda o: link_to("customer", o.customer)),
                Col("reference", "Number elsewhere"),
                Col("channel", "Channel", "word"),
                Col("handing", "Handing over", value=_way),
                Col("ship_to", "Sent to", value=order_page.address),
                Col("placed_at", "Placed", "moment"),
                Col("fulfilled_at", "Handed over", "moment"),
                Col("completed_at", "Completed", "moment"),
                Col("cancelled_at", "Cancelled", "moment"),
                Col("cancel_reason", "Why it was cancelled"),
                Col("note", "Note"),
            ),
        ),
    )
    hides_empty = (
        "reference", "ship_to", "fulfilled_at", "completed_at", "cancelled_at", "cancel_reason",
        "note",
    )  # fmt: skip
    fields = declared(
        customer=Pick("Customer", CUSTOMERS),
        item=Pick("Item", BOOKED_ITEMS),
        country=Pick("Country", COUNTRIES),
    )
    commands = (
        Command(
            "place", "Place order", *_moving(orders.place, OrderStatus.PLACED),
            "The order is placed.", icon="receipt", primary=True,
        ),
        Command(
            "fulfil", "Hand over everything", *_moving(orders.fulfil, OrderStatus.FULFILLED),
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
        *documents.ORDER_COMMANDS,
    )  # fmt: skip

    def may_edit(self, record: Any) -> bool:
        """The lines of a placed order stand."""
        return bool(record.status == OrderStatus.DRAFT)

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By number, here or where it was sold before, or by customer."""
        customers = customer_ids(session, term)
        known: list[ColumnElement[bool]] = [Order.reference == term]
        number = record_id(term.removeprefix("#"))
        if number is not None:
            known.append(Order.number == number)
        queries = [ids_of_customers(Order, customers), *(select(Order.id).where(k) for k in known)]
        ids = looked_up(session, queries)
        if ids is not None:
            return rows.where(one_of(Order.id, ids))
        return rows.where(or_(Order.customer_id.in_(customers), *known))

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The lines and their sums, how far the goods are, shipments, payments."""
        return {
            "sold": order_page.sold(record),
            "goods": order_page.goods_status(record),
            "parcels": order_page.parcels(session, record),
            "related": documents.cards(record),
            "cards": [*_owner(request, record), till(session, request, record)],
        }

    @expose("/{pk}/give", methods=["POST"])
    @needs("move")
    async def give(self, request: Request) -> Response:
        """Say whose a sale without a name was."""
        number, form = self.number(request.path_params["pk"]), await read_fields(request, 20)
        try:
            name = await anyio.to_thread.run_sync(partial(_give, number, form))
        except NotFound:
            raise HTTPException(404) from None
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
        else:
            say(request, f"The sale is {name}'s now.")
        url = request.url_for("admin:details", identity=self.identity, pk=number)
        return RedirectResponse(url.path, 303)

    @expose("/{pk}/pack", methods=["POST"])
    @needs("move")
    async def pack(self, request: Request) -> Response:
        """Put goods together for a shipment."""
        number, form = self.number(request.path_params["pk"]), await read_fields(request)
        try:
            await anyio.to_thread.run_sync(partial(_pack, number, form))
        except NotFound:
            raise HTTPException(404) from None
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
        else:
            say(request, "Packed: hand it over when it leaves.")
        url = request.url_for("admin:details", identity=self.identity, pk=number)
        return RedirectResponse(url.path, 303)

    async def own_page(self, request: Request, number: int | None = None) -> Response:
        """The order with its lines in place."""
        return await form_page(self, request, number)


def _pack(number: int, form: dict[str, str]) -> None:
    with writing(Order, number) as session:
        order_page.pack(session, number, form)


def _owner(request: Request, order: Order) -> list[dict[str, Any]]:
    """The card by which a sale without a name is given to somebody."""
    if order.customer_id is not None or order.status not in unnamed.SOLD:
        return []
    if not may("move", "order"):
        return []
    pick = request.url_for("admin:ajax_lookup", identity="order").path
    return [
        {
            "template": "panel/order_owner.html", "url": f"/admin/order/{order.id}/give",
            "pick": f"{pick}?name=customer",
        }
    ]  # fmt: skip


def _give(number: int, form: dict[str, str]) -> str:
    customer = record_id(form.get("customer", ""))
    with writing(Order, number) as session:
        if customer is None:
            raise unnamed.NotHere
        order = unnamed.give_to(session, order_id=number, customer_id=customer)
        return order.customer.name if order.customer else ""


VIEWS = [OrderView]
