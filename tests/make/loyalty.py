"""Programmes of loyalty, and points."""

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.customers import Customer
from models.loyalty import LoyaltyProgram, LoyaltyRule, LoyaltyTier, Reward
from models.orders import Order
from models.points import LoyaltyAccount, LoyaltyEntry, LoyaltyLot, RewardRedemption, TierChange
from tests.make.customers import somebody
from tests.make.rows import NOON, home_of, number, of_vendor, saved


def program(session: Session, **fields: Any) -> LoyaltyProgram:
    """A programme that gives a point for 1.00 at once; points never expire."""
    values = {"name": f"Programme {number()}", "return_days": 0}
    return saved(session, LoyaltyProgram(**values | fields))


def tier(session: Session, *, program: LoyaltyProgram | None = None, **fields: Any) -> LoyaltyTier:
    program = program or _program(session, **home_of(fields))
    n = number()
    values = {"name": f"Tier {n}", "spend_from": Decimal(n)} | of_vendor(fields, program)
    return saved(session, LoyaltyTier(program_id=program.id, **values))


def loyalty_rule(
    session: Session, *, program: LoyaltyProgram | None = None, **fields: Any
) -> LoyaltyRule:
    """Twice the points for every purchase, unless said."""
    program = program or _program(session, **home_of(fields))
    gives = {} if "bonus" in fields else {"multiplier": Decimal(2)}
    values = {"name": f"Rule {number()}", **gives} | of_vendor(fields, program)
    return saved(session, LoyaltyRule(program_id=program.id, **values))


def reward(session: Session, *, program: LoyaltyProgram | None = None, **fields: Any) -> Reward:
    """Five off for a hundred points, unless said."""
    program = program or _program(session, **home_of(fields))
    gives = {"amount": Decimal("5.00")} if fields.get("kind", "amount") == "amount" else {}
    values = {"name": f"Reward {number()}", "points": 100, **gives} | of_vendor(fields, program)
    return saved(session, Reward(program_id=program.id, **values))


def account(
    session: Session,
    *,
    program: LoyaltyProgram | None = None,
    customer: Customer | None = None,
    **fields: Any,
) -> LoyaltyAccount:
    program = program or _program(session, **home_of(fields))
    customer = customer or somebody(session, {"vendor_id": program.vendor_id})
    values = {"program_id": program.id, "customer_id": customer.id} | of_vendor(fields, program)
    return saved(session, LoyaltyAccount(**values))


def lot(
    session: Session, *, account: LoyaltyAccount | None = None, points: int = 100, **fields: Any
) -> LoyaltyLot:
    """Points that can be spent, with their entry; they never expire unless said."""
    account = account or _account(session, **home_of(fields))
    values = {"source": "gift", "granted": points, "earned_at": NOON} | of_vendor(fields, account)
    row = saved(session, LoyaltyLot(account_id=account.id, **values))
    loyalty_entry(session, account=account, points=points, lot_id=row.id)
    session.refresh(row)
    session.refresh(account)
    return row


def loyalty_entry(session: Session, *, account: LoyaltyAccount, **fields: Any) -> LoyaltyEntry:
    values = {"kind": "adjust", "reason": "A gift", "at": NOON} | of_vendor(fields, account)
    return saved(session, LoyaltyEntry(account_id=account.id, **values))


def redemption(
    session: Session, *, account: LoyaltyAccount, reward: Reward, order: Order, **fields: Any
) -> RewardRedemption:
    values = {"points": reward.points, "held_at": NOON} | of_vendor(fields, account)
    row = RewardRedemption(account_id=account.id, reward_id=reward.id, order_id=order.id, **values)
    return saved(session, row)


def tier_change(session: Session, *, account: LoyaltyAccount, **fields: Any) -> TierChange:
    values = {"spend": Decimal("0.00"), "why": "reached", "at": NOON} | of_vendor(fields, account)
    return saved(session, TierChange(account_id=account.id, **values))


_account = account  # an argument takes the name
_program = program  # an argument takes the name
