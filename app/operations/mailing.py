"""The mail that brings a one-time link: to whom, with which secret, in which words."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, insert, select
from sqlalchemy.orm import Session

from app import clock, days
from app.operations.invitations import NotOnlyYours, new_token, token_hash
from app.tenancy import current_actor
from models.users import LinkPurpose, OneTimeLink, User
from models.vendors import Vendor

MARKETPLACE = "Backroom"


class Place(NamedTuple):
    """Who invites: a name, and the zone in which its people tell the time."""

    name: str
    zone: str


class FreshLink(NamedTuple):
    """A link that was just made to be mailed; the secret is nowhere else."""

    email: str
    token: str
    purpose: str
    expires_at: datetime


class Letter(NamedTuple):
    """A mail's words, and for whom they are."""

    to: str
    subject: str
    text: str


def place(session: Session, *, user_id: int) -> Place:
    """In whose name the one who acts writes to a user; a vendor to its own people only.

    Refuses `NotOnlyYours` when they work elsewhere too, or no longer here.
    """
    vendor_id = current_actor().vendor_id
    if vendor_id is None:
        return Place(MARKETPLACE, "UTC")
    if not session.scalar(select(func.works_only_here(user_id))):
        raise NotOnlyYours
    vendor = session.get_one(Vendor, vendor_id)
    return Place(vendor.name, vendor.time_zone)


def owner_id(session: Session, *, link: str) -> int | None:
    """Whose link has this hash; None when it was used, is too old, or was never made."""
    found = session.execute(_open(link)).one_or_none()
    return found and found.id


def _open(link: str) -> Select[int, str, str, datetime]:
    return (
        select(User.id, User.email, OneTimeLink.purpose, OneTimeLink.expires_at)
        .join(OneTimeLink, OneTimeLink.user_id == User.id)
        .where(OneTimeLink.token_hash == link, OneTimeLink.used_at.is_(None))
        .where(OneTimeLink.expires_at > clock.now(), User.is_active)
    )


def freshen(session: Session, *, link: str) -> FreshLink | None:
    """A link beside the one with this hash: for the same user, as long, with a secret of its own.

    None when that one was used or is too old. Using any of them ends them all; those of earlier
    tries stay, since the mail they went out with may be the one that is kept.
    """
    # Whoever uses a link locks its user: first wait for them, then look whether it is still open.
    session.execute(_open(link).with_for_update(of=User))
    found = session.execute(_open(link)).one_or_none()
    if found is None:
        return None
    token = new_token()
    values = {
        "user_id": found.id,
        "token_hash": token_hash(token),
        "purpose": found.purpose,
        "created_at": clock.now(),
        "expires_at": found.expires_at,
    }
    session.execute(insert(OneTimeLink).inline(), values)
    return FreshLink(found.email, token, found.purpose, found.expires_at)


def letter(fresh: FreshLink, by: Place, *, public_url: str) -> Letter:
    """The mail: why it comes, the link, until when it works in the time of whoever invites."""
    name = " ".join("".join(c if c.isprintable() else " " for c in by.name).split())[:120]
    zone = ZoneInfo(by.zone)
    until = days.moment(fresh.expires_at, zone, year=True)
    invited = fresh.purpose == LinkPurpose.INVITE
    subject = f"Your invitation to {name}" if invited else f"A new password for {name}"
    why = f"{name} invites you to sign in." if invited else f"{name} sends you a link."
    return Letter(
        fresh.email,
        subject,
        f"Hello,\n\n{why} Choose a password here:\n\n"
        f"{public_url.rstrip('/')}/link/{fresh.token}\n\n"
        f"The link works once, until {until} ({by.zone}).\n"
        "If you did not expect this mail, leave it alone: nothing changes\n"
        "until the link is used.\n",
    )
