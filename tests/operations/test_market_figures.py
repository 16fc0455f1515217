"""The marketplace's own figures: the sums of all vendors, a little later, and nothing lost."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, select

from app.database import SessionFactory, begin
from app.errors import NotAllowed
from app.operations import figures, market_figures
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from models.figures import BookingFigures, ItemFigures, SaleFigures
from models.market_figures import (
    MarketBookingFigures,
    MarketHourFigures,
    MarketItemFigures,
    MarketSaleFigures,
    MarketStaffFigures,
    StaleMarketDay,
)
from tasks import figures as tasks
from tasks.nightly import check_the_books
from tests import make

DAY = make.NOON.date()
NEXT_MONTH = DAY.replace(month=12, day=3)


def sold(vendor_id: int, day: date, net: str, **more: Any) -> None:
    """A day's sales of a vendor, as they were worked out."""
    with acting(admin_actor()), begin() as session:
        make.figures(session, SaleFigures, vendor_id=vendor_id, starts_on=day, net=net, **more)


def add_up(*days: date) -> None:
    with acting(SYSTEM), begin() as session:
        market_figures.note(session, days=days)
        while market_figures.freshen(session):
            pass


def market(model: Any, *names: str, **where: Any) -> list[tuple[Any, ...]]:
    """What is kept, in the order of its key."""
    columns = [getattr(model, name) for name in names]
    found = select(*columns).filter_by(**{"grain": "day"} | where)
    with acting(admin_actor()), begin() as session:
        return [tuple(row) for row in session.execute(found.order_by(*model.__table__.primary_key))]


def net(grain: str) -> list[tuple[Any, ...]]:
    return market(MarketSaleFigures, "starts_on", "net", grain=grain)


def test_two_vendors_days_are_one_and_weeks_and_months_follow(db: Connection) -> None:
    one, other = make.new_vendor(), make.new_vendor()
    sold(one, DAY, "10.10")
    sold(other, DAY, "0.95")
    sold(other, DAY + timedelta(days=1), "2.00")
    sold(one, NEXT_MONTH, "4.00")
    add_up(DAY, DAY + timedelta(days=1), NEXT_MONTH)
    monday = DAY - timedelta(days=DAY.weekday())
    assert net("day") == [
        (DAY, Decimal("11.05")), (DAY + timedelta(days=1), Decimal("2.00")),
        (NEXT_MONTH, Decimal("4.00")),
    ]  # fmt: skip
    assert net("week") == [(monday, Decimal("13.05")), (date(2026, 11, 30), Decimal("4.00"))]
    assert net("month") == [
        (date(2026, 11, 1), Decimal("13.05")), (date(2026, 12, 1), Decimal("4.00")),
    ]  # fmt: skip


def test_what_a_vendor_no_longer_has_is_no_longer_in_it(db: Connection) -> None:
    vendor = make.new_vendor()
    sold(vendor, DAY, "10.00")
    add_up(DAY)
    with acting(SYSTEM), begin() as session:
        session.execute(delete(SaleFigures))
    add_up(DAY)
    assert net("day") == net("week") == net("month") == []


def test_items_are_kept_by_month_quarter_and_year_whatever_their_channel_and_category(
    db: Connection,
) -> None:
    one, other = make.new_vendor(), make.new_vendor()
    month = DAY.replace(day=1)
    item = {"grain": "month", "starts_on": month, "item_id": 7}
    with acting(admin_actor()), begin() as session:
        make.figures(session, ItemFigures, vendor_id=one, net=1, **item)
        make.figures(session, ItemFigures, vendor_id=one, net=20, channel="online", **item)
        make.figures(session, ItemFigures, vendor_id=one, net=300, category_id=3, **item)
        make.figures(session, ItemFigures, vendor_id=other, net=4000, **item)
        before = {**item, "starts_on": date(2026, 10, 1)}
        make.figures(session, ItemFigures, vendor_id=one, net=50_000, **before)
    add_up(DAY)  # of October nobody has noted anything yet
    columns = ("starts_on", "vendor_id", "item_id", "net")

    def kept(grain: str) -> list[tuple[Any, ...]]:
        return market(MarketItemFigures, *columns, grain=grain)

    assert kept("month") == [(month, one, 7, 321), (month, other, 7, 4000)]
    add_up(date(2026, 10, 30), date(2026, 10, 31))
    assert kept("month")[0] == (date(2026, 10, 1), one, 7, 50_000)
    assert kept("quarter") == [
        (date(2026, 10, 1), one, 7, 50_321), (date(2026, 10, 1), other, 7, 4000),
    ]  # fmt: skip
    assert kept("year") == [
        (date(2026, 1, 1), one, 7, 50_321), (date(2026, 1, 1), other, 7, 4000),
    ]  # fmt: skip
    assert market(MarketItemFigures, "net") == []  # of days they would be nearly as many


def test_a_false_month_of_an_item_is_found_unless_a_day_of_it_is_noted(db: Connection) -> None:
    vendor, month = make.new_vendor(), DAY.replace(day=1)
    with acting(admin_actor()), begin() as session:
        make.figures(session, ItemFigures, vendor_id=vendor, grain="month", starts_on=month, net=5)
    with acting(SYSTEM), begin() as session:
        found = {one.what: one for one in market_figures.drift(session, days=[DAY])}
        net = found[f"month product {vendor} 0 net"]
        assert (net.kept, net.true) == (None, Decimal("5.00"))
        market_figures.note(session, days=[DAY.replace(day=30)])
        assert market_figures.drift(session, days=[DAY]) == []


def test_work_of_nobody_in_particular_is_left_out_of_the_staffs(db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        make.booking(session, starts_at=make.NOON, staff=make.staff_member(session))
        make.booking(session, starts_at=make.NOON + timedelta(hours=3))
    with acting(SYSTEM):
        assert tasks.freshen.run() == 1
    assert sum(row[0] for row in market(MarketBookingFigures, "bookings")) == 2
    assert sum(row[0] for row in market(MarketHourFigures, "bookings")) == 2
    minutes = sum(row[0] for row in market(MarketBookingFigures, "minutes"))
    assert [row[0] for row in market(MarketStaffFigures, "minutes")] == [minutes // 2]


def test_the_task_adds_up_what_it_works_out(db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        make.order(session, status="completed", fulfilled_at=make.NOON)
    with acting(SYSTEM):
        assert tasks.freshen.run() == 1
        assert tasks.freshen.run() == 0
    mine = select(func.sum(SaleFigures.net)).where(SaleFigures.grain == "day")
    with acting(admin_actor()), begin() as session:
        assert session.scalar(select(func.count()).select_from(StaleMarketDay)) == 0
        told = session.scalar(mine)
    assert told
    assert [row[1] for row in net("day")] == [told]


def test_a_vendor_worked_out_anew_takes_its_old_days_along(db: Connection) -> None:
    vendor, other = make.new_vendor(), make.new_vendor()
    sold(vendor, DAY, "10.00")  # no ledger knows of it
    sold(other, DAY, "1.00")
    add_up(DAY)
    with acting(SYSTEM), begin() as session:
        figures.rebuild(session, vendor_ids=[vendor])
        while market_figures.freshen(session):
            pass
    assert net("day") == [(DAY, Decimal("1.00"))]


def test_everything_is_added_up_anew_where_it_is_asked_for(db: Connection) -> None:
    sold(make.new_vendor(), DAY, "10.00")
    with acting(SYSTEM), begin() as session:
        market_figures.note(session, days=[DAY])
        market_figures.rebuild(session, only=[BookingFigures])
    assert net("day") == []
    with acting(SYSTEM), begin() as session:
        market_figures.rebuild(session)
        assert session.scalar(select(func.count()).select_from(StaleMarketDay)) == 0
    assert net("day") == [(DAY, Decimal("10.00"))]


def test_so_many_days_at_once_and_no_more(db: Connection) -> None:
    days = [DAY + timedelta(days=n) for n in range(5)]
    with acting(SYSTEM), begin() as session:
        market_figures.note(session, days=days + days)
        assert market_figures.freshen(session, most=3) == 3
        left = session.scalars(select(StaleMarketDay.day).distinct()).all()
        assert sorted(left) == days[:2]
        assert market_figures.freshen(session, most=3) == 2
        assert market_figures.freshen(session) == 0
        market_figures.note(session, days=[])
        market_figures.note_all_of(session, vendor_ids=[])
        assert market_figures.freshen(session) == 0


def test_a_false_sum_is_found_unless_it_is_still_to_be_worked_out(
    db: Connection, caplog: pytest.LogCaptureFixture, at_noon: datetime
) -> None:
    sold(make.new_vendor(), DAY, "10.00")
    add_up(DAY)
    with acting(SYSTEM), begin() as session:
        assert market_figures.drift(session, days=[DAY]) == []
        assert market_figures.drift(session, days=[]) == []
    sold(make.new_vendor(), DAY, "1.00")
    with acting(SYSTEM), begin() as session:
        found = market_figures.drift(session, days=[DAY])
        assert [(one.what.split()[-1], one.kept, one.true) for one in found] == [
            ("net", Decimal("10.00"), Decimal("11.00"))
        ]
    assert check_the_books.apply().get() >= 1
    assert "The books of the marketplace differ: market sale figures 20261120" in caplog.text
    with acting(SYSTEM), begin() as session:
        market_figures.note(session, days=[DAY])
        assert market_figures.drift(session, days=[DAY]) == []


def test_no_vendor_reads_or_writes_them(db: Connection) -> None:
    vendor = make.new_vendor()
    for twin in market_figures.TWINS:
        for statement in (select(twin.market.__table__), delete(twin.market.__table__)):
            with (
                pytest.raises(NotAllowed),
                acting(vendor_actor(vendor)),
                begin() as session,
            ):
                session.execute(statement)
    with (
        pytest.raises(NotAllowed),
        acting(vendor_actor(vendor)),
        begin() as session,
    ):
        market_figures.note(session, days=[DAY])


def test_what_is_noted_meanwhile_is_not_lost(fresh_database: str) -> None:
    one, other = make.new_vendor(), make.new_vendor()
    sold(one, DAY, "10.00")
    with acting(SYSTEM), begin() as session:
        market_figures.note(session, days=[DAY])
    with acting(SYSTEM), SessionFactory() as busy:
        assert market_figures.freshen(busy) == 1
        sold(other, DAY, "1.00")
        with begin() as session:
            market_figures.note(session, days=[DAY])
        with begin() as session:
            assert market_figures.freshen(session) == 0  # left to who is at it
        busy.commit()
    assert net("day") == [(DAY, Decimal("10.00"))]
    with acting(SYSTEM), begin() as session:
        assert market_figures.freshen(session) == 1
    assert net("day") == [(DAY, Decimal("11.00"))]
