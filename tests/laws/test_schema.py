"""Laws over all tables: what every noun, also the next one, has to keep."""

import re
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    Numeric,
    Table,
    UniqueConstraint,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE
from sqlalchemy.pool import NullPool

from app.database import begin
from app.schema import MIGRATIONS
from app.tenancy import SYSTEM, acting
from models import Base
from models.figures import Figures
from models.market_figures import MarketFigures
from tests.laws.schema import (
    MAY_BE_NOBODYS,
    OWNED,
    PARTS,
    TABLES,
    TENANT,
    WORKED_OUT,
    references,
)
from tests.server import TestServer

MONEY = re.compile(r"(^|_)(price|cost|total|discount|spent|amount)$")
COUNTS = {"bulk_jobs.total"}
SUMS = {model.__table__ for base in (Figures, MarketFigures) for model in base.__subclasses__()}
NAMES = """
    SELECT conname AS name, conrelid::regclass::text AS source, contype::text AS kind
    FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
    WHERE c.relnamespace = 'public'::regnamespace AND contype NOT IN ('n', 't')
    UNION ALL
    SELECT i.relname, c.relname, 'i' FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    WHERE c.relnamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid
                      AND k.contype IN ('p', 'u', 'x'))
"""
PREFIXES = {"p": "pk", "f": "fk", "u": "uq", "c": "ck", "x": "ex", "i": "ix|uq"}


@pytest.fixture
def catalogue(db: Connection) -> Connection:
    """The catalogue, read by a role that sees the schema."""
    db.execute(text("SET LOCAL ROLE app_admin"))
    return db


def rows(connection: Connection, sql: str) -> list[Any]:
    """What the catalogue says."""
    return list(connection.execute(text(sql)))


@pytest.mark.parametrize("table", TENANT, ids=str)
def test_a_vendors_row_always_has_its_vendor(table: Table) -> None:
    assert not table.c.vendor_id.nullable
    if table in WORKED_OUT:
        assert next(iter(table.primary_key)).name == "vendor_id"
        assert not table.foreign_keys
        assert table.name not in set().union(*map(references, TABLES))
        return
    assert table.c.vendor_id.foreign_keys
    unique = [
        [column.name for column in constraint.columns]
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    if table in PARTS:
        owners = [k for k in table.foreign_key_constraints if k.referred_table in TENANT]
        assert any(not table.c[key.column_keys[1]].nullable for key in owners)
        assert table.name not in set().union(*map(references, TABLES))
        return
    targets = {(key.column.table.name, key.column.name) for key in table.c.vendor_id.foreign_keys}
    assert ("vendors", "id") in targets
    assert ["vendor_id", "id"] in unique


def test_tables_of_nobody_are_named_and_are_what_they_say() -> None:
    assert {table.name for table in OWNED if table.c.vendor_id.nullable} == MAY_BE_NOBODYS


def test_row_security_is_on_for_everyone_on_every_table(catalogue: Connection) -> None:
    open_tables = rows(
        catalogue,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND relname <> 'alembic_version'"
        " AND NOT (relrowsecurity AND relforcerowsecurity)",
    )
    assert open_tables == []


def test_no_view_looks_past_row_security(catalogue: Connection) -> None:
    views = (
        "SELECT relname FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
    )
    assert rows(catalogue, views) == []


@pytest.mark.parametrize("table", TENANT, ids=str)
def test_foreign_keys_stay_inside_the_vendor(table: Table) -> None:
    for key in table.foreign_key_constraints:
        if key.referred_table in TENANT:
            assert key.column_keys[0] == "vendor_id", key.name
            assert [element.column.name for element in key.elements] == ["vendor_id", "id"]


def test_every_foreign_key_is_covered_by_an_index(catalogue: Connection) -> None:
    """An index of the rows that refer to something is enough: no other row is looked for."""
    bare = rows(
        catalogue,
        """
        SELECT conrelid::regclass::text, conname FROM pg_constraint k
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
          SELECT 1 FROM pg_index i
          WHERE i.indrelid = k.conrelid AND (i.indpred IS NULL OR EXISTS (
              SELECT 1 FROM pg_attribute a WHERE a.attrelid = k.conrelid
              AND a.attnum = ANY (k.conkey) AND NOT a.attnotnull
              AND pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname)))
            AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
        """,
    )
    assert bare == []


def test_every_constraint_and_index_is_named_by_the_convention(catalogue: Connection) -> None:
    wrong = [
        (row.name, row.source)
        for row in rows(catalogue, NAMES)
        if row.source != "alembic_version"
        and not re.fullmatch(rf"({PREFIXES[row.kind]})_{row.source}(_\w+)?", row.name)
    ]
    assert wrong == []


def test_no_name_was_cut_off(catalogue: Connection) -> None:
    long = [row.name for row in rows(catalogue, NAMES) if len(row.name.encode()) >= 63]
    assert long == []
    constraints = {c.name for table in TABLES for c in table.constraints if c.name}
    indexes = {index.name for table in TABLES for index in table.indexes}
    formatted = {str(name) for name in constraints | indexes}
    assert {row.name for row in rows(catalogue, NAMES)} >= {n for n in formatted if len(n) < 63}


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_times_are_aware_and_money_is_exact(table: Table) -> None:
    digits = 24 if table in SUMS else 12  # a sum has room for many of the largest amounts
    for column in table.c:
        if isinstance(column.type, DateTime):
            assert column.type.timezone, column.name
        if MONEY.search(column.name) and str(column) not in COUNTS:
            assert isinstance(column.type, Numeric), column.name
            assert (column.type.precision, column.type.scale) == (digits, 2), column.name


def test_the_database_has_no_naive_time_and_no_float(catalogue: Connection) -> None:
    found = rows(
        catalogue,
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND (data_type LIKE '%without time zone%'"
        " AND data_type <> 'time without time zone'"
        " OR data_type IN ('real', 'double precision', 'money', 'character', 'character varying'))"
        " AND table_name <> 'alembic_version'",
    )
    assert found == []


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_ids_are_given_by_the_database_alone(table: Table) -> None:
    if table in WORKED_OUT:
        assert "id" not in table.c
        return
    assert [column.name for column in table.primary_key] == ["id"]
    assert table.c.id.identity is not None
    assert table.c.id.identity.always
    ranges = [column.name for column in table.c if isinstance(column.type, TSTZRANGE)]
    assert not ranges or table.name in ("bookings", "class_sessions", "resource_claims")


def drift_of(engine: Engine) -> list[Any]:
    """What models and migrations disagree on."""
    with engine.connect() as connection:
        for name in ("app.vendor_id", "app.user_id"):  # else defaults compare as NULL = NULL
            connection.execute(text(f"SET {name} = '1'"))
        context = MigrationContext.configure(
            connection, opts={"compare_server_default": True, "compare_type": True}
        )
        return list(compare_metadata(context, Base.metadata))


def test_models_and_migrations_do_not_drift(owner_url: str) -> None:
    engine = create_engine(owner_url, poolclass=NullPool)
    assert drift_of(engine) == []


def checks(engine: Engine) -> dict[str, str]:
    """Every CHECK and exclusion constraint as the database understands it."""
    sql = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype IN ('c', 'x') AND connamespace = 'public'::regnamespace"
    )
    with engine.connect() as connection:
        return dict(tuple(row) for row in connection.execute(text(sql)))


def test_checks_do_not_drift_either(owner_url: str, server: TestServer) -> None:
    """Alembic compares no CHECK and no EXCLUDE: a database made by the models alone shows them."""
    server.execute("CREATE DATABASE from_models OWNER backroom_owner")
    made = create_engine(server.owner_url("from_models"), poolclass=NullPool)
    try:
        Base.metadata.create_all(made)
        assert checks(made) == checks(create_engine(owner_url, poolclass=NullPool))
    finally:
        server.drop("from_models")


def test_migrations_go_down_and_up_again(owner_url: str) -> None:
    engine = create_engine(owner_url, poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.rollback()
        left = (
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relname NOT LIKE 'alembic_version%' UNION ALL"
            " SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
        assert rows(connection, left) == []
        connection.rollback()
        command.upgrade(config, "head")
        connection.rollback()
    assert drift_of(engine) == []
    with acting(SYSTEM), begin() as session:
        assert session.scalar(text("SELECT count(*) FROM users")) == 1
