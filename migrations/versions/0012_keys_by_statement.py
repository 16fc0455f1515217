"""The rows of a list are held to their job once a statement, not once a row.

A key's own trigger looks the job up anew for each of a hundred thousand rows that name the same
one: a fifth of what storing such a row takes. The keys stay in the catalogue, not enforced; the
triggers here hold them: nobody writes a row of a job that is not there, a row never changes its
job, and the rows go with their job. Before PostgreSQL 18 a key is always enforced: there all stays
as it was.
"""

from alembic import op

revision, down_revision = "0012", "0011"

TABLES = ("import_rows", "staged_rows")

WRITTEN = """
CREATE FUNCTION rows_have_their_job() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, public AS $$
DECLARE
  named record;
BEGIN
  FOR named IN SELECT DISTINCT vendor_id, job_id FROM new_rows LOOP
    PERFORM FROM import_jobs
    WHERE vendor_id = named.vendor_id AND id = named.job_id FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE foreign_key_violation USING MESSAGE = 'a row of a list that is not there',
        TABLE = TG_TABLE_NAME, CONSTRAINT = TG_ARGV[0];
    END IF;
  END LOOP;
  RETURN NULL;
END $$
"""

MOVED = """
CREATE FUNCTION rows_keep_their_job() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, public AS $$
BEGIN
  RAISE foreign_key_violation USING MESSAGE = 'a row of a list cannot go to another one',
    TABLE = TG_TABLE_NAME, CONSTRAINT = TG_ARGV[0];
END $$
"""

DELETED = """
CREATE FUNCTION rows_go_with_their_job() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, public AS $$
BEGIN
  DELETE FROM staged_rows WHERE vendor_id = OLD.vendor_id AND job_id = OLD.id;
  DELETE FROM import_rows WHERE vendor_id = OLD.vendor_id AND job_id = OLD.id;
  RETURN OLD;
END $$
"""


def _keys_can_rest() -> bool:
    return (op.get_bind().dialect.server_version_info or (0,)) >= (18,)


def upgrade() -> None:
    if not _keys_can_rest():
        return
    for function in (WRITTEN, MOVED, DELETED):
        op.execute(function)
    for table in TABLES:
        key = _key(table)
        op.execute(f"ALTER TABLE {table} ALTER CONSTRAINT {key} NOT ENFORCED")
        op.execute(
            f"CREATE TRIGGER of_a_job AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
            f" FOR EACH STATEMENT EXECUTE FUNCTION rows_have_their_job('{key}')"
        )
        op.execute(
            f"CREATE TRIGGER of_the_same_job AFTER UPDATE ON {table} FOR EACH ROW"
            " WHEN ((OLD.vendor_id, OLD.job_id) IS DISTINCT FROM (NEW.vendor_id, NEW.job_id))"
            f" EXECUTE FUNCTION rows_keep_their_job('{key}')"
        )
    op.execute(
        "CREATE TRIGGER takes_its_rows BEFORE DELETE ON import_jobs FOR EACH ROW"
        " EXECUTE FUNCTION rows_go_with_their_job()"
    )


def _key(table: str) -> str:
    return f"fk_{table}_vendor_id_job_id_import_jobs"


def downgrade() -> None:
    if not _keys_can_rest():
        return
    op.execute("DROP TRIGGER takes_its_rows ON import_jobs")
    for table in TABLES:
        op.execute(f"DROP TRIGGER of_the_same_job ON {table}")
        op.execute(f"DROP TRIGGER of_a_job ON {table}")
        op.execute(f"ALTER TABLE {table} ALTER CONSTRAINT {_key(table)} ENFORCED")
    for name in ("rows_have_their_job", "rows_keep_their_job", "rows_go_with_their_job"):
        op.execute(f"DROP FUNCTION {name}()")
