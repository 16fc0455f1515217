"""The menu beside every page: which entries a role may open is worked out once, not a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from markupsafe import Markup, escape
from sqladmin._menu import ItemMenu, Menu
from starlette.datastructures import URL
from starlette.requests import Request

from app.tenancy import actor_or_none


@dataclass(frozen=True)
class Entry:
    """One line of the menu, and how it is known that the reader stands there."""

    path: str
    identity: str
    is_model: bool
    icon: str
    title: str
    key: str | None

    def is_here(self, request: Request) -> bool:
        """On the list and every record of a noun, or on any page below the entry's address."""
        if self.is_model:
            return bool(request.path_params.get("identity") == self.identity)
        below, path = self.path.rstrip("/"), request.url.path.rstrip("/")
        return path == below or (below != "/admin" and path.startswith(f"{below}/"))

    def drawn(self, request: Request, count: Any) -> str:
        """The line as HTML."""
        return self._opened[self.is_here(request)] + _count(count) + "</a>\n"

    @cached_property
    def _opened(self) -> tuple[str, str]:
        """The line up to its count: elsewhere, and where the reader stands."""
        key = f' data-goto="{escape(self.key)}"' if self.key else ""
        inside = f'\n  <i class="{escape(self.icon)}" aria-hidden="true"></i>'
        inside += f"<span>{escape(self.title)}</span>"
        address = escape(self.path)
        return (
            f'<a href="{address}"{key}>{inside}',
            f'<a href="{address}" aria-current="page"{key}>{inside}',
        )


Group = tuple[str | None, tuple[Entry, ...]]
_known: WeakKeyDictionary[Menu, dict[Any, tuple[Group, ...]]] = WeakKeyDictionary()


def draw_menu(menu: Menu, request: Request) -> Markup:
    """What the reader may open, by groups; a group without entries is left out."""
    actor = actor_or_none()
    if actor is None:
        return Markup("")
    by_role = _known.setdefault(menu, {})
    role = (actor.panel_role, actor.role)
    if role not in by_role:
        by_role[role] = tuple(_groups(menu, request))
    counts: Mapping[str, Any] = getattr(request.state, "menu_counts", None) or {}
    drawn = []
    for heading, entries in by_role[role]:
        if heading:
            drawn.append(f"<p>{escape(heading)}</p>\n")
        drawn += [entry.drawn(request, counts.get(entry.identity)) for entry in entries]
    return Markup("".join(drawn))  # noqa: S704 - escaped above


def _groups(menu: Menu, request: Request) -> list[Group]:
    groups: list[Group] = []
    for item in menu.items:
        if item.type_ == "View":
            groups.append((None, tuple(_entries([item], request))))
        else:
            groups.append((item.display_name, tuple(_entries(item.children, request))))
    return [group for group in groups if group[1]]


def _entries(items: list[ItemMenu], request: Request) -> list[Entry]:
    return [
        Entry(
            path=URL(str(item.url(request))).path,
            identity=item.view.identity,
            is_model=bool(item.view.is_model) and type(item).__name__ == "ViewMenu",
            icon=item.icon or "ti ti-point",
            title=str(item.display_name),
            key=getattr(item.view, "menu_key", None),
        )
        for item in items
        if hasattr(item, "view") and item.is_visible(request) and item.is_accessible(request)
    ]


def _count(count: Any) -> str:
    if not count:
        return ""
    if isinstance(count, Mapping):
        due = ' class="is-due"' if count.get("due") else ""
        return f"<b{due}>{escape(count['text'])}</b>"
    return f"<b>{escape(count)}</b>"
