"""Who buys, where they live and at how many vendors is told by channel and category, too.

Those of the first purchase. What is there is the sum of them all, and stays true: the columns say
so by a constant, no row is written. The rows of each channel and category come with the next round
of the night, or of `tasks.audiences.rebuild`; until then these filters find nothing.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import grant

revision, down_revision = "0065", "0063"

CHANNELS = "channel IN ('', 'online', 'walk_in', 'phone', 'partner', 'import')"
TABLES: dict[str, Sequence[str]] = {
    "active_figures": ("next_in",),
    "place_figures": ("country", "city_key", "area", "next_in"),
    "engagement_figures": ("span", "vendors"),
}
"""Each table of figures, and what its rows are known by besides vendor and time."""
HEAD = ("vendor_id", "grain")
FIRST = ("channel", "category_id")
TIME = ("grain", "starts_on")
INDEXES: dict[str, Sequence[str] | None] = {
    "active_figures": ("grain", *FIRST, "starts_on"), "place_figures": None,
}  # fmt: skip
"""What takes the place of the index on the time; nobody asks for places but of a vendor."""


def upgrade() -> None:
    for table in TABLES:
        _add(table, sa.Column("channel", sa.Text, comment="empty: all of them"), "")
        category = sa.Column("category_id", sa.BigInteger, comment="0: of none, -1: all of them")
        _add(table, category, "-1")
        check = f"ck_{table}_channel_known"
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({CHANNELS}) NOT VALID")
        grant(table, "app_analyst", "SELECT", FIRST)
    for table, keys in TABLES.items():
        _make_key(table, (*HEAD, *FIRST, "starts_on", *keys))
    for table in TABLES:
        _take_key(table)
    for table, columns in INDEXES.items():
        _exchange(table, TIME, columns)
    for table in TABLES:  # rows are looked at while others read and write them
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_channel_known")


def _add(table: str, column: sa.Column[object], value: str) -> None:
    """With a constant no row is written; whoever writes one from now on says all of it."""
    column.nullable, column.server_default = False, sa.DefaultClause(value)
    op.add_column(table, column, if_not_exists=True)  # a run may have been broken off
    op.alter_column(table, column.name, server_default=None)


def _make_key(table: str, columns: Sequence[str]) -> None:
    """What will be another primary key, built while others work."""
    fresh = f"pk_{table}_fresh"
    with op.get_context().autocommit_block():
        # what a broken-off run has left goes first
        op.drop_index(fresh, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(fresh, table, list(columns), unique=True, postgresql_concurrently=True)


def _take_key(table: str, *, without: Sequence[str] = ()) -> None:
    """Put it in the place of the old one; `without`: columns that go with that."""
    name, gone = f"pk_{table}", "".join(f", DROP COLUMN {column}" for column in without)
    op.execute(
        f"ALTER TABLE {table} DROP CONSTRAINT {name},"
        f" ADD CONSTRAINT {name} PRIMARY KEY USING INDEX {name}_fresh{gone}"
    )


def _exchange(table: str, old: Sequence[str], columns: Sequence[str] | None) -> None:
    """One index for another, or for none, while others work."""
    with op.get_context().autocommit_block():
        if columns is not None:
            fresh = _index(table, columns)
            op.drop_index(fresh, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(fresh, table, list(columns), postgresql_concurrently=True)
        op.drop_index(_index(table, old), table, if_exists=True, postgresql_concurrently=True)


def _index(table: str, columns: Sequence[str]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"


def downgrade() -> None:
    op.execute("SET LOCAL ROLE app_admin")
    for table in TABLES:
        op.execute(f"DELETE FROM {table} WHERE channel <> '' OR category_id <> -1")
    op.execute("RESET ROLE")
    for table in INDEXES:
        with op.get_context().autocommit_block():
            name = _index(table, TIME)
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, list(TIME), postgresql_concurrently=True)
    for table, keys in TABLES.items():
        _make_key(table, (*HEAD, "starts_on", *keys))
    for table in TABLES:  # at once: a run that is broken off before it finds all columns still
        _take_key(table, without=FIRST)
