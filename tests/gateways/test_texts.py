"""SMS and push go to the provider that the settings name, or lie in a folder; none is mistaken."""

import logging
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.gateways import providers, push, sms
from app.gateways.providers import NoSuchProvider, ProviderAway, ProviderRefuses
from app.settings import Settings
from tests.carrier import Carrier
from tests.webclient import settled

NUMBER = "+4915123456789"
TWILIO = f"twilio://AC{'0' * 32}:{'1' * 32}@+493012345678/{{to}}"


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with Carrier() as found:
        yield found


def by(carrier: Carrier) -> sms.TextMessages:
    return sms.TextMessages(providers.Provider("SMS_URL", carrier.url))


def test_a_text_reaches_the_provider_word_for_word(carrier: Carrier) -> None:
    text = "Oma’s Tür: 10:00 & später?\nBis dann {to} %7B #1 👋"
    with settled(SMS_URL=carrier.url):
        sms.gateway().send(to=NUMBER, text=text, key="message-7")
    (taken,) = carrier.taken
    assert (taken["to"], taken["key"]) == (NUMBER, "message-7")
    assert taken["message"].splitlines() == text.splitlines()
    assert carrier.headers[0]["authorization"].startswith("Basic ")


def test_a_push_brings_its_heading(carrier: Carrier) -> None:
    with settled(PUSH_URL=carrier.url):
        push.gateway().send(to="device:a/b+c=", title="Tomorrow", text="At ten", key="message-8")
    (taken,) = carrier.taken
    assert (taken["to"], taken["title"], taken["message"]) == (
        "device:a/b+c=",
        "Tomorrow",
        "At ten",
    )


@pytest.mark.parametrize(
    "number", ["", "015123456789", "+49 151", "+0", NUMBER + "/../x", "+49151\n", "+" + "9" * 16]
)  # fmt: skip
def test_only_a_number_is_written_to(carrier: Carrier, number: str) -> None:
    with pytest.raises(sms.NoNumber):
        by(carrier).send(to=number, text="Hello", key="k")
    assert carrier.taken == []


@pytest.mark.parametrize("device", ["", "a b", "a\nb", "é", "x" * 501, "a?b", "a&b"])
def test_only_a_device_is_written_to(carrier: Carrier, device: str) -> None:
    with pytest.raises(push.NoDevice):
        push.PushMessages(providers.Provider("PUSH_URL", carrier.url)).send(
            to=device, title="Hello", text="Hello", key="k"
        )
    assert carrier.taken == []


def test_no_sign_steers_the_provider(carrier: Carrier) -> None:
    by(carrier).send(to=NUMBER, text="a\x00b\x1bc\u202ed\ud800e", key="k&x=1/../#y {to}")
    (taken,) = carrier.taken
    assert taken["message"] == "a b c d e"
    assert taken["key"] == "k&x=1/../#y {to}"
    assert "x" not in taken


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_a_refusal_says_its_code_and_nobodys_number(carrier: Carrier, code: int) -> None:
    carrier.status, carrier.body = code, f"no such number {NUMBER}".encode()
    with pytest.raises(ProviderRefuses) as caught:
        by(carrier).send(to=NUMBER, text="Hello", key="k")
    assert str(code) in str(caught.value)
    assert NUMBER not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("code", [204, 302, 408, 429, 500, 502, 503])
def test_an_answer_that_may_change_is_asked_again(carrier: Carrier, code: int) -> None:
    carrier.status, carrier.location = code, carrier.url.replace("json://shop:s3cret@", "http://")
    carrier.body = b""
    if code == 204:
        by(carrier).send(to=NUMBER, text="Hello", key="k")
        return
    with pytest.raises(ProviderAway):
        by(carrier).send(to=NUMBER, text="Hello", key="k")
    assert len(carrier.taken) == 1  # nobody is followed to another place


def test_silence_ends(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "SECONDS", 0.3)
    carrier.silent = 60
    with pytest.raises(ProviderAway):
        by(carrier).send(to=NUMBER, text="Hello", key="k")


def test_a_port_where_nobody_answers_is_away() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"json://127.0.0.1:{nobody.getsockname()[1]}/?:to={{to}}"
        with pytest.raises(ProviderAway):
            sms.TextMessages(providers.Provider("SMS_URL", url)).send(
                to=NUMBER, text="Hello", key="k"
            )


def test_nonsense_with_a_good_code_is_an_answer(carrier: Carrier) -> None:
    carrier.body = b"\xff<html>" * 1000
    by(carrier).send(to=NUMBER, text="Hello", key="k")
    assert len(carrier.taken) == 1


def test_the_log_names_nobody(carrier: Carrier, caplog: pytest.LogCaptureFixture) -> None:
    carrier.status = 404
    with caplog.at_level(logging.DEBUG), pytest.raises(ProviderRefuses):
        by(carrier).send(to=NUMBER, text="A secret", key="k")
    told = {r.getMessage() for r in caplog.records if r.name.startswith("apprise")}
    assert told <= {"error=404"}


def test_without_a_provider_messages_lie_in_the_folder(tmp_path: Path) -> None:
    with settled(VAR=str(tmp_path)):
        for text in ("Hello", "Hello again"):
            sms.gateway().send(to=NUMBER, text=text, key="../message-9")
        push.gateway().send(to="device", title="Tomorrow", text="At ten", key="message-9")
        assert "nothing is sent" in sms.gateway().check()
    (kept,) = (tmp_path / "outbox" / "sms").iterdir()
    assert kept.name == "---message-9.txt"
    assert kept.read_text() == f"To: {NUMBER}\n\nHello again\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    (pushed,) = (tmp_path / "outbox" / "push").iterdir()
    assert pushed.read_text() == "To: device\nTomorrow\n\nAt ten\n"


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    with settled(SMS_URL=f"file://{tmp_path}/a%20b"):
        sms.gateway().send(to=NUMBER, text="Hello", key="k")
    assert [path.name for path in (tmp_path / "a b").iterdir()] == ["k.txt"]


def test_the_address_is_read_to_its_end() -> None:
    assert "Twilio" in sms.TextMessages(providers.Provider("SMS_URL", TWILIO)).check()
    for wrong in (
        "nobody://x/{to}", "twilio://XX:1@+493012345678/{to}", "https://example.com/{to}",
    ):  # fmt: skip
        with pytest.raises(NoSuchProvider) as caught:
            providers.Provider("SMS_URL", wrong).check()
        assert str(caught.value).startswith("SMS_URL names no provider")


@pytest.mark.parametrize(
    "url",
    [
        "twilio", "twilio://x", "://{to}", "twilio://a b/{to}", "twilio://{from}/{to}",
        "twilio://{{to}}", "twilio://\u00e9/{to}", "file://host/x", "file:", "x" * 3000,
        "twilio://{to}\n", "\x00",
    ],
)  # fmt: skip
def test_an_address_that_names_no_provider_is_refused_at_start(url: str) -> None:
    if url.endswith("\n"):
        url = f"x{url}y"
    with pytest.raises(ValidationError) as caught:
        Settings(sms_url=url)
    said = str(caught.value)
    assert "SMS_URL and PUSH_URL are a provider's address with {to}" in said


def test_what_nobody_set_is_empty() -> None:
    for nothing in ("", "  "):
        assert Settings(sms_url=nothing, push_url=nothing).sms_url is None
    known = Settings(sms_url=TWILIO)
    assert TWILIO not in repr(known)


@pytest.mark.parametrize(
    "hours", ["", "9-17", "25:00-08:00", "08:00-08:00", "21:00", "21:60-08:00"]
)
def test_quiet_hours_that_are_none_are_refused_at_start(hours: str) -> None:
    with pytest.raises(ValidationError, match="QUIET_HOURS are no hours"):
        Settings(quiet_hours=hours)


def test_quiet_hours_may_be_switched_off() -> None:
    assert Settings(quiet_hours="none").quiet_hours == "none"
    with pytest.raises(ValidationError, match="at least 16 characters"):
        Settings(call_back_secret="short")
