"""Amounts that people type: what can be money here, and what cannot."""

from decimal import Decimal

from app.errors import DomainError
from app.money import rounded

MOST = Decimal("9999999999.99")


class NotAnAmount(DomainError):
    sentence = "This is not an amount: write a number from 0 to 9,999,999,999.99."


def amount(value: Decimal, *, field: str | None = None) -> Decimal:
    """`value` rounded to cents; refuses what is negative, endless or too large."""
    if not value.is_finite() or not 0 <= value <= MOST:
        raise NotAnAmount(field=field)
    return rounded(value)
