"""Column headers: which one names which field, in the spellings of many programs and languages."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.contact import fold
from app.intake import shapes
from app.intake.spellings import SPELLINGS
from app.staging import Field

_LEFT_OUT = re.compile(
    r"passw|pass$|kennwort|passwort|motdepasse|contrasena|wachtwoord|senha|haslo|losen|sifre|пароль"
    r"|token|secret|iban|creditcard|cardnumber|ssn|socialsecurity"
)
# Words that say whose or which: "Billing City", "Home Phone". The number is how far
# behind the plain word such a column stands; the same number keeps one address together.
_QUALIFIERS: dict[str, int] = {
    "customer": 1, "client": 1, "contact": 1, "contacts": 1, "kunden": 1, "primary": 1, "main": 1,
    "default": 1, "defaultaddress": 1, "current": 1, "personal": 1, "your": 1, "user": 1,
    "member": 1, "person": 1, "customers": 1, "lead": 1, "profile": 1, "mailing": 1,
    "address1": 1, "partner": 1, "patient": 1, "guest": 1, "account": 1, "subscriber": 1,
    "home": 2, "privat": 2, "private": 2, "billing": 2, "rechnung": 2, "rechnungs": 2,
    "facturation": 2, "facturacion": 2, "invoice": 2, "bill": 2, "billto": 2, "fatura": 2,
    "factuur": 2, "fatturazione": 2, "permanent": 2, "residential": 2, "primaryaddress": 2,
    "work": 3, "business": 3, "office": 3, "geschaftlich": 3, "company": 3, "organization": 3,
    "address2": 4, "shipping": 4, "liefer": 4, "delivery": 4, "livraison": 4, "envio": 4,
    "ship": 4, "shipto": 4, "other": 5, "secondary": 5, "alternate": 5, "alternative": 5,
    "second": 5, "address3": 6,
}  # fmt: skip
ADDRESS = (
    Field.LINE1,
    Field.LINE2,
    Field.CITY,
    Field.REGION,
    Field.POSTAL_CODE,
    Field.COUNTRY,
)
_ONLY_QUALIFIED = {"code": (Field.POSTAL_CODE, 99)}  # "Billing Code"
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_NOT_A_WORD = re.compile(r"[\W_]+")
_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])")


Known = Callable[[str], object]
"""Tells whether a header is a word we know, of the list's subject."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What a header says: the field, how good a word for it, and of which kind ("billing")."""

    field: Field
    rank: int
    qualifier: str = ""

    @property
    def distance(self) -> int:
        """How far from the plain word the header is."""
        return _QUALIFIERS.get(self.qualifier, 0)


def compact(header: str) -> str:
    """A header without case, accents, hints in brackets, blanks and punctuation."""
    without_hints = _BRACKETS.sub(" ", header)
    return _NOT_A_WORD.sub("", fold(without_hints)) or _NOT_A_WORD.sub("", fold(header))


_RANKS: dict[str, tuple[Field, int]] = {}
for _field, _spellings in SPELLINGS.items():
    for _rank, _spelling in enumerate(_spellings.split()):
        _RANKS.setdefault(compact(_spelling), (_field, _rank))


@lru_cache(maxsize=4096)
def heading(header: str) -> Heading | None:
    """What a header names, or None when it is no word we know."""
    if len(header) > 100:
        return None
    word = compact(header)
    if _LEFT_OUT.search(word):
        return None
    return _known(word) or _either_of(header) or _qualified(word)


def _known(word: str) -> Heading | None:
    found = _RANKS.get(word)
    return Heading(*found) if found else None


def _either_of(header: str) -> Heading | None:
    """ "Province/State", "E-Mail / Courriel": all parts that are known say the same."""
    parts = [part for part in re.split(r"[/|]| or | oder | ou ", header) if compact(part)]
    if len(parts) < 2:
        return None
    words = [compact(part) for part in parts]
    known = [found for word in words if (found := _known(word) or _qualified(word))]
    if len({found.field for found in known}) != 1:
        return None
    return max(known, key=lambda found: found.qualifier)  # "Mailing Zip/Postal Code"


def _qualified(word: str) -> Heading | None:
    """ "BillingStreet", "Address 2 - City", "E-mail 1 - Value": a known word and whose it is."""
    for cut in range(len(word) - 1, 1, -1):
        for qualifier, rest in ((word[:cut], word[cut:]), (word[-cut:], word[:-cut])):
            if qualifier not in _QUALIFIERS:
                continue
            if found := _RANKS.get(rest) or _ONLY_QUALIFIED.get(rest):
                return _with_qualifier(found, qualifier)
    return None


def _with_qualifier(found: tuple[Field, int], qualifier: str) -> Heading | None:
    field, rank = found
    if field in {Field.STATUS, Field.TAGS, Field.NOTE} and _QUALIFIERS[qualifier] > 1:
        return None
    if field is Field.FULL_NAME and qualifier in {"user", "account"}:
        return None
    return Heading(field, rank, qualifier)


def is_forbidden(header: str) -> bool:
    """Whether a column is left out whatever it holds: passwords and the like."""
    return _LEFT_OUT.search(compact(header)) is not None


def tokens(header: str) -> list[str]:
    """The folded words of a header: "ContactEMail" is contact, e, mail."""
    spaced = _CAMEL.sub(" ", _BRACKETS.sub(" ", header))
    return [word for word in _NOT_A_WORD.split(fold(spaced)) if word]


def find_header(
    rows: Sequence[tuple[str, ...]], strict: bool = False, known: Known = heading
) -> int | None:
    """Which of the first rows names the columns, None if none does.

    Known words decide; else the first full row, if it looks unlike what stands below it.
    With `strict` only known words count.
    """
    best, best_score = None, 0.0
    for index, cells in enumerate(rows[:20]):
        score = _header_score(cells, known)
        if score > best_score:
            best, best_score = index, score
    if best is not None and best_score >= 1:
        return best
    return None if strict else _unlike_the_rest(rows, known)


def _header_score(cells: tuple[str, ...], is_known: Known) -> float:
    """How many cells are known words; a row that holds data is no header."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or any(shapes.is_data(cell) for cell in filled):
        return 0.0
    known = sum(1 for cell in filled if is_known(cell))
    if len(filled) > 1 and len(cells) > 2 and known < max(2, len(filled) * 0.1):
        return 0.0 if known == 0 else 0.5
    if len(filled) == 1 and len(cells) > 1:
        return 0.0
    return float(known)


def _unlike_the_rest(rows: Sequence[tuple[str, ...]], known: Known) -> int | None:
    width = max((_filled(cells) for cells in rows[:50]), default=0)
    first = next((i for i, c in enumerate(rows[:20]) if _filled(c) >= max(1, 0.7 * width)), None)
    if first is None or first + 1 >= len(rows):
        return None
    cells = [cell.strip() for cell in rows[first]]
    filled = [cell for cell in cells if cell]
    if any(shapes.is_data(cell) for cell in filled):
        return None
    below = rows[first + 1 : first + 101]
    return first if _differs(cells, below) or any(map(known, filled)) else None


def _filled(cells: tuple[str, ...]) -> int:
    return sum(1 for cell in cells if cell.strip())


def _differs(cells: Sequence[str], below: Sequence[tuple[str, ...]]) -> bool:
    """Whether some column holds data below a word, or no word ever comes again."""
    typed = 0
    for index, cell in enumerate(cells):
        column = [row[index].strip() for row in below if index < len(row) and row[index].strip()]
        if cell and cell in column:
            return False
        if column and sum(map(shapes.is_data, column)) > 0.6 * len(column):
            typed += 1
    return typed > 0
