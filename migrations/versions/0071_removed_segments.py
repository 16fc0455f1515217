"""A segment is removed in one row: who was in it goes behind, however many they are.

A key would take a million rows with it, or keep the segment, while somebody waits. Who names a
segment is looked at by the trigger that also looks at whose it is.
"""

from alembic import op

revision, down_revision = "0071", "0070"

TABLE = "segment_memberships"
KEY = "fk_segment_memberships_segment_id_segments"


def upgrade() -> None:
    op.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS {KEY}")


def downgrade() -> None:
    op.execute("SET LOCAL ROLE app_admin")  # the owner sees no rows
    op.execute(
        f"DELETE FROM {TABLE} m WHERE NOT EXISTS (SELECT FROM segments s WHERE s.id = m.segment_id)"
    )
    op.execute("RESET ROLE")
    op.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS {KEY}")  # a run was broken off
    op.execute(
        f"ALTER TABLE {TABLE} ADD CONSTRAINT {KEY} FOREIGN KEY (segment_id) REFERENCES segments (id)"
        " ON DELETE CASCADE NOT VALID"
    )
    with op.get_context().autocommit_block():  # the rows are looked at while others work
        op.execute(f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT {KEY}")
