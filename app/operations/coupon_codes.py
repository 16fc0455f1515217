"""Codes as people type them, and which coupons they stand for."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.errors import DomainError
from models.coupons import Coupon, CouponCode

MOST_CODES = 10
LONGEST_CODE = 40


class NoSuchCode(DomainError):
    sentence = "There is no code {code} here: check how it is written, or remove it."


class TooManyCodes(DomainError):
    sentence = "An order takes at most {most} codes: remove some."
    field = "codes"


class SameOffer(DomainError):
    sentence = "{code} and {other} are codes of the same offer: remove one of them."


@dataclass(frozen=True, slots=True)
class Used:
    """A coupon that holds for an order: by which code, typed at which place; by itself: neither."""

    coupon: Coupon
    code: CouponCode | None = None
    at: int = 0

    @property
    def said(self) -> str:
        """What it is called where it is refused."""
        return self.coupon.name if self.code is None else self.code.code

    @property
    def field(self) -> str:
        """Where it was typed."""
        return "codes" if self.code is None else f"codes.{self.at}"


def normal(code: str) -> str:
    """A code as it is kept, however it was typed; empty if nothing can be called that."""
    if len(code) > LONGEST_CODE * 4:
        return ""
    text = "".join(unicodedata.normalize("NFKC", code).split()).upper()
    return text if len(text) <= LONGEST_CODE and text.isprintable() else ""


def typed_on(session: Session, vendor_id: int, codes: Sequence[str]) -> list[Used]:
    """What the typed codes stand for; a code that was typed twice counts once."""
    if not codes:
        return []
    if len(codes) > MOST_CODES:
        raise TooManyCodes(most=MOST_CODES)
    places: dict[str, int] = {}
    for at, typed in enumerate(codes):
        places.setdefault(_readable(typed, at), at)
    wanted = select(CouponCode).where(
        CouponCode.vendor_id == vendor_id, CouponCode.code.in_(sorted(places))
    )
    loaded = wanted.options(selectinload(CouponCode.coupon).selectinload(Coupon.targets))
    known = {one.code: one for one in session.scalars(loaded)}
    found: dict[int, Used] = {}
    for code, at in places.items():
        if code not in known:
            raise NoSuchCode(code=code, field=f"codes.{at}")
        used = Used(known[code].coupon, known[code], at)
        other = found.setdefault(used.coupon.id, used)
        if other is not used:
            raise SameOffer(code=used.said, other=other.said, field=used.field)
    return list(found.values())


def _readable(typed: str, at: int) -> str:
    code = normal(typed)
    if not code:
        shown = "".join(c for c in typed[:LONGEST_CODE] if c.isprintable()).strip() or "like this"
        raise NoSuchCode(code=shown, field=f"codes.{at}")
    return code
