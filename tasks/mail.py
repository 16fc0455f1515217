"""Mails that were promised are sent."""

from celery import Task

from app.database import begin
from app.gateways import mail
from app.operations import mailing
from app.settings import settings
from app.tenancy import GATE, acting
from tasks.celery import celery_app

SECONDS = 120
"""A server that answers ever so slowly keeps a worker no longer."""


@celery_app.task(bind=True, name="tasks.mail.send_link", soft_time_limit=SECONDS)
def send_link(self: Task, link: str) -> None:
    """Mail a one-time link beside the one with the hash `link`, while that one is open.

    A repeat has the same Message-ID, and the links of both mails work until one is used.
    """
    with acting(GATE), begin() as session:  # nobody else may read links
        user_id = mailing.owner_id(session, link=link)
    if user_id is None:
        return
    with begin() as session:
        place = mailing.place(session, user_id=user_id)
    with acting(GATE), begin() as session:
        fresh = mailing.freshen(session, link=link)
    if fresh is None:
        return
    written = mailing.letter(fresh, place, public_url=settings().public_url)
    mail.gateway().send(**written._asdict(), key=f"{self.request.id}.{link[:16]}")
