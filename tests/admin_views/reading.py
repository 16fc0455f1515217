"""Reading a page: what its form would post, what it says."""

import re
from html.parser import HTMLParser
from typing import Any


class _Form(HTMLParser):
    """The values of the fields inside `form.bk-form` (or the order's form)."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = self.template = 0
        self.values: dict[str, str] = {}
        self.select: str | None = None
        self.area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {k: v or "" for k, v in attrs}
        if tag == "form":
            words = at.get("class", "").split()
            self.inside = 1 if "bk-form" in words or "of" in words else 0
        if tag == "template":
            self.template += 1
        if not self.inside or self.template:
            return
        name = at.get("name")
        if tag == "input" and name:
            self._input(name, at)
        elif tag == "select":
            self.select = name
        elif (
            tag == "option" and self.select and ("selected" in at or self.select not in self.values)
        ):
            self.values[self.select] = at.get("value", "")
        elif tag == "textarea" and name:
            self.area = name
            self.values[name] = ""

    def _input(self, name: str, at: dict[str, str]) -> None:
        if at.get("type") in ("checkbox", "radio") and "checked" not in at:
            return
        self.values[name] = at.get("value", "")

    def handle_data(self, data: str) -> None:
        if self.area:
            self.values[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = 0
        elif tag == "template":
            self.template -= 1
        elif tag == "select":
            self.select = None
        elif tag == "textarea" and self.area:
            self.values[self.area] = self.values[self.area].removeprefix("\r\n").removeprefix("\n")
            self.area = None


def posted(html: str) -> dict[str, Any]:
    """What the form on the page would post."""
    reader = _Form()
    reader.feed(html)
    return dict(reader.values)


def text_of(html: str) -> str:
    """The words of a page, without its tags."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare))


WORDS = (
    "traceback", "psycopg", "sqlalchemy", "insert into", "detail:", "violates", "constraint",
    "app_vendor", "row-level",
)  # fmt: skip
STATEMENTS = (re.compile(r"select .{0,40} from"), re.compile(r"update \w+ set"))


def leaks(html: str) -> str | None:
    """The first sign of SQL or of a stack trace in an answer."""
    low = html.lower()  # one search for all, without case, takes longer than drawing the page
    for word in WORDS:
        if word in low:
            return word
    found = next(filter(None, (each.search(low) for each in STATEMENTS)), None)
    return found.group() if found else None
