"""Users: who signs in, where they stand, and the sessions and tokens that prove it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, OwnedByVendor, Timestamped, one_of, same_vendor
from models.staff import StaffMember
from models.vendors import Vendor


class MarketplaceRole(StrEnum):
    ADMIN = "admin"
    ANALYST = "analyst"
    SYSTEM = "system"


class VendorRole(StrEnum):
    MANAGER = "manager"
    STAFF = "staff"


class LinkPurpose(StrEnum):
    INVITE = "invite"
    RESET = "reset"


class User(Timestamped, Base):
    """A person who signs in. Has no vendor: `vendor_users` says where they work."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("email"),
        one_of("role", MarketplaceRole),
        CheckConstraint("email = lower(email)", name="email_is_lower_case"),
        CheckConstraint(
            "inactive_reason IS NULL OR NOT is_active", name="reason_only_while_inactive"
        ),
    )

    id: Mapped[int] = mapped_column(
        BigInteger,
        Identity(always=True, start=2),
        primary_key=True,
        sort_order=-10,
        comment="1 is the user `system`, as whom tasks and the command line act",
    )
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str | None]
    password_hash: Mapped[str | None] = mapped_column(deferred=True)  # only the gate may read it
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    inactive_reason: Mapped[str | None] = mapped_column(
        deferred=True,  # analysts and the gate may not read it
        comment="why somebody may not sign in any more",
    )

    vendors: Mapped[list["VendorUser"]] = relationship(back_populates="user")

    def __str__(self) -> str:
        return self.name


class VendorUser(OwnedByVendor, Timestamped, Base):
    """A user's place in a vendor: manager or staff, and which staff member they are."""

    __tablename__ = "vendor_users"
    __table_args__ = (
        UniqueConstraint("vendor_id", "user_id"),
        same_vendor("staff_member_id", "staff_members"),
        one_of("role", VendorRole),
        Index(None, "user_id"),
        Index(None, "vendor_id", "staff_member_id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str]
    staff_member_id: Mapped[int | None] = mapped_column()

    user: Mapped[User] = relationship(back_populates="vendors")
    vendor: Mapped[Vendor] = relationship()
    staff_member: Mapped[StaffMember | None] = relationship(foreign_keys=[staff_member_id])

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class LoginSession(Base):
    """A signed-in browser. Only the hash of its secret is kept; it stands in one vendor or none."""

    __tablename__ = "login_sessions"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index(None, "user_id"),
        Index(None, "vendor_id"),
    )

    token_hash: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str | None]
    device: Mapped[str | None]


class ApiToken(Timestamped, Base):
    """A key for programs; acts as its user, in one vendor or over the marketplace."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index(None, "user_id"),
        Index(None, "vendor_id"),
    )

    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(comment="how its owner knows it again")
    token_hash: Mapped[str]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return self.name


class OneTimeLink(Base):
    """A link that lets a user set a password once, within its time."""

    __tablename__ = "one_time_links"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        one_of("purpose", LinkPurpose),
        Index(None, "user_id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[str]
    purpose: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """One try to sign in, by the e-mail typed and the network address it came from."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index(None, "email", "at"), Index(None, "address", "at"))

    email: Mapped[str]
    address: Mapped[str]
    succeeded: Mapped[bool]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
