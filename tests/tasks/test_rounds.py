"""Rounds over all vendors: what is wrong with one of them holds up no other."""

from datetime import time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, text, update

from app import clock
from app.database import begin
from app.tenancy import SYSTEM, acting
from models.audiences import WaitFigures
from models.campaigns import Campaign
from models.loyalty import LoyaltyProgram
from models.memberships import Membership
from models.points import LoyaltyEntry
from models.segments import Segment
from models.vendors import Vendor
from tasks import audiences, campaigns, loyalty, memberships, nightly, segments
from tests import make

LATER = make.NOON + timedelta(days=1)


def two(noun: Any, **fields: Any) -> tuple[int, int]:
    """A vendor whose clock nobody knows, with one of a noun, and one after it with the same."""
    with acting(SYSTEM), begin() as session:
        wrong, right = make.vendor(session).id, make.vendor(session).id
        for vendor_id in (wrong, right):
            noun(session, vendor_id=vendor_id, **fields)
        nowhere = update(Vendor).where(Vendor.id == wrong).values(time_zone="Nowhere/Land")
        session.execute(nowhere)
    return wrong, right


def of(vendor_id: int, column: Any) -> Any:
    with acting(SYSTEM), begin() as session:
        return session.scalar(select(column).where(column.class_.vendor_id == vendor_id).limit(1))


def test_segments_of_all_others_are_worked_out(
    db: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    wrong, right = two(make.segment)
    with acting(SYSTEM):
        assert segments.build_all.run() == 1
    assert of(right, Segment.built_at) is not None
    assert of(wrong, Segment.built_at) is None
    assert "was not worked out" in caplog.text


def test_campaigns_of_all_others_go_out_again(
    db: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    wrong, right = two(
        make.campaign, rhythm="weekly", status="active", next_at=make.NOON, goes_at=time(12)
    )
    with clock.stopped_at(LATER), acting(SYSTEM):
        assert campaigns.repeat_due.run() == 1
    assert of(right, Campaign.next_at) > LATER
    assert of(wrong, Campaign.next_at) == make.NOON
    assert "did not go out again" in caplog.text


def test_demand_of_all_others_is_told(db: Connection, caplog: pytest.LogCaptureFixture) -> None:
    wrong, right = two(make.waitlist_entry)
    with acting(SYSTEM):
        assert audiences.note_demand.run() == 1
    assert of(right, WaitFigures.joined) == 1
    assert of(wrong, WaitFigures.joined) is None
    assert f"vendor {wrong}" in caplog.text


def test_books_of_all_others_are_checked(db: Connection, caplog: pytest.LogCaptureFixture) -> None:
    wrong, right = two(make.customer)
    with acting(SYSTEM), begin() as session:
        session.execute(
            text("UPDATE customers SET visit_count = 7 WHERE vendor_id = :v"), {"v": right}
        )
    assert nightly.check_the_books.apply().get() == 2
    assert f"vendor {right}, customer" in caplog.text
    assert f"The books of vendor {wrong} could not be checked" in caplog.text


def test_members_of_all_others_are_asked_to_pay(
    db: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    wrong, right = two(make.membership)
    with clock.stopped_at(make.NOON + timedelta(days=31)), acting(SYSTEM):
        assert memberships.pass_time.run() == 1
    assert (of(right, Membership.status), of(wrong, Membership.status)) == ("past_due", "active")
    assert "was not renewed" in caplog.text


def test_rests_of_all_others_end(db: Connection, caplog: pytest.LogCaptureFixture) -> None:
    rest = {"paused_at": make.NOON, "frozen_until": make.NOON + timedelta(hours=1)}
    wrong, right = two(make.membership, status="paused", **rest)
    with clock.stopped_at(LATER), acting(SYSTEM):
        assert memberships.pass_time.run() == 1
    assert (of(right, Membership.status), of(wrong, Membership.status)) == ("active", "paused")
    assert f"vendor {wrong}" in caplog.text


def test_points_of_all_others_follow_the_time(
    db: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    wrong, right = two(make.program)
    with acting(SYSTEM), begin() as session:
        born = make.NOON.date().replace(year=1990)
        for vendor_id in (wrong, right):
            program = session.scalars(
                select(LoyaltyProgram).where(LoyaltyProgram.vendor_id == vendor_id)
            ).one()
            make.loyalty_rule(session, program=program, earned_by="birthday", bonus=50)
            known = make.customer(session, vendor_id=vendor_id, birthday=born)
            make.account(session, program=program, customer=known)
    with clock.stopped_at(make.NOON), acting(SYSTEM):
        assert loyalty.pass_time.run() == 1
    assert (of(right, LoyaltyEntry.points), of(wrong, LoyaltyEntry.points)) == (50, None)
    assert f"vendor {wrong}" in caplog.text
