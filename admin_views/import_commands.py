"""What the pages of an import do: a file is kept, columns are taken, rows are settled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile

from admin_views import running
from admin_views.import_subjects import CHOICES
from app import lists
from app.columns import FIELDS, Subject
from app.database import begin
from app.errors import DomainError, NotFound
from app.gateways.files import Kept
from app.operations import (
    history,
    import_corrections,
    import_halting,
    import_steps,
    import_ware_corrections,
    imports,
)
from app.settings import settings
from app.tenancy import acting, current_actor, vendor_actor
from models.imports import ImportJob, ImportRow, ImportStatus, Strategy
from models.vendors import Vendor
from models.words import Channel

_PIECE = 1 << 20
LONGEST_CELL = 2000


class OddCharacter(DomainError):
    sentence = "A field holds a character that no text has: type it again."


class TooLong(DomainError):
    sentence = "This is too long for one field: use at most 2,000 characters."


def job_of(job_id: int) -> ImportJob:
    """The job, if whoever acts may see it. Raises `NotFound`."""
    with begin() as session:
        job = session.get(ImportJob, job_id)
        if job is None:
            raise NotFound
        return job


def row_of(job_id: int, row_id: int) -> tuple[ImportJob, ImportRow]:
    """A row of that job, and the job. Raises `NotFound`."""
    with begin() as session:
        row = session.scalar(
            select(ImportRow).where(ImportRow.id == row_id, ImportRow.job_id == job_id)
        )
        job = session.get(ImportJob, job_id)
        if row is None or job is None:
            raise NotFound
        return job, row


def for_vendor(vendor_id: int, work: Callable[[Session], Any]) -> Any:
    """Run `work` as the vendor of the list, also when the marketplace is at the page."""
    with acting(vendor_actor(vendor_id, current_actor().user_id)), begin() as session:
        return work(session)


def written(job_id: int, verb: Callable[..., Any], **arguments: Any) -> Any:
    """Run a verb of the imports on a job, as its vendor; the top bar looks for what it began."""
    job = job_of(job_id)
    done = for_vendor(job.vendor_id, lambda s: verb(s, job_id=job_id, **arguments))
    running.look_again(current_actor().user_id)
    return done


# --- the file ----------------------------------------------------------------------------


def typed_with(form: FormData) -> dict[str, str]:
    """The text fields of an upload. Raises `OddCharacter` for the NUL, which files may hold."""
    typed = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    files = (value for value in form.values() if isinstance(value, UploadFile))
    said = (*typed, *typed.values(), *(file.filename or "" for file in files))
    if any("\x00" in text for text in said):
        raise OddCharacter
    return typed


def taken_in(file: UploadFile, typed: Mapping[str, str]) -> ImportJob:
    """Keep a file for the vendor that was chosen, with what was wished for its customers."""
    vendor_id = _vendor_of(typed.get("vendor_id", ""))
    wishes = {
        "subject": _subject(typed.get("subject")),
        "strategy": _word(typed.get("strategy"), Strategy.FILL),
        "channel": _word(typed.get("source"), Channel.IMPORT),
    }
    kept: Kept = lists.files().keep(
        iter(lambda: file.file.read(_PIECE), b""), most=settings().import_max_bytes
    )
    with acting(vendor_actor(vendor_id, current_actor().user_id)):
        return lists.take_in(kept, file.filename or "list", **wishes)


def _subject(said: str | None) -> str:
    if said and said not in dict(CHOICES):
        raise DomainError("This choice is not open: choose from the list.")
    return said or Subject.CUSTOMERS.value


def _word(said: str | None, otherwise: Strategy | Channel) -> str:
    if not said:
        return otherwise.value
    if said not in set(type(otherwise)):
        raise DomainError("This choice is not open: choose from the list.")
    return said


def _vendor_of(asked: str) -> int:
    """The vendor a list goes to: one's own, or the one that an admin chose."""
    own = current_actor().vendor_id
    if own is not None:
        return own
    with begin() as session:
        number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else 0
        vendor = session.get(Vendor, number)
    if vendor is None:
        raise DomainError("Choose the vendor whose list this is.")
    return vendor.id


# --- the columns -------------------------------------------------------------------------


def mapped(job_id: int, fields: dict[str, Any], strategy: str, keys: list[str]) -> None:
    """Take the columns as chosen, and try the list out."""

    def both(session: Session, job_id: int) -> None:
        if session.get_one(ImportJob, job_id).subject == Subject.SALES:
            history.map_columns(session, job_id=job_id, mapping=fields)
            history.ask_to_try(session, job_id=job_id)
            return
        imports.map_columns(
            session, job_id=job_id, mapping=fields, strategy=strategy, match_by=keys
        )
        imports.ask_to_try(session, job_id=job_id)

    written(job_id, both)


@dataclass(frozen=True, slots=True)
class Verbs:
    """What the buttons of an import do, by what its list is about."""

    try_again: Callable[..., Any] = imports.ask_to_try
    commit: Callable[..., Any] = imports.ask_to_commit
    stop: Callable[..., Any] = import_halting.ask_to_stop
    undo: Callable[..., Any] = imports.ask_to_undo


_OF_SALES = Verbs(
    history.ask_to_try, history.ask_to_commit, history.ask_to_stop, history.ask_to_undo
)


def verbs_of(job: ImportJob) -> Verbs:
    """What the buttons of this import do."""
    return _OF_SALES if job.subject == Subject.SALES else Verbs()


def counted(job: ImportJob) -> ImportJob:
    """The list of which no column says who the customers are, with the number of its rows."""
    if job.status != ImportStatus.UPLOADED or job.total_rows:
        return job
    try:
        rows = lists.opened_of(job).count()
    except DomainError:
        return job
    done: ImportJob = written(job.id, imports.count_rows, rows=rows)
    return done


# --- rows --------------------------------------------------------------------------------


def cells_of(form: FormData, subject: str) -> dict[StrEnum, str]:
    """What was typed into a row's form, by field of the subject."""
    words = FIELDS[Subject(subject)]
    known = {word.value: word for word in words}
    return {known[name]: str(value) for name, value in form.multi_items() if name in known}


def corrected(job_id: int, row_id: int, cells: Mapping[StrEnum, str]) -> ImportRow:
    """A problem row, tried again as somebody typed it."""
    job, row = row_of(job_id, row_id)
    if any(len(cell) > LONGEST_CELL for cell in cells.values()):
        raise TooLong
    if job.subject == Subject.CUSTOMERS:
        typed = lists.typed_again(job, row, cells)
        verb = partial(import_corrections.correct, row_id=row_id, typed=typed)
    else:
        read = lists.staged_again(job, row, cells)
        verb = partial(import_ware_corrections.correct, row_id=row_id, read=read)
    done: ImportRow = for_vendor(job.vendor_id, verb)
    return done


def decided(job_id: int, row_id: int, choice: str) -> ImportRow:
    """A duplicate, settled as somebody says."""
    job, _ = row_of(job_id, row_id)
    done: ImportRow = for_vendor(
        job.vendor_id, lambda s: import_steps.decide(s, row_id=row_id, choice=choice)
    )
    return done
