"""How the demo's vendors thank their customers: a programme each, and the points of two years.

The ledger is written as it would have come: earned, waited, spent or expired, in whole sets.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import clock
from app.operations import counter, rewards
from app.operations.benefits import Asked
from app.operations.counter import Buyer, Item, Paid
from app.seeding.rows import add_all, put
from models.loyalty import LoyaltyProgram, LoyaltyRule, LoyaltyTier, Reward
from models.orders import LineKind
from models.payments import Tender
from models.points import LoyaltyAccount
from models.products import Product, Variant
from models.services import Service
from models.vendors import Vendor

WAIT, GOOD_FOR = 14, 365
ENOUGH = 3
TIERS = (("Bronze", 0, "1"), ("Silver", 300, "1.25"), ("Gold", 900, "1.5"))
BENEFITS = {
    "Silver": "A quarter more points, and first choice of free times",
    "Gold": "Half as many points again, and a coffee with every visit",
}

_ACCOUNTS = """
    INSERT INTO loyalty_accounts (vendor_id, program_id, customer_id, created_at, checked_at)
    SELECT o.vendor_id, :program, o.customer_id, min(o.fulfilled_at), :now
    FROM orders o JOIN customers c ON c.vendor_id = o.vendor_id AND c.id = o.customer_id
    WHERE o.vendor_id = :vendor AND o.status IN ('fulfilled', 'completed') AND o.total - o.tax >= 1
      AND o.fulfilled_at <= :now AND o.paid = o.total AND c.archived_at IS NULL
    GROUP BY o.vendor_id, o.customer_id
"""
_LOTS = """
    INSERT INTO loyalty_lots (vendor_id, account_id, source, granted, earned_at, matures_at,
      expires_at, order_id, key, steps)
    SELECT o.vendor_id, a.id, 'purchase', floor(o.total - o.tax), o.fulfilled_at,
      o.fulfilled_at + make_interval(days => :wait),
      o.fulfilled_at + make_interval(days => :wait + :good), o.id,
      concat('order-', o.id, '-', CAST(:program AS text)),
      jsonb_build_array(jsonb_build_object('step', 'rate', 'points', (o.total - o.tax)::text,
        'why', concat('1 for each 1.00 of ', o.total - o.tax)))
    FROM orders o JOIN loyalty_accounts a
      ON a.vendor_id = o.vendor_id AND a.program_id = :program AND a.customer_id = o.customer_id
    WHERE o.vendor_id = :vendor AND o.status IN ('fulfilled', 'completed') AND o.total - o.tax >= 1
      AND o.fulfilled_at <= :now AND o.paid = o.total
    ORDER BY o.fulfilled_at, o.id
"""
_EARNED = """
    INSERT INTO loyalty_entries (vendor_id, account_id, kind, pending, spend, lot_id, order_id, at)
    SELECT l.vendor_id, l.account_id, 'pending_earn', l.granted, o.total - o.tax, l.id, l.order_id,
      l.earned_at
    FROM loyalty_lots l JOIN orders o ON o.vendor_id = l.vendor_id AND o.id = l.order_id
    WHERE l.vendor_id = :vendor ORDER BY l.id
"""
_MATURED = """
    INSERT INTO loyalty_entries (vendor_id, account_id, kind, points, pending, lot_id, order_id, at)
    SELECT vendor_id, account_id, 'mature', pending, -pending, id, order_id, matures_at
    FROM loyalty_lots WHERE vendor_id = :vendor AND pending > 0 AND matures_at <= :now ORDER BY id
"""
_EXPIRED = """
    INSERT INTO loyalty_entries (vendor_id, account_id, kind, points, lot_id, at)
    SELECT vendor_id, account_id, 'expire', -remaining, id, expires_at
    FROM loyalty_lots WHERE vendor_id = :vendor AND remaining > 0 AND expires_at <= :now ORDER BY id
"""
_TIERS = """
    WITH spent AS (
      SELECT l.account_id, sum(l.spend) AS spend, max(l.earned_at) AS last
      FROM loyalty_lots l WHERE l.vendor_id = :vendor AND l.earned_at > :since GROUP BY l.account_id
    ), reached AS (
      SELECT s.account_id, s.spend, s.last, t.id AS tier
      FROM spent s CROSS JOIN LATERAL (
        SELECT id FROM loyalty_tiers t WHERE t.vendor_id = :vendor AND t.program_id = :program
          AND t.spend_from <= s.spend ORDER BY t.spend_from DESC LIMIT 1
      ) AS t
    ), told AS (
      INSERT INTO tier_changes (vendor_id, account_id, tier_id, spend, why, at)
      SELECT :vendor, account_id, tier, spend, 'reached', last FROM reached
    )
    UPDATE loyalty_accounts a SET tier_id = r.tier, tier_since = r.last, qualified_at = r.last,
      tier_until = r.last + make_interval(days => :window)
    FROM reached r WHERE a.id = r.account_id
"""


def make(session: Session, vendor: Vendor, now: datetime) -> None:
    """A programme with tiers, rules and rewards, and what everybody earned in it so far."""
    program = _programme(session, vendor)
    known = {
        "vendor": vendor.id, "program": program, "now": now, "wait": WAIT, "good": GOOD_FOR,
        "since": now - timedelta(days=GOOD_FOR), "window": GOOD_FOR + 30,
    }  # fmt: skip
    for statement in (_ACCOUNTS, _LOTS, _EARNED, _MATURED, _EXPIRED, _TIERS):
        session.execute(text(statement), known)


def redeem(session: Session, vendor: Vendor, now: datetime) -> None:
    """Two who have the most points use a reward at the counter, yesterday."""
    richest = (
        select(LoyaltyAccount.customer_id)
        .where(LoyaltyAccount.vendor_id == vendor.id)
        .order_by(LoyaltyAccount.points.desc(), LoyaltyAccount.id)
        .limit(2)
    )
    there = Variant.vendor_id == vendor.id, Variant.on_hand - Variant.reserved > ENOUGH
    goods = select(Variant).where(*there).order_by(Variant.price.desc(), Variant.id).limit(1)
    variant = session.scalars(goods).first()
    if variant is None:
        return
    lines = [Item(kind=LineKind.PRODUCT, item_id=variant.id)]
    for customer_id in session.scalars(richest).all():
        with clock.stopped_at(now - timedelta(hours=20)):
            _redeem(session, vendor, customer_id, lines)


def _redeem(session: Session, vendor: Vendor, customer_id: int, lines: list[Item]) -> None:
    offers = rewards.offers(session, customer_id=customer_id, vendor_id=vendor.id)
    cheap = [one.reward.id for one in offers if not one.missing and one.reward.kind == "amount"]
    if not cheap:
        return
    use = Asked(rewards=(cheap[0],))
    total = counter.quote(session, lines=lines, customer_id=customer_id, asked=use).total
    counter.sell(
        session, request_key=uuid4(), lines=lines, buyer=Buyer(customer_id), asked=use,
        paid=[Paid(Tender.CARD, total)],
    )  # fmt: skip


def _programme(session: Session, vendor: Vendor) -> int:
    own: dict[str, Any] = {"vendor_id": vendor.id}
    [program] = add_all(
        session,
        LoyaltyProgram,
        [{**own, "name": f"{vendor.name} Club", "return_days": WAIT, "expiry": "days",
          "expiry_days": GOOD_FOR, "point_value": Decimal("0.02")}],
    )  # fmt: skip
    own["program_id"] = program
    tiers = [
        {**own, "name": name, "spend_from": Decimal(least), "multiplier": Decimal(times),
         "benefits": BENEFITS.get(name)}
        for name, least, times in TIERS
    ]  # fmt: skip
    add_all(session, LoyaltyTier, tiers)
    _rules(session, vendor, own)
    _rewards(session, vendor, own)
    return program


def _rules(session: Session, vendor: Vendor, own: dict[str, Any]) -> None:
    category = session.scalars(
        select(Service.category_id).where(Service.vendor_id == vendor.id).order_by(Service.id)
    ).first()
    nothing = {
        "category_id": None, "channel": None, "multiplier": None, "bonus": None,
        "within_days": None,
    }  # fmt: skip
    rules: list[dict[str, Any]] = [
        {"name": "Happy birthday", "earned_by": "birthday", "bonus": 50},
        {"name": "Thank you for coming", "earned_by": "visit", "bonus": 5},
        {"name": "Next visit booked on the spot", "earned_by": "rebooking", "bonus": 20,
         "within_days": 0},
        {"name": "Double points online", "earned_by": "purchase", "multiplier": Decimal(2),
         "channel": "online"},
    ]  # fmt: skip
    if category is not None:
        rules.append(
            {"name": "More for our favourites", "earned_by": "purchase",
             "multiplier": Decimal("1.5"), "category_id": category}
        )  # fmt: skip
    put(session, LoyaltyRule, [{**own, **nothing, **rule} for rule in rules])


def _rewards(session: Session, vendor: Vendor, own: dict[str, Any]) -> None:
    nothing = {"amount": None, "percent": None, "product_id": None, "service_id": None}
    found: list[dict[str, Any]] = [
        {"name": "5 off", "kind": "amount", "amount": Decimal(5), "points": 150},
        {"name": "12 off", "kind": "amount", "amount": Decimal(12), "points": 300},
        {"name": "A fifth off", "kind": "percent", "percent": Decimal(20), "points": 500},
    ]
    service = session.scalars(_dearest(Service, vendor)).first()
    if service is not None:
        points = int(service.price) * 20
        found.append(
            {"name": f"{service.name} on us", "kind": "service", "service_id": service.id,
             "points": points}
        )  # fmt: skip
    product = session.scalars(
        select(Product).where(Product.vendor_id == vendor.id).order_by(Product.id)
    ).first()
    if product is not None:
        found.append(
            {"name": f"{product.name} as a gift", "kind": "product", "product_id": product.id,
             "points": 600}
        )  # fmt: skip
    put(session, Reward, [{**own, **nothing, **reward} for reward in found])


def _dearest(model: Any, vendor: Vendor) -> Any:
    """An appointment that everybody can have, in the middle of what they cost."""
    return (
        select(model)
        .where(model.vendor_id == vendor.id, model.kind.in_(["appointment", "lab_test"]))
        .order_by(func.abs(model.price - 45), model.id)
        .limit(1)
    )
