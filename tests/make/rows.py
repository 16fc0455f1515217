"""What every factory needs: numbers, the vendor of other rows, a row that is saved."""

import itertools
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from models.base import Base

T = TypeVar("T", bound=Base)
_numbers = itertools.count(1)
slots = itertools.count(1)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def number() -> int:
    """A number no other row of this test process has."""
    return next(_numbers)


def saved(session: Session, row: T) -> T:
    session.add(row)
    session.flush()  # the id, and what the database says about the row
    return row


def of_vendor(fields: dict[str, Any], *rows: Any) -> dict[str, Any]:
    """`fields`, with the vendor of the first of `rows` that has one."""
    for row in rows:
        if "vendor_id" not in fields and row is not None:
            fields["vendor_id"] = row.vendor_id
    return fields


def home_of(fields: dict[str, Any]) -> dict[str, Any]:
    return {"vendor_id": fields["vendor_id"]} if "vendor_id" in fields else {}
