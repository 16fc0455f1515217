"""What may be the marketplace's, a segment or a bulk change, takes no rows of who does not own it.

Its key names no vendor, so a trigger looks at whose it is.
"""

from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from app.database import SessionFactory, begin
from app.tenancy import SYSTEM, Actor, DatabaseRole, acting, vendor_actor
from models import Base
from models.bulk import BulkJob, BulkRow
from models.customers import Customer
from models.segments import Segment, SegmentDay, SegmentMembership
from tests import make
from tests.laws.world import World

NAMED = {
    SegmentMembership: ("segment_id", Segment, "fk_segment_memberships_segment_id_segments"),
    SegmentDay: ("segment_id", Segment, "fk_segment_days_segment_id_segments"),
    BulkRow: ("job_id", BulkJob, "fk_bulk_rows_job_id_bulk_jobs"),
}
MODELS = pytest.mark.parametrize("model", NAMED, ids=lambda model: str(model.__tablename__))


def row_of(model: Any, vendor_id: int | None, named: int, customer: int) -> dict[str, Any]:
    """A row of the vendor's that names a segment, or a bulk change."""
    more: dict[Any, dict[str, Any]] = {
        SegmentMembership: {"customer_id": customer, "entered_at": make.NOON},
        SegmentDay: {"day": make.NOON.date().replace(day=1), "size": 1},
        BulkRow: {"customer_id": customer},
    }
    return {"vendor_id": vendor_id, NAMED[model][0]: named, **more[model]}


def parents(model: Any, world: World) -> dict[str, int]:
    """My, their and the marketplace's segment or bulk change, none of them with a row yet."""
    made = make.segment if NAMED[model][1] is Segment else make.bulk_job
    with acting(SYSTEM), begin() as session:
        owners = {"mine": world.mine, "theirs": world.theirs, "markets": None}
        return {whose: made(session, vendor_id=owner).id for whose, owner in owners.items()}


def customer_of(vendor_id: int) -> int:
    with acting(SYSTEM), begin() as session:
        return make.customer(session, vendor_id=vendor_id).id


def refused(who: Actor, statement: Any, model: Any) -> None:
    with acting(who), pytest.raises(DBAPIError) as caught, SessionFactory.begin() as session:
        session.execute(statement)
    error: Any = caught.value.orig
    assert (error.sqlstate, error.diag.constraint_name) == ("23503", NAMED[model][2])


@MODELS
def test_a_vendor_writes_into_its_own_alone(world: World, model: Any) -> None:
    found, me, customer = parents(model, world), vendor_actor(world.mine), customer_of(world.mine)
    for whose in ("theirs", "markets"):
        refused(me, insert(model).values(row_of(model, world.mine, found[whose], customer)), model)
    with acting(me), begin() as session:
        session.execute(insert(model).values(row_of(model, world.mine, found["mine"], customer)))
    kept = getattr(model, NAMED[model][0])
    for whose in ("theirs", "markets"):
        moved = update(model).where(kept == found["mine"])
        refused(me, moved.values({kept.key: found[whose]}), model)


@MODELS
def test_one_wrong_row_among_many_right_ones_is_enough(world: World, model: Any) -> None:
    found = parents(model, world)
    several = [customer_of(world.mine) for _ in range(3)]
    named = [found["mine"], found["theirs"], found["mine"]]
    if model is SegmentDay:
        named.pop()
    rows = [row_of(model, world.mine, *pair) for pair in zip(named, several, strict=False)]
    refused(vendor_actor(world.mine), insert(model).values(rows), model)
    with acting(SYSTEM), begin() as session:
        left = select(model).where(getattr(model, NAMED[model][0]).in_(found.values()))
        assert session.scalars(left).all() == []


@MODELS
def test_the_marketplace_writes_for_whose_it_is(world: World, model: Any) -> None:
    found = parents(model, world)
    customers = {number: customer_of(number) for number in (world.mine, world.theirs)}
    for who in (SYSTEM, Actor(DatabaseRole.ADMIN, world.mine)):
        foreign = row_of(model, world.mine, found["theirs"], customers[world.mine])
        refused(who, insert(model).values(foreign), model)
    rows = [row_of(model, world.mine, found["mine"], customers[world.mine])]
    if model is SegmentDay:  # a day of everybody's segment is nobody's
        named = row_of(model, world.mine, found["markets"], customers[world.mine])
        refused(SYSTEM, insert(model).values(named), model)
        rows.append(row_of(model, None, found["markets"], customers[world.mine]))
    else:
        rows += [row_of(model, v, found["markets"], c) for v, c in customers.items()]
    with acting(SYSTEM), begin() as session:
        session.execute(insert(model).values(rows))


@MODELS
def test_whose_it_is_does_not_change_afterwards(world: World, model: Any) -> None:
    parent, found = NAMED[model][1], parents(model, world)
    for owner in (world.theirs, None):
        changed = update(parent).where(parent.id == found["mine"]).values(vendor_id=owner)
        with acting(SYSTEM), pytest.raises(DBAPIError) as caught, SessionFactory.begin() as session:
            session.execute(changed)
        assert getattr(caught.value.orig, "sqlstate", None) == "23503"


def test_a_vendor_may_still_forget_whom_the_marketplaces_segment_names(world: World) -> None:
    customer, market = customer_of(world.mine), parents(SegmentMembership, world)["markets"]
    row = row_of(SegmentMembership, world.mine, market, customer)
    with acting(SYSTEM), begin() as session:
        session.execute(insert(SegmentMembership).values(row))
    with acting(vendor_actor(world.mine)), begin() as session:
        own = SegmentMembership.customer_id == customer
        assert session.execute(delete(SegmentMembership).where(own)).rowcount == 1
        assert session.get(Customer, customer) is not None


def test_no_other_key_leads_to_what_may_be_the_marketplaces(world: World) -> None:
    """A new table that names such a row by its id alone needs the trigger too."""
    nobodys = {table for table in Base.metadata.sorted_tables
               if "vendor_id" in table.c and table.c.vendor_id.nullable}  # fmt: skip
    bare = {
        key.table.name
        for table in Base.metadata.sorted_tables
        for key in table.foreign_key_constraints
        if "vendor_id" in table.c and key.referred_table in nobodys
        and "vendor_id" not in key.column_keys
    }  # fmt: skip
    # who is in a segment goes after it, however many they are, and so has no key to it
    bare.add(str(SegmentMembership.__tablename__))
    assert bare == {str(model.__tablename__) for model in NAMED}
    with acting(SYSTEM), begin() as session:
        guarded = session.scalars(
            text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'names_its_own'")
        )
        assert set(guarded) == bare
