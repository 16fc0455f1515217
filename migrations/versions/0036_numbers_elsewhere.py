"""Customers who came with past sales are found by their number elsewhere."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0036", "0035"

STEP = 10_000
FOUND = sa.text(
    r"""
    WITH said AS (
      SELECT id, concat_ws(' ', btrim(lower(regexp_replace(reference, '[^[:alnum:]]+', ' ', 'g'))),
        CASE WHEN reference ~ '^[+(\d][\d\s()./-]*$' AND reference ~ '\D'
          THEN regexp_replace(regexp_replace(reference, '\D', '', 'g'), '^00', '') END) AS words
      FROM customers WHERE reference IS NOT NULL AND id > :after AND id <= :upto)
    UPDATE customers c SET search_text = btrim(c.search_text || ' ' || said.words)
    FROM said WHERE c.id = said.id AND c.id > :after AND c.id <= :upto
      AND position(' ' || said.words || ' ' IN ' ' || c.search_text || ' ') = 0
    """
)
"""A run that was broken off has done some already."""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET ROLE app_admin")  # the owner sees no rows
        op.execute("SELECT set_config('app.user_id', '1', false)")
        bind = op.get_bind()
        last = bind.scalar(sa.text("SELECT max(id) FROM customers WHERE reference IS NOT NULL"))
        for after in range(0, last or 0, STEP):
            bind.execute(FOUND, {"after": after, "upto": after + STEP})
        op.execute("RESET ROLE")
        op.execute("RESET app.user_id")


def downgrade() -> None:
    """A word more by which somebody is found is in nobody's way."""
