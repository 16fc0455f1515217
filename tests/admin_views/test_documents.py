"""Documents, covers and claims in the panel: issued, printed, carried on, and refused."""

import io
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pdfplumber
import pytest
from sqlalchemy import select

from app.database import begin
from app.tenancy import SYSTEM, acting, vendor_actor
from models.covers import Cover, WarrantyClaim
from models.invoices import Invoice
from models.orders import Order
from models.outbox import OutboxMessage
from models.payments import Payment
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import leaks, text_of
from tests.webclient import settled


@pytest.fixture
def shop(panel: PanelClient, tmp_path: Path) -> Iterator[int]:
    vendor_id = make.new_vendor(name="Corte & Cor")
    panel.as_(manager(vendor_id))
    with settled(VAR=str(tmp_path), DEMO="true"):
        yield vendor_id


def paid_order(vendor: int, **fields: Any) -> Order:
    with acting(vendor_actor(vendor)), begin() as session:
        customer = make.customer(session, full_name="Ana <b>Reis</b>")
        order = make.order(session, customer=customer, lines=0, **fields)
        make.order_line(
            session, order=order, unit_price=Decimal("12.30"), name="Oil & <i>vinegar</i>",
            tax=Decimal("2.30"), tax_name="IVA", tax_percent=Decimal(23), warranty_months=24,
        )  # fmt: skip
        order.tax = Decimal("2.30")
        make.payment(session, order=order)
        session.refresh(order, ["lines"])
        return order


def covered(vendor: int, order: Order) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        line = session.get_one(Order, order.id).lines[0]
        return make.cover(session, line=line, name="Clipper", customer_id=order.customer_id).id


def words_of(page: str) -> str:
    """What somebody reads on a page."""
    return unescape(text_of(page))


def press(panel: PanelClient, identity: str, number: int, command: str, **words: str) -> str:
    """Press a button; what the page says then."""
    answer = panel.post(f"/admin/{identity}/do/{number}/{command}", data=words)
    assert answer.status_code == 303, words_of(answer.text)
    return words_of(panel.get(answer.headers["location"]).text)


def read(vendor: int, model: Any) -> list[Any]:
    with acting(vendor_actor(vendor)), begin() as session:
        return list(session.scalars(select(model).order_by(model.id)))


def test_a_receipt_is_issued_shown_and_opened_as_a_pdf(panel: PanelClient, shop: int) -> None:
    order = paid_order(shop)
    said = press(panel, "order", order.id, "receipt")
    assert "Receipt 1" in said
    (receipt,) = read(shop, Invoice)
    page = panel.get(f"/admin/invoice/details/{receipt.id}")
    shown = words_of(page.text)
    for words in ("Corte & Cor", "Oil & <i>vinegar</i>", "IVA 23 %", "12.30", receipt.checksum):
        assert words in shown
    assert "<i>vinegar" not in page.text
    assert "Ana" not in shown
    answer = panel.get(f"/admin/invoice/{receipt.id}/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-disposition"] == 'inline; filename="receipt-1.pdf"'
    with pdfplumber.open(io.BytesIO(answer.content)) as pdf:
        assert "Receipt" in pdf.pages[0].extract_text()
    assert "Receipt 1" in words_of(panel.get("/admin/invoice/list").text)
    assert "Receipt 1" in words_of(panel.get(f"/admin/invoice/list?search={order.number}").text)


def test_the_invoice_says_whom_it_is_for_in_their_own_letters(
    panel: PanelClient, shop: int
) -> None:
    order = paid_order(shop)
    press(panel, "order", order.id, "invoice")
    (invoice,) = read(shop, Invoice)
    page = panel.get(f"/admin/invoice/details/{invoice.id}").text
    assert "Ana &lt;b&gt;Reis&lt;/b&gt;" in page
    assert leaks(page) is None


def test_a_button_pressed_twice_issues_one_document(panel: PanelClient, shop: int) -> None:
    order = paid_order(shop)
    press(panel, "order", order.id, "receipt")
    assert "cannot be done any more" in press(panel, "order", order.id, "receipt")
    assert len(read(shop, Invoice)) == 1


def test_an_altered_file_is_not_served(panel: PanelClient, shop: int, tmp_path: Path) -> None:
    press(panel, "order", paid_order(shop).id, "receipt")
    (receipt,) = read(shop, Invoice)
    (file,) = (tmp_path / "files").iterdir()
    issued = file.read_bytes()
    file.write_bytes(issued + b"more")
    assert panel.get(f"/admin/invoice/{receipt.id}/pdf").content == issued
    with acting(vendor_actor(shop)), begin() as session:
        order = session.get_one(Order, receipt.order_id)
        words = {"kind": "invoice", "content": receipt.content, "stored_as": file.name}
        other = make.invoice(session, order=order, **words)
    answer = panel.get(f"/admin/invoice/{other.id}/pdf")
    assert answer.status_code == 409
    assert "is not the one that was issued" in words_of(answer.text)


def test_a_document_is_sent_from_the_order_s_page_by_staff_too(
    panel: PanelClient, shop: int, tmp_path: Path
) -> None:
    order = paid_order(shop)
    press(panel, "order", order.id, "receipt")
    panel.as_(staff(shop))
    page = f"/admin/order/details/{order.id}"
    assert "Send receipt" not in words_of(panel.get(page).text)  # no mail server is set up
    mails = {"SMTP_URL": f"file://{tmp_path}", "MAIL_FROM": "no-reply@backroom.example"}
    with settled(VAR=str(tmp_path), DEMO="true", **mails):
        assert "Send receipt 1?" in words_of(panel.get(page).text)
        (receipt,) = read(shop, Invoice)
        for wrong in ("", "x", "<b>@example", "a@example.com\x00\nBcc: b@example.com"):
            said = press(panel, "invoice", receipt.id, "send", to=wrong)
            assert "address" in said, wrong
        assert "It is on its way" in press(
            panel, "invoice", receipt.id, "send", to="ana@example.com"
        )
        panel.as_(manager(make.new_vendor()))
        answer = panel.post(f"/admin/invoice/do/{receipt.id}/send", data={"to": "a@example.com"})
        assert answer.status_code == 404
    with acting(SYSTEM), begin() as session:
        promised = session.scalars(select(OutboxMessage)).all()
    assert [one.payload["to"] for one in promised] == ["ana@example.com"]


def test_documents_of_another_vendor_are_not_here(panel: PanelClient, shop: int) -> None:
    press(panel, "order", paid_order(shop).id, "receipt")
    (receipt,) = read(shop, Invoice)
    panel.as_(manager(make.new_vendor()))
    for path in (
        f"{receipt.id}/pdf",
        f"details/{receipt.id}",
        "abc/pdf",
        "-1/pdf",
        "9" * 30 + "/pdf",
    ):
        assert panel.get(f"/admin/invoice/{path}").status_code == 404
    assert panel.post(f"/admin/invoice/do/{receipt.id}/take-back").status_code == 404
    panel.as_(admin())
    assert panel.get(f"/admin/invoice/{receipt.id}/pdf").status_code == 200


def test_the_rest_of_a_cancelled_order_is_credited_by_a_manager(
    panel: PanelClient, shop: int
) -> None:
    order = paid_order(shop)
    press(panel, "order", order.id, "invoice")
    with acting(vendor_actor(shop)), begin() as session:
        session.get_one(Order, order.id).status = "cancelled"
    (invoice,) = read(shop, Invoice)
    panel.as_(staff(shop))
    assert panel.post(f"/admin/invoice/do/{invoice.id}/take-back").status_code == 403
    panel.as_(manager(shop))
    assert "Say why" in press(panel, "invoice", invoice.id, "take-back", reason=" ")
    press(panel, "invoice", invoice.id, "take-back", reason="Called off")
    note = read(shop, Invoice)[1]
    shown = words_of(panel.get(f"/admin/invoice/details/{note.id}").text)
    assert "Corrects invoice 1" in shown
    assert "-12.30" in shown


def test_a_refund_becomes_a_credit_note(panel: PanelClient, shop: int) -> None:
    order = paid_order(shop)
    press(panel, "order", order.id, "receipt")
    with acting(vendor_actor(shop)), begin() as session:
        found = session.get_one(Order, order.id)
        payment = make.payment(session, order=found, amount=Decimal("0.01"))
        make.refund(session, payment=payment)
    said = press(panel, "order", order.id, "credit-note")
    assert "There is nothing that a credit note could take back" in said
    with acting(vendor_actor(shop)), begin() as session:
        found = session.get_one(Order, order.id)
        payment = make.payment(session, order=found, amount=Decimal("1.00"))
        make.refund(session, payment=payment)
        first = session.scalars(
            select(Payment).where(Payment.order_id == order.id).order_by(Payment.id)
        ).first()
        make.refund(session, payment=first, amount=Decimal("3.00"))
    assert "Credit note 1" in press(panel, "order", order.id, "credit-note")
    receipt, *notes = read(shop, Invoice)
    assert sum(note.total for note in notes) == Decimal("-3.00")
    assert {note.corrects_id for note in notes} == {receipt.id}


# --- covers and claims --------------------------------------------------------------------


def test_a_customers_page_shows_what_is_covered_now(panel: PanelClient, shop: int) -> None:
    order = paid_order(shop)
    with acting(vendor_actor(shop)), begin() as session:
        line = session.get_one(Order, order.id).lines[0]
        home = {"line": line, "customer_id": order.customer_id}
        make.cover(session, name="Clipper", serial="SN-77", **home)
        past = {"starts_on": date(2020, 1, 1), "ends_on": date(2020, 12, 31)}
        make.cover(session, name="Long gone", status="expired", **past, **home)
        make.cover(session, name="Not written down yet", **past, **home)
    page = panel.get(f"/admin/customer/details/{order.customer_id}").text
    [card] = [part for part in page.split("<section")[1:] if "<h2>Covers</h2>" in part]
    shown = words_of(card)
    assert "Clipper" in shown
    assert "SN-77" in shown
    assert "Long gone" not in shown  # the time line tells of it, as of all that was
    assert "Not written down yet" not in shown


def test_a_claim_goes_from_the_cover_to_the_end_of_the_repair(
    panel: PanelClient, shop: int
) -> None:
    panel.as_(staff(shop))
    number = covered(shop, paid_order(shop))
    assert "Say what is wrong" in press(panel, "cover", number, "claim", problem=" ")
    assert "It hums <loudly>" in press(panel, "cover", number, "claim", problem="It hums <loudly>")
    assert "cannot be done any more" in press(panel, "cover", number, "claim", problem="Again")
    (claim,) = read(shop, WarrantyClaim)
    for command in ("assess", "approve", "repair"):
        press(panel, "warranty-claim", claim.id, command)
    assert "Rests" in words_of(panel.get(f"/admin/cover/details/{number}").text)
    said = press(panel, "warranty-claim", claim.id, "repaired", note="New cable")
    assert "Put right" in said
    assert "New cable" in said
    assert [cover.status for cover in read(shop, Cover)] == ["active"]


def test_money_for_a_claim_is_the_managers_and_an_amount(panel: PanelClient, shop: int) -> None:
    number = covered(shop, paid_order(shop))
    press(panel, "cover", number, "claim", problem="It hums")
    (claim,) = read(shop, WarrantyClaim)
    press(panel, "warranty-claim", claim.id, "approve")
    panel.as_(staff(shop))
    for way in ("refund", "credit"):
        answer = panel.post(f"/admin/warranty-claim/do/{claim.id}/{way}", data={"amount": "1"})
        assert answer.status_code == 403
    assert "Store credit" not in words_of(
        panel.get(f"/admin/warranty-claim/details/{claim.id}").text
    )
    panel.as_(manager(shop))
    for wrong in ("", "NaN", "Infinity", "-5", "1e9", "0", "12.31", "9" * 40, "<script>"):
        press(panel, "warranty-claim", claim.id, "refund", amount=wrong)
        assert read(shop, WarrantyClaim)[0].status == "approved", wrong
    press(panel, "warranty-claim", claim.id, "refund", amount="12.30")
    assert read(shop, WarrantyClaim)[0].resolution == "refund"
    assert read(shop, Cover)[0].status == "void"


def test_a_piece_given_instead_has_an_order_and_the_rest_of_the_cover(
    panel: PanelClient, shop: int
) -> None:
    number = covered(shop, paid_order(shop))
    press(panel, "cover", number, "claim", problem="It hums")
    (claim,) = read(shop, WarrantyClaim)
    press(panel, "warranty-claim", claim.id, "approve")
    assert "cannot be done any more" in press(panel, "warranty-claim", claim.id, "redo")
    assert read(shop, WarrantyClaim)[0].status == "approved"
    said = press(panel, "warranty-claim", claim.id, "replace", serial="NEW-1")
    assert re.search(r"Order \d+", said)
    old, new = read(shop, Cover)
    assert (old.status, new.status, new.serial, new.ends_on) == (
        "replaced", "active", "NEW-1", old.ends_on
    )  # fmt: skip
    assert "given instead" in words_of(panel.get(f"/admin/cover/details/{old.id}").text)


@pytest.mark.parametrize("when", ["", "soon", "2026-02-30T10:00", "9999-12-31T23:59", "0001-01-01"])
def test_a_redo_needs_a_time_that_there_is(panel: PanelClient, shop: int, when: str) -> None:
    with acting(vendor_actor(shop)), begin() as session:
        booking = make.booking(session, status="completed", completed_at=make.NOON)
        cover = make.cover(session, order_line_id=None, booking_id=booking.id, kind="guarantee",
                           customer_id=booking.customer_id)  # fmt: skip
        claim = make.warranty_claim(session, cover=cover, status="approved")
    press(panel, "warranty-claim", claim.id, "redo", starts_at=when)
    assert read(shop, WarrantyClaim)[0].status == "approved"


def test_covers_and_claims_of_another_vendor_are_not_here(panel: PanelClient, shop: int) -> None:
    number = covered(shop, paid_order(shop))
    press(panel, "cover", number, "claim", problem="It hums")
    (claim,) = read(shop, WarrantyClaim)
    panel.as_(manager(make.new_vendor()))
    for path in (
        f"cover/details/{number}", f"warranty-claim/details/{claim.id}",
    ):  # fmt: skip
        assert panel.get(f"/admin/{path}").status_code == 404
    for path in (f"cover/do/{number}/void", f"warranty-claim/do/{claim.id}/approve"):
        assert panel.post(f"/admin/{path}").status_code == 404
    assert read(shop, Cover)[0].status == "active"


def test_lists_are_searched_by_what_people_know(panel: PanelClient, shop: int) -> None:
    order = paid_order(shop)
    with acting(vendor_actor(shop)), begin() as session:
        line = session.get_one(Order, order.id).lines[0]
        cover = make.cover(session, line=line, name="Clipper 100%", serial="SN_7",
                           customer_id=order.customer_id)  # fmt: skip
        make.cover(session, line=line, name="Other", serial="SNx7")
        make.warranty_claim(session, cover=cover, number=4711)
    for term, found in (("100%", True), ("SN_7", True), ("Reis", True), ("%%%", False)):
        shown = words_of(panel.get(f"/admin/cover/list?search={term.replace('%', '%25')}").text)
        assert ("Clipper" in shown) is found, term
        assert "Other" not in shown or term == "%%%"
    assert "Clipper" in words_of(panel.get("/admin/warranty-claim/list?search=4711").text)
