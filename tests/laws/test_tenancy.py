"""Laws of tenancy: on every table and with every verb, a vendor reaches its own rows only."""

from typing import Any

import pytest
from sqlalchemy import Table, delete, func, insert, select, text, tuple_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import SessionFactory, begin
from app.tenancy import SYSTEM, Actor, DatabaseRole, acting, vendor_actor
from tests import make
from tests.laws.schema import OWNED, TENANT
from tests.laws.world import World, copy_of

REACHED = [table for table in OWNED if table.name != "login_sessions"]
"""Login sessions are the user's own, in whichever vendor they stand; see the panel's tests."""


def rows_of(table: Table, vendor_id: int) -> list[dict[str, Any]]:
    """The stored columns of a vendor's rows, as the marketplace sees them."""
    stored = [column for column in table.c if column.computed is None]
    query = select(*stored).where(table.c.vendor_id == vendor_id).order_by(*table.primary_key)
    with acting(SYSTEM), begin() as session:
        return [dict(row._mapping) for row in session.execute(query)]


def as_me(world: World) -> Actor:
    return vendor_actor(world.mine)


def touched(session: Session, statement: Any) -> int:
    """How many rows a statement touches; a grant that is missing touches none."""
    try:
        with session.begin_nested():
            return session.execute(statement).rowcount
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "42501":
            raise
        return 0


@pytest.mark.parametrize("table", REACHED, ids=str)
def test_no_verb_reaches_another_vendors_row(world: World, table: Table) -> None:
    before = rows_of(table, world.theirs)
    assert before
    with acting(as_me(world)), begin() as session:
        foreign = table.c.vendor_id == world.theirs
        ids = [tuple(row[column.name] for column in table.primary_key) for row in before]
        key = tuple_(*table.primary_key)
        assert session.scalar(select(func.count()).select_from(table).where(foreign)) == 0
        assert session.scalars(select(table.c.vendor_id).where(key.in_(ids))).all() == []
        own = set(session.scalars(select(table.c.vendor_id)))
        assert own == {world.mine}
        assert touched(session, update(table).where(key.in_(ids)).values(vendor_id=1)) == 0
        assert touched(session, delete(table).where(key.in_(ids))) == 0
    assert rows_of(table, world.theirs) == before


@pytest.mark.parametrize("table", REACHED, ids=str)
def test_no_row_is_written_for_another_vendor(world: World, table: Table) -> None:
    row = rows_of(table, world.mine)[0]
    statements = [
        copy_of(row, table, vendor_id=world.theirs),
        update(table)
        .where(*(c == row[c.name] for c in table.primary_key))
        .values(vendor_id=world.theirs),
    ]
    for statement in statements:
        with acting(as_me(world)), pytest.raises(DBAPIError) as caught, SessionFactory.begin() as s:
            s.execute(statement)
        assert getattr(caught.value.orig, "sqlstate", None) == "42501"  # policy or grant


KEYS = [
    pytest.param(table, key, id=str(key.name))
    for table in TENANT
    for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
    if key.referred_table in OWNED
]


@pytest.mark.parametrize(("table", "key"), KEYS)
@pytest.mark.parametrize("actor", ["vendor", "marketplace"])
def test_no_key_refers_to_another_vendors_row(
    world: World, table: Table, key: Any, actor: str
) -> None:
    """Row security does not look at foreign keys: the keys themselves have to."""
    column = next(name for name in key.column_keys if name != "vendor_id")
    rows = rows_of(table, world.mine)
    mine = next((row for row in rows if row[column] is not None), rows[0])
    foreign = rows_of(key.referred_table, world.theirs)[0]["id"]
    who = as_me(world) if actor == "vendor" else Actor(DatabaseRole.ADMIN, world.mine)
    change = update(table).where(table.c.id == mine["id"]).values({column: foreign})
    with acting(who), pytest.raises(DBAPIError) as caught, SessionFactory.begin() as session:
        session.execute(change)
    assert getattr(caught.value.orig, "sqlstate", None) in ("23503", "42501", "23514")
    if getattr(caught.value.orig, "sqlstate", None) == "23514":
        assert table.name in ("order_lines", "coupon_targets")  # they name one thing


def test_a_new_row_is_the_acting_vendors_or_nobodys(world: World) -> None:
    tags = TENANT[[table.name for table in TENANT].index("tags")]
    with acting(as_me(world)), begin() as session:
        made = session.execute(insert(tags).values(name="mine").returning(tags.c.vendor_id))
        assert made.scalar() == world.mine
    with acting(SYSTEM), pytest.raises(DBAPIError) as caught, SessionFactory.begin() as session:
        session.execute(insert(tags).values(name="nobodys"))
    assert getattr(caught.value.orig, "sqlstate", None) == "23502"


def test_rows_of_the_marketplace_are_not_a_vendors(world: World) -> None:
    with acting(SYSTEM), begin() as session:
        make.saved_view(session)
        make.report_run(session)
        make.custom_report(session)
        make.bulk_job(session)
        make.outbox_message(session)
    with acting(as_me(world)), begin() as session:
        for name in (
            "saved_views",
            "report_runs",
            "custom_reports",
            "bulk_jobs",
            "outbox_messages",
        ):
            owners = set(session.scalars(text(f"SELECT vendor_id FROM {name}")))
            assert owners == {world.mine}


def test_people_and_other_vendors_are_out_of_a_vendors_sight(world: World) -> None:
    with acting(SYSTEM), begin() as session:
        make.person(session)
    with acting(as_me(world)), begin() as session:
        assert session.scalars(text("SELECT id FROM vendors")).all() == [world.mine]
        users = session.scalars(text("SELECT count(*) FROM users")).one()
        assert users == 2  # the one who acts, and the one who works here
        assert touched(session, text("SELECT id FROM people")) == 0
        assert touched(session, text("UPDATE categories SET name = 'mine'")) == 0
