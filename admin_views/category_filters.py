"""Filters of lists by category: each with all below it, unless it is asked for alone.

A category's own row in a report counts what is of it alone; its mark leads here by `12-only`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from admin_views.filters import MOST_VALUES, Filter, Related, choice, with_vendors
from admin_views.lists import Address
from admin_views.loaders import Lookup
from admin_views.lookups import CATEGORIES
from app.operations.conditions import branch
from app.operations.filters import Alone, Wanted, category
from models.categories import Category, CategoryKind
from models.services import Service


def asked(address: Address, name: str) -> list[Any]:
    """The categories an address asks for, as far as they can be read."""
    found = (category(text) for text in address.all(name))
    return list(dict.fromkeys(one for one in found if one is not None))[:MOST_VALUES]


def tree(session: Session, kind: CategoryKind | None = None) -> list[tuple[Category, int]]:
    """Every category with its depth, in the order of the tree."""
    wanted = select(Category).order_by(Category.kind, Category.position, Category.name)
    rows = list(session.scalars(wanted.where(Category.kind == kind) if kind else wanted))
    under: dict[int | None, list[Category]] = {}
    for row in rows:
        under.setdefault(row.parent_id, []).append(row)
    found, waiting = [], [(row, 0) for row in reversed(under.get(None, []))]
    while waiting:  # not by recursion: nobody keeps a tree from being a thousand deep
        row, depth = waiting.pop()
        found.append((row, depth))
        waiting += [(child, depth + 1) for child in reversed(under.get(row.id, []))]
    return found


def named(session: Session, wanted: Sequence[Wanted]) -> list[str]:
    """What categories are called; where something is below one, whether that is meant."""
    ids = {one: one.id if isinstance(one, Alone) else one for one in wanted}
    known = select(Category.id, Category.name).where(Category.id.in_(ids.values()))
    names = {row.id: row.name for row in session.execute(known)}
    alone = [number for one, number in ids.items() if isinstance(one, Alone)]
    split: set[int | None] = set()
    if alone:
        split |= set(
            session.scalars(select(Category.parent_id).where(Category.parent_id.in_(alone)))
        )
    return [
        _said(names[ids[one]], isinstance(one, Alone) and ids[one] in split)
        if ids[one] in names else "unknown"
        for one in wanted
    ]  # fmt: skip


def _said(name: str, alone: bool) -> str:
    return f"{name}, nothing below it" if alone else name


@dataclass(frozen=True)
class InCategory(Filter):
    """Categories with everything below them."""

    of: CategoryKind = CategoryKind.SERVICE

    def values(self, address: Address) -> list[Any]:
        """See `Filter`."""
        return asked(address, self.name)

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """The category or one below it."""
        return statement.where(self.column.in_(branch(session, values)))

    def labels(self, session: Session, values: list[Any]) -> list[str]:
        """The categories' names."""
        return named(session, values)

    def choices(self, session: Session, values: list[Any]) -> list[dict[str, Any]]:
        """The tree, each branch under its own; what is asked for alone beside its branch."""
        found, lines = tree(session, self.of), []
        split = {one.parent_id for one, _ in found}
        for one, depth in found:
            alone = Alone(one.id)
            if alone not in values or one.id in split:
                lines.append(choice(one.id, one.name, selected=one.id in values, depth=depth))
            if alone in values:
                said = _said(one.name, one.id in split)
                lines.append(choice(alone, said, selected=True, depth=depth))
        return lines


@dataclass(frozen=True)
class InServiceCategory(InCategory):
    """Categories of the services that were booked or asked for, with everything below them."""

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """The services of the branch."""
        of_branch = Service.category_id.in_(branch(session, values))
        return statement.where(*with_vendors(session, self.column, Service, of_branch))


@dataclass(frozen=True)
class OfCategory(Related):
    """Some categories, searched, each with everything below it."""

    icon: str = "sitemap"
    lookup: Lookup = CATEGORIES

    def values(self, address: Address) -> list[Any]:
        """See `Filter`."""
        return asked(address, self.name)

    def labels(self, session: Session, values: list[Any]) -> list[str]:
        """The categories' names."""
        return named(session, values)

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
        return statement.where(self.column.in_(branch(session, values)))
