"""Addresses that are left alone, what providers tell, and a ceiling over all vendors.

How often somebody was written to with an offer is nobody's to read, since the vendors would see
each other there. A function that acts as a role of its own answers with a number.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.tenancy import (
    CURRENT_VENDOR,
    define_as,
    drop_owned,
    grant,
    make_roles,
    policy,
    protect,
    secure,
)

revision, down_revision = "0029", "0028"

ROLE = "app_ceiling"
CALLERS = "app_vendor, app_admin"
IDENTITY = ["id", "vendor_id", "person_id", "email", "phone", "phone_2"]

KNOWN_BY = """
CREATE FUNCTION known_by(customer bigint) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT array_agg(DISTINCT encode(sha256(convert_to(said, 'UTF8')), 'hex'))
  FROM customers c CROSS JOIN LATERAL (VALUES
    ('person:' || c.person_id), ('email:' || lower(c.email)), ('phone:' || c.phone),
    ('phone:' || c.phone_2), ('customer:' || c.id)) AS v (said)
  WHERE c.id = customer AND said IS NOT NULL
    AND c.vendor_id = coalesce(nullif(current_setting('app.vendor_id', true), '')::bigint,
                               c.vendor_id)
$$
"""
MADE = """
CREATE FUNCTION contacts_made(customer bigint, since timestamptz, besides bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT count(DISTINCT m.message_id) FROM marketing_contacts m
  WHERE m.identity = ANY (known_by(customer)) AND m.made_at > since
    AND m.message_id IS DISTINCT FROM besides
$$
"""
MAKE = """
CREATE FUNCTION make_contact(message bigint, customer bigint, most bigint, since timestamptz,
                             moment timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  known text[] := known_by(customer);
  one text;
BEGIN
  IF known IS NULL THEN
    RETURN false;
  END IF;
  FOREACH one IN ARRAY (SELECT array_agg(k ORDER BY k) FROM unnest(known) AS k) LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended('contact:' || one, 0));
  END LOOP;
  IF EXISTS (SELECT FROM marketing_contacts m WHERE m.message_id = message) THEN
    RETURN true;
  END IF;
  IF contacts_made(customer, since, message) >= most THEN
    RETURN false;
  END IF;
  INSERT INTO marketing_contacts (message_id, identity, made_at)
  SELECT message, k, moment FROM unnest(known) AS k;
  RETURN true;
END $$
"""
UNMAKE = """
CREATE FUNCTION unmake_contact(message bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  DELETE FROM marketing_contacts m
  WHERE m.message_id = message AND EXISTS (SELECT FROM messages o WHERE o.id = message
    AND o.vendor_id = coalesce(nullif(current_setting('app.vendor_id', true), '')::bigint,
                               o.vendor_id))
$$
"""
CLEAR = """
CREATE FUNCTION clear_contacts(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  gone bigint;
BEGIN
  DELETE FROM marketing_contacts m WHERE m.id IN (
    SELECT id FROM marketing_contacts WHERE made_at < before ORDER BY made_at LIMIT 50000);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$
"""
FUNCTIONS = (
    (KNOWN_BY, "known_by(bigint)", ""),
    (MADE, "contacts_made(bigint, timestamptz, bigint)", CALLERS),
    (MAKE, "make_contact(bigint, bigint, bigint, timestamptz, timestamptz)", CALLERS),
    (UNMAKE, "unmake_contact(bigint)", CALLERS),
    (CLEAR, "clear_contacts(timestamptz)", "app_admin"),
)


def upgrade() -> None:
    make_roles([ROLE])
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    _suppressions()
    _contacts()
    _events()
    op.add_column("customer_preferences", sa.Column("push_address", sa.Text()))
    op.execute(
        "ALTER TABLE consents ADD CONSTRAINT ck_consents_a_list_proves_what_it_grants"
        " CHECK (NOT (granted AND source = 'import' AND proof IS NULL)) NOT VALID"
    )


def _suppressions() -> None:
    table = "suppressions"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger(), server_default=sa.text(CURRENT_VENDOR), nullable=False
        ),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column(
            "digest", sa.Text(), nullable=False, comment="SHA-256 of vendor, channel and address"
        ),
        sa.Column("purpose", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "source", sa.Text(), nullable=False,
            comment="where it was said: link, sms, provider, panel",
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.Column("user_id", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name="fk_suppressions_vendor_id_vendors"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_suppressions_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions"),
        sa.UniqueConstraint("vendor_id", "id", name="uq_suppressions_vendor_id_id"),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'push', 'in_app', 'phone', 'letter')",
            name="ck_suppressions_channel_known",
        ),
        sa.CheckConstraint(
            "purpose IN ('transactional', 'reminder', 'marketing')",
            name="ck_suppressions_purpose_known",
        ),
        sa.CheckConstraint(
            "reason IN ('unsubscribed', 'complained', 'bounced', 'blocked')",
            name="ck_suppressions_reason_known",
        ),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="ck_suppressions_digest_is_one"),
        sa.CheckConstraint(
            "(reason IN ('unsubscribed', 'complained')) = (purpose IS NOT NULL)",
            name="ck_suppressions_people_speak_of_a_purpose",
        ),
        sa.CheckConstraint(
            "purpose <> 'transactional'", name="ck_suppressions_what_has_to_be_known_is_told"
        ),
    )  # fmt: skip
    op.create_index(
        "uq_suppressions_in_force", table,
        ["vendor_id", "channel", "digest", "reason", "purpose"], unique=True,
        postgresql_nulls_not_distinct=True, postgresql_where=sa.text("lifted_at IS NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_suppressions_user_id", table, ["user_id"],
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )  # fmt: skip
    protect(table, vendor="SELECT, INSERT", admin="SELECT, INSERT")
    for role in ("app_vendor", "app_admin"):
        grant(table, role, "UPDATE", ["lifted_at"])


def _contacts() -> None:
    table = "marketing_contacts"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "identity", sa.Text(), nullable=False,
            comment="SHA-256 of a person, an e-mail or a phone",
        ),
        sa.Column(
            "made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketing_contacts"),
    )  # fmt: skip
    op.create_index("ix_marketing_contacts_identity_made_at", table, ["identity", "made_at"])
    op.create_index("ix_marketing_contacts_message_id", table, ["message_id"])
    op.create_index("ix_marketing_contacts_made_at", table, ["made_at"])
    secure(table)
    policy(table, ROLE)
    grant(table, ROLE, "SELECT, INSERT, DELETE")
    policy("customers", ROLE, verb="SELECT")
    grant("customers", ROLE, "SELECT", IDENTITY)
    policy("messages", ROLE, verb="SELECT")
    grant("messages", ROLE, "SELECT", ["id", "vendor_id"])
    for statement, signature, callers in FUNCTIONS:
        define_as(ROLE, statement, signature, callers)


def _events() -> None:
    table = "provider_events"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_ref", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("applied_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_provider_events"),
        sa.UniqueConstraint(
            "provider", "event_ref", name="uq_provider_events_provider_event_ref"
        ),
        sa.CheckConstraint(
            "kind IN ('delivered', 'bounced', 'blocked', 'complained', 'reply')",
            name="ck_provider_events_kind_known",
        ),
    )  # fmt: skip
    op.create_index("ix_provider_events_received_at", table, ["received_at"])
    secure(table)
    policy(table, "app_admin")
    grant(table, "app_admin", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.execute("ALTER TABLE consents DROP CONSTRAINT ck_consents_a_list_proves_what_it_grants")
    op.drop_column("customer_preferences", "push_address")
    op.drop_table("provider_events")
    for _, signature, _ in reversed(FUNCTIONS):
        drop_owned(ROLE, signature)
    for table, columns in (("messages", ["id", "vendor_id"]), ("customers", IDENTITY)):
        op.execute(f"DROP POLICY {ROLE}_select ON {table}")
        op.execute(f"REVOKE SELECT ({', '.join(columns)}) ON {table} FROM {ROLE}")
    op.drop_table("marketing_contacts")
    op.drop_table("suppressions")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {ROLE}")
