"""What one may say of the rows of a finished import: of each, and of many at once."""

from sqlalchemy import ColumnElement, func, select

from admin_views.import_frame import Asked, url
from app.columns import Subject
from app.database import begin
from app.operations import import_decisions, imports
from models.customers import Customer
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome

MOST_COUNTED = 10_000


def is_open(job: ImportJob) -> bool:
    """Whether rows of the finished import can be corrected and decided on."""
    return job.status == ImportStatus.COMPLETED and imports.step(job) is None


def choices(
    job: ImportJob, asked: Asked, row: ImportRow, customer: Customer | None
) -> list[dict[str, str]]:
    """What one may still say of a duplicate: of customers only, for two products are never told
    apart by what somebody says."""
    if (
        job.subject != Subject.CUSTOMERS
        or not is_open(job)
        or row.outcome != Outcome.SKIPPED_DUPLICATE
        or row.after is None
    ):
        return []
    words = {"same": "Same person"} if customer is not None else {}
    words["new"] = "Add as new"
    if row.code == "same_person":
        words["leave"] = "Leave out"
    return [
        {"title": title, "url": url(job, f"decide/{row.id}/{choice}", **asked.query)}
        for choice, title in words.items()
    ]


def waiting(job: ImportJob) -> int:
    """How many rows look like somebody and wait for a decision; counted up to a limit."""
    return counted(import_decisions.duplicates(job))


def counted(which: ColumnElement[bool]) -> int:
    """How many rows these are; counted up to a limit, which keeps the page quick."""
    some = select(ImportRow.id).where(which).limit(MOST_COUNTED + 1).subquery()
    with begin() as session:
        return session.scalar(select(func.count()).select_from(some)) or 0


def said_of(count: int) -> str:
    """A count as it is shown."""
    return f"{count:,}" if count <= MOST_COUNTED else f"{MOST_COUNTED:,}+"


def ways(job: ImportJob, code: str, count: str) -> list[dict[str, str]]:
    """What one may say of all duplicates of a kind at once; what writes is asked first."""
    said = {
        "same_person": ("look like somebody you know", "whoever it looks like"),
        "in_file": ("repeat another row of the file", "the customer of that row"),
    }[code]
    undo = "Undoing the import takes it back."
    ways = [
        {"key": f"{code}-same", "title": "All the same person", "verb": "Take them over",
         "ask": f"{count} rows {said[0]}: are all of them the same person?",
         "text": f"What each row says goes to {said[1]}. {undo}",
         "url": url(job, f"decide-all/{code}/same")},
        {"key": f"{code}-new", "title": "Add all as new", "verb": "Add all as new",
         "ask": f"{count} rows {said[0]}: is each of them somebody else?",
         "text": f"Each row becomes a new customer. {undo}",
         "url": url(job, f"decide-all/{code}/new")},
    ]  # fmt: skip
    if code == "same_person":
        ways.append({"key": "", "title": "Leave all out", "verb": "", "ask": "", "text": "",
                     "url": url(job, f"decide-all/{code}/leave")})  # fmt: skip
    return ways


def left_out(job: ImportJob) -> int:
    """How many problem rows somebody left out."""
    of_job = (ImportRow.vendor_id == job.vendor_id) & (ImportRow.job_id == job.id)
    is_left = (ImportRow.outcome == Outcome.INVALID) & (ImportRow.code == import_decisions.LEFT_OUT)
    return counted(of_job & is_left)


def to_correct(job: ImportJob) -> int:
    """How many problem rows nobody has left out."""
    return counted(import_decisions.to_correct(job))
