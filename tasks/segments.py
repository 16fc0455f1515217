"""Segments as time goes by: who is in them is worked out when one is saved, and every hour."""

import logging
from datetime import timedelta

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import segments
from app.tenancy import acting, admin_actor, vendor_actor
from tasks.celery import celery_app

log = logging.getLogger(__name__)

FRESH = timedelta(minutes=50)
"""What was worked out within it is not worked out again by the hour."""


@celery_app.task(name=segments.BUILD)
def build(segment_id: int) -> None:
    """Work out who is in a segment; twice is as good as once."""
    with begin() as session:
        segments.build(session, segment_id=segment_id)


@celery_app.task(name=segments.CLEAR)
def clear(segment_id: int) -> int:
    """Forget who was in a segment that was removed, in small transactions; how many went."""
    gone = 0
    while True:
        with begin() as session:
            cleared = segments.clear(session, segment_id=segment_id)
        gone += cleared
        if cleared < segments.BATCH:
            return gone


@celery_app.task(name="tasks.segments.build_all")
def build_all() -> int:
    """Work out every segment that is not fresh, the oldest first; how many were.

    Each in a transaction of its own; one that fails holds up no other.
    """
    with begin() as session:
        due = segments.due(session, before=clock.now() - FRESH)
    return sum(_built(vendor_id, number) for vendor_id, number in due)


def _built(vendor_id: int | None, segment_id: int) -> bool:
    actor = admin_actor() if vendor_id is None else vendor_actor(vendor_id)
    try:
        with acting(actor), begin() as session:
            return segments.build(session, segment_id=segment_id) is not None
    except DomainError as refusal:
        log.warning("A segment was not worked out: %s: %s", segment_id, refusal)
    except Exception:  # it is the oldest of the next round too, and would be in its way again
        log.exception("Segment %s was not worked out", segment_id)
    return False
