"""What became of a booking is told to whoever passes it on."""

from datetime import timedelta

from celery import Task

from app import clock
from app.database import begin
from app.gateways import desk
from app.operations import announcing
from app.settings import settings
from tasks.celery import celery_app

KEPT = timedelta(days=14)


@celery_app.task(bind=True, name=announcing.TASK)
def announce(self: Task, booking_id: int, event: str, was: str | None = None) -> None:
    """Write the announcement of `event` for the desk; a repeat replaces it.

    What is not true any more, such as a time that was moved again or called off, is not told.
    """
    with begin() as session:
        told = announcing.compose(
            session, booking_id=booking_id, event=event, was=was, currency=settings().currency
        )
    if told is not None:
        desk.gateway().deliver(text=told.text, key=self.request.id, customer_id=told.customer_id)


@celery_app.task(name=announcing.FORGET_TASK)
def forget(customer_ids: list[int]) -> None:
    """Drop what was written down for customers who were forgotten."""
    for customer_id in customer_ids:
        desk.gateway().forget(customer_id)


@celery_app.task(name="tasks.bookings.clear")
def clear() -> int:
    """Drop announcements that were made two weeks ago; how many these were."""
    return desk.gateway().clear(clock.now() - KEPT)
