"""Providers of SMS and push: whoever an address of the settings names, through Apprise.

Apprise speaks to many of them, each by one address; it says whether a message was taken, never what
the provider calls it.
"""

import logging
import os
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from app.gateways.verdicts import Permanent, Temporary
from app.settings import FOR_KEY, FOR_WHOM

if TYPE_CHECKING:
    from apprise import Apprise, AppriseResult

SECONDS = 15.0
"""How long a provider may take, all in all."""
LONGEST = 10_000

_ANSWER = re.compile(r"error=(\d{3})\b", re.ASCII)
_AGAIN = {408, 425, 429}
"""Answers of a provider that is there, and asks to be asked later."""


class NoSuchProvider(Temporary):
    sentence = "{setting} names no provider that can be used: check its address word by word."


class ProviderAway(Temporary):
    sentence = "The provider of {setting} does not answer as it should: it is tried again."


class ProviderRefuses(Permanent):
    sentence = "The provider of {setting} refuses the message ({code}): check address and number."


def _nameless(record: logging.LogRecord) -> bool:
    """Of what Apprise logs only a provider's code is let through: its words name people."""
    found = _ANSWER.search(record.getMessage())
    record.msg, record.args = found[0] if found else "", ()
    return found is not None


class Parcel(NamedTuple):
    """One message as it leaves: to which address, in which words, by which name."""

    to: str
    text: str
    key: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider that `setting` names, at an address with room for the recipient."""

    setting: str
    address: str

    def send(self, parcel: Parcel) -> None:
        """Hand one message in. Refuses `ProviderAway`, `ProviderRefuses`, `NoSuchProvider`.

        Where the address has room for it, the provider gets our name of the message, by which it
        knows a repeat.
        """
        provider = self._opened(parcel.to, parcel.key)
        told = provider.notify(
            body=plain(parcel.text, lines=True), title=plain(parcel.title), timeout=SECONDS,
            interpret_escapes=False, log_level=logging.WARNING,
        )  # fmt: skip
        with told:
            if not told:
                self._refuse(told)

    def check(self) -> str:
        """Whose address it is, without a message to anybody. Refuses `NoSuchProvider`."""
        service = self._opened("+493012345678", "check")[0]
        return f"messages go to {service.service_name}"

    def _opened(self, to: str, key: str) -> "Apprise":
        log = logging.getLogger("apprise")
        log.addFilter(_nameless)  # the same one once, however often
        log.propagate = False
        named = self.address.replace(FOR_WHOM, quote(to, safe=""))
        with warnings.catch_warnings():  # of its own modules, most of which are not used here
            warnings.simplefilter("ignore")
            import apprise

            asset = apprise.AppriseAsset(http_redirects=False, async_mode=False)
            provider = apprise.Apprise(asset=asset)
            taken = provider.add(named.replace(FOR_KEY, quote(key, safe="")))
        if not taken or len(provider) != 1:
            raise NoSuchProvider(setting=self.setting)
        service = provider[0]
        service.socket_connect_timeout = service.socket_read_timeout = SECONDS
        return provider

    def _refuse(self, told: "AppriseResult") -> None:
        """Say what became of it, in our words: theirs name the recipient."""
        codes = [int(found[1]) for entry in told.logs() if (found := _ANSWER.search(entry.message))]
        code = codes[-1] if codes else 0
        if 400 <= code < 500 and code not in _AGAIN:
            raise ProviderRefuses(setting=self.setting, code=code)
        raise ProviderAway(setting=self.setting)


@dataclass(frozen=True, slots=True)
class Folder:
    """Messages as files in a folder, readable by us alone; a repeat replaces its file."""

    directory: Path
    ending: str

    def send(self, parcel: Parcel) -> None:
        """Write one message down."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = re.sub(r"[^\w-]", "-", parcel.key, flags=re.ASCII)[:120] + self.ending
        unfinished = self.directory / f"{name}.part"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        title = [plain(parcel.title)] if parcel.title else []
        words = [f"To: {plain(parcel.to)}", *title, "", plain(parcel.text, lines=True), ""]
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(words))
        unfinished.rename(self.directory / name)

    def check(self) -> str:
        """Where messages are kept."""
        return f"messages are kept in {self.directory}, nothing is sent"

    def drop(self, key: str) -> None:
        """Take a message back out of the folder."""
        name = re.sub(r"[^\w-]", "-", key, flags=re.ASCII)[:120] + self.ending
        (self.directory / name).unlink(missing_ok=True)

    def clear(self, before: datetime) -> int:
        """Drop what was written before an aware moment; how many messages these were."""
        files = self.directory.glob(f"*{self.ending}*")
        old = [path for path in files if path.stat().st_mtime < before.timestamp()]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def plain(text: str, *, lines: bool = False) -> str:
    """Words without a sign that steers anything; with `lines` they keep their lines."""
    shown = "".join(c if c.isprintable() or (lines and c == "\n") else " " for c in text)
    return shown.strip()[:LONGEST]
