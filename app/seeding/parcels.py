"""Goods of a history on their way: handed over, delivered, covered, and gone from the shelves."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from app.seeding.rows import add_all, put
from models.covers import Cover
from models.shipments import Shipment, ShipmentLine
from models.stock import MoveKind, StockMove

Row = dict[str, Any]
LOW_AT = 3
COUNTED = timedelta(days=6)
"""Since when the vendors count their stock."""
WRITTEN_DOWN = timedelta(days=150)
"""Since when they write down what was handed over: of older orders nobody knows by which parcel."""


def send(session: Session, orders: Sequence[Row], lines: Sequence[Row], now: datetime) -> None:
    """A shipment of every order that was handed over, and of one in three that is to be sent."""
    goods: dict[int, list[Row]] = {}
    for line in lines:
        if line["kind"] == "product":
            goods.setdefault(line["order_id"], []).append(line)
    parcels = [row for order in orders if (row := _parcel(order, now)) is not None]
    keys = add_all(session, Shipment, parcels)
    own = [
        (key, parcel, line)
        for key, parcel in zip(keys, parcels, strict=True)
        for line in goods[parcel["order_id"]]
    ]
    put(
        session,
        ShipmentLine,
        [
            {"vendor_id": parcel["vendor_id"], "shipment_id": key, "order_line_id": line["id"],
             "quantity": line["quantity"]}
            for key, parcel, line in own
        ],
    )  # fmt: skip
    _cover(session, {order["id"]: order for order in orders}, own, now)


def _parcel(order: Row, now: datetime) -> Row | None:
    """The same order is sent the same way each time."""
    random = Random(order["number"])  # noqa: S311 - nothing secret hangs on it
    done, sent = order["fulfilled_at"], order["handing"] == "delivery"
    left = done is None and order["status"] == "placed" and sent and random.random() < 0.33
    if done is None and not left:
        return None
    gone = done or order["placed_at"] + (now - order["placed_at"]) / 2
    return {
        "vendor_id": order["vendor_id"], "order_id": order["id"],
        "status": "delivered" if done else "handed_over",
        "carrier": "City Couriers" if sent else None,
        "tracking": f"CC{random.randrange(10**9):09d}" if sent else None,
        "packed_at": order["placed_at"], "handed_over_at": gone, "delivered_at": done,
        "created_at": order["placed_at"],
    }  # fmt: skip


def _cover(
    session: Session, orders: dict[int, Row], own: Iterable[tuple[int, Row, Row]], now: datetime
) -> None:
    rows = []
    for _, parcel, line in own:
        months, day = line["warranty_months"], parcel["delivered_at"]
        if months is None or day is None:
            continue
        starts = day.date()
        ends = starts.replace(year=starts.year + months // 12, day=min(starts.day, 28))
        rows += [
            {"vendor_id": parcel["vendor_id"], "order_line_id": line["id"], "kind": "warranty",
             "customer_id": orders[parcel["order_id"]]["customer_id"], "name": line["name"],
             "status": "active" if ends >= now.date() else "expired", "starts_on": starts,
             "ends_on": ends, "created_at": day}
        ] * line["quantity"]  # fmt: skip
    put(session, Cover, rows)


def fill_shelves(
    session: Session, variants: Sequence[Row], orders: Sequence[Row], lines: Sequence[Row],
    now: datetime,
) -> None:  # fmt: skip
    """What was there when stock was counted, and all that was promised and handed over since.

    Of every fifth thing there is too little.
    """
    since = now - COUNTED
    at = {order["id"]: order for order in orders if _still_counts(order, since)}
    moves: list[Row] = []
    sold: dict[int, int] = {}
    for line in lines:
        order = at.get(line["order_id"])
        if order is None or line["kind"] != "product":
            continue
        of, pieces = line["variant_id"], line["quantity"]
        own = {"vendor_id": line["vendor_id"], "variant_id": of, "order_line_id": line["id"]}
        sold[of] = sold.get(of, 0) + pieces
        moves.append({**own, "kind": MoveKind.RESERVATION, "on_hand": 0, "reserved": pieces,
                      "reason": None, "at": max(order["placed_at"], since)})  # fmt: skip
        gone = _gone(order, now)
        if gone is not None:
            moves.append({**own, "kind": MoveKind.SALE, "on_hand": -pieces, "reserved": -pieces,
                          "reason": None, "at": gone})  # fmt: skip
    put(
        session,
        StockMove,
        [
            {"vendor_id": row["vendor_id"], "variant_id": row["id"], "kind": MoveKind.RECEIPT,
             "on_hand": (LOW_AT if n % 5 == 3 else 12 + n * 7 % 48) + sold.get(row["id"], 0),
             "reason": "Counted when stock began", "at": since}
            for n, row in enumerate(variants)
        ],
    )  # fmt: skip
    put(session, StockMove, moves)


def _still_counts(order: Row, since: datetime) -> bool:
    if order["status"] == "cancelled":
        return False
    return order["fulfilled_at"] is None or bool(order["fulfilled_at"] > since)


def _gone(order: Row, now: datetime) -> datetime | None:
    parcel = _parcel(order, now)
    return None if parcel is None else parcel["handed_over_at"]
