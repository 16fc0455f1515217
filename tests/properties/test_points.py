"""Points under many hands and whatever happens: nothing is spent twice, and the ledger adds up.

Under threads on a committed database; and sales, refunds, rewards, gifts and nights in any order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
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

from app import clock
from app.database import begin
from app.operations import balances, loyalty, orders, points, refunds, rewards, tiers
from app.operations.points import NotEnoughPoints
from app.tenancy import acting, vendor_actor
from models.customers import Customer
from models.orders import Order
from models.points import EntryKind, LoyaltyAccount, LoyaltyEntry, LoyaltyLot
from models.products import Variant
from tests import make
from tests.chance import examples
from tests.operations.loyalty_desk import bought, drafted, make_variant
from tests.properties.test_stock import at_once

# --- under many hands -----------------------------------------------------------------------


def test_the_last_points_are_spent_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        program = make.program(session)
        customer = make.customer(session)
        account = make.account(session, program=program, customer=customer)
        for many in (60, 60, 30):
            make.lot(session, account=account, points=many)
        reward = make.reward(session, program=program).id
        customer_id, variant_id = customer.id, make_variant(session, "30.00").id

    def redeem(session: Session) -> object:
        customer = session.get_one(Customer, customer_id)
        draft = drafted(session, customer, session.get_one(Variant, variant_id), reward)
        return orders.place(session, order_id=draft.id)

    def take(session: Session) -> object:
        return loyalty.take(
            session, customer_id=customer_id, program_id=program.id, points_taken=100, reason="No"
        )

    came = at_once(vendor_id, [redeem] * 5 + [take] * 3)
    assert came.count("done") == 1
    assert set(came) <= {"done", "NotEnoughPoints", "AtOnce"}
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert session.scalars(select(LoyaltyAccount.points)).all() == [50]
        assert balances.drift(session) == []


def test_two_nights_and_a_refund_at_once_count_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        make.program(session, return_days=1, expiry="days", expiry_days=1)
        with clock.stopped_at(make.NOON - timedelta(days=1)):
            sold = [bought(session, make.customer(session), "10.00").id for _ in range(6)]

    def night(session: Session) -> object:
        with clock.stopped_at(make.NOON):
            return loyalty.mature(session, vendor_id=vendor_id)

    def refund(order_id: int) -> Any:
        def give(session: Session) -> object:
            return refunds.give(session, order_id=order_id, reason="Broken")

        return give

    came = at_once(vendor_id, [night, night, night, *map(refund, sold[:3])])
    assert set(came) == {"done"}
    with acting(vendor_actor(vendor_id)), begin() as session, clock.stopped_at(make.NOON):
        loyalty.mature(session, vendor_id=vendor_id)
        query = select(LoyaltyAccount.points, LoyaltyAccount.pending).order_by(LoyaltyAccount.id)
        assert [tuple(row) for row in session.execute(query)] == [(0, 0)] * 3 + [(10, 0)] * 3
        assert balances.drift(session) == []


# --- earn, then give back -------------------------------------------------------------------

CENTS = st.integers(1, 20_000)


@examples(9)
@given(cents=CENTS, cuts=st.lists(st.integers(1, 99), max_size=3), rate=st.integers(1, 30))
def test_what_is_given_back_leaves_nothing_and_on_the_way_its_share(
    db: Connection, cents: int, cuts: list[int], rate: int
) -> None:
    price = Decimal(cents) / 100
    with acting(vendor_actor(make.new_vendor())), clock.stopped_at(make.NOON), begin() as session:
        program = make.program(session, points_per=Decimal(rate) / 10, rounding="nearest")
        make.tier(session, program=program, spend_from=Decimal("0.01"))
        ana = make.customer(session)
        order = bought(session, ana, str(price))
        account = points.hold(session, program=program, customer_id=ana.id)
        earned = account.points
        for cut in cuts:
            part = (order.paid - order.refunded) * cut / 100
            part = part.quantize(Decimal("0.01"))
            if 0 < part < order.paid - order.refunded:
                refunds.give(session, order_id=order.id, amount=part, reason="Part")
                session.refresh(account)
                share = 1 - order.refunded / price
                assert abs(account.points - earned * share) <= 1
                assert 0 <= account.points <= earned
        refunds.give(session, order_id=order.id, reason="The rest")
        session.refresh(account)
        assert (account.points, account.pending, account.tier_id) == (0, 0, None)
        assert tiers.spent(session, account, program, clock.now()) == 0


# --- whatever happens -----------------------------------------------------------------------

LOWEST = -25
MANY = st.integers(1, 60)


class Club(RuleBasedStateMachine):
    """A customer in a programme: points wait a day, and expire three days after."""

    @initialize()
    def open(self) -> None:
        self.vendor_id, self.now = make.new_vendor(), make.NOON
        self.placed: list[int] = []
        self.drafts: list[int] = []
        with self.working() as session:
            program = make.program(
                session, return_days=1, expiry="days", expiry_days=3, lowest=LOWEST
            )
            make.tier(session, program=program, spend_from=Decimal(40))
            self.ana = make.customer(session).id
            self.program, self.reward = (
                program.id,
                make.reward(session, program=program, points=20).id,
            )
            self.variant = make_variant(session, "30.00").id

    @contextmanager
    def working(self) -> Iterator[Session]:
        with acting(vendor_actor(self.vendor_id)), clock.stopped_at(self.now), begin() as session:
            yield session

    def customer(self, session: Session) -> Customer:
        return session.get_one(Customer, self.ana)

    def left(self, session: Session) -> int:
        return loyalty.balance(session, customer_id=self.ana, program_id=self.program)

    @rule(price=MANY)
    def buy(self, price: int) -> None:
        with self.working() as session:
            self.placed.append(bought(session, self.customer(session), f"{price}.00").id)

    @precondition(lambda self: self.placed)
    @rule(chance=st.randoms(use_true_random=False), whole=st.booleans())
    def give_back(self, chance: Any, whole: bool) -> None:
        order_id = chance.choice(self.placed)
        with self.working() as session:
            order = session.get_one(Order, order_id)
            left = order.paid - order.refunded
            amount = left if whole else (left / 2).quantize(Decimal("0.01"))
            if amount > 0:
                refunds.give(session, order_id=order_id, amount=amount, reason="Back")
            if order.refunded == order.paid:
                self.placed.remove(order_id)
                lot = session.scalars(
                    select(LoyaltyLot).where(LoyaltyLot.order_id == order_id)
                ).first()
                assert lot is None or (lot.spend, lot.pending) == (0, 0)

    @rule(many=MANY)
    def give(self, many: int) -> None:
        with self.working() as session:
            loyalty.give(
                session, customer_id=self.ana, program_id=self.program, points_given=many,
                reason="A gift",
            )  # fmt: skip

    @rule(many=MANY)
    def take(self, many: int) -> None:
        with self.working() as session:
            could = self.left(session) >= many
        try:
            with self.working() as session:
                loyalty.take(
                    session, customer_id=self.ana, program_id=self.program, points_taken=many,
                    reason="Taken",
                )  # fmt: skip
            assert could
        except NotEnoughPoints:
            assert not could

    @rule()
    def draft(self) -> None:
        with self.working() as session:
            could = self.left(session) >= 20
        try:
            with self.working() as session:
                variant = session.get_one(Variant, self.variant)
                draft = drafted(session, self.customer(session), variant, self.reward)
                self.drafts.append(draft.id)
            assert could
        except NotEnoughPoints:
            assert not could

    @precondition(lambda self: self.drafts)
    @rule(chance=st.randoms(use_true_random=False), calls_off=st.booleans())
    def place_or_call_off(self, chance: Any, calls_off: bool) -> None:
        order_id = chance.choice(self.drafts)
        try:
            with self.working() as session:
                if calls_off:
                    orders.cancel(session, order_id=order_id)
                else:
                    orders.place(session, order_id=order_id)
                    if chance.random() < 0.5:
                        orders.cancel(session, order_id=order_id)
            self.drafts.remove(order_id)
        except NotEnoughPoints:
            assert not calls_off  # its points have expired, or were taken after it had lapsed

    @rule(hours=st.integers(1, 40), night=st.booleans())
    def wait(self, hours: int, night: bool) -> None:
        self.now += timedelta(hours=hours)
        if night:
            with self.working() as session:
                rewards.lapse(session, vendor_id=self.vendor_id)
                loyalty.mature(session, vendor_id=self.vendor_id)
                loyalty.expire(session, vendor_id=self.vendor_id)
                loyalty.look_at_tiers(session, vendor_id=self.vendor_id)

    @invariant()
    def the_ledger_adds_up(self) -> None:
        with self.working() as session:
            assert balances.drift(session) == []
            account = session.scalars(select(LoyaltyAccount)).first()
            if account is None:
                return
            assert account.points >= LOWEST
            owed = points.debt(session, account)
            ready = points.lots(session, account, at=self.now)
            assert owed <= 0
            assert not (owed and ready)
            assert self.left(session) == sum(lot.remaining for lot in ready) + owed

    @invariant()
    def no_lot_gives_more_than_it_had_or_after_its_time(self) -> None:
        spent = [EntryKind.HOLD, EntryKind.RELEASE, EntryKind.REDEEM]
        with self.working() as session:
            late = (
                select(func.count())
                .select_from(LoyaltyEntry)
                .join(LoyaltyLot, LoyaltyLot.id == LoyaltyEntry.lot_id)
                .where(LoyaltyEntry.kind.in_([EntryKind.HOLD, EntryKind.REDEEM]))
                .where(LoyaltyLot.expires_at <= LoyaltyEntry.at)
            )
            assert session.scalar(late) == 0
            used = (
                select(LoyaltyLot.granted, func.sum(-LoyaltyEntry.points))
                .join(LoyaltyLot, LoyaltyLot.id == LoyaltyEntry.lot_id)
                .where(LoyaltyEntry.kind.in_(spent))
                .group_by(LoyaltyLot.id, LoyaltyLot.granted)
            )
            assert all(out <= granted for granted, out in session.execute(used))


def test_no_order_of_events_makes_points_drift(db: Connection) -> None:
    run_state_machine_as_test(Club, settings=examples(3, stateful_step_count=20))
