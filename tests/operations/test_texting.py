"""How many parts a text message takes; the limits are those of 3GPP TS 23.038 and 23.040."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.operations.texting import size_of


@pytest.mark.parametrize(
    ("text", "length", "parts", "left"),
    [
        ("", 0, 0, 160),
        ("a" * 160, 160, 1, 0),
        ("a" * 161, 161, 2, 306 - 161),
        ("a" * 306, 306, 2, 0),
        ("a" * 307, 307, 3, 459 - 307),
        ("€" * 80, 160, 1, 0),
        ("€" * 81, 162, 2, 153 - 10),
        ("a" * 152 + "€" + "a" * 10, 164, 2, 153 - 12),
        ("é\nÄ@", 4, 1, 156),
        ("ł" * 70, 70, 1, 0),
        ("ł" * 71, 71, 2, 134 - 71),
        ("👋" * 35, 70, 1, 0),
        ("👋" * 36, 72, 2, 67 - 6),
    ],
)
def test_a_text_is_cut_where_phones_cut_it(text: str, length: int, parts: int, left: int) -> None:
    assert size_of(text)[:3] == (length, parts, left)


def test_the_character_that_makes_it_long_is_named() -> None:
    assert size_of("Olá às dez").wide == "á"
    assert size_of("Ola as dez").wide is None


@given(st.text(max_size=700))
def test_nothing_is_lost_between_the_parts(text: str) -> None:
    size = size_of(text)
    each = 153 if size.wide is None else 67
    if size.parts > 1:
        cut = size.parts * each - size.length - size.left
        assert 0 <= cut < size.parts  # at most one place a part, before a character of two
        assert 0 <= size.left < each
    assert (size.parts == 0) == (text == "")
