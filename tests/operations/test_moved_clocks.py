"""Another clock of a vendor: every table that knows days of it follows, or says why it does not."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, Date, Table, delete, select, text

from app.database import begin
from app.operations import demand, figures, interests, usages
from app.tenancy import SYSTEM, acting, vendor_actor
from models.base import Base
from models.figures import Figures
from models.outbox import OutboxMessage
from models.packages import PackageHolding
from models.usages import StaleUsage
from models.vendors import Vendor
from tasks import audiences, happenings, scores
from tasks import figures as rounds
from tests import make

LATE = datetime(2026, 10, 31, 22, tzinfo=UTC)
"""The last evening of October in Greenwich, the first morning of November in Tokyo."""

AT_ONCE = {
    "attach_figures", "booking_figures", "coupon_figures", "hour_figures", "item_figures",
    "membership_figures", "message_figures", "order_figures", "package_figures", "point_figures",
    "sale_figures", "staff_figures", "staff_hours", "vendor_figures", "wait_figures",
    "market_attach_figures", "market_booking_figures", "market_hour_figures",
    "market_item_figures", "market_sale_figures", "market_staff_figures", "market_staff_hours",
    "usages", "customer_months", "customer_scores", "cohort_figures",
}  # fmt: skip
"""Within minutes: by the rounds that work off what was noted."""

AT_NIGHT = {
    "active_figures", "engagement_figures", "place_figures", "preference_figures",
    "market_cohorts", "market_reach", "reach_figures",
}  # fmt: skip
"""Told anew every night, from all there is."""

STAYS = {
    "user_figures": "what people did is told by the clock of the day: sign-ins are forgotten",
    "segment_days": "who came and left is told by the clock of the day",
    "score_figures": "groups as they stood at the end of a month that is over",
    "segment_moves": "groups as they stood at the end of a month that is over",
    "market_score_figures": "groups as they stood at the end of a month that is over",
    "score_models": "the day of the night", "market_models": "the day of the night",
    "report_runs": "the day on which it was asked",
    "stale_days": "a note", "stale_market_days": "a note",
}  # fmt: skip

TYPED = {
    "customers", "staged_rows", "tax_rates", "loyalty_rules", "rewards", "booking_series",
    "working_hours", "covers",
}  # fmt: skip
"""Days that somebody wrote, or that a paper says."""


def dated() -> dict[str, Table]:
    """Every table that knows a day."""
    return {
        table.name: table for table in Base.metadata.sorted_tables
        if any(isinstance(column.type, Date) for column in table.c)
    }  # fmt: skip


def test_every_table_that_knows_days_has_a_place_here() -> None:
    assert set(dated()) == AT_ONCE | AT_NIGHT | set(STAYS) | TYPED
    of_figures = {model.__tablename__ for model in subclasses(Figures)}
    assert of_figures <= AT_ONCE | AT_NIGHT | set(STAYS)


def subclasses(model: type[Any]) -> set[type[Any]]:
    own = set(model.__subclasses__())
    return {one for one in own if "__tablename__" in vars(one)}.union(*map(subclasses, own))


@pytest.fixture
def vendor(db: Connection, at_noon: datetime) -> int:
    """A vendor in Greenwich with something of everything, all at `LATE`."""
    vendor = make.new_vendor(time_zone="UTC")
    with acting(vendor_actor(vendor)), begin() as session:
        who, staff = make.customer(session), make.staff_member(session)
        for weekday in range(1, 8):
            make.working_hours(session, staff=staff, weekday=weekday)
        make.address(session, customer=who, city="Porto")
        cut = make.service(session, price=Decimal(20))
        make.booking(
            session, customer=who, service=cut, staff=staff, starts_at=LATE, status="completed",
            completed_at=LATE, created_at=LATE,
        )  # fmt: skip
        order = make.order(
            session, customer=who, lines=0, status="completed", placed_at=LATE, fulfilled_at=LATE
        )
        make.order_line(session, order=order, variant=make.variant(session))
        make.order_line(session, order=order, kind="service", service_id=cut.id)
        make.coupon_redemption(session, coupon=make.coupon(session), order=order)
        account = make.account(session, customer=who)
        make.loyalty_entry(session, account=account, points=5, at=LATE)
        make.membership(session, customer=who, started_at=LATE)
        held = PackageHolding(
            customer_id=who.id, package_id=make.package(session).id, bought_at=LATE
        )
        session.add(held)
        session.flush()  # its id, for its entry
        make.package_entry(session, holding=held, kind="grant", at=LATE)
        make.message(session, customer=who, status="sent", sent_at=LATE, send_at=LATE)
        make.waitlist_entry(session, customer=who, created_at=LATE)
        session.flush()
        interests.rebuild(session, customer_ids=[who.id])
    with acting(SYSTEM):
        work_off()
        demand_told(vendor)
        night()
    return vendor


def work_off() -> None:
    """All that is noted, and what is promised because of it."""
    while rounds.freshen.run():
        pass
    with begin() as session:
        told = delete(OutboxMessage).where(OutboxMessage.task == usages.NOTE_ALL)
        promised = session.scalars(told.returning(OutboxMessage.vendor_id)).all()
    for vendor_id in promised:
        assert vendor_id is not None
        with acting(vendor_actor(vendor_id)):
            happenings.note_usages.run()
    happenings.freshen_usages.run()


def demand_told(vendor_id: int) -> None:
    with begin() as session:
        demand.rebuild(session, vendor_id=vendor_id)


def night() -> None:
    assert scores.night.run() == 1
    assert audiences.rebuild.run() == 1


def kept() -> dict[str, set[Any]]:
    """The rows of every table that follows, without ids and what the night says of that night."""
    of_night = ("as_of", "recency_days", "r", "f", "m", "segment", "p_alive", "expected_12m",
                "value_12m")  # fmt: skip
    gone, found = {"id", *of_night}, {}
    with begin() as session:
        for name, table in dated().items():
            if name in AT_ONCE | AT_NIGHT:
                columns = [column for column in table.c if column.name not in gone]
                rows = session.execute(select(*columns)).all()
                found[name] = {tuple(map(str, row)) for row in rows}
    return found


def test_another_clock_is_followed_by_all_that_knows_its_days(vendor: int) -> None:
    with acting(SYSTEM):
        before = kept()
        assert [name for name, rows in before.items() if not rows] == []
        with begin() as session:
            session.get_one(Vendor, vendor).time_zone = "Asia/Tokyo"
        work_off()
        soon = kept()
        moved = {name for name in before if soon[name] != before[name]}
        assert moved >= AT_ONCE, AT_ONCE - moved
        night()
        after = kept()
        assert {name for name in before if after[name] != before[name]} == AT_ONCE | AT_NIGHT
        assert {name: after[name] for name in AT_ONCE} == {name: soon[name] for name in AT_ONCE}
        with begin() as session:
            figures.rebuild(session)
            everybody = session.execute(text("SELECT vendor_id, id FROM customers ORDER BY 1, 2"))
            usages.rebuild(session, customers=[(row[0], row[1]) for row in everybody])
        night()
        assert kept() == after


def test_everybody_with_usages_is_noted_in_small_steps_and_only_after_another_clock(
    vendor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usages, "NOTED", 2)
    with acting(vendor_actor(vendor)), begin() as session:
        ids = {make.usage(session).customer_id for _ in range(5)}
    with acting(SYSTEM), begin() as session:
        session.get_one(Vendor, vendor).name = "Another"
        figures.rebuild(session, vendor_ids=[vendor])
        assert promised(session) == []
        session.get_one(Vendor, vendor).time_zone = "Asia/Tokyo"
        session.flush()
        figures.rebuild(session, vendor_ids=[vendor])
        figures.rebuild(session, vendor_ids=[vendor])
        assert promised(session) == [vendor]
    other = make.new_vendor()
    with acting(vendor_actor(other)), begin() as session:
        make.usage(session)
    with acting(vendor_actor(vendor)):
        assert happenings.note_usages.run() == 6, "those five, and who came at the end of October"
        assert happenings.note_usages.run() == 6, "twice is as good as once"
    with acting(SYSTEM), begin() as session:
        noted = session.execute(select(StaleUsage.vendor_id, StaleUsage.customer_id)).all()
        assert {row.vendor_id for row in noted} == {vendor}
        assert ids < {row.customer_id for row in noted}


def promised(session: Any) -> list[int]:
    told = select(OutboxMessage.vendor_id).where(OutboxMessage.task == usages.NOTE_ALL)
    return list(session.scalars(told))
