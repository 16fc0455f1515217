"""One change to many customers: a selection of the page, or all that match.

What a few hundred milliseconds can do is done at once; more runs as a job with a page of its own
that can be left. Either way it says what was done, what was skipped and why, and can be undone.
"""

import hashlib
import secrets
from datetime import date
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from admin_views import running
from admin_views.access import needs
from admin_views.customer_commands import CustomerCommands, Typed, fields
from admin_views.customer_filters import STATUSES, Asked
from admin_views.customer_side import may
from admin_views.loaders import record_id
from admin_views.rendering import number, plural, say
from admin_views.saving import sentence_of
from app.database import begin
from app.errors import DomainError
from app.operations import bulk
from app.settings import settings
from app.tenancy import current_actor
from models.bulk import BulkJob, BulkKind, BulkOutcome, BulkRow, BulkStatus
from models.customers import Customer

BASE = "/admin/customer"
RUNNING = (BulkStatus.QUEUED, BulkStatus.RUNNING, BulkStatus.UNDOING)
TITLES = {
    BulkKind.ADD_TAG: "Add tag",
    BulkKind.REMOVE_TAG: "Remove tag",
    BulkKind.SET_STATUS: "Set status",
    BulkKind.CREATE_TASK: "Add task",
}
MOST_SKIPPED = 25


def bulk_actions(asked: Asked) -> list[dict[str, Any]]:
    """What the bar above a selection offers."""
    if not may("bulk"):
        return []
    query = asked.url_query()
    kinds = (
        (BulkKind.ADD_TAG, "tag", "tag", "For all that are selected"),
        (BulkKind.REMOVE_TAG, "tag-off", "tag", ""),
        (BulkKind.CREATE_TASK, "checkbox", "task", ""),
        (BulkKind.SET_STATUS, "circle-dot", "choice", ""),
    )
    return [
        {
            "slug": kind.value, "url": f"{BASE}/bulk/{kind.value}{query}", "title": TITLES[kind],
            "icon": icon, "kind": shape, "hint": hint,
            "choices": STATUSES if kind is BulkKind.SET_STATUS else (),
        }
        for kind, icon, shape, hint in kinds
    ]  # fmt: skip


class CustomerBulk(CustomerCommands):
    """Bulk changes of `CustomerView`, their pages and their undo."""

    @expose("/bulk/{kind}", methods=["POST"])
    @needs("bulk")
    async def start_bulk(self, request: Request) -> Response:
        """Change everybody who is meant, once however often the button is pressed."""
        kind = request.path_params["kind"]
        if kind not in set(BulkKind):
            raise HTTPException(404)
        posted = await fields(request, "ids", "all", "fingerprint", "value", "due", "once")
        asked = Asked.read(request.query_params)
        back = f"{BASE}/list{asked.url_query()}"
        try:
            job = await anyio.to_thread.run_sync(started, kind, posted, asked)
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
            return RedirectResponse(back, 303)
        return self.told(request, job, back)

    def told(self, request: Request, job: BulkJob, back: str) -> Response:
        """Say what was done, or open the page of the job that does it."""
        if job.status in RUNNING:
            running.look_again(job.user_id)
            return RedirectResponse(f"{BASE}/jobs/{job.id}", 303)
        undo = f"{BASE}/jobs/{job.id}/undo" if job.done_count else ""
        say(request, sentence_about(job), undo_url=undo)
        return RedirectResponse(f"{BASE}/jobs/{job.id}" if job.skipped_count else back, 303)

    @expose("/jobs/{job}", methods=["GET"])
    @needs("bulk")
    async def bulk_job(self, request: Request) -> Response:
        """How far a bulk change is, and what became of everybody."""
        context = await self.in_transaction(job_page, number_of(request))
        if context is None:
            raise HTTPException(404)
        response: Response = await self.templates.TemplateResponse(
            request, "panel/job.html", context
        )
        return response

    @expose("/jobs/{job}/state", methods=["GET"])
    @needs("bulk")
    async def bulk_state(self, request: Request) -> Response:
        """The progress, for the page and the top bar."""
        state = await self.in_transaction(job_state, number_of(request))
        if state is None:
            raise HTTPException(404)
        return JSONResponse(state)

    @expose("/jobs/{job}/undo", methods=["POST"])
    @needs("bulk")
    async def undo_bulk(self, request: Request) -> Response:
        """Take a bulk change back, but for what was changed since."""
        which = number_of(request)

        def run() -> BulkJob:
            with begin() as session:
                if known(session, which) is None:
                    raise HTTPException(404)
                limit = settings().bulk_inline_limit
                return bulk.undo(session, job_id=which, inline_limit=limit)

        try:
            job = await anyio.to_thread.run_sync(run)
        except HTTPException:
            raise
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
        else:
            running.look_again(job.user_id)
            if job.status not in RUNNING:
                say(request, "It is undone.")
        return RedirectResponse(f"{BASE}/jobs/{which}", 303)


def number_of(request: Request) -> int:
    """The job of an address."""
    found = record_id(request.path_params["job"])
    if found is None:
        raise HTTPException(404)
    return found


def started(kind: str, posted: Typed, asked: Asked) -> BulkJob:
    """Begin the change, or find the one that the same press of the button has begun."""
    once = hashlib.blake2s(
        repr([kind, *(posted[n] for n in ("ids", "all", "value", "due", "once"))]).encode(
            "utf-8", "replace"
        ),
        digest_size=8,
    ).hexdigest()
    with begin() as session:
        user = current_actor().user_id
        session.execute(select(func.pg_advisory_xact_lock(int(once, 16) >> 1)))
        if posted["once"] and (same := _same_press(session, user, once)):
            return same
        job = bulk.start(
            session,
            kind=kind,
            value=posted["value"],
            inline_limit=settings().bulk_inline_limit,
            ids=() if posted["all"] else _ids(posted["ids"]),
            filters=asked.filters if posted["all"] else None,
            fingerprint=posted["fingerprint"],
            due=_due(posted["due"]),
        )
        job.arguments = {**job.arguments, "once": once}
        return job


def _same_press(session: Session, user: int, once: str) -> BulkJob | None:
    lately = BulkJob.created_at > func.now() - func.make_interval(0, 0, 0, 1)
    wanted = select(BulkJob).where(
        BulkJob.user_id == user, lately, BulkJob.arguments["once"].as_string() == once
    )
    return session.scalars(wanted.limit(1)).first()


def _ids(text: str) -> list[int]:
    found = (record_id(part) for part in text.split(","))
    return [number_ for number_ in found if number_ is not None]


def _due(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        day = date.min
    if not 2000 <= day.year <= 2200:
        raise DomainError("This is no day: choose one from the calendar.", field="due")
    return day


def new_press() -> str:
    """A word that one drawn page sends with every press of a button."""
    return secrets.token_urlsafe(8)


def known(session: Session, which: int) -> BulkJob | None:
    """A bulk change of where one stands."""
    job = session.get(BulkJob, which)
    vendor = current_actor().vendor_id
    return job if job is not None and job.vendor_id == vendor else None


def what(job: BulkJob) -> str:
    """Add tag “vip”, set status inactive, add task “Call”."""
    told = next((job.arguments[k] for k in ("tag", "status", "title") if k in job.arguments), "")
    return f"{TITLES[BulkKind(job.kind)]} “{str(told).replace('_', ' ')}”"


def sentence_about(job: BulkJob) -> str:
    """What a finished change did."""
    done = f"{what(job)}: done for {plural(job.done_count, 'customer')}"
    return (
        f"{done}, {number(job.skipped_count)} left as they were."
        if job.skipped_count
        else (f"{done}.")
    )


def progress(session: Session, job: BulkJob) -> int:
    """How many customers are settled; while it is undone, how many are taken back."""
    if job.status == BulkStatus.UNDOING:
        left = select(func.count()).where(
            BulkRow.job_id == job.id, BulkRow.outcome == BulkOutcome.DONE
        )
        return job.total - job.skipped_count - (session.scalar(left) or 0)
    return job.done_count + job.skipped_count


def job_state(session: Session, which: int) -> dict[str, Any] | None:
    """The shape that `live.js` polls."""
    job = known(session, which)
    if job is None:
        return None
    done, over = progress(session, job), job.status not in RUNNING
    return {
        "done": done, "total": job.total, "done_text": number(done),
        "total_text": number(job.total), "text": what(job), "left": "",
        "finished": over, "url": f"{BASE}/jobs/{job.id}",
        "message": sentence_about(job) if over and job.status == BulkStatus.DONE else None,
    }  # fmt: skip


def job_page(session: Session, which: int) -> dict[str, Any] | None:
    """The page of a bulk change: progress, or what became of everybody."""
    job = known(session, which)
    if job is None:
        return None
    context: dict[str, Any] = {
        "page_title": what(job),
        "path": [{"title": "Bulk changes", "url": "/admin/bulk-job/list"}, {"title": what(job)}],
    }
    if job.status in RUNNING:
        return context | {
            "poll": f"{BASE}/jobs/{job.id}/state", "done": progress(session, job),
            "total": job.total, "unit": "customers", "leave_url": f"{BASE}/list",
            "run_title": "Undoing" if job.status == BulkStatus.UNDOING else what(job),
        }  # fmt: skip
    undone = job.status == BulkStatus.UNDONE
    failed = job.status == BulkStatus.FAILED
    found = bulk.outcomes(session, job_id=job.id)
    figures = [
        {"label": _outcome(outcome), "value": number(many), "note": reason or ""}
        for outcome, reason, many in found[:6]
    ]
    context |= {
        "headline": "It is undone." if undone else sentence_about(job),
        "tone": "bad" if failed else "warn" if job.skipped_count else "good",
        "figures": figures,
        "skipped": skipped(session, job),
        "skipped_count_text": number(job.skipped_count) if not undone else "",
        "buttons_after": [{"title": "Back to the customers", "url": f"{BASE}/list"}],
    }
    if job.status == BulkStatus.DONE and job.done_count:
        context["undo"] = {
            "url": f"{BASE}/jobs/{job.id}/undo", "verb": "Undo",
            "title": f"Undo this for {plural(job.done_count, 'customer')}?",
            "text": "Whatever somebody has changed since stays as it is.",
        }  # fmt: skip
    return context


def _outcome(outcome: str) -> str:
    return {
        BulkOutcome.DONE: "Done", BulkOutcome.SKIPPED: "Left as they were",
        BulkOutcome.UNDONE: "Undone", BulkOutcome.KEPT: "Kept", BulkOutcome.WAITING: "Waiting",
    }[BulkOutcome(outcome)]  # fmt: skip


def skipped(session: Session, job: BulkJob) -> list[dict[str, Any]]:
    """The first customers whom the change, or its undoing, left as they were, and why."""
    wanted = (
        select(BulkRow.reason, Customer)
        .join(
            Customer,
            (Customer.vendor_id == BulkRow.vendor_id) & (Customer.id == BulkRow.customer_id),
        )
        .where(
            BulkRow.job_id == job.id,
            BulkRow.outcome.in_([BulkOutcome.SKIPPED, BulkOutcome.KEPT]),
        )
        .order_by(BulkRow.id)
        .limit(MOST_SKIPPED)
    )
    return [
        {"title": c.name, "url": f"{BASE}/details/{c.id}", "sub": reason}
        for reason, c in session.execute(wanted)
    ]
