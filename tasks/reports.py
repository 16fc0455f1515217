"""Figures that take longer than a page may, worked out step by step and kept."""

import logging
from datetime import UTC
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from celery import Task
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.gateways import mail
from app.gateways.verdicts import Permanent
from app.operations import custom_reports, report_runs
from app.operations.zones import zone_of
from app.report_rows import Rows
from app.settings import settings
from app.tenancy import SYSTEM, acting, current_actor
from models.categories import Category
from models.custom_reports import CustomReport
from models.report_runs import ReportRun
from models.vendors import Vendor
from reports import asking, custom, kept, reading
from reports.asking import Asked
from reports.figures import WEEKDAYS, worded
from reports.registry import all_reports
from reports.report import Column, Report, Unit
from tasks.celery import celery_app

log = logging.getLogger(__name__)

SECONDS = 600
MOST_ROWS = 200
"""of a mailed table: its first ones"""


@celery_app.task(name="tasks.reports.work_out")
def work_out(run_id: int) -> None:
    """Answer a run's question; a second delivery begins anew, or finds that it is answered."""
    asked = _question(run_id)
    if asked is None:
        return
    try:
        _answer(run_id, asked)
    except Exception:
        log.exception("Report run %s failed.", run_id)
        with begin() as session:
            report_runs.fail(session, run_id=run_id)


@celery_app.task(name="tasks.reports.clear")
def clear() -> int:
    """Remove runs that nobody will ask for again."""
    with begin() as session:
        return report_runs.clear(session)


@celery_app.task(name="tasks.reports.send_due")
def send_due() -> int:
    """Promise the mails of custom reports whose time has come; of how many reports."""
    with begin() as session:
        return custom_reports.promise_due(session, now=clock.now())


@celery_app.task(bind=True, name=custom_reports.SEND, soft_time_limit=SECONDS)
def send_figures(self: Task, report_id: int) -> int:
    """Mail a custom report's figures to everybody who has it; how many mails were taken.

    Whose address is refused for good is passed over. Who is put off has it with a repeat, which
    has the same Message-IDs: nobody else waits for that.
    """
    with acting(SYSTEM), begin() as session:
        to = custom_reports.readers(session, report_id)
    with begin() as session:
        row = session.get(CustomReport, report_id)
        report = None if row is None else custom.of_row(row)
        if row is None or report is None or not to:
            return 0
        subject, text = _letter(session, row, report)
    taken, put_off = 0, None
    for address in to:
        key = f"{self.request.id}.{sha256(address.encode()).hexdigest()[:16]}"
        try:
            mail.gateway().send(to=address, subject=subject, text=text, key=key)
            taken += 1
        except Permanent as refusal:
            log.warning("Report %s was not mailed to one of its readers: %s", report_id, refusal)
        except (mail.RecipientPutOff, mail.MessagePutOff) as refusal:
            put_off = refusal
    if put_off is not None:
        raise put_off
    return taken


def _letter(session: Session, row: CustomReport, report: Report) -> tuple[str, str]:
    """The mail: the figures of the report's days as a table of text, and where they stand."""
    vendor_id = row.vendor_id
    zone = ZoneInfo(zone_of(session, vendor_id)) if vendor_id else UTC
    words = asking.by_name(row.definition_json.get("words", ()))
    today = clock.now().astimezone(zone).date()
    place = f"{settings().public_url.rstrip('/')}/admin/reports/{report.slug}\n"
    try:
        asked = asking.ask(session, report, words, today=today, vendor_id=vendor_id)
    except DomainError as refusal:  # days without an end can become too many
        return report.title, f"{report.title}\n{refusal}\n\n{place}"
    lines = reading.lines(session, asked, report.tables[0], most=MOST_ROWS)
    columns = report.tables[0].columns
    heads = [_head(column, asked) for column in columns]
    rows = [[_said(getattr(row, column.key), column) for column in columns] for row in lines.rows]
    table = Rows(report.slug, [], None, heads, rows)
    more = lines.many - len(rows)
    days = asked.period.first, asked.period.last
    first, last = (f"{day.day} {day:%B} {day.year}" for day in days)
    text = (
        f"{report.title}\n{report.about}\n{first} to {last}\n{_only(session, asked)}\n"
        f"{table.as_text()}\n\n" + (f"More in the report: {more}.\n" if more else "") + place
    )
    return f"{report.title}: {first} to {last}", text


def _head(column: Column, asked: Asked) -> str:
    title = column.title or asked.by.value.capitalize()
    return f"{title}, minutes" if column.unit is Unit.MINUTES else title


def _said(value: Any, column: Column) -> Any:
    """Words of the schema as people read them; figures as they are."""
    if column.unit is Unit.WEEKDAY:
        return WEEKDAYS[int(value) - 1]
    return worded(value) if column.unit in (Unit.CHANNEL, Unit.KIND) else value


def _only(session: Session, asked: Asked) -> str:
    """Whose figures they are, where they are not everybody's."""
    filters = asked.filters
    parts = [worded(channel) for channel in filters.channels]
    for model, ids in ((Vendor, filters.vendors), (Category, filters.categories)):
        named = select(model.name).where(model.id.in_(ids)).order_by(model.name)
        parts += session.scalars(named) if ids else []
    return f"Only {', '.join(parts)}\n" if parts else ""


def _report(session: Session, slug: str) -> Report | None:
    return all_reports().get(slug) or custom.found(session, slug)


def _question(run_id: int) -> Asked | None:
    """What is asked, as it was understood on the day it was asked; None: it is answered."""
    with begin() as session:
        run = session.get(ReportRun, run_id)
        report = _report(session, run.slug) if run else None
        if run is None or report is None:
            return None
        words = asking.by_name(run.words)
        mine = current_actor().vendor_id
        asked = asking.ask(session, report, words, today=run.asked_on, vendor_id=mine)
        steps = len(kept.steps(asked)) + 1
        return asked if report_runs.take_up(session, run_id=run_id, steps=steps) else None


def _answer(run_id: int, asked: Asked) -> None:
    result = {}
    for number, (name, work) in enumerate(kept.steps(asked), 1):
        with begin() as session:
            result[name] = work(kept.Live(session, asked))
        with begin() as session:
            report_runs.step(session, run_id=run_id, done=number)
    with begin() as session:
        report_runs.finish(session, run_id=run_id, result=result)
