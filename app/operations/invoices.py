"""Receipts, invoices and credit notes: their words, their numbers without gaps, never changed.

What is issued stands in `content` word for word, with amounts as text; the file made of it comes
from a `Press`, which the caller brings, for nothing here touches a disk.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from app.money import decimals_of, rounded, split
from app.operations import numbers
from app.operations.customers import clean
from app.operations.moves import locked
from models.customers import Address, Customer
from models.invoices import Invoice, InvoiceKind
from models.orders import Order, OrderLine, OrderStatus
from models.payments import Payment, PaymentState, Refund, RefundState, Tender
from models.vendors import Vendor

NOTHING = Decimal("0.00")
LONGEST_REASON = 500
SERIES: Mapping[InvoiceKind, str] = {
    InvoiceKind.RECEIPT: "receipts",
    InvoiceKind.INVOICE: "invoices",
    InvoiceKind.CREDIT_NOTE: "credit_notes",
}

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Printed:
    """The file of a document: its name in the storage and its SHA-256."""

    stored_as: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Press:
    """What makes files of documents; amounts are in `currency`, words in `locale`."""

    currency: str
    locale: str
    make: Callable[[Content], Printed]

    def rounded(self, amount: Decimal) -> Decimal:
        """An amount as the currency counts it."""
        return rounded(amount, decimals_of(self.currency))


class NotIssuable(DomainError):
    sentence = "A document is issued of a placed order: this one is {status}."


class NotPaidYet(DomainError):
    sentence = "{due} is still to be paid: take the payment first, or issue an invoice."


class NeedsBuyer(DomainError):
    sentence = "An invoice is made out to somebody, and this sale has no customer: print a receipt."


class DoesNotAddUp(DomainError):
    sentence = "The lines of this order do not come to its total: nothing was issued."


class NotGivenBack(DomainError):
    sentence = "This refund is {status}: a credit note is issued once the money is given back."


class NothingToCorrect(DomainError):
    sentence = "There is nothing that a credit note could take back: look at the order's documents."


class StillStands(DomainError):
    sentence = "This order still stands: cancel it, or refund what was paid."


class NoReason(DomainError):
    sentence = "Say why: write a reason."
    field = "reason"


def issue(session: Session, *, order_id: int, kind: str, press: Press) -> Invoice:
    """A receipt of an order that is paid, or an invoice of one that is placed.

    It gets the vendor's next number of its kind; asked for again, the same document comes back.
    Refuses `NotIssuable`, `NotPaidYet`, `NeedsBuyer`.
    """
    wanted = InvoiceKind(kind)
    if wanted is InvoiceKind.CREDIT_NOTE:
        raise NothingToCorrect
    order = locked(session, Order, order_id)
    for known in of_order(session, order):
        if known.kind == wanted:
            return known
    _check(order, wanted)
    lines = [_sold(line, order) for line in order.lines]
    content = _head(session, order, press) | {
        "buyer": _buyer(session, order, press) if wanted is InvoiceKind.INVOICE else None,
        "includes_tax": order.includes_tax,
        **_summed(lines),
        **_paid(session, order),
    }
    if Decimal(content["total"]) != order.total or Decimal(content["tax"]) != order.tax:
        raise DoesNotAddUp
    return _issued(session, order, wanted, content, press)


def credit(session: Session, *, refund_id: int, press: Press) -> Invoice:
    """A credit note of a refund: it names the document that it corrects, and takes its tax back.

    Of each line at most what was sold is ever credited, its tax to the cent. Money that was paid
    too much is no part of it. Asked for again, the same document comes back. Refuses
    `NotGivenBack`, `NothingToCorrect`.
    """
    refund = session.get(Refund, refund_id)
    if refund is None:
        raise NotFound
    order = locked(session, Order, refund.order_id)
    issued = of_order(session, order)
    for known in issued:
        if known.refund_id == refund.id:
            return known
    session.refresh(refund)
    if refund.status != RefundState.SUCCEEDED:
        raise NotGivenBack(status=refund.status)
    before = _credited(issued)
    given = _given_back(refund, order, before)
    return _correct(session, order, issued, given, refund.reason, press, refund=refund)


def take_back(session: Session, *, invoice_id: int, reason: str, press: Press) -> Invoice:
    """A credit note of all that is left of the document of a cancelled order.

    Refuses `StillStands`, `NothingToCorrect`, `NoReason`.
    """
    why = clean(reason, "reason", longest=LONGEST_REASON)
    if why is None:
        raise NoReason
    corrected = session.get(Invoice, invoice_id)
    if corrected is None:
        raise NotFound
    order = locked(session, Order, corrected.order_id)
    if order.status != OrderStatus.CANCELLED:
        raise StillStands
    issued = of_order(session, order)
    return _correct(session, order, issued, _left(order, _credited(issued)), why, press)


def of_order(session: Session, order: Order) -> list[Invoice]:
    """What was issued of an order, the oldest first."""
    issued = select(Invoice).where(
        Invoice.vendor_id == order.vendor_id, Invoice.order_id == order.id
    )
    return list(session.scalars(issued.order_by(Invoice.id)))


def to_correct(issued: Iterable[Invoice]) -> Invoice | None:
    """Which of an order's documents a credit note corrects: its invoice, else its receipt."""
    sold = [one for one in issued if one.kind != InvoiceKind.CREDIT_NOTE]
    return max(sold, key=lambda one: (one.kind == InvoiceKind.INVOICE, one.id), default=None)


# --- what is written on it ----------------------------------------------------------------


def _issued(
    session: Session,
    order: Order,
    kind: InvoiceKind,
    content: Content,
    press: Press,
    **links: int | None,
) -> Invoice:
    """Number it, print it, write it down: what fails undoes the number too."""
    number = numbers.draw(session, vendor_id=order.vendor_id, series=SERIES[kind])
    at = clock.now()
    zone = ZoneInfo(session.get_one(Vendor, order.vendor_id).time_zone)
    content = content | {
        "kind": kind.value, "number": number, "issued_at": at.isoformat(),
        "issued_on": at.astimezone(zone).date().isoformat(),
    }  # fmt: skip
    printed = press.make(content)
    row = Invoice(
        vendor_id=order.vendor_id, order_id=order.id, kind=kind, number=number, issued_at=at,
        total=Decimal(content["total"]), tax=Decimal(content["tax"]), content=content,
        stored_as=printed.stored_as, checksum=printed.checksum, **links,
    )  # fmt: skip
    session.add(row)
    session.flush()  # the id; a number that exists is refused
    return row


def _check(order: Order, kind: InvoiceKind) -> None:
    if order.status in (OrderStatus.DRAFT, OrderStatus.CANCELLED):
        raise NotIssuable(status="a draft" if order.status == OrderStatus.DRAFT else order.status)
    if kind is InvoiceKind.RECEIPT and order.paid < order.total:
        raise NotPaidYet(due=f"{order.total - order.paid:,.2f}")
    if kind is InvoiceKind.INVOICE and order.customer_id is None:
        raise NeedsBuyer


def _head(session: Session, order: Order, press: Press) -> Content:
    vendor = session.get_one(Vendor, order.vendor_id)
    place = (vendor.street, _joined(vendor.postal_code, vendor.city), vendor.region)
    seller = {
        "name": vendor.legal_name or vendor.name,
        "known_as": vendor.name if vendor.legal_name not in (None, vendor.name) else None,
        "lines": _said(*place, _country(vendor.country, press)),
        "tax_number": vendor.tax_number,
        "reach": _said(vendor.phone, vendor.email),
    }
    return {
        "currency": press.currency, "locale": press.locale, "order": order.number,
        "seller": seller, "buyer": None,
    }  # fmt: skip


def _buyer(session: Session, order: Order, press: Press) -> Content:
    """Whom an invoice is made out to: a name and an address, nothing else that is known."""
    customer = session.get_one(Customer, order.customer_id)
    first = select(Address).where(
        Address.vendor_id == customer.vendor_id, Address.customer_id == customer.id
    )
    address = session.scalars(first.order_by(Address.id).limit(1)).first()
    names = _said(customer.company, customer.full_name) or [customer.name]
    lines = names[1:]
    if address is not None:
        lines += _said(
            address.line1, address.line2, _joined(address.postal_code, address.city),
            address.region, _country(address.country, press),
        )  # fmt: skip
    return {"name": names[0], "lines": lines}


def _said(*parts: str | None) -> list[str]:
    return [part for part in parts if part]


def _joined(*parts: str | None) -> str:
    return " ".join(_said(*parts))


def _country(code: str | None, press: Press) -> str | None:
    return Locale.parse(press.locale).territories.get(code, code) if code else None


def _sold(line: OrderLine, order: Order) -> Content:
    """A line as it was sold; `gross` is what the customer pays for it."""
    gross = _gross(line, order)
    return {
        "order_line_id": line.id, "name": line.name, "quantity": line.quantity,
        "unit_price": str(line.unit_price), "discount": str(line.discount),
        "total": str(line.total), **_taxed(line, gross, line.tax),
    }  # fmt: skip


def _taxed(line: OrderLine, gross: Decimal, tax: Decimal) -> Content:
    percent = line.tax_percent
    return {
        "gross": str(gross), "tax": str(tax), "tax_name": line.tax_name,
        "tax_percent": None if percent is None else f"{percent.normalize():f}",
    }  # fmt: skip


def _gross(line: OrderLine, order: Order) -> Decimal:
    return line.total if order.includes_tax else line.total + line.tax


def _summed(lines: list[Content]) -> Content:
    """The lines, their taxes by rate (the highest first), and what they come to."""
    rates: dict[tuple[str | None, str | None], list[Content]] = {}
    for line in lines:
        rates.setdefault((line["tax_name"], line["tax_percent"]), []).append(line)
    taxes = [
        {"name": name, "percent": percent, **_sums(same)} for (name, percent), same in rates.items()
    ]
    taxes.sort(key=lambda rate: (-Decimal(rate["percent"] or -1), rate["name"] or ""))
    sums = _sums(lines)
    return {"lines": lines, "taxes": taxes, "total": sums.pop("gross"), **sums}


def _sums(lines: list[Content]) -> Content:
    gross = sum((Decimal(line["gross"]) for line in lines), NOTHING)
    tax = sum((Decimal(line["tax"]) for line in lines), NOTHING)
    return {"gross": str(gross), "tax": str(tax), "net": str(gross - tax)}


def _paid(session: Session, order: Order) -> Content:
    """What came in so far and with what; nothing that tells whose card or account it was."""
    captured = select(Payment).where(
        Payment.vendor_id == order.vendor_id,
        Payment.order_id == order.id,
        Payment.status == PaymentState.CAPTURED,
    )
    payments = session.scalars(captured.order_by(Payment.id)).all()
    return {
        "payments": [_payment(payment) for payment in payments],
        "due": str(max(order.total - (order.paid - order.refunded), NOTHING)),
    }


def _payment(payment: Payment) -> Content:
    said: Content = {"tender": payment.tender, "amount": str(payment.amount)}
    if payment.tender == Tender.CASH and payment.tendered is not None:
        said["tendered"] = str(payment.tendered)
        said["change"] = str(payment.tendered - payment.amount)
    return said


# --- what is taken back ---------------------------------------------------------------------


Amounts = dict[int, Decimal]
"""By line of the order."""


def _correct(
    session: Session,
    order: Order,
    issued: list[Invoice],
    given: Amounts,
    reason: str,
    press: Press,
    refund: Refund | None = None,
) -> Invoice:
    corrected = to_correct(issued)
    if corrected is None or not any(given.values()):
        raise NothingToCorrect
    before, taxes = _credited(issued), _taxes_credited(issued)
    lines = [
        _returned(line, order, given[line.id], before.get(line.id, NOTHING), taxes, press)
        for line in order.lines
        if given.get(line.id)
    ]
    content = _head(session, order, press) | {
        "buyer": corrected.content.get("buyer"),
        "includes_tax": True,
        "reason": reason,
        "corrects": {
            "kind": corrected.kind, "number": corrected.number,
            "issued_on": corrected.content.get("issued_on"),
        },
        **_summed(lines),
    }  # fmt: skip
    return _issued(
        session, order, InvoiceKind.CREDIT_NOTE, content, press, corrects_id=corrected.id,
        refund_id=refund.id if refund is not None else None,
    )  # fmt: skip


def _returned(
    line: OrderLine, order: Order, amount: Decimal, before: Decimal, taxes: Amounts, press: Press
) -> Content:
    """A line of which `amount` is taken back; once all of it is, so is all of its tax."""
    gross = _gross(line, order)
    tax = press.rounded(line.tax * (before + amount) / gross) - taxes.get(line.id, NOTHING)
    return {
        "order_line_id": line.id, "name": line.name,
        "quantity": line.quantity if amount == gross else None,
        "unit_price": None, "discount": "0.00", "total": str(-amount),
        **_taxed(line, -amount, -tax),
    }  # fmt: skip


def _credited(issued: Iterable[Invoice]) -> Amounts:
    """What credit notes have taken back so far."""
    return _noted(issued, "gross")


def _taxes_credited(issued: Iterable[Invoice]) -> Amounts:
    return _noted(issued, "tax")


def _noted(issued: Iterable[Invoice], what: str) -> Amounts:
    so_far: Amounts = {}
    for note in issued:
        if note.kind == InvoiceKind.CREDIT_NOTE:
            for line in note.content["lines"]:
                number = line["order_line_id"]
                so_far[number] = so_far.get(number, NOTHING) - Decimal(line[what])
    return so_far


def _left(order: Order, before: Amounts) -> Amounts:
    return {
        line.id: max(_gross(line, order) - before.get(line.id, NOTHING), NOTHING)
        for line in order.lines
    }


def _given_back(refund: Refund, order: Order, before: Amounts) -> Amounts:
    """What a refund takes back of which line; what it does not say is shared by what is left."""
    left = _left(order, before)
    given: Amounts = dict.fromkeys(left, NOTHING)
    for part in refund.lines:
        given[part.order_line_id] = min(part.amount, left[part.order_line_id])
    said = sum((part.amount for part in refund.lines), NOTHING)
    left = {number: left[number] - given[number] for number in left}
    sold = sum(left.values(), NOTHING)
    too_much = order.paid - order.refunded - sold  # that much was paid beyond what is left
    shared = min(refund.amount - said, max(-too_much, NOTHING), sold)
    if shared > 0:
        for number, share in zip(left, split(shared, list(left.values())), strict=True):
            given[number] += share
    return given
