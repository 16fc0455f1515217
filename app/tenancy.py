"""Who acts: the one value that the database, the operations and the panel all see."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from app.errors import NobodyActs

SYSTEM_USER_ID = 1


class DatabaseRole(StrEnum):
    """The roles that a transaction can act in; the login role itself may do nothing."""

    VENDOR = "app_vendor"
    ADMIN = "app_admin"
    ANALYST = "app_analyst"
    GATE = "app_gate"


class PanelRole(StrEnum):
    """What a person is in the panel; staff and manager are one role in the database."""

    ADMIN = "admin"
    ANALYST = "analyst"
    MANAGER = "manager"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts: the database's role, the vendor stood in (if any), the user."""

    role: DatabaseRole
    vendor_id: int | None = None
    user_id: int = SYSTEM_USER_ID
    panel_role: PanelRole = PanelRole.SYSTEM

    def __post_init__(self) -> None:
        if self.role is DatabaseRole.VENDOR and self.vendor_id is None:
            raise NobodyActs


GATE = Actor(DatabaseRole.GATE)
SYSTEM = Actor(DatabaseRole.ADMIN)

_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def current_actor() -> Actor:
    """Who acts now; raises `NobodyActs` when nobody does, so that no transaction begins."""
    actor = _actor.get()
    if actor is None:
        raise NobodyActs
    return actor


def actor_or_none() -> Actor | None:
    """Who acts now, or None."""
    return _actor.get()


@contextmanager
def acting(actor: Actor) -> Iterator[Actor]:
    """Let `actor` act inside the block."""
    token = _actor.set(actor)
    try:
        yield actor
    finally:
        _actor.reset(token)


def vendor_actor(vendor_id: int, user_id: int = SYSTEM_USER_ID) -> Actor:
    """The system (or a user) acting inside one vendor, as that vendor."""
    return Actor(DatabaseRole.VENDOR, vendor_id, user_id)


def admin_actor(vendor_id: int | None = None, user_id: int = SYSTEM_USER_ID) -> Actor:
    """The marketplace acting over all vendors; with `vendor_id`, writing for that vendor."""
    return Actor(DatabaseRole.ADMIN, vendor_id, user_id)
