"""`POST /api/v1/gateways/<provider>/messages`: what a provider of messages tells unasked.

Its signature is the only key; what fits is stored before anything else, and answered with 200.
"""

import logging
from collections.abc import Mapping

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.api.gateway_events import MOST_BYTES, TooLong
from app.errors import DomainError
from app.gateways import call_backs, payments
from app.operations import provider_events
from app.tenancy import SYSTEM, acting
from app.transact import in_transaction

log = logging.getLogger(__name__)

STATUSES: dict[type[DomainError], int] = {
    payments.NoSuchGateway: 404, payments.WrongSignature: 401, call_backs.NoSecret: 503,
}  # fmt: skip


async def hear(request: Request) -> Response:
    """Store what was told and let it count; told twice, it is stored and counted once."""
    name, body = request.path_params["provider"], await request.body()
    try:
        if len(body) > MOST_BYTES:
            raise TooLong
        await anyio.to_thread.run_sync(_hear, name, body, request.headers, request.url.path)
    except DomainError as refusal:
        told = {"code": refusal.code, "message": str(refusal), "details": {}}
        return JSONResponse(told, status_code=STATUSES.get(type(refusal), 400))
    answer = call_backs.reader(name).answer
    return Response(answer.body, media_type=answer.media_type)


def _hear(name: str, body: bytes, headers: Mapping[str, str], path: str) -> None:
    heard = call_backs.read(name, body, headers, path)
    with acting(SYSTEM):
        event_id = in_transaction(provider_events.store, provider=name, heard=heard)
        try:
            in_transaction(provider_events.apply, event_id=event_id)
        except Exception:  # it is stored, and promised to be applied: nothing is lost
            log.exception("Event %s of %s was stored and could not be applied yet", event_id, name)
