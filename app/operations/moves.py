"""Moves between statuses: of a row that is locked, and only those of its noun's own table."""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import TypeVar

from sqlalchemy.orm import Session

from app.errors import DomainError, NotFound
from models.base import Base

Row = TypeVar("Row", bound=Base)
Word = TypeVar("Word", bound=StrEnum)


class CannotMove(DomainError):
    sentence = (
        "This {noun} is {was}, so it cannot become {to}: reload the page to see what is possible."
    )


def move(noun: str, table: Mapping[Word, Set[Word]], was: Word, to: Word) -> Word:
    """`to`, if the table has a way there from `was`."""
    if to not in table[was]:
        raise CannotMove(noun=noun, was=was.replace("_", " "), to=to.replace("_", " "))
    return to


def locked(session: Session, model: type[Row], row_id: int) -> Row:
    """The row as it stands now, held until the transaction ends; `NotFound` if it is not here."""
    row = session.get(model, row_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row
