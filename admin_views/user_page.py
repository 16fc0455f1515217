"""One user's page: where they work, what they are in the marketplace, and whether they sign in."""

from collections.abc import Callable
from typing import Any

from sqladmin import BaseView, expose
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import allowed, needs
from admin_views.auth import posted
from admin_views.rendering import ago, day, plural, say
from admin_views.trail import trail_of
from app.errors import DomainError, NotFound
from app.operations import accounts
from app.tenancy import DatabaseRole, current_actor
from app.transact import in_thread
from models.users import MarketplaceRole

ROLES = (
    ("", "None: their vendors only"),
    (MarketplaceRole.ANALYST.value, "Analyst: figures, no people"),
    (MarketplaceRole.ADMIN.value, "Admin: everything"),
)


def number_of(text: str) -> int:
    """The number of a record, from an address or a form; anything else leads nowhere."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise HTTPException(404)


def _page(session: Session, user_id: int) -> dict[str, Any]:
    known = accounts.account(session, user_id=user_id)
    return {"person": known, "trail": trail_of(session, "users", user_id)}


def _facts(known: accounts.Account, over_all: bool) -> list[tuple[str, str | None]]:
    facts: list[tuple[str, str | None]] = [("E-mail", known.email), ("Since", day(known.since))]
    if over_all:  # a vendor does not see when and where its people are signed in
        facts += [
            ("Last seen", ago(known.seen)),
            ("Signed in on", plural(known.devices, "device") if known.devices else "no device"),
        ]
    return facts


class UserPage(BaseView):
    """The page of a user, and what an admin decides there."""

    @expose("/users/{user}", methods=["GET"], identity="users")
    @needs("details")
    async def person(self, request: Request) -> Response:
        """Who it is, and what may be changed by whoever looks."""
        user_id = number_of(request.path_params["user"])
        try:
            page = await in_thread(_page, user_id)
        except NotFound:
            raise HTTPException(404) from None
        actor, known = current_actor(), page["person"]
        over_all = actor.role is DatabaseRole.ADMIN
        decides = allowed(actor.panel_role, "users", "activate") and actor.user_id != user_id
        context = {
            **page,
            "page_title": known.name,
            "facts": _facts(known, over_all),
            "roles": ROLES,
            "inside": actor.vendor_id is not None,
            "mine": actor.user_id == user_id,
            "decides": decides and over_all,
            "decides_outside": decides and not over_all,
        }
        response: Response = await self.templates.TemplateResponse(
            request, "panel/user_page.html", context
        )
        return response

    @expose("/users/{user}/deactivate", methods=["POST"], identity="users")
    @needs("activate")
    async def deactivate(self, request: Request) -> Response:
        """Sign them out everywhere, for good, and say why."""
        reason = (await posted(request, "reason"))["reason"]
        done = "Deactivated: they are signed out everywhere."
        return await self._decided(request, accounts.deactivate, done, reason=reason)

    @expose("/users/{user}/reactivate", methods=["POST"], identity="users")
    @needs("activate")
    async def reactivate(self, request: Request) -> Response:
        """Let them sign in again."""
        done = "Active again: they sign in with the password they had."
        return await self._decided(request, accounts.reactivate, done)

    @expose("/users/{user}/role", methods=["POST"], identity="users")
    @needs("marketplace")
    async def set_role(self, request: Request) -> Response:
        """Make them an admin or an analyst, or neither."""
        role = (await posted(request, "role"))["role"] or None
        done = "The role is changed: they sign in anew."
        return await self._decided(request, accounts.set_role, done, role=role)

    async def _decided(
        self, request: Request, verb: Callable[..., Any], done: str, **arguments: Any
    ) -> Response:
        user_id = number_of(request.path_params["user"])
        try:
            await in_thread(verb, user_id=user_id, **arguments)
        except NotFound:
            raise HTTPException(404) from None
        except DomainError as refusal:
            say(request, str(refusal), tone="danger")
        else:
            say(request, done)
        return RedirectResponse(f"/admin/users/{user_id}", 303)
