"""Messages a second, from `messages.compose` to taken by a mail server on loopback.

`python -m bench.messages [--quick]`. Ours is the whole way: composed in transactions of a hundred,
promised in the outbox, brought by the relay to Redis, claimed by workers of one Celery node with 1,
2 and 4 processes, checked, rendered from the vendor's template, handed to the server and settled.
Beside it, on the same Redis and with as many processes, Celery whose task does nothing; and
`smtplib` that sends the same mails in a loop over one connection. The clock runs from the first
call until the server has the last mail (the last task is done).

Then the faults: ten thousand messages while Redis is killed and started again and workers are
killed at random. `lost` counts messages that never came, `doubled` mails that came once more than
they were sent; `unexplained` are those of them whose worker did not die on them.
"""

import argparse
import json
import os
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from random import Random
from typing import Any

import psutil
import redis
from sqlalchemy import func, select

from app import clock
from app.database import begin, begin_planned, connect
from app.embedded import Postgres
from app.embedded import redis as embedded_redis
from app.tenancy import SYSTEM, acting, vendor_actor
from bench import harness
from bench.post import Post, office

ROOT = Path(__file__).parent.parent
MESSAGES, QUICK = 10_000, 1_000
WORKERS = (1, 2, 4)
AT_ONCE = 100
SENDER = "no-reply@backroom.example"
SUBJECT, BODY = "Your coat, {{first_name}}", "Hello {{customer_name}},\n\nit is here.\n"
PATIENCE = 900


def say(**words: Any) -> None:
    print(json.dumps(words, default=str), file=sys.stderr, flush=True)


def until(condition: Callable[[], bool], every: float = 0.02) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("It did not happen in time.")
        time.sleep(every)  # there is nothing to wait on: other processes do it


class House:
    """The parts around the database: Redis, a relay, a node of workers; each can be killed."""

    def __init__(self, directory: Path, url: str, post: Post) -> None:
        self.log = (directory / "log").open("ab")
        self.port = embedded_redis._free_port()
        self.redis_url = f"redis://127.0.0.1:{self.port}/0"
        self.environment = os.environ | {
            "DATABASE_URL": url, "REDIS_URL": self.redis_url, "VAR": str(directory),
            "SMTP_URL": f"smtp://127.0.0.1:{post.port}", "MAIL_FROM": SENDER,
            "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        self.children: list[subprocess.Popen[bytes]] = []

    def redis(self) -> subprocess.Popen[bytes]:
        command = [embedded_redis.redis_program(), "--port", str(self.port), "--save", ""]
        child = self._child([*command, "--bind", "127.0.0.1", "--appendonly", "no"])
        with redis.Redis.from_url(self.redis_url) as asked:
            until(lambda: _answers(asked))
        return child

    def relay(self) -> subprocess.Popen[bytes]:
        return self._child([sys.executable, "-m", "app", "relay"])

    def worker(self, processes: int, app: str = "bench.messages_app") -> subprocess.Popen[bytes]:
        options = ["worker", "-c", str(processes), "-l", "warning", "--without-mingle"]
        command = [sys.executable, "-m", "celery", "-A", app, *options, "--without-gossip"]
        return self._child(command)

    def ready(self, app: str) -> None:
        """Wait until the workers answer: their start is not what is measured."""
        import importlib

        celery = importlib.import_module(app).celery_app
        until(lambda: bool(celery.control.ping(timeout=0.5)), every=0.1)

    def _child(self, command: list[str]) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            command, env=self.environment, stdout=self.log, stderr=self.log, cwd=ROOT
        )
        self.children.append(child)
        return child

    def close(self) -> None:
        for child in self.children:
            kill(child)
        self.log.close()


def _answers(asked: "redis.Redis[Any]") -> bool:
    try:
        return bool(asked.ping())
    except redis.ConnectionError:
        return False


def kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        family = psutil.Process(child.pid).children(recursive=True)
        child.send_signal(signal.SIGKILL)
        for one in family:
            one.kill()
    child.wait(30)


@contextmanager
def house(directory: Path, url: str, post: Post) -> Iterator[House]:
    """The house with its Redis and its relay; this process composes in it."""
    made = House(directory, url, post)
    known = {name: os.environ.get(name) for name in made.environment}
    os.environ.update(made.environment)
    from app.settings import settings

    settings.cache_clear()
    try:
        yield made
    finally:
        made.close()
        for name, value in known.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        settings.cache_clear()


# --- ours ---------------------------------------------------------------------------------------


def furnish(number: int) -> tuple[int, int, list[int]]:
    """A vendor with a template and so many customers: their ids."""
    from app.operations import templates
    from models.customers import Customer
    from models.vendors import Vendor

    with acting(SYSTEM), begin() as session:
        vendor = Vendor(slug="busy", name="Busy", kind="store", country="PT", time_zone="UTC")
        session.add(vendor)
        session.flush()  # the id
    with acting(vendor_actor(vendor.id)), begin() as session:
        people = [
            Customer(full_name=f"Customer {n}", email=f"c{n}@example.com", vendor_id=vendor.id)
            for n in range(number)
        ]
        session.add_all(people)
        template = templates.write(
            session, name="Coat", channel="email", subject=SUBJECT, body=BODY
        )  # fmt: skip
        session.flush()  # the ids
        return vendor.id, template.id, [one.id for one in people]


def compose(vendor_id: int, template_id: int, customers: list[int]) -> set[str]:
    """Tell everybody; the names of the mails."""
    from app.operations import messages
    from models.customers import Customer

    names = set()
    for first in range(0, len(customers), AT_ONCE):
        with acting(vendor_actor(vendor_id)), begin_planned() as session:
            some = Customer.id.in_(customers[first : first + AT_ONCE])
            for customer in session.scalars(select(Customer).where(some)).all():
                told = messages.compose(
                    session, customer_id=customer.id, purpose="transactional",
                    template_id=template_id,
                )  # fmt: skip
                if told is None:
                    raise SystemExit("A message was not composed.")
                names.add(f"<message-{told.id}@backroom.example>")
    return names


def whole_way(made: House, post: Post, processes: int, place: Any) -> dict[str, Any]:
    """Messages a second with so many worker processes, relay and all."""
    post.forget()
    worker = made.worker(processes)
    made.ready("bench.messages_app")
    begun = time.monotonic()
    names = compose(*place)
    composed = time.monotonic()
    until(lambda: post.count() >= len(names))
    until(lambda: waiting() == 0)
    came, seconds = post.came(), post.last() - begun
    kill(worker)
    return {
        "processes": processes,
        "messages_per_second": round(len(names) / seconds, 1),
        "composed_per_second": round(len(names) / (composed - begun), 1),
        **differences(names, came),
    }


def waiting() -> int:
    from app.operations import outbox

    with acting(SYSTEM), begin() as session:
        return outbox.waiting(session)


def differences(names: set[str], came: Any) -> dict[str, int]:
    return {"lost": len(names - set(came)), "doubled": came.total() - len(came)}


# --- beside it ----------------------------------------------------------------------------------


def bare_celery(made: House, processes: int, number: int) -> float:
    """Tasks a second that do nothing, from the first that is sent to the last that is done."""
    from bench.messages_app import bare_app

    bare_app.conf.broker_url = made.redis_url
    worker = made.worker(processes, "bench.messages_app:bare_app")
    until(lambda: bool(bare_app.control.ping(timeout=0.5)), every=0.1)
    with redis.Redis.from_url(made.redis_url) as count:
        count.delete("bench.done")
        begun = time.monotonic()
        for n in range(number):
            bare_app.send_task("bench.nothing", kwargs={"number": n, "of": number}, retry=False)
        until(lambda: count.exists("bench.done") == 1, every=0.005)
        seconds = time.monotonic() - begun
    kill(worker)
    return round(number / seconds, 1)


def bare_smtplib(post: Post, number: int) -> float:
    """The same mails a second, made and sent in a loop over one connection."""
    post.forget()
    begun = time.monotonic()
    with smtplib.SMTP("127.0.0.1", post.port) as server:
        for n in range(number):
            mail = EmailMessage()
            mail["From"], mail["To"] = f"Busy <{SENDER}>", f"c{n}@example.com"
            mail["Subject"] = f"Your coat, Customer {n}"
            mail["Date"] = format_datetime(clock.now())
            mail["Message-ID"] = f"<bare-{n}@backroom.example>"
            mail.set_content(f"Hello Customer {n},\n\nit is here.\n")
            server.send_message(mail)
    return round(number / (time.monotonic() - begun), 1)


# --- faults -------------------------------------------------------------------------------------


def faults(made: House, broker: Any, post: Post, place: Any) -> dict[str, Any]:
    """All of them while Redis and workers are killed; what came, and what the rows say."""
    from models.messages import Message

    random, killed, stop = Random(4), {"workers": 0, "redis": 0}, threading.Event()
    post.forget()
    workers, broker = [made.worker(1), made.worker(1)], [broker]

    def strike() -> None:
        while _some_more(post, random.randint(len(place[2]) // 50, len(place[2]) // 15), stop):
            if random.random() < 0.25:
                kill(broker[0])
                time.sleep(random.uniform(0.0, 1.0))  # so long the broker is away
                broker[0] = made.redis()
                killed["redis"] += 1
                continue
            number = random.randrange(len(workers))
            kill(workers[number])
            workers[number] = made.worker(1)
            killed["workers"] += 1

    striker = threading.Thread(target=strike)
    striker.start()
    begun = time.monotonic()
    names = compose(*place)
    until(lambda: len(names - set(post.came())) < len(names) // 20, every=1.0)
    stop.set()  # the last ones in peace: what a dead worker held comes back after its lease
    striker.join()
    until(lambda: waiting() == 0, every=0.5)
    came, seconds = post.came(), time.monotonic() - begun
    with acting(SYSTEM), begin() as session:
        mine = [int(name.removeprefix("<message-").partition("@")[0]) for name in names]
        whose = Message.id.between(min(mine), max(mine))
        died = select(Message.id).where(whose, Message.deaths > 0)
        known = {f"<message-{one}@backroom.example>" for one in session.scalars(died)}
        not_sent = select(func.count(Message.id)).where(whose, Message.status != "sent")
        left = session.scalar(not_sent) or 0
    for worker in workers:
        kill(worker)
    twice = {name for name, times in came.items() if times > 1}
    return {
        "messages": len(names), "seconds": round(seconds, 1), "killed": killed,
        **differences(names, came), "workers_died_on": len(known),
        "unexplained": len(twice - known), "not_marked_sent": left,
    }  # fmt: skip


def _some_more(post: Post, mails: int, stop: threading.Event) -> bool:
    """Wait until so many more came, that all get going between two blows; False at the end."""
    reached = post.count() + mails
    while post.count() < reached and not stop.wait(0.05):
        pass
    return not stop.is_set()


# --- all of it ----------------------------------------------------------------------------------


def measure(*, quick: bool) -> dict[str, Any]:
    number = QUICK if quick else MESSAGES
    with harness.server() as postgres, office() as post, tempfile.TemporaryDirectory() as folder:
        harness.migrated(postgres)
        return _measured(postgres, post, Path(folder), number)


def _measured(postgres: Postgres, post: Post, folder: Path, number: int) -> dict[str, Any]:
    url = postgres.url("backroom", "backroom_app")
    engine = connect(url, pool_size=4)
    with house(folder, url, post) as made:
        broker = made.redis()
        made.relay()
        place = furnish(number)
        harness.execute(postgres, "VACUUM (ANALYZE)")
        smtp = bare_smtplib(post, number)
        say(bare_smtplib=smtp)
        ours, bare = [], {}
        for processes in WORKERS:
            bare[processes] = bare_celery(made, processes, number)
            ours.append(whole_way(made, post, processes, place))
            say(bare_celery=bare[processes], **ours[-1])
        struck = faults(made, broker, post, place)
        say(**struck)
    engine.dispose()
    best = max(one["messages_per_second"] for one in ours)
    return {
        "messages": number,
        "ours": ours,
        "bare_celery_per_second": bare,
        "bare_smtplib_per_second": smtp,
        "ratio_to_celery": round(best / max(bare.values()), 3),
        "ratio_to_smtplib": round(best / smtp, 3),
        "faults": struck,
        "lost": struck["lost"] + sum(one["lost"] for one in ours),
        "doubled": struck["doubled"] + sum(one["doubled"] for one in ours),
        "unexplained": struck["unexplained"],
    }


def told(result: dict[str, Any]) -> str:
    """The results as a page for people."""
    struck = result["faults"]
    rows = [
        f"| {one['processes']} | {one['messages_per_second']} | {one['composed_per_second']} |"
        f" {result['bare_celery_per_second'][one['processes']]} |"
        for one in result["ours"]
    ]
    return "\n".join(
        [
            f"`python -m bench.messages`; {result['messages']:,} messages a run, from `compose` to"
            " taken by a mail server on loopback, two cores for all parts.",
            "",
            "| worker processes | messages a second | of these composed | bare Celery, tasks |",
            "|--:|--:|--:|--:|",
            *rows,
            "",
            f"`smtplib` in a loop over one connection: {result['bare_smtplib_per_second']} a"
            f" second. Ours at best is {result['ratio_to_celery']} of bare Celery at best and"
            f" {result['ratio_to_smtplib']} of `smtplib`.",
            "",
            f"Faults: {struck['messages']:,} messages while {struck['killed']['workers']} workers"
            f" and Redis {struck['killed']['redis']} times were killed: {struck['lost']} lost,"
            f" {struck['doubled']} doubled, {struck['unexplained']} of them unexplained"
            f" ({struck['workers_died_on']} messages had a worker die on them).",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no part is left behind
    result = measure(quick=given.quick)
    if not given.quick:
        harness.write_results("Messages", told(result))
    harness.finish(result)


if __name__ == "__main__":
    main()
