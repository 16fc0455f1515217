"""Messages, and the templates they are written by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.tenancy import CURRENT_VENDOR, audit, protect

revision, down_revision = "0028", "0027"

CHANNELS = "IN ('email', 'sms', 'push', 'in_app', 'phone', 'letter')"
PURPOSES = "IN ('transactional', 'reminder', 'marketing')"
STATUSES = "IN ('queued', 'sending', 'sent', 'delivered', 'failed', 'suppressed')"
REFERS = {
    "template_id": "message_templates", "template_version_id": "template_versions",
    "booking_id": "bookings", "order_id": "orders", "membership_id": "memberships",
    "holding_id": "package_holdings", "task_id": "tasks",
}  # fmt: skip
KEPT = "SELECT, INSERT, UPDATE"
"""A message and a template stay: what was said can be looked up."""
FIGURES = {
    "message_templates": (
        "id", "vendor_id", "event", "channel", "purpose", "version", "is_active",
    ),
    "messages": (
        "id", "vendor_id", "customer_id", "direction", "channel", "purpose", "event", "status",
        "template_id", "template_version_id", "reason", "send_at", "sent_at", "delivered_at",
        "failed_at", "created_at",
    ),
}  # fmt: skip


def upgrade() -> None:
    _templates()
    _versions()
    _messages()
    protect("message_templates", vendor=KEPT, admin=KEPT, analyst=FIGURES["message_templates"])
    audit("message_templates")
    protect("template_versions", vendor="SELECT, INSERT", admin="SELECT, INSERT")
    protect("messages", vendor=KEPT, admin=KEPT, analyst=FIGURES["messages"])


def _number(name: str, **more: object) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), **more)  # type: ignore[arg-type]


def _moment(name: str, *, now: bool = False) -> sa.Column[object]:
    given = {"server_default": sa.text("now()"), "nullable": False} if now else {}
    return sa.Column(name, sa.DateTime(timezone=True), **given)  # type: ignore[arg-type]


def _own(table: str) -> list[sa.schema.SchemaItem]:
    """What every table of a vendor has."""
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _number("vendor_id", server_default=sa.text(CURRENT_VENDOR), nullable=False),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=f"fk_{table}_vendor_id_vendors"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("vendor_id", "id", name=f"uq_{table}_vendor_id_id"),
    ]  # fmt: skip


def _same_vendor(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["vendor_id", column], [f"{other}.vendor_id", f"{other}.id"],
        name=f"fk_{table}_vendor_id_{column}_{other}",
    )  # fmt: skip


def _known(table: str, **columns: str) -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(f"{column} {words}", name=f"ck_{table}_{column}_known")
        for column, words in columns.items()
    ]


def _templates() -> None:
    table = "message_templates"
    op.create_table(
        table,
        *_own(table),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("event", sa.Text()),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        _number("version", server_default="1", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        _moment("created_at", now=True),
        _moment("updated_at", now=True),
        *_known(table, channel=CHANNELS, purpose=PURPOSES),
        sa.CheckConstraint("version > 0", name=f"ck_{table}_version_is_positive"),
    )
    op.create_index(
        f"uq_{table}_vendor_id_event_channel", table, ["vendor_id", "event", "channel"],
        unique=True, postgresql_where=sa.text("is_active AND event IS NOT NULL"),
    )  # fmt: skip
    op.create_index(f"ix_{table}_vendor_id_name", table, ["vendor_id", "name"])


def _versions() -> None:
    table = "template_versions"
    op.create_table(
        table,
        *_own(table),
        _number("template_id", nullable=False),
        _number("number", nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        _number("user_id"),
        _moment("at", now=True),
        _same_vendor(table, "template_id", "message_templates"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id_users"),
        sa.UniqueConstraint(
            "vendor_id", "template_id", "number", name=f"uq_{table}_vendor_id_template_id_number"
        ),
        sa.CheckConstraint("number > 0", name=f"ck_{table}_number_is_positive"),
    )
    op.create_index(f"ix_{table}_user_id", table, ["user_id"])


def _messages() -> None:
    table = "messages"
    op.create_table(
        table,
        *_own(table),
        _number("customer_id"),
        sa.Column("direction", sa.Text(), server_default="out", nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), comment="a MessageEvent; empty: written by hand"),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("address", "subject", "body")),
        *(_number(column) for column in REFERS),
        _number("sequence"),
        sa.Column("words", postgresql.JSONB(), comment="merge fields that only it knows"),
        _moment("send_at", now=True),
        _moment("useless_at"),
        sa.Column("key", sa.Text()),
        _number("delivery_id", comment="the outbox's promise to bring it"),
        sa.Column("provider", sa.Text()),
        sa.Column("provider_id", sa.Text(), comment="what the provider calls it"),
        sa.Column("reason", sa.Text()),
        sa.Column("error", sa.Text()),
        _number("tries", server_default="0", nullable=False),
        _number("deaths", server_default="0", nullable=False),
        *(_moment(name) for name in ("sent_at", "delivered_at", "failed_at")),
        _number("user_id"),
        _moment("created_at", now=True),
        _moment("updated_at", now=True),
        _same_vendor(table, "customer_id", "customers"),
        *(_same_vendor(table, column, other) for column, other in REFERS.items()),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id_users"),
        *_known(
            table, direction="IN ('out', 'in')", channel=CHANNELS, purpose=PURPOSES,
            status=STATUSES,
        ),
        sa.CheckConstraint("useless_at > send_at", name=f"ck_{table}_useless_after_it_is_sent"),
        sa.CheckConstraint("tries >= 0", name=f"ck_{table}_tries_not_negative"),
        sa.CheckConstraint("deaths >= 0", name=f"ck_{table}_deaths_not_negative"),
    )  # fmt: skip
    op.create_index(
        f"uq_{table}_vendor_id_key", table, ["vendor_id", "key"],
        unique=True, postgresql_where=sa.text("key IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        f"ix_{table}_vendor_id_customer_id_id", table, ["vendor_id", "customer_id", "id"]
    )
    op.create_index(f"ix_{table}_vendor_id_status_id", table, ["vendor_id", "status", "id"])
    op.create_index(f"ix_{table}_status_id", table, ["status", "id"])
    for column in ("provider_id", "user_id"):
        op.create_index(
            f"ix_{table}_{column}", table, [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )  # fmt: skip
    for column in REFERS:
        op.create_index(
            f"ix_{table}_vendor_id_{column}", table, ["vendor_id", column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )  # fmt: skip


def downgrade() -> None:
    for table in ("messages", "template_versions", "message_templates"):
        op.drop_table(table)
