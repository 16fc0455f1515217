"""Pages of one vendor that are no list and no form of a noun: who stands in none chooses first."""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

from sqladmin import BaseView
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.loaders import without_control
from admin_views.rendering import say
from admin_views.saving import sentence_of
from app.errors import DomainError, NotFound
from app.tenancy import current_actor
from app.transact import in_thread

LONGEST = 2000
Endpoint = Callable[..., Awaitable[Response]]


def stood_in() -> int:
    """The vendor stood in."""
    vendor_id = current_actor().vendor_id
    if vendor_id is None:
        raise HTTPException(404)
    return vendor_id


class OneVendor(BaseView):
    """Pages of the vendor one stands in; `whose` says what they are, in a sentence."""

    whose = "This page is one vendor's."

    async def page(
        self, request: Request, template: str, context: Mapping[str, Any], status: int = 200
    ) -> Response:
        """A page of ours."""
        drawn: Response = await self.templates.TemplateResponse(
            request, template, dict(context), status_code=status
        )
        return drawn

    async def choose(self, request: Request) -> Response:
        """Asks the marketplace which vendor to open."""
        switch = getattr(request.state, "vendor_choices", None) or {}
        context = {
            "page_title": self.name, "choose": switch, "whose": self.whose, "icon": self.icon,
            "here": request.url.path,
        }  # fmt: skip
        return await self.page(request, "panel/choose_vendor.html", context)

    async def at_once(
        self, request: Request, back: str, done: str, operation: Any, **given: Any
    ) -> Response:
        """Do it and say so, or say why not; on to `back` either way."""
        try:
            await in_thread(operation, **given)
        except NotFound:
            raise HTTPException(404) from None
        except HTTPException:
            raise
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
        else:
            say(request, done)
        return RedirectResponse(back, 303)


def in_a_vendor(endpoint: Endpoint) -> Endpoint:
    """Under `@expose`: whoever stands in no vendor is asked which to open."""

    @wraps(endpoint)
    async def answer(view: Any, request: Request) -> Response:
        if current_actor().vendor_id is None:
            return await view.choose(request)  # type: ignore[no-any-return]
        try:
            return await endpoint(view, request)
        except NotFound:
            raise HTTPException(404) from None

    return answer


async def read_fields(request: Request, most: int = 500) -> dict[str, str]:
    """Every field of a form as text, cleaned and cut; of one sent twice the last counts."""
    form = await request.form(max_files=0, max_fields=most, max_part_size=20_000)
    return {
        without_control(name)[:100]: without_control(value).strip()[:LONGEST]
        for name, value in form.multi_items()
        if isinstance(value, str)
    }


def errors_of(refusal: DomainError, fields: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """A refusal as `(sentence by field, sentence of the whole form)`."""
    name = (refusal.field or "").removesuffix("_id")
    return ({name: str(refusal)}, "") if name in fields else ({}, str(refusal))
