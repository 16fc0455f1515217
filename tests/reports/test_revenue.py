"""Revenue, against sums worked out by hand from a week of two vendors."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from app.database import begin
from app.tenancy import Actor, DatabaseRole, acting, admin_actor, vendor_actor
from models.figures import SaleFigures
from reports import asking, reading
from reports.registry import all_reports
from tests import make
from tests.reports.figured import roll_up

ANALYST = Actor(DatabaseRole.ANALYST)
TODAY = date(2026, 11, 20)
REVENUE = all_reports()["revenue"]


def sold(vendor_id: int, day: date, kind: str, net: str, **more: Any) -> None:
    """A day's sales of a kind."""
    money = {"gross": net, "net": net, **more}
    amounts = {k: Decimal(v) for k, v in money.items() if k not in ("category_id", "channel")}
    with acting(admin_actor()), begin() as session:
        make.figures(
            session, SaleFigures, vendor_id=vendor_id, starts_on=day, kind=kind, lines=1,
            quantity=1, **{**more, **amounts},
        )  # fmt: skip


def asked(actor: Actor, **words: str) -> tuple[asking.Asked, reading.Found]:
    with acting(actor), begin() as session:
        said = {name: [word] for name, word in words.items()}
        question = asking.ask(session, REVENUE, said, today=TODAY, vendor_id=actor.vendor_id)
        return question, reading.read(session, question)


def one_week(db: Connection) -> tuple[int, int]:
    """Two vendors: 135.00 and 300.00 this week, 60.00 and nothing the week before."""
    here, there = make.new_vendor(), make.new_vendor()
    sold(here, date(2026, 11, 16), "service", "100.00", tax="21.00")
    sold(here, date(2026, 11, 17), "product", "50.00", refunded="20.00", channel="online")
    sold(here, date(2026, 11, 18), "tip", "5.00")
    sold(here, date(2026, 11, 9), "service", "60.00")
    sold(there, date(2026, 11, 17), "package", "300.00")
    roll_up(SaleFigures)
    return here, there


def test_the_parts_add_up_to_the_whole(db: Connection) -> None:
    here, _ = one_week(db)
    _, found = asked(vendor_actor(here), period="7d")
    rows = [(r.day.day, r.services, r.products, r.other, r.revenue) for r in found.rows]
    assert rows == [(16, 100, 0, 0, 100), (17, 0, 30, 0, 30), (18, 0, 0, 5, 5)]
    sums = found.sums
    assert (sums["revenue"], sums["services"], sums["products"], sums["refunds"]) == (
        135, 100, 30, 20,
    )  # fmt: skip
    assert round(sums["product_share"], 2) == Decimal("22.22")
    assert found.sums_before is not None
    assert (found.sums_before["revenue"], found.sums_before["products"]) == (60, 0)


def test_weeks_of_all_vendors_are_sums_of_their_days(db: Connection) -> None:
    one_week(db)
    for by, totals in (("week", [60, 435]), ("month", [495]), ("day", [60, 100, 330, 5])):
        _, found = asked(ANALYST, period="12w", by=by)
        assert [r.revenue for r in found.rows] == totals
        assert found.sums["revenue"] == 495
        assert found.sums_before == dict.fromkeys(found.sums)


def test_every_table_has_the_same_total_and_what_was_before(db: Connection) -> None:
    here, there = one_week(db)
    question, _ = asked(ANALYST, period="7d")
    with acting(ANALYST), begin() as session:
        found = {t.key: reading.lines(session, question, t) for t in REVENUE.tables}
    assert {key: lines.totals["revenue"] for key, lines in found.items()} == dict.fromkeys(
        found, 435
    )
    vendors = [(r.vendor_id, r.revenue, r.before) for r in found["vendor"].rows]
    assert vendors == [(there, 300, None), (here, 135, 60)]
    assert found["vendor"].totals["before"] == 60
    kinds = {r.kind: (r.gross, r.refunds, r.revenue, r.tax) for r in found["kind"].rows}
    assert kinds == {
        "package": (300, 0, 300, 0), "service": (100, 0, 100, 21), "product": (50, 20, 30, 0),
        "tip": (5, 0, 5, 0),
    }  # fmt: skip
    assert [r.channel for r in found["channel"].rows] == ["walk_in", "online"]


def test_quarters_stand_for_their_months(db: Connection) -> None:
    here = make.new_vendor()
    for month in range(1, 12):
        sold(here, date(2026, month, 7), "product", f"{month}.00")
    sold(here, date(2025, 12, 7), "product", "100.00")
    roll_up(SaleFigures)
    for period, total in (("12m", 166), ("year", 66)):
        question, found = asked(ANALYST, period=period)
        assert found.sums["revenue"] == total
        with acting(ANALYST), begin() as session:
            of_vendors = reading.lines(session, question, REVENUE.tables[0])
        assert [row.revenue for row in of_vendors.rows] == [total]


def test_a_table_is_sorted_and_cut_and_still_sums_all(db: Connection) -> None:
    one_week(db)
    question, _ = asked(ANALYST, period="7d")
    table = REVENUE.tables[-2]
    with acting(ANALYST), begin() as session:
        lines = reading.lines(session, question, table, sort="revenue", most=2)
        unknown = reading.lines(session, question, table, sort="-password", most=1)
    assert [r.kind for r in lines.rows] == ["tip", "product"]
    assert (lines.many, lines.totals["revenue"]) == (4, 435)
    assert unknown.rows[0].kind == "package"


def test_channels_and_categories_with_all_below_them_narrow_it(db: Connection) -> None:
    here = make.new_vendor()
    with acting(admin_actor()), begin() as session:
        care = make.category(session, name="Care")
        hair = make.category(session, name="Hair", parent_id=care.id)
        other = make.category(session, name="Pets")
        ids = care.id, hair.id, other.id
    for number, net in zip(ids, ("10.00", "20.00", "40.00"), strict=True):
        sold(here, TODAY, "service", net, category_id=number, channel="online")
    sold(here, TODAY, "service", "80.00")
    _, found = asked(vendor_actor(here), period="today", category=str(ids[0]))
    assert found.sums["revenue"] == 30
    _, found = asked(vendor_actor(here), period="today", channel="online")
    assert found.sums["revenue"] == 70
    _, found = asked(vendor_actor(here), period="today", category="999999999")
    assert reading.is_empty(found)


def test_a_row_leads_to_the_visits_or_the_orders_that_brought_most_of_it(db: Connection) -> None:
    here, _ = one_week(db)
    with acting(vendor_actor(here)), begin() as session:
        question = asking.ask(session, REVENUE, {"period": ["7d"]}, today=TODAY, vendor_id=here)
        found = {
            table.key: {
                getattr(row, table.columns[0].key): reading.link(
                    question, table.drill, row, None, lambda _: True
                )
                for row in reading.lines(session, question, table).rows
            }
            for table in REVENUE.tables if table.key in ("time", "channel")
        }  # fmt: skip
    days = {day.day: str(link).partition("?")[0] for day, link in found["time"].items()}
    visits, orders = "/admin/booking/list", "/admin/order/list"
    assert days == {16: visits, 17: orders, 18: orders}
    assert "status=completed&channel=walk_in" in str(found["channel"]["walk_in"])
    assert str(found["channel"]["online"]).startswith(orders)
    other = REVENUE.drill and REVENUE.drill(None, question.period, question.filters, "other")
    assert str(other).endswith("&kind=fee&kind=shipping&kind=tip")
