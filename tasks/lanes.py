"""Pieces of a list side by side: the database works on two cores, and saves in the list's order."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from sqlalchemy.orm import Session

from app.database import begin_planned

PATIENCE = 300.0
"""Seconds a piece waits for the one before it; then it is given up, and done again later."""

Work = Callable[[Session, Any, Callable[[], None]], None]


def side_by_side(pieces: Sequence[Any], work: Work, *, lanes: int) -> None:
    """Work on so many pieces at once, each in a thread and a transaction of its own.

    `work(session, piece, turn)` calls `turn` before it settles: it waits until every piece before
    is saved. When a piece fails, none after it is saved, and the first failure is raised.
    """
    saved: list[Future[None]] = [Future() for _ in range(len(pieces) + 1)]
    saved[0].set_result(None)

    def lane(number: int) -> None:
        try:
            if failed := next((f for f in saved[:number] if f.done() and f.exception()), None):
                failed.result()
            with begin_planned() as session:
                work(session, pieces[number], lambda: saved[number].result(PATIENCE))
        except BaseException as error:
            saved[number + 1].set_exception(error)
            raise
        saved[number + 1].set_result(None)

    with ThreadPoolExecutor(lanes) as pool:
        done = [pool.submit(copy_context().run, lane, number) for number in range(len(pieces))]
    for piece in done:
        piece.result()
