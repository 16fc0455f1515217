"""The Celery application: what is brought by the relay, how it is acknowledged, what is nightly."""

from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import worker_process_init

from app import garbage
from app.database import connect
from app.settings import settings
from tasks.base import HouseTask

MODULES = (
    "tasks.imports", "tasks.history", "tasks.bulk", "tasks.mail",
    "tasks.waitlist", "tasks.messages",
    "tasks.covers", "tasks.pictures", "tasks.payments", "tasks.receipts",
    "tasks.memberships", "tasks.loyalty", "tasks.coupons", "tasks.nightly", "tasks.outbox",
    "tasks.happenings", "tasks.scores",
    "tasks.kept", "tasks.provider_events", "tasks.pairs",
    "tasks.audiences", "tasks.segments", "tasks.reports", "tasks.figures",
    "tasks.campaigns",
)  # fmt: skip
"""Where tasks live; an outbox row may only name one of them."""

VISIBILITY_SECONDS = 3600

celery_app = Celery("backroom", task_cls=HouseTask, include=list(MODULES))
celery_app.conf.update(
    broker_url=settings().redis_url or "redis://127.0.0.1:6379/0",
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 15,
    },
    result_backend=None,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    event_serializer="json",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    task_default_queue="backroom",
    enable_utc=True,
    timezone="UTC",
    beat_schedule={
        "end-unanswered-offers": {
            "task": "tasks.waitlist.lapse",
            "schedule": crontab(),
            "options": {"expires": 60},
        },
        "tell-what-falls-due": {
            "task": "tasks.happenings.scan",
            "schedule": crontab(),
            "options": {"expires": 60},
        },
        "freshen-usages": {
            "task": "tasks.happenings.freshen_usages",
            "schedule": crontab(minute="*/5"),
            "options": {"expires": 300},
        },
        "freshen-figures": {
            "task": "tasks.figures.freshen",
            "schedule": crontab(),
            "options": {"expires": 60},
        },
        "settle-messages": {
            "task": "tasks.figures.settle_messages",
            "schedule": crontab(hour="2", minute="20"),
            "options": {"expires": 3600},
        },
        "count-hours-of-staff": {
            "task": "tasks.figures.count_hours",
            "schedule": crontab(hour="2", minute="40"),
            "options": {"expires": 3600},
        },
        "let-go-of-coupons": {
            "task": "tasks.coupons.lapse",
            "schedule": crontab(minute="*/5"),
            "options": {"expires": 300},
        },
        "end-covers": {
            "task": "tasks.covers.expire",
            "schedule": crontab(minute="1"),
        },
        "pass-time-for-members": {
            "task": "tasks.memberships.pass_time",
            "schedule": crontab(minute="7"),
            "options": {"expires": 3600},
        },
        "pass-time-for-points": {
            "task": "tasks.loyalty.pass_time",
            "schedule": crontab(minute="17"),
            "options": {"expires": 3600},
        },
        "see-what-is-bought-together": {
            "task": "tasks.pairs.rebuild",
            "schedule": crontab(hour="2", minute="50"),
            "options": {"expires": 3600},
        },
        "count-what-people-did": {
            "task": "tasks.audiences.note_activity",
            "schedule": crontab(minute="*/5"),
            "options": {"expires": 300},
        },
        "tell-demand-of-the-waitlist": {
            "task": "tasks.audiences.note_demand",
            "schedule": crontab(minute="*/5"),
            "options": {"expires": 300},
        },
        "work-out-who-buys": {
            "task": "tasks.audiences.rebuild",
            "schedule": crontab(hour="3", minute="40"),
        },
        "let-campaigns-go-out-again": {
            "task": "tasks.campaigns.repeat_due",
            "schedule": crontab(minute="*/10"),
            "options": {"expires": 600},
        },
        "work-out-segments": {
            "task": "tasks.segments.build_all",
            "schedule": crontab(minute="37"),
            "options": {"expires": 3600},
        },
        "score-customers": {
            "task": "tasks.scores.night",
            "schedule": crontab(hour="0", minute="20"),
            "options": {"expires": 6 * 3600},
        },
        "gather-the-marketplace": {
            "task": "tasks.scores.gather",
            "schedule": crontab(minute="35"),
            "options": {"expires": 3600},
        },
        "check-the-books": {
            "task": "tasks.nightly.check_the_books",
            "schedule": crontab(hour="3", minute="10"),
        },
        "clear-the-outbox": {
            "task": "tasks.outbox.clear",
            "schedule": crontab(hour="4", minute="10"),
        },
        "mail-reports": {
            "task": "tasks.reports.send_due",
            "schedule": crontab(minute="*/5"),
            "options": {"expires": 300},
        },
        "clear-report-runs": {
            "task": "tasks.reports.clear",
            "schedule": crontab(hour="4", minute="40"),
        },
        "clear-kept-messages": {
            "task": "tasks.kept.clear",
            "schedule": crontab(hour="4", minute="20"),
        },
        "clear-call-backs": {
            "task": "tasks.provider_events.clear",
            "schedule": crontab(hour="4", minute="30"),
        },
        "clear-staged-lists": {
            "task": "tasks.imports.clear_left_over",
            "schedule": crontab(hour="4", minute="40"),
        },
        "clear-sign-ins": {
            "task": "tasks.nightly.clear_sign_ins",
            "schedule": crontab(hour="4", minute="50"),
        },
    },
)


@worker_process_init.connect
def connect_worker(**_: Any) -> None:
    """Each worker process has connections of its own: none is shared over a fork."""
    url = settings().database_url
    if url is None:
        raise SystemExit("DATABASE_URL is not set: start the worker with `python -m app worker`.")
    connect(url, pool_size=4)
    garbage.settle()


def send(task: str, *, kwargs: dict[str, Any], task_id: str) -> None:
    """Give a task to the broker, or raise at once when it cannot be reached."""
    celery_app.send_task(task, kwargs=kwargs, task_id=task_id, retry=False)
