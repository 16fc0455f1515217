"""What a till is told: items and customers found, bookings of the day, what a sale comes to."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from admin_views import counter_points
from admin_views.counter_typed import Asked
from admin_views.customer_side import may
from admin_views.loaders import typed
from admin_views.lookups import CUSTOMERS, ITEMS
from admin_views.order_money import amount_text
from admin_views.policies import percent
from admin_views.rendering import ago, initials, money, phone, plural, word
from app import clock
from app.operations import benefits, counter, entitlements, parking, prices
from app.operations.counter import ITS_OWN_PRICE, Sale
from app.operations.entitlements import Entitlements
from models.bookings import Booking
from models.customers import Customer
from models.orders import LineKind, Order, OrderLine
from models.products import Product, ProductStatus, Variant
from models.services import Service
from reports import counter as at_hand
from reports.calendar import zone_of

LONGEST_MARK = 80
MOST_FOUND, MOST_PEOPLE, EACH, MOST_POTS = 8, 6, 5, 3
ICONS = {
    LineKind.PRODUCT: "bottle", LineKind.SERVICE: "scissors", LineKind.PACKAGE: "packages",
    LineKind.MEMBERSHIP: "id-badge-2", LineKind.FEE: "coin", LineKind.TIP: "heart-handshake",
}  # fmt: skip


# --- items -------------------------------------------------------------------------------------


def found(session: Session, term: str) -> dict[str, Any]:
    """What is sold under a barcode or a sku, else what reads like it."""
    term = typed(term)
    if not term:
        return {"exact": None, "results": []}
    same = _scanned(session, term)
    results = [_variant(one) for one in same] or _like(session, term)
    exact = results[0] if len(same) == 1 else None
    return {"exact": exact, "results": results, "said": None if results else _nothing(term)}


def _nothing(term: str) -> str:
    return f"Nothing is sold under “{term}”: check it, or type a part of its name."


def _scanned(session: Session, code: str) -> list[Variant]:
    named = Variant.sku.in_(sorted({code, code.upper(), code.lower()}))
    scanned = (
        select(Variant)
        .join(Variant.product)
        .options(joinedload(Variant.product))
        .where(or_(Variant.barcode == code, named))
        .where(Variant.is_active, Product.status == ProductStatus.ACTIVE)
        .order_by(Variant.id)
        .limit(MOST_FOUND)
    )
    return list(session.scalars(scanned))


def _like(session: Session, term: str) -> list[dict[str, Any]]:
    """The first few of each kind; what is sold out comes last."""
    items = [
        _item(kind, record)
        for kind, part in ITEMS.PARTS
        for record in list(part.matching(session, term))[:EACH]
    ]
    items += [_item(kind) for kind in ITS_OWN_PRICE if kind.startswith(term.lower())]
    return sorted(items, key=lambda item: item["left"] == 0)[:MOST_FOUND]


def _item(kind: LineKind, record: Any = None) -> dict[str, Any]:
    """One line of what is found, or a tile; what has a price of its own has no record."""
    if isinstance(record, Variant):
        return _variant(record)
    named = record is not None
    return {
        "kind": kind.value, "item": record.id if named else None, "icon": ICONS[kind],
        "name": str(record) if named else word(kind), "sub": word(kind) if named else "",
        "price": money(record.price) if named else None, "left": None,
    }  # fmt: skip


def _variant(variant: Variant) -> dict[str, Any]:
    left = None
    if variant.tracks_stock and not variant.allows_backorder:
        left = max(variant.available, 0)
    return {
        "kind": LineKind.PRODUCT.value, "item": variant.id, "icon": ICONS[LineKind.PRODUCT],
        "name": str(variant), "sub": variant.sku, "price": money(variant.price), "left": left,
    }  # fmt: skip


def tiles(session: Session, vendor_id: int) -> list[dict[str, Any]]:
    """What is often sold here, to be taken by one press; a tip is always among it."""
    names = at_hand.often_sold(session, vendor_id=vendor_id)
    known = [one for name in names if (one := ITEMS.find(session, name)) is not None]
    return [*(_item(*one) for one in known if _is_sold(one[1])), _item(LineKind.TIP)]


def _is_sold(record: Any) -> bool:
    """Whether it is still offered."""
    shown = not isinstance(record, Variant) or record.product.status == ProductStatus.ACTIVE
    return bool(record.is_active) and shown


# --- customers and bookings --------------------------------------------------------------------


def customers(session: Session, term: str) -> dict[str, Any]:
    """Who is found by a number or a name."""
    term = typed(term)
    people: Iterable[Customer] = CUSTOMERS.matching(session, term) if term else ()
    return {"results": [card(one) for one in list(people)[:MOST_PEOPLE]]}


def known_customer(session: Session, number: str) -> dict[str, Any] | None:
    """Whom a link to the counter names, if they are to be found."""
    one = CUSTOMERS.find(session, number)
    return None if one is None or one.archived_at is not None else card(one)


def card(one: Customer) -> dict[str, Any]:
    """A customer as the till shows them."""
    note = " ".join((one.note or "").split())
    return {
        "id": one.id, "name": one.name, "initials": initials(one.name),
        "phone": phone(one.phone) if one.phone else "", "email": one.email or "",
        "last": ago(one.last_activity_at), "url": f"/admin/customer/details/{one.id}",
        "credit": amount_text(one.store_credit) if one.store_credit > 0 else "",
        "mark": note if len(note) <= LONGEST_MARK else f"{note[:LONGEST_MARK].rstrip()}…",
    }  # fmt: skip


def bookings(session: Session, vendor_id: int) -> dict[str, Any]:
    """Today's bookings of the vendor that nobody has paid for at a till yet."""
    zone = ZoneInfo(zone_of(session, vendor_id=vendor_id))
    today = clock.now().astimezone(zone).date()
    since, until = (
        datetime.combine(day, time.min, zone) for day in (today, today + timedelta(days=1))
    )
    rows = at_hand.unpaid_bookings(session, vendor_id=vendor_id, since=since, until=until)
    return {"results": [_booking(one, zone) for one in rows]}


def _booking(one: Booking, zone: ZoneInfo) -> dict[str, Any]:
    staff = one.staff_member
    at = f"{one.starts_at.astimezone(zone):%H:%M}"
    return {
        "kind": LineKind.SERVICE.value, "item": one.service_id, "icon": ICONS[LineKind.SERVICE],
        "name": str(one.service), "booking": one.id, "time": at, "price": money(one.price),
        "staff": staff.id if staff else None, "staff_name": staff.name if staff else "",
        "customer": card(one.customer), "status": word(one.status), "left": None,
        "sub": f"booked {at}",
    }  # fmt: skip


# --- what it comes to --------------------------------------------------------------------------


def quoted(session: Session, asked: Asked) -> dict[str, Any]:
    """The lines and sums of a sale as the server works them out."""
    buyer = asked.buyer
    new = buyer.customer_id is None and bool(buyer.name or buyer.phone)
    order = counter.quote(
        session, lines=asked.lines, off=asked.off, customer_id=buyer.customer_id,
        asked=replace(asked.use, newcomer=new),
    )  # fmt: skip
    left, pots = _left_after(session, order), _pots(session, order)
    return {
        "lines": [
            {**_line(line, order, left), "uses": _uses(session, line, pots)} for line in order.lines
        ],
        "sums": _sums(order),
        "total": amount_text(order.total),
        "total_text": money(order.total),
    }


def _pots(session: Session, order: Order) -> Entitlements:
    """What the customer has that may pay for a service of the sale."""
    if order.customer_id is None or all(line.service_id is None for line in order.lines):
        return entitlements.NOTHING
    return entitlements.of(session, customer_id=order.customer_id, vendor_id=order.vendor_id)


def _uses(session: Session, line: OrderLine, found: Entitlements) -> list[dict[str, Any]]:
    """What can pay for a line instead of money, what ends first at the top."""
    if line.service_id is None or not found.pots or not line.unit_price:
        return []
    service = session.get_one(Service, line.service_id)
    return [
        {"holding": pot.holding_id, "membership": pot.membership_id, "name": pot.name,
         "left": f"{pot.left_for(service)} left"}
        for pot in found.pots_for(service)[:MOST_POTS]
    ]  # fmt: skip


def _left_after(session: Session, order: Order) -> dict[int, int]:
    """How many are left of each counted variant once this is sold; below zero, so many lack."""
    ids = sorted({line.variant_id for line in order.lines if line.variant_id is not None})
    if not ids:
        return {}
    free = select(Variant.id, Variant.on_hand - Variant.reserved)
    counted = session.execute(free.where(Variant.id.in_(ids), Variant.tracks_stock))
    left = {row[0]: row[1] for row in counted}
    for line in order.lines:
        if line.variant_id in left:
            left[line.variant_id] -= line.quantity
    return left


def _line(line: OrderLine, order: Order, left: dict[int, int]) -> dict[str, Any]:
    on_top = Decimal(0) if order.includes_tax else line.tax
    whys = [one["why"] for one in prices.steps_of(line, *prices.TAKEN)]
    after = left.get(line.variant_id or 0)
    said = None if after is None else f"{after:,} left after this"
    if after is not None and after < 0:
        said = f"{plural(-after, 'piece')} too many"
    return {
        "name": line.name, "price": money(line.unit_price),
        "tax": money(None if line.tax_percent is None else line.tax),
        "discount": money(-line.discount) if line.discount else "", "why": ", ".join(whys),
        "total": money(line.total + on_top), "left": said, "short": bool(after and after < 0),
    }  # fmt: skip


def _offers(order: Order) -> dict[str, Decimal]:
    """What coupons, offers and rewards took off all lines, by what they are called."""
    taken: dict[str, Decimal] = {}
    for line in order.lines:
        for one in prices.steps_of(line, prices.COUPON, prices.REWARD):
            taken[one["why"]] = taken.get(one["why"], Decimal(0)) + Decimal(one["amount"])
    return taken


def _sums(order: Order) -> list[dict[str, Any]]:
    gross = sum((line.unit_price * line.quantity for line in order.lines), Decimal(0))
    taken = sum((line.discount for line in order.lines), Decimal(0))
    offers = _offers(order)
    rows: list[dict[str, Any]] = [{"label": "Items", "amount": money(gross)}]
    if typed := taken - sum(offers.values()):
        rows.append({"label": "Discounts", "amount": money(-typed)})
    rows += [{"label": why, "amount": money(-part)} for why, part in offers.items()]
    taxes: dict[tuple[str, Decimal], Decimal] = {}
    for line in order.lines:
        if line.tax_name is not None and line.tax_percent is not None:
            rate = (line.tax_name, line.tax_percent)
            taxes[rate] = taxes.get(rate, Decimal(0)) + line.tax
    after = ", included" if order.includes_tax else ""
    rows += [
        {"label": f"{name} {percent(rate)}{after}", "amount": money(tax), "soft": True}
        for (name, rate), tax in taxes.items()
    ]
    return rows


# --- sold and put aside ------------------------------------------------------------------------


def sold(sale: Sale) -> dict[str, Any]:
    """What the till shows once a sale is done."""
    order, receipt = sale.order, sale.receipt
    seen = may("details", "invoice")
    return {
        "id": order.id, "title": f"Sale {order.number}" if order.number else str(order),
        "url": f"/admin/order/details/{order.id}",
        "receipt": f"/admin/invoice/details/{receipt.id}#print" if receipt and seen else None,
        "receipt_title": str(receipt) if receipt else "", "total": money(order.total),
        "change": money(sale.change) if sale.change else None,
        "due": money(sale.due) if sale.due else None,
        "cancelled": order.status == "cancelled",
    }  # fmt: skip


def parked(session: Session) -> dict[str, Any]:
    """What is put aside, for any till."""
    return {"results": [_parked(order) for order in parking.waiting(session)]}


def _parked(order: Order) -> dict[str, Any]:
    what = ", ".join(str(line) for line in order.lines[:3])
    more = len(order.lines) - 3
    return {
        "id": order.id, "who": order.customer.name if order.customer else "Without a name",
        "what": f"{what} and {more} more" if more > 0 else what, "total": money(order.total),
    }  # fmt: skip


def taken_up(session: Session, order: Order, use: benefits.Asked) -> dict[str, Any]:
    """A sale that was put aside, as a till keeps it, with what it asked for."""
    off, why = prices.order_discount(order.lines)
    return {
        "key": str(order.request_key),
        "customer": card(order.customer) if order.customer else None,
        "discount": amount_text(off) if off else "", "discount_why": why,
        "codes": list(use.codes), "rewards": counter_points.named(session, use.rewards),
        "lines": [_kept(line) for line in order.lines],
    }  # fmt: skip


def _kept(line: OrderLine) -> dict[str, Any]:
    off, why = prices.own_discount(line)
    kind = LineKind(line.kind)
    own = kind in ITS_OWN_PRICE
    item = line.variant_id or line.service_id or line.package_id or line.plan_id
    return {
        "kind": kind.value, "item": item, "icon": ICONS.get(kind, "point"), "name": line.name,
        "quantity": line.quantity, "amount": amount_text(line.unit_price) if own else None,
        "discount": amount_text(off) if off else "", "why": why, "booking": line.booking_id,
        "staff": line.staff_id, "staff_name": line.staff_member.name if line.staff_member else "",
        "holding": line.holding_id, "membership": line.membership_id,
        "sub": line.variant.sku if line.variant else "" if own else word(kind),
    }  # fmt: skip
