"""Rewards on orders: what they take off, what they hold, and what comes back."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import balances, counter, loyalty, orders, refunds, reward_limits, rewards
from app.operations.benefits import Asked
from app.operations.counter import Item
from app.operations.points import NotEnoughPoints
from app.operations.rewards import (
    NotOnTheOrder,
    PointsOfNobody,
    RewardNotValid,
    RewardRefused,
    SpendsTooLittle,
    TakesNothingOff,
)
from app.tenancy import acting, vendor_actor
from models.customers import Customer
from models.loyalty import LoyaltyProgram
from models.orders import LineKind, Order
from models.points import RewardRedemption
from tests import make
from tests.operations.loyalty_desk import bought, drafted, left, make_variant, sell


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


@pytest.fixture
def session(shop: int) -> Iterator[Session]:
    with begin() as opened:
        yield opened
        assert balances.drift(opened) == []


@pytest.fixture
def program(session: Session) -> LoyaltyProgram:
    return make.program(session)


@pytest.fixture
def ana(session: Session, program: LoyaltyProgram) -> Customer:
    """A customer with 250 points."""
    customer = make.customer(session, full_name="Ana")
    make.lot(session, account=make.account(session, program=program, customer=customer), points=250)
    return customer


def product(price: str, session: Session, quantity: int = 1, **fields: Any) -> Item:
    variant = make_variant(session, price, **fields)
    return Item(kind=LineKind.PRODUCT, item_id=variant.id, quantity=quantity)


def quoted(session: Session, customer: Customer | None, lines: list[Item], *ids: int) -> Order:
    return counter.quote(
        session, lines=lines, customer_id=customer.id if customer else None,
        asked=Asked(rewards=ids),
    )  # fmt: skip


def test_an_amount_is_shared_over_what_is_sold_and_says_so(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    reward = make.reward(session, program=program, name="Five off")
    lines = [product("10.00", session), product("20.00", session)]
    order = quoted(session, ana, lines, reward.id)
    assert [line.total for line in order.lines] == [Decimal("8.33"), Decimal("16.67")]
    steps = order.lines[0].price_steps
    assert steps is not None
    assert steps[-1] == {
        "step": "reward", "amount": "1.67", "why": "Five off", "source": reward.id,
    }  # fmt: skip
    tip = Item(kind=LineKind.TIP, amount=Decimal("3.00"))
    assert quoted(session, ana, [product("2.00", session), tip], reward.id).total == 3


def test_a_part_of_the_price_and_one_piece_for_nothing(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    tenth = make.reward(session, program=program, kind="percent", percent=Decimal(10), points=50)
    cream = make.product(session, variants=0)
    free = make.reward(session, program=program, kind="product", product_id=cream.id, points=80)
    lines = [product("10.00", session, 3, product=cream), product("30.00", session)]
    assert quoted(session, ana, lines, tenth.id).total == 54
    assert quoted(session, ana, lines, free.id).total == 50
    assert quoted(session, ana, lines, tenth.id, free.id).total == 45
    assert quoted(session, ana, lines, free.id, free.id, free.id).total == 30
    service = make.service(session, price=Decimal("40.00"))
    cut = make.reward(session, program=program, kind="service", service_id=service.id)
    sold = Item(kind=LineKind.SERVICE, item_id=service.id)
    assert quoted(session, ana, [sold, *lines], cut.id).total == 60


def test_points_are_spent_with_the_sale_and_nothing_is_earned_on_what_they_paid(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    reward = make.reward(session, program=program)
    sell(session, ana, [product("15.00", session)], rewards=[reward.id, reward.id])
    assert left(session, program, ana) == 250 - 200 + 5
    used = session.scalars(select(RewardRedemption)).all()
    assert [(u.status, u.points, u.worth) for u in used] == [("redeemed", 100, 5)] * 2


def test_what_cannot_be_had_is_refused_with_its_reason(
    shop: int, session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    day = timedelta(days=1)
    today = make.NOON.date()
    cream, other = make.product(session), make_variant(session, "10.00")

    def reward(**fields: Any) -> int:
        return make.reward(session, program=program, **fields).id

    cases: list[tuple[type[Exception], str, int]] = [
        (RewardRefused, "not here", 10**12),
        (RewardNotValid, "cannot be had today", reward(starts_on=today + day)),
        (RewardNotValid, "cannot be had today", reward(ends_on=today - day)),
        (RewardNotValid, "cannot be had today", reward(is_active=False)),
        (
            RewardNotValid, "cannot be had today",
            make.reward(session, program=make.program(session, is_active=False)).id,
        ),
        (SpendsTooLittle, r"orders of 10\.01 or more", reward(min_spend=Decimal("10.01"))),
        (NotOnTheOrder, "needs", reward(kind="product", product_id=cream.id)),
        (NotEnoughPoints, "Only 250 points can be spent now, and this", reward(points=251)),
    ]  # fmt: skip
    line = Item(kind=LineKind.PRODUCT, item_id=other.id)
    for refusal, words, number in cases:
        with pytest.raises(refusal, match=words) as caught:
            quoted(session, ana, [line], number)
        assert getattr(caught.value, "field", "") == "rewards"
    with pytest.raises(PointsOfNobody):
        quoted(session, None, [line], reward())
    with pytest.raises(TakesNothingOff):
        quoted(session, ana, [product("0.00", session)], reward())
    assert left(session, program, ana) == 250


def test_another_vendors_reward_is_no_reward(shop: int) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as elsewhere:
        theirs = make.reward(elsewhere).id
    with begin() as session:
        line = product("10.00", session)
        with pytest.raises(RewardRefused):
            quoted(session, make.customer(session), [line], theirs)


def test_a_draft_holds_its_points_and_lets_go_of_what_it_does_not_want(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    reward, smaller = (
        make.reward(session, program=program),
        make.reward(session, program=program, points=40, amount=Decimal("1.00")),
    )
    variant = make_variant(session, "30.00")
    draft = drafted(session, ana, variant, reward.id, reward.id)
    assert (left(session, program, ana), draft.total) == (50, 20)
    assert rewards.asked(session, draft).rewards == (reward.id, reward.id)
    with pytest.raises(NotEnoughPoints):
        drafted(session, ana, variant, reward.id)
    again = drafted(session, ana, variant, reward.id, reward.id, order_id=draft.id)
    assert (left(session, program, ana), again.id) == (50, draft.id)
    drafted(session, ana, variant, smaller.id, order_id=draft.id)
    assert left(session, program, ana) == 210
    drafted(session, ana, variant, order_id=draft.id)
    assert left(session, program, ana) == 250
    drafted(session, ana, variant, reward.id, order_id=draft.id)
    orders.cancel(session, order_id=draft.id)
    assert left(session, program, ana) == 250


def test_a_draft_that_is_another_customers_now_holds_theirs(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    ben = make.customer(session, full_name="Ben")
    make.lot(session, account=make.account(session, program=program, customer=ben))
    reward, variant = make.reward(session, program=program), make_variant(session, "30.00")
    draft = drafted(session, ana, variant, reward.id)
    drafted(session, ben, variant, reward.id, order_id=draft.id)
    assert [left(session, program, who) for who in (ana, ben)] == [250, 0]


def test_a_draft_nobody_places_lets_go_after_a_day_and_takes_anew_when_placed(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    reward, variant = make.reward(session, program=program), make_variant(session, "30.00")
    draft = drafted(session, ana, variant, reward.id)
    assert rewards.lapse(session, vendor_id=draft.vendor_id) == 0
    with clock.stopped_at(make.NOON + timedelta(days=1)):
        assert rewards.lapse(session, vendor_id=draft.vendor_id) == 1
        assert rewards.lapse(session, vendor_id=draft.vendor_id) == 0
        assert left(session, program, ana) == 250
        orders.place(session, order_id=draft.id)
        assert left(session, program, ana) == 150
        other = drafted(session, ana, variant, reward.id)
    with clock.stopped_at(make.NOON + timedelta(days=3)):
        rewards.lapse(session, vendor_id=draft.vendor_id)
        loyalty.take(
            session, customer_id=ana.id, program_id=program.id, points_taken=100, reason="Gone"
        )
        with pytest.raises(NotEnoughPoints), session.begin_nested():
            orders.place(session, order_id=other.id)
    assert left(session, program, ana) == 50


def test_points_held_that_expire_cannot_be_spent(session: Session, program: LoyaltyProgram) -> None:
    ben = make.customer(session)
    account = make.account(session, program=program, customer=ben)
    make.lot(session, account=account, expires_at=make.NOON + timedelta(hours=1))
    reward, variant = make.reward(session, program=program), make_variant(session, "30.00")
    draft = drafted(session, ben, variant, reward.id)
    late = clock.stopped_at(make.NOON + timedelta(hours=2))
    with late, pytest.raises(NotEnoughPoints), session.begin_nested():
        orders.place(session, order_id=draft.id)


def test_what_is_called_off_or_given_back_in_full_returns_the_points(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    reward, variant = make.reward(session, program=program), make_variant(session, "30.00")
    draft = drafted(session, ana, variant, reward.id)
    orders.place(session, order_id=draft.id)
    orders.place(session, order_id=drafted(session, ana, variant, reward.id).id)
    assert left(session, program, ana) == 50
    orders.cancel(session, order_id=draft.id)
    assert left(session, program, ana) == 150
    order = bought(session, ana, "30.00", rewards=[reward.id])
    assert left(session, program, ana) == 50 + 25
    refunds.give(session, order_id=order.id, amount=Decimal("12.50"), reason="Half")
    assert left(session, program, ana) == 50 + 12
    refunds.give(session, order_id=order.id, reason="The rest")
    assert left(session, program, ana) == 150


def test_what_a_customer_can_have_is_offered_dearest_first(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    small, big, far = (
        make.reward(session, program=program, points=many) for many in (100, 200, 400)
    )
    make.reward(session, program=program, is_active=False)
    make.reward(session, program=program, ends_on=make.NOON.date() - timedelta(days=1))
    known = rewards.offers(session, customer_id=ana.id, vendor_id=ana.vendor_id)
    assert [(one.reward.id, one.missing) for one in known] == [
        (big.id, 0), (small.id, 0), (far.id, 150),
    ]  # fmt: skip


def test_a_reward_is_had_as_often_as_it_says(session: Session, program: LoyaltyProgram) -> None:
    ana, ben = (make.customer(session) for _ in range(2))
    for one in (ana, ben):
        make.lot(session, account=make.account(session, program=program, customer=one), points=900)
    once = make.reward(
        session, program=program, points=10, amount=Decimal(1), max_per_customer=2,
        max_redemptions=3, limit_days=30,
    )  # fmt: skip
    first = bought(session, ana, "20", rewards=[once.id, once.id])
    with pytest.raises(reward_limits.RewardHadOften, match="twice by a customer within 30 days"):
        bought(session, ana, "20", rewards=[once.id])
    assert [
        one.reward.id
        for one in rewards.offers(session, customer_id=ana.id, vendor_id=program.vendor_id)
    ] == []
    with pytest.raises(reward_limits.RewardUsedUp, match="used up"):
        bought(session, ben, "20", rewards=[once.id] * 2)
    held = drafted(session, ben, make_variant(session, "20"), once.id)
    with pytest.raises(reward_limits.RewardUsedUp):
        bought(session, ben, "20", rewards=[once.id])
    orders.place(session, order_id=held.id)  # what it holds is its own
    refunds.give(session, order_id=first.id, reason="All of it back")
    bought(session, ana, "20", rewards=[once.id])
    with clock.stopped_at(clock.now() + timedelta(days=31)):
        bought(session, ana, "20", rewards=[once.id])
        bought(session, ben, "20", rewards=[once.id])


def test_a_draft_that_lapsed_asks_anew_whether_a_reward_is_left(
    session: Session, program: LoyaltyProgram
) -> None:
    ana, ben = (make.customer(session) for _ in range(2))
    for one in (ana, ben):
        make.lot(session, account=make.account(session, program=program, customer=one), points=900)
    last = make.reward(session, program=program, points=10, amount=Decimal(1), max_redemptions=1)
    waiting = drafted(session, ana, make_variant(session, "20"), last.id)
    with clock.stopped_at(clock.now() + timedelta(days=2)):
        assert rewards.lapse(session, vendor_id=program.vendor_id) == 1
        bought(session, ben, "20", rewards=[last.id])
        with pytest.raises(reward_limits.RewardUsedUp):
            orders.place(session, order_id=waiting.id)
