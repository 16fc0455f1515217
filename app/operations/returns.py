"""Returns: what a customer wants to give back, what came and how it looks, and how it is settled.

Part of a line or all of it, several times; never more pieces than were delivered, and never more
money than was paid.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from app.operations import covers, numbers, orders, refunds, stock
from app.operations.benefits import AS_AGREED
from app.operations.customers import clean
from app.operations.lines import DraftLine
from app.operations.moves import locked, move
from app.operations.payments import held
from models.orders import LineKind, Order
from models.payments import Tender
from models.returns import (
    RETURN_TRANSITIONS,
    Condition,
    Disposition,
    ProductReturn,
    Resolution,
    ReturnLine,
    ReturnStatus,
)

LONGEST = 500
PAID_BACK = (Resolution.REFUND, Resolution.CREDIT)
"""What is settled with money."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A customer wants to give back so many pieces of an order's line, and says why."""

    line_id: int
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True)
class Came:
    """So many pieces of a return's line came, how they look, and what happens to them."""

    received: int
    condition: Condition | None = None
    disposition: Disposition | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What the customer gets for a return's line; without `refund` what it is worth."""

    resolution: Resolution
    refund: Decimal | None = None


class NothingReturned(DomainError):
    sentence = "Write how many pieces come back, of one line at least."
    field = "lines"


class TooManyReturned(DomainError):
    sentence = "Only {left} of {name} can come back: lower it."


class NothingCame(DomainError):
    sentence = "Nothing came back: cancel the return, if nothing will."
    field = "lines"


class SayHow(DomainError):
    sentence = "Say how {name} looks, and what happens to it."


class NotSettled(DomainError):
    sentence = "Choose what the customer gets for {name}."


class NotOfThisReturn(DomainError):
    sentence = "This line is not of this return: reload the page and try again."


class NoReason(DomainError):
    sentence = "Say why it comes back in a few words."


def ask(
    session: Session, *, order_id: int, lines: Sequence[Asked], note: str | None = None
) -> ProductReturn:
    """Write down what is to come back of an order; it gets the vendor's next return number.

    Raises `TooManyReturned`, `NoReason` (at `lines.<id>`), `NothingReturned`.
    """
    order = held(session, order_id)
    possible = returnable(session, order)
    names = {line.id: line.name for line in order.lines}
    wanted: dict[int, Asked] = {}
    for one in lines:
        if one.line_id not in possible or one.line_id in wanted:
            raise NotOfThisReturn(
                "This line cannot come back: reload the page and try again.", field="lines"
            )
        _check_pieces(one.quantity, possible[one.line_id], names[one.line_id], one.line_id)
        wanted[one.line_id] = one
    if not wanted:
        raise NothingReturned
    asked = ProductReturn(
        vendor_id=order.vendor_id, order_id=order.id, note=clean(note, "note", longest=LONGEST),
        number=numbers.draw(session, vendor_id=order.vendor_id, series="returns"),
    )  # fmt: skip
    asked.lines = [
        ReturnLine(
            vendor_id=order.vendor_id, order_line_id=one.line_id, quantity=one.quantity,
            reason=_why(one.reason, f"lines.{one.line_id}"),
        )
        for one in wanted.values()
    ]  # fmt: skip
    session.add(asked)
    session.flush()  # the ids
    return asked


def receive(session: Session, *, return_id: int, lines: Mapping[int, Came]) -> ProductReturn:
    """The goods are here: how many of each line (by its id), how they look, where they go.

    What can be sold again is on the shelf at once. A line that is not named did not come.
    """
    order, back = _held(session, return_id)
    received = _next(back, ReturnStatus.RECEIVED)
    came = _by_line(back, lines)
    if not any(one.received for one in came.values()):
        raise NothingCame
    for line in back.lines:
        _receive(line, came.get(line.id, Came(0)))
    back.status, back.received_at = received, clock.now()
    session.flush()  # the database counts what came back
    for line in sorted(back.lines, key=lambda one: one.order_line.variant_id or 0):
        if line.received and line.disposition == Disposition.RESTOCK:
            stock.take_back(session, return_line_id=line.id, quantity=line.received)
    session.refresh(order, ["returned"])
    return back


def settle(
    session: Session,
    *,
    return_id: int,
    lines: Mapping[int, Settled],
    tender: Tender | None = None,
) -> ProductReturn:
    """What the customer gets for what came: money back, store credit, new goods, a repair, nothing.

    Money goes back as it was paid, or with `tender`. New goods are a placed order of their own
    that costs nothing. Raises what `refunds.give` and `orders.place` raise, `NotSettled`.
    """
    order, back = _held(session, return_id)
    done = _next(back, ReturnStatus.SETTLED)
    chosen = _by_line(back, lines)
    worth = worth_of(session, back, order)
    came = [line for line in back.lines if line.received]
    for line in came:
        if line.id not in chosen:
            raise NotSettled(name=line.order_line.name, field=f"lines.{line.id}")
        _settle(line, chosen[line.id], worth[line.id])
    for resolution in PAID_BACK:
        _pay_back(session, back, resolution, tender)
    for line in came:
        if line.resolution in PAID_BACK:  # what was given back is not covered any more
            covers.void_returned(session, order_line_id=line.order_line_id, quantity=line.received)
    _replace(session, order, back)
    back.status, back.settled_at = done, clock.now()
    session.flush()  # the return stands as settled before anybody reads it
    return back


def cancel(session: Session, *, return_id: int, reason: str | None = None) -> ProductReturn:
    """Nothing comes back after all."""
    _, back = _held(session, return_id)
    back.status = _next(back, ReturnStatus.CANCELLED)
    back.cancelled_at = clock.now()
    back.cancel_reason = clean(reason, "reason", longest=LONGEST)
    return back


def returnable(session: Session, order: Order) -> dict[int, int]:
    """How many pieces of each line of goods can still come back, by the line's id."""
    on_its_way = case(
        (ProductReturn.status == ReturnStatus.REQUESTED, ReturnLine.quantity),
        (ProductReturn.status == ReturnStatus.CANCELLED, 0),
        else_=ReturnLine.received,
    )
    rows = session.execute(
        select(ReturnLine.order_line_id, func.sum(on_its_way))
        .join(ProductReturn, ProductReturn.id == ReturnLine.return_id)
        .where(ProductReturn.vendor_id == order.vendor_id, ProductReturn.order_id == order.id)
        .group_by(ReturnLine.order_line_id)
    )
    asked = {line_id: int(pieces) for line_id, pieces in rows}
    left = {
        line.id: line.delivered - asked.get(line.id, 0)
        for line in order.lines
        if line.kind == LineKind.PRODUCT
    }
    return {line_id: pieces for line_id, pieces in left.items() if pieces > 0}


def worth_of(session: Session, back: ProductReturn, order: Order) -> dict[int, Decimal]:
    """What the pieces that came cost the customer, by the return's line; never more than is left.

    Whichever way all pieces of a line come back, together they are worth the line.
    """
    left = refunds.left_of_lines(order)
    before = _settled_before(session, back)
    worth = {}
    for line in back.lines:
        cost = refunds.worth(
            line.order_line, order.includes_tax,
            before=before.get(line.order_line_id, 0), pieces=line.received,
        )  # fmt: skip
        worth[line.id] = min(cost, left[line.order_line_id])
    return worth


# --- behind the verbs ---------------------------------------------------------------------------


def _held(session: Session, return_id: int) -> tuple[Order, ProductReturn]:
    """The order first, as everybody who writes its money does, then the return."""
    order_id = session.scalar(select(ProductReturn.order_id).where(ProductReturn.id == return_id))
    if order_id is None:
        raise NotFound
    return held(session, order_id), locked(session, ProductReturn, return_id)


def _next(back: ProductReturn, to: ReturnStatus) -> ReturnStatus:
    """The status, if the return can get there; set once all that goes with it is done."""
    return move("return", RETURN_TRANSITIONS, ReturnStatus(back.status), to)


One = TypeVar("One", Came, Settled)


def _by_line(back: ProductReturn, given: Mapping[int, One]) -> Mapping[int, One]:
    if set(given) - {line.id for line in back.lines}:
        raise NotOfThisReturn(field="lines")
    return given


def _check_pieces(quantity: int, left: int, name: str, line_id: int) -> None:
    if quantity < 1:
        raise NothingReturned(field=f"lines.{line_id}")
    if quantity > left:
        raise TooManyReturned(field=f"lines.{line_id}", left=left, name=name)


def _why(typed: str, field: str) -> str:
    why = clean(typed, "reason", longest=LONGEST)
    if why is None:
        raise NoReason(field=field)
    return why


def _receive(line: ReturnLine, came: Came) -> None:
    name, field = line.order_line.name, f"lines.{line.id}"
    if not 0 <= came.received <= line.quantity:
        raise TooManyReturned(field=field, left=line.quantity, name=name)
    if came.received and (came.condition is None or came.disposition is None):
        raise SayHow(field=field, name=name)
    line.received = came.received
    if came.received:
        line.condition, line.disposition = came.condition, came.disposition


def _settle(line: ReturnLine, chosen: Settled, worth: Decimal) -> None:
    line.resolution = Resolution(chosen.resolution)
    if line.resolution in PAID_BACK:
        line.refund = worth if chosen.refund is None else chosen.refund


def _pay_back(
    session: Session, back: ProductReturn, resolution: Resolution, tender: Tender | None
) -> None:
    paid = [line for line in back.lines if line.resolution == resolution and line.refund]
    if not paid:
        return
    refunds.give(
        session,
        order_id=back.order_id,
        lines={line.order_line_id: line.refund for line in paid if line.refund is not None},
        reason=f"{back}: {_reasons(paid)}"[:LONGEST],
        tender=Tender.STORE_CREDIT if resolution is Resolution.CREDIT else tender,
        return_id=back.id,
    )


def _reasons(lines: Iterable[ReturnLine]) -> str:
    return "; ".join(dict.fromkeys(line.reason for line in lines))


def _replace(session: Session, order: Order, back: ProductReturn) -> None:
    """New goods for those that are replaced: an order that costs nothing, promised at once."""
    gone = [line for line in back.lines if line.resolution == Resolution.REPLACEMENT]
    if not gone:
        return
    draft = orders.save_draft(
        session,
        customer_id=order.customer_id,
        note=f"Replaces goods of {order}, {back}",
        lines=[
            DraftLine(
                LineKind.PRODUCT, line.order_line.variant_id, line.received, Decimal("0.00"),
                name=line.order_line.name,
            )
            for line in gone
        ],
        asked=AS_AGREED,
    )  # fmt: skip
    placed = orders.place(session, order_id=draft.id)
    for line, heir in zip(gone, placed.lines, strict=True):
        covers.replace_returned(
            session, order_line_id=line.order_line_id, quantity=line.received, heir=heir
        )
    told = f"Replaced by {placed}"
    back.note = told if back.note is None else f"{back.note}\n{told}"


def _settled_before(session: Session, back: ProductReturn) -> dict[int, int]:
    """How many pieces of each of these order lines came in returns that are settled already."""
    ids = [line.order_line_id for line in back.lines]
    rows = session.execute(
        select(ReturnLine.order_line_id, func.sum(ReturnLine.received))
        .join(ProductReturn, ProductReturn.id == ReturnLine.return_id)
        .where(ReturnLine.vendor_id == back.vendor_id, ReturnLine.order_line_id.in_(ids))
        .where(ProductReturn.status == ReturnStatus.SETTLED, ProductReturn.id != back.id)
        .group_by(ReturnLine.order_line_id)
    )
    return {line_id: int(pieces) for line_id, pieces in rows}
