"""Figures of people: who works in the house, who buys, where they live and what they like."""

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import protect

revision, down_revision = "0043", "0042"

CHANNELS = "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')"
KINDS = "kind IN ('appointment', 'class', 'lab_test', 'stay', 'product', 'package', 'membership')"

INDEXES = (
    ("audit_entries", "ix_audit_entries_at", ["at"], {"postgresql_using": "brin"}),
    (
        "waitlist_entries", "ix_waitlist_entries_vendor_id_created_at",
        ["vendor_id", "created_at"], {},
    ),
    ("waitlist_entries", "ix_waitlist_entries_created_at", ["created_at"], {}),
)  # fmt: skip

Columns = list[sa.Column[object]]


def _counted(*names: str, kind: type[sa.types.TypeEngine[object]] = sa.Integer) -> Columns:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _money(*names: str) -> Columns:
    return [sa.Column(name, sa.Numeric(12, 2), nullable=False) for name in names]


TABLES: dict[str, tuple[Columns, Columns, dict[str, str]]] = {
    "user_figures": (
        _counted("user_id", kind=sa.BigInteger),
        [*_counted("sign_ins", "made", "changed", "removed", "answered"),
         *_counted("answer_minutes", kind=sa.BigInteger)],
        {},
    ),
    "active_figures": (
        _counted("next_in", kind=sa.SmallInteger),
        [
            sa.Column("customers", sa.Integer, nullable=False),
            sa.Column("newcomers", sa.Integer, nullable=False, comment="whose first month it is"),
            *_counted("days", "visits", "orders"), *_money("revenue"),
        ],
        {},
    ),
    "place_figures": (
        [*_counted("country", "city_key", "area", kind=sa.Text),
         *_counted("next_in", kind=sa.SmallInteger)],
        [
            sa.Column("city", sa.Text, nullable=False, comment="as it is written"),
            *_counted("customers", "visits", "orders"), *_money("services", "products", "other"),
        ],
        {},
    ),
    "preference_figures": (
        [
            *_counted("sort", "kind", kind=sa.Text), *_counted("category_id", kind=sa.BigInteger),
            sa.Column("channel", sa.Text, nullable=False, comment="how the customer came first"),
        ],
        [*_counted("customers"), *_counted("times", kind=sa.BigInteger),
         *_money("spent", "revenue")],
        {"kind_known": KINDS, "channel_known": CHANNELS,
         "sort_known": "sort IN ('kind', 'service', 'product')"},
    ),
    "engagement_figures": (
        _counted("span", "vendors", kind=sa.SmallInteger),
        [*_counted("people", "files", "days", "visits", "orders"), *_money("revenue")],
        {"vendors_are_one_to_three": "vendors BETWEEN 1 AND 3", "span_is_positive": "span > 0"},
    ),
}  # fmt: skip


def upgrade() -> None:
    _find()
    for table, (keys, sums, checks) in TABLES.items():
        _make(table, keys, sums, checks)
        readable = [c.name for c in (*keys, *sums) if c.name != "user_id"]
        analyst = ("vendor_id", "grain", "starts_on", *readable)
        protect(table, vendor="SELECT", admin="SELECT, INSERT, DELETE", analyst=analyst)


def _find() -> None:
    """First, since it commits by itself: whoever breaks it off begins anew."""
    with op.get_context().autocommit_block():
        for table, name, columns, how in INDEXES:
            # what a broken-off run has left goes first
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, columns, postgresql_concurrently=True, **how)


def _make(table: str, keys: Columns, sums: Columns, checks: dict[str, str]) -> None:
    op.create_table(
        table,
        sa.Column("vendor_id", sa.BigInteger, nullable=False),
        sa.Column("grain", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        *keys,
        *sums,
        sa.CheckConstraint(
            "grain IN ('day', 'week', 'month')", name=op.f(f"ck_{table}_grain_known")
        ),
        *(sa.CheckConstraint(sql, name=op.f(f"ck_{table}_{name}")) for name, sql in checks.items()),
        sa.PrimaryKeyConstraint(
            "vendor_id", "grain", "starts_on", *(c.name for c in keys), name=f"pk_{table}"
        ),
    )
    op.create_index(f"ix_{table}_grain_starts_on", table, ["grain", "starts_on"])


def downgrade() -> None:
    for table, name, _, _ in INDEXES:
        op.drop_index(name, table)
    for table in reversed(TABLES):
        op.drop_table(table)
