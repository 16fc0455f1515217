"""The schema as laws see it: every table, and which of them belong to a vendor."""

from sqlalchemy import Table

from models import Base
from models.base import Belonging
from models.figures import Figures
from models.market_figures import MarketFigures

TABLES = list(Base.metadata.sorted_tables)
OF_THE_MARKETPLACE = {model.__table__ for model in MarketFigures.__subclasses__()}
"""Sums over all vendors: also where they tell vendors apart, no vendor reads them."""

OWNED = [table for table in TABLES if "vendor_id" in table.c and table not in OF_THE_MARKETPLACE]

MAY_BE_NOBODYS = {
    "api_tokens", "audit_entries", "bulk_jobs", "custom_reports", "login_sessions",
    "outbox_messages", "report_runs", "saved_views", "segment_days", "segments",
}  # fmt: skip
"""Rows of the marketplace itself stand in these too: no vendor is a value here."""

TENANT = [table for table in OWNED if table.name not in MAY_BE_NOBODYS]
"""Tables whose every row is a vendor's."""

COUNTED = {
    "coupon_codes": ("redeemed", "held"),
    "coupons": ("redeemed", "held"),
    "variants": ("on_hand", "reserved"),
    "customers": ("store_credit",),
    "payments": ("refunded",),
    "orders": ("paid", "refunded", "handed_over", "delivered", "returned"),
    "loyalty_accounts": ("points", "pending"),
    "loyalty_lots": ("remaining", "pending", "spend"),
    "order_lines": ("packed", "handed_over", "delivered", "returned", "refunded"),
    "package_holdings": (
        "uses", "uses_left", "uses_held", "uses_used", "uses_forfeited", "uses_expired",
        "uses_refunded",
    ),
}  # fmt: skip
"""Columns that the database counts from its ledgers: a row is made without them."""

PARTS = [
    mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, Belonging)
]
"""Tables whose vendor is kept true by a reference to a row of the vendor, and by no other key."""

WORKED_OUT = [
    mapper.local_table
    for mapper in Base.registry.mappers
    if issubclass(mapper.class_, (Figures, MarketFigures))
]
"""Sums of other tables, known by what they sum up: no id, and no reference either way."""


def references(table: Table) -> set[str]:
    """The tables that `table` refers to."""
    return {key.referred_table.name for key in table.foreign_key_constraints}
