"""What tables and columns are called by people: for the trail of changes, and for any field.

Pure words; `resolve` reads the names that ids stand for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import Base
from models.categories import Category
from models.coupons import Coupon
from models.customers import Customer
from models.loyalty import LoyaltyProgram
from models.memberships import MembershipPlan
from models.packages import Package
from models.products import Product, Variant
from models.segments import Segment
from models.services import Service
from models.staff import StaffMember
from models.tags import Tag
from models.users import User
from models.vendors import Vendor

NOUNS = {
    "addresses": "Address", "api_tokens": "API token", "bookings": "Booking",
    "bulk_jobs": "Bulk change", "campaigns": "Campaign",
    "categories": "Category", "code_batches": "Codes",
    "consents": "Consent", "consumables": "What is used up", "coupon_targets": "What it is about",
    "coupons": "Coupon", "covers": "Cover",
    "customer_merges": "Merge", "customer_preferences": "Preferences", "customer_tags": "Tag",
    "customers": "Customer", "import_jobs": "Import", "invoices": "Document",
    "included_uses": "Included use", "membership_periods": "Period of a membership",
    "membership_plans": "Membership plan", "memberships": "Membership",
    "message_rules": "Rule", "message_templates": "Message template", "order_lines": "Line",
    "package_services": "Service of a package", "plan_benefits": "Benefit of a plan",
    "loyalty_programs": "Loyalty programme", "loyalty_rules": "Rule for points",
    "loyalty_tiers": "Tier", "rewards": "Reward",
    "orders": "Order", "package_holdings": "Package in hand", "packages": "Package",
    "payments": "Payment", "people": "Person", "preferred_categories": "Preferred category",
    "product_pictures": "Picture", "product_returns": "Return", "products": "Product",
    "refunds": "Refund", "return_lines": "Line of a return", "saved_views": "Saved view",
    "segments": "Segment",
    "services": "Service", "shipments": "Shipment", "shipping_methods": "Way of sending",
    "staff_members": "Staff member", "stock_moves": "Stock move", "tags": "Tag", "tasks": "Task",
    "tax_classes": "Tax class", "tax_rates": "Tax rate", "users": "User", "variants": "Variant",
    "vendor_users": "Place at a vendor", "vendors": "Vendor", "warranty_claims": "Claim",
}  # fmt: skip
"""What a row of an audited table is called."""

LABELS = {
    "arguments": "What to do", "assignee_id": "Assigned to", "at": "When", "channel": "Channel",
    "buffer_after_minutes": "Minutes after", "buffer_before_minutes": "Minutes before",
    "birthday_days": "Days around a birthday", "buy_quantity": "Pieces to buy",
    "get_quantity": "Pieces that become cheaper", "marketplace_percent": "Borne by the marketplace",
    "max_per_customer": "Most uses a customer", "stacking": "Beside other offers",
    "windows": "Hours", "part": "Becomes", "uses": "Uses",
    "cancel_at_period_end": "Ends with its period", "cancel_reason": "Reason",
    "duration_minutes": "Minutes", "full_name": "Name", "granted": "Agreed", "is_active": "Active",
    "ends_on": "Until", "earned_by": "Earned by", "expiry_days": "Points expire after days",
    "expiry": "Points expire", "lowest": "Lowest balance", "min_spend": "From an amount of",
    "on_shipping": "Shipping earns", "on_tax": "Tax earns", "points_per": "Points for 1.00",
    "point_value": "A point is worth", "return_days": "Points wait, days",
    "spend_from": "From so much spent", "starts_on": "From",
    "window_days": "Spending counts for days", "grace_days": "Days of grace",
    "inactive_reason": "Reason", "line1": "Street", "line2": "Second line",
    "merged_into_id": "Merged into", "option": "Variant",
    "max_redemptions": "Most uses", "period_ends_at": "Period ends",
    "period_starts_at": "Period begins", "phone_2": "Second phone", "plan_id": "Plan",
    "quiet_from": "Quiet from", "quiet_until": "Quiet until", "region": "Region", "sku": "SKU",
    "slug": "Short name", "starts_at": "Begins", "ends_at": "Ends", "stored_as": "Kept as",
    "replenishment_days": "Lasts for days", "total": "Total", "uses_left": "Uses left",
    "allows_backorder": "Sold when there is none", "low_stock": "Few are",
    "includes_tax": "Prices with tax", "prices_include_tax": "Prices with tax",
    "redo_days": "Done again within days",
    "request_key": "Key", "ship_to": "Sent to", "tracks_stock": "Stock is counted",
    "warranty_months": "Months of warranty", "order_line_id": "Line", "return_id": "Return",
    "trial_days": "Days for trying", "frozen_from": "Rests from", "frozen_until": "Rests until",
    "paused_at": "Rests since", "gateway": "Renewed by", "reach": "About", "most": "At most",
    "valid_days": "Valid for days", "user_id": "By", "match_by": "Known by",
}  # fmt: skip
"""What a column is called, where its own words do not say it."""

UNSAID = frozenset(
    {
        "id", "vendor_id", "public_ref", "created_at", "updated_at", "price_steps", "position",
        "checksum", "stored_as", "header", "mapping", "samples", "tried", "result", "query",
        "sequence", "key", "after_id", "definition_json",
    }
)  # fmt: skip
"""What is of no use to a reader."""

REFERENCES: dict[str, type[Base]] = {
    "assignee_id": StaffMember, "category_id": Category, "customer_id": Customer,
    "coupon_id": Coupon, "merged_into_id": Customer, "package_id": Package, "parent_id": Category,
    "plan_id": MembershipPlan, "product_id": Product, "program_id": LoyaltyProgram,
    "segment_id": Segment, "service_id": Service,
    "staff_id": StaffMember, "staff_member_id": StaffMember, "tag_id": Tag, "user_id": User,
    "variant_id": Variant, "survivor_id": Customer, "merged_id": Customer,
}  # fmt: skip
"""What an id in a column stands for."""

Names = Mapping[tuple[type[Base], int], str]


@dataclass(frozen=True, slots=True)
class Change:
    """One field that changed. Empty is None."""

    label: str
    old: str | None
    new: str | None


def label(column: str) -> str:
    """What people call a column: "cancel_reason" is "Reason", "birthday" is "Birthday"."""
    if column in LABELS:
        return LABELS[column]
    words = column.removesuffix("_id").removesuffix("_at").replace("_", " ")
    return words[:1].upper() + words[1:]


def changes(
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    names: Names,
    zone: str,
    *,
    without: Iterable[str] = (),
) -> tuple[Change, ...]:
    """Every field of an entry of the trail, in words; times are wall time in `zone`."""
    old, new = old or {}, new or {}
    hidden = UNSAID.union(without)
    shown = [column for column in {**old, **new} if column not in hidden]
    pairs = (
        Change(
            label(column),
            said(column, old.get(column), names, zone),
            said(column, new.get(column), names, zone),
        )
        for column in shown
    )
    return tuple(change for change in pairs if change.old != change.new)


def said(column: str, value: Any, names: Names, zone: str) -> str | None:
    """A value as people write it: yes, 24 Nov 2026 14:00, the name that an id stands for."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column in REFERENCES and isinstance(value, int):
        return names.get((REFERENCES[column], value), "somebody or something removed")
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, list | dict):
        parts = value.items() if isinstance(value, dict) else [(None, part) for part in value]
        return ", ".join(f"{key}: {part}" if key else str(part) for key, part in parts)
    return _moment(column, str(value), zone)


def _moment(column: str, text: str, zone: str) -> str:
    try:
        if column.endswith("_at") or column == "at":
            return f"{datetime.fromisoformat(text).astimezone(ZoneInfo(zone)):%d %b %Y %H:%M}"
        if column == "birthday":
            return f"{date.fromisoformat(text):%d %b %Y}"
    except ValueError:
        return text  # "erased"
    return text.replace("_", " ") if column in ("status", "kind", "channel", "purpose") else text


def resolve(session: Session, entries: Iterable[Mapping[str, Any] | None]) -> Names:
    """The names behind all ids in `entries`, one query a noun; who is out of sight has none."""
    wanted: dict[type[Base], set[int]] = defaultdict(set)
    for entry in entries:
        for column, value in (entry or {}).items():
            if column in REFERENCES and isinstance(value, int):
                wanted[REFERENCES[column]].add(value)
    names: dict[tuple[type[Base], int], str] = {}
    for model, ids in wanted.items():
        rows = session.scalars(select(model).where(model.id.in_(ids)))
        names |= {(model, row.id): str(row) for row in rows}
    return names


def zone_of(session: Session, vendor_id: int | None) -> str:
    """The zone in which times of this vendor are said; UTC where no vendor is known."""
    found = session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).first()
    return found or "UTC"
