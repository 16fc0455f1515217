"""The servers that a command works on: those of the settings, those that run, or embedded ones."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app import schema
from app.embedded import Postgres, Redis, data_dir, running, running_redis
from app.errors import DomainError
from app.settings import Settings, settings


class NoOwner(DomainError):
    sentence = (
        "OWNER_DATABASE_URL is not set: DATABASE_URL names a database of yours,"
        " and only its owner may change or check its structure."
    )


class NoLogin(DomainError):
    sentence = (
        "DATABASE_URL is not set, but OWNER_DATABASE_URL is:"
        " set both, or none for the embedded database."
    )


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the database and the broker answer; no owner where only its login was given."""

    database_url: str
    owner_url: str | None
    redis_url: str | None
    postgres: Postgres | None = None
    redis: Redis | None = None

    @property
    def owner(self) -> str:
        """The owner's URL; refuses `NoOwner`."""
        if self.owner_url is None:
            raise NoOwner
        return self.owner_url

    def told(self) -> dict[str, str]:
        """The settings that child processes need to find the same servers."""
        named = {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
        return {key: value for key, value in named.items() if value}


def postgres_home(var: Path) -> Path:
    """Where the embedded PostgreSQL of an installation lives."""
    return data_dir(var) / "postgres"


def redis_home(var: Path) -> Path:
    """Where the embedded Redis of an installation lives."""
    return data_dir(var) / "redis"


@contextmanager
def servers(*, broker: bool = False, own: bool = False, note: str = "") -> Iterator[Servers]:
    """The servers of this installation, for the length of a command.

    Those named by the settings; else those that another process of this installation runs; else
    embedded ones, started here and stopped at the end. With `own` nobody else's are taken: a
    second demo refuses (`AlreadyRunning`). The settings of this process name them meanwhile.
    """
    known = settings()
    if known.var.exists() and not known.var.is_dir():
        raise DomainError(f"VAR names a file, {known.var}: give it a folder.")
    with ExitStack() as stack:
        database, owner, postgres = _database(known, stack, own=own, note=note)
        redis_url, redis = known.redis_url or None, None
        if broker and redis_url is None:
            redis_url, redis = _broker(known, stack, own=own, note=note)
        found = Servers(database, owner, redis_url, postgres, redis)
        stack.enter_context(_settings(found.told()))
        yield found


def _database(
    known: Settings, stack: ExitStack, *, own: bool, note: str
) -> tuple[str, str | None, Postgres | None]:
    if known.database_url:
        owner_url = known.owner_database_url
        owner = schema.understood(owner_url) if owner_url else None
        return schema.understood(known.database_url), owner, None
    if known.owner_database_url:
        raise NoLogin
    home, postgres = postgres_home(known.var), None
    address = None if own else running(home)
    if address is None:
        log = known.var.absolute() / "logs" / "postgresql.log"
        postgres = stack.enter_context(Postgres.start(home, log=log, note=note))
        address = postgres.address
        schema.prepare(address.url())
    login = address.url(schema.DATABASE, schema.LOGIN)
    return login, address.url(schema.DATABASE, schema.OWNER), postgres


def _broker(known: Settings, stack: ExitStack, *, own: bool, note: str) -> tuple[str, Redis | None]:
    home = redis_home(known.var)
    if not own and (url := running_redis(home)):
        return url, None
    log = known.var.absolute() / "logs" / "redis.log"
    redis = stack.enter_context(Redis.start(home, log=log, note=note))
    return redis.url, redis


@contextmanager
def _settings(told: dict[str, str]) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in told}
    os.environ.update(told)
    settings.cache_clear()
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
        settings.cache_clear()
