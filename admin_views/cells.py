"""The cells of a list, drawn without a template: a list of 25 rows has 200 of them.

Every value goes through `escape`; what is built here is HTML of ours around it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from admin_views.writing import ago, capped, day, look, moment, money, number, phone, plain

_NONE = '<span class="none">–</span>'
_NEVER = '<span class="none">never</span>'
_NO = '<span class="none">no</span>'
_YES = '<i class="ti ti-check" aria-hidden="true"></i> yes'
_TAGS_SHOWN = 2


class Row(NamedTuple):
    """A row, ready to be printed."""

    pk: str
    title: str
    cells: Markup


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

    def row(self, values: Mapping[str, Any]) -> Row:
        """One row; the first column is its name and its link."""
        held = values.get("cells", {})
        drawn = [_name(values)]
        for key, opened, none, draw in self._columns:
            value = held.get(key)
            is_empty = value is None or value in ("", [])
            drawn += (opened, none if is_empty else str(draw(value)), "</td>")
        title = str(values.get("title") or "–")
        return Row(str(values["pk"]), title, Markup("".join(drawn)))  # noqa: S704 - escaped above


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


def choices(name: str, values: Sequence[Mapping[str, Any]], *, one: bool = False) -> Markup:
    """The boxes of a filter's popover: [{value, label, count or count_text, selected, depth}]."""
    drawn = "".join(_choice(escape(name), "radio" if one else "checkbox", v) for v in values)
    return Markup(drawn)  # noqa: S704 - escaped above


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
