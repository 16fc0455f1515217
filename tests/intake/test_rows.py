"""Cells become values, doubts become problems, and nothing a file holds raises an error."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock
from app.intake import Decisions, RawRow, decide, typed, values
from app.intake.samples import Sample
from app.intake.values import DateOrder
from app.staging import Field, TypedRow

TODAY = date(2026, 6, 1)
BY_NAME: dict[str, Field | None] = {str(field): field for field in Field}


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with clock.stopped_at(datetime(2026, 6, 1, tzinfo=UTC)):
        yield


def read(vendor: str = "DE", /, decisions: Decisions | None = None, **cells: str) -> TypedRow:
    raw = RawRow(2, None, tuple(cells.values()))
    return typed(raw, BY_NAME, header=list(cells), country=vendor, decisions=decisions)


def codes(row: TypedRow) -> list[tuple[str, bool]]:
    return [(problem.code, problem.fatal) for problem in row.problems]


def test_a_full_row_comes_out_in_one_form() -> None:
    row = read(
        first_name="  Zoë\u00a0 ",
        last_name="O’Neill",
        email="ZOE@Example.com",
        phone="0151 23456789",
        phone_2="'030/12345678",
        line1="Hauptstr. 1\nHinterhaus",
        country="Allemagne",
        birthday="03.04.88",
        tags="VIP; vip, Neu",
        status="Aktiv",
        marketing_email="ja",
        marketing_sms="Nein",
        note="one\r\ntwo",
    )
    assert row.problems == ()
    assert (row.name, row.email) == ("Zoë O’Neill", "zoe@example.com")
    assert (row.phone, row.phone_2) == ("+4915123456789", "+493012345678")
    assert (row.line1, row.line2, row.country) == ("Hauptstr. 1", "Hinterhaus", "DE")
    assert row.birthday == date(1988, 4, 3)
    assert (row.tags, row.status) == (("VIP", "Neu"), "active")
    assert (row.marketing_email, row.marketing_sms) == (True, False)
    assert row.note == "one\ntwo"


@pytest.mark.parametrize("word", ["NULL", "n/a", "-", "—", "None", " ", "(null)", "#N/A", '=""'])
def test_cells_that_say_nothing_are_empty(word: str) -> None:
    row = read(full_name="Anna", company=word, email=word, city=word, birthday=word)
    assert row.problems == ()
    assert (row.company, row.email, row.city, row.birthday) == (None, None, None, None)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("email", "anna at home", "email_unreadable"),
        ("phone", "867-5309", "phone_unreadable"),
        ("phone", "4.91522E+11", "rounded_number"),
        ("country", "Atlantis", "country_unknown"),
        ("birthday", "yesterday", "birthday_unreadable"),
        ("birthday", "31.02.1990", "birthday_unreadable"),
        ("birthday", "01.01.2027", "birthday_in_future"),
        ("birthday", "01.01.1899", "birthday_too_early"),
        ("status", "purple", "status_unknown"),
        ("marketing_email", "perhaps", "consent_unreadable"),
        ("city", "x" * 500, "too_long"),
    ],
)
def test_what_cannot_be_read_leaves_its_field_empty_and_keeps_the_customer(
    field: str, value: str, code: str
) -> None:
    row = read("US", full_name="Marge", **{field: value})
    assert codes(row) == [(code, False)]
    assert getattr(row, field) is None
    assert row.is_valid
    (problem,) = row.problems
    assert (problem.line, problem.column, problem.field) == (2, field, Field(field))
    assert ": " in problem.message
    assert problem.message.endswith(".")
    assert "\n" not in problem.message


def test_a_row_of_nobody_is_invalid() -> None:
    assert codes(read(city="Berlin")) == [("no_identity", True)]
    assert codes(read(email="broken", city="Berlin")) == [("email_unreadable", True)]
    assert codes(read(birthday="broken")) == [("birthday_unreadable", False), ("no_identity", True)]
    assert read(phone_2="030 12345678").phone == "+493012345678"


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        ({"first_name": "Anna", "last_name": "Meier"}, "Anna Meier"),
        ({"last_name": "Meier", "company": "Foo"}, "Meier"),
        ({"company": "Foo, Inc."}, "Foo, Inc."),
        ({"full_name": "Foo", "first_name": "Thor", "company": "foo"}, "Thor"),
        ({"full_name": "Anna ::: Ann"}, "Anna"),
        ({"email": "a@b.de"}, None),
    ],
)
def test_what_a_customer_is_called(cells: dict[str, str], name: str | None) -> None:
    assert read(**cells).name == name


def test_the_country_of_the_row_reads_its_phone() -> None:
    row = read("US", full_name="Anna", phone="0151 23456789", country="Germany")
    assert row.phone == "+4915123456789"


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("0151 23456789 / 030 12345678", "+4915123456789"),
        ("n.a.; 030 12345678", "+493012345678"),
        ("+49 30 12345678 ::: +49 30 87654321", "+493012345678"),
        ("030 12345678 ext. 12", "+493012345678"),
    ],
)
def test_of_several_phones_in_a_cell_the_first_is_taken(cell: str, number: str) -> None:
    assert read(full_name="Anna", phone=cell).phone == number


def test_of_several_addresses_in_a_cell_the_first_is_taken() -> None:
    assert read(email="* Home ::: x; a@b.de, c@d.de").email == "a@b.de"


def decided(column: str, cells: list[str], country: str = "DE") -> Decisions:
    rows = tuple(RawRow(i, None, (cell,)) for i, cell in enumerate(cells))
    return decide(Sample((column,), True, rows), BY_NAME, country)


@pytest.mark.parametrize(
    ("cells", "country", "order", "proved"),
    [
        (["03/04/1988", "13/11/1979"], "US", DateOrder.DAY_FIRST, True),
        (["03/04/1988", "11/13/1979"], "DE", DateOrder.MONTH_FIRST, True),
        (["03/04/1988"], "US", DateOrder.MONTH_FIRST, False),
        (["03/04/1988"], "NL", DateOrder.DAY_FIRST, False),
        (["1988-04-03"], "NL", DateOrder.YEAR_FIRST, True),
        ([], "NL", DateOrder.DAY_FIRST, False),
    ],
)
def test_the_order_of_dates_is_decided_once_for_the_column(
    cells: list[str], country: str, order: DateOrder, proved: bool
) -> None:
    decisions = decided("birthday", cells, country)
    assert (decisions.date_order, decisions.date_order_proved) == (order, proved)


@pytest.mark.parametrize(
    ("cell", "order", "day"),
    [
        ("1988-04-03", DateOrder.DAY_FIRST, date(1988, 4, 3)),
        ("1988-04-03T00:00:00Z", DateOrder.DAY_FIRST, date(1988, 4, 3)),
        ("1988/4/3 12:30", DateOrder.MONTH_FIRST, date(1988, 4, 3)),
        ("3.4.1988", DateOrder.DAY_FIRST, date(1988, 4, 3)),
        ("4/3/1988", DateOrder.MONTH_FIRST, date(1988, 4, 3)),
        ("03-04-26", DateOrder.DAY_FIRST, date(2026, 4, 3)),
        ("03-04-27", DateOrder.DAY_FIRST, date(1927, 4, 3)),
        ("19880403", DateOrder.DAY_FIRST, date(1988, 4, 3)),
        ("32236", DateOrder.DAY_FIRST, date(1988, 4, 3)),
        ("3 April 1988", DateOrder.DAY_FIRST, date(1988, 4, 3)),
        ("Apr 3rd, 1988", DateOrder.DAY_FIRST, date(1988, 4, 3)),
        ("3. März 1988", DateOrder.DAY_FIRST, date(1988, 3, 3)),
        ("3 de abril de 1988", DateOrder.DAY_FIRST, date(1988, 4, 3)),
        ("1988", DateOrder.DAY_FIRST, None),
        ("13/13/1988", DateOrder.DAY_FIRST, None),
        ("04/13/1988", DateOrder.DAY_FIRST, None),
        ("0000-00-00", DateOrder.DAY_FIRST, None),
        ("99999999999", DateOrder.DAY_FIRST, None),
    ],
)
def test_dates_are_read_as_people_write_them(cell: str, order: DateOrder, day: date | None) -> None:
    assert values.birthday(cell, order, TODAY) == day


def test_last_first_is_turned_where_the_file_does_so() -> None:
    decisions = decided("full_name", ["Van der Meer, Jip", "ÖZTÜRK Şükrü", "de Wit, B."])
    assert decisions.last_name_first
    assert read(decisions=decisions, full_name="Van der Meer, Jip").name == "Jip Van der Meer"
    assert read(decisions=decisions, full_name="ÖZTÜRK Şükrü").name == "ÖZTÜRK Şükrü"
    assert read(decisions=decisions, full_name="Foo, Inc.").name == "Foo, Inc."
    assert not decided("full_name", ["Foo, Inc.", "Bar, Ltd", "Anna Meier"]).last_name_first


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Germany", "DE"),
        ("deutschland", "DE"),
        ("DEU", "DE"),
        ("de", "DE"),
        ("UK", "GB"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("Turks and Caicos Islands", "TC"),
        ("Holy See (Vatican City State)", "VA"),
        ("Moldova, Republic of", "MD"),
        ("Türkei", "TR"),
        ("Norge", "NO"),
        ("日本", "JP"),
        ("Россия", "RU"),
        ("ZZ", None),
        ("EU", None),
        ("Springfield", None),
        ("!", None),
    ],
)
def test_countries_are_known_by_code_and_name(text: str, code: str | None) -> None:
    assert values.country_code(text) == code


def test_groups_of_a_program_are_no_tags() -> None:
    assert values.tags("* My Contacts ::: Test ::: test") == ("Test",)
    assert len(values.tags(",".join(map(str, range(500))))) == values.MAX_TAGS


cell = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["4.9E+11", "a@b", "NaN", "\0", "1e999", "٣٤", "²", "9" * 400, "\ud800", ","]),
    st.from_regex(r"\d{1,4}[-./]\d{1,4}[-./]\d{1,6}", fullmatch=True),
    st.from_regex(r"[+0]?[\d ()/-]{3,30}", fullmatch=True),
)


@given(st.lists(cell, max_size=24), st.sampled_from(["DE", "US", "", "XX", "JP"]))
def test_typing_never_fails_and_is_the_same_twice(cells: list[str], country: str) -> None:
    raw = RawRow(7, 3, tuple(cells))
    row = typed(raw, BY_NAME, header=list(BY_NAME), country=country)
    assert row == typed(raw, BY_NAME, header=list(BY_NAME), country=country)
    assert (row.line, row.page, row.raw) == (7, 3, tuple(cells))
    assert row.is_valid == bool(row.name or row.email or row.phone)
    for text in (row.full_name, row.company, row.city, row.note, row.email, *row.tags):
        assert text is None or "\0" not in text


@given(st.text(max_size=80))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert values.clean(values.clean(text)) == values.clean(text)


@given(cell, st.sampled_from(list(DateOrder)))
def test_a_birthday_is_a_day_or_nothing(text: str, order: DateOrder) -> None:
    day = values.birthday(text, order, TODAY)
    if day is not None:
        assert values.birthday(day.isoformat(), order, TODAY) == day
