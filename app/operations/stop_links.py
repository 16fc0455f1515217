"""Links by which somebody stops messages: only we can make them, and they hold for years."""

import base64
import hashlib
import hmac
import re
from typing import NamedTuple

from app.errors import DomainError
from app.settings import settings
from models.messages import MessageChannel

_TOKEN = re.compile(
    r"([1-9]\d{0,17})\.([1-9]\d{0,17})\.(email|sms|push)\.(reminder|marketing)\.([\w-]{32})",
    re.ASCII,
)


class NoSuchLink(DomainError):
    sentence = "This link is not whole: open it from the message again, or answer the message."


class Named(NamedTuple):
    """Whom and what a link is about."""

    vendor_id: int
    customer_id: int
    channel: str
    purpose: str


def can_be_made() -> bool:
    """Whether links can be signed: without one no marketing goes out."""
    return bool(settings().secret_key)


def link(named: Named) -> str:
    """The address at which somebody stops this; it holds as long as SECRET_KEY does."""
    words = ".".join(str(part) for part in named)
    return f"{settings().public_url.rstrip('/')}/unsubscribe/{words}.{_signed(words)}"


def read(token: str) -> Named:
    """What a link names. Refuses `NoSuchLink` for every one that we have not made."""
    found = _TOKEN.fullmatch(token) if len(token) < 200 and can_be_made() else None
    if found is None or not hmac.compare_digest(_signed(token[: found.start(5) - 1]), found[5]):
        raise NoSuchLink
    return Named(int(found[1]), int(found[2]), found[3], found[4])


def headers(named: Named) -> dict[str, str]:
    """What a mail tells the program it is read with: one POST is enough (RFC 8058)."""
    return {
        "List-Unsubscribe": f"<{link(named)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def footer(named: Named) -> str:
    """The last lines of a message, by which a person stops more of its kind."""
    if named.channel == MessageChannel.SMS and settings().call_back_secret:
        return "No more offers: answer STOP"
    return f"No more offers: {link(named)}"


def _signed(words: str) -> str:
    key = hmac.digest((settings().secret_key or "").encode(), b"unsubscribe", hashlib.sha256)
    made = hmac.digest(key, words.encode(), hashlib.sha256)[:24]
    return base64.urlsafe_b64encode(made).decode()
