"""Whatever is ordered, sent, lost and called off: shelves hold what the ledger says."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app.database import begin
from app.errors import DomainError
from app.operations import interests, orders, shipments
from app.operations.lines import DraftLine
from app.tenancy import acting, vendor_actor
from models.orders import LineKind, Order
from models.products import Variant
from models.shipments import Shipment
from models.stock import StockMove
from tests import make
from tests.chance import examples
from tests.properties.test_numbers import working
from tests.properties.test_races import in_threads

VERBS = (orders.place, orders.fulfil, orders.complete, orders.cancel)
STEPS = (shipments.hand_over, shipments.deliver)
OPEN = ("placed",)


class Warehouse(RuleBasedStateMachine):
    """Three variants, one of which may be ordered back, and whatever is done with them."""

    @initialize()
    def open(self) -> None:
        self.vendor_id = make.new_vendor()
        self.orders: list[int] = []
        self.shipments: list[int] = []
        with self.working() as session:
            self.customer = make.customer(session).id
            variants = [make.variant(session, allows_backorder=n == 2) for n in range(3)]
            for variant in variants:
                make.stock_move(session, variant=variant, on_hand=4)
            self.variants = [variant.id for variant in variants]

    def working(self) -> AbstractContextManager[Session]:
        """A transaction of the vendor."""
        return working(self.vendor_id)

    def tried(self, verb: Callable[..., Any], **ids: Any) -> int | None:
        """Do it, or be refused: a refusal leaves nothing behind."""
        try:
            with self.working() as session:
                return int(verb(session, **ids).id)
        except DomainError:
            return None

    @rule(lines=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=3))
    def order(self, lines: list[tuple[int, int]]) -> None:
        drafted = [DraftLine(LineKind.PRODUCT, self.variants[n], many) for n, many in lines]
        order_id = self.tried(orders.save_draft, customer_id=self.customer, lines=drafted)
        assert order_id is not None
        self.orders.append(order_id)
        self.tried(orders.place, order_id=order_id)

    @rule(which=st.integers(0, 3), verb=st.sampled_from(VERBS))
    def move(self, which: int, verb: Any) -> None:
        if self.orders:
            self.tried(verb, order_id=self.orders[-1 - which % len(self.orders)])

    @rule(which=st.integers(0, 3), many=st.none() | st.integers(0, 3))
    def pack(self, which: int, many: int | None) -> None:
        if not self.orders:
            return
        order_id = self.orders[-1 - which % len(self.orders)]
        with self.working() as session:
            lines = session.get_one(Order, order_id).lines
            chosen = None if many is None else {lines[0].id: many}
        number = self.tried(shipments.pack, order_id=order_id, quantities=chosen)
        if number is not None:
            self.shipments.append(number)

    @rule(which=st.integers(0, 3), verb=st.sampled_from(STEPS))
    def send(self, which: int, verb: Any) -> None:
        if self.shipments:
            self.tried(verb, shipment_id=self.shipments[-1 - which % len(self.shipments)])

    @rule(which=st.integers(0, 3))
    def lose(self, which: int) -> None:
        if self.shipments:
            number = self.shipments[-1 - which % len(self.shipments)]
            self.tried(shipments.fail, shipment_id=number, reason="Nobody at home")

    @invariant()
    def shelves_hold_what_the_ledger_says(self) -> None:
        with self.working() as session:
            moved = select(
                StockMove.variant_id, func.sum(StockMove.on_hand), func.sum(StockMove.reserved)
            ).group_by(StockMove.variant_id)
            ledger = {row[0]: (row[1], row[2]) for row in session.execute(moved)}
            for variant in session.scalars(select(Variant)):
                assert (variant.on_hand, variant.reserved) == ledger[variant.id]
                assert variant.on_hand >= 0
                assert variant.reserved == self.promised(session)[variant.id]
                assert variant.allows_backorder or variant.reserved <= variant.on_hand

    @invariant()
    def orders_count_their_goods(self) -> None:
        with self.working() as session:
            for order in session.scalars(select(Order)):
                goods = order.lines
                assert order.handed_over == sum(line.handed_over for line in goods)
                assert order.delivered == sum(line.delivered for line in goods)
                settled = order.status in ("fulfilled", "completed")
                assert settled == (order.delivered == order.pieces > 0)
            assert interests.drift(session) == []

    def promised(self, session: Session) -> Counter[int]:
        """What orders that stand have asked for and not got."""
        kept: Counter[int] = Counter()
        for order in session.scalars(select(Order).where(Order.status.in_(OPEN))):
            for line in order.lines:
                kept[line.variant_id or 0] += line.quantity - line.handed_over
        return kept


def test_no_order_of_events_loses_a_piece(db: Connection) -> None:
    run_state_machine_as_test(Warehouse, settings=examples(4, stateful_step_count=16))


# --- several at once -----------------------------------------------------------------------


def shelf(vendor_id: int, variant_id: int) -> tuple[int, int]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        variant = session.get_one(Variant, variant_id)
        return variant.on_hand, variant.reserved


def test_the_last_one_is_sold_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        variant = make.variant(session)
        make.stock_move(session, variant=variant, on_hand=1)
        line = DraftLine(LineKind.PRODUCT, variant.id)
        ids = [orders.save_draft(session, lines=[line]).id for _ in range(8)]
        variant_id = variant.id
    outcomes = in_threads(vendor_id, orders.place, [{"order_id": n} for n in ids])
    assert outcomes == ["Order"] + ["OutOfStock"] * 7
    assert shelf(vendor_id, variant_id) == (1, 1)
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.scalars(select(Order.number).where(Order.number.is_not(None))).all() == [1]


def test_two_carts_that_name_the_same_goods_the_other_way_round_do_not_wait_for_each_other(
    fresh_database: str,
) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        variants = [make.variant(session) for _ in range(3)]
        for variant in variants:
            make.stock_move(session, variant=variant, on_hand=100)
        lines = [DraftLine(LineKind.PRODUCT, v.id, 2) for v in variants]
        ids = [
            orders.save_draft(session, lines=lines if n % 2 else lines[::-1]).id for n in range(8)
        ]
        first = variants[0].id

    def sell(session: Session, *, order_id: int) -> Order:
        orders.place(session, order_id=order_id)
        return orders.complete(session, order_id=order_id)

    assert in_threads(vendor_id, sell, [{"order_id": n} for n in ids]) == ["Order"] * 8
    assert shelf(vendor_id, first) == (84, 0)


def test_a_parcel_is_delivered_once_and_an_order_is_not_called_off_under_it(
    fresh_database: str,
) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        customer = make.customer(session)
        variant = make.variant(session)
        make.stock_move(session, variant=variant, on_hand=2)
        line = DraftLine(LineKind.PRODUCT, variant.id, 2)
        order = orders.save_draft(session, lines=[line], customer_id=customer.id)
        orders.place(session, order_id=order.id)
        parcel = shipments.pack(session, order_id=order.id)
        ids = (order.id, parcel.id, variant.id)
    order_id, shipment_id, variant_id = ids

    def step(session: Session, *, verb: Any, **fields: Any) -> Any:
        return verb(session, **fields)

    calls: list[dict[str, Any]] = [
        *({"verb": shipments.deliver, "shipment_id": shipment_id} for _ in range(3)),
        *({"verb": shipments.hand_over, "shipment_id": shipment_id} for _ in range(2)),
        *({"verb": orders.cancel, "order_id": order_id} for _ in range(2)),
        {"verb": orders.fulfil, "order_id": order_id},
    ]
    in_threads(vendor_id, step, calls)
    with acting(vendor_actor(vendor_id)), begin() as session:
        order, parcel = session.get_one(Order, order_id), session.get_one(Shipment, shipment_id)
        ends = {"fulfilled": ("delivered", (0, 0)), "cancelled": ("failed", (2, 0))}
        assert ends[order.status] == (parcel.status, shelf(vendor_id, variant_id))
        assert interests.drift(session) == []


def test_the_same_request_eight_times_at_once_is_one_sale(fresh_database: str) -> None:
    vendor_id, key = make.new_vendor(), uuid4()
    with acting(vendor_actor(vendor_id)), begin() as session:
        variant = make.variant(session)
        make.stock_move(session, variant=variant, on_hand=9)
        line = DraftLine(LineKind.PRODUCT, variant.id)
        variant_id = variant.id

    def sale(session: Session) -> Order:
        order = orders.save_draft(session, lines=[line], request_key=key)
        if order.status == "draft":
            orders.place(session, order_id=order.id)
            orders.complete(session, order_id=order.id)
        return order

    assert in_threads(vendor_id, sale, [{}] * 8) == ["Order"] * 8
    assert shelf(vendor_id, variant_id) == (8, 0)
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert [order.number for order in session.scalars(select(Order))] == [1]
