"""SMS out: handed to the provider that SMS_URL names, or kept in a folder of this machine."""

import re
from dataclasses import dataclass
from typing import Protocol

from app.gateways.providers import Folder, Parcel, Provider
from app.gateways.verdicts import Permanent
from app.settings import kept_in, settings

_E164 = re.compile(r"\+[1-9]\d{4,14}", re.ASCII)


class NoNumber(Permanent):
    sentence = "This phone number cannot be written to: check it, with the code of its country."
    bad_address = True


class Sms(Protocol):
    """What brings a short text to one phone."""

    def send(self, *, to: str, text: str, key: str) -> None: ...

    def check(self) -> str: ...


def gateway() -> Sms:
    """The SMS of this installation: without a provider they lie in its folder `outbox/sms`."""
    return TextMessages(folder() or Provider("SMS_URL", settings().sms_url or ""))


def folder() -> Folder | None:
    """Where messages are kept, if they are."""
    known = settings()
    named = kept_in(known.sms_url or "")
    if known.sms_url and named is None:
        return None
    return Folder(named or known.var.expanduser().absolute() / "outbox" / "sms", ".txt")


@dataclass(frozen=True, slots=True)
class TextMessages:
    """Texts to phones, by way of a provider or into a folder."""

    way: Provider | Folder

    def send(self, *, to: str, text: str, key: str) -> None:
        """Hand one text in for a number in E.164. Refuses `NoNumber` and what the provider does:
        `ProviderAway`, `ProviderRefuses`, `NoSuchProvider`.
        """
        if not _E164.fullmatch(to):
            raise NoNumber
        self.way.send(Parcel(to, text, key))

    def check(self) -> str:
        """By which way texts go; refuses `NoSuchProvider`."""
        return self.way.check()
