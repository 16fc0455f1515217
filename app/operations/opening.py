"""Opening stock: what is there when a vendor moves in, written into the ledger, many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app import clock
from models.products import Variant
from models.stock import MoveKind, StockMove

REASON, UNDONE = "Opening stock", "Opening stock undone"


@dataclass(frozen=True, slots=True)
class Shelf:
    """What there is of a variant that is held."""

    on_hand: int
    reserved: int
    allows_backorder: bool
    tracks_stock: bool

    def may_be(self, on_hand: int) -> bool:
        """Whether so many may be left: never below zero, nor below what is promised to orders."""
        return on_hand >= 0 and (on_hand >= self.reserved or self.allows_backorder)


def hold(session: Session, variant_ids: Sequence[int]) -> dict[int, Shelf]:
    """What there is of these variants now, held in the order of their ids until the end."""
    query = (
        select(
            Variant.id, Variant.on_hand, Variant.reserved, Variant.allows_backorder,
            Variant.tracks_stock,
        )
        .where(Variant.id.in_(sorted(set(variant_ids))))
        .order_by(Variant.id)
        .with_for_update(key_share=True)
    )  # fmt: skip
    return {row[0]: Shelf(*row[1:]) for row in session.execute(query)} if variant_ids else {}


def receive(session: Session, *, counted: Mapping[int, int]) -> dict[int, int]:
    """Goods that were there from the beginning, by variant; the moves' ids, by variant."""
    return _write(session, MoveKind.RECEIPT, counted, REASON)


def correct(session: Session, *, changes: Mapping[int, int]) -> dict[int, int]:
    """Somebody counted: so many more, or fewer, than the ledger said. The variants are held."""
    return _write(session, MoveKind.ADJUSTMENT, changes, REASON)


def take_back(session: Session, *, moved: Mapping[int, int]) -> dict[int, int]:
    """The opposite of what was moved, by variant; the variants are held."""
    opposite = {variant_id: -pieces for variant_id, pieces in moved.items()}
    return _write(session, MoveKind.ADJUSTMENT, opposite, UNDONE)


def _write(
    session: Session, kind: MoveKind, pieces: Mapping[int, int], reason: str
) -> dict[int, int]:
    now = clock.now()
    rows: list[dict[str, Any]] = [
        {"variant_id": variant_id, "kind": kind.value, "on_hand": number, "reason": reason,
         "at": now}
        for variant_id, number in sorted(pieces.items())
        if number
    ]  # fmt: skip
    if not rows:
        return {}
    made = insert(StockMove).returning(
        StockMove.variant_id, StockMove.id, sort_by_parameter_order=True
    )
    return {row[0]: row[1] for row in session.execute(made, rows)}
