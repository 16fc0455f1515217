"""The first page of the marketplace's people: sums over all vendors, and what awaits a person."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Date, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from models.customers import Customer, CustomerStatus
from models.figures import Grain, VendorFigures
from models.imports import ImportJob, ImportStatus
from models.orders import Order, OrderStatus
from models.outbox import OutboxMessage
from models.vendors import Vendor, VendorStatus
from reports import pulse, troubles
from reports.day_counts import ROWS, Line, capped, new_since, not_arrived, week_of
from reports.pulse import Jump, Look, Week
from reports.troubles import Failing, Hourless

_NEEDS_A_PERSON = (ImportStatus.UPLOADED, ImportStatus.MAPPED, ImportStatus.TRIED)


@dataclass(frozen=True, slots=True)
class Share:
    """What a vendor did today."""

    vendor_id: int
    name: str
    bookings: int
    no_shows: int


@dataclass(frozen=True, slots=True)
class Marketplace:
    """Sums over all vendors, nothing about a person: what analysts see too.

    `week` has what today came to so far, beside the same day of the week before.
    """

    vendors: int
    zones: int
    to_fulfil: int
    new_customers: int
    week: Week
    busiest: list[Share]
    attention: list[Look]
    jumps: list[Jump]


@dataclass(frozen=True, slots=True)
class AdminToday:
    """The marketplace's day, and what waits for a person. Counts stop after `CAP`."""

    figures: Marketplace
    customers: int
    imports_waiting: int
    imports_running: int
    imports_failed: int
    rows_to_correct: int
    promises_broken: int
    not_arrived: int
    to_follow_up: int
    imports: list[Line]
    failing: list[Failing]
    hourless: list[Hourless]


def analyst(session: Session, *, now: datetime) -> Marketplace:
    """The marketplace's figures; reads only columns that analysts may read."""
    vendors, zones = session.execute(
        select(func.count(), func.count(Vendor.time_zone.distinct())).where(
            Vendor.status == VendorStatus.ACTIVE
        )
    ).one()
    fresh = new_since(week_of(literal("UTC"), now))
    return Marketplace(
        vendors=vendors,
        zones=zones,
        to_fulfil=session.scalar(
            select(capped(Order, Order.status == OrderStatus.PLACED))
        ) or 0,
        new_customers=session.scalar(select(capped(Customer, *fresh))) or 0,
        week=pulse.market_week(session, now=now),
        busiest=_busiest(session, now),
        attention=pulse.attention(session, today=now.astimezone(UTC).date()),
        jumps=pulse.jumps(session, today=now.astimezone(UTC).date()),
    )  # fmt: skip


def _busiest(session: Session, now: datetime) -> list[Share]:
    """Who has most bookings today, as their roll-up has it."""
    figures, utc = VendorFigures, now.astimezone(UTC).date()
    today = cast(func.timezone(Vendor.time_zone, now), Date)
    rows = session.execute(
        select(Vendor.id, Vendor.name, figures.bookings, figures.no_shows)
        .join(figures, and_(figures.vendor_id == Vendor.id, figures.grain == Grain.DAY))
        .where(figures.starts_on.between(utc - pulse.DAY, utc + pulse.DAY))
        .where(figures.starts_on == today, figures.bookings > 0)
        .where(Vendor.status == VendorStatus.ACTIVE)
        .order_by(figures.bookings.desc(), Vendor.id)
        .limit(ROWS)
    )
    return [Share(*row) for row in rows]


def admin(session: Session, *, now: datetime) -> AdminToday:
    """The marketplace's figures, and the work that only its own people can do."""
    waiting = ImportJob.status.in_(_NEEDS_A_PERSON)
    follow_up = and_(
        Customer.status == CustomerStatus.PENDING_FOLLOW_UP, Customer.archived_at.is_(None)
    )
    invalid = func.coalesce(
        func.sum(cast(ImportJob.result["invalid"].astext, Order.number.type)), 0
    )
    week = ImportJob.finished_at >= week_of(literal("UTC"), now)
    row = session.execute(
        select(
            capped(Customer, Customer.archived_at.is_(None)).label("customers"),
            capped(ImportJob, waiting).label("imports_waiting"),
            capped(ImportJob, ImportJob.status == ImportStatus.IMPORTING).label("imports_running"),
            capped(ImportJob, ImportJob.status == ImportStatus.FAILED).label("imports_failed"),
            select(func.coalesce(invalid, 0))
            .where(ImportJob.status == ImportStatus.COMPLETED, week)
            .scalar_subquery()
            .label("rows_to_correct"),
            capped(OutboxMessage, OutboxMessage.dead_at.is_not(None)).label("promises_broken"),
            not_arrived(now).label("not_arrived"),
            capped(Customer, follow_up).label("to_follow_up"),
        )
    ).one()
    return AdminToday(
        figures=analyst(session, now=now),
        **row._mapping,
        imports=_imports(session, waiting),
        failing=troubles.failing(session, now=now),
        hourless=troubles.hourless(session, today=now.astimezone(UTC).date()),
    )


def _imports(session: Session, waiting: Any) -> list[Line]:
    """The newest imports that wait for somebody, or failed."""
    rows = session.execute(
        select(ImportJob, Vendor.name)
        .join(Vendor, Vendor.id == ImportJob.vendor_id)
        .where(or_(waiting, ImportJob.status == ImportStatus.FAILED))
        .order_by(ImportJob.id.desc())
        .limit(ROWS)
    )
    return [
        Line(job.id, job.created_at, job.filename, vendor_name, job.status)
        for job, vendor_name in rows
    ]
