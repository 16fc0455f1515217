"""What the demo's vendors make cheaper, under codes and by itself, and a few sales with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.operations import code_making, counter, prices
from app.operations.benefits import Asked
from app.operations.counter import Buyer, Item, Paid
from app.operations.coupon_choice import GivesLess
from app.seeding.rows import add_all, put
from models.coupons import CodeBatch, Coupon, CouponCode, CouponTarget
from models.customers import Customer
from models.orders import LineKind
from models.payments import Tender
from models.products import Variant
from models.services import Service

QUIET = [{"day": day, "from": "09:00", "until": "12:00"} for day in (2, 3)]
OFFERS: tuple[tuple[str | None, dict[str, Any]], ...] = (
    ("THANKS", {"name": "Thank you", "value": Decimal(10), "stacking": "best_of"}),
    (
        "FIVER",
        {"name": "Five off", "kind": "amount", "value": Decimal(5), "minimum_spend": Decimal(30),
         "max_redemptions": 500},
    ),
    ("WELCOME", {"name": "First visit", "value": Decimal(15), "first_visit": True}),
    (
        "BIRTHDAY",
        {"name": "Birthday week", "value": Decimal(20), "birthday_days": 7,
         "max_per_customer": 1, "stacking": "exclusive"},
    ),
    (None, {"name": "Quiet mornings", "value": Decimal(15), "windows": QUIET,
            "stacking": "best_of", "needs_code": False}),
    ("TAKE3", {"name": "Three for two", "kind": "buy_get", "value": Decimal(100),
               "buy_quantity": 2, "get_quantity": 1}),
    ("PARTNER", {"name": "Partner cards", "value": Decimal(12), "marketplace_percent": 50}),
    ("SPRING", {"name": "Last spring", "value": Decimal(10), "is_active": False}),
)  # fmt: skip
CARDS = 25
SALES = (("THANKS",), ("FIVER",), ("THANKS", "FIVER"), ())
"""What the codes of today's sales are; the last sale is one without."""
USED = (("THANKS", 10, 0), ("PARTNER", 12, 50), ("SPRING", 10, 0), ("WELCOME", 15, 0))
"""Codes of sales in the past: percent off, and percent of it that the marketplace bears."""
Row = dict[str, Any]
COMMON: Row = {
    "kind": "percent", "needs_code": True, "stacking": "combinable", "marketplace_percent": 0,
    "is_active": True, "first_visit": False,
    **dict.fromkeys(
        ("minimum_spend", "max_redemptions", "max_per_customer", "birthday_days", "windows",
         "buy_quantity", "get_quantity")
    ),
}  # fmt: skip


def lay_out(session: Session, vendor_id: int) -> dict[str, tuple[int, int]]:
    """Offers of each kind with their codes; by code the ids of the offer and of the code."""
    rows = [{"vendor_id": vendor_id, **COMMON, **offer} for _, offer in OFFERS]
    ids = add_all(session, Coupon, rows)
    coded = [(code, key) for key, (code, _) in zip(ids, OFFERS, strict=True) if code]
    codes = add_all(session, CouponCode, [
        {"vendor_id": vendor_id, "coupon_id": key, "code": code} for code, key in coded
    ])  # fmt: skip
    return {code: (key, number) for (code, key), number in zip(coded, codes, strict=True)}


def take_off(rows: list[Row], offers: dict[str, tuple[int, int]]) -> Row | None:
    """Let an offer have made the first line of a sale cheaper: the redemption, if it did.

    What the sale came to stays: it would have been dearer.
    """
    code, percent, borne = USED[rows[0]["quantity"] * len(rows) % len(USED)]
    coupon_id, code_id = offers[code]
    line = rows[0]
    off = (line["total"] * percent / (100 - percent)).quantize(Decimal("0.01"))
    off -= off % (Decimal("0.01") * line["quantity"])
    if not off:
        return None
    line["unit_price"] += off / line["quantity"]
    line["discount"] = off
    why = f"{percent} % off with {code}"
    line["price_steps"] = [prices.step(prices.COUPON, off, why, source=coupon_id)]
    return {
        "vendor_id": line["vendor_id"], "coupon_id": coupon_id, "code_id": code_id,
        "status": "redeemed", "amount": off,
        "marketplace_amount": (off * borne / 100).quantize(Decimal("0.01")),
    }  # fmt: skip


def make(session: Session, vendor_id: int, now: datetime) -> None:
    """Three for two, twenty-five cards for partners, and a few sales of today."""
    found = select(CouponCode.code, CouponCode.coupon_id).where(CouponCode.vendor_id == vendor_id)
    ids = {row.code: row.coupon_id for row in session.execute(found)}
    _about_products(session, vendor_id, ids["TAKE3"])
    [batch] = add_all(session, CodeBatch, [
        {"vendor_id": vendor_id, "coupon_id": ids["PARTNER"], "prefix": "CARD-",
         "wanted": CARDS, "created_at": now - timedelta(days=3)}
    ])  # fmt: skip
    code_making.make(session, batch_id=batch)
    _sales(session, vendor_id, now)


def _about_products(session: Session, vendor_id: int, coupon_id: int) -> None:
    """Three of one product for the price of two."""
    first = select(Variant).where(Variant.vendor_id == vendor_id).order_by(Variant.id).limit(1)
    variant = session.scalars(first).first()
    if variant is not None:
        target = {"vendor_id": vendor_id, "coupon_id": coupon_id, "product_id": variant.product_id}
        put(session, CouponTarget, [{**target, "part": "cheaper"}, {**target, "part": "bought"}])


def _sales(session: Session, vendor_id: int, now: datetime) -> None:
    dear = select(Service.id).where(
        Service.vendor_id == vendor_id, Service.kind == "appointment", Service.price >= 45
    )
    service = session.scalars(dear.order_by(Service.price, Service.id).limit(1)).first()
    people = _people(session, vendor_id)
    if service is None:
        return
    for n, (codes, who) in enumerate(zip(SALES, people, strict=False)):
        with clock.stopped_at(now - timedelta(minutes=10 * (len(SALES) - n))):
            _sell(session, service, who, codes)


def _sell(session: Session, service: int, customer_id: int, codes: tuple[str, ...]) -> None:
    """One of that service; on a quiet morning without a code that gives less than the morning."""
    item, asked = Item(LineKind.SERVICE, service), Asked(codes=codes)
    try:
        total = counter.quote(session, lines=[item], customer_id=customer_id, asked=asked).total
    except GivesLess as refused:
        left = tuple(code for code in codes if code != refused.details["code"])
        _sell(session, service, customer_id, left)
        return
    counter.sell(
        session, request_key=uuid4(), lines=[item], buyer=Buyer(customer_id), asked=asked,
        paid=[Paid(Tender.CASH, total)],
    )  # fmt: skip


def _people(session: Session, vendor_id: int) -> Sequence[int]:
    known = (
        select(Customer.id)
        .where(Customer.vendor_id == vendor_id, Customer.archived_at.is_(None))
        .order_by(Customer.last_activity_at.desc(), Customer.id)
        .limit(len(SALES))
    )
    return session.scalars(known).all()
