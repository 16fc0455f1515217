"""Vendors beside each other, against figures worked out by hand; no vendor has the report."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from app.database import begin
from app.tenancy import PanelRole, acting, admin_actor
from models.audiences import UserFigures
from models.figures import BookingFigures, SaleFigures, VendorFigures
from models.scores import ReachFigure
from reports import reading
from reports.registry import all_reports, for_role
from tests import make
from tests.reports.figured import roll_up
from tests.reports.test_bookings import ANALYST, TODAY, asked, put, tables

VENDORS = all_reports()["vendors"]
DAY, FIRST = date(2026, 11, 17), date(2026, 11, 14)


def reached(vendor_id: int, customers: int, new: int, repeat: int, **more: Any) -> None:
    with acting(admin_actor()), begin() as session:
        session.add(
            ReachFigure(
                vendor_id=vendor_id, as_of=TODAY, customers=customers, new_customers=new,
                repeat_customers=repeat,
                **{"channel": "online", "category_id": 0, "starts_on": FIRST, "ends_on": TODAY,
                   **more},
            )
        )  # fmt: skip


def three_vendors(db: Connection) -> tuple[int, int, int]:
    first, second, idle = make.new_vendor(), make.new_vendor(), make.new_vendor()
    put(SaleFigures, first, DAY, kind="service", net=Decimal(500), refunded=Decimal(100))
    put(SaleFigures, second, DAY, kind="product", net=Decimal(450), channel="online")
    put(VendorFigures, first, DAY, revenue=Decimal(400), bookings=8, completed=6, no_shows=2,
        cancelled=2)  # fmt: skip
    put(VendorFigures, second, DAY, revenue=Decimal(450))
    put(BookingFigures, first, DAY, bookings=10, completed=6, no_shows=2, cancelled=2)
    put(UserFigures, first, DAY, user_id=2, answered=2, answer_minutes=50)
    put(UserFigures, first, DAY, user_id=3, answered=1, answer_minutes=40)
    for model in (SaleFigures, VendorFigures, BookingFigures, UserFigures):
        roll_up(model)
    reached(first, 20, 5, 8)
    reached(first, 20, 3, 2, channel="walk_in")
    reached(first, 999, 999, 999, starts_on=date(2026, 1, 1))
    reached(second, 4, 1, 1)
    return first, second, idle


def test_vendors_are_ranked_by_what_they_took(db: Connection) -> None:
    first, second, _ = three_vendors(db)
    question, found = asked(ANALYST, VENDORS, period="7d")
    rows = [(r.vendor_id, r.rank, r.revenue, r.bookings, r.customers, r.answered_in)
            for r in found.rows]  # fmt: skip
    # of four customers nothing is told; who sold nothing is not ranked
    assert rows == [(second, 1, 450, 0, None, None), (first, 2, 400, 10, 40, 30)]
    sums = found.sums
    assert (sums["vendors"], sums["revenue"], sums["no_show_rate"]) == (2, 850, 25)
    assert (sums["new_customers"], sums["repeat_rate"], sums["answered"]) == (8, 25, 3)
    told = tables(admin_actor(), question)["vendor"]
    shares = {r.vendor_id: (r.completion, r.no_show_rate, r.repeat_rate) for r in told.rows}
    assert shares == {first: (60, 25, 25), second: (None, None, None)}
    assert told.totals["revenue"] == 850
    address = reading.link(question, VENDORS.drill, found.rows[0], None, lambda _: True)
    assert address == f"/admin/reports/revenue?period=7d&vendor={second}"


def test_a_few_of_many_customers_are_not_told(db: Connection) -> None:
    first, _, _ = three_vendors(db)
    other = make.new_vendor()
    put(VendorFigures, other, DAY, revenue=Decimal(1))
    reached(other, 20, 4, 0)
    _, found = asked(ANALYST, VENDORS, period="7d")
    told = {r.vendor_id: (r.customers, r.new_customers, r.repeat_customers) for r in found.rows}
    assert (told[first], told[other]) == ((40, 8, 10), (20, None, 0))


def test_a_share_is_of_those_of_whom_its_part_is_told(db: Connection) -> None:
    three_vendors(db)
    for repeat in (3, 30):
        vendor = make.new_vendor()
        put(VendorFigures, vendor, DAY, revenue=Decimal(1))
        reached(vendor, 60, 10, repeat)
    question, found = asked(ANALYST, VENDORS, period="7d")
    assert found.sums["repeat_rate"] == 40  # 10 of 40 and 30 of 60; of the other 60 nothing is told
    told = tables(admin_actor(), question)["vendor"]
    assert [r.repeat_rate for r in told.rows] == [None, 25, None, 50]
    assert (told.totals["customers"], told.totals["repeat_rate"]) == (160, 40)


def test_customers_are_known_for_offered_periods_and_channels_narrow_all(db: Connection) -> None:
    first, second, _ = three_vendors(db)
    _, found = asked(ANALYST, VENDORS, **{"from": "2026-11-15", "to": "2026-11-20"})
    assert [(r.vendor_id, r.customers) for r in found.rows] == [(second, None), (first, None)]
    _, found = asked(ANALYST, VENDORS, period="7d", channel="online")
    assert [(r.vendor_id, r.revenue) for r in found.rows] == [(second, 450)]
    _, found = asked(ANALYST, VENDORS, period="today")
    assert reading.is_empty(found)


def test_no_vendor_has_it() -> None:
    for role in (PanelRole.MANAGER, PanelRole.STAFF):
        assert not {"vendors", "engagement"} & set(for_role(role))
    assert "user-activity" not in for_role(PanelRole.ANALYST)
