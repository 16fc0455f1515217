"""Long work of whoever looks, for the top bar of every page: imports, bulk changes, reports.

Campaigns are everybody's at the vendor whose they are: it is their customers who are written to.

Asked for at most every few seconds a person, so that pages pay nothing for it; at once after
something was started here.
"""

import threading
import time
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from admin_views.access import allowed
from app.database import begin
from app.tenancy import Actor, DatabaseRole
from models.bulk import BulkJob, BulkKind, BulkStatus
from models.campaigns import Campaign, CampaignRun
from models.campaigns import RunStatus as SendStatus
from models.imports import ImportJob, ImportStatus
from models.report_runs import ReportRun, RunStatus
from reports.registry import all_reports

KEPT_SECONDS = 5.0
MOST = 3
_MOST_KEPT = 10_000
WORDS = {
    BulkKind.ADD_TAG: "Tagging",
    BulkKind.REMOVE_TAG: "Taking tags off",
    BulkKind.SET_STATUS: "Setting the status",
    BulkKind.CREATE_TASK: "Adding tasks",
}

SENDING = {SendStatus.CHECKING: "Looking who gets", SendStatus.SENDING: "Sending"}
_IMPORTS = {"undoing": "Undoing an import", "deciding": "Settling rows"}

_kept: dict[tuple[int, int | None], tuple[float, bool]] = {}
_lock = threading.Lock()


def look_again(user_id: int) -> None:
    """Something of this person's was started: the next page asks."""
    with _lock:
        for key in [k for k in _kept if k[0] == user_id]:
            del _kept[key]


async def jobs_of(actor: Actor) -> list[dict[str, Any]]:
    """What runs for whoever acts, as the top bar shows it."""
    if actor.role not in (DatabaseRole.VENDOR, DatabaseRole.ADMIN):
        return []
    key = (actor.user_id, actor.vendor_id)
    with _lock:
        asked = _kept.get(key)
    if asked and not asked[1] and time.monotonic() - asked[0] < KEPT_SECONDS:
        return []
    found = await anyio.to_thread.run_sync(_read, actor)
    with _lock:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = time.monotonic(), bool(found)
    return found


def _read(actor: Actor) -> list[dict[str, Any]]:
    with begin() as session:
        found = [
            *_bulk(session, actor), *_imports(session, actor), *_campaigns(session, actor),
            *_reports(session, actor),
        ]  # fmt: skip
    return found[:MOST]


def _bulk(session: Session, actor: Actor) -> list[dict[str, Any]]:
    wanted = (
        select(BulkJob)
        .where(
            BulkJob.user_id == actor.user_id,
            BulkJob.vendor_id.is_not_distinct_from(actor.vendor_id),
            BulkJob.status.in_([BulkStatus.QUEUED, BulkStatus.RUNNING, BulkStatus.UNDOING]),
        )
        .order_by(BulkJob.id.desc())
        .limit(MOST)
    )
    return [
        {
            "title": f"{WORDS[BulkKind(job.kind)]} {job.total:,}",
            "url": f"/admin/customer/jobs/{job.id}",
            "poll": f"/admin/customer/jobs/{job.id}/state",
            "done": job.done_count + job.skipped_count, "total": job.total,
        }
        for job in session.scalars(wanted)
    ]  # fmt: skip


def _imports(session: Session, actor: Actor) -> list[dict[str, Any]]:
    wanted = (
        select(ImportJob)
        .where(ImportJob.user_id == actor.user_id, _RUNS)
        .order_by(ImportJob.id.desc())
        .limit(MOST)
    )
    return [
        {
            "title": _title(job), "url": f"/admin/imports/{job.id}/run",
            "poll": f"/admin/imports/{job.id}/progress",
            "done": job.progress, "total": job.total_rows,
        }
        for job in session.scalars(wanted)
    ]  # fmt: skip


def _campaigns(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """What is being looked at or goes out at the vendor where one is."""
    if actor.vendor_id is None or not allowed(actor.panel_role, "campaign", "list"):
        return []
    of = and_(Campaign.vendor_id == CampaignRun.vendor_id, Campaign.id == CampaignRun.campaign_id)
    wanted = (
        select(CampaignRun, Campaign.name)
        .join(Campaign, of)
        .where(CampaignRun.vendor_id == actor.vendor_id, CampaignRun.status.in_(SENDING))
        .order_by(CampaignRun.id.desc())
        .limit(MOST)
    )
    return [
        {
            "title": title_of(run, name),
            "url": f"/admin/campaign/details/{run.campaign_id}",
            "poll": f"/admin/campaign/run/{run.id}",
            "done": run.handled, "total": run.to_handle,
        }
        for run, name in session.execute(wanted)
    ]  # fmt: skip


def title_of(run: CampaignRun, name: str) -> str:
    """What is being done with a campaign: Sending Winter offers."""
    return f"{SENDING[SendStatus(run.status)]} {name}" if run.status in SENDING else name


def _reports(session: Session, actor: Actor) -> list[dict[str, Any]]:
    wanted = (
        select(ReportRun)
        .where(
            ReportRun.user_id == actor.user_id,
            ReportRun.vendor_id.is_not_distinct_from(actor.vendor_id),
            ReportRun.status.in_([RunStatus.QUEUED, RunStatus.RUNNING]),
        )
        .order_by(ReportRun.id.desc())
        .limit(MOST)
    )
    known = all_reports()
    return [
        {
            "title": f"Working out: {known[run.slug].title}",
            "url": f"/admin/reports/{run.slug}?{urlencode([tuple(pair) for pair in run.words])}",
            "poll": f"/admin/reports/runs/{run.id}", "done": run.done, "total": run.steps,
        }
        for run in session.scalars(wanted)
        if run.slug in known
    ]  # fmt: skip


_RUNS = (ImportJob.status == ImportStatus.IMPORTING) | (
    (ImportJob.status != ImportStatus.FAILED)
    & (
        ImportJob.tried.has_key("step")
        | ImportJob.result.has_key("undoing")
        | ImportJob.result.has_key("deciding")
    )
)


def _title(job: ImportJob) -> str:
    if job.status == ImportStatus.IMPORTING:
        return f"Importing {job.total_rows:,}"
    result = job.result or {}
    return next(
        (words for step, words in _IMPORTS.items() if result.get(step)), f"Trying {job.filename}"
    )
