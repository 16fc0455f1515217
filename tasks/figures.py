"""Figures follow what happens: noted days are worked out every minute, hours of staff at night."""

import time

from sqlalchemy import select

from app import clock
from app.database import begin
from app.operations import figures, staff_hours
from models.vendors import Vendor
from tasks.celery import celery_app

SECONDS = 45.0
"""A round begins nothing more after so long; the next one goes on."""


@celery_app.task(name="tasks.figures.freshen")
def freshen() -> int:
    """Work out the days of which something has changed, today's first; how many there were."""
    until, done = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        with begin() as session:
            worked_out = figures.freshen(session)
        if not worked_out:
            break
        done += worked_out
    return done


@celery_app.task(name="tasks.figures.count_hours")
def count_hours() -> int:
    """Work out how long everybody could be booked, up to the end of next month; at how many."""
    with begin() as session:
        vendor_ids = session.scalars(select(Vendor.id).order_by(Vendor.id)).all()
    for vendor_id in vendor_ids:
        with begin() as session:
            staff_hours.rebuild(session, vendor_id=vendor_id)
    return len(vendor_ids)


@celery_app.task(name="tasks.figures.settle_messages")
def settle_messages() -> int:
    """See who came after the messages of the last two weeks; how many days were worked out."""
    with begin() as session:
        vendor_ids = session.scalars(select(Vendor.id).order_by(Vendor.id)).all()
    settled = 0
    for vendor_id in vendor_ids:
        with begin() as session:
            settled += figures.settle(session, vendor_id=vendor_id, now=clock.now())
    return settled
