"""Pictures of products: the files of those that were taken away go."""

from app import lists
from tasks.celery import celery_app


@celery_app.task(name="tasks.pictures.drop")
def drop(stored_as: str) -> None:
    """Drop a file that no picture has any more; one that is gone already is fine."""
    lists.files().drop(stored_as)
