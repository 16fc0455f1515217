"""What is bought together is worked out every night, a vendor at a time."""

import logging

from sqlalchemy import select

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import pairs
from app.tenancy import acting, vendor_actor
from models.vendors import Vendor, VendorStatus
from tasks.celery import celery_app

log = logging.getLogger(__name__)


@celery_app.task(name="tasks.pairs.rebuild")
def rebuild() -> int:
    """Work out the pairs of every open vendor; how many there are. One that fails stops no other.

    Twice is as good as once: what was kept is replaced.
    """
    with begin() as session:
        open_ones = select(Vendor.id).where(Vendor.status == VendorStatus.ACTIVE)
        vendor_ids = session.scalars(open_ones.order_by(Vendor.id)).all()
    return sum(_rebuild(vendor_id) for vendor_id in vendor_ids)


def _rebuild(vendor_id: int) -> int:
    try:
        with acting(vendor_actor(vendor_id)), begin() as session:
            return pairs.rebuild(session, vendor_id=vendor_id, now=clock.now())
    except DomainError as refusal:
        log.warning("Pairs of vendor %s were left as they are: %s", vendor_id, refusal.code)
        return 0
