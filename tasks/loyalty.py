"""Points as time goes by: they mature and expire, drafts let go, tiers run out, birthdays come."""

import logging
from collections.abc import Callable
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import earning, loyalty, points, rewards
from app.tenancy import acting, vendor_actor
from models.loyalty import LoyaltyProgram
from tasks.celery import celery_app

log = logging.getLogger(__name__)

MOST_BATCHES = 2000
"""An hour changes a million lots of a vendor at most; the next one goes on."""

Batch = Callable[..., int]


@celery_app.task(name="tasks.loyalty.pass_time")
def pass_time() -> int:
    """Let an hour go by for every vendor that has programmes; how much it changed."""
    with begin() as session:
        vendors = select(LoyaltyProgram.vendor_id).distinct().order_by(LoyaltyProgram.vendor_id)
        vendor_ids = session.scalars(vendors).all()
    return sum(of_vendor(vendor_id) for vendor_id in vendor_ids)


def of_vendor(vendor_id: int) -> int:
    """The same for one vendor; what somebody else is busy with is done an hour later."""
    with acting(vendor_actor(vendor_id)):
        try:
            return (
                _in_batches(rewards.lapse, vendor_id)
                + _in_batches(loyalty.mature, vendor_id)
                + _in_batches(loyalty.expire, vendor_id)
                + _in_batches(loyalty.look_at_tiers, vendor_id)
                + _birthdays(vendor_id)
            )
        except DomainError as refusal:
            log.warning("Points of vendor %s did not follow the time: %s", vendor_id, refusal.code)
        except Exception:  # the next vendor's points wait for no one
            log.exception("Points of vendor %s did not follow the time", vendor_id)
        return 0


def _in_batches(verb: Batch, vendor_id: int) -> int:
    """Small transactions, so that nobody at the counter waits."""
    return _repeated(lambda session: verb(session, vendor_id=vendor_id))


def _repeated(once: Callable[[Session], int]) -> int:
    done = 0
    for _ in range(MOST_BATCHES):
        with begin() as session:
            count = once(session)
        done += count
        if not count:
            break
    return done


def _birthdays(vendor_id: int) -> int:
    with begin() as session:
        today = clock.now().astimezone(points.zone_of(session, vendor_id)).date()
        numbers = [program.id for program in earning.programs(session, vendor_id)]
    thanked = [partial(earning.birthdays, program_id=number, today=today) for number in numbers]
    return sum(_repeated(verb) for verb in thanked)
