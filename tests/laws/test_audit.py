"""Laws of the trail: every change of an audited row is written down, by whom, and from what."""

from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, func, select, text, update

from app.database import begin
from app.operations import audit
from app.tenancy import SYSTEM, Actor, DatabaseRole, acting, vendor_actor
from models import Base
from models.audit import AuditEntry
from models.customers import Customer
from models.labels import LABELS, NOUNS, UNSAID, label
from tests import make
from tests.laws.schema import COUNTED
from tests.laws.world import World, copy_of

_REVISION = import_module("migrations.versions.0003_audit")
AUDITED: dict[str, tuple[str, ...]] = _REVISION.AUDITED
TABLES = [Base.metadata.tables[name] for name in AUDITED]
SHOWN = _REVISION.SHOWN | import_module("migrations.versions.0026_past_sales").SHOWN
SECRET = {"password_hash", "token_hash", "search", "search_text"}
USER = 7_000


def latest(session: Any, table: str) -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.table_name == table).order_by(AuditEntry.id)
    return list(session.scalars(query))


def a_row(table: Table, world: World) -> dict[str, Any]:
    """The values of a row of the table that the marketplace made."""
    with acting(SYSTEM), begin() as session:
        stored = [column for column in table.c if column.computed is None]
        mine = table.c.vendor_id == world.mine if "vendor_id" in table.c else text("true")
        row = session.execute(select(*stored).where(mine).order_by(table.c.id.desc()).limit(1))
        return dict(row.one()._mapping)


def changeable(table: Table) -> str:
    """A column of plain text that can be set to anything, else a time."""
    free = ("note", "name", "full_name", "title", "reason", "proof", "label", "filename")
    return next((name for name in free if name in table.c), "")


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_every_verb_is_written_down_in_its_transaction(world: World, table: Table) -> None:
    row = a_row(table, world)
    name = table.name
    actor = Actor(DatabaseRole.ADMIN, row.get("vendor_id"), USER)
    with acting(actor), begin() as session:
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        before = len(latest(session, name))
        assert before  # the row's own making
        column = changeable(table)
        if column and name != "consents":
            session.execute(
                update(table).where(table.c.id == row["id"]).values({column: "other words"})
            )
            entry = latest(session, name)[-1]
            assert (entry.action, entry.row_id, entry.user_id) == ("update", row["id"], USER)
            assert entry.old is not None
            assert entry.new is not None
            assert entry.old[column] == row[column]
            assert entry.new[column] == "other words"
            assert set(entry.new) == {column}
            assert entry.vendor_id == row.get("vendor_id", row["id"] if name == "vendors" else None)
    for entry in everything(name):
        assert not SECRET & {*(entry.old or {}), *(entry.new or {})}
        assert not {*AUDITED[name]} & {*(entry.old or {}), *(entry.new or {})}


@pytest.mark.parametrize("name", SHOWN)
def test_a_short_cut_of_the_trail_shows_every_column(name: str) -> None:
    shown = {*SHOWN[name]}
    assert shown == {*Base.metadata.tables[name].c.keys()} - {
        *AUDITED[name], *COUNTED.get(name, ()), "updated_at",
    }  # fmt: skip


def everything(table: str) -> list[AuditEntry]:
    with acting(SYSTEM), begin() as session:
        return latest(session, table)


def test_what_is_rolled_back_leaves_no_entry(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor())):
        with pytest.raises(ZeroDivisionError), begin() as session:
            make.tag(session, name=f"{1 / (make.tag(session).id * 0)}")
        with begin() as session:
            assert latest(session, "tags") == []


def test_bulk_changes_and_removals_are_written_row_by_row(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id, USER)), begin() as session:
        ids = [make.customer(session).id for _ in range(5)]
        session.execute(text("UPDATE customers SET note = 'seen' WHERE vendor_id > 0"))
        entries = latest(session, "customers")
        assert [e.action for e in entries] == ["create"] * 5 + ["update"] * 5
        assert [e.row_id for e in entries[5:]] == ids
        assert {(e.user_id, e.vendor_id) for e in entries} == {(USER, vendor_id)}
        assert all((e.old, e.new) == ({"note": None}, {"note": "seen"}) for e in entries[5:])
        tags = [make.tag(session).id for _ in range(3)]
        session.execute(delete(Base.metadata.tables["tags"]))
        gone = latest(session, "tags")[3:]
        assert [(e.action, e.row_id) for e in gone] == [("delete", tag_id) for tag_id in tags]
        assert gone[0].old is not None
        assert gone[0].old["name"].startswith("tag ")


def test_statistics_and_search_words_are_no_changes(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        customer = make.customer(session)
        before = session.scalar(select(func.count()).select_from(AuditEntry))
        session.execute(
            update(Customer).values(visit_count=3, total_spent=9, last_visit_at=make.NOON)
        )
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == before
        assert customer.id


def test_a_secret_never_reaches_the_trail(db: Connection) -> None:
    with acting(SYSTEM), begin() as session:
        user = make.user(session, password_hash="$argon2id$first")
        session.execute(text("UPDATE users SET password_hash = '$argon2id$second'"))
        told = session.scalars(text("SELECT concat(old, new) FROM audit_entries")).all()
        assert not any("argon2" in words for words in told)
        assert user.id


def test_a_vendor_reads_its_own_trail_only(db: Connection) -> None:
    mine, theirs = make.new_vendor(), make.new_vendor()
    for vendor_id in (mine, theirs):
        with acting(vendor_actor(vendor_id)), begin() as session:
            make.customer(session)
    with acting(vendor_actor(mine)), begin() as session:
        assert set(session.scalars(select(AuditEntry.vendor_id))) == {mine}


def test_the_trail_reads_as_people_speak(db: Connection) -> None:
    vendor_id = make.new_vendor(time_zone="Europe/Amsterdam")
    with acting(SYSTEM), begin() as session:
        user = make.user(session, name="Femke Jansen")
        make.vendor_user(session, user=user, vendor_id=vendor_id)
        elsewhere = make.user(session, name="Somebody of the marketplace")
    with acting(vendor_actor(vendor_id, user.id)), begin() as session:
        staff = make.staff_member(session, name="Daan")
        booking = make.booking(session, starts_at=make.NOON)
        booking.staff_id, booking.status = staff.id, "checked_in"
        booking.checked_in_at = make.NOON
        booking_id, customer_id = booking.id, booking.customer_id
    with acting(Actor(DatabaseRole.ADMIN, vendor_id, elsewhere.id)), begin() as session:
        session.execute(text("UPDATE bookings SET price = 41.5"))
    with acting(vendor_actor(vendor_id)), begin() as session:
        dearer, changed, made = audit.trail(session, table="bookings", row_id=booking_id)
        assert (str(changed), made.verb) == ("Booking changed by Femke Jansen", "created")
        assert {(c.label, c.old, c.new) for c in changed.changes} == {
            ("Staff", None, "Daan"),
            ("Status", "confirmed", "checked in"),
            ("Checked in", None, "20 Nov 2026 13:00"),
        }
        assert (dearer.who, dearer.changes[0].new) == ("The marketplace", "41.50")
        older = audit.trail(session, table="bookings", row_id=booking_id, before=changed.id)
        assert [entry.id for entry in older] == [made.id]
        of_customer = audit.customer_trail(session, vendor_id=vendor_id, customer_id=customer_id)
        assert [entry.noun for entry in of_customer] == [
            "Booking",
            "Booking",
            "Booking",
            "Customer",
        ]


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_every_column_has_words_of_people(table: Table) -> None:
    assert table.name in NOUNS
    for column in table.c:
        if column.name not in UNSAID:
            words = label(column.name)
            assert words[0].isupper()
            assert "_" not in words
            assert not words.endswith((" id", " at"))
    assert set(LABELS) <= {c.name for t in Base.metadata.sorted_tables for c in t.c}


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_copied_row_is_written_down_too(world: World, table: Table) -> None:
    """INSERT by plain SQL, as the marketplace: an entry holds what was made, secrets apart."""
    if table.name not in ("tasks", "addresses", "coupons", "orders"):
        return
    row = a_row(table, world)
    fresh = {"code": "NEW1", "number": 999_999, "public_ref": None}
    changed = {key: value for key, value in fresh.items() if key in table.c}
    if "public_ref" in changed:
        changed["public_ref"] = text("gen_random_uuid()")
    with acting(Actor(DatabaseRole.ADMIN, row["vendor_id"], USER)), begin() as session:
        session.execute(copy_of(row, table, **changed))
        entry = latest(session, table.name)[-1]
        assert (entry.action, entry.user_id, entry.old) == ("create", USER, None)
        assert entry.row_id != row["id"]
