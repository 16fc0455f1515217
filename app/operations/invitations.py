"""Who works for a vendor: invited by a one-time link, given a role, removed."""

import hashlib
import secrets
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app import clock
from app.contact import normal_email
from app.errors import REFUSALS, DomainError, NotAllowed, NotFound
from app.operations import leaving, lockout, passwords
from app.operations.outbox import enqueue
from app.tenancy import PanelRole, current_actor
from models.users import (
    LinkPurpose,
    LoginSession,
    MarketplaceRole,
    OneTimeLink,
    User,
    VendorRole,
    VendorUser,
)

LINK_LIFE = timedelta(hours=24)
MAIL_TASK = "tasks.mail.send_link"
INVITERS = {PanelRole.ADMIN, PanelRole.MANAGER, PanelRole.SYSTEM}


class NoEmail(DomainError):
    sentence = "This is not an e-mail address: check it and try again."
    field = "email"


class NoSuchRole(DomainError):
    sentence = "There is no such role: choose one of those offered."
    field = "role"


class AlreadyHere(DomainError):
    sentence = "This person is already among your users: change their role instead."
    field = "email"


class NotInvitable(DomainError):
    sentence = "This e-mail cannot be invited here: ask the marketplace."
    field = "email"


class NotOnlyYours(DomainError):
    sentence = "This person works elsewhere too: only the marketplace can make a new link for them."


class LastManager(DomainError):
    sentence = "This is the last manager: make somebody else a manager first."


class LinkSpent(DomainError):
    sentence = "This link was used already or is too old: ask for a new one."


REFUSALS["uq_vendor_users_vendor_id_user_id"] = AlreadyHere


class Invitation(NamedTuple):
    """Who was invited, and the link's secret; none when they have a password of their own."""

    user_id: int
    token: str | None


def token_hash(token: str) -> str:
    """What is kept of a secret: enough to know it again, not to use it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def new_token() -> str:
    """A secret of 256 bits, as an address can carry it."""
    return secrets.token_urlsafe(32)


def invite(
    session: Session,
    *,
    email: str,
    role: str,
    vendor_id: int | None = None,
    name: str = "",
    staff_member_id: int | None = None,
    by_mail: bool = False,
) -> Invitation:
    """Give somebody a place: in a vendor (manager, staff), or in the marketplace.

    The link works once, for 24 hours; `by_mail` promises to mail them one too. Who works
    elsewhere is let in by the marketplace alone, which gets no link: a manager cannot know who
    has the password, for another vendor's manager may have set it. Refuses `NoEmail`,
    `NoSuchRole`, `AlreadyHere`, `NotInvitable`, and `NotAllowed` to those who may not invite.
    """
    address = normal_email(email)
    if address is None:
        raise NoEmail
    called = " ".join(name.split())[:200] or address.split("@")[0]
    if vendor_id is None:
        return _invite_to_marketplace(session, address, called, role, by_mail)
    _may_invite(vendor_id)
    if role not in set(VendorRole):
        raise NoSuchRole
    user_id = session.scalar(select(func.user_to_invite(address, called)))
    if user_id is None:
        raise NotInvitable
    session.add(
        VendorUser(vendor_id=vendor_id, user_id=user_id, role=role, staff_member_id=staff_member_id)
    )
    session.flush()  # the verdict of the unique constraint, and what `works_only_here` sees
    token = _link_if_new(session, user_id, vendor_id, by_mail)
    if token is None and current_actor().panel_role is PanelRole.MANAGER:
        raise NotInvitable
    return Invitation(user_id, token)


def _may_invite(vendor_id: int | None) -> None:
    actor = current_actor()
    if actor.panel_role not in INVITERS:
        raise NotAllowed
    if actor.vendor_id not in (None, vendor_id):
        raise NotAllowed


def _link_if_new(session: Session, user_id: int, vendor_id: int, by_mail: bool) -> str | None:
    session.execute(select(func.set_config("app.vendor_id", str(vendor_id), True)))
    if not session.scalar(select(func.works_only_here(user_id))):
        return None
    token = _link(session, user_id, LinkPurpose.INVITE)
    return _promised(session, token, vendor_id) if by_mail else token


def _promised(session: Session, token: str, vendor_id: int | None) -> str:
    # The hash names the link and opens nothing: a secret would lie readable in the outbox and in
    # the broker. The task makes a secret of its own in the moment of sending.
    enqueue(session, MAIL_TASK, vendor_id=vendor_id, link=token_hash(token))
    return token


def _invite_to_marketplace(
    session: Session, email: str, name: str, role: str, by_mail: bool
) -> Invitation:
    _may_invite(None)
    if role not in {MarketplaceRole.ADMIN, MarketplaceRole.ANALYST}:
        raise NoSuchRole
    known = session.scalar(select(User).where(User.email == email).with_for_update())
    if known is not None:
        raise AlreadyHere
    user = User(email=email, name=name, role=role)
    session.add(user)
    session.flush()  # the id
    token = _link(session, user.id, LinkPurpose.INVITE)
    return Invitation(user.id, _promised(session, token, None) if by_mail else token)


def _link(session: Session, user_id: int, purpose: LinkPurpose) -> str:
    token = new_token()
    values = {
        "user_id": user_id,
        "token_hash": token_hash(token),
        "purpose": purpose.value,
        "created_at": clock.now(),
        "expires_at": clock.now() + LINK_LIFE,
    }
    session.execute(insert(OneTimeLink).inline(), values)  # a vendor may not read links
    return token


def reset(session: Session, *, user_id: int, by_mail: bool = False) -> str:
    """The secret of a link by which a user sets a new password; older links die with its use.

    `by_mail` promises to mail them one too, which works as long and dies with this one.
    A manager gets one only for people who work for no other vendor (`NotOnlyYours`).
    """
    actor = current_actor()
    if actor.panel_role not in INVITERS:
        raise NotAllowed
    if session.scalar(select(User.id).where(User.id == user_id, User.is_active)) is None:
        raise NotFound
    if actor.vendor_id is not None and not session.scalar(select(func.works_only_here(user_id))):
        raise NotOnlyYours
    token = _link(session, user_id, LinkPurpose.RESET)
    return _promised(session, token, actor.vendor_id) if by_mail else token


class LinkOwner(NamedTuple):
    """Whose password a link sets."""

    user_id: int
    email: str


def link_owner(session: Session, *, token: str) -> LinkOwner:
    """Whose link this is; refuses `LinkSpent` when it is used, too old, or was never made."""
    query = (
        select(User.id, User.email)
        .join(OneTimeLink, OneTimeLink.user_id == User.id)
        .where(
            OneTimeLink.token_hash == token_hash(token),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > clock.now(),
            User.is_active,
        )
        .with_for_update(of=OneTimeLink)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise LinkSpent
    return LinkOwner(*found)


def use_link(session: Session, *, token: str, password: str) -> LinkOwner:
    """Set the password by a link, once; ends every session and every other link of the user."""
    owner = link_owner(session, token=token)
    set_password(session, owner.user_id, passwords.hashed(password, email=owner.email))
    now = clock.now()
    session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.user_id == owner.user_id, OneTimeLink.used_at.is_(None))
        .values(used_at=now)
    )
    session.execute(
        update(LoginSession)
        .where(LoginSession.user_id == owner.user_id, LoginSession.ended_at.is_(None))
        .values(ended_at=now)
    )
    lockout.remember(session, email=owner.email, address="link", succeeded=True)
    return owner


def set_password(session: Session, user_id: int, hashed: str) -> None:
    """Keep a new hash."""
    session.execute(update(User).where(User.id == user_id).values(password_hash=hashed))


class Colleague(NamedTuple):
    """One user of a vendor, as the screen shows them."""

    place_id: int
    user_id: int
    email: str
    name: str
    role: str
    is_active: bool
    homes: tuple[str, ...] = ()


def colleagues(session: Session, *, vendor_id: int) -> list[Colleague]:
    """Who works for a vendor, by name."""
    query = (
        select(VendorUser.id, User.id, User.email, User.name, VendorUser.role, User.is_active)
        .join(User, User.id == VendorUser.user_id)
        .where(VendorUser.vendor_id == vendor_id)
        .order_by(User.name, User.id)
        .limit(500)
    )
    return [Colleague(*row) for row in session.execute(query)]


def marketplace_people(session: Session) -> list[Colleague]:
    """Who works for the marketplace, by name; they have no place in a vendor (0)."""
    query = (
        select(User.id, User.email, User.name, User.role, User.is_active)
        .where(User.role.in_([MarketplaceRole.ADMIN, MarketplaceRole.ANALYST]))
        .order_by(User.name, User.id)
        .limit(500)
    )
    return [Colleague(0, u, e, n, r or "", a) for u, e, n, r, a in session.execute(query)]


def change_role(session: Session, *, place_id: int, role: str) -> VendorUser:
    """Make somebody a manager or staff; a vendor keeps one manager (`LastManager`)."""
    if role not in set(VendorRole):
        raise NoSuchRole
    place = _place(session, place_id)
    if place.role == VendorRole.MANAGER and role != VendorRole.MANAGER:
        _keep_a_manager(session, place)
    place.role = role
    return place


def remove(session: Session, *, place_id: int) -> None:
    """Take somebody's place away: their sessions there end with the next click.

    The calendar addresses of the member of staff they are end at once.
    """
    place = _place(session, place_id)
    if place.role == VendorRole.MANAGER:
        _keep_a_manager(session, place)
    session.delete(place)
    session.flush()  # from here on they make no new address either
    if place.staff_member_id is not None:
        leaving.end_feeds(session, staff_ids=[place.staff_member_id])


def _place(session: Session, place_id: int) -> VendorUser:
    if current_actor().panel_role not in INVITERS:
        raise NotAllowed
    place = session.get(VendorUser, place_id)
    if place is None:
        raise NotFound
    return place


def _keep_a_manager(session: Session, place: VendorUser) -> None:
    if current_actor().panel_role is not PanelRole.MANAGER:
        return
    query = (
        select(VendorUser.id)
        .join(User, User.id == VendorUser.user_id)
        .where(
            VendorUser.vendor_id == place.vendor_id,
            VendorUser.role == VendorRole.MANAGER,
            User.is_active,
        )
        .order_by(VendorUser.id)
        .with_for_update(of=VendorUser)
    )
    if set(session.scalars(query)) <= {place.id}:
        raise LastManager
