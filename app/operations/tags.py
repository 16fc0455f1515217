"""Tags: a vendor's own words on customers; made by using them."""

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError, NotFound
from app.operations.filters import tag_name
from models.customers import Customer
from models.tags import CustomerTag, Tag

LONGEST = 40


class NoTag(DomainError):
    sentence = "This is no tag: write one to forty letters or digits."
    field = "tag"


class TagTaken(DomainError):
    sentence = "There is a tag of this name already: merge the two instead."
    field = "name"


REFUSALS["uq_tags_vendor_id_name"] = TagTaken


def normal(text: str) -> str:
    """A tag as it is kept, so that `VIP ` and `vip` are one; refuses what is none."""
    name = tag_name(text)
    if not name or len(name) > LONGEST or "\ufffd" in name:
        raise NoTag
    return name


def known(session: Session, *, vendor_id: int, name: str) -> int:
    """The id of the vendor's tag of this name, made on the fly if it is new."""
    name = normal(name)
    find = select(Tag.id).where(Tag.vendor_id == vendor_id, Tag.name == name)
    if (found := session.scalar(find)) is not None:
        return found
    made = insert(Tag).values(vendor_id=vendor_id, name=name).on_conflict_do_nothing()
    session.execute(made)
    return session.scalars(find).one()


def add(session: Session, *, customer_id: int, name: str) -> bool:
    """Put a tag on a customer; whether it was not there before."""
    vendor_id = _vendor(session, customer_id)
    tag_id = known(session, vendor_id=vendor_id, name=name)
    row = insert(CustomerTag).values(vendor_id=vendor_id, customer_id=customer_id, tag_id=tag_id)
    made = session.scalar(row.on_conflict_do_nothing().returning(CustomerTag.id))
    return made is not None


def remove(session: Session, *, customer_id: int, name: str) -> bool:
    """Take a tag off a customer; whether it was there."""
    vendor_id = _vendor(session, customer_id)
    tag = select(Tag.id).where(Tag.vendor_id == vendor_id, Tag.name == normal(name))
    gone = delete(CustomerTag).where(
        CustomerTag.vendor_id == vendor_id,
        CustomerTag.customer_id == customer_id,
        CustomerTag.tag_id.in_(tag),
    )
    return session.scalar(gone.returning(CustomerTag.id)) is not None


def rename(session: Session, *, tag_id: int, name: str) -> Tag:
    """Call a tag something else, on everybody who has it; refuses a name that another tag has."""
    tag = session.get(Tag, tag_id, with_for_update=True)
    if tag is None:
        raise NotFound
    tag.name = normal(name)
    session.flush()  # the database's word on whether the name is free
    return tag


def merge(session: Session, *, tag_id: int, into_id: int) -> int:
    """Make two tags one: everybody with the first has the second; how many got it by that."""
    tags = session.scalars(
        select(Tag).where(Tag.id.in_((tag_id, into_id))).order_by(Tag.id).with_for_update()
    )
    found = {tag.id: tag for tag in tags}
    if len(found) < 2 or len({tag.vendor_id for tag in found.values()}) > 1:
        raise DomainError("Choose two tags of one vendor to merge.", field="into_id")
    have = select(CustomerTag.customer_id).where(CustomerTag.tag_id == into_id)
    theirs = CustomerTag.tag_id == tag_id
    moved = session.scalars(
        update(CustomerTag)
        .where(theirs, CustomerTag.customer_id.not_in(have))
        .values(tag_id=into_id)
        .returning(CustomerTag.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.execute(delete(CustomerTag).where(theirs))
    session.delete(found[tag_id])
    session.flush()  # the tag goes after its rows
    return len(moved)


def _vendor(session: Session, customer_id: int) -> int:
    """The vendor of a customer who is still here."""
    query = select(Customer.vendor_id).where(
        Customer.id == customer_id, Customer.archived_at.is_(None)
    )
    vendor_id = session.scalar(query.with_for_update(read=True, key_share=True))
    if vendor_id is None:
        raise NotFound
    return vendor_id
