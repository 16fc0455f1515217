"""Interests follow the catalogue: an item moved to another category takes its buyers along."""

from alembic import op

revision, down_revision = "0007", "0006"

FOLLOW = """
CREATE FUNCTION interests_follow() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
  old_kind text := CASE TG_TABLE_NAME WHEN 'services' THEN to_jsonb(OLD) ->> 'kind'
                                      WHEN 'products' THEN 'product' ELSE 'package' END;
  new_kind text := CASE TG_TABLE_NAME WHEN 'services' THEN to_jsonb(NEW) ->> 'kind'
                                      ELSE old_kind END;
BEGIN
  UPDATE customer_interests SET kind = new_kind, category_id = NEW.category_id
  WHERE vendor_id = NEW.vendor_id AND kind = old_kind AND item_id = NEW.id;
  RETURN NULL;
END $$
"""

WATCHED = {"services": "category_id, kind", "products": "category_id", "packages": "category_id"}


def upgrade() -> None:
    op.execute(FOLLOW)
    for table, columns in WATCHED.items():
        changed = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in columns.split(", "))
        op.execute(
            f"CREATE TRIGGER interests_follow AFTER UPDATE OF {columns} ON {table}"
            f" FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION interests_follow()"
        )


def downgrade() -> None:
    for table in WATCHED:
        op.execute(f"DROP TRIGGER interests_follow ON {table}")
    op.execute("DROP FUNCTION interests_follow()")
