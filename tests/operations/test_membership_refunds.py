"""Money for a membership that is given back takes its time with it, and no other."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.operations import freezes, interests, memberships, orders, refunds, renewals
from app.operations.lines import DraftLine
from app.tenancy import acting, vendor_actor
from models.memberships import Membership
from models.orders import LineKind, Order
from tests import make

DAY = timedelta(days=1)


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def sold(session: Any, **fields: Any) -> tuple[Order, Membership]:
    """A membership that somebody paid 30 for at the counter."""
    plan = make.plan(session, price=Decimal(30), **fields)
    line = DraftLine(LineKind.MEMBERSHIP, plan.id)
    draft = orders.save_draft(session, lines=[line], customer_id=make.customer(session).id)
    order = orders.place(session, order_id=draft.id)
    renewals.payments.charge(session, order_id=order.id, tender=renewals.Tender.CASH)
    orders.complete(session, order_id=order.id)
    return order, session.scalars(select(Membership).order_by(Membership.id.desc())).first()


def periods(session: Any, membership: Membership) -> list[str]:
    session.refresh(membership)
    return [period.status for period in membership.periods]


def test_all_of_it_back_ends_the_membership_with_the_reason(shop: int) -> None:
    with begin() as session:
        order, member = sold(session)
        assert member.status == "active"
        refunds.give(session, order_id=order.id, amount=Decimal(29), reason="Half pleased")
        assert (member.status, periods(session, member)) == ("active", ["held"])
        refunds.give(session, order_id=order.id, amount=Decimal(1), reason="Moves away")
        assert (member.status, member.ended_at, member.end_reason) == (
            "ended", make.NOON, "Moves away",
        )  # fmt: skip
        assert periods(session, member) == ["void"]
        assert interests.drift(session) == []
        plan = member.plan_id
        assert memberships.join(session, customer_id=member.customer_id, plan_id=plan)


def test_the_money_of_an_early_renewal_takes_back_that_period_alone(shop: int) -> None:
    with begin() as session:
        first, member = sold(session)
        ends = member.period_ends_at
        renewed = renewals.renew(session, membership_id=member.id, tender="cash")
        assert member.period_ends_at > ends
        refunds.give(
            session,
            order_id=renewed.id,
            lines={renewed.lines[0].id: Decimal(30)},
            reason="Too much",
        )
        assert (member.status, member.period_ends_at) == ("active", ends)
        assert (member.cancel_at_period_end, member.end_reason) == (True, "Too much")
        assert periods(session, member) == ["held", "void"]
        memberships.keep(session, membership_id=member.id)
        assert (member.cancel_at_period_end, member.end_reason) == (False, None)
        again = renewals.renew(session, membership_id=member.id, tender="cash")
        refunds.give(session, order_id=first.id, reason="The first one was bad")
        assert (member.status, periods(session, member)) == ("active", ["void", "void", "held"])
        refunds.give(session, order_id=again.id, reason="So was this")
        assert (member.status, member.end_reason) == ("ended", "So was this")


def test_a_period_that_is_over_when_it_is_given_back_leaves_nothing(shop: int) -> None:
    with begin() as session:
        _, member = sold(session)
        with clock.stopped_at(member.period_ends_at + DAY):
            renewed = renewals.renew(session, membership_id=member.id, tender="cash")
            refunds.give(session, order_id=renewed.id, reason="By mistake")
            assert (member.status, member.ended_at) == ("ended", clock.now())


def test_one_that_rests_keeps_what_was_left_of_the_period_before(shop: int) -> None:
    with begin() as session:
        _, member = sold(session)
        ends = member.period_ends_at
        renewed = renewals.renew(session, membership_id=member.id, tender="cash")
        freezes.freeze(session, membership_id=member.id)
        with clock.stopped_at(ends + 30 * DAY):
            refunds.give(session, order_id=renewed.id, reason="Moves away")
            assert (member.status, member.period_ends_at) == ("paused", ends)
            freezes.resume(session, membership_id=member.id)
            assert member.period_ends_at - clock.now() == ends - make.NOON


def test_another_plan_of_the_same_order_stays(shop: int) -> None:
    with begin() as session:
        plans = [make.plan(session, price=Decimal(price)) for price in (30, 20)]
        draft = orders.save_draft(
            session, lines=[DraftLine(LineKind.MEMBERSHIP, plan.id) for plan in plans],
            customer_id=make.customer(session).id,
        )  # fmt: skip
        order = orders.place(session, order_id=draft.id)
        renewals.payments.charge(session, order_id=order.id, tender=renewals.Tender.CASH)
        orders.complete(session, order_id=order.id)
        line = next(one for one in order.lines if one.plan_id == plans[0].id)
        refunds.give(session, order_id=order.id, lines={line.id: Decimal(30)}, reason="One enough")
        found = dict(session.execute(select(Membership.plan_id, Membership.status)).all())
        assert found == {plans[0].id: "ended", plans[1].id: "active"}
