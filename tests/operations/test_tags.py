"""Tags are one word however they are written, and stay inside their vendor."""

import pytest
from sqlalchemy import Connection, select

from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import tags
from app.tenancy import acting, admin_actor, vendor_actor
from models.tags import CustomerTag, Tag
from tests import make


@pytest.fixture
def vendor(db: Connection) -> int:
    return make.new_vendor()


def test_a_tag_is_one_however_it_is_written(vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        one = make.customer(session).id
        assert tags.add(session, customer_id=one, name=" VIP\u00a0 Gold ")
        assert not tags.add(session, customer_id=one, name="vip\tgold")
        assert list(session.scalars(select(Tag.name))) == ["vip gold"]
        assert tags.remove(session, customer_id=one, name="VIP GOLD")
        assert not tags.remove(session, customer_id=one, name="vip gold")


@pytest.mark.parametrize("name", ["", " ", "\0", "\u200b", "x" * 41, "x" * 100_000])
def test_what_is_no_tag_is_refused(vendor: int, name: str) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        one = make.customer(session).id
        with pytest.raises(tags.NoTag):
            tags.add(session, customer_id=one, name=name)


def test_the_marketplace_tags_inside_the_customers_vendor(vendor: int) -> None:
    other = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        one = make.customer(session).id
    with acting(admin_actor()), begin() as session:
        tags.add(session, customer_id=one, name="vip")
        assert session.scalars(select(Tag.vendor_id).where(Tag.name == "vip")).all() == [vendor]
    with acting(vendor_actor(other)), begin() as session, pytest.raises(NotFound):
        tags.add(session, customer_id=one, name="vip")


def test_a_name_that_is_taken_is_refused_and_the_two_can_be_merged(vendor: int) -> None:
    with acting(vendor_actor(vendor)):
        with begin() as session:
            a, b, c = (make.customer(session).id for _ in range(3))
            for number, names in ((a, ["x"]), (b, ["x", "y"]), (c, ["y"])):
                for name in names:
                    tags.add(session, customer_id=number, name=name)
            x, y = session.scalars(select(Tag.id).order_by(Tag.name))
        with pytest.raises(tags.TagTaken), begin() as session:
            tags.rename(session, tag_id=x, name=" Y")
        with begin() as session:
            assert tags.merge(session, tag_id=x, into_id=y) == 1
            assert session.scalars(select(CustomerTag.customer_id).order_by(
                CustomerTag.customer_id)).all() == [a, b, c]  # fmt: skip
            assert session.scalars(select(Tag.name)).all() == ["y"]
            assert tags.rename(session, tag_id=y, name="Z ").name == "z"


def test_tags_of_two_vendors_are_not_merged(vendor: int) -> None:
    other = make.new_vendor()
    ids = []
    for one in (vendor, other):
        with acting(vendor_actor(one)), begin() as session:
            ids.append(make.tag(session, name="vip").id)
    with acting(admin_actor()), begin() as session:
        for pair in (ids, [ids[0], ids[0]], [ids[0], 2**62]):
            with pytest.raises(DomainError):
                tags.merge(session, tag_id=pair[0], into_id=pair[1])
    with acting(vendor_actor(vendor)), begin() as session, pytest.raises(NotFound):
        tags.rename(session, tag_id=ids[1], name="mine")
