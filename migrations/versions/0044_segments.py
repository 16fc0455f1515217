"""Segments: rules for who is meant, and who was in them from when until when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tenancy import CURRENT_VENDOR, audit, protect

revision, down_revision = "0044", "0043"

NOW = sa.text("now()")


def _own(table: str, *, nobodys: bool) -> list[sa.schema.SchemaItem]:
    """The key of a table, and whose a row is."""
    return [
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger, server_default=sa.text(CURRENT_VENDOR), nullable=nobodys
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=f"fk_{table}_vendor_id_vendors"
        ),
    ]


def _of_segment(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("segment_id", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segments.id"], name=f"fk_{table}_segment_id_segments",
            ondelete="CASCADE",
        ),
    ]  # fmt: skip


def _count(name: str, default: str | None = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, server_default=default, nullable=False)


def _checks(table: str, **checks: str) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(c, name=op.f(f"ck_{table}_{name}")) for name, c in checks.items()]


def _moment(name: str, *, now: bool = False) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=NOW if now else None, nullable=not now
    )


def upgrade() -> None:
    op.create_table(
        "segments",
        *_own("segments", nobodys=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("definition_json", JSONB, nullable=False),
        _count("version", "1"),
        _count("built_version"),
        _moment("built_at"),
        _count("size"),
        _moment("created_at", now=True),
        _moment("updated_at", now=True),
        sa.UniqueConstraint("vendor_id", "id", name="uq_segments_vendor_id_id"),
        *_checks("segments", name_is_given="name <> ''", size_not_negative="size >= 0"),
    )
    op.create_index(
        "uq_segments_vendor_id_name", "segments", ["vendor_id", "name"], unique=True,
        postgresql_nulls_not_distinct=True,
    )  # fmt: skip
    op.create_index("ix_segments_built_at", "segments", ["built_at"])
    _memberships("segment_memberships")
    _days("segment_days")
    protect("segments")
    audit("segments", without=("built_at", "built_version", "size"))
    protect("segment_memberships")
    protect("segment_days")


def _memberships(table: str) -> None:
    op.create_table(
        table,
        *_own(table, nobodys=False),
        *_of_segment(table),
        sa.Column("customer_id", sa.BigInteger, nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        _moment("exited_at"),
        sa.UniqueConstraint("vendor_id", "id", name=f"uq_{table}_vendor_id_id"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"], ["customers.vendor_id", "customers.id"],
            name=f"fk_{table}_vendor_id_customer_id_customers",
        ),
        *_checks(table, exited_after_entering="exited_at >= entered_at"),
    )  # fmt: skip
    op.create_index(f"ix_{table}_vendor_id_customer_id", table, ["vendor_id", "customer_id"])
    op.create_index(
        f"uq_{table}_open", table, ["segment_id", "customer_id"], unique=True,
        postgresql_where=sa.text("exited_at IS NULL"),
    )  # fmt: skip
    op.create_index(
        f"ix_{table}_segment_id_entered_at_id", table, ["segment_id", "entered_at", "id"]
    )
    op.create_index(
        f"ix_{table}_segment_id_exited_at_id", table, ["segment_id", "exited_at", "id"],
        postgresql_where=sa.text("exited_at IS NOT NULL"),
    )  # fmt: skip


def _days(table: str) -> None:
    op.create_table(
        table,
        *_own(table, nobodys=True),
        *_of_segment(table),
        sa.Column("day", sa.Date, nullable=False),
        _count("size", None),
        _count("entered"),
        _count("exited"),
        sa.UniqueConstraint("segment_id", "day", name=f"uq_{table}_segment_id_day"),
        *_checks(
            table,
            **{f"{name}_not_negative": f"{name} >= 0" for name in ("size", "entered", "exited")},
        ),
    )
    op.create_index(f"ix_{table}_vendor_id", table, ["vendor_id"])


def downgrade() -> None:
    for table in ("segment_days", "segment_memberships", "segments"):
        op.drop_table(table)
