"""What a coupon takes off which lines: arithmetic alone, to the cent, whatever order they stand in.

A line costs what is left of it; several coupons take turns. No line falls below nothing, and the
parts of a coupon add up to what it takes off.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from app.operations import prices
from app.operations.prices import NOTHING, as_money
from models.coupons import Coupon, CouponKind, TargetPart
from models.orders import OrderLine

HUNDRED = Decimal(100)
TURNS = (CouponKind.FREE_ITEM, CouponKind.BUY_GET, CouponKind.PERCENT, CouponKind.AMOUNT)
"""Whole pieces go first, then percentages, amounts of money last."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that coupons may be about, and the places at which one of them is meant by name."""

    at: int
    line: OrderLine
    named: Mapping[tuple[int, str], bool]

    def is_meant(self, coupon: Coupon, part: TargetPart) -> bool:
        """Whether the coupon is about this line, in that part."""
        return self.named.get((coupon.id, part), False)


@dataclass(slots=True)
class Bill:
    """What is left to pay of each line, and what each coupon has taken off it so far."""

    lines: Sequence[Line]
    left: list[Decimal] = field(init=False)
    taken: dict[int, list[Decimal]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left = [one.line.total for one in self.lines]

    def take(self, coupon: Coupon) -> Decimal:
        """Let a coupon have its turn; how much cheaper it becomes by it."""
        wanted = zip(_parts(self, coupon), self.left, strict=True)
        parts = [min(part, left) for part, left in wanted]
        self.left = [left - part for left, part in zip(self.left, parts, strict=True)]
        self.taken[coupon.id] = parts
        return sum(parts, NOTHING)

    def of(self, coupon: Coupon) -> Decimal:
        """How much a coupon has taken off."""
        return sum(self.taken.get(coupon.id, ()), NOTHING)

    @property
    def total(self) -> Decimal:
        """How much all of them have taken off."""
        return sum((sum(parts, NOTHING) for parts in self.taken.values()), NOTHING)


def billed(lines: Sequence[Line], coupons: Iterable[Coupon]) -> Bill:
    """The bill after all these coupons, in the order in which they have their turns."""
    bill = Bill(lines)
    for coupon in sorted(coupons, key=lambda one: (TURNS.index(CouponKind(one.kind)), one.id)):
        bill.take(coupon)
    return bill


def _parts(bill: Bill, coupon: Coupon) -> list[Decimal]:
    return _WAYS[CouponKind(coupon.kind)](bill, coupon)


def _percent(bill: Bill, coupon: Coupon) -> list[Decimal]:
    meant, worth = _meant(bill, coupon)
    return _shared(bill, meant, as_money(worth * coupon.value / HUNDRED))


def _amount(bill: Bill, coupon: Coupon) -> list[Decimal]:
    meant, worth = _meant(bill, coupon)
    return _shared(bill, meant, min(as_money(coupon.value), worth))


def _meant(bill: Bill, coupon: Coupon) -> tuple[list[int], Decimal]:
    """The lines that become cheaper, and what is left of them together."""
    found = [
        n
        for n, one in enumerate(bill.lines)
        if bill.left[n] > 0 and one.is_meant(coupon, TargetPart.CHEAPER)
    ]
    return found, sum((bill.left[n] for n in found), NOTHING)


def _shared(bill: Bill, meant: Sequence[int], discount: Decimal) -> list[Decimal]:
    parts = [NOTHING] * len(bill.lines)
    if discount > 0 and meant:
        lines, worth = [bill.lines[n].line for n in meant], [bill.left[n] for n in meant]
        for n, part in zip(meant, prices.shared(discount, lines, worth), strict=True):
            parts[n] = part
    return parts


def _free_item(bill: Bill, coupon: Coupon) -> list[Decimal]:
    """So many pieces of what it is about, the cheapest first."""
    meant, _ = _meant(bill, coupon)
    pieces = {n: bill.lines[n].line.quantity for n in meant}
    return _pieces(bill, coupon, _cheapest(bill, pieces, coupon.get_quantity or 1))


def _buy_get(bill: Bill, coupon: Coupon) -> list[Decimal]:
    """For every x pieces that are bought up to y others, the cheapest there are.

    A piece is bought or cheaper, never both; of those that could be either, the dearest are bought.
    """
    buy, get = coupon.buy_quantity or 1, coupon.get_quantity or 1
    given, _ = _meant(bill, coupon)
    counts = {n: one.line.quantity for n, one in enumerate(bill.lines) if bill.left[n] > 0}
    bought = {n for n in counts if bill.lines[n].is_meant(coupon, TargetPart.BOUGHT)}
    either = {n: counts[n] for n in bought.intersection(given)}
    only_bought = sum(counts[n] for n in bought.difference(given))
    only_given = {n: counts[n] for n in given if n not in bought}
    sets = _sets(buy, get, only_bought, sum(only_given.values()), sum(either.values()))
    spent = _dearest(bill, either, max(sets * buy - only_bought, 0))
    free = only_given | {n: count - spent.get(n, 0) for n, count in either.items()}
    return _pieces(bill, coupon, _cheapest(bill, free, sets * get))


def _sets(buy: int, get: int, bought: int, given: int, either: int) -> int:
    """How often x are bought with at least one more to become cheaper."""
    low, high = 0, (bought + either) // buy
    while low < high:
        sets = (low + high + 1) // 2
        left = given + either - max(sets * buy - bought, 0)
        low, high = (sets, high) if left > (sets - 1) * get else (low, sets - 1)
    return low


def _cheapest(bill: Bill, pieces: Mapping[int, int], most: int) -> dict[int, int]:
    return _first(sorted(pieces, key=lambda n: _rank(bill, n)), pieces, most)


def _dearest(bill: Bill, pieces: Mapping[int, int], most: int) -> dict[int, int]:
    ranked = sorted(pieces, key=lambda n: _rank(bill, n), reverse=True)
    return _first(ranked, pieces, most)


def _rank(bill: Bill, n: int) -> tuple[object, ...]:
    """By what one piece of a line costs; of equals, always the same one."""
    line = bill.lines[n].line
    return bill.left[n] / line.quantity, *prices.known_by(line)


def _first(ranked: Iterable[int], pieces: Mapping[int, int], most: int) -> dict[int, int]:
    chosen: dict[int, int] = {}
    for n in ranked:
        count = min(pieces[n], most)
        if count > 0:
            chosen[n] = count
            most -= count
    return chosen


def _pieces(bill: Bill, coupon: Coupon, chosen: Mapping[int, int]) -> list[Decimal]:
    """What these pieces cost, as far as the coupon makes them cheaper."""
    parts = [NOTHING] * len(bill.lines)
    for n, count in chosen.items():
        worth = bill.left[n] * count / bill.lines[n].line.quantity
        parts[n] = as_money(worth * coupon.value / HUNDRED)
    return parts


_WAYS: Mapping[CouponKind, Callable[[Bill, Coupon], list[Decimal]]] = {
    CouponKind.PERCENT: _percent,
    CouponKind.AMOUNT: _amount,
    CouponKind.FREE_ITEM: _free_item,
    CouponKind.BUY_GET: _buy_get,
}
