"""Pictures of products: which there are, and in which order; their files lie in the storage."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import DomainError, NotFound
from app.operations.customers import clean
from app.operations.moves import locked
from app.operations.outbox import enqueue
from models.products import Product, ProductPicture

MOST = 12
MOST_BYTES = 15_000_000
"""Of the file that comes; what is kept of it is a screen's picture."""
LONGEST_WORDS = 200


class TooLarge(DomainError):
    sentence = "This picture is larger than {megabytes} MB: make it smaller first."
    field = "file"


class TooMany(DomainError):
    sentence = "A product has at most {most} pictures: remove one first."
    field = "file"


class ThereAlready(DomainError):
    sentence = "The product has this picture already: choose another."
    field = "file"


def add(
    session: Session,
    *,
    product_id: int,
    stored_as: str,
    media_type: str,
    checksum: str,
    words: str | None = None,
) -> ProductPicture:
    """A picture at the end of a product's; `words` say what is to be seen, for who cannot see it.

    The same file twice is refused (`ThereAlready`), and more than `MOST` (`TooMany`).
    """
    product = locked(session, Product, product_id)
    there = _of(session, product)
    if any(picture.checksum == checksum for picture in there):
        raise ThereAlready
    if len(there) >= MOST:
        raise TooMany(most=MOST)
    picture = ProductPicture(
        vendor_id=product.vendor_id,
        product_id=product.id,
        position=max((other.position for other in there), default=-1) + 1,
        stored_as=stored_as,
        media_type=media_type,
        checksum=checksum,
        words=clean(words, "words", longest=LONGEST_WORDS),
    )
    session.add(picture)
    session.flush()  # the id
    return picture


def put_first(session: Session, *, picture_id: int) -> ProductPicture:
    """Let a picture stand for its product in lists; the others follow as before."""
    picture = _found(session, picture_id)
    others = _of(session, locked(session, Product, picture.product_id))
    others.sort(key=lambda other: other.id != picture_id)
    for position, other in enumerate(others):
        other.position = position
    return picture


def remove(session: Session, *, picture_id: int) -> int:
    """Take a picture away; its file goes once that is certain. Answers whose it was."""
    picture = _found(session, picture_id)
    product = locked(session, Product, picture.product_id)
    session.delete(picture)
    promise_to_drop(session, picture)
    return product.id


def promise_to_drop(session: Session, picture: ProductPicture) -> None:
    """The file goes when this transaction has come to its end, and not when it has not."""
    enqueue(
        session, "tasks.pictures.drop", vendor_id=picture.vendor_id, stored_as=picture.stored_as
    )


def _found(session: Session, picture_id: int) -> ProductPicture:
    picture = session.get(ProductPicture, picture_id)
    if picture is None:
        raise NotFound
    return picture


def _of(session: Session, product: Product) -> list[ProductPicture]:
    query = select(ProductPicture).where(
        ProductPicture.vendor_id == product.vendor_id, ProductPicture.product_id == product.id
    )
    ordered = query.order_by(ProductPicture.position, ProductPicture.id)
    return list(session.scalars(ordered))
