"""The second page of an import: each column with its first cells, and what it becomes."""

from collections.abc import Mapping, Sequence
from typing import Any

from admin_views.import_frame import START, frame, url
from admin_views.import_subjects import words_of
from admin_views.import_words import DELIMITERS
from app import intake, lists
from app.columns import FIELDS, Subject
from app.errors import DomainError
from app.operations.import_halting import STOPPED
from models.imports import ImportJob, Strategy


def columns_page(
    job: ImportJob,
    chosen: Mapping[str, Any] | None = None,
    strategy: str | None = None,
    keys: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Each column with its first cells, the field it goes to, and how it is read."""
    mapping = dict(job.mapping if chosen is None else chosen)
    known = sum(1 for name in job.header if mapping.get(name))
    held = set(job.match_by if keys is None else keys)
    dialect = [DELIMITERS.get(job.delimiter or "", ""), job.encoding or "", job.kind.upper()]
    notes, words = _notes(job, mapping), words_of(job.subject)
    return frame(job, "columns") | {
        "save_url": url(job, "map"),
        "back_url": START,
        "recognised_text": f"{known} of {len(job.header)} recognised",
        "dialect_text": " · ".join(part for part in dialect if part),
        "columns": [_column(job, i, name, mapping, notes) for i, name in enumerate(job.header)],
        "fields": [("", "Not imported"), *((f.value, label) for f, label in words.labels.items())],
        "strategy": strategy or job.strategy or Strategy.FILL,
        "strategies": words.strategies,
        "when_known": words.when_known,
        "known_by": words.known_by,
        "keys_title": words.keys_title,
        "keys": [(key, label, key in held) for key, label in words.keys.items()],
        "error": job.refused if job.refused != STOPPED else None,
    }


def _column(
    job: ImportJob, index: int, name: str, mapping: Mapping[str, Any], notes: Mapping[int, Any]
) -> dict[str, Any]:
    note = notes.get(index)
    return {
        "index": index,
        "header": name,
        "samples": [row[index] if index < len(row) else "" for row in job.samples],
        "field": mapping.get(name) or "",
        "note": note.sentence if note else None,
        "ok": None if note is None else note.tone != intake.notes.Tone.LOOK,
    }


def _notes(job: ImportJob, mapping: Mapping[str, Any]) -> dict[int, Any]:
    """How each column is read, from the file; without the file there is nothing to say."""
    try:
        listing = lists.opened_of(job)
        known = FIELDS[Subject(job.subject)]
        fields = [
            known(f) if (f := mapping.get(name)) in set(known) else None for name in job.header
        ]
        read = intake.reading(job.subject).notes(
            listing, dict(zip(listing.header, fields, strict=True)), lists.country_of(job)
        )
    except (DomainError, OSError):
        return {}
    return dict(enumerate(read.values()))
