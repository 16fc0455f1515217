"""Memberships, packages and tasks: their few moves, and what they remember."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import freezes, interests, memberships, packages, tasks
from app.operations.moves import CannotMove
from app.tenancy import SYSTEM, acting, vendor_actor
from models.tasks import TASK_TRANSITIONS, TaskStatus
from tests import make


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def test_a_pause_makes_the_period_longer(shop: int) -> None:
    with begin() as session:
        ids = {"customer_id": make.customer(session).id, "plan_id": make.plan(session).id}
        membership = memberships.join(session, **ids)
        assert membership.period_ends_at == make.NOON.replace(month=12)
        freezes.freeze(session, membership_id=membership.id)
        with pytest.raises(CannotMove):
            freezes.freeze(session, membership_id=membership.id)
        with clock.stopped_at(make.NOON + timedelta(days=10)):
            freezes.resume(session, membership_id=membership.id)
        assert membership.period_ends_at == make.NOON.replace(month=12) + timedelta(days=10)
        assert membership.paused_at is None
        memberships.end(session, membership_id=membership.id)
        with pytest.raises(freezes.NothingRests):
            freezes.resume(session, membership_id=membership.id)
        assert memberships.join(session, **ids).id != membership.id
        assert interests.drift(session) == []


def test_a_package_is_handed_out_with_all_its_uses_and_taken_back(shop: int) -> None:
    with begin() as session:
        customer, package = make.customer(session), make.package(session, uses=5, valid_days=90)
        holding = packages.hand_out(session, customer_id=customer.id, package_id=package.id)
        assert (holding.uses_left, holding.expires_at) == (5, make.NOON + timedelta(days=90))
        packages.cancel(session, holding_id=holding.id)
        with pytest.raises(packages.NotActive, match="cancelled already"):
            packages.cancel(session, holding_id=holding.id)
        assert interests.drift(session) == []


def test_what_is_not_on_offer_or_not_here_is_refused(shop: int) -> None:
    with begin() as session:
        here = make.customer(session).id
        gone = make.customer(session, archived_at=make.NOON).id
        old_plan = make.plan(session, is_active=False).id
        old_package = make.package(session, is_active=False).id
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        plan, package = make.plan(session).id, make.package(session).id
    for verb, name, items in (
        (memberships.join, "plan_id", (old_plan, plan)),
        (packages.hand_out, "package_id", (old_package, package)),
    ):
        for customer_id, item_id in ((here, items[0]), (here, items[1]), (gone, items[0])):
            with pytest.raises(DomainError) as caught, begin() as session:
                verb(session, customer_id=customer_id, **{name: item_id})
            assert caught.value.field == ("customer_id" if customer_id == gone else name)


VERBS = {
    TaskStatus.IN_PROGRESS: tasks.start,
    TaskStatus.DONE: tasks.finish,
    TaskStatus.CANCELLED: tasks.cancel,
    TaskStatus.OPEN: tasks.reopen,
}


@pytest.mark.parametrize("was", TaskStatus)
@pytest.mark.parametrize("to", TaskStatus)
def test_a_task_moves_as_its_table_says(shop: int, was: TaskStatus, to: TaskStatus) -> None:
    with begin() as session:
        task = make.task(session, status=was)
        if to in TASK_TRANSITIONS[was]:
            assert VERBS[to](session, task_id=task.id).status == to
        else:
            with pytest.raises(CannotMove):
                VERBS[to](session, task_id=task.id)


def test_a_task_is_planned_assigned_done_and_opened_again(shop: int) -> None:
    with begin() as session:
        customer, staff = make.customer(session), make.staff_member(session)
        task = tasks.plan(
            session, title=" Call ", customer_id=customer.id, due_at=datetime(2026, 7, 1, 9)
        )
        assert (task.title, task.due_at and task.due_at.hour) == ("Call", 8)  # summer in Lisbon
        tasks.assign(session, task_id=task.id, assignee_id=staff.id)
        tasks.finish(session, task_id=task.id, outcome="No refill needed.")
        assert (task.done_at, task.outcome) == (make.NOON, "No refill needed.")
        with pytest.raises(tasks.CannotPlan):
            tasks.assign(session, task_id=task.id, assignee_id=None)
        tasks.reopen(session, task_id=task.id)
        assert (task.done_at, task.outcome, task.assignee_id) == (None, None, staff.id)


def test_a_task_that_cannot_be_planned_says_why(shop: int) -> None:
    with begin() as session:
        task_id = make.task(session).id
    with acting(vendor_actor(make.new_vendor())):
        with begin() as session:
            foreign = make.staff_member(session).id, make.customer(session).id
        with pytest.raises(NotFound), begin() as session:
            tasks.start(session, task_id=task_id)
    wrong = {
        "title": {"title": "  "},
        "assignee_id": {"title": "Call", "assignee_id": foreign[0]},
        "customer_id": {"title": "Call", "customer_id": foreign[1]},
    }
    for field, fields in wrong.items():
        with pytest.raises(tasks.CannotPlan) as caught, begin() as session:
            tasks.plan(session, **fields)
        assert caught.value.field == field
    with acting(SYSTEM), pytest.raises(tasks.CannotPlan, match="Nobody"), begin() as session:
        tasks.plan(session, title="Call")
