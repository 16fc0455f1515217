"""What it means when somebody who brings messages refuses one: for now, or for good."""

from typing import ClassVar

from app.errors import DomainError


class Temporary(DomainError):
    """It may be taken later: the same message is tried again after a pause."""


class Permanent(DomainError):
    """It will never be taken; `bad_address` says that the address itself is at fault."""

    bad_address: ClassVar[bool] = False
