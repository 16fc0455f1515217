"""Uploaded lists: where the files that `app.intake` reads meet the imports' rules."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from app import intake
from app.columns import FIELDS, Subject
from app.database import begin
from app.errors import DomainError
from app.gateways.files import DeskFiles, Files, Kept
from app.operations import imports
from app.settings import settings
from app.staging import Staged, TypedRow
from models.imports import ImportJob, ImportRow
from models.vendors import Vendor


def files() -> Files:
    """Where uploaded lists are kept."""
    return DeskFiles(settings().var.expanduser().absolute() / "files")


def let_go(stored_as: str, checksum: str) -> None:
    """Drop an uploaded file, and what was read of it if it is a PDF."""
    files().drop(stored_as)
    intake.drop_reading(settings().var.expanduser().absolute() / "files", checksum)


def limits() -> intake.Limits:
    """How much of a list is read, as the settings say."""
    told = settings()
    return intake.Limits(
        max_bytes=told.import_max_bytes,
        max_rows=told.import_max_rows,
        max_pages=told.import_max_pages,
        max_cells=told.import_max_cells,
    )


def opened(path: Path, filename: str, subject: str = Subject.CUSTOMERS) -> intake.Listing:
    """The list in a kept file. What was read of a PDF is kept beside it."""
    return intake.open_list(
        path, filename=filename, limits=limits(), work_dir=path.parent, subject=subject
    )


def opened_of(job: ImportJob) -> intake.Listing:
    """The list of a job."""
    return opened(files().path(job.stored_as), job.filename, job.subject)


def take_in(
    kept: Kept, filename: str, subject: str = Subject.CUSTOMERS, **wishes: str
) -> ImportJob:
    """Recognise an uploaded file and propose its columns; a file that is no list is refused.

    `wishes` are the `strategy` and `channel` that `imports.start` takes.

    Reads the beginning of the file with no transaction open.
    """
    known: dict[str, Any] = {
        "filename": filename, "stored_as": kept.name, "checksum": kept.checksum,
        "subject": subject,
    }  # fmt: skip
    try:
        listing = opened(files().path(kept.name), filename, subject)
        proposal = intake.reading(subject).propose(listing.sample)
    except DomainError as refusal:
        files().drop(kept.name)
        with begin() as session:
            return imports.refuse(session, sentence=str(refusal), **known)
    with begin() as session:
        return imports.start(
            session, kind=listing.kind, encoding=listing.encoding, delimiter=listing.delimiter,
            header=listing.header, samples=listing.samples, mapping=proposal, **wishes, **known,
        )  # fmt: skip


LONG = 2_000_000
"""From how many bytes on another process helps to read a list."""


def rows_of(job: ImportJob, path: Path, start_line: int) -> Iterator[Staged]:
    """The rows of a job's file from that line on, as they are staged."""
    listing = opened(path, job.filename, job.subject)
    mapping = dict(zip(listing.header, as_mapping(job).values(), strict=True))
    country = country_of(job)
    if listing.kind != "csv" or path.stat().st_size < LONG:
        return intake.staged_rows(listing, mapping, country, start_line, job.subject)
    return intake.staged_rows_of_two(
        listing, path, job.filename, limits(), mapping, country, start_line=start_line,
        subject=job.subject,
    )  # fmt: skip


def as_mapping(job: ImportJob) -> dict[str, Any]:
    """The job's mapping in the order of its columns, in the words of its subject."""
    words = FIELDS[Subject(job.subject)]
    return {name: words(f) if (f := job.mapping.get(name)) else None for name in job.header}


def country_of(job: ImportJob) -> str:
    """The country of the job's vendor, by which phones and dates are read."""
    with begin() as session:
        return session.get_one(Vendor, job.vendor_id).country


def typed_again(job: ImportJob, row: ImportRow, cells: Mapping[StrEnum, str]) -> TypedRow:
    """A problem row of a list of customers, read again with the cells that somebody corrected."""
    again = _with_cells(job, row, cells)
    return intake.typed(again, as_mapping(job), header=job.header, country=country_of(job))


def staged_again(job: ImportJob, row: ImportRow, cells: Mapping[StrEnum, str]) -> Staged:
    """The same for the lists of other subjects: the row as it is staged."""
    read = intake.row_reader(job.subject, _sample_of(job), as_mapping(job), country_of(job))
    return read(_with_cells(job, row, cells))


def _with_cells(job: ImportJob, row: ImportRow, cells: Mapping[StrEnum, str]) -> intake.RawRow:
    """The row as it stands in the file, but for the fields that were typed."""
    by_field = {field: name for name, field in as_mapping(job).items() if field}
    raw = [str(cell) for cell in row.raw or ()][: len(job.header)]
    raw += [""] * (len(job.header) - len(raw))
    for field, cell in cells.items():
        if field in by_field:
            raw[job.header.index(by_field[field])] = cell
    return intake.RawRow(row.line, row.page, tuple(raw))


def _sample_of(job: ImportJob) -> intake.Sample:
    """How the list begins; after a week only the rows are left that were shown of it."""
    if job.stored_as:
        return opened_of(job).sample
    shown = (intake.RawRow(n, None, tuple(cells)) for n, cells in enumerate(job.samples, 1))
    return intake.Sample(tuple(job.header), has_header=True, rows=tuple(shown))
