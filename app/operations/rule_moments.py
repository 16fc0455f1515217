"""When a rule speaks: so many days and minutes from what happens, by the vendor's calendar."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.message_rules import BEFORE, MessageRule

CLOCKS = timedelta(hours=3)
"""Clocks are never moved by more in a night."""


def moment(rule: MessageRule, anchor: datetime, zone: ZoneInfo) -> datetime:
    """When what happens at `anchor` is told, in UTC.

    Days keep the wall's time over a change of clocks, minutes are elapsed ones. With `at` it is at
    that time of the day. A wall time that is skipped moves as far as the clocks do; of one that
    comes twice the first is meant.
    """
    sign = -1 if rule.event in BEFORE else 1
    local = anchor.astimezone(zone)
    day = local.date() + sign * timedelta(days=rule.days)
    if rule.at is not None:
        return on_wall(day, rule.at, zone)
    same = anchor if rule.days == 0 else on_wall(day, local.time(), zone)
    return (same + sign * timedelta(minutes=rule.minutes)).astimezone(UTC)


def anchors(
    rule: MessageRule, since: datetime, until: datetime, zone: ZoneInfo
) -> tuple[datetime, datetime] | None:
    """Between which anchors all lie that are told in `(since, until]`; before the second one.

    Nothing when there can be none. Not all between them are told then: `moment` says which.
    """
    sign = -1 if rule.event in BEFORE else 1
    if rule.at is not None:
        days = [
            day for day in _days(since, until, zone) if since < on_wall(day, rule.at, zone) <= until
        ]
        if not days:
            return None
        away = sign * timedelta(days=rule.days)
        return midnight(days[0] - away, zone), midnight(days[-1] - away + timedelta(days=1), zone)
    away = sign * timedelta(days=rule.days, minutes=rule.minutes)
    slack = CLOCKS if rule.days else timedelta(0)
    return since - away - slack, until - away + slack + timedelta(microseconds=1)


def on_wall(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant at which the clocks of `zone` show `at` on that day, in UTC."""
    return datetime.combine(day, at.replace(tzinfo=None, fold=0), zone).astimezone(UTC)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of a day where `zone` is, in UTC."""
    return on_wall(day, time(0), zone)


def _days(since: datetime, until: datetime, zone: ZoneInfo) -> list[date]:
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
