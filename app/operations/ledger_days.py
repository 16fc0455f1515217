"""What the ledgers of offers came to on each day: one question a ledger, all arithmetic in SQL.

Days are the vendor's. Each question answers with `vendor_id`, `day`, the keys and the
measures of its figures (`models.marketing_figures`); 0 stands for none.

- Coupons: on the day the order was fulfilled; money given back later changes none of it.
- Points, uses of packages: on the day of their entry.
- Memberships: on the day they began and on the day they ended.
- Messages: on the day they were to be sent. What came of them is looked for every
  night, until `WINDOW` and `LATE` after.
- Services with products: on the day the order was fulfilled; of number 0 each order once.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased

from app.operations.figure_sources import Scope
from models.bookings import Booking, BookingStatus
from models.coupons import CouponRedemption
from models.coupons import RedemptionStatus as CouponStatus
from models.customers import ConsentPurpose
from models.memberships import Membership, MembershipStatus
from models.messages import Direction, Message, MessageStatus
from models.orders import LineKind, Order, OrderLine, OrderStatus
from models.packages import EntryKind as UseKind
from models.packages import PackageEntry, PackageHolding
from models.points import EntryKind, LoyaltyAccount, LoyaltyEntry
from models.vendors import Vendor

WINDOW = timedelta(days=14)
"""So long after a message a customer who comes, or writes back, has come because of it."""
LATE = timedelta(days=14)
"""So long after it a visit is still looked for: outcomes are written down late, and nights fail."""

SETTLED = (OrderStatus.FULFILLED, OrderStatus.COMPLETED)
REACHED = (MessageStatus.SENT, MessageStatus.DELIVERED)
TALLIED = (
    MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.FAILED, MessageStatus.SUPPRESSED,
)  # fmt: skip
ASKED_TO_COME = (ConsentPurpose.MARKETING, ConsentPurpose.REMINDER)


_ASKED = (
    text(
        "SELECT w.vendor_id, w.day,"
        " CAST(w.day AS timestamp) AT TIME ZONE v.time_zone - interval '3 hours' AS since,"
        " CAST(w.day + 1 AS timestamp) AT TIME ZONE v.time_zone + interval '3 hours' AS until"
        " FROM unnest(CAST(\\:vendors AS bigint[]), CAST(\\:days AS date[])) AS w (vendor_id, day)"
        " JOIN vendors v ON v.id = w.vendor_id"
    )
    .columns(
        vendor_id=BigInteger, day=Date, since=DateTime(timezone=True),
        until=DateTime(timezone=True),
    )
    .cte("asked")
)  # fmt: skip
"""The days that are asked for, each with time around it: clocks may change at midnight."""


def _asked(query: Any, vendor: Any, at: Any, scope: Scope) -> Any:
    """A question about a ledger, kept to the days or vendors asked for; the zone is joined."""
    query = query.join(Vendor, Vendor.id == vendor)
    if scope is Scope.DAYS:
        days = _ASKED.c
        within = and_(days.vendor_id == vendor, at >= days.since, at < days.until)
        return query.join(_ASKED, and_(within, _day(at).element == days.day))
    return query.where(*_theirs(vendor, scope))


def _theirs(vendor: Any, scope: Scope) -> list[Any]:
    these: ColumnElement[bool] = literal_column("ANY (CAST(:vendors AS bigint[]))")
    return [vendor == these] if scope is Scope.VENDORS else []


def _day(at: Any) -> Any:
    return cast(func.timezone(Vendor.time_zone, at), Date).label("day")


def _sum(what: Any, *those: Any) -> Any:
    total = func.sum(what)
    return func.coalesce(total.filter(*those) if those else total, 0)


def _of_order(model: Any) -> Any:
    return and_(model.vendor_id == Order.vendor_id, model.order_id == Order.id)


# --- coupons ------------------------------------------------------------------------------


def coupons(scope: Scope = Scope.ALL) -> Select[Any]:
    """Coupons of orders that count; of number 0 every order with any, beside all the others."""
    used = CouponRedemption.status.in_([CouponStatus.REDEEMED, CouponStatus.REVERSED])
    orders = _asked(
        select(
            Order.vendor_id, _day(Order.fulfilled_at), Order.channel, Order.id.label("order_id"),
            Order.total,
        ).where(Order.status.in_(SETTLED), Order.fulfilled_at.is_not(None)),
        Order.vendor_id, Order.fulfilled_at, scope,
    ).cte("orders_of")  # fmt: skip
    uses = (
        select(
            orders, CouponRedemption.coupon_id, CouponRedemption.amount,
            CouponRedemption.marketplace_amount,
        )
        .join(
            CouponRedemption,
            and_(
                CouponRedemption.vendor_id == orders.c.vendor_id,
                CouponRedemption.order_id == orders.c.order_id, used,
            ),
        )
        .cte("uses_of")
    )  # fmt: skip
    key = (uses.c.vendor_id, uses.c.day, uses.c.channel)
    each = select(
        *key, uses.c.coupon_id, func.count().label("orders"),
        _sum(uses.c.amount).label("taken_off"),
        _sum(uses.c.marketplace_amount).label("borne"), _sum(uses.c.total).label("brought"),
        literal(0).label("others"), literal(0).label("brought_by_others"),
    ).group_by(*key, uses.c.coupon_id)  # fmt: skip
    by_order = (
        select(
            uses.c.vendor_id,
            uses.c.order_id,
            _sum(uses.c.amount).label("amount"),
            _sum(uses.c.marketplace_amount).label("borne"),
        )
        .group_by(uses.c.vendor_id, uses.c.order_id)
        .subquery("used")
    )
    all_key = (orders.c.vendor_id, orders.c.day, orders.c.channel)
    has = by_order.c.order_id.is_not(None)
    together = (
        select(
            *all_key, cast(literal(0), BigInteger).label("coupon_id"), func.count().filter(has),
            _sum(by_order.c.amount), _sum(by_order.c.borne), _sum(orders.c.total, has),
            func.count().filter(~has), _sum(orders.c.total, ~has),
        )
        .select_from(orders)
        .outerjoin(
            by_order,
            and_(
                by_order.c.vendor_id == orders.c.vendor_id,
                by_order.c.order_id == orders.c.order_id,
            ),
        )
        .group_by(*all_key)
    )  # fmt: skip
    both = union_all(each, together).subquery("coupons_of")
    return select(both)


# --- points -------------------------------------------------------------------------------


def points(scope: Scope = Scope.ALL) -> Select[Any]:
    """Points earned, spent, expired, taken back; together they are the change of what is open."""
    entry, kinds = LoyaltyEntry, EntryKind
    moved = entry.points + entry.pending
    of_reward = entry.redemption_id.is_not(None)
    spending = or_(
        entry.kind.in_([kinds.HOLD, kinds.RELEASE, kinds.REDEEM]),
        and_(entry.kind == kinds.REVERSE, of_reward),
    )
    gave = [kinds.ADJUST, kinds.REINSTATE, kinds.REPAY, kinds.TRANSFER]
    key = (entry.vendor_id, _day(entry.at), LoyaltyAccount.program_id)
    query = (
        select(
            *key,
            _sum(moved, entry.kind.in_([kinds.EARN, kinds.PENDING_EARN])).label("earned"),
            (-_sum(moved, spending)).label("redeemed"),
            (-_sum(moved, entry.kind == kinds.EXPIRE)).label("expired"),
            (-_sum(moved, entry.kind == kinds.REVERSE, ~of_reward)).label("taken_back"),
            _sum(moved, entry.kind.in_(gave)).label("given"),
            _sum(entry.pending).label("waiting"),
        )
        .join(
            LoyaltyAccount,
            and_(
                LoyaltyAccount.vendor_id == entry.vendor_id, LoyaltyAccount.id == entry.account_id
            ),
        )
        .group_by(*_plain(key))
    )
    asked: Select[Any] = _asked(query, entry.vendor_id, entry.at, scope)
    return asked


def _plain(key: Any) -> list[Any]:
    """Labels are grouped by what they stand for."""
    return [getattr(one, "element", one) for one in key]


# --- memberships --------------------------------------------------------------------------


def memberships(scope: Scope = Scope.ALL) -> Select[Any]:
    """Memberships that began, and that ended."""
    row = Membership

    def part(at: Any, joined: int, *those: Any) -> Any:
        query = select(
            row.vendor_id, _day(at), row.plan_id, row.channel,
            literal(joined).label("joined"), literal(1 - joined).label("ended"),
        ).where(*those)  # fmt: skip
        return _asked(query, row.vendor_id, at, scope)

    over = (row.status == MembershipStatus.ENDED, row.ended_at.is_not(None))
    both = union_all(part(row.started_at, 1), part(row.ended_at, 0, *over)).subquery("changes")
    key = (both.c.vendor_id, both.c.day, both.c.plan_id, both.c.channel)
    sums = (_sum(both.c.joined).label("joined"), _sum(both.c.ended).label("ended"))
    return select(*key, *sums).group_by(*key)


# --- packages -----------------------------------------------------------------------------


def packages(scope: Scope = Scope.ALL) -> Select[Any]:
    """Uses of packages, and how what is paid for and not yet used has changed.

    What is open of a package is `paid × open uses / uses`, to the cent; the changes of a package
    add up to it, whatever the cents do in between.
    """
    mentioned = select(PackageEntry.vendor_id, PackageEntry.holding_id).distinct()
    touched = _asked(mentioned, PackageEntry.vendor_id, PackageEntry.at, scope).cte("touched")
    entry, before, kinds = PackageEntry, aliased(PackageEntry), UseKind
    way = case(
        (entry.kind.in_([kinds.GRANT, kinds.RESTORE]), entry.uses),
        (entry.kind.in_([kinds.USE, kinds.FORFEIT, kinds.EXPIRE, kinds.REFUND]), -entry.uses),
        else_=0,
    )
    steps = (
        select(
            entry.vendor_id, entry.at, entry.kind, entry.uses, PackageHolding.package_id,
            PackageHolding.channel, before.kind.label("was"), way.label("way"),
            func.coalesce(PackageHolding.paid, 0).label("paid"),
            func.nullif(PackageHolding.uses, 0).label("of"),
            func.sum(way)
            .over(partition_by=(entry.vendor_id, entry.holding_id), order_by=(entry.at, entry.id))
            .label("open"),
        )
        .select_from(touched)
        .join(
            entry,
            and_(
                entry.vendor_id == touched.c.vendor_id,
                entry.holding_id == touched.c.holding_id,
            ),
        )
        .join(
            PackageHolding,
            and_(
                PackageHolding.vendor_id == entry.vendor_id, PackageHolding.id == entry.holding_id
            ),
        )
        .outerjoin(before, and_(before.vendor_id == entry.vendor_id, before.id == entry.of_id))
        .subquery("steps")
    )  # fmt: skip
    one = steps.c

    def worth(open_uses: Any) -> Any:
        return func.coalesce(func.round(one.paid * open_uses / one.of, 2), 0)

    def net(kind: UseKind) -> Any:
        back = and_(one.kind == kinds.RESTORE, one.was == kind)
        return _sum(one.uses, one.kind == kind) - _sum(one.uses, back)

    key = (one.vendor_id, _day(one.at), one.package_id, one.channel)
    query = select(
        *key,
        func.count().filter(one.kind == kinds.GRANT).label("sold"),
        _sum(one.uses, one.kind == kinds.GRANT).label("granted"),
        net(kinds.USE).label("used"),
        net(kinds.FORFEIT).label("forfeited"),
        net(kinds.EXPIRE).label("expired"),
        _sum(one.uses, one.kind == kinds.REFUND).label("refunded"),
        _sum(worth(one.open) - worth(one.open - one.way)).label("deferred"),
    ).group_by(*_plain(key))
    asked: Select[Any] = _asked(query, one.vendor_id, one.at, scope)
    return asked


# --- messages -----------------------------------------------------------------------------


def messages(scope: Scope = Scope.ALL) -> Select[Any]:
    """What went out, what became of it, and who came; answers stand as messages of their own.

    Every message out that is done with counts once: `sent`, of which `delivered`; else `failed`
    or `held_back`. Of those sent, `answered` counts where the customer wrote back by the same
    way; and of reminders and offers to a customer that is known (`asked`) counts `came`: a visit
    that was both booked and taken, or an order placed, in the `WINDOW` after it; and `came_before`:
    the same in the `WINDOW` before it, which is what such customers do without being asked.
    """
    one = Message
    sent = one.status.in_(REACHED)
    moment = func.coalesce(one.sent_at, one.send_at)
    asked = and_(sent, one.purpose.in_(ASKED_TO_COME), one.customer_id.is_not(None))
    rows = _asked(
        select(
            one.vendor_id, _day(one.send_at), one.channel.label("way"), one.purpose,
            one.direction,
            func.coalesce(one.event, "").label("event"), _rule().label("rule_id"),
            one.status, asked.label("asked"),
            case((asked, _came(moment, moment + WINDOW)), else_=False).label("came"),
            case((asked, _came(moment - WINDOW, moment)), else_=False).label("came_before"),
            case((and_(sent, one.direction == Direction.OUT), _answered(moment)), else_=False)
            .label("answered"),
        ).where(or_(one.direction == Direction.IN, one.status.in_(TALLIED))),
        one.vendor_id, one.send_at, scope,
    ).subquery("rows")  # fmt: skip
    row = rows.c
    out = row.direction == Direction.OUT

    def count(*those: Any) -> Any:
        return func.count().filter(*those)

    key = (row.vendor_id, row.day, row.way, row.purpose, row.event, row.rule_id)
    return select(
        *key,
        count(out, row.status.in_(REACHED)).label("sent"),
        count(out, row.status == MessageStatus.DELIVERED).label("delivered"),
        count(out, row.status == MessageStatus.FAILED).label("failed"),
        count(out, row.status == MessageStatus.SUPPRESSED).label("held_back"),
        count(~out).label("received"),
        count(row.answered).label("answered"),
        count(out, row.asked).label("asked"),
        count(out, row.came).label("came"),
        count(out, row.came_before).label("came_before"),
    ).group_by(*key)


def _rule() -> Any:
    """The rule that spoke, as the key of its message tells; 0: none did."""
    number = func.substring(Message.key, r"^rule:(\d{1,18}):")
    return func.coalesce(cast(number, BigInteger), 0)


def _came(since: Any, until: Any) -> Any:
    """Whether the customer of a message booked and took a visit in this time, or bought."""
    visit = exists().where(
        Booking.vendor_id == Message.vendor_id,
        Booking.customer_id == Message.customer_id,
        Booking.status == BookingStatus.COMPLETED,
        Booking.created_at >= since,
        Booking.starts_at >= since,
        Booking.starts_at < until,
    )
    order = exists().where(
        Order.vendor_id == Message.vendor_id,
        Order.customer_id == Message.customer_id,
        Order.status.in_(SETTLED),
        Order.placed_at >= since,
        Order.placed_at < until,
    )
    return or_(visit, order)


def _answered(since: Any) -> Any:
    answer = aliased(Message)
    return exists().where(
        answer.vendor_id == Message.vendor_id,
        answer.customer_id == Message.customer_id,
        answer.direction == Direction.IN,
        answer.channel == Message.channel,
        answer.send_at >= since,
        answer.send_at < since + WINDOW,
    )


# --- what goes together -------------------------------------------------------------------


def attached(scope: Scope = Scope.ALL) -> Select[Any]:
    """Orders with a service, and those of them with a product as well."""
    product = aliased(OrderLine)
    bought = exists().where(
        product.vendor_id == Order.vendor_id,
        product.order_id == Order.id,
        product.kind == LineKind.PRODUCT,
    )
    sold = _asked(
        select(
            Order.vendor_id, _day(Order.fulfilled_at), Order.channel, Order.id,
            OrderLine.service_id, bought.label("with_product"),
        )
        .join(OrderLine, _of_order(OrderLine))
        .where(
            Order.status.in_(SETTLED), Order.fulfilled_at.is_not(None),
            OrderLine.kind == LineKind.SERVICE,
        )
        .distinct(),
        Order.vendor_id, Order.fulfilled_at, scope,
    ).cte("sold")  # fmt: skip
    one = sold.c
    by = (one.vendor_id, one.day, one.channel)
    each = select(
        *by, one.service_id, func.count().label("orders"),
        func.count().filter(one.with_product).label("with_product"),
    ).group_by(*by, one.service_id)  # fmt: skip
    none: ColumnElement[int] = cast(literal(0), BigInteger)
    any_of_them = select(
        *by, none.label("service_id"), func.count(one.id.distinct()),
        func.count(one.id.distinct()).filter(one.with_product),
    ).group_by(*by)  # fmt: skip
    return select(union_all(each, any_of_them).subquery("attached_of"))


# --- as the roll-ups take it --------------------------------------------------------------


QUESTIONS: Mapping[str, Callable[[Scope], Select[Any]]] = {
    "coupon_figures": coupons,
    "point_figures": points,
    "membership_figures": memberships,
    "package_figures": packages,
    "message_figures": messages,
    "attach_figures": attached,
}
"""By table: what its rows of days are."""


def rows(table: str, scope: Scope) -> str:
    """The same as a statement with `:vendors` and `:days`, as `app.operations.figures` reads it."""
    named = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]  # it has no types
    asked = QUESTIONS[table](scope)
    return str(asked.compile(dialect=named, compile_kwargs={"literal_binds": True}))
