"""Documents: what they say, when they are issued, and what a credit note takes back."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import NotAllowed, NotFound
from app.operations import invoices
from app.operations.invoices import Content, Press, Printed
from app.tenancy import acting, vendor_actor
from models.invoices import Invoice
from models.orders import Order
from models.payments import Refund
from models.vendors import Vendor
from tests import make

IVA = {"tax_name": "IVA", "tax_percent": Decimal(23)}


def made(content: Content) -> Printed:
    """A press of its words alone."""
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return Printed(digest[:32], digest)


PRESS = Press("EUR", "en", made)


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor(
        name="Corte", legal_name="Salão da Baixa, Lda.", street="Rua Augusta 12",
        postal_code="1100-053", tax_number="PT501234567", email="ola@corte.example",
    )  # fmt: skip
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def sold(session: Session, *prices: str, paid: str | None = None, **fields: Any) -> Order:
    """An order of a piece at each price, IVA of 23 % in it, paid in cash."""
    customer = fields.pop("customer", None) or make.customer(session, full_name="Ana Reis")
    order = make.order(session, customer=customer, lines=0, **fields)
    for n, price in enumerate(prices):
        gross = Decimal(price)
        net = gross / Decimal("1.23")
        tax = round(gross - net, 2) if order.includes_tax else round(gross * Decimal("0.23"), 2)
        make.order_line(
            session, order=order, unit_price=gross, name=f"Thing {n}", tax=tax, **IVA
        )  # fmt: skip
        order.tax += tax
        order.total += 0 if order.includes_tax else tax
    session.refresh(order, ["lines"])
    amount = order.total if paid is None else Decimal(paid)
    if amount:
        make.payment(session, order=order, amount=amount, tendered=amount + 5)
    return order


def issue(session: Session, order: Order, kind: str = "receipt") -> Invoice:
    return invoices.issue(session, order_id=order.id, kind=kind, press=PRESS)


def give_back(session: Session, order: Order, amount: str, **parts: str) -> Refund:
    """A refund of the order's first payment; `line_0="5.00"` says for which line."""
    payment = session.scalars(
        invoices.select(invoices.Payment).where(invoices.Payment.order_id == order.id)
    ).first()
    refund = make.refund(session, payment=payment, amount=Decimal(amount))
    for name, part in parts.items():
        line = order.lines[int(name.removeprefix("line_"))]
        make.refund_line(session, refund=refund, line=line, amount=Decimal(part))
    session.refresh(order)
    session.refresh(refund, ["lines"])
    return refund


def credit(session: Session, refund: Refund) -> Invoice:
    return invoices.credit(session, refund_id=refund.id, press=PRESS)


def test_a_receipt_says_what_was_sold_and_how_it_was_paid(shop: int) -> None:
    with begin() as session:
        order = sold(session, "12.30", "24.60")
        receipt = issue(session, order)
        said = receipt.content
    assert (receipt.kind, receipt.number, str(receipt)) == ("receipt", 1, "Receipt 1")
    assert (receipt.total, receipt.tax) == (Decimal("36.90"), Decimal("6.90"))
    assert said["seller"] == {
        "name": "Salão da Baixa, Lda.", "known_as": "Corte",
        "lines": ["Rua Augusta 12", "1100-053 Lisboa", "Portugal"],
        "tax_number": "PT501234567", "reach": ["ola@corte.example"],
    }  # fmt: skip
    assert [line["gross"] for line in said["lines"]] == ["12.30", "24.60"]
    assert said["taxes"] == [
        {"name": "IVA", "percent": "23", "gross": "36.90", "tax": "6.90", "net": "30.00"}
    ]
    assert said["payments"] == [
        {"tender": "cash", "amount": "36.90", "tendered": "41.90", "change": "5.00"}
    ]
    assert (said["order"], said["issued_on"], said["due"]) == (order.number, "2026-11-20", "0.00")


def test_a_receipt_knows_nothing_of_the_customer(shop: int) -> None:
    with begin() as session:
        customer = make.customer(
            session, full_name="Zoë Quill", email="zoe@example.com", phone="+351912345678"
        )
        make.address(session, customer=customer, line1="Beco do Segredo 9")
        order = sold(session, "10.00", customer=customer, note="has a scar")
        receipt, invoice = issue(session, order), issue(session, order, "invoice")
    words = json.dumps(receipt.content, ensure_ascii=False)
    for secret in ("Zoë", "zoe@", "912345678", "Segredo", "scar"):
        assert secret not in words
    assert invoice.content["buyer"]["name"] == "Zoë Quill"
    assert "Beco do Segredo 9" in invoice.content["buyer"]["lines"]
    words = json.dumps(invoice.content, ensure_ascii=False)
    for secret in ("zoe@", "912345678", "scar"):
        assert secret not in words


def test_the_same_document_is_not_issued_twice(shop: int) -> None:
    with begin() as session:
        one, two = sold(session, "10.00"), sold(session, "20.00")
        assert issue(session, one) is issue(session, one)
        assert [issue(session, two).number, issue(session, one, "invoice").number] == [2, 1]


def test_the_day_on_it_is_the_vendors(shop: int) -> None:
    night = datetime.fromisoformat("2026-07-31T23:30:00+00:00")
    with clock.stopped_at(night), begin() as session:
        assert issue(session, sold(session, "1.00")).content["issued_on"] == "2026-08-01"


def test_tax_that_comes_on_top_is_added(shop: int) -> None:
    with begin() as session:
        said = issue(session, sold(session, "10.00", includes_tax=False)).content
    assert (said["net"], said["tax"], said["total"]) == ("10.00", "2.30", "12.30")
    assert (said["lines"][0]["total"], said["lines"][0]["gross"]) == ("10.00", "12.30")


def test_what_cannot_be_issued(shop: int) -> None:
    with begin() as session:
        with pytest.raises(invoices.NotPaidYet, match=r"^4\.00 is still to be paid"):
            issue(session, sold(session, "10.00", paid="6.00"))
        for status, word in (("draft", "a draft"), ("cancelled", "cancelled")):
            with pytest.raises(invoices.NotIssuable, match=word):
                issue(session, sold(session, "10.00", status=status))
        with pytest.raises(invoices.NeedsBuyer):
            issue(session, make.order(session), "invoice")
        with pytest.raises(invoices.NothingToCorrect):
            issue(session, sold(session, "10.00"), "credit_note")
        wrong = sold(session, "10.00")
        wrong.total += 1
        with pytest.raises(invoices.DoesNotAddUp):
            issue(session, wrong, "invoice")
        with pytest.raises(NotFound):
            invoices.issue(session, order_id=2**40, kind="receipt", press=PRESS)
    with begin() as session:
        assert issue(session, sold(session, "1.00")).number == 1


def test_an_unpaid_invoice_says_what_is_still_to_pay(shop: int) -> None:
    with begin() as session:
        assert (
            issue(session, sold(session, "10.00", paid="4.00"), "invoice").content["due"] == "6.00"
        )


def test_a_failed_file_gives_the_number_back(shop: int) -> None:
    def jammed(_: Content) -> Printed:
        raise OSError("the disk is full")

    with begin() as session:
        order = sold(session, "1.00")
    with pytest.raises(OSError, match="full"), begin() as session:
        invoices.issue(session, order_id=order.id, kind="receipt", press=Press("EUR", "en", jammed))
    with begin() as session:
        assert issue(session, order).number == 1


def test_documents_are_never_changed_or_removed(shop: int) -> None:
    with begin() as session:
        number = issue(session, sold(session, "1.00")).id
    for change in (lambda s, one: s.delete(one), lambda s, one: setattr(one, "total", 2)):
        with pytest.raises(NotAllowed), begin() as session:
            change(session, session.get_one(Invoice, number))


def test_a_vendors_new_name_leaves_what_was_issued_as_it_was(shop: int) -> None:
    with begin() as session:
        order = sold(session, "1.00")
        issue(session, order)
        session.get_one(Vendor, shop).legal_name = "Other, S.A."
        session.flush()
        assert issue(session, order).content["seller"]["name"] == "Salão da Baixa, Lda."


# --- credit notes -------------------------------------------------------------------------


def test_a_credit_note_names_its_invoice_and_takes_its_tax_back(shop: int) -> None:
    with begin() as session:
        order = sold(session, "12.30", "24.60")
        invoice = issue(session, order, "invoice")
        issue(session, order)
        note = credit(session, give_back(session, order, "12.30", line_0="12.30"))
        said = note.content
        assert (note.total, note.tax, note.corrects_id) == (
            Decimal("-12.30"), Decimal("-2.30"), invoice.id
        )  # fmt: skip
        assert said["corrects"] == {"kind": "invoice", "number": 1, "issued_on": "2026-11-20"}
        assert said["buyer"] == invoice.content["buyer"]
        assert [line["name"] for line in said["lines"]] == ["Thing 0"]
        assert said["reason"] == "Not wanted"


def test_credited_piece_by_piece_the_tax_comes_to_the_same_cent(shop: int) -> None:
    with begin() as session:
        order = sold(session, "9.99", "0.03", includes_tax=False)
        issue(session, order)
        total, tax = order.total, order.tax
        notes = []
        for amount in ("3.33", "0.01", "4.10"):
            notes.append(credit(session, give_back(session, order, amount, line_0=amount)))
        notes.append(credit(session, give_back(session, order, str(total - Decimal("7.44")))))
        assert sum(note.total for note in notes) == -total
        assert sum(note.tax for note in notes) == -tax
        assert [note.number for note in notes] == [1, 2, 3, 4]
        assert credit(session, session.get_one(Refund, notes[1].refund_id)) is notes[1]


def test_a_refund_that_names_no_line_is_shared_by_what_is_left(shop: int) -> None:
    with begin() as session:
        order = sold(session, "30.00", "10.00")
        issue(session, order)
        note = credit(session, give_back(session, order, "20.00", line_1="10.00"))
        assert [(line["name"], line["gross"]) for line in note.content["lines"]] == [
            ("Thing 0", "-10.00"), ("Thing 1", "-10.00")
        ]  # fmt: skip


def test_money_paid_too_much_is_no_part_of_a_credit_note(shop: int) -> None:
    with begin() as session:
        order = sold(session, "10.00", paid="13.00")
        issue(session, order)
        with pytest.raises(invoices.NothingToCorrect):
            credit(session, give_back(session, order, "3.00"))
        assert credit(session, give_back(session, order, "4.00")).total == -4


def test_what_cannot_be_credited(shop: int) -> None:
    with begin() as session:
        order = sold(session, "10.00")
        refund = give_back(session, order, "2.00")
        with pytest.raises(invoices.NothingToCorrect):
            credit(session, refund)
        issue(session, order, "invoice")
        refund.status = "pending"
        session.flush()
        with pytest.raises(invoices.NotGivenBack, match="is pending"):
            credit(session, refund)
        with pytest.raises(NotFound):
            invoices.credit(session, refund_id=2**40, press=PRESS)


def test_the_rest_of_a_cancelled_orders_invoice_is_taken_back(shop: int) -> None:
    with begin() as session:
        order = sold(session, "10.00", "5.00", paid="6.00")
        invoice = issue(session, order, "invoice")

        def take_back(reason: str = "Called off") -> Invoice:
            return invoices.take_back(session, invoice_id=invoice.id, reason=reason, press=PRESS)

        with pytest.raises(invoices.StillStands):
            take_back()
        credit(session, give_back(session, order, "6.00"))
        order.status = "cancelled"
        session.flush()
        with pytest.raises(invoices.NoReason):
            take_back("  ")
        note = take_back()
        assert (note.total, note.refund_id, note.corrects_id) == (-9, None, invoice.id)
        with pytest.raises(invoices.NothingToCorrect):
            take_back()
        notes = [one for one in invoices.of_order(session, order) if one.kind == "credit_note"]
        assert sum(one.tax for one in notes) == -order.tax
