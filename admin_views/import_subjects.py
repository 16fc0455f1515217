"""What the pages of an import say, by what the list is about: a table with one line for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from admin_views import import_words as words
from app.columns import Subject

Column = tuple[str, str, str]
"""Title, name of what the row says, and how that is shown: as text, `phone` or `num`."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one subject.

    `row_columns` are shown of each row beside its name. `keys` are what one may choose to know
    them by, none where that is not asked; `known_by` says it instead. `corrects`: whether rows
    with a problem can be typed again, and `fixed_by` in which fields.
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
    keys: Mapping[str, str] = field(default_factory=dict)
    known_by: str = ""
    corrects: bool = False
    fixed_by: Sequence[StrEnum] = ()


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
        corrects=True,
        fixed_by=words.FIXED_BY,
    ),
}

CHOICES = [(subject.value, said.choice) for subject, said in WORDS.items()]
"""What a file may hold, as the page of the upload asks it."""


def words_of(subject: str) -> Words:
    """The words of a subject."""
    return WORDS[Subject(subject)]
