"""Drift of scores: what is a jump and what is not, by hand, and what nights keep and say of it."""

import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import log
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, delete, select

from app.database import begin
from app.operations import score_drift, scores
from app.operations.score_drift import Night
from app.tenancy import SYSTEM, acting
from models.scores import CustomerScore, MarketModel, RfmSegment, ScoreModel
from tasks import scores as nightly
from tests import make
from tests.operations.test_score_nights import make_many

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
EVEN = dict.fromkeys(RfmSegment, 100)


def night(groups: Mapping[Any, int] = EVEN, customers: int = 1100, **more: Any) -> Night:
    return Night(TODAY, customers, {str(k): v for k, v in groups.items()}, **more)


def test_the_index_by_hand() -> None:
    """Two groups of 50 and 50, then 25 and 75, half a customer in each of the nine others."""
    before, now = {"loyal": 50, "lost": 50}, {"loyal": 25, "lost": 75}
    p, q = 50.5 / 105.5, (25.5 / 105.5, 75.5 / 105.5)
    expected = (q[0] - p) * log(q[0] / p) + (q[1] - p) * log(q[1] / p)
    assert score_drift.stability(before, now) == pytest.approx(expected)
    assert score_drift.stability(now, before) == pytest.approx(expected)
    assert score_drift.stability(before, before) == 0
    assert score_drift.stability({}, now) is None
    assert score_drift.stability(before, {"loyal": 0}) is None


def test_a_shift_of_many_is_one_and_of_few_is_chance() -> None:
    for each, sharp in ((1000, True), (3, False)):
        before = dict.fromkeys(RfmSegment, each)
        half = list(RfmSegment)[:5]
        now = before | dict.fromkeys(half, each // 5)
        drift = score_drift.between(night(before), night(now))
        assert drift.groups is not None
        assert drift.groups > score_drift.SHIFT
        assert drift.is_sharp is sharp
    assert not score_drift.between(night(), night(EVEN | {RfmSegment.LOST: 130})).is_sharp


@pytest.mark.parametrize(("before", "now", "sharp"), [
    (1000, 1150, False), (1000, 1210, True), (1000, 790, True), (10, 20, False), (0, 500, False),
])  # fmt: skip
def test_a_jump_of_their_number(before: int, now: int, sharp: bool) -> None:
    drift = score_drift.between(night({}, before), night({}, now))
    assert (drift.is_sharp, drift.groups) == (sharp, None)


def test_parameters_are_compared_by_what_they_mean() -> None:
    """Twice r and alpha is the same rate with less spread; alpha alone is another rate."""
    one = scores.Purchases(0.25, 4.4, 0.8, 2.4)
    money = scores.Spending(6.25, 3.74, 15.44)

    def against(**fields: float) -> score_drift.Drift:
        other = scores.Purchases(**{"r": 0.25, "alpha": 4.4, "a": 0.8, "b": 2.4} | fields)
        return score_drift.between(
            night(purchases=one, spending=money), night(purchases=other, spending=money)
        )

    assert against().buying == against().spending == 0
    assert not against(a=0.82, b=2.46).is_sharp
    slower = against(alpha=8.8)
    assert slower.is_sharp
    assert slower.buying is not None
    assert slower.buying < -0.2
    dearer = score_drift.between(
        night(spending=money), night(spending=scores.Spending(6.25, 3.74, 30.88))
    )
    assert (dearer.is_sharp, dearer.buying) == (True, None)
    assert dearer.spending == pytest.approx(1)
    assert str(dearer) == "customers +0%, what one brings +100%, groups 0.000"


@pytest.fixture
def vendor(db: Connection, at_noon: datetime) -> int:
    """Who has customers enough for models of its own."""
    vendor = make.new_vendor()
    luck = np.random.default_rng(2)
    with acting(SYSTEM), begin() as session:
        for customer in make_many(session, vendor, 300):
            ago = sorted({int(n) for n in luck.integers(5, 600, 1 + luck.poisson(2))}, reverse=True)
            make.score(
                session, customer=customer, bought_on=[TODAY - n * DAY for n in ago],
                bought_for=[Decimal(int(luck.gamma(4) * 10)) for _ in ago],
            )  # fmt: skip
    return vendor


def settled(vendor: int, as_of: date) -> ScoreModel:
    """What a night keeps of a vendor and of the marketplace."""
    with acting(SYSTEM):
        market = nightly._settle_market(as_of)
        nightly._settle(vendor, as_of, market)
        with begin() as session:
            return session.scalars(select(ScoreModel).where(ScoreModel.vendor_id == vendor)).one()


def test_a_night_says_what_jumped_against_the_one_before(
    vendor: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, nightly.__name__)
    first = settled(vendor, TODAY - 2 * DAY)
    assert (first.source, first.since, first.groups_moved, first.is_sharp) == (
        "own", None, None, False,
    )  # fmt: skip
    model = settled(vendor, TODAY - DAY)
    assert (model.since, model.is_sharp, model.people_change) == (TODAY - 2 * DAY, False, 0)
    for change in (model.buying_change, model.spending_change, model.groups_moved):
        assert change is not None
        assert abs(change) < Decimal("0.02")
    assert caplog.records == []
    with acting(SYSTEM), begin() as session:  # a list of history is undone
        going = select(CustomerScore.id).where(CustomerScore.vendor_id == vendor).limit(75)
        session.execute(delete(CustomerScore).where(CustomerScore.id.in_(going)))
    jumped = settled(vendor, TODAY)
    assert (jumped.since, jumped.is_sharp, jumped.people_change) == (
        TODAY - DAY, True, Decimal("-0.25"),
    )  # fmt: skip
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("The scores of the marketplace jumped since 2026-11-19: customers")
    assert f"The scores of vendor {vendor} jumped since 2026-11-19: customers -25%" in lines[1]
    again = settled(vendor, TODAY)  # the same night is compared with the one before, too
    assert (again.since, again.is_sharp, again.people_change, again.groups_moved) == (
        jumped.since, True, jumped.people_change, jumped.groups_moved,
    )  # fmt: skip
    with acting(SYSTEM), begin() as session:
        assert session.scalars(select(MarketModel.is_sharp)).one()
    assert not settled(vendor, TODAY + DAY).is_sharp
