"""Staff members: who does the work, with or without a login."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, OwnedByVendor, Timestamped


class StaffMember(OwnedByVendor, Timestamped, Base):
    """A person who works for a vendor and can be booked."""

    __tablename__ = "staff_members"
    __table_args__ = (Index(None, "vendor_id", "name"),)

    name: Mapped[str]
    title: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")

    def __str__(self) -> str:
        return self.name
