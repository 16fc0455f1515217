"""Why a message was not sent: one sentence for people, one word for programs."""

from app.errors import DomainError


class HeldBack(DomainError):
    """A message may not go out: it is suppressed, and this is why."""

    sentence = "It was not sent."
