"""How busy the people of a vendor on show were, before anybody looked into the demo."""

from datetime import date, timedelta
from random import Random

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.operations import activity
from models.audiences import UserFigures
from models.figures import Grain
from models.users import User, VendorUser

DAYS = 75
SUNDAY = 6


def tell(session: Session, today: date) -> None:
    """Sign-ins and changes of some weeks up to two days ago; what comes then is true."""
    rows = []
    random = Random(75)  # noqa: S311 - nothing secret hangs on it
    first, last = today - timedelta(days=DAYS), today - timedelta(days=2)
    people = session.execute(
        select(VendorUser.vendor_id, VendorUser.user_id, VendorUser.role).order_by(VendorUser.id)
    ).all()
    admins = session.scalars(select(User.id).where(User.role == "admin")).all()
    everybody = [*((p.vendor_id, p.user_id, p.role) for p in people),
                 *((0, user_id, "admin") for user_id in admins)]  # fmt: skip
    for ahead in range((last - first).days + 1):
        day = first + timedelta(days=ahead)
        for vendor_id, user_id, role in everybody:
            if day.weekday() == SUNDAY or random.random() < (0.1 if role == "manager" else 0.25):
                continue
            much = {"manager": 26, "staff": 14, "admin": 6}[role]
            answered = random.choice((0, 1, 2, 3)) if vendor_id else 0
            rows.append({
                "vendor_id": vendor_id, "grain": Grain.DAY.value, "starts_on": day,
                "user_id": user_id, "sign_ins": random.choice((1, 1, 1, 2)),
                "made": random.randrange(much // 3, much), "changed": random.randrange(much * 2),
                "removed": random.choice((0, 0, 0, 1)), "answered": answered,
                "answer_minutes": answered * random.randrange(8, 200),
            })  # fmt: skip
    session.execute(insert(UserFigures), rows)
    activity.add_up(session, first=first, last=last)
