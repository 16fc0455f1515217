"""Mail out: handed to an SMTP server, or kept in a folder of this machine."""

import os
import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import NamedTuple, Protocol

from email_validator import EmailNotValidError, validate_email

from app import clock
from app.errors import DomainError
from app.settings import MAIL_ADDRESS, MailServer, mail_server, settings

SECONDS = 15.0
"""How long one answer of the server may take."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# 7 bits: no server on the way has to speak 8BITMIME.
_POLICY: "EmailPolicy[EmailMessage]" = SMTP.clone(cte_type="7bit")


class NotSetUp(DomainError):
    sentence = "No mail server is set up: set SMTP_URL and MAIL_FROM."


class ServerAway(DomainError):
    sentence = "The mail server does not answer: check SMTP_URL, and that the server runs."


class ServerNotTrusted(DomainError):
    sentence = (
        "The mail server offers no encryption that can be trusted:"
        " check its certificate, the name in SMTP_URL, and smtp:// against smtps://."
    )


class SignInRefused(DomainError):
    sentence = "The mail server refuses the sign-in: check user and password in SMTP_URL."


class SenderRefused(DomainError):
    sentence = "The mail server refuses the sender ({code}): check MAIL_FROM."


class RecipientRefused(DomainError):
    sentence = "The mail server refuses the recipient ({code}): check the e-mail address."


class MessageRefused(DomainError):
    sentence = "The mail server refuses the message ({code}): ask who runs it."


class NotMailable(DomainError):
    sentence = "This e-mail address cannot be mailed to: check it, or hand the link over."


class Enclosure(NamedTuple):
    """A PDF that goes with a mail."""

    name: str
    data: bytes


class Mail(Protocol):
    """What brings a plain text to one person, and what is enclosed with it."""

    def send(
        self, *, to: str, subject: str, text: str, key: str,
        reply_to: str | None = None, enclosed: Sequence[Enclosure] = (),
    ) -> None: ...  # fmt: skip

    def check(self) -> str: ...


def gateway() -> Mail:
    """The mail of this installation; refuses `NotSetUp`."""
    known = settings()
    if not known.smtp_url or not known.mail_from:
        raise NotSetUp
    server = mail_server(known.smtp_url)
    if server.scheme == "file":
        return DeskMail(Path(server.path), known.mail_from)
    return SmtpMail(server, known.mail_from)


def composed(
    *,
    sender: str,
    to: str,
    subject: str,
    text: str,
    key: str,
    reply_to: str | None = None,
    enclosed: Sequence[Enclosure] = (),
) -> EmailMessage:
    """A mail as it is sent; the same `key` gives the same Message-ID, so a repeat is known as one.

    No value can begin a header of its own: what is no printable sign becomes a blank. Answers go
    to `reply_to`, unless no server would take it.
    """  # fmt: skip
    name, address = parseaddr(sender)
    local, _, domain = address.rpartition("@")
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(_one_line(name), local, domain)
    message["To"] = _recipient(to)
    message["Subject"] = _one_line(subject)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{_key(key)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if reply_to is not None:
        with suppress(NotMailable):
            message["Reply-To"] = _recipient(reply_to)
    message.set_content(text)
    for pdf in enclosed:
        message.add_attachment(
            pdf.data, maintype="application", subtype="pdf", filename=_one_line(pdf.name)
        )
    return message


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]


def _key(key: str) -> str:
    return re.sub(r"[^\w.-]", "-", key, flags=re.ASCII)[:120]


def _recipient(email: str) -> Address:
    plain = email if MAIL_ADDRESS.fullmatch(email) else _respelled(email)
    local, _, domain = plain.rpartition("@")
    return Address(username=local, domain=domain)


def _respelled(email: str) -> str:
    """The address as every server takes it: a domain beyond ASCII in its other spelling (IDNA).

    Letters beyond ASCII before the @ are refused (`NotMailable`): few servers pass them on.
    """
    try:
        checked = validate_email(email, check_deliverability=False, globally_deliverable=False)
    except (EmailNotValidError, ValueError):
        raise NotMailable from None
    if checked.ascii_email is None:
        raise NotMailable
    return checked.ascii_email


@dataclass(frozen=True, slots=True)
class SmtpMail:
    """Mail by an SMTP server, encrypted and with its certificate checked.

    A server on this machine may do without encryption, when it offers none.
    """

    server: MailServer
    sender: str

    def send(
        self, *, to: str, subject: str, text: str, key: str,
        reply_to: str | None = None, enclosed: Sequence[Enclosure] = (),
    ) -> None:  # fmt: skip
        """Hand one mail in. Refuses `ServerAway`, `ServerNotTrusted`, `SignInRefused`,
        `SenderRefused`, `RecipientRefused`, `MessageRefused`, `NotMailable`.
        """
        message = composed(
            sender=self.sender, to=to, subject=subject, text=text, key=key,
            reply_to=reply_to, enclosed=enclosed,
        )  # fmt: skip
        with self._signed_in() as server:
            server.send_message(message)

    def check(self) -> str:
        """Greet the server and sign in; what was found, or the refusals of `send`."""
        with self._signed_in() as server:
            server.noop()
        signed = "takes the sign-in" if self.server.user else "asks for no sign-in of ours"
        return f"{self.server.host}:{self.server.port} answers and {signed}"

    @contextmanager
    def _signed_in(self) -> Iterator[smtplib.SMTP]:
        with _refusals():
            server = self._connected()
            try:
                self._encrypt(server)
                if self.server.user:
                    server.login(self.server.user, self.server.password)
                yield server
            finally:
                with suppress(OSError):  # a mail that was taken stays taken
                    server.quit()
                server.close()

    def _connected(self) -> smtplib.SMTP:
        host, port = self.server.host, self.server.port
        if self.server.scheme == "smtps":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
        return smtplib.SMTP(host, port, timeout=SECONDS)

    def _encrypt(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if self.server.scheme == "smtps":
            return
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        elif self.server.host not in LOOPBACK:
            raise ServerNotTrusted


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what a server answers into refusals; its own words, which name people, are left out."""
    try:
        yield
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError):
        raise SignInRefused from None
    except smtplib.SMTPSenderRefused as error:
        raise SenderRefused(code=error.smtp_code) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise RecipientRefused(code=next(iter(error.recipients.values()))[0]) from None
    except smtplib.SMTPDataError as error:
        raise MessageRefused(code=error.smtp_code) from None
    except ssl.SSLError:
        raise ServerNotTrusted from None
    except (OSError, UnicodeError):  # UnicodeError: a host name that none can be
        raise ServerAway from None


@dataclass(frozen=True, slots=True)
class DeskMail:
    """Mail as files in a folder, readable by us alone; a repeat replaces its file."""

    directory: Path
    sender: str

    def send(
        self, *, to: str, subject: str, text: str, key: str,
        reply_to: str | None = None, enclosed: Sequence[Enclosure] = (),
    ) -> None:  # fmt: skip
        """Write one mail down. Refuses `NotMailable`."""
        message = composed(
            sender=self.sender, to=to, subject=subject, text=text, key=key,
            reply_to=reply_to, enclosed=enclosed,
        )  # fmt: skip
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.directory / f"{_key(key)}.part"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
        unfinished.rename(self.directory / f"{_key(key)}.eml")

    def check(self) -> str:
        """Where mails are kept."""
        return f"mails are kept in {self.directory}, nothing is sent"
