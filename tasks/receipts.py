"""Receipts, invoices and credit notes are mailed to whom they are for."""

from celery import Task

from app import documents
from app.database import begin
from app.gateways import mail
from app.operations import receipts
from tasks.celery import celery_app
from tasks.mail import SECONDS


@celery_app.task(bind=True, name=receipts.TASK, soft_time_limit=SECONDS)
def send(self: Task, invoice_id: int, to: str | None = None) -> None:
    """Mail a document as a PDF; a repeat has the same Message-ID.

    Who was forgotten meanwhile is mailed nothing.
    """
    with begin() as session:
        found = receipts.enclosed(session, invoice_id=invoice_id, to=to)
    if found is None:
        return
    data = documents.read(
        content=found.content, stored_as=found.stored_as, checksum=found.checksum
    )  # fmt: skip
    mail.gateway().send(
        **found.letter._asdict(), key=self.request.id, reply_to=found.reply_to,
        enclosed=(mail.Enclosure(found.name, data),),
    )  # fmt: skip
