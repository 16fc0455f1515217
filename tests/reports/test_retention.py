"""Cohorts, groups, lifetime value and repeat customers, against sums worked out by hand."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import Connection

from app import clock
from app.database import begin
from app.operations import score_keeping, score_market, score_nights, scores
from app.operations.matching import Filters as Wanted
from app.operations.matching import matching
from app.operations.score_models import Models
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from models.scores import MarketModel, ModelSource
from reports import asking, reading
from reports.registry import all_reports
from reports.report import Filters
from reports.spans import WEEK, Grain, beginning
from tests import make
from tests.reports.asked import ANALYST, TODAY, ask

SLUGS = ("cohorts", "rfm", "lifetime-value", "repeat-customers")
DAY = timedelta(days=1)
NOON = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
MODELS = Models(
    ModelSource.MARKETPLACE, 5000, 2000,
    scores.Purchases(0.2425982, 4.4136842, 0.7929899, 2.4261667, -9582.429),
    scores.Spending(6.25, 3.74, 15.44, -4055.918),
)  # fmt: skip


def customer(vendor: int, *bought: tuple[date, str], channel: str = "online") -> None:
    """Somebody who came on these days, for so much each time."""
    with acting(SYSTEM), begin() as session:
        who = make.customer(session, vendor_id=vendor)
        for day, price in bought:
            at = datetime.combine(day, NOON.timetz())
            make.booking(
                session, customer=who, starts_at=at, completed_at=at, status="completed",
                price=Decimal(price), channel=channel,
            )  # fmt: skip
        who.visit_count = len(bought)


def night(*vendors: int, market: Models | None = None) -> None:
    with acting(SYSTEM), begin() as session:
        for vendor in vendors:
            score_keeping.rebuild_vendor(session, vendor_id=vendor)
            score_nights.settle(session, vendor_id=vendor, as_of=TODAY, market=market)
        score_market.gather(session, as_of=TODAY)


@pytest.fixture
def vendor(db: Connection, at_noon: datetime) -> int:
    """Two who began in September, one in October, one this month."""
    vendor = make.new_vendor()
    customer(vendor, (date(2026, 9, 3), "10"), (date(2026, 10, 2), "20"), (date(2026, 10, 9), "5"),
             (date(2026, 11, 5), "40"))  # fmt: skip
    customer(vendor, (date(2026, 9, 20), "30"), (date(2026, 11, 19), "7"), channel="phone")
    customer(vendor, (date(2026, 10, 31), "50"))
    customer(vendor, (date(2026, 11, 2), "60"), (date(2026, 11, 18), "8"))
    night(vendor)
    return vendor


def test_cohorts_by_month(vendor: int) -> None:
    answer = ask("cohorts", vendor_actor(vendor), period="12m")
    names = ("day", "age", "size", "customers", "share", "revenue", "unfinished")
    sep, october, nov = (date(2026, month, 1) for month in (9, 10, 11))
    assert answer.rows(*names) == [
        (sep, 0, 2, 2, 100, 40, False), (sep, 1, 2, 1, 50, 25, False),
        (sep, 2, 2, 2, 100, 47, True),
        (october, 0, 1, 1, 100, 50, False), (october, 1, 1, 0, 0, 0, True),
        (nov, 0, 1, 1, 100, 68, True),
    ]  # fmt: skip
    sums = answer.found.sums
    assert (sums["size"], sums["back_1"], sums["later"]) == (4, 50, 72)
    assert sums["back_3"] is None
    shown = answer.table("share", "day", "age", "share")
    assert len(shown) == 6


def test_cohorts_by_week_and_of_one_channel(vendor: int) -> None:
    weekly = ask("cohorts", vendor_actor(vendor), period="12w", by="week", channel="phone")
    found = weekly.rows("day", "age", "customers", "unfinished")
    assert found[0] == (date(2026, 9, 14), 0, 1, False)
    assert len(found) == 10
    assert found[-1] == (date(2026, 9, 14), 9, 1, True)
    assert sum(row[2] for row in found) == 2


@pytest.mark.parametrize(("day", "by"), [("2026-11-30", "month"), ("2026-11-22", "week")])
def test_the_last_day_of_a_month_or_week_is_not_over(vendor: int, day: str, by: str) -> None:
    with clock.stopped_at(datetime.fromisoformat(f"{day}T12:00:00+00:00")):
        found = ask(
            "cohorts", vendor_actor(vendor), by=by, today=date.fromisoformat(day),
            period="12m" if by == "month" else "12w",
        ).rows("day", "age", "unfinished")  # fmt: skip
        last = max(age for _, age, _ in found)
        assert [row[2] for row in found if row[1] == last] == [True]


def test_what_is_over_is_over_in_own_days_that_end_within_it(vendor: int) -> None:
    """The whole month is shown, whichever of its days was asked for."""
    days = {"from": "2026-09-01", "to": "2026-10-15"}
    own = ask("cohorts", vendor_actor(vendor), by="month", **days)
    sep, october = date(2026, 9, 1), date(2026, 10, 1)
    assert own.rows("day", "age", "customers", "unfinished") == [
        (sep, 0, 2, False), (sep, 1, 1, False), (october, 0, 1, False),
    ]  # fmt: skip
    assert own.found.sums["back_1"] == 50
    days = {"from": "2026-11-01", "to": "2026-12-31"}
    coming = ask("cohorts", vendor_actor(vendor), by="month", **days)
    assert coming.rows("age", "unfinished") == [(0, True), (1, True)]


def test_the_marketplace_sees_all_vendors_and_one_vendor_only_its_own(vendor: int) -> None:
    other = make.new_vendor()
    for _ in range(5):
        customer(other, (date(2026, 9, 8), "1"))
    night(vendor, other)
    sizes = {row[0]: row[1] for row in ask("cohorts", ANALYST, period="12m").rows("day", "size")}
    assert sizes[date(2026, 9, 1)] == 7
    of_one = ask("cohorts", ANALYST, period="12m", vendor=other).rows("day", "size")
    assert of_one[0] == (date(2026, 9, 1), 5)
    assert ask("cohorts", vendor_actor(other), period="12m").found.sums["size"] == 5


def test_the_marketplace_is_told_nothing_of_fewer_than_five(vendor: int) -> None:
    other, sep, nov = make.new_vendor(), date(2026, 9, 8), date(2026, 11, 6)
    for n in range(6):
        customer(other, (sep, "10"), *([(nov, "5")] if n < 2 else []))
    customer(other, (sep, "10"), channel="phone")
    night(vendor, other)
    for actor in (ANALYST, admin_actor()):
        for slug in ("cohorts", "repeat-customers", "lifetime-value"):
            few = ask(slug, actor, vendor=vendor)
            assert few.found.rows == []
            assert not any(few.found.sums.values())
            assert not any(lines.many for lines in few.tables.values()), slug
            assert ask(slug, actor, vendor=other, channel="phone").found.rows == []
        cohorts = ask("cohorts", actor, vendor=other, period="12m")
        assert cohorts.rows("age", "size", "customers", "revenue", "each") == [
            (0, 7, 7, 70, 10), (1, 7, 0, 0, 0), (2, 7, 2, None, None),
        ]  # fmt: skip
        again = ask("repeat-customers", actor, vendor=other, period="year")
        assert again.rows("customers", "new_revenue", "returning_revenue") == [(7, 70, 0)]
        # of the seven six came online: who else did is told by neither of the rows
        assert again.table("channel", "channel", "customers") == []
        assert again.found.sums["returning_share"] == 0
    mine = ask("repeat-customers", vendor_actor(other), period="year")
    assert mine.rows("customers", "returning_revenue") == [(7, 0), (2, 10)]
    assert mine.table("channel", "customers") == [(6,), (1,)]


@pytest.mark.parametrize("by", ["month", "week"])
def test_marks_of_who_came_and_who_came_again_lead_to_as_many_customers(
    vendor: int, by: str
) -> None:
    days = {"from": "2026-09-10", "to": "2026-11-20"}
    for words in (days, {**days, "channel": "phone"}, {"period": "12m"}):
        asked = ask("repeat-customers", vendor_actor(vendor), by=by, **words)
        drill = asked.asked.report.drill
        for row in asked.found.rows:
            for series in ("new_customers", "returning_customers"):
                link = reading.link(asked.asked, drill, row, series, bool)
                wanted = Wanted.from_query(parse_qsl(str(link).partition("?")[2]))
                with acting(vendor_actor(vendor)), begin() as session:
                    found = session.scalars(matching(wanted)).all()
                assert len(found) == getattr(row, series), link
    assert sum(row.returning_customers for row in asked.found.rows)


@pytest.mark.parametrize(
    ("by", "today", "cohort"),
    [("month", "2026-06-03", "2026-06"), ("week", "2026-06-03", "2026-W23"),
     ("week", "2027-01-03", "2026-W53"), ("month", "2026-06-30", "2026-06")],
)  # fmt: skip
def test_marks_lead_to_who_began_in_their_own_month_or_week(
    db: Connection, at_noon: datetime, by: str, today: str, cohort: str
) -> None:
    """Also in the first days of a month that began on a Monday, as June 2026 did."""
    vendor, last = make.new_vendor(), date.fromisoformat(today)
    customer(vendor, (last - DAY, "10"))
    night(vendor)
    address = f"/admin/customer/list?cohort={cohort}"
    for slug, series in (("cohorts", "share"), ("repeat-customers", "new_customers")):
        asked = ask(slug, vendor_actor(vendor), today=last, period="12m", by=by)
        row = asked.found.rows[-1]
        drill = asked.asked.report.drill
        assert reading.link(asked.asked, drill, row, series, bool) == address
        online = ask(slug, vendor_actor(vendor), today=last, period="12m", by=by, channel="online")
        by_first = f"{address.replace('?', '?first_channel=online&')}"
        assert reading.link(online.asked, drill, row, series, bool) == by_first
        assert drill is not None
        of_two = Filters(vendors=(vendor, vendor + 1))
        assert drill(row, online.asked.period, of_two, series) is None


def test_repeat_customers_of_an_offered_period_and_of_own_days(vendor: int) -> None:
    offered = ask("repeat-customers", vendor_actor(vendor), period="month")
    sums = offered.found.sums
    assert (sums["customers"], sums["new_customers"], sums["returning_customers"]) == (3, 1, 2)
    assert sums["repeat_customers"] == 1
    assert sums["repeat_rate"] == pytest.approx(100 / 3)
    assert sums["mature_rate"] is None
    assert sums["return_days"] == 38  # 16 and 60 days: half way between
    own = ask(
        "repeat-customers", vendor_actor(vendor), **{"from": "2026-11-01", "to": "2026-11-20"}
    )
    assert own.found.sums == sums
    counted = ask(
        "repeat-customers", vendor_actor(vendor), **{"from": "2026-10-02", "to": "2026-11-18"}
    )
    sums = counted.found.sums
    assert (sums["customers"], sums["new_customers"], sums["repeat_customers"]) == (3, 2, 2)
    months = offered.rows("day", "customers", "new_customers", "returning_customers", "new_revenue")
    assert months == [(date(2026, 11, 1), 3, 1, 2, 68)]
    by = offered.table("channel", "channel", "customers", "revenue")
    assert by == [("online", 2, 108), ("phone", 1, 7)]


def test_own_days_come_to_what_is_kept_for_the_marketplace_too(vendor: int) -> None:
    customer(vendor, (date(2026, 11, 2), "30"))
    night(vendor)
    kept = ask("repeat-customers", ANALYST, period="year").found.sums
    own = ask("repeat-customers", ANALYST, **{"from": "2026-01-02", "to": "2026-11-20"}).found.sums
    assert own == kept
    assert (kept["customers"], kept["mature_rate"], kept["return_days"]) == (5, None, None)
    report = all_reports()["repeat-customers"]
    assert report.long is not None


def test_who_came_back_in_90_days_is_known_90_days_later_whatever_days_are_asked_for(
    db: Connection, at_noon: datetime
) -> None:
    vendor = make.new_vendor()
    customer(vendor, (date(2026, 3, 30), "10"), (date(2026, 6, 1), "10"))
    customer(vendor, (date(2026, 3, 31), "10"), (date(2026, 9, 1), "10"))
    customer(vendor, (date(2026, 8, 22), "10"), (date(2026, 8, 23), "10"))  # 90 days ago
    customer(vendor, (date(2026, 8, 23), "10"), (date(2026, 8, 24), "10"))
    night(vendor)
    for first, last, rate in (
        ("2026-03-01", "2026-03-31", 50), ("2026-08-01", "2026-08-31", 100),
        ("2026-03-01", "2026-08-31", pytest.approx(200 / 3)),
    ):  # fmt: skip
        own = ask("repeat-customers", vendor_actor(vendor), **{"from": first, "to": last})
        assert own.found.sums["mature_rate"] == rate, first


def test_how_soon_fewer_than_five_returned_is_not_told_over_vendors(
    db: Connection, at_noon: datetime
) -> None:
    vendor = make.new_vendor()
    began, again = (date(2026, 11, day) for day in (3, 10))
    for number, told in ((4, None), (1, 7)):
        for _ in range(number):
            customer(vendor, (began, "10"), (again, "10"))
        customer(vendor, (began, "10"))
        night(vendor)
        sums = [
            ask("repeat-customers", who, period="month").found.sums
            for who in (vendor_actor(vendor), ANALYST)
        ]
        assert [one["return_days"] for one in sums] == [7, told]


def test_as_many_weeks_as_can_be_asked_for_are_all_there(db: Connection) -> None:
    vendor, weeks = make.new_vendor(), asking.DAYS_BY_WEEK // 7
    monday = beginning(TODAY, Grain.WEEK)
    with acting(SYSTEM), begin() as session:
        for n in range(weeks):
            first = monday - n * WEEK
            make.cohort_figure(
                session, vendor_id=vendor, grain="week", cohort=first, starts_on=first
            )
    days = {"from": str(monday - (weeks - 1) * WEEK), "to": str(TODAY), "by": "week"}
    lines = ask("cohorts", vendor_actor(vendor), **days).tables["share"]
    assert len(lines.rows) == lines.many == weeks * (weeks + 1) // 2


def crowd(vendor: int) -> None:
    for n in range(12):
        first = TODAY - timedelta(days=200 + n)
        customer(vendor, (first, "10"), *((first + k * 20 * DAY, "20") for k in range(1, n // 2)))
    night(vendor, market=MODELS)


def test_groups_and_who_went_where(db: Connection, at_noon: datetime) -> None:
    vendor = make.new_vendor()
    crowd(vendor)
    answer = ask("rfm", vendor_actor(vendor), period="month", compare="before")
    rows = answer.rows("segment", "customers", "revenue")
    assert sum(row[1] for row in rows) == 12
    bought = sum(max(n // 2 - 1, 0) for n in range(12))
    assert sum(row[2] for row in rows) == 12 * 10 + bought * 20
    assert answer.found.sums["customers"] == 12
    moves = answer.table("moves", "was", "became", "customers", "rank")
    assert sum(row[2] for row in moves) == 12
    assert [row[3] for row in moves] == sorted(row[3] for row in moves)
    before = ask("rfm", vendor_actor(vendor), **{"from": "2026-10-01", "to": "2026-10-31"})
    assert sum(row[0] for row in before.rows("customers")) == 12


def test_groups_month_by_month_are_those_that_the_table_tells(
    db: Connection, at_noon: datetime
) -> None:
    vendor = make.new_vendor()
    crowd(vendor)
    best = {"champions", "loyal"}
    for actor, everybody in ((vendor_actor(vendor), True), (ANALYST, False)):
        answer = ask("rfm", actor, period="month")
        months = answer.charts["months"]
        told = dict(answer.rows("segment", "customers"))
        assert sum(month.customers for month in months) == sum(told.values())
        of_best = sum(many for group, many in told.items() if group in best)
        assert sum(month.best for month in months) == of_best
        assert (sum(told.values()) == 12) == everybody
        shown = answer.table("months", "day", "best", "slipping", "customers")
        assert shown == [(m.day, m.best, m.slipping, m.customers) for m in months]


def test_a_group_leads_to_who_is_in_it_now(db: Connection, at_noon: datetime) -> None:
    vendor = make.new_vendor()
    crowd(vendor)
    for words, linked in (({"period": "month"}, True), (
        {"from": "2026-10-01", "to": "2026-10-31"}, False),
    ):  # fmt: skip
        answer = ask("rfm", vendor_actor(vendor), **words)
        links = [
            reading.link(answer.asked, answer.asked.report.drill, row, None, bool)
            for row in answer.found.rows
        ]
        groups = [f"/admin/customer/list?group={row.segment}" for row in answer.found.rows]
        assert links == (groups if linked else [None] * len(groups))
        moves = answer.tables["moves"]
        assert moves.rows
        assert moves.table.drill is None  # no list tells who came from another group


def test_lifetime_value_names_the_models_and_an_interval(db: Connection, at_noon: datetime) -> None:
    vendor = make.new_vendor()
    crowd(vendor)
    answer = ask("lifetime-value", vendor_actor(vendor))
    (row,) = answer.found.rows
    assert (row.source, row.r, row.alpha) == (
        "marketplace",
        Decimal("0.2425982"),
        Decimal("4.4136842"),
    )
    assert (row.a, row.b, row.p, row.q, row.v) == tuple(
        map(Decimal, ("0.7929899", "2.4261667", "6.25", "3.74", "15.44"))
    )
    assert (row.log_likelihood, row.money_log_likelihood) == (
        Decimal("-9582.4290"), Decimal("-4055.9180"),
    )  # fmt: skip
    assert row.customers == row.valued == 12
    assert 0 <= row.low < row.value_12m < row.high
    assert row.alive <= 12
    groups = answer.table("group", "segment", "customers", "value_12m", "revenue")
    assert sum(g[1] for g in groups) == 12
    assert sum(g[3] for g in groups) == row.revenue
    assert all(g[2] is None for g in groups)  # of fewer than ten nothing is told
    for key in ("group", "channel", "category"):  # but of all of them together, as above the chart
        sums = answer.tables[key].totals
        told = {name: sums[name] for name in ("alive", "expected", "value_12m")}
        assert told == {name: getattr(row, name) for name in told}
    by_rfm = ask("rfm", vendor_actor(vendor), period="month")
    assert {value for (value,) in by_rfm.rows("value_12m")} == {None}
    assert by_rfm.tables["group"].totals["value_12m"] == row.value_12m
    with acting(SYSTEM), begin() as session:
        session.add(MarketModel(as_of=TODAY, source="marketplace", r=Decimal("0.5")))
    everybody = ask("lifetime-value", ANALYST).found.rows[0]
    assert (everybody.r, everybody.customers) == (Decimal("0.5"), 12)


@pytest.mark.parametrize("slug", SLUGS)
def test_nobody_nothing_and_one_customer(db: Connection, at_noon: datetime, slug: str) -> None:
    vendor = make.new_vendor()
    for actor in (vendor_actor(vendor), ANALYST):
        assert ask(slug, actor).found.rows == []
    night(vendor)
    assert ask(slug, vendor_actor(vendor)).found.rows == []
    customer(vendor, (date(2026, 11, 3), "0"))
    night(vendor)
    for actor in (vendor_actor(vendor), ANALYST):
        ask(slug, actor)
        if all_reports()[slug].own_dates and all_reports()[slug].periods:
            ask(slug, actor, **{"from": "2190-01-01", "to": "2199-12-31"})
            ask(slug, actor, **{"from": "1970-01-01", "to": "1970-01-01"})
        ask(slug, actor, channel="phone", category=[10**9])


@pytest.mark.parametrize("slug", SLUGS)
def test_no_row_tells_of_a_single_customer(slug: str) -> None:
    report: Any = all_reports()[slug]
    columns = {c.key for table in report.tables for c in table.columns}
    assert not columns & {"customer_id", "name_of", "email", "phone"}
