"""Which coupons make an order cheaper: those whose codes were typed, and those without any."""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from app import clock
from app.errors import DomainError
from app.operations import cheaper, coupon_limits, coupon_terms, prices
from app.operations.cheaper import Bill
from app.operations.coupon_codes import Used, typed_on
from app.operations.coupon_terms import Case
from app.operations.rungs import Asked
from models.coupons import Coupon, Stacking
from models.orders import Order, OrderLine


class GoesAlone(DomainError):
    sentence = "{code} goes with no other code: remove it, or the others."


class GivesLess(DomainError):
    sentence = "{code} gives less than {other}, and only one of them counts: remove it."


class NothingCheaper(DomainError):
    sentence = "{code} makes nothing on this order cheaper: remove it."


def apply(session: Session, order: Order, lines: Sequence[OrderLine], asked: Asked) -> None:
    """Let coupons make lines cheaper: those whose codes were typed, and those without any.

    A code that does not hold is refused at its place (`codes.0`); an offer is left out.
    """
    typed = typed_on(session, order.vendor_id, asked.codes)
    items = coupon_terms.items_of(lines)
    case = Case(session, order, items, asked)
    for used in typed:
        refused = _refusal(case, used)
        if refused is not None:
            refused.field = used.field
            raise refused
    offers = _offers(case, {used.coupon.id for used in typed}) if asked.automatic else []
    if not typed and not offers:
        return
    bill, chosen = _best(case, typed, offers)
    for used in sorted(chosen, key=lambda one: one.coupon.id):
        for line, part in zip(items, bill.taken[used.coupon.id], strict=True):
            prices.lower(line, part, prices.COUPON, _why(used), source=used.coupon.id)


def _refusal(case: Case, used: Used) -> DomainError | None:
    if used.code is not None and not used.code.is_active:
        return coupon_terms.Ended(code=used.said)
    refused = coupon_terms.refusal(case, used.coupon, used.said)
    return refused or coupon_limits.full(case.session, case.order, used, case.customer)


def _offers(case: Case, typed: set[int]) -> list[Used]:
    """The offers that need no code and hold for this order."""
    now = clock.now()
    running = (
        select(Coupon)
        .where(Coupon.vendor_id == case.order.vendor_id, Coupon.is_active, ~Coupon.needs_code)
        .where(or_(Coupon.starts_at.is_(None), Coupon.starts_at <= now))
        .where(or_(Coupon.ends_at.is_(None), Coupon.ends_at > now))
        .options(selectinload(Coupon.targets))
        .order_by(Coupon.id)
    )
    found = [Used(one) for one in case.session.scalars(running) if one.id not in typed]
    return [used for used in found if _refusal(case, used) is None]


def _why(used: Used) -> str:
    return used.coupon.name if used.code is None else f"{used.coupon.name} ({used.code.code})"


# --- which of them count -----------------------------------------------------------------------

Bills = Callable[[Iterable[Used]], Bill]
"""What some coupons alone come to."""


def _best(case: Case, typed: Sequence[Used], offers: Sequence[Used]) -> tuple[Bill, Sequence[Used]]:
    """What the coupons come to, and which of them count.

    A code that goes with no other counts alone. Else all that can be combined count, with the one
    that gives most of those of which only the best does; an offer that goes with no other counts
    instead where it gives more than all of these. A code that would give nothing is refused.
    """
    lines = case.lines([used.coupon for used in (*typed, *offers)])

    def bill_of(chosen: Iterable[Used]) -> Bill:
        return cheaper.billed(lines, [used.coupon for used in chosen])

    alone = next((one for one in typed if one.coupon.stacking == Stacking.EXCLUSIVE), None)
    if alone is not None:
        if len(typed) > 1:
            raise GoesAlone(code=alone.said, field=alone.field)
        chosen, bill = [alone], bill_of([alone])
    else:
        chosen = _combined(typed, offers, bill_of)
        bill = bill_of(chosen)
        instead = _most(_of(offers, Stacking.EXCLUSIVE), bill_of)
        if instead is not None and bill_of([instead]).total > bill.total:
            for used in typed:
                raise GivesLess(code=used.said, other=instead.said, field=used.field)
            chosen, bill = [instead], bill_of([instead])
    for used in chosen:
        if used.code is not None and bill.of(used.coupon) <= 0:
            raise NothingCheaper(code=used.said, field=used.field)
    return bill, [used for used in chosen if bill.of(used.coupon) > 0]


def _combined(typed: Sequence[Used], offers: Sequence[Used], bill_of: Bills) -> list[Used]:
    both = (*typed, *offers)
    combined = _of(both, Stacking.COMBINABLE)
    best = _most(_of(both, Stacking.BEST_OF), bill_of)
    for used in _of(typed, Stacking.BEST_OF):
        if best is not None and used is not best:
            raise GivesLess(code=used.said, other=best.said, field=used.field)
    return combined if best is None else [*combined, best]


def _of(used: Iterable[Used], stacking: Stacking) -> list[Used]:
    return [one for one in used if one.coupon.stacking == stacking]


def _most(used: Sequence[Used], bill_of: Bills) -> Used | None:
    """The one that gives most by itself; of equals one with a code, then the oldest."""
    return max(
        used,
        key=lambda one: (bill_of([one]).total, one.code is not None, -one.coupon.id),
        default=None,
    )
