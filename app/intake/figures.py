"""Amounts and quantities as people and programs write them."""

import re
from collections.abc import Iterable
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import get_decimal_symbol

_MARKS = re.compile(r"[^\d.,]")
_CURRENCY = re.compile(
    r"^(?:[^\W\d_]{0,2}[€$£¥₹₺₽₴]|[^\W\d_]{1,3}\.?)\s*|\s*(?:[€$£¥₹₺₽₴]|[^\W\d_]{1,3}\.?)$"
)
_BLANKS = re.compile(r"[\s\u00a0\u202f'’]+")
_GROUPED = {
    ".": re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d*)?|\d+(?:\.\d*)?|\.\d+"),
    ",": re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d*)?|\d+(?:,\d*)?|,\d+"),
}
_LONGEST = 40


def decimal_mark(cells: Iterable[str], country: str) -> str:
    """The mark before the cents in a column: "." or ",", by most cells; else the country's."""
    dot = comma = 0
    for cell in cells:
        marks = _MARKS.sub("", cell)
        last = max(marks.rfind("."), marks.rfind(","))
        if last < 0:
            continue
        mark = marks[last]
        other = "," if mark == "." else "."
        if other in marks:
            found = mark
        elif marks.count(mark) > 1:
            found = other  # it groups thousands
        elif len(marks) - last - 1 != 3 or last > 3 or marks[0] in "0.,":
            found = mark
        else:
            continue  # 1,234 may be either
        dot, comma = dot + (found == "."), comma + (found == ",")
    if dot == comma:
        return _usual_mark(country)
    return "." if dot > comma else ","


def _usual_mark(country: str) -> str:
    try:
        mark = get_decimal_symbol(Locale.parse(f"und_{country.upper()}"))
    except (ValueError, UnknownLocaleError):
        return "."
    return "," if mark == "," else "."


def number(text: str, mark: str) -> Decimal | None:
    """What a cell says, None if that is no number; "(12.50)" and "12.50-" are less than nothing.

    A sign of a currency may stand before or behind. No exponents, no NaN.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    negative = text.startswith("(") and text.endswith(")")
    text = text[1:-1] if negative else text
    text = _BLANKS.sub("", text.replace("\u2212", "-"))
    for sign in ("-", "+"):
        if sign in text:
            bare = text.replace(sign, "", 1)
            if not (text[0] == sign or text[-1] == sign or _CURRENCY.sub("", text)[:1] == sign):
                return None
            negative, text = negative != (sign == "-"), bare
    text = _CURRENCY.sub("", text)
    text = _CURRENCY.sub("", text) if text and not text.isascii() else text
    if not text.isascii() or not _GROUPED[mark].fullmatch(text):
        return None
    plain = text.replace("," if mark == "." else ".", "").replace(",", ".")
    value = Decimal(plain)
    return -value if negative else value
