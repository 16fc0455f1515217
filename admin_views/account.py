"""One's own account: the sessions one is signed in with, and the password."""

import functools
from typing import Any

import anyio
from sqladmin import BaseView, expose
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.auth import address_of, at_the_gate, posted
from admin_views.rendering import say
from app.errors import DomainError
from app.operations import passwords, users
from app.transact import in_transaction
from models.users import LoginSession

BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
NAMES = {"Edg": "Edge", "OPR": "Opera"}
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")


def device_name(agent: str | None) -> str:
    """Firefox on Linux: enough to know one's own devices by."""
    text = agent or ""
    browser = next((NAMES.get(b, b) for b in BROWSERS if b in text), "")
    system = next((s for s in SYSTEMS if s in text), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or (text[:60] if text.isprintable() and text else "Unknown device")


def _row(one: LoginSession, mine: int) -> dict[str, Any]:
    return {
        "device": device_name(one.device),
        "address": one.address,
        "since": one.created_at,
        "seen": one.last_seen_at,
        "current": one.id == mine,
        "end_url": f"/admin/account/end/{one.id}",
    }


def _sessions(session: Session, user_id: int, mine: int) -> list[dict[str, Any]]:
    return [_row(one, mine) for one in users.sessions(session, user_id=user_id)]


class AccountView(BaseView):
    """The page behind one's own initials; it stands in no menu."""

    name, icon = "Account", "ti ti-user-circle"
    identity = "account"

    def is_visible(self, request: Request) -> bool:
        return False

    @expose("/account", methods=["GET"], identity="account")
    async def account(self, request: Request) -> Response:
        """Where one is signed in, and the form for a new password."""
        return await self._page(request)

    @expose("/account/password", methods=["POST"], identity="account")
    async def change_password(self, request: Request) -> Response:
        """A new password for who knows the old one."""
        standing: users.Standing = request.state.standing
        form = await posted(request, "current_password", "new_password", "repeat_password")
        if form["new_password"] != form["repeat_password"]:
            return await self._page(request, {"repeat": passwords.PasswordsDiffer.sentence})
        try:
            refused = await at_the_gate(
                users.change_password,
                as_user=standing.actor.user_id,
                user_id=standing.actor.user_id,
                old=form["current_password"],
                new=form["new_password"],
                keep=standing.session_id,
                address=address_of(request),
            )
        except DomainError as refusal:
            refused = refusal
        if refused is not None:
            field = "new" if refused.field == "password" else "current"
            return await self._page(request, {field: str(refused)})
        say(request, "The password is changed; you were signed out everywhere else.")
        return RedirectResponse("/admin/account", 303)

    @expose("/account/end/{session}", methods=["POST"], identity="account")
    async def end_session(self, request: Request) -> Response:
        """Sign one of one's own devices out."""
        standing: users.Standing = request.state.standing
        number = request.path_params["session"]
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise HTTPException(404)
        await at_the_gate(
            users.end_session,
            as_user=standing.actor.user_id,
            session_id=int(number),
            user_id=standing.actor.user_id,
        )
        say(request, "That device is signed out.")
        return RedirectResponse("/admin/account", 303)

    @expose("/account/end-others", methods=["POST"], identity="account")
    async def end_other_sessions(self, request: Request) -> Response:
        """Sign out everywhere but here."""
        standing: users.Standing = request.state.standing
        ended = await at_the_gate(
            users.end_other_sessions,
            as_user=standing.actor.user_id,
            user_id=standing.actor.user_id,
            keep=standing.session_id,
        )
        say(request, f"{ended} other device{'' if ended == 1 else 's'} signed out.")
        return RedirectResponse("/admin/account", 303)

    async def _page(self, request: Request, errors: dict[str, str] | None = None) -> Response:
        standing: users.Standing = request.state.standing
        read = functools.partial(
            in_transaction, _sessions, standing.actor.user_id, standing.session_id
        )
        context = {
            "sessions": await anyio.to_thread.run_sync(read),
            "errors": errors or {},
            "end_others_url": "/admin/account/end-others",
            "password_url": "/admin/account/password",
        }
        status = 400 if errors else 200
        response: Response = await self.templates.TemplateResponse(
            request, "panel/account.html", context, status_code=status
        )
        return response


VIEWS = [AccountView]
