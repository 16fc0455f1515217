"""Messages are listed by event, by what is not usual of them, and by date."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0039", "0038"

TABLE = "messages"
# What is usual, an e-mail about a visit or an order, is found in the list itself: so sending it costs
# two entries more, not five.
WANTED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "ix_messages_vendor_id_event_id": (["vendor_id", "event", "id"], {}),
    "ix_messages_other_channels": (
        ["vendor_id", "channel", "id"], {"postgresql_where": sa.text("channel <> 'email'")},
    ),
    "ix_messages_other_purposes": (
        ["vendor_id", "purpose", "id"],
        {"postgresql_where": sa.text("purpose <> 'transactional'")},
    ),
    "ix_messages_answers": (
        ["vendor_id", "id"], {"postgresql_where": sa.text("direction = 'in'")},
    ),
    "ix_messages_vendor_id_created_at_id": (["vendor_id", "created_at", "id"], {}),
}  # fmt: skip


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, (columns, more) in WANTED.items():
            _drop(name)  # what a broken-off run has left of it
            op.create_index(name, TABLE, columns, postgresql_concurrently=True, **more)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in reversed(WANTED):
            _drop(name)


def _drop(name: str) -> None:
    op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=True)
