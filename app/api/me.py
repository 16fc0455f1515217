"""Who a program is: the first thing it asks to see that its token works."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app import clock
from app.errors import DomainError
from app.operations import api_tokens
from app.tenancy import GATE, acting
from app.transact import in_thread

SCHEME = "bearer "


class NoToken(DomainError):
    sentence = "The API token is missing: send it as the header “Authorization: Bearer br_…”."


class TokenRefused(DomainError):
    sentence = "This API token opens nothing: it was revoked, has expired, or never was one."


async def me(request: Request) -> Response:
    """As whom, as what and where the token acts; 401 for what is no token or none any more."""
    secret = bearer_of(request)
    if secret is None:
        return refused(NoToken())
    with acting(GATE):
        found = await in_thread(api_tokens.bearer, secret, clock.now())
    return refused(TokenRefused()) if found is None else JSONResponse(told(found))


def bearer_of(request: Request) -> str | None:
    """The secret in the request's one Authorization header; cookies are nobody's business here."""
    given = request.headers.getlist("authorization")
    if len(given) != 1 or not given[0].lower().startswith(SCHEME):
        return None
    return given[0][len(SCHEME) :].strip() or None


def refused(error: DomainError) -> Response:
    """A refusal as programs read it."""
    body = {"code": error.code, "message": str(error), "details": {}}
    return JSONResponse(body, status_code=401, headers={"WWW-Authenticate": "Bearer"})


def told(found: api_tokens.Bearer) -> dict[str, Any]:
    """Who it is, in JSON."""
    vendor_id = found.actor.vendor_id
    here = {"id": vendor_id, "name": found.vendor_name, "time_zone": found.time_zone}
    until = found.expires_at.isoformat() if found.expires_at else None
    return {
        "user": {"id": found.actor.user_id, "name": found.user_name, "email": found.email},
        "role": found.actor.panel_role.value,
        "vendor": here if vendor_id is not None else None,
        "token": {"name": found.token_name, "expires_at": until},
    }
