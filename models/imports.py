"""Imports: what a row of a customer list says once it is read.

The files are read by `app.intake`, the rows are judged by `app.operations.imports`; both
speak in the words of this module.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Field(StrEnum):
    """What a column of a customer list can become."""

    FULL_NAME = "full_name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    COMPANY = "company"
    EMAIL = "email"
    PHONE = "phone"
    PHONE_2 = "phone_2"
    LINE1 = "line1"
    LINE2 = "line2"
    CITY = "city"
    REGION = "region"
    POSTAL_CODE = "postal_code"
    COUNTRY = "country"
    BIRTHDAY = "birthday"
    TAGS = "tags"
    STATUS = "status"
    MARKETING_EMAIL = "marketing_email"
    MARKETING_SMS = "marketing_sms"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the file that could not be taken as it stands: where, what, and what to do.

    A `fatal` problem makes its row invalid. Any other leaves one field empty and keeps the row.
    """

    line: int
    page: int | None
    column: str | None  # the header as the file writes it
    field: Field | None
    code: str
    value: str
    message: str
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class TypedRow:
    """One row of a customer list: every value normalised, every doubt said in `problems`.

    E-mail is lower case, phones are E.164, the country is ISO 3166 alpha-2, the status is
    a word of `customers.status`. `raw` holds the cells as the file has them.
    """

    line: int
    page: int | None
    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    phone_2: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    birthday: date | None = None
    tags: tuple[str, ...] = ()
    status: str | None = None
    marketing_email: bool | None = None
    marketing_sms: bool | None = None
    note: str | None = None
    raw: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str | None:
        """What the customer is called: the full name, else its two parts, else the company."""
        parts = " ".join(part for part in (self.first_name, self.last_name) if part)
        return self.full_name or parts or self.company

    @property
    def is_valid(self) -> bool:
        """Whether nothing in the row stands against importing it."""
        return not any(problem.fatal for problem in self.problems)
