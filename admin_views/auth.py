"""The panel's door: sign-in, sign-out, and what each role may open behind it."""

import functools
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from anyio.lowlevel import RunVar
from sqladmin import Admin
from sqladmin.authentication import AuthenticationBackend
from sqladmin.authorization import AuthorizationBackend
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from admin_views.access import BUILT_IN, action_of, allowed
from app.errors import DomainError
from app.operations import lockout, passwords, users
from app.settings import settings
from app.tenancy import GATE, PanelRole, acting, actor_or_none
from app.transact import in_transaction

log = logging.getLogger(__name__)

CHECKS_AT_ONCE = 4  # each holds a connection and 64 MB while argon2 works
DROPPED = {"file_download", "file_preview", "export", "import", "login", "logout"}
DEMO_ACCOUNTS = tuple(
    {"email": f"{role}@{place}.example", "role": role.capitalize()}
    for role, place in (
        ("admin", "backroom"),
        ("analyst", "backroom"),
        ("manager", "aurora"),
        ("staff", "aurora"),
    )
)

Endpoint = Callable[[Request], Awaitable[Response]]

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("sign_in_limiter")


def cookie_name() -> str:
    """The cookie that carries the session's secret; over HTTPS its name binds it to the host."""
    return "backroom" if settings().demo else "__Host-backroom"


def token_of(request: Request) -> str | None:
    """The secret that the browser sent, if it can be one."""
    token = request.cookies.get(cookie_name(), "")
    return token if 40 <= len(token) <= 64 else None


def keep_token(response: Response, token: str) -> None:
    """Hand the secret to the browser: to this host only, out of reach of scripts."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=settings().session_absolute_hours * 3600,
        path="/",
        secure=not settings().demo,
        httponly=True,
        samesite="lax",
    )


def forget_token(response: Response) -> None:
    """Take the secret back."""
    response.delete_cookie(
        cookie_name(), path="/", secure=not settings().demo, httponly=True, samesite="lax"
    )


def address_of(request: Request) -> str:
    """The network address a request came from."""
    return request.client.host if request.client else "unknown"


def own_path(path: str, default: str = "/admin/") -> str:
    """A way on inside the panel; anything that could lead elsewhere becomes the first page."""
    inside = path.startswith("/admin/") or path == "/admin"
    plain = "\\" not in path and "//" not in path and path.isprintable()
    away = path.startswith(("/admin/login", "/admin/logout"))
    return path if inside and plain and not away and len(path) < 2000 else default


def panel_role() -> PanelRole | None:
    """What the one who acts is in the panel."""
    actor = actor_or_none()
    return actor.panel_role if actor else None


class PanelAuth(AuthenticationBackend):
    """Who is signed in was found out by the middleware; here is the door itself."""

    def __init__(self) -> None:
        secure = not settings().demo
        super().__init__(
            secret_key=settings().secret_key or secrets.token_urlsafe(32),
            session_cookie="__Host-backroom-notes" if secure else "backroom-notes",
            https_only=secure,
            same_site="lax",
            max_age=None,
        )

    async def authenticate(self, request: Request) -> Response | bool:
        return actor_or_none() is not None

    async def get_user_id(self, request: Request) -> int | None:
        actor = actor_or_none()
        return actor.user_id if actor else None

    async def login(self, request: Request) -> Response:
        """Sign in by e-mail and password, or show the door again with the refusal."""
        form = await posted(request, "username", "email", "password", "next")
        email, way_on = form["username"] or form["email"], own_path(form["next"])
        opened = await at_the_gate(
            users.sign_in,
            email=email,
            password=form["password"],
            address=address_of(request),
            device=request.headers.get("user-agent", ""),
            replaces=token_of(request),
        )
        if isinstance(opened, DomainError):
            return await show_door(request, error=opened, email=email[:320], next=way_on)
        request.session.clear()
        response = RedirectResponse(way_on, 303)
        keep_token(response, opened.token)
        return response

    async def logout(self, request: Request) -> Response:
        """End the session for good; its secret is worth nothing afterwards."""
        token = token_of(request)
        if token:
            await at_the_gate(users.sign_out, token=token)
        request.session.clear()
        response = RedirectResponse("/admin/login", 303)
        forget_token(response)
        return response


async def posted(request: Request, *names: str) -> dict[str, str]:
    """The named fields of a small form, as text; what is missing is empty."""
    form = await request.form(max_files=0, max_fields=20)
    return {name: str(form.get(name, "")) for name in names}


async def at_the_gate(
    operation: Callable[..., Any], *, as_user: int | None = None, **arguments: Any
) -> Any:
    """Run what only the gate may: sign-ins, sessions, passwords; a few at once."""
    with acting(users.gate(as_user) if as_user else GATE):
        run = functools.partial(in_transaction, operation, **arguments)
        return await anyio.to_thread.run_sync(run, limiter=_few_at_once())


def _few_at_once() -> anyio.CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        _limiter.set(limiter := anyio.CapacityLimiter(CHECKS_AT_ONCE))
        return limiter


async def show_door(request: Request, *, error: DomainError | None = None, **more: Any) -> Response:
    """The sign-in page; after a refusal with its sentence, and 429 during a pause."""
    context: dict[str, Any] = {"error": str(error) if error else None, **more}
    if settings().demo:
        context |= {"demo_password": passwords.DEMO_PASSWORD, "demo_accounts": DEMO_ACCOUNTS}
    too_many = isinstance(error, lockout.TooManyTries)
    status = 429 if too_many else 400 if error else 200
    templates = request.app.state.templates
    response: Response = await templates.TemplateResponse(
        request, "sqladmin/login.html", context, status_code=status
    )
    if error and too_many:
        response.headers["Retry-After"] = str(error.details["seconds"])
    return response


class PanelAccess(AuthorizationBackend):
    """Asks the matrix, for the role of the one who acts."""

    def has_permission(
        self, request: Request, identity: str, action: str, obj: Any | None = None
    ) -> bool:
        role = panel_role()
        return role is not None and allowed(role, identity, str(action))


def _rule(route: Route, identities: dict[str, str]) -> tuple[str | None, tuple[str, ...]]:
    """The screen and the actions that open a route; a screen of None is in the address."""
    name = route.name or ""
    if name in BUILT_IN:
        return None, BUILT_IN[name]
    identity = identities.get(route.path, "")
    action = action_of(identity, route.endpoint)
    return identity, (action,) if action else ()


def harden(admin: Admin) -> None:
    """Leave out the routes that no one needs, and put the matrix before all others.

    Gone: file downloads by column, exports, the stock import, actions by GET, sign-out by GET. A
    route without a rule is open to nobody.
    """
    backend = admin.authentication_backend
    if not isinstance(backend, PanelAuth):
        raise TypeError("The panel needs its own door: pass PanelAuth().")
    router = admin.admin.router
    screens = {
        route.path: view.identity
        for view in sorted(admin.views, key=lambda v: len(v.identity))
        for route in router.routes
        if isinstance(route, Route) and _belongs(route, view)
    }
    kept = [r for r in router.routes if not _is_dropped(r)]
    for route in kept:
        if isinstance(route, Route) and route.name != "index":
            _guard(route, *_rule(route, screens))
    router.routes[:] = [
        Route("/login", _login_page(backend), name="login", methods=["GET", "POST"]),
        Route("/logout", backend.logout, name="logout", methods=["POST"]),
        *kept,
    ]


def _belongs(route: Route, view: Any) -> bool:
    return getattr(route.endpoint, "__self__", None) is view and route.name not in BUILT_IN


def _is_dropped(route: Any) -> bool:
    name = getattr(route, "name", "") or ""
    return name in DROPPED or name.startswith("action-")


def _login_page(backend: PanelAuth) -> Endpoint:
    async def login(request: Request) -> Response:
        if request.method == "POST":
            return await backend.login(request)
        way_on = own_path(request.query_params.get("next", ""))
        if actor_or_none() is not None:
            return RedirectResponse(way_on, 303)
        hint = "Your password is set: sign in with it." if "set" in request.query_params else None
        return await show_door(request, next=way_on, hint=hint)

    return login


def _guard(route: Route, identity: str | None, actions: tuple[str, ...]) -> None:
    if not actions:
        log.warning("Nobody may open %s: no rule names it in admin_views/access.py.", route.path)
    inner = route.app

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        screen = identity or scope["path_params"].get("identity", "")
        role = panel_role()
        if role is None or not any(allowed(role, screen, action) for action in actions):
            raise HTTPException(403)
        await inner(scope, receive, send)

    route.app = guarded
    route.rule = (identity, actions)  # type: ignore[attr-defined]


def routes_of(admin: Admin) -> list[Route | Mount]:
    """Every route of the panel."""
    return [r for r in admin.admin.router.routes if isinstance(r, Route | Mount)]
