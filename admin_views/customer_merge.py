"""Two files of one person compared field by field, made one, and made two again."""

from collections.abc import Mapping
from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import needs
from admin_views.customer_commands import CustomerCommands, fields
from admin_views.loaders import record_id
from admin_views.places import zone_name
from admin_views.rendering import look, money, number, phone, plural, say, word
from admin_views.saving import sentence_of, writing
from app.errors import DomainError, NotFound
from app.operations import merging
from app.operations.merging import UNDO_WITHIN, Compared
from models.bookings import Booking
from models.customers import Customer, CustomerMerge
from models.orders import Order
from models.tasks import Task

BASE = "/admin/customer"
LABELS: Mapping[str, str] = {
    "full_name": "Name", "company": "Company", "email": "E-mail", "phone": "Phone",
    "phone_2": "Second phone", "birthday": "Born", "status": "Status",
    "channel": "How they came", "locale": "Language", "time_zone": "Time zone", "note": "Note",
}  # fmt: skip
"""The fields one chooses; the person behind the file follows the file that stays."""
SIDES = ("left", "right")


class CustomerMerging(CustomerCommands):
    """Comparing, merging and its undo, for `CustomerView`."""

    @expose("/{pk}/merge", methods=["GET"])
    @needs("merge")
    async def compare(self, request: Request) -> Response:
        """The two files beside each other, or whom to compare with."""
        left = self.number(request.path_params["pk"])
        other = request.query_params.get("with", "")
        right = self.number(other) if other else None
        return await self.merge_page(request, left, right)

    async def merge_page(
        self, request: Request, left: int, right: int | None, error: str = "", status: int = 200
    ) -> Response:
        """The page of the comparison."""
        try:
            context = await self.in_transaction(compared, left, right)
        except NotFound:
            raise HTTPException(404) from None
        except DomainError as refusal:
            say(request, str(refusal), tone="danger")
            return self.page_again(left)
        response: Response = await self.templates.TemplateResponse(
            request, "panel/merge.html", {**context, "error": error}, status_code=status
        )
        return response

    @expose("/{pk}/merge", methods=["POST"])
    @needs("merge")
    async def merge(self, request: Request) -> Response:
        """Make two files one; the toast offers the way back."""
        left = self.number(request.path_params["pk"])
        names = [f"field-{name}" for name in LABELS]
        posted = await fields(request, "with", "keep", *names)
        right = self.number(posted["with"])
        keep = posted["keep"] if posted["keep"] in SIDES else "left"
        stays, goes = (left, right) if keep == "left" else (right, left)
        choices = {
            name: "survivor" if posted[f"field-{name}"] == keep else "merged"
            for name in LABELS
            if posted[f"field-{name}"] in SIDES
        }

        def merged(session: Session) -> int:
            made = merging.merge(session, survivor_id=stays, merged_id=goes, choices=choices)
            return made.id

        try:
            which = await self.changed(stays, merged)
        except DomainError as refusal:
            return await self.merge_page(request, left, right, str(refusal), 400)
        say(request, "The two files are one now.", undo_url=f"{BASE}/merges/{which}/undo")
        return self.page_again(stays)

    @expose("/merges/{merge}/undo", methods=["POST"])
    @needs("merge")
    async def undo_merge(self, request: Request) -> Response:
        """Make two files of one again; says what was changed since and stays."""
        which = record_id(request.path_params["merge"])
        if which is None:
            raise HTTPException(404)

        def run() -> tuple[int, str, tuple[str, ...]]:
            with writing(CustomerMerge, which) as session:
                done = merging.undo_merge(session, merge_id=which)
                return done.survivor.id, done.restored.name, done.kept

        try:
            survivor, name, kept = await anyio.to_thread.run_sync(run)
        except NotFound:
            raise HTTPException(404) from None
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
            return RedirectResponse(f"{BASE}/list", 303)
        since = ", ".join(LABELS.get(k, k).lower() for k in kept)
        stays = f" Changed since and kept: {since}." if kept else ""
        say(request, f"{name} is a file of its own again.{stays}")
        return self.page_again(survivor)


def compared(session: Session, left: int, right: int | None) -> dict[str, Any]:
    """Both files with what each field says, and what comes together."""
    first = _found(session, left)
    context: dict[str, Any] = {
        "left": _side(first),
        "right": None,
        "find_url": f"{BASE}/lookup/customer",
        "merge_url": f"{BASE}/{left}/merge",
        "cancel_url": f"{BASE}/details/{left}",
        "days": UNDO_WITHIN.days,
    }
    if right is None:
        return context
    second = _found(session, right)
    rows = [_row(c) for c in merging.compare(session, left, right) if c.field in LABELS]
    known = [row for row in rows if row.pop("known")]
    return context | {
        "right": _side(second),
        "with_id": right,
        "rows": known,
        "sums": _sums(session, first, second),
    }


def _found(session: Session, number_: int) -> Customer:
    found = session.get(Customer, number_)
    if found is None:
        raise NotFound
    return found


def _side(customer: Customer) -> dict[str, Any]:
    reach = phone(customer.phone) if customer.phone else customer.email or ""
    return {
        "id": customer.id, "name": customer.name, "url": f"{BASE}/details/{customer.id}",
        "sub": " · ".join(p for p in (reach, plural(customer.visit_count, "visit")) if p),
    }  # fmt: skip


def _row(field: Compared) -> dict[str, Any]:
    return {
        "name": field.field, "label": LABELS[field.field],
        "left": _said(field.field, field.a), "right": _said(field.field, field.b),
        "pick": "left" if field.chosen == "a" else "right", "same": field.a == field.b,
        "known": field.a is not None or field.b is not None,
    }  # fmt: skip


def _said(name: str, value: Any) -> Any:
    """A value as people write it."""
    if value is None:
        return None
    if name in ("phone", "phone_2"):
        return phone(value)
    if name == "status":
        return look(value, "customer").word
    if name == "channel":
        return word(value)
    return zone_name(value) if name == "time_zone" else value


def _sums(session: Session, first: Customer, second: Customer) -> list[dict[str, Any]]:
    """How much of each comes together."""
    lines = []
    for label, model in (("Bookings", Booking), ("Orders", Order), ("Tasks", Task)):
        two = [_count(session, model, c) for c in (first, second)]
        lines.append(_sum(label, two[0], two[1], number))
    lines.append(_sum("Spent", first.total_spent, second.total_spent, money))
    return lines


def _count(session: Session, model: Any, customer: Customer) -> int:
    of = (model.vendor_id == customer.vendor_id, model.customer_id == customer.id)
    return session.scalar(select(func.count()).select_from(model).where(*of)) or 0


def _sum(label: str, left: Any, right: Any, written: Any) -> dict[str, Any]:
    return {
        "label": label, "left": written(left), "right": written(right),
        "together": written(left + right),
    }  # fmt: skip
