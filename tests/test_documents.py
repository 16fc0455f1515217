"""Documents as files: real PDFs, read back by another program, and served only as issued."""

import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pdfplumber
import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app import clock, documents
from app.database import begin
from app.paper import documents as paper
from app.paper.fonts import runs
from app.tenancy import acting, vendor_actor
from models.invoices import Invoice
from models.orders import Order
from tests import make
from tests.webclient import settled

LONG = "Shampoo for very sensitive skin with oats, almonds and a name that does not end, 500 ml"


@pytest.fixture
def shop(db: Connection, tmp_path: Path) -> Iterator[Path]:
    """The folder of the files of a shop that is open."""
    vendor_id = make.new_vendor(name="Corte & Cor", tax_number="PT501234567")
    with (
        settled(VAR=str(tmp_path)), acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON)
    ):  # fmt: skip
        yield tmp_path / "files"


def paid_order(session: Session, many: int = 1, **line: Any) -> Order:
    customer = make.customer(session, full_name="Ana Reis")
    order = make.order(session, customer=customer, lines=0)
    for n in range(many):
        price = Decimal(n + 1) + Decimal("0.50")
        values = {"name": f"Item {n}", "unit_price": price, "tax_name": "IVA"} | line
        make.order_line(session, order=order, tax_percent=Decimal(23 if n % 2 else 6), **values)
    make.payment(session, order=order)
    session.refresh(order, ["lines"])
    return order


def read(document: Invoice) -> bytes:
    return documents.read(
        content=document.content, stored_as=document.stored_as, checksum=document.checksum
    )


def pages(data: bytes) -> list[Any]:
    return pdfplumber.open(io.BytesIO(data)).pages


def text(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in pages(data))


def test_a_receipt_is_a_real_pdf_of_its_words(shop: Path) -> None:
    with begin() as session:
        receipt = documents.issue(session, order_id=paid_order(session).id, kind="receipt")
    data = read(receipt)
    words = text(data)
    for said in ("Corte & Cor", "Tax number PT501234567", "Receipt", "20 November 2026", "Item 0",
                 "Total EUR 1.50", "Paid in cash 1.50", "IVA 6 %", "Page 1 of 1"):  # fmt: skip
        assert said in words
    assert "Ana" not in words
    assert pdfplumber.open(io.BytesIO(data)).metadata["Title"] == "Receipt 1"
    (kept,) = shop.iterdir()
    assert (kept.name, kept.stat().st_mode & 0o777) == (receipt.stored_as, 0o600)


def test_many_long_lines_run_over_several_pages(shop: Path) -> None:
    with begin() as session:
        order = paid_order(session, 90, name=LONG)
        data = read(documents.issue(session, order_id=order.id, kind="invoice"))
    found = pages(data)
    assert len(found) == 5
    for n, page in enumerate(found, 1):
        words = page.extract_text()
        assert f"Page {n} of 5" in words
        assert "Item Quantity Price Tax Total" in words
        assert all(char["x1"] <= 546 and char["bottom"] <= 812 for char in page.chars)
    whole = " ".join(text(data).split())
    assert whole.count("Shampoo for very sensitive skin") == 90
    assert whole.count("500 ml") == 90
    assert f"EUR {order.total:,.2f}" in whole


def test_money_is_aligned_to_the_right(shop: Path) -> None:
    with begin() as session:
        order = paid_order(session, 20, unit_price=Decimal("1234567.89"))
        (page,) = pages(read(documents.issue(session, order_id=order.id, kind="receipt")))
    amounts = [w for w in page.extract_words() if w["text"] == "1,234,567.89"]
    ends = {round(word["x1"]) for word in amounts}
    assert (len(amounts), ends) == (40, {400, 545})


def test_names_in_any_script_and_of_any_length_are_drawn(shop: Path) -> None:
    names = ("Łukasz Żółć", "Ελληνικά", "Привет", "日本語", "한국어", "X" * 3000, "🐶\x00\u202e")
    with begin() as session:
        order = make.order(session, lines=0)
        for name in names:
            make.order_line(session, order=order, name=name.replace("\x00", " "))
        make.payment(session, order=order)
        session.refresh(order, ["lines"])
        words = text(read(documents.issue(session, order_id=order.id, kind="receipt")))
    for said in ("ukasz", "Ελληνικ", "Привет", "日本語", "한국어"):
        assert said in words
    assert words.count("X") >= 3000


def test_every_letter_finds_a_font_or_a_stand_in() -> None:
    letters = "".join(map(chr, range(0x20, 0x3000)))
    drawn = runs(letters)
    assert all(font and piece for font, piece in drawn)
    assert runs("12\u202f345,60 \u2212 5")[0] == ("Helvetica", "12\xa0345,60 - 5")


def test_a_credit_note_names_what_it_corrects(shop: Path) -> None:
    with begin() as session:
        order = paid_order(session)
        documents.issue(session, order_id=order.id, kind="invoice")
        payment = session.scalars(documents.invoices.select(documents.invoices.Payment)).one()
        refund = make.refund(session, payment=payment, reason="It leaks")
        words = text(read(documents.credit(session, refund_id=refund.id)))
    for said in ("Credit note", "Corrects invoice 1 of 20 November 2026", "It leaks", "Ana Reis",
                 "Total EUR -1.50"):  # fmt: skip
        assert said in words


def test_the_same_words_make_the_same_bytes(shop: Path) -> None:
    with begin() as session:
        receipt = documents.issue(session, order_id=paid_order(session, 3).id, kind="receipt")
    assert paper.draw(receipt.content) == read(receipt)


@pytest.mark.parametrize("harm", ["altered", "lost"])
def test_a_file_that_is_not_the_one_issued_is_never_served(shop: Path, harm: str) -> None:
    with begin() as session:
        receipt = documents.issue(session, order_id=paid_order(session).id, kind="receipt")
    issued = read(receipt)
    (file,) = shop.iterdir()
    if harm == "altered":
        file.write_bytes(issued.replace(b"1", b"9"))
    else:
        file.unlink()
    assert read(receipt) == issued  # drawn again, byte for byte
    with pytest.raises(documents.Altered):
        documents.read(
            content=receipt.content | {"number": 2}, stored_as=receipt.stored_as,
            checksum=receipt.checksum,
        )  # fmt: skip


def given_up(order_id: int, folder: Path) -> None:
    with begin() as session:
        documents.issue(session, order_id=order_id, kind="receipt")
        assert len(list(folder.iterdir())) == 1
        raise ZeroDivisionError


def test_what_is_rolled_back_leaves_no_file_and_no_number(shop: Path) -> None:
    with begin() as session:
        order_id = paid_order(session).id
    with pytest.raises(ZeroDivisionError):
        given_up(order_id, shop)
    assert list(shop.iterdir()) == []
    with begin() as session:
        receipt = documents.issue(session, order_id=order_id, kind="receipt")
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            1 / 0  # noqa: B018
    assert (receipt.number, [file.name for file in shop.iterdir()]) == (1, [receipt.stored_as])
