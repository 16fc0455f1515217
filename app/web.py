"""The web process: the panel, its statics, the door, and what a load balancer asks."""

import functools
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
from alembic.script import ScriptDirectory
from redis import Redis, RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from admin_views.access import allowed
from admin_views.auth import at_the_gate, harden, own_path, posted
from admin_views.panel import build_panel
from admin_views.plotly_js import Assets
from admin_views.rendering import STATICS
from admin_views.unsubscribe import opened, pressed
from app import garbage
from app.api.feeds import feed
from app.api.gateway_events import hear
from app.api.me import me
from app.api.memberships import sign_up
from app.api.provider_events import hear as heard
from app.database import SessionFactory, connect
from app.errors import DomainError
from app.middleware import (
    ActorMiddleware,
    CleanInput,
    SameOrigin,
    SecurityHeaders,
    Trouble,
    judged,
    wants_json,
)
from app.operations import invitations, passwords, users
from app.settings import settings
from app.tenancy import GATE, acting
from app.transact import in_transaction

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent.parent / "migrations"
OF_ONE_RECORD = re.compile(r"^(/admin/[a-z-]+)/(details|edit)/.*$")


class NoSecret(DomainError):
    sentence = (
        "SECRET_KEY is missing or shorter than 32 characters: set it to a long random word,"
        " the same for every web process."
    )


def create_app() -> Starlette:
    """The whole web application; refuses to start without a secret (but for the demo)."""
    if not settings().demo and len(settings().secret_key or "") < 32:
        raise NoSecret
    if SessionFactory.kw.get("bind") is None and settings().database_url:
        connect(settings().database_url or "", pool_size=settings().database_pool_size)
    app = Starlette(
        routes=[
            Route("/", _home, name="home"),
            Route("/healthz", _healthz, name="healthz"),
            Route("/readyz", _readyz, name="readyz"),
            Route("/link/{token}", _link_page, name="link", methods=["GET"]),
            Route("/link/{token}", _link_used, name="link_used", methods=["POST"]),
            Route("/unsubscribe/{token}", opened, name="unsubscribe", methods=["GET"]),
            Route("/unsubscribe/{token}", pressed, name="unsubscribed", methods=["POST"]),
            Route("/admin/vendor", _switch_vendor, name="vendor_switch", methods=["POST"]),
            Route("/api/v1/me", me, name="me"),
            Route("/api/v1/memberships", sign_up, name="sign_up", methods=["POST"]),
            Route(
                "/api/v1/gateways/{gateway}/{vendor:int}/events",
                hear,
                name="gateway_event",
                methods=["POST"],
            ),
            Route(
                "/api/v1/gateways/{provider}/messages",
                heard,
                name="provider_event",
                methods=["POST"],
            ),
            Route("/feeds/{secret}.ics", feed, name="feed"),
            Mount("/assets", Assets(directory=STATICS), name="assets"),
        ],
        middleware=_middleware(),
        exception_handlers={HTTPException: _refused, DomainError: _refused},
        lifespan=lifespan,
    )
    admin = build_panel(app)
    harden(admin)
    admin.admin.user_middleware.append(Middleware(Trouble, page=draw_error))
    app.state.templates = admin.admin.state.templates = admin.templates
    app.state.panel = admin
    return app


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Ready: what is loaded stays."""
    garbage.settle()
    yield


def _middleware() -> list[Middleware]:
    hosts = [host.strip() for host in settings().allowed_hosts.split(",") if host.strip()]
    guard = [] if "*" in hosts else [Middleware(TrustedHostMiddleware, allowed_hosts=hosts)]
    return [
        Middleware(SecurityHeaders),
        Middleware(GZipMiddleware, minimum_size=1000, compresslevel=2),
        Middleware(Trouble, page=draw_error),
        *guard,
        Middleware(SameOrigin),
        Middleware(ActorMiddleware),
        Middleware(CleanInput),
    ]


async def draw_error(request: Request, status: int, sentence: str, number: str) -> Response:
    """A refusal of the whole page: a sentence, and for what nobody foresaw a number."""
    if wants_json(request.scope):
        message = sentence if status < 500 else "Something went wrong; nothing was saved."
        body = {"code": str(status), "message": message, "details": {"number": number}}
        return JSONResponse(body, status_code=status)
    context = {"status_code": status, "message": sentence, "support_number": number}
    try:
        templates = request.app.state.templates
        response: Response = await templates.TemplateResponse(
            request, "sqladmin/error.html", context, status_code=status
        )
    except Exception:
        log.exception("The page of request %s could not be drawn", number)
        plain = f"Something went wrong; nothing was saved. Tell support this number: {number}"
        return PlainTextResponse(plain, status_code=status)
    return response


async def _refused(request: Request, error: Exception) -> Response:
    status, sentence = judged(error)
    number = getattr(request.state, "request_number", "")
    response = await draw_error(request, status, sentence, number)
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def _home(request: Request) -> Response:
    return RedirectResponse("/admin/", 307)


async def _healthz(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _readyz(request: Request) -> Response:
    found = await anyio.to_thread.run_sync(readiness)
    ready = all(word == "ok" for word in found.values())
    body = {"status": "ok" if ready else "not ready", **found}
    return JSONResponse(body, status_code=200 if ready else 503)


def readiness() -> dict[str, str]:
    """How the database, its migrations and Redis stand, a word each; `ok` is well."""
    try:
        with acting(GATE):
            version = in_transaction(_version)
    except (SQLAlchemyError, DomainError):
        return {"database": "not reachable", "migrations": "unknown", "redis": _redis()}
    migrations = "ok" if version == _head() else "pending: run `python -m app migrate`"
    return {"database": "ok", "migrations": migrations, "redis": _redis()}


def _version(session: Session) -> str | None:
    found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
    return found


@functools.lru_cache(maxsize=1)
def _head() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def _redis() -> str:
    url = settings().redis_url
    if url is None:
        return "not configured: set REDIS_URL"
    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.ping()
    except (RedisError, OSError, ValueError):
        return "not reachable"
    return "ok"


async def _draw_link(request: Request, status: int = 200, **context: Any) -> Response:
    context["save_url"] = request.url.path
    templates = request.app.state.templates
    response: Response = await templates.TemplateResponse(
        request, "panel/set_password.html", context, status_code=status
    )
    return response


async def _link_page(request: Request) -> Response:
    try:
        owner = await at_the_gate(invitations.link_owner, token=request.path_params["token"])
    except invitations.LinkSpent:
        return await _draw_link(request, 410, expired=True)
    return await _draw_link(request, email=owner.email)


async def _link_used(request: Request) -> Response:
    token = request.path_params["token"]
    form = await posted(request, "new_password", "repeat_password")
    email = ""
    try:
        email = (await at_the_gate(invitations.link_owner, token=token)).email
        if form["new_password"] != form["repeat_password"]:
            raise passwords.PasswordsDiffer
        await at_the_gate(invitations.use_link, token=token, password=form["new_password"])
    except invitations.LinkSpent:
        return await _draw_link(request, 410, expired=True)
    except DomainError as refusal:
        return await _draw_link(request, 400, email=email, error=str(refusal))
    return RedirectResponse("/admin/login?set=1", 303)


async def _switch_vendor(request: Request) -> Response:
    standing: users.Standing = request.state.standing
    form = await posted(request, "vendor", "next")
    wanted, way_on = form["vendor"], own_path(form["next"])
    await anyio.to_thread.run_sync(functools.partial(_stand, standing, wanted))
    return RedirectResponse(OF_ONE_RECORD.sub(r"\1/list", way_on), 303)


def _stand(standing: users.Standing, wanted: str) -> None:
    actor, action = standing.actor, "enter" if wanted else "leave"
    if not allowed(actor.panel_role, "vendor-switch", action):
        raise HTTPException(403)
    own = {"session_id": standing.session_id, "user_id": actor.user_id}
    with acting(users.gate(actor.user_id)):
        if not wanted:
            in_transaction(users.leave_vendor, **own)
        elif wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
            in_transaction(users.enter_vendor, **own, vendor_id=int(wanted))
        else:
            raise HTTPException(404)


@dataclass(frozen=True, slots=True)
class Way:
    """One way into the application: an address, a method, and the rule that guards it."""

    path: str
    method: str
    name: str
    rule: tuple[str | None, tuple[str, ...]] | None


def walk_routes(app: Starlette) -> list[Way]:
    """Every route of the application, the panel's included, one entry a method."""
    return list(_ways(app.routes, ""))


def _ways(routes: list[BaseRoute], before: str) -> Iterator[Way]:
    for route in routes:
        if isinstance(route, Route):
            for method in sorted(route.methods or {"*"}):
                rule = getattr(route, "rule", None)
                yield Way(before + route.path, method, route.name, rule)
        elif isinstance(route, Mount):
            inner = list(route.routes or [])
            if inner:
                yield from _ways(inner, before + route.path)
            else:
                yield Way(before + route.path + "/{path}", "GET", route.name or "", None)
        else:
            raise TypeError(f"A route of an unknown kind: {route!r}")
