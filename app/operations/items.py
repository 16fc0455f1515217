"""What lines sell: variants of products, services, packages and plans of membership."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models.memberships import MembershipPlan
from models.orders import LineKind, OrderLine
from models.packages import Package
from models.products import Variant
from models.services import Service

ITEMS: Mapping[str, tuple[str, type[Any]]] = {
    LineKind.PRODUCT: ("variant_id", Variant),
    LineKind.SERVICE: ("service_id", Service),
    LineKind.PACKAGE: ("package_id", Package),
    LineKind.MEMBERSHIP: ("plan_id", MembershipPlan),
}
"""The column of a line that names an item of this kind, and the item; other kinds name none."""

Key = tuple[str, int | None]
"""The kind of an item, and its id."""


def named_by(line: OrderLine) -> Key:
    """What a line sells; fees, tips and shipping have no id."""
    return line.kind, getattr(line, ITEMS[line.kind][0]) if line.kind in ITEMS else None


@contextmanager
def at_hand(session: Session, wanted: Iterable[Key]) -> Iterator[dict[Key, Any]]:
    """These items by kind and id, each kind asked for once; what is not here is not among them.

    As long as this is open, `session.get` finds them without asking again.
    """
    named, held = set(wanted), dict[Key, Any]()
    for kind, (_, model) in ITEMS.items():
        ids = {number for of, number in named if of == kind and number is not None}
        known = {n: session.identity_map.get(session.identity_key(model, n)) for n in ids}
        held |= {(kind, n): item for n, item in known.items() if item is not None}
        if missing := sorted(n for n, item in known.items() if item is None):
            query = select(model).where(model.id.in_(missing))
            if model is Variant:
                query = query.options(joinedload(Variant.product, innerjoin=True))
            held |= {(kind, item.id): item for item in session.scalars(query)}
    yield held
