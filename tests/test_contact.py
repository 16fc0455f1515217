import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.contact import (
    display_phone,
    first_phone,
    fold,
    normal_email,
    normal_phone,
    query_words,
    search_words,
)

COUNTRIES = ["US", "DE", "GB", "FR", "IT", "NL", "BR", "MX", "AR", "RU", "HU", "JP", "CA", "PT"]
countries = st.sampled_from(COUNTRIES)
phone_texts = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"[+0]{0,2}[1-9][0-9 ()./-]{3,16}", fullmatch=True),
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ÖZTÜRK Şükrü", "ozturk sukru"),
        ("Straße", "strasse"),
        ("Øster Łódź Đorđe", "oster lodz dorde"),
        ("İstanbul ISI", "istanbul isi"),
        ("Æsir œuvre þorn", "aesir oeuvre thorn"),
        ("Ｆｕｌｌ", "full"),
    ],
)
def test_case_and_accents_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Ariel@Example.COM ", "ariel@example.com"),
        ("mailto:a@b.de", "a@b.de"),
        ("mailto:a@b.de?subject=x", "a@b.de"),
        ("Anna Meier <Anna@Meier.de>", "anna@meier.de"),
        ("ａ@b.de", "a@b.de"),
        ("a\u200b@b.de", "a@b.de"),
        ("anna@müller.de", "anna@müller.de"),
        ("a@shop.test", "a@shop.test"),
        ("a@b", None),
        ("a..b@c.de", None),
        ("a@b@c.de", None),
        ("", None),
        ("@", None),
        ("x" * 65 + "@b.de", None),
        ("a b@c.de", None),
        ("NULL", None),
    ],
)
def test_addresses_come_out_in_one_form(text: str, address: str | None) -> None:
    assert normal_email(text) == address


@given(st.one_of(st.text(max_size=60), st.emails()))
def test_a_normal_address_stays_as_it_is(text: str) -> None:
    address = normal_email(text)
    assert address is None or normal_email(address) == address


@given(st.emails())
def test_proper_addresses_are_taken(text: str) -> None:
    local, _, domain = text.partition("@")
    if len(local) <= 64 and domain.isascii():
        assert normal_email(text) is not None


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("504-621-8927", "US", "+15046218927"),
        ("(422)787-2331x71127", "US", "+14227872331"),
        ("001-680-204-8312", "DE", "+16802048312"),
        ("001-680-204-8312", "US", "+16802048312"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("+49 (0)151 23456789", "DE", "+4915123456789"),
        ("0049 151 23456789", "US", "+4915123456789"),
        ("4915123456789", "DE", "+4915123456789"),
        ("4915123456789.0", "DE", "+4915123456789"),
        ("030/12345678", "DE", "+493012345678"),
        ("06-12348890", "NL", "+31612348890"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("tel:+49-151-23456789", "US", "+4915123456789"),
        ("867-5309", "US", None),
        ("4.91522E+11", "DE", None),
        ("4,91522E+11", "DE", None),
        ("phone work", "PL", None),
        ("", "US", None),
        ("\0", "US", None),
        ("0151 23456789", "", None),
        ("0151 23456789", "XX", None),
        ("9" * 300, "US", None),
    ],
)
def test_phones_are_read_as_people_write_them(text: str, country: str, number: str | None) -> None:
    assert normal_phone(text, country) == number


@given(phone_texts, countries)
def test_a_normal_phone_stays_as_it_is_in_every_country(text: str, country: str) -> None:
    number = normal_phone(text, country)
    if number is not None:
        assert {normal_phone(number, other) for other in COUNTRIES} == {number}


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.integers(0, 2))
def test_real_numbers_are_read_as_the_library_reads_them(region: str, style: int) -> None:
    example = phonenumbers.example_number(region)
    assert example is not None
    expected = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert normal_phone(phonenumbers.format_number(example, style), region) == expected


@given(st.from_regex(r"0?[1-9][0-9]{4,11}", fullmatch=True), countries)
def test_the_short_way_gives_the_answer_of_the_library(digits: str, country: str) -> None:
    number = normal_phone(digits, country)
    try:
        parsed = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    # The one thing we know better: a number that lost its plus sign.
    assert number in {e164, f"+{digits}", None}
    if phonenumbers.is_valid_number(parsed) and number != f"+{digits}":
        assert number == e164


def test_the_country_of_the_row_goes_before_the_vendors() -> None:
    assert first_phone("030 12345678", ("DE", "US")) == "+493012345678"
    assert first_phone("504-621-8927", ("MO", "US")) == "+15046218927"


def test_phones_are_shown_for_readers_abroad() -> None:
    assert display_phone("+15046218927") == "+1 504-621-8927"
    assert display_phone("+4915123456789") == "+49 1512 3456789"
    assert display_phone("nonsense") == "nonsense"


def test_a_customer_is_found_by_every_word_and_notation() -> None:
    found = search_words(
        full_name="Şükrü ÖZTÜRK",
        company="Öztürk & Straßenbau",
        email="s.oz-turk@mail.example.de",
        phones=["+4915123456789", None, "+15046218927"],
    ).split()
    assert len(found) == len(set(found))
    assert {"sukru", "ozturk", "strassenbau", "turk", "mail", "de"} <= set(found)
    assert {"4915123456789", "15123456789", "015123456789", "5046218927"} <= set(found)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("+49 151-23", ["4915123"]),
        ("0151 23", ["015123"]),
        ("0049 151", ["49151"]),
        ("+49 (0)151", ["49151"]),
        ("(504) 621", ["504621"]),
        ("Anna 0151 23", ["anna", "015123"]),
        ("Van der Meer", ["van", "der", "meer"]),
        ("A.b'\\@c.de", ["a.b@c.de"]),
        ("Ann a.b@ 0151 23", ["a.b@", "ann", "015123"]),
        ("@c.de", ["c", "de"]),
        ("\0An\nna\t", ["an", "na"]),
        ("a b c d e f g h", ["a", "b", "c", "d", "e", "f"]),
        ("% & | ! :*", []),
        ("", []),
    ],
)
def test_queries_become_words(query: str, words: list[str]) -> None:
    assert query_words(query) == words


@pytest.mark.parametrize("number", ["17850", "K-0071", "0049-12", "12/3456", "Ω-9", "A_1"])
def test_a_number_elsewhere_is_found_as_it_is_written(number: str) -> None:
    stored = search_words(full_name="Ana", reference=number).split()
    assert query_words(number)
    for word in query_words(number):
        assert any(found.startswith(word) for found in stored)


@given(st.text())
def test_any_query_is_a_few_short_words(query: str) -> None:
    words = query_words(query)
    assert len(words) <= 6
    assert all(1 <= len(word) <= 60 for word in words)
    assert all(c.isalnum() or c in "@.+-_" for word in words for c in word)


@given(st.emails(), st.integers(1, 80))
def test_an_email_is_found_by_its_beginning(email: str, typed: int) -> None:
    stored = search_words(email=email).split()
    for word in query_words(email[:typed]):
        assert any(found.startswith(word) for found in stored)


@given(st.from_regex(r"1[567][0-9]{8,9}", fullmatch=True), st.integers(3, 12))
def test_a_phone_is_found_by_the_beginning_of_any_notation(national: str, typed: int) -> None:
    stored = search_words(phones=[f"+49{national}"]).split()
    for notation in (f"+49 {national[:3]} {national[3:]}", f"0{national[:3]}/{national[3:]}"):
        (word,) = query_words(notation[:typed])
        assert any(found.startswith(word) for found in stored)
