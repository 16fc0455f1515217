"""How busy the people of a vendor on show were, before anybody looked into the demo."""

from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import Date, cast, func, insert, select
from sqlalchemy.orm import Session

from app.operations import activity
from app.tenancy import SYSTEM_USER_ID
from models.audiences import UserFigures
from models.audit import AuditAction, AuditEntry
from models.figures import Grain
from models.users import User, VendorUser
from models.vendors import Vendor

DAYS = 75
SUNDAY = 6
WRITTEN_BY_HAND = ("addresses", "bookings", "customers", "orders", "tasks")
"""What people of a vendor write, where it did not come online."""
Key = tuple[int, date, int]


def writers(session: Session) -> dict[int, list[int]]:
    """Who writes at each vendor."""
    found: dict[int, list[int]] = {}
    for row in session.execute(
        select(VendorUser.vendor_id, VendorUser.user_id).order_by(VendorUser.id)
    ):
        found.setdefault(row.vendor_id, []).append(row.user_id)
    return found


def tell(session: Session, today: date) -> None:
    """What people did up to two days ago, as the trail has it; what comes then is told by itself.

    Of sign-ins and of requests nothing is kept that long: those of some weeks are invented.
    """
    last = today - timedelta(days=2)
    rows: dict[Key, dict[str, int]] = {key: {"made": many} for key, many in _made(session, last)}
    for key, did in _signed_in(session, last):
        rows[key] = rows.get(key, {}) | did
    nothing = dict.fromkeys(("sign_ins", "made", "answered", "answer_minutes"), 0)
    told = [
        {"vendor_id": vendor_id, "starts_on": day, "user_id": user_id, "grain": Grain.DAY.value,
         "changed": 0, "removed": 0, **nothing, **did}
        for (vendor_id, day, user_id), did in rows.items()
    ]  # fmt: skip
    session.execute(insert(UserFigures), told)
    activity.add_up(session, first=min(day for _, day, _ in rows), last=last)


def _made(session: Session, last: date) -> list[tuple[Key, int]]:
    """How many records each person made, by the vendor's day."""
    day = cast(func.timezone(Vendor.time_zone, AuditEntry.at), Date)
    rows: Any = session.execute(
        select(AuditEntry.vendor_id, day, AuditEntry.user_id, func.count())
        .join(Vendor, Vendor.id == AuditEntry.vendor_id)
        .where(AuditEntry.action == AuditAction.CREATE, AuditEntry.user_id > SYSTEM_USER_ID)
        .where(day <= last)
        .group_by(AuditEntry.vendor_id, day, AuditEntry.user_id)
    )
    return [((vendor_id, on, user_id), many) for vendor_id, on, user_id, many in rows]


def _signed_in(session: Session, last: date) -> list[tuple[Key, dict[str, Any]]]:
    """Who signed in on which day, and answered how many requests."""
    random = Random(75)  # noqa: S311 - nothing secret hangs on it
    people = session.execute(
        select(VendorUser.vendor_id, VendorUser.user_id, VendorUser.role).order_by(VendorUser.id)
    ).all()
    admins = session.scalars(select(User.id).where(User.role == "admin")).all()
    everybody = [*((p.vendor_id, p.user_id, p.role) for p in people),
                 *((0, user_id, "admin") for user_id in admins)]  # fmt: skip
    found: list[tuple[Key, dict[str, Any]]] = []
    for ago in range(DAYS - 2, -1, -1):
        day = last - timedelta(days=ago)
        for vendor_id, user_id, role in everybody:
            if day.weekday() == SUNDAY or random.random() < (0.1 if role == "manager" else 0.25):
                continue
            answered = random.choice((0, 1, 2, 3)) if vendor_id else 0
            did = {
                "sign_ins": random.choice((1, 1, 1, 2)), "answered": answered,
                "answer_minutes": answered * random.randrange(8, 200),
            }  # fmt: skip
            found.append(((vendor_id, day, user_id), did))
    return found
