"""Bulk changes in the background: chunk by chunk, each in a transaction of its own."""

from app.operations import bulk
from app.transact import in_transaction
from tasks.celery import celery_app


@celery_app.task(name="tasks.bulk.run")
def run(job_id: int) -> None:
    """Change the customers of a job; a second run goes on where the first was killed."""
    while in_transaction(bulk.run_chunk, job_id=job_id):
        pass


@celery_app.task(name="tasks.bulk.undo")
def undo(job_id: int) -> None:
    """Take a bulk change back; goes on where it was killed."""
    while in_transaction(bulk.undo_chunk, job_id=job_id):
        pass
