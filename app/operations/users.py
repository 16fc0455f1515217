"""Signing in: sessions kept on the server, where they stand, and when they end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Integer, Row, Select, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotAllowed, NotFound
from app.operations import invitations, lockout, passwords
from app.operations.invitations import invite, new_token, reset, token_hash, use_link
from app.settings import settings
from app.tenancy import Actor, DatabaseRole, PanelRole
from models.users import LoginSession, MarketplaceRole, User, VendorUser
from models.vendors import Vendor, VendorStatus

__all__ = ["invite", "reset", "use_link"]

SEEN_EVERY = timedelta(minutes=1)


class WrongPassword(DomainError):
    sentence = "E-mail or password is wrong: check both and try again."


class DemoAccount(DomainError):
    sentence = "The demo's password opens nothing here: ask for a one-time link."


class NoPlace(DomainError):
    sentence = "Your place here was closed: ask your manager to invite you again."


class SignedIn(NamedTuple):
    """A new session, and the secret that its browser keeps."""

    session: LoginSession
    token: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Who a request comes from and where they stand."""

    actor: Actor
    session_id: int
    email: str
    name: str
    vendor_name: str | None
    time_zone: str | None
    places: int


class Choice(NamedTuple):
    """A vendor that somebody may stand in."""

    vendor_id: int
    name: str
    city: str | None


def gate(user_id: int) -> Actor:
    """A known user at the gate: may change their own sessions and password, nothing else."""
    return Actor(DatabaseRole.GATE, user_id=user_id)


def sign_in(
    session: Session,
    *,
    email: str,
    password: str,
    address: str,
    device: str,
    replaces: str | None = None,
) -> SignedIn | DomainError:
    """Open a session for the right e-mail and password; the session `replaces` ends.

    A refusal (`TooManyTries`, `WrongPassword`, `DemoAccount`, `NoPlace`) is returned and not
    raised, so that the try is remembered.
    """
    typed, home = _typed(email), lockout.network(address)
    lockout.queue_up(session, typed, home)
    counted = lockout.tries(session, typed, home)
    if (too_early := lockout.refusal(counted)) is not None:
        return too_early
    user = session.execute(_known(typed)).one_or_none()
    refused = _refusal(session, user, password, counted)
    lockout.remember(session, email=typed, address=home, succeeded=refused is None)
    if refused is not None or user is None:
        return refused or WrongPassword()
    if passwords.is_stale(user.password_hash):
        invitations.set_password(session, user.id, passwords.rehashed(password))
    if replaces:
        sign_out(session, token=replaces)
    return _opened(session, user, home, device)


def _typed(email: str) -> str:
    return email.replace("\0", "").strip().lower()[:320]


def _known(email: str) -> Select[*tuple[Any, ...]]:
    return select(User.id, User.email, User.role, User.password_hash).where(
        User.email == email, User.is_active
    )


def _refusal(
    session: Session,
    user: Row[*tuple[Any, ...]] | None,
    password: str,
    counted: list[lockout.Tries],
) -> DomainError | None:
    if not passwords.matches(user.password_hash if user else None, password) or user is None:
        return WrongPassword(_wrong(counted))
    if passwords.is_demo(password) and not settings().demo:
        return DemoAccount()
    if user.role is None and not choices(session, user_id=user.id, is_admin=False):
        return NoPlace()
    return None


def _wrong(counted: list[lockout.Tries]) -> str:
    left = min(t.free - t.wrong for t in counted) - 1
    if left > 1:
        return f"E-mail or password is wrong: {left} tries are left before a pause."
    if left == 1:
        return "E-mail or password is wrong: one try is left before a pause."
    return "E-mail or password is wrong: wait for the pause, then try again."


def _opened(session: Session, user: Row[*tuple[Any, ...]], address: str, device: str) -> SignedIn:
    token, now = new_token(), clock.now()
    places = [] if user.role else choices(session, user_id=user.id, is_admin=False)
    opened = LoginSession(
        token_hash=token_hash(token),
        user_id=user.id,
        vendor_id=places[0].vendor_id if places else None,
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(hours=settings().session_absolute_hours),
        address=address,
        device=device.replace("\0", "")[:300],
    )
    session.add(opened)
    session.flush()  # the id
    return SignedIn(opened, token)


def standing(session: Session, token: str, now: datetime) -> Standing | None:
    """Whose session this is and where it stands, in one query; None when it is worth nothing.

    Worth nothing is what ended, expired, lay idle too long, belongs to a deactivated user, or
    stands in a vendor that closed or took the place away. Remembers once a minute that the
    session was seen.
    """
    idle = timedelta(minutes=settings().session_idle_minutes)
    asked = {"token_hash": token_hash(token), "now": now, "idle_since": now - idle}
    row = session.connection().execute(_STANDING, asked).one_or_none()
    actor = acts_as(row) if row else None
    if row is None or actor is None:
        return None
    if now - row.last_seen_at >= SEEN_EVERY:
        _seen(session, row.session_id, now)
    inside = actor.vendor_id is not None
    return Standing(
        actor,
        row.session_id,
        row.email,
        row.name,
        row.vendor_name if inside else None,
        row.time_zone if inside else None,
        row.places,
    )


def resolve(session: Session, token: str, now: datetime) -> Actor | None:
    """Who acts with this secret; None when it is worth nothing."""
    found = standing(session, token, now)
    return found.actor if found else None


def _standing_query() -> Select[*tuple[Any, ...]]:
    own_places = select(func.count()).where(VendorUser.user_id == User.id)
    now = bindparam("now", type_=LoginSession.expires_at.type)
    return (
        select(
            LoginSession.id.label("session_id"),
            LoginSession.last_seen_at,
            LoginSession.vendor_id,
            User.id.label("user_id"),
            User.email,
            User.name,
            User.role,
            VendorUser.role.label("place"),
            Vendor.name.label("vendor_name"),
            Vendor.status.label("vendor_status"),
            Vendor.time_zone,
            own_places.correlate(User).scalar_subquery().label("places"),
        )
        .join(User, User.id == LoginSession.user_id)
        .outerjoin(Vendor, Vendor.id == LoginSession.vendor_id)
        .outerjoin(
            VendorUser,
            (VendorUser.user_id == User.id) & (VendorUser.vendor_id == LoginSession.vendor_id),
        )
        .where(
            LoginSession.token_hash == bindparam("token_hash"),
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > now,
            LoginSession.last_seen_at
            > bindparam("idle_since", type_=LoginSession.last_seen_at.type),
            User.is_active,
        )
    )


_STANDING = _standing_query()
"""Built once: every request asks it."""


def acts_as(row: Row[*tuple[Any, ...]]) -> Actor | None:
    """Who acts by a session or token: `user_id, role, place, vendor_id, vendor_status` of a row.

    None where no role and no place (any more) lets them in.
    """
    if row.role == MarketplaceRole.ADMIN:
        role = DatabaseRole.VENDOR if row.vendor_id else DatabaseRole.ADMIN
        return Actor(role, row.vendor_id, row.user_id, PanelRole.ADMIN)
    if row.role == MarketplaceRole.ANALYST:
        return Actor(DatabaseRole.ANALYST, None, row.user_id, PanelRole.ANALYST)
    if row.role or not row.place or row.vendor_status != VendorStatus.ACTIVE:
        return None
    return Actor(DatabaseRole.VENDOR, row.vendor_id, row.user_id, PanelRole(row.place))


def _seen(session: Session, session_id: int, now: datetime) -> None:
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.last_seen_at <= now - SEEN_EVERY)
        .values(last_seen_at=now)
    )


def choices(session: Session, *, user_id: int, is_admin: bool, most: int = 200) -> list[Choice]:
    """The vendors somebody may stand in, by name: their places, or all of them for an admin."""
    query, asked = (_ALL, {}) if is_admin else (_PLACES, {"user": user_id})
    return [Choice(*row) for row in session.connection().execute(query, {**asked, "most": most})]


_ALL = (
    select(Vendor.id, Vendor.name, Vendor.city)
    .order_by(Vendor.name, Vendor.id)
    .limit(bindparam("most", type_=Integer))
)
_PLACES = _ALL.join(VendorUser, VendorUser.vendor_id == Vendor.id).where(
    VendorUser.user_id == bindparam("user"), Vendor.status == VendorStatus.ACTIVE
)


def enter_vendor(
    session: Session, *, session_id: int, user_id: int, vendor_id: int
) -> LoginSession:
    """Stand in a vendor from now on; refuses `NotAllowed` to those who have no place there."""
    place = select(VendorUser.id).where(
        VendorUser.user_id == User.id, VendorUser.vendor_id == Vendor.id
    )
    may = or_(
        User.role == MarketplaceRole.ADMIN,
        User.role.is_(None) & (Vendor.status == VendorStatus.ACTIVE) & place.exists(),
    )
    query = (
        select(User.id)
        .join(Vendor, Vendor.id == vendor_id)
        .where(User.id == user_id, User.is_active, may)
    )
    if session.scalar(query) is None:
        raise NotAllowed
    return _stand(session, session_id, user_id, vendor_id)


def leave_vendor(session: Session, *, session_id: int, user_id: int) -> LoginSession:
    """Stand over all vendors again; for the marketplace only."""
    query = select(User.id).where(User.id == user_id, User.role == MarketplaceRole.ADMIN)
    if session.scalar(query) is None:
        raise NotAllowed
    return _stand(session, session_id, user_id, None)


def _stand(session: Session, session_id: int, user_id: int, vendor_id: int | None) -> LoginSession:
    own = _own(session, session_id, user_id)
    own.vendor_id = vendor_id
    return own


def _own(session: Session, session_id: int, user_id: int) -> LoginSession:
    query = select(LoginSession).where(
        LoginSession.id == session_id,
        LoginSession.user_id == user_id,
        LoginSession.ended_at.is_(None),
    )
    own = session.scalar(query)
    if own is None:
        raise NotFound
    return own


def sessions(session: Session, *, user_id: int) -> list[LoginSession]:
    """The sessions of a user that still stand, the last seen first."""
    now = clock.now()
    idle = timedelta(minutes=settings().session_idle_minutes)
    query = (
        select(LoginSession)
        .where(
            LoginSession.user_id == user_id,
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > now,
            LoginSession.last_seen_at > now - idle,
        )
        .order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())
        .limit(100)
    )
    return list(session.scalars(query))


def sign_out(session: Session, *, token: str) -> None:
    """End the session of this secret; nothing happens when there is none."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.token_hash == token_hash(token), LoginSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def end_session(session: Session, *, session_id: int, user_id: int) -> LoginSession:
    """End one of a user's own sessions; somebody else's is not found."""
    own = _own(session, session_id, user_id)
    own.ended_at = clock.now()
    return own


def end_other_sessions(session: Session, *, user_id: int, keep: int) -> int:
    """End all of a user's sessions but `keep`; how many ended."""
    ended = session.execute(
        update(LoginSession)
        .where(
            LoginSession.user_id == user_id,
            LoginSession.id != keep,
            LoginSession.ended_at.is_(None),
        )
        .values(ended_at=clock.now())
        .returning(LoginSession.id)
    )
    return len(ended.all())


def change_password(
    session: Session, *, user_id: int, old: str, new: str, keep: int, address: str
) -> DomainError | None:
    """Set a new password for who knows the old one; all other sessions end.

    A wrong old password counts as a wrong try to sign in; that refusal is returned, so that it
    is remembered. A new password that is too easy is refused as ever.
    """
    email = session.scalar(select(User.email).where(User.id == user_id, User.is_active))
    if email is None:
        raise NotFound
    new_hash = passwords.hashed(new, email=email)
    home = lockout.network(address)
    lockout.queue_up(session, email, home)
    if (too_early := lockout.refusal(lockout.tries(session, email, home))) is not None:
        return too_early
    known = session.scalar(select(User.password_hash).where(User.id == user_id))
    right = passwords.matches(known, old)
    lockout.remember(session, email=email, address=home, succeeded=right)
    if not right:
        return WrongPassword("The present password is wrong: type it again.", field="old")
    invitations.set_password(session, user_id, new_hash)
    end_other_sessions(session, user_id=user_id, keep=keep)
    return None
