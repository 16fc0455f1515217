"""What providers told and whoever stored it left; and what is old enough to be forgotten."""

from app.database import begin
from app.operations import contacting, provider_events
from tasks.celery import celery_app


@celery_app.task(name=provider_events.APPLY)
def apply(event_id: int) -> None:
    """Let an event count that whoever stored it left; one that counts already stays as it is."""
    with begin() as session:
        provider_events.apply(session, event_id=event_id)


@celery_app.task(name="tasks.provider_events.clear")
def clear() -> None:
    """Forget old events, and contacts that no ceiling counts any more."""
    with begin() as session:
        provider_events.clear(session)
        contacting.clear_contacts(session)
