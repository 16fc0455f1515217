"""The house's Celery application for the bench, and one that has nothing to do with the house."""

import os

import redis
from celery import Celery

import tasks.messages  # noqa: F401  the one task that is measured
from tasks.celery import celery_app

celery_app.conf.include = ()

BROKER = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
celery_app.conf.broker_url = BROKER

bare_app = Celery("bare", broker=BROKER)
bare_app.conf.update(
    task_ignore_result=True, worker_send_task_events=False, task_default_queue="bare"
)
_done = redis.Redis.from_url(BROKER)


@bare_app.task(name="bench.nothing")
def nothing(number: int, of: int) -> None:
    """Do nothing; the last one says so."""
    if number == of - 1:
        _done.set("bench.done", "1")
