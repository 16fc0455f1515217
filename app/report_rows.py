"""The rows behind a report, for the command line: the same question as on the page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from numbers import Number
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.tenancy import Actor, acting, admin_actor, vendor_actor
from models.vendors import Vendor
from reports import asking, reading
from reports.registry import all_reports
from reports.report import PERIODS, Report
from reports.spans import Grain


class NoSuchReport(DomainError):
    sentence = "There is no report “{slug}”: take one of {known}."


class NoSuchVendor(DomainError):
    sentence = "There is no vendor “{vendor}”: check its slug or id."


class NoSuchGrain(DomainError):
    sentence = "There is no grouping “{by}”: take day, week or month."


class NotAName(DomainError):
    sentence = "“{text}” is no filter: write NAME=VALUE, such as channel=online."


@dataclass(frozen=True, slots=True)
class Rows:
    """What was asked, and the rows: dates, numbers and words under their columns."""

    slug: str
    words: list[tuple[str, str]]
    vendor: str | None
    columns: list[str]
    rows: list[list[Any]]

    def as_json(self) -> str:
        """One object; numbers are numbers, days stand as 2026-11-20."""
        told = {
            "report": self.slug, "vendor": self.vendor, "asked": self.words,
            "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
        }  # fmt: skip
        return json.dumps(told, default=_in_json, allow_nan=False, ensure_ascii=False)

    def as_text(self) -> str:
        """Columns under each other; amounts with two decimals."""
        columns = [_written([row[n] for row in self.rows]) for n in range(len(self.columns))]
        wide = [
            max(len(text) for text in (head, *column))
            for head, column in zip(self.columns, columns, strict=True)
        ]
        right = [
            bool(self.rows) and all(isinstance(row[n], Number | None) for row in self.rows)
            for n in range(len(self.columns))
        ]
        lines = [self.columns, *(list(line) for line in zip(*columns, strict=True))]
        told = [
            "  ".join(
                text.rjust(width) if numeric else text.ljust(width)
                for text, width, numeric in zip(line, wide, right, strict=True)
            ).rstrip()
            for line in lines
        ]
        return "\n".join(told if self.rows else [*told, "No figures in these days."])


def _written(values: Sequence[Any]) -> list[str]:
    """A column as text: if one of its numbers has decimals, all have two."""
    exact = any(isinstance(v, Decimal) and v % 1 for v in values)
    return [_said(value, exact=exact) for value in values]


def _said(value: Any, *, exact: bool) -> str:
    if value is None:
        return "-"
    if isinstance(value, Decimal):
        return format(round(value, 2 if exact else 0), "f")
    return format(value, ".2f") if isinstance(value, float) else _plain(value)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _in_json(value: Any) -> float | str:
    return float(round(value, 6)) if isinstance(value, Decimal) else _plain(value)


def found(
    slug: str,
    *,
    vendor: str | None = None,
    first: str | None = None,
    last: str | None = None,
    period: str | None = None,
    by: str | None = None,
    more: Sequence[str] = (),
) -> Rows:
    """The rows of a report, of one vendor (as that vendor) or of all; `list` names the reports."""
    if slug == "list":
        listed = [[r.slug, r.group.value, r.title] for r in all_reports().values()]
        return Rows(slug, [], None, ["report", "group", "title"], listed)
    report = _report(slug)
    actor, zone, name = _whose(vendor)
    words = _words(first, last, period, by, more)
    with acting(actor), begin() as session:
        asked = asking.ask(
            session, report, words, today=clock.now().astimezone(zone).date(),
            vendor_id=actor.vendor_id,
        )  # fmt: skip
        columns, rows = reading.plain_rows(session, asked)
    return Rows(slug, asking.words_of(asked), name, columns, [list(row) for row in rows])


def _report(slug: str) -> Report:
    known = all_reports()
    if slug not in known:
        raise NoSuchReport(slug=slug[:40], known=", ".join(known))
    return known[slug]


def _words(
    first: str | None, last: str | None, period: str | None, by: str | None, more: Sequence[str]
) -> dict[str, list[str]]:
    words = {"from": [first or ""], "to": [last or ""]}
    if period is not None and period not in PERIODS:
        raise asking.NoSuchPeriod(text=period[:40], known=", ".join(PERIODS))
    if by is not None and by not in set(Grain):
        raise NoSuchGrain(by=by[:40])
    words |= {name: [value] for name, value in (("period", period), ("by", by)) if value}
    for text in more:
        name, sign, value = text.partition("=")
        if not (sign and name and value) or name == "vendor":
            raise NotAName(text=text[:40])
        words.setdefault(name, []).append(value)
    return words


def _whose(vendor: str | None) -> tuple[Actor, Any, str | None]:
    """Who asks, in which zone today is, and the vendor's slug."""
    if vendor is None:
        return admin_actor(), UTC, None
    with acting(admin_actor()), begin() as session:
        row = _vendor(session, vendor)
    return vendor_actor(row.id), ZoneInfo(row.time_zone), row.slug


def _vendor(session: Session, vendor: str) -> Any:
    wanted = select(Vendor.id, Vendor.slug, Vendor.time_zone)
    clean = vendor.replace("\x00", "")
    row = session.execute(wanted.where(Vendor.slug == clean)).first()
    if row is None and clean.isascii() and clean.isdigit() and len(clean) < 19:
        row = session.execute(wanted.where(Vendor.id == int(clean))).first()
    if row is None:
        raise NoSuchVendor(vendor=vendor[:40])
    return row
