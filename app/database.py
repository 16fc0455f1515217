"""Where every transaction begins, and learns who is acting."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from app.errors import REFUSALS, AtOnce, DomainError, NotAllowed, Refused
from app.tenancy import current_actor

log = logging.getLogger(__name__)


class AppSession(Session):
    """A session whose every transaction carries the acting role, vendor and user."""


SessionFactory: sessionmaker[AppSession] = sessionmaker(class_=AppSession, expire_on_commit=False)

_CARRY = text(
    "SELECT set_config('role', :role, true), set_config('app.vendor_id', :vendor, true),"
    " set_config('app.user_id', :user, true), set_config('plan_cache_mode', :plans, true)"
)


@event.listens_for(AppSession, "after_begin")
def carry_actor(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """Switch the transaction to the acting role; a savepoint inherits it."""
    actor = current_actor()
    vendor = "" if actor.vendor_id is None else str(actor.vendor_id)
    plans = session.info.get("plans", "force_custom_plan")
    connection.execute(
        _CARRY,
        {"role": actor.role.value, "vendor": vendor, "user": str(actor.user_id), "plans": plans},
    )


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
