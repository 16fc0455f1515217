"""Gateways asked by the worker: answers lost, gateways down, and money moved once all the same."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.gateways import payments as gateways
from app.operations import gateway_events, payments, refunds
from app.tenancy import SYSTEM, acting, vendor_actor
from models.orders import Order
from models.outbox import OutboxMessage
from models.payments import EventKind, Payment
from tasks import relay as relays
from tasks.celery import MODULES, celery_app
from tests import make
from tests.provider import Provider, provided
from tests.webclient import settled


@pytest.fixture(scope="module", autouse=True)
def known_tasks() -> None:
    celery_app.loader.import_default_modules()


@pytest.fixture
def vendor_id(db: Connection, tmp_path: Path) -> Iterator[int]:
    number = make.new_vendor()
    with settled(VAR=str(tmp_path)), acting(vendor_actor(number)), clock.stopped_at(make.NOON):
        yield number


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, vendor_id: int) -> Iterator[Provider]:
    with provided(monkeypatch, vendor_id) as found:
        yield found


def work() -> None:
    """Do what relay and worker do until nothing is due; what failed is tried once more."""
    for _ in range(12):
        handed: list[tuple[str, dict[str, object], str]] = []

        def send(task: str, *, kwargs: dict[str, object], task_id: str) -> None:
            handed.append((task, kwargs, task_id))  # noqa: B023 - called before the next round

        with acting(SYSTEM), begin() as session:
            for message in session.scalars(
                select(OutboxMessage).where(OutboxMessage.done_at.is_(None))
            ):
                message.available_at = clock.now()
            relays.relay(session, send)
        for task, kwargs, task_id in handed:
            celery_app.tasks[task].apply(kwargs=kwargs, task_id=task_id)
        if not handed:
            return


def asked(gateway: str) -> int:
    with begin() as session:
        order = make.order(session, lines=3)
        return payments.ask(session, order_id=order.id, gateway=gateway).id


def standing(payment_id: int) -> tuple[str, Decimal, Decimal]:
    with begin() as session:
        payment = session.get_one(Payment, payment_id)
        order = session.get_one(Order, payment.order_id)
        return payment.status, order.paid, order.refunded


def test_every_promise_names_a_task_that_is_there() -> None:
    assert "tasks.payments" in MODULES
    for name in (payments.AUTHORISE, payments.CAPTURE, refunds.GIVE, gateway_events.APPLY):
        assert name in celery_app.tasks


def test_money_is_authorised_captured_and_given_back(vendor_id: int, provider: Provider) -> None:
    payment_id = asked("provider")
    work()
    assert standing(payment_id) == ("captured", 30, 0)
    with begin() as session:
        order_id = session.get_one(Payment, payment_id).order_id
        refunds.give(session, order_id=order_id, reason="Why", amount=Decimal(10))
        assert session.get_one(Order, order_id).refunded == 10
    work()
    assert standing(payment_id) == ("captured", 30, 10)
    assert [call.split()[0] for call in provider.calls] == ["authorise", "capture", "refund"]


def test_an_answer_that_was_lost_is_asked_for_again_and_moves_money_once(
    vendor_id: int, provider: Provider
) -> None:
    provider.faults = [ConnectionError("lost"), TimeoutError("slow")]
    payment_id = asked("provider")
    work()
    assert standing(payment_id) == ("captured", 30, 0)
    assert len(provider.calls) == 4
    assert len(provider.moved) == 2


def test_a_payment_that_fails_leaves_the_order_unpaid(vendor_id: int, provider: Provider) -> None:
    provider.says["authorise"] = EventKind.PAYMENT_FAILED
    payment_id = asked("provider")
    work()
    assert standing(payment_id) == ("failed", 0, 0)


def test_a_refund_that_fails_is_no_refund(vendor_id: int, provider: Provider) -> None:
    provider.says["refund"] = EventKind.REFUND_FAILED
    payment_id = asked("provider")
    work()
    with begin() as session:
        order_id = session.get_one(Payment, payment_id).order_id
        refunds.give(session, order_id=order_id, reason="Why")
    assert standing(payment_id) == ("captured", 30, 30)
    work()
    assert standing(payment_id) == ("captured", 30, 0)


def test_the_desk_notes_what_is_to_be_taken_until_it_is_said(
    vendor_id: int, tmp_path: Path
) -> None:
    payment_id = asked("desk")
    work()
    assert standing(payment_id) == ("pending", 0, 0)
    (note,) = (tmp_path / "payments" / str(vendor_id)).iterdir()
    assert note.name == f"payment-{payment_id}.txt"
    assert note.read_text().startswith("Take 30.00 EUR: Order ")
    assert note.stat().st_mode & 0o077 == 0
    gateways.desk(vendor_id).said(
        EventKind.PAYMENT_CAPTURED, about=f"payment-{payment_id}", amount=Decimal(30),
        currency="EUR",
    )  # fmt: skip
    assert not note.exists()


def test_what_was_stored_and_left_is_applied_by_the_worker(vendor_id: int) -> None:
    payment_id = asked("desk")
    desk = gateways.desk(vendor_id)
    said = desk.said(
        EventKind.PAYMENT_CAPTURED, about=f"payment-{payment_id}", amount=Decimal("30.00"),
        currency="EUR",
    )  # fmt: skip
    with begin() as session:
        gateway_events.store(session, gateway="desk", told=desk.heard(*said))
    work()
    assert standing(payment_id) == ("captured", 30, 0)


@pytest.mark.parametrize("about", ["../x", "a/b", ".x", "", "x" * 201, "é"])
def test_no_note_leaves_its_folder(vendor_id: int, tmp_path: Path, about: str) -> None:
    desk = gateways.desk(vendor_id)
    with pytest.raises(gateways.NotUnderstood):
        desk.refund(about=about, gateway_ref="x", amount=Decimal(1), currency="EUR")
    assert list(tmp_path.rglob("*.txt")) == []


def test_without_a_secret_nothing_is_checked_and_nothing_let_in(vendor_id: int) -> None:
    with settled(SECRET_KEY=""), pytest.raises(gateways.NoSecret):
        gateways.desk(vendor_id)
