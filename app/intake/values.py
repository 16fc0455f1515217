"""Cells become values: text, yes and no, status, tags, countries, birthdays."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from babel import Locale
from babel.core import get_global

from app.contact import fold

_EMPTY = frozenset(
    ("", "-", "--", "---", "–", "—", ".", "?", "null", "(null)", "<null>", "\\n", "n/a", "#n/a",
     "none", "nil", "nan", "undefined", "n.a.", "k.a.", "#null!", "#ref!", "#value!", "#name?")
)  # fmt: skip
_SUSPECT = frozenset("=" + "".join(word[0] + word[0].upper() for word in _EMPTY if word))
_BLANKS = re.compile(r"[ \t\r\f\v\u00a0\u2000-\u200a\u202f\u3000]+")
_KEPT = frozenset("\t\n\r\x85\u200d")
_LINES = re.compile(r"\s*[\n\u2028\u2029\x85]\s*")
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
SEVERAL = " ::: "  # how Google writes several values into one cell


def clean(cell: str) -> str:
    """The text of a cell as people meant it: "" when it only says that there is nothing.

    Control and invisible characters are gone, blanks are single, line breaks stay.
    """
    text = cell.strip()
    if not text.isprintable():
        text = _readable(text)
    elif "  " in text:
        text = _BLANKS.sub(" ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text or text[0] not in _SUSPECT:
        return text
    if text[0] == "=" and (formula := _FORMULA.fullmatch(text)):
        text = formula.group(1).strip()
    return "" if len(text) < 12 and text.lower() in _EMPTY else text


def _readable(text: str) -> str:
    said = "".join(c for c in text if c in _KEPT or unicodedata.category(c)[0] != "C")
    lines = said.replace("\r\n", "\n").replace("\r", "\n")
    return _LINES.sub("\n", _BLANKS.sub(" ", lines)).strip()


def first_of(text: str) -> str:
    """The first of several values in one cell, as Google Contacts writes them."""
    if SEVERAL not in text:
        return text
    return next((part.strip() for part in text.split(SEVERAL) if part.strip()), "")


def one_line(text: str) -> str:
    """The text without line breaks."""
    return text.replace("\n", " ") if "\n" in text else text


# --- words -------------------------------------------------------------------------------


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_YES = _set(
    "1 1.0 yes y true t x on ja j oui o si s sim ano tak evet e kylla da wahr vrai verdadero "
    "verdadeiro vero waar sand sant ✓ ✔ ok subscribed subscribe optin accepted granted enabled "
    "active aktiv abonniert abonne suscrito inscrito iscritto ingeschreven pending confirmed "
    "marketingcontact да はい 是"
)
_NO = _set(
    "0 0.0 no n false f off nein non nao nee nej nei ne nie hayir h ei falsch faux falso onwaar "
    "falskt falsk unsubscribed unsubscribe optout declined denied revoked disabled inactive "
    "cleaned inaktiv abgemeldet desabonne never notsubscribed nonsubscribed bounced invalid "
    "redacted nonmarketingcontact нет いいえ 否"
)
_ACTIVE = _set(
    "1 active enabled true yes aktiv actif active activo activa ativo ativa attivo attiva actief "
    "aktywny aktywna aktivni aktif current client customer kunde ja oui si sim"
)
_INACTIVE = _set(
    "0 inactive disabled false no inaktiv inactif inactive inactivo inactiva inativo inativa "
    "inattivo inattiva inactief nieaktywny neaktivni pasif former archived blocked closed "
    "suspended cancelled canceled lapsed ehemalig nein non nao nee deactivated expired"
)
_FOLLOW_UP = _set(
    "pendingfollowup followup pending tofollowup lead prospect needsfollowup callback open "
    "nachfassen offen wiedervorlage interessent prospekt arelancer relance seguimiento pendiente "
    "pendente acompanhamento dacontattare opvolgen trial onhold"
)
_NOT_WORD = re.compile(r"[\W_]+")


def _word(text: str) -> str:
    return _NOT_WORD.sub("", fold(text)) or text


@lru_cache(maxsize=4096)
def yes_no(text: str) -> bool | None:
    """What a cell of consent says in one of many languages, None when it says neither."""
    word = fold(text) if text in {"1.0", "0.0"} else _word(text)
    return True if word in _YES else False if word in _NO else None


@lru_cache(maxsize=4096)
def status_word(text: str) -> str | None:
    """active, inactive or pending_follow_up, None when the cell says something else."""
    word = _word(text)
    if word in _FOLLOW_UP:
        return "pending_follow_up"
    return "active" if word in _ACTIVE else "inactive" if word in _INACTIVE else None


MAX_TAGS = 50
MAX_TAG = 60
_BETWEEN_TAGS = re.compile(r" ::: |[,;|\n]")


@lru_cache(maxsize=4096)
def tags(text: str) -> tuple[str, ...]:
    """The tags of a cell, each once whatever its case; a program's own groups are left out."""
    found: dict[str, str] = {}
    for part in _BETWEEN_TAGS.split(text):
        tag = part.strip().strip("\"'#").strip()
        if tag and len(tag) <= MAX_TAG and not part.strip().startswith("* "):
            found.setdefault(fold(tag), tag)
    return tuple(found.values())[:MAX_TAGS]


# --- countries ---------------------------------------------------------------------------

_FIRST_LANGUAGES = ("en", "de", "fr", "es")
_LANGUAGES = (
    "pt", "it", "nl", "pl", "sv", "da", "nb", "fi", "tr", "cs", "sk", "hu", "ro", "el", "ru", "uk",
    "bg", "hr", "sl", "et", "lv", "lt", "ca", "ja", "zh", "ko", "ar", "he", "vi", "id",
)  # fmt: skip
_OTHER_NAMES = {
    "uk": "GB", "greatbritain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northernireland": "GB", "grossbritannien": "GB", "united kingdom of great britain": "GB",
    "holland": "NL", "the netherlands": "NL", "usa": "US", "us": "US",
    "united states of america": "US", "america": "US", "vereinigte staaten von amerika": "US",
    "etats unis d amerique": "US", "eeuu": "US", "estados unidos de america": "US",
    "korea": "KR", "republic of korea": "KR", "southkorea": "KR", "northkorea": "KP",
    "russianfederation": "RU", "czechrepublic": "CZ", "tschechischerepublik": "CZ",
    "macedonia": "MK", "swaziland": "SZ", "burma": "MM", "macao": "MO", "macau": "MO",
    "hongkong": "HK", "ivorycoast": "CI", "capeverde": "CV", "easttimor": "TL", "vatican": "VA",
    "holysee": "VA", "libyanarabjamahiriya": "LY", "syrianarabrepublic": "SY",
    "lao people s democratic republic": "LA", "bruneidarussalam": "BN", "moldova": "MD",
    "palestine": "PS", "palestinianterritory": "PS", "congo": "CG",
    "republic of the congo": "CG", "democratic republic of the congo": "CD", "tanzania": "TZ",
    "united republic of tanzania": "TZ", "viet nam": "VN", "uae": "AE", "emirates": "AE",
    "eire": "IE", "republic of ireland": "IE", "netherlandsantilles": "CW", "micronesia": "FM",
    "reunionisland": "RE", "turkey": "TR", "united states virgin islands": "VI",
    "saintmartin": "MF", "saintbarthelemy": "BL", "sthelena": "SH", "brd": "DE", "d": "DE",
    "a": "AT", "ch": "CH", "f": "FR", "i": "IT", "b": "BE", "s": "SE", "l": "LU", "frg": "DE",
}  # fmt: skip


_FILLERS = _set("and und et y e en og och the of de la do")


def _plain(name: str) -> str:
    said = [word for word in _NOT_WORD.split(fold(name)) if word]
    telling = [word for word in said if word not in _FILLERS] or said
    return "".join("st" if word == "saint" else word for word in telling)


@lru_cache(maxsize=1)
def _other_names() -> dict[str, str]:
    return {_plain(name): code for name, code in _OTHER_NAMES.items()}


def _names(languages: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for language in languages:
        for code, name in Locale.parse(language).territories.items():
            if _is_country(str(code)):
                names.setdefault(_plain(name), str(code))
    return names


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    """Codes of two and of three letters."""
    two = {str(code) for code in Locale("en").territories if _is_country(str(code))}
    codes = {code.lower(): code for code in two}
    for alias, target in get_global("territory_aliases").items():
        if len(str(alias)) == 3 and str(alias).isalpha() and len(target) == 1:
            codes.setdefault(str(alias).lower(), str(target[0]))
    return {alias: code for alias, code in codes.items() if len(code) == 2}


def _is_country(code: str) -> bool:
    no_country = {"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB"}
    return len(code) == 2 and code.isalpha() and code not in no_country


@lru_cache(maxsize=1)
def _first_names() -> dict[str, str]:
    return _names(_FIRST_LANGUAGES)


@lru_cache(maxsize=1)
def _further_names() -> dict[str, str]:
    return _names(_LANGUAGES)


@lru_cache(maxsize=4096)
def country_code(text: str) -> str | None:
    """ISO 3166 alpha-2 of a country written as code or name, in one of many languages."""
    word = _plain(text[:100])
    if not word:
        return None
    code = _other_names().get(word) or _codes().get(word) or _first_names().get(word)
    return code or _further_names().get(word) or _without_addition(text[:100])


def _without_addition(text: str) -> str | None:
    """ "Holy See (Vatican City State)", "Moldova, Republic of", "Germany - DE"."""
    head = re.split(r"[(,]| - ", text)[0].strip()
    return country_code(head) if head and len(head) < len(text.strip()) else None


# --- birthdays ---------------------------------------------------------------------------


class DateOrder(StrEnum):
    """Which part of a date in figures comes first."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    YEAR_FIRST = "year_first"


MONTH_FIRST_COUNTRIES = frozenset(
    {"US", "PH", "FM", "PW", "MH", "GU", "AS", "MP", "PR", "VI", "BZ"}
)
EARLIEST = date(1900, 1, 1)
_FIGURES = re.compile(r"(\d{1,4})\s*[-./\s年]\s*(\d{1,2})\s*[-./\s月]\s*(\d{1,4})日?\.?")
_RUN = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SERIAL = re.compile(r"(\d{4,5})(?:\.0+)?")
_CLOCK = re.compile(r"[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*"
                    r"(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})?$")  # fmt: skip
_SPOKEN = re.compile(r"[^\W_]+")
_MONTH_LANGUAGES = (
    "en", "de", "fr", "es", "pt", "it", "nl", "pl", "sv", "da", "nb", "fi", "tr", "cs", "ru",
)  # fmt: skip


@lru_cache(maxsize=1)
def _months() -> dict[str, int]:
    months: dict[str, int] = {}
    for language in _MONTH_LANGUAGES:
        locale = Locale.parse(language)
        for style in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in locale.months[style][width].items():
                    months.setdefault(_plain(name), int(number))
    months.pop("", None)
    return months


def date_parts(text: str) -> tuple[str, str, str] | None:
    """The three figures of a date, in the order in which they are written."""
    found = _FIGURES.fullmatch(_CLOCK.sub("", text.strip()))
    return (found[1], found[2], found[3]) if found else None


@lru_cache(maxsize=65_536)
def birthday(text: str, order: DateOrder, today: date) -> date | None:
    """The day a cell names, None when it names none; not checked for being a possible birthday."""
    text = text.strip()
    if len(text) > 60 or not text.isprintable():
        return None
    text = "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in text)
    text = _CLOCK.sub("", text)
    try:
        return _in_figures(text, order, today) or _in_words(text, today)
    except (ValueError, OverflowError):
        return None


def _in_figures(text: str, order: DateOrder, today: date) -> date | None:
    if found := _RUN.fullmatch(text):
        return date(int(found[1]), int(found[2]), int(found[3]))
    if found := _SERIAL.fullmatch(text):
        # Excel's number of a day; a bare year such as 1988 is no birthday.
        day = int(found[1])
        return date(1899, 12, 30) + timedelta(days=day) if day > 2100 else None
    found = _FIGURES.fullmatch(text)
    if not found:
        return None
    first, second, third = found[1], found[2], found[3]
    if len(first) > 2 or (order is DateOrder.YEAR_FIRST and len(third) <= 2):
        return date(_year(first, today), int(second), int(third))
    if order is DateOrder.MONTH_FIRST:
        first, second = second, first
    return date(_year(third, today), int(second), int(first))


def _in_words(text: str, today: date) -> date | None:
    """ "3 April 1988", "Apr 3, 1988", "3 de abril de 1988"."""
    said = _SPOKEN.findall(fold(text))
    months = [_months()[w] for w in said if w in _months()]
    figures = [w.rstrip("stndrhe") for w in said if w[0].isdigit()]
    if len(months) != 1 or len(figures) != 2 or not all(f.isdigit() for f in figures):
        return None
    day, year = figures if len(figures[0]) < 4 else reversed(figures)
    return date(_year(year, today), months[0], int(day))


def _year(text: str, today: date) -> int:
    """Two figures mean the last hundred years."""
    if len(text) == 3:
        raise ValueError(text)
    year = int(text)
    if len(text) > 2:
        return year
    return 2000 + year if 2000 + year <= today.year else 1900 + year


def date_order(cells: Iterable[str], country: str) -> tuple[DateOrder, bool]:
    """In which order a column writes its dates, and whether its cells prove it."""
    day = month = year = 0
    for cell in cells:
        parts = date_parts(cell)
        if parts is None:
            continue
        first, second, third = parts
        year += len(first) > 2
        if len(first) <= 2:
            day += int(first) > 12 >= int(second)
            month += int(second) > 12 >= int(first)
        year += len(third) <= 2 and len(first) <= 2 and int(first) > 31
    if day != month:
        return (DateOrder.DAY_FIRST if day > month else DateOrder.MONTH_FIRST), True
    if year and not day:
        usual = DateOrder.MONTH_FIRST if country in MONTH_FIRST_COUNTRIES else DateOrder.YEAR_FIRST
        return usual, True
    if country in MONTH_FIRST_COUNTRIES:
        return DateOrder.MONTH_FIRST, False
    return DateOrder.DAY_FIRST, False
