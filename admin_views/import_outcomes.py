"""What would become of the rows of an import, and what became of them."""

from typing import Any

from admin_views import import_choices, import_rows, import_sales
from admin_views.import_frame import START, Asked, buckets, figures, frame, running, url
from admin_views.import_notes import notes
from admin_views.import_subjects import words_of
from admin_views.import_words import need, took
from app.columns import Subject
from app.operations import imports
from app.operations.import_halting import STOPPED
from models.imports import ImportJob, ImportStatus, Outcome

Typed = import_rows.Typed


def try_page(job: ImportJob, asked: Asked, typed: Typed | None = None) -> dict[str, Any]:
    """What would become of the rows, or how far the try-out is."""
    base = frame(job, "try") | {"back_url": url(job, "columns") if job.header else None}
    if imports.step(job) is not None:
        return base | running(job)
    if job.status != ImportStatus.TRIED:
        return base | _not_tried(job)
    if job.subject == Subject.SALES:
        return base | import_sales.tried(job, asked)
    return (
        base
        | _shown_rows(job, asked, "try", typed)
        | {
            "buckets": buckets(job, words_of(job.subject).would, asked, "try"),
            "fix_title": "Try again",
            "notes": notes(job),
        }
        | _commit(job)
    )


def _not_tried(job: ImportJob) -> dict[str, Any]:
    again = job.status == ImportStatus.MAPPED
    return {
        "refused": job.refused or "This list was not tried out yet: choose its columns first.",
        "tone": "warn" if job.refused == STOPPED else "bad",
        "again_url": url(job, "try-again") if again and job.refused else None,
        "start_url": START,
    }


def _shown_rows(job: ImportJob, asked: Asked, page: str, typed: Typed | None) -> dict[str, Any]:
    """The rows that are asked for; those with a problem as forms, while they can be corrected."""
    may = page == "try" or import_choices.is_open(job)
    if asked.show == Outcome.INVALID and may:
        open_ones = import_rows.problems(job, asked, page, typed)
        if open_ones:
            return open_ones | {"problem_count_text": f"{figures(job).get('invalid', 0):,}"}
    return import_rows.row_list(job, asked, page)


def _commit(job: ImportJob) -> dict[str, Any]:
    """The button that saves, and what it leaves for later."""
    counts, done = figures(job), job.result or {}
    coming = sum(counts.get(n, 0) - done.get(n, 0) for n in ("created", "updated"))
    waiting, bad = import_choices.waiting(job), counts.get("invalid", 0)
    later = [need(bad, "a correction, now or later")]
    later += [need(waiting, "your decision afterwards")]
    told = " and ".join(part for part in later if part)
    other = "other " if imports.settled(job) else ""
    title = f"Import {'the ' if other else ''}{other}{coming:,} {'row' if coming == 1 else 'rows'}"
    return {
        "commit_url": url(job, "commit"),
        "commit_title": title if coming else "Go on and decide" if waiting else "Finish",
        "foot_text": ". ".join(p for p in ("" if coming else "Nothing new to save", told) if p),
    }


# --- the result --------------------------------------------------------------------------


def result_page(job: ImportJob, asked: Asked, typed: Typed | None = None) -> dict[str, Any]:
    """What became of the rows; those to correct and to decide come first."""
    words = words_of(job.subject)
    if job.subject == Subject.SALES:
        buttons = [{"title": words.see[0], "url": words.see[1]}, *_go_on(job)]
        told = import_sales.result(job, asked)
        return frame(job, "result") | told | {"buttons": buttons, "undo": _undo(job)}
    bad = import_choices.to_correct(job) if import_choices.is_open(job) else 0
    if asked.show is None:
        asked = asked.showing(Outcome.INVALID if bad else Outcome.CREATED)
    return (
        frame(job, "result")
        | _shown_rows(job, asked, "result", typed)
        | import_rows.questions(job, asked)
        | import_rows.repeats(job, asked)
        | _headline(job, bad)
        | _left_out(job, asked, bad)
        | {
            "buckets": buckets(job, words.undid if job.undone_at else words.did, asked, "result"),
            "buttons": [
                {"title": words.see[0], "url": words.see[1],
                 "primary": not imports.is_halted(job)},
                *_go_on(job),
            ],
            "undo": _undo(job),
        }
    )  # fmt: skip


def _headline(job: ImportJob, bad: int) -> dict[str, Any]:
    if job.status == ImportStatus.UNDONE:
        return _undone(job)
    undo_text = f"Undo is possible for 30 days. {words_of(job.subject).undo_text}"
    undo_text = undo_text if imports.can_undo(job) else ""
    if imports.is_halted(job):
        return _halted(job) | {"undo_text": undo_text}
    counts = figures(job)
    done = counts.get("created", 0) + counts.get("updated", 0)
    told = [need(bad, "a correction"), need(import_choices.waiting(job), "your decision")]
    rest = " and ".join(part for part in told if part)
    return {
        "headline": f"{done:,} {'row' if done == 1 else 'rows'} imported{took(job)}.",
        "rest": f"{rest}." if rest else "",
        "tone": "warn" if rest else "good",
        "undo_text": undo_text,
    }


def _undone(job: ImportJob) -> dict[str, Any]:
    result = job.result or {}
    kept, back = result.get("kept", 0), result.get("taken_back", 0)
    never = job.total_rows - sum(figures(job).values())
    why = {"kept: changed since, or in use": kept, "never imported": never}
    told = [f"{n:,} {'was' if n == 1 else 'were'} {word}." for word, n in why.items() if n > 0]
    return {
        "headline": f"{back:,} {'row was' if back == 1 else 'rows were'} taken back.",
        "rest": " ".join(told),
    }


def _halted(job: ImportJob) -> dict[str, Any]:
    settled = imports.settled(job)
    rest = job.refused or "The rest waits: go on with it, or undo what was imported."
    return {
        "headline": f"Stopped: {settled:,} of {job.total_rows:,} rows are done, and stay."
        if job.total_rows > settled
        else f"Stopped: {settled:,} rows are done, and stay.",
        "rest": rest,
        "tone": "warn",
    }


def _go_on(job: ImportJob) -> list[dict[str, Any]]:
    """How a list of which a part is imported goes on."""
    if not imports.is_halted(job):
        return []
    if job.status == ImportStatus.TRIED:
        rest = job.total_rows - imports.settled(job)
        title, page = f"Go on with the other {rest:,} rows", "commit"
    else:
        title, page = "Try the rest out again", "try-again"
    return [{"title": title, "url": url(job, page), "post": True, "primary": True}]


def _left_out(job: ImportJob, asked: Asked, bad: int) -> dict[str, Any]:
    if asked.show != Outcome.INVALID or not import_choices.is_open(job):
        return {}
    if bad:
        return {"leave_out_url": url(job, "leave-out"),
                "problem_count_text": import_choices.said_of(bad)}  # fmt: skip
    if import_choices.left_out(job):
        return {"take_up_url": url(job, "take-up")}
    return {}


def _undo(job: ImportJob) -> dict[str, Any] | None:
    if not imports.can_undo(job):
        return None
    return {
        "url": url(job, "undo"),
        "title": "Undo this import?",
        "text": words_of(job.subject).undo_ask,
        "verb": "Undo import",
    }
