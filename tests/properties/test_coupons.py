"""Coupons under any hands: no cent is lost, no line falls below nothing, no limit is passed.

Arithmetic alone; whole orders in any order; a shop in which anything happens to drafts, beside a
book that is kept by hand; and many who ask at the same moment on a committed database.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import uuid4

from hypothesis import given
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

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import counter, coupon_truth, coupons, orders, payments, refunds
from app.operations.benefits import Asked
from app.operations.cheaper import Bill, Line, billed
from app.operations.counter import Buyer, Item, Paid
from app.operations.lines import DraftLine
from app.operations.prices import as_money
from app.tenancy import acting, vendor_actor
from models.coupons import Coupon, CouponKind, CouponRedemption
from models.orders import LineKind, Order, OrderLine, OrderStatus
from models.payments import Tender
from tests import make
from tests.chance import examples

cents = st.decimals(min_value="0.01", max_value=300, places=2)
PERCENT, AMOUNT = CouponKind.PERCENT, CouponKind.AMOUNT


# --- arithmetic alone --------------------------------------------------------------------------

goods = st.lists(st.tuples(cents, st.integers(1, 4), st.integers(0, 3)), min_size=1, max_size=7)


@st.composite
def offers(draw: st.DrawFn) -> Coupon:
    kind = draw(st.sampled_from(CouponKind))
    most = 400 if kind is AMOUNT else 100
    return Coupon(
        id=draw(st.integers(1, 10_000)), kind=kind,
        value=draw(st.decimals(min_value="0.01", max_value=most, places=2)),
        buy_quantity=draw(st.integers(1, 3)), get_quantity=draw(st.integers(1, 3)),
    )  # fmt: skip


def line(price: Decimal, quantity: int, item: int) -> OrderLine:
    return OrderLine(
        kind=LineKind.PRODUCT, variant_id=item, unit_price=price, quantity=quantity,
        total=price * quantity, name=f"Item {item}",
    )  # fmt: skip


def about(lines: Sequence[OrderLine], coupons_: Sequence[Coupon], which: int) -> list[Line]:
    """Each coupon is about some of the items, and wants some others bought."""
    return [
        Line(n, one, {
            (coupon.id, part): bool((which >> (one.variant_id or 0) + 4 * at) & 1)
            for coupon in coupons_ for at, part in enumerate(("cheaper", "bought"))
        })
        for n, one in enumerate(lines)
    ]  # fmt: skip


@given(
    goods, st.lists(offers(), min_size=1, max_size=4, unique_by=lambda one: one.id),
    st.integers(0, 255), st.randoms(use_true_random=False),
)  # fmt: skip
def test_what_coupons_take_off_adds_up_whatever_order_things_stand_in(
    sold: list[tuple[Decimal, int, int]], used: list[Coupon], which: int, random: Random
) -> None:
    lines = [line(*one) for one in sold]
    bill = billed(about(lines, used, which), used)
    for coupon in used:
        assert bill.of(coupon) == sum(bill.taken[coupon.id])
        assert all(part >= 0 for part in bill.taken[coupon.id])
    taken = [sum(parts) for parts in zip(*bill.taken.values(), strict=True)]
    assert all(0 <= off <= one.total for off, one in zip(taken, lines, strict=True))
    assert bill.left == [one.total - off for one, off in zip(lines, taken, strict=True)]
    mixed, others = [*lines], [*used]
    random.shuffle(mixed)
    random.shuffle(others)
    again = billed(about(mixed, others, which), others)
    assert (again.total, {c.id: again.of(c) for c in used}) == (
        bill.total, {c.id: bill.of(c) for c in used},
    )  # fmt: skip
    assert _by_item(again) == _by_item(bill)


def _by_item(bill: Bill) -> Counter[tuple[object, ...]]:
    pairs = zip(bill.lines, bill.left, strict=True)
    return Counter((one.line.variant_id, one.line.total, one.line.quantity, x) for one, x in pairs)


@given(goods, offers(), st.integers(0, 255))
def test_one_coupon_takes_off_what_it_says(
    sold: list[tuple[Decimal, int, int]], coupon: Coupon, which: int
) -> None:
    lines = about([line(*one) for one in sold], [coupon], which)
    off = billed(lines, [coupon]).of(coupon)
    meant = [one.line for one in lines if one.is_meant(coupon, "cheaper")]  # type: ignore[arg-type]
    worth = sum((one.total for one in meant), Decimal(0))
    if coupon.kind == PERCENT:
        assert off == as_money(worth * coupon.value / 100)
    elif coupon.kind == AMOUNT:
        assert off == min(coupon.value, worth)
    else:
        pieces = sorted(one.unit_price for one in meant for _ in range(one.quantity))
        most = (coupon.get_quantity or 0) if coupon.kind == "free_item" else len(pieces)
        assert off <= sum(pieces[:most], Decimal(0))
        if coupon.kind == "free_item":
            exact = sum(pieces[:most], Decimal(0)) * coupon.value / 100
            assert abs(off - exact) <= Decimal("0.005") * len(meant)


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 4))
def test_of_alike_pieces_every_full_set_counts(pieces: int, buy: int, get: int) -> None:
    coupon = Coupon(id=1, kind="buy_get", value=Decimal(100), buy_quantity=buy, get_quantity=get)
    one = line(Decimal("1.00"), pieces, 1)
    bill = billed([Line(0, one, {(1, "cheaper"): True, (1, "bought"): True})], [coupon])
    full, rest = divmod(pieces, buy + get)
    assert bill.total == full * get + max(rest - buy, 0)


# --- whole orders ------------------------------------------------------------------------------


@examples(12)
@given(data=st.data())
def test_orders_cost_the_same_whatever_order_lines_and_codes_are_typed_in(
    db: Connection, data: st.DataObject
) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        items = [make.variant(session, price=data.draw(cents)) for _ in range(4)]
        codes = []
        for n in range(data.draw(st.integers(1, 3))):
            kind = data.draw(st.sampled_from(["percent", "amount"]))
            value = data.draw(st.decimals(min_value="0.01", max_value=60, places=2))
            coupon = make.coupon(session, code=f"CODE-{n}", kind=kind, value=value)
            if data.draw(st.booleans()):
                make.coupon_target(session, coupon=coupon, variant_id=items[n].id)
            codes.append(f"code-{n}")
        lines = [DraftLine(LineKind.PRODUCT, v.id, data.draw(st.integers(1, 3))) for v in items]
        found = []
        for _ in range(2):
            try:
                with session.begin_nested():
                    order = orders.save_draft(session, lines=lines, asked=Asked(codes=tuple(codes)))
            except DomainError as refusal:  # one of them may leave nothing to the others
                found.append((refusal.code, None, None))
            else:
                found.append(_seen(session, order))
                orders.cancel(session, order_id=order.id)
            lines = data.draw(st.permutations(lines))
            codes = data.draw(st.permutations(codes))
        assert found[0] == found[1]


def _seen(session: Session, order: Order) -> tuple[Any, ...]:
    """What an order comes to; its steps, its lines and its redemptions tell the same."""
    assert order.total == sum(one.total for one in order.lines)
    assert all(one.total >= 0 for one in order.lines)
    taken = coupons.taken_off(order)
    assert sum(taken.values()) == sum(one.discount for one in order.lines)
    rows = select(CouponRedemption.coupon_id, CouponRedemption.amount).where(
        CouponRedemption.order_id == order.id, CouponRedemption.status == "held"
    )
    assert dict(tuple(row) for row in session.execute(rows)) == taken
    sold = sorted((one.variant_id or 0, one.quantity, one.total) for one in order.lines)
    return order.total, taken, sold


# --- a shop in which anything happens ------------------------------------------------------------

LIMIT, EACH, PEOPLE = 3, 2, 3
WHO, WHICH, HOW = st.integers(0, PEOPLE - 1), st.integers(0, 9), st.integers(0, 1)


class Shop(RuleBasedStateMachine):
    """One coupon for three uses, two a person; drafts that are made, placed, left, given back."""

    connection: Connection

    @initialize()
    def opens(self) -> None:
        self.stack = ExitStack()
        self.stack.enter_context(acting(vendor_actor(make.new_vendor())))
        self.now: datetime = make.NOON
        with begin() as session:
            coupon = make.coupon(session, code="ALL", max_redemptions=LIMIT, max_per_customer=EACH)
            make.coupon_code(session, coupon=coupon, code="ONCE", max_redemptions=1)
            self.coupon = coupon.id
            self.people = [make.customer(session).id for _ in range(PEOPLE)]
            self.item = make.variant(session, price=Decimal("10.00")).id
        self.orders: list[int] = []

    def do(self, what: Callable[[Session], Any]) -> Any:
        """One transaction; a refusal changes nothing."""
        try:
            with clock.stopped_at(self.now), begin() as session:
                return what(session)
        except DomainError:
            return None

    def some(self, which: int) -> int | None:
        return self.orders[which % len(self.orders)] if self.orders else None

    @rule(who=WHO, how=HOW)
    def draft(self, who: int, how: int) -> None:
        asked, buys = Asked(codes=(("all", "once")[how],)), DraftLine(LineKind.PRODUCT, self.item)
        made = self.do(
            lambda s: (
                orders.save_draft(s, lines=[buys], customer_id=self.people[who], asked=asked).id
            )
        )
        self.orders += [made] if made else []

    @rule(which=WHICH, who=WHO, how=st.integers(0, 2))
    def change(self, which: int, who: int, how: int) -> None:
        number = self.some(which)
        codes: tuple[str, ...] = ((), ("all",), ("once",))[how]

        def again(session: Session) -> None:
            known = session.get_one(Order, number).lines[0].id
            orders.save_draft(
                session, order_id=number, lines=[DraftLine(LineKind.PRODUCT, self.item, id=known)],
                customer_id=self.people[who], asked=Asked(codes=codes),
            )  # fmt: skip

        if number:
            self.do(again)

    @rule(which=WHICH)
    def place(self, which: int) -> None:
        if number := self.some(which):
            for _ in range(2):  # a repeated placing has no second effect
                self.do(lambda s: orders.place(s, order_id=number))

    @rule(which=WHICH)
    def call_off(self, which: int) -> None:
        if number := self.some(which):
            self.do(lambda s: orders.cancel(s, order_id=number))

    @rule(which=WHICH, part=st.booleans())
    def give_back(self, which: int, part: bool) -> None:
        def money(session: Session) -> None:
            order = session.get_one(Order, number)
            if order.paid < order.total:
                payments.charge(
                    session, order_id=order.id, tender=Tender.CASH,
                    amount=order.total - order.paid,
                )  # fmt: skip
            amount = Decimal("0.01") if part else None
            refunds.give(session, order_id=order.id, amount=amount, reason="Back")

        if number := self.some(which):
            self.do(money)

    @rule(minutes=st.sampled_from([20, 70]), sweep=st.booleans())
    def time_passes(self, minutes: int, sweep: bool) -> None:
        self.now += timedelta(minutes=minutes)
        if sweep:
            self.do(coupons.lapse_due)

    @invariant()
    def limits_hold_and_counts_are_true(self) -> None:
        with begin() as session:
            coupon = session.get_one(Coupon, self.coupon)
            assert coupon.redeemed + coupon.held <= LIMIT
            assert coupon_truth.drift(session) == []
            standing = CouponRedemption.status.in_(["held", "redeemed"])
            for _, count in session.execute(
                select(CouponRedemption.customer_id, func.count())
                .where(standing, CouponRedemption.coupon_id == self.coupon)
                .where((CouponRedemption.status == "redeemed") | (self._in_time()))
                .group_by(CouponRedemption.customer_id)
            ):
                assert count <= EACH
            for order in session.scalars(select(Order).where(Order.id.in_(self.orders))):
                self._agrees(session, order)

    def _in_time(self) -> Any:
        return CouponRedemption.held_until > self.now

    def _agrees(self, session: Session, order: Order) -> None:
        own = session.scalars(
            select(CouponRedemption).where(CouponRedemption.order_id == order.id)
        ).first()
        status = own.status if own else None
        if not coupons.taken_off(order):
            assert status in (None, "released")
        elif order.status == OrderStatus.CANCELLED:
            assert status in ("released", "reversed")
        elif order.status == OrderStatus.DRAFT:
            assert status in ("held", "released")
        else:
            back = order.paid > 0 and order.refunded >= order.paid
            assert status == ("reversed" if back else "redeemed")

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        for number in self.orders:
            self.do(lambda s, n=number: orders.cancel(s, order_id=n))  # type: ignore[misc]
        with begin() as session:  # when no cart is open nothing is held
            assert session.get_one(Coupon, self.coupon).held == 0
        self.stack.close()


def test_a_limit_holds_whatever_happens(db: Connection) -> None:
    run_state_machine_as_test(Shop, settings=examples(12, stateful_step_count=14))


# --- at the same moment --------------------------------------------------------------------------


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


def test_the_last_ones_are_redeemed_once_each(fresh_database: str) -> None:
    """Eight tills sell at once what three may have, and one person what two may."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        make.coupon(session, code="THREE", max_redemptions=3)
        make.coupon(session, code="TWO", max_per_customer=2, kind="amount", value=Decimal(1))
        item, ana = make.variant(session, price=Decimal(10)).id, make.customer(session).id

    def sale(*codes: str, who: int | None = None) -> Callable[[Session], object]:
        cost = Decimal(9)
        return lambda session: counter.sell(
            session, request_key=uuid4(), lines=[Item(LineKind.PRODUCT, item)],
            buyer=Buyer(who), paid=[Paid(Tender.CASH, cost)], asked=Asked(codes=codes),
        )  # fmt: skip

    three = at_once(vendor_id, [sale("three") for _ in range(8)])
    assert three == ["UsedUp"] * 5 + ["done"] * 3
    two = at_once(vendor_id, [sale("two", who=ana) for _ in range(6)])
    assert two == ["UsedBefore"] * 4 + ["done"] * 2
    with acting(vendor_actor(vendor_id)), begin() as session:
        found = {c.max_redemptions: (c.redeemed, c.held) for c in session.scalars(select(Coupon))}
        assert found == {3: (3, 0), None: (2, 0)}
        assert coupon_truth.drift(session) == []
        assert session.scalar(select(func.count()).select_from(Order)) == 5


def test_who_calls_off_makes_room_for_who_comes(fresh_database: str) -> None:
    """Placed, called off and asked for at the same moment: nobody waits for ever."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        for code in ("ONE", "TWO"):
            make.coupon(session, code=code, max_redemptions=4, kind="amount", value=Decimal(1))
        item = make.variant(session, price=Decimal(10)).id
        line = DraftLine(LineKind.PRODUCT, item)
        both = Asked(codes=("one", "two"))
        held = [orders.save_draft(session, lines=[line], asked=both).id for _ in range(4)]

    def draft(*codes: str) -> Callable[[Session], object]:
        return lambda session: orders.save_draft(session, lines=[line], asked=Asked(codes=codes))

    came = at_once(
        vendor_id,
        [
            *((lambda s, n=n: orders.cancel(s, order_id=n)) for n in held[:2]),
            *((lambda s, n=n: orders.place(s, order_id=n)) for n in held[2:]),
            *(draft("one", "two"), draft("two", "one")) * 2,
        ],
    )
    assert came.count("done") >= 4
    assert set(came) <= {"done", "UsedUp"}
    with acting(vendor_actor(vendor_id)), begin() as session:
        for coupon in session.scalars(select(Coupon)):
            assert (coupon.redeemed, coupon.held) == (2, came.count("done") - 4)
        assert coupon_truth.drift(session) == []
