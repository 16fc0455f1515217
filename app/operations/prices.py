"""Amounts: what can be money here, how a discount is shared, and why a line costs what it does."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.errors import DomainError
from app.money import decimals_of, rounded, split
from app.settings import settings
from models.orders import OrderLine

MOST = Decimal("9999999999.99")
NOTHING = Decimal("0.00")

CATALOGUE, TYPED, BOOKED = "catalogue", "typed", "booked"
"""Steps that say what one piece costs."""
DISCOUNT, SHARE = "discount", "order_discount"
"""Steps that say what was typed off all pieces: of the line alone, and its part of the order's."""
MEMBER, PACKAGE, COUPON, REWARD = "member_price", "package_use", "coupon", "reward"
"""Steps that say what a benefit took off all pieces; each names its `source`, a row's id."""
TAKEN = (MEMBER, DISCOUNT, PACKAGE, COUPON, SHARE, REWARD)
"""Every step that makes a line cheaper, in the order in which they are taken."""


class NotAnAmount(DomainError):
    sentence = "This is not an amount: write a number from 0 to 9,999,999,999.99."


def amount(value: Decimal, *, field: str | None = None) -> Decimal:
    """`value` rounded to cents; refuses what is negative, endless or too large."""
    if not value.is_finite() or not 0 <= value <= MOST:
        raise NotAnAmount(field=field)
    return rounded(value)


def as_money(value: Decimal) -> Decimal:
    """`value` rounded half-even to what the currency has, kept with two decimals."""
    return rounded(rounded(value, decimals_of(settings().currency)))


def shared(
    discount: Decimal, lines: Sequence[OrderLine], worth: Sequence[Decimal] | None = None
) -> list[Decimal]:
    """Share a discount by what the lines cost, none below nothing: together exactly `discount`.

    `worth` is what they cost, where it is not their total. Whatever order the lines stand in, the
    same line gets the same cents.
    """
    costs = [line.total for line in lines] if worth is None else worth
    order = sorted(range(len(lines)), key=lambda n: (-costs[n], *known_by(lines[n])))
    parts = split(discount, [costs[n] for n in order], decimals_of(settings().currency))
    given = dict(zip(order, parts, strict=True))
    return [rounded(given[n]) for n in range(len(lines))]


def piece(total: Decimal, quantity: int, number: int) -> Decimal:
    """What the piece of that number (from 0) costs; all pieces together cost `total`."""
    cents = int(total * 100)
    upto = cents * (number + 1) // quantity - cents * number // quantity
    return Decimal(upto).scaleb(-2)


def known_by(line: OrderLine) -> tuple[Any, ...]:
    """Two lines alike in this and in what they cost are the same to a customer and to the taxes."""
    item = line.variant_id or line.service_id or line.package_id or line.plan_id or 0
    return line.kind, item, line.unit_price, line.quantity, line.name


def step(name: str, value: Decimal, why: str, source: int | None = None) -> dict[str, Any]:
    """A step of the way to a line's total, as it is kept: JSON has no decimals."""
    kept = {"step": name, "amount": f"{value:.2f}", "why": why}
    return kept if source is None else {**kept, "source": source}


def lower(
    line: OrderLine, part: Decimal, name: str, why: str, source: int | None = None
) -> Decimal:
    """Take `part` off a line, as far as it costs that much, and keep why; how much that was."""
    part = min(part, line.total)
    if part > 0:
        line.discount += part
        line.total -= part
        line.price_steps = [*steps_of(line), step(name, part, why, source)]
    return part


def steps_of(line: OrderLine, *names: str) -> list[dict[str, Any]]:
    """The steps of a line; only those of these names, if any are given."""
    kept = line.price_steps or []
    return [one for one in kept if not names or one.get("step") in names]


def own_discount(line: OrderLine) -> tuple[Decimal, str]:
    """What was typed off this line alone, and why; neither benefits nor the order's share."""
    why = next((one["why"] for one in steps_of(line, DISCOUNT)), "")
    others = [name for name in TAKEN if name != DISCOUNT]
    return line.discount - _sum(steps_of(line, *others)), why


def order_discount(lines: Sequence[OrderLine]) -> tuple[Decimal, str]:
    """What was taken off the whole order, and why."""
    steps = [one for line in lines for one in steps_of(line, SHARE)]
    return _sum(steps), steps[0]["why"] if steps else ""


def _sum(steps: Sequence[dict[str, Any]]) -> Decimal:
    return sum((Decimal(one["amount"]) for one in steps), NOTHING)
