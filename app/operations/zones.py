"""Wall time and instants: what people write, in the zone where it happens."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import days
from app.errors import DomainError
from models.vendors import Vendor

EARLIEST, LATEST = 1990, 2199


class NoSuchTime(DomainError):
    sentence = (
        "{time} does not exist on {day}, the clocks go forward then: choose a time an hour later."
    )


class OutOfTime(DomainError):
    sentence = "The year {year} is out of reach: choose one from 1990 to 2199."


def instant(moment: datetime, zone: str, *, field: str | None = None) -> datetime:
    """The instant that `moment` means, in UTC; without an offset it is wall time in `zone`.

    A wall time that the clocks skip is refused; of one that comes twice the first is meant.
    """
    if not EARLIEST <= moment.year <= LATEST:
        raise OutOfTime(field=field, year=moment.year)
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    found = moment.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    if found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != moment.replace(fold=0):
        raise NoSuchTime(field=field, time=f"{moment:%H:%M}", day=days.day(moment))
    return found


def zone_of(session: Session, vendor_id: int) -> str:
    """The zone of a vendor's wall, by its IANA name."""
    return session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).one()
