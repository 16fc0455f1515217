"""The counter: one screen, drawn by its scripts; what it asks and sends is JSON."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import orjson
from babel.numbers import get_decimal_symbol, get_group_symbol
from sqladmin import expose
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from admin_views import counter_data as data
from admin_views import counter_points
from admin_views.access import allowed, needs
from admin_views.calendar import answering
from admin_views.calendar_page import everyone
from admin_views.counter_typed import Asked, key_of, number_of, read
from admin_views.own_pages import OneVendor, in_a_vendor, stood_in
from app import documents
from app.errors import NotAllowed
from app.money import decimals_of
from app.operations import benefits, counter, parking
from app.settings import settings
from app.tenancy import current_actor
from app.transact import in_thread_planned

HERE = "/admin/counter"


class CounterView(OneVendor):
    """Everything that is sold over the counter, by the keyboard alone if one likes."""

    name, icon, identity = "Counter", "ti ti-cash-register", "counter"
    menu_key = "k"
    whose = "A counter is one vendor's."

    @expose("/counter", methods=["GET"], identity="counter")
    @needs("list")
    @in_a_vendor
    async def counter(self, request: Request) -> Response:
        """The page, for the customer of the address; the marketplace first chooses a vendor."""
        who = request.query_params.get("customer", "")
        context = await in_thread_planned(_page, vendor_id=stood_in(), who=who)
        return await self.page(request, "panel/counter.html", context)

    @expose("/counter/find", methods=["GET"], identity="counter")
    @needs("sell")
    @answering(400)
    async def find(self, request: Request) -> Any:
        """Items by barcode, sku or name."""
        stood_in()
        term = request.query_params.get("term", "")
        return await in_thread_planned(data.found, term=term)

    @expose("/counter/customers", methods=["GET"], identity="counter")
    @needs("sell")
    @answering(400)
    async def customers(self, request: Request) -> Any:
        """Customers by phone or name."""
        stood_in()
        term = request.query_params.get("term", "")
        return await in_thread_planned(data.customers, term=term)

    @expose("/counter/bookings", methods=["GET"], identity="counter")
    @needs("sell")
    @answering(400)
    async def bookings(self, request: Request) -> Any:
        """Today's bookings that nobody has paid for here yet."""
        return await in_thread_planned(data.bookings, vendor_id=stood_in())

    @expose("/counter/parked", methods=["GET"], identity="counter")
    @needs("sell")
    @answering(400)
    async def parked(self, request: Request) -> Any:
        """What is put aside."""
        stood_in()
        return await in_thread_planned(data.parked)

    @expose("/counter/rewards", methods=["GET"], identity="counter")
    @needs("sell")
    @answering(400)
    async def rewards(self, request: Request) -> Any:
        """What a customer's points come to, and what they buy."""
        stood_in()
        named = request.query_params.get("customer", "")
        return await in_thread_planned(counter_points.of_customer, named=named)

    @expose("/counter/quote", methods=["POST"], identity="counter")
    @needs("sell")
    @answering(409)
    async def quote(self, request: Request) -> Any:
        """What the sale comes to, with its taxes."""
        return await _of_the_sale(request, data.quoted)

    @expose("/counter/sell", methods=["POST"], identity="counter")
    @needs("sell")
    @answering(409)
    async def sell(self, request: Request) -> Any:
        """Sell it all, or nothing of it; the same key again answers with the same sale."""
        return await _of_the_sale(request, _sell)

    @expose("/counter/park", methods=["POST"], identity="counter")
    @needs("sell")
    @answering(409)
    async def park(self, request: Request) -> Any:
        """Put the sale aside."""
        return await _of_the_sale(request, _park)

    @expose("/counter/take-up", methods=["POST"], identity="counter")
    @needs("sell")
    @answering(409)
    async def take_up(self, request: Request) -> Any:
        """Go on with a sale that was put aside."""
        stood_in()
        number = number_of(await request.body(), "order")
        return await in_thread_planned(_take_up, number=number)

    @expose("/counter/discard", methods=["POST"], identity="counter")
    @needs("sell")
    @answering(409)
    async def discard(self, request: Request) -> Any:
        """Give up what was put aside before."""
        stood_in()
        key = key_of(await request.body())
        return await in_thread_planned(_discard, key=key)


def _page(session: Session, *, vendor_id: int, who: str) -> dict[str, Any]:
    role, locale = current_actor().panel_role, settings().locale
    config = {
        "here": HERE, "vendor": vendor_id, "key": str(uuid4()),
        "currency": settings().currency, "decimals": decimals_of(settings().currency),
        "staff": [{"id": p["id"], "name": p["name"]} for p in everyone(session, vendor_id)],
        "point": get_decimal_symbol(locale), "group": get_group_symbol(locale),
        "customer": data.known_customer(session, who) if who else None,
        "mails": settings().sends_mail and allowed(role, "invoice", "send"),
    }  # fmt: skip
    return {
        "page_title": "Counter", "narrow": True, "tiles": data.tiles(session, vendor_id),
        "config": orjson.dumps(config).decode(), "mails": config["mails"],
    }  # fmt: skip


Done = Callable[[Session, Asked], dict[str, Any]]


async def _of_the_sale(request: Request, do: Done) -> dict[str, Any]:
    """Read the sale that a till sends, and do this with it, in one transaction."""
    stood_in()
    asked = read(await request.body())
    reduced = asked.off, *(line.off for line in asked.lines)
    if any(one.amount or one.percent for one in reduced):
        _check_discounts()
    return await in_thread_planned(do, asked)


def _check_discounts() -> None:
    """Who may write an order may say what is taken off it."""
    if not allowed(current_actor().panel_role, "order", "create"):
        raise NotAllowed


def _sell(session: Session, asked: Asked) -> dict[str, Any]:
    sale = counter.sell(
        session, request_key=asked.key, lines=asked.lines, buyer=asked.buyer, paid=asked.paid,
        off=asked.off, owing=asked.owing, press=documents.press(session), mail_to=asked.mail_to,
        asked=asked.use,
    )  # fmt: skip
    return {"sale": data.sold(sale), "key": str(uuid4())}


def _park(session: Session, asked: Asked) -> dict[str, Any]:
    order = parking.park(
        session, request_key=asked.key, lines=asked.lines, buyer=asked.buyer, off=asked.off,
        asked=asked.use,
    )  # fmt: skip
    who = f" of {order.customer.name}" if order.customer else ""
    said = f"The sale{who} is parked: any till can take it up."
    return {"message": said, "key": str(uuid4()), **data.parked(session)}


def _take_up(session: Session, *, number: int) -> dict[str, Any]:
    order = parking.take_up(session, order_id=number)
    return data.taken_up(session, order, benefits.asked(session, order))


def _discard(session: Session, *, key: UUID) -> dict[str, Any]:
    order = parking.discard(session, request_key=key)
    stands = order is not None and order.number is not None
    said = f"{order} was sold before, and stands." if stands else None
    return {"key": str(uuid4()), "message": said}


VIEWS = [CounterView]
