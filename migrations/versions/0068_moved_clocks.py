"""A vendor's changed clock is minded until whoever began before it was known is done.

What they book is noted by the old clock, and may be on another day of the new one.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0068", "0067"

TABLE = "stale_days"
HEAD = (
    "LANGUAGE plpgsql SET search_path = pg_catalog, public SET plan_cache_mode = force_generic_plan"
)
NOTE = f"""
CREATE OR REPLACE FUNCTION note_all_days() RETURNS trigger {HEAD} AS $$
BEGIN
  INSERT INTO stale_days (vendor_id, day{{column}}) VALUES
  (CASE TG_TABLE_NAME WHEN 'vendors' THEN NEW.id
    ELSE CAST(to_jsonb(NEW) ->> 'vendor_id' AS bigint) END, NULL{{value}});
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("waits_for", sa.BigInteger))
    # of vendors it is the clock that is watched, of others their categories
    value = ", CASE TG_TABLE_NAME WHEN 'vendors' THEN 0 END"
    op.execute(NOTE.format(column=", waits_for", value=value))


def downgrade() -> None:
    op.execute(NOTE.format(column="", value=""))
    op.drop_column(TABLE, "waits_for")
