"""Rooms and equipment: what a service needs besides a person."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Belonging, OwnedByVendor, Timestamped, one_of, same_vendor
from models.services import Service


class ResourceKind(StrEnum):
    ROOM = "room"
    EQUIPMENT = "equipment"


class Resource(OwnedByVendor, Timestamped, Base):
    """A room, a chair, a machine, or `capacity` of them that are as good as each other."""

    __tablename__ = "resources"
    __table_args__ = (
        one_of("kind", ResourceKind),
        CheckConstraint("capacity > 0", name="capacity_is_positive"),
        Index(None, "vendor_id", "name"),
    )

    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default=ResourceKind.ROOM, server_default="room")
    capacity: Mapped[int] = mapped_column(default=1, server_default="1")
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    note: Mapped[str | None]

    def __str__(self) -> str:
        return self.name


class ServiceResource(Belonging, Timestamped, Base):
    """What a service needs, and how many of it."""

    __tablename__ = "service_resources"
    __table_args__ = (
        same_vendor("service_id", "services", ondelete="CASCADE"),
        same_vendor("resource_id", "resources"),
        UniqueConstraint("vendor_id", "service_id", "resource_id"),
        CheckConstraint("quantity > 0", name="quantity_is_positive"),
        Index(None, "vendor_id", "resource_id"),
    )

    service_id: Mapped[int] = mapped_column()
    resource_id: Mapped[int] = mapped_column()
    quantity: Mapped[int] = mapped_column(default=1, server_default="1")

    service: Mapped[Service] = relationship(foreign_keys=[service_id])
    resource: Mapped[Resource] = relationship(foreign_keys=[resource_id])

    def __str__(self) -> str:
        return f"{self.resource} for {self.service}"


def _no_overlap(range_column: str) -> ExcludeConstraint:
    """One unit of a resource is in one place at a time; see `models.bookings`."""
    return ExcludeConstraint(
        (func.int8range(text("resource_id"), text("resource_id"), text("'[]'")), "&&"),
        (func.int8range(text("unit"), text("unit"), text("'[]'")), "&&"),
        (text(range_column), "&&"),
        where=text("held"),
        using="gist",
        name=f"ex_resource_claims_unit_{range_column}",
    )


class ResourceClaim(Belonging, Base):
    """One unit of a resource, taken for a booking or a class while that stands.

    `held` follows the status of the booking or the class by a trigger; units count from 1 to the
    resource's capacity.
    """

    __tablename__ = "resource_claims"
    __table_args__ = (
        same_vendor("resource_id", "resources"),
        same_vendor("booking_id", "bookings", ondelete="CASCADE"),
        same_vendor("class_session_id", "class_sessions", ondelete="CASCADE"),
        CheckConstraint("unit > 0", name="unit_is_positive"),
        CheckConstraint(
            "num_nonnulls(booking_id, class_session_id) = 1", name="is_for_one_thing"
        ),
        _no_overlap("with_buffer_before"),
        _no_overlap("with_buffer_after"),
        Index(None, "vendor_id", "resource_id", "starts_at"),
        Index(
            "ix_resource_claims_held", "vendor_id", "resource_id", "starts_at",
            postgresql_where=text("held"),
        ),
        Index(None, "vendor_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
        Index(
            None, "vendor_id", "class_session_id",
            postgresql_where=text("class_session_id IS NOT NULL"),
        ),
    )  # fmt: skip

    resource_id: Mapped[int] = mapped_column()
    unit: Mapped[int] = mapped_column()
    booking_id: Mapped[int | None] = mapped_column()
    class_session_id: Mapped[int | None] = mapped_column()
    starts_at: Mapped[datetime]
    with_buffer_before: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    with_buffer_after: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    held: Mapped[bool] = mapped_column(default=True, server_default="true")

    resource: Mapped[Resource] = relationship(foreign_keys=[resource_id])
