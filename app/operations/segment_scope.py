"""Whose customers a segment is about, and the moment and the clock by which it is worked out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, false

from app.operations.conditions import is_any
from app.operations.segment_terms import Group, Span, When
from models.customers import Customer


@dataclass(frozen=True)
class Scope:
    """One vendor's customers, or (None) everybody's, at a moment of the vendor's clock (else UTC).

    `only` keeps to some customers: what a set is for many, an index answers for one.
    """

    vendor_id: int | None
    at: datetime
    zone: ZoneInfo
    only: tuple[int, ...] | None = None
    categories: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The branches that are asked for, and all below them: by the place of the condition."""
    tags: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The tags that are asked for by name."""
    segments: Mapping[int, Group] = field(default_factory=dict)
    """The rules of the segments that are asked for, and of those that these ask for."""

    def of(self, *customer_ids: int) -> "Scope":
        """The same for these customers alone."""
        return replace(self, only=customer_ids)

    @property
    def today(self) -> date:
        """The day on the clock."""
        return self.at.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """When a day begins."""
        return datetime.combine(day, time(), self.zone)

    def within(self, when: When | None) -> tuple[datetime | None, datetime | None]:
        """From when on, and before when; None where there is no end."""
        if when is None or when.span in (Span.EVER, Span.NEVER):
            return None, None
        if when.first is not None and when.last is not None:
            return self.midnight(when.first), self.midnight(when.last + timedelta(days=1))
        return self.midnight(self.today - timedelta(days=when.days)), None

    def home(self) -> list[ColumnElement[bool]]:
        """Living customers of the scope."""
        return [Customer.archived_at.is_(None), *self.mine(Customer.vendor_id, Customer.id)]

    def mine(self, vendor_id: Any, customer_id: Any) -> list[ColumnElement[bool]]:
        """The rows of a table that are about customers of the scope."""
        own = [vendor_id == self.vendor_id] if self.vendor_id is not None else []
        return own if self.only is None else [*own, is_any(customer_id, self.only)]


@dataclass(frozen=True)
class Leaf:
    """Whom a condition leaves: a test of the customer's own columns, or a set of customers.

    `negated` is everybody but the set.
    """

    test: ColumnElement[bool] | None = None
    ids: Select[Any] | None = None
    negated: bool = False

    def turned(self) -> "Leaf":
        """Everybody else; what is unknown of a customer does not hold."""
        if self.test is not None:
            return Leaf(test=self.test.is_not(True))
        return replace(self, negated=not self.negated)


NOBODY = Leaf(test=false())


def between(column: Any, since: datetime | None, before: datetime | None) -> ColumnElement[bool]:
    """`column` from `since` on and before `before`, where they are given."""
    ends = [column >= since] if since is not None else []
    ends += [column < before] if before is not None else []
    return and_(column.is_not(None), *ends)
