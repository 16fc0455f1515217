"""The sales behind the demo's packages and memberships: orders that sold and renewed them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.seeding import takings
from app.seeding.history import Shop
from app.seeding.rows import add_all, put
from models.orders import LineKind, Order, OrderLine
from models.references import new_reference

Row = dict[str, Any]


def packages(session: Session, shop: Shop, sold: Sequence[Row], number: int) -> int:
    """Sell the packages that are in customers' hands; how many orders there are then."""
    known = {one["id"]: one for one in shop.packages}
    sales = [(row, row["bought_at"], LineKind.PACKAGE, known[row["package_id"]]) for row in sold]
    return _sell(session, shop, sales, number)


def periods(
    session: Session, shop: Shop, joined: Sequence[tuple[Row, list[Row]]], number: int
) -> int:
    """Sell every period that somebody has been a member for; how many orders there are then."""
    known = {one["id"]: one for one in shop.plans}
    sales = [
        (part | {"customer_id": row["customer_id"]}, part, known[row["plan_id"]])
        for row, own in joined
        for part in own
    ]
    made = _sell(
        session, shop,
        [(both, both["starts_at"], LineKind.MEMBERSHIP, plan) for both, _, plan in sales], number,
    )  # fmt: skip
    for both, part, _ in sales:
        part.update(order_id=both["order_id"], kind="sold")
    return made


def _sell(
    session: Session, shop: Shop, sales: Sequence[tuple[Row, Any, LineKind, Row]], number: int
) -> int:
    """An order of one line for each, paid when it was placed; its id goes to what it sold."""
    rows, lines = [], []
    for n, (sold, at, kind, item) in enumerate(sales, number + 1):
        line = _line(shop, kind, item)
        on_top = line["tax"] if shop.books.on_top else Decimal(0)
        rows.append(
            {
                "vendor_id": shop.vendor_id, "number": n, "public_ref": new_reference(),
                "customer_id": sold["customer_id"], "status": "completed", "channel": "walk_in",
                "total": line["total"] + on_top, "tax": line["tax"],
                "includes_tax": not shop.books.on_top, "placed_at": at, "fulfilled_at": at,
                "completed_at": at, "created_at": at,
            }
        )  # fmt: skip
        lines.append(line)
    ids = add_all(session, Order, rows)
    for (sold, *_), line, key in zip(sales, lines, ids, strict=True):
        sold["order_id"] = line["order_id"] = key
    put(session, OrderLine, lines)
    takings.payments(session, list(zip(ids, rows, strict=True)))
    return number + len(ids)


def _line(shop: Shop, kind: LineKind, item: Row) -> Row:
    is_package = kind is LineKind.PACKAGE
    line = {
        "vendor_id": shop.vendor_id, "position": 1, "kind": kind.value, "variant_id": None,
        "package_id": item["id"] if is_package else None,
        "plan_id": None if is_package else item["id"], "name": item["name"], "quantity": 1,
        "unit_price": item["price"], "total": item["price"], "discount": Decimal(0),
        "price_steps": None, "warranty_months": None,
    }  # fmt: skip
    return shop.books.taxed(line, "", None)
