"""What people who sign in have done: sign-ins, changes, answers; how often, never what.

Read from `user_figures`, which `app.operations.activity` keeps of the trail of changes and of the
sign-ins: both are too long to be counted for a page, and old sign-ins are forgotten.
"""

from typing import Any

from sqlalchemy import Select, case, distinct, func, select

from app.tenancy import PanelRole
from models.audiences import UserFigures
from models.users import User
from models.vendors import Vendor
from reports import figures, links, sources
from reports.figures import Series
from reports.report import (
    Column,
    Empty,
    Figure,
    Filters,
    Frame,
    Grid,
    Group,
    Measure,
    Period,
    Report,
    Row,
    Table,
    Unit,
)
from reports.spans import Grain

COUNTS = ("sign_ins", "made", "changed", "removed", "answered", "answer_minutes")
CHANGES = UserFigures.made + UserFigures.changed + UserFigures.removed
BUSIEST = 40
"""Nobody reads a grid of a thousand people."""
WHO = "The marketplace, or somebody who left"


def _sums() -> list[Any]:
    counted = [func.sum(getattr(UserFigures, name)).label(name) for name in COUNTS]
    return [*counted, func.sum(CHANGES).label("changes")]


def query(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """A row for each day, week or month on which anybody did anything."""
    day = sources.bucket(UserFigures, by)
    people = func.count(distinct(UserFigures.user_id)).label("people")
    covered = sources.covering(UserFigures, period, filters, by)
    return select(day, people, *_sums()).where(covered).group_by(day).order_by(day)


def summary(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """All of it: a person who came on many days is one."""
    covered = sources.covering(UserFigures, period, filters)
    answered = func.nullif(func.sum(UserFigures.answered), 0)
    return select(
        func.count(distinct(UserFigures.user_id)).label("people"),
        *_sums(),
        (func.sum(UserFigures.answer_minutes) / answered).label("answered_in"),
    ).where(covered)


def by_person(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """Who did how much."""
    rows = (
        select(UserFigures.user_id, *_sums())
        .where(sources.covering(UserFigures, period, filters))
        .group_by(UserFigures.user_id)
        .subquery()
    )
    average = (rows.c.answer_minutes / func.nullif(rows.c.answered, 0)).label("answered_in")
    counts = [rows.c[name] for name in (*COUNTS, "changes")]
    return select(
        func.coalesce(User.name, WHO).label("name"), rows.c.user_id, *counts, average
    ).outerjoin(User, User.id == rows.c.user_id)


def by_day(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """Changes of the people who did most, by day, week or month."""
    day = sources.bucket(UserFigures, by)
    busiest = (
        select(UserFigures.user_id)
        .where(sources.covering(UserFigures, period, filters))
        .group_by(UserFigures.user_id)
        .order_by(func.sum(CHANGES).desc(), UserFigures.user_id)
        .limit(BUSIEST)
    )
    rows = (
        select(UserFigures.user_id, day, func.sum(CHANGES).label("changes"))
        .where(sources.covering(UserFigures, period, filters, by))
        .where(UserFigures.user_id.in_(busiest))
        .group_by(UserFigures.user_id, day)
        .subquery()
    )
    name = func.coalesce(User.name, WHO).label("name")
    return select(name, rows.c.user_id, rows.c.day, rows.c.changes).outerjoin(
        User, User.id == rows.c.user_id
    )


def by_vendor(period: Period, filters: Filters, by: Grain) -> Select[*tuple[Any, ...]]:
    """In which vendor it was done."""
    name = case((UserFigures.vendor_id == 0, "The marketplace itself"), else_=Vendor.name)
    people = func.count(distinct(UserFigures.user_id)).label("people")
    return (
        select(name.label("name"), UserFigures.vendor_id, people, *_sums())
        .outerjoin(Vendor, Vendor.id == UserFigures.vendor_id)
        .where(sources.covering(UserFigures, period, filters))
        .group_by(UserFigures.vendor_id, Vendor.name)
    )


def figure(frame: Frame) -> Figure:
    """Changes over time."""
    return figures.over_time(
        frame,
        [Series("made", "Made"), Series("changed", "Changed"), Series("removed", "Removed")],
        unit=Unit.COUNT, compare="changes", total="changes",
    )  # fmt: skip


ACTIONS = {"made": ("create",), "changed": ("update",), "removed": ("delete",)}


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return _trail(at, filters, action=ACTIONS.get(series or "", ()))


def to_person(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return _trail(at, filters, user=[row.user_id])


def to_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    return _trail(at, filters, vendor=[row.vendor_id]) if row.vendor_id else None


def _trail(at: Period, filters: Filters, **wanted: Any) -> str:
    asked = {"by": ["people"], "vendor": filters.vendors, **wanted}
    return links.records("audit-entry", at_from=[at.first], at_to=[at.last], **asked)


_COLUMNS = (
    Column("sign_ins", "Sign-ins", Unit.COUNT),
    Column("changes", "Changes", Unit.COUNT, strong=True),
    Column("made", "Made", Unit.COUNT),
    Column("changed", "Changed", Unit.COUNT),
    Column("removed", "Removed", Unit.COUNT),
    Column("answered", "Requests answered", Unit.COUNT),
)

REPORT = Report(
    slug="user-activity",
    title="User activity",
    group=Group.TEAM,
    about="Who signs in and how much they do; what they did is not told here.",
    query=query,
    summary=summary,
    figure=figure,
    chart="Changes",
    measures=(
        Measure("people", "People", Unit.COUNT, "Who signed in or changed anything, each once."),
        Measure(
            "sign_ins", "Sign-ins", Unit.COUNT,
            "How often somebody signed in with their password, on the day and at the vendor where"
            " they did.",
        ),
        Measure(
            "changes", "Changes", Unit.COUNT,
            "Records made, changed or removed. A list that was read in counts each of its records;"
            " what the house does by itself counts for nobody.",
        ),
        Measure(
            "answered", "Requests answered", Unit.COUNT,
            "Bookings that waited to be confirmed, and were confirmed or refused by somebody.",
            better="up",
        ),
        Measure(
            "answered_in", "Answered within", Unit.MINUTES,
            "How long these requests had waited, on average, day and night.", better="down",
        ),
    ),
    tables=(
        Table(
            "person", "Person", by_person,
            (Column("name", "Who", Unit.TEXT), *_COLUMNS,
             Column("answered_in", "Answered within", Unit.MINUTES, total=False)),
            sort="changes", change="changes", better=None, identity="user_id", drill=to_person,
        ),
        Table(
            "day", "Person and day", by_day, (Column("name", "Who", Unit.TEXT),),
            sort="name", ascending=True, identity="user_id",
            grid=Grid("day", "changes", "Changes of each person"),
        ),
        Table(
            "vendor", "Vendor", by_vendor,
            (Column("name", "Vendor", Unit.TEXT),
             Column("people", "People", Unit.COUNT, total=False), *_COLUMNS),
            sort="changes", change="changes", better=None, identity="vendor_id", drill=to_vendor,
            roles=frozenset({PanelRole.ADMIN}),
        ),
    ),
    drill=drill,
    filters=frozenset({"vendor"}),
    period="30d",
    notes=(
        ("Day", "The vendor's day; of what is done in no vendor, the day of UTC."),
        ("Up to date", "Worked out every few minutes."),
    ),
    hint="Select a bar to see the trail of changes behind it.",
    empty=Empty(
        "Nobody has done anything on these days.", (("See who works here", "/admin/users"),)
    ),
    roles=frozenset({PanelRole.ADMIN, PanelRole.MANAGER}),
)  # fmt: skip
