"""Categories on screen: the marketplace's tree; everybody reads it, admins write it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.category_filters import tree
from admin_views.filters import OneOf
from admin_views.forms import Choice, Pick, Saving, Text, Whole
from admin_views.lists import Address, Col, Slice, Sort
from admin_views.lookups import CATEGORIES
from app.operations import categories
from models.categories import Category, CategoryKind

MOST_SHOWN = 500
INDENT = "\u2003"


class CategoryView(HouseView, model=Category):
    """What is sold, as a tree."""

    name, name_plural, icon = "Category", "Categories", "ti ti-sitemap"
    category = "Catalogue"
    columns = (
        Col("name", "Name", sort="name"),
        Col("kind", "Of", "word", value=lambda c: CategoryKind(c.kind)),
        Col("parent", "Below", value=lambda c: c.parent.name if c.parent else None),
        Col("position", "Place", "number", numeric=True),
    )
    sorts = declared(tree=Sort(Category.id), name=Sort(Category.name))
    searched = (Category.name,)
    filters = (OneOf("kind", "Of", Category.kind, icon="category", words=CategoryKind),)
    loads = (joinedload(Category.parent),)
    details = (
        (
            "Category",
            (
                Col("kind", "Of", "word"),
                Col("parent", "Below", value=lambda c: c.parent.name if c.parent else "the top"),
                Col("position", "Place", "number"),
            ),
        ),
    )
    fields = declared(
        name=Text("Name", wanted=True, longest=80),
        kind=Choice("Of", CategoryKind, wanted=True, hint="It cannot be changed later"),
        parent=Pick("Below", CATEGORIES, hint="Empty: at the top; else one of the same kind"),
        position=Whole("Place", high=10_000, wanted=True, default=0, hint="Smaller stands first"),
    )
    stays = "Whatever stands in it must be moved first; the trail of changes stays."

    def read_rows(self, session: Session, rows: Select[Any], sort: Sort, address: Address) -> Slice:
        """The whole tree in its order while it is small, else pages by name."""
        in_tree = sort.column is Category.id and not address.one("search")
        if not in_tree or (session.scalar(select(func.count(Category.id))) or 0) > MOST_SHOWN:
            return super().read_rows(session, rows, Sort(Category.name), address)
        wanted = set(session.scalars(rows.with_only_columns(Category.id)))
        shown = [c for c, _ in tree(session) if c.id in wanted]
        return Slice(shown, earlier=False, later=False, total=len(shown))

    def drawn_rows(self, session: Session, request: Request, records: Any) -> Any:
        """The rows, each branch set in below its own."""
        searching = "search" in request.query_params or "sort" in request.query_params
        depths = {} if searching else dict(tree_depths(session))
        drawn = super().drawn_rows(session, request, records)
        for row in drawn:
            row["title"] = INDENT * depths.get(row["pk"], 0) + row["title"]
        return drawn

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """The kind is chosen once."""
        fields = super().form_fields(record)
        return fields if record is None else {n: f for n, f in fields.items() if n != "kind"}

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """A new place in the tree goes through its rule."""
        if "parent_id" in values and values["parent_id"] != record.parent_id:
            categories.hang(session, category_id=record.id, parent_id=values["parent_id"])
        super().change_record(session, record, values, data, context)


def tree_depths(session: Session) -> list[tuple[int, int]]:
    """`(id, depth)` of every category."""
    return [(c.id, depth) for c, depth in tree(session)]


VIEWS = [CategoryView]
