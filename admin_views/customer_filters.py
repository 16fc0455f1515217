"""The filters of the customers list on screen: chips in force, popovers, what stands in them.

What they mean is said in `app.operations.filters`. The rows of a popover come when it is opened
(`customer_choices`), so that they cost the list nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import BigInteger, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from admin_views.category_filters import named
from admin_views.lists import Address, Pairs
from admin_views.rendering import day, word
from app import clock
from app.operations.filters import cohort_days
from app.operations.matching import PARAMETERS, Filters, Holding, Sort
from app.tenancy import DatabaseRole, current_actor
from models.customers import Address as Home
from models.customers import CustomerStatus
from models.memberships import MembershipPlan
from models.packages import Package
from models.products import Product
from models.scores import RFM_NAMES
from models.segments import Segment
from models.services import Service, ServiceKind
from models.vendors import Vendor
from models.words import Channel

CUSTOMER, BOUGHT = "Customer", "Bought"
Names = Callable[[Session, Sequence[Any]], list[str]]
Words = Sequence[tuple[str, str]]

STATUSES: Words = (
    (CustomerStatus.ACTIVE.value, "Active"),
    (CustomerStatus.PENDING_FOLLOW_UP.value, "Pending follow-up"),
    (CustomerStatus.INACTIVE.value, "Inactive"),
)
CHANNELS: Words = tuple((c.value, word(c).replace("Walk in", "Walk-in")) for c in Channel)
KINDS: Words = tuple((k.value, word(k)) for k in ServiceKind)
GROUPS: Words = tuple(RFM_NAMES.items())
HOLDINGS: Words = ((Holding.HOLDS.value, "Holds one now"), (Holding.HELD.value, "Holds or held"))


@dataclass(frozen=True)
class Asked:
    """What the address of the list asks for, in one spelling: what it cannot say is gone."""

    filters: Filters
    address: Address
    sort: Sort
    position: int = 0

    @classmethod
    def read(cls, params: QueryParams) -> "Asked":
        """The address, read; inside a vendor there is no other vendor to ask for."""
        typed = Address.read(params, [*PARAMETERS])
        filters = Filters.from_query(typed.pairs)
        if current_actor().role is DatabaseRole.VENDOR:
            filters = replace(filters, vendor_id=None)
        rest = [(k, v) for k, v in typed.pairs if k not in PARAMETERS]
        sort = typed.one("sort")
        return cls(
            filters,
            Address((*filters.to_query(), *rest)),
            Sort(sort) if sort in set(Sort) else Sort.ACTIVITY,
            _position(params.get("at", "")),
        )

    def url_query(self) -> str:
        """The same as the end of an address."""
        return f"?{urlencode(self.query)}" if self.query else ""

    @property
    def query(self) -> Pairs:
        """The filters and the order, as a saved view keeps them."""
        return self.address.without("size", "columns")


def _position(text: str) -> int:
    digits = text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if digits else 0


RANGES = {
    "activity": ("activity_from", "activity_to"),
    "bought_days": ("bought_from", "bought_to"),
    "first_days": ("first_from", "first_to"),
}
"""Filters of two days."""


@dataclass(frozen=True)
class Shown:
    """A filter on screen. With `words` it offers those, with `names` it is searched."""

    name: str
    title: str
    icon: str
    group: str = CUSTOMER
    open: bool = False
    admins: bool = False
    words: Words = ()
    names: Names | None = None
    one: bool = False
    intro: str = ""

    @property
    def params(self) -> tuple[str, ...]:
        """The parameters of the address it stands for."""
        return RANGES.get(self.name, (self.name,))

    def offered(self) -> bool:
        """Whether the one who acts sees it."""
        return not self.admins or current_actor().role is not DatabaseRole.VENDOR

    def values(self, filters: Filters) -> list[Any]:
        """Its values in force."""
        found: list[Any] = []
        for name in self.params:
            value = getattr(filters, PARAMETERS[name])
            found += value if isinstance(value, tuple) else [value]
        return found if any(v is not None for v in found) else []

    def labels(self, session: Session, values: Sequence[Any]) -> list[str]:
        """The values in words, in their order."""
        if self.name in RANGES:
            return [_days(*values)]
        if self.words:
            known = dict(self.words)
            return [known[str(v)] for v in values]
        return self.names(session, values) if self.names else [str(v) for v in values]

    def drawn(
        self, address: Address, values: Sequence[Any], labels: Sequence[str], base: str
    ) -> dict[str, Any]:
        """Chip and popover, in the shape of `panel/filters.html`."""
        shown: dict[str, Any] = {
            "name": self.name, "title": self.title, "icon": self.icon, "open": self.open,
            "group": self.group, "kind": "choices", "multiple": not self.one,
            "hidden": address.without(*self.params), "apply_text": "Show", "intro": self.intro,
        }  # fmt: skip
        if self.name in RANGES:
            low, high = values or (None, None)
            ends = zip(self.params, ("From", "To"), (low, high), strict=True)
            ranges = [(n, label, "date", v.isoformat() if v else "") for n, label, v in ends]
            links = presets(address, self.params, low, high)
            return shown | {"kind": "range", "params": ranges, "links": links}
        chosen = {str(v) for v in values}
        shown["lazy_url"] = f"{base}/{self.name}?{urlencode(address.without())}"
        if self.words:
            return shown | {"choices": [_line(v, t, v in chosen) for v, t in self.words]}
        lines = [_line(str(v), t, True) for v, t in zip(values, labels, strict=True)]
        return shown | {"kind": "search", "lookup_url": shown["lazy_url"], "choices": lines}


PRESETS = (("In the last 30 days", 0, 30), ("Over 90 days ago", 1, 90), ("Over a year ago", 1, 365))
"""Ranges of days that are asked for most: which end, and how many days ago."""


def presets(
    address: Address, ends: tuple[str, ...], low: date | None, high: date | None
) -> list[tuple[str, str, bool]]:
    """The same as links that keep the other filters, and whether one is in force."""
    links = []
    for text, end, days in PRESETS:
        at = clock.now().date() - timedelta(days=days)
        wanted = (None, at) if end else (at, None)
        url = address.url(*ends, **{ends[end]: at.isoformat()})
        links.append((text, url, wanted == (low, high)))
    return links


def _line(value: str, label: str, selected: bool) -> dict[str, Any]:
    return {"value": value, "label": label, "selected": selected, "count_text": ""}


def _days(low: Any, high: Any) -> str:
    if low and high:
        return f"{day(low)} – {day(high)}"
    return f"from {day(low)}" if low else f"until {day(high)}"


def _of(model: Any) -> Names:
    """The names of records by their ids; what cannot be seen stays unknown."""
    wanted = bindparam("ids", type_=ARRAY(BigInteger))
    named = select(model.id, model.name).where(model.id == any_(wanted))

    def names(session: Session, ids: Sequence[Any]) -> list[str]:
        rows = session.connection().execute(named, {"ids": list(ids)})
        found = {row.id: row.name for row in rows}
        return [found.get(i, "unknown") for i in ids]

    return names


def _cities(session: Session, keys: Sequence[Any]) -> list[str]:
    """The cities as somebody wrote them."""
    return [
        session.scalar(select(Home.city).where(Home.city_key == key).limit(1)) or key.title()
        for key in keys
    ]


def _cohorts(_: Session, values: Sequence[Any]) -> list[str]:
    """March 2026, the week of 2 March 2026."""
    return [cohort_words(value) for value in values]


def cohort_words(cohort: str) -> str:
    """What a month or week of first purchases is called."""
    first, _ = cohort_days(cohort)
    return f"week of {day(first)} {first:%Y}" if "W" in cohort else f"{first:%B %Y}"


def _as_written(_: Session, values: Sequence[Any]) -> list[str]:
    return [str(v) for v in values]


FILTERS: tuple[Shown, ...] = (
    Shown("status", "Status", "circle-dot", open=True, words=STATUSES),
    Shown(
        "service_category", "Service category", "category", BOUGHT, open=True,
        names=named, intro="Has bought a service in",
    ),
    Shown("tag", "Tag", "tag", open=True, names=_as_written),
    Shown("activity", "Last activity", "calendar", open=True),
    Shown("segment", "Segment", "chart-pie", names=_of(Segment)),
    Shown("group", "Group", "chart-dots", words=GROUPS),
    Shown("vendor", "Vendor", "building-store", admins=True, names=_of(Vendor), one=True),
    Shown("channel", "Channel", "world", words=CHANNELS),
    Shown("city", "City", "map-pin", names=_cities),
    Shown("service_type", "Service type", "calendar-event", BOUGHT, words=KINDS),
    Shown("service", "Service", "cut", BOUGHT, names=_of(Service)),
    Shown(
        "product_category", "Product category", "category-2", BOUGHT, names=named,
        intro="Has bought a product in",
    ),
    Shown("product", "Product", "package", BOUGHT, names=_of(Product)),
    Shown("package", "Package", "ticket", BOUGHT, names=_of(Package)),
    Shown("plan", "Membership", "id-badge-2", BOUGHT, names=_of(MembershipPlan)),
    Shown("holding", "Holds or held", "wallet", BOUGHT, words=HOLDINGS, one=True),
    Shown("bought_days", "Bought in", "calendar-dollar", BOUGHT),
    Shown("first_days", "First bought", "calendar-star", BOUGHT),
    Shown("cohort", "First bought in", "stairs-up", BOUGHT, names=_cohorts),
    Shown(
        "first_channel", "First bought by", "world", BOUGHT, words=CHANNELS,
        intro="The first purchase was made by",
    ),
    Shown(
        "first_category", "First category", "category", BOUGHT, names=named,
        intro="The first purchase was of",
    ),
)  # fmt: skip


def bar(
    session: Session, asked: Asked, base: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """`(chips, filters)` of the list; the names of what is in force are looked up, nothing else."""
    chips, drawn = [], []
    for one in _offered():
        values = one.values(asked.filters)
        labels = one.labels(session, values) if values else []
        if values:
            chips.append(_chip(one, labels, asked.address))
        drawn.append(one.drawn(asked.address, values, labels, base))
    return chips, drawn


def _offered() -> Iterable[Shown]:
    return (one for one in FILTERS if one.offered())


def _chip(one: Shown, labels: Sequence[str], address: Address) -> dict[str, Any]:
    return {
        "name": one.name, "title": one.title, "value": labels[0],
        "more": len(labels) - 1 or None, "remove_url": address.url(*one.params),
    }  # fmt: skip
