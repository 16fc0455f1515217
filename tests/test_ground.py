"""The ground floor: money, days in sentences, and transactions that know who acts."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from app import clock, days
from app.database import begin
from app.errors import NobodyActs
from app.money import decimals_of, rounded, split
from app.tenancy import GATE, Actor, DatabaseRole, acting, admin_actor

cents = st.decimals(min_value=0, max_value=10**9, places=2)
shares = st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=12).filter(any)


@given(cents, shares)
def test_a_split_loses_no_cent(total: Decimal, weights: list[int]) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    assert min(parts) >= 0
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


def test_a_day_and_a_time_are_said_in_one_way() -> None:
    lisbon, tokyo = ZoneInfo("Europe/Lisbon"), ZoneInfo("Asia/Tokyo")
    at = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    hour = timedelta(hours=1)
    with clock.stopped_at(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        assert days.day(date(2026, 12, 1)) == days.day(datetime(2026, 12, 1, 9)) == (
            "Tuesday 1 December"
        )  # fmt: skip
        assert days.day(date(2025, 12, 1)) == "Monday 1 December 2025"
        assert days.day(date(2026, 12, 1), year=True) == "Tuesday 1 December 2026"
        assert days.moment(at, lisbon) == "Thursday 31 December, 23:30"
        assert days.moment(at, tokyo) == "Friday 1 January 2027, 08:30"
        assert days.span(at, at + hour, tokyo) == "Friday 1 January 2027, 08:30 to 09:30"
        assert days.span(at, at + hour, lisbon) == (
            "Thursday 31 December, 23:30 to Friday 1 January 2027, 00:30"
        )
        assert days.span(at - hour, at, lisbon, year=True) == (
            "Thursday 31 December 2026, 22:30 to 23:30"
        )
    with clock.stopped_at(at):  # in Tokyo the new year has begun
        assert days.day(at, tokyo) == "Friday 1 January"
        assert days.day(at - 10 * hour, tokyo) == "Thursday 31 December 2026"


def test_money_is_rounded_half_even() -> None:
    assert [rounded(Decimal(x)) for x in ("0.125", "0.135")] == [Decimal("0.12"), Decimal("0.14")]


@pytest.mark.parametrize("code", ["XXQ", "XXX", "XAU", "BHD", "eur", ""])
def test_currencies_that_do_not_fit_are_refused(code: str) -> None:
    with pytest.raises(ValueError, match="CURRENCY"):
        decimals_of(code)


def test_with_no_actor_there_is_no_transaction(db: Connection) -> None:
    with pytest.raises(NobodyActs), begin() as session:
        session.execute(text("SELECT 1"))


def test_a_vendor_role_without_vendor_is_nobody() -> None:
    with pytest.raises(NobodyActs):
        Actor(DatabaseRole.VENDOR)


def test_the_role_switches_with_every_transaction(db: Connection) -> None:
    for actor in (GATE, admin_actor(), GATE):
        with acting(actor), begin() as session:
            assert session.scalar(text("SELECT current_user")) == actor.role
