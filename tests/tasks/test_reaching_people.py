"""Messages reach phones and devices by a real HTTP server, and mail carries the way to stop it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.gateways import mail
from app.operations import forgetting, messages, reaching
from app.tenancy import SYSTEM, acting, vendor_actor
from models.messages import Message
from models.suppressions import Suppression
from tasks import relay as relays
from tasks.celery import celery_app
from tests import make
from tests.carrier import Carrier
from tests.post_office import PostOffice
from tests.webclient import ORIGIN, settled

PHONE = "+31612345678"


@pytest.fixture(scope="module", autouse=True)
def known_tasks() -> None:
    celery_app.loader.import_default_modules()


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor(time_zone="Europe/Amsterdam", name="Aurora")
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with Carrier() as found:
        yield found


@contextmanager
def installed(var: Path, **environment: str) -> Iterator[None]:
    with settled(VAR=str(var), **environment):
        yield


def bring() -> None:
    """What relay and worker do with all that is due."""
    found: list[tuple[str, dict[str, Any], str]] = []

    def send(task: str, *, kwargs: dict[str, Any], task_id: str) -> None:
        found.append((task, kwargs, task_id))

    with acting(SYSTEM), begin() as session:
        relays.relay(session, send)
    for task, kwargs, task_id in found:
        celery_app.tasks[task].apply(kwargs=kwargs, task_id=task_id).get()


def written(channel: str, purpose: str = "transactional", **customer: Any) -> int:
    known = {"full_name": "Ana Alves", "email": "ana@example.com", "phone": PHONE} | customer
    with begin() as session:
        ana = make.customer(session, **known)
        reaching.prefer(session, customer_id=ana.id, push_address="device-1")
        make.consent(
            session, customer=ana, channel=channel, purpose="marketing", granted=True,
            source="counter",
        )  # fmt: skip
        told = messages.compose(
            session, customer_id=ana.id, purpose=purpose, channel=channel,
            words={"subject": "Tomorrow", "body": "At ten.\nSee you"},
        )  # fmt: skip
        assert told is not None
        return int(told.id)


def now(message_id: int) -> Message:
    with begin() as session:
        return session.get_one(Message, message_id)


def test_a_text_and_a_push_go_out_once(shop: int, carrier: Carrier, tmp_path: Path) -> None:
    with installed(tmp_path, SMS_URL=carrier.url, PUSH_URL=carrier.url):
        text, push = written("sms"), written("push")
        bring()
        bring()
    came = [(one["to"], one["key"], one["title"], one["message"]) for one in carrier.taken]
    assert came == [
        (PHONE, f"message-{text}", "", "At ten.\nSee you"),
        ("device-1", f"message-{push}", "Tomorrow", "At ten.\nSee you"),
    ]
    assert [(now(n).status, now(n).provider) for n in (text, push)] == [
        ("sent", "sms"), ("sent", "push"),
    ]  # fmt: skip


def test_a_provider_that_is_away_is_tried_again_by_the_same_name(
    shop: int, carrier: Carrier, tmp_path: Path
) -> None:
    carrier.status = 503
    with installed(tmp_path, SMS_URL=carrier.url):
        number = written("sms")
        bring()
        waiting = now(number)
        assert (waiting.status, waiting.reason) == ("queued", "ProviderAway")
        carrier.status = 200
        with clock.stopped_at(make.NOON + timedelta(minutes=10)):
            bring()
    assert now(number).status == "sent"
    assert {one["key"] for one in carrier.taken} == {f"message-{number}"}


def test_a_number_that_is_refused_fails_and_a_reason_is_kept(
    shop: int, carrier: Carrier, tmp_path: Path
) -> None:
    carrier.status = 400
    with installed(tmp_path, SMS_URL=carrier.url):
        number = written("sms")
        bring()
    failed = now(number)
    assert (failed.status, failed.reason) == ("failed", "ProviderRefuses")
    assert "(400)" in (failed.error or "")


@pytest.mark.parametrize(("secret", "last"), [("", "/unsubscribe/"), ("s" * 16, "answer STOP")])
def test_an_offer_by_text_says_how_to_stop_it(
    shop: int, carrier: Carrier, tmp_path: Path, secret: str, last: str
) -> None:
    with installed(tmp_path, SMS_URL=carrier.url, CALL_BACK_SECRET=secret):
        number = written("sms", "marketing")
        bring()
    assert last in carrier.taken[0]["message"].splitlines()[-1]
    assert now(number).body == carrier.taken[0]["message"]


def test_an_offer_by_mail_carries_the_one_click_and_a_receipt_does_not(
    shop: int, tmp_path: Path
) -> None:
    with (
        PostOffice() as post,
        installed(
            tmp_path, SMTP_URL=f"smtp://127.0.0.1:{post.port}", MAIL_FROM="no-reply@shop.example"
        ),
    ):
        written("email", "marketing")
        written("email")
        bring()
    offer, receipt = post.box.letters
    link = str(offer["List-Unsubscribe"])
    assert link.startswith(f"<{ORIGIN}/unsubscribe/")
    assert offer["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert offer.get_content().splitlines()[-1] == f"No more offers: {link[1:-1]}"
    assert receipt["List-Unsubscribe"] is None
    assert receipt["List-Unsubscribe-Post"] is None


def test_a_server_that_refuses_everybody_makes_nobodys_address_bad(
    shop: int, tmp_path: Path
) -> None:
    with (
        PostOffice() as post,
        installed(
            tmp_path, SMTP_URL=f"smtp://127.0.0.1:{post.port}", MAIL_FROM="no-reply@shop.example"
        ),
    ):
        for number, said in enumerate(("550 relay not permitted", "550 5.7.1 no relaying")):
            email = f"ana{number}@example.com"
            post.box.refused[email] = said
            refused = written("email", email=email)
            bring()
            assert now(refused).reason == mail.RecipientRefused.__name__
    with begin() as session:
        assert session.scalars(select(Suppression.id)).all() == []


def test_what_lies_in_a_folder_does_not_outlive_its_use(shop: int, tmp_path: Path) -> None:
    with installed(tmp_path):
        kept, other = written("sms"), written("push", full_name="Bo")
        bring()
        box = tmp_path / "outbox"
        assert sorted(p.name for p in box.glob("*/*")) == sorted(
            f"message-{n}.txt" for n in (kept, other)
        )
        with begin() as session:
            customer_id = now(kept).customer_id
            assert customer_id is not None
            forgetting.forget(session, customer_id=customer_id)
        bring()
        assert [p.name for p in box.glob("*/*")] == [f"message-{other}.txt"]
        assert celery_app.tasks["tasks.kept.clear"].apply().get() == 0
        with clock.stopped_at(clock.now() + timedelta(days=9_999)):
            assert celery_app.tasks["tasks.kept.clear"].apply().get() == 1
    assert list(box.glob("*/*")) == []
