"""`/feeds/<secret>.ics`: what calendar programs subscribe to; the address is the only key."""

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.operations import feeds
from app.operations.feed_writing import Contents, written
from app.tenancy import GATE, acting, vendor_actor
from app.transact import in_transaction

NOTHING = "There is no calendar at this address: ask for a new one.\n"


async def feed(request: Request) -> Response:
    """A person's calendar; 304 for who has it as it stands, 404 for what opens nothing (any more).

    One answer for what never was, was revoked, or belongs to somebody who has left.
    """
    secret = request.path_params["secret"]
    found = await anyio.to_thread.run_sync(_contents, secret)
    if found is None:
        return PlainTextResponse(NOTHING, 404)
    headers = {"ETag": f'W/"{found.tag}"'}
    if _has(request, found.tag):
        return Response(status_code=304, headers=headers)
    body = await anyio.to_thread.run_sync(written, found)
    return Response(body, headers=headers, media_type="text/calendar; charset=utf-8")


def _contents(secret: str) -> Contents | None:
    with acting(GATE):
        opened = in_transaction(feeds.find, secret)
    if opened is None:
        return None
    with acting(vendor_actor(opened.vendor_id)):
        return in_transaction(feeds.contents, opened)


def _has(request: Request, tag: str) -> bool:
    """Whether the program names this version, or any (RFC 9110, section 13.1.2)."""
    given = ",".join(request.headers.getlist("if-none-match"))
    return any(part.strip().removeprefix("W/") in ("*", f'"{tag}"') for part in given.split(","))
