"""The customers list: one page of rows, what stands around them, and what its popovers ask for.

Everything is read and drawn in one thread and one transaction of a handful of statements; the
rows and their order come from `app.operations.matching`, so that list, counts and bulk changes
mean the same customers.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqladmin import expose
from sqlalchemy import ColumnElement, Row, Text, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from admin_views import customer_choices, customer_counts, customer_views
from admin_views.access import needs
from admin_views.base import HouseView
from admin_views.customer_bulk import bulk_actions, new_press
from admin_views.customer_filters import Asked, bar
from admin_views.lists import Col, KeysetPage
from admin_views.rendering import list_head, number, phone, span, table
from app.operations import matching
from app.operations.matching import Count, Page, Sort
from app.settings import settings
from app.tenancy import DatabaseRole, current_actor
from models.customers import Customer, called
from models.tags import CustomerTag, Tag
from models.vendors import Vendor
from models.words import Channel

BASE = "/admin/customer"
ICONS: Mapping[str, tuple[str, str]] = {
    Channel.ONLINE: ("world", "Came online"),
    Channel.WALK_IN: ("walk", "Walked in"),
    Channel.PHONE: ("phone", "Called"),
    Channel.PARTNER: ("building-store", "Came by a partner"),
    Channel.IMPORT: ("file-import", "Came with a list"),
}
ORDERS: Mapping[Sort, str] = {
    Sort.ACTIVITY: "latest activity first",
    Sort.NEWEST: "newest first",
    Sort.NAME: "by name",
}
"""How the rows stand, said beside their number."""
COLUMNS = (
    Col("name", "Customer", sort=Sort.NAME),
    Col("vendor", "Vendor", css="c-vendor", admins=True),
    Col("status", "Status", "pill", css="c-status", pill_kind="customer"),
    Col("tags", "Tags", "tags", css="c-tags"),
    Col("phone", "Phone", "phone", optional=True),
    Col("email", "E-mail", optional=True),
    Col("last_visit_at", "Last visit", "day", numeric=True, css="c-last", sort=Sort.ACTIVITY),
    Col("visit_count", "Visits", "number", numeric=True, css="c-visits"),
    Col("total_spent", "Spent", "money", numeric=True, css="c-spent"),
)


@dataclass
class CustomersPage(KeysetPage):
    """A page of the list; `head` is what stands above its rows, drawn."""

    head: Any = ""


class CustomerList(HouseView):
    """The list of `CustomerView`, and the small questions that its page asks later."""

    columns: ClassVar[Sequence[Col]] = COLUMNS
    table_class: ClassVar[str] = "bk-customers"
    selectable: ClassVar[bool] = True

    def read_list(self, session: Session, request: Request) -> tuple[CustomersPage, dict[str, Any]]:
        """See `HouseView`."""
        asked = Asked.read(request.query_params)
        page, position = read_page(session, asked)
        found = count_of(session, asked, page, position)
        columns = self.heads(asked)
        rows = self.drawn_customers(request, page)
        shown = CustomersPage(rows=page.rows, page=1, page_size=asked.address.size, count=len(rows))
        shown.table = table(columns, rows, table_class=self.table_class, selectable=self.selects)
        place(shown, asked, page, position, found)
        context = self.parts(session, request, asked, found) | {"columns": columns}
        shown.head = list_head({**context, "pagination": shown, "request": request})
        return shown, context

    @property
    def selects(self) -> bool:
        """Whether rows can be chosen for a bulk change."""
        return self.selectable

    def heads(self, asked: Asked) -> list[dict[str, Any]]:
        """The heads of the columns; phone and e-mail where they are asked for.

        The usual order is that of the last activity, of which the last visit is a part: its head
        leads there, but claims nothing; the foot of the list says which order is in force.
        """
        wanted = set(asked.address.all("columns"))
        money = f", {settings().currency}"
        return [
            {
                "key": c.key, "label": c.label + (money if c.kind == "money" else ""),
                "kind": c.kind, "numeric": c.numeric, "css": c.css, "pill_kind": c.pill_kind,
                "optional": c.optional, "on": not c.optional or c.key in wanted,
                "sort_url": asked.address.url(sort=c.sort) if c.sort else None,
                "sort_dir": "asc" if c.sort == asked.sort and c.key == "name" else None,
            }
            for c in self.columns
            if not c.admins or self.sees_all()
        ]  # fmt: skip

    def drawn_customers(self, request: Request, page: Page) -> list[dict[str, Any]]:
        """The rows of the table."""
        pattern = self.details_pattern(request)
        return [row(customer, pattern) for customer in page.rows]

    def parts(
        self, session: Session, request: Request, asked: Asked, found: Count
    ) -> dict[str, Any]:
        """Views, chips, filters, bulk actions and buttons around the table."""
        chips, filters = bar(session, asked, f"{BASE}/values")
        search = asked.filters.search
        who = "your vendors know" if self.sees_all() else "you know"
        return {
            "page_title": "Customers",
            "page_hint": f"Everyone {who}, online and at the counter",
            "noun": "customer",
            "nouns": "customers",
            "buttons": self.list_buttons(request),
            "chips": chips,
            "filters": filters,
            "search": search,
            "search_hint": "Name, phone or e-mail",
            "search_hidden": asked.address.without("search"),
            "clear_url": asked.address.url(*matching.PARAMETERS) if asked.filters else None,
            "fingerprint": asked.filters.fingerprint,
            "match_text": str(found),
            "column_hidden": asked.address.without("columns"),
            "count_url": f"{BASE}/count",
            **customer_views.tabs(session, request, asked, found),
            "actions": bulk_actions(asked),
            "once": new_press(),
            "empty": self.first_visit(request),
        }

    def list_buttons(self, request: Request) -> list[dict[str, Any]]:
        """Import, and the one primary button."""
        buttons: list[dict[str, Any]] = []
        if url := import_url(request, self):
            buttons.append({"title": "Import", "url": url, "icon": "file-import"})
        if self.has_permission(request, "create"):
            url = f"{BASE}/create"
            new = {"title": "New customer", "url": url, "icon": "user-plus", "primary": True}
            buttons.append(new | {"key": "n"})
        return buttons

    def first_visit(self, request: Request) -> dict[str, Any]:
        """What the very first look says, with the ways to begin."""
        ways = []
        if self.has_permission(request, "create"):
            ways.append({
                "icon": "user-plus", "title": "Type one in", "url": f"{BASE}/create",
                "text": "Takes ten seconds; the rest can follow later.",
            })  # fmt: skip
        if url := import_url(request, self):
            ways.append({
                "icon": "file-import", "title": "Import a list", "url": url,
                "text": "CSV or PDF. You see what would happen before anything is saved,"
                " and can undo it.",
            })  # fmt: skip
        return {
            "icon": "users", "title": "Add your first customer", "ways": ways,
            "text": "A name or a phone number is enough. Everything else (bookings, orders,"
            " tasks) gathers on their page as you work.",
            "hint": "Customers who book or order online appear here on their own.",
        }  # fmt: skip

    # ---- what the page asks later ----------------------------------------------------------

    @expose("/values/{filter}", methods=["GET"])
    @needs("list")
    async def filter_values(self, request: Request) -> Response:
        """The rows of a filter's popover, with counts, for the other filters in force."""
        name = request.path_params["filter"]
        if not customer_choices.offered(name):
            raise HTTPException(404)
        filters = Asked.read(request.query_params).filters
        term = request.query_params.get("term", "")
        found = await self.in_transaction(customer_choices.lines, filters, name, term)
        return JSONResponse({"choices": found})

    @expose("/count", methods=["GET"])
    @needs("list")
    async def filter_count(self, request: Request) -> Response:
        """How many customers the filters would leave."""
        filters = Asked.read(request.query_params).filters
        found = await self.in_transaction(customer_counts.counted, filters)
        return JSONResponse({"text": str(found)})

    @expose("/view-counts", methods=["GET"])
    @needs("list")
    async def view_counts(self, request: Request) -> Response:
        """The counts on the tabs of the saved views, in their order."""
        found = await self.in_transaction(customer_views.counts)
        return JSONResponse({"counts": found})


def read_page(session: Session, asked: Asked) -> tuple[Page, int]:
    """The page asked for and how many customers stand before it; the first, where there is none."""
    after, before = asked.address.one("after"), asked.address.one("before")
    size = asked.address.size
    read = functools.partial(
        matching.page, session, asked.filters, sort=asked.sort, size=size,
        columns=_SHOWN if current_actor().role is DatabaseRole.VENDOR else _SHOWN_TO_ADMINS,
    )  # fmt: skip
    page = read(after=after or None, before=before or None)
    if not page.rows and (after or before):
        return read(), 0
    return page, asked.position if page.prev else 0


def count_of(session: Session, asked: Asked, page: Page, position: int) -> Count:
    """How many match, without a look at what the page itself shows."""
    if page.prev is None and page.next is None:
        return Count(len(page.rows), False)
    if page.next is None and page.prev and position:
        return Count(position + len(page.rows), False)
    return customer_counts.counted(session, asked.filters)


def place(shown: CustomersPage, asked: Asked, page: Page, position: int, found: Count) -> None:
    """The pager: where the page stands, and the addresses beside it."""
    at = {"at": str(position + len(page.rows))}
    back = {"at": str(max(0, position - asked.address.size))}
    shown.prev_url = asked.address.url(before=page.prev, **back) if page.prev else None
    shown.next_url = asked.address.url(after=page.next, **at) if page.next else None
    shown.match_text = str(found)
    if page.rows:
        here = span(number(position + 1), number(position + len(page.rows)))
        shown.count_text = f"{here} of {found}, {ORDERS[asked.sort]}"
    else:
        shown.empty = "no_match" if asked.filters else "first"


def _tags() -> ColumnElement[Any]:
    names = (
        select(Tag.name)
        .join(CustomerTag, CustomerTag.tag_id == Tag.id)
        .where(CustomerTag.vendor_id == Customer.vendor_id, CustomerTag.customer_id == Customer.id)
        .distinct()
        .order_by(Tag.name)
    )
    return func.array(names.scalar_subquery(), type_=ARRAY(Text)).label("tag_names")


_TAGS = _tags()
_VENDOR = (
    select(Vendor.name).where(Vendor.id == Customer.vendor_id).scalar_subquery().label("vendor")
)
_SHOWN = (
    Customer.full_name, Customer.company, Customer.email, Customer.phone, Customer.status,
    Customer.channel, Customer.last_visit_at, Customer.visit_count, Customer.total_spent, _TAGS,
)  # fmt: skip
_SHOWN_TO_ADMINS = (*_SHOWN, _VENDOR)


def row(customer: Row[Any], pattern: str | None) -> dict[str, Any]:
    """One customer in the table; under the name stands how to reach them."""
    icon, came = ICONS[customer.channel]
    reach = phone(customer.phone) if customer.phone else customer.email or ""
    name = called(customer)
    return {
        "pk": customer.id,
        "url": pattern.format(customer.id) if pattern else None,
        "title": name,
        "icon": icon,
        "icon_title": came,
        "sub": "" if name in (reach, customer.phone) else reach,
        "status": customer.status,
        "cells": {**customer._mapping, "tags": customer.tag_names},
    }


def import_url(request: Request, view: HouseView, subject: str = "") -> str | None:
    """Where a list is imported, if there is such a page and the one who acts may open it."""
    panel = getattr(request.app.state, "panel", None)
    pages = panel.views if panel else ()
    there = any(v.identity == "import-job" for v in pages)
    backend = view._admin_ref.authorization_backend
    if there and backend.has_permission(request, "import-job", "upload"):
        return f"/admin/imports?subject={subject}" if subject else "/admin/imports"
    return None
