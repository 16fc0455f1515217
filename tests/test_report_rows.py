"""`python -m app report`: the rows behind a report, and what it refuses."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from app import clock, report_rows
from app.database import begin
from app.errors import DomainError
from app.tenancy import acting, admin_actor
from models.figures import BookingFigures, SaleFigures
from reports.registry import all_reports
from tests import make
from tests.reports.figured import roll_up

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def world(db: object) -> int:
    here, there = (make.new_vendor(slug=slug) for slug in ("here", "there"))
    with acting(admin_actor()), begin() as session:
        for vendor, net in ((here, "10.10"), (there, "0.20")):
            make.figures(
                session, SaleFigures, vendor_id=vendor, starts_on=date(2026, 11, 17),
                kind="service", net=Decimal(net), gross=Decimal(net), channel="online",
            )  # fmt: skip
    roll_up(SaleFigures)
    return here


def test_it_prints_what_the_page_draws(world: int) -> None:
    with clock.stopped_at(NOON):
        told = json.loads(report_rows.found("revenue", by="month").as_json())
        assert told["report"] == "revenue"
        assert [(r["day"], r["services"], r["revenue"]) for r in told["rows"]] == [
            ("2026-11-01", 10.3, 10.3)
        ]
        assert ["period", "12w"] in told["asked"]
        mine = report_rows.found("revenue", vendor="here", first="2026-11-17", last="2026-11-17")
        assert [row[1] for row in mine.rows] == [Decimal("10.10")]
        by_id = report_rows.found("revenue", vendor=str(world), by="day")
        assert by_id.rows == mine.rows
        text = mine.as_text().splitlines()
        assert text[0].split()[:3] == ["day", "services", "products"]
        assert text[1].split()[:3] == ["2026-11-17", "10.10", "0"]
        none = report_rows.found("revenue", more=["channel=phone"])
        assert none.as_text().endswith("No figures in these days.")
        assert json.loads(none.as_json())["rows"] == []


def test_means_are_printed_with_two_decimals() -> None:
    rows = report_rows.Rows("rfm", [], None, ["purchases"], [[15.852564102564102], [None]])
    assert rows.as_text().split() == ["purchases", "15.85", "-"]
    assert '"purchases": 15.852564102564102' in rows.as_json()


def test_it_prints_how_long_ahead_bookings_are_made(world: int) -> None:
    with acting(admin_actor()), begin() as session:
        make.figures(
            session, BookingFigures, vendor_id=world, starts_on=date(2026, 11, 17), bookings=6,
            lead_0=1, lead_1=1, lead_31=3,
        )  # fmt: skip
    with clock.stopped_at(NOON):
        told = json.loads(report_rows.found("bookings", vendor="here", by="day").as_json())
    (row,) = told["rows"]
    assert {name: row[name] for name in ("bookings", "known", "lead_0", "lead_31", "lead")} == {
        "bookings": 6, "known": 5, "lead_0": 1, "lead_31": 3, "lead": 31,
    }  # fmt: skip


def test_list_names_every_report(db: object) -> None:
    assert [row[0] for row in report_rows.found("list").rows] == list(all_reports())


WRONG = (
    ({"slug": "revenues"}, "There is no report “revenues”: take one of revenue"),
    ({"vendor": "nobody"}, "There is no vendor “nobody”: check its slug or id."),
    ({"vendor": "99999999999999999999999"}, "There is no vendor"),
    ({"first": "2026-11-20", "last": "2026-11-01"}, "The period ends before it begins"),
    ({"first": "NaN"}, "“NaN” is no day"),
    ({"first": "9999-01-01", "last": "9999-01-02"}, "from 1970 to 2199"),
    ({"by": "decade"}, "There is no grouping “decade”"),
    ({"period": "13w"}, "There is no period “13w”: take one of today, 7d"),
    ({"more": ["vendor=3"]}, "“vendor=3” is no filter"),
    ({"more": ["channel"]}, "“channel” is no filter"),
)


@pytest.mark.parametrize(("given", "sentence"), WRONG, ids=[w[1][:24] for w in WRONG])
def test_what_it_cannot_answer_is_one_sentence(
    db: object, given: dict[str, object], sentence: str
) -> None:
    with pytest.raises(DomainError) as refused:
        report_rows.found(**{"slug": "revenue", **given})
    assert sentence in str(refused.value)
