"""`POST /api/v1/gateways/<gateway>/<vendor>/events`: what a payment gateway tells unasked.

Its signature is the only key; what fits is stored before anything else, and answered with 200.
"""

import logging
from collections.abc import Mapping

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import DomainError
from app.gateways import payments
from app.operations import gateway_events
from app.settings import settings
from app.tenancy import acting, vendor_actor
from app.transact import in_transaction

log = logging.getLogger(__name__)

MOST_BYTES = 100_000
STATUSES: dict[type[DomainError], int] = {
    payments.NoSuchGateway: 404, payments.WrongSignature: 401, payments.NoSecret: 503,
}  # fmt: skip


class TooLong(DomainError):
    sentence = "This call-back is too long: 100 kB at most."


async def hear(request: Request) -> Response:
    """Store what was told and let it count; told twice, it is stored and counted once."""
    name, vendor = request.path_params["gateway"], request.path_params["vendor"]
    body = await request.body()
    try:
        if len(body) > MOST_BYTES:
            raise TooLong
        if vendor >= 2**63:
            raise payments.NoSuchGateway
        await anyio.to_thread.run_sync(_hear, name, vendor, body, request.headers)
    except DomainError as refusal:
        told = {"code": refusal.code, "message": str(refusal), "details": {}}
        return JSONResponse(told, status_code=STATUSES.get(type(refusal), 400))
    return JSONResponse({"received": True})


def _hear(name: str, vendor_id: int, body: bytes, headers: Mapping[str, str]) -> None:
    told = payments.gateway(name, vendor_id).heard(body, headers)
    with acting(vendor_actor(vendor_id)):
        event_id = in_transaction(gateway_events.store, gateway=name, told=told)
        try:
            in_transaction(gateway_events.apply, event_id=event_id, currency=settings().currency)
        except Exception:  # it is stored, and promised to be applied: nothing is lost
            log.exception("Event %s of %s was stored and could not be applied yet", event_id, name)
