"""Custom reports: put together, kept under a name, shared, and mailed by the calendar."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import REFUSALS, ChangedMeanwhile, DomainError, NotFound
from app.operations.outbox import enqueue
from app.operations.zones import zone_of
from app.tenancy import PanelRole, current_actor
from models.custom_reports import CustomReport, SentEvery, SharedWith
from models.users import MarketplaceRole, User, VendorRole, VendorUser
from models.vendors import Vendor, VendorStatus

LONGEST_NAME = 80
MOST = 200
SENT_AT = time(7)
"""On the wall of the vendor; the marketplace's clock is UTC."""
SEND = "tasks.reports.send_figures"


class NoReportName(DomainError):
    sentence = "This report has no name yet: write one to eighty letters."
    field = "name"


class ReportNameTaken(DomainError):
    sentence = "There is a report of this name already: choose another name."
    field = "name"


class NoSuchWord(DomainError):
    sentence = "Choose one of the answers on the list."
    field = "shared_with"


REFUSALS["uq_custom_reports_vendor_id_name"] = ReportNameTaken


def listed(session: Session) -> Sequence[CustomReport]:
    """One's own reports and those that are shared with one's role, by name; `MOST` at most."""
    return session.scalars(
        select(CustomReport).where(_seen()).order_by(CustomReport.name).limit(MOST)
    ).all()


def seen(session: Session, report_id: int) -> CustomReport | None:
    """A report that the one who acts has; None where there is none."""
    return session.scalar(select(CustomReport).where(_seen(), CustomReport.id == report_id))


def mine(session: Session, report_id: int) -> CustomReport:
    """A report one may change, held until this is over; refuses `NotFound`.

    One's own, and what one has of somebody who has left: nobody else could end it.
    """
    asked = select(CustomReport).where(_here(), CustomReport.id == report_id, _own())
    found = session.scalar(asked.with_for_update())
    if found is None:
        raise NotFound
    return found


def changeable(session: Session, report_ids: Sequence[int]) -> set[int]:
    """Those of these reports that one may change or remove."""
    asked = select(CustomReport.id).where(_here(), CustomReport.id.in_(report_ids), _own())
    return set(session.scalars(asked))


def save(
    session: Session,
    *,
    name: str,
    definition: Mapping[str, Any],
    shared_with: str = SharedWith.NOBODY,
    sent_every: str = SentEvery.NEVER,
    report_id: int | None = None,
    seen: str = "",
) -> CustomReport:
    """Keep a report under a name, or change one's own; that of somebody who has left becomes one's.

    `definition` was read by `reports.custom`, `seen` is the `stand` of what is changed. It is first
    mailed on the next morning, Monday or first of a month. Refuses `NoReportName`,
    `ReportNameTaken`, `NoSuchWord`, `NotFound`, `ChangedMeanwhile`.
    """
    if shared_with not in list(SharedWith):
        raise NoSuchWord
    if sent_every not in list(SentEvery):
        raise NoSuchWord(field="sent_every")
    actor = current_actor()
    if report_id is None:
        report = CustomReport(
            vendor_id=actor.vendor_id, user_id=actor.user_id, sent_every=SentEvery.NEVER
        )
    else:
        report = mine(session, report_id)
        if seen and seen != stand(report):
            raise ChangedMeanwhile
        report.user_id = actor.user_id
    report.name, report.definition_json = _name(name), dict(definition)
    if report.sent_every != sent_every:
        first = next_send(session, actor.vendor_id, SentEvery(sent_every), clock.now())
        report.sent_every, report.next_send_at = sent_every, first
    report.shared_with = shared_with
    session.add(report)
    session.flush()  # the id, and whether the name is free
    return report


def stand(report: CustomReport) -> str:
    """How a report stands, as a word that changes with all of it that people write.

    Not `updated_at`: each of its mails moves that.
    """
    kept = [report.name, report.definition_json, report.shared_with, report.sent_every]
    said = json.dumps(kept, sort_keys=True).encode()
    return hashlib.blake2s(said, digest_size=12).hexdigest()


def remove(session: Session, *, report_id: int) -> None:
    """Remove a report, with its mails; whose, `mine` says."""
    session.delete(mine(session, report_id))
    session.flush()  # a list read in the same transaction no longer shows it


# --- mailed --------------------------------------------------------------------------------------


def promise_due(session: Session, *, now: datetime, most: int = 100) -> int:
    """Promise the mails of reports whose time has come, and set the next; how many reports.

    A report that was due several times, while nothing ran, is mailed once.
    """
    due = (
        select(CustomReport)
        .where(CustomReport.next_send_at <= now)
        .order_by(CustomReport.next_send_at, CustomReport.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    found = session.scalars(due).all()
    for report in found:
        report.next_send_at = next_send(
            session, report.vendor_id, SentEvery(report.sent_every), now
        )
        enqueue(session, SEND, vendor_id=report.vendor_id, report_id=report.id)
    session.flush()  # the next ones are read without these
    return len(found)


def readers(session: Session, report_id: int) -> list[str]:
    """The addresses it is mailed to: of the one who made it, and of those who have it too.

    For the marketplace, which alone sees all of them. Only who could open it by signing in gets
    it; and nobody, once that is no longer so of the one who made it: no other could stop it.
    """
    report = session.get(CustomReport, report_id)
    if report is None:
        return []
    shared = SharedWith(report.shared_with)
    if report.vendor_id is None:
        may: ColumnElement[bool] = User.role.in_([MarketplaceRole.ADMIN, MarketplaceRole.ANALYST])
        others: ColumnElement[bool] = User.role.in_(_ROLES[shared])
    else:
        placed = _manages(report.vendor_id)
        may = or_(placed, User.role == MarketplaceRole.ADMIN)
        others = placed if shared != SharedWith.NOBODY else false()
    able = select(User.email).where(User.is_active, may)
    own = User.id == report.user_id
    if session.scalar(able.where(own)) is None:
        return []
    return list(session.scalars(able.where(own | others).order_by(User.email)))


_ROLES = {
    SharedWith.NOBODY: (),
    SharedWith.MANAGERS: (MarketplaceRole.ADMIN,),
    SharedWith.ANALYSTS: (MarketplaceRole.ADMIN, MarketplaceRole.ANALYST),
}


def _manages(vendor_id: int) -> ColumnElement[bool]:
    """Whether a user signs in as a manager of this vendor: `users.acts_as` in SQL."""
    places = (
        select(VendorUser.user_id)
        .join(Vendor, Vendor.id == VendorUser.vendor_id)
        .where(
            VendorUser.vendor_id == vendor_id, VendorUser.role == VendorRole.MANAGER,
            Vendor.status == VendorStatus.ACTIVE,
        )
    )  # fmt: skip
    return User.role.is_(None) & User.id.in_(places)


def next_send(
    session: Session, vendor_id: int | None, every: SentEvery, now: datetime
) -> datetime | None:
    """The next morning, Monday or first of a month at `SENT_AT`, where the vendor is."""
    if every is SentEvery.NEVER:
        return None
    zone = ZoneInfo(zone_of(session, vendor_id) if vendor_id else "UTC")
    today = now.astimezone(zone).date()
    day = today + timedelta(days=1)
    if every is SentEvery.WEEK:
        day = today + timedelta(days=7 - today.weekday())
    if every is SentEvery.MONTH:
        day = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime.combine(day, SENT_AT, zone)


# --- behind the verbs ----------------------------------------------------------------------------


def _here() -> ColumnElement[bool]:
    return CustomReport.vendor_id.is_not_distinct_from(current_actor().vendor_id)


def _seen() -> ColumnElement[bool]:
    return _here() & or_(CustomReport.user_id == current_actor().user_id, _shared())


def _shared() -> ColumnElement[bool]:
    """Whether one has it by one's role."""
    with_these = {
        PanelRole.ANALYST: [SharedWith.ANALYSTS],
        PanelRole.STAFF: [],
    }.get(current_actor().panel_role, [SharedWith.MANAGERS, SharedWith.ANALYSTS])
    return CustomReport.shared_with.in_(with_these)


def _own() -> ColumnElement[bool]:
    """Whether one may change it; of somebody who has left, managers and admins may."""
    actor = current_actor()
    own = CustomReport.user_id == actor.user_id
    if actor.panel_role not in (PanelRole.MANAGER, PanelRole.ADMIN):
        return own
    if actor.vendor_id is None:
        makes: ColumnElement[bool] = User.role == MarketplaceRole.ADMIN
    else:
        makes = _manages(actor.vendor_id)  # an admin who stood in it is no manager of it
    is_here = select(User.id).where(User.id == CustomReport.user_id, User.is_active, makes)
    return own | (_shared() & ~is_here.exists())


def _name(text: str) -> str:
    name = " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())
    if not name or len(name) > LONGEST_NAME:
        raise NoReportName
    return name
