"""Whatever happens on whatever day, every figure of every table is what its ledgers come to."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import (
    bookings,
    class_sessions,
    figures,
    loyalty,
    memberships,
    merging,
    orders,
    package_refunds,
    package_uses,
    packages,
    payments,
    returns,
)
from app.operations.lines import DraftLine
from app.operations.returns import Asked, Came, Settled
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bookings import Booking
from models.customers import Customer, CustomerMerge
from models.figures import Figures
from models.marketing_figures import MessageFigures
from models.memberships import Membership
from models.orders import LineKind, Order
from models.packages import Package, PackageHolding
from models.payments import Tender
from models.returns import Condition, Disposition, ProductReturn, Resolution
from models.services import Service
from models.words import Channel
from tests import make
from tests.chance import examples
from tests.properties.plain_figures import Plain, kept, some
from tests.properties.test_figures import Books, recount

HOUR = timedelta(hours=1)
COMPARED: tuple[type[Figures], ...] = tuple(
    model for model in figures.TABLES if model is not MessageFigures
)
"""All but what is known later: who comes after a message."""


@contextmanager
def at_work(vendor_id: int, now: datetime) -> Iterator[Session]:
    with acting(vendor_actor(vendor_id)), clock.stopped_at(now), begin() as session:
        yield session


class Year(Books):
    """The same vendor while time passes, over both changes of the clock, with all that it sells.

    Bookings move, goods come back, packages are used up, points given and taken, members come and
    go, two files become one and two again; what is sold changes its category.
    """

    def __init__(self, dice: Random) -> None:
        self.now = make.NOON - timedelta(days=30)
        super().__init__(dice)
        with self.working() as session:
            self.files = [make.customer(session).id for _ in range(2)]
            self.staff = [make.staff_member(session).id for _ in range(2)]
            self.program = make.program(session).id
            make.coupon(session, code=None)
            taught = make.service(session, kind="class", capacity=6)
            self.classes = [
                make.class_session(
                    session, service=taught, starts_at=self.now + n * timedelta(days=2)
                ).id
                for n in (3, 15)
            ]  # fmt: skip

    def working(self) -> AbstractContextManager[Session]:
        return at_work(self.vendor_id, self.now)

    def step(self) -> None:
        self.now += self.dice.randint(0, 50) * HOUR
        self.refunded_at = self.now
        self.dice.choice([
            super().step, super().step, self.a_sale, self.over_the_counter, self.a_booking,
            self.a_booking, self.another_slot, self.a_booking_ends, self.a_booking_ends,
            self.goods_come_back, self.a_use, self.points, self.a_member, self.one_file_of_two,
            self.a_place_in_a_class, self.all_categories,
        ])()  # fmt: skip

    def somebody(self) -> int:
        """Two customers, or one of the files that are made one and two again."""
        return self.dice.choice([*self.customers, *self.files])

    def book(self, who: int, what: int, price: Decimal, days: int) -> None:
        self.a_booking(self.customers[who], self.now + timedelta(days=days), price)

    def one(self, model: Any, *those: Any) -> Any:
        """The id of any row, or None."""
        with self.working() as session:
            mine = select(model.id).where(model.vendor_id == self.vendor_id, *those)
            ids = session.scalars(mine.order_by(model.id)).all()
        return self.dice.choice(ids) if ids else None

    def over_the_counter(self) -> None:
        """A package, a membership and goods, paid and handed over."""
        kinds = (LineKind.PACKAGE, LineKind.PRODUCT, LineKind.SERVICE, LineKind.SHIPPING)
        lines = [
            DraftLine(
                kind, self.dice.choice(self.items[kind]) if kind in self.items else None,
                self.dice.randint(1, 3), self.some_money(),
            )
            for kind in self.dice.sample(kinds, 3)
        ]  # fmt: skip
        order_id = self.tried(
            orders.save_draft, customer_id=self.somebody(), lines=lines,
            channel=self.dice.choice(list(Channel)),
        )  # fmt: skip
        if order_id is not None:
            self.orders.append(order_id)
            self.tried(orders.place, order_id=order_id)
            self.tried(payments.charge, order_id=order_id, tender=Tender.CARD)
            self.tried(orders.fulfil, order_id=order_id)

    def a_booking(
        self, who: int | None = None, at: datetime | None = None, price: Decimal | None = None
    ) -> None:
        booking_id = self.tried(
            bookings.book, customer_id=who or self.somebody(),
            service_id=self.dice.choice(self.services),
            starts_at=at or self.now + self.dice.randint(-40, 200) * HOUR,
            staff_id=self.dice.choice([*self.staff, None]), price=price or self.some_money(),
            channel=self.dice.choice([*Channel]), anyway="As drawn",
        )  # fmt: skip
        if booking_id is None:
            return
        self.bookings.append(booking_id)
        with acting(SYSTEM), begin() as session:  # the database says when it was made
            made = update(Booking).where(Booking.id == booking_id)
            session.execute(made.values(created_at=self.now))

    def another_slot(self) -> None:
        to, which = self.now + self.dice.randint(-40, 200) * HOUR, self.one(Booking)
        if which is not None:
            self.tried(
                bookings.reschedule, booking_id=which, starts_at=to,
                staff_id=self.dice.choice([*self.staff, None]), anyway="As drawn",
            )  # fmt: skip

    def a_booking_ends(self) -> None:
        verbs = (
            bookings.check_in, bookings.complete, bookings.complete, bookings.mark_no_show,
            bookings.cancel, bookings.reopen,
        )  # fmt: skip
        which = self.one(Booking)
        chosen = (bookings.confirm, *self.dice.sample(verbs, 2))
        for verb in chosen if which is not None else ():
            self.tried(verb, booking_id=which)

    def a_place_in_a_class(self) -> None:
        self.tried(
            class_sessions.join, class_session_id=self.dice.choice(self.classes),
            customer_id=self.somebody(), seats=self.dice.randint(1, 2),
        )  # fmt: skip

    def goods_come_back(self) -> None:
        """Asked for, received on another day, and mostly paid back on a third."""
        order_id = self.one(Order, Order.delivered > Order.returned)
        if order_id is None:
            return
        with self.working() as session:
            possible = returns.returnable(session, session.get_one(Order, order_id))
        asked = [Asked(line, self.dice.randint(1, n), "As drawn") for line, n in possible.items()]
        back = self.tried(returns.ask, order_id=order_id, lines=asked)
        if back is None:
            return
        with self.working() as session:
            lines = {one.id: one.quantity for one in session.get_one(ProductReturn, back).lines}
        self.now += self.dice.randint(0, 60) * HOUR
        came = {
            line: Came(self.dice.randint(0, n), Condition.OPENED, Disposition.SCRAP)
            for line, n in lines.items()
        }
        self.tried(returns.receive, return_id=back, lines=came)
        self.now = self.refunded_at = self.now + self.dice.randint(0, 60) * HOUR
        given = {line: Settled(Resolution.REFUND) for line in lines}
        self.tried(returns.settle, return_id=back, lines=given)

    def a_use(self) -> None:
        held = self.one(PackageHolding)
        if held is None:
            self.tried(
                packages.hand_out, customer_id=self.somebody(),
                package_id=self.items[LineKind.PACKAGE][0],
            )  # fmt: skip
            return
        chosen = self.dice.randrange(9)
        if chosen == 0:
            self.tried(paid_back, holding_id=held)
        elif chosen == 1:
            with self.working() as session:
                session.get_one(PackageHolding, held).expires_at = self.now
            with acting(SYSTEM), clock.stopped_at(self.now + HOUR), begin() as session:
                packages.expire(session, now=self.now + HOUR)
        elif chosen < 4:
            self.tried(package_uses.restore_last, holding_id=held)
        else:
            self.tried(package_uses.use_one, holding_id=held)

    def points(self) -> None:
        whose = {"customer_id": self.somebody(), "program_id": self.program}
        number = self.dice.randint(1, 500)
        if self.dice.random() < 0.6:
            self.tried(loyalty.give, **whose, points_given=number, reason="As drawn")
        else:
            self.tried(loyalty.take, **whose, points_taken=number, reason="As drawn")

    def a_member(self) -> None:
        if self.dice.random() < 0.6:
            self.tried(
                memberships.join, customer_id=self.somebody(),
                plan_id=self.items[LineKind.MEMBERSHIP][0],
            )  # fmt: skip
        elif (which := self.one(Membership)) is not None:
            self.tried(memberships.end, membership_id=which)

    def one_file_of_two(self) -> None:
        merged = self.one(CustomerMerge, CustomerMerge.undone_at.is_(None))
        if merged is not None:
            self.tried(two_again, merge_id=merged)
            return
        survivor, other = self.dice.sample(self.files, 2)
        self.tried(merging.merge, survivor_id=survivor, merged_id=other)

    def all_categories(self) -> None:
        category = self.dice.choice([None, *self.categories])
        with self.working() as session:
            if self.dice.random() < 0.5:
                session.get_one(Service, self.services[0]).category_id = category
            else:
                package_id = self.items[LineKind.PACKAGE][0]
                session.get_one(Package, package_id).category_id = category

    def agree(self) -> None:
        super().agree()
        with acting(SYSTEM), begin() as session:
            plain = Plain(session, self.vendor_id, recount(session, self.vendor_id))
            for model in COMPARED:
                name = model.__tablename__
                if name == "sale_figures":
                    continue  # held against the items already
                told = some(kept(session, model, self.vendor_id))
                assert told == plain.told(model), name


def paid_back(session: Session, *, holding_id: int) -> PackageHolding:
    package_refunds.refund(session, holding_id=holding_id, reason="As drawn")
    return session.get_one(PackageHolding, holding_id)


def two_again(session: Session, *, merge_id: int) -> Customer:
    return merging.undo_merge(session, merge_id=merge_id).restored


@examples(3)
@given(st.integers(0, 2**32))
def test_every_figure_is_what_its_ledgers_come_to(db: Connection, seed: int) -> None:
    shop = Year(Random(seed))
    for _ in range(3):
        for _ in range(12):
            shop.step()
        shop.agree()
    with acting(SYSTEM), begin() as session:
        figures.rebuild(session)
    shop.agree()
