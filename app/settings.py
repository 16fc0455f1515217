"""Every setting, with its default, read once from the environment.

The README's table of settings is checked against this class by a test.
"""

import re
from datetime import time
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from babel import Locale, UnknownLocaleError
from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.money import decimals_of


def _known_currency(code: str) -> str:
    decimals_of(code)
    return code


def _known_locale(code: str) -> str:
    try:
        Locale.parse(code)
    except (UnknownLocaleError, ValueError, TypeError):
        raise ValueError(f"LOCALE {code!r} is not known: use one like en, de or pt_BR.") from None
    return code


def _known_broker(url: str | None) -> str | None:
    if url and not re.match(r"rediss?://", url):
        raise ValueError("REDIS_URL must read redis://:password@host:6379/0: check it.")
    return url


def _known_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise ValueError("PUBLIC_URL must read https://backroom.your.domain: check it.")
    return url


MAIL_ADDRESS = re.compile(
    r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,188}", re.ASCII
)
"""An address that every mail server takes as it is; no sign in it means anything in a header."""


class MailServer(NamedTuple):
    """Where mail is handed in: an SMTP server, or (`file`) a folder named by `path`."""

    scheme: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    path: str = ""


MAIL_PORTS = {"smtp": 587, "smtps": 465}


def mail_server(url: str) -> MailServer:
    """What SMTP_URL names; raises ValueError with a sentence that never repeats the password."""
    no_address = (
        "SMTP_URL is no mail server's address: write smtp://user:password@host:587,"
        " with %40 for an @ in the password and %23 for a #."
    )
    try:
        parts = urlsplit(url.strip())
        port = MAIL_PORTS.get(parts.scheme, 0) if parts.port is None else parts.port
    except ValueError:
        raise ValueError(no_address) from None
    if parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc:
        return MailServer("file", path=unquote(parts.path))
    more = parts.path.strip("/") or parts.query or parts.fragment
    if not (port and parts.hostname) or more or parts.scheme not in MAIL_PORTS:
        raise ValueError(no_address)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    plain = all(32 <= ord(c) < 127 for c in user + password + parts.hostname)
    if not plain or bool(user) != bool(password):
        raise ValueError("SMTP_URL needs both user and password or neither, in ASCII letters.")
    return MailServer(parts.scheme, parts.hostname, port, user, password)


def _known_mail_server(url: str | None) -> str | None:
    if not (url or "").strip():
        return None
    mail_server(url or "")
    return url


def _known_sender(text: str | None) -> str | None:
    if not (text or "").strip():
        return None
    sender = (text or "").strip()
    if not (sender.isprintable() and MAIL_ADDRESS.fullmatch(parseaddr(sender)[1])):
        raise ValueError("MAIL_FROM is no address: write no-reply@your.domain, in ASCII letters.")
    return sender


FOR_WHOM, FOR_KEY = "{to}", "{key}"
"""What stands in a provider's address for the recipient, and for the name of the message."""

_PROVIDER = re.compile(r"[a-z][a-z0-9+.-]{1,40}://[!-~]{1,2000}", re.ASCII)


def kept_in(url: str) -> Path | None:
    """The folder that `file:///DIR` names, for who keeps messages instead of sending them."""
    if not url.startswith("file://"):
        return None
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if not parts.netloc and parts.path.startswith("/") else None


def _known_provider(url: str | None) -> str | None:
    """A provider's address as it can be: its own words are read by the gateway, and by `check`."""
    url = (url or "").strip()
    if not url or kept_in(url):
        return url or None
    rest = url.replace(FOR_WHOM, "").replace(FOR_KEY, "")
    if not _PROVIDER.fullmatch(url) or FOR_WHOM not in url or "{" in rest or "}" in rest:
        raise ValueError(
            "SMS_URL and PUSH_URL are a provider's address with {to} where the recipient stands:"
            " write twilio://SID:TOKEN@+493012345678/{to}, or file:///DIR to keep messages."
        )
    return url


class QuietHours(NamedTuple):
    """From when until when nobody is disturbed, wall time at the recipient's."""

    start: time
    end: time


_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
NO_QUIET_HOURS = "none"


def quiet_hours(text: str) -> QuietHours | None:
    """What QUIET_HOURS names; raises ValueError with a sentence."""
    text = text.strip().lower()
    if text == NO_QUIET_HOURS:
        return None
    found = _HOURS.fullmatch(text)
    if found is not None and int(found[2]) < 60 and int(found[4]) < 60:
        start, end = int(found[1]), int(found[3])
        if start < 24 and end < 24 and text[:5] != text[6:]:
            return QuietHours(time(start, int(found[2])), time(end, int(found[4])))
    raise ValueError("QUIET_HOURS are no hours: write 21:00-08:00, or none.")


def _known_hours(text: str) -> str:
    quiet_hours(text)
    return text


A_YEAR = 24 * 366
"""Hours a login session lasts at most."""


class Settings(BaseSettings):
    """What an installation may decide; every name is an environment variable in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    database_url: str | None = Field(
        None, description="The application's login on PostgreSQL 16 or newer; empty: embedded."
    )
    owner_database_url: str | None = Field(
        None, description="The owner's login (needs CREATEROLE), for migrate, seed and check only."
    )
    redis_url: Annotated[str | None, AfterValidator(_known_broker)] = Field(
        None, description="Redis 6 or newer; empty: embedded."
    )
    var: Path = Field(Path("var"), description="Where embedded servers, uploads and logs live.")
    secret_key: str | None = Field(
        None,
        description="Signs cookies, 32 characters or more; needed outside the demo.",
    )
    demo: bool = Field(
        False, description="Set by `demo` alone: plain-HTTP cookies, demo password, loopback only."
    )
    public_url: Annotated[str, AfterValidator(_known_address)] = Field(
        "http://127.0.0.1:8000", description="The address people type, used in links."
    )
    smtp_url: Annotated[str | None, AfterValidator(_known_mail_server)] = Field(
        None,
        repr=False,
        description="The mail server: `smtp://user:password@host:587` (STARTTLS) or `smtps://...`"
        " (TLS from the start); `file:///DIR` keeps mails in a folder; empty: nothing is sent.",
    )
    mail_from: Annotated[str | None, AfterValidator(_known_sender)] = Field(
        None, description="Who mails come from; needed with `SMTP_URL`."
    )
    sms_url: Annotated[str | None, AfterValidator(_known_provider)] = Field(
        None,
        repr=False,
        description="The SMS provider, as Apprise writes it, with `{to}` for the phone number and,"
        " where it has room for one, `{key}` for our name of the message:"
        " `twilio://SID:TOKEN@+493012345678/{to}`; `file:///DIR` or empty: kept in a folder.",
    )
    push_url: Annotated[str | None, AfterValidator(_known_provider)] = Field(
        None,
        repr=False,
        description="The push provider, likewise, with `{to}` for the device:"
        " `ntfys://push.your.domain/{to}`.",
    )
    call_back_secret: str | None = Field(
        None,
        repr=False,
        min_length=16,
        description="What providers sign their call-backs about messages with (with Twilio the"
        " auth token); empty: none is believed.",
    )
    quiet_hours: Annotated[str, AfterValidator(_known_hours)] = Field(
        "21:00-08:00",
        description="When nobody is sent reminders and offers, at the recipient's wall, unless"
        " the customer wishes other hours; `none`: at any time.",
    )
    marketing_ceiling: int = Field(
        2, ge=0, description="Most marketing messages to one person from all vendors together ..."
    )
    marketing_ceiling_days: int = Field(7, ge=1, le=60, description="... within this many days.")
    allowed_hosts: str = Field("*", description="Host names answered to, separated by commas.")
    currency: Annotated[str, AfterValidator(_known_currency)] = Field(
        "EUR", description="ISO 4217 code of the installation's one currency (0 or 2 decimals)."
    )
    locale: Annotated[str, AfterValidator(_known_locale)] = Field(
        "en", description="How numbers and dates are written."
    )
    database_pool_size: int = Field(40, ge=2, description="Connections a web process may hold.")
    session_idle_minutes: int = Field(
        120,
        ge=1,
        le=A_YEAR * 60,
        description="A login session ends after this long without a request.",
    )
    session_absolute_hours: int = Field(
        24 * 14,
        ge=1,
        le=A_YEAR,
        description="A login session ends this long after sign-in at the latest.",
    )
    import_max_bytes: int = Field(500_000_000, ge=1, description="Largest list that is read.")
    import_max_rows: int = Field(2_000_000, ge=1, description="Most rows of a list.")
    import_max_pages: int = Field(500, ge=1, description="Most pages of a PDF list.")
    import_max_cells: int = Field(500, ge=1, description="Most cells in a row of a list.")
    bulk_inline_limit: int = Field(
        1000, ge=0, description="Bulk changes up to this many records run at once, more as a job."
    )
    count_cap: int = Field(10_000, ge=100, description="Lists count exactly up to this number.")

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Self:
        if self.smtp_url and not self.mail_from:
            raise ValueError("MAIL_FROM is missing: SMTP_URL is set, say whom mails come from.")
        return self

    @property
    def sends_mail(self) -> bool:
        """Whether links are mailed as well as shown."""
        return bool(self.smtp_url)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process; `settings.cache_clear()` reads them again."""
    return Settings()
