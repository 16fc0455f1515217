"""Customer lists as people have them: a spreadsheet's CSV and a printed PDF."""

from io import BytesIO

from reportlab.lib.pagesizes import A4
from reportlab.platypus import SimpleDocTemplate, Table

HEAD = "Nome;E-Mail;Téléphone;Ville;Étiquettes"
ROWS = (
    "José Conceição;jose@{tag}.example;+351 912 345 601;Évora;VIP",
    "Zoë Müller-Łuczak;zoe@{tag}.example;+49 30 901820;Köln;",
    "José Conceição;JOSE@{tag}.example;;Évora;",
    "Anaïs Ñuñez;anais@{tag}.example;+34 612 345 602;Cádiz;new",
    ";broken@;;Nowhere;",
)


def spreadsheet(tag: str) -> bytes:
    """Five rows with semicolons: three people, one of them twice, and one that cannot be read."""
    return "\r\n".join([HEAD, *ROWS, ""]).replace("{tag}", tag).encode("utf-8-sig")


def printed(tag: str, count: int = 40) -> bytes:
    """A table over two pages, with its head repeated."""
    head = ["Name", "Email", "Phone", "City"]
    rows = [
        [f"Paper Person {n:02}", f"p{n}@{tag}.example", f"+351 912 345 {n:03}", "Porto"]
        for n in range(count)
    ]
    paper = BytesIO()
    table = Table([head, *rows], repeatRows=1, style=[("GRID", (0, 0), (-1, -1), 0.5, "black")])
    SimpleDocTemplate(paper, pagesize=A4).build([table])
    return paper.getvalue()
