"""What each column of a list of products or of stock seems to be, by its header."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from app.columns import ProductField, StockField
from app.contact import fold
from app.intake import ware_words
from app.intake.headings import compact
from app.intake.samples import Sample

P = ProductField
Found = tuple[ProductField, int]
KINDS = frozenset({"simple", "variable", "variation", "grouped", "external"})
_OPTIONS = (P.OPTION_1, P.OPTION_2, P.OPTION_3)
_FOR_STOCK = {
    P.SKU: StockField.SKU, P.BARCODE: StockField.BARCODE, P.NAME: StockField.NAME,
    P.OPTION_1: StockField.OPTION, P.ON_HAND: StockField.QUANTITY, P.COST: StockField.COST,
}  # fmt: skip
_MOST_LOOKED_AT = 200


def _ranks() -> dict[str, list[Found]]:
    ranks: dict[str, list[Found]] = {}
    for field, words in ware_words.WORDS.items():
        for rank, word in enumerate(words.split()):
            ranks.setdefault(compact(word), []).append((field, rank))
    return ranks


_RANKS = _ranks()
_NAMED_OPTIONS = frozenset(map(compact, ware_words.OPTIONS.split()))
_COUNTED = {word: rank for rank, word in enumerate(ware_words.COUNTED.split())}


@lru_cache(maxsize=4096)
def ware_heading(header: str) -> tuple[Found, ...]:
    """What a header may name, with how good a word it is; nothing when it is no word we know."""
    if len(header) > 100:
        return ()
    word = compact(header)
    found = _known(word)
    for start in ware_words.BELONGING:
        if found:
            break
        found = _known(word.removeprefix(start)) if word.startswith(start) else ()
    return found


def _known(word: str) -> tuple[Found, ...]:
    if word in _RANKS:
        return tuple(_RANKS[word])
    if word in _NAMED_OPTIONS:
        return tuple((field, 1000) for field in _OPTIONS)
    return tuple((field, 500) for start, field in ware_words.STARTS.items()
                 if word.startswith(start))  # fmt: skip


def is_ware_heading(header: str) -> bool:
    """Whether a cell names a column of such a list."""
    return bool(ware_heading(header)) or compact(header) in _COUNTED


def option_named(header: str) -> str | None:
    """The option whose values stand below this header: "Size", but not "Option1 Value"."""
    return " ".join(header.split()) if compact(header) in _NAMED_OPTIONS else None


def propose_products(sample: Sample) -> dict[str, ProductField | None]:
    """A field for each column, or None; no field is given twice."""
    fields: list[ProductField | None] = [None] * len(sample.header)
    for index, (field, _) in _best(sample):
        if fields[index] is None and field not in fields and _fits(sample, index, field):
            fields[index] = field
    if P.NAME not in fields and P.DESCRIPTION in fields:
        fields[fields.index(P.DESCRIPTION)] = P.NAME  # "Code, Description, Price"
    return dict(zip(sample.header, fields, strict=True))


def _best(sample: Sample) -> list[tuple[int, Found]]:
    """Column and field, the best first: a plain word, in a column that says something."""
    if not sample.has_header:
        return []
    empty = {i for i in range(len(sample.header)) if sample.rows and not sample.column(i)}
    said = [(i, f) for i, name in enumerate(sample.header) for f in ware_heading(name)]
    return sorted(said, key=lambda one: (one[0] in empty, one[1][1], one[0]))


def _fits(sample: Sample, index: int, field: ProductField) -> bool:
    """Whether the cells may be what the header says, where a header is said of two things."""
    test = _TESTS.get(field)
    return test is None or test(sample.column(index)[:_MOST_LOOKED_AT], sample.header[index])


def _are_kinds(cells: Sequence[str], header: str) -> bool:
    """Of a shop's program: simple, variable, variation; anything else is a category."""
    return bool(cells) and all(fold(cell.split(",")[0].strip()) in KINDS for cell in cells)


def _are_names(cells: Sequence[str], header: str) -> bool:
    return not cells or not all(cell.replace(".", "").isdigit() for cell in cells)


_TESTS: Mapping[ProductField, Callable[[Sequence[str], str], bool]] = {
    P.KIND: _are_kinds,
    P.CATEGORY: lambda cells, header: _are_names(cells, header) and not _are_kinds(cells, header),
    P.SUBCATEGORY: _are_names,
    P.NAME: _are_names,
}


def propose_stock(sample: Sample) -> dict[str, StockField | None]:
    """The same for a list of opening stock."""
    fields: list[StockField | None] = [None] * len(sample.header)
    found = [
        (rank, i, StockField.QUANTITY)
        for i, name in enumerate(sample.header)
        if sample.has_header and (rank := _COUNTED.get(compact(name), -1)) >= 0
    ]
    found += [(100 + rank, i, _FOR_STOCK[field]) for i, (field, rank) in _best(sample)
              if field in _FOR_STOCK]  # fmt: skip
    for _, index, field in sorted(found):
        wrong = field is StockField.NAME and not _fits(sample, index, P.NAME)
        if fields[index] is None and field not in fields and not wrong:
            fields[index] = field
    if not set(fields) & {StockField.SKU, StockField.BARCODE, StockField.NAME}:
        said = (i for i, (field, _) in _best(sample) if field is P.DESCRIPTION)
        if (only := next(said, None)) is not None:
            fields[only] = StockField.NAME
    return dict(zip(sample.header, fields, strict=True))
