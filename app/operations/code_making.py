"""Codes by the thousand: asked for at once, made little by little, and nobody can guess one."""

import secrets

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.errors import DomainError, NotFound
from app.operations.coupon_codes import normal
from app.operations.coupon_keeping import PLAIN, NotACode
from app.operations.moves import locked
from app.operations.outbox import enqueue
from models.coupons import CodeBatch, Coupon, CouponCode

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without those that are mistaken for each other."""
LENGTH = 10
"""Letters that nobody can guess: 32 to the tenth, so of a million codes one in a billion tries."""
LONGEST_PREFIX = 20
MOST, AT_ONCE = 1_000_000, 1_000
MAKE = "tasks.coupons.make_codes"


class HowManyCodes(DomainError):
    sentence = "Write how many codes there shall be: from 1 to {most:,}."
    field = "wanted"


def ask_for(
    session: Session, coupon_id: int, *, wanted: int | str, prefix: str = "", uses: int = 1
) -> CodeBatch:
    """Ask for so many codes of a coupon, each for `uses` orders; they come little by little."""
    coupon = session.get(Coupon, coupon_id)
    if coupon is None:
        raise NotFound
    many = _whole(wanted)
    if many is None or not 1 <= many <= MOST:
        raise HowManyCodes(most=MOST)
    begin = normal(prefix or "")
    if prefix and (not PLAIN.fullmatch(begin) or len(begin) > LONGEST_PREFIX):
        raise NotACode(most=LONGEST_PREFIX, field="prefix")
    batch = CodeBatch(
        vendor_id=coupon.vendor_id, coupon_id=coupon.id, wanted=many, prefix=begin, uses=uses
    )
    session.add(batch)
    session.flush()  # the id
    enqueue(session, MAKE, vendor_id=batch.vendor_id, batch_id=batch.id)
    return batch


def make(session: Session, *, batch_id: int) -> int:
    """Make the next codes of a batch; how many are still to be made. Whoever comes twice goes on.

    A code that exists already is drawn again.
    """
    batch = locked(session, CodeBatch, batch_id)
    wanted = min(batch.wanted - batch.made, AT_ONCE)
    if wanted <= 0:
        return 0
    codes = {f"{batch.prefix}{_drawn()}" for _ in range(wanted)}
    rows = [
        {
            "vendor_id": batch.vendor_id, "coupon_id": batch.coupon_id, "batch_id": batch.id,
            "code": code, "max_redemptions": batch.uses,
        }
        for code in codes
    ]  # fmt: skip
    fresh = insert(CouponCode).values(rows).on_conflict_do_nothing(
        index_elements=["vendor_id", "code"]
    )  # fmt: skip
    session.execute(fresh)
    made = select(func.count()).where(
        CouponCode.vendor_id == batch.vendor_id, CouponCode.batch_id == batch.id
    )
    batch.made = session.scalars(made).one()
    return batch.wanted - batch.made


def end(session: Session, code_id: int) -> CouponCode:
    """Let a code count no more; orders that have it keep it."""
    code = locked(session, CouponCode, code_id)
    code.is_active = False
    return code


def _drawn() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def _whole(value: int | str) -> int | None:
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
