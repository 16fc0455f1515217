"""Work in the background, and what people keep of lists and reports."""

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from models.bulk import BulkJob, BulkRow
from models.custom_reports import CustomReport
from models.customers import Customer
from models.outbox import OutboxMessage
from models.report_runs import ReportRun
from models.views import SavedView
from tests.make.rows import number, of_vendor, saved


def saved_view(session: Session, **fields: Any) -> SavedView:
    values = {"user_id": 1, "screen": "customers", "name": f"View {number()}", "query": ""}
    return saved(session, SavedView(**values | fields))


def report_run(session: Session, **fields: Any) -> ReportRun:
    values = {"user_id": 1, "slug": "revenue", "question": f"revenue#{number()}", "words": [],
              "asked_on": date(2026, 11, 20)}  # fmt: skip
    return saved(session, ReportRun(**values | fields))


def custom_report(session: Session, **fields: Any) -> CustomReport:
    chosen = {"source": "sales", "measures": ["revenue"], "dimensions": ["time"], "chart": "bars",
              "words": []}  # fmt: skip
    values = {"user_id": 1, "name": f"Report {number()}", "definition_json": chosen}
    return saved(session, CustomReport(**values | fields))


def bulk_job(session: Session, **fields: Any) -> BulkJob:
    values = {"user_id": 1, "kind": "add_tag", "arguments": {"tag": "vip"}, "total": 1}
    return saved(session, BulkJob(**values | fields))


def bulk_row(session: Session, *, job: BulkJob, customer: Customer, **fields: Any) -> BulkRow:
    row = BulkRow(job_id=job.id, customer_id=customer.id, **of_vendor(fields, customer))
    return saved(session, row)


def outbox_message(session: Session, **fields: Any) -> OutboxMessage:
    values: dict[str, Any] = {"task": "tasks.nightly.check_the_books", "payload": {}}
    return saved(session, OutboxMessage(**values | fields))
