"""What every table of the house shares: names of constraints, types, the vendor's key."""

from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    MetaData,
    Numeric,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

CURRENT_VENDOR = "NULLIF(current_setting('app.vendor_id', true), '')::bigint"
"""The default of every `vendor_id`: the vendor acting, or a refusal when none does."""

Money = Annotated[Decimal, mapped_column(Numeric(12, 2))]
"""An amount in the installation's currency."""


class Base(DeclarativeBase):
    """The shared relational schema."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        str: Text,
        date: Date,
        datetime: DateTime(timezone=True),
        time: Time,
        Decimal: Numeric(12, 2),
        UUID: Uuid,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }

    id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, sort_order=-10
    )


class Timestamped:
    """When a row was made and last touched."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=900)
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), onupdate=func.now(), sort_order=901
    )


class Belonging:
    """A part of one row of a vendor, such as an address: nothing refers to it.

    Its reference to that row (`same_vendor`, never empty) keeps `vendor_id` true: a second check,
    and a key that nobody asks for, would only make each row dearer.
    """

    vendor_id: Mapped[int] = mapped_column(server_default=text(CURRENT_VENDOR), sort_order=-1)


class OwnedByVendor:
    """A row of one vendor: guarded by row security, referred to by `(vendor_id, id)` only."""

    vendor_id: Mapped[int] = mapped_column(
        ForeignKey("vendors.id"), server_default=text(CURRENT_VENDOR), sort_order=-1
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        own: tuple[Any, ...] = cls.__dict__.get("__table_args__", ())
        cls.__table_args__ = (UniqueConstraint("vendor_id", "id"), *own)  # type: ignore[attr-defined]
        super().__init_subclass__(**kwargs)


def same_vendor(column: str, table: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A reference that cannot leave the vendor: row security does not guard foreign keys."""
    return ForeignKeyConstraint(
        ["vendor_id", column], [f"{table}.vendor_id", f"{table}.id"], ondelete=ondelete
    )


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """A column that holds one of these words (or nothing, where it may be null)."""
    known = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({known})", name=f"{column}_known")


def not_negative(*columns: str) -> list[CheckConstraint]:
    """Columns that never fall below zero."""
    return [CheckConstraint(f"{c} >= 0", name=f"{c}_not_negative") for c in columns]
