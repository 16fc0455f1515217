"""Payments out: what asks a provider for money and hears its call-backs; at the desk, people do."""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Protocol

from app import clock
from app.errors import DomainError
from app.settings import settings
from models.payments import EventKind, Told

SIGNATURE = "backroom-signature"
"""The header of a signed call-back: `t=<unix seconds>,v1=<hex of HMAC-SHA256 over "t.body">`."""
FRESH = timedelta(minutes=5)
"""How old a signature may be; whoever sends a call-back again signs it again."""

_NAME = re.compile(r"[\w.:-]{1,200}", re.ASCII)
_AMOUNT = re.compile(r"\d{1,10}(\.\d{1,2})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_SIGNED = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})", re.ASCII)


class WrongSignature(DomainError):
    sentence = "The signature of this call-back does not fit: nothing was changed."


class NotUnderstood(DomainError):
    sentence = "This call-back cannot be read: {what} is missing or not as it must be."


class NoSuchGateway(DomainError):
    sentence = "There is no such gateway: check the address."


class NoSecret(DomainError):
    sentence = "SECRET_KEY is missing, so no call-back can be checked: set it and try again."


class PaymentGateway(Protocol):
    """What moves money for a vendor; the same `about` twice moves it once."""

    def authorise(self, *, about: str, amount: Decimal, currency: str, words: str) -> Told:
        """Ask for money: pending, authorised, captured or failed."""
        ...

    def capture(self, *, about: str, gateway_ref: str, amount: Decimal, currency: str) -> Told:
        """Take what was authorised."""
        ...

    def refund(self, *, about: str, gateway_ref: str, amount: Decimal, currency: str) -> Told:
        """Give money back of a payment; `about` names the refund."""
        ...

    def heard(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Read a call-back. Raises `WrongSignature`, `NotUnderstood`."""
        ...


def gateway(name: str, vendor_id: int) -> PaymentGateway:
    """A vendor's gateway of that name. Raises `NoSuchGateway`."""
    if name not in KNOWN:
        raise NoSuchGateway
    return KNOWN[name](vendor_id)


def desk(vendor_id: int) -> "DeskPayments":
    """The vendor's own desk."""
    directory = settings().var.expanduser().absolute() / "payments" / str(vendor_id)
    return DeskPayments(directory, vendor_id, secret_of("desk", vendor_id))


KNOWN: dict[str, Callable[[int], PaymentGateway]] = {"desk": desk}
"""The gateways of this installation; each makes a vendor's own."""


def secret_of(name: str, vendor_id: int) -> bytes:
    """What call-backs of a gateway about a vendor's money are signed with: no other vendor's."""
    key = settings().secret_key
    if not key:
        raise NoSecret
    return hmac.digest(key.encode(), f"gateway:{name}:{vendor_id}".encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class DeskPayments:
    """Money that people take and give: a note of each lies in a folder until they say it is done.

    Nothing is ever authorised or captured by itself; whoever took the money says so with `said`,
    a signed call-back like any provider's.
    """

    directory: Path
    vendor_id: int
    secret: bytes

    def authorise(self, *, about: str, amount: Decimal, currency: str, words: str) -> Told:
        """Write down what is to be taken, for what."""
        self._note(about, f"Take {amount} {currency}: {words}\n")
        return self._answer("authorise", EventKind.PAYMENT_PENDING, about, amount, currency)

    def capture(self, *, about: str, gateway_ref: str, amount: Decimal, currency: str) -> Told:
        """Write down that what was promised is to be taken now."""
        self._note(about, f"Take {amount} {currency} that was promised ({gateway_ref})\n")
        return self._answer("capture", EventKind.PAYMENT_PENDING, about, amount, currency)

    def refund(self, *, about: str, gateway_ref: str, amount: Decimal, currency: str) -> Told:
        """Write down what is to be given back."""
        self._note(about, f"Give back {amount} {currency} of {gateway_ref}\n")
        return self._answer("refund", EventKind.REFUND_PENDING, about, amount, currency)

    def said(
        self, kind: EventKind, *, about: str, amount: Decimal, currency: str
    ) -> tuple[bytes, dict[str, str]]:
        """The call-back of a person who took or gave the money: its body and its headers."""
        self._path(about).unlink(missing_ok=True)
        event = {
            "id": f"desk-{self.vendor_id}-{about}-{kind}", "kind": kind.value, "about": about,
            "ref": self._ref(about), "amount": str(amount), "currency": currency,
            "at": clock.now().isoformat(),
        }  # fmt: skip
        body = json.dumps(event).encode()
        return body, {SIGNATURE: signature(self.secret, body, clock.now())}

    def heard(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Read a call-back of the desk."""
        check(self.secret, body, headers.get(SIGNATURE, ""), clock.now())
        return understood(body)

    def _ref(self, about: str) -> str:
        return f"desk-{self.vendor_id}-{about}"

    def _answer(
        self, asked: str, kind: EventKind, about: str, amount: Decimal, currency: str
    ) -> Told:
        event_ref = f"answer-{self._ref(about)}-{asked}"
        return Told(
            event_ref, kind, about, self._ref(about), amount, currency, clock.now(), "noted"
        )

    def _path(self, about: str) -> Path:
        if not _NAME.fullmatch(about) or about.startswith("."):
            raise NotUnderstood(what="about")
        return self.directory / f"{about}.txt"

    def _note(self, about: str, text: str) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(about)
        unfinished = path.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        unfinished.rename(path)


def signature(secret: bytes, body: bytes, at: datetime) -> str:
    """The header that proves who sent `body`, and when."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(secret, seconds, body)}"


def check(secret: bytes, body: bytes, given: str, now: datetime) -> None:
    """Refuse a body whose signature is another one's, or was made too long ago."""
    found = _SIGNED.fullmatch(given)
    if found is None:
        raise WrongSignature
    seconds = int(found[1])
    fits = hmac.compare_digest(_digest(secret, seconds, body), found[2])
    if not fits or abs(now.timestamp() - seconds) > FRESH.total_seconds():
        raise WrongSignature


def _digest(secret: bytes, seconds: int, body: bytes) -> str:
    return hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()


def understood(body: bytes) -> Told:
    """What a call-back in our own shape says; whoever signed it, every field is looked at."""
    try:
        words = body.decode()
        event = json.loads(words)
    except (ValueError, RecursionError):
        raise NotUnderstood(what="the JSON of its body") from None
    if not isinstance(event, dict):
        raise NotUnderstood(what="the JSON of its body")
    return Told(
        event_ref=_word(event, "id", _NAME),
        kind=_kind(event.get("kind")),
        about=_word(event, "about", _NAME),
        gateway_ref=_word(event, "ref", _NAME),
        amount=_amount(event),
        currency=_word(event, "currency", _CURRENCY),
        at=_moment(event.get("at")),
        words=words,
    )


def _word(event: Mapping[str, Any], name: str, shape: re.Pattern[str]) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise NotUnderstood(what=f"“{name}”")
    return value


def _kind(value: Any) -> EventKind:
    found = next((kind for kind in EventKind if kind == value), None)
    if found is None:
        raise NotUnderstood(what="“kind”")
    return found


def _amount(event: Mapping[str, Any]) -> Decimal:
    try:
        return Decimal(_word(event, "amount", _AMOUNT))
    except InvalidOperation:
        raise NotUnderstood(what="“amount”") from None


def _moment(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise NotUnderstood(what="“at”") from None
    if at.tzinfo is None or not 2000 <= at.year <= 2200:
        raise NotUnderstood(what="“at”")
    return at
