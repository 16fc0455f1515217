"""The month beside the calendar: a day is full when somebody works and nobody has time left."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy.dialects.postgresql import Range

from app import clock
from app.database import begin
from app.tenancy import acting, vendor_actor
from models.staff import StaffMember
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff

MONTH = "/admin/calendar/month"
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass
class Shop:
    """Ana works from nine to twelve from Monday to Friday; it is Saturday."""

    vendor: int
    ana: int

    def book(self, day: int, *, until: time = time(12), **fields: Any) -> None:
        """Ana is booked on a day of November from nine."""
        starts = MONDAY.replace(day=day)
        ends = starts.replace(hour=until.hour, minute=until.minute)
        with acting(vendor_actor(self.vendor)), begin() as session:
            make.booking(session, staff_id=self.ana, starts_at=starts, ends_at=ends, **fields)

    def full(self, panel: PanelClient, **query: Any) -> list[str]:
        answer = panel.as_(staff(self.vendor)).get(MONTH, params={"day": "2026-11-21"} | query)
        assert answer.status_code == 200, answer.text
        return [day.removeprefix("2026-11-") for day in answer.json()["full"]]


@pytest.fixture
def shop() -> Iterator[Shop]:
    with clock.stopped_at(datetime(2026, 11, 21, 10, tzinfo=UTC)):
        vendor = make.new_vendor(time_zone="Europe/Lisbon")
        with acting(vendor_actor(vendor)), begin() as session:
            ana = make.staff_member(session, name="Ana Alves")
            for weekday in range(1, 6):
                make.working_hours(session, staff=ana, weekday=weekday, ends=time(12))
        yield Shop(vendor, ana.id)


def test_a_day_is_full_when_what_is_left_is_too_short_for_anything(
    panel: PanelClient, shop: Shop
) -> None:
    shop.book(23)
    shop.book(24, until=time(11, 50))
    shop.book(25, until=time(11, 45))
    assert shop.full(panel) == ["23", "24"]


def test_buffers_and_classes_take_time_and_what_blocks_nobody_takes_none(
    panel: PanelClient, shop: Shop
) -> None:
    noon = MONDAY.replace(hour=12)
    shop.book(23, until=time(11), with_buffer_after=Range(MONDAY, noon))
    shop.book(24, status="cancelled")
    shop.book(25, status="no_show")
    nothing: Range[datetime] = Range(empty=True)
    extra = {"with_buffer_before": nothing, "with_buffer_after": nothing}
    shop.book(26, overbooked="She asked for it", **extra)
    with acting(vendor_actor(shop.vendor)), begin() as session:
        for day, status in ((27, "scheduled"), (30, "cancelled")):
            begins = MONDAY.replace(day=day)
            make.class_session(
                session, staff=session.get_one(StaffMember, shop.ana), starts_at=begins,
                ends_at=begins + timedelta(hours=3), status=status,
            )  # fmt: skip
    assert shop.full(panel) == ["23", "27"]


def test_whoever_else_has_time_keeps_a_day_open(panel: PanelClient, shop: Shop) -> None:
    shop.book(23)
    shop.book(24)
    with acting(vendor_actor(shop.vendor)), begin() as session:
        rui = make.staff_member(session, name="Rui Reis")
        make.working_hours(session, staff=rui, weekday=1)
        gone = make.staff_member(session, name="Gone", is_active=False)
        make.working_hours(session, staff=gone, weekday=2)
        number = rui.id
    assert shop.full(panel) == ["24"]
    assert shop.full(panel, staff=str(shop.ana)) == ["23", "24"]
    assert shop.full(panel, staff=str(number)) == []


def test_closed_days_and_days_before_are_not_full(panel: PanelClient, shop: Shop) -> None:
    shop.book(19)
    shop.book(20)
    with acting(vendor_actor(shop.vendor)), begin() as session:
        off = {"starts_at": MONDAY, "ends_at": MONDAY + timedelta(days=1)}
        make.time_off(session, staff_id=shop.ana, **off)
    assert shop.full(panel) == []


def test_of_today_what_is_still_to_come_counts(panel: PanelClient, shop: Shop) -> None:
    with clock.stopped_at(MONDAY + timedelta(hours=1)):
        shop.book(23, until=time(10))
        assert shop.full(panel) == []
    with clock.stopped_at(MONDAY + timedelta(hours=2, minutes=50)):
        assert shop.full(panel) == ["23"]
    with clock.stopped_at(MONDAY + timedelta(hours=4)):
        assert shop.full(panel) == []


def test_who_may_be_booked_at_any_time_fills_no_day(panel: PanelClient, shop: Shop) -> None:
    shop.book(23)
    with acting(vendor_actor(shop.vendor)), begin() as session:
        make.staff_member(session, name="Always here")
    assert shop.full(panel) == []


def test_another_vendors_people_fill_nothing_here(panel: PanelClient, shop: Shop) -> None:
    shop.book(23)
    other = make.new_vendor(time_zone="Europe/Lisbon")
    panel.as_(manager(other))
    for query in ({}, {"staff": str(shop.ana)}):
        answer = panel.get(MONTH, params={"day": "2026-11-21"} | query)
        assert answer.json() == {"full": []}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"day": ""}, "day"),
        ({"day": "2026-13-01"}, "day"),
        ({"day": "9999-12-31"}, "day"),
        ({"day": "1989-12-31"}, "day"),
        ({"day": "NaN"}, "day"),
        ({"day": "2026-11-21\x00"}, "day"),
        ({"day": "9" * 4000}, "day"),
        ({"day": "2026-11-21", "staff": "x"}, "staff"),
        ({"day": "2026-11-21", "staff": "1," * 300 + "1"}, "staff"),
        ({"day": "2026-11-21", "staff": "9" * 30}, "staff"),
    ],
)
def test_what_is_no_month_is_refused(
    panel: PanelClient, shop: Shop, query: dict[str, str], field: str
) -> None:
    answer = panel.as_(staff(shop.vendor)).get(MONTH, params=query)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_months_at_the_ends_of_time_are_no_trouble(panel: PanelClient, shop: Shop) -> None:
    assert shop.full(panel, day="1990-01-01") == []
    assert shop.full(panel, day="2198-12-31") == []


def test_only_a_vendor_has_a_month_and_nobody_writes_it(panel: PanelClient, shop: Shop) -> None:
    query = {"day": "2026-11-21"}
    assert panel.as_(admin()).get(MONTH, params=query).status_code == 400
    assert panel.as_(analyst()).get(MONTH, params=query).status_code == 403
    assert panel.as_(manager(shop.vendor)).post(MONTH, data=query).status_code == 405
