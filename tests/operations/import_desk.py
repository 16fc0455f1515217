"""A desk to try lists at: a vendor, files as text, and what stands in the tables."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.database import begin
from app.operations import import_steps, import_subjects, imports
from app.tenancy import acting, vendor_actor
from models.imports import ImportJob, ImportRow, Outcome, StagedRow
from tasks import imports as tasks
from tasks.import_file import run_file
from tests import make

_numbers = count(1)
BUCKETS = tuple(outcome.value for outcome in Outcome)


@dataclass
class Desk:
    """One vendor's imports."""

    folder: Path
    slug: str = ""
    vendor: int = 0
    made: list[int] = field(default_factory=list)
    subject: str = "customers"

    def __post_init__(self) -> None:
        self.slug = f"desk-{next(_numbers)}"
        self.vendor = make.new_vendor(slug=self.slug, country="PT")

    def file(self, content: str | Iterable[str], name: str = "list.csv") -> Path:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else "\n".join(content) + "\n")
        return path

    def run(
        self, content: str | Iterable[str], *, commit: bool = True, subject: str = ""
    ) -> dict[str, Any]:
        about = subject or self.subject
        path = self.file(content)
        return run_file(path, vendor_slug=self.slug, commit=commit, subject=about)

    def counts(self, report: dict[str, Any]) -> dict[str, int]:
        """The buckets that are not empty."""
        return {name: report[name] for name in BUCKETS if report[name]}

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with acting(vendor_actor(self.vendor)), begin() as session:
            found = session.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    def customers(self, columns: str = "full_name, email, phone") -> list[Any]:
        return self.sql(f"SELECT {columns} FROM customers ORDER BY id")

    def add(self, **fields: Any) -> int:
        with acting(vendor_actor(self.vendor)), begin() as session:
            return make.customer(session, **fields).id

    def job(self) -> ImportJob:
        """The newest job."""
        with acting(vendor_actor(self.vendor)), begin() as session:
            newest = session.query(ImportJob).order_by(ImportJob.id.desc()).first()
            assert newest is not None
            return newest

    def rows(self) -> list[ImportRow]:
        """What became of each row, or will: those that are not written down will be created."""
        job = self.job()
        with acting(vendor_actor(self.vendor)), begin() as session:
            told = session.query(ImportRow).filter_by(job_id=job.id)
            staged = session.query(StagedRow).filter_by(job_id=job.id)
            rows = {row.position: ImportRow(position=row.position, line=row.line, page=row.page,
                                            outcome="created", undone=False)
                    for row in staged} if not job.finished_at else {}  # fmt: skip
            rows |= {row.position: row for row in told}
            return [rows[position] for position in sorted(rows)]

    def do(self, verb: Any, **arguments: Any) -> Any:
        with acting(vendor_actor(self.vendor)), begin() as session:
            return verb(session, **arguments)

    def mapped(self, content: str | Iterable[str], **options: Any) -> int:
        """A job that is uploaded and mapped, ready to be tried out."""
        from app import lists

        path = self.file(content)
        with acting(vendor_actor(self.vendor)):
            kept = lists.files().keep([path.read_bytes()], most=10**8)
            job = lists.take_in(kept, path.name, self.subject)
        self.do(imports.map_columns, job_id=job.id, mapping=job.mapping, **options)
        return job.id

    def tried(self, content: str | Iterable[str], **options: Any) -> int:
        job_id = self.mapped(content, **options)
        self.do(imports.begin_trying, job_id=job_id)
        with acting(vendor_actor(self.vendor)):
            tasks.try_out_now(job_id)
        return job_id

    def committed(self, content: str | Iterable[str], **options: Any) -> int:
        job_id = self.tried(content, **options)
        self.do(imports.begin_import, job_id=job_id)
        with acting(vendor_actor(self.vendor)):
            tasks.commit_now(job_id)
        return job_id

    def undone(self, job_id: int) -> None:
        self.do(imports.begin_undo, job_id=job_id)
        while self.do(import_subjects.undo_chunk, job_id=job_id, size=3):
            pass

    def settle(self, row: ImportRow, choice: str) -> ImportRow:
        done: ImportRow = self.do(import_steps.decide, row_id=row.id, choice=choice)
        return done

    def everything(self) -> dict[str, list[Any]]:
        """What the vendor knows, without ids and times: what an undo has to bring back."""
        return {
            "customers": self.customers(
                "full_name, company, email, phone, phone_2, birthday, status, note, channel,"
                " sort_name, search_text"
            ),
            "addresses": self.sql("SELECT line1, city, city_key, country FROM addresses"),
            "tags": self.sql("SELECT name FROM tags ORDER BY name"),
            "worn": self.sql("SELECT customer_id, tag_id FROM customer_tags ORDER BY 1, 2"),
        }
