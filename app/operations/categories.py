"""Categories: a tree in which no branch hangs from itself."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import DomainError, NotFound
from models.categories import Category

_TREE = 0x63617465


class WrongBranch(DomainError):
    sentence = "This category cannot stand there: choose one of the same kind that is not below it."
    field = "parent_id"


def hang(session: Session, *, category_id: int, parent_id: int | None) -> Category:
    """Hang a category below another of its kind, or at the top; never below itself."""
    session.execute(select(func.pg_advisory_xact_lock(_TREE)))  # two moves could close a ring
    category = session.get(Category, category_id)
    if category is None:
        raise NotFound
    above, seen = parent_id, {category_id}
    while above is not None:
        parent = session.get(Category, above)
        if parent is None or above in seen or parent.kind != category.kind:
            raise WrongBranch
        seen.add(above)
        above = parent.parent_id
    category.parent_id = parent_id
    return category
