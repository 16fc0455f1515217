"""What earns points: orders that were fulfilled, visits, visits booked on the spot, birthdays.

Points of an order wait until it can no longer be returned and is paid. What is given back takes
its share of them away again; what store credit paid earns none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

from sqlalchemy import Text, cast, func, or_, select
from sqlalchemy.orm import Session

from app import clock, days
from app.money import rounded
from app.operations import interests, items, points, rungs, tiers
from app.operations.points import Because
from models.bookings import Booking, BookingStatus
from models.categories import Category
from models.customers import Customer
from models.loyalty import MOST_POINTS, EarnedBy, LoyaltyProgram, LoyaltyRule, LoyaltyTier, Rounding
from models.orders import LineKind, Order, OrderLine
from models.packages import Package
from models.payments import Payment, PaymentState, Tender
from models.points import EntryKind, LoyaltyAccount, LoyaltyEntry, LoyaltyLot, Source
from models.products import Product, Variant
from models.services import Service

ZERO = Decimal("0.00")
ROUND: Mapping[str, str] = {
    Rounding.DOWN: ROUND_FLOOR, Rounding.NEAREST: ROUND_HALF_EVEN, Rounding.UP: ROUND_CEILING,
}  # fmt: skip
CREDIT = "credit"
"""The step that says how much of an order was paid with store credit, when it earned."""


@dataclass(frozen=True, slots=True)
class About:
    """What a line or a visit is about, as rules ask: its item, and its categories from below up."""

    product_id: int | None = None
    service_id: int | None = None
    categories: tuple[int, ...] = ()
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Worth:
    """What an order earns: points, what counts as spent, and why it is so."""

    points: int
    spend: Decimal
    steps: list[dict[str, str]]


def of_order(session: Session, order: Order) -> None:
    """A fulfilled order earns in every programme of its vendor, once; the caller holds it."""
    if order.customer_id is None or order.total <= 0:
        return
    found = programs(session, order.vendor_id)
    if not found:
        return
    interests.hold(session, order.customer_id)  # whoever else holds both does it in this order
    for program in found:
        _of_order(session, program, order, order.customer_id)


def follow(session: Session, order: Order) -> None:
    """Let what an order earned follow what was given back of it, and what credit has paid since.

    The caller holds the order.
    """
    query = select(LoyaltyLot.id, LoyaltyLot.account_id).where(
        LoyaltyLot.vendor_id == order.vendor_id, LoyaltyLot.order_id == order.id,
        LoyaltyLot.source == Source.PURCHASE,
    )  # fmt: skip
    known = session.execute(query.order_by(LoyaltyLot.account_id, LoyaltyLot.id)).all()
    if known and order.customer_id is not None:
        interests.hold(session, order.customer_id)
    for lot_id, account_id in known:
        account = points.held(session, account_id)
        lot = session.get_one(LoyaltyLot, lot_id, populate_existing=True)
        _follow(session, account, lot, order)


def of_visit(session: Session, booking: Booking) -> None:
    """A completed visit earns its bonus, and one for having been booked at the visit before it.

    The caller holds the booking and the customer.
    """
    found = programs(session, booking.vendor_id)
    if not found:
        return
    service = session.get_one(Service, booking.service_id)
    about = About(
        service_id=service.id, categories=_above(session, service.category_id),
        channel=booking.channel,
    )  # fmt: skip
    for program in found:
        known = rules(session, program, EarnedBy.VISIT, EarnedBy.REBOOKING)
        visit = best((r for r in known if r.earned_by == EarnedBy.VISIT), about)
        _bonus(session, program, visit, booking.customer_id, f"visit-{booking.id}", booking)
        again = (r for r in known if r.earned_by == EarnedBy.REBOOKING)
        rule = best((r for r in again if _was_rebooked(session, booking, r)), about)
        _bonus(session, program, rule, booking.customer_id, f"rebooking-{booking.id}", booking)


def birthdays(session: Session, *, program_id: int, today: date, most: int = 200) -> int:
    """Who is in a programme and has birthday today gets its bonus, once a year; how many did.

    Who was born on 29 February has it on the 28th in other years.
    """
    program = session.get_one(LoyaltyProgram, program_id)
    rule = best(rules(session, program, EarnedBy.BIRTHDAY), About())
    if rule is None:
        return 0
    born = (
        select(Customer.id)
        .join(LoyaltyAccount, LoyaltyAccount.customer_id == Customer.id)
        .where(
            Customer.vendor_id == program.vendor_id,
            LoyaltyAccount.vendor_id == program.vendor_id,
            LoyaltyAccount.program_id == program.id,
            Customer.birthday.in_(days.births(today)),
            Customer.archived_at.is_(None),
            ~_was_given(program, today).exists(),
        )
    )
    whom = session.scalars(born.order_by(Customer.id).limit(most)).all()
    return _grant(session, program, rule, _mine(session, program, whom), today)


def _mine(
    session: Session, program: LoyaltyProgram, customer_ids: Sequence[int]
) -> dict[int, LoyaltyAccount]:
    """Their accounts, held, by their ids; who is busy elsewhere is left to the next time."""
    held: Any = {"key_share": True, "skip_locked": True}
    free = select(Customer.id).where(Customer.id.in_(customer_ids)).order_by(Customer.id)
    ids = session.scalars(free.with_for_update(**held)).all()
    accounts = select(LoyaltyAccount).where(
        LoyaltyAccount.vendor_id == program.vendor_id, LoyaltyAccount.program_id == program.id,
        LoyaltyAccount.customer_id.in_(ids),
    )  # fmt: skip
    fresh = accounts.order_by(LoyaltyAccount.id).execution_options(populate_existing=True)
    return {one.id: one for one in session.scalars(fresh.with_for_update(**held))}


def _grant(
    session: Session,
    program: LoyaltyProgram,
    rule: LoyaltyRule,
    accounts: Mapping[int, LoyaltyAccount],
    today: date,
) -> int:
    """Give the bonus of a birthday to all of these who have not got it, at once; to how many."""
    keys = {
        f"birthday-{one.customer_id}-{today.year}-{program.id}": one for one in accounts.values()
    }
    had = select(LoyaltyLot.key).where(
        LoyaltyLot.vendor_id == program.vendor_id, LoyaltyLot.key.in_(list(keys))
    )
    given = keys.keys() - set(session.scalars(had))
    now, zone = clock.now(), points.zone_of(session, program.vendor_id)
    lots = [
        LoyaltyLot(
            vendor_id=program.vendor_id, account_id=keys[key].id, source=Source.BIRTHDAY,
            granted=rule.bonus, earned_at=now, key=key,
            steps=[_step("bonus", Decimal(rule.bonus or 0), rule.name)],
            expires_at=points.expiry_of(program, now, zone),
        )
        for key in sorted(given)
    ]  # fmt: skip
    session.add_all(lots)
    session.flush()  # their ids
    session.add_all(
        points.entry_of(
            accounts[lot.account_id], EntryKind.EARN, lot=lot, points=lot.granted, at=now
        )
        for lot in lots
    )
    session.flush()  # the database adds them up
    points.read_again(session, accounts, lots)
    for number in points.owing(session, list(accounts)):
        points.repay(session, accounts[number])
    return len(lots)


def programs(session: Session, vendor_id: int) -> Sequence[LoyaltyProgram]:
    """The programmes of a vendor that are running."""
    query = select(LoyaltyProgram).where(
        LoyaltyProgram.vendor_id == vendor_id, LoyaltyProgram.is_active
    )
    return session.scalars(query.order_by(LoyaltyProgram.id)).all()


def rules(session: Session, program: LoyaltyProgram, *about: EarnedBy) -> Sequence[LoyaltyRule]:
    """The rules of a programme that hold today, where the vendor is."""
    today = clock.now().astimezone(points.zone_of(session, program.vendor_id)).date()
    query = select(LoyaltyRule).where(
        LoyaltyRule.vendor_id == program.vendor_id, LoyaltyRule.program_id == program.id,
        LoyaltyRule.is_active, LoyaltyRule.earned_by.in_(about),
        or_(LoyaltyRule.starts_on.is_(None), LoyaltyRule.starts_on <= today),
        or_(LoyaltyRule.ends_on.is_(None), LoyaltyRule.ends_on >= today),
    )  # fmt: skip
    return session.scalars(query.order_by(LoyaltyRule.id)).all()


def best(known: Iterable[LoyaltyRule], about: About) -> LoyaltyRule | None:
    """The one rule that holds: what is said of the item comes before its category, and so on up.

    Of two that say as much, the one of a channel; then the one that gives more; then the older.
    """
    fitting = [(rank, rule) for rule in known if (rank := _rank(rule, about)) is not None]
    return max(fitting, key=lambda one: one[0])[1] if fitting else None


def worth(
    session: Session, program: LoyaltyProgram, order: Order, tier: LoyaltyTier | None
) -> Worth:
    """What an order earns as it stands, before anything is given back."""
    paid_otherwise = credit_paid(session, order)
    share = 1 - min(paid_otherwise / order.total, Decimal(1))
    known = rules(session, program, EarnedBy.PURCHASE)
    base, more, spend = Decimal(0), dict[str, Decimal](), ZERO
    with items.at_hand(session, map(items.named_by, order.lines)):
        for line in order.lines:
            counts = _counting(program, order, line) * share
            rule = best(known, _about(session, order, line))
            spend += counts
            base += counts * program.points_per
            if rule is not None and rule.multiplier is not None and counts:
                part = counts * program.points_per * (rule.multiplier - 1)
                more[rule.name] = more.get(rule.name, Decimal(0)) + part
    spend = rounded(spend)
    steps = [_step("rate", base, f"{_plain(program.points_per)} for each 1.00 of {spend}")]
    steps += [_step("rule", part, name) for name, part in sorted(more.items())]
    if paid_otherwise:
        steps.append(_step(CREDIT, paid_otherwise, "Paid with store credit: earns nothing"))
    if spend < program.min_spend:
        steps.append(_step("least", Decimal(0), f"Earns from {program.min_spend} on"))
        return Worth(0, spend, steps)
    earned = base + sum(more.values(), Decimal(0))
    if tier is not None and tier.multiplier != 1:
        steps.append(_step("tier", earned * (tier.multiplier - 1), tier.name))
        earned *= tier.multiplier
    return Worth(min(_whole(earned, program), MOST_POINTS), spend, steps)


def credit_paid(session: Session, order: Order) -> Decimal:
    """What store credit has paid of an order."""
    query = select(func.coalesce(func.sum(Payment.amount), 0)).where(
        Payment.vendor_id == order.vendor_id, Payment.order_id == order.id,
        Payment.tender == Tender.STORE_CREDIT, Payment.status == PaymentState.CAPTURED,
    )  # fmt: skip
    return Decimal(session.scalar(query) or 0)


# --- of an order ---------------------------------------------------------------------------------


def _of_order(session: Session, program: LoyaltyProgram, order: Order, customer_id: int) -> None:
    account = points.hold(session, program=program, customer_id=customer_id)
    key = f"order-{order.id}-{program.id}"
    if _known(session, program.vendor_id, key):
        return
    now = clock.now()
    tier = tiers.held_at(account, tiers.of_program(session, program.id), now)
    earned = worth(session, program, order, tier)
    if earned.spend <= 0:
        return
    at = order.fulfilled_at or now
    ripe = at + timedelta(days=program.return_days)
    waits = program.return_days > 0 or order.paid < order.total
    lot = LoyaltyLot(
        source=Source.PURCHASE, granted=earned.points, earned_at=at, order_id=order.id,
        matures_at=ripe if waits else None, steps=earned.steps, key=key,
        expires_at=points.expiry_of(program, ripe, points.zone_of(session, program.vendor_id)),
    )  # fmt: skip
    kind = EntryKind.PENDING_EARN if waits else EntryKind.EARN
    points.open_lot(session, account, lot, kind=kind, spend=earned.spend)
    if order.refunded:
        _follow(session, account, lot, order)
    tiers.look(session, account, at=now)


def _follow(session: Session, account: LoyaltyAccount, lot: LoyaltyLot, order: Order) -> None:
    kept = _kept(session, order, lot)
    target = lot.granted - int((lot.granted * kept).quantize(Decimal(1), ROUND_HALF_EVEN))
    reversed_so_far, expired, spend = _reversed(session, account, lot, order)
    wanted_spend = rounded(spend * kept)
    need, less = max(target - expired, 0) - reversed_so_far, lot.spend - wanted_spend
    because = Because(order_id=order.id)
    if need < 0 or less < 0:  # it could not be given back after all
        _give_again(session, account, lot, max(-need, 0), -less, because)
    elif need or less:
        points.take_back(
            session, account, need, kind=EntryKind.REVERSE, because=because, first=lot, spend=less
        )
    if less:
        tiers.look_back(session, account, at=clock.now())
        tiers.look(session, account, at=clock.now())


def _give_again(
    session: Session,
    account: LoyaltyAccount,
    lot: LoyaltyLot,
    again: int,
    spend: Decimal,
    because: Because,
) -> None:
    waits = lot.matures_at is not None and lot.matures_at > clock.now()
    entry = points.entry_of(
        account, EntryKind.REVERSE, lot=lot, points=0 if waits else again,
        pending=again if waits else 0, spend=spend, because=because,
    )  # fmt: skip
    points.write(session, account, [entry], [lot])
    points.repay(session, account)


def _kept(session: Session, order: Order, lot: LoyaltyLot) -> Decimal:
    """Which part of what a lot was granted for still stands: 1 all of it."""
    back = rungs.share_given_back(order)
    before = sum(
        (Decimal(one["points"]) for one in lot.steps or [] if one["step"] == CREDIT), Decimal(0)
    )
    since = credit_paid(session, order)
    earning = Decimal(1)
    if since > before and order.total > before:
        earning = max(order.total - since, ZERO) / (order.total - before)
    return (1 - back) * earning


def _reversed(
    session: Session, account: LoyaltyAccount, lot: LoyaltyLot, order: Order
) -> tuple[int, int, Decimal]:
    """Points reversed so far, those of the lot that expired, and what it was spent for at first."""
    entry = LoyaltyEntry
    ours = (
        select(func.coalesce(func.sum(-entry.points - entry.pending), 0))
        .join(LoyaltyAccount, LoyaltyAccount.id == entry.account_id)
        .where(
            entry.vendor_id == account.vendor_id, entry.order_id == order.id,
            entry.kind == EntryKind.REVERSE, entry.redemption_id.is_(None),
            LoyaltyAccount.vendor_id == account.vendor_id,
            LoyaltyAccount.program_id == account.program_id,
        )
    )  # fmt: skip
    of_lot = select(
        func.coalesce(func.sum(-entry.points).filter(entry.kind == EntryKind.EXPIRE), 0),
        func.coalesce(
            func.sum(entry.spend).filter(
                entry.kind.in_([EntryKind.EARN, EntryKind.PENDING_EARN])
            ), 0,
        ),
    ).where(entry.vendor_id == account.vendor_id, entry.lot_id == lot.id)  # fmt: skip
    expired, spend = session.execute(of_lot).one()
    return int(session.scalar(ours) or 0), int(expired), Decimal(spend)


def _counting(program: LoyaltyProgram, order: Order, line: OrderLine) -> Decimal:
    """What of a line earns: never tips, and neither shipping nor tax unless the programme says."""
    if line.kind == LineKind.TIP or (line.kind == LineKind.SHIPPING and not program.on_shipping):
        return ZERO
    gross = line.total if order.includes_tax else line.total + line.tax
    return gross if program.on_tax else gross - line.tax


def _about(session: Session, order: Order, line: OrderLine) -> About:
    product_id, category_id = None, None
    if line.variant_id is not None:
        product_id = session.get_one(Variant, line.variant_id).product_id
        category_id = session.get_one(Product, product_id).category_id
    elif line.service_id is not None:
        category_id = session.get_one(Service, line.service_id).category_id
    elif line.package_id is not None:
        category_id = session.get_one(Package, line.package_id).category_id
    return About(product_id, line.service_id, _above(session, category_id), order.channel)


def _above(session: Session, category_id: int | None) -> tuple[int, ...]:
    """A category and all it hangs from."""
    chain: list[int] = []
    while category_id is not None and category_id not in chain:
        chain.append(category_id)
        category = session.get(Category, category_id)
        category_id = category.parent_id if category else None
    return tuple(chain)


def _rank(rule: LoyaltyRule, about: About) -> tuple[Any, ...] | None:
    """How much a rule says of this; None if it is about something else."""
    said = 0
    for mine, theirs in (
        (rule.product_id, about.product_id), (rule.service_id, about.service_id),
    ):  # fmt: skip
        if mine is not None:
            if mine != theirs:
                return None
            said = 1_000
    if rule.category_id is not None:
        if rule.category_id not in about.categories:
            return None
        said = 999 - about.categories.index(rule.category_id)
    if rule.channel is not None and rule.channel != about.channel:
        return None
    gives = rule.multiplier if rule.multiplier is not None else Decimal(rule.bonus or 0)
    return said, rule.channel is not None, gives, -rule.id


def _whole(earned: Decimal, program: LoyaltyProgram) -> int:
    return int(max(earned, Decimal(0)).quantize(Decimal(1), ROUND[program.rounding]))


def _step(name: str, value: Decimal, why: str) -> dict[str, str]:
    return {"step": name, "points": f"{value:.2f}", "why": why}


def _plain(value: Decimal) -> str:
    return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"


# --- bonuses -------------------------------------------------------------------------------------


def _known(session: Session, vendor_id: int, key: str) -> bool:
    query = select(LoyaltyLot.id).where(LoyaltyLot.vendor_id == vendor_id, LoyaltyLot.key == key)
    return session.scalars(query).first() is not None


def _bonus(
    session: Session,
    program: LoyaltyProgram,
    rule: LoyaltyRule | None,
    customer_id: int,
    key: str,
    booking: Booking | None = None,
) -> LoyaltyLot | None:
    """Give the bonus of a rule, once for this key; the caller holds the customer."""
    if rule is None or rule.bonus is None:
        return None
    account = points.hold(session, program=program, customer_id=customer_id)
    key = f"{key}-{program.id}"
    if _known(session, program.vendor_id, key):
        return None
    now = clock.now()
    lot = LoyaltyLot(
        source=Source(rule.earned_by), granted=rule.bonus, earned_at=now, key=key,
        booking_id=booking.id if booking else None,
        steps=[_step("bonus", Decimal(rule.bonus), rule.name)],
        expires_at=points.expiry_of(program, now, points.zone_of(session, program.vendor_id)),
    )  # fmt: skip
    return points.open_lot(session, account, lot, kind=EntryKind.EARN)


def _was_given(program: LoyaltyProgram, today: date) -> Any:
    """The lot of this year's birthday."""
    words = ("birthday-", cast(Customer.id, Text), f"-{today.year}-{program.id}")
    return select(LoyaltyLot.id).where(
        LoyaltyLot.vendor_id == program.vendor_id, LoyaltyLot.key == func.concat(*words)
    )


def _was_rebooked(session: Session, booking: Booking, rule: LoyaltyRule) -> bool:
    """Whether it was booked within some days of a visit before it; days are the vendor's."""
    zone = points.zone_of(session, booking.vendor_id)
    made = booking.created_at.astimezone(zone).date()
    last = _end_of(made, zone)
    since = _end_of(made - timedelta(days=(rule.within_days or 0) + 1), zone)
    query = select(Booking.id).where(
        Booking.vendor_id == booking.vendor_id, Booking.customer_id == booking.customer_id,
        Booking.id != booking.id, Booking.starts_at >= since, Booking.starts_at < last,
        Booking.starts_at < booking.starts_at,
        Booking.status.in_([BookingStatus.COMPLETED, BookingStatus.CHECKED_IN]),
    )  # fmt: skip
    return session.scalars(query.limit(1)).first() is not None


def _end_of(day: date, zone: Any) -> datetime:
    after = day + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=zone)
