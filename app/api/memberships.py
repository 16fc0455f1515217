"""`POST /api/v1/memberships`: a vendor's web shop signs a customer up, by API token."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app import clock
from app.api.me import NoToken, TokenRefused, bearer_of, refused
from app.errors import DomainError, NotAllowed, NotFound
from app.gateways import payments
from app.operations import api_tokens, memberships, signing_up
from app.settings import settings
from app.tenancy import GATE, acting
from app.transact import in_thread
from models.memberships import Membership
from models.orders import Order

KEY = "idempotency-key"
MOST = 2**63 - 1
STATUSES: dict[type[DomainError], int] = {
    NotFound: 404, NotAllowed: 403, payments.NoSuchGateway: 404, signing_up.KeyUsed: 409,
    memberships.AlreadyMember: 409, memberships.RenewalStands: 409,
}  # fmt: skip


class NotRead(DomainError):
    sentence = "The body cannot be read: send a JSON object with {names}."


class NoKey(DomainError):
    sentence = "The header Idempotency-Key is missing: send a new UUID with each sign-up."
    field = "Idempotency-Key"


class NoVendor(DomainError):
    sentence = "This token acts over all vendors: use one that was made inside the vendor."


async def sign_up(request: Request) -> Response:
    """Sell a plan to a customer, or begin its trial; 201, and the same for the same key again.

    The body names `customer_id`, `plan_id`, the `gateway` that is asked for the money and for
    renewals, and perhaps `trial`. The membership begins once the gateway has paid.
    """
    secret = bearer_of(request)
    if secret is None:
        return refused(NoToken())
    with acting(GATE):
        found = await in_thread(api_tokens.bearer, secret, clock.now())
    if found is None:
        return refused(TokenRefused())
    try:
        if found.actor.vendor_id is None:
            raise NoVendor
        asked = _read(await request.body()) | {"request_key": _key(request)}
        payments.gateway(asked["gateway"], found.actor.vendor_id)
        with acting(found.actor):
            told = await in_thread(_signed_up, **asked)
    except DomainError as refusal:
        details = {"field": refusal.field} if refusal.field else {}
        body = {"code": refusal.code, "message": str(refusal), "details": details}
        return JSONResponse(body, status_code=STATUSES.get(type(refusal), 400))
    return JSONResponse(told, status_code=201)


def _key(request: Request) -> UUID:
    given = request.headers.getlist(KEY)
    try:
        return UUID(given[0]) if len(given) == 1 else UUID("")
    except ValueError:
        raise NoKey from None


def _read(body: bytes) -> dict[str, Any]:
    """What a program asks for; refuses what is missing, and what is of another kind."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise NotRead(names="customer_id, plan_id and gateway")
    read: dict[str, Any] = {name: _number(given, name) for name in ("customer_id", "plan_id")}
    gateway, trial = given.get("gateway"), given.get("trial", False)
    if not isinstance(gateway, str):
        raise NotRead(field="gateway", names="the name of a gateway as gateway")
    if not isinstance(trial, bool):
        raise NotRead(field="trial", names="true or false as trial")
    return read | {"gateway": gateway, "trial": trial}


def _number(given: dict[str, Any], name: str) -> int:
    number = given.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= MOST:
        raise NotRead(field=name, names=f"a whole number as {name}")
    return number


def _signed_up(session: Session, /, **asked: Any) -> dict[str, Any]:
    done = signing_up.sign_up(session, **asked)
    session.flush()  # the statuses as they are now
    return {
        "order": None if done.order is None else _order(done.order),
        "membership": None if done.membership is None else _membership(done.membership),
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id, "number": order.number, "status": order.status,
        "payment_status": order.payment_status, "total": str(order.total),
        "currency": settings().currency,
    }  # fmt: skip


def _membership(membership: Membership) -> dict[str, Any]:
    return {
        "id": membership.id, "status": membership.status, "plan_id": membership.plan_id,
        "period_ends_at": membership.period_ends_at.isoformat(),
    }  # fmt: skip
