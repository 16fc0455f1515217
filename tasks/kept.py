"""Messages that are kept in a folder instead of being sent: they do not outlive their use."""

from datetime import timedelta

from app import clock
from app.database import begin
from app.gateways import push, sms
from app.operations import forgetting, messages
from tasks.celery import celery_app

KEPT = timedelta(days=14)


@celery_app.task(name=forgetting.DROP)
def forget(customer_ids: list[int]) -> None:
    """Drop what lies there for customers who were forgotten."""
    folders = [folder for folder in (sms.folder(), push.folder()) if folder is not None]
    if not folders:
        return
    with begin() as session:
        keys = messages.keys_of(session, customer_ids=customer_ids)
    for folder in folders:
        for key in keys:
            folder.drop(key)


@celery_app.task(name="tasks.kept.clear")
def clear() -> int:
    """Drop what was written down two weeks ago; how many messages these were."""
    folders = [folder for folder in (sms.folder(), push.folder()) if folder is not None]
    return sum(folder.clear(clock.now() - KEPT) for folder in folders)
