"""Covers: each hour is midnight somewhere, and what was covered until then no longer is."""

from app import clock
from app.database import begin
from app.operations import covers
from tasks.celery import celery_app


@celery_app.task(name="tasks.covers.expire")
def expire() -> int:
    """End the covers whose last day is over where their vendor is; how many these were."""
    with begin() as session:
        return covers.expire(session, now=clock.now())
