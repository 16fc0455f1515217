"""Tables on a page of a PDF, with ruling lines and without.

A grid that is drawn in full is read cell by cell. Otherwise the text is read line by line:
columns are the stripes of paper that (nearly) no line writes on, or the drawn verticals; rows
are lines, and lines that stand closer than rows do, or between two drawn horizontals, are one.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

from pdfplumber.utils.text import extract_text

Cells = list[str]
_BLANK = 0.18  # of the letters' height: wider gaps are blanks


@dataclass(slots=True)
class Piece:
    """The part of a table that stands on one page; `None` cells belong to their left neighbour."""

    rows: list[list[str | None]]
    bounds: list[float] = field(default_factory=list)

    @property
    def width(self) -> int:
        return max((len(row) for row in self.rows), default=0)


@dataclass(slots=True)
class Line:
    """Words that stand side by side."""

    words: list[dict[str, Any]]
    top: float
    bottom: float
    segments: list[tuple[float, float]] = field(default_factory=list)


def pieces_of(page: Any, bounds: Sequence[float] = ()) -> list[Piece]:
    """The tables of a page from top to bottom; `bounds` are the columns of the page before."""
    words = [w for w in page.extract_words(x_tolerance_ratio=_BLANK) if w["upright"]]
    if not words:
        return []
    gridded, rest = _grids(page, words)
    if gridded and len(rest) <= 0.5 * len(words):
        return gridded
    read = _by_text(page, words, bounds)
    return [read] if read else gridded


# --- drawn grids -------------------------------------------------------------------------


def _grids(page: Any, words: list[dict[str, Any]]) -> tuple[list[Piece], list[dict[str, Any]]]:
    """The fully drawn tables, and the words that stand in none of them."""
    pieces = []
    rest = words
    for table in page.find_tables():
        raw = _texts_of(table, page)
        rows = [[_joined(cell) for cell in row] for row in raw]
        rows = [row for row in rows if any(row)]
        if not rows or len(rows[0]) < 2 or _hides_rows(raw):
            continue
        x0, top, x1, bottom = table.bbox
        rest = [w for w in rest if not _inside(w, x0, top, x1, bottom)]
        pieces.append(_without_empty_columns(Piece(list(rows))))
    return pieces, rest


def _texts_of(table: Any, page: Any) -> list[list[str | None]]:
    """The text of each cell; every character is put into its cell once, in one pass."""
    rows = [row for row in table.rows if any(row.cells)]
    tops = [row.bbox[1] for row in rows]
    held: dict[tuple[int, int], list[Any]] = {}
    for char in page.chars:
        y = (char["top"] + char["bottom"]) / 2
        row = bisect_right(tops, y) - 1
        if row < 0 or y > rows[row].bbox[3] or not char["upright"]:
            continue
        x = (char["x0"] + char["x1"]) / 2
        for index, box in enumerate(rows[row].cells):
            if box and box[0] <= x < box[2] and box[1] <= y < box[3]:
                held.setdefault((row, index), []).append(char)
                break
    return [
        [
            None if box is None else _text(held.get((number, index), []))
            for index, box in enumerate(row.cells)
        ]
        for number, row in enumerate(rows)
    ]


def _text(chars: list[Any]) -> str:
    return extract_text(chars, x_tolerance_ratio=_BLANK) if chars else ""


def _inside(word: dict[str, Any], x0: float, top: float, x1: float, bottom: float) -> bool:
    middle = (word["top"] + word["bottom"]) / 2
    return bool(x0 - 1 <= (word["x0"] + word["x1"]) / 2 <= x1 + 1 and top <= middle <= bottom)


def _joined(cell: str | None) -> str | None:
    """The lines of a wrapped cell as one; a word or address cut by the wrap is whole again."""
    if cell is None:
        return None
    text = ""
    for line in (part.strip() for part in cell.split("\n")):
        text = _glued(text, line)
    return text.replace("\0", "")


def _glued(text: str, line: str) -> str:
    if not text or not line:
        return text or line
    last = text.rsplit(" ", 1)[-1]
    if text.endswith("@") or line.startswith("@") or ("@" in last and _TAIL.fullmatch(line)):
        return text + line
    return f"{text} {line}"


_TAIL = re.compile(r"\.?[\w-]*(?:\.[\w-]+)*\.?[a-z]{2,}|[a-z]{1,3}", re.IGNORECASE)


def _hides_rows(rows: list[list[str | None]]) -> bool:
    """Whether one drawn cell holds many rows, because no line is drawn between them."""
    for row in rows:
        heights = [cell.count("\n") + 1 for cell in row if cell]
        tall = Counter(h for h in heights if h >= 3)
        if tall and len(heights) > 1 and tall.most_common(1)[0][1] >= max(2, 0.6 * len(heights)):
            return True
    return False


def _without_empty_columns(piece: Piece) -> Piece:
    width = piece.width
    kept = [i for i in range(width) if any(i < len(row) and row[i] for row in piece.rows)]
    piece.rows = [[row[i] if i < len(row) else "" for i in kept] for row in piece.rows]
    return piece


# --- text --------------------------------------------------------------------------------


def _by_text(page: Any, words: list[dict[str, Any]], bounds: Sequence[float]) -> Piece | None:
    lines = _lines(words)
    height = median(line.bottom - line.top for line in lines)
    for line in lines:
        line.segments = _segments(line.words, 0.75 * height)
    columns = _columns(page, lines, height, bounds)
    if len(columns) < 3:
        return None
    inside = _table_lines(lines, columns)
    if not inside:
        return None
    rows = _rows(page, inside, columns)
    return Piece([list(row) for row in rows], columns)


def _lines(words: list[dict[str, Any]]) -> list[Line]:
    lines: list[Line] = []
    for word in sorted(words, key=lambda w: (w["bottom"], w["x0"])):
        if lines and word["bottom"] - lines[-1].bottom < 2.5:
            lines[-1].words.append(word)
            lines[-1].top = min(lines[-1].top, word["top"])
        else:
            lines.append(Line([word], word["top"], word["bottom"]))
    for line in lines:
        line.words.sort(key=lambda w: w["x0"])
    return lines


def _segments(words: list[dict[str, Any]], gap: float) -> list[tuple[float, float]]:
    segments: list[tuple[float, float]] = []
    for word in words:
        if segments and word["x0"] - segments[-1][1] < gap:
            segments[-1] = (segments[-1][0], max(segments[-1][1], word["x1"]))
        else:
            segments.append((word["x0"], word["x1"]))
    return segments


def _columns(page: Any, lines: list[Line], height: float, known: Sequence[float]) -> list[float]:
    """The edges of the columns, outer ones included; fewer than three when there is no table."""
    if known and _fit(lines, known):
        return list(known)
    full = [line for line in lines if len(line.segments) > 1]
    if not full:
        return []
    drawn = _verticals(page, full)
    if len(drawn) >= 3:
        return drawn
    usual = Counter(len(line.segments) for line in full).most_common(1)[0][0]
    telling = [line for line in full if len(line.segments) >= max(2, usual - 1)]
    return _stripes(telling, height)


def _fit(lines: list[Line], bounds: Sequence[float]) -> bool:
    """Whether the columns of the page before hold here too: no word stands on their edges."""
    inner = bounds[1:-1]
    several = [line for line in lines if len(line.segments) > 1]
    if not several:
        return False
    cut = sum(
        any(a + 1 < edge < b - 1 for a, b in line.segments for edge in inner) for line in several
    )
    used = {
        index for line in several for a, b in line.segments if (index := _column(bounds, a, b)) >= 0
    }
    return cut <= 0.1 * len(several) and len(used) >= max(2, len(inner))


def _verticals(page: Any, lines: list[Line]) -> list[float]:
    """Drawn verticals that run along most of the lines."""
    reach: dict[int, float] = {}
    top, bottom = lines[0].top, lines[-1].bottom
    for edge in page.edges:
        if edge["orientation"] == "v":
            overlap = min(edge["bottom"], bottom) - max(edge["top"], top)
            key = round(edge["x0"] / 2)
            reach[key] = reach.get(key, 0.0) + max(0.0, overlap)
    xs = sorted(2.0 * key for key, length in reach.items() if length >= 0.6 * (bottom - top))
    kept: list[float] = []
    for x in xs:
        if not kept or x - kept[-1] > 5:
            kept.append(x)
    if len(kept) < 3:
        return []
    left = min(line.segments[0][0] for line in lines)
    right = max(line.segments[-1][1] for line in lines)
    return [*([left - 3] if left < kept[0] - 5 else []), *kept,
            *([right + 3] if right > kept[-1] + 5 else [])]  # fmt: skip


def _stripes(lines: list[Line], height: float) -> list[float]:
    """Edges in the middle of the stripes on which at most every tenth line writes."""
    left = min(line.segments[0][0] for line in lines)
    right = max(line.segments[-1][1] for line in lines)
    events: list[tuple[float, int]] = []
    for line in lines:
        for a, b in line.segments:
            events += [(a, 1), (b, -1)]
    allowed = 0.1 * len(lines) if len(lines) >= 10 else 0
    edges, covered, since = [left - 3], 0, None
    for x, change in sorted(events):
        covered += change
        if covered <= allowed and since is None:
            since = x
        elif covered > allowed and since is not None:
            if x - since >= 0.5 * height and since > left:
                edges.append((since + x) / 2)
            since = None
    return [*edges, right + 3]


def _column(bounds: Sequence[float], x0: float, x1: float) -> int:
    middle = (x0 + x1) / 2
    return sum(1 for edge in bounds[1:-1] if middle > edge)


def _cells(line: Line, columns: Sequence[float]) -> Cells:
    cells = [""] * (len(columns) - 1)
    for word in line.words:
        index = _column(columns, word["x0"], word["x1"])
        cells[index] = f"{cells[index]} {word['text']}".strip()
    return cells


_FOOTER = re.compile(
    r"(?:page|seite|pagina|página|pag\.?|p\.|s\.|sida|side|strona|sayfa|blad)?\s*\d{1,4}"
    r"(?:\s*(?:/|of|von|de|van|di|av|af|z)\s*\d{1,4})?",
    re.IGNORECASE,
)


def is_footer(cells: Iterable[str | None]) -> bool:
    """Whether a line says nothing but the number of the page."""
    said = " ".join(cell for cell in cells if cell).strip()
    return bool(_FOOTER.fullmatch(said))


def _table_lines(lines: list[Line], columns: Sequence[float]) -> list[Line]:
    """From the first to the last line that fills more than one column, without what is no row."""
    several = [
        i for i, line in enumerate(lines) if sum(map(bool, _cells(line, columns))) > 1
        and not _crosses(line, columns) and len(line.segments) > 1
    ]  # fmt: skip
    if not several:
        return []
    first = several[0]
    inside = lines[first : several[-1] + 1]
    kept = [line for line in inside if not _crosses(line, columns)]
    if len(kept) < 0.7 * len(inside):
        return []
    tail = lines[several[-1] + 1 :]
    return kept + _wrapped_tail(kept, tail, columns)


def _wrapped_tail(kept: list[Line], tail: list[Line], columns: Sequence[float]) -> list[Line]:
    """Lines below the last row that still belong to its wrapped cells."""
    taken: list[Line] = []
    last = kept[-1]
    for line in tail:
        pitch = (line.bottom - last.bottom) / (last.bottom - last.top)
        if pitch > 1.45 or _crosses(line, columns) or is_footer(_cells(line, columns)):
            break
        if pitch > 1.3 and _cells(line, columns)[0]:
            break
        taken.append(line)
        last = line
    return taken


def _crosses(line: Line, columns: Sequence[float]) -> bool:
    """Whether a run of words stands across the edge of two columns, as titles and notes do."""
    for a, b in line.segments:
        over = [edge for edge in columns[1:-1] if a + 2 < edge < b - 2]
        if len(over) > 1 or (over and len(line.segments) == 1):
            return True
    return False


def _rows(page: Any, lines: list[Line], columns: Sequence[float]) -> list[Cells]:
    rules = _horizontals(page, lines, columns)
    cells = [_cells(line, columns) for line in lines]
    between = [
        sum(1 for y in rules if lines[i].bottom - 2 < y < lines[i + 1].bottom - 2)
        for i in range(len(lines) - 1)
    ]
    joined = _joins(lines, cells, between)
    rows: list[Cells] = [cells[0]]
    for i, same_row in enumerate(joined):
        if same_row:
            rows[-1] = [_glued(a, b) for a, b in zip(rows[-1], cells[i + 1], strict=True)]
        else:
            rows.append(cells[i + 1])
    return [row for row in rows if any(row)]


def _horizontals(page: Any, lines: list[Line], columns: Sequence[float]) -> list[float]:
    """Where drawn horizontals run across most of the table."""
    reach: dict[int, float] = {}
    for edge in page.edges:
        if edge["orientation"] == "h" and lines[0].top - 20 < edge["top"] < lines[-1].bottom + 20:
            overlap = min(edge["x1"], columns[-1]) - max(edge["x0"], columns[0])
            key = round(edge["top"] / 2)
            reach[key] = reach.get(key, 0.0) + max(0.0, overlap)
    span = columns[-1] - columns[0]
    ys = sorted(2.0 * key for key, length in reach.items() if length >= 0.6 * span)
    return [y for i, y in enumerate(ys) if i == 0 or y - ys[i - 1] > 3]


def _joins(lines: list[Line], cells: list[Cells], between: list[int]) -> list[bool]:
    """For each line but the last, whether the next one belongs to the same row."""
    pitches = [b.bottom - a.bottom for a, b in pairwise(lines)]
    if sum(map(bool, between)) >= 3 and _ruled_rows(cells, between):
        return [not rule for rule in between]
    near = _near(pitches, cells)
    joined = []
    for i, pitch in enumerate(pitches):
        upper, lower = cells[i], cells[i + 1]
        if between[i]:
            joined.append(False)
        elif near is not None:
            joined.append(pitch < near)
        else:
            joined.append(_continues(upper, lower) and pitch < 1.6 * median(pitches))
    return joined


def _ruled_rows(cells: list[Cells], between: list[int]) -> bool:
    """Whether every row has its line: then hardly any two full lines stand together."""
    together = [i for i, rule in enumerate(between) if not rule]
    clashes = sum(1 for i in together if cells[i][0] and cells[i + 1][0])
    return clashes <= 0.2 * len(between)


def _near(pitches: list[float], cells: list[Cells]) -> float | None:
    """The distance below which lines are one row, if there clearly are several distances.

    The widest one is taken with which the joined lines look like one row.
    """
    steps = sorted(pitches)
    limits = [(a + b) / 2 for a, b in pairwise(steps) if b > 1.15 * max(a, 1.0)]
    return next((limit for limit in reversed(limits) if _makes_rows(pitches, cells, limit)), None)


def _makes_rows(pitches: list[float], cells: list[Cells], limit: float) -> bool:
    """Whether some column is written once in nearly every row that is joined of many lines."""
    groups: list[list[Cells]] = [[cells[0]]]
    for pitch, line in zip(pitches, cells[1:], strict=True):
        if pitch < limit:
            groups[-1].append(line)
        else:
            groups.append([line])
    several = [group for group in groups if len(group) > 1]
    once = [
        sum(sum(1 for line in group if line[column]) == 1 for group in several)
        for column in range(len(cells[0]))
    ]
    return len(groups) > 1 and max(once) >= 0.8 * len(several)


def _continues(upper: Cells, lower: Cells) -> bool:
    """Whether a line goes on with the row above: it begins with nothing and says little."""
    return not lower[0] and bool(upper[0]) and sum(map(bool, lower)) <= 0.5 * len(lower)
