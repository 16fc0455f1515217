"""Figures once more, from the rows of the ledgers one at a time: no SQL, and no word of theirs."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.bookings import Booking
from models.coupons import CouponRedemption
from models.figures import LEADS, Figures
from models.memberships import Membership
from models.orders import Order
from models.packages import PackageEntry, PackageHolding
from models.points import LoyaltyAccount, LoyaltyEntry
from models.vendors import Vendor

CENT = Decimal("0.01")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Key = tuple[Any, ...]
Book = dict[Key, Counter[str]]
"""What each sum comes to, by what it sums up: grain, first day, and the keys of its table."""


class Plain:
    """Everything that happened at a vendor, counted by hand; sales of items are given."""

    def __init__(self, session: Session, vendor_id: int, sales: dict[Key, dict[str, Any]]) -> None:
        session.expire_all()
        self.session, self.vendor_id = session, vendor_id
        self.zone = ZoneInfo(session.get_one(Vendor, vendor_id).time_zone)
        self.books: dict[str, Book] = defaultdict(lambda: defaultdict(Counter))
        for (day, *keys), sums in sales.items():
            self.add("item_figures", day, *keys, **sums)
            self.add("vendor_figures", day, revenue=sums["net"] - sums["refunded"])
        self.orders()
        self.bookings()
        self.points()
        self.memberships()
        self.packages()

    def of(self, model: Any) -> Sequence[Any]:
        mine = select(model).where(model.vendor_id == self.vendor_id).order_by(model.id)
        return self.session.scalars(mine).all()

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def add(self, table: str, day: date, *keys: Any, **sums: Any) -> None:
        month = day.replace(day=1)
        starts = {
            "day": day, "week": day - day.weekday() * DAY, "month": month,
            "quarter": month.replace(month=month.month - (month.month - 1) % 3),
        }  # fmt: skip
        for grain, start in starts.items():
            self.books[table][grain, start, *keys].update(sums)

    def told(self, model: type[Figures]) -> dict[Key, dict[str, Any]]:
        """What must stand in a table, as far as it comes to anything."""
        book = self.books[model.__tablename__].items()
        return some((k, sums) for k, sums in book if model.has_quarters or k[0] != "quarter")

    def orders(self) -> None:
        used = defaultdict(list)
        for one in self.of(CouponRedemption):
            if one.status in ("redeemed", "reversed"):
                used[one.order_id].append(one)
        for order in self.of(Order):
            if order.status not in ("fulfilled", "completed"):
                continue
            day = self.day(order.fulfilled_at)
            sent = sum(line.gross for line in order.lines if line.kind == "shipping")
            self.add(
                "order_figures", day, order.channel, orders=1, total=order.total, shipping=sent,
                with_customer=int(order.customer_id is not None),
                discount=sum(line.discount for line in order.lines),
            )  # fmt: skip
            self.add("vendor_figures", day, orders=1)
            self.coupons(order, day, used[order.id])
            services = {line.service_id for line in order.lines if line.kind == "service"}
            beside = int(any(line.kind == "product" for line in order.lines))
            for number in {*services, 0} if services else ():
                self.add(
                    "attach_figures", day, number, order.channel, orders=1, with_product=beside
                )

    def coupons(self, order: Order, day: date, used: list[CouponRedemption]) -> None:
        def add(number: int, **sums: Any) -> None:
            self.add("coupon_figures", day, number, order.channel, **sums)

        for one in used:
            add(
                one.coupon_id, orders=1, taken_off=one.amount, borne=one.marketplace_amount,
                brought=order.total,
            )  # fmt: skip
        if not used:
            add(0, others=1, brought_by_others=order.total)
            return
        add(
            0, orders=1, taken_off=sum(one.amount for one in used), brought=order.total,
            borne=sum(one.marketplace_amount for one in used),
        )  # fmt: skip

    def bookings(self) -> None:
        seen: set[int] = set()
        for one in self.of(Booking):
            if one.held_until is not None:
                continue
            day, local = self.day(one.starts_at), one.starts_at.astimezone(self.zone)
            category = one.service.category_id or 0
            done, missed, gone = (
                int(one.status == word) for word in ("completed", "no_show", "cancelled")
            )
            long = 0 if gone else int((one.ends_at - one.starts_at) / MINUTE)
            took = 0 if one.class_session_id in seen else long
            if one.class_session_id and not gone:
                seen.add(one.class_session_id)
            counts = {"bookings": 1, "completed": done, "no_shows": missed}
            value = one.price * done
            self.add(
                "booking_figures", day, one.service_id, one.kind, category, one.channel, **counts,
                open=int(not (done or missed or gone)), cancelled=gone, minutes=long, value=value,
                late=int(gone and one.fee > 0), seats=0 if gone else one.seats,
                lost=one.price * (missed or gone), fees=one.fee * (missed or gone),
                **self.lead(one, day),
            )  # fmt: skip
            self.add(
                "staff_figures", day, one.staff_id or 0, category, one.channel, **counts,
                cancelled=gone, minutes=took, value=value,
            )  # fmt: skip
            self.add(
                "hour_figures", day, local.isoweekday(), local.hour, one.channel, bookings=1,
                no_shows=missed, minutes=took,
            )  # fmt: skip
            self.add(
                "vendor_figures", day, bookings=1 - gone, completed=done, no_shows=missed,
                cancelled=gone,
            )  # fmt: skip

    def lead(self, one: Booking, day: date) -> dict[str, int]:
        ahead = (day - self.day(one.created_at)).days
        if one.status == "cancelled" or one.channel == "import" or ahead < 0:
            return {}
        return {f"lead_{max(low for low in LEADS if low <= ahead)}": 1}

    def points(self) -> None:
        programs = {one.id: one.program_id for one in self.of(LoyaltyAccount)}
        for one in self.of(LoyaltyEntry):
            moved = one.points + one.pending
            self.add(
                "point_figures", self.day(one.at), programs[one.account_id], waiting=one.pending,
                **{
                    "earn": {"earned": moved}, "pending_earn": {"earned": moved}, "mature": {},
                    "expire": {"expired": -moved},
                    "reverse": {"redeemed" if one.redemption_id else "taken_back": -moved},
                    **{word: {"redeemed": -moved} for word in ("hold", "release", "redeem")},
                }.get(one.kind, {"given": moved}),
            )  # fmt: skip

    def memberships(self) -> None:
        for one in self.of(Membership):
            self.add(
                "membership_figures", self.day(one.started_at), one.plan_id, one.channel, joined=1
            )
            if one.status == "ended" and one.ended_at:
                self.add(
                    "membership_figures", self.day(one.ended_at), one.plan_id, one.channel, ended=1
                )

    def packages(self) -> None:
        holdings = {one.id: one for one in self.of(PackageHolding)}
        entries = {one.id: one for one in self.of(PackageEntry)}
        left: Counter[int] = Counter()
        words = {"use": "used", "forfeit": "forfeited", "expire": "expired", "refund": "refunded"}
        for one in sorted(entries.values(), key=lambda one: (one.at, one.id)):
            held, before = holdings[one.holding_id], left[one.holding_id]
            sums: Counter[str] = Counter()
            if one.kind == "grant":
                sums.update(sold=1, granted=one.uses)
            elif one.kind in words:
                sums[words[one.kind]] = one.uses
            elif one.kind == "restore" and one.of_id is not None:
                sums[words[entries[one.of_id].kind]] = -one.uses
            way = {"grant": 1, "restore": 1, **dict.fromkeys(words, -1)}.get(one.kind, 0)
            left[one.holding_id] += way * one.uses
            worth = _worth(held, left[one.holding_id]) - _worth(held, before)
            self.add(
                "package_figures", self.day(one.at), held.package_id, held.channel, **sums,
                deferred=worth,
            )  # fmt: skip


def _worth(held: PackageHolding, left: int) -> Decimal:
    paid = held.paid or Decimal(0)
    return (paid * left / held.uses).quantize(CENT, ROUND_HALF_UP) if held.uses else Decimal(0)


def kept(session: Session, model: type[Figures], vendor_id: int) -> Iterator[tuple[Key, Any]]:
    """What stands in a table, in the same way."""
    table = model.__table__
    by = [column.name for column in table.primary_key][1:]
    for row in session.execute(select(table).where(table.c.vendor_id == vendor_id)).mappings():
        sums = {c.name: row[c.name] for c in table.c if not c.primary_key}
        yield tuple(row[name] for name in by), sums


def some(rows: Any) -> dict[Key, dict[str, Any]]:
    """Rows and sums that come to anything."""
    told = {key: {name: n for name, n in sums.items() if n} for key, sums in dict(rows).items()}
    return {key: sums for key, sums in told.items() if sums}
