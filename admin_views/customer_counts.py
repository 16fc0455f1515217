"""How many customers there are, without letting a list wait for the number.

A count that took longer than a blink is kept for a minute. The tabs of saved views show what is
known; what is not is asked for by the page once it stands.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.operations import matching
from app.operations.conditions import scope
from app.operations.matching import Count, Filters
from app.settings import settings
from app.tenancy import current_actor

KEPT_SECONDS = 60.0
A_BLINK = 0.002
_MOST_KEPT = 5_000

_kept: dict[Any, tuple[float, Count]] = {}
_lock = threading.Lock()


def _key(session: Session, filters: Filters) -> Any:
    url = str(session.get_bind().engine.url)
    return url, current_actor().role, scope(filters), filters.fingerprint


def forget() -> None:
    """Count everything anew."""
    with _lock:
        _kept.clear()


def counted(session: Session, filters: Filters) -> Count:
    """How many match, up to the cap; up to a minute old where counting takes its time."""
    key = _key(session, filters)
    if (known := _known(key)) is not None:
        return known
    started = time.perf_counter()
    found = matching.count(session, filters, settings().count_cap)
    if time.perf_counter() - started > A_BLINK:
        _keep(key, found)
    return found


def _known(key: Any) -> Count | None:
    with _lock:
        kept = _kept.get(key)
    return kept[1] if kept and time.monotonic() - kept[0] < KEPT_SECONDS else None


def _keep(key: Any, found: Count) -> None:
    with _lock:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = time.monotonic(), found


def known_text(session: Session, filters: Filters) -> str:
    """The count as a tab shows it, if it is known without counting."""
    known = _known(_key(session, filters))
    return str(known) if known else ""


def texts(session: Session, several: Sequence[Filters]) -> list[str]:
    """The counts of several views, each counted at most once a minute."""
    found = []
    for filters in several:
        number = counted(session, filters)
        _keep(_key(session, filters), number)
        found.append(str(number))
    return found
