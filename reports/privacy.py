"""What a reader over several vendors is told: whose things are, but of few customers nothing."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, case, func, or_, select

from app.tenancy import DatabaseRole, current_actor
from models.vendors import Vendor

FEWEST = 5
SMALL_GROUPS = (
    "Small groups",
    "Over several vendors, groups of fewer than five customers are left out, and so is one by which"
    " they could be told.",
)


def over_vendors() -> bool:
    """Whether the reader sees more than one vendor: then small groups are hidden."""
    return current_actor().role is not DatabaseRole.VENDOR


def hidden_if_few(value: Any, customers: Any) -> ColumnElement[Any]:
    """The value, or nothing where it is of fewer than five customers of several vendors."""
    if not over_vendors():
        shown: ColumnElement[Any] = value
        return shown
    return case((customers >= FEWEST, value))


def hidden_if_some(value: Any, customers: Any) -> ColumnElement[Any]:
    """The same, but what nobody brought is told: it is nothing."""
    return case((customers == 0, value), else_=hidden_if_few(value, customers))


def enough(customers: Any) -> list[ColumnElement[bool]]:
    """The condition under which a row is shown at all, where rows share their customers."""
    return [customers >= FEWEST] if over_vendors() else []


def without_few(rows: FromClause, *, within: str | None = None) -> Select[*tuple[Any, ...]]:
    """The rows of enough `customers`, and none by which those left out could be told.

    Where these come to fewer than five, the row of the fewest others goes with them: else they are
    what is missing to a total that stands elsewhere. `within`: a column, such as a month, of which
    each value has a total of its own.
    """
    if not over_vendors():
        return select(rows)
    enough_of_them = rows.c.customers >= FEWEST
    apart = [rows.c[within]] if within else []
    left_out = func.sum(case((enough_of_them, 0), else_=rows.c.customers)).over(partition_by=apart)
    place = func.row_number().over(
        partition_by=[*apart, enough_of_them],
        # of equal ones always the same: if each were told once, both would be known
        order_by=[rows.c.customers, *rows.c],
    )
    all_of_them = select(rows, left_out.label("left_out"), place.label("place_of")).subquery("told")
    told = all_of_them.c
    nobody_is_told = or_(told.left_out == 0, told.left_out >= FEWEST, told.place_of > 1)
    return select(*(told[column.key] for column in rows.c)).where(
        told.customers >= FEWEST, nobody_is_told
    )


def at_vendor(name: Any) -> ColumnElement[str]:
    """The name of something of a vendor, over several vendors with the vendor's (to be joined)."""
    told: ColumnElement[str] = name + ", " + Vendor.name if over_vendors() else name
    return told
