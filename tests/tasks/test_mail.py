"""A link is mailed once, by a secret that lies nowhere, and only while it is open."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import invitations, outbox
from app.settings import settings
from app.tenancy import GATE, SYSTEM, Actor, DatabaseRole, PanelRole, acting
from app.transact import in_transaction
from models.outbox import OutboxMessage
from models.users import OneTimeLink, User, VendorUser
from tasks import relay as relays
from tasks.celery import MODULES, celery_app
from tests import make
from tests.post_office import PostOffice

PASSWORD = "four purple geese swim"
SENDER = "Backroom <no-reply@backroom.example>"


@dataclass
class House:
    """A vendor with its manager and somebody who works there, at noon."""

    vendor: int
    hand: int
    now: datetime

    @property
    def manager(self) -> Actor:
        return Actor(DatabaseRole.VENDOR, self.vendor, 1, PanelRole.MANAGER)


@pytest.fixture(scope="module", autouse=True)
def known_tasks() -> None:
    """The tasks of the modules that a worker reads."""
    celery_app.loader.import_default_modules()


@pytest.fixture
def house(db: Connection, at_noon: datetime) -> House:
    with acting(SYSTEM), begin() as session:
        vendor = make.vendor(session, name="Salão Aurora\r\nBcc: x@evil.example")
        hand = make.user(session, email="ana@example.com")
        make.vendor_user(session, user=hand, vendor_id=vendor.id)
        return House(vendor.id, hand.id, at_noon)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    """A mail server that the settings name."""
    with PostOffice() as office:
        monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{office.port}")
        monkeypatch.setenv("MAIL_FROM", SENDER)
        monkeypatch.setenv("PUBLIC_URL", "https://panel.example/")
        settings.cache_clear()
        yield office
    settings.cache_clear()


def asked(house: House) -> str:
    """A link for a new password, asked for by the manager; its secret, as it is shown."""
    with acting(house.manager):
        return in_transaction(invitations.reset, user_id=house.hand, by_mail=True)


def bring() -> list[str]:
    """Do what relay and worker do with all that is due; the ids of the tasks."""
    handed: list[tuple[str, dict[str, object], str]] = []

    def send(task: str, *, kwargs: dict[str, object], task_id: str) -> None:
        handed.append((task, kwargs, task_id))

    with acting(SYSTEM), begin() as session:
        relays.relay(session, send)
    for task, kwargs, task_id in handed:
        celery_app.tasks[task].apply(kwargs=kwargs, task_id=task_id)
    return [task_id for _, _, task_id in handed]


def promised() -> OutboxMessage:
    with acting(SYSTEM), begin() as session:
        return session.scalars(select(OutboxMessage)).one()


def secrets(post: PostOffice) -> list[str]:
    found = [
        re.search(r"https://panel\.example/link/(\S+)", m.get_content()) for m in post.box.letters
    ]
    return [match[1] for match in found if match]


def opens(token: str) -> bool:
    with acting(GATE):
        try:
            in_transaction(invitations.link_owner, token=token)
        except invitations.LinkSpent:
            return False
    return True


def test_the_promise_names_a_task_that_the_worker_knows() -> None:
    assert "tasks.mail" in MODULES
    assert invitations.MAIL_TASK in celery_app.tasks


def test_a_link_is_mailed_once_and_its_secret_lies_nowhere(
    house: House, post: PostOffice, db: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    shown = asked(house)
    (task_id,) = bring()
    message = promised()
    celery_app.tasks[message.task].apply(
        kwargs={"vendor_id": house.vendor, **message.payload}, task_id=task_id
    )
    (letter,), (mailed,) = post.box.letters, secrets(post)
    assert bring() == []
    assert message.done_at
    assert letter["To"] == "ana@example.com"
    assert str(letter["Subject"]) == "A new password for Salão Aurora Bcc: x@evil.example"
    assert letter["Bcc"] is None
    assert post.box.envelopes == [("no-reply@backroom.example", ["ana@example.com"])]
    assert "until Saturday 21 November 2026, 12:00 (Europe/Lisbon)" in letter.get_content()
    assert mailed != shown
    with acting(SYSTEM), begin() as session:
        tables = ("outbox_messages", "one_time_links", "audit_entries")
        kept = [session.scalars(text(f"SELECT t::text FROM {t} t")).all() for t in tables]
    for secret in (shown, mailed):
        assert secret not in f"{kept}{caplog.text}"
        assert opens(secret)
    with acting(GATE):
        in_transaction(invitations.use_link, token=mailed, password=PASSWORD)
    assert not opens(shown)
    assert not opens(mailed)


def test_an_invitation_is_mailed_in_the_name_of_who_invites(house: House, post: PostOffice) -> None:
    place = {"email": "new@bücher.example", "role": "staff", "vendor_id": house.vendor}
    with acting(house.manager):
        in_transaction(invitations.invite, **place, by_mail=True)
    with acting(SYSTEM):
        in_transaction(
            invitations.invite, email="figures@example.com", role="analyst", by_mail=True
        )
    bring()
    by_vendor, by_market = post.box.letters
    assert by_vendor["To"] == "new@xn--bcher-kva.example"
    assert "Aurora" in str(by_vendor["Subject"])
    assert str(by_market["Subject"]) == "Your invitation to Backroom"
    assert "(UTC)" in by_market.get_content()
    assert all(opens(secret) for secret in secrets(post))


def test_a_repeat_is_known_as_one_and_either_link_works(house: House, post: PostOffice) -> None:
    asked(house)
    bring()
    with acting(SYSTEM), begin() as session:  # a worker killed after the server took the mail
        session.execute(update(OutboxMessage).values(done_at=None))
    with clock.stopped_at(house.now + timedelta(hours=1)):
        bring()
    first, second = post.box.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert [opens(secret) for secret in secrets(post)] == [True, True]


def test_two_links_are_two_mails(house: House, post: PostOffice) -> None:
    asked(house)
    asked(house)
    bring()
    assert len({letter["Message-ID"] for letter in post.box.letters}) == 2


def test_a_server_that_was_down_gets_the_mail_when_it_is_up(house: House, post: PostOffice) -> None:
    post.stop()
    asked(house)
    bring()
    message = promised()
    assert message.done_at is None
    assert (message.last_error or "").startswith("ServerAway: The mail server does not answer")
    assert bring() == []
    later = clock.stopped_at(house.now + outbox.FIRST_PAUSE)
    with PostOffice(port=post.port) as again, later:
        bring()
    assert promised().done_at
    assert len(again.box.letters) == 1


def test_a_recipient_that_is_refused_is_given_up_in_the_end_and_told(
    house: House, post: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    post.box.refused = {"ana@example.com": "550 5.1.1 no ana@example.com here"}
    asked(house)
    for hours in range(outbox.MAX_ATTEMPTS):
        with clock.stopped_at(house.now + timedelta(hours=2 * hours)):
            assert len(bring()) == 1
    message = promised()
    assert message.dead_at
    assert message.attempts == outbox.MAX_ATTEMPTS
    assert (message.last_error or "").startswith("NobodyThere: The mail server refuses")
    assert "550" in (message.last_error or "")
    assert "ana@" not in f"{message.last_error}{caplog.text}"
    assert post.box.letters == []


def test_a_wrong_sign_in_is_told_without_the_password(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MAIL_FROM", SENDER)
    with PostOffice(user="post", password="right") as post:
        monkeypatch.setenv("SMTP_URL", f"smtp://post:mistaken@127.0.0.1:{post.port}")
        settings.cache_clear()
        asked(house)
        bring()
    settings.cache_clear()
    assert (promised().last_error or "").startswith("SignInRefused: ")
    assert "mistaken" not in f"{promised().last_error}{caplog.text}"


def test_a_server_no_longer_set_up_is_told(
    house: House, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(house)
    monkeypatch.delenv("SMTP_URL")
    settings.cache_clear()
    bring()
    assert (promised().last_error or "").startswith("NotSetUp: ")


@pytest.mark.parametrize("link", ["", "0" * 64, "x" * 10_000, "' OR true --"])
def test_a_link_that_is_not_there_is_no_mail(house: House, post: PostOffice, link: str) -> None:
    with acting(house.manager), begin() as session:
        outbox.enqueue(session, invitations.MAIL_TASK, link=link)
    bring()
    assert promised().done_at
    assert post.box.letters == []


@pytest.mark.parametrize("reason", ["used", "too old", "inactive"])
def test_a_link_that_no_longer_opens_is_not_mailed(
    house: House, post: PostOffice, reason: str
) -> None:
    shown = asked(house)
    later = timedelta(hours=25) if reason == "too old" else timedelta(0)
    if reason == "used":
        with acting(GATE):
            in_transaction(invitations.use_link, token=shown, password=PASSWORD)
    if reason == "inactive":  # nobody's link is mailed who may not sign in
        with acting(SYSTEM), begin() as session:
            session.execute(update(User).where(User.id == house.hand).values(is_active=False))
    with clock.stopped_at(house.now + later):
        bring()
    assert post.box.letters == []
    with acting(GATE), begin() as session:
        assert session.scalar(select(func.count(OneTimeLink.id))) == 1


def test_a_vendor_mails_no_link_of_another_s_people(house: House, post: PostOffice) -> None:
    other = make.new_vendor()
    with acting(house.manager):
        shown = in_transaction(invitations.reset, user_id=house.hand)
    with acting(SYSTEM), begin() as session:
        link = invitations.token_hash(shown)
        outbox.enqueue(session, invitations.MAIL_TASK, vendor_id=other, link=link)
    bring()
    assert (promised().last_error or "").startswith("NotOnlyYours: ")
    assert post.box.letters == []


def test_somebody_who_left_or_found_a_second_vendor_is_mailed_nothing(
    house: House, post: PostOffice
) -> None:
    other = make.new_vendor()
    asked(house)
    with acting(SYSTEM), begin() as session:
        hand = session.get_one(User, house.hand)
        second = make.vendor_user(session, user=hand, vendor_id=other)
    bring()
    with acting(SYSTEM), begin() as session:
        session.delete(session.get_one(VendorUser, second.id))
        session.execute(update(VendorUser).values(vendor_id=other))
    with clock.stopped_at(house.now + timedelta(hours=1)):
        bring()
    assert (promised().attempts, promised().done_at) == (2, None)
    assert post.box.letters == []


def test_a_link_that_was_never_made_promises_nothing(house: House) -> None:
    def broken(session: Session) -> None:
        invitations.reset(session, user_id=house.hand, by_mail=True)
        raise ZeroDivisionError

    with acting(house.manager), pytest.raises(ZeroDivisionError):
        in_transaction(broken)
    with acting(SYSTEM), begin() as session:
        assert outbox.waiting(session) == 0


def test_without_a_mail_server_nothing_is_promised(house: House) -> None:
    with acting(house.manager):
        in_transaction(invitations.reset, user_id=house.hand)
    with acting(SYSTEM), begin() as session:
        assert outbox.waiting(session) == 0
