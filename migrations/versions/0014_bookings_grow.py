"""Bookings take part in series and classes, keep their terms, and heed rooms and classes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0014", "0013"

COLUMNS = {
    "bookings": (
        sa.Column("deposit", sa.Numeric(12, 2), server_default="0", nullable=False),
        sa.Column("seats", sa.BigInteger, server_default="1", nullable=False),
        sa.Column("class_session_id", sa.BigInteger),
        sa.Column("series_id", sa.BigInteger),
        sa.Column("series_number", sa.BigInteger),
        sa.Column(
            "terms", postgresql.JSONB, comment="the cancellation policy when it was booked"
        ),
        sa.Column(
            "moves", sa.BigInteger, server_default="0", nullable=False,
            comment="how often the customer has moved it",
        ),
        sa.Column("overbooked", sa.Text),
        sa.Column("held_until", sa.DateTime(timezone=True)),
        sa.Column("sequence", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("cancelled_by", sa.Text),
        sa.Column("fee", sa.Numeric(12, 2), server_default="0", nullable=False),
        sa.Column("fee_waived", sa.Text),
    ),
    "services": (
        sa.Column("slot_interval_minutes", sa.BigInteger, server_default="15", nullable=False),
        sa.Column("min_notice_minutes", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("max_advance_days", sa.BigInteger),
        sa.Column("check_in_time", sa.Time),
        sa.Column("check_out_time", sa.Time),
        sa.Column("deposit", sa.Numeric(12, 2), server_default="0", nullable=False),
    ),
}  # fmt: skip

CHECKS = {
    "bookings": {
        "cancelled_by_known": "cancelled_by IN ('customer', 'vendor', 'system')",
        "seats_is_positive": "seats > 0",
        "deposit_not_negative": "deposit >= 0",
        "fee_not_negative": "fee >= 0",
    },
    "services": {
        "slot_interval_is_positive": "slot_interval_minutes > 0",
        "max_advance_is_positive": "max_advance_days > 0",
        "min_notice_minutes_not_negative": "min_notice_minutes >= 0",
        "deposit_not_negative": "deposit >= 0",
    },
}
KEYS = {"series_id": "booking_series", "class_session_id": "class_sessions"}
INDEXES = {
    "ix_bookings_vendor_id_class_session_id": (
        ["vendor_id", "class_session_id"], False, "class_session_id IS NOT NULL",
    ),
    "uq_bookings_vendor_id_series_id_series_number": (
        ["vendor_id", "series_id", "series_number"], True, "series_id IS NOT NULL",
    ),
}  # fmt: skip
FIGURES = {
    "bookings": "deposit, seats, class_session_id, series_id, moves, cancelled_by, fee",
    "services": "slot_interval_minutes, min_notice_minutes, max_advance_days, deposit",
}
BLOCKS = "('pending', 'confirmed', 'checked_in')"

FUNCTIONS = {
    # Bookings of a class take seats; the check on class_sessions refuses one too many.
    "seats_are_counted": """
    BEGIN
      IF TG_OP <> 'INSERT' AND OLD.class_session_id IS NOT NULL AND OLD.status <> 'cancelled' THEN
        UPDATE class_sessions SET taken = taken - OLD.seats
        WHERE vendor_id = OLD.vendor_id AND id = OLD.class_session_id;
      END IF;
      IF TG_OP <> 'DELETE' AND NEW.class_session_id IS NOT NULL AND NEW.status <> 'cancelled' THEN
        UPDATE class_sessions SET taken = taken + NEW.seats
        WHERE vendor_id = NEW.vendor_id AND id = NEW.class_session_id;
      END IF;
      RETURN NULL;
    END
    """,
    # Two tables cannot share an exclusion constraint. Whoever writes a time of a member of staff
    # holds that member first, so of a booking and a class at once the second sees the first.
    "bookings_heed_classes": """
    BEGIN
      PERFORM FROM staff_members
      WHERE vendor_id = NEW.vendor_id AND id = NEW.staff_id FOR NO KEY UPDATE;
      IF EXISTS (
        SELECT FROM class_sessions s
        WHERE s.vendor_id = NEW.vendor_id AND s.staff_id = NEW.staff_id AND s.status = 'scheduled'
          AND s.starts_at < upper(NEW.with_buffer_after) + interval '3 days'
          AND s.starts_at > lower(NEW.with_buffer_before) - interval '3 days'
          AND (s.with_buffer_before && NEW.with_buffer_before
            OR s.with_buffer_after && NEW.with_buffer_after)
      ) THEN
        RAISE exclusion_violation USING MESSAGE = 'this member of staff leads a class then',
          TABLE = 'bookings', CONSTRAINT = 'ex_bookings_staff_class_sessions';
      END IF;
      RETURN NULL;
    END
    """,
    "classes_heed_bookings": """
    BEGIN
      PERFORM FROM staff_members
      WHERE vendor_id = NEW.vendor_id AND id = NEW.staff_id FOR NO KEY UPDATE;
      IF EXISTS (
        SELECT FROM bookings b
        WHERE b.vendor_id = NEW.vendor_id AND b.staff_id = NEW.staff_id
          AND b.status IN ('pending', 'confirmed', 'checked_in') AND b.kind <> 'class'
          AND b.starts_at < upper(NEW.with_buffer_after) + interval '3 days'
          AND (b.with_buffer_before && NEW.with_buffer_before
            OR b.with_buffer_after && NEW.with_buffer_after)
      ) THEN
        RAISE exclusion_violation USING MESSAGE = 'this member of staff has a booking then',
          TABLE = 'class_sessions', CONSTRAINT = 'ex_class_sessions_staff_bookings';
      END IF;
      RETURN NULL;
    END
    """,
    "claims_follow_bookings": """
    BEGIN
      UPDATE resource_claims SET held = NEW.status IN ('pending', 'confirmed', 'checked_in'),
        starts_at = NEW.starts_at, with_buffer_before = NEW.with_buffer_before,
        with_buffer_after = NEW.with_buffer_after
      WHERE vendor_id = NEW.vendor_id AND booking_id = NEW.id;
      RETURN NULL;
    END
    """,
    "claims_follow_classes": """
    BEGIN
      UPDATE resource_claims SET held = NEW.status = 'scheduled',
        starts_at = NEW.starts_at, with_buffer_before = NEW.with_buffer_before,
        with_buffer_after = NEW.with_buffer_after
      WHERE vendor_id = NEW.vendor_id AND class_session_id = NEW.id;
      RETURN NULL;
    END
    """,
    "claims_fit_the_capacity": """
    BEGIN
      PERFORM FROM resources
      WHERE vendor_id = NEW.vendor_id AND id = NEW.resource_id AND capacity >= NEW.unit FOR SHARE;
      IF NOT FOUND THEN
        RAISE check_violation USING MESSAGE = 'there are not so many of this resource',
          TABLE = 'resource_claims', CONSTRAINT = 'ck_resource_claims_unit_fits_the_capacity';
      END IF;
      RETURN NULL;
    END
    """,
}

TIMES = "starts_at, with_buffer_before, with_buffer_after"
TRIGGERS = (
    ("takes_seats", "INSERT", "bookings", "NEW.class_session_id IS NOT NULL", "seats_are_counted"),
    (
        "moves_seats", "UPDATE OF status, seats, class_session_id", "bookings",
        "(OLD.class_session_id, OLD.seats, OLD.status = 'cancelled')"
        " IS DISTINCT FROM (NEW.class_session_id, NEW.seats, NEW.status = 'cancelled')",
        "seats_are_counted",
    ),
    ("gives_seats", "DELETE", "bookings", "OLD.class_session_id IS NOT NULL", "seats_are_counted"),
    (
        "heeds_classes", f"INSERT OR UPDATE OF staff_id, status, kind, {TIMES}", "bookings",
        f"NEW.staff_id IS NOT NULL AND NEW.kind <> 'class' AND NEW.status IN {BLOCKS}"
        " AND NOT isempty(NEW.with_buffer_before)",
        "bookings_heed_classes",
    ),
    (
        "heeds_bookings", f"INSERT OR UPDATE OF staff_id, status, {TIMES}", "class_sessions",
        "NEW.staff_id IS NOT NULL AND NEW.status = 'scheduled'"
        " AND NOT isempty(NEW.with_buffer_before)",
        "classes_heed_bookings",
    ),
    (
        "leads_its_claims", f"UPDATE OF status, {TIMES}", "bookings",
        f"(OLD.status, OLD.{TIMES.replace(', ', ', OLD.')})"
        f" IS DISTINCT FROM (NEW.status, NEW.{TIMES.replace(', ', ', NEW.')})",
        "claims_follow_bookings",
    ),
    (
        "leads_its_claims", f"UPDATE OF status, {TIMES}", "class_sessions",
        f"(OLD.status, OLD.{TIMES.replace(', ', ', OLD.')})"
        f" IS DISTINCT FROM (NEW.status, NEW.{TIMES.replace(', ', ', NEW.')})",
        "claims_follow_classes",
    ),
    (
        "fits_the_capacity", "INSERT OR UPDATE OF unit, resource_id", "resource_claims", "true",
        "claims_fit_the_capacity",
    ),
)  # fmt: skip


def upgrade() -> None:
    with op.get_context().autocommit_block():
        _grow()
    for table in COLUMNS:
        op.execute(f"GRANT SELECT ({FIGURES[table]}) ON {table} TO app_analyst")
    op.alter_column(
        "services", "capacity", existing_type=sa.BigInteger, comment="the places of a class"
    )
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = pg_catalog, public AS $${body}$$"
        )
    for name, event, table, condition, function in TRIGGERS:
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW"
            f" WHEN ({condition}) EXECUTE FUNCTION {function}()"
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
    for column, target in KEYS.items():
        _add(
            "bookings", f"fk_bookings_vendor_id_{column}_{target}",
            f"FOREIGN KEY (vendor_id, {column}) REFERENCES {target} (vendor_id, id)",
        )  # fmt: skip
    for name, (columns, unique, where) in INDEXES.items():
        op.drop_index(name, "bookings", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name, "bookings", columns, unique=unique, postgresql_concurrently=True,
            postgresql_where=sa.text(where),
        )  # fmt: skip


def _add(table: str, name: str, rule: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule} NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    for name, _, table, _, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
    op.alter_column("services", "capacity", existing_type=sa.BigInteger, comment=None)
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name)
