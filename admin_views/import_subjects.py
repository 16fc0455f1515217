"""What the pages of an import say, by what the list is about: a table with one line for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from admin_views import import_words as words
from app.columns import Subject
from app.past_sales import LABELS as SALE_LABELS

Column = tuple[str, str, str]
"""Title, name of what the row says, and how that is shown: as text, `phone` or `num`."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one subject.

    `row_columns` are shown of each row beside its name. `keys` are what one may choose to know
    them by, or what is made besides; `known_by` says what is not asked. Rows with a problem are
    typed again in the fields of `fixed_by`; `settled` says what becomes of them.
    """

    choice: str
    title: str
    whose: str
    crumb: tuple[str, str]
    see: tuple[str, str]
    one: str
    labels: Mapping[Any, str]
    strategies: Sequence[tuple[str, str]]
    when_known: str
    row_columns: Sequence[Column]
    would: Mapping[str, str]
    did: Mapping[str, str]
    undid: Mapping[str, str]
    why: Mapping[str, str]
    undo_text: str
    undo_ask: str
    lead: str = "From a spreadsheet or another system"
    pills: str = "row"
    keys: Mapping[str, str] = field(default_factory=dict)
    keys_title: str = "The same person is found by"
    known_by: str = ""
    fixed_by: Sequence[StrEnum] = ()
    settled: words.Settled = field(default_factory=dict)


_WARE_STRATEGIES = (
    ("fill", "Fill in only what is empty"),
    ("overwrite", "Take everything from the file"),
    ("skip", "Leave them as they are"),
)
_STOCK_STRATEGIES = (
    ("fill", "Set the number that was counted; a cost only where there is none"),
    ("overwrite", "Set the number that was counted, and the cost"),
    ("skip", "Leave those whose stock has moved already as they are"),
)


WORDS: Mapping[Subject, Words] = {
    Subject.CUSTOMERS: Words(
        choice="Customers",
        title="Import customers",
        whose="customers",
        crumb=("Customers", "customer"),
        see=("See the customers", "/admin/customer/list"),
        one="Customer",
        labels=words.LABELS,
        strategies=words.STRATEGIES,
        when_known="When we already know the customer",
        row_columns=(("Phone", "phone", "phone"), ("E-mail", "email", ""), ("City", "city", "")),
        would=words.WOULD,
        did=words.DID,
        undid=words.UNDID,
        why=words.WHY,
        undo_text="Customers who have booked, bought or changed since then are kept.",
        undo_ask="New customers go again and changed ones are as before. Whoever was changed, "
        "booked or bought since is kept, and you see who.",
        lead="From a spreadsheet, another system, or a printed list",
        keys=words.KEYS,
        fixed_by=words.FIXED_BY,
        settled=words.SETTLED,
    ),
    Subject.PRODUCTS: Words(
        choice="Products",
        pills="ware",
        title="Import products",
        whose="products",
        crumb=("Products", "product"),
        see=("See the products", "/admin/product/list"),
        one="Product",
        labels=words.PRODUCT_LABELS,
        strategies=_WARE_STRATEGIES,
        when_known="When we already know the product",
        row_columns=(("SKU", "sku", ""), ("Price", "price", "num"), ("Stock", "on_hand", "num")),
        would={
            "created": "become new variants",
            "updated": "change known variants",
            "unchanged": "say nothing new",
            "skipped_duplicate": "repeat another row, or are left as they are",
            "invalid": "cannot be taken",
        },
        did={
            "created": "became new variants",
            "updated": "changed known variants",
            "unchanged": "said nothing new",
            "skipped_duplicate": "were left out",
            "invalid": "could not be taken",
        },
        undid={
            "created": "were new, until undone",
            "updated": "were changed, until undone",
            "unchanged": "said nothing new",
            "skipped_duplicate": "were left out",
            "invalid": "could not be taken",
        },
        why={
            "known": "Known already, and left as it is.",
            "no_variant": "Says nothing of a variant, such as a further picture.",
            "product_head": "Says what the rows below it have in common.",
            "kept_changed": "Kept: changed since the import.",
            "kept_in_use": "Kept: sold, used or counted since.",
            "archived": "Taken back: it is archived under another SKU, for its stock is in the"
            " ledger.",
        },
        undo_text="Products that were sold, moved or changed since then are kept.",
        undo_ask="New products go again and changed ones are as before. What was sold, moved or "
        "changed since is kept, and you see what. Opening stock is taken out of the ledger again.",
        known_by="A product is known by its SKU, else by its barcode, else by its name and options."
        " Its stock is taken from the file only when it is new.",
        keys={"categories": "Make categories that are missing"},
        keys_title="Categories",
        fixed_by=words.WARE_FIXED_BY,
        settled=words.WARE_SETTLED,
    ),
    Subject.STOCK: Words(
        choice="Opening stock",
        pills="count",
        title="Import opening stock",
        whose="stock",
        crumb=("Stock", "variant"),
        see=("See the stock", "/admin/variant/list"),
        one="Variant",
        labels=words.STOCK_LABELS,
        strategies=_STOCK_STRATEGIES,
        when_known="When the stock is counted already",
        row_columns=(
            ("SKU", "sku", ""),
            ("In the file", "quantity", "num"),
            ("Here", "on_hand", "num"),
        ),
        would={
            "created": "are received as opening stock",
            "updated": "are counted anew, by an adjustment",
            "unchanged": "say what the books say",
            "skipped_duplicate": "repeat another row, or are left as they are",
            "invalid": "cannot be taken",
        },
        did={
            "created": "were received as opening stock",
            "updated": "were counted anew, by an adjustment",
            "unchanged": "said what the books say",
            "skipped_duplicate": "were left out",
            "invalid": "could not be taken",
        },
        undid={
            "created": "were received, until undone",
            "updated": "were counted anew, until undone",
            "unchanged": "said what the books say",
            "skipped_duplicate": "were left out",
            "invalid": "could not be taken",
        },
        why={
            "known": "Its stock has moved already, and is left as it is.",
            "kept_changed": "Kept: its cost was changed since, or the variant is gone.",
            "kept_taken": "Kept: so many are not there any more, or promised to orders.",
        },
        undo_text="The ledger keeps what was written: the opposite is written beside it. What is "
        "not there any more is kept.",
        undo_ask="The opposite of each move is written into the ledger. Where that would leave "
        "fewer than none, or fewer than are promised, it is kept, and you see where.",
        known_by="A variant is found by its SKU, else by its barcode, else by its name. One whose "
        "stock has moved already is counted anew: the difference is booked as an adjustment.",
        fixed_by=words.STOCK_FIXED_BY,
        settled=words.STOCK_SETTLED,
    ),
    Subject.SALES: Words(
        choice="Past sales",
        pills="sale",
        title="Import past sales",
        whose="past sales",
        crumb=("Orders", "order"),
        see=("See the orders", "/admin/order/list"),
        one="Item",
        labels={word: label[0].upper() + label[1:] for word, label in SALE_LABELS.items()},
        strategies=(),
        when_known="",
        row_columns=(
            ("Date", "date", ""),
            ("Customer", "customer", ""),
            ("Quantity", "quantity", "num"),
            ("Amount", "amount", "num"),
        ),
        would={},
        did={},
        undid={},
        why={},
        undo_text="Orders, customers and items that somebody has used since are kept.",
        undo_ask="The orders go again, with their payments and refunds, and the customers and "
        "items that came with them. What was changed or used since is kept, and you see what.",
        lead="What another till sold becomes completed orders of the past",
        known_by="Customers are known by their number in the other till, else by e-mail or phone; "
        "items by their code, else by name. What is not known is made: customers, archived "
        "products, inactive services. Stock does not move, and nobody is told.",
    ),
}

CHOICES = [(subject.value, said.choice) for subject, said in WORDS.items()]
"""What a file may hold, as the page of the upload asks it."""


def words_of(subject: str) -> Words:
    """The words of a subject."""
    return WORDS[Subject(subject)]
