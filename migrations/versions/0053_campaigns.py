"""Campaigns to segments, and coupons for the customers of one."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import CURRENT_VENDOR, audit, protect

revision, down_revision = "0053", "0052"

NOW = sa.text("now()")
KEY = "fk_coupons_vendor_id_segment_id_segments"
INDEX = "ix_coupons_vendor_id_segment_id"


def _own(table: str, *, belongs: bool = False) -> list[sa.schema.SchemaItem]:
    """The key of a table, and whose a row is; a part's owner says that by its own key."""
    items: list[sa.schema.SchemaItem] = [
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger, server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    ]
    if belongs:
        return items
    return [
        *items,
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=f"fk_{table}_vendor_id_vendors"
        ),
        sa.UniqueConstraint("vendor_id", "id", name=f"uq_{table}_vendor_id_id"),
    ]


def _same_vendor(table: str, column: str, other: str, **how: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["vendor_id", column], [f"{other}.vendor_id", f"{other}.id"],
        name=f"fk_{table}_vendor_id_{column}_{other}", **how,
    )  # fmt: skip


def _known(table: str, column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_known"))


def _checks(table: str, **checks: str) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(c, name=op.f(f"ck_{table}_{name}")) for name, c in checks.items()]


def _stamps() -> list[sa.Column[object]]:
    return [
        sa.Column(name, sa.DateTime(timezone=True), server_default=NOW, nullable=False)
        for name in ("created_at", "updated_at")
    ]


def upgrade() -> None:
    _coupons()
    _campaigns("campaigns")
    _runs("campaign_runs")
    _rows("campaign_rows")
    protect("campaigns")
    audit("campaigns", without=("next_at",))
    protect("campaign_runs")
    protect("campaign_rows")


def _campaigns(table: str) -> None:
    op.create_table(
        table,
        *_own(table),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("segment_id", sa.BigInteger, nullable=False),
        sa.Column("template_id", sa.BigInteger, nullable=False),
        sa.Column("rhythm", sa.Text, server_default="once", nullable=False),
        sa.Column("again", sa.Boolean, server_default="false", nullable=False),
        sa.Column("status", sa.Text, server_default="draft", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        *_stamps(),
        _same_vendor(table, "segment_id", "segments"),
        _same_vendor(table, "template_id", "message_templates"),
        _known(table, "rhythm", "once", "daily", "weekly", "four_weeks"),
        _known(table, "status", "draft", "active", "done", "stopped"),
        *_checks(
            table,
            name_is_given="name <> ''",
            next_is_of_an_active_one="next_at IS NULL OR (status = 'active' AND rhythm <> 'once')",
        ),
    )
    for column in ("segment_id", "template_id"):
        op.create_index(f"ix_{table}_vendor_id_{column}", table, ["vendor_id", column])
    op.create_index(
        f"ix_{table}_next_at", table, ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )  # fmt: skip


def _runs(table: str) -> None:
    numbers = ("meant", "ready", "left_out", "sent", "suppressed")
    op.create_table(
        table,
        *_own(table),
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, server_default="checking", nullable=False),
        *(sa.Column(n, sa.BigInteger, server_default="0", nullable=False) for n in numbers),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        *_stamps(),
        _same_vendor(table, "campaign_id", "campaigns", ondelete="CASCADE"),
        _known(table, "status", "checking", "checked", "sending", "done", "dropped"),
        *_checks(table, **{f"{n}_not_negative": f"{n} >= 0" for n in numbers}),
        *_checks(table, looked_at_were_meant="ready + left_out <= meant"),
    )
    op.create_index(
        f"ix_{table}_vendor_id_campaign_id_id", table, ["vendor_id", "campaign_id", "id"]
    )


def _rows(table: str) -> None:
    op.create_table(
        table,
        *_own(table, belongs=True),
        sa.Column("run_id", sa.BigInteger, nullable=False),
        sa.Column("customer_id", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, server_default="waiting", nullable=False),
        sa.Column("reason", sa.Text),
        _same_vendor(table, "run_id", "campaign_runs", ondelete="CASCADE"),
        _same_vendor(table, "customer_id", "customers"),
        _known(table, "outcome", "waiting", "ready", "left_out", "sent", "suppressed"),
        sa.UniqueConstraint(
            "vendor_id", "run_id", "customer_id", name=f"uq_{table}_vendor_id_run_id_customer_id"
        ),
    )
    op.create_index(
        f"ix_{table}_vendor_id_run_id_outcome_id", table, ["vendor_id", "run_id", "outcome", "id"]
    )
    op.create_index(f"ix_{table}_vendor_id_customer_id", table, ["vendor_id", "customer_id"])


def _coupons() -> None:
    """A column that is empty so far; its key and index are made while others work.

    First, since each step commits by itself: whoever breaks it off begins anew.
    """
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE coupons ADD COLUMN IF NOT EXISTS segment_id bigint")
        # what a broken-off run has left goes first
        op.execute(f"ALTER TABLE coupons DROP CONSTRAINT IF EXISTS {KEY}")
        op.execute(
            f"ALTER TABLE coupons ADD CONSTRAINT {KEY} FOREIGN KEY (vendor_id, segment_id)"
            " REFERENCES segments (vendor_id, id) NOT VALID"
        )
        op.execute(f"ALTER TABLE coupons VALIDATE CONSTRAINT {KEY}")
        op.drop_index(INDEX, "coupons", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            INDEX, "coupons", ["vendor_id", "segment_id"],
            postgresql_where=sa.text("segment_id IS NOT NULL"), postgresql_concurrently=True,
        )  # fmt: skip


def downgrade() -> None:
    op.drop_column("coupons", "segment_id")
    for table in ("campaign_rows", "campaign_runs", "campaigns"):
        op.drop_table(table)
