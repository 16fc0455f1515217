"""The waitlist: what became free is offered, and offers that nobody answered go on."""

import logging
from datetime import datetime

from app.database import begin
from app.errors import DomainError
from app.operations import freeing, waitlist
from app.tenancy import acting, vendor_actor
from tasks.celery import celery_app

log = logging.getLogger(__name__)


@celery_app.task(name=freeing.FILL)
def fill(booking_id: int) -> None:
    """Offer the time or the seats of a cancelled booking to who waits; twice is as good as once."""
    with begin() as session:
        waitlist.fill(session, booking_id=booking_id)


@celery_app.task(name=freeing.FILL_TIME)
def fill_time(staff_id: int, starts_at: str, ends_at: str, freed_at: str) -> None:
    """Offer a time that a booking was moved away from, if it is still free."""
    with begin() as session:
        waitlist.fill_time(
            session,
            staff_id=staff_id,
            starts_at=datetime.fromisoformat(starts_at),
            ends_at=datetime.fromisoformat(ends_at),
            freed_at=datetime.fromisoformat(freed_at),
        )


@celery_app.task(name=freeing.FILL_CLASS)
def fill_class(class_session_id: int, freed_at: str) -> None:
    """Offer the seats that a class was given."""
    with begin() as session:
        waitlist.fill_class(
            session,
            class_session_id=class_session_id,
            freed_at=datetime.fromisoformat(freed_at),
        )


@celery_app.task(name="tasks.waitlist.lapse")
def lapse() -> int:
    """End what nobody answered in time, a vendor at a time; how many offers these were."""
    with begin() as session:
        vendor_ids = waitlist.vendors_with_due(session)
    return sum(_lapse(vendor_id) for vendor_id in vendor_ids)


def _lapse(vendor_id: int) -> int:
    """What is left of a crowd, and what somebody else is busy with, is done a minute later."""
    try:
        with acting(vendor_actor(vendor_id)), begin() as session:
            waitlist.end_run_out(session)
            return len(waitlist.lapse_due(session))
    except DomainError as refusal:
        log.warning("The offers of vendor %s did not end: %s", vendor_id, refusal.code)
        return 0
