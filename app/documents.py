"""Documents: where the words of an order, the paper and the files meet."""

import hashlib
import logging

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from app.errors import DomainError
from app.gateways.files import DeskFiles, FileGone, Files
from app.operations import invoices
from app.operations.invoices import Content, Press, Printed
from app.paper import documents as paper
from app.settings import settings
from models.invoices import Invoice

log = logging.getLogger(__name__)

MOST_BYTES = 50_000_000


class Altered(DomainError):
    sentence = (
        "The file of this document is not the one that was issued: fetch it from a backup;"
        " its words stand on its page."
    )


def files() -> Files:
    """Where documents are kept, beside what was uploaded."""
    return DeskFiles(settings().var.expanduser().absolute() / "files")


def issue(session: Session, *, order_id: int, kind: str) -> Invoice:
    """Issue a receipt or an invoice; see `invoices.issue`."""
    return invoices.issue(session, order_id=order_id, kind=kind, press=press(session))


def credit(session: Session, *, refund_id: int) -> Invoice:
    """Issue the credit note of a refund; see `invoices.credit`."""
    return invoices.credit(session, refund_id=refund_id, press=press(session))


def take_back(session: Session, *, invoice_id: int, reason: str) -> Invoice:
    """Credit what is left of a cancelled order's document; see `invoices.take_back`."""
    return invoices.take_back(session, invoice_id=invoice_id, reason=reason, press=press(session))


def press(session: Session) -> Press:
    """The press of this installation; what it made is dropped if the transaction is rolled back.

    Only a process that is killed in between leaves a file behind, and no number.
    """

    def make(content: Content) -> Printed:
        kept = files().keep([paper.draw(content)], most=MOST_BYTES)

        def drop(_: Session, ended: SessionTransaction) -> None:
            if ended.parent is None:  # not a part of it, which alone was given up
                files().drop(kept.name)

        event.listen(session, "after_soft_rollback", drop)
        return Printed(kept.name, kept.checksum)

    return Press(settings().currency, settings().locale, make)


def read(*, content: Content, stored_as: str, checksum: str) -> bytes:
    """The file of a document, byte for byte as it was issued; else refuses `Altered`.

    One that is lost or was altered is drawn again: the same words make the same bytes, as long as
    the same fonts are here.
    """
    for made in (_kept, _drawn):
        data = made(content, stored_as)
        if hashlib.sha256(data).hexdigest() == checksum:
            return data
        log.error("The file %s of a document is not the one that was issued.", stored_as)
    raise Altered


def _kept(_: Content, stored_as: str) -> bytes:
    try:
        return files().path(stored_as).read_bytes()
    except (FileGone, OSError):
        return b""


def _drawn(content: Content, _: str) -> bytes:
    return paper.draw(content)
