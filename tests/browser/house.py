"""The real thing, small: PostgreSQL, Redis, mail, web, worker and relay, and two vendors' data."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app import clock
from app.database import SessionFactory, begin, connect
from app.embedded import Redis
from app.embedded.redis import _free_port
from app.processes import spawn, stop
from app.tenancy import SYSTEM, acting, vendor_actor
from models.customers import Customer
from tests import make, webclient
from tests.post_office import Box, PostOffice
from tests.server import TestServer

ROOT = Path(__file__).parents[2]
HOSTILE = {
    "script": "<script>alert('in')</script>",
    "long": "Maximiliana" * 28,
    "right to left": "\u202eمحمد عبد الرحمن بن يوسف",
}
PATIENCE = 90


@dataclass
class Running:
    """A running installation: where it answers, what is in it, and a way to put more in."""

    address: str
    database: str
    house: webclient.House
    post: Box
    things: dict[str, int] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """The whole address of a path."""
        return self.address + path

    @contextmanager
    def at(self, slug: str) -> Iterator[Session]:
        """A committed transaction of a vendor."""
        actor = vendor_actor(self.house.vendors[slug])
        with bound(self.database), acting(actor), begin() as session:
            yield session

    def customer(self, slug: str = "alpha", **fields: Any) -> int:
        """The id of a new customer of a vendor."""
        with self.at(slug) as session:
            return int(make.customer(session, **fields).id)

    def count(self, slug: str, *conditions: Any) -> int:
        """How many customers of a vendor meet all conditions."""
        with self.at(slug) as session:
            return session.query(Customer).filter(*conditions).count()


@contextmanager
def bound(url: str) -> Iterator[None]:
    """`begin()` works on a database for a while."""
    before = SessionFactory.kw.get("bind")
    engine = connect(url, pool_size=2)
    try:
        yield
    finally:
        engine.dispose()
        SessionFactory.configure(bind=before)


@contextmanager
def running(server: TestServer, directory: Path) -> Iterator[Running]:
    """Start every part on a database of its own, furnished, and stop all at the end."""
    database = server.clone(f"browser_{os.getpid()}")
    with bound(database):
        house = webclient.furnish()
        things = fill(house)
    with ExitStack() as stack:
        redis = stack.enter_context(Redis.start(directory / "redis"))
        office = stack.enter_context(PostOffice())
        port = _free_port()
        address = f"http://127.0.0.1:{port}"
        environment = os.environ | {
            "DATABASE_URL": database, "REDIS_URL": redis.url, "VAR": str(directory / "var"),
            "DEMO": "true", "SECRET_KEY": webclient.SECRET, "PUBLIC_URL": address,
            "PYTHONUNBUFFERED": "1",
            "SMTP_URL": f"smtp://127.0.0.1:{office.port}", "MAIL_FROM": "house@market.example",
        }  # fmt: skip
        for name, arguments in {
            "web": ("serve", "--port", str(port)),
            "worker": ("worker", "--concurrency", "1"),
            "relay": ("relay",),
        }.items():
            log = stack.enter_context((directory / f"{name}.log").open("ab"))
            child = spawn(
                [sys.executable, "-m", "app", *arguments],
                log=log, directory=ROOT, environment=environment,
            )  # fmt: skip
            stack.callback(stop, child, (signal.SIGTERM,), patience=1)
            if name == "web":
                web = child
        _wait(address, web, directory / "web.log")
        yield Running(address, database, house, office.box, things)


def _wait(address: str, web: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and web.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{address}/readyz", timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError(f"The panel did not start: {log.read_text()[-2000:]}")


def fill(house: webclient.House) -> dict[str, int]:
    """Put a little of every noun into both vendors; the ids of what tests look at."""
    things: dict[str, int] = {}
    with acting(SYSTEM), begin() as session:
        hair = make.category(session, name="Hair")
        things["hair"] = hair.id
        things["colour"] = make.category(session, name="Colour", parent_id=hair.id).id
        things["pets"] = make.category(session, name="Pets").id
        make.person(session)
    for slug in ("alpha", "beta"):
        with acting(vendor_actor(house.vendors[slug])), begin() as session:
            _fill_vendor(session, slug, things)
    return things


def _fill_vendor(session: Session, slug: str, things: dict[str, int]) -> None:
    now = clock.now()
    colour = make.service(session, name=f"Colour at {slug}", category_id=things["colour"])
    bath = make.service(session, name=f"Bath at {slug}", category_id=things["pets"])
    anna = make.staff_member(session, name=f"Stylist {slug}")
    people = [
        make.customer(
            session,
            full_name=f"{slug.capitalize()} Person {n:02}",
            email=f"person{n}@{slug}.example",
            last_activity_at=now - timedelta(days=n),
            total_spent=Decimal(10 * n),
            visit_count=n,
        )
        for n in range(30)
    ]
    for n, one in enumerate(people):
        service = bath if n % 3 == 0 else colour
        make.interest(session, customer=one, item_id=service.id, category_id=service.category_id)
    for word, name in HOSTILE.items():
        row = make.customer(session, full_name=name, last_activity_at=now)
        things[f"{slug} {word}"] = row.id
    first = people[1]
    make.message_template(session, name="It is here", body="Hello {{first_name}}")
    make.message(
        session, customer=first, subject="It is here", body="Hello " * 40, status="failed",
        failed_at=now, error="The mail server refuses the recipient.", address="a@b.example",
    )  # fmt: skip
    vip = make.tag(session, name="vip")
    make.customer_tag(session, customer=first, tag=vip)
    make.address(session, customer=first)
    make.consent(session, customer=first)
    booking = make.booking(
        session, customer=first, service=colour, staff=anna, starts_at=now + timedelta(hours=2)
    )
    order = make.order(session, customer=first, variant=make.variant(session))
    holding = make.holding(session, customer=first)
    things |= {
        f"{slug} customer": first.id, f"{slug} booking": booking.id, f"{slug} order": order.id,
        f"{slug} service": colour.id, f"{slug} staff": anna.id,
        f"{slug} holding": holding.id, f"{slug} tag": vip.id,
        f"{slug} product": order.lines[0].variant_id or 0,
        f"{slug} membership": make.membership(session, customer=first).id,
        f"{slug} coupon": make.coupon(session).id,
        f"{slug} task": make.task(session, customer=first, due_at=now).id,
        f"{slug} import": make.import_job(session).id,
    }  # fmt: skip
