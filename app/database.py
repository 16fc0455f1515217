"""Where every transaction begins, and learns who is acting."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar, cast

import psycopg
from psycopg.types.json import Jsonb
from psycopg.types.range import TimestamptzRange
from sqlalchemy import (
    ClauseElement,
    Connection,
    Engine,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    text,
)
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Session,
    SessionTransaction,
    make_transient_to_detached,
    sessionmaker,
)

from app.errors import REFUSALS, AtOnce, DomainError, NotAllowed, Refused
from app.tenancy import current_actor

log = logging.getLogger(__name__)
Row = TypeVar("Row", bound=DeclarativeBase)


class AppSession(Session):
    """A session whose every transaction carries the acting role, vendor and user."""


SessionFactory: sessionmaker[AppSession] = sessionmaker(class_=AppSession, expire_on_commit=False)

CARRY = (
    "SELECT set_config('role', '{role}', true), set_config('app.vendor_id', '{vendor}', true),"
    " set_config('app.user_id', '{user}', true), set_config('plan_cache_mode', '{plans}', true)"
)


@event.listens_for(AppSession, "after_begin")
def carry_actor(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """Switch the transaction to the acting role; a savepoint inherits it.

    Sent together with the BEGIN, which the driver would send alone: a way there and back less.
    """
    actor = current_actor()
    vendor, user = ("" if i is None else int(i) for i in (actor.vendor_id, actor.user_id))
    words = CARRY.format(
        role=actor.role.value, vendor=vendor, user=user,
        plans=session.info.get("plans", "force_custom_plan"),
    )  # fmt: skip
    driver: Any = connection.connection.dbapi_connection
    idle = driver.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE
    told = driver.pgconn.exec_((f"BEGIN; {words}" if idle else words).encode())
    if told.status != psycopg.pq.ExecStatus.TUPLES_OK:
        failed = psycopg.OperationalError(told.error_message.decode(errors="replace"))
        raise _translated_to_sqlalchemy(connection, words, failed) from failed


_DRIVER = make_url("postgresql+psycopg://").get_dialect()()


def quickly(
    connection: Connection, statement: str, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """The rows of a statement in the driver's own words, `%(name)s`; errors are SQLAlchemy's.

    For what is sent with every booking: SQLAlchemy's way there and back takes three times as long.
    """
    driver: Any = connection.connection.dbapi_connection
    try:
        rows: list[tuple[Any, ...]] = driver.execute(statement, parameters).fetchall()
    except psycopg.Error as error:
        raise _translated_to_sqlalchemy(connection, statement, error) from error
    return rows


def _translated_to_sqlalchemy(
    connection: Connection, statement: str, error: psycopg.Error
) -> BaseException:
    """The error that SQLAlchemy would raise; a connection that is gone is let go."""
    driver: Any = connection.connection.dbapi_connection
    gone = bool(driver.closed)
    if gone:
        connection.invalidate(error)
    return DBAPIError.instance(
        statement, None, error, psycopg.Error, hide_parameters=True,
        connection_invalidated=gone, dialect=connection.dialect,
    )  # fmt: skip


def in_drivers_words(statement: ClauseElement) -> tuple[str, dict[str, Any]]:
    """A statement for `quickly`, and what it brings along of parameters.

    Words and whole numbers of its own stand in it: each one sent apart takes its time.
    """
    compiled = statement.compile(dialect=_DRIVER)
    words, left = str(compiled), {}
    for name, value in compiled.params.items():
        if isinstance(value, str | int):
            words = words.replace(f"%({name})s", _literal(value))
        else:
            left[name] = value
    return words, left


def _literal(value: str | int) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''").replace("%", "%%") + "'"
    return str(value).lower()  # true and false are numbers too


def insert_quickly(session: Session, model: type[Row], values: Mapping[str, Any]) -> Row:
    """Write a new row down and make it one of the session's, as `add` and `flush` would.

    In a third of their time: for what is written one by one, a hundred times a second.
    """
    session.flush()  # what it may refer to
    sent = {name: _dumped(value) for name, value in values.items()}
    statement, left = _insertion(model, tuple(sent))
    [told] = quickly(session.connection(), statement, left | sent)
    row = as_read(model, {**left, **values, **dict(zip(_TOLD, told, strict=True))})
    make_transient_to_detached(row)
    session.add(row)
    return row


def as_read(model: type[Row], values: Mapping[str, Any]) -> Row:
    """An instance as if it had been read, but of no session; what is not among `values` is empty.

    Without the events of each column, which ask for its history.
    """
    row = cast("Row", inspect(model).class_manager.new_instance())
    row.__dict__.update(values)
    return row


_TOLD = ("id", "created_at", "updated_at")


@cache
def _insertion(model: type, names: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """The statement, and what the columns that are not named are set to."""
    table: Any = inspect(model).local_table
    left = {
        name: column.default.arg if column.default is not None else None
        for name, column in table.c.items()
        if name not in names and name not in _TOLD and column.computed is None
    }
    sent = [*names, *(name for name, value in left.items() if value is not None)]
    told = [table.c[name] for name in _TOLD]
    statement = insert(table).returning(*told)
    words = statement.compile(dialect=_DRIVER, column_keys=sent)
    return str(words), left


def _dumped(value: Any) -> Any:
    """A value as the driver takes it."""
    if isinstance(value, dict | list):
        return Jsonb(value)
    if isinstance(value, Range):
        return TimestamptzRange(value.lower, value.upper, value.bounds, empty=value.empty)
    return value


TUNED = (
    ("timezone", "UTC"),
    # plans for what is asked, not for the average: only these are stable on skewed data
    ("plan_cache_mode", "force_custom_plan"),
    ("jit", "off"),
    ("work_mem", "64MB"),
)
"""What every connection of ours sets for itself."""


def connect(url: str, *, pool_size: int = 40, **options: Any) -> Engine:
    """An engine for the application's login; binds the house's one session factory to it."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=5,
        hide_parameters=True,
        connect_args={"options": " ".join(f"-c {name}={value}" for name, value in TUNED)},
        **options,
    )
    _ask_after_a_rest(engine)
    _keep_prepared(engine)
    SessionFactory.configure(bind=engine)
    return engine


RESTED_SECONDS = 5.0


def _ask_after_a_rest(engine: Engine) -> None:
    """A connection that lay idle is asked whether it lives; a busy one was just heard of."""

    @event.listens_for(engine, "checkin")
    def rests(_: Any, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def works(connection: Any, record: Any, _: Any) -> None:
        if time.monotonic() - record.info.get("since", 0.0) < RESTED_SECONDS:
            return
        try:
            alive = engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            alive = False
        if not alive:
            raise DisconnectionError


def _keep_prepared(engine: Engine) -> None:
    """What is prepared outlives a refusal; the driver, left alone, would forget all of it.

    It does so for the sake of tables that are gone with the transaction: PostgreSQL itself reads
    a statement anew whose tables have changed.
    """

    @event.listens_for(engine, "rollback")
    def rolls_back(connection: Connection) -> None:
        if connection.invalidated:
            return
        driver: Any = connection.connection.dbapi_connection
        if driver.info.transaction_status in _UNDER_WAY:
            driver.pgconn.exec_(b"ROLLBACK")  # if that fails, the driver's own comes next


_UNDER_WAY = (psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR)


def translated(error: DBAPIError) -> DomainError:
    """The refusal that stands for a database error: by constraint name, else a neutral sentence."""
    diagnosis = getattr(error.orig, "diag", None)
    name = getattr(diagnosis, "constraint_name", None)
    if name in REFUSALS:
        return REFUSALS[name]()
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(error, ProgrammingError) and state == "42501":
        return NotAllowed()
    log.warning("The database refused a change: constraint=%s state=%s", name, state)
    return Refused()


DEADLOCKS = ("40P01", "40001")


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the database refuses into a refusal people can read; other errors pass."""
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError) as error:
        raise translated(error) from error
    except StatementError as error:
        if getattr(error.orig, "sqlstate", None) in DEADLOCKS:
            raise AtOnce from error
        if isinstance(error, DBAPIError):
            raise
        raise Refused from error


@contextmanager
def begin() -> Iterator[Session]:
    """One unit of work: commit at the end, roll back on any error."""
    with refusals(), SessionFactory.begin() as session:
        yield session


@contextmanager
def begin_planned() -> Iterator[Session]:
    """The same with statements, keys and triggers that are planned once and not each time.

    For what writes, and for questions that any vendor's rows answer by the same index: planning
    takes longer than they do. Lists, with their filters, are not among them.
    """
    with refusals(), SessionFactory(info={"plans": "auto"}) as session, session.begin():
        yield session


def saved_with_the_next(session: Session) -> None:
    """Do not wait for the disk: a crash may undo this, and what comes after it finds out.

    For a chunk that is done again when it is missing; the last one of a row has to wait.
    """
    session.execute(text("SET LOCAL synchronous_commit = off"))
