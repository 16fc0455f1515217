"""A list says what it is about: customers, products, opening stock or past sales."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0025", "0024"

KNOWN = "ck_import_jobs_subject_known"
SUBJECTS = "'customers', 'products', 'stock', 'sales'"


def upgrade() -> None:
    # each step commits by itself: whoever breaks it off begins anew
    with op.get_context().autocommit_block():
        subject = sa.Column(
            "subject", sa.Text, nullable=False, server_default="customers",
            comment="what its rows are about",
        )  # fmt: skip
        op.add_column("import_jobs", subject, if_not_exists=True)
        said = sa.Column("said", postgresql.JSONB, comment="a row that is no customer's")
        op.add_column("staged_rows", said, if_not_exists=True)
        op.execute(f"ALTER TABLE import_jobs DROP CONSTRAINT IF EXISTS {KNOWN}")
        op.execute(
            f"ALTER TABLE import_jobs ADD CONSTRAINT {KNOWN} CHECK (subject IN ({SUBJECTS}))"
            " NOT VALID"
        )
        # the rows are looked at while others work
        op.execute(f"ALTER TABLE import_jobs VALIDATE CONSTRAINT {KNOWN}")


def downgrade() -> None:
    """Lists of anything but customers that are not imported yet are over: nobody could read them.

    What was imported of them stays told.
    """
    op.execute("SET LOCAL ROLE app_admin")
    op.execute(
        "UPDATE import_jobs SET status = 'failed', tried = NULL, refused ="
        " 'This list was begun with a newer version of the program: upload it there.'"
        " WHERE subject <> 'customers' AND status NOT IN ('completed', 'undone')"
    )
    op.execute("RESET ROLE")
    op.drop_column("staged_rows", "said")
    op.drop_constraint(KNOWN, "import_jobs")
    op.drop_column("import_jobs", "subject")
