"""Figures of coupons, points, memberships, packages and messages are kept by day too.

Their ledgers note the days on which something happened, as those of sales do; entries and messages
are found by their day.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.tenancy import grant, policy, protect

revision, down_revision = "0046", "0045"

HEAD = "LANGUAGE plpgsql SET search_path = pg_catalog, public"
GRAINS = "grain IN ('day', 'week', 'month')"
CHANNELS = "channel IN ('online', 'walk_in', 'phone', 'partner', 'import')"
WORDS = {"channel", "way", "purpose", "event"}
MONEY = {"taken_off", "borne", "brought", "brought_by_others", "deferred"}
COMMENTS = {"way": "the channel of messages"}

TABLES: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "coupon_figures": (
        ("coupon_id", "channel"),
        ("orders", "taken_off", "borne", "brought", "others", "brought_by_others"),
    ),
    "point_figures": (
        ("program_id",), ("earned", "redeemed", "expired", "taken_back", "given", "waiting"),
    ),
    "membership_figures": (("plan_id", "channel"), ("joined", "ended")),
    "package_figures": (
        ("package_id", "channel"),
        ("sold", "granted", "used", "forfeited", "expired", "refunded", "deferred"),
    ),
    "message_figures": (
        ("way", "purpose", "event", "rule_id"),
        ("sent", "delivered", "failed", "held_back", "received", "answered", "asked", "came",
         "came_before"),
    ),
    "attach_figures": (("service_id", "channel"), ("orders", "with_product")),
}  # fmt: skip
"""What each table sums up by, besides vendor and time, and what it sums up."""

CHECKS = {
    "message_figures": {
        "way_known": "way IN ('email', 'sms', 'push', 'in_app', 'phone', 'letter')",
        "purpose_known": "purpose IN ('transactional', 'reminder', 'marketing')",
        "who_came_was_asked": "came <= asked AND came_before <= asked",
    },
}

INDEXES = {
    "ix_loyalty_entries_vendor_id_at": ("loyalty_entries", "at", None),
    "ix_package_entries_vendor_id_at": ("package_entries", "at", None),
    "ix_memberships_vendor_id_started_at": ("memberships", "started_at", None),
    "ix_memberships_vendor_id_ended_at": ("memberships", "ended_at", "ended_at IS NOT NULL"),
    "ix_messages_vendor_id_send_at": ("messages", "send_at", None),
}

NOTE = f"""
CREATE FUNCTION {{name}}() RETURNS trigger {HEAD} AS $$
BEGIN
  INSERT INTO stale_days (vendor_id, day)
  SELECT DISTINCT r.vendor_id, CAST(r.at AT TIME ZONE v.time_zone AS date)
  FROM ({{rows}}) AS r JOIN vendors v ON v.id = r.vendor_id
  WHERE r.at IS NOT NULL;
  RETURN NULL;
END $$
"""
_BOTH = "new_rows n JOIN old_rows o USING (id)"
_JOINED = (
    "(n.plan_id, n.channel, n.started_at) IS DISTINCT FROM (o.plan_id, o.channel, o.started_at)"
)
_ENDED = (
    "(n.plan_id, n.channel, n.ended_at, n.status = 'ended') IS DISTINCT FROM"
    " (o.plan_id, o.channel, o.ended_at, o.status = 'ended')"
)
_DONE = "status IN ('sent', 'delivered', 'failed', 'suppressed')"
NOTES: dict[str, dict[str, str]] = {
    "loyalty_entries": {"INSERT": "SELECT vendor_id, at FROM new_rows"},
    "package_entries": {"INSERT": "SELECT vendor_id, at FROM new_rows"},
    "memberships": {
        "INSERT": "SELECT vendor_id, started_at AS at FROM new_rows"
        " UNION ALL SELECT vendor_id, ended_at FROM new_rows",
        "UPDATE": " UNION ALL ".join(
            f"SELECT {row}.vendor_id, {row}.{at} AS at FROM {_BOTH} WHERE {changed}"
            for row in ("n", "o")
            for at, changed in (("started_at", _JOINED), ("ended_at", _ENDED))
        ),
    },
    "messages": {
        "INSERT": f"SELECT vendor_id, send_at AS at FROM new_rows WHERE {_DONE}",
        "UPDATE": " UNION ALL ".join(
            f"SELECT {row}.vendor_id, {row}.send_at AS at FROM {_BOTH}"
            f" WHERE (n.{_DONE} OR o.{_DONE})"
            " AND (n.status, n.send_at) IS DISTINCT FROM (o.status, o.send_at)"
            for row in ("n", "o")
        ),
    },
}
"""By ledger and verb: the moments of what has changed."""

STOCK = ("on_hand", "reserved", "low_stock", "tracks_stock", "is_active")
RULES = ("id", "vendor_id", "name")
"""What analysts read besides: how much lies there, and what a rule is called."""

REFERENCING = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
}


def upgrade() -> None:
    _find()
    for table, (keys, sums) in TABLES.items():
        _make(table, keys, sums)
        op.create_index(f"ix_{table}_grain_starts_on", table, ["grain", "starts_on"])
        columns = ("vendor_id", "grain", "starts_on", *keys, *sums)
        # only what works them out, for the whole marketplace, writes them
        protect(table, vendor="SELECT", admin="SELECT, INSERT, DELETE", analyst=columns)
    grant("variants", "app_analyst", "SELECT", STOCK)
    policy("message_rules", "app_analyst", verb="SELECT")
    grant("message_rules", "app_analyst", "SELECT", RULES)
    for table, verbs in NOTES.items():
        for verb, rows in verbs.items():
            name = f"note_stale_days_of_{table}_{verb.lower()}"
            op.execute(NOTE.format(name=name, rows=rows))
            op.execute(
                f"CREATE TRIGGER stale_days_{verb.lower()} AFTER {verb} ON {table}"
                f" {REFERENCING[verb]} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            )
    op.execute("SET LOCAL ROLE app_admin")
    op.execute("INSERT INTO stale_days (vendor_id, day) SELECT id, NULL FROM vendors")
    op.execute("RESET ROLE")


def _find() -> None:
    """First, since it commits by itself: whoever breaks it off begins anew."""
    with op.get_context().autocommit_block():
        for name, (table, at, where) in INDEXES.items():
            # what a broken-off run has left goes first
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name, table, ["vendor_id", at], postgresql_concurrently=True,
                postgresql_where=sa.text(where) if where else None,
            )  # fmt: skip


def _make(table: str, keys: Sequence[str], sums: Sequence[str]) -> None:
    checks = {"grain_known": GRAINS, **CHECKS.get(table, {})}
    if "channel" in keys:
        checks["channel_known"] = CHANNELS
    op.create_table(
        table,
        sa.Column("vendor_id", sa.BigInteger, nullable=False),
        sa.Column("grain", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        *(
            sa.Column(
                name, sa.Text if name in WORDS else sa.BigInteger, nullable=False,
                comment=COMMENTS.get(name),
            )
            for name in keys
        ),
        *(sa.Column(name, _sum(table, name), nullable=False) for name in sums),
        sa.PrimaryKeyConstraint("vendor_id", "grain", "starts_on", *keys, name=f"pk_{table}"),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))
            for name, rule in checks.items()
        ),
    )  # fmt: skip


def _sum(table: str, name: str) -> sa.types.TypeEngine[object]:
    if name in MONEY:
        return sa.Numeric(12, 2)
    return sa.BigInteger() if table == "point_figures" else sa.Integer()


def downgrade() -> None:
    op.execute(f"REVOKE SELECT ({', '.join(RULES)}) ON message_rules FROM app_analyst")
    op.execute("DROP POLICY app_analyst_select ON message_rules")
    op.execute(f"REVOKE SELECT ({', '.join(STOCK)}) ON variants FROM app_analyst")
    for table, verbs in NOTES.items():
        for verb in verbs:
            op.execute(f"DROP TRIGGER stale_days_{verb.lower()} ON {table}")
            op.execute(f"DROP FUNCTION note_stale_days_of_{table}_{verb.lower()}()")
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table, if_exists=True)
    for table in reversed(TABLES):
        op.drop_table(table)
