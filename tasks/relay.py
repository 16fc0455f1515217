"""The relay: what the outbox promises reaches the broker, also after either was away."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from app.database import SessionFactory, begin
from app.operations import messages, outbox
from app.tenancy import SYSTEM, acting
from models.outbox import OutboxMessage
from tasks.base import ID_PREFIX

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
PAUSE_SECONDS = 1.0
"""How long the relay rests when the broker or the database is away."""


BUNDLES = {messages.TASK: 25}
"""Tasks that bring several promises of one vendor at once, and how many at most."""


def relay(session: Session, send: Callable[..., Any], limit: int = 100) -> int:
    """Send the oldest waiting messages; how many were sent.

    When the broker refuses, the transaction is rolled back and the messages stay due.
    """
    claimed = outbox.claim(session, limit)
    bundles: dict[tuple[str, int | None], list[OutboxMessage]] = {}
    for message in claimed:
        if message.task in BUNDLES:
            bundles.setdefault((message.task, message.vendor_id), []).append(message)
            continue
        payload = {"vendor_id": message.vendor_id, **message.payload}
        send(message.task, kwargs=payload, task_id=f"{ID_PREFIX}{message.id}")
    for (task, vendor_id), bundle in bundles.items():
        for some in _cut(bundle, BUNDLES[task]):
            pairs = [[one.id, one.payload["message_id"]] for one in some]
            payload = {"vendor_id": vendor_id, "deliveries": pairs}
            send(task, kwargs=payload, task_id=f"bundle-{some[0].id}")
    return len(claimed)


def _cut(bundle: list[OutboxMessage], most: int) -> Iterator[list[OutboxMessage]]:
    for first in range(0, len(bundle), most):
        yield bundle[first : first + most]


def run_forever(stop: threading.Event, send: Callable[..., Any] | None = None) -> None:
    """Relay until `stop` is set: woken by NOTIFY, polling beside it, outliving every outage."""
    if send is None:
        from tasks.celery import send as to_broker

        send = to_broker
    while not stop.is_set():
        try:
            with acting(SYSTEM), _listening() as ear:
                while not stop.is_set():
                    if not _drain(send, stop):
                        _hear(ear, POLL_SECONDS)
        except Exception as error:
            log.warning("The relay rests: %s", type(error).__name__)
            stop.wait(PAUSE_SECONDS)


def _drain(send: Callable[..., Any], stop: threading.Event) -> int:
    sent = 0
    while not stop.is_set():
        with begin() as session:
            some = relay(session, send)
        sent += some
        if not some:
            break
    return sent


def _listening() -> psycopg.Connection[Any]:
    """A connection of our own that hears of new messages: a pooled one would be reset."""
    url = SessionFactory.kw["bind"].engine.url.set(drivername="postgresql")
    connection = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
    connection.execute(f"LISTEN {outbox.CHANNEL}")
    return connection


def _hear(ear: psycopg.Connection[Any], seconds: float) -> None:
    for _ in ear.notifies(timeout=seconds, stop_after=1):
        break
