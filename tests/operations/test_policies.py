"""Terms: what calling off costs at which moment, said in a sentence before anybody presses."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.database import begin
from app.operations import policies
from app.operations.policies import MayNotMove, MovedTooOften
from app.tenancy import acting, admin_actor, vendor_actor
from models.bookings import CancelledBy
from tests import make

TERMS: policies.Terms = {
    "free_hours": 24, "late_hours": 2, "late_percent": "50.00", "last_percent": "100.00",
    "no_show_percent": "75.00", "max_moves": 1, "grace_minutes": 15,
}  # fmt: skip


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)):
        yield vendor_id


def cancelling(
    before: timedelta, *, by: str = "customer", price: str = "40.00", **terms: Any
) -> policies.Fee:
    return policies.of_cancelling(
        TERMS | terms, price=Decimal(price), starts_at=make.NOON, at=make.NOON - before, by=by
    )


@pytest.mark.parametrize(
    ("before", "amount", "sentence"),
    [
        (timedelta(hours=24), 0, "Cancelling now costs nothing: it is at least 24 hours before."),
        (
            timedelta(hours=24, seconds=-1),
            20,
            "Cancelling now costs 20.00: half the price, because it is less than 24 hours before.",
        ),
        (
            timedelta(hours=2),
            20,
            "Cancelling now costs 20.00: half the price, because it is less than 24 hours before.",
        ),
        (
            timedelta(hours=2, seconds=-1),
            40,
            "Cancelling now costs 40.00: the whole price, because it is less than 2 hours before.",
        ),
        (
            timedelta(0),
            40,
            "Cancelling now costs 40.00: the whole price, because it has begun.",
        ),
    ],
)
def test_the_fee_grows_as_the_time_comes_nearer(
    before: timedelta, amount: int, sentence: str
) -> None:
    fee = cancelling(before)
    assert (fee.amount, fee.sentence) == (amount, sentence)


def test_a_fee_is_named_by_its_part_and_rounded_half_even() -> None:
    fee = cancelling(timedelta(hours=3), price="0.05", late_percent="12.50", free_hours=48)
    assert fee == policies.Fee(
        Decimal("12.50"),
        Decimal("0.01"),
        "Cancelling now costs 0.01: 12.5% of the price, because it is less than 48 hours before.",
    )
    assert cancelling(timedelta(hours=3), price="0.05").amount == Decimal("0.02")
    assert (
        "costs 1,000.00: a quarter"
        in cancelling(timedelta(hours=3), price="4000", late_percent="25").sentence
    )
    one_hour = cancelling(timedelta(minutes=3), late_hours=1)
    assert one_hour.sentence.endswith("because it is less than 1 hour before.")


def test_only_customers_pay_and_only_where_terms_were_agreed() -> None:
    for by in (CancelledBy.VENDOR, CancelledBy.SYSTEM):
        fee = cancelling(timedelta(0), by=by)
        assert (fee.amount, fee.sentence) == (
            0, "Cancelling costs the customer nothing: the business calls it off.",
        )  # fmt: skip
    free = policies.of_cancelling(
        None, price=Decimal(40), starts_at=make.NOON, at=make.NOON, by="customer"
    )
    assert (free.amount, free.sentence) == (
        0, "Cancelling now costs nothing: no terms were agreed.",
    )  # fmt: skip
    assert cancelling(timedelta(hours=3), late_percent="0.00").sentence == (
        "Cancelling now costs nothing."
    )
    assert cancelling(timedelta(0), free_hours=0, late_hours=0).sentence == (
        "Cancelling now costs nothing: it has not begun."
    )


def test_not_coming_costs_its_part() -> None:
    fee = policies.of_not_coming(TERMS, price=Decimal("40.00"))
    assert fee.sentence == "Not coming costs 30.00: three quarters of the price."
    assert policies.of_not_coming(None, price=Decimal(40)).sentence == "Not coming costs nothing."


@given(
    st.integers(0, 200), st.integers(0, 200), st.integers(0, 300), st.decimals(0, 9999, places=2)
)
def test_a_fee_never_falls_while_the_time_comes_nearer_nor_exceeds_the_price(
    free: int, late: int, before: int, price: Decimal
) -> None:
    terms = {"free_hours": max(free, late), "late_hours": min(free, late), "late_percent": "30"}
    earlier, later = (
        cancelling(timedelta(hours=hours), price=str(price), **terms)
        for hours in (before + 1, before)
    )
    assert 0 <= earlier.amount <= later.amount <= price


def test_a_service_has_its_own_terms_or_the_vendors_or_none(shop: int) -> None:
    with begin() as session:
        own, other = make.service(session), make.service(session)
        assert policies.terms_of(session, service_id=own.id) is None
        make.policy(session, max_moves=2)
        make.policy(session, service_id=own.id, free_hours=48, no_show_percent=Decimal("33.33"))
        mine = policies.terms_of(session, service_id=own.id)
        assert mine == {
            "free_hours": 48, "late_hours": 2, "late_percent": "50.00", "last_percent": "100.00",
            "no_show_percent": "33.33", "max_moves": None, "grace_minutes": 15,
        }  # fmt: skip
        theirs = policies.terms_of(session, service_id=other.id)
        assert theirs is not None
        assert (theirs["free_hours"], theirs["max_moves"]) == (24, 2)


def test_the_marketplace_finds_the_terms_of_the_services_vendor(shop: int) -> None:
    with begin() as session:
        service_id = make.service(session).id
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        make.policy(session)
    with acting(admin_actor()), begin() as session:
        assert policies.terms_of(session, service_id=service_id) is None


def test_a_customer_moves_as_often_as_was_agreed() -> None:
    policies.check_moves(None, moves=99)
    policies.check_moves(TERMS | {"max_moves": None}, moves=99)
    policies.check_moves(TERMS, moves=0)
    with pytest.raises(MovedTooOften, match="may move this booking once, and has"):
        policies.check_moves(TERMS, moves=1)
    with pytest.raises(MovedTooOften, match="3 times"):
        policies.check_moves(TERMS | {"max_moves": 3}, moves=3)
    with pytest.raises(MayNotMove, match="cannot move this booking"):
        policies.check_moves(TERMS | {"max_moves": 0}, moves=0)
