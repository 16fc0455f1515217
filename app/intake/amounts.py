"""Amounts and quantities as people write them: "1.234,50", "€ 12", "12,-", "1,000 pcs"."""

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from app.money import rounded

MOST_MONEY = Decimal("9999999999.99")
_LONGEST = 40
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009'’_]+")
_UNIT = r"(?:[^\W\d_]+\.?|[\u20a0-\u20cf$£¥¢])+"
_BEFORE, _BEHIND = re.compile(rf"^([-+]?){_UNIT}"), re.compile(rf"{_UNIT}$")
_DASHED = re.compile(r"[.,]-{1,2}$|[.,]–$|[.,]—$")
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?")
_ONE_MARK = re.compile(r"-?\d*[.,]\d+")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?:[.,]\d*)?")
_NO_NUMBER = frozenset({"nan", "inf", "infinity", "infinite", "null", "none"})


class Odd(ValueError):
    """A cell that is no amount; the code says why."""


@lru_cache(maxsize=256)
def comma_in(country: str) -> bool:
    """Whether a comma stands before the cents in this country (alpha-2)."""
    try:
        return bool(Locale.parse(f"und_{country}").number_symbols["latn"]["decimal"] == ",")
    except (UnknownLocaleError, ValueError, KeyError):
        return False


def decimal_comma(cells: Iterable[str], country: str) -> bool:
    """Whether a column writes its cents behind a comma, by its cells, else by the country."""
    commas = dots = 0
    for cell in cells:
        text = _bare(cell)
        comma, dot = text.rfind(","), text.rfind(".")
        if comma >= 0 and dot >= 0:
            commas, dots = commas + (comma > dot), dots + (dot > comma)
        elif _ONE_MARK.fullmatch(text) and not re.fullmatch(r"-?[1-9]\d{0,2}[.,]\d{3}", text):
            commas, dots = commas + (comma >= 0), dots + (dot >= 0)
    return commas > dots if commas != dots else comma_in(country)


def _bare(cell: str) -> str:
    """Without currency, units and blanks; a minus stands in front."""
    text = _SPACES.sub("", cell.strip())
    text = _DASHED.sub("", text.replace("\u2212", "-"))
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1]
    text = _BEHIND.sub("", _BEFORE.sub(r"\1", text))
    return f"-{text[:-1]}" if text.endswith("-") and len(text) > 1 else text


def number(cell: str, *, comma: bool) -> Decimal:
    """The number of a cell; `comma` tells whether cents stand behind one. Raises `Odd`."""
    word = cell.strip().strip("+-").casefold()
    if len(cell) > _LONGEST or word in _NO_NUMBER or "%" in cell:
        raise Odd("no_number")
    if re.search(r"\d[eE][+-]?\d", cell):
        raise Odd("rounded_number")
    text = _with_point(_bare(cell).removeprefix("+"), comma)
    if not (text.isascii() and _PLAIN.fullmatch(text)):
        raise Odd("no_number")
    return Decimal(text)


def _with_point(text: str, comma: bool) -> str:
    """Only digits, and a point before what is less than one."""
    if "," in text and "." in text:
        last = max(text.rfind(","), text.rfind("."))
        whole = text[:last]
        grouped = whole if "," in whole or "." in whole else ""
        if grouped and not _THOUSANDS.fullmatch(text):
            raise Odd("no_number")
        return re.sub(r"[.,]", "", whole) + "." + text[last + 1 :]
    mark = "," if "," in text else "."
    if text.count(mark) > 1:
        if not _THOUSANDS.fullmatch(text):
            raise Odd("no_number")
        return text.replace(mark, "")
    is_group = re.fullmatch(r"-?[1-9]\d{0,2}[.,]\d{3}", text) and (mark == ",") != comma
    if is_group:
        return text.replace(mark, "")
    text = text.replace(",", ".")
    return text.removesuffix(".") if not text.startswith(".") else f"0{text}"


def money(cell: str, *, comma: bool, decimals: int) -> Decimal:
    """An amount of 0 or more, rounded half-even to the currency's decimals. Raises `Odd`."""
    amount = number(cell, comma=comma)
    if amount < 0:
        raise Odd("negative_money")
    if amount > MOST_MONEY:
        raise Odd("too_much_money")
    return rounded(amount, decimals)


def whole(cell: str, *, comma: bool, least: int, most: int) -> int:
    """A whole number between two bounds. Raises `Odd`."""
    found = number(cell, comma=comma)
    if found != found.to_integral_value():
        raise Odd("not_whole")
    if found < least:
        raise Odd("negative_count" if found < 0 else "too_small")
    if found > most:
        raise Odd("too_many")
    return int(found)
