"""`/unsubscribe/<link>`: who gets messages stops them, without signing in.

Opening it changes nothing. One POST stops it: from the page, or from the program a mail is read
with (RFC 8058), which sends no cookie, comes from nowhere, and follows no redirect.
"""

from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from admin_views.auth import posted
from app.operations import stop_links, unsubscribing
from app.operations.stop_links import Named
from app.tenancy import acting, vendor_actor
from app.transact import in_transaction
from models.customers import ConsentPurpose

WHAT = {ConsentPurpose.MARKETING: "offers", ConsentPurpose.REMINDER: "reminders"}
WAYS = {"email": "by e-mail", "sms": "by text message", "push": "on your device"}
STOP, EVERYWHERE, BACK, BACK_EVERYWHERE = "stop", "everywhere", "back", "back_everywhere"


async def opened(request: Request) -> Response:
    """What the link stops, what stays, and a button."""
    return await _answered(request, "")


async def pressed(request: Request) -> Response:
    """Stop it, everywhere if asked to; or take back what was just stopped."""
    form = await posted(request, "do")
    return await _answered(request, form["do"] or STOP)


async def _answered(request: Request, do: str) -> Response:
    try:
        named = stop_links.read(request.path_params["token"])
        now = await anyio.to_thread.run_sync(_done, named, do)
    except stop_links.NoSuchLink as refusal:
        return await _drawn(request, 404, refused=str(refusal))
    named_so = {"what": WHAT[ConsentPurpose(named.purpose)], "way": WAYS[named.channel]}
    back = {STOP: BACK, EVERYWHERE: BACK_EVERYWHERE}.get(do)
    return await _drawn(
        request, 200, standing=now, back=back, everywhere=do == EVERYWHERE, **named_so
    )


def _done(named: Named, do: str) -> unsubscribing.Standing:
    with acting(vendor_actor(named.vendor_id)):
        if do in (STOP, EVERYWHERE):
            in_transaction(unsubscribing.stop, named, everywhere=do == EVERYWHERE)
        elif do in (BACK, BACK_EVERYWHERE):
            in_transaction(unsubscribing.resume, named, everywhere=do == BACK_EVERYWHERE)
        return in_transaction(unsubscribing.standing, named)


async def _drawn(request: Request, status: int, **context: Any) -> Response:
    context["save_url"] = request.url.path
    templates = request.app.state.templates
    response: Response = await templates.TemplateResponse(
        request, "panel/unsubscribe.html", context, status_code=status
    )
    return response
