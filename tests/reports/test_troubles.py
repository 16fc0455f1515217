"""Vendors whose messages fail, and those where nobody's hours are known: worlds made by hand."""

from datetime import date, time, timedelta

from sqlalchemy import Connection, select

from app.database import begin
from app.tenancy import acting, admin_actor, vendor_actor
from models.staff import StaffMember
from reports import troubles
from tests import make

NOON, TODAY = make.NOON, date(2026, 11, 20)


def wrote(vendor_id: int, status: str, many: int, channel: str = "sms", hours: int = 2) -> None:
    """So many messages, all of the same fate."""
    when = NOON - timedelta(hours=hours)
    with acting(vendor_actor(vendor_id)), begin() as session:
        for _ in range(many):
            make.message(
                session, status=status, channel=channel, send_at=when,
                failed_at=when if status == "failed" else None,
            )  # fmt: skip


def failing() -> list[tuple[int, str, int, int]]:
    with acting(admin_actor()), begin() as session:
        found = troubles.failing(session, now=NOON)
    return [(one.vendor_id, one.channel, one.failed, one.of) for one in found]


def test_texts_that_fail_are_told_beside_those_that_went(db: Connection) -> None:
    bad, worse, fine = make.new_vendor(), make.new_vendor(), make.new_vendor()
    wrote(bad, "failed", 5)
    wrote(bad, "delivered", 9)
    wrote(bad, "queued", 30)  # nobody knows yet
    wrote(bad, "suppressed", 30)  # was not to be sent
    wrote(bad, "delivered", 30, channel="email")
    wrote(worse, "failed", 6)
    wrote(worse, "sent", 2)
    wrote(fine, "failed", 6)
    wrote(fine, "delivered", 25)
    assert failing() == [(worse, "sms", 6, 8), (bad, "sms", 5, 14)]


def test_few_and_old_failures_are_no_trouble(db: Connection) -> None:
    few, old = make.new_vendor(), make.new_vendor()
    wrote(few, "failed", 4)
    wrote(old, "failed", 9, hours=25)
    assert failing() == []


def test_what_was_due_before_and_fails_now_is_not_more_than_all(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        for _ in range(5):
            make.message(
                session, status="failed", channel="email", send_at=NOON - timedelta(days=2),
                failed_at=NOON - timedelta(hours=1),
            )  # fmt: skip
    assert failing() == [(vendor_id, "email", 5, 5)]


def test_vendors_that_are_closed_are_left_alone(db: Connection) -> None:
    vendor_id = make.new_vendor(status="suspended")
    wrote(vendor_id, "failed", 6)
    works_without_hours(vendor_id)
    assert failing() == []
    assert hourless() == []


def works_without_hours(vendor_id: int, many: int = 2, **service: object) -> None:
    with acting(vendor_actor(vendor_id)), begin() as session:
        make.service(session, **service)
        for _ in range(many):
            make.staff_member(session)
        make.staff_member(session, is_active=False)


def hourless() -> list[tuple[int, int]]:
    with acting(admin_actor()), begin() as session:
        return [(o.vendor_id, o.people) for o in troubles.hourless(session, today=TODAY)]


def test_people_without_hours_are_counted_by_vendor(db: Connection) -> None:
    two, one, own, house, shop, ended = (make.new_vendor() for _ in range(6))
    works_without_hours(two)
    works_without_hours(one, 1)
    works_without_hours(shop, kind="stay")  # nobody's time is booked
    works_without_hours(own, 0)
    works_without_hours(house)
    works_without_hours(ended)
    with acting(vendor_actor(own)), begin() as session:
        make.working_hours(session, staff=make.staff_member(session))
    with acting(vendor_actor(house)), begin() as session:
        make.working_hours(session, starts=time(9))
    with acting(vendor_actor(ended)), begin() as session:
        make.working_hours(session, effective_to=TODAY - timedelta(days=1))
        make.working_hours(session, kind="break")
        service = make.service(session)
        make.working_hours(session, service_id=service.id)
    assert hourless() == [(two, 2), (ended, 2), (one, 1)]
    with acting(vendor_actor(own)), begin() as session:
        make.staff_member(session, name="Rui")
        query = select(StaffMember.name).where(troubles.has_no_hours(TODAY), StaffMember.is_active)
        assert session.scalars(query).all() == ["Rui"]
