"""Bulk changes in the background: chunk by chunk, each in a transaction of its own."""

from collections.abc import Callable

from app.database import begin_planned
from app.operations import bulk
from tasks.celery import celery_app


@celery_app.task(name="tasks.bulk.run")
def run(job_id: int) -> None:
    """Change the customers of a job; a second run goes on where the first was killed."""
    while _chunk(bulk.run_chunk, job_id):
        pass


@celery_app.task(name="tasks.bulk.undo")
def undo(job_id: int) -> None:
    """Take a bulk change back; goes on where it was killed."""
    while _chunk(bulk.undo_chunk, job_id):
        pass


def _chunk(step: Callable[..., bool], job_id: int) -> bool:
    with begin_planned() as session:
        return step(session, job_id=job_id)
