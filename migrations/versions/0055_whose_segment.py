"""Rows of a segment and of a bulk change stay with the vendor whose it is.

Both can be the marketplace's, which has no vendor, so the keys that lead to them name no vendor
either; and row security does not look at keys. The triggers do: once a statement, since a million
customers enter a segment in one.
"""

from alembic import op

revision, down_revision = "0055", "0054"

HEAD = "LANGUAGE plpgsql SET search_path = pg_catalog, public"

NAMED = {
    "segment_memberships": ("segments", "segment_id", "p.vendor_id <> n.vendor_id"),
    "segment_days": ("segments", "segment_id", "p.vendor_id IS DISTINCT FROM n.vendor_id"),
    "bulk_rows": ("bulk_jobs", "job_id", "p.vendor_id <> n.vendor_id"),
}
"""What names another table's row, by which column, and when that row is somebody else's.

Customers of every vendor stand in what is the marketplace's; its days are its own.
"""

WRITTEN = """
CREATE OR REPLACE FUNCTION {table}_name_their_own() RETURNS trigger {head} AS $$
BEGIN
  -- as whoever writes: what a vendor does not see, the marketplace's too, is not there for it
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT vendor_id, {column} AS id FROM new_rows) AS n
    LEFT JOIN {parent} p ON p.id = n.id
    WHERE p.id IS NULL OR {foreign}
  ) THEN
    RAISE foreign_key_violation USING MESSAGE = 'this names what is not the vendor''s',
      TABLE = TG_TABLE_NAME, CONSTRAINT = TG_ARGV[0];
  END IF;
  RETURN NULL;
END $$
"""
MOVED = f"""
CREATE OR REPLACE FUNCTION rows_stay_with_their_vendor() RETURNS trigger {HEAD} AS $$
BEGIN
  RAISE foreign_key_violation USING MESSAGE = 'this stays where it was made',
    TABLE = TG_TABLE_NAME, CONSTRAINT = TG_ARGV[0];
END $$
"""
FORGED = "DELETE FROM {table} n USING {parent} p WHERE p.id = n.{column} AND {foreign}"


def upgrade() -> None:
    # a run that was broken off has made these already: each is made again
    op.execute(MOVED)
    for table, (parent, column, foreign) in NAMED.items():
        key = f"fk_{table}_{column}_{parent}"
        names = {"table": table, "parent": parent, "column": column, "foreign": foreign}
        op.execute(WRITTEN.format(head=HEAD, **names))
        op.execute(
            f"CREATE OR REPLACE TRIGGER names_its_own AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_name_their_own('{key}')"
        )
        _stays(table, key, "vendor_id", column)
    for parent in sorted({parent for parent, _, _ in NAMED.values()}):
        _stays(parent, f"fk_{parent}_vendor_id_vendors", "vendor_id")
    with op.get_context().autocommit_block():  # no lock is held while it is looked through
        op.execute("SET ROLE app_admin")
        for table, (parent, column, foreign) in NAMED.items():
            op.execute(FORGED.format(table=table, parent=parent, column=column, foreign=foreign))
        op.execute("RESET ROLE")


def _stays(table: str, key: str, *columns: str) -> None:
    """Whoever changes one of these columns is refused, by the name of a key."""
    was, becomes = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
    op.execute(
        f"CREATE OR REPLACE TRIGGER stays_with_its_vendor AFTER UPDATE ON {table} FOR EACH ROW"
        f" WHEN (({was}) IS DISTINCT FROM ({becomes}))"
        f" EXECUTE FUNCTION rows_stay_with_their_vendor('{key}')"
    )


def downgrade() -> None:
    for parent in sorted({parent for parent, _, _ in NAMED.values()}):
        op.execute(f"DROP TRIGGER stays_with_its_vendor ON {parent}")
    for table in NAMED:
        op.execute(f"DROP TRIGGER stays_with_its_vendor ON {table}")
        op.execute(f"DROP TRIGGER names_its_own ON {table}")
        op.execute(f"DROP FUNCTION {table}_name_their_own()")
    op.execute("DROP FUNCTION rows_stay_with_their_vendor()")
