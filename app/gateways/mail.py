"""Mail out: handed to an SMTP server, or kept in a folder of this machine."""

import os
import re
import smtplib
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from email_validator import EmailNotValidError, validate_email

from app import clock
from app.gateways.verdicts import Permanent, Temporary
from app.settings import MAIL_ADDRESS, MailServer, mail_server, settings

SECONDS = 15.0
"""How long one answer of the server may take."""
_ADDRESS = re.compile(rb"5\.1\.\d")
"""What a server says of an address that is none (RFC 3463). A refusal without it may mean us: a
server that does not pass on our mail refuses everybody, and nobody's address is at fault.
"""
FOR_GOOD = 500
"""Answers from here on are meant for good; those below for now (RFC 5321, section 4.2.1)."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# 7 bits: no server on the way has to speak 8BITMIME.
_POLICY: "EmailPolicy[EmailMessage]" = SMTP.clone(cte_type="7bit")


class NotSetUp(Temporary):
    sentence = "No mail server is set up: set SMTP_URL and MAIL_FROM."


class ServerAway(Temporary):
    sentence = "The mail server does not answer: check SMTP_URL, and that the server runs."


class ServerNotTrusted(Temporary):
    sentence = (
        "The mail server offers no encryption that can be trusted:"
        " check its certificate, the name in SMTP_URL, and smtp:// against smtps://."
    )


class SignInRefused(Temporary):
    sentence = "The mail server refuses the sign-in: check user and password in SMTP_URL."


class SenderRefused(Temporary):
    sentence = "The mail server refuses the sender ({code}): check MAIL_FROM."


class RecipientRefused(Permanent):
    sentence = "The mail server refuses the recipient ({code}): check the e-mail address."


class NobodyThere(RecipientRefused):
    bad_address = True


class RecipientPutOff(Temporary):
    sentence = "The mail server does not take mail for the recipient now ({code}): try again later."


class MessageRefused(Permanent):
    sentence = "The mail server refuses the message ({code}): ask who runs it."


class MessagePutOff(Temporary):
    sentence = "The mail server does not take the message now ({code}): try again later."


class NotMailable(Permanent):
    sentence = "This e-mail address cannot be mailed to: check it, or hand the link over."
    bad_address = True


class Enclosure(NamedTuple):
    """A PDF that goes with a mail."""

    name: str
    data: bytes


class Mail(Protocol):
    """What brings a plain text to one person, and what is enclosed with it."""

    def send(
        self, *, to: str, subject: str, text: str, key: str,
        reply_to: str | None = None, enclosed: Sequence[Enclosure] = (),
        sender_name: str | None = None, headers: Mapping[str, str] | None = None,
    ) -> None: ...  # fmt: skip

    def check(self) -> str: ...


def gateway(*, kept_open: bool = False) -> Mail:
    """The mail of this installation; refuses `NotSetUp`.

    `kept_open` is for who sends many: the connection waits for the next mail of this thread.
    """
    known = settings()
    if not known.smtp_url or not known.mail_from:
        raise NotSetUp
    server = mail_server(known.smtp_url)
    if server.scheme == "file":
        return DeskMail(Path(server.path), known.mail_from)
    return SmtpMail(server, known.mail_from, kept_open)


def composed(
    *,
    sender: str,
    to: str,
    subject: str,
    text: str,
    key: str,
    reply_to: str | None = None,
    enclosed: Sequence[Enclosure] = (),
    sender_name: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """A mail as it is sent; the same `key` gives the same Message-ID, so a repeat is known as one.

    No value can begin a header of its own: what is no printable sign becomes a blank. Answers go
    to `reply_to`, unless no server would take it. It comes from the address of `sender`, in the
    name of `sender_name` if there is one.
    """  # fmt: skip
    name, address = parseaddr(sender)
    local, _, domain = address.rpartition("@")
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(_one_line(sender_name or name), local, domain)
    message["To"] = _recipient(to)
    message["Subject"] = _one_line(subject)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{_key(key)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if reply_to is not None:
        with suppress(NotMailable):
            message["Reply-To"] = _recipient(reply_to)
    for header, value in (headers or {}).items():
        message[header] = _one_line(value)
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
    kept_open: bool = False

    def send(
        self, *, to: str, subject: str, text: str, key: str,
        reply_to: str | None = None, enclosed: Sequence[Enclosure] = (),
        sender_name: str | None = None, headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Hand one mail in. For now refuse `ServerAway`, `ServerNotTrusted`, `SignInRefused`,
        `SenderRefused`, `RecipientPutOff`, `MessagePutOff`; for good `RecipientRefused`,
        `MessageRefused`, `NotMailable`.
        """
        message = composed(
            sender=self.sender, to=to, subject=subject, text=text, key=key, reply_to=reply_to,
            enclosed=enclosed, sender_name=sender_name, headers=headers,
        )  # fmt: skip
        with self._at_hand() if self.kept_open else self._signed_in() as server:
            whom = message["To"].addresses[0].addr_spec
            server.sendmail(parseaddr(self.sender)[1], [whom], message.as_bytes())

    def check(self) -> str:
        """Greet the server and sign in; what was found, or the refusals of `send`."""
        with self._signed_in() as server:
            server.noop()
        signed = "takes the sign-in" if self.server.user else "asks for no sign-in of ours"
        return f"{self.server.host}:{self.server.port} answers and {signed}"

    @contextmanager
    def _signed_in(self) -> Iterator[smtplib.SMTP]:
        with _refusals():
            server = self._greeted()
            try:
                yield server
            finally:
                _part(server)

    @contextmanager
    def _at_hand(self) -> Iterator[smtplib.SMTP]:
        """The connection of this thread, or a new one; one that failed is not used again."""
        with _refusals():
            server = self._waiting() or self._greeted()
            try:
                yield server
            except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
                self._keep(server)  # it has refused one mail, and is fine
                raise
            except BaseException:
                server.close()
                raise
            self._keep(server)

    def _keep(self, server: smtplib.SMTP) -> None:
        _kept.open = (os.getpid(), self.server, server, time.monotonic())

    def _waiting(self) -> smtplib.SMTP | None:
        """The connection that was kept, if it is to this server and still answers."""
        kept, _kept.open = getattr(_kept, "open", None), None
        if kept is None:
            return None
        pid, known, server, since = kept
        rested = time.monotonic() - since
        alive = server.sock is not None and rested < LONGEST_REST
        if alive and pid == os.getpid() and known == self.server:
            if rested < ASKED_AFTER:
                return cast("smtplib.SMTP", server)
            with suppress(OSError):
                if server.noop()[0] == 250:
                    return cast("smtplib.SMTP", server)
        server.close()
        return None

    def _greeted(self) -> smtplib.SMTP:
        server = self._connected()
        try:
            self._encrypt(server)
            if self.server.user:
                server.login(self.server.user, self.server.password)
        except BaseException:
            server.close()
            raise
        return server

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


_kept = threading.local()
"""The connection that waits for the next mail: process, server, connection, since when."""
LONGEST_REST, ASKED_AFTER = 20.0, 1.0
"""Seconds after which a waiting connection is let go, and asked whether it still answers."""


def _part(server: smtplib.SMTP) -> None:
    with suppress(OSError):  # a mail that was taken stays taken
        server.quit()
    server.close()


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
        code, said = next(iter(error.recipients.values()))
        if code < FOR_GOOD:
            raise RecipientPutOff(code=code) from None
        raise (NobodyThere if _ADDRESS.match(said) else RecipientRefused)(code=code) from None
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
        raise (MessageRefused if code >= FOR_GOOD else MessagePutOff)(code=code) from None
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
        sender_name: str | None = None, headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Write one mail down. Refuses `NotMailable`."""
        message = composed(
            sender=self.sender, to=to, subject=subject, text=text, key=key, reply_to=reply_to,
            enclosed=enclosed, sender_name=sender_name, headers=headers,
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
