"""Names, e-mail addresses and phone numbers in the one form in which they are compared.

Pure functions: what a form, an import and a search type in comes out the same.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import filterfalse

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneMetadata, PhoneNumberFormat, ValidationResult

MAX_WORD = 60
MAX_QUERY_WORDS = 6
_MAX_TEXT = 10_000

# --- folding and searching ---------------------------------------------------------------

_UNACCENTED = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "ħ": "h",
        "ŋ": "n",
        "ŧ": "t",
        "ß": "ss",
        "’": "'",
    }
)
_WORD = re.compile(r"[^\W_]+")
_NO_ADDRESS = re.compile(r"[^\w@.+-]+")


def fold(text: str) -> str:
    """`text` without case and accents: "ÖZTÜRK Şükrü" and "ozturk sukru" are the same."""
    if text.isascii():
        return text.lower()
    return _folded(text) if len(text) <= MAX_WORD else _folded.__wrapped__(text)


@lru_cache(maxsize=8192)
def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(filterfalse(unicodedata.combining, folded))
    return bare.translate(_UNACCENTED).casefold()


def words(text: str) -> list[str]:
    """The folded words of `text`, split at everything that is no letter or digit."""
    folded = fold(text)
    found: list[str] = _WORD.findall(folded)
    return found if len(folded) <= MAX_WORD else [word[:MAX_WORD] for word in found]


def search_words(
    *,
    full_name: str | None = None,
    company: str | None = None,
    email: str | None = None,
    phones: Iterable[str | None] = (),
    reference: str | None = None,
) -> str:
    """Every word by which a customer can be found, distinct, joined by blanks.

    An e-mail is found by its parts and, quickly, as a whole from its beginning. A phone (E.164)
    is found as international digits, as national number, and with the digit that is dialled
    before it at home. A number elsewhere is found as it is written, digits in a row as they are
    typed for a phone.
    """
    found = []
    for text in (full_name, company, email):
        if text:
            found += words(text[:_MAX_TEXT])
    if email and (address := _address_word(email)):
        found.append(address)
    for phone in phones:
        if phone:
            found += _phone_words(phone)
    if reference:
        found += [*words(reference[:_MAX_TEXT]), *query_words(reference)]
    return " ".join(dict.fromkeys(found))


def searchable(
    full_name: str | None,
    company: str | None,
    email: str | None,
    phone: str | None,
    phone_2: str | None,
    reference: str | None = None,
) -> tuple[str, str]:
    """`(sort_name, search_text)` of a customer: the same words for the mapper and for COPY."""
    phones = [p for p in (phone, phone_2) if p]
    words = search_words(
        full_name=full_name, company=company, email=email, phones=phones, reference=reference
    )
    return fold(full_name or company or email or phone or "")[:200], words


def _address_word(text: str) -> str:
    """An e-mail, or its beginning, as one word; only letters that need no quotes are kept."""
    return _NO_ADDRESS.sub("", fold(text))[:MAX_WORD]


def _phone_words(phone: str) -> list[str]:
    digits = _digits(phone)[:MAX_WORD]
    split = _split_code(digits)
    if split is None:
        return [digits] if digits else []
    code, national = split
    trunk = _plan(code).trunk
    return [digits, national, trunk + national] if trunk else [digits, national]


_PHONE_RUN = re.compile(r"(?<!\w)(?:\+|00)?[\d(][\d\s()./\u2010-\u2015-]*\d(?!\w)")
_WHOLE_PHONE = re.compile(r"\s*[+\d(][\d\s()./\u2010-\u2015-]*\s*")


def query_words(q: str) -> list[str]:
    """The words that a typed query must match by prefix, at most six.

    A phone number in any notation is one word of bare digits, as `search_words` stores it; what
    has letters before an @ is one word too: parts such as "com" lead to half of all customers.
    """
    text = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in q[:_MAX_TEXT])
    text = unicodedata.normalize("NFKC", text)
    typed = text.split()
    addresses = [_address_word(t) for t in typed if t.rfind("@") > 0]
    if addresses:
        text = " ".join(t for t in typed if t.rfind("@") <= 0)
    if _WHOLE_PHONE.fullmatch(text):
        text = _dialled(text)
    else:
        text = _PHONE_RUN.sub(lambda run: _dialled_in_words(run.group()), text)
    return list(dict.fromkeys([*filter(None, addresses), *words(text)]))[:MAX_QUERY_WORDS]


def _dialled(text: str) -> str:
    digits = _digits(text.replace("(0)", "") if "+" in text or text.startswith("00") else text)
    return digits.removeprefix("00") or digits


def _dialled_in_words(run: str) -> str:
    """A run of digits between words: one number if it is long or starts like one."""
    digits = _digits(run)
    if len(digits) >= 6 or (len(digits) >= 4 and run[0] in "+0("):
        return _dialled(run)
    return run


def _digits(text: str) -> str:
    if text.isascii():
        rest = text.removeprefix("+")
        return rest if rest.isdigit() else "".join(filter(str.isdigit, text))
    return "".join(str(unicodedata.digit(c)) for c in text if c.isdecimal())


# --- e-mail ------------------------------------------------------------------------------

_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN_EMAIL = re.compile(
    rf"{_ATOM}(?:\.{_ATOM})*@(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.)+[a-z]{{2,63}}"
)
_IN_BRACKETS = re.compile(r"<([^<>]*)>\s*$")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


def normal_email(text: str) -> str | None:
    """The address in the form in which addresses are compared, or None when it is none.

    "mailto:" and the name before <...> are dropped; nothing is asked of the network, and
    reserved endings such as ".test" are taken as they are.
    """
    if len(text) > 2000:
        return None
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    address = text.strip().lower()
    if "<" in address and (bracketed := _IN_BRACKETS.search(address)):
        address = bracketed.group(1).strip()
    address = address.removeprefix("mailto:").split("?")[0] if "mailto:" in address else address
    address = address.strip(" \t\r\n,;'\"<>")
    if _is_plain(address):
        return address
    return _checked_email(address)


_DOTS_DO_NOT_COUNT = {"gmail.com", "googlemail.com"}


def mailbox(address: str) -> str:
    """The box that a normal address leads to: what is written after a plus is another name for it.

    For telling people apart only; mail goes to the address as it was given.
    """
    local, _, domain = address.rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTS_DO_NOT_COUNT:
        local, domain = local.replace(".", "") or local, "gmail.com"
    return f"{local}@{domain}"


def _is_plain(address: str) -> bool:
    local, _, domain = address.partition("@")
    return (
        len(address) <= 254
        and len(local) <= 64
        and "--" not in domain
        and _PLAIN_EMAIL.fullmatch(address) is not None
    )


@lru_cache(maxsize=4096)
def _checked_email(address: str) -> str | None:
    """What the library says of an address that is not plain: accents, other scripts, mistakes."""
    once = _by_library(address)
    return once if once is not None and _by_library(once) == once else None


def _by_library(address: str) -> str | None:
    try:
        checked = validate_email(
            address, check_deliverability=False, globally_deliverable=False, strict=True
        )
    except (EmailNotValidError, UnicodeError, ValueError):
        return None
    return checked.normalized.lower() if "." in checked.domain else None


# --- phone -------------------------------------------------------------------------------

_ROUNDED = re.compile(r"\s*[+-]?\d+(?:[.,]\d+)?[eE]\+?\d+\s*")
_AS_FLOAT = re.compile(r"(\d{6,15})\.0")
_EXTENSION = re.compile(
    r"\s*(?:;ext=|ext(?:ension)?\.?|x|#|durchwahl|dw\.?|poste|int\.?|anexo)\s*[:.]?\s*\d{1,7}\s*$",
    re.IGNORECASE,
)
_STRIPPED = str.maketrans("", "", " \t\u00a0().-\u2010\u2011\u2012\u2013\u2014\u2015")


class _Plan:
    """How numbers of one country code are built, from the library's own tables."""

    __slots__ = ("code", "general", "idd", "lengths", "national_prefix", "plain", "trunk")

    def __init__(self, metadata: PhoneMetadata) -> None:
        general = metadata.general_desc
        pattern = general.national_number_pattern if general else None
        self.code = str(metadata.country_code)
        self.general = re.compile(pattern or r"(?!)")
        self.lengths = _lengths(metadata)
        self.idd = re.compile(metadata.international_prefix or r"(?!)")
        self.national_prefix = re.compile(metadata.national_prefix_for_parsing or r"(?!)")
        self.trunk = metadata.national_prefix or ""
        # A country whose prefix is rewritten while it is read is left to the library.
        self.plain = not metadata.national_prefix_transform_rule


def _lengths(metadata: PhoneMetadata) -> frozenset[int]:
    """How long a number may be: what the main region of a shared country code says."""
    code = metadata.country_code or 0
    main = PhoneMetadata.metadata_for_region_or_calling_code(
        code, phonenumbers.region_code_for_country_code(code)
    )
    general = main.general_desc if main else None
    return frozenset((general.possible_length if general else None) or ())


@lru_cache(maxsize=512)
def _plan(code: str) -> _Plan:
    region = phonenumbers.region_code_for_country_code(int(code))
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    assert metadata is not None, code  # every code of the library's list has a plan
    return _Plan(metadata)


@lru_cache(maxsize=512)
def _plan_of(country: str) -> _Plan | None:
    metadata = PhoneMetadata.metadata_for_region(country.upper(), None) if country else None
    return _Plan(metadata) if metadata else None


_CODES = frozenset(str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def _split_code(digits: str) -> tuple[str, str] | None:
    for length in (1, 2, 3):
        if digits[:length] in _CODES and len(digits) > length:
            return digits[:length], digits[length:]
    return None


def is_rounded(text: str) -> bool:
    """Whether a spreadsheet has rounded a number away: "4.91522E+11"."""
    return _ROUNDED.fullmatch(text) is not None


def normal_phone(text: str, country: str) -> str | None:
    """The number as E.164, or None when no number of a possible length can be read.

    `country` (alpha-2) says where a number without a country code is dialled. Extensions
    are dropped. Numbers that the numbering plan has not given out (555-0100) are taken,
    numbers without their area code are not.
    """
    if len(text) > 250:
        return None
    return _normal_phone(text.strip(), country.upper())


@lru_cache(maxsize=8192)
def _normal_phone(text: str, country: str) -> str | None:
    if text.endswith(".0") and (as_float := _AS_FLOAT.fullmatch(text)):
        text = as_float.group(1)
    if _has_bare_code(text, country):
        text = f"+{text}"
    number = _fast(text, country)
    if number is not None or is_rounded(text):
        return number
    number = _slow(text, country)
    if number is None and text.startswith("00"):  # what the world dials first, if not this country
        number = _slow(f"+{text[2:]}", country)
    return number


def _has_bare_code(text: str, country: str) -> bool:
    """Whether the number is written with its country code but without the plus sign.

    Only believed when it is a number in use that way, and at home it would be none or would
    have to begin with a zero.
    """
    plan = _plan_of(country)
    if plan is None or not text.startswith(plan.code) or len(text) < 10:
        return False
    if plan.code == "1" or not text.translate(_STRIPPED).isdigit():
        return False
    at_home = plan.trunk != "0" and _is_valid(text, country)
    return not at_home and _is_valid(f"+{text}", country)


def _is_valid(text: str, country: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, country))
    except phonenumbers.NumberParseException:
        return False


def _fast(text: str, country: str) -> str | None:
    """The library's answer for the plain cases at a tenth of its price, else None."""
    digits = text.removeprefix("+").translate(_STRIPPED)
    if not digits.isdigit() or not digits.isascii():
        return None
    if text.startswith("+"):
        split = _split_code(digits)
        return _fast_national(_plan(split[0]), split[1]) if split else None
    plan = _plan_of(country)
    if plan is None or plan.idd.match(digits):
        return None
    if digits.startswith(plan.code) and not plan.general.fullmatch(digits):
        return None
    return _fast_national(plan, digits)


def _fast_national(plan: _Plan, digits: str) -> str | None:
    prefix = plan.national_prefix.match(digits)
    if not plan.plain or not prefix or not prefix.end():
        return f"+{plan.code}{digits}" if plan.plain and len(digits) in plan.lengths else None
    rest = digits[prefix.end() :]
    if plan.national_prefix.match(rest) or len(rest) not in plan.lengths:
        return None
    if plan.general.fullmatch(digits) and not plan.general.fullmatch(rest):
        return None
    return f"+{plan.code}{rest}"


def _slow(text: str, country: str) -> str | None:
    number = _parsed(_EXTENSION.sub("", text), country)
    if number is None or number != _parsed(number, country):
        return None
    return number


def _parsed(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != ValidationResult.IS_POSSIBLE:
        return None
    number.extension = None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def fits_plan(e164: str) -> bool:
    """Whether the numbering plan of its country has room for the number, given out or not."""
    split = _split_code(e164[1:])
    return split is not None and _plan(split[0]).general.fullmatch(split[1]) is not None


@lru_cache(maxsize=8192)
def display_phone(e164: str) -> str:
    """The number as people write it for others: "+49 1512 3456789"."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def first_phone(text: str, countries: Sequence[str]) -> str | None:
    """The number as E.164, read in the first of `countries` whose plan it fits, else the first."""
    readings = [e164 for country in countries if (e164 := normal_phone(text, country))]
    if len(readings) < 2:
        return readings[0] if readings else None
    return next((e164 for e164 in readings if fits_plan(e164)), readings[0])
