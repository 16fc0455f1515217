"""Saved views of a noun's list: the filters in force, kept under a name as a tab."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from sqladmin import expose
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_views.access import needs
from admin_views.base import HouseView
from admin_views.customer_commands import fields
from admin_views.lists import Address, Pairs
from admin_views.loaders import record_id
from admin_views.rendering import say
from admin_views.saving import sentence_of
from app.errors import NotFound
from app.operations import views
from app.tenancy import current_actor
from app.transact import in_thread

LONGEST = 4000


class SavedViews(HouseView):
    """A list whose filters can be kept: mix it in before `HouseView`; needs the action `views`."""

    most_tabs: ClassVar[int] = 12

    def list_parts(
        self, session: Session, request: Request, address: Address, force: Any
    ) -> dict[str, Any]:
        """The parts of every list, with the tabs."""
        parts = super().list_parts(session, request, address, force)
        return parts | self.tabs(session, self.canonical(address))

    def canonical(self, address: Address) -> Pairs:
        """What is asked for, in one sequence."""
        return sorted(address.without("size", "columns"))

    def read_query(self, query: str) -> Pairs:
        """The same of a kept or posted query; what the list does not know is gone."""
        return self.canonical(Address.read(QueryParams(query[:LONGEST]), self.params()))

    def tabs(self, session: Session, here: Pairs) -> dict[str, Any]:
        """All, one's own and the shared; nothing while there is nothing to choose or keep."""
        own = views.listed(session, screen=self.identity)[: self.most_tabs]
        if not own and not here:
            return {}
        kept: list[tuple[str, Pairs, str | None]] = [("All", [], None)]
        me = current_actor().user_id
        kept += [
            (v.name, self.read_query(v.query),
             self.at(f"{v.id}/remove") if v.user_id == me else None)
            for v in own
        ]  # fmt: skip
        return {
            "views": [
                {"name": name, "url": self.list_url(pairs), "active": pairs == here,
                 "count_text": "", "delete_url": remove}
                for name, pairs, remove in kept
            ],
            "save_view": {"url": self.at("save"), "hidden": [("query", urlencode(here))]}
            if here else None,
        }  # fmt: skip

    def at(self, path: str) -> str:
        """An address of the views."""
        return f"/admin/{self.identity}/views/{path}"

    def list_url(self, pairs: Pairs) -> str:
        """The list as a view asks for it."""
        return f"/admin/{self.identity}/list" + (f"?{urlencode(pairs)}" if pairs else "")

    @expose("/views/save", methods=["POST"])
    @needs("views")
    async def save_view(self, request: Request) -> Response:
        """Keep the filters in force under a name."""
        posted = await fields(request, "name", "query")
        pairs = self.read_query(posted["query"])
        try:
            view = await in_thread(
                views.save, screen=self.identity, name=posted["name"], query=urlencode(pairs)
            )
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
        else:
            say(request, f"The view “{view.name}” is saved.")
        return RedirectResponse(self.list_url(pairs), 303)

    @expose("/views/{view}/remove", methods=["POST"])
    @needs("views")
    async def remove_view(self, request: Request) -> Response:
        """Remove one's own view; what it showed stays as it is."""
        which = record_id(request.path_params["view"])
        if which is None:
            raise HTTPException(404)
        try:
            await in_thread(views.drop, view_id=which)
        except NotFound:
            raise HTTPException(404) from None
        say(request, f"The view is removed; the {self.name_plural.lower()} stay as they are.")
        return RedirectResponse(self.list_url([]), 303)
