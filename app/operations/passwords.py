"""Passwords: which are good enough, and how one is checked without telling who exists."""

import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import DomainError
from app.settings import settings

DEMO_PASSWORD = "backroom-demo"  # noqa: S105 - refused everywhere but in the demo
SHORTEST = 10
LONGEST = 1000

_WELL_KNOWN = """
0123456789 1234567890 12345678910 0987654321 1111111111 0000000000 1q2w3e4r5t 1qaz2wsx3edc
q1w2e3r4t5 qwertyuiop qwerty1234 qwerty12345 qwerty123456 qwertyuiop123 asdfghjkl1 asdfghjklo
password12 password123 password1234 password12345 passw0rd123 p@ssw0rd123 p@ssword123 mypassword
mypassword1 iloveyou12 iloveyou123 iloveyou1234 abcdefghij abcdefghijk abcd123456 abc1234567
letmein123 letmein1234 welcome123 welcome1234 admin12345 admin123456 administrator
administrator1 changeme123 changeme1234 changemenow football12 football123 baseball123
basketball princess123 sunshine123 superman123 trustno1trustno1 dragon1234 monkey1234 master1234
backroom12 backroom123 backroom1234 correcthorsebatterystaple
"""
WELL_KNOWN = frozenset(_WELL_KNOWN.split())


class PasswordTooShort(DomainError):
    sentence = "The password is too short: use 10 characters or more."
    field = "password"


class PasswordTooLong(DomainError):
    sentence = "The password is too long: use 1,000 characters at most."
    field = "password"


class PasswordTooEasy(DomainError):
    sentence = "This password is easily guessed: choose one that nobody else would think of."
    field = "password"


class PasswordsDiffer(DomainError):
    sentence = "The two passwords differ: type the same one twice."
    field = "password"


class DemoPassword(DomainError):
    sentence = "The password of the demo is known to everybody: choose another one."
    field = "password"


@lru_cache(maxsize=1)
def hasher() -> PasswordHasher:
    """Argon2id with the library's current parameters."""
    return PasswordHasher()


@lru_cache(maxsize=1)
def _dummy() -> str:
    return hasher().hash("nobody has this password")


def _composed(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def usable(password: str, *, email: str) -> str:
    """The password as it is hashed, or a refusal that says what is wrong with it."""
    composed = _composed(password)
    if len(composed) < SHORTEST:
        raise PasswordTooShort
    if len(composed) > LONGEST:
        raise PasswordTooLong
    if is_demo(composed) and not settings().demo:
        raise DemoPassword
    if composed.casefold() in {*WELL_KNOWN, email.casefold()} or len(set(composed)) < 4:
        raise PasswordTooEasy
    return composed


def is_demo(password: str) -> bool:
    """Whether this is the one password of all accounts of the demo."""
    return _composed(password).casefold() == DEMO_PASSWORD


def hashed(password: str, *, email: str) -> str:
    """The argon2 hash of a password that is good enough; refuses one that is not."""
    return hasher().hash(usable(password, email=email))


def matches(known: str | None, password: str) -> bool:
    """Whether the password is the right one; takes as long when there is no hash to compare."""
    try:
        hasher().verify(known or _dummy(), _composed(password[:LONGEST]))
    except (VerificationError, InvalidHashError):
        return False
    return known is not None


def rehashed(password: str) -> str:
    """The same password under today's parameters; its rules were met when it was set."""
    return hasher().hash(_composed(password))


def is_stale(known: str) -> bool:
    """Whether the hash was made with weaker parameters than those of today."""
    return hasher().check_needs_rehash(known)
