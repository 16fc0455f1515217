"""A report's filters as chips, and what their popovers offer: vendors, channels, categories."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from admin_views.category_filters import tree
from admin_views.loaders import like, typed
from app.tenancy import DatabaseRole, current_actor
from models.categories import Category
from models.packages import Package
from models.products import Product
from models.services import Service
from models.vendors import Vendor
from models.words import Channel
from reports.asking import Asked
from reports.figures import worded

NAMES = ("vendor", "channel", "category")
TITLES = {"vendor": "Vendor", "channel": "Channel", "category": "Category"}
ICONS = {"vendor": "building-store", "channel": "route", "category": "sitemap"}
MOST = 20
LOOKUP = "/admin/reports/offered"
Line = dict[str, Any]


def offered(asked: Asked) -> list[str]:
    """The chips of a report; a vendor's reader has one vendor."""
    one_vendor = current_actor().role is DatabaseRole.VENDOR or current_actor().vendor_id
    return [n for n in NAMES if n in asked.report.filters and not (n == "vendor" and one_vendor)]


def values(asked: Asked, name: str) -> tuple[Any, ...]:
    """What is asked for."""
    filters = asked.filters
    known = {
        "vendor": filters.vendors, "channel": filters.channels, "category": filters.categories,
    }  # fmt: skip
    return known[name]


def chips(session: Session, asked: Asked, address: Any) -> dict[str, Any]:
    """The chips in force and the popovers, in the shape of `panel/filters.html`."""
    in_force, shown = [], []
    for name in offered(asked):
        chosen = values(asked, name)
        labels = _labels(session, name, chosen)
        if chosen:
            in_force.append(
                {
                    "name": name, "title": TITLES[name], "value": labels[0],
                    "more": len(labels) - 1 or None, "remove_url": address.url(name),
                }
            )  # fmt: skip
        shown.append(_popover(name, address, chosen, labels))
    clear = address.url(*NAMES) if in_force else None
    return {"chips": in_force, "filters": shown, "clear_url": clear}


def _popover(name: str, address: Any, chosen: Sequence[Any], labels: Sequence[str]) -> Line:
    shown = {
        "name": name, "title": TITLES[name], "icon": ICONS[name], "open": True, "group": "",
        "kind": "choices", "multiple": True, "apply_text": "Show",
        "hidden": address.without(name, "all"),
    }  # fmt: skip
    if name == "channel":
        lines = [_line(c.value, worded(c), selected=c.value in chosen) for c in Channel]
        return {**shown, "choices": lines}
    mine = [_line(v, label, selected=True) for v, label in zip(chosen, labels, strict=True)]
    url = f"{LOOKUP}/{name}" + "".join(f"{'&' if n else '?'}{name}={v}"
                                       for n, v in enumerate(chosen))  # fmt: skip
    return {**shown, "kind": "search", "choices": mine, "lookup_url": url, "lazy_url": url}


def _line(value: Any, label: str, *, selected: bool = False, depth: int = 0) -> Line:
    return {
        "value": str(value), "label": label, "selected": selected, "depth": depth or None,
        "count_text": "",
    }  # fmt: skip


def _labels(session: Session, name: str, chosen: Sequence[Any]) -> list[str]:
    if name == "channel":
        return [worded(v) for v in chosen]
    if not chosen:
        return []
    model: Any = Vendor if name == "vendor" else Category
    rows = session.execute(select(model.id, model.name).where(model.id.in_(chosen)))
    known = {row.id: row.name for row in rows}
    return [known.get(v, "unknown") for v in chosen]


def found(session: Session, name: str, term: str, chosen: Sequence[int]) -> list[Line]:
    """The rows of a popover: what is chosen, then what fits what was typed."""
    wanted = typed(term)
    if name == "vendor":
        return _vendors(session, wanted, chosen)
    return _categories(session, wanted, chosen)


def _vendors(session: Session, term: str, chosen: Sequence[int]) -> list[Line]:
    rows = select(Vendor.id, Vendor.name).order_by(Vendor.name, Vendor.id)
    named = session.execute(rows.where(Vendor.id.in_(chosen))).all() if chosen else []
    if term:
        rows = rows.where(Vendor.name.ilike(like(term), escape="\\"))
    rest = session.execute(rows.where(Vendor.id.not_in(chosen)).limit(MOST))
    return [_line(r.id, r.name, selected=True) for r in named] + [_line(*r) for r in rest]


def _categories(session: Session, term: str, chosen: Sequence[int]) -> list[Line]:
    """The tree; for a vendor only what it uses, with the branches above."""
    branches = tree(session)
    vendor_id = current_actor().vendor_id
    if vendor_id is not None:
        used = _used(session, vendor_id, {c.id: c.parent_id for c, _ in branches})
        branches = [(c, depth) for c, depth in branches if c.id in used or c.id in chosen]
    wanted = term.casefold()
    return [
        _line(c.id, c.name, selected=c.id in chosen, depth=depth)
        for c, depth in branches
        if c.id in chosen or wanted in c.name.casefold()
    ][:500]


def _used(session: Session, vendor_id: int, parents: dict[int, int | None]) -> set[int]:
    nouns: tuple[Any, ...] = (Service, Product, Package)
    of_vendor = (select(n.category_id).where(n.vendor_id == vendor_id) for n in nouns)
    used: set[int] = set()
    for found_id in session.scalars(union(*of_vendor)):
        at: int | None = found_id
        while at is not None and at not in used:
            used.add(at)
            at = parents.get(at)
    return used
