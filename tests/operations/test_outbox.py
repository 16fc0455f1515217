"""The outbox promises in the transaction, is handed over under a lease, and gives up in the end."""

from datetime import datetime, timedelta

import psycopg
import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import SessionFactory, begin
from app.errors import NobodyActs, NotFound
from app.operations import outbox
from app.tenancy import SYSTEM, acting, vendor_actor
from models.outbox import OutboxMessage
from tests import make

TASK = "tasks.outbox.clear"


def _message(message_id: int) -> OutboxMessage:
    with begin() as session:
        return session.get_one(OutboxMessage, message_id)


def _enqueued() -> int:
    with begin() as session:
        return outbox.enqueue(session, TASK).id


def _claimed() -> list[int]:
    with begin() as session:
        return [message.id for message in outbox.claim(session)]


def test_a_promise_carries_who_acts(db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor, user_id=1)), begin() as session:
        message = outbox.enqueue(session, TASK, job_id=7)
    assert (message.vendor_id, message.payload) == (vendor, {"user_id": 1, "job_id": 7})


def test_an_admin_may_promise_for_a_vendor(db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(SYSTEM), begin() as session:
        assert outbox.enqueue(session, TASK, vendor_id=vendor).vendor_id == vendor
        assert outbox.enqueue(session, TASK).vendor_id is None


def test_nobody_can_promise_nothing(db: Connection) -> None:
    with pytest.raises(NobodyActs):
        _enqueued()


def test_a_vendor_sees_only_its_own_promises(db: Connection) -> None:
    mine, other = make.new_vendor(), make.new_vendor()
    with acting(vendor_actor(mine)), begin() as session:
        outbox.enqueue(session, TASK)
    with acting(vendor_actor(other)), begin() as session:
        assert list(session.scalars(select(OutboxMessage))) == []


def test_a_lease_that_runs_out_makes_the_message_due_again(
    db: Connection, at_noon: datetime
) -> None:
    with acting(SYSTEM):
        message_id = _enqueued()
        assert _claimed() == [message_id]
        assert _claimed() == []
        with clock.stopped_at(at_noon + timedelta(hours=1)):
            assert _claimed() == [message_id]


def test_done_is_never_due_again(db: Connection, at_noon: datetime) -> None:
    with acting(SYSTEM):
        message_id = _enqueued()
        with begin() as session:
            assert outbox.take_up(session, message_id=message_id)
            outbox.mark_done(session, message_id=message_id)
        with clock.stopped_at(at_noon + timedelta(days=1)):
            assert _claimed() == []
        with begin() as session:
            assert not outbox.take_up(session, message_id=message_id)


def test_pauses_grow_and_end(db: Connection, at_noon: datetime) -> None:
    pauses = []
    with acting(SYSTEM):
        message_id = _enqueued()
        for _ in range(outbox.MAX_ATTEMPTS):
            with begin() as session:
                assert outbox.take_up(session, message_id=message_id)
                outbox.mark_failed(session, message_id=message_id, error=ValueError("secret"))
            message = _message(message_id)
            pauses.append(message.available_at - at_noon)
        assert pauses[:3] == [timedelta(seconds=s) for s in (5, 10, 20)]
        assert message.dead_at == at_noon
        assert message.last_error == "ValueError"
        with begin() as session:
            assert not outbox.take_up(session, message_id=message_id)


def test_a_refusal_is_kept_as_its_sentence(db: Connection) -> None:
    with acting(SYSTEM):
        message_id = _enqueued()
        with begin() as session:
            outbox.mark_failed(session, message_id=message_id, error=NotFound())
        assert (_message(message_id).last_error or "").startswith("NotFound: There is no such")


def test_a_message_that_kills_its_worker_is_given_up(db: Connection, at_noon: datetime) -> None:
    with acting(SYSTEM):
        message_id = _enqueued()
        for _ in range(outbox.MAX_ATTEMPTS):
            with begin() as session:
                assert outbox.take_up(session, message_id=message_id)
        with begin() as session:
            assert not outbox.take_up(session, message_id=message_id)
        assert _message(message_id).dead_at == at_noon
        with begin() as session:
            outbox.revive(session, message_id=message_id)
            assert outbox.take_up(session, message_id=message_id)
            with pytest.raises(outbox.NotGivenUp):
                outbox.revive(session, message_id=message_id)
        assert _message(message_id).attempts == 1


def test_two_relays_never_get_the_same_message(fresh_database: str) -> None:
    with acting(SYSTEM):
        ids = {_enqueued() for _ in range(4)}
        with begin() as one, begin() as two:
            first = {message.id for message in outbox.claim(one, 2)}
            second = {message.id for message in outbox.claim(two, 4)}
    assert len(first) == len(second) == 2
    assert first | second == ids


def test_only_one_runs_a_message(fresh_database: str) -> None:
    with acting(SYSTEM):
        message_id = _enqueued()
    with outbox.running(message_id) as mine, outbox.running(message_id) as theirs:
        assert (mine, theirs) == (True, False)
    with outbox.running(message_id) as again:
        assert again


def test_the_relay_hears_at_commit_and_not_before(fresh_database: str) -> None:
    url = SessionFactory.kw["bind"].engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(), autocommit=True) as ear:
        ear.execute(f"LISTEN {outbox.CHANNEL}")
        with acting(SYSTEM), begin() as session:
            for _ in range(3):
                outbox.enqueue(session, TASK)
            assert list(ear.notifies(timeout=0.2)) == []
        assert len(list(ear.notifies(timeout=60, stop_after=1))) == 1
        assert list(ear.notifies(timeout=0.2)) == []  # of all three it hears once
