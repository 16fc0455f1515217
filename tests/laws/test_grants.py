"""Laws of grants: what each role of the database can touch at all, whatever the code asks."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, Table, create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.pool import NullPool

from app.database import SessionFactory, begin
from app.tenancy import GATE, Actor, DatabaseRole, acting, vendor_actor
from tests import make
from tests.laws.schema import TABLES, TENANT

ACTING = ("app_vendor", "app_admin", "app_analyst", "app_gate")
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")

PERSONAL = {
    "customers": {"full_name", "company", "email", "phone", "phone_2", "birthday", "note",
                  "search", "search_text", "sort_name"},
    "addresses": {"label", "line1", "line2", "postal_code", "city_key"},
    "bookings": {"note", "cancel_reason", "public_ref", "overbooked", "fee_waived"},
    "messages": {"subject", "body", "address", "words", "error", "key", "provider_id"},
    "orders": {"note", "cancel_reason", "public_ref", "ship_to", "request_key"},
    "product_returns": {"note", "cancel_reason", "number"},
    "warranty_claims": {"note", "problem", "number"},
    "covers": {"serial", "name"},
    "invoices": {"content", "stored_as", "checksum"},
    "payments": {"reference", "gateway_ref", "request_key"},
    "refunds": {"reason", "reference", "gateway_ref", "request_key"},
    "shipments": {"tracking", "carrier", "failure"},
    "stock_moves": {"reason", "user_id"},
    "credit_entries": {"reason", "user_id"},
    "tasks": {"title", "note", "outcome", "key"},
    "loyalty_entries": {"reason", "user_id"},
    "loyalty_lots": {"steps", "key"},
    "vendors": {"email", "phone", "legal_name", "street", "postal_code", "tax_number"},
}  # fmt: skip
CLOSED_TO_ANALYSTS = {
    "api_tokens", "audit_entries", "booking_series", "bulk_jobs", "bulk_rows", "calendar_feeds",
    "campaign_rows", "campaign_runs", "campaigns",
    "cancellation_policies", "consents", "counters", "customer_merges", "customer_preferences",
    "gateway_events", "import_jobs", "import_rows", "marketing_contacts",
    "one_time_links", "outbox_messages", "people", "preferred_categories", "provider_events",
    "saved_views", "segment_days", "segment_memberships", "segments", "service_resources",
    "sign_in_attempts", "staff_members", "staff_services", "stale_days", "stale_usages",
    "suppressions", "template_versions", "vendor_users",
}  # fmt: skip
GATES = {"users", "vendor_users", "vendors", "login_sessions", "api_tokens", "one_time_links",
         "sign_in_attempts", "calendar_feeds"}  # fmt: skip


@pytest.fixture
def bare(engine: Engine) -> Iterator[Connection]:
    """The application's login as it comes, with no role switched to."""
    own = create_engine(engine.url, poolclass=NullPool)
    with own.connect() as connection:
        yield connection


@pytest.fixture
def catalogue(db: Connection) -> Connection:
    """The catalogue, read by a role that sees the schema."""
    db.execute(text("SET LOCAL ROLE app_admin"))
    return db


def columns_of(connection: Connection, role: str, table: str, verb: str) -> set[str]:
    """The columns of `table` on which `role` has `verb`."""
    sql = (
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:table AS regclass)"
        " AND attnum > 0 AND NOT attisdropped"
        " AND has_column_privilege(:role, attrelid, attnum, :verb)"
    )
    return set(connection.scalars(text(sql), {"table": table, "role": role, "verb": verb}))


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_the_login_alone_touches_nothing(bare: Connection, table: Table) -> None:
    for sql in (
        f"SELECT 1 FROM public.{table.name}",
        f"INSERT INTO public.{table.name} DEFAULT VALUES",
        f"UPDATE public.{table.name} SET {next(iter(table.primary_key)).name} = DEFAULT",
        f"DELETE FROM public.{table.name}",
        f"TRUNCATE public.{table.name}",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            bare.execute(text(sql))
        bare.rollback()


def test_the_login_is_nobody_special(bare: Connection) -> None:
    row = bare.execute(
        text(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit FROM pg_roles"
            " WHERE rolname = current_user"
        )
    ).one()
    assert not any(row)
    with pytest.raises(ProgrammingError, match="permission denied"):
        bare.execute(text("CREATE TABLE public.mine (id int)"))
    bare.rollback()
    for role in ("app_search", "app_audit", "app_ceiling", "backroom_owner", "postgres"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            bare.execute(text(f"SET ROLE {role}"))
        bare.rollback()


def test_acting_roles_sign_in_nowhere_and_pass_no_fence(db: Connection) -> None:
    special = db.scalars(
        text(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'app\\_%'"
            " AND (rolsuper OR rolbypassrls OR rolcanlogin OR rolcreaterole)"
        )
    )
    assert list(special) == []


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_analysts_read_figures_and_no_person(catalogue: Connection, table: Table) -> None:
    readable = columns_of(catalogue, "app_analyst", table.name, "SELECT")
    assert not readable & PERSONAL.get(table.name, set())
    assert not (table.name in CLOSED_TO_ANALYSTS and readable)
    inserts, updates = (
        columns_of(catalogue, "app_analyst", table.name, verb) for verb in ("INSERT", "UPDATE")
    )
    own = {"users": {"name", "updated_at"}, "login_sessions": {"ended_at", "vendor_id"}}
    assert inserts == set()
    assert updates <= own.get(table.name, set())


def test_every_personal_column_is_known_by_its_name(catalogue: Connection) -> None:
    words = ("name", "email", "phone", "line1", "line2", "postal", "note", "birthday", "outcome")
    of_things = {"name", "sku", "option", "tax_name"}
    for table in TENANT:
        readable = columns_of(catalogue, "app_analyst", table.name, "SELECT") - of_things
        assert not {c for c in readable if any(word in c for word in words)}, table.name


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_the_gate_knows_sign_in_and_nothing_else(catalogue: Connection, table: Table) -> None:
    touched = {verb: columns_of(catalogue, "app_gate", table.name, verb) for verb in VERBS[:3]}
    assert table.name in GATES or not any(touched.values())
    held = "SELECT has_table_privilege('app_gate', CAST(:t AS regclass), 'DELETE')"
    assert not catalogue.scalar(text(held), {"t": table.name})


@pytest.mark.parametrize("role", ACTING)
@pytest.mark.parametrize("table", TABLES, ids=str)
def test_nobody_truncates_or_hangs_triggers(catalogue: Connection, role: str, table: Table) -> None:
    sql = "SELECT has_table_privilege(:role, CAST(:table AS regclass), 'TRUNCATE, TRIGGER')"
    assert not catalogue.scalar(text(sql), {"role": role, "table": table.name})


def refused(actor: Actor, sql: str) -> str:
    """What the database says to `sql` by `actor`."""
    with pytest.raises(DBAPIError) as caught, acting(actor), SessionFactory.begin() as connection:
        connection.execute(text(sql))
    return str(caught.value.orig)


def actors(vendor_id: int) -> list[Actor]:
    return [
        vendor_actor(vendor_id),
        Actor(DatabaseRole.ADMIN, vendor_id),
        Actor(DatabaseRole.ANALYST),
        GATE,
    ]


def test_nobody_who_acts_can_touch_the_trail(db: Connection) -> None:
    vendor_id = make.new_vendor()
    for actor in actors(vendor_id):
        for sql in (
            "UPDATE audit_entries SET user_id = 7",
            "DELETE FROM audit_entries",
            "INSERT INTO audit_entries (table_name, row_id, action) VALUES ('x', 1, 'create')",
        ):
            assert "permission denied" in refused(actor, sql)


def test_consents_are_added_never_rewritten(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        make.consent(session)
    for actor in actors(vendor_id):
        for sql in (
            "UPDATE consents SET granted = false",
            "UPDATE consents SET at = now()",
            "DELETE FROM consents",
        ):
            assert "permission denied" in refused(actor, sql)


@pytest.mark.parametrize("table", TENANT, ids=str)
def test_no_vendor_set_is_an_error_not_rows(db: Connection, table: Table) -> None:
    for value in ("", "  ", "x"):
        read = (
            # an empty table that is walked asks nobody anything; an index is asked for the vendor
            "SET LOCAL enable_seqscan = off;"
            f" SELECT set_config('app.vendor_id', '{value}', true);"
            f" SELECT count(*) FROM {table.name}"
        )
        assert "invalid input syntax for type bigint" in refused(vendor_actor(1), read)


def test_a_vendor_never_set_is_an_error_too(bare: Connection) -> None:
    # an empty table that is walked asks nobody anything; an index is asked for the vendor
    walk = "SET LOCAL enable_seqscan = off; SET LOCAL ROLE app_vendor;"
    with pytest.raises(DBAPIError, match="unrecognized configuration parameter"):
        bare.execute(text(f"{walk} SELECT count(*) FROM customers"))
