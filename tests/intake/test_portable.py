"""PDF lists: with and without lines, over pages, wrapped; what is no list is refused in time."""

from pathlib import Path

import pytest

from app.intake import Limits, Listing, Unreadable, missing_identity, open_list, typed_rows
from tests.intake import papers
from tests.intake.papers import HEADER, people


def opened(path: Path, limits: Limits | None = None, work_dir: Path | None = None) -> Listing:
    return open_list(path, filename=path.name, limits=limits or Limits(), work_dir=work_dir)


def cells(listing: Listing) -> list[list[str]]:
    return [list(row.cells) for row in listing.rows()]


@pytest.mark.parametrize("grid", [True, False])
def test_a_table_over_pages_is_one_list(tmp_path: Path, grid: bool) -> None:
    rows = people(70)
    path = papers.table_pdf(
        tmp_path / "kunden.pdf", [HEADER, *rows], grid=grid, title="Kunden 2026", footer=True
    )
    listing = opened(path)
    assert (listing.kind, listing.header, listing.has_header) == ("pdf", HEADER, True)
    assert cells(listing) == rows
    read = list(typed_rows(listing, listing.proposal(), "DE"))
    assert [row.line for row in read] == list(range(1, 71))
    assert {read[0].page, read[-1].page} == {1, 2}
    assert all(row.is_valid and row.phone for row in read)
    assert list(listing.rows(start_line=60)) == list(listing.rows())[59:]


@pytest.mark.parametrize(
    ("grid", "valign"), [(True, "TOP"), (False, "TOP"), (False, "MIDDLE"), (False, "BOTTOM")]
)
def test_wrapped_cells_stay_in_their_row(tmp_path: Path, grid: bool, valign: str) -> None:
    rows = [
        [
            f"{name} von und zu Hohenfels",
            mail.replace("@", ".adresse@"),
            phone,
            "Bad Homburg am Berg",
        ]
        for name, mail, phone, _ in people(25)
    ]
    path = papers.table_pdf(
        tmp_path / "wrapped.pdf",
        [HEADER, *rows],
        grid=grid,
        wrap=True,
        valign=valign,
        widths=[90, 100, 90, 80],
    )
    assert cells(opened(path)) == rows


def test_empty_cells_do_not_shift_the_others(tmp_path: Path) -> None:
    rows = [
        [name, mail if n % 3 else "", phone if n % 4 else "", city]
        for n, (name, mail, phone, city) in enumerate(people(30))
    ]
    assert cells(opened(papers.table_pdf(tmp_path / "a.pdf", [HEADER, *rows], grid=False))) == rows


@pytest.mark.parametrize("columns", [3, 4])
def test_another_table_is_left_out_and_said(tmp_path: Path, columns: int) -> None:
    other = [["Produkt", "Preis", "Menge", "Code"][:columns], ["Tee", "3,50", "2", "400"][:columns]]
    path = papers.table_pdf(
        tmp_path / "two.pdf", [HEADER, *people(5)], extra=[papers.plain_table(other)]
    )
    listing = opened(path)
    assert cells(listing) == people(5)
    (note,) = listing.notes
    assert note == f"Another table with {columns} columns and 1 rows on page 1 is left out."


def test_a_table_without_anybody_is_read_but_says_what_is_missing(tmp_path: Path) -> None:
    rows = [["Country", "Capital", "Area"], *([f"Land {c}", f"City {c}", "83859"] for c in "abcd")]
    listing = opened(papers.table_pdf(tmp_path / "countries.pdf", rows))
    assert listing.count() == 4
    assert missing_identity(listing.proposal()) is not None


def test_what_was_read_is_kept_beside(tmp_path: Path) -> None:
    path = papers.table_pdf(tmp_path / "kept.pdf", [HEADER, *people(3)])
    first = cells(opened(path, work_dir=tmp_path / "work"))
    (kept,) = (tmp_path / "work").iterdir()
    before = kept.stat().st_mtime_ns
    assert cells(opened(path, work_dir=tmp_path / "work")) == first
    assert kept.stat().st_mtime_ns == before


def test_papers_that_are_no_list_are_refused(tmp_path: Path) -> None:
    half = papers.table_pdf(tmp_path / "half.pdf", [HEADER, *people(30)])
    half.write_bytes(half.read_bytes()[:1500])
    refusals = {
        papers.prose_pdf(tmp_path / "prose.pdf"): "no table",
        papers.scanned_pdf(tmp_path / "scanned.pdf"): "scanned",
        papers.locked_pdf(tmp_path / "locked.pdf"): "password",
        half: "damaged",
    }
    for path, says in refusals.items():
        with pytest.raises(Unreadable, match=says) as refused:
            opened(path)
        assert str(refused.value).endswith(".")


def test_limits_of_a_paper_hold(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="more than 10 pages"):
        opened(papers.long_pdf(tmp_path / "long.pdf", 30), Limits(max_pages=10))
    path = papers.table_pdf(tmp_path / "full.pdf", [HEADER, *people(30)])
    with pytest.raises(Unreadable, match="more than 100 characters"):
        opened(path, Limits(max_page_chars=100))
    with pytest.raises(Unreadable, match="more than 5 rows"):
        opened(path, Limits(max_rows=5))


def test_a_paper_that_swells_is_stopped(tmp_path: Path) -> None:
    path = papers.swollen_pdf(tmp_path / "bomb.pdf", 200_000_000)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(Unreadable, match="unpacks to more"):
        opened(path, Limits(pdf_memory=600_000_000))
