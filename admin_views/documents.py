"""Receipts, invoices and credit notes on screen: the paper, its file, and how one is issued."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

import anyio.to_thread
from sqladmin import expose
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, joinedload, object_session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from admin_views.access import needs
from admin_views.base import HouseView, declared
from admin_views.customer_side import may
from admin_views.filters import Between, OneOf, of_vendor
from admin_views.lists import Col, Sort
from admin_views.loaders import customer_ids, record_id
from admin_views.rendering import day, money
from admin_views.saving import Command
from app import documents
from app.database import begin
from app.operations import invoices, receipts
from app.paper import documents as paper
from app.settings import settings
from models.invoices import Invoice, InvoiceKind
from models.orders import Order, OrderStatus
from models.payments import Refund, RefundState

ICONS = {
    InvoiceKind.RECEIPT: "receipt", InvoiceKind.INVOICE: "file-invoice",
    InvoiceKind.CREDIT_NOTE: "receipt-refund",
}  # fmt: skip
HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
}


def issued(order: Order) -> list[Invoice]:
    """What was issued of an order so far."""
    session = object_session(order)
    return invoices.of_order(session, order) if session is not None else []


def uncorrected(order: Order) -> list[Refund]:
    """The refunds of an order whose money went back, and that no credit note tells of yet."""
    session, known = object_session(order), issued(order)
    if session is None or invoices.to_correct(known) is None:
        return []
    told = {one.refund_id for one in known}
    given = select(Refund).where(
        Refund.vendor_id == order.vendor_id,
        Refund.order_id == order.id,
        Refund.status == RefundState.SUCCEEDED,
    )
    return [one for one in session.scalars(given.order_by(Refund.id)) if one.id not in told]


def of_order(order: Order) -> dict[str, Any]:
    """The card of an order's documents; empty where it has none and none can be issued."""
    sends = settings().sends_mail and may("send", "invoice")
    known = issued(order)
    rows = [
        {
            "title": str(one), "url": f"/admin/invoice/details/{one.id}",
            "icon": ICONS[InvoiceKind(one.kind)], "sub": day(one.issued_at),
            "amount": money(one.total),
            "button": {"title": "Send", "dialog": f"send-{one.id}"} if sends else None,
        }
        for one in known
    ]  # fmt: skip
    return {
        "title": "Documents", "rows": rows, "empty": "nothing was issued yet",
        "dialogs": [_send_dialog(one) for one in known if sends],
    }  # fmt: skip


def _send_dialog(document: Invoice) -> dict[str, Any]:
    """Where a document goes; the customer's address stands there."""
    address = receipts.address_of(document.order) or ""
    field = {"name": "to", "label": "E-mail", "id": f"send-{document.id}-to", "type": "email",
             "mode": "email", "value": address}  # fmt: skip
    return {
        "id": f"send-{document.id}", "title": f"Send {str(document).lower()}?",
        "text": "It is mailed as a PDF.", "verb": "Send", "inputs": [field],
        "url": f"/admin/invoice/do/{document.id}/send",
    }  # fmt: skip


def _issuable(kind: InvoiceKind) -> Any:
    def when(order: Order) -> bool:
        if order.status in (OrderStatus.DRAFT, OrderStatus.CANCELLED):
            return False
        ready = order.paid >= order.total if kind is InvoiceKind.RECEIPT else order.customer_id
        return bool(ready) and all(one.kind != kind for one in issued(order))

    return when


def _issuing(kind: InvoiceKind) -> Any:
    def run(session: Session, number: int) -> None:
        documents.issue(session, order_id=number, kind=kind)

    return run


def _credit(session: Session, number: int) -> None:
    """A credit note of each refund; where all were of money paid too much, the refusal says so."""
    refused: Exception | None = None
    made = 0
    for refund in uncorrected(session.get_one(Order, number)):
        try:
            documents.credit(session, refund_id=refund.id)
            made += 1
        except invoices.NothingToCorrect as refusal:
            refused = refusal
    if refused is not None and not made:
        raise refused


def _take_back(session: Session, number: int, *, reason: str = "") -> None:
    documents.take_back(session, invoice_id=number, reason=reason)


def _send(session: Session, number: int, *, to: str = "") -> None:
    order_id = session.get_one(Invoice, number).order_id
    receipts.send(session, order_id=order_id, to=to, invoice_id=number)


def _ask_where(document: Invoice) -> tuple[str, str]:
    known = receipts.address_of(document.order)
    where = f"Left empty, it goes to {known}." if known else "Write where it goes."
    return f"Send {str(document).lower()}?", f"It is mailed as a PDF. {where}"


def _left_to_take_back(document: Invoice) -> bool:
    """Whether its order is cancelled, and something of it stands that no credit note took back."""
    if document.kind == InvoiceKind.CREDIT_NOTE or document.order.status != OrderStatus.CANCELLED:
        return False
    known = issued(document.order)
    notes = [one.total for one in known if one.kind == InvoiceKind.CREDIT_NOTE]
    return invoices.to_correct(known) is document and document.total + sum(notes, Decimal(0)) > 0


ORDER_COMMANDS: Sequence[Command] = (
    Command(
        "receipt", "Receipt", _issuing(InvoiceKind.RECEIPT), _issuable(InvoiceKind.RECEIPT),
        "The receipt is issued: it stands under documents.", icon="receipt",
    ),
    Command(
        "invoice", "Invoice", _issuing(InvoiceKind.INVOICE), _issuable(InvoiceKind.INVOICE),
        "The invoice is issued: it stands under documents.", icon="file-invoice",
    ),
    Command(
        "credit-note", "Credit note", _credit, lambda order: bool(uncorrected(order)),
        "The credit note is issued: it stands under documents.", icon="receipt-refund",
    ),
)  # fmt: skip
"""What an order's page offers."""


class InvoiceView(HouseView, model=Invoice):
    """Everything that was issued: read it, print it, never change it."""

    name, name_plural, icon = "Document", "Documents", "ti ti-file-invoice"
    category = "Sales"
    can_create = can_edit = can_delete = False
    details_template: ClassVar[str] = "panel/document.html"
    columns = (
        Col("title", "Document", value=str),
        Col("order", "Order", value=lambda i: str(i.order)),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("issued_at", "Issued", "moment", sort="newest"),
        Col("tax", "Tax", "money", numeric=True),
        Col("total", "Total", "money", numeric=True),
    )
    sorts = declared(newest=Sort(Invoice.issued_at, descending=True))
    search_hint = "Search number or customer"
    filters = (
        OneOf("kind", "Kind", Invoice.kind, icon="file-invoice", words=InvoiceKind),
        of_vendor(Invoice.vendor_id),
        Between("issued", "Issued", Invoice.issued_at),
    )
    loads = (joinedload(Invoice.order),)
    empty = declared(
        icon="file-invoice",
        title="No documents yet",
        text="Receipts and invoices are issued on the page of an order.",
    )
    commands = (
        Command(
            "send", "Send", _send, lambda _: settings().sends_mail,
            "It is on its way.", icon="mail", action="send",
            ask=_ask_where,
            inputs=(("to", "E-mail", "email"),),
        ),
        Command(
            "take-back", "Credit the rest", _take_back, _left_to_take_back,
            "The credit note is issued.", icon="receipt-refund", danger=True,
            ask=("Take back what is left of it?", "A credit note of the rest is issued."),
            inputs=(("reason", "Why"),),
        ),
    )  # fmt: skip

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By its number or its order's, or by customer."""
        theirs = select(Order.id).where(Order.customer_id.in_(customer_ids(session, term)))
        number = record_id(term.removeprefix("#"))
        if number is None:
            return rows.where(Invoice.order_id.in_(theirs))
        of_order = select(Order.id).where(Order.number == number)
        return rows.where(or_(Invoice.number == number, Invoice.order_id.in_(of_order)))

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The paper, and what stands beside it."""
        content = record.content
        others = [one for one in invoices.of_order(session, record.order) if one.id != record.id]
        rows = [{"title": str(record.order), "url": f"/admin/order/details/{record.order_id}",
                 "icon": "receipt"}]  # fmt: skip
        rows += [
            {"title": str(one), "url": f"/admin/invoice/details/{one.id}",
             "icon": ICONS[InvoiceKind(one.kind)], "sub": day(one.issued_at)}
            for one in others
        ]  # fmt: skip
        url = f"/admin/invoice/{record.id}/pdf"
        return {
            "paper": {
                "content": content,
                "title": paper.TITLES.get(record.kind, record.kind),
                "day": paper.long_day(content, content["issued_on"]) if content else "",
                "corrects": paper.corrected(content),
                "rates": [
                    dict(rate, label=paper.rate_name(content, rate))
                    for rate in paper.taxes(content)
                ],
                "tenders": paper.TENDERS,
                "money": lambda amount: paper.money(content, amount),
                "percent": lambda rate: paper.percent(content, rate),
            } if content else None,
            "links": [
                {"title": "Print", "icon": "printer", "print": True, "primary": True},
                {"title": "Open PDF", "url": url, "icon": "file-type-pdf"},
            ],
            "related": [{"title": "Belongs to", "rows": rows}],
            "checksum": record.checksum,
        }  # fmt: skip

    def trail(self, session: Session, request: Request, record: Any) -> list[dict[str, Any]]:
        """It never changes."""
        return []

    @expose("/{pk}/pdf", methods=["GET"])
    @needs("details")
    async def pdf(self, request: Request) -> Response:
        """The file, byte for byte as it was issued; a page that says so where it is not."""
        number = self.number(request.path_params["pk"])
        name, data = await anyio.to_thread.run_sync(_file, number)
        shown = {"Content-Disposition": f'inline; filename="{name}"'}
        return Response(data, media_type="application/pdf", headers=HEADERS | shown)


def _file(number: int) -> tuple[str, bytes]:
    with begin() as session:
        found = session.get(Invoice, number)
        if found is None:
            raise HTTPException(404)
    data = documents.read(content=found.content, stored_as=found.stored_as, checksum=found.checksum)
    return receipts.file_name(found), data


def cards(order: Order) -> list[dict[str, Any]]:
    """What an order's page shows of its documents, to those who may see them."""
    return [of_order(order)] if order.number and may("details", "invoice") else []


VIEWS = [InvoiceView]
