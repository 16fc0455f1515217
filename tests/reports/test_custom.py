"""Reports of one's own as questions: who is behind a row, what is drawn, where a row leads to."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection

from admin_views import report_files
from app.database import begin
from app.tenancy import SYSTEM, Actor, acting, admin_actor, vendor_actor
from models.figures import BookingFigures, HourFigures, ItemFigures, StaffFigures
from reports import asking, custom, reading
from reports.kept import Kept, Live, steps
from reports.report import Figure, Filters, Period, Report
from reports.spans import Grain
from tests import make
from tests.reports.asked import drawn, kept

TODAY = date(2026, 11, 20)
DAYS = {"from": ["2026-11-16"], "to": ["2026-11-20"], "by": ["day"]}


def put_together(source: str, measure: str, *dimensions: str, chart: str = "bars") -> Report:
    given = {"source": source, "measures": [measure], "dimensions": dimensions, "chart": chart}
    return custom.report_of(7, "Ours", custom.read(given))


def asked(actor: Actor, report: Report, **words: str) -> tuple[asking.Asked, reading.Found]:
    said = DAYS | {name: [word] for name, word in words.items()}
    with acting(actor), begin() as session:
        question = asking.ask(session, report, said, today=TODAY, vendor_id=actor.vendor_id)
        return question, reading.read(session, question)


def figure_of(actor: Actor, report: Report) -> Figure:
    question, found = asked(actor, report)
    assert report.figure is not None
    return drawn(report.figure, question, found.rows)


def of_day(vendor: int, day: int, **sums: Any) -> dict[str, Any]:
    return {"vendor_id": vendor, "starts_on": date(2026, 11, day), **sums}


def test_a_time_that_is_held_for_somebody_makes_no_group_larger(db: Connection) -> None:
    vendor = make.new_vendor()
    at = datetime(2026, 11, 18, 10, tzinfo=UTC)
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session)
        for _ in range(4):
            make.booking(session, service=service, starts_at=at)
        make.booking(session, service=service, starts_at=at, status="pending", held_until=at)
    kept(BookingFigures, of_day(vendor, 18, service_id=service.id, bookings=4))
    report = put_together("bookings", "bookings", "channel")
    assert [row.bookings for row in asked(vendor_actor(vendor), report)[1].rows] == [4]
    assert asked(SYSTEM, report)[1].rows == []


def test_visits_that_were_over_before_they_should_begin_are_of_their_day(db: Connection) -> None:
    vendor = make.new_vendor()
    done, planned = (datetime(2026, 11, day, 10, tzinfo=UTC) for day in (20, 27))
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session)
        for _ in range(5):
            make.booking(
                session, service=service, starts_at=planned, completed_at=done, status="completed"
            )
    sold: dict[str, Any] = {"kind": "service", "item_id": service.id, "lines": 5, "quantity": 5}
    kept(ItemFigures, of_day(vendor, 20, net=Decimal(200), **sold))
    report = put_together("sales", "revenue", "vendor")
    assert [row.revenue for row in asked(SYSTEM, report)[1].rows] == [200]


@pytest.mark.parametrize("source", [*custom.SOURCES])
def test_many_categories_are_no_more_questions_than_two(db: Connection, source: str) -> None:
    with acting(SYSTEM):
        report = put_together(source, "bookings" if source != "sales" else "revenue", "vendor")
        period = Period(TODAY, TODAY)
        two, many = (
            str(report.query(period, Filters(category_ids=tuple(range(n))), Grain.DAY))
            for n in (2, 90)
        )
    assert two.count("count(") == many.count("count(") > 0


def test_a_run_keeps_all_rows_that_a_file_has(db: Connection) -> None:
    vendor = make.new_vendor()
    kept(BookingFigures, *(of_day(vendor, 18, service_id=n, bookings=n) for n in range(1, 1102)))
    report, actor = put_together("bookings", "bookings", "service"), vendor_actor(vendor)
    question, _ = asked(actor, report)
    with acting(actor), begin() as session:
        live = Live(session, question)
        run = Kept({name: work(live) for name, work in steps(question)})
        text = report_files.of_table(question, run, report.tables[0], "")
    assert len(text.splitlines()) == 1 + 1101


def test_things_of_one_name_are_drawn_apart(db: Connection) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        first, second = (make.service(session, name="Cut").id for _ in range(2))
    sold: dict[str, Any] = {"kind": "service", "lines": 1}
    kept(
        ItemFigures,
        of_day(vendor, 18, item_id=first, net=Decimal(100), **sold),
        of_day(vendor, 18, item_id=second, net=Decimal(30), **sold),
        of_day(vendor, 19, item_id=second, net=Decimal(5), **sold),
    )
    figure = figure_of(vendor_actor(vendor), put_together("sales", "revenue", "time", "item"))
    assert [one["name"] for one in figure.data] == ["Cut", "Cut"]
    assert [one["y"] for one in figure.data] == [[0, 0, 100, 0, 0], [0, 0, 30, 5, 0]]


def test_what_is_not_among_the_five_largest_is_drawn_together(db: Connection) -> None:
    """A stack comes to what was sold on its day, whatever it was."""
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        items = [make.service(session, name=f"Cut {n}").id for n in range(7)]
    sold: dict[str, Any] = {"kind": "service", "lines": 1}
    kept(
        ItemFigures,
        *(of_day(vendor, 18, item_id=one, net=Decimal(100 - n), **sold)
          for n, one in enumerate(items)),
        of_day(vendor, 20, item_id=items[6], net=Decimal(1), **sold),
    )  # fmt: skip
    figure = figure_of(vendor_actor(vendor), put_together("sales", "revenue", "time", "item"))
    assert [one["name"] for one in figure.data] == [*(f"Cut {n}" for n in range(5)), "Other"]
    assert figure.data[5]["y"] == [0, 0, 95 + 94, 0, 1]
    assert "customdata" not in figure.data[5]


def test_over_vendors_things_are_called_with_whose_they_are(db: Connection) -> None:
    report = put_together("team", "bookings", "staff")
    at, rows, vendors = datetime(2026, 11, 18, 10, tzinfo=UTC), [], []
    for name in ("Aurora", "Borealis"):
        vendor = make.new_vendor(name=name)
        with acting(vendor_actor(vendor)), begin() as session:
            ana = make.staff_member(session, name="Ana")
            for hour in range(5):
                make.booking(session, staff=ana, starts_at=at + timedelta(hours=hour))
            rows.append(of_day(vendor, 18, staff_id=ana.id, bookings=5))
        vendors.append(vendor)
    kept(StaffFigures, *rows)
    for vendor in vendors:
        assert [row.staff for row in asked(vendor_actor(vendor), report)[1].rows] == ["Ana"]
    told = {row.staff for row in asked(SYSTEM, report)[1].rows}
    assert told == {"Ana, Aurora", "Ana, Borealis"}
    both = put_together("team", "bookings", "vendor", "staff")
    assert {(r.vendor, r.staff) for r in asked(SYSTEM, both)[1].rows} == {
        ("Aurora", "Ana"), ("Borealis", "Ana"),
    }  # fmt: skip


def test_hours_stand_in_their_order_and_none_is_left_out(db: Connection) -> None:
    vendor = make.new_vendor()
    kept(HourFigures, *(of_day(vendor, 18, hour=hour, bookings=24 - hour) for hour in range(24)))
    actor = vendor_actor(vendor)
    bars = figure_of(actor, put_together("hours", "bookings", "hour"))
    assert bars.data[0]["x"] == [f"{hour:02d}:00" for hour in range(24)]
    assert bars.data[0]["y"] == [24 - hour for hour in range(24)]
    ranked = figure_of(actor, put_together("hours", "bookings", "hour", chart="ranked"))
    assert ranked.data[0]["y"][:2] == ["00:00", "01:00"]
    days = figure_of(actor, put_together("hours", "bookings", "weekday"))
    assert days.data[0]["x"] == ["Fri"]


BOOKED, SOLD = "/admin/booking/list?", "/admin/order/list?"
TOLD = "/admin/reports/revenue?"
PERIOD = "day_from=2026-11-16&day_to=2026-11-20"
HANDED = "sold_from=2026-11-16&sold_to=2026-11-20"


@pytest.fixture
def ids(db: Connection) -> dict[str, int]:
    """A vendor with a little of everything that can be grouped by."""
    vendor = make.new_vendor(name="Aurora")
    with acting(admin_actor(vendor)), begin() as session:
        hair = make.category(session, name="Hair").id
        toys = make.category(session, name="Toys", kind="product").id
        cut = make.service(session, name="Cut", category_id=hair).id
        ball = make.product(session, name="Ball", category_id=toys).id
        ana = make.staff_member(session, name="Ana").id
    kept(
        BookingFigures,
        of_day(vendor, 17, service_id=cut, category_id=hair, channel="online", bookings=3),
    )
    kept(StaffFigures, of_day(vendor, 17, staff_id=ana, bookings=2), of_day(vendor, 17, bookings=1))
    kept(HourFigures, of_day(vendor, 17, weekday=2, hour=9, bookings=3))
    kept(
        ItemFigures,
        of_day(vendor, 17, kind="service", item_id=cut, category_id=hair, net=Decimal(9)),
        of_day(vendor, 17, kind="product", item_id=ball, category_id=toys, net=Decimal(8)),
        of_day(vendor, 17, kind="tip", net=Decimal(7)),
        of_day(vendor, 17, kind="unassigned", refunded=Decimal(1)),
    )
    return {"vendor": vendor, "hair": hair, "toys": toys, "cut": cut, "ball": ball, "ana": ana}


@pytest.mark.parametrize(
    ("source", "measure", "dimensions", "wanted"),
    [
        ("bookings", "bookings", ["time"],
         {f"{BOOKED}day_from=2026-11-17&day_to=2026-11-17&held=no"}),
        ("bookings", "bookings", ["service"], {BOOKED + PERIOD + "&held=no&service={cut}"}),
        ("bookings", "bookings", ["category", "channel"],
         {BOOKED + PERIOD + "&held=no&category={hair}-only&channel=online"}),
        ("bookings", "bookings", ["vendor"], {BOOKED + PERIOD + "&held=no&vendor={vendor}"}),
        ("team", "bookings", ["staff"], {BOOKED + PERIOD + "&held=no&staff={ana}", None}),
        ("hours", "bookings", ["hour"], {None}),
        ("hours", "bookings", ["time", "weekday"], {None}),
        ("hours", "bookings", ["channel"], {BOOKED + PERIOD + "&held=no&channel=walk_in"}),
        ("sales", "revenue", ["kind"],
         {BOOKED + PERIOD + "&held=no&status=completed", f"{SOLD}{HANDED}&kind=product",
          f"{SOLD}{HANDED}&kind=tip", None}),
        ("sales", "revenue", ["item"],
         {BOOKED + PERIOD + "&held=no&status=completed&service={cut}", SOLD + HANDED
          + "&item=product%3A{ball}", f"{SOLD}{HANDED}&kind=tip", None}),
        ("sales", "revenue", ["category"],
         {BOOKED + PERIOD + "&held=no&status=completed&category={hair}-only",
          SOLD + HANDED + "&category={toys}-only", None}),
        ("sales", "revenue", ["time"], {f"{TOLD}from=2026-11-17&to=2026-11-17"}),
        ("sales", "revenue", ["vendor"], {TOLD + "from=2026-11-16&to=2026-11-20&vendor={vendor}"}),
    ],
)  # fmt: skip
def test_rows_lead_to_the_lists_behind_them(
    ids: dict[str, int], source: str, measure: str, dimensions: list[str], wanted: set[str | None]
) -> None:
    report = put_together(source, measure, *dimensions)
    question, found = asked(vendor_actor(ids["vendor"]), report)
    assert report.tables[0].drill is report.drill
    links = {reading.link(question, report.drill, r, None, lambda _: True) for r in found.rows}
    assert links == {one and one.format(**ids) for one in wanted}


def test_rows_of_one_day_stand_in_one_order(ids: dict[str, int]) -> None:
    report = put_together("sales", "tax", "time", "category")
    with acting(vendor_actor(ids["vendor"])), begin() as session:
        question, _ = asked(vendor_actor(ids["vendor"]), report)
        rows = reading.lines(session, question, report.tables[0]).rows
    assert [row.category for row in rows] == ["Hair", "No category", "Toys"]


def test_marks_lead_to_what_they_count(ids: dict[str, int]) -> None:
    actor = vendor_actor(ids["vendor"])
    for dimensions, chart in ((["service"], "ranked"), (["time", "service"], "bars")):
        report = put_together("bookings", "no_shows", *dimensions, chart=chart)
        question, found = asked(actor, report, channel="online")
        frame = reading.frame_of(question, found, lambda _: True)
        assert report.figure is not None
        (mark,) = (link for one in report.figure(frame).data for link in one["customdata"] if link)
        assert mark.startswith(BOOKED)
        assert f"status=no_show&service={ids['cut']}&channel=online" in mark
    back = put_together("sales", "refunds", "kind")
    question, found = asked(actor, back)
    links = [reading.link(question, back.drill, r, "refunds", lambda _: True) for r in found.rows]
    assert set(links) == {None}, "money went back on other days than those of its orders"
