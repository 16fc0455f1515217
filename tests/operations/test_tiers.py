"""Tiers: reached by spending, kept for their time, lost with what was given back."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import clock
from app.database import SessionFactory, begin, refusals
from app.errors import DomainError
from app.operations import loyalty, loyalty_terms, merging, points, refunds, tiers
from app.tenancy import acting, vendor_actor
from models.customers import Customer
from models.loyalty import LoyaltyProgram
from models.points import LoyaltyAccount
from tests import make
from tests.operations.loyalty_desk import bought, left


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


@pytest.fixture
def session(shop: int) -> Iterator[Session]:
    with begin() as opened:
        yield opened


@pytest.fixture
def program(session: Session) -> LoyaltyProgram:
    """Bronze from nothing, Silver from 100, Gold from 300; a window of 100 days, 10 of grace."""
    made = make.program(session, window_days=100, grace_days=10)
    for name, spend_from, multiplier in (("Bronze", 0, 1), ("Silver", 100, 1), ("Gold", 300, 2)):
        make.tier(
            session, program=made, name=name, spend_from=Decimal(spend_from),
            multiplier=Decimal(multiplier),
        )  # fmt: skip
    return made


@pytest.fixture
def ana(session: Session) -> Customer:
    return make.customer(session, full_name="Ana")


def at(days: float) -> Any:
    return clock.stopped_at(make.NOON + timedelta(days=days))


def account_of(session: Session, program: LoyaltyProgram, customer: Customer) -> LoyaltyAccount:
    return points.hold(session, program=program, customer_id=customer.id)


def stands(session: Session, program: LoyaltyProgram, customer: Customer) -> str | None:
    """The tier, after a night."""
    loyalty.look_at_tiers(session, vendor_id=program.vendor_id)
    account = account_of(session, program, customer)
    session.refresh(account)
    return account.tier.name if account.tier else None


def test_spending_leads_up_at_once_and_says_what_is_missing(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    bought(session, ana, "60.00")
    (known,) = loyalty.standings(session, customer_id=ana.id)
    assert (known.way.tier and known.way.tier.name, known.way.next and known.way.next.name) == (
        "Bronze", "Silver",
    )  # fmt: skip
    assert (known.way.spend, known.way.to_go) == (60, 40)
    bought(session, ana, "240.00")
    (known,) = loyalty.standings(session, customer_id=ana.id)
    assert known.way.tier is not None
    assert (known.way.tier.name, known.way.next, known.way.to_go) == ("Gold", None, 0)
    assert left(session, program, ana) == 300
    bought(session, ana, "10.00")
    assert left(session, program, ana) == 320


def test_a_tier_is_sure_for_the_window_and_the_grace_and_then_follows_what_was_spent(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    bought(session, ana, "300.00")
    with at(60):
        bought(session, ana, "120.00")
    with at(109):
        assert stands(session, program, ana) == "Gold"
    with at(169):
        assert stands(session, program, ana) == "Gold"
    with at(171):
        (known,) = loyalty.standings(session, customer_id=ana.id)
        assert known.way.tier is None
        assert stands(session, program, ana) == "Bronze"
    account = account_of(session, program, ana)
    told = [(c.tier and c.tier.name, c.was and c.was.name, c.why, c.spend)
            for c in tiers.changes(session, account)]  # fmt: skip
    assert told == [("Bronze", "Gold", "lapsed", 0), ("Gold", None, "reached", 300)]


def test_between_two_looks_all_that_ran_out_has_run_out(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    bought(session, ana, "300.00")
    with at(50):
        bought(session, ana, "5.00")
    with at(105):
        bought(session, ana, "150.00")
    with at(161):
        assert stands(session, program, ana) == "Silver"


def test_what_is_given_back_was_never_spent(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    bought(session, ana, "110.00")
    order = bought(session, ana, "250.00")
    assert stands(session, program, ana) == "Gold"
    refunds.give(session, order_id=order.id, amount=Decimal("50.00"), reason="Half of it")
    assert stands(session, program, ana) == "Gold"
    refunds.give(session, order_id=order.id, reason="All of it")
    assert stands(session, program, ana) == "Silver"
    assert tiers.changes(session, account_of(session, program, ana))[0].why == "given_back"
    with at(109):
        assert stands(session, program, ana) == "Silver"


def test_a_tier_reached_without_it_outlives_a_refund(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    bought(session, ana, "300.00")
    with at(99):
        order = bought(session, ana, "10.00")
    with at(101):
        refunds.give(session, order_id=order.id, reason="Broken")
        assert stands(session, program, ana) == "Gold"
    with at(111):
        assert stands(session, program, ana) == "Bronze"


def test_new_tiers_are_given_by_the_night_and_take_none_away(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    bought(session, ana, "300.00")
    make.tier(
        session, program=program, name="Platinum", spend_from=Decimal(250),
        updated_at=make.NOON + timedelta(seconds=1),
    )  # fmt: skip
    with at(1):
        assert stands(session, program, ana) == "Gold"
        ben = make.customer(session)
        bought(session, ben, "260.00")
        assert stands(session, program, ben) == "Platinum"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"spend_from": Decimal("100.00")}, "would overlap"),
        ({"name": "Silver", "spend_from": Decimal(120)}, "a tier of this name"),
        ({"spend_from": Decimal("NaN")}, "check the values"),
        ({"spend_from": Decimal(-1)}, "check the values"),
        (
            {"multiplier": Decimal("NaN"), "spend_from": Decimal(5)},
            loyalty_terms.MultiplierOutOfReach.sentence,
        ),
    ],
)
def test_tiers_that_overlap_or_are_none_are_refused(
    session: Session, program: LoyaltyProgram, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(DomainError, match=words), refusals(), session.begin_nested():
        make.tier(session, program=program, **fields)
    assert len(tiers.of_program(session, program.id)) == 3


def test_the_history_of_tiers_stays(shop: int) -> None:
    with begin() as session:
        make.tier_change(session, account=make.account(session))
    for sql in ("UPDATE tier_changes SET spend = 7", "DELETE FROM tier_changes"):
        with pytest.raises(DBAPIError), SessionFactory.begin() as session:
            session.execute(text(sql))


def test_a_merged_file_brings_its_tier(
    session: Session, program: LoyaltyProgram, ana: Customer
) -> None:
    twin = make.customer(session, full_name="Ana B.")
    bought(session, ana, "20.00")
    bought(session, twin, "300.00")
    with at(105):
        record = merging.merge(session, survivor_id=ana.id, merged_id=twin.id)
        assert stands(session, program, ana) == "Gold"
        merging.undo_merge(session, merge_id=record.id)
        assert [stands(session, program, one) for one in (ana, twin)] == ["Bronze", "Gold"]
