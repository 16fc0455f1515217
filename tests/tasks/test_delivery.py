"""Nothing is lost and nothing done twice, whichever part is killed: on a real Redis and worker."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import psutil
import pytest
import redis
from sqlalchemy import func, select, text

from app.database import begin
from app.embedded import redis as embedded_redis
from app.operations import messages, outbox
from app.tenancy import SYSTEM, acting, vendor_actor
from models.messages import Message
from models.outbox import OutboxMessage
from tasks import relay as relays
from tasks.base import outbox_id
from tests import make
from tests.post_office import PostOffice

ROOT = Path(__file__).parents[2]
PATIENCE = 60


class Bench:
    """A Redis on one port, a worker, a relay, and the notes that the tasks leave."""

    def __init__(self, directory: Path, database: str) -> None:
        self.notes = directory / "notes"
        self.notes.touch()
        self.port = embedded_redis._free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.log = (directory / "log").open("ab")
        self.environment = os.environ | {
            "DATABASE_URL": database,
            "REDIS_URL": self.url,
            "NOTES": str(self.notes),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'tasks'}",
        }
        self.children: list[subprocess.Popen[bytes]] = []

    def redis(self) -> subprocess.Popen[bytes]:
        command = [embedded_redis.redis_program(), "--port", str(self.port), "--save", ""]
        return self._child([*command, "--bind", "127.0.0.1", "--appendonly", "no"])

    def worker(self) -> subprocess.Popen[bytes]:
        options = ["worker", "-c", "1", "-l", "info", "--without-mingle", "--without-gossip"]
        return self._child([sys.executable, "-m", "celery", "-A", "worker_app", *options])

    def _child(self, command: list[str]) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            command, env=self.environment, stdout=self.log, stderr=self.log, cwd="/"
        )
        self.children.append(child)
        return child

    @contextmanager
    def relay(self) -> Iterator[None]:
        from kombu import Connection

        from tasks.celery import celery_app

        stop = threading.Event()

        def send(task: str, *, kwargs: dict[str, object], task_id: str) -> None:
            options = {"socket_connect_timeout": 1}
            with Connection(self.url, transport_options=options) as broker:
                celery_app.send_task(
                    task, kwargs=kwargs, task_id=task_id, retry=False, connection=broker
                )

        thread = threading.Thread(target=relays.run_forever, args=(stop, send))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(PATIENCE)

    def handed_over(self) -> int:
        """How many tasks lie with the broker, taken up by nobody."""
        with redis.Redis.from_url(self.url) as broker:
            return int(broker.llen("backroom"))

    def said(self, word: str) -> list[str]:
        return sorted(line for line in self.notes.read_text().split("\n") if line.startswith(word))

    def close(self) -> None:
        for child in self.children:
            _kill(child)
        self.log.close()


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        family = psutil.Process(child.pid).children(recursive=True)
        child.send_signal(signal.SIGKILL)
        for one in family:
            one.kill()
    child.wait(PATIENCE)


@pytest.fixture
def bench(fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(outbox, "LEASE", timedelta(seconds=2))
    monkeypatch.setattr(outbox, "LONGEST_LEASE", timedelta(seconds=2))
    monkeypatch.setattr(relays, "POLL_SECONDS", 0.2)
    monkeypatch.setattr(relays, "PAUSE_SECONDS", 0.2)
    made = Bench(tmp_path, fresh_database)
    yield made
    made.close()


def _promise(*names: str, **payload: object) -> list[int]:
    with acting(SYSTEM), begin() as session:
        return [outbox.enqueue(session, "tests.note", name=n, **payload).id for n in names]


def _done() -> int:
    with acting(SYSTEM), begin() as session:
        done = text("SELECT count(*) FROM outbox_messages WHERE done_at IS NOT NULL")
        return session.scalar(done) or 0


def _eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "It did not happen in time."
        time.sleep(0.1)


def test_redis_killed_and_started_again_loses_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    broker = bench.redis()
    with bench.relay():
        _promise("a", "b")
        _eventually(lambda: bench.handed_over() >= 2)  # nobody works: the broker takes them along
        _kill(broker)
        caplog.clear()
        _promise("c")
        _eventually(lambda: "The relay rests" in caplog.text)
        bench.redis()
        bench.worker()
        _eventually(lambda: _done() == 3)
    assert bench.said("done") == ["done a", "done b", "done c"]


def test_a_worker_killed_in_the_middle_is_replaced(bench: Bench) -> None:
    bench.redis()
    worker = bench.worker()
    with bench.relay():
        _promise("slow", killed=True)
        _eventually(lambda: bench.said("begun") == ["begun slow"])
        _kill(worker)
        bench.worker()
        _eventually(lambda: _done() == 1)
    assert bench.said("done") == ["done slow"]
    assert len(bench.said("begun")) == 2


def test_a_second_delivery_has_no_second_effect(fresh_database: str) -> None:
    from tasks.outbox import clear

    with acting(SYSTEM), begin() as session:
        message_id = outbox.enqueue(session, "tasks.outbox.clear").id
    for _ in range(2):
        clear.apply(task_id=f"outbox-{message_id}", kwargs={"vendor_id": None, "user_id": 1})
    with acting(SYSTEM), begin() as session:
        message = session.get_one(OutboxMessage, message_id)
    assert (message.attempts, message.done_at is not None) == (1, True)


def test_the_body_acts_for_the_vendor_of_the_payload(fresh_database: str) -> None:
    from tasks.outbox import clear

    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        message_id = outbox.enqueue(session, "tasks.outbox.clear").id
    assert clear.apply(
        task_id=f"outbox-{message_id}", kwargs={"vendor_id": vendor, "user_id": 1}
    ).successful()


def test_a_broker_that_is_away_leaves_the_message_due(fresh_database: str) -> None:
    _promise("a")

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError), acting(SYSTEM), begin() as session:
        relays.relay(session, refuse)
    sent: list[str] = []
    with acting(SYSTEM), begin() as session:
        relays.relay(session, lambda task, **options: sent.append(options["task_id"]))
    assert len(sent) == 1


@pytest.mark.parametrize("task_id", [None, "", "outbox-", "outbox-x", "7", "x-7"])
def test_other_task_ids_stand_for_no_message(task_id: str | None) -> None:
    assert outbox_id(task_id) is None
    assert outbox_id("outbox-7") == 7


# --- messages, by a real mail server ------------------------------------------------------------

MESSAGES = 120
"""Few enough for a few seconds; `bench/messages.py` does the same with ten thousand."""


def _composed() -> set[str]:
    """Messages to as many customers, promised; their names."""
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        told = [
            messages.compose(
                session, customer_id=make.customer(session, email=f"c{n}@example.com").id,
                purpose="transactional", channel="email",
                words={"subject": f"Number {n}", "body": "Hello"},
            )
            for n in range(MESSAGES)
        ]  # fmt: skip
    return {f"<message-{one.id}@backroom.example>" for one in told if one is not None}


def _status(status: str) -> int:
    with acting(SYSTEM), begin() as session:
        many = select(func.count(Message.id)).where(Message.status == status)
        return session.scalar(many) or 0


def test_messages_outlive_redis_and_workers_that_are_killed(bench: Bench) -> None:
    """None is lost, and none sent twice but one whose worker died before it could write it down."""
    random = Random(5)
    with PostOffice() as office:
        bench.environment |= {
            "SMTP_URL": f"smtp://127.0.0.1:{office.port}",
            "MAIL_FROM": "no-reply@backroom.example",
        }
        promised, broker = _composed(), bench.redis()
        worker, _ = bench.worker(), bench.worker()
        with bench.relay():
            _eventually(lambda: len(office.box.letters) >= random.randint(20, 60))
            _kill(worker)
            _eventually(lambda: len(office.box.letters) >= random.randint(65, 90))
            _kill(broker)
            bench.redis()
            _eventually(lambda: _status("sent") == MESSAGES)
        came = Counter(str(letter["Message-ID"]) for letter in office.box.letters)
    assert set(came) == promised
    with acting(SYSTEM), begin() as session:
        died = session.scalars(select(Message).where(Message.deaths > 0)).all()
    twice = {name for name, times in came.items() if times > 1}
    assert twice <= {f"<message-{one.id}@backroom.example>" for one in died}
    assert came.total() - MESSAGES <= sum(one.deaths for one in died) <= 1
