"""What a reader over several vendors is told: whose things are, but of few customers nothing."""

from typing import Any

from sqlalchemy import ColumnElement, case

from app.tenancy import DatabaseRole, current_actor
from models.vendors import Vendor

FEWEST = 5


def over_vendors() -> bool:
    """Whether the reader sees more than one vendor: then small groups are hidden."""
    return current_actor().role is not DatabaseRole.VENDOR


def hidden_if_few(value: Any, customers: Any) -> ColumnElement[Any]:
    """The value, or nothing where it is of fewer than five customers of several vendors."""
    if not over_vendors():
        shown: ColumnElement[Any] = value
        return shown
    return case((customers >= FEWEST, value))


def enough(customers: Any) -> list[ColumnElement[bool]]:
    """The condition under which a row is shown at all."""
    return [customers >= FEWEST] if over_vendors() else []


def at_vendor(name: Any) -> ColumnElement[str]:
    """The name of something of a vendor, over several vendors with the vendor's (to be joined)."""
    told: ColumnElement[str] = name + ", " + Vendor.name if over_vendors() else name
    return told
