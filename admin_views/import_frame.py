"""What every page of an import has: its address, its step, its figures, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from admin_views.import_subjects import Words, words_of
from admin_views.import_words import RUNS
from app.columns import Subject
from app.database import begin
from app.operations import imports
from models.imports import ImportJob, ImportStatus, Outcome
from models.vendors import Vendor

START = "/admin/imports"
PAGE_SIZE = 25
ENDED = (ImportStatus.COMPLETED, ImportStatus.UNDONE)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows the address asks for; `who` pages through the rows that wait for a decision."""

    show: str | None = None
    after: int = 0
    before: int | None = None
    who: int = 0

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Read from the address; what cannot be read is left out."""
        asked = request.query_params
        show = asked.get("show")
        return cls(
            show if show in set(Outcome) else None,
            whole(asked.get("after")) or 0,
            whole(asked.get("before")),
            whole(asked.get("who")) or 0,
        )

    def showing(self, outcome: str) -> "Asked":
        """The same page of one outcome."""
        return replace(self, show=outcome)

    @property
    def query(self) -> dict[str, Any]:
        """As the address says it."""
        return {
            "show": self.show,
            "after": self.after or None,
            "before": self.before,
            "who": self.who or None,
        }


def whole(text: str | None) -> int | None:
    """A number of an address, or nothing."""
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def url(job: ImportJob, page: str, **query: Any) -> str:
    """An address of the job's pages."""
    asked = urlencode({k: v for k, v in query.items() if v is not None})
    return f"{START}/{job.id}/{page}" + (f"?{asked}" if asked else "")


def page_of(job: ImportJob) -> str:
    """The page on which a job stands now."""
    if imports.step(job) in ("importing", "undoing", "deciding"):
        return "run"
    if job.status in ENDED or imports.is_halted(job):
        return "result"
    return "columns" if job.status == ImportStatus.UPLOADED else "try"


def heading(words: Words) -> dict[str, Any]:
    """The title of a page, and where it hangs."""
    title, identity = words.crumb
    return {
        "import_title": words.title,
        "pill_kind": words.pills,
        "import_lead": words.lead,
        "crumb": {"title": title, "url": f"/admin/{identity}/list"},
    }


def frame(job: ImportJob, step: str) -> dict[str, Any]:
    """The head of a page."""
    with begin() as session:
        vendor = session.get_one(Vendor, job.vendor_id)
    rows = f"{job.total_rows:,} rows" if job.total_rows else ""
    reached = {"columns": url(job, "columns")} if step == "try" and job.header else {}
    return {
        "start_url": START,
        **heading(words_of(job.subject)),
        "step": step,
        "step_urls": {"file": START, **reached},
        "job": {"file": job.filename, "rows_text": rows, "vendor_name": vendor.name},
    }


# --- on its way --------------------------------------------------------------------------


def running(job: ImportJob) -> dict[str, Any]:
    """What a page shows while the job is on its way; it asks again each second."""
    done, total = _done(job)
    step = imports.step(job)
    return {
        "poll": url(job, "progress"),
        "done": done,
        "total": total,
        "done_text": f"{done:,}",
        "total_text": f"{total:,}" if total else "?",
        "leave_url": START,
        "stop_url": None if step == "undoing" else url(job, "stop"),
    }


def _done(job: ImportJob) -> tuple[int, int]:
    step = imports.step(job)
    if step == "reading":
        return job.progress, 0
    if step == "deciding":
        return job.progress, (job.result or {})["deciding"]["rows"]
    return job.progress, job.total_rows


def run_page(job: ImportJob) -> dict[str, Any]:
    """How far the import, its undoing, or a decision on many rows is."""
    title = RUNS.get(imports.step(job) or "", "Importing")
    return frame(job, "import") | running(job) | {"run_title": title}


def progress(job: ImportJob) -> dict[str, Any]:
    """The answer to a page that asks each second."""
    done, total = _done(job)
    return {
        "done": done,
        "total": total,
        "done_text": f"{done:,}",
        "total_text": f"{total:,}" if total else "?",
        "text": f"{done:,} of {total:,} rows" if total else f"{done:,} rows read",
        "finished": imports.step(job) is None,
        "url": url(job, page_of(job)),
    }


# --- figures -----------------------------------------------------------------------------


def figures(job: ImportJob) -> dict[str, int]:
    """How many rows there are of each outcome, as far as they are settled or planned."""
    is_settled = job.status in ENDED or imports.is_halted(job)
    held = job.result if is_settled else job.tried
    if job.subject == Subject.SALES:
        return {Outcome.INVALID.value: int((held or {}).get("refused_lines", 0))}
    return {k: v for k, v in (held or {}).items() if k in set(Outcome)}


def buckets(
    job: ImportJob, texts: Mapping[str, str], asked: Asked, page: str
) -> list[dict[str, Any]]:
    """A tile for each outcome."""
    counts = figures(job)
    return [
        {
            "key": outcome,
            "status": outcome,
            "count_text": f"{counts.get(outcome, 0):,}",
            "text": text,
            "url": url(job, page, show=outcome),
            "active": asked.show == outcome,
        }
        for outcome, text in texts.items()
    ]
