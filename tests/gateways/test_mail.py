"""Mail is handed in encrypted or not at all, and no value of ours can add a header to it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.gateways import mail
from app.settings import MailServer, Settings, mail_server, settings
from tests.post_office import PostOffice, certificate, serving

SENDER = "Backroom <no-reply@backroom.example>"
LETTER = {"to": "ana@example.com", "subject": "Hello", "text": "A line.\n", "key": "outbox-7"}


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path, "127.0.0.1", "127.0.0.2")


@pytest.fixture
def trusted(pem: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The certificate, trusted by this process as those of the system are."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    return pem


def smtp(url: str) -> mail.SmtpMail:
    return mail.SmtpMail(mail_server(url), SENDER)


def test_a_mail_goes_through_starttls_with_the_sign_in(trusted: Path) -> None:
    with PostOffice(user="post", password="p@ss/w", starttls=serving(trusted)) as post:
        gateway = smtp(f"smtp://post:p%40ss%2Fw@127.0.0.1:{post.port}")
        assert "takes the sign-in" in gateway.check()
        gateway.send(**LETTER)
    assert post.box.envelopes == [("no-reply@backroom.example", ["ana@example.com"])]
    (letter,) = post.box.letters
    assert letter["From"] == SENDER
    assert letter["To"] == "ana@example.com"
    assert letter["Message-ID"] == "<outbox-7@backroom.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().splitlines() == ["A line."]


def test_a_mail_goes_through_tls_from_the_start(trusted: Path) -> None:
    with PostOffice(user="post", password="secret", tls=serving(trusted)) as post:
        smtp(f"smtps://post:secret@127.0.0.1:{post.port}").send(**LETTER)
    assert len(post.box.letters) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_refused(pem: Path, scheme: str) -> None:
    shown = {"starttls": serving(pem)} if scheme == "smtp" else {"tls": serving(pem)}
    with PostOffice(**shown) as post, pytest.raises(mail.ServerNotTrusted):
        smtp(f"{scheme}://127.0.0.1:{post.port}").send(**LETTER)
    assert post.box.letters == []


def test_a_certificate_for_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path, "post.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with PostOffice(starttls=serving(pem)) as post, pytest.raises(mail.ServerNotTrusted):
        smtp(f"smtp://127.0.0.1:{post.port}").send(**LETTER)


def test_only_a_server_on_this_machine_may_do_without_encryption() -> None:
    with PostOffice() as post:
        smtp(f"smtp://127.0.0.1:{post.port}").send(**LETTER)
    assert len(post.box.letters) == 1
    with PostOffice(host="127.0.0.2") as other, pytest.raises(mail.ServerNotTrusted):
        smtp(f"smtp://127.0.0.2:{other.port}").send(**LETTER)
    assert other.box.letters == []


def test_a_server_that_takes_no_sign_in_gets_no_password(trusted: Path) -> None:
    with PostOffice(user="post", password="secret", starttls=serving(trusted)) as post:
        for given in ("post:wrong", "other:secret"):
            with pytest.raises(mail.SignInRefused) as caught:
                smtp(f"smtp://{given}@127.0.0.1:{post.port}").send(**LETTER)
            assert "wrong" not in str(caught.value)
            assert caught.value.__cause__ is None
    assert post.box.letters == []


def test_what_the_server_refuses_is_told_without_naming_anybody() -> None:
    with PostOffice() as post:
        gateway = smtp(f"smtp://127.0.0.1:{post.port}")
        post.box.refused = {"ana@example.com": "550 no ana@example.com here"}
        with pytest.raises(mail.RecipientRefused, match="550") as caught:
            gateway.send(**LETTER)
        assert "ana" not in str(caught.value)
        post.box.refused, post.box.answer = {}, "554 spam"
        with pytest.raises(mail.MessageRefused, match="554"):
            gateway.send(**LETTER)


def test_a_server_that_is_away_or_says_nothing_is_told_apart_from_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mail, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], 1):
            with pytest.raises(mail.ServerAway):
                smtp(f"smtp://127.0.0.1:{port}").send(**LETTER)
    with pytest.raises(mail.ServerAway):
        smtp(f"smtp://{'x' * 70}.example").check()


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028", "\0"])
def test_no_value_begins_a_header_of_its_own(break_: str) -> None:
    evil = f"Aurora{break_}Bcc: x@evil.example"
    written = mail.composed(**LETTER | {"subject": evil, "key": evil}, sender=SENDER).as_bytes()
    head = written.split(b"\r\n\r\n")[0]
    assert b"\r\nBcc" not in head
    assert b"Subject: Aurora Bcc: x@evil.example" in head
    for to in (f"ana@example.com{break_}Bcc: x@evil.example", f"a{break_}@example.com"):
        with pytest.raises(mail.NotMailable):
            mail.composed(**LETTER | {"to": to}, sender=SENDER)


@pytest.mark.parametrize(
    ("email", "sent_to"),
    [
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
        ("ana@shop.test", "ana@shop.test"),
        ("jörg@example.com", None),
        ("x@example.com, y@example.com", None),
        ("", None),
        ("no address", None),
        ("x" * 5000 + "@example.com", None),
    ],
)
def test_addresses_beyond_ascii_are_respelled_or_refused(email: str, sent_to: str | None) -> None:
    if sent_to is None:
        with pytest.raises(mail.NotMailable):
            mail.composed(**LETTER | {"to": email}, sender=SENDER)
    else:
        assert mail.composed(**LETTER | {"to": email}, sender=SENDER)["To"] == sent_to


def test_letters_of_every_script_arrive() -> None:
    text = "Клиника «Лотос» lädt Sie ein: 猫\n" + "x" * 500 + "\n"
    with PostOffice() as post:
        smtp(f"smtp://127.0.0.1:{post.port}").send(**LETTER | {"subject": text, "text": text})
    (letter,) = post.box.letters
    assert letter.get_content().splitlines() == text.splitlines()
    assert str(letter["Subject"]).startswith("Клиника «Лотос» lädt Sie ein: 猫 xxx")


def test_a_desk_keeps_mails_as_files_of_its_own(tmp_path: Path) -> None:
    desk = mail.DeskMail(tmp_path / "mails", SENDER)
    for _ in range(2):
        desk.send(**LETTER)
    (kept,) = (tmp_path / "mails").iterdir()
    assert kept.name == "outbox-7.eml"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"To: ana@example.com\r\n" in kept.read_bytes()
    assert str(tmp_path) in desk.check()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    settings.cache_clear()


def test_the_settings_decide_which_mail_there_is(told: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told.setenv("MAIL_FROM", SENDER)
    for url, kind in (
        ("smtps://mail.example", mail.SmtpMail),
        (f"file://{tmp_path}", mail.DeskMail),
    ):
        told.setenv("SMTP_URL", url)
        settings.cache_clear()
        assert isinstance(mail.gateway(), kind)
    for url in ("", " "):
        told.setenv("SMTP_URL", url)
        settings.cache_clear()
        assert not settings().sends_mail
        with pytest.raises(mail.NotSetUp):
            mail.gateway()


def test_an_address_of_a_server_is_read_with_its_usual_port() -> None:
    assert mail_server("smtp://mail.example") == MailServer("smtp", "mail.example", 587)
    assert mail_server("smtps://u:p%40@[::1]") == MailServer("smtps", "::1", 465, "u", "p@")
    assert mail_server("smtp://localhost:25/").port == 25


@pytest.mark.parametrize(
    "url",
    [
        "mail.example", "http://u:hidden@mail.example", "smtp://", "smtp://u:hidden@", "file://x",
        "smtp://u:hidden@mail.example:99999", "smtp://u:hidden@mail.example:0", "smtp://[::1",
        "smtp://u:hid/den@mail.example", "smtp://u:1#hidden@mail.example", "smtp://u@mail.example",
        "smtp://u:hidden%0A@mail.example", "smtp://u:hidden\u00e9@mail.example", "smtp://:hidden@x",
    ],
)  # fmt: skip
def test_what_is_no_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(smtp_url=url, mail_from=SENDER)
    sentence = str(caught.value.errors()[0]["ctx"]["error"])
    assert sentence.startswith("SMTP_URL ")
    assert "hid" not in sentence


def test_a_password_is_never_in_what_is_printed_of_the_settings() -> None:
    known = Settings(smtp_url="smtp://u:hidden@mail.example", mail_from=SENDER)
    assert "hidden" not in repr(known)


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "nobody",
        "@x",
        "a@",
        "a\n@x.example",
        "a@x.example\r\nBcc: b@x",
        "é@x.example",
        "a b@x.example",
        "a@b@x.example",
    ],
)
def test_a_sender_that_is_none_is_refused(sender: str) -> None:
    with pytest.raises(ValidationError, match="MAIL_FROM"):
        Settings(smtp_url="smtp://mail.example", mail_from=sender)
