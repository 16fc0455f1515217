"""What the marketplace decides about a user: whether they may sign in, and as admin or analyst."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session, undefer

from app import clock
from app.errors import DomainError, NotAllowed, NotFound
from app.operations import leaving
from app.operations.invitations import Colleague, NoSuchRole
from app.tenancy import DatabaseRole, PanelRole, current_actor
from models.users import LoginSession, MarketplaceRole, OneTimeLink, User, VendorUser
from models.vendors import Vendor

LONGEST_REASON = 300
MOST = 100
GIVEN = {None, MarketplaceRole.ADMIN, MarketplaceRole.ANALYST}


class NoReason(DomainError):
    sentence = "The reason is missing: say in a few words why they may not sign in any more."
    field = "reason"


class LastAdmin(DomainError):
    sentence = "This is the last admin who can sign in: make somebody else an admin first."


class NotYourself(DomainError):
    sentence = "This is your own account: ask another admin to do it."


class InsideVendor(NotAllowed):
    sentence = "This is decided over all vendors: choose “All vendors” in the menu first."


class Place(NamedTuple):
    """Where a user works."""

    place_id: int
    vendor_id: int
    vendor: str
    role: str


@dataclass(frozen=True, slots=True)
class Account:
    """One user, as their page shows them: what is out of one's sight is empty."""

    user_id: int
    email: str
    name: str
    role: str | None
    is_active: bool
    reason: str | None
    since: datetime
    seen: datetime | None
    devices: int
    places: list[Place]


def account(session: Session, *, user_id: int) -> Account:
    """A user with their places; refuses `NotFound` for who is out of sight."""
    user = session.scalar(
        select(User)
        .where(User.id == user_id, User.role.is_distinct_from(MarketplaceRole.SYSTEM))
        .options(undefer(User.inactive_reason))
    )
    if user is None:
        raise NotFound
    places = (
        select(VendorUser.id, Vendor.id, Vendor.name, VendorUser.role)
        .join(Vendor, Vendor.id == VendorUser.vendor_id)
        .where(VendorUser.user_id == user_id)
        .order_by(Vendor.name, Vendor.id)
        .limit(MOST)
    )
    own = select(func.count(), func.max(LoginSession.last_seen_at)).where(
        LoginSession.user_id == user_id
    )
    live = own.where(LoginSession.ended_at.is_(None), LoginSession.expires_at > clock.now())
    return Account(
        user_id=user.id, email=user.email, name=user.name, role=user.role,
        is_active=user.is_active, reason=user.inactive_reason, since=user.created_at,
        seen=session.execute(own).one()[1], devices=session.execute(live).one()[0],
        places=[Place(*row) for row in session.execute(places)],
    )  # fmt: skip


def find(session: Session, *, words: str) -> list[Colleague]:
    """Users of all vendors whose name or e-mail holds every word, by name; a hundred at most."""
    query = select(User.id, User.email, User.name, User.role, User.is_active).where(
        User.role.is_distinct_from(MarketplaceRole.SYSTEM),
        *(
            or_(
                User.name.icontains(word, autoescape=True),
                User.email.icontains(word, autoescape=True),
            )
            for word in words.split()[:5]
        ),
    )
    found = session.execute(query.order_by(User.name, User.id).limit(MOST)).all()
    homes = _homes(session, [row.id for row in found])
    return [
        Colleague(0, u, e, n, role or "", active, tuple(homes.get(u, ())))
        for u, e, n, role, active in found
    ]


def _homes(session: Session, user_ids: list[int]) -> dict[int, list[str]]:
    query = (
        select(VendorUser.user_id, Vendor.name)
        .join(Vendor, Vendor.id == VendorUser.vendor_id)
        .where(VendorUser.user_id.in_(user_ids))
        .order_by(Vendor.name, Vendor.id)
    )
    homes: dict[int, list[str]] = {}
    for user_id, name in session.execute(query):
        homes.setdefault(user_id, []).append(name)
    return homes


def deactivate(session: Session, *, user_id: int, reason: str) -> User:
    """Let somebody sign in no more, and end their sessions at once; `reason` stays on their page.

    The calendar addresses of the members of staff they are end too, for good.
    Refuses `NotYourself`, `LastAdmin`, and `NoReason` without one.
    """
    why = " ".join(reason.split())[:LONGEST_REASON]
    if not why:
        raise NoReason
    user = _of_another(session, user_id)
    if user.role == MarketplaceRole.ADMIN:
        _keep_an_admin(session, user_id)
    user.is_active, user.inactive_reason = False, why
    _end_sessions(session, user_id)
    leaving.end_feeds_of_user(session, user_id=user_id)
    return user


def reactivate(session: Session, *, user_id: int) -> User:
    """Let somebody sign in again, with the password and the places they had."""
    user = _of_another(session, user_id)
    user.is_active, user.inactive_reason = True, None
    return user


def set_role(session: Session, *, user_id: int, role: str | None) -> User:
    """Make somebody an admin or an analyst of the marketplace, or neither (None).

    They sign in anew with what they may do from now on. Without a role their places at vendors
    count. Refuses `NoSuchRole`, `NotYourself` and `LastAdmin`.
    """
    if role not in GIVEN:
        raise NoSuchRole
    user = _of_another(session, user_id)
    if user.role == role:
        return user
    if user.role == MarketplaceRole.ADMIN:
        _keep_an_admin(session, user_id)
    user.role = role
    _end_sessions(session, user_id)
    return user


def _of_another(session: Session, user_id: int) -> User:
    """The user, locked together with all admins, so that two changes cannot cross."""
    actor = current_actor()
    if actor.panel_role not in {PanelRole.ADMIN, PanelRole.SYSTEM}:
        raise NotAllowed
    if actor.role is not DatabaseRole.ADMIN:
        raise InsideVendor
    if actor.user_id == user_id:
        raise NotYourself
    locked = session.scalars(
        select(User)
        .where(
            or_(User.id == user_id, User.role == MarketplaceRole.ADMIN),
            User.role.is_distinct_from(MarketplaceRole.SYSTEM),
        )
        .order_by(User.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    user = next((one for one in locked if one.id == user_id), None)
    if user is None:
        raise NotFound
    return user


def _keep_an_admin(session: Session, user_id: int) -> None:
    """Somebody else has to be left who can sign in as an admin; the rows are locked."""
    others = select(User.id).where(
        User.role == MarketplaceRole.ADMIN,
        User.id != user_id,
        User.is_active,
        User.password_hash.is_not(None),
    )
    if session.scalars(others.limit(1)).first() is None:
        raise LastAdmin


def _end_sessions(session: Session, user_id: int) -> None:
    """End what signs them in now, and what would tomorrow: links that others may hold."""
    session.execute(
        delete(OneTimeLink).where(OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None))
    )
    session.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )
