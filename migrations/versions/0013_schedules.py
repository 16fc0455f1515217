"""What bookings need: who can do what, rooms, hours, terms, classes, series, waitlist, feeds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.tenancy import CURRENT_VENDOR, audit, grant, policy, protect

revision, down_revision = "0013", "0012"

TABLES = (
    "resources",
    "booking_series",
    "calendar_feeds",
    "cancellation_policies",
    "class_sessions",
    "service_resources",
    "staff_services",
    "time_off",
    "working_hours",
    "resource_claims",
    "waitlist_entries",
)
NOT_AUDITED = {"resource_claims"}
"""Claims follow the bookings, which are audited."""

FIGURES = {
    "class_sessions": ("id", "vendor_id", "service_id", "staff_id", "status", "starts_at",
                       "ends_at", "seats", "taken", "created_at"),
    "working_hours": ("id", "vendor_id", "staff_id", "service_id", "kind", "weekday", "starts",
                      "ends", "effective_from", "effective_to"),
    "time_off": ("id", "vendor_id", "staff_id", "kind", "starts_at", "ends_at"),
    "resources": ("id", "vendor_id", "kind", "capacity", "is_active"),
    "resource_claims": ("id", "vendor_id", "resource_id", "unit", "booking_id",
                        "class_session_id", "starts_at", "held"),
    "waitlist_entries": ("id", "vendor_id", "service_id", "staff_id", "class_session_id",
                         "earliest", "latest", "status", "queued_at", "offers", "channel",
                         "created_at"),
}  # fmt: skip
"""What a report may read; nothing of it says who a customer is."""


def upgrade() -> None:
    _tables()
    for table in TABLES:
        protect(table, analyst=FIGURES.get(table, ()))
        if table not in NOT_AUDITED:
            hidden = ("token_hash", "last_read_at") if table == "calendar_feeds" else ()
            audit(table, without=hidden)
    # A calendar program has no session: the gate finds out whose feed an address is.
    policy("calendar_feeds", "app_gate", verb="SELECT")
    grant(
        "calendar_feeds", "app_gate", "SELECT",
        ("id", "vendor_id", "staff_id", "customer_id", "token_hash", "revoked_at"),
    )  # fmt: skip


def _tables() -> None:
    op.create_table(
        "resources",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="room", nullable=False),
        sa.Column("capacity", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
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
        sa.CheckConstraint("kind IN ('room', 'equipment')", name="ck_resources_kind_known"),
        sa.CheckConstraint("capacity > 0", name="ck_resources_capacity_is_positive"),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_resources_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_resources"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_resources_vendor_id_id"),
    )
    op.create_index("ix_resources_vendor_id_name", "resources", ["vendor_id", "name"], unique=False)
    op.create_table(
        "booking_series",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("rhythm", sa.Text(), nullable=False),
        sa.Column("occurrences", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=False, comment="the vendor's wall time"),
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
            "rhythm IN ('week', 'two_weeks', 'month')", name="ck_booking_series_rhythm_known"
        ),
        sa.CheckConstraint(
            "occurrences BETWEEN 1 AND 52", name="ck_booking_series_is_a_year_at_most"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_booking_series_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_booking_series_vendor_id_service_id_services",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "staff_id"],
            ["staff_members.vendor_id", "staff_members.id"],
            name="fk_booking_series_vendor_id_staff_id_staff_members",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_booking_series_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_booking_series"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_booking_series_vendor_id_id"),
    )
    op.create_index(
        "ix_booking_series_vendor_id_customer_id",
        "booking_series",
        ["vendor_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_booking_series_vendor_id_service_id",
        "booking_series",
        ["vendor_id", "service_id"],
        unique=False,
    )
    op.create_index(
        "ix_booking_series_vendor_id_staff_id",
        "booking_series",
        ["vendor_id", "staff_id"],
        unique=False,
    )
    op.create_table(
        "calendar_feeds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("last_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
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
            "num_nonnulls(staff_id, customer_id) = 1", name="ck_calendar_feeds_is_of_one_person"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_calendar_feeds_vendor_id_customer_id_customers",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "staff_id"],
            ["staff_members.vendor_id", "staff_members.id"],
            name="fk_calendar_feeds_vendor_id_staff_id_staff_members",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_calendar_feeds_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calendar_feeds"),
        sa.UniqueConstraint("token_hash", name="uq_calendar_feeds_token_hash"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_calendar_feeds_vendor_id_id"),
    )
    op.create_index(
        "ix_calendar_feeds_vendor_id_customer_id",
        "calendar_feeds",
        ["vendor_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_calendar_feeds_vendor_id_staff_id",
        "calendar_feeds",
        ["vendor_id", "staff_id"],
        unique=False,
    )
    op.create_table(
        "cancellation_policies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("service_id", sa.BigInteger(), nullable=True),
        sa.Column("free_hours", sa.BigInteger(), server_default="24", nullable=False),
        sa.Column("late_hours", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "late_percent", sa.Numeric(precision=5, scale=2), server_default="0", nullable=False
        ),
        sa.Column(
            "last_percent", sa.Numeric(precision=5, scale=2), server_default="0", nullable=False
        ),
        sa.Column(
            "no_show_percent", sa.Numeric(precision=5, scale=2), server_default="0", nullable=False
        ),
        sa.Column("max_moves", sa.BigInteger(), nullable=True),
        sa.Column("grace_minutes", sa.BigInteger(), server_default="15", nullable=False),
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
            "free_hours >= 0", name="ck_cancellation_policies_free_hours_not_negative"
        ),
        sa.CheckConstraint(
            "grace_minutes >= 0", name="ck_cancellation_policies_grace_minutes_not_negative"
        ),
        sa.CheckConstraint(
            "last_percent BETWEEN 0 AND 100",
            name="ck_cancellation_policies_last_percent_is_a_percentage",
        ),
        sa.CheckConstraint(
            "late_hours <= free_hours", name="ck_cancellation_policies_late_is_not_before_free"
        ),
        sa.CheckConstraint(
            "late_hours >= 0", name="ck_cancellation_policies_late_hours_not_negative"
        ),
        sa.CheckConstraint(
            "late_percent BETWEEN 0 AND 100",
            name="ck_cancellation_policies_late_percent_is_a_percentage",
        ),
        sa.CheckConstraint(
            "max_moves >= 0", name="ck_cancellation_policies_max_moves_not_negative"
        ),
        sa.CheckConstraint(
            "no_show_percent BETWEEN 0 AND 100",
            name="ck_cancellation_policies_no_show_percent_is_a_percentage",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_cancellation_policies_vendor_id_service_id_services",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_cancellation_policies_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cancellation_policies"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_cancellation_policies_vendor_id_id"),
    )
    op.create_index(
        "uq_cancellation_policies_vendor_id_default",
        "cancellation_policies",
        ["vendor_id"],
        unique=True,
        postgresql_where=sa.text("service_id IS NULL"),
    )
    op.create_index(
        "uq_cancellation_policies_vendor_id_service_id",
        "cancellation_policies",
        ["vendor_id", "service_id"],
        unique=True,
        postgresql_where=sa.text("service_id IS NOT NULL"),
    )
    op.create_table(
        "class_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), server_default="scheduled", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("with_buffer_before", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("with_buffer_after", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("seats", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
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
        postgresql.ExcludeConstraint(
            (sa.text("int8range(staff_id, staff_id, '[]')"), "&&"),
            (sa.text("with_buffer_after"), "&&"),
            where=sa.text("status = 'scheduled' AND staff_id IS NOT NULL"),
            using="gist",
            name="ex_class_sessions_staff_with_buffer_after",
        ),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(staff_id, staff_id, '[]')"), "&&"),
            (sa.text("with_buffer_before"), "&&"),
            where=sa.text("status = 'scheduled' AND staff_id IS NOT NULL"),
            using="gist",
            name="ex_class_sessions_staff_with_buffer_before",
        ),
        sa.CheckConstraint(
            "status IN ('scheduled', 'completed', 'cancelled')",
            name="ck_class_sessions_status_known",
        ),
        sa.CheckConstraint(
            "upper(with_buffer_after) - lower(with_buffer_before) <= interval '3 days'",
            name="ck_class_sessions_lasts_three_days_at_most",
        ),
        sa.CheckConstraint("ends_at > starts_at", name="ck_class_sessions_ends_after_start"),
        sa.CheckConstraint("seats > 0", name="ck_class_sessions_seats_is_positive"),
        sa.CheckConstraint(
            "taken BETWEEN 0 AND seats", name="ck_class_sessions_taken_fits_the_seats"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_class_sessions_vendor_id_service_id_services",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "staff_id"],
            ["staff_members.vendor_id", "staff_members.id"],
            name="fk_class_sessions_vendor_id_staff_id_staff_members",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_class_sessions_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_class_sessions"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_class_sessions_vendor_id_id"),
    )
    op.create_index(
        "ix_class_sessions_vendor_id_service_id_starts_at",
        "class_sessions",
        ["vendor_id", "service_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        "ix_class_sessions_vendor_id_staff_id_starts_at",
        "class_sessions",
        ["vendor_id", "staff_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        "ix_class_sessions_vendor_id_starts_at",
        "class_sessions",
        ["vendor_id", "starts_at"],
        unique=False,
    )
    op.create_table(
        "service_resources",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("resource_id", sa.BigInteger(), nullable=False),
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
        sa.CheckConstraint("quantity > 0", name="ck_service_resources_quantity_is_positive"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "resource_id"],
            ["resources.vendor_id", "resources.id"],
            name="fk_service_resources_vendor_id_resource_id_resources",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_service_resources_vendor_id_service_id_services",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_service_resources"),
        sa.UniqueConstraint(
            "vendor_id",
            "service_id",
            "resource_id",
            name="uq_service_resources_vendor_id_service_id_resource_id",
        ),
    )
    op.create_index(
        "ix_service_resources_vendor_id_resource_id",
        "service_resources",
        ["vendor_id", "resource_id"],
        unique=False,
    )
    op.create_table(
        "staff_services",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("duration_minutes", sa.BigInteger(), nullable=True),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=True),
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
        sa.CheckConstraint("duration_minutes > 0", name="ck_staff_services_duration_is_positive"),
        sa.CheckConstraint("price >= 0", name="ck_staff_services_price_not_negative"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_staff_services_vendor_id_service_id_services",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "staff_id"],
            ["staff_members.vendor_id", "staff_members.id"],
            name="fk_staff_services_vendor_id_staff_id_staff_members",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staff_services"),
        sa.UniqueConstraint(
            "vendor_id",
            "service_id",
            "staff_id",
            name="uq_staff_services_vendor_id_service_id_staff_id",
        ),
    )
    op.create_index(
        "ix_staff_services_vendor_id_staff_id",
        "staff_services",
        ["vendor_id", "staff_id"],
        unique=False,
    )
    op.create_table(
        "time_off",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="off", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
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
        sa.CheckConstraint("kind IN ('off', 'extra')", name="ck_time_off_kind_known"),
        sa.CheckConstraint("ends_at > starts_at", name="ck_time_off_ends_after_start"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "staff_id"],
            ["staff_members.vendor_id", "staff_members.id"],
            name="fk_time_off_vendor_id_staff_id_staff_members",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_time_off_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_time_off"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_time_off_vendor_id_id"),
    )
    op.create_index(
        "ix_time_off_vendor_id_staff_id_starts_at",
        "time_off",
        ["vendor_id", "staff_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        "ix_time_off_vendor_id_starts_at", "time_off", ["vendor_id", "starts_at"], unique=False
    )
    op.create_table(
        "working_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("service_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="work", nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=True),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
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
        sa.CheckConstraint("kind IN ('work', 'break')", name="ck_working_hours_kind_known"),
        sa.CheckConstraint(
            "effective_to >= effective_from", name="ck_working_hours_ends_after_it_begins"
        ),
        sa.CheckConstraint(
            "num_nonnulls(staff_id, service_id) <= 1", name="ck_working_hours_is_of_one_owner"
        ),
        sa.CheckConstraint(
            "weekday BETWEEN 1 AND 7", name="ck_working_hours_weekday_is_one_of_seven"
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_working_hours_vendor_id_service_id_services",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "staff_id"],
            ["staff_members.vendor_id", "staff_members.id"],
            name="fk_working_hours_vendor_id_staff_id_staff_members",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_working_hours_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_working_hours"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_working_hours_vendor_id_id"),
    )
    op.create_index(
        "ix_working_hours_vendor_id_service_id",
        "working_hours",
        ["vendor_id", "service_id"],
        unique=False,
    )
    op.create_index(
        "ix_working_hours_vendor_id_staff_id_weekday",
        "working_hours",
        ["vendor_id", "staff_id", "weekday"],
        unique=False,
    )
    op.create_table(
        "resource_claims",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("resource_id", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=True),
        sa.Column("class_session_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("with_buffer_before", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("with_buffer_after", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("held", sa.Boolean(), server_default="true", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(resource_id, resource_id, '[]')"), "&&"),
            (sa.text("int8range(unit, unit, '[]')"), "&&"),
            (sa.text("with_buffer_after"), "&&"),
            where=sa.text("held"),
            using="gist",
            name="ex_resource_claims_unit_with_buffer_after",
        ),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(resource_id, resource_id, '[]')"), "&&"),
            (sa.text("int8range(unit, unit, '[]')"), "&&"),
            (sa.text("with_buffer_before"), "&&"),
            where=sa.text("held"),
            using="gist",
            name="ex_resource_claims_unit_with_buffer_before",
        ),
        sa.CheckConstraint(
            "num_nonnulls(booking_id, class_session_id) = 1",
            name="ck_resource_claims_is_for_one_thing",
        ),
        sa.CheckConstraint("unit > 0", name="ck_resource_claims_unit_is_positive"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "booking_id"],
            ["bookings.vendor_id", "bookings.id"],
            name="fk_resource_claims_vendor_id_booking_id_bookings",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "class_session_id"],
            ["class_sessions.vendor_id", "class_sessions.id"],
            name="fk_resource_claims_vendor_id_class_session_id_class_sessions",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "resource_id"],
            ["resources.vendor_id", "resources.id"],
            name="fk_resource_claims_vendor_id_resource_id_resources",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_resource_claims"),
    )
    op.create_index(
        "ix_resource_claims_vendor_id_booking_id",
        "resource_claims",
        ["vendor_id", "booking_id"],
        unique=False,
        postgresql_where=sa.text("booking_id IS NOT NULL"),
    )
    op.create_index(
        "ix_resource_claims_vendor_id_class_session_id",
        "resource_claims",
        ["vendor_id", "class_session_id"],
        unique=False,
        postgresql_where=sa.text("class_session_id IS NOT NULL"),
    )
    op.create_index(
        "ix_resource_claims_vendor_id_resource_id_starts_at",
        "resource_claims",
        ["vendor_id", "resource_id", "starts_at"],
        unique=False,
    )
    op.create_table(
        "waitlist_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("class_session_id", sa.BigInteger(), nullable=True),
        sa.Column("earliest", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latest", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_time", sa.Time(), nullable=True),
        sa.Column("until_time", sa.Time(), nullable=True),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column(
            "queued_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="its place in the line; a lapsed offer sets it anew",
        ),
        sa.Column("booking_id", sa.BigInteger(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "offers",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="how many offers were made",
        ),
        sa.Column("channel", sa.Text(), server_default="phone", nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
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
            "(status = 'offered') = (held_until IS NOT NULL)",
            name="ck_waitlist_entries_an_offer_has_an_end",
        ),
        sa.CheckConstraint(
            "(status IN ('offered', 'booked')) = (booking_id IS NOT NULL)",
            name="ck_waitlist_entries_an_offer_has_its_booking",
        ),
        sa.CheckConstraint(
            "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')",
            name="ck_waitlist_entries_channel_known",
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'offered', 'booked', 'cancelled', 'expired')",
            name="ck_waitlist_entries_status_known",
        ),
        sa.CheckConstraint("latest > earliest", name="ck_waitlist_entries_latest_after_earliest"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "booking_id"],
            ["bookings.vendor_id", "bookings.id"],
            name="fk_waitlist_entries_vendor_id_booking_id_bookings",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "class_session_id"],
            ["class_sessions.vendor_id", "class_sessions.id"],
            name="fk_waitlist_entries_vendor_id_class_session_id_class_sessions",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "customer_id"],
            ["customers.vendor_id", "customers.id"],
            name="fk_waitlist_entries_vendor_id_customer_id_customers",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "service_id"],
            ["services.vendor_id", "services.id"],
            name="fk_waitlist_entries_vendor_id_service_id_services",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "staff_id"],
            ["staff_members.vendor_id", "staff_members.id"],
            name="fk_waitlist_entries_vendor_id_staff_id_staff_members",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_waitlist_entries_vendor_id_vendors"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_waitlist_entries"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_waitlist_entries_vendor_id_id"),
    )
    op.create_index(
        "ix_waitlist_entries_held_until",
        "waitlist_entries",
        ["held_until"],
        unique=False,
        postgresql_where=sa.text("status = 'offered'"),
    )
    op.create_index(
        "ix_waitlist_entries_vendor_id_class_session_id",
        "waitlist_entries",
        ["vendor_id", "class_session_id"],
        unique=False,
    )
    op.create_index(
        "ix_waitlist_entries_vendor_id_customer_id",
        "waitlist_entries",
        ["vendor_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_waitlist_entries_vendor_id_service_id",
        "waitlist_entries",
        ["vendor_id", "service_id"],
        unique=False,
    )
    op.create_index(
        "ix_waitlist_entries_vendor_id_staff_id",
        "waitlist_entries",
        ["vendor_id", "staff_id"],
        unique=False,
    )
    op.create_index(
        "ix_waitlist_entries_vendor_id_status_queued_at",
        "waitlist_entries",
        ["vendor_id", "status", "queued_at"],
        unique=False,
    )
    op.create_index(
        "uq_waitlist_entries_vendor_id_booking_id",
        "waitlist_entries",
        ["vendor_id", "booking_id"],
        unique=True,
        postgresql_where=sa.text("booking_id IS NOT NULL"),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
