"""The page of a segment: its rule in words, its size over time, who came and went, and why."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views.loaders import record_id
from admin_views.rendering import ago, day, moment, money, number, plural, word
from app import clock
from app.errors import DomainError
from app.operations import segments
from models.customers import Customer, called
from models.segments import Segment, SegmentDay, SegmentMembership

DAYS, MOST = 90, 10
WIDTH, HEIGHT, LEFT, TOP, GROUND = 640, 170, 44, 12, 142


def around(session: Session, request: Request, segment: Segment, said: str) -> dict[str, Any]:
    """What stands on the page beside the record's own."""
    since = clock.now() - timedelta(days=30)
    came, went = _moved(session, segment.id, since)
    opens = f"/admin/customer/list?segment={segment.id}"
    return {
        "said": said,
        "figures": [
            {"label": "Customers", "value": number(segment.size),
             "note": _as_of(segment)},
            {"label": "Came in 30 days", "value": number(came), "note": ""},
            {"label": "Left in 30 days", "value": number(went), "note": ""},
        ],
        "links": [
            {"title": "Open these customers", "url": opens, "icon": "users", "primary": True}
        ],
        "chart": chart(_days(session, segment)),
        "entered": _members(session, segment.id, SegmentMembership.entered_at),
        "exited": _members(session, segment.id, SegmentMembership.exited_at),
        "asked": _why(session, request, segment),
        "why_url": f"/admin/segment/details/{segment.id}",
        "find_url": "/admin/segment/find/customer",
        "marks": [("versions", f"Version {segment.version}")],
    }  # fmt: skip


def _as_of(segment: Segment) -> str:
    if segment.built_at is None:
        return "being worked out"
    behind = "; the new rule is being worked out" if segment.built_version < segment.version else ""
    return f"as of {moment(segment.built_at)}{behind}"


def _moved(session: Session, segment_id: int, since: datetime) -> tuple[int, int]:
    member = SegmentMembership
    of = member.segment_id == segment_id
    came = select(func.count()).where(of, member.entered_at >= since).scalar_subquery()
    went = select(func.count()).where(of, member.exited_at >= since).scalar_subquery()
    found = session.execute(select(came, went)).one()
    return found[0], found[1]


def _members(session: Session, segment_id: int, at: Any) -> list[dict[str, Any]]:
    """Who came, or went, last."""
    member = SegmentMembership
    rows = (
        select(Customer, at.label("at"))
        .join(
            member, (member.vendor_id == Customer.vendor_id) & (member.customer_id == Customer.id)
        )
        .where(member.segment_id == segment_id, at.is_not(None))
        .order_by(at.desc(), member.id.desc())
        .limit(MOST)
    )
    return [
        {"title": c.name, "url": f"/admin/customer/details/{c.id}", "at": moment(when)}
        for c, when in session.execute(rows)
    ]


# --- why ---------------------------------------------------------------------------------------


def _why(session: Session, request: Request, segment: Segment) -> dict[str, Any] | None:
    """Why a customer is in it, or is not, when one is asked for."""
    text = request.query_params.get("customer", "")
    if not text:
        return None
    number_ = record_id(text)
    customer = None if number_ is None else session.get(Customer, number_)
    if customer is None or (segment.vendor_id not in (None, customer.vendor_id)):
        return {"refusal": "There is no such customer here: choose one from the list."}
    if customer.archived_at is not None:
        return {"refusal": f"{customer.name} is archived, and so in no segment."}
    try:
        lines = segments.why(session, segment_id=segment.id, customer_id=customer.id)
    except DomainError as refusal:
        return {"refusal": str(refusal)}
    return {
        "customer": {"id": customer.id, "name": customer.name,
                     "url": f"/admin/customer/details/{customer.id}"},
        "holds": lines[0].holds,
        "lines": [
            {"depth": min(one.depth, 5), "said": one.said, "holds": one.holds,
             "much": much(one.value, one.unit)}
            for one in lines
        ],
    }  # fmt: skip


def much(value: Any, unit: str) -> str:
    """How much it is for a customer: 3 times, 46.10, 12 Nov 2025, never."""
    if not unit:
        return ""
    if value is None:
        return "never" if unit == "moment" else "not known"
    if isinstance(value, datetime | date):
        return day(value)
    if unit == "word":
        return word(str(value))
    if unit == "money":
        return money(Decimal(value))
    if unit == "times":
        return "never" if value == 0 else plural(int(value), "time")
    if unit == "percent":
        return f"{Decimal(value):.0f} %"
    return plural(int(value), "point") if unit == "points" else number(round(Decimal(value), 1))


# --- a few of those who were found -------------------------------------------------------------


def samples(customers: Sequence[Any]) -> list[dict[str, str]]:
    """Their names, and what is known of their visits."""
    return [
        {
            "title": called(one), "url": f"/admin/customer/details/{one.id}",
            "sub": "never visited" if one.last_visit_at is None
            else f"{plural(one.visit_count, 'visit')}, last {ago(one.last_visit_at)}",
        }
        for one in customers
    ]  # fmt: skip


# --- size over time ----------------------------------------------------------------------------


def _days(session: Session, segment: Segment) -> list[tuple[date, int]]:
    rows = select(SegmentDay.day, SegmentDay.size).where(SegmentDay.segment_id == segment.id)
    last = session.execute(rows.order_by(SegmentDay.day.desc()).limit(DAYS))
    return [(on, size) for on, size in last][::-1]


def chart(days: Sequence[tuple[date, int]]) -> dict[str, Any] | None:
    """The size at the end of each day as a line; None until there are two days."""
    if len(days) < 2:
        return None
    top = max(1, *(size for _, size in days))
    first, last = days[0][0], days[-1][0]
    span = max((last - first).days, 1)

    def at(on: date, size: int) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - 8) * (on - first).days / span
        return round(x, 1), round(GROUND - (GROUND - TOP) * size / top, 1)

    points = [(*at(on, size), f"{day(on)}: {number(size)}") for on, size in days]
    return {
        "width": WIDTH, "height": HEIGHT, "left": LEFT, "ground": GROUND,
        "line": " ".join(f"{x},{y}" for x, y, _ in points), "points": points,
        "grid": [(at(first, n)[1], number(n)) for n in sorted({0, top // 2, top})],
        "from": day(first), "to": day(last),
        "label": f"Customers in it: {number(days[0][1])} on {day(first)},"
        f" {number(days[-1][1])} on {day(last)}",
    }  # fmt: skip
