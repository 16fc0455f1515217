"""Memberships and packages as time goes by: rests, renewals, what is not paid, what runs out."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import freezes, memberships, packages, payments, renewals
from app.tenancy import acting, vendor_actor
from models.vendors import Vendor
from tasks.celery import celery_app

log = logging.getLogger(__name__)

MOST_BATCHES = 100
"""A run works on so many batches of a vendor at most; the next one goes on."""

Batch = Callable[..., int]
Ids = Callable[..., list[int]]
One = Callable[[Session, int], Any]


@celery_app.task(name="tasks.memberships.pass_time")
def pass_time() -> int:
    """Let an hour go by for every vendor; how many memberships and packages it changed."""
    with begin() as session:
        vendor_ids = session.scalars(select(Vendor.id).order_by(Vendor.id)).all()
    return sum(of_vendor(vendor_id, clock.now()) for vendor_id in vendor_ids)


@celery_app.task(name=payments.FINISH)
def finish(order_id: int) -> None:
    """Complete an order of memberships that is paid; twice is as good as once."""
    with begin() as session:
        renewals.finish(session, order_id=order_id)


def of_vendor(vendor_id: int, now: datetime) -> int:
    """The same for one vendor; what goes wrong with some of it holds up nothing else."""
    steps = (
        partial(_in_batches, freezes.pass_time, now),
        partial(_in_batches, memberships.end_run_out, now),
        partial(_one_by_one, renewals.due, now, _bill),
        partial(_one_by_one, renewals.to_collect, now, _collect),
        partial(_in_batches, packages.expire, now),
    )
    with acting(vendor_actor(vendor_id)):
        return sum(_tried(vendor_id, step) for step in steps)


def _tried(vendor_id: int, step: Callable[[], int]) -> int:
    try:
        return step()
    except Exception:  # the next vendor's members wait for no one
        log.exception("The time did not pass for some members of vendor %s", vendor_id)
        return 0


def _in_batches(verb: Batch, now: datetime) -> int:
    """Small transactions, so that nobody at the counter waits."""
    done = 0
    for _ in range(MOST_BATCHES):
        with begin() as session:
            count = verb(session, now=now)
        done += count
        if not count:
            break
    return done


def _one_by_one(which: Ids, now: datetime, verb: One) -> int:
    """Each in a transaction of its own."""
    with begin() as session:
        ids = which(session, now=now)
    done = 0
    for number in ids:
        try:
            with begin() as session:
                verb(session, number)
            done += 1
        except DomainError as refusal:
            log.warning("A membership was not renewed: %s, %s: %s", number, refusal.code, refusal)
        except Exception:  # the next membership waits for no one
            log.exception("A membership was not renewed: %s", number)
    return done


def _bill(session: Session, membership_id: int) -> Any:
    return renewals.bill(session, membership_id=membership_id)


def _collect(session: Session, period_id: int) -> Any:
    return renewals.collect(session, period_id=period_id)
