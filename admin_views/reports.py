"""Reports on screen: the overview, a page each, their figures as files."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
from sqladmin import expose
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from admin_views import (
    custom_reports,
    report_choices,
    report_files,
    report_page,
    report_runs,
    report_views,
)
from admin_views.access import needs
from admin_views.custom_reports import OwnReports
from admin_views.loaders import record_id, typed, without_control
from admin_views.own_pages import read_fields
from admin_views.rendering import say
from admin_views.saving import sentence_of
from app import clock
from app.errors import DomainError, NotFound
from app.operations import views
from app.tenancy import current_actor
from app.transact import in_thread
from reports import asking, custom
from reports.registry import for_role
from reports.report import Group, Report

Words = Mapping[str, Sequence[str]]


def today_of(request: Request) -> date:
    """The day it is for whoever looks: a vendor's own, or the marketplace's."""
    return clock.now().astimezone(getattr(request.state, "zone", None) or UTC).date()


def words_of(request: Request) -> dict[str, list[str]]:
    """The address's words, each with all its values."""
    params = request.query_params
    return {name: params.getlist(name) for name in params}


async def report_of(request: Request) -> Report:
    """The report of the address, if the reader has it."""
    return (await _found(request))[0]


async def _found(request: Request) -> tuple[Report, Words]:
    """The report of the address, and the words it begins with when the address says none."""
    slug = request.path_params["slug"]
    report = for_role(current_actor().panel_role).get(slug)
    if report is not None:
        return report, {}
    own = None if custom.number_of(slug) is None else await in_thread(custom_reports.own, slug)
    if own is None:
        raise HTTPException(404)
    return own


class NotYet(DomainError):
    sentence = "These figures are not worked out yet: open the report, and ask for them there."


class ReportsView(OwnReports):
    """What happened, who comes back, what a customer is worth: figures, never a customer."""

    name, icon, identity = "Reports", "ti ti-chart-bar", "reports"
    category, menu_key = "Insight", "r"

    def is_accessible(self, request: Request) -> bool:
        """Managers and the marketplace's people."""
        return bool(self.has_permission(request, "list"))

    async def _page(self, request: Request, template: str, context: dict[str, Any]) -> Response:
        drawn: Response = await self.templates.TemplateResponse(request, template, context)
        return drawn

    @expose("/reports", methods=["GET"], identity="reports")
    @needs("list")
    async def overview(self, request: Request) -> Response:
        """Every report by its group; `q` narrows them."""
        term = typed(request.query_params.get("q"))
        return await self._page(request, "panel/reports.html", await in_thread(overview, term))

    @expose("/reports/{slug}", methods=["GET"], identity="reports")
    @needs("list")
    async def report(self, request: Request) -> Response:
        """A report: its days and filters stand in the address."""
        found, usual = await _found(request)
        words = words_of(request) or usual
        context = await in_thread(shown, found, words, today_of(request))
        return await self._page(request, "panel/report.html", context)

    @expose("/reports/{slug}/figures.csv", methods=["GET"], identity="reports")
    @needs("figures")
    async def figures(self, request: Request) -> Response:
        """The figures of the chart, or of a table, as a file."""
        found, words = await report_of(request), words_of(request)
        try:
            name, text = await in_thread(file_of, found, words, today_of(request))
        except DomainError as refusal:
            raise HTTPException(400, str(refusal)) from None
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    @expose("/reports/{slug}/run", methods=["POST"], identity="reports")
    @needs("run")
    async def run(self, request: Request) -> Response:
        """Have figures worked out that take longer than a page may."""
        found, form = await report_of(request), await request.form(max_files=0, max_fields=300)
        words: dict[str, list[str]] = {}
        for name, value in form.multi_items():
            if isinstance(value, str):
                words.setdefault(without_control(name), []).append(without_control(value))
        back = report_page.Address.read(found, words).url()
        try:
            asked = await in_thread(asked_of, found, words, today_of(request))
            await anyio.to_thread.run_sync(report_runs.start, asked)
        except DomainError as refusal:
            say(request, str(refusal), tone="danger")
        return RedirectResponse(back, 303)

    @expose("/reports/runs/{run}", methods=["GET"], identity="reports")
    @needs("run")
    async def state(self, request: Request) -> Response:
        """How far it is."""
        number = record_id(request.path_params["run"])
        found = None if number is None else await in_thread(report_runs.state, number)
        if found is None:
            raise HTTPException(404)
        return JSONResponse(found)

    @expose("/reports/{slug}/views/save", methods=["POST"], identity="reports")
    @needs("views")
    async def save_view(self, request: Request) -> Response:
        """Keep the days and filters in force under a name."""
        found, form = await report_of(request), await read_fields(request, 4)
        name, query = form.get("name", ""), form.get("query", "")
        try:
            view = await in_thread(report_views.save, found, name, query)
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
        else:
            say(request, f"The view “{view.name}” is saved.")
        return RedirectResponse(report_views.url_of(found, report_views.read(found, query)), 303)

    @expose("/reports/{slug}/views/{view}/remove", methods=["POST"], identity="reports")
    @needs("views")
    async def remove_view(self, request: Request) -> Response:
        """Remove one's own view."""
        found, which = await report_of(request), record_id(request.path_params["view"])
        if which is None:
            raise HTTPException(404)
        try:
            await in_thread(views.drop, view_id=which)
        except NotFound:
            raise HTTPException(404) from None
        say(request, "The view is removed.")
        return RedirectResponse(report_views.url_of(found, []), 303)

    @expose("/reports/offered/{name}", methods=["GET"], identity="reports")
    @needs("list")
    async def offered(self, request: Request) -> Response:
        """The rows of a filter's popover."""
        name = request.path_params["name"]
        if name not in ("vendor", "category"):
            raise HTTPException(404)
        if name == "vendor" and current_actor().vendor_id is not None:
            raise HTTPException(404)
        params = request.query_params
        ids = [number for v in params.getlist(name)[:100] if (number := record_id(v))]
        term = typed(params.get("term"))
        found = await in_thread(report_choices.found, name, term, ids)
        return JSONResponse({"choices": found})


def shown(session: Session, report: Report, words: Words, today: date) -> dict[str, Any]:
    """The page with its saved views."""
    context = report_page.page_of(session, report, words, today)
    address = report_page.Address.read(report, words)
    tools = custom_reports.tools(session, report.slug, urlencode(address.pairs))
    return {**context, **report_views.tabs(session, report, address), **tools}


def overview(session: Session, term: str) -> dict[str, Any]:
    """The reports that fit what was typed, under the heads of their groups."""
    mine = for_role(current_actor().panel_role).values()
    wanted = term.casefold().split()
    fitting = [r for r in mine if all(word in _spoken_of(r) for word in wanted)]
    groups = [
        {
            "title": group.value,
            "reports": [
                {"title": r.title, "about": r.about, "url": f"{report_page.HERE}/{r.slug}"}
                for r in fitting
                if r.group is group
            ],
        }
        for group in Group
    ]
    own = [
        card
        for card in custom_reports.cards(session)
        if all(word in f"{card['title']} {card['about']}".casefold() for word in wanted)
    ]
    groups.insert(0, {"title": "Your own", "reports": own})
    new = {"title": "New report", "url": custom_reports.NEW, "icon": "plus"}
    return {
        "page_title": "Reports", "search": term,
        "page_hint": "Figures of what happened; each opens the list behind it",
        "buttons": [new] if custom_reports.makes() else [],
        "groups": [group for group in groups if group["reports"]],
    }  # fmt: skip


def _spoken_of(report: Report) -> str:
    """Everything a report can be found by."""
    words = [report.title, report.about, report.slug, report.group.value]
    words += [word for m in report.measures for word in (m.title, m.definition)]
    return " ".join(words).casefold()


def asked_of(session: Session, report: Report, words: Words, today: date) -> asking.Asked:
    """The question of an address or a form; refuses days that are none."""
    mine = current_actor().vendor_id
    return asking.ask(session, report, words, today=today, vendor_id=mine)


def file_of(session: Session, report: Report, words: Words, today: date) -> tuple[str, str]:
    """The name and the text of a file of figures."""
    asked = asked_of(session, report, words, today)
    source, _ = report_runs.source_of(session, asked)
    if source is None:
        raise NotYet
    wanted = (words.get("table") or [""])[-1]
    tables = report_page.tables_for(report, current_actor().panel_role)
    table = next((t for t in tables if t.key == wanted), None)
    if table is None:
        return report_files.name_of(asked, None), report_files.of_chart(asked, source)
    sort = (words.get("sort") or [""])[-1]
    return report_files.name_of(asked, table), report_files.of_table(asked, source, table, sort)


VIEWS = [ReportsView]
