"""PDF lists made for the tests: drawn, plain, wrapped, locked, scanned, swollen."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

HEADER = ["Name", "E-Mail", "Telefon", "Ort"]
_BODY = getSampleStyleSheet()["BodyText"]


def people(count: int, start: int = 0) -> list[list[str]]:
    """Rows of a customer list, each another one."""
    return [
        [f"Anna Meier{n}", f"anna{n}@beispiel.de", f"030 12345{n:03}", "Berlin"]
        for n in range(start, start + count)
    ]


def table_pdf(
    path: Path,
    rows: Sequence[Sequence[str]],
    *,
    grid: bool = True,
    wrap: bool = False,
    title: str = "",
    widths: Sequence[float] | None = None,
    valign: str = "TOP",
    repeat: int = 1,
    footer: bool = False,
    extra: Sequence[Any] = (),
) -> Path:
    """A table over as many pages as it needs, its header repeated on each."""
    cells = [[Paragraph(c, _BODY) if wrap else c for c in row] for row in rows]
    style: list[tuple[Any, ...]] = [("VALIGN", (0, 0), (-1, -1), valign)]
    if grid:
        style.append(("GRID", (0, 0), (-1, -1), 0.5, colors.black))
    story: list[Any] = [Paragraph(title, getSampleStyleSheet()["Title"])] if title else []
    story.append(Table(cells, colWidths=widths, repeatRows=repeat, style=TableStyle(style)))
    for more in extra:
        story += [Spacer(1, 30), more]

    def number(paper: canvas.Canvas, _: Any) -> None:
        if footer:
            paper.drawCentredString(300, 30, f"Seite {paper.getPageNumber()}")

    SimpleDocTemplate(str(path), pagesize=A4).build(story, onFirstPage=number, onLaterPages=number)
    return path


def plain_table(rows: Sequence[Sequence[str]]) -> Table:
    """Another drawn table, to stand on the same paper."""
    return Table(list(rows), style=TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)]))


def prose_pdf(path: Path) -> Path:
    """Text without any table."""
    words = "We are glad that you wrote to us and will answer as soon as we can. " * 30
    SimpleDocTemplate(str(path)).build([Paragraph(words, _BODY)])
    return path


def scanned_pdf(path: Path) -> Path:
    """A page that is one picture."""
    from PIL import Image  # comes with reportlab

    paper = canvas.Canvas(str(path))
    paper.drawImage(ImageReader(Image.new("RGB", (200, 200), "white")), 0, 0, 500, 700)
    paper.save()
    return path


def locked_pdf(path: Path) -> Path:
    """A list that needs a password."""
    paper = canvas.Canvas(str(path), encrypt="secret")
    paper.drawString(100, 700, "Name")
    paper.save()
    return path


def long_pdf(path: Path, pages: int) -> Path:
    """Very many pages."""
    paper = canvas.Canvas(str(path))
    for number in range(pages):
        paper.drawString(100, 700, f"Page {number}")
        paper.showPage()
    paper.save()
    return path


def swollen_pdf(path: Path, size: int) -> Path:
    """A page whose few bytes unpack to `size` bytes of drawing."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * 1_000_000) for _ in range(size // 1_000_000))
    packed += packer.flush()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
    ]
    body, places = b"%PDF-1.5\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        start,
    )
    path.write_bytes(body)
    return path
