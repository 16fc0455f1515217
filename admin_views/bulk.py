"""Bulk changes on screen: what was changed for many customers, by whom, what was left, and undo."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views import customer_bulk, running
from admin_views.audit import USERS
from admin_views.base import HouseView, declared
from admin_views.filters import OneOf, Related, of_vendor
from admin_views.lists import Col, Sort
from admin_views.loaders import who_did
from admin_views.rendering import capped, number
from admin_views.saving import Command
from app.operations import bulk
from app.settings import settings
from app.tenancy import current_actor
from models.bulk import BulkJob, BulkStatus

KINDS = tuple((kind.value, title) for kind, title in customer_bulk.TITLES.items())
STARTED = "A bulk change is started on the list of customers: select some, or all that match."


def _undo(session: Session, job_id: int) -> None:
    job = bulk.undo(session, job_id=job_id, inline_limit=settings().bulk_inline_limit)
    running.look_again(job.user_id)


def _undoable(job: BulkJob) -> bool:
    return job.status == BulkStatus.DONE and job.done_count > 0


class BulkView(HouseView, model=BulkJob):
    """One change to many customers."""

    name, name_plural, icon = "Bulk change", "Bulk changes", "ti ti-stack-2"
    category, hint = "Data", STARTED
    can_create = can_edit = can_delete = False
    columns = (
        Col("kind", "What", value=customer_bulk.what),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", css="c-status"),
        Col("total", "Customers", "number", numeric=True),
        Col("done_count", "Done", "number", numeric=True),
        Col("skipped_count", "Left", "number", numeric=True),
        Col("who", "By"),
        Col("created_at", "When", "moment"),
    )
    sorts = declared(newest=Sort(BulkJob.id, descending=True))
    filters = (
        OneOf("kind", "What", BulkJob.kind, icon="category", words=KINDS),
        OneOf("status", "Status", BulkJob.status, icon="circle-dot", words=BulkStatus),
        Related("user", "By", BulkJob.user_id, icon="user", lookup=USERS),
        of_vendor(BulkJob.vendor_id),
    )
    details = (
        (
            "Bulk change",
            (
                Col("total", "Customers", "number"),
                Col("done_count", "Done", "number"),
                Col("skipped_count", "Left as they were", "number"),
                Col("created_at", "Begun", "moment"),
                Col("finished_at", "Finished", "moment"),
            ),
        ),
    )
    commands = (
        Command(
            "undo", "Undo", _undo, _undoable,
            "It is taken back; a large one takes a moment.",
            icon="arrow-back-up", action="undo",
            ask=("Undo this bulk change?", "Whatever somebody has changed since stays as it is."),
        ),
    )  # fmt: skip
    empty = declared(icon="stack-2", title="No bulk changes yet", text=STARTED)

    def title_of(self, record: Any) -> str:
        """Add tag “vip”."""
        return customer_bulk.what(record)

    def drawn_rows(self, session: Session, request: Request, records: Any) -> Any:
        """The rows with the names of those who started them."""
        drawn = super().drawn_rows(session, request, records)
        people = who_did(session, records)
        for row, record in zip(drawn, records, strict=True):
            row["cells"]["who"] = people[record.user_id]
        return drawn

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """By whom, why some were left, the first of them; how far it is while it runs."""
        goes_on = record.status in customer_bulk.RUNNING
        more: dict[str, Any] = {"marks": [("user", who_did(session, [record])[record.user_id])]}
        if goes_on and record.vendor_id == current_actor().vendor_id:
            url = f"{customer_bulk.BASE}/jobs/{record.id}"
            more["buttons"] = [{"title": "See progress", "url": url, "icon": "progress"}]
        cap = settings().count_cap
        reasons = bulk.reasons(session, job_id=record.id, cap=cap)
        if reasons and not goes_on:
            rows = [
                [reason, capped(many) if many > cap else number(many)] for reason, many in reasons
            ]
            columns = [("Why", False), ("Customers", True)]
            left = customer_bulk.skipped(session, record)
            more["lines"] = {"title": "Left as they were", "columns": columns, "rows": rows}
            more["related"] = [{"title": "The first of those left", "rows": left}]
        return more


VIEWS = [BulkView]
