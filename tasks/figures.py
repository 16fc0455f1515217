"""Figures follow what happens: noted days are worked out every minute, hours of staff at night."""

import logging
import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import figures, market_figures
from models.figures import StaffHours
from models.vendors import Vendor
from tasks.celery import celery_app

log = logging.getLogger(__name__)

SECONDS = 45.0
"""A round begins nothing more after so long; the next one goes on."""


@celery_app.task(name="tasks.figures.freshen")
def freshen() -> int:
    """Work out the days of which something has changed, today's first; how many there were.

    The marketplace's days follow those of vendors, turn about: neither waits for all of the other.
    Where that fails, each vendor by itself: what is wrong with one holds up no other.
    """
    until, done = time.monotonic() + SECONDS, 0
    try:
        while time.monotonic() < until:
            with begin() as session:
                worked_out = figures.freshen(session)
            if not worked_out + _add_up():
                break
            done += worked_out
    except Exception:  # whatever it is, it is one vendor's: all others go on
        log.exception("Figures were not worked out: each vendor is tried by itself")
        with begin() as session:
            vendor_ids = figures.waiting(session)
        done += sum(_tried(_freshen, vendor_id) for vendor_id in vendor_ids)
        _add_up()
    return done


def _add_up() -> int:
    with begin() as session:
        return market_figures.freshen(session)


def _freshen(session: Session, vendor_id: int) -> int:
    return figures.freshen(session, vendor_id=vendor_id)


@celery_app.task(name="tasks.figures.count_hours")
def count_hours() -> int:
    """Work out how long everybody could be booked, up to the end of next month; at how many."""
    counted = _of_each(_count_hours)
    with begin() as session:
        market_figures.rebuild(session, only=[StaffHours])
    return counted


def _count_hours(session: Session, vendor_id: int) -> int:
    figures.count_hours(session, vendor_id=vendor_id)
    return 1


@celery_app.task(name="tasks.figures.settle_messages")
def settle_messages() -> int:
    """See who came after the messages of the last weeks; how many days were worked out."""
    return _of_each(_settle)


def _settle(session: Session, vendor_id: int) -> int:
    return figures.settle(session, vendor_id=vendor_id, now=clock.now())


def _of_each(work: Callable[[Session, int], int]) -> int:
    """Do it for every vendor, each in a transaction of its own; what it comes to."""
    with begin() as session:
        vendor_ids = session.scalars(select(Vendor.id).order_by(Vendor.id)).all()
    return sum(_tried(work, vendor_id) for vendor_id in vendor_ids)


def _tried(work: Callable[[Session, int], int], vendor_id: int) -> int:
    try:
        with begin() as session:
            return work(session, vendor_id)
    except Exception:  # the next vendor's figures wait for no one
        log.exception("The figures of vendor %s were not worked out", vendor_id)
        return 0
