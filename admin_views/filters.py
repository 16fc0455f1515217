"""Filters as chips: each has its value in the address, a popover to set it, an x to remove it.

A value that cannot be read is no value: a list never fails because of its address.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session

from admin_views import few
from admin_views.forms import words_of
from admin_views.lists import Address
from admin_views.loaders import Lookup, Records, record_id
from admin_views.rendering import day
from app.tenancy import DatabaseRole, current_actor
from models.vendors import Vendor

MOST_VALUES = 100


@dataclass(frozen=True)
class Filter:
    """One condition of a list. `admins` hides it from those who see one vendor only."""

    name: str
    title: str
    column: Any = None
    icon: str = "filter"
    group: str = ""
    open: bool = True
    admins: bool = False
    kind: str = "choices"
    multiple: bool = True

    @property
    def params(self) -> tuple[str, ...]:
        """The parameters of the address it reads."""
        return (self.name,)

    @property
    def cleared(self) -> dict[str, str]:
        """What the address says when every filter is taken away."""
        return {}

    def offered(self) -> bool:
        """Whether the one who acts sees this filter."""
        return not self.admins or current_actor().role is not DatabaseRole.VENDOR

    def values(self, address: Address) -> list[Any]:
        """What the address asks for, as far as it can be read."""
        raise NotImplementedError

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: tzinfo
    ) -> Select[Any]:
        """The statement with the condition."""
        return statement.where(self.column.in_(values))

    def alone(self, values: list[Any]) -> Select[Any] | None:
        """The ids of what it leaves, if an index of its own, and none in order, has them."""
        return None

    def narrowed(
        self, session: Session, statement: Select[Any], values: list[Any], zone: tzinfo
    ) -> Select[Any]:
        """The statement with the condition; what is few is looked up first."""
        query = self.alone(values)
        ids = None if query is None else few.looked_up(session, [query])
        if query is None or ids is None:
            return self.where(session, statement, values, zone)
        return statement.where(few.one_of(query.selected_columns[0], ids))

    def labels(self, session: Session, values: list[Any]) -> list[str]:
        """The values in words, for the chip."""
        raise NotImplementedError

    def choices(self, session: Session, values: list[Any]) -> list[dict[str, Any]]:
        """The rows of the popover."""
        return []

    def drawn(self, session: Session, address: Address, values: list[Any]) -> dict[str, Any]:
        """The popover, in the shape of `panel/filters.html`."""
        return {
            "name": self.name, "title": self.title, "icon": self.icon, "open": self.open,
            "group": self.group, "kind": self.kind, "multiple": self.multiple,
            "choices": self.choices(session, values), "hidden": address.without(*self.params),
            "apply_text": "Show",
        }  # fmt: skip

    def chip(self, session: Session, address: Address, values: list[Any]) -> dict[str, Any]:
        """The condition in force, and the address without it."""
        said = self.labels(session, values)
        return {
            "name": self.name, "title": self.title, "value": said[0] if said else "–",
            "more": len(said) - 1 or None, "remove_url": address.url(*self.params),
        }  # fmt: skip


def choice(value: Any, label: str, *, selected: bool, depth: int = 0) -> dict[str, Any]:
    """A row of a popover."""
    return {
        "value": value,
        "label": label,
        "selected": selected,
        "depth": depth or None,
        "count_text": "",
    }


@dataclass(frozen=True)
class OneOf(Filter):
    """Some of a few words: a status, a kind, a channel."""

    words: type[StrEnum] | Iterable[tuple[str, str]] = ()
    by_itself: bool = False

    def alone(self, values: list[Any]) -> Select[Any] | None:
        """See `Filter`."""
        if not self.by_itself:
            return None
        return select(self.column.class_.id).where(self.column.in_(values))

    def values(self, address: Address) -> list[Any]:
        """The known words among those asked for."""
        known = dict(words_of(self.words))
        return [v for v in dict.fromkeys(address.all(self.name)) if v in known]

    def labels(self, session: Session, values: list[Any]) -> list[str]:
        """The words' labels."""
        known = dict(words_of(self.words))
        return [known[v] for v in values]

    def choices(self, session: Session, values: list[Any]) -> list[dict[str, Any]]:
        """Every word."""
        return [choice(v, label, selected=v in values) for v, label in words_of(self.words)]


@dataclass(frozen=True)
class YesNo(Filter):
    """A switch that is on, or off."""

    multiple: bool = False
    yes: str = "Yes"
    no: str = "No"

    def values(self, address: Address) -> list[Any]:
        """True, False, or nothing."""
        known = {"yes": True, "no": False}
        return [known[v] for v in address.all(self.name)[-1:] if v in known]

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: tzinfo
    ) -> Select[Any]:
        """See `Filter`."""
        return statement.where(self.column.is_(values[0]))

    def labels(self, session: Session, values: list[Any]) -> list[str]:
        """Yes or no, in the filter's own words."""
        return [self.yes if v else self.no for v in values]

    def choices(self, session: Session, values: list[Any]) -> list[dict[str, Any]]:
        """Both."""
        return [
            choice("yes", self.yes, selected=True in values),
            choice("no", self.no, selected=False in values),
        ]


@dataclass(frozen=True)
class Related(Filter):
    """Some related records, searched; those in force are listed first."""

    kind: str = "search"
    lookup: Lookup = field(default_factory=lambda: Records(Vendor, (Vendor.name,)))

    def values(self, address: Address) -> list[Any]:
        """The ids asked for."""
        ids = (record_id(v) for v in dict.fromkeys(address.all(self.name)))
        return [i for i in ids if i is not None][:MOST_VALUES]

    def labels(self, session: Session, values: list[Any]) -> list[str]:
        """What the records are called, as far as they can be seen."""
        found = (self.lookup.find(session, str(v)) for v in values)
        return [self.lookup.text(r) if r is not None else "unknown" for r in found]

    def choices(self, session: Session, values: list[Any]) -> list[dict[str, Any]]:
        """Those in force, then the first ten."""
        named = zip(values, self.labels(session, values), strict=True)
        chosen = [choice(v, label, selected=True) for v, label in named]
        rest = [c for c in self.found(session, "") if record_id(c["value"]) not in values]
        return chosen + rest

    def found(self, session: Session, term: str) -> list[dict[str, Any]]:
        """What the popover shows while one types."""
        return [
            choice(c["id"], c["text"], selected=False) for c in self.lookup.search(session, term)
        ]


@dataclass(frozen=True)
class OfOwn(Related):
    """Some related records of vendors, where the list's indexes begin with the vendor."""

    lookup: Records = field(default_factory=lambda: Records(Vendor, (Vendor.name,)))

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: tzinfo
    ) -> Select[Any]:
        """See `Filter`."""
        model: Any = self.lookup.model
        return statement.where(*with_vendors(session, self.column, model, model.id.in_(values)))


def with_vendors(
    session: Session, column: Any, model: Any, *which: ColumnElement[bool]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The rows whose vendor is theirs and whose column names one of the model's, looked up first.

    Without the vendor, the order of the list is walked for the rows of somebody who has none.
    """
    found = session.execute(select(model.id, model.vendor_id).where(*which)).all()
    vendors = sorted({row.vendor_id for row in found})
    return few.one_of(column.class_.vendor_id, vendors), few.one_of(
        column, [row.id for row in found]
    )


def of_vendor(column: Any) -> Related:
    """The vendor, for those who see several."""
    return Related("vendor", "Vendor", column, icon="building-store", admins=True)


@dataclass(frozen=True)
class Between(Filter):
    """A range of days on the clocks of whoever looks; either end may stay open."""

    kind: str = "range"
    icon: str = "calendar"

    @property
    def params(self) -> tuple[str, ...]:
        """From and to."""
        return f"{self.name}_from", f"{self.name}_to"

    def values(self, address: Address) -> list[Any]:
        """`[from, to]` if at least one of them is a day."""
        ends = [_day(address.one(p)) for p in self.params]
        return ends if any(ends) else []

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: tzinfo
    ) -> Select[Any]:
        """From the first minute of the one day to the last of the other."""
        low, high = values
        if low:
            statement = statement.where(self.column >= _midnight(low, zone))
        if high:
            statement = statement.where(self.column < _midnight(high + timedelta(days=1), zone))
        return statement

    def labels(self, session: Session, values: list[Any]) -> list[str]:
        """1 Nov – 20 Nov."""
        low, high = values
        if low and high:
            return [f"{day(low)} – {day(high)}"]
        return [f"from {day(low)}" if low else f"until {day(high)}"]

    def drawn(self, session: Session, address: Address, values: list[Any]) -> dict[str, Any]:
        """See `Filter`; two dates."""
        low, high = values or (None, None)
        ends = zip(self.params, ("From", "To"), (low, high), strict=True)
        params = [(n, label, "date", v.isoformat() if v else "") for n, label, v in ends]
        return {**super().drawn(session, address, values), "params": params}


@dataclass(frozen=True)
class VendorDays(Between):
    """The same on the clocks of the vendor whose record it is, whoever looks: as figures count.

    `vendor` is the column that says whose it is; `of_none`: a record without one has days of UTC.
    """

    vendor: Any = None
    of_none: bool = False

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: tzinfo
    ) -> Select[Any]:
        """See `Between`; over all vendors, each zone has its own midnight."""
        if current_actor().role is DatabaseRole.VENDOR:
            return super().where(session, statement, values, zone)
        zones = session.scalars(select(Vendor.time_zone).distinct()).all()
        around = [d and d + timedelta(days=n) for d, n in zip(values, (-1, 1), strict=True)]
        narrowed = super().where(session, statement, around, UTC)
        parts = [self._of_zone(name, *values) for name in zones]
        if self.of_none:
            parts.append(and_(self.vendor.is_(None), *self._within(UTC, *values)))
        return narrowed.where(or_(false(), *parts))

    def _of_zone(self, name: str, low: date | None, high: date | None) -> ColumnElement[bool]:
        mine = self.vendor.in_(select(Vendor.id).where(Vendor.time_zone == name))
        return and_(mine, *self._within(ZoneInfo(name), low, high))

    def _within(
        self, zone: tzinfo, low: date | None, high: date | None
    ) -> list[ColumnElement[bool]]:
        parts = []
        if low:
            parts.append(self.column >= _midnight(low, zone))
        if high:
            parts.append(self.column < _midnight(high + timedelta(days=1), zone))
        return parts


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2200 else None


def _midnight(of: date, zone: tzinfo) -> datetime:
    return datetime.combine(of, time(), zone).astimezone(UTC)


Condition = Callable[[], ColumnElement[bool]]


@dataclass(frozen=True)
class Named(Filter):
    """Conditions under a name, such as "overdue"."""

    conditions: Sequence[tuple[str, str, Condition]] = ()
    multiple: bool = False
    indexed: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def alone(self, values: list[Any]) -> Select[Any] | None:
        """See `Filter`; in the order of the partial index that is `indexed` under its name."""
        order = self.indexed.get(values[0])
        if order is None:
            return None
        return select(order[0].class_.id).where(self._condition(values)).order_by(*order)

    def _condition(self, values: list[Any]) -> ColumnElement[bool]:
        return next(c() for name, _, c in self.conditions if name == values[0])

    def values(self, address: Address) -> list[Any]:
        """The one known name asked for."""
        known = {name for name, _, _ in self.conditions}
        return [v for v in address.all(self.name)[-1:] if v in known]

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: tzinfo
    ) -> Select[Any]:
        """The condition."""
        return statement.where(self._condition(values))

    def labels(self, session: Session, values: list[Any]) -> list[str]:
        """Its label."""
        return [label for name, label, _ in self.conditions if name in values]

    def choices(self, session: Session, values: list[Any]) -> list[dict[str, Any]]:
        """Every name."""
        return [choice(n, label, selected=n in values) for n, label, _ in self.conditions]


@dataclass(frozen=True)
class Usually(Named):
    """Conditions of which the first is in force as long as the address names none.

    "all" in the address takes it away; so does any parameter of `unless`, such as a day.
    """

    unless: tuple[str, ...] = ()
    everything: str = "All"

    @property
    def cleared(self) -> dict[str, str]:
        """See `Filter`; without a word of it the first would be in force again."""
        return {self.name: "all"}

    def values(self, address: Address) -> list[Any]:
        """The name asked for, else the first."""
        if address.one(self.name) == "all" or any(address.one(p) for p in self.unless):
            return super().values(address)
        return super().values(address) or [self.conditions[0][0]]

    def choices(self, session: Session, values: list[Any]) -> list[dict[str, Any]]:
        """Every name, and all of them."""
        everything = choice("all", self.everything, selected=not values)
        return [*super().choices(session, values), everything]

    def chip(self, session: Session, address: Address, values: list[Any]) -> dict[str, Any]:
        """See `Filter`; without it the list is of all."""
        shown = super().chip(session, address, values)
        return {**shown, "remove_url": address.url(**{self.name: "all"})}
