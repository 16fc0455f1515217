"""Look at the consents that are there already; nobody waits for it."""

from alembic import op

revision, down_revision = "0030", "0029"


def upgrade() -> None:
    op.execute("ALTER TABLE consents VALIDATE CONSTRAINT ck_consents_a_list_proves_what_it_grants")


def downgrade() -> None:
    """There is nothing to take back: the constraint holds either way."""
