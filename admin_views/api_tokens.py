"""API tokens on screen: made once, shown once, revoked with a question."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqladmin import BaseView, expose
from sqladmin.secret import Secret
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import needs
from admin_views.auth import posted
from admin_views.rendering import say
from admin_views.user_page import number_of
from app import clock
from app.errors import DomainError, NotFound
from app.operations import api_tokens
from app.tenancy import current_actor
from app.transact import in_thread

HOME = "/admin/api-tokens"
UNTIL_REVOKED = "until-revoked"
LIVES: Sequence[tuple[str, str]] = (
    *((str(days), f"{days} days") for days in api_tokens.LIVES),
    (UNTIL_REVOKED, "Until it is revoked"),
)
FIRST = LIVES[1][0]


def _days(text: str) -> int | None:
    """The days that were chosen; what was not offered is refused."""
    if text == UNTIL_REVOKED:
        return None
    if text not in dict(LIVES):
        raise api_tokens.NoSuchLife
    return int(text)


def _listed(session: Session) -> list[api_tokens.Known]:
    return api_tokens.listed(session, now=clock.now())


class ApiTokensView(BaseView):
    """The tokens of the vendor one stands in; of everybody for an admin in none."""

    name, icon, category = "API tokens", "ti ti-key", "Vendors"
    identity = "api-token"

    @expose("/api-tokens", methods=["GET"], identity="api-token")
    @needs("list")
    async def tokens(self, request: Request) -> Response:
        """Every token in sight, and the form for a new one."""
        return await self._page(request)

    @expose("/api-tokens/new", methods=["POST"], identity="api-token")
    @needs("create")
    async def create(self, request: Request) -> Response:
        """A new token; its secret is on this one answer and never again."""
        form = await posted(request, "name", "days")
        try:
            days = _days(form["days"])
            made = await in_thread(api_tokens.create, name=form["name"], days=days)
        except DomainError as refusal:
            return await self._page(request, form, {refusal.field or "name": str(refusal)})
        Secret.reveal_once(
            request, made.secret, title=f"The token for {made.token.name}",
            label="It is not shown again: keep it where the program finds it, and nowhere else.",
        )  # fmt: skip
        return await self._page(request)

    @expose("/api-tokens/{token}/revoke", methods=["POST"], identity="api-token")
    @needs("revoke")
    async def revoke(self, request: Request) -> Response:
        """End a token for good."""
        token_id = number_of(request.path_params["token"])
        try:
            token = await in_thread(api_tokens.revoke, token_id=token_id)
        except NotFound:
            raise HTTPException(404) from None
        say(request, f"{token.name} is revoked: it opens nothing any more.")
        return RedirectResponse(HOME, 303)

    async def _page(
        self,
        request: Request,
        typed: Mapping[str, str] | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> Response:
        standing = getattr(request.state, "standing", None)
        place = (standing and standing.vendor_name) or "the marketplace"
        context: dict[str, Any] = {
            "page_title": "API tokens",
            "page_hint": f"Keys by which programs sign in for {place}",
            "tokens": await in_thread(_listed),
            "most": api_tokens.MOST,
            "over_all": current_actor().vendor_id is None,
            "lives": LIVES,
            "typed": {"days": FIRST, **(typed or {})},
            "errors": errors or {},
            "secret_next_url": HOME,
        }
        response: Response = await self.templates.TemplateResponse(
            request, "panel/api_tokens.html", context, status_code=400 if errors else 200
        )
        return response


VIEWS = [ApiTokensView]
