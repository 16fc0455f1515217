"""Coupons: codes by the thousand are made, and what drafts hold for too long is let go."""

from app.database import begin, begin_planned
from app.operations import code_making, coupons
from tasks.celery import celery_app

MOST_ROUNDS = 100


@celery_app.task(name=code_making.MAKE)
def make_codes(batch_id: int) -> None:
    """Make the codes of a batch, a thousand a transaction; goes on where it was killed."""
    while _some(batch_id):
        pass


def _some(batch_id: int) -> int:
    with begin_planned() as session:
        return code_making.make(session, batch_id=batch_id)


@celery_app.task(name="tasks.coupons.lapse")
def lapse() -> int:
    """Let go of what drafts have held for too long; how many these were."""
    gone = 0
    for _ in range(MOST_ROUNDS):
        with begin() as session:
            lapsed = coupons.lapse_due(session)
        gone += lapsed
        if not lapsed:
            break
    return gone
