"""Clients side by side, each a process with a connection of its own, and what they send."""

import multiprocessing
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from typing import Any
from unittest.mock import patch
from uuid import UUID

import psycopg

from app import garbage

Ask = Callable[[Any], bool]
"""Ask for something in a transaction of its own; whether it was won."""

Sent = tuple[str, Any]
"""A statement and its parameters: a mapping, or a list of them that it was sent for in turn."""
WRITES = re.compile(
    r"\s*(INSERT|UPDATE|DELETE)|set_config|pg_notify|FOR (NO KEY |KEY )?(UPDATE|SHARE)"
)
"""A statement that writes, locks or says who acts."""


def side_by_side(
    clients: int, wishes: Callable[[int], tuple[list[Any], list[Any]]], make: Callable[..., Ask],
    *given: Any,
) -> float:  # fmt: skip
    """How much a second so many processes win between them, first to last.

    `wishes(client)` is what a client asks for before the clock runs, for plans and caches to be
    warm, and after; `make(*given)` is called in its process and asks for one of them.
    """
    context = multiprocessing.get_context("spawn")
    ready, told = context.Barrier(clients), context.Queue()
    workers = [
        context.Process(target=_client, args=(make, given, wishes, client, ready, told))
        for client in range(clients)
    ]
    for worker in workers:
        worker.start()
    results = [told.get(timeout=600) for _ in workers]
    for worker in workers:
        worker.join()
    won = sum(own for _, _, own in results)
    return float(won / (max(end for _, end, _ in results) - min(begun for begun, _, _ in results)))


def _client(
    make: Callable[..., Ask], given: tuple[Any, ...],
    wishes: Callable[[int], tuple[list[Any], list[Any]]], client: int, ready: Barrier, told: Any,
) -> None:  # fmt: skip
    ask, (first, asked) = make(*given), wishes(client)
    for wish in first:
        ask(wish)
    garbage.settle()  # as the web's processes do
    ready.wait()
    begun = time.monotonic()
    won = sum(ask(wish) for wish in asked)
    told.put((begun, time.monotonic(), won))


@contextmanager
def recorded() -> Iterator[list[Sent]]:
    """What is sent to the database within: noted below SQLAlchemy, which not all of it passes."""
    sent, one, many = list[Sent](), psycopg.Cursor.execute, psycopg.Cursor.executemany

    def execute(cursor: Any, statement: Any, parameters: Any = None, **more: Any) -> Any:
        sent.append((str(statement), parameters))
        return one(cursor, statement, parameters, **more)

    def executemany(cursor: Any, statement: Any, parameters: Any, **more: Any) -> Any:
        sent.append((str(statement), list(parameters)))
        return many(cursor, statement, parameters, **more)

    with (
        patch.object(psycopg.Cursor, "execute", execute),
        patch.object(psycopg.Cursor, "executemany", executemany),
    ):
        yield sent


def instead(parameters: Any, known: dict[Any, Any]) -> Any:
    """The parameters with some whole numbers and UUIDs in place of others."""

    def other(value: Any) -> Any:
        return known[value] if isinstance(value, int | UUID) and value in known else value

    if isinstance(parameters, dict):
        return {name: other(value) for name, value in parameters.items()}
    if parameters and isinstance(parameters[0], dict):
        return [instead(one, known) for one in parameters]
    return [other(value) for value in parameters or ()]
