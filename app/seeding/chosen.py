"""Segments of the demo's vendors and of the marketplace, with who came and went lately."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.operations import segments
from app.seeding.rows import put
from models.segments import Segment
from models.vendors import Vendor

Rule = dict[str, Any]


def _all(*of: Rule) -> Rule:
    return {"match": "all", "of": list(of)}


AWAY: Rule = {"field": "last_visit", "when": {"is": "not_since", "days": 60}}
AGREED: Rule = {"field": "consent", "said": "granted", "purpose": "marketing", "channel": "email"}
REGULARS = _all(
    {"field": "visits", "op": "at_least", "times": 3, "when": {"is": "last", "days": 365}},
    {"field": "spent", "op": "at_least", "amount": "150.00", "what": "all",
     "when": {"is": "last", "days": 365}},
)  # fmt: skip
MISSED = _all(
    AWAY, {"field": "visits", "op": "at_least", "times": 2, "when": {"is": "ever"}},
    {"match": "none", "of": [
        {"field": "booked_ahead", "has": "has"},
        {"field": "status", "words": ["inactive"]},
    ]},
)  # fmt: skip
OFFERED = _all(
    AGREED, {"match": "any", "of": [
        {"field": "created", "when": {"is": "last", "days": 90}}, AWAY,
    ]},
)  # fmt: skip
WORTH_A_CALL = _all(
    {"field": "group", "words": ["at_risk", "cant_lose", "needs_attention"]},
    {"field": "score", "of": "r", "op": "at_most", "times": 3},
    {"field": "value_12m", "op": "at_least", "amount": "100.00"},
)
OF_VENDORS = {
    "Regulars": REGULARS, "We miss them": MISSED, "New or away, and may be written to": OFFERED,
    "Slipping away, and worth a call": WORTH_A_CALL,
}  # fmt: skip
OF_ALL = {"May be written to": _all(AGREED), "Away for two months": _all(AWAY)}
PAST_DAYS = (14, 10, 7, 5, 3, 2, 1, 0)
"""How many days ago they were worked out."""


def make(session: Session, now: datetime) -> None:
    """A few for each vendor and for the marketplace, worked out now and on days before."""
    rows = [
        {"vendor_id": vendor_id, "name": name, "definition_json": rule}
        for vendor_id in (*session.scalars(select(Vendor.id).order_by(Vendor.id)), None)
        for name, rule in (OF_VENDORS if vendor_id else OF_ALL).items()
    ]
    put(session, Segment, rows)
    for ago in PAST_DAYS:
        with clock.stopped_at(now - timedelta(days=ago)):
            for number in session.scalars(select(Segment.id).order_by(Segment.id)).all():
                segments.build(session, segment_id=number)
