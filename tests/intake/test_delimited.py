"""What stands in the file is what is read: encodings, delimiters, headers, torn rows, limits."""

import csv
import io
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake import Limits, Listing, Unreadable, open_list, typed_rows
from app.intake.delimited import Dialect, dialect_of, parse
from app.staging import Field

HEADER = ["Name", "E-Mail", "Telefon", "Ort"]
ROWS = [
    ["Jörg Müller", "joerg@beispiel.de", "030 1234567", "Köln"],
    ["Zoë Ångström", "zoe@beispiel.de", "030 1234568", "Malmö"],
    ["Renée “Née” Dupont", "renee@beispiel.de", "030 1234569", "Genève"],
]
Opener = Callable[..., Listing]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    def _open(content: str | bytes, limits: Limits | None = None) -> Listing:
        path = tmp_path / "list.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return open_list(path, filename="list.csv", limits=limits or Limits())

    return _open


def written(rows: list[list[str]], delimiter: str = ",", end: str = "\r\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(rows)
    return out.getvalue()


def cells(listing: Listing) -> list[list[str]]:
    return [list(row.cells) for row in listing.rows()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("codec", "label"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_every_encoding_and_delimiter_is_found(
    opened: Opener, delimiter: str, end: str, codec: str, label: str
) -> None:
    listing = opened(written([HEADER, *ROWS], delimiter, end).encode(codec))
    assert (listing.encoding, listing.delimiter) == (label, delimiter)
    assert listing.header == HEADER
    assert cells(listing) == ROWS


table = st.lists(
    st.lists(
        st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=20),
        min_size=3,
        max_size=3,
    ).filter(lambda row: any(cell.strip() for cell in row)),
    min_size=1,
    max_size=12,
)


@given(table, st.sampled_from([",", ";", "\t", "|"]))
def test_what_a_csv_writer_wrote_is_read_back(rows: list[list[str]], delimiter: str) -> None:
    lines = io.StringIO(written(rows, delimiter), newline="")
    read = list(parse(lines, Dialect(delimiter), Limits()))
    assert [list(row.cells) for row in read] == rows
    assert all(row.broken is None for row in read)


@given(st.lists(st.text(max_size=30), max_size=30), st.sampled_from([",", ";", "\t", "|"]))
def test_any_text_is_read_without_an_error(lines: list[str], delimiter: str) -> None:
    text = io.StringIO("\n".join(lines), newline="")
    numbers = [row.line for row in parse(text, Dialect(delimiter), Limits())]
    assert numbers == sorted(set(numbers))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "any.csv"
    path.write_bytes(content)
    if b"%PDF-" in content:
        return
    with suppress(Unreadable):  # and nothing else
        listing = open_list(path, filename="any.csv", limits=Limits())
        rows = list(typed_rows(listing, listing.proposal(), "DE"))
        assert len(rows) == listing.count()


def test_a_row_knows_the_line_where_it_starts(opened: Opener) -> None:
    listing = opened('Name,Notes\nAnna,"one\ntwo\n\nthree"\n\n\nBen,x\n')
    assert [(row.line, row.cells[0]) for row in listing.rows()] == [(2, "Anna"), (8, "Ben")]
    assert [row.line for row in listing.rows(start_line=3)] == [8]


def test_reading_goes_on_where_it_stopped(opened: Opener) -> None:
    listing = opened(written([HEADER, *ROWS * 50]))
    everything = list(listing.rows())
    assert list(listing.rows(start_line=everything[70].line)) == everything[70:]


def test_a_list_without_header_is_named_by_number_and_read_by_its_content(opened: Opener) -> None:
    rows = [
        [str(n), f"a{n}@b.de", f"030 12345{n}", f"Anna Meier{'abcdefghi'[n]}"] for n in range(9)
    ]
    listing = opened(written(rows, "|"))
    assert not listing.has_header
    assert listing.header == ["Column 1", "Column 2", "Column 3", "Column 4"]
    assert list(listing.proposal().values()) == [None, Field.EMAIL, Field.PHONE, Field.FULL_NAME]
    assert listing.count() == 9


def test_titles_above_the_header_and_the_line_of_excel_are_no_rows(opened: Opener) -> None:
    titled = opened("Kundenliste März 2026;;;\n;;;\n" + written([HEADER, *ROWS], ";"))
    assert (titled.header, cells(titled)) == (HEADER, ROWS)
    excel = opened("sep=;\n" + written([HEADER, *ROWS], ";"))
    assert (excel.header, cells(excel)) == (HEADER, ROWS)


def test_blanks_behind_the_comma_may_stand_before_a_quotation_mark(opened: Opener) -> None:
    listing = opened('name, email, note\nAnna, a@b.de, "x, y"\nBen, b@b.de, "z, w"\n')
    assert [row.note for row in typed_rows(listing, listing.proposal(), "DE")] == ["x, y", "z, w"]


def test_headers_said_twice_or_not_at_all_become_different(opened: Opener) -> None:
    listing = opened("Email,Email,,Name\na@b.de,c@d.de,x,Anna\n")
    assert listing.header == ["Email", "Email (2)", "Column 3", "Name"]
    assert listing.proposal()["Email (2)"] is None


def test_a_row_with_too_many_cells_is_a_problem_not_shifted(opened: Opener) -> None:
    listing = opened("Name,Address,City\nAnna,1, High St,Leeds\nBen,2 Low St,York,,\n")
    anna, ben = typed_rows(listing, listing.proposal(), "GB")
    assert [p.code for p in anna.problems] == ["too_many_cells"]
    assert not anna.is_valid
    assert anna.raw == ("Anna", "1", " High St", "Leeds")
    assert ben.is_valid
    assert ben.city == "York"


def test_cells_missing_at_the_end_are_empty_but_half_a_row_is_a_problem(opened: Opener) -> None:
    listing = opened("Name,Email,Phone,City,Notes\nAnna,a@b.de,030 1234567\nrest of a row\n")
    anna, rest = typed_rows(listing, listing.proposal(), "DE")
    assert anna.is_valid
    assert [p.code for p in rest.problems] == ["too_few_cells"]


def test_a_quotation_mark_that_never_closes_costs_one_row_only(opened: Opener) -> None:
    listing = opened('Name,Email\nAnna,a@b.de\n"Ben,b@b.de\nCara,c@b.de\n')
    anna, ben, cara = typed_rows(listing, listing.proposal(), "DE")
    assert (anna.name, cara.name) == ("Anna", "Cara")
    assert [(p.code, p.line) for p in ben.problems] == [("unclosed_quote", 3)]


def test_a_file_joined_of_two_encodings_keeps_its_letters(opened: Opener) -> None:
    listing = opened(
        "Name,City\nZoë,Köln\nÅsa,Malmö\nÉva,Pécs\n".encode() + "Jörg,Bonn\n".encode("cp1252")
    )
    assert [row.cells[0] for row in listing.rows()] == ["Zoë", "Åsa", "Éva", "Jörg"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n\n , \n", "no rows"),
        (b"PK\x03\x04xl/workbook", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel"),
        (b"\x1f\x8b\x08\0\0", "compressed"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"\n <table><tr><td>x", "web page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b'[\n{"name": "x"}]', "JSON"),
        (b"BEGIN:VCARD\nFN:x", "vCard"),
        (b"Name,Email\nAn\0na,a@b.de\n", "NUL"),
        (b"Name\n\x01\x02\x03\x04\x05\x06", "not text"),
    ],
)
def test_files_that_are_no_list_are_refused(opened: Opener, content: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=says) as refused:
        opened(content)
    assert str(refused.value).count(". ") == 0
    assert str(refused.value).endswith(".")


def test_limits_hold(opened: Opener) -> None:
    text = written([HEADER, *ROWS])
    with pytest.raises(Unreadable, match="larger than"):
        opened(text, Limits(max_bytes=10))
    few = opened(text, Limits(max_rows=2))
    with pytest.raises(Unreadable, match="more than 2 rows"):
        few.count()
    with pytest.raises(Unreadable, match="Line 2 is longer"):
        opened("Name,Email\n" + "x" * 1000, Limits(max_line_chars=100)).count()
    wide = opened("Name,Email\nAnna" + "," * 50 + "\n", Limits(max_cells=20))
    assert [row.broken for row in wide.rows()] == ["too_many_cells"]
    long = opened("Name,Email\n" + "x" * 50 + ",y\n", Limits(max_cell_chars=20))
    assert [row.broken for row in long.rows()] == ["cell_too_long"]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("Name,Email\n")
        file.writelines(f"Anna {n},anna{n}@beispiel.de\n" for n in range(60_000))
    listing = open_list(path, filename="long.csv", limits=Limits())
    tracemalloc.start()
    count = sum(1 for _ in listing.rows())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 60_000
    assert peak < 1_000_000


def test_a_single_column_needs_no_delimiter() -> None:
    assert dialect_of(["E-Mail\n", "a@b.de\n", "c@d.de\n"]).delimiter == ","
