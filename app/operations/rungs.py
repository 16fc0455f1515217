"""What makes an order cheaper is a benefit; here is what each has to say for itself.

A benefit's module imports neither `orders`, `lines`, `counter`, `settling` nor `refunds`: they all
reach it through `app.operations.benefits`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from sqlalchemy.orm import Session

from models.orders import Order, OrderLine


@dataclass(frozen=True, slots=True)
class Asked:
    """What a customer wants to use for an order: codes as typed, and rewards by their ids.

    What is used for one line alone stands on that line. Without `automatic` nothing becomes
    cheaper by itself: the price is agreed already, as for a replacement. A `newcomer` is written
    down with the sale, and known to nobody until then.
    """

    codes: tuple[str, ...] = ()
    rewards: tuple[int, ...] = ()
    automatic: bool = True
    newcomer: bool = False


class Rung(IntEnum):
    """When a benefit has its turn on the way to a price.

    What is typed off a line comes between `PRICE` and `USE`, what is typed off the whole order
    between `CODES` and `REWARD`.
    """

    PRICE = 1
    USE = 2
    CODES = 3
    REWARD = 4


Apply = Callable[[Session, Order, Sequence[OrderLine], Asked], None]
Hold = Callable[[Session, Order, Asked], None]
Verb = Callable[[Session, Order], None]
Read = Callable[[Session, Order], Asked]


@dataclass(frozen=True, slots=True)
class Benefit:
    """One thing that makes orders cheaper, and what it does in an order's life.

    `apply` makes lines cheaper with `prices.lower` and writes nothing else; the order may be one
    that is written down nowhere. All others find the order held by the caller, and its rows
    flushed: they hold their own rows in the order of their ids, and do nothing when repeated.
    """

    rung: Rung
    apply: Apply
    hold: Hold | None = None
    redeem: Verb | None = None
    release: Verb | None = None
    settled: Verb | None = None
    given_back: Verb | None = None
    asked: Read | None = None


def share_given_back(order: Order) -> Decimal:
    """Which part of what an order has brought was given back: 0 nothing, 1 all of it."""
    brought = min(order.paid, order.total)
    return min(order.given_back / brought, Decimal(1)) if brought > 0 else Decimal(0)
