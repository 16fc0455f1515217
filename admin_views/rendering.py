"""The environments that draw: SQLAdmin's asynchronous one, and ours for table rows in a thread.

Both get one vocabulary by `install(env)`, so a figure reads alike in a list and on a page.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request

from admin_views import cells, popovers
from admin_views.pieces import hidden, icon
from admin_views.writing import (
    ago,
    capped,
    clock_time,
    day,
    day_head,
    dial,
    initials,
    look,
    minutes,
    moment,
    money,
    number,
    phone,
    plain,
    plural,
    span,
    speaking_in,
    word,
)
from app.settings import settings

__all__ = [
    "STATICS",
    "TEMPLATES",
    "ago",
    "asset",
    "capped",
    "clock_time",
    "day",
    "day_head",
    "dial",
    "drawn",
    "environment",
    "initials",
    "install",
    "list_head",
    "look",
    "minutes",
    "moment",
    "money",
    "number",
    "phone",
    "plain",
    "plural",
    "say",
    "span",
    "speaking_in",
    "summary_of",
    "table",
    "word",
]

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STATICS = HERE / "statics"


def summary_of(
    fields: Iterable[tuple[str, str]], errors: Mapping[str, str]
) -> list[dict[str, str]]:
    """The links of an error summary: those of `fields` (name, label) that `errors` names."""
    return [{"id": f"f-{name}", "label": label} for name, label in fields if errors.get(name)]


@lru_cache(maxsize=64)
def asset(name: str) -> str:
    """The address of a file of ours, which changes when its content does."""
    digest = hashlib.blake2s((STATICS / name).read_bytes(), digest_size=6).hexdigest()
    return f"/assets/{name}?v={digest}"


def stock(name: str) -> str:
    """The address of a file that comes with SQLAdmin."""
    return f"/admin/statics/{name}"


FILTERS: Mapping[str, Any] = {
    "number": number,
    "money": money,
    "capped": capped,
    "day": day,
    "day_head": day_head,
    "clock_time": clock_time,
    "moment": moment,
    "ago": ago,
    "minutes": minutes,
    "phone": phone,
    "dial": dial,
    "initials": initials,
    "plural": plural,
    "word": word,
    "look": look,
    "plain": plain,
    "summary_of": summary_of,
}


def say(
    request: Request, sentence: str, *, tone: str = "success", undo_url: str = "", **fields: str
) -> None:
    """Tell `sentence` in a toast on the next page; `undo_url` (POST of `fields`) offers Undo."""
    kept = {"message": sentence, "category": tone, "title": ""}
    undo = {"undo_url": undo_url, "undo_fields": list(fields.items())} if undo_url else {}
    before = request.session.get("_messages", [])[-3:]  # a cookie holds a few of them
    request.session["_messages"] = [*before, kept | undo]


def install(env: jinja2.Environment) -> None:
    """Give `env` the house's filters and globals."""
    env.filters.update(FILTERS)
    env.globals.update(asset=asset, span=span, currency=settings().currency)
    env.globals.update(stock=stock, filter_form=popovers.form, icon_drawn=icon)
    env.globals.update(hidden_drawn=hidden)


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """The synchronous environment that draws tables in a worker thread."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, auto_reload=False
    )
    install(env)
    return env


def list_head(context: Mapping[str, Any]) -> Markup:
    """Saved views, filters and the bulk bar of a list, drawn; `context` is the list page's."""
    return drawn("panel/list_head.html", context)


def drawn(template: str, context: Mapping[str, Any]) -> Markup:
    """A part of a page."""
    part = environment().get_template(template).render(context)
    return Markup(part)  # noqa: S704 - an autoescaping template made it


def table(
    columns: Sequence[Mapping[str, Any]],
    rows: Iterable[Mapping[str, Any]],
    *,
    table_class: str = "",
    selectable: bool = False,
) -> Markup:
    """The rows of a list, drawn; the shape of columns and rows stands in `panel/table.html`."""
    shown = [c for c in columns if c.get("on", True)]
    parts = {
        "columns": shown,
        "rows": cells.Cells(shown).rows(rows, selectable=selectable),
        "table_class": table_class,
        "selectable": selectable,
    }
    return drawn("panel/table.html", parts)
