"""An upgrade from before the ledger: what is in hands gets its entries, members their period."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from tests.laws.test_paid_elsewhere import migrate, run
from tests.server import TestServer

NAME = "from_no_ledger"
BEFORE, AFTER = "0031", "0032"


@pytest.fixture
def connection(server: TestServer) -> Iterator[Connection]:
    server.execute(f"CREATE DATABASE {NAME} OWNER backroom_owner")
    engine = create_engine(server.owner_url(NAME), poolclass=NullPool)
    with engine.connect() as opened:
        yield opened
    server.drop(NAME)


def holding(connection: Connection, status: str, left: int) -> None:
    run(
        connection,
        "INSERT INTO package_holdings (vendor_id, customer_id, package_id, status, uses, uses_left,"
        " bought_at, expires_at) SELECT c.vendor_id, c.id, p.id, :status, 10, :left, '2026-01-01',"
        " '2026-06-01' FROM customers c, packages p",
        status=status, left=left,
    )  # fmt: skip


def membership(connection: Connection, begins: str, ends: str) -> None:
    run(
        connection,
        "INSERT INTO memberships (vendor_id, customer_id, plan_id, period_starts_at,"
        " period_ends_at) SELECT c.vendor_id, c.id, p.id, CAST(:begins AS timestamptz),"
        " CAST(:ends AS timestamptz) FROM customers c, membership_plans p",
        begins=begins, ends=ends,
    )  # fmt: skip


PARTS = "uses_left, uses_held, uses_used, uses_forfeited, uses_expired, uses_refunded"


def test_what_was_in_hands_before_has_its_entries_and_adds_up(connection: Connection) -> None:
    migrate(connection, BEFORE)
    run(
        connection,
        "INSERT INTO vendors (slug, name, kind, country, time_zone)"
        " VALUES ('aurora', 'Aurora', 'salon', 'PT', 'Europe/Lisbon')",
    )
    for table, names, values in (
        ("customers", "full_name, sort_name, search_text", "'Ana', 'ana', 'ana'"),
        ("packages", "name, uses, price", "'Ten cuts', 10, 90"),
        ("membership_plans", "name, price", "'Gold', 49"),
    ):
        run(
            connection, f"INSERT INTO {table} (vendor_id, {names}) SELECT id, {values} FROM vendors"
        )
    for status, left in (("active", 10), ("active", 3), ("used_up", 0), ("expired", 4)):
        holding(connection, status, left)
    holding(connection, "cancelled", 6)
    membership(connection, "2026-01-31 10:00Z", "2026-02-28 10:00Z")  # as long as its plan says
    membership(connection, "2026-01-31 10:00Z", "2026-03-05 10:00Z")  # it has rested
    trail = run(connection, "SELECT count(*) FROM audit_entries")
    migrate(connection, AFTER)
    assert run(connection, f"SELECT {PARTS} FROM package_holdings ORDER BY id") == [
        (10, 0, 0, 0, 0, 0), (3, 0, 7, 0, 0, 0), (0, 0, 10, 0, 0, 0), (0, 0, 6, 0, 4, 0),
        (0, 0, 4, 0, 0, 6),
    ]  # fmt: skip
    told = run(
        connection,
        "SELECT string_agg(kind || ' ' || uses, ', ' ORDER BY id) FROM package_entries"
        " GROUP BY holding_id ORDER BY holding_id",
    )
    assert [row[0] for row in told] == [
        "grant 10", "grant 10, use 7", "grant 10, use 10", "grant 10, use 6, expire 4",
        "grant 10, use 4, refund 6",
    ]  # fmt: skip
    assert run(
        connection,
        "SELECT m.anchor_at = m.period_starts_at, p.number, p.status, p.starts_at ="
        " m.period_starts_at AND p.ends_at = m.period_ends_at FROM memberships m"
        " JOIN membership_periods p ON p.membership_id = m.id ORDER BY m.id",
    ) == [(True, 1, "held", True), (False, 1, "held", True)]
    assert run(connection, "SELECT count(*) FROM audit_entries") == trail
    migrate(connection, BEFORE, down=True)
    assert run(connection, "SELECT uses_left FROM package_holdings ORDER BY id") == [
        (10,), (3,), (0,), (4,), (6,),
    ]  # fmt: skip
    holding(connection, "active", 2)
    migrate(connection, AFTER)
    counted = run(connection, f"SELECT uses, {PARTS} FROM package_holdings ORDER BY id")
    assert [row[0] for row in counted] == [sum(row[1:]) for row in counted] == [10] * 6
