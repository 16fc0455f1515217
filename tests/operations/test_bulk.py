"""A bulk change touches each customer once, says what it skipped, and can be taken back."""

import threading
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import bulk, customers, forgetting, matching, tags
from app.operations.matching import Filters
from app.tenancy import acting, admin_actor, vendor_actor
from models.bulk import BulkJob, BulkRow, BulkStatus
from models.customers import Customer
from models.outbox import OutboxMessage
from models.tags import CustomerTag
from models.tasks import Task
from tasks.bulk import run
from tests import make

ALL = [("add_tag", " VIP"), ("remove_tag", "vip"), ("set_status", "inactive"),
       ("create_task", "Call back")]  # fmt: skip


@pytest.fixture
def vendor(db: Connection) -> int:
    return filled_vendor()


def filled_vendor() -> int:
    """A vendor with six customers: two have the tag, two are inactive, one is archived."""
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        tag = make.tag(session, name="vip")
        rows = [make.customer(session, status="inactive" if n < 2 else "active") for n in range(6)]
        for row in rows[1:3]:
            make.customer_tag(session, customer=row, tag=tag)
        customers.archive(session, customer_id=rows[5].id)
    return vendor


def state(vendor: int) -> Any:
    with acting(vendor_actor(vendor)), begin() as session:
        tagged = select(CustomerTag.customer_id, CustomerTag.created_at).order_by(
            CustomerTag.customer_id
        )
        return (
            session.execute(select(Customer.id, Customer.status).order_by(Customer.id)).all(),
            session.execute(tagged).all(),
            session.scalar(select(func.count()).select_from(Task)),
        )


def started(kind: str, value: str, limit: int = 1_000, **more: Any) -> BulkJob:
    filters = Filters()
    with begin() as session:
        return bulk.start(session, kind=kind, value=value, inline_limit=limit, filters=filters,
                          fingerprint=filters.fingerprint, **more)  # fmt: skip


@pytest.mark.parametrize("who", ["vendor", "admin"])
@pytest.mark.parametrize(("kind", "value"), ALL)
def test_a_bulk_change_and_its_undoing_change_nothing(
    vendor: int, kind: str, value: str, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    second = filled_vendor() if who == "admin" else vendor
    before = state(vendor), state(second)
    with acting(vendor_actor(vendor) if who == "vendor" else admin_actor()):
        job = started(kind, value)
        with begin() as session:
            told = {(o, r): n for o, r, n in bulk.outcomes(session, job_id=job.id)}
            job = session.get_one(BulkJob, job.id)
            times = 2 if who == "admin" else 1
            assert (job.total, job.status) == (5 * times, BulkStatus.DONE)
            assert job.done_count == sum(n for (o, _), n in told.items() if o == "done")
            assert job.done_count + job.skipped_count == job.total
        expected = {"add_tag": 3, "remove_tag": 2, "set_status": 3, "create_task": 5}[kind]
        assert told[("done", None)] == expected * times
        assert all(reason for outcome, reason in told if outcome == "skipped")
        assert (state(vendor), state(second)) != before
        with begin() as session:
            bulk.undo(session, job_id=job.id, inline_limit=1_000)
            assert session.get_one(BulkJob, job.id).status == BulkStatus.UNDONE
            with pytest.raises(bulk.NotUndoable):
                bulk.undo(session, job_id=job.id, inline_limit=1_000)
    assert (state(vendor), state(second)) == before


def test_undo_keeps_what_was_changed_since(vendor: int) -> None:
    with acting(vendor_actor(vendor)):
        jobs = [started(kind, value) for kind, value in ALL if kind != "remove_tag"]
        with begin() as session:
            one = session.scalars(
                select(Customer.id)
                .where(Customer.archived_at.is_(None))
                .order_by(Customer.id.desc())
            ).first()
            assert one is not None
            tags.remove(session, customer_id=one, name="vip")
            customers.set_status(session, customer_id=one, status="pending_follow_up")
            task = session.scalars(select(Task).where(Task.customer_id == one)).one()
            task.note = "rang, no answer"
        for job in jobs:
            with begin() as session:
                bulk.undo(session, job_id=job.id, inline_limit=1_000)
                told = {(o, r): n for o, r, n in bulk.outcomes(session, job_id=job.id)}
            kept = {reason: n for (outcome, reason), n in told.items() if outcome == "kept"}
            assert list(kept.values()) == [1]
            assert all("since" in (reason or "") for reason in kept)
        with begin() as session:
            assert session.get_one(Customer, one).status == "pending_follow_up"
            assert [t.note for t in session.scalars(select(Task))] == ["rang, no answer"]


def test_undo_puts_no_tag_on_a_customer_who_was_forgotten_since(vendor: int) -> None:
    with acting(vendor_actor(vendor)):
        job = started("remove_tag", "vip")
        with begin() as session:
            done = (BulkRow.job_id == job.id, BulkRow.outcome == "done")
            one = session.scalars(select(BulkRow.customer_id).where(*done)).first()
            assert one is not None
            forgetting.forget(session, customer_id=one)
        with begin() as session:
            bulk.undo(session, job_id=job.id, inline_limit=1_000)
            told = {(o, r): n for o, r, n in bulk.outcomes(session, job_id=job.id)}
            assert told[("kept", "archived meanwhile")] == 1
            assert told[("undone", None)] == 1
            tagged = select(CustomerTag.id).where(CustomerTag.customer_id == one)
            assert session.scalars(tagged).all() == []


def test_a_large_change_is_promised_and_done_by_the_task(vendor: int) -> None:
    with acting(vendor_actor(vendor)):
        job = started("set_status", "inactive", limit=2)
        with begin() as session:
            message = session.scalars(select(OutboxMessage).where(
                OutboxMessage.task == "tasks.bulk.run")).one()  # fmt: skip
            assert message.payload["job_id"] == job.id
            late = make.customer(session)
    run.apply(kwargs={"vendor_id": vendor, "job_id": job.id}).get()
    run.apply(kwargs={"vendor_id": vendor, "job_id": job.id}).get()
    with acting(vendor_actor(vendor)), begin() as session:
        done = session.get_one(BulkJob, job.id)
        assert (done.status, done.done_count, done.skipped_count) == (BulkStatus.DONE, 3, 2)
        assert session.get_one(Customer, late.id).status == "active"


def _killed_before_commit(job_id: int) -> None:
    with begin() as session:
        bulk.run_chunk(session, job_id=job_id)
        raise KeyboardInterrupt


def test_a_killed_worker_goes_on_without_doing_a_row_twice(
    vendor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    with acting(vendor_actor(vendor)):
        job = started("create_task", "Call back", limit=0)
        with begin() as session:
            assert bulk.run_chunk(session, job_id=job.id)
        with pytest.raises(KeyboardInterrupt):
            _killed_before_commit(job.id)
        while True:
            with begin() as session:
                if not bulk.run_chunk(session, job_id=job.id):
                    break
        with begin() as session:
            per_customer = session.execute(
                select(Task.customer_id, func.count()).group_by(Task.customer_id)
            ).all()
            assert [number for _, number in per_customer] == [1] * 5


def test_who_is_meant_is_frozen_and_checked(vendor: int) -> None:
    other = filled_vendor()
    with acting(vendor_actor(other)), begin() as session:
        theirs = list(session.scalars(select(Customer.id)))
    with acting(vendor_actor(vendor)), begin() as session:
        mine = session.scalars(matching.matching(Filters())).all()
        job = bulk.start(session, kind="add_tag", value="x", inline_limit=99,
                         ids=[mine[0], *theirs, -1, 2**80, mine[0]])  # fmt: skip
        assert job.total == 1
        common: dict[str, Any] = {"kind": "add_tag", "value": "x", "inline_limit": 99}
        with pytest.raises(bulk.OtherFilters):
            bulk.start(session, filters=Filters(tags=("x",)), fingerprint="0" * 16, **common)
        for ids in ([], theirs, [2**63]):
            with pytest.raises(bulk.NothingSelected):
                bulk.start(session, ids=ids, **common)
        with pytest.raises(DomainError):
            bulk.start(session, ids=list(range(1, 5_000)), **common)
        for verb in (bulk.run_chunk, bulk.undo_chunk):
            with pytest.raises(NotFound):
                verb(session, job_id=2**62)
    with acting(vendor_actor(other)), begin() as session, pytest.raises(NotFound):
        bulk.undo(session, job_id=job.id, inline_limit=99)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("drop_table", "x"), ("add_tag", ""), ("add_tag", "\0"), ("add_tag", "x" * 41),
     ("set_status", "gone"), ("create_task", " \u200b"), ("create_task", "x" * 201)],
)  # fmt: skip
def test_a_change_that_says_nothing_is_refused(vendor: int, kind: str, value: str) -> None:
    with acting(vendor_actor(vendor)), pytest.raises(DomainError):
        started(kind, value)


def test_two_workers_share_a_job_without_doing_a_row_twice(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 1)
    vendor = filled_vendor()
    with acting(vendor_actor(vendor)):
        job = started("create_task", "Call back", limit=0)

    def work() -> None:
        with acting(vendor_actor(vendor)):
            while True:
                with begin() as session:
                    if not bulk.run_chunk(session, job_id=job.id):
                        return

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with acting(vendor_actor(vendor)), begin() as session:
        assert session.scalar(select(func.count()).select_from(Task)) == 5
        done = session.get_one(BulkJob, job.id)
        assert (done.status, done.done_count) == (BulkStatus.DONE, 5)
