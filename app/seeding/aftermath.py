"""What came of the last sales: papers, a return with its refund, a claim. By the house's own rules.

It is done in order of time, with the clock at each moment, as if somebody had pressed the buttons.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, documents
from app.operations import returns, warranty_claims
from app.operations.returns import Asked, Came, Settled
from models.covers import Cover
from models.orders import LineKind, Order, OrderStatus
from models.payments import Refund
from models.returns import Condition, Disposition, Resolution
from models.vendors import Vendor

PAPERS = 4
REASONS = (
    ("Not what I expected", Condition.UNOPENED, Disposition.RESTOCK),
    ("Arrived with a dent", Condition.DAMAGED, Disposition.SCRAP),
)
PROBLEM = "It stopped working after a few weeks"


def tell(session: Session, vendor: Vendor, now: datetime) -> None:
    """A few receipts, two returns of which one still waits, and a claim under a warranty."""
    sold = _lately(session, vendor, now)
    for order in sold:
        with clock.stopped_at(order.placed_at or now):
            documents.issue(session, order_id=order.id, kind="receipt")
    goods = [order for order in sold if order.pieces]
    for n, order in enumerate(goods[:2]):
        _take_back(session, order, REASONS[n], now, waits=n == 1)
    _claim(session, vendor, now)


def _lately(session: Session, vendor: Vendor, now: datetime) -> Sequence[Order]:
    """Paid, completed orders of somebody, of the last weeks; the oldest first."""
    found = session.scalars(
        select(Order)
        .where(
            Order.vendor_id == vendor.id, Order.status == OrderStatus.COMPLETED,
            Order.customer_id.is_not(None), Order.paid == Order.total, Order.total > 0,
            Order.placed_at < now - timedelta(days=8),
        )
        .order_by(Order.placed_at.desc())
        .limit(PAPERS)
    )  # fmt: skip
    return list(found)[::-1]


def _take_back(
    session: Session, order: Order, why: tuple[str, Condition, Disposition], now: datetime,
    *, waits: bool,
) -> None:  # fmt: skip
    reason, condition, disposition = why
    line = next(ln for ln in order.lines if ln.kind == LineKind.PRODUCT)
    asked = min((order.fulfilled_at or now) + timedelta(days=2), now)
    with clock.stopped_at(asked):
        back = returns.ask(session, order_id=order.id, lines=[Asked(line.id, 1, reason)])
        back.asked_at = asked
    if waits:
        return
    with clock.stopped_at(min(asked + timedelta(days=1), now)):
        came = {back.lines[0].id: Came(1, condition, disposition)}
        returns.receive(session, return_id=back.id, lines=came)
        settled = {back.lines[0].id: Settled(Resolution.REFUND)}
        returns.settle(session, return_id=back.id, lines=settled)
        for refund in session.scalars(select(Refund).where(Refund.order_id == order.id)):
            documents.credit(session, refund_id=refund.id)


def _claim(session: Session, vendor: Vendor, now: datetime) -> None:
    newest = (
        select(Cover.id)
        .where(Cover.vendor_id == vendor.id, Cover.customer_id.is_not(None))
        .where(Cover.status == "active", Cover.starts_on < (now - timedelta(days=20)).date())
        .order_by(Cover.id.desc())
        .limit(1)
    )
    cover_id = session.scalars(newest).first()
    if cover_id is not None:
        with clock.stopped_at(now - timedelta(days=1)):
            warranty_claims.claim(session, cover_id=cover_id, problem=PROBLEM)
