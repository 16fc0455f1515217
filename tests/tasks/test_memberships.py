"""Time goes by: memberships run out or are renewed, rests end, packages run out."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.gateways import payments as gateways
from app.operations import freezes, memberships, orders, renewals
from app.settings import settings
from app.tenancy import acting, vendor_actor
from models.memberships import Membership, MembershipPeriod
from models.orders import Order
from models.outbox import OutboxMessage
from models.packages import PackageHolding
from models.payments import EventKind, Payment
from tasks import payments as payment_tasks
from tasks.celery import celery_app
from tasks.memberships import finish, pass_time
from tests import make

DAY = timedelta(days=1)


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)):
        yield vendor_id


def after(days: float) -> int:
    """Let the hour strike so many days after noon; how much it changed."""
    with clock.stopped_at(make.NOON + days * DAY):
        changed: int = pass_time.apply().get()
    return changed


def test_what_was_cancelled_runs_out_and_the_other_is_due(shop: int) -> None:
    with begin() as session:
        ending, going_on = make.membership(session), make.membership(session)
        memberships.end(session, membership_id=ending.id, at_period_end=True)
        ids = ending.id, going_on.id
    for days, changed, statuses in ((29, 0, ["active", "active"]), (31, 2, ["ended", "past_due"])):
        assert after(days) == changed
        with begin() as session:
            both = [session.get_one(Membership, number) for number in ids]
            assert [one.status for one in both] == statuses
    with begin() as session:
        gone, unpaid = (session.get_one(Membership, number) for number in ids)
        assert gone.ended_at == gone.period_ends_at
        order = session.scalars(select(Order)).one()
        assert (order.status, order.customer_id) == ("placed", unpaid.customer_id)
    assert after(31) == 0
    assert celery_app.conf.beat_schedule["pass-time-for-members"]["task"] == pass_time.name


def test_one_that_cannot_be_renewed_holds_up_no_other(
    shop: int, caplog: pytest.LogCaptureFixture
) -> None:
    with begin() as session:
        gone = make.customer(session)
        ids = [make.membership(session, customer=gone).id, make.membership(session).id]
        gone.archived_at = make.NOON
    assert after(30) == 1
    assert f"not renewed: {ids[0]}, CannotOrder" in caplog.text
    with begin() as session:
        assert [session.get_one(Membership, n).status for n in ids] == ["active", "past_due"]


def test_a_rest_begins_and_ends_by_itself_and_puts_off_the_end(shop: int) -> None:
    with begin() as session, clock.stopped_at(make.NOON):
        member = make.membership(session)
        freezes.freeze(
            session, membership_id=member.id, since=make.NOON + 3 * DAY,
            until=make.NOON + 13 * DAY, reason="A broken foot",
        )  # fmt: skip
        number = member.id
    for days, status, ends in ((2, "active", 30), (4, "paused", 30), (14, "active", 40)):
        after(days)
        with begin() as session:
            member = session.get_one(Membership, number)
            assert (member.status, member.period_ends_at) == (status, make.NOON + ends * DAY)
            assert member.periods[0].ends_at == member.period_ends_at


def test_what_is_left_of_a_package_runs_out(shop: int) -> None:
    with begin() as session:
        number = make.holding(
            session, uses=5, uses_left=3, expires_at=make.NOON + 2 * DAY
        ).id  # fmt: skip
        make.holding(session, uses=5)
    assert [after(1), after(2), after(3)] == [0, 1, 0]
    with begin() as session:
        held = session.get_one(PackageHolding, number)
        assert (held.status, held.uses_left, held.uses_expired, held.uses_used) == (
            "expired", 0, 3, 2,
        )  # fmt: skip


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings(), "var", tmp_path)
    monkeypatch.setattr(settings(), "secret_key", "for the tests of renewals")


def by_gateway(session: object, **fields: object) -> Membership:
    return make.membership(session, gateway="desk", **fields)  # type: ignore[arg-type]


def said(vendor_id: int, payment: Payment, kind: EventKind) -> None:
    """The desk says what became of a payment, as a provider's call-back does."""
    gateway = gateways.gateway("desk", vendor_id)
    body, headers = gateway.said(  # type: ignore[attr-defined]
        kind, about=f"payment-{payment.id}", amount=payment.amount, currency=settings().currency
    )
    payment_tasks._heard("desk", gateway.heard(body, headers))


def newest() -> Payment:
    with begin() as session:
        return session.scalars(select(Payment).order_by(Payment.id.desc())).first()  # type: ignore[return-value]


@pytest.mark.usefixtures("desk")
def test_a_gateway_is_asked_again_until_it_pays(shop: int) -> None:
    with begin() as session:
        number = by_gateway(session).id
    after(30)
    first = newest()
    with clock.stopped_at(make.NOON + 30 * DAY):
        payment_tasks.authorise.apply(kwargs={"payment_id": first.id, "vendor_id": shop}).get()
        said(shop, first, EventKind.PAYMENT_FAILED)
    after(30.5)
    assert newest().id == first.id
    after(31)
    second = newest()
    assert second.id != first.id
    after(34)  # it has not answered yet: nobody is asked twice at once
    assert newest().id == second.id
    with clock.stopped_at(make.NOON + 35 * DAY):
        payment_tasks.authorise.apply(kwargs={"payment_id": second.id, "vendor_id": shop}).get()
        said(shop, second, EventKind.PAYMENT_CAPTURED)
        with begin() as session:
            member = session.get_one(Membership, number)
            assert (member.status, member.period_starts_at) == ("active", make.NOON + 30 * DAY)
            order = session.scalars(select(Order)).one()
            assert order.status == "placed"
            promised = session.scalars(
                select(OutboxMessage).where(OutboxMessage.task == finish.name)
            ).one()
        for _ in range(2):
            finish.apply(kwargs={"vendor_id": shop, "order_id": promised.payload["order_id"]}).get()
        with begin() as session:
            assert session.scalars(select(Order)).one().status == "completed"
            periods = session.scalars(select(MembershipPeriod).order_by(MembershipPeriod.id)).all()
            assert [(p.number, p.status) for p in periods] == [(1, "held"), (2, "held")]


@pytest.mark.usefixtures("desk")
def test_a_membership_that_no_gateway_pays_for_ends_with_what_was_paid(shop: int) -> None:
    with begin() as session:
        number = by_gateway(session).id
    day = 30
    for pause in (*renewals.RETRIES, renewals.RETRIES[-1]):
        after(day)
        with clock.stopped_at(make.NOON + day * DAY):
            payment_tasks.authorise.apply(
                kwargs={"payment_id": newest().id, "vendor_id": shop}
            ).get()
            said(shop, newest(), EventKind.PAYMENT_FAILED)
        with begin() as session:
            assert session.get_one(Membership, number).status == "past_due"
        day += pause
    after(day)
    with begin() as session:
        member = session.get_one(Membership, number)
        assert (member.status, member.ended_at) == ("ended", make.NOON + 30 * DAY)
        order = session.scalars(select(Order)).one()
        assert (order.status, order.cancel_reason) == ("cancelled", renewals.UNPAID)
        asked = session.scalars(select(Payment)).all()
        assert len(asked) == len(renewals.RETRIES) + 1


def test_at_the_counter_there_are_two_weeks(shop: int) -> None:
    with begin() as session:
        paid, unpaid = (make.membership(session).id for _ in range(2))
    after(30)
    with clock.stopped_at(make.NOON + 40 * DAY), begin() as session:
        order = renewals.renew(session, membership_id=paid, tender="cash")
        assert order.status == "completed"
    after(43.9)
    with begin() as session:
        statuses = [session.get_one(Membership, n).status for n in (paid, unpaid)]
        assert statuses == ["active", "past_due"]
    after(44)
    with begin() as session:
        statuses = [session.get_one(Membership, n).status for n in (paid, unpaid)]
        assert statuses == ["active", "ended"]


def test_who_calls_the_order_off_lets_the_membership_run_out(shop: int) -> None:
    with begin() as session:
        number = make.membership(session).id
    after(30)
    with begin() as session, clock.stopped_at(make.NOON + 31 * DAY):
        orders.cancel(session, order_id=session.scalars(select(Order.id)).one())
    after(32)
    with begin() as session:
        member = session.get_one(Membership, number)
        assert (member.status, member.ended_at) == ("ended", make.NOON + 30 * DAY)
        assert session.scalars(select(MembershipPeriod.status).order_by("id")).all() == [
            "held", "void",
        ]  # fmt: skip


@pytest.mark.usefixtures("desk")
def test_who_signs_up_online_is_a_member_once_the_gateway_has_paid(shop: int) -> None:
    with begin() as session, clock.stopped_at(make.NOON):
        ids = {"customer_id": make.customer(session).id, "plan_id": make.plan(session).id}
        renewals.sign_up(session, gateway="desk", **ids)
        assert session.scalars(select(Membership)).all() == []
    with clock.stopped_at(make.NOON):
        payment_tasks.authorise.apply(
            kwargs={"payment_id": newest().id, "vendor_id": shop}
        ).get()  # fmt: skip
        said(shop, newest(), EventKind.PAYMENT_CAPTURED)
        with begin() as session:
            order_id = session.scalars(select(Order.id)).one()
        finish.apply(kwargs={"vendor_id": shop, "order_id": order_id}).get()
    with begin() as session:
        member = session.scalars(select(Membership)).one()
        assert (member.status, member.channel, member.gateway) == ("active", "online", "desk")
        assert [(p.kind, p.order_id) for p in member.periods] == [("sold", order_id)]
    after(32)
    with begin() as session:
        assert session.scalars(select(Membership.status)).one() == "past_due"
        assert len(session.scalars(select(Payment)).all()) == 2


def test_a_trial_costs_nothing_once_and_is_paid_for_from_its_end_on(shop: int) -> None:
    with begin() as session, clock.stopped_at(make.NOON):
        plan = make.plan(session, trial_days=14)
        ids = {"customer_id": make.customer(session).id, "plan_id": plan.id}
        member = memberships.join(session, trial=True, **ids)
        assert (member.status, member.period_ends_at) == ("trialing", make.NOON + 14 * DAY)
        number = member.id
    after(15)
    with clock.stopped_at(make.NOON + 16 * DAY), begin() as session:
        member = session.get_one(Membership, number)
        assert member.status == "past_due"
        renewals.renew(session, membership_id=number, tender="card")
        assert (member.status, member.period_starts_at) == ("active", make.NOON + 14 * DAY)
        assert member.period_ends_at == make.NOON.replace(day=4, month=1, year=2027)
        memberships.end(session, membership_id=number)
        with pytest.raises(memberships.NoTrial):
            memberships.join(session, trial=True, **ids)


def test_early_renewals_extend_and_a_repeated_one_does_not_double(shop: int) -> None:
    with begin() as session, clock.stopped_at(make.NOON):
        member = make.membership(session, period_ends_at=make.NOON.replace(month=12))
        ends = member.period_ends_at
        key = uuid4()
        orders_made = {
            renewals.renew(session, membership_id=member.id, tender="cash", request_key=key).id
            for _ in range(2)
        }
        assert len(orders_made) == 1
        assert (member.period_starts_at, member.period_ends_at.month) == (ends, 1)
        renewals.renew(session, membership_id=member.id, tender="cash")
        assert member.period_ends_at.month == 2
        waits = renewals.renew(session, membership_id=member.id)
        assert waits.status == "placed"
        assert renewals.renew(session, membership_id=member.id).id == waits.id
        renewals.end_now(session, membership_id=member.id)
        assert (waits.status, member.status) == ("cancelled", "ended")
