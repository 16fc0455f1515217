"""What became of a booking is told to whoever passes it on."""

from celery import Task

from app.database import begin
from app.gateways import desk
from app.operations import announcing
from app.settings import settings
from tasks.celery import celery_app


@celery_app.task(bind=True, name=announcing.TASK)
def announce(self: Task, booking_id: int, event: str, was: str | None = None) -> None:
    """Write the announcement of `event` for the desk; a repeat replaces it.

    What is not true any more, such as a time that was moved again or called off, is not told.
    """
    with begin() as session:
        text = announcing.text(
            session, booking_id=booking_id, event=event, was=was, currency=settings().currency
        )
    if text is not None:
        desk.gateway().deliver(text=text, key=self.request.id)
