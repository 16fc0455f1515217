"""What customers bought, and the running numbers on them: kept as things happen, and provable.

`app.operations.truth` says what they must be; this module alone writes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.operations.truth import KEY, these, true_interests, true_numbers
from models.customers import Customer
from models.interests import CustomerInterest
from models.words import InterestKind

NUMBERS = (
    "visit_count",
    "no_show_count",
    "order_count",
    "services_spent",
    "products_spent",
    "total_spent",
    "last_visit_at",
    "last_order_at",
    "last_activity_at",
)
"""The running numbers on a customer; nothing but this module writes them."""


NOTHING = Decimal("0.00")
"""What something costs that was not paid for."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A number that is not what the bookings and orders say. Empty lists of these are the law."""

    customer_id: int
    number: str
    kept: Any
    true: Any


# --- as things happen ---------------------------------------------------------------------


def hold(session: Session, customer_id: int) -> None:
    """Let no one else move this customer's numbers until the transaction ends."""
    row = select(Customer.id).where(Customer.id == customer_id)
    session.execute(row.with_for_update(key_share=True))


def record(
    session: Session,
    *,
    customer_id: int,
    kind: InterestKind,
    item_id: int,
    category_id: int | None,
    times: int,
    spent: Decimal,
    at: datetime,
) -> None:
    """Remember that a customer bought an item `times` times for `spent` in all."""
    vendor = select(Customer.vendor_id).where(Customer.id == customer_id).scalar_subquery()
    new = insert(CustomerInterest).values(
        vendor_id=vendor,
        customer_id=customer_id,
        kind=kind,
        item_id=item_id,
        category_id=category_id,
        times=times,
        spent=spent,
        last_at=at,
    )
    kept = CustomerInterest
    session.execute(
        new.on_conflict_do_update(
            index_elements=list(KEY),
            set_={
                "times": kept.times + new.excluded.times,
                "spent": kept.spent + new.excluded.spent,
                "last_at": func.greatest(kept.last_at, new.excluded.last_at),
                "category_id": new.excluded.category_id,
            },
        )
    )


def count(
    session: Session,
    *,
    customer_id: int,
    visits: int = 0,
    no_shows: int = 0,
    orders: int = 0,
    services: Decimal = Decimal(0),
    products: Decimal = Decimal(0),
    others: Decimal = Decimal(0),
    visit_at: datetime | None = None,
    order_at: datetime | None = None,
) -> None:
    """Move a customer's running numbers by what has just happened."""
    moved = {
        "visit_count": Customer.visit_count + visits,
        "no_show_count": Customer.no_show_count + no_shows,
        "order_count": Customer.order_count + orders,
        "services_spent": Customer.services_spent + services,
        "products_spent": Customer.products_spent + products,
        "total_spent": Customer.total_spent + services + products + others,
        "last_visit_at": func.greatest(Customer.last_visit_at, visit_at),
        "last_order_at": func.greatest(Customer.last_order_at, order_at),
        "last_activity_at": func.greatest(Customer.last_activity_at, visit_at, order_at),
    }
    _write(session, [customer_id], moved)


def _write(session: Session, customer_ids: Sequence[int], moved: dict[str, Any]) -> None:
    """Statistics are no edit of the record: `updated_at` stays, so nobody's open form conflicts."""
    statement = (
        update(Customer)
        .where(Customer.id.in_(customer_ids))
        .values(**moved, updated_at=Customer.updated_at)
        .execution_options(synchronize_session=False)
    )
    session.execute(statement)
    for row in session.identity_map.values():
        if isinstance(row, Customer) and row.id in customer_ids:
            session.expire(row, list(NUMBERS))


def rebuild(session: Session, *, customer_ids: Sequence[int]) -> None:
    """Work out interests and numbers of these customers anew: after a merge, or its undoing."""
    session.flush()  # what was moved by the mapper counts too
    for customer_id in sorted(customer_ids):
        hold(session, customer_id)
    mine = CustomerInterest.customer_id.in_(customer_ids)
    session.execute(delete(CustomerInterest).where(mine))
    truth = true_interests(customer_ids).subquery()
    columns = [*KEY, "category_id", "times", "spent", "last_at"]
    session.execute(
        insert(CustomerInterest).from_select(columns, select(*(truth.c[c] for c in columns)))
    )
    for row in session.execute(true_numbers(customer_ids)).mappings():
        _write(session, [row["customer_id"]], {name: row[name] for name in NUMBERS})


# --- the proof ----------------------------------------------------------------------------


def drift(
    session: Session, *, customer_ids: Sequence[int] | None = None, limit: int = 1000
) -> list[Drift]:
    """Every number that differs from what is recomputed, at most `limit` customers and interests.

    Over the vendor acting, or all of them for the marketplace.
    """
    session.flush()  # numbers not yet written would look like drift
    return [
        *_drifting_numbers(session, customer_ids, limit),
        *_drifting_interests(session, customer_ids, limit),
    ]


def _drifting_numbers(
    session: Session, customer_ids: Sequence[int] | None, limit: int
) -> list[Drift]:
    truth = true_numbers(customer_ids).subquery("truth")
    pairs = [(name, getattr(Customer, name), truth.c[name]) for name in NUMBERS]
    rows = session.execute(
        select(Customer.id, *(column for _, *both in pairs for column in both))
        .join(truth, truth.c.customer_id == Customer.id)
        .where(or_(*(kept.is_distinct_from(true) for _, kept, true in pairs)))
        .order_by(Customer.id)
        .limit(limit)
    )
    return [
        Drift(row[0], name, row[1 + 2 * i], row[2 + 2 * i])
        for row in rows
        for i, name in enumerate(NUMBERS)
        if row[1 + 2 * i] != row[2 + 2 * i]
    ]


def _drifting_interests(
    session: Session, customer_ids: Sequence[int] | None, limit: int
) -> list[Drift]:
    truth = true_interests(customer_ids).subquery("truth")
    kept = (
        select(CustomerInterest)
        .where(*these(CustomerInterest.customer_id, customer_ids))
        .subquery("kept")
    )
    numbers = ("category_id", "times", "spent", "last_at")
    differs = or_(*(kept.c[n].is_distinct_from(truth.c[n]) for n in numbers))
    both = and_(*(kept.c[k] == truth.c[k] for k in KEY))
    who, kind, item = (func.coalesce(kept.c[k], truth.c[k]) for k in KEY[1:])
    rows = session.execute(
        select(who, kind, item, *(side.c[n] for side in (kept, truth) for n in numbers))
        .select_from(kept.join(truth, both, full=True))
        .where(differs)
        .order_by(who, kind, item)
        .limit(limit)
    )
    return [
        Drift(row[0], f"{row[1]} {row[2]} {name}", row[3 + i], row[7 + i])
        for row in rows
        for i, name in enumerate(numbers)
        if row[3 + i] != row[7 + i]
    ]
