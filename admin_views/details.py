"""A record's page: sections, commands as buttons, the question before a delete, the trail."""

from collections.abc import Iterable, Iterator
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views import rendering
from admin_views.lists import Col
from admin_views.loaders import vendor_names
from admin_views.places import country_name, zone_name
from admin_views.saving import Command

WRITTEN: dict[str, Any] = {
    "phone": rendering.phone,
    "minutes": rendering.minutes,
    "word": rendering.word,
    "zone": zone_name,
    "country": country_name,
    "number": rendering.number,
    "money": rendering.money,
    "day": rendering.day,
    "moment": rendering.moment,
}


def link_to(identity: str, record: Any, title: str = "") -> Markup | None:
    """A related record's name (or `title`), as the way to its page."""
    if record is None:
        return None
    url = f"/admin/{identity}/details/{record.id}"
    return Markup('<a href="{}">{}</a>').format(url, title or str(record))


def written(column: Col, record: Any) -> Any:
    """A value of a record as its page shows it."""
    value = column.of(record)
    if value is None or value == "":
        return None
    return WRITTEN[column.kind](value) if column.kind in WRITTEN else value


def details_context(view: Any, session: Session, request: Request, record: Any) -> dict[str, Any]:
    """Everything a record's page shows, read while the session is open."""
    sections = [(title, list(_pairs(view, columns, record))) for title, columns in view.details]
    context: dict[str, Any] = {
        "page_title": view.title_of(record),
        "status": view.status_of(record),
        "status_kind": view.status_kind,
        "sections": [(title, pairs) for title, pairs in sections if pairs],
        **commands(view, request, record),
        "trail": view.trail(session, request, record),
    }
    marks = []
    if view.over_all_vendors():
        name = vendor_names(session, [record]).get(record.vendor_id)
        marks = [("building-store", name)] if name else []
    if view.editable(request, record):
        url = request.url_for("admin:edit", identity=view.identity, pk=record.id)
        context["edit_url"] = url.path
    if view.deletable(request, record):
        context["delete"] = question(view, request, record)
    more = view.more_details(session, request, record)
    context["marks"] = [*marks, *more.pop("marks", [])]
    return {**context, **more}


def _pairs(view: Any, columns: Iterable[Col], record: Any) -> Iterator[tuple[str, Any]]:
    """Labels and values; what a record need not have is left out where it has none."""
    for column in columns:
        value = written(column, record)
        if value is not None or column.key not in view.hides_empty:
            yield column.label, value


def question(view: Any, request: Request, record: Any) -> dict[str, Any]:
    """The dialog before a delete; it says what stays."""
    url = request.url_for("admin:remove", identity=view.identity, pk=record.id).path
    verb = f"Delete {view.name.lower()}"
    return {
        "url": url,
        "title": f"Delete {view.title_of(record)}?",
        "text": view.stays,
        "verb": verb,
    }


def commands(view: Any, request: Request, record: Any) -> dict[str, Any]:
    """The buttons that move the record on, and the dialogs of those that ask first."""
    open_now = [
        c
        for c in view.commands
        if view.has_permission(request, c.action, record) and c.when(record)
    ]
    drawn = [(c, button(view, request, record, c)) for c in open_now]
    plain = [b for c, b in drawn if not c.ask]
    asking = [(c, b) for c, b in drawn if c.ask]
    dialogs = [dialog(c, b, record) for c, b in asking]
    opens = [
        {"title": b["title"], "icon": b["icon"], "danger": b["danger"], "primary": b["primary"],
         "dialog": f"do-{c.name}"}
        for c, b in asking
    ]  # fmt: skip
    return {"operations": plain, "buttons": opens, "dialogs": dialogs}


def button(view: Any, request: Request, record: Any, wanted: Command) -> dict[str, Any]:
    """A command as a POST button."""
    url = request.url_for(
        "admin:command", identity=view.identity, pk=record.id, name=wanted.name
    ).path
    return {
        "title": wanted.title, "url": url, "icon": wanted.icon, "primary": wanted.primary,
        "danger": wanted.danger, "fields": [],
    }  # fmt: skip


def dialog(wanted: Command, shown: dict[str, Any], record: Any) -> dict[str, Any]:
    """The question of a command that cannot be undone."""
    title, text = (wanted.ask(record) if callable(wanted.ask) else wanted.ask) or ("", "")
    inputs = [
        {"name": name, "label": label, "id": f"{wanted.name}-{name}", "type": "".join(kind),
         "mode": "numeric" if name in wanted.wholes else "text"}
        for name, label, *kind in wanted.inputs
    ]  # fmt: skip
    return {
        "id": f"do-{wanted.name}", "title": title, "text": text, "verb": wanted.title,
        "url": shown["url"], "inputs": inputs, "danger": wanted.danger,
        "fields": list(wanted.carries(record).items()) if wanted.carries else None,
    }  # fmt: skip
