"""The panel put together: every noun's views, the menu, the shell around each page, refusals."""

import importlib
import importlib.util
import logging
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment
from sqladmin import Admin
from sqladmin._menu import CategoryMenu, ViewMenu
from sqladmin.authentication import login_required
from sqladmin.models import BaseView, ModelView
from sqladmin.templating import Jinja2Templates
from sqlalchemy.exc import DataError
from sqlalchemy.orm import sessionmaker
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from admin_views import rendering, saving
from admin_views.auth import PanelAccess, PanelAuth
from admin_views.base import HouseView
from admin_views.loaders import typed, without_control
from admin_views.menu import draw_menu
from admin_views.rendering import say
from admin_views.shell import Shell
from app.database import AppSession, SessionFactory
from app.errors import DomainError, NobodyActs, NotAllowed, NotFound, spoken

log = logging.getLogger(__name__)

NOUNS = (
    "today", "my_day", "calendar", "counter", "customers", "segments", "bookings",
    "class_sessions", "series", "waitlist", "orders",
    "shipments", "payments", "returns", "documents", "covers", "warranty_claims", "messages",
    "message_templates", "message_rules", "campaigns", "tasks",
    "packages", "package_services", "holdings", "memberships", "plan_benefits",
    "membership_page", "points", "coupons", "loyalty", "tags", "consents", "preferences",
    "interests", "usages",
    "services", "products", "stock", "consumables", "taxes", "shipping_methods", "categories",
    "staff", "staff_services", "weeks", "time_off", "resources", "policies", "feeds", "vendors",
    "people", "reports", "imports", "bulk", "views", "users", "api_tokens", "audit", "outbox",
    "account",
)  # fmt: skip
"""Modules of `admin_views` in the order of the menu; each names its classes in `VIEWS`."""

CATEGORIES = (
    "",
    "Today",
    "Marketplace",
    "Customers",
    "Messages",
    "Sales",
    "Schedule",
    "Catalogue",
    "Vendors",
    "Insight",
    "Data",
)

STATUS: dict[type[Exception], int] = {NotFound: 404, NotAllowed: 403}
MAX_FIELDS, MAX_PART = 2000, 1024 * 1024


class PanelSessions(sessionmaker[AppSession]):
    """SQLAdmin's own factory, which it reconfigures; sessions come from the house's."""

    def __call__(self, **options: Any) -> AppSession:
        """A session that carries the actor, bound as every other."""
        return SessionFactory(**options)


def _house_view(admin: Admin, request: Request) -> HouseView:
    view = admin._find_model_view(request.path_params["identity"])
    if not isinstance(view, HouseView):
        raise HTTPException(404)
    return view


async def typed_form(request: Request) -> FormData:
    """What was posted, within limits; a form that cannot be read is refused."""
    return await request.form(max_files=0, max_fields=MAX_FIELDS, max_part_size=MAX_PART)


class Pages(Jinja2Templates):
    """Draws pages without awaiting: our templates ask for nothing that has to be waited for.

    SQLAdmin's own environment awaits every macro, which takes twice as long.
    """

    def __init__(self, env: Environment) -> None:
        self.env = env
        env.is_async, env.auto_reload = False, False

    async def TemplateResponse(  # type: ignore[override]  # noqa: N802
        self,
        request: Request,
        name: str,
        context: dict[str, Any] | None = None,
        status_code: int = 200,
    ) -> HTMLResponse:
        """The page, drawn."""
        given = {"request": request, **(context or {})}
        return HTMLResponse(self.env.get_template(name).render(given), status_code)


class Panel(Admin):
    """SQLAdmin with our forms, deletes and commands: what changes data is a POST."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            app,
            session_maker=PanelSessions(class_=AppSession),
            title="Backroom",
            templates_dir=str(rendering.TEMPLATES),
            middlewares=[Middleware(Shell)],
            authentication_backend=PanelAuth(),
            authorization_backend=PanelAccess(),
        )
        self.templates = Pages(self.templates.env)
        rendering.install(self.templates.env)
        self.templates.env.globals.update(draw_menu=draw_menu)
        self.admin.state.panel = self
        kept = [r for r in self.admin.router.routes if getattr(r, "name", "") != "delete"]
        self.admin.router.routes = [
            *kept,
            Route("/{identity}/choices/{name}", self.choices, name="choices"),
            Route("/{identity}/remove/{pk}", self.remove, methods=["POST"], name="remove"),
            Route("/{identity}/do/{pk}/{name}", self.command, methods=["POST"], name="command"),
        ]
        self.admin.exception_handlers.update(
            {
                HTTPException: self.refused_page,
                DomainError: self.refused,
                DataError: self.unreadable,
            }
        )

    def _build_menu(self, view: Any) -> None:
        if hasattr(view, "first_page"):
            self._menu.add(FirstPage(view=view, icon=view.icon, name=view.name))
        elif view.is_model:
            super()._build_menu(view)
        else:
            heading = CategoryMenu(name=view.category or "", icon=view.category_icon)
            heading.add_child(OwnPages(view=view, icon=view.icon, name=view.name))
            self._menu.add(heading)

    # ---- refusals as pages -----------------------------------------------------------------

    async def error_page(self, request: Request, status: int, message: str = "") -> Response:
        """One sentence and the way on."""
        context = {"status_code": status, "message": message, "back_url": _back(request)}
        return await self.templates.TemplateResponse(
            request, "sqladmin/error.html", context, status_code=status
        )

    async def refused_page(self, request: Request, error: Exception) -> Response:
        """404, 403 and their like."""
        if not isinstance(error, HTTPException):
            raise TypeError(error)
        if error.headers and (moved := error.headers.get("location")):
            return RedirectResponse(moved, 303)
        status = error.status_code
        message = spoken(status, error.detail) if status not in (403, 404) else ""
        return await self.error_page(request, status, message)

    async def refused(self, request: Request, error: Exception) -> Response:
        """A refusal of the whole page; who is not signed in goes to the door."""
        if isinstance(error, NobodyActs):
            return RedirectResponse(request.url_for("admin:login").path, 303)
        return await self.error_page(request, STATUS.get(type(error), 409), str(error))

    async def unreadable(self, request: Request, error: Exception) -> Response:
        """A value that no column holds: there is no such page."""
        log.info("unreadable value in %s", request.url.path)
        return await self.error_page(request, 404)

    # ---- pages -----------------------------------------------------------------------------

    @login_required
    async def index(self, request: Request) -> Response:
        """The first page of whoever is signed in: what needs doing now."""
        today = next((v for v in self.views if hasattr(v, "first_page")), None)
        if today is None:
            return await self.templates.TemplateResponse(request, "sqladmin/index.html")
        page: Response = await today.first_page(request)
        return page

    @login_required
    async def list(self, request: Request) -> Response:
        """A list; page numbers and sentences in the address are nobody's business here."""
        can_list = await self._list(request)
        view = _house_view(self, request)
        context = {
            **await view.list_context(request),
            "model_view": view,
            "can_list": can_list,
        }
        if can_list:
            context["pagination"] = await view.list(request)
        return await self.templates.TemplateResponse(request, view.list_template, context)

    @login_required
    async def create(self, request: Request) -> Response:
        """A new record: an empty form, or what was typed with its refusals."""
        await self._create(request)
        view = _house_view(self, request)
        if view.own_form:
            return await view.own_page(request)
        return await self.create_by_form(request, view)

    async def create_by_form(self, request: Request, view: HouseView) -> Response:
        """A new record by the declared fields."""
        if request.method == "GET":
            filled = await view.in_transaction(view.prefill, request)
            form = view.form_of()(data=filled)
            return await self.form_page(request, view, view.create_template, form)
        posted = await typed_form(request)
        form = view.form_of()(posted)
        saved = await self.attempt(request, form, view.insert_model, request)
        if isinstance(saved, DomainError):
            return await self.form_page(request, view, view.create_template, form, saved)
        return self.after_save(request, view, saved, "saved", again=_again(posted))

    @login_required
    async def edit(self, request: Request) -> Response:
        """A record's form, or what was typed with its refusals."""
        await self._edit(request)
        view = _house_view(self, request)
        number = view.number(request.path_params["pk"])
        if view.own_form:
            return await view.own_page(request, number)
        return await self.edit_by_form(request, view, number)

    async def edit_by_form(self, request: Request, view: HouseView, number: int) -> Response:
        """A record by the declared fields."""
        record, shown = await view.in_transaction(view.read_form, number)
        if request.method == "GET":
            form = view.form_of(record)(data=shown)
            return await self.form_page(request, view, view.edit_template, form, obj=record)
        form = view.form_of(record)(await typed_form(request))
        pk = request.path_params["pk"]
        saved = await self.attempt(request, form, view.update_model, request, pk)
        if isinstance(saved, DomainError):
            return await self.form_page(request, view, view.edit_template, form, saved, obj=record)
        return self.after_save(request, view, saved, "saved")

    async def attempt(self, request: Request, form: Any, write: Any, *args: Any) -> Any:
        """What was saved, or the refusal, its sentence noted at its field."""
        request.state.field_errors = {}
        if not form.validate():
            return DomainError("Some values need a look.")
        try:
            return await write(*args, data=form.data)
        except HTTPException:
            raise
        except Exception as error:
            refusal = saving.sentence_of(error)
            name = (refusal.field or "").removesuffix("_id")
            if name in form:
                request.state.field_errors = {name: [str(refusal)]}
            return refusal

    async def form_page(
        self,
        request: Request,
        view: HouseView,
        template: str,
        form: Any,
        refusal: DomainError | None = None,
        **more: Any,
    ) -> Response:
        """The form as it stands, with the refusal, if any."""
        noted = any(f.errors for f in form) or request.state.field_errors if refusal else False
        context = {
            **(await view.edit_context(request) if more else await view.create_context(request)),
            "model_view": view,
            "form": form,
            "error": None if noted or refusal is None else str(refusal),
            "way_out": None if refusal is None else view.way_out(request, refusal),
            **more,
        }
        status = 400 if refusal else 200
        return await self.templates.TemplateResponse(request, template, context, status)

    def after_save(
        self, request: Request, view: HouseView, saved: Any, verb: str, *, again: bool = False
    ) -> Response:
        """Say what was saved, and go to its page."""
        say(request, " ".join([f"{saved.title} {verb}.", *saved.notes]))
        if again:
            url = request.url_for("admin:create", identity=view.identity)
        elif view.has_permission(request, "details"):
            url = request.url_for("admin:details", identity=view.identity, pk=saved.id)
        else:
            url = request.url_for("admin:list", identity=view.identity)
        return RedirectResponse(url.path, 303)

    # ---- changes without a form ------------------------------------------------------------

    @login_required
    async def remove(self, request: Request) -> Response:
        """Delete a record after the question on its page."""
        view = _house_view(self, request)
        record = await view.get_object_for_details(request)
        if not view.deletable(request, record):
            raise HTTPException(403)
        try:
            title = await view.delete_model(request, request.path_params["pk"])
        except HTTPException:
            raise
        except Exception as error:
            return self.back_with(request, view, saving.sentence_of(error))
        say(request, f"{title} deleted.")
        return RedirectResponse(request.url_for("admin:list", identity=view.identity).path, 303)

    @login_required
    async def command(self, request: Request) -> Response:
        """Move a record on: confirm, complete, cancel, and their like."""
        view = _house_view(self, request)
        wanted = view.command_named(request.path_params["name"])
        if not view.has_permission(request, wanted.action):
            raise HTTPException(403)
        number = view.number(request.path_params["pk"])
        posted = await typed_form(request)
        words = {
            name: without_control(str(posted.get(name, ""))).strip()[:500] for name in wanted.takes
        }
        try:
            done = await view.run_command(wanted, number, words)
        except HTTPException:
            raise
        except NotFound:
            raise HTTPException(404) from None
        except Exception as error:
            return self.back_with(request, view, saving.sentence_of(error))
        say(request, done)
        return RedirectResponse(_way_on(request, view), 303)

    def back_with(self, request: Request, view: HouseView, refusal: DomainError) -> Response:
        """Back to the record, with the refusal as a toast."""
        say(request, str(refusal), tone="danger")
        return RedirectResponse(_way_on(request, view), 303)

    # ---- look-ups --------------------------------------------------------------------------

    @login_required
    async def ajax_lookup(self, request: Request) -> Response:
        """What a form's picker offers for what is typed; some know more `of` a customer."""
        view = _house_view(self, request)
        lookup = view.lookup_named(request.query_params.get("name", ""))
        term, of = (typed(request.query_params.get(name)) for name in ("term", "of"))
        if of and hasattr(lookup, "search_of"):
            found = await view.in_transaction(lookup.search_of, term, of)
        else:
            found = await view.in_transaction(lookup.search, term)
        return JSONResponse({"results": found})

    @login_required
    async def choices(self, request: Request) -> Response:
        """What a filter's popover offers for what is typed."""
        view = _house_view(self, request)
        if not view.has_permission(request, "list"):
            raise HTTPException(403)
        one: Any = view.filter_named(request.path_params["name"])
        found = await view.in_transaction(one.found, typed(request.query_params.get("term")))
        return JSONResponse({"choices": found})


class FirstPage(ViewMenu):
    """The entry of the first page, which is the panel's own address."""

    def url(self, request: Request) -> str:
        """Where the panel begins."""
        return str(request.url_for("admin:index").path)

    def is_active(self, request: Request) -> bool:
        """Under either of its addresses."""
        return request.url.path.rstrip("/") in ("/admin", "/admin/today")


class OwnPages(ViewMenu):
    """The entry of a view with several pages of its own: leads to the first, stands for all."""

    def url(self, request: Request) -> str:
        """The shortest address that can be opened; SQLAdmin takes whichever it met first."""
        exposed = (getattr(self.view, name) for name in dir(type(self.view)))
        paths = [
            f._path for f in exposed if hasattr(f, "_exposed") and "GET" in (f._methods or ["GET"])
        ]
        return f"{request.scope.get('root_path', '').rstrip('/')}{min(paths, key=len)}"

    def is_active(self, request: Request) -> bool:
        """On each of its pages."""
        return f"{request.url.path}/".startswith(f"{self.url(request)}/")


def _again(posted: FormData) -> bool:
    return posted.get("save") == "Save and add another"


def _back(request: Request) -> str | None:
    identity = request.path_params.get("identity")
    panel = getattr(request.app.state, "panel", None)
    known = panel and any(v.is_model and v.identity == identity for v in panel.views)
    return request.url_for("admin:list", identity=identity).path if known else None


def _way_on(request: Request, view: HouseView) -> str:
    """The page a command was pressed on, if it is ours, else the record's."""
    before = request.headers.get("referer", "").split("://", 1)[-1].partition("/")
    path = "/" + before[2]
    base = request.url_for("admin:index").path
    plain = path.isprintable() and "\\" not in path and "//" not in path
    if before[0] == request.url.netloc and path.startswith(base) and plain:
        return path
    pk = request.path_params["pk"]
    return request.url_for("admin:details", identity=view.identity, pk=pk).path


def view_classes() -> list[type[BaseView | ModelView]]:
    """Every view of the nouns that are there, in the order of the menu."""
    found: list[type[BaseView | ModelView]] = []
    for noun in NOUNS:
        name = f"admin_views.{noun}"
        if importlib.util.find_spec(name) is not None:
            found += importlib.import_module(name).VIEWS
    return found


def build_panel(app: Starlette) -> Panel:
    """The panel, mounted under `/admin` of `app`; `admin_views.auth.harden` then bars its doors."""
    panel = Panel(app)
    for view in _grouped(view_classes()):
        panel.add_view(view)
    return panel


def _grouped(views: Sequence[type[Any]]) -> list[type[Any]]:
    known = {name: n for n, name in enumerate(CATEGORIES)}
    return sorted(views, key=lambda v: known.get(v.category or "", len(known)))
