"""Who may sign in here: invited by a one-time link, given a role, removed."""

from sqladmin import expose
from sqladmin.secret import Secret
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.auth import posted
from admin_views.rendering import say
from admin_views.user_page import UserPage, number_of
from app.errors import DomainError, NotFound
from app.operations import accounts, invitations
from app.settings import settings
from app.tenancy import current_actor
from app.transact import in_thread
from models.users import MarketplaceRole, VendorRole

VENDOR_ROLES = ((VendorRole.STAFF, "Staff"), (VendorRole.MANAGER, "Manager"))
MARKETPLACE_ROLES = ((MarketplaceRole.ANALYST, "Analyst"), (MarketplaceRole.ADMIN, "Admin"))


def _people(session: Session, words: str = "") -> list[invitations.Colleague]:
    vendor_id = current_actor().vendor_id
    if vendor_id is not None:
        return invitations.colleagues(session, vendor_id=vendor_id)
    return accounts.find(session, words=words) if words else invitations.marketplace_people(session)


def _visible(session: Session, user_id: int) -> str:
    return accounts.account(session, user_id=user_id).email


def link_address(token: str) -> str:
    """The address that is handed to the person who was invited."""
    return f"{settings().public_url.rstrip('/')}/link/{token}"


class UsersView(UserPage):
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
            invited = await in_thread(
                invitations.invite, vendor_id=vendor_id,
                email=form["email"], name=form["name"], role=form["role"],
                by_mail=settings().sends_mail,
            )  # fmt: skip
        except DomainError as refusal:
            return await self._page(request, form, {refusal.field or "email": str(refusal)})
        if invited.token is None:
            say(request, f"{form['email']} is in: they sign in with the password they have.")
            return RedirectResponse("/admin/users", 303)
        return await self._with_link(request, form["email"], invited.token)

    @expose("/users/reset", methods=["POST"], identity="users")
    async def reset(self, request: Request) -> Response:
        """A link for a new password, shown once."""
        user_id = number_of((await posted(request, "user"))["user"])
        try:
            email = await in_thread(_visible, user_id)
            token = await in_thread(
                invitations.reset, user_id=user_id, by_mail=settings().sends_mail
            )
        except NotFound:
            raise HTTPException(404) from None
        except DomainError as refusal:
            return self._back(request, str(refusal), tone="danger")
        return await self._with_link(request, email, token)

    @expose("/users/role", methods=["POST"], identity="users")
    async def change_role(self, request: Request) -> Response:
        """Make somebody a manager or staff."""
        form = await posted(request, "place", "role", "user")
        place_id = number_of(form["place"])
        try:
            await in_thread(invitations.change_role, place_id=place_id, role=form["role"])
        except DomainError as refusal:
            return self._back(request, str(refusal), form["user"], tone="danger")
        return self._back(request, "The role is changed.", form["user"])

    @expose("/users/remove", methods=["POST"], identity="users")
    async def remove(self, request: Request) -> Response:
        """Take somebody's place away."""
        form = await posted(request, "place", "user")
        try:
            await in_thread(invitations.remove, place_id=number_of(form["place"]))
        except DomainError as refusal:
            return self._back(request, str(refusal), form["user"], tone="danger")
        return self._back(request, "Removed: they can no longer sign in there.", form["user"])

    def _back(
        self, request: Request, sentence: str, user: str = "", *, tone: str = "success"
    ) -> Response:
        say(request, sentence, tone=tone)
        stays = user and current_actor().vendor_id is None  # a vendor may see them no more
        return RedirectResponse(f"/admin/users/{number_of(user)}" if stays else "/admin/users", 303)

    async def _with_link(self, request: Request, email: str, token: str) -> Response:
        Secret.reveal_once(
            request,
            link_address(token),
            title=f"The link for {email}",
            label="It works once, for 24 hours, and is not shown again: hand it to them now.",
        )
        if settings().sends_mail:
            say(request, f"A link is being sent to {email}.")
        return await self._page(request)

    async def _page(
        self,
        request: Request,
        typed: dict[str, str] | None = None,
        errors: dict[str, str] | None = None,
    ) -> Response:
        inside = current_actor().vendor_id is not None
        words = " ".join(request.query_params.get("search", "").split())[:100]
        roles = VENDOR_ROLES if inside else MARKETPLACE_ROLES
        standing = getattr(request.state, "standing", None)
        place = (standing and standing.vendor_name) or "the marketplace"
        context = {
            "page_title": "Users",
            "page_hint": f"Who signs in for {place}",
            "people": await in_thread(_people, words),
            "search": words,
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
