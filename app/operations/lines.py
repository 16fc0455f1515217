"""The lines of a draft order, as a form sends them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError
from app.operations import benefits, items, prices, shipping_methods
from app.operations.benefits import NOTHING_ASKED, Asked, Rung
from app.operations.customers import clean
from app.operations.items import ITEMS
from app.operations.prices import MOST, NOTHING, amount, step
from models.bookings import Booking, BookingStatus
from models.orders import LineKind, Order, OrderLine
from models.services import StaffService
from models.shipping import ShippingMethod
from models.staff import StaffMember

MOST_LINES = 500
MOST_PIECES = 100_000
MOST_HELD = 50
LONGEST_WHY = 200
NOT_SHARED = (LineKind.SHIPPING, LineKind.TIP)
"""What a discount of the whole order does not make cheaper."""


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line as the form has it. `id` names a line of the same order; without, it is a new one.

    `item_id` is a variant, service, package or plan, as `kind` says; fees and tips have a name
    and a price instead. Without `unit_price` the catalogue's price is frozen. `why` is the reason
    of the discount. A service may name the `booking_id` it was made for; then it costs what the
    booking does. Who does a service (`staff_id`) may have a price of their own. A service is paid
    for by uses of the package `holding_id`, or is included in the membership `membership_id`; a
    plan with a `membership_id` renews that one, whether or not it is still on offer.
    """

    kind: LineKind
    item_id: int | None = None
    quantity: int = 1
    unit_price: Decimal | None = None
    discount: Decimal = Decimal("0.00")
    name: str | None = None
    id: int | None = None
    why: str | None = None
    booking_id: int | None = None
    staff_id: int | None = None
    holding_id: int | None = None
    membership_id: int | None = None


class LineRefused(DomainError):
    sentence = "This line cannot be sold: choose something that is on offer."


class BookingSold(DomainError):
    sentence = "This booking stands on another order already: open that one."
    field = "lines"


class TooMuchOff(DomainError):
    sentence = "The discount is more than the goods cost: write at most {most}."
    field = "discount"


REFUSALS["uq_order_lines_vendor_id_booking_id"] = BookingSold


def set_lines(
    session: Session,
    order: Order,
    lines: Sequence[DraftLine],
    *,
    discount: Decimal = NOTHING,
    why: str | None = None,
    method: ShippingMethod | None = None,
    asked: Asked = NOTHING_ASKED,
    upto: Rung = Rung.REWARD,
) -> None:
    """Make `order.lines` what the form says. Refusals name their row: `lines.2.quantity`.

    `discount` is off the whole order and shared over its lines, whatever order they stand in;
    shipping and tips have no part in it. A `method` adds the line of what sending costs, unless
    the form has one. Benefits make them cheaper on the way, those that were `asked` for and those
    that come by themselves, the last being those of the rung `upto`.
    """
    if len(lines) > MOST_LINES:
        raise LineRefused(f"An order has at most {MOST_LINES} lines: write a second one.")
    known = {line.id: line for line in order.lines}
    kept: list[OrderLine] = []
    # Half-way prices are nobody's business: they are written once all rungs are climbed.
    with items.at_hand(session, map(_named_by, lines)), session.no_autoflush:
        for row, line in enumerate(lines):
            kept.append(_written(session, order, known, line, f"lines.{row}"))
        benefits.apply(session, order, kept, asked, Rung.PRICE)
        for row, line in enumerate(lines):
            _take_off(kept[row], line, f"lines.{row}")
        benefits.apply(session, order, kept, asked, *(r for r in _LATER if r <= upto))
        _share(kept, amount(discount, field="discount"), clean(why, "why", longest=LONGEST_WHY))
        if upto >= Rung.REWARD:
            benefits.apply(session, order, kept, asked, Rung.REWARD)
        if method is not None and all(line.kind != LineKind.SHIPPING for line in kept):
            kept.append(_sending(session, order, known, kept, method))
        if sum((line.total for line in kept), Decimal(0)) > MOST:
            raise LineRefused("The order is too dear to be true: check the prices.", field="lines")
        _number(order.lines, kept)
        order.lines = kept


_LATER = (Rung.USE, Rung.CODES)


def _named_by(line: DraftLine) -> items.Key:
    return line.kind, line.item_id


def _take_off(line: OrderLine, asked: DraftLine, row: str) -> None:
    """What was typed off one line, off what it costs by then."""
    discount = amount(asked.discount, field=f"{row}.discount")
    if discount > line.total:
        raise LineRefused(
            "The discount is more than the line costs: lower it.", field=f"{row}.discount"
        )
    why = clean(asked.why, "why", longest=LONGEST_WHY) or "Discount"
    prices.lower(line, discount, prices.DISCOUNT, why)


def _share(lines: Sequence[OrderLine], discount: Decimal, why: str | None) -> None:
    if not discount:
        return
    sharing = [line for line in lines if line.kind not in NOT_SHARED]
    most = sum((line.total for line in sharing), NOTHING)
    if discount > most:
        raise TooMuchOff(most=most)
    for line, part in zip(sharing, prices.shared(discount, sharing), strict=True):
        prices.lower(line, part, prices.SHARE, why or "Discount on the order")


def _sending(
    session: Session,
    order: Order,
    known: dict[int, OrderLine],
    lines: Sequence[OrderLine],
    method: ShippingMethod,
) -> OrderLine:
    """What sending costs; the line that was there before stays the same one."""
    goods = sum((line.total for line in lines if line.kind not in NOT_SHARED), NOTHING)
    cost = shipping_methods.price_of(method, goods)
    before = next((n for n, line in known.items() if line.kind == LineKind.SHIPPING), None)
    line = DraftLine(LineKind.SHIPPING, unit_price=cost, name=method.name, id=before)
    sending = _written(session, order, known, line, "lines")
    words = f"Free from {method.free_from}" if cost < method.price else method.name
    sending.price_steps = [step(prices.CATALOGUE, cost, words)]
    return sending


def _written(
    session: Session, order: Order, known: dict[int, OrderLine], line: DraftLine, row: str
) -> OrderLine:
    """The stored line; a line of another order, or one named twice, is refused."""
    if line.id is not None and line.id not in known:
        raise LineRefused(
            "This line is not of this order: reload the page and try again.", field=f"{row}.id"
        )
    written = known.pop(line.id) if line.id is not None else OrderLine(vendor_id=order.vendor_id)
    for name, value in _values(session, order, written, line, row).items():
        if getattr(written, name) != value:
            setattr(written, name, value)
    return written


def _values(
    session: Session, order: Order, before: OrderLine, line: DraftLine, row: str
) -> dict[str, Any]:
    kind = LineKind(line.kind)
    booking = _booking(session, order, line, row)
    offer = _offer(session, order.vendor_id, kind, line, booking, row)
    price = amount(
        offer.price if line.unit_price is None else line.unit_price, field=f"{row}.unit_price"
    )
    _check_quantity(kind, line, row)
    gross = price * line.quantity
    if gross > MOST:
        raise LineRefused("This is too dear to be true: check it.", field=f"{row}.unit_price")
    sold: dict[str, Any] = {column: None for column, _ in ITEMS.values()}
    if kind in ITEMS:
        sold[ITEMS[kind][0]] = offer.item_id
    return sold | {
        "kind": kind,
        "name": offer.name,
        "quantity": line.quantity,
        "unit_price": price,
        "discount": NOTHING,
        "total": gross,
        "price_steps": _price_steps(before, offer, price),
        "booking_id": line.booking_id,
        "staff_id": line.staff_id,
        **_paid_otherwise(kind, line, row),
    }


def _paid_otherwise(kind: LineKind, line: DraftLine, row: str) -> dict[str, int | None]:
    """The package or the membership that the line names; whether it can be is seen to later."""
    named = {"holding_id": line.holding_id, "membership_id": line.membership_id}
    of_plan = kind is LineKind.MEMBERSHIP and line.holding_id is None
    if (
        any(named.values())
        and not of_plan
        and (kind is not LineKind.SERVICE or all(named.values()))
    ):
        raise LineRefused(
            "Only services are paid for by a package or a membership: choose one of the two.",
            field=f"{row}.holding_id",
        )
    return named


def _check_quantity(kind: LineKind, line: DraftLine, row: str) -> None:
    most = MOST_HELD if kind is LineKind.PACKAGE else MOST_PIECES
    if kind is LineKind.MEMBERSHIP or line.booking_id is not None:
        most = 1
    if not 1 <= line.quantity <= most:
        raise LineRefused(f"Write a quantity from 1 to {most:,}.", field=f"{row}.quantity")


@dataclass(frozen=True, slots=True)
class _Offer:
    """What a line freezes; `price` is the catalogue's, or what was typed where it has none."""

    name: str
    price: Decimal
    item_id: int | None = None
    step: str = prices.CATALOGUE
    why: str = "Price in the catalogue"


def _offer(
    session: Session,
    vendor_id: int,
    kind: LineKind,
    line: DraftLine,
    booking: Booking | None,
    row: str,
) -> _Offer:
    name = (line.name or "").strip()
    if kind not in ITEMS:
        if line.unit_price is None:
            raise LineRefused("Write what it costs.", field=f"{row}.unit_price")
        named = name or kind.value.capitalize()
        return _Offer(named, line.unit_price, step=prices.TYPED, why="Written by hand")
    item_id = booking.service_id if booking is not None else line.item_id
    item: Any = None if item_id is None else session.get(ITEMS[kind][1], item_id)
    if item is None or item.vendor_id != vendor_id:
        raise LineRefused(field=f"{row}.item_id")
    own = _price_of_who_does_it(session, item, line, row)
    if booking is not None:
        return _Offer(name or str(item), booking.price, item.id, prices.BOOKED, "As it was booked")
    renewed = kind is LineKind.MEMBERSHIP and line.membership_id is not None
    if not item.is_active and line.id is None and not renewed:
        raise LineRefused(f"{item} is not sold any more: choose another.", field=f"{row}.item_id")
    if own is not None:
        return _Offer(name or str(item), own, item.id, why="Price of who does it")
    return _Offer(name or str(item), item.price, item.id)


def _price_of_who_does_it(session: Session, item: Any, line: DraftLine, row: str) -> Decimal | None:
    """What somebody takes for a service, if that is their own; refuses who does not work here."""
    if line.staff_id is None:
        return None
    staff = session.get(StaffMember, line.staff_id)
    here = staff is not None and staff.vendor_id == item.vendor_id
    if not here or line.kind != LineKind.SERVICE:
        raise LineRefused("Nobody here does this: choose who did it.", field=f"{row}.staff_id")
    own = select(StaffService.price).where(
        StaffService.vendor_id == item.vendor_id,
        StaffService.service_id == item.id, StaffService.staff_id == line.staff_id,
    )  # fmt: skip
    return session.scalar(own)


def _price_steps(before: OrderLine, offer: _Offer, price: Decimal) -> list[dict[str, Any]]:
    """How one piece came to its price. What was frozen before and did not change stays as it is."""
    item = before.variant_id or before.service_id or before.package_id or before.plan_id
    kept = prices.steps_of(before, prices.CATALOGUE, prices.BOOKED, prices.TYPED)
    if kept and item == offer.item_id and before.unit_price == price:
        return kept
    typed = step(prices.TYPED, price, "Written by hand")
    if offer.step == prices.TYPED:
        return [typed]
    first = step(offer.step, offer.price, offer.why)
    return [first] if price == offer.price else [first, typed]


GONE = (BookingStatus.CANCELLED, BookingStatus.NO_SHOW)


def _booking(session: Session, order: Order, line: DraftLine, row: str) -> Booking | None:
    """The booking that a service line is for; of the order's customer, and still standing."""
    if line.booking_id is None:
        return None
    field = f"{row}.item_id"
    booking = session.get(Booking, line.booking_id)
    mine = booking is not None and booking.vendor_id == order.vendor_id
    if booking is None or not mine or line.kind != LineKind.SERVICE:
        raise LineRefused("This booking is not here: choose another.", field=field)
    if booking.customer_id != order.customer_id:
        raise LineRefused("This booking is another customer's: choose theirs.", field=field)
    if booking.status in GONE:
        raise LineRefused("This booking does not stand any more: remove it.", field=field)
    return booking


def _number(before: Sequence[OrderLine], after: Sequence[OrderLine]) -> None:
    """Positions in the order of the form. Old positions are never taken twice within one save."""
    taken = max((line.position for line in before), default=0)
    stay = [line.position for line in after if line.position is not None]
    new = [line for line in after if line.position is None]
    if stay != sorted(stay) or list(after[len(stay) :]) != new:
        new = list(after)
        if taken + 1 > len(after) and min(line.position for line in before) > len(after):
            taken = 0
    for place, line in enumerate(new, start=taken + 1):
        line.position = place
