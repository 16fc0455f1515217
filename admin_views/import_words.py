"""The words of an import's pages."""

from collections.abc import Mapping

from app.columns import ProductField, StockField
from app.operations import imports
from app.staging import Field
from models.imports import ImportJob, ImportRow, ImportStatus, Outcome, Strategy
from models.words import Channel

LABELS: dict[Field, str] = {
    Field.FULL_NAME: "Full name",
    Field.FIRST_NAME: "First name",
    Field.LAST_NAME: "Last name",
    Field.COMPANY: "Company",
    Field.EMAIL: "E-mail",
    Field.PHONE: "Phone",
    Field.PHONE_2: "Second phone",
    Field.LINE1: "Street",
    Field.LINE2: "Street, second line",
    Field.CITY: "City",
    Field.REGION: "Region",
    Field.POSTAL_CODE: "Postal code",
    Field.COUNTRY: "Country",
    Field.BIRTHDAY: "Birthday",
    Field.TAGS: "Tags",
    Field.STATUS: "Status",
    Field.MARKETING_EMAIL: "Marketing by e-mail",
    Field.MARKETING_SMS: "Marketing by SMS",
    Field.NOTE: "Note",
}
PRODUCT_LABELS: dict[ProductField, str] = {
    ProductField.NAME: "Product's name",
    ProductField.GROUP: "Handle: rows of one product",
    ProductField.KIND: "Kind: simple, variable, variation",
    ProductField.OPTION_1_NAME: "First option, its name",
    ProductField.OPTION_1: "First option",
    ProductField.OPTION_2_NAME: "Second option, its name",
    ProductField.OPTION_2: "Second option",
    ProductField.OPTION_3_NAME: "Third option, its name",
    ProductField.OPTION_3: "Third option",
    ProductField.SKU: "SKU",
    ProductField.BARCODE: "Barcode",
    ProductField.PRICE: "Price",
    ProductField.COST: "Cost",
    ProductField.CATEGORY: "Category",
    ProductField.SUBCATEGORY: "Subcategory",
    ProductField.TAX_CLASS: "Tax class",
    ProductField.WARRANTY_MONTHS: "Warranty, months",
    ProductField.REPLENISHMENT_DAYS: "Lasts days",
    ProductField.TRACKS_STOCK: "Count its stock",
    ProductField.ON_HAND: "Opening stock",
    ProductField.LOW_STOCK: "Low at",
    ProductField.STATUS: "Status",
    ProductField.DISCONTINUED: "Discontinued",
    ProductField.DESCRIPTION: "Description",
}
STOCK_LABELS: dict[StockField, str] = {
    StockField.SKU: "SKU",
    StockField.BARCODE: "Barcode",
    StockField.NAME: "Product's name",
    StockField.OPTION: "Option",
    StockField.QUANTITY: "How many there are",
    StockField.COST: "Cost",
}
KEYS = {"phone": "Phone", "email": "E-mail", "name_birthday": "Name and birthday together"}
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
STRATEGIES = [
    (Strategy.FILL.value, "Fill in only what is empty"),
    (Strategy.OVERWRITE.value, "Take everything from the file"),
    (Strategy.SKIP.value, "Leave them as they are"),
]
SOURCES = [
    (Channel.IMPORT.value, "From an imported list"),
    (Channel.WALK_IN.value, "They walked in"),
    (Channel.PHONE.value, "By phone"),
    (Channel.ONLINE.value, "Online"),
    (Channel.PARTNER.value, "Through a partner"),
]
RUNS = {
    "importing": "Importing",
    "undoing": "Undoing the import",
    "deciding": "Settling the rows you decided on",
}
WOULD = {
    "created": "become new customers",
    "updated": "change known customers",
    "unchanged": "say nothing new",
    "skipped_duplicate": "are duplicates, or look like somebody",
    "invalid": "cannot be read yet",
}
DID = {
    "created": "became new customers",
    "updated": "changed known customers",
    "unchanged": "said nothing new",
    "skipped_duplicate": "were left out as duplicates",
    "invalid": "could not be read",
}
UNDID = {**DID, "created": "were new, until undone", "updated": "were changed, until undone"}
WHY = {
    "in_file": "Another row of the file is the same person.",
    "same_person": "Looks like somebody known, by name only: you decide.",
    "known": "Known already, and left as they are.",
    "same_name": "Known already, and left as they are.",
    "left_out": "Left out.",
    "kept_changed": "Kept: changed since the import.",
    "kept_in_use": "Kept: something else refers to this customer.",
}
Settled = Mapping[str, tuple[str, str]]
"""What is said of a row that was corrected: what it did, and what it will do, by its outcome."""
FIXED_BY = (Field.FULL_NAME, Field.FIRST_NAME, Field.LAST_NAME, Field.COMPANY, Field.PHONE,
            Field.EMAIL, Field.CITY)  # fmt: skip
WARE_FIXED_BY = (ProductField.NAME, ProductField.OPTION_1, ProductField.SKU, ProductField.BARCODE,
                 ProductField.PRICE, ProductField.ON_HAND)  # fmt: skip
STOCK_FIXED_BY = (StockField.SKU, StockField.BARCODE, StockField.NAME, StockField.QUANTITY)


def need(count: int, what: str) -> str:
    """`1 needs a correction`, `2 need a correction`, or nothing."""
    if not count:
        return ""
    return f"{count:,} {'needs' if count == 1 else 'need'} {what}"


def took(job: ImportJob) -> str:
    """How long the import took."""
    if not job.started_at or not job.finished_at:
        return ""
    seconds = max(1, round((job.finished_at - job.started_at).total_seconds()))
    return f" in {seconds:,} second{'' if seconds == 1 else 's'}"


def status(job: ImportJob) -> str:
    """Where a job stands, in the list of imports."""
    words = {"tried": "tried_out", "importing": "committing"}
    step = imports.step(job)
    if step in ("undoing", "deciding"):
        return "undoing" if step == "undoing" else "in_progress"
    if imports.is_halted(job):
        return "stopped"
    if job.status == ImportStatus.MAPPED and step:
        return "trying_out"
    if job.status == ImportStatus.FAILED and job.refused:
        return "refused"
    return words.get(job.status, job.status)


SETTLED: Settled = {
    "created": ("became a new customer", "will become a new customer"),
    "updated": ("changed a known customer", "will change a known customer"),
    "unchanged": ("said nothing new", "says nothing new"),
    "skipped_duplicate": ("was left out", "is the same person as another row, and stays out"),
}
WARE_SETTLED: Settled = {
    "created": ("became a new variant", "will become a new variant"),
    "updated": ("changed a known variant", "will change a known variant"),
    "unchanged": ("said nothing new", "says nothing new"),
    "skipped_duplicate": ("was left out", "will be left out"),
}
STOCK_SETTLED: Settled = {
    "created": ("was received as opening stock", "will be received as opening stock"),
    "updated": ("was counted anew", "will be counted anew"),
    "unchanged": ("says what the books say", "says what the books say"),
    "skipped_duplicate": ("was left out", "will be left out"),
}


def settled_sentence(row: ImportRow, settled: Settled, *, is_saved: bool) -> str:
    """What became of a row that somebody corrected or decided, or will when it is imported."""
    if row.outcome == Outcome.INVALID:
        fatal = (p["message"] for p in row.problems or () if p.get("fatal"))
        return next(fatal, "This row still cannot be read: correct what is marked.")
    if row.code == "same_person":
        return "The row can be read now, and looks like somebody known: you decide."
    did = settled[row.outcome]
    return f"Line {row.line} {did[0] if is_saved else did[1]}."


def settled_tone(row: ImportRow) -> str:
    """How that sentence is meant."""
    return "danger" if row.outcome == Outcome.INVALID else "success"
