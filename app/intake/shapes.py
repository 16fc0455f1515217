"""What a cell looks like, whatever its column is called."""

import re

from app.contact import first_phone, normal_email

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
_NUMBER = re.compile(r"[-+]?[\d.,' \u00a0]*\d[\d.,' \u00a0]*%?")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[ T][\d:.Z+ -]*)?")
_PHONE = re.compile(
    r"[+(]?\d[\d\s().\u2010-\u2015/-]{5,}(?:\s*(?:x|ext\.?|#)\s*\d+)?", re.IGNORECASE
)
_SPACED = re.compile(r"(?<=[\d/.-]) (?=[\d/.-])")  # 0 3 / 2 5 / 2 0 16, as some PDFs write
_AMOUNT = re.compile(r"\d+[.,]\d+")
_SPOKEN = re.compile(r"[+(). /\u2010-\u2015-]")
_COMPANY = re.compile(
    r"\b(?:inc|ltd|llc|llp|plc|corp|co|company|gmbh|ag|kg|ohg|ug|e\.?k|e\.?v|s\.?a|s\.?l|"
    r"s\.?r\.?l|sarl|sas|bv|b\.v|nv|n\.v|vof|ab|as|a/s|aps|oy|oyj|sp|z\s?o\.?o|pty|group|holding|holdings|store|stores|"
    r"shop|shops|studio|salon|clinic|bank|hotel|restaurant|services|service|systems|supply|"
    r"supplies|trading|industries|partners|associates|solutions|market|international|sons|bros|"
    r"bike|bikes|cycle|cycles|sports|sporting|outlet|center|centre|verein|handel|works)\b\.?",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d_][^\d@]*")
_STREET = re.compile(
    r"\d.*\b(?:st|street|ave|avenue|rd|road|blvd|boulevard|dr|drive|ln|lane|way|ct|court|pl|place|"
    r"hwy|highway|pkwy|sq|square)\b\.?|(?:str(?:\.|asse|aße)|straat|gasse|weg|platz|laan|gatan|vej)"
    r"\s*\d|\b(?:rue|calle|via|rua|avenida|avda|ul)\b.*\d",
    re.IGNORECASE,
)


def is_data(cell: str) -> bool:
    """Whether a cell can only be a value, never the name of a column."""
    return looks_like_email(cell) or is_number(cell) or is_date(cell) or looks_like_phone(cell)


def looks_like_email(cell: str) -> bool:
    """Whether a cell is meant as an e-mail address."""
    return "@" in cell and len(cell) < 320 and _EMAIL.search(cell) is not None


def is_email(cell: str) -> bool:
    """Whether a cell is an e-mail address."""
    return "@" in cell and normal_email(cell) is not None


def is_number(cell: str) -> bool:
    """Whether a cell is a plain number."""
    return len(cell) < 40 and _NUMBER.fullmatch(cell) is not None


def is_date(cell: str) -> bool:
    """Whether a cell is a date in figures."""
    return len(cell) < 40 and _DATE.fullmatch(_SPACED.sub("", cell)) is not None


def looks_like_phone(cell: str) -> bool:
    """Whether a cell is written as people write phone numbers, not as an id or a date."""
    if not 7 <= len(cell) <= 40 or not _PHONE.fullmatch(cell):
        return False
    if is_date(cell) or _AMOUNT.fullmatch(cell):
        return False
    return _SPOKEN.search(cell) is not None or cell.startswith("0")


def is_phone(cell: str, country: str = "US") -> bool:
    """Whether a cell is a phone number that could be dialled."""
    return first_phone(cell, (country,)) is not None


def looks_like_company(cell: str) -> bool:
    """Whether a name is rather that of a company."""
    return _COMPANY.search(cell) is not None


def looks_like_name(cell: str) -> bool:
    """Whether a cell is words, short enough to be a name."""
    return 2 <= len(cell) <= 80 and _NAME.fullmatch(cell) is not None


def looks_like_street(cell: str) -> bool:
    """Whether a cell is a street with a number."""
    return len(cell) < 120 and _STREET.search(cell) is not None
