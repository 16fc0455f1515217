"""Lists that are imported, and what is staged of them."""

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.history import (
    ImportMade,
    StagedBuyer,
    StagedItem,
    StagedOrder,
    StagedRefund,
    StagedSale,
)
from models.imports import ImportJob, ImportRow, StagedRow
from tests.make.rows import NOON, number, of_vendor, saved


def import_job(session: Session, **fields: Any) -> ImportJob:
    n = number()
    values: dict[str, Any] = {
        "user_id": 1,
        "filename": f"list-{n}.csv",
        "stored_as": f"list-{n}.csv",
        "checksum": f"{n:064x}",
        "kind": "csv",
        "header": ["Name"],
        "samples": [],
        "mapping": {"Name": "full_name"},
        "match_by": ["email", "phone"],
    }
    return saved(session, ImportJob(**values | fields))


def import_row(session: Session, *, job: ImportJob, **fields: Any) -> ImportRow:
    n = number()
    values = {"position": n, "line": n, "outcome": "created"} | of_vendor(fields, job)
    return saved(session, ImportRow(job_id=job.id, **values))


def staged_row(session: Session, *, job: ImportJob, **fields: Any) -> StagedRow:
    n = number()
    words = {"sort_name": "", "search_text": "", "keys": []}
    values: dict[str, Any] = (
        {"position": n, "line": n, "valid": True} | words | of_vendor(fields, job)
    )
    return saved(session, StagedRow(job_id=job.id, **values))


def staged_sale(session: Session, *, job: ImportJob, **fields: Any) -> StagedSale:
    n = number()
    values = {"position": n, "line": n + 1, "digest": n} | of_vendor(fields, job)
    return saved(session, StagedSale(job_id=job.id, **values))


def staged_buyer(session: Session, *, job: ImportJob, **fields: Any) -> StagedBuyer:
    values = {"key": number(), "line": 2} | of_vendor(fields, job)
    return saved(session, StagedBuyer(job_id=job.id, **values))


def staged_item(session: Session, *, job: ImportJob, **fields: Any) -> StagedItem:
    values = {"key": number(), "line": 2, "unit_price": Decimal("10.00")} | of_vendor(fields, job)
    return saved(session, StagedItem(job_id=job.id, **values))


def staged_order(session: Session, *, job: ImportJob, **fields: Any) -> StagedOrder:
    n = number()
    values = {
        "number": n, "key": n, "until_line": n, "placed_at": NOON, "channel": "import",
        "total": Decimal("10.00"),
    } | of_vendor(fields, job)  # fmt: skip
    return saved(session, StagedOrder(job_id=job.id, **values))


def staged_refund(session: Session, *, job: ImportJob, **fields: Any) -> StagedRefund:
    values = {"number": 1, "position": number(), "at": NOON, "amount": Decimal("1.00")} | of_vendor(
        fields, job
    )
    return saved(session, StagedRefund(job_id=job.id, **values))


def import_made(session: Session, *, job: ImportJob, **fields: Any) -> ImportMade:
    values = {"noun": "customer", "row_id": number()} | of_vendor(fields, job)
    return saved(session, ImportMade(job_id=job.id, **values))
