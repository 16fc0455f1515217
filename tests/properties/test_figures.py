"""Whatever happens in whatever order, figures are what the ledgers tell, to the cent."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, event, func, select, update
from sqlalchemy.orm import Session

from app.database import begin
from app.operations import bookings, figures, market_figures, orders
from app.tenancy import SYSTEM, acting
from models.bookings import Booking
from models.customers import Customer
from models.figures import ItemFigures, SaleFigures, StaleDay
from models.orders import LineKind, Order, OrderLine
from models.payments import Refund
from models.products import Product, Variant
from models.returns import ProductReturn
from models.services import Service
from models.vendors import Vendor
from tests import make
from tests.chance import examples
from tests.properties.test_numbers import BOOKING_VERBS, ORDER_VERBS, Shop

CENT = Decimal("0.01")
Key = tuple[date, str, int, int, str]
Sums = dict[str, Decimal]
ZONES = ("Europe/Lisbon", "Pacific/Kiritimati", "America/Los_Angeles")


class Books(Shop):
    """A vendor to whom anything may happen: a year's chances in a few steps, by dice."""

    refunded_at = make.NOON

    def __init__(self, dice: Random) -> None:
        super().__init__()
        self.dice = dice
        self.open(includes_tax=dice.random() < 0.5)

    def tried(self, verb: Callable[..., Any], **ids: Any) -> Any:
        def now(_: Any, __: Any, refund: Refund) -> None:
            refund.created_at = self.refunded_at

        event.listen(Refund, "before_insert", now)
        try:
            return super().tried(verb, **ids)
        finally:
            event.remove(Refund, "before_insert", now)

    def some_money(self) -> Decimal:
        return Decimal(self.dice.choice([0, 1, 999, self.dice.randrange(100_000)])).scaleb(-2)

    def step(self) -> None:
        self.dice.choice([
            self.a_sale, self.a_sale, self.a_sale, self.a_visit, self.a_visit, self.more_comes_back,
            self.another_time, self.another_zone, self.a_gateway_refuses, self.another_category,
            self.anything,
        ])()  # fmt: skip

    def a_sale(self) -> None:
        """Paid, perhaps too much, mostly handed over, and some of it given back."""
        kinds = [*self.items, LineKind.SHIPPING, LineKind.TIP, LineKind.FEE]
        self.sell(
            self.dice.choice([0, 1, None]),
            [
                (self.dice.choice(kinds), self.dice.randrange(2), self.dice.randint(1, 3),
                 self.some_money())
                for _ in range(self.dice.randint(1, 4))
            ],
        )  # fmt: skip
        self.pay(0, None)
        if self.dice.random() < 0.4:
            self.pay(0, self.some_money())
        if self.dice.random() < 0.9:
            self.tried(orders.fulfil, order_id=self.orders[-1])
        for _ in range(self.dice.randrange(3)):
            self.more_comes_back(0)

    def more_comes_back(self, which: int | None = None) -> None:
        self.refunded_at = make.NOON + timedelta(hours=self.dice.randint(-150, 150))
        which = self.dice.randrange(4) if which is None else which
        line = self.dice.choice([None, 0, 1, 2])
        self.give_back(which, line, self.dice.choice([10, 33, 50, 100]))

    def a_visit(self) -> None:
        """Perhaps an order sells it, before it is given or after, or gives some of it back."""
        self.book(self.dice.randrange(2), 0, self.some_money(), self.dice.randint(-9, 1))
        self.move_booking(0, bookings.confirm)
        given, sold = self.dice.choice([(1, 0), (1, 2), (2, 1), (0, 1), (9, 9)])
        for moment in range(3):
            if moment == given:
                self.move_booking(0, self.dice.choice([bookings.complete, bookings.mark_no_show]))
            if moment == sold:
                before = len(self.orders)
                self.bill(0, self.dice.choice([None, self.some_money()]))
                if len(self.orders) > before:
                    self.pay(0, None)
                    self.tried(orders.fulfil, order_id=self.orders[-1])
                    self.more_comes_back(0)

    def another_time(self) -> None:
        """Sales and visits of other days, as imports and long nights bring them."""
        with acting(SYSTEM), begin() as session:
            for model, column in ((Order, Order.fulfilled_at), (Booking, Booking.completed_at)):
                mine = select(model.id).where(model.vendor_id == self.vendor_id)
                ids = session.scalars(mine.where(column.is_not(None)).order_by(model.id)).all()
                if ids:
                    moved = make.NOON + timedelta(hours=self.dice.randint(-150, 150))
                    one = update(model).where(model.id == self.dice.choice(ids))
                    session.execute(one.values({column.key: moved}))

    def another_zone(self) -> None:
        with acting(SYSTEM), begin() as session:
            session.get_one(Vendor, self.vendor_id).time_zone = self.dice.choice(ZONES)

    def a_gateway_refuses(self) -> None:
        """The money did not arrive."""
        with self.working() as session:
            ids = session.scalars(select(Refund.id).order_by(Refund.id)).all()
            if ids:
                one = update(Refund).where(Refund.id == self.dice.choice(ids))
                session.execute(one.values(status="failed"))
        self.rebuild()

    def another_category(self) -> None:
        self.move_the_product(self.dice.choice([None, 0, 1]))

    def anything(self) -> None:
        self.move_order(self.dice.randrange(4), self.dice.choice(ORDER_VERBS))
        self.move_booking(self.dice.randrange(6), self.dice.choice(BOOKING_VERBS))

    def agree(self) -> None:
        """What was noted is worked out, and then everything is as counted by hand."""
        with acting(SYSTEM), begin() as session:
            while figures.freshen(session) + market_figures.freshen(session):
                pass
            assert session.scalar(select(func.count()).select_from(StaleDay)) == 0
            told = kept(session, ItemFigures, self.vendor_id)
            assert told == recount(session, self.vendor_id)
            assert by_kind(told) == by_kind(kept(session, SaleFigures, self.vendor_id))
            _as_customers_say(session, self.vendor_id, told)
            days = [(self.vendor_id, day) for day in {key[0] for key in told}]
            assert figures.drift(session, days=days) == []
            assert market_figures.drift(session, days=[day for _, day in days]) == []


def _as_customers_say(session: Session, vendor_id: int, told: dict[Key, Sums]) -> None:
    """All days together are the customers' numbers, but for what nobody known has bought."""
    spent, services, products = session.execute(
        select(
            func.sum(Customer.total_spent), func.sum(Customer.services_spent),
            func.sum(Customer.products_spent),
        ).where(Customer.vendor_id == vendor_id)
    ).one()  # fmt: skip
    nobodys = recount(session, vendor_id, anonymous=True)

    def revenue(rows: dict[Key, Sums], *kinds: str) -> Decimal:
        return sum(
            (row["net"] - row["refunded"] for key, row in rows.items() if key[1] in kinds),
            Decimal(0),
        )

    def paid(rows: dict[Key, Sums]) -> Decimal:
        return sum(
            (r["net"] + r["tax"] - r["refunded"] - r["refunded_tax"] for r in rows.values()),
            Decimal(0),
        )

    assert revenue(told, "service") - revenue(nobodys, "service") == services
    assert revenue(told, "product") - revenue(nobodys, "product") == products
    assert paid(told) - paid(nobodys) == spent


SUMS = (
    "lines", "quantity", "returned", "gross", "discount", "net", "tax", "cost", "refunded",
    "refunded_tax",
)  # fmt: skip


def kept(session: Session, model: Any, vendor_id: int) -> dict[Key, Sums]:
    """The rows of days that are kept."""
    rows = session.execute(
        select(model.__table__).where(model.vendor_id == vendor_id, model.grain == "day")
    ).mappings()
    return {
        (
            row["starts_on"],
            row["kind"],
            row.get("item_id", 0),
            row["category_id"],
            row["channel"],
        ): {name: Decimal(row[name]) for name in SUMS}
        for row in rows
    }


def by_kind(rows: dict[Key, Sums]) -> dict[Key, Sums]:
    """The same without the item."""
    summed: dict[Key, Sums] = defaultdict(lambda: dict.fromkeys(SUMS, Decimal(0)))
    for (day, kind, _, category, channel), row in rows.items():
        for name in SUMS:
            summed[day, kind, 0, category, channel][name] += row[name]
    return dict(summed)


# --- the same once more, one row at a time ------------------------------------------------


def recount(session: Session, vendor_id: int, *, anonymous: bool = False) -> dict[Key, Sums]:
    """What the figures of days must be, counted by hand; or those of anonymous sales alone."""
    zone = ZoneInfo(session.get_one(Vendor, vendor_id).time_zone)
    found: dict[Key, Sums] = defaultdict(lambda: dict.fromkeys(SUMS, Decimal(0)))

    def day(at: datetime) -> date:
        return at.astimezone(zone).date()

    session.expire_all()
    orders = session.scalars(select(Order).where(Order.vendor_id == vendor_id)).all()
    sold = set()
    for order in orders:
        if order.status not in ("fulfilled", "completed"):
            continue
        sold |= {line.booking_id for line in order.lines}
        if anonymous and order.customer_id is not None:
            continue
        for key, row in _of_order(session, order, day):
            for name, value in row.items():
                found[key][name] += value
    bookings = session.scalars(select(Booking).where(Booking.vendor_id == vendor_id)).all()
    for booking in bookings:
        if booking.status == "completed" and booking.id not in sold and not anonymous:
            service = booking.service
            key = (
                day(_visit(booking)), "service", service.id, service.category_id or 0,
                booking.channel,
            )  # fmt: skip
            for name, value in {
                "lines": 1, "quantity": 1, "gross": booking.price, "net": booking.price,
            }.items():  # fmt: skip
                found[key][name] += value
    return dict(found)


def _visit(booking: Booking) -> datetime:
    return min(booking.starts_at, booking.completed_at or booking.starts_at)


def _of_order(session: Session, order: Order, day: Any) -> Iterator[tuple[Key, dict[str, Any]]]:
    settled = day(order.fulfilled_at)
    counting, days = [], {}
    for line in order.lines:
        if line.booking is None or line.booking.status == "completed":
            counting.append(line)
            days[line.id] = settled if line.booking is None else day(_visit(line.booking))
    for line in counting:
        net = line.gross - line.tax
        discount = line.discount
        if order.includes_tax and line.tax_percent:
            discount = (line.discount / (1 + line.tax_percent / 100)).quantize(CENT, ROUND_HALF_UP)
        yield _key(session, line, days[line.id]), {
            "lines": 1, "quantity": line.quantity, "gross": net + discount, "discount": discount,
            "net": net, "tax": line.tax, "cost": (line.cost or 0) * line.quantity,
        }  # fmt: skip
    refunds = session.scalars(
        select(Refund).where(Refund.order_id == order.id, Refund.status != "failed")
        .order_by(Refund.created_at, Refund.id)
    ).all()  # fmt: skip
    asked = select(ProductReturn).where(
        ProductReturn.order_id == order.id, ProductReturn.received_at.is_not(None)
    )
    for came in session.scalars(asked).all():
        for piece in came.lines:
            if piece.received and piece.order_line_id in days:
                at = max(days[piece.order_line_id], day(came.received_at))
                yield _key(session, piece.order_line, at), {"returned": piece.received}
    first = min(days.values(), default=settled)
    left = sum((line.kept for line in counting), Decimal(0))
    too_much = max(order.paid - order.total, Decimal(0))
    given, of_lines, before = Decimal(0), Decimal(0), Decimal(0)
    by_line: dict[int, Decimal] = defaultdict(Decimal)
    for refund in refunds:
        given += refund.amount
        for part in refund.lines:
            of_lines += part.amount
            line = part.order_line
            if line.id not in days:
                continue
            was = _tax_of(line, by_line[line.id])
            by_line[line.id] += part.amount
            tax = _tax_of(line, by_line[line.id]) - was
            back = {"refunded": part.amount - tax, "refunded_tax": tax}
            yield _key(session, line, max(days[line.id], day(refund.created_at))), back
        upto = min(left, max(given - too_much, Decimal(0)) - of_lines)
        if upto != before:
            at = max(first, day(refund.created_at))
            yield (at, "unassigned", 0, 0, order.channel), {"refunded": upto - before}
        before = upto


def _tax_of(line: OrderLine, refunded: Decimal) -> Decimal:
    if not refunded:
        return Decimal(0)
    return (line.tax * refunded / line.gross).quantize(CENT, ROUND_HALF_UP)


def _key(session: Session, line: OrderLine, day: date) -> Key:
    item: Any = None
    if line.variant_id is not None:
        item = session.get_one(Product, session.get_one(Variant, line.variant_id).product_id)
    elif line.service_id is not None:
        item = session.get_one(Service, line.service_id)
    elif line.package is not None:
        item = line.package
    category = getattr(item, "category_id", None) or 0
    channel = line.order.channel if line.booking is None else line.booking.channel
    return day, line.kind, item.id if item else line.plan_id or 0, category, channel


@examples(5)
@given(st.integers(0, 2**32))
def test_figures_are_what_the_ledgers_tell(db: Connection, seed: int) -> None:
    shop = Books(Random(seed))
    for _ in range(3):
        for _ in range(7):
            shop.step()
        shop.agree()
    with acting(SYSTEM), begin() as session:
        figures.rebuild(session)
    shop.agree()
