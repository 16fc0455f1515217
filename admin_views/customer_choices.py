"""What the popovers of the customers list ask for when they are opened, and while one types.

Never more than a few lines: the most frequent values with their counts, or those whose name
begins or reads like what was typed.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from admin_views.customer_filters import (
    CHANNELS,
    FILTERS,
    GROUPS,
    HOLDINGS,
    KINDS,
    RANGES,
    STATUSES,
    cohort_words,
)
from admin_views.loaders import Records, like, typed, vendor_names
from app.contact import fold
from app.operations import matching
from app.operations.matching import Choice, Filters
from app.tenancy import DatabaseRole, current_actor
from models.categories import Category, CategoryKind
from models.customers import Address
from models.memberships import MembershipPlan
from models.packages import Package
from models.products import Product
from models.segments import Segment
from models.services import Service
from models.tags import Tag
from models.vendors import Vendor

MOST = 20
Line = dict[str, Any]
LABELS = {
    "status": dict(STATUSES),
    "channel": dict(CHANNELS),
    "first_channel": dict(CHANNELS),
    "service_type": dict(KINDS),
    "holding": dict(HOLDINGS),
    "group": dict(GROUPS),
}


def offered(name: str) -> bool:
    """Whether the one who acts has a filter of that name with values to choose from."""
    return name not in RANGES and any(f.name == name and f.offered() for f in FILTERS)


def lines(session: Session, filters: Filters, name: str, term: str) -> list[Line]:
    """The rows of a popover: what was chosen, then what fits, the most frequent first."""
    term = typed(term)
    shown = [_line(name, c) for c in matching.choices(session, filters, name)]
    if not term:
        return shown
    wanted = fold(term)
    fitting = [line for line in shown if line["selected"] or wanted in fold(line["label"])]
    more = FOUND[name](session, term) if name in FOUND else []
    seen = {line["value"] for line in fitting}
    return (fitting + [_bare(v, t) for v, t in more if v not in seen])[:MOST]


def _line(name: str, choice: Choice) -> Line:
    label = LABELS.get(name, {}).get(choice.value, choice.label)
    label = cohort_words(choice.value) if name == "cohort" else label
    return {
        "value": choice.value, "label": label, "count_text": choice.count_text,
        "selected": choice.selected, "depth": choice.depth,
    }  # fmt: skip


def _bare(value: str, label: str) -> Line:
    return {"value": value, "label": label, "count_text": "", "selected": False, "depth": 0}


Found = Callable[[Session, str], Sequence[tuple[str, str]]]


def _records(lookup: Records) -> Found:
    def find(session: Session, term: str) -> Sequence[tuple[str, str]]:
        found = list(lookup.matching(session, term))
        names = vendor_names(session, found)
        return [
            (str(r.id), " · ".join(p for p in (r.name, names.get(getattr(r, "vendor_id", 0))) if p))
            for r in found
        ]

    return find


def _categories(*which: Any) -> Found:
    return _records(Records(Category, (Category.name,), live=which))


def _tags(session: Session, term: str) -> Sequence[tuple[str, str]]:
    fits = Tag.name.ilike(like(term.lower()), escape="\\")
    found = session.scalars(select(Tag.name).where(fits).distinct().order_by(Tag.name).limit(MOST))
    return [(name, name) for name in found]


def _cities(session: Session, term: str) -> Sequence[tuple[str, str]]:
    """Cities that begin with what was typed; one look into the index a city, however many."""
    begin = fold(term)
    found: list[tuple[str, str]] = []
    last: str | None = None
    while len(found) < MOST:
        row = session.execute(_next_city(begin, last)).first()
        if row is None:
            break
        last = row.city_key
        found.append((row.city_key, row.city or row.city_key.title()))
    return found


def _next_city(begin: str, last: str | None) -> Select[str | None, str | None]:
    after = Address.city_key >= begin if last is None else Address.city_key > last
    actor = current_actor()
    own = [Address.vendor_id == actor.vendor_id] if actor.role is DatabaseRole.VENDOR else []
    wanted = select(Address.city_key, Address.city).where(
        after, Address.city_key < begin + "\U0010ffff", *own
    )
    return wanted.order_by(Address.city_key).limit(1)


FOUND: dict[str, Found] = {
    "segment": _records(Records(Segment, (Segment.name,))),
    "vendor": _records(Records(Vendor, (Vendor.name, Vendor.slug))),
    "service": _records(Records(Service, (Service.name,))),
    "product": _records(Records(Product, (Product.name,))),
    "package": _records(Records(Package, (Package.name,))),
    "plan": _records(Records(MembershipPlan, (MembershipPlan.name,))),
    "service_category": _categories(Category.kind == CategoryKind.SERVICE),
    "product_category": _categories(Category.kind == CategoryKind.PRODUCT),
    "first_category": _categories(),
    "tag": _tags,
    "city": _cities,
}
