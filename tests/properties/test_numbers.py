"""Whatever happens in whatever order, a customer's numbers are what bookings and orders tell."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import (
    bookings,
    interests,
    memberships,
    orders,
    packages,
    payments,
    refunds,
)
from app.operations.lines import DraftLine
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bookings import Booking
from models.customers import Customer
from models.interests import CustomerInterest
from models.orders import LineKind, Order
from models.payments import Refund, Tender
from models.products import Product
from models.vendors import Vendor
from tests import make
from tests.chance import examples

BOOKING_VERBS = (
    bookings.confirm, bookings.check_in, bookings.complete, bookings.cancel,
    bookings.mark_no_show, bookings.reopen,
)  # fmt: skip
ORDER_VERBS = (orders.place, orders.fulfil, orders.complete, orders.cancel)
cents = st.decimals(min_value=0, max_value=1000, places=2)


class Shop(RuleBasedStateMachine):
    """A vendor with two customers, to whom anything may happen."""

    @initialize(includes_tax=st.booleans())
    def open(self, includes_tax: bool) -> None:
        self.vendor_id = make.new_vendor()
        self.bookings: list[int] = []
        self.orders: list[int] = []
        self.hours = 0
        self.given_back_for_no_line = False
        with acting(SYSTEM), begin() as session:
            self.categories = [make.category(session).id for _ in range(2)]
        with self.working() as session:
            self.customers = [make.customer(session).id for _ in range(2)]
            self.services = [make.service(session, kind=k).id for k in ("appointment", "stay")]
            make.tax_rate(session, tax_class=make.tax_class(session, is_default=True))
            vendor = session.get_one(Vendor, self.vendor_id)
            vendor.prices_include_tax = includes_tax
            product = make.product(session, variants=2)
            self.product = product.id
            self.items = {
                LineKind.PRODUCT: [v.id for v in product.variants],
                LineKind.SERVICE: self.services,
                LineKind.PACKAGE: [make.package(session).id],
                LineKind.MEMBERSHIP: [make.plan(session).id],
            }

    def working(self) -> AbstractContextManager[Session]:
        """A transaction of the vendor."""
        return working(self.vendor_id)

    def tried(self, verb: Callable[..., Any], **ids: Any) -> Any:
        """Do it, or be refused: a refusal leaves nothing behind."""
        try:
            with self.working() as session:
                return verb(session, **ids).id
        except DomainError:
            return None

    @rule(who=st.integers(0, 1), what=st.integers(0, 1), price=cents, days=st.integers(-90, 1))
    def book(self, who: int, what: int, price: Decimal, days: int) -> None:
        self.hours += 1
        booking_id = self.tried(
            bookings.book,
            customer_id=self.customers[who],
            service_id=self.services[what],
            starts_at=make.NOON + timedelta(days=days, hours=self.hours % 5),
            price=price,
        )
        self.bookings.append(booking_id)

    @rule(which=st.integers(0, 5), verb=st.sampled_from(BOOKING_VERBS))
    def move_booking(self, which: int, verb: Any) -> None:
        if self.bookings:
            self.tried(verb, booking_id=self.bookings[-1 - which % len(self.bookings)])

    @rule(
        who=st.sampled_from([0, 1, None]),
        lines=st.lists(
            st.tuples(st.sampled_from(list(LineKind)), st.integers(0, 1), st.integers(1, 3), cents),
            min_size=1,
            max_size=4,
        ),
    )
    def sell(self, who: int | None, lines: list[tuple[LineKind, int, int, Decimal]]) -> None:
        drafted = [
            DraftLine(
                kind,
                self.items[kind][n % len(self.items[kind])] if kind in self.items else None,
                1 if kind is LineKind.MEMBERSHIP else quantity,
                price,
            )
            for kind, n, quantity, price in lines
        ]
        customer_id = None if who is None else self.customers[who]
        order_id = self.tried(orders.save_draft, customer_id=customer_id, lines=drafted)
        assert order_id is not None
        self.orders.append(order_id)
        self.tried(orders.place, order_id=order_id)

    @rule(which=st.integers(0, 3), verb=st.sampled_from(ORDER_VERBS))
    def move_order(self, which: int, verb: Any) -> None:
        if self.orders:
            self.tried(verb, order_id=self.orders[-1 - which % len(self.orders)])

    @rule(which=st.integers(0, 5), price=st.none() | cents)
    def bill(self, which: int, price: Decimal | None) -> None:
        """A booking is paid for by an order, before it is given or afterwards."""
        booking_id = self.bookings[-1 - which % len(self.bookings)] if self.bookings else None
        if booking_id is None:
            return
        with self.working() as session:
            customer_id = session.get_one(Booking, booking_id).customer_id
        line = DraftLine(LineKind.SERVICE, unit_price=price, booking_id=booking_id)
        order_id = self.tried(orders.save_draft, customer_id=customer_id, lines=[line])
        if order_id is not None:
            self.orders.append(order_id)
            self.tried(orders.place, order_id=order_id)

    @rule(which=st.integers(0, 3), more=st.none() | cents)
    def pay(self, which: int, more: Decimal | None) -> None:
        """By card: all that is due, or any amount, which may be too much."""
        if self.orders:
            self.tried(
                payments.charge, order_id=self.orders[-1 - which % len(self.orders)],
                tender=Tender.CARD, amount=more,
            )  # fmt: skip

    @rule(which=st.integers(0, 3), line=st.none() | st.integers(0, 3), part=st.integers(1, 100))
    def give_back(self, which: int, line: int | None, part: int) -> None:
        """So many per cent of what is left of a line, or of the order."""
        order_id = self.orders[-1 - which % len(self.orders)] if self.orders else None
        if order_id is None:
            return
        with self.working() as session:
            order = session.get_one(Order, order_id)
            left = sorted(refunds.left_of_lines(order).items())
            all_left = refunds.left(order)
        share = Decimal(part) / 100
        lines, amount = None, (all_left * share).quantize(Decimal("0.01"))
        if line is not None:
            line_id, of_line = left[line % len(left)]
            lines, amount = {line_id: (of_line * share).quantize(Decimal("0.01"))}, None
        given = self.tried(
            _refunded, order_id=order_id, reason="As drawn", lines=lines, amount=amount
        )
        self.given_back_for_no_line |= line is None and given is not None

    @rule(who=st.integers(0, 1))
    def hand_out(self, who: int) -> None:
        customer_id = self.customers[who]
        package_id = self.items[LineKind.PACKAGE][0]
        assert self.tried(packages.hand_out, customer_id=customer_id, package_id=package_id)
        plan_id = self.items[LineKind.MEMBERSHIP][0]
        self.tried(memberships.join, customer_id=customer_id, plan_id=plan_id)

    @rule(which=st.sampled_from([None, 0, 1]))
    def move_the_product(self, which: int | None) -> None:
        with self.working() as session:
            product = session.get_one(Product, self.product)
            product.category_id = None if which is None else self.categories[which]

    @rule()
    def rebuild(self) -> None:
        with self.working() as session:
            interests.rebuild(session, customer_ids=self.customers)

    @invariant()
    def the_books_agree(self) -> None:
        with self.working() as session:
            assert interests.drift(session) == []
            for one in session.scalars(select(Customer)):
                numbers = [getattr(one, n) for n in interests.NUMBERS if not n.endswith("_at")]
                assert min(numbers) >= 0
                if not self.given_back_for_no_line:
                    assert one.services_spent + one.products_spent <= one.total_spent
            bought = session.scalars(select(CustomerInterest)).all()
            assert all(i.times > 0 and i.spent >= 0 for i in bought)


def _refunded(session: Session, **asked: Any) -> Refund:
    return refunds.give(session, **asked)[0]


@contextmanager
def working(vendor_id: int) -> Iterator[Session]:
    """A transaction of the vendor, at noon."""
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON), begin() as session:
        yield session


def test_no_order_of_events_makes_the_numbers_drift(db: Connection) -> None:
    run_state_machine_as_test(Shop, settings=examples(6, stateful_step_count=20))
