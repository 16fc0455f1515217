"""How long a product lasts, when it is changed, counts for those who have bought it before."""

from alembic import op

revision, down_revision = "0069", "0068"

NOTE = """
CREATE FUNCTION note_stale_usages_of_products() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  INSERT INTO stale_usages (vendor_id, customer_id)
  SELECT vendor_id, customer_id FROM customer_interests
  WHERE vendor_id = NEW.vendor_id AND kind = 'product' AND item_id = NEW.product_id
  ORDER BY 1, 2
  ON CONFLICT (vendor_id, customer_id) DO UPDATE SET at = now();
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(NOTE)
    # a row at a time: whoever moves stock, and writes other columns, pays nothing for it
    op.execute(
        "CREATE TRIGGER stale_usages_update AFTER UPDATE OF replenishment_days ON variants"
        " FOR EACH ROW WHEN (OLD.replenishment_days IS DISTINCT FROM NEW.replenishment_days)"
        " EXECUTE FUNCTION note_stale_usages_of_products()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER stale_usages_update ON variants")
    op.execute("DROP FUNCTION note_stale_usages_of_products()")
