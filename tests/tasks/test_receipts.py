"""A document is mailed as the file that was issued, to who it is for, once for each promise."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from app import clock, documents
from app.database import begin
from app.errors import NotFound
from app.operations import forgetting, receipts
from app.tenancy import SYSTEM, acting, vendor_actor
from app.transact import in_transaction
from models.invoices import Invoice
from models.orders import Order
from models.outbox import OutboxMessage
from tasks import relay as relays
from tasks.celery import MODULES, celery_app
from tests import make
from tests.post_office import PostOffice
from tests.webclient import settled


@pytest.fixture(scope="module", autouse=True)
def known_tasks() -> None:
    celery_app.loader.import_default_modules()


@pytest.fixture
def post(db: Connection, tmp_path: Path) -> Iterator[PostOffice]:
    """A mail server that the settings name, and a vendor whose people act."""
    vendor_id = make.new_vendor(name="Salão\r\nBcc: x@evil.example", email="ola@aurora.example")
    with PostOffice() as office, settled(
        VAR=str(tmp_path), SMTP_URL=f"smtp://127.0.0.1:{office.port}",
        MAIL_FROM="Backroom <no-reply@backroom.example>",
    ), acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):  # fmt: skip
        yield office


def sold(email: str | None = "ana@example.com", *kinds: str) -> Order:
    """A paid order, and what was issued of it."""
    with begin() as session:
        order = make.order(session, customer=make.customer(session, email=email))
        make.payment(session, order=order)
        session.refresh(order)
        for kind in kinds or ("receipt",):
            documents.issue(session, order_id=order.id, kind=kind)
        return order


def bring() -> list[tuple[str, dict[str, object], str]]:
    """Do what relay and worker do with all that is due; what was handed over."""
    handed: list[tuple[str, dict[str, object], str]] = []

    def send(task: str, *, kwargs: dict[str, object], task_id: str) -> None:
        handed.append((task, kwargs, task_id))

    with acting(SYSTEM), begin() as session:
        relays.relay(session, send)
    for task, kwargs, task_id in handed:
        celery_app.tasks[task].apply(kwargs=kwargs, task_id=task_id)
    return handed


def test_the_promise_names_a_task_that_the_worker_knows() -> None:
    assert "tasks.receipts" in MODULES
    assert receipts.TASK in celery_app.tasks


def test_the_file_that_was_issued_goes_to_the_customer_once(post: PostOffice) -> None:
    order = sold()
    in_transaction(receipts.send, order_id=order.id)
    ((task, kwargs, task_id),) = bring()
    celery_app.tasks[task].apply(kwargs=kwargs, task_id=task_id)  # brought a second time
    (letter,) = post.box.letters
    assert post.box.envelopes == [("no-reply@backroom.example", ["ana@example.com"])]
    assert str(letter["Subject"]) == "Receipt 1 from Salão Bcc: x@evil.example"
    assert (letter["Reply-To"], letter["Bcc"]) == ("ola@aurora.example", None)
    body = letter.get_body()
    assert body is not None
    words = body.get_content()
    assert "your receipt 1 of Friday 20 November 2026: 10.00 EUR." in words
    assert "ola@aurora.example" in words
    (pdf,) = letter.iter_attachments()
    assert (pdf.get_content_type(), pdf.get_filename()) == ("application/pdf", "receipt-1.pdf")
    with begin() as session:
        issued = session.scalars(select(Invoice)).one()
        file = documents.read(
            content=issued.content, stored_as=issued.stored_as, checksum=issued.checksum
        )
    assert pdf.get_content() == file
    assert file.startswith(b"%PDF")


def test_a_worker_that_died_after_the_server_took_it_sends_the_same_mail(post: PostOffice) -> None:
    in_transaction(receipts.send, order_id=sold().id)
    bring()
    with acting(SYSTEM), begin() as session:
        session.execute(update(OutboxMessage).values(done_at=None, available_at=clock.now()))
    bring()
    first, second = post.box.letters
    assert first["Message-ID"] == second["Message-ID"]


def test_the_invoice_goes_before_the_receipt_unless_one_is_named(post: PostOffice) -> None:
    order = sold("ana@example.com", "receipt", "invoice")
    with begin() as session:
        receipt = session.scalars(select(Invoice).where(Invoice.kind == "receipt")).one()
    in_transaction(receipts.send, order_id=order.id)
    in_transaction(
        receipts.send, order_id=order.id, to=" Rui@Bücher.example ", invoice_id=receipt.id
    )
    bring()
    assert sorted(str(m["Subject"])[:9] for m in post.box.letters) == ["Invoice 1", "Receipt 1"]
    assert sorted(to for _, (to,) in post.box.envelopes) == [
        "ana@example.com", "rui@xn--bcher-kva.example"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "to", ["ana", "a@b", "x" * 400 + "@example.com", "a@example.com\r\nBcc: b@c.de"]
)
def test_what_is_no_address_is_refused(post: PostOffice, to: str) -> None:
    with pytest.raises(receipts.NotAnAddress) as refused:
        in_transaction(receipts.send, order_id=sold().id, to=to)
    assert refused.value.field == "to"


def test_without_an_address_or_a_document_nothing_is_promised(post: PostOffice) -> None:
    with pytest.raises(receipts.NoAddress):
        in_transaction(receipts.send, order_id=sold(None).id, to="  ")
    with begin() as session:
        bare = make.order(session)
    with pytest.raises(receipts.NothingIssued):
        in_transaction(receipts.send, order_id=bare.id, to="ana@example.com")
    for number in (2**40, -1):
        with pytest.raises(NotFound):
            in_transaction(receipts.send, order_id=number)
    with begin() as session:
        other = session.scalars(select(Invoice)).one()
        with pytest.raises(NotFound):
            receipts.send(session, order_id=bare.id, invoice_id=other.id)
    assert bring() == []


def test_nobody_s_sale_is_mailed_where_they_say(post: PostOffice) -> None:
    with begin() as session:
        order = make.order(session)
        make.payment(session, order=order, amount=Decimal("20.00"))
        session.refresh(order)
        documents.issue(session, order_id=order.id, kind="receipt")
    in_transaction(receipts.send, order_id=order.id, to="walk-in@example.com")
    bring()
    assert [to for _, to in post.box.envelopes] == [["walk-in@example.com"]]


def test_who_was_forgotten_meanwhile_is_mailed_nothing(post: PostOffice) -> None:
    order = sold()
    in_transaction(receipts.send, order_id=order.id)
    in_transaction(forgetting.forget, customer_id=order.customer_id)
    bring()
    assert post.box.letters == []
    with acting(SYSTEM), begin() as session:
        message = session.scalars(
            select(OutboxMessage).where(OutboxMessage.task == receipts.TASK)
        ).one()
        assert message.done_at


def test_another_vendor_s_order_is_not_here(post: PostOffice) -> None:
    order = sold()
    with acting(vendor_actor(make.new_vendor())), pytest.raises(NotFound):
        in_transaction(receipts.send, order_id=order.id, to="ana@example.com")
