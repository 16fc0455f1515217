"""What falls due by time is found every minute, and how often things are used is worked out."""

import logging
from datetime import datetime

from app import clock
from app.database import begin, begin_planned
from app.errors import DomainError
from app.operations import falling_due, usages
from app.operations.falling_due import Done, Waiting
from app.tenancy import acting, vendor_actor
from tasks.celery import celery_app

log = logging.getLogger(__name__)

MOST_BATCHES = 200
"""A round works out a hundred thousand customers at most; the next one goes on."""


@celery_app.task(name="tasks.happenings.scan")
def scan() -> int:
    """Do what fell due by time for every vendor's rules; how many messages and tasks these were.

    Away for hours, it catches up: a rule remembers how far it came.
    """
    now = clock.now()
    with begin() as session:
        waiting = falling_due.waiting(session, now=now)
    return sum(_catch_up(rule, now) for rule in waiting)


def _catch_up(rule: Waiting, now: datetime) -> int:
    """All that fell due for a rule, batch by batch; one that fails holds up no other rule."""
    acted, done = 0, Done(0, None)
    with acting(vendor_actor(rule.vendor_id)):
        while True:
            try:
                with begin_planned() as session:
                    done = falling_due.batch(
                        session, rule_id=rule.rule_id, now=now, after=done.place
                    )
            except DomainError as refusal:
                log.warning("Rule %s did not go on: %s", rule.rule_id, refusal.code)
                return acted
            acted += done.acted
            if done.place is None:
                return acted


@celery_app.task(name="tasks.happenings.freshen_usages")
def freshen_usages() -> int:
    """Work out the usages of customers of whom something has changed; of how many."""
    fresh = 0
    for _ in range(MOST_BATCHES):
        with begin_planned() as session:
            some = usages.freshen(session)
        fresh += some
        if some < usages.BATCH:
            break
    return fresh
