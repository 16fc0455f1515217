"""Who has had enough offers anyway waits for nobody: then a worker holds one person at a time."""

from migrations.tenancy import define_as, drop_owned

revision, down_revision = "0038", "0037"

ROLE = "app_ceiling"
SIGNATURE = "make_contact(bigint, bigint, bigint, timestamptz, timestamptz)"
MAKE = """
CREATE FUNCTION make_contact(message bigint, customer bigint, most bigint, since timestamptz,
                             moment timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  known text[] := known_by(customer);
  one text;
BEGIN
  IF known IS NULL{first} THEN
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
FIRST = " OR contacts_made(customer, since, message) >= most"


def upgrade() -> None:
    _define(FIRST)


def downgrade() -> None:
    _define("")


def _define(first: str) -> None:
    drop_owned(ROLE, SIGNATURE)
    define_as(ROLE, MAKE.replace("{first}", first), SIGNATURE, "app_vendor, app_admin")
