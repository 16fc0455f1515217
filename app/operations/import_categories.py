"""Categories that a list of products names and the marketplace has not: made, and taken back."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from app.operations import import_products, imports
from app.operations.import_products import MAKE_CATEGORIES
from models.categories import Category, CategoryKind
from models.imports import ImportJob, ImportStatus
from models.products import Product


def wanted(job: ImportJob) -> Sequence[Sequence[str]]:
    """The paths of the categories that the list needs made, if they shall be made."""
    tried = job.tried or {}
    return tried.get("categories", []) if MAKE_CATEGORIES in job.match_by else []


def make(session: Session, *, job_id: int) -> int:
    """Make the categories that a list which is being imported needs; how many were made.

    The tree is the marketplace's: anybody else is refused by the database.
    """
    job = imports.held(session, job_id, ImportStatus.IMPORTING)
    made: list[int] = []
    known = import_products.tree(session)
    for path in wanted(job):
        parent: int | None = None
        for name in path:
            key = (parent, name.casefold())
            if key not in known:
                known[key] = _made(session, parent, name, made)
            parent = known[key]
    if made:
        result = dict(job.result or {})
        job.result = {**result, "categories": [*result.get("categories", []), *made]}
    return len(made)


def _made(session: Session, parent: int | None, name: str, made: list[int]) -> int:
    """Somebody may make the same one meanwhile: then it is theirs."""
    statement = insert(Category).values(
        kind=CategoryKind.PRODUCT.value, parent_id=parent, name=name
    )
    new = session.scalar(statement.on_conflict_do_nothing().returning(Category.id))
    if new is not None:
        made.append(new)
        return int(new)
    there = select(Category.id).where(
        Category.kind == CategoryKind.PRODUCT,
        Category.parent_id.is_not_distinct_from(parent),
        Category.name == name,
    )
    return session.scalars(there).one()


def drop(session: Session, *, job_id: int) -> int:
    """Take those out again that an undone import made and in which nothing stands; how many went.

    Only the marketplace may, as with making them.
    """
    job = imports.held(session, job_id, ImportStatus.UNDONE)
    child = aliased(Category)
    result, gone = dict(job.result or {}), 0
    for category_id in sorted(result.pop("categories", []), reverse=True):  # the lowest go first
        unused = (
            delete(Category)
            .where(Category.id == category_id)
            .where(~select(child.id).where(child.parent_id == category_id).exists())
            .where(~select(Product.id).where(Product.category_id == category_id).exists())
        )
        gone += len(session.execute(unused.returning(Category.id)).all())
    job.result = result
    return gone
