"""Nights: ranks by hand, groups that partition, months that stay as they ended, models borrowed."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, create_engine, func, select, text, update
from sqlalchemy.pool import NullPool

from app import clock
from app.database import begin
from app.operations import forgetting, score_market, score_nights, score_ranks, scores
from app.operations.score_keeping import REACHED
from app.operations.score_models import Models
from app.operations.score_ranks import GRID
from app.tenancy import SYSTEM, acting, vendor_actor
from models.customers import Customer
from models.scores import (
    CustomerScore,
    MarketCohort,
    MarketModel,
    MarketReach,
    MarketScoreFigure,
    ModelSource,
    ReachFigure,
    RfmSegment,
    ScoreFigure,
    ScoreModel,
    SegmentMove,
)
from tasks import scores as nightly
from tests import make

TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def vendor(db: Connection, at_noon: datetime) -> int:
    return make.new_vendor()


def known(session: Any, *bought: tuple[int, str], **fields: Any) -> Any:
    """A customer who bought so many days ago, each time for so much; the first comes first."""
    return make.score(
        session, bought_on=[TODAY - ago * DAY for ago, _ in bought],
        bought_for=[Decimal(money) for _, money in bought], **fields,
    )  # fmt: skip


def settle(session: Any, vendor: int, **how: Any) -> Models:
    session.flush()
    found = score_nights.settle(session, vendor_id=vendor, as_of=TODAY, **how)
    session.expire_all()
    return found


def test_ranks_by_hand(vendor: int) -> None:
    """Ten customers: two a quintile; equal ones are told apart by what else they did."""
    with acting(vendor_actor(vendor)), begin() as session:
        rows = [known(session, (300 - n, "10.00"), (100 - 10 * n, f"{10 + n}.00"))
                for n in range(8)]  # fmt: skip
        rows.append(known(session, (3, "500.00")))
        rows.append(known(session, (200, "5.00"), (90, "5.00"), (80, "5.00"), (1, "5.00")))
        settle(session, vendor)
        assert [row.r for row in rows] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
        assert [row.m for row in rows] == [1, 2, 2, 3, 3, 4, 4, 5, 5, 1]
        assert [row.f for row in rows] == [1, 2, 2, 3, 3, 4, 4, 5, 1, 5]
        assert [row.segment for row in rows] == [
            "lost", "hibernating", "hibernating", "at_risk", "needs_attention", "loyal", "loyal",
            "loyal", "potential_loyalist", "potential_loyalist",
        ]  # fmt: skip
        assert [row.recency_days for row in rows[-2:]] == [3, 1]
        assert {row.as_of for row in rows} == {TODAY}


def test_every_rank_has_one_group_and_every_group_a_rank() -> None:
    groups = Counter(group for row in GRID.values() for group in row)
    assert set(groups) == set(RfmSegment)
    assert len(groups) == 11
    assert sum(groups.values()) == 25
    assert score_ranks.group_of().count("WHEN") == 25


def test_few_customers_are_not_ranked_and_nothing_is_predicted(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        assert settle(session, vendor).source == "none"  # nobody at all
        one = known(session, (30, "10.00"), (3, "12.00"))
        assert settle(session, vendor).source == "none"
        assert (one.segment, one.r, one.value_12m, one.as_of) == (None, None, None, TODAY)
        assert one.recency_days == 3
        assert session.scalars(select(ScoreFigure)).all() == []


def test_groups_partition_the_customers_and_moves_say_who_went_where(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        for n in range(30):
            known(session, (120 + n, "10.00"), (40 + n, f"{n}.00"), first_channel="online")
        for n in range(5):
            known(session, (n, "25.00"), first_category_id=7)
        settle(session, vendor)
        this = select(ScoreFigure).where(ScoreFigure.month == TODAY.replace(day=1))
        figures = session.scalars(this).all()
        assert sum(row.customers for row in figures) == 35
        assert sum(row.revenue for row in figures) == 30 * 10 + sum(range(30)) + 5 * 25
        moves = session.scalars(select(SegmentMove).where(SegmentMove.month == date(2026, 11, 1)))
        became = Counter[str]()
        was = Counter[str]()
        for move in moves:
            became[move.became] += move.customers
            was[move.was] += move.customers
        assert was["none"] == 5
        assert sum(was.values()) == 35
        stood = Counter[str]()
        for row in figures:
            stood[row.segment] += row.customers
        assert became == stood
        before = Counter[str]()
        for row in session.scalars(
            select(ScoreFigure).where(ScoreFigure.month == date(2026, 10, 1))
        ):
            before[row.segment] += row.customers
            assert row.as_of == date(2026, 10, 31)
        assert {k: v for k, v in was.items() if k != "none"} == before


def test_past_months_stay_as_they_ended(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        rows = [known(session, (90 + n, "10.00")) for n in range(12)]
        settle(session, vendor)
        past = select(func.sum(ScoreFigure.revenue)).where(ScoreFigure.month == date(2026, 10, 1))
        assert session.scalar(past) == 120
        rows[0].bought_for = [Decimal("99.00")]
        settle(session, vendor)
        assert session.scalar(past) == 120
        score_nights.settle(session, vendor_id=vendor, as_of=date(2026, 12, 1))
        ended = select(ScoreFigure.as_of).where(ScoreFigure.month == date(2026, 11, 1)).distinct()
        assert session.scalars(ended).all() == [date(2026, 11, 30)]


def test_a_month_has_its_last_day_whole_and_what_was_expected_at_its_end(vendor: int) -> None:
    """The night of the 30th begins that day: what is sold on it is known only later."""

    def november(session: Any) -> Any:
        sums = (ScoreFigure.customers, ScoreFigure.revenue, ScoreFigure.valued,
                ScoreFigure.value_12m)  # fmt: skip
        return session.execute(
            select(*(func.sum(one) for one in sums), func.max(ScoreFigure.as_of))
            .where(ScoreFigure.month == date(2026, 11, 1))
        ).one()  # fmt: skip

    with acting(vendor_actor(vendor)), begin() as session:
        rows = [known(session, (90 + n, "10.00"), (60 + n, "10.00")) for n in range(11)]
        settle(session, vendor, market=BORROWED)
        score_nights.settle(
            session, vendor_id=vendor, as_of=date(2026, 11, 30), market=BORROWED
        )  # fmt: skip
        assert november(session)[:3] == (11, 220, 11)
        known(session, (-10, "70.00"))  # 30 November, in the evening
        session.flush()
        for day in (1, 2):
            night = date(2026, 12, day)
            score_nights.settle(session, vendor_id=vendor, as_of=night, market=BORROWED)
            assert november(session)[:3] == (12, 290, 12), day
            assert november(session)[4] == date(2026, 11, 30)
        ended = november(session)
        expected = [
            scores.value(
                BORROWED.purchases, BORROWED.spending, np.array([x]), np.array([t]),
                np.array([age]), np.array([10.0 * x]),
            )[0]
            for x, t, age in (*((1, 30 / 7, (100 + n) / 7) for n in range(11)), (0, 0, 0))
        ]  # fmt: skip
        assert float(ended[3]) == pytest.approx(sum(expected), abs=0.07)
        rows[0].bought_for = [Decimal("10.00"), Decimal("99.00")]
        session.flush()
        score_nights.settle(
            session, vendor_id=vendor, as_of=date(2026, 12, 3), market=BORROWED
        )  # fmt: skip
        assert november(session) == ended


def test_nights_that_were_missed_over_the_end_of_a_month_leave_it_as_it_ended(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        for n in range(11):
            known(session, (90 + n, "10.00"))
        settle(session, vendor, market=BORROWED)
        known(session, (-8, "70.00"))  # 28 November
        known(session, (-12, "500.00"))  # 2 December
        session.flush()
        score_nights.settle(
            session, vendor_id=vendor, as_of=date(2026, 12, 19), market=BORROWED
        )  # fmt: skip
        november = session.execute(
            select(func.sum(ScoreFigure.revenue), func.sum(ScoreFigure.valued))
            .where(ScoreFigure.month == date(2026, 11, 1))
        ).one()  # fmt: skip
        assert tuple(november) == (180, 12)


def test_who_was_archived_or_forgotten_is_ranked_no_more(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        rows = [known(session, (90 + n, "10.00")) for n in range(12)]
        settle(session, vendor)
        session.execute(
            update(Customer).where(Customer.id == rows[0].customer_id).values(archived_at=NOON)
        )
        assert rows[1].segment is not None
        forgetting.forget(session, customer_id=rows[1].customer_id)
        session.expire_all()
        assert (rows[1].segment, rows[1].p_alive, rows[1].as_of) == (None, None, None)
        settle(session, vendor)
        assert (rows[0].segment, rows[0].as_of) == (None, None)
        figures = session.scalar(
            select(func.sum(ScoreFigure.customers)).where(ScoreFigure.month == date(2026, 11, 1))
        )
        assert figures == 10


BORROWED = Models(
    ModelSource.MARKETPLACE, 5000, 2000,
    scores.Purchases(0.2425982, 4.4136842, 0.7929899, 2.4261667),
    scores.Spending(6.25, 3.74, 15.44),
)  # fmt: skip


def test_a_small_vendor_borrows_the_models_of_the_marketplace(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        new = known(session, (0, "30.00"))
        loyal = known(session, (217, "30.00"), *((n, "30.00") for n in range(26, 0, -1)))
        for n in range(10):
            known(session, (90 + n, "10.00"))
        assert settle(session, vendor, market=BORROWED).source == "marketplace"
        model = session.scalars(select(ScoreModel)).one()
        assert (model.source, model.customers, model.repeaters) == ("marketplace", 12, 1)
        assert (model.alpha, model.q) == (Decimal("4.4136842"), Decimal("3.74"))
        assert float(new.expected_12m) == pytest.approx(1.4455, abs=0.002)  # 365 days, not 364
        assert new.p_alive == 1
        assert float(new.value_12m) == pytest.approx(1.4455 * 35.2 / 1.1**0.45, rel=0.02)
        assert loyal.expected_12m > 20
        total = session.execute(
            select(func.sum(ScoreFigure.value_12m), func.sum(ScoreFigure.valued),
                   func.sum(ScoreFigure.variance))
            .where(ScoreFigure.month == date(2026, 11, 1))
        ).one()  # fmt: skip
        mine = session.scalars(select(CustomerScore.value_12m)).all()
        assert total[:2] == (sum(mine), 12)
        assert total[2] > 0


def test_a_vendor_with_customers_enough_has_models_of_its_own(vendor: int) -> None:
    luck = np.random.default_rng(2)
    with acting(vendor_actor(vendor)), begin() as session:
        customers = make_many(session, vendor, 400)
        for customer in customers:
            days = sorted(
                {int(d) for d in luck.integers(0, 600, 1 + luck.poisson(2))}, reverse=True
            )
            known(session, *((d, f"{luck.gamma(4) * 10:.2f}") for d in days), customer=customer)
        assert settle(session, vendor, market=BORROWED).source == "own"
        model = session.scalars(select(ScoreModel)).one()
        assert model.r is not None
        assert model.log_likelihood is not None
        assert model.money_log_likelihood is not None


def make_many(session: Any, vendor: int, number: int) -> list[Any]:
    session.add_all([Customer(vendor_id=vendor, full_name=f"N {n}") for n in range(number)])
    session.flush()
    made = select(Customer).where(Customer.vendor_id == vendor)
    return list(session.scalars(made.order_by(Customer.id)))


def test_distinct_customers_of_the_offered_periods(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        known(session, (200, "10.00"), (150, "11.00"), (5, "12.00"), (3, "13.00"))
        known(session, (120, "20.00"), (119, "1.00"))
        known(session, (4, "40.00"))
        settle(session, vendor)

        def reach(first: date, last: date = TODAY) -> tuple[Any, ...]:
            row = session.execute(
                select(*(func.sum(getattr(ReachFigure, name)) for name in REACHED)).where(
                    ReachFigure.starts_on == first, ReachFigure.ends_on == last
                )
            ).one()
            return tuple(row)

        week = reach(TODAY - 6 * DAY)
        assert week == (2, 1, 1, 1, 3, Decimal("40.00"), Decimal("25.00"), 0, 0)
        year = reach(date(2026, 1, 1))
        assert year == (3, 3, 0, 2, 7, Decimal("107.00"), Decimal(0), 2, 2)
        assert reach(TODAY) == (0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_a_person_with_files_at_two_vendors_is_one_customer_of_the_marketplace(
    db: Connection, at_noon: datetime
) -> None:
    first, second = make.new_vendor(), make.new_vendor()
    with acting(SYSTEM), begin() as session:
        person = make.person(session)
        for vendor, ago in ((first, 40), (second, 10)):
            customer = make.customer(session, vendor_id=vendor, person_id=person.id)
            visit = NOON - ago * DAY
            make.booking(
                session, customer=customer, starts_at=visit, completed_at=visit,
                status="completed", price=Decimal("30.00"),
            )  # fmt: skip
            session.execute(
                update(Customer).where(Customer.id == customer.id).values(visit_count=1)
            )
    assert nightly.night() >= 2
    with acting(SYSTEM), begin() as session:
        cohorts = session.execute(
            select(MarketCohort.cohort, MarketCohort.age, MarketCohort.customers,
                   MarketCohort.revenue)
            .where(MarketCohort.grain == "month").order_by(MarketCohort.age)
        ).all()  # fmt: skip
        assert [tuple(row) for row in cohorts] == [
            (date(2026, 10, 1), 0, 1, Decimal("30.00")),
            (date(2026, 10, 1), 1, 1, Decimal("30.00")),
        ]  # fmt: skip
        year = session.execute(
            select(func.sum(MarketReach.customers), func.sum(MarketReach.new_customers),
                   func.sum(MarketReach.repeat_customers), func.sum(MarketReach.purchases))
            .where(MarketReach.starts_on == date(2026, 1, 1), MarketReach.ends_on == TODAY)
        ).one()  # fmt: skip
        assert tuple(year) == (1, 1, 1, 2)
        assert session.scalars(select(MarketModel)).one().source == "none"
        assert session.scalar(select(func.count()).select_from(ScoreModel)) >= 2


def test_a_vendor_whose_night_is_late_counts_in_the_marketplace_all_the_same(
    db: Connection, at_noon: datetime
) -> None:
    """Gathered while some vendors still have the figures of the day before."""
    first, second = make.new_vendor(), make.new_vendor()
    with acting(SYSTEM), begin() as session:
        person = make.person(session)
        for vendor, ago in ((first, 40), (second, 10)):
            customer = make.customer(session, vendor_id=vendor, person_id=person.id)
            known(session, (ago, "30.00"), customer=customer)
        known(session, (5, "7.00"), customer=make.customer(session, vendor_id=second))
        settle(session, first)
        score_nights.settle(session, vendor_id=second, as_of=TODAY - DAY)
        score_market.gather(session, as_of=TODAY)
        year = session.execute(
            select(func.sum(MarketReach.customers), func.sum(MarketReach.purchases),
                   func.sum(MarketReach.new_revenue))
            .where(MarketReach.starts_on == date(2026, 1, 1), MarketReach.ends_on == TODAY)
        ).one()  # fmt: skip
        assert tuple(year) == (2, 3, 67)
        assert session.scalar(select(func.min(MarketReach.customers))) == 0
        assert session.scalars(select(MarketReach.as_of).distinct()).all() == [TODAY]


def test_groups_of_the_marketplace_are_those_of_its_vendors_added_up(
    db: Connection, at_noon: datetime
) -> None:
    first, second = make.new_vendor(), make.new_vendor()
    with acting(SYSTEM), begin() as session:
        for vendor, times in ((first, 30), (second, 20)):
            for n in range(times):
                customer = make.customer(session, vendor_id=vendor)
                known(session, (9 * n + 9, "30.00"), (3, "5.00"), customer=customer)
            settle(session, vendor)
        score_market.gather(session, as_of=TODAY)
        told = {
            table: session.execute(
                select(table.month, table.segment, func.sum(table.customers),
                       func.sum(table.days), func.sum(table.recency_days),
                       func.sum(table.revenue), func.max(table.as_of))
                .group_by(table.month, table.segment).order_by(table.month, table.segment)
            ).all()
            for table in (ScoreFigure, MarketScoreFigure)
        }  # fmt: skip
        assert told[MarketScoreFigure] == told[ScoreFigure]
        assert sum(row[2] for row in told[ScoreFigure] if row[0] == TODAY.replace(day=1)) == 50
        keys = select(MarketScoreFigure.month, MarketScoreFigure.segment)
        assert len(session.execute(keys).all()) == len(session.execute(keys.distinct()).all())


def test_two_nights_at_once_leave_one_model_of_the_marketplace(fresh_database: str) -> None:
    begun = Event()

    def night() -> None:
        with acting(SYSTEM), begin() as session:
            session.execute(select(1))
            begun.set()
            score_market.settle(session, as_of=TODAY)

    with ThreadPoolExecutor(1) as pool, acting(SYSTEM):
        with begin() as session:
            score_market.settle(session, as_of=TODAY)
            other = pool.submit(night)
            assert begun.wait(10)
            time.sleep(0.3)  # it is at the table, or waits for us
        other.result()
    with acting(SYSTEM), begin() as session:
        assert len(session.scalars(select(MarketModel)).all()) == 1


def test_where_the_marketplaces_models_fail_vendors_borrow_those_of_the_night_before(
    fresh_database: str, owner_url: str, at_noon: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    vendor = make.new_vendor()
    fitted = {
        "r": Decimal("0.5"), "alpha": Decimal(6), "a": Decimal("1.2"), "b": Decimal(3),
        "log_likelihood": Decimal(-9), "p": Decimal(6), "q": Decimal("3.5"), "v": Decimal(15),
        "money_log_likelihood": Decimal(-8), "source": "marketplace",
    }  # fmt: skip
    with acting(SYSTEM), begin() as session:
        session.add(MarketModel(as_of=TODAY - DAY, customers=900, repeaters=400, **fitted))
    owner = create_engine(owner_url, poolclass=NullPool)
    with owner.begin() as connection:
        tonight = text(f"ALTER TABLE market_models ADD CHECK (as_of < '{TODAY}')")
        connection.execute(tonight)
    assert nightly.night() >= 1
    assert "The models of the marketplace were not worked out" in caplog.text
    with acting(SYSTEM), begin() as session:
        kept = session.scalars(select(ScoreModel).where(ScoreModel.vendor_id == vendor)).one()
        assert {name: getattr(kept, name) for name in fitted} == fitted
        assert (kept.as_of, kept.customers) == (TODAY, 0)
        assert session.scalars(select(MarketModel.as_of)).all() == [TODAY - DAY]
        assert session.scalars(select(MarketReach.as_of).distinct()).all() == [TODAY]


def test_a_night_that_lasts_past_midnight_is_one_night(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = make.new_vendor()
    late = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    with ExitStack() as hours:
        hours.enter_context(clock.stopped_at(late))
        rebuild = nightly.score_keeping.rebuild_vendor

        def slowly(session: Any, *, vendor_id: int) -> None:
            rebuild(session, vendor_id=vendor_id)
            hours.enter_context(clock.stopped_at(late + timedelta(hours=1)))

        monkeypatch.setattr(nightly.score_keeping, "rebuild_vendor", slowly)
        nightly.night()
    with acting(SYSTEM), begin() as session:
        days = select(ScoreModel.as_of).where(ScoreModel.vendor_id == vendor)
        assert session.scalars(days).one() == TODAY
        assert session.scalars(select(MarketReach.as_of).distinct()).all() == [TODAY]
