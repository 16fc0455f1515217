"""What customers are worth is worked out every night, from the ledgers and from scratch."""

import logging
from datetime import date

from sqlalchemy import select

from app import clock
from app.database import begin
from app.operations import score_keeping, score_market, score_nights
from app.operations.score_models import Models
from app.tenancy import SYSTEM, acting
from models.vendors import Vendor
from tasks.celery import celery_app

log = logging.getLogger(__name__)


@celery_app.task(name="tasks.scores.night")
def night() -> int:
    """Work out scores, cohorts and models of every vendor and of the marketplace; of how many.

    One transaction a vendor: one that fails is logged and holds up no other. Where those of the
    marketplace fail, vendors borrow what it had the night before.
    """
    as_of = clock.now().date()
    with acting(SYSTEM):
        with begin() as session:
            vendors = list(session.scalars(select(Vendor.id).order_by(Vendor.id)))
        settled = [vendor for vendor in vendors if _rebuilt(vendor)]
        market = _settle_market(as_of)
        for vendor in settled:
            _settle(vendor, as_of, market)
        _gather(as_of)
    return len(settled)


def _rebuilt(vendor_id: int) -> bool:
    try:
        with begin() as session:
            score_keeping.rebuild_vendor(session, vendor_id=vendor_id)
    except Exception:  # the next vendor's customers wait for no one
        log.exception("The scores of vendor %s were not worked out", vendor_id)
        return False
    return True


def _settle_market(as_of: date) -> Models | None:
    try:
        with begin() as session:
            models = score_market.settle(session, as_of=as_of)
    except Exception:  # vendors have models of their own
        log.exception("The models of the marketplace were not worked out")
        with begin() as session:
            return score_market.last_night(session)
    _tell("the marketplace", models)
    return models


def _settle(vendor_id: int, as_of: date, market: Models | None) -> None:
    try:
        with begin() as session:
            models = score_nights.settle(session, vendor_id=vendor_id, as_of=as_of, market=market)
    except Exception:
        log.exception("The models of vendor %s were not worked out", vendor_id)
        return
    _tell(f"vendor {vendor_id}", models)


def _tell(whose: str, models: Models) -> None:
    if (drift := models.drift) is not None and drift.is_sharp:
        log.warning("The scores of %s jumped since %s: %s", whose, drift.since, drift)


@celery_app.task(name="tasks.scores.gather")
def gather() -> None:
    """Put the marketplace's cohorts and distinct customers together from those of vendors."""
    with acting(SYSTEM):
        _gather(clock.now().date())


def _gather(as_of: date) -> None:
    with begin() as session:
        score_market.gather(session, as_of=as_of)
