"""What happens every night: books are checked, old sign-ins go."""

import logging
from typing import Any

from sqlalchemy import select

from app import clock
from app.database import begin
from app.operations import (
    balances,
    clearing,
    coupon_truth,
    figures,
    interests,
    market_figures,
    places,
    shelf_truth,
)
from app.tenancy import acting, vendor_actor
from models.vendors import Vendor
from tasks.celery import celery_app

log = logging.getLogger(__name__)

MOST_BATCHES = 500
"""A night forgets a million rows of a table at most; the next one goes on."""


@celery_app.task(name="tasks.nightly.check_the_books")
def check_the_books() -> int:
    """Recompute every running number, a vendor at a time; how many differ, which must be none.

    Seats of classes and claims of rooms are held against their bookings too, stock against its
    moves, money against its ledgers, and the figures of the last days against all of them. Books
    that cannot be checked count as one that differs, and hold up no others.
    """
    with begin() as session:
        vendor_ids = session.scalars(select(Vendor.id).order_by(Vendor.id)).all()
    return sum(_tried(vendor_id) for vendor_id in vendor_ids) + _check_market()


def _tried(vendor_id: int) -> int:
    try:
        return _check(vendor_id)
    except Exception:  # what differs elsewhere is told all the same
        log.exception("The books of vendor %s could not be checked", vendor_id)
        return 1


def _check(vendor_id: int) -> int:
    with acting(vendor_actor(vendor_id)), begin() as session:
        found = interests.drift(session)
        books = (places, shelf_truth, balances, coupon_truth)
        astray = [one for book in books for one in book.drift(session)]
        days = figures.recent(session, vendor_id=vendor_id)
        astray += figures.drift(session, days=days)
    for drift in found:
        log.error(
            "The books differ: vendor %s, customer %s, %s is %s and should be %s.",
            vendor_id, drift.customer_id, drift.number, drift.kept, drift.true,
        )  # fmt: skip
    for one in astray:
        log.error(
            "The books differ: vendor %s, %s %s, %s is %s and should be %s.",
            vendor_id, one.noun, one.row_id, one.what, one.kept, one.true,
        )  # fmt: skip
    return len(found) + len(astray)


def _check_market() -> int:
    """The marketplace's figures of the last days, held against those of its vendors."""
    with begin() as session:
        astray = market_figures.drift(session, days=market_figures.recent())
    for one in astray:
        log.error(
            "The books of the marketplace differ: %s %s, %s is %s and should be %s.",
            one.noun, one.row_id, one.what, one.kept, one.true,
        )  # fmt: skip
    return len(astray)


@celery_app.task(name="tasks.nightly.clear_sign_ins")
def clear_sign_ins() -> int:
    """Forget old tries to sign in, sessions that ended and spent links; how many rows went."""
    return sum(_clear(table) for table in clearing.TABLES)


def _clear(table: type[Any]) -> int:
    """Small transactions, so that nobody who signs in meanwhile waits."""
    gone = 0
    for _ in range(MOST_BATCHES):
        with begin() as session:
            cleared = clearing.clear(session, table=table, now=clock.now(), most=clearing.BATCH)
        gone += cleared
        if cleared < clearing.BATCH:
            break
    return gone
