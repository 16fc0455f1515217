"""Refusals: what the house says when it says no.

A refusal is one sentence that tells what is wrong and what to do. Every delivery layer
shows `str(refusal)`; nothing else that was raised ever reaches a page.
"""

from http import HTTPStatus
from typing import Any, ClassVar


class DomainError(Exception):
    """A clear refusal: one sentence, its details, and the field it belongs to, if any."""

    sentence: ClassVar[str] = "This is not possible."
    field: str | None = None

    def __init__(self, sentence: str | None = None, *, field: str | None = None, **details: Any):
        self.details = details
        if field is not None:
            self.field = field
        super().__init__(
            (sentence or self.sentence).format(**details) if details else sentence or self.sentence
        )

    @property
    def code(self) -> str:
        """The refusal's name, for programs."""
        return type(self).__name__


class NotFound(DomainError):
    sentence = "There is no such page here: it was removed, or it belongs to another vendor."


class NotAllowed(DomainError):
    sentence = "Your role does not allow this: ask a manager to do it."


class NobodyActs(DomainError):
    sentence = "Nobody is signed in: sign in and try again."


class Refused(DomainError):
    """The database refused a value that no rule of ours names."""

    sentence = "The database refused this change: check the values and try again."


class AtOnce(DomainError):
    """Two changes waited for each other, and the database ended this one."""

    sentence = "Somebody else changed this at the same moment: try again."


class ChangedMeanwhile(DomainError):
    sentence = "Somebody changed this meanwhile: reload the page and make your change again."


_STATUSES = {405: "This address only takes what a form sends: go back and use the button there."}
_TOO_MUCH = ("Too many f", "Field exceeded", "Part exceeded")
_GARBLED = ("Missing boundary", "Invalid multipart", "The Content-Disposition")


def spoken(status: int, detail: str) -> str:
    """The sentence of a refusal by status, where what serves the pages has worded it itself."""
    if detail.startswith(_TOO_MUCH):
        return "This is more than the page takes: go back, leave some out and send it again."
    if detail.startswith(_GARBLED):
        return "What was sent cannot be read: go back and send it again."
    return _STATUSES.get(status, detail) if detail == HTTPStatus(status).phrase else detail


REFUSALS: dict[str, type[DomainError]] = {}
"""A violated constraint finds its refusal by name."""
