"""Decisions: what becomes of a booking, or a class, that is in the way of time off."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.errors import DomainError


class NotAChoice(DomainError):
    sentence = "This cannot become of a booking: choose one of what is proposed."


class Do(StrEnum):
    """What becomes of a booking, or a class, that is in the way."""

    KEEP = "keep"
    STAFF = "staff"
    MOVE = "move"
    WAIT = "wait"
    CANCEL = "cancel"


class Choice(NamedTuple):
    """A decision: `STAFF` names who takes over, `MOVE` a time besides, and with whom (or nobody).

    As text, for forms: `keep`, `wait`, `cancel`, `staff 12`, `move 2026-11-23T10:00:00+00:00 12`.
    """

    what: Do
    staff_id: int | None = None
    starts_at: datetime | None = None

    def __str__(self) -> str:
        moment = None if self.starts_at is None else self.starts_at.isoformat()
        return " ".join(str(word) for word in (self.what, moment, self.staff_id) if word)

    @classmethod
    def read(cls, text: str) -> "Choice":
        """The choice that was written so; refuses with `NotAChoice` what is none."""
        what, *rest = text.split() or [""]
        try:
            choice = cls._of(what, rest)
        except ValueError:
            raise NotAChoice from None
        return choice.checked()

    @classmethod
    def _of(cls, what: str, rest: Sequence[str]) -> "Choice":
        if what == Do.MOVE and rest:
            moment = datetime.fromisoformat(rest[0])
            return cls(Do.MOVE, int(rest[1]) if rest[1:] else None, moment)
        return cls(Do(what), int(rest[0]) if rest else None)

    def checked(self) -> "Choice":
        """This, if it says all that its word needs."""
        lacks = {
            Do.STAFF: self.staff_id is None,
            Do.MOVE: self.starts_at is None or self.starts_at.tzinfo is None,
        }
        if lacks.get(self.what, False):
            raise NotAChoice
        return self
