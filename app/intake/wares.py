"""A row of a list of products, or of stock, becomes what it says; doubts are said as problems."""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

from app.columns import ProductField
from app.contact import fold, is_rounded
from app.intake import amounts, values, ware_words
from app.intake.amounts import Odd
from app.intake.samples import RawRow, Sample
from app.intake.ware_columns import option_named
from app.money import decimals_of
from app.settings import settings
from app.staging import Problem, Staged, staged_said

P = ProductField
_DECIDED_BY = 1000
LONGEST = {
    "name": 250, "group": 200, "sku": 64, "barcode": 64, "tax_class": 100, "category": 300,
    "subcategory": 100, "description": 20_000, "option": 60,
}  # fmt: skip
_COUNTS = {
    "warranty_months": (1, 1200), "replenishment_days": (1, 3650), "on_hand": (0, 1_000_000),
    "low_stock": (0, 1_000_000), "quantity": (0, 1_000_000),
}  # fmt: skip
LABELS: dict[str, str] = {
    "name": "name", "group": "product's handle", "kind": "kind", "sku": "SKU",
    "barcode": "barcode", "price": "price", "cost": "cost", "category": "category",
    "subcategory": "subcategory", "tax_class": "tax class", "warranty_months": "warranty",
    "replenishment_days": "number of days", "tracks_stock": "counting of stock",
    "on_hand": "stock", "low_stock": "lowest stock", "status": "status",
    "discontinued": "“discontinued”", "description": "description", "option": "option",
    "quantity": "quantity",
}  # fmt: skip
_MESSAGES = {
    "no_number": "The {field} “{value}” is no number: write one such as {like}, or empty the cell.",
    "rounded_number": "“{value}” was rounded by a spreadsheet and its last digits are lost: "
    "format the column as text, type the number again and save.",
    "negative_money": "The {field} “{value}” is below zero: write 0 or more.",
    "too_much_money": "The {field} “{value}” is too large: write at most 9,999,999,999.99.",
    "not_whole": "The {field} “{value}” is not whole: write a whole number.",
    "negative_count": "The {field} “{value}” is below zero: write {least} or more.",
    "too_small": "The {field} “{value}” is too small: write {least} or more.",
    "too_many": "The {field} “{value}” is too large: write at most {most:,}.",
    "too_long": "The {field} is longer than it can be: shorten “{value}”.",
    "status_unknown": "“{value}” is no status, so it is left out: write draft, active or archived.",
    "category_number": "“{value}” is a number and no category's name, so it is left out.",
    "yes_no": "“{value}” says neither yes nor no, so it is left out: write yes or no.",
    "warranty_unreadable": "“{value}” is no number of months, so it is left out.",
    "no_code": "Nothing in this row says what it is: add a SKU, a barcode or a name.",
    "no_quantity": "How many there are is missing: write a number, 0 if there are none.",
    "too_many_cells": "This row has {cells} cells, the list has {columns} columns: put the cell "
    "that holds the delimiter in quotation marks.",
    "too_few_cells": "This row has only {cells} of {columns} cells: complete it or remove it.",
    "unclosed_quote": "A quotation mark is opened in this row and never closed: close or remove "
    "it.",
    "cell_too_long": "A cell of this row is too long: shorten it, or look for a missing "
    "quotation mark.",
}
_KEEPS_THE_ROW = {"status_unknown", "category_number", "yes_no", "warranty_unreadable"}
_TAG, _BREAK = re.compile(r"<[^<>]*>"), re.compile(r"(?i)<\s*(?:br|/p|/div|/li|/h\d)[^<>]*>")
_NAMES_NO_TRACKING = frozenset({"none", "off", "-"})
_PATH = re.compile(r"\s*(?:>|»|\s/\s|\|)\s*")
_MONTHS = re.compile(r"(\d{1,4})\s*([^\W\d_]*)\.?")
_YEARS = ("y", "j", "an", "ar", "rok", "lat", "vuo", "yil", "ev", "let", "ann")
_MOST_LEVELS = 4


@dataclass(frozen=True, slots=True)
class Ways:
    """How the numbers of a list are written, decided once for whole columns."""

    comma: Mapping[str, bool]
    decimals: int = 2
    has_options: bool = False


def decide(sample: Sample, mapping: Mapping[str, Any], country: str) -> Ways:
    """How the numbers of this list are written; prices and costs agree with each other."""
    cells: dict[str, list[str]] = {}
    for index, name in enumerate(sample.header):
        if (field := mapping.get(name)) is not None:
            cells[str(field)] = sample.column(index)[:_DECIDED_BY]
    money = [cell for name in ("price", "cost") for cell in cells.get(name, ())]
    of_money = amounts.decimal_comma(money, country)
    comma = dict.fromkeys(("price", "cost"), of_money)
    comma |= {name: amounts.decimal_comma(cells.get(name, ()), country) for name in _COUNTS}
    fields = set(mapping.values())
    has_options = bool(fields & {P.OPTION_1, P.OPTION_2, P.OPTION_3})
    return Ways(comma, decimals_of(settings().currency), has_options)


Reader = Callable[["WareReader", str, str, dict[str, Any]], str | None]


class WareReader:
    """Reads the rows of one list of products or stock, with one mapping."""

    def __init__(self, header: Sequence[str], mapping: Mapping[str, Any], ways: Ways) -> None:
        self._header, self._ways, self._width = tuple(header), ways, len(header)
        self._named = {i: option_named(name) for i, name in enumerate(header)}
        self._columns: list[tuple[int, StrEnum, Reader]] = [
            (i, field, _READERS.get(str(field), WareReader._text))
            for i, name in enumerate(header)
            if (field := mapping.get(name)) is not None
        ]
        self._published = any(
            field is P.STATUS and "publi" in fold(header[i]) for i, field, _ in self._columns
        )

    def read(self, raw: RawRow) -> Staged:
        """What is staged of the row; never raises, a row that cannot be taken says why."""
        said, problems, key = self.said(raw)
        return staged_said(raw.line, raw.page, raw.cells, problems, said, key)

    def said(self, raw: RawRow) -> tuple[dict[str, Any], list[Problem], str | None]:
        """What the row says, what is wrong with it, and which rows belong together with it."""
        found: dict[str, Any] = {}
        broken = raw.broken or self._misshapen(raw.cells)
        if broken:
            return found, [self._whole_row(raw, broken)], None
        problems = []
        for index, field, reader in self._columns:
            cell = raw.cells[index] if index < len(raw.cells) else ""
            text = values.clean(cell) if cell else ""
            if text and (code := self._take(reader, text, field, found, index)) is not None:
                problems.append(self._problem(raw, index, field, code, text))
        return found, problems, self._settle(found)

    def _take(
        self, reader: Reader, text: str, field: StrEnum, found: dict[str, Any], index: int
    ) -> str | None:
        if str(field).startswith("option") and self._named[index]:
            found.setdefault("option_heads", {})[str(field)] = self._named[index]
        try:
            return reader(self, text, str(field), found)
        except Odd as odd:
            return str(odd)

    # --- what a row as a whole means -----------------------------------------------------

    def _settle(self, found: dict[str, Any]) -> str | None:
        """Options become two lists, categories a path; what the rows of one product share."""
        kind, group = found.pop("kind", None), found.pop("group", None)
        _gather_options(found)
        path = found.pop("category", None) or []
        if below := found.pop("subcategory", None):
            path = [*path, below]
        if path:
            found["category"] = path[:_MOST_LEVELS]
        if found.pop("discontinued", None):
            found["status"] = "archived"
        if kind == "variable":
            found["is_parent"] = True
            group = group or found.get("sku")
        if group is None and self._ways.has_options:
            return f"n|{fold(found['name'])}" if found.get("name") else None
        if group is not None and not found:
            found["says_nothing"] = True  # a further picture of a product, as shops list them
        return f"g|{fold(group)}" if group is not None else None

    # --- a field each: fills `found`, returns the code of what is wrong -------------------

    def _text(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        text = values.one_line(text)
        longest = LONGEST.get(name, LONGEST["option"])
        if len(text) > longest:
            return "too_long"
        found[name] = text
        return None

    def _code(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        text = text.lstrip("'").strip()
        if is_rounded(text):
            return "rounded_number"
        if name == "barcode":
            text = re.sub(r"[\s\u00a0]", "", text)
            text = text.removesuffix(".0") if text[:-2].isdigit() else text
        return self._text(text, name, found) if text else None

    def _money(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        comma, decimals = self._ways.comma[name], self._ways.decimals
        amount: Decimal = amounts.money(text, comma=comma, decimals=decimals)
        found[name] = f"{amount:.2f}"
        return None

    def _count(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        least, most = _COUNTS[name]
        found[name] = amounts.whole(text, comma=self._ways.comma[name], least=least, most=most)
        return None

    def _months(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        said = _MONTHS.fullmatch(text)
        if said is None:
            if any(character.isdigit() for character in text):
                return self._count(text, name, found)
            return "warranty_unreadable"
        months = int(said[1]) * (12 if fold(said[2]).startswith(_YEARS) else 1)
        least, most = _COUNTS[name]
        if months > most:
            return "too_many"
        if months >= least:  # none is none
            found[name] = months
        return None

    def _days(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        if text.strip("0.,") == "":
            return None
        return self._count(text, name, found)

    def _tracks(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        """A shop's program names who counts, such as "shopify": somebody does."""
        said = values.yes_no(text)
        word = fold(text)
        if said is None and (not word.isascii() or not word.replace("-", "").isalpha()):
            return "yes_no"
        found[name] = said if said is not None else word not in _NAMES_NO_TRACKING
        return None

    def _is_over(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        said = values.yes_no(text)
        if said is None:
            return "yes_no"
        found[name] = said
        return None

    def _status(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        status = product_status(text, self._published)
        if status is None:
            return "status_unknown"
        found[name] = status
        return None

    def _category(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        path = levels(text)
        if path and all(part.isdigit() for part in path):
            return "category_number"
        if len(path) > _MOST_LEVELS or any(len(part) > LONGEST["subcategory"] for part in path):
            return "too_long"
        found[name] = path
        return None

    def _below(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        return "category_number" if text.isdigit() else self._text(text, name, found)

    def _kind(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        found[name] = fold(text.split(",", maxsplit=1)[0].strip())
        return None

    def _words(self, text: str, name: str, found: dict[str, Any]) -> str | None:
        plain = as_text(text)
        if len(plain) > LONGEST[name]:
            return "too_long"
        if plain:
            found[name] = plain
        return None

    # --- problems ------------------------------------------------------------------------

    def _misshapen(self, cells: tuple[str, ...]) -> str | None:
        if len(cells) == self._width:
            return None
        if len(cells) > self._width and any(cell.strip() for cell in cells[self._width :]):
            return "too_many_cells"
        return "too_few_cells" if self._width > 2 and len(cells) * 2 < self._width else None

    def _whole_row(self, raw: RawRow, code: str) -> Problem:
        message = _MESSAGES[code].format(cells=len(raw.cells), columns=self._width)
        said = " ".join(cell for cell in raw.cells if cell)
        return Problem(raw.line, raw.page, None, None, code, _shown(said), message)

    def _problem(self, raw: RawRow, index: int, field: StrEnum, code: str, text: str) -> Problem:
        name = str(field)
        label = LABELS.get(name, "option")
        least, most = _COUNTS.get(name, (0, 0))
        like = "12.50" if name in ("price", "cost") else "12"
        message = _MESSAGES[code].format(
            value=_shown(text), field=label, like=like, least=least, most=most
        )
        fatal = code not in _KEEPS_THE_ROW
        return Problem(raw.line, raw.page, self._header[index], field, code, _shown(text), message,
                       fatal=fatal)  # fmt: skip


_READERS: dict[str, Reader] = {
    "sku": WareReader._code, "barcode": WareReader._code,
    "price": WareReader._money, "cost": WareReader._money,
    "category": WareReader._category, "subcategory": WareReader._below,
    "warranty_months": WareReader._months, "replenishment_days": WareReader._days,
    "tracks_stock": WareReader._tracks, "on_hand": WareReader._count,
    "low_stock": WareReader._count, "quantity": WareReader._count,
    "status": WareReader._status, "discontinued": WareReader._is_over,
    "kind": WareReader._kind, "description": WareReader._words,
}  # fmt: skip


class StockReader(WareReader):
    """The same for a list of opening stock: what it is, and how many there are."""

    def said(self, raw: RawRow) -> tuple[dict[str, Any], list[Problem], str | None]:
        """See `WareReader.said`; a row without a word of what it is, or how many, is refused."""
        found, problems, _ = super().said(raw)
        if any(problem.fatal for problem in problems):
            return found, problems, None
        if not (found.get("sku") or found.get("barcode") or found.get("name")):
            problems.append(self._of_row(raw, "no_code"))
        elif "quantity" not in found:
            problems.append(self._of_row(raw, "no_quantity"))
        return found, problems, None

    def _of_row(self, raw: RawRow, code: str) -> Problem:
        return Problem(raw.line, raw.page, None, None, code, "", _MESSAGES[code])


def _gather_options(found: dict[str, Any]) -> None:
    """Values beside their names; a shop's word for "there is only one" is no option."""
    heads = found.pop("option_heads", {})
    names, options = [], []
    for slot in ("option_1", "option_2", "option_3", "option"):
        name, value = found.pop(f"{slot}_name", None), found.pop(slot, None)
        if value is None or fold(value) in ("default title", "default"):
            continue
        options.append(value)
        names.append(name or heads.get(slot))
    if options:
        found["options"] = options
        if all(names):
            found["option_names"] = names


@lru_cache(maxsize=4096)
def levels(text: str) -> list[str]:
    """The levels of a category: "Clothing > Shirts, Sale" is Clothing, Shirts."""
    first = re.split(r"[;\n]|,(?=[^,]*>)", text)[0] if ">" in text else text
    first = first.split(",")[0] if ">" in first else first
    parts = [" ".join(part.split()) for part in _PATH.split(first)]
    found = [part for part in parts if part]
    return found[1:] if len(found) > 1 and fold(found[0]) in ("all", "alle", "root") else found


@lru_cache(maxsize=1024)
def product_status(text: str, is_published: bool = False) -> str | None:
    """draft, active or archived; a bare no means archived, in a column "Published" a draft."""
    word = fold(re.sub(r"[\W_]+", "", text))
    if text.strip() == "-1":
        return "draft"
    for status, words in _STATUSES.items():
        if word in words:
            return status
    said = values.yes_no(text)
    if said is None:
        return None
    return "active" if said else "draft" if is_published else "archived"


_STATUSES = {
    "active": frozenset(ware_words.ACTIVE.split()),
    "draft": frozenset(ware_words.DRAFT.split()),
    "archived": frozenset(ware_words.ARCHIVED.split()),
}


def as_text(text: str) -> str:
    """A description without the marks of a web page."""
    if "<" in text and ">" in text:
        text = _TAG.sub(" ", _BREAK.sub("\n", text))
    if "&" in text:
        text = html.unescape(text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 120 else text[:119] + "…"


def product_reader(
    sample: Sample, mapping: Mapping[str, Any], country: str
) -> Callable[[RawRow], Staged]:
    """What turns a row of a list of products that begins so into what is staged."""
    return WareReader(sample.header, mapping, decide(sample, mapping, country)).read


def stock_reader(
    sample: Sample, mapping: Mapping[str, Any], country: str
) -> Callable[[RawRow], Staged]:
    """What turns a row of a list of opening stock that begins so into what is staged."""
    return StockReader(sample.header, mapping, decide(sample, mapping, country)).read
