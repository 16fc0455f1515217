"""Lists of past sales: each row becomes a line of a sale, as it is staged, or a problem."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from app import clock
from app.contact import fold, normal_email
from app.intake import moments
from app.intake.figures import decimal_mark, number
from app.intake.lists import Listing
from app.intake.rows import phone_in
from app.intake.samples import RawRow
from app.intake.values import DateOrder, clean, date_order, one_line
from app.past_sales import LABELS, Piece, SaleField
from app.staging import as_json

Mapped = Mapping[str, SaleField | None]

_CENT = Decimal("0.01")
_MOST_MONEY = Decimal("99999999.99")
_MOST_PIECES = 10_000_000
_REMEMBERED = 50_000
_LONGEST = {
    SaleField.ORDER: 100, SaleField.CUSTOMER: 100, SaleField.NAME: 200, SaleField.FIRST_NAME: 100,
    SaleField.LAST_NAME: 100, SaleField.ITEM: 300, SaleField.SKU: 100, SaleField.CATEGORY: 120,
}  # fmt: skip
_SHOWN, _KEPT = 120, 2000


@dataclass(frozen=True, slots=True)
class Marks:
    """How a whole list writes its dates and its amounts; found by reading all of it once."""

    date_order: DateOrder = DateOrder.DAY_FIRST
    date_order_proved: bool = False
    decimal_mark: str = "."
    rows: int = 0


def marks_of(listing: Listing, mapping: Mapped, country: str) -> Marks:
    """How this list writes dates and amounts, by all its rows."""
    indexes = _indexes(listing.header, mapping)
    amounts = [indexes[f] for f in (SaleField.AMOUNT, SaleField.UNIT_PRICE) if f in indexes]
    days, money = _Seldom(), _Seldom()
    rows = 0
    for row in listing.rows():
        rows += 1
        cells = row.cells
        width = len(cells)
        if (day := indexes[SaleField.DATE]) < width:
            days.see(cells[day])
        for index in amounts:
            if index < width:
                money.see(cells[index])
    order, proved = date_order((c for c in days.seen if not c[:4].isdecimal()), country)
    return Marks(order, proved, decimal_mark(money.seen, country), rows)


@dataclass(slots=True)
class _Seldom:
    """The different cells of a column, as many as settle how it is written."""

    seen: dict[str, None] = field(default_factory=dict)

    def see(self, cell: str) -> None:
        if len(self.seen) < 200_000 and len(cell) <= 40:
            self.seen[cell.strip()] = None


def _indexes(header: Sequence[str], mapping: Mapped) -> dict[SaleField, int]:
    return {f: i for i, name in reversed(list(enumerate(header))) if (f := mapping.get(name))}


# --- words -------------------------------------------------------------------------------

_KINDS = {
    "product": "product products goods good retail article item merchandise p produkt produkte "
    "artikel ware waren handelsware producto articulo produto artigo mercadoria produit prodotto "
    "articolo physical",
    "service": "service services treatment s dienst dienstleistung leistung behandlung servicio "
    "servico tratamento prestation soin servizio trattamento behandeling appointment labour labor",
}
_CHANNELS = {
    "online": "online web website webshop internet shop onlineshop ecommerce app loja "
    "tiendaonline enligne shopify amazon ebay marketplace onlinestore",
    "walk_in": "walkin walk store instore pos counter till retail laden filiale kasse tienda "
    "lojafisica balcao magasin boutique negozio winkel shopfloor offline physical",
    "phone": "phone telephone tel call telefon telefono telefone telefonisch telefoon email mail",
    "partner": "partner affiliate reseller agency agentur agencia dealer wholesale b2b",
    "import": "import imported other unknown",
}


def _words(table: Mapping[str, str]) -> dict[str, str]:
    return {word: meant for meant, words in table.items() for word in words.split()}


_KIND_OF, _CHANNEL_OF = _words(_KINDS), _words(_CHANNELS)


def _word(text: str) -> str:
    return "".join(c for c in fold(text) if c.isalnum())


MESSAGES = {
    "nul": "This row holds a NUL character: save the list again without it.",
    "too_many_cells": "This row has more cells than the list has columns: put the cell that holds "
    "the delimiter in quotation marks.",
    "too_few_cells": "This row has too few cells: complete it.",
    "unclosed_quote": "A quotation mark is opened in this row and never closed: close or remove "
    "it.",
    "cell_too_long": "A cell of this row is longer than it can be: shorten it, or look for a "
    "missing quotation mark.",
    "too_long": "The {field} is longer than it can be: shorten “{value}”.",
    "date_missing": "Nothing says when this was sold: fill in the date.",
    "date_unreadable": "“{value}” cannot be read as a date: write it as year-month-day, such as "
    "2024-04-03 or 2024-04-03 14:30.",
    "date_in_future": "“{value}” lies in the future: only what was sold already is taken.",
    "date_too_early": "“{value}” lies before 1900: correct the year.",
    "quantity_unreadable": "“{value}” is no number of pieces: write a whole number.",
    "quantity_zero": "Nothing was sold with a quantity of 0: remove the line.",
    "quantity_too_large": "“{value}” are too many pieces: correct the quantity.",
    "amount_missing": "Nothing says for how much: fill in the amount.",
    "amount_unreadable": "“{value}” is no amount: write it like 12.50.",
    "negative_price": "A price below nothing cannot be kept: of what came back make the quantity "
    "negative, not the price.",
    "amount_too_large": "“{value}” is more than a line can come to: correct the amount.",
    "kind_unknown": "“{value}” is neither a product nor a service: write one of these words.",
    "channel_unknown": "“{value}” is no channel: write online, walk-in, phone or partner.",
    "email_unreadable": "“{value}” is no e-mail address: correct it, or empty the cell.",
    "phone_unreadable": "“{value}” cannot be read as a phone number: add the area code or the "
    "country code, or empty the cell.",
    "no_sale_found": "No earlier sale of this item to this customer has {value} left to give "
    "back: that much of the return is left out.",
}
"""What each problem says to people. Those of an e-mail, a phone and a channel leave the line in."""

HARMLESS = frozenset({"email_unreadable", "phone_unreadable", "channel_unknown"})


class _Refused(Exception):
    """This row cannot be taken: the code, the field, and what stands there."""

    def __init__(self, code: str, field: SaleField | None = None, value: str = "") -> None:
        super().__init__(code)
        self.code, self.field, self.value = code, field, value


class SaleReader:
    """Reads the rows of one list into pieces, for a vendor of one country and time zone."""

    def __init__(
        self, header: Sequence[str], mapping: Mapped, marks: Marks, country: str, zone: tzinfo
    ) -> None:
        self._header, self._width = tuple(header), len(header)
        self._at = _indexes(header, mapping)
        self._country = country.upper()
        self._moment = moments.reader(marks.date_order, zone, clock.now())
        self._figure = lru_cache(65_536)(lambda text: number(clean(text), marks.decimal_mark))
        self._buyers: dict[tuple[str, ...], tuple[int | None, tuple[str, ...]]] = {}
        self._items: dict[tuple[str, ...], tuple[int, str]] = {}
        self._piece = Piece()
        self._problems: list[dict[str, Any]] = []
        self._is_return = False  # its cells are kept, for it may find no sale
        self._last_order: tuple[Any, int] = ((), 0)
        self._buyer_cells = self._columns(
            SaleField.CUSTOMER, SaleField.NAME, SaleField.FIRST_NAME, SaleField.LAST_NAME,
            SaleField.EMAIL, SaleField.PHONE,
        )  # fmt: skip
        figures = (SaleField.QUANTITY, SaleField.UNIT_PRICE, SaleField.AMOUNT)
        self._figure_cells = [self._at[f] for f in figures if f in self._at]
        self._known_figures: dict[tuple[str, ...], tuple[int, Decimal, Decimal]] = {}
        self._item_cells = self._columns(
            SaleField.SKU, SaleField.ITEM, SaleField.CATEGORY, SaleField.KIND
        )

    def _columns(self, *fields: SaleField) -> list[int]:
        return [self._at.get(f, self._width) for f in fields]

    def piece(self, rows: Sequence[RawRow], first: int) -> Piece:
        """These rows as COPY takes them; `first` is the position of the first."""
        self._piece = Piece()
        lines = self._piece.lines
        for position, row in enumerate(rows, first):
            lines.append(f"{position}\t{self._line(row)}\n")
        return self._piece

    def _line(self, row: RawRow) -> str:
        joined = "\x1f".join(row.cells)
        digest = _hashed(joined)
        self._problems.clear()
        self._is_return = False
        try:
            if "\0" in joined:
                raise _Refused("nul")
            said = self._sale(row)
            code = "\\N"
        except _Refused as refusal:
            self._note(row, refusal.code, refusal.field, refusal.value)
            said, code = _NOTHING_SAID, refusal.code
        if not self._problems and not self._is_return:
            return f"{row.line}\t{digest}\t{code}\t\\N\t\\N\t{said}"
        raw = _text(as_json([_plain(cell)[:_KEPT] for cell in row.cells[:500]]))
        problems = _text(as_json(self._problems)) if self._problems else "\\N"
        return f"{row.line}\t{digest}\t{code}\t{raw}\t{problems}\t{said}"

    def _note(self, row: RawRow, code: str, field: SaleField | None, value: str) -> None:
        shown = " ".join(_plain(value).split())
        shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
        label = LABELS[field] if field else ""
        self._problems.append(
            {
                "line": row.line, "page": None,
                "column": self._header[self._at[field]] if field in self._at else None,
                "field": field, "code": code, "value": shown,
                "message": MESSAGES[code].format(value=shown, field=label),
                "fatal": code not in HARMLESS,
            }
        )  # fmt: skip

    # --- a line --------------------------------------------------------------------------

    def _sale(self, row: RawRow) -> str:
        cells = row.cells
        width = len(cells)
        if row.broken or width != self._width:
            cells = self._shaped(row, cells)
        sold_at = self._sold_at(cells)
        quantity, unit_price, total = self._figures_of(cells)
        self._is_return = quantity < 0
        buyer, _ = self._buyer(row, cells)
        item, name = self._item(row, cells, unit_price)
        order = self._cell(cells, SaleField.ORDER)
        key = self._order_key(order, buyer, sold_at)
        channel = self._channel(row, cells)
        reference = _text(order) if order else "\\N"
        of = "\\N" if buyer is None else buyer
        return (
            f"{sold_at}\t{key}\t{reference}\t{of}\t{item}\t{name}\t{quantity}\t{unit_price}"
            f"\t{total}\t{channel}"
        )

    def _shaped(self, row: RawRow, cells: tuple[str, ...]) -> tuple[str, ...]:
        if row.broken:
            raise _Refused(row.broken, value=" ".join(cells))
        if any(cell.strip() for cell in cells[self._width :]):
            raise _Refused("too_many_cells", value=" ".join(cells))
        if self._width > 2 and len(cells) * 2 < self._width:
            raise _Refused("too_few_cells", value=" ".join(cells))
        return (*cells, *[""] * (self._width - len(cells)))

    def _cell(self, cells: tuple[str, ...], field: SaleField) -> str:
        index = self._at.get(field)
        if index is None:
            return ""
        text = cells[index]
        if not text:
            return ""
        text = one_line(clean(text))
        if len(text) > _LONGEST[field]:
            raise _Refused("too_long", field, text)
        return text

    def _sold_at(self, cells: tuple[str, ...]) -> str:
        text = cells[self._at[SaleField.DATE]]
        if SaleField.TIME in self._at and (time := cells[self._at[SaleField.TIME]].strip()):
            text = f"{text.strip().split(' ')[0]} {time}"
        moment, code = self._moment(text)
        if moment is None:
            if not clean(text):
                raise _Refused("date_missing", SaleField.DATE)
            raise _Refused(code or "", SaleField.DATE, text)
        return moment

    def _figures_of(self, cells: tuple[str, ...]) -> tuple[int, Decimal, Decimal]:
        """The same cells say the same again and again."""
        said = tuple([cells[index] for index in self._figure_cells])
        known = self._known_figures.get(said)
        if known is None:
            if len(self._known_figures) >= _REMEMBERED:
                self._known_figures.clear()
            known = self._known_figures[said] = self._figures(cells)
        return known

    def _figures(self, cells: tuple[str, ...]) -> tuple[int, Decimal, Decimal]:
        """Pieces (below nothing: returned), the price of one, and what all come to."""
        quantity = self._quantity(cells)
        price, amount = (
            self._money(cells, f) for f in (SaleField.UNIT_PRICE, SaleField.AMOUNT)
        )  # fmt: skip
        pieces = abs(quantity)
        if (price or 0) < 0 or ((amount or 0) < 0 and quantity > 0):
            which = SaleField.UNIT_PRICE if (price or 0) < 0 else SaleField.AMOUNT
            raise _Refused("negative_price", which, cells[self._at[which]])
        if amount is not None:
            exact = abs(amount)
        elif price is not None:
            exact = price * pieces
        else:
            which = SaleField.AMOUNT if SaleField.AMOUNT in self._at else SaleField.UNIT_PRICE
            raise _Refused("amount_missing", which)
        total = exact.quantize(_CENT, ROUND_HALF_EVEN) if exact < _MOST_MONEY else _MOST_MONEY
        each = (price or Decimal(0)).quantize(_CENT, ROUND_CEILING) if (price or 0) < _MOST_MONEY \
            else _MOST_MONEY  # fmt: skip
        if each * pieces < total:
            each = (total / pieces).quantize(_CENT, ROUND_CEILING)
        if total >= _MOST_MONEY or each >= _MOST_MONEY:
            raise _Refused("amount_too_large", SaleField.AMOUNT, str(exact))
        return quantity, each, total

    def _quantity(self, cells: tuple[str, ...]) -> int:
        index = self._at.get(SaleField.QUANTITY)
        if index is None or not (text := cells[index].strip()):
            return 1
        told = self._figure(text)
        if told is None or told != told.to_integral_value():
            raise _Refused("quantity_unreadable", SaleField.QUANTITY, text)
        if not told:
            raise _Refused("quantity_zero", SaleField.QUANTITY, text)
        if abs(told) > _MOST_PIECES:
            raise _Refused("quantity_too_large", SaleField.QUANTITY, text)
        return int(told)

    def _money(self, cells: tuple[str, ...], field: SaleField) -> Decimal | None:
        index = self._at.get(field)
        if index is None or not (text := cells[index]):
            return None
        told = self._figure(text)
        if told is None and clean(text):
            raise _Refused("amount_unreadable", field, text)
        return told

    def _channel(self, row: RawRow, cells: tuple[str, ...]) -> str:
        text = cells[self._at[SaleField.CHANNEL]] if SaleField.CHANNEL in self._at else ""
        if not text.strip():
            return "import"
        found = _channel_of(text)
        if found is None:
            self._note(row, "channel_unknown", SaleField.CHANNEL, text)
        return found or "import"

    def _order_key(self, order: str, buyer: int | None, sold_at: str) -> int:
        """Lines of one number and customer are one order; else those of one instant."""
        same = (order, buyer) if order else ("", buyer, sold_at)
        if self._last_order[0] != same:
            self._last_order = (same, _hashed("\x1f".join(map(str, ("order", *same)))))
        return self._last_order[1]

    # --- who and what --------------------------------------------------------------------

    def _buyer(self, row: RawRow, cells: tuple[str, ...]) -> tuple[int | None, tuple[str, ...]]:
        padded = (*cells, "")
        said = tuple(padded[index] for index in self._buyer_cells)
        known = self._buyers.get(said)
        if known is None:
            if len(self._buyers) >= _REMEMBERED:
                self._buyers.clear()
            known = self._buyers[said] = self._new_buyer(row, cells)
        for code in known[1]:
            which = SaleField.EMAIL if code == "email_unreadable" else SaleField.PHONE
            self._note(row, code, which, cells[self._at[which]])
        return known

    def _new_buyer(self, row: RawRow, cells: tuple[str, ...]) -> tuple[int | None, tuple[str, ...]]:
        reference = _without_zeros_behind(self._cell(cells, SaleField.CUSTOMER))
        parts = (self._cell(cells, f) for f in (SaleField.FIRST_NAME, SaleField.LAST_NAME))
        name = self._cell(cells, SaleField.NAME) or " ".join(filter(None, parts))
        problems = []
        email = phone = None
        if SaleField.EMAIL in self._at and (text := clean(cells[self._at[SaleField.EMAIL]])):
            email = normal_email(text)
            problems += ["email_unreadable"] if email is None else []
        if SaleField.PHONE in self._at and (text := clean(cells[self._at[SaleField.PHONE]])):
            phone = phone_in(text, (self._country,))
            problems += ["phone_unreadable"] if phone is None else []
        reference = reference or ("" if email or phone else name)
        told = reference or email or phone
        if not told:
            return None, tuple(problems)
        key = _hashed(f"buyer\x1f{'r' if reference else 'c'}\x1f{told}")
        values = (key, row.line, reference or None, name or None, email, phone)
        self._piece.buyers.append("\t".join(map(_value, values)) + "\n")
        return key, tuple(problems)

    def _item(self, row: RawRow, cells: tuple[str, ...], unit_price: Decimal) -> tuple[int, str]:
        padded = (*cells, "")
        said = tuple(padded[index] for index in self._item_cells)
        known = self._items.get(said)
        if known is None:
            if len(self._items) >= _REMEMBERED:
                self._items.clear()
            known = self._items[said] = self._new_item(row, cells, unit_price)
        return known

    def _new_item(
        self, row: RawRow, cells: tuple[str, ...], unit_price: Decimal
    ) -> tuple[int, str]:
        code, name, category = (
            self._cell(cells, f) for f in (SaleField.SKU, SaleField.ITEM, SaleField.CATEGORY)
        )
        kind = None
        if SaleField.KIND in self._at and (text := cells[self._at[SaleField.KIND]].strip()):
            kind = _KIND_OF.get(_word(text))
            if kind is None:
                raise _Refused("kind_unknown", SaleField.KIND, text)
        same = f"c\x1f{code}" if code else f"n\x1f{fold(name)}"
        key = _hashed(f"item\x1f{kind}\x1f{same}")
        values = (key, row.line, kind, code or None, name or None, category or None, unit_price)
        self._piece.items.append("\t".join(map(_value, values)) + "\n")
        return key, _text(name) if name else "\\N"


_NOTHING_SAID = "\t".join(["\\N"] * 10)


@lru_cache(4096)
def _channel_of(text: str) -> str | None:
    return _CHANNEL_OF.get(_word(text))


def _without_zeros_behind(reference: str) -> str:
    """ "17850.0" is what spreadsheets make of the number 17850."""
    return reference[:-2] if reference.endswith(".0") and reference[:-2].isdecimal() else reference


def _hashed(text: str) -> int:
    raw = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(raw, "little", signed=True)


def _plain(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _text(text: str) -> str:
    """A text as COPY takes it."""
    return text.translate(_ESCAPED)


def _value(value: Any) -> str:
    return "\\N" if value is None else _text(value) if isinstance(value, str) else str(value)


Reader = Callable[[Sequence[RawRow], int], Piece]
"""Makes a piece of some rows; the first of them has the given position."""


def reader(listing: Listing, mapping: Mapped, marks: Marks, country: str, zone: tzinfo) -> Reader:
    """What turns the rows of this list into pieces."""
    return SaleReader(listing.header, mapping, marks, country, zone).piece
