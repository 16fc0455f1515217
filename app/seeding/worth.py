"""What every night works out of the demo's history: scores, cohorts, who buys and where."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from app.operations import audiences, score_keeping, score_market, score_nights


def work_out(session: Session, vendor_ids: Sequence[int], today: date) -> None:
    """Do the night's work once, as of today, in the order in which the night does it."""
    for vendor_id in vendor_ids:
        score_keeping.rebuild_vendor(session, vendor_id=vendor_id)
    market = score_market.settle(session, as_of=today)
    for vendor_id in vendor_ids:
        score_nights.settle(session, vendor_id=vendor_id, as_of=today, market=market)
    score_market.gather(session, as_of=today)
    for vendor_id in vendor_ids:
        audiences.rebuild(session, vendor_id=vendor_id)
    audiences.add_up(session)
    for month in audiences.months(session):
        audiences.engage(session, month=month)
