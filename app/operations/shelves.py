"""Shelves: held while they are looked at, and moved by the ledger only."""

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from models.base import Base
from models.products import Product, Variant
from models.stock import MoveKind, StockMove

MOVES: Any = StockMove.__table__
NAMES = ("vendor_id", "variant_id", "kind", "on_hand", "reserved", "order_line_id")
WRITTEN = (*NAMES, "reason", "at")
OF: Any = bindparam("of", type_=BigInteger)
"""The id of the order or shipment whose goods are moved."""
_AT: Any = bindparam("at", type_=StockMove.at.type)


def hold(session: Session, variant_id: int) -> Variant:
    """A variant as it stands now, held until this transaction ends; `NotFound` if it is not here.

    Others may still write orders of it, but cannot place them meanwhile.
    """
    shelf = session.get(
        Variant, variant_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if shelf is None:
        raise NotFound
    return shelf


def free(shelf: Variant) -> int:
    """How many can be taken from a shelf that is held without breaking a promise to an order."""
    return shelf.on_hand if shelf.allows_backorder else shelf.available


def write(session: Session, shelf: Variant, kind: MoveKind, fields: dict[str, Any]) -> StockMove:
    """One move of a shelf that is held; its numbers are read anew."""
    written = StockMove(
        vendor_id=shelf.vendor_id, variant_id=shelf.id, kind=kind, at=clock.now(), **fields
    )
    session.add(written)
    session.flush()  # the database counts the move
    session.refresh(shelf, ["on_hand", "reserved"])
    return written


def wish(row: type[Base], kind: MoveKind, *, variant_id: Any, on_hand: Any, reserved: Any) -> Any:
    """A part of what `move` takes: one move for each row; `row` is the order's line it is for."""
    line: Any = row
    return select(
        line.vendor_id.label("vendor_id"),
        variant_id.label("variant_id"),
        literal(kind.value, Text).label("kind"),
        on_hand.label("on_hand"),
        reserved.label("reserved"),
        line.id.label("order_line_id"),
    )


def move(
    session: Session, wished: Callable[[], Any], refusal: type[DomainError], *, of: int
) -> None:
    """Write these moves of what has stock, all or none; `refusal` says of what there is too little.

    `wished` puts together which moves there are, `of` is the id that it calls `OF`.

    The variants are locked in id order before they are looked at, so that no two sales deadlock
    and none sees a shelf that another one is emptying.
    """
    session.flush()  # what the moves are read from
    look, moved = {"of": of, "at": clock.now()}, set[int]()
    for row in session.execute(_statement(wished), look).all():
        if row.lacks:
            raise refusal(**_words(row))
        moved.add(row.id)
    _look_again(session, moved)


@cache
def _statement(wishing: Callable[[], Any]) -> Select[Any]:
    """Built once: putting it together takes longer than the database needs for it."""
    wished = wishing().cte("wished")
    held = (
        select(Variant.id, Variant.on_hand, Variant.reserved, Variant.allows_backorder)
        .where(Variant.id.in_(select(wished.c.variant_id)), Variant.tracks_stock)
        .order_by(Variant.id)
        .with_for_update(key_share=True)
        .cte("held")
    )
    sums = (
        select(
            wished.c.variant_id,
            func.sum(wished.c.on_hand).label("on_hand"),
            func.sum(wished.c.reserved).label("reserved"),
        )
        .group_by(wished.c.variant_id)
        .cte("sums")
    )
    on_hand, reserved = held.c.on_hand + sums.c.on_hand, held.c.reserved + sums.c.reserved
    seen = (
        select(
            *held.c,
            sums.c.on_hand.label("by_hand"),
            sums.c.reserved.label("by_promise"),
            or_(on_hand < 0, and_(reserved > on_hand, ~held.c.allows_backorder)).label("lacks"),
        )
        .join(sums, sums.c.variant_id == held.c.id)
        .cte("seen")
    )
    moves = (
        select(*(wished.c[name] for name in NAMES), null().label("reason"), _AT)
        .join(held, held.c.id == wished.c.variant_id)
        .where(~exists(select(1).select_from(seen).where(seen.c.lacks)))
    )
    written = insert(MOVES).from_select(WRITTEN, moves).returning(MOVES.c.id).cte("written")
    return (
        select(*seen.c, Product.name, Variant.option)
        .join(Variant, Variant.id == seen.c.id)
        .join(Product, and_(Product.vendor_id == Variant.vendor_id,
                            Product.id == Variant.product_id))
        .order_by(seen.c.lacks.desc(), seen.c.id)
        .add_cte(written)
    )  # fmt: skip


def _words(row: Row[Any]) -> dict[str, Any]:
    """What a refusal says: of what there is too little, how many could be had, how many were asked.

    What an order gives back of its own promise may be taken; what others were promised may not.
    """
    free = row.on_hand - row.reserved - min(row.by_promise, 0)
    if row.by_hand < 0:
        free = row.on_hand if row.allows_backorder else min(free, row.on_hand)
    wanted = -row.by_hand if row.by_hand < 0 else row.by_promise
    what = f"{row.name}, {row.option}" if row.option else row.name
    return {"variant_id": row.id, "what": what, "left": max(int(free), 0), "wanted": int(wanted)}


def _look_again(session: Session, variant_ids: set[int]) -> None:
    """Variants that are loaded already read their numbers anew: the database has changed them."""
    for variant_id in variant_ids:
        known = session.identity_map.get(session.identity_key(Variant, variant_id))
        if known is not None:
            session.expire(known, ["on_hand", "reserved"])
