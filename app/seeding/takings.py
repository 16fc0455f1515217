"""What was paid for the orders of a history: most of it at once, some of it still due."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from app.seeding.rows import put
from models.payments import Payment

TENDERS = ("card", "cash", "bank_transfer", "mobile_money")


def payments(session: Session, orders: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """A payment of every order that was handed over, and of half of those that wait."""
    rows = [row for key, order in orders if (row := _payment(key, order)) is not None]
    put(session, Payment, rows)


def _payment(key: int, order: dict[str, Any]) -> dict[str, Any] | None:
    """The same order is paid the same way each time; what is called off was never paid."""
    random = Random(order["number"])  # noqa: S311 - nothing secret hangs on it
    waits = order["status"] == "placed" and random.random() < 0.5
    if waits or order["status"] == "cancelled" or not order["total"]:
        return None
    over_the_counter = order["channel"] == "walk_in"
    tender = random.choices(TENDERS, (55, 40, 0, 5) if over_the_counter else (75, 0, 20, 5))[0]
    taken = order["placed_at"]
    return {
        "vendor_id": order["vendor_id"], "order_id": key, "tender": tender, "status": "captured",
        "amount": order["total"], "captured_at": taken, "created_at": taken,
        "tendered": _handed_over(order["total"], random) if tender == "cash" else None,
        "reference": f"T-{random.randrange(10_000, 99_999)}" if tender != "cash" else None,
    }  # fmt: skip


def _handed_over(total: Decimal, random: Random) -> Decimal:
    """Exactly, or the next note."""
    note = random.choice((Decimal(5), Decimal(10), Decimal(20)))
    if random.random() < 0.3:
        return total
    return (total / note).to_integral_value(ROUND_CEILING) * note
