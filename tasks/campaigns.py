"""Campaigns in the background: chunk by chunk, and again when their time has come."""

import logging

from app import clock
from app.database import begin, begin_planned
from app.errors import DomainError
from app.operations import campaigns
from app.tenancy import acting, vendor_actor
from tasks.celery import celery_app

log = logging.getLogger(__name__)


@celery_app.task(name=campaigns.GO_ON)
def go_on(run_id: int) -> None:
    """Look at, or write to, the customers of a run; a second one goes on where this was killed."""
    while _chunk(run_id):
        pass


def _chunk(run_id: int) -> bool:
    with begin_planned() as session:
        return campaigns.go_on(session, run_id=run_id)


@celery_app.task(name="tasks.campaigns.repeat_due")
def repeat_due() -> int:
    """Let what goes out again go out; how many did.

    Each in a transaction of its own; one that fails holds up no other.
    """
    now = clock.now()
    with begin() as session:
        due = campaigns.due(session, now=now)
    return sum(_repeated(vendor_id, number) for vendor_id, number in due)


def _repeated(vendor_id: int, campaign_id: int) -> bool:
    try:
        with acting(vendor_actor(vendor_id)), begin() as session:
            return campaigns.repeat(session, campaign_id=campaign_id, now=clock.now()) is not None
    except DomainError as refusal:
        if _is_news(vendor_id, campaign_id, str(refusal)):
            log.warning("A campaign did not go out again: %s: %s", campaign_id, refusal)
    except Exception:  # the next vendor's campaigns wait for no one
        log.exception("Campaign %s did not go out again", campaign_id)
    return False


def _is_news(vendor_id: int, campaign_id: int, why: str) -> bool:
    """Whether it was not told lately: what is tried every ten minutes fails for the same reason."""
    try:
        with acting(vendor_actor(vendor_id)), begin() as session:
            return campaigns.hold_back(session, campaign_id=campaign_id, why=why, now=clock.now())
    except Exception:  # told once too often rather than never
        log.exception("What holds campaign %s back was not noted", campaign_id)
        return True
