"""Push out: handed to the provider that PUSH_URL names, or kept in a folder of this machine."""

import re
from dataclasses import dataclass
from typing import Protocol

from app.gateways.providers import Folder, Parcel, Provider
from app.gateways.verdicts import Permanent
from app.settings import kept_in, settings

_DEVICE = re.compile(r"[\w.:@=+/-]{1,500}", re.ASCII)


class NoDevice(Permanent):
    sentence = "This device cannot be written to: let the customer sign it up again."
    bad_address = True


class Push(Protocol):
    """What brings a heading and a text to one device."""

    def send(self, *, to: str, title: str, text: str, key: str) -> None: ...

    def check(self) -> str: ...


def gateway() -> Push:
    """The push of this installation: without a provider it lies in its folder `outbox/push`."""
    return PushMessages(folder() or Provider("PUSH_URL", settings().push_url or ""))


def folder() -> Folder | None:
    """Where messages are kept, if they are."""
    known = settings()
    named = kept_in(known.push_url or "")
    if known.push_url and named is None:
        return None
    return Folder(named or known.var.expanduser().absolute() / "outbox" / "push", ".txt")


@dataclass(frozen=True, slots=True)
class PushMessages:
    """Messages to devices, by way of a provider or into a folder."""

    way: Provider | Folder

    def send(self, *, to: str, title: str, text: str, key: str) -> None:
        """Hand one message in for a device. Refuses `NoDevice` and what the provider does:
        `ProviderAway`, `ProviderRefuses`, `NoSuchProvider`.
        """
        if not _DEVICE.fullmatch(to):
            raise NoDevice
        self.way.send(Parcel(to, text, key, title))

    def check(self) -> str:
        """By which way they go; refuses `NoSuchProvider`."""
        return self.way.check()
