"""Usages: how often a customer uses or buys something, and when that is expected again."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Belonging, OwnedByVendor, one_of, same_vendor
from models.customers import Customer


class UsageKind(StrEnum):
    """What is used: any booking at all, one service by its kind, or one product."""

    VISIT = "visit"
    APPOINTMENT = "appointment"
    CLASS = "class"
    LAB_TEST = "lab_test"
    STAY = "stay"
    PRODUCT = "product"


class UsageSource(StrEnum):
    """What an interval was taken from: the customer's own rhythm, or how long the product lasts."""

    PERSONAL = "personal"
    PRODUCT = "product"


class Usage(OwnedByVendor, Base):
    """On how many days a customer used an item, and every how many: `app.operations.usages`.

    `item_id` is a service or a product, as `kind` says; 0 stands for any visit. Days are the
    vendor's. Where `next_on` is past, the customer is late since then.
    """

    __tablename__ = "usages"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        UniqueConstraint("vendor_id", "customer_id", "kind", "item_id"),
        one_of("kind", UsageKind),
        one_of("source", UsageSource),
        CheckConstraint("times > 0", name="times_is_positive"),
        CheckConstraint("interval_days > 0", name="interval_is_positive"),
        CheckConstraint("last_on >= first_on", name="last_is_after_first"),
        CheckConstraint(
            "num_nulls(interval_days, source, next_on) IN (0, 3)", name="expects_all_or_nothing"
        ),
        Index(None, "vendor_id", "next_on", "id", postgresql_where=text("next_on IS NOT NULL")),
        Index(None, "next_on", "id", postgresql_where=text("next_on IS NOT NULL")),
    )

    customer_id: Mapped[int] = mapped_column()
    kind: Mapped[str]
    item_id: Mapped[int] = mapped_column()
    times: Mapped[int]
    first_on: Mapped[date]
    last_on: Mapped[date]
    interval_days: Mapped[int | None]
    source: Mapped[str | None]
    next_on: Mapped[date | None]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])


class StaleUsage(Belonging, Base):
    """A customer whose usages have to be worked out anew: the database notes it, with `at`."""

    __tablename__ = "stale_usages"
    __table_args__ = (
        same_vendor("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("vendor_id", "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column()
    at: Mapped[datetime] = mapped_column(server_default=func.now())
