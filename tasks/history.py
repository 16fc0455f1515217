"""Past sales: where the files that `app.intake` reads meet the rules of their import."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from app import intake, lists
from app.database import begin, begin_planned
from app.gateways.files import FileGone
from app.operations import history, history_staging, imports
from app.tenancy import acting, admin_actor, current_actor
from models.imports import ImportJob, ImportStatus
from models.vendors import Vendor
from tasks.celery import celery_app

PIECE = 20_000
"""How many lines are read and kept at a time."""

Heard = Callable[[ImportJob], None]
"""Told after each step how far the job is."""


@celery_app.task(name="tasks.history.try_out")
def try_out(job_id: int) -> None:
    """Read the list and say what it comes to; goes on where it was killed."""
    try_out_now(job_id)


@celery_app.task(name="tasks.history.commit")
def commit(job_id: int) -> None:
    """Import the list, chunk by chunk; goes on where it was killed."""
    commit_now(job_id)


@celery_app.task(name="tasks.history.undo")
def undo(job_id: int) -> None:
    """Take the import back, chunk by chunk; goes on where it was killed."""
    undo_now(job_id)


def transacted(verb: Any, **arguments: Any) -> Any:
    """One step in a transaction of its own."""
    with begin_planned() as session:
        return verb(session, **arguments)


def _by_the_marketplace(verb: Any, **arguments: Any) -> Any:
    """The same for what only the marketplace may do, in the name of whoever asked for it."""
    actor = current_actor()
    with acting(admin_actor(actor.vendor_id, actor.user_id)):
        return transacted(verb, **arguments)


def try_out_now(job_id: int) -> ImportJob:
    """See `try_out`; without a broker."""
    job = job_of(job_id)
    try:
        if imports.step(job) == "reading":
            _read(job)
        return _grouped(job_id)
    except (intake.Unreadable, FileGone, history_staging.TooMuchMoney) as refusal:
        failed: ImportJob = transacted(history.fail, job_id=job_id, sentence=str(refusal))
        return failed
    except imports.NotNow:  # stopped meanwhile, or another worker reads it
        return job_of(job_id)


def _grouped(job_id: int) -> ImportJob:
    job = job_of(job_id)
    if job.status != ImportStatus.MAPPED or imports.step(job) is None:
        return job
    run = (job.tried or {}).get("run")
    grouped: ImportJob = transacted(history.finish_reading, job_id=job_id, run=run)
    return grouped


def job_of(job_id: int) -> ImportJob:
    """The job as it stands now."""
    with begin() as session:
        return session.get_one(ImportJob, job_id)


def _read(job: ImportJob) -> None:
    """Stage what is not staged yet: a piece of lines and the progress in one transaction."""
    listing = lists.opened_of(job)
    mapping = dict(zip(listing.header, lists.as_mapping(job).values(), strict=True))
    with begin() as session:
        vendor = session.get_one(Vendor, job.vendor_id)
        country, zone = vendor.country, ZoneInfo(vendor.time_zone)
    marks = intake.marks_of(listing, mapping, country)
    staged, line, run = transacted(history.begin_reading, job_id=job.id)
    read = intake.SaleReader(listing.header, mapping, marks, country, zone).piece
    rows = listing.rows(line + 1 if staged else 0)
    while some := list(islice(rows, PIECE)):
        piece = read(some, staged + 1)
        transacted(history.stage, job_id=job.id, piece=piece, first=staged + 1, run=run)
        staged += len(some)


def _chunks(verb: Any, job_id: int) -> Iterator[None]:
    """Chunk after chunk, with fresh statistics before each doubling of what was done.

    Keys are checked as it seemed best when the table was small: that is looked at anew, too.
    """
    done, due = 0, 1
    while transacted(verb, job_id=job_id):
        done += 1
        if done == due:
            transacted(history.refresh_statistics)
            due = 2 * done
        yield


def commit_now(job_id: int, heard: Heard | None = None) -> ImportJob:
    """See `commit`; without a broker."""
    try:
        if transacted(history.wants_categories, job_id=job_id):
            _by_the_marketplace(history.make_categories, job_id=job_id)
        for _ in _chunks(history.import_chunk, job_id):
            if heard is not None:
                heard(job_of(job_id))
    except imports.ReadAgain:  # the server crashed, and lost what was staged
        transacted(history.read_again, job_id=job_id)
        try_out_now(job_id)
        transacted(history.begin_import, job_id=job_id)
        return commit_now(job_id, heard)
    return job_of(job_id)


def undo_now(job_id: int) -> ImportJob:
    """See `undo`; without a broker."""
    for _ in _chunks(history.undo_chunk, job_id):
        pass
    undone: ImportJob = _by_the_marketplace(history.finish_undo, job_id=job_id)
    return undone
