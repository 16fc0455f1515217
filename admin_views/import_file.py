"""The first page of an import: the file, what is in it, and what was imported before."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views.import_frame import PAGE_SIZE, START, figures, heading, page_of, url, whole
from admin_views.import_subjects import CHOICES, words_of
from admin_views.import_words import SOURCES, STRATEGIES, status
from app.database import begin
from app.settings import settings
from app.tenancy import current_actor
from models.imports import ImportJob, Outcome
from models.users import User
from models.vendors import Vendor

PICK_VENDOR = "/admin/customer/ajax/lookup?name=vendor"


def file_page(request: Request, typed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The upload with what was chosen so far, and what was imported before."""
    typed = typed or {}
    subject = subject_of(typed.get("subject") or request.query_params.get("subject"))
    limit = settings().import_max_bytes
    with begin() as session:
        over_all = current_actor().vendor_id is None
        return {
            "start_url": START,
            **heading(words_of(subject)),
            "step": "file",
            "subjects": CHOICES,
            "subject": subject,
            "upload_url": f"{START}/upload",
            "vendor_pick_url": PICK_VENDOR if over_all else None,
            "vendor_id": typed.get("vendor_id", ""),
            "vendor_name": typed.get("vendor_id_text", ""),
            "strategies": STRATEGIES,
            "strategy": typed.get("strategy", ""),
            "sources": SOURCES,
            "source": typed.get("source", ""),
            "limit_text": f"{limit / 1_000_000:,.0f} MB",
            "max_bytes": limit,
            **_earlier(session, whole(request.query_params.get("before"))),
        }


def subject_of(asked: str | None) -> str:
    """What the list is about, as it was asked; customers where that is nothing we know."""
    known = [subject for subject, _ in CHOICES]
    return asked if asked in known else known[0]


def _earlier(session: Session, before: int | None) -> dict[str, Any]:
    """The imports so far, the newest first, a page at a time."""
    query = (
        select(ImportJob, Vendor.name, User.name)
        .join(Vendor, Vendor.id == ImportJob.vendor_id)
        .outerjoin(User, User.id == ImportJob.user_id)
        .order_by(ImportJob.id.desc())
        .limit(PAGE_SIZE + 1)
    )
    if before is not None:
        query = query.where(ImportJob.id < before)
    found = session.execute(query).all()
    shown = found[:PAGE_SIZE]
    more = f"{START}?before={shown[-1][0].id}" if len(found) > PAGE_SIZE else None
    return {
        "earlier": [_line(job, vendor, user) for job, vendor, user in shown],
        "next_url": more,
        "prev_url": START if before is not None else None,
    }


def _line(job: ImportJob, vendor: str, user: str | None) -> dict[str, Any]:
    return {
        "file": job.filename,
        "subject": words_of(job.subject).choice,
        "url": url(job, page_of(job)),
        "vendor": vendor,
        "by": user,
        "at": job.created_at,
        "rows": job.total_rows,
        "problems": figures(job).get(Outcome.INVALID, 0),
        "status": status(job),
    }
