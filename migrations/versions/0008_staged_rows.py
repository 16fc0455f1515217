"""A customer list is kept as it was read from the try-out until it is imported."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tenancy import CURRENT_VENDOR, protect

revision, down_revision = "0008", "0007"

TEXTS = (
    "full_name", "company", "email", "phone", "phone_2", "line1", "line2", "city", "city_key",
    "region", "postal_code", "country", "status", "note",
)  # fmt: skip

REFRESH = """
CREATE FUNCTION refresh_statistics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  ANALYZE customers (vendor_id, email, phone, phone_2, birthday, sort_name, archived_at, status),
    addresses (vendor_id, customer_id, city_key), consents (vendor_id, customer_id),
    customer_tags (vendor_id, customer_id, tag_id), tags (vendor_id, name),
    import_rows (vendor_id, job_id, position, customer_id, outcome),
    staged_rows (vendor_id, job_id, position);
END $$
"""
"""Only the owner may ANALYZE: without it an import into a new database is planned blindly."""

OF_CONSENT = "fk_consents_vendor_id_customer_id_customers"


def upgrade() -> None:
    op.create_table(
        "staged_rows",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "vendor_id", sa.BigInteger, nullable=False, server_default=sa.text(CURRENT_VENDOR)
        ),
        sa.Column("job_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("page", sa.BigInteger),
        sa.Column("valid", sa.Boolean, nullable=False),
        sa.Column("code", sa.Text),
        sa.Column("raw", JSONB),
        sa.Column("problems", JSONB),
        *(sa.Column(name, sa.Text) for name in TEXTS),
        sa.Column("birthday", sa.Date),
        sa.Column("tags", sa.ARRAY(sa.Text)),
        sa.Column("marketing_email", sa.Boolean),
        sa.Column("marketing_sms", sa.Boolean),
        sa.Column("name_key", sa.Text, comment="the folded name, as customers.sort_name"),
        sa.Column("sort_name", sa.Text, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("keys", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("leader", sa.BigInteger),
        sa.Column("link", sa.Text, comment="how it is the same: in_file or same_person"),
        sa.PrimaryKeyConstraint("id", name="pk_staged_rows"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "job_id"], ["import_jobs.vendor_id", "import_jobs.id"],
            name="fk_staged_rows_vendor_id_job_id_import_jobs", ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "vendor_id", "job_id", "position", name="uq_staged_rows_vendor_id_job_id_position"
        ),
        prefixes=["UNLOGGED"],
    )  # fmt: skip
    protect("staged_rows")
    consents_go_with_the_customer("CASCADE")
    op.execute(REFRESH)
    op.execute("REVOKE ALL ON FUNCTION refresh_statistics() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION refresh_statistics() TO app_vendor, app_admin")


def consents_go_with_the_customer(ondelete: str | None) -> None:
    """An import that is undone takes the customers it made along, and what they agreed to."""
    op.drop_constraint(OF_CONSENT, "consents")
    op.create_foreign_key(
        OF_CONSENT, "consents", "customers", ["vendor_id", "customer_id"], ["vendor_id", "id"],
        ondelete=ondelete,
    )  # fmt: skip


def downgrade() -> None:
    op.execute("DROP FUNCTION refresh_statistics()")
    consents_go_with_the_customer(None)
    op.drop_table("staged_rows")
