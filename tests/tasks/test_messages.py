"""Messages reach a real mail server, once, true, and in the end; what is refused says why."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from app import clock
from app.database import begin
from app.gateways import mail
from app.operations import forgetting, messages, outbox, reaching, sending, suppressions, templates
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bookings import Booking
from models.messages import Message
from models.outbox import OutboxMessage
from models.suppressions import Suppression
from tasks import messages as bringing
from tasks import relay as relays
from tasks.celery import MODULES, celery_app
from tests import make
from tests.post_office import PostOffice
from tests.webclient import settled

TEN = datetime(2026, 11, 23, 10, tzinfo=UTC)
SENDER = "Backroom <no-reply@backroom.example>"


@pytest.fixture(scope="module", autouse=True)
def known_tasks() -> None:
    celery_app.loader.import_default_modules()


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    """A vendor in Amsterdam, acting, at noon on 20 November 2026."""
    vendor_id = make.new_vendor(
        name="Salon\r\nBcc: x@evil.example", city="Amsterdam", time_zone="Europe/Amsterdam",
        email="ola@aurora.example",
    )  # fmt: skip
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


@pytest.fixture
def post(shop: int, tmp_path: Path) -> Iterator[PostOffice]:
    """A mail server that the settings name."""
    with PostOffice() as office, mailing_to(office.port, tmp_path):
        yield office


@contextmanager
def mailing_to(port: int, var: Path) -> Iterator[None]:
    with settled(VAR=str(var), SMTP_URL=f"smtp://127.0.0.1:{port}", MAIL_FROM=SENDER):
        yield


def handed() -> list[tuple[str, dict[str, Any], str]]:
    """What the relay hands over of all that is due."""
    found: list[tuple[str, dict[str, Any], str]] = []

    def send(task: str, *, kwargs: dict[str, Any], task_id: str) -> None:
        found.append((task, kwargs, task_id))

    with acting(SYSTEM), begin() as session:
        relays.relay(session, send)
    return found


def bring() -> int:
    """Do what relay and worker do with all that is due; how many tasks these were."""
    tasks = handed()
    for task, kwargs, task_id in tasks:
        celery_app.tasks[task].apply(kwargs=kwargs, task_id=task_id).get()
    return len(tasks)


def again() -> int:
    """The same as if the lease of everything that is not done were over."""
    with acting(SYSTEM), begin() as session:
        session.execute(update(OutboxMessage).values(available_at=clock.now()))
    return bring()


def somebody(**fields: Any) -> int:
    with begin() as session:
        values = {"full_name": "Ana Alves", "email": "ana@example.com"} | fields
        return make.customer(session, **values).id


def written(customer_id: int, **more: Any) -> int:
    """A message by hand."""
    with begin() as session:
        told = messages.compose(
            session, customer_id=customer_id, **{
                "purpose": "transactional",
                "words": {"subject": "Your coat", "body": "It is still here.\nCome for it!"},
            } | more,
        )  # fmt: skip
        assert told is not None
        return told.id


def now(message_id: int) -> Message:
    with begin() as session:
        return session.get_one(Message, message_id)


def promise(message: Message) -> OutboxMessage:
    with acting(SYSTEM), begin() as session:
        about = OutboxMessage.payload["message_id"].as_integer() == message.id
        return session.scalars(select(OutboxMessage).where(about)).one()


def test_the_promise_names_a_task_that_the_worker_knows() -> None:
    assert "tasks.messages" in MODULES
    assert {messages.TASK, templates.TRY_OUT} <= set(celery_app.tasks)


def test_a_message_reaches_the_mail_server_once(post: PostOffice) -> None:
    one = written(somebody())
    tasks = handed()
    for task, kwargs, task_id in tasks * 2:  # brought a second time
        celery_app.tasks[task].apply(kwargs=kwargs, task_id=task_id).get()
    (letter,) = post.box.letters
    assert post.box.envelopes == [("no-reply@backroom.example", ["ana@example.com"])]
    assert letter.get_content().split() == ["It", "is", "still", "here.", "Come", "for", "it!"]
    assert (letter["Subject"], letter["Reply-To"]) == ("Your coat", "ola@aurora.example")
    assert letter["From"] == '"Salon Bcc: x@evil.example" <no-reply@backroom.example>'
    assert (letter["Bcc"], letter["Message-ID"]) == (None, f"<message-{one}@backroom.example>")
    sent = now(one)
    assert (sent.status, sent.address, sent.tries) == ("sent", "ana@example.com", 1)
    assert (sent.provider, sent.deaths, promise(sent).attempts) == ("smtp", 0, 1)


def test_many_messages_go_in_bundles_by_one_connection(post: PostOffice) -> None:
    sent = [written(somebody(email=f"c{n}@example.com")) for n in range(30)]
    assert bring() == 2  # 25 and 5
    assert [to for _, to in post.box.envelopes] == [[f"c{n}@example.com"] for n in range(30)]
    assert {now(one).status for one in sent} == {"sent"}
    assert post.box.greeted == 1


def test_a_worker_that_died_after_the_server_took_it_sends_the_same_mail(post: PostOffice) -> None:
    one = written(somebody())
    bring()
    with acting(SYSTEM), begin() as session:  # as if the last commit had not come
        session.execute(update(OutboxMessage).values(done_at=None, available_at=clock.now()))
        session.execute(update(Message).values(status="sending", sent_at=None))
    bring()
    first, second = post.box.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert (now(one).status, now(one).deaths) == ("sent", 1)


def test_a_message_that_kills_each_worker_is_left_alone(post: PostOffice) -> None:
    one = written(somebody())
    for _ in range(sending.MOST_DEATHS):
        with acting(SYSTEM), begin() as session:
            session.execute(update(Message).values(status="sending", sent_at=None))
            session.execute(update(OutboxMessage).values(done_at=None))
        again()
    assert (now(one).status, now(one).reason) == ("failed", "KilledWorkers")
    assert promise(now(one)).dead_at is not None
    assert len(post.box.letters) == sending.MOST_DEATHS - 1
    assert again() == 0


def test_one_that_cannot_be_written_holds_up_nobody(post: PostOffice) -> None:
    good = [written(somebody()) for _ in range(2)]
    with begin() as session:
        customer = make.customer(session, email="bo@example.com")
        bad = make.message(session, customer=customer, event="of_another_version").id
        outbox.enqueue(session, messages.TASK, message_id=bad)
    bring()
    assert {now(one).status for one in good} == {"sent"}
    waits = now(bad)
    assert (waits.status, waits.error) == (
        "queued", "Something went wrong (ValueError): the worker's log says where."
    )  # fmt: skip
    assert promise(waits).available_at > make.NOON


def test_somebody_elses_lock_is_respected(post: PostOffice) -> None:
    one = written(somebody())
    with outbox.running_these([promise(now(one)).id]):
        bring()
    assert post.box.letters == []
    assert again() == 1
    assert len(post.box.letters) == 1


# --- refusals -----------------------------------------------------------------------------------


def test_an_address_that_is_refused_for_good_fails_at_once(post: PostOffice) -> None:
    post.box.refused["ana@example.com"] = "550 5.1.1 no such user"
    bad, good = written(somebody()), written(somebody(email="bo@example.com"))
    bring()
    failed = now(bad)
    assert (failed.status, failed.reason) == ("failed", "NobodyThere")
    assert failed.error == (
        "The mail server refuses the recipient (550): check the e-mail address."
    )
    assert promise(failed).done_at is not None
    assert now(good).status == "sent"
    later = written(failed.customer_id or 0)
    assert (now(later).status, now(later).reason) == ("suppressed", "NothingArrives")
    del post.box.refused["ana@example.com"]
    with begin() as session:
        left_alone = session.scalars(select(Suppression.id)).one()
        suppressions.try_again(session, suppression_id=left_alone)
        for one in (bad, later):
            messages.retry(session, message_id=one)
    bring()
    for one in (bad, later):
        assert (now(one).status, now(one).error) == ("sent", None)


def test_a_reminder_waits_for_the_end_of_quiet_hours(post: PostOffice) -> None:
    with clock.stopped_at(datetime(2026, 11, 20, 22, tzinfo=UTC)):  # 23:00 in Amsterdam
        reminder = written(somebody(), purpose="reminder")
        receipt = written(somebody())
        bring()
        assert now(receipt).status == "sent"
        assert now(reminder).send_at == datetime(2026, 11, 21, 7, tzinfo=UTC)
        again()  # somebody is in a hurry
        assert len(post.box.letters) == 1
    with clock.stopped_at(datetime(2026, 11, 21, 7, tzinfo=UTC)):
        bring()
    assert now(reminder).status == "sent"


def test_offers_need_a_yes_and_no_more_come_than_the_ceiling_lets(post: PostOffice) -> None:
    silent = written(somebody(email="bo@example.com"), purpose="marketing")
    assert (now(silent).status, now(silent).reason) == ("suppressed", "NoConsent")
    ana = somebody()
    with begin() as session:
        reaching.consent(
            session, customer_id=ana, channel="email", purpose="marketing", granted=True,
            source="form",
        )  # fmt: skip
    offers = [written(ana, purpose="marketing") for _ in range(3)]
    bring()
    assert [now(one).status for one in offers] == ["sent", "sent", "suppressed"]
    assert now(offers[2]).reason == "OftenEnough"
    assert len(post.box.letters) == 2


@pytest.mark.parametrize("refuses", ["450 busy", "421 too many"])
def test_what_is_refused_for_now_is_tried_again_after_a_pause(
    post: PostOffice, refuses: str
) -> None:
    post.box.refused["ana@example.com"] = refuses
    one = written(somebody())
    bring()
    waits = now(one)
    assert (waits.status, waits.tries, bring()) == ("queued", 1, 0)
    assert waits.error is not None
    assert waits.error.endswith("try again later.")
    assert waits.send_at == make.NOON + outbox.FIRST_PAUSE
    del post.box.refused["ana@example.com"]
    with clock.stopped_at(make.NOON + timedelta(minutes=1)):
        assert bring() == 1
    assert (now(one).status, now(one).error, now(one).tries) == ("sent", None, 2)


def test_a_server_that_is_away_costs_a_bundle_one_look(
    shop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    monkeypatch.setattr(mail.SmtpMail, "_connected", _refusing(looks))
    with mailing_to(1, tmp_path):
        some = [written(somebody()) for _ in range(5)]
        bring()
    assert len(looks) == 1
    for one in some:
        assert (now(one).status, now(one).reason) == ("queued", "ServerAway")


def _refusing(looks: list[int]) -> Any:
    def refuse(_self: object) -> None:
        looks.append(1)
        raise ConnectionRefusedError

    return refuse


def test_a_message_that_is_never_taken_is_given_up_and_sent_again_by_hand(
    post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_TRIES", 3)
    post.box.answer = "451 the disk is full"
    one = written(somebody())
    for _ in range(3):
        again()
    failed = now(one)
    assert (failed.status, failed.reason, promise(failed).attempts) == ("failed", "GivenUp", 3)
    assert failed.error == (
        "It was given up after 3 tries. The mail server does not take the message now (451):"
        " try again later."
    )
    assert (again(), post.box.letters) == (0, [])
    post.box.answer = "250 taken"
    with acting(SYSTEM), begin() as session:  # from the outbox, where an admin sees it
        outbox.revive(session, message_id=promise(failed).id)
    bring()
    assert (now(one).status, len(post.box.letters)) == ("sent", 1)


@contextmanager
def speaking(says: bytes) -> Iterator[int]:
    """A server that says the same to everybody who comes, and nothing more; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                held.append(caller)
                caller.sendall(says)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for caller in held:
            caller.close()


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"\x00\xff garbage\r\n" * 3,
        b"999 what?\r\n",
        b"220 " + b"x" * 20_000 + b"\r\n",
        b"220 hello\r\n250 fine\r\n250 fine\r\n250 fine\r\n",
    ],
    ids=["nothing", "noise", "no code", "endless", "no data"],
)
def test_a_server_that_answers_nonsense_or_nothing_loses_nothing(
    shop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    monkeypatch.setattr(mail, "SECONDS", 0.2)
    with speaking(says) as port, mailing_to(port, tmp_path):
        one = written(somebody())
        bring()
    waits = now(one)
    assert (waits.status, waits.tries) == ("queued", 1)
    assert waits.error
    with PostOffice() as office, mailing_to(office.port, tmp_path):
        again()
        assert len(office.box.letters) == 1
    assert now(one).status == "sent"


def test_what_a_slow_bundle_does_not_begin_is_somebody_elses(
    post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "BEGINS_WITHIN", -1.0)
    first, second = written(somebody()), written(somebody())
    bring()
    assert (now(first).status, now(second).status, now(second).tries) == ("sent", "queued", 0)
    monkeypatch.undo()
    assert bring() == 1
    assert (now(second).status, len(post.box.letters)) == ("sent", 2)


# --- in person, true, forgotten -----------------------------------------------------------------


def test_somebody_without_an_address_is_told_in_person(post: PostOffice) -> None:
    one = written(somebody(email=None))
    bring()
    told = now(one)
    assert (told.channel, told.status, post.box.letters) == ("in_app", "sent", [])
    with begin() as session:
        messages.mark_delivered(session, message_id=one)
    assert now(one).status == "delivered"


@pytest.mark.parametrize("status", ["pending", "confirmed", "completed", "cancelled", "no_show"])
def test_what_is_not_true_any_more_is_not_told(post: PostOffice, status: str) -> None:
    with begin() as session:
        customer = make.customer(session, email="ana@example.com")
        booking = make.booking(session, customer=customer, starts_at=TEN)
        for event in ("confirmed", "moved", "cancelled", "completed", "no_show", "reminder"):
            messages.compose(
                session, customer_id=customer.id, purpose="transactional",
                event=f"booking_{event}", booking_id=booking.id, key=event,
            )  # fmt: skip
        session.execute(update(Message).values(status="queued", reason=None, error=None))
        for message in session.scalars(select(Message).where(Message.reason.is_not(None))):
            outbox.enqueue(session, messages.TASK, message_id=message.id)
        session.execute(update(Booking).values(status=status))
    with begin() as session:
        known = {row.payload["message_id"] for row in session.scalars(select(OutboxMessage))}
        for message in session.scalars(select(Message)):
            if message.id not in known:
                outbox.enqueue(session, messages.TASK, message_id=message.id)
    bring()
    true = {
        "pending": {"moved", "reminder"},
        "confirmed": {"confirmed", "moved", "reminder"},
        "completed": {"completed"},
        "cancelled": {"cancelled"},
        "no_show": {"no_show"},
    }
    with begin() as session:
        sent = session.scalars(select(Message.key).where(Message.status == "sent")).all()
        held = session.scalars(select(Message.reason).where(Message.status == "suppressed")).all()
    assert set(sent) == true[status]
    assert set(held) == {"ChangedSince"}
    assert len(post.box.letters) == len(sent)


def test_who_is_forgotten_hears_nothing_more_and_nothing_said_is_kept(post: PostOffice) -> None:
    ana, bo = somebody(), somebody(full_name="Bo Berg", email="bo@example.com")
    sent = written(ana)
    bring()
    waits, other = written(ana), written(bo)
    with begin() as session:
        forgetting.forget(session, customer_id=ana)
    bring()
    assert [to for _, to in post.box.envelopes] == [["ana@example.com"], ["bo@example.com"]]
    for one in (sent, waits):
        gone = now(one)
        assert (gone.subject, gone.body, gone.address) == (None, None, None)
    assert (now(sent).status, now(waits).status) == ("sent", "suppressed")
    assert now(other).body == "It is still here.\nCome for it!"


def test_a_test_goes_to_the_one_who_asks(post: PostOffice, shop: int) -> None:
    with acting(SYSTEM), begin() as session:
        user = make.user(session, email="rita@aurora.example")
        make.vendor_user(session, user=user, vendor_id=shop)
    customer = somebody()
    with acting(vendor_actor(shop, user.id)), begin() as session:
        template = templates.write(
            session, name="Coat", channel="email", subject="Your coat, {{first_name}}",
            body="It is here, {{ customer_name }}.",
        )  # fmt: skip
        templates.try_out(session, template_id=template.id, customer_id=customer)
    bring()
    (letter,) = post.box.letters
    assert (letter["To"], letter["Subject"]) == ("rita@aurora.example", "Your coat, Ana")
    assert letter.get_content().strip() == "It is here, Ana Alves."
    with begin() as session:
        assert session.scalars(select(Message)).all() == []
