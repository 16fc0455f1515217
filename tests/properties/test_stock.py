"""Stock under many hands: what is there is sold once, and every number is the sum of its moves."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.database import begin
from app.errors import DomainError
from app.operations import stock
from app.tenancy import acting, vendor_actor
from models.products import Variant
from models.stock import StockMove
from tests import make


def at_once(vendor_id: int, calls: Sequence[Callable[[Session], object]]) -> list[str]:
    """Make these calls all at the same moment; what came of each, sorted."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[Session], object]) -> str:
        with acting(vendor_actor(vendor_id)):
            gate.wait()
            try:
                with begin() as session:
                    call(session)
            except DomainError as refusal:
                return refusal.code
            return "done"

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(run, calls))


def shelf(session: Session, *pieces: int) -> list[Variant]:
    variants = [make.variant(session) for _ in pieces]
    for variant, on_hand in zip(variants, pieces, strict=True):
        make.stock_move(session, variant=variant, on_hand=on_hand)
    return variants


def order_of(session: Session, variants: Sequence[Variant], quantity: int = 1) -> int:
    order = make.order(session, lines=0)
    for variant in variants:
        make.order_line(session, order=order, variant=variant, quantity=quantity)
    return order.id


def reserve(order_id: int) -> Callable[[Session], object]:
    return lambda session: stock.reserve(session, order_id=order_id)


def test_the_last_ones_are_sold_once_each(fresh_database: str) -> None:
    """Eight want what there are five of, in both orders of the lines: nobody waits for ever."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        one, two = shelf(session, 5, 50)
        orders = [order_of(session, (one, two) if n % 2 else (two, one)) for n in range(8)]
    calls = [reserve(order_id) for order_id in orders]
    assert at_once(vendor_id, calls) == ["OutOfStock"] * 3 + ["done"] * 5
    with acting(vendor_actor(vendor_id)), begin() as session:
        one, two = session.scalars(select(Variant).order_by(Variant.id))
        assert [(v.on_hand, v.reserved) for v in (one, two)] == [(5, 5), (50, 5)]
        sums = select(func.sum(StockMove.on_hand), func.sum(StockMove.reserved))
        assert session.execute(sums).one() == (55, 10)


def test_called_off_and_ordered_at_once(fresh_database: str) -> None:
    """Four are called off while four others ask for the same goods: nothing is lost or doubled."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        (variant,) = shelf(session, 8)
        standing = [order_of(session, [variant], 2) for _ in range(4)]
        for order_id in standing:
            stock.reserve(session, order_id=order_id)
        asking = [order_of(session, [variant], 2) for _ in range(4)]

    def release(order_id: int) -> Callable[[Session], object]:
        return lambda session: stock.release(session, order_id=order_id)

    came = at_once(vendor_id, [*map(release, standing), *map(reserve, asking)])
    with acting(vendor_actor(vendor_id)), begin() as session:
        variant = session.scalars(select(Variant)).one()
        promised = came.count("done") - 4
        assert (variant.on_hand, variant.reserved) == (8, 2 * promised)
