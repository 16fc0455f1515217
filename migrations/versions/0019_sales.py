"""Sales: taxes, shipping, stock, payments, deliveries, returns, invoices, covers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.tenancy import ALL, CURRENT_VENDOR, audit, grant, protect

revision, down_revision = "0019", "0018"

CURRENT_USER = "NULLIF(current_setting('app.user_id', true), '')::bigint"

TABLES = (
    "tax_classes",
    "product_pictures",
    "shipping_methods",
    "tax_rates",
    "consumables",
    "payments",
    "product_returns",
    "shipments",
    "refunds",
    "covers",
    "credit_entries",
    "gateway_events",
    "invoices",
    "refund_lines",
    "return_lines",
    "shipment_lines",
    "stock_moves",
    "warranty_claims",
)

APPEND = "SELECT, INSERT"
LEDGERS: dict[str, tuple[str, ...]] = {
    "stock_moves": (),
    "credit_entries": ("customer_id",),
    "invoices": (),
    "refund_lines": (),
    "shipment_lines": (),
    "gateway_events": ("applied_at", "outcome", "payment_id", "refund_id"),
    "payments": (
        "status", "reference", "gateway_ref", "captured_at", "refunded", "updated_at",
    ),
    "refunds": ("status", "reference", "gateway_ref", "updated_at"),
}  # fmt: skip
"""Rows are added and stay; only these columns of them change afterwards."""

NOT_AUDITED = {
    "stock_moves", "credit_entries", "invoices", "refund_lines", "shipment_lines", "gateway_events",
}  # fmt: skip
"""They say themselves who wrote them and when, and never change."""

HIDDEN = {"product_pictures": ("stored_as", "checksum"), "payments": ("refunded",)}

FIGURES = {
    "tax_classes": ("id", "vendor_id", "name", "is_default"),
    "tax_rates": (
        "id",
        "vendor_id",
        "tax_class_id",
        "name",
        "country",
        "region",
        "percent",
        "starts_on",
    ),
    "shipping_methods": ("id", "vendor_id", "name", "kind", "price"),
    "stock_moves": (
        "id",
        "vendor_id",
        "variant_id",
        "kind",
        "on_hand",
        "reserved",
        "at",
        "order_line_id",
        "return_line_id",
        "booking_id",
    ),
    "consumables": ("id", "vendor_id", "service_id", "variant_id", "quantity"),
    "payments": (
        "id",
        "vendor_id",
        "order_id",
        "tender",
        "status",
        "amount",
        "refunded",
        "captured_at",
        "created_at",
    ),
    "refunds": (
        "id",
        "vendor_id",
        "order_id",
        "payment_id",
        "return_id",
        "tender",
        "status",
        "amount",
        "created_at",
    ),
    "refund_lines": ("id", "vendor_id", "refund_id", "order_line_id", "amount"),
    "credit_entries": ("id", "vendor_id", "customer_id", "amount", "payment_id", "refund_id", "at"),
    "shipments": (
        "id",
        "vendor_id",
        "order_id",
        "status",
        "packed_at",
        "handed_over_at",
        "delivered_at",
        "failed_at",
    ),
    "shipment_lines": ("id", "vendor_id", "shipment_id", "order_line_id", "quantity"),
    "product_returns": (
        "id",
        "vendor_id",
        "order_id",
        "status",
        "asked_at",
        "received_at",
        "settled_at",
        "cancelled_at",
    ),
    "return_lines": (
        "id",
        "vendor_id",
        "return_id",
        "order_line_id",
        "quantity",
        "received",
        "reason",
        "condition",
        "disposition",
        "resolution",
        "refund",
    ),
    "invoices": ("id", "vendor_id", "order_id", "kind", "number", "issued_at", "total", "tax"),
    "covers": (
        "id",
        "vendor_id",
        "customer_id",
        "order_line_id",
        "booking_id",
        "kind",
        "status",
        "starts_on",
        "ends_on",
    ),
    "warranty_claims": (
        "id",
        "vendor_id",
        "cover_id",
        "status",
        "resolution",
        "opened_at",
        "closed_at",
    ),
}
"""What a report may read; nothing of it says who a customer is."""


def upgrade() -> None:
    _tables()
    for table in TABLES:
        verbs = APPEND if table in LEDGERS else ALL
        protect(table, vendor=verbs, admin=verbs, analyst=FIGURES.get(table, ()))
        for role in ("app_vendor", "app_admin"):
            if LEDGERS.get(table):
                grant(table, role, "UPDATE", LEDGERS[table])
        if table not in NOT_AUDITED:
            audit(table, without=HIDDEN.get(table, ()))


def _tables() -> None:
    op.create_table(
        "tax_classes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_tax_classes_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tax_classes"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_tax_classes_vendor_id_id"),
    )
    op.create_index(
        "uq_tax_classes_vendor_id_default",
        "tax_classes",
        ["vendor_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_index(
        "uq_tax_classes_vendor_id_name",
        "tax_classes",
        ["vendor_id", sa.literal_column("lower(name)")],
        unique=True,
    )
    op.create_table(
        "product_pictures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stored_as", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column(
            "words", sa.Text(), nullable=True, comment="what is to be seen, for who cannot see it"
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "checksum ~ '^[0-9a-f]{64}$'", name="ck_product_pictures_checksum_is_sha256"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "product_id"],
            ["products.vendor_id", "products.id"],
            name="fk_product_pictures_vendor_id_product_id_products",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_product_pictures"),
    )
    op.create_index(
        "ix_product_pictures_vendor_id_product_id_position",
        "product_pictures",
        ["vendor_id", "product_id", "position"],
        unique=False,
    )
    op.create_table(
        "shipping_methods",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="delivery", nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("free_from", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("tax_class_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "note", sa.Text(), nullable=True, comment="what the customer is told, such as when"
        ),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('delivery', 'pickup')", name="ck_shipping_methods_kind_known"),
        sa.CheckConstraint("free_from >= 0", name="ck_shipping_methods_free_from_not_negative"),
        sa.CheckConstraint("price >= 0", name="ck_shipping_methods_price_not_negative"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "tax_class_id"],
            ["tax_classes.vendor_id", "tax_classes.id"],
            name="fk_shipping_methods_vendor_id_tax_class_id_tax_classes",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_shipping_methods_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_shipping_methods"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_shipping_methods_vendor_id_id"),
    )
    op.create_index(
        "ix_shipping_methods_vendor_id_name",
        "shipping_methods",
        ["vendor_id", "name"],
        unique=False,
    )
    op.create_index(
        "ix_shipping_methods_vendor_id_tax_class_id",
        "shipping_methods",
        ["vendor_id", "tax_class_id"],
        unique=False,
    )
    op.create_table(
        "tax_rates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("tax_class_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="as receipts say it, such as IVA"),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("percent", sa.Numeric(precision=6, scale=3), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_tax_rates_country_is_iso"),
        sa.CheckConstraint(
            "region = btrim(region) AND region <> ''", name="ck_tax_rates_region_is_said"
        ),
        sa.CheckConstraint(
            "percent BETWEEN 0 AND 100", name="ck_tax_rates_percent_is_a_percentage"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "tax_class_id"],
            ["tax_classes.vendor_id", "tax_classes.id"],
            name="fk_tax_rates_vendor_id_tax_class_id_tax_classes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tax_rates"),
    )
    op.create_index(
        "uq_tax_rates_of_a_place",
        "tax_rates",
        ["vendor_id", "tax_class_id", "country", "region", "starts_on"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "consumables",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("quantity > 0", name="ck_consumables_quantity_is_positive"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_consumables_vendor_id_service_id_services",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "variant_id"],
            ["variants.vendor_id", "variants.id"],
            name="fk_consumables_vendor_id_variant_id_variants",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consumables"),
        sa.UniqueConstraint(
            "vendor_id",
            "service_id",
            "variant_id",
            name="uq_consumables_vendor_id_service_id_variant_id",
        ),
    )
    op.create_index(
        "ix_consumables_vendor_id_variant_id",
        "consumables",
        ["vendor_id", "variant_id"],
        unique=False,
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("tender", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("tendered", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column(
            "refunded", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False
        ),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("gateway_ref", sa.Text(), nullable=True),
        sa.Column("request_key", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), server_default=sa.text(CURRENT_USER), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(status = 'captured') = (captured_at IS NOT NULL)",
            name="ck_payments_captured_when_captured",
        ),
        sa.CheckConstraint(
            "(tender = 'gateway') = (gateway IS NOT NULL)", name="ck_payments_gateway_is_named"
        ),
        sa.CheckConstraint(
            "refunded = 0 OR refunded BETWEEN 0 AND amount AND status = 'captured'",
            name="ck_payments_refunded_was_captured",
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'authorised', 'captured', 'failed', 'cancelled')",
            name="ck_payments_status_known",
        ),
        sa.CheckConstraint(
            "tender IN ('cash', 'card', 'bank_transfer', 'mobile_money', 'store_credit', 'gateway', 'elsewhere')",
            name="ck_payments_tender_known",
        ),
        sa.CheckConstraint("amount > 0", name="ck_payments_amount_is_positive"),
        sa.CheckConstraint("tendered >= amount", name="ck_payments_tendered_is_enough"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_id"],
            ["orders.vendor_id", "orders.id"],
            name="fk_payments_vendor_id_order_id_orders",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_payments_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payments"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_payments_vendor_id_id"),
    )
    op.create_index("ix_payments_captured_at", "payments", ["captured_at"], unique=False)
    op.create_index(
        "ix_payments_vendor_id_captured_at", "payments", ["vendor_id", "captured_at"], unique=False
    )
    op.create_index(
        "ix_payments_vendor_id_order_id", "payments", ["vendor_id", "order_id"], unique=False
    )
    op.create_index(
        "uq_payments_gateway_ref",
        "payments",
        ["gateway", "gateway_ref"],
        unique=True,
        postgresql_where=sa.text("gateway_ref IS NOT NULL"),
    )
    op.create_index(
        "uq_payments_vendor_id_request_key",
        "payments",
        ["vendor_id", "request_key"],
        unique=True,
        postgresql_where=sa.text("request_key IS NOT NULL"),
    )
    op.create_table(
        "product_returns",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="requested", nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'received', 'settled', 'cancelled')",
            name="ck_product_returns_status_known",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_id"],
            ["orders.vendor_id", "orders.id"],
            name="fk_product_returns_vendor_id_order_id_orders",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_product_returns_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_product_returns"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_product_returns_vendor_id_id"),
        sa.UniqueConstraint("vendor_id", "number", name="uq_product_returns_vendor_id_number"),
    )
    op.create_index(
        "ix_product_returns_status_asked_at",
        "product_returns",
        ["status", "asked_at"],
        unique=False,
    )
    op.create_index(
        "ix_product_returns_vendor_id_order_id",
        "product_returns",
        ["vendor_id", "order_id"],
        unique=False,
    )
    op.create_index(
        "ix_product_returns_vendor_id_status_asked_at",
        "product_returns",
        ["vendor_id", "status", "asked_at"],
        unique=False,
    )
    op.create_table(
        "shipments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="packed", nullable=False),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("tracking", sa.Text(), nullable=True),
        sa.Column(
            "packed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('packed', 'handed_over', 'delivered', 'failed')",
            name="ck_shipments_status_known",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_id"],
            ["orders.vendor_id", "orders.id"],
            name="fk_shipments_vendor_id_order_id_orders",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_shipments_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_shipments"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_shipments_vendor_id_id"),
    )
    op.create_index(
        "ix_shipments_status_packed_at", "shipments", ["status", "packed_at"], unique=False
    )
    op.create_index(
        "ix_shipments_vendor_id_order_id", "shipments", ["vendor_id", "order_id"], unique=False
    )
    op.create_index(
        "ix_shipments_vendor_id_status_packed_at",
        "shipments",
        ["vendor_id", "status", "packed_at"],
        unique=False,
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("return_id", sa.BigInteger(), nullable=True),
        sa.Column("tender", sa.Text(), nullable=False, comment="what is given back with"),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("gateway_ref", sa.Text(), nullable=True),
        sa.Column("request_key", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), server_default=sa.text(CURRENT_USER), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed')", name="ck_refunds_status_known"
        ),
        sa.CheckConstraint(
            "tender IN ('cash', 'card', 'bank_transfer', 'mobile_money', 'store_credit', 'gateway', 'elsewhere')",
            name="ck_refunds_tender_known",
        ),
        sa.CheckConstraint("amount > 0", name="ck_refunds_amount_is_positive"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_id"],
            ["orders.vendor_id", "orders.id"],
            name="fk_refunds_vendor_id_order_id_orders",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "payment_id"],
            ["payments.vendor_id", "payments.id"],
            name="fk_refunds_vendor_id_payment_id_payments",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "return_id"],
            ["product_returns.vendor_id", "product_returns.id"],
            name="fk_refunds_vendor_id_return_id_product_returns",
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="fk_refunds_vendor_id_vendors"),
        sa.PrimaryKeyConstraint("id", name="pk_refunds"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_refunds_vendor_id_id"),
    )
    op.create_index("ix_refunds_created_at", "refunds", ["created_at"], unique=False)
    op.create_index(
        "ix_refunds_vendor_id_created_at", "refunds", ["vendor_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_refunds_vendor_id_order_id", "refunds", ["vendor_id", "order_id"], unique=False
    )
    op.create_index(
        "ix_refunds_vendor_id_payment_id", "refunds", ["vendor_id", "payment_id"], unique=False
    )
    op.create_index(
        "ix_refunds_vendor_id_return_id",
        "refunds",
        ["vendor_id", "return_id"],
        unique=False,
        postgresql_where=sa.text("return_id IS NOT NULL"),
    )
    op.create_index(
        "uq_refunds_gateway_ref",
        "refunds",
        ["gateway_ref"],
        unique=True,
        postgresql_where=sa.text("gateway_ref IS NOT NULL"),
    )
    op.create_index(
        "uq_refunds_vendor_id_request_key",
        "refunds",
        ["vendor_id", "request_key"],
        unique=True,
        postgresql_where=sa.text("request_key IS NOT NULL"),
    )
    op.create_table(
        "covers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("order_line_id", sa.BigInteger(), nullable=True),
        sa.Column("booking_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("suspended_on", sa.Date(), nullable=True),
        sa.Column("replaces_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(status = 'suspended') = (suspended_on IS NOT NULL)",
            name="ck_covers_suspended_since_a_day",
        ),
        sa.CheckConstraint("kind IN ('warranty', 'guarantee')", name="ck_covers_kind_known"),
        sa.CheckConstraint(
            "status IN ('active', 'suspended', 'expired', 'void', 'replaced')",
            name="ck_covers_status_known",
        ),
        sa.CheckConstraint("ends_on >= starts_on", name="ck_covers_ends_after_start"),
        sa.CheckConstraint(
            "num_nonnulls(order_line_id, booking_id) = 1", name="ck_covers_is_of_one_thing"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "booking_id"],
            ["bookings.vendor_id", "bookings.id"],
            name="fk_covers_vendor_id_booking_id_bookings",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_covers_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_line_id"],
            ["order_lines.vendor_id", "order_lines.id"],
            name="fk_covers_vendor_id_order_line_id_order_lines",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "replaces_id"],
            ["covers.vendor_id", "covers.id"],
            name="fk_covers_vendor_id_replaces_id_covers",
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="fk_covers_vendor_id_vendors"),
        sa.PrimaryKeyConstraint("id", name="pk_covers"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_covers_vendor_id_id"),
    )
    op.create_index(
        "ix_covers_vendor_id_booking_id",
        "covers",
        ["vendor_id", "booking_id"],
        unique=False,
        postgresql_where=sa.text("booking_id IS NOT NULL"),
    )
    op.create_index(
        "ix_covers_vendor_id_customer_id_ends_on",
        "covers",
        ["vendor_id", "customer_id", "ends_on"],
        unique=False,
    )
    op.create_index(
        "ix_covers_vendor_id_order_line_id",
        "covers",
        ["vendor_id", "order_line_id"],
        unique=False,
        postgresql_where=sa.text("order_line_id IS NOT NULL"),
    )
    op.create_index(
        "ix_covers_vendor_id_replaces_id",
        "covers",
        ["vendor_id", "replaces_id"],
        unique=False,
        postgresql_where=sa.text("replaces_id IS NOT NULL"),
    )
    op.create_index(
        "ix_covers_vendor_id_status_ends_on",
        "covers",
        ["vendor_id", "status", "ends_on"],
        unique=False,
    )
    op.create_index(
        "uq_covers_of_a_serial",
        "covers",
        ["vendor_id", "serial"],
        unique=True,
        postgresql_where=sa.text("serial IS NOT NULL AND status IN ('active', 'suspended')"),
    )
    op.create_table(
        "credit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), server_default=sa.text(CURRENT_USER), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("amount <> 0", name="ck_credit_entries_amount_is_not_nothing"),
        sa.CheckConstraint(
            "num_nonnulls(payment_id, refund_id) <= 1", name="ck_credit_entries_has_one_source"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_credit_entries_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "payment_id"],
            ["payments.vendor_id", "payments.id"],
            name="fk_credit_entries_vendor_id_payment_id_payments",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "refund_id"],
            ["refunds.vendor_id", "refunds.id"],
            name="fk_credit_entries_vendor_id_refund_id_refunds",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_credit_entries_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credit_entries"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_credit_entries_vendor_id_id"),
    )
    op.create_index(
        "ix_credit_entries_vendor_id_customer_id_at",
        "credit_entries",
        ["vendor_id", "customer_id", "at"],
        unique=False,
    )
    op.create_index(
        "ix_credit_entries_vendor_id_payment_id",
        "credit_entries",
        ["vendor_id", "payment_id"],
        unique=False,
        postgresql_where=sa.text("payment_id IS NOT NULL"),
    )
    op.create_index(
        "ix_credit_entries_vendor_id_refund_id",
        "credit_entries",
        ["vendor_id", "refund_id"],
        unique=False,
        postgresql_where=sa.text("refund_id IS NOT NULL"),
    )
    op.create_table(
        "gateway_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("event_ref", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["vendor_id", "payment_id"],
            ["payments.vendor_id", "payments.id"],
            name="fk_gateway_events_vendor_id_payment_id_payments",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "refund_id"],
            ["refunds.vendor_id", "refunds.id"],
            name="fk_gateway_events_vendor_id_refund_id_refunds",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_gateway_events_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_gateway_events"),
        sa.UniqueConstraint(
            "vendor_id",
            "gateway",
            "event_ref",
            name="uq_gateway_events_vendor_id_gateway_event_ref",
        ),
        sa.UniqueConstraint("vendor_id", "id", name="uq_gateway_events_vendor_id_id"),
    )
    op.create_index(
        "ix_gateway_events_vendor_id_payment_id",
        "gateway_events",
        ["vendor_id", "payment_id"],
        unique=False,
    )
    op.create_index(
        "ix_gateway_events_vendor_id_received_at",
        "gateway_events",
        ["vendor_id", "received_at"],
        unique=False,
    )
    op.create_index(
        "ix_gateway_events_vendor_id_refund_id",
        "gateway_events",
        ["vendor_id", "refund_id"],
        unique=False,
    )
    op.create_index(
        "ix_gateway_events_waiting",
        "gateway_events",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column(
            "issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "total",
            sa.Numeric(precision=12, scale=2),
            nullable=False,
            comment="below zero on a credit note",
        ),
        sa.Column("tax", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stored_as", sa.Text(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("corrects_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("checksum ~ '^[0-9a-f]{64}$'", name="ck_invoices_checksum_is_sha256"),
        sa.CheckConstraint(
            "kind = 'credit_note' OR refund_id IS NULL AND corrects_id IS NULL",
            name="ck_invoices_only_credit_notes_correct",
        ),
        sa.CheckConstraint(
            "kind IN ('receipt', 'invoice', 'credit_note')", name="ck_invoices_kind_known"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "corrects_id"],
            ["invoices.vendor_id", "invoices.id"],
            name="fk_invoices_vendor_id_corrects_id_invoices",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_id"],
            ["orders.vendor_id", "orders.id"],
            name="fk_invoices_vendor_id_order_id_orders",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "refund_id"],
            ["refunds.vendor_id", "refunds.id"],
            name="fk_invoices_vendor_id_refund_id_refunds",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_invoices_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_invoices"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_invoices_vendor_id_id"),
        sa.UniqueConstraint(
            "vendor_id", "kind", "number", name="uq_invoices_vendor_id_kind_number"
        ),
    )
    op.create_index("ix_invoices_issued_at", "invoices", ["issued_at"], unique=False)
    op.create_index(
        "ix_invoices_vendor_id_corrects_id",
        "invoices",
        ["vendor_id", "corrects_id"],
        unique=False,
        postgresql_where=sa.text("corrects_id IS NOT NULL"),
    )
    op.create_index(
        "ix_invoices_vendor_id_issued_at", "invoices", ["vendor_id", "issued_at"], unique=False
    )
    op.create_index(
        "ix_invoices_vendor_id_order_id", "invoices", ["vendor_id", "order_id"], unique=False
    )
    op.create_index(
        "uq_invoices_vendor_id_refund_id",
        "invoices",
        ["vendor_id", "refund_id"],
        unique=True,
        postgresql_where=sa.text("refund_id IS NOT NULL"),
    )
    op.create_table(
        "refund_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint("amount > 0", name="ck_refund_lines_amount_is_positive"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_line_id"],
            ["order_lines.vendor_id", "order_lines.id"],
            name="fk_refund_lines_vendor_id_order_line_id_order_lines",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "refund_id"],
            ["refunds.vendor_id", "refunds.id"],
            name="fk_refund_lines_vendor_id_refund_id_refunds",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_refund_lines"),
        sa.UniqueConstraint(
            "vendor_id",
            "refund_id",
            "order_line_id",
            name="uq_refund_lines_vendor_id_refund_id_order_line_id",
        ),
    )
    op.create_index(
        "ix_refund_lines_vendor_id_order_line_id",
        "refund_lines",
        ["vendor_id", "order_line_id"],
        unique=False,
    )
    op.create_table(
        "return_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("return_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column(
            "refund",
            sa.Numeric(precision=12, scale=2),
            nullable=True,
            comment="what is given back for it",
        ),
        sa.CheckConstraint(
            "condition IN ('unopened', 'opened', 'damaged', 'defective')",
            name="ck_return_lines_condition_known",
        ),
        sa.CheckConstraint(
            "disposition IN ('restock', 'scrap', 'supplier', 'customer')",
            name="ck_return_lines_disposition_known",
        ),
        sa.CheckConstraint(
            "resolution IN ('refund', 'replacement', 'repair', 'credit', 'nothing')",
            name="ck_return_lines_resolution_known",
        ),
        sa.CheckConstraint("quantity > 0", name="ck_return_lines_quantity_is_positive"),
        sa.CheckConstraint(
            "received BETWEEN 0 AND quantity", name="ck_return_lines_received_was_asked"
        ),
        sa.CheckConstraint("refund >= 0", name="ck_return_lines_refund_not_negative"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_line_id"],
            ["order_lines.vendor_id", "order_lines.id"],
            name="fk_return_lines_vendor_id_order_line_id_order_lines",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "return_id"],
            ["product_returns.vendor_id", "product_returns.id"],
            name="fk_return_lines_vendor_id_return_id_product_returns",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_return_lines_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_return_lines"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_return_lines_vendor_id_id"),
        sa.UniqueConstraint(
            "vendor_id",
            "return_id",
            "order_line_id",
            name="uq_return_lines_vendor_id_return_id_order_line_id",
        ),
    )
    op.create_index(
        "ix_return_lines_vendor_id_order_line_id",
        "return_lines",
        ["vendor_id", "order_line_id"],
        unique=False,
    )
    op.create_table(
        "shipment_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("shipment_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name="ck_shipment_lines_quantity_is_positive"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_line_id"],
            ["order_lines.vendor_id", "order_lines.id"],
            name="fk_shipment_lines_vendor_id_order_line_id_order_lines",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "shipment_id"],
            ["shipments.vendor_id", "shipments.id"],
            name="fk_shipment_lines_vendor_id_shipment_id_shipments",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_shipment_lines"),
        sa.UniqueConstraint(
            "vendor_id",
            "shipment_id",
            "order_line_id",
            name="uq_shipment_lines_vendor_id_shipment_id_order_line_id",
        ),
    )
    op.create_index(
        "ix_shipment_lines_vendor_id_order_line_id",
        "shipment_lines",
        ["vendor_id", "order_line_id"],
        unique=False,
    )
    op.create_table(
        "stock_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), server_default=sa.text(CURRENT_USER), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("order_line_id", sa.BigInteger(), nullable=True),
        sa.Column("return_line_id", sa.BigInteger(), nullable=True),
        sa.Column("booking_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind = 'receipt' AND on_hand > 0 AND reserved = 0 OR kind = 'sale' AND on_hand < 0 AND reserved <= 0 OR kind = 'return' AND on_hand > 0 AND reserved = 0 OR kind = 'reservation' AND on_hand = 0 AND reserved > 0 OR kind = 'release' AND on_hand = 0 AND reserved < 0 OR kind = 'adjustment' AND on_hand <> 0 AND reserved = 0 AND reason IS NOT NULL OR kind = 'consumption' AND on_hand < 0 AND reserved = 0 OR kind = 'write_off' AND on_hand < 0 AND reserved = 0 AND reason IS NOT NULL",
            name="ck_stock_moves_amounts_fit_the_kind",
        ),
        sa.CheckConstraint(
            "kind IN ('receipt', 'sale', 'return', 'reservation', 'release', 'adjustment', 'consumption', 'write_off')",
            name="ck_stock_moves_kind_known",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "booking_id"],
            ["bookings.vendor_id", "bookings.id"],
            name="fk_stock_moves_vendor_id_booking_id_bookings",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_line_id"],
            ["order_lines.vendor_id", "order_lines.id"],
            name="fk_stock_moves_vendor_id_order_line_id_order_lines",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "return_line_id"],
            ["return_lines.vendor_id", "return_lines.id"],
            name="fk_stock_moves_vendor_id_return_line_id_return_lines",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "variant_id"],
            ["variants.vendor_id", "variants.id"],
            name="fk_stock_moves_vendor_id_variant_id_variants",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_stock_moves_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stock_moves"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_stock_moves_vendor_id_id"),
    )
    op.create_index("ix_stock_moves_vendor_id_at", "stock_moves", ["vendor_id", "at"], unique=False)
    op.create_index(
        "ix_stock_moves_vendor_id_booking_id",
        "stock_moves",
        ["vendor_id", "booking_id"],
        unique=False,
        postgresql_where=sa.text("booking_id IS NOT NULL"),
    )
    op.create_index(
        "ix_stock_moves_vendor_id_order_line_id",
        "stock_moves",
        ["vendor_id", "order_line_id"],
        unique=False,
        postgresql_where=sa.text("order_line_id IS NOT NULL"),
    )
    op.create_index(
        "ix_stock_moves_vendor_id_return_line_id",
        "stock_moves",
        ["vendor_id", "return_line_id"],
        unique=False,
        postgresql_where=sa.text("return_line_id IS NOT NULL"),
    )
    op.create_index(
        "ix_stock_moves_vendor_id_variant_id_at",
        "stock_moves",
        ["vendor_id", "variant_id", "at"],
        unique=False,
    )
    op.create_table(
        "warranty_claims",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("cover_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "order_id",
            sa.BigInteger(),
            nullable=True,
            comment="the order of what was given instead",
        ),
        sa.Column("booking_id", sa.BigInteger(), nullable=True, comment="when it is done again"),
        sa.Column(
            "opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "resolution IN ('repair', 'replace', 'refund', 'redo', 'credit')",
            name="ck_warranty_claims_resolution_known",
        ),
        sa.CheckConstraint(
            "status <> 'resolved' OR resolution IS NOT NULL",
            name="ck_warranty_claims_resolved_with_a_resolution",
        ),
        sa.CheckConstraint(
            "status IN ('open', 'in_assessment', 'approved', 'rejected', 'in_repair', 'resolved', 'cancelled')",
            name="ck_warranty_claims_status_known",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "booking_id"],
            ["bookings.vendor_id", "bookings.id"],
            name="fk_warranty_claims_vendor_id_booking_id_bookings",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "cover_id"],
            ["covers.vendor_id", "covers.id"],
            name="fk_warranty_claims_vendor_id_cover_id_covers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "order_id"],
            ["orders.vendor_id", "orders.id"],
            name="fk_warranty_claims_vendor_id_order_id_orders",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_warranty_claims_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_warranty_claims"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_warranty_claims_vendor_id_id"),
        sa.UniqueConstraint("vendor_id", "number", name="uq_warranty_claims_vendor_id_number"),
    )
    op.create_index(
        "ix_warranty_claims_vendor_id_booking_id",
        "warranty_claims",
        ["vendor_id", "booking_id"],
        unique=False,
        postgresql_where=sa.text("booking_id IS NOT NULL"),
    )
    op.create_index(
        "ix_warranty_claims_vendor_id_cover_id",
        "warranty_claims",
        ["vendor_id", "cover_id"],
        unique=False,
    )
    op.create_index(
        "ix_warranty_claims_vendor_id_order_id",
        "warranty_claims",
        ["vendor_id", "order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_warranty_claims_vendor_id_status_opened_at",
        "warranty_claims",
        ["vendor_id", "status", "opened_at"],
        unique=False,
    )
    op.create_index(
        "uq_warranty_claims_open",
        "warranty_claims",
        ["vendor_id", "cover_id"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('resolved', 'rejected', 'cancelled')"),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
