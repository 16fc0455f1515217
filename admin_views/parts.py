"""Cards of parts on a record's page: who does a service, what it needs, what somebody does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views.access import allowed
from app.tenancy import current_actor

MOST = 30


@dataclass(frozen=True)
class Part:
    """The rows of `model` whose `column` is the record: a card with a way to each and to add one.

    `row` says how one is drawn; `field` is what the form of a new one is filled with.
    """

    title: str
    model: Any
    column: Any
    identity: str
    field: str
    row: Callable[[Any], dict[str, Any]]
    loads: Sequence[Any]
    empty: str


def related_card(session: Session, request: Request, part: Part, record: Any) -> dict[str, Any]:
    """The card, thirty rows at most."""
    role = current_actor().panel_role
    rows = session.scalars(
        select(part.model)
        .where(part.model.vendor_id == record.vendor_id, part.column == record.id)
        .options(*part.loads)
        .order_by(part.model.id)
        .limit(MOST)
    )
    path = f"/admin/{part.identity}"
    edits = allowed(role, part.identity, "edit")
    card: dict[str, Any] = {
        "title": part.title,
        "rows": [_row(part, path, row, edits=edits) for row in rows],
        "empty": part.empty,
    }
    if allowed(role, part.identity, "create"):
        whose = "" if current_actor().vendor_id else f"&vendor={record.vendor_id}"
        card["add_url"] = f"{path}/create?{part.field}={record.id}{whose}"
    return card


def _row(part: Part, path: str, row: Any, *, edits: bool) -> dict[str, Any]:
    return {**part.row(row), "url": f"{path}/{'edit' if edits else 'details'}/{row.id}"}


def of_its_own(fields: dict[str, Any], record: Any, changing: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a part: its vendor is that of what it belongs to, which never changes."""
    if record is None:
        return fields
    return {name: field for name, field in fields.items() if name in changing}


def hours_button(record: Any, owner: str) -> list[dict[str, Any]]:
    """The way to the hours of a member of staff or a service, for who stands in their vendor."""
    if current_actor().vendor_id != record.vendor_id:
        return []
    return [{"title": "Hours", "url": f"/admin/hours/{owner}", "icon": "clock-hour-9"}]
