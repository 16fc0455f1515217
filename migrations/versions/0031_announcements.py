"""What was to be announced at the desk is told by messages, also what was promised before."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import text

revision, down_revision = "0031", "0030"

BECOME_MESSAGES = text(
    """
    WITH made AS (
      INSERT INTO messages (vendor_id, customer_id, channel, purpose, event, booking_id, sequence,
                            words, key, user_id)
      SELECT o.vendor_id, b.customer_id, 'in_app', 'transactional',
        'booking_' || replace(o.payload ->> 'event', 'offer', 'offered'), b.id, b.sequence,
        CASE WHEN o.payload ? 'was' THEN jsonb_build_object('before', o.payload -> 'was') END,
        'announced.' || o.id, (o.payload ->> 'user_id')::bigint
      FROM outbox_messages o
      JOIN bookings b ON b.vendor_id = o.vendor_id AND b.id = (o.payload ->> 'booking_id')::bigint
      WHERE o.task = 'tasks.bookings.announce' AND o.done_at IS NULL AND o.dead_at IS NULL
      RETURNING id, key, user_id
    )
    UPDATE outbox_messages o
    SET task = 'tasks.messages.deliver',
      payload = jsonb_build_object('message_id', made.id, 'user_id', made.user_id)
    FROM made WHERE made.key = 'announced.' || o.id
    """
)
LET_GO = text(
    """
    UPDATE outbox_messages SET done_at = now()
    WHERE task IN ('tasks.bookings.announce', 'tasks.bookings.forget')
      AND done_at IS NULL AND dead_at IS NULL
    """
)


TAKEN_BACK = text(
    "UPDATE outbox_messages SET done_at = now()"
    " WHERE task LIKE 'tasks.messages.%' AND done_at IS NULL AND dead_at IS NULL"
)


def upgrade() -> None:
    _as_the_marketplace(BECOME_MESSAGES, LET_GO)


def downgrade() -> None:
    _as_the_marketplace(TAKEN_BACK)  # before it no task brings messages


def _as_the_marketplace(*statements: sa.TextClause) -> None:
    op.execute("SET LOCAL ROLE app_admin")  # the owner sees no rows
    for statement in statements:
        op.execute(statement)
    op.execute("RESET ROLE")
