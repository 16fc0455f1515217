"""Two files become one and two again, and nothing is lost on the way."""

import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import balances, credit, customers, interests, merging, reaching
from app.tenancy import acting, admin_actor, vendor_actor
from models.customers import Customer
from models.interests import CustomerInterest
from tests import make
from tests.chance import examples

MOVES = ("bookings", "orders", "package_holdings", "memberships", "tasks", "customer_tags",
         "addresses", "customer_preferences", "preferred_categories", "customer_interests",
         "import_rows")  # fmt: skip


@pytest.fixture
def vendor(db: Connection) -> int:
    return make.new_vendor()


def snapshot(vendor: int) -> dict[str, Any]:
    """Every row of the vendor that says something about customers, without when it was touched."""
    with acting(vendor_actor(vendor)), begin() as session:
        run = session.connection().exec_driver_sql
        rows: dict[str, Any] = {}
        for table in ("customers", *MOVES):
            # An interest that is worked out anew gets a new id.
            less = "'updated_at'" if table != "customer_interests" else "'id'"
            rows[table] = sorted(
                run(f"SELECT (to_jsonb(t) - {less})::text FROM {table} t").scalars()
            )
        for number in session.scalars(select(Customer.id)):
            held = reaching.in_force(session, customer_id=number)
            rows[f"consents of {number}"] = sorted((k, c.granted) for k, c in held.items())
        return rows


def filled(vendor: int, draw: Any = None) -> tuple[int, int]:
    """Two files with something of everything, and numbers that are true."""
    take = draw or (lambda: 1)
    with acting(vendor_actor(vendor)), begin() as session:
        two = [
            make.customer(session, full_name="Ann", email="ann@example.com"),
            make.customer(session, full_name="Ann Lee", phone="+351211234567", note="quiet"),
        ]
        service, package = make.service(session), make.package(session)
        tags = [make.tag(session) for _ in range(3)]
        for customer in two:
            for _ in range(take()):
                make.booking(session, customer=customer, service=service, status="completed")
            for _ in range(take()):
                make.order(session, customer=customer, status="fulfilled", fulfilled_at=make.NOON)
            for tag in tags[: take()]:
                make.customer_tag(session, customer=customer, tag=tag)
            for _ in range(take()):
                make.task(session, customer=customer)
                make.address(session, customer=customer)
                make.holding(session, customer=customer, package=package)
            if take():
                make.preference(session, customer=customer)
            if value := take():
                make.credit_entry(session, customer=customer, amount=Decimal(value))
            for _ in range(take()):
                make.consent(session, customer=customer, granted=bool(take() % 2))
        ids = [customer.id for customer in two]
        interests.rebuild(session, customer_ids=ids)
    return ids[0], ids[1]


def test_a_merge_and_its_undoing_change_nothing(db: Connection) -> None:
    @examples(9)
    @given(data=st.data(), swap=st.booleans())
    def check(data: st.DataObject, swap: bool) -> None:
        vendor = make.new_vendor()
        a, b = filled(vendor, lambda: data.draw(st.integers(0, 2)))
        first, second = (b, a) if swap else (a, b)
        before = snapshot(vendor)
        with acting(vendor_actor(vendor)), begin() as session:
            record = merging.merge(session, survivor_id=first, merged_id=second)
            assert interests.drift(session) == []
            survivor = session.get_one(Customer, first)
            session.refresh(survivor)
            spent = survivor.total_spent
        assert spent == sum((Decimal(str(_spent(row))) for row in before["customers"]), Decimal(0))
        with acting(vendor_actor(vendor)), begin() as session:
            undone = merging.undo_merge(session, merge_id=record.id)
            assert undone.kept == ()
            assert interests.drift(session) == []
        assert snapshot(vendor) == before

    check()


def _spent(row: str) -> Any:
    return json.loads(row)["total_spent"]


def test_a_merge_moves_everything_and_old_ids_lead_on(vendor: int) -> None:
    a, b = filled(vendor)
    with acting(vendor_actor(vendor)), begin() as session:
        merging.merge(session, survivor_id=a, merged_id=b, choices={"full_name": "merged"})
        one, other = session.get_one(Customer, a), session.get_one(Customer, b)
        session.refresh(one)
        assert (one.full_name, one.email, one.phone) == (
            "Ann Lee",
            "ann@example.com",
            "+351211234567",
        )
        assert (one.visit_count, one.order_count, other.visit_count) == (2, 2, 0)
        assert other.archived_at is not None
        assert customers.survivor_of(session, b) == a
        times = session.scalars(
            select(CustomerInterest.times).where(CustomerInterest.kind == "appointment")
        )
        assert list(times) == [2]
        with pytest.raises(customers.IsMerged):
            customers.change(session, customer_id=b, note="x")


def test_store_credit_goes_over_and_comes_back_as_far_as_it_is_left(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        one, two = make.customer(session), make.customer(session)
        for customer in (one, two):
            credit.give(session, customer_id=customer.id, amount=Decimal(10), reason="Goodwill")
        record = merging.merge(session, survivor_id=one.id, merged_id=two.id)
        assert (one.store_credit, two.store_credit) == (20, 0)
        credit.take(session, customer_id=one.id, amount=Decimal(15), reason="Spent")
        undone = merging.undo_merge(session, merge_id=record.id)
        assert (one.store_credit, two.store_credit) == (0, 5)
        assert undone.kept == ("store credit",)
        assert balances.drift(session) == []


def test_a_comparison_proposes_what_is_filled(vendor: int) -> None:
    a, b = filled(vendor)
    with acting(vendor_actor(vendor)), begin() as session:
        rows = {row.field: row for row in merging.compare(session, a, b)}
    assert (rows["full_name"].differs, rows["full_name"].chosen) == (True, "a")
    assert (rows["phone"].differs, rows["phone"].chosen) == (False, "b")


@pytest.mark.parametrize("order", [(True, False), (False, True)])
@pytest.mark.parametrize("swap", [True, False])
def test_of_two_consents_the_stricter_holds(
    vendor: int, order: tuple[bool, bool], swap: bool
) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        two = [make.customer(session).id for _ in range(2)]
        for number, granted in zip(two, order, strict=True):
            reaching.consent(session, customer_id=number, channel="sms", purpose="marketing",
                             granted=granted, source="form")  # fmt: skip
        only = {"channel": "email", "purpose": "reminder", "granted": True, "source": "form"}
        reaching.consent(session, customer_id=two[1], **only)
        first, second = reversed(two) if swap else two
        merging.merge(session, survivor_id=first, merged_id=second)
        held = reaching.in_force(session, customer_id=first)
    assert {key: row.granted for key, row in held.items()} == {
        ("sms", "marketing"): False, ("email", "reminder"): True,
    }  # fmt: skip


def test_what_cannot_be_merged_is_refused(vendor: int) -> None:
    a, b = filled(vendor)
    other = make.new_vendor()
    with acting(vendor_actor(other)), begin() as session:
        theirs = make.customer(session).id
    with acting(vendor_actor(vendor)), begin() as session:
        for pair, refusal in (
            ((a, a), DomainError),
            ((a, theirs), NotFound),
            ((a, 2**62), NotFound),
        ):
            with pytest.raises(refusal):
                merging.merge(session, survivor_id=pair[0], merged_id=pair[1])
        for choices in ({"full_name": "both"}, {"vendor_id": "merged"}):
            with begin() as inner, pytest.raises(DomainError):
                merging.merge(inner, survivor_id=a, merged_id=b, choices=choices)
    with acting(admin_actor()), begin() as session, pytest.raises(merging.CannotMerge):
        merging.merge(session, survivor_id=a, merged_id=theirs)
    with acting(vendor_actor(vendor)), begin() as session:
        merging.merge(session, survivor_id=a, merged_id=b)
        with pytest.raises(merging.CannotMerge):
            merging.merge(session, survivor_id=b, merged_id=a)
    with acting(vendor_actor(other)), begin() as session, pytest.raises(NotFound):
        merging.undo_merge(session, merge_id=1)


def test_a_merge_is_undone_within_thirty_days_and_keeps_what_changed(vendor: int) -> None:
    a, b = filled(vendor)
    with acting(vendor_actor(vendor)), begin() as session:
        record = merging.merge(session, survivor_id=a, merged_id=b,
                               choices={"full_name": "merged"})  # fmt: skip
        customers.change(session, customer_id=a, phone=None, full_name="Anna Lee")
        new = make.booking(session, customer=session.get_one(Customer, a))
    late = datetime.now(UTC) + timedelta(days=30, minutes=5)
    with acting(vendor_actor(vendor)), clock.stopped_at(late), begin() as session:
        refused = pytest.raises(merging.CannotUnmerge)
        with refused:
            merging.undo_merge(session, merge_id=record.id)
    with acting(vendor_actor(vendor)), begin() as session:
        undone = merging.undo_merge(session, merge_id=record.id)
        assert undone.kept == ("full_name",)
        assert undone.survivor.full_name == "Anna Lee"
        assert undone.restored.full_name == "Ann Lee"
        assert session.get_one(type(new), new.id).customer_id == a
        with pytest.raises(merging.CannotUnmerge):
            merging.undo_merge(session, merge_id=record.id)


def test_a_chain_of_merges_is_undone_from_its_end(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        a, b, c = (make.customer(session).id for _ in range(3))
        first = merging.merge(session, survivor_id=b, merged_id=c)
        second = merging.merge(session, survivor_id=a, merged_id=b)
        assert customers.survivor_of(session, c) == a
        with pytest.raises(merging.CannotUnmerge):
            merging.undo_merge(session, merge_id=first.id)
        merging.undo_merge(session, merge_id=second.id)
        merging.undo_merge(session, merge_id=first.id)
        assert [customers.survivor_of(session, x) for x in (a, b, c)] == [a, b, c]


def test_of_overlapping_merges_one_wins(fresh_database: str) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        a, b, c = (make.customer(session).id for _ in range(3))
    pairs = [(a, b), (b, a), (c, b), (b, c)] * 2
    outcomes: list[str] = []
    barrier = threading.Barrier(len(pairs))

    def one(pair: tuple[int, int]) -> None:
        barrier.wait()
        try:
            with acting(vendor_actor(vendor)), begin() as session:
                merging.merge(session, survivor_id=pair[0], merged_id=pair[1])
            outcomes.append("merged")
        except merging.CannotMerge:
            outcomes.append("refused")

    threads = [threading.Thread(target=one, args=(pair,)) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with acting(vendor_actor(vendor)), begin() as session:
        living = session.scalars(select(Customer.id).where(Customer.archived_at.is_(None))).all()
        ends = {customers.survivor_of(session, x) for x in (a, b, c)}
    assert len(outcomes) == len(pairs)
    assert outcomes.count("merged") == 3 - len(living)
    assert ends == set(living)
    assert outcomes.count("merged") >= 1
