"""Reads the tables of a PDF in a process of its own, which may be stopped at any time.

`python -m app.paper.reader INPUT OUTPUT LIMITS` writes one JSON object a line: pieces
of tables with their page, at the end either `done` or the sentence of a refusal.
"""

import contextlib
import json
import logging
import resource
import sys
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pdfplumber
from pdfminer import pdftypes
from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect

from app.paper.tables import is_footer, pieces_of


class Refused(Exception):
    """The whole paper is refused, in a sentence."""


BROKEN = "This PDF is damaged and cannot be read: save or print it as a PDF again."
LOCKED = "This PDF is locked with a password: save it without one and upload that."
SCANNED = (
    "This PDF is a scanned picture without text: use a PDF made by the program that holds the "
    "list, or a CSV."
)
NO_TABLE = (
    "There is no table in this PDF: the list must have a row for each customer and columns that "
    "stand apart."
)
TOO_BIG = "This PDF unpacks to more than can be read: print the list as a new PDF, or use a CSV."


@dataclass(slots=True)
class Bounds:
    """How far the reader goes."""

    pages: int
    page_chars: int
    rows: int
    cells: int
    cell_chars: int
    seconds: int
    memory: int


def main(source: str, target: str, bounds: str) -> None:
    """Read `source` into `target` within the bounds (JSON)."""
    limits = Bounds(**json.loads(bounds))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
        resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds + 2))
    setattr(pdftypes, "zlib", _BoundedZlib(limits.memory // 4))  # noqa: B010  it offers no bound
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with Path(target).open("w", encoding="utf-8") as out:
        try:
            pages = _read(Path(source), out, limits)
        except Refused as refusal:
            _say(out, refused=str(refusal))
        except (PDFPasswordIncorrect, PDFEncryptionError):
            _say(out, refused=LOCKED)
        except (MemoryError, RecursionError):
            _say(out, refused=TOO_BIG)
        except Exception as error:
            _say(out, refused=_why(error))
        else:
            _say(out, done=pages)


class _BoundedZlib:
    """zlib, but a stream that unpacks to more than the bound is refused while it unpacks."""

    error = zlib.error

    def __init__(self, bound: int) -> None:
        self._left = bound

    def decompressobj(self, *args: Any) -> Any:
        return zlib.decompressobj(*args)

    def decompress(self, data: bytes, *args: Any) -> bytes:
        unpacker = zlib.decompressobj(*args)
        unpacked = unpacker.decompress(data, self._left)
        if unpacker.unconsumed_tail:
            raise MemoryError
        if not unpacker.eof:
            raise zlib.error("the stream ends too early")
        self._left -= len(unpacked)
        return unpacked


def _why(error: BaseException | None) -> str:
    """The refusal behind an error that may be wrapped in others."""
    while error is not None:
        if isinstance(error, MemoryError | RecursionError):
            return TOO_BIG
        if isinstance(error, PDFPasswordIncorrect | PDFEncryptionError):
            return LOCKED
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = inner or error.__cause__ or error.__context__
    return BROKEN


def _say(out: TextIO, **said: Any) -> None:
    out.write(json.dumps(said, ensure_ascii=True) + "\n")
    out.flush()


def _read(source: Path, out: TextIO, limits: Bounds) -> int:
    with pdfplumber.open(source, unicode_norm="NFC") as pdf:
        count = _page_count(pdf, limits.pages)
        seen = _Seen()
        for number, page in enumerate(_pages(pdf), start=1):
            _read_page(page, number, out, limits, seen)
            page.close()
    if not seen.chars:
        raise Refused(SCANNED if seen.images or count else BROKEN)
    if not seen.rows:
        raise Refused(NO_TABLE)
    return count


def _page_count(pdf: Any, limit: int) -> int:
    """Counts without reading the pages, and refuses before their number costs anything."""
    from pdfminer.pdfpage import PDFPage

    count = 0
    for _ in PDFPage.create_pages(pdf.doc):
        count += 1
        if count > limit:
            raise Refused(
                f"This PDF has more than {limit:,} pages: split it and import the parts one by one."
            )
    return count


def _pages(pdf: Any) -> Any:
    """One page at a time: `pdf.pages` would keep all of them."""
    from pdfminer.pdfpage import PDFPage
    from pdfplumber.page import Page

    top = 0.0
    for number, page in enumerate(PDFPage.create_pages(pdf.doc), start=1):
        opened = Page(pdf, page, page_number=number, initial_doctop=top)
        top += float(opened.height)
        yield opened


@dataclass(slots=True)
class _Seen:
    chars: int = 0
    images: int = 0
    rows: int = 0
    columns: tuple[float, ...] = ()


def _read_page(page: Any, number: int, out: TextIO, limits: Bounds, seen: _Seen) -> None:
    chars = len(page.chars)
    if chars > limits.page_chars:
        raise Refused(
            f"Page {number} has more than {limits.page_chars:,} characters: print the list with "
            "fewer rows to a page."
        )
    if len(page.edges) > limits.page_chars:
        raise Refused(f"Page {number} has too many drawn lines to be a list: use a CSV.")
    seen.chars += chars
    seen.images += len(page.images)
    for piece in pieces_of(page, seen.columns):
        rows = [[cell and cell[: limits.cell_chars] for cell in row[: limits.cells]]
                for row in piece.rows if not is_footer(row)]  # fmt: skip
        if not rows:
            continue
        seen.rows += len(rows)
        if seen.rows > limits.rows:
            raise Refused(f"This list has more than {limits.rows:,} rows: split it.")
        if piece.bounds:
            seen.columns = tuple(piece.bounds)
        _say(out, page=number, rows=rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
