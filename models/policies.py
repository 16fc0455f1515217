"""What calling off costs: the terms that are frozen on a booking when it is made."""

from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, not_negative, same_vendor
from models.services import Service

_PERCENTS = ("late_percent", "last_percent", "no_show_percent")
Percent = Numeric(5, 2)


class CancellationPolicy(OwnedByVendor, Timestamped, Base):
    """The terms of a service, or of all services that have none of their own.

    At least `free_hours` before the beginning a booking is called off for nothing, at least
    `late_hours` before for `late_percent` of its price, later for `last_percent`; who does not
    come owes `no_show_percent`. `grace_minutes` after its end a booking without an outcome asks
    for one. `max_moves` is how often a customer may move it (empty: as often as they like).
    """

    __tablename__ = "cancellation_policies"
    __table_args__ = (
        same_vendor("service_id", "services", ondelete="CASCADE"),
        CheckConstraint("late_hours <= free_hours", name="late_is_not_before_free"),
        *(
            CheckConstraint(f"{name} BETWEEN 0 AND 100", name=f"{name}_is_a_percentage")
            for name in _PERCENTS
        ),
        *not_negative("free_hours", "late_hours", "max_moves", "grace_minutes"),
        Index(
            "uq_cancellation_policies_vendor_id_service_id", "vendor_id", "service_id",
            unique=True, postgresql_where=text("service_id IS NOT NULL"),
        ),
        Index(
            "uq_cancellation_policies_vendor_id_default", "vendor_id",
            unique=True, postgresql_where=text("service_id IS NULL"),
        ),
    )  # fmt: skip

    service_id: Mapped[int | None] = mapped_column()
    free_hours: Mapped[int] = mapped_column(default=24, server_default="24")
    late_hours: Mapped[int] = mapped_column(default=0, server_default="0")
    late_percent: Mapped[Decimal] = mapped_column(Percent, default=Decimal(0), server_default="0")
    last_percent: Mapped[Decimal] = mapped_column(Percent, default=Decimal(0), server_default="0")
    no_show_percent: Mapped[Decimal] = mapped_column(
        Percent, default=Decimal(0), server_default="0"
    )
    max_moves: Mapped[int | None]
    grace_minutes: Mapped[int] = mapped_column(default=15, server_default="15")

    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])

    def __str__(self) -> str:
        return f"Terms of {self.service}" if self.service else "Terms of all services"
