"""Who may sign in here: invited by a one-time link, given a role, removed."""

import functools
from typing import Any

import anyio
from sqladmin import BaseView, expose
from sqladmin.secret import Secret
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.auth import posted
from admin_views.rendering import say
from app.errors import DomainError
from app.operations import invitations
from app.settings import settings
from app.tenancy import current_actor
from app.transact import in_transaction
from models.users import MarketplaceRole, VendorRole

VENDOR_ROLES = ((VendorRole.STAFF, "Staff"), (VendorRole.MANAGER, "Manager"))
MARKETPLACE_ROLES = ((MarketplaceRole.ANALYST, "Analyst"), (MarketplaceRole.ADMIN, "Admin"))


def _people(session: Session) -> list[invitations.Colleague]:
    vendor_id = current_actor().vendor_id
    if vendor_id is None:
        return invitations.marketplace_people(session)
    return invitations.colleagues(session, vendor_id=vendor_id)


async def _run(operation: Any, **arguments: Any) -> Any:
    run = functools.partial(in_transaction, operation, **arguments)
    return await anyio.to_thread.run_sync(run)


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise HTTPException(404)


def link_address(token: str) -> str:
    """The address that is handed to the person who was invited."""
    return f"{settings().public_url.rstrip('/')}/link/{token}"


class UsersView(BaseView):
    """The people of the vendor one stands in; of the marketplace when in none."""

    name, icon, category = "Users", "ti ti-users-group", "Vendors"
    identity = "users"

    @expose("/users", methods=["GET"], identity="users")
    async def users(self, request: Request) -> Response:
        """Everybody who may sign in here."""
        return await self._page(request)

    @expose("/users/invite", methods=["POST"], identity="users")
    async def invite(self, request: Request) -> Response:
        """A place for somebody, and their link, shown once."""
        form = await posted(request, "email", "name", "role")
        vendor_id = current_actor().vendor_id
        try:
            invited = await _run(invitations.invite, vendor_id=vendor_id, **form)
        except DomainError as refusal:
            return await self._page(request, form, {refusal.field or "email": str(refusal)})
        if invited.token is None:
            say(request, f"{form['email']} is in: they sign in with the password they have.")
            return RedirectResponse("/admin/users", 303)
        return await self._with_link(request, form["email"], invited.token)

    @expose("/users/reset", methods=["POST"], identity="users")
    async def reset(self, request: Request) -> Response:
        """A link for a new password, shown once."""
        user_id = _number((await posted(request, "user"))["user"])
        people = await _run(_people)
        person = next((p for p in people if p.user_id == user_id), None)
        if person is None:
            raise HTTPException(404)
        try:
            token = await _run(invitations.reset, user_id=user_id)
        except DomainError as refusal:
            return self._back(request, str(refusal), tone="danger")
        return await self._with_link(request, person.email, token)

    @expose("/users/role", methods=["POST"], identity="users")
    async def change_role(self, request: Request) -> Response:
        """Make somebody a manager or staff."""
        form = await posted(request, "place", "role")
        try:
            await _run(invitations.change_role, place_id=_number(form["place"]), role=form["role"])
        except DomainError as refusal:
            return self._back(request, str(refusal), tone="danger")
        return self._back(request, "The role is changed.")

    @expose("/users/remove", methods=["POST"], identity="users")
    async def remove(self, request: Request) -> Response:
        """Take somebody's place away."""
        place_id = _number((await posted(request, "place"))["place"])
        try:
            await _run(invitations.remove, place_id=place_id)
        except DomainError as refusal:
            return self._back(request, str(refusal), tone="danger")
        return self._back(request, "Removed: they can no longer sign in here.")

    def _back(self, request: Request, sentence: str, *, tone: str = "success") -> Response:
        say(request, sentence, tone=tone)
        return RedirectResponse("/admin/users", 303)

    async def _with_link(self, request: Request, email: str, token: str) -> Response:
        Secret.reveal_once(
            request,
            link_address(token),
            title=f"The link for {email}",
            label="It works once, for 24 hours, and is not shown again: hand it to them now.",
        )
        return await self._page(request)

    async def _page(
        self,
        request: Request,
        typed: dict[str, str] | None = None,
        errors: dict[str, str] | None = None,
    ) -> Response:
        inside = current_actor().vendor_id is not None
        roles = VENDOR_ROLES if inside else MARKETPLACE_ROLES
        place = request.state.standing.vendor_name or "the marketplace"
        context = {
            "page_title": "Users",
            "page_hint": f"Who signs in for {place}",
            "people": await _run(_people),
            "roles": [(role.value, label) for role, label in roles],
            "inside": inside,
            "me": current_actor().user_id,
            "typed": typed or {},
            "errors": errors or {},
            "secret_next_url": "/admin/users",
        }
        response: Response = await self.templates.TemplateResponse(
            request, "panel/users_list.html", context, status_code=400 if errors else 200
        )
        return response


VIEWS = [UsersView]
