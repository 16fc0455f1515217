"""Sheets: text and rules set on pages of A4, painted once it is known how many there are.

Sizes are points, 72 to the inch, counted from the top left corner.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from app.paper.fonts import runs, width

WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 50.0, 545.28, 50.0, 780.0
FOOT = 806.0
BLACK, GREY, LINE = 0.1, 0.4, 0.8
"""How light: 0 is black, 1 is the paper."""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `right` is where it ends, else it begins at `x`."""

    x: float
    y: float
    text: str
    size: float = 9.5
    bold: bool = False
    shade: float = BLACK
    right: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A thin line across."""

    x: float
    until: float
    y: float
    shade: float = LINE


@dataclass(slots=True)
class Sheets:
    """Pages that are filled from the top; `on_new` draws the head of each page but the first."""

    on_new: Callable[["Sheets"], None]
    y: float = TOP
    pages: list[list[Text | Rule]] = field(default_factory=lambda: [[]])

    def room(self, height: float) -> None:
        """Begin a new page unless so much is left on this one."""
        if self.y + height > BOTTOM:
            self.pages.append([])
            self.y = TOP
            self.on_new(self)

    def text(self, x: float, text: str, **looks: Any) -> None:
        """Set a line of text at the present height."""
        self.pages[-1].append(Text(x, self.y, text, **looks))

    def rule(self, x: float = LEFT, until: float = RIGHT, shade: float = LINE) -> None:
        """Draw a line across at the present height."""
        self.pages[-1].append(Rule(x, until, self.y, shade))


def wrapped(text: str, room: float, size: float = 9.5, bold: bool = False) -> list[str]:
    """`text` in lines of at most `room` points; a word longer than that is cut."""
    lines = [""]
    for word in text.split():
        for piece in _cut(word, room, size, bold):
            longer = f"{lines[-1]} {piece}".strip()
            if width(longer, size, bold) <= room:
                lines[-1] = longer
            else:
                lines.append(piece)
    return [line for line in lines if line] or [""]


def _cut(word: str, room: float, size: float, bold: bool) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and width(pieces[-1] + letter, size, bold) > room:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def painted(pages: Sequence[Sequence[Text | Rule]], *, title: str, author: str, lang: str) -> bytes:
    """The pages as a PDF, with their number at the foot; the same pages are the same bytes."""
    made = BytesIO()
    canvas = Canvas(made, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1, lang=lang)
    canvas.setTitle(title)
    canvas.setAuthor(author)
    canvas.setCreator("Backroom")
    for n, page in enumerate(pages, 1):
        for mark in page:
            _paint(canvas, mark)
        _paint(canvas, Text(LEFT, FOOT, title, 8, shade=GREY))
        _paint(canvas, Text(RIGHT, FOOT, f"Page {n} of {len(pages)}", 8, shade=GREY, right=True))
        canvas.showPage()
    canvas.save()
    return made.getvalue()


def _paint(canvas: Any, mark: Text | Rule) -> None:
    if isinstance(mark, Rule):
        canvas.setStrokeGray(mark.shade)
        canvas.setLineWidth(0.5)
        canvas.line(mark.x, HEIGHT - mark.y, mark.until, HEIGHT - mark.y)
        return
    x = mark.x - width(mark.text, mark.size, mark.bold) if mark.right else mark.x
    canvas.setFillGray(mark.shade)
    for font, piece in runs(mark.text, mark.bold):
        canvas.setFont(font, mark.size)
        canvas.drawString(x, HEIGHT - mark.y, piece)
        x += canvas.stringWidth(piece, font, mark.size)
