"""Staff members: what is known of them, and whether they still work here."""

from typing import Any

from sqlalchemy.orm import Session

from app.operations import leaving
from app.operations.moves import locked
from models.staff import StaffMember


def change(session: Session, staff_id: int, **values: Any) -> StaffMember:
    """Write down what is known of a member of staff now; the columns that are named.

    The calendar addresses of who does not work here any more end, and stay ended when they
    return: new ones are made then.
    """
    staff = locked(session, StaffMember, staff_id)
    was_here = staff.is_active
    for name, value in values.items():
        if getattr(staff, name) != value:
            setattr(staff, name, value)
    if was_here and not staff.is_active:
        leaving.end_feeds(session, staff_ids=[staff.id])
    return staff
