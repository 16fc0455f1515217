"""What is bought together, against shares worked out by hand."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from math import log

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import pairs
from app.tenancy import acting, admin_actor, vendor_actor
from models.customers import Customer
from models.pairs import ItemPair
from tasks.pairs import rebuild
from tests import make

CUT, BALM, TEA, RARE = 1, 2, 3, 4


def bought(session: Session, who: Iterable[Customer], item: int, **fields: object) -> None:
    kind = "appointment" if item == CUT else "product"
    for customer in who:
        make.interest(session, customer=customer, kind=kind, item_id=item, **fields)


def salon() -> int:
    """Forty customers: twenty had a cut, sixteen a balm, fourteen of them both; all drink tea."""
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        known = [make.customer(session) for _ in range(40)]
        bought(session, known[:20], CUT)
        bought(session, known[6:22], BALM)
        bought(session, known, TEA)
        bought(session, known[:4], RARE)
        long_ago = make.NOON - timedelta(days=pairs.DAYS + 1)
        bought(session, known[:20], 5, last_at=long_ago)
        bought(session, known[:20], 6, times=0)
    return vendor_id


def kept(vendor_id: int) -> dict[tuple[int, int], ItemPair]:
    with acting(vendor_actor(vendor_id)), begin() as session:
        found = session.scalars(select(ItemPair)).all()
        session.expunge_all()
    return {(one.item_id, one.next_id): one for one in found}


def surprise(both: int, one: int, other: int, everybody: int) -> float:
    """Twice the sum of k * ln(k * n / (row * column)) over the four cells."""
    cells = ((both, one, other), (one - both, one, everybody - other),
             (other - both, everybody - one, other),
             (everybody - one - other + both, everybody - one, everybody - other))  # fmt: skip
    return 2 * sum(k * log(k * everybody / (row * column)) for k, row, column in cells if k)


def test_pairs_are_shares_of_those_who_bought_the_first(db: Connection) -> None:
    vendor_id = salon()
    with clock.stopped_at(make.NOON):
        assert rebuild.apply().get() == 2
    found = kept(vendor_id)
    assert set(found) == {(CUT, BALM), (BALM, CUT)}
    there, back = found[CUT, BALM], found[BALM, CUT]
    assert (there.kind, there.next_kind) == ("appointment", "product")
    assert (there.customers, there.together) == (20, 14)
    assert (there.share, there.usual, there.lift) == (
        Decimal("0.7"), Decimal("0.4"), Decimal("1.75"),
    )  # fmt: skip
    assert (back.share, back.usual, back.lift) == (
        Decimal("0.875"), Decimal("0.5"), Decimal("1.75"),
    )  # fmt: skip
    with clock.stopped_at(make.NOON + timedelta(days=1)):
        assert rebuild.apply().get() == 2
    assert {one.id for one in kept(vendor_id).values()}.isdisjoint({there.id, back.id})


def test_what_may_be_chance_is_no_pair(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor_id, by_hand = salon(), surprise(14, 20, 16, 40)
    assert round(by_hand, 2) == 16.4
    for sure, expected in ((by_hand - 0.001, 2), (by_hand + 0.001, 0)):
        monkeypatch.setattr(pairs, "SURE", sure)
        with acting(vendor_actor(vendor_id)), begin() as session:
            assert pairs.rebuild(session, vendor_id=vendor_id, now=make.NOON) == expected
    monkeypatch.setattr(pairs, "SURE", 0)
    monkeypatch.setattr(pairs, "LEAST", 15)
    with acting(vendor_actor(vendor_id)), begin() as session:
        assert pairs.rebuild(session, vendor_id=vendor_id, now=make.NOON) == 0


def test_the_work_is_bounded(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor_id = salon()

    def worked_out(**limits: int) -> set[tuple[int, int]]:
        with monkeypatch.context() as patch:
            for name, most in {"SURE": 0, "LEAST": 1, "LIFT": 0, **limits}.items():
                patch.setattr(pairs, name, most)
            with acting(vendor_actor(vendor_id)), begin() as session:
                pairs.rebuild(session, vendor_id=vendor_id, now=make.NOON)
        return set(kept(vendor_id))

    every = worked_out()
    assert (RARE, CUT) in every
    assert every == {(b, a) for a, b in every}
    assert worked_out(ITEMS=2) == {(CUT, TEA), (TEA, CUT)}
    assert worked_out(FOLLOWING=1) == {(CUT, TEA), (BALM, TEA), (TEA, CUT), (RARE, CUT)}
    assert worked_out(EACH=1) == set()
    sampled = worked_out(ROWS=30)
    assert sampled <= every
    assert max((one.customers for one in kept(vendor_id).values()), default=0) < 30


def test_vendors_keep_to_themselves(db: Connection) -> None:
    vendor_id, other = salon(), make.new_vendor()
    with clock.stopped_at(make.NOON):
        assert rebuild.apply().get() == 2
    assert kept(other) == {}
    with acting(admin_actor()), begin() as session:
        assert set(session.scalars(select(ItemPair.vendor_id))) == {vendor_id}
