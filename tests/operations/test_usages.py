"""Usages: every how many days, from what bookings and orders say, and nothing else."""

import statistics
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, text

from app.database import SessionFactory, begin
from app.operations import bookings, interests, merging, orders, usages
from app.operations.lines import DraftLine
from app.tenancy import SYSTEM, acting, vendor_actor
from models.customers import Customer
from models.orders import LineKind
from models.usages import StaleUsage, Usage
from tasks import happenings
from tests import make

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def vendor(db: Connection, at_noon: datetime) -> int:
    return make.new_vendor()


def came(session: Any, customer: Any, service: Any, *days_ago: int) -> None:
    for ago in days_ago:
        at = NOON - ago * DAY
        make.booking(
            session, customer=customer, service=service, starts_at=at, status="completed",
            completed_at=at + timedelta(hours=1),
        )  # fmt: skip


def kept(session: Any, customer: Any) -> dict[tuple[str, int], Any]:
    rows = session.scalars(select(Usage).where(Usage.customer_id == customer.id))
    return {(row.kind, row.item_id): row for row in rows}


def work_out(session: Any, customer: Any) -> dict[tuple[str, int], Any]:
    usages.rebuild(session, customers=[(customer.vendor_id, customer.id)])
    session.expire_all()
    return kept(session, customer)


def test_the_middle_gap_is_the_rhythm_and_one_gap_is_none(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        cut, colour = make.service(session), make.service(session)
        customer = make.customer(session)
        came(session, customer, cut, 100, 70, 38, 8, 8)  # gaps of 30, 32, 30; twice a day is once
        came(session, customer, colour, 70, 10)
        found = work_out(session, customer)
        usual = found["appointment", cut.id]
        assert (usual.times, usual.interval_days, usual.source) == (4, 30, "personal")
        assert usual.next_on == date(2026, 11, 12) + 30 * DAY
        seldom = found["appointment", colour.id]
        assert (seldom.times, seldom.interval_days, seldom.next_on) == (2, None, None)
        visits = found["visit", 0]  # 100, 70, 38, 10, 8 days ago: gaps of 30, 32, 28, 2
        assert (visits.times, visits.interval_days) == (5, 29)


def test_habits_change_only_the_last_gaps_count(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        service, customer = make.service(session), make.customer(session)
        weekly = [7 * n for n in range(usages.GAPS + 1)]
        yearly = [weekly[-1] + 365 * n for n in range(1, 40)]
        came(session, customer, service, *weekly, *yearly)
        assert work_out(session, customer)["appointment", service.id].interval_days == 7


def test_days_are_the_vendors(db: Connection, at_noon: datetime) -> None:
    vendor = make.new_vendor(time_zone="Australia/Sydney")
    with acting(vendor_actor(vendor)), begin() as session:
        service, customer = make.service(session), make.customer(session)
        late = datetime(2026, 11, 10, 14, tzinfo=UTC)  # after midnight in Sydney
        make.booking(
            session, customer=customer, service=service, starts_at=late, status="completed",
            completed_at=late,
        )  # fmt: skip
        assert work_out(session, customer)["visit", 0].last_on == date(2026, 11, 11)


def bought(session: Any, customer: Any, variant: Any, days_ago: int, pieces: int = 1) -> Any:
    order = make.order(
        session, customer=customer, variant=variant, status="completed",
        fulfilled_at=NOON - days_ago * DAY, placed_at=NOON - days_ago * DAY,
    )  # fmt: skip
    line = order.lines[0]
    line.quantity, line.total = pieces, line.unit_price * pieces
    session.flush()
    return order


def test_else_a_product_lasts_as_long_as_its_pieces_do(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        variant = make.variant(session, replenishment_days=30)
        plain, customer = make.variant(session), make.customer(session)
        bought(session, customer, variant, 40)
        bought(session, customer, variant, 10, pieces=3)
        bought(session, customer, plain, 10)
        found = work_out(session, customer)
        food = found["product", variant.product_id]
        assert (food.interval_days, food.source) == (90, "product")
        assert food.next_on == date(2026, 11, 10) + 90 * DAY
        assert found["product", plain.product_id].next_on is None
        bought(session, customer, variant, 70)
        food = work_out(session, customer)["product", variant.product_id]
        assert (food.interval_days, food.source) == (30, "personal")


def test_what_the_operations_do_is_noted_and_worked_out_within_minutes(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        customer = make.customer(session)
        booking = make.booking(session, customer=customer, starts_at=NOON - DAY)
        bookings.complete(session, booking_id=booking.id)
        variant = make.variant(session, replenishment_days=20)
        line = DraftLine(kind=LineKind.PRODUCT, item_id=variant.id, quantity=1)
        draft = orders.save_draft(session, lines=[line], customer_id=customer.id)
        orders.place(session, order_id=draft.id)
        assert kept(session, customer) == {}
        orders.fulfil(session, order_id=draft.id)
        noted = session.scalars(select(StaleUsage.customer_id)).all()
        assert noted == [customer.id]  # once, however often
        service_id, product_id = booking.service_id, variant.product_id
    with acting(SYSTEM):
        assert happenings.freshen_usages.run() == 1
        assert happenings.freshen_usages.run() == 0
    with acting(vendor_actor(vendor)), begin() as session:
        assert set(kept(session, customer)) == {
            ("visit", 0), ("appointment", service_id), ("product", product_id),
        }  # fmt: skip


def test_how_long_a_product_lasts_counts_for_who_bought_it_before(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        customer, variant = make.customer(session), make.variant(session)
        bought(session, customer, variant, 10, pieces=2)
        interests.rebuild(session, customer_ids=[customer.id])
        assert usages.freshen(session) == 1
        assert kept(session, customer)["product", variant.product_id].next_on is None
        variant.low_stock = 3
        session.flush()
        assert usages.freshen(session) == 0
        variant.replenishment_days = 30
        session.flush()
        assert usages.freshen(session) == 1
        session.expire_all()
        food = kept(session, customer)["product", variant.product_id]
        assert (food.source, food.next_on) == ("product", date(2026, 11, 10) + 60 * DAY)


def test_two_files_made_one_are_one_rhythm_and_two_again(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session)
        one, other = make.customer(session), make.customer(session)
        came(session, one, service, 60, 20)
        came(session, other, service, 40)
        interests.rebuild(session, customer_ids=[one.id, other.id])
        assert usages.freshen(session) == 2
        merge = merging.merge(session, survivor_id=one.id, merged_id=other.id)
        assert usages.freshen(session) == 2
        session.expire_all()
        assert kept(session, one)["visit", 0].interval_days == 20
        assert kept(session, other) == {}
        merging.undo_merge(session, merge_id=merge.id)
        assert usages.freshen(session) == 2
        session.expire_all()
        assert [kept(session, who)["visit", 0].times for who in (one, other)] == [2, 1]


@given(gaps=st.lists(st.integers(1, 400), min_size=1, max_size=20))
@settings(max_examples=15, deadline=None)
def test_the_rhythm_is_the_sample_median(db: Connection, gaps: list[int]) -> None:
    """Beside Python's own median, of the last gaps, rounded half up."""
    ago = [1]
    for gap in gaps:
        ago.append(ago[-1] + gap)
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        service, customer = make.service(session), make.customer(session)
        came(session, customer, service, *ago)
        row = work_out(session, customer)["visit", 0]
        middle = Decimal(statistics.median(gaps[: usages.GAPS]))
        expected = int(middle.quantize(Decimal(1), ROUND_HALF_UP)) if len(gaps) > 1 else None
        assert (row.times, row.interval_days) == (len(gaps) + 1, expected)


def test_a_customer_who_is_being_merged_is_left_to_the_next_round(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does anybody else wait for it: notes and files are held in the order of a merge."""
    monkeypatch.setattr(usages, "BATCH", 2)
    with acting(vendor_actor(make.new_vendor())):
        with begin() as session:
            one, *others = (make.customer(session) for _ in range(4))
            for customer in (one, *others):
                came(session, customer, make.service(session), 30, 10)
                interests.rebuild(session, customer_ids=[customer.id])
        with SessionFactory() as merging_them:
            held = select(Customer.id).where(Customer.id == one.id).with_for_update()
            merging_them.execute(held)
            with begin() as session:
                session.execute(text("SET LOCAL lock_timeout = '500ms'"))
                assert usages.freshen(session, most=2) == 1
            assert happenings.freshen_usages.run() == 2
            merging_them.rollback()
        with begin() as session:
            assert all(kept(session, other) for other in others)
            assert kept(session, one) == {}
        assert happenings.freshen_usages.run() == 1
        with begin() as session:
            assert kept(session, one)
