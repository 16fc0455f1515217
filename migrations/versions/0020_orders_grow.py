"""Orders know taxes, payments and deliveries; variants know their stock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.tenancy import audit, grant

revision, down_revision = "0020", "0019"


def _money(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Numeric(12, 2), server_default="0", nullable=False)


def _count(name: str, **more: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, server_default="0", nullable=False, **more)


COLUMNS = {
    "customers": (_money("store_credit"),),
    "vendors": (
        sa.Column("legal_name", sa.Text, comment="as receipts and invoices say it"),
        sa.Column("street", sa.Text),
        sa.Column("postal_code", sa.Text),
        sa.Column("region", sa.Text),
        sa.Column("tax_number", sa.Text),
        sa.Column("prices_include_tax", sa.Boolean, server_default="true", nullable=False),
    ),
    "products": (
        sa.Column("options", postgresql.JSONB, comment="what sets variants apart, such as Size"),
    ),
    "variants": (
        sa.Column("warranty_months", sa.BigInteger),
        sa.Column("tax_class_id", sa.BigInteger),
        sa.Column("tracks_stock", sa.Boolean, server_default="false", nullable=False),
        sa.Column("allows_backorder", sa.Boolean, server_default="false", nullable=False),
        _count("low_stock", comment="so many left are too few"),
        _count("on_hand"),
        _count("reserved"),
    ),
    "services": (
        sa.Column("tax_class_id", sa.BigInteger),
        sa.Column(
            "redo_days", sa.BigInteger,
            comment="so long after it, it is done again for nothing if it was not right",
        ),
    ),
    "packages": (sa.Column("tax_class_id", sa.BigInteger),),
    "membership_plans": (sa.Column("tax_class_id", sa.BigInteger),),
    "orders": (
        _money("tax"),
        sa.Column(
            "includes_tax", sa.Boolean, server_default="true", nullable=False,
            comment="whether the prices of its lines do",
        ),
        sa.Column("handing", sa.Text, server_default="counter", nullable=False),
        sa.Column("shipping_method_id", sa.BigInteger),
        sa.Column("ship_to", postgresql.JSONB),
        sa.Column("request_key", sa.Uuid),
        _money("paid"), _money("refunded"), _count("pieces"), _count("handed_over"),
        _count("delivered"), _count("returned"),
    ),
    "order_lines": (
        sa.Column("tax_name", sa.Text),
        sa.Column("tax_percent", sa.Numeric(6, 3)),
        _money("tax"),
        sa.Column("cost", sa.Numeric(12, 2), comment="of one piece"),
        sa.Column("booking_id", sa.BigInteger),
        sa.Column("warranty_months", sa.BigInteger),
        _count("packed"), _count("handed_over"), _count("delivered"), _count("returned"),
        _money("refunded"),
    ),
}  # fmt: skip

CHECKS = {
    "customers": {"store_credit_not_negative": "store_credit >= 0"},
    "services": {"redo_days_are_positive": "redo_days > 0"},
    "variants": {
        "on_hand_not_negative": "on_hand >= 0",
        "reserved_not_negative": "reserved >= 0",
        "low_stock_not_negative": "low_stock >= 0",
        "warranty_months_are_positive": "warranty_months > 0",
        "reserved_is_on_hand_or_on_order": "reserved <= on_hand OR allows_backorder",
        "stock_is_tracked": "tracks_stock OR on_hand = 0 AND reserved = 0",
    },
    "orders": {
        "handing_known": "handing IN ('counter', 'pickup', 'delivery')",
        "tax_not_negative": "tax >= 0",
        "paid_not_negative": "paid >= 0",
        "pieces_not_negative": "pieces >= 0",
        "refunded_was_paid": "refunded BETWEEN 0 AND paid",
        "handed_over_was_ordered": "handed_over BETWEEN 0 AND pieces",
        "delivered_was_handed_over": "delivered BETWEEN 0 AND handed_over",
        "returned_was_delivered": "returned BETWEEN 0 AND delivered",
    },
    "order_lines": {
        "tax_not_negative": "tax >= 0",
        "cost_not_negative": "cost >= 0",
        "refunded_not_negative": "refunded >= 0",
        "tax_percent_is_a_percentage": "tax_percent BETWEEN 0 AND 100",
        "packed_was_ordered": "packed BETWEEN 0 AND quantity",
        "handed_over_was_packed": "handed_over BETWEEN 0 AND packed",
        "delivered_was_handed_over": "delivered BETWEEN 0 AND handed_over",
        "returned_was_delivered": "returned BETWEEN 0 AND delivered",
        "bookings_are_services": "booking_id IS NULL OR kind = 'service'",
        "warranty_months_are_positive": "warranty_months > 0",
        "kind_known": "kind IN ('product', 'service', 'package', 'membership', 'fee', 'shipping',"
        " 'tip')",
    },
}
WORDS_BEFORE = "kind IN ('product', 'service', 'package', 'membership', 'fee', 'tip')"

KEYS = (
    ("variants", "tax_class_id", "tax_classes"),
    ("services", "tax_class_id", "tax_classes"),
    ("packages", "tax_class_id", "tax_classes"),
    ("membership_plans", "tax_class_id", "tax_classes"),
    ("orders", "shipping_method_id", "shipping_methods"),
    ("order_lines", "booking_id", "bookings"),
)

SOLD = "('placed', 'fulfilled', 'completed')"
INDEXES = {
    "ix_variants_vendor_id_tax_class_id": ("variants", ["vendor_id", "tax_class_id"], False, None),
    "ix_variants_vendor_id_low": (
        "variants", ["vendor_id", "id"], False,
        "tracks_stock AND is_active AND on_hand - reserved <= low_stock",
    ),
    "ix_services_vendor_id_tax_class_id": ("services", ["vendor_id", "tax_class_id"], False, None),
    "ix_packages_vendor_id_tax_class_id": ("packages", ["vendor_id", "tax_class_id"], False, None),
    "ix_membership_plans_vendor_id_tax_class_id": (
        "membership_plans", ["vendor_id", "tax_class_id"], False, None,
    ),
    "ix_orders_vendor_id_shipping_method_id": (
        "orders", ["vendor_id", "shipping_method_id"], False, "shipping_method_id IS NOT NULL",
    ),
    "uq_orders_vendor_id_request_key": (
        "orders", ["vendor_id", "request_key"], True, "request_key IS NOT NULL",
    ),
    "ix_orders_owed": (
        "orders", ["vendor_id", "placed_at"], False,
        f"status IN {SOLD} AND paid - refunded < total",
    ),
    "ix_orders_to_hand_over": (
        "orders", ["vendor_id", "placed_at"], False, "status = 'placed' AND handed_over < pieces",
    ),
    "uq_order_lines_vendor_id_booking_id": (
        "order_lines", ["vendor_id", "booking_id"], True, "booking_id IS NOT NULL",
    ),
}  # fmt: skip

FIGURES = {
    "customers": "store_credit",
    "variants": "warranty_months, tax_class_id, tracks_stock, low_stock, on_hand, reserved",
    "services": "tax_class_id",
    "orders": "tax, includes_tax, handing, shipping_method_id, paid, refunded, pieces, handed_over,"
    " delivered, returned",
    "order_lines": "tax_name, tax_percent, tax, cost, booking_id, packed, handed_over, delivered,"
    " returned, refunded",
    "vendors": "prices_include_tax",
}

COUNTED = {
    "variants": ("on_hand", "reserved"),
    "orders": ("paid", "refunded", "handed_over", "delivered", "returned", "request_key"),
    "order_lines": ("packed", "handed_over", "delivered", "returned", "refunded"),
}
"""What the database counts itself: ledgers and deliveries tell of it, the trail does not."""

CUSTOMER_SHADOWS = (
    "search", "search_text", "sort_name", "visit_count", "no_show_count", "order_count",
    "services_spent", "products_spent", "total_spent", "last_visit_at", "last_order_at",
    "last_activity_at",
)  # fmt: skip


def upgrade() -> None:
    with op.get_context().autocommit_block():
        _grow()
    for table, names in FIGURES.items():
        op.execute(f"GRANT SELECT ({names}) ON {table} TO app_analyst")
    grant(
        "vendors", "app_vendor", "UPDATE",
        ["legal_name", "street", "postal_code", "region", "tax_number", "prices_include_tax"],
    )  # fmt: skip
    _trail(COUNTED)
    _trail_of_customers((*CUSTOMER_SHADOWS, "store_credit"))


def _trail(without: dict[str, tuple[str, ...]]) -> None:
    for table in COUNTED:
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER audit_{event} ON {table}")
        audit(table, without=without.get(table, ()))


def _trail_of_customers(without: tuple[str, ...]) -> None:
    """Changes and removals; a new customer is told of by a function of its own."""
    skipped = ",".join(("updated_at", *without))
    for event, tables in (
        ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("DELETE", "OLD TABLE AS old_rows"),
    ):
        op.execute(f"DROP TRIGGER audit_{event.lower()} ON customers")
        op.execute(
            f"CREATE TRIGGER audit_{event.lower()} AFTER {event} ON customers"
            f" REFERENCING {tables} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION audit_changes('{{{skipped}}}')"
        )


def _grow() -> None:
    """Each rule is added without a look at the rows, which are looked at while others work.

    First, since each step commits by itself: whoever breaks it off begins anew.
    """
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column, if_not_exists=True)
    for table, checks in CHECKS.items():
        for name, rule in checks.items():
            _add(table, f"ck_{table}_{name}", f"CHECK ({rule})")
    for table, column, target in KEYS:
        _add(
            table, f"fk_{table}_vendor_id_{column}_{target}",
            f"FOREIGN KEY (vendor_id, {column}) REFERENCES {target} (vendor_id, id)",
        )  # fmt: skip
    for name, (table, columns, unique, where) in INDEXES.items():
        # what a broken-off run has left of it goes first
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name, table, columns, unique=unique, postgresql_concurrently=True,
            postgresql_where=None if where is None else sa.text(where),
        )  # fmt: skip


def _add(table: str, name: str, rule: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule} NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    _add("order_lines", "ck_order_lines_kind_known", f"CHECK ({WORDS_BEFORE})")
    _trail({})
    _trail_of_customers(CUSTOMER_SHADOWS)
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name)
