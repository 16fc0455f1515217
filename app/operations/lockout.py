"""Pauses after wrong tries to sign in: by the e-mail typed, known or not, and by address."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from models.users import SignInAttempt

FREE_BY_EMAIL = 5
FREE_BY_ADDRESS = 20
LONGEST = timedelta(minutes=60)
EMAIL_MEMORY = timedelta(hours=24)
ADDRESS_MEMORY = timedelta(hours=1)


class TooManyTries(DomainError):
    sentence = "Too many tries: wait {wait}, then try again."


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong tries that still count, and when the last of them was."""

    wrong: int
    last_at: datetime | None
    free: int

    @property
    def pause_until(self) -> datetime | None:
        """When the next try is heard."""
        return self.last_at + pause_after(self.wrong, self.free) if self.last_at else None


def pause_after(wrong: int, free: int) -> timedelta:
    """No pause for the free tries, then 1, 2, 4 … 60 minutes."""
    if wrong < free:
        return timedelta()
    return min(timedelta(minutes=2 ** min(wrong - free, 6)), LONGEST)


def network(address: str) -> str:
    """What one subscriber has: an IPv4 address, or the first half of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.ipv4_mapped:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def queue_up(session: Session, email: str, address: str) -> None:
    """Let tries with one e-mail, or from one address, be judged one after the other."""
    for word in (f"sign-in e-mail {email}", f"sign-in address {address}"):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(word, 0))))


def tries(session: Session, email: str, address: str) -> list[Tries]:
    """The tries that count against this e-mail (since it last succeeded) and this address."""
    by_email = SignInAttempt.email == email
    success = select(func.coalesce(func.max(SignInAttempt.id), 0)).where(
        by_email, SignInAttempt.succeeded
    )
    since_success = SignInAttempt.id > success.scalar_subquery()
    return [
        _tries(session, EMAIL_MEMORY, FREE_BY_EMAIL, by_email, since_success),
        _tries(session, ADDRESS_MEMORY, FREE_BY_ADDRESS, SignInAttempt.address == address),
    ]


def _tries(
    session: Session, memory: timedelta, free: int, *conditions: ColumnElement[bool]
) -> Tries:
    query = select(func.count(), func.max(SignInAttempt.at)).where(
        *conditions, ~SignInAttempt.succeeded, SignInAttempt.at > clock.now() - memory
    )
    wrong, last_at = session.execute(query).one()
    return Tries(wrong, last_at, free)


def refusal(counted: list[Tries]) -> TooManyTries | None:
    """The refusal of a try that comes too early, if it does."""
    seconds = max(
        ((t.pause_until - clock.now()).total_seconds() for t in counted if t.pause_until),
        default=0.0,
    )
    if seconds <= 0:
        return None
    return TooManyTries(wait=_spoken(seconds), seconds=int(seconds) + 1)


def _spoken(seconds: float) -> str:
    if seconds <= 60:
        count, unit = int(seconds) or 1, "second"
    else:
        count, unit = -int(-seconds // 60), "minute"
    return f"{count} {unit}{'' if count == 1 else 's'}"


def remember(session: Session, *, email: str, address: str, succeeded: bool) -> None:
    """Write a try down."""
    session.add(SignInAttempt(email=email, address=address, succeeded=succeeded, at=clock.now()))
