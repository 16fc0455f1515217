"""What happens every night: the books are checked, and what has run out is ended."""

import logging

from sqlalchemy import select

from app import clock
from app.database import begin
from app.operations import interests, memberships
from app.tenancy import acting, vendor_actor
from models.vendors import Vendor
from tasks.celery import celery_app

log = logging.getLogger(__name__)


@celery_app.task(name="tasks.nightly.check_the_books")
def check_the_books() -> int:
    """Recompute every running number, a vendor at a time; how many differ, which must be none."""
    with begin() as session:
        vendor_ids = session.scalars(select(Vendor.id).order_by(Vendor.id)).all()
    return sum(_check(vendor_id) for vendor_id in vendor_ids)


def _check(vendor_id: int) -> int:
    with acting(vendor_actor(vendor_id)), begin() as session:
        memberships.end_run_out(session, now=clock.now())
        found = interests.drift(session)
    for drift in found:
        log.error(
            "The books differ: vendor %s, customer %s, %s is %s and should be %s.",
            vendor_id, drift.customer_id, drift.number, drift.kept, drift.true,
        )  # fmt: skip
    return len(found)
