"""Coupons and offers as a vendor writes them down: what is cheaper, for whom, when, how often."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError
from app.operations.cheaper import HUNDRED
from app.operations.coupon_codes import LONGEST_CODE, normal
from app.operations.coupon_terms import WEEKDAYS
from app.operations.moves import locked
from app.operations.prices import MOST
from models.coupons import Coupon, CouponCode, CouponKind, CouponTarget, TargetPart

Thing = tuple[str, int]
"""What a coupon is about: service, product, variant or category, and its id."""

FROZEN = ("kind", "value", "buy_quantity", "get_quantity")
"""What it is worth: that stands once somebody has used it."""
PLAIN = re.compile(r"[A-Z0-9][A-Z0-9._-]*")
MOST_WINDOWS = 50


class NoCode(DomainError):
    sentence = "The code is missing: write one, or let the offer count by itself."
    field = "code"


class NotACode(DomainError):
    sentence = "This cannot be a code: use letters, digits, dashes and dots, at most {most}."
    field = "code"


class CodeTaken(DomainError):
    sentence = "This code is in use: choose another."
    field = "code"


class TooMuchPercent(DomainError):
    sentence = "The value does not fit: write more than 0, and at most 100 for percent."
    field = "value"


class HowMany(DomainError):
    sentence = "Say how many pieces: write a number from 1 on."


class WorthStands(DomainError):
    sentence = "It was used {times} times, so what it is worth stands: end it, and write a new one."
    field = "value"


class UsedMore(DomainError):
    sentence = "It was used {times} times already: write at least {times}."
    field = "max_redemptions"


class WindowsOverlap(DomainError):
    sentence = "{day} {one} and {other} overlap: make one of them, or change an end."
    field = "windows"


class BadWindow(DomainError):
    sentence = "{day} from {begin} to {end} is no time: let it end after it begins."
    field = "windows"


class NotYours(DomainError):
    sentence = "What the marketplace bears it says itself: leave it as it is."
    field = "marketplace_percent"


class NoSuchThing(DomainError):
    sentence = "This one is not here: choose one from the list."


REFUSALS |= {
    "uq_coupon_codes_vendor_id_code": CodeTaken,
    "ck_coupons_value_fits": TooMuchPercent,
    "ck_coupons_marketplace_says_what_it_bears": NotYours,
}


def save(
    session: Session,
    *,
    coupon_id: int | None = None,
    code: str | None = None,
    cheaper: Sequence[Thing] = (),
    bought: Sequence[Thing] = (),
    **values: Any,
) -> Coupon:
    """Write a coupon down, or change it; `values` are its columns.

    With a `code` it is asked for by it; the one it had before ends. What it is worth stands once it
    was used: `WorthStands`. Nothing `cheaper`: anything may be; nothing `bought`: the same things.
    """
    coupon = Coupon() if coupon_id is None else locked(session, Coupon, coupon_id)
    values |= _quantities(values, coupon)
    if "windows" in values:
        values["windows"] = checked(values["windows"] or ()) or None
    _check_worth(coupon, values)
    _check_limit(coupon, values.get("max_redemptions", coupon.max_redemptions))
    for name, value in values.items():
        if getattr(coupon, name) != value:
            setattr(coupon, name, value)
    session.add(coupon)
    session.flush()  # the id, and what the database says of the values
    _name_things(session, coupon, {TargetPart.CHEAPER: cheaper, TargetPart.BOUGHT: bought})
    _call_it(session, coupon, code)
    session.flush()  # a code that is taken is said while the form is still there
    return coupon


def switch(session: Session, *, coupon_id: int, on: bool) -> Coupon:
    """End a coupon, or let it go on; orders that have it keep it."""
    coupon = locked(session, Coupon, coupon_id)
    coupon.is_active = on
    return coupon


def checked(windows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Hours of the week in their order; refuses an end before its beginning, and what overlaps."""
    ordered: list[dict[str, Any]] = sorted(
        ({"day": int(w["day"]), "from": str(w["from"]), "until": str(w["until"])} for w in windows),
        key=lambda w: (w["day"], w["from"]),
    )
    if len(ordered) > MOST_WINDOWS:
        raise BadWindow(f"These are too many hours: write at most {MOST_WINDOWS} lines.")
    for one in ordered:
        if one["from"] >= one["until"]:
            raise BadWindow(day=_day(one), begin=one["from"], end=one["until"])
    for one, other in pairwise(ordered):
        if one["day"] == other["day"] and other["from"] < one["until"]:
            raise WindowsOverlap(day=_day(one), one=_span(one), other=_span(other))
    return ordered


def main_code(session: Session, coupon: Coupon) -> CouponCode | None:
    """The code that everybody types: the latest that was not made among many."""
    own = select(CouponCode).where(
        CouponCode.vendor_id == coupon.vendor_id, CouponCode.coupon_id == coupon.id,
        CouponCode.batch_id.is_(None), CouponCode.is_active,
    )  # fmt: skip
    return session.scalars(own.order_by(CouponCode.id.desc()).limit(1)).first()


# --- behind it ---------------------------------------------------------------------------------


def _quantities(values: Mapping[str, Any], coupon: Coupon) -> dict[str, Any]:
    """How many pieces are bought and become cheaper, as far as its kind asks for that."""
    kind = values.get("kind", coupon.kind)
    wanted = {
        "buy_quantity": kind == CouponKind.BUY_GET,
        "get_quantity": kind in (CouponKind.BUY_GET, CouponKind.FREE_ITEM),
    }
    found = {name: values.get(name, getattr(coupon, name)) for name in wanted}
    for name, is_wanted in wanted.items():
        if is_wanted and not found[name]:
            raise HowMany(field=name)
    return {name: found[name] if is_wanted else None for name, is_wanted in wanted.items()}


def _check_worth(coupon: Coupon, values: Mapping[str, Any]) -> None:
    kind, value = values.get("kind", coupon.kind), values.get("value", coupon.value)
    worth = Decimal(0) if value is None else Decimal(value)
    most = MOST if kind == CouponKind.AMOUNT else HUNDRED
    if not worth.is_finite() or not 0 < worth <= most:
        raise TooMuchPercent
    used = (coupon.redeemed or 0) + (coupon.held or 0)
    changed = [name for name in FROZEN if name in values and values[name] != getattr(coupon, name)]
    if used and changed:
        raise WorthStands(times=used, field=changed[0])


def _check_limit(coupon: Coupon, most: int | None) -> None:
    used = (coupon.redeemed or 0) + (coupon.held or 0)
    if most is not None and most < used:
        raise UsedMore(times=used)


def _name_things(
    session: Session, coupon: Coupon, named: Mapping[TargetPart, Sequence[Thing]]
) -> None:
    wanted = {(part, *thing) for part, things in named.items() for thing in things}
    known = {(TargetPart(one.part), *_thing(one)): one for one in coupon.targets}
    for key, one in known.items():
        if key not in wanted:
            coupon.targets.remove(one)
    for part, kind, number in sorted(wanted.difference(known)):
        if kind not in ("service", "product", "variant", "category"):
            raise NoSuchThing(field=part.value)
        about = CouponTarget(vendor_id=coupon.vendor_id, part=part, **{f"{kind}_id": number})
        coupon.targets.append(about)


def _thing(target: CouponTarget) -> Thing:
    for kind in ("service", "product", "variant"):
        number = getattr(target, f"{kind}_id")
        if number is not None:
            return kind, number
    return "category", target.category_id or 0


def _call_it(session: Session, coupon: Coupon, typed: str | None) -> None:
    """Let the coupon be known by this code, and by none that was typed before."""
    code = normal(typed or "")
    if typed and (not PLAIN.fullmatch(code)):
        raise NotACode(most=LONGEST_CODE)
    if coupon.needs_code and not code:
        raise NoCode
    before = main_code(session, coupon)
    if before is not None and before.code == code:
        return
    if before is not None:
        before.is_active = False
    if not code:
        return
    own = select(CouponCode).where(
        CouponCode.vendor_id == coupon.vendor_id, CouponCode.coupon_id == coupon.id,
        CouponCode.code == code,
    )  # fmt: skip
    again = session.scalars(own).first()
    if again is not None:
        again.is_active = True
    else:
        session.add(CouponCode(vendor_id=coupon.vendor_id, coupon_id=coupon.id, code=code))


def _day(window: Mapping[str, Any]) -> str:
    return WEEKDAYS[window["day"] - 1]


def _span(window: Mapping[str, Any]) -> str:
    return f"{window['from']} to {window['until']}"
