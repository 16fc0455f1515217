"""How the lists of each subject are read: a table with one line for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.columns import Subject
from app.intake.headings import Known, heading
from app.intake.lists import Listing
from app.intake.notes import Note, readings
from app.intake.proposals import propose
from app.intake.rows import reader_of
from app.intake.sale_headings import known
from app.intake.sale_headings import propose as propose_sales
from app.intake.sale_notes import readings as sale_readings
from app.intake.samples import RawRow, Sample
from app.intake.ware_columns import is_ware_heading, propose_products, propose_stock
from app.intake.ware_notes import product_notes, stock_notes
from app.intake.wares import product_reader, stock_reader
from app.staging import Staged, staged

Fields = Mapping[str, Any]
"""What each column becomes, by its header; None is left out."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a list about one subject is read.

    `known` tells headers from other cells. `propose` says what each column seems to be. `reader`
    makes, for how a list begins, its columns and a vendor's country, what turns a row into what is
    staged.
    `notes` says of each column how that goes. `printed`: whether a PDF may hold such a list;
    `packed`: whether it may be compressed, and is then read without a reader, piece by piece.
    """

    known: Known
    propose: Callable[[Sample], Fields]
    reader: Callable[[Sample, Fields, str], Callable[[RawRow], Staged]] | None
    notes: Callable[[Listing, Fields, str], Mapping[str, Note]]
    whose: str
    printed: bool = False
    packed: bool = False


def _customers(sample: Sample, mapping: Fields, country: str) -> Callable[[RawRow], Staged]:
    read = reader_of(sample, mapping, country).read
    return lambda raw: staged(read(raw))


READINGS: Mapping[Subject, Reading] = {
    Subject.CUSTOMERS: Reading(
        heading, propose, _customers, readings, whose="customers", printed=True
    ),
    Subject.SALES: Reading(
        known, propose_sales, None, sale_readings, whose="past sales", packed=True
    ),
    Subject.PRODUCTS: Reading(
        is_ware_heading, propose_products, product_reader, product_notes, whose="products"
    ),
    Subject.STOCK: Reading(
        is_ware_heading, propose_stock, stock_reader, stock_notes, whose="stock"
    ),
}


def row_reader(
    subject: str, sample: Sample, mapping: Fields, country: str
) -> Callable[[RawRow], Staged]:
    """What turns a row of a list that begins so into what is staged."""
    made = reading(subject).reader
    if made is None:
        raise TypeError(f"Lists of {subject} are not read row by row.")
    return made(sample, mapping, country)


def reading(subject: str) -> Reading:
    """How lists about `subject` are read."""
    return READINGS[Subject(subject)]
