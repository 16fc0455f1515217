"""Documents by e-mail: to whom, in which words; the outbox brings them."""

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app import days
from app.contact import normal_email
from app.errors import DomainError, NotFound
from app.money import decimals_of
from app.operations import invoices
from app.operations.mailing import Letter
from app.operations.outbox import enqueue
from models.invoices import Invoice
from models.orders import Order
from models.outbox import OutboxMessage
from models.vendors import Vendor

TASK = "tasks.receipts.send"


class NoAddress(DomainError):
    sentence = "No e-mail address is known: write the one it goes to."
    field = "to"


class NotAnAddress(DomainError):
    sentence = "This is no e-mail address: write it like ana@example.com."
    field = "to"


class NothingIssued(DomainError):
    sentence = "Nothing was issued of this order yet: issue its receipt or its invoice first."


class Enclosed(NamedTuple):
    """A letter, whom an answer goes to, and the document that it brings."""

    letter: Letter
    reply_to: str | None
    name: str
    content: dict[str, Any]
    stored_as: str
    checksum: str


def send(
    session: Session, *, order_id: int, to: str | None = None, invoice_id: int | None = None
) -> OutboxMessage:
    """Promise to mail an order's document: the one named, else its invoice, else its receipt.

    It goes to `to`, else to the address that its customer has when it is sent. Each call is a mail
    of its own; a second delivery of the same promise is known as one. The caller knows whether
    this installation sends mail. Refuses `NothingIssued`, `NoAddress`, `NotAnAddress`.
    """
    order = session.get(Order, order_id)
    if order is None:
        raise NotFound
    document = _chosen(invoices.of_order(session, order), invoice_id)
    written = (to or "").strip() or None
    address = written and normal_email(written)
    if written and address is None:
        raise NotAnAddress
    if address is None and address_of(order) is None:
        raise NoAddress
    return enqueue(
        session, TASK, vendor_id=order.vendor_id, invoice_id=document.id, to=address
    )  # fmt: skip


def address_of(order: Order) -> str | None:
    """Where its documents go unless somebody says otherwise."""
    return order.customer.email if order.customer else None


def _chosen(issued: list[Invoice], invoice_id: int | None) -> Invoice:
    if invoice_id is not None:
        found = next((one for one in issued if one.id == invoice_id), None)
        if found is None:
            raise NotFound
        return found
    newest = invoices.to_correct(issued)
    if newest is None:
        raise NothingIssued
    return newest


def enclosed(session: Session, *, invoice_id: int, to: str | None) -> Enclosed | None:
    """The mail of a document; None when it has nobody any more to go to."""
    document = session.get(Invoice, invoice_id)
    address = document and (to or address_of(document.order))
    if document is None or not address:
        return None
    vendor = session.get_one(Vendor, document.vendor_id)
    return Enclosed(
        Letter(address, f"{document} from {vendor.name}", _text(document, vendor)),
        vendor.email, file_name(document), document.content, document.stored_as, document.checksum,
    )  # fmt: skip


def file_name(document: Invoice) -> str:
    """How its file is called: receipt-12.pdf."""
    return f"{document.kind.replace('_', '-')}-{document.number}.pdf"


def _text(document: Invoice, vendor: Vendor) -> str:
    content = document.content
    noun = document.kind.replace("_", " ")
    day = days.day(date.fromisoformat(content["issued_on"]), year=True)
    amount = f"{Decimal(content['total']):,.{decimals_of(content['currency'])}f}"
    reach = "\n".join(content["seller"]["reach"])
    return (
        f"Hello,\n\nattached is your {noun} {document.number} of {day}:"
        f" {amount} {content['currency']}.\n\n{_line(vendor.name)}\n{reach}".rstrip()
        + "\n"
    )


def _line(words: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())
