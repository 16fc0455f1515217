"""The form inside a filter's popover, drawn without a template: a list has a dozen of them.

Its shape is written down in `panel/filters.html`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from admin_views.pieces import hidden
from admin_views.writing import capped

MANY = 8
"""More choices are narrowed by typing."""
_FOOT = (
    '<div class="pop-foot"><button class="btn btn-sm btn-quiet" type="button" data-clear>Clear'
    '</button><button class="btn btn-sm btn-primary" type="submit">{}</button></div></form>'
)


def form(shown: Mapping[str, Any], count_url: str | None = None) -> Markup:
    """What a filter asks for, as a GET form with the rest of the address."""
    counts = f' data-count-url="{escape(count_url)}"' if count_url else ""
    parts = [f'<form class="pop-body" method="get"{counts}>', hidden(shown.get("hidden"))]
    values, searched = shown.get("choices") or [], shown["kind"] == "search"
    if searched or len(values) > MANY:
        parts.append(_find(shown))
    if intro := shown.get("intro"):
        parts.append(f'<p class="pop-h">{escape(intro)}</p>')
    parts.append(_rows(shown, values))
    if shown["kind"] == "range":
        parts.append(_links(shown.get("links") or ()))
        parts.append(_range(shown["params"]))
    parts.append(_FOOT.format(escape(shown.get("apply_text") or "Show")))
    return Markup("".join(parts))  # noqa: S704 - escaped above


def _find(shown: Mapping[str, Any]) -> str:
    words = f"Find in {escape(str(shown['title']).lower())}"
    url = shown.get("lookup_url")
    asks = f' data-choices="{escape(url)}"' if url else " data-narrow"
    return (
        '<div class="bk-find"><i class="ti ti-search" aria-hidden="true"></i><input'
        f' class="form-control" type="search" autocomplete="off" aria-label="{words}"'
        f' placeholder="{words}"{asks}></div>'
    )


def _rows(shown: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> str:
    one = not shown.get("multiple", True)
    lazy = f' data-lazy="{escape(shown["lazy_url"])}"' if shown.get("lazy_url") else ""
    opened = (
        f'<div class="pop-rows" data-name="{escape(shown["name"])}"{lazy}'
        f'{" data-one" if one else ""} role="group" aria-label="{escape(shown["title"])}">'
    )
    if values:
        inside = choices(shown["name"], values, one=one)
    elif shown["kind"] == "range":
        inside = ""
    else:
        none = "Type to find one" if shown["kind"] == "search" else "Nothing to choose yet"
        inside = f'<p class="pop-none bk-sub">{none}</p>'
    return f"{opened}{inside}</div>"


def _links(links: Sequence[tuple[str, str, bool]]) -> str:
    """Ranges that are asked for often, a click each."""
    return "".join(
        f'<a class="pop-row" href="{escape(url)}"{" aria-current=true" if here else ""}>'
        f"{escape(text)}</a>"
        for text, url, here in links
    )


def _range(params: Sequence[tuple[str, str, str, object]]) -> str:
    drawn = []
    for name, label, kind, value in params:
        at, step = escape(name), ' step="any" min="0"' if kind == "number" else ""
        drawn.append(
            f'<div><label class="form-label" for="r-{at}">{escape(label)}</label>'
            f'<input class="form-control" id="r-{at}" type="{escape(kind)}" name="{at}"'
            f' value="{escape(value or "")}"{step}></div>'
        )
    return f'<div class="pop-range">{"".join(drawn)}</div>'


def choices(name: str, values: Sequence[Mapping[str, Any]], *, one: bool = False) -> str:
    """The boxes of a filter's popover: [{value, label, count or count_text, selected, depth}]."""
    return "".join(_choice(escape(name), "radio" if one else "checkbox", v) for v in values)


def _choice(name: Markup, box: str, value: Mapping[str, Any]) -> str:
    counted = value.get("count_text")
    text = capped(value.get("count")) if counted is None else counted
    step = f" in-{int(value['depth'])}" if value.get("depth") else ""
    checked = " checked" if value.get("selected") else ""
    return (
        f'<label class="pop-row{step}"><input class="form-check-input" type="{box}" name="{name}"'
        f' value="{escape(value["value"])}"{checked}><span class="pop-word" dir="auto">'
        f"{escape(value['label'])}</span><em>{escape(text)}</em></label>"
    )
