"""Customers: a vendor's own file on a person, and the marketplace's people behind the files."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint, event, func
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from app.contact import display_phone, fold, searchable
from models.base import (
    Base,
    Belonging,
    Money,
    OwnedByVendor,
    Timestamped,
    not_negative,
    one_of,
    same_vendor,
)
from models.categories import Category
from models.vendors import Vendor
from models.words import Channel


class CustomerStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    PENDING_FOLLOW_UP = "pending_follow_up"


class Person(Timestamped, Base):
    """One human being behind the files of several vendors; admins only."""

    __tablename__ = "people"
    __table_args__ = (UniqueConstraint("email"), UniqueConstraint("phone"))

    full_name: Mapped[str | None]
    email: Mapped[str | None] = mapped_column(comment="verified, lower case")
    phone: Mapped[str | None] = mapped_column(comment="verified, E.164")

    def __str__(self) -> str:
        return self.full_name or self.email or self.phone or f"Person {self.id}"


_LIVE = sql("archived_at IS NULL")


class Customer(OwnedByVendor, Timestamped, Base):
    """Somebody a vendor knows: by name, company, e-mail or phone; none of them alone is required.

    The statistics are running numbers beside the bookings and orders; only
    `app.operations.interests` writes them. `search_text` and `sort_name` follow the names.
    """

    __tablename__ = "customers"
    __table_args__ = (
        one_of("status", CustomerStatus),
        one_of("channel", Channel),
        same_vendor("merged_into_id", "customers"),
        CheckConstraint(
            "num_nonnulls(full_name, company, email, phone) > 0 OR anonymised_at IS NOT NULL",
            name="has_a_name_or_contact",
        ),
        *not_negative("visit_count", "order_count", "no_show_count", "store_credit"),
        Index(None, "person_id", postgresql_where=sql("person_id IS NOT NULL")),
        Index(
            None, "vendor_id", "merged_into_id", postgresql_where=sql("merged_into_id IS NOT NULL")
        ),
        Index(
            "uq_customers_vendor_id_reference",
            "vendor_id",
            "reference",
            unique=True,
            postgresql_where=sql("reference IS NOT NULL"),
        ),
        Index(None, "vendor_id", "email", postgresql_where=sql("email IS NOT NULL")),
        Index(None, "vendor_id", "phone", postgresql_where=sql("phone IS NOT NULL")),
        Index(None, "vendor_id", "phone_2", postgresql_where=sql("phone_2 IS NOT NULL")),
        Index(None, "vendor_id", "birthday", "sort_name"),
        Index(
            "ix_customers_vendor_last_activity",
            "vendor_id",
            sql("last_activity_at DESC"),
            sql("id DESC"),
            postgresql_where=_LIVE,
        ),
        Index(
            "ix_customers_last_activity",
            sql("last_activity_at DESC"),
            sql("id DESC"),
            postgresql_where=_LIVE,
        ),
        Index(
            "ix_customers_vendor_sort_name", "vendor_id", "sort_name", "id", postgresql_where=_LIVE
        ),
        Index("ix_customers_sort_name", "sort_name", "id", postgresql_where=_LIVE),
        Index(None, "created_at", postgresql_where=_LIVE),
        Index(
            "ix_customers_vendor_status",
            "vendor_id",
            "status",
            sql("last_activity_at DESC"),
            sql("id DESC"),
            postgresql_where=_LIVE,
        ),
        Index(
            "ix_customers_status",
            "status",
            sql("last_activity_at DESC"),
            sql("id DESC"),
            postgresql_where=_LIVE,
        ),
        Index(
            "ix_customers_vendor_channel",
            "vendor_id",
            "channel",
            sql("last_activity_at DESC"),
            sql("id DESC"),
            postgresql_where=_LIVE,
        ),
        Index(
            "ix_customers_channel",
            "channel",
            sql("last_activity_at DESC"),
            sql("id DESC"),
            postgresql_where=_LIVE,
        ),
        Index("ix_customers_archived", "id", postgresql_where=sql("archived_at IS NOT NULL")),
        Index(
            "ix_customers_search",
            "search",
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": "256"},
        ),
    )

    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    full_name: Mapped[str | None]
    company: Mapped[str | None]
    reference: Mapped[str | None] = mapped_column(comment="their number elsewhere")
    email: Mapped[str | None] = mapped_column(comment="NFKC, lower case")
    phone: Mapped[str | None] = mapped_column(comment="E.164")
    phone_2: Mapped[str | None] = mapped_column(comment="E.164")
    birthday: Mapped[date | None]
    status: Mapped[str] = mapped_column(default=CustomerStatus.ACTIVE, server_default="active")
    channel: Mapped[str] = mapped_column(default=Channel.WALK_IN, server_default="walk_in")
    locale: Mapped[str | None]
    time_zone: Mapped[str | None] = mapped_column(comment="IANA name; empty: the vendor's")
    note: Mapped[str | None]
    archived_at: Mapped[datetime | None]
    anonymised_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column()

    visit_count: Mapped[int] = mapped_column(default=0, server_default="0")
    no_show_count: Mapped[int] = mapped_column(default=0, server_default="0")
    order_count: Mapped[int] = mapped_column(default=0, server_default="0")
    services_spent: Mapped[Money] = mapped_column(default=0, server_default="0")
    products_spent: Mapped[Money] = mapped_column(default=0, server_default="0")
    total_spent: Mapped[Money] = mapped_column(default=0, server_default="0")
    store_credit: Mapped[Money] = mapped_column(default=0, server_default="0")
    last_visit_at: Mapped[datetime | None]
    last_order_at: Mapped[datetime | None]
    last_activity_at: Mapped[datetime] = mapped_column(server_default=func.now())

    sort_name: Mapped[str] = mapped_column(default="", server_default="")
    search_text: Mapped[str] = mapped_column(default="", server_default="", deferred=True)
    search: Mapped[Any] = mapped_column(
        TSVECTOR,
        Computed(
            "array_to_tsvector(array_remove(string_to_array("
            "'#' || vendor_id::text || ' ' || search_text, ' '), ''))",
            persisted=True,
        ),
        deferred=True,
        deferred_raiseload=True,
    )

    vendor: Mapped[Vendor] = relationship()
    addresses: Mapped[list["Address"]] = relationship(
        back_populates="customer", foreign_keys="Address.customer_id", order_by="Address.id"
    )

    @property
    def name(self) -> str:
        """What the customer is called on screens: name, else company, e-mail, phone."""
        return called(self)

    def __str__(self) -> str:
        return self.name


def called(customer: Any) -> str:
    """What a customer, or a row with these columns, is called."""
    if name := customer.full_name or customer.company or customer.email:
        return str(name)
    return display_phone(customer.phone) if customer.phone else "Forgotten customer"


@event.listens_for(Customer, "before_insert")
@event.listens_for(Customer, "before_update")
def write_search_text(_: Mapper[Any], __: Any, customer: Customer) -> None:
    """Keep what the search and the sort by name read true to the names."""
    sort_name, search_text = searchable(
        customer.full_name, customer.company, customer.email, customer.phone, customer.phone_2,
        customer.reference,
    )  # fmt: skip
    if customer.sort_name != sort_name:
        customer.sort_name = sort_name
    customer.search_text = search_text


class Address(Belonging, Timestamped, Base):
    """Where a customer lives, works or wants parcels."""

    __tablename__ = "addresses"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_is_iso"),
        Index(None, "vendor_id", "customer_id"),
        Index(None, "vendor_id", "city_key", "customer_id"),
        Index(None, "city_key", "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column()
    label: Mapped[str | None]
    line1: Mapped[str | None]
    line2: Mapped[str | None]
    city: Mapped[str | None]
    city_key: Mapped[str | None] = mapped_column(comment="the city with case and accents folded")
    region: Mapped[str | None]
    postal_code: Mapped[str | None]
    country: Mapped[str | None]

    customer: Mapped[Customer] = relationship(
        foreign_keys=[customer_id], back_populates="addresses"
    )

    def __str__(self) -> str:
        place = " ".join(part for part in (self.postal_code, self.city) if part)
        parts = (self.line1, self.line2, place, self.region, self.country)
        return ", ".join(part for part in parts if part)


@event.listens_for(Address, "before_insert")
@event.listens_for(Address, "before_update")
def write_city_key(_: Mapper[Any], __: Any, address: Address) -> None:
    """Keep the key that the filter by city reads true to the city."""
    address.city_key = fold(address.city) if address.city else None


class ConsentChannel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    PHONE = "phone"
    LETTER = "letter"


class ConsentPurpose(StrEnum):
    TRANSACTIONAL = "transactional"
    REMINDER = "reminder"
    MARKETING = "marketing"


class Consent(Belonging, Base):
    """One decision of a customer about one channel and purpose; the latest row is in force."""

    __tablename__ = "consents"
    __table_args__ = (
        same_vendor("customer_id", "customers", ondelete="CASCADE"),
        one_of("channel", ConsentChannel),
        one_of("purpose", ConsentPurpose),
        CheckConstraint(
            "NOT (granted AND source = 'import' AND proof IS NULL)",
            name="a_list_proves_what_it_grants",
        ),
        Index(None, "vendor_id", "customer_id", "channel", "purpose", "id"),
        Index(None, "vendor_id", "id"),
        Index(None, "user_id"),
    )

    customer_id: Mapped[int] = mapped_column()
    channel: Mapped[str]
    purpose: Mapped[str]
    granted: Mapped[bool]
    source: Mapped[str] = mapped_column(comment="where it was said: form, counter, import, link")
    proof: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])

    def __str__(self) -> str:
        return f"{self.purpose} by {self.channel}: {'yes' if self.granted else 'no'}"


class CustomerPreference(OwnedByVendor, Timestamped, Base):
    """How a customer wants to be reached: channel and quiet hours, in the customer's zone."""

    __tablename__ = "customer_preferences"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        UniqueConstraint("vendor_id", "customer_id"),
        one_of("channel", ConsentChannel),
        CheckConstraint(
            "(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet_hours_have_both_ends"
        ),
    )

    customer_id: Mapped[int] = mapped_column()
    channel: Mapped[str | None]
    push_address: Mapped[str | None]
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])

    def __str__(self) -> str:
        return f"Preferences of {self.customer}"


class PreferredCategory(OwnedByVendor, Base):
    """A category a customer likes to hear about."""

    __tablename__ = "preferred_categories"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        UniqueConstraint("vendor_id", "customer_id", "category_id"),
        Index(None, "category_id"),
    )

    customer_id: Mapped[int] = mapped_column()
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    category: Mapped[Category] = relationship()

    def __str__(self) -> str:
        return str(self.category)


class CustomerMerge(OwnedByVendor, Base):
    """Two files made one: what stood in both before, so that it can be undone for 30 days."""

    __tablename__ = "customer_merges"
    __table_args__ = (
        same_vendor("survivor_id", "customers"),
        same_vendor("merged_id", "customers"),
        Index(None, "vendor_id", "survivor_id"),
        Index(None, "vendor_id", "merged_id"),
        Index(None, "user_id"),
    )

    survivor_id: Mapped[int] = mapped_column()
    merged_id: Mapped[int] = mapped_column()
    before: Mapped[dict[str, Any]]
    moved: Mapped[dict[str, Any]]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    undone_at: Mapped[datetime | None]
