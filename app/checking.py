"""What `python -m app check` looks at: settings, servers, structure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import redis
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from app import schema
from app.errors import DomainError
from app.gateways import mail, push, sms
from app.installation import Servers
from app.settings import settings

OLDEST_REDIS = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do when it is not fine."""

    what: str
    fine: bool
    sentence: str


class Wrong(DomainError):
    """Something is not as it must be."""


def findings(servers: Servers) -> Iterator[Finding]:
    """Look at everything, one finding after the other; one that fails does not hide the next."""
    looks: tuple[tuple[str, Callable[[Servers], str]], ...] = (
        ("configuration", _configuration),
        ("database", _database),
        ("login", _login),
        ("migrations", _migrations),
        ("drift", _drift),
        ("Redis", _redis),
        ("mail", _mail),
        ("SMS", lambda _: sms.gateway().check()),
        ("push", lambda _: push.gateway().check()),
    )
    for what, look in looks:
        try:
            yield Finding(what, True, look(servers))
        except DomainError as refusal:
            yield Finding(what, False, str(refusal))
        except DBAPIError:
            yield Finding(what, False, "The database does not answer this: is it up and migrated?")


def _configuration(servers: Servers) -> str:
    known = settings()
    if known.secret_key is not None and len(known.secret_key) < 32:
        raise Wrong("SECRET_KEY is too short: give it 32 random characters or more.")
    if known.secret_key is None and servers.postgres is None and known.database_url:
        return "settings are understood; SECRET_KEY is not set, `serve` needs it"
    return "settings are understood"


def _database(servers: Servers) -> str:
    version = schema.server_version(servers.database_url)
    if version < schema.OLDEST_SERVER:
        raise Wrong(f"PostgreSQL {version} is too old: {schema.OLDEST_SERVER} or newer is needed.")
    return f"PostgreSQL {version} answers"


def _login(servers: Servers) -> str:
    """Row security binds neither superusers nor owners, so the application may be neither."""
    query = text(
        "SELECT rolsuper OR rolbypassrls OR EXISTS (SELECT FROM pg_class c"
        " WHERE c.relowner = r.oid AND c.relkind = 'r')"
        " FROM pg_roles r WHERE rolname = current_user"
    )
    engine = create_engine(servers.database_url, poolclass=NullPool)
    with engine.connect() as connection:
        if connection.scalar(query):
            raise Wrong(
                "DATABASE_URL signs in as a superuser or as the tables' owner, whom row security"
                " does not bind: use a login of its own."
            )
    return "the application's login owns nothing"


def _migrations(servers: Servers) -> str:
    missing = schema.pending(servers.database_url)
    if missing:
        raise Wrong(f"{len(missing)} migrations are pending: run `python -m app migrate`.")
    return "none pending"


def _drift(servers: Servers) -> str:
    differences = schema.drift(servers.owner)
    if differences:
        raise Wrong(
            f"The database differs from the models in {len(differences)} places,"
            f" the first: {differences[0][:300]}."
        )
    return "the database is what the models say"


def _redis(servers: Servers) -> str:
    try:
        with redis.Redis.from_url(servers.redis_url or "", socket_timeout=5) as broker:
            version = str(broker.info("server")["redis_version"])
    except (redis.RedisError, ValueError) as error:
        raise Wrong("Redis does not answer: check REDIS_URL, and that it runs.") from error
    if int(version.split(".", maxsplit=1)[0]) < OLDEST_REDIS:
        raise Wrong(f"Redis {version} is too old: {OLDEST_REDIS} or newer is needed.")
    return f"Redis {version} answers"


def _mail(_: Servers) -> str:
    return mail.gateway().check() if settings().sends_mail else "nothing is sent: SMTP_URL is empty"
