"""Call-backs about messages: who signed them, and what they say, provider by provider."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from app import clock
from app.errors import DomainError
from app.gateways.payments import SIGNATURE, NoSuchGateway, NotUnderstood, WrongSignature, check
from app.settings import settings
from models.messages import MessageChannel
from models.provider_events import Heard, ProviderEventKind

TWILIO_SIGNATURE = "x-twilio-signature"
LONGEST = 10_000
"""Letters of a reply; no message has more."""

_NAME = re.compile(r"[\w.:@+-]{1,200}", re.ASCII)
_ADDRESS = re.compile(r"[!-~\u00a1-\uffff]{1,320}")


class NoSecret(DomainError):
    sentence = "CALL_BACK_SECRET is missing, so no call-back can be checked: set it and try again."


class Answer(NamedTuple):
    """What a provider wants to hear when it was heard."""

    body: str
    media_type: str


class Reader(NamedTuple):
    """How one provider's call-backs are read, and what it is answered."""

    read: Callable[[bytes, bytes, Mapping[str, str], str], Heard]
    answer: Answer


def reader(name: str) -> Reader:
    """The reader of that name. Raises `NoSuchGateway`."""
    if name not in KNOWN:
        raise NoSuchGateway
    return KNOWN[name]


def read(name: str, body: bytes, headers: Mapping[str, str], path: str) -> Heard:
    """What a call-back says, once its signature fits.

    `path` is where it came to. Raises `WrongSignature`, `NotUnderstood`, `NoSuchGateway`,
    `NoSecret`.
    """
    found, secret = reader(name), settings().call_back_secret
    if not secret:
        raise NoSecret
    return found.read(secret.encode(), body, headers, path)


# --- our own shape ------------------------------------------------------------------------------


def _relay(secret: bytes, body: bytes, headers: Mapping[str, str], _: str) -> Heard:
    """JSON of one event, signed like the call-backs about payments:

    `{"id", "kind": "delivered|bounced|blocked|complained", "about": "message-12", "at"}` or
    `{"id", "kind": "reply", "channel": "sms|email", "from", "text", "at"}`.
    """
    check(secret, body, headers.get(SIGNATURE, ""), clock.now())
    event = _object(body)
    kind = _kind(event.get("kind"))
    ref, at = _matching(event, "id", _NAME), _moment(event.get("at"))
    if kind is not ProviderEventKind.REPLY:
        return Heard(ref, kind, at, about=_matching(event, "about", _NAME))
    channel = event.get("channel")
    if channel not in (MessageChannel.SMS, MessageChannel.EMAIL):
        raise NotUnderstood(what="“channel”")
    address = _matching(event, "from", _ADDRESS)
    return Heard(ref, kind, at, channel=channel, address=address, text=_text(event.get("text")))


def _object(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body.decode())
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise NotUnderstood(what="the JSON of its body")
    return event


def _kind(value: Any) -> ProviderEventKind:
    found = next((kind for kind in ProviderEventKind if kind == value), None)
    if found is None:
        raise NotUnderstood(what="“kind”")
    return found


def _matching(event: Mapping[str, Any], name: str, shape: re.Pattern[str]) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise NotUnderstood(what=f"“{name}”")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise NotUnderstood(what="“text”")
    return "".join(c if c.isprintable() or c == "\n" else " " for c in value)


def _moment(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise NotUnderstood(what="“at”") from None
    if at.tzinfo is None or not 2000 <= at.year <= 2200:
        raise NotUnderstood(what="“at”")
    return at


# --- Twilio -------------------------------------------------------------------------------------


def _twilio(secret: bytes, body: bytes, headers: Mapping[str, str], path: str) -> Heard:
    """A text message that came to our number, as Twilio posts it."""
    try:
        form = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=100,
            errors="strict",
        )  # fmt: skip
    except ValueError:
        raise NotUnderstood(what="the form of its body") from None
    url = settings().public_url.rstrip("/") + path
    given = headers.get(TWILIO_SIGNATURE, "").encode()
    if not hmac.compare_digest(twilio_signed(secret, url, form).encode(), given):
        raise WrongSignature
    said = dict(form)
    ref, sender = _matching(said, "MessageSid", _NAME), _matching(said, "From", _ADDRESS)
    return Heard(
        ref, ProviderEventKind.REPLY, clock.now(), channel=MessageChannel.SMS, address=sender,
        text=_text(said.get("Body")),
    )  # fmt: skip


def twilio_signed(secret: bytes, url: str, form: list[tuple[str, str]]) -> str:
    """Twilio's signature: Base64 of HMAC-SHA1 over the address and the sorted fields."""
    words = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.digest(secret, words.encode(), hashlib.sha1)).decode()


KNOWN: dict[str, Reader] = {
    "relay": Reader(_relay, Answer('{"received": true}', "application/json")),
    "twilio": Reader(_twilio, Answer("<Response/>", "text/xml")),
}
"""Whose call-backs are understood, by the name in the address they come to."""
