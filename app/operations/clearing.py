"""What may be forgotten of signing in: old tries, sessions that ended, links that are spent.

Kept is what is still asked for: tries for as long as they lead to pauses (a day at most), and
every session that stands. What is older than `KEPT` answers no question any more.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from models.users import LoginSession, OneTimeLink, SignInAttempt

KEPT = timedelta(days=30)
BATCH = 2000
TABLES = (SignInAttempt, LoginSession, OneTimeLink)


def clear(session: Session, *, table: type[Any], now: datetime, most: int) -> int:
    """Forget the oldest `most` rows of a table that nobody needs; how many there were."""
    spent = select(table.id).where(_spent(table, now - KEPT)).order_by(table.id).limit(most)
    gone = delete(table).where(table.id.in_(spent)).returning(table.id)
    return len(session.scalars(gone).all())


def _spent(table: type[Any], before: datetime) -> ColumnElement[bool]:
    if table is SignInAttempt:
        return SignInAttempt.at < before
    ended = LoginSession.ended_at if table is LoginSession else OneTimeLink.used_at
    return or_(ended < before, table.expires_at < before)
