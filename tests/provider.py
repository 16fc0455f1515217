"""A payment provider of the tests: it answers at once, calls back, fails, and loses answers."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from app import clock
from app.gateways import payments
from app.gateways.payments import SIGNATURE, check, secret_of, signature, understood
from models.payments import EventKind, Told

SAYS = {
    "authorise": EventKind.PAYMENT_AUTHORISED,
    "capture": EventKind.PAYMENT_CAPTURED,
    "refund": EventKind.REFUND_SUCCEEDED,
}


@dataclass
class Provider:
    """Money moves once per name, however often it is asked for; `faults` come first, one a call."""

    vendor_id: int
    says: dict[str, EventKind] = field(default_factory=lambda: dict(SAYS))
    faults: list[Exception] = field(default_factory=list)
    moved: dict[tuple[str, str], Told] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def authorise(self, *, about: str, amount: Decimal, currency: str, words: str) -> Told:
        return self._move("authorise", about, amount, currency)

    def capture(self, *, about: str, gateway_ref: str, amount: Decimal, currency: str) -> Told:
        return self._move("capture", about, amount, currency)

    def refund(self, *, about: str, gateway_ref: str, amount: Decimal, currency: str) -> Told:
        return self._move("refund", about, amount, currency)

    def heard(self, body: bytes, headers: Mapping[str, str]) -> Told:
        secret = secret_of("provider", self.vendor_id)
        check(secret, body, headers.get(SIGNATURE, ""), clock.now())
        return understood(body)

    def _move(self, verb: str, about: str, amount: Decimal, currency: str) -> Told:
        """Do it, and only then perhaps lose the answer."""
        self.calls.append(f"{verb} {about}")
        kind = self.says[verb]
        told = Told(
            f"{about}-{kind}", kind, about, f"ref-{self.vendor_id}-{about}", amount, currency,
            clock.now(), verb,
        )  # fmt: skip
        self.moved.setdefault((verb, about), told)
        if self.faults:
            raise self.faults.pop(0)
        return self.moved[verb, about]


@contextmanager
def provided(patch: pytest.MonkeyPatch, vendor_id: int) -> Iterator[Provider]:
    """The installation has the gateway `provider`, and `desk` as ever."""
    provider = Provider(vendor_id)
    patch.setitem(payments.KNOWN, "provider", lambda number: replace(provider, vendor_id=number))
    yield provider


def call_back(vendor_id: int, name: str = "provider", **event: str) -> tuple[bytes, dict[str, str]]:
    """A signed call-back, body and headers; `event` says what differs from a captured 30.00."""
    about = event.get("about", "payment-1")
    kind = event.get("kind", "payment.captured")
    told = {
        "id": f"{about}-{kind}", "kind": kind, "about": about,
        "ref": f"ref-{vendor_id}-{about}", "amount": "30.00", "currency": "EUR",
        "at": clock.now().isoformat(),
    } | event  # fmt: skip
    body = json.dumps(told).encode()
    return body, {SIGNATURE: signature(secret_of(name, vendor_id), body, clock.now())}
