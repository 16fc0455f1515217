"""What customers write back, written down by hand: kept, and heard when it says stop."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.errors import NotFound
from app.operations import forgetting, messages, replies
from app.operations.replies import Keyword, keyword
from app.tenancy import acting, vendor_actor
from models.customers import Consent
from tests import make


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


@pytest.mark.parametrize(
    "text",
    ["STOP", "stop", " Stop. ", "STOPALL", "Stop all", "UNSUBSCRIBE", "Cancel!", "END", "revoke",
     "OPTOUT", "opt out", "Opt-Out", "QUIT", "STOP STOP", "\u201cSTOP\u201d", "Stop 🙏", "STÓP"],
)  # fmt: skip
def test_words_that_stop(text: str) -> None:
    assert keyword(text) is Keyword.STOP


@pytest.mark.parametrize("text", ["START", "start!", "Unstop"])
def test_words_that_start_again(text: str) -> None:
    assert keyword(text) is Keyword.START


@pytest.mark.parametrize(
    "text",
    ["", "yes", "Can I cancel my booking?", "We stop by at ten", "the end", "stopped", "🛑", "123",
     "STOP" * 100, "please don't stop", "\x00", "start stop"],
)  # fmt: skip
def test_sentences_are_read_by_people(text: str) -> None:
    assert keyword(text) is None


def test_an_answer_is_kept_as_it_was_heard(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        kept = replies.note(
            session, customer_id=customer.id, channel="phone", text="Comes\nlater\x00",
            at=make.NOON - timedelta(hours=1),
        )  # fmt: skip
        assert (kept.direction, kept.channel, kept.status) == ("in", "phone", "delivered")
        assert kept.body == "Comes\nlater"
        assert kept.send_at == make.NOON - timedelta(hours=1)


def test_stop_by_hand_is_stop(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session, phone="+31612345678")
        for channel, text in (("email", "STOP"), ("sms", "Stop"), ("sms", "Stop"), ("sms", "Hi")):
            replies.note(session, customer_id=customer.id, channel=channel, text=text)
        rows = session.scalars(select(Consent).order_by(Consent.id)).all()
        assert [(c.channel, c.purpose, c.granted, c.proof) for c in rows] == [
            ("sms", "marketing", False, "Stop"), ("sms", "reminder", False, "Stop"),
        ]  # fmt: skip


def test_what_cannot_be_written_down_is_refused(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session)
        own = {"customer_id": customer.id, "channel": "sms", "text": "Hi"}
        with pytest.raises(replies.NoSuchWay):
            replies.note(session, **own | {"channel": "in_app"})
        with pytest.raises(replies.NotYet):
            replies.note(session, **own, at=make.NOON + timedelta(seconds=1))
        with pytest.raises(messages.NothingWritten):
            replies.note(session, **own | {"text": " \x00\n"})
        with pytest.raises(NotFound):
            replies.note(session, **own | {"customer_id": 999_999})
        forgetting.forget(session, customer_id=customer.id)
        with pytest.raises(NotFound):
            replies.note(session, **own)
