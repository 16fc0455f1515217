"""What was sent, what became of it, and how many came who were asked to.

Read from `message_figures`: by day (the one a message was to be sent on), way, purpose, event and
rule. Who came within 14 days is known 14 days later: younger days still grow.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select

from models.marketing_figures import MessageFigures
from models.message_rules import MessageRule
from models.vendors import Vendor
from reports import figures, links, named, sources
from reports.figures import Series
from reports.named import Rows
from reports.report import (
    MARKETPLACE,
    Chart,
    Choice,
    Column,
    Empty,
    Figure,
    Filters,
    Frame,
    Group,
    Measure,
    Period,
    Report,
    Row,
    Table,
    Unit,
)
from reports.spans import Grain

_ROW = MessageFigures
COUNTED = (
    "sent", "delivered", "failed", "held_back", "received", "answered", "asked", "came",
    "came_before",
)  # fmt: skip
WAYS = ("email", "sms", "push", "in_app", "phone", "letter")
PURPOSES = ("marketing", "reminder", "transactional")


def _sums() -> list[ColumnElement[Any]]:
    return [named.total(getattr(_ROW, name)).label(name) for name in COUNTED]


def _asked(filters: Filters) -> list[ColumnElement[bool]]:
    """The switches of the page: by which way, and what for."""
    wanted = {"way": _ROW.way, "purpose": _ROW.purpose}
    picked = {key: filters.picked(key) for key in wanted}
    return [column == picked[key] for key, column in wanted.items() if picked[key] != "all"]


def query(period: Period, filters: Filters, by: Grain) -> Rows:
    """A row for each day, week or month with messages; `won` and `usual` are in percent."""
    sums = by_time(period, filters, by).subquery("sums")
    one = sums.c
    return select(
        sums,
        named.percent(one.came, one.asked).label("won"),
        named.percent(one.came_before, one.asked).label("usual"),
    ).order_by(one.day)


def by_time(period: Period, filters: Filters, by: Grain) -> Rows:
    """The same without the shares."""
    day = sources.bucket(_ROW, by)
    where = sources.covering(_ROW, period, filters, by)
    return select(day, *_sums()).where(where, *_asked(filters)).group_by(day)


def _by(keys: tuple[str, ...], period: Period, filters: Filters) -> Any:
    return named.sums_by(_ROW, keys, _sums(), period, filters, *_asked(filters))


def by_event(period: Period, filters: Filters, by: Grain) -> Rows:
    """What messages were about."""
    sums = _by(("event",), period, filters)
    return select(sums, _said(sums.c.event, "Written by hand").label("name"))


def _said(word: Any, nothing: str) -> ColumnElement[str]:
    """A word of the schema as people read it: booking_moved is "Booking moved"."""
    first, rest = func.upper(func.left(word, 1)), func.substr(word, 2)
    return case((word == "", nothing), else_=func.concat(first, func.replace(rest, "_", " ")))


def by_way(period: Period, filters: Filters, by: Grain) -> Rows:
    """The ways they went."""
    sums = _by(("way",), period, filters)
    return select(sums, case(*_worded(sums.c.way), else_=sums.c.way).label("name"))


def _worded(way: Any) -> list[tuple[Any, str]]:
    words = ("E-mail", "SMS", "Push", "In the app", "Phone", "Letter")
    return [(way == one, word) for one, word in zip(WAYS, words, strict=True)]


def by_purpose(period: Period, filters: Filters, by: Grain) -> Rows:
    """What they were for."""
    sums = _by(("purpose",), period, filters)
    return select(sums, _said(sums.c.purpose, "").label("name"))


def by_rule(period: Period, filters: Filters, by: Grain) -> Rows:
    """The rules that spoke; what none of them sent is one row of each vendor."""
    sums = _by(("vendor_id", "rule_id"), period, filters)
    same = and_(MessageRule.vendor_id == sums.c.vendor_id, MessageRule.id == sums.c.rule_id)
    known = func.coalesce(MessageRule.name, "A rule that is gone")
    name = case((sums.c.rule_id == 0, "No rule"), else_=known)
    return (
        select(sums, name.label("name"), Vendor.name.label("vendor"))
        .join(Vendor, Vendor.id == sums.c.vendor_id)
        .outerjoin(MessageRule, same)
    )


def by_vendor(period: Period, filters: Filters, by: Grain) -> Rows:
    """What each vendor sent."""
    return named.by_vendor(_by(("vendor_id",), period, filters))


def figure(frame: Frame) -> Figure:
    """What went out, and what did not."""
    return figures.over_time(
        frame,
        [Series("sent", "Sent", 1), Series("failed", "Failed", 2),
         Series("held_back", "Held back", 6)],
        unit=Unit.COUNT, compare="sent",
    )  # fmt: skip


def figure_of_visits(frame: Frame) -> Figure:
    """Who came after a message beside who had come before it, in percent."""
    return figures.over_time(
        frame, [Series("won", "Came within 14 days", 1), Series("usual", "Had come before", 6)],
        unit=Unit.PERCENT, lines=True, compare="won",
    )  # fmt: skip


def _list(at: Period, filters: Filters, **wanted: Any) -> str:
    whose = {"vendor": filters.vendor_ids, "direction": ["out"]}
    for key, name in (("way", "channel"), ("purpose", "purpose")):
        if filters.picked(key) != "all":
            whose[name] = [filters.picked(key)]
    return links.of_days("message", "due", at, **{**whose, **wanted})


def drill(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The messages behind a bar."""
    status = {"sent": ["sent", "delivered"], "failed": ["failed"], "held_back": ["suppressed"]}
    return _list(at, filters, status=status.get(series or "", []))


def drill_event(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The messages about this; what was written by hand cannot be asked for."""
    return _list(at, filters, event=[row.event]) if row.event else None


def drill_way(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The messages that went this way."""
    return _list(at, filters, channel=[row.way])


def drill_purpose(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The messages for this purpose."""
    return _list(at, filters, purpose=[row.purpose])


def drill_rule(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The rule that spoke."""
    return links.record("message-rule", row.rule_id) if row.rule_id else None


def drill_vendor(row: Row, at: Period, filters: Filters, series: str | None) -> str | None:
    """The messages of this vendor."""
    return _list(at, filters, vendor=[row.vendor_id])


NUMBERS = (
    Column("sent", "Sent", Unit.COUNT, strong=True),
    Column("delivered", "Delivered", Unit.COUNT),
    Column("failed", "Failed", Unit.COUNT),
    Column("held_back", "Held back", Unit.COUNT),
    Column("answered", "Answered", Unit.COUNT),
    Column("came", "Came", Unit.COUNT),
    Column("won", "Came, share", Unit.PERCENT, part="came", of="asked"),
    Column("usual", "Before, share", Unit.PERCENT, part="came_before", of="asked"),
)


def _table(key: str, title: str, ask: Any, behind: Any, identity: str) -> Table:
    return named.table_of(key, title, ask, NUMBERS, behind, sort="sent", identity=identity)


REPORT = Report(
    slug="messages",
    title="Messages",
    group=Group.MARKETING,
    about="What was sent, what arrived, and how many came who were asked to.",
    query=query,
    figure=figure,
    chart="Messages",
    charts=(
        Chart(
            "visits", "Visits won", query, figure_of_visits,
            hint="The last 14 days are not over: they still grow.",
        ),
    ),
    measures=(
        Measure("sent", "Sent", Unit.COUNT, "Messages that went out, on the day they were to be"
                " sent.", better="up"),
        Measure("delivered", "Delivered", Unit.COUNT, "Of these, those of which the provider says"
                " that they arrived; not every provider does.", better="up", headline=False),
        Measure("failed", "Failed", Unit.COUNT, "Messages that could not be brought.",
                better="down"),
        Measure("held_back", "Held back", Unit.COUNT, "Messages not sent because the customer did"
                " not agree, had no address, or they were of no use any more.", headline=False),
        Measure("answered", "Answered", Unit.COUNT, "Messages sent after which the customer wrote"
                " back by the same way within 14 days.", better="up"),
        Measure("received", "Received", Unit.COUNT, "Messages that customers wrote.",
                headline=False),
        Measure("asked", "Asked to come", Unit.COUNT, "Offers and reminders that went out to a"
                " known customer.", headline=False),
        Measure("came", "Visits won", Unit.COUNT, "Of these, those after which the customer came"
                " within 14 days: with a visit booked and taken in that time, or an order. What was"
                " booked before the message is not among them.", better="up"),
        Measure("won", "Came, share", Unit.PERCENT, "Visits won, as a share of those asked to"
                " come.", better="up", part="came", of="asked"),
        Measure("usual", "Before, share", Unit.PERCENT, "How many of the same customers had come in"
                " the same way in the 14 days before the message. What is above it may be owed to"
                " the message, and may not.", part="came_before", of="asked"),
    ),
    tables=(
        _table("event", "Subject", by_event, drill_event, "event"),
        *named.seen_by_both(_table("rule", "Rule", by_rule, drill_rule, "rule_id")),
        _table("way", "Way", by_way, drill_way, "way"),
        _table("purpose", "Purpose", by_purpose, drill_purpose, "purpose"),
        replace(_table("vendor", "Vendor", by_vendor, drill_vendor, "vendor_id"),
                roles=MARKETPLACE),
        named.over_time(by_time, NUMBERS, drill),
    ),
    drill=drill,
    filters=frozenset({"vendor"}),
    choices=(
        Choice("purpose", "Purpose", (("all", "All purposes"), ("marketing", "Offers"),
                                      ("reminder", "Reminders"),
                                      ("transactional", "Confirmations"))),
        Choice("way", "Way", (("all", "All ways"), ("email", "E-mail"), ("sms", "SMS"),
                              ("push", "Push"), ("in_app", "In the app"), ("phone", "Phone"),
                              ("letter", "Letter"))),
    ),
    hint="Select a bar to see the messages behind it.",
    empty=Empty(
        "Nothing was sent in these days.",
        (("See when messages are sent", "/admin/message-rule/list"),),
    ),
)  # fmt: skip
