"""The house's Celery application with tasks for the tests: they write down that they ran."""

import os
import time
from pathlib import Path

import tasks.messages  # noqa: F401  what the fault tests of messages bring
from tasks.celery import celery_app

celery_app.conf.include = ()


@celery_app.task(name="tests.note")
def note(name: str, killed: bool = False) -> None:
    """Write "begun" and "done"; one that shall be killed waits for that between them, once."""
    with Path(os.environ["NOTES"]).open("a+") as notes:
        notes.seek(0)
        waits = killed and f"begun {name}\n" not in notes.read()
        notes.write(f"begun {name}\n")
        notes.flush()
        time.sleep(600 if waits else 0)
        notes.write(f"done {name}\n")
