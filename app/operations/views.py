"""Saved views: the filters of a list under a name, one's own or shared with the vendor."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, func, or_, select
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError, NotFound
from app.operations.counting import Count, count
from app.operations.filters import Filters
from app.tenancy import current_actor
from models.views import SavedView

LONGEST_NAME = 80
LONGEST_QUERY = 4_000


class NoViewName(DomainError):
    sentence = "This view has no name yet: write one to eighty letters."
    field = "name"


class ViewNameTaken(DomainError):
    sentence = "You have a view of this name already: choose another name."
    field = "name"


REFUSALS["uq_saved_views_screen_name"] = ViewNameTaken


_LISTED = (
    select(SavedView)
    .where(
        SavedView.vendor_id.is_not_distinct_from(bindparam("vendor", type_=BigInteger)),
        SavedView.screen == bindparam("screen"),
        or_(SavedView.user_id == bindparam("user"), SavedView.is_shared),
    )
    .order_by(SavedView.position, SavedView.id)
)
"""Built once: every list asks it."""


def listed(session: Session, *, screen: str) -> Sequence[SavedView]:
    """One's own views of a screen and those others have shared, in their order."""
    actor = current_actor()
    asked = {"vendor": actor.vendor_id, "user": actor.user_id, "screen": screen}
    return session.scalars(_LISTED, asked).all()


def seen() -> Select[SavedView]:
    """The views one may see: one's own and those shared; of the vendor stood in, if any."""
    actor = current_actor()
    shown = select(SavedView).where(or_(SavedView.user_id == actor.user_id, SavedView.is_shared))
    return shown if actor.vendor_id is None else shown.where(_here())


def save(
    session: Session, *, screen: str, name: str, query: str, shared: bool = False
) -> SavedView:
    """Keep the filters of an address (what stands after the question mark) under a name."""
    actor = current_actor()
    last = select(func.max(SavedView.position)).where(_here(), SavedView.screen == screen)
    view = SavedView(
        vendor_id=actor.vendor_id,
        user_id=actor.user_id,
        screen=screen,
        name=_name(name),
        query=_kept(query),
        is_shared=shared,
        position=(session.scalar(last) or 0) + 1,
    )
    session.add(view)
    session.flush()  # the id, and whether the name is free
    return view


def rename(session: Session, *, view_id: int, name: str) -> SavedView:
    """Call one's own view something else."""
    view = _own(session, view_id)
    view.name = _name(name)
    session.flush()  # whether the name is free
    return view


def share(session: Session, *, view_id: int, shared: bool = True) -> SavedView:
    """Show one's own view to everybody of the vendor, or to nobody else again."""
    view = _own(session, view_id)
    view.is_shared = shared
    return view


def drop(session: Session, *, view_id: int) -> None:
    """Remove one's own view; customers stay as they are."""
    session.delete(_own(session, view_id))
    session.flush()  # a list read in the same transaction no longer shows it


def counts(session: Session, views: Sequence[SavedView], cap: int) -> dict[int, Count]:
    """How many customers each view finds, by its id."""
    return {view.id: count(session, filters(view), cap) for view in views}


def filters(view: SavedView) -> Filters:
    """What a view of the customer list asks for."""
    return Filters.from_query(parse_qsl(view.query))


def _here() -> ColumnElement[bool]:
    return SavedView.vendor_id.is_not_distinct_from(current_actor().vendor_id)


def _own(session: Session, view_id: int) -> SavedView:
    mine: list[Any] = [SavedView.id == view_id, SavedView.user_id == current_actor().user_id]
    view = session.scalar(select(SavedView).where(_here(), *mine).with_for_update())
    if view is None:
        raise NotFound
    return view


def _name(text: str) -> str:
    name = " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())
    if not name or len(name) > LONGEST_NAME:
        raise NoViewName
    return name


def _kept(query: str) -> str:
    """The address without its cursor, and without what no database keeps."""
    pairs = parse_qsl(query[:LONGEST_QUERY].replace("\0", ""), errors="replace")
    return urlencode([(k, v.replace("\0", "")) for k, v in pairs if k not in ("after", "before")])
