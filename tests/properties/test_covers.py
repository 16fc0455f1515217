"""Invariant 32: no cover runs after its last day, no day of it is lost, a piece has one cover."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
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
from app.operations import covers, warranty_claims
from app.tenancy import acting, vendor_actor
from models.covers import Cover, WarrantyClaim
from tests import make
from tests.chance import examples

MOVES = ("assess", "approve", "repair", "repaired", "replace", "cancel")
MONTHS, LONG = 2, 61
"""Two months from 20 November are 61 days."""


class Workshop(RuleBasedStateMachine):
    """Three covered pieces, and whatever may happen to them day after day."""

    @initialize()
    def open(self) -> None:
        self.vendor_id = make.new_vendor()
        self.day = 0
        with self.working() as session:
            order = make.order(session, customer=make.customer(session), lines=0)
            make.order_line(session, order=order, quantity=3, warranty_months=MONTHS)
            make.payment(session, order=order, amount=Decimal("100.00"))
            session.refresh(order, ["lines"])
            shipment = make.shipment(session, order=order)
            shipment.status, shipment.delivered_at = "delivered", clock.now()
            assert covers.start(session, shipment_id=shipment.id) == 3
            self.left = dict.fromkeys(session.scalars(select(Cover.id)), LONG)

    @contextmanager
    def working(self) -> Iterator[Session]:
        """A transaction of the vendor, on its day."""
        at = make.NOON + timedelta(days=self.day)
        with acting(vendor_actor(self.vendor_id)), clock.stopped_at(at), begin() as session:
            yield session

    def tried(self, verb: Any, **fields: Any) -> None:
        """Do it, or be refused: a refusal leaves nothing behind."""
        try:
            with self.working() as session:
                verb(session, **fields)
        except DomainError:
            pass
        with self.working() as session:
            heirs = session.scalars(select(Cover).where(Cover.replaces_id.is_not(None)))
            for heir in heirs:
                self.left.setdefault(heir.id, self.left[heir.replaces_id])

    @rule(days=st.integers(1, 25))
    def pass_days(self, days: int) -> None:
        with self.working() as session:
            for cover in session.scalars(select(Cover).where(Cover.status == "active")):
                self.left[cover.id] -= days
        self.day += days
        with self.working() as session:
            covers.expire(session, now=clock.now())

    @rule(which=st.integers(0, 5))
    def claim(self, which: int) -> None:
        self.tried(warranty_claims.claim, cover_id=self.nth(which), problem="It hums")

    @rule(which=st.integers(0, 3), how=st.sampled_from(MOVES))
    def move(self, which: int, how: str) -> None:
        with self.working() as session:
            claims = session.scalars(select(WarrantyClaim.id).order_by(WarrantyClaim.id.desc()))
            ids = claims.all()
        if ids:
            self.tried(getattr(warranty_claims, how), claim_id=ids[which % len(ids)])

    @rule(which=st.integers(0, 5), days=st.integers(1, 9), back=st.booleans())
    def take_in(self, which: int, days: int, back: bool) -> None:
        self.claim(which)
        self.move(0, "approve")
        self.move(0, "repair")
        self.pass_days(days)
        if back:
            self.move(0, "repaired")

    @rule(which=st.integers(0, 5), serial=st.sampled_from(["A", "B", None]))
    def name(self, which: int, serial: str | None) -> None:
        self.tried(covers.name_serial, cover_id=self.nth(which), serial=serial)

    @rule(which=st.integers(0, 5))
    def give_up(self, which: int) -> None:
        if which == 0:  # rarely, or nothing is left to look at
            self.tried(covers.void, cover_id=self.nth(which))

    def nth(self, which: int) -> int:
        ids = sorted(self.left)
        return ids[which % len(ids)]

    @invariant()
    def no_day_is_lost_and_none_is_given_away(self) -> None:
        with self.working() as session:
            today = covers.today(session, self.vendor_id)
            for cover in session.scalars(select(Cover)):
                left = self.left[cover.id]
                if cover.status == "active":
                    assert (cover.ends_on - today).days == left >= 0
                elif cover.status == "suspended":
                    assert covers.left(session, cover) == left >= 0
                elif cover.status == "expired":
                    assert left < 0

    @invariant()
    def a_piece_has_one_running_cover(self) -> None:
        with self.working() as session:
            running = select(Cover).where(Cover.status.in_(covers.RUNNING))
            found = session.scalars(running).all()
            serials = [cover.serial for cover in found if cover.serial]
            assert len(serials) == len(set(serials))
            assert len(found) <= 3
            still = select(WarrantyClaim.cover_id).where(
                WarrantyClaim.status.not_in(warranty_claims.OVER)
            )
            open_claims = session.scalars(still).all()
            assert len(open_claims) == len(set(open_claims))
            numbers = session.scalars(select(WarrantyClaim.number)).all()
            assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_no_order_of_events_loses_a_day_of_a_cover(db: Connection) -> None:
    run_state_machine_as_test(Workshop, settings=examples(8, stateful_step_count=20))


# --- at the same moment -------------------------------------------------------------------

Call = tuple[Callable[..., Any], dict[str, Any]]


def at_once(vendor_id: int, calls: list[Call]) -> list[str]:
    """Make these calls at the same moment; what came of each, sorted."""
    gate = threading.Barrier(len(calls))

    def run(call: Call) -> str:
        verb, fields = call
        with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
            gate.wait()
            try:
                with begin() as session:
                    return type(verb(session, **fields)).__name__
            except DomainError as refusal:
                return refusal.code

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(run, calls))


@pytest.fixture
def pieces(fresh_database: str) -> tuple[int, list[int]]:
    """A vendor and the covers of two pieces, committed."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = make.order(session, customer=make.customer(session))
        ids = [make.cover(session, line=order.lines[0]).id for _ in range(2)]
    return vendor_id, ids


def test_of_claims_made_at_once_one_stands(pieces: tuple[int, list[int]]) -> None:
    vendor_id, (one, two) = pieces
    calls = [(warranty_claims.claim, {"cover_id": n, "problem": "x"}) for n in (one, two) * 4]
    assert at_once(vendor_id, calls) == ["ClaimOpen"] * 6 + ["WarrantyClaim"] * 2
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert sorted(session.scalars(select(WarrantyClaim.number))) == [1, 2]


def test_a_serial_number_named_twice_at_once_is_of_one_piece(pieces: tuple[int, list[int]]) -> None:
    vendor_id, ids = pieces
    calls = [(covers.name_serial, {"cover_id": n, "serial": "A"}) for n in ids]
    assert at_once(vendor_id, calls) == ["Cover", "SerialCovered"]


def test_a_claim_is_settled_once(pieces: tuple[int, list[int]]) -> None:
    vendor_id, (one, _) = pieces
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON), begin() as session:
        claim = warranty_claims.claim(session, cover_id=one, problem="x")
        warranty_claims.approve(session, claim_id=claim.id)
    fields = {"claim_id": claim.id}
    calls: list[Call] = [(warranty_claims.replace, fields)] * 4 + [(warranty_claims.repair, fields)]
    outcomes = at_once(vendor_id, calls)
    with acting(vendor_actor(vendor_id)), begin() as session:
        heirs = session.scalars(select(Cover).where(Cover.replaces_id == one)).all()
        claim = session.get_one(WarrantyClaim, claim.id)
        assert (len(heirs), claim.resolution) == (1, "replace")
        assert session.get_one(Cover, one).status == "replaced"
    assert outcomes.count("CannotMove") in (3, 4)


def test_goods_delivered_at_once_are_covered_once(fresh_database: str) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        order = make.order(session, lines=0)
        make.order_line(session, order=order, quantity=2, warranty_months=MONTHS)
        session.refresh(order, ["lines"])
        shipment = make.shipment(session, order=order)
        shipment.status, shipment.delivered_at = "delivered", make.NOON
        session.flush()
        shipment_id = shipment.id
    at_once(vendor_id, [(covers.start, {"shipment_id": shipment_id})] * 4)
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert len(session.scalars(select(Cover)).all()) == 2
