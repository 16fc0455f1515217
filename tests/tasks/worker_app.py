"""The house's Celery application with tasks for the tests: they write down that they ran."""

import os
import time
from pathlib import Path

from tasks.celery import celery_app

celery_app.conf.include = ()


@celery_app.task(name="tests.note")
def note(name: str, seconds: float = 0) -> None:
    """Write "begun" and, `seconds` later, "done"."""
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(f"begun {name}\n")
        notes.flush()
        time.sleep(seconds)
        notes.write(f"done {name}\n")
