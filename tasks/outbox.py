"""The outbox keeps itself small."""

from datetime import timedelta

from sqlalchemy import delete

from app import clock
from app.database import begin
from models.outbox import OutboxMessage
from tasks.celery import celery_app

KEPT = timedelta(days=14)


@celery_app.task(name="tasks.outbox.clear")
def clear() -> None:
    """Forget messages done two weeks ago; those given up stay until somebody looks at them."""
    with begin() as session:
        session.execute(delete(OutboxMessage).where(OutboxMessage.done_at < clock.now() - KEPT))
