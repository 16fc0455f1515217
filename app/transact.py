"""One operation, one transaction, one thread."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio.to_thread
from sqlalchemy.orm import Session

from app.database import begin, begin_planned

P = ParamSpec("P")
T = TypeVar("T")


def in_transaction(
    operation: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run `operation(session, ...)` in a transaction of its own."""
    with begin() as session:
        return operation(session, *args, **kwargs)


async def in_thread(
    operation: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """The same from the event loop: in a worker thread, so that no query blocks the loop."""

    def run() -> Any:
        return in_transaction(operation, *args, **kwargs)

    return await anyio.to_thread.run_sync(run)


async def in_thread_planned(
    operation: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """The same for one whose statements are planned once, as `begin_planned` has it."""

    def run() -> Any:
        with begin_planned() as session:
            return operation(session, *args, **kwargs)

    return await anyio.to_thread.run_sync(run)
