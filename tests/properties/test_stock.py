"""Stock under many hands: what is there is sold once, and every number is the sum of its moves.

Under threads on a committed database; and whatever happens to two shelves and the orders of them,
in whatever order, beside a book that is kept by hand.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app.database import begin
from app.errors import DomainError
from app.operations import shelf_truth, stock
from app.tenancy import acting, vendor_actor
from models.orders import Order
from models.products import Variant
from models.returns import ReturnLine
from models.shipments import Shipment, ShipmentLine, ShipmentStatus
from models.stock import StockMove
from tests import make
from tests.chance import examples


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


def test_what_came_back_is_put_on_the_shelf_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        (variant,) = shelf(session, 4)
        order = make.order(session, variant=variant)
        line_id = make.product_return(session, order=order).lines[0].id

    def take_back(session: Session) -> object:
        return stock.take_back(session, return_line_id=line_id, quantity=1)

    assert at_once(vendor_id, [take_back] * 8) == ["BackAlready"] * 7 + ["done"]
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.scalars(select(Variant.on_hand)).all() == [5]


# --- whatever happens -----------------------------------------------------------------------


@dataclass
class Ordered:
    """An order of one line, as somebody keeps it by hand: pieces promised, and sent."""

    order_id: int
    shelf: int
    open: int
    sent: dict[int, int] = field(default_factory=dict)
    there: dict[int, int] = field(default_factory=dict)


PIECES = st.integers(1, 6)
SHELF = st.sampled_from((0, 1))


class Shop(RuleBasedStateMachine):
    """Two variants, of which the second may be ordered back; anything may happen to them."""

    @initialize()
    def open(self) -> None:
        self.vendor_id = make.new_vendor()
        self.on_hand, self.promised = [0, 0], [0, 0]
        self.orders: list[Ordered] = []
        with self.working() as session:
            self.shelves = [
                make.variant(session, tracks_stock=True, allows_backorder=back).id
                for back in (False, True)
            ]

    @contextmanager
    def working(self) -> Iterator[Session]:
        with acting(vendor_actor(self.vendor_id)), begin() as session:
            yield session

    def done(self, verb: Callable[..., Any], *, could: bool, **fields: Any) -> bool:
        """Whether it was done, which must be whether it could be."""
        try:
            with self.working() as session:
                verb(session, **fields)
        except DomainError:
            assert not could
            return False
        assert could
        return True

    def fits(self, shelf: int, on_hand: int, promised: int) -> bool:
        """Whether a shelf may come to that: never below nothing, never promised twice."""
        return on_hand >= 0 and (shelf == 1 or promised <= on_hand)

    @rule(shelf=SHELF, pieces=PIECES)
    def receive(self, shelf: int, pieces: int) -> None:
        self.done(stock.receive, could=True, variant_id=self.shelves[shelf], quantity=pieces)
        self.on_hand[shelf] += pieces

    @rule(shelf=SHELF, pieces=PIECES)
    def write_off(self, shelf: int, pieces: int) -> None:
        left = self.on_hand[shelf] - pieces
        could = self.fits(shelf, left, self.promised[shelf])
        ids = {"variant_id": self.shelves[shelf], "quantity": pieces, "reason": "Gone"}
        if self.done(stock.write_off, could=could, **ids):
            self.on_hand[shelf] = left

    @rule(shelf=SHELF, counted=st.integers(0, 9))
    def count(self, shelf: int, counted: int) -> None:
        could = counted != self.on_hand[shelf] and self.fits(shelf, counted, self.promised[shelf])
        ids = {"variant_id": self.shelves[shelf], "counted": counted, "reason": "Counted"}
        if self.done(stock.adjust, could=could, **ids):
            self.on_hand[shelf] = counted

    @rule(shelf=SHELF, pieces=PIECES)
    def order(self, shelf: int, pieces: int) -> None:
        with self.working() as session:
            variant = session.get_one(Variant, self.shelves[shelf])
            order = make.order(session, lines=0)
            make.order_line(session, order=order, variant=variant, quantity=pieces)
            order.pieces, order_id = pieces, order.id
        promised = self.promised[shelf] + pieces
        could = self.fits(shelf, self.on_hand[shelf], promised)
        if self.done(stock.reserve, could=could, order_id=order_id):
            self.promised[shelf] = promised
            self.orders.append(Ordered(order_id, shelf, pieces))

    @precondition(lambda self: any(not o.sent and not o.there for o in self.orders))
    @rule(chance=st.randoms(use_true_random=False))
    def call_off(self, chance: Any) -> None:
        ordered = chance.choice([o for o in self.orders if not o.sent and not o.there])

        def cancel(session: Session) -> None:
            stock.release(session, order_id=ordered.order_id)
            session.get_one(Order, ordered.order_id).status = "cancelled"

        self.done(cancel, could=True)
        self.promised[ordered.shelf] -= ordered.open
        self.orders.remove(ordered)

    @precondition(lambda self: any(o.open for o in self.orders))
    @rule(chance=st.randoms(use_true_random=False), pieces=PIECES)
    def hand_over(self, chance: Any, pieces: int) -> None:
        ordered = chance.choice([o for o in self.orders if o.open])
        pieces = min(pieces, ordered.open)
        with self.working() as session:
            shipment = Shipment(order_id=ordered.order_id)
            session.add(shipment)
            session.flush()
            line = session.get_one(Order, ordered.order_id).lines[0]
            session.add(
                ShipmentLine(shipment_id=shipment.id, order_line_id=line.id, quantity=pieces)
            )
            shipment_id = shipment.id

        def sell(session: Session) -> None:
            stock.sell(session, shipment_id=shipment_id)
            self.move(session, shipment_id, ShipmentStatus.HANDED_OVER)

        if self.done(sell, could=pieces <= self.on_hand[ordered.shelf]):
            self.on_hand[ordered.shelf] -= pieces
            self.promised[ordered.shelf] -= pieces
            ordered.open -= pieces
            ordered.sent[shipment_id] = pieces
        else:
            with self.working() as session:
                self.move(session, shipment_id, ShipmentStatus.FAILED)

    @precondition(lambda self: any(o.sent for o in self.orders))
    @rule(chance=st.randoms(use_true_random=False), arrives=st.booleans())
    def arrive_or_fail(self, chance: Any, arrives: bool) -> None:
        ordered = chance.choice([o for o in self.orders if o.sent])
        shipment_id = chance.choice(list(ordered.sent))
        pieces = ordered.sent.pop(shipment_id)
        with self.working() as session:
            if not arrives:
                stock.undo_sale(session, shipment_id=shipment_id)
            to = ShipmentStatus.DELIVERED if arrives else ShipmentStatus.FAILED
            self.move(session, shipment_id, to)
        if arrives:
            ordered.there[shipment_id] = pieces
        else:
            self.on_hand[ordered.shelf] += pieces
            self.promised[ordered.shelf] += pieces
            ordered.open += pieces

    @precondition(lambda self: any(o.there for o in self.orders))
    @rule(chance=st.randoms(use_true_random=False), twice=st.booleans())
    def bring_back(self, chance: Any, twice: bool) -> None:
        ordered = chance.choice([o for o in self.orders if o.there])
        shipment_id = chance.choice(list(ordered.there))
        pieces = ordered.there.pop(shipment_id)
        with self.working() as session:
            order = session.get_one(Order, ordered.order_id)
            line = session.get_one(
                ReturnLine, make.product_return(session, order=order).lines[0].id
            )
            line.quantity = line.received = pieces
            line_id = line.id
            session.flush()
            stock.take_back(session, return_line_id=line_id, quantity=pieces)
        self.on_hand[ordered.shelf] += pieces
        if twice:
            ids = {"return_line_id": line_id, "quantity": 1}
            self.done(stock.take_back, could=False, **ids)

    def move(self, session: Session, shipment_id: int, to: ShipmentStatus) -> None:
        session.get_one(Shipment, shipment_id).status = to
        session.flush()

    @invariant()
    def the_books_are_as_kept_by_hand(self) -> None:
        with self.working() as session:
            found = session.scalars(select(Variant).order_by(Variant.id)).all()
            kept = [(shelf.on_hand, shelf.reserved) for shelf in found]
            assert kept == list(zip(self.on_hand, self.promised, strict=True))
            for shelf, promised in enumerate(self.promised):
                assert promised == sum(o.open for o in self.orders if o.shelf == shelf)
            assert shelf_truth.drift(session) == []


def test_no_order_of_events_makes_stock_drift(db: Connection) -> None:
    run_state_machine_as_test(Shop, settings=examples(7, stateful_step_count=30))
