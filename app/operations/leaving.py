"""What ends when somebody leaves: the calendars that they could read from outside."""

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import clock
from app.operations.conditions import is_any
from models.feeds import CalendarFeed
from models.staff import StaffMember
from models.users import VendorUser


def end_feeds(session: Session, *, staff_ids: Collection[int]) -> int:
    """End the calendar addresses of these members of staff for good; how many these were.

    An address that is being made for them meanwhile is ended too, or not made at all.
    """
    ids = sorted(set(staff_ids))
    rows = select(StaffMember.id).where(is_any(StaffMember.id, ids)).order_by(StaffMember.id)
    session.execute(rows.with_for_update())  # who makes one holds its member of staff
    ended = session.execute(
        update(CalendarFeed)
        .where(is_any(CalendarFeed.staff_id, ids), CalendarFeed.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(CalendarFeed.id)
    )
    return len(ended.all())


def end_feeds_of_user(session: Session, *, user_id: int) -> int:
    """The same for whoever a user is at the vendors that can be seen."""
    who = select(VendorUser.staff_member_id).where(
        VendorUser.user_id == user_id, VendorUser.staff_member_id.is_not(None)
    )
    return end_feeds(session, staff_ids=[number for number in session.scalars(who) if number])
