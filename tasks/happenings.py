"""What happened is heard of, what falls due is found, usages are worked out."""

import logging
from datetime import datetime
from typing import Any

from app import clock
from app.database import begin, begin_planned
from app.errors import DomainError
from app.operations import falling_due, happenings, usages
from app.operations.coming_up import place_in
from app.operations.falling_due import Looked, Waiting
from app.tenancy import acting, vendor_actor
from tasks.celery import celery_app

log = logging.getLogger(__name__)

MOST_BATCHES = 200
"""A round works out a hundred thousand customers at most; the next one goes on."""


@celery_app.task(name="tasks.happenings.scan")
def scan() -> int:
    """Find what fell due by time for every vendor's rules, and promise it; how many there are.

    Away for hours, it catches up: a rule remembers how far it came.
    """
    now = clock.now()
    with begin() as session:
        waiting = falling_due.waiting(session, now=now)
    return sum(_look(rule, now) for rule in waiting)


def _look(rule: Waiting, now: datetime) -> int:
    """All that fell due for a rule, batch by batch; one that fails holds up no other rule."""
    found, looked = 0, Looked(0, None)
    with acting(vendor_actor(rule.vendor_id)):
        while True:
            try:
                with begin_planned() as session:
                    looked = falling_due.look(
                        session, rule_id=rule.rule_id, now=now, after=looked.place
                    )
            except DomainError as refusal:
                log.warning("Rule %s did not go on: %s", rule.rule_id, refusal.code)
                return found
            found += looked.found
            if looked.place is None:
                return found


@celery_app.task(name=falling_due.FOLLOW)
def follow(rule_id: int, since: str, until: str, after: list[Any] | None, last: list[Any]) -> int:
    """Compose, or plan, what a scan has promised; twice is as good as once."""
    with begin_planned() as session:
        return falling_due.follow(
            session,
            rule_id=rule_id,
            since=datetime.fromisoformat(since),
            until=datetime.fromisoformat(until),
            after=None if after is None else place_in(after),
            last=place_in(last),
        )


@celery_app.task(name=happenings.TASK)
def hear(at: str, useless_at: str | None, **told: Any) -> int:
    """Compose, or plan, what follows from something that happened; twice is as good as once."""
    with begin_planned() as session:
        return happenings.hear(
            session,
            at=datetime.fromisoformat(at),
            useless_at=None if useless_at is None else datetime.fromisoformat(useless_at),
            **told,
        )


@celery_app.task(name=usages.NOTE_ALL)
def note_usages() -> int:
    """Note everybody of a vendor whose clock was changed, in small transactions; how many."""
    number, last, some = 0, 0, usages.NOTED
    while some == usages.NOTED:
        with begin() as session:
            some, last = usages.note(session, after=last)
        number += some
    return number


@celery_app.task(name="tasks.happenings.freshen_usages")
def freshen_usages() -> int:
    """Work out the usages of customers of whom something has changed; of how many."""
    fresh = 0
    for _ in range(MOST_BATCHES):
        with begin_planned() as session:
            some = usages.freshen(session, most=usages.BATCH)
        fresh += some
        if not some:  # of some it may be fewer: who is just being merged is passed over
            break
    return fresh
