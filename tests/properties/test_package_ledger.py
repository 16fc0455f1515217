"""Uses of packages and memberships: whatever happens to them, they add up; the last is had once."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

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
    balances,
    bookings,
    memberships,
    package_uses,
    packages,
    renewals,
)
from app.tenancy import acting, vendor_actor
from models.bookings import Booking, BookingStatus
from models.memberships import IncludedUse, MembershipPeriod
from models.packages import EntryKind, HoldingStatus, PackageEntry, PackageHolding
from tests import make
from tests.chance import examples

DAY = timedelta(days=1)
Call = Callable[[Session], object]


def at_once(vendor_id: int, calls: Sequence[Call]) -> list[str]:
    """Make these calls all at the same moment; what came of each, sorted."""
    gate = threading.Barrier(len(calls))

    def run(call: Call) -> str:
        with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
            gate.wait()
            try:
                with begin() as session:
                    call(session)
            except DomainError as refusal:
                return refusal.code
            return "done"

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(run, calls))


def test_the_last_use_pays_for_one_booking(fresh_database: str) -> None:
    """Eight book with what there are three uses of: two of a package, one of a membership."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON), begin() as session:
        customer, service = make.customer(session).id, make.service(session).id
        package = make.package(session, service_id=service, uses=2).id
        packages.hand_out(session, customer_id=customer, package_id=package)
        plan = make.plan(session)
        make.plan_benefit(session, plan=plan, kind="included", uses=1, service_id=service)
        memberships.join(session, customer_id=customer, plan_id=plan.id)

    def book(day: int) -> Call:
        return lambda session: bookings.book(
            session, customer_id=customer, service_id=service, use=True,
            starts_at=make.NOON + day * DAY,
        )  # fmt: skip

    came = at_once(vendor_id, [book(day) for day in range(1, 9)])
    assert came.count("done") == 3
    assert set(came) <= {"done", "NothingToUse", "NotEnoughUses"}
    with acting(vendor_actor(vendor_id)), begin() as session:
        [held] = session.scalars(select(PackageHolding))
        assert (held.uses_left, held.uses_held) == (0, 2)
        assert len(session.scalars(select(IncludedUse)).all()) == 1
        assert len(session.scalars(select(Booking)).all()) == 3
        assert balances.drift(session) == []


def test_of_eight_renewals_at_once_one_extends(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON), begin() as session:
        ids = {"customer_id": make.customer(session).id, "plan_id": make.plan(session).id}
        number = memberships.join(session, **ids).id
    came = at_once(vendor_id, [lambda s: renewals.renew(s, membership_id=number)] * 8)
    assert came.count("done") >= 1
    with acting(vendor_actor(vendor_id)), begin() as session:
        periods = session.scalars(select(MembershipPeriod).order_by(MembershipPeriod.number)).all()
        assert [(p.number, p.status) for p in periods] == [(1, "held"), (2, "due")]


class AnyUses(RuleBasedStateMachine):
    """Two packages of five uses, one of which runs out, beside a book that is kept by hand."""

    @initialize()
    def open(self) -> None:
        self.vendor_id = make.new_vendor()
        self.now = make.NOON
        with self.at_work() as session:
            make.policy(session)
            self.customer, self.service = make.customer(session).id, make.service(session).id
            package = make.package(session, service_id=self.service, uses=5)
            self.holdings = [
                packages.hand_out(session, customer_id=self.customer, package_id=package.id)
                for _ in range(2)
            ]
            self.holdings[0].expires_at = make.NOON + 20 * DAY
            self.ids = [holding.id for holding in self.holdings]
        self.bookings: list[int] = []

    @contextmanager
    def at_work(self) -> Iterator[Session]:
        with (
            acting(vendor_actor(self.vendor_id)),
            clock.stopped_at(self.now),
            begin() as session,
        ):
            yield session

    def tried(self, call: Call) -> bool:
        try:
            with self.at_work() as session:
                call(session)
        except DomainError:
            return False
        return True

    @rule(ahead=st.integers(1, 100), named=st.sampled_from((None, 0, 1)))
    def book(self, ahead: int, named: int | None) -> None:

        def call(session: Session) -> None:
            booked = bookings.book(
                session, customer_id=self.customer, service_id=self.service, use=True,
                starts_at=self.now + ahead * timedelta(hours=1),
                holding_id=None if named is None else self.ids[named], status="confirmed",
            )  # fmt: skip
            self.bookings.append(booked.id)

        self.tried(call)

    @rule(nth=st.integers(0, 30), by=st.sampled_from(("customer", "vendor")))
    def cancel(self, nth: int, by: str) -> None:
        if self.bookings:
            number = self.bookings[nth % len(self.bookings)]
            self.tried(lambda s: bookings.cancel(s, booking_id=number, by=by))

    @rule(nth=st.integers(0, 30), verb=st.sampled_from(("complete", "mark_no_show", "reopen")))
    def outcome(self, nth: int, verb: str) -> None:
        if self.bookings:
            number = self.bookings[nth % len(self.bookings)]
            self.tried(lambda s: getattr(bookings, verb)(s, booking_id=number))

    @rule(which=st.sampled_from((0, 1)))
    def use(self, which: int) -> None:
        self.tried(lambda s: package_uses.use_one(s, holding_id=self.ids[which]))

    @rule(which=st.sampled_from((0, 1)))
    def restore(self, which: int) -> None:
        self.tried(lambda s: package_uses.restore_last(s, holding_id=self.ids[which]))

    @rule(days=st.integers(1, 12))
    def pass_time(self, days: int) -> None:
        self.now += days * DAY
        with self.at_work() as session:
            packages.expire(session, now=self.now)

    @rule(which=st.sampled_from((0, 1)), days=st.integers(1, 30))
    def extend(self, which: int, days: int) -> None:
        self.tried(
            lambda s: packages.extend(s, holding_id=self.ids[which], until=self.now + days * DAY)
        )

    @rule(which=st.sampled_from((1,)))
    def take_back(self, which: int) -> None:
        self.tried(lambda s: packages.cancel(s, holding_id=self.ids[which]))

    @invariant()
    def adds_up(self) -> None:
        if not hasattr(self, "ids"):
            return
        with self.at_work() as session:
            for held in session.scalars(select(PackageHolding)):
                parts = ("left", "held", "used", "forfeited", "expired", "refunded")
                counts = [getattr(held, f"uses_{part}") for part in parts]
                assert sum(counts) == held.uses == 5
                assert min(counts) >= 0
                if held.status in (HoldingStatus.USED_UP, HoldingStatus.CANCELLED):
                    assert held.uses_left == 0
            assert balances.drift(session) == []

    @invariant()
    def a_booking_has_one_use_and_it_is_where_the_booking_is(self) -> None:
        if not hasattr(self, "ids"):
            return
        went = {
            BookingStatus.CONFIRMED: {EntryKind.HOLD},
            BookingStatus.COMPLETED: {EntryKind.USE, EntryKind.RESTORE, EntryKind.RELEASE},
            BookingStatus.CANCELLED: {
                EntryKind.RELEASE, EntryKind.FORFEIT, EntryKind.RESTORE,
            },
            BookingStatus.NO_SHOW: {EntryKind.FORFEIT, EntryKind.RESTORE, EntryKind.RELEASE},
        }  # fmt: skip
        with self.at_work() as session:
            for booking in session.scalars(select(Booking)):
                entries = session.scalars(
                    select(PackageEntry)
                    .where(PackageEntry.booking_id == booking.id)
                    .order_by(PackageEntry.id)
                ).all()
                assert entries
                assert entries[0].kind == EntryKind.HOLD
                assert entries[-1].kind in went[BookingStatus(booking.status)]
                assert booking.price == 0


def test_whatever_happens_the_uses_add_up(db: Connection) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        AnyUses, settings=examples(4, stateful_step_count=15)
    )
