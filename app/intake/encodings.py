"""Which encoding a text file is in, found by reading all of it once."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from app.intake.lists import Unreadable

_CHUNK = 1 << 20
_ENOUGH = 10_000  # bytes that are no UTF-8 settle the matter
_ESCAPED = re.compile("[\udc80-\udcff]")
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r\f\x0b\x1a\x1b") + b"\x7f"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How bytes become text: the codec, the bytes to skip, what people call it."""

    codec: str
    label: str
    skip: int = 0
    errors: str = "strict"


_BOMS = (
    (codecs.BOM_UTF8, Encoding("utf-8", "UTF-8", 3, "windows-1252-bytes")),
    (codecs.BOM_UTF16_LE, Encoding("utf-16-le", "UTF-16", 2, "replace")),
    (codecs.BOM_UTF16_BE, Encoding("utf-16-be", "UTF-16", 2, "replace")),
)
_UTF8 = Encoding("utf-8", "UTF-8")
_MIXED = Encoding("utf-8", "UTF-8, partly Windows-1252", 0, "windows-1252-bytes")
_CP1252 = Encoding("cp1252", "Windows-1252", 0, "replace")


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", "replace"), error.end


codecs.register_error("windows-1252-bytes", _as_windows_1252)


def detect(path: Path, *, nul_ok: bool = False) -> Encoding:
    """The encoding of a text file; raises `Unreadable` when its bytes are no text.

    `nul_ok`: some NUL characters are for the reader of the rows to refuse.
    """
    with path.open("rb") as file:
        head = file.read(_CHUNK)
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            if encoding.codec == "utf-8":
                _refuse_binary(path, nul_ok)
            return encoding
    wide = _utf16_without_mark(head)
    if wide is not None:
        return wide
    _refuse_binary(path, nul_ok)
    return _eight_bit(path)


def _utf16_without_mark(head: bytes) -> Encoding | None:
    """Western text in UTF-16 has a NUL in every second byte and none in the others."""
    even, odd = head[0:4096:2], head[1:4096:2]
    nul_even, nul_odd = even.count(0), odd.count(0)
    if nul_odd > 0.4 * len(odd) and nul_even * 20 < nul_odd:
        return Encoding("utf-16-le", "UTF-16", 0, "replace")
    if nul_even > 0.4 * len(even) and nul_odd * 20 < nul_even:
        return Encoding("utf-16-be", "UTF-16", 0, "replace")
    return None


def _refuse_binary(path: Path, nul_ok: bool) -> None:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if b"\0" in chunk and not nul_ok:
                raise Unreadable(
                    "This file holds NUL characters, so it is no text file or it is damaged: "
                    "save the list as CSV again and upload that."
                )
            controls = len(chunk) - len(chunk.translate(None, _CONTROLS))
            if controls * 50 > len(chunk):
                raise Unreadable(
                    "This file is not text, whatever its name says: save the list as CSV."
                )


def _accented(text: str) -> int:
    return sum(1 for c in text if c > "\x7f" and not "\udc80" <= c <= "\udcff")


def _eight_bit(path: Path) -> Encoding:
    """UTF-8 if all of it is; Windows-1252 if nothing of it is; both where files were joined."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    proper = wrong = 0
    with path.open("rb") as file:
        while wrong < _ENOUGH:
            chunk = file.read(_CHUNK)
            text = decoder.decode(chunk, final=not chunk)
            escaped = len(_ESCAPED.findall(text)) if not text.isascii() else 0
            wrong += escaped
            proper += max(0, len(chunk) - len(text)) if not escaped else _accented(text)
            if not chunk:
                break
    if not wrong:
        return _UTF8
    return _MIXED if proper > wrong else _CP1252
