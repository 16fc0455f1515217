"""Money: exact, in the installation's one currency, rounded half-even once per line."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from babel.numbers import get_currency_precision, list_currencies

_SUPPORTED_DECIMALS = (0, 2)
_SPENT_X_CODES = {"XAF", "XCD", "XCG", "XOF", "XPF"}
"""Of ISO 4217's X codes only these are money; the others are metals, funds and tests."""


def decimals_of(currency: str) -> int:
    """How many decimals a currency has; refuses unknown ones and those with 1, 3 or 4."""
    unspent = currency.startswith("X") and currency not in _SPENT_X_CODES
    if unspent or currency not in list_currencies():
        raise ValueError(f"CURRENCY {currency!r} is not an ISO 4217 code: use one like EUR or JPY.")
    decimals = int(get_currency_precision(currency))
    if decimals not in _SUPPORTED_DECIMALS:
        raise ValueError(
            f"CURRENCY {currency} has {decimals} decimals: only 0 and 2 are supported."
        )
    return decimals


def rounded(amount: Decimal, decimals: int = 2) -> Decimal:
    """`amount` rounded half-even to `decimals`, the house's one way to round."""
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)


def split(total: Decimal, weights: Sequence[int | Decimal], decimals: int = 2) -> list[Decimal]:
    """Share `total` by `weights` without losing a cent: the largest remainders take the rest.

    Ties go to the earlier share. `total` is not negative; weights are not negative and not all 0.
    """
    unit = Decimal(1).scaleb(-decimals)
    whole = sum(weights, Decimal(0))
    exact = [total * weight / whole for weight in weights]
    floors = [(share // unit) * unit for share in exact]
    missing = int((total - sum(floors, Decimal(0))) / unit)
    order = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
    for i in order[:missing]:
        floors[i] += unit
    return floors
