"""Taxes: classes of what is sold, and their rates by place and day."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Belonging, OwnedByVendor, Timestamped, same_vendor


class TaxClass(OwnedByVendor, Timestamped, Base):
    """What is taxed alike, such as food or books; what names none is taxed as the default class."""

    __tablename__ = "tax_classes"
    __table_args__ = (
        Index("uq_tax_classes_vendor_id_name", "vendor_id", text("lower(name)"), unique=True),
        Index(
            "uq_tax_classes_vendor_id_default", "vendor_id", unique=True,
            postgresql_where=text("is_default"),
        ),
    )  # fmt: skip

    name: Mapped[str]
    is_default: Mapped[bool] = mapped_column(default=False, server_default="false")

    rates: Mapped[list["TaxRate"]] = relationship(
        back_populates="tax_class",
        foreign_keys="TaxRate.tax_class_id",
        order_by="TaxRate.starts_on.desc()",
        cascade="all, delete-orphan",
    )

    def __str__(self) -> str:
        return self.name


class TaxRate(Belonging, Timestamped, Base):
    """What a class is taxed with in a place from a day on, until the next rate there begins.

    A rate with a region goes before the country's. `name` is what receipts say, such as IVA.
    """

    __tablename__ = "tax_rates"
    __table_args__ = (
        same_vendor("tax_class_id", "tax_classes", ondelete="CASCADE"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent_is_a_percentage"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_is_iso"),
        CheckConstraint("region = btrim(region) AND region <> ''", name="region_is_said"),
        Index(
            "uq_tax_rates_of_a_place", "vendor_id", "tax_class_id", "country", "region",
            "starts_on", unique=True, postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip

    tax_class_id: Mapped[int] = mapped_column()
    name: Mapped[str] = mapped_column(comment="as receipts say it, such as IVA")
    country: Mapped[str]
    region: Mapped[str | None]
    percent: Mapped[Decimal] = mapped_column(Numeric(6, 3))
    starts_on: Mapped[date]

    tax_class: Mapped[TaxClass] = relationship(foreign_keys=[tax_class_id], back_populates="rates")

    def __str__(self) -> str:
        return f"{self.name} {self.percent.normalize():f} %"
