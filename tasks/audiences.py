"""What people did today is counted every few minutes; who buys, where and what, every night."""

import logging
from datetime import timedelta

from sqlalchemy import select

from app import clock
from app.database import begin
from app.operations import activity, audiences, demand
from models.vendors import Vendor
from tasks.celery import celery_app

log = logging.getLogger(__name__)

LATELY = timedelta(minutes=15)
"""Longer than the time between two rounds; what was missed all the same, the night finds."""


@celery_app.task(name="tasks.audiences.note_activity")
def note_activity() -> int:
    """Bring up to date what the people of each vendor have done; how many days that took."""
    with begin() as session:
        return activity.note(session, now=clock.now())


@celery_app.task(name="tasks.audiences.note_demand")
def note_demand() -> int:
    """Tell the demand of vendors anew in whose line something has changed; of how many."""
    with begin() as session:
        vendor_ids = demand.changed(session, since=clock.now() - LATELY)
    return sum(_told(vendor_id) for vendor_id in vendor_ids)


def _told(vendor_id: int) -> bool:
    try:
        with begin() as session:
            demand.rebuild(session, vendor_id=vendor_id)
    except Exception:  # the next vendor's line waits for no one
        log.exception("The demand of vendor %s was not told", vendor_id)
        return False
    return True


@celery_app.task(name="tasks.audiences.rebuild")
def rebuild() -> int:
    """Work out the figures of who buys, vendor by vendor, and their sums; of how many vendors."""
    with begin() as session:
        vendor_ids = session.scalars(select(Vendor.id).order_by(Vendor.id)).all()
    rebuilt = sum(_rebuilt(vendor_id) for vendor_id in vendor_ids)
    with begin() as session:
        audiences.add_up(session)
        months = audiences.months(session)
        due = audiences.uncounted(session, among=months, today=clock.now().date())
        audiences.leave_out(session, but=months)
    for month in due:
        with begin() as session:
            audiences.engage(session, month=month)
    return rebuilt


def _rebuilt(vendor_id: int) -> bool:
    try:
        with begin() as session:
            audiences.rebuild(session, vendor_id=vendor_id)
            demand.rebuild(session, vendor_id=vendor_id)
    except Exception:  # the next vendor's figures wait for no one
        log.exception("Who buys at vendor %s was not worked out", vendor_id)
        return False
    return True
