"""API tokens: keys by which a vendor's own programs sign in; each acts as who made it."""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotAllowed, NotFound
from app.operations.invitations import token_hash
from app.operations.users import acts_as
from app.tenancy import Actor, PanelRole, current_actor
from models.users import ApiToken, User, VendorUser
from models.vendors import Vendor

MARK = "br_"
SHOWN = len(MARK) + 6
SHAPE = re.compile(MARK + r"[A-Za-z0-9_-]{43}")
LIVES = (30, 90, 365)
"""Days a token may be made for; None is until it is revoked."""
LONGEST_NAME = 100
MOST = 200
USED_EVERY = timedelta(minutes=1)
HOLDERS = {PanelRole.ADMIN, PanelRole.MANAGER}


class NoTokenName(DomainError):
    sentence = "The name is missing: say which program will use this token."
    field = "name"


class NoSuchLife(DomainError):
    sentence = "A token lives 30, 90 or 365 days, or until it is revoked: choose one of these."
    field = "days"


class TooManyTokens(DomainError):
    sentence = "There are {most} tokens in use here: revoke one that is not needed first."


class Issued(NamedTuple):
    """A new token, and its secret, which is kept nowhere."""

    token: ApiToken
    secret: str


@dataclass(frozen=True, slots=True)
class Known:
    """A token as the screen shows it; who acts by it, and where."""

    id: int
    name: str
    prefix: str
    who: str
    role: str | None
    vendor: str | None
    status: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who came with a token, and as what they act."""

    actor: Actor
    token_name: str
    expires_at: datetime | None
    email: str
    user_name: str
    vendor_name: str | None
    time_zone: str | None


def create(session: Session, *, name: str, days: int | None) -> Issued:
    """A token for the vendor stood in (over all of them for an admin in none), as oneself.

    Its secret is in the answer and nowhere else. Refuses `NoTokenName`, `NoSuchLife`,
    `TooManyTokens`, and `NotAllowed` to all but admins and managers.
    """
    actor = _holder()
    called = " ".join(name.replace("\0", "").split())[:LONGEST_NAME]
    if not called:
        raise NoTokenName
    if days is not None and days not in LIVES:
        raise NoSuchLife
    now, secret = clock.now(), MARK + secrets.token_urlsafe(32)
    if _in_use(session, actor.vendor_id, now) >= MOST:
        raise TooManyTokens(most=MOST)
    token = ApiToken(
        vendor_id=actor.vendor_id,
        user_id=actor.user_id,
        name=called,
        prefix=secret[:SHOWN],
        token_hash=token_hash(secret),
        expires_at=None if days is None else now + timedelta(days=days),
        created_at=now,
    )
    session.add(token)
    session.flush()  # the id, and what the database says of who may
    return Issued(token, secret)


def _holder() -> Actor:
    actor = current_actor()
    if actor.panel_role not in HOLDERS:
        raise NotAllowed
    return actor


def _in_use(session: Session, vendor_id: int | None, now: datetime) -> int:
    query = select(func.count()).where(
        ApiToken.vendor_id.is_not_distinct_from(vendor_id), *_alive(now)
    )
    return session.scalar(query) or 0


def _alive(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    open_end = or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now)
    return ApiToken.revoked_at.is_(None), open_end


def listed(session: Session, *, now: datetime) -> list[Known]:
    """Every token that is in sight, those in use first, then the newest; two hundred at most."""
    _holder()
    query = (
        select(
            ApiToken,
            User.name.label("who"),
            User.role,
            User.is_active,
            VendorUser.role.label("place"),
            Vendor.name.label("vendor"),
        )
        .outerjoin(User, User.id == ApiToken.user_id)
        .outerjoin(Vendor, Vendor.id == ApiToken.vendor_id)
        .outerjoin(
            VendorUser,
            (VendorUser.user_id == ApiToken.user_id) & (VendorUser.vendor_id == ApiToken.vendor_id),
        )
        .order_by(
            ApiToken.revoked_at.is_not(None),
            (ApiToken.expires_at <= now).is_(True),
            ApiToken.id.desc(),
        )
        .limit(MOST)
    )
    return [
        Known(
            id=row.ApiToken.id,
            name=row.ApiToken.name,
            prefix=row.ApiToken.prefix,
            who=row.who or "The marketplace",  # out of a vendor's sight
            role=row.role or row.place,
            vendor=row.vendor,
            status=_status(row.ApiToken, now, off=row.is_active is False),
            created_at=row.ApiToken.created_at,
            expires_at=row.ApiToken.expires_at,
            last_used_at=row.ApiToken.last_used_at,
        )
        for row in session.execute(query)
    ]


def _status(token: ApiToken, now: datetime, *, off: bool) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is not None and token.expires_at <= now:
        return "expired"
    return "inactive" if off else "active"


def revoke(session: Session, *, token_id: int) -> ApiToken:
    """Let a token open nothing from now on; whoever uses it has to get another."""
    _holder()
    token = session.get(ApiToken, token_id, with_for_update={"key_share": True})
    if token is None:
        raise NotFound
    if token.revoked_at is None:
        token.revoked_at = clock.now()
    return token


def resolve_api_token(session: Session, secret: str, now: datetime) -> Actor | None:
    """Who acts with this secret; None when it is worth nothing."""
    found = bearer(session, secret, now)
    return found.actor if found else None


def bearer(session: Session, secret: str, now: datetime) -> Bearer | None:
    """Who came with this secret, asked at the gate; None when it is worth nothing.

    Worth nothing is what was revoked or has expired, belongs to a deactivated user, or to a
    vendor that closed or took its user's place away. What cannot be a secret costs no query. The
    look-up is by hash, so that its time tells nothing of the secret. Use is noted once a minute.
    """
    if SHAPE.fullmatch(secret) is None:
        return None
    hashed = token_hash(secret)
    row = session.execute(
        select(
            ApiToken.id, ApiToken.token_hash, ApiToken.name, ApiToken.expires_at,
            ApiToken.vendor_id, ApiToken.user_id, User.email, User.name.label("user_name"),
            User.role, VendorUser.role.label("place"), Vendor.name.label("vendor_name"),
            Vendor.status.label("vendor_status"), Vendor.time_zone,
        )
        .join(User, User.id == ApiToken.user_id)
        .outerjoin(Vendor, Vendor.id == ApiToken.vendor_id)
        .outerjoin(
            VendorUser,
            (VendorUser.user_id == ApiToken.user_id) & (VendorUser.vendor_id == ApiToken.vendor_id),
        )
        .where(
            ApiToken.token_hash == hashed,
            *_alive(now),
            User.is_active,
        )
    ).one_or_none()  # fmt: skip
    if row is None or not hmac.compare_digest(row.token_hash, hashed):
        return None
    actor = acts_as(row)
    if actor is None or actor.panel_role not in HOLDERS:
        return None
    _used(session, row.id, now)
    return Bearer(
        actor, row.name, row.expires_at, row.email, row.user_name, row.vendor_name, row.time_zone
    )


def _used(session: Session, token_id: int, now: datetime) -> None:
    stale = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - USED_EVERY)
    session.execute(update(ApiToken).where(ApiToken.id == token_id, stale).values(last_used_at=now))
