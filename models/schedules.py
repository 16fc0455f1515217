"""When a vendor, a member of staff or a service can be booked: weekly hours and exceptions."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, one_of, same_vendor
from models.services import Service
from models.staff import StaffMember


class HoursKind(StrEnum):
    WORK = "work"
    BREAK = "break"


class TimeOffKind(StrEnum):
    OFF = "off"
    EXTRA = "extra"


class WorkingHours(OwnedByVendor, Timestamped, Base):
    """A time of a weekday, in the vendor's wall time: of a member of staff, a service, or all.

    `weekday` counts from 1, Monday, to 7, Sunday. An end at or before the beginning lies on the
    next day (midnight is the end of the day). It holds from `effective_from` up to and with
    `effective_to`; what changes is closed and begun anew, so the past stays as it was. A break is
    taken out of the working times of the same owner.
    """

    __tablename__ = "working_hours"
    __table_args__ = (
        same_vendor("staff_id", "staff_members", ondelete="CASCADE"),
        same_vendor("service_id", "services", ondelete="CASCADE"),
        one_of("kind", HoursKind),
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_is_one_of_seven"),
        CheckConstraint("effective_to >= effective_from", name="ends_after_it_begins"),
        CheckConstraint("num_nonnulls(staff_id, service_id) <= 1", name="is_of_one_owner"),
        Index(None, "vendor_id", "staff_id", "weekday"),
        Index(None, "vendor_id", "service_id"),
    )

    staff_id: Mapped[int | None] = mapped_column()
    service_id: Mapped[int | None] = mapped_column()
    kind: Mapped[str] = mapped_column(default=HoursKind.WORK, server_default="work")
    weekday: Mapped[int] = mapped_column(SmallInteger)
    starts: Mapped[time]
    ends: Mapped[time]
    effective_from: Mapped[date | None]
    effective_to: Mapped[date | None]
    label: Mapped[str | None]

    staff_member: Mapped[StaffMember | None] = relationship(foreign_keys=[staff_id])
    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])

    def __str__(self) -> str:
        return f"{self.starts:%H:%M}-{self.ends:%H:%M}"


class TimeOff(OwnedByVendor, Timestamped, Base):
    """An exception: time that is taken off, or worked besides the hours.

    Without a member of staff it is the whole vendor's: a closure, or a day it opens besides.
    `changes` is what was done to the bookings in its way when it was taken, to take that back.
    """

    __tablename__ = "time_off"
    __table_args__ = (
        same_vendor("staff_id", "staff_members", ondelete="CASCADE"),
        one_of("kind", TimeOffKind),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index(None, "vendor_id", "starts_at"),
        Index(None, "vendor_id", "staff_id", "starts_at"),
    )

    staff_id: Mapped[int | None] = mapped_column()
    kind: Mapped[str] = mapped_column(default=TimeOffKind.OFF, server_default="off")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str | None]
    changes: Mapped[list[Any] | None]

    staff_member: Mapped[StaffMember | None] = relationship(foreign_keys=[staff_id])

    def __str__(self) -> str:
        return self.reason or ("Extra time" if self.kind == TimeOffKind.EXTRA else "Time off")
