"""The one base view: a noun's screens are a declaration, what they do is here.

`HouseView` is SQLAdmin's `ModelView` with our lists, forms, details and refusals. A page is read
in one worker thread and one transaction; nothing of a view runs SQL on the event loop.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Any, ClassVar

import anyio.to_thread
from sqladmin import ModelView
from sqlalchemy import Select, inspect, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from wtforms import Form

from admin_views import saving
from admin_views.details import details_context
from admin_views.filters import Filter
from admin_views.forms import HouseForm, Pick, Saving, form_class
from admin_views.lists import Address, Col, KeysetPage, Slice, Sort, keyset_page, read_slice
from admin_views.loaders import Records, contains, record_id, vendor_names
from admin_views.picks import Picks
from admin_views.rendering import table
from admin_views.trail import trail_of
from app.database import begin, begin_planned
from app.errors import DomainError
from app.tenancy import DatabaseRole, current_actor
from models.vendors import Vendor

Dicts = list[dict[str, Any]]
Names = list[str]
Force = Mapping[str, list[Any]]
ForceRead = dict[str, list[Any]]

VENDORS = Records(Vendor, (Vendor.name, Vendor.slug), hint=lambda v: v.city or "")


def declared(**named: Any) -> Mapping[str, Any]:
    """A declaration of fields or orders that nobody changes."""
    return MappingProxyType(named)


class HouseView(ModelView):
    """A noun's screens, declared.

    `columns` (the first is the name and the link), `sorts`, `searched`, `filters`, `fields`,
    `details` (but for those of `hides_empty` that say nothing), `commands`; `stays` says what a
    delete leaves behind; `tries` is for lists of millions (see `few`). Nothing is shown or written
    that is not declared.
    """

    can_export: ClassVar[bool] = False
    can_import: ClassVar[bool] = False
    export_types: ClassVar[Names] = []
    page_size: ClassVar[int] = 25
    page_size_options: ClassVar[Sequence[int]] = [25, 50, 100]
    details_template: ClassVar[str] = "panel/noun_details.html"

    menu_key: ClassVar[str | None] = None
    title: ClassVar[str] = ""
    hint: ClassVar[str] = ""
    noun: ClassVar[str] = ""
    columns: ClassVar[Sequence[Col]] = ()
    table_class: ClassVar[str] = ""
    selectable: ClassVar[bool] = False
    sorts: ClassVar[Mapping[str, Sort]] = MappingProxyType({})
    searched: ClassVar[Sequence[Any]] = ()
    search_hint: ClassVar[str] = ""
    filters: ClassVar[Sequence[Filter]] = ()
    loads: ClassVar[Sequence[Any]] = ()
    tries: ClassVar[bool] = False
    details: ClassVar[Sequence[tuple[str, Sequence[Col]]]] = ()
    details_loads: ClassVar[Sequence[Any]] = ()
    hides_empty: ClassVar[Sequence[str]] = ()
    fields: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    form_sections: ClassVar[Sequence[tuple[str, Sequence[str]]]] = ()
    commands: ClassVar[Sequence[saving.Command]] = ()
    plans_details_once: ClassVar[bool] = False
    status_kind: ClassVar[str] = ""
    stays: ClassVar[str] = "It cannot be undone; the trail of changes stays."
    empty: ClassVar[Mapping[str, Any] | None] = None
    own_form: ClassVar[bool] = False
    creates_with: ClassVar[Any] = None
    changes_with: ClassVar[Any] = None
    deletes_with: ClassVar[Any] = None

    # ---- what SQLAdmin asks for: only what is declared -------------------------------------

    def get_list_columns(self) -> Names:
        """The declared columns that are attributes of the model."""
        return self._own(c.key for c in self.columns)

    def get_details_columns(self) -> Names:
        """The declared columns of the details page."""
        return self._own(c.key for _, columns in self.details for c in columns)

    def get_form_columns(self) -> Names:
        """The declared fields."""
        return self._own(self.fields)

    def get_export_columns(self) -> Names:
        """Nothing leaves."""
        return []

    get_import_columns = get_export_columns

    def _own(self, names: Any) -> Names:
        return [n for n in names if n in self._mapper.attrs] or ["id"]

    def _stmt_by_identifier(self, identifier: str) -> Select[Any]:
        return select(self.model).where(self.model.id == self.number(identifier))  # type: ignore[attr-defined]

    def number(self, text: object) -> int:
        """The id in an address; what cannot be one is a page that is not here."""
        found = record_id(text)
        if found is None:
            raise HTTPException(404)
        return found

    # ---- whose page it is -----------------------------------------------------------------

    @property
    def is_owned(self) -> bool:
        """Whether the records belong to vendors, be it that some are the marketplace's."""
        return "vendor_id" in self._mapper.columns

    def over_all_vendors(self) -> bool:
        """Whether the one who acts sees several vendors' records here."""
        return self.is_owned and self.sees_all()

    def sees_all(self) -> bool:
        """Whether the one who acts sees several vendors."""
        return current_actor().role is not DatabaseRole.VENDOR

    def zone(self, request: Request) -> tzinfo:
        """The zone in which whoever looks reads moments."""
        return getattr(request.state, "zone", None) or UTC

    def title_of(self, record: Any) -> str:
        """What a record is called."""
        return str(record)

    def sub_of(self, record: Any) -> str:
        """The line under the name in lists."""
        return ""

    def status_of(self, record: Any) -> str | None:
        """The status word that its page shows beside the name."""
        return getattr(record, "status", None)

    # ---- list -----------------------------------------------------------------------------

    def rows(self, session: Session) -> Select[Any]:
        """The records a list may show."""
        return select(self.model)

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """The rows that a search finds."""
        return rows.where(contains(self.searched, term)) if self.searched else rows

    def params(self) -> Names:
        """What the address of the list may hold beside search, order and page."""
        return [p for f in self.filters for p in f.params]

    def chosen_sort(self, address: Address) -> tuple[str, Sort]:
        """The order asked for, if it is offered, else the first."""
        orders = dict(self.sorts) or {"newest": Sort(self.model.id, descending=True)}  # type: ignore[attr-defined]
        name = address.one("sort")
        return (name, orders[name]) if name in orders else next(iter(orders.items()))

    def narrowed(
        self, session: Session, address: Address, zone: tzinfo
    ) -> tuple[Select[Any], ForceRead]:
        """The rows that the address asks for, and the filters in force with their values."""
        rows = self.rows(session)
        if term := address.one("search"):
            rows = self.search_where(session, rows, term)
        force: ForceRead = {}
        for one in self.filters:
            if one.offered() and (values := one.values(address)):
                rows = one.narrowed(session, rows, values, zone)
                force[one.name] = values
        return rows, force

    def read_list(self, session: Session, request: Request) -> tuple[KeysetPage, dict[str, Any]]:
        """A page of the list with everything around it."""
        address = Address.read(request.query_params, self.params())
        rows, force = self.narrowed(session, address, self.zone(request))
        name, sort = self.chosen_sort(address)
        page = self.read_rows(session, rows, sort, address)
        columns = self.drawn_columns(address, name, sort)
        drawn = table(
            columns,
            self.drawn_rows(session, request, page.rows),
            table_class=self.table_class,
            selectable=self.selectable,
        )
        filtered = bool(force or address.one("search"))
        shown = keyset_page(page, address, drawn, filtered=filtered)
        context = self.list_parts(session, request, address, force)
        context["columns"] = columns
        return shown, context

    def read_rows(self, session: Session, rows: Select[Any], sort: Sort, address: Address) -> Slice:
        """The rows of the page."""
        pk = self.model.id  # type: ignore[attr-defined]
        return read_slice(session, rows, pk, sort, address, loads=self.loads, tries=self.tries)

    def drawn_columns(self, address: Address, by: str, sort: Sort) -> Dicts:
        """The heads of the table, with their sort links."""
        wanted = set(address.all("columns"))
        shown = [c for c in self.columns if not c.admins or self.over_all_vendors()]
        return [
            {
                "key": c.key, "label": c.label, "kind": c.kind, "numeric": c.numeric,
                "css": c.css, "pill_kind": c.pill_kind, "optional": c.optional,
                "on": not c.optional or c.key in wanted,
                "sort_url": address.url(sort=c.sort) if c.sort else None,
                "sort_dir": ("desc" if sort.descending else "asc") if c.sort == by else None,
            }
            for c in shown
        ]  # fmt: skip

    def drawn_rows(self, session: Session, request: Request, records: Sequence[Any]) -> Dicts:
        """The rows of the table; values are read here, while the session is open."""
        pattern = self.details_pattern(request)
        names = vendor_names(session, records) if self.is_owned else {}
        return [self.drawn_row(r, pattern, names) for r in records]

    def details_pattern(self, request: Request) -> str | None:
        """The address of a details page with `{}` for the id, if whoever looks may open it."""
        if not (self.can_view_details and self.has_permission(request, "details")):
            return None
        path = request.url_for("admin:details", identity=self.identity, pk="0pk0").path
        return path.replace("0pk0", "{}")

    def drawn_row(
        self, record: Any, pattern: str | None, names: Mapping[int, str]
    ) -> dict[str, Any]:
        """One row of the table."""
        cells = {c.key: c.of(record) for c in self.columns[1:] if c.key != "vendor"}
        if self.is_owned:
            cells["vendor"] = names.get(record.vendor_id, "the marketplace")
        return {
            "pk": record.id,
            "url": pattern.format(record.id) if pattern else None,
            "title": self.columns[0].of(record),
            "sub": self.sub_of(record),
            "cells": cells,
            "status": self.status_of(record),
        }

    def list_parts(
        self,
        session: Session,
        request: Request,
        address: Address,
        force: Force,
    ) -> dict[str, Any]:
        """Search, chips, filters and buttons around the table."""
        offered = [f for f in self.filters if f.offered()]
        chips = [f.chip(session, address, force[f.name]) for f in offered if f.name in force]
        term = address.one("search")
        drawn = [f.drawn(session, address, force.get(f.name, [])) for f in offered]
        for one, shown in zip(offered, drawn, strict=True):
            if shown["kind"] == "search":
                shown["lookup_url"] = self.choices_url(request, one.name)
        parts: dict[str, Any] = {
            "page_title": self.title or self.name_plural,
            "page_hint": self.hint,
            "noun": self.noun or self.name.lower(),
            "nouns": (self.name_plural).lower(),
            "buttons": self.list_buttons(request),
            "chips": chips,
            "filters": drawn,
            "search": term,
            "search_hidden": address.without("search"),
            "clear_url": self.clear_url(address) if chips or term else None,
            "fingerprint": address.fingerprint,
            "column_hidden": address.without("columns"),
            "empty": self.first_visit(request),
        }
        if self.can_search():
            parts["search_hint"] = self.search_hint or f"Search {self.name_plural.lower()}"
        return parts

    def clear_url(self, address: Address) -> str:
        """The list without search and filters."""
        cleared = {name: text for f in self.filters for name, text in f.cleared.items()}
        return address.url("search", *self.params(), **cleared)

    def can_search(self) -> bool:
        """Whether the list has a search field."""
        return bool(self.searched) or type(self).search_where is not HouseView.search_where

    def choices_url(self, request: Request, name: str) -> str:
        """Where a filter's search asks."""
        return request.url_for("admin:choices", identity=self.identity, name=name).path

    def list_buttons(self, request: Request) -> Dicts:
        """The buttons in the head of the list."""
        if not (self.can_create and self.has_permission(request, "create")):
            return []
        url = request.url_for("admin:create", identity=self.identity).path
        title = f"New {self.name.lower()}"
        return [{"title": title, "url": url, "icon": "plus", "primary": True, "key": "n"}]

    def first_visit(self, request: Request) -> dict[str, Any] | None:
        """What an empty list says, and its first step."""
        if self.empty is None:
            return None
        return {**self.empty, "buttons": self.list_buttons(request)}

    async def list_context(self, request: Request) -> dict[str, Any]:
        """Everything around the table, read together with it."""
        if not self.has_permission(request, "list"):
            return {}
        context: dict[str, Any]
        request.state.list_page, context = await self.in_transaction(self.read_list, request)
        return context

    async def list(self, request: Request) -> Any:
        """The page that `list_context` has read."""
        return request.state.list_page

    async def in_transaction(self, work: Any, *args: Any, planned: bool = False) -> Any:
        """Run `work(session, ...)` in a thread, in a transaction of its own."""

        def run() -> Any:
            with begin_planned() if planned else begin() as session:
                return work(session, *args)

        return await anyio.to_thread.run_sync(run)

    def filter_named(self, name: str) -> Filter:
        """The filter whose popover searches."""
        found = next((f for f in self.filters if f.name == name and f.offered()), None)
        if found is None or not hasattr(found, "found"):
            raise HTTPException(404)
        return found

    # ---- one record -----------------------------------------------------------------------

    def loaded(self, session: Session, number: int) -> Any:
        """The record with what its page shows."""
        wanted: Select[Any] = select(self.model).where(self.model.id == number)  # type: ignore[attr-defined]
        return session.scalars(wanted.options(*(self.details_loads or self.loads))).first()

    def read_details(self, session: Session, request: Request, number: int) -> Any:
        """The record and its page; None when it cannot be seen."""
        record = self.loaded(session, number)
        if record is None:
            return None, {}
        return record, details_context(self, session, request, record)

    async def get_object_for_details(self, request: Request) -> Any:
        """The record, read once a request however often SQLAdmin asks."""
        number = self.number(request.path_params["pk"])
        kept = getattr(request.state, "record_page", None)
        if kept is None or kept[0] != (self.identity, number):
            found = await self.in_transaction(
                self.read_details, request, number, planned=self.plans_details_once
            )
            kept = ((self.identity, number), *found)
            request.state.record_page = kept
        if kept[1] is None:
            raise HTTPException(404)
        return kept[1]

    async def details_context(self, request: Request) -> dict[str, Any]:
        """What was read with the record."""
        await self.get_object_for_details(request)
        context: dict[str, Any] = request.state.record_page[2]
        return context

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What else the page shows: related, lines, figures, marks, buttons."""
        return {}

    def trail(self, session: Session, request: Request, record: Any) -> Dicts:
        """What was changed on the record, day by day."""
        return trail_of(session, self._mapper.local_table.name, record.id)

    def may_edit(self, record: Any) -> bool:
        """Whether the record, as it stands, can still be edited."""
        return True

    def may_delete(self, record: Any) -> bool:
        """Whether the record, as it stands, can be deleted."""
        return True

    async def check_can_edit(self, request: Request, model: Any) -> bool:
        """The role may, and the record still can be."""
        return self.editable(request, model)

    def editable(self, request: Request, record: Any) -> bool:
        """The same, from a thread."""
        allowed = self.can_edit and self.has_permission(request, "edit", record)
        return bool(allowed and (record is None or self.may_edit(record)))

    def deletable(self, request: Request, record: Any) -> bool:
        """Whether the page offers to delete the record."""
        allowed = self.can_delete and self.has_permission(request, "delete", record)
        return bool(allowed and self.may_delete(record))

    # ---- forms ----------------------------------------------------------------------------

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """The fields of the form for whoever acts; an admin over all vendors chooses the vendor."""
        fields = dict(self.fields)
        if record is None and self.over_all_vendors() and current_actor().vendor_id is None:
            fields = {"vendor": Pick("Vendor", VENDORS, wanted=True), **fields}
        return fields

    def bound_fields(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the data that are columns, ready to say how a value is kept."""
        form = form_class({n: f for n, f in self.all_fields().items() if n in data}, Form)()
        return {f.short_name: f for f in form}

    def all_fields(self) -> Mapping[str, Any]:
        """Every field of a new or a known record."""
        return self.fields

    def form_of(self, record: Any = None) -> type[Form]:
        """The form of the noun."""
        return form_class(self.form_fields(record), HouseForm)

    async def own_page(self, request: Request, number: int | None = None) -> Response:
        """The whole form of a noun that draws its own (`own_form`)."""
        raise NotImplementedError

    def context_of(self, context: Saving, data: Mapping[str, Any]) -> Saving:
        """Where the values are being saved; a vendor's own form knows its country itself."""
        return context

    def shown_values(self, session: Session, record: Any) -> dict[str, Any]:
        """The stored values behind the form, which its fingerprint stands for."""
        return {n: getattr(record, saving.column_of(self, n)) for n in self.fields}

    def read_form(self, session: Session, number: int) -> tuple[Any, dict[str, Any]]:
        """The record and what its form shows."""
        record = self.loaded(session, number)
        if record is None:
            raise HTTPException(404)
        context = saving.saving_for(session, record)
        stored = self.shown_values(session, record)
        form: Any = form_class(self.form_fields(record), Form)()
        shown = {f.short_name: self.shown(session, f, stored, context) for f in form}
        return record, {**shown, "seen": saving.fingerprint(stored)}

    def shown(self, session: Session, field: Any, stored: dict[str, Any], context: Saving) -> Any:
        """One value as the form shows it; a related record with its name."""
        value = stored.get(field.short_name)
        if isinstance(field, Pick):
            found = None if value is None else field.lookup.find(session, str(value))
            return (value, field.lookup.text(found) if found is not None else "")
        return field.shown(value, context.zone)

    def prefill(self, session: Session, request: Request) -> dict[str, Any]:
        """What a new form is filled with from the address: related records, by their ids."""
        form = form_class(self.form_fields(), Form)()
        filled: dict[str, Any] = {}
        for field in form:
            given = request.query_params.get(field.short_name)
            if given and isinstance(field, Pick):
                found = field.lookup.find(session, given)
                if found is not None:
                    filled[field.short_name] = (given, field.lookup.text(found))
        return filled

    # ---- writing --------------------------------------------------------------------------

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """Make the record: by its operation, else as it is."""
        if type(self).creates_with is not None:
            return type(self).creates_with(session, **values)
        columns: Any = inspect(self.model).columns
        known = {k: v for k, v in values.items() if v is not None or columns[k].nullable}
        record = self.model(**known)
        session.add(record)
        return record

    def held(self, session: Session, number: int) -> Any:
        """The record, held while it is changed; None when it is not there."""
        return session.get(self.model, number, with_for_update={"of": self.model})

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """Write the values: by the operation, else those that differ."""
        if type(self).changes_with is not None:
            type(self).changes_with(session, record.id, **values)
            return
        for name, value in values.items():
            if getattr(record, name) != value:
                setattr(record, name, value)

    def delete_record(self, session: Session, record: Any) -> None:
        """Delete the record: by its operation, else as it is."""
        if type(self).deletes_with is not None:
            type(self).deletes_with(session, record.id)
        else:
            session.delete(record)

    def command_named(self, name: str) -> saving.Command:
        """The command of a POST."""
        found = next((c for c in self.commands if c.name == name), None)
        if found is None:
            raise HTTPException(404)
        return found

    def lookup_named(self, name: str) -> Any:
        """The look-up behind a form's picker."""
        field = form_class(self.form_fields(), Form)()._fields.get(name)
        if not isinstance(field, Pick | Picks):
            raise HTTPException(404)
        return field.lookup

    def way_out(self, request: Request, refusal: DomainError) -> dict[str, str] | None:
        """Where a refused form leads: title and url, if there is such a page."""
        return None

    async def run_command(self, wanted: saving.Command, number: int, words: dict[str, str]) -> str:
        """Move a record on; answers what to say."""
        return await anyio.to_thread.run_sync(saving.command, self, wanted, number, words)

    async def insert_model(self, request: Request, data: dict[str, Any]) -> saving.Saved:
        """Save a new record; every refusal is a `DomainError`."""
        return await anyio.to_thread.run_sync(saving.create, self, data)

    async def update_model(self, request: Request, pk: str, data: dict[str, Any]) -> saving.Saved:
        """Save a changed record; every refusal is a `DomainError`."""
        seen = str(data.pop("seen", "") or "")
        return await anyio.to_thread.run_sync(saving.change, self, self.number(pk), data, seen)

    async def delete_model(  # type: ignore[override]
        self, request: Request, pk: Any
    ) -> str:
        """Delete a record; answers what it was called."""
        return await anyio.to_thread.run_sync(saving.delete, self, self.number(pk))
