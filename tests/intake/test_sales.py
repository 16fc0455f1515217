"""What stands in a list of past sales is what is staged: when, who, what, how many, how much."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock
from app.intake import Limits, Marks, RawRow, SaleReader, marks_of, moments, open_list, reading
from app.intake.figures import decimal_mark, number
from app.intake.samples import Sample
from app.intake.values import DateOrder, clean
from app.past_sales import BUYER, ITEM, LINE
from tests.chance import examples

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HEADER = ("Order", "Date", "Customer number", "Customer name", "E-mail", "Phone", "Item", "SKU",
          "Kind", "Quantity", "Unit price", "Amount", "Channel")  # fmt: skip
_BEHIND = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}


@dataclass
class Told:
    """What was staged of a list, column by column."""

    marks: Marks
    lines: list[dict[str, Any]]
    buyers: list[dict[str, Any]]
    items: list[dict[str, Any]]

    def line(self, *names: str) -> list[tuple[Any, ...]]:
        """These columns of every line."""
        return [tuple(line[name] for name in names) for line in self.lines]


def unpacked(text: str, names: Sequence[str]) -> dict[str, Any]:
    """A row as COPY reads it: no more and no fewer columns than the table has."""
    assert text.endswith("\n")
    cells = text[:-1].split("\t")
    assert "\n" not in text[:-1]
    values = [
        None if cell == "\\N" else re.sub(r"\\[\\tnr]", lambda m: _BEHIND[m[0]], cell)
        for cell in cells
    ]
    return dict(zip(names, values, strict=True))


def staged(reader: SaleReader, rows: Sequence[RawRow], marks: Marks) -> Told:
    piece = reader.piece(rows, 1)
    return Told(
        marks,
        [unpacked(line, LINE) for line in piece.lines],
        [unpacked(buyer, BUYER) for buyer in piece.buyers],
        [unpacked(item, ITEM) for item in piece.items],
    )


def told(path: Path, content: bytes | str, country: str = "DE", zone: tzinfo = BERLIN) -> Told:
    """A file, read as the import reads it."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    listing = open_list(path, filename=path.name, limits=Limits(), subject="sales")
    mapping = reading("sales").propose(listing.sample)
    assert list(mapping.values()) == [*dict.fromkeys(mapping.values())]
    marks = marks_of(listing, mapping, country)
    with clock.stopped_at(NOW):
        reader = SaleReader(listing.header, mapping, marks, country, zone)
    return staged(reader, list(listing.rows()), marks)


def written(
    rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER, delimiter: str = ","
) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([header, *rows])
    return out.getvalue()


def sale(**cells: str) -> list[str]:
    """A line: a soap for ten, sold on 3 April 2024, unless said otherwise."""
    usual = {"Date": "2024-04-03", "Item": "Soap", "Amount": "10.00"}
    named = {name.replace(" ", "_").replace("-", "").lower(): name for name in HEADER}
    said = usual | {named[name]: cell for name, cell in cells.items()}
    return [said.get(name, "") for name in HEADER]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sales.csv"


# --- when ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "at"),
    [
        ("2024-04-03", "2024-04-02T22:00"), ("20240403", "2024-04-02T22:00"),
        ("03.04.2024 14:30", "2024-04-03T12:30"), ("3.4.24, 14.30", "2024-04-03T12:30"),
        ("3/4/2024 2:30 PM", "2024-04-03T12:30"), ("3/4/2024 12:05 a.m.", "2024-04-02T22:05"),
        ("2024/04/03 14:30:05", "2024-04-03T12:30:05"), ("03.04.2024 14h30", "2024-04-03T12:30"),
        ("3 April 2024", "2024-04-02T22:00"), ("Apr 3, 2024 9:05 am", "2024-04-03T07:05"),
        ("3 de abril de 2024", "2024-04-02T22:00"), ("3. März 2024", "2024-03-02T23:00"),
        ("2024-04-03T14:30:00Z", "2024-04-03T14:30"), ("2024年4月3日", "2024-04-02T22:00"),
        ("2024-04-03 14:30:00.250+05:30", "2024-04-03T09:00:00.250000"),
        ("03.04.2024 14:30 UTC", "2024-04-03T14:30"),
        ("03.04.2024 14:30 -0500", "2024-04-03T19:30"),
        ("45385", "2024-04-02T22:00"), ("45385.75", "2024-04-03T16:00"),
        ("٠٣.٠٤.٢٠٢٤", "2024-04-02T22:00"), ("  2024-04-03  ", "2024-04-02T22:00"),
        ("2024-03-31 02:30", "2024-03-31T01:30"), ("2024-10-27 02:30", "2024-10-27T00:30"),
        ("2024-02-29", "2024-02-28T23:00"), ("1900-01-02", "1900-01-01T23:00"),
    ],
)  # fmt: skip
def test_when_something_was_sold_is_read_in_many_spellings(cell: str, at: str) -> None:
    moment, why = moments.reader(DateOrder.DAY_FIRST, BERLIN, NOW)(cell)
    assert (moment, why) == (datetime.fromisoformat(f"{at}+00:00").isoformat(), None)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        *((cell, "date_unreadable") for cell in (
            "", "soon", "32.01.2024", "2024-02-30", "29.02.2023", "12:30", "2024", "NaN",
            "2024-04-03 25:00", "2024-04-03 13:30 PM", "03.04.2024 14:61", "0001-01-01", "1/2",
            "3 April May 2024", "00000", "\0", "9" * 5000, "2024-04-03" * 7, "-1", "²⁰²⁴-04-03",
        )),
        ("1899-12-31", "date_too_early"), ("03.04.1066", "date_too_early"),
        ("2026-11-20 14:00", "date_in_future"), ("9999-12-31", "date_in_future"),
        ("99999", "date_in_future"),
    ],
)  # fmt: skip
def test_what_is_no_day_of_the_past_is_refused(cell: str, code: str) -> None:
    if cell == "00000":
        code = "date_too_early"  # the day before the first of a spreadsheet
    assert moments.reader(DateOrder.DAY_FIRST, BERLIN, NOW)(cell) == (None, code)


def test_all_of_a_column_says_which_part_of_a_date_comes_first(path: Path) -> None:
    for last, at in (("25/02/2024", "2024-01-31"), ("02/25/2024", "2024-01-01")):
        rows = [sale(date=day) for day in ("01/02/2024", last)]
        found = told(path, written(rows))
        assert found.marks.date_order_proved
        assert found.lines[0]["sold_at"].startswith(at)
    unsure = written([sale(date="01/02/2024")])
    assert told(path, unsure).lines[0]["sold_at"].startswith("2024-01-31T23:00")
    here = told(path, unsure, "US", NEW_YORK)
    assert (here.marks.date_order_proved, here.lines[0]["sold_at"][:13]) == (
        False, "2024-01-02T05",
    )  # fmt: skip


def test_a_time_of_its_own_column_belongs_to_the_day(path: Path) -> None:
    rows = [("03.04.2024", "14:30", "3"), ("2024-04-03 00:00:00", "2:30 pm", "3"),
            ("03.04.2024", "", "3"), ("03.04.2024", "late", "3")]  # fmt: skip
    found = told(path, written(rows, ("Date", "Time", "Amount")))
    assert found.line("sold_at", "code") == [
        ("2024-04-03T12:30:00+00:00", None), ("2024-04-03T12:30:00+00:00", None),
        ("2024-04-02T22:00:00+00:00", None), (None, "date_unreadable"),
    ]  # fmt: skip


# --- how many, and for how much -----------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "mark", "says"),
    [("1.234,50", ",", "1234.50"), ("1,234.50", ".", "1234.50"), ("12.345.678", ",", "12345678"),
     ("1,23,456.7", ".", "123456.7"), ("€ 12,50", ",", "12.50"), ("12.50 EUR", ".", "12.50"),
     ("R$ 7", ",", "7"), ("12.50-", ".", "-12.50"), ("(12.50)", ".", "-12.50"), ("-€5", ".", "-5"),
     ("€-5", ".", "-5"), ("\u22124", ".", "-4"), ("+3", ".", "3"), (".5", ".", "0.5"),
     ("1\u202f234,5", ",", "1234.5"), ("1'234.50", ".", "1234.50"), ("(-3)", ".", "3"),
     ("7.", ".", "7"), ("0,00", ",", "0"), ("9" * 40, ".", "9" * 40)],
)  # fmt: skip
def test_amounts_are_read_as_tills_write_them(cell: str, mark: str, says: str) -> None:
    assert number(cell, mark) == Decimal(says)


@pytest.mark.parametrize(
    "cell",
    ["", "NaN", "Infinity", "-inf", "1e5", "1.2.3", "--5", "5-5", "12%", "twelve", "0x10", "1/2",
     "١٢", "²", "1,5", "1.2 x 3", "9" * 41, "()", "-", ".", "(1", "1)", "\0"],
)  # fmt: skip
def test_what_is_no_amount_is_none(cell: str) -> None:
    assert number(cell, ".") is None


def test_most_cells_say_where_the_cents_stand_else_the_country() -> None:
    for cells, country, mark in (
        (["1.000", "2,50"], "US", ","), (["1,000", "2.50"], "DE", "."), (["1.000"], "DE", ","),
        (["1,234"], "US", "."), ([], "XX", "."), (["1.000.000"], "US", ","), (["0,125"], "US", ","),
        (["2.5", "2.5", "2,5"], "DE", "."),
    ):  # fmt: skip
        assert decimal_mark(cells, country) == mark


FIGURES = [
    # quantity, price of one, amount of the line -> pieces, price of one, amount; or why not
    (("3", "", "10.00"), ("3", "3.34", "10.00")),
    (("", "4.50", ""), ("1", "4.50", "4.50")),
    (("2", "6.00", "11.00"), ("2", "6.00", "11.00")),
    (("2", "5.00", "11.00"), ("2", "5.50", "11.00")),
    (("-2", "", "9.00"), ("-2", "4.50", "9.00")),
    (("-2", "", "-9.00"), ("-2", "4.50", "9.00")),
    (("(2)", "4.50", ""), ("-2", "4.50", "9.00")),
    (("2.0", "", "0"), ("2", "0.00", "0.00")),
    (("1,000", "0.001", ""), ("1000", "0.01", "1.00")),
    (("1", "", "0.125"), ("1", "0.12", "0.12")),
    (("1", "", "99999999.98"), ("1", "99999999.98", "99999999.98")),
    (("10000000", "", "1.00"), ("10000000", "0.01", "1.00")),
    (("0", "", "5.00"), "quantity_zero"),
    (("-0", "", "5.00"), "quantity_zero"),
    (("1.5", "", "5.00"), "quantity_unreadable"),
    (("two", "", "5.00"), "quantity_unreadable"),
    (("1e3", "", "5.00"), "quantity_unreadable"),
    (("10000001", "", "5.00"), "quantity_too_large"),
    (("-99999999999999999999", "", "5.00"), "quantity_too_large"),
    (("1", "", ""), "amount_missing"),
    (("1", "", "n/a"), "amount_missing"),
    (("1", "NaN", "Infinity"), "amount_unreadable"),
    (("1", "", "-3.00"), "negative_price"),
    (("-1", "-3.00", ""), "negative_price"),
    (("1", "", "99999999.99"), "amount_too_large"),
    (("1", "9" * 39, ""), "amount_too_large"),
    (("10000000", "99999999", ""), "amount_too_large"),
    (("1", "", "9" * 41), "amount_unreadable"),
]


def test_pieces_price_and_amount_agree_or_say_why_not(path: Path) -> None:
    rows = [sale(quantity=q, unit_price=p, amount=a) for (q, p, a), _ in FIGURES]
    found = told(path, written([*rows, sale(amount="2.50")]), "US")
    for (said, expected), line in zip(FIGURES, found.lines, strict=False):
        what = line["code"] or (line["quantity"], line["unit_price"], line["total"])
        assert what == expected or tuple(map(Decimal, what)) == tuple(map(Decimal, expected)), said
    kept = {line["code"]: line["raw"] is not None for line in found.lines if line["code"]}
    assert all(kept.values())
    back = [line for line in found.lines if (line["quantity"] or "").startswith("-")]
    assert len(back) == 3
    assert all(line["raw"] for line in back)  # a return that finds no sale is shown as it stood


# --- who, and what --------------------------------------------------------------------------


def test_lines_of_one_number_and_buyer_are_one_order_else_those_of_one_moment(path: Path) -> None:
    at = "2024-04-03 10:00"
    found = told(path, written([
        sale(order="7", customer_number="A", date="2024-04-01"),
        sale(order="8", customer_number="A"),
        sale(order="7", customer_number="A", date="2024-04-09"),
        sale(order="7", customer_number="B"),
        sale(order="7"), sale(date=at), sale(date=at, item="Comb"), sale(date="2024-04-03 10:01"),
        sale(date=at, customer_number="A"), sale(date="2024-04-03 08:00:00Z"),
    ]))  # fmt: skip
    keys = [key for (key,) in found.line("order_key")]
    numbered = [keys.index(key) for key in keys]
    assert numbered == [0, 1, 0, 3, 4, 5, 5, 7, 8, 5]
    assert [reference for (reference,) in found.line("reference")][:6] == [*"78777", None]


def test_a_buyer_is_a_number_else_an_address_else_a_name_else_nobody(path: Path) -> None:
    found = told(path, written([
        sale(customer_number="17850.0", customer_name="Ana"), sale(customer_number="17850"),
        sale(email="Ana@Example.COM", customer_name="Ana B"), sale(email=" ana@example.com "),
        sale(phone="0151 23456789"), sale(customer_name="Ana B"), sale(),
        sale(customer_number="n/a"), sale(email="nobody"),
        sale(email="nobody", customer_name="Eve"), sale(phone="12"),
    ]))  # fmt: skip
    who = [buyer for (buyer,) in found.line("buyer")]
    assert [who.index(one) if one else None for one in who] == [
        0, 0, 2, 2, 4, 5, None, None, None, 9, None,
    ]  # fmt: skip
    keyed = {  # who is named twice is whom the first line names
        b["key"]: (b["reference"], b["full_name"], b["email"], b["phone"])
        for b in reversed(found.buyers)
    }
    assert set(who) - {None} == set(keyed)
    assert keyed[who[0]] == ("17850", "Ana", None, None)
    assert keyed[who[2]] == (None, "Ana B", "ana@example.com", None)
    assert keyed[who[4]] == (None, None, None, "+4915123456789")
    assert keyed[who[5]] == ("Ana B", "Ana B", None, None)
    wrong = [(line["code"], "unreadable" in (line["problems"] or "")) for line in found.lines[8:]]
    assert wrong == [(None, True)] * 3  # the line stays in, its buyer is who else it names


def test_an_item_is_its_code_else_its_name_in_any_case(path: Path) -> None:
    found = told(path, written([
        sale(sku="S-1", item="Soap"), sale(sku="S-1", item="Fine soap"), sale(item="SÓAP"),
        sale(item="soap"), sale(item="Soap", kind="Dienstleistung"),
        sale(item="Soap", kind="goods"), sale(item="Soap", kind="thing"), sale(item=""),
    ]))  # fmt: skip
    what = [item for (item,) in found.line("item")]
    assert [what.index(one) if one else None for one in what] == [0, 0, 2, 2, 4, 5, None, 7]
    kinds = {item["key"]: item["kind"] for item in found.items}
    assert [kinds[what[n]] for n in (0, 2, 4, 5, 7)] == [None, None, "service", "product", None]
    assert found.lines[6]["code"] == "kind_unknown"
    assert [line["name"] for line in found.lines[:3]] == ["Soap", "Fine soap", "SÓAP"]


@pytest.mark.parametrize(
    ("cell", "channel", "said"),
    [("Web-Shop", "online", False), ("FILIALE", "walk_in", False), ("téléphone", "phone", False),
     ("", "import", False), ("pigeon", "import", True)],
)  # fmt: skip
def test_a_channel_is_one_of_ours_or_a_problem_that_keeps_the_line(
    path: Path, cell: str, channel: str, said: bool
) -> None:
    [line] = told(path, written([sale(channel=cell)])).lines
    assert (line["channel"], line["code"]) == (channel, None)
    assert ("channel_unknown" in (line["problems"] or "")) is said


# --- what files do --------------------------------------------------------------------------


def test_nul_torn_rows_and_mixed_encodings_stay_with_their_rows(path: Path) -> None:
    head = "Date;Item;Quantity;Amount\n"
    content = head.encode() + (
        "2024-04-03;Öl aus Köln für Zoë;1;3,00\n".encode() * 3
        + "2024-04-03;Öl aus Köln für Zoë;1;3,00\n".encode("cp1252")
        + b"2024-04-03;a\0b;1;3,00\n"
        + b"2024-04-03;Soap;1;3,00;more\n"
        + b"2024-04-03\n"
        + b'2024-04-03;"S\\o\tap\nwith a break";1;3,00;;\n'
        + b'2024-04-03;"never closed;1;3,00\n'
    )
    found = told(path, content)
    assert found.line("code") == [
        (None,), (None,), (None,), (None,), ("nul",), ("too_many_cells",), ("too_few_cells",),
        (None,), ("unclosed_quote",),
    ]  # fmt: skip
    names = [name for (name,) in found.line("name")]
    assert names[:4] == ["Öl aus Köln für Zoë"] * 4
    assert names[7] == "S\\o ap with a break"
    assert len({item for (item,) in found.line("item")[:4]}) == 1
    assert [line["position"] for line in found.lines] == [str(n) for n in range(1, 10)]
    assert "\0" not in (found.lines[4]["raw"] or "")
    digests = [digest for (digest,) in found.line("digest")]
    assert len(set(digests[:4])) == 1
    assert len(set(digests)) == 6


letters = st.text(st.sampled_from("aZß鏡م'\"\\;,|<&\u00e9"), min_size=1, max_size=6)
words = st.lists(letters, min_size=1, max_size=3).map(" ".join).filter(lambda w: clean(w) == w)
moments_of_the_past = st.datetimes(datetime(1971, 1, 1), datetime(2026, 11, 1)).map(
    lambda at: at.replace(microsecond=0)
)
sold = st.lists(
    st.tuples(
        st.sampled_from(["", "1", "A-2", "0003"]),
        moments_of_the_past,
        st.one_of(st.just(""), words),
        words,
        st.integers(1, 9_999) | st.integers(-9_999, -1),
        st.integers(0, 9_999_999_997),
    ),
    min_size=1, max_size=8,
)  # fmt: skip
STYLES = {
    # country: how a date, and an amount in cents, are written there
    "DE": ("%d.%m.%Y %H:%M:%S", lambda c: f"{c // 100:,}".replace(",", ".") + f",{c % 100:02}"),
    "US": ("%m/%d/%Y %I:%M:%S %p", lambda c: f"${c // 100:,}.{c % 100:02}"),
    "GB": ("%d %B %Y %H:%M:%S", lambda c: f"{c // 100}.{c % 100:02} £"),
    "SE": ("%Y-%m-%d %H:%M:%S", lambda c: f"{c // 100},{c % 100:02} kr"),
}


@examples(40)
@given(sold, st.sampled_from(sorted(STYLES)), st.sampled_from([",", ";", "\t", "|"]))
def test_what_a_till_wrote_is_what_is_staged(
    tmp_path_factory: pytest.TempPathFactory, sales: list[Any], country: str, delimiter: str
) -> None:
    day, money = STYLES[country]
    rows = [
        (order, at.strftime(day), who, what, str(pieces), money(cents))
        for order, at, who, what, pieces, cents in sales
    ]
    path = tmp_path_factory.mktemp("till") / "sales.csv"
    header = ("Order number", "Date", "Customer number", "Item", "Quantity", "Amount")
    found = told(path, written(rows, header, delimiter), country, UTC)
    people = {buyer["key"]: buyer["reference"] for buyer in found.buyers}
    items = {item["key"]: item["name"] for item in found.items}
    assert (len(people), len(items)) == (len(found.buyers), len(found.items))
    for (order, at, who, what, pieces, cents), line in zip(sales, found.lines, strict=True):
        assert line["code"] is None, (line, rows)
        assert datetime.fromisoformat(line["sold_at"]) == at.replace(tzinfo=UTC)
        assert (line["reference"] or "", people.get(line["buyer"]) or "") == (order, who)
        assert line["name"] == what
        assert items[line["item"]].casefold() == what.casefold()
        total, each = Decimal(line["total"]), Decimal(line["unit_price"])
        assert (int(line["quantity"]), total) == (pieces, Decimal(cents) / 100)
        assert each == (total / abs(pieces)).quantize(Decimal("0.01"), ROUND_CEILING)


anything = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


@examples(60)
@given(st.lists(st.lists(anything, max_size=15), min_size=1, max_size=4))
def test_whatever_stands_in_the_cells_each_row_is_one_line_for_copy(rows: list[list[str]]) -> None:
    mapping = reading("sales").propose(Sample(HEADER, has_header=True, rows=()))
    with clock.stopped_at(NOW):
        reader = SaleReader(HEADER, mapping, Marks(), "DE", BERLIN)
    raw = [RawRow(n, None, tuple(cells)) for n, cells in enumerate(rows, 2)]
    for line in staged(reader, raw, Marks()).lines:
        assert (line["code"] is None) == (line["total"] is not None)
        assert line["code"] is None or line["problems"] is not None
