"""Drafts are parked at the counter, and a line knows who did it."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0024", "0023"

RULES = (
    ("orders", "ck_orders_parked_is_a_draft", "CHECK (parked_at IS NULL OR status = 'draft')"),
    (
        "order_lines",
        "fk_order_lines_vendor_id_staff_id_staff_members",
        "FOREIGN KEY (vendor_id, staff_id) REFERENCES staff_members (vendor_id, id)",
    ),
)
INDEXES = (
    ("ix_orders_parked", "orders", ["vendor_id", "parked_at"], "parked_at IS NOT NULL"),
    (
        "ix_order_lines_vendor_id_staff_id",
        "order_lines",
        ["vendor_id", "staff_id"],
        "staff_id IS NOT NULL",
    ),
)


def upgrade() -> None:
    # first, since each step commits by itself: whoever breaks it off begins anew
    with op.get_context().autocommit_block():
        parked_at = sa.Column("parked_at", sa.DateTime(timezone=True))
        op.add_column("orders", parked_at, if_not_exists=True)
        staff_id = sa.Column("staff_id", sa.BigInteger, comment="who did it")
        op.add_column("order_lines", staff_id, if_not_exists=True)
        for table, name, rule in RULES:
            # the rows are looked at while others work; what a broken-off run has left goes first
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule} NOT VALID")
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        for name, table, columns, where in INDEXES:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name, table, columns, postgresql_concurrently=True, postgresql_where=sa.text(where)
            )
    op.execute("GRANT SELECT (staff_id) ON order_lines TO app_analyst")


def downgrade() -> None:
    op.drop_column("order_lines", "staff_id")
    op.drop_column("orders", "parked_at")
