"""The cells of a list, drawn without a template: a list of 25 rows has 200 of them.

Every value goes through `escape`; what is built here is HTML of ours around it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from admin_views.writing import ago, day, look, moment, money, number, phone, plain

_NONE = '<span class="none">–</span>'
_NEVER = '<span class="none">never</span>'
_NO = '<span class="none">no</span>'
_YES = '<i class="ti ti-check" aria-hidden="true"></i> yes'
_TAGS_SHOWN = 2


@lru_cache(maxsize=512)
def pill(status: str, kind: str) -> str:
    """Tone, glyph and word; the normal state without a tint."""
    shown = look(status, kind)
    tone = "" if shown.tone == "idle" else f" {shown.tone}"
    bare = " bare" if shown.quiet else ""
    glyph = f'<i class="ti ti-{shown.icon}" aria-hidden="true"></i>'
    return f'<span class="pill{tone}{bare}">{glyph}{escape(shown.word)}</span>'


def tags(names: Sequence[str]) -> str:
    """Two words in outlines, and how many more there are."""
    drawn = "".join(
        f'<span class="tag" title="{escape(n)}"><span>{escape(n)}</span></span>'
        for n in names[:_TAGS_SHOWN]
    )
    if more := names[_TAGS_SHOWN:]:
        drawn += f'<span class="tag more" title="{escape(", ".join(more))}">+{len(more)}</span>'
    return f'<span class="tags">{drawn}</span>'


def _link(value: tuple[object, object]) -> str:
    return f'<a href="{escape(value[1])}" dir="auto">{escape(value[0])}</a>'


def _text(value: object) -> str:
    return f'<span class="cell" dir="auto">{escape(plain(value))}</span>'


_KINDS: Mapping[str, Callable[[Any], object]] = {
    "money": money,
    "number": number,
    "day": day,
    "moment": moment,
    "ago": ago,
    "phone": lambda v: f'<span class="tnum">{escape(phone(v))}</span>',
    "tags": tags,
    "link": _link,
    "bool": lambda v: _YES if v else _NO,
}


def _shown(kind: str, pill_kind: str) -> tuple[str, Callable[[Any], object]]:
    """What stands for no value, and what draws one."""
    none = {"day": _NEVER, "moment": _NEVER, "ago": _NEVER, "bool": _NO}.get(kind, _NONE)
    if kind == "pill":
        return none, lambda v: pill(str(getattr(v, "value", v)), pill_kind)
    return none, _KINDS.get(kind, _text)


def css_of(column: Mapping[str, Any]) -> str:
    """The class attribute of a column's cells, or nothing."""
    words = ("num " if column.get("numeric") else "") + (column.get("css") or "")
    return f' class="{words.strip()}"' if words.strip() else ""


class Cells:
    """Draws the rows of a table; what is the same in each row is worked out once."""

    def __init__(self, columns: Sequence[Mapping[str, Any]]) -> None:
        self._columns = [
            (
                c["key"],
                f'<td{css_of(c)} data-l="{escape(c["label"])}">',
                *_shown(c.get("kind", ""), c.get("pill_kind", "")),
            )
            for c in columns[1:]
        ]

    def rows(self, several: Iterable[Mapping[str, Any]], *, selectable: bool) -> Markup:
        """The rows, each with its box if they can be chosen."""
        box = _box if selectable else _no_box
        drawn: list[str] = []
        for values in several:
            drawn += ("<tr data-row>\n", box(values))
            self._draw(values, drawn)
            drawn.append("</tr>\n")
        return Markup("".join(drawn))  # noqa: S704 - every value was escaped

    def _draw(self, values: Mapping[str, Any], drawn: list[str]) -> None:
        """The cells; the first column is the row's name and its link."""
        held = values.get("cells", {})
        drawn.append(_name(values))
        for key, opened, none, draw in self._columns:
            value = held.get(key)
            is_empty = value is None or value in ("", [])
            drawn += (opened, none if is_empty else str(draw(value)), "</td>")


def _box(row: Mapping[str, Any]) -> str:
    pk, title = escape(row["pk"]), escape(row.get("title") or "–")
    return (
        f'<td class="c-sel"><input type="hidden" value="{pk}"><input class="form-check-input'
        f' select-box" type="checkbox" value="{pk}" aria-label="Select {title}"></td>'
    )


def _no_box(_: Mapping[str, Any]) -> str:
    return ""


def _name(row: Mapping[str, Any]) -> str:
    title = escape(row.get("title") or "–")
    url = row.get("url")
    link = (
        f'<a href="{escape(url)}" dir="auto" data-open>{title}</a>'
        if url
        else f'<span dir="auto">{title}</span>'
    )
    return f'<td class="c-name"><div class="who">{link}{_mark(row)}</div>{_under(row)}</td>'


def _mark(row: Mapping[str, Any]) -> str:
    if not (icon := row.get("icon")):
        return ""
    label = escape(row.get("icon_title") or "")
    spoken = f'role="img" title="{label}" aria-label="{label}"' if label else 'aria-hidden="true"'
    return f'<i class="ti ti-{escape(icon)}" {spoken}></i>'


def _under(row: Mapping[str, Any]) -> str:
    sub = row.get("sub")
    return f'<div class="bk-sub bk-under" dir="auto">{escape(sub)}</div>' if sub else ""
