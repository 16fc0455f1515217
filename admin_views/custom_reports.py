"""Reports of one's own on screen: put together on a form, listed, changed, removed."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqladmin import BaseView, expose
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import allowed, needs
from admin_views.loaders import record_id, without_control
from admin_views.rendering import say
from admin_views.saving import sentence_of
from app import clock
from app.errors import DomainError, NotFound
from app.operations import custom_reports
from app.tenancy import current_actor
from app.transact import in_thread
from models.custom_reports import CustomReport, SentEvery, SharedWith
from models.words import Channel
from reports import asking, custom
from reports.figures import worded
from reports.report import PERIODS, Report
from reports.spans import Grain

HERE = "/admin/reports"
NEW = f"{HERE}/own/new"
MOST_FIELDS = 120
SHARED = {
    SharedWith.NOBODY: "Only me", SharedWith.MANAGERS: "Managers and admins",
    SharedWith.ANALYSTS: "Analysts as well",
}  # fmt: skip
SENT = {
    SentEvery.NEVER: "Never", SentEvery.DAY: "Every morning at 7:00",
    SentEvery.WEEK: "On Mondays at 7:00", SentEvery.MONTH: "On the first of a month at 7:00",
}  # fmt: skip
CHOSEN = ("period", "by", "channel")
"""The words of an address that the form asks for itself; others are carried along."""
Words = Mapping[str, Sequence[str]]


class OwnReports(BaseView):
    """The endpoints; they stand among those of `ReportsView`."""

    @expose("/reports/own/new", methods=["GET", "POST"], identity="reports")
    @needs("make")
    async def make_own(self, request: Request) -> Response:
        """A form for a new report: what it is about, then what is measured."""
        return await self._form(request, None)

    @expose("/reports/own/{own}/edit", methods=["GET", "POST"], identity="reports")
    @needs("make")
    async def change_own(self, request: Request) -> Response:
        """The same for a report one may change; days and filters come from its page's address."""
        number = record_id(request.path_params["own"])
        if number is None:
            raise HTTPException(404)
        return await self._form(request, number)

    @expose("/reports/own/{own}/remove", methods=["POST"], identity="reports")
    @needs("make")
    async def remove_own(self, request: Request) -> Response:
        """Remove a report one may change."""
        number = record_id(request.path_params["own"])
        try:
            if number is None:
                raise NotFound
            await in_thread(custom_reports.remove, report_id=number)
        except NotFound:
            raise HTTPException(404) from None
        say(request, "The report is removed.")
        return RedirectResponse(HERE, 303)

    async def _form(self, request: Request, number: int | None) -> Response:
        row = None
        if number is not None:
            try:
                row = await in_thread(custom_reports.mine, number)
            except NotFound:
                raise HTTPException(404) from None
        if request.method == "GET":
            return await self._drawn(request, row, asked_of(request, row), {})
        given = await read_form(request)
        try:
            saved = await in_thread(_save, given=given, report_id=number)
        except NotFound:
            raise HTTPException(404) from None
        except Exception as error:
            return await self._drawn(request, row, given, wrong(sentence_of(error)))
        say(request, f"The report “{saved.name}” is saved.")
        return RedirectResponse(f"{HERE}/{custom.PREFIX}{saved.id}", 303)

    async def _drawn(
        self, request: Request, row: CustomReport | None, given: Mapping[str, Any], errors: Any
    ) -> Response:
        context = {**form_of(row, given), **errors}
        page: Response = await self.templates.TemplateResponse(
            request, "panel/custom_report.html", context, status_code=400 if errors else 200
        )
        return page


def wrong(refusal: DomainError) -> dict[str, Any]:
    """A refusal at its field, or above the form."""
    return {"errors": {refusal.field or "": str(refusal)}, "refused": str(refusal)}


def _save(session: Session, *, given: Mapping[str, Any], report_id: int | None) -> CustomReport:
    definition = custom.read(given)
    asking.period_of(  # days that are none are refused while somebody is there to correct them
        custom.report_of(0, given["name"], definition),
        asking.by_name(definition.words),
        clock.now().date(),
    )
    return custom_reports.save(
        session, name=given["name"], definition=definition.as_json(),
        shared_with=given["shared_with"], sent_every=given["sent_every"], report_id=report_id,
        seen=given["seen"],
    )  # fmt: skip


async def read_form(request: Request) -> dict[str, Any]:
    """What was typed and chosen, in the words of `reports.custom`."""
    form = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=5_000)
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(without_control(value).strip()[:500])

    def one(name: str) -> str:
        return (found.get(name) or [""])[-1]

    words = [(name, value) for name in CHOSEN for value in found.get(name, ()) if value]
    words += [
        (name.removeprefix("carried-"), value)
        for name, values in found.items() if name.startswith("carried-")
        for value in values if value
    ]  # fmt: skip
    return {
        "name": one("name"), "source": one("source"), "measures": found.get("measures", []),
        "dimensions": found.get("dimensions", []), "chart": one("chart"), "words": words,
        "shared_with": one("shared_with"), "sent_every": one("sent_every"), "seen": one("seen"),
    }  # fmt: skip


def asked_of(request: Request, row: CustomReport | None) -> dict[str, Any]:
    """What the form begins with: the report as it is, with the days and filters of the address."""
    params = request.query_params
    source = without_control(params.get("source") or "")
    known = source if source in custom.SOURCES else next(iter(custom.SOURCES))
    new: dict[str, Any] = {
        "name": "", "source": known, "measures": [], "dimensions": [custom.TIME],
        "chart": "bars", "words": [("period", "12w")],
        "shared_with": SharedWith.NOBODY, "sent_every": SentEvery.NEVER, "seen": "",
    }  # fmt: skip
    if row is None:
        return new
    kept = row.definition_json
    words = [(n, without_control(v)[:500]) for n, v in params.multi_items()][:MOST_FIELDS]
    return {
        **new, **kept, "name": row.name, "words": words or kept.get("words", []),
        "shared_with": row.shared_with, "sent_every": row.sent_every,
        "seen": custom_reports.stand(row),
    }  # fmt: skip


def form_of(row: CustomReport | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the form shows."""
    key = given["source"] if given["source"] in custom.SOURCES else next(iter(custom.SOURCES))
    source = custom.SOURCES[key]
    vendor = current_actor().vendor_id is not None
    dimensions = [
        (one, custom.DIMENSIONS[one].title)
        for one in source.dimensions if not (vendor and one == custom.VENDOR)
    ]  # fmt: skip
    words = asking.by_name(given["words"])
    picked = [*given["dimensions"], "", ""]
    shared = {k: v for k, v in SHARED.items() if not (vendor and k == SharedWith.ANALYSTS)}
    own = words.get("from") or words.get("to")
    return {
        "page_title": "Change the report" if row else "New report",
        "path": [{"title": "Reports", "url": HERE}, {"title": row.name if row else "New report"}],
        "sources": [
            {"name": one.title, "url": f"{NEW}?source={word}", "active": word == key}
            for word, one in custom.SOURCES.items()
        ] if row is None else [],
        "source": key, "source_title": source.title, "name": given["name"],
        "measures": [
            {"key": word, "title": one.title, "says": one.definition,
             "on": word in given["measures"]}
            for word, one in source.measures.items()
        ],
        "dimensions": dimensions, "first": picked[0], "second": picked[1],
        "charts": list(custom.CHARTS.items()), "chart": given["chart"],
        "periods": [*([("", "Own dates of the page")] if own else []),
                    *((word, offer.title) for word, offer in PERIODS.items())],
        "period": (words.get("period") or [""])[-1] if not own else "",
        "grains": [("", "As fits the days"), *((g.value, g.value.capitalize()) for g in Grain)],
        "by": (words.get("by") or [""])[-1],
        "channels": [(c.value, worded(c), c.value in words.get("channel", ())) for c in Channel],
        "carried": [(name, value) for name, value in given["words"] if name not in CHOSEN],
        "shares": list(shared.items()), "shared_with": given["shared_with"],
        "sends": list(SENT.items()), "sent_every": given["sent_every"], "seen": given["seen"],
        "remove_url": f"{HERE}/own/{row.id}/remove" if row else "",
        "has_left": row is not None and row.user_id != current_actor().user_id,
        "back": f"{HERE}/{custom.PREFIX}{row.id}" if row else HERE,
    }  # fmt: skip


# --- beside the house's reports ------------------------------------------------------------------


def own(session: Session, slug: str) -> tuple[Report, Words] | None:
    """A report of one's own or shared with one, and the days and filters it begins with."""
    number = custom.number_of(slug)
    row = custom_reports.seen(session, number) if number is not None else None
    if row is None:
        return None
    report = custom.of_row(row)
    if report is None:
        return None
    return report, asking.by_name(row.definition_json.get("words", ()))


def tools(session: Session, slug: str, query: str) -> dict[str, Any]:
    """The way from a report's page to its form, for whoever may change it."""
    number = custom.number_of(slug)
    if number is None or not makes() or not custom_reports.changeable(session, [number]):
        return {}
    return {"change_url": _edit(number) + (f"?{query}" if query else "")}


def _edit(number: int) -> str:
    return f"{HERE}/own/{number}/edit"


def makes() -> bool:
    """Whether the one who acts may put reports together."""
    return allowed(current_actor().panel_role, "reports", "make")


def cards(session: Session) -> list[dict[str, str]]:
    """One's own reports and the shared ones, as the overview shows them.

    What can no longer be drawn leads whoever may change it to the form, and is shown to nobody
    else.
    """
    found, rows = [], custom_reports.listed(session)
    numbers = [row.id for row in rows]
    changes = custom_reports.changeable(session, numbers) if makes() else set()
    for row in rows:
        report = custom.of_row(row)
        if report is not None:
            about, url = report.about, f"{HERE}/{report.slug}"
        elif row.id in changes:
            about, url = "What it counted is no longer on the list: choose anew.", _edit(row.id)
        else:
            continue
        found.append({"title": row.name, "about": about, "url": url})
    return found
