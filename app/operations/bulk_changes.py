"""What a bulk change does to the customers of one chunk, and how it is taken back.

Each change settles every row it is given: done (with what is needed to undo it) or skipped,
and later undone or kept, with the reason in words.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from app import clock
from app.operations import tags
from app.operations.conditions import is_any
from models.bulk import BulkJob, BulkKind, BulkOutcome, BulkRow
from models.customers import Customer
from models.tags import CustomerTag, Tag
from models.tasks import Task, TaskKind
from models.vendors import Vendor

Rows = Sequence[BulkRow]
GONE = "archived meanwhile"


@dataclass(frozen=True)
class Change:
    """A change and its way back; both settle all rows they are given."""

    do: Callable[[Session, BulkJob, Rows], None]
    undo: Callable[[Session, BulkJob, Rows], None]


def _settle(rows: Iterable[BulkRow], outcome: BulkOutcome, reason: str | None) -> None:
    for row in rows:
        row.outcome, row.reason = outcome, reason


def _done(row: BulkRow, **before: Any) -> None:
    row.outcome, row.reason, row.before = BulkOutcome.DONE, None, before


def _by_vendor(rows: Rows) -> Iterator[tuple[int, dict[int, BulkRow]]]:
    """The rows of each vendor by customer, vendors in order of their ids."""
    groups: dict[int, dict[int, BulkRow]] = defaultdict(dict)
    for row in rows:
        groups[row.vendor_id][row.customer_id] = row
    yield from sorted(groups.items())


def _living(
    session: Session, rows: Rows, outcome: BulkOutcome = BulkOutcome.SKIPPED
) -> list[BulkRow]:
    """Those whose customers are still here, locked in order; the others end as `outcome`."""
    ids = [row.customer_id for row in rows]
    query = select(Customer.id).where(is_any(Customer.id, ids), Customer.archived_at.is_(None))
    here = set(session.scalars(query.order_by(Customer.id).with_for_update(key_share=True)))
    _settle((r for r in rows if r.customer_id not in here), outcome, GONE)
    return [row for row in rows if row.customer_id in here]


# --- tags ------------------------------------------------------------------------------------


def _add_tag(session: Session, job: BulkJob, rows: Rows) -> None:
    for vendor_id, group in _by_vendor(_living(session, rows)):
        tag_id = tags.known(session, vendor_id=vendor_id, name=job.arguments["tag"])
        new = postgresql.insert(CustomerTag).values(
            [{"vendor_id": vendor_id, "customer_id": c, "tag_id": tag_id} for c in group]
        )
        made = new.on_conflict_do_nothing().returning(CustomerTag.customer_id, CustomerTag.id)
        _settle(group.values(), BulkOutcome.SKIPPED, "already has the tag")
        for customer_id, row_id in session.execute(made):
            _done(group[customer_id], tag_row=row_id)


def _take_tag_off(session: Session, _: BulkJob, rows: Rows) -> None:
    _settle(rows, BulkOutcome.KEPT, "the tag was taken off since")
    by_row = {_before(row)["tag_row"]: row for row in rows}
    gone = delete(CustomerTag).where(is_any(CustomerTag.id, list(by_row)))
    for row_id in session.scalars(gone.returning(CustomerTag.id)):
        _settle([by_row[row_id]], BulkOutcome.UNDONE, None)


def _remove_tag(session: Session, job: BulkJob, rows: Rows) -> None:
    for vendor_id, group in _by_vendor(_living(session, rows)):
        tag = select(Tag.id).where(Tag.vendor_id == vendor_id, Tag.name == job.arguments["tag"])
        gone = delete(CustomerTag).where(
            CustomerTag.vendor_id == vendor_id,
            is_any(CustomerTag.customer_id, list(group)),
            CustomerTag.tag_id == tag.scalar_subquery(),
        )
        told = gone.returning(CustomerTag.customer_id, CustomerTag.created_at)
        _settle(group.values(), BulkOutcome.SKIPPED, "did not have the tag")
        for customer_id, created_at in session.execute(told):
            _done(group[customer_id], created_at=created_at.isoformat())


def _put_tag_back(session: Session, job: BulkJob, rows: Rows) -> None:
    """Not on a file that was archived, merged or forgotten since: that would stay untold there."""
    for vendor_id, group in _by_vendor(_living(session, rows, BulkOutcome.KEPT)):
        tag_id = tags.known(session, vendor_id=vendor_id, name=job.arguments["tag"])
        values = [
            {
                "vendor_id": vendor_id, "customer_id": customer_id, "tag_id": tag_id,
                "created_at": datetime.fromisoformat(_before(row)["created_at"]),
            }
            for customer_id, row in group.items()
        ]  # fmt: skip
        made = postgresql.insert(CustomerTag).values(values).on_conflict_do_nothing()
        _settle(group.values(), BulkOutcome.KEPT, "has the tag again")
        for customer_id in session.scalars(made.returning(CustomerTag.customer_id)):
            _settle([group[customer_id]], BulkOutcome.UNDONE, None)


# --- status ----------------------------------------------------------------------------------


def _customers(session: Session, rows: Rows) -> dict[int, Customer]:
    query = select(Customer).where(is_any(Customer.id, [row.customer_id for row in rows]))
    locked = query.order_by(Customer.id).with_for_update(key_share=True)
    found = session.scalars(locked.execution_options(populate_existing=True))
    return {customer.id: customer for customer in found}


def _set_status(session: Session, job: BulkJob, rows: Rows) -> None:
    customers, status = _customers(session, rows), job.arguments["status"]
    for row in rows:
        customer = customers.get(row.customer_id)
        if customer is None or customer.archived_at is not None:
            _settle([row], BulkOutcome.SKIPPED, GONE)
        elif customer.status == status:
            _settle([row], BulkOutcome.SKIPPED, "had the status already")
        else:
            _done(row, status=customer.status)
            customer.status = status


def _restore_status(session: Session, job: BulkJob, rows: Rows) -> None:
    customers, status = _customers(session, rows), job.arguments["status"]
    for row in rows:
        customer = customers.get(row.customer_id)
        if customer is None or customer.status != status or customer.archived_at is not None:
            _settle([row], BulkOutcome.KEPT, "was changed since")
        else:
            customer.status = _before(row)["status"]
            _settle([row], BulkOutcome.UNDONE, None)


# --- tasks -----------------------------------------------------------------------------------


def _create_task(session: Session, job: BulkJob, rows: Rows) -> None:
    for vendor_id, group in _by_vendor(_living(session, rows)):
        now = clock.now()
        values = [
            {
                "vendor_id": vendor_id, "customer_id": customer_id, "kind": TaskKind.FOLLOW_UP,
                "title": job.arguments["title"], "due_at": _due(session, vendor_id, job),
                "created_at": now, "updated_at": now,
            }
            for customer_id in group
        ]  # fmt: skip
        made = insert(Task).values(values).returning(Task.customer_id, Task.id)
        for customer_id, task_id in session.execute(made):
            _done(group[customer_id or 0], task=task_id)


def _due(session: Session, vendor_id: int, job: BulkJob) -> datetime | None:
    """Six in the evening of the day that was named, where the vendor is."""
    if (day := job.arguments.get("due")) is None:
        return None
    vendor = session.get_one(Vendor, vendor_id)
    return datetime.combine(date.fromisoformat(day), time(18), ZoneInfo(vendor.time_zone))


def _delete_task(session: Session, _: BulkJob, rows: Rows) -> None:
    """A task that nobody has touched goes; one that somebody worked on stays."""
    by_task = {_before(row)["task"]: row for row in rows}
    untouched = Task.updated_at == Task.created_at
    gone = delete(Task).where(is_any(Task.id, list(by_task)), untouched).returning(Task.id)
    _settle(rows, BulkOutcome.KEPT, "somebody worked on the task since")
    for task_id in session.scalars(gone):
        _settle([by_task[task_id]], BulkOutcome.UNDONE, None)


def _before(row: BulkRow) -> dict[str, Any]:
    assert row.before is not None, row.id  # every done row says what stood there
    return row.before


CHANGES = {
    BulkKind.ADD_TAG: Change(_add_tag, _take_tag_off),
    BulkKind.REMOVE_TAG: Change(_remove_tag, _put_tag_back),
    BulkKind.SET_STATUS: Change(_set_status, _restore_status),
    BulkKind.CREATE_TASK: Change(_create_task, _delete_task),
}
