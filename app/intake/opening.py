"""A file is recognised by what is in it, never by its name, and opened as a list."""

from pathlib import Path

from app.columns import Subject
from app.intake.delimited import DelimitedListing
from app.intake.lists import Limits, Listing, Unreadable
from app.intake.packed import unpacked
from app.intake.subjects import reading

_HEAD = 4096
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document"),
    (b"\x1f\x8b", "a compressed file (gzip)"),
    (b"BZh", "a compressed file (bzip2)"),
    (b"\xfd7zXZ", "a compressed file (xz)"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed file (7z)"),
    (b"Rar!", "a compressed file (rar)"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"RIFF", "a picture or a recording"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "a text document (RTF)"),
)
_TEXT_MAGIC: tuple[tuple[str, str], ...] = (
    ("<!doctype html", "a web page"),
    ("<html", "a web page"),
    ("<table", "a web page"),
    ("<head", "a web page"),
    ("<?xml", "an XML file"),
    ("<svg", "a picture"),
    ("begin:vcard", "an address book (vCard)"),
    ("begin:vcalendar", "a calendar"),
    ("{", "a JSON file"),
    ("[{", "a JSON file"),
)


def open_list(
    path: Path,
    *,
    filename: str,
    limits: Limits,
    work_dir: Path | None = None,
    subject: str = Subject.CUSTOMERS,
) -> Listing:
    """The list in the file at `path`, which people know as `filename`.

    Raises `Unreadable`, in one sentence, for everything that is no list. The rows of a PDF
    are read once and kept in `work_dir`, if given, so that opening it again is quick.
    """
    about = reading(subject)
    size = path.stat().st_size
    if size == 0:
        raise Unreadable(f"This file is empty: choose the file that holds your {about.whose}.")
    if size > limits.max_bytes:
        raise Unreadable(
            f"This file is larger than {limits.max_bytes / 1_000_000:,.0f} MB: split the list and "
            "import the parts one by one."
        )
    path = unpacked(path, limits.max_bytes) if about.packed else path
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if b"%PDF-" in head[:1024]:
        if not about.printed:
            raise Unreadable(f"A list of {about.whose} is read from CSV: save it as CSV first.")
        from app.intake.portable import PortableListing

        return PortableListing(path, limits, work_dir)
    _refuse_other_kinds(head, filename)
    return DelimitedListing(path, limits, about.known, nul_ok=about.packed)


def _refuse_other_kinds(head: bytes, filename: str) -> None:
    kind = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    if kind is None:
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        text = start[:200].decode("latin-1").replace("[ {", "[{").replace("[\n", "[")
        kind = next((kind for magic, kind in _TEXT_MAGIC if text.startswith(magic)), None)
    if kind is not None:
        name = " ".join(filename.split())[:80] or "This file"
        raise Unreadable(
            f"“{name.replace('{', '(').replace('}', ')')}” is {kind}, not a list: open it in the "
            "program it comes from, save it as CSV and upload that."
        )
