"""What every request passes: who acts, where it comes from, how large it is, how it is answered.

Plain ASGI: what is set here is seen by the handlers and by the threads they start.
"""

import functools
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import anyio.to_thread
from sqlalchemy.orm import Session
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from admin_views.auth import token_of
from admin_views.rendering import speaking_in
from app import clock
from app.errors import DomainError, NobodyActs, NotAllowed, NotFound, spoken
from app.operations import users
from app.operations.pictures import MOST_BYTES
from app.settings import settings
from app.tenancy import GATE, PanelRole, acting, actor_or_none
from app.transact import in_transaction

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STATICS = ("/assets/", "/admin/statics/")
OPEN = ("/admin/login", *STATICS)
PICTURES = "/admin/product/picture"
UPLOADS = ("/admin/imports/upload", PICTURES)
"""Where files are taken, which may hold NUL: these pages look at the text fields themselves."""
FORM_LIMIT = 2_000_000
UTF8 = re.compile(r"""charset=(utf-8|"utf-8")(?=\s*(;|$))""")
A_YEAR = "public, max-age=31536000, immutable"
A_WEEK = "public, max-age=604800"
FEEDS = "/feeds/"
CALL_BACKS = "/api/v1/gateways/"
"""What programs send unasked: it is signed, and no cookie lends it anything."""
UNSUBSCRIBE = "/unsubscribe/"
"""Pressed also by programs that mail is read with: the link is signed, and is the only key."""
TOKENS = "/api/v1/memberships"
"""Asked by programs with an API token; a cookie opens nothing there."""
SIGNED = (CALL_BACKS, UNSUBSCRIBE, TOKENS)
A_COPY = "private, no-cache"
"""A calendar program keeps its copy, and asks each time whether it still holds."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline';"
        " script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

Page = Callable[[Request, int, str, str], Awaitable[Response]]
"""Draws a refusal: request, status, sentence, number for support."""


def wants_json(scope: Scope) -> bool:
    """Whether a program of ours asks, and not a person who opens a page."""
    headers = Headers(scope=scope)
    asked = headers.get("accept", "")
    return (
        "/ajax/" in scope["path"]
        or headers.get("x-requested-with", "").lower() == "xmlhttprequest"
        or ("application/json" in asked and "text/html" not in asked)
    )


def is_static(path: str) -> bool:
    """Whether this is a file of ours that anybody may have."""
    return path.startswith(STATICS)


class SecurityHeaders:
    """Every answer says what a browser may do with it; pages are kept by nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path = scope["path"]

        async def out(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["Cache-Control"] = _cache(path, scope, message["status"])
                if not settings().demo:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        await self.app(scope, receive, out)
        return None


def _cache(path: str, scope: Scope, status: int) -> str:
    if status not in (200, 304):
        return "no-store"
    if path.startswith(FEEDS):
        return A_COPY
    if not is_static(path):
        return "no-store"
    return A_YEAR if b"v=" in scope.get("query_string", b"") else A_WEEK


class Trouble:
    """What was not foreseen becomes a sentence and a number, which also stands in the log."""

    def __init__(self, app: ASGIApp, page: Page) -> None:
        self.app, self.page = app, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        number = scope.setdefault("state", {}).setdefault("request_number", new_number())
        path, started = scope["path"], False

        async def out(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["X-Request-Id"] = number
            await send(message)

        try:
            await self.app(scope, receive, out)
        except Exception as error:
            status, sentence = judged(error)
            if status >= 500:
                log.exception("Request %s failed: %s %s", number, scope["method"], path)
            if not started:
                response = await self.page(Request(scope), status, sentence, number)
                await response(scope, receive, out)
        return None


def new_number() -> str:
    """A number that a person can read out to support."""
    return f"{secrets.randbelow(10**4):04}-{secrets.randbelow(10**4):04}"


def judged(error: Exception) -> tuple[int, str]:
    """Status and sentence of an error; no sentence for what nobody foresaw."""
    if isinstance(error, HTTPException):
        return error.status_code, spoken(error.status_code, error.detail)
    if isinstance(error, DomainError):
        statuses = {NotFound: 404, NotAllowed: 403, NobodyActs: 401}
        return statuses.get(type(error), 400), str(error)
    return 500, ""


class SameOrigin:
    """A request that may change something is heard only from our own pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        changes = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if changes and not scope["path"].startswith(SIGNED) and not is_own(scope):
            raise HTTPException(
                403, "This came from another site and was refused: use the page's own button."
            )
        await self.app(scope, receive, send)


def is_own(scope: Scope) -> bool:
    """Whether the browser says that one of our own pages sent this; silence is a no."""
    headers = Headers(scope=scope)
    if "sec-fetch-site" in headers:
        return headers.getlist("sec-fetch-site") == ["same-origin"]
    return headers.get("origin") in _own_origins(scope["scheme"], headers.get("host", ""))


def _own_origins(scheme: str, host: str) -> set[str]:
    public = urlsplit(settings().public_url)
    own = {f"{public.scheme}://{public.netloc}"}
    return own | {f"{scheme}://{host}"} if host else own


class CleanInput:
    """Limits the size of what comes in and refuses the NUL character, which no text holds.

    Only a signed-in person may send a large file, and only where files are taken.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if "\0" in scope["path"]:
            raise HTTPException(404)
        if has_nul(scope.get("query_string", b"")):
            raise HTTPException(400, "The address holds a character that no text has: remove it.")
        if scope["method"] in SAFE_METHODS:
            return await self.app(scope, receive, send)
        if not _is_utf8(scope):
            raise HTTPException(415, "This form is not written in UTF-8: send it as UTF-8.")
        limit = _limit(scope)
        if _announced(scope) > limit:
            raise _too_large(limit)
        if limit > FORM_LIMIT:
            return await self.app(scope, _counted(receive, limit), send)
        return await self.app(scope, await _read(scope, receive, limit), send)


def _is_utf8(scope: Scope) -> bool:
    """Whether the body's text is in the one encoding that our pages are written in.

    Another (`unicode_escape`, `utf-7`) would bring in what no text holds, past the look for it.
    """
    kind = Headers(scope=scope).get("content-type", "").lower()
    return "charset" not in UTF8.sub("", kind)


def _limit(scope: Scope) -> int:
    if scope["path"] not in UPLOADS or actor_or_none() is None:
        return FORM_LIMIT
    most = MOST_BYTES if scope["path"] == PICTURES else settings().import_max_bytes
    return most + FORM_LIMIT


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 10**18


def _too_large(limit: int) -> HTTPException:
    megabytes = limit // 1_000_000
    return HTTPException(413, f"This is too large: send {megabytes} MB at most.")


def has_nul(raw: bytes) -> bool:
    """Whether form or query text holds the NUL character, plainly or escaped."""
    return b"\0" in raw or b"%00" in raw or b"\\u0000" in raw


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return counting


async def _read(scope: Scope, receive: Receive, limit: int) -> Receive:
    counting, chunks, more = _counted(receive, limit), [], True
    while more:
        message = await counting()
        if message["type"] != "http.request":
            break
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(chunks)
    if has_nul(body):
        raise HTTPException(400, "A field holds a character that no text has: type it again.")
    return _replayed(body, receive)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


class ActorMiddleware:
    """Finds out who acts, and lets them act for as long as the request lasts.

    At the gate until the cookie is understood; without an actor the panel sends people to the
    door, and programs a 401.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_static(scope["path"]):
            return await self.app(scope, receive, send)
        found = await _found(Request(scope))
        if found is None:
            if _is_closed(scope["path"]):
                return await _to_the_door(scope)(scope, receive, send)
            return await self.app(scope, receive, send)
        standing, choices = found
        scope.setdefault("state", {}).update(_seen_by_pages(standing, choices))
        with ExitStack() as stack:
            stack.enter_context(acting(standing.actor))
            stack.enter_context(speaking_in(_zone(standing.time_zone)))
            return await self.app(scope, receive, send)


def _is_closed(path: str) -> bool:
    inside = path == "/admin" or path.startswith("/admin/")
    return inside and not (path.startswith(STATICS) or path == "/admin/login")


async def _found(request: Request) -> tuple[users.Standing, list[users.Choice]] | None:
    token = token_of(request)
    path = request.url.path
    if token is None or path in ("/healthz", "/readyz") or path.startswith(SIGNED):
        return None
    is_page = request.method == "GET" and not wants_json(request.scope)
    with acting(GATE):
        look = functools.partial(in_transaction, _look, token, is_page)
        return await anyio.to_thread.run_sync(look)


def _look(
    session: Session, token: str, is_page: bool
) -> tuple[users.Standing, list[users.Choice]] | None:
    standing = users.standing(session, token, clock.now())
    if standing is None:
        return None
    is_admin = standing.actor.panel_role is PanelRole.ADMIN
    if not is_page or not (is_admin or standing.places > 1):
        return standing, []
    user = standing.actor.user_id
    few = is_admin and standing.actor.vendor_id is None
    most = {"most": FEW_VENDORS + 1} if few else {}
    return standing, users.choices(session, user_id=user, is_admin=is_admin, **most)


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


FEW_VENDORS = 12
"""More are not printed into every page."""


def _seen_by_pages(standing: users.Standing, choices: Iterable[users.Choice]) -> dict[str, Any]:
    role = standing.actor.panel_role
    return {
        "standing": standing,
        "viewer": {"name": standing.name, "email": standing.email, "role": role.value},
        "vendor_choices": _switch(standing, list(choices)),
        "account_url": "/admin/account",
    }


def _switch(standing: users.Standing, choices: list[users.Choice]) -> dict[str, Any] | None:
    here, role = standing.actor.vendor_id, standing.actor.panel_role
    if role is PanelRole.ANALYST:
        return None
    shown = [
        {"value": c.vendor_id, "label": c.name, "hint": c.city, "current": c.vendor_id == here}
        for c in choices
    ]
    if role is PanelRole.ADMIN:
        shown.insert(0, {"value": "", "label": "All vendors", "current": here is None})
    # on every page of the marketplace a few vendors are enough, the others are searched
    is_long = role is PanelRole.ADMIN and here is None and len(shown) > FEW_VENDORS
    return {
        "title": standing.vendor_name or "All vendors",
        "hint": role.value.capitalize(),
        "url": "/admin/vendor",
        "choices": shown[:FEW_VENDORS] if is_long else shown,
        "lookup_url": "/admin/booking/choices/vendor" if is_long else None,
    }


def _to_the_door(scope: Scope) -> Response:
    if wants_json(scope):
        refusal = NobodyActs()
        body = {"code": refusal.code, "message": str(refusal), "details": {}}
        return JSONResponse(body, status_code=401)
    way = "/admin/login"
    if scope["method"] == "GET" and scope["path"].rstrip("/") != "/admin":
        query = scope.get("query_string", b"").decode("latin-1")
        path = scope["path"] + (f"?{query}" if query else "")
        way += "?next=" + quote(path[:1500], safe="/")
    return RedirectResponse(way, 303)
